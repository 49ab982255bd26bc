//! Rooms that are to use bridges of one version, on an operator's word.

use jicofo::focus::command::{Command, Reply};
use jicofo::focus::pins::Pin;
use testkit::Time;
use testkit::scenario::{Builder, Scenario};

use crate::bridges_support::*;
use crate::support::*;

fn version(version: &'static str, stress: f64) -> impl FnOnce(&mut testkit::bridge::Settings) + 'static {
    move |bridge| {
        bridge.stats.version = version.into();
        bridge.stats.stress = stress;
    }
}

/// `old` has less to do than `new`.
fn two_versions() -> Builder {
    Scenario::new().bridge_with("old", version("2.3-0", 0.1)).bridge_with("new", version("2.3-1", 0.3))
}

fn pin(s: &mut Scenario, version: &str, minutes: u64) {
    let room = ROOM.parse().expect("a room");
    let duration = seconds(minutes * 60);
    assert_eq!(s.command(Command::Pin { room, version: version.into(), duration }), Reply::Done);
}

fn unpin(s: &mut Scenario) {
    assert_eq!(s.command(Command::Unpin { room: ROOM.parse().expect("a room") }), Reply::Done);
}

fn pins(s: &mut Scenario) -> Vec<Pin> {
    match s.command(Command::ListPins) {
        Reply::Pins(pins) => pins,
        other => panic!("{other:?}"),
    }
}

/// Alice and bob meet; the bridge on which they are, after carol has come, too. Then the room is empty again.
fn home(s: &mut Scenario, meanwhile: impl FnOnce(&mut Scenario)) -> String {
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    meanwhile(s);
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    let home = s.home_of("alice").expect("on a bridge").to_owned();
    assert_eq!(s.home_of("carol"), Some(&*home));
    for name in ["alice", "bob", "carol"] {
        s.participant(name).leave();
    }
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 0);
    home
}

/// Covers spec/10: 42.
#[test]
fn a_pinned_room_is_on_bridges_of_its_version_and_stays_there() {
    let mut s = two_versions().start();
    assert_eq!(home(&mut s, |_| {}), "old");
    pin(&mut s, "2.3-1", 5);
    assert_eq!(home(&mut s, unpin), "new", "a pin taken away in the middle changes nothing");
    assert_eq!(home(&mut s, |s| pin(s, "2.3-1", 5)), "old", "nor does one that is set there");
    assert_eq!(home(&mut s, |_| {}), "new");
    // Another room.
    s.joins_with("dave", |p| p.room = "other@conference.meet.test".into());
    s.joins_with("erin", |p| p.room = "other@conference.meet.test".into());
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("dave"), Some("old"));
    s.finish();
}

/// Covers spec/50: 28.
#[test]
fn a_pin_ends_at_a_whole_second() {
    let mut s = two_versions().start();
    unpin(&mut s);
    // At seven tenths of a second: virtual time begins with a second.
    let over = Time::from_micros(s.now().as_micros() as u64 % 1_000_000);
    s.run_for(Time::from_millis(1700) - over);
    let start = s.now();
    pin(&mut s, "2.3-1", 10);
    let listed = pins(&mut s);
    assert_eq!((listed.len(), listed[0].version.as_str(), listed[0].room.to_string()), (1, "2.3-1", ROOM.to_owned()));
    assert_eq!(listed[0].expires.0 % 1_000_000, 0);
    s.run_for(Time::from_millis(598_300));
    assert_eq!(s.now() - start, Time::from_millis(598_300), "a second before its end");
    assert_eq!(home(&mut s, |s| s.run_for(seconds(5))), "new", "pinned for all its life");
    assert_eq!(pins(&mut s), []);
    assert_eq!(home(&mut s, |_| {}), "old");
    // To the tenth of a second.
    let start = s.now();
    let over = Time::from_micros(start.as_micros() as u64 % 1_000_000);
    pin(&mut s, "2.3-1", 1);
    s.run_for(seconds(60) - over);
    assert_eq!(pins(&mut s).len(), 1);
    s.run_for(Time::from_millis(1));
    assert_eq!(pins(&mut s), []);
    s.finish();
}

/// A pin to a version that no bridge has means no bridge, until one of it comes.
#[test]
fn a_pin_is_no_wish() {
    let mut s = two_versions().start();
    pin(&mut s, "2.3", 5);
    s.joins("alice");
    s.joins("bob");
    s.run_for(seconds(2));
    assert_eq!((s.home_of("alice"), bridge_not_available(&s, "alice")), (None, vec![false, true]));
    s.add_bridge("right", version("2.3", 0.9));
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("bob"), Some("right"));
    s.finish();
}
