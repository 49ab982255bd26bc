//! Elements as minidom reads them, made comparable: neither the order of attributes nor that of differing children means
//! anything, the order of equal children does.

use std::collections::BTreeMap;

use minidom::{Element, Node};

const CLIENT: &str = "jabber:client";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    pub attributes: BTreeMap<String, String>,
    pub text: String,
    /// By name, `{namespace}name` where it differs from the parent's.
    pub children: BTreeMap<String, Vec<Tree>>,
}

/// Reads one element as the content of a client stream.
pub fn parse(xml: &str) -> (String, Tree) {
    let document = format!(
        "<stream:stream xmlns='{CLIENT}' xmlns:stream='http://etherx.jabber.org/streams'>{xml}</stream:stream>"
    );
    let stream: Element = document.parse().unwrap_or_else(|error| panic!("{error}: {xml}"));
    let element = stream.children().next().expect("an element");
    (name(element, CLIENT), tree(element))
}

fn name(element: &Element, parent_ns: &str) -> String {
    if element.ns() == parent_ns { element.name().into() } else { format!("{{{}}}{}", element.ns(), element.name()) }
}

pub fn tree(element: &Element) -> Tree {
    let mut tree = Tree::default();
    for ((ns, name), value) in element.attrs().iter() {
        let name = if ns.is_empty() { name.to_string() } else { format!("{{{ns}}}{name}") };
        tree.attributes.insert(name, value.clone());
    }
    for node in element.nodes() {
        match node {
            Node::Text(text) => tree.text.push_str(text),
            Node::Element(child) => {
                tree.children.entry(name(child, &element.ns())).or_default().push(self::tree(child));
            }
        }
    }
    // Indentation is no text.
    if tree.text.trim().is_empty() {
        tree.text.clear();
    }
    tree
}

/// Where `copy` differs from `original`: `-path` for what it lost, `+path` for what it made up, `=path: a, b` for what it
/// changed. Of equal children the first with a difference is told.
pub fn differences(path: &str, original: &Tree, copy: &Tree, found: &mut Vec<String>) {
    for (name, value) in &original.attributes {
        match copy.attributes.get(name) {
            None => found.push(format!("-{path}@{name}")),
            Some(other) if other != value => found.push(format!("={path}@{name}: {value}, {other}")),
            Some(_) => {}
        }
    }
    found.extend(
        copy.attributes
            .keys()
            .filter(|name| !original.attributes.contains_key(*name))
            .map(|name| format!("+{path}@{name}")),
    );
    if original.text != copy.text {
        found.push(format!("={path}: {:?}, {:?}", original.text, copy.text));
    }
    let none = Vec::new();
    for (name, children) in &original.children {
        let copies = copy.children.get(name).unwrap_or(&none);
        let path = format!("{path}/{name}");
        for i in 0..children.len().max(copies.len()) {
            match (children.get(i), copies.get(i)) {
                (Some(child), Some(copy)) => differences(&path, child, copy, found),
                (Some(_), None) => found.push(format!("-{path}")),
                (None, _) => found.push(format!("+{path}")),
            }
        }
    }
    found.extend(
        copy.children
            .keys()
            .filter(|name| !original.children.contains_key(*name))
            .map(|name| format!("+{path}/{name}")),
    );
}
