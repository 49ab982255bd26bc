//! What is answered to a conference request, and what lib-jitsi-meet makes of it (spec/10 §11).

use super::{Participant, Place, Settings};
use crate::Time;
use crate::ns;
use crate::xml::{Read, parse};

const ROOM: &str = "room@conference.meet.test";

/// One who has just asked, with a session from before or without.
fn asking(session: Option<&str>) -> Participant {
    let mut settings = Settings::new("alice", ROOM, "focus.meet.test");
    settings.session_id = session.map(str::to_owned);
    let mut alice = Participant::new(settings);
    alice.request_conference();
    alice
}

/// Answers its last request; the session that it had sent.
fn answer(alice: &mut Participant, kind: &str, content: &str) -> Option<String> {
    let request = std::iter::from_fn(|| alice.poll_output()).last().expect("a request");
    let id = request.get("id").expect("an id");
    let iq = format!("<iq type='{kind}' id='{id}' from='focus.meet.test'>{content}</iq>");
    alice.handle(alice.now, &parse(&iq).expect("XML"));
    request.kid("conference", ns::FOCUS).and_then(|it| it.get("session-id")).map(str::to_owned)
}

fn ready(attributes: &str, properties: &[(&str, &str)]) -> String {
    let properties: String =
        properties.iter().map(|(name, value)| format!("<property name='{name}' value='{value}'/>")).collect();
    format!(
        "<conference xmlns='{}' room='{ROOM}' focusjid='focus@auth.meet.test' ready='true' {attributes}>{properties}\
         </conference>",
        ns::FOCUS
    )
}

fn error(condition: &str, more: &str) -> String {
    format!("<error type='modify'><{condition} xmlns='{}'/>{more}</error>", ns::STANZA_ERRORS)
}

const ON: &[(&str, &str)] = &[("authentication", "true"), ("externalAuth", "false")];

#[test]
fn an_answer_that_contradicts_itself_is_complained_of() {
    for (sent, attributes, properties, complaint) in [
        (None, "", &[][..], "authentication is None"),
        (None, "", &[("authentication", "yes")], "authentication is Some(\"yes\")"),
        (None, "", &[("authentication", "true")], "externalAuth comes with authentication"),
        (None, "", &[("authentication", "false"), ("externalAuth", "false")], "externalAuth comes with authentication"),
        (None, "session-id='s'", ON, "a session without an account"),
        (None, "identity='a@meet.test'", ON, "a session without an account"),
        (None, "session-id='s' identity='a@meet.test/full'", ON, "a session without an account"),
        (Some("s"), "session-id='t' identity='a@meet.test'", ON, "answered with another or none"),
        (Some("s"), "", ON, "answered with another or none"),
    ] {
        let mut alice = asking(sent);
        assert_eq!(answer(&mut alice, "result", &ready(attributes, properties)).as_deref(), sent);
        let said = alice.take_violations();
        assert!(said.iter().any(|it| it.text.contains(complaint)), "{attributes} {properties:?}: {said:?}");
    }
    let mut alice = asking(Some("s"));
    answer(&mut alice, "result", &ready("session-id='s' identity='a@meet.test'", ON));
    assert!(alice.take_violations().is_empty());
    assert_eq!(alice.login().identity.as_deref(), Some("a@meet.test"));
}

#[test]
fn whoever_is_told_to_log_in_asks_again_every_five_seconds() {
    let mut alice = asking(None);
    for round in 1..=3u32 {
        answer(&mut alice, "error", &error("not-authorized", ""));
        assert_eq!((alice.login().told_to_wait, alice.place()), (round, Place::Requesting));
        let at = alice.now + Time::from_secs(5);
        assert_eq!(alice.poll_timeout(), Some(at));
        alice.handle_timeout(at);
    }
    assert!(alice.refusals().is_empty());
}

#[test]
fn a_session_that_is_refused_is_forgotten_and_the_seventh_in_a_row_is_too_much() {
    let mut alice = asking(Some("s"));
    let invalid = error("not-acceptable", "<session-invalid xmlns='http://jitsi.org/protocol/focus'/>");
    assert_eq!(answer(&mut alice, "error", &invalid).as_deref(), Some("s"));
    let mut waits = Vec::new();
    for _ in 0..6 {
        let at = alice.poll_timeout().expect("it asks again");
        waits.push((at - alice.now).as_secs());
        alice.handle_timeout(at);
        assert_eq!(answer(&mut alice, "error", &invalid), None, "without the session");
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32]);
    assert_eq!((alice.place(), alice.refusals().len()), (Place::Outside, 1));
}

#[test]
fn anything_else_is_final() {
    let mut alice = asking(None);
    answer(&mut alice, "error", &error("service-unavailable", ""));
    assert_eq!((alice.place(), alice.refusals().len()), (Place::Outside, 1));
}
