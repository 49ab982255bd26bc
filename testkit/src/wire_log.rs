//! Every stanza that reached a peer, and questions about them.

use std::fmt;

use crate::Time;
use crate::ns;
use crate::xml::{Element, Read, error_in, to_text};

/// One stanza, as its receiver saw it.
#[derive(Debug, Clone)]
pub struct Wire {
    pub at: Time,
    /// A peer's label, or `server`.
    pub from: String,
    pub to: String,
    pub stanza: Element,
}

impl Wire {
    /// The child of an IQ.
    pub fn payload(&self) -> Option<&Element> {
        self.stanza.children().next().filter(|_| self.stanza.name() == "iq")
    }

    /// The `<jingle>` with that action.
    pub fn jingle(&self, action: &str) -> Option<&Element> {
        self.payload().filter(|p| p.is("jingle", ns::JINGLE) && p.get("action") == Some(action))
    }

    pub fn is_answer(&self) -> bool {
        self.stanza.name() == "iq" && matches!(self.stanza.get("type"), Some("result" | "error"))
    }

    /// Whether it is worth a line of a story: that bridges are well is told all the time.
    pub(crate) fn is_told(&self) -> bool {
        !self.stanza.children().any(|child| matches!(child.name(), "stats" | "healthcheck"))
    }

    pub fn text(&self) -> String {
        to_text(&self.stanza)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.stanza.get("type").unwrap_or("");
        write!(f, "{:>9.3} s  {} → {}: {} {kind}", self.at.as_secs_f64(), self.from, self.to, self.stanza.name())?;
        if let Some((condition, text)) = error_in(&self.stanza) {
            return write!(f, " {condition} {text}");
        }
        for child in self.stanza.children() {
            write!(f, " <{}", child.name())?;
            let attributes =
                ["action", "sid", "create", "expire"].iter().filter_map(|name| Some((name, child.get(name)?)));
            for (name, value) in attributes {
                write!(f, " {name}={value}")?;
            }
            write!(f, ">")?;
            for grandchild in child.children().filter(|c| matches!(c.name(), "endpoint" | "relay" | "item" | "status"))
            {
                write!(f, " {}", grandchild.name())?;
                let attributes = ["id", "create", "expire", "affiliation", "role", "code"];
                for value in attributes.iter().filter_map(|name| grandchild.get(name)) {
                    write!(f, " {value}")?;
                }
            }
        }
        Ok(())
    }
}

/// A part of the log, in order. Each step narrows it.
#[derive(Clone)]
pub struct Query<'a>(Vec<&'a Wire>);

impl<'a> Query<'a> {
    pub fn of(log: &'a [Wire]) -> Query<'a> {
        Query(log.iter().collect())
    }

    pub fn filter(self, keep: impl Fn(&Wire) -> bool) -> Query<'a> {
        Query(self.0.into_iter().filter(|wire| keep(wire)).collect())
    }

    pub fn from(self, label: &str) -> Query<'a> {
        self.filter(|wire| wire.from == label)
    }

    pub fn to(self, label: &str) -> Query<'a> {
        self.filter(|wire| wire.to == label)
    }

    /// From that time on.
    pub fn since(self, at: Time) -> Query<'a> {
        self.filter(|wire| wire.at >= at)
    }

    /// Jingle requests with that action.
    pub fn jingle(self, action: &str) -> Query<'a> {
        self.filter(|wire| wire.jingle(action).is_some())
    }

    /// IQ requests with that payload.
    pub fn request(self, payload: &str) -> Query<'a> {
        self.filter(|wire| !wire.is_answer() && wire.payload().is_some_and(|p| p.name() == payload))
    }

    pub fn presence(self) -> Query<'a> {
        self.filter(|wire| wire.stanza.name() == "presence")
    }

    pub fn results(self) -> Query<'a> {
        self.filter(|wire| wire.is_answer() && wire.stanza.get("type") == Some("result"))
    }

    /// Errors with that condition.
    pub fn errors(self, condition: &str) -> Query<'a> {
        self.filter(|wire| error_in(&wire.stanza).is_some_and(|(c, _)| c == condition))
    }

    /// Those whose XML has that text in it.
    pub fn containing(self, text: &str) -> Query<'a> {
        self.filter(|wire| wire.text().contains(text))
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn first(&self) -> &'a Wire {
        self.0.first().expect("no such stanza")
    }

    pub fn last(&self) -> &'a Wire {
        self.0.last().expect("no such stanza")
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a Wire> + '_ {
        self.0.iter().copied()
    }

    /// When they came.
    pub fn times(&self) -> Vec<Time> {
        self.0.iter().map(|wire| wire.at).collect()
    }

    /// The actions of the Jingle requests among them, in order.
    pub fn actions(&self) -> Vec<&'a str> {
        let jingles = self.0.iter().filter_map(|wire| wire.payload().filter(|p| p.is("jingle", ns::JINGLE)));
        jingles.filter_map(|jingle| jingle.get("action")).collect()
    }

    /// Whether all of these came before all of those; both must be there. The log is the order.
    pub fn come_before(&self, others: &Query<'_>) -> bool {
        let (Some(last), Some(first)) = (self.0.last(), others.0.first()) else { return false };
        std::ptr::from_ref::<Wire>(last) < std::ptr::from_ref::<Wire>(first)
    }
}
