//! `/pin` (spec/80 §2.6).

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Core;
use super::answer::{Failure, json, json_body};
use crate::focus::Timestamp;
use crate::focus::command::{Command, Reply};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pin {
    conference_id: String,
    jvb_version: String,
    duration_minutes: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Unpin {
    conference_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pinned<'p> {
    conference_id: &'p str,
    jvb_version: &'p str,
    expires_at: String,
}

pub(super) async fn list(State(core): State<Core>) -> Result<Response, Failure> {
    let pins = match core.ask(Command::ListPins).await? {
        Reply::Pins(pins) => pins,
        reply => return Err(Failure::unexpected(&reply)),
    };
    let shown = pins.iter().map(|pin| Pinned {
        conference_id: pin.room.as_jid().as_str(),
        jvb_version: &pin.version,
        expires_at: instant(pin.expires),
    });
    json(&shown.collect::<Vec<_>>())
}

pub(super) async fn pin(State(core): State<Core>, request: Request) -> Result<(), Failure> {
    let Pin { conference_id, jvb_version, duration_minutes } = read(request).await?;
    let room = core.room(&conference_id)?;
    let version = jvb_version.trim().to_owned();
    if version.is_empty() || duration_minutes == 0 {
        return Err(Failure::bad_request("jvbVersion is blank, or durationMinutes is 0"));
    }
    done(&core, Command::Pin { room, version, duration: Duration::from_secs(60 * u64::from(duration_minutes)) }).await
}

pub(super) async fn remove(State(core): State<Core>, request: Request) -> Result<(), Failure> {
    let Unpin { conference_id } = read(request).await?;
    let room = core.room(&conference_id)?;
    done(&core, Command::Unpin { room }).await
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    serde_json::from_str(&json_body(request).await?).map_err(Failure::bad_request)
}

async fn done(core: &Core, command: Command) -> Result<(), Failure> {
    match core.ask(command).await? {
        Reply::Done => Ok(()),
        reply => Err(Failure::unexpected(&reply)),
    }
}

/// As ISO 8601 has it, in UTC. A time beyond its years is the last of them.
fn instant(time: Timestamp) -> String {
    let seconds = i64::try_from(time.millis() / 1000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_second() {
        assert_eq!(instant(Timestamp(1_787_220_900_000_000)), "2026-08-20T10:15:00Z");
        assert!(instant(Timestamp(u64::MAX)).starts_with("9999-"));
    }
}
