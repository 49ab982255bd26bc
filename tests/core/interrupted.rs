//! What is under way when something else ends it, and who is left behind.

use jicofo::config::ReinviteMethod;
use testkit::Time;
use testkit::bridge::Fault;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::by_hand::*;
use crate::support::*;

/// An answer on its way to the focus that says nothing but yes.
fn is_empty_result(delivery: &Delivery) -> bool {
    let stanza = &delivery.stanza;
    delivery.to == "focus"
        && stanza.name() == "iq"
        && stanza.get("type") == Some("result")
        && stanza.children().next().is_none()
}

fn seconds(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

/// The right is the member's. That its session ends meanwhile makes the room's answer no less interesting.
#[test]
fn a_grant_that_is_not_confirmed_counts_for_nothing_though_the_session_has_ended_meanwhile() {
    for ends in [false, true] {
        let mut s = Scenario::new().bridge("jvb1").start();
        connect(&mut s, "guest", "g1@guest.meet.test/r1");
        answer_to(&mut s, "guest", ROOM);
        s.accident(1, Fate::IsLost, |d| is_empty_result(d) && d.stanza.get("from") == Some(ROOM));
        s.joins("alice");
        s.joins("bob");
        s.run_until(Scenario::all_connected);
        let granted = grants(&s, ROOM);
        let [first] = &granted[..] else { panic!("one is made owner: {granted:?}") };
        if ends {
            let who = first.split('@').next().expect("a name").to_owned();
            s.participant(&who).terminate("success", "bye", Some(false));
        }
        // The room takes the right away again: there is no owner.
        let now = s.now();
        s.server().grant(now, ROOM, first, "none");
        s.run_for(seconds(20));
        // With somebody new there is an election.
        s.joins("carol");
        s.run_for(seconds(3));
        assert_eq!(grants(&s, ROOM).len(), 2, "{}", s.story());
        assert!(s.focus().audit().is_empty(), "{:?}", s.focus().audit());
    }
}

/// Each that was asked for ends as one of the three that are counted, also if whoever asked has gone by then: while the bridge
/// thinks, or before it is asked again. One without answer counts once it has one (spec/30 §12.2).
#[test]
fn an_ice_restart_whose_participant_leaves_counts_as_failed_and_one_without_answer_counts_when_it_is_answered() {
    for (leaves, lost) in [(true, false), (true, true), (false, true)] {
        let mut s = met(silent_pair().participant_with("carol", |p| p.tracks = Vec::new()));
        let fate = if lost { Fate::IsLost } else { Fate::IsLate(seconds(1)) };
        s.accident(1, fate, |d| d.to == "focus" && d.from == "jvb1" && d.stanza.name() == "iq");
        s.participant("alice").restart_ice();
        // Given up after 15 s, and asked again 1 s later.
        s.run_for(Time::from_millis(if lost { 15_500 } else { 100 }));
        if leaves {
            s.participant("alice").leave();
        }
        s.run_for(seconds(40));
        let metrics = s.focus().metrics();
        let ended = (metrics.ice_restarts_relayed + metrics.ice_restarts_not_needed, metrics.ice_restarts_failed);
        assert_eq!(metrics.ice_restarts_requested, 1);
        assert_eq!(ended, if leaves { (0, 1) } else { (1, 0) }, "lost: {lost}");
    }
}

/// Whoever is left as the only one is alone, however the other came to be none (spec/10 §5.1).
#[test]
fn who_is_left_alone_by_a_refused_offer_or_accept_is_alone() {
    let alice_is_expired = |s: &mut Scenario| {
        s.run_for(seconds(60));
        let ends = s.sent_to("alice").jingle("session-terminate");
        assert_eq!(ends.count(), 1, "{}", s.story());
        assert!(s.view_bridge("jvb1").conferences().is_empty());
    };
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    s.joins_with("bob", |p| p.never_accepts = true);
    s.accident(1, Fate::IsAnError, |d| is_empty_result(d) && d.from == "bob");
    alice_is_expired(&mut s);

    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    s.joins_with("carol", |p| (p.never_accepts, p.tracks) = (true, Vec::new()));
    s.run_for(seconds(2));
    let own = sid(&s, "carol");
    let wrong = content("audio", &source_xml("ssrc='0' name='carol-a0'", Some("carol t")));
    say(&mut s, "carol", "session-accept", &own, &wrong);
    assert_eq!(refusal(&mut s, "carol").1, "Invalid SSRC: 0.");
    alice_is_expired(&mut s);

    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.settle();
    let refused = Fault::Error { kind: "modify", condition: "bad-request", text: "no".into(), reason: None };
    s.joins("bob");
    s.run_for(seconds(3));
    s.bridge("jvb1").fail_next(refused);
    s.joins("carol");
    s.run_for(seconds(3));
    s.participant("bob").leave();
    alice_is_expired(&mut s);
}

fn told_of_alice(s: &Scenario, words: [&str; 2]) -> Vec<String> {
    let about = s.said().containing("conference-modify").containing("alice");
    let texts = about.iter().map(|wire| wire.text()).collect::<Vec<_>>();
    let word = |text: &String| words.into_iter().find(|word| text.contains(*word)).map(str::to_owned);
    texts.iter().filter_map(word).collect()
}

fn transport_of(ufrag: &str, candidate: &str) -> String {
    let candidates = format!(
        "<candidate component='1' foundation='1' generation='0' id='{candidate}' ip='203.0.113.1' network='0' port='1' \
         priority='1' protocol='udp' type='host'/>"
    );
    let transport = transport_xml(ufrag).replace("/>", &format!(">{candidates}</transport>"));
    format!("<content name='audio'>{transport}</content>")
}

/// What was lost is told again as it holds by then: not credentials that others have replaced. Of the same credentials each
/// message may have a candidate of its own.
#[test]
fn an_old_transport_is_not_told_after_one_that_replaced_it() {
    for (first, second, told) in [("old", "new", ["one", "two"].as_slice()), ("same", "same", &["one", "two", "one"])] {
        let mut s = met(silent_pair());
        s.run_for(seconds(1));
        let own = sid(&s, "alice");
        s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.from == "jvb1" && d.stanza.name() == "iq");
        say(&mut s, "alice", "transport-info", &own, &transport_of(first, "one"));
        s.run_for(seconds(2));
        say(&mut s, "alice", "transport-info", &own, &transport_of(second, "two"));
        s.run_for(seconds(40));
        assert_eq!(told_of_alice(&s, ["id='one'", "id='two'"]).len(), told.len(), "{}", s.story());
        let seen = told_of_alice(&s, ["id='one'", "id='two'"]);
        assert_eq!(seen, told.iter().map(|id| format!("id='{id}'")).collect::<Vec<_>>());
    }
}

/// A session whose transport was to be replaced is there until its end is told.
#[test]
fn who_gets_no_new_transport_is_told_the_end_of_its_session() {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = ReinviteMethod::ReplaceTransport;
    };
    let mut s = met(silent_pair().participant_with("carol", |p| p.tracks = Vec::new()).config(replace));
    s.add_bridge("jvb2", |_| {});
    s.settle();
    let refused = Fault::Error { kind: "modify", condition: "bad-request", text: "no".into(), reason: None };
    s.bridge("jvb2").fail_next(refused);
    s.dies("jvb1");
    s.run_for(seconds(60));
    let mut heard = ["alice", "bob", "carol"].map(|who| {
        let heard = |action| s.sent_to(who).jingle(action).count();
        (heard("transport-replace"), heard("session-terminate"))
    });
    heard.sort_unstable();
    assert_eq!(heard, [(0, 1), (1, 0), (1, 0)], "{}", s.story());
    assert!(s.disagreements().is_empty(), "{:?}", s.disagreements());
}
