//! What no honest visitor does: from a room on a node he asks for what is others' to have. He is refused, and nobody else notices.

use super::peers::nick;
use super::play::Life;
use crate::ns;
use crate::participant::{CROSSING, Place};
use crate::xml::{Builder, el};

/// More than anybody may ask at once.
const FLOOD: usize = 300;

/// So often he goes and comes, or raises his hand, in one go.
const LOOPS: usize = 12;

impl Life<'_> {
    pub(super) fn visitor_misbehaves(&mut self, who: u8, other: u8, how: u8) {
        let numbers = self.people.range(who..).chain(self.people.range(..who));
        let is_there = |label: &str| {
            let participant = self.s.view(label);
            participant.is_visitor() && participant.place() == Place::InRoom && !participant.has_redirect()
        };
        let found = numbers.map(|(number, person)| (*number, person)).find(|(_, it)| !it.away && is_there(&it.label));
        let Some((number, label)) = found.map(|(number, person)| (number, person.label.clone())) else { return };
        if let Some(person) = self.people.get_mut(&number) {
            person.hostile = true;
        }
        let victim = self.people.get(&other).filter(|_| other != number).map(|person| person.label.clone());
        match how {
            0 => self.visitor_mutes(&label, other),
            1 => self.visitor_signals(&label, victim.as_deref()),
            2 => self.visitor_lets_visitors_in(&label),
            3 => self.visitor_asks_for_conferences(&label, victim.as_deref()),
            4 => self.visitor_shows_itself(&label),
            5 => self.visitor_goes_and_comes(number, &label),
            6 => self.visitor_forges(&label, other),
            _ => self.visitor_floods(&label),
        }
    }

    fn main_room_of(&self, label: &str) -> String {
        self.s.view(label).settings.main_room.clone().unwrap_or_default()
    }

    /// To the focus as an occupant of the visitor's own room.
    fn asks_in_vain(&mut self, label: &str, kind: &str, payload: Builder) {
        let focus = self.s.view(label).focus_occupant();
        self.s.participant(label).ask_in_vain(kind, &focus, payload);
    }

    /// Others, by all the names that they have, and itself in the main room.
    fn visitor_mutes(&mut self, label: &str, other: u8) {
        let (main, mirror) = (self.main_room_of(label), self.s.view(label).settings.room.clone());
        let own = self.s.view(label).nick().to_owned();
        for room in [&main, &mirror] {
            for nick in [nick(other), own.clone(), "focus".into()] {
                for (namespace, mute) in
                    [(ns::JITMEET_AUDIO, "true"), (ns::JITMEET_VIDEO, "true"), (ns::JITMEET_DESKTOP, "false")]
                {
                    let mute = el("mute", namespace).attr("jid", format!("{room}/{nick}")).text(mute);
                    self.asks_in_vain(label, "set", mute.attr("actor", format!("{main}/p0")));
                }
            }
        }
    }

    /// With its own session what visitors may not do, and with somebody else's what only that one may.
    fn visitor_signals(&mut self, label: &str, victim: Option<&str>) {
        let jingle = |action: &str, sid: &str| el("jingle", ns::JINGLE).attr("action", action).attr("sid", sid);
        let source = el("source", ns::SSMA).attr("ssrc", "90001").attr("name", "p0-v0");
        let description = el("description", ns::RTP).attr("media", "video").child(source);
        let content = el("content", ns::JINGLE).attr("name", "video").child(description).done();
        let foreign = victim.and_then(|victim| self.s.view(victim).session()).map(|session| session.sid.clone());
        if let Some(sid) = foreign {
            for action in ["session-accept", "source-add", "source-remove", "transport-info", "session-terminate"] {
                self.asks_in_vain(label, "set", jingle(action, &sid).child(content.clone()));
            }
        }
        let own = self.s.view(label).session().map(|session| session.sid.clone());
        if let Some(sid) = own.filter(|_| self.s.view(label).connected()) {
            self.asks_in_vain(label, "set", jingle("source-add", &sid).child(content.clone()));
            self.asks_in_vain(label, "set", jingle("source-remove", &sid).child(content));
        }
    }

    /// As moderators do where broadcasts are not automatic; and as the component does that promotes visitors.
    fn visitor_lets_visitors_in(&mut self, label: &str) {
        let main = self.main_room_of(label);
        let visitors = || el("visitors", ns::VISITORS).attr("room", &main);
        for _ in 0..LOOPS {
            let promotion = el("promotion-request", ns::VISITORS).attr("userId", self.s.view(label).nick());
            let accepted = el("promotion-response", ns::VISITORS).attr("allow", "true");
            for child in [
                el("broadcast", ns::VISITORS).attr("enabled", "true"),
                promotion,
                accepted,
                connection("connect"),
                connection("disconnect"),
            ] {
                self.asks_in_vain(label, "set", visitors().child(child));
            }
        }
        let component = format!("visitors.{}", main.split_once("@conference.").map_or("", |(_, domain)| domain));
        self.s.participant(label).ask_in_vain("get", &component, visitors().child(connection("disconnect")));
    }

    /// For the main room, with the machine of somebody else, and with his session on a machine of its own.
    fn visitor_asks_for_conferences(&mut self, label: &str, victim: Option<&str>) {
        let main = self.main_room_of(label);
        let service = self.s.view(label).settings.focus_service.clone();
        let machine = victim.map(|victim| self.s.view(victim).settings.machine_uid.clone());
        let session = victim.and_then(|victim| self.s.view(victim).login().session_id.clone());
        for number in 0..LOOPS {
            let ask = || el("conference", ns::FOCUS).attr("room", &main);
            let visitor = el("property", ns::FOCUS).attr("name", "visitors-version").attr("value", "1");
            let poses = ask().attr("machine-uid", machine.as_deref().unwrap_or("m")).child(visitor);
            self.s.participant(label).ask_in_vain("set", &service, poses);
            if let Some(session) = &session {
                let steals = ask().attr("machine-uid", format!("thief-{number}")).attr("session-id", session);
                self.s.participant(label).ask_in_vain("set", &service, steals);
            }
        }
    }

    /// Hands up and down, and everything that others must not believe: roles, status codes, sources, kinds.
    fn visitor_shows_itself(&mut self, label: &str) {
        let own = self.s.view(label).occupant_jid();
        for number in 0..LOOPS {
            let status = |code: &str| el("status", ns::MUC_USER).attr("code", code);
            let item = el("item", ns::MUC_USER).attr("affiliation", "owner").attr("role", "moderator");
            let user = el("x", ns::MUC_USER).child(item).child(status("110")).child(status("333"));
            let name = self.s.view(label).nick();
            let info = format!(r#"{{"{name}-a0":{{"muted":false}},"{name}-v0":{{"muted":false}}}}"#);
            let features = el("features", ns::CLIENT)
                .child(el("feature", ns::CLIENT).attr("var", "http://jitsi.org/protocol/jibri"));
            let presence = el("presence", ns::CLIENT)
                .attr("to", &own)
                .child(el("jitsi_participant_raisedHand", ns::CLIENT).text(number.to_string()))
                .child(el("SourceInfo", ns::CLIENT).text(info))
                .child(features)
                .child(user);
            self.s.participant(label).send_raw(presence.done());
        }
    }

    fn visitor_goes_and_comes(&mut self, number: u8, label: &str) {
        let crossed = self.s.now() + CROSSING;
        if let Some(person) = self.people.get_mut(&number) {
            person.flickers_until = crossed;
        }
        let own = self.s.view(label).occupant_jid();
        for _ in 0..LOOPS {
            let gone = el("presence", ns::CLIENT).attr("type", "unavailable").attr("to", &own);
            let status = el("status", ns::CLIENT).text("switch_room");
            self.s.participant(label).send_raw(gone.child(status).done());
            let back = el("presence", ns::CLIENT).attr("to", &own).child(el("x", ns::MUC));
            self.s.participant(label).send_raw(back.done());
        }
        // And stays away.
        self.s.participant(label).leave();
    }

    /// What components and rooms say, and requests of bridges and operators.
    fn visitor_forges(&mut self, label: &str, other: u8) {
        let main = self.main_room_of(label);
        let focus = self.s.view(label).focus_occupant();
        let victim = format!("{main}/{}", nick(other));
        for payload in [
            el("conference-modify", ns::COLIBRI2).attr("meeting-id", "x"),
            el("query", ns::MUC_ADMIN).child(el("item", ns::MUC_ADMIN).attr("nick", nick(other)).attr("role", "none")),
            el("query", ns::MUC_OWNER).child(el("destroy", ns::MUC_OWNER)),
            el("mute", ns::JITMEET_AUDIO).attr("jid", &victim).attr("actor", &focus).text("true"),
        ] {
            self.asks_in_vain(label, "set", payload);
        }
        for json in [
            format!(r#"{{"type":"av_moderation","room":"{main}","mediaType":"audio","enabled":true}}"#),
            format!(r#"{{"type":"room_metadata","room":"{main}","metadata":{{"visitorsEnabled":false}}}}"#),
        ] {
            for to in [focus.as_str(), "focus@auth.meet.test/focus"] {
                let json = el("json-message", ns::JITMEET).attr("room", &main).text(&json);
                self.s.participant(label).send_raw(el("message", ns::CLIENT).attr("to", to).child(json).done());
            }
        }
    }

    fn visitor_floods(&mut self, label: &str) {
        let focus = self.s.view(label).focus_occupant();
        for _ in 0..FLOOD {
            self.s.participant(label).send_iq("get", &focus, el("ping", ns::PING).done());
        }
    }
}

fn connection(what: &str) -> Builder {
    el(&format!("{what}-vnode"), ns::VISITORS).attr("vnode", "v0")
}
