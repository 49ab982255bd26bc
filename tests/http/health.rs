//! Whether the focus is well.

use testkit::Time;
use testkit::http::{Answer, Api};
use testkit::logs::{keep_lines, take_lines};
use testkit::ns;
use testkit::openmetrics::Page;
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::Read;

use crate::support::*;

fn watched(builder: Builder) -> (Scenario, Api) {
    started(builder.config(|config| config.health.enabled = true))
}

fn health(s: &mut Scenario, api: &mut Api) -> Answer {
    api.get(s, "/about/health")
}

fn seconds(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

/// Rooms that were made to see whether one can be.
fn check_rooms(s: &Scenario) -> usize {
    let joins = s.said().presence().filter(|wire| wire.stanza.kid("x", ns::MUC).is_some());
    joins.containing("__jicofo-health-check-").count()
}

/// Covers spec/80: 1.
#[test]
fn without_a_bridge_it_is_not_well() {
    let (mut s, mut api) = started(Scenario::new());
    let answer = health(&mut s, &mut api);
    assert_eq!((answer.status, &*answer.body), (404, ""));
    let (mut s, mut api) = watched(Scenario::new());
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"), "nothing is known yet");
    s.run_for(seconds(11));
    let answer = health(&mut s, &mut api);
    assert_eq!(answer.text(), (500, "No operational bridges available (total bridge count: 0)"));
    // Whoever restarts it for that changes nothing.
    assert_eq!(api.get(&mut s, "/about/health?live").text(), (200, "OK"));
    assert_eq!(check_rooms(&s), 0);
}

/// Covers spec/80: 2.
#[test]
fn with_a_bridge_and_a_server_that_answers_it_is_well() {
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    keep_lines();
    s.run_for(seconds(35));
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"));
    assert_eq!(check_rooms(&s), 3);
    let problems: Vec<_> = take_lines().into_iter().filter(|line| line.message.contains("PROBLEM")).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let leaves = s.said().presence().containing("__jicofo-health-check-").containing("unavailable");
    assert_eq!(leaves.count(), 3, "each room is left at once");
    let page = Page::open_metrics(&api.get(&mut s, "/metrics").body);
    assert_eq!(page.value("jitsi_jicofo_healthy"), 1.0);
    assert_eq!(page.value("jitsi_jicofo_conferences_created_total"), 0.0);
    assert!(s.focus().audit().is_empty(), "{:?}", s.focus().audit());
    s.finish();
}

/// Covers spec/80: 3.
#[test]
fn a_bridge_in_graceful_shutdown_takes_no_conference() {
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    s.run_for(seconds(11));
    assert_eq!(health(&mut s, &mut api).status, 200);
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = true);
    s.run_for(seconds(11));
    let answer = health(&mut s, &mut api);
    assert_eq!(answer.text(), (500, "No operational bridges available (total bridge count: 1)"));
    let page = Page::open_metrics(&api.get(&mut s, "/metrics").body);
    assert_eq!(page.value("jitsi_jicofo_bridge_selector_bridge_count_operational"), 1.0);
    assert_eq!(page.value("jitsi_jicofo_healthy"), 0.0);
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = false);
    s.run_for(seconds(21));
    assert_eq!(health(&mut s, &mut api).status, 200, "it is forgotten with the next success");
}

/// Covers spec/80: 4.
#[test]
fn a_server_that_does_not_answer_is_told() {
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    s.accident(1, Fate::IsLost, is_pong);
    let asked = seconds(10) - s.now();
    s.run_for(asked + Time::from_millis(4_900));
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"));
    s.run_for(Time::from_millis(900));
    let answer = health(&mut s, &mut api);
    let (status, text) = answer.text();
    assert!(status == 503 && text.starts_with("XMPP ping failed"), "{status} {text}");
    s.run_for(seconds(10));
    assert_eq!(health(&mut s, &mut api).status, 200);
}

/// The server's answer to a ping of ours.
fn is_pong(delivery: &testkit::room::Delivery) -> bool {
    let stanza = &delivery.stanza;
    delivery.to == "focus"
        && stanza.get("from") == Some("meet.test")
        && stanza.name() == "iq"
        && stanza.children().next().is_none()
}

/// Covers spec/80: 5.
#[test]
fn a_room_that_cannot_be_entered_is_told_with_the_reason() {
    let in_check = |d: &testkit::room::Delivery| {
        d.to == "focus" && d.stanza.get("from").is_some_and(|from| from.starts_with("__jicofo-health-check-"))
    };
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    s.accident(1, Fate::IsLost, in_check);
    s.run_for(seconds(26));
    let answer = health(&mut s, &mut api);
    assert_eq!(answer.text(), (503, "Test conference failed to start due to timeout."));

    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    s.settle();
    s.server().options.refuses_focus = Some(("not-allowed".into(), "Room creation is restricted".into()));
    s.run_for(seconds(9));
    let answer = health(&mut s, &mut api);
    let (status, text) = answer.text();
    assert!(status == 500 && text.starts_with("Failed to run health check: ") && text.contains("restricted"), "{text}");
}

/// Where rooms are at `muc.` and nothing says so, the usual name is tried, and the answer says what to set; once people
/// have met, it is known.
///
/// Covers spec/90: 48.
#[test]
fn checks_find_out_where_rooms_are() {
    let elsewhere = || {
        let builder = Scenario::new().bridge("jvb1").server(|server| server.domains.muc = "muc.meet.test".into());
        builder.room("room").config(|config| config.xmpp.client.conference_muc_jid = None)
    };
    let (mut s, mut api) = watched(elsewhere());
    s.run_for(seconds(11));
    let answer = health(&mut s, &mut api);
    let (status, text) = answer.text();
    assert!(status == 500 && text.contains("conference.meet.test") && text.contains("conference-muc-jid"), "{text}");

    let (mut s, mut api) = watched(elsewhere().participant("alice").participant("bob"));
    s.run_for(seconds(11));
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"));
    let made = s.said().presence().containing("__jicofo-health-check-").containing("@muc.meet.test/focus");
    assert!(made.count() > 0);
}

/// Covers spec/80: 6.
#[test]
fn an_old_result_is_none() {
    let (mut s, mut api) =
        watched(Scenario::new().bridge("jvb1").config(|config| config.health.interval = seconds(60)));
    s.run_for(seconds(61));
    assert_eq!(health(&mut s, &mut api).status, 200);
    s.run_for(seconds(31));
    let answer = health(&mut s, &mut api);
    let (status, text) = answer.text();
    assert!(status == 500 && text.starts_with("No health checks performed recently, the last result was 3"), "{text}");
    s.run_for(seconds(31));
    assert_eq!(health(&mut s, &mut api).status, 200);
}

#[test]
fn a_check_that_takes_too_long_is_a_failure_and_is_counted() {
    let limit = |config: &mut jicofo::config::Config| config.health.max_check_duration = seconds(2);
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1").config(limit));
    s.accident(1, Fate::IsLate(seconds(3)), is_pong);
    s.run_for(seconds(14));
    let answer = health(&mut s, &mut api);
    let (status, text) = answer.text();
    assert!(status == 500 && text.starts_with("Performing a health check took too long: 3."), "{status} {text}");
    assert_eq!(api.get(&mut s, "/stats").json()["slow_health_check"], 1);
}

#[test]
fn where_checks_are_made_when_somebody_asks_he_has_the_result_of_his() {
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1").config(|config| config.health.interval = Time::ZERO));
    s.run_for(seconds(100));
    assert_eq!(check_rooms(&s), 0);
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"));
    assert_eq!(check_rooms(&s), 1);
    s.dies("jvb1");
    s.settle();
    assert_eq!(health(&mut s, &mut api).status, 500);
    assert_eq!(api.get(&mut s, "/about/health?live").status, 200);
}

#[test]
fn without_its_connection_it_says_so_before_and_after() {
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    s.run_for(seconds(11));
    s.focus_is_disconnected();
    s.run_for(seconds(10));
    let answer = health(&mut s, &mut api);
    // Without it there is no brewery either.
    assert!(matches!(answer.text().0, 500 | 503), "{}", answer.body);
    s.focus_logs_in_anew();
    s.run_for(seconds(21));
    assert_eq!(health(&mut s, &mut api).status, 200);
    assert!(s.focus().audit().is_empty(), "{:?}", s.focus().audit());
}

/// Covers spec/90: 111.
#[test]
fn without_the_component_nobody_can_ask_and_it_is_not_well() {
    let (mut s, mut api) = watched(Scenario::new().component().bridge("jvb1"));
    s.run_for(seconds(11));
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"));
    s.component_is_disconnected();
    // At once, though the last check went well; and after the next one, which goes well too.
    for _ in 0..2 {
        let answer = health(&mut s, &mut api);
        assert_eq!(answer.text(), (503, "The component connection is down: nobody can ask for a conference."));
        s.run_for(seconds(11));
    }
    let pings = s.said().containing("urn:xmpp:ping").count();
    for _ in 0..50 {
        health(&mut s, &mut api);
    }
    assert_eq!(s.said().containing("urn:xmpp:ping").count(), pings, "whoever asks starts no check");
    s.component_returns();
    assert_eq!(health(&mut s, &mut api).text(), (200, "OK"));
}

/// A check that fails by an error of ours is a failed check, and the next one is made.
#[test]
fn an_error_of_ours_in_a_check_is_a_failed_check() {
    let (mut s, mut api) = watched(Scenario::new().bridge("jvb1"));
    s.run_for(seconds(9));
    for stanzas in 0..4 {
        s.run_for(Time::from_millis(500));
        s.sabotage(stanzas);
        s.run_for(Time::from_millis(9_500));
        s.sabotage(u32::MAX);
        s.settle();
        s.run_for(seconds(18));
        assert_eq!(health(&mut s, &mut api).status, 200, "after {stanzas} stanzas");
        assert!(s.focus().audit().is_empty(), "{:?}", s.focus().audit());
    }
}
