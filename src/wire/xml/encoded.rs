//! Complete elements as text: encoded once for many, or kept of what somebody else sent.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::node::namespace;
use super::{Element, Error, Escaped, Node, Writer, read_str, to_string};
use crate::wire::ns::{CLIENT, STANZA};

/// Kept elements with a longer namespace are dropped: each would be repeated wherever it is declared anew.
pub(super) const MAX_KEPT_NAMESPACE: usize = 256;

/// A complete element as text, declaring its own namespace on its root, hence valid anywhere: what is encoded once for
/// many receivers, and what is kept of foreign elements to be passed on.
///
/// Of a kept element, `xml:lang` and attributes without a namespace are kept; other attributes are not, nobody has any.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoded(pub(super) Arc<str>);

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
    pub(super) fn keep(node: Node<'_, '_>) -> Option<Self> {
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
