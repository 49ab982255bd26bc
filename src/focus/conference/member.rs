//! The occupants of a conference's room, as their presence describes them (spec/20 §4).

use super::MemberId;
use super::bridge::{EndpointState, Losses};
use super::features::Features;
use super::invite::Invite;
use super::limits::Budget;
use super::source_info::{SourceInfo, Video};
use crate::focus::Connection;
use crate::focus::bridges::crowd::{Person, VIDEOS};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::caps;
use crate::focus::timers::TimerKey;
use crate::focus::visitors::codecs;
use crate::wire::Jid;
use crate::wire::disco::Caps;
use crate::wire::presence::Presence;
use crate::wire::values::{Affiliation, EndpointId, MucRole, SessionId};

/// What a member may do (spec/20 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Owner,
    Moderator,
    Participant,
    Visitor,
}

/// What kind of member it is (spec/20 §4.4). Only members of trusted domains can be anything but a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kind {
    pub jibri: bool,
    pub jigasi: bool,
    pub transcriber: bool,
}

impl Kind {
    pub fn is_service(self) -> bool {
        self.jibri || self.jigasi || self.transcriber
    }
}

/// What a presence says and is not followed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Disregarded {
    /// A visitor became something else, or the reverse.
    Role { from: Role, to: Role },
    /// It says that it is a recorder, gateway or transcriber, and is from a domain that is not trusted, or hidden.
    Untrusted { domain: Option<String> },
}

impl Disregarded {
    const KINDS: usize = 2;

    fn kind(&self) -> usize {
        match self {
            Disregarded::Role { .. } => 0,
            Disregarded::Untrusted { .. } => 1,
        }
    }
}

/// An occupant other than the focus. `id` is its identity: one who leaves and comes back is another.
#[derive(Debug)]
pub(crate) struct Member {
    pub id: MemberId,
    pub nick: EndpointId,
    pub occupant: Jid,
    /// The connection of the room in which it is.
    pub on: Connection,
    pub real_jid: Option<Jid>,
    pub role: Role,
    pub kind: Kind,
    /// What it says it is.
    claimed: Kind,
    /// What of its presence does not count was said in the log already, by kind: once is enough.
    told: [bool; Disregarded::KINDS],
    pub caps: Option<Caps>,
    /// The video codecs of a visitor that lists any, as when it came.
    pub codecs: Option<Vec<Box<str>>>,
    /// None until it is known what it supports: it can't be invited before.
    pub features: Option<Features>,
    pub stats_id: Option<Box<str>>,
    pub region: Option<Box<str>>,
    pub diarize: bool,
    pub audio_muted: bool,
    pub video_muted: bool,
    /// The videos that it shows. None: its client does not say which it sends.
    pub videos: Option<Vec<Video>>,
    /// It has not said yet what it sends.
    pub arriving: bool,
    /// How many videos it wants, once it has taken an offer.
    pub wants: Option<u32>,
    pub invite: Invite,
    /// What a bridge has of it.
    pub endpoint: Option<EndpointState>,
    /// A session that ended by its own fault, so that what still comes for it is told so (spec/30 §9.1).
    pub ended: Option<SessionId>,
    /// Whether it has had an offer: a start-muted policy acts on the first one only (spec/20 §10), which may be late if a
    /// bridge refuses.
    pub offered_before: bool,
    /// When it may be asked what it supports, and invited: it has come and gone too often.
    pub held_back: Option<TimerKey>,
    /// When it is told of what has changed, if that is to be later.
    pub flush: Option<TimerKey>,
    /// When it is given an endpoint again, if bridges have lost too many of its endpoints to do so at once.
    pub next_endpoint: Option<TimerKey>,
    /// The bridge that its last endpoint was moved off, and others to which it is not to go for the same reason, until it has
    /// another.
    pub moved_off: Vec<BridgeId>,
    /// It is to leave its bridge, as that has too much to do.
    pub moves_for_load: bool,
    /// It was sent to another bridge as one left out of its answer what has to be in it. Once, until one gave all.
    pub tried_another: bool,
    pub losses: Losses,
    pub restarts: Budget,
    pub ice_restarts: Budget,
}

/// Region and statistics id go to bridges: a longer text is none.
const MAX_TEXT: usize = 256;

impl Member {
    pub fn new(id: MemberId, nick: EndpointId, occupant: Jid, on: Connection) -> Member {
        Member {
            id,
            nick,
            occupant,
            on,
            real_jid: None,
            role: Role::Visitor,
            kind: Kind::default(),
            claimed: Kind::default(),
            told: [false; Disregarded::KINDS],
            caps: None,
            codecs: None,
            features: None,
            stats_id: None,
            region: None,
            diarize: false,
            audio_muted: true,
            video_muted: true,
            videos: None,
            arriving: true,
            wants: None,
            invite: Invite::Idle,
            endpoint: None,
            ended: None,
            offered_before: false,
            held_back: None,
            flush: None,
            next_endpoint: None,
            moved_off: Vec::new(),
            moves_for_load: false,
            tried_another: false,
            losses: Losses::default(),
            restarts: Budget::default(),
            ice_restarts: Budget::default(),
        }
    }

    /// Takes over what an available presence says. `first`: nothing is known yet, so nothing is kept. What of it does not count
    /// is returned.
    pub fn update(&mut self, presence: &Presence, first: bool, trusted_domains: &[String]) -> Vec<Disregarded> {
        let mut disregarded = Vec::new();
        if let Some(item) = presence.muc_user.as_ref().and_then(|user| user.items.last()) {
            // Of several clients under one name it stays the one that we have.
            if item.jid.is_some() && (self.real_jid.is_none() || self.is_replaced_by(presence)) {
                self.real_jid = item.jid.clone();
            }
            disregarded.extend(self.set_role(role(item.affiliation, item.role), first));
        }
        if let Some(caps) = presence.caps.as_ref().filter(|caps| caps::can_be_kept(caps)) {
            self.caps = Some(caps.clone());
        }
        if first && self.role == Role::Visitor {
            self.codecs = codecs::listed(presence.codec_list.as_deref(), presence.codec_type.as_deref());
        }
        if let Some(stats_id) = presence.stats_id.as_ref().filter(|text| text.len() <= MAX_TEXT) {
            self.stats_id = Some(stats_id.as_str().into());
        }
        if let Some(region) = presence.region.as_ref().filter(|text| text.len() <= MAX_TEXT) {
            self.region = Some(region.as_str().into());
        }
        self.diarize = presence.diarize.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"));
        self.update_mutes(presence);
        disregarded.extend(self.update_kind(presence, trusted_domains));
        // Recorders and visitors send nothing; gateways say so as everybody does.
        self.arriving &= self.audio_muted && self.video_muted && self.role != Role::Visitor && !self.kind.jibri;
        disregarded
    }

    /// Whether this presence under its name is that of other clients only.
    pub fn is_replaced_by(&self, presence: &Presence) -> bool {
        let items = presence.muc_user.iter().flat_map(|user| &user.items);
        let mut shown = items.filter_map(|item| item.jid.as_ref()).peekable();
        self.real_jid.is_some() && shown.peek().is_some() && shown.all(|jid| Some(jid) != self.real_jid.as_ref())
    }

    /// Whether it is the first time that something of this kind does not count. From then on it is not.
    pub fn is_news(&mut self, disregarded: &Disregarded) -> bool {
        !std::mem::replace(&mut self.told[disregarded.kind()], true)
    }

    /// Its address; where it hides that, the one in the room.
    pub fn payer(&self) -> &Jid {
        self.real_jid.as_ref().unwrap_or(&self.occupant)
    }

    /// What it sends and wants, as far as load goes. Who comes is expected to send, until he says otherwise a second later; who
    /// only looks on sends nothing, whatever its presence says.
    pub fn person(&self) -> Person {
        let visitor = self.role == Role::Visitor;
        let shown = self.videos.iter().flatten().filter(|video| !video.muted).count();
        // A camera and a screen are two; who does not say which he sends has one.
        let videos = if self.video_muted { 0 } else { u32::try_from(shown).unwrap_or(VIDEOS).max(1) };
        Person {
            visitor,
            audio: !visitor && (self.arriving || !self.audio_muted),
            videos: if visitor { 0 } else { videos.max(self.arriving.into()) },
            wants: self.wants,
        }
    }

    /// Whether it has moderator rights.
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Owner | Role::Moderator)
    }

    pub fn is_participant(&self) -> bool {
        self.invite.is_participant()
    }

    /// A visitor does not become anything else, nor the reverse: it would corrupt what is counted (spec/20 §4.2). Whoever is
    /// one by now has no rights of a moderator left all the same.
    fn set_role(&mut self, role: Role, first: bool) -> Option<Disregarded> {
        if !first && (role == Role::Visitor) != (self.role == Role::Visitor) {
            let disregarded = Disregarded::Role { from: self.role, to: role };
            if role == Role::Visitor {
                self.role = Role::Participant;
            }
            return Some(disregarded);
        }
        self.role = role;
        None
    }

    fn update_mutes(&mut self, presence: &Presence) {
        match presence.source_info.as_deref() {
            Some(text) => {
                if let Some(info) = SourceInfo::read(text) {
                    (self.audio_muted, self.video_muted) = (info.audio_muted, info.video_muted);
                    self.videos = Some(info.videos);
                }
            }
            None => {
                self.audio_muted = !is_unmuted(presence.audio_muted.as_deref());
                self.video_muted = !is_unmuted(presence.video_muted.as_deref());
                // Whoever has said it once is no client that does not know how.
                self.videos = self.videos.take().map(|_| Vec::new());
            }
        }
    }

    fn update_kind(&mut self, presence: &Presence, trusted_domains: &[String]) -> Option<Disregarded> {
        let has = |feature: &str| {
            let features = presence.features.iter().flat_map(|features| &features.features);
            features.into_iter().any(|known| known.var.as_deref() == Some(feature))
        };
        let claimed = Kind {
            jibri: has("http://jitsi.org/protocol/jibri"),
            jigasi: has("http://jitsi.org/protocol/jigasi"),
            transcriber: has("http://jitsi.org/protocol/transcriber"),
        };
        let domain = self.real_jid.as_ref().map(Jid::domain);
        let trusted = domain.is_some_and(|domain| trusted_domains.iter().any(|known| known == domain));
        let new = std::mem::replace(&mut self.claimed, claimed) != claimed;
        self.kind = if trusted { claimed } else { Kind::default() };
        let untrusted = claimed.is_service() && !trusted && new;
        untrusted.then(|| Disregarded::Untrusted { domain: domain.map(str::to_owned) })
    }
}

fn role(affiliation: Option<Affiliation>, role: Option<MucRole>) -> Role {
    match (affiliation, role) {
        (Some(Affiliation::Owner), _) => Role::Owner,
        (Some(Affiliation::Admin), _) | (_, Some(MucRole::Moderator)) => Role::Moderator,
        (_, Some(MucRole::Participant)) => Role::Participant,
        _ => Role::Visitor,
    }
}

/// Whether a presence is that of a visitor.
pub(super) fn is_visitor(presence: &Presence) -> bool {
    let item = presence.muc_user.as_ref().and_then(|user| user.items.last());
    item.is_some_and(|item| role(item.affiliation, item.role) == Role::Visitor)
}

fn is_unmuted(muted: Option<&str>) -> bool {
    muted.is_some_and(|muted| !muted.trim().eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::muc::{Item, MucUser};

    fn member() -> Member {
        let occupant = Jid::new("r@conference.meet.test/abcd1234").unwrap();
        Member::new(MemberId(1), EndpointId::from("abcd1234"), occupant, Connection::Client)
    }

    fn with_source_info(text: &str) -> Presence {
        Presence { source_info: Some(text.into()), ..Presence::default() }
    }

    fn with_role(affiliation: Affiliation, role: MucRole, jid: &str) -> Presence {
        let item = Item { affiliation: Some(affiliation), role: Some(role), jid: Jid::new(jid).ok() };
        Presence { muc_user: Some(MucUser { items: vec![item], ..MucUser::default() }), ..Presence::default() }
    }

    #[test]
    fn mute_state_follows_source_info_then_the_legacy_elements() {
        let mut member = member();
        let _ = member.update(&with_source_info(r#"{"a-a0":{"muted":false}}"#), true, &[]);
        assert!(!member.audio_muted && member.video_muted);
        let _ = member.update(&with_source_info("garbage"), false, &[]);
        assert!(!member.audio_muted, "what cannot be read changes nothing");
        let _ = member.update(&Presence { audio_muted: Some("false".into()), ..Presence::default() }, false, &[]);
        assert!(!member.audio_muted);
        let _ = member.update(&Presence::default(), false, &[]);
        assert!(member.audio_muted, "neither element: muted");
    }

    #[test]
    fn a_camera_and_a_screen_are_two_videos() {
        let mut member = member();
        member.role = Role::Participant;
        let mut sends = |text: &str| {
            let _ = member.update(&with_source_info(text), false, &[]);
            (member.person().audio, member.person().videos, member.video_muted)
        };
        assert_eq!(sends("{}"), (true, 1, true), "who has not said what he sends is expected to send");
        let both = r#"{"x-a0":{"muted":true},"x-v0":{"muted":false},"x-v1":{"muted":false,"videoType":"desktop"}}"#;
        assert_eq!(sends(both), (false, 2, false));
        let screen = r#"{"x-v0":{"muted":true},"x-v1":{"muted":false,"videoType":"desktop"}}"#;
        assert_eq!(sends(screen), (false, 1, false));
        assert_eq!(sends(r#"{"x-v0":{"muted":true}}"#), (false, 0, true));
        let camera = Presence { video_muted: Some("false".into()), ..Presence::default() };
        let _ = member.update(&camera, false, &[]);
        assert_eq!(member.person().videos, 1);
        member.role = Role::Visitor;
        assert_eq!((member.person().audio, member.person().videos), (false, 0), "who looks on sends nothing");
    }

    #[test]
    fn a_source_info_with_an_unknown_video_type_is_ignored_entirely() {
        let mut member = member();
        let _ = member.update(&with_source_info(r#"{"x-v0":{"muted":false,"videoType":"hologram"}}"#), true, &[]);
        assert!(member.video_muted);
    }

    #[test]
    fn only_members_of_trusted_domains_are_recorders() {
        let features = r#"<presence><features><feature var="http://jitsi.org/protocol/jibri"/></features>
            <x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="none" role="participant"
            jid="recorder@hidden.example.com/x"/></x></presence>"#;
        let presence: Presence = crate::wire::xml::read_str(features).unwrap();
        let mut member = member();
        let untrusted = Disregarded::Untrusted { domain: Some("hidden.example.com".into()) };
        assert_eq!(member.update(&presence, true, &[]), [untrusted]);
        assert!(!member.kind.jibri);
        let _ = member.update(&presence, false, &["example.com".into()]);
        assert!(!member.kind.jibri, "a subdomain is another domain");
        let _ = member.update(&presence, false, &["hidden.example.com".into()]);
        assert!(member.kind.jibri);
    }

    #[test]
    fn a_participant_does_not_become_a_visitor_later() {
        let mut member = member();
        let _ = member.update(&with_role(Affiliation::None, MucRole::Participant, "a@x/1"), true, &[]);
        let _ = member.update(&with_role(Affiliation::None, MucRole::Visitor, "a@x/1"), false, &[]);
        assert_eq!(member.role, Role::Participant);
        let _ = member.update(&with_role(Affiliation::Owner, MucRole::Moderator, "a@x/1"), false, &[]);
        assert_eq!(member.role, Role::Owner);
        let _ = member.update(&with_role(Affiliation::None, MucRole::Visitor, "a@x/1"), false, &[]);
        assert_eq!(member.role, Role::Participant, "and no owner");
    }
}
