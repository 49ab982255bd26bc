//! Who leads the conference: whoever is authenticated, or where nobody has to be, the one who has been there longest
//! (spec/20 §6).

use std::collections::BTreeMap;
use std::time::Duration;

use super::member::{Member, Role};
use super::{Conference, MemberId};
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::problems::Kind;
use crate::focus::request::rules::GeneralRule;
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::muc::{AdminItem, MucAdmin};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::{Affiliation, Condition};

/// How long after the owner left the next one is elected. Where all leave together the others follow within this time, and
/// to make one of them owner would be of no use to anybody (spec/20 §6.1).
const AFTER_OWNER: Duration = Duration::from_millis(250);

/// As the original calls what elects.
pub(super) const AUTO_OWNER: &str = "AutoOwnerRoleManager";

/// Whom we made, or found, owner.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Who leads by our election.
    elected: Option<MemberId>,
    /// The owner has just left.
    deferred: Option<TimerKey>,
    grants: BTreeMap<MemberId, Grant>,
}

/// What became of making a member owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grant {
    /// The room has yet to answer.
    UnderWay,
    /// Whoever takes the right away again has his reasons: it is granted anew only if the member asks for it.
    Done,
}

/// Who is to lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaders {
    Authenticated,
    First,
    /// Nobody of our choice: in breakout rooms those who lead the main room.
    Others,
}

impl Conference {
    fn leaders(&self, cx: &Context) -> Leaders {
        if cx.authentication.is_on() {
            Leaders::Authenticated
        } else if cx.config.conference.enable_auto_owner && self.form.main_room.is_none() {
            Leaders::First
        } else {
            Leaders::Others
        }
    }

    /// Who decides who leads, as the original calls it, and whom we elected.
    pub(super) fn role_manager(&self, cx: &Context) -> Option<(&'static str, Option<&Member>)> {
        match self.leaders(cx) {
            Leaders::Authenticated => Some(("AuthenticationRoleManager", None)),
            Leaders::First => Some((AUTO_OWNER, self.owner.elected.and_then(|id| self.members.get(id)))),
            Leaders::Others => None,
        }
    }

    /// Makes owner whoever is to be and is not. We have just come, or been shown as owner ourselves.
    pub(super) fn see_to_owners(&mut self, cx: &mut Context) {
        if self.leaders(cx) == Leaders::Authenticated {
            for id in self.members.iter().map(|member| member.id).collect::<Vec<_>>() {
                self.grant_if_authenticated(cx, id);
            }
        }
        self.elect_owner(cx);
    }

    /// Whoever speaks from a member's address has just shown that he has logged in.
    pub(in crate::focus) fn authenticated(&mut self, cx: &mut Context, id: MemberId) {
        if self.owner.grants.get(&id) == Some(&Grant::Done) {
            self.owner.grants.remove(&id);
        }
        self.grant_if_authenticated(cx, id);
    }

    /// Makes a member owner if whoever speaks from its address has logged in (spec/20 §6.2).
    pub(super) fn grant_if_authenticated(&mut self, cx: &mut Context, id: MemberId) {
        if !self.is_running() || self.leaders(cx) != Leaders::Authenticated {
            return;
        }
        let in_main_room = |member: &&Member| member.role != Role::Owner && member.on == self.seat.on;
        let Some(member) = self.members.get(id).filter(in_main_room) else { return };
        let Some(address) = &member.real_jid else { return };
        if !self.owner.grants.contains_key(&id) && cx.authentication.is_bound(cx.now, address) {
            // The room of a foreign server shows any address that it likes, and would learn from this whether it has a session.
            if !cx.is_ours(self.room.as_jid().domain()) {
                let level = cx.floods.level(cx.now, self.room.as_jid());
                say_at!(
                    self,
                    level,
                    participant = member.nick;
                    "{} has logged in and is not made owner: {} is not known as ours. If it is, name it in \
                     jicofo.xmpp.client.conference-muc-jid, or let it be below jicofo.xmpp.client.xmpp-domain",
                    member.occupant,
                    self.room.as_jid().domain()
                );
                return;
            }
            say!(self, info, participant = member.nick; "{} is made owner by rule {}", member.occupant, GeneralRule::AuthenticatedOwner);
            self.grant(cx, id);
        }
    }

    /// Says so of a member that comes without an address: nobody can know whether it has logged in.
    pub(super) fn warn_of_hidden(&self, cx: &mut Context, member: &Member) {
        let domain = member.occupant.domain();
        if member.real_jid.is_some() {
            return cx.problems.solve(Kind::AnonymousRoom, domain);
        }
        cx.problems.raise(cx.now, Kind::AnonymousRoom, domain, || {
            format!(
                "rooms at {domain} hide who is in them; nobody counts as logged in, and no recorder or gateway as trusted; let \
                 the focus' account be an admin of that component in Prosody (admins, component_admins_as_room_owners)"
            )
        });
        if self.leaders(cx) == Leaders::Authenticated {
            say!(
                self, warn, participant = member.nick;
                "{} hides its address, so it cannot be known whether it has logged in. Does the rooms' component let \
                 the focus set muc#roomconfig_whois?",
                member.occupant
            );
        }
    }

    /// Makes somebody owner if nobody is, where nobody has to log in.
    pub(super) fn elect_owner(&mut self, cx: &mut Context) {
        let wanted = self.leaders(cx) == Leaders::First;
        if !wanted || !self.is_running() || self.owner.elected.is_some() || self.owner.deferred.is_some() {
            return;
        }
        let eligible = |member: &&Member| !member.kind.jibri && !member.kind.jigasi;
        if let Some(owner) = self.members.iter().filter(eligible).find(|member| member.role == Role::Owner) {
            self.owner.elected = Some(owner.id);
            return;
        }
        let next = self
            .members
            .iter()
            .filter(eligible)
            .find(|member| member.role != Role::Visitor && member.real_jid.is_some());
        let Some(member) = next else { return };
        say!(self, info, participant = member.nick; "{} is made owner by rule {}", member.occupant, GeneralRule::AutoOwner);
        let id = member.id;
        self.owner.elected = Some(id);
        self.grant(cx, id);
    }

    /// Once for each; the room knows bare addresses only (spec/20 §6).
    fn grant(&mut self, cx: &mut Context, id: MemberId) {
        let jid = self.members.get(id).and_then(|member| Some(member.real_jid.as_ref()?.to_bare()));
        if jid.is_none() || self.owner.grants.contains_key(&id) {
            return;
        }
        self.owner.grants.insert(id, Grant::UnderWay);
        let item = AdminItem { affiliation: Some(Affiliation::Owner), role: None, jid, nick: None };
        let grant = IqBody::Set(Payload::MucAdmin(MucAdmin { items: vec![item] }));
        cx.request(self.seat.on, self.room.as_jid().clone(), grant, Then::Granted(self.id, id));
    }

    /// The room answered a grant, or did not. A member who was not made owner does not count as one at the next election, nor
    /// the next time that it shows itself authenticated.
    pub(in crate::focus) fn granted(&mut self, id: MemberId, answer: &Answer) {
        let Some(member) = self.members.get(id) else { return };
        let remedy = match answer {
            Answer::Result(_) => {
                self.owner.grants.insert(id, Grant::Done);
                return;
            }
            Answer::Error(error) if matches!(error.condition, Condition::Forbidden | Condition::NotAllowed) => {
                ". Make the focus' account an admin of the rooms' component in Prosody (admins = { … }), and see whether a \
                 module of the room decides about owners itself"
            }
            _ => "",
        };
        say!(
            self, warn, participant = member.nick;
            "could not make {} owner{}{remedy}",
            member.occupant,
            answer.detail()
        );
        self.owner.grants.remove(&id);
        if self.owner.elected == Some(id) && member.role != Role::Owner {
            self.owner.elected = None;
        }
    }

    /// Whom the room was asked to make owner.
    pub(in crate::focus) fn grants_under_way(&self) -> impl Iterator<Item = MemberId> {
        self.owner.grants.iter().filter(|(_, grant)| **grant == Grant::UnderWay).map(|(id, _)| *id)
    }

    pub(super) fn owner_left(&mut self, cx: &mut Context, id: MemberId) {
        self.owner.grants.remove(&id);
        if self.owner.elected == Some(id) {
            self.owner.elected = None;
            self.owner.deferred = Some(cx.timers.set(cx.now + AFTER_OWNER, Timer::ElectOwner(self.id)));
        }
    }

    /// The owner left a while ago: whoever is still there may be the next.
    pub(in crate::focus) fn election_due(&mut self, cx: &mut Context) {
        self.owner.deferred = None;
        self.elect_owner(cx);
    }

    pub(super) fn cancel_election(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.owner.deferred.take());
    }
}
