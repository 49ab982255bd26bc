//! The program `jicofo` as people run it, at the real Prosody: one module a capability.

mod connection;
mod faults;
mod hostile;
mod http;
mod login;
mod logs;
mod meetings;
mod moderation;
mod oversized;
mod process;
mod secure_domain;
mod support;
mod visitors;
