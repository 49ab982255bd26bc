//! What all of these tests need.

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
