//! Who leads the conference where nobody is authenticated: the one who has been there longest (spec/20 §6.1).

use std::time::Duration;

use super::member::{Member, Role};
use super::{Conference, MemberId};
use crate::config::AuthenticationType;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::muc::{AdminItem, MucAdmin};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::Affiliation;

/// How long after the owner left the next one is elected. Where all leave together the others follow within this time, and
/// to make one of them owner would be of no use to anybody (spec/20 §6.1).
const AFTER_OWNER: Duration = Duration::from_millis(250);

/// Whom we made, or found, owner.
#[derive(Debug, Default)]
pub(crate) struct AutoOwner {
    elected: Option<MemberId>,
    /// The owner has just left.
    deferred: Option<TimerKey>,
}

impl Conference {
    /// Makes somebody owner if nobody is.
    pub(super) fn elect_owner(&mut self, cx: &mut Context) {
        let wanted = cx.config.conference.enable_auto_owner
            && cx.config.authentication.kind == AuthenticationType::None
            && self.form.main_room.is_none();
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
            .filter(|member| member.role != Role::Visitor)
            .find_map(|member| Some((member.id, member.real_jid.as_ref()?.to_bare())));
        let Some((id, jid)) = next else { return };
        self.owner.elected = Some(id);
        let item = AdminItem { affiliation: Some(Affiliation::Owner), role: None, jid: Some(jid), nick: None };
        let grant = IqBody::Set(Payload::MucAdmin(MucAdmin { items: vec![item] }));
        cx.request(self.seat.on, self.room.as_jid().clone(), grant, Then::Granted(self.id, id));
    }

    /// The room answered a grant, or did not. A member who was not made owner does not count as one at the next election.
    pub(in crate::focus) fn granted(&mut self, id: MemberId, answer: &Answer) {
        if matches!(answer, Answer::Result(_)) {
            return;
        }
        let member = self.members.get(id).map(|member| member.nick.clone()).unwrap_or_default();
        say!(self, warn, participant = member; "could not make {member} owner{}", answer.detail());
        let is_owner = self.members.get(id).is_some_and(|member| member.role == Role::Owner);
        if self.owner.elected == Some(id) && !is_owner {
            self.owner.elected = None;
        }
    }

    pub(super) fn owner_left(&mut self, cx: &mut Context, id: MemberId) {
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
