//! Several bridges in one conference, and one of them fails: who moves, and that the others are linked as before.

use jicofo::config::SelectionStrategy;
use testkit::Time;
use testkit::bridge::Fault;
use testkit::ns;
use testkit::participant::media::desktop;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::{Read, to_text};

use crate::bridges_support::*;
use crate::support::*;

/// Who was told to move.
fn moved(s: &Scenario) -> Vec<String> {
    let all = s.participants().map(|p| p.nick().to_owned());
    all.filter(|name| moves(s, name) > 0).collect()
}

fn passive(answer: &mut testkit::xml::Element) {
    let relay = answer
        .get_child_mut("conference-modified", ns::COLIBRI2)
        .and_then(|it| it.get_child_mut("relay", ns::COLIBRI2));
    let transport = relay.and_then(|it| it.get_child_mut("transport", ns::COLIBRI2));
    let ice = transport.and_then(|it| it.get_child_mut("transport", ns::ICE));
    if let Some(fingerprint) = ice.and_then(|it| it.get_child_mut("fingerprint", ns::DTLS)) {
        testkit::xml::set_attr(fingerprint, "setup", "passive");
    }
}

fn no_transport(answer: &mut testkit::xml::Element) {
    let relay = answer
        .get_child_mut("conference-modified", ns::COLIBRI2)
        .and_then(|it| it.get_child_mut("relay", ns::COLIBRI2));
    relay.map(|relay| relay.remove_child("transport", ns::COLIBRI2));
}

/// The answer to the creation of a link is none that a link can be made of: the bridge that gave it is left, and no half of a
/// link stays anywhere.
///
/// Covers spec/40: 13; spec/90: 90.
#[test]
fn a_bridge_that_makes_no_link_is_left_and_no_half_of_it_stays() {
    /// What is wrong, and after how many seconds it is known.
    type Row = (&'static str, fn() -> Fault, u64);
    let table: [Row; 5] = [
        ("the wrong role", || Fault::Altered(passive), 0),
        ("no transport", || Fault::Altered(no_transport), 0),
        ("no answer", || Fault::Unanswered, 15),
        ("relays are off", || refusal("feature-not-implemented", None), 0),
        ("an error", || refusal("internal-server-error", None), 0),
    ];
    for (case, fault, after) in table {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("r", "a")]);
        let (before, session) = (s.said().count(), bridge_session(&s, "p"));
        s.bridge("a").fail_next(fault());
        s.joins_with("q", |p| p.region = Some("b".into()));
        s.run_for(Time::from_secs(after) + Time::from_millis(500));
        s.run_until(Scenario::all_connected);
        s.settle();
        let order = asked_all_since(&s, before);
        let left = order.iter().position(|it| it == "a: expire").unwrap_or_else(|| panic!("{case}: {order:?}"));
        assert_eq!(order[left + 1], "b: >a expire", "{case}");
        assert_eq!(moved(&s), ["p", "r"], "{case}: only who was on it");
        let metrics = s.focus().metrics();
        assert_eq!((metrics.bridges_removed, metrics.participants_moved), (1, 2), "{case}");
        assert_eq!(operational(&s), 2, "{case}: nobody is marked");
        assert_ne!(bridge_session(&s, "p"), session, "{case}");
        s.bridge("a").take_errors();
        s.finish();
    }
}

/// A bridge whose relays never work does not keep the conference busy, and everybody is served by the one that does.
#[test]
fn a_bridge_that_cannot_be_linked_is_asked_ever_more_seldom() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("r", "a")]);
    s.accident(1_000, Fate::IsLost, |d| d.to == "b" && to_text(&d.stanza).contains("<relay"));
    s.accident(1_000, Fate::IsLost, |d| d.from == "b" && to_text(&d.stanza).contains("relay"));
    s.joins_with("q", |p| p.region = Some("b".into()));
    s.run_for(seconds(300));
    let rounds = asked(&s, "b").iter().filter(|it| it.starts_with("create")).count();
    assert!((2..=12).contains(&rounds), "{rounds} rounds in five minutes");
    assert_eq!((moved(&s), s.view("p").connected()), (vec!["q".to_owned()], true));
    s.server().forget_rules();
    s.bridge("b").take_errors();
}

/// Covers spec/40: 25.
#[test]
fn an_update_that_nobody_answers_costs_nothing_and_a_link_that_nobody_makes_costs_the_session() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "a")]);
    s.bridge("a").fail_next(Fault::Unanswered);
    s.bridge("b").fail_next(Fault::Unanswered);
    s.participant("p").add_source(desktop());
    s.run_for(seconds(20));
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0));
    s.finish();
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("r", "a")]);
    s.accident(1, Fate::IsLost, |d| d.from == "b" && to_text(&d.stanza).contains("<relay"));
    s.joins_with("q", |p| p.region = Some("b".into()));
    s.run_for(Time::from_millis(14_500));
    assert_eq!(s.focus().metrics().bridges_removed, 0);
    s.run_for(seconds(1));
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed, operational(&s)), (vec!["q".to_owned()], 1, 2));
    s.run_until(Scenario::all_connected);
    s.finish();
}

/// Covers spec/40: 23.
#[test]
fn an_endpoint_that_its_bridge_forgot_is_forgotten_by_the_others_and_may_go_there() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b")]);
    s.bridge("a").forget_endpoint("p");
    // The next best for it is the other one.
    s.bridge("a").publish(|stats| stats.stress = 0.9);
    s.settle();
    let before = s.said().count();
    s.participant("p").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    let order = asked_all_since(&s, before);
    let expected = ["a: p:sources", "b: >a p:sources", "b: >a -p", "b: +p", "a: >b +p"];
    assert_eq!(order[..5], expected, "{order:?}");
    assert_eq!((moved(&s), s.home_of("p")), (vec!["p".to_owned()], Some("b")));
    assert_eq!(s.focus().metrics().participants_moved, 1);
    s.bridge("a").take_errors();
    s.finish();
}

/// Covers spec/40: 26; spec/90: 93.
#[test]
fn what_a_bridge_says_of_a_session_that_is_over_changes_nothing() {
    // That it stumbled over somebody, and that it could do nothing at all.
    for condition in ["internal-server-error", "service-unavailable"] {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "b")]);
        // The answers to an update and to a link come when the session is no more.
        s.accident(2, Fate::IsLate(seconds(3)), move |d| {
            d.to == "focus" && d.from == "a" && to_text(&d.stanza).contains(condition)
        });
        s.bridge("a").fail_next(refusal(condition, None));
        s.bridge("a").fail_next(refusal(condition, None));
        s.participant("p").add_source(desktop());
        s.participant("q").add_source(desktop());
        s.run_for(Time::from_millis(100));
        s.participant("p").leave();
        s.run_for(Time::from_millis(500));
        s.joins_with("t", |p| p.region = Some("a".into()));
        s.run_until(Scenario::all_connected);
        let before = s.said().count();
        s.run_for(seconds(5));
        assert_eq!(asked_all_since(&s, before), [""; 0], "{condition}");
        assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0), "{condition}");
        assert_eq!(s.home_of("t"), Some("a"), "{condition}");
        s.finish();
    }
}

/// Covers spec/40: 29, 43.
#[test]
fn only_who_is_on_a_bridge_that_goes_moves() {
    type Row = (&'static str, fn(&mut Scenario));
    let goes: [Row; 3] = [
        ("leaves", |s| s.dies("a")),
        ("shuts down", |s| s.bridge("a").publish(|stats| stats.shutting_down = true)),
        ("is ill", |s| s.bridge("a").health = testkit::bridge::Health::Failing("ill".into())),
    ];
    for (case, goes) in goes {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b")]);
        let (before, offered) = (s.said().count(), offers(&s, "q"));
        s.bridge("a").publish(|stats| stats.drain = true);
        s.bridge("a").publish(|stats| stats.graceful_shutdown = true);
        s.run_for(Time::from_millis(50));
        assert_eq!(asked_all_since(&s, before), [""; 0], "nothing");
        goes(&mut s);
        s.run_for(seconds(12));
        s.run_until(Scenario::all_connected);
        let order = asked_all_since(&s, before);
        assert_eq!(order[..2], ["a: expire", "b: >a expire"], "{case}: {order:?}");
        assert_eq!((moved(&s), offers(&s, "q")), (vec!["p".to_owned(), "o".to_owned()], offered), "{case}");
        assert_eq!((s.home_of("p"), s.home_of("o")), (Some("b"), Some("b")), "{case}");
        assert_eq!(s.focus().metrics().bridges_removed, 0, "{case}");
        s.finish();
    }
}

/// Covers spec/40: 42; spec/90: 70.
#[test]
fn the_others_are_rid_of_a_dead_bridge_before_anybody_is_placed_anew() {
    let mut builder = linked(&["a", "b"]);
    builder = builder.config(|config| config.octo.sctp_datachannels = false);
    let mut s = people(builder.start(), &[("p", "a"), ("q", "b"), ("r", "b")]);
    let before = s.said().count();
    s.dies("a");
    s.run_until(Scenario::all_connected);
    s.settle();
    let name = |wire: &testkit::wire_log::Wire| {
        let to = wire.stanza.get("to").unwrap_or_default();
        let to = to.rsplit('/').next().unwrap_or_default();
        let jingle = ["session-terminate", "source-remove", "session-initiate", "source-add"];
        let action = jingle.into_iter().find(|action| wire.jingle(action).is_some());
        let count = to_text(&wire.stanza).contains("bridge-count").then_some("bridge count");
        action.or(count).map(|what| format!("{to}: {what}"))
    };
    let all: Vec<String> =
        s.said().iter().skip(before).filter_map(|wire| name(wire).or_else(|| asked_all_of(wire))).collect();
    let expected = [
        "a: expire",
        "b: >a expire",
        "focus: bridge count",
        "q: source-remove",
        "r: source-remove",
        "p: session-terminate",
        "b: +p",
    ];
    let mut first = all[..7].to_vec();
    // The order of what different people are told is none of the others' business.
    first[3..6].sort();
    let mut sorted = expected;
    sorted[3..6].sort();
    assert_eq!(first, sorted, "{all:?}");
    assert!(!all.iter().any(|it| it.contains('>') && it.contains('p') && !it.contains("expire")), "{all:?}");
    s.finish();
}

/// Covers spec/40: 32.
#[test]
fn a_dead_bridge_between_two_is_bridged() {
    for core in [&["a", "b"][..], &["a", "b", "c"]] {
        let mut bridges = core.to_vec();
        bridges.push("v");
        let builder = linked(&bridges)
            .config(|config| {
                config.visitors.enabled = true;
                config.bridge.topology_strategy = jicofo::config::TopologyStrategy::Visitor;
            })
            .server(|options| options.visitors = ["vera"].map(String::from).into());
        let builder = builder.config(|config| config.bridge.stress_threshold = 0.7);
        let mut s = people(builder.start(), &[("h", "a"), ("p", "b")]);
        if core.len() > 2 {
            s = people(s, &[("o", "c")]);
        }
        for other in core.iter().filter(|name| **name != "a") {
            s.bridge(other).publish(|stats| stats.stress = 0.8);
        }
        s.settle();
        s.joins_with("vera", |p| (p.region, p.tracks) = (Some("v".into()), Vec::new()));
        s.settle();
        s.run_until(Scenario::all_connected);
        // Somebody who is no visitor is with them.
        s = people(s, &[("x", "v")]);
        for other in core.iter().filter(|name| **name != "a") {
            let stress = if *other == "b" { 0.1 } else { 0.2 };
            s.bridge(other).publish(|stats| stats.stress = stress);
        }
        s.settle();
        let before = s.said().count();
        s.dies("a");
        s.run_for(Time::from_millis(1));
        let order = asked_all_since(&s, before);
        let expected = if core.len() > 2 {
            &[
                "a: expire",
                "b: >a expire",
                "c: >a expire",
                "v: >a expire",
                "b: >v create 2 +x",
                "v: >b create 2 +p +o",
                "c: >b +x",
            ][..]
        } else {
            &["a: expire", "b: >a expire", "v: >a expire", "b: >v create 2 +x", "v: >b create 2 +p"]
        };
        assert_eq!(order[..expected.len()], *expected, "{order:?}");
        s.run_until(Scenario::all_connected);
        assert_eq!(moved(&s), ["h"]);
        s.finish();
    }
}

/// Covers spec/40: 16; spec/90: 96, 97.
#[test]
fn a_bridge_that_cannot_be_linked_is_not_asked_at_all() {
    // Relays are off, whatever bridges could do; the bridge of the conference fails its checks, and another is well.
    let off = two_bridges();
    let unwanted = linked(&["jvb1", "jvb2"]).config(|config| config.octo.enabled = false);
    // Relays are on; the other bridge has none.
    let without = linked(&["jvb1"]).bridge("jvb2");
    for builder in [off, unwanted, without] {
        let mut s = meet(builder.config(|config| config.bridge.health_checks.interval = seconds(5)));
        assert_eq!((s.home_of("alice"), s.home_of("bob")), (Some("jvb1"), Some("jvb1")));
        s.bridge("jvb1").health = testkit::bridge::Health::Silent;
        s.run_for(seconds(45));
        assert_eq!(operational(&s), 1);
        s.joins("carol");
        s.run_for(seconds(10));
        assert_eq!(asked(&s, "jvb2"), [""; 0]);
        assert_eq!(bridge_not_available(&s, "alice"), [false]);
        assert_eq!((s.view("carol").connected(), s.home_of("carol"), moved(&s)), (true, Some("jvb1"), vec![]));
        s.finish();
    }
}

/// Covers spec/90: 86.
#[test]
fn nobody_is_invited_to_a_dead_bridge_that_the_conference_is_still_on() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a")]);
    s.bridge("a").health = testkit::bridge::Health::Silent;
    s.run_for(seconds(50));
    assert_eq!(operational(&s), 1);
    let before = s.said().count();
    s.joins_with("q", |p| p.region = Some("a".into()));
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("q"), Some("b"), "{:?}", asked_all_since(&s, before));
    assert_eq!(moved(&s), [""; 0]);
    s.finish();
}

/// Links, and who is behind them, no timer of a bridge ends: what it did not hear of the end of a conference there it is told
/// again when it next speaks, whether or not the conference goes on elsewhere. Once.
#[test]
fn a_bridge_that_did_not_hear_of_the_end_of_a_linked_conference_is_told_again() {
    let is_end = |d: &Delivery| {
        d.to == "a" && d.stanza.kids("conference-modify", ns::COLIBRI2).any(|it| it.get("expire") == Some("true"))
    };
    for (goes_on, losses) in [(true, 1), (true, 2), (false, 1), (false, 2)] {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "b")]);
        s.accident(losses, Fate::IsLost, is_end);
        let before = count(&s, "a");
        s.participant("p").leave();
        if !goes_on {
            s.participant("q").leave();
            s.participant("r").leave();
        }
        s.run_for(seconds(14));
        assert_eq!(asked_since(&s, "a", before).last().map(String::as_str), Some("expire"));
        assert_eq!((s.view_bridge("a").conferences().len(), s.focus().gauges().conferences), (1, usize::from(goes_on)));
        // Nothing came within 15 s; it speaks every five.
        s.run_for(seconds(7));
        let ends = |s: &Scenario| asked_since(s, "a", before).iter().filter(|it| *it == "expire").count();
        assert_eq!((ends(&s), s.view_bridge("a").conferences().len()), (2, losses - 1), "{goes_on} {losses}");
        s.run_for(seconds(60));
        assert_eq!(ends(&s), 2, "{goes_on} {losses}");
        assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0));
        if losses == 1 {
            s.finish();
        }
    }
    // One that no other was linked with ends by itself what nobody sends through.
    let mut s = linked_meeting(&["a"], &[("p", "a"), ("q", "a")]);
    s.accident(1, Fate::IsLost, is_end);
    let before = count(&s, "a");
    s.participant("p").leave();
    s.participant("q").leave();
    s.run_for(seconds(60));
    assert_eq!(asked_since(&s, "a", before).iter().filter(|it| *it == "expire").count(), 1);
}

/// The bridge speaks when the conference is being made there again, or when somebody is about to go there: neither is ended by
/// what is told again.
#[test]
fn a_conference_that_is_on_the_bridge_again_is_not_ended_there() {
    let silent = || {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "b")]);
        s.accident(1, Fate::IsLost, |d| {
            d.to == "a" && d.stanza.kids("conference-modify", ns::COLIBRI2).any(|it| it.get("expire") == Some("true"))
        });
        let before = count(&s, "a");
        s.participant("p").leave();
        s.bridge("a").settings.presence_interval = Time::ZERO;
        s.run_for(seconds(16));
        assert_eq!((asked_since(&s, "a", before), operational(&s)), (vec!["expire".to_owned()], 2));
        s.bridge("a").settings.delay = seconds(1);
        (s, before)
    };
    let connects = |mut s: Scenario, before: usize, last: &[&str]| {
        s.run_until(|s| s.connected(&["q", "r", "t"]));
        assert_eq!(asked_since(&s, "a", before)[..last.len()], *last);
        assert_eq!((moved(&s), offers(&s, "t"), s.home_of("t")), (vec![], 1, Some("a")));
        s.bridge("a").take_errors();
        s.settle();
        s.finish();
    };
    let made = ["create +t", ">b create 0 +q +r", ">b transport"];
    let (mut s, before) = silent();
    s.joins_with("t", |p| p.region = Some("a".into()));
    s.run_for(Time::from_millis(500));
    s.bridge("a").publish(|_| {});
    s.run_for(Time::from_millis(200));
    // It has the conference yet, and is asked to let go of it first.
    connects(s, before, &[&["expire", "expire"], &made[..]].concat());

    let (mut s, before) = silent();
    s.bridge("a").publish(|_| {});
    s.run_for(Time::from_millis(100));
    s.joins_with("t", |p| p.region = Some("a".into()));
    s.run_for(Time::from_millis(700));
    assert_eq!(asked_since(&s, "a", before), ["expire", "expire"], "what is to come waits for the answer");
    connects(s, before, &[&["expire", "expire"], &made[..]].concat());
}

/// It was cut off when the conference left it, and comes back as it was.
#[test]
fn a_bridge_that_comes_back_is_told_what_is_over() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "b")]);
    let now = s.now();
    s.server().put_out(now, BREWERY, "a", &["333"]);
    s.run_for(seconds(2));
    s.run_until(Scenario::all_connected);
    assert_eq!((moved(&s), s.view_bridge("a").conferences().len()), (vec!["p".to_owned()], 1));
    let before = count(&s, "a");
    s.bridge("a").join();
    s.run_for(seconds(2));
    assert_eq!(asked_since(&s, "a", before), ["expire"]);
    assert_eq!(s.view_bridge("a").conferences().len(), 0);
    s.settle();
    s.finish();
}

/// Our session ended, and with it all conferences, of which nobody could tell the bridges.
#[test]
fn after_a_new_login_bridges_are_told_what_they_had_linked() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "b")]);
    let before = [count(&s, "a"), count(&s, "b")];
    s.focus_is_disconnected();
    s.everybody_leaves_now();
    s.run_for(seconds(3));
    s.focus_logs_in_anew();
    s.run_for(seconds(6));
    for (bridge, before) in ["a", "b"].into_iter().zip(before) {
        assert_eq!(asked_since(&s, bridge, before), ["expire"], "{bridge}");
        assert!(s.view_bridge(bridge).conferences().is_empty());
    }
    s.run_for(seconds(30));
    assert_eq!([count(&s, "a"), count(&s, "b")], before.map(|before| before + 1), "once");
    s.finish();
}

/// What it could not be told is not what it let pass: it is told again if that is lost.
#[test]
fn a_bridge_that_could_not_be_told_what_is_over_is_told_until_it_hears_of_it_once() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b"), ("r", "b")]);
    s.focus_is_disconnected();
    s.participant("p").leave();
    s.run_for(seconds(3));
    s.accident(1, Fate::IsLost, |d| {
        d.to == "a" && d.stanza.kids("conference-modify", ns::COLIBRI2).any(|it| it.get("expire") == Some("true"))
    });
    let before = count(&s, "a");
    s.focus_logs_in_anew();
    // Who loses the focus loads its page again; the room lasts, and the meeting with it.
    for (old, new) in [("q", "q2"), ("r", "r2")] {
        s.participant(old).leave();
        s.joins_with(new, |p| p.region = Some("b".into()));
    }
    s.run_until(|s| s.connected(&["q2", "r2"]));
    s.run_for(seconds(6));
    assert_eq!((asked_since(&s, "a", before), s.view_bridge("a").conferences().len()), (vec!["expire".to_owned()], 1));
    s.run_for(seconds(20));
    assert_eq!(asked_since(&s, "a", before), ["expire", "expire"]);
    assert!(s.view_bridge("a").conferences().is_empty());
    s.run_for(seconds(30));
    assert_eq!(count(&s, "a"), before + 2);
    s.finish();
}

/// The death of a bridge that the conference is not on, or that nobody is on, is nobody's business.
#[test]
fn the_death_of_an_unrelated_or_empty_bridge_moves_nobody() {
    let mut s = linked_meeting(&["a", "b", "c", "d"], &[("p", "a"), ("q", "b")]);
    let other = "other@conference.meet.test";
    for name in ["x", "y"] {
        s.joins_with(name, |p| (p.region, p.room) = (Some("c".into()), other.into()));
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = s.said().count();
    s.dies("d");
    s.run_for(seconds(1));
    assert_eq!(asked_all_since(&s, before), [""; 0], "empty");
    s.dies("c");
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(moved(&s), ["x", "y"]);
    s.finish();
}

/// When the focus asked other bridges for an endpoint, since then.
fn placed(s: &Scenario, since: Time) -> Vec<Time> {
    let all = s.said().since(since);
    all.iter()
        .filter(|wire| asked_all_of(wire).is_some_and(|it| it.contains(": +") || it.contains("create +")))
        .map(|it| it.at)
        .collect()
}

/// A bridge dies with more endpoints than others are to get at once: some move at once, the others one after the other, and
/// whoever comes anew does not wait.
#[test]
fn many_endpoints_of_a_dead_bridge_move_one_after_the_other() {
    let mut s = linked(&["a", "b", "c"]).config(|config| config.bridge.stress_threshold = 10.0).start();
    for number in 0..40 {
        for room in ["one", "two"] {
            s.joins_with(&format!("{room}-{number}"), |p| {
                p.room = format!("{room}@conference.meet.test");
                p.region = Some("a".into());
                p.profile = testkit::participant::profile::Profile::ssrc_rewriting();
                p.tracks = vec![testkit::participant::media::microphone()];
            });
        }
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view_bridge("a").endpoint_count(), 80);
    let died = s.now();
    s.dies("a");
    s.run_for(Time::from_millis(1));
    let at_once = placed(&s, died).len();
    assert!((45..=50).contains(&at_once), "{at_once} at once");
    // Nobody leaves the second conference's bridge unheard of: it is rid of it, whoever waits.
    assert_eq!(asked(&s, "a").iter().filter(|it| *it == "expire").count(), 2);
    for name in ["x", "y"] {
        s.joins_with(name, |p| p.room = "third@conference.meet.test".into());
    }
    s.run_for(Time::from_millis(60));
    assert!(s.connected(&["x", "y"]), "who comes anew does not wait");
    s.run_for(seconds(1));
    s.run_until(Scenario::all_connected);
    let mut times = placed(&s, died);
    times.sort_unstable();
    for window in times[at_once..].windows(8) {
        assert!(window[7] - window[0] >= Time::from_millis(20), "two a bridge every 20 ms: {times:?}");
    }
    let last = times.last().expect("all have moved").saturating_sub(died);
    assert!(last < seconds(1), "{last:?}");
    assert_eq!(s.focus().metrics().participants_moved, 80);
    s.settle();
    s.finish();
}

/// Somebody who waits to be moved may leave, lose patience, or see the whole conference end.
#[test]
fn who_waits_to_be_moved_may_go_or_ask_for_himself() {
    for ends in [false, true] {
        let mut s = linked(&["a", "b"]).config(|config| config.bridge.stress_threshold = 10.0).start();
        let names: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
        for name in &names {
            s.joins_with(name, |p| {
                p.region = Some("a".into());
                p.profile = testkit::participant::profile::Profile::ssrc_rewriting();
                p.tracks = vec![testkit::participant::media::microphone()];
            });
        }
        s.run_until(Scenario::all_connected);
        s.settle();
        s.dies("a");
        s.run_for(Time::from_millis(1));
        assert_eq!(s.focus().metrics().participants_moved, 50 - 1);
        if ends {
            let (now, room) = (s.now(), s.room().to_owned());
            s.server().destroy(now, &room, "over");
            s.settle();
            assert_eq!((s.focus().audit(), s.focus().gauges().conferences), (vec![], 0));
            continue;
        }
        s.participant("p59").leave();
        s.participant("p58").restart();
        s.run_for(seconds(1));
        s.run_until(Scenario::all_connected);
        s.settle();
        assert_eq!(s.focus().metrics().participants_moved, 58, "but for one who left and one who asked");
        s.participants().for_each(|p| assert!(p.refusals().len() <= 1));
        s.participant("p58").take_refusals();
        s.finish();
    }
}

/// Covers spec/30: 44.
#[test]
fn two_move_to_where_a_third_is() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b")]);
    let (before, died) = (s.said().count(), s.now());
    let own = |s: &Scenario, name: &str| s.view(name).own().sources.iter().map(|it| it.ssrc).collect::<Vec<_>>();
    let (of_p, of_o, there) = (own(&s, "p"), own(&s, "o"), bridge_session(&s, "q"));
    s.dies("a");
    s.run_until(Scenario::all_connected);
    s.settle();
    let what = |wire: &testkit::wire_log::Wire| {
        let nick = wire.stanza.get("to")?.rsplit('/').next()?;
        let action = ["session-terminate", "source-remove"].into_iter().find(|action| wire.jingle(action).is_some())?;
        Some(format!("{nick}: {action}"))
    };
    let mut order: Vec<String> = s.said().iter().skip(before).filter_map(what).collect();
    // The first is gone for all the others, who are there still; then the second for the third.
    order[..3].sort();
    assert_eq!(order[..3], ["o: source-remove", "p: session-terminate", "q: source-remove"], "{order:?}");
    let mut last = order[3..].to_vec();
    last.sort();
    assert_eq!(last, ["o: session-terminate", "q: source-remove"], "{order:?}");
    for name in ["p", "o"] {
        let offers = s.sent_to(name).since(died).jingle("session-initiate");
        assert_eq!((offers.count(), bridge_session(&s, name)), (1, there.clone()));
    }
    assert!(
        own(&s, "p").iter().all(|ssrc| !of_p.contains(ssrc)) && own(&s, "o").iter().all(|ssrc| !of_o.contains(ssrc))
    );
    s.finish();
}

/// The pace is that of the bridges to which they go: who drains, or is elsewhere, makes it no faster.
#[test]
fn no_bridge_gets_more_at_once_because_there_are_others_that_take_nobody() {
    let idle = ["c", "d", "e", "f"];
    let mut s = linked(&["a", "b"]).config(|config| config.bridge.stress_threshold = 10.0);
    for name in idle {
        s = s.bridge_with(name, move |bridge| {
            bridge.stats.relay_id = Some(name.into());
            bridge.stats.drain = true;
        });
    }
    let mut s = s.start();
    for number in 0..80 {
        s.joins_with(&format!("p{number}"), |p| {
            p.region = Some("a".into());
            p.profile = testkit::participant::profile::Profile::ssrc_rewriting();
            p.tracks = vec![testkit::participant::media::microphone()];
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view_bridge("a").endpoint_count(), 80);
    let died = s.now();
    s.dies("a");
    s.run_for(seconds(1));
    s.run_until(Scenario::all_connected);
    assert_eq!(s.view_bridge("b").endpoint_count(), 80);
    let mut times = placed(&s, died);
    times.sort_unstable();
    assert_eq!(times.len(), 80);
    for window in times[50..].windows(3) {
        assert!(window[2] - window[0] >= Time::from_millis(20), "two every 20 ms: {times:?}");
    }
    s.settle();
    s.finish();
}

/// While the only bridge of a conference says nothing, who comes goes to one that can be linked with it, and not to none because
/// another has less to do.
#[test]
fn a_bridge_without_relay_keeps_nobody_from_another_while_ours_is_silent() {
    for strategy in [SelectionStrategy::RegionBased, SelectionStrategy::Split] {
        let builder = linked(&["a", "b"]).config(move |config| config.bridge.selection_strategy = strategy);
        let mut s = people(builder.bridge_with("n", stressed(0.9)).start(), &[("p", "a"), ("o", "a")]);
        // All bridges of the conference say nothing.
        let ours: Vec<String> = ["p", "o"].iter().filter_map(|name| s.home_of(name).map(str::to_owned)).collect();
        ours.iter().for_each(|name| s.bridge(name).health = testkit::bridge::Health::Silent);
        s.bridge("n").publish(|stats| stats.stress = 0.0);
        s.run_for(seconds(50));
        let free = ["a", "b"].iter().find(|name| !ours.contains(&(**name).to_owned()));
        s.joins_with("q", |p| p.region = Some("c".into()));
        s.run_for(seconds(2));
        assert_eq!(count(&s, "n"), 0, "{strategy:?}");
        // Where all that can be linked are silent, one of them is asked: it may answer.
        let home = s.home_of("q");
        assert!(home == free.copied() || (free.is_none() && home.is_some_and(|home| home != "n")), "{strategy:?}");
        assert!(free.is_some() || strategy == SelectionStrategy::Split);
    }
}

/// The strategy is for one bridge, and the conference came to be on two, as the first took nobody for a while: who comes then goes to
/// one of them. With a version to which it is pinned, only to one of that.
#[test]
fn who_comes_to_a_conference_that_is_on_two_bridges_against_its_strategy_goes_to_one_of_them() {
    for by_kind in [false, true] {
        let mut s = linked(&["a", "b"])
            .config(move |config| {
                let bridge = &mut config.bridge;
                bridge.selection_strategy = SelectionStrategy::Single;
                if by_kind {
                    bridge.selection_strategy = SelectionStrategy::Visitor;
                    bridge.participant_selection_strategy = Some(SelectionStrategy::Single);
                    bridge.visitor_selection_strategy = Some(SelectionStrategy::RegionBased);
                }
            })
            .start();
        s.bridge("b").publish(|stats| stats.stress = 0.5);
        s.settle();
        s = people(s, &[("p", "a"), ("q", "a")]);
        assert_eq!((s.home_of("p"), s.home_of("q")), (Some("a"), Some("a")), "{by_kind}");
        // What another conference is refused marks the bridge.
        s.bridge("a").fail_next(refusal("internal-server-error", None));
        s.joins_with("x", |p| {
            p.room = "other@conference.meet.test".into();
            p.region = Some("a".into());
        });
        s.joins_with("y", |p| p.room = "other@conference.meet.test".into());
        s.settle();
        assert_eq!(operational(&s), 1, "{by_kind}");
        s = people(s, &[("r", "a")]);
        assert_eq!(s.home_of("r"), Some("b"), "{by_kind}");
        s.run_for(seconds(120));
        assert_eq!(operational(&s), 2, "{by_kind}");
        s = people(s, &[("t", "a"), ("u", "b")]);
        assert!([Some("a"), Some("b")].contains(&s.home_of("t")), "{by_kind}");
        assert_eq!(moves(&s, "p") + moves(&s, "r"), 0, "{by_kind}");
        s.bridge("a").take_errors();
        s.finish();
    }
}

/// A bridge refuses what one of another bridge sends: that is of him alone. He is made known there anew; whom it refuses then, too,
/// is not seen there, and everybody else stays where he is and is seen.
///
/// (spec/40 §8.2, "Improve".)
#[test]
fn what_a_bridge_refuses_of_one_behind_a_relay_concerns_nobody_else() {
    for condition in ["bad-request", "internal-server-error", "feature-not-implemented"] {
        for refusals in [1, 2] {
            let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b"), ("r", "b")]);
            s.bridge("b").fail_next(refusal(condition, None));
            if refusals > 1 {
                // Of the next two, one ends something, and is let through.
                s.bridge("b").fail_next(refusal(condition, None));
            }
            let before = s.said().count();
            s.participant("p").add_source(desktop());
            s.run_for(seconds(5));
            let order = asked_all_since(&s, before);
            assert_eq!(order, ["a: p:sources", "b: >a p:sources", "b: >a -p", "b: >a +p"], "{condition}");
            assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0), "{condition}");
            // The others go on.
            s.participant("o").add_source(desktop());
            s.run_for(seconds(1));
            assert_eq!(asked_all_since(&s, before)[4..], ["a: o:sources", "b: >a o:sources"], "{condition}");
            if refusals == 1 {
                s.finish();
            }
        }
    }
}

/// A bridge refuses all that is said of its links, the end of somebody behind one included: each is said once, and whoever comes,
/// changes or goes is no reason to tell it again for ever.
///
/// (spec/40 §8.2, "Improve".)
#[test]
fn a_bridge_that_refuses_all_that_is_said_of_a_link_is_told_once() {
    for condition in ["bad-request", "internal-server-error", "feature-not-implemented"] {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b"), ("r", "b")]);
        s.bridge("b").refuses_links = Some(condition);
        let before = s.said().count();
        s.participant("p").add_source(desktop());
        s.run_for(seconds(30));
        let order = asked_all_since(&s, before);
        assert_eq!(order, ["a: p:sources", "b: >a p:sources", "b: >a -p", "b: >a +p"], "{condition}");
        let before = s.said().count();
        s.participant("o").leave();
        s.run_for(seconds(30));
        let mut order = asked_all_since(&s, before);
        order.sort();
        assert_eq!(order, ["a: -o", "b: >a -o"], "{condition}: who is gone is not made known again");
        // He goes before the bridge has refused what he sends.
        let before = s.said().count();
        s.bridge("b").settings.delay = seconds(1);
        s.participant("p").add_source(testkit::participant::media::microphone());
        s.run_for(Time::from_millis(200));
        s.participant("p").leave();
        s.run_for(seconds(30));
        let again = asked_all_since(&s, before).iter().filter(|it| it.contains("+p")).count();
        assert_eq!((again, moved(&s), s.focus().metrics().bridges_removed), (0, vec![], 0), "{condition}");
        s.bridge("b").take_errors();
    }
}

/// The bridge has not the end of a link that it is told about: the link is made anew, once. If that is of no use it is left.
#[test]
fn a_link_that_a_bridge_does_not_have_is_made_anew() {
    let unknown =
        || Fault::Error { kind: "modify", condition: "bad-request", text: "Unknown relay a".into(), reason: None };
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b")]);
    s.bridge("b").fail_next(unknown());
    let before = s.said().count();
    s.participant("p").add_source(desktop());
    s.run_for(seconds(5));
    let order = asked_all_since(&s, before);
    let anew = ["a: >b expire", "b: >a expire", "a: >b create 0 +q", "b: >a create 0 +p +o"];
    assert_eq!(order[2..6], anew, "{order:?}");
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0));
    s.check();
    s.bridge("b").fail_next(unknown());
    s.participant("o").add_source(desktop());
    s.run_for(seconds(5));
    s.run_until(Scenario::all_connected);
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec!["q".to_owned()], 1));
    s.finish();
    // It has never heard of it: what follows the creation says so long before that is given up.
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("r", "a")]);
    s.bridge("a").fail_next(Fault::Lost);
    s.joins_with("q", |p| p.region = Some("b".into()));
    s.run_for(seconds(5));
    s.run_until(Scenario::all_connected);
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0));
    s.bridge("a").take_errors();
    s.finish();
}

/// That one link of a bridge was made anew just now says nothing of another. What was to be told again of a link that is made anew
/// is told with it, and not once more.
#[test]
fn links_are_made_anew_each_for_itself() {
    let unknown = |relay: &str| Fault::Error {
        kind: "modify",
        condition: "bad-request",
        text: format!("Unknown relay {relay}"),
        reason: None,
    };
    let mut s = linked_meeting(&["a", "b", "c"], &[("p", "a"), ("q", "b"), ("r", "c")]);
    for (who, relay) in [("q", "b"), ("r", "c")] {
        let before = s.said().count();
        s.bridge("a").fail_next(unknown(relay));
        s.participant(who).add_source(desktop());
        s.run_for(seconds(5));
        let order = asked_all_since(&s, before);
        assert!(order.contains(&format!("a: >{relay} expire")), "{order:?}");
        assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0), "{relay}");
    }
    s.bridge("a").fail_next(unknown("c"));
    s.participant("r").add_source(testkit::participant::media::microphone());
    s.run_for(seconds(5));
    s.run_until(Scenario::all_connected);
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec!["p".to_owned()], 1));
    s.bridge("a").take_errors();

    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a")]);
    s.accident(1, Fate::IsLost, |d: &Delivery| {
        let text = to_text(&d.stanza);
        d.to == "b" && text.contains("<relay") && text.contains("ufrag")
    });
    s.joins_with("q", |p| p.region = Some("b".into()));
    s.run_until(|s| asked(s, "b").iter().any(|it| it == ">a transport"));
    // It is given up, and about to be told again.
    s.run_for(Time::from_millis(15_500));
    let before = s.said().count();
    s.bridge("b").fail_next(unknown("a"));
    s.participant("p").add_source(desktop());
    s.run_for(seconds(5));
    let order = asked_all_since(&s, before);
    assert!(order.contains(&"b: >a expire".to_owned()), "{order:?}");
    assert_eq!(order.iter().filter(|it| *it == "b: >a transport").count(), 1, "{order:?}");
    s.bridge("b").take_errors();
    s.finish();
}

/// The end of an endpoint is told again, and the bridge stumbles over it: it is gone, and that concerns nobody.
#[test]
fn an_end_over_which_the_bridge_stumbles_moves_nobody() {
    let mut s = meet(two_bridges().participant("carol"));
    s.bridge("jvb1").fail_next(Fault::Lost);
    s.participant("carol").leave();
    s.run_for(seconds(10));
    s.accident(1, Fate::IsAnError, |d: &Delivery| {
        d.to == "focus" && d.from == "jvb1" && to_text(&d.stanza).contains("expire")
    });
    s.run_for(seconds(8));
    assert_eq!(asked(&s, "jvb1").iter().filter(|it| *it == "-carol").count(), 2);
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec![], 0));
    s.finish();
}

/// A bridge says nothing any more, and those on it hear and see as before. Whoever joins on a bridge that is linked with it moves
/// nobody, and it is told of him when it speaks again. Whoever joins on another one needs a link to it: if it does not make one, the
/// meeting is kept whole by leaving it, and nobody else moves (docs/BRIDGES.md).
#[test]
fn a_silent_bridge_of_several_is_left_when_a_new_link_is_needed_and_not_before() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a"), ("q", "b")]);
    s.accident(10_000, Fate::IsLost, |d: &Delivery| d.to == "a" && d.stanza.name() == "iq");
    s.run_for(seconds(60));
    assert_eq!((operational(&s), moved(&s)), (1, vec![]));
    s.joins_with("t", |p| p.region = Some("b".into()));
    s.run_for(seconds(100));
    assert_eq!((moved(&s), s.home_of("t"), s.focus().metrics().bridges_removed), (vec![], Some("b"), 0));
    // Also whoever would be on the silent one.
    s.joins_with("u", |p| p.region = Some("a".into()));
    s.run_for(seconds(100));
    assert_eq!((moved(&s), s.home_of("u"), s.focus().metrics().bridges_removed), (vec![], Some("b"), 0));
    s.server().forget_rules();
    s.run_for(seconds(40));
    s.check();
    assert_eq!(moved(&s), [""; 0]);
    s.run_for(seconds(60));
    // Silent again, and another bridge is to be linked with it.
    s.accident(10_000, Fate::IsLost, |d: &Delivery| d.to == "a" && d.stanza.name() == "iq");
    s.run_for(seconds(60));
    s.add_bridge("c", |bridge| {
        bridge.stats.relay_id = Some("c".into());
        bridge.stats.region = Some("c".into());
    });
    s.run_for(seconds(1));
    s.joins_with("v", |p| p.region = Some("c".into()));
    s.run_for(seconds(13));
    assert_eq!((s.home_of("v"), moved(&s)), (Some("c"), vec![]), "it has its time to answer");
    s.run_for(seconds(5));
    s.run_until(Scenario::all_connected);
    assert_eq!((moved(&s), s.focus().metrics().bridges_removed), (vec!["p".to_owned(), "o".to_owned()], 1));
    s.server().forget_rules();
    s.run_for(seconds(60));
    s.bridge("a").take_errors();
    s.finish();
}
