//! What is wrong with an element or a value, and where.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// How much of a wrong value an error quotes, in characters.
const MAX_QUOTED: usize = 64;

/// Foreign text in an error: cut, without control characters.
pub(super) struct Quoted<'a>(pub &'a str);

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
    pub(super) place: Box<str>,
    pub(super) problem: String,
}

impl Error {
    pub(super) fn document(error: &roxmltree::Error) -> Self {
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
