//! Bridges that say nothing, and the conferences on them, where no other can be linked with those (docs/BRIDGES.md).

use testkit::bridge::Fault;
use testkit::participant::Participant;
use testkit::scenario::{Builder, Scenario};

use crate::bridges_support::*;
use crate::support::*;

/// Alice, bob and carol on `jvb1`, which hangs without closing its connection, long enough for the focus to know.
fn on_a_bridge_that_hangs(builder: Builder) -> Scenario {
    let mut s = meet(builder.bridge_with("jvb1", stressed(0.1)).participant("carol"));
    s.server().suspend("jvb1");
    s.run_for(seconds(60));
    s
}

/// Who has an endpoint on that bridge. One that hangs hears of no end.
fn on(s: &Scenario, bridge: &str) -> usize {
    s.view_bridge(bridge).endpoint_count()
}

/// All of them have one session each, on `jvb2`, and got it once.
#[track_caller]
fn all_have_moved_once(s: &mut Scenario) {
    s.settle();
    assert!(s.all_connected());
    for name in ["alice", "bob", "carol"] {
        assert!(s.view_bridge("jvb2").endpoint(name).is_some(), "{name}");
        assert_eq!(offers(s, name), 2, "{name}");
    }
}

/// Clients that say that ICE failed, and those that ask for a new session.
const SAYS: [fn(&mut Participant); 2] = [Participant::report_ice_failed, Participant::restart];

/// One client says that it can't reach a bridge that we can't reach either: that is evidence enough, and one who is taken off it
/// alone would be on none.
///
/// Covers spec/90: 85.
#[test]
fn a_conference_leaves_a_silent_bridge_as_a_whole_when_one_on_it_cannot_reach_it_either() {
    for says in SAYS {
        let mut s = on_a_bridge_that_hangs(Scenario::new().bridge_with("jvb2", stressed(0.3)));
        assert_eq!((operational(&s), on(&s, "jvb1")), (1, 3));
        assert_eq!(moves(&s, "carol"), 0, "nobody has said anything");
        says(s.participant("alice"));
        s.run_for(seconds(3));
        all_have_moved_once(&mut s);
        // Where the bridge is well it is his alone, however often he says it.
        for _ in 0..10 {
            says(s.participant("alice"));
            s.run_for(seconds(30));
        }
        assert_eq!((offers(&s, "bob"), offers(&s, "carol"), on(&s, "jvb2")), (2, 2, 3));
        s.participant("alice").take_refusals();
        s.dies("jvb1");
        s.finish();
    }
}

/// A bridge that failed somebody elsewhere is no good choice for a minute, but it answers, and those on it have their media.
#[test]
fn nobody_else_leaves_a_bridge_that_only_failed_somebody_elsewhere() {
    for says in SAYS {
        let two = Scenario::new().bridge_with("jvb1", stressed(0.1)).bridge_with("jvb2", stressed(0.3));
        let mut s = meet(two.participant("carol"));
        assert_eq!(on(&s, "jvb1"), 3);
        let text = "no".to_owned();
        let refusal = Fault::Error { kind: "cancel", condition: "internal-server-error", text, reason: None };
        s.bridge("jvb1").fail_next(refusal);
        for name in ["dave", "erin"] {
            s.joins_with(name, |settings| settings.room = "other@conference.meet.test".into());
        }
        s.run_for(seconds(5));
        assert_eq!(operational(&s), 1);
        says(s.participant("alice"));
        s.run_for(seconds(5));
        assert_eq!((moves(&s, "bob"), moves(&s, "carol"), on(&s, "jvb1")), (0, 0, 3));
        assert!(s.all_connected());
        s.bridge("jvb1").take_errors();
        s.finish();
    }
}

/// As long as there is nowhere to go, whoever has its media keeps it.
#[test]
fn nobody_leaves_a_silent_bridge_as_long_as_no_other_is_free() {
    for says in SAYS {
        let mut s = on_a_bridge_that_hangs(Scenario::new());
        says(s.participant("alice"));
        s.run_for(seconds(60));
        assert_eq!((moves(&s, "bob"), moves(&s, "carol")), (0, 0));
        assert_eq!(bridge_not_available(&s, "bob"), [false], "it would end their meeting");
        // One comes: the silent one is asked once more, and left when it does not answer.
        s.add_bridge("jvb2", stressed(0.3));
        s.run_for(seconds(8));
        assert_eq!(moves(&s, "bob"), 0);
        s.run_for(seconds(20));
        all_have_moved_once(&mut s);
        s.dies("jvb1");
        s.finish();
    }
}

/// Who comes can meet the others on their bridge alone: it gives him an endpoint, or they leave it.
#[test]
fn who_joins_on_a_silent_bridge_is_placed_there_or_brings_all_to_a_free_one() {
    let mut s = on_a_bridge_that_hangs(Scenario::new().bridge_with("jvb2", stressed(0.3)));
    s.joins("dave");
    s.run_for(seconds(14));
    assert_eq!((moves(&s, "alice"), offers(&s, "dave"), count(&s, "jvb2")), (0, 0, 0));
    s.run_for(seconds(4));
    all_have_moved_once(&mut s);
    assert_eq!((on(&s, "jvb2"), offers(&s, "dave")), (4, 1));
    s.dies("jvb1");
    s.finish();
}

/// Relays are on, but the free bridge has none.
#[test]
fn a_bridge_that_cannot_be_linked_takes_all_of_those_on_a_silent_one() {
    let builder = linked(&["jvb1"]).bridge_with("jvb2", stressed(0.3));
    let mut s = meet(builder.participant("carol"));
    assert_eq!(on(&s, "jvb1"), 3);
    s.server().suspend("jvb1");
    s.run_for(seconds(60));
    s.participant("bob").report_ice_failed();
    s.run_for(seconds(3));
    all_have_moved_once(&mut s);
    s.dies("jvb1");
    s.finish();
}
