//! What a failure of the core itself costs: one conference, and nobody's answer.

use jicofo::focus::conference::Flaw;
use log::Level;
use testkit::Time;
use testkit::logs::{keep_lines, take_lines};
use testkit::participant::media::desktop;
use testkit::scenario::Scenario;
use testkit::xml::parse;

use crate::support::*;

const OTHER: &str = "other@conference.meet.test";

#[test]
fn a_failure_in_the_middle_of_an_input_ends_that_conference_and_no_other() {
    let mut s = Scenario::new().recorded().bridge("jvb1").participant("alice").participant("bob").start();
    for name in ["carol", "dave"] {
        s.joins_with(name, |settings| settings.room = OTHER.into());
    }
    s.run_until(Scenario::all_connected);
    s.sabotage(0);
    s.participant("alice").add_source(desktop());
    s.settle();
    assert_eq!((s.failures(), s.focus().metrics().panics), (1, 1));
    assert_eq!(s.focus().audit(), Vec::<String>::new());
    let refusals = s.participant("alice").take_refusals();
    assert_eq!(refusals.iter().map(|it| it.condition.as_str()).collect::<Vec<_>>(), ["internal-server-error"]);
    assert!(s.view("bob").focus_gone() && !s.view("carol").focus_gone());
    assert!(s.connected(&["carol", "dave"]));
    assert_eq!(s.focus().gauges().conferences, 1);
    for recording in s.take_recordings() {
        recording.replay().expect("a failure is as deterministic as all else");
    }
}

/// An operator gets one report of it: what led to it, without anybody's address.
#[test]
fn the_story_of_a_room_that_fails_is_in_the_log_once_as_an_error() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let other = |settings: &mut testkit::participant::Settings| settings.room = OTHER.into();
    s.joins_with("carol", other);
    s.joins_with("dave", other);
    s.run_until(Scenario::all_connected);
    keep_lines();
    s.sabotage_again(0, 0);
    s.participant("alice").add_source(desktop());
    s.settle();
    let lines = take_lines();
    let told: Vec<_> = lines.iter().filter(|line| line.message.contains("What led to it:")).collect();
    assert_eq!(told.len(), 1, "{lines:#?}");
    assert_eq!((told[0].level, told[0].about("room")), (Level::Error, Some("room@conference.meet.test")));
    for line in ["← alice: presence", "→ alice: jingle session-initiate", "← alice: asks source-add"] {
        assert!(told[0].message.contains(line), "{line}: {}", told[0].message);
    }
    for secret in ["meet.test/web", "carol", "pwd-of", "scenario-p4ssw0rd"] {
        assert!(!told[0].message.contains(secret), "{secret}: {}", told[0].message);
    }
    // Of the other room there is nothing to tell.
    assert!(s.connected(&["carol", "dave"]));
}

/// Somebody is miscounted: an operator hears of it, once, with what led to it, and nobody else does.
#[test]
fn a_conference_that_contradicts_itself_is_told_once_and_goes_on() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    for name in ["carol", "dave"] {
        s.joins_with(name, |settings| settings.room = OTHER.into());
    }
    s.run_until(Scenario::all_connected);
    let looks = |s: &mut Scenario| {
        keep_lines();
        for _ in 0..60 {
            s.run_for(Time::from_secs(1));
            s.look_over();
        }
    };
    looks(&mut s);
    let errors = |lines: Vec<testkit::logs::Line>| -> Vec<testkit::logs::Line> {
        lines.into_iter().filter(|line| line.level == Level::Error).collect()
    };
    assert_eq!((errors(take_lines()).len(), s.focus().metrics().contradictions), (0, 0));
    s.spoil(OTHER, Flaw::AudioSender);
    looks(&mut s);
    let told = errors(take_lines());
    assert_eq!((told.len(), s.focus().metrics().contradictions), (1, 1), "{told:#?}");
    assert_eq!(told[0].about("room"), Some(OTHER));
    for text in ["audio senders", "goes on", "→ carol: jingle session-initiate"] {
        assert!(told[0].message.contains(text), "{text}: {}", told[0].message);
    }
    assert!(s.connected(&["alice", "bob", "carol", "dave"]));
    assert!(s.sent_to("carol").jingle("session-terminate").is_empty());
}

/// What is to be said when a conference has failed fails, too, and then its end, once or each time that it is tried: it is gone
/// all the same, and the rest serves.
#[test]
fn a_conference_whose_end_fails_too_is_gone_all_the_same() {
    for times in 1..=3 {
        let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
        for name in ["carol", "dave"] {
            s.joins_with(name, |settings| settings.room = OTHER.into());
        }
        s.run_until(Scenario::all_connected);
        s.sabotage_again(0, times);
        s.participant("alice").add_source(desktop());
        s.settle();
        assert_eq!(s.focus().metrics().panics, 1 + u64::from(times));
        assert_eq!(s.focus().gauges().conferences, 1, "{times}");
        let left = s.said().presence().filter(|wire| wire.stanza.attr("type") == Some("unavailable")).count();
        assert_eq!(left, usize::from(times < 3), "its room is told if that can be done");
        assert!(s.connected(&["carol", "dave"]));
        s.participant("carol").add_source(desktop());
        s.settle();
        assert_eq!(s.sent_to("dave").jingle("source-add").containing("carol-v1").count(), 1);
        if times < 3 {
            assert_eq!(s.focus().audit(), Vec::<String>::new());
        }
    }
}

/// At whatever stanza of a stop something fails, all that is left to be done is done: bridges let go, rooms and the brewery are
/// left, and nobody takes us for somebody who is there.
///
/// Covers spec/90: 31.
#[test]
fn a_failure_while_conferences_end_does_not_keep_a_stop_from_the_rest() {
    for stanzas in 0.. {
        let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
        for name in ["carol", "dave"] {
            s.joins_with(name, |settings| settings.room = OTHER.into());
        }
        s.run_until(Scenario::all_connected);
        s.settle();
        assert_eq!(s.view_bridge("jvb1").conferences().len(), 2);
        s.sabotage(stanzas);
        s.stop_focus();
        let stopped = s.now();
        s.settle();
        if s.failures() == 0 {
            assert!(stanzas > 5, "an expiry and a leave of each conference, the brewery, and ourselves");
            break;
        }
        assert_eq!((s.failures(), s.focus().metrics().panics), (1, 1), "{stanzas}");
        assert!(s.view_bridge("jvb1").conferences().is_empty(), "{stanzas}");
        let is_there = |room: &testkit::room::Room| room.occupants.contains_key("focus");
        let rooms = s.view_server().rooms().iter().filter(|(_, room)| is_there(room));
        assert_eq!(rooms.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&String>::new(), "{stanzas}");
        assert!(s.view("bob").focus_gone() && s.view("dave").focus_gone(), "{stanzas}");
        let ours = s.said().since(stopped).presence().filter(|wire| wire.stanza.attr("to").is_none());
        assert_eq!(ours.last().stanza.attr("type"), Some("unavailable"), "{stanzas}");
        assert_eq!(s.focus().gauges().conferences, 0);
        assert_eq!(s.focus().audit(), Vec::<String>::new(), "{stanzas}");
    }
}

/// The request waits in a conference that is hardly there.
#[test]
fn a_failure_while_a_conference_begins_leaves_nobody_without_answer() {
    for stanzas in 0..8 {
        let mut s = Scenario::new().recorded().bridge("jvb1").start();
        s.sabotage(stanzas);
        s.joins("alice");
        s.settle();
        assert_eq!(s.failures(), 1, "{stanzas}");
        assert_eq!(s.focus().audit(), Vec::<String>::new());
        // Told that it is not ready, a client asks again.
        assert!(!s.view("alice").conference_answers().is_empty(), "{stanzas}");
        assert_eq!(s.view_server().unanswered("focus"), Vec::<String>::new());
    }
}

#[test]
fn a_failure_while_a_request_is_answered_is_an_answer_too() {
    let mut s = Scenario::new().recorded().bridge("jvb1").participant("alice").start();
    s.settle();
    s.sabotage(0);
    s.joins("bob");
    s.settle();
    assert_eq!(s.view("bob").refusals()[0].condition, "internal-server-error");
}

#[test]
fn the_story_of_a_room_tells_what_came_and_what_was_decided() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.dies("jvb1");
    s.settle();
    let story = s.focus().story(s.room()).expect("it is there");
    let lines = [
        "← alice: presence",
        "→ alice: jingle session-initiate",
        "← bob: asks session-accept",
        "! leaves the bridge, which is gone or going",
        "! there is no bridge: waits for one",
    ];
    let places: Vec<_> =
        lines.iter().map(|line| story.find(line).unwrap_or_else(|| panic!("{line}:\n{story}"))).collect();
    assert!(places.is_sorted(), "{story}");
    assert!(!story.contains("meet.test/web"), "no address of a user: {story}");
}

/// While a room is entered its occupants' presence is held.
#[test]
fn who_came_and_went_while_the_room_was_entered_is_asked_nothing() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let room = s.room().to_owned();
    let now = s.now();
    s.server().put_out(now, &room, "focus", &["307"]);
    s.settle();
    let before = s.now();
    s.accident(1, testkit::room::Fate::IsLate(Time::from_secs(2)), |delivery| {
        delivery.to == "focus" && delivery.stanza.attr("type") == Some("result")
    });
    s.joins("carol");
    s.run_for(Time::from_millis(500));
    s.participant("bob").leave();
    s.run_for(Time::from_secs(4));
    let asked = s.said().since(before).request("query").filter(|wire| wire.text().contains("/bob"));
    assert_eq!(asked.count(), 0);
}

/// Members with one and the same client wait for the answer of one of them.
#[test]
fn a_conference_that_ends_asks_nobody_in_it_what_he_supports() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.joins_with("alice", |settings| settings.answers_disco = false);
    for name in ["bob", "carol"] {
        s.joins(name);
    }
    s.settle();
    let (before, room) = (s.now(), s.room().to_owned());
    s.server().put_out(before, &room, "focus", &["307"]);
    s.settle();
    let asked = s.said().since(before).request("query").filter(|wire| wire.text().contains(&room));
    assert_eq!(asked.count(), 0);
}

/// Nobody could find a focus that has not said that it is there.
#[test]
fn a_failure_while_the_connection_is_set_up_leaves_a_focus_that_serves() {
    for stanzas in 0..6 {
        let mut s = Scenario::new().recorded().bridge("jvb1").start();
        s.focus_is_disconnected();
        s.sabotage(stanzas);
        s.focus_logs_in_anew();
        s.run_for(Time::from_secs(20));
        if s.failures() == 0 {
            continue;
        }
        for name in ["alice", "bob"] {
            s.joins(name);
        }
        s.run_until(Scenario::all_connected);
        assert_eq!(s.focus().audit(), Vec::<String>::new(), "{stanzas}");
    }
}

/// Whatever is asked for a conference, and becomes of its bridges, is in its story, with why it was refused.
#[test]
fn the_story_of_a_room_has_every_request_and_what_was_said_to_it() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let mutes = |id: usize, who: &str, whom: &str| {
        let mute = format!("<mute xmlns='http://jitsi.org/jitmeet/audio' jid='{ROOM}/{whom}'>true</mute>");
        format!("<iq type='set' id='m{id}' from='{ROOM}/{who}' to='{FOCUS}'>{mute}</iq>")
    };
    to_focus(&mut s, &mutes(0, "bob", "alice"));
    to_focus(&mut s, &mutes(0, "bob", "bob"));
    to_focus(&mut s, &mutes(0, "alice", "bob"));
    let on = if s.view_bridge("jvb1").conferences().is_empty() { "jvb2" } else { "jvb1" };
    s.dies(on);
    s.settle();
    let story = s.focus().story(ROOM).expect("a conference");
    for line in [
        "← bob: asks to mute\n",
        "! only moderators may mute others\n",
        "→ bob: error not-allowed (only moderators may mute others)\n",
        "! it is about himself: done\n",
        "! who leads may: done\n",
        &format!("← {on}: is gone\n"),
    ] {
        assert!(story.contains(line), "{line}\n{story}");
    }
    assert!(!story.contains('@'), "{story}");
    // A flood leaves room for others.
    let now = s.now();
    for number in 1..900 {
        s.server().send(now, "focus", parse(&mutes(number, "alice", "bob")).expect("well-formed XML"));
    }
    s.settle();
    let story = s.focus().story(ROOM).expect("a conference");
    let floods: Vec<&str> = story.lines().filter(|line| line.contains("← alice: asks too much (")).collect();
    assert!(floods.len() == 1 && !floods[0].contains("(1 "), "{story}");
    let mut s = Scenario::new().participant("alice").participant("bob").start();
    s.settle();
    let story = s.focus().story(ROOM).expect("a conference");
    assert_eq!(story.matches(": asks for the conference\n").count(), 2, "{story}");
}
