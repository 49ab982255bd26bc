//! What hung or leaked in eleven years of the original: a question that is never answered while everything else goes on.

use testkit::Time;
use testkit::bridge::Fault;
use testkit::participant::media::desktop;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::{Read, bare};

use crate::support::*;

fn home(number: usize) -> String {
    format!("home{number}@conference.meet.test")
}

/// The server never answers what one room's entry needs; requests for other rooms, and their whole conferences, do not wait.
///
/// Covers spec/90: 6, 14.
#[test]
fn a_room_that_never_lets_us_in_holds_up_no_other() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.settle();
    let stuck = home(0);
    s.accident(1_000, Fate::IsLost, move |d| {
        d.to == "focus" && d.stanza.get("from").is_some_and(|from| bare(from) == stuck)
    });
    s.joins_with("stuck", |settings| settings.room = home(0));
    for number in 1..6 {
        for who in ["a", "b"] {
            s.joins_with(&format!("{who}{number}"), |settings| settings.room = home(number));
        }
    }
    s.run_for(Time::from_secs(1));
    let served = (1..6).all(|number| s.connected(&[&format!("a{number}"), &format!("b{number}")]));
    assert!(served, "within a second, while the one room says nothing");
    assert!(s.view("stuck").conference_answers().is_empty());
}

/// A bridge answers nothing, neither allocations nor checks nor the question what it supports, while many wait for it and
/// others come, change and go on another.
///
/// Covers spec/90: 5, 10, 11.
#[test]
fn bridges_that_answer_nothing_hold_up_no_timer_and_nobody_on_another() {
    let mut s = Scenario::new()
        .bridge_with("jvb1", |bridge| bridge.stats.stress = 0.1)
        .bridge_with("jvb2", |bridge| bridge.stats.stress = 0.3)
        .start();
    s.settle();
    s.accident(100_000, Fate::IsLost, |d| d.to == "focus" && d.from == "jvb1" && d.stanza.name() == "iq");
    for number in 0..20 {
        for who in ["a", "b"] {
            s.joins_with(&format!("{who}{number}"), |settings| settings.room = home(number));
        }
    }
    s.run_for(Time::from_secs(10));
    // Nobody yet: all wait for the one that seems to have less to do. A newcomer elsewhere is answered at once all the same.
    s.joins_with("late", |settings| settings.room = home(99));
    s.run_for(Time::from_millis(100));
    assert_eq!(s.view("late").conference_answers().len(), 1);
    // After a reply timeout they move, paced, to the other.
    s.run_for(Time::from_secs(60));
    let all = (0..20).all(|number| s.connected(&[&format!("a{number}"), &format!("b{number}")]));
    assert!(all, "on the other bridge");
    let before = s.sent_to("b0").jingle("source-add").count();
    s.participant("a0").add_source(desktop());
    s.settle();
    assert_eq!(s.sent_to("b0").jingle("source-add").count(), before + 1);
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// Four in a room; two bridges, of which all are on the first.
fn on_the_first_of_two() -> Scenario {
    let mut s = Scenario::new()
        .bridge_with("jvb1", |bridge| bridge.stats.stress = 0.1)
        .bridge_with("jvb2", |bridge| bridge.stats.stress = 0.3)
        .participant("alice")
        .participant("bob")
        .start();
    s.run_until(Scenario::all_connected);
    s
}

/// The other bridge has them all, and nothing is left of anything.
fn all_are_on_the_second(mut s: Scenario, names: &[&str]) {
    s.run_for(Time::from_secs(1));
    s.run_until(Scenario::all_connected);
    for name in names {
        assert_eq!(s.home_of(name), Some("jvb2"), "{name}");
        s.participant(name).take_refusals();
    }
    s.bridge("jvb2").take_errors();
    s.finish();
}

fn going() -> Fault {
    Fault::Error { kind: "cancel", condition: "service-unavailable", text: "going".into(), reason: None }
}

/// Whoever watches bridges is told in the middle of all that happens on one: somebody's allocation fails while it goes, people
/// come before and after, and others say that their ICE failed.
///
/// Covers spec/90: 3.
#[test]
fn a_bridge_that_goes_in_the_midst_of_everything_locks_nothing_up() {
    let mut s = on_the_first_of_two();
    s.bridge("jvb1").fail_next(going());
    s.joins("carol");
    s.participant("alice").report_ice_failed();
    s.dies("jvb1");
    s.joins("dave");
    s.participant("bob").report_ice_failed();
    all_are_on_the_second(s, &["alice", "bob", "carol", "dave"]);
}

/// Covers spec/90: 8.
#[test]
fn ice_that_fails_just_when_its_bridge_goes_locks_nothing_up() {
    for is_told_before in [true, false] {
        let mut s = on_the_first_of_two();
        if is_told_before {
            s.participant("alice").report_ice_failed();
        }
        s.dies("jvb1");
        if !is_told_before {
            s.participant("alice").report_ice_failed();
        }
        all_are_on_the_second(s, &["alice", "bob"]);
    }
}

/// Covers spec/90: 16.
#[test]
fn who_joins_exactly_when_a_bridge_goes_is_served_on_another() {
    for joins_before in [true, false] {
        let mut s = on_the_first_of_two();
        if joins_before {
            s.joins("carol");
        }
        s.dies("jvb1");
        if !joins_before {
            s.joins("carol");
        }
        all_are_on_the_second(s, &["alice", "bob", "carol"]);
    }
}

/// Its failure and its going are told one after the other, in either order, and each by itself moves everybody.
///
/// Covers spec/90: 17.
#[test]
fn an_allocation_that_fails_when_its_bridge_goes_moves_everybody_once() {
    for fails_first in [true, false] {
        let mut s = on_the_first_of_two();
        let offers_before = offers(&s, "alice");
        s.bridge("jvb1").fail_next(going());
        if !fails_first {
            s.accident(1, Fate::IsLate(Time::from_millis(500)), |d| {
                d.from == "jvb1" && d.to == "focus" && d.stanza.get("type") == Some("error")
            });
        }
        s.joins("carol");
        s.run_for(Time::from_millis(100));
        s.dies("jvb1");
        s.run_for(Time::from_secs(2));
        assert_eq!(["alice", "bob"].map(|name| offers(&s, name) - offers_before), [1; 2], "{fails_first}");
        assert_eq!(offers(&s, "carol"), 1, "{fails_first}");
        assert!(s.focus().metrics().bridges_removed <= 1, "{fails_first}");
        all_are_on_the_second(s, &["alice", "bob", "carol"]);
    }
}

/// A server that answers no question for a while: none of them is remembered for ever.
///
/// Covers spec/90: 26.
#[test]
fn questions_that_an_unstable_server_never_answers_are_forgotten_in_time() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let before = s.focus().gauges();
    s.accident(100_000, Fate::IsLost, |d| {
        let is_answer = d.stanza.name() == "iq" && matches!(d.stanza.get("type"), Some("result" | "error"));
        d.to == "focus" && is_answer && d.from != "jvb1" && !["alice", "bob"].contains(&d.from.as_str())
    });
    for number in 0..60 {
        ask(&mut s, "g", &format!("q{number}"), &home(number));
        s.run_for(Time::from_millis(500));
    }
    let meanwhile = s.focus().gauges();
    assert!(meanwhile.requests_pending > before.requests_pending + 10, "{meanwhile:?}");
    s.run_for(Time::from_secs(60));
    let after = s.focus().gauges();
    assert_eq!(after.conferences, before.conferences);
    assert!(after.requests_pending <= before.requests_pending + 1, "{after:?}");
    assert_eq!(s.focus().audit(), Vec::<String>::new());
    assert!(s.connected(&["alice", "bob"]));
}

/// What ends conferences to which nobody comes goes on after it failed over one of them.
///
/// Covers spec/90: 52.
#[test]
fn an_error_of_ours_while_one_empty_conference_ends_keeps_no_other_from_ending() {
    let mut s = Scenario::new().bridge("jvb1").start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    for round in 0..3 {
        for number in 0..10 {
            ask(&mut s, "g", &format!("q{round}-{number}"), &home(number));
        }
        s.run_for(Time::from_secs(5));
        assert_eq!(s.focus().gauges().conferences, 10);
        // The first thing that is said next is in one of their ends.
        s.sabotage(round);
        s.run_for(Time::from_secs(12));
        assert_eq!(s.focus().gauges().conferences, 0);
        assert_eq!(s.failures(), 1 + round as usize);
    }
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// Conferences end in every way there is, in the middle of whatever: nothing of any stays, and what ends them goes on ending.
///
/// Covers spec/90: 53, 54.
#[test]
fn no_conference_is_kept_by_anything_however_it_ended() {
    let mut s = Scenario::new().recorded().bridge("jvb1").start();
    s.settle();
    let before = s.focus().gauges();
    for round in 0..40 {
        let room = home(round);
        for who in ["a", "b"] {
            s.joins_with(&format!("{who}{round}"), |settings| settings.room = room.clone());
        }
        s.run_for(Time::from_millis(37 * round as u64));
        let now = s.now();
        match round % 5 {
            0 => s.server().destroy(now, &room, "over"),
            1 => s.server().put_out(now, &room, "focus", &["307"]),
            2 => ["a", "b"].iter().for_each(|who| s.dies(&format!("{who}{round}"))),
            3 => s.accident(6, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("type") == Some("result")),
            // The core fails while it says the next thing but one.
            _ => s.sabotage(1),
        }
        s.settle();
        for who in ["a", "b"] {
            let name = format!("{who}{round}");
            if s.view(&name).place() != testkit::participant::Place::Left {
                s.participant(&name).leave();
            }
        }
    }
    assert!(s.failures() > 0, "and the core has failed");
    s.run_for(Time::from_secs(120));
    let after = s.focus().gauges();
    assert_eq!((after.conferences, after.members, after.endpoints), (0, 0, 0));
    assert!(after.requests_pending <= before.requests_pending + 1 && after.timers <= before.timers + 1, "{after:?}");
    assert_eq!(s.focus().audit(), Vec::<String>::new());
    // And the next is served.
    s.joins("alice");
    s.joins("bob");
    s.run_until(|s| s.connected(&["alice", "bob"]));
}

/// To leave a room is a word, not a question: a server that shows it to nobody keeps no one from the next conference there.
///
/// Covers spec/90: 35.
#[test]
fn a_leave_that_is_never_confirmed_holds_up_nothing() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.accident(1, Fate::IsLost, |d| {
        d.to == "focus" && d.from == "focus" && d.stanza.get("type") == Some("unavailable")
    });
    s.everybody_leaves();
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    s.joins("carol");
    s.joins("dave");
    s.run_until(|s| s.connected(&["carol", "dave"]));
    s.finish();
}
