//! The statistics as older dashboards want them.

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::scenario::Scenario;

use crate::support::*;

fn stats(s: &mut Scenario, api: &mut Api) -> Value {
    let answer = api.get(s, "/stats");
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Covers spec/80: 10.
#[test]
fn a_conference_of_three_is_counted_in_its_bucket() {
    let (mut s, mut api) = three(Scenario::new());
    let told = stats(&mut s, &mut api);
    for (key, value) in [("conferences", 1), ("participants", 3), ("largest_conference", 3), ("endpoint_pairs", 9)] {
        assert_eq!(told[key], value, "{key}");
    }
    let sizes = &told["conference_sizes"];
    assert_eq!(
        (&sizes["buckets"]["3_to_5"], &sizes["average"], &sizes["total_count"]),
        (&json!(1), &json!(3.0), &json!(1))
    );
    assert_eq!(told["jingle"]["sent"]["SESSION_INITIATE"], 3);
    assert_eq!(told["jingle"]["received"]["SESSION_ACCEPT"], 3);
    assert_eq!(
        told["bridge_selector"],
        json!({"bridge_count": 1, "operational_bridge_count": 1,
        "in_shutdown_bridge_count": 0, "lost_bridges": 0, "bridge_version_count": 1})
    );
}

/// Covers spec/80: 11, 12.
#[test]
fn an_empty_conference_counts_as_one_and_none_as_nothing() {
    let (mut s, mut api) = started(Scenario::new());
    let told = stats(&mut s, &mut api);
    assert_eq!((&told["conference_sizes"]["average"], &told["participants"]), (&json!(0.0), &json!(0)));
    assert_eq!((&told["queues"], &told["conference_sizes"]["max"]), (&json!({}), &json!(0)));
    let asked = api.post(&mut s, "/conference-request/v1", &json!({"room": ROOM}).to_string());
    assert_eq!(asked.status, 200);
    let told = stats(&mut s, &mut api);
    assert_eq!((&told["conferences"], &told["participants"]), (&json!(1), &json!(1)));
    assert_eq!(told["conference_sizes"]["buckets"]["1_to_2"], 1);
}

#[test]
fn every_key_of_the_original_is_there_with_its_type() {
    let (mut s, mut api) = three(Scenario::new());
    let recorded = body(include_str!("../data/http/stats.txt"));
    let mut compared = 0;
    // Which actions of Jingle there were is another matter.
    let skipped = |place: &str| place.starts_with("/jingle/sent/") || place.starts_with("/jingle/received/");
    same_shape(&recorded, &stats(&mut s, &mut api), "", &skipped, &mut compared);
    assert!(compared > 80, "{compared}");
    let told = stats(&mut s, &mut api);
    assert_eq!(told.get("jigasi_detector"), None);
    let queue = &told["queues"]["jingle-iq-queue"];
    assert_eq!(
        (&queue["added_packets"], &queue["removed_packets"]),
        (&queue["removed_packets"], &json!(s.focus().metrics().jingle_received.sum()))
    );
}

/// Covers spec/80: 15.
#[test]
fn health_is_told_where_it_is_looked_after() {
    let (mut s, mut api) = started(Scenario::new().bridge("jvb1").config(|config| config.health.enabled = true));
    s.run_for(testkit::Time::from_secs(11));
    let told = stats(&mut s, &mut api);
    assert_eq!(
        told["health"],
        json!({"success": true, "hardFailure": true, "responseCode": null, "sticky": false, "message": null})
    );
    assert_eq!((&told["healthy"], &told["slow_health_check"]), (&json!(true), &json!(0)));
    let (mut s, mut api) = three(Scenario::new());
    let told = stats(&mut s, &mut api);
    assert!(["healthy", "health", "slow_health_check"].iter().all(|key| told.get(key).is_none()), "{told}");
}

/// Recorders and gateways are counted by what they say of themselves.
#[test]
fn recorders_and_gateways_are_counted() {
    let brewery = |name: &str| format!("{name}@internal.auth.meet.test");
    let (mut s, mut api) = started(Scenario::new().config(move |config| {
        config.jibri.brewery_jid = brewery("jibribrewery").parse().ok();
        config.jigasi.brewery_jid = brewery("jigasibrewery").parse().ok();
    }));
    let says = |s: &mut Scenario, room: &str, nick: &str, child: &str| {
        s.server().connect(nick, &format!("{nick}@auth.meet.test/1"), true);
        for child in ["<x xmlns='http://jabber.org/protocol/muc'/>", child] {
            s.inject(nick, &format!("<presence to='{room}@internal.auth.meet.test/{nick}'>{child}</presence>"));
            s.settle();
        }
    };
    let jibri = |busy: &str| {
        format!(
            "<jibri-status xmlns='http://jitsi.org/protocol/jibri'><busy-status status='{busy}'/><health-status \
             xmlns='http://jitsi.org/protocol/health' status='healthy'/></jibri-status>"
        )
    };
    says(&mut s, "jibribrewery", "j1", &jibri("idle"));
    says(&mut s, "jibribrewery", "j2", &jibri("busy"));
    let gateway = "<stats xmlns='http://jitsi.org/protocol/colibri'><stat name='supports_sip' value='true'/>\
                   <stat name='graceful_shutdown' value='true'/><stat name='participants' value='3'/></stats>";
    says(&mut s, "jigasibrewery", "g1", gateway);
    let told = stats(&mut s, &mut api);
    assert_eq!(told["jibri_detector"], json!({"count": 2, "available": 1}));
    assert_eq!(told["sip_jibri_detector"], json!({"count": 0, "available": 0}));
    assert_eq!(
        told["jigasi_detector"],
        json!({"sip_count": 1, "sip_in_graceful_shutdown_count": 1, "transcriber_count": 0})
    );
    let metrics = api.get(&mut s, "/metrics").body;
    for line in [
        "jitsi_jicofo_jibri_instances 2",
        "jitsi_jicofo_jibri_instances_available 1",
        "jitsi_jicofo_jigasi_sip_count 1",
        "jitsi_jicofo_jigasi_sip_in_graceful_shutdown_count 1",
        "jitsi_jicofo_jigasi_transcriber_count 0",
    ] {
        assert!(metrics.lines().any(|it| it.starts_with(line)), "{line} in {metrics}");
    }
    let debug = api.get(&mut s, "/debug").json();
    assert_eq!(
        debug["jibri_detector"],
        json!({
            "is_sip": false, "brewery_jid": "jibribrewery@internal.auth.meet.test",
            "j1": {"health_status": "healthy", "busy_status": "idle", "reports_available": true},
            "j2": {"health_status": "healthy", "busy_status": "busy", "reports_available": false},
        })
    );
    assert_eq!(
        (&debug["sip_jibri_detector"], &debug["jigasi_detector"]["g1"]["participants"]),
        (&Value::Null, &json!(3))
    );
}
