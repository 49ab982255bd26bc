//! Bridges to which endpoints cannot connect (spec/50 §4.4). Health checks do not see that: the way from clients to a bridge
//! is not ours.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::load::RecentCount;
use super::registry::Bridge;
use crate::config;
use crate::focus::Timestamp;

/// How long a bucket of the counter is.
const BUCKET: Duration = Duration::from_secs(1);

/// How far above the threshold of overload a bridge is taken to be while it fails.
pub(super) const OVER: f64 = 0.01;

/// Requests of endpoints for a new transport, by which a bridge is judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct IceFailures {
    recent: RecentCount,
    /// Since the bridge came.
    total: u64,
    failed_at: Option<Timestamp>,
}

impl Bridge {
    /// An endpoint that is on it asked for a restart, or could not connect. Counted before the endpoint is off it. True: the
    /// bridge is judged to fail, and was not before.
    pub(super) fn restart_requested(&mut self, now: Timestamp, config: &config::Bridge) -> bool {
        let detection = &config.ice_failure_detection;
        self.ice.total += 1;
        self.ice.recent.add_in(now, detection.interval, BUCKET);
        let requests = self.ice.recent.count_in(now, detection.interval, BUCKET);
        let too_many = f64::from(requests) > f64::from(self.endpoints) * detection.threshold;
        if !detection.enabled || self.endpoints < detection.min_endpoints || !too_many {
            return false;
        }
        let before = self.failing_ice(now, config);
        self.ice.failed_at = Some(now);
        !before
    }

    /// Whether too many endpoints cannot connect to it: it counts as overloaded for a while.
    pub fn failing_ice(&self, now: Timestamp, config: &config::Bridge) -> bool {
        self.ice.failed_at.is_some_and(|failed| now.since(failed) < config.ice_failure_detection.timeout)
    }

    /// Restart requests within the window, and since it came.
    pub fn restart_requests(&self, now: Timestamp, config: &config::Bridge) -> (u32, u64) {
        (self.ice.recent.count_in(now, config.ice_failure_detection.interval, BUCKET), self.ice.total)
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry::Bridges;
    use super::*;
    use crate::config::Config;
    use crate::wire::presence::{Stat, Stats};

    fn at(seconds: u64) -> Timestamp {
        Timestamp((1_000_000 + seconds) * 1_000_000)
    }

    /// Restart requests, a second apart, of a bridge with so many endpoints and little stress. The bridge, and after how many
    /// it was found to fail.
    fn after(requests: u64, endpoints: u32, config: &config::Bridge) -> (Bridge, Vec<u64>) {
        let mut bridges = Bridges::default();
        let stress = Stat { name: Some("stress_level".into()), value: Some("0.1".into()) };
        let jid = "b@muc.x/jvb".parse().expect("valid");
        bridges.presence(at(0), &jid, &Stats { stats: vec![stress] }, config);
        let mut bridge = bridges.iter().next().expect("there").clone();
        bridge.endpoints = endpoints;
        let found = (1..=requests).filter(|&second| bridge.restart_requested(at(second), config)).collect();
        (bridge, found)
    }

    fn on() -> config::Bridge {
        let mut config = Config::default().bridge;
        config.ice_failure_detection.enabled = true;
        config
    }

    /// spec/50 §12 (31).
    #[test]
    fn more_than_a_tenth_of_the_endpoints_of_a_large_bridge_make_it_fail() {
        let off = Config::default().bridge;
        for (requests, endpoints, config, found) in
            [(4, 40, on(), &[][..]), (5, 40, on(), &[5]), (20, 29, on(), &[]), (4, 30, on(), &[4]), (40, 40, off, &[])]
        {
            let (bridge, failed) = after(requests, endpoints, &config);
            assert_eq!(failed, found, "{requests} of {endpoints}");
            assert_eq!(bridge.restart_requests(at(requests), &config).1, requests);
            assert_eq!(bridge.overloaded(at(requests), &config), !found.is_empty());
        }
    }

    /// spec/50 §4.2, §4.4.
    #[test]
    fn a_failing_bridge_counts_as_overloaded_for_ten_minutes_after_the_last_sign() {
        let config = on();
        let (mut bridge, _) = after(5, 40, &config);
        assert!((bridge.corrected_stress(at(5), &config) - 0.81).abs() < 1e-9);
        bridge.reported_stress = 0.95;
        assert!((bridge.corrected_stress(at(5), &config) - 0.95).abs() < 1e-9, "a floor, no ceiling");
        bridge.reported_stress = 0.1;
        assert!(bridge.failing_ice(at(604), &config) && !bridge.failing_ice(at(605), &config));
        // Each further request that meets the condition prolongs it, and is no news.
        assert!(!bridge.restart_requested(at(10), &config));
        assert!(bridge.failing_ice(at(609), &config) && !bridge.failing_ice(at(610), &config));
        assert!((bridge.corrected_stress(at(610), &config) - 0.1).abs() < 1e-9);
    }

    /// spec/50 §4.1.
    #[test]
    fn requests_count_for_two_minutes_and_less_than_a_second_more() {
        let config = on();
        let (bridge, _) = after(3, 100, &config);
        let count = |second| bridge.restart_requests(at(second), &config).0;
        assert_eq!([3, 121, 122, 123, 124].map(count), [3, 3, 2, 1, 0]);
        let mut odd = on();
        odd.ice_failure_detection.interval = Duration::from_millis(1500);
        let (bridge, _) = after(1, 100, &odd);
        assert_eq!([3, 4].map(|second| bridge.restart_requests(at(second), &odd).0), [1, 0], "rounded up");
    }
}
