//! Visitor nodes, and the component that connects them with the main rooms: `mod_visitors_component` and `mod_fmuc` as far as
//! the focus and visitors see them (spec/60 §6.4, §6.8, §6.9).
//!
//! A node is a server of its own; here its rooms are beside those of the main one, apart by their domain.

use super::Server;
use super::muc::user_of;
use crate::Time;
use crate::ns;
use crate::xml::{Element, Read, domain, el, result_of};

impl Server {
    /// The node on which a room for visitors is.
    pub(super) fn node_of(&self, room: &str) -> Option<String> {
        let of = |node: &&String| domain(room) == self.options.domains.mirror_domain(node);
        self.options.nodes.iter().find(of).cloned()
    }

    /// The room on a node that mirrors a main room.
    pub fn mirror_of(&self, main: &str, node: &str) -> String {
        let name = main.split('@').next().unwrap_or_default();
        format!("{name}@{}", self.options.domains.mirror_domain(node))
    }

    /// Whether visitors of a room are let in on a node.
    pub fn is_node_connected(&self, main: &str, node: &str) -> bool {
        self.nodes_connected.contains(&(main.to_owned(), node.to_owned()))
    }

    /// Visitors that wait until their room is connected with the main one.
    pub(super) fn waits_for_connection(&mut self, label: &str, room: &str, nick: &str, presence: &Element) -> bool {
        if self.node_of(room).is_none() || self.is_admin(label) {
            return false;
        }
        let Some(held) = self.rooms.get_mut(room).filter(|held| !held.connected) else { return false };
        held.waiting.push((label.to_owned(), nick.to_owned(), presence.clone()));
        true
    }

    /// While a node is connected, nobody comes to the main room whom no moderator has promoted (spec/60 §6.11.5).
    pub(super) fn is_closed(&self, main: &str) -> bool {
        self.nodes_connected.iter().any(|(room, _)| room == main)
    }

    /// When a node of a main room was disconnected last.
    pub fn parted_at(&self, main: &str) -> Option<Time> {
        self.parted.iter().filter(|((room, _), _)| room == main).map(|(_, at)| *at).max()
    }

    /// Whether who disconnects a node again may not have heard that it has been.
    fn may_have_parted(&self, main: &str, node: &str) -> bool {
        self.struck_at.is_some() && self.parted.contains_key(&(main.to_owned(), node.to_owned()))
    }

    /// When a main room was closed last.
    pub fn closed_at(&self, main: &str) -> Option<Time> {
        self.closed.get(main).copied()
    }

    /// Visitors see the focus and themselves; the focus sees visitors only.
    pub(super) fn are_apart(&self, room: &str, one: &str, other: &str) -> bool {
        one != other && !one.starts_with("focus") && !other.starts_with("focus") && self.node_of(room).is_some()
    }

    /// What the focus asks of the component.
    pub(super) fn visitors_component(&mut self, label: &str, iq: &Element) {
        if self.options.silent_visitors {
            self.unheard_of_nodes = true;
            return;
        }
        let visitors = iq.kid("visitors", ns::VISITORS).cloned().filter(|_| !self.options.refuses_nodes);
        let Some(visitors) = visitors else {
            return self.refuse(label, iq, "cancel", "service-unavailable", None);
        };
        if iq.get("type") != Some("get") {
            return self.complaints.add(format!("{label} asks the visitors component by {:?}", iq.get("type")));
        }
        if !self.is_admin(label) {
            return self.refuse(label, iq, "auth", "forbidden", None);
        }
        let main = visitors.get("room").unwrap_or("").to_owned();
        if self.rooms.get(&main).is_none_or(|room| room.nick_of(label).is_none()) {
            return self.refuse(label, iq, "cancel", "item-not-found", Some("no such room"));
        }
        for child in visitors.children() {
            let node = child.get("vnode").unwrap_or("").to_owned();
            if !self.options.nodes.contains(&node) {
                return self.complaints.add(format!("{label} speaks of a visitor node '{node}', which there is not"));
            }
            match child.name() {
                "connect-vnode" => self.connect_node(&main, &node),
                "disconnect-vnode" if self.nodes_connected.remove(&(main.clone(), node.clone())) => {
                    let mirror = self.mirror_of(&main, &node);
                    self.destroy_room(&mirror, "Conference ended.");
                    self.parted.insert((main.clone(), node), self.now);
                }
                // To connect it was asked for, and not heard; or it was disconnected, and the answer was not heard.
                "disconnect-vnode" if self.unheard_of_nodes || self.may_have_parted(&main, &node) => {
                    return self.refuse(label, iq, "cancel", "internal-server-error", None);
                }
                "disconnect-vnode" => {
                    return self.complaints.add(format!("{label} disconnects {node} from {main}: it is not connected"));
                }
                name => self.complaints.add(format!("{label} asks the visitors component for <{name}>")),
            }
        }
        self.deliver("server", label, result_of(iq).done());
    }

    fn connect_node(&mut self, main: &str, node: &str) {
        let mirror = self.mirror_of(main, node);
        if !self.is_closed(main) {
            self.closed.insert(main.to_owned(), self.now);
        }
        let is_new = self.nodes_connected.insert((main.to_owned(), node.to_owned()));
        let Some(held) = self.rooms.get_mut(&mirror) else {
            return self.complaints.add(format!("{node} is to be connected to {main}, and has no room for it"));
        };
        held.connected = true;
        // Since an earlier focus had it connected somebody may be in.
        let present: Vec<String> = held.occupants.values().map(|it| it.label.clone()).filter(|_| is_new).collect();
        for visitor in present {
            self.show_main_room(&mirror, &visitor);
        }
        let Some(held) = self.rooms.get_mut(&mirror) else { return };
        for (label, nick, presence) in std::mem::take(&mut held.waiting) {
            if self.is_connected(&label) {
                self.presence_to_room(&label, &mirror, &nick, &presence);
            }
        }
    }

    /// The focus leaves a room by itself. Visitors come again and again if it leaves before their node was told of the end.
    pub(super) fn check_leave(&mut self, label: &str, room: &str) {
        // It could not tell anybody.
        if self.unheard_of_nodes || self.connections.get("focus").is_none_or(|focus| focus.suspended) {
            return;
        }
        let (name, node) = (room.split('@').next().unwrap_or_default(), self.node_of(room));
        let early = |(main, of): &(String, String)| match &node {
            Some(node) => main.split('@').next() == Some(name) && of == node,
            None => main == room,
        };
        // Another stream may be faster than that on which it is told.
        let told = |(main, of): &(String, String)| {
            let mut said = self.sent.values().flat_map(|(_, stanza)| stanza.children());
            said.any(|it| {
                let ends = |child: &Element| child.name() == "disconnect-vnode" && child.get("vnode") == Some(of);
                it.get("room") == Some(main) && it.children().any(ends)
            })
        };
        if self.nodes_connected.iter().any(|connected| early(connected) && !told(connected)) {
            self.complaints.add(format!("{label} leaves {room} before visitors were told of the end"));
        }
    }

    /// The component forgets a room without the focus.
    pub(super) fn forget_nodes(&mut self, main: &str) {
        self.nodes_connected.retain(|(room, _)| room != main);
    }

    /// The rooms for visitors that mirror a room, with who is in them beside the focus.
    fn mirrors_of(&self, main: &str) -> Vec<(String, Vec<String>)> {
        let connected = self.nodes_connected.iter().filter(|(room, _)| room == main);
        let mirrors = connected.map(|(_, node)| self.mirror_of(main, node));
        let visitors = |mirror: &String| {
            let occupants = self.rooms.get(mirror).map(|held| held.occupants.values()).into_iter().flatten();
            occupants.map(|it| it.label.clone()).filter(|label| !label.starts_with("focus")).collect()
        };
        mirrors.map(|mirror| (mirror.clone(), visitors(&mirror))).collect()
    }

    /// Somebody in the main room, as visitors see him. The focus shows itself on each node.
    pub(super) fn mirror(&mut self, main: &str, nick: &str) {
        for (mirror, visitors) in self.mirrors_of(main) {
            for visitor in visitors {
                self.show_mirrored(main, nick, &mirror, &visitor);
            }
        }
    }

    fn show_mirrored(&mut self, main: &str, nick: &str, mirror: &str, visitor: &str) {
        let Some(occupant) = self.rooms.get(main).and_then(|held| held.occupants.get(nick)) else { return };
        if occupant.label.starts_with("focus") {
            return;
        }
        let children = occupant.presence.children().filter(|child| !child.ns().starts_with(ns::MUC)).cloned();
        let presence = el("presence", ns::CLIENT)
            .attr("from", format!("{mirror}/{nick}"))
            .attr("to", self.jid_of(visitor))
            .children(children.collect::<Vec<_>>())
            .child(user_of(occupant, &occupant.role, &[], None, false));
        self.deliver("server", visitor, presence.done());
    }

    /// Whoever enters a room for visitors is shown the main room.
    pub(super) fn show_main_room(&mut self, mirror: &str, visitor: &str) {
        let connected = self.nodes_connected.iter().find(|(main, node)| self.mirror_of(main, node) == mirror);
        let Some(main) = connected.map(|(main, _)| main.clone()).filter(|_| !visitor.starts_with("focus")) else {
            return;
        };
        let nicks = self.rooms.get(&main).map(|held| held.occupants.keys().cloned().collect::<Vec<_>>());
        for nick in nicks.unwrap_or_default() {
            self.show_mirrored(&main, &nick, mirror, visitor);
        }
    }

    /// Somebody has left the main room.
    pub(super) fn unmirror(&mut self, main: &str, nick: &str) {
        for (mirror, visitors) in self.mirrors_of(main) {
            for visitor in visitors {
                let gone = el("presence", ns::CLIENT)
                    .attr("type", "unavailable")
                    .attr("from", format!("{mirror}/{nick}"))
                    .attr("to", self.jid_of(&visitor));
                self.deliver("server", &visitor, gone.done());
            }
        }
    }

    /// A room for visitors is gone, and so is who waited for it.
    pub(super) fn turn_away(&mut self, waiting: Vec<(String, String, Element)>) {
        for (label, _, presence) in waiting {
            self.refuse_presence(&label, &presence, "item-not-found", "the room is gone");
        }
    }

    /// A node closes a room for visitors, as it does when nobody is there.
    pub fn close_mirror(&mut self, now: Time, main: &str, node: &str) {
        let mirror = self.mirror_of(main, node);
        self.destroy(now, &mirror, "No visitors.");
    }
}
