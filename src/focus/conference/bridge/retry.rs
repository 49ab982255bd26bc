//! When to seek a bridge again, after none would do; and which not to ask again too soon.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::invite::{Invite, Task};
use super::super::member::Role;
use super::super::{Conference, EndpointKey, MemberId};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::colibri::request;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::time::Timestamp;
use crate::focus::timers::{Timer, TimerKey};

/// How long after a bridge let go of a conference it is asked to create it anew: it removes it just after its answer
/// (spec/40 §9.3).
const AFTER_EXPIRE: Duration = Duration::from_millis(100);

/// How long to wait before asking a bridge again, at first and at most. Doubled each time.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Failures further apart than this have nothing to do with each other. That an allocation succeeds in between says
/// little: a bridge may refuse whatever comes after it, and a round of that takes no time.
const CALM: Duration = Duration::from_secs(60);

/// What keeps this conference from being placed at once. What one bridge refuses keeps nobody from another.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    bridges: BTreeMap<BridgeId, Failures>,
    /// A retry is due, then.
    pub retry: Option<(Timestamp, TimerKey)>,
    /// How often in a row none of the conference's bridges took anybody.
    pub waits: u32,
    /// Bridges that have not confirmed yet that they let go of this conference, and since when.
    pub expiring: BTreeMap<BridgeId, Timestamp>,
}

/// How often in a row bridges have lost the endpoint of one participant.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Losses {
    count: u32,
    last: Timestamp,
    /// When a bridge last called wrong what it was asked to change, and whom it was to mute.
    refused: [Option<Timestamp>; 2],
}

/// What a bridge calls wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Update,
    Mute,
}

impl Losses {
    /// Counts a refusal of what the bridge was asked to change. Is it the first of its kind for long?
    fn is_first_refusal(&mut self, now: Timestamp, what: Refused) -> bool {
        let before = self.refused[what as usize].replace(now);
        before.is_none_or(|before| now.since(before) >= CALM)
    }

    /// Counts one more; how long to wait before the next try. The first is nothing to wait for.
    fn count(&mut self, now: Timestamp) -> Option<Duration> {
        if now.since(self.last) >= CALM {
            self.count = 0;
        }
        self.count += 1;
        self.last = now;
        self.count.checked_sub(2).map(|doublings| (FIRST_RETRY * (1 << doublings.min(5))).min(LAST_RETRY))
    }
}

/// How a bridge failed this conference.
#[derive(Debug, Default)]
struct Failures {
    /// In a row.
    count: u32,
    last: Timestamp,
    /// It is not asked before.
    until: Timestamp,
}

/// Whether the first failure of a bridge may be an accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setback {
    MayPass,
    Waits,
}

/// What a bridge may have yet of an earlier conference: one that was linked with others it does not end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Before {
    Alone,
    Linked,
}

impl Before {
    /// Of a conference that was linked with other bridges, or not.
    pub fn of(linked: bool) -> Before {
        if linked { Before::Linked } else { Before::Alone }
    }
}

impl Setbacks {
    /// A bridge failed this conference: each time it is left alone for longer.
    pub(super) fn count(&mut self, now: Timestamp, bridge: &BridgeId, setback: Setback) {
        self.bridges.retain(|_, failures| now.since(failures.last) < CALM || now < failures.until);
        let failures = self.bridges.entry(bridge.clone()).or_default();
        if now.since(failures.last) >= CALM {
            failures.count = 0;
        }
        failures.count += 1;
        failures.last = now;
        if failures.count > 1 || setback == Setback::Waits {
            let doublings = failures.count.saturating_sub(2).min(5);
            failures.until = failures.until.max(now + (FIRST_RETRY * (1 << doublings)).min(LAST_RETRY));
        }
    }

    /// The bridges that are left alone because they failed this conference.
    pub(super) fn failing(&self, now: Timestamp) -> impl Iterator<Item = &BridgeId> {
        self.bridges.iter().filter(move |(_, it)| it.count > 0 && now < it.until).map(|(bridge, _)| bridge)
    }

    /// Until when a bridge is not to be asked, if it is not.
    pub(super) fn blocked_until(&self, now: Timestamp, bridge: &BridgeId) -> Option<Timestamp> {
        self.bridges.get(bridge).map(|failures| failures.until).filter(|until| now < *until)
    }
}

impl Conference {
    /// A bridge does not know a participant: if that goes on, each new endpoint waits longer, and the client is not sent from
    /// session to session without end.
    pub(super) fn hold_if_lost_again(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get_mut(id) else { return };
        let Some(wait) = member.losses.count(cx.now) else { return };
        let timer = cx.timers.set(cx.now + wait, Timer::Reinvite(self.id, id));
        cx.timers.cancel(member.next_endpoint.replace(timer));
    }

    /// A bridge calls wrong what it was asked to change of this endpoint. Is it the participant's, and the first time for long?
    pub(in crate::focus::conference) fn is_first_refusal(
        &mut self,
        cx: &Context,
        about: EndpointKey,
        what: Refused,
    ) -> bool {
        let is_current = self.endpoint_key(about.member) == Some(about);
        let member = self.members.get_mut(about.member).filter(|_| is_current);
        member.is_some_and(|member| member.losses.is_first_refusal(cx.now, what))
    }

    /// A participant has waited long enough for its next endpoint.
    pub(in crate::focus) fn held_long_enough(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.next_endpoint = None;
        if is_waiting(&member.invite) {
            self.place(cx, id);
        }
    }

    pub(in crate::focus::conference) fn cancel_retry(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.setbacks.retry.take().map(|(_, timer)| timer));
    }

    /// A bridge let go of this conference, or said nothing: it can be created there again. If it did not hear of it, it is told
    /// when it can be reached.
    pub(in crate::focus) fn expired(&mut self, cx: &mut Context, bridge: &BridgeId, answered: &Answer) {
        if *answered == Answer::Unheard && self.setbacks.expiring.contains_key(bridge) {
            return self.repeat_end(cx, bridge);
        }
        if self.setbacks.expiring.remove(bridge).is_none() {
            return;
        }
        let then = cx.now + AFTER_EXPIRE;
        let failures = self.setbacks.bridges.entry(bridge.clone()).or_default();
        failures.until = failures.until.max(then);
        if self.has_waiting() {
            self.seek_at(cx, then);
        }
    }

    /// A bridge that left and came back, while it was yet to let go of this conference: what it was told on its way may be lost,
    /// and it may be the same process, so it is told again and not awaited for longer than it takes to answer.
    pub(super) fn let_go_again(&mut self, cx: &mut Context, bridge: &BridgeId) {
        let before = self.setbacks.expiring.len();
        self.setbacks.expiring.retain(|it, _| it.jid != bridge.jid || it == bridge);
        if self.setbacks.expiring.len() < before {
            self.ask_to_let_go(cx, bridge, Before::Alone);
        }
    }

    /// Unless its answer to that is awaited already.
    fn ask_to_let_go(&mut self, cx: &mut Context, bridge: &BridgeId, before: Before) {
        if self.setbacks.expiring.insert(bridge.clone(), cx.now).is_none() {
            self.tell_end(cx, bridge, before);
        }
    }

    /// What a bridge may have yet of a conference of this meeting that is over: it was not told that, or has not answered. That is
    /// this conference's to ask for now: the answer to whoever asked before is of no interest any more.
    pub(super) fn before_us(&self, cx: &mut Context, bridge: &BridgeId) -> Option<Before> {
        let owed = cx.owed.take_meeting(&bridge.jid, &self.meeting);
        let told = cx.pending.forget_ends(&bridge.jid, &self.meeting, self.id);
        let before = |(then, _): &(Then, TimerKey)| match then {
            Then::Expired(_, over) => Some(over.before),
            _ => None,
        };
        let told_before = told.iter().filter_map(before).max();
        cx.forget_requests(told);
        owed.max(told_before)
    }

    /// Tells a bridge that the conference is over there.
    pub(super) fn tell_end(&self, cx: &mut Context, bridge: &BridgeId, before: Before) {
        let modify = request::expire_conference(&self.meeting);
        cx.ask_bridge(bridge, modify, Then::Expired(bridge.clone(), self.over(before)));
    }

    /// A bridge speaks that may not have heard that this conference is over there. If it is not there again by now it is told,
    /// and whoever is to go there next waits for the answer.
    pub(in crate::focus) fn is_over_there(&mut self, cx: &mut Context, bridge: &BridgeId, before: Before) {
        let is_there = self.bridges.iter().any(|session| session.bridge.jid == bridge.jid);
        if is_there || self.setbacks.expiring.contains_key(bridge) {
            return;
        }
        self.setbacks.expiring.retain(|it, _| it.jid != bridge.jid);
        self.ask_to_let_go(cx, bridge, before);
    }

    /// There is a chance that a bridge takes those whom none took.
    pub(in crate::focus) fn take_chance(&mut self, cx: &mut Context) {
        if self.bridges.len() == 0 {
            self.invite_failed_again(cx);
        }
        self.seek_bridge(cx);
    }

    /// Tries again to place everybody who waits for a bridge.
    pub(in crate::focus) fn seek_bridge(&mut self, cx: &mut Context) {
        self.cancel_retry(cx);
        let waiting: Vec<MemberId> =
            self.members.iter().filter(|member| is_waiting(&member.invite)).map(|member| member.id).collect();
        // For whom one finds none, nobody like him will.
        let mut in_vain: Vec<(Option<Box<str>>, Role)> = Vec::new();
        for id in waiting {
            let Some(member) = self.members.get(id) else { continue };
            let kind = (member.region.clone(), member.role);
            // Nobody has to wait for a turn in which there is nothing to be had.
            let found = !in_vain.contains(&kind) && (self.would_take(cx, id).is_some() || self.would_be_tried(cx, id));
            if in_vain.contains(&kind) || (found && !cx.moves_now(self.id, id)) {
                continue;
            }
            self.place(cx, id);
            let waits = self.members.get(id).filter(|member| is_waiting(&member.invite));
            in_vain.extend(waits.filter(|member| member.next_endpoint.is_none()).map(|_| kind));
        }
    }

    /// There is a bridge again, found for one: the others who waited for one seek it, too.
    pub(super) fn call_who_waits(&mut self, cx: &mut Context, found_for: MemberId) {
        if self.members.iter().any(|member| member.id != found_for && is_waiting(&member.invite)) {
            self.seek_at(cx, cx.now);
        }
    }

    fn has_waiting(&self) -> bool {
        self.members.iter().any(|member| is_waiting(&member.invite))
    }

    /// Seeks again when this bridge may be asked again.
    pub(super) fn seek_later(&mut self, cx: &mut Context, bridge: &BridgeId) {
        if let Some(until) = self.setbacks.blocked_until(cx.now, bridge) {
            self.seek_at(cx, until);
        }
    }

    /// Seeks again then, or earlier.
    pub(super) fn seek_at(&mut self, cx: &mut Context, at: Timestamp) {
        if self.setbacks.retry.is_some_and(|(due, _)| due <= at) {
            return;
        }
        self.cancel_retry(cx);
        self.setbacks.retry = Some((at, cx.timers.set(at, Timer::SeekBridge(self.id))));
    }
}

fn is_waiting(invite: &Invite) -> bool {
    invite.participation().is_some_and(|it| it.task == Task::AwaitingBridge)
}
