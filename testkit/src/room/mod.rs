//! A server in memory: as much of Prosody with Jitsi's plugins as the focus and its peers see of it.
//!
//! Connections are known by a label (`focus`, `alice`, `jvb1`); what each sends goes in by [`Server::receive`], what is
//! delivered comes out of [`Server::next`], in order per connection. Time is virtual; a hop takes as long as it is told to.

mod components;
mod faults;
mod forgers;
mod ids;
mod iq;
mod lobby;
mod muc;
mod routing;
#[cfg(test)]
mod tests;
mod visitors;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::Time;
use crate::ns;
use crate::participant::media::Dice;
use crate::violation::{Complaints, Violation};
use crate::xml::{Element, Read, error_of};
pub use components::Moderated;
pub use faults::Fate;
use faults::Rule;
use forgers::Forger;
pub use muc::{NOT_PROMOTED, Occupant, Room};

/// The names of everything.
#[derive(Debug, Clone)]
pub struct Domains {
    pub main: String,
    pub auth: String,
    pub muc: String,
    pub internal_muc: String,
    pub breakout: String,
    /// Where clients send conference requests.
    pub focus: String,
    pub metadata: String,
    pub moderation: String,
    pub lobby: String,
    /// The component that connects visitor nodes.
    pub visitors: String,
    /// Rooms of somebody else's server.
    pub foreign: String,
}

impl Domains {
    /// Where the rooms of a visitor node are.
    pub fn mirror_domain(&self, node: &str) -> String {
        format!("conference.{node}.{}", self.main)
    }

    /// Whether conferences are held there: in the main rooms, breakout rooms, and those of tenants as the domain mapper
    /// presents them, `conference.<tenant>.<main>` (spec/20 §2.1).
    pub fn has_meetings(&self, domain: &str) -> bool {
        let tenant = domain.strip_prefix("conference.").and_then(|rest| rest.strip_suffix(&self.main));
        domain == self.muc
            || domain == self.breakout
            || domain == self.foreign
            || tenant.is_some_and(|tenant| tenant.ends_with('.'))
    }

    /// Whether rooms are there.
    pub fn has_rooms(&self, domain: &str) -> bool {
        domain == self.internal_muc || domain == self.lobby || self.has_meetings(domain)
    }
}

impl Default for Domains {
    fn default() -> Domains {
        Domains {
            main: "meet.test".into(),
            auth: "auth.meet.test".into(),
            muc: "conference.meet.test".into(),
            internal_muc: "internal.auth.meet.test".into(),
            breakout: "breakout.meet.test".into(),
            focus: "focus.meet.test".into(),
            metadata: "metadata.meet.test".into(),
            moderation: "avmoderation.meet.test".into(),
            lobby: "lobby.meet.test".into(),
            visitors: "visitors.meet.test".into(),
            foreign: "rooms.foreign.test".into(),
        }
    }
}

/// How conference requests reach the focus (spec/10 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wiring {
    /// `client_proxy`: rewritten, to the focus user.
    #[default]
    Proxy,
    /// To the component's own connection.
    Component,
}

/// How the server behaves.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub domains: Domains,
    pub wiring: Wiring,
    /// How long a stanza travels, to or from a peer: at least, and at most so much more.
    pub latency: (Time, Time),
    pub seed: u64,
    /// The client proxy is not in the roster of the focus.
    pub no_roster: bool,
    /// There is no client proxy that serves the focus.
    pub no_proxy: bool,
    /// The form lacks a meeting id.
    pub no_meeting_id: bool,
    /// No component sends room metadata.
    pub no_metadata: bool,
    /// There is no component for breakout rooms.
    pub no_breakouts: bool,
    /// There is no A/V moderation.
    pub no_moderation: bool,
    /// The main domain names none of its components, as where `mod_features_identity` is not loaded yet.
    pub names_nobody: bool,
    /// What the first message about a room tells an admin; otherwise only that there are no moderators.
    pub metadata: Option<serde_json::Value>,
    /// Every room has this meeting id.
    pub meeting_id: Option<String>,
    /// Condition and text with which rooms refuse the focus.
    pub refuses_focus: Option<(String, String)>,
    /// The same for rooms of the internal component: breweries.
    pub brewery_refuses_focus: Option<(String, String)>,
    /// Presence of rooms by this name says so: the form's preset flag (spec/20 §2.3).
    pub presets: bool,
    /// Nicks of those who may only look on.
    pub visitors: BTreeSet<String>,
    /// Breakout rooms, with their main rooms.
    pub breakouts: BTreeMap<String, String>,
    /// Visitor nodes.
    pub nodes: Vec<String>,
    /// There are nodes, and no component that connects them.
    pub no_visitors: bool,
    /// Whoever comes to a main room while a node is connected is let in, as with `auto_allow_visitor_promotion`.
    pub allows_promotion: bool,
    /// That component answers nothing, and does nothing.
    pub silent_visitors: bool,
    /// It connects no node: the address is announced, and the component is not there.
    pub refuses_nodes: bool,
    /// Condition and text with which rooms of that visitor node refuse the focus.
    pub nodes_refuse_focus: BTreeMap<String, (String, String)>,
    /// More fields of the configuration form of meetings.
    pub form: Vec<(String, String)>,
}

/// Something on its way to a peer.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub at: Time,
    /// Whose it was: a label, or `server`.
    pub from: String,
    pub to: String,
    pub stanza: Element,
}

#[derive(Debug, Clone)]
struct Connection {
    jid: String,
    admin: bool,
    component: bool,
    /// Has sent presence to nobody in particular: the proxy knows it (spec/10 §2.1).
    available: bool,
    /// The stream is broken, the session may yet be resumed: what comes is kept.
    suspended: bool,
    kept: Vec<(String, Element)>,
    /// Nothing may overtake what was sent to it before, nor what it sent.
    last: Time,
    last_sent: Time,
}

pub struct Server {
    pub options: Options,
    complaints: Complaints,
    now: Time,
    connections: IndexMap<String, Connection>,
    rooms: BTreeMap<String, Room>,
    /// On its way to the server.
    sent: BTreeMap<(Time, u64), (String, Element)>,
    /// On its way to a peer.
    queue: BTreeMap<(Time, u64), Delivery>,
    sequence: u64,
    rules: Vec<Rule>,
    /// When one of them struck last.
    struck_at: Option<Time>,
    /// Who answers until when what others are asked, and how often it has.
    forgers: Vec<Forger>,
    dice: Dice,
    /// Requests which a peer has and has not answered: (who, id as it sees it, asker as it sees it) → asker's label.
    open: BTreeMap<(String, String, String), String>,
    meetings: u64,
    /// Rooms and bare JIDs which had their first message about it.
    metadata_told: BTreeSet<(String, String)>,
    /// Main rooms and nodes that are connected.
    nodes_connected: BTreeSet<(String, String)>,
    /// When main rooms were closed last: their first node was connected.
    closed: BTreeMap<String, Time>,
    /// When nodes were disconnected last, by main room and node.
    parted: BTreeMap<(String, String), Time>,
    /// Rooms of these names were moderated once.
    ever_moderated: BTreeSet<String>,
    /// Something that was asked of the visitors component was not heard.
    unheard_of_nodes: bool,
}

impl Server {
    pub fn new(options: Options) -> Server {
        Server {
            complaints: Complaints::of("server"),
            now: Time::ZERO,
            connections: IndexMap::new(),
            rooms: BTreeMap::new(),
            sent: BTreeMap::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            rules: Vec::new(),
            struck_at: None,
            forgers: Vec::new(),
            dice: Dice::of(&format!("server {}", options.seed)),
            open: BTreeMap::new(),
            meetings: 0,
            metadata_told: BTreeSet::new(),
            nodes_connected: BTreeSet::new(),
            closed: BTreeMap::new(),
            parted: BTreeMap::new(),
            ever_moderated: BTreeSet::new(),
            unheard_of_nodes: false,
            options,
        }
    }

    /// A peer has logged in. `admin`: may create rooms, and owns every one (the focus, bridges).
    pub fn connect(&mut self, label: &str, jid: &str, admin: bool) {
        let component = !jid.contains('@');
        let connection = Connection {
            jid: jid.to_owned(),
            admin,
            component,
            available: false,
            suspended: false,
            kept: Vec::new(),
            last: self.now,
            last_sent: self.now,
        };
        self.connections.insert(label.to_owned(), connection);
    }

    /// The peer's stream broke; its session is kept for a while.
    pub fn suspend(&mut self, label: &str) {
        if let Some(connection) = self.connections.get_mut(label) {
            connection.suspended = true;
        }
    }

    /// The session goes on: what was kept comes now.
    pub fn resume(&mut self, now: Time, label: &str) {
        self.now = now;
        let Some(connection) = self.connections.get_mut(label) else { return };
        connection.suspended = false;
        let kept = std::mem::take(&mut connection.kept);
        // Ahead of what is still under way to it.
        let places: Vec<_> =
            self.queue.iter().filter(|(_, delivery)| delivery.to == label).map(|(at, _)| *at).collect();
        let under_way: Vec<_> = places.iter().filter_map(|place| self.queue.remove(place)).collect();
        for (from, stanza) in kept {
            self.enqueue(Delivery { at: now, from, to: label.to_owned(), stanza });
        }
        for delivery in under_way {
            self.enqueue(delivery);
        }
    }

    /// The session is over: the peer is out of its rooms, and what it had not read is sent back (spec/50 §2.1).
    pub fn disconnect(&mut self, now: Time, label: &str) {
        self.now = now;
        self.complaints.set_now(now);
        let Some(connection) = self.connections.shift_remove(label) else { return };
        // What was on its way from it or to it is lost with its connection.
        self.sent.retain(|_, (from, _)| from != label);
        self.queue.retain(|_, delivery| delivery.to != label);
        // What came through the proxy has an asker who still waits: clients have no timeout for it (spec/10 §3.3).
        let proxied = format!("{}/", self.options.domains.focus);
        self.open.retain(|(who, _, from), asker| asker != label && (who != label || from.starts_with(&proxied)));
        for (_, stanza) in connection.kept.into_iter().filter(|(_, stanza)| stanza.name() == "iq") {
            if matches!(stanza.get("type"), Some("get" | "set")) {
                let bounce = error_of(&stanza, "wait", "recipient-unavailable", None).done();
                self.route(label, &connection.jid, bounce);
            }
        }
        self.leave_all(label);
    }

    pub fn is_connected(&self, label: &str) -> bool {
        self.connections.contains_key(label)
    }

    /// What a peer sends.
    pub fn receive(&mut self, now: Time, label: &str, stanza: Element) {
        self.now = now;
        let travels = self.travels();
        let Some(connection) = self.connections.get_mut(label) else { return };
        let at = connection.last_sent.max(now + travels);
        connection.last_sent = at;
        if at <= now {
            return self.arrived(now, label, stanza);
        }
        self.sequence += 1;
        self.sent.insert((at, self.sequence), (label.to_owned(), stanza));
    }

    fn arrived(&mut self, now: Time, label: &str, mut stanza: Element) {
        self.complaints.set_now(now);
        let Some(connection) = self.connections.get(label) else { return };
        let jid = connection.jid.clone();
        if !connection.component || stanza.get("from").is_none() {
            crate::xml::set_attr(&mut stanza, "from", &jid);
        }
        if label.starts_with("focus") {
            self.forge_answers(label, &jid, &stanza);
        }
        self.route(label, &jid, stanza);
    }

    /// When the next delivery is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        let first = |at: Option<&(Time, u64)>| at.map(|(at, _)| *at);
        first(self.queue.keys().next()).into_iter().chain(first(self.sent.keys().next())).min()
    }

    /// Takes the next delivery which is due.
    pub fn next(&mut self, now: Time) -> Option<Delivery> {
        self.now = now;
        while let Some(entry) = self.sent.first_entry().filter(|entry| entry.key().0 <= now) {
            let (label, stanza) = entry.remove();
            self.arrived(now, &label, stanza);
        }
        loop {
            let due = self.queue.first_entry().filter(|entry| entry.key().0 <= now)?;
            let delivery = due.remove();
            match self.connections.get_mut(&delivery.to) {
                None => {}
                Some(connection) if connection.suspended => connection.kept.push((delivery.from, delivery.stanza)),
                Some(_) => return Some(delivery),
            }
        }
    }

    /// What becomes of the next `times` stanzas that `when` is true of.
    pub fn rule(&mut self, times: usize, fate: Fate, when: impl Fn(&Delivery) -> bool + 'static) {
        self.rules.push(Rule { times, fate, when: Box::new(when) });
    }

    /// Whether something is yet to become of what is sent.
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// When something was lost last, or late, or became something else, as a rule wants it.
    pub fn struck_at(&self) -> Option<Time> {
        self.struck_at
    }

    /// From now on everything arrives as it should.
    pub fn forget_rules(&mut self) {
        self.rules.clear();
        self.forgers.clear();
    }

    pub fn room(&self, jid: &str) -> Option<&Room> {
        self.rooms.get(jid)
    }

    pub fn rooms(&self) -> &BTreeMap<String, Room> {
        &self.rooms
    }

    /// Gives somebody an affiliation, as an owner or a module does.
    pub fn grant(&mut self, now: Time, room: &str, jid: &str, affiliation: &str) {
        self.now = now;
        self.set_affiliation(room, jid, affiliation, "admin");
    }

    /// Puts an occupant out of a room, with the status codes that say why.
    pub fn put_out(&mut self, now: Time, room: &str, nick: &str, codes: &[&str]) {
        self.now = now;
        self.leave(room, nick, &crate::xml::el("presence", ns::CLIENT).done(), codes);
    }

    /// Forgets that somebody is in a room, and tells nobody: as after a restart of its component that nobody noticed.
    pub fn forgets(&mut self, room: &str, nick: &str) {
        if let Some(held) = self.rooms.get_mut(room) {
            held.occupants.shift_remove(nick);
        }
        let asker = format!("{room}/{nick}");
        self.open.retain(|(_, _, from), _| *from != asker);
    }

    /// Forgets a room, and tells nobody.
    pub fn forgets_room(&mut self, room: &str) {
        self.rooms.remove(room);
        self.open.retain(|(_, _, from), _| crate::xml::bare(from) != room);
    }

    /// Destroys a room, as a moderator who ends the meeting does (spec/20 §7.3).
    pub fn destroy(&mut self, now: Time, room: &str, reason: &str) {
        self.now = now;
        self.destroy_room(room, reason);
    }

    /// Sends something in the server's own name.
    pub fn send(&mut self, now: Time, to: &str, stanza: Element) {
        self.now = now;
        self.deliver("server", to, stanza);
    }

    /// A message of the component which keeps the metadata of rooms (spec/20 §11).
    pub fn send_metadata(&mut self, now: Time, to: &str, room: &str, metadata: &serde_json::Value) {
        self.now = now;
        if let Some(held) = self.rooms.get_mut(room) {
            held.metadata = metadata.as_object().cloned().unwrap_or_default();
        }
        let stanza = self.metadata_message(to, room, metadata);
        self.deliver("server", to, stanza);
    }

    /// Requests that `label` was asked and has not answered, of askers which are still there.
    pub fn unanswered(&self, label: &str) -> Vec<String> {
        let open = self.open.iter().filter(|((who, _, _), _)| who == label);
        open.map(|((_, id, _), asker)| format!("{asker} asked with id '{id}'")).collect()
    }

    pub fn violations(&self) -> &[Violation] {
        self.complaints.list()
    }

    pub fn take_violations(&mut self) -> Vec<Violation> {
        self.complaints.take()
    }

    pub(in crate::room) fn deliver(&mut self, from: &str, to: &str, stanza: Element) {
        let travels = self.travels();
        let Some(connection) = self.connections.get_mut(to) else { return };
        let at = connection.last.max(self.now + travels);
        let delivery = Delivery { at, from: from.to_owned(), to: to.to_owned(), stanza };
        let fate = faults::fate_of(&mut self.rules, &delivery);
        if fate != Fate::Arrives {
            self.struck_at = Some(self.now);
        }
        match fate {
            Fate::Arrives => connection.last = at,
            Fate::IsLost => return,
            Fate::IsLate(delay) => return self.enqueue(Delivery { at: at + delay, ..delivery }),
            Fate::IsAnError => {
                return self.enqueue(Delivery { stanza: faults::as_error(&delivery.stanza), ..delivery });
            }
            Fate::ComesTwice(later) => self.enqueue(Delivery { at: at + later, ..delivery.clone() }),
        }
        self.enqueue(delivery);
    }

    /// How long a hop takes this time.
    fn travels(&mut self) -> Time {
        let (least, more) = self.options.latency;
        match u64::try_from(more.as_micros()) {
            Ok(0) | Err(_) => least,
            Ok(spread) => least + Time::from_micros(self.dice.roll() % (spread + 1)),
        }
    }

    fn enqueue(&mut self, delivery: Delivery) {
        self.sequence += 1;
        self.queue.insert((delivery.at, self.sequence), delivery);
    }

    fn label_of(&self, jid: &str) -> Option<String> {
        self.connections.iter().find(|(_, c)| c.jid == jid).map(|(label, _)| label.clone())
    }

    fn jid_of(&self, label: &str) -> String {
        self.connections.get(label).map(|c| c.jid.clone()).unwrap_or_default()
    }

    fn is_admin(&self, label: &str) -> bool {
        self.connections.get(label).is_some_and(|c| c.admin)
    }

    /// Refuses an IQ request; other stanzas are dropped.
    fn refuse(&mut self, label: &str, stanza: &Element, kind: &str, condition: &str, text: Option<&str>) {
        let by = crate::xml::bare(stanza.get("to").unwrap_or("")).to_owned();
        self.refuse_by(&by, label, stanza, (kind, condition, text));
    }

    /// The same, said by somebody else than whom it was meant for.
    fn refuse_by(&mut self, by: &str, label: &str, stanza: &Element, error: (&str, &str, Option<&str>)) {
        if stanza.name() == "iq" && matches!(stanza.get("type"), Some("get" | "set")) {
            let mut answer = error_of(stanza, error.0, error.1, error.2).done();
            if let Some(error) = answer.get_child_mut("error", ns::CLIENT) {
                crate::xml::set_attr(error, "by", by);
            }
            self.deliver("server", label, answer);
        }
    }
}
