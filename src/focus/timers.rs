//! One queue of everything that waits for a time.

use std::collections::BTreeMap;

use super::brewery::Worker;
use super::conference::mute::Muted;
use super::conference::{ConferenceId, MemberId};
use super::pending::PendingId;
use super::time::Timestamp;
use super::visitors::mirrors::MirrorId;

/// What is due.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Timer {
    /// A request got no answer.
    NoAnswer(PendingId),
    /// Nothing came from a room that we are entering.
    EntryTimeout(ConferenceId),
    /// Nothing came from a room of visitors that we are entering.
    MirrorTimeout(ConferenceId, MirrorId),
    /// See whether anybody is in a room of visitors.
    MirrorIdle(ConferenceId, MirrorId),
    /// Say how many visitors there are by now.
    VisitorCount(ConferenceId),
    /// The room's metadata did not come (spec/20 §2.2 step 7).
    MetadataTimeout(ConferenceId),
    /// Nobody came (spec/10 §5.1).
    NobodyCame(ConferenceId),
    /// One participant has been alone for long enough (spec/30 §6.1).
    Alone(ConferenceId),
    /// The owner left; the next one is to be elected.
    ElectOwner(ConferenceId),
    /// See whether the limits of senders have changed since that was last published.
    SenderLimits(ConferenceId),
    /// Everybody may be told again to mute this.
    Mutes(ConferenceId, Muted),
    /// Tell one participant what has changed (spec/30 §10.3).
    Signal(ConferenceId, MemberId),
    /// Look again at one who has come and gone too often: to be asked what it supports, and invited.
    FindPlace(ConferenceId, MemberId),
    /// Try again to place participants whom no bridge could take.
    SeekBridge(ConferenceId),
    /// Tell bridges again what they have not confirmed.
    Repeat(ConferenceId),
    /// Give a participant an endpoint whose last ones were lost.
    Reinvite(ConferenceId, MemberId),
    /// Some of those move whose bridge has gone.
    Move,
    /// A lost connection was not resumed in time.
    GraceOver(super::Connection),
    /// Enter a brewery (again).
    JoinBrewery(Worker),
    /// Nothing came from a brewery that we are entering.
    BreweryTimeout(Worker),
    /// Nothing may have come from a brewery that we are in.
    BreweryQuiet(Worker),
    /// The bridges' brewery has had no bridge for a while.
    BreweryEmpty,
    /// Ask again which components there are.
    DiscoverComponents,
    /// Look for bridges that have too much to do.
    Redistribute,
    /// An authentication session may have expired.
    SessionsExpire,
    /// See whether we are well.
    CheckHealth,
}

impl Timer {
    /// The conference that it is about, if it is one.
    pub fn conference(&self) -> Option<ConferenceId> {
        match self {
            Timer::EntryTimeout(id)
            | Timer::MirrorTimeout(id, _)
            | Timer::MirrorIdle(id, _)
            | Timer::VisitorCount(id)
            | Timer::MetadataTimeout(id)
            | Timer::NobodyCame(id)
            | Timer::Alone(id)
            | Timer::ElectOwner(id)
            | Timer::SenderLimits(id)
            | Timer::Mutes(id, _)
            | Timer::Signal(id, _)
            | Timer::FindPlace(id, _)
            | Timer::SeekBridge(id)
            | Timer::Repeat(id)
            | Timer::Reinvite(id, _) => Some(*id),
            _ => None,
        }
    }
}

/// The handle by which a timer is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey(Timestamp, u64);

#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<TimerKey, Timer>,
    count: u64,
}

impl Timers {
    pub fn set(&mut self, at: Timestamp, timer: Timer) -> TimerKey {
        self.count += 1;
        let key = TimerKey(at, self.count);
        self.queue.insert(key, timer);
        key
    }

    /// Cancelling what has gone off already does nothing.
    pub fn cancel(&mut self, key: Option<TimerKey>) {
        if let Some(key) = key {
            self.queue.remove(&key);
        }
    }

    /// All of a conference. It costs what there is.
    pub fn cancel_all_of(&mut self, conference: ConferenceId) {
        self.queue.retain(|_, timer| timer.conference() != Some(conference));
    }

    pub fn next(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|(key, _)| key.0)
    }

    pub fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        let entry = self.queue.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Timer> {
        self.queue.values()
    }

    pub fn has(&self, key: TimerKey) -> bool {
        self.queue.contains_key(&key)
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }
}
