//! How fast endpoints are invited anew when a bridge goes with many of them (spec/50 §8, "Improve").
//!
//! A small meeting moves at once. Of more there is a queue, worked off so that no bridge gets more than [`SHARE`] of them at
//! a time, and nobody else's input waits for more than [`MOST`]: the death of a bridge with 1,000 endpoints takes ten others
//! about a second, and one other ten. Whoever comes for the first time does not wait in it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::Focus;
use super::bridges::registry::BridgeId;
use super::conference::{ConferenceId, MemberId};
use super::context::Context;
use super::time::Timestamp;
use super::timers::{Timer, TimerKey};

/// So many move at once, after a while in which none did.
const AT_ONCE: u32 = 50;

/// How often some of those move who wait.
const TICK: Duration = Duration::from_millis(20);

/// How many then, for each bridge that takes endpoints: a hundred a second.
const SHARE: usize = 2;

/// How many then, at most: some milliseconds of work.
const MOST: usize = 20;

/// Who waits to be moved.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// Participants whose bridge was left already, conference after conference.
    invites: VecDeque<(ConferenceId, MemberId)>,
    waiting: BTreeSet<(ConferenceId, MemberId)>,
    /// Conferences that have yet to leave a bridge.
    leaves: VecDeque<(ConferenceId, BridgeId)>,
    timer: Option<TimerKey>,
    /// How many of those at once were used up, and when that was so.
    spent: u32,
    since: Timestamp,
}

impl Moves {
    /// Whether one more may move now. If not, it has to wait.
    fn may(&mut self, now: Timestamp) -> bool {
        if self.is_waiting() {
            return false;
        }
        let ticks = now.since(self.since).as_millis() / TICK.as_millis();
        if ticks > 0 {
            self.spent = self.spent.saturating_sub(u32::try_from(ticks).unwrap_or(u32::MAX));
            self.since = now;
        }
        let may = self.spent < AT_ONCE;
        self.spent += u32::from(may);
        may
    }

    fn is_waiting(&self) -> bool {
        !self.invites.is_empty() || !self.leaves.is_empty()
    }

    /// Whether a participant waits here.
    pub fn has(&self, id: ConferenceId, member: MemberId) -> bool {
        self.waiting.contains(&(id, member))
    }

    /// A conference is over.
    pub fn forget(&mut self, id: ConferenceId) {
        self.invites.retain(|(conference, _)| *conference != id);
        self.leaves.retain(|(conference, _)| *conference != id);
        let of_it: Vec<_> = self.waiting.range((id, MemberId::NONE)..=(id, MemberId::LAST)).copied().collect();
        of_it.iter().for_each(|it| _ = self.waiting.remove(it));
    }

    /// What contradicts itself.
    pub fn audit(&self, is_there: impl Fn(ConferenceId) -> bool, wrong: &mut Vec<String>) {
        let queued: BTreeSet<_> = self.invites.iter().copied().collect();
        if queued != self.waiting {
            wrong.push("those who wait to be moved are others than those in the queue".into());
        }
        let ids = self.waiting.iter().map(|(id, _)| id).chain(self.leaves.iter().map(|(id, _)| id));
        if let Some(id) = ids.copied().find(|id| !is_there(*id)) {
            wrong.push(format!("{id:?} is over, and somebody of it waits to be moved"));
        }
        if self.is_waiting() != self.timer.is_some() {
            wrong.push("somebody waits to be moved, and nothing will move him".into());
        }
    }
}

impl Context {
    /// Whether a participant may be placed anew now; if not, its conference is told when ([`Conference::place_waiting`]).
    ///
    /// [`Conference::place_waiting`]: super::conference::Conference::place_waiting
    pub fn moves_now(&mut self, id: ConferenceId, member: MemberId) -> bool {
        if self.moves.may(self.now) {
            return true;
        }
        if self.moves.waiting.insert((id, member)) {
            self.moves.invites.push_back((id, member));
        }
        self.pace_moves();
        false
    }

    fn pace_moves(&mut self) {
        if self.moves.timer.is_none() && self.moves.is_waiting() {
            self.moves.timer = Some(self.timers.set(self.now + TICK, Timer::Move));
        }
    }
}

impl Focus {
    /// A bridge goes: the conferences on it leave it, now or one after the other.
    pub(super) fn leave_bridge(&mut self, bridge: &BridgeId) {
        let Some(users) = self.cx.bridge_users.get(bridge).cloned() else { return };
        for id in users {
            if self.cx.moves.may(self.cx.now) {
                self.with_conference(id, |conference, cx| conference.leave_bridge(cx, bridge));
            } else {
                self.cx.moves.leaves.push_back((id, bridge.clone()));
            }
        }
        self.cx.pace_moves();
    }

    /// Some of those who wait to be moved are.
    pub(super) fn move_some(&mut self) {
        self.cx.moves.timer = None;
        self.cx.moves.spent = AT_ONCE;
        self.cx.moves.since = self.cx.now;
        let (now, config) = (self.cx.now, self.cx.config.clone());
        let takes = self.cx.bridges.iter().filter(|it| it.operational(now, &config.bridge) && !it.shutting_down);
        let share = match takes.take(MOST).count() {
            // Where there is no bridge, nobody is a burden to one.
            0 => MOST,
            bridges => (bridges * SHARE).min(MOST),
        };
        for _ in 0..share {
            // A conference is done before the next one begins.
            if let Some((id, member)) = self.cx.moves.invites.pop_front() {
                self.cx.moves.waiting.remove(&(id, member));
                self.with_conference(id, |conference, cx| conference.place_waiting(cx, member));
            } else if let Some((id, bridge)) = self.cx.moves.leaves.pop_front() {
                self.with_conference(id, |conference, cx| conference.leave_bridge(cx, &bridge));
            } else {
                break;
            }
        }
        self.cx.pace_moves();
    }
}
