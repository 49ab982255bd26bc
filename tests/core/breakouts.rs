//! Breakout rooms, and what they mean for the room they belong to.

use serde_json::json;
use testkit::Time;
use testkit::ns;
use testkit::participant::Place;
use testkit::room::Fate;
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
    s.participant("alice").add_breakout_room("later");
    s.settle();
    let later = s.view_server().breakouts_of(ROOM).into_iter().find(|room| room != BREAKOUT).expect("the new room");
    s.participant("alice").remove_breakout_room(&later);
    s.settle();
    assert_eq!(s.view_server().breakouts_of(ROOM), [BREAKOUT]);
    let unasked = |wire: &testkit::wire_log::Wire| !wire.text().contains("healthcheck");
    assert_eq!(s.said().iter().skip(before).filter(|wire| unasked(wire)).count(), 0);
    let news = s.sent_to("focus").iter().skip(came).filter(|wire| !wire.text().contains("stats")).count();
    assert_eq!(news, 0);
    s.finish();
}

/// As moderators do it: rooms are added, people go there and between them, one comes back, the rooms are removed.
#[test]
fn people_move_between_breakout_rooms_while_the_main_room_lives_on() {
    let mut s = Scenario::new().bridge("jvb1").start();
    let people = ["alice", "bob", "carol", "dave", "erin"];
    for name in people {
        s.joins(name);
        s.settle();
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    for subject in ["one", "two"] {
        s.participant("alice").add_breakout_room(subject);
    }
    s.settle();
    let rooms = s.view_server().breakouts_of(ROOM);
    assert_eq!((rooms.len(), conferences(&s)), (2, 1), "a room that nobody has asked for is no conference");
    for (name, room) in [("bob", &rooms[0]), ("carol", &rooms[0]), ("dave", &rooms[1]), ("erin", &rooms[1])] {
        s.participant(name).leave_with_status("switch_room");
        goes_to(&mut s, name, room);
    }
    s.run_until(|s| s.connected(&["bob", "carol", "dave", "erin"]));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (3, 0));
    // Alice, alone there, keeps her session for a while; nobody in another room is told of her or of anybody else's sources.
    let now = s.now();
    s.participant("bob").add_source(testkit::participant::media::desktop());
    s.settle();
    assert_eq!(s.sent_to("carol").since(now).jingle("source-add").count(), 1);
    assert!(["alice", "dave", "erin"].iter().all(|name| s.sent_to(name).since(now).jingle("source-add").is_empty()));
    // Nobody owns a room that guests have to themselves; who leads the main room leads here.
    assert!(rooms.iter().all(|room| grants(&s, room).is_empty()));
    s.participant("alice").leave_with_status("switch_room");
    goes_to(&mut s, "alice", &rooms[1]);
    s.run_until(Scenario::all_connected);
    assert!(s.view("alice").is_moderator() && !s.view("dave").is_moderator());
    s.run_for(Time::from_secs(60));
    assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (3, 0), "the main room, empty, waits for them");
    // Moderation in one room is that room's alone.
    s.participant("alice").moderate("audio", true);
    s.settle();
    let muted = |s: &Scenario, name: &str| s.view_bridge("jvb1").endpoint(name).unwrap().force_mute;
    assert_eq!(["bob", "carol", "dave", "erin"].map(|name| muted(&s, name).0), [false, false, true, true]);
    // One comes back, then the rooms are removed with whoever is in them.
    s.participant("erin").leave();
    goes_to(&mut s, "erin", ROOM);
    s.participant("alice").leave();
    goes_to(&mut s, "alice", ROOM);
    for room in &rooms {
        s.participant("alice").remove_breakout_room(room);
    }
    s.settle();
    assert_eq!((conferences(&s), leaves(&s, &rooms[0]).count(), leaves(&s, &rooms[1]).count()), (1, 0, 0));
    assert_eq!(s.view_bridge("jvb1").conferences().len(), 1);
    for name in ["bob", "carol", "dave"] {
        goes_to(&mut s, name, ROOM);
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.focus().gauges().participants, 5);
    s.finish();
}

/// The member of a breakout room is nobody in the main room, nor the reverse.
#[test]
fn nobody_acts_from_one_room_on_another() {
    let mut s = main_room(&["alice", "bob", "carol"]);
    s.participant("carol").leave();
    goes_to(&mut s, "carol", BREAKOUT);
    goes_to(&mut s, "xavier", BREAKOUT);
    s.run_until(Scenario::all_connected);
    s.settle();
    let sid = s.view("bob").session().unwrap().sid.clone();
    let now = s.now();
    let from = format!("{BREAKOUT}/carol");
    for (id, child) in [
        ("mute", format!("<mute xmlns='{}' jid='{ROOM}/bob'>true</mute>", testkit::ns::JITMEET_AUDIO)),
        ("end", format!("<jingle xmlns='{}' action='session-terminate' sid='{sid}'/>", testkit::ns::JINGLE)),
    ] {
        to_focus(&mut s, &format!("<iq type='set' id='{id}' from='{from}' to='{FOCUS}'>{child}</iq>"));
    }
    assert!(s.view("bob").connected() && s.said().since(now).request("mute").is_empty());
    let answers: Vec<String> = said_to(&s, &from)
        .since(now)
        .filter(testkit::wire_log::Wire::is_answer)
        .iter()
        .map(|wire| error(&wire.stanza).0)
        .collect();
    assert_eq!(answers, ["not-allowed", "bad-request"]);
    s.server().take_violations();
    s.finish();
}

/// Where nobody has said where breakout rooms are, those of a foreign server are none.
#[test]
fn a_foreign_room_is_no_breakout_room_of_ours() {
    const FOREIGN: &str = "claims@rooms.foreign.test";
    let mut s = Scenario::new()
        .bridge("jvb1")
        .config(|config| {
            config.authentication.kind = jicofo::config::AuthenticationType::Xmpp;
            config.authentication.login_url = Some("meet.test".into());
        })
        .server(move |server| {
            server.breakouts.insert(FOREIGN.into(), ROOM.into());
            server.no_breakouts = true;
        })
        .start();
    connect(&mut s, "host", "host@meet.test/web");
    connect(&mut s, "guest", "guest@guest.meet.test/web");
    request(&mut s, "host", "h", &format!("<conference xmlns='{}' room='{FOREIGN}' machine-uid='m'/>", ns::FOCUS));
    s.settle();
    assert_eq!(of_conference(&only(&s, "host", "h"), "ready"), Some("true"));
    let answer = answer_to(&mut s, "guest", ROOM);
    assert_eq!(error(&answer).0, "not-authorized", "no guest starts a room because a foreign one claims to be of it");
    s.run_for(Time::from_secs(20));
}

/// A room that says it is a breakout room, and is not where they are: it is an ordinary one.
#[test]
fn a_room_elsewhere_is_no_breakout_room_of_ours() {
    const ELSEWHERE: &str = "claims@conference.meet.test";
    for (elsewhere, grants_expected) in [(ELSEWHERE, 1), (BREAKOUT, 0)] {
        let mut s = Scenario::new()
            .bridge("jvb1")
            .server(move |server| {
                server.breakouts.insert(elsewhere.into(), ROOM.into());
            })
            .start();
        s.joins_with("mallory", |it| it.room = elsewhere.into());
        s.settle();
        assert_eq!(s.view("mallory").place(), Place::InRoom);
        assert_eq!(grants(&s, elsewhere).len(), grants_expected, "{elsewhere}");
        // The main room waits for nobody there.
        s.joins("alice");
        s.settle();
        s.participant("alice").leave();
        s.settle();
        assert_eq!(leaves(&s, ROOM).count(), grants_expected, "{elsewhere}");
        s.participant("mallory").leave();
        s.finish();
    }
}

/// The main room takes long to let the focus in, and its breakout room is left meanwhile: nobody is left anywhere.
#[test]
fn a_main_conference_whose_breakout_room_is_left_while_it_is_entered_ends_too() {
    let mut s = main_room(&[]);
    goes_to(&mut s, "alice", BREAKOUT);
    s.run_for(Time::from_secs(3));
    assert_eq!(s.focus().gauges().conferences, 1);
    let slow = Fate::IsLate(Time::from_secs(9));
    s.accident(3, slow, |d| d.to == "focus" && d.stanza.get("from").is_some_and(|from| from.starts_with(ROOM)));
    connect(&mut s, "guest", "g1@guest.meet.test/r1");
    ask(&mut s, "guest", "q1", ROOM);
    s.run_for(Time::from_secs(16));
    assert_eq!(s.focus().gauges().conferences, 2);
    s.participant("alice").leave();
    s.run_for(Time::from_secs(120));
    assert_eq!(s.focus().gauges().conferences, 0, "{}", s.story());
    assert!(s.focus().audit().is_empty(), "{:?}", s.focus().audit());
}

/// Whose it is its form says. From then on it counts, though its metadata is awaited for a while yet.
#[test]
fn a_breakout_room_that_waits_for_its_metadata_keeps_its_main_room() {
    for destroyed in [false, true] {
        let builder = Scenario::new().bridge("jvb1").participant("alice").participant("bob").server(|server| {
            server.breakouts.insert(BREAKOUT.into(), ROOM.into());
            server.presets = true;
        });
        let mut s = builder.start();
        s.run_until(Scenario::all_connected);
        goes_to(&mut s, "carol", BREAKOUT);
        s.run_for(Time::from_secs(1));
        assert!(joins(&s, BREAKOUT).count() == 1 && s.view("carol").place() != Place::InRoom, "the focus waits");
        s.participant("alice").leave();
        s.participant("bob").leave();
        s.run_for(Time::from_secs(4));
        assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (2, 0));
        if destroyed {
            // It ends before it was open, and with it the main room.
            let now = s.now();
            s.server().destroy(now, BREAKOUT, "over");
            s.run_for(Time::from_secs(1));
            assert_eq!(leaves(&s, ROOM).count(), 1);
            continue;
        }
        s.run_until(|s| s.view("carol").place() == Place::InRoom);
        s.run_for(Time::from_secs(30));
        assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (2, 0));
        s.participant("carol").leave();
        s.settle();
        assert_eq!((conferences(&s), leaves(&s, ROOM).count()), (0, 1));
        s.finish();
    }
}
