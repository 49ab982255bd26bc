//! What the log says of conferences, and what each line says it is about (spec/80 §8).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jicofo::focus::command::Command;
use testkit::Time;
use testkit::bridge::Fault;
use testkit::logs::{FRESH_FOCUS, Line, keep_lines, take_lines};
use testkit::ns;
use testkit::participant::media::desktop;
use testkit::scenario::Scenario;
use testkit::simulation::{Options, Plan, play};

use super::authentication::secured;
use super::support::{FOCUS, ROOM, ask, connect, metadata, request, to_focus};

/// Who is, and who ever was, in a room, and whether its meeting is known.
#[derive(Default)]
struct Told {
    met: bool,
    live: bool,
    nicks: BTreeSet<String>,
    there: BTreeSet<String>,
}

impl Told {
    fn ends(&mut self) {
        self.live = false;
        self.there.clear();
    }
}

/// A line that is about a conference, or names a room, says which room and, as soon as it has one, which meeting it is about; a
/// line that names somebody who is or was there, or his address, has the endpoint's id, and so can be found by it.
fn complete(lines: &[Line]) {
    let mut rooms: BTreeMap<String, Told> = BTreeMap::new();
    for line in lines {
        if line.target == FRESH_FOCUS {
            rooms.values_mut().for_each(Told::ends);
        }
        let about = |name| line.about(name).unwrap_or_default();
        let (room, meeting, participant) = (about("room"), about("meeting_id"), about("participant"));
        let of_conference = line.target.starts_with("jicofo::focus::conference");
        assert!(!room.is_empty() || !(of_conference || names_room(&line.message)), "no room: {line:?}");
        assert!(!room.is_empty() || (meeting.is_empty() && participant.is_empty()), "no room: {line:?}");
        // The story of a conference names everybody.
        let head = line.message.lines().next().unwrap_or_default();
        // It is about the one who wishes, whomever he wishes to be muted.
        let mute = head.starts_with("Mute (") || head.starts_with("Unmute (");
        let head = if mute { head.split_once(" by ").map_or(head, |(_, by)| by) } else { head };
        if room.is_empty() {
            let mut there = rooms.values().flat_map(|told| &told.there);
            assert!(!there.any(|nick| names(head, nick, false)), "it is about a member: {line:?}");
            continue;
        }
        let told = rooms.entry(room.to_owned()).or_default();
        if line.message == "Created new conference." {
            *told = Told::default();
        }
        let known = if of_conference { told.met } else { told.live };
        assert!(!meeting.is_empty() || !known, "no meeting id: {line:?}");
        if line.message.starts_with("Joined") {
            assert!(!meeting.is_empty(), "{line:?}");
            (told.met, told.live) = (true, true);
        }
        if let Some(nick) = line.message.strip_prefix("Member joined: ") {
            told.nicks.insert(nick.to_owned());
            told.there.insert(nick.to_owned());
        }
        let nicks = if of_conference { &told.nicks } else { &told.there };
        for nick in nicks.iter().filter(|nick| names(head, nick, of_conference)) {
            // Who asks may do so from an address with which he is not in the room.
            let asks = line.message.starts_with("Conference request") && participant.is_empty();
            assert!(asks || participant == nick, "it is about {nick}: {line:?}");
        }
        if let Some(nick) = line.message.strip_prefix("Member left: ") {
            told.there.remove(nick);
        }
        if line.message == "Stopped." || head.contains("because of an error of ours") {
            told.ends();
        }
    }
    assert!(rooms.values().any(|told| !told.nicks.is_empty()), "nobody was there");
}

/// Whether there is a JID of a conference's room, or of somebody in one. Breweries are no conferences.
fn names_room(text: &str) -> bool {
    let domains = ["@conference.", "@breakout."];
    domains.iter().any(|domain| text.match_indices(domain).any(|(at, _)| text[..at].ends_with(char::is_alphanumeric)))
}

/// Whether there is a nick, or an address of whoever has it. `account`: or his account, which is known without him, too.
fn names(text: &str, nick: &str, account: bool) -> bool {
    text.match_indices(nick).any(|(at, _)| {
        let after = &text[at + nick.len()..];
        let apart = !text[..at].ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        let word = after.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default();
        apart && (account || !word.starts_with('@') || word.contains('/'))
    })
}

/// The only line that begins so.
#[track_caller]
fn one<'a>(lines: &'a [Line], words: &str) -> &'a Line {
    let found: Vec<&Line> = lines.iter().filter(|line| line.message.starts_with(words)).collect();
    let [line] = found[..] else { panic!("{words}: {found:#?}") };
    line
}

/// What a line is about: room, participant; and it has the meeting's id.
#[track_caller]
fn about<'a>(lines: &'a [Line], words: &str) -> (&'a str, &'a str) {
    let line = one(lines, words);
    let about = |name| line.about(name).unwrap_or_default();
    let meeting = one(lines, "Joined: ").about("meeting_id");
    assert!(about("meeting_id") == meeting.unwrap_or_default() && meeting.is_some(), "{line:?}");
    (about("room"), about("participant"))
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
    s.run_for(Time::from_secs(31));
    let lines = take_lines();
    complete(&lines);
    in_this_order(&messages(&lines, ROOM), &["There are no operational bridges. "]);
}

/// Its changes are refused from then on: whoever looks into it finds the line by the meeting, and by whom it concerns.
#[test]
fn that_a_member_asks_for_too_much_is_told_with_the_meeting() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    for _ in 0..100 {
        let added: Vec<u32> = s.participant("bob").add_source(desktop()).sources.iter().map(|it| it.ssrc).collect();
        s.participant("bob").withdraw(&added);
    }
    s.run_for(Time::from_secs(2));
    let lines = take_lines();
    complete(&lines);
    let (refused, wanted) =
        ("asks for more than anybody needs: refused for now by rule too-many-requests, Change", (ROOM, "bob"));
    let words = lines.iter().find(|line| line.message.ends_with(refused)).expect("it is told").message.clone();
    assert_eq!(about(&lines, &words), wanted);
}

/// Nobody is there yet: it is about the room, and not about any meeting.
#[test]
fn that_somebody_opens_rooms_without_end_is_told_with_the_room() {
    keep_lines();
    let mut s = Scenario::new().start();
    connect(&mut s, "greedy", "g1@guest.meet.test/r1");
    for number in 0..31 {
        ask(&mut s, "greedy", &format!("r{number}"), &format!("room{number}@conference.meet.test"));
    }
    s.settle();
    let lines = take_lines();
    let line = one(&lines, "g1@guest.meet.test/r1 asks for more than anybody needs");
    assert!(line.message.ends_with("refused for now by rule too-many-rooms, NewRoom"), "{}", line.message);
    assert_eq!(line.about("room"), Some("room30@conference.meet.test"));
}

#[test]
fn that_too_many_ask_from_outside_is_told_with_the_meeting() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    for number in 0..10_200 {
        let asked = format!("<conference xmlns='{}' room='{ROOM}' machine-uid='m'/>", ns::FOCUS);
        let from = format!("g{number}@guest.meet.test/r");
        s.early(&format!("<iq type='set' id='q' from='{from}' to='{FOCUS}'>{asked}</iq>"));
    }
    s.run_for(Time::from_secs(1));
    let lines = take_lines();
    complete(&lines);
    assert_eq!(about(&lines, "more ask from outside"), (ROOM, ""));
}

#[test]
fn what_operators_and_components_say_of_a_room_is_told_with_its_meeting() {
    keep_lines();
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    let room: jicofo::wire::BareJid = ROOM.parse().expect("a room");
    let version = "2.3".to_owned();
    s.command(Command::Pin { room: room.clone(), version, duration: Duration::from_secs(60) });
    s.command(Command::Unpin { room });
    for (from, json) in [
        ("avmoderation.meet.test", format!(r#"{{"type":"av_moderation","room":"{ROOM}","mediaType":"smell"}}"#)),
        ("metadata.meet.test", format!(r#"{{"type":"a surprise","room":"{ROOM}"}}"#)),
    ] {
        let message = format!("<json-message xmlns='{}'>{}</json-message>", ns::JITMEET, json.replace('"', "&quot;"));
        to_focus(&mut s, &format!("<message from='{from}' to='{FOCUS}'>{message}</message>"));
    }
    let lines = take_lines();
    complete(&lines);
    for words in [
        "pinned to bridges of version 2.3",
        "not pinned to a version",
        "a message on A/V moderation that can't be read",
        "metadata.meet.test: a message that can't be read",
    ] {
        assert_eq!(about(&lines, words), (ROOM, ""), "{words}");
    }
}

/// What lets its bearer in is kept by the test kit as a secret: the session, the token, the room's password.
#[test]
fn who_logs_in_and_out_is_told_with_the_meeting_and_never_with_a_secret() {
    keep_lines();
    let secret = |settings: &mut testkit::room::Options| {
        settings.form = vec![("muc#roomconfig_roomsecret".into(), "0pen-this-r00m".into())];
    };
    let scenario = Scenario::new().bridge("jvb1").server(secret).config(secured);
    let mut s = scenario.start();
    s.joins_with("alice", |alice| {
        alice.jid = "alice@meet.test/r1".into();
        alice.token = Some("e30.dG9rZW4tb2YtYWxpY2U.x".into());
    });
    s.joins_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into());
    s.run_until(Scenario::all_connected);
    let session = s.view("alice").login().session_id.clone().expect("a session");
    assert!(testkit::logs::holds_secret(&session) && testkit::logs::holds_secret("it is 0pen-this-r00m"));
    let before = take_lines();
    let again = format!(
        "<conference xmlns='{}' room='{ROOM}' machine-uid='machine-of-alice' session-id='{session}'/>",
        ns::FOCUS
    );
    request(&mut s, "alice", "again", &again);
    s.participant("alice").log_out();
    s.settle();
    request(&mut s, "alice", "out", &format!("<logout xmlns='{}' session-id='{session}'/>", ns::FOCUS));
    s.settle();
    let lines = [before, take_lines()].concat();
    complete(&lines);
    let asked =
        |line: &&Line| line.message.starts_with("Conference request") && line.about("participant") == Some("alice");
    assert_eq!(lines.iter().filter(asked).count(), 1, "the one as a member");
    for words in ["Logout from alice@meet.test/r1: done by rule logout", "Logout from alice@meet.test/r1: refused"] {
        assert_eq!(about(&lines, words), (ROOM, "alice"));
    }
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
