//! Which bridge participants come to, seen from the room.

use jicofo::config::SelectionStrategy;
use testkit::Time;
use testkit::bridge::Settings;
use testkit::scenario::{Builder, Scenario};

use crate::bridges_support::*;
use crate::support::*;

fn strategy(strategy: SelectionStrategy) -> Builder {
    Scenario::new().config(move |config| config.bridge.selection_strategy = strategy)
}

fn of_region(region: &'static str, stress: f64) -> impl FnOnce(&mut Settings) + 'static {
    move |bridge| {
        bridge.stats.region = Some(region.into());
        bridge.stats.stress = stress;
    }
}

fn with_relay(change: impl FnOnce(&mut Settings) + 'static, id: &'static str) -> impl FnOnce(&mut Settings) + 'static {
    move |bridge| {
        change(bridge);
        bridge.stats.relay_id = Some(id.into());
    }
}

/// A pair in a room of its own, of that region.
fn pair_of(s: &mut Scenario, room: &str, region: &str) -> String {
    for name in ["x", "y"] {
        s.joins_with(&format!("{room}-{name}"), |p| {
            p.room = format!("{room}@conference.meet.test");
            p.region = Some(region.into());
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s.home_of(&format!("{room}-x")).expect("on a bridge").to_owned()
}

/// The region that a client tells decides, and the room's story tells so.
#[test]
fn a_conference_is_put_near_its_first_participant_and_its_story_says_why() {
    let mut s = strategy(SelectionStrategy::RegionBased)
        .bridge_with("near", of_region("us-east", 0.5))
        .bridge_with("far", of_region("ap-south", 0.1))
        .start();
    assert_eq!(pair_of(&mut s, "one", "us-east"), "near");
    assert_eq!(pair_of(&mut s, "two", "ap-south"), "far");
    assert_eq!(pair_of(&mut s, "three", "sa-east"), "far");
    let story = |room: &str| s.focus().story(&format!("{room}@conference.meet.test")).expect("it is there");
    assert!(story("one").contains("! on near: c: in the region (stress 0.50)"), "{}", story("one"));
    assert!(story("three").contains("! on far: f: the least stressed of all (stress 0."), "{}", story("three"));
    s.finish();
}

/// spec/50 §6.4: what the strategy chooses is in the table of `select/tests/strategies.rs`.
///
/// Covers spec/50: 19.
#[test]
fn without_relays_a_second_bridge_is_refused_and_nobody_is_told_that_there_is_none() {
    let mut s = strategy(SelectionStrategy::Split)
        .bridge_with("A", with_relay(of_region("us-east", 0.1), "A"))
        .bridge_with("F", with_relay(of_region("ap-south", 0.05), "F"))
        .start();
    s.joins("alice");
    s.joins("bob");
    s.run_for(seconds(10));
    assert_eq!((s.home_of("alice"), s.home_of("bob")), (Some("F"), None));
    assert!(s.view("alice").connected() && offers(&s, "bob") == 0);
    assert_eq!(bridge_not_available(&s, "alice"), [false]);
    assert_eq!(count(&s, "A"), 0);
}

/// So many rooms of two; then that many of their members ask for a restart. Where a new room of the region goes.
fn after_restarts(s: &mut Scenario, rooms: usize, restarts: usize) -> String {
    for room in 0..rooms {
        assert_eq!(pair_of(s, &format!("r{room}"), "us-east"), "near", "{room}");
        // Who came lately has been reported.
        s.run_for(seconds(5));
    }
    s.run_for(seconds(25));
    for number in 0..restarts {
        s.participant(&format!("r{}-{}", number / 2, ["x", "y"][number % 2])).restart();
        s.settle();
        s.run_until(Scenario::all_connected);
    }
    s.run_for(seconds(25));
    pair_of(s, "new", "us-east")
}

fn detecting() -> Scenario {
    strategy(SelectionStrategy::RegionBased)
        .config(|config| config.bridge.ice_failure_detection.enabled = true)
        .bridge_with("near", of_region("us-east", 0.2))
        .bridge_with("far", of_region("ap-south", 0.5))
        .start()
}

/// Covers spec/50: 31.
#[test]
fn a_bridge_that_many_cannot_reach_is_avoided_for_ten_minutes() {
    let mut s = detecting();
    assert_eq!(after_restarts(&mut s, 20, 4), "near");
    // In place: the endpoint keeps its bridge, and that says nothing against it.
    for number in 0..10 {
        s.participant(&format!("r{number}-x")).restart_ice();
    }
    s.settle();
    let near = |s: &Scenario| s.focus().bridges().iter().find(|it| it.jid.resource() == Some("near")).cloned();
    let status = near(&s).expect("there");
    assert_eq!((status.endpoints, status.restart_requests_total, status.failing_ice), (42, 4, false));
    // The fifth says so otherwise: its client has lost its way to the bridge.
    s.participant("r9-y").report_ice_failed();
    let failed = s.now();
    s.settle();
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(25));
    let status = near(&s).expect("there");
    assert_eq!((status.restart_requests_total, status.failing_ice, status.overloaded), (5, true, true));
    assert!((status.corrected_stress - 0.81).abs() < 1e-9, "{status:?}");
    assert_eq!(pair_of(&mut s, "newer", "us-east"), "far");
    s.run_for((failed + seconds(599)).saturating_sub(s.now()));
    assert!(near(&s).is_some_and(|it| it.failing_ice));
    // It is looked at when something happens: a bridge speaks every five seconds.
    s.run_for(seconds(7));
    assert!(near(&s).is_some_and(|it| !it.failing_ice));
    assert_eq!(pair_of(&mut s, "newest", "us-east"), "near");
    s.finish();
    // Too few to judge by.
    let mut s = detecting();
    assert_eq!(after_restarts(&mut s, 14, 20), "near");
    assert_eq!(near(&s).map(|it| (it.restart_requests_total, it.failing_ice)), Some((20, false)));
    s.finish();
}

/// What a rate limit turns down does not count, nor what names a session of the past.
#[test]
fn only_requests_that_are_granted_count_against_a_bridge() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let total = |s: &Scenario| s.focus().bridges()[0].restart_requests_total;
    s.participant("alice").restart();
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!(total(&s), 1);
    s.participant("alice").restart();
    s.run_for(Time::from_millis(500));
    assert_eq!(total(&s), 1, "too soon after the first");
}

/// A region's second bridge is taken when the first got as many endpoints of the conference as it may get in a minute; the
/// step of the table is in `select/tests/region_based.rs`.
///
/// Covers spec/50: 16.
#[test]
fn a_bridge_gets_no_more_of_a_conference_in_a_minute_than_configured() {
    let mut s = strategy(SelectionStrategy::RegionBased)
        .config(|config| {
            config.octo.enabled = true;
            config.bridge.max_bridge_participants_per_interval = 30;
        })
        .bridge_with("A", with_relay(of_region("us-east", 0.1), "A"))
        .bridge_with("A2", with_relay(of_region("us-east", 0.3), "A2"))
        .start();
    let joins = |s: &mut Scenario, number: usize| {
        let name = format!("p{number}");
        s.joins_with(&name, |p| p.region = Some("us-east".into()));
        s.run_until(Scenario::all_connected);
        s.home_of(&name).map(str::to_owned)
    };
    s.joins_with("p0", |p| p.region = Some("us-east".into()));
    (1..30).for_each(|number| assert_eq!(joins(&mut s, number).as_deref(), Some("A"), "{number}"));
    assert_eq!(s.focus().metrics().bridge_selections_rate_limited, 0);
    assert_eq!(joins(&mut s, 30).as_deref(), Some("A2"));
    assert_eq!(s.focus().metrics().bridge_selections_rate_limited, 1);
    let story = s.focus().story(ROOM).expect("it is there");
    assert!(story.contains("on A2: c: in the region"), "{story}");
    // A minute later it may have more.
    s.run_for(seconds(62));
    assert_eq!(joins(&mut s, 31).as_deref(), Some("A"));
    assert_eq!(s.focus().metrics().bridge_selections_rate_limited, 1);
    s.finish();
}

/// Not only where a conference goes first: each choice has its line.
#[test]
fn the_story_says_of_each_choice_why() {
    let mut s = strategy(SelectionStrategy::RegionBased)
        .config(|config| config.octo.enabled = true)
        .bridge_with("near", with_relay(of_region("us-east", 0.2), "near"))
        .bridge_with("far", with_relay(of_region("ap-south", 0.1), "far"))
        .start();
    let chosen = |s: &Scenario| -> Vec<String> {
        let story = s.focus().story(ROOM).expect("it is there");
        let lines = story.lines().filter_map(|line| line.split_once("! on ").map(|(_, rest)| rest));
        lines.map(|line| line.split(" (stress").next().unwrap_or_default().to_owned()).collect()
    };
    for (name, region) in [("p", "us-east"), ("o", "us-east"), ("q", "ap-south"), ("r", "sa-east")] {
        s.joins_with(name, |p| p.region = Some(region.into()));
        s.settle();
    }
    s.run_until(Scenario::all_connected);
    let reasons = [
        "near: c: in the region",
        "near: a: of the conference, in the region",
        "far: c: in the region",
        "far: e: of the conference, elsewhere",
    ];
    assert_eq!(chosen(&s), reasons);
    // The one that would be taken is gone, it is said: another of ours takes him at once, and whoever comes meanwhile.
    s.bridge("far").fail_next(refusal("item-not-found", None));
    s.joins_with("t", |p| p.region = Some("ap-south".into()));
    s.run_for(Time::from_millis(200));
    s.joins_with("u", |p| p.region = Some("ap-south".into()));
    s.run_for(seconds(2));
    s.run_until(Scenario::all_connected);
    let further = [
        "far: a: of the conference, in the region",
        "near: e: of the conference, elsewhere",
        "near: e: of the conference, elsewhere",
    ];
    assert_eq!(chosen(&s)[4..], further);
    assert_eq!((s.home_of("t"), s.home_of("u")), (Some("near"), Some("near")));
    s.bridge("far").take_errors();
    s.finish();
}

/// Who waits for what there is not does not hold up others, however often bridges speak; and finds it when it is there.
#[test]
fn who_waits_for_a_version_in_vain_costs_nobody_his_turn() {
    let mut s = Scenario::new().bridge_with("jvb1", |bridge| {
        bridge.stats.version = "1".into();
        bridge.stats.stress = 0.5;
    });
    s = s.bridge_with("jvb2", |bridge| bridge.stats.version = "1".into());
    let mut s = s.start();
    for number in 0..60 {
        let room = format!("pinned{number}@conference.meet.test");
        s.command(jicofo::focus::command::Command::Pin {
            room: room.parse().expect("a room"),
            version: "2".into(),
            duration: seconds(3600),
        });
        for name in ["x", "y"] {
            let room = room.clone();
            s.joins_with(&format!("p{number}{name}"), |p| p.room = room);
        }
    }
    for name in ["alice", "bob", "carol", "dave"] {
        s.joins(name);
    }
    s.run_for(seconds(20));
    assert!(s.connected(&["alice", "bob", "carol", "dave"]));
    let home = s.home_of("alice").expect("on a bridge").to_owned();
    // All bridges speak, and in the same moment one of them goes.
    for _ in 0..3 {
        says(&mut s, "jvb1", &[("stress_level", "0.4")]);
        says(&mut s, "jvb2", &[("stress_level", "0.1")]);
    }
    let before = s.focus().metrics().participants_moved;
    s.dies(&home);
    s.run_for(Time::from_millis(1));
    assert_eq!(s.focus().metrics().participants_moved - before, 4, "at once");
    s.run_for(seconds(2));
    assert!(s.connected(&["alice", "bob", "carol", "dave"]));
    // The version is there.
    let other = if home == "jvb1" { "jvb2" } else { "jvb1" };
    s.add_bridge("jvb3", |bridge| bridge.stats.version = "1".into());
    s.run_for(seconds(3));
    assert!(!s.view("p0x").connected() && !s.view("p59y").connected());
    s.bridge("jvb3").publish(|stats| stats.version = "2".into());
    s.run_for(seconds(5));
    assert!(s.all_connected(), "120 wait, two every 20 ms");
    assert_eq!((s.home_of("p0x"), s.home_of("p59y")), (Some("jvb3"), Some("jvb3")));
    assert_eq!(s.home_of("alice"), Some(other));
    s.finish();
}

/// Many rooms begin at once, and get the same bridges in whatever order these were seen.
///
/// Covers spec/90: 81.
#[test]
fn bridges_that_were_seen_in_another_order_are_chosen_alike() {
    let homes = |turn: usize| {
        let mut bridges = ["a", "b", "c"];
        bridges.rotate_left(turn);
        let mut s = bridges
            .iter()
            .fold(Scenario::new(), |builder, bridge| builder.bridge_with(bridge, of_region("us-east", 0.2)))
            .start();
        s.settle();
        let names: Vec<String> = (0..12).map(|number| format!("p{number}")).collect();
        for (number, name) in names.iter().enumerate() {
            s.joins_with(name, |p| p.room = format!("r{}@conference.meet.test", number / 2));
        }
        s.run_until(Scenario::all_connected);
        let homes: Vec<String> = names.iter().map(|name| s.home_of(name).expect("a home").to_owned()).collect();
        s.finish();
        homes
    };
    let first = homes(0);
    assert!(["a", "b", "c"].iter().all(|bridge| first.iter().any(|home| home == bridge)), "{first:?}");
    assert_eq!((homes(1), homes(2)), (first.clone(), first));
}

/// Covers spec/90: 83.
#[test]
fn a_bridge_that_reports_a_stress_above_1_is_one_like_any() {
    let mut s = Scenario::new()
        .bridge_with("worse", of_region("us-east", 1.7))
        .bridge_with("better", of_region("us-east", 1.2))
        .start();
    assert_eq!(pair_of(&mut s, "one", "us-east"), "better");
    s.dies("better");
    s.run_until(|s| s.home_of("one-x") == Some("worse") && s.all_connected());
    s.finish();
}

/// Covers spec/90: 95.
#[test]
fn an_overloaded_bridge_of_the_region_gives_way_to_one_elsewhere() {
    let mut s = strategy(SelectionStrategy::RegionBased)
        .bridge_with("near", of_region("us-east", 0.85))
        .bridge_with("far", of_region("ap-south", 0.2))
        .start();
    assert_eq!(pair_of(&mut s, "one", "us-east"), "far");
    s.bridge("near").settings.stats.stress = 0.3;
    s.run_for(Time::from_secs(30));
    assert_eq!(pair_of(&mut s, "two", "us-east"), "near");
    s.finish();
}
