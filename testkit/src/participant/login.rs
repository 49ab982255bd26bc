//! What lib-jitsi-meet does about authentication (spec/10 §6.5, §11): the session in the browser's storage, waiting for a
//! host, logging in on a second connection, logging out.

use super::{Asked, Participant, Place};
use crate::Time;
use crate::logs::keep_secret_of_peer;
use crate::ns;
use crate::xml::{Builder, Element, Read, el};

/// Whoever has to log in, or to wait for somebody who does, asks again after this time.
const WAITS_FOR_HOST: Time = Time::from_secs(5);

/// So many sessions in a row may be refused.
const MAX_REFUSED_SESSIONS: u32 = 6;

/// What a participant knows of logging in.
#[derive(Debug, Clone, Default)]
pub struct LoginState {
    /// In the browser's storage, where it survives a reload.
    pub session_id: Option<String>,
    /// For whom the focus takes it.
    pub identity: Option<String>,
    /// How often it was told that somebody must log in.
    pub told_to_wait: u32,
    /// How many sessions in a row were refused.
    pub refused_sessions: u32,
    /// Answers after which it asked again.
    pub(super) detours: Vec<Detour>,
}

/// An answer to a conference request after which a client asks again: nobody is shown it as an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// The condition, or what else it was.
    pub what: String,
    /// It had asked with a session.
    pub named_session: bool,
}

impl Participant {
    pub fn login(&self) -> &LoginState {
        &self.login
    }

    /// The request for the conference, as it stands now.
    pub(super) fn conference_request(&self) -> Builder {
        let properties =
            self.settings.properties.iter().map(|(n, v)| el("property", ns::FOCUS).attr("name", n).attr("value", v));
        el("conference", ns::FOCUS)
            .attr("room", &self.settings.room)
            .attr("machine-uid", &self.settings.machine_uid)
            .opt("session-id", self.login.session_id.as_ref())
            .opt("token", self.settings.token.as_ref())
            .children(properties)
    }

    /// What it sends on a second connection, with which its user has logged in: the session there is to be is not known yet.
    pub fn login_request(&mut self, id: &str) -> Element {
        self.login.session_id = None;
        let to = self.settings.focus_service.clone();
        el("iq", ns::CLIENT).attr("type", "set").attr("id", id).attr("to", to).child(self.conference_request()).done()
    }

    /// The answer came there: from now on it speaks with that session, and says so at once.
    pub fn logged_in(&mut self, answer: &Element) {
        let session = answer.kid("conference", ns::FOCUS).and_then(|it| it.get("session-id")).map(str::to_owned);
        if session.is_none() {
            self.complain("logged in, and was given no session");
        }
        self.keeps_session(session);
        self.retry_at = None;
        if self.place == Place::InRoom {
            self.ask_for_conference();
        } else {
            self.request_conference();
        }
    }

    fn keeps_session(&mut self, session: Option<String>) {
        session.iter().for_each(|session| keep_secret_of_peer(session));
        self.login.session_id = session;
    }

    /// Its user logs out. It stays where it is.
    pub fn log_out(&mut self) {
        let logout = el("logout", ns::FOCUS).opt("session-id", self.login.session_id.as_ref());
        let to = self.settings.focus_service.clone();
        self.send_iq("set", &to, logout.done());
    }

    /// What it was answered since the last time after which it asks again.
    pub(crate) fn take_detours(&mut self) -> Vec<Detour> {
        std::mem::take(&mut self.login.detours)
    }

    pub(super) fn detour(&mut self, what: &str, asked: &Asked) {
        self.login.detours.push(Detour { what: what.to_owned(), named_session: asked.session.is_some() });
    }

    /// An error to the conference request. False: it is nothing that a login helps with.
    pub(super) fn on_login_error(&mut self, answer: &Element, condition: &str, asked: &Asked) -> bool {
        let invalid = answer.kid("error", ns::CLIENT).is_some_and(|e| e.kid("session-invalid", ns::FOCUS).is_some());
        if condition == "not-authorized" {
            self.detour(condition, asked);
            self.login.told_to_wait += 1;
            if self.place == Place::Requesting {
                self.retry_at = Some(self.now + WAITS_FOR_HOST);
            }
            return true;
        }
        if !invalid && condition != "not-acceptable" {
            return false;
        }
        self.detour(if invalid { "session-invalid" } else { condition }, asked);
        self.login.session_id = None;
        self.login.refused_sessions += 1;
        if self.login.refused_sessions > MAX_REFUSED_SESSIONS {
            return false;
        }
        if self.place == Place::Requesting {
            self.retry_at = Some(self.now + Time::from_secs(1 << (self.login.refused_sessions - 1)));
        }
        true
    }

    /// What the answer to a conference request says of authentication.
    pub(super) fn on_login_answer(&mut self, conference: &Element, asked: &Asked) {
        self.login.refused_sessions = 0;
        let property = |name: &str| {
            let properties = conference.kids("property", ns::FOCUS);
            properties.into_iter().find(|it| it.get("name") == Some(name)).and_then(|it| it.get("value"))
        };
        let on = property("authentication");
        // The real client reads it without looking whether it is there.
        if !matches!(on, Some("true" | "false")) {
            self.complain(format!("authentication is {on:?}"));
        }
        if (on == Some("true")) != property("externalAuth").is_some() {
            self.complain("externalAuth comes with authentication, and only then");
        }
        let (session, identity) = (conference.get("session-id"), conference.get("identity"));
        if session.is_some() != identity.is_some_and(|it| !it.is_empty() && !it.contains('/')) {
            self.complain(format!("a session without an account, or the reverse: {identity:?}"));
        }
        if let Some(sent) = &asked.session
            && on == Some("true")
            && session != Some(sent)
        {
            self.complain("asked with a session, was answered with another or none");
        }
        if session.is_some() {
            self.keeps_session(session.map(str::to_owned));
        }
        self.login.identity = identity.map(str::to_owned);
    }

    /// The logout is confirmed.
    pub(super) fn logged_out(&mut self, answer: &Element) {
        if answer.kid("logout", ns::FOCUS).is_none() {
            self.complain("an answer to a logout without <logout>");
        }
        self.login.session_id = None;
    }

    pub(super) fn refused_conference(&mut self, at: Time, condition: String, text: String) {
        if self.place != Place::Left {
            self.place = Place::Outside;
        }
        self.refused("conference", at, condition, text);
    }
}
