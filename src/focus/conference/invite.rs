//! Inviting participants: when, with what, and what becomes of it (spec/30 §6).

use std::time::Duration;

use super::bridge::Placement;
use super::features::Features;
use super::member::{Member, Role};
use super::offer::Offer;
use super::replaces::Replaces;
use super::view::View;
use super::{AttemptId, Conference, MemberId};
use crate::config::ReinviteMethod;
use crate::focus::colibri::answer::Allocated;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::sources::set::BRIDGE_OWNER;
use crate::focus::sources::signal::Heard;
use crate::focus::time::Timestamp;
use crate::focus::timers::Timer;
use crate::wire::jingle::{BridgeSession, Jingle, Reason, StartMuted};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::{Action, BridgeSessionId, SessionId};

/// While nobody can be heard it is not looked oftener whether somebody is alone.
const WHILE_AWAY: Duration = Duration::from_secs(1);

/// Where a member stands with its media session.
#[derive(Debug, Default)]
pub(crate) enum Invite {
    /// Not invited yet, or not any more.
    #[default]
    Idle,
    /// Its invitation failed by its own fault: not repeated until all are invited anew (spec/30 §6.3).
    Failed,
    Participating(Box<Participation>),
}

/// A member that is invited: a participant.
#[derive(Debug)]
pub(crate) struct Participation {
    pub since: Timestamp,
    /// What is being done to give it a (new) session.
    pub task: Task,
    /// The session it has, or is being offered.
    pub session: Option<Session>,
    /// By policy and limits. Decided when it was invited, not when the bridge answered: who comes later does not count
    /// (spec/30 §6.6).
    start_muted: StartMuted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    None,
    /// No bridge can take it now.
    AwaitingBridge,
    /// Its bridge was left; it is invited anew when its turn comes.
    AwaitingMove,
    /// A bridge was asked for an endpoint.
    Allocating(AttemptId),
    /// The offer is out and not confirmed.
    Offering(AttemptId),
    /// The same, to a session that there is: `transport-replace`.
    Replacing(AttemptId),
    /// Its `transport-accept` came before it was confirmed.
    Replaced(AttemptId),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Session {
    pub sid: SessionId,
    /// Accepted. Before that nothing may be signalled to it.
    pub active: bool,
    /// Which session on a bridge the client was told of last.
    pub told: BridgeSessionId,
    /// When its transport was to be replaced.
    pub replaces: Replaces,
}

impl Invite {
    pub fn is_participant(&self) -> bool {
        matches!(self, Invite::Participating(_))
    }

    pub fn participation(&self) -> Option<&Participation> {
        match self {
            Invite::Participating(participation) => Some(participation),
            _ => None,
        }
    }

    pub fn participation_mut(&mut self) -> Option<&mut Participation> {
        match self {
            Invite::Participating(participation) => Some(participation),
            _ => None,
        }
    }

    pub fn session(&self) -> Option<&Session> {
        self.participation()?.session.as_ref()
    }
}

/// What ends a session from our side (spec/30 §12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terminate {
    Moving,
    Failed,
    Idle,
}

impl Terminate {
    fn text(self) -> &'static str {
        match self {
            Terminate::Moving => "moving",
            Terminate::Failed => "jingle session failed",
            Terminate::Idle => "Idle session timeout",
        }
    }

    fn reason(self) -> Reason {
        Reason {
            success: self == Terminate::Moving,
            general_error: self == Terminate::Failed,
            expired: self == Terminate::Idle,
            text: Some(self.text().into()),
            ..Reason::default()
        }
    }
}

impl Conference {
    /// Invites whoever is to be invited now that it is known what `newcomer` supports: all members where nobody is a
    /// participant, or where there were too few until now; otherwise this one alone, so that a join costs the same in a room
    /// of any size.
    pub(super) fn invite_due(&mut self, cx: &mut Context, newcomer: MemberId) {
        // Whoever is to have no session is company for nobody.
        if self.members.get(newcomer).is_some_and(|member| !is_welcome(cx, member)) {
            return;
        }
        if (self.members.len() as u64) < self.enough(cx) || !self.is_running() {
            self.has_waiting = true;
            return;
        }
        let waited = std::mem::take(&mut self.has_waiting);
        let is_first = self.members.participants() == 0;
        let is_due =
            |member: &&Member| may_be_invited(cx, member) && (is_first || !matches!(member.invite, Invite::Failed));
        let due: Vec<MemberId> = if is_first || waited {
            self.members.iter().filter(is_due).map(|member| member.id).collect()
        } else {
            self.members.get(newcomer).filter(is_due).map(|member| member.id).into_iter().collect()
        };
        if due.is_empty() {
            return;
        }
        cx.timers.cancel(self.alone.take());
        for id in due {
            self.invite(cx, id);
        }
    }

    /// How many have to be there before anybody is invited.
    pub(super) fn enough(&self, cx: &Context) -> u64 {
        if self.metadata.transcribing { 1 } else { u64::from(cx.config.conference.min_participants) }
    }

    /// The conference is on no bridge, and there is one that it has not tried: everybody is invited (spec/40 §9.2).
    pub(super) fn invite_failed_again(&mut self, cx: &mut Context) {
        let failed = |member: &&Member| matches!(member.invite, Invite::Failed) && may_be_invited(cx, member);
        let failed: Vec<MemberId> = self.members.iter().filter(failed).map(|member| member.id).collect();
        let Some(first) = failed.first() else { return };
        if self.members.participants() == 0 {
            return self.invite_due(cx, *first);
        }
        for id in failed {
            self.invite(cx, id);
        }
    }

    fn invite(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get_mut(id) else { return };
        let features = member.features.unwrap_or(Features::UNANSWERED);
        member.invite = Invite::Participating(Box::new(Participation {
            since: cx.now,
            task: Task::AwaitingBridge,
            session: None,
            start_muted: StartMuted::default(),
        }));
        self.members.count_participant(id);
        // Before anything is said, which may fail: whoever is counted as gone has come.
        cx.metrics.participants += 1;
        self.publish_visitors(cx);
        self.decide_start_muted(cx, id);
        if !features.has(Features::START_MUTED_RMD) {
            cx.metrics.participants_no_start_muted_rmd += 1;
        }
        self.place(cx, id);
    }

    /// Asks a bridge for an endpoint for a participant.
    pub(super) fn place(&mut self, cx: &mut Context, id: MemberId) {
        // Whoever is held back is placed when that is over.
        if self.members.get(id).is_some_and(|member| member.next_endpoint.is_some()) {
            return;
        }
        let attempt = AttemptId(cx.unique());
        let task = match self.allocate(cx, id, attempt) {
            Placement::Asked => Task::Allocating(attempt),
            Placement::NoBridge => Task::AwaitingBridge,
        };
        if let Some(participation) = self.participation(id) {
            participation.task = task;
        }
    }

    /// The bridge gave an endpoint: the participant is offered a session on it.
    pub(super) fn offer(&mut self, cx: &mut Context, id: MemberId, allocated: &Allocated) {
        let attempt = AttemptId(cx.unique());
        let Some(session) = self.session_of(id) else { return };
        let (feedback, bridge_session, told) = (session.feedback.clone(), told_of(session), session.id.clone());
        let start_muted = self.start_muted(id);
        // Whoever has a session is told of the others in it, as an offer may have no room for all of them.
        self.flush(cx, id);
        let Some(member) = self.members.get_mut(id) else { return };
        let on = member.on;
        let Some(initiator) = cx.jid(on).cloned() else { return };
        let features = member.features.unwrap_or(Features::UNANSWERED);
        let Some(participation) = member.invite.participation_mut() else { return };
        let replaced = participation.session.as_ref().map(|session| session.sid.clone());
        let (action, task) = match replaced {
            Some(_) => (Action::TransportReplace, Task::Replacing(attempt)),
            None => (Action::SessionInitiate, Task::Offering(attempt)),
        };
        let sid = replaced.unwrap_or_else(|| cx.ids.session());
        let view = View::of(features, &cx.config.conference);
        let codecs = cx.codecs.get(features, &cx.config);
        let (mut jingle, heard) = Offer {
            sid: sid.clone(),
            initiator: initiator.to_string(),
            receiver: &member.nick,
            codecs: &codecs,
            view,
            transport: &allocated.transport,
            sctp_port: allocated.sctp_port,
            feedback: &feedback,
            sources: &self.sources,
            start_muted,
            bridge_session,
        }
        .session_initiate();
        jingle.action = Some(action.as_str().into());
        participation.task = task;
        member.offered_before = true;
        if let Some(session) = &mut participation.session {
            session.told = told;
            session.replaces.sent(attempt);
        } else {
            let replaces = Replaces::default();
            participation.session = Some(Session { sid: sid.clone(), active: false, told, replaces });
        }
        let to = member.occupant.clone();
        // What the offer shows and what is signalled from now on are one snapshot (spec/30 §6.8).
        let heard = if action == Action::TransportReplace { Heard::All } else { heard };
        self.signals.offered(&member.nick, view, heard);
        self.sessions.insert(sid, id);
        let then = Then::Offered(self.id, id, attempt);
        cx.request(on, to, IqBody::Set(Payload::Jingle(jingle)), then);
    }

    /// A participant confirmed our offer, refused it, or said nothing.
    pub(in crate::focus) fn offer_answered(
        &mut self,
        cx: &mut Context,
        id: MemberId,
        attempt: AttemptId,
        answer: Answer,
    ) {
        let Some(participation) = self.participation(id) else { return };
        if let Some(session) = &mut participation.session {
            match answer {
                Answer::Result(_) => session.replaces.heard(attempt),
                _ => session.replaces.failed(attempt),
            }
        }
        // A superseded offer decides nothing about its successor (spec/30 §6.8).
        let replacing = matches!(participation.task, Task::Replacing(it) | Task::Replaced(it) if it == attempt);
        // The answer itself may have been lost.
        let taken = participation.task == Task::Replaced(attempt);
        if !replacing && participation.task != Task::Offering(attempt) {
            self.story.decided(cx.now, "that offer was replaced: nothing");
            return;
        }
        participation.task = Task::None;
        let active = participation.session.as_ref().is_some_and(|session| session.active);
        match answer {
            Answer::Result(_) => {}
            // Whoever has accepted has taken the offer, whatever else is said about the request.
            Answer::Error(_) if active && !replacing => {}
            Answer::Error(error) => {
                let member = self.members.get(id).map(|member| member.nick.to_string()).unwrap_or_default();
                say!(
                    self, warn, participant = member; "{member} refused our offer: {} {}",
                    error.condition,
                    error.text.unwrap_or_default()
                );
                if replacing {
                    self.replacement_failed(cx, id);
                } else {
                    self.invite_failed(cx, id);
                }
            }
            // In a large room a client may take longer than this to answer (spec/90, row 65).
            Answer::None | Answer::Unheard if !replacing || taken => {}
            Answer::None | Answer::Unheard => self.replacement_failed(cx, id),
        }
    }

    /// A session whose transport could not be replaced is no use: the participant gets another, once and by an offer
    /// (spec/30 §6.5).
    fn replacement_failed(&mut self, cx: &mut Context, id: MemberId) {
        self.story.decided(cx.now, "the transport was not replaced: a new session");
        self.release_endpoint(cx, id);
        self.reinvite_by(cx, id, ReinviteMethod::RestartJingle);
    }

    /// The invitation came to nothing: the participant is none any more (spec/30 §6.3).
    pub(super) fn invite_failed(&mut self, cx: &mut Context, id: MemberId) {
        self.story.decided(cx.now, "the invitation failed: not repeated");
        self.terminate(cx, id, Terminate::Failed);
        self.drop_participant(cx, id, Invite::Failed);
    }

    /// The participant is none any more: its sources, its session and its endpoint go; it stays in the room.
    pub(super) fn drop_participant(&mut self, cx: &mut Context, id: MemberId, becomes: Invite) {
        self.withdraw_sources(cx, id);
        self.close_session(id);
        self.release_endpoint(cx, id);
        let asked = cx.pending.forget_member(self.id, id);
        cx.forget_requests(asked);
        let Some(member) = self.members.get_mut(id) else { return };
        cx.timers.cancel(member.next_endpoint.take());
        if let Some(participation) = member.invite.participation() {
            cx.metrics.participant_ended(cx.now, participation.since);
            let nick = member.nick.clone();
            member.invite = becomes;
            self.members.uncount_participant(id);
            self.publish_visitors(cx);
            say!(self, info, participant = nick; "Removed participant {nick}");
            self.watch_for_loneliness(cx);
        }
    }

    /// Gives a participant a new session on a bridge, whatever is wrong with the one it has (spec/30 §6.5). Its endpoint must
    /// have been released before.
    pub(super) fn reinvite(&mut self, cx: &mut Context, id: MemberId) {
        self.reinvite_by(cx, id, cx.config.conference.reinvite_method);
    }

    pub(super) fn reinvite_by(&mut self, cx: &mut Context, id: MemberId, method: ReinviteMethod) {
        let Some(participation) = self.participation(id) else { return };
        participation.task = Task::AwaitingBridge;
        let pending = participation.session.as_ref().is_some_and(|session| !session.active);
        // A session that was never accepted can't have its transport replaced.
        if method == ReinviteMethod::RestartJingle || pending {
            self.withdraw_sources(cx, id);
            self.terminate(cx, id, Terminate::Moving);
            self.close_session(id);
        }
        self.decide_start_muted(cx, id);
        self.place(cx, id);
    }

    /// Gives participants that were on a bridge another place, each when its turn comes.
    pub(super) fn move_all(&mut self, cx: &mut Context, ids: &[MemberId]) {
        for id in ids {
            if let Some(participation) = self.participation(*id) {
                participation.task = Task::AwaitingMove;
            }
            if cx.moves_now(self.id, *id) {
                self.place_waiting(cx, *id);
            }
        }
    }

    /// It is a participant's turn, if it still waits for it.
    pub(in crate::focus) fn place_waiting(&mut self, cx: &mut Context, id: MemberId) {
        match self.members.get(id).and_then(|member| member.invite.participation()).map(|it| it.task) {
            Some(Task::AwaitingMove) => {
                cx.metrics.participants_moved += 1;
                self.reinvite(cx, id);
            }
            Some(Task::AwaitingBridge) => self.place(cx, id),
            _ => {}
        }
    }

    /// Tells a participant that its session is over, if it has one.
    pub(super) fn terminate(&mut self, cx: &mut Context, id: MemberId, why: Terminate) {
        let Some(member) = self.members.get(id) else { return };
        let Some(session) = member.invite.session() else { return };
        say!(self, info, participant = member.nick; "Terminating {}, reason: {}", member.nick, why.text());
        let jingle = Jingle {
            action: Some(Action::SessionTerminate.as_str().into()),
            sid: Some(session.sid.clone()),
            reason: Some(why.reason()),
            ..Jingle::default()
        };
        cx.notify(member.on, member.occupant.clone(), IqBody::Set(Payload::Jingle(jingle)));
    }

    /// Forgets a participant's session: what comes for it is for nobody.
    pub(super) fn close_session(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(id) else { return };
        let nick = member.nick.clone();
        if let Some(session) = member.invite.participation_mut().and_then(|it| it.session.take()) {
            self.sessions.remove(&session.sid);
        }
        self.signals.forget(&nick);
    }

    /// A participant sends nothing until it has accepted again, and the others are told.
    pub(super) fn withdraw_sources(&mut self, cx: &mut Context, id: MemberId) {
        let Some(nick) = self.members.get(id).map(|member| member.nick.clone()) else { return };
        if let Some(changed) = self.sources.withdraw(&nick) {
            self.tell_others(cx, &nick, &changed);
        }
    }

    pub(super) fn participation(&mut self, id: MemberId) -> Option<&mut Participation> {
        self.members.get_mut(id)?.invite.participation_mut()
    }

    /// Whether a participant starts muted (spec/30 §6.6). In its first offer the room's policy counts too.
    fn decide_start_muted(&mut self, cx: &Context, id: MemberId) {
        let first = self.members.get(id).is_some_and(|member| !member.offered_before);
        let count = self.members.participants();
        let limits = &cx.config.conference;
        let over = |limit: u32, asked: Option<u32>| count > asked.map_or(limit, |asked| asked.min(limit)) as usize;
        let policy = self.metadata.start_muted;
        let audio = (first && policy.audio) || over(limits.max_audio_senders, self.properties.start_audio_muted);
        let video = (first && policy.video) || over(limits.max_video_senders, self.properties.start_video_muted);
        if let Some(participation) = self.participation(id) {
            participation.start_muted = StartMuted { audio, video };
        }
    }

    /// What a participant's offer says of starting muted: also what is moderated by now. None: nothing.
    fn start_muted(&self, id: MemberId) -> Option<StartMuted> {
        let member = self.members.get(id)?;
        let decided = member.invite.participation()?.start_muted;
        let moderated = self.moderation.start_muted(member);
        let (audio, video) = (decided.audio || moderated.audio, decided.video || moderated.video);
        (audio || video).then_some(StartMuted { audio, video })
    }

    /// Somebody left or was dropped: one who is alone has a while before its session ends, unless one is enough (spec/30 §6.1).
    pub(super) fn watch_for_loneliness(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.alone.take());
        if self.members.participants() == 1 && self.enough(cx) > 1 {
            self.end_loneliness(cx, cx.config.conference.single_participant_timeout);
        }
    }

    fn end_loneliness(&mut self, cx: &mut Context, after: Duration) {
        self.alone = Some(cx.timers.set(cx.now + after, Timer::Alone(self.id)));
    }

    /// The one participant has been alone long enough. It stays in the room and is invited again when somebody comes.
    pub(in crate::focus) fn alone_for_long(&mut self, cx: &mut Context) {
        self.alone = None;
        if self.members.participants() != 1 {
            return;
        }
        // Somebody may have come, of whom we hear when the connection is resumed.
        if !cx.is_connected(self.seat.on) {
            return self.end_loneliness(cx, cx.config.conference.single_participant_timeout.max(WHILE_AWAY));
        }
        let Some(id) = self.members.iter().find(|member| member.is_participant()).map(|member| member.id) else {
            return;
        };
        let nick = self.members.get(id).map(|member| member.nick.clone()).unwrap_or_default();
        say!(self, info, participant = nick; "the session of {nick} ends: nobody else came");
        self.story.decided(cx.now, "one is alone: its session ends");
        self.terminate(cx, id, Terminate::Idle);
        self.drop_participant(cx, id, Invite::Idle);
    }
}

/// What a client is told of the session on the bridge.
fn told_of(session: &super::bridge::BridgeSession) -> BridgeSession {
    BridgeSession { id: Some(session.id.to_string()), region: session.region.clone(), ..BridgeSession::default() }
}

/// Nobody gets a session before it is known what it supports.
fn may_be_invited(cx: &Context, member: &Member) -> bool {
    !member.is_participant() && member.features.is_some() && member.held_back.is_none() && is_welcome(cx, member)
}

/// Visitors get a session only where there are to be some (spec/30 §6.1). Nor does who is called like the bridge: what it sends
/// would be taken for the bridge's by all.
fn is_welcome(cx: &Context, member: &Member) -> bool {
    let is_visitor_welcome = member.role != Role::Visitor || cx.config.visitors.enabled;
    is_visitor_welcome && member.nick.as_str() != BRIDGE_OWNER
}

impl Member {
    /// Whether a Jingle session with this id is, or was, this member's.
    pub(super) fn has_session(&self, sid: &SessionId) -> bool {
        self.invite.session().is_some_and(|session| session.sid == *sid)
    }
}
