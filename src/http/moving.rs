//! `/move-endpoints/*` (spec/80 §2.5).

use std::str::FromStr;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use super::Core;
use super::answer::{Failure, json};
use super::query::Query;
use crate::focus::command::{Command, Reply};

/// How many endpoints, and what share of them, if nobody says.
const ENDPOINTS: u32 = 1;
const FRACTION: f64 = 0.1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    moved_endpoints: u32,
    conferences: u32,
}

pub(super) async fn endpoint(State(core): State<Core>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = Query::read(query.as_deref());
    let room = core.room(query.required("conference")?)?;
    let endpoint = query.required("endpoint")?.to_owned();
    let bridge = query.optional("bridge").map(str::to_owned);
    carry_out(&core, Command::MoveEndpoint { room, endpoint, bridge }).await
}

pub(super) async fn endpoints(State(core): State<Core>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = Query::read(query.as_deref());
    let bridge = query.required("bridge")?.to_owned();
    let room = query.optional("conference").map(|room| core.room(room)).transpose()?;
    let count = number(&query, "numEndpoints", ENDPOINTS, |count| *count > 0)?;
    carry_out(&core, Command::MoveEndpoints { bridge, room, count }).await
}

pub(super) async fn fraction(State(core): State<Core>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let query = Query::read(query.as_deref());
    let bridge = query.required("bridge")?.to_owned();
    let fraction = number(&query, "fraction", FRACTION, |fraction| (0.0..=1.0).contains(fraction))?;
    carry_out(&core, Command::MoveFraction { bridge, fraction }).await
}

fn number<T: FromStr>(query: &Query, name: &str, default: T, fits: fn(&T) -> bool) -> Result<T, Failure> {
    let Some(text) = query.optional(name) else { return Ok(default) };
    let number = text.parse().ok().filter(fits);
    number.ok_or_else(|| Failure::bad_request(format_args!("Invalid parameter: {name}")))
}

async fn carry_out(core: &Core, command: Command) -> Result<Response, Failure> {
    match core.ask(command).await? {
        Reply::Moved(moved) => json(&Moved { moved_endpoints: moved.endpoints, conferences: moved.conferences }),
        reply => Err(Failure::unexpected(&reply)),
    }
}
