//! Whether this machine's clock and the server's agree (spec/80 §13, clock), by XEP-0202: where they do not, certificates count as
//! not valid yet or as expired, and tokens are refused.
//!
//! It is asked some time after the login, as nothing depends on it, and again now and then, as clocks are set.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::focus::problems::Kind;
use crate::wire::stanza::EntityTime;

/// From the login on: a server that has just started has other things to do.
const FIRST: Duration = Duration::from_secs(60);

/// Between two questions.
const AGAIN: Duration = Duration::from_secs(600);

/// What whoever checks tokens lets pass, mostly; certificates are seldom that new.
const TOLERATED: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct ServerClock {
    /// When it is asked next. None: it is not asked, as it does not say or nobody can ask it.
    next: Option<Instant>,
    /// What our clock said when the open question went out.
    asked: Option<SystemTime>,
    wrong: bool,
}

/// What an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing new.
    Same,
    /// The server's clock is so far from ours; is it ahead?
    Off(Duration, bool),
    /// Not any more.
    Right,
}

impl ServerClock {
    pub const KIND: Kind = Kind::Clock;

    pub fn new(now: Instant, can_ask: bool) -> ServerClock {
        ServerClock { next: can_ask.then(|| now + FIRST), asked: None, wrong: false }
    }

    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// The question goes out.
    pub fn ask(&mut self, now: Instant, clock: SystemTime) {
        self.next = Some(now + AGAIN);
        self.asked = Some(clock);
    }

    /// An answer; None: an error, by which the server says that it does not tell the time.
    pub fn answered(&mut self, time: Option<&EntityTime>, clock: SystemTime) -> Shown {
        let Some(asked) = self.asked.take() else { return Shown::Same };
        let Some(time) = time else {
            self.next = None;
            return Shown::Same;
        };
        let Some(server) = time.utc.as_deref().and_then(|utc| utc.trim().parse::<jiff::Timestamp>().ok()) else {
            return Shown::Same;
        };
        let server = SystemTime::from(server);
        let between = |early: SystemTime, late: SystemTime| late.duration_since(early).unwrap_or_default();
        // It was read between the question and the answer, in whole seconds.
        let (ahead, behind) = (between(clock, server), between(server, asked));
        let off = ahead.max(behind);
        match (off > TOLERATED, std::mem::replace(&mut self.wrong, off > TOLERATED)) {
            (true, false) => Shown::Off(off, ahead > behind),
            (false, true) => Shown::Right,
            _ => Shown::Same,
        }
    }
}

/// What is wrong; why it matters; what to change.
pub fn explain(connection: &str, server: &str, off: Duration, ahead: bool) -> String {
    let direction = if ahead { "ahead of" } else { "behind" };
    format!(
        "the clock of {server} (the {connection} connection) is {} s {direction} this machine's; certificates count as expired or \
         not valid yet, and tokens are refused; let NTP set both clocks (`timedatectl set-ntp true`; a container has its host's)",
        off.as_secs()
    )
}
