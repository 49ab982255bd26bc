//! What comes to a participant: presence of the room, answers, questions.

use super::{Asked, Occupant, Participant, Place, Refusal, SessionState};
use crate::Time;
use crate::ns;
use crate::xml::{Element, Read, bare, el, error_in, error_of, resource, result_of};

impl Participant {
    pub fn handle(&mut self, now: Time, stanza: &Element) {
        self.set_now(now);
        match (stanza.name(), stanza.get("type")) {
            ("presence", kind) => self.on_presence(stanza, kind),
            ("iq", Some("get" | "set")) => self.on_request(stanza),
            ("iq", Some("result" | "error")) => self.on_answer(stanza),
            ("message", _) => self.on_message(stanza),
            (name, kind) => self.complain(format!("a stanza that is none: <{name} type={kind:?}>")),
        }
    }

    fn on_presence(&mut self, presence: &Element, kind: Option<&str>) {
        let from = presence.get("from").unwrap_or("").to_owned();
        let Some(nick) = resource(&from).filter(|_| bare(&from) == self.settings.room).map(str::to_owned) else {
            return;
        };
        match kind {
            None => self.on_available(&nick, presence),
            Some("unavailable") => self.on_unavailable(&nick),
            Some("error") if self.place == Place::Joining => {
                let (condition, text) = error_in(presence).unwrap_or_default();
                self.refused("join", self.now, condition, text);
                self.place = Place::Outside;
            }
            Some(_) => {}
        }
    }

    fn on_available(&mut self, nick: &str, presence: &Element) {
        if self.place < Place::Joining || self.place == Place::Left {
            return;
        }
        let user = presence.kid("x", ns::MUC_USER);
        let item = user.and_then(|x| x.kid("item", ns::MUC_USER));
        let text = |name| item.and_then(|i| i.get(name)).unwrap_or("none").to_owned();
        let occupant = Occupant {
            jid: item.and_then(|i| i.get("jid")).map(str::to_owned),
            affiliation: text("affiliation"),
            role: text("role"),
            presence: Some(presence.clone()),
        };
        if nick == "focus" {
            self.check_focus_presence(&occupant, presence);
        }
        self.has_led |= nick == self.settings.nick && occupant.role == "moderator";
        if nick == self.settings.nick && self.place == Place::Joining {
            self.came_as_visitor = occupant.role == "visitor";
        }
        self.occupants.insert(nick.to_owned(), occupant);
        if let Some(left) = self.gone.remove(nick) {
            self.returned.insert(nick.to_owned(), left);
        }
        if user.is_some_and(|x| has_status(x, "110")) && self.place == Place::Joining {
            self.place = Place::InRoom;
        }
    }

    /// Each presence of the focus replaces all that clients know of the conference (spec/20 §3.1).
    fn check_focus_presence(&mut self, occupant: &Occupant, presence: &Element) {
        let real = occupant.jid.as_deref().map(bare);
        if self.focus_jid.is_some() && real != self.focus_jid.as_deref() {
            let expected = self.focus_jid.clone();
            return self.complain(format!("occupant 'focus' is {real:?}, the focus is {expected:?}"));
        }
        let properties = presence.kids("conference-properties", ns::FOCUS).count();
        if properties > 1 {
            self.complain(format!("{properties} conference-properties in one presence of the focus"));
        }
        let had = self.occupants.get("focus").and_then(|o| o.presence.as_ref());
        let lost: Vec<String> = had
            .into_iter()
            .flat_map(properties_of)
            .filter(|(key, _)| property_of(presence, key).is_none())
            .map(|(key, _)| key)
            .collect();
        if !lost.is_empty() {
            self.complain(format!("conference properties lost: {lost:?}"));
        }
        if presence.kid("c", ns::CAPS).is_none() {
            self.complain("presence of the focus without caps");
        }
    }

    fn on_unavailable(&mut self, nick: &str) {
        self.occupants.remove(nick);
        self.gone.insert(nick.to_owned(), self.now);
        self.doubtful.remove(nick);
        self.remote.forget(nick);
        if nick == self.settings.nick {
            // Of the stay before, if we are coming back.
            if self.place == Place::InRoom {
                self.left();
            }
            return;
        }
        if nick == "focus" && self.place != Place::Left {
            self.focus_gone = true;
            self.session = None;
            self.remote.clear();
        }
    }

    /// Of components, not of rooms and people: those say nothing as JSON that is of interest here.
    fn on_message(&mut self, message: &Element) {
        let Some(json) = message.kid("json-message", ns::JITMEET) else { return };
        if message.get("from").is_some_and(|from| !from.contains('@')) {
            match serde_json::from_str(&json.text()) {
                Ok(value) => self.told.push(value),
                Err(error) => self.complain(format!("a component's message is no JSON: {error}")),
            }
        }
    }

    fn on_request(&mut self, iq: &Element) {
        let Some(payload) = iq.children().next() else {
            self.complain("an IQ without payload");
            return self.outputs.push_back(error_of(iq, "modify", "bad-request", None).done());
        };
        if iq.get("id").is_none_or(str::is_empty) {
            self.complain("an IQ without id");
        }
        // It crossed our leave, of which we may be on the way back.
        if self.place != Place::InRoom {
            return self.outputs.push_back(error_of(iq, "cancel", "service-unavailable", None).done());
        }
        match (payload.name(), payload.ns()) {
            ("jingle", ns::JINGLE) => self.on_jingle(iq, payload),
            ("query", ns::DISCO_INFO) => self.on_disco(iq, payload),
            ("mute", ns::JITMEET_AUDIO | ns::JITMEET_VIDEO | ns::JITMEET_DESKTOP) => self.on_mute(iq, payload),
            ("ping", ns::PING) => self.outputs.push_back(result_of(iq).done()),
            ("query", ns::VERSION) => {
                let version = el("query", ns::VERSION).child(el("name", ns::VERSION).text("testkit"));
                self.outputs.push_back(result_of(iq).child(version).done());
            }
            (name, namespace) => {
                self.complain(format!("a request that no client knows: <{name} xmlns='{namespace}'>"));
                self.outputs.push_back(error_of(iq, "cancel", "feature-not-implemented", None).done());
            }
        }
    }

    fn on_disco(&mut self, iq: &Element, query: &Element) {
        let profile = self.settings.profile.clone();
        let node = format!("{}#{}", profile.node, profile.ver());
        if query.get("node").is_some_and(|asked| asked != node) {
            self.complain(format!("asked for the features of {:?}, which are not mine", query.get("node")));
        }
        if !self.settings.answers_disco {
            self.kept_features = true;
        } else {
            let features = profile.features.iter().map(|feature| el("feature", ns::DISCO_INFO).attr("var", feature));
            let info = el("query", ns::DISCO_INFO).opt("node", query.get("node")).children(features);
            self.outputs.push_back(result_of(iq).child(info).done());
        }
    }

    /// Clients take it from the focus only, know only `true`, and never answer (spec/20 §8).
    fn on_mute(&mut self, iq: &Element, mute: &Element) {
        if iq.get("from") != Some(self.focus_occupant().as_str()) {
            return self.complain(format!("a mute of {:?}, who is not the focus", iq.get("from")));
        }
        if mute.text() != "true" {
            self.complain(format!("a mute that says '{}'", mute.text()));
        }
        if mute.get("jid").is_some() {
            self.complain("a mute that names a target, which is whom it is sent to");
        }
        // Rooms of visitors have nobody who may mute anybody.
        if let Some(actor) = mute.get("actor").filter(|actor| bare(actor) != self.settings.room) {
            self.complain(format!("a mute by {actor}, who is in another room"));
        }
        self.mute_requests.push(mute.clone());
        self.muted_at.push(self.now);
        // A client that shares no screen has nothing to mute then.
        let media = match mute.ns() {
            ns::JITMEET_AUDIO => Some(crate::sources::Media::Audio),
            ns::JITMEET_VIDEO => Some(crate::sources::Media::Video),
            _ => None,
        };
        if let Some(media) = media.filter(|_| !self.settings.ignores_mutes) {
            self.mute(media, true);
        }
    }

    fn on_answer(&mut self, iq: &Element) {
        let id = iq.get("id").unwrap_or("").to_owned();
        if self.in_vain.remove(&id) {
            return self.on_answer_in_vain(iq, &id);
        }
        let Some(asked) = self.asked.remove(&id) else {
            // What a session had answered, but not acknowledged to the server when it ended, the server bounces.
            let bounced = error_in(iq).is_some_and(|(condition, _)| condition == "recipient-unavailable");
            // After leaving nobody waits for answers any more.
            if iq.get("from") == Some(self.focus_occupant().as_str()) && self.place == Place::InRoom && !bounced {
                self.complain(format!("an answer to nothing that was asked, id '{id}'"));
            }
            return;
        };
        if asked.what == "conference" {
            return self.on_conference(iq, &asked);
        }
        if asked.what == "logout" && iq.get("type") == Some("result") {
            self.logged_out(iq);
        }
        match error_in(iq) {
            None if iq.get("type") == Some("error") => self.complain(format!("an error without condition: {id}")),
            None => self.on_success(&asked),
            Some((condition, text)) => self.on_refusal(asked, condition, text),
        }
    }

    /// What should have been refused and was not is kept. Whoever asks for a conference is nobody else by it.
    fn on_answer_in_vain(&mut self, iq: &Element, id: &str) {
        let what = self.asked.remove(id).map_or_else(String::new, |asked| asked.what);
        let poses = |it: &Element| it.get("session-id").is_some() || it.get("identity").is_some();
        let granted = match iq.kid("conference", ns::FOCUS) {
            Some(conference) => poses(conference),
            None => iq.get("type") == Some("result"),
        };
        if granted {
            self.granted.push(what);
        }
    }

    fn on_success(&mut self, asked: &Asked) {
        self.stopwatch.answers.push((asked.what.clone(), self.now - asked.at));
        if let Some(about) = asked.about.clone().filter(|about| *about != self.settings.nick) {
            self.mutes.push((asked.at, about));
        }
        if asked.what != "session-accept" {
            return;
        }
        let Some(session) = self.session.as_mut().filter(|s| s.state == SessionState::Accepting) else { return };
        session.state = SessionState::Active;
        self.stopwatch.accepted = Some(self.now);
        self.shows_sources = true;
        self.show();
    }

    fn on_refusal(&mut self, asked: Asked, condition: String, text: String) {
        // The next session began with what it was to have then: what the last one was refused changes nothing of that.
        let lasts = self.session.as_ref().is_some_and(|session| Some(&session.sid) == asked.sid.as_ref());
        // It has let go of it; the focus, if it had not ended it, has yet.
        let ended = |sid: &String| self.ended_by_both.contains(sid) || self.focus_gone;
        let unended = asked.what == "session-terminate" && asked.sid.as_ref().is_some_and(|sid| !ended(sid));
        match asked.what.as_str() {
            // The real client reloads its page now.
            "session-accept" => {
                if let Some(session) = &mut self.session {
                    session.state = SessionState::Broken;
                }
            }
            "source-add" if lasts => {
                let ssrcs: Vec<u32> = asked.sources.sources.iter().map(|s| s.ssrc).collect();
                let removed = self.own.remove(&ssrcs);
                self.forget_track(&removed);
            }
            "source-remove" if lasts => self.own.extend(asked.sources),
            _ => {}
        }
        let Asked { what: request, at, led, about, sid, .. } = asked;
        let (in_session, lasts) = (sid.is_some(), lasts || unended);
        self.refusals.push(Refusal { request, condition, text, in_session, lasts, at, led, about });
    }

    /// What is asked of nobody's session was refused.
    pub(super) fn refused(&mut self, request: &str, at: Time, condition: String, text: String) {
        let request = request.to_owned();
        let (in_session, lasts, led, about) = (false, false, false, None);
        self.refusals.push(Refusal { request, condition, text, in_session, lasts, at, led, about });
    }

    /// The answer to the conference request, read as lib-jitsi-meet does (spec/10 §11.2).
    fn on_conference(&mut self, iq: &Element, asked: &Asked) {
        self.conference_answers.push(iq.clone());
        if let Some((condition, text)) = error_in(iq) {
            if !self.on_login_error(iq, &condition, asked) {
                self.refused_conference(asked.at, condition, text);
            }
            return;
        }
        self.stopwatch.request.push(self.now - asked.at);
        let Some(conference) = iq.kid("conference", ns::FOCUS) else {
            return self.complain("an answer to the conference request without <conference>");
        };
        self.on_login_answer(conference, asked);
        match conference.get("focusjid") {
            Some(jid) if !jid.is_empty() && !jid.contains('/') => self.focus_jid = Some(jid.to_owned()),
            other => self.complain(format!("focusjid {other:?} is no bare JID")),
        }
        if conference.get("room") != Some(self.settings.room.as_str()) {
            self.complain(format!("asked for {}, was answered {:?}", self.settings.room, conference.get("room")));
        }
        if self.place != Place::Requesting {
            return;
        }
        let property = |name: &str| {
            let mut properties = conference.kids("property", ns::FOCUS);
            properties.find(|it| it.get("name") == Some(name)).and_then(|it| it.get("value").map(str::to_owned))
        };
        // Before anything else, as the real client does: it does not come again by itself.
        if property("live").as_deref() == Some("false") {
            if conference.get("ready") != Some("false") || conference.get("vnode").is_some() {
                self.complain("told to wait until the room is live, and to come");
            }
            self.waits_for_live = true;
            self.place = Place::Outside;
            return;
        }
        if let Some(node) = conference.get("vnode").map(str::to_owned) {
            if conference.get("ready") != Some("true") {
                self.complain("sent to a visitor node without 'ready'");
            }
            if !self.settings.properties.iter().any(|(name, _)| name == "visitors-version") {
                self.complain("sent to a visitor node, though it never said that it can go there");
            }
            if property("visitors-supported").as_deref() != Some("true") {
                self.complain("sent to a visitor node of a room that supports no visitors");
            }
            self.retries = 0;
            self.redirect = Some(node);
            return;
        }
        if conference.get("ready") == Some("true") {
            self.retries = 0;
            return self.join();
        }
        self.detour("not ready", asked);
        // 1, 2, 4, … s, at most 120.
        self.retry_at = Some(self.now + Time::from_secs((1 << self.retries.min(7)).min(120)));
        self.retries += 1;
    }

    /// The bare JID of the focus, once the answer to the conference request has told it.
    pub fn focus_jid(&self) -> Option<&str> {
        self.focus_jid.as_deref()
    }
}

pub(super) fn properties_of(presence: &Element) -> Vec<(String, String)> {
    let Some(properties) = presence.kid("conference-properties", ns::FOCUS) else { return Vec::new() };
    let text = |p: &Element, name| p.get(name).unwrap_or("").to_owned();
    properties.kids("property", ns::FOCUS).map(|p| (text(p, "key"), text(p, "value"))).collect()
}

pub(super) fn property_of(presence: &Element, key: &str) -> Option<String> {
    properties_of(presence).into_iter().find(|(k, _)| k == key).map(|(_, value)| value)
}

fn has_status(user: &Element, code: &str) -> bool {
    user.kids("status", ns::MUC_USER).any(|status| status.get("code") == Some(code))
}
