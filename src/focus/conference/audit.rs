//! What must always hold in a conference (docs/SIMULATION.md).

use std::collections::BTreeSet;

use super::bridge::BridgeSession;
use super::invite::Task;
use super::member::{Member, Role};
use super::{AttemptId, Conference, EndpointKey, MemberId, SessionKey};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::context::Context;

impl Conference {
    /// Everything that contradicts itself.
    pub(in crate::focus) fn audit(&self, cx: &Context, wrong: &mut Vec<String>) {
        if self.has_ended() {
            wrong.push("has ended and is there".into());
        }
        self.audit_counts(wrong);
        self.audit_weight(wrong);
        self.audit_sessions(cx, wrong);
        self.audit_sources(wrong);
        for member in self.members.iter() {
            let Some(timer) = member.held_back else { continue };
            if member.is_participant() || !cx.timers.has(timer) {
                wrong.push(format!("{} is held back for ever, or has a place all the same", member.nick));
            }
        }
        if self.published.limits_rest.is_some_and(|timer| !cx.timers.has(timer)) {
            wrong.push("nobody looks at the limits of senders any more".into());
        }
        if self.moderation.rests().any(|timer| !cx.timers.has(timer)) {
            wrong.push("nobody will be told to mute any more".into());
        }
        self.audit_visitors(cx, wrong);
        self.cascade.audit(&self.bridges.iter().map(|session| session.key).collect(), wrong);
        let is_awaited = !self.visitors.opened && !self.members.is_empty();
        let somebody = self.members.in_main_room() > 0 || is_awaited;
        let awaits_somebody = self.start.is_some() || somebody || self.has_breakouts(cx);
        if self.is_running() && !awaits_somebody {
            wrong.push("nobody is in it, and nothing will end it".into());
        }
        let ends = self.alone.is_some_and(|timer| cx.timers.has(timer));
        if (self.members.len(), self.members.participants()) == (1, 1) && self.enough(cx) > 1 && !ends {
            wrong.push("one is alone in it, and nothing will end his session".into());
        }
    }

    pub(in crate::focus) fn bridge_session(&self, key: SessionKey) -> Option<&BridgeSession> {
        self.bridges.get(key)
    }

    /// On which bridges it is, with how many endpoints.
    pub(in crate::focus) fn bridges(&self) -> impl Iterator<Item = (&BridgeId, u32)> {
        self.bridges.iter().map(|session| (&session.bridge, session.count()))
    }

    /// For which attempt's answer each participant waits.
    pub(in crate::focus) fn tasks(&self) -> impl Iterator<Item = (MemberId, Option<AttemptId>)> {
        self.members.iter().filter_map(|member| {
            let task = match member.invite.participation()?.task {
                // Asked again before long, as nobody heard of it.
                Task::Allocating(attempt) if self.will_ask_for(EndpointKey { member: member.id, attempt }) => None,
                Task::Allocating(attempt)
                | Task::Offering(attempt)
                | Task::Replacing(attempt)
                | Task::Replaced(attempt) => Some(attempt),
                Task::None | Task::AwaitingBridge | Task::AwaitingMove => None,
            };
            Some((member.id, task))
        })
    }

    /// How many members, and owners of sources, were looked at in walks so far.
    #[cfg(feature = "sabotage")]
    pub(in crate::focus) fn walked(&self) -> u64 {
        self.members.walked() + self.sources.walked() + self.signals.walked() + self.repeats.walked()
    }

    fn audit_counts(&self, wrong: &mut Vec<String>) {
        let count = |wanted: fn(&Member) -> bool| self.members.iter().filter(|member| wanted(member)).count();
        let counts = [
            ("participants", self.members.participants(), count(Member::is_participant)),
            ("visitors", self.members.visitors(), count(|it| it.is_participant() && it.role == Role::Visitor)),
            ("in the main room", self.members.in_main_room(), count(|it| it.on.node().is_none())),
            (
                "audio senders",
                self.members.audio_senders() as usize,
                count(|it| it.role != Role::Visitor && !it.audio_muted),
            ),
            (
                "video senders",
                self.members.video_senders() as usize,
                count(|it| it.role != Role::Visitor && !it.video_muted),
            ),
        ];
        for (what, kept, counted) in counts {
            if kept != counted {
                wrong.push(format!("{kept} {what} are {counted}"));
            }
        }
        for member in self.members.iter().filter(|member| self.members.id_of(member.nick.as_str()) != Some(member.id)) {
            wrong.push(format!("{} cannot be found by its nick", member.nick));
        }
        for session in self.bridges.iter() {
            let kept: Vec<_> = session.endpoints().collect();
            let endpoint = |member: &Member| {
                let endpoint = member.endpoint.as_ref().filter(|it| it.session == session.key)?;
                Some((endpoint.attempt, member.id))
            };
            let mut counted: Vec<_> = self.members.iter().filter_map(endpoint).collect();
            counted.sort();
            if counted != kept || counted.is_empty() {
                wrong.push(format!("endpoints on {} are {counted:?}, not {kept:?}", session.bridge.jid));
            }
        }
    }

    /// A member has at most one live session, which can be found; a live session has one endpoint, on the bridge.
    fn audit_sessions(&self, cx: &Context, wrong: &mut Vec<String>) {
        let mut seen = BTreeSet::new();
        for (sid, id) in &self.sessions {
            let session = self.members.get(*id).and_then(|member| member.invite.session());
            if session.is_none_or(|session| session.sid != *sid) {
                wrong.push(format!("session {sid} is nobody's"));
            }
            if !seen.insert(*id) {
                wrong.push(format!("{id:?} has two sessions"));
            }
        }
        for member in self.members.iter() {
            let nick = &member.nick;
            let on_bridge = self.session_of(member.id).is_some();
            if member.endpoint.is_some() && !on_bridge {
                wrong.push(format!("{nick} is on a bridge that the conference has left"));
            }
            let Some(participation) = member.invite.participation() else {
                if on_bridge {
                    wrong.push(format!("{nick} is no participant and has an endpoint"));
                }
                continue;
            };
            if let Some(session) = &participation.session
                && self.sessions.get(&session.sid) != Some(&member.id)
            {
                wrong.push(format!("the session of {nick} cannot be found"));
            }
            let settled = participation.task == Task::None;
            if settled && (participation.session.is_none() || !on_bridge) {
                wrong.push(format!("{nick} has no session or no endpoint, and nothing is done about it"));
            }
            let awaited = self.setbacks.retry.is_some() || !self.setbacks.expiring.is_empty();
            let queued = cx.moves.has(self.id, member.id);
            if participation.task == Task::AwaitingMove && !queued {
                wrong.push(format!("{nick} is to be moved, and nobody will"));
            }
            let sought = cx.stranded.contains(&self.id) || cx.moves.will_seek(self.id);
            let awaited = awaited || member.next_endpoint.is_some() || queued || sought;
            if participation.task == Task::AwaitingBridge && !awaited {
                wrong.push(format!("{nick} waits for a bridge, and nobody seeks one"));
            }
        }
    }

    /// Sources are of participants, and whoever is told of them is one.
    fn audit_sources(&self, wrong: &mut Vec<String>) {
        let participant = |nick: &str| {
            let member = self.members.id_of(nick).and_then(|id| self.members.get(id));
            member.is_some_and(|member| member.invite.session().is_some())
        };
        for (owner, _) in self.sources.iter().filter(|(owner, _)| !participant(owner.as_str())) {
            wrong.push(format!("sources of {owner}, who has no session"));
        }
        for owner in self.sources.reserved().filter(|owner| self.members.id_of(owner.as_str()).is_none()) {
            wrong.push(format!("sources are kept for {owner}, who has left"));
        }
        if !self.sources.is_consistent() {
            wrong.push("whose SSRCs and msids are whose is not what everybody sends".into());
        }
        for receiver in self.signals.receivers().filter(|receiver| !participant(receiver.as_str())) {
            wrong.push(format!("{receiver} is told of sources, and has no session"));
        }
        for receiver in self.signals.receivers() {
            let member = self.members.id_of(receiver.as_str()).and_then(|id| self.members.get(id));
            let is_unscheduled = member.is_some_and(|member| member.flush.is_none());
            if self.signals.is_unscheduled(receiver) != is_unscheduled {
                wrong.push(format!("whether {receiver} is about to be told of sources is not what its timer says"));
            }
        }
    }
}
