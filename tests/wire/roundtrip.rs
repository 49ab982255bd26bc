//! What must hold for any bytes. The tests feed it mutations of real stanzas, the fuzzer whatever it comes upon.

use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::xml;
use jicofo::wire::{BareJid, Jid};
use jicofo::xmpp::framing::{Frame, Framer, FramingError};

pub const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// Bytes behind a stream's header: cut the same however they arrive; what is cut is read or refused; what is read can be
/// written and reads as the same. Gives the number of stanzas that were read.
pub fn stream(bytes: &[u8]) -> usize {
    let piece = 1 + bytes.first().map_or(0, |byte| usize::from(*byte));
    let whole = cut(bytes, usize::MAX);
    assert_eq!(cut(bytes, piece), whole, "in pieces of {piece}");
    let mut read = 0;
    for frame in whole.0 {
        match frame {
            Frame::Element(document) => match read_stanza(&document) {
                Ok(Incoming::Stanza(stanza)) => {
                    read += 1;
                    let written = xml::to_string(&stanza);
                    let document = format!("{HEADER}{written}</stream:stream>");
                    assert_eq!(read_stanza(&document), Ok(Incoming::Stanza(stanza)), "{written}");
                    assert_eq!(
                        cut(written.as_bytes(), usize::MAX),
                        (vec![Frame::Element(document)], None),
                        "{written}"
                    );
                }
                Ok(other) => drop(format!("{other:?}")),
                Err(error) => {
                    assert!(error.to_string().len() < 8 * 1024, "an error is short");
                    answer_reads(error.answer());
                }
            },
            Frame::Refused(refused) => answer_reads(refused.head().and_then(|head| head.answer(Default::default()))),
            Frame::Header(_) | Frame::End => {}
        }
    }
    read
}

fn answer_reads(answer: Option<jicofo::wire::stanza::Iq>) {
    if let Some(answer) = answer {
        assert_eq!(xml::read_str(&xml::to_string(&answer)), Ok(answer));
    }
}

fn cut(bytes: &[u8], piece: usize) -> (Vec<Frame>, Option<FramingError>) {
    let mut framer = Framer::new();
    framer.feed(HEADER.as_bytes());
    assert!(matches!(framer.next(), Ok(Some(Frame::Header(_)))));
    let mut frames = Vec::new();
    for bytes in bytes.chunks(piece) {
        framer.feed(bytes);
        loop {
            match framer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                // What is quoted depends on how much of it had come.
                Err(FramingError::Text(_)) => return (frames, Some(FramingError::Text(String::new()))),
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

/// Any text: an address is its own normal form, made of its parts, and the strict rule only takes away.
pub fn jid(text: &str) {
    let Ok(jid) = Jid::new(text) else {
        assert!(Jid::new_strict(text).is_err());
        return;
    };
    assert_eq!(Jid::new(jid.as_str()).as_ref(), Ok(&jid), "normal is normal");
    if let Ok(strict) = Jid::new_strict(text) {
        assert_eq!(strict, jid);
    }
    let local = jid.local().map_or(String::new(), |local| format!("{local}@"));
    let resource = jid.resource().map_or(String::new(), |resource| format!("/{resource}"));
    assert_eq!(format!("{local}{}{resource}", jid.domain()), jid.as_str());
    assert_eq!(format!("{local}{}", jid.domain()), jid.bare_str());
    let bare = jid.to_bare();
    assert!(bare.is_bare() && bare.is_bare_of(&jid));
    assert_eq!(Jid::new(bare.as_str()).as_ref(), Ok(&bare));
    if let Some(resource) = jid.resource() {
        assert_eq!(bare.with_resource(resource).as_ref(), Ok(&jid));
    }
    assert_eq!(BareJid::from_jid(&jid).is_ok(), jid.local().is_some());
}
