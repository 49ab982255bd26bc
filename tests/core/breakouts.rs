//! Breakout rooms, and what they mean for the room they belong to.

use serde_json::json;
use testkit::Time;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;

const BREAKOUT: &str = "3f0c@breakout.meet.test";

/// A main room with these people in it, and a breakout room that may be made.
fn main_room(people: &[&str]) -> Scenario {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .server(|server| {
            server.breakouts.insert(BREAKOUT.into(), ROOM.into());
        })
        .start();
    for name in people {
        s.joins(name);
    }
    s.run_for(Time::from_secs(3));
    s
}

/// Somebody goes to a room, under its old nick.
fn goes_to(s: &mut Scenario, name: &str, room: &str) {
    s.joins_with(name, |settings| settings.room = room.into());
    s.settle();
}

fn conferences(s: &Scenario) -> usize {
    s.focus().gauges().conferences
}

/// Covers spec/20: 7, 55, 57.
#[test]
fn a_breakout_room_is_known_by_its_form_and_has_no_owner_made() {
    let mut s = main_room(&["alice", "bob", "carol"]);
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
    s.participant("carol").leave();
    // The room's name and who wrote it come before its form.
    let subject = format!(
        "<message type='groupchat' from='{BREAKOUT}/focus' to='{FOCUS}'><subject>Group 1</subject>\
         <delay xmlns='urn:xmpp:delay' stamp='2026-08-20T12:00:00Z'/></message>"
    );
    s.accident(1, testkit::room::Fate::IsLate(Time::from_millis(100)), |d| {
        d.to == "focus" && d.stanza.get("from") == Some(BREAKOUT) && d.stanza.name() == "iq"
    });
    s.joins_with("carol", |settings| settings.room = BREAKOUT.into());
    s.run_for(Time::from_millis(50));
    assert_eq!((joins(&s, BREAKOUT).count(), own_presences(&s, BREAKOUT).count()), (1, 1), "the form is awaited");
    to_focus(&mut s, &subject);
    assert_eq!(conferences(&s), 2);
    assert_eq!(grants(&s, BREAKOUT), Vec::<String>::new());
    let first = own_presences(&s, BREAKOUT).iter().nth(1).unwrap().stanza.clone();
    assert_eq!(first.kid("etherpad", "http://jitsi.org/jitmeet/etherpad").unwrap().text(), "3f0c");
    assert_eq!(properties(&first), [pair("support-terminate-restart", "true")]);
    // The main room stays without members because of it.
    s.participant("alice").leave();
    s.participant("bob").leave();
    s.run_for(Time::from_secs(60));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (2, 0));
    s.participant("carol").leave();
    s.settle();
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (0, 1));
    s.finish();
}

/// Covers spec/20: 7.
#[test]
fn a_main_room_in_the_form_of_no_breakout_room_says_nothing() {
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    // The form, with the last field alone.
    s.accident(1, testkit::room::Fate::IsLost, |d| {
        d.to == "focus" && d.stanza.kid("query", testkit::ns::MUC_OWNER).is_some_and(|q| q.children().count() > 0)
    });
    ask(&mut s, "g", "one", ROOM);
    s.run_for(Time::from_secs(1));
    let get = said_to(&s, ROOM).filter(|wire| wire.stanza.get("type") == Some("get")).last().stanza.clone();
    let id = get.get("id").unwrap().to_owned();
    to_focus(
        &mut s,
        &format!(
            "<iq type='result' id='{id}' from='{ROOM}' to='{FOCUS}'><query xmlns='{}'><x xmlns='{}' type='form'>\
             <field var='muc#roominfo_breakout_main_room'><value>main@conference.meet.test</value></field></x></query></iq>",
            testkit::ns::MUC_OWNER,
            testkit::ns::DATA_FORM
        ),
    );
    assert_eq!(of_conference(&only(&s, "g", "one"), "ready"), Some("true"));
    s.joins("alice");
    s.settle();
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"], "an ordinary room has an owner");
    s.finish();
}

/// Covers spec/20: 56.
#[test]
fn a_breakout_rooms_metadata_is_its_own() {
    let mut s = main_room(&["alice"]);
    goes_to(&mut s, "xavier", BREAKOUT);
    metadata(&mut s, BREAKOUT, &json!({ "startMuted": { "audio": true } }));
    s.joins("bob");
    goes_to(&mut s, "yvonne", BREAKOUT);
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (None, None));
    assert_eq!(starts_muted(&s, "yvonne"), Some(("true".into(), "false".into())));
    s.finish();
}

/// Covers spec/10: 57; spec/20: 57; spec/40: 49; spec/90: 56.
#[test]
fn one_of_three_goes_to_a_breakout_room_and_comes_back() {
    let mut s = main_room(&["alice", "bob", "carol"]);
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("carol").leave();
    s.run_for(Time::from_millis(100));
    goes_to(&mut s, "carol", BREAKOUT);
    let main_meeting = s.server().room(ROOM).unwrap().meeting_id.clone();
    assert_ne!(s.server().room(BREAKOUT).unwrap().meeting_id, main_meeting);
    let before = s.said().count();
    s.run_for(Time::from_secs(30));
    assert_eq!(s.view("carol").sessions(), 0, "alone, so not invited");
    assert_eq!(grants(&s, BREAKOUT), Vec::<String>::new());
    s.participant("carol").leave();
    s.run_for(Time::from_millis(50));
    let since: Vec<_> = s.said().iter().skip(before).filter(|wire| !wire.text().contains("healthcheck")).collect();
    assert_eq!(since.len(), 1, "one unavailable presence\n{}", s.story());
    assert_eq!(leaves(&s, BREAKOUT).count(), 1);
    assert!(own_presences(&s, BREAKOUT).containing("bridge-count").is_empty());
    let now = s.now();
    goes_to(&mut s, "carol", ROOM);
    let answer = s.sent_to("carol").since(now).results().containing("focusjid");
    assert_eq!((answer.count(), of_conference(&answer.first().stanza, "ready")), (1, Some("true")));
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((offers(&s, "alice"), offers(&s, "bob"), offers(&s, "carol")), (1, 1, 2));
    assert_eq!(s.view_bridge("jvb1").conferences().keys().collect::<Vec<_>>(), [&main_meeting]);
    s.finish();
}

/// Covers spec/10: 59.
#[test]
fn a_main_room_left_without_a_word_ends_though_its_last_member_only_changes_rooms() {
    let mut s = main_room(&["alice"]);
    s.participant("alice").leave();
    s.run_for(Time::from_millis(100));
    goes_to(&mut s, "alice", BREAKOUT);
    assert_eq!((conferences(&s), leaves(&s, ROOM).count(), joins(&s, BREAKOUT).count()), (1, 1, 1));
    s.participant("alice").leave();
    s.settle();
    assert_eq!((conferences(&s), leaves(&s, ROOM).count(), leaves(&s, BREAKOUT).count()), (0, 1, 1));
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    assert_eq!(of_conference(&answer_to(&mut s, "g", ROOM), "ready"), Some("true"));
    assert_eq!(joins(&s, ROOM).count(), 2);
    s.finish();
}

/// Covers spec/10: 35; spec/20: 30; spec/90: 57.
#[test]
fn whoever_says_that_it_changes_rooms_keeps_the_main_room_for_a_while() {
    // No breakout room appears.
    let mut s = main_room(&["alice"]);
    s.participant("alice").leave_with_status("switch_room");
    s.run_for(Time::from_secs(14));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (1, 0));
    s.run_for(Time::from_secs(2));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (0, 1));
    s.finish();
    // One appears: both live until it ends.
    let mut s = main_room(&["alice"]);
    s.participant("alice").leave_with_status("switch_room");
    s.run_for(Time::from_secs(5));
    goes_to(&mut s, "alice", BREAKOUT);
    s.run_for(Time::from_secs(60));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (2, 0));
    s.participant("alice").leave();
    s.run_for(Time::from_millis(100));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count(), leaves(&s, BREAKOUT).count()), (0, 1, 1));
    s.finish();
    // One is there when the last leaves the main room.
    let mut s = main_room(&["alice", "bob"]);
    s.participant("bob").leave();
    goes_to(&mut s, "bob", BREAKOUT);
    s.participant("alice").leave_with_status("switch_room");
    s.run_for(Time::from_secs(60));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (2, 0));
    s.participant("bob").leave();
    s.run_for(Time::from_millis(100));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (0, 1));
    s.finish();
}

/// Covers spec/10: 58.
#[test]
fn breakout_rooms_that_nobody_is_in_are_nothing_to_the_focus() {
    let mut s = main_room(&["alice", "bob"]);
    s.run_until(Scenario::all_connected);
    s.settle();
    let (before, came) = (s.said().count(), s.sent_to("focus").count());
    let later = "9999@breakout.meet.test";
    s.server().options.breakouts.insert(later.into(), ROOM.into());
    s.settle();
    s.server().options.breakouts.remove(later);
    s.settle();
    let unasked = |wire: &testkit::wire_log::Wire| !wire.text().contains("healthcheck");
    assert_eq!(s.said().iter().skip(before).filter(|wire| unasked(wire)).count(), 0);
    let news = s.sent_to("focus").iter().skip(came).filter(|wire| !wire.text().contains("stats")).count();
    assert_eq!(news, 0);
    s.finish();
}
