//! What we write means the same to xmpp-parsers as what we read, wherever it knows all values.

use std::collections::BTreeMap;

use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::xml;
use minidom::Element;
use xmpp_parsers::{caps, data_forms, disco, iq, jingle, message, muc, presence, stanza_error};

use super::traces::{IGNORED, stanzas};
use super::tree;

/// Reads `element` as a `T` and writes it again; `None` if `T` does not know all of it.
fn through<T>(element: &Element) -> Option<Element>
where
    T: TryFrom<Element>,
    Element: From<T>,
{
    T::try_from(element.clone()).ok().map(Element::from)
}

/// Forms that are offered to us lose what only people read, their fields' types among it; we send those that are filled in.
fn through_submitted_form(element: &Element) -> Option<Element> {
    (element.attr("type") == Some("submit")).then(|| through::<data_forms::DataForm>(element))?
}

type Through = fn(&Element) -> Option<Element>;

/// The type, its element, and how it is read.
const TYPES: &[(&str, &str, Through)] = &[
    ("iq", "jabber:client", through::<iq::Iq>),
    ("presence", "jabber:client", through::<presence::Presence>),
    ("message", "jabber:client", through::<message::Message>),
    ("error", "jabber:client", through::<stanza_error::StanzaError>),
    ("jingle", "urn:xmpp:jingle:1", through::<jingle::Jingle>),
    ("query", "http://jabber.org/protocol/disco#info", through::<disco::DiscoInfoResult>),
    ("c", "http://jabber.org/protocol/caps", through::<caps::Caps>),
    ("x", "http://jabber.org/protocol/muc", through::<muc::Muc>),
    ("x", "http://jabber.org/protocol/muc#user", through::<muc::MucUser>),
    ("x", "jabber:x:data", through_submitted_form),
];

fn element(xml: &str) -> Element {
    let stream = format!("<s xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>{xml}</s>");
    stream.parse::<Element>().expect(xml).children().next().expect(xml).clone()
}

/// The element and everything in it that xmpp-parsers has a type for, with its path.
fn typed<'e>(path: String, element: &'e Element, found: &mut Vec<(String, usize, &'e Element)>) {
    if let Some(kind) = TYPES.iter().position(|(name, ns, _)| element.name() == *name && element.ns() == *ns) {
        found.push((path.clone(), kind, element));
    }
    for child in element.children() {
        let name = if child.ns() == element.ns() {
            child.name().into()
        } else {
            format!("{{{}}}{}", child.ns(), child.name())
        };
        typed(format!("{path}/{name}"), child, found);
    }
}

#[test]
fn xmpp_parsers_reads_what_we_write_as_what_was_sent() {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for xml in stanzas().iter() {
        let Ok(Incoming::Stanza(stanza)) = read_stanza(xml) else { continue };
        let original = element(xml);
        let written = element(&xml::to_string(&stanza));
        let (mut sent, mut copied) = (Vec::new(), Vec::new());
        typed(original.name().into(), &original, &mut sent);
        typed(written.name().into(), &written, &mut copied);
        let mut copies = copied.into_iter();
        for (path, kind, original) in sent {
            // Echoed payloads beside errors are not written again; all others come in the same order.
            let Some((_, _, copy)) = copies.by_ref().find(|(other, ..)| *other == path) else { continue };
            let (name, ns, through) = TYPES[kind];
            let count = counts.entry(format!("{name} {ns}")).or_default();
            count.0 += 1;
            let Some(original) = through(original) else { continue };
            count.1 += 1;
            let copy = through(copy).unwrap_or_else(|| panic!("refused as we write it: {}", xml::to_string(&stanza)));
            let mut differences = Vec::new();
            tree::differences(&path, &tree::tree(&original), &tree::tree(&copy), &mut differences);
            differences.retain(|difference| !IGNORED.contains(&difference.as_str()));
            assert!(differences.is_empty(), "{differences:#?}\n{xml}");
        }
    }
    // What it knows all values of. The rest it refuses: `SIM` groups, for one.
    for (kind, (seen, understood)) in &counts {
        println!("{understood:5} of {seen:5} {kind}");
    }
    assert_eq!(counts.len(), TYPES.len(), "each type was seen");
    assert!(counts.values().all(|(_, understood)| *understood > 0), "{counts:?}");
}
