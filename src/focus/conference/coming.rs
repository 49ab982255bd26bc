//! Members come, change and go.

use std::time::Duration;

use super::super::Connection;
use super::super::caps;
use super::super::context::Context;
use super::super::floods::{About, Kind};
use super::super::problems;
use super::super::timers::Timer;
use super::features::Features;
use super::invite::Invite;
use super::member::{Disregarded, Member, is_visitor};
use super::moderation::is_moderator;
use super::{Conference, MemberId};
use crate::wire::Jid;
use crate::wire::presence::Presence;
use crate::wire::values::{EndpointId, PresenceType};

/// How long whoever has come and gone too often waits until it is looked at again.
const HELD_BACK: Duration = Duration::from_secs(3);

/// So many who have the name of somebody else are remembered: names are drawn at random, and made up by few.
const MAX_SHADOWED: usize = 100;

/// The status with which a client says that it only changes rooms (spec/10 §5.2).
const SWITCH_ROOM: &str = "switch_room";

impl Conference {
    /// A presence of somebody else in the room on a connection, in its order. True: somebody came or went.
    pub(super) fn member_presence(&mut self, cx: &mut Context, on: Connection, presence: &Presence) -> bool {
        let Some(nick) = presence.from.as_ref().and_then(Jid::resource) else { return false };
        let known = self.member_by_nick(on, nick);
        match (presence.kind, known) {
            // In rooms of visitors everybody else is in the main room, too.
            (None, None) if on != self.seat.on && !is_visitor(presence) => false,
            (None, None) => match self.make_way(cx, on, nick) {
                true => {
                    self.member_came(cx, on, presence);
                    true
                }
                false => {
                    self.shadow(on, presence);
                    false
                }
            },
            (None, Some(id)) if self.members.get(id).is_some_and(|member| member.is_replaced_by(presence)) => {
                self.member_replaced(cx, on, id, presence);
                true
            }
            (None, Some(id)) => {
                let was_hidden = self.members.get(id).is_some_and(|member| member.real_jid.is_none());
                let shown = self.members.get(id).and_then(|member| member.videos.clone());
                let led = self.members.get(id).is_some_and(is_moderator);
                let trusted = cx.config.xmpp.trusted_domains.as_slice();
                let disregarded = self.members.update(id, presence, trusted);
                self.tell_disregarded(cx, id, disregarded);
                if was_hidden {
                    if let Some(member) = self.members.get(id).filter(|member| member.real_jid.is_some()) {
                        self.found_at(cx, member);
                        cx.problems.solve(problems::Kind::AnonymousRoom, member.occupant.domain());
                    }
                    self.grant_if_authenticated(cx, id);
                }
                // Who led could have on what is moderated.
                if led && self.members.get(id).is_some_and(|member| !is_moderator(member)) {
                    self.enforce_and_tell(cx, id);
                }
                if self.members.get(id).is_some_and(|member| member.videos != shown) {
                    self.enforce_videos(cx, id);
                }
                self.publish_sender_limits(cx);
                self.weigh(cx);
                false
            }
            (Some(PresenceType::Unavailable), Some(id)) => {
                let switching = presence.status.as_deref().is_some_and(|status| status.trim() == SWITCH_ROOM);
                self.member_left(cx, id, switching);
                self.admit_shadowed(cx);
                true
            }
            (Some(PresenceType::Unavailable), None) => {
                self.shadowed.retain(|(of, shadowed)| *of != on || shadowed.from != presence.from);
                false
            }
            _ => false,
        }
    }

    /// Somebody else has this one's name: it is looked at again when that one has gone.
    fn shadow(&mut self, on: Connection, presence: &Presence) {
        self.shadowed.retain(|(of, shadowed)| *of != on || shadowed.from != presence.from);
        if self.shadowed.len() < MAX_SHADOWED {
            self.shadowed.push((on, presence.clone()));
        }
    }

    /// To be called after somebody has gone: whoever has the same name has a place now.
    pub(super) fn admit_shadowed(&mut self, cx: &mut Context) {
        if self.has_ended() {
            return;
        }
        for (on, presence) in std::mem::take(&mut self.shadowed) {
            self.member_presence(cx, on, &presence);
        }
    }

    /// A room is lost, and whoever was in it.
    pub(super) fn forget_shadowed(&mut self, on: Connection) {
        self.shadowed.retain(|(of, _)| *of != on);
    }

    /// A name is that of one endpoint in all rooms of a conference. Where two have it, it is that of the one in the main room,
    /// then of the one who came first. False: a newcomer does not get it.
    fn make_way(&mut self, cx: &mut Context, on: Connection, nick: &str) -> bool {
        let Some(id) = self.members.id_of(nick) else { return true };
        self.story.decided(cx.now, "two of one name, one of them a visitor");
        say!(self, warn, participant = nick; "{nick} is there twice, in the main room and as a visitor");
        if on != self.seat.on {
            return false;
        }
        // Before that visitor goes, who may be the only one there.
        self.visitors.opened = true;
        let was_unknown = self.is_unknown(id);
        self.visitors_left(cx, &[id]);
        if was_unknown {
            caps::left(cx, (self.id, id));
        }
        true
    }

    fn member_came(&mut self, cx: &mut Context, on: Connection, presence: &Presence) {
        let Some(occupant) = presence.from.clone() else { return };
        let Some(nick) = occupant.resource().map(EndpointId::from) else { return };
        let id = MemberId(cx.unique());
        let mut member = Member::new(id, nick, occupant.clone(), on);
        let disregarded = member.update(presence, true, &cx.config.xmpp.trusted_domains);
        say!(self, info, participant = member.nick; "Member joined: {}", member.nick);
        self.warn_of_hidden(cx, &member);
        self.found_at(cx, &member);
        self.moderation.member_came(&member);
        self.members.insert(member);
        self.tell_disregarded(cx, id, disregarded);
        self.weigh(cx);
        match on.node() {
            Some(node) => self.visitors.came(node, cx),
            None => {
                self.visitors.opened = true;
                let address = self.members.get(id).and_then(|member| member.real_jid.as_ref());
                self.promised.came(address);
            }
        }
        // Visitors may be there before everybody else. Once somebody was in the main room, they hold nothing up.
        if on == self.seat.on || !self.visitors.opened {
            cx.timers.cancel(self.start.take());
        }
        self.publish_sender_limits(cx);
        self.grant_if_authenticated(cx, id);
        self.find_place(cx, id);
    }

    /// Finds out what a member supports.
    pub fn discover(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get(id) else { return };
        let (on, occupant, caps) = (member.on, member.occupant.clone(), member.caps.clone());
        if let Some(features) = caps::discover(cx, (self.id, id), on, &occupant, caps.as_ref()) {
            self.features_known(cx, id, features);
        }
    }

    /// Somebody may wonder why it has no effect.
    fn tell_disregarded(&mut self, cx: &mut Context, id: MemberId, mut disregarded: Vec<Disregarded>) {
        let Some(member) = self.members.get_mut(id) else { return };
        disregarded.retain(|what| member.is_news(what));
        let nick = &member.nick;
        for what in disregarded {
            match what {
                Disregarded::Role { from, to } => {
                    say!(self, warn, participant = nick; "{nick} went from {from:?} to {to:?}: ignored");
                }
                Disregarded::Untrusted { domain } => {
                    let domain = domain.as_deref().unwrap_or("(hidden)");
                    say!(
                        self, warn, participant = nick;
                        "{nick} says it is a recorder, gateway or transcriber, but its domain {domain} is not in \
                         jicofo.xmpp.trusted-domains: an ordinary participant"
                    );
                    cx.problems.raise_for(cx.now, problems::Kind::JibriUntrusted, domain, id.0, || {
                        format!(
                            "a recorder, gateway or transcriber logs in at {domain}, which is not trusted; it counts as an \
                             ordinary participant; if it is yours, write xmpp.trusted-domains += \"{domain}\""
                        )
                    });
                }
            }
        }
    }

    /// It is known what a member supports: it can be invited.
    pub fn features_known(&mut self, cx: &mut Context, id: MemberId, features: Features) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.features = Some(features);
        self.invite_due(cx, id);
    }

    /// A newcomer is asked what it supports and then invited, unless it has come and gone too often lately: then a while
    /// later. It is held up before the question, which costs as much as it does to come.
    pub fn find_place(&mut self, cx: &mut Context, id: MemberId) {
        let may = self.may_have_a_place(cx, id);
        let Some(member) = self.members.get_mut(id) else { return };
        member.held_back = None;
        if !may {
            member.held_back = Some(cx.timers.set(cx.now + HELD_BACK, Timer::FindPlace(self.id, id)));
            self.story.decided(cx.now, "came and went too often: no place yet");
            return;
        }
        self.discover(cx, id);
    }

    /// Whether somebody may have one more endpoint on a bridge, and an offer, now.
    pub(super) fn may_have_a_place(&mut self, cx: &mut Context, id: MemberId) -> bool {
        let members = self.members.len();
        let Some(member) = self.members.get(id) else { return false };
        let payer = cx.payer_of(member);
        let admitted = cx.floods.admit(cx.now, &payer, Kind::Place, Some((&mut self.purse, members)));
        if !admitted {
            let room = self.room.as_jid().as_str();
            let about = About { room, meeting: self.meeting.as_str(), participant: member.nick.as_str() };
            cx.floods.tell_refused(cx.now, &payer, Kind::Place, &about);
        }
        admitted
    }

    /// Whether it is not known yet what a member supports.
    fn is_unknown(&self, id: MemberId) -> bool {
        self.members.get(id).is_some_and(|member| member.features.is_none())
    }

    /// A member is gone, however it went.
    fn member_left(&mut self, cx: &mut Context, id: MemberId, switching: bool) {
        let looked_on = self.members.get(id).is_some_and(|member| member.on != self.seat.on);
        if let Some(member) = self.members.get(id) {
            say!(self, info, participant = member.nick; "Member left: {}", member.nick);
            if member.is_participant() {
                say!(self, info, participant = member.nick; "Terminating {}, reason: gone", member.nick);
            }
        }
        let nick = self.members.get(id).map(|member| member.nick.clone());
        let was_unknown = self.is_unknown(id);
        self.forget_member(cx, id);
        if let Some(nick) = nick {
            // Nobody is told: clients drop its sources by themselves (spec/30 §6.8).
            self.signals.left(&nick);
        }
        self.after_leave(cx);
        if looked_on {
            self.end_if_awaited_in_vain(cx);
        } else if self.members.in_main_room() == 0 {
            self.empty(cx, switching);
        }
        // Unless that was the end for whoever waits for the answer, too.
        if was_unknown && !self.has_ended() {
            caps::left(cx, (self.id, id));
        }
    }

    /// Visitors are out of the conference, though their room did not say so of each.
    pub(super) fn visitors_left(&mut self, cx: &mut Context, ids: &[MemberId]) {
        for id in ids {
            let Some(member) = self.members.get(*id) else { continue };
            let nick = member.nick.clone();
            say!(self, info, participant = nick; "Terminating {nick}, reason: its room is lost");
            self.forget_member(cx, *id);
            self.signals.left(&nick);
        }
        self.after_leave(cx);
        self.end_if_awaited_in_vain(cx);
    }

    /// Ends the conference if its last visitor has gone before anybody was in the main room. Otherwise visitors end nothing: it
    /// is the main room that ends it, when nobody is there any more (spec/60 §6.9).
    fn end_if_awaited_in_vain(&mut self, cx: &mut Context) {
        if !self.visitors.opened && self.members.is_empty() && self.start.is_none() {
            self.empty(cx, false);
        }
    }

    fn after_leave(&mut self, cx: &mut Context) {
        self.publish_sender_limits(cx);
        self.weigh(cx);
        self.publish_visitors(cx);
        // Also where he was no participant yet: who is left was invited because of him.
        self.watch_for_loneliness(cx);
    }

    /// Another client of the same user has taken over a member's name before the room heard that the one before left, so it
    /// never says that (spec/20 §4.1): nobody dropped what that one sent, and it is the new one that needs a session.
    fn member_replaced(&mut self, cx: &mut Context, on: Connection, id: MemberId, presence: &Presence) {
        self.story.decided(cx.now, "another client has taken over that name: invited anew");
        if let Some(member) = self.members.get(id) {
            say!(self, info, participant = member.nick; "Another client has taken over from {}", member.nick);
        }
        let was_unknown = self.is_unknown(id);
        self.drop_participant(cx, id, Invite::Idle);
        self.forget_member(cx, id);
        if was_unknown {
            caps::left(cx, (self.id, id));
        }
        self.watch_for_loneliness(cx);
        self.publish_visitors(cx);
        self.member_came(cx, on, presence);
    }

    /// A member shows its address.
    fn found_at(&self, cx: &mut Context, member: &Member) {
        if let Some(address) = &member.real_jid {
            cx.addresses.entry(address.clone()).or_default().insert((self.id, member.id));
        }
    }

    fn not_found_any_more(&self, cx: &mut Context, member: &Member) {
        let Some(address) = &member.real_jid else { return };
        let Some(places) = cx.addresses.get_mut(address) else { return };
        places.remove(&(self.id, member.id));
        if places.is_empty() {
            cx.addresses.remove(address);
        }
    }

    /// Nothing of a member stays, and nobody is told of it here.
    pub(super) fn forget_member(&mut self, cx: &mut Context, id: MemberId) {
        self.release_endpoint(cx, id);
        let asked = cx.pending.forget_member(self.id, id);
        cx.forget_requests(asked);
        let Some(member) = self.members.remove(id) else { return };
        self.not_found_any_more(cx, &member);
        cx.problems.cause_gone(id.0);
        if let Some(node) = member.on.node()
            && self.visitors.gone(node)
        {
            self.watch_for_visitors(cx, node);
        }
        if let Some(participation) = member.invite.participation() {
            cx.metrics.participant_ended(cx.now, participation.since);
            say!(self, info, participant = member.nick; "Removed participant {}", member.nick);
        }
        cx.timers.cancel(member.flush);
        cx.timers.cancel(member.next_endpoint);
        cx.timers.cancel(member.held_back);
        if let Some(session) = member.invite.session() {
            self.sessions.remove(&session.sid);
        }
        self.sources.remove_owner(&member.nick);
        self.signals.forget(&member.nick);
        self.owner_left(cx, id);
    }
}
