//! How elements are read and written: nodes, the traits behind `#[derive(Element)]`, the writer, escaping, errors.
//!
//! Reading goes from a `roxmltree` document, which only this file names. Writing goes straight into a `String` that its
//! owner reuses, so that it allocates nothing. No namespace, `jabber:client` and `jabber:component:accept` are the one
//! namespace [`STANZA`].

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ns::{CLIENT, COMPONENT, STANZA, STREAMS};

/// More nodes than this in one document are refused. A session-initiate with 500 participants' sources has some 20,000.
pub const MAX_NODES: u32 = 200_000;

/// Kept elements with a longer namespace are dropped: each would be repeated wherever it is declared anew.
const MAX_KEPT_NAMESPACE: usize = 256;

/// More unknown children of one element are dropped. Presence of a client has some ten, a transport none.
const MAX_KEPT: usize = 256;

/// How much of a wrong value an error quotes, in characters.
const MAX_QUOTED: usize = 64;

/// An element that is read from a node and written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no wire element",
    note = "an unmarked field holds child elements (`T`, `Option<T>`, `Vec<T>` with `#[derive(Element)]`); values are marked `#[attr]`, `#[leaf(\"name\")]` or `#[text]`"
)]
pub trait Element: Sized {
    /// Whether the node is this element.
    fn is(node: Node<'_, '_>) -> bool;
    /// Reads a node for which [`Element::is`] holds.
    fn read(node: Node<'_, '_>) -> Result<Self, Error>;
    fn write(&self, w: &mut Writer<'_>);
}

impl<T: Element> Element for Box<T> {
    fn is(node: Node<'_, '_>) -> bool {
        T::is(node)
    }
    fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        T::read(node).map(Box::new)
    }
    fn write(&self, w: &mut Writer<'_>) {
        T::write(self, w);
    }
}

/// A value that is text on the wire.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no wire value",
    note = "values are strings, numbers, `bool`, `Jid`, and what `newtype!` and `keywords!` make"
)]
pub trait Text: Sized {
    fn parse(text: &str) -> Result<Self, Expected>;
    fn write(&self, out: &mut Escaped<'_>);
}

/// The type of an `#[attr]` field: a value, or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an attribute",
    note = "an `#[attr]` holds a value or an `Option` of one: a string, a number, `bool`, `Jid`, or what `newtype!` and `keywords!` make"
)]
pub trait Attr: Sized {
    fn read(node: Node<'_, '_>, name: &'static str, value: Option<&str>) -> Result<Self, Error>;
    fn write(&self, name: &'static str, w: &mut Writer<'_>);
}

impl<T: Text> Attr for T {
    fn read(node: Node<'_, '_>, name: &'static str, value: Option<&str>) -> Result<Self, Error> {
        match value {
            Some(value) => T::parse(value).map_err(|expected| node.error_at(name, &expected, value)),
            None => Err(node.error(name, "missing".into())),
        }
    }
    fn write(&self, name: &'static str, w: &mut Writer<'_>) {
        w.attribute(name, self);
    }
}

impl<T: Text> Attr for Option<T> {
    fn read(node: Node<'_, '_>, name: &'static str, value: Option<&str>) -> Result<Self, Error> {
        value.map(|value| <T as Attr>::read(node, name, Some(value))).transpose()
    }
    fn write(&self, name: &'static str, w: &mut Writer<'_>) {
        if let Some(value) = self {
            w.attribute(name, value);
        }
    }
}

/// The type of an unmarked field: one element, perhaps one (the first counts), or any number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a child",
    note = "an unmarked field holds child elements: `T`, `Option<T>` or `Vec<T>` with `T: Element`; values are marked `#[attr]`, `#[leaf(\"name\")]` or `#[text]`"
)]
pub trait Child: Sized {
    /// What has come of it so far.
    type Slot: Default;
    /// Takes a child of the parent if it is one of these.
    fn offer(slot: &mut Self::Slot, child: Node<'_, '_>) -> Result<bool, Error>;
    /// All children have been offered.
    fn finish(slot: Self::Slot, parent: Node<'_, '_>) -> Result<Self, Error>;
    fn write(&self, w: &mut Writer<'_>);
}

impl<T: Element> Child for T {
    type Slot = Option<T>;
    fn offer(slot: &mut Option<T>, child: Node<'_, '_>) -> Result<bool, Error> {
        let taken = T::is(child);
        if taken && slot.is_none() {
            *slot = Some(T::read(child)?);
        }
        Ok(taken)
    }
    fn finish(slot: Option<T>, parent: Node<'_, '_>) -> Result<Self, Error> {
        slot.ok_or_else(|| parent.error("", "a required child element is missing".into()))
    }
    fn write(&self, w: &mut Writer<'_>) {
        T::write(self, w);
    }
}

impl<T: Element> Child for Option<T> {
    type Slot = Option<T>;
    fn offer(slot: &mut Option<T>, child: Node<'_, '_>) -> Result<bool, Error> {
        <T as Child>::offer(slot, child)
    }
    fn finish(slot: Option<T>, _: Node<'_, '_>) -> Result<Self, Error> {
        Ok(slot)
    }
    fn write(&self, w: &mut Writer<'_>) {
        if let Some(child) = self {
            child.write(w);
        }
    }
}

impl<T: Element> Child for Vec<T> {
    type Slot = Vec<T>;
    fn offer(slot: &mut Vec<T>, child: Node<'_, '_>) -> Result<bool, Error> {
        let taken = T::is(child);
        if taken {
            slot.push(T::read(child)?);
        }
        Ok(taken)
    }
    fn finish(slot: Vec<T>, _: Node<'_, '_>) -> Result<Self, Error> {
        Ok(slot)
    }
    fn write(&self, w: &mut Writer<'_>) {
        for child in self {
            child.write(w);
        }
    }
}

/// The type of a `#[leaf]` field: the text of a child element that has nothing else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the text of a leaf",
    note = "a `#[leaf]` holds a value or an `Option` of one: a string, a number, `bool`, `Jid`, or what `newtype!` and `keywords!` make"
)]
pub trait Leaf: Sized {
    type Slot: Default;
    /// Reads the leaf, if it is the first one.
    fn take(slot: &mut Self::Slot, leaf: Node<'_, '_>) -> Result<(), Error>;
    fn finish(slot: Self::Slot, parent: Node<'_, '_>, name: &'static str) -> Result<Self, Error>;
    fn write(&self, ns: &'static str, name: &'static str, w: &mut Writer<'_>);
}

impl<T: Text> Leaf for T {
    type Slot = Option<T>;
    fn take(slot: &mut Option<T>, leaf: Node<'_, '_>) -> Result<(), Error> {
        if slot.is_none() {
            *slot = Some(read_text(leaf)?);
        }
        Ok(())
    }
    fn finish(slot: Option<T>, parent: Node<'_, '_>, name: &'static str) -> Result<Self, Error> {
        slot.ok_or_else(|| parent.error("", format!("<{name}> is missing")))
    }
    fn write(&self, ns: &'static str, name: &'static str, w: &mut Writer<'_>) {
        let parent = w.start(ns, name);
        w.text(self);
        w.end(name, parent);
    }
}

impl<T: Text> Leaf for Option<T> {
    type Slot = Option<T>;
    fn take(slot: &mut Option<T>, leaf: Node<'_, '_>) -> Result<(), Error> {
        <T as Leaf>::take(slot, leaf)
    }
    fn finish(slot: Option<T>, _: Node<'_, '_>, _: &'static str) -> Result<Self, Error> {
        Ok(slot)
    }
    fn write(&self, ns: &'static str, name: &'static str, w: &mut Writer<'_>) {
        if let Some(value) = self {
            Leaf::write(value, ns, name, w);
        }
    }
}

/// The element's own text as a value.
pub fn read_text<T: Text>(node: Node<'_, '_>) -> Result<T, Error> {
    let text = node.text();
    T::parse(&text).map_err(|expected| node.error_at("", &expected, &text))
}

/// Keeps a child that no field took.
pub fn keep(others: &mut Vec<Raw>, child: Node<'_, '_>) {
    if others.len() < MAX_KEPT {
        others.extend(Encoded::keep(child));
    }
}

/// One element of a document that is being read.
#[derive(Clone, Copy)]
pub struct Node<'a, 'i> {
    node: roxmltree::Node<'a, 'i>,
    /// Here because it is asked for once a field of the parent.
    name: &'a str,
}

impl<'a, 'i: 'a> Node<'a, 'i> {
    fn new(node: roxmltree::Node<'a, 'i>) -> Self {
        Node { node, name: node.tag_name().name() }
    }

    pub fn is(self, ns: &str, name: &str) -> bool {
        self.name == name && self.ns() == ns
    }

    pub fn name(self) -> &'a str {
        self.name
    }

    /// The namespace; [`STANZA`] for those of stanzas.
    pub fn ns(self) -> &'a str {
        namespace(self.node)
    }

    /// The namespace that children without a prefix have, as it was declared.
    pub fn default_namespace(self) -> &'a str {
        self.node.lookup_namespace_uri(None).unwrap_or("")
    }

    /// An attribute without a namespace. (`roxmltree::Node::attribute` would find `x:id` for `id`.)
    pub fn attribute(self, name: &str) -> Option<&'a str> {
        self.node.attributes().find(|a| a.name() == name && a.namespace().is_none()).map(|a| a.value())
    }

    /// As [`Node::attribute`], an empty value being none.
    pub fn filled_attribute(self, name: &str) -> Option<&'a str> {
        self.attribute(name).filter(|value| !value.is_empty())
    }

    /// A boolean attribute as the reference reads it: `true` in any case is true, anything else and nothing are false.
    pub fn switch(self, name: &str) -> bool {
        self.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Child elements in their order.
    pub fn children(self) -> impl Iterator<Item = Node<'a, 'i>> {
        self.node.children().filter(roxmltree::Node::is_element).map(Node::new)
    }

    pub fn child(self, ns: &str, name: &str) -> Option<Node<'a, 'i>> {
        self.children().find(|child| child.is(ns, name))
    }

    /// The text directly inside, all pieces of it: a child element splits text into several.
    pub fn text(self) -> Cow<'a, str> {
        let mut pieces = self.node.children().filter(roxmltree::Node::is_text).filter_map(|piece| piece.text());
        let first = pieces.next().unwrap_or("");
        match pieces.next() {
            None => Cow::Borrowed(first),
            Some(second) => Cow::Owned([first, second].into_iter().chain(pieces).collect()),
        }
    }

    /// An error about this element, or about its attribute or child `what`.
    pub fn error(self, what: &str, problem: String) -> Error {
        let mut names: Vec<&str> = self
            .node
            .ancestors()
            .filter(|node| node.is_element() && !Node::new(*node).is(STREAMS, "stream"))
            .map(|node| node.tag_name().name())
            .collect();
        names.reverse();
        let mut place = String::new();
        for name in names {
            let _ = write!(place, "<{}> ", Quoted(name));
        }
        place.push_str(what);
        Error { place: place.trim_end().into(), problem }
    }

    pub fn error_at(self, what: &str, expected: &Expected, found: &str) -> Error {
        self.error(what, format!("{expected}, found \"{}\"", Quoted(found)))
    }

    pub fn unexpected(self) -> Error {
        self.error("", format!("not expected here (namespace \"{}\")", Quoted(self.ns())))
    }
}

/// The namespaces of stanzas are one.
fn namespace<'a>(node: roxmltree::Node<'a, '_>) -> &'a str {
    match node.tag_name().namespace() {
        None | Some(CLIENT | COMPONENT) => STANZA,
        Some(ns) => ns,
    }
}

/// Foreign text in an error: cut, without control characters.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, c) in self.0.chars().enumerate() {
            if i == MAX_QUOTED {
                return f.write_str("…");
            }
            f.write_char(if c.is_control() { '\u{fffd}' } else { c })?;
        }
        Ok(())
    }
}

/// What a value should have been: "expected a number from 0 to 255".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(pub Cow<'static, str>);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl std::error::Error for Expected {}

/// What is wrong with an element, and where: `<iq> <jingle> <content> senders: expected one of both none, found "x"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    place: Box<str>,
    problem: String,
}

impl Error {
    fn document(error: &roxmltree::Error) -> Self {
        // The texts of roxmltree quote names from the document, hence the cut.
        Error { place: "".into(), problem: format!("not well-formed: {}", Quoted(&error.to_string())) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.problem) } else { write!(f, "{}: {}", self.place, self.problem) }
    }
}

impl std::error::Error for Error {}

/// Parses a document and hands its root to `read`.
pub fn with_root<T>(xml: &str, read: impl FnOnce(Node<'_, '_>) -> Result<T, Error>) -> Result<T, Error> {
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(xml, options).map_err(|e| Error::document(&e))?;
    read(Node::new(document.root_element()))
}

/// Parses a document and hands its element to `read`: the root, or the first element inside `<stream:stream>`, behind
/// whose start tag the framing puts every stanza.
pub fn with_document<T>(xml: &str, read: impl FnOnce(Node<'_, '_>) -> Result<T, Error>) -> Result<T, Error> {
    with_root(xml, |root| {
        if !root.is(STREAMS, "stream") {
            return read(root);
        }
        match root.children().next() {
            Some(element) => read(element),
            None => Err(Error { place: "".into(), problem: "the stream's start tag without an element".into() }),
        }
    })
}

/// Reads one element from text.
pub fn read_str<T: Element>(xml: &str) -> Result<T, Error> {
    with_document(xml, |node| if T::is(node) { T::read(node) } else { Err(node.unexpected()) })
}

/// Writes one element into a new string. Connections use [`write_to`] with one that they reuse.
pub fn to_string<T: Element>(element: &T) -> String {
    let mut out = String::new();
    write_to(element, &mut out);
    out
}

/// Appends one element; at the top level the stream's own namespace is not declared.
pub fn write_to<T: Element>(element: &T, out: &mut String) {
    element.write(&mut Writer::new(out));
}

/// Writes elements into a string, declaring a namespace exactly where it differs from the parent's.
pub struct Writer<'o> {
    out: &'o mut String,
    ns: &'static str,
    /// The start tag that was written last lacks its `>`.
    open: bool,
}

impl<'o> Writer<'o> {
    pub fn new(out: &'o mut String) -> Self {
        Writer { out, ns: STANZA, open: false }
    }

    /// Begins an element. What it returns goes to [`Writer::end`].
    pub fn start(&mut self, ns: &'static str, name: &str) -> &'static str {
        self.close();
        self.out.push('<');
        self.out.push_str(name);
        if ns != self.ns {
            self.out.push_str(" xmlns='");
            // Inside a foreign element a stanza must say what it is.
            self.out.push_str(if ns == STANZA { CLIENT } else { ns });
            self.out.push('\'');
        }
        self.open = true;
        std::mem::replace(&mut self.ns, ns)
    }

    pub fn end(&mut self, name: &str, parent: &'static str) {
        if self.open {
            self.out.push_str("/>");
            self.open = false;
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self.ns = parent;
    }

    /// An attribute of the element just begun.
    pub fn attribute<T: Text>(&mut self, name: &str, value: &T) {
        self.attribute_with(name, |out| value.write(out));
    }

    pub fn attribute_str(&mut self, name: &str, value: &str) {
        self.attribute_with(name, |out| out.push(value));
    }

    fn attribute_with(&mut self, name: &str, write: impl FnOnce(&mut Escaped<'_>)) {
        debug_assert!(self.open, "attributes come before children");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
        write(&mut Escaped(self.out));
        self.out.push('\'');
    }

    pub fn switch(&mut self, name: &str, on: bool) {
        if on {
            self.attribute_str(name, "true");
        }
    }

    pub fn flag(&mut self, ns: &'static str, name: &str, on: bool) {
        if on {
            let parent = self.start(ns, name);
            self.end(name, parent);
        }
    }

    pub fn text<T: Text>(&mut self, value: &T) {
        let tag_open = self.open;
        self.close();
        let before = self.out.len();
        value.write(&mut Escaped(self.out));
        if tag_open && self.out.len() == before {
            // Nothing came: the element stays `<name/>`.
            self.out.pop();
            self.open = true;
        }
    }

    /// A complete element. One of the stanzas' namespace declares none, so that it fits every kind of stream; inside
    /// another namespace it has to.
    pub fn encoded(&mut self, element: &Encoded) {
        self.close();
        let xml = &*element.0;
        if self.ns != STANZA && element.namespace() == STANZA {
            let (name, rest) = xml.split_at(1 + element.name().len());
            for part in [name, " xmlns='", CLIENT, "'", rest] {
                self.out.push_str(part);
            }
        } else {
            self.out.push_str(xml);
        }
    }

    fn close(&mut self) {
        if self.open {
            self.out.push('>');
            self.open = false;
        }
    }
}

/// Where values are written: escapes what XML needs escaped and drops what it forbids.
///
/// A character such as U+0001 from a display name, written as it is, would cost us the stream and with it all rooms.
pub struct Escaped<'o>(&'o mut String);

impl Escaped<'_> {
    pub fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        // Nearly all text is plain. This loop is without exits so that it looks at many bytes at a time.
        if !bytes.iter().fold(false, |found, &byte| found | special(byte)) {
            self.0.push_str(text);
            return;
        }
        let mut done = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            if !special(byte) {
                continue;
            }
            let (length, replacement) = match byte {
                b'&' => (1, "&amp;"),
                b'<' => (1, "&lt;"),
                b'>' => (1, "&gt;"),
                b'"' => (1, "&quot;"),
                b'\'' => (1, "&apos;"),
                // A raw one in an attribute is read as a space.
                b'\t' => (1, "&#9;"),
                b'\n' => (1, "&#10;"),
                b'\r' => (1, "&#13;"),
                // U+FFFE and U+FFFF.
                0xEF if bytes[i + 1] == 0xBF && bytes[i + 2] >= 0xBE => (3, ""),
                0xEF => continue,
                _ => (1, ""),
            };
            self.0.push_str(&text[done..i]);
            self.0.push_str(replacement);
            done = i + length;
        }
        self.0.push_str(&text[done..]);
    }
}

impl Escaped<'_> {
    /// A number in decimal. An offer has two hundred: through `fmt` writing it takes a tenth longer.
    fn number(&mut self, mut magnitude: u64, negative: bool) {
        // 20 digits and a sign.
        let mut digits = [0; 21];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (magnitude % 10) as u8;
            magnitude /= 10;
            if magnitude == 0 {
                break;
            }
        }
        if negative {
            start -= 1;
            digits[start] = b'-';
        }
        self.0.extend(digits[start..].iter().map(|digit| char::from(*digit)));
    }
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// Bytes that [`Escaped`] looks at: controls, the five, and the first byte of U+FFFE and U+FFFF.
const fn special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == b'"') | (byte == b'\'') | (byte == 0xEF)
}

/// A complete element as text, declaring its own namespace on its root, hence valid anywhere: what is encoded once for
/// many receivers, and what is kept of foreign elements to be passed on.
///
/// Of a kept element, `xml:lang` and attributes without a namespace are kept; other attributes are not, nobody has any.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoded(Arc<str>);

/// An element that was not read further.
pub type Raw = Encoded;

impl Encoded {
    /// Encodes an element.
    pub fn of(element: &impl Element) -> Self {
        Encoded(to_string(element).into())
    }

    /// The text, as it goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn name(&self) -> &str {
        let rest = self.0.get(1..).unwrap_or("");
        &rest[..rest.find([' ', '/', '>']).unwrap_or(rest.len())]
    }

    /// The namespace as it is written, with its escapes.
    pub fn namespace(&self) -> &str {
        // The writer puts the declaration first, so that no attribute can pose as it.
        let after = self.0.get(1 + self.name().len()..).unwrap_or("");
        match after.strip_prefix(" xmlns='") {
            Some(ns) => &ns[..ns.find('\'').unwrap_or(ns.len())],
            None => STANZA,
        }
    }

    pub fn is(&self, ns: &str, name: &str) -> bool {
        self.name() == name && self.namespace() == ns
    }

    /// Reads it as a typed element.
    pub fn read_as<T: Element>(&self) -> Result<T, Error> {
        read_str(&self.0)
    }

    /// Writes a node anew, with its prefixes resolved: it is never sliced from its document, whose declarations may
    /// stand outside of the slice. `None` if it cannot be kept.
    fn keep(node: Node<'_, '_>) -> Option<Self> {
        let mut out = String::new();
        let mut parent_ns = STANZA;
        let root = node.node;
        let mut at = root;
        // Without recursion, however deep it is.
        'element: loop {
            if at.is_text() {
                Escaped(&mut out).push(at.text().unwrap_or(""));
            } else if at.is_element() {
                let ns = namespace(at);
                if ns.len() > MAX_KEPT_NAMESPACE {
                    return None;
                }
                write_start_tag(&mut out, at, (ns != parent_ns).then_some(ns));
                if let Some(child) = at.first_child() {
                    out.push('>');
                    parent_ns = ns;
                    at = child;
                    continue;
                }
                out.push_str("/>");
            }
            loop {
                if at == root {
                    break 'element;
                }
                if let Some(next) = at.next_sibling() {
                    at = next;
                    continue 'element;
                }
                at = at.parent()?;
                let _ = write!(out, "</{}>", at.tag_name().name());
                parent_ns = if at == root { STANZA } else { at.parent().map_or(STANZA, namespace) };
            }
        }
        Some(Encoded(out.into()))
    }
}

fn write_start_tag(out: &mut String, node: roxmltree::Node<'_, '_>, declare: Option<&str>) {
    out.push('<');
    out.push_str(node.tag_name().name());
    if let Some(ns) = declare {
        out.push_str(" xmlns='");
        Escaped(out).push(if ns == STANZA { CLIENT } else { ns });
        out.push('\'');
    }
    for attribute in node.attributes() {
        match attribute.namespace() {
            None => out.push(' '),
            Some(roxmltree::NS_XML_URI) => out.push_str(" xml:"),
            Some(_) => continue,
        }
        out.push_str(attribute.name());
        out.push_str("='");
        Escaped(out).push(attribute.value());
        out.push('\'');
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes every element: last in an enum, `#[others]` in a struct.
impl Element for Encoded {
    fn is(_: Node<'_, '_>) -> bool {
        true
    }
    fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        Encoded::keep(node).ok_or_else(|| node.error("", "its namespace is too long".into()))
    }
    fn write(&self, w: &mut Writer<'_>) {
        w.encoded(self);
    }
}

impl Text for String {
    fn parse(text: &str) -> Result<Self, Expected> {
        Ok(text.to_owned())
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(self);
    }
}

impl Text for Arc<str> {
    fn parse(text: &str) -> Result<Self, Expected> {
        Ok(text.into())
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(self);
    }
}

/// An XML Schema boolean, in any case.
impl Text for bool {
    fn parse(text: &str) -> Result<Self, Expected> {
        if text == "1" || text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text == "0" || text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err(Expected("true or false".into()))
        }
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(if *self { "true" } else { "false" });
    }
}

macro_rules! number {
    ($($ty:ty),*) => { $(
        impl Text for $ty {
            fn parse(text: &str) -> Result<Self, Expected> {
                text.parse().map_err(|_| Expected(format!("a number from {} to {}", Self::MIN, Self::MAX).into()))
            }
            fn write(&self, out: &mut Escaped<'_>) {
                #[allow(unused_comparisons)]
                out.number(i128::from(*self).unsigned_abs() as u64, *self < 0);
            }
        }
    )* };
}
number!(u8, u16, u32, u64, i32, i64);

/// Makes types of identifiers: `newtype! { /// doc  Name(Arc<str>), Number(u32) }`.
macro_rules! newtype {
    () => {};
    ($(#[$meta:meta])* $name:ident(Arc<str>), $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name("".into())
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&*self.0, f)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                $name(text.into())
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                *self.0 == *other
            }
        }
        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                *self.0 == **other
            }
        }
        impl $crate::wire::xml::Text for $name {
            fn parse(text: &str) -> Result<Self, $crate::wire::xml::Expected> {
                Ok($name(text.into()))
            }
            fn write(&self, out: &mut $crate::wire::xml::Escaped<'_>) {
                out.push(&self.0);
            }
        }
        $crate::wire::xml::newtype! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($ty:ty), $($rest:tt)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $ty);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl $crate::wire::xml::Text for $name {
            fn parse(text: &str) -> Result<Self, $crate::wire::xml::Expected> {
                <$ty as $crate::wire::xml::Text>::parse(text).map($name)
            }
            fn write(&self, out: &mut $crate::wire::xml::Escaped<'_>) {
                $crate::wire::xml::Text::write(&self.0, out);
            }
        }
        $crate::wire::xml::newtype! { $($rest)* }
    };
}
pub(crate) use newtype;

/// Makes enums of words: `keywords! { pub enum Senders { Both = "both", … } pub enum X [ignore case] { … } }`.
macro_rules! keywords {
    (@equal) => { |word: &str, text: &str| word == text };
    (@equal ignore case) => { |word: &str, text: &str| word.eq_ignore_ascii_case(text) };
    ($($(#[$meta:meta])* pub enum $name:ident $([$($how:tt)+])? { $($variant:ident = $word:literal),+ $(,)? })+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::wire::xml::Expected;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let equal = $crate::wire::xml::keywords!(@equal $($($how)+)?);
                $(if equal($word, text) { return Ok($name::$variant); })+
                Err($crate::wire::xml::Expected(concat!("one of", $(" ", $word),+).into()))
            }
        }
        impl $crate::wire::xml::Text for $name {
            fn parse(text: &str) -> Result<Self, $crate::wire::xml::Expected> {
                text.parse()
            }
            fn write(&self, out: &mut $crate::wire::xml::Escaped<'_>) {
                out.push(self.as_str());
            }
        }
    )+ };
}
pub(crate) use keywords;

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
