//! Who asks for a conference, and what is answered.

use testkit::Time;
use testkit::logs::keep_lines;
use testkit::ns;
use testkit::participant::Place;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;

/// One client that does nothing by itself, `g`.
fn with_guest(builder: testkit::scenario::Builder) -> Scenario {
    let mut s = builder.start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    s
}

/// Covers spec/10: 1, 51.
#[test]
fn a_request_for_a_new_room_is_answered_when_the_focus_is_in_it() {
    let mut s = with_guest(Scenario::new());
    s.accident(1, Fate::IsLate(Time::from_millis(50)), |d| {
        d.to == "focus" && d.stanza.get("from") == Some("room@conference.meet.test/focus")
    });
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(answer.get("type"), Some("result"));
    assert_eq!(of_conference(&answer, "room"), Some(ROOM));
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    assert_eq!(of_conference(&answer, "focusjid"), Some("focus@auth.meet.test"));
    assert_eq!(of_conference(&answer, "vnode"), None);
    assert_eq!(properties(&answer), [pair("authentication", "false"), pair("visitors-supported", "false")]);
    assert_eq!(joins(&s, ROOM).count(), 1);
    let full = own_presences(&s, ROOM).containing("conference-properties");
    let answered = s.said().results().containing("focusjid");
    assert_eq!(answered.first().stanza.get("to"), Some("focus.meet.test/g1@guest.meet.test/r1"));
    assert!(full.come_before(&answered), "the answer comes after the first full presence\n{}", s.story());
    let metrics = s.focus().metrics();
    let counted = (metrics.conferences_created, metrics.conference_requests, metrics.conference_requests_new);
    assert_eq!(counted, (1, 1, 1));
    s.finish();
}

/// Covers spec/10: 2.
#[test]
fn a_second_request_is_answered_from_the_running_conference() {
    let mut s = with_guest(Scenario::new());
    answer_to(&mut s, "g", ROOM);
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    assert_eq!(joins(&s, ROOM).count(), 1);
    assert_eq!((s.focus().metrics().conference_requests, s.focus().metrics().conference_requests_new), (2, 1));
    s.finish();
}

#[test]
fn without_a_client_proxy_the_answer_goes_to_the_sender_to_the_letter() {
    let mut s = with_guest(Scenario::new().config(|config| config.xmpp.client.client_proxy = None));
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(answer.get("type"), Some("result"));
    s.finish();
}

/// Covers spec/10: 4.
#[test]
fn a_sender_behind_the_proxy_that_is_no_jid_is_answered_at_exactly_that_address() {
    let mut s = Scenario::new().start();
    connect(&mut s, "odd", "not a@@jid");
    let answer = answer_to(&mut s, "odd", ROOM);
    assert_eq!(answer.get("type"), Some("result"));
    assert_eq!(said_to(&s, "focus.meet.test/not a@@jid").results().count(), 1);
    s.finish();
}

/// Covers spec/10: 6.
#[test]
fn a_request_to_the_focus_user_itself_is_answered_directly() {
    let mut s = with_guest(Scenario::new());
    s.inject(
        "g",
        &format!("<iq type='set' id='d1' to='{FOCUS}'><conference xmlns='{}' room='{ROOM}'/></iq>", ns::FOCUS),
    );
    s.settle();
    let answer = only(&s, "g", "d1");
    assert_eq!((answer.get("type"), answer.get("to")), (Some("result"), Some("g1@guest.meet.test/r1")));
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    s.finish();
}

/// With the handshake, which is the connection's.
/// Covers spec/10: 7.
#[test]
fn a_request_to_the_component_is_answered_in_its_name() {
    let mut s = with_guest(Scenario::new().component());
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!((answer.get("type"), answer.get("from")), (Some("result"), Some("focus.meet.test")));
    assert_eq!(of_conference(&answer, "focusjid"), Some("focus@auth.meet.test"));
    s.finish();
}

/// Covers spec/10: 8.
#[test]
fn a_jigasi_brewery_is_told_as_sip_gateway() {
    let with = |brewery: Option<&'static str>| {
        let mut s = with_guest(Scenario::new().config(move |config| {
            config.jigasi.brewery_jid = brewery.map(|jid| jid.parse().unwrap());
        }));
        let properties = properties(&answer_to(&mut s, "g", ROOM));
        s.finish();
        properties
    };
    let expected = ["authentication", "sipGatewayEnabled", "visitors-supported"];
    let told = with(Some("jigasibrewery@internal.auth.meet.test"));
    assert_eq!(told, expected.map(|name| pair(name, if name == "sipGatewayEnabled" { "true" } else { "false" })));
    assert!(with(None).iter().all(|(name, _)| name != "sipGatewayEnabled"));
}

/// Covers spec/10: 9; spec/90: 46.
#[test]
fn upper_and_lower_case_name_the_same_room() {
    let mut s = with_guest(Scenario::new());
    for room in ["DAILY@conference.meet.test", "daily@Conference.Meet.Test"] {
        let answer = answer_to(&mut s, "g", room);
        assert_eq!(of_conference(&answer, "room"), Some("daily@conference.meet.test"));
    }
    assert_eq!(joins(&s, "daily@conference.meet.test").count(), 1);
    assert_eq!(s.focus().gauges().conferences, 1);
    s.run_for(Time::from_secs(20));
    assert_eq!(s.focus().gauges().conferences, 0);
    s.finish();
}

/// Covers spec/10: 10.
#[test]
fn tenants_make_domains_that_the_strict_rules_refuse() {
    let rooms = ["r@conference.my_team.meet.test", "r@conference.%c3%9f.meet.test"];
    let mut s = with_guest(Scenario::new());
    for room in rooms {
        let answer = answer_to(&mut s, "g", room);
        assert_eq!((of_conference(&answer, "room"), of_conference(&answer, "ready")), (Some(room), Some("true")));
    }
    s.finish();
    let mut s = with_guest(Scenario::new().config(|config| config.xmpp.use_jitsi_jid_validation = false));
    for room in rooms {
        assert_eq!(error(&answer_to(&mut s, "g", room)).0, "bad-request");
    }
    s.finish();
}

/// Covers spec/90: 47.
#[test]
fn room_names_outside_ascii_are_normalised_and_answered() {
    let mut s = with_guest(Scenario::new());
    for (asked, room) in [
        ("Große-Konferenz@conference.meet.test", "grosse-konferenz@conference.meet.test"),
        ("会议室@conference.meet.test", "会议室@conference.meet.test"),
        ("%d0%b4@conference.meet.test", "%d0%b4@conference.meet.test"),
    ] {
        let answer = answer_to(&mut s, "g", asked);
        assert_eq!((of_conference(&answer, "room"), of_conference(&answer, "ready")), (Some(room), Some("true")));
        assert!(s.server().room(room).is_some(), "{room}");
    }
    s.finish();
}

/// Covers spec/10: 11.
#[test]
fn a_room_that_is_none_is_refused_and_never_passed_over_in_silence() {
    let mut s = with_guest(Scenario::new());
    for room in [
        "a@b@conference.meet.test",
        "conference.meet.test",
        "r@-x.example.com",
        "",
        "r@conference.meet.test/resource",
        "a b@conference.meet.test",
        "@conference.meet.test",
        "r@",
    ] {
        let answer = answer_to(&mut s, "g", room);
        let (condition, text) = error(&answer);
        assert_eq!(condition, "bad-request", "{room:?}");
        let expected = if room.is_empty() { "No 'room' specified." } else { "Invalid room name." };
        assert_eq!(text, expected, "{room:?}");
        assert_eq!(answer.kid("error", ns::CLIENT).unwrap().get("type"), Some("modify"));
    }
    request(&mut s, "g", "none", &format!("<conference xmlns='{}'/>", ns::FOCUS));
    s.settle();
    assert_eq!(error(&only(&s, "g", "none")), ("bad-request".into(), "No 'room' specified.".into()));
    assert_eq!(s.focus().gauges().conferences, 0);
    s.finish();
}

/// Covers spec/10: 12.
#[test]
fn what_the_focus_does_not_serve_is_refused() {
    let mut s = with_guest(Scenario::new());
    let (conference, login) = (
        format!("<conference xmlns='{}' room='{ROOM}'/>", ns::FOCUS),
        format!("<login-url xmlns='{}' room='{ROOM}' machine-uid='m1'/>", ns::FOCUS),
    );
    let logout = format!("<logout xmlns='{}' session-id='x'/>", ns::FOCUS);
    let cases = [("get", &conference), ("get", &login), ("set", &login), ("set", &logout)];
    for (index, (kind, child)) in cases.into_iter().enumerate() {
        s.inject("g", &format!("<iq type='{kind}' id='q{index}' to='focus.meet.test'>{child}</iq>"));
        s.settle();
        let answer = only(&s, "g", &format!("q{index}"));
        assert_eq!(error(&answer).0, "feature-not-implemented", "{kind} {child}");
        assert_eq!(answer.kid("error", ns::CLIENT).unwrap().get("type"), Some("cancel"));
    }
    s.finish();
}

/// Covers spec/10: 29.
#[test]
fn start_audio_muted_is_a_number_of_participants() {
    for (value, second) in [("true", None), ("1", Some(("true".to_owned(), "false".to_owned())))] {
        keep_lines();
        let mut s = Scenario::new()
            .bridge("jvb1")
            .participant_with("alice", |alice| alice.properties.push(("startAudioMuted".into(), value.into())))
            .participant("bob")
            .start();
        s.run_until(Scenario::all_connected);
        assert_eq!(starts_muted(&s, "alice"), None, "{value}");
        assert_eq!(starts_muted(&s, "bob"), second, "{value}");
        let warned = logged("WARN the request's property startAudioMuted is no number: ignored").len();
        assert_eq!(warned, usize::from(value == "true"));
        s.finish();
    }
}

/// Covers spec/10: 30; spec/90: 14, 58.
#[test]
fn who_asks_while_the_focus_enters_waits_with_the_first() {
    let mut s = with_guest(Scenario::new());
    connect(&mut s, "h", "h1@guest.meet.test/r1");
    s.accident(1, Fate::IsLate(Time::from_secs(3)), |d| {
        d.to == "focus" && d.stanza.get("from") == Some("room@conference.meet.test/focus")
    });
    ask(&mut s, "g", "one", ROOM);
    s.run_for(Time::from_secs(1));
    ask(&mut s, "h", "two", ROOM);
    // Another room is not held up by it.
    ask(&mut s, "h", "other", "other@conference.meet.test");
    s.run_for(Time::from_secs(1));
    assert!(answers(&s, "g", "one").is_empty() && answers(&s, "h", "two").is_empty());
    assert_eq!(of_conference(&only(&s, "h", "other"), "ready"), Some("true"));
    s.run_for(Time::from_secs(2));
    for (who, id) in [("g", "one"), ("h", "two")] {
        assert_eq!(of_conference(&only(&s, who, id), "ready"), Some("true"));
    }
    assert_eq!(joins(&s, ROOM).count(), 1);
    s.finish();
}

/// Covers spec/10: 31; spec/20: 4.
#[test]
fn a_room_that_refuses_the_focus_fails_the_request_with_its_words() {
    let mut s = with_guest(Scenario::new());
    s.server().options.refuses_focus = Some(("not-allowed".into(), "Room creation is restricted".into()));
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(error(&answer), ("internal-server-error".into(), "Room creation is restricted".into()));
    assert_eq!(s.focus().gauges().conferences, 0);
    assert_eq!(leaves(&s, ROOM).count(), 1);
    s.server().take_violations();
    s.server().options.refuses_focus = None;
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    assert_eq!(joins(&s, ROOM).count(), 2);
    s.finish();
}

/// Covers spec/10: 32; spec/90: 40.
#[test]
fn a_room_that_does_not_answer_is_left_and_the_client_asks_again() {
    let mut s = with_guest(Scenario::new());
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("from") == Some("room@conference.meet.test/focus"));
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("from") == Some(ROOM));
    ask(&mut s, "g", "one", ROOM);
    s.run_for(Time::from_secs(14));
    assert!(answers(&s, "g", "one").is_empty());
    s.run_for(Time::from_secs(3));
    let answer = only(&s, "g", "one");
    assert_eq!((answer.get("type"), of_conference(&answer, "ready")), (Some("result"), Some("false")));
    assert_eq!(leaves(&s, ROOM).count(), 1);
    assert!(s.server().room(ROOM).is_none(), "the server had let the focus in");
    assert_eq!(s.focus().gauges().conferences, 0);
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    s.finish();
}

/// Covers spec/10: 33; spec/90: 59.
#[test]
fn each_request_gives_an_empty_conference_more_time() {
    let mut s = with_guest(Scenario::new());
    ask(&mut s, "g", "one", ROOM);
    s.run_for(Time::from_secs(10));
    ask(&mut s, "g", "two", ROOM);
    s.run_for(Time::from_secs(14));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (1, 0));
    s.run_for(Time::from_secs(2));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    s.finish();
}

/// Nor is the focus shown anew by its room, as after a change of its rights.
///
/// Covers spec/90: 51.
#[test]
fn the_focus_own_coming_is_nobodys_and_gives_an_empty_conference_no_more_time() {
    let mut s = with_guest(Scenario::new());
    ask(&mut s, "g", "one", ROOM);
    for _ in 0..14 {
        s.run_for(Time::from_secs(1));
        let item = "<item affiliation='owner' role='moderator'/><status code='110'/>";
        let x = format!("<x xmlns='{}'>{item}</x>", ns::MUC_USER);
        s.early(&format!("<presence from='{ROOM}/focus' to='{FOCUS}'>{x}</presence>"));
    }
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (1, 0));
    s.run_for(Time::from_secs(2));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    s.finish();
}

/// Covers spec/10: 41.
#[test]
fn a_token_that_is_none_changes_nothing() {
    let mut s = with_guest(Scenario::new());
    // The second is {"context":{"user":{"id":5}}}.
    for (id, token) in [("t1", "garbage"), ("t2", "e30.eyJjb250ZXh0Ijp7InVzZXIiOnsiaWQiOjV9fX0.x")] {
        request(&mut s, "g", id, &format!("<conference xmlns='{}' room='{ROOM}' token='{token}'/>", ns::FOCUS));
        s.settle();
        assert_eq!(of_conference(&only(&s, "g", id), "ready"), Some("true"), "{token}");
    }
    s.finish();
}

/// Covers spec/10: 49.
#[test]
fn the_bridges_brewery_is_no_room_for_conferences() {
    let mut s = with_guest(Scenario::new().bridge("jvb1"));
    let brewery = "jvbbrewery@internal.auth.meet.test";
    let answer = answer_to(&mut s, "g", "JVBbrewery@internal.auth.meet.test");
    assert_eq!(error(&answer).0, "not-allowed");
    assert_eq!((joins(&s, brewery).count(), leaves(&s, brewery).count()), (1, 0));
    assert_eq!(s.focus().gauges().bridges, 1);
    s.finish();
}

/// Covers spec/10: 56.
#[test]
fn a_client_of_2021_is_answered_like_any() {
    let mut s = with_guest(Scenario::new());
    let properties = ["disableRtx", "rtcstatsEnabled", "callstatsEnabled"]
        .map(|name| format!("<property name='{name}' value='false'/>"))
        .concat();
    request(&mut s, "g", "old", &format!("<conference xmlns='{}' room='{ROOM}'>{properties}</conference>", ns::FOCUS));
    s.settle();
    let answer = only(&s, "g", "old");
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    assert_eq!(
        crate::support::properties(&answer),
        [pair("authentication", "false"), pair("visitors-supported", "false")]
    );
    s.finish();
}

/// Covers spec/10: 63; spec/90: 118.
#[test]
fn an_error_for_what_was_answered_already_is_not_answered() {
    let mut s = with_guest(Scenario::new());
    answer_to(&mut s, "g", ROOM);
    let said = s.said().count();
    to_focus(
        &mut s,
        &format!(
            "<iq type='error' id='g-0' from='g1@guest.meet.test/r1' to='{FOCUS}'><error type='wait'>\
             <recipient-unavailable xmlns='{}'/></error></iq>",
            ns::STANZA_ERRORS
        ),
    );
    assert_eq!(s.said().count(), said);
    assert_eq!(s.focus().metrics().answers_unmatched, 1);
    s.finish();
}

#[test]
fn a_request_while_the_focus_is_not_connected_or_stops_is_told_to_come_again() {
    let mut s = with_guest(Scenario::new().component());
    s.stop_focus();
    s.settle();
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("false"));
    assert_eq!((s.focus().gauges().conferences, joins(&s, ROOM).count()), (0, 0));
    s.finish();
}

#[test]
fn a_domain_without_rooms_makes_clients_ask_again_and_is_asked_again() {
    let mut s = with_guest(Scenario::new());
    for _ in 0..2 {
        let answer = answer_to(&mut s, "g", "r@elsewhere.meet.test");
        assert_eq!(of_conference(&answer, "ready"), Some("false"));
    }
    assert_eq!(said_to(&s, "elsewhere.meet.test").count(), 2);
    assert_eq!(s.focus().gauges().conferences, 0);
    s.finish();
}

#[test]
fn everybody_who_waits_is_told_when_the_focus_is_refused() {
    let mut s = with_guest(Scenario::new());
    connect(&mut s, "h", "h1@guest.meet.test/r1");
    s.server().options.refuses_focus = Some(("conflict".into(), String::new()));
    s.accident(1, Fate::IsLate(Time::from_secs(2)), |d| d.to == "focus" && d.stanza.get("type") == Some("error"));
    ask(&mut s, "g", "one", ROOM);
    s.run_for(Time::from_secs(1));
    ask(&mut s, "h", "two", ROOM);
    s.settle();
    for (who, id) in [("g", "one"), ("h", "two")] {
        assert_eq!(error(&only(&s, who, id)).0, "internal-server-error");
    }
    s.server().take_violations();
    s.finish();
}

#[test]
fn a_room_left_as_its_last_member_goes_is_entered_again_after_that() {
    let mut s = Scenario::new().latency(Time::from_millis(20), Time::ZERO).participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    // The leave is under way to the focus when bob asks.
    s.participant("alice").leave();
    s.joins("bob");
    s.run_until(|s| s.view("bob").place() == Place::InRoom);
    s.settle();
    let order: Vec<bool> = own_presences(&s, ROOM)
        .filter(|wire| wire.stanza.get("type").is_some() || wire.stanza.kid("x", ns::MUC).is_some())
        .iter()
        .map(|wire| wire.stanza.get("type").is_none())
        .collect();
    assert_eq!(order, [true, false, true], "in, out, in");
    assert!(s.view("bob").occupants().contains_key("focus"));
    s.finish();
}

#[test]
fn two_rooms_at_once_never_mix() {
    let mut s = Scenario::new().bridge("jvb1").start();
    for (name, nick, room) in [
        ("alice", "aaaa", "red@conference.meet.test"),
        ("carol", "same", "blue@conference.meet.test"),
        ("bob", "same", "red@conference.meet.test"),
        ("dave", "aaaa", "blue@conference.meet.test"),
    ] {
        s.joins_with(name, |settings| {
            settings.nick = nick.into();
            settings.room = room.into();
            settings.jid = format!("{name}@meet.test/web");
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 2);
    for (name, other) in [("alice", "same"), ("bob", "aaaa"), ("carol", "aaaa"), ("dave", "same")] {
        let known: Vec<&String> = s.view(name).remote().by_owner().keys().filter(|owner| *owner != "jvb").collect();
        assert_eq!(known, [other], "{name}");
    }
    for (name, other) in [("alice", "bob"), ("bob", "alice"), ("carol", "dave"), ("dave", "carol")] {
        let nick = s.view(other).nick();
        let told = s.view(name).remote().by_owner()[nick].clone().sorted();
        assert_eq!(told, s.view(other).own().clone().stripped().sorted(), "{name} hears {other}");
    }
    s.participant("alice").leave();
    s.participant("bob").leave();
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 1);
    assert!(s.connected(&["carol", "dave"]));
    assert_eq!(
        (leaves(&s, "red@conference.meet.test").count(), leaves(&s, "blue@conference.meet.test").count()),
        (1, 0)
    );
    s.everybody_leaves();
    assert!(s.complaints().is_empty(), "{:?}", s.complaints());
}
