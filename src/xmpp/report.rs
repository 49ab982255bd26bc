//! What is said about a connection in the log: each thing once, with what it takes to change it, and not again every
//! second.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::errors::{Error, Pace, Target};

/// The same failure is told again after that long.
const REMIND_AFTER: Duration = Duration::from_secs(600);

/// There are fewer ways to fail at one server; but it writes a part of the lines.
const MAX_TOLD: usize = 32;

/// Failures of one connection, since it last worked.
pub struct Failures {
    target: Target,
    /// Attempts since it last worked.
    count: u32,
    /// What was told since it last worked, and when.
    told: BTreeMap<String, Instant>,
}

impl Failures {
    pub fn new(target: Target) -> Failures {
        Failures { target, count: 0, told: BTreeMap::new() }
    }

    /// An attempt has failed. Tells it if that is new, and returns what it told.
    pub fn attempt_failed(&mut self, error: &Error) -> Option<String> {
        self.count += 1;
        let line = format!("PROBLEM {}: {}", error.problem().id(), self.line(error));
        // The advice may tell the time.
        let what = format!("{}: {error}", error.problem().id());
        if self.told.get(&what).is_some_and(|at| at.elapsed() < REMIND_AFTER) {
            log::debug!("{line} (attempt {})", self.count);
            return None;
        }
        match self.count {
            1 => log::error!("{line}"),
            count => log::error!("{line} (attempt {count})"),
        }
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        self.told.insert(what, Instant::now());
        Some(line)
    }

    /// An established connection is lost.
    pub fn lost(&mut self, error: &Error, resumable: bool) {
        let Target { name, .. } = &self.target;
        let session = if resumable { "its session may be resumed" } else { "its session is gone" };
        let line = format!("The {name} connection is lost, {session}: {error}. {}", sentence(error, &self.target));
        match error.pace() {
            // Told with what follows from it.
            Pace::Contended => {}
            Pace::Soon => log::warn!("{line}"),
            Pace::Slow => log::error!("PROBLEM {}: {line}", error.problem().id()),
        }
    }

    /// Another process took the session. Returns what it told.
    pub fn replaced(&mut self, error: &Error, goes_on: bool) -> String {
        let Target { name, host, port, .. } = &self.target;
        let next = match goes_on {
            true => "its session is taken back soon, three times at most",
            false => {
                "its session was taken back three times and is now left to the other process: this one can do nothing any more until \
                 it is restarted"
            }
        };
        let id = error.problem().id();
        let advice = sentence(error, &self.target);
        let line = format!("PROBLEM {id}: the {name} connection to {host}:{port} is lost: {error}; {next}; {advice}");
        log::error!("{line}");
        line
    }

    pub fn connected(&mut self, jid: &str, resumed: bool) {
        let Target { name, host, port, .. } = &self.target;
        let how = if resumed { "resumed the session" } else { "logged in" };
        match std::mem::take(&mut self.count) {
            0 => log::info!("The {name} connection has {how} as {jid} at {host}:{port}"),
            count => {
                log::info!("The {name} connection has {how} as {jid} at {host}:{port} after {count} failed attempts")
            }
        }
        self.told.clear();
    }

    fn line(&self, error: &Error) -> String {
        let Target { name, host, port, account, .. } = &self.target;
        let advice = sentence(error, &self.target);
        let pace = match (name.as_str(), error.pace()) {
            ("component", _) => "every 5 s",
            (_, Pace::Soon) => "every 1 to 30 s",
            (_, Pace::Slow) => "every 5 to 30 s",
            (_, Pace::Contended) => "every 30 s",
        };
        format!("The {name} connection as {account} to {host}:{port} failed: {error}. {advice} Attempts go on {pace}.")
    }
}

/// The advice with a full stop.
fn sentence(error: &Error, target: &Target) -> String {
    let advice = error.advice(target);
    if advice.ends_with('?') { advice } else { advice + "." }
}

/// Stanzas of the server that cannot be read: one line for each kind of them, then now and then one with a count.
#[derive(Default)]
pub struct Oddities {
    seen: BTreeMap<&'static str, (u64, Option<Instant>)>,
}

impl Oddities {
    pub fn note(&mut self, connection: &str, kind: &'static str, what: impl FnOnce() -> String) {
        const AGAIN_AFTER: Duration = Duration::from_secs(60);
        let (count, told) = self.seen.entry(kind).or_default();
        *count += 1;
        if told.is_none_or(|told| told.elapsed() >= AGAIN_AFTER) {
            *told = Some(Instant::now());
            let what = super::errors::short(&what());
            log::warn!("The {connection} connection could not read what came ({kind}, {count} so far): {what}");
        }
    }
}
