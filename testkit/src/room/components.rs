//! Prosody's components that steer a meeting, as moderators use them: A/V moderation, room metadata, breakout rooms
//! (spec/20 §9.1, §11, §12).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Occupant, Server};
use crate::Time;
use crate::ns;
use crate::xml::{Element, Read, bare, el};

/// The moderation of one kind of media in one room: whether it is on, and who is approved, by occupant JID.
#[derive(Debug, Clone, Default)]
pub struct Moderated {
    pub on: bool,
    pub approved: Vec<String>,
    /// When it was switched, or who is approved was changed.
    pub changed: Time,
    /// Since when it is on, and the focus was in the room to be told so.
    pub begun: Option<Time>,
    /// Who has ever been approved.
    pub ever_approved: BTreeSet<String>,
}

/// By its name.
pub type Moderation = BTreeMap<String, Moderated>;

impl Server {
    /// A message to one of the components. Whoever leads no meeting moves nothing.
    pub(super) fn message_to_component(&mut self, label: &str, component: &str, message: &Element) {
        let domains = &self.options.domains;
        let kinds = [
            (&domains.moderation, "av_moderation"),
            (&domains.metadata, "room_metadata"),
            (&domains.breakout, "breakout_rooms"),
        ];
        let kind = kinds.into_iter().find(|(domain, _)| *domain == component).map_or("", |(_, kind)| kind);
        // Two of them are addressed without the namespace of the third, which the client's stream then gives.
        let Some(wish) = message.children().find(|child| child.name() == kind).cloned() else { return };
        let Some((room, nick)) = self.led_by(label) else { return };
        match kind {
            "av_moderation" => self.moderate(&room, &nick, &wish),
            "room_metadata" => {
                let change: Value = serde_json::from_str(&wish.text()).unwrap_or_default();
                if let Some(key) = change["key"].as_str() {
                    self.change_metadata(&room, key, change["data"].clone());
                }
            }
            _ => self.breakout_rooms(&room, &wish),
        }
    }

    /// The meeting in which somebody is a moderator, and as whom.
    fn led_by(&self, label: &str) -> Option<(String, String)> {
        let meetings =
            self.rooms.iter().filter(|(room, _)| self.options.domains.has_meetings(crate::xml::domain(room)));
        let meetings = meetings.filter(|(room, _)| self.node_of(room).is_none());
        meetings
            .filter_map(|(room, held)| Some((room.clone(), held.nick_of(label)?)))
            .find(|(room, nick)| self.rooms[room].occupants[nick].role == "moderator")
    }

    fn moderate(&mut self, room: &str, actor: &str, wish: &Element) {
        let media = wish.get("mediaType").unwrap_or("audio").to_owned();
        let Some(held) = self.rooms.get_mut(room) else { return };
        self.ever_moderated.insert(room.to_owned());
        let moderators: Vec<String> = held
            .occupants
            .iter()
            .filter(|(nick, occupant)| *nick != "focus" && occupant.role == "moderator")
            .map(|(nick, _)| format!("{room}/{nick}"))
            .collect();
        if let Some(on) = wish.get("enable").map(|on| on == "true") {
            let approved = if on { moderators } else { Vec::new() };
            let is_told = held.occupants.contains_key("focus");
            let moderated = held.moderation.entry(media.clone()).or_default();
            let begun = moderated.begun.filter(|_| moderated.on).or(is_told.then_some(self.now));
            (moderated.on, moderated.changed, moderated.begun) = (on, self.now, begun.filter(|_| on));
            moderated.ever_approved.extend(approved.iter().cloned());
            moderated.approved = approved;
            let message = json!({
                "type": "av_moderation", "room": room, "enabled": on, "mediaType": media, "actor": format!("{room}/{actor}"),
            });
            self.tell_json(room, &message, |_| true);
            if on {
                self.tell_whitelists(room, &media, false);
            }
            return;
        }
        let moderated = held.moderation.entry(media.clone()).or_default();
        moderated.changed = self.now;
        if let Some(occupant) = wish.get("jidToWhitelist") {
            moderated.ever_approved.insert(occupant.to_owned());
            moderated.approved.push(occupant.to_owned());
            self.tell_whitelists(room, &media, false);
        } else if let Some(occupant) = wish.get("jidToBlacklist") {
            moderated.approved.retain(|known| known != occupant);
            self.tell_whitelists(room, &media, true);
        }
    }

    /// What is moderated in a room, as the component knows it. None: there is no such room.
    pub fn moderation_of(&self, room: &str) -> Option<&Moderation> {
        self.rooms.get(room).map(|held| &held.moderation)
    }

    /// Whether that was ever said of a room of that name, though it may be another by now.
    pub fn was_ever_moderated(&self, room: &str) -> bool {
        self.ever_moderated.contains(room)
    }

    /// To moderators, the focus among them. A media without any is left out.
    fn tell_whitelists(&mut self, room: &str, media: &str, removed: bool) {
        let moderation = self.rooms.get(room).map(|held| held.moderation.clone()).unwrap_or_default();
        let lists: Map<String, Value> = moderation
            .into_iter()
            .filter(|(_, moderated)| moderated.on && !moderated.approved.is_empty())
            .map(|(media, moderated)| (media, json!(moderated.approved)))
            .collect();
        let mut message = json!({ "type": "av_moderation", "mediaType": media, "room": room, "whitelists": lists });
        if removed {
            message["removed"] = true.into();
        }
        self.tell_json(room, &message, |occupant| occupant.role == "moderator");
    }

    fn tell_json(&mut self, room: &str, message: &Value, to: impl Fn(&Occupant) -> bool) {
        let occupants = self.rooms.get(room).into_iter().flat_map(|held| held.occupants.values());
        let labels: Vec<String> = occupants.filter(|it| to(it)).map(|it| it.label.clone()).collect();
        for label in labels {
            let stanza = self.moderation_message(&label, message);
            self.deliver("server", &label, stanza);
        }
    }

    fn moderation_message(&self, to: &str, message: &Value) -> Element {
        el("message", ns::CLIENT)
            .attr("from", &self.options.domains.moderation)
            .attr("to", self.jid_of(to))
            // As Prosody's encoder writes it.
            .child(el("json-message", ns::JITMEET).text(message.to_string().replace('/', "\\/")))
            .done()
    }

    /// A message of the moderation component of the test's own making, to the focus.
    pub fn send_moderation(&mut self, now: Time, to: &str, message: &Value) {
        self.now = now;
        let stanza = self.moderation_message(to, message);
        self.deliver("server", to, stanza);
    }

    /// Changes one key of a room's metadata and tells all who are in it.
    pub(super) fn change_metadata(&mut self, room: &str, key: &str, data: Value) {
        let Some(held) = self.rooms.get_mut(room) else { return };
        held.metadata.insert(key.to_owned(), data);
        let labels: Vec<String> = held.occupants.values().map(|occupant| occupant.label.clone()).collect();
        for label in labels {
            let metadata = self.metadata_for(&label, room);
            let message = self.metadata_message(&label, room, &metadata);
            self.deliver("server", &label, message);
        }
    }

    /// Some of it is for admins alone.
    pub(super) fn metadata_for(&self, label: &str, room: &str) -> Value {
        let for_admins = ["moderators", "participants", "audioTranslationRequests"];
        let admin = self.is_admin(label);
        let known = self.rooms.get(room).map(|held| held.metadata.clone()).unwrap_or_default();
        let mut metadata: Map<String, Value> =
            known.into_iter().filter(|(key, _)| admin || !for_admins.contains(&key.as_str())).collect();
        if admin {
            let first = self.options.metadata.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
            for (key, value) in first {
                metadata.entry(key).or_insert(value);
            }
            metadata.entry("moderators").or_insert(json!([]));
        }
        if metadata.is_empty() { json!({ "services": {} }) } else { Value::Object(metadata) }
    }

    fn breakout_rooms(&mut self, main: &str, wish: &Element) {
        match wish.get("type").unwrap_or("").trim_start_matches("features/breakout-rooms/") {
            "add" => {
                let room = format!("{}@{}", self.dice.uuid(), self.options.domains.breakout);
                self.options.breakouts.insert(room, main.to_owned());
            }
            "remove" => {
                let Some(room) = wish.get("breakoutRoomJid").map(str::to_owned) else { return };
                if self.options.breakouts.remove(&room).is_some() {
                    self.destroy_room(&room, "Breakout room removed.");
                }
            }
            _ => {}
        }
    }

    /// The breakout rooms of a room that a moderator has added.
    pub fn breakouts_of(&self, main: &str) -> Vec<String> {
        self.options.breakouts.iter().filter(|(_, of)| *of == main).map(|(room, _)| room.clone()).collect()
    }

    /// What a breakout room takes over: the affiliations of its main room (spec/20 §12).
    pub(super) fn affiliation_in(&self, room: &str, jid: &str) -> String {
        let held = self.rooms.get(room);
        let main = held.and_then(|held| held.breakout_of.as_ref()).and_then(|main| self.rooms.get(main));
        let of = |held: Option<&super::Room>| held.and_then(|held| held.affiliations.get(bare(jid)).cloned());
        of(held).or_else(|| of(main)).unwrap_or_else(|| "none".into())
    }
}
