//! Reading by `rxml`, which says of any text whether it is XML, and what it is.

use std::io;

use minidom::rxml::{RawEvent, RawReader};

use super::Element;
use super::names::interned;

/// The namespace of the prefix `xml`, which nobody declares.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// See [`Element::parse`].
pub(super) fn read(xml: &str, namespace: &'static str) -> io::Result<Element> {
    let mut reader = RawReader::new(xml.as_bytes());
    let mut tree = Tree::new(namespace);
    while let Some(event) = reader.read()? {
        tree.take(event).map_err(|wrong| io::Error::new(io::ErrorKind::InvalidData, wrong))?;
    }
    tree.root.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no element"))
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
            open.element.change().namespace = namespace;
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
