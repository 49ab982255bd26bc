//! Members: presence, features, coming and going.

use log::Level;
use serde_json::json;
use testkit::Time;
use testkit::logs::{keep_lines, take_lines};
use testkit::ns;
use testkit::participant::profile::{self, Profile};
use testkit::participant::{Place, SessionState};
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::sources::Media;
use testkit::xml::{Element, Read, parse};

use crate::support::*;

fn meet(builder: Builder) -> Scenario {
    let mut s = builder.bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// The questions for features that somebody was asked: their nodes.
fn asked_features(s: &Scenario, name: &str) -> Vec<Option<String>> {
    let asked = s
        .sent_to(name)
        .from("focus")
        .filter(|wire| !wire.is_answer() && wire.payload().is_some_and(|payload| payload.is("query", ns::DISCO_INFO)));
    asked.iter().map(|wire| wire.payload().unwrap().get("node").map(str::to_owned)).collect()
}

/// A member's presence as the room shows it to the focus.
fn shown(nick: &str, item: &str, children: &str) -> String {
    format!(
        "<presence from='{ROOM}/{nick}' to='{FOCUS}'>{children}<x xmlns='{}'><item {item} jid='{nick}@meet.test/web'/>\
         </x></presence>",
        ns::MUC_USER
    )
}

fn limit(s: &Scenario) -> Option<String> {
    let presence = own_presences(s, ROOM).last().stanza.clone();
    properties(&presence).into_iter().find(|(key, _)| key == "audio-limit-reached").map(|(_, value)| value)
}

/// Covers spec/20: 11.
#[test]
fn as_many_senders_as_allowed_are_shown_and_one_who_leaves_is_none() {
    let mut s = meet(Scenario::new().config(|config| config.conference.max_audio_senders = 2));
    assert_eq!(limit(&s).as_deref(), Some("true"));
    s.participant("bob").leave();
    s.settle();
    assert_eq!(limit(&s).as_deref(), Some("false"));
    s.finish();
}

/// Covers spec/20: 15, 16.
#[test]
fn what_cannot_be_read_of_somebodys_sources_leaves_its_mute_state() {
    let mut s = Scenario::new()
        .config(|config| {
            config.conference.max_audio_senders = 1;
            config.conference.max_video_senders = 1;
        })
        .participant_with("alice", |alice| alice.profile = Profile::audio_only())
        .start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    let show = |s: &mut Scenario, children: &str| {
        to_focus(s, &shown("x", "affiliation='none' role='participant'", children));
        let presence = own_presences(s, ROOM).last().stanza.clone();
        let value = |key: &str| properties(&presence).into_iter().find(|(k, _)| k == key).map(|(_, v)| v == "true");
        (value("audio-limit-reached"), value("video-limit-reached"))
    };
    let info = |text: &str| format!("<SourceInfo>{text}</SourceInfo>");
    assert_eq!(show(&mut s, ""), (None, None));
    let hologram = r#"{"x-a0":{"muted":false},"x-v0":{"muted":false,"videoType":"hologram"}}"#;
    assert_eq!(show(&mut s, &info(hologram)), (None, None), "ignored entirely");
    assert_eq!(show(&mut s, &info(r#"{"a-a0":{"muted":false}}"#)), (Some(true), None));
    for odd in ["garbage", "[]", r#"{"a-a0":true}"#, r#"{"a-a0":{"muted":true,"videoType":7}}"#, "[[[[[["] {
        assert_eq!(show(&mut s, &info(odd)), (Some(true), None), "{odd}");
    }
    assert_eq!(show(&mut s, "<audiomuted>false</audiomuted>"), (Some(true), None));
    assert_eq!(show(&mut s, ""), (Some(false), None));
    assert_eq!(show(&mut s, &info(r#"{"odd":{"muted":false,"mediaType":"VIDEO"}}"#)), (Some(false), Some(true)));
}

/// Covers spec/20: 17.
#[test]
fn only_a_member_of_a_trusted_domain_is_a_recorder() {
    let feature = || -> Element {
        let xml =
            format!("<features xmlns='{}'><feature var='http://jitsi.org/protocol/jibri'/></features>", ns::CLIENT);
        parse(&xml).unwrap()
    };
    for (domain, trusted, is_recorder) in [
        ("hidden.example.com", None, false),
        ("hidden.example.com", Some("hidden.example.com"), true),
        ("a.hidden.example.com", Some("hidden.example.com"), false),
    ] {
        let mut s = Scenario::new()
            .config(|config| config.xmpp.trusted_domains = trusted.into_iter().map(str::to_owned).collect())
            .bridge("jvb1")
            .participant_with("recorder", move |recorder| {
                recorder.jid = format!("recorder@{domain}/web");
                recorder.more_presence.push(feature());
            })
            .participant("alice")
            .start();
        keep_lines();
        s.run_until(Scenario::all_connected);
        let warned = format!("its domain {domain} is not in jicofo.xmpp.trusted-domains: an ordinary participant");
        let lines = take_lines();
        let warnings = lines.iter().filter(|line| line.level == Level::Warn && line.message.ends_with(&warned)).count();
        assert_eq!(warnings, usize::from(!is_recorder), "{domain} {trusted:?}: {lines:#?}");
        let owner = if is_recorder { "alice@meet.test".to_owned() } else { format!("recorder@{domain}") };
        assert_eq!(grants(&s, ROOM), [owner], "{domain} {trusted:?}");
        let asked = s.sent_to("jvb1").containing("id='recorder'").containing("create").first().text();
        assert_eq!(asked.contains("private-address-connectivity"), is_recorder, "{asked}");
        s.finish();
    }
}

/// Covers spec/20: 18.
#[test]
fn features_are_asked_of_the_first_with_a_hash_and_of_each_who_lies_about_it() {
    let mut s = meet(Scenario::new());
    let node = Some(format!("https://jitsi.org/jitsi-meet#{}", Profile::current().ver()));
    assert_eq!(asked_features(&s, "alice"), [node]);
    assert_eq!(asked_features(&s, "bob"), []);
    // Two who claim a hash that is not that of their features: each is asked, and taken by its word.
    let claimed = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://liar' ver='AAAA'/>";
    let (first, second) = (["urn:xmpp:jingle:apps:rtp:audio"], ["urn:xmpp:jingle:apps:rtp:audio", profile::VIDEO]);
    for (nick, features) in [("liar1", &first[..]), ("liar2", &second[..])] {
        connect(&mut s, nick, &format!("{nick}@meet.test/web"));
        let join = format!("<presence to='{ROOM}/{nick}'><x xmlns='{}'/>{claimed}</presence>", ns::MUC);
        s.inject(nick, &join);
        s.settle();
        assert_eq!(asked_features(&s, nick), [Some("http://liar#AAAA".to_owned())], "{nick}");
        let question = s.sent_to(nick).from("focus").request("query").last().stanza.clone();
        let (id, from) = (question.get("id").unwrap(), question.get("from").unwrap());
        let list: String = features.iter().map(|var| format!("<feature var='{var}'/>")).collect();
        s.inject(
            nick,
            &format!("<iq type='result' id='{id}' to='{from}'><query xmlns='{}'>{list}</query></iq>", ns::DISCO_INFO),
        );
        s.settle();
        let offer = s.sent_to(nick).jingle("session-initiate").first();
        let jingle = offer.jingle("session-initiate").unwrap();
        let contents: Vec<&str> =
            jingle.kids("content", ns::JINGLE).filter_map(|content| content.get("name")).collect();
        assert_eq!(contents.len(), features.len(), "{nick}: {contents:?}");
    }
}

/// Covers spec/20: 19; spec/90: 19.
#[test]
fn one_who_never_says_what_it_supports_holds_up_nobody_and_gets_the_usual() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .participant_with("silent", |silent| {
            silent.profile = Profile::current().with("http://example.com/unknown");
            silent.answers_disco = false;
        })
        .participant("alice")
        .participant("bob")
        .start();
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert!(s.now() < Time::from_secs(2), "nobody waits for it: {:?}", s.now());
    s.run_for(Time::from_secs(27));
    assert_eq!(offers(&s, "silent"), 0);
    s.run_for(Time::from_secs(5));
    let asked = asked_features(&s, "silent");
    assert!(matches!(&asked[..], [Some(_), None]), "with its node, then without: {asked:?}");
    let offer = s.sent_to("silent").jingle("session-initiate").first();
    let jingle = offer.jingle("session-initiate").unwrap();
    let names: Vec<&str> = jingle.kids("content", ns::JINGLE).filter_map(|content| content.get("name")).collect();
    // SCTP too: the bridge is asked for it, though an offer with sources as XML shows no data channel (spec/30 §8).
    assert_eq!(names, ["audio", "video"]);
    let allocated = s.sent_to("jvb1").containing("endpoint create='true' id='silent'");
    assert!(allocated.first().text().contains("<sctp"));
    assert!(!offer.text().contains("transport-cc"), "not what it did not say");
    s.finish();
}

/// The first who comes after a start has the hash of everybody's client, and says nothing. Whoever else waits for it waits once,
/// and only in that room.
#[test]
fn one_who_claims_everybodys_hash_and_says_nothing_holds_up_his_own_room_once() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .participant_with("silent", |silent| silent.answers_disco = false)
        .participant_with("silent2", |silent| silent.answers_disco = false)
        .participant("alice")
        .start();
    s.run_for(Time::from_secs(1));
    for name in ["carol", "dave"] {
        s.joins_with(name, |it| it.room = "other@conference.meet.test".into());
    }
    s.run_until(|s| s.connected(&["carol", "dave"]));
    assert!(s.now() < Time::from_secs(3), "another room: {:?}", s.now());
    s.run_for(Time::from_millis(100));
    // Now that it is known there, it is here.
    assert!(s.connected(&["alice"]), "{}", s.story());
    assert_eq!(asked_features(&s, "alice"), []);
    s.finish();

    let mut s = Scenario::new()
        .bridge("jvb1")
        .participant_with("silent", |silent| silent.answers_disco = false)
        .participant_with("silent2", |silent| silent.answers_disco = false)
        .participant("alice")
        .start();
    s.run_for(Time::from_secs(3));
    s.joins("bob");
    s.run_for(Time::from_secs(1));
    assert_eq!(asked_features(&s, "bob"), [None], "who comes later is asked at once");
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert!(s.now() < Time::from_secs(17), "and the others wait for one, not for two: {:?}", s.now());
    s.run_for(Time::from_secs(20));
    s.finish();
}

/// Covers spec/20: 20, 21.
#[test]
fn one_who_leaves_while_it_is_asked_is_not_invited_and_one_who_comes_back_once() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    let slow = |d: &testkit::room::Delivery| {
        let query = d.stanza.kid("query", ns::DISCO_INFO);
        d.from == "bob" && d.to == "focus" && query.is_some()
    };
    s.accident(1, Fate::IsLate(Time::from_secs(4)), slow);
    s.joins_with("bob", |bob| bob.profile = Profile::current().with("http://example.com/unknown"));
    s.run_for(Time::from_secs(1));
    s.participant("bob").leave();
    s.run_for(Time::from_secs(6));
    assert_eq!((offers(&s, "alice"), offers(&s, "bob")), (0, 0));
    assert!(s.sent_to("jvb1").request("conference-modify").is_empty());
    // Again, and this time it is back before its first answer.
    s.accident(1, Fate::IsLate(Time::from_secs(4)), slow);
    for _ in 0..2 {
        s.joins_with("bob", |bob| bob.profile = Profile::current().with("http://example.com/other"));
        s.run_for(Time::from_secs(1));
        if s.view("bob").session().is_none() {
            s.participant("bob").leave();
            s.run_for(Time::from_millis(100));
        }
    }
    s.run_for(Time::from_secs(6));
    assert_eq!((offers(&s, "alice"), offers(&s, "bob")), (1, 1));
    assert_eq!(s.sent_to("jvb1").containing("id='bob'").containing("create").count(), 1);
    s.finish();
}

/// Covers spec/10: 36.
#[test]
fn the_last_of_three_is_told_after_a_while_unless_somebody_comes() {
    let mut s = meet(Scenario::new());
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("bob").leave();
    s.participant("carol").leave();
    s.run_for(Time::from_secs(10));
    s.joins("dave");
    s.run_for(Time::from_secs(60));
    assert!(s.sent_to("alice").jingle("session-terminate").is_empty(), "somebody came");
    s.participant("dave").leave();
    s.run_for(Time::from_secs(19));
    assert!(s.sent_to("alice").jingle("session-terminate").is_empty());
    s.run_for(Time::from_secs(2));
    let told = s.sent_to("alice").jingle("session-terminate");
    assert_eq!(told.count(), 1);
    let reason = told.first().jingle("session-terminate").unwrap().kid("reason", ns::JINGLE).unwrap().clone();
    assert!(reason.kid("expired", ns::JINGLE).is_some());
    assert_eq!(reason.kid("text", ns::JINGLE).unwrap().text(), "Idle session timeout");
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (1, 0));
    s.finish();
}

/// It is not known yet what two support. The one of whom it is known first is invited, as there are two; the other one leaves
/// before he is a participant.
#[test]
fn whoever_is_left_alone_by_one_who_was_no_participant_yet_is_told_too() {
    let mut s = Scenario::new().bridge("jvb1").start();
    for (name, feature, late) in [("alice", "http://example.com/a", 1), ("bob", "http://example.com/b", 10)] {
        s.accident(1, Fate::IsLate(Time::from_secs(late)), move |d| {
            d.from == name && d.to == "focus" && d.stanza.kid("query", ns::DISCO_INFO).is_some()
        });
        s.joins_with(name, |it| it.profile = Profile::current().with(feature));
    }
    s.run_for(Time::from_secs(4));
    assert_eq!((offers(&s, "alice"), offers(&s, "bob")), (1, 0));
    s.participant("bob").leave();
    s.run_for(Time::from_secs(19));
    assert!(s.sent_to("alice").jingle("session-terminate").is_empty());
    s.run_for(Time::from_secs(2));
    assert!(s.sent_to("alice").jingle("session-terminate").first().text().contains("expired"));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    s.finish();
}

/// Where there are to be no visitors one who looks on in the main room has no session; nobody has one because of him. The same
/// goes for one who is called like the bridge.
#[test]
fn nobody_is_invited_because_of_one_who_never_is() {
    for (nick, role) in [("vic", "visitor"), ("jvb", "participant")] {
        let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
        s.settle();
        let item = format!("<item affiliation='none' role='{role}' jid='{nick}@meet.test/web'/>");
        let x = format!("<x xmlns='{}'>{item}</x>", ns::MUC_USER);
        to_focus(&mut s, &format!("<presence from='{ROOM}/{nick}' to='{FOCUS}'>{x}</presence>"));
        s.settle();
        assert_eq!(s.focus().gauges().members, 2);
        s.run_for(Time::from_secs(40));
        assert_eq!(offers(&s, "alice"), 0, "because of {nick}");
        s.joins("bob");
        s.run_until(|s| s.connected(&["alice", "bob"]));
    }
}

/// Covers spec/20: 29; spec/90: 50.
#[test]
fn one_who_is_kicked_is_told_nothing_and_the_one_who_stays_is_told_in_time() {
    let mut s = meet(Scenario::new());
    let now = s.now();
    s.server().put_out(now, ROOM, "bob", &["307"]);
    s.run_for(Time::from_secs(19));
    let (alice, bob) = (s.sent_to("alice").since(now), s.sent_to("bob").since(now));
    assert_eq!((alice.actions().len(), bob.actions().len()), (0, 0));
    assert!(s.view_bridge("jvb1").endpoint("bob").is_none());
    s.run_for(Time::from_secs(2));
    assert_eq!(s.sent_to("alice").since(now).actions(), ["session-terminate"]);
    assert!(s.sent_to("alice").jingle("session-terminate").last().text().contains("expired"));
    assert!(s.sent_to("bob").since(now).actions().is_empty());
    s.finish();
}

/// Covers spec/20: 52; spec/90: 32.
#[test]
fn a_lost_connection_is_a_leave() {
    let mut s = meet(Scenario::new());
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.settle();
    let now = s.now();
    s.dies("carol");
    s.settle();
    let codes = s.sent_to("focus").since(now).presence().containing("carol").containing("333");
    assert_eq!(codes.count(), 1);
    assert_eq!(s.focus().gauges().members, 2);
    assert!(s.view_bridge("jvb1").endpoint("carol").is_none());
    assert!(s.sent_to("alice").since(now).actions().is_empty());
    s.finish();
}

/// Covers spec/20: 38.
#[test]
fn whoever_exceeds_the_number_of_the_first_request_starts_muted() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .participant_with("alice", |alice| alice.properties.push(("startAudioMuted".into(), "2".into())))
        .participant_with("bob", |bob| bob.properties.push(("startVideoMuted".into(), "0".into())))
        .participant("carol")
        .start();
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (None, None));
    assert_eq!(starts_muted(&s, "carol"), Some(("true".into(), "false".into())));
    s.finish();
}

/// Covers spec/20: 50.
#[test]
fn the_policy_of_a_room_is_for_first_offers_and_mutes_nobody_on_the_bridge() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    metadata(&mut s, ROOM, &json!({ "startMuted": { "audio": true, "video": true } }));
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.settle();
    let both = Some(("true".to_owned(), "true".to_owned()));
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (both.clone(), both));
    let muted = s.sent_to("jvb1").filter(|wire| {
        let text = wire.text();
        text.contains("force-mute audio='true'") || text.contains("force-mute video='true'")
    });
    assert!(muted.is_empty());
    let first = s.view("alice").session().unwrap().sid.clone();
    s.participant("alice").restart();
    s.run_until(|s| s.view("alice").session().is_some_and(|it| it.sid != first && it.state == SessionState::Active));
    assert_eq!(offers(&s, "alice"), 2);
    assert_eq!(starts_muted(&s, "alice"), None);
    s.finish();
}

/// A groupchat message of the room's.
fn groupchat(from: &str, children: &str) -> String {
    format!("<message type='groupchat' from='{from}' to='{FOCUS}'>{children}</message>")
}

fn lobby_notify(event: &str, value: &str) -> String {
    let json = json!({ "type": "lobby-notify", "event": event, "value": value }).to_string();
    groupchat(&format!("{ROOM}/alice"), &format!("<json-message xmlns='{}'>{json}</json-message>", ns::JITMEET))
}

fn changed() -> String {
    groupchat(ROOM, &format!("<x xmlns='{}'><status code='104'/></x>", ns::MUC_USER))
}

#[test]
fn a_lobby_that_opens_and_closes_moves_nothing() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    let quiet = |s: &mut Scenario, steps: &[&str]| {
        let before = s.said().count();
        for step in steps {
            to_focus(s, step);
        }
        let said: Vec<String> = s.said().iter().skip(before).map(outline).collect();
        assert!(said.iter().all(|line| line.contains("healthcheck")), "{said:?}");
    };
    let metadata = |open: bool| {
        let json = json!({ "type": "room_metadata", "metadata": { "lobbyEnabled": open } }).to_string();
        format!(
            "<message from='metadata.meet.test' to='{FOCUS}'><json-message xmlns='{}' room='{ROOM}'>{json}</json-message>\
             </message>",
            ns::JITMEET
        )
    };
    quiet(&mut s, &[&lobby_notify("LOBBY-ENABLED", "true"), &metadata(true), &changed()]);
    connect(&mut s, "knocker", "k1@guest.meet.test/r1");
    let answer = answer_to(&mut s, "knocker", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    quiet(&mut s, &[&metadata(false), &lobby_notify("LOBBY-ENABLED", "false"), &changed()]);
    s.participant("alice").leave();
    s.settle();
    assert_eq!(leaves(&s, ROOM).count(), 1);
    assert!(s.sent_to("jvb1").request("conference-modify").is_empty());
    s.finish();
}

/// Covers spec/20: 53.
#[test]
fn one_who_knocked_and_was_let_in_is_an_ordinary_participant() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    to_focus(&mut s, &lobby_notify("LOBBY-ACCESS-GRANTED", "bob"));
    let item = "<item affiliation='member' jid='bob@meet.test'/>";
    to_focus(&mut s, &format!("<message from='{ROOM}' to='{FOCUS}'><x xmlns='{}'>{item}</x></message>", ns::MUC_USER));
    let now = s.now();
    s.server().grant(now, ROOM, "bob@meet.test", "member");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((offers(&s, "alice"), offers(&s, "bob")), (1, 1));
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
    s.participant("bob").ask_mute_of(ns::JITMEET_AUDIO, "alice", true);
    s.settle();
    let refusals = s.participant("bob").take_refusals();
    assert_eq!(refusals.iter().map(|it| it.condition.as_str()).collect::<Vec<_>>(), ["not-allowed"], "no moderator");
    // It asks and enters once more.
    let before = s.said().count();
    ask(&mut s, "bob", "again", ROOM);
    s.participant("bob").join();
    s.settle();
    to_focus(&mut s, &lobby_notify("LOBBY-ACCESS-DENIED", "eve"));
    let said: Vec<String> = s.said().iter().skip(before).map(outline).collect();
    let said: Vec<&String> = said.iter().filter(|line| !line.contains("healthcheck")).collect();
    assert_eq!(said, ["iq result focus"]);
    assert_eq!(of_conference(&only(&s, "bob", "again"), "ready"), Some("true"));
    s.finish();
}

#[test]
fn a_client_that_takes_over_a_name_before_the_other_left_is_invited_as_a_newcomer() {
    let mut s = meet(Scenario::new());
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = s.view("bob").session().expect("a session").sid.clone();
    // The page is loaded again, and the end of the old connection reaches the server after the new one's join.
    s.joins_with("bob again", |again| {
        again.nick = "bob".into();
        again.jid = "bob@meet.test/again".into();
    });
    s.run_for(Time::from_millis(20));
    s.participant("bob").leave();
    s.run_until(Scenario::all_connected);
    s.settle();
    let gone = s.sent_to("alice").presence().filter(|wire| wire.stanza.get("type") == Some("unavailable"));
    assert!(gone.is_empty(), "the room says nothing of it");
    assert_eq!(offers(&s, "bob again"), 1);
    assert_ne!(s.view("bob again").session().expect("a session").sid, before);
    // They were told that what it sent is gone, and what it sends now.
    for other in ["alice", "carol"] {
        assert_eq!(offers(&s, other), 1, "{other} keeps its session");
        let actions = s.sent_to(other).actions();
        assert!(actions.ends_with(&["source-remove", "source-add"]), "{other}: {actions:?}");
    }
    assert_eq!((s.focus().gauges().members, s.focus().gauges().participants), (3, 3));
    s.finish();
}

/// Of several clients of a user under one name it is the first who has the session, however often the room shows them all.
#[test]
fn a_client_that_shares_a_name_changes_nothing_while_the_first_is_there() {
    let mut s = meet(Scenario::new());
    let session = s.view("bob").session().expect("a session").sid.clone();
    let both = format!(
        "<presence from='{ROOM}/bob' to='{FOCUS}'><x xmlns='{}'>\
         <item affiliation='none' role='participant' jid='bob@meet.test/web'/>\
         <item affiliation='none' role='participant' jid='bob@meet.test/other'/></x></presence>",
        ns::MUC_USER
    );
    for _ in 0..2 {
        to_focus(&mut s, &both);
        to_focus(&mut s, &shown("bob", "affiliation='none' role='participant'", ""));
        s.settle();
    }
    assert_eq!((offers(&s, "bob"), s.view("bob").session().map(|session| session.sid.clone())), (1, Some(session)));
    s.finish();
}

#[test]
fn a_nick_may_be_anything_that_a_resource_may_be() {
    let nicks = ["näme with spaces", "a/b@c", "<&'\"]]>", "日本語", "..", "focus2", "Focus"];
    let mut s = Scenario::new().bridge("jvb1").start();
    for (index, nick) in nicks.iter().enumerate() {
        s.joins_with(&format!("p{index}"), |settings| {
            settings.nick = (*nick).to_owned();
            settings.jid = format!("p{index}@meet.test/web");
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    for index in 0..nicks.len() {
        assert_eq!(offers(&s, &format!("p{index}")), 1, "{}", nicks[index]);
        assert_eq!(s.view(&format!("p{index}")).remote().by_owner().len(), nicks.len(), "all others, and the bridge");
    }
    s.finish();
}

#[test]
fn a_presence_of_a_room_that_was_never_entered_makes_nobody_a_member() {
    let mut s = meet(Scenario::new());
    let before = s.said().count();
    for from in ["elsewhere@conference.meet.test/eve", "room@conference.meet.test", "room@conference.evil.test/alice"] {
        for kind in ["", "type='unavailable'", "type='error'"] {
            to_focus(
                &mut s,
                &format!(
                    "<presence {kind} from='{from}' to='{FOCUS}'><x xmlns='{}'><item affiliation='owner' \
                     role='moderator' jid='eve@meet.test/x'/><status code='110'/></x></presence>",
                    ns::MUC_USER
                ),
            );
        }
    }
    let said: Vec<String> = s.said().iter().skip(before).map(outline).collect();
    assert!(said.iter().all(|line| line.contains("healthcheck")), "{said:?}");
    assert_eq!((s.focus().gauges().members, s.focus().gauges().conferences), (2, 1));
    s.finish();
}

#[test]
fn presence_that_makes_no_sense_harms_nobody() {
    let mut s = meet(Scenario::new());
    for odd in [
        format!("<presence from='{ROOM}/alice' to='{FOCUS}'/>"),
        format!("<presence from='{ROOM}/alice' to='{FOCUS}' type='nonsense'/>"),
        format!(
            "<presence from='{ROOM}/alice' to='{FOCUS}'><x xmlns='{}'><item affiliation='emperor' role=''/></x></presence>",
            ns::MUC_USER
        ),
        format!(
            "<presence from='{ROOM}/alice' to='{FOCUS}'><x xmlns='{}'><item jid='@@'/><status code='x'/></x></presence>",
            ns::MUC_USER
        ),
        format!(
            "<presence from='{ROOM}/alice' to='{FOCUS}'><SourceInfo/><SourceInfo>{{}}</SourceInfo><audiomuted><b/></audiomuted></presence>"
        ),
        format!("<presence from='{ROOM}/alice' to='{FOCUS}'><c xmlns='{}'/></presence>", ns::CAPS),
        "<presence/>".to_owned(),
        format!("<presence to='{FOCUS}' type='unavailable'/>"),
        format!("<presence from='{ROOM}/nobody' to='{FOCUS}' type='unavailable'/>"),
        format!("<presence from='{ROOM}/alice' to='{FOCUS}' type='error'><error/></presence>"),
    ] {
        to_focus(&mut s, &odd);
    }
    s.participant("alice").mute(Media::Audio, true);
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!(s.focus().gauges().members, 3);
    s.finish();
}
