//! Where a stanza goes.

use super::{Server, Wiring, ids};
use crate::ns;
use crate::xml::{Element, Read, bare, domain, resource, result_of, set_attr};

impl Server {
    /// Routes what `label`, whose JID is `sender`, has sent; `from` is written already.
    pub(super) fn route(&mut self, label: &str, sender: &str, stanza: Element) {
        let to = stanza.get("to").unwrap_or("").to_owned();
        let domains = &self.options.domains;
        match domain(&to) {
            "" => self.own_account(label, &stanza),
            d if d == domains.focus => self.focus_service(label, sender, &to, stanza),
            d if d == domains.visitors && stanza.name() == "iq" => self.visitors_component(label, &stanza),
            d if domains.has_rooms(d) && to.contains('@') => {
                self.room_stanza(label, sender, &to, stanza);
            }
            d if stanza.name() == "message"
                && (d == domains.moderation || d == domains.metadata || d == domains.breakout) =>
            {
                let component = d.to_owned();
                self.message_to_component(label, &component, &stanza);
            }
            _ if to.contains('/') => self.by_full_jid(label, &to, stanza),
            _ if stanza.name() == "iq" => self.answer_for_itself(label, &stanza),
            _ => {}
        }
    }

    fn own_account(&mut self, label: &str, stanza: &Element) {
        match stanza.name() {
            "presence" => {
                let available = stanza.get("type").is_none();
                if let Some(connection) = self.connections.get_mut(label) {
                    connection.available = available;
                }
                // The server takes it out of the rooms it is in.
                if !available {
                    self.leave_all_with(label, &[]);
                }
            }
            "iq" => self.answer_for_itself(label, stanza),
            _ => {}
        }
    }

    fn by_full_jid(&mut self, label: &str, to: &str, stanza: Element) {
        self.close_direct(label, &stanza);
        match self.label_of(to) {
            None => self.refuse(label, &stanza, "cancel", "service-unavailable", None),
            Some(recipient) => self.pass_on(label, &recipient, stanza),
        }
    }

    /// Delivers to a peer, and keeps account of questions and answers.
    fn pass_on(&mut self, from: &str, to: &str, stanza: Element) {
        if stanza.name() == "iq" {
            let text = |attribute| stanza.get(attribute).unwrap_or("").to_owned();
            if matches!(stanza.get("type"), Some("get" | "set")) {
                self.open.insert((to.to_owned(), text("id"), text("from")), from.to_owned());
            }
        }
        self.deliver(from, to, stanza);
    }

    /// An answer closes the question; one to nothing is a fault of whoever gives it.
    fn close(&mut self, label: &str, stanza: &Element) -> bool {
        let text = |attribute| stanza.get(attribute).unwrap_or("").to_owned();
        let (id, to) = (text("id"), text("to"));
        let known = self.open.remove(&(label.to_owned(), id.clone(), to.clone())).is_some();
        // Whoever asked may be gone meanwhile.
        let asker_is_there = resource(&to)
            .is_some_and(|nick| self.rooms.get(bare(&to)).is_some_and(|room| room.occupants.contains_key(nick)));
        if !known && asker_is_there && label.starts_with("focus") {
            self.complaints
                .add(format!("{label} answers '{id}' to {to}, which is not open: never asked, or answered before"));
        }
        known
    }

    /// An answer which does not go through a room.
    fn close_direct(&mut self, label: &str, stanza: &Element) {
        if stanza.name() == "iq" && matches!(stanza.get("type"), Some("result" | "error")) {
            let text = |attribute| stanza.get(attribute).unwrap_or("").to_owned();
            let (id, to) = (text("id"), text("to"));
            let known = self.open.remove(&(label.to_owned(), id.clone(), to.clone())).is_some();
            let asker_is_there = self.label_of(resource(&to).unwrap_or(&to)).or_else(|| self.label_of(&to)).is_some();
            if !known && asker_is_there && label.starts_with("focus") {
                self.complaints.add(format!("{label} answers '{id}' to {to}, which is not open"));
            }
        }
    }

    /// `focus.<domain>`: the proxy or the component (spec/10 §2).
    fn focus_service(&mut self, label: &str, sender: &str, to: &str, mut stanza: Element) {
        let domain = self.options.domains.focus.clone();
        match self.options.wiring {
            Wiring::Component => match self.label_of(&domain) {
                Some(component) => self.pass_on(label, &component, stanza),
                None => self.refuse(label, &stanza, "wait", "service-unavailable", None),
            },
            // Its target speaks through it to clients only (spec/80 §13, no-proxy).
            Wiring::Proxy if label.starts_with("focus") && matches!(stanza.get("type"), Some("get" | "set")) => {
                match self.options.no_proxy {
                    true => self.refuse(label, &stanza, "cancel", "service-unavailable", None),
                    false => self.refuse(label, &stanza, "modify", "bad-request", None),
                }
            }
            // An answer of the focus: unwrapped.
            Wiring::Proxy if label.starts_with("focus") => {
                self.close_direct(label, &stanza);
                let client = resource(to).unwrap_or("").to_owned();
                let answer = matches!(stanza.get("type"), Some("result" | "error"));
                let Some(recipient) = self.label_of(&client).filter(|_| answer) else { return };
                set_attr(&mut stanza, "to", &client);
                set_attr(&mut stanza, "from", &domain);
                self.deliver(label, &recipient, stanza);
            }
            Wiring::Proxy => {
                let target = self.connections.iter().find(|(l, c)| *l == "focus" && c.available);
                let Some((target, jid)) = target.map(|(l, c)| (l.clone(), c.jid.clone())) else {
                    return self.refuse(label, &stanza, "cancel", "service-unavailable", None);
                };
                set_attr(&mut stanza, "from", format!("{domain}/{sender}"));
                set_attr(&mut stanza, "to", jid);
                self.pass_on(label, &target, stanza);
            }
        }
    }

    fn room_stanza(&mut self, label: &str, sender: &str, to: &str, stanza: Element) {
        let room = bare(to).to_owned();
        match (stanza.name(), resource(to)) {
            ("presence", Some(nick)) => self.presence_to_room(label, &room, nick, &stanza),
            ("iq", Some(nick)) => self.iq_to_occupant(label, sender, &room, nick, stanza),
            ("iq", None) => self.iq_to_room(label, &room, &stanza),
            ("message", Some(nick)) => self.private_message(label, &room, nick, stanza),
            ("message", None) => self.message_to_room(label, &room, &stanza),
            _ => {}
        }
    }

    /// From one occupant to another, whose address it does not say.
    fn private_message(&mut self, label: &str, room: &str, nick: &str, mut stanza: Element) {
        let Some(held) = self.rooms.get(room) else { return };
        let (Some(own), Some(to)) = (held.nick_of(label), held.occupants.get(nick)) else { return };
        let recipient = to.label.clone();
        set_attr(&mut stanza, "from", format!("{room}/{own}"));
        let jid = self.jid_of(&recipient);
        set_attr(&mut stanza, "to", jid);
        self.deliver(label, &recipient, stanza);
    }

    fn iq_to_occupant(&mut self, label: &str, sender: &str, room: &str, nick: &str, mut stanza: Element) {
        let answer = matches!(stanza.get("type"), Some("result" | "error"));
        if answer {
            self.close(label, &stanza);
        }
        if !self.rooms.contains_key(room) && matches!(stanza.get("type"), Some("get" | "set")) {
            let service = domain(room).to_owned();
            return self.refuse_by(&service, label, &stanza, ("cancel", "item-not-found", None));
        }
        let Some(own_nick) = self.rooms.get(room).and_then(|r| r.nick_of(label)) else {
            let text = Some("You are not currently connected to this chat");
            return self.refuse(label, &stanza, "cancel", "not-acceptable", text);
        };
        let occupant = self.rooms.get(room).and_then(|r| r.occupants.get(nick));
        let Some(recipient) = occupant.map(|occupant| occupant.label.clone()) else {
            return self.refuse(label, &stanza, "cancel", "item-not-found", Some("Recipient not in room"));
        };
        // XEP-0410: the room answers for who asks for himself.
        if nick == own_nick && stanza.get("type") == Some("get") && stanza.kid("ping", ns::PING).is_some() {
            return self.deliver("server", label, result_of(&stanza).done());
        }
        let recipient_jid = self.jid_of(&recipient);
        let id = stanza.get("id").unwrap_or("").to_owned();
        let id = if answer {
            let Some(id) = ids::restored(sender, &id) else {
                if label.starts_with("focus") {
                    self.complaints.add(format!("{label} answers with id '{id}', which no request had"));
                }
                return;
            };
            id
        } else {
            ids::long(&recipient_jid, sender, &id)
        };
        set_attr(&mut stanza, "id", id);
        set_attr(&mut stanza, "from", format!("{room}/{own_nick}"));
        set_attr(&mut stanza, "to", recipient_jid);
        self.pass_on(label, &recipient, stanza);
    }
}
