//! From guest to host: the second connection, the session, the way back (spec/10 §6.5), as recorded in
//! `secure-domain.jsonl`.

use jicofo::config::Config;
use testkit::Time;
use testkit::ns;
use testkit::participant::Place;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::Read;

use crate::authentication::{E1, E2, ask_with, is_refused, secured, session};
use crate::support::*;

const G1: &str = "g1@guest.meet.test/r1";
const G2: &str = "g2@guest.meet.test/r1";
const HOST: &str = "alice@meet.test/login";

fn secure() -> Builder {
    Scenario::new().config(secured)
}

/// Up to where the guest's own connection has the session: its id.
fn upgraded(s: &mut Scenario) -> String {
    for (label, jid) in [("g1", G1), ("g2", G2)] {
        connect(s, label, jid);
        is_refused(&ask_with(s, label, ROOM, &format!("machine-uid='machine-of-{label}'")), E1);
    }
    assert_eq!(s.focus().gauges().conferences, 0);
    // The second connection, of the same browser.
    connect(s, "login", HOST);
    let id = session(&ask_with(s, "login", ROOM, "machine-uid='machine-of-g1'"));
    assert_eq!(joins(s, ROOM).count(), 1);
    for _ in 0..2 {
        let answer = ask_with(s, "g1", ROOM, &format!("session-id='{id}' machine-uid='machine-of-g1'"));
        assert_eq!((session(&answer), of_conference(&answer, "identity")), (id.clone(), Some("alice@meet.test")));
    }
    let now = s.now();
    s.server().disconnect(now, "login");
    assert_eq!(grants(s, ROOM), Vec::<String>::new());
    id
}

/// The guest's page goes on as a participant: with its address, its machine and its session.
fn enters(s: &mut Scenario, name: &str, jid: &str, session: Option<&str>) {
    let (jid, session) = (jid.to_owned(), session.map(str::to_owned));
    s.joins_with(name, |settings| {
        settings.jid = jid;
        settings.session_id = session;
    });
    s.settle();
    assert_eq!(s.view(name).place(), Place::InRoom);
}

/// Covers spec/10: 60, 61.
#[test]
fn a_guest_logs_in_leads_and_logs_out() {
    for builder in [secure(), secure().component()] {
        let mut s = builder.bridge("jvb1").start();
        let id = upgraded(&mut s);
        enters(&mut s, "g1", G1, Some(&id));
        assert_eq!(grants(&s, ROOM), ["g1@guest.meet.test"]);
        assert!(s.view("g1").is_moderator());
        enters(&mut s, "g2", G2, None);
        assert_eq!(grants(&s, ROOM), ["g1@guest.meet.test"]);
        assert_eq!((s.view("g2").login().identity.as_deref(), s.view("g2").is_moderator()), (None, false));
        assert_eq!(s.view("g1").login().identity.as_deref(), Some("alice@meet.test"));
        s.run_until(Scenario::all_connected);

        s.participant("g1").log_out();
        s.settle();
        assert_eq!(s.view("g1").login().session_id, None);
        assert!(s.view("g1").is_moderator());
        s.check();
        s.participant("g1").leave();
        s.settle();
        assert_eq!(grants(&s, ROOM).len(), 1, "nobody else is made owner for it");
        assert!(!s.view("g2").is_moderator());
        is_refused(&ask_with(&mut s, "g1", ROOM, &format!("session-id='{id}' machine-uid='machine-of-g1'")), E2);
        s.finish();
    }
}

/// Covers spec/20: 58.
#[test]
fn who_came_first_without_a_session_never_leads() {
    let mut s = secure().bridge("jvb1").start();
    let id = upgraded(&mut s);
    enters(&mut s, "g2", G2, None);
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
    let now = s.now();
    enters(&mut s, "g1", G1, Some(&id));
    let grant = said_to(&s, ROOM).since(now).containing(ns::MUC_ADMIN).first().stanza.clone();
    let heard = s.sent_to("focus").since(now);
    let shown = heard.iter().position(|wire| {
        wire.stanza.get("from") == Some(&format!("{ROOM}/g1")) && wire.text().contains("affiliation='owner'")
    });
    let answered = heard.iter().position(|wire| wire.is_answer() && wire.stanza.get("id") == grant.get("id"));
    assert!(shown.is_some() && shown < answered, "the room shows it before it answers: {}", s.story());
    assert_eq!(grants(&s, ROOM), ["g1@guest.meet.test"]);
    s.run_until(Scenario::all_connected);
    s.participant("g1").log_out();
    s.settle();
    s.participant("g1").leave();
    s.run_for(Time::from_secs(5));
    assert_eq!(grants(&s, ROOM), ["g1@guest.meet.test"]);
    assert!(!s.view("g2").is_moderator());
    s.finish();
}

/// Covers spec/10: 62.
#[test]
fn the_room_waits_for_its_host_for_a_while() {
    let mut s = secure().start();
    let id = upgraded(&mut s);
    s.run_for(Time::from_secs(4));
    assert!(s.server().room(ROOM).is_some());
    enters(&mut s, "g1", G1, Some(&id));
    assert!(s.view("g1").is_moderator());
    s.finish();

    let mut s = secure().start();
    upgraded(&mut s);
    s.run_for(Time::from_secs(14));
    assert!(s.server().room(ROOM).is_some());
    s.run_for(Time::from_secs(2));
    assert!(s.server().room(ROOM).is_none());
    assert_eq!(s.focus().gauges().conferences, 0);
    s.finish();
}

/// As people do it, with participants that act like lib-jitsi-meet.
///
/// Covers spec/90: 99.
#[test]
fn guests_wait_for_the_host_who_leads_again_after_a_reload() {
    for builder in [secure(), secure().component()] {
        let mut s = builder
            .bridge("jvb1")
            .participant_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into())
            .participant_with("carol", |carol| carol.jid = "carol@guest.meet.test/r1".into())
            .start();
        s.run_for(Time::from_secs(12));
        for name in ["bob", "carol"] {
            assert_eq!((s.view(name).place(), s.view(name).login().told_to_wait), (Place::Requesting, 3));
        }
        s.logs_in("bob", HOST);
        s.run_until(Scenario::all_connected);
        assert!(s.view("bob").is_moderator() && !s.view("carol").is_moderator());

        s.reloads("bob", "bob-again@guest.meet.test/r1");
        s.run_until(Scenario::all_connected);
        assert_eq!(grants(&s, ROOM), ["bob@guest.meet.test", "bob-again@guest.meet.test"]);
        assert!(s.view("bob").is_moderator());
        s.finish();
    }
}

#[test]
fn a_guest_who_is_in_the_room_logs_in_and_leads_at_once() {
    let mut s = secure().bridge("jvb1").participant("host").start();
    s.joins_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into());
    s.run_until(Scenario::all_connected);
    assert_eq!(grants(&s, ROOM), ["host@meet.test"]);
    s.logs_in("bob", HOST);
    s.settle();
    assert_eq!(grants(&s, ROOM), ["host@meet.test", "bob@guest.meet.test"]);
    assert!(s.view("bob").is_moderator());
    s.finish();
}

#[test]
fn after_a_restart_of_the_focus_a_client_drops_its_session_and_asks_again() {
    let mut s = secure().bridge("jvb1").participant("host").start();
    s.run_for(Time::from_secs(3));
    let first = s.view("host").login().session_id.clone();
    assert!(first.is_some() && s.view("host").is_moderator());
    s.focus_is_replaced();
    s.participant("host").leave();
    s.settle();
    s.joins_with("host", |host| host.session_id = first.clone());
    s.run_for(Time::from_secs(3));
    assert_eq!(s.view("host").place(), Place::InRoom);
    assert!(s.view("host").login().session_id.is_some() && s.view("host").login().session_id != first);
    s.finish();
}

#[test]
fn one_who_has_anothers_session_id_is_not_taken_for_him() {
    let mut s = secure().bridge("jvb1").participant("host").start();
    s.settle();
    let stolen = s.view("host").login().session_id.clone();
    s.joins_with("thief", |thief| {
        thief.jid = "thief@guest.meet.test/r1".into();
        thief.session_id = stolen;
    });
    s.run_until(Scenario::all_connected);
    assert_eq!(grants(&s, ROOM), ["host@meet.test"]);
    assert_eq!((s.view("thief").login().session_id.as_ref(), s.view("thief").login().identity.as_ref()), (None, None));
    s.finish();
}

#[test]
fn without_auto_login_whoever_comes_back_logs_in_again() {
    let mut s = secure()
        .config(|config: &mut Config| config.authentication.enable_auto_login = false)
        .bridge("jvb1")
        .participant_with("bob", |bob| bob.jid = "bob@guest.meet.test/r1".into())
        .start();
    s.logs_in("bob", HOST);
    s.settle();
    assert!(s.view("bob").is_moderator());
    // The connection that logged in asked, too, and is waited for no more.
    s.run_for(Time::from_secs(16));
    s.participant("bob").leave();
    s.settle();
    s.reloads("bob", "bob@guest.meet.test/r2");
    s.run_for(Time::from_secs(4));
    assert_eq!((s.view("bob").place(), s.view("bob").login().session_id.as_ref()), (Place::Requesting, None));
    assert!(s.view("bob").login().told_to_wait > 0);
    s.logs_in("bob", HOST);
    s.settle();
    assert_eq!(s.view("bob").place(), Place::InRoom);
    let asked = s.log().from("bob").request("conference").last();
    assert!(asked.stanza.kid("conference", ns::FOCUS).unwrap().get("session-id").is_some());
    s.finish();
}
