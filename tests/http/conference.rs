//! Requests for conferences.

use jicofo::config::{AuthenticationType, Config};
use serde_json::{Value, json};
use testkit::http::Request;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use crate::support::*;

const PATH: &str = "/conference-request/v1";

fn secured(config: &mut Config) {
    config.authentication.kind = AuthenticationType::Xmpp;
    config.authentication.login_url = Some("meet.test".into());
}

/// Covers spec/80: 16, 18; spec/10: 27.
#[test]
fn a_request_is_answered_when_the_focus_is_in_the_room() {
    const OTHER: &str = "other@conference.meet.test";
    let (mut s, mut api) = started(Scenario::new().bridge("jvb1"));
    let asked = json!({"room": ROOM, "machineUid": "m", "unknown": {"x": [1]}, "ready": false,
        "properties": {"rtcstatsEnabled": false, "visitors-version": 1, "visitor": true}});
    let answer = api.post(&mut s, PATH, &asked.to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let expected = json!({"room": ROOM, "ready": true, "focusJid": "focus@auth.meet.test",
        "properties": {"visitors-supported": "false", "authentication": "false"}});
    assert_eq!(answer.json(), expected);
    assert_eq!((s.focus().gauges().conferences, s.focus().metrics().conferences_created), (1, 1));
    // The one that there is.
    assert_eq!(api.post(&mut s, PATH, &json!({"room": "ROOM@Conference.meet.test"}).to_string()).json(), expected);
    let metrics = s.focus().metrics();
    assert_eq!((metrics.conferences_created, metrics.conference_requests, metrics.conference_requests_new), (1, 2, 1));
    let options = api.send(&mut s, Request::new("OPTIONS", PATH));
    assert_eq!((options.status, &*options.body), (200, ""));
    for body in ["{}", "room=x"] {
        assert_eq!(api.post(&mut s, PATH, body).status, 400, "{body}");
    }
    // As its first request has it; another one has statistics.
    for (name, room) in [("alice", ROOM), ("bob", ROOM), ("carol", OTHER), ("dave", OTHER)] {
        s.joins_with(name, |settings| {
            settings.room = room.into();
            settings.properties.retain(|(property, _)| property != "rtcstatsEnabled");
        });
    }
    s.run_until(Scenario::all_connected);
    let told = api.get(&mut s, "/rtcstats").json();
    let told: Vec<&Value> = told.as_object().expect("conferences").values().map(|told| &told["name"]).collect();
    assert_eq!(told, [OTHER]);
}

/// Covers spec/80: 17, 22, 45.
#[test]
fn what_is_no_request_is_refused_and_says_why() {
    let (mut s, mut api) = started(Scenario::new());
    for (body, says) in [
        ("{}", "Bad request: No 'room' specified."),
        (r#"{"room":""}"#, "Bad request: No 'room' specified."),
        (r#"{"room":"a b@"}"#, "Bad request: Invalid room name."),
        (r#"{"room":"a@conference.meet.test","properties":null}"#, "Bad request: the field 'properties' is no object"),
        (r#"{"room":"a@confer"#, "Bad request: the body is no JSON object (EOF"),
        ("", "Bad request: the body is no JSON object"),
        ("[1]", "Bad request: the body is no JSON object"),
        (r#"{"room":"jvbbrewery@internal.auth.meet.test"}"#, "Bad request: This room is not for conferences."),
    ] {
        let answer = api.post(&mut s, PATH, body);
        let (status, text) = answer.text();
        assert!(status == 400 && text.starts_with(says), "{body}: {status} {text}");
    }
    let request = json!({"room": ROOM}).to_string();
    for content_type in [None, Some("text/plain"), Some("application/xml")] {
        let mut plain = Request::new("POST", PATH).body(&request);
        if let Some(content_type) = content_type {
            plain = plain.header("Content-Type", content_type);
        }
        assert_eq!(api.send(&mut s, plain).text().0, 400, "{content_type:?}");
    }
    assert_eq!(s.focus().gauges().conferences, 0);
    // Parameters of the type do no harm.
    let request = Request::new("POST", PATH).header("content-type", "Application/JSON; charset=utf-8").body(&request);
    assert_eq!(api.send(&mut s, request).status, 200);

    let options = api.send(&mut s, Request::new("OPTIONS", PATH));
    assert_eq!((options.status, &*options.body, options.header("access-control-allow-origin")), (200, "", None));
    assert_eq!(api.get(&mut s, PATH).status, 405);
    let (mut s, mut api) = started(Scenario::new().config(|config| config.rest.conference_request = false));
    assert_eq!(api.send(&mut s, Request::new("OPTIONS", PATH)).status, 404);
    assert_eq!(api.get(&mut s, PATH).status, 404);
}

/// Covers spec/80: 19, 20; spec/10: 28.
#[test]
fn who_has_not_logged_in_comes_into_rooms_that_there_are() {
    let (mut s, mut api) = started(Scenario::new().config(secured));
    let ask = |room: &str, session: &str, machine: &str| {
        let mut request = json!({"room": format!("{room}@conference.meet.test"), "machineUid": machine});
        if !session.is_empty() {
            request["sessionId"] = session.into();
        }
        request.to_string()
    };
    assert_eq!(api.post(&mut s, PATH, &ask("room", "", "m1")).text(), (403, "Error"));
    assert_eq!(s.focus().gauges().conferences, 0);
    // The client looks for this text, anywhere but at the beginning, and then drops its session.
    let answer = api.post(&mut s, PATH, &ask("room", "expired", "m1"));
    let (status, text) = answer.text();
    assert!(status == 400 && text.find("400 invalid-session").is_some_and(|at| at > 0), "{status} {text}");

    // Somebody logs in over XMPP; with the session that he has got he starts another room over HTTP.
    s.server().connect("u", "alice@meet.test/r", false);
    s.inject(
        "u",
        &format!(
            "<iq type='set' id='1' to='focus.meet.test'><conference xmlns='{}' room='{ROOM}' machine-uid='m1'/></iq>",
            testkit::ns::FOCUS
        ),
    );
    s.settle();
    let answered = s.sent_to("u").filter(|wire| wire.stanza.get("id") == Some("1")).first().stanza.clone();
    let session =
        answered.kid("conference", testkit::ns::FOCUS).and_then(|it| it.get("session-id")).expect("a session");
    let answer = api.post(&mut s, PATH, &ask("other", session, "m1")).json();
    assert_eq!((&answer["ready"], &answer["sessionId"]), (&Value::Bool(true), &session.into()));
    assert_eq!(
        (&answer["identity"], &answer["properties"]["externalAuth"]),
        (&"alice@meet.test".into(), &"false".into())
    );
    let answer = api.post(&mut s, PATH, &ask("third", session, "m2"));
    assert!(answer.status == 400 && answer.body.contains("400 invalid-session"), "{}", answer.body);
    // The room is there: guests come in.
    let answer = api.post(&mut s, PATH, &ask("room", "", "m3")).json();
    assert_eq!(
        (&answer["ready"], &answer["identity"], &answer["sessionId"]),
        (&true.into(), &Value::Null, &Value::Null)
    );
}

/// An HTTP server in front of several can ask another one.
#[test]
fn without_its_connection_it_begins_nothing() {
    let (mut s, mut api) = started(Scenario::new());
    s.focus_is_disconnected();
    let answer = api.post(&mut s, PATH, &json!({"room": ROOM}).to_string());
    assert_eq!(answer.text(), (503, "XMPP not connected"));
    assert_eq!((s.focus().gauges().conferences, s.focus().metrics().conferences_created), (0, 0));
    s.focus_logs_in_anew();
    assert_eq!(api.post(&mut s, PATH, &json!({"room": ROOM}).to_string()).json()["ready"], true);
    s.stop_focus();
    let answer = api.post(&mut s, PATH, &json!({"room": "other@conference.meet.test"}).to_string());
    assert_eq!(answer.text(), (503, "The focus is stopping"));
}

#[test]
fn who_waits_for_a_room_that_does_not_come_about_is_told_to_come_again() {
    let (mut s, mut api) = started(Scenario::new());
    s.accident(1, Fate::IsLost, |d| d.to == "focus" && d.stanza.get("from") == Some("room@conference.meet.test/focus"));
    let answer = api.post(&mut s, PATH, &json!({"room": ROOM}).to_string());
    assert_eq!((answer.status, &answer.json()["ready"]), (200, &Value::Bool(false)));
    assert_eq!(s.focus().gauges().conferences, 0);
}

#[test]
fn a_failure_of_ours_while_it_is_handled_costs_one_conference_and_no_answer() {
    let (mut s, mut api) = started(Scenario::new());
    assert_eq!(api.post(&mut s, PATH, &json!({"room": "other@conference.meet.test"}).to_string()).status, 200);
    s.sabotage(0);
    let answer = api.post(&mut s, PATH, &json!({"room": ROOM}).to_string());
    assert_eq!((answer.status, &answer.json()["ready"]), (200, &Value::Bool(false)));
    assert_eq!(s.focus().gauges().conferences, 1);
    assert_eq!(api.post(&mut s, PATH, &json!({"room": ROOM}).to_string()).status, 200);
}
