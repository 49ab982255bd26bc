//! Who may start a conference, and whom the focus makes owner (spec/10 §6, spec/20 §6.2).
//!
//! The focus checks no password and no token: whoever is logged in on the login domain is authenticated, for Prosody let him
//! in there. He gets a session, which a guest on the same machine may use to be taken for him.

mod decide;
pub mod explain;
mod jwt;
mod sessions;
#[cfg(test)]
mod tests;
mod xmpp;

use std::time::Duration;

pub use self::decide::{Decision, Question, Refusal, Room, Rule};
use self::jwt::Jwt;
pub(crate) use self::sessions::LoginId;
use self::sessions::Sessions;
use self::xmpp::Xmpp;
use super::ids::Ids;
use super::time::Timestamp;
use super::timers::TimerKey;
use crate::config::{AuthenticationType, Config};
use crate::wire::{BareJid, Jid};

/// How users authenticate (spec/10 §6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mode {
    Off,
    Xmpp(Xmpp),
    Jwt(Jwt),
}

impl Mode {
    fn of(config: &Config) -> Mode {
        let authentication = &config.authentication;
        // Without a login domain nobody is ever authenticated; the configuration is refused before that.
        let domain = authentication.login_url.clone().unwrap_or_default();
        match authentication.kind {
            AuthenticationType::None => Mode::Off,
            AuthenticationType::Xmpp => Mode::Xmpp(Xmpp {
                domain,
                lifetime: authentication.authentication_lifetime,
                auto_login: authentication.enable_auto_login,
            }),
            AuthenticationType::Jwt => Mode::Jwt(Jwt { domain }),
        }
    }

    /// Whose users count as authenticated.
    fn domain(&self) -> Option<&str> {
        match self {
            Mode::Off => None,
            Mode::Xmpp(xmpp) => Some(&xmpp.domain),
            Mode::Jwt(jwt) => Some(&jwt.domain),
        }
    }

    /// How long a session lives after its last use.
    fn lifetime(&self) -> Duration {
        match self {
            Mode::Off => Duration::ZERO,
            Mode::Xmpp(xmpp) => xmpp.lifetime,
            Mode::Jwt(_) => jwt::LIFETIME,
        }
    }

    /// Whether sessions outlive their conference.
    fn auto_login(&self) -> bool {
        matches!(self, Mode::Xmpp(Xmpp { auto_login: true, .. }))
    }
}

/// Who a request was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// The account with which he logged in.
    pub identity: Jid,
    pub session: LoginId,
}

/// The mode, and everybody who has logged in. Sessions are in memory only (spec/10 §6.2).
pub(crate) struct Authentication {
    mode: Mode,
    sessions: Sessions,
    /// When the next session may have expired.
    pub expiry: Option<TimerKey>,
}

impl Authentication {
    pub fn new(config: &Config) -> Authentication {
        Authentication { mode: Mode::of(config), sessions: Sessions::default(), expiry: None }
    }

    pub fn is_on(&self) -> bool {
        self.mode != Mode::Off
    }

    /// Whether clients log in on a page of somebody else's, which gives them a token.
    pub fn is_external(&self) -> bool {
        matches!(self.mode, Mode::Jwt(_))
    }

    /// What a request may have. Nothing changes by asking.
    pub fn decide(&self, now: Timestamp, question: &Question<'_>) -> Decision {
        decide::decide(&self.mode, &self.sessions, now, question)
    }

    /// Does what was decided: makes or refreshes the session, and binds the sender to it. None: he needs none.
    pub fn admit(
        &mut self,
        ids: &mut Ids,
        now: Timestamp,
        question: &Question<'_>,
        decision: &Decision,
    ) -> Option<Login> {
        let key = match (decision.session, question.sender) {
            (Some(key), _) => key,
            (None, Some(sender)) if decision.rule == Rule::LoggedIn => {
                let machine_uid = question.machine_uid.unwrap_or_default();
                let id = LoginId::new(ids.login());
                self.sessions.add(now, id, sender.to_bare(), machine_uid, question.room.clone())
            }
            _ => return None,
        };
        if let Some(sender) = question.sender {
            self.sessions.bind(key, sender);
        }
        self.sessions.used(key, now)
    }

    /// Whether somebody logged in speaks from this address.
    pub fn is_bound(&self, now: Timestamp, jid: &Jid) -> bool {
        self.sessions.bound(now, self.mode.lifetime(), jid).is_some()
    }

    /// Whether whoever speaks from this address has an account, or a session.
    pub fn is_user(&self, now: Timestamp, jid: &Jid) -> bool {
        let logs_in_there = self.mode.domain() == Some(jid.domain()) && jid.local().is_some();
        logs_in_there || self.is_bound(now, jid)
    }

    /// Ends a session; whose it was. None: there is none.
    pub fn log_out(&mut self, now: Timestamp, id: &str) -> Option<Login> {
        let key = self.sessions.find(now, self.mode.lifetime(), id)?;
        self.sessions.remove(key)
    }

    /// Forgets who has not been heard of for the lifetime; when to look again, if anybody is left.
    pub fn expire(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.sessions.expire(now, self.mode.lifetime())
    }

    /// When the first session expires unless it is used.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.sessions.next_expiry(self.mode.lifetime())
    }

    /// A conference ended: without auto-login, so do the sessions that were made for it (spec/10 §6.3). How many.
    pub fn conference_ended(&mut self, room: &BareJid) -> usize {
        if !self.is_on() || self.mode.auto_login() {
            return 0;
        }
        self.sessions.end_of_room(room)
    }

    /// Where a client is to log in (spec/10 §6.6). None: at a page that the focus does not know.
    pub fn login_url(&self, room: &BareJid) -> Option<String> {
        match &self.mode {
            Mode::Xmpp(_) => Some(xmpp::login_url(room)),
            Mode::Jwt(_) | Mode::Off => None,
        }
    }

    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// What contradicts itself among the sessions.
    pub fn audit(&self) -> Vec<String> {
        self.sessions.audit()
    }
}
