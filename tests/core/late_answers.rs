//! Answers to what was replaced, or has gone, when they come: they decide nothing about what took its place.

use jicofo::config::{Config, ReinviteMethod};
use jicofo::focus::command::{Command, Moved, Reply};
use testkit::Time;
use testkit::room::{Delivery, Fate};
use testkit::scenario::{Builder, Scenario};
use testkit::wire_log::Wire;
use testkit::xml::Read;

use crate::bridges_support::*;
use crate::by_hand::{jingle, reason, sid};
use crate::support::*;

/// A client confirms an offer.
fn is_confirmation_of(who: &'static str) -> impl Fn(&Delivery) -> bool {
    move |d| {
        let is_empty_result = d.stanza.get("type") == Some("result") && d.stanza.children().next().is_none();
        d.to == "focus" && d.from == who && d.stanza.name() == "iq" && is_empty_result
    }
}

/// The answer to a request that reached `from` comes only now.
fn answers_now(s: &mut Scenario, from: &str, request: &str, kind: &str, children: &str) {
    s.inject(from, &format!("<iq type='{kind}' id='{request}' to='{ROOM}/focus'>{children}</iq>"));
    s.run_for(Time::from_millis(10));
}

/// An operator gives somebody another endpoint.
fn is_moved(s: &mut Scenario, who: &str) {
    let room = ROOM.parse().expect("a room");
    let reply = s.command(Command::MoveEndpoint { room, endpoint: who.into(), bridge: None });
    assert_eq!(reply, Reply::Moved(Moved { endpoints: 1, conferences: 1 }));
}

/// The ICE user names in what bridges answered about an endpoint's creation, in order.
fn ufrags_given(s: &Scenario, bridge: &str, endpoint: &str) -> Vec<String> {
    let given = s.sent_by(bridge).to("focus").containing(&format!("id='{endpoint}'")).containing("ufrag");
    given.iter().map(ufrag).collect()
}

fn ufrag(wire: &Wire) -> String {
    let text = wire.text();
    let after = text.split("ufrag='").nth(1).expect("a transport");
    after.split('\'').next().unwrap_or_default().to_owned()
}

fn replaces_transports(config: &mut Config) {
    config.conference.reinvite_method = ReinviteMethod::ReplaceTransport;
}

/// Somebody's bridge goes before his client has confirmed the offer, and the next offer is under way when that answer comes.
///
/// Covers spec/30: 31.
#[test]
fn a_late_answer_to_a_replaced_offer_says_nothing_of_the_next() {
    let refuses = format!(
        "<error type='cancel'><service-unavailable xmlns='{}'/><text xmlns='{}'>too late</text></error>",
        testkit::ns::STANZA_ERRORS,
        testkit::ns::STANZA_ERRORS
    );
    for (kind, children) in [("error", refuses.as_str()), ("result", "")] {
        for allocates in [false, true] {
            let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("bob").start();
            s.settle();
            s.accident(1, Fate::IsLost, is_confirmation_of("alice"));
            s.joins_with("alice", |p| p.thinks = Time::from_secs(4));
            s.run_until(|s| s.view("alice").session().is_some());
            let offer = s.sent_to("alice").jingle("session-initiate").first().stanza.clone();
            let first = sid(&s, "alice");
            let home = s.home_of("alice").expect("a home").to_owned();
            let other = if home == "jvb1" { "jvb2" } else { "jvb1" };
            s.bridge(other).settings.delay = Time::from_millis(if allocates { 1_000 } else { 0 });
            s.dies(&home);
            s.run_for(Time::from_millis(300));
            assert_eq!(offers(&s, "alice"), if allocates { 1 } else { 2 }, "{kind}");
            answers_now(&mut s, "alice", offer.get("id").expect("an id"), kind, children);
            s.run_for(Time::from_secs(10));
            assert_eq!(offers(&s, "alice"), 2, "{kind}, while a bridge is asked: {allocates}");
            let ends = s.sent_to("alice").jingle("session-terminate");
            assert_eq!((ends.count(), reason(ends.first())), (1, crate::by_hand::moving()), "{kind}, {allocates}");
            assert_ne!(sid(&s, "alice"), first);
            assert!(s.connected(&["alice", "bob"]), "{kind}, {allocates}");
            s.bridge(other).settings.delay = Time::ZERO;
            s.finish();
        }
    }
}

/// Somebody is moved while a bridge is asked for its first endpoint: what that bridge says is of an endpoint that is no more.
///
/// Covers spec/90: 64.
#[test]
fn an_allocation_of_somebody_who_was_moved_meanwhile_is_nobodys() {
    for refused in [false, true] {
        // To the same bridge, as there is no other.
        let mut s = meet(Scenario::new().bridge("jvb1"));
        s.bridge("jvb1").settings.delay = seconds(2);
        let before = count(&s, "jvb1");
        if refused {
            s.bridge("jvb1").fail_next(refusal("internal-server-error", None));
        }
        s.joins("carol");
        s.run_for(Time::from_millis(500));
        is_moved(&mut s, "carol");
        s.run_until(|s| s.connected(&["carol"]));
        s.run_for(seconds(5));
        assert_eq!(asked_since(&s, "jvb1", before)[..3], ["+carol", "-carol", "+carol"]);
        let given = ufrags_given(&s, "jvb1", "carol");
        assert_eq!(given.len(), if refused { 1 } else { 2 });
        is_offered_once(&s, "carol", given.last().expect("an answer"));
        assert_eq!((moves(&s, "alice"), moves(&s, "bob"), operational(&s)), (0, 0, 1), "refused: {refused}");
        s.finish();

        // To another.
        let mut s = linked_meeting(&["jvb1", "jvb2"], &[("alice", "jvb1"), ("bob", "jvb2"), ("dave", "jvb1")]);
        s.bridge("jvb1").settings.delay = seconds(2);
        s.bridge("jvb2").settings.delay = seconds(3);
        if refused {
            s.bridge("jvb1").fail_next(refusal("internal-server-error", None));
        }
        s.joins_with("carol", |p| p.region = Some("jvb1".into()));
        s.run_for(Time::from_millis(500));
        is_moved(&mut s, "carol");
        s.run_until(|s| s.connected(&["carol"]));
        s.run_for(seconds(8));
        assert_eq!(s.home_of("carol"), Some("jvb2"), "refused: {refused}");
        let given = ufrags_given(&s, "jvb2", "carol");
        is_offered_once(&s, "carol", given.first().expect("an answer"));
        assert_eq!((moves(&s, "alice"), moves(&s, "bob"), moves(&s, "dave")), (0, 0, 0), "refused: {refused}");
        assert_eq!(operational(&s), 2);
        s.finish();
    }
}

/// Whoever has a session asks for another while a new transport for the one it has is sought.
///
/// Covers spec/90: 64.
#[test]
fn an_allocation_of_somebody_who_restarts_meanwhile_is_nobodys() {
    let mut s = meet(Scenario::new().bridge("jvb1").config(replaces_transports));
    s.bridge("jvb1").settings.delay = seconds(2);
    let (before, asked_before) = (s.now(), count(&s, "jvb1"));
    is_moved(&mut s, "alice");
    s.run_for(Time::from_millis(500));
    s.participant("alice").restart();
    s.run_until(|s| s.connected(&["alice"]));
    s.run_for(seconds(5));
    assert_eq!(asked_since(&s, "jvb1", asked_before)[..4], ["-alice", "+alice", "-alice", "+alice"]);
    assert_eq!(s.sent_to("alice").since(before).actions(), ["session-initiate"]);
    let offer = s.sent_to("alice").since(before).jingle("session-initiate");
    let given = ufrags_given(&s, "jvb1", "alice");
    assert_eq!(Some(&ufrag(offer.first())), given.last());
    s.finish();
}

/// With this transport, and no other.
#[track_caller]
fn is_offered_once(s: &Scenario, who: &str, with: &str) {
    let told = s
        .sent_to(who)
        .filter(|wire| wire.jingle("session-initiate").is_some() || wire.jingle("transport-replace").is_some());
    assert_eq!(told.actions(), ["session-initiate"]);
    assert_eq!(ufrag(told.first()), with, "{:?}", jingle(told.first()));
}

/// The bridge let go of an endpoint, and its answer to that was lost. When it would be told so again, somebody of that name has
/// an endpoint there: that one stays.
#[test]
fn an_end_that_is_told_again_is_not_that_of_who_is_back() {
    let mut s = meet(Scenario::new().bridge("jvb1").participant("carol"));
    let (before, session) = (count(&s, "jvb1"), bridge_session(&s, "alice"));
    s.accident(1, Fate::IsLost, |d| {
        d.to == "focus" && d.from == "jvb1" && testkit::xml::to_text(&d.stanza).contains("expire='true'")
    });
    s.participant("bob").leave();
    s.run_for(Time::from_millis(100));
    s.joins("bob");
    s.run_until(|s| s.connected(&["bob"]));
    assert_eq!(asked_since(&s, "jvb1", before)[..2], ["-bob", "+bob"]);
    s.run_for(seconds(20));
    let ends = asked_since(&s, "jvb1", before).iter().filter(|told| *told == "-bob").count();
    assert_eq!((ends, s.home_of("bob")), (1, Some("jvb1")));
    assert_eq!((bridge_session(&s, "bob"), moves(&s, "bob")), (session, 0));
    s.check();
    s.finish();
}

/// A participant is none any more, and stays in the room: nothing that it or its bridge was asked is waited for.
#[test]
fn nothing_is_waited_for_of_who_is_no_participant_any_more() {
    let three = || -> Builder { Scenario::new().bridge("jvb1").participant("dave") };
    // It has not confirmed its offer.
    let mut s = meet(three());
    let before = s.focus().gauges().requests_pending;
    s.accident(1, Fate::IsLost, is_confirmation_of("carol"));
    s.joins_with("carol", |p| p.never_accepts = true);
    s.settle();
    assert_eq!(s.focus().gauges().requests_pending, before + 1, "its confirmation");
    s.participant("carol").terminate("success", "bye", Some(false));
    s.settle();
    assert_eq!(s.focus().gauges().requests_pending, before);
    // Its bridge has not answered an ICE restart.
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.from == "jvb1" && d.stanza.name() == "iq");
    s.participant("alice").restart_ice();
    s.settle();
    assert_eq!(s.focus().gauges().requests_pending, before + 1, "the new agent");
    s.participant("alice").terminate("success", "bye", Some(false));
    s.settle();
    assert_eq!(s.focus().gauges().requests_pending, before);
    s.run_for(seconds(20));
    assert!(s.connected(&["bob", "dave"]));
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}
