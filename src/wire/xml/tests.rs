//! Reading and writing elements, pitfall by pitfall.

use std::sync::Arc;

use super::element::MAX_KEPT;
use super::encoded::MAX_KEPT_NAMESPACE;
use super::*;
use crate::wire::ice::IceTransport;
use crate::wire::jid::Jid;
use crate::wire::jingle::{Jingle, Reason};
use crate::wire::muc::History;
use crate::wire::ns::{ICE, JINGLE, RTCP_FB, RTP};
use crate::wire::presence::Presence;
use crate::wire::rtp::PayloadType;
use crate::wire::ssma::{Source, SsrcGroup};
use crate::wire::stanza::{Iq, Message, Stanza};
use crate::wire::values::{Semantics, Senders};
use wire_derive::Element;

/// Covers spec/90: 119.
#[test]
fn an_attribute_of_a_namespace_is_another_one() {
    let xml = "<presence xmlns:x='urn:x' x:id='theirs' x:to='theirs' id='ours'/>";
    let presence: Presence = read_str(xml).expect("a presence");
    assert_eq!(presence.id.as_deref(), Some("ours"));
    assert_eq!(presence.to, None);
}

#[test]
fn the_namespaces_of_stanzas_are_one() {
    for ns in ["", "xmlns='jabber:client'", "xmlns='jabber:component:accept'"] {
        let xml = format!("<presence {ns}><priority>1</priority></presence>");
        let presence: Presence = read_str(&xml).expect(&xml);
        assert_eq!(to_string(&presence), "<presence><priority>1</priority></presence>");
    }
    assert!(read_str::<Presence>("<presence xmlns='jabber:server'/>").is_err());
}

#[test]
fn prefixed_elements_are_read_all_the_same() {
    let xml = "<c:presence xmlns:c='jabber:client' xmlns:m='http://jabber.org/protocol/muc'><m:x/></c:presence>";
    assert!(read_str::<Presence>(xml).expect("a presence").join.is_some());
}

#[test]
fn namespaces_are_declared_where_they_differ_and_restored() {
    let fb = format!("<rtcp-fb xmlns='{RTCP_FB}' type='nack'/>");
    let xml = format!("<payload-type xmlns='{RTP}' id='1'><parameter name='a' value='b'/>{fb}{fb}{fb}</payload-type>");
    let read: PayloadType = read_str(&xml).expect("a payload type");
    assert_eq!(read.feedback().count(), 3);
    assert_eq!(to_string(&read), xml);
}

#[test]
fn the_same_name_in_two_namespaces_is_two_elements() {
    let xml = "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'><parameter name='own'/>\
            <parameter xmlns='urn:xmpp:jingle:apps:rtp:1' name='rtp'/></source>";
    let source: Source = read_str(xml).expect("a source");
    assert_eq!(source.parameters[0].name.as_deref(), Some("rtp"));
    assert_eq!(source.own_parameters[0].name.as_deref(), Some("own"));
}

/// Covers spec/90: 116.
#[test]
fn what_needs_escaping_survives_and_what_xml_forbids_is_dropped() {
    let nasty = "& < > \" ' ]]> \t\n\r é \u{1F600}";
    let mut presence = Presence { id: Some(nasty.into()), status: Some(nasty.into()), ..Default::default() };
    let written = to_string(&presence);
    assert_eq!(read_str(&written), Ok(presence.clone()));
    assert!(written.contains("&amp; &lt; &gt; \" &apos; ]]&gt; &#9;&#10;&#13;"));
    presence.status = Some("a\u{0}b\u{1}c\u{1F}d\u{FFFE}e\u{FFFF}f\u{FFFD}g\u{FF21}h".into());
    let read: Presence = read_str(&to_string(&presence)).expect("well-formed");
    assert_eq!(read.status.as_deref(), Some("abcdef\u{FFFD}g\u{FF21}h"));
}

#[test]
fn text_comes_from_cdata_references_and_all_pieces() {
    let xml = "<presence><status>a&amp;<![CDATA[<b>]]>&#99;<x/>d</status></presence>";
    assert_eq!(read_str::<Presence>(xml).expect("a presence").status.as_deref(), Some("a&<b>cd"));
}

#[test]
fn doctypes_entities_doubled_attributes_and_unbound_prefixes_are_refused() {
    for xml in [
        "<!DOCTYPE p [<!ENTITY e 'x'>]><presence id='&e;'/>",
        "<presence id='&e;'/>",
        "<presence id='1' id='2'/>",
        "<p:presence/>",
        "<presence p:id='1'/>",
        "<presence id='<'/>",
        "<presence>",
        "",
        "\u{1}",
    ] {
        let error = read_str::<Presence>(xml).expect_err(xml).to_string();
        assert!(error.starts_with("not well-formed: "), "{error}");
    }
}

#[test]
fn errors_say_where_what_was_expected_and_what_was_found() {
    let iq = |content: &str| {
        let xml = format!("<iq type='set' id='1'><jingle xmlns='{JINGLE}'><content {content}</content></jingle></iq>");
        read_str::<Iq>(&xml).expect_err(&xml).to_string()
    };
    let group = "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0'";
    assert_eq!(
        iq(&format!("><description xmlns='{RTP}'>{group} semantics='XX'/></description>")),
        "<iq> <jingle> <content> <description> <ssrc-group> semantics: expected one of SIM FID, found \"XX\""
    );
    assert_eq!(
        iq(&format!("><description xmlns='{RTP}'>{group}/></description>")),
        "<iq> <jingle> <content> <description> <ssrc-group> semantics: missing"
    );
    assert_eq!(
        iq(&format!("><description xmlns='{RTP}' maxptime='-1'/>")),
        "<iq> <jingle> <content> <description> maxptime: expected a number from 0 to 4294967295, found \"-1\""
    );
    let long = iq(&format!("senders='\u{7f}{}'>", "é".repeat(1_000)));
    assert!(long.ends_with(&format!("found \"\u{fffd}{}…\"", "é".repeat(63))), "{long}");
}

#[test]
fn of_two_children_where_one_may_be_the_first_counts() {
    let xml = "<presence><status>a</status><status>b</status>\
            <x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='1'/></x><x xmlns='http://jabber.org/protocol/muc'/></presence>";
    let presence: Presence = read_str(xml).expect("a presence");
    assert_eq!(presence.status.as_deref(), Some("a"));
    assert_eq!(presence.join.and_then(|join| join.history), Some(History { maxstanzas: Some(1) }));
    assert!(presence.others.is_empty());
}

#[test]
fn keywords_and_switches() {
    assert_eq!("sim".parse(), Ok(Semantics::Sim));
    assert!("BOTH".parse::<Senders>().is_err());
    assert_eq!(Senders::ALL.len(), 5);
    #[derive(Element, Debug, PartialEq, Default)]
    #[xml(JINGLE, "x")]
    struct Switches {
        #[switch]
        ice_restart: bool,
    }
    let read = |xml: &str| read_str::<Switches>(&format!("<x xmlns='{JINGLE}' {xml}/>")).map(|x| x.ice_restart);
    assert_eq!(read("ice-restart='TRUE'"), Ok(true));
    assert_eq!(read("ice-restart='1'"), Ok(false));
    assert_eq!(read(""), Ok(false));
}

#[test]
fn a_default_fills_in_and_is_written() {
    #[derive(Element, Debug, PartialEq)]
    #[xml(JINGLE, "x")]
    struct Defaulted {
        #[attr("how", Senders::Both)]
        how: Senders,
    }
    let read: Defaulted = read_str(&format!("<x xmlns='{JINGLE}'/>")).expect("the default");
    assert_eq!(to_string(&read), format!("<x xmlns='{JINGLE}' how='both'/>"));
    assert!(read_str::<Defaulted>(&format!("<x xmlns='{JINGLE}' how='?'/>")).is_err());
}

#[test]
fn what_is_kept_is_valid_anywhere() {
    let xml = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' xmlns:p='urn:p'>\
            <p:a b='&amp;' p:c='dropped' xml:lang='en'><p:d/><e/>&lt;<f xmlns='jabber:client'><g/></f></p:a><own/></transport>";
    let transport: IceTransport = read_str(xml).expect("a transport");
    let [a, own] = &transport.others[..] else { panic!("{:?}", transport.others) };
    assert_eq!(
        a.as_str(),
        "<a xmlns='urn:p' b='&amp;' xml:lang='en'><d/><e xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>&lt;\
             <f xmlns='jabber:client'><g/></f></a>"
    );
    assert!(a.is("urn:p", "a") && own.is(ICE, "own"));
    assert_eq!(read_str(&to_string(&transport)), Ok(transport));
}

#[test]
fn kept_elements_of_the_stanzas_namespace_fit_every_stream() {
    for ns in ["jabber:client", "jabber:component:accept"] {
        let xml = format!("<presence xmlns='{ns}'><own><deep/></own></presence>");
        let presence: Presence = read_str(&xml).expect(&xml);
        assert_eq!(to_string(&presence), "<presence><own><deep/></own></presence>");
        // Inside of another namespace they have to say what they are.
        let reason = Reason { others: presence.others, ..Default::default() };
        let written = to_string(&reason);
        assert!(written.contains("<own xmlns='jabber:client'><deep/></own>"), "{written}");
        assert_eq!(read_str(&written), Ok(reason));
    }
}

#[test]
fn what_is_encoded_once_reads_as_part_of_each_receivers_stanza() {
    let content = "<content name='audio'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></content>";
    let one: Jingle = read_str(&format!("<jingle xmlns='{JINGLE}'>{content}</jingle>")).expect("a jingle");
    let shared = Encoded::of(&one.contents[0]);
    let other = Jingle { sid: Some("own".into()), others: vec![shared], ..Default::default() };
    let read: Jingle = read_str(&to_string(&other)).expect("a jingle");
    assert_eq!(read.contents, one.contents);
    assert_eq!(read.sid, other.sid);
}

#[test]
fn what_is_kept_does_not_grow_without_bound() {
    let long = "u".repeat(MAX_KEPT_NAMESPACE + 1);
    let children = format!("<p:a xmlns:p='{long}'/>") + &format!("<b><p:c xmlns:p='{long}'/></b><kept/>");
    let presence: Presence = read_str(&format!("<presence>{children}</presence>")).expect("a presence");
    assert_eq!(presence.others.iter().map(Encoded::as_str).collect::<Vec<_>>(), ["<kept/>"]);
    let many: Presence = read_str(&format!("<presence>{}</presence>", "<a/>".repeat(1_000))).expect("a presence");
    assert_eq!(many.others.len(), MAX_KEPT);
}

#[test]
fn deep_documents_do_not_exhaust_the_stack() {
    let depth = 50_000;
    let xml = format!("<presence>{}{}</presence>", "<a>".repeat(depth), "</a>".repeat(depth));
    // The framing allows 64; this is for whoever reads without it.
    let _ = read_str::<Presence>(&xml).map(|presence| to_string(&presence));
}

#[test]
fn empty_values_of_the_conference_request_are_absent() {
    use crate::wire::focus_iq::Conference;
    let xml = "<conference xmlns='http://jitsi.org/protocol/focus' room='' ready='' focusjid='' machine-uid='m'/>";
    let expected = Conference { machine_uid: Some("m".into()), ..Default::default() };
    assert_eq!(read_str(xml), Ok(expected));
}

#[test]
fn writing_reuses_the_string() {
    let message: Message = read_str("<message id='1'/>").expect("a message");
    let stanza = Stanza::from(message);
    let mut out = String::with_capacity(1024);
    let at = out.as_ptr();
    for _ in 0..3 {
        out.clear();
        write_to(&stanza, &mut out);
    }
    assert_eq!((out.as_str(), out.as_ptr()), ("<message id='1'/>", at));
}

#[test]
fn serde_takes_values_and_kept_elements_as_text() {
    let jid = Jid::new("a@b/c").expect("an address");
    let text = serde_json::to_string(&(jid, Senders::None, Encoded(Arc::from("<a/>")))).expect("JSON");
    assert_eq!(text, r#"["a@b/c","none","<a/>"]"#);
    let (jid, senders, encoded): (Jid, Senders, Encoded) = serde_json::from_str(&text).expect("the same");
    assert_eq!((jid.as_str(), senders, encoded.as_str()), ("a@b/c", Senders::None, "<a/>"));
}

#[test]
fn numbers_are_written_as_they_are_read() {
    fn written<T: Text>(number: T) -> String {
        let mut out = String::new();
        number.write(&mut Escaped(&mut out));
        out
    }
    assert_eq!(written(0u8), "0");
    assert_eq!(written(u64::MAX), u64::MAX.to_string());
    assert_eq!(written(-1i32), "-1");
    for number in [i64::MIN, i64::MAX, -10, 0, 7, 1_000_000_007] {
        assert_eq!(written(number), number.to_string());
    }
}

#[test]
fn a_group_of_three_keeps_its_order() {
    let xml = "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='SIM'>\
            <source ssrc='3'/><source ssrc='1'/><source ssrc='2'/></ssrc-group>";
    assert_eq!(to_string(&read_str::<SsrcGroup>(xml).expect("a group")), xml);
}
