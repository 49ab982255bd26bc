//! What operators have done: endpoints moved, rooms pinned.

use serde_json::{Value, json};
use testkit::http::{Api, Request};
use testkit::scenario::Scenario;

use crate::support::*;

const MOVE: &str = "/move-endpoints/";

/// A focus with rooms of these sizes on `jvb1`; then `jvb2` comes.
fn rooms(sizes: &[(&str, usize)]) -> (Scenario, Api) {
    let builder = Scenario::new().config(|config| config.conference.min_participants = 1).bridge("jvb1");
    let (mut s, api) = started(builder);
    for (room, size) in sizes {
        for number in 0..*size {
            s.joins_with(&format!("{room}{number}"), |p| p.room = format!("{room}@conference.meet.test"));
        }
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s.add_bridge("jvb2", |bridge| bridge.stats.stress = 0.01);
    s.settle();
    (s, api)
}

fn moved(endpoints: u32, conferences: u32) -> Value {
    json!({"movedEndpoints": endpoints, "conferences": conferences})
}

/// Covers spec/50: 45.
#[test]
fn the_largest_conferences_give_first() {
    let sizes = [("one", 1), ("ten", 10), ("five", 5)];
    let (mut s, mut api) = rooms(&sizes);
    let answer = api.get(&mut s, &format!("{MOVE}move-endpoints?bridge=jvb1&numEndpoints=12"));
    assert_eq!((answer.status, answer.json()), (200, moved(12, 2)));
    let (mut s, mut api) = rooms(&sizes);
    assert_eq!(api.get(&mut s, &format!("{MOVE}move-fraction?bridge=jvb1&fraction=0.5")).json(), moved(8, 1));
    let (mut s, mut api) = rooms(&sizes);
    assert_eq!(api.get(&mut s, &format!("{MOVE}move-endpoints?bridge=jvb1&numEndpoints=100")).json(), moved(16, 3));
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!(s.view_bridge("jvb2").endpoint_count(), 16);
    let answer = api.get(&mut s, &format!("{MOVE}move-endpoints?numEndpoints=100"));
    assert_eq!(answer.text(), (400, "Bad request: Missing parameter: bridge"));
    let answer = api.get(&mut s, &format!("{MOVE}move-endpoints?bridge=jvb3"));
    assert_eq!(answer.text(), (404, "Not found: Bridge not found"));
    s.finish();
}

/// Covers spec/80: 24, 25.
#[test]
fn of_two_conferences_the_larger_gives_and_halves_are_rounded_up() {
    let sizes = [("two", 2), ("five", 5)];
    let (mut s, mut api) = rooms(&sizes);
    let path = format!("{MOVE}move-endpoints?bridge=jvbbrewery%40internal.auth.meet.test%2Fjvb1&numEndpoints=3");
    assert_eq!(api.get(&mut s, &path).json(), moved(3, 1));
    let (mut s, mut api) = rooms(&sizes);
    assert_eq!(api.get(&mut s, &format!("{MOVE}move-fraction?bridge=jvb1&fraction=0.5")).json(), moved(4, 1));
    for wrong in [
        "move-endpoints?bridge=jvb1&numEndpoints=abc",
        "move-endpoints?bridge=jvb1&numEndpoints=0",
        "move-endpoints?bridge=jvb1&numEndpoints=-1",
        "move-fraction?bridge=jvb1&fraction=1.5",
        "move-fraction?bridge=jvb1&fraction=NaN",
        "move-fraction?bridge=jvb1&fraction=-0.1",
        "move-fraction?bridge=+&fraction=0.1",
        "move-endpoints?bridge=jvb1&conference=a%20b%40",
    ] {
        let answer = api.get(&mut s, &format!("{MOVE}{wrong}"));
        let (status, text) = answer.text();
        assert!(status == 400 && text.starts_with("Bad request: "), "{wrong}: {status} {text}");
    }
}

/// Covers spec/80: 23.
#[test]
fn one_endpoint_is_moved_if_it_is_there() {
    let (mut s, mut api) = rooms(&[("two", 2)]);
    let endpoint = s.view("two0").nick().to_owned();
    let path = |query: &str| format!("{MOVE}move-endpoint?{query}");
    let answer = api.get(&mut s, &path("endpoint=ab"));
    assert_eq!(answer.text(), (400, "Bad request: Missing parameter: conference"));
    let room = "conference=two@conference.meet.test";
    let answer = api.get(&mut s, &path(room));
    assert_eq!(answer.text(), (400, "Bad request: Missing parameter: endpoint"));
    let answer = api.get(&mut s, &path(&format!("{room}&endpoint={endpoint}&bridge=jvb3")));
    assert_eq!(answer.text(), (404, "Not found: Bridge not found"));
    let answer = api.get(&mut s, &path(&format!("conference=none@conference.meet.test&endpoint={endpoint}")));
    assert_eq!(answer.text(), (404, "Not found: Conference not found"));
    assert_eq!(api.get(&mut s, &path(&format!("{room}&endpoint={endpoint}&bridge=jvb2"))).json(), moved(0, 0));
    assert_eq!(api.get(&mut s, &path(&format!("{room}&endpoint={endpoint}&bridge=jvb1"))).json(), moved(1, 1));
}

fn pins(s: &mut Scenario, api: &mut Api) -> Value {
    let answer = api.get(s, "/pin");
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Covers spec/80: 26.
#[test]
fn a_pin_is_listed_until_it_ends() {
    let (mut s, mut api) = started(Scenario::new());
    let minutes =
        |minutes: u32| json!({"conferenceId": ROOM, "jvbVersion": "2.3-92", "durationMinutes": minutes}).to_string();
    for minutes in [minutes(5), minutes(1)] {
        let answer = api.post(&mut s, "/pin", &minutes);
        assert_eq!((answer.status, &*answer.body), (200, ""));
    }
    let listed = pins(&mut s, &mut api);
    let expires = listed[0]["expiresAt"].as_str().expect("a time").to_owned();
    assert_eq!(listed, json!([{"conferenceId": ROOM, "jvbVersion": "2.3-92", "expiresAt": expires}]));
    assert!(expires.len() == 20 && expires.ends_with('Z') && &expires[10..11] == "T", "{expires}");
    s.run_for(testkit::Time::from_secs(61));
    assert_eq!(pins(&mut s, &mut api), json!([]));
    // There is nothing to remove.
    let remove = json!({"conferenceId": ROOM}).to_string();
    assert_eq!(api.post(&mut s, "/pin/remove", &remove).status, 200);
    api.post(&mut s, "/pin", &minutes(5));
    assert_eq!(pins(&mut s, &mut api).as_array().map(Vec::len), Some(1));
    assert_eq!(api.post(&mut s, "/pin/remove", &remove).status, 200);
    assert_eq!(pins(&mut s, &mut api), json!([]));
}

/// Covers spec/80: 27.
#[test]
fn a_pin_counts_for_the_next_conference_of_the_room() {
    let version = |version: &'static str, stress: f64| {
        move |bridge: &mut testkit::bridge::Settings| {
            (bridge.stats.version, bridge.stats.stress) = (version.into(), stress);
        }
    };
    let (mut s, mut api) =
        started(Scenario::new().bridge_with("w", version("W", 0.1)).bridge_with("v", version("V", 0.6)));
    let meet = |s: &mut Scenario, names: &[&str]| {
        names.iter().for_each(|name| s.joins(name));
        s.run_until(Scenario::all_connected);
    };
    meet(&mut s, &["alice", "bob"]);
    assert_eq!(s.home_of("alice"), Some("w"));
    let pin = json!({"conferenceId": ROOM, "jvbVersion": "V", "durationMinutes": 30});
    assert_eq!(api.post(&mut s, "/pin", &pin.to_string()).status, 200);
    meet(&mut s, &["carol"]);
    assert_eq!(s.home_of("carol"), Some("w"));
    for name in ["alice", "bob", "carol"] {
        s.participant(name).leave();
    }
    s.settle();
    meet(&mut s, &["dave", "erin"]);
    assert_eq!((s.home_of("dave"), s.home_of("erin")), (Some("v"), Some("v")));
}

/// Covers spec/80: 45.
#[test]
fn what_is_no_pin_is_refused_and_pins_nothing() {
    let (mut s, mut api) = started(Scenario::new());
    let wrong = [
        ("/pin", json!({"conferenceId": ROOM, "jvbVersion": "2.3", "minutes": 5}).to_string()),
        ("/pin", json!({"conferenceId": ROOM, "jvbVersion": "2.3", "durationMinutes": 5, "minutes": 5}).to_string()),
        ("/pin", json!({"conferenceId": ROOM, "jvbVersion": "2.3", "durationMinutes": 0}).to_string()),
        ("/pin", json!({"conferenceId": ROOM, "jvbVersion": "2.3", "durationMinutes": -5}).to_string()),
        ("/pin", json!({"conferenceId": ROOM, "jvbVersion": " ", "durationMinutes": 5}).to_string()),
        ("/pin", json!({"conferenceId": "a b@", "jvbVersion": "2.3", "durationMinutes": 5}).to_string()),
        ("/pin", json!({"conferenceId": ROOM, "jvbVersion": "2.3"}).to_string()),
        ("/pin", r#"{"conferenceId":"room@conf"#.to_owned()),
        ("/pin/remove", "{}".to_owned()),
        ("/pin/remove", "nonsense".to_owned()),
    ];
    for (path, body) in wrong {
        let answer = api.post(&mut s, path, &body);
        let (status, text) = answer.text();
        assert!(status == 400 && text.starts_with("Bad request: "), "{body}: {status} {text}");
    }
    // Pages of other sites can send this much without being asked.
    let body = json!({"conferenceId": ROOM, "jvbVersion": "2.3", "durationMinutes": 5}).to_string();
    assert_eq!(
        api.send(&mut s, Request::new("POST", "/pin").header("Content-Type", "text/plain").body(&body)).status,
        400
    );
    assert_eq!(pins(&mut s, &mut api), json!([]));
}
