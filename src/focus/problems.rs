//! What is wrong around the focus: misconfigurations and failures that people have to mend (spec/80 §13).
//!
//! Each is told once when it appears, as `PROBLEM <id>: what is wrong; why it matters; what to change`, and once when it is
//! gone. As long as it lasts it is in [`Problems`], for whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Timestamp;
use crate::config::Config;

/// So many are kept. Where there are more, the oldest one that is not severe goes.
const MAX_PROBLEMS: usize = 100;

/// So many of one kind are kept whose names clients made up: the latest.
const MAX_FOREIGN: usize = 8;

/// For so long one of a name that clients made up is kept if it does not show again: nobody may ever solve it.
const FOREIGN_LASTS: Duration = Duration::from_secs(3600);

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
    Clock,
    NoTls,
    TwoFocuses,
    RateLimited,
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
    VisitorsOff,
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
            Kind::Clock => "clock",
            Kind::NoTls => "no-tls",
            Kind::TwoFocuses => "two-focuses",
            Kind::RateLimited => "rate-limited",
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
            Kind::VisitorsOff => "visitors-off",
        }
    }

    /// Is it about a name that comes from clients: the domain of a room that they ask for, or their own?
    fn is_named_by_clients(self) -> bool {
        use Kind::*;
        matches!(self, NoMuc | NotOwner | NoMeetingId | AnonymousRoom | JibriUntrusted)
    }

    /// Does nothing work until somebody does something? Bridges may be well again by themselves.
    pub fn is_severe(self) -> bool {
        use Kind::*;
        !matches!(
            self,
            NoMeetingId
                | JibriUntrusted
                | VisitorsOff
                | NoSubscription
                | BridgesUnhealthy
                | BridgesLeaving
                | NoComponents
                | AnonymousRoom
                | OctoRelay
                | VersionMix
                | AuthDomain
                | RateLimited
                | Clock
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
    /// When it showed last.
    seen: Timestamp,
    /// Its subject was named by clients, and is not what the configuration says: anybody can cause it.
    foreign: bool,
    /// Who causes it, if it ends with them.
    causes: BTreeSet<u64>,
}

impl Problem {
    fn key(&self) -> (Kind, String) {
        (self.kind, self.subject.clone())
    }

    /// Whether nothing works until somebody does something; never so by a name that clients made up.
    pub fn is_severe(&self) -> bool {
        self.kind.is_severe() && !self.foreign
    }
}

/// All that last, by kind and subject.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    all: BTreeMap<(Kind, String), Problem>,
    /// Where rooms are by the configuration.
    rooms: Option<String>,
    /// Before this none of those whose names clients made up is too old.
    ages_at: Option<Timestamp>,
}

impl Problems {
    pub fn new(config: &Config) -> Problems {
        Problems { rooms: config.xmpp.client.rooms_domain(), ..Problems::default() }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.all.values()
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.all.keys().any(|(known, _)| *known == kind)
    }

    /// It is there. Told if it was not before.
    pub fn raise(&mut self, now: Timestamp, kind: Kind, subject: &str, text: impl FnOnce() -> String) {
        if self.note(now, kind, subject, text)
            && let Some(problem) = self.all.get(&(kind, subject.to_owned()))
        {
            match problem.is_severe() {
                true => log::error!("PROBLEM {}: {}", kind.id(), problem.text),
                false => log::warn!("PROBLEM {}: {}", kind.id(), problem.text),
            }
        }
    }

    /// As [`Problems::raise`], for one of several that have the same cause: it lasts until all are gone.
    pub fn raise_for(&mut self, now: Timestamp, kind: Kind, subject: &str, cause: u64, text: impl FnOnce() -> String) {
        self.raise(now, kind, subject, text);
        if let Some(problem) = self.all.get_mut(&(kind, subject.to_owned())) {
            problem.causes.insert(cause);
        }
    }

    /// It is there, and was told elsewhere. False: it was there before.
    pub fn note(&mut self, now: Timestamp, kind: Kind, subject: &str, text: impl FnOnce() -> String) -> bool {
        let key = (kind, subject.to_owned());
        if let Some(known) = self.all.get_mut(&key) {
            known.seen = now;
            return false;
        }
        let foreign = kind.is_named_by_clients() && self.rooms.as_deref() != Some(subject);
        if foreign && self.foreign(kind).count() >= MAX_FOREIGN {
            let oldest = self.foreign(kind).min_by_key(|problem| problem.since).map(Problem::key);
            self.make_room(oldest);
        }
        if self.all.len() >= MAX_PROBLEMS {
            let oldest = self.all.values().min_by_key(|problem| (problem.is_severe(), problem.since));
            self.make_room(oldest.map(Problem::key));
        }
        if foreign {
            self.ages_at.get_or_insert(now + FOREIGN_LASTS);
        }
        let (subject, causes) = (subject.to_owned(), BTreeSet::new());
        self.all.insert(key, Problem { kind, subject, since: now, text: text(), seen: now, foreign, causes });
        true
    }

    fn foreign(&self, kind: Kind) -> impl Iterator<Item = &Problem> {
        self.all.values().filter(move |problem| problem.kind == kind && problem.foreign)
    }

    fn make_room(&mut self, oldest: Option<(Kind, String)>) {
        if let Some(problem) = oldest.and_then(|oldest| self.all.remove(&oldest)) {
            log::debug!("{} ({}) is kept no longer: there are newer ones", problem.kind.id(), problem.subject);
        }
    }

    /// Those of names that clients made up that did not show for long are gone, unless somebody is known who still causes them.
    pub fn age(&mut self, now: Timestamp) {
        if self.ages_at.is_none_or(|at| now < at) {
            return;
        }
        self.all.retain(|_, problem| {
            let lasts = !problem.foreign || !problem.causes.is_empty() || now.since(problem.seen) < FOREIGN_LASTS;
            if !lasts {
                log::info!(
                    "{} ({}) is kept no longer: it did not show for {} s",
                    problem.kind.id(),
                    problem.subject,
                    FOREIGN_LASTS.as_secs()
                );
            }
            lasts
        });
        let foreign = self.all.values().filter(|problem| problem.foreign);
        self.ages_at = foreign.map(|problem| problem.seen + FOREIGN_LASTS).min();
    }

    /// It is gone. Told if it was there.
    pub fn solve(&mut self, kind: Kind, subject: &str) {
        if self.all.is_empty() {
            return;
        }
        if let Some(problem) = self.all.remove(&(kind, subject.to_owned())) {
            let about = if subject.is_empty() { String::new() } else { format!(" ({subject})") };
            log::info!("SOLVED {}{about}: {}", kind.id(), problem.text.split(';').next().unwrap_or_default());
        }
    }

    /// Of one kind, those that others have and these do not are gone.
    pub fn solve_all_but(&mut self, kind: Kind, lasting: &BTreeSet<String>) {
        let gone = |(known, subject): &&(Kind, String)| *known == kind && !lasting.contains(subject);
        let gone: Vec<String> = self.all.keys().filter(gone).map(|(_, subject)| subject.clone()).collect();
        for subject in gone {
            self.solve(kind, &subject);
        }
    }

    /// Gone without a word: whoever solved it has told it.
    pub fn forget(&mut self, subject: &str) {
        self.all.retain(|(_, known), _| known != subject);
    }

    /// Whoever caused something is gone.
    pub fn cause_gone(&mut self, cause: u64) {
        if self.all.is_empty() {
            return;
        }
        let caused = |problem: &mut Problem| problem.causes.remove(&cause) && problem.causes.is_empty();
        let over: Vec<(Kind, String)> =
            self.all.iter_mut().filter_map(|(key, problem)| caused(problem).then(|| key.clone())).collect();
        for (kind, subject) in over {
            self.solve(kind, &subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(problems: &Problems, kind: Kind) -> Vec<&str> {
        problems.iter().filter(|problem| problem.kind == kind).map(|problem| problem.subject.as_str()).collect()
    }

    #[test]
    fn names_that_clients_make_up_take_no_place_from_others() {
        let mut problems = Problems { rooms: Some("conference.meet.test".into()), ..Problems::default() };
        let at = |seconds: u64| Timestamp(seconds * 1_000_000);
        problems.raise(at(0), Kind::NoMuc, "conference.meet.test", String::new);
        for n in 1..200 {
            problems.raise(at(n), Kind::NoMuc, &format!("made-up-{n:03}.test"), String::new);
        }
        let mut expected = vec!["conference.meet.test".to_owned()];
        expected.extend((192..200).map(|n| format!("made-up-{n}.test")));
        assert_eq!(kept(&problems, Kind::NoMuc), expected);
        let severe: Vec<&str> =
            problems.iter().filter(|problem| problem.is_severe()).map(|problem| problem.subject.as_str()).collect();
        assert_eq!(severe, ["conference.meet.test"], "the one that the configuration names");
        // One shows again: it lasts longer than the others.
        problems.raise(at(3000), Kind::NoMuc, "made-up-195.test", String::new);
        problems.age(at(3700));
        assert_eq!(kept(&problems, Kind::NoMuc).len(), 9);
        problems.age(at(3800));
        assert_eq!(kept(&problems, Kind::NoMuc), ["conference.meet.test", "made-up-195.test"]);
        problems.age(at(6600));
        assert_eq!(kept(&problems, Kind::NoMuc), ["conference.meet.test"]);
    }

    #[test]
    fn one_lasts_as_long_as_somebody_is_there_who_causes_it() {
        let mut problems = Problems::default();
        problems.raise_for(Timestamp(0), Kind::JibriUntrusted, "hidden.test", 7, String::new);
        problems.age(Timestamp(100_000_000_000));
        assert_eq!(kept(&problems, Kind::JibriUntrusted), ["hidden.test"]);
        problems.cause_gone(7);
        assert!(problems.iter().next().is_none());
    }

    #[test]
    fn a_severe_one_always_finds_a_place() {
        let mut problems = Problems::default();
        for n in 0..2 * MAX_PROBLEMS as u64 {
            problems.raise(Timestamp(n), Kind::VersionMix, &format!("{n:03}"), String::new);
        }
        problems.raise(Timestamp(1000), Kind::HostUnknown, "client", String::new);
        assert_eq!(kept(&problems, Kind::HostUnknown), ["client"]);
        assert_eq!(problems.iter().count(), MAX_PROBLEMS);
        assert_eq!(kept(&problems, Kind::VersionMix).first(), Some(&"101"), "the oldest went");
    }
}
