//! What a participant does when it is told to.

use std::collections::BTreeSet;

use super::media::{Dice, Track, sources_of};
use super::profile::Age;
use super::{Asked, Participant, Place, Session, SessionState, Settings};
use crate::Time;
use crate::ns;
use crate::sources::{Media, Sources};
use crate::xml::{Builder, Element, Read, el};

impl Participant {
    /// The time, before a command.
    pub fn set_now(&mut self, now: Time) {
        self.now = now;
        self.complaints.set_now(now);
    }

    /// Asks the focus for the conference; the room is joined when it says that it is ready.
    pub fn request_conference(&mut self) {
        self.place = Place::Requesting;
        self.stopwatch.asked = Some(self.now);
        self.ask_for_conference();
    }

    /// The request itself, wherever it is.
    pub(super) fn ask_for_conference(&mut self) {
        let conference = self.conference_request();
        let to = self.settings.focus_service.clone();
        // The real client waits for ever; nobody may be left without an answer (spec/10 §11.1).
        let patience = self.settings.patience.max(Time::from_secs(30));
        let id = self.ask("conference", "set", &to, conference, patience);
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.session = self.login.session_id.clone();
        }
    }

    pub fn has_redirect(&self) -> bool {
        self.redirect.is_some()
    }

    /// The visitor node to which it is to go, once.
    pub fn take_redirect(&mut self) -> Option<String> {
        self.redirect.take()
    }

    /// The one who was sent to a visitor node, on a new connection there.
    pub fn visitor_after(before: &Participant, jid: &str, mirror: &str) -> Participant {
        let mut visitor = Participant::new(Settings { jid: jid.to_owned(), ..before.settings.clone() });
        visitor.comes_after(before);
        visitor.focus_jid = before.focus_jid.clone();
        visitor.conference_answers = before.conference_answers.clone();
        visitor.set_now(before.now);
        visitor.becomes_visitor(&before.settings.room, mirror);
        visitor
    }

    /// It is on its visitor node, where it sends nothing, and enters the room there.
    pub fn becomes_visitor(&mut self, main: &str, mirror: &str) {
        self.settings.main_room = Some(main.to_owned());
        self.settings.room = mirror.to_owned();
        self.tracks.clear();
        self.asked.clear();
        self.join();
    }

    /// Enters the room.
    pub fn join(&mut self) {
        self.place = Place::Joining;
        self.stopwatch.joined = Some(self.now);
        let presence = self.presence(true);
        self.outputs.push_back(presence);
    }

    /// Leaves the room, as browsers do: without a word in Jingle (spec/30 §12.3).
    pub fn leave(&mut self) {
        self.outputs
            .push_back(el("presence", ns::CLIENT).attr("type", "unavailable").attr("to", self.occupant_jid()).done());
        self.left();
    }

    /// Leaves with a status, as applications do that give a reason (spec/10 §5.2).
    pub fn leave_with_status(&mut self, status: &str) {
        let presence = el("presence", ns::CLIENT).attr("type", "unavailable").attr("to", self.occupant_jid());
        self.outputs.push_back(presence.child(el("status", ns::CLIENT).text(status)).done());
        self.left();
    }

    /// Forgets everything of the room; also when it was thrown out.
    pub(super) fn left(&mut self) {
        self.place = Place::Left;
        // Whoever has left wants nothing more, whatever it is still answered.
        self.retry_at = None;
        self.redirect = None;
        if let Some(session) = self.session.take() {
            self.ended_by_us.insert(session.sid);
        }
        self.remote.clear();
        self.forget_own();
        self.occupants.clear();
        self.asked.clear();
        self.accept_at = None;
        self.shows_sources = false;
    }

    /// Starts sending a track: `source-add` to the focus.
    pub fn add_source(&mut self, track: Track) -> Sources {
        let index = self.next_index[track.media as usize];
        self.next_index[track.media as usize] += 1;
        self.tracks.push(track);
        let sources =
            sources_of(&self.settings.nick, self.settings.profile.age, track, index, self.sessions, &mut self.dice);
        self.announce(sources.clone());
        sources
    }

    /// Announces sources as they are, right or wrong.
    pub fn announce(&mut self, sources: Sources) {
        self.own.extend(sources.clone());
        self.change_sources("source-add", sources);
    }

    /// Withdraws the sources of that name, with their groups.
    pub fn remove_source(&mut self, name: &str) {
        let ssrcs: Vec<u32> =
            self.own.sources.iter().filter(|s| s.name.as_deref() == Some(name)).map(|s| s.ssrc).collect();
        self.withdraw(&ssrcs);
    }

    /// Withdraws sources by SSRC, with their groups.
    pub fn withdraw(&mut self, ssrcs: &[u32]) {
        let removed = self.own.remove(ssrcs);
        self.forget_track(&removed);
        self.change_sources("source-remove", removed);
    }

    /// What is sent no more is not in the next accept either.
    pub(super) fn forget_track(&mut self, sources: &Sources) {
        let Some(source) = sources.sources.first() else { return };
        let same = |track: &Track| track.media == source.media && track.desktop == source.desktop;
        if let Some(index) = self.tracks.iter().rposition(same) {
            self.tracks.remove(index);
        }
    }

    fn change_sources(&mut self, action: &str, sources: Sources) {
        let Some(mut session) = self.session.clone() else { return };
        let jingle = self.source_change(&session, action, &sources);
        self.ask_focus(action, &mut session, jingle, sources);
    }

    /// Mutes or unmutes: presence alone, as current clients do (spec/30 §14, case 46).
    pub fn mute(&mut self, media: Media, muted: bool) {
        if muted {
            self.muted.insert(media);
        } else {
            self.muted.remove(&media);
        }
        self.show();
    }

    /// Shows one of its sources as muted, or not, whatever its others are.
    pub fn mute_source(&mut self, name: &str, muted: bool) {
        self.shown_as.insert(name.to_owned(), Some(muted));
        self.show();
    }

    /// Says nothing of one of its sources in presence, as if it did not send it.
    pub fn hide_source(&mut self, name: &str) {
        self.shown_as.insert(name.to_owned(), None);
        self.show();
    }

    pub fn muted(&self) -> &BTreeSet<Media> {
        &self.muted
    }

    /// Sends its presence as it is now.
    pub fn show(&mut self) {
        let presence = self.presence(false);
        self.outputs.push_back(presence);
    }

    /// Asks the focus to mute somebody, itself included.
    pub fn ask_mute(&mut self, nick: &str, media: Media, mute: bool) {
        let namespace = match media {
            Media::Audio => ns::JITMEET_AUDIO,
            Media::Video => ns::JITMEET_VIDEO,
        };
        self.ask_mute_of(namespace, nick, mute);
    }

    /// The same by namespace: there is one for screens too.
    pub fn ask_mute_of(&mut self, namespace: &str, nick: &str, mute: bool) {
        let target = format!("{}/{nick}", self.settings.room);
        let to = self.focus_occupant();
        let mute = el("mute", namespace).attr("jid", target).text(mute.to_string());
        let id = self.ask("mute", "set", &to, mute, self.settings.patience);
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.about = Some(nick.to_owned());
        }
    }

    /// Throws somebody out, as a moderator may.
    pub fn kick(&mut self, nick: &str) {
        let item = el("item", ns::MUC_ADMIN).attr("nick", nick).attr("role", "none");
        let room = self.settings.room.clone();
        self.ask("kick", "set", &room, el("query", ns::MUC_ADMIN).child(item), self.settings.patience);
    }

    /// Ends its session and asks for a new one (spec/30 §12.3).
    pub fn restart(&mut self) {
        self.terminate("connectivity-error", "ICE FAILED", Some(true));
    }

    /// Ends its session. `restart`: whether it asks for a new one; None: no `bridge-session` at all.
    pub fn terminate(&mut self, reason: &str, text: &str, restart: Option<bool>) {
        let Some(mut session) = self.session.take() else { return };
        let reason = el("reason", ns::JINGLE).child(el(reason, ns::JINGLE)).child(el("text", ns::JINGLE).text(text));
        let bridge_session = restart.map(|restart| {
            el("bridge-session", ns::FOCUS)
                .opt("id", session.bridge_session.as_ref())
                .opt("restart", restart.then_some("true"))
        });
        let jingle = self.jingle_of(&session, "session-terminate").child(reason).children(bridge_session);
        self.ended_by_us.insert(session.sid.clone());
        self.forget_own();
        self.remote.clear();
        self.accept_at = None;
        self.ask_focus("session-terminate", &mut session, jingle, Sources::default());
    }

    /// Asks for an ICE restart in place (spec/30 §12.2).
    pub fn restart_ice(&mut self) {
        let Some(mut session) = self.session.clone() else { return };
        let bridge_session =
            el("bridge-session", ns::FOCUS).attr("ice-restart", "true").opt("id", session.bridge_session.as_ref());
        let jingle = self.jingle_of(&session, "session-info").child(bridge_session);
        self.ask_focus("session-info", &mut session, jingle, Sources::default());
    }

    /// Reports that ICE failed, as old clients do (spec/30 §12.1).
    pub fn report_ice_failed(&mut self) {
        let Some(mut session) = self.session.clone() else { return };
        let jingle = self
            .jingle_of(&session, "session-info")
            .child(el("ice-state", ns::FOCUS).text("failed"))
            .child(el("bridge-session", ns::FOCUS).opt("id", session.bridge_session.as_ref()));
        self.ask_focus("session-info", &mut session, jingle, Sources::default());
    }

    /// Accepts the offer now, sending this too.
    pub fn accept_with(&mut self, track: Track) {
        self.tracks.push(track);
        self.send_accept();
    }

    /// Sends its accept once more, as it was.
    pub fn accept_again(&mut self) {
        let Some(mut session) = self.session.clone() else { return };
        let accept = self.accept(&session, &session.offer, "session-accept");
        self.ask_focus("accept again", &mut session, accept, Sources::default());
    }

    /// Sends a `<jingle>` of the test's own to the focus.
    pub fn send_jingle(&mut self, jingle: Element) {
        let what = jingle.get("action").unwrap_or("jingle").to_owned();
        let to = self.focus_occupant();
        let of_transport =
            jingle.kids("content", ns::JINGLE).any(|content| content.kid("transport", ns::ICE).is_some());
        if let Some(session) = self.session.as_mut().filter(|_| of_transport) {
            session.has_no_media = true;
        }
        self.ask(&what, "set", &to, jingle, self.settings.patience);
    }

    /// Sends an IQ to anybody.
    pub fn send_iq(&mut self, kind: &str, to: &str, payload: Element) {
        let what = payload.name().to_owned();
        self.ask(&what, kind, to, payload, self.settings.patience);
    }

    /// Sends what nobody may ask for: a refusal is expected, or an answer to a conference request that gives no session.
    pub fn ask_in_vain(&mut self, kind: &str, to: &str, payload: impl Into<Element>) {
        let payload = payload.into();
        let what = format!("{} {}", payload.name(), payload.get("action").unwrap_or(payload.ns()));
        let id = self.ask(&what, kind, to, payload, self.settings.patience);
        self.in_vain.insert(id);
    }

    /// Sends anything.
    pub fn send_raw(&mut self, stanza: Element) {
        self.outputs.push_back(stanza);
    }

    pub fn focus_occupant(&self) -> String {
        format!("{}/focus", self.settings.room)
    }

    /// Sends what a session's peer has to answer.
    pub(super) fn ask_focus(&mut self, what: &str, session: &mut Session, jingle: Builder, sources: Sources) {
        let contents = jingle.look().kids("content", ns::JINGLE);
        for transport in contents.filter_map(|content| content.kid("transport", ns::ICE)) {
            session.own_ice.hear(transport);
        }
        let id = self.ask(what, "set", &session.peer, jingle, self.settings.patience);
        if let Some(asked) = self.asked.get_mut(&id) {
            asked.sources = sources;
            asked.sid = Some(session.sid.clone());
        }
    }

    fn ask(&mut self, what: &str, kind: &str, to: &str, payload: impl Into<Element>, wait: Time) -> String {
        let id = self.fresh_id();
        let iq = el("iq", ns::CLIENT).attr("type", kind).attr("id", &id).attr("to", to).child(payload);
        self.outputs.push_back(iq.done());
        self.all_asked.push((what.to_owned(), self.now));
        let asked = Asked {
            what: what.to_owned(),
            at: self.now,
            deadline: Some(self.now + wait),
            sources: Sources::default(),
            session: None,
            sid: None,
            led: self.is_moderator(),
            about: None,
        };
        self.asked.insert(id.clone(), asked);
        id
    }

    /// Its presence, as a client of its age writes it (spec/20 §4.1).
    fn presence(&self, join: bool) -> Element {
        let profile = &self.settings.profile;
        let caps = el("c", ns::CAPS).attr("hash", "sha-1").attr("node", profile.node).attr("ver", profile.ver());
        let leaf = |name: &str, text: String| el(name, ns::CLIENT).text(text);
        let mut children = vec![leaf("stats-id", self.settings.stats_id.clone()), caps];
        if join {
            children.insert(0, el("x", ns::MUC));
        }
        match profile.age {
            Age::Current => {
                let codecs = self.settings.codecs.as_ref().map_or("av1,vp9,vp8,h264".into(), |list| list.join(","));
                children.push(leaf("jitsi_participant_codecList", codecs));
                children.push(leaf("SourceInfo", self.source_info()));
            }
            Age::Old => {
                children.push(leaf("jitsi_participant_codecType", "vp8".into()));
                if self.shows_sources {
                    children.push(leaf("audiomuted", self.muted.contains(&Media::Audio).to_string()));
                    children.push(leaf("videomuted", self.muted.contains(&Media::Video).to_string()));
                }
            }
            Age::Gateway => {}
        }
        children.extend(self.settings.region.clone().map(|region| leaf("jitsi_participant_region", region)));
        el("presence", ns::CLIENT)
            .attr("to", self.occupant_jid())
            .children(children)
            .child(el("nick", ns::NICK).text(&self.settings.nick))
            .children(self.settings.more_presence.iter().cloned())
            .done()
    }

    /// Empty until the accept is answered (spec/20 §4.1).
    fn source_info(&self) -> String {
        let mut info = serde_json::Map::new();
        for source in self.own.sources.iter().filter(|_| self.shows_sources) {
            let Some(name) = &source.name else { continue };
            let usual = Some(self.muted.contains(&source.media));
            let Some(muted) = self.shown_as.get(name).copied().unwrap_or(usual) else { continue };
            let mut value = serde_json::json!({ "muted": muted });
            if source.desktop {
                value["videoType"] = "desktop".into();
            }
            info.insert(name.clone(), value);
        }
        serde_json::Value::Object(info).to_string()
    }

    pub fn handle_timeout(&mut self, now: Time) {
        self.set_now(now);
        if self.accept_at.take_if(|at| *at <= now).is_some() {
            self.send_accept();
        }
        if self.retry_at.take_if(|at| *at <= now).is_some() {
            self.request_conference();
        }
        let late: Vec<String> = self
            .asked
            .iter_mut()
            .filter_map(|(_, asked)| asked.deadline.take_if(|at| *at <= now).map(|_| asked.what.clone()))
            .collect();
        for what in late {
            self.complain(format!("no answer to {what}"));
        }
    }

    pub(super) fn send_accept(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        self.forget_own();
        self.next_index = [0, 0];
        let mut first = Dice::of(&self.settings.jid);
        let (number, dice) = if self.settings.keeps_ssrcs { (1, &mut first) } else { (self.sessions, &mut self.dice) };
        for track in self.tracks.clone() {
            let index = &mut self.next_index[track.media as usize];
            let (nick, age) = (&self.settings.nick, self.settings.profile.age);
            self.own.extend(sources_of(nick, age, track, *index, number, dice));
            *index += 1;
        }
        session.state = SessionState::Accepting;
        if self.settings.profile.age == Age::Gateway {
            let content = el("content", ns::JINGLE)
                .attr("creator", "responder")
                .attr("name", "audio")
                .child(self.transport(None));
            let info = self.jingle_of(&session, "transport-info").child(content);
            self.ask_focus("transport-info", &mut session, info, Sources::default());
        }
        let accept = self.accept(&session, &session.offer, "session-accept");
        self.ask_focus("session-accept", &mut session, accept, Sources::default());
        if self.settings.profile.age == Age::Old {
            let info = self.old_transport_info(&session);
            self.ask_focus("transport-info", &mut session, info, Sources::default());
        }
        self.session = Some(session);
    }
}
