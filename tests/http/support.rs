//! What all of these tests need.

use serde_json::Value;
use testkit::http::Api;
use testkit::scenario::{Builder, Scenario};

pub const ROOM: &str = "room@conference.meet.test";

/// The focus with its API.
pub fn started(builder: Builder) -> (Scenario, Api) {
    let s = builder.start();
    let api = Api::of(&s);
    (s, api)
}

/// Three have met on `jvb1`.
pub fn three(builder: Builder) -> (Scenario, Api) {
    let (mut s, api) = started(builder.bridge("jvb1").participant("alice").participant("bob").participant("carol"));
    s.run_until(Scenario::all_connected);
    s.settle();
    (s, api)
}

/// The body of a recorded answer.
pub fn body(recorded: &str) -> Value {
    serde_json::from_str(recorded.trim_end().lines().last().expect("a body")).expect("JSON")
}

/// Every key of `recorded` is in `ours`, with a value of the same type. Of lists the first elements are compared. `skipped`: places
/// that are another matter.
#[track_caller]
pub fn same_shape(recorded: &Value, ours: &Value, place: &str, skipped: &dyn Fn(&str) -> bool, compared: &mut usize) {
    *compared += 1;
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => {
            for (key, value) in recorded {
                let place = format!("{place}/{key}");
                if !skipped(&place) {
                    let ours = ours.get(key).unwrap_or_else(|| panic!("{place} is missing"));
                    same_shape(value, ours, &place, skipped, compared);
                }
            }
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            if let (Some(recorded), Some(ours)) = (recorded.first(), ours.first()) {
                same_shape(recorded, ours, &format!("{place}/0"), skipped, compared);
            }
        }
        (Value::Number(recorded), Value::Number(ours)) => {
            assert!(!recorded.is_u64() || ours.is_u64(), "{place}: {ours} for {recorded}");
        }
        (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => {}
        (recorded, ours) => panic!("{place}: {ours} for {recorded}"),
    }
}
