//! The shell around the core: brings it what happens, with the time, and carries out what it says.
//!
//! One thread runs everything. Nothing is decided here.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::Config;
use crate::focus::command::CommandId;
use crate::focus::{Connection, Focus, Input, NodeId, Output, Seed, Timestamp};
use crate::http::{Call, Server, Serving, Waiting};
use crate::measure::Histogram;
use crate::wire::Jid;
use crate::wire::stanza::{IqBody, Stanza};
use crate::wire::values::StanzaId;
use crate::xmpp::{self, EVENT_QUEUE, Event, Handle, SessionId};

/// How long an orderly end may take (spec/80 §7).
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Once that many stanzas are to be sent they are, before further events are looked at: a write of some hundred kB, and
/// far from what may wait for a connection.
const TURN: usize = 256;

/// `JICOFO_MEASURE=1`: the time from a stanza to what it causes is counted, and printed at the end.
const MEASURE: &str = "JICOFO_MEASURE";

/// What decides identifiers that nobody may guess.
const RANDOMNESS: &str = "/dev/urandom";

/// Exit codes, spec/80 §7.
const STARTED_NOT: u8 = 1;
const TERMINATED: u8 = 143;
const INTERRUPTED: u8 = 130;

/// Runs the focus until a signal ends it. SIGHUP does `on_hang_up`.
pub fn run(config: Arc<Config>, on_hang_up: impl FnMut()) -> ExitCode {
    let resolvers = connections(&config).count();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(resolvers).build();
    let code = match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(serve(config, on_hang_up));
            // A name that is just being resolved shall not hold up the end.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            log::error!("Cannot start: the system gives no event queue ({error})");
            STARTED_NOT
        }
    };
    ExitCode::from(code)
}

/// As [`run`], on a runtime that is there. The exit code.
pub async fn serve(config: Arc<Config>, on_hang_up: impl FnMut()) -> u8 {
    let mut signals = match Signals::new(on_hang_up) {
        Ok(signals) => signals,
        Err(error) => {
            log::error!("Cannot start: signals cannot be received ({error})");
            return STARTED_NOT;
        }
    };
    let seed = match seed() {
        Ok(seed) => seed,
        Err(error) => {
            log::error!("Cannot start: the system gives no random numbers ({RANDOMNESS}: {error})");
            return STARTED_NOT;
        }
    };
    // Before anybody is told that there is a focus: where it can't run as it is meant to, it does not begin to.
    let mut http = match Server::bind(&config).await {
        Ok(server) => server.map(|server| server.serve(config.clone())),
        Err(error) => {
            log::error!("PROBLEM rest-port: Cannot start: {error}");
            return STARTED_NOT;
        }
    };
    let latency = std::env::var_os(MEASURE).is_some_and(|value| value == "1").then(Arc::<Histogram>::default);
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let mut shell = Shell::new(config, seed, &sender, latency.clone());

    // What counts from the start on counts from now on.
    shell.handle(Input::Tick, None);
    let first = loop {
        let wake = shell.focus.poll_timeout().map(|time| shell.clock.instant(time));
        tokio::select! {
            biased;
            signal = signals.next() => break signal,
            Some((on, event)) = events.recv() => {
                let mut caused = shell.event(on, event);
                // What is there, so that all it causes joins one write.
                while caused < TURN {
                    let Ok((on, event)) = events.try_recv() else { break };
                    caused += shell.event(on, event);
                }
                if caused >= TURN {
                    // The connections write before anything else is done. Otherwise they do as soon as we wait.
                    yield_now().await;
                }
                // However much the server has to say: operators have a turn, too, and never more than one.
                if let Some(call) = http.as_mut().and_then(Serving::try_next) {
                    shell.call(call);
                }
            }
            Some(call) = next_call(&mut http) => shell.call(call),
            () = until(wake) => {
                shell.handle(Input::Tick, None);
            }
        }
        if events.is_empty() {
            shell.focus.look_over();
        }
    };
    log::info!("Caught signal {first}, stopping. A second one stops at once.");
    if let Some(http) = &mut http {
        http.refuse();
    }
    shell.handle(Input::Stop, None);

    let orderly = timeout(STOP_TIMEOUT, shell.close(&mut events));
    tokio::select! {
        ended = orderly => match ended {
            Ok(()) => log::info!("Stopped."),
            Err(_) => log::warn!("Stopped: the connections did not end within {} s", STOP_TIMEOUT.as_secs()),
        },
        second = signals.next() => log::warn!("Caught signal {second}, stopped at once"),
    }
    if let Some(latency) = latency {
        // Asked for: not subject to the log's levels.
        eprintln!("The focus' own share of {latency}");
    }
    first.exit_code()
}

/// Of the system's randomness.
fn seed() -> std::io::Result<Seed> {
    let mut file = std::fs::File::open(RANDOMNESS)?;
    let (mut public, mut secret) = ([0; 8], [0; 32]);
    file.read_exact(&mut public)?;
    file.read_exact(&mut secret)?;
    Ok(Seed { public: u64::from_le_bytes(public), secret })
}

/// The next request over HTTP; for ever without any HTTP.
async fn next_call(http: &mut Option<Serving>) -> Option<Call> {
    match http {
        Some(http) => http.next().await,
        None => std::future::pending().await,
    }
}

/// Sleeps until then; for ever without a time.
async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// Each is one thread's at most that resolves its server's name: a name that hangs holds up no other.
fn connections(config: &Config) -> impl Iterator<Item = (Connection, xmpp::Settings)> {
    let client = (Connection::Client, xmpp::Settings::from(&config.xmpp.client.account));
    let service = config.xmpp.service.as_ref().map(|account| (Connection::Service, account.into()));
    let component = config.component.as_ref().map(|component| (Connection::Component, component.into()));
    // Also where nobody is sent there: it shows at once whether they can be reached.
    let nodes = (0..).map(NodeId).zip(&config.xmpp.visitors);
    let nodes = nodes.map(|(node, (id, it))| (Connection::Visitors(node), xmpp::Settings::node(id, &it.account)));
    [client].into_iter().chain(service).chain(component).chain(nodes)
}

/// The core, and its way to the world.
struct Shell {
    focus: Focus,
    clock: Clock,
    connections: BTreeMap<Connection, Line>,
    /// Who waits for the reply to a command. The core answers each.
    waiting: HashMap<CommandId, Waiting>,
    commands: u64,
    measured: bool,
}

/// A connection, and in which session we believe to be on it.
struct Line {
    handle: Handle,
    session: SessionId,
}

impl Shell {
    fn new(
        config: Arc<Config>,
        seed: Seed,
        events: &mpsc::Sender<(Connection, Event)>,
        latency: Option<Arc<Histogram>>,
    ) -> Shell {
        let measured = latency.is_some();
        let connections = connections(&config).map(|(on, settings)| {
            let handle = xmpp::spawn(on, settings, events.clone(), latency.clone());
            (on, Line { handle, session: SessionId::default() })
        });
        Shell {
            connections: connections.collect(),
            focus: Focus::new(config.clone(), seed),
            clock: Clock::new(),
            waiting: HashMap::new(),
            commands: 0,
            measured,
        }
    }

    /// How many stanzas it causes.
    fn event(&mut self, on: Connection, event: Event) -> usize {
        match event {
            Event::Connected { session, jid, resumed } => {
                if let Some(line) = self.connections.get_mut(&on) {
                    line.session = session;
                }
                self.handle(Input::Connected { on, jid, resumed }, None)
            }
            Event::Trouble { kind, text } => self.handle(Input::Trouble { on, kind, text }, None),
            Event::Relief { kind } => self.handle(Input::Relief { on, kind }, None),
            Event::Behind { behind, taken } => {
                let taken = taken.map_or_else(Timestamp::default, |taken| self.clock.timestamp(taken));
                self.handle(Input::Behind { on, behind, taken }, None)
            }
            Event::Quiet { quiet } => self.handle(Input::Quiet { on, quiet }, None),
            Event::Disconnected { resumable } => self.handle(Input::Disconnected { on, resumable }, None),
            Event::Stanza { stanza, read_at } => {
                self.handle(Input::Stanza { on, stanza }, self.measured.then_some(read_at))
            }
        }
    }

    /// A request over HTTP.
    fn call(&mut self, call: Call) {
        self.commands += 1;
        let id = CommandId(self.commands);
        let (command, waiting) = call.split();
        self.waiting.insert(id, waiting);
        self.handle(Input::Command { id, command }, None);
    }

    /// Hands one input to the core and carries out what it says: so many stanzas.
    fn handle(&mut self, input: Input, caused_at: Option<Instant>) -> usize {
        let mut sent = 0;
        let stood_still = self.focus.poll_timeout().and_then(|due| self.clock.catch_up(due));
        // Before anything else: it may be the log that takes so long.
        let now = self.clock.now();
        if let Some(late) = stood_still {
            log::warn!(
                "This process did not run for {:.1} s: nobody is blamed for not having answered meanwhile. Was it, its container or \
                 its machine paused or moved, is the machine overloaded, or does the log's disk hang?",
                late.as_secs_f64()
            );
        }
        let summary = Summary::of(&input);
        if catch_unwind(AssertUnwindSafe(|| self.focus.handle(now, input))).is_err() {
            let (room, meeting, nick) =
                summary.sender().and_then(|(on, from)| self.focus.about(on, from)).unwrap_or_default();
            log::error!(
                room:% = room, meeting_id:% = meeting, participant:% = nick;
                "The focus failed while it handled {summary}. It goes on; please report this."
            );
            // It may be what is broken that fails again.
            if catch_unwind(AssertUnwindSafe(|| self.focus.recover(now))).is_err() {
                log::error!("The focus failed again while it ended the conference concerned.");
            }
        }
        while let Some(output) = self.focus.poll_output() {
            match output {
                Output::Send { on, stanza } => match self.connections.get(&on) {
                    Some(line) => {
                        line.handle.send(line.session, stanza, caused_at);
                        sent += 1;
                    }
                    None => log::error!("There is no {on:?} connection to send on"),
                },
                Output::Reply { id, reply } => {
                    if let Some(waiting) = self.waiting.remove(&id) {
                        waiting.answer(reply);
                    }
                }
            }
        }
        sent
    }

    /// Closes all connections. What still comes interests nobody, but must not hold them up.
    async fn close(self, events: &mut mpsc::Receiver<(Connection, Event)>) {
        let mut closing: JoinSet<()> = self.connections.into_values().map(|line| line.handle.stop()).collect();
        loop {
            tokio::select! {
                closed = closing.join_next() => if closed.is_none() { return },
                Some(_) = events.recv() => {}
            }
        }
    }
}

/// When something is done so much later than it was due, this process did not run: it, its container or its machine was paused, or
/// it waited for the disk of its log.
const LATE: Duration = Duration::from_secs(1);

/// So long the connections have to read what has come meanwhile.
const TO_READ: Duration = Duration::from_secs(1);

/// Time as the core knows it. It follows the monotonic clock from the start on, so that it never runs backwards, but for the times
/// at which this process did not run.
struct Clock {
    started: Instant,
    epoch: Timestamp,
    /// For what was due then it has waited.
    caught_up: Option<Timestamp>,
}

impl Clock {
    fn new() -> Clock {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Clock { started: Instant::now(), epoch: Timestamp::default() + since_epoch, caught_up: None }
    }

    fn now(&self) -> Timestamp {
        self.epoch + self.started.elapsed()
    }

    fn timestamp(&self, instant: Instant) -> Timestamp {
        self.epoch + instant.saturating_duration_since(self.started)
    }

    /// Something is due since then. If that is long ago this process did not run meanwhile, and what others have answered by now
    /// has yet to be read: all deadlines keep what they had left, and a second more. Gives how long it was.
    fn catch_up(&mut self, due: Timestamp) -> Option<Duration> {
        let late = self.started.elapsed().checked_sub(due.since(self.epoch)).filter(|late| *late > LATE)?;
        // Once: where each turn comes late, what is due is done all the same.
        let waited = self.caught_up.replace(due) == Some(due);
        self.started += if waited { late } else { late + TO_READ };
        Some(late)
    }

    fn instant(&self, time: Timestamp) -> Instant {
        self.started + time.since(self.epoch)
    }
}

/// What an input was, for the log, after the core has had it.
struct Summary {
    what: &'static str,
    on: Option<Connection>,
    from: Option<Jid>,
    id: Option<StanzaId>,
}

impl Summary {
    fn of(input: &Input) -> Summary {
        let bare = |what, on| Summary { what, on, from: None, id: None };
        match input {
            Input::Connected { on, .. } => bare("a login", Some(*on)),
            Input::Disconnected { on, .. } => bare("the loss of a connection", Some(*on)),
            Input::Trouble { on, .. }
            | Input::Relief { on, .. }
            | Input::Quiet { on, .. }
            | Input::Behind { on, .. } => bare("the state of a connection", Some(*on)),
            Input::Tick => bare("a timer", None),
            Input::Stop => bare("the stop", None),
            Input::Command { .. } => bare("a command", None),
            Input::Stanza { on, stanza } => {
                let (what, id) = match stanza {
                    Stanza::Iq(iq) => match iq.body {
                        IqBody::Get(_) | IqBody::Set(_) => ("a request", Some(&iq.id)),
                        IqBody::Result(_) | IqBody::Error(_) => ("an answer", Some(&iq.id)),
                    },
                    Stanza::Presence(_) => ("a presence", None),
                    Stanza::Message(_) => ("a message", None),
                };
                Summary { what, on: Some(*on), from: stanza.sender().cloned(), id: id.cloned() }
            }
        }
    }

    fn sender(&self) -> Option<(Connection, &Jid)> {
        self.on.zip(self.from.as_ref())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        if let Some(from) = &self.from {
            write!(f, " from {from}")?;
        }
        if let Some(id) = &self.id {
            write!(f, " with id {id}")?;
        }
        match self.on {
            Some(on) => write!(f, " on {on:?}"),
            None => Ok(()),
        }
    }
}

/// The signals that end the process, and the one that does not.
struct Signals<F> {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    on_hang_up: F,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Terminate,
    Interrupt,
}

impl<F: FnMut()> Signals<F> {
    fn new(on_hang_up: F) -> std::io::Result<Signals<F>> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            on_hang_up,
        })
    }

    async fn next(&mut self) -> Ending {
        loop {
            tokio::select! {
                Some(()) = self.terminate.recv() => return Ending::Terminate,
                Some(()) = self.interrupt.recv() => return Ending::Interrupt,
                // Sent by those who rotate logs, or have changed levels.
                Some(()) = self.hang_up.recv() => (self.on_hang_up)(),
            }
        }
    }
}

impl Ending {
    fn exit_code(self) -> u8 {
        match self {
            Ending::Terminate => TERMINATED,
            Ending::Interrupt => INTERRUPTED,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ending::Terminate => "SIGTERM",
            Ending::Interrupt => "SIGINT",
        })
    }
}
