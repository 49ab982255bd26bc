//! Whole conferences in one thread and virtual time: the core, a server in memory, bridges and participants.
//!
//! ```text
//! let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
//! s.run_until(|s| s.all_connected());
//! s.participant("alice").add_source(desktop());
//! s.settle();
//! assert_eq!(s.sent_to("bob").jingle("source-add").count(), 2);
//! s.finish();
//! ```

mod builder;
mod checks;
mod driver;
mod recording;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use jicofo::config::Config;
use jicofo::focus::command::{Command, CommandId, Reply};
use jicofo::focus::conference::Flaw;
use jicofo::focus::flaws::Stray;
use jicofo::focus::{Connection, Focus, Input, NodeId, Timestamp};

use crate::Time;
use crate::bridge::Bridge;
use crate::logs::FRESH_FOCUS;
use crate::participant::{Participant, Place, Settings};
use crate::room::{Delivery, Fate, Server};
use crate::violation::Violation;
use crate::wire_log::{Query, Wire};
use crate::xml::Read;
pub use builder::{Builder, add_service};
pub(crate) use checks::standing_requests;
pub use recording::Recording;

/// The focus' connections to its own server, as the server knows them, but for the one to the bridges.
const OWN: [&str; 2] = ["focus", "focus/component"];

/// The one to the bridges, where they have one of their own.
const SERVICE: &str = "focus/service";

/// How much virtual time [`Scenario::run_until`] allows.
const PATIENCE: Time = Time::from_secs(90);

/// How much virtual time everything under way is given by [`Scenario::settle`].
const SETTLING: Time = Time::from_secs(2);

/// What the focus says in place of a stanza. None: that stanza.
pub type Tamper = fn(&str) -> Option<Vec<String>>;

/// A running scenario.
pub struct Scenario {
    focus: Focus,
    config: Arc<Config>,
    seed: u64,
    now: Time,
    server: Server,
    participants: IndexMap<String, Participant>,
    bridges: IndexMap<String, Bridge>,
    log: Vec<Wire>,
    /// What the focus has sent, as it left it.
    said: Vec<Wire>,
    /// Where stanzas are written, again and again.
    text: String,
    /// Makes the focus say what it should not, to see that it is noticed.
    pub(crate) tamper: Option<Tamper>,
    /// What the focus itself did wrong on the wire.
    complaints: Vec<Violation>,
    room: String,
    focus_jid: String,
    /// The focus' streams are broken: what it sends waits, and arrives if they are resumed.
    cut: bool,
    unsent: Vec<(String, crate::xml::Element)>,
    /// Only the connection to the bridges is broken.
    service_cut: bool,
    /// Only the one that requests come through.
    component_cut: bool,
    /// Only those to these visitor nodes.
    nodes_cut: BTreeSet<NodeId>,
    deliveries_at_once: usize,
    /// One for each core there was, if it is recorded.
    recordings: Vec<Recording>,
    /// To be told to the core with the next input.
    sabotage: Option<u32>,
    /// How often the core failed, as it was told to.
    failures: usize,
    /// It did at its last input.
    failed: bool,
    /// The room whose conference that ended, if it is recorded and only one did.
    failed_in: Option<String>,
    inputs: usize,
    /// What the core answered to commands.
    replies: Vec<(CommandId, Reply)>,
}

impl Scenario {
    #[expect(clippy::new_ret_no_self, reason = "a scenario begins with its builder")]
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Gives the focus a command.
    #[track_caller]
    pub fn command(&mut self, command: Command) -> Reply {
        let id = CommandId(self.inputs as u64);
        self.replies.clear();
        self.feed(Input::Command { id, command });
        let [(answered, reply)] = &self.replies[..] else { panic!("answered {:?}", self.replies) };
        assert_eq!(*answered, id, "the reply is to another command");
        let reply = reply.clone();
        self.pump();
        reply
    }

    /// Gives the focus a command that it may answer later.
    pub fn gives(&mut self, command: Command) -> CommandId {
        let id = CommandId(self.inputs as u64);
        self.feed(Input::Command { id, command });
        self.pump();
        id
    }

    /// What it answered, once it has: by then that is forgotten.
    pub fn replied(&mut self, id: CommandId) -> Option<Reply> {
        let place = self.replies.iter().position(|(answered, _)| *answered == id)?;
        Some(self.replies.remove(place).1)
    }

    /// A participant, to tell it what to do.
    pub fn participant(&mut self, name: &str) -> &mut Participant {
        let now = self.now;
        let participant = self.participants.get_mut(name).unwrap_or_else(|| panic!("no participant '{name}'"));
        participant.set_now(now);
        participant
    }

    /// A participant, to look at it.
    pub fn view(&self, name: &str) -> &Participant {
        self.participants.get(name).unwrap_or_else(|| panic!("no participant '{name}'"))
    }

    pub fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values()
    }

    /// A bridge, to tell it what to do.
    pub fn bridge(&mut self, name: &str) -> &mut Bridge {
        let now = self.now;
        let bridge = self.bridges.get_mut(name).unwrap_or_else(|| panic!("no bridge '{name}'"));
        bridge.set_now(now);
        bridge
    }

    /// A bridge, to look at it.
    pub fn view_bridge(&self, name: &str) -> &Bridge {
        self.bridges.get(name).unwrap_or_else(|| panic!("no bridge '{name}'"))
    }

    pub fn bridges(&self) -> impl Iterator<Item = &Bridge> {
        self.bridges.values()
    }

    /// The bridge which has that endpoint.
    pub fn home_of(&self, name: &str) -> Option<&str> {
        let nick = self.view(name).nick();
        self.bridges.iter().find(|(_, bridge)| bridge.endpoint(nick).is_some()).map(|(label, _)| label.as_str())
    }

    /// One more participant, which asks for the conference at once.
    pub fn joins(&mut self, name: &str) {
        self.joins_with(name, |_| {});
    }

    pub fn joins_with(&mut self, name: &str, change: impl FnOnce(&mut Settings)) {
        // Somebody of that name may have been told to leave just now.
        self.pump();
        let mut settings = Settings::new(name, &self.room, &self.server.options.domains.focus);
        // What the focus sends may cross a leave: the leave's way to it, and a round trip to a bridge in between.
        let (least, more) = self.server.options.latency;
        settings.grace += (least + more) * 8;
        change(&mut settings);
        self.server.connect(name, &settings.jid, false);
        let mut participant = Participant::new(settings);
        participant.set_now(self.now);
        if let Some(before) = self.participants.get(name) {
            participant.comes_after(before);
        }
        participant.request_conference();
        self.participants.insert(name.to_owned(), participant);
        self.pump();
    }

    /// A participant's user logs in on a second connection, which is closed when its session is in use (spec/10 §6.5).
    pub fn logs_in(&mut self, name: &str, account: &str) {
        let label = format!("{name}/login");
        self.server.connect(&label, account, false);
        let id = format!("login-{}", self.log.len());
        let request = self.participant(name).login_request(&id);
        self.server.receive(self.now, &label, request);
        let answer = |s: &Scenario| s.sent_to(&label).filter(|wire| wire.stanza.get("id") == Some(&id)).count() > 0;
        self.run_until(answer);
        let answer = self.sent_to(&label).last().stanza.clone();
        self.participant(name).logged_in(&answer);
        self.run_for(Time::from_millis(200));
        self.server.disconnect(self.now, &label);
        self.pump();
    }

    /// A participant's page is loaded again: its connection is another, its browser's storage stays. The new one has the
    /// name of the old one, and the address `jid`.
    pub fn reloads(&mut self, name: &str, jid: &str) {
        let session = self.view(name).login().session_id.clone();
        let mut settings = self.view(name).settings.clone();
        self.dies(name);
        settings.jid = jid.to_owned();
        settings.session_id = session;
        self.joins_with(name, |it| *it = settings);
    }

    /// One more bridge.
    pub fn add_bridge(&mut self, name: &str, change: impl FnOnce(&mut crate::bridge::Settings)) {
        let brewery = self.brewery();
        let mut settings = crate::bridge::Settings::new(name, brewery);
        change(&mut settings);
        self.server.connect(name, &settings.jid, true);
        let mut bridge = Bridge::new(settings);
        bridge.set_now(self.now);
        bridge.join();
        self.bridges.insert(name.to_owned(), bridge);
        self.pump();
    }

    /// A peer's connection ends without a word.
    pub fn dies(&mut self, name: &str) {
        self.server.disconnect(self.now, name);
        if let Some(participant) = self.participants.get_mut(name) {
            participant.set_now(self.now);
            participant.leave();
            while participant.poll_output().is_some() {}
        }
        if let Some(bridge) = self.bridges.get_mut(name) {
            bridge.restart();
        }
        self.pump();
    }

    /// A bridge that died comes back, empty.
    pub fn returns(&mut self, name: &str) {
        let now = self.now;
        let jid = self.view_bridge(name).settings.jid.clone();
        self.server.connect(name, &jid, true);
        let bridge = &mut self.bridges[name];
        bridge.set_now(now);
        bridge.restart();
        bridge.join();
        self.pump();
    }

    /// The focus' stream breaks; the server keeps its session for a while.
    pub fn focus_is_cut_off(&mut self) {
        self.focus_falls_silent();
        self.feed(Input::Disconnected { on: Connection::Client, resumable: true });
        self.pump();
    }

    /// The way is gone, and neither end knows: what is said waits.
    pub fn focus_falls_silent(&mut self) {
        self.cut = true;
        for label in OWN {
            self.server.suspend(label);
        }
    }

    /// It is back within that while: nothing was lost.
    pub fn focus_resumes(&mut self) {
        let jid = self.focus_jid.parse().expect("a JID");
        self.feed(Input::Connected { on: Connection::Client, jid, resumed: true });
        self.focus_is_heard_again();
    }

    /// The way is there again; what was said meanwhile arrives.
    pub fn focus_is_heard_again(&mut self) {
        self.cut = false;
        for label in OWN {
            self.server.resume(self.now, label);
        }
        self.catch_up(&OWN);
        self.pump();
    }

    /// Its session ended, and it logs in anew: it is in no room. So it does on the connection to the bridges, if that ended, too.
    pub fn focus_logs_in_anew(&mut self) {
        self.cut = false;
        self.forget_unsent(&OWN);
        for label in OWN {
            self.server.disconnect(self.now, label);
        }
        self.log_in_focus();
        self.pump();
    }

    /// The focus' streams break, and its sessions are gone with them.
    pub fn focus_is_disconnected(&mut self) {
        self.cut = true;
        for label in OWN {
            self.server.disconnect(self.now, label);
        }
        self.feed(Input::Disconnected { on: Connection::Client, resumable: false });
        self.forget_unsent(&OWN);
        if self.config.xmpp.service.is_some() {
            self.service_is_disconnected();
        }
        self.pump();
    }

    /// The connection to the bridges breaks, where they have one of their own; the server keeps its session for a while.
    pub fn service_is_cut_off(&mut self) {
        self.service_falls_silent();
        self.feed(Input::Disconnected { on: Connection::Service, resumable: true });
        self.pump();
    }

    /// The way is gone, and neither end knows: what is said there waits.
    pub fn service_falls_silent(&mut self) {
        self.service_cut = true;
        self.server.suspend(SERVICE);
    }

    /// It breaks, and its session is gone with it.
    pub fn service_is_disconnected(&mut self) {
        self.service_cut = true;
        self.server.disconnect(self.now, SERVICE);
        self.feed(Input::Disconnected { on: Connection::Service, resumable: false });
        self.forget_unsent(&[SERVICE]);
        self.pump();
    }

    pub fn service_resumes(&mut self) {
        self.feed(Input::Connected { on: Connection::Service, jid: self.service_jid(), resumed: true });
        self.service_is_heard_again();
    }

    /// The way is there again; what was said meanwhile arrives.
    pub fn service_is_heard_again(&mut self) {
        self.service_cut = false;
        self.server.resume(self.now, SERVICE);
        self.catch_up(&[SERVICE]);
        self.pump();
    }

    /// Its session ended, and it logs in anew.
    pub fn service_logs_in_anew(&mut self) {
        self.service_cut = false;
        self.forget_unsent(&[SERVICE]);
        self.server.disconnect(self.now, SERVICE);
        let jid = self.service_jid();
        self.server.connect(SERVICE, jid.as_ref(), true);
        self.feed(Input::Connected { on: Connection::Service, jid, resumed: false });
        self.pump();
    }

    /// The component's stream ends, and nothing else. Components have no sessions to be resumed.
    pub fn component_is_disconnected(&mut self) {
        self.component_cut = true;
        self.server.disconnect(self.now, "focus/component");
        self.feed(Input::Disconnected { on: Connection::Component, resumable: false });
        self.pump();
    }

    pub fn component_returns(&mut self) {
        self.component_cut = false;
        self.server.connect("focus/component", &self.server.options.domains.focus.clone(), false);
        let jid = self.server.options.domains.focus.parse().expect("a JID");
        self.feed(Input::Connected { on: Connection::Component, jid, resumed: false });
        self.pump();
    }

    fn service_jid(&self) -> jicofo::wire::Jid {
        let service = self.config.xmpp.service.as_ref().expect("a connection to the bridges");
        format!("{}@{}/{}", service.username, service.domain, service.resource).parse().expect("a JID")
    }

    /// The focus is killed, and another one takes its place: it knows nothing.
    pub fn focus_is_replaced(&mut self) {
        self.seed += 1;
        self.end_recording();
        self.focus = Focus::new(self.config.clone(), self.seed);
        log::info!(target: FRESH_FOCUS, "from here on it is another process");
        self.sabotage = None;
        if !self.recordings.is_empty() {
            self.recordings.push(Recording::new(self.config.clone(), self.seed));
        }
        for node in self.nodes() {
            self.server.disconnect(self.now, &driver::label_of(Connection::Visitors(node)));
        }
        self.unsent.clear();
        self.server.disconnect(self.now, SERVICE);
        self.focus_logs_in_anew();
        self.nodes_cut.clear();
        self.component_cut = false;
        self.log_in_nodes();
    }

    /// What waited for these connections is sent. Each has a queue of its own.
    fn catch_up(&mut self, labels: &[&str]) {
        let (due, rest) =
            std::mem::take(&mut self.unsent).into_iter().partition(|(label, _)| labels.contains(&label.as_str()));
        self.unsent = rest;
        let due: Vec<_> = due;
        for (label, stanza) in due {
            self.says(&label, stanza);
        }
    }

    /// What waited for these connections is lost: their sessions are over.
    fn forget_unsent(&mut self, labels: &[&str]) {
        self.unsent.retain(|(label, _)| !labels.contains(&label.as_str()));
    }

    /// Whether the focus has a session on that visitor node, be it cut off.
    pub fn is_on_node(&self, node: NodeId) -> bool {
        self.server.is_connected(&driver::label_of(Connection::Visitors(node)))
    }

    /// The connection to a visitor node breaks; the server keeps its session for a while.
    pub fn node_is_cut_off(&mut self, node: NodeId) {
        self.nodes_cut.insert(node);
        self.server.suspend(&driver::label_of(Connection::Visitors(node)));
        self.feed(Input::Disconnected { on: Connection::Visitors(node), resumable: true });
        self.pump();
    }

    pub fn node_resumes(&mut self, node: NodeId) {
        let jid = self.node_jid(node);
        self.feed(Input::Connected { on: Connection::Visitors(node), jid, resumed: true });
        self.nodes_cut.remove(&node);
        let label = driver::label_of(Connection::Visitors(node));
        self.server.resume(self.now, &label);
        self.catch_up(&[&label]);
        self.pump();
    }

    /// Its session ended, and the focus logs in there anew: it is in no room.
    pub fn node_logs_in_anew(&mut self, node: NodeId) {
        self.nodes_cut.remove(&node);
        let label = driver::label_of(Connection::Visitors(node));
        self.forget_unsent(&[&label]);
        self.server.disconnect(self.now, &label);
        self.log_in_node(node);
    }

    /// The time as the focus knows it.
    pub fn timestamp(&self) -> Timestamp {
        driver::timestamp(self.now)
    }

    /// A connection tells something of itself: trouble, or that it is over.
    pub fn connection_tells(&mut self, input: Input) {
        self.feed(input);
        self.pump();
    }

    /// The focus is told to stop.
    pub fn stop_focus(&mut self) {
        self.feed(Input::Stop);
        self.pump();
    }

    /// It has stopped, and its streams are closed: nobody is there until [`Scenario::focus_is_replaced`].
    pub fn focus_is_gone(&mut self) {
        self.cut = true;
        self.service_cut = self.config.xmpp.service.is_some();
        self.nodes_cut.extend(self.nodes());
        let nodes = self.nodes().into_iter().map(|node| driver::label_of(Connection::Visitors(node)));
        let labels: Vec<String> = OWN.into_iter().chain([SERVICE]).map(str::to_owned).chain(nodes).collect();
        for label in labels {
            self.server.disconnect(self.now, &label);
        }
    }

    /// The room of the bridges.
    pub fn brewery(&self) -> String {
        format!("jvbbrewery@{}", self.server.options.domains.internal_muc)
    }

    /// What the core, and each that took its place, was fed and said.
    pub fn take_recordings(&mut self) -> Vec<Recording> {
        self.end_recording();
        std::mem::take(&mut self.recordings)
    }

    fn end_recording(&mut self) {
        if let Some(recording) = self.recordings.last_mut() {
            recording.ends(self.focus.metrics());
        }
    }

    /// Makes the core fail when it sends so many more stanzas. The next input may cost a conference, and no more.
    pub fn sabotage(&mut self, stanzas: u32) {
        self.sabotage = Some(stanzas);
        self.focus.sabotage(stanzas);
    }

    /// What it was told to do later it will not do.
    pub fn take_back_sabotage(&mut self) {
        self.sabotage(u32::MAX);
    }

    /// And then so many times more. Not for a scenario that is recorded.
    pub fn sabotage_again(&mut self, stanzas: u32, times: u32) {
        assert!(self.recordings.is_empty(), "what is recorded could not be played again");
        self.focus.sabotage(stanzas);
        self.focus.sabotage_again(times);
    }

    /// Has the core look over the next conference, if it is time.
    pub fn look_over(&mut self) {
        self.focus.look_over();
    }

    /// Makes something wrong in the state of a room's conference. Not for a scenario that is recorded.
    pub fn spoil(&mut self, room: &str, flaw: Flaw) {
        assert!(self.recordings.is_empty(), "what is recorded could not be played again");
        self.focus.spoil(room, flaw);
    }

    /// The same beside it.
    pub fn lead_astray(&mut self, room: &str, stray: Stray) {
        assert!(self.recordings.is_empty(), "what is recorded could not be played again");
        self.focus.lead_astray(room, stray);
    }

    /// How often the core has failed.
    pub fn failures(&self) -> usize {
        self.failures
    }

    /// The room whose conference has ended because the core failed at its last input.
    pub(crate) fn failed_in(&self) -> Option<&str> {
        self.failed_in.as_deref()
    }

    /// How many inputs the core has had.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The server; it may be looked at while others are changed.
    pub fn view_server(&self) -> &Server {
        &self.server
    }

    pub fn now(&self) -> Time {
        self.now
    }

    pub fn room(&self) -> &str {
        &self.room
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn focus(&self) -> &Focus {
        &self.focus
    }

    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// What becomes of the next `times` stanzas that `when` is true of, on their way to a peer.
    pub fn accident(&mut self, times: usize, fate: Fate, when: impl Fn(&Delivery) -> bool + 'static) {
        self.server.rule(times, fate, when);
    }

    /// Something that a peer sends, as XML, right or wrong.
    pub fn inject(&mut self, from: &str, xml: &str) {
        let stanza = crate::xml::parse(xml).expect("well-formed XML");
        self.server.receive(self.now, from, stanza);
        self.pump();
    }

    /// Something that the focus reads at once, also while it is not logged in: what stands in front of the answer to its bind
    /// request.
    pub fn early(&mut self, xml: &str) {
        let stanza = crate::xml::parse(xml).expect("well-formed XML");
        self.hand_to_focus(Connection::Client, &stanza);
        self.pump();
    }

    /// Text that the focus reads at once, also what no peer of the kit could write.
    pub fn reads(&mut self, xml: &str) {
        self.hand_text_to_focus(Connection::Client, xml);
        self.pump();
    }

    /// The log: everything that reached a peer.
    pub fn log(&self) -> Query<'_> {
        Query::of(&self.log)
    }

    /// What the focus sent to its server, as it left it: also what reached no peer.
    pub fn said(&self) -> Query<'_> {
        Query::of(&self.said)
    }

    /// What reached that peer.
    pub fn sent_to(&self, label: &str) -> Query<'_> {
        self.log().to(label)
    }

    /// What that peer sent and somebody got; `focus` too.
    pub fn sent_by(&self, label: &str) -> Query<'_> {
        self.log().from(label)
    }

    pub fn all_connected(&self) -> bool {
        self.participants.values().all(|p| p.place() == Place::Left || p.connected())
    }

    pub fn connected(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.view(name).connected())
    }

    /// Runs until `done`; panics with the end of the log if it does not come to pass.
    #[track_caller]
    pub fn run_until(&mut self, done: impl Fn(&Scenario) -> bool) {
        let end = self.now + PATIENCE;
        self.pump();
        while !done(self) {
            if self.next_time().is_none_or(|at| at > end) {
                panic!("waited in vain until {:?}\n{}\n{}", self.now, self.complaints().join("\n"), self.story());
            }
            self.step(end);
        }
    }

    /// Runs for so long.
    pub fn run_for(&mut self, time: Time) {
        let end = self.now + time;
        self.pump();
        while self.step(end) {}
        self.now = end;
    }

    /// Gives everything under way the time to arrive.
    pub fn settle(&mut self) {
        self.run_for(SETTLING);
    }
}
