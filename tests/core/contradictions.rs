//! What must always hold in the core's state (docs/SIMULATION.md) is looked at after each input of a simulated life. Here each
//! of it is made wrong, and has to be found.

use jicofo::focus::Connection;
use jicofo::focus::conference::Flaw;
use jicofo::focus::flaws::Stray;
use jicofo::wire::sm::{Incoming, read_stanza};
use testkit::Time;
use testkit::scenario::Scenario;

use crate::bridges_support::*;
use crate::support::*;

/// One of p and q on each of two bridges, with nothing under way.
fn settled() -> Scenario {
    let mut s = linked(&["a", "b"]).start();
    s.joins_with("p", |p| p.region = Some("a".into()));
    s.joins_with("q", |p| p.region = Some("b".into()));
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.focus().audit(), Vec::<String>::new());
    s
}

fn is_found(s: &Scenario, flaw: &str, words: &str) {
    let wrong = s.focus().audit();
    assert!(wrong.iter().any(|text| text.contains(words)), "{flaw}, «{words}»: {wrong:#?}");
}

#[test]
fn whatever_contradicts_itself_in_a_conference_is_found() {
    let flaws = [
        (Flaw::Ended, "has ended and is there"),
        (Flaw::Empty, "nobody is in it, and nothing will end it"),
        (Flaw::AudioSender, "audio senders are"),
        (Flaw::VideoSender, "video senders are"),
        (Flaw::Participation, "2 participants are 1"),
        (Flaw::Participation, "p is no participant and has an endpoint"),
        (Flaw::Participation, "sources of p, who has no session"),
        (Flaw::Participation, "p is told of sources, and has no session"),
        (Flaw::Member, "is nobody's"),
        (Flaw::Member, "endpoints on "),
        (Flaw::Alone, "one is alone in it, and nothing will end his session"),
        (Flaw::Reserved, "sources are kept for p, who has left"),
        (Flaw::SessionOfNobody, "session nobody is nobody's"),
        (Flaw::SecondSession, "has two sessions"),
        (Flaw::SessionIndex, "the session of p cannot be found"),
        (Flaw::Session, "p has no session or no endpoint, and nothing is done about it"),
        (Flaw::Endpoint, "p has no session or no endpoint, and nothing is done about it"),
        (Flaw::Endpoint, "endpoints on "),
        (Flaw::AwaitsBridge, "p waits for a bridge, and nobody seeks one"),
        (Flaw::AwaitsMove, "p is to be moved, and nobody will"),
        (Flaw::AwaitsAnswer, "waits for an answer that nobody waits for"),
        (Flaw::Flush, "whether p is about to be told of sources is not what its timer says"),
        (Flaw::HeldBack, "p is held back for ever"),
        (Flaw::LimitsRest, "nobody looks at the limits of senders any more"),
        (Flaw::VisitorsRest, "nobody says any more how many visitors there are"),
        (Flaw::Features, "nobody asks what"),
        (Flaw::Wants, "on all bridges are"),
        (Flaw::Load, "was told of a load of"),
        (Flaw::Load, "is believed to carry"),
        (Flaw::Links, "are linked, but there are"),
    ];
    for (flaw, words) in flaws {
        let mut s = settled();
        s.spoil(ROOM, flaw);
        is_found(&s, &format!("{flaw:?}"), words);
    }
}

#[test]
fn whatever_contradicts_itself_beside_conferences_is_found() {
    let strays = [
        (Stray::Room, "cannot be found by its room"),
        (Stray::EndpointCount, "is believed to have"),
        (Stray::BridgeUsers, "users of bridges are {}"),
        (Stray::Address, "who is where by his address is not what members show"),
        (Stray::Meeting, "has ended, and is known yet"),
        (Stray::Deadline, "no end of waiting for Pinged"),
        (Stray::Deadline, "deadlines run"),
        (Stray::Conference, "nobody is there for the answer to RoomReread"),
        (Stray::Member, "nobody is there for the answer to Offered"),
        (Stray::BridgeSession, "the session is over to which an answer is awaited"),
        (Stray::Timer, "a timer of a conference that has ended"),
        (Stray::ConferenceCount, "2 conferences came and 0 went, and 1 are there"),
        (Stray::ParticipantCount, "3 participants came and 0 went, and 2 are there"),
        (Stray::Departure, "nobody leaves the rooms of"),
    ];
    for (stray, words) in strays {
        let mut s = settled();
        s.lead_astray(ROOM, stray);
        is_found(&s, &format!("{stray:?}"), words);
    }
}

/// While somebody comes, the focus waits for one answer after the other.
#[test]
fn what_nobody_waits_for_any_more_is_found_while_somebody_comes() {
    let lost = [
        (Stray::Requests, "is being made owner, and nobody waits for the answer"),
        (Stray::Requests, "waits for an answer that nobody waits for"),
        (Stray::Features, "nobody asks what"),
    ];
    for (stray, words) in lost {
        let comes = |long: u64| {
            let late = Time::from_millis(20);
            let people = Scenario::new().latency(late, late).bridge("jvb1").participant("alice").participant("bob");
            let mut s = people.start();
            s.run_for(Time::from_millis(long));
            assert_eq!(s.focus().audit(), Vec::<String>::new());
            s.lead_astray(ROOM, stray);
            s.focus().audit()
        };
        let found = (0..1500).step_by(10).any(|long| comes(long).iter().any(|text| text.contains(words)));
        assert!(found, "{stray:?}, «{words}»");
    }
}

/// Nothing in rooms is asked of somebody who is not there.
#[test]
fn what_is_asked_of_nobody_is_found() {
    let s = settled();
    let wrong = |to: &str| {
        let text = format!("<iq xmlns='jabber:client' type='get' id='1' to='{to}'><ping xmlns='urn:xmpp:ping'/></iq>");
        let Ok(Incoming::Stanza(stanza)) = read_stanza(&text) else { panic!("a stanza: {text}") };
        s.focus().audit_output(Connection::Client, &stanza)
    };
    assert_eq!(wrong(&format!("{ROOM}/p")), None);
    assert_eq!(wrong(&format!("{ROOM}/r")).as_deref(), Some("a request to r, who is not in the room"));
    let nowhere = wrong("nowhere@conference.meet.test/p").expect("wrong");
    assert!(nowhere.contains("into a room without a conference"), "{nowhere}");
}
