//! What is wrong around the focus is told once, and once more when it is gone (spec/80 §13).

use testkit::Time;
use testkit::logs::{Line, keep_lines, take_lines};
use testkit::ns;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use super::support::{ROOM, answer_to, connect, of_conference, to_focus};

/// The ids of the problems that last.
fn lasting(s: &Scenario) -> Vec<&'static str> {
    s.focus().problems().iter().map(|problem| problem.kind.id()).collect()
}

fn told(lines: &[Line], beginning: &str) -> Vec<String> {
    lines.iter().filter(|line| line.message.starts_with(beginning)).map(|line| line.message.clone()).collect()
}

/// Covers spec/80: 40.
#[test]
fn a_brewery_without_bridges_for_a_minute_is_told_with_who_is_there() {
    keep_lines();
    let mut s = Scenario::new().start();
    let brewery = "jvbbrewery@internal.auth.meet.test";
    to_focus(
        &mut s,
        &format!("<presence xmlns='jabber:client' from='{brewery}/impostor' to='focus@auth.meet.test/focus'/>"),
    );
    s.run_for(Time::from_secs(50));
    assert!(lasting(&s).is_empty(), "{:?}", lasting(&s));
    s.run_for(Time::from_secs(300));
    assert_eq!(lasting(&s), ["empty-brewery"]);
    let lines = take_lines();
    let problems = told(&lines, "PROBLEM ");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("PROBLEM empty-brewery: ") && problems[0].contains(brewery), "{problems:?}");
    assert!(problems[0].contains("impostor"), "{problems:?}");
    s.add_bridge("jvb1", |_| {});
    s.settle();
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED empty-brewery: ").len(), 1);
}

/// Covers spec/80: 40.
#[test]
fn a_recorder_from_a_domain_that_is_not_trusted_is_a_problem_while_it_is_there() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let features =
        format!("<features xmlns='{}'><feature var='http://jitsi.org/protocol/jibri'/></features>", ns::CLIENT);
    for _ in 0..3 {
        s.inject("bob", &format!("<presence to='{ROOM}/bob'>{features}</presence>"));
        s.settle();
    }
    assert_eq!(lasting(&s), ["jibri-untrusted"]);
    let problems = told(&take_lines(), "PROBLEM ");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("xmpp.trusted-domains += \"meet.test\""), "{problems:?}");
    s.participant("bob").leave();
    s.settle();
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED jibri-untrusted (meet.test): ").len(), 1);
}

/// Covers spec/80: 42.
#[test]
fn a_roster_without_the_proxy_is_a_problem_until_the_proxy_may_see_us() {
    keep_lines();
    let mut s = Scenario::new().server(|options| options.no_roster = true).bridge("jvb1").start();
    s.settle();
    assert_eq!(lasting(&s), ["no-subscription"]);
    let problems = told(&take_lines(), "PROBLEM no-subscription: ");
    assert!(problems.len() == 1 && problems[0].contains("focus.meet.test"), "{problems:?}");
    to_focus(
        &mut s,
        "<presence xmlns='jabber:client' type='subscribe' from='focus.meet.test' to='focus@auth.meet.test'/>",
    );
    let answers = s.said().filter(|wire| wire.stanza.get("type") == Some("subscribed"));
    assert_eq!(answers.count(), 1);
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED no-subscription (focus.meet.test): ").len(), 1);
    connect(&mut s, "guest", "guest@meet.test/web");
    assert_eq!(of_conference(&answer_to(&mut s, "guest", ROOM), "ready"), Some("true"));
}

#[test]
fn requests_by_another_way_than_the_configured_one_are_a_problem() {
    keep_lines();
    let mut s = Scenario::new().config(|config| config.xmpp.client.client_proxy = None).bridge("jvb1").start();
    connect(&mut s, "guest", "guest@meet.test/web");
    answer_to(&mut s, "guest", ROOM);
    assert_eq!(lasting(&s), ["proxy-mismatch"]);
    let problems = told(&take_lines(), "PROBLEM proxy-mismatch: ");
    assert!(problems.len() == 1 && problems[0].contains("client-proxy = \"focus.meet.test\""), "{problems:?}");
}

#[test]
fn without_a_brewery_there_is_one_line_that_says_so() {
    keep_lines();
    let mut s = Scenario::new().config(|config| config.bridge.brewery_jid = None).start();
    s.settle();
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(lasting(&s), ["no-brewery"]);
    assert_eq!(told(&take_lines(), "PROBLEM no-brewery: ").len(), 1);
}

#[test]
fn rooms_without_meeting_id_are_told_once_for_their_domain() {
    keep_lines();
    let mut s = Scenario::new().server(|options| options.no_meeting_id = true).bridge("jvb1").start();
    for (name, room) in [("alice", "east"), ("bob", "west")] {
        s.joins_with(name, |settings| settings.room = format!("{room}@conference.meet.test"));
        s.settle();
    }
    assert_eq!(lasting(&s), ["no-meeting-id"]);
    assert_eq!(told(&take_lines(), "PROBLEM no-meeting-id: ").len(), 1);
}

/// A bridge that is there and of no use is not the same as none.
#[test]
fn bridges_that_are_all_unwell_or_leave_are_a_problem_of_their_own() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").start();
    s.settle();
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = true);
    s.settle();
    assert_eq!(lasting(&s), ["bridges-leaving"]);
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = false);
    s.settle();
    assert!(lasting(&s).is_empty());
    assert_eq!(told(&take_lines(), "SOLVED bridges-leaving: ").len(), 1);
}
