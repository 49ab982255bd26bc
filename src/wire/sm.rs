//! Stream features, log-in, resource binding and stream management (RFC 6120, XEP-0198).

use std::fmt;

use wire_derive::Element;

use super::ns::{BIND, SASL, SESSION, SM, STANZA, STREAM_ERRORS, STREAMS, TLS};
use super::stanza::{Stanza, StanzaHead, StanzaReadError};
use super::xml::{self, Error, Node, Raw};

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

/// A component's proof that it knows the secret, and the server's yes (XEP-0114).
#[derive(Element, Clone, PartialEq, Default)]
#[xml(STANZA, "handshake")]
pub struct Handshake {
    #[text]
    pub digest: String,
}

/// Everything that can come on a stream after its start tag, on either side of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    Stanza(Stanza),
    Features(Features),
    StartTls(StartTls),
    Proceed(Proceed),
    TlsFailure(TlsFailure),
    Auth(Auth),
    Challenge(Challenge),
    Response(Response),
    Success(Success),
    SaslFailure(SaslFailure),
    Handshake(Handshake),
    Enable(Enable),
    Enabled(Enabled),
    Resume(Resume),
    Resumed(Resumed),
    Failed(Failed),
    AckRequest(AckRequest),
    Ack(Ack),
    StreamError(StreamError),
    Unknown { name: String, ns: String },
}

impl Incoming {
    fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        fn typed<T: xml::Element>(node: Node<'_, '_>, make: fn(T) -> Incoming) -> Result<Incoming, Error> {
            T::read(node).map(make)
        }
        match (node.ns(), node.name()) {
            (STANZA, "iq" | "presence" | "message") => typed(node, Incoming::Stanza),
            (STANZA, "handshake") => typed(node, Incoming::Handshake),
            (STREAMS, "features") => typed(node, Incoming::Features),
            (STREAMS, "error") => typed(node, Incoming::StreamError),
            (TLS, "starttls") => typed(node, Incoming::StartTls),
            (TLS, "proceed") => typed(node, Incoming::Proceed),
            (TLS, "failure") => typed(node, Incoming::TlsFailure),
            (SASL, "auth") => typed(node, Incoming::Auth),
            (SASL, "challenge") => typed(node, Incoming::Challenge),
            (SASL, "response") => typed(node, Incoming::Response),
            (SASL, "success") => typed(node, Incoming::Success),
            (SASL, "failure") => typed(node, Incoming::SaslFailure),
            (SM, "enable") => typed(node, Incoming::Enable),
            (SM, "enabled") => typed(node, Incoming::Enabled),
            (SM, "resume") => typed(node, Incoming::Resume),
            (SM, "resumed") => typed(node, Incoming::Resumed),
            (SM, "failed") => typed(node, Incoming::Failed),
            (SM, "r") => typed(node, Incoming::AckRequest),
            (SM, "a") => typed(node, Incoming::Ack),
            (ns, name) => Ok(Incoming::Unknown { name: name.to_owned(), ns: ns.to_owned() }),
        }
    }
}

/// Reads one element as the framing cuts it: behind the stream's start tag, or alone.
pub fn read_stanza(xml: &str) -> Result<Incoming, StanzaReadError> {
    let read = xml::with_document(xml, |node| {
        Ok(Incoming::read(node).map_err(|error| StanzaReadError { head: StanzaHead::of(node), error }))
    });
    read.unwrap_or_else(|error| Err(StanzaReadError { head: None, error }))
}

/// What is left of a secret in a log.
macro_rules! redacted {
    ($($name:ident { $($shown:ident)? }),*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($shown), &self.$shown))?.finish_non_exhaustive()
            }
        }
    )* };
}
redacted! { Auth { mechanism }, Challenge {}, Response {}, Success {}, Handshake {} }
