//! Elements of XML, made to be passed on: simulations make, copy and drop hundreds of thousands of them a second. Read by
//! parsers that the focus does not use.

mod names;
mod quick;
mod strict;

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use compact_str::CompactString;

use names::interned;

/// An element with its attributes, in the order of their names, and all that is in it. Copies share what none has changed.
#[derive(Clone, PartialEq, Eq)]
pub struct Element(Arc<Data>);

#[derive(Clone, PartialEq, Eq)]
struct Data {
    name: &'static str,
    namespace: &'static str,
    /// Those in no namespace by their name, those of XML itself as `xml:lang`. There are no others in XMPP.
    attributes: Vec<(&'static str, CompactString)>,
    nodes: Vec<Node>,
}

#[derive(Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(CompactString),
}

impl Node {
    fn element(&self) -> Option<&Element> {
        match self {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        }
    }
}

impl Data {
    fn new(name: &str, namespace: &'static str) -> Data {
        Data { name: interned(name), namespace, attributes: Vec::new(), nodes: Vec::new() }
    }

    /// Puts an attribute to its place. Err: there is one of this name, there.
    fn insert(&mut self, name: &str, value: CompactString) -> Result<(), (usize, CompactString)> {
        match self.attributes.binary_search_by(|(known, _)| (*known).cmp(name)) {
            Ok(place) => return Err((place, value)),
            Err(place) => self.attributes.insert(place, (interned(name), value)),
        }
        Ok(())
    }
}

impl Element {
    pub fn new(name: &str, namespace: &str) -> Element {
        Element(Arc::new(Data::new(name, interned(namespace))))
    }

    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub fn ns(&self) -> &'static str {
        self.0.namespace
    }

    pub fn is(&self, name: &str, namespace: &str) -> bool {
        self.0.name == name && self.0.namespace == namespace
    }

    pub fn attr(&self, name: &str) -> Option<&str> {
        self.0.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// All attributes, with their values.
    pub fn attrs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.attributes.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Replaces the one that is there.
    pub fn set_attr(&mut self, name: &str, value: impl Into<CompactString>) {
        let data = self.change();
        if let Err((place, value)) = data.insert(name, value.into()) {
            data.attributes[place].1 = value;
        }
    }

    pub fn remove_attr(&mut self, name: &str) {
        self.change().attributes.retain(|(known, _)| *known != name);
    }

    pub fn children(&self) -> impl DoubleEndedIterator<Item = &Element> {
        self.0.nodes.iter().filter_map(Node::element)
    }

    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Element> {
        self.change().nodes.iter_mut().filter_map(|node| match node {
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
        let nodes = &mut self.change().nodes;
        let place = nodes.iter().position(|node| node.element().is_some_and(|it| it.is(name, namespace)))?;
        match nodes.remove(place) {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        }
    }

    pub fn append_child(&mut self, child: Element) {
        self.change().nodes.push(Node::Element(child));
    }

    pub fn append_text(&mut self, text: impl Into<CompactString>) {
        let nodes = &mut self.change().nodes;
        match nodes.last_mut() {
            Some(Node::Text(before)) => before.push_str(&text.into()),
            _ => nodes.push(Node::Text(text.into())),
        }
    }

    /// The text in it, that in its children not counted.
    pub fn text(&self) -> String {
        let texts = self.0.nodes.iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect()
    }

    /// To be changed, without changing any copy.
    fn change(&mut self) -> &mut Data {
        Arc::make_mut(&mut self.0)
    }

    /// Reads one element that stands alone, as if it stood where `namespace` is the default.
    pub fn parse(xml: &str, namespace: &str) -> io::Result<Element> {
        let namespace = interned(namespace);
        // What the quick reader does not take may be XML all the same.
        quick::read(xml, namespace).map_or_else(|| strict::read(xml, namespace), Ok)
    }

    /// Writes it; its namespace is said where that of its parent is another one.
    pub fn write(&self, parent: &str, out: &mut String) {
        let Data { name, namespace, attributes, nodes } = &*self.0;
        out.push('<');
        out.push_str(name);
        if *namespace != parent {
            write_attribute("xmlns", namespace, out);
        }
        for (name, value) in attributes {
            write_attribute(name, value, out);
        }
        if nodes.is_empty() {
            return out.push_str("/>");
        }
        out.push('>');
        for node in nodes {
            match node {
                Node::Element(child) => child.write(namespace, out),
                Node::Text(text) => escape(text, |byte| matches!(byte, b'&' | b'<' | b'>' | b'\r'), out),
            }
        }
        out.push_str("</");
        out.push_str(name);
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

fn write_attribute(name: &str, value: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("='");
    escape(value, |byte| escaped(byte).is_some(), out);
    out.push('\'');
}

/// What stands for each byte of a text or a value that cannot stand for itself.
fn escaped(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'\'' => "&#39;",
        b'"' => "&#34;",
        b'\t' => "&#9;",
        b'\n' => "&#10;",
        b'\r' => "&#13;",
        _ => return None,
    })
}

fn escape(text: &str, what: fn(u8) -> bool, out: &mut String) {
    let mut rest = text;
    while let Some(place) = rest.bytes().position(what) {
        out.push_str(&rest[..place]);
        out.push_str(escaped(rest.as_bytes()[place]).unwrap_or_default());
        rest = &rest[place + 1..];
    }
    out.push_str(rest);
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
