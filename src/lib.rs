//! A conference focus for Jitsi Meet. See `docs/ARCHITECTURE.md`.

pub mod config;
pub mod focus;
pub mod wire;
pub mod xmpp;
