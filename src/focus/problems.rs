//! What is wrong around the focus: misconfigurations and failures that people have to mend (spec/80 §13).
//!
//! Each is told once when it appears, as `PROBLEM <id>: what is wrong; why it matters; what to change`, and once when it is
//! gone. As long as it lasts it is in [`Problems`], for whoever asks.

use std::collections::{BTreeMap, BTreeSet};

use super::Timestamp;

/// So many are kept: the names of rooms' domains and of recorders come from outside.
const MAX_PROBLEMS: usize = 100;

/// The kinds of spec/80 §13 that the focus sees by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    // Connections.
    AuthFailed,
    HostUnknown,
    Connect,
    TlsUntrusted,
    TlsName,
    TlsExpired,
    NoTls,
    TwoFocuses,
    // The way of requests.
    NoProxy,
    NoSubscription,
    ProxyMismatch,
    AuthDomain,
    // Rooms.
    NoComponents,
    AnonymousRoom,
    NoMuc,
    NotOwner,
    NoMeetingId,
    // Bridges and recorders.
    NoBrewery,
    BreweryDenied,
    EmptyBrewery,
    BridgesUnhealthy,
    BridgesLeaving,
    OctoRelay,
    VersionMix,
    JibriUntrusted,
}

impl Kind {
    /// As in spec/80 §13.
    pub fn id(self) -> &'static str {
        match self {
            Kind::AuthFailed => "auth-failed",
            Kind::HostUnknown => "host-unknown",
            Kind::Connect => "connect",
            Kind::TlsUntrusted => "tls-untrusted",
            Kind::TlsName => "tls-name",
            Kind::TlsExpired => "tls-expired",
            Kind::NoTls => "no-tls",
            Kind::TwoFocuses => "two-focuses",
            Kind::NoProxy => "no-proxy",
            Kind::NoSubscription => "no-subscription",
            Kind::ProxyMismatch => "proxy-mismatch",
            Kind::AuthDomain => "auth-domain",
            Kind::NoComponents => "no-components",
            Kind::AnonymousRoom => "anonymous-room",
            Kind::NoMuc => "no-muc",
            Kind::NotOwner => "not-owner",
            Kind::NoMeetingId => "no-meeting-id",
            Kind::NoBrewery => "no-brewery",
            Kind::BreweryDenied => "brewery-denied",
            Kind::EmptyBrewery => "empty-brewery",
            Kind::BridgesUnhealthy => "bridges-unhealthy",
            Kind::BridgesLeaving => "bridges-leaving",
            Kind::OctoRelay => "octo-relay",
            Kind::VersionMix => "version-mix",
            Kind::JibriUntrusted => "jibri-untrusted",
        }
    }

    /// Does nothing work until somebody does something? Bridges may be well again by themselves.
    pub fn is_severe(self) -> bool {
        use Kind::*;
        !matches!(
            self,
            NoMeetingId
                | JibriUntrusted
                | NoSubscription
                | BridgesUnhealthy
                | BridgesLeaving
                | NoComponents
                | AnonymousRoom
                | OctoRelay
                | VersionMix
                | AuthDomain
        )
    }
}

/// One that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: Kind,
    /// What has it, if there may be several: a connection, a domain. Otherwise empty.
    pub subject: String,
    pub since: Timestamp,
    /// What is wrong; why it matters; what to change.
    pub text: String,
    /// Who causes it, if it ends with them.
    causes: BTreeSet<u64>,
}

/// All that last, by kind and subject.
#[derive(Debug, Clone, Default)]
pub struct Problems(BTreeMap<(Kind, String), Problem>);

impl Problems {
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.values()
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.0.keys().any(|(known, _)| *known == kind)
    }

    /// It is there. Told if it was not before.
    pub fn raise(&mut self, now: Timestamp, kind: Kind, subject: &str, text: impl FnOnce() -> String) {
        let known = self.0.contains_key(&(kind, subject.to_owned()));
        if !known
            && self.note(now, kind, subject, text)
            && let Some(problem) = self.0.get(&(kind, subject.to_owned()))
        {
            match kind.is_severe() {
                true => log::error!("PROBLEM {}: {}", kind.id(), problem.text),
                false => log::warn!("PROBLEM {}: {}", kind.id(), problem.text),
            }
        }
    }

    /// As [`Problems::raise`], for one of several that have the same cause: it lasts until all are gone.
    pub fn raise_for(&mut self, now: Timestamp, kind: Kind, subject: &str, cause: u64, text: impl FnOnce() -> String) {
        self.raise(now, kind, subject, text);
        if let Some(problem) = self.0.get_mut(&(kind, subject.to_owned())) {
            problem.causes.insert(cause);
        }
    }

    /// It is there, and was told elsewhere. False: it was there before, or there are too many.
    pub fn note(&mut self, now: Timestamp, kind: Kind, subject: &str, text: impl FnOnce() -> String) -> bool {
        let key = (kind, subject.to_owned());
        if self.0.contains_key(&key) || self.0.len() >= MAX_PROBLEMS {
            return false;
        }
        let problem = Problem { kind, subject: subject.to_owned(), since: now, text: text(), causes: BTreeSet::new() };
        self.0.insert(key, problem);
        true
    }

    /// It is gone. Told if it was there.
    pub fn solve(&mut self, kind: Kind, subject: &str) {
        if self.0.is_empty() {
            return;
        }
        if let Some(problem) = self.0.remove(&(kind, subject.to_owned())) {
            let about = if subject.is_empty() { String::new() } else { format!(" ({subject})") };
            log::info!("SOLVED {}{about}: {}", kind.id(), problem.text.split(';').next().unwrap_or_default());
        }
    }

    /// Of one kind, those that others have and these do not are gone.
    pub fn solve_all_but(&mut self, kind: Kind, lasting: &BTreeSet<String>) {
        let gone = |(known, subject): &&(Kind, String)| *known == kind && !lasting.contains(subject);
        let gone: Vec<String> = self.0.keys().filter(gone).map(|(_, subject)| subject.clone()).collect();
        for subject in gone {
            self.solve(kind, &subject);
        }
    }

    /// Gone without a word: whoever solved it has told it.
    pub fn forget(&mut self, subject: &str) {
        self.0.retain(|(_, known), _| known != subject);
    }

    /// Whoever caused something is gone.
    pub fn cause_gone(&mut self, cause: u64) {
        if self.0.is_empty() {
            return;
        }
        let caused = |problem: &mut Problem| problem.causes.remove(&cause) && problem.causes.is_empty();
        let over: Vec<(Kind, String)> =
            self.0.iter_mut().filter_map(|(key, problem)| caused(problem).then(|| key.clone())).collect();
        for (kind, subject) in over {
            self.solve(kind, &subject);
        }
    }
}
