//! Streams cut into elements, however they arrive.

use super::*;
use crate::wire::sm::{Incoming, read_stanza};
use crate::wire::stanza::Stanza;

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
        xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='auth.example' version='1.0' xml:lang='en'>";

/// All frames, the bytes coming in pieces of this size.
fn frames(bytes: &[u8], piece: usize) -> Result<Vec<Frame>, FramingError> {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece) {
        framer.feed(piece);
        while let Some(frame) = framer.next()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// The frames after the header, which must be the same however the bytes arrive.
fn after_header(body: &str) -> Result<Vec<Frame>, FramingError> {
    let bytes = [HEADER, body].concat().into_bytes();
    let whole = frames(&bytes, usize::MAX);
    for piece in [1, 2, 3, 7] {
        assert_eq!(frames(&bytes, piece), whole, "in pieces of {piece}");
    }
    let mut frames = whole?;
    assert!(matches!(frames.remove(0), Frame::Header(_)));
    Ok(frames)
}

fn one(body: &str) -> Frame {
    let mut frames = after_header(body).expect("a stream");
    assert_eq!(frames.len(), 1, "{frames:?}");
    frames.remove(0)
}

fn refused(body: &str) -> Refused {
    // The stream goes on after it.
    let mut frames = after_header(&format!("{body}<presence id='next'/>")).expect("a stream");
    assert_eq!(frames.len(), 2, "{frames:?}");
    assert!(matches!(&frames[1], Frame::Element(xml) if xml.contains("next")));
    match frames.remove(0) {
        Frame::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_header_says_who_the_server_is() {
    let expected = Header {
        id: Some("s1".into()),
        from: Some("auth.example".into()),
        version: Some("1.0".into()),
        namespace: "jabber:client".into(),
    };
    for piece in [1, 5, usize::MAX] {
        assert_eq!(frames(HEADER.as_bytes(), piece), Ok(vec![Frame::Header(expected.clone())]));
    }
}

#[test]
fn what_is_no_xmpp_server_is_told_at_once() {
    let error = |bytes: &[u8]| frames(bytes, 1).expect_err("no stream").to_string();
    assert_eq!(
        error(b"HTTP/1.1 400 Bad Request\r\nServer: x"),
        "text before the stream's header: this is no XMPP server (it said \"H\")"
    );
    let error = |bytes: &[u8]| frames(bytes, usize::MAX).expect_err("no stream").to_string();
    assert!(error(b"HTTP/1.1 400 Bad Request\r\nServer: x").contains("\"HTTP/1.1 400 Bad Request\""));
    assert!(error(b"<!DOCTYPE html><html>").contains("no XMPP server"));
    assert!(error(b"<html lang='en'>").contains("begins with <html>"));
    assert!(error(b"\x15\x03\x01\x00\x02").contains("\\u{15}"));
    assert!(error(b"<stream:stream xmlns='jabber:client'>").contains("not well-formed"));
    assert!(error(format!("<a b='{}", "x".repeat(MAX_HEADER)).as_bytes()).contains("longer than"));
}

#[test]
fn greater_than_and_quotes_may_stand_in_values_and_anything_in_cdata() {
    let xml = r#"<message a='>"' b="'/>"><![CDATA[</message> ]] ]>]]><b/>&gt;</message>"#;
    match one(xml) {
        Frame::Element(document) => {
            assert!(document.contains(xml));
            assert!(matches!(read_stanza(&document), Ok(Incoming::Stanza(Stanza::Message(_)))));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_header_declares_is_in_scope() {
    let read = |body| match one(body) {
        Frame::Element(document) => read_stanza(&document).expect(body),
        other => panic!("{other:?}"),
    };
    let error = "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    assert!(matches!(read(error), Incoming::StreamError(error) if error.condition[0].name() == "conflict"));
    assert!(matches!(read("<presence/>"), Incoming::Stanza(Stanza::Presence(_))));
    assert!(matches!(read("<r xmlns='urn:xmpp:sm:3'/>"), Incoming::AckRequest(_)));
}

#[test]
fn blanks_between_stanzas_are_dropped_at_once() {
    let mut framer = Framer::new();
    framer.feed(HEADER.as_bytes());
    assert!(framer.next().is_ok_and(|frame| frame.is_some()));
    for _ in 0..100_000 {
        framer.feed(b" \n");
        assert_eq!(framer.next(), Ok(None));
    }
    assert!(framer.is_empty());
    assert!(framer.buffer().capacity() < 1024);
}

#[test]
fn stream_errors_are_text_comments_instructions_and_types() {
    for (body, error) in [
        ("hello", FramingError::Text("hello".into())),
        ("<presence/>&amp;", FramingError::Text("&amp;".into())),
        ("<!-- x -->", FramingError::Forbidden),
        ("<iq><!-- x --></iq>", FramingError::Forbidden),
        ("<iq><?x y?></iq>", FramingError::Forbidden),
        ("<!DOCTYPE x>", FramingError::Forbidden),
        ("<![CDATA[x]]>", FramingError::Forbidden),
        ("<iq><![CDATE[x]]></iq>", FramingError::Forbidden),
        ("</iq>", FramingError::EndTag),
    ] {
        let bytes = [HEADER, body].concat().into_bytes();
        assert_eq!(frames(&bytes, usize::MAX), Err(error), "{body}");
    }
}

#[test]
fn the_end_of_the_stream() {
    assert_eq!(after_header("</stream:stream>\n</stream:stream>"), Ok(vec![Frame::End]));
}

#[test]
fn a_new_stream_goes_on_in_the_same_bytes() {
    let mut framer = Framer::new();
    framer.feed([HEADER, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", HEADER].concat().as_bytes());
    assert!(matches!(framer.next(), Ok(Some(Frame::Header(_)))));
    assert!(matches!(framer.next(), Ok(Some(Frame::Element(_)))));
    framer.restart();
    assert!(matches!(framer.next(), Ok(Some(Frame::Header(_)))));
    assert_eq!(framer.next(), Ok(None));
    assert!(framer.is_empty());
}

#[test]
fn a_refused_stanza_is_cut_counts_and_can_be_answered() {
    let head = "<iq type='get' id='q' from='a@b/c' to='d'>";
    let attributes: String = (0..=MAX_ATTRIBUTES).map(|i| format!(" a{i}='1'")).collect();
    let prefixes: String = (0..=MAX_PREFIXES).map(|i| format!("<a xmlns:p{i} = 'u'/>")).collect();
    let deep = MAX_DEPTH;
    for (why, content) in [
        ("more than 32 attributes in one tag", format!("<query{attributes}/>")),
        ("more than 16 namespace prefixes", prefixes),
        ("nested deeper than 64", format!("{}{}", "<a>".repeat(deep), "</a>".repeat(deep))),
    ] {
        let body = format!("{head}{content}</iq>");
        let refused = refused(&body);
        assert_eq!(refused.why, why);
        assert_eq!(refused.bytes, body.len());
        assert!(refused.is_stanza());
        let head = refused.head().expect("a stanza");
        assert_eq!(head.id.as_ref().map(|id| id.as_str()), Some("q"));
        assert_eq!(head.from.as_ref().map(|from| from.as_str()), Some("a@b/c"));
        assert!(head.answer(Default::default()).is_some());
    }
}

#[test]
fn a_start_tag_beyond_bounds_counts_but_cannot_be_answered() {
    let attributes: String = (0..=MAX_ATTRIBUTES).map(|i| format!(" a{i}='1'")).collect();
    let refused = refused(&format!("<presence{attributes}><x/></presence>"));
    assert!(refused.is_stanza());
    assert_eq!(refused.head(), None);
}

#[test]
fn text_that_looks_like_a_declaration_is_none() {
    let text = "xmlns:a='b' ".repeat(100);
    assert!(matches!(one(&format!("<message><body>{text}</body><a b=\"{text}\"/></message>")), Frame::Element(_)));
}

#[test]
fn bytes_that_are_no_utf_8_cost_their_stanza_only() {
    let mut bytes = [HEADER, "<message id='"].concat().into_bytes();
    bytes.extend_from_slice(b"\xff'/><presence/>");
    let frames = frames(&bytes, usize::MAX).expect("a stream");
    assert!(matches!(&frames[1], Frame::Refused(refused) if refused.why == "not UTF-8" && refused.is_stanza()));
    assert!(matches!(&frames[2], Frame::Element(_)));
}

#[test]
fn a_long_stanza_is_skipped_without_being_kept() {
    let mut framer = Framer::new();
    framer.feed(HEADER.as_bytes());
    framer.feed(b"<iq type='set' id='q'><a b='");
    assert!(matches!(framer.next(), Ok(Some(Frame::Header(_)))));
    for _ in 0..3 * MAX_ELEMENT / 4096 {
        framer.feed(&[b'x'; 4096]);
        assert_eq!(framer.next(), Ok(None));
        assert!(framer.buffer.len() <= MAX_ELEMENT + 4096);
    }
    framer.feed(b"'/></iq><presence/>");
    match framer.next() {
        Ok(Some(Frame::Refused(refused))) => {
            assert_eq!(refused.why, TOO_LONG);
            assert!(refused.bytes > 3 * MAX_ELEMENT);
            assert_eq!(refused.head().and_then(|head| head.id), Some("q".into()));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(framer.next(), Ok(Some(Frame::Element(_)))));
}

#[test]
fn unfinished_tags_are_not_begun_anew() {
    // Begun anew with every piece this is 1 MB on average for each of 130,000 pieces: minutes in this build.
    let value = "x".repeat(MAX_ELEMENT - 100);
    let body = format!("<message a='{value}'/>");
    let started = std::time::Instant::now();
    let frames = frames([HEADER, &body].concat().as_bytes(), 16).expect("a stream");
    assert!(matches!(frames[1], Frame::Element(_)));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
