//! What is counted. Counters only go up; gauges are derived from state when they are read (spec/90, row 107).

use std::collections::BTreeMap;
use std::time::Duration;

use super::brewery::Worker;
use super::brewery::instances::Counts;
use super::bridges::predict::Predictions;
use super::bridges::status::BridgeStatus;
use super::health::Outcome;
use super::time::Timestamp;
use super::{Connection, Focus, NodeId};
use crate::wire::jingle::Jingle;
use crate::wire::values::Action;

/// Names follow spec/10 §5.8, spec/30 §13, spec/50 §10 without their prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// When counting began.
    pub started: Option<Timestamp>,
    pub conference_requests: u64,
    /// Conferences that were found to contradict themselves.
    pub contradictions: u64,
    pub conference_requests_new: u64,
    pub conferences_created: u64,
    pub conferences_ended: u64,
    /// How long the ended ones lasted together, in microseconds.
    pub conferences_micros: u64,
    pub participants: u64,
    pub participants_ended: u64,
    /// How long they were there together, in microseconds.
    pub participants_micros: u64,
    pub participants_moved: u64,
    pub participants_ice_failed: u64,
    pub participants_restart_requested: u64,
    pub participants_no_start_muted_rmd: u64,
    pub ice_restarts_requested: u64,
    pub ice_restarts_relayed: u64,
    pub ice_restarts_not_needed: u64,
    pub ice_restarts_failed: u64,
    pub bridges_removed: u64,
    /// Off bridges that had too much to do; not on an operator's word.
    pub endpoints_redistributed: u64,
    pub lost_bridges: u64,
    /// How well the stress of bridges was predicted (docs/BRIDGES.md).
    pub stress_predictions: Predictions,
    /// Selections for a conference of which a bridge had as many new endpoints as it may get in an interval.
    pub bridge_selections_rate_limited: u64,
    pub xmpp_disconnects: u64,
    /// Requests of senders who had asked for too much (`floods.rs`).
    pub requests_limited: u64,
    /// Answers to nothing, to what has gone, and second answers.
    pub answers_unmatched: u64,
    pub jingle_received: JingleCounts,
    pub jingle_sent: JingleCounts,
    /// Received, and refused as too much.
    pub jingle_dropped: u64,
    pub first_jingle: Option<Timestamp>,
    /// Checks of our own health that took too long.
    pub slow_health_checks: u64,
    /// Conferences dropped because handling one of their inputs panicked.
    pub panics: u64,
}

impl Metrics {
    pub(super) fn participant_ended(&mut self, now: Timestamp, since: Timestamp) {
        self.participants_ended += 1;
        self.participants_micros += micros(now.since(since));
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Jingle requests by what they want; those that want nothing known are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JingleCounts(BTreeMap<&'static str, u64>);

impl JingleCounts {
    pub(super) fn add(&mut self, jingle: &Jingle) {
        if let Some(action) = jingle.action.as_deref().and_then(|action| action.parse::<Action>().ok()) {
            *self.0.entry(action.as_str()).or_default() += 1;
        }
    }

    /// Each action that there was, as it is written in Jingle.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(action, count)| (*action, *count))
    }

    pub fn sum(&self) -> u64 {
        self.0.values().sum()
    }
}

/// The state behind the gauges. Conferences made to check our health are in none of it but what is pending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    pub conferences: usize,
    pub members: usize,
    pub participants: usize,
    /// Those of them who only look on.
    pub visitors: usize,
    pub conferences_with_visitors: usize,
    pub sizes: Sizes,
    pub bridges: usize,
    pub operational_bridges: usize,
    /// In graceful shutdown.
    pub bridges_in_shutdown: usize,
    /// Different full versions.
    pub bridge_versions: usize,
    /// On all bridges, awaited answers included.
    pub endpoints: usize,
    /// Recorders and gateways.
    pub instances: Counts,
    pub requests_pending: usize,
    pub timers: usize,
}

/// How large conferences are: their participants, and 1 where there is none (spec/80 §3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    pub largest: u64,
    pub sum: u64,
    pub sum_of_squares: u64,
    /// By the bounds of [`Sizes::BOUNDS`].
    pub buckets: [u64; Sizes::BOUNDS.len()],
}

impl Sizes {
    /// Where each bucket begins; it ends before the next one, and the last one never does.
    pub const BOUNDS: [u64; 13] = [0, 1, 2, 3, 5, 10, 20, 50, 100, 200, 300, 400, 500];

    fn add(&mut self, participants: usize) {
        let size = participants.max(1) as u64;
        self.largest = self.largest.max(size);
        self.sum += size;
        self.sum_of_squares += size * size;
        let bucket = Sizes::BOUNDS.iter().rposition(|bound| *bound <= size).unwrap_or_default();
        self.buckets[bucket] += 1;
    }
}

/// Everything that is told of the focus in numbers, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub now: Timestamp,
    pub counted: Metrics,
    pub gauges: Gauges,
    pub bridges: Vec<BridgeStatus>,
    /// Each connection that there is to be, and whether it is.
    pub connections: Vec<(String, bool)>,
    pub problems: usize,
    /// Whether there is to be a brewery of Jigasis.
    pub has_jigasis: bool,
    /// None: nobody looks after it.
    pub health: Option<Outcome>,
}

impl Focus {
    pub fn metrics(&self) -> &Metrics {
        &self.cx.metrics
    }

    /// Counted from state.
    pub fn gauges(&self) -> Gauges {
        let config = &self.cx.config.bridge;
        let conferences = || self.conferences.iter().filter(|conference| !conference.is_check);
        let mut sizes = Sizes::default();
        conferences().for_each(|conference| sizes.add(conference.members().participants()));
        Gauges {
            conferences: conferences().count(),
            members: conferences().map(|conference| conference.members().len()).sum(),
            participants: conferences().map(|conference| conference.members().participants()).sum(),
            visitors: conferences().map(|conference| conference.members().visitors()).sum(),
            conferences_with_visitors: conferences().filter(|it| it.members().visitors() > 0).count(),
            sizes,
            bridges: self.cx.bridges.iter().count(),
            operational_bridges: self.cx.bridges.iter().filter(|it| it.operational(self.cx.now, config)).count(),
            bridges_in_shutdown: self.cx.bridges.iter().filter(|bridge| bridge.graceful_shutdown).count(),
            bridge_versions: self.cx.bridges.versions(),
            endpoints: self.cx.bridges.iter().map(|bridge| bridge.endpoints as usize).sum(),
            instances: self.cx.instances.counts(),
            requests_pending: self.cx.pending.len(),
            timers: self.cx.timers.len(),
        }
    }

    /// Each connection that there is to be.
    pub(super) fn connections(&self) -> Vec<Connection> {
        let mut wanted = vec![Connection::Client];
        wanted.extend(self.cx.config.xmpp.service.as_ref().map(|_| Connection::Service));
        wanted.extend(self.cx.config.component.as_ref().map(|_| Connection::Component));
        let nodes = u16::try_from(self.cx.config.xmpp.visitors.len()).unwrap_or(u16::MAX);
        wanted.extend((0..nodes).map(|node| Connection::Visitors(NodeId(node))));
        wanted
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.cx.now,
            counted: self.cx.metrics.clone(),
            gauges: self.gauges(),
            bridges: self.bridges(),
            connections: self
                .connections()
                .into_iter()
                .map(|on| (on.short_name(&self.cx.config), self.cx.is_connected(on)))
                .collect(),
            problems: self.cx.problems.iter().count(),
            has_jigasis: self.breweries.contains_key(&Worker::Jigasi),
            health: self.cx.config.health.enabled.then(|| self.health()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buckets hold a size from their bound on, and before the next.
    #[test]
    fn sizes_fall_into_the_bucket_that_begins_with_them() {
        let mut sizes = Sizes::default();
        [0, 1, 2, 3, 4, 5, 499, 500, 10_000].into_iter().for_each(|size| sizes.add(size));
        assert_eq!(sizes.buckets, [0, 2, 1, 2, 1, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((sizes.largest, sizes.sum), (10_000, 1 + 1 + 2 + 3 + 4 + 5 + 499 + 500 + 10_000));
        assert_eq!(sizes.sum_of_squares, 1 + 1 + 4 + 9 + 16 + 25 + 249_001 + 250_000 + 100_000_000);
    }
}
