//! What stood still, was lost or came out of turn in the original when much happened at once: rooms, connections and people
//! that say nothing while everything else goes on, and those that come back before they have quite gone.

use serde_json::json;
use testkit::participant::Place;
use testkit::participant::media::desktop;
use testkit::participant::profile::Profile;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::{Read, bare, el};
use testkit::{Time, ns};

use crate::support::*;

fn home(number: usize) -> String {
    format!("home{number}@conference.meet.test")
}

/// A presence as the room sends it: of an ordinary participant, with these children.
fn shown(nick: &str, kind: &str, children: &str) -> String {
    format!(
        "<presence from='{ROOM}/{nick}' to='{FOCUS}' {kind}>{children}<x xmlns='{}'><item affiliation='none' \
         role='participant' jid='{nick}@meet.test/web'/></x></presence>",
        ns::MUC_USER
    )
}

/// Rooms are destroyed, left and asked for all at once, and whatever is on its way crosses whatever else is.
///
/// Covers spec/90: 2.
#[test]
fn requests_that_come_while_their_conferences_end_are_all_answered() {
    let mut s = Scenario::new().seed(3).latency(Time::from_millis(1), Time::from_millis(40)).bridge("jvb1").start();
    let rooms = 12;
    let name = |who: &str, number: usize| format!("{who}{number}");
    for number in 0..rooms {
        for who in ["a", "b"] {
            s.joins_with(&name(who, number), |settings| settings.room = home(number));
        }
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    for number in 0..rooms {
        let now = s.now();
        match number % 3 {
            0 => s.server().destroy(now, &home(number), "over"),
            1 => ["a", "b"].iter().for_each(|who| s.participant(&name(who, number)).leave()),
            // Nobody is left but one who asks again: a conference that goes on.
            _ => s.participant(&name("b", number)).leave(),
        }
        for who in ["c", "d"] {
            s.joins_with(&name(who, number), |settings| settings.room = home(number));
        }
        s.run_for(Time::from_millis(3));
    }
    s.settle();
    // Whoever was told that the focus is there, and found it gone when it came, loads its page again.
    for number in 0..rooms {
        for who in ["c", "d"] {
            let name = name(who, number);
            let refused = !s.participant(&name).take_refusals().is_empty();
            if refused || !s.view(&name).occupants().contains_key("focus") {
                s.participant(&name).leave();
                s.joins_with(&name, |settings| settings.room = home(number));
            }
        }
    }
    let served = |s: &Scenario| (0..rooms).all(|number| s.connected(&[&name("c", number), &name("d", number)]));
    s.run_until(served);
    s.settle();
    assert_eq!(s.server().unanswered("focus"), Vec::<String>::new());
    for number in 0..rooms {
        for who in ["c", "d"] {
            let asked = s.sent_by(&name(who, number)).to("focus").request("conference").count();
            let answered = s.sent_to(&name(who, number)).results().containing("<conference").count();
            assert_eq!(answered, asked, "{who}{number}");
        }
    }
    s.finish();
}

/// Everybody is told of moderation, people come and go, others want to be recorded: in the same instant.
///
/// Covers spec/90: 9.
#[test]
fn members_who_come_go_and_want_a_recorder_while_all_are_told_something_are_served() {
    let mut s =
        (0..10).fold(Scenario::new().bridge("jvb1"), |builder, n| builder.participant(&format!("p{n}"))).start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = s.now();
    let focus = s.view("p0").focus_occupant();
    s.participant("p0").moderate("audio", true);
    for number in 1..4 {
        s.participant(&format!("p{number}")).leave();
        s.joins(&format!("n{number}"));
    }
    for number in 4..10 {
        let jibri =
            el("jibri", "http://jitsi.org/protocol/jibri").attr("action", "start").attr("recording_mode", "file");
        s.participant(&format!("p{number}")).send_iq("set", &focus, jibri.done());
        s.participant(&format!("p{number}")).add_source(desktop());
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    for number in 4..10 {
        let name = format!("p{number}");
        let about_it = |wire: &testkit::wire_log::Wire| wire.is_answer() && wire.from == "focus";
        let answers = s.sent_to(&name).since(before).filter(about_it).count();
        assert_eq!(answers, 2, "{name} asked for a recorder and added a source");
        assert_eq!(s.participant(&name).take_refusals().iter().filter(|it| it.request != "jibri").count(), 0);
    }
    s.check();
    s.finish();
}

/// Everything is set up anew, and one of many rooms never lets the focus in again.
///
/// Covers spec/90: 18.
#[test]
fn after_a_lost_connection_many_conferences_come_back_at_once_though_one_room_says_nothing() {
    let rooms = 30;
    let mut s = Scenario::new().bridge("jvb1").start();
    for number in 0..rooms {
        for who in ["a", "b"] {
            s.joins_with(&format!("{who}{number}"), |settings| settings.room = home(number));
        }
    }
    s.run_until(Scenario::all_connected);
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(6));
    let silent = |d: &Delivery| d.to == "focus" && d.stanza.get("from").is_some_and(|from| bare(from) == home(0));
    s.accident(1_000, Fate::IsLost, silent);
    let before = s.said().count();
    s.focus_logs_in_anew();
    for number in 0..rooms {
        s.joins_with(&format!("c{number}"), |settings| settings.room = home(number));
    }
    s.run_for(Time::from_millis(1_000));
    let answered = |s: &Scenario, number: usize| s.view(&format!("c{number}")).conference_answers().len();
    assert!((1..rooms).all(|number| answered(&s, number) == 1), "nobody waits for another room");
    // Bridges have what the old session left on them: it is expired first.
    s.run_until(|s| (1..rooms).all(|number| s.connected(&[&format!("c{number}")])));
    assert!(s.view("c0").conference_answers().is_empty());
    let entered = |room: &str| {
        let join = |wire: &testkit::wire_log::Wire| wire.stanza.kid("x", ns::MUC).is_some();
        s.said().iter().skip(before).filter(|wire| join(wire) && wire.stanza.get("to").map(bare) == Some(room)).count()
    };
    assert_eq!(entered("jvbbrewery@internal.auth.meet.test"), 1);
    assert!((0..rooms).all(|number| entered(&home(number)) == 1), "each once, in one go");
}

/// No client confirms its offer and the room never confirms its owners: in a busy room, and while the focus leaves one that it
/// is not in yet.
///
/// Covers spec/90: 20.
#[test]
fn offers_and_grants_that_nobody_answers_and_a_leave_before_the_join_hold_up_nothing() {
    let mut s = Scenario::new().bridge("jvb1").start();
    let confirms = |d: &Delivery| {
        let result = d.to == "focus" && d.stanza.name() == "iq" && d.stanza.get("type") == Some("result");
        result && d.stanza.children().next().is_none() && d.stanza.get("from").is_some_and(|from| bare(from) == ROOM)
    };
    // The room's answer to our form is one of these, too: it comes first.
    s.joins("p0");
    s.run_until(|s| s.view("p0").place() == Place::InRoom);
    s.accident(10_000, Fate::IsLost, confirms);
    for number in 1..12 {
        s.joins(&format!("p{number}"));
        s.run_for(Time::from_millis(100));
    }
    let all: Vec<String> = (0..12).map(|number| format!("p{number}")).collect();
    assert!(all.iter().all(|name| s.connected(&[name])), "whoever accepts has its session");
    let now = s.now();
    s.participant("p3").add_source(desktop());
    s.run_for(Time::from_millis(10));
    let told = all.iter().filter(|name| s.sent_to(name).since(now).jingle("source-add").count() == 1).count();
    assert_eq!(told, 11);
    // Longer than anybody waits for an answer.
    s.run_for(Time::from_secs(60));
    assert!(s.all_connected());
    // One more room, whose presence to us is lost: the focus stops before it is in, and says so in order.
    s.accident(100, Fate::IsLost, |d| {
        d.to == "focus"
            && d.stanza.name() == "presence"
            && d.stanza.get("from").map(bare) == Some("other@conference.meet.test")
    });
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    ask(&mut s, "g", "one", "other@conference.meet.test");
    s.settle();
    assert!(answers(&s, "g", "one").is_empty());
    s.stop_focus();
    s.settle();
    assert_eq!(of_conference(&only(&s, "g", "one"), "ready"), Some("false"));
    assert_eq!((leaves(&s, "other@conference.meet.test").count(), leaves(&s, ROOM).count()), (1, 1));
    assert_eq!(s.focus().gauges().conferences, 0);
}

/// A room's metadata does not come. Other rooms do not wait for it, and who comes meanwhile is remembered, in the order in
/// which they came and as they were last; who has gone again is not.
///
/// Covers spec/90: 22.
#[test]
fn a_room_that_waits_for_its_metadata_holds_up_no_other_and_forgets_nobody_who_came() {
    let mut s = Scenario::new().server(|server| server.presets = true).start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    ask(&mut s, "g", "waits", ROOM);
    s.run_for(Time::from_secs(1));
    for nick in ["first", "second", "third"] {
        to_focus(&mut s, &shown(nick, "", ""));
    }
    to_focus(&mut s, &shown("second", "type='unavailable'", ""));
    for number in 0..5 {
        let id = format!("other{number}");
        ask(&mut s, "g", &id, &home(number));
        let now = s.now();
        s.server().send_metadata(now, "focus", &home(number), &json!({}));
        s.run_for(Time::from_millis(100));
        assert_eq!(of_conference(&only(&s, "g", &id), "ready"), Some("true"), "{number}");
    }
    assert!(answers(&s, "g", "waits").is_empty());
    let asked = |s: &Scenario| -> Vec<String> {
        let questions = s.said().filter(|wire| outline(wire) == "iq get disco#info");
        let to = questions.iter().filter_map(|wire| wire.stanza.get("to").map(str::to_owned));
        to.filter_map(|to| to.strip_prefix(&format!("{ROOM}/")).map(str::to_owned)).collect()
    };
    assert_eq!((asked(&s), s.focus().gauges().members), (vec![], 0));
    s.run_for(Time::from_secs(10));
    assert_eq!(of_conference(&only(&s, "g", "waits"), "ready"), Some("true"));
    assert_eq!((asked(&s), s.focus().gauges().members), (vec!["first".to_owned(), "third".to_owned()], 2));
}

/// People with capabilities that nobody had before, or none, come and go without end: what is remembered is bounded, and what
/// was asked of whom has gone is forgotten.
///
/// Covers spec/90: 27.
#[test]
fn capabilities_of_all_who_ever_came_are_not_remembered_for_ever() {
    let mut s = Scenario::new().start();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    answer_to(&mut s, "g", ROOM);
    // The kit's room does not know them, and would answer in their place.
    s.accident(usize::MAX, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("type") == Some("error"));
    to_focus(&mut s, &shown("host", "", ""));
    // Comes with capabilities of its own, says what they are if it is asked, and leaves: whether it was asked.
    let comes = |s: &mut Scenario, number: usize, who: &str| {
        let profile = Profile::current().with(format!("urn:example:{number}").leak());
        let (node, ver) = ("https://example.org", profile.ver());
        let caps = format!("<c xmlns='{}' hash='sha-1' node='{node}' ver='{ver}'/>", ns::CAPS);
        let before = s.said().count();
        to_focus(s, &shown(who, "", &caps));
        let question = s.said().iter().skip(before).find(|wire| outline(wire) == "iq get disco#info").cloned();
        if let Some(question) = &question {
            let id = question.stanza.get("id").expect("an id");
            let features: String = profile.features.iter().map(|var| format!("<feature var='{var}'/>")).collect();
            let query = format!("<query xmlns='{}' node='{node}#{ver}'>{features}</query>", ns::DISCO_INFO);
            to_focus(s, &format!("<iq type='result' id='{id}' from='{ROOM}/{who}' to='{FOCUS}'>{query}</iq>"));
        }
        to_focus(s, &shown(who, "type='unavailable'", ""));
        question.is_some()
    };
    assert!(comes(&mut s, 0, "one") && !comes(&mut s, 0, "two"), "one speaks for all with this hash");
    assert!((1..=1_000).all(|number| comes(&mut s, number, &format!("p{number}"))));
    assert!(!comes(&mut s, 1_000, "late"), "remembered");
    assert!(comes(&mut s, 0, "three"), "forgotten for one of the thousand that came after it");
    // Without capabilities, and gone before they say anything.
    s.server().take_violations();
    for number in 0..200 {
        to_focus(&mut s, &shown(&format!("q{number}"), "", ""));
        to_focus(&mut s, &shown(&format!("q{number}"), "type='unavailable'", ""));
    }
    let after = s.focus().gauges();
    assert!(after.members == 1 && after.requests_pending < 10 && after.timers < 10, "{after:?}");
    assert_eq!(s.focus().audit(), Vec::<String>::new());
}

/// Everybody leaves just after the focus has shown something, and the next ask before any of that is confirmed: what the room
/// still echoes of the earlier stay is not taken for the new one, and the focus has left before it comes again.
///
/// Covers spec/90: 34, 38.
#[test]
fn a_conference_that_begins_while_the_one_before_it_is_being_left_is_another_stay_in_the_room() {
    for pause in [0, 5, 20, 40, 60, 100] {
        let mut s = Scenario::new()
            .latency(Time::from_millis(20), Time::ZERO)
            .bridge("jvb1")
            .participant("alice")
            .participant("bob")
            .start();
        // The first endpoint makes the focus show that there is a bridge: a presence, whose echo is 40 ms away.
        s.run_until(|s| s.said().presence().containing("bridge-count").count() > 0);
        s.participant("alice").leave();
        s.participant("bob").leave();
        s.run_for(Time::from_millis(pause));
        s.joins("carol");
        s.joins("dave");
        s.run_until(|s| s.connected(&["carol", "dave"]));
        s.settle();
        let stays: Vec<bool> = own_presences(&s, ROOM)
            .filter(|wire| wire.stanza.get("type").is_some() || wire.stanza.kid("x", ns::MUC).is_some())
            .iter()
            .map(|wire| wire.stanza.get("type").is_none())
            .collect();
        assert!(stays == [true, false, true] || stays == [true], "{pause} ms: {stays:?}");
        assert!(s.view("carol").occupants().contains_key("focus"), "{pause} ms");
        let twice = s.sent_to("focus").containing("conflict").count();
        assert_eq!(twice, 0, "{pause} ms");
        s.everybody_leaves();
        assert_eq!(s.focus().gauges().conferences, 0, "{pause} ms");
        assert_eq!(s.server().room(ROOM).map(|room| room.occupants.len()), None, "{pause} ms");
    }
}

/// Whoever was in the room before the focus is in the conference from the first moment, and keeps it.
///
/// Covers spec/90: 55.
#[test]
fn a_conference_with_people_in_it_outlives_the_time_that_an_empty_one_is_given() {
    let timeout = Time::from_secs(15);
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    // Nobody comes after the focus: they are there.
    s.focus_is_replaced();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    ask(&mut s, "g", "one", ROOM);
    s.run_for(timeout * 4);
    assert_eq!(s.focus().gauges().members, 2);
    assert!(s.connected(&["alice", "bob"]));
    assert_eq!((s.focus().gauges().conferences, leaves(&s, ROOM).count()), (1, 0));
    // Somebody comes in the very moment that nobody has come.
    let other = "other@conference.meet.test";
    let asked = s.now();
    ask(&mut s, "g", "two", other);
    s.run_for(timeout - Time::from_millis(1));
    let presence = shown("m", "", "").replace(ROOM, other);
    s.run_for(asked + timeout - s.now() - Time::from_micros(1));
    let now = s.now();
    s.server().send(now + Time::from_micros(1), "focus", testkit::xml::parse(&presence).expect("XML"));
    s.run_for(timeout * 2);
    assert_eq!((s.focus().gauges().conferences, leaves(&s, other).count()), (2, 0));
}
