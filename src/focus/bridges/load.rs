//! How loaded a bridge is, counting what it has not reported yet (spec/50 §4).

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::predict::Fleet;
use super::registry::Bridge;
use crate::config::{self, LoadModel};
use crate::focus::Timestamp;

/// Counts events of the last while, in buckets of 100 ms: each counts at least for the window, and less than a bucket more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecentCount {
    /// Tick of the bucket, events in it; ticks ascend.
    buckets: VecDeque<(u64, u32)>,
}

impl RecentCount {
    pub const BUCKET: Duration = Duration::from_millis(100);

    pub fn add(&mut self, now: Timestamp, window: Duration) {
        let tick = tick(now);
        self.buckets.retain(|(at, _)| tick <= at + ticks_of(window));
        match self.buckets.back_mut() {
            Some((at, count)) if *at == tick => *count += 1,
            _ => self.buckets.push_back((tick, 1)),
        }
    }

    pub fn count(&self, now: Timestamp, window: Duration) -> u32 {
        let tick = tick(now);
        self.buckets.iter().filter(|(at, _)| tick <= at + ticks_of(window)).map(|(_, count)| count).sum()
    }
}

fn tick(now: Timestamp) -> u64 {
    now.millis() / 100
}

/// Rounded up: a window that is no multiple of the bucket is no reason to fail (spec/50 §4.1, "Improve").
fn ticks_of(window: Duration) -> u64 {
    u64::try_from(window.as_nanos().div_ceil(RecentCount::BUCKET.as_nanos())).unwrap_or(u64::MAX / 2).max(1)
}

impl Bridge {
    /// Reported stress plus that of what it cannot have counted yet. May exceed 1.
    pub fn corrected_stress(&self, now: Timestamp, config: &config::Bridge) -> f64 {
        match config.selection_load_model {
            LoadModel::Predictive => self.reported_stress + self.forecast.unreported(),
            LoadModel::Classic => self.classic_stress(now, config),
        }
        .max(0.0)
    }

    /// The original's: each endpoint of the last while costs the same (spec/50 §4.2).
    fn classic_stress(&self, now: Timestamp, config: &config::Bridge) -> f64 {
        let recent = self.recent.count(now, config.participant_rampup_interval);
        self.reported_stress + f64::from(recent) * self.average_participant_stress
    }

    /// What its stress is expected to become with another conference on it: what it is compared by. With the original's model
    /// that is its stress by now.
    pub fn expected_stress(&self, now: Timestamp, config: &config::Bridge, fleet: &Fleet) -> f64 {
        let now_stress = self.corrected_stress(now, config);
        match config.selection_load_model {
            LoadModel::Predictive => now_stress + self.forecast.foreseen(now, fleet.typical()),
            LoadModel::Classic => now_stress,
        }
    }

    /// Packets a second that it is expected to move for us.
    pub fn carried(&self) -> u64 {
        self.forecast.carried()
    }

    /// How far off predictions of its stress are, on average.
    pub fn prediction_error(&self) -> f64 {
        self.forecast.error()
    }

    pub fn debug(&self) -> String { self.forecast.debug() }

    /// spec/50 §4.3. No hard limit: strategies prefer others.
    pub fn overloaded(&self, now: Timestamp, config: &config::Bridge) -> bool {
        self.corrected_stress(now, config) >= config.stress_threshold
    }

    /// The same for a conference that has this many endpoints on it.
    pub fn overloaded_for(&self, now: Timestamp, config: &config::Bridge, endpoints: u32) -> bool {
        let limit = u32::try_from(config.max_bridge_participants).unwrap_or(0);
        self.overloaded(now, config) || (limit > 0 && endpoints >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp(millis * 1000)
    }

    /// spec/50 §12 (30).
    #[test]
    fn an_event_counts_for_the_window_and_no_bucket_longer() {
        let table = [
            // Window, age in ms, still counted.
            (20_000, 0, true),
            (20_000, 20_000, true),
            (20_000, 20_099, true),
            (20_000, 20_100, false),
            (250, 300, true),
            (250, 400, false),
            (0, 100, true),
        ];
        for (window, age, counted) in table {
            let mut recent = RecentCount::default();
            let window = Duration::from_millis(window);
            recent.add(at(1_000_000), window);
            recent.add(at(1_000_000), window);
            let expected = if counted { 2 } else { 0 };
            assert_eq!(recent.count(at(1_000_000 + age), window), expected, "{window:?} {age}");
        }
    }

    #[test]
    fn what_has_expired_is_forgotten() {
        let mut recent = RecentCount::default();
        for second in 0..10_000 {
            recent.add(at(second * 1000), Duration::from_secs(20));
        }
        assert_eq!(recent.count(at(9_999_000), Duration::from_secs(20)), 21);
        assert!(recent.buckets.len() <= 21);
    }
}
