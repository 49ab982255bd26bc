//! Everything that was recorded between real peers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::xml;
use jicofo::xmpp::framing::{Frame, Framer};

use super::tree;

pub const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// What is not read, because nothing depends on it. Everything else that peers say has to survive.
pub const IGNORED: &[&str] = &[
    // On every stanza that Prosody routes; never written.
    "-iq@{http://www.w3.org/XML/1998/namespace}lang",
    "-presence@{http://www.w3.org/XML/1998/namespace}lang",
    // The room's form is read for its fields' names and values (spec/20 §2).
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/title",
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/instructions",
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/field@type",
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/field@label",
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/field/desc",
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/field/option",
    "-iq/{http://jabber.org/protocol/muc#owner}query/{jabber:x:data}x/field/{http://jabber.org/protocol/xdata-validate}validate",
    // A request echoed beside its error (spec/90, row 43).
    "-iq/{http://jitsi.org/protocol/focus}conference",
    // The roster is asked for, not read.
    "-iq/{jabber:iq:roster}query@ver",
    // Repeats the first source (XEP-0167); the sources are what counts.
    "-iq/{urn:xmpp:jingle:1}jingle/content/{urn:xmpp:jingle:apps:rtp:1}description@ssrc",
    // Words for people, and by whom somebody was kicked.
    "-message/subject",
    "-message/{http://jabber.org/protocol/muc#user}x/item/reason",
    "-presence/{http://jabber.org/protocol/muc#user}x/item/reason",
    "-presence/{http://jabber.org/protocol/muc#user}x/item/actor",
    // A message that came late is as good as one in time.
    "-message/{urn:xmpp:delay}delay",
];

/// Every recorded stanza.
pub fn stanzas() -> Vec<String> {
    let stanzas: Vec<String> = recorded().into_iter().map(|recorded| recorded.xml).collect();
    assert!(stanzas.len() > 4_000, "the traces are there");
    stanzas
}

struct Recorded {
    /// A focus sent it.
    by_focus: bool,
    xml: String,
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
    let mut stanzas = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the traces") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).expect("a trace").lines().skip(1) {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
            stanzas.push(Recorded {
                by_focus: value["who"] == "focus" && value["dir"] == ">",
                xml: value["xml"].as_str().expect("each has its stanza").to_owned(),
            });
        }
    }
    stanzas
}

#[test]
fn all_recorded_stanzas_are_read_and_written_without_loss() {
    let mut found = BTreeSet::new();
    for xml in stanzas() {
        let stanza = match read_stanza(&format!("{HEADER}{xml}</stream:stream>")) {
            Ok(Incoming::Stanza(stanza)) => stanza,
            Ok(Incoming::Unknown { name, ns }) => panic!("<{name}> of {ns} is known: {xml}"),
            Ok(_) => continue,
            Err(error) => panic!("{error}: {xml}"),
        };
        let written = xml::to_string(&stanza);
        assert_eq!(xml::read_str(&written), Ok(stanza), "what was written reads as the same: {written}");
        let (name, original) = tree::parse(&xml);
        let (_, copy) = tree::parse(&written);
        let mut differences = Vec::new();
        tree::differences(&name, &original, &copy, &mut differences);
        found.extend(differences);
    }
    let ignored: BTreeSet<String> = IGNORED.iter().map(|path| path.to_string()).collect();
    assert_eq!(found.difference(&ignored).collect::<Vec<_>>(), [] as [&String; 0], "lost, made up or changed");
    assert_eq!(ignored.difference(&found).collect::<Vec<_>>(), [] as [&String; 0], "no longer ignored");
}

/// What another focus said to participants, bridges and rooms, as it wrote it and as we write the same: never more bytes.
#[test]
fn nothing_that_the_original_says_takes_more_bytes_as_we_write_it() {
    // Prosody's.
    const LANGUAGE: &str = " xml:lang='en'";
    let mut sums: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for Recorded { xml, .. } in recorded().into_iter().filter(|recorded| recorded.by_focus) {
        let Ok(Incoming::Stanza(stanza)) = read_stanza(&format!("{HEADER}{xml}</stream:stream>")) else { continue };
        let original = xml.len() - xml.matches(LANGUAGE).count() * LANGUAGE.len();
        // The namespace of the stream is said by its header.
        let ours = xml::to_string(&stanza).replacen(" xmlns='jabber:client'", "", 1);
        let kinds = ["session-initiate", "source-add", "conference-modify", "<conference ", "<iq ", "<presence ", "<"];
        let kind = kinds.into_iter().find(|kind| xml.contains(kind)).expect("some kind");
        assert!(ours.len() <= original, "{} > {original}: {ours}\n{xml}", ours.len());
        let sum = sums.entry(kind.trim_start_matches('<').trim().to_owned()).or_default();
        *sum = (sum.0 + 1, sum.1 + original, sum.2 + ours.len());
    }
    for (kind, (count, original, ours)) in &sums {
        println!("{kind}: {count} stanzas, {original} bytes, {ours} as we write them");
    }
    let all_kinds = ["session-initiate", "source-add", "conference-modify", "conference", "presence"];
    assert!(all_kinds.iter().all(|kind| sums.get(*kind).is_some_and(|sum| sum.0 > 9)), "{sums:?}");
}

/// Each attribute of what peers say, once under another namespace and once not there at all: the same is read.
///
/// Covers spec/90: 119.
#[test]
fn an_attribute_of_another_namespace_is_never_taken_for_one_of_ours() {
    let header = HEADER.replacen(" xmlns=", " xmlns:x='urn:x' xmlns=", 1);
    let read = |xml: &str| {
        let read = read_stanza(&format!("{header}{xml}</stream:stream>"));
        read.map(|incoming| format!("{incoming:?}")).map_err(|error| format!("{error:?}"))
    };
    let mut seen = BTreeSet::new();
    for xml in stanzas() {
        for (at, _) in xml.match_indices("='") {
            let start = xml[..at].rfind(' ').expect("a space in front of an attribute") + 1;
            let name = &xml[start..at];
            let element = xml[..start].rfind('<').map(|open| &xml[open..start]).unwrap_or_default();
            let element = element.split(' ').next().unwrap_or_default();
            // Values may hold the same signs.
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if !is_name || name.is_empty() || name == "xmlns" || !seen.insert((element.to_owned(), name.to_owned())) {
                continue;
            }
            let end = at + 2 + xml[at + 2..].find('\'').expect("the end of a value");
            let foreign = format!("{}x:{}", &xml[..start], &xml[start..]);
            let without = format!("{}{}", &xml[..start], &xml[end + 1..]);
            assert_eq!(read(&foreign), read(&without), "{element} {name}");
        }
    }
    assert!(seen.len() > 120, "{}", seen.len());
}

#[test]
fn recorded_streams_are_cut_into_their_stanzas_in_pieces_of_any_size() {
    let stanzas = stanzas();
    let stream = [HEADER, &stanzas.concat(), "</stream:stream>"].concat();
    for piece in [997, 4096, 65_536, usize::MAX] {
        let mut framer = Framer::new();
        let mut expected = stanzas.iter();
        let mut ended = false;
        for bytes in stream.as_bytes().chunks(piece) {
            framer.feed(bytes);
            while let Some(frame) = framer.next().expect("a stream") {
                match frame {
                    Frame::Header(header) => assert_eq!(header.namespace, "jabber:client"),
                    Frame::Element(document) => {
                        let xml = expected.next().expect("no more elements than there are");
                        assert_eq!(document, format!("{HEADER}{xml}</stream:stream>"));
                    }
                    Frame::Refused(refused) => panic!("{refused:?}"),
                    Frame::End => ended = true,
                }
            }
        }
        assert!(ended && expected.next().is_none());
    }
}
