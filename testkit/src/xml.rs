//! Building and reading elements, so that both read like the XML they are about.

use std::fmt::Display;

use compact_str::{CompactString, ToCompactString};

use crate::ns;

pub use crate::element::Element;

/// An element under construction: `el("iq", ns::CLIENT).attr("type", "result").done()`.
pub struct Builder(Element);

pub fn el(name: &str, namespace: &str) -> Builder {
    Builder(Element::new(name, namespace))
}

impl Builder {
    pub fn attr(mut self, name: &str, value: impl Display) -> Builder {
        set_attr(&mut self.0, name, value);
        self
    }

    pub fn opt(self, name: &str, value: Option<impl Display>) -> Builder {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    pub fn child(mut self, child: impl Into<Element>) -> Builder {
        self.0.append_child(child.into());
        self
    }

    pub fn children<E: Into<Element>>(self, children: impl IntoIterator<Item = E>) -> Builder {
        children.into_iter().fold(self, Builder::child)
    }

    pub fn text(mut self, text: impl Into<CompactString>) -> Builder {
        self.0.append_text(text.into());
        self
    }

    /// As far as it is made.
    pub fn look(&self) -> &Element {
        &self.0
    }

    pub fn done(self) -> Element {
        self.0
    }
}

impl From<Builder> for Element {
    fn from(builder: Builder) -> Element {
        builder.0
    }
}

/// Sets an attribute, replacing the one that is there.
pub fn set_attr(element: &mut Element, name: &str, value: impl Display) {
    element.set_attr(name, value.to_compact_string());
}

/// Reads a stanza that stands alone, as if it stood in a client's stream.
pub fn parse(xml: &str) -> Result<Element, String> {
    Element::parse(xml, ns::CLIENT).map_err(|error| format!("not well-formed: {error}: {xml}"))
}

/// Writes an element; readable by anything that reads XML.
pub fn to_text(element: &Element) -> String {
    let mut text = String::new();
    element.write("", &mut text);
    text
}

/// Reading without noise.
pub trait Read {
    fn get(&self, attribute: &str) -> Option<&str>;
    fn kid(&self, name: &str, namespace: &str) -> Option<&Element>;
    fn kids<'a>(&'a self, name: &'a str, namespace: &'a str) -> Box<dyn Iterator<Item = &'a Element> + 'a>;
    /// An attribute which has to be there, or words that say which is missing.
    fn need(&self, attribute: &str) -> Result<&str, String>;
}

impl Read for Element {
    fn get(&self, attribute: &str) -> Option<&str> {
        self.attr(attribute)
    }

    fn kid(&self, name: &str, namespace: &str) -> Option<&Element> {
        self.get_child(name, namespace)
    }

    fn kids<'a>(&'a self, name: &'a str, namespace: &'a str) -> Box<dyn Iterator<Item = &'a Element> + 'a> {
        Box::new(self.children().filter(move |child| child.is(name, namespace)))
    }

    fn need(&self, attribute: &str) -> Result<&str, String> {
        self.get(attribute).ok_or_else(|| format!("<{}> without '{attribute}'", self.name()))
    }
}

/// The result of an IQ, addressed back.
pub fn result_of(request: &Element) -> Builder {
    answer(request, "result")
}

/// The error of an IQ: type, condition, text.
pub fn error_of(request: &Element, kind: &str, condition: &str, text: Option<&str>) -> Builder {
    answer(request, "error").child(stanza_error(kind, condition, text))
}

/// `<error>` with the condition first: clients read the first child (spec/30 §9.2).
pub fn stanza_error(kind: &str, condition: &str, text: Option<&str>) -> Builder {
    let error = el("error", ns::CLIENT).attr("type", kind).child(el(condition, ns::STANZA_ERRORS));
    match text {
        Some(text) => error.child(el("text", ns::STANZA_ERRORS).text(text)),
        None => error,
    }
}

fn answer(request: &Element, kind: &str) -> Builder {
    el("iq", ns::CLIENT)
        .attr("type", kind)
        .opt("id", request.attr("id"))
        .opt("to", request.attr("from"))
        .opt("from", request.attr("to"))
}

/// Condition and text of an error stanza.
pub fn error_in(stanza: &Element) -> Option<(String, String)> {
    let error = stanza.kid("error", ns::CLIENT)?;
    let condition = error.children().find(|c| c.ns() == ns::STANZA_ERRORS && c.name() != "text")?;
    let text = error.kid("text", ns::STANZA_ERRORS).map(Element::text);
    // The reference put some of its texts inside the condition (spec/30 §9.2).
    let text = text.unwrap_or_else(|| condition.text());
    Some((condition.name().to_owned(), text))
}

/// What is before the `/` of an address.
pub fn bare(jid: &str) -> &str {
    jid.split_once('/').map_or(jid, |(bare, _)| bare)
}

/// What is after the first `/` of an address.
pub fn resource(jid: &str) -> Option<&str> {
    jid.split_once('/').map(|(_, resource)| resource)
}

/// What is between `@` and `/`.
pub fn domain(jid: &str) -> &str {
    let bare = bare(jid);
    bare.split_once('@').map_or(bare, |(_, domain)| domain)
}
