//! The traits behind `#[derive(Element)]`: elements, values, and the types that fields of each kind may have.

use super::{Encoded, Error, Escaped, Expected, Node, Raw, Writer, with_document};

/// More unknown children of one element are dropped. Presence of a client has some ten, a transport none.
pub(super) const MAX_KEPT: usize = 256;

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
