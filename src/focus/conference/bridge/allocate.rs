//! Choosing a bridge for a participant, asking it for an endpoint, and what its answer means (spec/40 §5.1, §8.1).

use std::time::Duration;

use super::super::invite::{Invite, Task, Terminate};
use super::super::member::{Member, Role};
use super::super::{AttemptId, Conference, EndpointKey, MemberId, SessionKey};
use super::leaving::LeaveBridge;
use super::retry::{FIRST_RETRY, Setback};
use super::{BridgeSession, EndpointState};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::bridges::select::{ConferenceBridge, NoBridge, Reason, Selected, Wanted};
use crate::focus::colibri::answer::{self, AllocationFailure};
use crate::focus::colibri::request::{self, NewConference, NewEndpoint};
use crate::focus::conference::features::Features;
use crate::focus::conference::view::View;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Creates, Then};
use crate::focus::time::Timestamp;
use crate::wire::colibri2::Capability;

/// What a bridge is told that a participant's endpoint can.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    pub ssrc_rewriting: bool,
    pub rtp_mid_demux: bool,
    pub private_addresses: bool,
}

impl Abilities {
    pub fn of(cx: &Context, member: &Member) -> Abilities {
        let features = member.features.unwrap_or(Features::UNANSWERED);
        let ssrc_rewriting = View::of(features, &cx.config.conference).rewriting;
        Abilities {
            ssrc_rewriting,
            rtp_mid_demux: ssrc_rewriting
                && cx.config.conference.use_rtp_mid_demux
                && cx.config.codec.rtp_extensions.mid.enabled
                && features.has(Features::RTP_MID_DEMUX),
            private_addresses: (member.kind.jibri && cx.config.jibri.use_private_address_connectivity)
                || (member.kind.jigasi && cx.config.jigasi.use_private_address_connectivity),
        }
    }

    pub fn capabilities(self) -> Vec<Capability> {
        request::capabilities(self.ssrc_rewriting, self.rtp_mid_demux, self.private_addresses)
    }
}

/// How many bridges the log tells of when one is chosen.
const EXPLAINED: usize = 5;

/// So long clients are not told that there is no bridge because we see none: to them it is fatal, and we, or the bridges, may be in
/// the brewery again in seconds (spec/50 §6.5).
const HIDDEN: Duration = Duration::from_secs(30);

/// So long a bridge may take to confirm that it let go of a conference. Most take milliseconds.
const LETS_GO: Duration = Duration::from_secs(2);

/// What is to be done for an endpoint that needs a bridge.
pub(super) enum Choice {
    Take(Selected),
    /// That one would be taken, but has not let go of the conference yet, or cannot be reached. Whoever ends the wait looks for
    /// who waits.
    Held(BridgeId),
    /// The one that would be taken is not to be asked before.
    Later(Timestamp),
    /// None of the conference's bridges takes anybody now, for this reason, and no other may be added.
    Wait(String),
    /// There is none.
    None(NoBridge),
}

/// How an allocation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    Asked,
    NoBridge,
}

impl Conference {
    /// Selects a bridge and asks it for an endpoint. Nothing is awaited: requests to one bridge are carried out in order.
    pub(in crate::focus::conference) fn allocate(
        &mut self,
        cx: &mut Context,
        id: MemberId,
        attempt: AttemptId,
    ) -> Placement {
        let Some(bridge) = self.select_bridge(cx, id) else { return Placement::NoBridge };
        if let Some(nick) = self.members.get(id).map(|member| member.nick.clone()) {
            self.tell_ends_first(cx, &nick);
        }
        let visitor = self.members.get(id).is_some_and(|member| member.role == Role::Visitor);
        let known = self.bridges.on(&bridge).map(|session| session.key);
        let key = known.unwrap_or_else(|| self.open_session(cx, bridge.clone(), visitor));
        let creates = known.is_none();
        // Where only its transport is replaced its sources stay.
        let sends_forbidden = self.members.get(id).is_some_and(|member| self.sends_forbidden(member));
        let Some(session) = self.bridges.get_mut(key) else { return Placement::NoBridge };
        let Some(member) = self.members.get_mut(id) else { return Placement::NoBridge };
        let mut force_mute = self.moderation.force_mute_at_start(member);
        force_mute.video |= sends_forbidden;
        session.endpoints.insert(attempt, id);
        session.recent.add(cx.now, cx.config.bridge.max_bridge_participants_interval);
        member.moved_off = Vec::new();
        member.moves_for_load = false;
        self.members.set_endpoint(id, Some(EndpointState::new(key, attempt, force_mute)));
        cx.bridges.endpoint_allocated(cx.now, &bridge, &cx.config.bridge);
        let conference =
            creates.then(|| NewConference { name: self.room.as_jid().to_string(), rtcstats: self.properties.rtcstats });
        self.ask_for_endpoint(cx, id, attempt, conference.as_ref());
        if creates {
            self.link_session(cx, key);
        }
        self.weigh(cx);
        if creates {
            self.publish_bridge_count(cx);
            self.call_who_waits(cx, id);
        } else {
            self.show_endpoint(cx, id);
        }
        Placement::Asked
    }

    /// Asks the bridge on which a participant is placed for its endpoint.
    pub(super) fn ask_for_endpoint(
        &self,
        cx: &mut Context,
        id: MemberId,
        attempt: AttemptId,
        conference: Option<&NewConference>,
    ) {
        let Some(member) = self.members.get(id) else { return };
        let (Some(session), Some(state)) = (self.session_of(id), &member.endpoint) else { return };
        let abilities = Abilities::of(cx, member);
        let codecs = cx.codecs.get(member.features.unwrap_or(Features::UNANSWERED), &cx.config);
        let endpoint = NewEndpoint {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            codecs: &codecs,
            visitor: member.role == Role::Visitor,
            diarize: member.diarize,
            ssrc_rewriting: abilities.ssrc_rewriting,
            rtp_mid_demux: abilities.rtp_mid_demux,
            private_addresses: abilities.private_addresses,
            force_mute: state.force_mute(),
            sources: &self.sources.of(&member.nick),
        };
        let modify = request::allocate(&self.meeting, conference, endpoint);
        let creates = if conference.is_some() { Creates::Conference } else { Creates::Nothing };
        let then = Then::Allocated(self.id, session.key, EndpointKey { member: id, attempt }, creates);
        cx.ask_bridge(&session.bridge, modify, then);
    }

    /// The bridge answered an allocation, or did not.
    pub(in crate::focus) fn allocated(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        about: EndpointKey,
        creates: Creates,
        answered: &Answer,
    ) {
        let id = about.member;
        if !self.is_allocating(about) {
            if creates == Creates::Conference {
                self.created_for_others(cx, key, answered);
            }
            return;
        }
        let (Some(member), Some(session)) = (self.members.get(id), self.bridges.get_mut(key)) else { return };
        if *answered == Answer::Unheard {
            let confirmed = session.confirmed;
            return self.allocation_unheard(cx, key, about, confirmed);
        }
        let features = member.features.unwrap_or(Features::UNANSWERED);
        let sctp = cx.codecs.get(features, &cx.config).data;
        match answer::allocation(&member.nick, sctp, answered.as_colibri()) {
            Ok(allocated) => {
                session.confirmed = true;
                if let Some(feedback) = &allocated.feedback {
                    session.feedback = feedback.clone();
                }
                if let Some(member) = self.members.get_mut(id) {
                    member.tried_another = false;
                }
                self.offer(cx, id, &allocated);
            }
            Err(failure) => self.allocation_failed(cx, id, failure, answered),
        }
    }

    /// Whether this is the endpoint that its participant waits for.
    fn is_allocating(&self, about: EndpointKey) -> bool {
        let EndpointKey { member: id, attempt } = about;
        let Some(member) = self.members.get(id) else { return false };
        let waits = member.invite.participation().is_some_and(|it| it.task == Task::Allocating(attempt));
        waits && member.endpoint.as_ref().is_some_and(|endpoint| endpoint.attempt == attempt)
    }

    /// The bridge was asked for the conference with the first endpoint, which nobody waits for any more. Others who were asked for
    /// behind it may have been given theirs in what the bridge had left of an earlier conference.
    fn created_for_others(&mut self, cx: &mut Context, key: SessionKey, answered: &Answer) {
        let Some(session) = self.bridges.get_mut(key) else { return };
        if *answered == Answer::Unheard {
            if !session.confirmed {
                self.leave_session(cx, key, LeaveBridge::Unheard);
            }
            return;
        }
        let failure = match answer::creation(answered.as_colibri()) {
            Ok(feedback) => {
                session.confirmed = true;
                if let Some(feedback) = feedback {
                    session.feedback = feedback;
                }
                return;
            }
            // What is wrong with an endpoint that nobody waits for.
            Err(failure) if !failure.removes_session() => return,
            Err(failure) => failure,
        };
        let bridge = session.bridge.clone();
        // The words of the error may be about somebody who has gone.
        say!(self, warn, "{} did not make the conference: {failure:?}", bridge.jid);
        self.bridge_failed(cx, &bridge, failure);
        self.story.decided(cx.now, "the bridge did not make the conference");
        cx.metrics.bridges_removed += 1;
        self.leave_session(cx, key, LeaveBridge::AfterSetback);
    }

    /// What the failure of an allocation says of the bridge.
    fn bridge_failed(&self, cx: &mut Context, bridge: &BridgeId, failure: AllocationFailure) {
        if failure.marks_bridge() {
            cx.bridges.failed(cx.now, bridge);
        }
        if failure == AllocationFailure::GracefulShutdown {
            cx.bridges.refused_gracefully(bridge);
        }
        if failure == AllocationFailure::NotImplemented {
            say!(
                self,
                error,
                "{}: the bridge lacks what it was asked for. If it has no SCTP, set jicofo.sctp.enabled = false here, or \
                 enable SCTP on the bridge",
                bridge.jid
            );
        }
    }

    /// The request died with our connection (spec/50 §3.3, "Improve"): the bridge is as good as before, and whoever is on it
    /// stays. Only what was in flight is asked for again; if the bridge has no endpoint of ours yet, that is all that there is, and
    /// since it may have made the conference or not, it is to let go of it first.
    fn allocation_unheard(&mut self, cx: &mut Context, key: SessionKey, about: EndpointKey, confirmed: bool) {
        match confirmed {
            true => self.repeat_allocation(cx, key, about),
            false => self.leave_session(cx, key, LeaveBridge::Unheard),
        }
    }

    /// Carries out a row of spec/40 §8.1.
    fn allocation_failed(&mut self, cx: &mut Context, id: MemberId, failure: AllocationFailure, answered: &Answer) {
        let Some(session) = self.session_of(id) else { return };
        let (key, bridge) = (session.key, session.bridge.clone());
        let nick = self.members.get(id).map(|member| member.nick.to_string()).unwrap_or_default();
        say!(
            self, warn, participant = nick;
            "{} gave no endpoint for {nick}: {failure:?}{}", bridge.jid, answered.detail()
        );
        self.bridge_failed(cx, &bridge, failure);
        self.story.decided(cx.now, "the bridge gave no endpoint");
        if failure.removes_session() {
            cx.metrics.bridges_removed += 1;
            self.leave_session(cx, key, LeaveBridge::AfterSetback);
            return;
        }
        if failure == AllocationFailure::BridgeLeft {
            // The bridge is gone, and its presence will say so; another may do at once, and this one is not asked for a while.
            self.release_endpoint(cx, id);
            if let Some(participation) = self.participation(id) {
                participation.task = Task::AwaitingBridge;
            }
            self.setbacks.count(cx.now, &bridge, Setback::Waits);
            self.place(cx, id);
            self.seek_later(cx, &bridge);
            return;
        }
        if failure.may_differ_elsewhere() && self.tries_another(cx, id, &bridge) {
            return;
        }
        // Whoever was to have its transport replaced has a session yet.
        self.terminate(cx, id, Terminate::Failed);
        self.drop_participant(cx, id, Invite::Failed);
        if self.bridges.len() == 0 {
            // On another bridge they may all be served.
            cx.stranded.insert(self.id);
        }
    }

    /// A bridge left out of its answer what has to be in it: the participant goes to another, once, if there is one for it.
    fn tries_another(&mut self, cx: &mut Context, id: MemberId, bridge: &BridgeId) -> bool {
        let Some(member) = self.members.get_mut(id) else { return false };
        if std::mem::replace(&mut member.tried_another, true) {
            return false;
        }
        self.release_endpoint(cx, id);
        self.note_left(id, bridge);
        if self.would_take(cx, id).is_none_or(|other| other.jid == bridge.jid) {
            if let Some(member) = self.members.get_mut(id) {
                member.moved_off = Vec::new();
            }
            return false;
        }
        self.story.decided(cx.now, "the bridge left out what has to be in its answer: another one is asked");
        if let Some(participation) = self.participation(id) {
            participation.task = Task::AwaitingBridge;
        }
        let was_last = self.bridges.len() == 0;
        self.place(cx, id);
        if was_last {
            // Whom that bridge could not serve before.
            self.invite_failed_again(cx);
        }
        true
    }

    /// The bridge for the next endpoint. What is found is published: clients are told when there is none at all (spec/50
    /// §6.5).
    fn select_bridge(&mut self, cx: &mut Context, id: MemberId) -> Option<BridgeId> {
        let nick = self.members.get(id)?.nick.clone();
        let sessions = self.conference_bridges(cx);
        let avoid = self.avoided(cx, id);
        let wanted = self.wanted(id, &sessions, &avoid)?;
        let choice = self.choose(cx, wanted);
        // What was there before under this meeting is over, of which it may not have heard: it is asked to let go first.
        if let Choice::Take(Selected { bridge, .. }) = &choice
            && self.bridges.on(bridge).is_none()
            && let Some(before) = self.before_us(cx, bridge)
        {
            self.is_over_there(cx, bridge, before);
            return self.select_bridge(cx, id);
        }
        cx.metrics.bridge_selections_rate_limited += u64::from(wanted.is_rate_limited(&cx.config));
        // Longer than a line only if somebody reads it, and if it brings the conference to a bridge where it was not.
        let ours = |selected: &Selected| self.bridges.on(&selected.bridge).is_some();
        if log::log_enabled!(log::Level::Debug) && !matches!(&choice, Choice::Take(selected) if ours(selected)) {
            say!(self, debug, participant = nick; "{}", cx.bridges.explain(cx.now, &cx.config, wanted).brief(EXPLAINED));
        }
        match choice {
            Choice::Take(Selected { bridge, reason }) => {
                self.set_bridge_not_available(cx, false);
                self.setbacks.waits = 0;
                // Whoever was to be called at the next chance: this is one, and there may be no other.
                if cx.stranded.remove(&self.id) {
                    self.call_who_waits(cx, id);
                }
                say!(self, debug, participant = nick; "{nick} on {}: {reason}", bridge.jid);
                self.story.chose(cx.now, &bridge.jid, reason);
                Some(bridge)
            }
            Choice::Held(bridge) => {
                self.set_bridge_not_available(cx, false);
                cx.stranded.insert(self.id);
                self.let_go_again(cx, &bridge);
                let since = self.setbacks.expiring.get(&bridge).filter(|since| cx.now < **since + LETS_GO);
                if let Some(since) = since.copied() {
                    self.seek_at(cx, since + LETS_GO);
                }
                None
            }
            Choice::Later(until) => {
                self.set_bridge_not_available(cx, false);
                cx.stranded.remove(&self.id);
                self.seek_at(cx, until);
                None
            }
            Choice::Wait(why) => {
                let Some(bridge) = self.to_be_tried(cx, wanted) else {
                    self.wait_for_ours(cx, &why);
                    return None;
                };
                self.setbacks.waits = 0;
                say!(self, info, participant = nick; "{nick} on {}, if it answers: {why}", bridge.jid);
                self.story
                    .decided(cx.now, "asks a bridge that is not operational: it answers, or is left for a free one");
                Some(bridge)
            }
            Choice::None(none) => {
                cx.stranded.insert(self.id);
                let hidden_until = cx.bridges_hidden.map(|since| since + HIDDEN);
                if let Some(until) = hidden_until.filter(|until| cx.now < *until) {
                    self.story.decided(cx.now, "no bridge is seen yet in the brewery: waits");
                    self.seek_at(cx, until);
                    return None;
                }
                // Once, not for each of hundreds who wait.
                if self.set_bridge_not_available(cx, true) {
                    // The first words are those that people look for (spec/80 §8).
                    match cx.bridges.iter().any(|bridge| bridge.operational(cx.now, &cx.config.bridge)) {
                        true => say!(self, warn, "{none}"),
                        false => say!(self, warn, "There are no operational bridges. {none}"),
                    }
                    self.story.decided(cx.now, "there is no bridge: waits for one");
                }
                None
            }
        }
    }

    /// The bridge to which the next endpoint of this participant would go now. Changes nothing.
    pub(in crate::focus) fn would_take(&self, cx: &Context, id: MemberId) -> Option<BridgeId> {
        let (sessions, avoid) = (self.conference_bridges(cx), self.avoided(cx, id));
        match self.choose(cx, self.wanted(id, &sessions, &avoid)?) {
            Choice::Take(selected) => Some(selected.bridge),
            _ => None,
        }
    }

    pub(super) fn wanted<'a>(
        &'a self,
        id: MemberId,
        conference: &'a [ConferenceBridge],
        avoid: &'a [BridgeId],
    ) -> Option<Wanted<'a>> {
        let member = self.members.get(id)?;
        Some(Wanted {
            conference,
            region: member.region.as_deref(),
            visitor: member.role == Role::Visitor,
            pinned_version: self.pinned_version.as_deref(),
            avoid,
            without: &[],
        })
    }

    /// Where a participant does not go if there is anywhere else.
    pub(super) fn avoided(&self, cx: &Context, id: MemberId) -> Vec<BridgeId> {
        let moved_off = self.members.get(id).map(|member| &member.moved_off);
        moved_off.into_iter().flatten().chain(self.setbacks.failing(cx.now)).cloned().collect()
    }

    /// What is to be done for the next endpoint.
    pub(super) fn choose(&self, cx: &Context, wanted: Wanted<'_>) -> Choice {
        let selected = cx.bridges.select(cx.now, &cx.config, wanted);
        // To go back is better than to go nowhere.
        let selected = selected.or_else(|none| match wanted.avoid.is_empty() {
            true => Err(none),
            false => cx.bridges.select(cx.now, &cx.config, Wanted { avoid: &[], ..wanted }),
        });
        let Selected { bridge, mut reason } = match selected {
            Ok(selected) => selected,
            Err(none) if wanted.conference.is_empty() => return Choice::None(none),
            Err(none) => {
                // One that takes endpoints is better than to wait for what may never come: that of several one is left.
                let why = "of the conference, as the strategy finds none";
                let ours = self.least_of_ours(cx, wanted, why);
                return ours.map_or_else(|| Choice::Wait(none.to_string()), Choice::Take);
            }
        };
        let is_ours = self.bridges.on(&bridge).is_some();
        let is_apart = |bridge: &BridgeId| self.bridges.len() > 0 && !self.can_be_linked(cx, bridge);
        if !is_ours && is_apart(&bridge) {
            return Choice::Wait(format!("{} can't be linked with ours", bridge.jid));
        }
        if !cx.is_connected(cx.bridge_connection()) {
            return Choice::Held(bridge);
        }
        if let Some(until) = self.setbacks.blocked_until(cx.now, &bridge) {
            let why = "of the conference, as the better one has failed it just now";
            let ours = self.least_of_ours(cx, wanted, why);
            return ours.or_else(|| self.second_best(cx, wanted)).map_or(Choice::Later(until), Choice::Take);
        }
        let owes =
            |bridge: &BridgeId| self.setbacks.expiring.iter().find(|(it, _)| it.jid == bridge.jid).map(|(_, at)| *at);
        if let Some(since) = owes(&bridge).filter(|_| !is_ours) {
            if cx.now < since + LETS_GO {
                return Choice::Held(bridge);
            }
            // A bridge that does not say that it let go does not say anything: nobody waits for it beside another.
            let avoid: Vec<BridgeId> = wanted.avoid.iter().chain([&bridge]).cloned().collect();
            let other = cx.bridges.select(cx.now, &cx.config, Wanted { avoid: &avoid, ..wanted });
            let can_be_had = |other: &Selected| {
                let ours = self.bridges.on(&other.bridge).is_some();
                let blocked = self.setbacks.blocked_until(cx.now, &other.bridge).is_some();
                !blocked && (ours || (!is_apart(&other.bridge) && owes(&other.bridge).is_none()))
            };
            return match other.ok().filter(can_be_had) {
                Some(other) => Choice::Take(other),
                None => Choice::Held(bridge),
            };
        }
        reason.avoided = wanted.avoid.contains(&bridge);
        Choice::Take(Selected { bridge, reason })
    }

    /// None of our bridges takes anybody now. It may again, or the conference will leave it: tried again before long.
    fn wait_for_ours(&mut self, cx: &mut Context, why: &str) {
        // Once, not at each try.
        if self.setbacks.waits == 0 {
            say!(self, warn, "no bridge takes new endpoints now: waiting. {why}");
            self.story.decided(cx.now, "the bridge takes nobody now: waits");
        }
        let wait = FIRST_RETRY * (1 << self.setbacks.waits.min(3));
        self.setbacks.waits += 1;
        self.seek_at(cx, cx.now + wait);
    }

    /// One that is taken only where there is no better one: each better one has failed the conference just now. Otherwise it would
    /// wait for bridges that do nothing but refuse.
    fn second_best(&self, cx: &Context, wanted: Wanted<'_>) -> Option<Selected> {
        let without: Vec<BridgeId> =
            self.setbacks.failing(cx.now).chain(self.setbacks.expiring.keys()).cloned().collect();
        let selected = cx.bridges.select(cx.now, &cx.config, Wanted { without: &without, ..wanted }).ok()?;
        // Where bridges are not linked it is that of the conference all the same.
        let may_be_asked = !without.contains(&selected.bridge);
        let is_ours = self.bridges.on(&selected.bridge).is_some();
        let stays_together = self.bridges.len() == 0 || self.can_be_linked(cx, &selected.bridge);
        (may_be_asked && (is_ours || stays_together)).then_some(selected)
    }

    /// Of our own bridges that take endpoints the one with the fewest of ours: for whom no other is to be had.
    fn least_of_ours(&self, cx: &Context, wanted: Wanted<'_>, why: &'static str) -> Option<Selected> {
        let takes = |session: &&BridgeSession| {
            cx.bridges.is_selectable(cx.now, &session.bridge.jid, &cx.config.bridge)
                && cx
                    .bridges
                    .get(&session.bridge)
                    .is_some_and(|bridge| wanted.pinned_version.is_none_or(|version| bridge.has_version(version)))
                && self.setbacks.blocked_until(cx.now, &session.bridge).is_none()
        };
        let least = self.bridges.iter().filter(takes).min_by_key(|session| session.count())?;
        let bridge = cx.bridges.get(&least.bridge)?;
        let reason = Reason::new(why, bridge.corrected_stress(cx.now, &cx.config.bridge));
        Some(Selected { bridge: least.bridge.clone(), reason })
    }

    pub(super) fn conference_bridges(&self, cx: &Context) -> Vec<ConferenceBridge> {
        let local = self.local();
        self.bridges.iter().map(|session| self.conference_bridge(cx, session, local)).collect()
    }

    /// A session as selection wants to know it.
    fn conference_bridge(&self, cx: &Context, session: &BridgeSession, local: u64) -> ConferenceBridge {
        let first = session.endpoints().next().and_then(|(_, id)| self.members.get(id));
        ConferenceBridge {
            id: session.bridge.clone(),
            endpoints: session.count(),
            visitor: first.is_some_and(|member| member.role == Role::Visitor),
            recent: session.recent.count(cx.now, cx.config.bridge.max_bridge_participants_interval),
            outlook: self.outlook(cx, session, local),
        }
    }
}
