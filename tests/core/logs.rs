//! What the log says of conferences, and what each line says it is about (spec/80 §8).

use std::collections::BTreeSet;

use testkit::Time;
use testkit::bridge::Fault;
use testkit::logs::{Line, keep_lines, take_lines};
use testkit::ns;
use testkit::scenario::Scenario;
use testkit::simulation::{Options, Plan, play};

use super::support::{ROOM, metadata};

/// A line of a conference says which room and, as soon as it has one, which meeting it is about; a line about somebody
/// who is or was there has the endpoint's id, and so can be found by it.
fn complete(lines: &[Line]) {
    let mut met = BTreeSet::new();
    let mut nicks = BTreeSet::new();
    for line in lines {
        let of_conference = line.target.starts_with("jicofo::focus::conference");
        let room = line.about("room");
        assert!(room.is_some() || !of_conference, "no room: {line:?}");
        let Some(room) = room else { continue };
        if line.message == "Created new conference." {
            met.remove(room);
        }
        let meeting = line.about("meeting_id").unwrap_or_default();
        // Before we are in the room nobody knows its meeting.
        let asked = line.target == "jicofo::focus::request";
        assert!(!meeting.is_empty() || !met.contains(room) || asked, "no meeting id: {line:?}");
        if line.message.starts_with("Joined") {
            assert!(!meeting.is_empty(), "{line:?}");
            met.insert(room.to_owned());
        }
        if let Some(nick) = line.message.strip_prefix("Member joined: ") {
            nicks.insert(nick.to_owned());
        }
        // The story of a conference names everybody.
        let head = line.message.lines().next().unwrap_or_default();
        let words: BTreeSet<&str> = head.split(|c: char| !c.is_alphanumeric()).collect();
        let about = line.about("participant");
        for nick in nicks.iter().filter(|nick| words.contains(nick.as_str())) {
            let asks = line.message.starts_with("Conference request");
            assert!(asks || about == Some(nick.as_str()), "it is about {nick}: {line:?}");
        }
    }
    assert!(!nicks.is_empty(), "nobody was there");
}

/// Messages about `room`, without what they are about.
fn messages(lines: &[Line], room: &str) -> Vec<String> {
    lines.iter().filter(|line| line.about("room") == Some(room)).map(|line| line.message.clone()).collect()
}

#[track_caller]
fn in_this_order(messages: &[String], expected: &[&str]) {
    let mut rest = messages.iter();
    for words in expected {
        assert!(rest.any(|message| message.starts_with(words)), "{words} is not there, or not then, in {messages:#?}");
    }
}

#[test]
fn a_meeting_is_told_in_the_words_that_people_and_dashboards_look_for() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("bob").leave();
    s.run_for(Time::from_secs(30));
    s.participant("alice").leave();
    s.settle();
    let lines = take_lines();
    complete(&lines);
    in_this_order(
        &messages(&lines, ROOM),
        &[
            "Conference request for room room@conference.meet.test from ",
            "Created new conference.",
            "Joining room@conference.meet.test",
            "Joined: ",
            "Member joined: alice",
            "Member joined: bob",
            "Member left: bob",
            "Terminating bob, reason: gone",
            "Removed participant bob",
            "Terminating alice, reason: Idle session timeout",
            "Removed participant alice",
            "Member left: alice",
            "Stopped.",
        ],
    );
}

#[test]
fn what_goes_wrong_in_a_meeting_is_told_with_whom_it_concerns() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").fail_next(Fault::Error {
        kind: "cancel",
        condition: "feature-not-implemented",
        text: "no SCTP".into(),
        reason: None,
    });
    s.joins("carol");
    s.run_for(Time::from_secs(5));
    // A recorder that is none, and one who goes from participant to visitor.
    let features =
        format!("<features xmlns='{}'><feature var='http://jitsi.org/protocol/jibri'/></features>", ns::CLIENT);
    s.inject("bob", &format!("<presence to='{ROOM}/bob'>{features}</presence>"));
    s.inject("bob", &format!("<presence to='{ROOM}/bob'>{features}</presence>"));
    let now = s.now();
    s.server().grant(now, ROOM, "alice@meet.test", "owner");
    s.settle();
    metadata(&mut s, ROOM, &serde_json::json!("none"));
    let now = s.now();
    s.server().destroy(now, ROOM, "over");
    s.settle();
    let lines = take_lines();
    complete(&lines);
    let all = messages(&lines, ROOM);
    in_this_order(
        &all,
        &[
            "jvbbrewery@internal.auth.meet.test/jvb1 gave no endpoint for carol: ",
            "bob says it is a recorder, gateway or transcriber, but its domain meet.test",
            "the room was destroyed: over",
            "Stopped.",
        ],
    );
}

#[test]
fn that_there_is_no_bridge_is_told_in_the_words_that_people_look_for() {
    keep_lines();
    let mut s = Scenario::new().participant("alice").participant("bob").start();
    s.settle();
    let lines = take_lines();
    complete(&lines);
    in_this_order(&messages(&lines, ROOM), &["There are no operational bridges. "]);
}

/// Whatever happens: lives with failing bridges, lost answers, kicks, restarts, failures of the core.
#[test]
fn no_line_of_any_life_leaves_out_what_it_is_about() {
    for seed in 1..=12 {
        keep_lines();
        // Whether it went as it must is for the simulator to judge, which has tests of its own.
        let _ = play(&Plan::of(seed, &Options::default()));
        complete(&take_lines());
    }
}
