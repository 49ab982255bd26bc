//! Where to log in, and the end of a session (spec/10 §6.3, §6.6, §6.7).

use super::rules::GeneralRule;
use super::{name, stanza_error};
use crate::focus::Focus;
use crate::focus::auth::{Refusal, Rule};
use crate::focus::conference::Conference;
use crate::focus::context::Asked;
use crate::focus::timers::Timer;
use crate::wire::focus_iq::{LoginUrl, Logout};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::Condition;

impl Focus {
    /// A client asks where its user can log in.
    pub(in crate::focus) fn login_url(&mut self, asked: Asked, request: &LoginUrl) {
        const WHAT: &str = "Request for a login URL";
        if !self.cx.authentication.is_on() {
            let off = Rule::AuthenticationOff;
            self.refused(WHAT, &asked, off.name(), "authentication is off, nobody logs in");
            return self.cx.answer_error(asked, Condition::FeatureNotImplemented, "");
        }
        let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        if !given(&request.room) {
            self.refused(WHAT, &asked, GeneralRule::BadRoom.name(), "no room is named");
            return self.cx.answer_error(asked, Condition::NotAcceptable, "");
        }
        if !given(&request.machine_uid) {
            let text = "missing mandatory attribute 'machineUID'";
            self.refused(WHAT, &asked, Rule::MachineMissing.name(), text);
            return self.cx.answer_error(asked, Condition::BadRequest, text);
        }
        let room = match self.requested_room(request.room.as_deref()) {
            Ok(room) => room,
            Err(wrong) => {
                self.refused(WHAT, &asked, wrong.rule.name(), wrong.text);
                return self.cx.answer_error(asked, wrong.condition, wrong.text);
            }
        };
        let url = self.cx.authentication.login_url(&room);
        let meeting = self.conferences.by_room_mut(&room).map(|conference| conference.meeting.clone());
        log::info!(
            room:% = room, meeting_id:% = meeting.unwrap_or_default();
            "{WHAT} of room {room} from {}: answered by rule {} ({})",
            name(&self.cx, &asked),
            GeneralRule::LoginUrl,
            if url.is_some() { "the page of the room" } else { "a page that the client knows, which gives a token" },
        );
        self.cx.answer(asked, IqBody::Result(Some(Payload::LoginUrl(LoginUrl { url, ..LoginUrl::default() }))));
    }

    /// A client ends its session. Whoever knows the id may: its user stays where he is, and owner of what he owns.
    pub(in crate::focus) fn log_out(&mut self, asked: Asked, request: &Logout) {
        if !self.cx.authentication.is_on() {
            let off = Rule::AuthenticationOff;
            self.refused("Logout", &asked, off.name(), "authentication is off, nobody is logged in");
            return self.cx.answer_error(asked, Condition::FeatureNotImplemented, "");
        }
        let id = request.session_id.as_deref().unwrap_or_default();
        let (room, meeting, nick) = self.speaker(&asked, None).unwrap_or_default();
        let Some(login) = self.cx.authentication.log_out(self.cx.now, id) else {
            let unknown = Rule::SessionUnknown;
            self.refused("Logout", &asked, unknown.name(), unknown.words());
            return self.cx.answer(asked, IqBody::Error(stanza_error(Refusal::InvalidSession)));
        };
        log::info!(
            room:% = room, meeting_id:% = meeting, participant:% = nick;
            "Logout from {}: done by rule {}, the session {} of {} ends",
            name(&self.cx, &asked),
            GeneralRule::Logout,
            login.session,
            login.identity
        );
        self.cx.answer(asked, IqBody::Result(Some(Payload::Logout(Logout::default()))));
    }

    /// Sees to it that sessions expire in time.
    pub(super) fn watch_sessions(&mut self) {
        if self.cx.authentication.expiry.is_none()
            && let Some(at) = self.cx.authentication.next_expiry()
        {
            self.cx.authentication.expiry = Some(self.cx.timers.set(at, Timer::SessionsExpire));
        }
    }

    /// Sessions may have expired.
    pub(in crate::focus) fn sessions_expire(&mut self) {
        self.cx.authentication.expire(self.cx.now);
        self.cx.authentication.expiry = None;
        self.watch_sessions();
    }

    /// Without auto-login sessions end with their conference.
    pub(in crate::focus) fn sessions_of_conference_end(&mut self, conference: &Conference) {
        let room = &conference.room;
        let ended = self.cx.authentication.conference_ended(room);
        if ended > 0 {
            log::info!(
                room:% = room, meeting_id:% = conference.meeting;
                "with the conference {room} {ended} of its authentication sessions end"
            );
        }
    }
}
