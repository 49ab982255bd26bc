//! The launcher, the shipped Prosody configuration and our stand-in modules, tried with an independent client (tokio-xmpp)
//! over TCP. What is checked is what the focus, the bridges and the clients rely on.

mod launcher;
mod rooms;
mod support;
mod ways;
