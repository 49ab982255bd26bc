//! Health checks: when they are sent, and what their answers mean for the conferences on a bridge.

use testkit::Time;
use testkit::bridge::Health;
use testkit::ns;
use testkit::participant::media::desktop;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::Read;

use crate::bridges_support::*;
use crate::support::*;

/// Since the bridge was seen: checks are sent so long after that.
fn after(s: &Scenario, bridge: &str, since: Time) -> Vec<u64> {
    checks(s, bridge).into_iter().filter(|at| *at >= since).map(|at| (at - since).as_millis() as u64).collect()
}

/// A bridge that comes when the focus is there already, and when it came.
fn with_bridge_that_comes(builder: Builder, health: Health) -> (Scenario, Time) {
    let mut s = builder.start();
    let came = s.now();
    s.add_bridge("jvb1", |_| {});
    s.bridge("jvb1").health = health;
    (s, came)
}

/// A bridge that does not answer its first check, and the id of that.
fn with_a_check_under_way() -> (Scenario, String) {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.bridge("jvb1").health = Health::Silent;
    s.run_for(seconds(10));
    let check = said_to(&s, &format!("{BREWERY}/jvb1")).request("healthcheck").last().stanza.clone();
    (s, check.get("id").expect("an id").to_owned())
}

/// What is in the answer to a check, that of a bridge that is ill or of one that is well, and its type.
fn outcome(error: bool) -> (String, &'static str) {
    match error {
        true => {
            (format!("<error type='cancel'><internal-server-error xmlns='{}'/></error>", ns::STANZA_ERRORS), "error")
        }
        false => (String::new(), "result"),
    }
}

fn third_room(s: &mut Scenario, names: [&str; 2]) {
    for name in names {
        s.joins_with(name, |p| p.room = "third@conference.meet.test".into());
    }
}

/// Covers spec/50: 38.
#[test]
fn a_silent_bridge_is_checked_twice_and_avoided_until_a_minute_after() {
    let (mut s, came) = with_bridge_that_comes(Scenario::new(), Health::Silent);
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.run_for((came + Time::from_millis(44_900)).saturating_sub(s.now()));
    assert_eq!(after(&s, "jvb1", came), [10_000, 30_000]);
    assert_eq!(operational(&s), 1);
    s.run_for(Time::from_millis(200));
    assert_eq!(operational(&s), 0);
    assert_eq!((moves(&s, "alice"), s.view("alice").connected()), (0, true), "conferences stay");
    s.bridge("jvb1").health = Health::Well;
    s.run_for((came + Time::from_millis(104_900)).saturating_sub(s.now()));
    assert!(after(&s, "jvb1", came).contains(&50_000));
    assert_eq!(operational(&s), 0, "it passed, and has failed less than a minute ago");
    s.run_for(Time::from_millis(150));
    assert_eq!(operational(&s), 1);
    assert_eq!(moves(&s, "alice"), 0);
    s.finish();
}

/// Covers spec/50: 39; spec/90: 94.
#[test]
fn a_bridge_that_says_it_is_ill_is_left_at_once() {
    let mut s = two_bridges().start();
    let came = s.now() - Time::from_millis(500);
    s.joins("alice");
    s.joins("bob");
    third_room(&mut s, ["carol", "dave"]);
    s.run_until(Scenario::all_connected);
    assert_eq!(s.view_bridge("jvb1").conferences().len(), 2);
    s.bridge("jvb1").health = Health::Failing("Failed to bind single-port".into());
    s.run_for((came + seconds(9)).saturating_sub(s.now()));
    assert_eq!(moves(&s, "alice"), 0);
    s.run_for(seconds(2));
    for name in ["alice", "bob", "carol", "dave"] {
        assert_eq!((moves(&s, name), s.home_of(name)), (1, Some("jvb2")), "{name}");
    }
    assert_eq!((operational(&s), s.focus().metrics().bridges_removed), (1, 0));
    let before = count(&s, "jvb1");
    s.run_for(seconds(20));
    assert_eq!((asked_since(&s, "jvb1", before).len(), moves(&s, "alice")), (0, 1), "nobody is on it any more");
    s.bridge("jvb1").health = Health::Refusing("item-not-found");
    s.run_for(seconds(70));
    assert_eq!(operational(&s), 1, "what somebody on the way says does not make it well");
    s.bridge("jvb1").health = Health::Well;
    s.run_for(seconds(75));
    assert_eq!(operational(&s), 2);
    s.finish();
    // Without a second try.
    let once = Scenario::new().config(|config| config.bridge.health_checks.retry_delay = Some(Time::ZERO));
    let (mut s, came) = with_bridge_that_comes(once, Health::Silent);
    s.run_for(Time::from_millis(24_900));
    assert_eq!((after(&s, "jvb1", came), operational(&s)), (vec![10_000], 1));
    s.run_for(Time::from_millis(200));
    assert_eq!(operational(&s), 0);
}

/// What a condition other than the two of illness makes of a bridge that was well.
#[test]
fn an_error_that_may_be_anybodys_changes_nothing() {
    for condition in ["not-acceptable", "forbidden", "feature-not-implemented"] {
        let (mut s, _) = with_bridge_that_comes(Scenario::new(), Health::Refusing(condition));
        s.joins("alice");
        s.joins("bob");
        s.run_for(seconds(40));
        assert_eq!((operational(&s), moves(&s, "alice")), (1, 0), "{condition}");
        s.finish();
    }
    // Whose session ended may only be coming back: it is asked again at once, and then is as good as silent. So it is where silence
    // is not waited for a second time.
    for condition in ["item-not-found", "recipient-unavailable"] {
        for delay in [None, Some(Time::ZERO)] {
            let builder = Scenario::new().config(|config| config.bridge.health_checks.retry_delay = delay);
            let (mut s, came) = with_bridge_that_comes(builder, Health::Refusing(condition));
            s.run_for(seconds(11));
            assert_eq!((after(&s, "jvb1", came), operational(&s)), (vec![10_000, 10_000], 0), "{condition} {delay:?}");
        }
    }
}

/// Covers spec/50: 40.
#[test]
fn presence_can_stand_for_checks() {
    let builder = || {
        Scenario::new().config(|config| config.bridge.health_checks.use_presence = true).bridge_with("jvb1", |bridge| {
            bridge.presence_interval = Time::ZERO;
            bridge.stats.stress = 0.1;
        })
    };
    let mut s = builder().bridge_with("jvb2", stressed(0.5)).start();
    // The focus came half a second after the bridge had spoken, and half a second ago.
    let came = s.now() - Time::from_millis(500);
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.run_for((came + seconds(42)).saturating_sub(s.now()));
    assert_eq!(operational(&s), 2);
    s.run_for(seconds(10));
    assert_eq!((operational(&s), moves(&s, "alice")), (1, 0), "silent: avoided, not left");
    s.run_for((came + seconds(62)).saturating_sub(s.now()));
    says(&mut s, "jvb1", &[("healthy", "false"), ("drain", "false")]);
    assert_eq!(moves(&s, "alice"), 0);
    s.run_for((came + Time::from_millis(70_100)).saturating_sub(s.now()));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (1, 1));
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("alice"), Some("jvb2"));
    assert!(checks(&s, "jvb1").is_empty());
    s.finish();
    // One that says nothing of its health is well.
    let mut s = Scenario::new().config(|config| config.bridge.health_checks.use_presence = true).start();
    s.server().connect("bridge", "jvb@auth.meet.test/bare", true);
    s.inject("bridge", &format!("<presence to='{BREWERY}/bridge'><x xmlns='{}'/></presence>", ns::MUC));
    for _ in 0..12 {
        says(&mut s, "bridge", &[("stress_level", "0.1")]);
        s.run_for(seconds(5));
    }
    assert_eq!(operational(&s), 1);
}

/// A conference without a bridge finds one that recovers, however health is known.
#[test]
fn who_waits_for_a_bridge_gets_one_when_it_recovers() {
    for mode in ["requests", "presence", "off"] {
        let builder = Scenario::new().bridge("jvb1").config(|config| match mode {
            "presence" => config.bridge.health_checks.use_presence = true,
            "off" => config.bridge.health_checks.enabled = false,
            _ => {}
        });
        let mut s = builder.start();
        s.bridge("jvb1").fail_next(refusal("internal-server-error", None));
        s.joins("alice");
        s.joins("bob");
        s.run_for(seconds(55));
        assert!(!s.all_connected() && operational(&s) == 0, "{mode}");
        assert_eq!(bridge_not_available(&s, "alice"), [false, true], "{mode}");
        s.run_for(seconds(16));
        assert!(s.all_connected(), "{mode}");
        assert_eq!(bridge_not_available(&s, "alice"), [false, true, false], "{mode}");
        s.bridge("jvb1").take_errors();
        s.finish();
    }
}

/// Covers spec/50: 41, 49.
#[test]
fn a_check_of_a_bridge_that_is_gone_says_nothing_of_its_successor() {
    // Hung, without closing its connection.
    let mut s = meet(two_bridges());
    s.server().suspend("jvb1");
    s.run_for(seconds(10).saturating_sub(s.now()) + seconds(3));
    assert_eq!(checks(&s, "jvb1").len(), 1);
    s.run_for(seconds(12));
    assert_eq!((moves(&s, "alice"), operational(&s)), (0, 2));
    let before = s.now();
    s.dies("jvb1");
    s.run_for(seconds(2));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob"), operational(&s)), (1, 1, 1));
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(30));
    let later: Vec<Time> = checks(&s, "jvb1").into_iter().filter(|at| *at > before).collect();
    assert!(later.is_empty(), "no check of who is gone: {later:?}");
    assert_eq!((moves(&s, "alice"), s.focus().metrics().lost_bridges), (1, 1));
    s.finish();
    // It is back, and has people on it, when the answer to its earlier life's check comes: that it is ill.
    for error in [true, false] {
        let (mut s, id) = with_a_check_under_way();
        s.bridge("jvb1").health = Health::Well;
        s.dies("jvb1");
        s.run_for(seconds(1));
        s.returns("jvb1");
        s.joins("alice");
        s.joins("bob");
        s.run_until(Scenario::all_connected);
        // What says that the new one is unwell: what it is asked is refused.
        if !error {
            s.bridge("jvb1").health = Health::Failing("really".into());
            s.run_for(seconds(11));
            assert_eq!(operational(&s), 0);
        }
        let (before, moved) = (s.now(), moves(&s, "alice"));
        assert!(before < seconds(26), "{before:?}: the check of the earlier life is still awaited");
        let (child, kind) = outcome(error);
        reaches_focus(&mut s, &format!("<iq type='{kind}' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'>{child}</iq>"));
        assert_eq!((operational(&s), moves(&s, "alice")), (usize::from(error), moved));
        assert_eq!(s.focus().gauges().bridges, 1);
        // A verdict of it would last for a minute from then on, or make it well after that.
        s.bridge("jvb1").health = Health::Well;
        s.run_for(seconds(if error { 5 } else { 50 }));
        assert_eq!(operational(&s), usize::from(error));
        if error {
            assert!(s.all_connected());
            s.finish();
        }
    }
    // It comes while a check of the new one is under way, too, which it does not answer: that goes on as if nothing had come.
    for error in [true, false] {
        let (mut s, id) = with_a_check_under_way();
        s.dies("jvb1");
        s.run_for(Time::from_millis(500));
        let came = s.now();
        s.returns("jvb1");
        s.joins("alice");
        s.joins("bob");
        s.run_for((came + seconds(12)).saturating_sub(s.now()));
        assert!(s.all_connected());
        let asked = after(&s, "jvb1", came);
        assert!(asked.len() == 1 && s.now() < seconds(25), "{asked:?}, {:?}: both are awaited", s.now());
        let (child, kind) = outcome(error);
        reaches_focus(&mut s, &format!("<iq type='{kind}' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'>{child}</iq>"));
        s.run_for(seconds(1));
        assert_eq!((operational(&s), moves(&s, "alice")), (1, 0), "{kind}");
        // Not answered within 15 s: once more after 5, and after 15 more it is silent.
        s.run_for((came + Time::from_millis(asked[0] + 34_900)).saturating_sub(s.now()));
        assert_eq!(after(&s, "jvb1", came), [asked[0], asked[0] + 20_000], "{kind}");
        assert_eq!(operational(&s), 1);
        s.run_for(Time::from_millis(200));
        assert_eq!((operational(&s), moves(&s, "alice")), (0, 0), "{kind}");
    }
}

/// Statistics that keep coming do not make a bridge well, nor does a check that passes now and then; and however checks end, they
/// go on.
///
/// Covers spec/90: 84.
#[test]
fn a_bridge_that_flaps_is_not_used_until_it_has_been_well_for_a_minute() {
    let ill = [Health::Failing("now and then".into()), Health::Refusing("service-unavailable"), Health::Silent];
    for ill in ill {
        let mut s = two_bridges().config(|config| config.bridge.health_checks.retry_delay = Some(Time::ZERO)).start();
        let room = |s: &mut Scenario, number: u64| {
            for name in ["x", "y"] {
                let room = format!("r{number}@conference.meet.test");
                s.joins_with(&format!("p{number}{name}"), |p| p.room = room);
            }
            s.run_until(Scenario::all_connected);
            s.home_of(&format!("p{number}x")).expect("on a bridge").to_owned()
        };
        assert_eq!(room(&mut s, 0), "jvb1", "it has less to do");
        s.bridge("jvb1").health = ill.clone();
        s.run_for(seconds(26));
        for number in 1..10 {
            let well = number % 2 == 1;
            s.bridge("jvb1").health = if well { Health::Well } else { ill.clone() };
            assert_eq!(room(&mut s, number), "jvb2", "{ill:?}, {number}");
            s.run_for(seconds(26));
        }
        let asked = checks(&s, "jvb1");
        let gaps: Vec<Time> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap <= seconds(20)) && asked.len() > 12, "checks go on: {asked:?}");
        s.run_for(seconds(20));
        assert_eq!(room(&mut s, 100), "jvb2");
        s.run_for(seconds(50));
        assert_eq!(room(&mut s, 101), "jvb1", "a minute after it failed last");
        s.finish();
    }
}

/// That only we cannot reach a bridge is no reason to move anybody (that its endpoints cannot either is: `suspects.rs`). When the
/// bridge itself says that it is ill all move, in turn.
///
/// Covers spec/90: 85.
#[test]
fn nobody_is_moved_off_a_bridge_that_only_we_cannot_reach_and_not_all_at_once_off_one_that_is_ill() {
    let builder = Scenario::new().config(|config| config.bridge.stress_threshold = 10.0);
    let mut s = builder.bridge_with("jvb1", stressed(0.1)).start();
    for number in 0..60 {
        s.joins_with(&format!("p{number}"), |p| {
            p.room = format!("r{}@conference.meet.test", number % 20);
            p.profile = testkit::participant::profile::Profile::ssrc_rewriting();
            p.tracks = vec![testkit::participant::media::microphone()];
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view_bridge("jvb1").endpoint_count(), 60);
    s.add_bridge("jvb2", stressed(0.3));
    s.bridge("jvb1").health = Health::Silent;
    let before = count(&s, "jvb1");
    s.run_for(seconds(300));
    assert_eq!(operational(&s), 1);
    assert_eq!((s.focus().metrics().participants_moved, count(&s, "jvb1")), (0, before), "it was left alone");
    third_room(&mut s, ["carol", "dave"]);
    s.run_until(Scenario::all_connected);
    assert_eq!(s.home_of("carol"), Some("jvb2"));
    s.bridge("jvb1").health = Health::Failing("ill".into());
    s.run_until(|s| s.focus().metrics().participants_moved > 0);
    let begin = s.now();
    s.run_until(|s| s.focus().metrics().participants_moved == 60);
    s.run_until(Scenario::all_connected);
    s.settle();
    // Some at once; then every 20 ms as many as a bridge gets at a time.
    let asked = said_to(&s, &format!("{BREWERY}/jvb2")).request("conference-modify").since(begin);
    let placed = asked.containing("create='true'").times();
    let turns: Vec<usize> = placed.chunk_by(|a, b| *b - *a < Time::from_millis(10)).map(<[Time]>::len).collect();
    assert!(placed.len() == 60 && turns[0] <= 50 && turns[1..].iter().all(|turn| *turn <= 2), "{turns:?}");
    assert_eq!(s.view_bridge("jvb2").endpoint_count(), 62);
    s.finish();
}

/// Covers spec/50: 50; spec/90: 118.
#[test]
fn a_second_answer_to_a_check_changes_nothing() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.run_for(seconds(10));
    let check = said_to(&s, &format!("{BREWERY}/jvb1")).request("healthcheck").first().stanza.clone();
    let id = check.get("id").expect("an id").to_owned();
    for condition in ["recipient-unavailable", "internal-server-error"] {
        let before = checks(&s, "jvb1").len();
        reaches_focus(
            &mut s,
            &format!(
                "<iq type='error' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'><error type='wait'><{condition} \
                 xmlns='{}'/></error></iq>",
                ns::STANZA_ERRORS
            ),
        );
        assert_eq!((operational(&s), moves(&s, "alice"), checks(&s, "jvb1").len()), (1, 0, before));
    }
    s.finish();
}

/// Covers spec/90: 21.
#[test]
fn checks_of_a_bridge_never_overlap_and_end_with_it() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.bridge("jvb1").health = Health::Silent;
    s.run_for(seconds(300));
    let times = checks(&s, "jvb1");
    assert!(times.len() > 5);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= seconds(15)), "{times:?}");
    assert!(s.focus().gauges().requests_pending <= 1);
    s.dies("jvb1");
    let before = checks(&s, "jvb1").len();
    s.run_for(seconds(60));
    assert_eq!((checks(&s, "jvb1").len(), s.focus().gauges().requests_pending), (before, 0));
}

/// The update of a client that came while the bridge was suspected is not lost with the suspicion.
#[test]
fn a_suspected_bridge_serves_its_conferences() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.bridge("jvb1").health = Health::Silent;
    s.run_for(seconds(60));
    assert_eq!(operational(&s), 0);
    s.participant("alice").add_source(desktop());
    s.settle();
    s.finish();
}

/// An error that says nothing of a bridge's health is told once, and when it is over.
#[test]
fn a_check_that_is_refused_is_told_once() {
    testkit::logs::keep_lines();
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.bridge("jvb1").health = Health::Refusing("forbidden");
    s.run_for(seconds(95));
    let lines = logged("health check");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN") && lines[0].contains("forbidden"), "{lines:?}");
    s.bridge("jvb1").health = Health::Refusing("feature-not-implemented");
    s.run_for(seconds(95));
    assert_eq!(logged("health check").len(), 1);
    s.bridge("jvb1").health = Health::Well;
    s.run_for(seconds(95));
    assert_eq!(logged("health check").len(), 1);
    assert_eq!((operational(&s), moves(&s, "alice")), (1, 0));
    s.finish();
}
