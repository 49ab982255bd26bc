//! `/about/version` and `/about/health` (spec/80 §2.1, §2.2).

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Core;
use super::answer::{Failure, json, text};
use crate::focus::VERSION;
use crate::focus::command::{Command, Reply};
use crate::focus::health::Outcome;

#[derive(Serialize)]
struct Version {
    /// Monitoring matches it.
    name: &'static str,
    version: &'static str,
    os: &'static str,
}

/// The system as the Java runtime calls it.
const OS: &str = if cfg!(target_os = "linux") { "Linux" } else { std::env::consts::OS };

pub(super) async fn version() -> Response {
    json(&Version { name: "JiCoFo", version: VERSION, os: OS }).unwrap_or_else(IntoResponse::into_response)
}

/// With `?live`: whether the process answers at all. Whoever restarts us for more than that would do so when bridges are gone.
pub(super) async fn health(State(core): State<Core>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let live = query.is_some_and(|query| query.split('&').any(|word| word.split('=').next() == Some("live")));
    let reply = if live { core.ask(Command::Live).await? } else { core.ask_patiently(Command::Health).await? };
    let outcome = match reply {
        Reply::Done => Outcome::Well,
        Reply::Health(outcome) => outcome,
        reply => return Err(Failure::unexpected(&reply)),
    };
    Ok(match outcome {
        Outcome::Well => text(StatusCode::OK, "OK"),
        Outcome::Soft(why) => text(StatusCode::SERVICE_UNAVAILABLE, why),
        Outcome::Hard(why) => text(StatusCode::INTERNAL_SERVER_ERROR, why),
    })
}
