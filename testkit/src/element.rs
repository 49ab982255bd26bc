//! Elements of XML, made to be passed on: simulations make, copy and drop hundreds of thousands of them a second. Read by a
//! parser that the focus does not use.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use minidom::rxml::{RawEvent, RawReader};

/// The namespace of the prefix `xml`, which nobody declares.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// An element with its attributes, in the order of their names, and all that is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    name: &'static str,
    namespace: &'static str,
    /// Those in no namespace by their name, those of XML itself as `xml:lang`. There are no others in XMPP.
    attributes: Vec<(&'static str, String)>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

impl Node {
    fn element(&self) -> Option<&Element> {
        match self {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        }
    }
}

impl Element {
    pub fn new(name: &str, namespace: &str) -> Element {
        Element { name: interned(name), namespace: interned(namespace), attributes: Vec::new(), nodes: Vec::new() }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn ns(&self) -> &'static str {
        self.namespace
    }

    pub fn is(&self, name: &str, namespace: &str) -> bool {
        self.name == name && self.namespace == namespace
    }

    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// All attributes, with their values.
    pub fn attrs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.attributes.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Replaces the one that is there.
    pub fn set_attr(&mut self, name: &str, value: String) {
        match self.attributes.binary_search_by(|(known, _)| (*known).cmp(name)) {
            Ok(place) => self.attributes[place].1 = value,
            Err(place) => self.attributes.insert(place, (interned(name), value)),
        }
    }

    pub fn remove_attr(&mut self, name: &str) {
        self.attributes.retain(|(known, _)| *known != name);
    }

    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Element> {
        self.nodes.iter().filter_map(Node::element)
    }

    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.nodes.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    pub fn get_child(&self, name: &str, namespace: &str) -> Option<&Element> {
        self.children().find(|child| child.is(name, namespace))
    }

    pub fn get_child_mut(&mut self, name: &str, namespace: &str) -> Option<&mut Element> {
        self.children_mut().find(|child| child.is(name, namespace))
    }

    pub fn has_child(&self, name: &str, namespace: &str) -> bool {
        self.get_child(name, namespace).is_some()
    }

    pub fn remove_child(&mut self, name: &str, namespace: &str) -> Option<Element> {
        let place = self.nodes.iter().position(|node| node.element().is_some_and(|it| it.is(name, namespace)))?;
        match self.nodes.remove(place) {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        }
    }

    pub fn append_child(&mut self, child: Element) {
        self.nodes.push(Node::Element(child));
    }

    pub fn append_text(&mut self, text: impl Into<String>) {
        match self.nodes.last_mut() {
            Some(Node::Text(before)) => before.push_str(&text.into()),
            _ => self.nodes.push(Node::Text(text.into())),
        }
    }

    /// The text in it, that in its children not counted.
    pub fn text(&self) -> String {
        let texts = self.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// Reads one element that stands alone, as if it stood where `namespace` is the default.
    pub fn parse(xml: &str, namespace: &str) -> io::Result<Element> {
        let mut reader = RawReader::new(xml.as_bytes());
        let mut tree = Tree::new(interned(namespace));
        while let Some(event) = reader.read()? {
            tree.take(event).map_err(|wrong| io::Error::new(io::ErrorKind::InvalidData, wrong))?;
        }
        tree.root.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no element"))
    }

    /// Writes it; its namespace is said where that of its parent is another one.
    pub fn write(&self, parent: &str, out: &mut String) {
        out.push('<');
        out.push_str(self.name);
        if self.namespace != parent {
            write_attribute("xmlns", self.namespace, out);
        }
        for (name, value) in &self.attributes {
            write_attribute(name, value, out);
        }
        if self.nodes.is_empty() {
            return out.push_str("/>");
        }
        out.push('>');
        for node in &self.nodes {
            match node {
                Node::Element(child) => child.write(self.namespace, out),
                Node::Text(text) => escape(text, &['&', '<', '>', '\r'], out),
            }
        }
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
    }
}

/// One that says what namespace it is in.
impl FromStr for Element {
    type Err = io::Error;

    fn from_str(xml: &str) -> io::Result<Element> {
        Element::parse(xml, "")
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write("", &mut text);
        f.write_str(&text)
    }
}

/// As the library for real connections has them.
impl From<&minidom::Element> for Element {
    fn from(other: &minidom::Element) -> Element {
        String::from(other).parse().expect("minidom writes XML")
    }
}

impl From<&Element> for minidom::Element {
    fn from(element: &Element) -> minidom::Element {
        format!("{element:?}").parse().expect("this writes XML")
    }
}

/// An element whose end has not been read, with the namespaces that hold in it.
struct Open {
    element: Element,
    prefix: Option<String>,
    /// Attributes with a prefix, until all declarations have been read.
    foreign: Vec<(String, String, String)>,
    default: &'static str,
    declared: Vec<(String, &'static str)>,
}

struct Tree {
    open: Vec<Open>,
    default: &'static str,
    root: Option<Element>,
}

impl Tree {
    fn new(default: &'static str) -> Tree {
        Tree { open: Vec::new(), default, root: None }
    }

    fn take(&mut self, event: RawEvent) -> Result<(), String> {
        match event {
            RawEvent::XmlDeclaration(..) => {}
            RawEvent::ElementHeadOpen(_, (prefix, name)) => {
                let default = self.open.last().map_or(self.default, |parent| parent.default);
                let prefix = prefix.map(|prefix| prefix.as_str().to_owned());
                let element = Element::new(&name, "");
                self.open.push(Open { element, prefix, foreign: Vec::new(), default, declared: Vec::new() });
            }
            RawEvent::Attribute(_, (prefix, name), value) => {
                let open = self.open.last_mut().ok_or("an attribute of nothing")?;
                match prefix.as_ref().map(|prefix| prefix.as_str()) {
                    None if name.as_str() == "xmlns" => open.default = interned(&value),
                    None if open.element.attr(&name).is_some() => return Err(format!("two attributes '{name}'")),
                    None => open.element.set_attr(&name, value),
                    Some("xmlns") => open.declared.push((name.as_str().to_owned(), interned(&value))),
                    Some(prefix) => open.foreign.push((prefix.to_owned(), name.as_str().to_owned(), value)),
                }
            }
            RawEvent::ElementHeadClose(_) => self.head_ends()?,
            RawEvent::ElementFoot(_) => {
                let Some(open) = self.open.pop() else { return Err("an end of nothing".into()) };
                match self.open.last_mut() {
                    Some(parent) => parent.element.append_child(open.element),
                    None => self.root = Some(open.element),
                }
            }
            RawEvent::Text(_, text) => {
                if let Some(open) = self.open.last_mut() {
                    open.element.append_text(text);
                }
            }
        }
        Ok(())
    }

    fn head_ends(&mut self) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else { return Err("a head of nothing".into()) };
        let (prefix, foreign, default) = (open.prefix.take(), std::mem::take(&mut open.foreign), open.default);
        let namespace = match &prefix {
            None => default,
            Some(prefix) => self.resolve(prefix)?,
        };
        let mut known = Vec::new();
        for (prefix, name, value) in foreign {
            match self.resolve(&prefix)? {
                XML => known.push((format!("xml:{name}"), value)),
                other => return Err(format!("an attribute '{name}' of {other}, which is nothing XMPP knows")),
            }
        }
        if let Some(open) = self.open.last_mut() {
            open.element.namespace = namespace;
            known.into_iter().for_each(|(name, value)| open.element.set_attr(&name, value));
        }
        Ok(())
    }

    fn resolve(&self, prefix: &str) -> Result<&'static str, String> {
        if prefix == "xml" {
            return Ok(XML);
        }
        let declared = self.open.iter().rev().flat_map(|open| &open.declared);
        let found = declared.into_iter().find(|(known, _)| known == prefix).map(|(_, namespace)| *namespace);
        found.ok_or_else(|| format!("nobody declared the prefix '{prefix}'"))
    }
}

fn write_attribute(name: &str, value: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("='");
    escape(value, &['&', '<', '>', '\r', '\n', '\t', '\'', '"'], out);
    out.push('\'');
}

fn escape(text: &str, what: &[char], out: &mut String) {
    let mut rest = text;
    while let Some(place) = rest.find(what) {
        out.push_str(&rest[..place]);
        out.push_str(match rest.as_bytes()[place] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'\'' => "&#39;",
            b'"' => "&#34;",
            b'\t' => "&#9;",
            b'\n' => "&#10;",
            _ => "&#13;",
        });
        rest = &rest[place + 1..];
    }
    out.push_str(rest);
}

/// Names and namespaces are few, and live as long as the tests do.
fn interned(text: &str) -> &'static str {
    static ALL: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    thread_local! {
        static KNOWN: RefCell<HashSet<&'static str>> = RefCell::new(HashSet::new());
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(found) = known.get(text) {
            return *found;
        }
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(text).copied().unwrap_or_else(|| {
            let new: &'static str = text.to_owned().leak();
            all.insert(new);
            new
        });
        known.insert(found);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::Element;

    fn again(xml: &str) -> String {
        format!("{:?}", xml.parse::<Element>().expect("XML"))
    }

    #[test]
    fn what_is_read_is_written() {
        for xml in [
            "<a xmlns='urn:a' b='1' xml:lang='de'>text<c/><d xmlns='urn:d'><e/><f xmlns='urn:a'>&lt;&amp;&gt;</f></d></a>",
            "<a b='&#39;&#34;&#10;&lt;'>'quotes'</a>",
        ] {
            assert_eq!(again(xml), xml);
        }
    }

    #[test]
    fn prefixes_are_resolved() {
        let xml = "<p:a xmlns:p='urn:p' xmlns='urn:q'><b/><p:c/></p:a>";
        assert_eq!(again(xml), "<a xmlns='urn:p'><b xmlns='urn:q'/><c/></a>");
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        let wrong =
            ["", "<a", "<a>", "<a></b>", "<a/><b/>", "<p:a/>", "<a b='1' b='2'/>", "<a p:b='1'/>", "<a>&x;</a>"];
        for xml in wrong {
            assert!(xml.parse::<Element>().is_err(), "{xml}");
        }
    }

    #[test]
    fn the_other_library_reads_and_writes_the_same() {
        let element: Element = "<a xmlns='urn:a' b='&#10;'>x<c xmlns='urn:c'/></a>".parse().expect("XML");
        let other = minidom::Element::from(&element);
        assert_eq!(Element::from(&other), element);
    }
}
