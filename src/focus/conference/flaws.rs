//! Flaws that tests put into a conference, to see that [`Conference::audit`] finds each of them.

use super::cascade::Cascade;
use super::invite::{Invite, Task};
use super::member::Member;
use super::members::Members;
use super::{AttemptId, Conference, MemberId, Phase};
use crate::focus::bridges::crowd::Load;
use crate::focus::context::Context;
use crate::focus::timers::Timer;

/// What is wrong in a conference. Where it is of somebody, of the first member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It has ended, and is there.
    Ended,
    /// Nobody is in it, and nothing ends it.
    Empty,
    /// One more sends audio than is counted.
    AudioSender,
    /// One more sends video.
    VideoSender,
    /// He is no participant any more, and nothing else has changed.
    Participation,
    /// He has left, and nothing else has changed.
    Member,
    /// All others have left, and nothing ends his session.
    Alone,
    /// He has left, and what he sends is kept for him.
    Reserved,
    /// A session is of nobody.
    SessionOfNobody,
    /// He has two sessions.
    SecondSession,
    /// No session is found by its sid.
    SessionIndex,
    /// He has no session, and nothing is done to give him one.
    Session,
    /// He has no endpoint, and the bridge's session says that he has.
    Endpoint,
    /// He waits for a bridge that nobody seeks.
    AwaitsBridge,
    /// He is to be moved, and nobody moves him.
    AwaitsMove,
    /// An offer waits for an answer that nobody awaits.
    AwaitsAnswer,
    /// A flush is scheduled for him that no timer brings about.
    Flush,
    /// He is kept outside, with nothing that lets him in.
    HeldBack,
    /// Nothing has the limits of senders looked at again.
    LimitsRest,
    /// Nothing has the number of visitors told again.
    VisitorsRest,
    /// It is not known what he supports, and nobody asks.
    Features,
    /// What he wants to see is not what is counted.
    Wants,
    /// A bridge was told of another load.
    Load,
    /// The bridges' sessions are not linked.
    Links,
}

impl Conference {
    pub(in crate::focus) fn spoil(&mut self, cx: &mut Context, flaw: Flaw) {
        let Some(id) = self.members.iter().map(|member| member.id).next() else { return };
        let gone_off = cx.timers.set(cx.now, Timer::Alone(self.id));
        cx.timers.cancel(Some(gone_off));
        match flaw {
            Flaw::Ended => self.phase = Phase::Ended,
            Flaw::Empty => self.members = Members::default(),
            Flaw::AudioSender => self.change(id, |member| member.audio_muted ^= true),
            Flaw::VideoSender => self.change(id, |member| member.video_muted ^= true),
            Flaw::Participation => self.change(id, |member| member.invite = Invite::Idle),
            Flaw::Member => _ = self.members.remove(id),
            Flaw::Alone => {
                let others: Vec<MemberId> =
                    self.members.iter().map(|member| member.id).filter(|it| *it != id).collect();
                others.into_iter().for_each(|it| _ = self.members.remove(it));
            }
            Flaw::Reserved => {
                if let Some(member) = self.members.remove(id) {
                    self.sources.withdraw(&member.nick);
                }
            }
            Flaw::SessionOfNobody => _ = self.sessions.insert("nobody".into(), MemberId::NONE),
            Flaw::SecondSession => _ = self.sessions.insert("another".into(), id),
            Flaw::SessionIndex => self.sessions.clear(),
            Flaw::Session => self.change(id, |member| {
                if let Some(participation) = member.invite.participation_mut() {
                    participation.session = None;
                }
            }),
            Flaw::Endpoint => self.change(id, |member| member.endpoint = None),
            Flaw::AwaitsBridge => self.has_task(id, Task::AwaitingBridge),
            Flaw::AwaitsMove => self.has_task(id, Task::AwaitingMove),
            Flaw::AwaitsAnswer => self.has_task(id, Task::Offering(AttemptId(u64::MAX))),
            Flaw::Flush => {
                if let Some(member) = self.members.get(id) {
                    self.signals.scheduled(&member.nick);
                }
            }
            Flaw::HeldBack => self.change(id, |member| {
                member.invite = Invite::Idle;
                member.held_back = Some(gone_off);
            }),
            Flaw::LimitsRest => self.published.limits_rest = Some(gone_off),
            Flaw::VisitorsRest => self.visitors.rest = Some(gone_off),
            Flaw::Features => self.change(id, |member| member.features = None),
            Flaw::Wants => self.change(id, |member| member.wants = Some(1)),
            Flaw::Load => self.bridges.iter_mut().for_each(|session| session.stay.load = Load::NONE),
            Flaw::Links => self.cascade = Cascade::default(),
        }
    }

    /// Without what else changes then.
    fn change(&mut self, id: MemberId, change: impl FnOnce(&mut Member)) {
        if let Some(member) = self.members.get_mut(id) {
            change(member);
        }
    }

    fn has_task(&mut self, id: MemberId, task: Task) {
        self.change(id, |member| {
            if let Some(participation) = member.invite.participation_mut() {
                participation.task = task;
            }
        });
    }
}
