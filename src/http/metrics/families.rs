//! What is told, under the names that dashboards know (spec/80 §3.2). Everything that there can be is there from the start with
//! 0, so that `rate()` sees the first event. Of what this program does not do yet nothing ever happens, and 0 is the truth; of
//! gateways nothing is told, as in the original where there are none.

use crate::focus::metrics::{JingleCounts, Snapshot};
use crate::focus::{Timestamp, VERSION};
use crate::http::process::Process;
use crate::wire::values::Action;

/// One thing that is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    /// Without the prefix, and without `_total`.
    pub name: String,
    pub help: &'static str,
    pub kind: Kind,
    /// Is its name one of the focus, with its prefix, or one that all programs have?
    pub own: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Counter {
        value: Number,
        created: Timestamp,
    },
    Gauge(Number),
    /// A text: the label's name, and its value.
    Info(&'static str, &'static str),
    /// By the values of a label.
    Counters(&'static str, Vec<(String, Number)>, Timestamp),
    Gauges(&'static str, Vec<(String, Number)>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
    Truth(bool),
}

/// The list, being made.
struct Families {
    all: Vec<Family>,
    created: Timestamp,
}

impl Families {
    fn add(&mut self, name: impl Into<String>, help: &'static str, kind: Kind) {
        self.all.push(Family { name: name.into(), help, kind, own: true });
    }

    fn counter(&mut self, name: impl Into<String>, value: u64, help: &'static str) {
        let kind = Kind::Counter { value: Number::Whole(value), created: self.created };
        self.add(name, help, kind);
    }

    fn gauge(&mut self, name: &'static str, value: impl Into<Number>, help: &'static str) {
        self.add(name, help, Kind::Gauge(value.into()));
    }

    /// Of the process, as Prometheus' own libraries name it.
    fn process(&mut self, name: &str, help: &'static str, kind: Kind) {
        self.all.push(Family { name: name.to_owned(), help, kind, own: false });
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Number {
        Number::Whole(value as u64)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        Number::Whole(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Number {
        Number::Real(value)
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Number {
        Number::Truth(value)
    }
}

pub(super) fn of(snapshot: &Snapshot, process: Option<&Process>) -> Vec<Family> {
    let created = snapshot.counted.started.unwrap_or(snapshot.now);
    let mut families = Families { all: Vec::with_capacity(128), created };
    families.add("version", "The version of this focus.", Kind::Info("version", VERSION));
    conferences(&mut families, snapshot);
    participants(&mut families, snapshot);
    bridges(&mut families, snapshot);
    services(&mut families, snapshot);
    jingle(&mut families, "received", &snapshot.counted.jingle_received, "Jingle requests received, of this action.");
    jingle(&mut families, "sent", &snapshot.counted.jingle_sent, "Jingle requests sent, of this action.");
    surroundings(&mut families, snapshot);
    if let Some(process) = process {
        of_process(&mut families, process);
    }
    families.all
}

fn conferences(families: &mut Families, snapshot: &Snapshot) {
    let (counted, gauges) = (&snapshot.counted, &snapshot.gauges);
    families.gauge("conferences", gauges.conferences, "Running conferences, without those that check our health.");
    families.counter("conferences_created", counted.conferences_created, "Conferences made since the start.");
    families.gauge(
        "conferences_seconds",
        seconds(counted.conferences_micros),
        "How long ended conferences lasted together.",
    );
    families.gauge(
        "conferences_with_visitors",
        gauges.conferences_with_visitors,
        "Running conferences with a visitor.",
    );
    families.gauge("largest_conference", gauges.sizes.largest, "Participants of the largest conference.");
    families.counter(
        "conference_requests",
        counted.conference_requests,
        "Requests for conferences, over XMPP and HTTP.",
    );
    families.counter(
        "conference_requests_new",
        counted.conference_requests_new,
        "Those for rooms without a conference.",
    );
}

fn participants(families: &mut Families, snapshot: &Snapshot) {
    let (counted, gauges) = (&snapshot.counted, &snapshot.gauges);
    families.counter("participants", counted.participants, "Participants since the start.");
    families.gauge(
        "participants_current",
        gauges.sizes.sum,
        "Participants with visitors; a conference with none counts 1.",
    );
    families.gauge(
        "participants_pairs",
        gauges.sizes.sum_of_squares,
        "The sum of n*n over conferences of n participants (not of n*(n-1), whatever the name says).",
    );
    families.gauge("visitors_current", gauges.visitors, "Visitors.");
    families.gauge(
        "endpoint_seconds",
        seconds(counted.participants_micros),
        "How long departed participants were there together.",
    );
    families.counter(
        "participants_no_start_muted_rmd",
        counted.participants_no_start_muted_rmd,
        "Participants that do not know of starting muted by room metadata.",
    );
    families.counter(
        "participants_moved",
        counted.participants_moved,
        "Participants invited anew as they left a bridge.",
    );
    families.counter(
        "participants_ice_failed",
        counted.participants_ice_failed,
        "ICE failures that participants reported.",
    );
    families.counter(
        "participants_restart_requested",
        counted.participants_restart_requested,
        "Restarts that participants asked for by ending their session.",
    );
    families.counter(
        "ice_restarts_requested",
        counted.ice_restarts_requested,
        "ICE restarts asked for within a session.",
    );
    families.counter(
        "ice_restarts_relayed",
        counted.ice_restarts_relayed,
        "Those of which the bridge's new transport was passed on.",
    );
    families.counter(
        "ice_restarts_not_needed",
        counted.ice_restarts_not_needed,
        "Those for which the bridge kept its transport.",
    );
    families.counter("ice_restarts_failed", counted.ice_restarts_failed, "Those that were refused or came to nothing.");
}

fn bridges(families: &mut Families, snapshot: &Snapshot) {
    let (counted, gauges) = (&snapshot.counted, &snapshot.gauges);
    families.gauge("bridge_selector_bridge_count", gauges.bridges, "Bridges in the brewery.");
    families.gauge(
        "bridge_selector_bridge_count_operational",
        gauges.operational_bridges,
        "Bridges that work, also those in graceful shutdown.",
    );
    families.gauge(
        "bridge_selector_bridge_count_in_shutdown",
        gauges.bridges_in_shutdown,
        "Bridges in graceful shutdown.",
    );
    families.gauge("bridge_selector_bridge_version_count", gauges.bridge_versions, "Different versions of bridges.");
    families.counter("bridge_selector_lost_bridges", counted.lost_bridges, "Bridges that left without having said so.");
    families.counter(
        "bridges_removed",
        counted.bridges_removed,
        "How often a bridge failed a conference and was left by it.",
    );
    families.counter(
        "bridge_selection_rate_limited",
        counted.bridge_selections_rate_limited,
        "Selections for a conference of which a bridge had got as many endpoints as it may in an interval.",
    );
    families.counter(
        "load_redistributor_endpoints_moved",
        counted.endpoints_redistributed,
        "Endpoints moved off bridges that had too much to do.",
    );
    let by = |of: fn(&crate::focus::bridges::status::BridgeStatus) -> Number| {
        snapshot.bridges.iter().map(|bridge| (nick(bridge), of(bridge))).collect()
    };
    let created = families.created;
    let endpoints = by(|bridge| u64::from(bridge.endpoints).into());
    families.add("bridge_endpoints", "Endpoints that this focus has on a bridge.", Kind::Gauges("jvb", endpoints));
    let failing = by(|bridge| bridge.failing_ice.into());
    families.add(
        "bridge_failing_ice",
        "Whether too many endpoints can't connect to a bridge.",
        Kind::Gauges("jvb", failing),
    );
    let restarts = by(|bridge| bridge.restart_requests_total.into());
    families.add(
        "bridge_restart_requests",
        "ICE failures, and restarts by a new session, of a bridge's endpoints.",
        Kind::Counters("jvb", restarts, created),
    );
    let moved = by(|bridge| bridge.endpoints_moved_total.into());
    families.add(
        "bridge_endpoints_moved",
        "Endpoints moved off a bridge as it had too much to do.",
        Kind::Counters("jvb", moved, created),
    );
    // Ours: how well the load of bridges is predicted (docs/BRIDGES.md).
    let predictions = &counted.stress_predictions;
    families.counter(
        "bridge_stress_predictions",
        predictions.checked,
        "Predictions of a bridge's stress that it has since reported on.",
    );
    let error = Number::Real(predictions.error_millionths as f64 / 1e6);
    families.add(
        "bridge_stress_prediction_error",
        "By how much they were wrong together, in units of stress; by their number it is the mean error.",
        Kind::Counter { value: error, created },
    );
}

fn nick(bridge: &crate::focus::bridges::status::BridgeStatus) -> String {
    bridge.jid.resource().unwrap_or_default().to_owned()
}

/// Recorders: nobody looks for them yet, and none of their sessions is started.
fn services(families: &mut Families, snapshot: &Snapshot) {
    let there = snapshot.gauges.instances;
    for (name, help) in [
        ("jibri_recording_active", "Recordings that run."),
        ("jibri_live_streaming_active", "Live streams that run."),
        ("jibri_sip_active", "SIP calls of recorders that run."),
    ] {
        families.gauge(name, 0u64, help);
    }
    for (name, help) in [
        ("jibri_recording_failures", "Recordings that failed."),
        ("jibri_live_streaming_failures", "Live streams that failed."),
        ("jibri_sip_failures", "SIP calls of recorders that failed."),
        ("jibri_no_instance_failures", "Sessions that failed to start as no recorder was free."),
    ] {
        families.counter(name, 0, help);
    }
    for (name, count, help) in [
        ("jibri_instances", there.jibris, "Recorders that this focus knows."),
        ("jibri_instances_available", there.jibris_available, "Those that are free and well."),
        ("sip_jibri_instances", there.sip_jibris, "SIP recorders that this focus knows."),
        ("sip_jibri_instances_available", there.sip_jibris_available, "Those that are free and well."),
    ] {
        families.gauge(name, count, help);
    }
    let jigasis = [
        ("jigasi_sip_count", there.sip_gateways, "Gateways to SIP that this focus knows."),
        (
            "jigasi_sip_in_graceful_shutdown_count",
            there.sip_gateways_in_shutdown,
            "Those that take no more calls as they shut down.",
        ),
        ("jigasi_transcriber_count", there.transcribers, "Gateways that transcribe."),
    ];
    for (name, count, help) in jigasis.into_iter().filter(|_| snapshot.has_jigasis) {
        families.gauge(name, count, help);
    }
}

fn jingle(families: &mut Families, way: &str, counts: &JingleCounts, help: &'static str) {
    for action in Action::ALL {
        let count = counts.iter().find(|(name, _)| *name == action.as_str()).map_or(0, |(_, count)| count);
        families.counter(format!("jingle_{}_{way}", metric_name(action.as_str())), count, help);
    }
}

/// `source-add` is one word there, as in its type of the original.
fn metric_name(action: &str) -> String {
    match action {
        "source-add" => "sourceadd".into(),
        "source-remove" => "sourceremove".into(),
        action => action.replace('-', "_"),
    }
}

fn surroundings(families: &mut Families, snapshot: &Snapshot) {
    let counted = &snapshot.counted;
    if let Some(health) = &snapshot.health {
        families.gauge("healthy", health.is_well(), "Whether /about/health says that all is well.");
        families.counter("slow_health_checks", counted.slow_health_checks, "Checks of our health that took too long.");
    }
    families.counter("xmpp_disconnects", counted.xmpp_disconnects, "Losses of a connection to the XMPP server.");
    let connected = snapshot.connections.iter().map(|(on, is)| (on.clone(), Number::Truth(*is))).collect();
    families.add("xmpp_connected", "Whether a connection stands.", Kind::Gauges("connection", connected));
    families.gauge("config_problems", snapshot.problems, "Problems around the focus that last, as the log tells them.");
    families.counter(
        "requests_limited",
        counted.requests_limited,
        "Requests refused as their senders asked for too much.",
    );
    families.counter("answers_unmatched", counted.answers_unmatched, "Answers to nothing, or to what has gone.");
    families.counter("internal_errors", counted.panics, "Errors of ours, which end a conference at most.");
    families.counter(
        "conferences_contradictory",
        counted.contradictions,
        "Conferences whose state was found to contradict itself.",
    );
}

fn of_process(families: &mut Families, process: &Process) {
    families.gauge("threads", process.threads, "Threads of the process.");
    let created = families.created;
    let cpu = Kind::Counter { value: Number::Real(process.cpu_seconds), created };
    families.process("process_cpu_seconds", "Processor time used.", cpu);
    let gauges = [
        ("process_resident_memory_bytes", process.resident_bytes, "Memory in RAM."),
        ("process_virtual_memory_bytes", process.virtual_bytes, "Address space."),
        ("process_open_fds", process.open_files, "Open file descriptors."),
    ];
    for (name, value, help) in gauges {
        families.process(name, help, Kind::Gauge(Number::Whole(value)));
    }
    let started = Number::Real(created.millis() as f64 / 1e3);
    families.process(
        "process_start_time_seconds",
        "When it started, in seconds since the Unix epoch.",
        Kind::Gauge(started),
    );
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
