//! Bridges that come, go and fail, and what becomes of the conferences on them.

use testkit::Time;
use testkit::logs::{keep_lines, take_lines};
use testkit::ns;
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::Read;

use crate::bridges_support::*;
use crate::support::*;

fn rooms(s: &mut Scenario, rooms: &[(&str, &[&str])]) {
    for (room, names) in rooms {
        for name in *names {
            s.joins_with(name, |p| p.room = format!("{room}@conference.meet.test"));
        }
    }
    s.run_until(Scenario::all_connected);
    s.settle();
}

/// Covers spec/50: 35; spec/90: 89.
#[test]
fn a_bridge_that_shuts_down_is_left_by_all_conferences() {
    let mut s = two_bridges().start();
    rooms(&mut s, &[("one", &["a", "b", "c"]), ("two", &["d", "e"])]);
    assert_eq!(s.view_bridge("jvb1").conferences().len(), 2);
    s.bridge("jvb1").publish(|stats| stats.shutting_down = true);
    s.settle();
    s.run_until(Scenario::all_connected);
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!((moves(&s, name), s.home_of(name)), (1, Some("jvb2")), "{name}");
    }
    let metrics = s.focus().metrics();
    assert_eq!((metrics.participants_moved, metrics.bridges_removed, metrics.lost_bridges), (5, 0, 0));
    let before = count(&s, "jvb1");
    s.bridge("jvb1").publish(|_| {});
    rooms(&mut s, &[("three", &["f", "g"])]);
    assert_eq!((moves(&s, "a"), count(&s, "jvb1"), s.home_of("f")), (1, before, Some("jvb2")));
    s.dies("jvb1");
    s.run_for(Time::from_millis(100));
    assert_eq!((s.focus().gauges().bridges, s.focus().metrics().lost_bridges), (1, 0), "it said that it would go");
    s.finish();
}

/// Covers spec/50: 52; spec/90: 62.
#[test]
fn drain_and_graceful_shutdown_move_nobody() {
    let mut s = meet(two_bridges());
    s.run_for(seconds(5));
    let before = s.said().count();
    s.bridge("jvb1").publish(|stats| stats.drain = true);
    s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = true);
    s.run_for(Time::from_millis(100));
    assert_eq!(s.said().count(), before, "no stanza");
    // Who comes still goes to the others; a new conference does not.
    s.joins("carol");
    rooms(&mut s, &[("two", &["d", "e"])]);
    assert_eq!((s.home_of("carol"), s.home_of("d")), (Some("jvb1"), Some("jvb2")));
    s.bridge("jvb1").publish(|stats| stats.shutting_down = true);
    s.settle();
    s.run_until(Scenario::all_connected);
    assert_eq!((moves(&s, "alice"), moves(&s, "bob"), moves(&s, "carol"), moves(&s, "d")), (1, 1, 1, 0));
    let before = checks(&s, "jvb1").len();
    s.run_for(seconds(30));
    assert!(checks(&s, "jvb1").len() >= before + 2, "it is checked until it leaves");
    s.dies("jvb1");
    s.run_for(Time::from_millis(100));
    assert_eq!((s.focus().metrics().lost_bridges, s.focus().gauges().bridges), (0, 1));
    s.finish();
}

/// Covers spec/50: 34.
#[test]
fn an_occupant_is_a_bridge_from_its_first_statistics_until_it_leaves() {
    let mut s = Scenario::new().start();
    s.server().connect("jvb1", "jvb@auth.meet.test/1", true);
    let joins = format!("<presence to='{BREWERY}/jvb1'><x xmlns='{}'/></presence>", ns::MUC);
    let bare = format!("<presence to='{BREWERY}/jvb1'/>");
    let bridges = |s: &Scenario| (s.focus().gauges().bridges, s.focus().metrics().lost_bridges);
    s.inject("jvb1", &joins);
    s.run_for(Time::from_millis(10));
    assert_eq!(bridges(&s), (0, 0));
    says(&mut s, "jvb1", &[("stress_level", "0.1")]);
    assert_eq!(bridges(&s), (1, 0));
    // Checked once an interval: it was added once.
    s.inject("jvb1", &bare);
    s.run_for(Time::from_millis(10));
    assert_eq!(bridges(&s), (1, 0));
    let error = format!(
        "<presence type='error' from='{BREWERY}/jvb1' to='{FOCUS}'><error type='cancel'><internal-server-error \
         xmlns='{}'/></error></presence>",
        ns::STANZA_ERRORS
    );
    reaches_focus(&mut s, &error);
    assert_eq!(bridges(&s), (1, 0));
    let now = s.now();
    s.server().put_out(now, BREWERY, "jvb1", &["307"]);
    s.run_for(Time::from_millis(10));
    assert_eq!(bridges(&s), (0, 1));
    // It comes back, well, and goes after it has announced it.
    s.inject("jvb1", &joins);
    says(&mut s, "jvb1", &[("stress_level", "0.1")]);
    assert_eq!((bridges(&s), operational(&s)), ((1, 1), 1));
    says(&mut s, "jvb1", &[("graceful_shutdown", "true")]);
    let now = s.now();
    s.server().put_out(now, BREWERY, "jvb1", &["307"]);
    s.run_for(Time::from_millis(10));
    assert_eq!(bridges(&s), (0, 1));
    s.inject("jvb1", &joins);
    says(&mut s, "jvb1", &[("stress_level", "0.1")]);
    s.joins("alice");
    s.joins("bob");
    s.run_for(Time::from_millis(100));
    assert_eq!(asked(&s, "jvb1").len(), 2, "it is taken: nothing of the shutdown is remembered");
}

/// Covers spec/50: 33.
#[test]
fn what_a_bridge_does_not_say_is_as_it_was() {
    let mut s = Scenario::new().start();
    s.server().connect("jvb1", "jvb@auth.meet.test/1", true);
    s.inject("jvb1", &format!("<presence to='{BREWERY}/jvb1'><x xmlns='{}'/></presence>", ns::MUC));
    let taken = |s: &mut Scenario, room: &str, names: &[&str; 2]| {
        let before = count(s, "jvb1");
        for name in names {
            s.joins_with(name, |p| p.room = format!("{room}@conference.meet.test"));
        }
        s.run_for(Time::from_millis(100));
        count(s, "jvb1") > before
    };
    // It does not speak of drain: only if there is no other.
    says(&mut s, "jvb1", &[("stress_level", "0.1")]);
    assert!(taken(&mut s, "zero", &["y", "z"]));
    s.add_bridge("jvb2", stressed(0.5));
    s.run_for(Time::from_millis(100));
    assert!(!taken(&mut s, "one", &["a", "b"]));
    says(&mut s, "jvb1", &[("drain", "false")]);
    assert!(taken(&mut s, "two", &["c", "d"]));
    // What is no number is nothing; what has no name is skipped; what cannot be compared is nothing.
    for value in ["abc", "NaN", "-3"] {
        says(&mut s, "jvb1", &[("stress_level", value)]);
    }
    s.inject(
        "jvb1",
        &format!("<presence to='{BREWERY}/jvb1'><stats xmlns='{}'><stat value='1'/></stats></presence>", ns::COLIBRI),
    );
    assert!(taken(&mut s, "three", &["e", "f"]));
    says(&mut s, "jvb1", &[("stress_level", "0.9"), ("drain", "true")]);
    says(&mut s, "jvb1", &[("drain", "false"), ("stress_level", "abc")]);
    assert!(!taken(&mut s, "four", &["g", "h"]), "the stress is the last that was a number");
    says(&mut s, "jvb1", &[("stress_level", "0.0"), ("graceful_shutdown", "TRUE")]);
    assert!(!taken(&mut s, "five", &["i", "j"]));
}

/// Covers spec/40: 40; spec/90: 69.
#[test]
fn a_bridge_that_restarts_under_its_name_is_another() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let session = bridge_session(&s, "alice");
    let before = s.now();
    s.dies("jvb1");
    s.returns("jvb1");
    s.settle();
    s.run_until(Scenario::all_connected);
    for name in ["alice", "bob"] {
        assert_ne!(bridge_session(&s, name), session);
        assert_eq!((moves(&s, name), s.home_of(name)), (1, Some("jvb1")));
        assert!(s.sent_to(name).since(before).jingle("session-initiate").containing(&session).is_empty());
    }
    assert_eq!(bridge_session(&s, "alice"), bridge_session(&s, "bob"));
    // The expiry of the old one met the new one, which knows nothing of it: that is no fault of who asks.
    assert!(s.bridge("jvb1").errors().is_empty());
    s.finish();
}

/// Focus and server start together, and people are there before the bridges: to clients it is fatal to be told that there is
/// none.
#[test]
fn clients_are_not_told_that_there_is_no_bridge_while_bridges_may_yet_come() {
    let mut s = Scenario::new().participant("alice").participant("bob").start();
    s.run_for(seconds(10));
    assert_eq!(bridge_not_available(&s, "alice"), [false]);
    s.add_bridge("jvb1", |_| {});
    s.run_until(Scenario::all_connected);
    assert_eq!(bridge_not_available(&s, "alice"), [false]);
    s.finish();
    // And if none comes.
    let mut s = Scenario::new().participant("alice").participant("bob").start();
    s.run_for(seconds(31));
    assert_eq!(bridge_not_available(&s, "alice"), [false, true]);
}

/// Covers spec/50: 43.
#[test]
fn without_a_bridge_clients_are_told_once_and_all_are_invited_when_one_comes() {
    let mut s = Scenario::new().start();
    // Bridges may come after the focus.
    s.run_for(seconds(31));
    for name in ["alice", "bob"] {
        s.joins(name);
    }
    s.settle();
    assert_eq!(bridge_not_available(&s, "alice"), [false, true]);
    let said = |s: &Scenario| own_presences(s, ROOM).containing("bridgeNotAvailable").count();
    assert_eq!(said(&s), 1);
    s.joins("carol");
    s.settle();
    assert_eq!(said(&s), 1);
    s.add_bridge("jvb1", |_| {});
    s.run_until(Scenario::all_connected);
    s.settle();
    for name in ["alice", "bob", "carol"] {
        assert_eq!(offers(&s, name), 1);
    }
    assert_eq!(bridge_not_available(&s, "alice"), [false, true, false]);
    s.finish();
}

/// Covers spec/50: 44; spec/90: 96.
#[test]
fn a_conference_on_a_suspected_bridge_stays_together() {
    for has_other in [true, false] {
        let mut builder = Scenario::new().bridge_with("jvb1", stressed(0.1));
        if has_other {
            builder = builder.bridge_with("jvb2", stressed(0.3));
        }
        let mut s = builder.participant("alice").participant("bob").participant("carol").start();
        s.run_until(Scenario::all_connected);
        s.bridge("jvb1").health = testkit::bridge::Health::Silent;
        s.run_for(seconds(60));
        assert_eq!(operational(&s), usize::from(has_other));
        s.joins("dave");
        s.run_for(seconds(10));
        assert!(s.connected(&["alice", "bob", "carol"]));
        assert_eq!(moves(&s, "alice"), 0);
        if has_other {
            // It fails its checks, and gives an endpoint all the same.
            assert!(asked(&s, "jvb2").is_empty(), "one bridge a conference");
            assert_eq!(s.home_of("dave"), Some("jvb1"));
        } else {
            assert_eq!((s.connected(&["dave"]), offers(&s, "dave")), (false, 0));
        }
        // Three people talk there: that they have no bridge would end their meeting (spec/50 §6.5).
        assert_eq!(bridge_not_available(&s, "alice"), [false]);
        // Whoever reads the log is told once, however often it is tried.
        keep_lines();
        s.joins("erin");
        s.run_for(seconds(90));
        let lines = take_lines();
        let told = lines.iter().filter(|line| line.message.contains("no bridge takes new endpoints")).count();
        assert!(told <= 1, "{told}");
        s.bridge("jvb1").health = testkit::bridge::Health::Well;
        s.run_for(seconds(90));
        assert!(s.all_connected());
        assert_eq!(s.home_of("dave"), Some("jvb1"));
        s.finish();
    }
}

/// Covers spec/50: 42.
#[test]
fn without_health_checks_a_failed_bridge_is_taken_again_after_a_minute() {
    let mut s = Scenario::new().config(|config| config.bridge.health_checks.enabled = false).bridge("jvb1").start();
    s.bridge("jvb1").fail_next(testkit::bridge::Fault::Lost);
    s.bridge("jvb1").fail_next(testkit::bridge::Fault::Lost);
    s.joins("alice");
    s.run_for(seconds(1));
    s.joins("bob");
    s.run_for(Time::from_millis(15_100));
    assert_eq!(operational(&s), 0);
    s.run_for(seconds(59));
    assert_eq!((operational(&s), s.all_connected()), (0, false));
    s.run_for(seconds(7));
    assert_eq!((operational(&s), s.all_connected()), (1, true));
    s.bridge("jvb1").take_errors();
    s.finish();
}

fn with_service() -> Builder {
    two_bridges().config(|config| {
        testkit::scenario::add_service(config);
    })
}

/// Covers spec/50: 36.
#[test]
fn bridges_outlive_a_short_loss_of_their_connection() {
    // Resumed in time: as if nothing had been.
    let mut s = meet(with_service());
    s.service_is_cut_off();
    s.run_for(seconds(10));
    s.service_resumes();
    s.settle();
    assert_eq!((s.focus().gauges().bridges, moves(&s, "alice"), joins(&s, BREWERY).count()), (2, 0, 1));
    // Too late: they are gone at 15 s, and there again after the next login.
    s.service_is_cut_off();
    s.run_for(Time::from_millis(14_900));
    assert_eq!((s.focus().gauges().bridges, moves(&s, "alice")), (2, 0));
    s.run_for(Time::from_millis(1_100));
    assert_eq!((s.focus().gauges().bridges, moves(&s, "alice")), (0, 1));
    // That there is none would be fatal to clients (spec/50 §6.5); it heals.
    assert_eq!(bridge_not_available(&s, "alice"), [false]);
    s.service_logs_in_anew();
    s.run_for(seconds(4));
    assert_eq!(bridge_not_available(&s, "alice"), [false]);
    assert_eq!((s.focus().gauges().bridges, joins(&s, BREWERY).count()), (2, 2));
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").take_errors();
    s.bridge("jvb2").take_errors();
    s.finish();
    // Not resumed, and at once: those that are seen again were never away.
    let mut s = meet(with_service());
    let session = bridge_session(&s, "alice");
    s.service_is_cut_off();
    s.run_for(seconds(3));
    s.dies("jvb2");
    s.service_logs_in_anew();
    s.run_for(seconds(1));
    assert_eq!((s.focus().gauges().bridges, s.focus().metrics().lost_bridges), (1, 1));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob"), joins(&s, BREWERY).count()), (0, 0, 2));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!(bridge_session(&s, "carol"), session);
    s.finish();
}

/// Where we stay out of the brewery, there is no bridge for us, and people are told in the end.
#[test]
fn that_there_is_no_bridge_is_told_half_a_minute_after_the_brewery_was_lost() {
    let mut s = meet(with_service());
    s.service_is_cut_off();
    s.run_for(seconds(15 + 29));
    assert_eq!(bridge_not_available(&s, "alice"), [false]);
    s.run_for(seconds(2));
    assert_eq!(bridge_not_available(&s, "alice"), [false, true]);
    s.service_logs_in_anew();
    s.run_until(Scenario::all_connected);
    assert_eq!(bridge_not_available(&s, "alice"), [false, true, false]);
    s.bridge("jvb1").take_errors();
    s.bridge("jvb2").take_errors();
    s.finish();
}

/// Our own connection broke: that says nothing of the bridge.
#[test]
fn a_bridge_is_not_blamed_for_the_loss_of_our_connection() {
    for resumes in [true, false] {
        let mut s = meet(with_service());
        s.bridge("jvb1").settings.delay = seconds(1);
        s.joins("carol");
        s.run_for(Time::from_millis(300));
        s.service_is_cut_off();
        s.run_for(seconds(5));
        assert_eq!((moves(&s, "alice"), operational(&s)), (0, 2));
        if resumes {
            s.service_resumes();
        } else {
            s.service_logs_in_anew();
        }
        s.run_for(seconds(20));
        assert_eq!(operational(&s), 2);
        s.run_until(Scenario::all_connected);
        s.bridge("jvb1").take_errors();
        s.finish();
    }
}

/// What tells the focus that it is in the brewery.
fn own_in_brewery(d: &testkit::room::Delivery) -> bool {
    d.to == "focus" && d.stanza.get("from") == Some("jvbbrewery@internal.auth.meet.test/focus")
}

/// Covers spec/50: 37.
#[test]
fn the_brewery_is_entered_at_the_second_try() {
    // Every presence of the room begins the wait anew (spec/50 §1.1).
    let mut s = Scenario::new().bridge_with("jvb1", |bridge| bridge.presence_interval = Time::ZERO).start();
    s.accident(2, Fate::IsLost, own_in_brewery);
    s.focus_is_replaced();
    let start = s.now();
    s.run_for(Time::from_millis(14_900));
    assert_eq!(leaves(&s, BREWERY).since(start).count(), 0);
    s.run_for(Time::from_millis(200));
    assert_eq!((leaves(&s, BREWERY).since(start).count(), joins(&s, BREWERY).since(start).count()), (1, 1));
    s.run_for(seconds(14));
    assert_eq!(joins(&s, BREWERY).since(start).count(), 1);
    s.run_for(seconds(2));
    assert_eq!(joins(&s, BREWERY).since(start).count(), 2);
    assert_eq!(operational(&s), 1);
    s.finish();
}

/// Every bridge in the brewery speaks up every few seconds, and our own presence is lost: it is not waited for without end.
#[test]
fn a_brewery_whose_bridges_talk_on_while_our_own_presence_is_lost_is_entered_anew() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").start();
    s.settle();
    s.accident(1, Fate::IsLost, own_in_brewery);
    s.focus_is_cut_off();
    s.focus_logs_in_anew();
    let start = s.now();
    s.run_for(seconds(119));
    assert_eq!(joins(&s, BREWERY).since(start).count(), 1);
    s.run_for(seconds(20));
    assert_eq!(joins(&s, BREWERY).since(start).count(), 2);
    assert_eq!(operational(&s), 2);
    s.finish();
}

/// A try to enter the brewery comes due while the connection is cut off: it is made when the connection is resumed.
#[test]
fn a_brewery_that_could_not_be_tried_while_cut_off_is_entered_when_resumed() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.settle();
    s.bridge("jvb1").settings.presence_interval = Time::ZERO;
    s.accident(2, Fate::IsLost, own_in_brewery);
    s.focus_is_cut_off();
    s.focus_logs_in_anew();
    // Given up after 15 s, to be tried again after another 15.
    s.run_for(seconds(25));
    s.focus_is_cut_off();
    s.run_for(seconds(10));
    s.focus_resumes();
    s.run_for(seconds(10));
    assert_eq!(operational(&s), 1);
    s.finish();
}

/// Covers spec/50: 48.
#[test]
fn after_a_restart_of_the_server_bridges_are_there_within_a_second() {
    let mut s = meet(two_bridges());
    s.focus_is_cut_off();
    s.run_for(seconds(20));
    assert_eq!(s.focus().gauges().bridges, 0);
    let login = s.now();
    s.focus_logs_in_anew();
    s.run_for(seconds(1));
    assert_eq!((s.focus().gauges().bridges, operational(&s)), (2, 2));
    assert_eq!(leaves(&s, BREWERY).since(login).count(), 0);
    s.run_for(Time::from_millis(9_100));
    assert_eq!(checks(&s, "jvb1").into_iter().filter(|at| *at > login).collect::<Vec<_>>(), [login + seconds(10)]);
}

/// Covers spec/50: 51.
#[test]
fn our_own_leave_by_loss_is_a_loss_of_the_brewery() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let now = s.now();
    s.server().put_out(now, BREWERY, "focus", &["333"]);
    s.run_for(Time::from_millis(100));
    assert_eq!(s.focus().gauges().bridges, 0);
    assert_eq!((moves(&s, "alice"), joins(&s, BREWERY).count()), (1, 1));
    s.run_for(seconds(20));
    assert_eq!((s.focus().gauges().bridges, joins(&s, BREWERY).count()), (1, 2));
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").take_errors();
}

/// Twenty rooms on the only bridge when it dies, and another takes over.
#[test]
fn two_hundred_participants_move_to_the_bridge_that_takes_over() {
    let mut s = Scenario::new().bridge("jvb1").start();
    for number in 0..200 {
        let room = format!("room{}@conference.meet.test", number % 20);
        s.joins_with(&format!("p{number:03}"), |p| p.room = room);
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view_bridge("jvb1").conferences().len(), 20);
    s.dies("jvb1");
    s.settle();
    let gauges = s.focus().gauges();
    assert_eq!((gauges.conferences, gauges.members, gauges.endpoints, gauges.bridges), (20, 200, 0, 0));
    assert_eq!(s.focus().audit(), Vec::<String>::new());
    s.add_bridge("jvb2", |_| {});
    s.run_until(Scenario::all_connected);
    s.settle();
    let names: Vec<String> = (0..200).map(|number| format!("p{number:03}")).collect();
    for name in &names {
        assert_eq!((moves(&s, name), offers(&s, name), s.home_of(name)), (1, 2, Some("jvb2")), "{name}");
    }
    assert_eq!(s.view_bridge("jvb2").conferences().len(), 20);
    assert_eq!(s.focus().gauges().endpoints, 200);
    s.finish();
}
