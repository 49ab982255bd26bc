//! How fast endpoints are invited anew when a bridge goes with many of them or is relieved of them (spec/50 §8, "Improve").
//!
//! A small meeting moves at once. Of more there is a queue, worked off so that no bridge gets more than [`SHARE`] of them at
//! a time, whichever bridges take them, and nobody else's input waits for more than [`MOST`]: the death of a bridge with 1,000
//! endpoints takes ten others about a second, and one other ten. Whoever comes for the first time does not wait in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::Focus;
use super::bridges::registry::BridgeId;
use super::conference::{ConferenceId, MemberId};
use super::context::Context;
use super::story::Came;
use super::time::Timestamp;
use super::timers::{Timer, TimerKey};

/// So many move at once, after a while in which none did.
const AT_ONCE: u32 = 50;

/// How often some of those move who wait.
const TICK: Duration = Duration::from_millis(20);

/// How many then to one bridge: a hundred a second.
const SHARE: u32 = 2;

/// How many then, at most: some milliseconds of work.
const MOST: u32 = 20;

/// Of how many it is looked up then where they would go: who would go where enough go already lets others pass.
const LOOKS: u32 = 40;

/// Who waits to be moved.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// Who is on no bridge any more.
    invites: Queue,
    /// What conferences have yet to do as a whole, in this order.
    steps: VecDeque<(ConferenceId, Step)>,
    /// Conferences that have yet to seek a bridge, as there may be one.
    seeks: BTreeSet<ConferenceId>,
    /// Who is on a bridge that is to be relieved: nothing is wrong with them, so they come last.
    reliefs: Queue,
    timer: Option<TimerKey>,
    /// How many of those at once were used up, and when that was so.
    spent: u32,
    since: Timestamp,
    /// How many conferences have sought a bridge at this time.
    sought: (Timestamp, u32),
}

/// Participants who wait, conference after conference.
#[derive(Debug, Default)]
struct Queue {
    order: VecDeque<ConferenceId>,
    of: BTreeMap<ConferenceId, VecDeque<Turn>>,
    waiting: BTreeSet<(ConferenceId, MemberId)>,
}

/// A participant, and the bridge that it is to leave, if it is on one.
#[derive(Debug, Clone)]
struct Turn {
    member: MemberId,
    off: Option<BridgeId>,
}

/// What a conference does as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Leaves a bridge that is gone or going.
    Leave(BridgeId),
    /// Leaves a bridge that could keep it.
    Relieve(BridgeId),
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// At the end of those of its conference, unless it waits already. True: it did not.
    fn push(&mut self, id: ConferenceId, turn: Turn) -> bool {
        let new = self.waiting.insert((id, turn.member));
        if new {
            let of_it = self.of.entry(id).or_insert_with(|| {
                self.order.push_back(id);
                VecDeque::new()
            });
            of_it.push_back(turn);
        }
        new
    }

    /// The first of the conference at that place.
    fn peek(&self, place: usize) -> Option<(ConferenceId, Turn)> {
        let id = *self.order.get(place)?;
        Some((id, self.of.get(&id)?.front()?.clone()))
    }

    /// Takes it; then the next conference is at its place if it was the last of its own.
    fn pop(&mut self, place: usize) {
        let Some(id) = self.order.get(place).copied() else { return };
        let Some(of_it) = self.of.get_mut(&id) else { return };
        if let Some(turn) = of_it.pop_front() {
            self.waiting.remove(&(id, turn.member));
        }
        if of_it.is_empty() {
            self.of.remove(&id);
            self.order.remove(place);
        }
    }

    fn forget(&mut self, id: ConferenceId) {
        if let Some(of_it) = self.of.remove(&id) {
            of_it.iter().for_each(|turn| _ = self.waiting.remove(&(id, turn.member)));
            self.order.retain(|other| *other != id);
        }
    }

    fn audit(&self, wrong: &mut Vec<String>) {
        let queued = self.of.iter().flat_map(|(id, of_it)| of_it.iter().map(|turn| (*id, turn.member)));
        let ordered: BTreeSet<_> = self.order.iter().collect();
        if queued.collect::<BTreeSet<_>>() != self.waiting || ordered != self.of.keys().collect() {
            wrong.push("those who wait to be moved are others than those in the queue".into());
        }
    }
}

/// What is done at one time.
#[derive(Debug)]
struct Round {
    left: u32,
    looks: u32,
    given: BTreeMap<BridgeId, u32>,
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

    /// Whether one more conference may seek a bridge now, though it may be in vain.
    fn may_seek(&mut self, now: Timestamp) -> bool {
        if self.sought.0 != now {
            self.sought = (now, 0);
        }
        let may = self.seeks.is_empty() && self.sought.1 < MOST;
        self.sought.1 += u32::from(may);
        may
    }

    fn is_waiting(&self) -> bool {
        !(self.invites.is_empty() && self.steps.is_empty() && self.seeks.is_empty() && self.reliefs.is_empty())
    }

    /// Whether a participant waits here for a bridge.
    pub fn has(&self, id: ConferenceId, member: MemberId) -> bool {
        self.invites.waiting.contains(&(id, member))
    }

    /// Whether a conference waits here to seek a bridge for all who wait for one.
    pub fn will_seek(&self, id: ConferenceId) -> bool {
        self.seeks.contains(&id)
    }

    /// Whether a participant is to be moved off the bridge on which it is.
    pub fn is_relieved(&self, id: ConferenceId, member: MemberId) -> bool {
        self.reliefs.waiting.contains(&(id, member))
    }

    /// Whether a whole conference is to be moved off a bridge.
    pub fn is_leaving(&self, id: ConferenceId, bridge: &BridgeId) -> bool {
        self.steps.iter().any(|(of, Step::Leave(off) | Step::Relieve(off))| *of == id && off == bridge)
    }

    /// A conference is over.
    pub fn forget(&mut self, id: ConferenceId) {
        self.invites.forget(id);
        self.reliefs.forget(id);
        self.steps.retain(|(conference, _)| *conference != id);
        self.seeks.remove(&id);
    }

    /// What contradicts itself.
    pub fn audit(&self, is_there: impl Fn(ConferenceId) -> bool, wrong: &mut Vec<String>) {
        self.invites.audit(wrong);
        self.reliefs.audit(wrong);
        let queues = self.invites.order.iter().chain(&self.reliefs.order).chain(&self.seeks);
        let ids = queues.chain(self.steps.iter().map(|(id, _)| id));
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
        self.moves.invites.push(id, Turn { member, off: None });
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
    /// A bridge goes: the conferences on it leave it, now or one after the other. `why`: what it does, for their stories.
    pub(super) fn leave_bridge(&mut self, bridge: &BridgeId, why: &'static str) {
        let Some(users) = self.cx.bridge_users.get(bridge).cloned() else { return };
        for id in users {
            self.note(id, Came::Bridge(why, &bridge.jid));
            self.step(id, Step::Leave(bridge.clone()));
        }
    }

    /// A conference moves off a bridge that could keep it, as a whole.
    pub(super) fn relieve_of_conference(&mut self, id: ConferenceId, bridge: &BridgeId) {
        self.step(id, Step::Relieve(bridge.clone()));
    }

    /// These move off a bridge that could keep them. Until it is its turn each stays where it is.
    pub(super) fn relieve_of(&mut self, id: ConferenceId, bridge: &BridgeId, members: &[MemberId]) {
        for member in members {
            if self.cx.moves.may(self.cx.now) {
                self.with_conference(id, |conference, cx| conference.leave_alone(cx, *member, bridge));
            } else {
                self.cx.moves.reliefs.push(id, Turn { member: *member, off: Some(bridge.clone()) });
            }
        }
        self.cx.pace_moves();
    }

    /// There may be a bridge for those who found none.
    pub(super) fn seek_bridges(&mut self) {
        for id in std::mem::take(&mut self.cx.stranded) {
            if self.cx.moves.may_seek(self.cx.now) {
                self.with_conference(id, |conference, cx| conference.take_chance(cx));
            } else {
                self.cx.moves.seeks.insert(id);
            }
        }
        self.cx.pace_moves();
    }

    /// Some of those who wait to be moved are.
    pub(super) fn move_some(&mut self) {
        self.cx.moves.timer = None;
        self.cx.moves.spent = AT_ONCE;
        self.cx.moves.since = self.cx.now;
        let mut round = Round { left: MOST, looks: LOOKS, given: BTreeMap::new() };
        self.work_off(&mut round, |moves| &mut moves.invites);
        while round.left > 0 {
            round.left -= 1;
            if let Some((id, step)) = self.cx.moves.steps.pop_front() {
                self.take_step(id, &step);
            } else if let Some(id) = self.cx.moves.seeks.pop_first() {
                self.with_conference(id, |conference, cx| conference.take_chance(cx));
            } else {
                round.left += 1;
                break;
            }
        }
        self.work_off(&mut round, |moves| &mut moves.reliefs);
        self.cx.pace_moves();
    }

    /// Moves those whose turn it is, if the bridge to which each would go has not had its share. A conference is done before
    /// the next begins, but for those who have to wait for that.
    fn work_off(&mut self, round: &mut Round, queue: fn(&mut Moves) -> &mut Queue) {
        let mut place = 0;
        while round.left > 0 && round.looks > 0 {
            let Some((id, Turn { member, off })) = queue(&mut self.cx.moves).peek(place) else { return };
            round.looks -= 1;
            // Where there is no bridge, nobody is a burden to one.
            let goes_to = self.conferences.get(id).and_then(|it| it.would_take(&self.cx, member));
            if goes_to.as_ref().is_some_and(|bridge| round.given.get(bridge).is_some_and(|given| *given >= SHARE)) {
                place += 1;
                continue;
            }
            queue(&mut self.cx.moves).pop(place);
            round.left -= 1;
            if let Some(bridge) = goes_to {
                *round.given.entry(bridge).or_default() += 1;
            }
            self.with_conference(id, |conference, cx| match off {
                None => conference.place_waiting(cx, member),
                Some(off) => conference.leave_alone(cx, member, &off),
            });
        }
    }

    fn step(&mut self, id: ConferenceId, step: Step) {
        if self.cx.moves.may(self.cx.now) {
            self.take_step(id, &step);
        } else {
            self.cx.moves.steps.push_back((id, step));
        }
        self.cx.pace_moves();
    }

    fn take_step(&mut self, id: ConferenceId, step: &Step) {
        self.with_conference(id, |conference, cx| match step {
            Step::Leave(bridge) => conference.leave_bridge(cx, bridge),
            Step::Relieve(bridge) => conference.leave_whole(cx, bridge),
        });
    }
}
