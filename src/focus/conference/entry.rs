//! A conference and its room: who asks for it, entering, what the room says of itself, opening, what makes it fail.

use std::time::Duration;

use super::super::context::Context;
use super::super::pending::{Answer, Then};
use super::super::problems;
use super::super::request::{self, Place, Requester};
use super::super::seat::{self, EntryFailure, Loss, RoomForm, SeatEvent};
use super::super::timers::Timer;
use super::{Conference, Leave, Phase};
use crate::wire::muc::MucOwner;
use crate::wire::presence::Presence;
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::{Condition, MeetingId, PresenceType};

/// How long to wait for the metadata of a room that has some (spec/20 §2.2 step 7).
const METADATA_WAIT: Duration = Duration::from_secs(10);

/// So many may wait for the focus to be in a room, the main one or one of visitors; others are told to ask again. Each keeps what it asked with.
pub(in crate::focus::conference) const MAX_ASKERS: usize = 1_000;

impl Conference {
    /// Whether one more who asks can be answered, or kept until he can.
    pub fn has_place_for_asker(&self) -> bool {
        self.is_running() || self.askers.len() < MAX_ASKERS
    }

    /// Somebody asks for a conference that there is: he is answered now, or when we are in the room.
    pub fn requested(&mut self, cx: &mut Context, asker: Requester) {
        if self.start.is_some() {
            self.await_somebody(cx);
        }
        if self.is_running() {
            self.direct(cx, asker);
        } else if self.has_place_for_asker() {
            self.askers.push_back(asker);
        } else {
            self.answer(cx, asker, Place::NotReady);
        }
    }

    /// A presence from the room.
    pub fn presence(&mut self, cx: &mut Context, presence: Presence) {
        match self.seat.presence(cx, &presence) {
            SeatEvent::Other if self.is_running() => {
                // Who updates its presence elects nobody: a server that refuses grants would be asked each time.
                if self.member_presence(cx, self.seat.on, &presence) {
                    self.elect_owner(cx);
                }
            }
            // Who came and went meanwhile was never here.
            SeatEvent::Other if presence.kind == Some(PresenceType::Unavailable) => {
                self.held.retain(|held| held.from != presence.from);
            }
            SeatEvent::Other => hold(&mut self.held, presence),
            event => self.seat_event(cx, event),
        }
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
            SeatEvent::Anew => self.held.clear(),
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
            SeatEvent::Lost(Loss::Forgotten) => {
                say!(self, warn, "the server has forgotten that the focus is in the room: the conference ends");
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
    fn entered(&mut self, cx: &mut Context, mut form: RoomForm) {
        // A room of somebody else's server may say of itself what it likes: it would keep any room of ours alive, and have
        // guests start it.
        let domain = self.room.domain();
        let elsewhere = cx.breakout_domain.as_deref().map_or(!cx.is_ours(domain), |breakouts| breakouts != domain);
        if let Some(main) = form.main_room.take_if(|_| elsewhere) {
            say!(self, warn, "claims to be a breakout room of {main}, and is not in their domain: an ordinary room");
        }
        let wait = form.presets && !self.metadata_seen;
        self.form = form;
        // From here on: its metadata may take a while, and whoever is on the way to it has left the main room.
        if let Some(main) = &self.form.main_room {
            cx.breakouts.entry(main.clone()).or_default().insert(self.id);
        }
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

    pub(super) fn metadata_known(&mut self, cx: &mut Context) {
        self.metadata_seen = true;
        if let Phase::AwaitingMetadata(timer) = self.phase {
            cx.timers.cancel(Some(timer));
            self.run(cx);
        }
    }

    /// The conference is open: whoever waited is answered, whoever came is dealt with, in this order (spec/10 §4.3).
    fn run(&mut self, cx: &mut Context) {
        self.meeting = self.meeting_id(cx);
        if cx.meetings.contains_key(&self.meeting) {
            let text = format!("the meeting id {} is in use by another room", self.meeting);
            say!(self, error, "{text}");
            self.fail(cx, Some(&text));
            return;
        }
        cx.meetings.insert(self.meeting.clone(), self.id);
        self.phase = Phase::Running;
        say!(self, info, "Joined: the conference is open");
        if self.form.main_room.is_none() && cx.breakout_domain.as_deref() != Some(self.room.domain()) {
            cx.rooms_are_at(self.room.domain());
        }
        cx.problems.solve(problems::Kind::NotOwner, self.room.domain());
        self.go_live(cx);
        self.answer_askers(cx, Conference::direct);
        // Whoever leads already is among all who are there, not among the first.
        for presence in std::mem::take(&mut self.held) {
            self.member_presence(cx, self.seat.on, &presence);
        }
        self.see_to_owners(cx);
    }

    /// The id under which bridges know the conference: what the room says, if it can be believed (spec/20 §2.3).
    fn meeting_id(&self, cx: &mut Context) -> MeetingId {
        let domain = self.room.domain();
        let said = self.form.meeting_id.clone();
        if !cx.is_ours(domain) {
            // It could name that of a room of ours: it would keep that one from opening, or be in its meeting on a bridge.
            let id = cx.ids.meeting();
            if let Some(said) = said {
                say!(self, info, "its server is not ours: its own meeting id {said} is not used, it is {id} here");
            }
            return id;
        }
        if let Some(id) = said {
            cx.problems.solve(problems::Kind::NoMeetingId, domain);
            return id;
        }
        // Prosody gives those rooms none.
        if self.is_check {
            return cx.ids.meeting();
        }
        cx.problems.raise(cx.now, problems::Kind::NoMeetingId, domain, || {
            format!(
                "rooms at {domain} have no meeting id; random ones are used, which no other log knows; load muc_meeting_id for that \
                 component in Prosody"
            )
        });
        cx.ids.meeting()
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
    pub(super) fn answer_askers(
        &mut self,
        cx: &mut Context,
        answer: impl Fn(&mut Conference, &mut Context, Requester),
    ) {
        while let Some(asker) = self.askers.front().cloned() {
            answer(self, cx, asker);
            self.askers.pop_front();
        }
    }

    /// The conference does not come about. Whoever waits tries again by himself, unless it was refused for good.
    pub(super) fn fail(&mut self, cx: &mut Context, refused: Option<&str>) {
        self.answer_askers(cx, |conference, cx, asker| match refused {
            None => conference.answer(cx, asker, Place::NotReady),
            Some(text) => request::refuse(cx, asker.asked, text),
        });
        self.end(cx, Leave::Room);
    }
}

/// Keeps the latest presence of each for when we are ready, in the order in which they came.
pub(super) fn hold(kept: &mut Vec<Presence>, mut presence: Presence) {
    let Some(earlier) = kept.iter_mut().find(|held| held.from == presence.from) else {
        return kept.push(presence);
    };
    // As of a member: what is not said again stays.
    presence.caps = presence.caps.or_else(|| earlier.caps.take());
    presence.stats_id = presence.stats_id.or_else(|| earlier.stats_id.take());
    presence.region = presence.region.or_else(|| earlier.region.take());
    *earlier = presence;
}
