//! `/stats` (spec/80 §4): numbers as older dashboards want them.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Core;
use super::answer::{Failure, json as as_json};
use super::process::Process;
use crate::focus::VERSION;
use crate::focus::command::{Command, Reply};
use crate::focus::health::Outcome;
use crate::focus::metrics::{JingleCounts, Sizes, Snapshot};

pub(super) async fn page(State(core): State<Core>) -> Result<Response, Failure> {
    match core.ask(Command::Count).await? {
        Reply::Snapshot(snapshot) => as_json(&stats(&snapshot, Process::own())),
        reply => Err(Failure::unexpected(&reply)),
    }
}

fn stats(snapshot: &Snapshot, process: Option<Process>) -> Value {
    let (counted, gauges) = (&snapshot.counted, &snapshot.gauges);
    let mut stats = json!({
        "total_participants": counted.participants,
        "total_conferences_created": counted.conferences_created,
        "conferences": gauges.conferences,
        "conferences_with_visitors": gauges.conferences_with_visitors,
        "bridge_failures": {
            "participants_moved": counted.participants_moved,
            "bridges_removed": counted.bridges_removed,
        },
        "participant_notifications": {
            "ice_failed": counted.participants_ice_failed,
            "request_restart": counted.participants_restart_requested,
        },
        "largest_conference": gauges.sizes.largest,
        "participants": gauges.sizes.sum,
        "visitors": gauges.visitors,
        "conference_sizes": sizes(&gauges.sizes, gauges.conferences as u64),
        "endpoint_pairs": gauges.sizes.sum_of_squares,
        "jibri": {
            "total_sip_call_failures": 0,
            "total_live_streaming_failures": 0,
            "total_recording_failures": 0,
            "live_streaming_active": 0,
            "recording_active": 0,
            "sip_call_active": 0,
        },
        "queues": queues(snapshot),
        "bridge_selector": {
            "bridge_count": gauges.bridges,
            "operational_bridge_count": gauges.operational_bridges,
            "in_shutdown_bridge_count": gauges.bridges_in_shutdown,
            "lost_bridges": counted.lost_bridges,
            "bridge_version_count": gauges.bridge_versions,
        },
        "jibri_detector": {"count": gauges.instances.jibris, "available": gauges.instances.jibris_available},
        "sip_jibri_detector": {
            "count": gauges.instances.sip_jibris,
            "available": gauges.instances.sip_jibris_available,
        },
        "jigasi": {},
        "threads": process.map_or(0, |process| process.threads),
        "jingle": {"sent": jingle(&counted.jingle_sent), "received": jingle(&counted.jingle_received)},
        "version": VERSION,
    });
    if snapshot.has_jigasis {
        stats["jigasi_detector"] = json!({
            "sip_count": gauges.instances.sip_gateways,
            "sip_in_graceful_shutdown_count": gauges.instances.sip_gateways_in_shutdown,
            "transcriber_count": gauges.instances.transcribers,
        });
    }
    if let Some(health) = &snapshot.health {
        stats["slow_health_check"] = counted.slow_health_checks.into();
        stats["healthy"] = health.is_well().into();
        stats["health"] = json!({
            "success": health.is_well(),
            // Also of a success, as it was always told.
            "hardFailure": !matches!(health, Outcome::Soft(_)),
            "responseCode": null,
            "sticky": false,
            "message": health.text(),
        });
    }
    stats
}

/// A snapshot of the conferences that there are. Without any the average is 0, which is a number.
fn sizes(sizes: &Sizes, conferences: u64) -> Value {
    let average = if conferences == 0 { 0.0 } else { sizes.sum as f64 / conferences as f64 };
    json!({
        "average": average,
        "max": sizes.largest,
        "min": 0,
        "total_value": sizes.sum,
        "total_count": conferences,
        "discarded": 0,
        "buckets": buckets(&Sizes::BOUNDS, &sizes.buckets),
    })
}

/// Named by their bounds; with the bounds below which 99 and 99.9 % of all are, where there are enough of them to say so.
fn buckets(bounds: &[u64], counts: &[u64]) -> Value {
    let mut named = Map::new();
    for (at, (bound, count)) in bounds.iter().zip(counts).enumerate() {
        let end = bounds.get(at + 1).map_or_else(|| "max".to_owned(), u64::to_string);
        named.insert(format!("{bound}_to_{end}"), (*count).into());
    }
    let all: u64 = counts.iter().sum();
    for (name, enough) in [("p99_upper_bound", 100), ("p999_upper_bound", 1000)] {
        named.insert(name.into(), bound_above(bounds, counts, all, enough).into());
    }
    Value::Object(named)
}

/// The end of the bucket up to which all but one in so many are; −1 if there are fewer than that.
fn bound_above(bounds: &[u64], counts: &[u64], all: u64, one_in: u64) -> i64 {
    if all < one_in {
        return -1;
    }
    let mut above = all;
    for (at, count) in counts.iter().enumerate() {
        above -= count;
        if above * one_in <= all {
            return bounds.get(at + 1).map_or(i64::MAX, |bound| i64::try_from(*bound).unwrap_or(i64::MAX));
        }
    }
    -1
}

/// Where the original keeps Jingle requests in a queue, we handle each as it comes: its queue is always empty.
fn queues(snapshot: &Snapshot) -> Value {
    const BOUNDS: [u64; 9] = [0, 1, 4, 16, 64, 256, 1024, 4096, 16384];
    let counted = &snapshot.counted;
    let Some(since) = counted.first_jingle else { return json!({}) };
    let added = counted.jingle_received.sum();
    let removed = added.saturating_sub(counted.jingle_dropped);
    let duration = snapshot.now.since(since).as_secs_f64();
    let mut counts = [0; BOUNDS.len()];
    counts[0] = removed;
    json!({"jingle-iq-queue": {
        "added_packets": added,
        "removed_packets": removed,
        "dropped_packets": counted.jingle_dropped,
        "duration_s": duration,
        "average_remove_rate_pps": if duration > 0.0 { removed as f64 / duration } else { 0.0 },
        "queue_size_at_remove": {
            "average_queue_size_at_remove": 0.0,
            "max_queue_size_at_remove": 0,
            "min_queue_size_at_remove": 0,
            "total_value": 0,
            "total_count": removed,
            "discarded": 0,
            "buckets": buckets(&BOUNDS, &counts),
        },
    }})
}

/// `SESSION_INITIATE`, and `SOURCEADD` for `source-add`.
fn jingle(counts: &JingleCounts) -> Value {
    let name = |action: &str| match action {
        "source-add" => "SOURCEADD".to_owned(),
        "source-remove" => "SOURCEREMOVE".to_owned(),
        action => action.replace('-', "_").to_ascii_uppercase(),
    };
    counts.iter().map(|(action, count)| (name(action), Value::from(count))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_below_which_nearly_all_are_is_told_when_there_are_enough() {
        let bounds = [0, 10, 20];
        assert_eq!(bound_above(&bounds, &[99, 0, 0], 99, 100), -1);
        assert_eq!(bound_above(&bounds, &[99, 1, 0], 100, 100), 10);
        assert_eq!(bound_above(&bounds, &[98, 2, 0], 100, 100), 20);
        assert_eq!(bound_above(&bounds, &[0, 0, 100], 100, 100), i64::MAX);
        assert_eq!(
            buckets(&bounds, &[1, 2, 3]),
            json!({
                "0_to_10": 1, "10_to_20": 2, "20_to_max": 3, "p99_upper_bound": -1, "p999_upper_bound": -1
            })
        );
    }
}
