//! Rooms: who is in them, and what their occupants are shown (XEP-0045 as Prosody does it; spec/20 §2, §6, §7).

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::Server;
use crate::ns;
use crate::xml::{Builder, Element, Read, bare, el, set_attr, stanza_error};

/// What is said to whoever comes to a main room that is closed.
pub const NOT_PROMOTED: &str = "Visitor needs to be allowed by a moderator";

#[derive(Debug, Clone, Default)]
pub struct Room {
    pub meeting_id: String,
    /// By nickname.
    pub occupants: IndexMap<String, Occupant>,
    /// By bare JID.
    pub affiliations: BTreeMap<String, String>,
    /// Form fields which were submitted.
    pub form: BTreeMap<String, String>,
    pub breakout_of: Option<String>,
    /// What is moderated.
    pub moderation: super::components::Moderation,
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Of a visitor node: visitors are let in.
    pub connected: bool,
    /// Who waits for that: label, nickname, presence.
    pub waiting: Vec<(String, String, Element)>,
}

#[derive(Debug, Clone)]
pub struct Occupant {
    pub label: String,
    pub jid: String,
    pub affiliation: String,
    pub role: String,
    /// Its last presence, as it sent it.
    pub presence: Element,
}

impl Room {
    pub fn nick_of(&self, label: &str) -> Option<String> {
        self.occupants.iter().find(|(_, o)| o.label == label).map(|(nick, _)| nick.clone())
    }
}

fn role_of(affiliation: &str) -> String {
    if matches!(affiliation, "owner" | "admin") { "moderator".into() } else { "participant".into() }
}

impl Server {
    pub(super) fn presence_to_room(&mut self, label: &str, room: &str, nick: &str, presence: &Element) {
        let inside = self.rooms.get(room).and_then(|r| r.nick_of(label));
        // A node closes its rooms when it is told on another connection: that may cross.
        let is_told_here = label.starts_with("focus") && self.node_of(room).is_none();
        match (presence.get("type"), inside) {
            (Some("unavailable"), Some(nick)) => {
                if label.starts_with("focus") {
                    self.check_leave(label, room);
                }
                self.leave(room, &nick, presence, &[]);
            }
            // Whoever is inside and enters is shown the whole room again.
            (None, _) if presence.kid("x", ns::MUC).is_some() => self.enter(label, room, nick, presence),
            // Anybody's may cross its being put out; the focus is told so before it speaks again.
            (None, None) if is_told_here => {
                self.complaints.add(format!("{label} shows itself in {room} without having entered it"));
            }
            (None, Some(nick)) => self.update(room, &nick, presence),
            (Some("unavailable"), None) if is_told_here => {
                self.complaints.add(format!("{label} leaves {room}, where it is not"));
            }
            _ => {}
        }
    }

    fn enter(&mut self, label: &str, room: &str, nick: &str, presence: &Element) {
        let jid = self.jid_of(label);
        let admin = self.is_admin(label);
        let is_new = !self.rooms.contains_key(room);
        let meeting = self.options.domains.has_meetings(crate::xml::domain(room));
        let (of_meetings, of_breweries) = (&self.options.refuses_focus, &self.options.brewery_refuses_focus);
        let refusal = if meeting { of_meetings } else { of_breweries };
        let node = self.node_of(room);
        let refusal = node.as_ref().map_or(refusal, |_| &None);
        let of_node = node.as_ref().and_then(|node| self.options.nodes_refuse_focus.get(node));
        let refusal = of_node.or(refusal.as_ref()).cloned().filter(|_| label.starts_with("focus"));
        if let Some((condition, text)) = refusal {
            return self.refuse_presence(label, presence, &condition, &text);
        }
        if is_new && !admin {
            return self.refuse_presence(label, presence, "not-allowed", "Room creation is restricted");
        }
        if is_new {
            self.meetings += 1;
            let meeting_id = self.options.meeting_id.clone().unwrap_or_else(|| self.dice.uuid());
            let breakout_of = self.options.breakouts.get(room).cloned();
            self.rooms.insert(room.to_owned(), Room { meeting_id, breakout_of, ..Room::default() });
        }
        let is_inside = self.rooms.get(room).is_some_and(|held| held.nick_of(label).is_some());
        if !admin && !is_inside && self.is_closed(room) && !self.options.allows_promotion {
            return self.refuse_presence(label, presence, "not-allowed", NOT_PROMOTED);
        }
        if self.waits_outside(label, room, presence) || self.waits_for_connection(label, room, nick, presence) {
            return;
        }
        let affiliation = self.affiliation_in(room, &jid);
        let held = self.rooms.get_mut(room).expect("it was made if it was not there");
        if held.occupants.get(nick).is_some_and(|other| bare(&other.jid) != bare(&jid)) {
            return self.refuse_presence(label, presence, "conflict", "Nickname in use");
        }
        let affiliation = if admin { "owner".to_owned() } else { affiliation };
        if admin {
            held.affiliations.insert(bare(&jid).to_owned(), affiliation.clone());
        }
        let looks_on = self.options.visitors.contains(nick) || (node.is_some() && !admin);
        let occupant = Occupant {
            label: label.to_owned(),
            jid,
            role: if looks_on { "visitor".into() } else { role_of(&affiliation) },
            affiliation,
            presence: presence.clone(),
        };
        let others: Vec<String> = held.occupants.keys().filter(|other| *other != nick).cloned().collect();
        held.occupants.insert(nick.to_owned(), occupant);
        for other in others {
            self.show_to(room, &other, label, &[], None);
        }
        self.show_to_others(room, nick, &[], None);
        if !is_new {
            self.tell_metadata(label, room);
        }
        self.show_main_room(room, label);
        self.show_to(room, nick, label, if is_new { &["201", "100"] } else { &["100"] }, None);
        let subject = el("message", ns::CLIENT)
            .attr("type", "groupchat")
            .attr("from", room)
            .attr("to", self.jid_of(label))
            .child(el("subject", ns::CLIENT));
        self.deliver("server", label, subject.done());
    }

    fn update(&mut self, room: &str, nick: &str, presence: &Element) {
        let Some(occupant) = self.rooms.get_mut(room).and_then(|r| r.occupants.get_mut(nick)) else { return };
        occupant.presence = presence.clone();
        let label = occupant.label.clone();
        // Bridges do not read each other's statistics, which are most of all that is said.
        if self.options.domains.has_meetings(crate::xml::domain(room)) || label.starts_with("focus") {
            self.show_to_others(room, nick, &[], None);
        } else {
            self.show_to_focus(room, nick);
        }
        // A room that the focus' own join has made: only now (spec/20 §2.4).
        self.tell_metadata(&label, room);
        self.show_to(room, nick, &label, &[], None);
    }

    fn show_to_focus(&mut self, room: &str, nick: &str) {
        let viewers = self.rooms[room].occupants.values().map(|occupant| &occupant.label);
        let focus: Vec<String> = viewers.filter(|label| label.starts_with("focus")).cloned().collect();
        for label in focus {
            self.show_to(room, nick, &label, &[], None);
        }
    }

    /// Sends the present presence of `nick` to everybody but itself.
    fn show_to_others(&mut self, room: &str, nick: &str, codes: &[&str], actor: Option<&str>) {
        let labels: Vec<String> = self.rooms[room]
            .occupants
            .iter()
            .filter(|(other, _)| *other != nick)
            .map(|(_, occupant)| occupant.label.clone())
            .collect();
        for label in labels {
            self.show_to(room, nick, &label, codes, actor);
        }
        self.mirror(room, nick);
    }

    fn show_to(&mut self, room: &str, nick: &str, viewer: &str, codes: &[&str], actor: Option<&str>) {
        let Some(occupant) = self.rooms.get(room).and_then(|r| r.occupants.get(nick)) else { return };
        let own = occupant.label == viewer;
        if self.are_apart(room, &occupant.label, viewer) {
            return;
        }
        let mut presence = el("presence", ns::CLIENT)
            .attr("from", format!("{room}/{nick}"))
            .attr("to", self.jid_of(viewer))
            .opt("id", occupant.presence.get("id"));
        // Nobody says of himself what only rooms say.
        for child in occupant.presence.children().filter(|child| !child.ns().starts_with(ns::MUC)) {
            presence = presence.child(child.clone());
        }
        let id = el("occupant-id", ns::OCCUPANT_ID).attr("id", format!("occupant-{nick}"));
        let user = user_of(occupant, &occupant.role, codes, actor, own);
        let label = occupant.label.clone();
        self.deliver(&label, viewer, presence.child(id).child(user).done());
    }

    /// An occupant goes; `codes` say why.
    pub(super) fn leave(&mut self, room: &str, nick: &str, presence: &Element, codes: &[&str]) {
        let Some(held) = self.rooms.get_mut(room) else { return };
        let Some(occupant) = held.occupants.get(nick).cloned() else { return };
        let viewers: Vec<String> = held.occupants.values().map(|o| o.label.clone()).collect();
        held.occupants.shift_remove(nick);
        let empty = held.occupants.is_empty();
        if occupant.label.starts_with("focus") {
            self.forget_nodes(room);
        }
        for viewer in viewers {
            if self.are_apart(room, &occupant.label, &viewer) {
                continue;
            }
            let own = viewer == occupant.label;
            let mut gone = el("presence", ns::CLIENT)
                .attr("type", "unavailable")
                .attr("from", format!("{room}/{nick}"))
                .attr("to", self.jid_of(&viewer));
            for child in presence.children().filter(|child| child.name() == "status") {
                gone = gone.child(child.clone());
            }
            let user = user_of(&occupant, "none", codes, None, own);
            self.deliver(&occupant.label, &viewer, gone.child(user).done());
        }
        self.unmirror(room, nick);
        let bare_jid = bare(&occupant.jid).to_owned();
        self.metadata_told.remove(&(room.to_owned(), bare_jid));
        let asker = format!("{room}/{nick}");
        self.open.retain(|(_, _, from), _| *from != asker);
        // A lobby is there for whoever comes next.
        if empty && crate::xml::domain(room) != self.options.domains.lobby {
            if let Some(gone) = self.rooms.remove(room) {
                self.turn_away(gone.waiting);
            }
            self.close_lobby(room);
        }
    }

    /// A session is over: out of every room, with status 333.
    pub(super) fn leave_all(&mut self, label: &str) {
        self.leave_all_with(label, &["333"]);
    }

    pub(super) fn leave_all_with(&mut self, label: &str, codes: &[&str]) {
        let rooms: Vec<(String, String)> =
            self.rooms.iter().filter_map(|(room, held)| Some((room.clone(), held.nick_of(label)?))).collect();
        let presence = el("presence", ns::CLIENT).done();
        for (room, nick) in rooms {
            self.leave(&room, &nick, &presence, codes);
        }
    }

    pub(super) fn kick(&mut self, room: &str, nick: &str) {
        self.leave(room, nick, &el("presence", ns::CLIENT).done(), &["307"]);
    }

    pub(super) fn destroy_room(&mut self, room: &str, reason: &str) {
        let Some(mut held) = self.rooms.remove(room) else { return };
        self.turn_away(std::mem::take(&mut held.waiting));
        self.forget_nodes(room);
        for (nick, occupant) in &held.occupants {
            let destroy = el("destroy", ns::MUC_USER).child(el("reason", ns::MUC_USER).text(reason));
            let mut user: Element = user_of(occupant, "none", &[], None, true).into();
            user.append_child(destroy.done());
            let gone = el("presence", ns::CLIENT)
                .attr("type", "unavailable")
                .attr("from", format!("{room}/{nick}"))
                .attr("to", &occupant.jid)
                .child(user);
            self.deliver("server", &occupant.label, gone.done());
        }
        self.metadata_told.retain(|(told, _)| told != room);
        self.close_lobby(room);
    }

    /// Grants an affiliation; those concerned are shown anew before the grant is confirmed (spec/20 §6.2).
    pub(super) fn set_affiliation(&mut self, room: &str, jid: &str, affiliation: &str, actor: &str) {
        let Some(held) = self.rooms.get_mut(room) else { return };
        held.affiliations.insert(bare(jid).to_owned(), affiliation.to_owned());
        let mut changed = Vec::new();
        for (nick, occupant) in held.occupants.iter_mut().filter(|(_, o)| bare(&o.jid) == bare(jid)) {
            occupant.affiliation = affiliation.to_owned();
            occupant.role = role_of(affiliation);
            changed.push((nick.clone(), occupant.label.clone()));
        }
        for (nick, label) in changed {
            self.show_to_others(room, &nick, &[], Some(actor));
            self.show_to(room, &nick, &label, &[], Some(actor));
        }
    }

    pub(super) fn refuse_presence(&mut self, label: &str, presence: &Element, condition: &str, text: &str) {
        let mut error = el("presence", ns::CLIENT)
            .attr("type", "error")
            .attr("from", presence.get("to").unwrap_or(""))
            .attr("to", self.jid_of(label))
            .child(stanza_error("cancel", condition, Some(text)))
            .done();
        if let Some(id) = presence.get("id") {
            set_attr(&mut error, "id", id);
        }
        self.deliver("server", label, error);
    }

    /// The first message of the component which keeps the metadata of rooms: once to each, just before a self-presence.
    fn tell_metadata(&mut self, label: &str, room: &str) {
        let is_meeting = self.options.domains.has_meetings(crate::xml::domain(room)) && self.node_of(room).is_none();
        let key = (room.to_owned(), bare(&self.jid_of(label)).to_owned());
        if self.options.no_metadata || !is_meeting || !self.metadata_told.insert(key) {
            return;
        }
        let metadata = self.metadata_for(label, room);
        let message = self.metadata_message(label, room, &metadata);
        self.deliver("server", label, message);
    }

    pub(super) fn metadata_message(&self, label: &str, room: &str, metadata: &serde_json::Value) -> Element {
        let json = serde_json::json!({ "type": "room_metadata", "metadata": metadata }).to_string();
        el("message", ns::CLIENT)
            .attr("from", &self.options.domains.metadata)
            .attr("to", self.jid_of(label))
            .child(el("json-message", ns::JITMEET).attr("room", room).text(json))
            .done()
    }
}

pub(super) fn user_of(occupant: &Occupant, role: &str, codes: &[&str], actor: Option<&str>, own: bool) -> Builder {
    let actor = actor.map(|nick| el("actor", ns::MUC_USER).attr("nick", nick));
    let item = el("item", ns::MUC_USER)
        .attr("affiliation", &occupant.affiliation)
        .attr("role", role)
        .attr("jid", &occupant.jid)
        .children(actor);
    let statuses = codes.iter().copied().chain(own.then_some("110"));
    let statuses = statuses.map(|code| el("status", ns::MUC_USER).attr("code", code));
    el("x", ns::MUC_USER).child(item).children(statuses)
}
