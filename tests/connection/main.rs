//! Connections against a server that follows a script: what they send, what they refuse, what they say about it, and how
//! they come back. Time is virtual; it stands still while anybody has something to do.

mod attempts;
mod certificates;
mod components;
mod focus;
mod login;
mod memory;
mod packets;
mod server;
mod session;
mod silence;
mod stopping;
