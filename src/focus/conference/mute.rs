//! Muting and unmuting: who may (spec/20 §8).

use std::fmt;

use super::features::Features;
use super::member::{Member, Role};
use super::{Conference, MemberId};
use crate::focus::context::{Asked, Context};
use crate::focus::sources::validate::Rejection;
use crate::wire::Jid;
use crate::wire::stanza::{IqBody, MuteAudio, MuteDesktop, MuteVideo, Payload};
use crate::wire::values::{Condition, VideoType};

/// What is muted. Each has a namespace of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

impl Wish {
    pub(in crate::focus) fn mutes(&self) -> bool {
        self.text.eq_ignore_ascii_case("true")
    }
}

/// So much is shown of an address that somebody wrote.
const MAX_SHOWN: usize = 80;

/// What decides whether somebody is muted or unmuted, or lets visitors in, as logs and `docs/SECURE-DOMAIN.md` call it. In the order in which they are
/// asked, and then what was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomRule {
    /// It can't be read, or makes no sense.
    BadWish,
    /// Who wants it, or whom it is about, is none.
    NoParticipant,
    /// It is about others, and who wants it does not lead.
    NotModerator,
    /// Nobody's microphone is opened by another.
    UnmuteOfAnother,
    /// What he wants to open is moderated, and nobody has approved him.
    Moderated,
    /// A recorder, or a gateway that cannot.
    NotMutable,
    /// It is about himself.
    Oneself,
    /// Who wants it leads.
    Leads,
}

impl RoomRule {
    pub const ALL: [RoomRule; 8] = [
        RoomRule::BadWish,
        RoomRule::NoParticipant,
        RoomRule::NotModerator,
        RoomRule::UnmuteOfAnother,
        RoomRule::Moderated,
        RoomRule::NotMutable,
        RoomRule::Oneself,
        RoomRule::Leads,
    ];

    pub fn name(self) -> &'static str {
        match self {
            RoomRule::BadWish => "bad-wish",
            RoomRule::NoParticipant => "no-participant",
            RoomRule::NotModerator => "not-moderator",
            RoomRule::UnmuteOfAnother => "unmute-of-another",
            RoomRule::Moderated => "moderated",
            RoomRule::NotMutable => "not-mutable",
            RoomRule::Oneself => "oneself",
            RoomRule::Leads => "moderator",
        }
    }

    pub fn refuses(self) -> bool {
        !matches!(self, RoomRule::Oneself | RoomRule::Leads)
    }
}

impl fmt::Display for RoomRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a wish is not fulfilled.
#[derive(Debug)]
struct Refused {
    rule: RoomRule,
    condition: Condition,
    text: &'static str,
}

impl Conference {
    /// A member wants somebody muted or unmuted. Muting is asked of the target's client; the bridge enforces what moderation
    /// says and nothing else.
    pub(in crate::focus) fn mute(&mut self, cx: &mut Context, asked: Asked, sender: MemberId, wish: &Wish) {
        let decided = self.may_mute(sender, wish);
        self.tell_decided(cx, sender, wish, &decided);
        self.story.decided(
            cx.now,
            match &decided {
                Err(Refused { text, .. }) => text,
                Ok(target) if *target == sender => "it is about himself: done",
                Ok(_) => "who leads may: done",
            },
        );
        match decided {
            Err(Refused { condition, text, .. }) => {
                let rejection = Rejection { condition, text: text.to_owned() };
                cx.answer(asked, IqBody::Error(rejection.into_error()));
            }
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

    /// The line of the log. What one does with his own microphone is everyday.
    fn tell_decided(&self, cx: &mut Context, sender: MemberId, wish: &Wish, decided: &Result<MemberId, Refused>) {
        let Some(sender) = self.members.get(sender) else { return };
        let own = matches!(decided, Ok(target) if *target == sender.id);
        let level = if own { log::Level::Debug } else { cx.floods.level(cx.now, &cx.payer_of(sender)) };
        let target = wish.target.as_deref().map_or("nobody", |target| target.split_once('/').map_or(target, |it| it.1));
        let target: String = target.escape_debug().take(MAX_SHOWN).collect();
        let verb = if wish.mutes() { "Mute" } else { "Unmute" };
        let outcome = match decided {
            Ok(_) if own => format!("done by rule {}", RoomRule::Oneself),
            Ok(_) => format!("done by rule {}", RoomRule::Leads),
            Err(Refused { rule, text, .. }) => format!("refused by rule {rule} ({text})"),
        };
        say_at!(
            self, level, participant = sender.nick;
            "{verb} ({}) of {target} by {}: {outcome}", wish.what.name(), sender.nick
        );
    }

    /// The one it is about, if the sender may have it muted, or unmuted.
    fn may_mute(&self, sender: MemberId, wish: &Wish) -> Result<MemberId, Refused> {
        let refuse = |rule, condition, text| Refused { rule, condition, text };
        let unreadable = |text| refuse(RoomRule::BadWish, Condition::BadRequest, text);
        if wish.text.is_empty() {
            return Err(unreadable("neither true nor false"));
        }
        let target = wish.target.as_deref().and_then(|target| Jid::new(target).ok());
        let target = target.ok_or_else(|| unreadable("'jid' is missing or no address"))?;
        let participant = |id: MemberId| self.members.get(id).filter(|member| member.is_participant());
        let absent = || refuse(RoomRule::NoParticipant, Condition::ItemNotFound, "no participant");
        let sender = participant(sender).ok_or_else(absent)?;
        let own = sender.occupant == target;
        if !own && !matches!(sender.role, Role::Owner | Role::Moderator) {
            return Err(refuse(RoomRule::NotModerator, Condition::NotAllowed, "only moderators may mute others"));
        }
        // The whole address: a nick means nothing in another room.
        let found = self.members.at(target.as_str());
        // A visitor is there, but in no place for media.
        let target = found.filter(|it| it.is_participant() || it.role == Role::Visitor).ok_or_else(absent)?;
        let unmutes = !wish.mutes();
        if !own && unmutes {
            return Err(refuse(RoomRule::UnmuteOfAnother, Condition::NotAllowed, "nobody can unmute another"));
        }
        if unmutes && !self.moderation.allows(target, wish.what) {
            return Err(refuse(RoomRule::Moderated, Condition::NotAllowed, "moderated, and not approved"));
        }
        if !may_be_muted(target) {
            return Err(refuse(RoomRule::NotMutable, Condition::NotAllowed, "this participant can't be muted"));
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
