//! Reading of what nearly all stanzas are: names without prefixes, attributes with one space before each, plain text, no
//! comments, declarations or references but the five known ones. Whatever it takes is well-formed, and the strict reader reads
//! the same of it, which a test holds; whatever else there is that one judges. Several times as fast as that.

use std::sync::Arc;

use compact_str::CompactString;

use super::names::interned;
use super::{Data, Element, Node};

/// Names, values and texts that are longer are left to the strict reader, which has limits of its own.
const LONG: usize = 4096;

/// Reads one element that stands alone, as if it stood where `namespace` is the default. None: not by me.
pub(super) fn read(xml: &str, namespace: &'static str) -> Option<Element> {
    let mut reader = Reader { xml, at: 0 };
    // Elements whose end has not been read, each with the name that its end has to have.
    let mut open: Vec<Data> = Vec::with_capacity(8);
    reader.take(b'<')?;
    loop {
        // After a `<`.
        let default = open.last().map_or(namespace, |parent| parent.namespace);
        let (element, is_empty) = reader.head(default)?;
        if is_empty {
            let element = Element(Arc::new(element));
            match open.last_mut() {
                Some(parent) => parent.nodes.push(Node::Element(element)),
                None => return reader.is_at_end().then_some(element),
            }
        } else {
            open.push(element);
        }
        loop {
            let parent = open.last_mut()?;
            if let Some(text) = reader.text(b'<')? {
                parent.nodes.push(Node::Text(text));
            }
            reader.take(b'<')?;
            if reader.peek() != Some(b'/') {
                break;
            }
            reader.at += 1;
            reader.exactly(parent.name)?;
            reader.take(b'>')?;
            let done = Element(Arc::new(open.pop()?));
            match open.last_mut() {
                Some(parent) => parent.nodes.push(Node::Element(done)),
                None => return reader.is_at_end().then_some(done),
            }
        }
    }
}

struct Reader<'a> {
    xml: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.xml.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn exactly(&mut self, text: &str) -> Option<()> {
        self.xml.as_bytes()[self.at..].starts_with(text.as_bytes()).then(|| self.at += text.len())
    }

    fn is_at_end(&self) -> bool {
        self.at == self.xml.len()
    }

    /// The name, the attributes, and whether that was all of it.
    fn head(&mut self, default: &'static str) -> Option<(Data, bool)> {
        let mut element = Data::new(self.name()?, default);
        let mut declared = false;
        loop {
            match self.peek()? {
                b'>' => {
                    self.at += 1;
                    return Some((element, false));
                }
                b'/' => {
                    self.at += 1;
                    self.take(b'>')?;
                    return Some((element, true));
                }
                b' ' => self.at += 1,
                _ => return None,
            }
            let name = self.name()?;
            self.take(b'=')?;
            let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"'))?;
            self.at += 1;
            let value = self.value(quote)?;
            self.take(quote)?;
            if name == "xmlns" {
                if declared {
                    return None;
                }
                (element.namespace, declared) = (interned(&value), true);
                continue;
            }
            if element.attributes.is_empty() {
                element.attributes.reserve(4);
            }
            element.insert(name, value).ok()?;
        }
    }

    /// One without prefix, of letters that ASCII has.
    fn name(&mut self) -> Option<&'a str> {
        let rest = &self.xml[self.at..];
        let length = rest.bytes().position(|byte| KINDS[usize::from(byte)] & NAME == 0)?;
        let name = &rest[..length];
        self.at += length;
        let starts_well = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
        (starts_well && length <= LONG).then_some(name)
    }

    fn value(&mut self, quote: u8) -> Option<CompactString> {
        self.text_of(quote, VALUE).map(Option::unwrap_or_default)
    }

    fn text(&mut self, end: u8) -> Option<Option<CompactString>> {
        self.text_of(end, TEXT)
    }

    /// Up to that byte, which is not taken. Within: there is none.
    fn text_of(&mut self, end: u8, kind: u8) -> Option<Option<CompactString>> {
        let begin = self.at;
        // What was read before the last reference, and that.
        let mut before: Option<CompactString> = None;
        let mut from = begin;
        loop {
            let rest = &self.xml.as_bytes()[self.at..];
            self.at += rest.iter().position(|byte| *byte == end || KINDS[usize::from(*byte)] & kind == 0)?;
            if self.at - begin > LONG {
                return None;
            }
            match self.peek()? {
                byte if byte == end => break,
                b'&' => {
                    let text = before.get_or_insert_default();
                    text.push_str(&self.xml[from..self.at]);
                    text.push(self.reference()?);
                    from = self.at;
                }
                _ => return None,
            }
        }
        let rest = &self.xml[from..self.at];
        Some(match before {
            None => (!rest.is_empty()).then(|| rest.into()),
            Some(mut text) => {
                text.push_str(rest);
                Some(text)
            }
        })
    }

    fn reference(&mut self) -> Option<char> {
        let known = [
            ("&quot;", '"'),
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&apos;", '\''),
            ("&#39;", '\''),
            ("&#34;", '"'),
        ];
        known.iter().find_map(|(written, meant)| self.exactly(written).map(|()| *meant))
    }
}

/// What a byte may be part of.
static KINDS: [u8; 256] = kinds();
const NAME: u8 = 1;
const VALUE: u8 = 2;
const TEXT: u8 = 4;

const fn kinds() -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let it = byte as u8;
        if it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.') {
            kinds[byte] |= NAME;
        }
        if it.is_ascii_graphic() || it == b' ' {
            if !matches!(it, b'<' | b'&') {
                kinds[byte] |= VALUE;
            }
            if !matches!(it, b'<' | b'&' | b'>') {
                kinds[byte] |= TEXT;
            }
        }
        byte += 1;
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::super::strict;
    use crate::participant::media::Dice;

    const SAMPLES: [&str; 8] = [
        "<iq xmlns='jabber:client' id='a' type='set'><jingle xmlns='urn:xmpp:jingle:1' action='x'><reason><success/></reason></jingle></iq>",
        "<a b=\"1\" c='&quot;&#39;&lt;'>[&quot;x&quot;, 1]<b/>tail</a>",
        "<a xmlns='urn:a'><b xmlns=''><c/></b><b xmlns='urn:a' xml:lang='de'/></a>",
        "<a b='1' b='2'/>",
        "<a><!-- --><![CDATA[<]]></a>",
        "<p:a xmlns:p='urn:p'><p:b/></p:a>",
        "<a b='\u{fc}'>\u{1F600}\n\t</a>",
        "<a>text &gt; ]]&gt; ></a>",
    ];

    /// Whatever it takes the strict reader takes, too, and reads as the same.
    #[test]
    fn it_reads_what_the_strict_reader_reads() {
        let pieces =
            ["<", ">", "/", "'", "\"", " ", "=", "&", ";", "a", "x:", "xmlns", "]]>", "\n", "-", "1", "&amp;", ""];
        let mut dice = Dice::of("quick");
        let mut roll = |most: usize| usize::try_from(dice.roll() % most as u64).expect("it is less than that");
        let (mut taken, mut left) = (0, 0);
        for turn in 0..200_000 {
            let mut text = SAMPLES[turn % SAMPLES.len()].to_owned();
            for _ in 0..roll(4) {
                let mut place = || loop {
                    let place = roll(text.len() + 1);
                    if text.is_char_boundary(place) {
                        return place;
                    }
                };
                let (one, other) = (place(), place());
                let piece = pieces[roll(pieces.len())];
                let end = if other - one.min(other) < 4 { other.max(one) } else { one };
                text.replace_range(one..end, piece);
            }
            let Some(quick) = super::read(&text, "urn:default") else {
                left += 1;
                continue;
            };
            taken += 1;
            let strict = strict::read(&text, "urn:default");
            assert!(strict.as_ref().is_ok_and(|strict| *strict == quick), "{text}: {quick:?}, but {strict:?}");
        }
        assert!(taken > 10_000 && left > 20_000, "{taken} taken, {left} left");
    }

    #[test]
    fn it_takes_what_stanzas_are_like() {
        for sample in &SAMPLES[..2] {
            assert!(super::read(sample, "urn:default").is_some(), "{sample}");
        }
    }
}
