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
