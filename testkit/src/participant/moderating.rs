//! What moderators do: everything but mutes and kicks is between them and the server.

use super::Participant;
use crate::ns;
use crate::xml::{Builder, el};

impl Participant {
    /// Switches the moderation of `audio`, `video` or `desktop`.
    pub fn moderate(&mut self, media: &str, on: bool) {
        self.tell_moderation(el("av_moderation", ns::CLIENT).attr("enable", on.to_string()).attr("mediaType", media));
    }

    /// Lets somebody unmute though it is moderated.
    pub fn approve(&mut self, nick: &str, media: &str) {
        let occupant = format!("{}/{nick}", self.settings.room);
        self.tell_moderation(el("av_moderation", ns::CLIENT).attr("jidToWhitelist", occupant).attr("mediaType", media));
    }

    /// Takes that back.
    pub fn reject(&mut self, nick: &str, media: &str) {
        let occupant = format!("{}/{nick}", self.settings.room);
        self.tell_moderation(el("av_moderation", ns::CLIENT).attr("jidToBlacklist", occupant).attr("mediaType", media));
    }

    /// Changes one key of the room's metadata.
    pub fn set_metadata(&mut self, key: &str, data: &serde_json::Value) {
        let json = serde_json::json!({ "type": "room_metadata", "key": key, "data": data }).to_string();
        let wish = el("room_metadata", ns::JITMEET).attr("room", &self.settings.room).text(json);
        self.tell_component("metadata", wish);
    }

    pub fn add_breakout_room(&mut self, subject: &str) {
        let kind = "features/breakout-rooms/add";
        self.tell_component("breakout", el("breakout_rooms", ns::CLIENT).attr("type", kind).attr("subject", subject));
    }

    pub fn remove_breakout_room(&mut self, room: &str) {
        let kind = "features/breakout-rooms/remove";
        self.tell_component(
            "breakout",
            el("breakout_rooms", ns::CLIENT).attr("type", kind).attr("breakoutRoomJid", room),
        );
    }

    /// Leaves, saying that it only changes rooms, and asks for another one. It stays who it is.
    pub fn go_to(&mut self, room: &str) {
        if self.place() == super::Place::InRoom {
            self.leave_with_status("switch_room");
        }
        self.settings.room = room.to_owned();
        self.request_conference();
    }

    /// Ends the meeting for all.
    pub fn end_meeting(&mut self) {
        self.tell_component("endconference", el("end_conference", ns::CLIENT));
    }

    /// Opens the lobby, or closes it: from now on the room is for members only, or for all again.
    pub fn set_members_only(&mut self, on: bool) {
        let field = |var: &str, value: &str| {
            el("field", ns::DATA_FORM).attr("var", var).child(el("value", ns::DATA_FORM).text(value))
        };
        let form = el("x", ns::DATA_FORM)
            .attr("type", "submit")
            .child(field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"))
            .child(field("muc#roomconfig_membersonly", &on.to_string()));
        let room = self.settings.room.clone();
        self.send_iq("set", &room, el("query", ns::MUC_OWNER).child(form).done());
    }

    /// Lets in whoever waits in the lobby with that full JID.
    pub fn let_in(&mut self, jid: &str) {
        let invite = el("x", ns::MUC_USER).child(el("invite", ns::MUC_USER).attr("to", jid));
        let room = self.settings.room.clone();
        self.send_raw(el("message", ns::CLIENT).attr("to", room).child(invite).done());
    }

    /// Knocks: waits in the lobby of the room.
    pub fn knock(&mut self, lobby: &str) {
        let place = format!("{lobby}/{}", self.settings.nick);
        self.send_raw(el("presence", ns::CLIENT).attr("to", place).child(el("x", ns::MUC)).done());
    }

    fn tell_moderation(&mut self, wish: Builder) {
        self.tell_component("avmoderation", wish);
    }

    /// Components live beside the rooms, under names of their own.
    fn tell_component(&mut self, name: &str, wish: Builder) {
        let domain = crate::xml::domain(&self.settings.room).split_once('.').map_or("", |(_, main)| main);
        self.send_raw(el("message", ns::CLIENT).attr("to", format!("{name}.{domain}")).child(wish).done());
    }
}
