//! Cuts the bytes of a stream into elements, and bounds them before anything parses them.
//!
//! The [`Framer`] is a state machine that remembers where it is, so that no byte is looked at twice however it arrives:
//! starting an unfinished element anew with every segment would be quadratic. It counts tags; quotes and CDATA are
//! respected, everything else is left to the XML parser. Each element is handed out as a document of its own, behind the
//! stream's start tag as the server sent it, so that whatever that declares is in scope.
//!
//! An element beyond a bound is cut all the same and reported as [`Frame::Refused`]: it counts for XEP-0198, an IQ among
//! them can be answered, and the stream goes on. Only what is no XMPP stream ends it ([`FramingError`]).

use memchr::{memchr, memchr3, memmem};

use crate::wire::ns::STREAMS;
use crate::wire::stanza::StanzaHead;
use crate::wire::xml;

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
    /// Its name with its prefix, as it stands there.
    pub name: String,
    pub bytes: usize,
    /// A document with nothing but the element's start tag, if that alone is within bounds.
    pub start_tag: Option<String>,
}

impl Refused {
    /// Whether it counts for XEP-0198.
    pub fn is_stanza(&self) -> bool {
        matches!(self.name.as_str(), "iq" | "presence" | "message")
    }

    /// The head of the stanza, if it is one and its start tag can be read: how to answer it.
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
#[derive(Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Where the current element begins; everything before is done with.
    start: usize,
    /// Everything before is scanned.
    scanned: usize,
    at: At,
    stream: Option<Stream>,
    ended: bool,
    element: Element,
}

/// The stream's start tag and what ends it, to put around each element.
#[derive(Debug)]
struct Stream {
    start_tag: String,
    /// With its prefix.
    name: String,
}

/// Between which bytes the scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    /// Outside of tags.
    #[default]
    Text,
    /// Behind a `<`, before what says what it begins.
    Markup,
    /// In a start tag, whose next attribute, or name, begins at `since`.
    Tag {
        since: usize,
    },
    /// In an attribute value with these quotes.
    Quoted(u8),
    EndTag,
    Cdata,
}

/// What is known of the element being scanned.
#[derive(Debug, Default)]
struct Element {
    /// How many tags are open.
    depth: usize,
    /// Attributes of the current tag.
    attributes: usize,
    /// Prefix declarations of all tags.
    prefixes: usize,
    /// Where its own start tag ends in the buffer, once that is known.
    start_tag_end: Option<usize>,
    refused: Option<Refused>,
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
        self.start == self.buffer.len()
    }

    /// Expects a stream header again; what is in the buffer stays.
    pub fn restart(&mut self) {
        self.stream = None;
        self.ended = false;
        self.at = At::Text;
        self.element = Element::default();
        self.scanned = self.start;
    }

    /// The next piece, if it is complete.
    #[allow(clippy::should_implement_trait)] // not an iterator: there may be a next one after `None`
    pub fn next(&mut self) -> Result<Option<Frame>, FramingError> {
        let frame = match self.stream {
            _ if self.ended => {
                self.start = self.buffer.len();
                self.scanned = self.start;
                None
            }
            None => self.header()?,
            Some(_) => self.scan()?,
        };
        if frame.is_none() {
            self.compact();
        }
        Ok(frame)
    }

    /// Looks for the header from its beginning each time: it is short.
    fn header(&mut self) -> Result<Option<Frame>, FramingError> {
        const DECLARATION: &[u8] = b"<?xml";
        self.skip_blanks();
        let mut rest = &self.buffer[self.start..];
        if rest.len() < DECLARATION.len() && DECLARATION.starts_with(rest) {
            return Ok(None);
        }
        if rest.starts_with(DECLARATION) {
            let Some(end) = memmem::find(rest, b"?>") else { return unfinished_header(rest) };
            rest = &rest[end + 2..];
            rest = &rest[blanks(rest)..];
        }
        match rest {
            [] | [b'<'] => return Ok(None),
            [b'<', b'!' | b'?', ..] => return Err(FramingError::NotXmpp(quote(rest))),
            [b'<', ..] => {}
            _ => return Err(FramingError::NotXmpp(quote(rest))),
        }
        let Some(length) = tag_length(rest) else { return unfinished_header(rest) };
        if length > MAX_HEADER {
            return Err(FramingError::HeaderTooLong);
        }
        let tag = &rest[..length];
        let start_tag = std::str::from_utf8(tag).map_err(|_| FramingError::Header("not UTF-8".into()))?;
        let (stream, header) = read_header(start_tag)?;
        self.start = self.buffer.len() - rest.len() + length;
        self.scanned = self.start;
        self.stream = Some(stream);
        Ok(Some(Frame::Header(header)))
    }

    fn scan(&mut self) -> Result<Option<Frame>, FramingError> {
        loop {
            let rest = &self.buffer[self.scanned..];
            let found = match self.at {
                At::Text if self.element.depth == 0 => {
                    self.skip_blanks();
                    match self.buffer.get(self.start) {
                        None => return Ok(None),
                        Some(b'<') => {}
                        Some(_) => return Err(FramingError::Text(quote(&self.buffer[self.start..]))),
                    }
                    self.at = At::Markup;
                    self.scanned = self.start + 1;
                    continue;
                }
                At::Text => find(b'<', rest),
                At::Markup => match rest {
                    [] => return Ok(None),
                    [b'/', ..] => {
                        self.at = At::EndTag;
                        continue;
                    }
                    [b'!', ..] => {
                        const CDATA: &[u8] = b"![CDATA[";
                        if self.element.depth == 0 || !CDATA.starts_with(&rest[..rest.len().min(CDATA.len())]) {
                            return Err(FramingError::Forbidden);
                        }
                        if rest.len() < CDATA.len() {
                            return Ok(None);
                        }
                        self.at = At::Cdata;
                        self.scanned += CDATA.len();
                        continue;
                    }
                    [b'?', ..] => return Err(FramingError::Forbidden),
                    _ => {
                        self.at = At::Tag { since: self.scanned };
                        self.element.attributes = 0;
                        continue;
                    }
                },
                At::Tag { .. } => find_in_tag(rest),
                At::Quoted(quote) => find(quote, rest),
                At::EndTag | At::Cdata => find(b'>', rest),
            };
            let Some(found) = found else {
                self.scanned = self.buffer.len();
                if self.element.refused.is_none() && self.scanned - self.start > MAX_ELEMENT {
                    self.refuse(TOO_LONG);
                }
                return Ok(None);
            };
            let found = self.scanned + found;
            self.scanned = found + 1;
            match self.at {
                At::Text => self.at = At::Markup,
                At::Markup => unreachable!("has gone on above"),
                At::Tag { .. } if self.buffer[found] == b'>' => {
                    self.at = At::Text;
                    let open = self.buffer[found - 1] != b'/';
                    if let Some(frame) = self.tag_ended(open) {
                        return Ok(Some(frame));
                    }
                }
                At::Tag { since } => {
                    self.at = At::Quoted(self.buffer[found]);
                    self.attribute(since, found);
                }
                At::Quoted(_) => self.at = At::Tag { since: self.scanned },
                At::EndTag if self.element.depth == 0 => return self.stream_end(found),
                At::EndTag => {
                    self.at = At::Text;
                    self.element.depth -= 1;
                    if self.element.depth == 0 {
                        return Ok(Some(self.cut()));
                    }
                }
                // What stands before cannot be part of `<![CDATA[`, which ends in `[`.
                At::Cdata if self.buffer[..found].ends_with(b"]]") => self.at = At::Text,
                At::Cdata => {}
            }
        }
    }

    /// An attribute's value begins; its name stands somewhere behind `since`.
    fn attribute(&mut self, since: usize, quote: usize) {
        if self.element.refused.is_some() {
            return;
        }
        self.element.attributes += 1;
        if declares_prefix(&self.buffer[since..quote], self.element.attributes == 1) {
            self.element.prefixes += 1;
        }
        if self.element.attributes > MAX_ATTRIBUTES {
            self.refuse("more than 32 attributes in one tag");
        } else if self.element.prefixes > MAX_PREFIXES {
            self.refuse("more than 16 namespace prefixes");
        }
    }

    /// A start tag has ended.
    fn tag_ended(&mut self, open: bool) -> Option<Frame> {
        let element = &mut self.element;
        if element.depth == 0 && element.refused.is_none() {
            element.start_tag_end = Some(self.scanned);
        }
        if open {
            element.depth += 1;
            if element.depth > MAX_DEPTH {
                self.refuse("nested deeper than 64");
            }
            None
        } else if element.depth == 0 {
            Some(self.cut())
        } else {
            None
        }
    }

    /// The element is complete.
    fn cut(&mut self) -> Frame {
        if self.scanned - self.start > MAX_ELEMENT {
            self.refuse(TOO_LONG);
        }
        let bytes = &self.buffer[self.start..self.scanned];
        let document = match std::str::from_utf8(bytes) {
            Ok(text) if self.element.refused.is_none() => self.stream.as_ref().map(|stream| stream.around(text)),
            Ok(_) => None,
            Err(_) => {
                self.refuse("not UTF-8");
                None
            }
        };
        let length = self.scanned - self.start;
        self.start = self.scanned;
        let element = std::mem::take(&mut self.element);
        match (document, element.refused) {
            (Some(document), None) => Frame::Element(document),
            (_, refused) => {
                // Without a document there is a refusal: the stream's start tag is there, else nothing had been scanned.
                let mut refused = refused.unwrap_or_else(|| Refused::new("cut without a stream"));
                refused.bytes += length;
                Frame::Refused(refused)
            }
        }
    }

    /// The element is to be skipped. The first reason is the one that is told.
    fn refuse(&mut self, why: &'static str) {
        if self.element.refused.is_some() {
            return;
        }
        let mut refused = Refused::new(why);
        let bytes = &self.buffer[self.start..self.scanned];
        let name = bytes.get(1..).unwrap_or_default();
        let name = &name[..name.iter().take(64).take_while(|byte| !b" \t\r\n/>".contains(byte)).count()];
        refused.name = String::from_utf8_lossy(name).into_owned();
        if let (Some(end), Some(stream)) = (self.element.start_tag_end, &self.stream) {
            let tag = &self.buffer[self.start..end - 1];
            let tag = tag.strip_suffix(b"/").unwrap_or(tag);
            refused.start_tag = std::str::from_utf8(tag).ok().map(|tag| stream.around(&format!("{tag}/>")));
        }
        self.element.refused = Some(refused);
    }

    fn stream_end(&mut self, end: usize) -> Result<Option<Frame>, FramingError> {
        // "</" before the name.
        let name = self.buffer[self.start + 2..end].trim_ascii_end();
        if self.stream.as_ref().is_some_and(|stream| stream.name.as_bytes() == name) {
            self.ended = true;
            Ok(Some(Frame::End))
        } else {
            Err(FramingError::EndTag)
        }
    }

    fn skip_blanks(&mut self) {
        self.start += blanks(&self.buffer[self.start..]);
        self.scanned = self.start;
    }

    /// Forgets what is done with; of an element being skipped, everything but the last byte, at which the scan may have
    /// to look back.
    fn compact(&mut self) {
        /// A buffer that one long element has left is given back.
        const KEPT_CAPACITY: usize = 64 * 1024;
        if let Some(refused) = &mut self.element.refused {
            let done = self.scanned.saturating_sub(2).max(self.start);
            refused.bytes += done - self.start;
            self.start = done;
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            if let At::Tag { since } = &mut self.at {
                *since = since.saturating_sub(self.start);
            }
            self.element.start_tag_end = self.element.start_tag_end.map(|end| end.saturating_sub(self.start));
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        }
    }
}

/// Without the bytes, which may hold secrets while logging in.
impl std::fmt::Debug for Framer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.buffer.len() - self.start;
        f.debug_struct("Framer").field("at", &self.at).field("waiting", &waiting).finish_non_exhaustive()
    }
}

const TOO_LONG: &str = "longer than 2 MiB";

impl Stream {
    fn around(&self, element: &str) -> String {
        let parts = [&self.start_tag, element, "</", &self.name, ">"];
        parts.concat()
    }
}

impl Refused {
    fn new(why: &'static str) -> Self {
        Refused { why, name: String::new(), bytes: 0, start_tag: None }
    }
}

fn read_header(start_tag: &str) -> Result<(Stream, Header), FramingError> {
    let name_length = start_tag.bytes().skip(1).take_while(|byte| !b" \t\r\n/>".contains(byte)).count();
    let name = start_tag[1..1 + name_length].to_owned();
    if start_tag.ends_with("/>") {
        return Err(FramingError::NotAStream(quote(name.as_bytes())));
    }
    let document = format!("{start_tag}</{name}>");
    let header = xml::with_root(&document, |root| {
        let attribute = |name| root.attribute(name).map(str::to_owned);
        Ok(root.is(STREAMS, "stream").then(|| Header {
            id: attribute("id"),
            from: attribute("from"),
            version: attribute("version"),
            namespace: root.default_namespace().to_owned(),
        }))
    });
    match header.map_err(|error| FramingError::Header(error.to_string()))? {
        Some(header) => Ok((Stream { start_tag: start_tag.to_owned(), name }, header)),
        None => Err(FramingError::NotAStream(quote(name.as_bytes()))),
    }
}

fn unfinished_header(rest: &[u8]) -> Result<Option<Frame>, FramingError> {
    if rest.len() > MAX_HEADER { Err(FramingError::HeaderTooLong) } else { Ok(None) }
}

/// The length of the start tag at the beginning, with its `>`.
fn tag_length(bytes: &[u8]) -> Option<usize> {
    let mut i = 0;
    loop {
        i += memchr3(b'>', b'\'', b'"', &bytes[i..])?;
        if bytes[i] == b'>' {
            return Some(i + 1);
        }
        i += 1 + memchr(bytes[i], &bytes[i + 1..])? + 1;
    }
}

/// Whether the attribute that begins behind `rest`'s blanks declares a namespace prefix. Before a tag's first attribute
/// stands its name.
fn declares_prefix(rest: &[u8], first: bool) -> bool {
    let name = if first { rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()) } else { 0 };
    rest[name..].trim_ascii_start().starts_with(b"xmlns:")
}

/// As `memchr`, for bytes that are mostly near: calling it costs more than looking at a few bytes.
fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let near = bytes.len().min(NEAR);
    match bytes[..near].iter().position(|b| *b == byte) {
        None => memchr(byte, &bytes[near..]).map(|found| near + found),
        found => found,
    }
}

/// As `memchr3` for what ends a tag's parts.
fn find_in_tag(bytes: &[u8]) -> Option<usize> {
    let near = bytes.len().min(NEAR);
    match bytes[..near].iter().position(|b| matches!(b, b'>' | b'\'' | b'"')) {
        None => memchr3(b'>', b'\'', b'"', &bytes[near..]).map(|found| near + found),
        found => found,
    }
}

const NEAR: usize = 16;

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// The beginning of foreign bytes for an error.
fn quote(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(64)]).trim().escape_debug().to_string()
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
