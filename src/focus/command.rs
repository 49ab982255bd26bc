//! What operators ask of the core, and what it answers. Whoever carries it (HTTP) makes requests of others into a
//! [`Command`], and a [`Reply`] into words.

use std::time::Duration;

use serde_json::{Map, Value};

use super::context::Asked;
use super::debug::{Dump, Room};
use super::health::Outcome;
use super::metrics::Snapshot;
use super::pins::Pin;
use super::{Focus, Output};
use crate::wire::BareJid;
use crate::wire::focus_iq;
use crate::wire::stanza::IqBody;

/// Names a command to who gave it: comes back with the reply, and means nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// Each is answered once: before the next input, but for what has to wait for others and says so.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Somebody who is nobody to the server asks for a conference. Answered [`Reply::Conference`] when the focus is in its room
    /// (spec/10 §4.3), or with a refusal.
    Conference(Box<focus_iq::Conference>),
    /// The room's next conference, and those after it, use bridges of that full version only (spec/50 §6.6). A conference
    /// that there is stays as it is. In place of an earlier pin. Answered [`Reply::Done`].
    Pin { room: BareJid, version: String, duration: Duration },
    /// Answered [`Reply::Done`], also if there was none.
    Unpin { room: BareJid },
    /// Answered [`Reply::Pins`].
    ListPins,
    /// Gives a participant a new session on a bridge, perhaps the same (spec/50 §9.2). With `bridge` only if it is on that
    /// one. Answered [`Reply::Moved`].
    MoveEndpoint { room: BareJid, endpoint: String, bridge: Option<String> },
    /// The same for so many on a bridge: of one room, or of those that have most there. Answered [`Reply::Moved`].
    MoveEndpoints { bridge: String, room: Option<BareJid>, count: u32 },
    /// The same for a fraction of all that are on it: 0.1 is a tenth, rounded half up. Answered [`Reply::Moved`].
    MoveFraction { bridge: String, fraction: f64 },
    /// Which conferences there are. Answered [`Reply::Rooms`].
    Rooms,
    /// The state of one. Answered [`Reply::Dump`].
    Dump(BareJid),
    /// The same for the statistics of calls, if it wants any.
    DumpForStatistics(BareJid),
    /// Everything else. Answered [`Reply::Debug`].
    Debug,
    /// What is remembered of clients' features. Answered [`Reply::Json`].
    DumpCaps,
    /// Nothing but an answer. Answered [`Reply::Done`].
    Live,
    /// Answered [`Reply::Snapshot`].
    Count,
    /// Answered [`Reply::Health`]: where checks are made when somebody asks, after one.
    Health,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Done,
    /// By the rooms' addresses.
    Pins(Vec<Pin>),
    Moved(Moved),
    Snapshot(Box<Snapshot>),
    Rooms(Vec<Room>),
    /// None: there is nothing to tell.
    Dump(Option<Dump>),
    /// The members of an object.
    Debug(Map<String, Value>),
    Json(String),
    Health(Outcome),
    /// What would be the content of an IQ.
    Conference(Box<IqBody>),
    Refused(Refusal),
}

/// How many were moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    pub endpoints: u32,
    /// Of so many conferences.
    pub conferences: u32,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Invalid parameter: bridge ID")]
    InvalidBridge,
    #[error("Bridge not found")]
    UnknownBridge,
    #[error("Conference not found")]
    UnknownConference,
    /// Nothing can be begun (spec/80 §2.3).
    #[error("XMPP not connected")]
    NotConnected,
    #[error("The focus is stopping")]
    Stopping,
    /// An error of ours.
    #[error("Internal error")]
    Failed,
}

impl Focus {
    pub(super) fn command(&mut self, id: CommandId, command: Command) {
        // Answered even if carrying it out fails.
        self.commanded = Some(id);
        if let Some(reply) = self.carry_out(id, command) {
            self.reply(reply);
        }
        self.commanded = None;
    }

    /// Answers the command in hand, if there is one.
    pub(super) fn reply(&mut self, reply: Reply) {
        if let Some(id) = self.commanded.take() {
            self.cx.put(Output::Reply { id, reply });
        }
    }

    /// None: it is answered by whatever it waits for.
    fn carry_out(&mut self, id: CommandId, command: Command) -> Option<Reply> {
        let now = self.cx.now;
        Some(match command {
            Command::Live => Reply::Done,
            Command::Rooms => Reply::Rooms(self.rooms()),
            Command::Dump(room) => Reply::Dump(self.dump(&room)),
            Command::DumpForStatistics(room) => Reply::Dump(self.dump_for_statistics(&room)),
            Command::Debug => Reply::Debug(self.dump_focus()),
            Command::DumpCaps => Reply::Json(self.dump_caps()),
            Command::Count => Reply::Snapshot(Box::new(self.snapshot())),
            Command::Health => return self.health_asked(id),
            Command::Conference(request) => {
                self.commanded = None;
                let asked = Asked::by_command(id);
                self.asked = Some(asked.clone());
                self.conference_request(asked, &request);
                return None;
            }
            Command::Pin { room, version, duration } => {
                log::info!(
                    room:% = room, meeting_id:% = self.conferences.meeting_in(&room);
                    "pinned to bridges of version {version} for {} s", duration.as_secs()
                );
                self.cx.pins.pin(now, room, version, duration);
                self.judge_bridges();
                Reply::Done
            }
            Command::Unpin { room } => {
                log::info!(
                    room:% = room, meeting_id:% = self.conferences.meeting_in(&room);
                    "not pinned to a version of bridges any more"
                );
                self.cx.pins.unpin(&room);
                self.judge_bridges();
                Reply::Done
            }
            Command::ListPins => Reply::Pins(self.cx.pins.list(now)),
            Command::MoveEndpoint { room, endpoint, bridge } => {
                moved(self.move_endpoint(&room, &endpoint, bridge.as_deref()))
            }
            Command::MoveEndpoints { bridge, room, count } => moved(self.move_endpoints(&bridge, room.as_ref(), count)),
            Command::MoveFraction { bridge, fraction } => moved(self.move_fraction(&bridge, fraction)),
        })
    }
}

fn moved(outcome: Result<Moved, Refusal>) -> Reply {
    outcome.map_or_else(Reply::Refused, Reply::Moved)
}
