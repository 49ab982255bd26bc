//! The other side of every conversation: strict simulated peers, a server in memory, scenarios.
//!
//! Everything here reads and writes XML by itself, with rxml and serde_json, never with the focus' own wire types, so
//! that an error of ours cannot cancel itself out. Peers have no I/O and no clock: hand them stanzas and the time, take
//! their stanzas. The same peers run in memory ([`scenario`]) and over TCP ([`tcp`]).
//!
//! The real server and the real focus, as processes, are in [`prosody`] and [`mod@focus`].

pub mod bridge;
mod element;
pub mod focus;
pub mod http;
pub mod ice;
pub mod links;
pub mod load;
pub mod login;
pub mod logs;
pub mod ns;
pub mod openmetrics;
pub mod participant;
pub mod process;
pub mod prosody;
pub mod raw;
pub mod room;
pub mod scenario;
pub mod simulation;
pub mod sources;
pub mod tcp;
pub mod tcp_proxy;
pub mod views;
pub mod violation;
pub mod wire_log;
pub mod xml;

/// Time since the start of a scenario, virtual or real.
pub type Time = std::time::Duration;
