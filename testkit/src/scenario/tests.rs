//! Scenarios of the core, to see that the kit works.

use jicofo::focus::Connection;
use jicofo::focus::audit::{Census, Held};
use jicofo::wire::sm::{Incoming, read_stanza};

use super::driver::what_failure_did;
use crate::Time;
use crate::bridge::Fault;
use crate::participant::media::{desktop, microphone};
use crate::participant::profile::Profile;
use crate::room::Fate;
use crate::scenario::Scenario;

#[test]
fn two_participants_meet() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("alice").add_source(desktop());
    s.settle();
    assert_eq!(s.sent_to("bob").jingle("session-initiate").count(), 1);
    s.participant("bob").leave();
    s.finish();
}

#[test]
fn clients_of_all_kinds_meet() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .participant("alice")
        .participant_with("old", |p| p.profile = Profile::old())
        .participant_with("xml", |p| p.profile = Profile::xml_sources())
        .participant_with("phone", |p| {
            p.profile = Profile::audio_only();
            p.tracks = vec![microphone()];
        })
        .participant_with("rewriter", |p| p.profile = Profile::ssrc_rewriting())
        .start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.check();
    s.participant("alice").add_source(desktop());
    s.participant("xml").add_source(desktop());
    s.settle();
    s.participant("alice").remove_source("alice-v1");
    s.settle();
    s.participant("old").leave();
    s.finish();
}

#[test]
fn latency_and_seeds() {
    for seed in 0..20 {
        let mut s = Scenario::new()
            .seed(seed)
            .latency(Time::from_millis(1), Time::from_millis(120))
            .bridge("jvb1")
            .participant("alice")
            .participant("bob")
            .participant_with("carol", |p| p.thinks = Time::from_millis(300))
            .start();
        s.run_for(Time::from_millis(400 + 37 * seed));
        s.joins("dave");
        s.run_for(Time::from_millis(29 * seed));
        s.participant("bob").leave();
        s.run_until(Scenario::all_connected);
        s.finish();
    }
}

#[test]
fn same_seed_same_wire() {
    let play = || {
        let mut s = Scenario::new()
            .seed(7)
            .latency(Time::from_millis(1), Time::from_millis(50))
            .bridge("jvb1")
            .participant("alice")
            .participant("bob")
            .start();
        s.run_until(Scenario::all_connected);
        s.log().iter().map(|wire| format!("{:?} {} {}", wire.at, wire.to, wire.text())).collect::<Vec<_>>()
    };
    assert_eq!(play(), play());
}

#[test]
fn a_bridge_dies() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = s.now();
    let home = s.home_of("alice").expect("a home").to_owned();
    s.dies(&home);
    s.run_for(Time::from_secs(5));
    s.run_until(Scenario::all_connected);
    assert_ne!(s.home_of("alice"), Some(home.as_str()));
    let bob = s.sent_to("bob").since(before);
    assert_eq!(bob.clone().jingle("session-terminate").count(), 1);
    assert!(bob.clone().jingle("session-terminate").come_before(&bob.jingle("session-initiate")));
    s.finish();
}

#[test]
fn an_allocation_fails_and_another_bridge_is_taken() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("alice").start();
    s.settle();
    let error = Fault::Error { kind: "cancel", condition: "internal-server-error", text: "x".into(), reason: None };
    s.bridge("jvb1").fail_next(error);
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    assert_eq!((s.home_of("alice"), s.home_of("bob")), (Some("jvb2"), Some("jvb2")));
    // The second endpoint's request had left behind the first.
    assert!(s.bridge("jvb1").take_errors().iter().all(|error| error.condition == "item-not-found"));
    s.finish();
}

#[test]
fn a_participant_restarts() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("alice").restart();
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!(s.view("alice").sessions(), 2);
    s.participant("bob").restart_ice();
    s.finish();
}

#[test]
fn the_bridge_forgets_a_conference() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let meeting = s.view_bridge("jvb1").conferences().keys().next().expect("a conference").clone();
    s.bridge("jvb1").forget(&meeting);
    s.participant("alice").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!(s.bridge("jvb1").take_errors()[0].condition, "item-not-found");
    s.bridge("jvb1").take_errors();
    s.finish();
}

#[test]
fn the_bridge_forgets_an_endpoint() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").forget_endpoint("alice");
    s.participant("alice").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!(s.bridge("jvb1").take_errors().len(), 1);
    s.finish();
}

#[test]
fn the_focus_resumes_its_stream() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.focus_is_cut_off();
    s.participant("alice").add_source(desktop());
    s.joins("carol");
    s.run_for(Time::from_secs(5));
    s.focus_resumes();
    s.run_until(Scenario::all_connected);
    s.finish();
}

#[test]
fn the_component_wiring() {
    let mut s = Scenario::new().component().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.finish();
}

#[test]
fn a_second_answer_changes_nothing() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.accident(1, Fate::ComesTwice(Time::from_secs(4)), |d| {
        d.to == "focus" && d.from == "bob" && d.stanza.attr("type") == Some("result")
    });
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.run_for(Time::from_secs(6));
    s.finish();
}

#[test]
fn a_hundred_participants() {
    let mut builder = Scenario::new().bridge("jvb1");
    for number in 0..60 {
        builder = builder.participant(&format!("p{number:02}"));
    }
    let mut s = builder.start();
    s.run_until(Scenario::all_connected);
    s.finish();
}

#[test]
fn alone_then_two_then_alone() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("bob").leave();
    s.run_for(Time::from_secs(25));
    assert!(s.view("alice").session().is_none());
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.finish();
}

#[test]
fn the_room_is_destroyed_and_entered_again() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let (now, room) = (s.now(), s.room().to_owned());
    s.server().destroy(now, &room, "The meeting has been terminated");
    s.settle();
    s.joins_with("carol", |_| {});
    s.joins_with("dave", |_| {});
    s.run_until(|s| s.connected(&["carol", "dave"]));
    s.finish();
}

/// Whatever the kit is to notice, it does notice.
#[test]
fn differing_views_are_noticed() {
    let loses = |to: &'static str, what: &'static str| {
        let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
        s.run_until(Scenario::all_connected);
        s.settle();
        assert_eq!(s.disagreements(), Vec::<String>::new());
        s.accident(1, Fate::IsLost, move |d| d.to == to && crate::xml::to_text(&d.stanza).contains(what));
        s.participant("alice").add_source(desktop());
        s.run_for(Time::from_secs(12));
        (s.disagreements(), s.complaints())
    };
    let (disagreements, _) = loses("bob", "source-add");
    assert!(disagreements[0].starts_with("bob knows of alice"), "{disagreements:?}");
    let (disagreements, _) = loses("jvb1", "alice-v1");
    assert!(disagreements[0].starts_with("jvb1 has of alice"), "{disagreements:?}");
    let (_, complaints) = loses("alice", "result");
    assert!(complaints.iter().any(|c| c.contains("no answer to source-add")), "{complaints:?}");
    let (_, complaints) = loses("focus", "source-add");
    assert!(complaints.iter().any(|c| c.contains("the focus never answered")), "{complaints:?}");
}

#[test]
fn what_is_left_is_noticed() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.accident(10, Fate::IsLost, |d| d.to == "jvb1" && crate::xml::to_text(&d.stanza).contains("expire="));
    s.everybody_leaves();
    let wrong = s.leftovers();
    assert!(wrong.iter().any(|w| w.contains("is left on jvb1")), "{wrong:?}");
}

#[test]
fn a_failure_that_costs_more_than_one_conference_is_noticed() {
    let held = |id, nicks: &[&str]| Held { id, members: nicks.iter().map(|nick| ((*nick).to_owned(), true)).collect() };
    let all = |rooms: &[(&str, Held)]| -> Census {
        rooms.iter().map(|(room, it)| ((*room).to_owned(), it.clone())).collect()
    };
    let (a, b, c) = (("a", held(1, &["alice"])), ("b", held(2, &["bob", "carol"])), ("c", held(3, &["dave"])));
    let before = all(&[a.clone(), b.clone(), c.clone()]);
    // What came with the input was the end of one.
    let without = all(&[a.clone(), b.clone()]);

    assert_eq!(what_failure_did(&before, &without, &without), (None, Vec::new()));
    let (ended, wrong) = what_failure_did(&before, &without, &all(std::slice::from_ref(&b)));
    assert_eq!((ended.as_deref(), wrong), (Some("a"), Vec::new()));

    let (ended, wrong) = what_failure_did(&before, &without, &Census::new());
    assert_eq!((ended, &wrong[..]), (None, &["one failure of the core ended 2 conferences: a, b".to_owned()][..]));
    // One that began anew is another.
    let (_, wrong) = what_failure_did(&before, &without, &all(&[("b", held(7, &["bob", "carol"]))]));
    assert!(wrong[0].contains("ended 2 conferences"), "{wrong:?}");
    let (ended, wrong) = what_failure_did(&before, &without, &all(&[("b", held(2, &["bob"]))]));
    assert_eq!(ended.as_deref(), Some("a"));
    assert!(wrong[0].contains("changed another conference: in b are"), "{wrong:?}");
}

/// The core is played once more, without the failure, to see what it cost.
#[test]
fn a_failure_is_known_by_the_room_that_it_ended() {
    let mut s = Scenario::new().recorded().bridge("jvb1").participant("alice").participant("bob").start();
    let (room, other) = (s.room().to_owned(), s.room().replace("room@", "other@"));
    for name in ["carol", "dave"] {
        s.joins_with(name, |settings| settings.room = other.clone());
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s.sabotage(0);
    s.participant("alice").add_source(desktop());
    while s.failures() == 0 {
        assert!(s.step(s.now() + Time::from_secs(1)));
    }
    assert_eq!(s.failed_in(), Some(room.as_str()));
    assert_eq!(s.focus().census().into_keys().collect::<Vec<_>>(), [other]);
    assert!(!s.complaints().iter().any(|it| it.contains("a failure of the core")), "{:?}", s.complaints());
}

#[test]
fn what_is_asked_of_bridges_about_what_is_over_is_noticed() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let meeting = s.view_bridge("jvb1").conferences().keys().next().expect("a conference").clone();
    let wrong = |s: &Scenario, bridge: &str, change: &str| {
        let to = format!("{}/{bridge}", s.brewery());
        let text = format!(
            "<iq xmlns='jabber:client' type='get' id='1' to='{to}'><conference-modify xmlns='jitsi:colibri2' {change}/></iq>"
        );
        let Ok(Incoming::Stanza(stanza)) = read_stanza(&text) else { panic!("a stanza: {text}") };
        s.focus().audit_output(Connection::Client, &stanza)
    };
    let about = |meeting: &str| format!("meeting-id='{meeting}'");
    assert_eq!(wrong(&s, "jvb1", &about(&meeting)), None);
    let over =
        |found: Option<String>, what: &str| assert!(found.as_ref().is_some_and(|it| it.contains(what)), "{found:?}");
    over(wrong(&s, "jvb1", &about("another")), "about a conference that has ended");
    over(wrong(&s, "jvb2", &about(&meeting)), "on which room@conference.meet.test is not");
    over(wrong(&s, "jvb3", &about(&meeting)), "to a bridge that is gone");
    // What is over may be said.
    assert_eq!(wrong(&s, "jvb1", &format!("{} expire='true'", about("another"))), None);
    s.dies("jvb1");
    s.settle();
    over(wrong(&s, "jvb1", &about(&meeting)), "to a bridge that is gone");
}
