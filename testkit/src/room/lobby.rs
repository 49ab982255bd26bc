//! The lobby: a members-only room, and a room in which others wait until they are let in (spec/20 §12).

use serde_json::{Value, json};

use super::{Room, Server};
use crate::ns;
use crate::xml::{Element, Read, bare, el, stanza_error};

impl Server {
    /// Where people wait for a room.
    pub fn lobby_of(&self, room: &str) -> String {
        let node = room.split('@').next().unwrap_or_default();
        format!("{node}@{}", self.options.domains.lobby)
    }

    /// A moderator made a room members-only, or open again. The order of what is told is that of the plugin: metadata comes
    /// between the two messages of the room when it opens, and before them when it closes.
    pub(super) fn members_only(&mut self, room: &str, moderator: &str, on: bool) {
        let lobby = self.lobby_of(room);
        if on {
            self.rooms.entry(lobby).or_default();
            let Some(held) = self.rooms.get_mut(room) else { return };
            // Whoever is in stays in.
            let inside: Vec<String> = held.occupants.values().map(|it| bare(&it.jid).to_owned()).collect();
            for jid in inside {
                held.affiliations.entry(jid).or_insert_with(|| "member".into());
            }
            self.lobby_notify(
                room,
                moderator,
                json!({ "type": "lobby-notify", "event": "LOBBY-ENABLED", "value": true }),
            );
            self.change_metadata(room, "lobbyEnabled", true.into());
        } else {
            self.change_metadata(room, "lobbyEnabled", false.into());
            self.lobby_notify(
                room,
                moderator,
                json!({ "type": "lobby-notify", "event": "LOBBY-ENABLED", "value": false }),
            );
            self.destroy_room(&lobby, "");
        }
        let changed = el("x", ns::MUC_USER).child(el("status", ns::MUC_USER).attr("code", "104"));
        self.say_in_room(room, room, Some("groupchat"), changed.done());
    }

    /// A moderator lets in whoever has that full JID.
    pub(super) fn let_in(&mut self, room: &str, moderator: &str, guest: &str) {
        let lobby = self.lobby_of(room);
        let Some(held) = self.rooms.get_mut(room) else { return };
        held.affiliations.insert(bare(guest).to_owned(), "member".into());
        let waits = self.rooms.get(&lobby).and_then(|lobby| {
            lobby.occupants.iter().find(|(_, occupant)| occupant.jid == guest).map(|(nick, _)| nick.clone())
        });
        let value = format!("{lobby}/{}", waits.unwrap_or_default());
        self.lobby_notify(
            room,
            moderator,
            json!({ "type": "lobby-notify", "event": "LOBBY-ACCESS-GRANTED", "value": value }),
        );
        let item = el("item", ns::MUC_USER).attr("affiliation", "member").attr("jid", bare(guest));
        self.say_in_room(room, room, None, el("x", ns::MUC_USER).child(item).done());
    }

    /// Whether a room lets nobody in who is no member of it, and refuses.
    pub(super) fn waits_outside(&mut self, label: &str, room: &str, presence: &Element) -> bool {
        let closed = self
            .rooms
            .get(room)
            .is_some_and(|it| it.form.get("muc#roomconfig_membersonly").is_some_and(|on| on == "true"));
        if !closed || self.is_admin(label) || self.affiliation_in(room, &self.jid_of(label)) != "none" {
            return false;
        }
        let lobby = el("lobbyroom", ns::JITMEET).text(self.lobby_of(room)).done();
        let mut error = stanza_error("auth", "registration-required", None).done();
        error.append_child(lobby);
        let refused = el("presence", ns::CLIENT)
            .attr("type", "error")
            .attr("from", presence.get("to").unwrap_or(""))
            .attr("to", self.jid_of(label))
            .opt("id", presence.get("id"))
            .child(error);
        self.deliver("server", label, refused.done());
        true
    }

    /// A lobby goes with its room.
    pub(super) fn close_lobby(&mut self, room: &str) {
        let lobby = self.lobby_of(room);
        if self.options.domains.has_meetings(crate::xml::domain(room)) && self.rooms.contains_key(&lobby) {
            self.destroy_room(&lobby, "");
        }
    }

    fn lobby_notify(&mut self, room: &str, moderator: &str, message: Value) {
        let json = el("json-message", ns::JITMEET).text(message.to_string()).done();
        self.say_in_room(room, &format!("{room}/{moderator}"), Some("groupchat"), json);
    }

    /// Something that everybody in a room hears.
    pub(super) fn say_in_room(&mut self, room: &str, from: &str, kind: Option<&str>, child: Element) {
        let occupants = self.rooms.get(room).map(|held: &Room| held.occupants.values().cloned().collect::<Vec<_>>());
        for occupant in occupants.unwrap_or_default() {
            let message = el("message", ns::CLIENT)
                .opt("type", kind)
                .attr("from", from)
                .attr("to", &occupant.jid)
                .child(child.clone());
            self.deliver("server", &occupant.label, message.done());
        }
    }

    /// A message to a room: chat of its occupants, and the invitations with which moderators let people in.
    pub(super) fn message_to_room(&mut self, label: &str, room: &str, message: &Element) {
        let Some(nick) = self.rooms.get(room).and_then(|held| held.nick_of(label)) else { return };
        let invited =
            message.kid("x", ns::MUC_USER).and_then(|x| x.kid("invite", ns::MUC_USER)?.get("to").map(str::to_owned));
        match invited {
            Some(guest) if self.rooms[room].occupants[&nick].role == "moderator" => self.let_in(room, &nick, &guest),
            Some(_) => {}
            None => {
                for child in message.children().cloned().collect::<Vec<_>>() {
                    self.say_in_room(room, &format!("{room}/{nick}"), message.get("type"), child);
                }
            }
        }
    }
}
