//! `/conference-request/v1` (spec/80 §2.3, spec/10 §3.6).

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::Core;
use super::answer::{Failure, json_body, json_text, text};
use crate::focus::command::{Command, Reply};
use crate::focus::request::json;

/// Asked by browsers before they send from another site: they may not.
pub(super) async fn options() {}

pub(super) async fn request(State(core): State<Core>, request: Request) -> Result<Response, Failure> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = json_body(request).await?;
    let request = json::read(&body, token.as_deref()).map_err(Failure::bad_request)?;
    let answer = match core.ask_for_room(Command::Conference(Box::new(request))).await? {
        Reply::Conference(answer) => json::reply(&answer),
        reply => return Err(Failure::unexpected(&reply)),
    };
    Ok(match StatusCode::from_u16(answer.status) {
        Ok(StatusCode::OK) => json_text(answer.body),
        status => text(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), answer.body),
    })
}
