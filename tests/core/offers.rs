//! What participants are offered (spec/30 §4, §8).

use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::participant::Settings;
use testkit::participant::profile::{AUDIO, Profile, RED, REMB, SCTP, VIDEO};
use testkit::scenario::{Builder, Scenario};
use testkit::xml::{Element, Read};
use testkit::{Time, ns};

use crate::by_hand::*;

/// What the last of a room of two is offered.
fn offered(builder: Builder, change: impl FnOnce(&mut Settings)) -> Element {
    let mut s = builder.bridge("jvb1").participant("bob").start();
    s.joins_with("alice", change);
    s.run_until(Scenario::all_connected);
    let offer = s.view("alice").session().expect("offered").offer.clone();
    s.finish();
    offer
}

fn names(offer: &Element) -> Vec<&str> {
    offer.kids("content", ns::JINGLE).filter_map(|content| content.get("name")).collect()
}

fn content_of<'a>(offer: &'a Element, name: &str) -> &'a Element {
    offer.kids("content", ns::JINGLE).find(|content| content.get("name") == Some(name)).expect("such a content")
}

fn description<'a>(offer: &'a Element, name: &str) -> &'a Element {
    content_of(offer, name).kid("description", ns::RTP).expect("a description")
}

fn codecs(offer: &Element, name: &str) -> Vec<u8> {
    let ids = description(offer, name).kids("payload-type", ns::RTP).filter_map(|codec| codec.get("id")?.parse().ok());
    ids.collect()
}

fn codec<'a>(offer: &'a Element, name: &str, id: &str) -> &'a Element {
    let mut codecs = description(offer, name).kids("payload-type", ns::RTP);
    codecs.find(|codec| codec.get("id") == Some(id)).expect("such a payload type")
}

/// Numbers of the payload types with that feedback.
fn with_feedback(offer: &Element, name: &str, kind: &str) -> Vec<u8> {
    let has = |codec: &&Element| codec.kids("rtcp-fb", ns::RTCP_FB).any(|feedback| feedback.get("type") == Some(kind));
    let found = description(offer, name).kids("payload-type", ns::RTP).filter(has);
    found.filter_map(|codec| codec.get("id")?.parse().ok()).collect()
}

fn parameters(codec: &Element) -> Vec<(Option<&str>, Option<&str>)> {
    codec.kids("parameter", ns::RTP).map(|parameter| (parameter.get("name"), parameter.get("value"))).collect()
}

fn extensions(offer: &Element, name: &str) -> Vec<String> {
    let extensions = description(offer, name).kids("rtp-hdrext", ns::HDREXT);
    extensions.filter_map(|extension| extension.get("id").map(str::to_owned)).collect()
}

/// Covers spec/30: 1.
#[test]
fn a_current_client_is_offered_everything_in_its_order() {
    let offer = offered(Scenario::new(), |_| {});
    assert_eq!(names(&offer), ["audio", "video", "data"]);
    for content in offer.kids("content", ns::JINGLE) {
        assert_eq!((content.get("creator"), content.get("senders")), (Some("initiator"), Some("both")));
    }
    assert_eq!(codecs(&offer, "video"), [41, 100, 107, 101, 42, 96, 97, 99]);
    assert!(with_feedback(&offer, "video", "goog-remb").is_empty());
    assert_eq!(with_feedback(&offer, "video", "transport-cc"), [41, 100, 107, 101]);
    assert_eq!(with_feedback(&offer, "audio", "transport-cc"), [111]);
    assert_eq!(codec(&offer, "video", "99").kids("rtcp-fb", ns::RTCP_FB).count(), 0);
    let group = offer.kid("group", ns::GROUPING).expect("a bundle");
    let grouped: Vec<_> = group.kids("content", ns::GROUPING).filter_map(|content| content.get("name")).collect();
    assert_eq!((group.get("semantics"), grouped), (Some("BUNDLE"), vec!["audio", "video", "data"]));
    let transport = content_of(&offer, "data").kid("transport", ns::ICE).expect("a transport");
    let map = transport.kid("sctpmap", ns::DTLS_SCTP).expect("the port");
    assert_eq!((map.get("number"), map.get("streams")), (Some("5000"), Some("1024")));
}

/// Covers spec/30: 2.
#[test]
fn who_has_remb_and_no_transport_cc_is_offered_remb() {
    let offer = offered(Scenario::new(), |p| {
        p.profile = Profile { features: vec![AUDIO, REMB, VIDEO], ..Profile::xml_sources() };
    });
    assert_eq!(names(&offer), ["audio", "video"]);
    assert_eq!(codecs(&offer, "video"), [41, 100, 107, 101], "no rtx");
    assert_eq!(with_feedback(&offer, "video", "goog-remb"), [41, 100, 107, 101]);
    for media in ["audio", "video"] {
        assert!(with_feedback(&offer, media, "transport-cc").is_empty());
        assert!(!extensions(&offer, media).contains(&"5".to_owned()));
    }
}

/// Covers spec/30: 3.
#[test]
fn who_does_not_say_what_it_can_is_offered_what_everybody_can() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    let before = s.now();
    s.joins_with("alice", |p| {
        p.answers_disco = false;
        p.profile = Profile::xml_sources().with(SCTP);
    });
    s.run_until(Scenario::all_connected);
    let offers = s.sent_to("alice").jingle("session-initiate");
    assert_eq!(offers.times(), [before + Time::from_secs(30)], "by its hash, then without (spec/20 §5.1)");
    let offer = jingle(offers.first());
    assert_eq!(names(offer), ["audio", "video"], "no data: its sources go as XML");
    assert!(offer.kid("json-message", ns::JITMEET).is_none());
    assert_eq!(codecs(offer, "video"), [41, 100, 107, 101]);
    for kind in ["transport-cc", "goog-remb"] {
        assert!(with_feedback(offer, "video", kind).is_empty());
    }
    assert!(description(offer, "video").kid("source", ns::SSMA).is_some());
    // But the bridge was asked for SCTP.
    assert!(creates(about(&s, "jvb1", "alice")).first().text().contains("sctp"));
    s.finish();
}

/// Covers spec/30: 4.
#[test]
fn red_comes_before_opus_for_those_who_know_it() {
    let red = || Scenario::new().config(|config| config.codec.audio.opus.red.enabled = true);
    let offer = offered(red(), |p| p.profile = Profile::current().with(RED));
    assert_eq!(codecs(&offer, "audio"), [112, 111, 126]);
    assert_eq!(parameters(codec(&offer, "audio", "112")), [(None, Some("111/111"))]);
    assert_eq!(parameters(codec(&offer, "audio", "111")), [(Some("minptime"), Some("10"))]);
    let offer = offered(red(), |_| {});
    assert_eq!(codecs(&offer, "audio"), [111, 126]);
    assert_eq!(parameters(codec(&offer, "audio", "111")), [(Some("minptime"), Some("10"))]);
}

/// Covers spec/30: 5.
#[test]
fn a_codec_can_be_turned_off() {
    let video = |text: &str, legacy: &[(&str, &str)]| codecs(&offered(configured(text, legacy), |_| {}), "video");
    assert_eq!(video("jicofo.codec.video.vp8.pt = -1", &[]), [41, 107, 101, 42, 97, 99]);
    assert_eq!(video("jicofo.codec.video.vp8.rtx-pt = -1", &[]), [41, 100, 107, 101, 42, 97, 99]);
    let legacy = [("org.jitsi.jicofo.ENABLE_VP8", "false")];
    assert_eq!(video("jicofo.codec.video.vp8.enabled = true", &legacy), [41, 107, 101, 42, 97, 99]);
}

/// With what a configuration says of codecs, whose file ends with these lines.
fn configured(text: &str, legacy: &[(&str, &str)]) -> Builder {
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("jicofo-offers-{}-{number}.conf", std::process::id()));
    let required = "jicofo.xmpp.client { domain = auth.m.x, password = pw, xmpp-domain = m.x }\n\
                    jicofo.bridge.brewery-jid = \"jvb@i.m.x\"\n";
    std::fs::write(&file, format!("{required}{text}\n")).expect("written");
    let mut sources = jicofo::config::Sources { config_file: Some(file.clone()), ..Default::default() };
    sources.system.properties.extend(legacy.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    let loaded = jicofo::config::load(&sources);
    std::fs::remove_file(file).expect("removed");
    assert!(!loaded.refuses());
    Scenario::new().config(|config| {
        config.codec = loaded.config.codec;
        config.conference.use_rtp_mid_demux = loaded.config.conference.use_rtp_mid_demux;
        config.conference.use_ssrc_rewriting = loaded.config.conference.use_ssrc_rewriting;
    })
}

static FILES: AtomicUsize = AtomicUsize::new(0);

/// spec/30 §4.3: its key, its number, what it is called, and whether it is offered for audio and for video. In the order of offers
/// of video.
const EXTENSIONS: [(&str, &str, &str, bool, bool); 10] = [
    ("audio-level", "1", "urn:ietf:params:rtp-hdrext:ssrc-audio-level", true, false),
    (
        "video-layers-allocation",
        "12",
        "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
        false,
        true,
    ),
    (
        "av1-dependency-descriptor",
        "11",
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        false,
        true,
    ),
    ("tof", "2", "urn:ietf:params:rtp-hdrext:toffset", false, true),
    ("mid", "10", "urn:ietf:params:rtp-hdrext:sdes:mid", true, true),
    ("abs-send-time", "3", "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", false, true),
    ("framemarking", "9", "http://tools.ietf.org/html/draft-ietf-avtext-framemarking-07", false, true),
    ("video-content-type", "7", "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type", false, true),
    ("rid", "4", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", false, true),
    ("tcc", "5", "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", true, true),
];

#[test]
fn each_header_extension_is_offered_where_it_belongs_and_can_be_turned_off() {
    let says = |key: &str, enabled: bool| format!("jicofo.codec.rtp-extensions.{key}.enabled = {enabled}\n");
    let all: String = EXTENSIONS.iter().map(|(key, ..)| says(key, true)).collect();
    let offers = |off: Option<&str>, more: &str| {
        let text = format!("{all}{}{more}", off.map(|key| says(key, false)).unwrap_or_default());
        let offer = offered(configured(&text, &[]), |_| {});
        ["audio", "video"].map(|media| {
            let description = description(&offer, media);
            let named = description.kids("rtp-hdrext", ns::HDREXT);
            let named: Vec<_> = named.map(|it| (it.get("id").unwrap_or(""), it.get("uri").unwrap_or(""))).collect();
            let is_mixed = description.kid("extmap-allow-mixed", ns::HDREXT).is_some();
            (named.iter().map(|(id, uri)| format!("{id} {uri}")).collect::<Vec<_>>(), is_mixed)
        })
    };
    let expected = |off: Option<&str>| {
        let of = |wanted: fn(bool, bool) -> bool| {
            let offered =
                EXTENSIONS.iter().filter(|(key, _, _, audio, video)| wanted(*audio, *video) && off != Some(*key));
            offered.map(|(_, id, uri, ..)| format!("{id} {uri}")).collect::<Vec<_>>()
        };
        [of(|audio, _| audio), of(|_, video| video)].map(|named| (named, true))
    };
    assert_eq!(offers(None, ""), expected(None));
    for (key, ..) in EXTENSIONS {
        assert_eq!(offers(Some(key), ""), expected(Some(key)), "without {key}");
    }
    let [audio, video] = offers(None, "jicofo.codec.rtp-extensions.extmap-allow-mixed = false\n");
    assert!(!audio.1 && !video.1);
    let [audio, video] = offers(None, "jicofo.codec.rtp-extensions.rid.id = 14\n");
    assert!(video.0.contains(&"14 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id".to_owned()) && audio.0.len() == 3);
}

/// spec/30 §3, spec/40 §2.3: with SSRC rewriting only, where it is configured, offered, and what the client can.
#[test]
fn a_bridge_stamps_mids_for_those_alone_whose_ssrcs_it_rewrites() {
    const MIDS: &str = "http://jitsi.org/rtp-mid-demux";
    let told = |text: &str, profile: Profile| {
        let mut s = configured(text, &[]).bridge("jvb1").participant("bob").start();
        s.joins_with("alice", |p| p.profile = profile);
        s.run_until(Scenario::all_connected);
        let create = creates(about(&s, "jvb1", "alice")).first().text().to_owned();
        ["source-names", "ssrc-rewriting", "rtp-mid-demux"].map(|name| create.contains(&format!("name='{name}'")))
    };
    let both = || Profile::ssrc_rewriting().with(MIDS);
    assert_eq!(told("", both()), [true, true, true]);
    assert_eq!(told("", Profile::ssrc_rewriting()), [true, true, false]);
    assert_eq!(told("", Profile::current().with(MIDS)), [true, false, false]);
    assert_eq!(told("jicofo.conference.use-rtp-mid-demux = false", both()), [true, true, false]);
    assert_eq!(told("jicofo.codec.rtp-extensions.mid.enabled = false", both()), [true, true, false]);
    assert_eq!(told("jicofo.conference.use-ssrc-rewriting = false", both()), [true, false, false]);
}

/// Covers spec/30: 9.
#[test]
fn a_client_without_json_is_told_of_sources_in_xml() {
    let mut s = met(Scenario::new().bridge("jvb1").participant("alice").participant("carol"));
    s.joins_with("bob", |p| p.profile = Profile::xml_sources());
    s.run_until(Scenario::all_connected);
    let offer = s.view("bob").session().expect("offered").offer.clone();
    assert_eq!(names(&offer), ["audio", "video"]);
    assert!(offer.kid("json-message", ns::JITMEET).is_none());
    let sources = testkit::sources::from_contents(&offer).expect("legal");
    assert_eq!(sources.keys().collect::<Vec<_>>(), ["alice", "carol", "jvb"]);
    let own = s.view("alice").own().stripped().sorted();
    assert_eq!(sources["alice"].clone().sorted(), own, "with their msids");
    let of_bridge = sources["jvb"].of(testkit::sources::Media::Video).sources[0].msid.clone();
    assert_eq!(of_bridge.as_deref(), Some("mixedmslabel mixedlabelvideo0"));
    s.finish();
}

/// The part of spec/30 §6.6 without moderation.
#[test]
fn whoever_is_one_too_many_starts_muted() {
    let asks = |p: &mut Settings| p.properties.push(("startAudioMuted".into(), "2".into()));
    let mut s = met(Scenario::new().bridge("jvb1").participant_with("alice", asks).participant_with("bob", asks));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    let starts = |s: &Scenario, who: &str| {
        let offer = s.view(who).session().expect("offered").offer.clone();
        let muted = offer.kid("startmuted", ns::START_MUTED)?;
        Some((muted.get("audio")?.to_owned(), muted.get("video")?.to_owned()))
    };
    let audio_only = Some(("true".to_owned(), "false".to_owned()));
    assert_eq!((starts(&s, "alice"), starts(&s, "bob"), starts(&s, "carol")), (None, None, audio_only.clone()));
    s.participant("carol").restart();
    s.settle();
    assert_eq!(starts(&s, "carol"), audio_only);
    s.finish();
}

/// Byte for byte what the page shows, attributes in its order, and what the bridge is told: to each participant.
///
/// Covers spec/30: 47.
#[test]
fn descriptions_are_to_the_byte_those_of_the_protocol_and_of_the_bridge() {
    let mut s = Scenario::new().config(|config| config.sctp.enabled = false).recorded().bridge("jvb1").start();
    for name in ["alice", "bob", "carol"] {
        s.joins(name);
        s.settle();
    }
    assert!(s.all_connected());
    let said = said(s.take_recordings().pop().expect("it was recorded"));
    let example = example_of_the_protocol();
    for who in ["alice", "bob", "carol"] {
        let to = format!("/{who}'");
        let offer =
            said.iter().find(|text| text.contains("'session-initiate'") && text.contains(&to)).expect("offered");
        let endpoint = format!("<endpoint id='{who}' create='true'");
        let asked = said.iter().find(|text| text.contains(&endpoint)).expect("allocated");
        assert!(!offer.contains("name='data'"));
        for media in ["audio", "video"] {
            let head = format!("<description xmlns='{}' media='{media}'", ns::RTP);
            let description = between(offer, &head, "</description>");
            assert_eq!(description, between(&example, &head, "</description>"), "{who} {media}");
            let told = between(asked, &format!("<media xmlns='{}' type='{media}'>", ns::COLIBRI2), "</media>");
            let (_, codecs) = description.split_once('>').expect("the end of its start tag");
            let codecs = codecs.strip_suffix("<rtcp-mux/>").expect("it comes last");
            let there = codecs.replace("<payload-type ", &format!("<payload-type xmlns='{}' ", ns::RTP));
            assert_eq!(told, there, "{who} {media}");
        }
    }
}

/// Everything that a core says to this, as it goes over the wire.
fn said(recording: testkit::scenario::Recording) -> Vec<String> {
    let mut focus = recording.core();
    let mut said = Vec::new();
    for (at, input) in recording.inputs {
        focus.handle(at, input);
        while let Some(output) = focus.poll_output() {
            if let jicofo::focus::Output::Send { stanza, .. } = output {
                said.push(jicofo::wire::xml::to_string(&stanza));
            }
        }
    }
    said
}

/// The offer of spec/30 §8.1, without the white space of a page and in our quotes.
fn example_of_the_protocol() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol/30-jingle-offers-sources.md");
    let page = std::fs::read_to_string(page).expect("the protocol can be read");
    let (_, section) = page.split_once("### 8.1 ").expect("section 8.1");
    let example = between(section, "```xml\n", "```");
    let words = example.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace("> <", "><").replace('"', "'")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end).expect("an end").0
}
