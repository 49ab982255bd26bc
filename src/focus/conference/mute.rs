//! Muting and unmuting: who may (spec/20 §8).

use super::features::Features;
use super::member::{Member, Role};
use super::{Conference, MemberId};
use crate::focus::context::{Asked, Context};
use crate::focus::sources::validate::Rejection;
use crate::wire::Jid;
use crate::wire::stanza::{IqBody, MuteAudio, MuteDesktop, MuteVideo, Payload};
use crate::wire::values::{Condition, VideoType};

/// What is muted. Each has a namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Muted {
    Audio,
    Video,
    Desktop,
}

impl Muted {
    /// By the name that components give it, in any case.
    pub fn of_name(name: &str) -> Option<Muted> {
        [Muted::Audio, Muted::Video, Muted::Desktop].into_iter().find(|media| media.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Muted::Audio => "audio",
            Muted::Video => "video",
            Muted::Desktop => "desktop",
        }
    }

    /// What has to be allowed for a video of that kind.
    pub fn of_video(kind: VideoType) -> Muted {
        match kind {
            VideoType::Camera => Muted::Video,
            VideoType::Desktop => Muted::Desktop,
        }
    }

    /// Whether it is pictures, of whatever.
    pub fn is_video(self) -> bool {
        self != Muted::Audio
    }

    /// What a bridge mutes together: it knows no screens.
    pub fn group(self) -> &'static [Muted] {
        match self {
            Muted::Audio => &[Muted::Audio],
            Muted::Video | Muted::Desktop => &[Muted::Video, Muted::Desktop],
        }
    }
}

/// A wish to mute or unmute somebody, oneself included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    pub what: Muted,
    /// The occupant it is about, as it was written.
    pub target: Option<String>,
    pub text: String,
}

impl Wish {
    /// The wish in a request; None if it is about something else.
    pub fn read(payload: &Payload) -> Option<Wish> {
        let (what, target, text) = match payload {
            Payload::MuteAudio(mute) => (Muted::Audio, &mute.jid, &mute.mute),
            Payload::MuteVideo(mute) => (Muted::Video, &mute.jid, &mute.mute),
            Payload::MuteDesktop(mute) => (Muted::Desktop, &mute.jid, &mute.mute),
            _ => return None,
        };
        Some(Wish { what, target: target.clone(), text: text.clone() })
    }
}

impl Conference {
    /// A member wants somebody muted or unmuted. Muting is asked of the target's client; the bridge enforces what moderation
    /// says and nothing else.
    pub(in crate::focus) fn mute(&mut self, cx: &mut Context, asked: Asked, sender: MemberId, wish: &Wish) {
        match self.may_mute(sender, wish) {
            Err(rejection) => cx.answer(asked, IqBody::Error(rejection.into_error())),
            Ok(target) => {
                self.enforce(cx, target, wish.what);
                cx.answer(asked, IqBody::Result(None));
                if target != sender
                    && let Some(occupant) = self.occupant(target)
                {
                    self.tell_muted(cx, self.occupant(sender), occupant, wish.what);
                }
            }
        }
    }

    /// The one it is about, if the sender may have it muted, or unmuted.
    fn may_mute(&self, sender: MemberId, wish: &Wish) -> Result<MemberId, Rejection> {
        let refuse = |condition, text: &str| Rejection { condition, text: text.to_owned() };
        if wish.text.is_empty() {
            return Err(refuse(Condition::BadRequest, "neither true nor false"));
        }
        let target = wish.target.as_deref().and_then(|target| Jid::new(target).ok());
        let target = target.ok_or_else(|| refuse(Condition::BadRequest, "'jid' is missing or no address"))?;
        let participant = |id: MemberId| self.members.get(id).filter(|member| member.is_participant());
        let absent = || refuse(Condition::ItemNotFound, "no participant");
        let sender = participant(sender).ok_or_else(absent)?;
        let own = sender.occupant == target;
        if !own && !matches!(sender.role, Role::Owner | Role::Moderator) {
            return Err(refuse(Condition::NotAllowed, "only moderators may mute others"));
        }
        // The whole address: a nick means nothing in another room.
        let found = target.resource().and_then(|nick| self.members.get(self.members.id_of(nick)?));
        let found = found.filter(|member| member.occupant == target);
        // A visitor is there, but in no place for media.
        let target = found.filter(|it| it.is_participant() || it.role == Role::Visitor).ok_or_else(absent)?;
        let unmutes = !wish.text.eq_ignore_ascii_case("true");
        if !own && unmutes {
            return Err(refuse(Condition::NotAllowed, "nobody can unmute another"));
        }
        if unmutes && !self.moderation.allows(target, wish.what) {
            return Err(refuse(Condition::NotAllowed, "moderated, and not approved"));
        }
        if !may_be_muted(target) {
            return Err(refuse(Condition::NotAllowed, "this participant can't be muted"));
        }
        Ok(target.id)
    }

    fn occupant(&self, id: MemberId) -> Option<Jid> {
        self.members.get(id).map(|member| member.occupant.clone())
    }

    /// Has a participant's client mute. `actor`: who wanted it, if it was meant for this one alone.
    pub(super) fn tell_muted(&self, cx: &mut Context, actor: Option<Jid>, target: Jid, what: Muted) {
        let mute = "true".to_owned();
        let payload = match what {
            Muted::Audio => Payload::MuteAudio(MuteAudio { jid: None, actor, mute }),
            Muted::Video => Payload::MuteVideo(MuteVideo { jid: None, actor, mute }),
            Muted::Desktop => Payload::MuteDesktop(MuteDesktop { jid: None, actor, mute }),
        };
        // Clients never answer it.
        cx.notify(self.seat.on, target, IqBody::Set(payload));
    }
}

/// Recorders never are, gateways only if they can be.
pub(super) fn may_be_muted(member: &Member) -> bool {
    let gateway = member.kind.jigasi && !member.features.is_some_and(|features| features.has(Features::AUDIO_MUTE));
    !member.kind.jibri && !gateway && member.role != Role::Visitor
}
