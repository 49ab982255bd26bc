//! Who leads the conference.

use log::Level;
use testkit::Time;
use testkit::logs::{Line, keep_lines, take_lines};
use testkit::ns;
use testkit::participant::Place;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::{Read, parse};

use crate::support::*;

fn in_room(s: &Scenario, names: &[&str]) -> bool {
    names.iter().all(|name| s.view(name).place() == Place::InRoom)
}

fn enter(s: &mut Scenario, name: &str) {
    s.joins(name);
    s.settle();
    assert!(in_room(s, &[name]));
}

/// Covers spec/20: 22; spec/90: 98, 100.
#[test]
fn the_first_who_is_no_gateway_is_made_owner_and_then_the_next() {
    let mut s = Scenario::new()
        .config(|config| config.xmpp.trusted_domains = vec!["hidden.meet.test".into()])
        .bridge("jvb1")
        .participant_with("gateway", |gateway| {
            gateway.jid = "gateway@hidden.meet.test/sip".into();
            let xml = format!(
                "<features xmlns='{}'><feature var='http://jitsi.org/protocol/jigasi'/></features>",
                ns::CLIENT
            );
            gateway.more_presence.push(parse(&xml).unwrap());
        })
        .start();
    s.settle();
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
    enter(&mut s, "bob");
    assert_eq!(grants(&s, ROOM), ["bob@meet.test"]);
    enter(&mut s, "carol");
    assert_eq!(grants(&s, ROOM), ["bob@meet.test"]);
    assert!(s.view("bob").is_moderator() && !s.view("carol").is_moderator());
    s.participant("bob").leave();
    s.settle();
    assert_eq!(grants(&s, ROOM), ["bob@meet.test", "carol@meet.test"]);
    assert!(s.view("carol").is_moderator());
    s.finish();
}

/// Covers spec/20: 23.
#[test]
fn an_owner_who_is_there_is_enough_and_a_refused_grant_is_tried_again_with_the_next_who_comes() {
    // Made owner by its token, in the room before this focus.
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.settle();
    let now = s.now();
    s.server().grant(now, ROOM, "bob@meet.test", "owner");
    s.focus_is_replaced();
    let before = s.said().count();
    enter(&mut s, "carol");
    let granted = s.said().iter().skip(before).filter(|wire| wire.stanza.kid("query", ns::MUC_ADMIN).is_some()).count();
    assert_eq!(granted, 0);
    // A room that refuses.
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    let refused = |s: &Scenario| {
        let grant = said_to(s, ROOM).filter(|wire| wire.stanza.kid("query", ns::MUC_ADMIN).is_some()).last();
        format!(
            "<iq type='error' id='{}' from='{ROOM}' to='{FOCUS}'><error type='cancel'><not-allowed xmlns='{}'/></error></iq>",
            grant.stanza.get("id").unwrap(),
            ns::STANZA_ERRORS
        )
    };
    let shown = |nick: &str| {
        format!(
            "<presence from='{ROOM}/{nick}' to='{FOCUS}'><x xmlns='{}'><item affiliation='none' role='participant' \
             jid='{nick}@meet.test/web'/></x></presence>",
            ns::MUC_USER
        )
    };
    // The room's own answer to the grant is lost, so that the refusal is the one.
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("type") == Some("result") && d.from == "server");
    to_focus(&mut s, &shown("x"));
    assert_eq!(grants(&s, ROOM), ["x@meet.test"]);
    let refusal = refused(&s);
    to_focus(&mut s, &refusal);
    to_focus(&mut s, &shown("x"));
    assert_eq!(grants(&s, ROOM).len(), 1, "a presence of one who is there is no reason to try again");
    to_focus(&mut s, &shown("y"));
    assert_eq!(grants(&s, ROOM), ["x@meet.test", "x@meet.test"], "the one who is there longest");
}

/// Covers spec/20: 25.
#[test]
fn a_grant_without_an_answer_holds_up_nothing() {
    let mut s = Scenario::new().bridge("jvb1").start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.stanza.name() == "iq" && d.stanza.get("from") == Some(ROOM));
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    assert!(s.now() < Time::from_secs(5));
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
    keep_lines();
    s.run_for(Time::from_secs(20));
    let warned = logged("WARN could not make room@conference.meet.test/alice owner");
    assert_eq!(warned.len(), 1, "{warned:?}");
    s.participant("alice").leave();
    s.settle();
    assert_eq!(grants(&s, ROOM), ["alice@meet.test", "bob@meet.test"], "other grants go on");
    s.finish();
}

/// Covers spec/20: 28.
#[test]
fn a_participant_stays_one_and_may_become_owner() {
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    let shown = |nick: &str, affiliation: &str, role: &str, kind: &str| {
        format!(
            "<presence {kind} from='{ROOM}/{nick}' to='{FOCUS}'><x xmlns='{}'><item affiliation='{affiliation}' \
             role='{role}' jid='{nick}@meet.test/web'/></x></presence>",
            ns::MUC_USER
        )
    };
    to_focus(&mut s, &shown("first", "none", "participant", ""));
    to_focus(&mut s, &shown("second", "none", "participant", ""));
    // Not taken for a visitor, so it may lead.
    keep_lines();
    to_focus(&mut s, &shown("second", "none", "visitor", ""));
    let lines = take_lines();
    let warned = |line: &&Line| line.level == Level::Warn && line.about("participant") == Some("second");
    let warnings: Vec<&str> = lines.iter().filter(warned).map(|line| line.message.as_str()).collect();
    assert_eq!(warnings.len(), 1, "{lines:#?}");
    assert!(warnings[0].ends_with("second went from Participant to Visitor: ignored"), "{warnings:?}");
    to_focus(&mut s, &shown("first", "none", "none", "type='unavailable'"));
    assert_eq!(grants(&s, ROOM), ["first@meet.test", "second@meet.test"]);
    // One who became owner by other means needs no grant when the one we made has left.
    to_focus(&mut s, &shown("third", "none", "participant", ""));
    to_focus(&mut s, &shown("third", "owner", "moderator", ""));
    to_focus(&mut s, &shown("second", "none", "none", "type='unavailable'"));
    assert_eq!(grants(&s, ROOM).len(), 2);
}

#[test]
fn visitors_and_those_whose_address_is_hidden_are_never_made_owner() {
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    for (nick, role, jid) in [("v", "visitor", "jid='v@meet.test/web'"), ("h", "participant", "")] {
        to_focus(
            &mut s,
            &format!(
                "<presence from='{ROOM}/{nick}' to='{FOCUS}'><x xmlns='{}'><item affiliation='none' role='{role}' \
                 {jid}/></x></presence>",
                ns::MUC_USER
            ),
        );
    }
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
}

#[test]
fn without_auto_owner_nobody_is_made_owner() {
    let mut s = Scenario::new()
        .config(|config| config.conference.enable_auto_owner = false)
        .bridge("jvb1")
        .participant("alice")
        .participant("bob")
        .start();
    s.run_until(Scenario::all_connected);
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
    s.finish();
}

/// Covers spec/20: 46.
#[test]
fn nobody_is_made_owner_where_all_leave_together() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").participant("carol").start();
    s.run_until(Scenario::all_connected);
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
    // What the room says of somebody without a presence changes nothing.
    s.early(&format!(
        "<message xmlns='jabber:client' from='{ROOM}' to='focus@auth.meet.test/focus'>\
         <x xmlns='{}'><item affiliation='none' jid='alice@meet.test' role='none'/></x></message>",
        ns::MUC_USER
    ));
    for name in ["alice", "bob", "carol"] {
        s.participant(name).leave();
        s.run_for(Time::from_millis(20));
    }
    s.settle();
    assert_eq!(grants(&s, ROOM), ["alice@meet.test"]);
    s.finish();
}
