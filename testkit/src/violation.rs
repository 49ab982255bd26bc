//! What a peer has to complain of.

use std::fmt;

use crate::Time;

/// Something that the real peer would reject, or that makes no sense to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub at: Time,
    /// Who complains.
    pub peer: String,
    /// What was expected, what came.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  {}: {}", self.at.as_secs_f64(), self.peer, self.text)
    }
}

/// The complaints of one peer.
#[derive(Debug, Clone, Default)]
pub struct Complaints {
    peer: String,
    now: Time,
    list: Vec<Violation>,
}

impl Complaints {
    pub fn of(peer: impl Into<String>) -> Complaints {
        Complaints { peer: peer.into(), ..Complaints::default() }
    }

    /// The time that further complaints bear.
    pub fn set_now(&mut self, now: Time) {
        self.now = now;
    }

    pub fn add(&mut self, text: impl Into<String>) {
        self.list.push(Violation { at: self.now, peer: self.peer.clone(), text: text.into() });
    }

    pub fn list(&self) -> &[Violation] {
        &self.list
    }

    /// Takes them away: for a test that expects them.
    pub fn take(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.list)
    }
}
