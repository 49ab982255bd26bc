//! A conference focus for Jitsi Meet. See `docs/ARCHITECTURE.md`.

// `#[derive(Element)]` names this crate, here as well as in the test kit.
extern crate self as jicofo;

pub mod cli;
pub mod config;
pub mod focus;
pub mod http;
pub mod logging;
pub mod measure;
pub mod server;
pub mod wire;
pub mod xmpp;
