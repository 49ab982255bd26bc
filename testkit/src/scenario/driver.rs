//! The loop: whatever is due next, in virtual time. Between core and peers everything is text, as on a real wire.

use jicofo::focus::audit::{Census, Held, colibri};
use jicofo::focus::{Connection, Focus, Input, NodeId, Output, Timestamp};
use jicofo::wire::Jid;
use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::stanza::{IqBody, Payload, Stanza, StanzaReadError};
use jicofo::wire::values::{MeetingId, PresenceType};
use jicofo::wire::xml;

use super::checks::STORY;
use super::{SERVICE, Scenario, recording};
use crate::Time;
use crate::logs::keep_secret_of_peer;
use crate::room::{Delivery, Wiring};
use crate::violation::Violation;
use crate::wire_log::Wire;
use crate::xml::resource;

/// Virtual time begins on some day: the core's clock counts from the Unix epoch.
const EPOCH: u64 = 1_795_260_730_000_000;

/// What Prosody takes of one who has logged in, by default.
const SERVER_LIMIT: usize = 256 * 1024;

/// So much of the log is kept where the core is recorded: what a story shows.
const TAIL: usize = STORY;

/// More stanzas than this at one instant are a loop between two peers.
const AT_ONCE: usize = 2_000_000;

/// More outputs than this at one input are a loop in the core.
const AT_ONE_INPUT: usize = 500_000;

/// The room that something is sent to, or to somebody in it.
fn room_of(stanza: &Stanza) -> &str {
    stanza.recipient().map_or("", |to| to.bare_str())
}

/// The bridge that is asked, and the meeting that this is about.
fn about_meeting(stanza: &Stanza) -> Option<(Jid, MeetingId)> {
    Some((stanza.recipient()?.clone(), colibri(stanza)?.meeting_id.clone()))
}

/// Something that the core said, and that may be wrong.
struct Doubtful {
    on: Connection,
    room: String,
    meeting: Option<(Jid, MeetingId)>,
    wrong: String,
}

impl Doubtful {
    fn of(on: Connection, stanza: &Stanza, wrong: String) -> Doubtful {
        Doubtful { on, room: room_of(stanza).to_owned(), meeting: about_meeting(stanza), wrong }
    }

    /// Said in a room that was left after it, or in any of a conference that ended after it.
    fn precedes(&self, on: Connection, end: &End) -> bool {
        match end {
            End::OfStay(room) => (self.on, self.room.as_str()) == (on, room),
            End::OfConference(room) => name_of(&self.room) == name_of(room),
        }
    }
}

/// What ends in a room.
enum End {
    /// The focus leaves it.
    OfStay(String),
    /// The conference, main room and mirrors: they are left when the nodes have been told, which takes an answer.
    OfConference(String),
}

impl End {
    fn told_by(stanza: &Stanza, focus: &Focus) -> Option<End> {
        match stanza {
            Stanza::Presence(presence) if presence.kind == Some(PresenceType::Unavailable) => {
                Some(End::OfStay(room_of(stanza).to_owned()))
            }
            Stanza::Iq(iq) => {
                let IqBody::Get(Payload::Visitors(visitors)) = &iq.body else { return None };
                let room = visitors.room.clone().filter(|_| !visitors.disconnect.is_empty());
                // Nodes that nobody uses are disconnected of conferences that go on, too.
                room.filter(|room| !focus.census().contains_key(room)).map(End::OfConference)
            }
            _ => None,
        }
    }
}

/// A room's name, which its mirrors have, too.
fn name_of(room: &str) -> Option<&str> {
    room.split_once('@').map(|(name, _)| name)
}

impl Scenario {
    pub(super) fn log_in_focus(&mut self) {
        self.server.connect("focus", &self.focus_jid, true);
        let jid = self.focus_jid.parse().expect("a JID");
        self.feed(Input::Connected { on: Connection::Client, jid, resumed: false });
        if self.server.options.wiring == Wiring::Component {
            let domain = self.server.options.domains.focus.clone();
            self.server.connect("focus/component", &domain, false);
            let jid = domain.parse().expect("a JID");
            self.feed(Input::Connected { on: Connection::Component, jid, resumed: false });
        }
        if self.config.xmpp.service.is_some() && !self.server.is_connected(SERVICE) {
            self.service_logs_in_anew();
        }
        self.pump();
    }

    /// Logs in on the visitor nodes.
    pub(super) fn log_in_nodes(&mut self) {
        for node in self.nodes() {
            self.log_in_node(node);
        }
    }

    pub(super) fn log_in_node(&mut self, node: NodeId) {
        let jid = self.node_jid(node);
        self.server.connect(&label_of(node_connection(node)), jid.as_ref(), true);
        self.feed(Input::Connected { on: node_connection(node), jid, resumed: false });
        self.pump();
    }

    pub(super) fn nodes(&self) -> Vec<NodeId> {
        (0..).map(NodeId).take(self.config.xmpp.visitors.len()).collect()
    }

    pub(super) fn node_jid(&self, node: NodeId) -> jicofo::wire::Jid {
        let node = self.config.xmpp.visitors.values().nth(usize::from(node.0)).expect("a node");
        let account = &node.account;
        format!("{}@{}/{}", account.username, account.domain, account.resource).parse().expect("a JID")
    }

    fn is_cut(&self, on: Connection) -> bool {
        match on {
            Connection::Visitors(node) => self.nodes_cut.contains(&node),
            Connection::Service => self.service_cut,
            Connection::Component => self.cut || self.component_cut,
            Connection::Client => self.cut,
        }
    }

    /// Whoever was told to be a visitor logs in on that node, and enters its room.
    fn follow(&mut self, name: &str) {
        let Some(participant) = self.participants.get_mut(name) else { return };
        let Some(node) = participant.take_redirect() else { return };
        let main = participant.settings.room.clone();
        let mirror = self.server.mirror_of(&main, &node);
        let place = resource(&participant.settings.jid).unwrap_or("web");
        let jid = format!("{}@{node}.{}/{place}", participant.nick(), self.server.options.domains.main);
        self.server.disconnect(self.now, name);
        self.server.connect(name, &jid, false);
        let participant = &mut self.participants[name];
        participant.settings.jid = jid;
        participant.becomes_visitor(&main, &mirror);
    }

    pub(super) fn feed(&mut self, input: Input) {
        let now = timestamp(self.now);
        let sabotage = self.sabotage.take();
        if let Some(recording) = self.recordings.last_mut() {
            recording.input(now, &input, sabotage);
        }
        let before = self.focus.metrics().panics;
        recording::handle(&mut self.focus, now, input);
        let panics = self.focus.metrics().panics;
        self.failed = panics > before;
        self.failures += usize::from(self.failed);
        self.failed_in = None;
        assert_eq!(panics, self.focus.sabotaged(), "the core failed by itself\n{}", self.story());
        self.inputs += 1;
        self.look_at_failure();
        self.drain_focus();
        if let Some(recording) = self.recordings.last_mut() {
            recording.wakes(self.focus.poll_timeout());
        }
    }

    /// A failure has ended one conference, at most, and has done nothing to the others.
    fn look_at_failure(&mut self) {
        let Some(recording) = self.recordings.last().filter(|_| self.failed) else { return };
        let (before, without) = recording.without_failure();
        let (ended, wrong) = what_failure_did(&before, &without, &self.focus.census());
        wrong.into_iter().for_each(|wrong| self.complain(wrong));
        self.failed_in = ended;
    }

    /// Sends what the focus wants sent.
    fn drain_focus(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        // What was said in a room before it was left was right when it was said, and what a bridge was asked about a conference
        // before that ended there.
        let mut doubtful: Vec<Doubtful> = Vec::new();
        let mut count = 0;
        while let Some(output) = self.focus.poll_output() {
            count += 1;
            assert!(count < AT_ONE_INPUT, "no end of what the core says at one input");
            let (on, stanza) = match output {
                Output::Send { on, stanza } => (on, stanza),
                Output::Reply { id, reply } => {
                    if let Some(recording) = self.recordings.last_mut() {
                        recording.reply(id, &reply);
                    }
                    self.replies.push((id, reply));
                    continue;
                }
            };
            text.clear();
            xml::write_to(&stanza, &mut text);
            keep_session_secret(&text);
            // A server ends the stream of whoever sends that (spec/90).
            if text.len() > SERVER_LIMIT {
                let head: String = text.chars().take(200).collect();
                self.complain(format!("a stanza of {} bytes: {head}…", text.len()));
            }
            if let Some(recording) = self.recordings.last_mut() {
                recording.output(on, &text);
                // What was said before a failure was right when it was said.
                if !self.failed
                    && let Some(wrong) = self.focus.audit_output(on, &stanza)
                {
                    doubtful.push(Doubtful::of(on, &stanza, format!("{wrong}: {text}")));
                }
                if let Some(end) = End::told_by(&stanza, &self.focus) {
                    doubtful.retain(|it| !it.precedes(on, &end));
                }
                if colibri(&stanza).is_some_and(|modify| modify.expire) {
                    let about = about_meeting(&stanza);
                    doubtful.retain(|it| it.on != on || it.meeting != about);
                }
            }
            match self.tamper.and_then(|tamper| tamper(&text)) {
                None => self.sends(on, &text),
                Some(others) => others.iter().for_each(|other| self.sends(on, other)),
            }
        }
        self.text = text;
        doubtful.into_iter().for_each(|it| self.complain(it.wrong));
    }

    fn sends(&mut self, on: Connection, text: &str) {
        let label = label_of(on);
        match crate::xml::parse(text) {
            Ok(element) if self.is_cut(on) => self.unsent.push((label, element)),
            Ok(element) => self.says(&label, element),
            Err(error) => self.complain(error),
        }
    }

    pub(super) fn says(&mut self, label: &str, stanza: crate::xml::Element) {
        let (from, to) = ("focus".to_owned(), "server".to_owned());
        if self.recordings.is_empty() {
            self.said.push(Wire { at: self.now, from, to, stanza: stanza.clone() });
        }
        self.server.receive(self.now, label, stanza);
    }

    fn complain(&mut self, text: String) {
        self.complaints.push(Violation { at: self.now, peer: "focus".into(), text });
    }

    /// Lets everybody send what they have to send.
    pub(crate) fn pump(&mut self) {
        for (label, bridge) in &mut self.bridges {
            while let Some(stanza) = bridge.poll_output() {
                self.server.receive(self.now, label, stanza);
            }
        }
        for (label, participant) in &mut self.participants {
            while let Some(stanza) = participant.poll_output() {
                self.server.receive(self.now, label, stanza);
            }
        }
    }

    /// When something happens next.
    pub(crate) fn next_time(&self) -> Option<Time> {
        let participants = self.participants.values().filter_map(|p| p.poll_timeout());
        let bridges = self.bridges.values().filter_map(|b| b.poll_timeout());
        let focus = self.focus.poll_timeout().map(|at| Time::from_micros(at.0.saturating_sub(EPOCH)));
        participants.chain(bridges).chain(focus).chain(self.server.poll_timeout()).min()
    }

    /// The next event, if one comes before `end`.
    pub(crate) fn step(&mut self, end: Time) -> bool {
        self.pump();
        let Some(at) = self.next_time().filter(|at| *at <= end) else { return false };
        if at > self.now {
            self.deliveries_at_once = 0;
            self.now = at;
        }
        self.deliveries_at_once += 1;
        assert!(self.deliveries_at_once < AT_ONCE, "no end of stanzas at {:?}\n{}", self.now, self.story());
        if let Some(delivery) = self.server.next(self.now) {
            self.deliver(delivery);
        } else {
            self.tick();
        }
        self.pump();
        true
    }

    fn deliver(&mut self, delivery: Delivery) {
        let Delivery { at, from, to, stanza } = delivery;
        if let Some(on) = connection_of(&to) {
            self.hand_to_focus(on, &stanza);
        } else if let Some(participant) = self.participants.get_mut(&to) {
            participant.handle(self.now, &stanza);
            self.follow(&to);
        } else if let Some(bridge) = self.bridges.get_mut(&to) {
            bridge.handle(self.now, &stanza);
        }
        let label = |label: String| if label.starts_with("focus/") { "focus".to_owned() } else { label };
        let wire = Wire { at, from: label(from), to: label(to), stanza };
        // Who plays thousands of lives wants the end of each, as far as a story shows it.
        if self.recordings.is_empty() || wire.is_told() {
            self.log.push(wire);
        }
        if !self.recordings.is_empty() && self.log.len() > 2 * TAIL {
            self.log.drain(..TAIL);
        }
    }

    /// As the shell does it: what cannot be read is answered, where an answer is due.
    pub(super) fn hand_to_focus(&mut self, on: Connection, stanza: &crate::xml::Element) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        stanza.write("", &mut text);
        let read = read_stanza(&text);
        self.text = text;
        self.has_read(on, read);
    }

    pub(super) fn hand_text_to_focus(&mut self, on: Connection, text: &str) {
        self.has_read(on, read_stanza(text));
    }

    fn has_read(&mut self, on: Connection, read: Result<Incoming, StanzaReadError>) {
        match read {
            Ok(Incoming::Stanza(stanza)) => self.feed(Input::Stanza { on, stanza }),
            Ok(other) => self.complain(format!("took a stanza for {other:?}")),
            Err(error) => {
                if let Some(answer) = error.answer() {
                    let element = crate::xml::parse(&xml::to_string(&answer)).expect("an answer is XML");
                    self.says(&label_of(on), element);
                }
            }
        }
    }

    fn tick(&mut self) {
        if self.focus.poll_timeout().is_some_and(|at| at <= timestamp(self.now)) {
            self.feed(Input::Tick);
        }
        let now = self.now;
        for participant in self.participants.values_mut().filter(|p| p.poll_timeout().is_some_and(|at| at <= now)) {
            participant.handle_timeout(now);
        }
        for bridge in self.bridges.values_mut().filter(|b| b.poll_timeout().is_some_and(|at| at <= now)) {
            bridge.handle_timeout(now);
        }
    }
}

pub(super) fn timestamp(now: Time) -> Timestamp {
    Timestamp(EPOCH) + now
}

pub(super) fn label_of(on: Connection) -> String {
    match on {
        Connection::Client => "focus".into(),
        Connection::Service => SERVICE.into(),
        Connection::Component => "focus/component".into(),
        Connection::Visitors(NodeId(node)) => format!("{NODES}{node}"),
    }
}

pub(super) fn node_connection(node: NodeId) -> Connection {
    Connection::Visitors(node)
}

/// In front of a node's number.
const NODES: &str = "focus/visitors/";

fn connection_of(label: &str) -> Option<Connection> {
    match label {
        "focus" => Some(Connection::Client),
        SERVICE => Some(Connection::Service),
        "focus/component" => Some(Connection::Component),
        _ => label.strip_prefix(NODES)?.parse().ok().map(NodeId).map(Connection::Visitors),
    }
}

/// What lets its bearer in, whoever it is sent to: also those whom no participant plays.
fn keep_session_secret(stanza: &str) {
    let value = |text: &str| {
        let quote = text.chars().next()?;
        text[1..].split(quote).next().map(str::to_owned)
    };
    let session = stanza.split_once(" session-id=").and_then(|(_, rest)| value(rest));
    session.iter().for_each(|session| keep_secret_of_peer(session));
}

/// Which conference has ended because of a failure, and what is wrong with that: of who was there before it, who would be there
/// without it, and who is there.
pub(super) fn what_failure_did(before: &Census, without: &Census, after: &Census) -> (Option<String>, Vec<String>) {
    let is_lost = |(room, held): &(&String, &Held)| match before.get(*room) {
        Some(one) if one.id == held.id => after.get(*room).is_none_or(|it| it.id != held.id),
        // It would have begun just now.
        _ => !after.contains_key(*room),
    };
    let (lost, others): (Vec<_>, Vec<_>) = without.iter().partition(is_lost);
    let lost: Vec<&str> = lost.into_iter().map(|(room, _)| room.as_str()).collect();
    let mut wrong = Vec::new();
    if lost.len() > 1 {
        wrong.push(format!("one failure of the core ended {} conferences: {}", lost.len(), lost.join(", ")));
    }
    // One outside of all conferences takes with it what was yet to be done at that input, whose end the views show.
    for (room, held) in others.into_iter().filter(|_| !lost.is_empty()) {
        let members = after.get(room).map(|it| &it.members);
        if members != Some(&held.members) {
            wrong.push(format!(
                "a failure of the core changed another conference: in {room} are {members:?}, not {:?}",
                held.members
            ));
        }
    }
    (lost.first().filter(|_| lost.len() == 1).map(|room| (*room).to_owned()), wrong)
}
