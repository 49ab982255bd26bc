//! How loaded a bridge is, counting what it has not reported yet (spec/50 §4).

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crowd::Load;
use super::ice;
use super::registry::Bridge;
use super::select::ConferenceBridge;
use crate::config::{self, LoadModel};
use crate::focus::Timestamp;

/// Counts events of the last while, in buckets: each counts at least for the window, and less than a bucket more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecentCount {
    /// Tick of the bucket, and how many events there were up to its end; both ascend. So a count is a search, not a sum:
    /// every selection counts on every bridge.
    buckets: VecDeque<(u64, u64)>,
    /// Events up to the first bucket.
    before: u64,
}

impl RecentCount {
    /// Of endpoints (spec/50 §4.1).
    pub const BUCKET: Duration = Duration::from_millis(100);

    pub fn add(&mut self, now: Timestamp, window: Duration) {
        self.add_in(now, window, Self::BUCKET);
    }

    pub fn count(&self, now: Timestamp, window: Duration) -> u32 {
        self.count_in(now, window, Self::BUCKET)
    }

    /// The same in buckets of that length. One counter is always used with one length.
    pub fn add_in(&mut self, now: Timestamp, window: Duration, bucket: Duration) {
        let (tick, ticks) = (tick(now, bucket), ticks_of(window, bucket));
        while let Some(&(_, total)) = self.buckets.front().filter(|(at, _)| tick > at + ticks) {
            self.before = total;
            self.buckets.pop_front();
        }
        let total = self.buckets.back().map_or(self.before, |(_, total)| *total) + 1;
        match self.buckets.back_mut() {
            Some(last) if last.0 == tick => last.1 = total,
            _ => self.buckets.push_back((tick, total)),
        }
    }

    pub fn count_in(&self, now: Timestamp, window: Duration, bucket: Duration) -> u32 {
        self.count_since(Since::new(now, window, bucket))
    }

    pub fn count_since(&self, since: Since) -> u32 {
        let Some(&(last, total)) = self.buckets.back() else { return 0 };
        if last < since.0 {
            return 0;
        }
        // Where events are many, the last one has taken the expired ones away.
        let none_expired = self.buckets.front().is_some_and(|(first, _)| *first >= since.0);
        let expired = if none_expired { 0 } else { self.buckets.partition_point(|(at, _)| *at < since.0) };
        let before = expired.checked_sub(1).map_or(self.before, |last| self.buckets[last].1);
        u32::try_from(total - before).unwrap_or(u32::MAX)
    }
}

/// From which bucket on events count.
#[derive(Debug, Clone, Copy)]
pub struct Since(u64);

impl Since {
    pub fn new(now: Timestamp, window: Duration, bucket: Duration) -> Since {
        Since(tick(now, bucket).saturating_sub(ticks_of(window, bucket)))
    }
}

fn tick(now: Timestamp, bucket: Duration) -> u64 {
    now.0 / micros(bucket)
}

/// Rounded up: a window that is no multiple of the bucket is no reason to fail (spec/50 §4.1, "Improve").
fn ticks_of(window: Duration, bucket: Duration) -> u64 {
    micros(window).div_ceil(micros(bucket))
}

/// Of lengths of time that a configuration can have; at least one.
fn micros(time: Duration) -> u64 {
    let micros = time.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(time.subsec_micros()));
    micros.clamp(1, u64::MAX / 4)
}

/// A moment at which bridges are compared: what is the same for all of them is computed once, as there may be hundreds.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'c> {
    pub now: Timestamp,
    pub config: &'c config::Bridge,
    /// From when on endpoints are recent.
    recent: Since,
}

impl<'c> Moment<'c> {
    pub fn new(now: Timestamp, config: &'c config::Bridge) -> Moment<'c> {
        let recent = Since::new(now, config.participant_rampup_interval, RecentCount::BUCKET);
        Moment { now, config, recent }
    }
}

impl Bridge {
    /// Reported stress plus that of what it cannot have counted yet. May exceed 1.
    pub fn corrected_stress(&self, now: Timestamp, config: &config::Bridge) -> f64 {
        self.stress_at(&Moment::new(now, config))
    }

    /// The same of one of many.
    pub fn stress_at(&self, moment: &Moment<'_>) -> f64 {
        let config = moment.config;
        let stress = match config.selection_load_model {
            LoadModel::Predictive => (self.reported_stress + self.forecast.unreported()).max(0.0),
            LoadModel::Classic => self.classic_stress(moment),
        };
        if self.failing_ice(moment.now, config) { stress.max(config.stress_threshold + ice::OVER) } else { stress }
    }

    /// The original's: each endpoint of the last while costs the same (spec/50 §4.2).
    fn classic_stress(&self, moment: &Moment<'_>) -> f64 {
        let recent = self.recent.count_since(moment.recent);
        self.reported_stress + f64::from(recent) * self.average_participant_stress
    }

    /// Endpoints that were sent to it within `participant-rampup-interval`, by all conferences.
    pub fn recent_endpoints(&self, now: Timestamp, config: &config::Bridge) -> u32 {
        self.recent.count_since(Moment::new(now, config).recent)
    }

    /// What may have to be added to its stress: conferences that are new on it grow, and predictions of it may be wrong. What
    /// bridges are compared by is the sum (docs/BRIDGES.md). Nothing with the original's model.
    pub fn foreseen(&self, now: Timestamp, config: &config::Bridge) -> f64 {
        match config.selection_load_model {
            LoadModel::Predictive => self.forecast.growing(now) + self.forecast.error(),
            LoadModel::Classic => 0.0,
        }
    }

    /// The stress of a packet a second, as far as it is known.
    pub fn cost(&self) -> f64 {
        self.forecast.slope()
    }

    /// The same, if its reports have told it.
    pub fn learned_cost(&self) -> Option<f64> {
        self.forecast.learned()
    }

    /// What it is expected to move for us.
    pub fn carried(&self) -> Load {
        self.forecast.carried()
    }

    /// How far off predictions of its stress are, on average.
    pub fn prediction_error(&self) -> f64 {
        self.forecast.error()
    }

    /// spec/50 §4.3. No hard limit: strategies prefer others.
    pub fn overloaded(&self, now: Timestamp, config: &config::Bridge) -> bool {
        is_overload(self.corrected_stress(now, config), config)
    }

    /// The same for a conference that uses it so much already.
    pub fn overloaded_for(&self, now: Timestamp, config: &config::Bridge, on: &ConferenceBridge) -> bool {
        self.overloaded(now, config) || on.is_maxed(config) || on.is_rate_limited(config)
    }
}

/// Whether a bridge with that corrected stress is overloaded.
pub fn is_overload(stress: f64, config: &config::Bridge) -> bool {
    stress >= config.stress_threshold
}

impl ConferenceBridge {
    /// `max-bridge-participants` is reached.
    pub fn is_maxed(&self, config: &config::Bridge) -> bool {
        reached(self.endpoints, config.max_bridge_participants)
    }

    /// `max-bridge-participants-per-interval` is reached.
    pub fn is_rate_limited(&self, config: &config::Bridge) -> bool {
        reached(self.recent, config.max_bridge_participants_per_interval)
    }
}

/// A limit of 0 or less is none.
fn reached(count: u32, limit: i32) -> bool {
    limit > 0 && i64::from(count) >= i64::from(limit)
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
