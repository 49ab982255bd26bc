//! The HTTP API of the whole program, beside the real Prosody.

use serde_json::json;
use testkit::http::{Answer, Request, send, until};
use testkit::openmetrics::Page;
use testkit::prosody::{Prosody, Wiring};

use super::process::{kept_away, two_meet_and_leave};
use super::support::{PATIENCE, focus, left, met};

const WATCHED: &str = "jicofo.health { enabled = true, interval = 1 second }";

/// Covers spec/80: 2, 16; spec/10: 27.
#[tokio::test]
async fn it_serves_operators_and_clients_over_http_while_people_meet() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    // A room into which nobody goes is counted as long as the test lasts.
    let patient = "jicofo.conference.initial-timeout = 10 minutes";
    let focus = focus().configuration(WATCHED).configuration(patient).start(&prosody).await;
    let api = focus.http_address();
    let stage = met(&prosody, &["alice", "bob", "carol"]).await;

    // A room that the focus makes to see whether it can, and leaves at once.
    assert!(prosody.logged(0, "occupant joined: __jicofo-health-check-", PATIENCE).await, "{}", focus.log());
    let well = until(api, &Request::get("/about/health"), |answer| answer.status == 200, PATIENCE).await;
    assert_eq!(well.text(), (200, "OK"));
    // It may have looked before there was a bridge. From now on nothing is wrong.
    let errors = focus.errors();
    let too_early = "The health check failed: No operational bridges available";
    assert!(errors.iter().all(|line| line.contains(too_early)), "{errors:?}");
    assert!(prosody.logged(0, "occupant left: __jicofo-health-check-", PATIENCE).await, "{}", focus.log());

    let request = json!({"room": format!("other@{}", prosody.muc_domain()),
        "properties": {"rtcstatsEnabled": false, "visitors-version": 1}});
    let answer = send(api, &Request::post("/conference-request/v1", &request.to_string())).await.json();
    assert_eq!((&answer["ready"], &answer["properties"]["authentication"]), (&json!(true), &json!("false")));
    assert!(prosody.logged(0, &format!("occupant joined: other@{}/focus", prosody.muc_domain()), PATIENCE).await);

    let counted = [
        ("jitsi_jicofo_conferences", 2.0),
        ("jitsi_jicofo_participants_current", 4.0),
        ("jitsi_jicofo_bridge_endpoints{jvb=\"jvb1\"}", 3.0),
        ("jitsi_jicofo_healthy", 1.0),
        ("jitsi_jicofo_xmpp_connected{connection=\"client\"}", 1.0),
    ];
    let shown = |answer: &Answer| {
        let page = Page::open_metrics(&answer.body);
        counted.iter().all(|(series, count)| page.value(series) == *count)
    };
    until(api, &Request::get("/metrics"), shown, PATIENCE).await;
    let moved = send(api, &Request::get("/move-endpoints/move-endpoints?bridge=jvb1&numEndpoints=1")).await;
    assert_eq!(moved.json(), json!({"movedEndpoints": 1, "conferences": 1}));
    stage.agree().await;
    let caps = send(api, &Request::get("/debug/xmpp-caps")).await.json();
    assert!(caps.as_object().is_some_and(|caps| !caps.is_empty()), "{caps}");
    assert_eq!(focus.errors(), errors, "{}", focus.log());
    stage.finish().await;
}

/// Covers spec/80: 41.
#[tokio::test]
async fn a_focus_whose_account_another_process_has_taken_over_is_not_well() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut first = focus().configuration(WATCHED).start(&prosody).await;
    let health = Request::get("/about/health");
    let second = focus().start(&prosody).await;
    let taken_over = |answer: &Answer| answer.status == 500 && answer.body.contains("taken over");
    until(first.http_address(), &health, taken_over, PATIENCE).await;
    assert!(first.log().contains("two-focuses") || first.log().contains("Another process logs in"), "{}", first.log());
    let told = send(first.http_address(), &Request::get("/debug")).await.json();
    assert!(told["problems"].to_string().contains("two-focuses"), "{told}");
    // The second one has the account for itself.
    let stands_still = kept_away(&mut first, two_meet_and_leave(&prosody)).await;
    if !stands_still {
        assert_eq!(until(first.http_address(), &health, taken_over, PATIENCE).await.status, 500);
    }
    assert!(second.errors().is_empty(), "{}", second.log());
}

/// What is configured to be off listens nowhere; where it is on, browsers may ask first whether they may ask.
///
/// Covers spec/90: 113.
#[tokio::test]
async fn a_port_of_minus_one_is_none_and_a_request_needs_no_luck() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let silent = focus().configuration("jicofo.rest.port = -1").start(&prosody).await;
    assert_eq!(silent.listens_on(), Vec::<u16>::new(), "{}", silent.log());
    assert_eq!(silent.stop().await.and_then(|status| status.code()), Some(143));
    let focus = focus().start(&prosody).await;
    let api = focus.http_address();
    assert_eq!(focus.listens_on(), [api.port()]);
    let path = "/conference-request/v1";
    assert_eq!(send(api, &Request::new("OPTIONS", path)).await.status, 200);
    for body in ["", "{", "null"] {
        let answer = send(api, &Request::post(path, body)).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
    }
    assert!(focus.errors().is_empty(), "{}", focus.log());
}

/// What was begun over HTTP ends in order with the rest.
#[tokio::test]
async fn a_stop_leaves_the_rooms_that_were_asked_for_over_http() {
    let prosody = Prosody::start(Wiring::Proxy).await;
    let mut focus = focus().start(&prosody).await;
    let api = focus.http_address();
    let request = json!({"room": format!("one@{}", prosody.muc_domain())}).to_string();
    assert_eq!(send(api, &Request::post("/conference-request/v1", &request)).await.status, 200);
    let since = prosody.log().len();
    focus.signal("TERM");
    assert_eq!(focus.ended(PATIENCE).await.and_then(|status| status.code()), Some(143));
    left(&prosody, since, "one").await;
    assert!(focus.errors().is_empty(), "{}", focus.log());
}
