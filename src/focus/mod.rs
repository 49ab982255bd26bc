//! The core: a state machine without I/O, clock, threads or hidden randomness (docs/ARCHITECTURE.md).
//!
//! Here an input finds the room that owns it. No decisions.

pub mod audit;
pub mod auth;
pub mod brewery;
pub mod bridges;
mod caps;
pub mod colibri;
pub mod command;
mod components;
pub mod conference;
mod context;
mod counted;
pub mod debug;
mod diagnosis;
mod doors;
#[cfg(feature = "sabotage")]
pub mod flaws;
mod floods;
pub mod health;
mod ids;
pub mod metrics;
mod moving;
mod owed;
mod own;
mod pace;
mod pending;
pub mod pins;
pub mod problems;
pub mod request;
mod routes;
mod seat;
pub mod size;
pub mod sources;
mod story;
mod table;
pub mod time;
mod timers;
pub mod visitors;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use self::audit::LookOver;
use self::brewery::{Brewery, Watch, Worker};
use self::bridges::health::CheckResult;
use self::bridges::registry::{BridgeId, HealthStep};
use self::bridges::status::BridgeStatus;
use self::command::{Command, CommandId, Refusal, Reply};
use self::components::Components;
use self::conference::{Conference, ConferenceId, Leave};
use self::context::{Asked, Context, NICK};
use self::diagnosis::Strangers;
use self::doors::Doors;
use self::health::Health;
use self::moving::Redistribution;
use self::pending::{Answer, PendingId, Then};
use self::problems::{Kind, Problems};
use self::seat::{Seat, SeatOwner};
use self::story::Came;
use self::table::Conferences;
use self::timers::Timer;
use crate::config::Config;
use crate::wire::Jid;
use crate::wire::stanza::{IqBody, Payload, Stanza};
use crate::wire::values::Condition;
pub use ids::Seed;
pub use own::VERSION;
pub use time::Timestamp;

/// One of the focus' connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Connection {
    /// The focus user: rooms and participants, and everything that has no connection of its own.
    Client,
    /// Bridges and recorders, if they are on another server.
    Service,
    /// `focus.<domain>` of the classic wiring.
    Component,
    /// The rooms and visitors of a visitor node.
    Visitors(NodeId),
}

/// A visitor node, by its place among those that are configured and enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// Its name in the configuration.
    fn configured(self, config: &Config) -> &str {
        config.xmpp.visitors.keys().nth(usize::from(self.0)).map_or("?", String::as_str)
    }
}

impl Connection {
    /// What people call it.
    pub fn name(self, config: &Config) -> String {
        match self {
            Connection::Client => "client connection".to_owned(),
            Connection::Service => "service connection".to_owned(),
            Connection::Component => "component connection".to_owned(),
            Connection::Visitors(node) => format!("connection of visitor node {}", node.configured(config)),
        }
    }

    /// Its place among all.
    fn index(self) -> usize {
        match self {
            Connection::Client => 0,
            Connection::Service => 1,
            Connection::Component => 2,
            Connection::Visitors(NodeId(node)) => 3 + usize::from(node),
        }
    }

    fn node(self) -> Option<NodeId> {
        match self {
            Connection::Visitors(node) => Some(node),
            _ => None,
        }
    }

    /// What monitoring calls it.
    pub fn short_name(self, config: &Config) -> String {
        match self {
            Connection::Client => "client".to_owned(),
            Connection::Service => "service".to_owned(),
            Connection::Component => "component".to_owned(),
            Connection::Visitors(node) => node.configured(config).to_owned(),
        }
    }
}

/// What happens to the core.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Logged in, as `jid`. `resumed`: the server kept our session, and nothing was lost; otherwise we are in no room.
    Connected {
        on: Connection,
        jid: Jid,
        resumed: bool,
    },
    /// The connection is lost. `resumable`: the session may yet be resumed.
    Disconnected {
        on: Connection,
        resumable: bool,
    },
    /// It can't be made, not be kept, or not be used as it should, for this reason. Told in the log already.
    Trouble {
        on: Connection,
        kind: Kind,
        text: String,
    },
    /// What such trouble was is over.
    Relief {
        on: Connection,
        kind: Kind,
    },
    /// Nothing is heard of the server, though it was asked; the way to it may be gone. Or it has said something again.
    Quiet {
        on: Connection,
        quiet: bool,
    },
    /// The server speaks, but is behind: it has not taken what was said after `taken`. Or it has caught up with what was said until
    /// then.
    Behind {
        on: Connection,
        behind: bool,
        taken: Timestamp,
    },
    Stanza {
        on: Connection,
        stanza: Stanza,
    },
    /// The time of [`Focus::poll_timeout`] has come.
    Tick,
    /// An operator wants something done or told.
    Command {
        id: CommandId,
        command: Command,
    },
    /// Leave everything in order: conferences are expired on their bridges and rooms are left.
    Stop,
}

/// What the core wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Send {
        on: Connection,
        stanza: Stanza,
    },
    /// To [`Input::Command`].
    Reply {
        id: CommandId,
        reply: Reply,
    },
}

impl Output {
    /// What goes out on a connection.
    pub fn stanza(&self) -> Option<&Stanza> {
        match self {
            Output::Send { stanza, .. } => Some(stanza),
            Output::Reply { .. } => None,
        }
    }
}

/// The whole focus.
///
/// - Feed: [`Focus::handle`] takes one input at a time, with the time at which it came. Times never run backwards.
/// - Drain: after each input call [`Focus::poll_output`] until it is empty, and carry out what it says in that order.
/// - Wake: then call [`Focus::poll_timeout`] and come back with [`Input::Tick`] at that time, unless an input comes before.
/// - Ask: [`Focus::metrics`], [`Focus::gauges`] and [`Focus::bridges`] at any time.
pub struct Focus {
    cx: Context,
    conferences: Conferences,
    breweries: BTreeMap<Worker, Brewery>,
    watch: Watch,
    components: Components,
    stopping: bool,
    /// The request that is being handled: whoever asks is answered even then.
    asked: Option<Asked>,
    /// The command that is being carried out: it is answered even then.
    commanded: Option<CommandId>,
    /// What is being done because a connection has come to stand: it is done to its end even then.
    arrival: Option<routes::Arrival>,
    redistribution: Redistribution,
    strangers: Strangers,
    health: Health,
    doors: Doors,
    looked: LookOver,
    #[cfg(feature = "sabotage")]
    last_stories: audit::LastStories,
}

impl Focus {
    /// `seed` decides every identifier that the focus will make up; take it from the system's randomness.
    pub fn new(config: Arc<Config>, seed: impl Into<Seed>) -> Focus {
        let cx = Context::new(config, seed.into());
        let breweries = brewery::all(NICK, &cx.config);
        Focus {
            cx,
            conferences: Conferences::default(),
            breweries,
            watch: Watch::default(),
            components: Components::default(),
            stopping: false,
            asked: None,
            commanded: None,
            arrival: None,
            redistribution: Redistribution::default(),
            strangers: Strangers::default(),
            health: Health::default(),
            doors: Doors::default(),
            looked: LookOver::default(),
            #[cfg(feature = "sabotage")]
            last_stories: audit::LastStories::default(),
        }
    }

    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.cx.now = self.cx.now.max(now);
        self.cx.problems.age(self.cx.now);
        if self.cx.metrics.started.is_none() {
            self.cx.metrics.started = Some(self.cx.now);
            self.cx.bridges_hidden = Some(self.cx.now);
            self.watch_health();
        }
        match input {
            Input::Connected { on, jid, resumed } => self.connected(on, jid, resumed),
            Input::Disconnected { on, resumable } => self.disconnected(on, resumable),
            Input::Trouble { on, kind, text } => {
                let name = on.name(&self.cx.config);
                _ = self.cx.problems.note(self.cx.now, kind, &name, || text);
            }
            Input::Relief { on, kind } => self.cx.problems.solve(kind, &on.name(&self.cx.config)),
            Input::Quiet { on, quiet } => self.quiet(on, quiet),
            Input::Behind { on, behind, taken } => self.behind(on, behind, taken),
            Input::Stanza { on, stanza } => self.stanza(on, stanza),
            Input::Tick => {}
            Input::Command { id, command } => self.command(id, command),
            Input::Stop => self.stop(),
        }
        self.asked = None;
        self.run_due();
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.cx.pop_output()
    }

    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let bridges = self.cx.bridges.poll_timeout();
        [self.cx.timers.next(), bridges].into_iter().flatten().min()
    }

    /// What is wrong around the focus right now.
    pub fn problems(&self) -> &Problems {
        &self.cx.problems
    }

    /// How each bridge is doing, by address.
    pub fn bridges(&self) -> Vec<BridgeStatus> {
        self.cx.bridges.status(self.cx.now, &self.cx.config.bridge)
    }

    /// What is known of a room by its metadata, and by its form where there is none. None: there is no conference in it.
    pub fn metadata_of(&self, room: &str) -> Option<&conference::metadata::RoomMetadata> {
        Some(self.conferences.get(self.conferences.id_of_text(room)?)?.room_metadata())
    }

    /// To be called after [`Focus::handle`] panicked, which it does outside of conferences only: what may have been left
    /// undone is done again; of a stop, too. The rest goes on.
    pub fn recover(&mut self, now: Timestamp) {
        self.cx.now = self.cx.now.max(now);
        self.cx.metrics.panics += 1;
        self.answer_failed();
        self.reply(Reply::Refused(Refusal::Failed));
        match self.stopping {
            // To leave twice harms nobody; to come back would.
            true => self.stop(),
            false => {
                // Whatever is broken, the connection stands, and is used.
                if catch_unwind(AssertUnwindSafe(|| self.arrive())).is_err() {
                    self.cx.metrics.panics += 1;
                    self.stand();
                }
                self.restore();
            }
        }
    }

    /// Lets a conference act, and clears it away if that was its end. If it fails, it ends, and nothing else does: whatever
    /// others have yet to be told in the same turn they are told.
    fn with_conference(&mut self, id: ConferenceId, act: impl FnOnce(&mut Conference, &mut Context)) {
        let Some(conference) = self.conferences.get_mut(id) else { return };
        let first = self.cx.outputs().len();
        let failed = catch_unwind(AssertUnwindSafe(|| act(conference, &mut self.cx))).is_err();
        for stanza in self.cx.outputs().range(first..).filter_map(Output::stanza) {
            conference.story.went(self.cx.now, stanza);
        }
        if failed {
            self.conference_failed(id);
        } else if conference.has_ended() {
            self.clear_away(id);
        } else if conference.is_check && conference.is_inside() {
            self.check_entered(id);
        }
    }

    /// The room is told by our leave.
    fn conference_failed(&mut self, id: ConferenceId) {
        self.cx.metrics.panics += 1;
        // While we are in the room: otherwise it would not let the answer through.
        if catch_unwind(AssertUnwindSafe(|| self.answer_failed())).is_err() {
            self.cx.metrics.panics += 1;
        }
        let Some(conference) = self.conferences.get_mut(id) else { return };
        log::error!(
            room:% = conference.room, meeting_id:% = conference.meeting;
            "the conference ends because of an error of ours. What led to it:\n{}",
            conference.story
        );
        // What the first attempt did not come to, the second does: what is done is not there to be done again.
        let mut ends = || catch_unwind(AssertUnwindSafe(|| conference.end(&mut self.cx, Leave::Room))).is_ok();
        let failures = if ends() { 0 } else { 1 + u64::from(!ends()) };
        self.cx.metrics.panics += failures;
        if failures == 2 {
            log::error!(
                room:% = conference.room, meeting_id:% = conference.meeting; "and it could not be ended in order"
            );
            self.cx.forget_failed(id);
        }
        self.clear_away(id);
    }

    /// Whoever asked when it failed is told so, unless he has his answer, or gets it from a conference.
    fn answer_failed(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        let is_answer = |output: &Output| match (output, asked.command) {
            (Output::Reply { id, .. }, Some(command)) => *id == command,
            (Output::Send { stanza: Stanza::Iq(iq), .. }, None) => iq.id == asked.id && iq.to == asked.from,
            _ => false,
        };
        let answered = self.cx.outputs().iter().any(is_answer);
        if !answered && !self.conferences.iter().any(|conference| conference.has_asker(&asked)) {
            self.cx.answer_error(asked, Condition::InternalServerError, "");
        }
    }

    /// For the story of a conference.
    fn note(&mut self, id: ConferenceId, came: Came<'_>) {
        let now = self.cx.now;
        if let Some(conference) = self.conferences.get_mut(id) {
            conference.story.came(now, came);
        }
    }

    fn clear_away(&mut self, id: ConferenceId) {
        let Some(conference) = self.conferences.remove(id) else { return };
        if conference.is_check {
            return self.check_conference_ended(&conference);
        }
        self.cx.metrics.conferences_ended += 1;
        self.cx.metrics.conferences_micros += metrics::micros(self.cx.now.since(conference.created));
        self.sessions_of_conference_end(&conference);
        let main = conference.main_room().and_then(|room| self.conferences.id_of(room));
        #[cfg(feature = "sabotage")]
        self.last_stories.keep(conference.room.to_string(), conference.story);
        if let Some(main) = main {
            self.with_conference(main, |conference, cx| conference.breakout_ended(cx));
        }
    }

    fn run_due(&mut self) {
        while let Some(timer) = self.cx.timers.pop_due(self.cx.now) {
            self.due(timer);
        }
        if self.cx.bridges.poll_timeout().is_some_and(|at| at <= self.cx.now) {
            let reachable = self.are_bridges_reachable();
            let steps = self.cx.bridges.poll_health(self.cx.now, reachable, &self.cx.config.bridge);
            self.health_steps(steps);
        }
    }

    fn due(&mut self, timer: Timer) {
        // While no bridge can be reached, or others have their say, to tell one again is put off.
        let is_put_off = matches!(timer, Timer::Repeat(_))
            && !(self.are_bridges_reachable() && self.cx.repeat_pace.may(self.cx.now));
        if let Some(id) = timer.conference().filter(|_| !is_put_off) {
            self.note(id, Came::Due(&timer));
        }
        match timer {
            Timer::NoAnswer(id) => self.not_answered(id),
            Timer::EntryTimeout(id) => self.with_conference(id, Conference::entry_timed_out),
            Timer::MirrorTimeout(id, mirror) => self.with_conference(id, |conference, cx| {
                conference.mirror_step(cx, mirror, Seat::entry_timed_out);
            }),
            Timer::MirrorIdle(id, mirror) => {
                self.with_conference(id, |conference, cx| conference.mirror_idle(cx, mirror))
            }
            Timer::VisitorCount(id) => self.with_conference(id, Conference::visitor_count_rested),
            Timer::MetadataTimeout(id) => self.with_conference(id, Conference::metadata_timed_out),
            Timer::NobodyCame(id) => self.with_conference(id, Conference::nobody_came),
            Timer::Alone(id) => self.with_conference(id, Conference::alone_for_long),
            Timer::ElectOwner(id) => self.with_conference(id, Conference::election_due),
            Timer::SenderLimits(id) => self.with_conference(id, Conference::limits_rested),
            Timer::Mutes(id, media) => self.with_conference(id, |conference, cx| conference.mutes_rested(cx, media)),
            Timer::Signal(id, member) => self.with_conference(id, |conference, cx| conference.flush(cx, member)),
            Timer::FindPlace(id, member) => {
                self.with_conference(id, |conference, cx| conference.find_place(cx, member))
            }
            Timer::Move => self.move_some(),
            Timer::SeekBridge(id) => self.with_conference(id, Conference::seek_bridge),
            Timer::Repeat(id) => {
                let reachable = self.are_bridges_reachable();
                self.with_conference(id, |conference, cx| conference.repeat(cx, reachable));
            }
            Timer::Reinvite(id, member) => {
                self.with_conference(id, |conference, cx| conference.held_long_enough(cx, member));
            }
            Timer::GraceOver(on) => self.grace_over(on),
            Timer::JoinBrewery(worker) => self.join_brewery(worker),
            Timer::BreweryTimeout(worker) => self.brewery_timed_out(worker),
            Timer::BreweryQuiet(worker) => self.brewery_may_be_quiet(worker),
            Timer::BreweryEmpty => self.brewery_is_empty(),
            Timer::DiscoverComponents => {
                self.discover_components();
                self.ask_proxy();
            }
            Timer::Redistribute => self.redistribute(),
            Timer::SessionsExpire => self.sessions_expire(),
            Timer::CheckHealth => self.health_due(),
        }
    }

    fn not_answered(&mut self, id: PendingId) {
        // It has not got to whoever is asked. He has the whole time from then on.
        if let Some(on) = self.cx.untaken(id) {
            return self.cx.wait_anew(on, id);
        }
        // A node hears of the end when our connection is back, and is given up when that has begun anew. To leave before would
        // bring its visitors back again and again.
        if let Some(on) = self.cx.pending.departure_on(id).filter(|on| !self.cx.may_answer(*on)) {
            return self.cx.wait_anew(on, id);
        }
        if let Some((then, _)) = self.cx.pending.take(id) {
            let unheard = then.is_for_bridge() && !self.are_bridges_reachable();
            self.answered(then, if unheard { Answer::Unheard } else { Answer::None });
        }
    }

    /// An answer, or that there was none, goes to whoever asked.
    fn answered(&mut self, then: Then, answer: Answer) {
        // First: whatever fails now, it is not handed on again.
        self.cx.pending.ends(&answer);
        if let Some(id) = then.conference() {
            self.note(id, answer.came(&then));
        }
        match then {
            Then::Components => self.components_answered(answer),
            Then::Proxy => self.proxy_answered(&answer),
            Then::Roster => self.roster_answered(&answer),
            Then::MucDomain(on, domain) => self.muc_domain_answered(on, &domain, &answer),
            Then::RoomForm(SeatOwner::Mirror(id, mirror)) => self.with_conference(id, |conference, cx| {
                conference.mirror_step(cx, mirror, |seat| seat.form_answered(answer));
            }),
            Then::RoomConfigured(SeatOwner::Mirror(id, mirror)) => self.with_conference(id, |conference, cx| {
                conference.mirror_step(cx, mirror, |seat| seat.configured(answer));
            }),
            Then::NodeConnected(id, mirror) => {
                self.with_conference(id, |conference, cx| conference.node_connected(cx, mirror, &answer));
            }
            Then::NodesDisconnected(departure) => self.cx.depart(departure),
            Then::NodeDisconnected(id, node, departure) => {
                // Due first: after a failure half way it is left all the same.
                self.cx.departures.are_due(departure);
                self.with_conference(id, |conference, cx| conference.node_disconnected(cx, node, &answer));
                self.cx.depart_again();
            }
            Then::RoomForm(SeatOwner::Brewery(worker)) => self.brewery_form_answered(worker, answer),
            Then::RoomConfigured(SeatOwner::Brewery(worker)) => self.brewery_configured(worker, answer),
            Then::RoomForm(SeatOwner::Conference(id)) => {
                self.with_conference(id, |conference, cx| conference.form_answered(cx, answer));
            }
            Then::RoomConfigured(SeatOwner::Conference(id)) => {
                self.with_conference(id, |conference, cx| conference.configured(cx, answer));
            }
            Then::RoomReread(id) => self.with_conference(id, |conference, _| conference.reread(answer)),
            Then::Granted(id, member) => self.with_conference(id, |conference, _| conference.granted(member, &answer)),
            Then::Features(query) => {
                let meeting_of = |id| self.conferences.get(id).map(|conference| conference.meeting.clone());
                for ((id, member), features) in caps::answered(&mut self.cx, query, answer, meeting_of) {
                    self.with_conference(id, |conference, cx| conference.features_known(cx, member, features));
                }
            }
            Then::Offered(id, member, attempt) => {
                self.with_conference(id, |conference, cx| conference.offer_answered(cx, member, attempt, answer));
            }
            Then::Allocated(id, key, endpoint, creates) => {
                self.with_conference(id, |conference, cx| conference.allocated(cx, key, endpoint, creates, &answer));
            }
            Then::RelayMade(id, relay) => {
                self.with_conference(id, |conference, cx| conference.relay_made(cx, relay, &answer));
            }
            Then::RelayTold(id, key, linked) => {
                self.with_conference(id, |conference, cx| conference.relay_told(cx, key, linked, &answer));
            }
            Then::EndpointUpdated(id, key, endpoint, told) => self.with_conference(id, |conference, cx| {
                conference.endpoint_updated(cx, key, endpoint, told, &answer);
            }),
            Then::ForceMuted(id, key, endpoints) => {
                self.with_conference(id, |conference, cx| conference.force_muted(cx, key, &endpoints, &answer));
            }
            Then::EndpointExpired(id, key, endpoint, nick) => self.with_conference(id, |conference, cx| {
                conference.endpoint_expired(cx, key, (endpoint, nick), &answer);
            }),
            Then::IceRestarted(id, key, endpoint, number) => self.with_conference(id, |conference, cx| {
                conference.ice_restarted(cx, key, (endpoint, number), &answer);
            }),
            Then::Expired(bridge, over) => self.let_go(&bridge, over, &answer),
            Then::Checked(bridge) => self.checked(&bridge, &answer),
            Then::PlaceAsked(worker, stay) => self.place_answered(worker, stay, &answer),
            Then::Pinged => self.pinged(&answer),
            Then::Nothing => {}
        }
    }

    /// A domain said whether it hosts rooms. One that does not fails whoever is entering a room there.
    fn muc_domain_answered(&mut self, on: Connection, domain: &str, answer: &Answer) {
        let hosts_rooms = matches!(answer, Answer::Result(Some(Payload::DiscoInfo(info)))
            if info.features.iter().any(|feature| feature.var == crate::wire::ns::MUC));
        if hosts_rooms {
            if on.node().is_none() {
                self.cx.problems.solve(Kind::NoMuc, domain);
            }
            return;
        }
        self.cx.forget_muc_domain(on, domain);
        // Silence is no answer to this question: whether a room there answers will show.
        if matches!(answer, Answer::None) {
            return;
        }
        if let Some(node) = on.node() {
            let there = self.cx.mirrors.iter().filter(|(_, at, room)| *at == node && room.domain() == domain);
            let there: Vec<ConferenceId> = there.map(|(id, ..)| id).collect();
            for id in there {
                self.with_conference(id, |conference, cx| conference.no_such_mirror(cx, node));
            }
            return;
        }
        self.cx.problems.raise(self.cx.now, Kind::NoMuc, domain, || {
            format!(
                "{domain} hosts no rooms; nobody can meet there; load the component in Prosody (Component \"{domain}\" \
                 \"muc\"), or correct the domain that clients use (hosts.muc in config.js)"
            )
        });
        for id in self.conferences.in_domain(domain) {
            self.with_conference(id, Conference::no_such_service);
        }
    }

    fn checked(&mut self, bridge: &BridgeId, answer: &Answer) {
        let result = match answer {
            Answer::Result(_) => CheckResult::Passed,
            Answer::Error(error) => CheckResult::Error(error.condition),
            Answer::None => CheckResult::Timeout,
            Answer::Unheard => CheckResult::NotConnected,
        };
        self.note_check(bridge, result);
        let steps = self.cx.bridges.check_ended(self.cx.now, bridge, result, &self.cx.config.bridge);
        self.health_steps(steps);
    }

    /// Checks of bridges that were never sent, though they count as under way.
    fn give_up_checks(&mut self) {
        let under_way: Vec<BridgeId> = self
            .cx
            .bridges
            .checked()
            .filter(|bridge| {
                !self.cx.pending.iter().any(|(then, _)| matches!(then, Then::Checked(id) if id == *bridge))
            })
            .cloned()
            .collect();
        for bridge in under_way {
            let steps =
                self.cx.bridges.check_ended(self.cx.now, &bridge, CheckResult::NotConnected, &self.cx.config.bridge);
            self.health_steps(steps);
        }
    }

    fn health_steps(&mut self, steps: Vec<HealthStep>) {
        for step in steps {
            match step {
                HealthStep::Ask(bridge) => {
                    let body = IqBody::Get(Payload::Healthcheck(crate::wire::stanza::Healthcheck {}));
                    let on = self.cx.bridge_connection();
                    let to = bridge.jid.clone();
                    self.cx.request(on, to, body, Then::Checked(bridge));
                }
                HealthStep::Event(event) => self.bridge_events([event]),
            }
        }
    }

    /// The process is asked to stop: bridges are told to let go, rooms are left, nothing new is begun.
    fn stop(&mut self) {
        self.stopping = true;
        for id in self.conferences.ids() {
            self.with_conference(id, |conference, cx| conference.end(cx, Leave::Room));
        }
        // Nobody will be there for an answer.
        for departure in self.cx.departures.ids() {
            self.cx.depart(departure);
        }
        self.leave_breweries();
        for on in self.accounts() {
            if self.cx.is_connected(on) {
                self.take_leave(on);
            }
        }
    }
}
