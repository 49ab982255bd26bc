//! `/debug*` and `/rtcstats` (spec/80 §2.4, §5). Conferences are asked for one after the other, as the client reads: a dump of
//! thousands holds up nobody, and is never in memory as a whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use hyper::body::Frame;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::Core;
use super::answer::{Failure, json, json_text};
use super::query::Query;
use crate::focus::command::{Command, Reply};
use crate::focus::debug::{Dump, Room};
use crate::wire::BareJid;

pub(super) async fn conferences(State(core): State<Core>) -> Result<Response, Failure> {
    let rooms = rooms(&core).await?;
    json(&rooms.iter().map(|room| room.room.as_jid().as_str()).collect::<Vec<_>>())
}

pub(super) async fn all(State(core): State<Core>) -> Result<Response, Failure> {
    let rooms = rooms(&core).await?;
    Ok(streamed("{", core, rooms, Command::Dump, "}".into()))
}

pub(super) async fn conference(State(core): State<Core>, Path(room): Path<String>) -> Result<Response, Failure> {
    let room = core.room(&room)?;
    let dump = dump(&core, Command::Dump(room)).await?;
    Ok(json_text(dump.map_or_else(|| "{}".to_owned(), |dump| dump.json)))
}

pub(super) async fn rtcstats(State(core): State<Core>) -> Result<Response, Failure> {
    let rooms = rooms(&core).await?;
    Ok(streamed("{", core, rooms, Command::DumpForStatistics, "}".into()))
}

pub(super) async fn caps(State(core): State<Core>) -> Result<Response, Failure> {
    match core.ask(Command::DumpCaps).await? {
        Reply::Json(text) => Ok(json_text(text)),
        reply => Err(Failure::unexpected(&reply)),
    }
}

pub(super) async fn focus(State(core): State<Core>, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let full = Query::read(query.as_deref()).optional("full") == Some("true");
    let rooms = rooms(&core).await?;
    let mut rest = match core.ask(Command::Debug).await? {
        Reply::Debug(rest) => rest,
        reply => return Err(Failure::unexpected(&reply)),
    };
    if full {
        let rest = Value::Object(rest).to_string();
        let end = format!("}},{}", rest.strip_prefix('{').unwrap_or(&rest));
        return Ok(streamed("{\"focus_manager\":{", core, rooms, Command::Dump, end));
    }
    let counts = rooms.into_iter().map(|room| (room.room.as_jid().to_string(), Value::from(room.participants)));
    rest.insert("focus_manager".into(), Value::Object(counts.collect::<Map<_, _>>()));
    json(&rest)
}

async fn rooms(core: &Core) -> Result<Vec<Room>, Failure> {
    match core.ask(Command::Rooms).await? {
        Reply::Rooms(rooms) => Ok(rooms),
        reply => Err(Failure::unexpected(&reply)),
    }
}

async fn dump(core: &Core, command: Command) -> Result<Option<Dump>, Failure> {
    match core.ask(command).await? {
        Reply::Dump(dump) => Ok(dump),
        reply => Err(Failure::unexpected(&reply)),
    }
}

/// `begin`, what the core says of each room by its name, and `end`. Rooms that have gone meanwhile are left out.
fn streamed(begin: &'static str, core: Core, rooms: Vec<Room>, of: fn(BareJid) -> Command, end: String) -> Response {
    // One that is being read, and one that waits.
    let (sender, pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut before = begin;
        for Room { room, .. } in rooms {
            let piece = match dump(&core, of(room)).await {
                Ok(Some(dump)) => Ok(format!("{before}{}:{}", Value::from(dump.name), dump.json)),
                Ok(None) => continue,
                Err(_) => Err(io::Error::other("no answer in time")),
            };
            before = ",";
            let failed = piece.is_err();
            // Nobody reads any more, or nothing more comes: the client sees that it is not whole.
            if sender.send(piece).await.is_err() || failed {
                return;
            }
        }
        let nothing = if before == begin { begin } else { "" };
        let _ = sender.send(Ok(format!("{nothing}{end}"))).await;
    });
    json_text(Body::new(Pieces(pieces)))
}

/// A body that comes piece by piece.
struct Pieces(mpsc::Receiver<io::Result<String>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(|text| Frame::data(text.into()))))
    }
}
