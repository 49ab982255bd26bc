//! Questions that the server and its rooms answer themselves.

use super::Server;
use crate::ns;
use crate::xml::{Builder, Element, Read, domain, el, result_of};

impl Server {
    /// An IQ to a domain, or to nobody in particular.
    pub(super) fn answer_for_itself(&mut self, label: &str, iq: &Element) {
        if !matches!(iq.get("type"), Some("get" | "set")) {
            return;
        }
        let Some(payload) = iq.children().next() else {
            return self.refuse(label, iq, "modify", "bad-request", None);
        };
        let to = iq.get("to").unwrap_or("").to_owned();
        let answer = match (payload.name(), payload.ns()) {
            ("query", ns::DISCO_INFO) => match self.disco_of(&to) {
                Some(query) => result_of(iq).child(query),
                None => return self.refuse(label, iq, "cancel", "item-not-found", None),
            },
            ("query", ns::ROSTER) => result_of(iq).child(self.roster(label)),
            ("ping", ns::PING) => result_of(iq),
            _ => return self.refuse(label, iq, "cancel", "service-unavailable", None),
        };
        self.deliver("server", label, answer.done());
    }

    /// What installers put into the roster of the focus.
    fn roster(&self, label: &str) -> Builder {
        let query = el("query", ns::ROSTER).attr("ver", "1");
        if label != "focus" || self.options.no_roster {
            return query;
        }
        query.child(el("item", ns::ROSTER).attr("jid", &self.options.domains.focus).attr("subscription", "from"))
    }

    fn disco_of(&self, to: &str) -> Option<Builder> {
        let domains = &self.options.domains;
        let feature = |var: &str| el("feature", ns::DISCO_INFO).attr("var", var);
        let query = el("query", ns::DISCO_INFO);
        if domains.has_rooms(to) {
            let identity = el("identity", ns::DISCO_INFO).attr("category", "conference").attr("type", "text");
            return Some(query.child(identity).child(feature(ns::DISCO_INFO)).child(feature(ns::MUC)));
        }
        if to != domains.main && to != domains.auth {
            return None;
        }
        let identity = |category: &str, kind: &str, name: &str| {
            el("identity", ns::DISCO_INFO).attr("category", category).attr("type", kind).attr("name", name)
        };
        let component =
            |kind: &str| identity("component", kind, &format!("{}.{}", kind.replace('_', ""), domains.main));
        if self.options.names_nobody {
            return Some(query.child(identity("server", "im", "Prosody")).child(feature(ns::DISCO_INFO)));
        }
        let moderation = (!self.options.no_moderation).then(|| component("av_moderation"));
        let query = query.child(identity("server", "im", "Prosody")).children(moderation);
        let query = query.child(identity("component", "room_metadata", &domains.metadata));
        let breakouts = identity("component", "breakout_rooms", &format!("breakout.{}", domains.main));
        let query = query.children((!self.options.no_breakouts).then_some(breakouts));
        let visitors = !self.options.nodes.is_empty() && !self.options.no_visitors;
        let visitors = visitors.then(|| identity("component", "visitors", &domains.visitors));
        Some(query.children(visitors).child(feature(ns::DISCO_INFO)).child(feature(ns::PING)))
    }

    /// An IQ to a room itself.
    pub(super) fn iq_to_room(&mut self, label: &str, room: &str, iq: &Element) {
        let kind = iq.get("type").unwrap_or("").to_owned();
        let Some(payload) = iq.children().next().filter(|_| matches!(kind.as_str(), "get" | "set")) else { return };
        let Some(held) = self.rooms.get(room) else {
            return self.refuse(label, iq, "cancel", "item-not-found", None);
        };
        let own_nick = held.nick_of(label);
        let owner = own_nick.as_ref().is_some_and(|nick| held.occupants[nick].affiliation == "owner");
        match (payload.name(), payload.ns(), kind.as_str()) {
            ("query", ns::DISCO_INFO, "get") => {
                let query = el("query", ns::DISCO_INFO).child(el("feature", ns::DISCO_INFO).attr("var", ns::MUC));
                self.deliver("server", label, result_of(iq).child(query).done());
            }
            ("query", ns::MUC_OWNER | ns::MUC_ADMIN, _) if !owner => {
                self.refuse(label, iq, "auth", "forbidden", None);
            }
            ("query", ns::MUC_OWNER, "get") => {
                let form = self.form_of(room);
                self.deliver("server", label, result_of(iq).child(form).done());
            }
            ("query", ns::MUC_OWNER, _) => self.on_submit(label, room, iq, payload),
            ("query", ns::MUC_ADMIN, _) => self.on_admin(label, room, iq, payload, &own_nick.unwrap_or_default()),
            _ => self.refuse(label, iq, "cancel", "service-unavailable", None),
        }
    }

    /// The configuration form, cut to what anybody reads (spec/20 §2.3).
    fn form_of(&self, room: &str) -> Builder {
        let held = &self.rooms[room];
        let field = |kind: &str, var: &str, value: &str| {
            let value = el("value", ns::DATA_FORM).text(value);
            el("field", ns::DATA_FORM).attr("type", kind).attr("var", var).child(value)
        };
        let whois = held.form.get("muc#roomconfig_whois").map_or("anyone", String::as_str);
        let mut form = el("x", ns::DATA_FORM)
            .attr("type", "form")
            .child(el("title", ns::DATA_FORM).text(format!("Configuration for {room}")))
            .child(field("hidden", "FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"))
            .child(el("field", ns::DATA_FORM).attr("type", "boolean").attr("var", "muc#roomconfig_membersonly"));
        let meeting = self.options.domains.has_meetings(domain(room));
        // `mod_muc_meeting_id` passes over rooms of health checks.
        if meeting && !self.options.no_meeting_id && !room.starts_with("__jicofo-health-check") {
            form = form.child(field("text-single", "muc#roominfo_meetingId", &held.meeting_id));
        }
        form = form.child(field("list-single", "muc#roomconfig_whois", whois));
        if meeting && self.options.presets {
            form = form.child(field("boolean", "muc#roominfo_conference_presets_service_enabled", "1"));
        }
        for (var, value) in self.options.form.iter().filter(|_| meeting) {
            form = form.child(field("text-single", var, value));
        }
        if let Some(main) = &held.breakout_of {
            form = form.child(field("boolean", "muc#roominfo_isbreakout", "1"));
            form = form.child(field("text-single", "muc#roominfo_breakout_main_room", main));
        }
        el("query", ns::MUC_OWNER).child(form)
    }

    fn on_submit(&mut self, label: &str, room: &str, iq: &Element, query: &Element) {
        let form = query.kid("x", ns::DATA_FORM).filter(|form| form.get("type") == Some("submit"));
        let Some(form) = form else { return self.refuse(label, iq, "modify", "bad-request", None) };
        let mut fields = std::collections::BTreeMap::new();
        for field in form.kids("field", ns::DATA_FORM) {
            let value = field.kid("value", ns::DATA_FORM).map(Element::text).unwrap_or_default();
            fields.insert(field.get("var").unwrap_or("").to_owned(), value);
        }
        let form_type = fields.remove("FORM_TYPE");
        if form_type.as_deref() != Some("http://jabber.org/protocol/muc#roomconfig") {
            self.complaints.add(format!("{label} submits a form of type {form_type:?}"));
        }
        // Anything more would change the room (spec/20 §2.2, 6).
        let more: Vec<&String> = fields.keys().filter(|var| *var != "muc#roomconfig_whois").collect();
        if !more.is_empty() && label.starts_with("focus") {
            self.complaints.add(format!("{label} submits {more:?}"));
        }
        let closes = fields.get("muc#roomconfig_membersonly").map(|value| value == "true");
        let Some(held) = self.rooms.get_mut(room) else { return };
        held.form.extend(fields);
        let nick = held.nick_of(label).unwrap_or_default();
        if let Some(closes) = closes {
            self.members_only(room, &nick, closes);
        }
        self.deliver("server", label, result_of(iq).done());
    }

    fn on_admin(&mut self, label: &str, room: &str, iq: &Element, query: &Element, own_nick: &str) {
        for item in query.kids("item", ns::MUC_ADMIN) {
            match (item.get("affiliation"), item.get("jid"), item.get("role"), item.get("nick")) {
                (Some(affiliation), Some(jid), None, None) if !jid.contains('/') => {
                    self.set_affiliation(room, jid, affiliation, own_nick);
                }
                (None, None, Some("none"), Some(nick)) => self.kick(room, nick),
                // A full JID among others (spec/20 §6).
                _ => {
                    self.complaints.add(format!("{label} sends an item that no room takes"));
                    return self.refuse(label, iq, "modify", "jid-malformed", None);
                }
            }
        }
        self.deliver("server", label, result_of(iq).done());
    }
}
