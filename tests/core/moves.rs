//! Endpoints that are moved off a bridge: on an operator's word, or because it has too much to do.

use jicofo::config::SelectionStrategy;
use jicofo::focus::command::{Command, Moved, Refusal, Reply};
use testkit::Time;
use testkit::bridge::Settings;
use testkit::scenario::{Builder, Scenario};

use crate::bridges_support::*;
use crate::support::*;

/// A room of so many, named after it: `a0`, `a1`, … in the room `a`.
fn room(s: &mut Scenario, room: &str, size: usize) -> Vec<String> {
    let names: Vec<String> = (0..size).map(|number| format!("{room}{number}")).collect();
    for name in &names {
        s.joins_with(name, |p| p.room = format!("{room}@conference.meet.test"));
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    names
}

fn moved(endpoints: u32, conferences: u32) -> Reply {
    Reply::Moved(Moved { endpoints, conferences })
}

fn off(bridge: &str, count: u32) -> Command {
    Command::MoveEndpoints { bridge: bridge.into(), room: None, count }
}

/// They are where they were moved to.
fn arrive(s: &mut Scenario) {
    s.settle();
    s.run_until(Scenario::all_connected);
}

/// How many of them were told that they move so often.
fn told(s: &Scenario, names: &[String]) -> Vec<usize> {
    names.iter().map(|name| moves(s, name)).collect()
}

/// Conferences of 10, 5 and 1 on `jvb1`; then `jvb2` comes, which has less to do. One may be alone in a room.
fn sixteen(builder: Builder) -> (Scenario, [Vec<String>; 3]) {
    let builder = builder.config(|config| config.conference.min_participants = 1);
    let mut s = builder.bridge_with("jvb1", stressed(0.5)).start();
    let rooms = [room(&mut s, "one", 1), room(&mut s, "ten", 10), room(&mut s, "five", 5)];
    s.add_bridge("jvb2", stressed(0.01));
    s.run_for(seconds(1));
    (s, rooms)
}

/// spec/50 §12 (45), but for what HTTP makes of it.
#[test]
fn the_largest_conferences_give_first_and_of_each_those_who_came_first() {
    let (mut s, [one, ten, five]) = sixteen(Scenario::new());
    assert_eq!(s.command(off("jvb1", 12)), moved(12, 2));
    arrive(&mut s);
    assert_eq!(told(&s, &ten), [1; 10]);
    assert_eq!((told(&s, &five), told(&s, &one)), (vec![1, 1, 0, 0, 0], vec![0]));
    assert_eq!((s.home_of("ten0"), s.home_of("one0")), (Some("jvb2"), Some("jvb1")));
    assert_eq!(s.home_of("five0"), Some("jvb1"), "without relays there is nowhere else for a part of them");
    assert_eq!(s.focus().metrics().participants_moved, 12);
    assert_eq!((s.focus().metrics().bridges_removed, s.focus().metrics().endpoints_redistributed), (0, 0));
    s.finish();

    let (mut s, [_, ten, _]) = sixteen(Scenario::new());
    assert_eq!(s.command(Command::MoveFraction { bridge: "jvb1".into(), fraction: 0.5 }), moved(8, 1));
    arrive(&mut s);
    assert_eq!(told(&s, &ten), [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    s.finish();

    let (mut s, _) = sixteen(Scenario::new());
    assert_eq!(s.command(off(&format!("{BREWERY}/jvb1"), 100)), moved(16, 3));
    arrive(&mut s);
    assert_eq!((s.view_bridge("jvb1").endpoint_count(), s.view_bridge("jvb2").endpoint_count()), (0, 16));
    s.finish();
}

#[test]
fn a_fraction_is_rounded_half_up_and_never_more_than_all() {
    for (fraction, count) in [(0.1, 2), (0.03125, 1), (0.03, 0), (1.0, 16), (7.5, 16), (-1.0, 0), (f64::NAN, 0)] {
        let (mut s, _) = sixteen(Scenario::new());
        let reply = s.command(Command::MoveFraction { bridge: "jvb1".into(), fraction });
        let Reply::Moved(moved) = reply else { panic!("{reply:?}") };
        assert_eq!(moved.endpoints, count, "{fraction}");
    }
}

#[test]
fn one_endpoint_is_moved_if_it_is_there() {
    let (mut s, [_, ten, _]) = sixteen(Scenario::new());
    let one = |room: &str, endpoint: &str, bridge: Option<&str>| Command::MoveEndpoint {
        room: format!("{room}@conference.meet.test").parse().expect("a room"),
        endpoint: endpoint.into(),
        bridge: bridge.map(str::to_owned),
    };
    let nick = s.view("ten3").nick().to_owned();
    assert_eq!(s.command(one("ten", &nick, Some("jvb2"))), moved(0, 0), "it is on another bridge");
    assert_eq!(s.command(one("five", &nick, None)), moved(0, 0), "it is in another room");
    assert_eq!(s.command(one("ten", &nick, Some("jvb1"))), moved(1, 1));
    arrive(&mut s);
    assert_eq!(told(&s, &ten), [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(s.command(one("ten", &nick, None)), moved(1, 1));
    assert_eq!(s.command(one("none", &nick, None)), Reply::Refused(Refusal::UnknownConference));
    assert_eq!(s.command(one("ten", &nick, Some("jvb3"))), Reply::Refused(Refusal::UnknownBridge));
    arrive(&mut s);
    s.finish();
}

#[test]
fn what_is_not_there_is_refused_and_what_is_not_operational_is_left_alone() {
    let (mut s, _) = sixteen(Scenario::new());
    let refused = |refusal| Reply::Refused(refusal);
    assert_eq!(s.command(off("jvb3", 1)), refused(Refusal::UnknownBridge));
    assert_eq!(s.command(off("somebody@elsewhere/jvb1", 1)), refused(Refusal::UnknownBridge));
    assert_eq!(s.command(off("", 1)), refused(Refusal::InvalidBridge));
    let of_room = |room: &str| Command::MoveEndpoints {
        bridge: "jvb1".into(),
        room: Some(format!("{room}@conference.meet.test").parse().expect("a room")),
        count: 3,
    };
    assert_eq!(s.command(of_room("none")), refused(Refusal::UnknownConference));
    assert_eq!(s.command(of_room("five")), moved(3, 1));
    arrive(&mut s);
    assert_eq!(s.command(off("jvb2", 5)), moved(0, 0), "nobody is there");
    s.bridge("jvb1").health = testkit::bridge::Health::Silent;
    s.run_for(seconds(60));
    assert_eq!(s.command(off("jvb1", 5)), moved(0, 0));
    s.finish();
}

/// Somebody is being invited when he is moved: nothing of the first try remains.
#[test]
fn who_is_not_connected_yet_is_moved_like_anybody() {
    let (mut s, _) = sixteen(Scenario::new());
    s.bridge("jvb1").settings.delay = seconds(1);
    s.joins_with("late", |p| p.room = "ten@conference.meet.test".into());
    s.run_for(testkit::Time::from_millis(300));
    assert_eq!(s.command(off("jvb1", 11)), moved(11, 1));
    s.run_until(Scenario::all_connected);
    assert_eq!((s.home_of("late"), offers(&s, "late"), moves(&s, "late")), (Some("jvb2"), 1, 0));
    s.bridge("jvb1").take_errors();
    s.finish();
}

fn redistributing() -> Builder {
    Scenario::new().config(|config| config.bridge.load_redistribution.enabled = true)
}

fn linked(id: &'static str, stress: f64) -> impl FnOnce(&mut Settings) + 'static {
    move |bridge| {
        bridge.stats.stress = stress;
        bridge.stats.relay_id = Some(id.into());
    }
}

/// Covers spec/50: 46.
#[test]
fn a_bridge_with_too_much_to_do_gives_to_others_and_settles() {
    let mut s = redistributing()
        .config(|config| {
            config.octo.enabled = true;
            config.bridge.selection_strategy = SelectionStrategy::RegionBased;
        })
        .bridge_with("B", linked("B", 0.2))
        .start();
    let start = s.now();
    let minute = |s: &mut Scenario, minutes: u64, millis: u64| {
        let at = start + seconds(60 * minutes) + testkit::Time::from_millis(millis);
        s.run_for(at.saturating_sub(s.now()));
    };
    let (many, five) = (room(&mut s, "many", 14), room(&mut s, "five", 5));
    s.add_bridge("C", linked("C", 0.3));
    s.run_for(seconds(25));
    s.bridge("B").publish(|stats| stats.stress = 0.92);
    minute(&mut s, 0, 59_000);
    assert_eq!(s.focus().metrics().participants_moved, 0);
    minute(&mut s, 1, 2000);
    s.run_until(Scenario::all_connected);
    assert_eq!((told(&s, &many), told(&s, &five)), ([vec![1; 10], vec![0; 4]].concat(), vec![0; 5]));
    assert_eq!((s.home_of("many0"), s.home_of("many13")), (Some("C"), Some("B")));
    let counted = |s: &Scenario| {
        let of = |name: &str| s.focus().bridges().iter().find(|it| it.jid.resource() == Some(name)).cloned();
        (of("B").map(|it| it.endpoints_moved_total), of("C").map(|it| it.endpoints_moved_total))
    };
    assert_eq!((counted(&s), s.focus().metrics().endpoints_redistributed), ((Some(10), Some(0)), 10));
    minute(&mut s, 3, 2000);
    assert_eq!((told(&s, &five), counted(&s)), (vec![0; 5], (Some(10), Some(0))));
    minute(&mut s, 4, 2000);
    s.run_until(Scenario::all_connected);
    assert_eq!((told(&s, &many), told(&s, &five)), (vec![1; 14], vec![1; 5]));
    assert_eq!((counted(&s), s.focus().metrics().endpoints_redistributed), ((Some(19), Some(0)), 19));
    s.finish();

    // All of them have much to do.
    let mut s = redistributing().bridge_with("B", stressed(0.2)).start();
    room(&mut s, "ten", 10);
    s.add_bridge("C", stressed(0.8));
    s.bridge("B").publish(|stats| stats.stress = 0.95);
    s.run_for(seconds(600));
    assert_eq!((s.focus().metrics().participants_moved, s.home_of("ten0")), (0, Some("B")));
    // Until one has not.
    s.bridge("C").publish(|stats| stats.stress = 0.5);
    s.run_for(seconds(62));
    assert_eq!((s.focus().metrics().participants_moved, s.home_of("ten0")), (10, Some("C")));
    s.finish();
}

/// Those who would only come back are not disturbed: without relays a conference moves whole or not at all.
#[test]
fn nobody_is_moved_who_could_not_be_placed_elsewhere() {
    let mut s = redistributing().bridge_with("B", stressed(0.2)).start();
    let (twelve, four) = (room(&mut s, "twelve", 12), room(&mut s, "four", 4));
    s.add_bridge("C", stressed(0.3));
    s.bridge("B").publish(|stats| stats.stress = 0.95);
    s.run_for(seconds(70));
    s.run_until(Scenario::all_connected);
    assert_eq!((told(&s, &twelve), told(&s, &four)), (vec![0; 12], vec![1; 4]));
    assert_eq!((s.home_of("twelve0"), s.home_of("four0")), (Some("B"), Some("C")));
    s.finish();
    // Where the only other one takes nobody, nobody is moved.
    let mut s = redistributing().bridge_with("B", stressed(0.2)).start();
    room(&mut s, "four", 4);
    s.add_bridge("C", |bridge| bridge.stats.drain = true);
    s.bridge("B").publish(|stats| stats.stress = 0.95);
    s.run_for(seconds(70));
    assert_eq!(s.focus().metrics().participants_moved, 0);
    s.finish();
}

/// Two bridges, of which always that one has too much to do that has the conference: it goes once, and not to and fro.
#[test]
fn a_conference_that_was_moved_for_its_load_is_not_moved_back_for_it() {
    let mut s = redistributing().bridge_with("B", stressed(0.2)).start();
    let four = room(&mut s, "four", 4);
    s.add_bridge("C", stressed(0.3));
    for _ in 0..60 {
        let home = s.home_of("four0").expect("a home").to_owned();
        let other = if home == "B" { "C" } else { "B" };
        s.bridge(&home).publish(|stats| stats.stress = 0.92);
        s.bridge(other).publish(|stats| stats.stress = 0.75);
        s.run_for(seconds(10));
    }
    s.run_until(Scenario::all_connected);
    assert_eq!((told(&s, &four), s.home_of("four0")), (vec![1; 4], Some("C")));
    s.finish();
}

/// With a third bridge likewise, though that has more to do than the one that was left: it goes to each once, and then stays.
#[test]
fn a_conference_that_moves_for_its_load_goes_where_it_has_not_been() {
    for split in [false, true] {
        let builder = redistributing().config(|config| {
            config.octo.enabled = split;
            if split {
                config.bridge.selection_strategy = SelectionStrategy::RegionBased;
            }
        });
        let mut s = builder.bridge_with("B", linked("B", 0.2)).start();
        let four = room(&mut s, "four", 4);
        s.add_bridge("C", linked("C", 0.3));
        s.add_bridge("D", linked("D", 0.79));
        let load = |s: &mut Scenario, b: f64, c: f64, d: f64| {
            for (name, stress) in [("B", b), ("C", c), ("D", d)] {
                s.bridge(name).publish(|stats| stats.stress = stress);
            }
        };
        load(&mut s, 0.92, 0.3, 0.79);
        s.run_for(seconds(70));
        s.run_until(Scenario::all_connected);
        assert_eq!((told(&s, &four), s.home_of("four0")), (vec![1; 4], Some("C")), "{split}");
        load(&mut s, 0.4, 0.4, 0.79);
        s.run_for(seconds(300));
        load(&mut s, 0.4, 0.92, 0.79);
        s.run_for(seconds(70));
        s.run_until(Scenario::all_connected);
        assert_eq!((told(&s, &four), s.home_of("four0")), (vec![2; 4], Some("D")), "{split}");
        load(&mut s, 0.4, 0.4, 0.92);
        s.run_for(seconds(300));
        assert_eq!((told(&s, &four), s.home_of("four0")), (vec![2; 4], Some("D")), "{split}");
        s.finish();
    }
}

/// A conference stays on bridges of one version: whoever leaves the only bridge of his would come back to it.
#[test]
fn nobody_is_moved_to_where_he_may_not_be() {
    for (version, moved) in [("2", 0), ("1", 10)] {
        let of = |id: &'static str, stress: f64, version: &'static str| {
            move |bridge: &mut Settings| {
                linked(id, stress)(bridge);
                bridge.stats.version = version.into();
            }
        };
        let octo = |config: &mut jicofo::config::Config| {
            config.octo.enabled = true;
            config.bridge.selection_strategy = SelectionStrategy::RegionBased;
        };
        let mut s = redistributing().config(octo).bridge_with("B", of("B", 0.2, "1")).start();
        room(&mut s, "many", 14);
        s.add_bridge("C", of("C", 0.3, version));
        s.bridge("B").publish(|stats| stats.stress = 0.95);
        s.run_for(seconds(110));
        s.run_until(Scenario::all_connected);
        assert_eq!(s.focus().metrics().participants_moved, moved, "to version {version}");
        assert_eq!(s.focus().metrics().endpoints_redistributed, moved);
        s.finish();
    }
}

/// Off by default.
#[test]
fn load_is_not_redistributed_unless_that_is_wanted() {
    let mut s = meet(Scenario::new().bridge_with("B", stressed(0.95)));
    s.add_bridge("C", stressed(0.0));
    s.run_for(seconds(300));
    assert_eq!((s.focus().metrics().participants_moved, s.home_of("alice")), (0, Some("B")));

    s.finish();
}

/// When somebody was sent an offer, since then, and how many were told that they move.
fn offered(s: &Scenario, since: testkit::Time) -> Vec<testkit::Time> {
    s.said().since(since).jingle("session-initiate").times()
}

/// So many who speak only, in one room.
fn crowd(s: &mut Scenario, name: &str, size: usize, region: &'static str) -> Vec<String> {
    let names: Vec<String> = (0..size).map(|number| format!("{name}{number}")).collect();
    for who in &names {
        s.joins_with(who, |p| {
            p.room = format!("{name}@conference.meet.test");
            p.region = Some(region.into());
            p.profile = testkit::participant::profile::Profile::ssrc_rewriting();
            p.tracks = vec![testkit::participant::media::microphone()];
        });
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    names
}

/// An operator's word moves as many at once as a bridge's death does. The others stay where they are, and connected, until it is
/// their turn.
#[test]
fn many_who_are_moved_by_an_operator_go_one_after_the_other() {
    let mut s =
        super::bridges_support::linked(&["a", "b"]).config(|config| config.bridge.stress_threshold = 10.0).start();
    let names = crowd(&mut s, "p", 80, "a");
    assert_eq!(s.view_bridge("a").endpoint_count(), 80);
    let begin = s.now();
    assert_eq!(s.command(off("a", 70)), moved(70, 1));
    s.run_for(testkit::Time::from_millis(1));
    assert_eq!(s.focus().metrics().participants_moved, 50, "at once");
    let ended = |s: &Scenario| names.iter().filter(|name| moves(s, name) > 0).count();
    assert_eq!((ended(&s), asked(&s, "a").iter().filter(|it| it.starts_with("-p")).count()), (50, 50));
    // Who is to go already is not told again.
    assert_eq!(s.command(off("a", 5)), moved(5, 1));
    assert_eq!(s.command(off("a", 100)), moved(5, 1), "all the others");
    s.run_for(testkit::Time::from_millis(100));
    assert!((52..=60).contains(&ended(&s)), "{} of 80 after a tenth of a second", ended(&s));
    s.run_for(seconds(1));
    s.run_until(Scenario::all_connected);
    let times = offered(&s, begin);
    for window in times[50..].windows(3) {
        assert!(window[2] - window[0] >= testkit::Time::from_millis(15), "two every 20 ms: {times:?}");
    }
    assert_eq!(told(&s, &names), vec![1; 80]);
    assert_eq!((s.view_bridge("a").endpoint_count(), s.view_bridge("b").endpoint_count()), (0, 80));
    s.settle();
    s.finish();
}

/// Where a conference can't be on two bridges it moves whole, and one after the other.
#[test]
fn many_conferences_that_are_moved_by_an_operator_go_one_after_the_other() {
    let mut s = Scenario::new().bridge_with("jvb1", stressed(0.1)).start();
    let rooms: Vec<Vec<String>> = (0..40).map(|number| crowd(&mut s, &format!("r{number}x"), 2, "")).collect();
    s.add_bridge("jvb2", stressed(0.0));
    s.run_for(seconds(1));
    assert_eq!(s.command(off("jvb1", 80)), moved(80, 40));
    s.run_for(testkit::Time::from_millis(1));
    let left = |s: &Scenario| asked(s, "jvb1").iter().filter(|it| *it == "expire").count();
    assert!((10..=25).contains(&left(&s)), "{} conferences at once", left(&s));
    assert_eq!(s.command(off("jvb1", 80)), moved(0, 0), "they are on their way");
    // One of those who wait is over before its turn.
    let (now, over) = (s.now(), "r39x@conference.meet.test");
    s.server().destroy(now, over, "over");
    s.run_for(seconds(3));
    s.run_until(Scenario::all_connected);
    for names in &rooms[..39] {
        assert_eq!(told(&s, names), [1, 1], "{names:?}");
        assert_eq!(s.home_of(&names[0]), Some("jvb2"));
    }
    assert_eq!(left(&s), 40);
    s.settle();
    s.finish();
}

/// Who was to move for the load of his bridge, and stays as there is no way to another when it is his turn, has not moved.
#[test]
fn only_who_moves_counts_as_moved() {
    let mut s = redistributing()
        .config(|config| {
            testkit::scenario::add_service(config);
            config.octo.enabled = true;
            config.bridge.selection_strategy = SelectionStrategy::RegionBased;
            config.bridge.load_redistribution.endpoints = 70;
        })
        .bridge_with("B", linked("B", 0.1))
        .start();
    let names = crowd(&mut s, "p", 80, "");
    s.add_bridge("C", linked("C", 0.1));
    s.bridge("B").publish(|stats| stats.stress = 0.95);
    s.run_until(|s| s.focus().metrics().participants_moved > 0);
    s.service_is_cut_off();
    s.run_for(seconds(3));
    s.service_resumes();
    s.run_for(seconds(3));
    let counted = s.focus().bridges().iter().map(|it| it.endpoints_moved_total).sum::<u64>();
    let moved = s.focus().metrics().participants_moved;
    assert!((50..70).contains(&moved), "{moved}");
    assert_eq!((s.focus().metrics().endpoints_redistributed, counted), (moved, moved));
    assert_eq!(told(&s, &names).iter().sum::<usize>() as u64, moved);
}

/// Rooms of two on the only bridge, each with two people.
fn pairs(builder: Builder, rooms: usize) -> (Scenario, Vec<Vec<String>>) {
    let mut s = builder.start();
    let rooms = (0..rooms).map(|number| crowd(&mut s, &format!("r{number}x"), 2, "")).collect();
    (s, rooms)
}

/// The only bridge is going, and would refuse a conference that comes back to it.
#[test]
fn nobody_is_taken_off_the_last_bridge_that_keeps_him() {
    let alone = |builder: Builder| builder.config(|config| config.conference.min_participants = 1);
    for graceful in [true, false] {
        let (mut s, rooms) = pairs(alone(Scenario::new().bridge_with("jvb1", stressed(0.1))), 2);
        let lonely = room(&mut s, "lonely", 1);
        s.bridge("jvb1").publish(|stats| stats.graceful_shutdown = graceful);
        s.settle();
        let expected = if graceful { moved(0, 0) } else { moved(5, 3) };
        assert_eq!(s.command(off("jvb1", 500)), expected, "{graceful}");
        let one = Command::MoveEndpoint {
            room: "lonely@conference.meet.test".parse().expect("a room"),
            endpoint: s.view("lonely0").nick().into(),
            bridge: None,
        };
        s.run_for(seconds(2));
        s.command(one);
        s.run_for(seconds(30));
        assert!(s.all_connected(), "{graceful}");
        // Back to where they were is a move, too, if an operator wants it.
        let times = usize::from(!graceful);
        assert_eq!((told(&s, &rooms[0]), told(&s, &rooms[1])), (vec![times; 2], vec![times; 2]), "{graceful}");
        assert_eq!(told(&s, &lonely), [2 * times], "{graceful}");
        assert!(s.view_bridge("jvb1").errors().is_empty(), "{graceful}");
        // When there is another they go there.
        s.add_bridge("jvb2", stressed(0.0));
        s.run_for(seconds(1));
        assert_eq!(s.command(off("jvb1", 500)), moved(5, 3), "{graceful}");
        s.run_for(seconds(2));
        assert!(s.all_connected());
        assert_eq!(s.home_of("lonely0"), Some("jvb2"));
        s.finish();
    }
}

/// A whole conference waits for its turn to move, and meanwhile there is nowhere to go any more: it stays, for whatever reason it
/// was to move.
#[test]
fn a_conference_that_finds_no_other_bridge_when_it_is_its_turn_stays() {
    for for_load in [true, false] {
        let builder = redistributing().config(|config| config.bridge.load_redistribution.endpoints = 120);
        let (mut s, rooms) = pairs(builder.bridge_with("B", stressed(0.2)), 60);
        s.add_bridge("C", stressed(0.01));
        s.run_for(seconds(1));
        match for_load {
            true => {
                s.bridge("B").publish(|stats| stats.stress = 0.95);
                s.run_until(|s| s.focus().metrics().participants_moved > 0);
            }
            false => {
                assert_eq!(s.command(off("B", 120)), moved(120, 60));
                s.bridge("B").publish(|stats| stats.graceful_shutdown = true);
            }
        }
        s.bridge("C").publish(|stats| stats.shutting_down = true);
        s.run_for(Time::from_millis(15));
        let stay: Vec<&Vec<String>> = rooms.iter().filter(|names| told(&s, names) == [0, 0]).collect();
        assert!(stay.len() > 20, "{}", stay.len());
        let before = s.focus().metrics().endpoints_redistributed;
        s.run_for(seconds(10));
        for names in stay {
            assert!(
                told(&s, names) == [0, 0] && names.iter().all(|name| s.view(name).connected()),
                "{for_load} {names:?}"
            );
            assert_eq!(s.home_of(&names[0]), Some("B"));
        }
        assert_eq!(s.focus().metrics().endpoints_redistributed, before, "{for_load}");
    }
}

/// One by one, on an operator's word: nobody leaves a bridge who would be on none then.
#[test]
fn one_who_would_be_on_no_bridge_is_not_moved() {
    let one = |s: &Scenario, name: &str| Command::MoveEndpoint {
        room: "room@conference.meet.test".parse().expect("a room"),
        endpoint: s.view(name).nick().into(),
        bridge: None,
    };
    // The bridge says nothing, and there is no other.
    let mut s = meet(Scenario::new().bridge("jvb1"));
    s.bridge("jvb1").health = testkit::bridge::Health::Silent;
    s.run_for(seconds(60));
    assert_eq!(operational(&s), 0);
    let command = one(&s, "alice");
    s.command(command);
    s.run_for(seconds(5));
    assert_eq!((moves(&s, "alice"), s.all_connected()), (0, true));
    s.finish();
    // Nobody can be told: we have just lost the way to the bridges.
    let mut s = meet(two_bridges().config(testkit::scenario::add_service));
    s.service_is_cut_off();
    for command in [one(&s, "alice"), off("jvb1", 2)] {
        assert_eq!(s.command(command), moved(0, 0));
    }
    s.service_resumes();
    s.run_for(seconds(5));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob"), s.all_connected()), (0, 0, true));
    // Or the connection says nothing, so that it may be gone.
    s.connection_tells(jicofo::focus::Input::Quiet { on: jicofo::focus::Connection::Service, quiet: true });
    for command in [one(&s, "alice"), off("jvb1", 2)] {
        s.command(command);
    }
    s.connection_tells(jicofo::focus::Input::Quiet { on: jicofo::focus::Connection::Service, quiet: false });
    s.run_for(seconds(5));
    assert_eq!((moves(&s, "alice"), moves(&s, "bob"), s.all_connected()), (0, 0, true));
    assert_eq!(s.command(off("jvb1", 2)), moved(2, 1));
    arrive(&mut s);
    assert_eq!((moves(&s, "alice"), s.home_of("bob")), (1, Some("jvb2")));
    s.finish();
}
