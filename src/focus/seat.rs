//! Our place in a room: entering it, its form, being in it, leaving it (spec/20 §2). Conferences and breweries alike.

use super::Connection;
use super::brewery::Worker;
use super::conference::ConferenceId;
use super::context::Context;
use super::pending::{Answer, Then};
use super::time::Timestamp;
use super::timers::{Timer, TimerKey};
use super::visitors::mirrors::MirrorId;
use crate::wire::muc::{DataForm, Field, History, Join, MucOwner, MucUser, Value};
use crate::wire::presence::Presence;
use crate::wire::stanza::{IqBody, Payload, Stanza};
use crate::wire::values::{Affiliation, Condition, MeetingId, PresenceType};
use crate::wire::{BareJid, Jid};

/// Our own presence, XEP-0045 §15.6.
const STATUS_SELF: u16 = 110;

/// A room that sends its members without end is waited for so many reply timeouts.
const ENTRY_PATIENCE: u32 = 8;

/// Whose place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeatOwner {
    Conference(ConferenceId),
    /// A conference, for its visitors.
    Mirror(ConferenceId, MirrorId),
    Brewery(Worker),
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Outside,
    /// The join presence is out; we wait for our own presence, or an error.
    Entering {
        join_id: String,
        timeout: TimerKey,
        /// However much the room has to say, we are not in it by then: our own presence is lost.
        latest: Timestamp,
    },
    /// The form was asked for and submitted.
    Configuring {
        form: Option<RoomForm>,
        configured: bool,
    },
    Inside,
}

/// What a room's configuration form says (spec/20 §2.3).
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct RoomForm {
    pub meeting_id: Option<MeetingId>,
    /// The room that this breakout room belongs to.
    pub main_room: Option<BareJid>,
    /// Metadata comes before anybody may be let in.
    pub presets: bool,
    // What older modules say here instead of in metadata.
    pub members_only: bool,
    pub visitors_enabled: Option<bool>,
    pub participants_soft_limit: Option<i64>,
}

/// Why a room could not be entered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EntryFailure {
    NoAnswer(&'static str),
    Refused { condition: Condition, text: String },
}

/// Why we are no longer in a room.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Loss {
    Destroyed {
        reason: String,
    },
    Removed {
        codes: Vec<u16>,
    },
    /// To the server we are not in it, of which it told nobody: its component was started anew.
    Forgotten,
}

/// What a step of ours leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SeatEvent {
    Nothing,
    Entered(RoomForm),
    Failed(EntryFailure),
    Lost(Loss),
    /// Our own presence while inside, with our rights.
    Own {
        owner: bool,
    },
    /// Somebody else's presence.
    Other,
    /// Whose presence came since we asked to be let in was seen in an earlier stay: there is nobody of them.
    Anew,
}

#[derive(Debug, Clone)]
pub(crate) struct Seat {
    owner: SeatOwner,
    pub on: Connection,
    pub room: BareJid,
    /// `room/nick`
    pub occupant: Jid,
    stage: Stage,
}

impl Seat {
    pub fn new(owner: SeatOwner, on: Connection, room: BareJid, occupant: Jid) -> Seat {
        Seat { owner, on, room, occupant, stage: Stage::Outside }
    }

    pub fn is_outside(&self) -> bool {
        self.stage == Stage::Outside
    }

    pub fn is_inside(&self) -> bool {
        self.stage == Stage::Inside
    }

    /// Asks to be let in. The domain is asked, once a process, whether it hosts rooms; its answer and ours come in the
    /// order of the questions, so there is no need to wait for it.
    pub fn enter(&mut self, cx: &mut Context) {
        cx.check_muc_domain(self.on, self.room.domain());
        let join_id = cx.ids.notice();
        let presence = Presence {
            to: Some(self.occupant.clone()),
            id: Some(join_id.clone()),
            priority: Some("0".into()),
            join: Some(Join { history: Some(History { maxstanzas: Some(0) }) }),
            caps: Some(cx.own.caps()),
            ..Presence::default()
        };
        let wait = cx.reply_timeout(self.on);
        let timeout = cx.timers.set(cx.now + wait, self.entry_timer());
        self.stage = Stage::Entering { join_id, timeout, latest: cx.now + wait * ENTRY_PATIENCE };
        cx.send(self.on, Stanza::Presence(Box::new(presence)));
    }

    /// Sends our leave, whatever was confirmed before: the server may have let us in after we gave up (spec/90, row 40).
    pub fn leave(&mut self, cx: &mut Context) {
        self.forget(cx);
        let presence =
            Presence { to: Some(self.occupant.clone()), kind: Some(PresenceType::Unavailable), ..Presence::default() };
        cx.send(self.on, Stanza::Presence(Box::new(presence)));
    }

    /// We are outside already: the room is gone, or the server has forgotten us.
    pub fn forget(&mut self, cx: &mut Context) {
        if let Stage::Entering { timeout, .. } = self.stage {
            cx.timers.cancel(Some(timeout));
        }
        self.stage = Stage::Outside;
    }

    /// A presence from the room.
    pub fn presence(&mut self, cx: &mut Context, presence: &Presence) -> SeatEvent {
        let own = presence.from.as_ref() == Some(&self.occupant);
        let is_self = own || presence.muc_user.as_ref().is_some_and(|user| has_status(user, STATUS_SELF));
        let timer = self.entry_timer();
        match &mut self.stage {
            Stage::Outside => SeatEvent::Nothing,
            Stage::Entering { join_id, timeout, latest } => {
                if presence.kind == Some(PresenceType::Error) {
                    if !own || presence.id.as_deref() != Some(join_id) {
                        return SeatEvent::Nothing;
                    }
                    self.forget(cx);
                    return SeatEvent::Failed(refusal(presence));
                }
                if is_self && presence.kind.is_none() && !is_of_earlier_stay(presence, join_id) {
                    cx.timers.cancel(Some(*timeout));
                    self.configure(cx);
                    return SeatEvent::Nothing;
                }
                // A room that is still sending its members is alive. What is left of a predecessor of ours, an
                // unavailable presence of our own, says nothing about this entry (spec/10 §5.7), but of those whose presence
                // came before it: it was sent to that predecessor.
                cx.timers.cancel(Some(*timeout));
                let then = (cx.now + cx.reply_timeout(self.on)).min(*latest);
                *timeout = cx.timers.set(then, timer);
                match (is_self, presence.kind) {
                    (false, _) => SeatEvent::Other,
                    (true, Some(PresenceType::Unavailable)) => SeatEvent::Anew,
                    (true, _) => SeatEvent::Nothing,
                }
            }
            Stage::Inside if own && says_that_we_are_outside(presence) => SeatEvent::Lost(Loss::Forgotten),
            Stage::Configuring { .. } | Stage::Inside if presence.kind == Some(PresenceType::Error) => {
                SeatEvent::Nothing
            }
            // Status 110 of another address is of no interest any more: by now we know our own.
            Stage::Configuring { .. } | Stage::Inside if own => own_presence(presence),
            Stage::Configuring { .. } | Stage::Inside => SeatEvent::Other,
        }
    }

    /// Nothing came from the room for the reply timeout, or for long nothing of ourselves.
    pub fn entry_timed_out(&mut self) -> SeatEvent {
        if !matches!(self.stage, Stage::Entering { .. }) {
            return SeatEvent::Nothing;
        }
        self.stage = Stage::Outside;
        SeatEvent::Failed(EntryFailure::NoAnswer("the room did not answer our join presence"))
    }

    /// The server's answer to the question for the form.
    pub fn form_answered(&mut self, answer: Answer) -> SeatEvent {
        let read = form_of(answer);
        // A brewery may have been made by somebody else, who then owns it: being in it is enough (spec/50 §1.1).
        let read = match read {
            Err(_) if self.is_of_brewery() => Ok(RoomForm::default()),
            read => read,
        };
        match (read, &mut self.stage) {
            (Ok(room_form), Stage::Configuring { form, .. }) => {
                *form = Some(room_form);
                self.entered_if_complete()
            }
            (Err(failure), Stage::Configuring { .. }) => SeatEvent::Failed(failure),
            _ => SeatEvent::Nothing,
        }
    }

    /// The server's answer to our form.
    pub fn configured(&mut self, answer: Answer) -> SeatEvent {
        let failure = match answer {
            Answer::Result(_) => None,
            Answer::Error(error) => Some(refused(error.condition, &error.text.unwrap_or_default())),
            Answer::None | Answer::Unheard => {
                Some(EntryFailure::NoAnswer("the room did not confirm its configuration"))
            }
        };
        let brewery = self.is_of_brewery();
        match (failure, &mut self.stage) {
            (Some(failure), Stage::Configuring { .. }) if !brewery => SeatEvent::Failed(failure),
            (_, Stage::Configuring { configured, .. }) => {
                *configured = true;
                self.entered_if_complete()
            }
            _ => SeatEvent::Nothing,
        }
    }

    /// Asks for the form and submits ours in one go: what we submit does not depend on what it says, and the server takes
    /// them in order. Everybody must see real JIDs, or clients do not recognise the focus (spec/20 §2.2 step 6).
    fn configure(&mut self, cx: &mut Context) {
        self.stage = Stage::Configuring { form: None, configured: false };
        let room = self.room.as_jid().clone();
        let ask = IqBody::Get(Payload::MucOwner(MucOwner::default()));
        cx.request(self.on, room.clone(), ask, Then::RoomForm(self.owner));
        let submit = DataForm {
            kind: "submit".into(),
            fields: vec![
                field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"),
                field("muc#roomconfig_whois", "anyone"),
            ],
        };
        let submit = IqBody::Set(Payload::MucOwner(MucOwner { form: Some(submit) }));
        cx.request(self.on, room, submit, Then::RoomConfigured(self.owner));
    }

    fn entered_if_complete(&mut self) -> SeatEvent {
        match &mut self.stage {
            Stage::Configuring { form, configured: true } if form.is_some() => {
                let form = form.take().unwrap_or_default();
                self.stage = Stage::Inside;
                SeatEvent::Entered(form)
            }
            _ => SeatEvent::Nothing,
        }
    }

    fn is_of_brewery(&self) -> bool {
        matches!(self.owner, SeatOwner::Brewery(_))
    }

    fn entry_timer(&self) -> Timer {
        match self.owner {
            SeatOwner::Conference(id) => Timer::EntryTimeout(id),
            SeatOwner::Mirror(id, mirror) => Timer::MirrorTimeout(id, mirror),
            SeatOwner::Brewery(worker) => Timer::BreweryTimeout(worker),
        }
    }
}

/// Whether our own presence is the echo of one that we sent before we left and came again: each shows what we sent, and what
/// we entered with bears its id and tells nothing of a conference yet.
fn is_of_earlier_stay(presence: &Presence, join_id: &str) -> bool {
    presence.id.as_deref().is_some_and(|id| id != join_id) || presence.conference_properties.is_some()
}

/// A presence that we sent into the room is refused because there is no such room, or we are not in it (XEP-0045 §7.1, §7.7).
fn says_that_we_are_outside(presence: &Presence) -> bool {
    let condition = presence.error.as_ref().map(|error| error.condition);
    presence.kind == Some(PresenceType::Error)
        && matches!(condition, Some(Condition::ItemNotFound | Condition::NotAcceptable))
}

fn own_presence(presence: &Presence) -> SeatEvent {
    let user = presence.muc_user.clone().unwrap_or_default();
    if presence.kind == Some(PresenceType::Unavailable) {
        return SeatEvent::Lost(match user.destroy {
            Some(destroy) => Loss::Destroyed { reason: destroy.reason.unwrap_or_default() },
            None => Loss::Removed { codes: user.statuses.iter().map(|status| status.code).collect() },
        });
    }
    // Several sessions under one nick give several items; the last one counts (spec/20 §4.1).
    let owner = user.items.last().is_some_and(|item| item.affiliation == Some(Affiliation::Owner));
    SeatEvent::Own { owner }
}

fn has_status(user: &MucUser, code: u16) -> bool {
    user.statuses.iter().any(|status| status.code == code)
}

fn refusal(presence: &Presence) -> EntryFailure {
    match &presence.error {
        Some(error) => refused(error.condition, error.text.as_deref().unwrap_or_default()),
        None => refused(Condition::UndefinedCondition, ""),
    }
}

fn refused(condition: Condition, text: &str) -> EntryFailure {
    EntryFailure::Refused { condition, text: text.to_owned() }
}

fn field(var: &str, value: &str) -> Field {
    Field { var: Some(var.into()), values: vec![Value { text: value.into() }] }
}

/// The form in a room's answer.
pub(crate) fn form_of(answer: Answer) -> Result<RoomForm, EntryFailure> {
    match answer {
        Answer::Result(Some(Payload::MucOwner(MucOwner { form: Some(form) }))) => read_form(&form),
        Answer::Result(_) => Err(refused(Condition::UndefinedCondition, "the room sent no configuration form")),
        Answer::Error(error) => Err(refused(error.condition, &error.text.unwrap_or_default())),
        Answer::None | Answer::Unheard => Err(EntryFailure::NoAnswer("the room did not send its configuration form")),
    }
}

fn read_form(form: &DataForm) -> Result<RoomForm, EntryFailure> {
    let value = |var: &str| {
        let field = form.fields.iter().find(|field| field.var.as_deref() == Some(var))?;
        field.values.first().map(|value| value.text.trim()).filter(|text| !text.is_empty())
    };
    let is_set = |var: &str| value(var).is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"));
    let main_room = match value("muc#roominfo_breakout_main_room") {
        Some(room) if is_set("muc#roominfo_isbreakout") => Some(BareJid::new(room).map_err(|_| {
            refused(
                Condition::JidMalformed,
                "the form names a main room that is no JID: muc#roominfo_breakout_main_room",
            )
        })?),
        _ => None,
    };
    Ok(RoomForm {
        meeting_id: value("muc#roominfo_meetingId").map(MeetingId::from),
        main_room,
        presets: is_set("muc#roominfo_conference_presets_service_enabled"),
        members_only: is_set("muc#roomconfig_membersonly"),
        visitors_enabled: value("muc#roominfo_visitorsEnabled").map(|_| is_set("muc#roominfo_visitorsEnabled")),
        participants_soft_limit: value("muc#roominfo_participantsSoftLimit").and_then(|limit| limit.parse().ok()),
    })
}
