//! Rooms: entering, configuring, leaving, the presence of the focus.

use jicofo::focus::problems::Kind;
use jicofo::focus::{Connection, Input};
use serde_json::json;
use testkit::Time;
use testkit::ns;
use testkit::participant::Place;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::{Element, Read};

use crate::support::*;

/// What the focus shows of the conference, in its last presence.
fn shown(s: &Scenario) -> Vec<(String, String)> {
    properties(&own_presences(s, ROOM).last().stanza)
}

fn meet(builder: testkit::scenario::Builder) -> Scenario {
    let mut s = builder.participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// The presence with which the room shows the focus to itself.
fn own(kind: &str, affiliation: &str, role: &str, codes: &[&str]) -> String {
    let codes: String = codes.iter().map(|code| format!("<status code='{code}'/>")).collect();
    format!(
        "<presence {kind} from='{ROOM}/focus' to='{FOCUS}'><x xmlns='{}'><item affiliation='{affiliation}' \
         role='{role}' jid='{FOCUS}'/>{codes}<status code='110'/></x></presence>",
        ns::MUC_USER
    )
}

/// Covers spec/20: 3.
#[test]
fn a_new_room_is_entered_configured_and_shown_to_in_this_order() {
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let before = s.said().count();
    answer_to(&mut s, "g", ROOM);
    let said: Vec<_> = s.said().iter().skip(before).collect();
    let outlines: Vec<String> = said.iter().map(|wire| outline(wire)).collect();
    assert_eq!(
        outlines,
        [
            "iq get disco#info",
            "presence - muc",
            "iq get muc#owner",
            "iq set muc#owner",
            "presence - etherpad",
            "iq result focus",
        ]
    );
    let to: Vec<&str> = said.iter().filter_map(|wire| wire.stanza.get("to")).collect();
    let place = format!("{ROOM}/focus");
    assert_eq!(to[..5], ["conference.meet.test", &place, ROOM, ROOM, &place]);
    let form = said[3].stanza.kid("query", ns::MUC_OWNER).unwrap().kid("x", ns::DATA_FORM).unwrap();
    let fields: Vec<&str> = form.kids("field", ns::DATA_FORM).filter_map(|field| field.get("var")).collect();
    assert_eq!((form.get("type"), fields), (Some("submit"), vec!["FORM_TYPE", "muc#roomconfig_whois"]));
    let full = &said[4].stanza;
    assert_eq!(full.kid("etherpad", "http://jitsi.org/jitmeet/etherpad").unwrap().text(), "room");
    let versions = full.kid("versions", ns::JITMEET).unwrap();
    assert_eq!(versions.kid("component", ns::JITMEET).unwrap().get("name"), Some("focus"));
    assert!(full.kid("x", ns::MUC).is_none());
    assert_eq!(properties(full), [pair("support-terminate-restart", "true")]);
    // The next room of the same domain needs no question to the domain.
    let before = s.said().count();
    answer_to(&mut s, "g", "other@conference.meet.test");
    assert_eq!(outline(s.said().iter().nth(before).unwrap()), "presence - muc");
    s.finish();
}

/// Covers spec/20: 5.
#[test]
fn a_room_that_keeps_sending_its_members_is_waited_for() {
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let from_room = |d: &testkit::room::Delivery| {
        d.to == "focus" && d.stanza.get("from").is_some_and(|from| from.starts_with(ROOM))
    };
    s.accident(1, Fate::IsLate(Time::from_secs(61)), move |d| from_room(d) && d.stanza.name() == "presence");
    ask(&mut s, "g", "one", ROOM);
    for member in 0..6 {
        s.run_for(Time::from_secs(8));
        to_focus(
            &mut s,
            &format!(
                "<presence from='{ROOM}/m{member}' to='{FOCUS}'><x xmlns='{}'><item affiliation='none' \
                 role='participant' jid='m{member}@meet.test/web'/></x></presence>",
                ns::MUC_USER
            ),
        );
    }
    assert!(answers(&s, "g", "one").is_empty());
    s.run_for(Time::from_secs(5));
    assert_eq!(of_conference(&only(&s, "g", "one"), "ready"), Some("true"));
    assert_eq!(s.focus().gauges().members, 6, "who was shown before is in");
}

/// Our own presence is lost, and the room talks on without end: it is given up after eight reply timeouts.
#[test]
fn a_room_that_talks_on_and_never_lets_us_in_is_given_up() {
    let mut s = Scenario::new().config(|config| config.conference.initial_timeout = Time::from_secs(150)).start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let own = |d: &testkit::room::Delivery| d.to == "focus" && d.stanza.get("from") == Some(&format!("{ROOM}/focus"));
    s.accident(1, Fate::IsLost, own);
    ask(&mut s, "g", "one", ROOM);
    for _ in 0..25 {
        s.run_for(Time::from_secs(5));
        let presence = format!("<presence from='{ROOM}/m' to='{FOCUS}'><x xmlns='{}'/></presence>", ns::MUC_USER);
        let ended = s.focus().gauges().conferences == 0;
        assert_eq!(ended, s.now() >= Time::from_secs(120), "{:?}", s.now());
        to_focus(&mut s, &presence);
    }
    assert_eq!(of_conference(&only(&s, "g", "one"), "ready"), Some("false"));
    assert_eq!(leaves(&s, ROOM).count(), 1);
    assert_eq!(s.focus().gauges().timers, s.focus().gauges().requests_pending + 2, "and nothing is left");
}

/// Covers spec/20: 5.
#[test]
fn a_room_that_says_nothing_for_the_reply_timeout_is_given_up() {
    let mut s = Scenario::new().config(|config| config.conference.initial_timeout = Time::from_secs(60)).start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    s.accident(2, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("from").is_some_and(|from| from.starts_with(ROOM)));
    ask(&mut s, "g", "one", ROOM);
    s.run_for(Time::from_secs(16));
    assert_eq!(of_conference(&only(&s, "g", "one"), "ready"), Some("false"));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    assert!(s.server().room(ROOM).is_none());
    ask(&mut s, "g", "two", ROOM);
    s.settle();
    assert_eq!(of_conference(&only(&s, "g", "two"), "ready"), Some("true"));
}

/// Covers spec/20: 6; spec/90: 60.
#[test]
fn a_meeting_id_is_made_up_if_the_room_has_none_and_never_used_twice() {
    let mut s = meet(Scenario::new().bridge("jvb1").server(|server| server.no_meeting_id = true));
    let made_up = s.view_bridge("jvb1").conferences().keys().next().unwrap().clone();
    assert_eq!(made_up.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    s.finish();
    s = Scenario::new().server(|server| server.meeting_id = Some("the-same".into())).start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    assert_eq!(of_conference(&answer_to(&mut s, "g", ROOM), "ready"), Some("true"));
    let other = "other@conference.meet.test";
    assert_eq!(error(&answer_to(&mut s, "g", other)).0, "internal-server-error");
    assert_eq!((s.focus().gauges().conferences, leaves(&s, other).count()), (1, 1));
    // The id is free again when the first conference has ended.
    s.run_for(Time::from_secs(20));
    assert_eq!(of_conference(&answer_to(&mut s, "g", other), "ready"), Some("true"));
    s.finish();
}

/// What another server says of its rooms is its own: no room of ours stays closed for it, and none of its own gets into a meeting of
/// ours on a bridge.
#[test]
fn a_room_of_another_server_does_not_take_the_meeting_id_of_one_of_ours() {
    for foreign_first in [true, false] {
        let mut s = Scenario::new().bridge("jvb1").server(|server| server.meeting_id = Some("the-same".into())).start();
        let foreign = "x@rooms.foreign.test";
        let join = |s: &mut Scenario, name: &str, room: &str| {
            s.joins_with(name, |settings| settings.room = room.to_owned());
            s.settle();
        };
        let mut rooms = [foreign, ROOM];
        if !foreign_first {
            rooms.reverse();
        }
        for (number, room) in rooms.into_iter().enumerate() {
            join(&mut s, &format!("a{number}"), room);
            join(&mut s, &format!("b{number}"), room);
        }
        s.run_until(|s| s.connected(&["a0", "b0", "a1", "b1"]));
        let meetings = s.view_bridge("jvb1").conferences();
        let at = |room: &str| {
            let id = meetings.iter().find(|(_, held)| held.name.as_deref() == Some(room));
            id.map(|(id, _)| id.clone()).expect("it is on the bridge")
        };
        assert_eq!(at(ROOM), "the-same");
        assert_ne!(at(foreign), "the-same");
        s.finish();
    }
}

/// Covers spec/20: 8.
#[test]
fn a_room_with_presets_waits_for_its_metadata_and_not_for_ever() {
    let mut s = Scenario::new().server(|server| server.presets = true).start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    // A new room's first message would come after our first full presence, for which we wait here.
    ask(&mut s, "g", "none", ROOM);
    s.run_for(Time::from_millis(9_900));
    assert!(answers(&s, "g", "none").is_empty());
    s.run_for(Time::from_millis(200));
    assert_eq!(of_conference(&only(&s, "g", "none"), "ready"), Some("true"));
    // It comes while we wait.
    let other = "other@conference.meet.test";
    ask(&mut s, "g", "late", other);
    s.run_for(Time::from_secs(1));
    assert!(answers(&s, "g", "late").is_empty());
    metadata(&mut s, other, &json!({}));
    assert_eq!(of_conference(&only(&s, "g", "late"), "ready"), Some("true"));
    // It comes before we are in.
    let third = "third@conference.meet.test";
    s.accident(1, Fate::IsLate(Time::from_secs(1)), |d| {
        d.to == "focus" && d.stanza.get("from") == Some("third@conference.meet.test/focus")
    });
    ask(&mut s, "g", "early", third);
    let now = s.now();
    s.server().send_metadata(now, "focus", third, &json!({}));
    s.run_for(Time::from_millis(1_100));
    assert_eq!(of_conference(&only(&s, "g", "early"), "ready"), Some("true"));
    s.finish();
}

/// Covers spec/20: 9, 45; spec/90: 22.
#[test]
fn metadata_counts_for_the_first_who_is_invited_whenever_it_comes() {
    let muted = Some(("true".to_owned(), "false".to_owned()));
    let policy = json!({ "startMuted": { "audio": true } });
    // A new room: between the first full presence and its reflection.
    let mut s = meet(Scenario::new().bridge("jvb1").server({
        let policy = policy.clone();
        |server| server.metadata = Some(policy)
    }));
    assert!(s.sent_to("focus").containing("startMuted").come_before(&s.sent_to("alice").jingle("session-initiate")));
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (muted.clone(), muted.clone()));
    let reflected = s.sent_to("focus").from("focus").containing("support-terminate-restart");
    assert!(s.sent_to("focus").containing("startMuted").come_before(&reflected));
    // A room that there was before this focus: before its own presence, hence before the form.
    let now = s.now();
    s.focus_is_replaced();
    s.joins("carol");
    s.run_until(|s| s.connected(&["carol"]));
    s.settle();
    let told = s.sent_to("focus").since(now).containing("startMuted");
    assert_eq!(told.count(), 1);
    let form = s.sent_to("focus").since(now).containing("muc#roominfo_meetingId");
    assert!(told.come_before(&form));
    assert_eq!(starts_muted(&s, "carol"), muted);
    assert_eq!(starts_muted(&s, "alice"), muted);
}

/// Somebody was told that the conference is there, on a server that is slow: he comes late, and must not find the room without us.
#[test]
fn on_a_slow_server_the_focus_stays_longer_for_those_who_were_told_that_it_is_there() {
    for (slow, stays) in [(false, false), (true, true)] {
        let mut s = Scenario::new().bridge("jvb1").start();
        if slow {
            let text = "the server took 3 s; joins are slow".to_owned();
            s.connection_tells(Input::Trouble { on: Connection::Client, kind: Kind::RateLimited, text });
        }
        let enters = |d: &Delivery| d.from == "alice" && d.to == "focus" && d.stanza.name() == "presence";
        s.accident(1, Fate::IsLate(Time::from_secs(40)), enters);
        s.joins("alice");
        s.run_for(Time::from_secs(45));
        assert_eq!(s.focus().gauges().conferences == 1, stays, "slow: {slow}");
        if stays {
            s.joins("bob");
            s.run_until(Scenario::all_connected);
            s.finish();
        }
    }
    // Nobody waits for ever.
    let mut s = Scenario::new().bridge("jvb1").start();
    let text = "the server took 3 s; joins are slow".to_owned();
    s.connection_tells(Input::Trouble { on: Connection::Client, kind: Kind::RateLimited, text });
    connect(&mut s, "guest", "guest@meet.test/web");
    answer_to(&mut s, "guest", ROOM);
    s.run_for(Time::from_secs(61));
    assert_eq!(s.focus().gauges().conferences, 0);
}

/// Covers spec/20: 12.
#[test]
fn that_there_is_no_bridge_is_shown_once_and_taken_back() {
    let mut s = Scenario::new().participant("alice").participant("bob").start();
    s.run_until(|s| ["alice", "bob"].iter().all(|name| s.view(name).place() == Place::InRoom));
    s.settle();
    s.joins("carol");
    // Bridges may come after the focus.
    s.run_for(Time::from_secs(31));
    let without = |s: &Scenario| own_presences(s, ROOM).containing("bridgeNotAvailable").count();
    assert_eq!(without(&s), 1, "one presence says so, however many find no bridge");
    let before = own_presences(&s, ROOM).count();
    s.add_bridge("jvb1", |_| {});
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(without(&s), 1);
    let after: Vec<Element> = own_presences(&s, ROOM).iter().skip(before).map(|wire| wire.stanza.clone()).collect();
    assert!(!after.is_empty() && after.iter().all(|it| it.kid("bridgeNotAvailable", ns::FOCUS).is_none()));
    assert_eq!(properties(after.last().unwrap()).last(), Some(&pair("bridge-count", "1")));
    s.finish();
}

#[test]
fn each_presence_of_the_focus_has_all_that_it_shows_and_is_sent_only_for_a_change() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.settle();
    let all = own_presences(&s, ROOM).filter(|wire| wire.stanza.kid("x", ns::MUC).is_none());
    assert_eq!(all.count(), 2, "when it came, and when the bridge came");
    for wire in all.iter() {
        assert_eq!(wire.stanza.kids("conference-properties", ns::FOCUS).count(), 1);
        assert_eq!(wire.stanza.kids("c", ns::CAPS).count(), 1);
    }
    assert_eq!(shown(&s), [pair("support-terminate-restart", "true"), pair("bridge-count", "1")]);
    s.finish();
}

/// Covers spec/10: 37; spec/20: 26; spec/90: 50.
#[test]
fn a_focus_that_is_put_out_or_loses_its_ownership_ends_the_conference() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    to_focus(&mut s, &own("", "member", "participant", &[]));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    // Kicked: out already, so nothing is sent.
    s.joins("carol");
    s.run_until(|s| s.view("carol").place() == Place::InRoom);
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 1);
    let now = s.now();
    s.server().put_out(now, ROOM, "focus", &["307"]);
    s.settle();
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    // The next request makes it anew, and those who stayed are members of it.
    s.joins("dave");
    s.run_until(|s| s.connected(&["dave"]));
    assert_eq!(joins(&s, ROOM).count(), 3);
    assert_eq!(s.focus().gauges().members, 4);
    // Destroyed: there is nothing left to be left.
    let now = s.now();
    s.server().destroy(now, ROOM, "over");
    s.settle();
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
}

/// Covers spec/90: 1.
#[test]
fn a_focus_that_is_no_owner_of_a_room_it_enters_gives_it_up_and_says_so() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.focus_is_replaced();
    let now = s.now();
    s.server().grant(now, ROOM, "focus@auth.meet.test", "none");
    s.server().connect("focus", FOCUS, false);
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    s.inject(
        "g",
        &format!("<iq type='set' id='one' to='{FOCUS}'><conference xmlns='{}' room='{ROOM}'/></iq>", ns::FOCUS),
    );
    s.settle();
    assert_eq!(error(&only(&s, "g", "one")).0, "internal-server-error");
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    assert!(!s.server().room(ROOM).unwrap().occupants.contains_key("focus"));
}

/// Covers spec/20: 27, 49; spec/90: 36.
#[test]
fn a_destroyed_room_ends_the_conference_without_a_word_to_it() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let now = s.now();
    let before = s.said().count();
    s.server().destroy(now, ROOM, "The meeting has been terminated");
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 0);
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    let said: Vec<String> = s.said().iter().skip(before).map(outline).collect();
    assert_eq!(said, ["iq get colibri2"], "the bridge is told, nobody else is");
    assert!(s.said().last().text().contains("expire"));
    // A room of the same name is another one.
    s.joins("carol");
    s.joins("dave");
    s.run_until(|s| s.connected(&["carol", "dave"]));
    s.settle();
    assert_eq!((joins(&s, ROOM).count(), leaves(&s, ROOM).count()), (2, 0));
    s.finish();
}

/// Covers spec/10: 34.
#[test]
fn whoever_comes_keeps_the_conference_until_the_last_has_left() {
    let mut s = Scenario::new().bridge("jvb1").start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    s.run_for(Time::from_secs(3));
    s.joins("alice");
    s.run_for(Time::from_secs(55));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (1, 0));
    s.participant("alice").leave();
    s.run_for(Time::from_millis(100));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    s.finish();
}

/// Covers spec/20: 42.
#[test]
fn messages_for_a_tenants_room_are_for_the_conference_of_that_name() {
    let room = "r@conference.t.meet.test";
    let mut s = Scenario::new().bridge("jvb1").start();
    let join = |s: &mut Scenario, name: &str| s.joins_with(name, |settings| settings.room = room.into());
    join(&mut s, "alice");
    s.settle();
    metadata(&mut s, "r@conference.meet.test", &json!({ "startMuted": { "audio": true, "video": true } }));
    metadata(&mut s, room, &json!({ "startMuted": { "video": true } }));
    join(&mut s, "bob");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "alice"), Some(("false".into(), "true".into())));
    // What the component of moderation says, too.
    let now = s.now();
    for (of, media) in [("r@conference.meet.test", "audio"), (room, "desktop")] {
        let on = json!({ "type": "av_moderation", "room": of, "mediaType": media, "enabled": true });
        s.server().send_moderation(now, "focus", &on);
    }
    s.settle();
    let told: Vec<String> = s.said().since(now).request("mute").iter().map(outline).collect();
    assert_eq!(told, ["iq set desktop", "iq set desktop"]);
    s.finish();
}

/// Covers spec/20: 41.
#[test]
fn metadata_that_is_odd_in_part_counts_for_the_rest() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    metadata(
        &mut s,
        ROOM,
        &json!({ "moderators": {}, "participantsSoftLimit": "many", "startMuted": { "audio": true, "desktop": [] } }),
    );
    // Of no room, of another type, of no component, and no JSON at all: for nobody.
    let all = r#"{"type":"room_metadata","metadata":{"startMuted":{"video":true}}}"#;
    let room = format!("room='{ROOM}'");
    for (from, room, json) in [
        ("metadata.meet.test", "", all),
        ("metadata.meet.test", &room, &all.replace("room_metadata", "other")),
        ("metadata.meet.test", &room, "{"),
        ("metadata.meet.test", &room, "[[[[]]]]"),
        ("evil.meet.test", &room, all),
        ("room@conference.meet.test/alice", &room, all),
    ] {
        let message = format!(
            "<message from='{from}' to='{FOCUS}'><json-message xmlns='{}' {room}>{json}</json-message></message>",
            ns::JITMEET
        );
        to_focus(&mut s, &message);
    }
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "bob"), Some(("true".into(), "false".into())));
    s.finish();
}

#[test]
fn the_document_of_a_room_may_have_a_random_name() {
    let mut s = Scenario::new().config(|config| config.conference.shared_document_random_name = true).start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    answer_to(&mut s, "g", "other@conference.meet.test");
    let name = |room: &str| {
        let last = own_presences(&s, room).last().stanza.clone();
        last.kid("etherpad", "http://jitsi.org/jitmeet/etherpad").unwrap().text()
    };
    let (one, other) = (name(ROOM), name("other@conference.meet.test"));
    assert_eq!(one.len(), 32);
    assert!(one.chars().all(|c| c.is_ascii_hexdigit()) && one != other);
}

/// Covers spec/20: 10; spec/90: 33.
#[test]
fn a_new_number_of_bridges_is_one_presence_with_everything_that_is_known() {
    let mut s = Scenario::new()
        .config(|config| {
            config.octo.enabled = true;
            config.bridge.selection_strategy = jicofo::config::SelectionStrategy::Split;
            config.conference.max_audio_senders = 2;
        })
        .relay_bridge("jvb1", "here")
        .participant("alice")
        .participant("bob")
        .start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.add_bridge("jvb2", |bridge| {
        bridge.stats.relay_id = Some("jvb2".into());
        bridge.stats.region = Some("here".into());
    });
    s.run_for(Time::from_secs(1));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.settle();
    let counts: Vec<String> = own_presences(&s, ROOM)
        .iter()
        .filter_map(|wire| {
            properties(&wire.stanza).into_iter().find(|(key, _)| key == "bridge-count").map(|(_, count)| count)
        })
        .collect();
    let mut news = counts.clone();
    news.dedup();
    assert_eq!(news, ["1", "2"]);
    let mut known: Vec<String> = Vec::new();
    for wire in own_presences(&s, ROOM).iter().skip(1) {
        let keys: Vec<String> = properties(&wire.stanza).into_iter().map(|(key, _)| key).collect();
        assert!(known.iter().all(|key| keys.contains(key)), "{known:?} {keys:?}");
        assert_eq!(wire.stanza.kids("conference-properties", ns::FOCUS).count(), 1);
        assert!(wire.stanza.kid("x", ns::MUC).is_none());
        known = keys;
    }
    // One presence for each change, and none for an endpoint more on the same bridge.
    let told = own_presences(&s, ROOM).filter(|wire| wire.stanza.kid("x", ns::MUC).is_none());
    let mut distinct: Vec<_> = told.iter().map(|wire| properties(&wire.stanza)).collect();
    distinct.dedup();
    assert_eq!(told.count(), distinct.len());
    s.finish();
}

/// Whoever was answered has a moment to come, whatever is configured: the conference is there when he does, also where the room
/// takes long to let the focus in.
#[test]
fn a_conference_comes_about_though_nobody_is_to_be_waited_for() {
    for (timeout, late) in
        [(Time::ZERO, Time::ZERO), (Time::from_nanos(1), Time::ZERO), (Time::ZERO, Time::from_secs(3))]
    {
        let mut s = Scenario::new()
            .bridge("jvb1")
            .config(move |config| {
                config.conference.initial_timeout = timeout;
                config.health.enabled = true;
            })
            .start();
        if !late.is_zero() {
            s.accident(1, Fate::IsLate(late), |d| {
                d.to == "focus" && d.stanza.get("from").is_some_and(|it| it.starts_with(ROOM))
            });
        }
        s.joins("alice");
        s.joins("bob");
        s.run_until(Scenario::all_connected);
        s.run_for(Time::from_secs(25));
        assert!(s.all_connected() && s.focus().health().is_well(), "{timeout:?} {:?}", s.focus().health());
        s.finish();
        // Who does not come ends it all the same.
        let mut s = Scenario::new().config(move |config| config.conference.initial_timeout = timeout).start();
        connect(&mut s, "g", "g1@guest.meet.test/r1");
        assert_eq!(of_conference(&answer_to(&mut s, "g", ROOM), "ready"), Some("true"));
        s.run_for(Time::from_secs(2));
        assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    }
}

/// The component of the rooms was started anew, and told nobody: what the focus says there is refused. Its conference is over, and
/// whoever asks has another.
#[test]
fn a_room_that_the_server_has_forgotten_is_left_when_that_is_heard() {
    for (condition, ends) in [("item-not-found", true), ("not-acceptable", true), ("resource-constraint", false)] {
        let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
        s.run_until(Scenario::all_connected);
        s.settle();
        let error = format!("<error type='cancel'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
        to_focus(&mut s, &format!("<presence type='error' from='{ROOM}/alice' to='{FOCUS}'>{error}</presence>"));
        assert_eq!(s.focus().gauges().conferences, 1, "of somebody else's presence");
        if ends {
            s.server().forgets_room(ROOM);
        }
        to_focus(&mut s, &format!("<presence type='error' from='{ROOM}/focus' to='{FOCUS}'>{error}</presence>"));
        assert_eq!(s.focus().gauges().conferences, usize::from(!ends), "{condition}");
        assert_eq!(s.view_bridge("jvb1").conferences().len(), usize::from(!ends), "{condition}");
        if ends {
            s.joins("carol");
            s.joins("dave");
            s.run_until(|s| s.connected(&["carol", "dave"]));
            assert_eq!(s.focus().gauges().conferences, 1);
        }
    }
}
