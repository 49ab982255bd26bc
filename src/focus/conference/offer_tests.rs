//! The cases of spec/30 §14 (1, 3, 6 to 10, 47).

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::focus::conference::features::Features;
use crate::focus::sources::samples::{candidate, simulcast, source};
use crate::focus::sources::validate::Limits;
use crate::wire::values::MediaType;
use crate::wire::xml::{read_str, to_string};

const CURRENT: Features = Features::AUDIO
    .with(Features::VIDEO)
    .with(Features::SCTP)
    .with(Features::RTX)
    .with(Features::TCC)
    .with(Features::REMB)
    .with(Features::JSON_SOURCES);

const TRANSPORT: &str = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'><rtcp-mux/>\
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' setup='actpass' hash='sha-256'>5A:0F</fingerprint>\
    <web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://b/a' active='true'/>\
    <candidate component='1' foundation='1' generation='0' id='3a' network='0' priority='2130706431' protocol='udp' \
    type='host' ip='203.0.113.10' port='10000'/></transport>";

/// What a participant `b` with these features reads, while `a` sends simulcast.
fn offered(features: Features) -> Jingle {
    let config = Config::default();
    let mut sources = ConferenceSources::default();
    let limits = Limits { ssrcs: 20, groups: 20 };
    sources.try_add(&"a".into(), &candidate(&simulcast()), limits).expect("valid");
    let own = SourceSet { sources: vec![source(70, MediaType::Audio, "b-audio")], groups: vec![] };
    sources.try_add(&"b".into(), &candidate(&own), limits).expect("valid");
    let feedback = SourceSet {
        sources: vec![
            source(90, MediaType::Audio, "mixedmslabel mixedlabelaudio0"),
            source(91, MediaType::Video, "mixedmslabel mixedlabelvideo0"),
        ],
        groups: vec![],
    };
    let offer = Offer {
        sid: "7ag3kq0v5b1mu".into(),
        initiator: "focus@auth.example.com/focus".into(),
        receiver: &"b".into(),
        codecs: &CodecCache::default().get(features, &config),
        view: View::of(features, &config.conference),
        transport: &read_str(TRANSPORT).expect("legal"),
        sctp_port: Some(5000),
        feedback: &feedback,
        sources: &sources,
        start_muted: None,
        bridge_session: BridgeSession { id: Some("id".into()), ..BridgeSession::default() },
    };
    read_str(&to_string(&offer.session_initiate().0)).expect("what we write can be read")
}

fn names(jingle: &Jingle) -> Vec<&str> {
    jingle.contents.iter().filter_map(|content| content.name.as_deref()).collect()
}

fn json_of(jingle: &Jingle) -> Value {
    let message = jingle.json_message.as_ref().expect("sources go as JSON");
    serde_json::from_str::<Value>(&message.json).expect("valid JSON")["sources"].take()
}

#[test]
fn a_current_client_gets_three_contents_in_one_bundle() {
    let jingle = offered(CURRENT);
    assert_eq!(jingle.action.as_deref(), Some("session-initiate"));
    assert_eq!(names(&jingle), ["audio", "video", "data"]);
    let group = jingle.group.as_ref().expect("LJM needs it");
    assert_eq!(group.semantics.as_deref(), Some("BUNDLE"));
    assert_eq!(group.contents.len(), 3);
    for content in &jingle.contents {
        assert_eq!((content.creator.as_deref(), content.senders), (Some("initiator"), Some(Senders::Both)));
        let description = content.description.as_ref().expect("read from its encoding");
        assert!(description.rtcp_mux && description.sources.is_empty());
        assert_eq!(content.others, []);
    }
    let media: Vec<_> = jingle.contents.iter().flat_map(|content| &content.description).collect();
    assert_eq!(media[0].maxptime, Some(60));
    assert_eq!((media[0].payload_types.len(), media[1].payload_types.len()), (2, 8));
    assert_eq!(media[2].media.as_deref(), Some("application"));
}

#[test]
fn every_content_has_the_bridges_transport_and_data_has_the_port() {
    let jingle = offered(CURRENT);
    for content in &jingle.contents {
        let transport = content.transport.as_ref().expect("each has one");
        assert_eq!((transport.ufrag.as_deref(), transport.pwd.as_deref()), (Some("u"), Some("p")));
        assert!(transport.rtcp_mux);
        assert_eq!(transport.candidates.len(), 1);
        assert_eq!(transport.web_sockets[0].url.as_deref(), Some("wss://b/a"));
        assert_eq!(transport.web_sockets[0].active, None);
        let fingerprint = &transport.fingerprints[0];
        assert_eq!((fingerprint.required.as_deref(), fingerprint.cryptex.as_deref()), (Some("false"), Some("false")));
        let sctp = transport.sctp_map.as_ref().map(|map| (map.number, map.protocol.as_deref(), map.streams));
        let expected =
            (content.name.as_deref() == Some("data")).then_some((Some(5000), Some("webrtc-datachannel"), Some(1024)));
        assert_eq!(sctp, expected);
    }
}

#[test]
fn sources_of_the_bridge_and_of_all_others_go_with_the_offer() {
    let of = |name: &str, ssrc: u32, label: &str| json!({"s": ssrc, "m": format!("{name} {label}")});
    let expected = json!({
        "jvb": [[of("mixedmslabel", 91, "mixedlabelvideo0")], [], [of("mixedmslabel", 90, "mixedlabelaudio0")]],
        "a": [[of("a-video", 1, "t"), of("a-video", 4, "t")], [["f", 1, 4]], [of("a-audio", 7, "t")]],
    });
    assert_eq!(json_of(&offered(CURRENT)), expected);
}

#[test]
fn with_rewriting_only_the_bridge_is_named() {
    let sources = json_of(&offered(CURRENT.with(Features::SSRC_REWRITING_V1)));
    assert_eq!(sources.as_object().map(|owners| owners.keys().collect::<Vec<_>>()), Some(vec![&"jvb".to_owned()]));
}

#[test]
fn without_json_sources_stand_in_the_descriptions_and_data_is_left_out() {
    let jingle = offered(Features::UNANSWERED);
    assert_eq!(names(&jingle), ["audio", "video"]);
    assert_eq!(jingle.group.as_ref().map(|group| group.contents.len()), Some(2));
    assert_eq!(jingle.json_message, None);
    let video = jingle.contents[1].description.as_ref().expect("described");
    assert_eq!(video.payload_types.len(), 4, "no rtx");
    let owned: Vec<_> = video
        .sources
        .iter()
        .map(|source| (source.ssrc, source.info.as_ref().and_then(|info| info.owner.as_deref())))
        .collect();
    assert_eq!(owned, [(Some(91), Some("jvb")), (Some(1), Some("a")), (Some(4), Some("a"))]);
    assert_eq!(video.sources[0].parameters[0].value.as_deref(), Some("mixedmslabel mixedlabelvideo0"));
    assert_eq!(video.groups.len(), 1);
}

#[test]
fn who_cannot_see_is_offered_no_video_and_told_of_none() {
    let jingle = offered(Features::AUDIO.with(Features::JSON_SOURCES));
    assert_eq!(names(&jingle), ["audio"]);
    let sources = json_of(&jingle);
    assert_eq!((&sources["a"][0], &sources["jvb"][0]), (&json!([]), &json!([])));
    assert_eq!(sources["a"][2][0]["s"], 7);
}
