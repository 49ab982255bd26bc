//! Stream features, log-in, resource binding and stream management (RFC 6120, XEP-0198).

use wire_derive::Element;

use super::ns::{BIND, SASL, SESSION, SM, STREAM_ERRORS, STREAMS, TLS};
use super::xml::Raw;

/// What the server offers next.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(STREAMS, "features")]
pub struct Features {
    pub starttls: Option<StartTls>,
    pub mechanisms: Option<Mechanisms>,
    #[flag(BIND, "bind")]
    pub bind: bool,
    pub session: Option<Session>,
    #[flag(SM, "sm")]
    pub stream_management: bool,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(TLS, "starttls")]
pub struct StartTls {
    #[flag]
    pub required: bool,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SASL, "mechanisms")]
pub struct Mechanisms {
    pub mechanisms: Vec<Mechanism>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SASL, "mechanism")]
pub struct Mechanism {
    #[text]
    pub name: String,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SESSION, "session")]
pub struct Session {
    #[flag]
    pub optional: bool,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(TLS, "proceed")]
pub struct Proceed {}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(TLS, "failure")]
pub struct TlsFailure {}

#[derive(Element, Clone, PartialEq)]
#[xml(SASL, "auth")]
pub struct Auth {
    #[attr]
    pub mechanism: String,
    #[text]
    pub data: String,
}

#[derive(Element, Clone, PartialEq, Default)]
#[xml(SASL, "challenge")]
pub struct Challenge {
    #[text]
    pub data: String,
}

#[derive(Element, Clone, PartialEq, Default)]
#[xml(SASL, "response")]
pub struct Response {
    #[text]
    pub data: String,
}

#[derive(Element, Clone, PartialEq, Default)]
#[xml(SASL, "success")]
pub struct Success {
    #[text]
    pub data: String,
}

/// The condition is the name of the first child that is not `text`.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SASL, "failure")]
pub struct SaslFailure {
    #[leaf("text")]
    pub text: Option<String>,
    #[others]
    pub condition: Vec<Raw>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(BIND, "bind")]
pub struct Bind {
    #[leaf("resource")]
    pub resource: Option<String>,
    #[leaf("jid")]
    pub jid: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SM, "enable")]
pub struct Enable {
    #[switch]
    pub resume: bool,
}

/// `max` is for how many seconds the server keeps a lost session.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SM, "enabled")]
pub struct Enabled {
    #[attr]
    pub id: Option<String>,
    #[attr]
    pub max: Option<u32>,
    /// `true` or `1`.
    #[attr]
    pub resume: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SM, "resume")]
pub struct Resume {
    #[attr]
    pub previd: String,
    #[attr]
    pub h: u32,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SM, "resumed")]
pub struct Resumed {
    #[attr]
    pub previd: Option<String>,
    #[attr]
    pub h: u32,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SM, "failed")]
pub struct Failed {
    #[attr]
    pub h: Option<u32>,
    #[others]
    pub condition: Vec<Raw>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(SM, "r")]
pub struct AckRequest {}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SM, "a")]
pub struct Ack {
    #[attr]
    pub h: u32,
}

/// The end of a stream, and why.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(STREAMS, "error")]
pub struct StreamError {
    #[leaf(STREAM_ERRORS, "text")]
    pub text: Option<String>,
    #[others]
    pub condition: Vec<Raw>,
}

