//! The rules, in the order in which they are asked. The first that fits decides (spec/10 §4.5, §6.2).

use std::fmt;

use super::Mode;
use super::sessions::{SessionKey, Sessions};
use crate::focus::time::Timestamp;
use crate::wire::{BareJid, Jid};

/// A longer name of a machine is no client's: they have 32 hex digits, and each is kept as long as its session.
pub(super) const MAX_MACHINE_UID: usize = 256;

/// What somebody asks, as far as authentication looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Who asks, behind any proxy. None: nobody whom the server vouches for, as over HTTP.
    pub sender: Option<&'q Jid>,
    pub session: Option<&'q str>,
    pub machine_uid: Option<&'q str>,
    pub room: &'q BareJid,
    pub state: Room,
}

/// What there is of the room that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It is in the domain of breakout rooms, where Prosody decides who may create one.
    Breakout,
    /// There is a conference.
    Exists,
    /// There is none, but breakout rooms of it are open: users must be able to return.
    HasBreakouts,
    New,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    AuthenticationOff,
    BreakoutRoom,
    SessionUnknown,
    MachineMismatch,
    SessionKnown,
    MachineMissing,
    MachineTooLong,
    LoggedIn,
    RoomExists,
    BreakoutsOpen,
    Bound,
    NotAuthorized,
}

/// Why a request is refused (spec/10 §3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotAuthorized,
    InvalidSession,
    MachineMismatch,
    MachineMissing,
    MachineTooLong,
}

/// What a request may have, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub rule: Rule,
    /// The session that it is for, if there is one already.
    pub(super) session: Option<SessionKey>,
}

impl Rule {
    pub const ALL: [Rule; 12] = [
        Rule::AuthenticationOff,
        Rule::BreakoutRoom,
        Rule::SessionUnknown,
        Rule::MachineMismatch,
        Rule::SessionKnown,
        Rule::MachineMissing,
        Rule::MachineTooLong,
        Rule::LoggedIn,
        Rule::RoomExists,
        Rule::BreakoutsOpen,
        Rule::Bound,
        Rule::NotAuthorized,
    ];

    /// As logs and documents call it.
    pub fn name(self) -> &'static str {
        match self {
            Rule::AuthenticationOff => "authentication-off",
            Rule::BreakoutRoom => "breakout-room",
            Rule::SessionUnknown => "session-unknown",
            Rule::MachineMismatch => "machine-uid-mismatch",
            Rule::SessionKnown => "session-known",
            Rule::MachineMissing => "machine-uid-missing",
            Rule::MachineTooLong => "machine-uid-too-long",
            Rule::LoggedIn => "logged-in",
            Rule::RoomExists => "room-exists",
            Rule::BreakoutsOpen => "breakout-rooms-open",
            Rule::Bound => "bound-to-session",
            Rule::NotAuthorized => "not-authorized",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Rule::AuthenticationOff => "authentication is off, everybody may start a conference",
            Rule::BreakoutRoom => "a breakout room, Prosody decides who may create one",
            Rule::SessionUnknown => "the session id is not known: expired, logged out, or from before a restart",
            Rule::MachineMismatch => "the session belongs to another machine",
            Rule::SessionKnown => "the session is known, and it is its machine that asks",
            Rule::MachineMissing => "logged in, but the request names no machine for a session",
            Rule::MachineTooLong => "logged in, but the name of the machine is too long",
            Rule::LoggedIn => "logged in on the login domain",
            Rule::RoomExists => "a guest; the conference is there, and whoever knows its name may come in",
            Rule::BreakoutsOpen => "a guest; breakout rooms of this room are open, their users may return",
            Rule::Bound => "a guest whose address is bound to the session of somebody who logged in",
            Rule::NotAuthorized => "a guest, and there is no such conference: somebody must log in and start it",
        }
    }

    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Rule::SessionUnknown => Some(Refusal::InvalidSession),
            Rule::MachineMismatch => Some(Refusal::MachineMismatch),
            Rule::MachineMissing => Some(Refusal::MachineMissing),
            Rule::MachineTooLong => Some(Refusal::MachineTooLong),
            Rule::NotAuthorized => Some(Refusal::NotAuthorized),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(super) fn decide(mode: &Mode, sessions: &Sessions, now: Timestamp, question: &Question<'_>) -> Decision {
    let by = |rule| Decision { rule, session: None };
    let Some(domain) = mode.domain() else { return by(Rule::AuthenticationOff) };
    if question.state == Room::Breakout {
        return by(Rule::BreakoutRoom);
    }
    let machine_uid = question.machine_uid.filter(|uid| !uid.trim().is_empty());
    // Before anything else, also for those who are logged in: a client drops an id that is refused, and asks again.
    if let Some(id) = question.session.filter(|id| !id.trim().is_empty()) {
        let Some(key) = sessions.find(now, mode.lifetime(), id) else { return by(Rule::SessionUnknown) };
        if machine_uid.is_none() || machine_uid != sessions.machine_uid(key) {
            return by(Rule::MachineMismatch);
        }
        return Decision { rule: Rule::SessionKnown, session: Some(key) };
    }
    let is_user = |sender: &&Jid| sender.domain() == domain && sender.local().is_some() && sender.resource().is_some();
    if let Some(sender) = question.sender.filter(is_user) {
        let Some(machine_uid) = machine_uid else { return by(Rule::MachineMissing) };
        if machine_uid.len() > MAX_MACHINE_UID {
            return by(Rule::MachineTooLong);
        }
        // Each request would make one more otherwise. A session that ends with its conference is good for that room only.
        let room = (!mode.auto_login()).then_some(question.room);
        let session = sessions.of(now, mode.lifetime(), &sender.to_bare(), machine_uid, room);
        return Decision { rule: Rule::LoggedIn, session };
    }
    let bound = || question.sender.is_some_and(|sender| sessions.bound(now, mode.lifetime(), sender).is_some());
    by(match question.state {
        Room::Exists => Rule::RoomExists,
        Room::HasBreakouts => Rule::BreakoutsOpen,
        _ if bound() => Rule::Bound,
        _ => Rule::NotAuthorized,
    })
}
