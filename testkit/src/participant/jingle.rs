//! Jingle from the focus: what lib-jitsi-meet takes, and how it refuses the rest (spec/30 §1, §8, §10, §12).

use super::profile::{AUDIO, Age, JSON_SOURCES, VIDEO};
use super::{CROSSING, Ended, Participant, Session, SessionState, offer};
use crate::ice::Ice;
use crate::ns;
use crate::sources::{ByOwner, Media, Sources, from_contents, from_json};
use crate::xml::{Element, Read, bare, el, error_of, result_of};

impl Participant {
    pub(super) fn on_jingle(&mut self, iq: &Element, jingle: &Element) {
        let from = iq.get("from").unwrap_or("").to_owned();
        if let Err(text) = self.check_sender(iq, &from) {
            self.complain(text);
            return self.outputs.push_back(error_of(iq, "auth", "not-allowed", None).done());
        }
        let (Some(action), Some(sid)) = (jingle.get("action"), jingle.get("sid").filter(|sid| !sid.is_empty())) else {
            self.complain("jingle without action or sid");
            return self.outputs.push_back(error_of(iq, "modify", "bad-request", None).done());
        };
        match action {
            "session-initiate" => self.on_initiate(iq, jingle, &from, sid),
            "session-terminate" | "source-add" | "source-remove" | "transport-info" | "transport-replace" => {
                self.on_session_action(iq, jingle, action, &from, sid);
            }
            other => {
                self.complain(format!("an action that no client knows: '{other}'"));
                self.outputs.push_back(error_of(iq, "modify", "bad-request", None).done());
            }
        }
    }

    /// Only the focus may speak, and only as it shows itself in the room.
    fn check_sender(&self, iq: &Element, from: &str) -> Result<(), String> {
        if iq.get("type") != Some("set") {
            return Err(format!("jingle in an IQ of type {:?}", iq.get("type")));
        }
        if from != self.focus_occupant() {
            return Err(format!("jingle from '{from}', who is not 'focus' in the room"));
        }
        let occupant = self.occupants.get("focus").ok_or("jingle from a focus that is not in the room")?;
        let real = occupant.jid.as_deref().map(bare);
        if self.focus_jid.is_some() && real != self.focus_jid.as_deref() {
            return Err(format!("jingle from {real:?}, the focus is {:?}", self.focus_jid));
        }
        Ok(())
    }

    fn on_initiate(&mut self, iq: &Element, jingle: &Element, from: &str, sid: &str) {
        if !self.sids.insert(sid.to_owned()) {
            self.complain(format!("session-initiate with the used sid '{sid}'"));
            return self.outputs.push_back(error_of(iq, "cancel", "service-unavailable", None).done());
        }
        if let Some(session) = &self.session {
            let old = session.sid.clone();
            self.complain(format!("session-initiate '{sid}' while session '{old}' lives"));
        }
        self.outputs.push_back(result_of(iq).done());
        self.sessions += 1;
        if let Some(joined) = self.stopwatch.joined.take() {
            self.stopwatch.offer.push(self.now - joined);
        }
        let mut wrong = offer::faults_of(jingle, &self.settings.profile);
        self.remote.clear();
        wrong.extend(self.take_sources(jingle, true));
        let bridge_session = jingle.kid("bridge-session", ns::FOCUS).and_then(|s| s.get("id")).map(str::to_owned);
        let state = if wrong.is_empty() { SessionState::Offered } else { SessionState::Broken };
        self.session = Some(Session {
            sid: sid.to_owned(),
            peer: from.to_owned(),
            state,
            bridge_session,
            offer: jingle.clone(),
            ice_generation: 0,
            bridge_ice: Ice::default(),
            own_ice: Ice::default(),
            has_no_media: false,
        });
        self.begin_transport(jingle);
        for text in wrong {
            self.complain(format!("session-initiate: {text}"));
        }
        if state == SessionState::Offered && !self.settings.never_accepts {
            if self.settings.thinks.is_zero() {
                self.send_accept();
            } else {
                self.accept_at = Some(self.now + self.settings.thinks);
            }
        }
    }

    fn on_session_action(&mut self, iq: &Element, jingle: &Element, action: &str, from: &str, sid: &str) {
        let known = self.session.as_ref().is_some_and(|session| session.sid == sid && session.peer == from);
        if !known {
            // What the focus sent before it knew that we ended the session is no fault of it.
            if self.ended_by_us.contains(sid) {
                if action == "session-terminate" {
                    self.ended_by_both.insert(sid.to_owned());
                }
            } else {
                let own = self.session.as_ref().map(|session| session.sid.clone());
                self.complain(format!("{action} of session '{sid}', mine is {own:?}"));
            }
            let unknown = el("unknown-session", ns::JINGLE_ERRORS);
            let mut answer = error_of(iq, "cancel", "item-not-found", None).done();
            if let Some(error) = answer.get_child_mut("error", ns::CLIENT) {
                error.append_child(unknown.done());
            }
            return self.outputs.push_back(answer);
        }
        self.outputs.push_back(result_of(iq).done());
        match action {
            "session-terminate" => self.on_terminate(jingle),
            "transport-info" => self.on_transport_info(jingle),
            "transport-replace" => self.on_transport_replace(jingle),
            _ => self.on_source_change(jingle, action),
        }
    }

    fn on_terminate(&mut self, jingle: &Element) {
        if jingle.kid("reason", ns::JINGLE).is_none_or(|reason| reason.children().next().is_none()) {
            self.complain("session-terminate without reason");
        }
        let reason = jingle.kid("reason", ns::JINGLE).and_then(|reason| reason.children().next());
        self.note_end(reason.map_or("none", Element::name));
        self.session = None;
        self.accept_at = None;
        self.forget_own();
        self.remote.clear();
        // The time to the next offer counts from here.
        self.stopwatch.joined = Some(self.now);
    }

    fn note_end(&mut self, reason: &str) {
        let Some(session) = self.session.as_ref().filter(|session| session.state == SessionState::Active) else {
            return;
        };
        let certificate = session.bridge_ice.fingerprint.as_ref().map(|(_, digest)| digest.clone());
        self.ended.push(Ended { reason: reason.to_owned(), certificate: certificate.unwrap_or_default() });
    }

    /// What it sends is over, and what it sends next is new.
    pub(super) fn forget_own(&mut self) {
        self.sent_before.extend(self.own.sources.iter().map(|source| source.ssrc));
        let own = std::mem::take(&mut self.own);
        if !own.is_empty() {
            self.sent_last = own;
        }
    }

    fn on_source_change(&mut self, jingle: &Element, action: &str) {
        let state = self.session.as_ref().map(|session| session.state);
        if matches!(state, Some(SessionState::Offered)) {
            self.complain(format!("{action} before the offer was accepted"));
        }
        let wrong = match action {
            "source-add" => self.take_sources(jingle, false),
            _ => self.drop_sources(jingle),
        };
        for text in wrong {
            self.complain(format!("{action}: {text}"));
        }
    }

    fn take_sources(&mut self, jingle: &Element, in_offer: bool) -> Vec<String> {
        let mut added = match self.read_sources(jingle) {
            Ok(added) => added,
            Err(text) => return vec![text],
        };
        let mut wrong = Vec::new();
        if !in_offer && added.values().all(Sources::is_empty) {
            wrong.push("nothing in it".to_owned());
        }
        added.retain(|owner, sources| self.check_owner(owner, sources, in_offer, &mut wrong));
        let crossed = |owner: &&String| self.returned.get(*owner).is_some_and(|at| self.now - *at <= CROSSING);
        self.doubtful.extend(added.keys().filter(crossed).cloned());
        let strict = self.settings.profile.age == Age::Current;
        wrong.extend(self.remote.add(&added, strict));
        for owner in added.keys() {
            self.stopwatch.told.entry(owner.clone()).or_insert(self.now);
        }
        wrong
    }

    fn drop_sources(&mut self, jingle: &Element) -> Vec<String> {
        let mut removed = match self.read_sources(jingle) {
            Ok(removed) => removed,
            Err(text) => return vec![text],
        };
        if removed.values().all(Sources::is_empty) {
            return vec!["nothing in it".to_owned()];
        }
        removed.retain(|owner, _| !self.left_just_now(owner));
        self.remote.remove(&removed)
    }

    fn read_sources(&self, jingle: &Element) -> Result<ByOwner, String> {
        let messages: Vec<&Element> = jingle.kids("json-message", ns::JITMEET).collect();
        let xml = from_contents(jingle)?;
        match messages[..] {
            [] => Ok(xml),
            [_] if !self.settings.profile.has(JSON_SOURCES) => {
                Err("json-message to a client which does not understand it".into())
            }
            [_] if !xml.is_empty() => Err("sources as XML and as JSON in one stanza".into()),
            [message] => from_json(&message.text()),
            _ => Err("more than one json-message".into()),
        }
    }

    /// Whether this owner's sources may be taken in; complains if they should not have come.
    fn check_owner(&self, owner: &str, sources: &Sources, in_offer: bool, wrong: &mut Vec<String>) -> bool {
        let profile = &self.settings.profile;
        for source in &sources.sources {
            let (media, feature) = match source.media {
                Media::Audio => ("audio", AUDIO),
                Media::Video => ("video", VIDEO),
            };
            if !profile.has(feature) {
                wrong.push(format!("{media} source {} of {owner} to a client without {media}", source.ssrc));
            }
            if self.own.get(source.ssrc).is_some() {
                wrong.push(format!("source {} of {owner} is my own", source.ssrc));
            }
        }
        if owner == self.settings.nick {
            wrong.push("my own sources are announced to me".to_owned());
            return false;
        }
        if owner == "jvb" {
            if !in_offer {
                wrong.push("sources of the bridge outside of an offer".to_owned());
            }
            return true;
        }
        if self.occupants.contains_key(owner) {
            return true;
        }
        if !self.left_just_now(owner) {
            wrong.push(format!("sources of {owner}, who is not in the room"));
        }
        false
    }

    fn left_just_now(&self, owner: &str) -> bool {
        self.gone.get(owner).is_some_and(|at| self.now - *at <= self.settings.grace)
    }

    /// The new transport of an ICE restart (spec/30 §12.2).
    fn on_transport_info(&mut self, jingle: &Element) {
        let transport = jingle.kid("content", ns::JINGLE).and_then(|content| content.kid("transport", ns::ICE));
        let Some(transport) = transport else { return self.complain("transport-info without transport") };
        let generation = transport.get("ice-generation").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let Some(mut session) = self.session.take() else { return };
        if generation <= session.ice_generation {
            let last = session.ice_generation;
            self.complain(format!("transport-info of ICE generation {generation} after {last}"));
        } else if transport.get("ufrag").is_none()
            || transport.get("pwd").is_none()
            || transport.kid("candidate", ns::ICE).is_none()
        {
            self.complain("transport-info without ufrag, pwd or candidates");
        } else {
            session.ice_generation = generation;
            session.bridge_ice.hear(transport);
            self.agents += 1;
            let answer = self.restart_answer(&session, generation);
            self.ask_focus("transport-info", &mut session, answer, Sources::default());
        }
        self.session = Some(session);
    }

    /// The bridge's transport in an offer: our agent for it is new.
    fn begin_transport(&mut self, jingle: &Element) {
        self.agents += 1;
        let Some(session) = &mut self.session else { return };
        (session.bridge_ice, session.own_ice) = (Ice::default(), Ice::default());
        for transport in jingle.kids("content", ns::JINGLE).filter_map(|content| content.kid("transport", ns::ICE)) {
            session.bridge_ice.hear(transport);
        }
    }

    /// Browsers acknowledge it and do nothing (spec/30 §6.5).
    fn on_transport_replace(&mut self, jingle: &Element) {
        for text in offer::faults_of(jingle, &self.settings.profile) {
            self.complain(format!("transport-replace: {text}"));
        }
        if !self.settings.profile.replaces_transport {
            if let Some(session) = &mut self.session {
                session.has_no_media = true;
            }
            return;
        }
        self.note_end("replaced");
        self.remote.clear();
        for text in self.take_sources(jingle, true) {
            self.complain(format!("transport-replace: {text}"));
        }
        self.begin_transport(jingle);
        let Some(mut session) = self.session.take() else { return };
        session.bridge_session = jingle.kid("bridge-session", ns::FOCUS).and_then(|s| s.get("id")).map(str::to_owned);
        // Of another endpoint, which counts anew.
        session.ice_generation = 0;
        let content = |name| el("content", ns::JINGLE).attr("creator", "responder").attr("name", name);
        let last_n = self.settings.last_n.filter(|_| self.settings.profile.has(VIDEO));
        let last_n = last_n.map(|n| el("initial-last-n", ns::COLIBRI2).attr("value", n));
        let accept = self
            .jingle_of(&session, "transport-accept")
            .child(content("audio").child(self.transport(None)))
            .children(last_n.map(|last_n| content("video").child(last_n).child(self.transport(None))));
        self.ask_focus("transport-accept", &mut session, accept, Sources::default());
        self.session = Some(session);
    }
}
