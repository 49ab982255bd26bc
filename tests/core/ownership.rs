//! Who leads where people have to log in: grants, their loss, the focus' own right.

use testkit::Time;
use testkit::logs::keep_lines;
use testkit::ns;
use testkit::participant::Place;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::authentication::{HOST, ask_with, secured, session};
use crate::support::*;

/// A room that is open, in which nobody is but the focus, and a host's connection `a`.
fn open_room() -> Scenario {
    let mut s = Scenario::new().config(secured).bridge("jvb1").start();
    connect(&mut s, "a", HOST);
    session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    s
}

fn shown(nick: &str, jid: &str, affiliation: &str) -> String {
    let role = if affiliation == "owner" { "moderator" } else { "participant" };
    format!(
        "<presence from='{ROOM}/{nick}' to='{FOCUS}'><x xmlns='{}'><item affiliation='{affiliation}' role='{role}' \
         {jid}/></x></presence>",
        ns::MUC_USER
    )
}

fn at(jid: &str) -> String {
    format!("jid='{jid}'")
}

/// Covers spec/20: 59.
#[test]
fn the_connection_of_a_login_leads_nothing_and_an_owner_is_not_made_one_again() {
    let mut s = open_room();
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
    s.joins_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into());
    s.logs_in("bob", "carol@meet.test/login");
    s.settle();
    assert_eq!(grants(&s, ROOM), ["bob@guest.meet.test"]);
    let id = s.view("bob").login().session_id.clone().unwrap();
    session(&ask_with(&mut s, "bob", ROOM, &format!("session-id='{id}' machine-uid='machine-of-bob'")));
    assert_eq!(grants(&s, ROOM).len(), 1);
    s.finish();
}

/// By hand: a real room shows every connection of an account as owner once one is.
///
/// Covers spec/20: 24.
#[test]
fn it_is_the_whole_address_that_logged_in() {
    let mut s = open_room();
    to_focus(&mut s, &shown("one", &at(HOST), "none"));
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
    to_focus(&mut s, &shown("two", &at("alice@meet.test/r9"), "none"));
    assert_eq!(grants(&s, ROOM).len(), 1, "the same account, but a connection that has not asked");
    connect(&mut s, "two", "alice@meet.test/r9");
    session(&ask_with(&mut s, "two", ROOM, "machine-uid='m1'"));
    assert_eq!(grants(&s, ROOM), ["alice@meet.test", "alice@meet.test"]);
    connect(&mut s, "three", "bob@meet.test/r1");
    session(&ask_with(&mut s, "three", ROOM, "machine-uid='m3'"));
    to_focus(&mut s, &shown("three", &at("bob@meet.test/r1"), "owner"));
    session(&ask_with(&mut s, "three", ROOM, "machine-uid='m3'"));
    assert_eq!(grants(&s, ROOM).len(), 2, "an owner is one");
}

#[test]
fn a_grant_is_made_once_and_again_only_when_it_was_refused() {
    let mut s = open_room();
    keep_lines();
    // The room's own answers are lost, so that the test's is the one.
    let lose = |s: &mut Scenario| {
        s.accident(1, Fate::IsLost, |d| {
            d.to == "focus" && d.stanza.name() == "iq" && d.stanza.get("from") == Some(ROOM)
        });
    };
    lose(&mut s);
    to_focus(&mut s, &shown("one", &at(HOST), "none"));
    session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    assert_eq!(grants(&s, ROOM).len(), 1, "it is under way");
    let id = said_to(&s, ROOM).filter(|wire| wire.stanza.kid("query", ns::MUC_ADMIN).is_some()).last();
    let id = id.stanza.get("id").unwrap().to_owned();
    to_focus(
        &mut s,
        &format!(
            "<iq type='error' id='{id}' from='{ROOM}' to='{FOCUS}'><error type='auth'><forbidden xmlns='{}'/></error></iq>",
            ns::STANZA_ERRORS
        ),
    );
    let warned = logged("could not make");
    assert!(warned.len() == 1 && warned[0].contains("forbidden") && warned[0].contains("admins = {"), "{warned:?}");
    to_focus(&mut s, &shown("one", &at(HOST), "none"));
    assert_eq!(grants(&s, ROOM).len(), 1, "its presence is no reason to try again");
    lose(&mut s);
    session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    assert_eq!(grants(&s, ROOM).len(), 2, "that it asks again is one");
    // Nor does it hurt that no answer ever comes.
    s.run_for(Time::from_secs(16));
    assert_eq!(logged("could not make").len(), 1);
    s.joins_with("bob", |bob| bob.jid = "bob@meet.test/web".into());
    s.settle();
    assert!(grants(&s, ROOM).contains(&"bob@meet.test".to_owned()), "others' grants go on");
}

#[test]
fn who_loses_the_right_to_somebody_else_has_it_again_when_he_asks() {
    let mut s = Scenario::new().config(secured).bridge("jvb1").participant("host").start();
    s.settle();
    let now = s.now();
    s.server().grant(now, ROOM, "host@meet.test", "member");
    // The focus shows itself anew, as it does often.
    s.joins_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into());
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((grants(&s, ROOM).len(), s.view("host").is_moderator()), (1, false));
    let id = s.view("host").login().session_id.clone().unwrap();
    session(&ask_with(&mut s, "host", ROOM, &format!("session-id='{id}' machine-uid='machine-of-host'")));
    s.settle();
    assert_eq!((grants(&s, ROOM).len(), s.view("host").is_moderator()), (2, true));
    s.finish();
}

#[test]
fn one_whose_address_is_hidden_is_told_of_and_made_owner_when_it_is_not() {
    let mut s = open_room();
    keep_lines();
    to_focus(&mut s, &shown("one", "", "none"));
    assert_eq!((grants(&s, ROOM).len(), logged("hides its address").len()), (0, 1));
    to_focus(&mut s, &shown("one", &at(HOST), "none"));
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
}

/// The focus is owner again when it is asked for the room the next time: it finds its hosts and makes them owners.
#[test]
fn the_focus_that_lost_its_right_and_has_it_again_makes_the_hosts_owners() {
    let mut s = Scenario::new().config(secured).bridge("jvb1").participant("host").start();
    s.joins_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into());
    s.run_until(Scenario::all_connected);
    let now = s.now();
    s.server().grant(now, ROOM, "focus@auth.meet.test", "member");
    s.run_for(Time::from_millis(200));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (0, 1));
    let now = s.now();
    // Meanwhile somebody took the host's right.
    s.server().grant(now, ROOM, "host@meet.test", "none");
    s.server().grant(now, ROOM, "focus@auth.meet.test", "owner");
    let before = grants(&s, ROOM).len();
    connect(&mut s, "g", "g3@guest.meet.test/r1");
    // Its session outlives the conference, so the host is known before it asks.
    let id = s.view("host").login().session_id.clone().unwrap();
    let answer = ask_with(&mut s, "host", ROOM, &format!("session-id='{id}' machine-uid='machine-of-host'"));
    session(&answer);
    s.settle();
    assert_eq!(grants(&s, ROOM)[before..], ["host@meet.test"]);
    assert!(s.view("host").is_moderator() && !s.view("bob").is_moderator());
    // That it is shown as owner once more makes nobody owner again.
    let now = s.now();
    s.server().grant(now, ROOM, "focus@auth.meet.test", "owner");
    s.settle();
    assert_eq!(grants(&s, ROOM).len(), before + 1);
}

#[test]
fn the_host_leads_in_breakout_rooms_and_again_in_the_main_room() {
    const BREAKOUT: &str = "3f0c@breakout.meet.test";
    let mut s = Scenario::new()
        .config(secured)
        .bridge("jvb1")
        .server(|server| {
            server.breakouts.insert(BREAKOUT.into(), ROOM.into());
        })
        .participant("host")
        .start();
    s.joins_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into());
    s.run_until(Scenario::all_connected);
    for (room, granted) in [(BREAKOUT, 1), (ROOM, 2)] {
        let settings = s.view("host").settings.clone();
        let session = s.view("host").login().session_id.clone();
        s.participant("host").leave();
        // The room forgets its rights, as one without affiliations does.
        let now = s.now();
        s.server().grant(now, ROOM, "host@meet.test", "none");
        s.joins_with("host", |host| {
            *host = settings;
            host.room = room.into();
            host.session_id = session;
        });
        s.settle();
        assert_eq!(s.view("host").place(), Place::InRoom);
        assert_eq!(grants(&s, room), vec!["host@meet.test"; granted], "{room}");
    }
    assert_eq!(grants(&s, ROOM).iter().filter(|jid| jid.starts_with("bob@")).count(), 0);
    s.finish();
}
