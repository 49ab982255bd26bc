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
        Ok(Incoming::read(node).map_err(|error| StanzaReadError { head: StanzaHead::of(node).map(Box::new), error }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stanza::{IqBody, Payload};
    use crate::wire::values::{Condition, ErrorType};

    fn iq(xml: &str) -> IqBody {
        match read_stanza(xml) {
            Ok(Incoming::Stanza(Stanza::Iq(iq))) => iq.body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_type_of_an_iq_says_what_it_carries() {
        let ping = "<ping xmlns='urn:xmpp:ping'/>";
        let error = "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
        assert!(matches!(iq(&format!("<iq id='1' type='get'>{ping}</iq>")), IqBody::Get(Payload::Ping(_))));
        assert!(matches!(iq("<iq id='1' type='set'><x/></iq>"), IqBody::Set(Payload::Other(raw)) if raw.name() == "x"));
        assert_eq!(iq("<iq id='1' type='result'/>"), IqBody::Result(None));
        // Echoed before its error, after it, and even malformed (spec/90, row 43).
        let malformed =
            "<jingle xmlns='urn:xmpp:jingle:1'><startmuted xmlns='http://jitsi.org/jitmeet/start-muted'/></jingle>";
        for content in [format!("{ping}{error}"), format!("{error}{ping}"), format!("{malformed}{error}")] {
            match iq(&format!("<iq id='1' type='error'>{content}</iq>")) {
                IqBody::Error(error) => {
                    assert_eq!((error.kind, error.condition), (ErrorType::Auth, Condition::Forbidden))
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_stanza_error_is_read_whatever_it_lacks() {
        let read = |content: &str| match iq(&format!("<iq id='1' type='error'>{content}</iq>")) {
            IqBody::Error(error) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(read("").condition, Condition::UndefinedCondition);
        assert_eq!(read("<error/>").kind, ErrorType::Cancel);
        let new = read(
            "<error type='new'><brand-new xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><more xmlns='urn:x'/></error>",
        );
        assert_eq!((new.kind, new.condition), (ErrorType::Cancel, Condition::UndefinedCondition));
        assert_eq!(new.application[0].as_str(), "<more xmlns='urn:x'/>");
        // Clients read the first child.
        assert_eq!(
            xml::to_string(&new),
            "<error type='cancel'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><more xmlns='urn:x'/></error>"
        );
    }

    #[test]
    fn a_malformed_request_can_be_answered() {
        let group = "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='XX'/>";
        let jingle = format!(
            "<jingle xmlns='urn:xmpp:jingle:1'><content><description xmlns='urn:xmpp:jingle:apps:rtp:1'>{group}</description></content></jingle>"
        );
        let error =
            read_stanza(&format!("<iq type='set' id='7' from='a@b/c' to='d'>{jingle}</iq>")).expect_err("malformed");
        let answer = xml::to_string(&error.answer().expect("a request is answered"));
        assert_eq!(
            answer,
            "<iq from='d' to='a@b/c' id='7' type='error'><error type='modify'>\
             <bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>\
             &lt;iq&gt; &lt;jingle&gt; &lt;content&gt; &lt;description&gt; &lt;ssrc-group&gt; semantics: \
             expected one of SIM FID, found \"XX\"</text></error></iq>"
        );
        let error =
            read_stanza(&format!("<iq type='result' id='7' from='a@b/c'>{jingle}</iq>")).expect_err("malformed");
        assert!(error.head.as_ref().is_some_and(|head| head.id == Some("7".into())));
        assert_eq!(error.answer(), None);
    }

    #[test]
    fn requests_without_a_child_and_unknown_types_are_answered_or_dropped() {
        let error = |xml: &str| read_stanza(xml).expect_err(xml);
        assert!(error("<iq type='get' id='1'/>").answer().is_some());
        assert!(error("<iq type='oops' id='1'><x/></iq>").answer().is_none());
        assert!(error("<iq type='get'><x/></iq>").head.is_some());
        assert!(error("<iq").head.is_none());
    }

    #[test]
    fn what_is_unknown_is_named() {
        let unknown = Incoming::Unknown { name: "x".into(), ns: "urn:x".into() };
        assert_eq!(read_stanza("<x xmlns='urn:x'><y/></x>"), Ok(unknown));
    }

    #[test]
    fn no_secret_is_shown() {
        for xml in [
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>hush</auth>",
            "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>hush</challenge>",
            "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>hush</response>",
            "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>hush</success>",
            "<handshake>hush</handshake>",
            "<iq type='set' id='1'><conference xmlns='http://jitsi.org/protocol/focus' token='hush' session-id='hush'/></iq>",
            "<iq type='set' id='1'><logout xmlns='http://jitsi.org/protocol/focus' session-id='hush'/></iq>",
        ] {
            let shown = format!("{:?}", read_stanza(xml).expect(xml));
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
}
