//! Bridges that refuse, say nothing, or have forgotten what they were asked before: each row of spec/40 §8.

use testkit::Time;
use testkit::bridge::Fault;
use testkit::ns;
use testkit::participant::media::desktop;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::{Element, Read, to_text};

use crate::bridges_support::*;
use crate::by_hand;
use crate::support::*;

/// What a failed allocation costs.
struct Row {
    what: &'static str,
    fault: Fault,
    /// Everybody is invited anew; otherwise nobody else notices.
    all_move: bool,
    marked: bool,
    /// Where whoever is concerned is in the end. None: in the room, without media.
    ends: Option<&'static str>,
}

fn row(what: &'static str, fault: Fault, all_move: bool, marked: bool, ends: Option<&'static str>) -> Row {
    Row { what, fault, all_move, marked, ends }
}

fn of_endpoint(answer: &mut Element) -> Option<&mut Element> {
    let modified = answer.get_child_mut("conference-modified", ns::COLIBRI2)?;
    modified.get_child_mut("endpoint", ns::COLIBRI2)
}

fn rows() -> Vec<Row> {
    let no_modified = Fault::Altered(|answer| _ = answer.remove_child("conference-modified", ns::COLIBRI2));
    let no_endpoint = Fault::Altered(|answer| {
        let modified = answer.get_child_mut("conference-modified", ns::COLIBRI2);
        modified.map(|modified| modified.remove_child("endpoint", ns::COLIBRI2));
    });
    let no_ice = Fault::Altered(|answer| {
        let transport = of_endpoint(answer).and_then(|it| it.get_child_mut("transport", ns::COLIBRI2));
        transport.map(|transport| transport.remove_child("transport", ns::ICE));
    });
    let no_sctp = Fault::Altered(|answer| {
        let transport = of_endpoint(answer).and_then(|it| it.get_child_mut("transport", ns::COLIBRI2));
        transport.map(|transport| transport.remove_child("sctp", ns::COLIBRI2));
    });
    vec![
        row("1", Fault::Lost, true, true, Some("jvb2")),
        row("1, carried out", Fault::Unanswered, true, true, Some("jvb2")),
        row("2", refusal("bad-request", None), false, false, None),
        row("3", refusal("item-not-found", Some("conference_not_found")), true, false, Some("jvb1")),
        row("4", refusal("item-not-found", None), false, false, Some("jvb1")),
        row("5", refusal("conflict", Some("conference_already_exists")), true, false, Some("jvb1")),
        row("6", refusal("conflict", None), true, false, Some("jvb1")),
        row("6, with a reason nobody knows", refusal("conflict", Some("whatever")), true, false, Some("jvb1")),
        row("7", refusal("service-unavailable", Some("graceful_shutdown")), true, false, Some("jvb2")),
        row("8", refusal("service-unavailable", None), true, true, Some("jvb2")),
        row("9", refusal("internal-server-error", None), true, true, Some("jvb2")),
        row("9", refusal("forbidden", None), true, true, Some("jvb2")),
        // The room says that we are not in it: nothing about the bridge.
        row("9, of the room", refusal("not-acceptable", None), false, false, Some("jvb1")),
        row("9, a mismatch", refusal("feature-not-implemented", None), true, false, Some("jvb1")),
        row("10", no_modified, false, true, None),
        row("11, no endpoint", no_endpoint, false, false, None),
        row("11, no ICE transport", no_ice, false, false, None),
        row("12", no_sctp, false, false, None),
    ]
}

/// Rows 1 to 12 of spec/40 §8.1.
///
/// Covers spec/40: 21, 22; spec/90: 91.
#[test]
fn an_allocation_that_fails_costs_what_its_row_says() {
    for Row { what, fault, all_move, marked, ends } in rows() {
        let mut s = meet(two_bridges());
        assert_eq!((s.home_of("alice"), s.home_of("bob")), (Some("jvb1"), Some("jvb1")));
        let before = count(&s, "jvb1");
        s.bridge("jvb1").fail_next(fault);
        s.joins("carol");
        s.run_for(seconds(17));
        s.settle();
        let asked = asked_since(&s, "jvb1", before);
        assert_eq!(asked[0], "+carol", "row {what}");
        let expected = usize::from(all_move);
        assert_eq!((moves(&s, "alice"), moves(&s, "bob"), moves(&s, "carol")), (expected, expected, 0), "row {what}");
        // Nothing is left of it on the bridge.
        assert_eq!(asked[1], if all_move { "expire" } else { "-carol" }, "row {what}: {asked:?}");
        assert_eq!(operational(&s), if marked { 1 } else { 2 }, "row {what}");
        assert_eq!(s.home_of("carol"), ends, "row {what}");
        assert_eq!(s.view("carol").connected(), ends.is_some(), "row {what}");
        assert_eq!(s.home_of("alice"), if all_move { ends } else { Some("jvb1") }, "row {what}");
        let metrics = s.focus().metrics();
        assert_eq!(metrics.bridges_removed, u64::from(all_move), "row {what}");
        assert_eq!(metrics.participants_moved, if all_move { 3 } else { 0 }, "row {what}");
        s.finish();
    }
}

/// What rows 10 to 12 leave out of an answer.
fn omissions() -> Vec<Row> {
    rows().into_iter().filter(|row| ["10", "11", "12"].iter().any(|number| row.what.starts_with(number))).collect()
}

/// The bridge that the conference would be on gives nobody what has to be in its answer, and there is another one.
#[test]
fn whom_a_bridge_gives_half_an_answer_another_one_serves() {
    for Row { what, fault, .. } in omissions() {
        let mut s = two_bridges().start();
        let answers = |s: &mut Scenario| (0..2).for_each(|_| s.bridge("jvb1").fail_next(fault.clone()));
        answers(&mut s);
        s.joins("alice");
        s.joins("bob");
        s.run_for(seconds(5));
        s.settle();
        for name in ["alice", "bob"] {
            assert_eq!((s.home_of(name), offers(&s, name)), (Some("jvb2"), 1), "row {what}, {name}");
        }
        assert!(s.all_connected(), "row {what}");
        assert_eq!(asked(&s, "jvb1").last().map(String::as_str), Some("expire"), "row {what}");
        s.bridge("jvb1").forget_faults();
        s.finish();
    }
}

/// One who comes to a conference on linked bridges goes to another of them, and the others notice nothing.
#[test]
fn one_whom_a_bridge_gives_half_an_answer_goes_to_a_linked_one() {
    for Row { what, fault, .. } in omissions() {
        let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("o", "a")]);
        let before = count(&s, "a");
        s.bridge("a").fail_next(fault);
        s.joins_with("q", |p| p.region = Some("a".into()));
        s.run_for(seconds(5));
        s.settle();
        assert_eq!((s.home_of("q"), s.view("q").connected(), offers(&s, "q")), (Some("b"), true, 1), "row {what}");
        assert_eq!((moves(&s, "p"), moves(&s, "o")), (0, 0), "row {what}");
        assert_eq!(asked_since(&s, "a", before)[..2], ["+q", "-q"], "row {what}");
        s.finish();
    }
}

/// All bridges are like that: each is asked for each participant at most once, and that is all.
#[test]
fn bridges_that_give_half_answers_are_not_asked_without_end() {
    for Row { what, fault, .. } in omissions() {
        let mut s = two_bridges().start();
        for bridge in ["jvb1", "jvb2"] {
            (0..100).for_each(|_| s.bridge(bridge).fail_next(fault.clone()));
        }
        for name in ["alice", "bob", "carol"] {
            s.joins(name);
        }
        s.run_for(seconds(30));
        let created = |s: &Scenario, bridge: &str| asked(s, bridge).iter().filter(|it| it.contains('+')).count();
        let all = created(&s, "jvb1") + created(&s, "jvb2");
        assert!((3..=8).contains(&all), "row {what}: {all}");
        assert!(["alice", "bob", "carol"].iter().all(|name| offers(&s, name) == 0), "row {what}");
        s.run_for(seconds(30));
        assert_eq!(created(&s, "jvb1") + created(&s, "jvb2"), all, "row {what}");
    }
}

/// Covers spec/40: 17.
#[test]
fn a_bridge_that_says_nothing_is_left_after_15_seconds_and_not_taken_for_a_minute() {
    let mut s = meet(two_bridges());
    // An update that nobody answers: nothing happens.
    s.bridge("jvb1").fail_next(Fault::Unanswered);
    s.participant("alice").add_source(desktop());
    s.run_for(seconds(16));
    assert_eq!((moves(&s, "alice"), operational(&s)), (0, 2));
    let (asked_at, before) = (s.now(), count(&s, "jvb1"));
    s.bridge("jvb1").fail_next(Fault::Lost);
    s.joins("carol");
    s.run_for(Time::from_millis(14_900));
    assert_eq!(asked_since(&s, "jvb1", before), ["+carol"]);
    s.run_for(Time::from_millis(200));
    assert_eq!(asked_since(&s, "jvb1", before), ["+carol", "expire"]);
    let metrics = s.focus().metrics();
    assert_eq!((metrics.bridges_removed, metrics.participants_moved), (1, 3));
    s.run_until(Scenario::all_connected);
    for name in ["alice", "bob", "carol"] {
        assert_eq!(s.home_of(name), Some("jvb2"));
    }
    // Another conference avoids it for a minute from then on, though it has less to do and answers its checks.
    let other = "other@conference.meet.test";
    let left = asked_at + seconds(15);
    s.run_for((left + seconds(58)).saturating_sub(s.now()));
    s.joins_with("dave", |p| p.room = other.into());
    s.joins_with("erin", |p| p.room = other.into());
    s.run_for(seconds(1));
    assert_eq!(s.home_of("dave"), Some("jvb2"));
    s.run_for(seconds(10));
    for name in ["frank", "grace"] {
        s.joins_with(name, |p| p.room = "third@conference.meet.test".into());
    }
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("frank"), Some("jvb1"));
    s.finish();
}

/// Several allocations under way when the first is given up: one removal, and everybody is invited once.
#[test]
fn requests_under_way_share_the_fate_of_the_first_that_fails() {
    let mut s = meet(two_bridges());
    for name in ["carol", "dave", "erin"] {
        s.bridge("jvb1").fail_next(Fault::Lost);
        s.joins(name);
        s.run_for(Time::from_millis(300));
    }
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(20));
    assert_eq!(s.focus().metrics().bridges_removed, 1);
    assert_eq!(asked(&s, "jvb1").iter().filter(|it| *it == "expire").count(), 1);
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        assert_eq!((moves(&s, name) <= 1, s.home_of(name)), (true, Some("jvb2")), "{name}");
    }
    assert_eq!(asked(&s, "jvb2").iter().filter(|it| it.contains('+')).count(), 5);
    s.finish();
}

/// The only bridge gives neither of two an endpoint, and so they have no session.
fn both_refused() -> Scenario {
    let mut s = Scenario::new().bridge("jvb1").start();
    for _ in 0..2 {
        s.bridge("jvb1").fail_next(refusal("bad-request", None));
    }
    s.joins("alice");
    s.joins("bob");
    s.run_for(seconds(2));
    assert_eq!((offers(&s, "alice") + offers(&s, "bob"), s.focus().gauges().endpoints), (0, 0));
    s
}

/// Covers spec/40: 18.
#[test]
fn after_a_refused_first_endpoint_the_next_creates_the_conference_again() {
    let mut s = both_refused();
    assert!(asked(&s, "jvb1")[0].starts_with("create +"));
    assert_eq!(operational(&s), 1);
    let before = count(&s, "jvb1");
    s.joins("carol");
    s.run_until(|s| s.connected(&["carol"]));
    let asked = asked_since(&s, "jvb1", before);
    assert!(asked[0].starts_with("create +"), "{asked:?}");
    s.bridge("jvb1").take_errors();
    s.finish();
}

/// The only bridge gives nobody an endpoint, and another one takes its place.
#[test]
fn whom_one_bridge_could_not_serve_the_next_one_does() {
    let mut s = both_refused();
    s.bridge("jvb1").take_errors();
    s.dies("jvb1");
    s.run_for(seconds(5));
    s.add_bridge("jvb2", |_| {});
    s.run_until(Scenario::all_connected);
    assert_eq!((s.home_of("alice"), s.home_of("bob")), (Some("jvb2"), Some("jvb2")));
    s.finish();
}

/// Covers spec/40: 19; spec/90: 92.
#[test]
fn a_conference_that_exists_already_is_expired_and_created_and_that_not_without_end() {
    let exists = || refusal("conflict", Some("conference_already_exists"));
    // Once: expired, and created as soon as that is done.
    let mut s = Scenario::new().bridge("jvb1").start();
    s.bridge("jvb1").fail_next(exists());
    s.joins("alice");
    s.run_for(Time::from_millis(500));
    s.joins("bob");
    s.run_for(seconds(1));
    let order = asked(&s, "jvb1");
    let expired = order.iter().position(|it| it == "expire").expect("an expiry");
    assert_eq!(order.iter().filter(|it| it.starts_with("create")).count(), 2, "{order:?}");
    assert!(order[expired + 1].starts_with("create +"), "{order:?}");
    assert_eq!(operational(&s), 1);
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").take_errors();
    s.finish();
    // Each time: ever more seldom.
    let mut s = Scenario::new().bridge("jvb1").start();
    s.accident(10_000, Fate::IsLost, |d| {
        d.to == "jvb1" && d.stanza.children().any(|it| it.name() == "conference-modify")
    });
    for name in ["alice", "bob"] {
        s.joins(name);
    }
    s.run_for(Time::from_millis(1));
    let mut requests = Vec::new();
    // The bridge's answers are the test's: a conflict to each creation, a result to each expiry.
    while s.now() < seconds(601) {
        let open = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify");
        let new: Vec<_> = open.iter().skip(requests.len()).map(|wire| (wire.at, wire.stanza.clone())).collect();
        for (at, stanza) in new {
            let text = to_text(&stanza);
            requests.push(at);
            let id = testkit::xml::Read::get(&stanza, "id").unwrap_or_default().to_owned();
            let answer = if text.contains("endpoint") {
                format!(
                    "<iq type='error' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'><error type='cancel'><conflict \
                     xmlns='{}'/><error xmlns='{}' reason='conference_already_exists'/></error></iq>",
                    ns::STANZA_ERRORS,
                    ns::COLIBRI2
                )
            } else {
                format!(
                    "<iq type='result' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'><conference-modified xmlns='{}'/></iq>",
                    ns::COLIBRI2
                )
            };
            reaches_focus(&mut s, &answer);
        }
        let waits = if s.now() < seconds(5) { 50 } else { 500 };
        s.run_for(Time::from_millis(waits));
    }
    // Two participants, an expiry each round; a round at once, one after 1, 2, 4 … 30 s.
    assert!((15..=100).contains(&requests.len()), "{} requests in ten minutes", requests.len());
    let last: Vec<Time> = requests.iter().copied().rev().take(12).collect();
    assert!(last[0].saturating_sub(last[11]) > seconds(59), "{last:?}");
    assert_eq!(operational(&s), 1);
}

/// A bridge that takes endpoints and refuses all updates: each round ends in a new one, but not without pause.
#[test]
fn a_bridge_that_fails_after_each_allocation_is_not_asked_without_pause() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.accident(100_000, Fate::IsLost, |d| {
        let text = to_text(&d.stanza);
        d.to == "focus" && d.from == "jvb1" && text.contains("conference-modified") && !text.contains("jvb-a0")
    });
    s.joins("alice");
    s.joins("bob");
    let mut seen = 0;
    while s.now() < seconds(301) {
        let open = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify");
        let new: Vec<Element> = open.iter().skip(seen).map(|wire| wire.stanza.clone()).collect();
        seen += new.len();
        for stanza in new.iter().filter(|stanza| !to_text(stanza).contains("create=")) {
            let id = testkit::xml::Read::get(stanza, "id").unwrap_or_default().to_owned();
            reaches_focus(
                &mut s,
                &format!(
                    "<iq type='error' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'><error type='cancel'>\
                     <internal-server-error xmlns='{}'/></error></iq>",
                    ns::STANZA_ERRORS
                ),
            );
        }
        s.run_for(Time::from_millis(500));
    }
    let rounds = asked(&s, "jvb1").iter().filter(|it| it.starts_with("create")).count();
    assert!((5..=25).contains(&rounds), "{rounds} rounds in five minutes");
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// The part of spec/40, test 23, that concerns one bridge.
///
/// Covers spec/90: 91.
#[test]
fn an_endpoint_that_the_bridge_has_forgotten_is_made_anew_alone() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let (before, session) = (count(&s, "jvb1"), bridge_session(&s, "alice"));
    s.bridge("jvb1").forget_endpoint("alice");
    s.participant("alice").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (1, 0));
    assert_eq!(asked_since(&s, "jvb1", before)[..2], ["alice:sources", "+alice"]);
    assert_eq!(bridge_session(&s, "alice"), session);
    assert_eq!(s.focus().metrics().participants_moved, 1);
    assert_eq!(s.bridge("jvb1").take_errors().len(), 1);
    assert_eq!(s.focus().gauges().endpoints, 2);
    s.finish();
}

/// An answer about an endpoint of the past says nothing of its successor under the same name.
#[test]
fn a_late_unknown_endpoint_is_not_about_who_has_the_name_now() {
    for rejoins in [false, true] {
        let mut s = meet(Scenario::new().bridge("jvb1"));
        s.bridge("jvb1").forget_endpoint("alice");
        s.accident(1, Fate::IsLate(Time::from_millis(400)), |d| {
            d.to == "focus" && to_text(&d.stanza).contains("unknown_endpoint")
        });
        s.participant("alice").add_source(desktop());
        s.run_for(Time::from_millis(100));
        if rejoins {
            s.participant("alice").leave();
            s.run_for(Time::from_millis(50));
            s.joins("alice");
        } else {
            s.participant("alice").restart();
        }
        s.run_until(Scenario::all_connected);
        s.settle();
        assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (0, 0));
        assert_eq!(s.bridge("jvb1").take_errors().len(), 1, "nothing was refused but the first update");
        s.finish();
    }
}

/// Covers spec/40: 20.
#[test]
fn a_bridge_that_is_not_there_is_not_blamed_and_tried_again_ever_more_seldom() {
    let mut s = Scenario::new().bridge("jvb1").start();
    for _ in 0..8 {
        s.bridge("jvb1").fail_next(refusal("item-not-found", None));
    }
    s.joins("alice");
    s.joins("bob");
    s.run_for(Time::from_millis(500));
    let order = asked(&s, "jvb1");
    assert_eq!(order.last().map(String::as_str), Some("expire"), "{order:?}");
    assert_eq!((operational(&s), s.focus().gauges().endpoints, s.focus().metrics().bridges_removed), (1, 0, 0));
    s.run_until(Scenario::all_connected);
    let creates = asked(&s, "jvb1").iter().filter(|it| it.starts_with("create")).count();
    assert!((3..=6).contains(&creates) && s.now() > seconds(4), "{creates} by {:?}", s.now());
    s.bridge("jvb1").take_errors();
    s.finish();
}

/// Covers spec/40: 24, 26; spec/90: 93.
#[test]
fn a_conference_that_the_bridge_has_forgotten_is_made_anew() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let (before, session) = (count(&s, "jvb1"), bridge_session(&s, "alice"));
    let meeting = s.view_bridge("jvb1").conferences().keys().next().expect("a conference").clone();
    s.bridge("jvb1").forget(&meeting);
    s.participant("alice").add_source(desktop());
    s.participant("bob").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    let asked = asked_since(&s, "jvb1", before);
    assert_eq!(asked[..3], ["alice:sources", "bob:sources", "expire"], "{asked:?}");
    assert!(asked[3].starts_with("create +"), "{asked:?}");
    // The second update's error and that of the expiry come for a session that is no more.
    assert_eq!(s.focus().metrics().bridges_removed, 1);
    assert_eq!((moves(&s, "alice"), moves(&s, "bob"), operational(&s)), (1, 1, 1));
    assert_eq!(s.view_bridge("jvb1").conferences().keys().collect::<Vec<_>>(), [&meeting]);
    assert_ne!(bridge_session(&s, "alice"), session);
    assert_eq!(bridge_session(&s, "alice"), bridge_session(&s, "bob"));
    assert_eq!(s.bridge("jvb1").take_errors().len(), 3);
    s.finish();
}

/// The bridge has a conference of a focus that is gone. Whoever the new one is asked for with has left when the bridge says so, and
/// whoever was asked for behind him was given an endpoint in the old one, with all that is left there.
#[test]
fn a_conference_is_not_taken_over_because_nobody_waits_for_the_word_that_it_exists() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.focus_is_replaced();
    s.participant("alice").leave();
    s.bridge("jvb1").settings.delay = seconds(1);
    let before = count(&s, "jvb1");
    for name in ["carol", "dave"] {
        s.joins(name);
    }
    s.run_for(Time::from_millis(500));
    let asked = asked_since(&s, "jvb1", before);
    assert!(asked.iter().any(|it| it.starts_with("create +bob")), "{asked:?}");
    s.participant("bob").leave();
    s.run_until(|s| s.connected(&["carol", "dave"]));
    let on_it: Vec<String> =
        s.view_bridge("jvb1").conferences().values().flat_map(|it| it.endpoints.keys().cloned()).collect();
    assert_eq!(on_it, ["carol", "dave"]);
    s.bridge("jvb1").take_errors();
    s.settle();
    s.finish();
}

/// What was wrong with an update of one endpoint is no reason to move anybody else; other errors are (spec/40 §8.2). Everybody is
/// served in the end, and all views agree.
#[test]
fn an_update_that_fails_costs_what_its_row_says() {
    let table = [
        ("bad-request", None, false),
        ("feature-not-implemented", None, false),
        ("internal-server-error", None, false),
        ("item-not-found", None, true),
        ("forbidden", Some("unspecified"), true),
    ];
    for (condition, reason, all_move) in table {
        let mut s = meet(two_bridges());
        s.bridge("jvb1").fail_next(refusal(condition, reason));
        s.participant("alice").add_source(desktop());
        s.settle();
        s.run_until(Scenario::all_connected);
        assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (1, usize::from(all_move)), "{condition}");
        assert_eq!(operational(&s), 2, "{condition}: never marked");
        assert_eq!(s.focus().metrics().bridges_removed, u64::from(all_move));
        s.finish();
    }
    let mut s = meet(two_bridges());
    s.bridge("jvb1").fail_next(Fault::Altered(|answer| _ = answer.remove_child("conference-modified", ns::COLIBRI2)));
    s.participant("alice").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (1, 1));
    s.finish();
}

/// What the bridge calls wrong with the next endpoint, too, costs its participant that much, and not session after session. A
/// while later it may be another matter.
#[test]
fn what_a_bridge_refuses_again_is_missing_there_and_costs_nobody_a_session() {
    for condition in ["bad-request", "feature-not-implemented"] {
        let mut s = meet(two_bridges());
        s.bridge("jvb1").fail_next(refusal(condition, None));
        s.participant("alice").add_source(desktop());
        s.settle();
        s.run_until(Scenario::all_connected);
        let before = count(&s, "jvb1");
        s.bridge("jvb1").fail_next(refusal(condition, None));
        s.participant("alice").remove_source("alice-v1");
        s.run_for(seconds(30));
        assert_eq!(asked_since(&s, "jvb1", before), ["alice:sources"], "{condition}");
        assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (1, 0), "{condition}");
        assert!(s.view("alice").connected());
        s.run_for(seconds(31));
        s.bridge("jvb1").fail_next(refusal(condition, None));
        s.participant("alice").add_source(desktop());
        s.settle();
        s.run_until(Scenario::all_connected);
        assert_eq!((moves(&s, "alice"), moves(&s, "bob"), operational(&s)), (2, 0, 2), "{condition}");
        s.finish();
    }
}

/// What a client sends goes to the bridge as it is. One who sends what the bridge stumbles over is made anew, each time after a
/// longer while, and nobody else notices.
#[test]
fn one_over_whom_the_bridge_stumbles_does_not_make_the_others_leave_it() {
    let mut s = meet(two_bridges());
    s.joins("mallory");
    s.run_until(Scenario::all_connected);
    s.settle();
    let (session, now) = (bridge_session(&s, "alice"), s.now());
    while s.now() < now + seconds(120) {
        if s.view("mallory").connected() {
            s.bridge("jvb1").fail_next(refusal("internal-server-error", None));
            let sid = by_hand::sid(&s, "mallory");
            let odd = format!("<content name='audio'>{}</content>", by_hand::transport_xml("odd"));
            by_hand::post(&mut s, "mallory", "transport-info", &sid, &odd);
        }
        s.run_for(Time::from_millis(500));
    }
    s.bridge("jvb1").take_errors();
    for name in ["alice", "bob"] {
        assert_eq!((moves(&s, name), bridge_session(&s, name)), (0, session.clone()), "{name}");
    }
    assert!((3..15).contains(&moves(&s, "mallory")), "{}", moves(&s, "mallory"));
    assert_eq!((operational(&s), s.focus().metrics().bridges_removed), (2, 0));
    s.run_until(Scenario::all_connected);
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// Sources, the transport of an accept and the end of an endpoint: whatever of it gets lost, to the bridge or on the way back,
/// the bridge ends with what is right.
#[test]
fn what_a_bridge_did_not_confirm_is_told_again() {
    // Carried out, and not answered: told again all the same, which changes nothing.
    for fault in [|| Fault::Lost, || Fault::Unanswered] {
        let mut s = meet(Scenario::new().bridge("jvb1"));
        let before = count(&s, "jvb1");
        s.bridge("jvb1").fail_next(fault());
        s.participant("alice").add_source(desktop());
        s.run_for(seconds(14));
        assert_eq!(asked_since(&s, "jvb1", before), ["alice:sources"]);
        s.run_for(seconds(3));
        assert_eq!(asked_since(&s, "jvb1", before), ["alice:sources"; 2]);
        assert_eq!((moves(&s, "alice"), moves(&s, "bob"), operational(&s)), (0, 0, 1));
        s.run_for(seconds(40));
        assert_eq!(count(&s, "jvb1"), before + 2, "an answer is the end of it");
        s.finish();
    }
    // An accept.
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.joins_with("carol", |carol| carol.thinks = seconds(1));
    s.run_for(Time::from_millis(500));
    let before = count(&s, "jvb1");
    s.bridge("jvb1").fail_next(Fault::Lost);
    s.run_for(seconds(18));
    let told = asked_since(&s, "jvb1", before);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], told[1]);
    assert!(s.view_bridge("jvb1").endpoint("carol").is_some_and(|carol| carol.transport.is_some()));
    s.finish();
    // An end.
    let mut s = meet(Scenario::new().bridge("jvb1").participant("carol"));
    let before = count(&s, "jvb1");
    s.bridge("jvb1").fail_next(Fault::Lost);
    s.participant("carol").leave();
    s.run_for(seconds(18));
    assert_eq!(asked_since(&s, "jvb1", before), ["-carol"; 2]);
    assert!(s.view_bridge("jvb1").endpoint("carol").is_none());
    s.finish();
}

/// What is told again is what holds by then, and once, however much was lost of it.
#[test]
fn what_is_told_again_is_as_it_is_by_then() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    for _ in 0..3 {
        s.bridge("jvb1").fail_next(Fault::Lost);
    }
    let before = count(&s, "jvb1");
    let camera = s.view("alice").own().sources.iter().rev().find_map(|source| source.name.clone());
    s.participant("alice").add_source(desktop());
    s.run_for(Time::from_millis(300));
    s.participant("alice").remove_source(&camera.expect("she has some"));
    s.run_for(Time::from_millis(300));
    s.participant("bob").add_source(desktop());
    s.run_for(seconds(20));
    let told = asked_since(&s, "jvb1", before + 3);
    assert_eq!(told, ["alice:sources", "bob:sources"]);
    // Somebody leaves and is back under the same name before his end is told again: then it is not.
    let before = count(&s, "jvb1");
    s.bridge("jvb1").fail_next(Fault::Lost);
    s.participant("bob").leave();
    s.run_for(seconds(1));
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(20));
    let ends = asked_since(&s, "jvb1", before).iter().filter(|told| *told == "-bob").count();
    assert_eq!(ends, 1);
    s.bridge("jvb1").take_errors();
    s.finish();
}

/// The connection to the bridges alone is lost and set up anew; what was said to them meanwhile is said again, once they can
/// be reached.
#[test]
fn what_was_said_to_bridges_while_their_connection_was_down_is_said_again() {
    let mut s = meet(Scenario::new().bridge("jvb1").config(|config| {
        testkit::scenario::add_service(config);
    }));
    s.service_is_cut_off();
    s.run_for(seconds(1));
    s.participant("alice").add_source(desktop());
    s.run_for(seconds(3));
    s.service_logs_in_anew();
    s.run_for(seconds(4));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (0, 0));
    s.check();
    s.finish();
}

/// A bridge that knows nobody whom it has just been told of: each new session comes later than the last.
#[test]
fn who_is_lost_by_the_bridge_time_and_again_is_invited_ever_more_seldom() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.participant("bob").settings.patience = seconds(90);
    let start = s.now();
    for _ in 0..3000 {
        s.run_for(Time::from_millis(100));
        if s.view("alice").connected() {
            s.bridge("jvb1").forget_endpoint("alice");
            let last = s.view("alice").own().sources.last().and_then(|source| source.name.clone());
            match last.filter(|_| s.view("alice").own().sources.len() > 8) {
                Some(name) => s.participant("alice").remove_source(&name),
                None => _ = s.participant("alice").add_source(desktop()),
            }
        }
    }
    let invitations = s.sent_to("alice").since(start).jingle("session-initiate").times();
    assert!((10..=20).contains(&invitations.len()), "{} invitations in five minutes", invitations.len());
    let gaps: Vec<u64> = invitations.windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
    assert!(gaps.is_sorted() && gaps.last().is_some_and(|last| *last >= 30), "{gaps:?}");
    assert_eq!(moves(&s, "bob"), 0);
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// Covers spec/40: 27, 28; spec/90: 64.
#[test]
fn an_allocation_of_somebody_who_left_is_nobodys() {
    for returns in [false, true] {
        let mut s = meet(Scenario::new().bridge("jvb1"));
        s.bridge("jvb1").settings.delay = seconds(2);
        let before = count(&s, "jvb1");
        s.joins("carol");
        s.run_for(Time::from_millis(500));
        s.participant("carol").leave();
        s.run_for(Time::from_millis(100));
        assert_eq!(asked_since(&s, "jvb1", before), ["+carol", "-carol"]);
        if returns {
            s.joins("carol");
            s.run_until(|s| s.connected(&["carol"]));
            let asked = asked_since(&s, "jvb1", before);
            assert_eq!(asked[..3], ["+carol", "-carol", "+carol"]);
            assert_eq!(offers(&s, "carol"), 1);
            // The offer is that of the second answer.
            let answers = s.sent_by("jvb1").to("focus").containing("id='carol'").containing("ufrag");
            assert_eq!(answers.count(), 2);
            let ufrag =
                |text: String| text.split("ufrag='").nth(1).and_then(|it| it.split('\'').next()).map(str::to_owned);
            let offer = s.sent_to("carol").jingle("session-initiate").first().text();
            assert_eq!(ufrag(offer), ufrag(answers.last().text()));
        } else {
            s.run_for(seconds(20));
            assert_eq!(asked_since(&s, "jvb1", before), ["+carol", "-carol"]);
        }
        assert_eq!((moves(&s, "alice"), s.focus().metrics().bridges_removed), (0, 0));
        s.finish();
    }
}

/// The conference ends while a bridge is asked for its first endpoints: expired, and nothing is kept for the answers.
#[test]
fn a_conference_that_ends_with_requests_under_way_leaves_nothing() {
    let mut s = Scenario::new().bridge_with("jvb1", |bridge| bridge.delay = seconds(3)).start();
    s.joins("alice");
    s.joins("bob");
    s.run_for(Time::from_millis(500));
    s.participant("alice").leave();
    s.participant("bob").leave();
    s.run_for(Time::from_millis(100));
    let order = asked(&s, "jvb1");
    assert_eq!(order.last().map(String::as_str), Some("expire"), "{order:?}");
    let gauges = s.focus().gauges();
    assert_eq!((gauges.conferences, gauges.endpoints), (0, 0));
    s.run_for(seconds(5));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    s.finish();
}

/// Covers spec/40: 41.
#[test]
fn a_second_answer_decides_nothing() {
    let mut s = meet(two_bridges());
    s.participant("alice").add_source(desktop());
    s.settle();
    let update = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").last().stanza.clone();
    let id = testkit::xml::Read::get(&update, "id").expect("an id").to_owned();
    let unmatched = s.focus().metrics().answers_unmatched;
    reaches_focus(
        &mut s,
        &format!(
            "<iq type='error' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'><error type='wait'><recipient-unavailable \
             xmlns='{}'/></error></iq>",
            ns::STANZA_ERRORS
        ),
    );
    assert_eq!((moves(&s, "alice"), s.focus().metrics().answers_unmatched), (0, unmatched + 1));
    s.dies("jvb1");
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (1, 1));
    assert_eq!((s.focus().metrics().bridges_removed, s.focus().metrics().lost_bridges), (0, 1));
    s.finish();
}

/// Somebody comes just when the last one's endpoint, and the conference with it, is expired (spec/40 §9.3).
#[test]
fn nothing_is_created_on_a_bridge_before_it_has_let_go() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.bridge("jvb1").settings.delay = seconds(1);
    s.participant("bob").leave();
    // Alice is alone for 20 s; then her session ends.
    s.run_for(seconds(19));
    let before = count(&s, "jvb1");
    s.run_for(Time::from_millis(1_300));
    assert_eq!(asked_since(&s, "jvb1", before), ["expire"]);
    s.joins("carol");
    s.run_for(Time::from_millis(700));
    assert_eq!(asked_since(&s, "jvb1", before), ["expire"]);
    s.run_until(|s| s.connected(&["alice", "carol"]));
    assert_eq!(asked_since(&s, "jvb1", before).iter().filter(|it| it.contains("create")).count(), 1);
    assert_eq!(s.view_bridge("jvb1").errors().len(), 0);
    s.finish();
}

/// A bridge that refuses everybody has nobody on it, and so is the least loaded of all: it keeps no conference from the others.
#[test]
fn a_bridge_that_refuses_everybody_keeps_no_conference_from_another() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").start();
    for _ in 0..20 {
        s.bridge("jvb1").fail_next(refusal("feature-not-implemented", None));
    }
    s.joins("alice");
    s.joins("bob");
    s.run_for(seconds(5));
    assert!(asked(&s, "jvb1")[0].starts_with("create +"), "it is asked first: {:?}", asked(&s, "jvb1"));
    assert!(s.connected(&["alice", "bob"]), "{:?}", asked(&s, "jvb2"));
    assert_eq!((s.home_of("alice"), s.home_of("bob")), (Some("jvb2"), Some("jvb2")));
}

/// The last endpoint takes the session with it: a bridge without relay that has gone, or says nothing, keeps nobody.
///
/// Covers spec/90: 87.
#[test]
fn a_bridge_that_the_conference_was_on_once_is_not_chosen_for_that() {
    for (octo, dies) in [(true, true), (true, false), (false, true), (false, false)] {
        let builder = two_bridges().config(move |config| {
            config.octo.enabled = octo;
            config.bridge.selection_strategy = jicofo::config::SelectionStrategy::RegionBased;
        });
        let mut s = meet(builder);
        assert_eq!(s.home_of("alice"), Some("jvb1"));
        s.participant("bob").leave();
        s.run_for(seconds(25));
        // Alice is in the room, and on no bridge.
        assert_eq!((s.focus().gauges().conferences, s.focus().gauges().endpoints), (1, 0));
        if dies {
            s.dies("jvb1");
        } else {
            s.bridge("jvb1").health = testkit::bridge::Health::Silent;
        }
        s.run_for(seconds(60));
        let before = count(&s, "jvb1");
        s.joins("carol");
        s.run_until(|s| s.connected(&["alice", "carol"]));
        assert_eq!((s.home_of("alice"), s.home_of("carol")), (Some("jvb2"), Some("jvb2")), "{octo} {dies}");
        assert_eq!(count(&s, "jvb1"), before);
        s.settle();
        s.finish();
    }
}

/// The only bridge is there, and gives nothing: it is asked ever and again, but seldom; clients are told that there is none, and
/// are not sent from session to session. So is one that says nothing against itself, and refuses each time.
///
/// Covers spec/90: 88.
#[test]
fn the_only_bridge_is_not_asked_without_end_when_it_is_dead() {
    for silent in [true, false] {
        let mut s = Scenario::new().bridge("jvb1").start();
        if silent {
            s.accident(1_000_000, Fate::IsLost, |d| {
                d.to == "jvb1" && d.stanza.children().any(|it| it.name() == "conference-modify")
            });
        } else {
            for _ in 0..1000 {
                s.bridge("jvb1").fail_next(refusal("service-unavailable", None));
            }
        }
        s.joins("alice");
        s.joins("bob");
        s.run_for(seconds(600));
        let creates: Vec<Time> =
            said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").containing("create=").times();
        let tries = creates.chunk_by(|a, b| *b - *a < seconds(10)).count();
        assert!((2..=12).contains(&tries) && creates.len() <= 2 * tries + 2, "{silent}: {creates:?}");
        assert_eq!((offers(&s, "alice"), moves(&s, "alice")), (0, 0));
        // Each time that it counts as well again it is tried; it is told each time that there is none.
        assert_eq!(bridge_not_available(&s, "alice").last(), Some(&true));
        if silent {
            continue;
        }
        s.bridge("jvb1").forget_faults();
        s.run_for(seconds(75));
        assert!(s.all_connected());
        assert_eq!(bridge_not_available(&s, "alice").last(), Some(&false));
        s.bridge("jvb1").take_errors();
        s.settle();
        s.finish();
    }
    let mut s = Scenario::new().bridge("jvb1").start();
    for _ in 0..1000 {
        s.bridge("jvb1").fail_next(refusal("conflict", None));
    }
    s.joins("alice");
    s.joins("bob");
    s.run_for(seconds(600));
    let creates: Vec<Time> =
        said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").containing("create=").times();
    // Not for as long as one that is marked, but each time for longer, up to half a minute.
    let tries = creates.chunk_by(|a, b| *b - *a < Time::from_millis(500)).count();
    assert!((18..=30).contains(&tries) && creates.len() <= 2 * tries + 2, "{tries}: {creates:?}");
    assert_eq!((offers(&s, "alice"), moves(&s, "alice"), operational(&s)), (0, 0, 1));
    s.bridge("jvb1").forget_faults();
    s.run_for(seconds(35));
    assert!(s.all_connected());
    s.bridge("jvb1").take_errors();
    s.settle();
    s.finish();
}

/// A bridge that says nothing of the end of a conference is not waited for where there is another.
#[test]
fn nobody_waits_beside_a_free_bridge_for_one_that_does_not_say_that_it_let_go() {
    let stressed = |stress| move |bridge: &mut testkit::bridge::Settings| bridge.stats.stress = stress;
    let builder = Scenario::new().bridge_with("jvb1", stressed(0.1)).bridge_with("jvb2", stressed(0.3));
    let mut s = builder.participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("alice"), Some("jvb1"));
    let text = "Conference not found for ID: x".to_owned();
    s.bridge("jvb1").fail_next(Fault::Error { kind: "cancel", condition: "item-not-found", text, reason: None });
    let is_end = |d: &Delivery| d.to == "jvb1" && d.stanza.children().any(|it| it.attr("expire") == Some("true"));
    s.accident(1, Fate::IsLost, is_end);
    s.participant("alice").add_source(desktop());
    s.run_for(Time::from_millis(1_900));
    assert!(!s.connected(&["alice"]), "{}", s.story());
    s.run_for(Time::from_millis(1_500));
    assert!(s.all_connected(), "{}", s.story());
    assert!(["alice", "bob"].iter().all(|who| s.view_bridge("jvb2").endpoint(who).is_some()));
    // It ends by itself what nobody sends through.
    let meeting = s.view_bridge("jvb1").conferences().keys().next().cloned().expect("it has not heard of the end");
    s.bridge("jvb1").forget(&meeting);
    s.bridge("jvb1").take_errors();
    s.finish();
}

/// A bridge need not name one whom it does not know in an answer to a mute of several (spec/40 §3.2). If one does, and perhaps late,
/// it takes nobody's session.
#[test]
fn a_mute_of_somebody_whom_the_bridge_does_not_know_moves_nobody() {
    let mut s = crate::moderation::meeting(&["alice", "bob", "carol"]);
    let before = operational(&s);
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.from == "jvb1" && d.stanza.name() == "iq");
    s.participant("alice").moderate("audio", true);
    s.run_for(Time::from_millis(100));
    let mute = said_to(&s, &format!("{BREWERY}/jvb1")).containing("force-mute").last().stanza.clone();
    let id = mute.get("id").expect("an id").to_owned();
    let unknown = format!(
        "<error type='cancel'><item-not-found xmlns='{}'/><error xmlns='{colibri}' reason='UNKNOWN_ENDPOINT'/><endpoint \
         xmlns='{colibri}' id='bob'/></error>",
        ns::STANZA_ERRORS,
        colibri = ns::COLIBRI2
    );
    reaches_focus(&mut s, &format!("<iq type='error' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'>{unknown}</iq>"));
    s.run_for(seconds(5));
    assert_eq!((["alice", "bob", "carol"].map(|name| moves(&s, name)), operational(&s)), ([0; 3], before));
    s.finish();
}

/// Its session lasts where only transports are replaced; but what the bridge calls wrong must not be asked for with the next
/// endpoint, which would be refused as well, and be his last.
#[test]
fn what_a_bridge_refuses_is_not_asked_for_with_the_next_endpoint() {
    let mut s = meet(two_bridges().config(|config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    }));
    let before = count(&s, "jvb1");
    s.bridge("jvb1").fail_next(refusal("bad-request", None));
    s.participant("alice").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    let asked = asked_since(&s, "jvb1", before);
    let allocation = asked.iter().find(|it| it.starts_with('+')).expect("an allocation");
    assert_eq!((allocation.as_str(), moves(&s, "alice"), moves(&s, "bob")), ("+alice", 1, 0), "{asked:?}");
    s.finish();
}

/// That an update was refused before says nothing of a mute: it is told again all the same.
#[test]
fn a_mute_is_told_again_though_an_update_was_refused_before() {
    let mut s = crate::moderation::meeting(&["alice", "bob", "carol"]);
    s.bridge("jvb1").fail_next(refusal("bad-request", None));
    s.participant("bob").add_source(desktop());
    s.settle();
    s.run_until(Scenario::all_connected);
    let before = s.now();
    s.bridge("jvb1").fail_next(refusal("bad-request", None));
    s.participant("alice").moderate("audio", true);
    s.run_for(Time::from_secs(10));
    let mutes = crate::moderation::force_mutes(&s, before);
    assert_eq!((mutes.len(), mutes[0].len()), (2, 2), "{mutes:?}");
    assert_eq!(mutes[0], mutes[1]);
    s.finish();
}

/// A mute that the bridge calls wrong is told again, once: one that it always calls wrong is not asked for without end.
#[test]
fn a_mute_that_is_refused_is_told_again_once() {
    for (refusals, told) in [(1, 2), (2, 2)] {
        let mut s = crate::moderation::meeting(&["alice", "bob", "carol"]);
        let before = s.now();
        (0..refusals).for_each(|_| s.bridge("jvb1").fail_next(refusal("feature-not-implemented", None)));
        s.participant("alice").moderate("audio", true);
        s.run_for(Time::from_secs(30));
        let mutes = crate::moderation::force_mutes(&s, before);
        assert_eq!((mutes.len(), mutes.iter().all(|it| *it == mutes[0])), (told, true), "{mutes:?}");
        assert_eq!((moves(&s, "bob"), s.focus().metrics().bridges_removed), (0, 0));
        if refusals == 1 {
            s.finish();
        }
    }
}

/// A mute of several that is lost is told again as what it was: one request.
#[test]
fn a_mute_of_several_that_is_lost_is_told_again_in_one_request() {
    let mut s = crate::moderation::meeting(&["alice", "bob", "carol", "dave"]);
    let before = s.now();
    s.accident(1, Fate::IsLost, |d: &Delivery| d.to == "jvb1" && to_text(&d.stanza).contains("force-mute"));
    s.participant("alice").moderate("audio", true);
    s.run_for(Time::from_secs(20));
    let told = crate::moderation::force_mutes(&s, before);
    assert_eq!((told.len(), told.first().map(Vec::len)), (2, Some(3)), "{told:?}");
    assert_eq!(told[0], told[1]);
    s.finish();
}

/// A bridge in graceful shutdown is better than one that drains, and refuses each new conference: the other one is taken then.
#[test]
fn a_draining_bridge_is_taken_where_all_better_ones_refuse() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").start();
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = true);
    s.bridge("jvb2").publish(|stats| stats.drain = true);
    s.run_for(seconds(1));
    for name in ["alice", "bob"] {
        s.joins(name);
    }
    s.run_for(seconds(5));
    assert!(s.connected(&["alice", "bob"]), "{}", s.story());
    assert_eq!(s.view_bridge("jvb2").endpoint_count(), 2);
    assert!(count(&s, "jvb1") > 0, "it was asked first");
}

/// More leave a bridge that has died than can be placed at once. Whoever waits for his turn and asks for another session, as his
/// media is gone, names the bridge's session that he knows: he is not told that there is none, or his client would load its page
/// again.
#[test]
fn whoever_waits_to_be_moved_may_ask_for_another_session_himself() {
    for in_place in [false, true] {
        let mut s = Scenario::new().bridge_with("jvb1", stressed(0.1)).start();
        let names: Vec<String> = (0..54).map(|number| format!("p{number}")).collect();
        names.iter().for_each(|name| s.joins(name));
        s.run_until(Scenario::all_connected);
        s.add_bridge("jvb2", stressed(0.3));
        s.run_for(seconds(1));
        s.dies("jvb1");
        s.run_for(Time::from_millis(1));
        let waits = names.last().expect("somebody");
        assert!(s.sent_to(waits).jingle("session-terminate").is_empty());
        match in_place {
            true => s.participant(waits).restart_ice(),
            false => s.participant(waits).restart(),
        }
        s.run_for(seconds(3));
        s.run_until(Scenario::all_connected);
        assert_eq!(s.participant(waits).take_refusals().len(), 0);
        s.settle();
        s.finish();
    }
}
