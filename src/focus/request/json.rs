//! Conference requests as JSON, for HTTP (spec/10 §3.6): into the request that the rest of the focus knows, and out of its
//! answer. An HTTP request has no sender.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::wire::Jid;
use crate::wire::focus_iq::{Conference, Property};
use crate::wire::stanza::{IqBody, Payload, StanzaError};
use crate::wire::values::Condition;

/// What a client is told whose session is not taken. It looks for `400 invalid-session`, anywhere but at the beginning.
const INVALID_SESSION: &str = "HTTP ERROR 400 invalid-session";

/// An answer as HTTP gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// Reads the body of a request, and the value of its header `Authorization`. Err: what is wrong with it.
pub fn read(body: &str, authorization: Option<&str>) -> Result<Conference, String> {
    let fields: Map<String, Value> =
        serde_json::from_str(body).map_err(|error| format!("the body is no JSON object ({error})"))?;
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("the field '{name}' is no text")),
    };
    Ok(Conference {
        room: text("room")?,
        machine_uid: text("machineUid")?,
        session_id: text("sessionId")?,
        token: authorization.map(token).filter(|token| !token.is_empty()).map(str::to_owned),
        properties: properties(fields.get("properties"))?,
        ..Conference::default()
    })
}

/// The token in a header `Authorization`: what comes after `Bearer `, or all of it.
fn token(authorization: &str) -> &str {
    authorization.strip_prefix("Bearer ").unwrap_or(authorization).trim()
}

fn properties(value: Option<&Value>) -> Result<Vec<Property>, String> {
    let properties = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(properties)) => properties,
        Some(_) => return Err("the field 'properties' is no object".into()),
    };
    let read = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Some(Err(format!("the property '{name}' is no single value")));
            }
        };
        Some(Ok(Property { name: Some(name.clone()), value: Some(value) }))
    };
    properties.iter().filter_map(read).collect()
}

/// The answer to a request: what would be the content of an IQ.
pub fn reply(answer: &IqBody) -> Reply {
    match answer {
        IqBody::Result(Some(Payload::Conference(conference))) => {
            Reply { status: 200, content_type: "application/json", body: write(conference) }
        }
        IqBody::Error(error) => refusal(error),
        _ => text(400, "Bad request: no answer".into()),
    }
}

/// What is wrong with a request that could not be read.
pub fn bad_request(why: &str) -> Reply {
    text(400, format!("Bad request: {why}"))
}

fn refusal(error: &StanzaError) -> Reply {
    match error.condition {
        Condition::NotAuthorized => text(403, "Error".into()),
        Condition::NotAcceptable => text(400, INVALID_SESSION.into()),
        condition => bad_request(error.text.as_deref().filter(|text| !text.is_empty()).unwrap_or(condition.as_str())),
    }
}

fn text(status: u16, body: String) -> Reply {
    Reply { status, content_type: "text/plain", body }
}

/// The names of JSON differ from those of XML.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "is_empty")]
    room: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    focus_jid: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    session_id: &'a Option<String>,
    #[serde(skip_serializing_if = "is_empty")]
    identity: &'a Option<String>,
    #[serde(skip_serializing_if = "is_empty")]
    vnode: &'a Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'a str, &'a str>,
}

fn is_empty(text: &&Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}

/// An answer as JSON.
fn write(conference: &Conference) -> String {
    let properties = conference.properties.iter();
    let answer = Answer {
        room: &conference.room,
        ready: conference.ready,
        focus_jid: conference.focusjid.as_ref().map(Jid::as_str),
        session_id: &conference.session_id,
        identity: &conference.identity,
        vnode: &conference.vnode,
        properties: properties.filter_map(|it| Some((it.name.as_deref()?, it.value.as_deref()?))).collect(),
    };
    // Maps with text for keys: there is nothing that JSON could not hold.
    serde_json::to_string(&answer).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_with_values_of_all_kinds_as_text() {
        let body = r#"{"room":"daily@conference.meet.test","machineUid":"m1","sessionId":"s1","unknown":[1],
            "focusJid":5,"properties":{"rtcstatsEnabled":false,"visitors-version":1,"visitor":"true","nothing":null}}"#;
        let request = read(body, Some("Bearer abc.def.ghi")).expect("a request");
        assert_eq!(request.room.as_deref(), Some("daily@conference.meet.test"));
        assert_eq!((request.machine_uid.as_deref(), request.session_id.as_deref()), (Some("m1"), Some("s1")));
        assert_eq!(request.token.as_deref(), Some("abc.def.ghi"));
        let properties: Vec<(&str, &str)> = request
            .properties
            .iter()
            .map(|it| (it.name.as_deref().unwrap_or_default(), it.value.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(properties, [("rtcstatsEnabled", "false"), ("visitor", "true"), ("visitors-version", "1")]);
    }

    #[test]
    fn what_is_empty_counts_as_absent_and_the_prefix_of_a_token_has_its_case() {
        let request = read(r#"{"room":"","properties":{}}"#, Some("bearer abc")).expect("a request");
        assert_eq!(request, Conference { token: Some("bearer abc".into()), ..Conference::default() });
        assert_eq!(read("{}", None), Ok(Conference::default()));
    }

    #[test]
    fn a_body_that_is_none_is_said_to_be() {
        for (body, what) in [
            ("", "no JSON object"),
            ("[]", "no JSON object"),
            ("nonsense", "no JSON object"),
            (r#"{"room":5}"#, "'room' is no text"),
            (r#"{"properties":[]}"#, "'properties' is no object"),
            (r#"{"properties":null}"#, "'properties' is no object"),
            (r#"{"properties":{"a":[1]}}"#, "'a' is no single value"),
        ] {
            let wrong = read(body, None).expect_err(body);
            assert!(wrong.contains(what), "{body}: {wrong}");
            assert_eq!(bad_request(&wrong).status, 400);
        }
    }

    #[test]
    fn an_answer_has_what_is_there_and_says_that_it_is_not_ready() {
        let property = |name: &str, value: &str| Property { name: Some(name.into()), value: Some(value.into()) };
        let conference = Conference {
            room: Some("daily@conference.meet.test".into()),
            ready: Some(false),
            focusjid: "focus@auth.meet.test".parse().ok(),
            identity: Some(String::new()),
            properties: vec![property("authentication", "false"), property("visitors-supported", "false")],
            ..Conference::default()
        };
        let told = reply(&IqBody::Result(Some(Payload::Conference(conference))));
        assert_eq!((told.status, told.content_type), (200, "application/json"));
        assert_eq!(
            told.body,
            r#"{"room":"daily@conference.meet.test","ready":false,"focusJid":"focus@auth.meet.test","properties":{"authentication":"false","visitors-supported":"false"}}"#
        );
    }
}
