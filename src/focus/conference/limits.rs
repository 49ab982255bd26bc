//! How often a participant may ask for a restart (spec/30 §12.4).

use std::collections::VecDeque;

use crate::config::RateLimits;
use crate::focus::time::Timestamp;

/// The accepted requests of the last interval.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget {
    accepted: VecDeque<Timestamp>,
}

impl Budget {
    /// Accepts a request, or not. What is not accepted does not count.
    pub fn take(&mut self, now: Timestamp, limits: &RateLimits) -> bool {
        while self.accepted.front().is_some_and(|&first| now.since(first) > limits.interval) {
            self.accepted.pop_front();
        }
        let too_soon = self.accepted.back().is_some_and(|&last| now.since(last) < limits.min_interval);
        if too_soon || self.accepted.len() >= limits.max_requests as usize {
            return false;
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
}
