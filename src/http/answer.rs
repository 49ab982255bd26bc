//! Answers: JSON, text, and what is told of failures (spec/80 §1).

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::timeout;

use crate::focus::command::{Refusal, Reply};

const TEXT: &str = "text/plain; charset=UTF-8";
const JSON: &str = "application/json";

/// Requests are some hundred bytes.
const MAX_BODY: usize = 64 * 1024;

/// A body that takes longer is held back on purpose.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is nothing else to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    status: StatusCode,
    text: String,
}

impl Failure {
    pub fn bad_request(why: impl std::fmt::Display) -> Failure {
        Failure { status: StatusCode::BAD_REQUEST, text: format!("Bad request: {why}") }
    }

    pub fn missing(parameter: &str) -> Failure {
        Failure::bad_request(format_args!("Missing parameter: {parameter}"))
    }

    pub fn busy() -> Failure {
        Failure { status: StatusCode::SERVICE_UNAVAILABLE, text: "Too many requests are under way".into() }
    }

    pub fn too_late() -> Failure {
        Failure { status: StatusCode::GATEWAY_TIMEOUT, text: "No answer in time".into() }
    }

    /// The core answered something else than it was asked: an error of ours.
    pub fn unexpected(reply: &Reply) -> Failure {
        log::error!("an HTTP request got an answer to another question: {reply:?}");
        Refusal::Failed.into()
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let (status, text) = match refusal {
            Refusal::InvalidBridge => return Failure::bad_request(refusal),
            Refusal::UnknownBridge | Refusal::UnknownConference => {
                (StatusCode::NOT_FOUND, format!("Not found: {refusal}"))
            }
            Refusal::NotConnected | Refusal::Stopping => (StatusCode::SERVICE_UNAVAILABLE, refusal.to_string()),
            Refusal::Failed => (StatusCode::INTERNAL_SERVER_ERROR, refusal.to_string()),
        };
        Failure { status, text }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        text(self.status, self.text)
    }
}

pub(super) fn text(status: StatusCode, text: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, TEXT)], text.into()).into_response()
}

pub(super) fn json(value: &impl Serialize) -> Result<Response, Failure> {
    let text = serde_json::to_string(value).map_err(|error| {
        log::error!("an answer is no JSON: {error}");
        Failure::from(Refusal::Failed)
    })?;
    Ok(json_text(text))
}

pub(super) fn json_text(text: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, JSON)], text.into()).into_response()
}

/// The body of a request that says that it is JSON. Pages of other sites can't make a browser send that without asking
/// (there are no CORS headers).
pub(super) async fn json_body(request: Request) -> Result<String, Failure> {
    if !is_json(request.headers()) {
        return Err(Failure::bad_request("the Content-Type is not application/json"));
    }
    let body = timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_BODY)).await;
    let body = body.map_err(|_| Failure::bad_request("the body did not come in time"))?;
    let body = body.map_err(|error| Failure::bad_request(format_args!("the body cannot be read ({error})")))?;
    String::from_utf8(body.into()).map_err(|_| Failure::bad_request("the body is not UTF-8"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}
