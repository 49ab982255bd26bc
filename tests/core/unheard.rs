//! What was asked of bridges and dies with our own connection, or with our place in their room. That says nothing of the bridges:
//! nobody leaves them, and only what was in flight is asked for again.

use jicofo::focus::{Connection, Input, Timestamp};
use testkit::Time;
use testkit::logs::keep_lines;
use testkit::room::{Delivery, Fate};
use testkit::scenario::{Builder, Scenario};
use testkit::xml::to_text;

use crate::bridges_support::*;
use crate::support::*;

fn with_service(builder: Builder) -> Builder {
    builder.config(|config| {
        testkit::scenario::add_service(config);
    })
}

/// Alice and Bob, connected by one bridge.
fn two_on_jvb1() -> Scenario {
    let mut s = with_service(Scenario::new().bridge("jvb1").participant("alice").participant("bob")).start();
    s.run_until(Scenario::all_connected);
    s
}

/// How the connection to the bridges is lost while something is in flight, and comes back.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// At once, and with a new session.
    ForGood,
    /// The server kept the session, longer than an answer is waited for.
    Resumed,
    /// The server keeps it for a while, and then there is a new one.
    TooLate,
    /// Not the connection, but our place in the brewery; nobody tells us.
    Place,
}

impl Loss {
    fn happens(self, s: &mut Scenario) {
        match self {
            Loss::ForGood => {
                s.connection_tells(Input::Disconnected { on: Connection::Service, resumable: false });
                s.service_logs_in_anew();
            }
            Loss::Resumed => {
                s.service_is_cut_off();
                // The reply timeout ends just before the connection is given up.
                s.run_for(Time::from_millis(14_500));
                s.service_resumes();
            }
            Loss::TooLate => {
                s.service_is_cut_off();
                s.run_for(seconds(3));
                s.service_logs_in_anew();
            }
            Loss::Place => s.server().forgets(BREWERY, "focus"),
        }
    }
}

/// A request to a bridge with that in it gets lost, or its answer.
fn goes_astray(s: &mut Scenario, bridge: &'static str, words: &'static str, heard: bool) {
    let (to, from) = if heard { ("focus", bridge) } else { (bridge, "focus") };
    s.accident(1, Fate::IsLost, move |d: &Delivery| {
        d.to.starts_with(to) && d.from.starts_with(from) && to_text(&d.stanza).contains(words)
    });
}

/// A bridge that never heard of a conference says so when it is to let go of it; nothing else was wrong.
#[track_caller]
fn assert_no_conflict(s: &mut Scenario, case: &str) {
    let errors = s.bridge("jvb1").take_errors();
    assert!(errors.iter().all(|it| it.text.starts_with("Conference not found")), "{case}: {errors:?}");
}

fn sessions(s: &Scenario, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| bridge_session(s, name)).collect()
}

/// Those who are on the bridge stay, connected; one who is not yet gets its endpoint there, whether or not the bridge has made one
/// already.
#[test]
fn only_what_was_in_flight_is_asked_for_again() {
    for loss in [Loss::ForGood, Loss::Resumed, Loss::TooLate] {
        for heard in [true, false] {
            let mut s = meet(with_service(two_bridges()));
            let (before, session) = (count(&s, "jvb1"), sessions(&s, &["alice", "bob"]));
            goes_astray(&mut s, "jvb1", "carol", heard);
            s.joins("carol");
            s.run_for(seconds(1));
            loss.happens(&mut s);
            s.run_for(seconds(5));
            assert!(s.connected(&["alice", "bob", "carol"]), "{loss:?}, {heard}: {}", s.story());
            assert_eq!((moves(&s, "alice"), moves(&s, "bob"), moves(&s, "carol")), (0, 0, 0), "{loss:?}");
            assert_eq!((sessions(&s, &["alice", "bob"]), s.home_of("carol")), (session, Some("jvb1")), "{loss:?}");
            let asked = asked_since(&s, "jvb1", before);
            assert_eq!(asked[..3], ["+carol", "-carol", "+carol"], "{loss:?}, {heard}: {asked:?}");
            assert_eq!((operational(&s), s.focus().metrics().bridges_removed), (2, 0), "{loss:?}");
            assert!(s.bridge("jvb1").errors().is_empty(), "{loss:?}, {heard}");
            s.finish();
        }
    }
}

/// Where nobody has an endpoint yet, it is not known whether the bridge has the conference: it lets go of whatever it has before it
/// is asked to create it, so that it never refuses it as one that exists.
#[test]
fn a_conference_that_the_bridge_may_have_or_not_is_created_without_a_conflict() {
    for loss in [Loss::ForGood, Loss::Resumed, Loss::TooLate] {
        for heard in [true, false] {
            let mut s = with_service(Scenario::new().bridge("jvb1")).start();
            goes_astray(&mut s, "jvb1", "conference-modif", heard);
            goes_astray(&mut s, "jvb1", "conference-modif", heard);
            s.joins("alice");
            s.joins("bob");
            s.run_for(seconds(1));
            loss.happens(&mut s);
            s.run_for(seconds(5));
            assert!(s.connected(&["alice", "bob"]), "{loss:?}, {heard}: {}", s.story());
            let asked = asked(&s, "jvb1");
            let creates: Vec<usize> =
                asked.iter().enumerate().filter(|(_, it)| it.starts_with("create")).map(|(at, _)| at).collect();
            let end = asked.iter().rposition(|it| it == "expire");
            assert!(
                matches!(creates[..], [0, again] if end.is_some_and(|end| end < again)),
                "{loss:?}, {heard}: {asked:?}"
            );
            assert_no_conflict(&mut s, &format!("{loss:?}, {heard}"));
            assert_eq!((operational(&s), s.focus().metrics().bridges_removed), (1, 0), "{loss:?}");
            s.finish();
        }
    }
}

/// Nobody is left, or nobody with a session, who leaves before that is told again.
#[test]
fn a_bridge_hears_of_the_end_of_a_conference_that_died_with_our_connection() {
    for loss in [Loss::ForGood, Loss::TooLate] {
        for lasts in [false, true] {
            let mut s = two_on_jvb1();
            s.service_is_cut_off();
            s.participant("bob").leave();
            match lasts {
                true => s.participant("alice").terminate("success", "", None),
                false => s.participant("alice").leave(),
            }
            s.run_for(Time::from_millis(100));
            loss.happens(&mut s);
            s.run_for(Time::from_millis(500));
            s.participant("alice").leave();
            s.run_for(seconds(15));
            assert_eq!(s.focus().gauges().conferences, 0);
            assert!(s.view_bridge("jvb1").conferences().is_empty(), "{loss:?} {lasts}");
            assert_no_conflict(&mut s, &format!("{loss:?} {lasts}"));
        }
    }
}

/// Whoever comes while the connection is away waits; another, placed as it is back and before we are in the brewery again, does
/// not make him be forgotten.
#[test]
fn whoever_waits_for_the_connection_is_placed_though_another_was_before_the_brewery_is_entered() {
    let mut s = two_on_jvb1();
    s.service_is_cut_off();
    s.joins("carol");
    s.run_for(Time::from_millis(500));
    s.accident(1, Fate::IsLate(seconds(3)), |d: &Delivery| {
        d.to == "focus/service" && d.stanza.name() == "presence" && to_text(&d.stanza).contains("110")
    });
    s.service_logs_in_anew();
    s.participant("alice").restart();
    s.run_for(seconds(1));
    assert!(s.view("alice").connected());
    s.run_until(Scenario::all_connected);
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// Of the same meeting, in a conference of which the bridge knows nothing yet: we were out of the room for a moment.
#[test]
fn a_bridge_that_has_the_conference_before_yet_lets_go_of_it_first() {
    for loss in [Loss::ForGood, Loss::TooLate, Loss::Resumed] {
        let mut s = two_on_jvb1();
        s.service_is_cut_off();
        let (now, room) = (s.now(), s.room().to_owned());
        s.server().put_out(now, &room, "focus", &["307"]);
        s.run_for(Time::from_millis(500));
        s.joins("carol");
        s.run_for(Time::from_millis(500));
        loss.happens(&mut s);
        let back = s.now();
        s.run_until(|s| s.view("carol").connected());
        assert_no_conflict(&mut s, &format!("{loss:?}"));
        assert!(created(&s, back) - back >= Time::from_millis(100), "{loss:?}: it is removed just after the answer");
        assert_eq!(s.view_bridge("jvb1").conferences().len(), 1);
    }
}

/// The conference is over for us and not for its room, and somebody opens the next one of the same meeting at once.
fn begins_anew(s: &mut Scenario) {
    let (now, room) = (s.now(), s.room().to_owned());
    s.server().put_out(now, &room, "focus", &["307"]);
    s.run_for(Time::from_millis(100));
    s.joins("carol");
}

fn is_end(d: &Delivery) -> bool {
    d.to == "jvb1" && to_text(&d.stanza).contains("conference-modify") && to_text(&d.stanza).contains("expire=")
}

/// When the bridge was asked to create a conference, since then.
#[track_caller]
fn created(s: &Scenario, since: Time) -> Time {
    let asked = said_to(s, &format!("{BREWERY}/jvb1")).request("conference-modify").since(since);
    asked.containing("name='room@").times()[0]
}

/// However slow the bridge is, and where it never heard of the end: it lets go of the last conference before it is asked for the
/// next one.
#[test]
fn the_next_conference_of_a_meeting_waits_for_the_end_of_the_last_one() {
    for (delay, lost) in [(150, false), (700, false), (0, true), (300, true)] {
        let mut s = meet(Scenario::new().bridge("jvb1"));
        s.bridge("jvb1").settings.delay = Time::from_millis(delay);
        if lost {
            s.accident(1, Fate::IsLost, is_end);
        }
        let began = s.now();
        begins_anew(&mut s);
        s.run_until(|s| s.connected(&["alice", "bob", "carol"]));
        assert!(s.now() - began < seconds(6), "{delay} {lost}: {:?}", s.now() - began);
        let created = created(&s, began);
        assert!(created - began >= Time::from_millis(delay + 100), "it is removed just after the answer: {created:?}");
        assert_no_conflict(&mut s, &format!("{delay} {lost}"));
        assert_eq!(s.focus().metrics().bridges_removed, 0, "{delay} {lost}");
        assert_eq!(s.view_bridge("jvb1").conferences().len(), 1);
        assert_eq!(s.focus().audit(), Vec::<String>::new());
    }
}

/// A bridge that refuses to let go, or says nothing to it, holds up nobody for ever: another takes the conference, or it is asked
/// all the same.
#[test]
fn an_end_that_is_refused_or_unanswered_lets_the_next_conference_go_on() {
    for (another, refused, least, most) in
        [(false, true, 0, 3), (false, false, 14, 20), (true, true, 0, 3), (true, false, 2, 3)]
    {
        let builder = if another { two_bridges() } else { Scenario::new().bridge("jvb1") };
        let mut s = meet(builder);
        match refused {
            true => {
                s.accident(1, Fate::IsLost, is_end);
                let is_answer = |d: &Delivery| to_text(&d.stanza).contains("conference-modified");
                s.accident(1, Fate::IsAnError, move |d| d.from.starts_with("jvb1") && d.to == "focus" && is_answer(d));
            }
            false => s.accident(2, Fate::IsLost, is_end),
        }
        let began = s.now();
        begins_anew(&mut s);
        s.run_until(|s| s.connected(&["alice", "bob", "carol"]));
        let took = s.now() - began;
        assert!(took >= seconds(least) && took < seconds(most), "{another} {refused}: {took:?}");
        s.settle();
        assert_eq!(s.focus().audit(), Vec::<String>::new());
    }
}

/// Nothing could be said of the end, as bridges are on the connection that was lost. The room lives on, and begins anew on the next.
#[test]
fn a_meeting_whose_end_could_be_told_to_no_bridge_is_ended_before_it_begins_anew() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.focus_is_disconnected();
    s.run_for(seconds(1));
    s.focus_logs_in_anew();
    s.joins("carol");
    s.run_until(|s| s.connected(&["alice", "bob", "carol"]));
    assert_no_conflict(&mut s, "");
    assert_eq!((s.focus().metrics().bridges_removed, s.view_bridge("jvb1").conferences().len()), (0, 1));
}

/// He asks for another session while nobody can be told that the old one is over: his bridge takes no two endpoints of one name.
#[test]
fn an_endpoint_whose_end_was_lost_ends_before_it_is_made_anew() {
    for loss in [Loss::ForGood, Loss::TooLate] {
        let mut s = two_on_jvb1();
        let before = sessions(&s, &["bob"]);
        s.service_is_cut_off();
        s.participant("alice").restart();
        s.run_for(Time::from_millis(500));
        loss.happens(&mut s);
        s.run_until(Scenario::all_connected);
        assert_no_conflict(&mut s, &format!("{loss:?}"));
        assert_eq!(sessions(&s, &["bob"]), before, "{loss:?}: whoever else is on the bridge stays");
        assert_eq!(s.view_bridge("jvb1").conferences().values().map(|it| it.endpoints.len()).sum::<usize>(), 2);
    }
}

/// The session was resumed shortly before the reply timeout ends: what was asked is on its way yet, and has time to be answered.
#[test]
fn what_is_answered_after_the_session_was_resumed_is_in_time() {
    let mut s = meet(with_service(two_bridges()));
    s.bridge("jvb1").settings.delay = Time::from_millis(1_500);
    let before = count(&s, "jvb1");
    s.joins("carol");
    s.run_for(Time::from_millis(600));
    s.service_is_cut_off();
    s.run_for(Time::from_millis(14_000));
    s.bridge("jvb1").settings.delay = Time::ZERO;
    s.service_resumes();
    s.run_for(seconds(3));
    assert!(s.connected(&["alice", "bob", "carol"]));
    assert_eq!(asked_since(&s, "jvb1", before).iter().filter(|it| *it == "+carol").count(), 1);
    assert_eq!((moves(&s, "alice"), operational(&s)), (0, 2));
    s.finish();
}

/// A bridge that is silent for itself afterwards is left as any other.
#[test]
fn a_bridge_that_is_silent_afterwards_is_left_all_the_same() {
    let mut s = meet(with_service(two_bridges()));
    goes_astray(&mut s, "jvb1", "carol", false);
    s.joins("carol");
    s.run_for(seconds(1));
    Loss::ForGood.happens(&mut s);
    s.accident(1_000, Fate::IsLost, |d: &Delivery| d.to == "jvb1" && to_text(&d.stanza).contains("carol"));
    s.run_for(seconds(25));
    s.run_until(Scenario::all_connected);
    assert_eq!((moves(&s, "alice"), s.home_of("carol"), operational(&s)), (1, Some("jvb2"), 1));
    s.server().forget_rules();
    s.finish();
}

/// An end of a link dies with the connection: both ends are made anew, and nobody leaves a bridge.
#[test]
fn a_link_that_was_in_flight_is_made_again() {
    for heard in [true, false] {
        for bridge in ["a", "b"] {
            let mut s = people(with_service(linked(&["a", "b"])).start(), &[("p", "a"), ("r", "a")]);
            let session = sessions(&s, &["p", "r"]);
            goes_astray(&mut s, bridge, "<relay", heard);
            s.joins_with("q", |p| p.region = Some("b".into()));
            s.run_for(seconds(1));
            Loss::ForGood.happens(&mut s);
            s.run_for(seconds(5));
            assert!(s.connected(&["p", "r", "q"]), "{bridge}, {heard}");
            assert_eq!(["p", "r", "q"].map(|name| moves(&s, name)), [0, 0, 0], "{bridge}, {heard}");
            assert_eq!((sessions(&s, &["p", "r"]), s.home_of("q")), (session, Some("b")), "{bridge}, {heard}");
            assert_eq!((operational(&s), s.focus().metrics().bridges_removed), (2, 0), "{bridge}, {heard}");
            // One that never heard of the link knows none that it is told about, or is to end.
            if !heard {
                let errors = s.bridge(bridge).take_errors();
                assert!(errors.iter().all(|it| it.text.starts_with("Unknown relay")), "{errors:?}");
                let complaints = s.bridge(bridge).take_violations();
                assert!(complaints.iter().all(|it| it.to_string().contains("which is not there")), "{complaints:?}");
            }
            s.finish();
        }
    }
}

/// The participant has been told that it is restarted, and waits. The bridge gives the same agent again, so that it does no harm
/// to ask it twice.
#[test]
fn a_restart_of_ice_of_which_nothing_was_heard_is_asked_for_again() {
    for loss in [None, Some(Loss::ForGood), Some(Loss::Resumed), Some(Loss::TooLate), Some(Loss::Place)] {
        for heard in [true, false] {
            let mut s = two_on_jvb1();
            s.run_for(seconds(1));
            let (before, session) = (s.now(), sessions(&s, &["alice", "bob"]));
            goes_astray(&mut s, "jvb1", if heard { "ice-generation=" } else { "ice-restart=" }, heard);
            s.participant("alice").restart_ice();
            if let Some(loss) = loss {
                loss.happens(&mut s);
            }
            s.run_for(seconds(40));
            let told = s.sent_to("alice").since(before);
            let infos = told.clone().jingle("transport-info");
            assert_eq!(infos.count(), 1, "{loss:?}, {heard}: {}", s.story());
            assert!(infos.first().text().contains("ice-generation='1'"), "{loss:?}, {heard}");
            assert_eq!(told.actions(), ["transport-info"], "{loss:?}, {heard}");
            assert_eq!(sessions(&s, &["alice", "bob"]), session, "{loss:?}, {heard}");
            let metrics = s.focus().metrics();
            let counted = (metrics.ice_restarts_requested, metrics.ice_restarts_relayed, metrics.ice_restarts_failed);
            assert_eq!(counted, (1, 1, 0), "{loss:?}, {heard}");
            assert!(s.connected(&["alice", "bob"]), "{loss:?}, {heard}: {}", s.story());
            s.finish();
        }
    }
    // It asked once more meanwhile, and has what it wants.
    let mut s = two_on_jvb1();
    s.run_for(seconds(1));
    let before = s.now();
    goes_astray(&mut s, "jvb1", "ice-generation=", true);
    s.participant("alice").restart_ice();
    s.run_for(seconds(6));
    s.participant("alice").restart_ice();
    s.run_for(seconds(40));
    assert_eq!(s.sent_to("alice").since(before).jingle("transport-info").count(), 1, "{}", s.story());
    assert_eq!(s.sent_to("jvb1").since(before).filter(|wire| wire.text().contains("ice-restart")).count(), 2);
    s.finish();
    // Whoever asks has left meanwhile.
    let mut s = two_on_jvb1();
    goes_astray(&mut s, "jvb1", "ice-restart=", false);
    s.participant("alice").restart_ice();
    s.run_for(seconds(1));
    s.participant("alice").leave();
    let before = s.now();
    s.run_for(seconds(40));
    let asked = s.sent_to("jvb1").since(before).filter(|wire| wire.text().contains("ice-restart"));
    assert_eq!(asked.count(), 0);
    s.finish();
}

/// Nobody told us that we are not in the brewery any more; the room says so when something is asked through it. It is entered
/// again at once, everybody stays where he is, no bridge is blamed, and what was asked is asked again.
#[test]
fn a_place_in_the_brewery_that_was_lost_silently_is_taken_again() {
    keep_lines();
    // Found by a health check.
    let mut s = meet(two_bridges());
    Loss::Place.happens(&mut s);
    s.run_for(seconds(11));
    assert_eq!((joins(&s, BREWERY).count(), operational(&s), s.focus().gauges().bridges), (2, 2, 2));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (0, 0));
    assert_eq!(logged("we are no longer in the bridge brewery").len(), 1);
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.finish();
    // By an allocation, with others and as the first of a conference, and by an update.
    for first in [true, false] {
        let mut s = if first { two_bridges().start() } else { meet(two_bridges()) };
        s.settle();
        Loss::Place.happens(&mut s);
        if !first {
            s.participant("alice").add_source(testkit::participant::media::desktop());
        }
        s.joins("carol");
        s.joins("dave");
        s.run_for(seconds(6));
        assert!(s.all_connected(), "{first}: {}", s.story());
        assert_eq!((joins(&s, BREWERY).count(), operational(&s)), (2, 2), "{first}");
        assert_eq!((moves(&s, "carol"), s.focus().metrics().bridges_removed), (0, 0), "{first}");
        if !first {
            assert_eq!((moves(&s, "alice"), moves(&s, "bob")), (0, 0));
        }
        assert_no_conflict(&mut s, "");
        s.finish();
    }
    // A bridge has heard what it was asked, and its answer was for somebody who is not in the room.
    let mut s = meet(two_bridges());
    s.bridge("jvb1").settings.delay = seconds(1);
    s.joins("carol");
    s.run_for(Time::from_millis(500));
    Loss::Place.happens(&mut s);
    s.run_for(Time::from_millis(600));
    s.bridge("jvb1").settings.delay = Time::ZERO;
    s.run_for(seconds(13));
    assert!(s.connected(&["alice", "bob", "carol"]), "{}", s.story());
    assert_eq!((moves(&s, "alice"), operational(&s), s.focus().metrics().bridges_removed), (0, 2, 0));
    s.finish();
    // Where to enter again is no remedy, it is not tried without end.
    let mut s = meet(two_bridges());
    for bridge in ["jvb1", "jvb2"] {
        s.bridge(bridge).health = testkit::bridge::Health::Refusing("not-acceptable");
    }
    s.run_for(seconds(115));
    assert_eq!((joins(&s, BREWERY).count(), operational(&s), moves(&s, "alice")), (3, 2, 0));
    s.finish();
}

/// Our own occupant is asked whether it is there, when that was asked.
fn place_asked(s: &Scenario) -> Vec<Time> {
    said_to(s, &format!("{BREWERY}/focus")).request("ping").times()
}

/// Where health is known by presence nothing is asked of bridges, and where there is no bridge nobody is asked: the room is silent
/// because we are not in it. That is found before anybody counts as silent, and the place is taken again.
#[test]
fn a_place_that_is_lost_while_nothing_is_asked_is_taken_again() {
    keep_lines();
    for gone in [false, true] {
        let presence = two_bridges().config(|config| config.bridge.health_checks.use_presence = true);
        let mut s = presence.start();
        s.settle();
        Loss::Place.happens(&mut s);
        for second in 0..100 {
            s.run_for(seconds(1));
            assert_eq!((operational(&s), s.focus().gauges().bridges), (2, 2), "after {second} s");
        }
        assert_eq!((joins(&s, BREWERY).count(), place_asked(&s).len()), (2, 1));
        s.joins("alice");
        s.joins("bob");
        s.run_until(Scenario::all_connected);
        assert!(checks(&s, "jvb1").is_empty());
        s.finish();
        // No bridge is known, and health is asked for.
        let mut s = Scenario::new().start();
        s.settle();
        match gone {
            true => s.server().forgets_room(BREWERY),
            false => Loss::Place.happens(&mut s),
        }
        s.add_bridge("jvb1", |_| {});
        s.run_for(seconds(30));
        assert_eq!((joins(&s, BREWERY).count(), operational(&s)), (2, 1), "{gone}");
        s.joins("alice");
        s.joins("bob");
        s.run_until(Scenario::all_connected);
        s.finish();
    }
    // Where somebody speaks nobody is asked; where nobody does it is the bridges' silence, if we are there.
    let quiet = |interval: u64| {
        Scenario::new()
            .config(|config| config.bridge.health_checks.use_presence = true)
            .bridge_with("jvb1", move |bridge| bridge.presence_interval = seconds(interval))
            .start()
    };
    for (interval, pings, well) in [(10, 0, 1), (0, 4, 0)] {
        let mut s = quiet(interval);
        s.run_for(seconds(95));
        assert_eq!((place_asked(&s).len(), joins(&s, BREWERY).count(), operational(&s)), (pings, 1, well));
        s.finish();
    }
    // Only what says that we are not there counts (XEP-0410), and silence does not.
    let service = BREWERY.split('@').nth(1).expect("a service");
    for (condition, by, entered) in [
        ("not-acceptable", BREWERY, 2),
        ("item-not-found", service, 2),
        ("forbidden", BREWERY, 2),
        ("item-not-found", BREWERY, 1),
        ("service-unavailable", BREWERY, 1),
        ("feature-not-implemented", BREWERY, 1),
        ("remote-server-timeout", service, 1),
        ("", BREWERY, 1),
    ] {
        let mut s = quiet(0);
        s.accident(1, Fate::IsLost, |d: &Delivery| d.to == "focus" && d.stanza.name() == "iq");
        s.run_for(seconds(23));
        assert_eq!(place_asked(&s).len(), 1, "{condition}");
        if !condition.is_empty() {
            let ping = said_to(&s, &format!("{BREWERY}/focus")).request("ping").last().stanza.clone();
            let id = testkit::xml::Read::get(&ping, "id").expect("an id").to_owned();
            let error = format!(
                "<iq type='error' id='{id}' from='{BREWERY}/focus' to='{FOCUS}'><error type='cancel' by='{by}'><{condition} \
                 xmlns='{}'/></error></iq>",
                testkit::ns::STANZA_ERRORS
            );
            reaches_focus(&mut s, &error);
        }
        s.run_for(seconds(16));
        assert_eq!((joins(&s, BREWERY).count(), operational(&s)), (entered, 1), "{condition} by {by}");
    }
}

/// That there is no such room is said by the service, and that a bridge is not in it by the room.
#[test]
fn a_brewery_that_is_gone_is_told_from_a_bridge_that_is() {
    let service = BREWERY.split('@').nth(1).expect("a service");
    for (by, entered) in [(service, 2), (BREWERY, 1)] {
        let mut s = meet(two_bridges());
        s.bridge("jvb1").health = testkit::bridge::Health::Silent;
        s.run_for(seconds(10));
        let check = said_to(&s, &format!("{BREWERY}/jvb1")).request("healthcheck").last().stanza.clone();
        let id = testkit::xml::Read::get(&check, "id").expect("an id").to_owned();
        let error = format!(
            "<iq type='error' id='{id}' from='{BREWERY}/jvb1' to='{FOCUS}'><error type='cancel' by='{by}'><item-not-found \
             xmlns='{}'/></error></iq>",
            testkit::ns::STANZA_ERRORS
        );
        reaches_focus(&mut s, &error);
        s.run_for(seconds(2));
        assert_eq!((joins(&s, BREWERY).count(), operational(&s), moves(&s, "alice")), (entered, 2, 0), "{by}");
    }
}

/// While the bridges can't be reached much is said of everybody. When they can, each is told the newest of each endpoint, once, and
/// all of it is paced.
#[test]
fn what_was_lost_is_told_again_once_for_each_endpoint_and_not_in_one_burst() {
    let mut s = with_service(Scenario::new().bridge("jvb1")).start();
    let names: Vec<String> = (0..48).map(|number| format!("p{number:02}")).collect();
    for (number, name) in names.iter().enumerate() {
        s.joins_with(name, |p| p.room = format!("r{}@conference.meet.test", number % 12));
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s.service_is_cut_off();
    for name in &names {
        let camera = s.view(name).own().sources.iter().rev().find_map(|source| source.name.clone()).expect("a camera");
        s.participant(name).add_source(testkit::participant::media::desktop());
        s.run_for(Time::from_millis(5));
        s.participant(name).remove_source(&camera);
        s.run_for(Time::from_millis(5));
    }
    s.run_for(seconds(1));
    let (before, back) = (count(&s, "jvb1"), s.now());
    s.service_logs_in_anew();
    s.run_for(seconds(4));
    let mut asked = asked_since(&s, "jvb1", before);
    assert_eq!(asked.len(), names.len(), "{asked:?}");
    asked.sort();
    assert_eq!(asked, names.iter().map(|name| format!("{name}:sources")).collect::<Vec<_>>());
    let times = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").since(back).times();
    let turns: Vec<usize> = times.chunk_by(|a, b| *b - *a < Time::from_millis(10)).map(<[Time]>::len).collect();
    assert!(turns.len() >= 3 && turns.iter().all(|turn| *turn <= 20), "{turns:?}");
    s.finish();
}

/// Links that were being made when the connection died, and ends of conferences on a bridge, are told again at the pace of all that
/// is told again.
#[test]
fn links_and_ends_that_were_lost_are_told_again_at_the_same_pace() {
    let is_end = |d: &Delivery| to_text(&d.stanza).contains("conference-modify");
    let turns = |s: &Scenario, since: Time| -> Vec<usize> {
        let times = s.said().since(since).request("conference-modify").containing("expire=").times();
        times.chunk_by(|a, b| *b - *a < Time::from_millis(10)).map(<[Time]>::len).collect()
    };
    let mut s = with_service(linked(&["a", "b"])).start();
    for number in 0..40 {
        s.joins_with(&format!("p{number}"), |p| {
            (p.room, p.region) = (format!("r{}@conference.meet.test", number % 20), Some("a".into()));
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s.accident(1_000, Fate::IsLost, |d: &Delivery| {
        d.to.starts_with("focus") && ["a", "b"].contains(&&*d.from) && to_text(&d.stanza).contains("<relay")
    });
    for number in 0..20 {
        s.joins_with(&format!("q{number}"), |p| {
            (p.room, p.region) = (format!("r{number}@conference.meet.test"), Some("b".into()));
        });
    }
    s.run_for(seconds(2));
    s.server().forget_rules();
    let back = s.now();
    Loss::ForGood.happens(&mut s);
    s.run_for(seconds(4));
    s.run_until(Scenario::all_connected);
    let links = turns(&s, back);
    assert_eq!(links.iter().sum::<usize>(), 40, "both ends of each link once: {links:?}");
    assert!(links.iter().all(|turn| *turn <= 12), "{links:?}");
    assert_eq!(s.focus().metrics().bridges_removed, 0);
    s.bridge("a").take_errors();
    s.bridge("b").take_errors();
    s.finish();

    let mut s = with_service(two_bridges()).start();
    for number in 0..90 {
        s.joins_with(&format!("p{number}"), |p| p.room = format!("r{}@conference.meet.test", number % 45));
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s.accident(1_000, Fate::IsLost, move |d: &Delivery| d.to == "jvb1" && is_end(d));
    let before = s.now();
    s.bridge("jvb1").publish(|stats| stats.shutting_down = true);
    s.run_for(seconds(4));
    s.server().forget_rules();
    let (lost, back) = (turns(&s, before).iter().sum::<usize>(), s.now());
    assert!(lost > 20, "{lost}");
    Loss::ForGood.happens(&mut s);
    s.run_for(seconds(4));
    let ends = turns(&s, back);
    assert_eq!(ends.iter().sum::<usize>(), lost, "{ends:?}");
    assert!(ends.iter().all(|turn| *turn <= 20), "{ends:?}");
    s.bridge("jvb1").take_errors();
    s.finish();
}

/// What is tried again each second while no bridge can be reached is no event of a conference.
#[test]
fn a_conference_that_waits_for_the_way_to_its_bridge_has_other_things_to_tell() {
    let mut s = meet(with_service(two_bridges()));
    s.accident(1, Fate::IsLost, |d: &Delivery| d.to == "jvb1" && to_text(&d.stanza).contains("desktop"));
    s.participant("alice").add_source(testkit::participant::media::desktop());
    s.run_for(seconds(1));
    s.connection_tells(Input::Disconnected { on: Connection::Service, resumable: false });
    s.run_for(seconds(12));
    s.service_logs_in_anew();
    s.run_for(seconds(3));
    let story = s.focus().story(s.room()).expect("it is there").to_string();
    assert_eq!(story.matches("tell a bridge again").count(), 1, "{story}");
    s.finish();
}

/// Nor does a health check that was under way when the session was resumed blame the bridge.
#[test]
fn a_check_that_is_answered_after_the_session_was_resumed_is_in_time() {
    let once = |config: &mut jicofo::config::Config| {
        config.bridge.health_checks.retry_delay = Some(std::time::Duration::ZERO);
    };
    let mut s = meet(with_service(two_bridges()).config(once));
    s.bridge("jvb1").settings.delay = Time::from_millis(15_500);
    s.run_until(|s| !checks(s, "jvb1").is_empty());
    s.run_for(Time::from_millis(600));
    s.service_is_cut_off();
    s.run_for(Time::from_millis(14_000));
    s.service_resumes();
    s.bridge("jvb1").settings.delay = Time::ZERO;
    for _ in 0..40 {
        s.run_for(Time::from_millis(100));
        assert_eq!(operational(&s), 2);
    }
    s.finish();
}

/// The way to the server is gone, which neither end is told: somebody's endpoint is asked for in vain for as long as a bridge may
/// take. That the connection says nothing at all tells it from a bridge that does not.
#[test]
fn a_connection_that_died_without_a_word_is_no_fault_of_bridges() {
    let mut s = with_service(Scenario::new().bridge("jvb1").bridge("jvb2").participant("alice").participant("bob"))
        .config(|config| config.bridge.health_checks.enabled = false)
        .start();
    s.run_until(Scenario::all_connected);
    let (before, now) = (sessions(&s, &["alice", "bob"]), s.now());
    s.service_falls_silent();
    s.joins("carol");
    s.run_for(seconds(14));
    s.connection_tells(Input::Quiet { on: Connection::Service, quiet: true });
    s.run_for(seconds(11));
    s.connection_tells(Input::Disconnected { on: Connection::Service, resumable: true });
    s.run_for(seconds(3));
    s.service_resumes();
    s.run_until(Scenario::all_connected);
    assert_eq!(sessions(&s, &["alice", "bob"]), before);
    for name in ["alice", "bob"] {
        assert_eq!(s.sent_to(name).since(now).jingle("session-terminate").count(), 0, "{name}");
    }
    assert!(s.focus().bridges().iter().all(|bridge| bridge.operational));
    assert_eq!(s.complaints(), Vec::<String>::new());
}

fn server_is_behind(s: &mut Scenario, behind: bool, taken: Timestamp) {
    s.connection_tells(Input::Behind { on: Connection::Service, behind, taken });
}

fn without_checks(builder: Builder) -> Builder {
    with_service(builder).config(|config| config.bridge.health_checks.enabled = false)
}

/// The server passes on what it is sent when it gets to it, later than answers are waited for, while all others are heard as ever.
#[test]
fn a_server_that_is_behind_is_no_fault_of_bridges() {
    let mut s = meet(without_checks(two_bridges()));
    let (session, before, taken) = (sessions(&s, &["alice", "bob"]), count(&s, "jvb1"), s.timestamp());
    let begin = s.now() + Time::from_millis(1);
    // The allocation, and an update a little later.
    s.accident(2, Fate::IsLate(seconds(16)), |d: &Delivery| {
        d.to == "jvb1" && ["carol", "<sources"].iter().any(|words| to_text(&d.stanza).contains(words))
    });
    s.run_for(Time::from_millis(10));
    s.joins("carol");
    s.run_for(seconds(6));
    server_is_behind(&mut s, true, taken);
    s.participant("alice").add_source(testkit::participant::media::desktop());
    s.run_for(seconds(14));
    let now = s.timestamp();
    server_is_behind(&mut s, false, now);
    s.run_for(seconds(20));
    let told = s.sent_to("jvb1").since(begin);
    let updates = told.filter(|wire| wire.text().contains("<sources") && wire.text().contains("id='alice'"));
    assert_eq!(updates.count(), 1, "{}", s.story());
    assert!(s.connected(&["alice", "bob", "carol"]), "{}", s.story());
    assert_eq!(sessions(&s, &["alice", "bob"]), session);
    assert_eq!((moves(&s, "alice"), moves(&s, "carol"), operational(&s)), (0, 0, 2));
    assert_eq!(asked_since(&s, "jvb1", before).iter().filter(|it| *it == "+carol").count(), 1);
    assert_eq!(s.complaints(), Vec::<String>::new());
    s.finish();
}

/// What the server has taken is answered or not by the bridge, however far and however often the server is behind with other things.
#[test]
fn a_bridge_that_is_dead_is_left_though_the_server_is_behind() {
    let mut s = meet(without_checks(two_bridges()));
    let before = s.timestamp();
    s.accident(1_000, Fate::IsLost, |d: &Delivery| d.to == "jvb1" && to_text(&d.stanza).contains("carol"));
    s.run_for(Time::from_millis(10));
    s.joins("carol");
    s.run_for(seconds(6));
    server_is_behind(&mut s, true, before);
    s.run_for(seconds(14));
    // All but the newest: with that it is behind yet.
    let mut taken = s.timestamp() - seconds(4);
    server_is_behind(&mut s, true, taken);
    for _ in 0..4 {
        assert_eq!((moves(&s, "alice"), operational(&s)), (0, 2), "it has its time from when the server has it on");
        s.run_for(Time::from_millis(3_500));
        taken = taken + seconds(2);
        server_is_behind(&mut s, false, taken);
        server_is_behind(&mut s, true, taken);
    }
    s.run_for(seconds(3));
    assert_eq!((moves(&s, "alice"), s.home_of("carol"), operational(&s)), (1, Some("jvb2"), 1));
    s.server().forget_rules();
    s.finish();
}

/// It was only slow: what was asked meanwhile has as much time as ever, or is asked again, and is answered once.
#[test]
fn a_connection_that_was_slow_goes_on() {
    for asked in [0, 6] {
        let mut s = two_on_jvb1();
        let before = sessions(&s, &["alice", "bob"]);
        s.service_falls_silent();
        s.run_for(seconds(asked));
        s.joins("carol");
        s.run_for(seconds(14 - asked));
        s.connection_tells(Input::Quiet { on: Connection::Service, quiet: true });
        s.run_for(seconds(6));
        s.connection_tells(Input::Quiet { on: Connection::Service, quiet: false });
        s.run_for(seconds(3));
        s.service_is_heard_again();
        s.run_until(Scenario::all_connected);
        assert_eq!(sessions(&s, &["alice", "bob"]), before, "{asked}");
        s.settle();
        assert_eq!(s.complaints(), Vec::<String>::new(), "{asked}");
    }
}
