//! What the metadata component tells of a room, in its order with everything else.

use serde_json::{Value, json};
use testkit::Time;
use testkit::ns;
use testkit::participant::Place;
use testkit::participant::profile::Profile;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;

fn transcribing(wanted: bool, allowed: bool) -> Value {
    json!({ "recording": { "isTranscribingEnabled": wanted }, "asyncTranscription": allowed })
}

fn recorded(s: &Scenario) -> Option<String> {
    let shown = properties(&own_presences(s, ROOM).last().stanza);
    shown.into_iter().find(|(key, _)| key == "audio-recording-enabled").map(|(_, value)| value)
}

/// Covers spec/20: 40; spec/60: 31.
#[test]
fn transcription_by_the_bridge_is_company_enough() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    for (wanted, allowed) in [(true, false), (false, true)] {
        let before = own_presences(&s, ROOM).count();
        metadata(&mut s, ROOM, &transcribing(wanted, allowed));
        assert_eq!((offers(&s, "alice"), recorded(&s), own_presences(&s, ROOM).count()), (0, None, before));
    }
    metadata(&mut s, ROOM, &transcribing(true, true));
    assert_eq!((offers(&s, "alice"), recorded(&s).as_deref()), (1, Some("true")));
    s.run_until(Scenario::all_connected);
    let before = own_presences(&s, ROOM).count();
    metadata(&mut s, ROOM, &transcribing(true, true));
    assert_eq!(own_presences(&s, ROOM).count(), before, "no news");
    metadata(&mut s, ROOM, &json!({ "recording": { "isTranscribingEnabled": true } }));
    assert_eq!(recorded(&s).as_deref(), Some("false"));
    assert!(s.view("alice").connected(), "whoever is invited stays so");
    // But nobody for ever, if there is no reason any more.
    s.run_for(Time::from_secs(16));
    assert!(s.view("alice").connected());
    s.run_for(Time::from_secs(4));
    assert!(!s.view("alice").connected());
    s.finish();
}

#[test]
fn where_it_is_transcribed_from_the_start_the_first_who_comes_is_invited() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .server(|server| server.metadata = Some(transcribing(true, true)))
        .participant("alice")
        .start();
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((offers(&s, "alice"), recorded(&s).as_deref()), (1, Some("true")));
    // One is enough, also where there were two.
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.participant("bob").leave();
    s.run_for(Time::from_secs(40));
    assert!(s.view("alice").connected() && s.sent_to("alice").jingle("session-terminate").is_empty());
    // It is turned off while nobody is there who would have to be invited.
    s.participant("alice").leave();
    s.settle();
    s.finish();
}

#[test]
fn with_enough_people_transcription_invites_nobody_twice() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    metadata(&mut s, ROOM, &transcribing(true, true));
    assert_eq!((offers(&s, "alice"), offers(&s, "bob"), recorded(&s).as_deref()), (1, 1, Some("true")));
    s.finish();
}

/// Presence, moderation and metadata of one room take effect in the order in which they come.
/// Covers spec/90: 23.
#[test]
fn presence_moderation_and_metadata_take_effect_in_the_order_in_which_they_come() {
    // Of known caps: whoever comes is invited at once.
    let known = Profile::current();
    let policy = |audio: bool| json!({ "startMuted": { "audio": audio } });
    let join = |nick: &str| {
        format!(
            "<presence from='{ROOM}/{nick}' to='{FOCUS}'><c xmlns='{}' hash='sha-1' node='{}' ver='{}'/><x xmlns='{}'><item \
             affiliation='none' role='participant' jid='{nick}@meet.test/web'/></x></presence>",
            ns::CAPS,
            known.node,
            known.ver(),
            ns::MUC_USER
        )
    };
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let now = s.now();
    // All of this stands in one packet.
    let moderation = |on: bool| json!({ "type": "av_moderation", "room": ROOM, "mediaType": "video", "enabled": on, "actor": format!("{ROOM}/alice") });
    for (step, nick) in ["one", "two", "three", "four"].into_iter().enumerate() {
        match step {
            1 => s.server().send_metadata(now, "focus", ROOM, &policy(true)),
            2 => s.server().send_moderation(now, "focus", &moderation(true)),
            3 => {
                s.server().send_metadata(now, "focus", ROOM, &policy(false));
                s.server().send_moderation(now, "focus", &moderation(false));
            }
            _ => {}
        }
        let presence = testkit::xml::parse(&join(nick)).unwrap();
        s.server().send(now, "focus", presence);
    }
    // They are there for the focus alone: its offers come back.
    s.settle();
    let told = ["one", "two", "three", "four"].map(|nick| {
        let offer = said_to(&s, &format!("{ROOM}/{nick}")).jingle("session-initiate");
        let muted = offer.first().jingle("session-initiate").unwrap().kid("startmuted", ns::START_MUTED)?;
        Some((muted.get("audio")?.to_owned(), muted.get("video")?.to_owned()))
    });
    let flags = |audio: bool, video: bool| Some((audio.to_string(), video.to_string()));
    // The third came while cameras were moderated, and the bridge lets none of it through until it asks.
    assert_eq!(told, [None, flags(true, false), flags(true, true), None]);
}

#[test]
fn metadata_is_the_components_alone_and_of_its_room() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    let json = json!({ "type": "room_metadata", "metadata": { "startMuted": { "audio": true } } }).to_string();
    let message = |from: &str, attributes: &str, json: &str| {
        format!(
            "<message from='{from}' to='{FOCUS}'><json-message xmlns='{}' {attributes}>{json}</json-message></message>",
            ns::JITMEET
        )
    };
    let room = format!("room='{ROOM}'");
    for (from, attributes, json) in [
        ("avmoderation.meet.test", room.as_str(), json.as_str()),
        (ROOM, &room, &json),
        ("room@conference.meet.test/alice", &room, &json),
        ("alice@meet.test/web", &room, &json),
        ("metadata.meet.test/x", &room, &json),
        ("x@metadata.meet.test", &room, &json),
        ("metadata.meet.test", "", &json),
        ("metadata.meet.test", "room='other@conference.meet.test'", &json),
        ("metadata.meet.test", "room='room@conference.meet.test/alice'", &json),
        ("metadata.meet.test", &room, "[]"),
        ("metadata.meet.test", &room, "{\"type\":\"room_metadata\"}"),
        ("metadata.meet.test", &room, "{\"type\":\"room_metadata\",\"metadata\":[]}"),
        ("metadata.meet.test", &room, &json.replace("room_metadata", "av_moderation")),
        ("metadata.meet.test", &room, &json[1..]),
    ] {
        to_focus(&mut s, &message(from, attributes, json));
    }
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (None, None));
    to_focus(&mut s, &message("metadata.meet.test", &room, &json));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "carol"), Some(("true".into(), "false".into())));
    s.finish();
}

#[test]
fn a_server_without_the_component_has_none_and_a_later_login_may() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let on = json!({ "type": "av_moderation", "room": ROOM, "mediaType": "audio", "enabled": true });
    s.server().options.no_moderation = true;
    s.focus_logs_in_anew();
    s.run_for(Time::from_secs(20));
    s.joins("carol");
    s.joins("dave");
    s.run_until(|s| s.connected(&["carol", "dave"]));
    let now = s.now();
    s.server().send_moderation(now, "focus", &on);
    s.settle();
    assert!(s.said().since(now).request("mute").is_empty(), "the component of before is nobody now");
    // It is asked for again by and by.
    s.server().options.no_moderation = false;
    s.run_for(Time::from_secs(31));
    assert_eq!(s.said().since(now).request("mute").count(), 4, "what it has said meanwhile counts then");
}

/// A server that is slow, or does not say what it has, loses nothing of what moderators wish: it is done once it is known who they
/// told.
#[test]
fn what_components_say_is_kept_while_the_server_does_not_say_which_there_are() {
    let mut s = Scenario::new().bridge("jvb1").start();
    let unanswered = |d: &testkit::room::Delivery| {
        d.to == "focus" && d.stanza.name() == "iq" && d.stanza.attr("from") == Some("meet.test")
    };
    s.accident(3, testkit::room::Fate::IsLost, unanswered);
    s.focus_is_replaced();
    for name in ["alice", "bob", "carol"] {
        s.joins(name);
    }
    s.run_until(Scenario::all_connected);
    s.run_for(Time::from_secs(20));
    let now = s.now();
    s.participant("alice").moderate("audio", true);
    s.participant("alice").approve("carol", "audio");
    s.participant("alice").set_metadata("startMuted", &json!({ "video": true }));
    s.participant("alice").set_metadata("startMuted", &json!({ "audio": true }));
    // Nobody can make the focus take him for a component, nor fill what is kept.
    for number in 0..2_000 {
        let from = if number % 2 == 0 { "avmoderation.evil.test" } else { "eve@meet.test/x" };
        let json = json!({ "type": "av_moderation", "room": ROOM, "mediaType": "video", "enabled": true }).to_string();
        s.early(&format!(
            "<message from='{from}' to='{FOCUS}'><json-message xmlns='{}'>{json}</json-message></message>",
            ns::JITMEET
        ));
    }
    s.run_for(Time::from_secs(60));
    assert!(s.said().since(now).request("mute").is_empty(), "nothing is known yet");
    s.run_for(Time::from_secs(60));
    assert_eq!(s.said().since(now).request("mute").count(), 2);
    let muted = |s: &Scenario, who: &str| s.view_bridge("jvb1").endpoint(who).unwrap().force_mute;
    assert_eq!([muted(&s, "bob"), muted(&s, "carol")], [(true, false), (true, false)]);
    s.participant("carol").ask_mute_of(ns::JITMEET_AUDIO, "carol", false);
    s.participant("bob").ask_mute_of(ns::JITMEET_AUDIO, "bob", false);
    s.settle();
    assert_eq!([muted(&s, "bob"), muted(&s, "carol")], [(true, false), (false, false)]);
    assert_eq!(s.participant("bob").take_refusals().len(), 1);
    s.joins("dave");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "dave"), Some(("true".into(), "false".into())));
    s.finish();
}

/// The focus logs in anew, and the server does not say which components it has the first `times` that it is asked.
fn unanswered(times: usize) -> Scenario {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.accident(times, testkit::room::Fate::IsLost, |d| {
        d.to == "focus" && d.stanza.name() == "iq" && d.stanza.attr("from") == Some("meet.test")
    });
    s.focus_is_replaced();
    s
}

/// One moderator who switches without end takes the place of nobody's wishes in other rooms, and of his own the last one counts.
#[test]
fn one_rooms_switching_takes_no_others_place_while_it_is_not_known_who_speaks() {
    let mut s = unanswered(2);
    let other = "other@conference.meet.test";
    for (name, room) in [("alice", ROOM), ("bob", ROOM), ("mallory", other), ("mary", other)] {
        s.joins_with(name, |settings| settings.room = room.into());
    }
    s.run_until(Scenario::all_connected);
    let now = s.now();
    let message = |media: &str, on: bool| {
        let json = json!({ "type": "av_moderation", "room": other, "mediaType": media, "enabled": on }).to_string();
        let json = format!("<json-message xmlns='{}'>{json}</json-message>", ns::JITMEET);
        format!("<message from='avmoderation.meet.test' to='{FOCUS}'>{json}</message>")
    };
    // Where cameras and screens are moderated the bridge lets neither through.
    for media in ["video", "desktop"] {
        s.early(&message(media, true));
    }
    for number in 0..2_001 {
        s.early(&message("audio", number % 2 == 0));
    }
    s.participant("alice").moderate("audio", true);
    s.run_for(Time::from_secs(10));
    assert!(s.said().since(now).request("mute").is_empty(), "nothing is known yet");
    s.run_for(Time::from_secs(80));
    let muted = ["bob", "mallory", "mary"].map(|who| s.view_bridge("jvb1").endpoint(who).unwrap().force_mute);
    assert_eq!(muted, [(true, false), (true, true), (true, true)]);
}

/// Alice wants microphones moderated, from then on, and the server does not say who may speak for her.
fn moderated_where_nobody_is_named() -> (Scenario, Time) {
    let mut s = Scenario::new().bridge("jvb1").server(|server| server.names_nobody = true).start();
    for name in ["alice", "bob"] {
        s.joins(name);
    }
    s.run_until(Scenario::all_connected);
    let now = s.now();
    s.participant("alice").moderate("audio", true);
    (s, now)
}

/// An answer that names nobody decides nothing: the components are named by and by. Where they never are, that is said.
#[test]
fn an_answer_that_names_no_component_ends_nothing() {
    let (mut s, now) = moderated_where_nobody_is_named();
    s.run_for(Time::from_secs(100));
    assert!(said_to(&s, "meet.test").since(now).containing("disco#info").count() >= 2, "it is asked again");
    assert!(s.said().since(now).request("mute").is_empty());
    s.server().options.names_nobody = false;
    s.run_for(Time::from_secs(35));
    assert_eq!(s.said().since(now).request("mute").count(), 1, "bob is muted");
    s.finish();
}

/// Whatever is loaded long after a message did not say it.
#[test]
fn what_was_said_is_kept_for_five_minutes_where_the_server_names_nobody() {
    let (mut s, now) = moderated_where_nobody_is_named();
    testkit::logs::keep_lines();
    s.run_for(Time::from_secs(370));
    // One line for all of them; what the other component said came first.
    let told = logged("speaks as a component");
    assert!(told.len() == 1 && told[0].starts_with("WARN metadata.meet.test speaks as a component"), "{told:#?}");
    s.server().options.names_nobody = false;
    s.run_for(Time::from_secs(60));
    assert!(s.said().since(now).request("mute").is_empty());
}

/// What a message on metadata leaves out may last: none takes the place of those before it.
#[test]
fn metadata_that_is_kept_counts_in_its_order() {
    let mut s = unanswered(2);
    s.joins("alice");
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    metadata(&mut s, ROOM, &json!({ "participantsSoftLimit": 5, "startMuted": { "audio": true } }));
    metadata(&mut s, ROOM, &json!({ "visitorsEnabled": false, "lobbyEnabled": true }));
    // As many as are kept, and more.
    let now = s.now();
    for number in 0..100 {
        s.server().send_metadata(now, "focus", ROOM, &json!({ "moderators": [format!("u{number}")] }));
    }
    s.settle();
    let known = |s: &Scenario| s.focus().metadata_of(ROOM).cloned().expect("a conference");
    assert_eq!(known(&s).participants_soft_limit, None, "nothing is known yet");
    s.run_for(Time::from_secs(90));
    let known = known(&s);
    assert_eq!(
        (known.participants_soft_limit, known.visitors_enabled, known.lobby_enabled),
        (Some(5), Some(false), false)
    );
    assert!(known.prefers(Some("u99"), None) && !known.prefers(Some("u98"), None));
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "bob"), Some(("true".into(), "false".into())));
}

/// What was said to a conference that has ended is not said to the next one in that room.
#[test]
fn what_is_kept_of_components_ends_with_its_conference() {
    let mut s = Scenario::new().bridge("jvb1").start();
    let unanswered = |d: &testkit::room::Delivery| {
        d.to == "focus" && d.stanza.name() == "iq" && d.stanza.attr("from") == Some("meet.test")
    };
    s.accident(2, testkit::room::Fate::IsLost, unanswered);
    s.focus_is_replaced();
    let meet = |s: &mut Scenario, names: [&str; 2]| {
        for name in names {
            s.joins(name);
        }
        s.run_until(Scenario::all_connected);
    };
    meet(&mut s, ["alice", "bob"]);
    s.participant("alice").moderate("audio", true);
    s.settle();
    for name in ["alice", "bob"] {
        s.participant(name).leave();
    }
    s.run_for(Time::from_secs(20));
    assert_eq!(s.focus().gauges().conferences, 0);
    meet(&mut s, ["carol", "dave"]);
    s.run_for(Time::from_secs(120));
    assert!(s.said().request("mute").is_empty());
    s.finish();
}

/// Where no component tells of it, the form does: read at the start, and again when the room says that it has changed.
#[test]
fn a_changed_form_is_read_again_only_where_no_metadata_comes() {
    let changed = format!(
        "<message type='groupchat' from='{ROOM}' to='{FOCUS}'><x xmlns='{}'><status code='104'/></x></message>",
        ns::MUC_USER
    );
    let asked = |s: &Scenario| said_to(s, ROOM).filter(|wire| wire.stanza.attr("type") == Some("get")).count();
    for (silent, asks) in [(true, 2), (false, 1)] {
        let mut s = Scenario::new().server(move |server| server.no_metadata = silent).participant("alice").start();
        s.settle();
        assert_eq!(asked(&s), 1);
        to_focus(&mut s, &changed);
        assert_eq!(asked(&s), asks, "{silent}");
        // Its occupants have no say in this, nor do other rooms.
        for from in [format!("{ROOM}/alice"), "other@conference.meet.test".to_owned(), "alice@meet.test".to_owned()] {
            to_focus(&mut s, &changed.replace(&format!("'{ROOM}'"), &format!("'{from}'")));
        }
        assert_eq!(asked(&s), asks);
        s.finish();
    }
    // However often it changes, one question is under way.
    let mut s = Scenario::new().server(|server| server.no_metadata = true).participant("alice").start();
    s.settle();
    let now = s.now();
    for _ in 0..50 {
        s.server().send(now, "focus", testkit::xml::parse(&changed).unwrap());
    }
    s.accident(1, testkit::room::Fate::IsLate(Time::from_secs(1)), |d| d.to == "focus" && d.stanza.name() == "iq");
    s.run_for(Time::from_millis(500));
    assert_eq!(asked(&s), 2);
    s.finish();
}

/// A list of participants, or of none, keeps nobody out where there are no visitors: it says who would be one.
#[test]
fn who_is_on_no_list_is_invited_where_there_are_no_visitors() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    for list in [json!([]), json!({}), json!(["u1"]), json!("u1")] {
        metadata(&mut s, ROOM, &json!({ "participants": list, "visitorsEnabled": false, "participantsSoftLimit": 1 }));
        connect(&mut s, "guest", "guest@meet.test/web");
        let answer = answer_to(&mut s, "guest", ROOM);
        assert_eq!((of_conference(&answer, "ready"), of_conference(&answer, "vnode")), (Some("true"), None));
        assert!(!properties(&answer).contains(&pair("live", "false")), "{list}");
        let now = s.now();
        s.server().disconnect(now, "guest");
    }
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.finish();
}

/// Covers spec/20: 1.
#[test]
fn components_are_where_the_domain_says_and_one_that_is_gone_is_not_listened_to() {
    let mut s = Scenario::new().bridge("jvb1").nodes(&["v0"]).participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    // Where there is somebody who sees to visitors, clients are told so.
    connect(&mut s, "guest", "guest@meet.test/web");
    let supported = pair("visitors-supported", "true");
    assert!(properties(&answer_to(&mut s, "guest", ROOM)).contains(&supported));
    let on = json!({ "type": "av_moderation", "room": ROOM, "mediaType": "audio", "enabled": true });
    let off = json!({ "type": "av_moderation", "room": ROOM, "mediaType": "audio", "enabled": false });
    let mutes = |s: &mut Scenario, message: &Value| {
        let now = s.now();
        s.server().send_moderation(now, "focus", message);
        s.settle();
        s.said().since(now).request("mute").count()
    };
    assert_eq!((mutes(&mut s, &on), mutes(&mut s, &off)), (2, 0));
    metadata(&mut s, ROOM, &json!({ "startMuted": { "video": true } }));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "carol"), Some(("false".into(), "true".into())));

    // The next login finds none for moderation; what is known of the others is so still.
    s.server().options.no_moderation = true;
    s.focus_logs_in_anew();
    for name in ["dave", "erin"] {
        s.joins(name);
        s.run_until(|s| s.view(name).place() == Place::InRoom);
    }
    s.run_until(|s| s.connected(&["dave", "erin"]));
    s.settle();
    assert!(properties(&answer_to(&mut s, "guest", ROOM)).contains(&supported));
    assert_eq!(mutes(&mut s, &on), 0);
    assert_eq!(s.view_bridge("jvb1").endpoint("dave").unwrap().force_mute, (false, false));
    metadata(&mut s, ROOM, &json!({ "startMuted": { "audio": true } }));
    s.joins("frank");
    s.run_until(|s| s.connected(&["frank"]));
    assert_eq!(starts_muted(&s, "frank"), Some(("true".into(), "false".into())));
}

/// Covers spec/20: 39.
#[test]
fn what_a_message_leaves_out_is_over_or_stays() {
    let sent_to = |s: &mut Scenario, name: &str| {
        s.joins(name);
        s.run_for(Time::from_secs(1));
        of_conference(s.view(name).conference_answers().last().expect("an answer"), "vnode").map(str::to_owned)
    };
    let meeting = || {
        let mut s = Scenario::new().bridge("jvb1").nodes(&["v0"]).participant("alice").start();
        s.run_until(|s| s.view("alice").place() == Place::InRoom);
        s
    };
    // Nobody is on the list, so whoever has no id is none for the main room; without a list everybody is.
    let mut s = meeting();
    metadata(&mut s, ROOM, &json!({ "participants": [] }));
    metadata(&mut s, ROOM, &json!({}));
    assert_eq!(sent_to(&mut s, "bob"), None);
    metadata(&mut s, ROOM, &json!({ "participants": [] }));
    assert_eq!(sent_to(&mut s, "vera").as_deref(), Some("v0"));
    // A limit stays what it was; a lobby is there as long as it is said.
    let mut s = meeting();
    let known = |s: &Scenario| {
        let metadata = s.focus().metadata_of(ROOM).expect("a conference");
        (metadata.participants_soft_limit, metadata.lobby_enabled)
    };
    metadata(&mut s, ROOM, &json!({ "participantsSoftLimit": 5 }));
    metadata(&mut s, ROOM, &json!({ "lobbyEnabled": true }));
    assert_eq!(known(&s), (Some(5), true));
    let newcomers = ["b", "c", "d", "e", "f", "g"].map(|name| sent_to(&mut s, name));
    assert_eq!(newcomers, [const { None }; 6], "nobody is sent past a lobby");
    metadata(&mut s, ROOM, &json!({}));
    assert_eq!(known(&s), (Some(5), false));
    assert_eq!(sent_to(&mut s, "h").as_deref(), Some("v0"));
}
