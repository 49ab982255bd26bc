//! Writing: elements into a string, values escaped.

use std::fmt;

use super::{Encoded, Text};
use crate::wire::ns::{CLIENT, STANZA};

/// Writes elements into a string, declaring a namespace exactly where it differs from the parent's.
pub struct Writer<'o> {
    out: &'o mut String,
    ns: &'static str,
    /// The start tag that was written last lacks its `>`.
    open: bool,
}

impl<'o> Writer<'o> {
    pub fn new(out: &'o mut String) -> Self {
        Writer { out, ns: STANZA, open: false }
    }

    /// Begins an element. What it returns goes to [`Writer::end`].
    pub fn start(&mut self, ns: &'static str, name: &str) -> &'static str {
        self.close();
        self.out.push('<');
        self.out.push_str(name);
        if ns != self.ns {
            self.out.push_str(" xmlns='");
            // Inside a foreign element a stanza must say what it is.
            self.out.push_str(if ns == STANZA { CLIENT } else { ns });
            self.out.push('\'');
        }
        self.open = true;
        std::mem::replace(&mut self.ns, ns)
    }

    pub fn end(&mut self, name: &str, parent: &'static str) {
        if self.open {
            self.out.push_str("/>");
            self.open = false;
        } else {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        self.ns = parent;
    }

    /// An attribute of the element just begun.
    pub fn attribute<T: Text>(&mut self, name: &str, value: &T) {
        self.attribute_with(name, |out| value.write(out));
    }

    pub fn attribute_str(&mut self, name: &str, value: &str) {
        self.attribute_with(name, |out| out.push(value));
    }

    fn attribute_with(&mut self, name: &str, write: impl FnOnce(&mut Escaped<'_>)) {
        debug_assert!(self.open, "attributes come before children");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
        write(&mut Escaped(self.out));
        self.out.push('\'');
    }

    pub fn switch(&mut self, name: &str, on: bool) {
        if on {
            self.attribute_str(name, "true");
        }
    }

    pub fn flag(&mut self, ns: &'static str, name: &str, on: bool) {
        if on {
            let parent = self.start(ns, name);
            self.end(name, parent);
        }
    }

    pub fn text<T: Text>(&mut self, value: &T) {
        let tag_open = self.open;
        self.close();
        let before = self.out.len();
        value.write(&mut Escaped(self.out));
        if tag_open && self.out.len() == before {
            // Nothing came: the element stays `<name/>`.
            self.out.pop();
            self.open = true;
        }
    }

    /// A complete element. One of the stanzas' namespace declares none, so that it fits every kind of stream; inside
    /// another namespace it has to.
    pub fn encoded(&mut self, element: &Encoded) {
        self.close();
        let xml = element.as_str();
        if self.ns != STANZA && element.namespace() == STANZA {
            let (name, rest) = xml.split_at(1 + element.name().len());
            for part in [name, " xmlns='", CLIENT, "'", rest] {
                self.out.push_str(part);
            }
        } else {
            self.out.push_str(xml);
        }
    }

    fn close(&mut self) {
        if self.open {
            self.out.push('>');
            self.open = false;
        }
    }
}

/// Where values are written: escapes what XML needs escaped and drops what it forbids.
///
/// A character such as U+0001 from a display name, written as it is, would cost us the stream and with it all rooms.
pub struct Escaped<'o>(pub(super) &'o mut String);

impl Escaped<'_> {
    pub fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        // Nearly all text is plain. This loop is without exits so that it looks at many bytes at a time.
        if !bytes.iter().fold(false, |found, &byte| found | special(byte)) {
            self.0.push_str(text);
            return;
        }
        let mut done = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            if !special(byte) {
                continue;
            }
            let (length, replacement) = match byte {
                b'&' => (1, "&amp;"),
                b'<' => (1, "&lt;"),
                b'>' => (1, "&gt;"),
                b'\'' => (1, "&apos;"),
                // A raw one in an attribute is read as a space.
                b'\t' => (1, "&#9;"),
                b'\n' => (1, "&#10;"),
                b'\r' => (1, "&#13;"),
                // U+FFFE and U+FFFF.
                0xEF if bytes[i + 1] == 0xBF && bytes[i + 2] >= 0xBE => (3, ""),
                0xEF => continue,
                _ => (1, ""),
            };
            self.0.push_str(&text[done..i]);
            self.0.push_str(replacement);
            done = i + length;
        }
        self.0.push_str(&text[done..]);
    }
}

impl Escaped<'_> {
    /// A number in decimal. An offer has two hundred: through `fmt` writing it takes a tenth longer.
    pub(super) fn number(&mut self, mut magnitude: u64, negative: bool) {
        // 20 digits and a sign.
        let mut digits = [0; 21];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (magnitude % 10) as u8;
            magnitude /= 10;
            if magnitude == 0 {
                break;
            }
        }
        if negative {
            start -= 1;
            digits[start] = b'-';
        }
        self.0.extend(digits[start..].iter().map(|digit| char::from(*digit)));
    }
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// Bytes that [`Escaped`] looks at: controls, what markup is made of, and the first byte of U+FFFE and U+FFFF. Not `"`: all values
/// are between `'`, and JSON, of which sources are told in, is full of it.
const fn special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == b'\'') | (byte == 0xEF)
}
