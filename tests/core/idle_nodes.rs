//! Rooms of visitors that are used by nobody, or by those alone who want to look on: whom they make a visitor of (spec/60 §6.6).

use testkit::Time;
use testkit::ns;
use testkit::participant::Place;
use testkit::scenario::Scenario;

use super::visitors::{MIRROR, answered, main_room, node, one_node, told_component, wants_to_look_on, with_limit};
use crate::support::*;

/// A client that does not come.
fn asks(s: &mut Scenario, id: &str, wish: &str) -> Option<String> {
    let version = "<property name='visitors-version' value='1'/>";
    request(s, "g", id, &format!("<conference xmlns='{}' room='{ROOM}'>{version}{wish}</conference>", ns::FOCUS));
    s.settle();
    of_conference(&only(s, "g", id), "vnode").map(str::to_owned)
}

const TO_LOOK_ON: &str = "<property name='visitor' value='true'/>";

/// While Prosody has a node connected it lets nobody into the main room (spec/60 §6.11): until the node is given up.
#[test]
fn one_who_wants_to_look_on_and_does_not_come_does_not_close_the_main_room_for_ever() {
    let mut s = one_node(50).participant("alice").start();
    s.settle();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    assert_eq!(asks(&mut s, "first", TO_LOOK_ON).as_deref(), Some("v0"));
    assert_eq!(asks(&mut s, "meanwhile", "").as_deref(), Some("v0"), "Prosody would not let it in");
    assert_eq!(told_component(&s), ["connect-vnode v0"]);
    s.run_for(Time::from_secs(170));
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    assert!(leaves(&s, MIRROR).is_empty(), "its node closes the room before we leave it");
    s.joins("bob");
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert_eq!(answered(&s, "bob"), main_room());
    // Whoever wants to look on begins the room anew, and is in it.
    s.joins_with("vera", wants_to_look_on);
    s.run_until(|s| s.view("vera").connected());
    assert_eq!((answered(&s, "vera"), joins(&s, MIRROR).count()), (node("v0"), 2));
    s.run_for(Time::from_secs(400));
    assert!(s.view("vera").connected());
    // Until the last one has gone.
    s.participant("vera").leave();
    s.run_for(Time::from_secs(190));
    assert_eq!(told_component(&s)[2..], ["connect-vnode v0", "disconnect-vnode v0"]);
    s.finish();
}

/// Each time that somebody goes it has all of its time to come.
#[test]
fn a_room_of_visitors_is_not_given_up_just_after_it_was_used() {
    let mut s = one_node(50).participant("alice").start();
    s.settle();
    s.joins_with("vera", wants_to_look_on);
    s.run_until(|s| s.view("vera").connected());
    s.run_for(Time::from_secs(115));
    s.participant("vera").leave();
    s.run_for(Time::from_secs(60));
    assert_eq!(told_component(&s), ["connect-vnode v0"], "it is a minute since somebody was there");
    s.run_for(Time::from_secs(70));
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    s.finish();
}

/// Who logs in during a meeting asks once more: he would be sent out of it.
#[test]
fn whoever_is_in_the_main_room_is_not_sent_to_a_node() {
    let mut s = one_node(1).participant("alice").start();
    s.settle();
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    assert_eq!(answered(&s, "vera"), node("v0"));
    let version = "<property name='visitors-version' value='1'/>";
    request(
        &mut s,
        "alice",
        "again",
        &format!("<conference xmlns='{}' room='{ROOM}'>{version}</conference>", ns::FOCUS),
    );
    s.settle();
    let answer = only(&s, "alice", "again");
    assert_eq!((of_conference(&answer, "ready"), of_conference(&answer, "vnode")), (Some("true"), None));
    s.finish();
}

/// Where a moderator has yet to let visitors in, who waits at the door closes nothing; a main room that is full does.
#[test]
fn whoever_waits_at_the_door_of_a_node_closes_no_main_room() {
    let mut s = one_node(2).config(|config| config.visitors.auto_enable_broadcast = false).participant("alice").start();
    s.settle();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    assert_eq!(asks(&mut s, "first", TO_LOOK_ON).as_deref(), Some("v0"));
    assert_eq!(asks(&mut s, "second", ""), None, "there is a place");
    s.joins("bob");
    s.run_until(|s| s.view("bob").place() == Place::InRoom);
    assert_eq!(answered(&s, "bob"), main_room());
    assert_eq!(asks(&mut s, "third", "").as_deref(), Some("v0"), "full");
    s.participant("bob").leave();
    s.run_for(Time::from_secs(300));
    assert_eq!(asks(&mut s, "fourth", "").as_deref(), Some("v0"), "it was full once");
    assert!(told_component(&s).is_empty() && leaves(&s, MIRROR).is_empty());
    s.finish();
}

#[test]
fn one_client_that_asks_again_and_again_fills_no_node() {
    let mut s = with_limit(1).config(|config| config.visitors.max_visitors_per_node = 2).participant("alice").start();
    s.settle();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    connect(&mut s, "h", "h1@guest.meet.test/r1");
    let first = asks(&mut s, "0", "");
    assert!(first.is_some());
    for number in 1..20 {
        assert_eq!(asks(&mut s, &number.to_string(), ""), first, "{number}");
    }
    s.joins("vera");
    s.run_until(|s| s.view("vera").connected());
    assert_eq!(answered(&s, "vera").0, first);
    s.finish();
}

/// A place in a room of visitors whose name is that of one who has yet to be missed there.
#[test]
fn whoever_has_the_name_of_one_who_is_lost_has_a_place_when_that_is_known() {
    let mut s = with_limit(1).config(|config| config.visitors.max_visitors_per_node = 1).participant("alice").start();
    s.settle();
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    let first = answered(&s, "vera").0.expect("a node");
    s.joins("wilma");
    s.run_until(|s| s.all_connected());
    let second = answered(&s, "wilma").0.expect("a node");
    assert_ne!(first, second);
    // One called like her on the other node, as who comes back while her old node is cut off.
    let mirror = |node: &str| format!("room@conference.{node}.meet.test");
    let presence = |node: &str, kind: &str| {
        format!(
            "<presence{kind} from='{}/vera' to='focus@auth.{node}.meet.test/focus'><x xmlns='{}'><item affiliation='none' \
             role='visitor' jid='vera2@{node}.meet.test/web'/></x></presence>",
            mirror(node),
            ns::MUC_USER
        )
    };
    let now = s.now();
    s.server().send(
        now,
        &format!("focus/visitors/{}", &second[1..]),
        testkit::xml::parse(&presence(&second, "")).unwrap(),
    );
    s.settle();
    assert_eq!(offers_to(&s, &mirror(&second)), 0);
    s.participant("vera").leave();
    s.settle();
    let asked = s.said().containing(&format!("{}/vera", mirror(&second)));
    assert!(!asked.is_empty(), "what she supports is asked:\n{}", s.story());
    let now = s.now();
    let gone = presence(&second, " type='unavailable'");
    s.server().send(now, &format!("focus/visitors/{}", &second[1..]), testkit::xml::parse(&gone).unwrap());
    s.settle();
    s.server().take_violations();
    s.finish();
}

fn offers_to(s: &Scenario, mirror: &str) -> usize {
    s.said().containing(&format!("{mirror}/vera")).count()
}

/// Where nobody is counted who has yet to come, the room waits for him all the same.
#[test]
fn a_room_of_visitors_waits_for_the_first_one_whoever_counts() {
    let nobody_counts = |config: &mut jicofo::config::Config| {
        config.visitors.vnode_join_latency_interval = std::time::Duration::ZERO;
    };
    let mut s = one_node(50).config(nobody_counts).participant("alice").start();
    s.settle();
    s.joins_with("vera", wants_to_look_on);
    s.run_until(|s| s.view("vera").connected());
    assert_eq!((answered(&s, "vera"), told_component(&s)), (node("v0"), vec!["connect-vnode v0".to_owned()]));
    s.participant("vera").leave();
    s.run_for(Time::from_secs(30));
    assert_eq!(told_component(&s), ["connect-vnode v0", "disconnect-vnode v0"]);
    s.finish();
}
