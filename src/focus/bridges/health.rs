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
    /// It could not be sent, or the connection broke while we waited.
    NotConnected,
}

/// What to make of the state of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Send a health check; tell the answer by [`Health::answered`].
    Ask,
    Passed,
    /// The bridge says that it is not well: conferences leave it.
    Failed,
    /// The bridge says nothing: it is not selected, but conferences stay.
    Silent,
    Nothing,
}

/// The checks of one bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    next: Timestamp,
}

impl Health {
    pub fn new(now: Timestamp, config: &config::HealthChecks) -> Health {
        Health { next: now + config.interval }
    }

    /// When to call [`Health::poll`]. `None` while an answer is awaited.
    pub fn poll_at(&self) -> Option<Timestamp> {
        Some(self.next)
    }

    pub fn poll(&mut self, _now: Timestamp, _config: &config::HealthChecks) -> Verdict {
        unimplemented!()
    }

    pub fn answered(&mut self, _now: Timestamp, _config: &config::HealthChecks, _result: CheckResult) -> Verdict {
        let _ = Condition::Conflict;
        unimplemented!()
    }
}
