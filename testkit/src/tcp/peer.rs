//! One peer on one connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::Time;
use crate::bridge::Bridge;
use crate::login::Session;
use crate::participant::Participant;
use crate::xml::Element;

/// What drivers need of a peer without I/O.
pub trait Machine: Send + 'static {
    fn set_now(&mut self, now: Time);
    fn handle(&mut self, now: Time, stanza: &Element);
    fn handle_timeout(&mut self, now: Time);
    fn poll_output(&mut self) -> Option<Element>;
    fn poll_timeout(&self) -> Option<Time>;
}

macro_rules! machine {
    ($peer:ty) => {
        impl Machine for $peer {
            fn set_now(&mut self, now: Time) {
                self.set_now(now);
            }
            fn handle(&mut self, now: Time, stanza: &Element) {
                self.handle(now, stanza);
            }
            fn handle_timeout(&mut self, now: Time) {
                self.handle_timeout(now);
            }
            fn poll_output(&mut self) -> Option<Element> {
                self.poll_output()
            }
            fn poll_timeout(&self) -> Option<Time> {
                self.poll_timeout()
            }
        }
    };
}

machine!(Participant);
machine!(Bridge);

/// A peer that runs. Its connection breaks, without a word to the server, when this is dropped.
pub struct Peer<M> {
    shared: Arc<Shared<M>>,
    task: JoinHandle<()>,
}

struct Shared<M> {
    machine: Mutex<M>,
    /// It stands still: its connection is there, and it neither reads nor writes.
    paused: AtomicBool,
    start: Instant,
    /// When the first that it had to say was handed to the network.
    spoke: OnceLock<Time>,
    /// It was told something: there may be something to send.
    told: Notify,
    /// Something happened to somebody on this stage.
    changed: Arc<Notify>,
}

impl<M: Machine> Peer<M> {
    /// Lets `machine` speak through `session`. Times count from `start`; each change is made known by `changed`.
    pub fn run(machine: M, session: Session, start: Instant, changed: Arc<Notify>) -> Peer<M> {
        let (machine, paused) = (Mutex::new(machine), AtomicBool::new(false));
        let shared = Shared { machine, paused, start, spoke: OnceLock::new(), told: Notify::new(), changed };
        let shared = Arc::new(shared);
        let task = tokio::spawn(drive(shared.clone(), session));
        Peer { shared, task }
    }

    /// Tells it what to do; it does it at once.
    pub fn tell<T>(&self, act: impl FnOnce(&mut M) -> T) -> T {
        let mut machine = self.shared.lock();
        machine.set_now(self.shared.start.elapsed());
        let outcome = act(&mut machine);
        drop(machine);
        self.shared.told.notify_one();
        outcome
    }

    /// As SIGSTOP does it to a process.
    pub fn pause(&self) {
        self.stands_still(true);
    }

    /// As SIGCONT does it: what has come meanwhile is read.
    pub fn resume(&self) {
        self.stands_still(false);
    }

    fn stands_still(&self, still: bool) {
        self.shared.paused.store(still, Ordering::Relaxed);
        self.shared.told.notify_one();
    }

    /// Looks at it.
    pub fn look<T>(&self, look: impl FnOnce(&M) -> T) -> T {
        look(&self.shared.lock())
    }

    /// When it said something for the first time. None: it has not yet.
    pub fn spoke_first(&self) -> Option<Time> {
        self.shared.spoke.get().copied()
    }

    /// Holds it still, to look at several at once.
    pub(super) fn hold(&self) -> MutexGuard<'_, M> {
        self.shared.lock()
    }

    /// Whether its connection has ended.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}

impl<M> Drop for Peer<M> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<M> Shared<M> {
    /// A test that panicked while it looked has nothing left half done.
    fn lock(&self) -> MutexGuard<'_, M> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drive<M: Machine>(shared: Arc<Shared<M>>, mut session: Session) {
    loop {
        while shared.paused.load(Ordering::Relaxed) {
            shared.told.notified().await;
        }
        loop {
            let output = shared.lock().poll_output();
            let Some(stanza) = output else { break };
            if !session.try_send(&(&stanza).into()).await {
                return;
            }
            shared.spoke.get_or_init(|| shared.start.elapsed());
        }
        let timeout = shared.lock().poll_timeout();
        let timer = async {
            match timeout {
                Some(at) => tokio::time::sleep_until((shared.start + at).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            stanza = session.next() => match stanza {
                Some(stanza) => shared.lock().handle(shared.start.elapsed(), &(&stanza).into()),
                None => return,
            },
            () = timer => shared.lock().handle_timeout(shared.start.elapsed()),
            () = shared.told.notified() => {}
        }
        shared.changed.notify_waiters();
    }
}
