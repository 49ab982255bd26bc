//! The HTTP API (spec/80 §1-6). Its tasks hold nothing of the core: a request becomes a [`Command`] in a bounded queue, and waits
//! for the core's reply until a deadline. Who is slow, unread or too many loses his own connection, and nothing else.

mod about;
mod answer;
mod conference;
mod connections;
mod debug;
mod metrics;
mod moving;
mod pin;
mod process;
mod query;
mod stats;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::answer::Failure;
use crate::config::Config;
use crate::focus::command::{Command, Refusal, Reply};
use crate::focus::request::read_room;
use crate::wire::BareJid;

/// Calls between us and the core. It takes one in each turn of its loop: more would only grow old there.
const QUEUE: usize = 64;

/// Calls that are answered at once: with more under way at one time, somebody plays with us.
const MAX_CALLS: usize = 64;

/// Requests for conferences that wait for their rooms.
const MAX_REQUESTS: usize = 256;

/// For a call that is answered at once; only a core that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// For a request for a conference: the room may take its reply timeout several times over, and metadata 10 s (spec/80 §2.3).
const ROOM_PATIENCE: Duration = Duration::from_secs(60);

/// What a request asks of the core.
#[derive(Debug)]
pub struct Call {
    pub command: Command,
    /// Nobody may wait for it any more.
    pub reply: oneshot::Sender<Reply>,
    /// Of those that may be under way: given back with the reply.
    permit: OwnedSemaphorePermit,
}

/// Whom to answer, until the core has.
#[derive(Debug)]
pub struct Waiting {
    reply: oneshot::Sender<Reply>,
    _permit: OwnedSemaphorePermit,
}

impl Call {
    pub fn split(self) -> (Command, Waiting) {
        (self.command, Waiting { reply: self.reply, _permit: self.permit })
    }
}

impl Waiting {
    pub fn answer(self, reply: Reply) {
        // Whoever asked may have gone.
        let _ = self.reply.send(reply);
    }
}

/// The listener, before it serves.
pub struct Server {
    listener: TcpListener,
}

/// Serving. It stops with its value.
pub struct Serving {
    calls: mpsc::Receiver<Call>,
    task: JoinHandle<()>,
}

impl Server {
    /// Takes the address that is configured. None: there is to be no HTTP API. Err: why it can't be had, in words.
    pub async fn bind(config: &Config) -> Result<Option<Server>, String> {
        let rest = &config.rest;
        if !rest.enabled {
            return Ok(None);
        }
        // A name with an IPv6 address in brackets is one for a URL.
        let host = rest.host.trim_start_matches('[').trim_end_matches(']');
        let listener = TcpListener::bind((host, rest.port)).await.map_err(|error| {
            format!(
                "the HTTP interface cannot listen on {}:{} ({error}); end whoever does, or set another jicofo.rest.port, or \
                 jicofo.rest.enabled = false",
                rest.host, rest.port
            )
        })?;
        if let Ok(address) = listener.local_addr() {
            log::info!("The HTTP interface listens on {address}.");
            let open = [("debug", rest.debug), ("pin", rest.pin), ("move-endpoints", rest.move_endpoints)];
            let open: Vec<&str> = open.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
            if !address.ip().is_loopback() && !open.is_empty() {
                log::warn!(
                    "Whoever reaches {address} controls the focus, without a password: keep it behind a firewall, or set \
                     jicofo.rest.<name>.enabled = false for {}",
                    open.join(", ")
                );
            }
        }
        Ok(Some(Server { listener }))
    }

    /// Where it listens.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub fn serve(self, config: Arc<Config>) -> Serving {
        let (sender, calls) = mpsc::channel(QUEUE);
        let core = Core {
            config: config.clone(),
            calls: sender,
            at_once: Arc::new(Semaphore::new(MAX_CALLS)),
            waiting: Arc::new(Semaphore::new(MAX_REQUESTS)),
        };
        let task = tokio::spawn(connections::accept(self.listener, router(&config, core)));
        Serving { calls, task }
    }
}

impl Serving {
    pub async fn next(&mut self) -> Option<Call> {
        self.calls.recv().await
    }

    /// Takes no calls any more: all that are not answered yet, and all that come, are told that the focus is stopping.
    pub fn refuse(&mut self) {
        self.calls.close();
        while self.try_next().is_some() {}
    }

    pub fn try_next(&mut self) -> Option<Call> {
        self.calls.try_recv().ok()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is switched off is not there.
fn router(config: &Config, core: Core) -> Router {
    let rest = &config.rest;
    let mut router = Router::new()
        .route("/about/version", get(about::version))
        .route("/stats", get(stats::page))
        .route("/rtcstats", get(debug::rtcstats));
    if rest.debug {
        router = router
            .route("/debug", get(debug::focus))
            .route("/debug/conferences", get(debug::conferences))
            .route("/debug/conferences-full", get(debug::all))
            .route("/debug/conference/{room}", get(debug::conference))
            .route("/debug/xmpp-caps", get(debug::caps));
    }
    if config.health.enabled {
        router = router.route("/about/health", get(about::health));
    }
    if rest.prometheus {
        router = router.route("/metrics", get(metrics::page));
    }
    if rest.conference_request {
        router = router.route("/conference-request/v1", post(conference::request).options(conference::options));
    }
    if rest.move_endpoints {
        router = router
            .route("/move-endpoints/move-endpoint", get(moving::endpoint))
            .route("/move-endpoints/move-endpoints", get(moving::endpoints))
            .route("/move-endpoints/move-fraction", get(moving::fraction));
    }
    if rest.pin {
        router = router.route("/pin", get(pin::list).post(pin::pin)).route("/pin/remove", post(pin::remove));
    }
    router.with_state(core)
}

/// The way to the core.
#[derive(Clone)]
struct Core {
    config: Arc<Config>,
    calls: mpsc::Sender<Call>,
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Core {
    /// Asks the core for what it answers at once.
    async fn ask(&self, command: Command) -> Result<Reply, Failure> {
        within(PATIENCE, self.ask_in_turn(command)).await
    }

    /// Asks the core for what may have to wait for a room and the server.
    async fn ask_patiently(&self, command: Command) -> Result<Reply, Failure> {
        within(ROOM_PATIENCE, self.ask_in_turn(command)).await
    }

    async fn ask_in_turn(&self, command: Command) -> Result<Reply, Failure> {
        let permit = self.at_once.clone().acquire_owned().await.map_err(|_| Refusal::Stopping)?;
        self.call(command, permit).await
    }

    /// Asks the core for a conference.
    async fn ask_for_room(&self, command: Command) -> Result<Reply, Failure> {
        // Rooms take their time: who waits for a place among so many waits in vain.
        let permit = self.waiting.clone().try_acquire_owned().map_err(|_| Failure::busy())?;
        within(ROOM_PATIENCE, self.call(command, permit)).await
    }

    /// Without an end of the queue, or without an answer, the process stops.
    async fn call(&self, command: Command, permit: OwnedSemaphorePermit) -> Result<Reply, Failure> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(Call { command, reply, permit }).await.map_err(|_| Refusal::Stopping)?;
        match answer.await.map_err(|_| Refusal::Stopping)? {
            Reply::Refused(refusal) => Err(refusal.into()),
            reply => Ok(reply),
        }
    }

    /// The room of that address, by the rules that are configured.
    fn room(&self, text: &str) -> Result<BareJid, Failure> {
        read_room(&self.config, text).map_err(|_| Failure::bad_request("Invalid conference ID"))
    }
}

async fn within(patience: Duration, answered: impl Future<Output = Result<Reply, Failure>>) -> Result<Reply, Failure> {
    timeout(patience, answered).await.unwrap_or_else(|_| Err(Failure::too_late()))
}
