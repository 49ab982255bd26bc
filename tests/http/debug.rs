//! Dumps of the state.

use serde_json::{Map, Value, json};
use testkit::http::Api;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;

const CONFERENCE: &str = "/debug/conference/room@conference.meet.test";

fn dump(s: &mut Scenario, api: &mut Api, path: &str) -> Value {
    let answer = api.get(s, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

/// With the recorded names of people and bridges in place of ours, so that their entries can be compared.
fn with_recorded_names(recorded: &Value, ours: &mut Value) {
    let renamed = |recorded: &Value, ours: &mut Value| {
        let (Some(recorded), Some(entries)) = (recorded.as_object(), ours.as_object_mut()) else { panic!("{ours}") };
        let values = std::mem::take(entries).into_iter().map(|(_, value)| value);
        *entries = recorded.keys().cloned().zip(values).collect::<Map<_, _>>();
    };
    for path in [
        "/chat_room/members",
        "/participants",
        "/colibri_session_manager/participants",
        "/colibri_session_manager/sessions",
        "/conference_sources",
    ] {
        let recorded = recorded.pointer(path).unwrap_or_else(|| panic!("{path}"));
        renamed(recorded, ours.pointer_mut(path).unwrap_or_else(|| panic!("{path} is missing")));
    }
    for (id, participant) in recorded["participants"].as_object().expect("participants") {
        for name in ["sources", "signaled_sources"] {
            let ours = &mut ours["participants"][id]["source_signaling"][name];
            assert!(ours["jvb"].is_object(), "the bridge's own: {ours}");
            let bridges = ours["jvb"].take();
            ours.as_object_mut().expect("an object").remove("jvb");
            let mut recorded = participant["source_signaling"][name].clone();
            recorded.as_object_mut().expect("an object").remove("jvb");
            renamed(&recorded, ours);
            ours["jvb"] = bridges;
        }
    }
}

/// Covers spec/80: 46.
#[test]
fn a_conference_of_three_has_every_key_of_the_original() {
    let (mut s, mut api) = three(Scenario::new());
    let recorded = body(include_str!("../data/http/debug_conference.txt"));
    let mut one = dump(&mut s, &mut api, CONFERENCE);
    let all = dump(&mut s, &mut api, "/debug/conferences-full");
    assert_eq!(all.as_object().map(Map::len), Some(1));
    assert_eq!(all[ROOM], one);
    for (path, value) in [
        ("/name", json!(ROOM)),
        ("/participant_count", json!(3)),
        ("/config/startAudioMuted", Value::Null),
        ("/chat_room/visitors_enabled", json!("null")),
        ("/chat_room/participants_soft_limit", json!(-1)),
        ("/chat_room_role_manager/class", json!("AutoOwnerRoleManager")),
        ("/colibri_session_manager/sessions/jvb1/bridge/endpoints", json!(3)),
        ("/colibri_session_manager/sessions/jvb1/created", json!(true)),
        ("/conference_properties/bridge-count", json!("1")),
    ] {
        assert_eq!(one.pointer(path), Some(&value), "{path}");
    }
    let nick = s.view("alice").nick().to_owned();
    let alice = &one["participants"][&nick];
    assert_eq!(
        (&alice["jingle_session"]["state"], &alice["invite_runnable"]),
        (&json!("ACTIVE"), &json!("Not running"))
    );
    let told = &alice["source_signaling"];
    assert_eq!(told["signaled_sources"], told["sources"], "she was told everything");
    assert!(told["sources"].get(&nick).is_none(), "never her own");
    assert_eq!(one["chat_room"]["members"][&nick]["region"], "null");
    assert!(one["conference_sources"][&nick]["sources"][0]["ssrc"].is_u64());

    with_recorded_names(&recorded, &mut one);
    let mut compared = 0;
    same_shape(&recorded, &one, "", &|_| false, &mut compared);
    assert!(compared > 300, "{compared}");
}

#[test]
fn the_focus_itself_has_every_key_of_the_original() {
    let (mut s, mut api) = three(Scenario::new());
    let recorded = body(include_str!("../data/http/debug.txt"));
    let ours = dump(&mut s, &mut api, "/debug");
    let mut compared = 0;
    let named = |place: &str| place.starts_with("/focus_manager/") || place.starts_with("/bridge_selector/bridge/");
    same_shape(&recorded, &ours, "", &named, &mut compared);
    let of_bridge =
        |dump: &Value| dump["bridge_selector"]["bridge"].as_object().and_then(|it| it.values().next().cloned());
    same_shape(&of_bridge(&recorded).expect("one"), &of_bridge(&ours).expect("one"), "", &|_| false, &mut compared);
    assert!(compared > 25, "{compared}");
    assert_eq!(ours["focus_manager"], json!({ROOM: 3}));
    assert_eq!(ours["conference_iq_handler"]["focus_auth_jid"], "focus@auth.meet.test");
    assert_eq!(ours["xmpp"]["client"]["connected"], true);
    let full = dump(&mut s, &mut api, "/debug?full=true");
    assert_eq!(full["focus_manager"][ROOM]["participant_count"], 3);
    assert_eq!(full["bridge_selector"], ours["bridge_selector"]);

    let caps = dump(&mut s, &mut api, "/debug/xmpp-caps");
    let known = caps.as_object().and_then(|known| known.values().next()).expect("a kind of client");
    assert!(known["count"].as_u64() >= Some(1) && known["features"][0].is_string(), "{caps}");
    assert!(!full.to_string().contains("scenario-p4ssw0rd"), "no secret is told");
}

/// Covers spec/80: 28.
#[test]
fn an_unknown_conference_is_empty_and_what_is_no_room_is_refused() {
    let (mut s, mut api) = started(Scenario::new());
    assert_eq!(dump(&mut s, &mut api, "/debug/conference/none@conference.x"), json!({}));
    let answer = api.get(&mut s, "/debug/conference/x%20y");
    assert_eq!(answer.text(), (400, "Bad request: Invalid conference ID"));
    assert_eq!(dump(&mut s, &mut api, "/debug/conferences"), json!([]));
    assert_eq!(dump(&mut s, &mut api, "/debug/conferences-full"), json!({}));
    assert_eq!(dump(&mut s, &mut api, "/debug?full=true")["focus_manager"], json!({}));
    let (mut s, mut api) = started(Scenario::new().config(|config| config.rest.debug = false));
    for path in ["/debug", "/debug/conferences", "/debug/conferences-full", CONFERENCE, "/debug/xmpp-caps"] {
        assert_eq!(api.get(&mut s, path).status, 404, "{path}");
    }
}

/// Covers spec/80: 21.
#[test]
fn a_request_without_a_connection_leaves_no_conference_behind() {
    let (mut s, mut api) = started(Scenario::new());
    s.focus_is_disconnected();
    let request = json!({"room": ROOM}).to_string();
    assert_eq!(api.post(&mut s, "/conference-request/v1", &request).status, 503);
    assert_eq!(dump(&mut s, &mut api, "/debug/conferences"), json!([]));
}

/// As long as it is there: it is left as soon as the focus has seen that it can be entered.
///
/// Covers spec/80: 7.
#[test]
fn a_room_made_to_check_our_health_is_listed_and_counts_as_none() {
    let (mut s, mut api) = started(Scenario::new().bridge("jvb1").config(|config| config.health.enabled = true));
    s.accident(1, Fate::IsLate(testkit::Time::from_secs(5)), |d| {
        d.to == "focus" && d.stanza.get("from").is_some_and(|from| from.starts_with("__jicofo-health-check-"))
    });
    s.run_for(testkit::Time::from_secs(11));
    let listed = dump(&mut s, &mut api, "/debug/conferences");
    let name = listed[0].as_str().expect("a room").to_owned();
    assert!(name.starts_with("__jicofo-health-check-") && name.ends_with("@conference.meet.test"), "{name}");
    let full = dump(&mut s, &mut api, "/debug/conferences-full");
    assert_eq!((&full[&name]["include_in_statistics"], &full[&name]["chat_room"]), (&json!(false), &Value::Null));
    assert_eq!((full[&name].get("meeting_id"), full[&name].get("colibri_session_manager")), (None, None));
    assert_eq!(dump(&mut s, &mut api, "/stats")["conferences"], 0);
    assert_eq!(dump(&mut s, &mut api, "/rtcstats"), json!({}));
}

/// Covers spec/80: 47.
#[test]
fn a_conference_that_wants_no_statistics_of_calls_is_in_none() {
    let (mut s, mut api) = started(Scenario::new().bridge("jvb1"));
    let request = json!({"room": ROOM}).to_string();
    assert_eq!(api.post(&mut s, "/conference-request/v1", &request).status, 200);
    ["alice", "bob", "carol"].iter().for_each(|name| s.joins(name));
    s.run_until(Scenario::all_connected);
    let meeting = dump(&mut s, &mut api, CONFERENCE)["meeting_id"].as_str().expect("a meeting").to_owned();
    let told = dump(&mut s, &mut api, "/rtcstats");
    assert_eq!(told.as_object().map(|told| told.keys().collect::<Vec<_>>()), Some(vec![&meeting]));
    assert_eq!(told[&meeting]["name"], ROOM);
    let participants = told[&meeting]["participants"].as_object().expect("participants");
    assert_eq!(participants.len(), 3);
    assert!(
        participants.values().all(|it| it.get("source_signaling").is_none() && it["stats_id"].is_string()),
        "{told}"
    );

    let (mut s, mut api) = started(Scenario::new());
    let request = json!({"room": ROOM, "properties": {"rtcstatsEnabled": false}});
    assert_eq!(api.post(&mut s, "/conference-request/v1", &request.to_string()).status, 200);
    assert_eq!(dump(&mut s, &mut api, "/rtcstats"), json!({}));
    // The other half of the case: every key of the recorded statistics, with its type.
    let recorded = body(include_str!("../data/http/stats.txt"));
    let (mut s, mut api) = three(Scenario::new());
    let skipped = |place: &str| place.starts_with("/jingle/sent/") || place.starts_with("/jingle/received/");
    same_shape(&recorded, &dump(&mut s, &mut api, "/stats"), "", &skipped, &mut 0);
}

/// A client that begins to read a dump of many conferences and stops holds up nobody, and is given up.
#[test]
fn who_does_not_read_a_dump_holds_up_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut s, mut api) = started(Scenario::new());
    for room in 0..200 {
        let request = json!({"room": format!("room{room}@conference.meet.test")});
        assert_eq!(api.post(&mut s, "/conference-request/v1", &request.to_string()).status, 200);
    }
    let address = api.address;
    let answers = api.during(&mut s, async move {
        let mut readers = Vec::new();
        for _ in 0..100 {
            let mut reader = tokio::net::TcpStream::connect(address).await.expect("the API listens");
            let request = b"GET /debug/conferences-full HTTP/1.1\r\nHost: x\r\n\r\n";
            reader.write_all(request).await.expect("it is read");
            reader.read_exact(&mut [0; 20]).await.expect("it begins");
            readers.push(reader);
        }
        let mut answers = Vec::new();
        for path in ["/about/version", "/metrics", "/debug/conferences-full"] {
            answers.push(testkit::http::send(address, &testkit::http::Request::get(path)).await);
        }
        answers
    });
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(answers[2].json().as_object().map(Map::len), Some(200));
    s.finish();
}
