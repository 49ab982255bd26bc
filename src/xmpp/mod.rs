//! Connections to XMPP servers.

pub mod framing;
