//! Strictness: each wrong stanza is complained of, and the right ones are not.

use super::profile::Profile;
use super::{Participant, SessionState, Settings};
use crate::Time;
use crate::xml::{Element, Read, error_in, parse};

const ROOM: &str = "room@conference.meet.test";

/// In the room with the focus and bob, not yet invited.
fn in_room(profile: Profile) -> Participant {
    let mut settings = Settings::new("alice", ROOM, "focus.meet.test");
    settings.profile = profile;
    let mut alice = Participant::new(settings);
    alice.request_conference();
    let request = alice.poll_output().expect("a request");
    let id = request.get("id").expect("an id");
    give(
        &mut alice,
        &format!(
            "<iq type='result' id='{id}' from='focus.meet.test'><conference xmlns='http://jitsi.org/protocol/focus'
                room='{ROOM}' focusjid='focus@auth.meet.test' ready='true'><property name='authentication'
                value='false'/></conference></iq>"
        ),
    );
    give(
        &mut alice,
        &presence("focus", "focus@auth.meet.test/focus", "<c xmlns='http://jabber.org/protocol/caps'/>", ""),
    );
    give(&mut alice, &presence("bob", "bob@meet.test/x", "", ""));
    give(&mut alice, &presence("alice", "alice@meet.test/web", "", "<status code='110'/>"));
    alice
}

fn presence(nick: &str, jid: &str, more: &str, status: &str) -> String {
    format!(
        "<presence from='{ROOM}/{nick}'>{more}<x xmlns='http://jabber.org/protocol/muc#user'>
            <item affiliation='none' role='participant' jid='{jid}'/>{status}</x></presence>"
    )
}

fn give(participant: &mut Participant, xml: &str) {
    let now = participant.now;
    participant.handle(now, &parse(xml).expect("the test's XML is right"));
}

fn jingle(sid: &str, action: &str, inner: &str) -> String {
    format!(
        "<iq type='set' id='i1' from='{ROOM}/focus' to='alice@meet.test/web'><jingle xmlns='urn:xmpp:jingle:1'
            action='{action}' sid='{sid}' initiator='focus@auth.meet.test/focus'>{inner}</jingle></iq>"
    )
}

const TRANSPORT: &str = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'><rtcp-mux/>\
    <web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://jvb1/x'/>\
    <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='actpass'>AA:BB</fingerprint>\
    <candidate component='1' foundation='1' generation='0' id='c' network='0' priority='1' protocol='udp' type='host' \
    ip='203.0.113.10' port='10000'/></transport>";

const JVB: &str = "\"jvb\":[[{\"s\":1,\"n\":\"jvb-v0\",\"m\":\"mixedmslabel mixedlabelvideo0\"}],[],\
    [{\"s\":2,\"n\":\"jvb-a0\",\"m\":\"mixedmslabel mixedlabelaudio0\"}]]";

fn json(owners: &str) -> String {
    format!("<json-message xmlns='http://jitsi.org/jitmeet'>{{\"sources\":{{{owners}}}}}</json-message>")
}

fn offer(sid: &str) -> String {
    let content = |name: &str, media: &str, codecs: &str| {
        format!(
            "<content creator='initiator' name='{name}' senders='both'><description xmlns='urn:xmpp:jingle:apps:rtp:1' \
                media='{media}'>{codecs}<rtcp-mux/></description>{TRANSPORT}</content>"
        )
    };
    let audio = content(
        "audio",
        "audio",
        "<payload-type id='111' name='opus' clockrate='48000' channels='2'/>\
        <rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1' uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>",
    );
    let video = content(
        "video",
        "video",
        "<payload-type id='100' name='VP8' clockrate='90000'/>\
        <payload-type id='96' name='rtx' clockrate='90000'><parameter name='apt' value='100'/></payload-type>",
    );
    let inner = format!(
        "{audio}{video}<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='audio'/>\
            <content name='video'/></group><bridge-session xmlns='http://jitsi.org/protocol/focus' id='b1'/>{}",
        json(JVB)
    );
    jingle(sid, "session-initiate", &inner)
}

/// A pair of video sources of bob, and one of audio.
const BOB: &str = "\"bob\":[[{\"s\":10,\"n\":\"bob-v0\",\"m\":\"b v\"},{\"s\":11,\"n\":\"bob-v0\",\"m\":\"b v\"}],\
    [[\"f\",10,11]],[{\"s\":12,\"n\":\"bob-a0\",\"m\":\"b a\"}]]";

/// Invited, and the accept confirmed.
fn connected() -> Participant {
    let mut alice = in_room(Profile::current());
    give(&mut alice, &offer("s1"));
    let accept = sent(&mut alice, "session-accept").expect("an accept");
    let id = accept.get("id").expect("an id");
    give(&mut alice, &format!("<iq type='result' id='{id}' from='{ROOM}/focus'/>"));
    assert!(alice.connected());
    assert!(alice.violations().is_empty(), "{:?}", alice.violations());
    alice
}

fn sent(participant: &mut Participant, action: &str) -> Option<Element> {
    std::iter::from_fn(|| participant.poll_output())
        .find(|stanza| stanza.children().any(|child| child.get("action") == Some(action)))
}

fn last_answer(participant: &mut Participant) -> Element {
    std::iter::from_fn(|| participant.poll_output())
        .filter(|stanza| matches!(stanza.get("type"), Some("result" | "error")))
        .last()
        .expect("an answer")
}

#[track_caller]
fn complains(participant: &mut Participant, of: &str) {
    let violations = participant.take_violations();
    assert!(violations.iter().any(|v| v.text.contains(of)), "no complaint of '{of}' but {violations:?}");
}

#[test]
fn a_right_offer_is_accepted() {
    let mut alice = connected();
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    assert_eq!(alice.remote().of("bob").expect("bob's sources").sources.len(), 3);
    give(&mut alice, &jingle("s1", "source-remove", &json(BOB)));
    assert!(alice.remote().of("bob").is_none());
    assert!(alice.violations().is_empty(), "{:?}", alice.violations());
}

#[test]
fn wrong_offers_are_complained_of() {
    let right = offer("s1");
    let table = [
        ("name='video' senders", "name='camera' senders", "content named 'camera'"),
        ("name='audio' senders='both'", "name='audio' senders='initiator'", "senders='both'"),
        ("semantics='BUNDLE'", "semantics='LS'", "group is not BUNDLE"),
        ("<content name='video'/></group>", "</group>", "BUNDLE group names"),
        ("<bridge-session xmlns='http://jitsi.org/protocol/focus' id='b1'/>", "", "id of a bridge-session"),
        (" initiator='focus@auth.meet.test/focus'", "", "without initiator"),
        (TRANSPORT, "", "without ICE transport"),
        (" ufrag='u'", "", "without ufrag or pwd"),
        ("setup='actpass'", "setup='active'", "setup='actpass'"),
        (">AA:BB<", "><", "without fingerprint"),
        ("<candidate component='1'", "<candidate", "without 'component'"),
        ("value='100'", "value='101'", "rtx 96 is for 101"),
        ("id='96'", "id='111'", "payload type 111 is"),
        ("name='VP8'", "name='vp8'", "unknown codec 'vp8'"),
        ("id='100' ", "id='200' ", "payload type '200'"),
        ("media='video'", "media='audio'", "is not of media 'video'"),
        ("web-socket", "socket", "neither data channel nor web-socket"),
        ("mixedmslabel mixedlabelvideo0", "", "without msid"),
        ("\"s\":1,", "\"s\":0,", "no SSRC"),
        ("\"s\":1,", "\"s\":2,", "though jvb has it already"),
        ("{\"sources\":", "{\"sources\":[", "json-message is not JSON"),
        ("\"n\":\"jvb-v0\"", "\"name\":\"jvb-v0\"", "unknown key 'name'"),
        ("\"jvb\":[[", "\"alice\":[[", "my own sources"),
        ("\"jvb\":[[", "\"carol\":[[", "carol, who is not in the room"),
    ];
    for (from, to, complaint) in table {
        let wrong = right.replace(from, to);
        assert_ne!(wrong, right, "'{from}' is not in the offer");
        let mut alice = in_room(Profile::current());
        give(&mut alice, &wrong);
        complains(&mut alice, complaint);
        assert_eq!(alice.session().map(|s| s.state), Some(SessionState::Broken), "{complaint}");
        assert!(sent(&mut alice, "session-accept").is_none(), "a browser would never accept: {complaint}");
    }
}

#[test]
fn offers_have_to_suit_the_client() {
    let table = [
        (Profile::audio_only(), "content 'video' offered to a client without it"),
        (Profile::current().without(super::profile::RTX), "rtx offered to a client without it"),
        (Profile::xml_sources(), "does not understand it"),
    ];
    for (profile, complaint) in table {
        let mut alice = in_room(profile);
        give(&mut alice, &offer("s1"));
        complains(&mut alice, complaint);
    }
    let mut alice = in_room(Profile::current());
    let without_video = offer("s1").replace("name='video'", "name='audio'");
    give(&mut alice, &without_video);
    complains(&mut alice, "no content 'video'");
}

#[test]
fn wrong_sources_are_complained_of() {
    let table = [
        (BOB.replace("\"s\":11,", "\"s\":13,"), "which was not signalled"),
        (BOB.replace("[\"f\",10,11]", "[\"f\",10]"), "is no pair"),
        (BOB.replace("[\"f\",10,11]", "[\"x\",10,11]"), "a group of unknown kind"),
        (BOB.replace("\"b a\"", "\"\""), "without msid"),
        (BOB.replacen("\"b v\"", "\"other\"", 1), "different msid"),
        (BOB.replace("\"s\":12,", "\"s\":2,"), "jvb has it already"),
        (BOB.replacen("\"bob-v0\"", "\"bob-v1\"", 1), "is not exactly the sources"),
        (BOB.replace("\"bob\":", "\"alice\":"), "my own sources"),
        (BOB.replace("\"bob\":", "\"carol\":"), "who is not in the room"),
        (BOB.replace("\"bob\":", "\"jvb\":"), "sources of the bridge outside of an offer"),
        (BOB.replace("\"b a\"}]]", "\"b a\"}],[],[]]"), "not 3 or 4"),
        (String::new(), "nothing in it"),
    ];
    for (owners, complaint) in table {
        let mut alice = connected();
        give(&mut alice, &jingle("s1", "source-add", &json(&owners)));
        complains(&mut alice, complaint);
    }
}

#[test]
fn my_own_ssrc_of_another_is_complained_of() {
    let mut alice = connected();
    let own = alice.own().sources[0].ssrc;
    give(&mut alice, &jingle("s1", "source-add", &json(&BOB.replace("\"s\":12,", &format!("\"s\":{own},")))));
    complains(&mut alice, "is my own");
}

#[test]
fn sources_come_once_and_go_once() {
    let mut alice = connected();
    give(&mut alice, &jingle("s1", "source-remove", &json(BOB)));
    complains(&mut alice, "who has none");
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    complains(&mut alice, "though bob has it already");
    let half = "\"bob\":[[{\"s\":10,\"n\":\"bob-v0\",\"m\":\"b v\"}],[],[]]";
    give(&mut alice, &jingle("s1", "source-remove", &json(half)));
    complains(&mut alice, "left behind");
}

#[test]
fn sources_of_one_who_left_go_with_its_presence() {
    let mut alice = connected();
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    give(&mut alice, &format!("<presence type='unavailable' from='{ROOM}/bob'/>"));
    assert!(alice.remote().of("bob").is_none());
    // What crossed the leave is forgiven, what comes later is not.
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    assert!(alice.violations().is_empty(), "{:?}", alice.violations());
    alice.set_now(Time::from_secs(1));
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    complains(&mut alice, "bob, who is not in the room");
}

#[test]
fn sessions_have_their_order() {
    let mut alice = in_room(Profile::current());
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    complains(&mut alice, "source-add of session 's1', mine is None");
    let answer = last_answer(&mut alice);
    assert_eq!(error_in(&answer).map(|(condition, _)| condition).as_deref(), Some("item-not-found"));

    let mut alice = connected();
    give(&mut alice, &jingle("s2", "source-add", &json(BOB)));
    complains(&mut alice, "source-add of session 's2'");
    give(&mut alice, &offer("s1"));
    complains(&mut alice, "used sid 's1'");
    let answer = last_answer(&mut alice);
    assert_eq!(error_in(&answer).map(|(condition, _)| condition).as_deref(), Some("service-unavailable"));
    give(&mut alice, &offer("s2"));
    complains(&mut alice, "while session 's1' lives");

    let mut alice = connected();
    give(&mut alice, &jingle("s1", "session-terminate", "<reason><success/><text>moving</text></reason>"));
    give(&mut alice, &offer("s2"));
    assert!(alice.violations().is_empty(), "{:?}", alice.violations());
    assert_eq!(alice.sessions(), 2);
    give(&mut alice, &jingle("s2", "session-terminate", ""));
    complains(&mut alice, "without reason");
}

#[test]
fn a_source_add_waits_for_the_accept() {
    let mut alice = in_room(Profile::current());
    alice.settings.thinks = Time::from_secs(1);
    give(&mut alice, &offer("s1"));
    give(&mut alice, &jingle("s1", "source-add", &json(BOB)));
    complains(&mut alice, "before the offer was accepted");
}

#[test]
fn only_the_focus_speaks_jingle() {
    let mut alice = in_room(Profile::current());
    give(&mut alice, &offer("s1").replace("/focus' to=", "/bob' to="));
    complains(&mut alice, "who is not 'focus'");
    assert!(alice.session().is_none());
    let mut alice = in_room(Profile::current());
    give(&mut alice, &presence("focus", "eve@meet.test/x", "", ""));
    complains(&mut alice, "the focus is");
    let mut alice = in_room(Profile::current());
    give(&mut alice, &format!("<presence type='unavailable' from='{ROOM}/focus'/>"));
    assert!(alice.focus_gone());
    give(&mut alice, &offer("s1"));
    complains(&mut alice, "not in the room");
}

#[test]
fn what_no_client_knows_is_complained_of() {
    let mut alice = connected();
    give(&mut alice, &jingle("s1", "source-modify", ""));
    complains(&mut alice, "'source-modify'");
    let answer = last_answer(&mut alice);
    assert_eq!(error_in(&answer).map(|(condition, _)| condition).as_deref(), Some("bad-request"));
    give(&mut alice, &jingle("s1", "source-add", "").replace("action='source-add'", ""));
    complains(&mut alice, "without action or sid");
    give(&mut alice, &format!("<iq type='get' id='x' from='{ROOM}/focus'><query xmlns='jabber:iq:last'/></iq>"));
    complains(&mut alice, "no client knows");
    give(&mut alice, &format!("<iq type='result' id='never-asked' from='{ROOM}/focus'/>"));
    complains(&mut alice, "nothing that was asked");
    give(&mut alice, &offer("s9").replace("type='set'", "type='get'"));
    complains(&mut alice, "in an IQ of type");
}

#[test]
fn silence_is_complained_of() {
    let mut alice = connected();
    alice.add_source(super::media::desktop());
    let at = alice.poll_timeout().expect("a deadline");
    assert_eq!(at, Time::from_secs(10));
    alice.handle_timeout(at);
    complains(&mut alice, "no answer to source-add");
}

#[test]
fn refusals_are_kept_and_roll_back() {
    let mut alice = connected();
    let before = alice.own().clone();
    alice.add_source(super::media::desktop());
    let request = sent(&mut alice, "source-add").expect("a source-add");
    let id = request.get("id").expect("an id");
    give(
        &mut alice,
        &format!(
            "<iq type='error' id='{id}' from='{ROOM}/focus'><error type='wait'><resource-constraint
                xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        ),
    );
    assert_eq!(alice.own(), &before);
    assert_eq!(alice.take_refusals()[0].condition, "resource-constraint");
}

#[test]
fn the_presence_of_the_focus_keeps_its_properties() {
    let properties = |text: &str| {
        let caps = "<c xmlns='http://jabber.org/protocol/caps'/>";
        let list = format!(
            "{caps}<conference-properties xmlns='http://jitsi.org/protocol/focus'>{text}</conference-properties>"
        );
        presence("focus", "focus@auth.meet.test/focus", &list, "")
    };
    let mut alice = connected();
    give(&mut alice, &properties("<property key='a' value='1'/><property key='b' value='2'/>"));
    assert_eq!(alice.property("b").as_deref(), Some("2"));
    give(&mut alice, &properties("<property key='a' value='1'/>"));
    complains(&mut alice, "conference properties lost: [\"b\"]");
    give(&mut alice, &presence("focus", "focus@auth.meet.test/focus", "", ""));
    complains(&mut alice, "without caps");
}

#[test]
fn ice_restarts_have_growing_generations() {
    let info = |generation: &str| {
        let transport = TRANSPORT.replace("ufrag='u'", &format!("ufrag='u' {generation}"));
        jingle("s1", "transport-info", &format!("<content creator='initiator' name='audio'>{transport}</content>"))
    };
    let mut alice = connected();
    give(&mut alice, &info("ice-generation='1'"));
    assert!(sent(&mut alice, "transport-info").is_some());
    assert!(alice.violations().is_empty(), "{:?}", alice.violations());
    give(&mut alice, &info("ice-generation='1'"));
    complains(&mut alice, "generation 1 after 1");
    give(&mut alice, &info(""));
    complains(&mut alice, "generation 0");
}

#[test]
fn what_nobody_may_ask_for_and_gets_is_kept() {
    let mut alice = in_room(Profile::current());
    while alice.poll_output().is_some() {}
    let focus = alice.focus_occupant();
    let conference = "<conference xmlns='http://jitsi.org/protocol/focus' room='r@x' ready='true'/>";
    let poses = conference.replace("ready", "session-id='s' ready");
    let error = "<error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    for (kind, answer, granted) in
        [("result", "", true), ("error", error, false), ("result", conference, false), ("result", poses.as_str(), true)]
    {
        alice.ask_in_vain("set", &focus, parse("<mute xmlns='http://jitsi.org/jitmeet/audio'/>").expect("XML"));
        let id = alice.poll_output().expect("a request").get("id").expect("an id").to_owned();
        give(&mut alice, &format!("<iq type='{kind}' id='{id}' from='{focus}'>{answer}</iq>"));
        assert_eq!(!alice.take_granted().is_empty(), granted, "{kind} {answer}");
    }
    assert!(alice.take_refusals().is_empty() && alice.violations().is_empty());
}

#[test]
fn a_mute_by_somebody_in_another_room_is_noticed() {
    let mut alice = in_room(Profile::current());
    for (actor, noticed) in [(ROOM, 0), ("room@conference.v0.meet.test", 1)] {
        give(
            &mut alice,
            &format!(
                "<iq type='set' id='m' from='{ROOM}/focus'><mute xmlns='http://jitsi.org/jitmeet/audio' \
                 actor='{actor}/bob'>true</mute></iq>"
            ),
        );
        assert_eq!(alice.take_violations().len(), noticed, "{actor}");
    }
}
