//! Nodes that Prosody disconnects while the conference goes on: until it has, it lets nobody into the main room (spec/60 §6.6).

use testkit::Time;
use testkit::scenario::Scenario;

use super::visitors::{
    MIRROR, allows_promotion, answered, main_room, node, one_node, told_component, wants_to_look_on,
};
use crate::support::*;

/// A visitor's room is gone, and the component says nothing just then.
fn parted_in_silence(mut s: Scenario) -> Scenario {
    s.settle();
    s.joins_with("vera", wants_to_look_on);
    s.run_until(|s| s.view("vera").connected());
    s.participant("vera").leave();
    s.settle();
    s.server().options.silent_visitors = true;
    let now = s.now();
    s.server().close_mirror(now, ROOM, "v0");
    s.settle();
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    s
}

fn not_ready() -> (Option<String>, String, Option<String>) {
    (None, "false".to_owned(), None)
}

#[test]
fn nobody_is_sent_to_the_main_room_before_it_is_open_again() {
    let mut s = parted_in_silence(one_node(50).participant("alice").start());
    s.joins("bob");
    s.settle();
    assert_eq!(answered(&s, "bob"), not_ready());
    s.server().options.silent_visitors = false;
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert_eq!(answered(&s, "bob"), main_room());
    assert_eq!(told_component(&s)[1..], ["disconnect-vnode v0", "disconnect-vnode v0"], "it is told again");
    assert!(s.view("bob").refusals().is_empty(), "{:?}", s.view("bob").refusals());
    s.finish();
}

/// When Prosody hears of the end it closes the room on the node, whosever it is by then.
#[test]
fn a_lost_room_of_visitors_is_not_begun_anew_before_its_node_is_disconnected() {
    let mut s = parted_in_silence(one_node(50).participant("alice").start());
    s.joins_with("wilma", wants_to_look_on);
    s.settle();
    assert_eq!((answered(&s, "wilma"), joins(&s, MIRROR).count()), (not_ready(), 1));
    s.server().options.silent_visitors = false;
    s.run_until(|s| s.view("wilma").connected());
    assert_eq!((answered(&s, "wilma"), joins(&s, MIRROR).count()), (node("v0"), 2));
    assert_eq!(told_component(&s)[1..], ["disconnect-vnode v0", "disconnect-vnode v0", "connect-vnode v0"]);
    s.finish();
}

#[test]
fn a_component_that_says_nothing_any_more_closes_no_main_room_for_ever() {
    let mut s = parted_in_silence(one_node(50).server(allows_promotion).participant("alice").start());
    s.run_for(Time::from_secs(50));
    assert_eq!(told_component(&s)[1..], ["disconnect-vnode v0"; 3]);
    s.joins("bob");
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert_eq!(answered(&s, "bob"), main_room());
    s.server().options.silent_visitors = false;
    s.finish();
}

/// Its modules are loaded anew when Prosody is asked for its components: they are not there then.
#[test]
fn a_node_is_disconnected_though_the_component_is_announced_no_more() {
    let mut s = one_node(50).participant("alice").start();
    s.settle();
    s.joins_with("vera", wants_to_look_on);
    s.run_until(|s| s.view("vera").connected());
    s.server().options.no_visitors = true;
    s.run_for(Time::from_secs(301));
    s.joins("will");
    s.run_until(|s| s.view("will").connected());
    assert_eq!(answered(&s, "will"), node("v0"), "the main room is closed");
    s.participant("will").leave();
    s.participant("vera").leave();
    s.run_for(Time::from_secs(130));
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    s.joins("bob");
    s.run_until(|s| s.connected(&["alice", "bob"]));
    s.finish();
}
