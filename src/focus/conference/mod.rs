//! A conference: one room, its members, and what has to be done for them. One short method an event.

/// A line of the log about a conference: with its room and meeting, and the endpoint if it is about one (spec/80 §8).
/// The words that log analysers and people look for are those of the original.
macro_rules! say {
    ($conference:expr, $level:ident, participant = $nick:expr; $($text:tt)+) => {
        log::$level!(
            room:% = $conference.room, meeting_id:% = $conference.meeting, participant:% = $nick; $($text)+
        )
    };
    ($conference:expr, $level:ident, $($text:tt)+) => {
        log::$level!(room:% = $conference.room, meeting_id:% = $conference.meeting; $($text)+)
    };
}

/// The same on a level that is found out.
macro_rules! say_at {
    ($conference:expr, $level:expr, participant = $nick:expr; $($text:tt)+) => {
        log::log!(
            $level, room:% = $conference.room, meeting_id:% = $conference.meeting, participant:% = $nick; $($text)+
        )
    };
    ($conference:expr, $level:expr, $($text:tt)+) => {
        log::log!($level, room:% = $conference.room, meeting_id:% = $conference.meeting; $($text)+)
    };
}

mod audit;
pub(crate) mod bridge;
pub mod cascade;
mod coming;
pub(crate) mod debug;
mod ending;
mod entry;
pub mod features;
#[cfg(feature = "sabotage")]
mod flaws;
mod identity;
pub(crate) mod invite;
mod jingle;
pub(crate) mod limits;
pub(crate) mod member;
pub(crate) mod members;
pub mod metadata;
pub(crate) mod moderation;
pub(crate) mod mute;
mod names;
pub mod offer;
mod owner;
mod promised;
mod publish;
mod replaces;
mod source_info;
mod tallies;
mod tell;
mod visitors;
mod weight;

use std::collections::{BTreeMap, HashMap, VecDeque};

use self::bridge::{Repeats, Sessions, Setbacks};
use self::cascade::Cascade;
use self::members::Members;
use self::metadata::RoomMetadata;
use self::moderation::Moderation;
use self::promised::Promised;
use self::publish::Published;
use self::visitors::Visitors;
use super::Connection;
use super::bridges::registry::BridgeId;
use super::context::{Asked, Context};
use super::floods::RoomPurse;
use super::request::Requester;
use super::seat::{EntryFailure, RoomForm, Seat, SeatOwner};
use super::sources::signal::Signals;
use super::sources::validate::ConferenceSources;
use super::story::Story;
use super::time::Timestamp;
use super::timers::TimerKey;
use crate::wire::presence::Presence;
use crate::wire::values::{MeetingId, SessionId};
use crate::wire::{BareJid, Jid};

pub(crate) use self::ending::Leave;
#[cfg(feature = "sabotage")]
pub use self::flaws::Flaw;
pub use self::identity::SessionKey;
pub(crate) use self::identity::{AttemptId, ConferenceId, EndpointKey, MemberId};
pub(crate) use self::visitors::Stay;
pub use super::sources::view;

/// What the request that made the conference asked of it (spec/10 §3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Properties {
    pub rtcstats: bool,
    pub start_audio_muted: Option<u32>,
    pub start_video_muted: Option<u32>,
}

/// How far the conference is with its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Entering,
    AwaitingMetadata(TimerKey),
    Running,
    Ended,
}

pub(crate) struct Conference {
    pub id: ConferenceId,
    pub created: Timestamp,
    /// Made to see whether one can be: nobody comes, and it counts nowhere (spec/80 §6).
    pub is_check: bool,
    /// Why we did not get into the room.
    pub failure: Option<EntryFailure>,
    pub room: BareJid,
    properties: Properties,
    /// The version of the bridges that it may use, as it was when the conference was made (spec/50 §6.6).
    pinned_version: Option<String>,
    pub seat: Seat,
    phase: Phase,
    /// What came from the room before we were ready for it (spec/20 §2.4).
    held: Vec<Presence>,
    /// Occupants who have no place because somebody else has their name, as of their latest presence.
    shadowed: Vec<(Connection, Presence)>,
    /// Who waits for the answer that the conference is ready.
    askers: VecDeque<Requester>,
    promised: Promised,
    form: RoomForm,
    pub meeting: MeetingId,
    metadata_seen: bool,
    /// The form was asked for again.
    rereading: bool,
    metadata: RoomMetadata,
    moderation: Moderation,
    /// What its members may ask for together.
    pub purse: RoomPurse,
    members: Members,
    /// Live sessions by their sid.
    sessions: HashMap<SessionId, MemberId>,
    owner: owner::Owners,
    sources: ConferenceSources,
    signals: Signals,
    bridges: Sessions,
    cascade: Cascade,
    setbacks: Setbacks,
    repeats: Repeats,
    /// Bridges that it was moved off because of their load, and when.
    relieved: BTreeMap<BridgeId, Timestamp>,
    published: Published,
    visitors: Visitors,
    /// Ends the conference if nobody comes.
    start: Option<TimerKey>,
    alone: Option<TimerKey>,
    /// Somebody could have been invited, and was not, as there were too few.
    has_waiting: bool,
    /// It was found to contradict itself, and that was told.
    pub is_doubtful: bool,
    pub story: Story,
}

impl Conference {
    /// A conference that has yet to [`Conference::start`]. `asker` is answered when we are in its room.
    pub fn new(
        cx: &mut Context,
        room: BareJid,
        occupant: Jid,
        properties: Properties,
        asker: impl Into<Option<Requester>>,
    ) -> Conference {
        let id = ConferenceId(cx.unique());
        let on = Connection::Client;
        Conference {
            id,
            created: cx.now,
            is_check: false,
            failure: None,
            properties,
            pinned_version: cx.pins.version(cx.now, &room).map(str::to_owned),
            seat: Seat::new(SeatOwner::Conference(id), on, room.clone(), occupant),
            room,
            phase: Phase::Entering,
            held: Vec::new(),
            shadowed: Vec::new(),
            askers: asker.into().into_iter().collect(),
            promised: Promised::default(),
            form: RoomForm::default(),
            meeting: MeetingId::default(),
            metadata_seen: false,
            rereading: false,
            metadata: RoomMetadata::default(),
            moderation: Moderation::default(),
            purse: RoomPurse::default(),
            members: Members::default(),
            sessions: HashMap::new(),
            owner: owner::Owners::default(),
            sources: ConferenceSources::default(),
            signals: Signals::default(),
            bridges: Sessions::default(),
            cascade: Cascade::default(),
            setbacks: Setbacks::default(),
            repeats: Repeats::default(),
            relieved: BTreeMap::new(),
            published: Published::default(),
            visitors: Visitors::default(),
            start: None,
            alone: None,
            has_waiting: false,
            is_doubtful: false,
            story: Story::default(),
        }
    }

    /// Asks to be let into the room.
    pub fn start(&mut self, cx: &mut Context) {
        say!(self, info, "Created new conference.");
        self.await_somebody(cx);
        say!(self, info, "Joining {}", self.room);
        self.seat.enter(cx);
    }

    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// The room has let us in, whatever we wait for yet.
    pub fn is_inside(&self) -> bool {
        matches!(self.phase, Phase::AwaitingMetadata(_) | Phase::Running)
    }

    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether this request waits for the conference to be ready.
    pub fn has_asker(&self, asked: &Asked) -> bool {
        self.askers.iter().any(|asker| asker.asked == *asked) || self.visitors.has_asker(asked)
    }

    pub fn main_room(&self) -> Option<&BareJid> {
        self.form.main_room.as_ref()
    }

    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The member of that name in the room on a connection.
    pub fn member_by_nick(&self, on: Connection, nick: &str) -> Option<MemberId> {
        self.members.id_of(nick).filter(|id| self.members.get(*id).is_some_and(|member| member.on == on))
    }
}
