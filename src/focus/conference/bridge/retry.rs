//! When to seek a bridge again, after none would do.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::invite::{Invite, Task};
use super::super::{Conference, MemberId};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::context::Context;
use crate::focus::time::Timestamp;
use crate::focus::timers::{Timer, TimerKey};

/// How long after a bridge let go of a conference it is asked to create it anew: it removes it just after its answer
/// (spec/40 §9.3).
const AFTER_EXPIRE: Duration = Duration::from_millis(100);

/// How long to wait before seeking a bridge again, at first and at most. Doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Failures further apart than this have nothing to do with each other. That an allocation succeeds in between says
/// little: a bridge may refuse whatever comes after it, and a round of that takes no time.
const CALM: Duration = Duration::from_secs(60);

/// What keeps this conference from being placed at once.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    /// Failures in a row.
    pub(super) count: u32,
    last: Timestamp,
    /// A retry is due.
    pub retry: Option<TimerKey>,
    /// Bridges that have not confirmed yet that they let go of this conference.
    pub expiring: BTreeSet<BridgeId>,
}

impl Conference {
    pub(in crate::focus::conference) fn cancel_retry(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.setbacks.retry.take());
    }

    /// A bridge let go of this conference, or said nothing: it can be created there again.
    pub(in crate::focus) fn expired(&mut self, cx: &mut Context, bridge: &BridgeId) {
        let waited = self.setbacks.expiring.remove(bridge);
        if waited && self.has_waiting() && self.setbacks.retry.is_none() {
            let then = cx.now + AFTER_EXPIRE;
            self.setbacks.retry = Some(cx.timers.set(then, Timer::SeekBridge(self.id)));
        }
    }

    pub(super) fn count_setback(&mut self, now: Timestamp) {
        if now.since(self.setbacks.last) >= CALM {
            self.setbacks.count = 0;
        }
        self.setbacks.count += 1;
        self.setbacks.last = now;
    }

    /// Tries again to place everybody who waits for a bridge.
    pub(in crate::focus) fn seek_bridge(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.setbacks.retry.take());
        let waiting: Vec<MemberId> =
            self.members.iter().filter(|member| is_waiting(&member.invite)).map(|member| member.id).collect();
        for id in waiting {
            self.place(cx, id);
        }
    }

    /// There is a bridge again, found for one: the others who waited for one seek it, too.
    pub(super) fn call_who_waits(&mut self, cx: &mut Context, found_for: MemberId) {
        let waits = self.members.iter().any(|member| member.id != found_for && is_waiting(&member.invite));
        if waits && self.setbacks.retry.is_none() {
            self.setbacks.retry = Some(cx.timers.set(cx.now, Timer::SeekBridge(self.id)));
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.members.iter().any(|member| is_waiting(&member.invite))
    }

    pub(super) fn retry_later(&mut self, cx: &mut Context) {
        if self.setbacks.retry.is_some() {
            return;
        }
        let doublings = self.setbacks.count.saturating_sub(2).min(5);
        let wait = (FIRST_RETRY * (1 << doublings)).min(LAST_RETRY);
        self.setbacks.retry = Some(cx.timers.set(cx.now + wait, Timer::SeekBridge(self.id)));
    }
}

fn is_waiting(invite: &Invite) -> bool {
    invite.participation().is_some_and(|it| it.task == Task::AwaitingBridge)
}
