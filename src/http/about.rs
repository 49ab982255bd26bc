//! `/about/version` (spec/80 §2.1).

use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::answer::json;
use crate::focus::VERSION;

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
