//! How often a participant may ask for a restart (spec/30 §12.4).

use std::collections::VecDeque;

use crate::config::RateLimits;
use crate::focus::time::Timestamp;

/// The accepted requests of the last interval, and the last one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    accepted: VecDeque<Timestamp>,
}

impl Budget {
    /// Accepts a request, or not: the first in any case. What is not accepted does not count.
    pub fn take(&mut self, now: Timestamp, limits: &RateLimits) -> bool {
        if let Some(&last) = self.accepted.back() {
            self.accepted.retain(|&at| at == last || now.since(at) <= limits.interval);
            let lately = self.accepted.iter().filter(|&&at| now.since(at) <= limits.interval).count();
            if now.since(last) < limits.min_interval || lately >= limits.max_requests as usize {
                return false;
            }
        }
        self.accepted.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Conference;

    #[test]
    fn five_requests_a_minute_and_five_seconds_between_two() {
        let limits = Conference::default().restart_request_rate_limits;
        let mut budget = Budget::default();
        let mut at = |seconds: u64| budget.take(Timestamp(seconds * 1_000_000), &limits);
        assert_eq!([0, 6, 12, 18, 24, 30, 61].map(&mut at), [true, true, true, true, true, false, true]);
        assert!(!at(63), "less than five seconds after the last");
    }

    /// The first is accepted by whatever limits (spec/30 §12.4).
    #[test]
    fn the_first_request_is_always_accepted() {
        let limits = RateLimits { max_requests: 0, ..Conference::default().restart_request_rate_limits };
        let mut budget = Budget::default();
        let mut at = |seconds: u64| budget.take(Timestamp(seconds * 1_000_000), &limits);
        assert_eq!([3, 4, 20, 70, 1_000].map(&mut at), [true, false, false, false, false]);
    }
}
