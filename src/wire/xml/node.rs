//! Reading: a document, and the nodes of it.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::error::Quoted;
use super::{Error, Expected};
use crate::wire::ns::{CLIENT, COMPONENT, STANZA, STREAMS};

/// More nodes than this in one document are refused. A session-initiate with 500 participants' sources has some 20,000.
pub const MAX_NODES: u32 = 200_000;

/// One element of a document that is being read.
#[derive(Clone, Copy)]
pub struct Node<'a, 'i> {
    pub(super) node: roxmltree::Node<'a, 'i>,
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
pub(super) fn namespace<'a>(node: roxmltree::Node<'a, '_>) -> &'a str {
    match node.tag_name().namespace() {
        None | Some(CLIENT | COMPONENT) => STANZA,
        Some(ns) => ns,
    }
}

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
