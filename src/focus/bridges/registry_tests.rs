//! The cases of spec/50 §12 (27, 29, 30, 33 to 35, 38 to 42).

use std::time::Duration;

use super::super::select::{ConferenceBridge, Outlook};
use super::*;
use crate::wire::presence::Stat;
use crate::wire::values::Condition;

fn at(seconds: f64) -> Timestamp {
    Timestamp(0) + Duration::from_secs_f64(seconds)
}

fn jid() -> Jid {
    "jvbbrewery@internal-muc.meet.jitsi/jvb-1".parse().expect("valid")
}

fn stats(values: &[(&str, &str)]) -> Stats {
    let stat = |(name, value): &(&str, &str)| Stat { name: Some((*name).into()), value: Some((*value).into()) };
    Stats { stats: values.iter().map(stat).collect() }
}

fn config() -> config::Bridge {
    crate::config::Config::default().bridge
}

/// With the original's load model.
fn classic() -> config::Bridge {
    config::Bridge { selection_load_model: config::LoadModel::Classic, ..config() }
}

/// A bridge that came at 0 s and says these things.
fn one(values: &[(&str, &str)]) -> (Bridges, BridgeId) {
    let mut bridges = Bridges::default();
    match bridges.presence(at(0.0), &jid(), &stats(values), &config()) {
        Some(BridgeEvent::Added(id)) => (bridges, id),
        other => panic!("a new bridge, not {other:?}"),
    }
}

fn tell(bridges: &mut Bridges, values: &[(&str, &str)]) -> Option<BridgeEvent> {
    bridges.presence(at(1.0), &jid(), &stats(values), &config())
}

#[test]
fn a_presence_says_what_has_changed() {
    let (mut bridges, id) = one(&[("stress_level", "0.25"), ("region", "eu"), ("relay_id", "r"), ("version", "2.3.1")]);
    assert_eq!(tell(&mut bridges, &[("stress_level", "abc"), ("graceful_shutdown", "TRUE"), ("drain", "1")]), None);
    let bridge = bridges.get(&id).expect("there");
    assert_eq!((bridge.reported_stress, bridge.graceful_shutdown, bridge.draining), (0.25, true, false));
    assert_eq!((bridge.region.as_deref(), bridge.relay_id.as_deref()), (Some("eu"), Some("r")));
    assert_eq!(bridge.last_presence, at(1.0));
    assert_eq!(bridge.full_version().as_deref(), Some("2.3.1"));
    tell(&mut bridges, &[("release", "77")]);
    assert_eq!(bridges.get(&id).and_then(Bridge::full_version).as_deref(), Some("2.3.1-77"));
    assert_eq!(one(&[("release", "77")]).0.iter().next().and_then(Bridge::full_version), None);
}

#[test]
fn the_first_stat_of_a_name_counts_and_one_without_a_name_is_skipped() {
    let mut said = stats(&[("stress_level", "0.5"), ("stress_level", "0.9")]);
    said.stats.insert(0, Stat { name: None, value: Some("1".into()) });
    let mut bridges = Bridges::default();
    bridges.presence(at(0.0), &jid(), &said, &config());
    assert_eq!(bridges.iter().map(|bridge| bridge.reported_stress).collect::<Vec<_>>(), [0.5]);
}

#[test]
fn stress_is_a_number_that_can_be_compared() {
    for (text, stress) in [("1.0E-4", 0.0001), ("-1.0", 0.0), ("NaN", 0.3), ("inf", 0.3), ("1.5", 1.5), ("", 0.3)] {
        let (mut bridges, id) = one(&[("stress_level", "0.3")]);
        tell(&mut bridges, &[("stress_level", text)]);
        assert_eq!(bridges.get(&id).map(|bridge| bridge.reported_stress), Some(stress), "{text}");
    }
}

#[test]
fn a_bridge_that_does_not_speak_of_drain_is_draining() {
    let (mut bridges, id) = one(&[]);
    assert!(bridges.get(&id).is_some_and(|bridge| bridge.draining));
    tell(&mut bridges, &[("drain", "false")]);
    assert!(bridges.get(&id).is_some_and(|bridge| !bridge.draining));
}

#[test]
fn shutting_down_is_told_once() {
    let (mut bridges, id) = one(&[]);
    let down = [("graceful_shutdown", "true"), ("shutting_down", "true")];
    assert_eq!(tell(&mut bridges, &down), Some(BridgeEvent::ShuttingDown(id)));
    assert_eq!(tell(&mut bridges, &down), None);
    let mut bridges = Bridges::default();
    let first = bridges.presence(at(0.0), &jid(), &stats(&down), &config());
    assert!(matches!(first, Some(BridgeEvent::Added(_))), "no event of its own if it came so");
}

#[test]
fn who_announced_its_end_is_not_lost() {
    for (said, lost) in
        [(&[][..], true), (&[("graceful_shutdown", "true")], false), (&[("shutting_down", "true")], false)]
    {
        let (mut bridges, id) = one(said);
        assert_eq!(bridges.remove(&jid()), Some(BridgeEvent::Removed { bridge: id, lost }));
        assert_eq!(bridges.remove(&jid()), None);
    }
}

/// spec/50 §12 (34, 41).
#[test]
fn a_bridge_that_came_back_is_another() {
    let (mut bridges, old) = one(&[("graceful_shutdown", "true")]);
    bridges.endpoint_allocated(at(0.0), &old, &config());
    bridges.failed(at(0.0), &old);
    bridges.remove(&jid());
    let Some(BridgeEvent::Added(new)) = tell(&mut bridges, &[]) else { panic!("it is new") };
    bridges.failed(at(1.0), &old);
    bridges.check_ended(at(1.0), &old, CheckResult::Error(Condition::InternalServerError), &config());
    bridges.endpoints_released(&old, 1);
    assert_eq!(bridges.get(&old), None);
    let bridge = bridges.get(&new).expect("there");
    assert!(bridge.operational(at(1.0), &config()) && !bridge.graceful_shutdown);
    assert_eq!(bridge.endpoints, 0);
}

/// spec/50 §3.1, "Improve".
#[test]
fn a_refusal_stands_until_two_presences_deny_it() {
    let (mut bridges, id) = one(&[]);
    let deny = [("graceful_shutdown", "false")];
    let graceful = |bridges: &Bridges| bridges.get(&id).is_some_and(|bridge| bridge.graceful_shutdown);
    bridges.refused_gracefully(&id);
    assert!(graceful(&bridges));
    tell(&mut bridges, &deny);
    assert!(graceful(&bridges), "that one was under way");
    tell(&mut bridges, &deny);
    assert!(!graceful(&bridges));
}

/// spec/50 §12 (29, 30).
#[test]
fn endpoints_that_a_bridge_cannot_have_counted_are_added_to_its_stress() {
    let table =
        [("0.20", "0.01", 15, 0.35, false), ("0.20", "0.001", 15, 0.215, false), ("0.30", "0.01", 50, 0.80, true)];
    for (stress, average, recent, corrected, overloaded) in table {
        let (mut bridges, id) = one(&[("stress_level", stress), ("average_participant_stress", average)]);
        for _ in 0..recent {
            bridges.endpoint_allocated(at(0.0), &id, &classic());
        }
        let bridge = bridges.get(&id).expect("there");
        assert!((bridge.corrected_stress(at(20.0), &classic()) - corrected).abs() < 1e-9);
        assert_eq!(bridge.overloaded(at(0.0), &classic()), overloaded);
        assert_eq!(bridge.corrected_stress(at(20.1), &classic()), bridge.reported_stress);
        let on = |endpoints| ConferenceBridge {
            id: id.clone(),
            endpoints,
            visitor: false,
            recent: 0,
            outlook: Outlook::default(),
        };
        let overloaded_for = |endpoints| bridge.overloaded_for(at(20.1), &classic(), &on(endpoints));
        assert!(overloaded_for(80) && !overloaded_for(79));
    }
    let (mut bridges, id) = one(&[]);
    bridges.endpoint_allocated(at(0.0), &id, &classic());
    bridges.endpoints_released(&id, 5);
    assert_eq!(bridges.get(&id).map(|bridge| bridge.endpoints), Some(0));
}

/// spec/50 §12 (38).
#[test]
fn a_failed_bridge_is_back_a_minute_after_its_last_failure_if_it_passed() {
    let (mut bridges, id) = one(&[]);
    let usable = |bridges: &Bridges, now| bridges.usable(at(now), &config()) == 1;
    for (asked, ended) in [(10.0, 25.0), (30.0, 45.0)] {
        assert_eq!(bridges.poll_timeout(), Some(at(asked)));
        assert_eq!(bridges.poll_health(at(asked), true, &config()), [HealthStep::Ask(id.clone())]);
        assert!(usable(&bridges, asked));
        assert_eq!(bridges.check_ended(at(ended), &id, CheckResult::Timeout, &config()), []);
    }
    assert!(!usable(&bridges, 45.0));
    bridges.poll_health(at(50.0), true, &config());
    assert!(!usable(&bridges, 200.0), "nothing but a passed check clears it");
    bridges.check_ended(at(55.0), &id, CheckResult::Passed, &config());
    assert!(!usable(&bridges, 104.9) && usable(&bridges, 105.0));
}

/// spec/50 §12 (39).
#[test]
fn a_bridge_that_says_it_is_ill_is_left() {
    let (mut bridges, id) = one(&[]);
    bridges.poll_health(at(10.0), true, &config());
    let ill = CheckResult::Error(Condition::InternalServerError);
    let steps = bridges.check_ended(at(10.0), &id, ill, &config());
    assert_eq!(steps, [HealthStep::Event(BridgeEvent::Failed(id.clone()))]);
    assert_eq!(bridges.usable(at(10.0), &config()), 0);
}

/// spec/50 §12 (42).
#[test]
fn without_health_checks_a_failure_passes_by_itself() {
    let mut config = config();
    config.health_checks.enabled = false;
    let mut bridges = Bridges::default();
    let Some(BridgeEvent::Added(id)) = bridges.presence(at(0.0), &jid(), &stats(&[]), &config) else {
        panic!("it is new")
    };
    assert_eq!(bridges.poll_timeout(), None);
    bridges.failed(at(0.0), &id);
    assert_eq!((bridges.usable(at(59.9), &config), bridges.usable(at(60.0), &config)), (0, 1));
}

/// spec/50 §6.5, "Improve".
#[test]
fn bridges_of_one_relay_id_are_known() {
    let mut bridges = Bridges::default();
    let tell = |bridges: &mut Bridges, name: &str, relay: &str| {
        let jid = format!("jvbbrewery@internal-muc.meet.jitsi/{name}").parse().expect("valid");
        bridges.presence(at(0.0), &jid, &stats(&[("relay_id", relay)]), &config());
    };
    let shared = |bridges: &Bridges| bridges.iter().map(|bridge| bridge.relay_shared).collect::<Vec<_>>();
    tell(&mut bridges, "a", "r");
    tell(&mut bridges, "b", "r");
    tell(&mut bridges, "c", "s");
    assert_eq!(shared(&bridges), [true, true, false]);
    tell(&mut bridges, "b", "s");
    assert_eq!(shared(&bridges), [false, true, true]);
    bridges.remove(&"jvbbrewery@internal-muc.meet.jitsi/c".parse().expect("valid"));
    assert_eq!(shared(&bridges), [false, false]);
}

/// The whole presence of a current bridge, as spec/50 §2.3 has it.
#[test]
fn the_presence_of_a_current_bridge_is_understood() {
    let document = include_str!("../../../docs/protocol/50-bridges-selection-health.md");
    let section = document.split_once("### 2.3").expect("the section").1;
    let xml = section.split("```").nth(1).and_then(|block| block.strip_prefix("xml")).expect("the example").trim();
    let xml = xml.replacen("<presence", "<presence xmlns='jabber:client'", 1);
    let Ok(crate::wire::sm::Incoming::Stanza(crate::wire::stanza::Stanza::Presence(presence))) =
        crate::wire::sm::read_stanza(&xml)
    else {
        panic!("a presence")
    };
    let stats = presence.stats.expect("statistics");
    assert!(stats.stats.len() > 70);
    let mut bridges = Bridges::default();
    bridges.presence(at(7.0), &presence.from.expect("a sender"), &stats, &config());
    let bridge = bridges.iter().next().expect("a bridge");
    assert_eq!(bridge.id.jid, jid());
    assert!((bridge.reported_stress - 0.183_492_063).abs() < 1e-6 && bridge.average_participant_stress == 0.01);
    assert!(bridge.healthy && !bridge.draining && !bridge.graceful_shutdown && !bridge.shutting_down);
    assert_eq!(bridge.full_version().as_deref(), Some("2.3.223-g1a2b3c4d5-4567"));
    assert!(bridge.has_version("2.3.223-g1a2b3c4d5-4567") && !bridge.has_version("2.3.223-g1a2b3c4d5"));
    assert_eq!((bridge.region.as_deref(), bridge.relay_id.as_deref()), (Some("eu-central"), Some("jvb-1")));
    assert_eq!(bridge.last_presence, at(7.0));
}

/// Who found no bridge is not made to seek again by every word of every bridge.
#[test]
fn there_is_a_chance_when_a_bridge_is_another_one_or_takes_endpoints_again() {
    let (mut bridges, id) = one(&[("stress_level", "0.1"), ("version", "1"), ("drain", "false")]);
    assert!(!bridges.take_chance(), "that is an event");
    let says = |bridges: &mut Bridges, second: f64, values: &[(&str, &str)]| {
        bridges.presence(at(second), &jid(), &stats(values), &config());
        bridges.take_chance()
    };
    assert!(!says(&mut bridges, 5.0, &[("stress_level", "0.2"), ("version", "1")]));
    for (name, value) in [("version", "2"), ("release", "7"), ("region", "eu"), ("relay_id", "x"), ("drain", "true")] {
        assert!(says(&mut bridges, 6.0, &[(name, value)]), "{name}");
        assert!(!says(&mut bridges, 7.0, &[(name, value)]), "{name}, again");
    }
    // It fails, and is taken again after a minute.
    bridges.failed(at(8.0), &id);
    let asked = bridges.poll_health(at(10.0), true, &config());
    assert_eq!(asked.len(), 1);
    bridges.check_ended(at(10.0), &id, CheckResult::Passed, &config());
    assert!(!says(&mut bridges, 60.0, &[("version", "2")]));
    assert!(says(&mut bridges, 70.0, &[("version", "2")]));
    assert!(!says(&mut bridges, 71.0, &[("version", "2")]));
    // Going down for good is none.
    assert!(!says(&mut bridges, 72.0, &[("shutting_down", "true")]));
}
