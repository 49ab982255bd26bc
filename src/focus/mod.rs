//! The core: a state machine without I/O, clock, threads or hidden randomness (docs/ARCHITECTURE.md).

pub mod time;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::config::Config;
use crate::wire::Jid;
use crate::wire::stanza::Stanza;
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
}

/// What happens to the core.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Logged in, as `jid`. `resumed`: the server kept our session, and nothing was lost; otherwise we are in no room.
    Connected { on: Connection, jid: Jid, resumed: bool },
    /// The connection is lost. `resumable`: the session may yet be resumed.
    Disconnected { on: Connection, resumable: bool },
    Stanza { on: Connection, stanza: Stanza },
    /// The time of [`Focus::poll_timeout`] has come.
    Tick,
    /// Leave everything in order: conferences are expired on their bridges and rooms are left.
    Stop,
}

/// What the core wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Send { on: Connection, stanza: Stanza },
}

/// The whole focus.
///
/// - Feed: [`Focus::handle`] takes one input at a time, with the time at which it came. Times never run backwards.
/// - Drain: after each input call [`Focus::poll_output`] until it is empty, and carry out what it says in that order.
/// - Wake: then call [`Focus::poll_timeout`] and come back with [`Input::Tick`] at that time, unless an input comes before.
pub struct Focus {
    pub(crate) config: Arc<Config>,
    outputs: VecDeque<Output>,
}

impl Focus {
    /// `seed` decides every identifier that the focus will make up; take it from the system's randomness.
    pub fn new(config: Arc<Config>, _seed: u64) -> Focus {
        Focus { config, outputs: VecDeque::new() }
    }

    pub fn handle(&mut self, _now: Timestamp, _input: Input) {}

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }
}
