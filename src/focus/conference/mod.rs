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

mod audit;
pub(crate) mod bridge;
pub(crate) mod cascade;
pub(crate) mod debug;
pub mod features;
pub(crate) mod invite;
mod jingle;
pub(crate) mod limits;
pub(crate) mod member;
pub(crate) mod members;
pub mod metadata;
pub(crate) mod moderation;
pub(crate) mod mute;
pub mod offer;
mod owner;
mod publish;
mod tell;
mod weight;

use std::collections::{HashMap, VecDeque};

use self::bridge::{Repeats, Sessions, Setbacks};
use self::cascade::Cascade;
use self::features::Features;
use self::invite::Invite;
use self::member::{Disregarded, Member};
use self::members::Members;
use self::metadata::RoomMetadata;
use self::moderation::Moderation;
use self::publish::Published;
use super::Connection;
use super::caps;
use super::context::{Asked, Context};
use super::floods::{Kind, RoomPurse};
use super::pending::{Answer, Then};
use super::problems;
use super::request::{self, Requester};
use super::seat::{self, EntryFailure, Loss, RoomForm, Seat, SeatEvent, SeatOwner};
use super::sources::signal::Signals;
use super::sources::validate::ConferenceSources;
use super::story::Story;
use super::time::Timestamp;
use super::timers::{Timer, TimerKey};
use crate::wire::muc::MucOwner;
use crate::wire::presence::Presence;
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::{Condition, EndpointId, MeetingId, PresenceType, SessionId};
use crate::wire::{BareJid, Jid};

pub use super::sources::view;

/// The identity of one life of a conference; a room that is made anew has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConferenceId(pub u64);

/// The identity of one stay of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(pub u64);

impl MemberId {
    /// No member in particular.
    pub const NONE: MemberId = MemberId(0);
    pub const LAST: MemberId = MemberId(u64::MAX);
}

/// The identity of one attempt to give a participant a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptId(pub u64);

/// The identity of one endpoint of a participant. After a new invitation it has another, under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndpointKey {
    pub member: MemberId,
    pub attempt: AttemptId,
}

/// The identity of a conference's stay on a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionKey(pub u64);

/// How long to wait for the metadata of a room that has some (spec/20 §2.2 step 7).
const METADATA_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// How long whoever has come and gone too often waits until it is looked at again.
const HELD_BACK: std::time::Duration = std::time::Duration::from_secs(3);

/// The status with which a client says that it only changes rooms (spec/10 §5.2).
const SWITCH_ROOM: &str = "switch_room";

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
    /// Who waits for the answer that the conference is ready.
    askers: VecDeque<Requester>,
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
    /// How many videos clients want, as the last one said.
    last_n: Option<u32>,
    published: Published,
    /// Ends the conference if nobody comes.
    start: Option<TimerKey>,
    alone: Option<TimerKey>,
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
            askers: asker.into().into_iter().collect(),
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
            last_n: None,
            published: Published::default(),
            start: None,
            alone: None,
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
        self.askers.iter().any(|asker| asker.asked == *asked)
    }

    pub fn main_room(&self) -> Option<&BareJid> {
        self.form.main_room.as_ref()
    }

    pub fn members(&self) -> &Members {
        &self.members
    }

    pub fn member_by_nick(&self, nick: &str) -> Option<MemberId> {
        self.members.id_of(nick)
    }

    /// Somebody asks for a conference that there is: he is answered now, or when we are in the room.
    pub fn requested(&mut self, cx: &mut Context, asker: Requester) {
        if self.start.is_some() {
            self.await_somebody(cx);
        }
        if self.is_running() {
            request::answer(cx, &self.room, asker, true);
        } else {
            self.askers.push_back(asker);
        }
    }

    /// A presence from the room.
    pub fn presence(&mut self, cx: &mut Context, presence: Presence) {
        match self.seat.presence(cx, &presence) {
            SeatEvent::Other if self.is_running() => {
                // Who updates its presence elects nobody: a server that refuses grants would be asked each time.
                if self.member_presence(cx, &presence) {
                    self.elect_owner(cx);
                }
            }
            // Who came and went meanwhile was never here.
            SeatEvent::Other if presence.kind == Some(PresenceType::Unavailable) => {
                self.held.retain(|held| held.from != presence.from);
            }
            SeatEvent::Other => self.hold(presence),
            event => self.seat_event(cx, event),
        }
    }

    /// Keeps the latest presence of each for when we are ready, in the order in which they came.
    fn hold(&mut self, mut presence: Presence) {
        let Some(earlier) = self.held.iter_mut().find(|held| held.from == presence.from) else {
            return self.held.push(presence);
        };
        // As of a member: what is not said again stays.
        presence.caps = presence.caps.or_else(|| earlier.caps.take());
        presence.stats_id = presence.stats_id.or_else(|| earlier.stats_id.take());
        presence.region = presence.region.or_else(|| earlier.region.take());
        *earlier = presence;
    }

    pub fn entry_timed_out(&mut self, cx: &mut Context) {
        let event = self.seat.entry_timed_out();
        self.seat_event(cx, event);
    }

    pub fn form_answered(&mut self, cx: &mut Context, answer: Answer) {
        let event = self.seat.form_answered(answer);
        self.seat_event(cx, event);
    }

    pub fn configured(&mut self, cx: &mut Context, answer: Answer) {
        let event = self.seat.configured(answer);
        self.seat_event(cx, event);
    }

    /// The room's domain says that it hosts no rooms.
    pub fn no_such_service(&mut self, cx: &mut Context) {
        if self.phase == Phase::Entering {
            let why = "the domain of the room hosts no rooms";
            self.entry_failed(cx, &EntryFailure::NoAnswer(why));
            // What it is: no more silence.
            self.failure = Some(EntryFailure::Refused { condition: Condition::ItemNotFound, text: why.into() });
        }
    }

    fn seat_event(&mut self, cx: &mut Context, event: SeatEvent) {
        match event {
            SeatEvent::Nothing | SeatEvent::Other => {}
            SeatEvent::Own { owner: true } => self.see_to_owners(cx),
            SeatEvent::Entered(form) => self.entered(cx, form),
            SeatEvent::Failed(failure) => self.entry_failed(cx, &failure),
            SeatEvent::Lost(Loss::Destroyed { reason }) => {
                say!(self, info, "the room was destroyed: {reason}");
                self.end(cx, Leave::Outside);
            }
            SeatEvent::Lost(Loss::Removed { codes }) => {
                say!(self, warn, "the focus was put out of the room (status {codes:?}): the conference ends");
                self.end(cx, Leave::Outside);
            }
            SeatEvent::Own { owner: false } => {
                say!(self, error, "the focus is not owner of the room: the conference ends");
                let domain = self.room.domain();
                cx.problems.raise(cx.now, problems::Kind::NotOwner, domain, || {
                    format!(
                        "the focus is not owner of rooms at {domain}; no conference works there; make its account an admin \
                         of that component in Prosody (admins = {{ \"focus@auth.<domain>\" }})"
                    )
                });
                self.end(cx, Leave::Room);
            }
        }
    }

    /// We are in the room and it is configured.
    fn entered(&mut self, cx: &mut Context, form: RoomForm) {
        let wait = form.presets && !self.metadata_seen;
        self.form = form;
        self.metadata.apply_form(&self.form, self.metadata_seen);
        if wait {
            let timer = cx.timers.set(cx.now + METADATA_WAIT, Timer::MetadataTimeout(self.id));
            self.phase = Phase::AwaitingMetadata(timer);
        } else {
            self.run(cx);
        }
    }

    /// The room's configuration has changed. Where metadata tells what has, there is no need to look (spec/20 §2.3).
    pub fn reconfigured(&mut self, cx: &mut Context) {
        if !self.is_running() || self.metadata_seen || self.rereading {
            return;
        }
        self.rereading = true;
        let ask = IqBody::Get(Payload::MucOwner(MucOwner::default()));
        cx.request(self.seat.on, self.room.as_jid().clone(), ask, Then::RoomReread(self.id));
    }

    /// The form as it is now. Who we are in the room, its meeting id and its main room stay what they were.
    pub fn reread(&mut self, answer: Answer) {
        self.rereading = false;
        if self.metadata_seen {
            return;
        }
        match seat::form_of(answer) {
            Ok(form) => self.metadata.apply_form(&form, false),
            Err(failure) => say!(self, warn, "the room's changed configuration can't be read: {failure:?}"),
        }
    }

    pub fn metadata_timed_out(&mut self, cx: &mut Context) {
        if matches!(self.phase, Phase::AwaitingMetadata(_)) {
            say!(self, warn, "the room's metadata did not come: going on without");
            self.run(cx);
        }
    }

    fn metadata_known(&mut self, cx: &mut Context) {
        self.metadata_seen = true;
        if let Phase::AwaitingMetadata(timer) = self.phase {
            cx.timers.cancel(Some(timer));
            self.run(cx);
        }
    }

    /// The conference is open: whoever waited is answered, whoever came is dealt with, in this order (spec/10 §4.3).
    fn run(&mut self, cx: &mut Context) {
        self.meeting = match self.form.meeting_id.clone() {
            Some(id) => {
                cx.problems.solve(problems::Kind::NoMeetingId, self.room.domain());
                id
            }
            None => {
                let domain = self.room.domain();
                cx.problems.raise(cx.now, problems::Kind::NoMeetingId, domain, || {
                    format!(
                        "rooms at {domain} have no meeting id; random ones are used, which no other log knows; load \
                         muc_meeting_id for that component in Prosody"
                    )
                });
                cx.ids.meeting()
            }
        };
        if cx.meetings.contains_key(&self.meeting) {
            let text = format!("the meeting id {} is in use by another room", self.meeting);
            say!(self, error, "{text}");
            self.fail(cx, Some(&text));
            return;
        }
        cx.meetings.insert(self.meeting.clone(), self.id);
        if let Some(main) = &self.form.main_room {
            cx.breakouts.entry(main.clone()).or_default().insert(self.id);
        }
        self.phase = Phase::Running;
        say!(self, info, "Joined: the conference is open");
        cx.problems.solve(problems::Kind::NotOwner, self.room.domain());
        self.go_live(cx);
        self.answer_askers(cx, |cx, room, asker| request::answer(cx, room, asker, true));
        // Whoever leads already is among all who are there, not among the first.
        for presence in std::mem::take(&mut self.held) {
            self.member_presence(cx, &presence);
        }
        self.see_to_owners(cx);
    }

    fn entry_failed(&mut self, cx: &mut Context, failure: &EntryFailure) {
        self.failure = Some(failure.clone());
        match failure {
            EntryFailure::NoAnswer(what) => {
                say!(self, error, "could not enter the room: {what}");
                self.fail(cx, None);
            }
            EntryFailure::Refused { condition, text } => {
                say!(self, error, "could not enter the room: {condition} {text}{}", request::remedy(*condition));
                self.fail(cx, Some(if text.is_empty() { condition.as_str() } else { text }));
            }
        }
    }

    /// Each leaves the list once he has his answer: a failure in between leaves nobody without.
    fn answer_askers(&mut self, cx: &mut Context, answer: impl Fn(&mut Context, &BareJid, Requester)) {
        while let Some(asker) = self.askers.front().cloned() {
            answer(cx, &self.room, asker);
            self.askers.pop_front();
        }
    }

    /// The conference does not come about. Whoever waits tries again by himself, unless it was refused for good.
    fn fail(&mut self, cx: &mut Context, refused: Option<&str>) {
        self.answer_askers(cx, |cx, room, asker| match refused {
            None => request::answer(cx, room, asker, false),
            Some(text) => request::refuse(cx, asker.asked, text),
        });
        self.end(cx, Leave::Room);
    }

    /// A presence of somebody else, in its order. True: somebody came or went.
    fn member_presence(&mut self, cx: &mut Context, presence: &Presence) -> bool {
        let Some(nick) = presence.from.as_ref().and_then(Jid::resource) else { return false };
        let known = self.members.id_of(nick);
        match (presence.kind, known) {
            (None, None) => {
                self.member_came(cx, presence);
                true
            }
            (None, Some(id)) if self.members.get(id).is_some_and(|member| member.is_replaced_by(presence)) => {
                self.member_replaced(cx, id, presence);
                true
            }
            (None, Some(id)) => {
                let was_hidden = self.members.get(id).is_some_and(|member| member.real_jid.is_none());
                let trusted = cx.config.xmpp.trusted_domains.as_slice();
                let disregarded = self.members.update(id, presence, trusted);
                self.tell_disregarded(cx, id, disregarded);
                if was_hidden {
                    if self.members.get(id).is_some_and(|member| member.real_jid.is_some()) {
                        cx.problems.solve(problems::Kind::AnonymousRoom, self.room.domain());
                    }
                    self.grant_if_authenticated(cx, id);
                }
                self.publish_sender_limits(cx);
                self.weigh(cx);
                false
            }
            (Some(PresenceType::Unavailable), Some(id)) => {
                let switching = presence.status.as_deref().is_some_and(|status| status.trim() == SWITCH_ROOM);
                self.member_left(cx, id, switching);
                true
            }
            _ => false,
        }
    }

    fn member_came(&mut self, cx: &mut Context, presence: &Presence) {
        let Some(occupant) = presence.from.clone() else { return };
        let Some(nick) = occupant.resource().map(EndpointId::from) else { return };
        let id = MemberId(cx.unique());
        let mut member = Member::new(id, nick, occupant.clone());
        let disregarded = member.update(presence, true, &cx.config.xmpp.trusted_domains);
        say!(self, info, participant = member.nick; "Member joined: {}", member.nick);
        self.warn_of_hidden(cx, &member);
        self.members.insert(member);
        self.tell_disregarded(cx, id, disregarded);
        self.weigh(cx);
        cx.timers.cancel(self.start.take());
        self.publish_sender_limits(cx);
        self.grant_if_authenticated(cx, id);
        self.find_place(cx, id);
    }

    /// Finds out what a member supports.
    pub fn discover(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get(id) else { return };
        let (occupant, caps) = (member.occupant.clone(), member.caps.clone());
        if let Some(features) = caps::discover(cx, (self.id, id), self.seat.on, &occupant, caps.as_ref()) {
            self.features_known(cx, id, features);
        }
    }

    /// Somebody may wonder why it has no effect.
    fn tell_disregarded(&mut self, cx: &mut Context, id: MemberId, mut disregarded: Vec<Disregarded>) {
        let Some(member) = self.members.get_mut(id) else { return };
        disregarded.retain(|what| member.is_news(what));
        let nick = &member.nick;
        for what in disregarded {
            match what {
                Disregarded::Role { from, to } => {
                    say!(self, warn, participant = nick; "{nick} went from {from:?} to {to:?}: ignored");
                }
                Disregarded::Untrusted { domain } => {
                    let domain = domain.as_deref().unwrap_or("(hidden)");
                    say!(
                        self, warn, participant = nick;
                        "{nick} says it is a recorder, gateway or transcriber, but its domain {domain} is not in \
                         jicofo.xmpp.trusted-domains: an ordinary participant"
                    );
                    cx.problems.raise_for(cx.now, problems::Kind::JibriUntrusted, domain, id.0, || {
                        format!(
                            "a recorder, gateway or transcriber logs in at {domain}, which is not trusted; it counts as an \
                             ordinary participant; if it is yours, write xmpp.trusted-domains += \"{domain}\""
                        )
                    });
                }
            }
        }
    }

    /// It is known what a member supports: it can be invited.
    pub fn features_known(&mut self, cx: &mut Context, id: MemberId, features: Features) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.features = Some(features);
        self.invite_due(cx, id);
    }

    /// A newcomer is asked what it supports and then invited, unless it has come and gone too often lately: then a while
    /// later. It is held up before the question, which costs as much as it does to come.
    pub fn find_place(&mut self, cx: &mut Context, id: MemberId) {
        let members = self.members.len();
        let Some(member) = self.members.get_mut(id) else { return };
        let who = member.real_jid.as_ref().unwrap_or(&member.occupant);
        member.held_back = None;
        if !cx.floods.admit(cx.now, who, Kind::Place, Some((&mut self.purse, members))) {
            member.held_back = Some(cx.timers.set(cx.now + HELD_BACK, Timer::FindPlace(self.id, id)));
            self.story.decided(cx.now, "came and went too often: no place yet");
            return;
        }
        self.discover(cx, id);
    }

    /// A member is gone, however it went.
    fn member_left(&mut self, cx: &mut Context, id: MemberId, switching: bool) {
        let was_participant = self.members.get(id).is_some_and(Member::is_participant);
        if let Some(member) = self.members.get(id) {
            say!(self, info, participant = member.nick; "Member left: {}", member.nick);
            if was_participant {
                say!(self, info, participant = member.nick; "Terminating {}, reason: gone", member.nick);
            }
        }
        let nick = self.members.get(id).map(|member| member.nick.clone());
        self.forget_member(cx, id);
        if let Some(nick) = nick {
            // Nobody is told: clients drop its sources by themselves (spec/30 §6.8).
            self.signals.left(&nick);
        }
        self.publish_sender_limits(cx);
        self.weigh(cx);
        if was_participant {
            self.watch_for_loneliness(cx);
        }
        if self.members.is_empty() {
            self.empty(cx, switching);
        }
    }

    /// Another client of the same user has taken over a member's name before the room heard that the one before left, so it
    /// never says that (spec/20 §4.1): nobody dropped what that one sent, and it is the new one that needs a session.
    fn member_replaced(&mut self, cx: &mut Context, id: MemberId, presence: &Presence) {
        self.story.decided(cx.now, "another client has taken over that name: invited anew");
        if let Some(member) = self.members.get(id) {
            say!(self, info, participant = member.nick; "Another client has taken over from {}", member.nick);
        }
        let was_participant = self.members.get(id).is_some_and(Member::is_participant);
        self.drop_participant(cx, id, Invite::Idle);
        self.forget_member(cx, id);
        if was_participant {
            self.watch_for_loneliness(cx);
        }
        self.member_came(cx, presence);
    }

    /// Nothing of a member stays, and nobody is told of it here.
    fn forget_member(&mut self, cx: &mut Context, id: MemberId) {
        self.release_endpoint(cx, id);
        for deadline in cx.pending.forget_member(self.id, id) {
            cx.timers.cancel(Some(deadline));
        }
        let Some(member) = self.members.remove(id) else { return };
        cx.problems.cause_gone(id.0);
        if let Some(participation) = member.invite.participation() {
            cx.metrics.participant_ended(cx.now, participation.since);
            say!(self, info, participant = member.nick; "Removed participant {}", member.nick);
        }
        cx.timers.cancel(member.flush);
        cx.timers.cancel(member.next_endpoint);
        cx.timers.cancel(member.held_back);
        if member.features.is_none() {
            caps::left(cx, (self.id, id), member.caps.as_ref());
        }
        if let Some(session) = member.invite.session() {
            self.sessions.remove(&session.sid);
        }
        self.sources.remove_owner(&member.nick);
        self.signals.forget(&member.nick);
        self.owner_left(cx, id);
    }

    /// Nobody is left (spec/10 §5.2).
    fn empty(&mut self, cx: &mut Context, switching: bool) {
        if self.has_breakouts(cx) {
            return;
        }
        if switching {
            self.await_somebody(cx);
            return;
        }
        say!(self, info, "everybody has left");
        self.end(cx, Leave::Room);
    }

    /// A breakout conference of this one ended.
    pub fn breakout_ended(&mut self, cx: &mut Context) {
        if self.is_running() && self.members.is_empty() && !self.has_breakouts(cx) {
            say!(self, info, "nobody is left, here or in breakout rooms");
            self.end(cx, Leave::Room);
        }
    }

    fn has_breakouts(&self, cx: &Context) -> bool {
        cx.breakouts.get(&self.room).is_some_and(|breakouts| !breakouts.is_empty())
    }

    /// Ends the conference unless somebody comes in time.
    fn await_somebody(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.start.take());
        let wait = cx.config.conference.initial_timeout;
        self.start = Some(cx.timers.set(cx.now + wait, Timer::NobodyCame(self.id)));
    }

    pub fn nobody_came(&mut self, cx: &mut Context) {
        self.start = None;
        if self.has_breakouts(cx) || !self.members.is_empty() {
            return;
        }
        // A large room may take that long to let us in; that it does at all is watched over elsewhere.
        if !self.is_running() {
            self.await_somebody(cx);
            return;
        }
        say!(self, info, "nobody came");
        self.fail(cx, None);
    }

    /// Ends the conference: its endpoints are expired, its room is left, nothing of it stays. Each step stands for itself.
    pub fn end(&mut self, cx: &mut Context, leave: Leave) {
        if self.has_ended() {
            return;
        }
        let what = match leave {
            Leave::Room => "the end: leaves the room",
            Leave::Outside => "the end: outside already",
            Leave::Silently => "the end: the connection is lost",
        };
        self.story.decided(cx.now, what);
        say!(self, info, "Stopping: {what}");
        self.published.mute_for_good();
        // On the new stream the bridges do not know us yet, and would be told by nobody (spec/10 §5.3).
        if leave == Leave::Silently && cx.bridge_connection() == self.seat.on {
            self.drop_bridges(cx);
        } else {
            self.close_bridges(cx);
        }
        caps::ended(cx, self.id);
        for id in self.members.iter().map(|member| member.id).collect::<Vec<_>>() {
            self.forget_member(cx, id);
        }
        self.answer_askers(cx, |cx, room, asker| request::answer(cx, room, asker, false));
        match leave {
            Leave::Room => self.seat.leave(cx),
            Leave::Outside | Leave::Silently => self.seat.forget(cx),
        }
        if let Phase::AwaitingMetadata(timer) = self.phase {
            cx.timers.cancel(Some(timer));
        }
        self.phase = Phase::Ended;
        say!(self, info, "Stopped.");
        cx.timers.cancel(self.start.take());
        cx.timers.cancel(self.alone.take());
        cx.timers.cancel(self.published.limits_rest.take());
        self.cancel_retry(cx);
        self.cancel_repeat(cx);
        self.cancel_election(cx);
        cx.forget_conference(self.id);
        if cx.meetings.get(&self.meeting) == Some(&self.id) {
            cx.meetings.remove(&self.meeting);
        }
        if let Some(main) = &self.form.main_room
            && let Some(breakouts) = cx.breakouts.get_mut(main)
        {
            breakouts.remove(&self.id);
            if breakouts.is_empty() {
                cx.breakouts.remove(main);
            }
        }
    }
}

/// What the end of a conference says to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// We are, or may be, in the room.
    Room,
    /// The room is gone, or we are out of it.
    Outside,
    /// The stream is gone, and all that was meant for it (spec/10 §5.3).
    Silently,
}
