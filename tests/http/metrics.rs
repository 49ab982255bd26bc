//! The metrics page.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::http::{Answer, Api, Request};
use testkit::openmetrics::Page;
use testkit::scenario::Scenario;

use crate::support::*;

const PREFIX: &str = "jitsi_jicofo_";

fn metrics(s: &mut Scenario, api: &mut Api) -> Page {
    let answer = api.get(s, "/metrics");
    assert_eq!(answer.status, 200, "{}", answer.body);
    Page::open_metrics(&answer.body)
}

fn accepting(s: &mut Scenario, api: &mut Api, accept: &str) -> Answer {
    api.send(s, Request::get("/metrics").header("Accept", accept))
}

/// Covers spec/80: 9.
#[test]
fn the_page_is_written_as_the_client_likes_it() {
    let (mut s, mut api) = three(Scenario::new());
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let plain = "text/plain; version=0.0.4; charset=utf-8";
    let of_prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let answer = api.get(&mut s, "/metrics");
    assert_eq!((answer.status, answer.content_type()), (200, open));
    let page = Page::open_metrics(&answer.body);
    assert_eq!(accepting(&mut s, &mut api, of_prometheus).content_type(), open);

    let answer = accepting(&mut s, &mut api, "text/plain;version=0.0.4");
    assert_eq!((answer.status, answer.content_type()), (200, plain));
    let old = Page::prometheus(&answer.body);
    assert_eq!(old.families["jitsi_jicofo_participants_total"].kind, "counter");
    assert_eq!(old.families["jitsi_jicofo_participants_created"].kind, "gauge");
    assert_eq!(old.families["jitsi_jicofo_version_info"].kind, "gauge");
    // The same series, but for what has changed with the time, or with the other tests in this process.
    let series = |page: &Page| {
        let all = page.families.values().flat_map(|family| family.samples.clone());
        let all = all.filter(|(name, _)| !name.starts_with("process_") && name != "jitsi_jicofo_threads");
        all.collect::<BTreeMap<String, f64>>()
    };
    assert_eq!(series(&page), series(&old));

    let answer = accepting(&mut s, &mut api, "application/json");
    let flat = answer.json();
    assert_eq!((&flat["participants_total"], &flat["conferences"]), (&json!(3), &json!(1)));
    let answer = accepting(&mut s, &mut api, "image/png");
    assert_eq!(answer.text().0, 406);
    let (mut s, mut api) = started(Scenario::new().config(|config| config.rest.prometheus = false));
    assert_eq!(api.get(&mut s, "/metrics").status, 404);
}

/// Name by name and key by key, also before anything has happened.
///
/// Covers spec/80: 43.
#[test]
fn every_name_and_type_of_the_original_is_there_from_the_start() {
    for builder in [started, three] {
        let (mut s, mut api) = builder(Scenario::new());
        let answer = api.get(&mut s, "/metrics");
        let page = Page::open_metrics(&answer.body);
        assert!(
            page.has("jitsi_jicofo_conferences_created_total") && page.has("jitsi_jicofo_conferences_created_created")
        );
        let recorded = include_str!("../data/http/metrics_openmetrics.txt");
        let mut compared = 0;
        for line in recorded.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').expect("name and type");
            assert_eq!(page.families.get(name).map(|family| family.kind.as_str()), Some(kind), "{name}");
            compared += 1;
        }
        for line in recorded.lines().filter(|line| line.starts_with(PREFIX) && !line.contains('{')) {
            let series = line.split(' ').next().expect("a name");
            assert!(page.has(series), "{series}");
            compared += 1;
        }
        assert!(compared > 120, "{compared}");
        let flat = accepting(&mut s, &mut api, "application/json").json();
        let recorded = include_str!("../data/http/metrics_json.txt").lines().last().expect("a body");
        let recorded: Value = serde_json::from_str(recorded).expect("JSON");
        for (name, value) in recorded.as_object().expect("an object") {
            let ours = &flat[name];
            let whole = |value: &Value| value.is_u64();
            assert_eq!((ours.is_number(), ours.is_string()), (value.is_number(), value.is_string()), "{name}: {ours}");
            assert!(!whole(value) || whole(ours), "{name}: {ours}");
        }
        for name in flat.as_object().expect("an object").keys() {
            assert!(
                !name.ends_with("_created") && !name.starts_with("bridge_endpoints") && !name.starts_with(PREFIX),
                "{name}"
            );
        }
    }
}

/// Series have names of bridges and of nothing else that comes and goes: their number does not grow.
///
/// Covers spec/90: 108.
#[test]
fn rooms_people_and_sessions_leave_no_series_behind() {
    let (mut s, mut api) = three(Scenario::new());
    let mut after = |s: &mut Scenario, names: &[String]| {
        for name in names {
            s.participant(name).leave();
        }
        s.settle();
        let answer = api.get(s, "/metrics");
        let series = answer.body.lines().filter_map(|line| line.rsplit_once(' ').map(|(name, _)| name.to_owned()));
        (series.collect::<std::collections::BTreeSet<_>>(), answer.body)
    };
    let (before, _) = after(&mut s, &["alice", "bob", "carol"].map(String::from));
    let people: Vec<(String, String)> =
        (0..40).map(|number| (format!("guest{number}"), format!("room{}", number / 2))).collect();
    for (name, room) in &people {
        let room = format!("{room}@conference.meet.test");
        s.joins_with(name, |settings| settings.room = room);
    }
    s.run_until(Scenario::all_connected);
    let sids: Vec<String> = people.iter().filter_map(|(name, _)| Some(s.view(name).session()?.sid.clone())).collect();
    assert_eq!(sids.len(), 40);
    let names: Vec<String> = people.iter().map(|(name, _)| name.clone()).collect();
    let (series, body) = after(&mut s, &names);
    assert_eq!(series, before);
    let rooms = people.iter().map(|(_, room)| room);
    assert!(names.iter().chain(rooms).chain(&sids).all(|name| !body.contains(name.as_str())), "{body}");
}

/// Covers spec/80: 13, 14.
#[test]
fn a_bridge_has_its_series_as_long_as_it_is_there() {
    let (mut s, mut api) = started(Scenario::new().bridge("jvb1").participant("alice").participant("bob"));
    s.run_until(Scenario::all_connected);
    s.settle();
    let page = metrics(&mut s, &mut api);
    assert_eq!(page.value("jitsi_jicofo_bridge_endpoints{jvb=\"jvb1\"}"), 2.0);
    assert_eq!(page.value("jitsi_jicofo_bridge_failing_ice{jvb=\"jvb1\"}"), 0.0);
    assert_eq!(page.value("jitsi_jicofo_bridge_endpoints_moved_total{jvb=\"jvb1\"}"), 0.0);
    assert_eq!(page.value("jitsi_jicofo_bridge_selector_bridge_count"), 1.0);
    // One that says that it will go is not lost.
    s.add_bridge("jvb2", |bridge| bridge.stats.graceful_shutdown = true);
    s.settle();
    let page = metrics(&mut s, &mut api);
    assert_eq!(page.value("jitsi_jicofo_bridge_selector_bridge_count_in_shutdown"), 1.0);
    assert_eq!(page.value("jitsi_jicofo_bridge_selector_bridge_count_operational"), 2.0);
    s.dies("jvb2");
    s.settle();
    assert_eq!(metrics(&mut s, &mut api).value("jitsi_jicofo_bridge_selector_lost_bridges_total"), 0.0);
    s.dies("jvb1");
    s.settle();
    let answer = api.get(&mut s, "/metrics");
    let page = Page::open_metrics(&answer.body);
    assert_eq!(page.value("jitsi_jicofo_bridge_selector_lost_bridges_total"), 1.0);
    assert!(!answer.body.contains("jvb1") && !answer.body.contains("jvb2"), "{}", answer.body);
    assert_eq!(page.families["jitsi_jicofo_bridge_endpoints"].kind, "gauge");
}

/// Covers spec/90: 107.
#[test]
fn what_was_counted_stays_and_what_is_there_goes() {
    let (mut s, mut api) = three(Scenario::new());
    let page = metrics(&mut s, &mut api);
    let ours = |page: &Page, name: &str| page.value(&format!("{PREFIX}{name}"));
    for (name, value) in [
        ("conferences", 1.0),
        ("participants_current", 3.0),
        ("participants_pairs", 9.0),
        ("largest_conference", 3.0),
        ("participants_total", 3.0),
        ("conference_requests_total", 3.0),
        ("conference_requests_new_total", 1.0),
        ("jingle_session_initiate_sent_total", 3.0),
        ("jingle_session_accept_received_total", 3.0),
        ("xmpp_connected{connection=\"client\"}", 1.0),
        ("conferences_seconds", 0.0),
    ] {
        assert_eq!(ours(&page, name), value, "{name}");
    }
    assert!(!page.has("jitsi_jicofo_healthy"), "nobody looks after it");
    assert!(page.value("process_resident_memory_bytes") > 1e6 && ours(&page, "threads") >= 1.0);
    s.run_for(testkit::Time::from_secs(100));
    for name in ["alice", "bob", "carol"] {
        s.participant(name).leave();
    }
    s.settle();
    let page = metrics(&mut s, &mut api);
    for name in ["conferences", "participants_current", "participants_pairs", "largest_conference"] {
        assert_eq!(ours(&page, name), 0.0, "{name}");
    }
    assert_eq!((ours(&page, "participants_total"), ours(&page, "conferences_created_total")), (3.0, 1.0));
    let (conferences, endpoints) = (ours(&page, "conferences_seconds"), ours(&page, "endpoint_seconds"));
    assert!((100.0..110.0).contains(&conferences) && (300.0..330.0).contains(&endpoints), "{conferences} {endpoints}");
    s.focus_is_disconnected();
    let page = metrics(&mut s, &mut api);
    assert_eq!(
        (ours(&page, "xmpp_disconnects_total"), ours(&page, "xmpp_connected{connection=\"client\"}")),
        (1.0, 0.0)
    );
}

/// Covers spec/80: 44.
#[test]
fn failures_of_ice_and_restarts_are_counted_apart_and_with_the_bridge() {
    let (mut s, mut api) = three(Scenario::new());
    s.participant("alice").report_ice_failed();
    s.participant("bob").report_ice_failed();
    s.settle();
    s.participant("carol").restart_ice();
    s.settle();
    s.participant("carol").restart();
    s.settle();
    s.run_until(Scenario::all_connected);
    for _ in 0..2 {
        let page = metrics(&mut s, &mut api);
        for (name, value) in [
            ("bridge_restart_requests_total{jvb=\"jvb1\"}", 3.0),
            ("participants_ice_failed_total", 2.0),
            ("participants_restart_requested_total", 1.0),
            ("ice_restarts_requested_total", 1.0),
        ] {
            assert_eq!(page.value(&format!("{PREFIX}{name}")), value, "{name}");
        }
        s.run_for(testkit::Time::from_secs(130));
    }
    assert_eq!(s.focus().bridges()[0].endpoint_restart_requests, 0, "over two minutes later");
}

/// How well loads are predicted: by their number, the mean error.
#[test]
fn predictions_of_stress_are_told_with_their_error() {
    let (mut s, mut api) = three(Scenario::new());
    s.run_for(testkit::Time::from_secs(30));
    let page = metrics(&mut s, &mut api);
    let counted = s.focus().metrics().stress_predictions;
    assert!(counted.checked > 0);
    assert_eq!(page.value("jitsi_jicofo_bridge_stress_predictions_total"), counted.checked as f64);
    let error = page.value("jitsi_jicofo_bridge_stress_prediction_error_total");
    assert!((error - counted.error_millionths as f64 / 1e6).abs() < 1e-9, "{error}");
}
