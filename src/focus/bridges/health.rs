//! Checking that a bridge is well (spec/50 §7): what to ask when, and what an answer means.

use serde::{Deserialize, Serialize};

use crate::config;
use crate::focus::Timestamp;
use crate::wire::values::Condition;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    Passed,
    Error(Condition),
    Timeout,
    /// It could not be sent, or the connection broke while we waited: nobody's fault.
    NotConnected,
}

/// What to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send a health check; its result goes to [`Health::answered`].
    Ask,
    Passed,
    /// The bridge says that it is not well: conferences leave it.
    Failed,
    /// The bridge says nothing: it is not selected, but conferences stay, for the trouble may be between it and us alone.
    Silent,
    Nothing,
}

/// The checks of one bridge: one at a time, at fixed intervals since it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When the next regular check is due. `None`: bridges are not checked.
    due: Option<Timestamp>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Idle,
    /// A check is in flight; regular checks are skipped meanwhile.
    Asked {
        again: bool,
    },
    /// It was not answered, and is sent once more at this time.
    Retrying(Timestamp),
}

impl Health {
    pub fn new(now: Timestamp, config: &config::HealthChecks) -> Health {
        let due = (config.enabled && !config.interval.is_zero()).then(|| now + config.interval);
        Health { due, phase: Phase::Idle }
    }

    /// When to call [`Health::poll`]. `None` while an answer is awaited.
    pub fn poll_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Idle => self.due,
            Phase::Asked { .. } => None,
            Phase::Retrying(at) => Some(at),
        }
    }

    pub fn is_asked(&self) -> bool {
        matches!(self.phase, Phase::Asked { .. })
    }

    /// The time may have come. `last_presence` and `healthy` are the bridge's own words, for checks without requests.
    pub fn poll(
        &mut self,
        now: Timestamp,
        connected: bool,
        last_presence: Timestamp,
        healthy: bool,
        config: &config::HealthChecks,
    ) -> Verdict {
        if self.poll_at().is_none_or(|at| now < at) {
            return Verdict::Nothing;
        }
        let again = matches!(self.phase, Phase::Retrying(_));
        self.phase = Phase::Idle;
        self.advance(now, config);
        if !connected {
            return Verdict::Nothing;
        }
        if config.use_presence {
            return from_presence(now, last_presence, healthy, config);
        }
        self.phase = Phase::Asked { again };
        Verdict::Ask
    }

    /// The check in flight ended.
    pub fn answered(&mut self, now: Timestamp, config: &config::HealthChecks, result: CheckResult) -> Verdict {
        let Phase::Asked { again } = self.phase else { return Verdict::Nothing };
        self.phase = Phase::Idle;
        self.advance(now, config);
        let delay = config.retry_delay.unwrap_or(config.interval / 2);
        match result {
            CheckResult::Passed => Verdict::Passed,
            CheckResult::Error(Condition::InternalServerError | Condition::ServiceUnavailable) => Verdict::Failed,
            CheckResult::Timeout if !again && !delay.is_zero() => {
                self.phase = Phase::Retrying(now + delay);
                Verdict::Nothing
            }
            CheckResult::Timeout => Verdict::Silent,
            // Its session ended, or it left the room; if it is only coming back, it answers now (spec/50 §7.1, "Improve"). There is
            // nothing to wait for before that, so it is asked whether or not silence is waited for a second time.
            CheckResult::Error(Condition::RecipientUnavailable | Condition::ItemNotFound) if !again => {
                self.phase = Phase::Asked { again: true };
                Verdict::Ask
            }
            CheckResult::Error(Condition::RecipientUnavailable | Condition::ItemNotFound) => Verdict::Silent,
            CheckResult::Error(_) | CheckResult::NotConnected => Verdict::Nothing,
        }
    }

    /// The next regular check is the first that lies ahead.
    fn advance(&mut self, now: Timestamp, config: &config::HealthChecks) {
        let Some(due) = &mut self.due else { return };
        let interval = u64::try_from(config.interval.as_micros()).unwrap_or(u64::MAX).max(1);
        if *due <= now {
            let missed = (now.0 - due.0) / interval + 1;
            due.0 = due.0.saturating_add(missed.saturating_mul(interval));
        }
    }
}

/// spec/50 §7.2.
fn from_presence(now: Timestamp, last_presence: Timestamp, healthy: bool, config: &config::HealthChecks) -> Verdict {
    if now.since(last_presence) > config.presence_timeout {
        Verdict::Silent
    } else if !healthy {
        Verdict::Failed
    } else {
        Verdict::Passed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::HealthChecks;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    /// Polls when it is to be polled; a check that is not answered ends 15 s later. Tells when it was asked, and the first
    /// verdict.
    fn silent(config: &HealthChecks) -> (Vec<u64>, u64, Verdict) {
        let mut health = Health::new(at(0), config);
        let mut asked = Vec::new();
        loop {
            let now = health.poll_at().expect("checks go on");
            assert_eq!(health.poll(now, true, at(0), true, config), Verdict::Ask);
            asked.push(now.0 / 1_000_000);
            let timeout = now + Duration::from_secs(15);
            let verdict = health.answered(timeout, config, CheckResult::Timeout);
            if verdict != Verdict::Nothing {
                return (asked, timeout.0 / 1_000_000, verdict);
            }
        }
    }

    /// spec/50 §12 (38, 39).
    #[test]
    fn a_silent_bridge_is_asked_twice() {
        assert_eq!(silent(&HealthChecks::default()), (vec![10, 30], 45, Verdict::Silent));
        let once = HealthChecks { retry_delay: Some(Duration::ZERO), ..HealthChecks::default() };
        assert_eq!(silent(&once), (vec![10], 25, Verdict::Silent));
    }

    #[test]
    fn checks_keep_their_grid_and_never_overlap() {
        let config = HealthChecks::default();
        let mut health = Health::new(at(0), &config);
        assert_eq!(health.poll(at(9), true, at(0), true, &config), Verdict::Nothing, "too early");
        assert_eq!(health.poll(at(10), true, at(0), true, &config), Verdict::Ask);
        assert_eq!(health.poll_at(), None);
        assert_eq!(health.poll(at(20), true, at(0), true, &config), Verdict::Nothing, "in flight");
        assert_eq!(health.answered(at(24), &config, CheckResult::Passed), Verdict::Passed);
        assert_eq!(health.answered(at(24), &config, CheckResult::Timeout), Verdict::Nothing, "a second answer");
        assert_eq!(health.poll_at(), Some(at(30)));
        assert_eq!(health.poll(at(30), false, at(0), true, &config), Verdict::Nothing, "not connected");
        assert_eq!(health.poll_at(), Some(at(40)));
    }

    #[test]
    fn an_answer_means_what_its_condition_says() {
        use Condition::*;
        let table: &[(&[CheckResult], Verdict)] = &[
            (&[CheckResult::Passed], Verdict::Passed),
            (&[CheckResult::Error(InternalServerError)], Verdict::Failed),
            (&[CheckResult::Error(ServiceUnavailable)], Verdict::Failed),
            (&[CheckResult::Error(NotAcceptable)], Verdict::Nothing),
            (&[CheckResult::Error(FeatureNotImplemented)], Verdict::Nothing),
            (&[CheckResult::NotConnected], Verdict::Nothing),
            (&[CheckResult::Error(ItemNotFound)], Verdict::Ask),
            (&[CheckResult::Error(RecipientUnavailable), CheckResult::Passed], Verdict::Passed),
            (&[CheckResult::Error(RecipientUnavailable), CheckResult::Error(ItemNotFound)], Verdict::Silent),
            (&[CheckResult::Error(ItemNotFound), CheckResult::Timeout], Verdict::Silent),
        ];
        let once = HealthChecks { retry_delay: Some(Duration::ZERO), ..HealthChecks::default() };
        for ((results, expected), config) in
            table.iter().flat_map(|row| [(row, HealthChecks::default()), (row, once.clone())])
        {
            let mut health = Health::new(at(0), &config);
            health.poll(at(10), true, at(0), true, &config);
            let verdicts = results.iter().map(|result| health.answered(at(10), &config, *result));
            assert_eq!(verdicts.last(), Some(*expected), "{results:?}");
        }
    }

    /// spec/50 §12 (40).
    #[test]
    fn presence_can_stand_for_checks() {
        let config = HealthChecks { use_presence: true, ..HealthChecks::default() };
        let table = [
            (40, 0, true, Verdict::Passed),
            (50, 0, true, Verdict::Silent),
            (70, 62, false, Verdict::Failed),
            (70, 25, true, Verdict::Passed),
        ];
        for (now, last_presence, healthy, verdict) in table {
            let mut health = Health::new(at(0), &config);
            assert_eq!(health.poll(at(now), true, at(last_presence), healthy, &config), verdict, "{now}");
            assert_eq!(health.poll_at(), Some(at(now + 10)));
        }
    }

    #[test]
    fn nothing_is_checked_if_checks_are_off() {
        let config = HealthChecks { enabled: false, ..HealthChecks::default() };
        assert_eq!(Health::new(at(0), &config).poll_at(), None);
    }
}
