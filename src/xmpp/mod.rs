//! Connections to XMPP servers: a supervised task each, which logs in, carries stanzas both ways and comes back after
//! every loss (docs/ARCHITECTURE.md, Connections).
//!
//! - [`spawn`] starts one. It tells what happens as [`Event`]s, in order, and takes stanzas through its [`Handle`].
//! - What is sent belongs to a [`SessionId`], that of the last [`Event::Connected`] whoever sends has seen. Stanzas of a
//!   session that is gone are dropped: the rooms they speak of are gone with it (spec/70 §10.2).
//! - It answers nothing, but requests that cannot be read.

mod client;
mod clock;
mod component;
mod errors;
pub mod framing;
mod lingering;
mod liveness;
mod login;
mod out;
mod packets;
mod report;
mod route;
mod sasl;
mod session;
mod sm;
mod socket;
mod stream;
mod supervise;
mod throttle;
mod tls;
mod x509;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use self::errors::{Error, Pace, Target};
pub use self::tls::{BadCertificate, Fault, Trust};
use crate::config::{Account, Component};
use crate::focus::Connection;
use crate::focus::problems::Kind;
use crate::measure::Histogram;
use crate::wire::Jid;
use crate::wire::stanza::Stanza;

/// So many stanzas may wait to be taken over by the connection. While it is connected it takes them within the same turn
/// of the loop, and what waits longer is for a session that may yet be resumed. The most that one event causes are the new
/// offers to all participants of a bridge that failed, some thousands.
pub const MAX_WAITING: usize = 50_000;

/// The target in the log of every stanza after the login, at `trace` (spec/80 §8).
pub const PACKETS: &str = "xmpp.packets";

/// So many events may wait for the core. Then nothing more is read, and the server's own queues fill.
pub const EVENT_QUEUE: usize = 1024;

/// How to connect.
#[derive(Debug, Clone)]
pub enum Settings {
    /// As a user. `Trust::System` unless the account says otherwise or a test brings its own.
    Client(Account, Trust),
    /// The same on the visitor node of that name.
    Node(String, Account, Trust),
    Component(Component),
}

impl Settings {
    /// On a visitor node.
    pub fn node(id: &str, account: &Account) -> Settings {
        Settings::Node(id.to_owned(), account.clone(), trust(account))
    }
}

fn trust(account: &Account) -> Trust {
    if account.disable_certificate_verification { Trust::Everybody } else { Trust::System }
}

impl From<&Account> for Settings {
    fn from(account: &Account) -> Settings {
        Settings::Client(account.clone(), trust(account))
    }
}

impl From<&Component> for Settings {
    fn from(component: &Component) -> Settings {
        Settings::Component(component.clone())
    }
}

/// A login; a resumption continues one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionId(u64);

/// What happens on a connection.
#[derive(Debug)]
pub enum Event {
    /// Logged in. `resumed`: it is the session of before, and nothing was lost.
    Connected { session: SessionId, jid: Jid, resumed: bool },
    /// Lost. `resumable`: what is sent meanwhile waits and arrives, if the session is resumed.
    Disconnected { resumable: bool },
    /// It can't be made, not be kept, or not be used as it should, for a new reason. In the log already.
    Trouble { kind: Kind, text: String },
    /// What [`Event::Trouble`] told of this kind is over.
    Relief { kind: Kind },
    /// The server does not say whether it is still there, or has said something again.
    Quiet { quiet: bool },
    /// The server speaks, but is behind: it has not yet taken what it was sent after `taken` (None: nothing in this session). Or it
    /// has caught up with what it was sent until then.
    Behind { behind: bool, taken: Option<Instant> },
    /// `read_at`: when its last byte had come.
    Stanza { stanza: Stanza, read_at: Instant },
}

/// What is sent to a connection's task.
struct Outgoing {
    session: SessionId,
    stanza: Stanza,
    /// When the stanza that caused this one was read, if that is measured.
    caused_at: Option<Instant>,
}

/// The way to a connection. Never blocks.
pub struct Handle {
    outgoing: mpsc::UnboundedSender<Outgoing>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What a handle and its task both see.
#[derive(Debug, Default)]
struct Shared {
    waiting: AtomicUsize,
    /// A stanza could not be queued: the session is not whole any more.
    overflowed: AtomicBool,
    dropped: AtomicUsize,
}

impl Handle {
    /// Sends a stanza in this session. `caused_at` is for [`Histogram`].
    ///
    /// What does not fit [`MAX_WAITING`] costs the connection its session, as then something is missing in it.
    pub fn send(&self, session: SessionId, stanza: Stanza, caused_at: Option<Instant>) {
        if self.shared.waiting.load(Ordering::Relaxed) >= MAX_WAITING {
            self.shared.overflowed.store(true, Ordering::Relaxed);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        // The task ends at a stop only, after which nothing is of interest.
        let _ = self.outgoing.send(Outgoing { session, stanza, caused_at });
    }

    /// How many stanzas wait to be taken over.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// How many stanzas were dropped because their session had ended.
    pub fn dropped(&self) -> usize {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Sends what is queued, closes the stream, and waits until the server has closed it too or some seconds have passed.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            log::error!("the task of a connection has failed: {error}");
        }
    }
}

/// What people call it.
fn name(connection: Connection, settings: &Settings) -> String {
    match (connection, settings) {
        (_, Settings::Node(id, ..)) => format!("visitors.{id}"),
        (Connection::Service, _) => "service".to_owned(),
        (Connection::Component, _) => "component".to_owned(),
        (Connection::Client | Connection::Visitors(_), _) => "client".to_owned(),
    }
}

/// The task's end of a connection.
struct Link {
    connection: Connection,
    /// For the log.
    name: String,
    events: mpsc::Sender<(Connection, Event)>,
    outgoing: mpsc::UnboundedReceiver<Outgoing>,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    session: SessionId,
    /// The core has been told that it stands.
    connected: bool,
    latency: Option<Arc<Histogram>>,
}

impl Link {
    /// Tells the core. Without one that listens the process is ending.
    async fn tell(&self, event: Event) {
        let _ = self.events.send((self.connection, event)).await;
    }

    /// Whether this stanza is to be sent, and counts it as taken over.
    fn take(&self, outgoing: &Outgoing) -> bool {
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        let current = outgoing.session == self.session;
        if !current {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        current
    }

    /// Drops all that waits: it belongs to a session that is gone.
    fn forget_waiting(&mut self) {
        let mut dropped = 0;
        while self.outgoing.try_recv().is_ok() {
            dropped += 1;
        }
        self.shared.waiting.fetch_sub(dropped, Ordering::Relaxed);
        self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
        let name = &self.name;
        if self.shared.overflowed.swap(false, Ordering::Relaxed) {
            log::error!(
                "More than {MAX_WAITING} stanzas waited for the {name} connection: its session could not be resumed"
            );
        } else if dropped > 0 {
            log::debug!("dropped {dropped} stanzas of a session of the {name} connection that is gone");
        }
    }

    fn overflowed(&self) -> bool {
        self.shared.overflowed.load(Ordering::Relaxed)
    }

    /// Returns when the connection shall end.
    async fn stopped(stop: &mut watch::Receiver<bool>) {
        // An error means that the handle is gone: nobody needs the connection any more.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// Starts a connection on the current runtime. `latency` measures from a stanza's arrival to the last byte of what it
/// caused.
pub fn spawn(
    connection: Connection,
    settings: Settings,
    events: mpsc::Sender<(Connection, Event)>,
    latency: Option<Arc<Histogram>>,
) -> Handle {
    let (sender, outgoing) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let shared = Arc::new(Shared::default());
    let link = Link {
        connection,
        name: name(connection, &settings),
        events,
        outgoing,
        shared: shared.clone(),
        stop: stopped,
        session: SessionId::default(),
        connected: false,
        latency,
    };
    let task = tokio::spawn(supervise::supervise(supervise::Peer::new(connection, settings), link));
    Handle { outgoing: sender, shared, stop, task }
}
