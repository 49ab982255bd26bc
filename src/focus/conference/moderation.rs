//! A/V moderation: who may have microphone, camera and screen on, and what is done where it begins (spec/20 §9).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::bridge::{EndpointState, Refused};
use super::member::{Member, Role};
use super::members::Members;
use super::mute::{Muted, may_be_muted};
use super::{Conference, EndpointKey, MemberId, SessionKey};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::colibri::answer::{self, UpdateOutcome};
use crate::focus::colibri::request;
use crate::focus::context::Context;
use crate::focus::floods::Kind;
use crate::focus::pending::{Answer, Then};
use crate::focus::size::{escaped, in_pieces};
use crate::focus::sources::set::{Source, SourceSet};
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::Jid;
use crate::wire::colibri2::ForceMute;
use crate::wire::jingle::StartMuted;
use crate::wire::values::{EndpointId, MediaType, SourceName, VideoType};

/// What is moderated in a room. Off until the component says otherwise.
#[derive(Debug, Default)]
pub(crate) struct Moderation {
    audio: Moderated,
    video: Moderated,
    desktop: Moderated,
    /// What everybody was told to mute just now.
    rests: BTreeMap<Muted, Rest>,
}

/// How long it takes until everybody is told again to mute the same: to switch moderation is one message, and costs as many as
/// there are people.
const MUTES_REST: Duration = Duration::from_secs(1);

/// The time after everybody was told to mute.
#[derive(Debug)]
struct Rest {
    timer: TimerKey,
    /// Moderation has begun anew meanwhile, by the wish of this one if that is known.
    again: Option<Option<Jid>>,
}

/// The moderation of one kind of media.
#[derive(Debug, Default)]
struct Moderated {
    on: bool,
    /// The occupants who may have it on all the same, as the component writes them, and who that is.
    approved: BTreeMap<String, Bearer>,
    /// Who has been approved, or is not any more, and is not told of in the log yet.
    changed: Vec<(String, bool)>,
}

/// Who bears an address in the room that is approved. Nicks are free: whoever takes that of one who has left is not approved.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bearer {
    /// Nobody yet: whoever is the first to bear it.
    Awaited,
    /// Who comes back from the same address is the same.
    Address(Jid),
    /// Where the room hides addresses: this stay of a member.
    Stay(MemberId),
}

impl Bearer {
    fn of(member: &Member) -> Bearer {
        member.real_jid.clone().map_or(Bearer::Stay(member.id), Bearer::Address)
    }

    fn is(&self, member: &Member) -> bool {
        match self {
            Bearer::Awaited => true,
            Bearer::Address(address) => member.real_jid.as_ref() == Some(address),
            Bearer::Stay(id) => member.id == *id,
        }
    }
}

impl Moderation {
    /// Each kind of media: whether it is moderated, and who may have it on all the same.
    pub fn shown(&self) -> [(&'static str, bool, Vec<&String>); 3] {
        [("AUDIO", &self.audio), ("VIDEO", &self.video), ("DESKTOP", &self.desktop)]
            .map(|(name, of)| (name, of.on, of.approved.keys().collect()))
    }
}

impl Moderated {
    fn allows(&self, member: &Member) -> bool {
        !self.on || self.approved.get(member.occupant.as_str()).is_some_and(|bearer| bearer.is(member))
    }

    /// Takes over the complete new list. Who was on it before stays who he was, unless `again`: the component repeats just this
    /// list, as it does when one is approved who is on it already. Whom it means it does not say: it has to be the only one of
    /// them whose nick somebody else bears now.
    fn approve(&mut self, list: &BTreeSet<String>, again: bool, members: &Members) {
        let again = again && self.approved.keys().eq(list);
        let mut before = std::mem::take(&mut self.approved);
        let is_anothers = |(occupant, bearer): &(&String, &Bearer)| {
            **bearer != Bearer::Awaited && members.at(occupant).is_some_and(|member| !bearer.is(member))
        };
        let mut others = before.iter().filter(|_| again).filter(is_anothers).map(|(occupant, _)| occupant.clone());
        let meant = others.next().filter(|_| others.next().is_none());
        let is_new = |occupant: &String, before: &BTreeMap<String, Bearer>| {
            meant.as_ref() == Some(occupant) || !before.contains_key(occupant)
        };
        let gone = before.keys().filter(|occupant| !list.contains(*occupant)).map(|occupant| (occupant.clone(), false));
        self.changed.extend(gone);
        let new = list.iter().filter(|occupant| is_new(occupant, &before));
        self.changed.extend(new.map(|occupant| (occupant.clone(), true)));
        let mut bearer = |occupant: &String| {
            let is_meant = meant.as_ref() == Some(occupant);
            let known = before.remove(occupant).filter(|bearer| !is_meant && *bearer != Bearer::Awaited);
            known.unwrap_or_else(|| members.at(occupant).map_or(Bearer::Awaited, Bearer::of))
        };
        self.approved = list.iter().map(|occupant| (occupant.clone(), bearer(occupant))).collect();
    }
}

/// What a message of the component changes. All of it was read, or nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub room: String,
    /// What is switched, and whether on.
    switched: Option<(Muted, bool)>,
    /// For which media somebody is approved by it; also if he is on the list already.
    approves: Option<Muted>,
    /// Who switched it.
    actor: Option<Jid>,
    /// The complete new lists, of the media named.
    whitelists: Vec<(Muted, BTreeSet<String>)>,
}

impl Change {
    /// Reads a message of the type `av_moderation`. None: it can't be read, and changes nothing.
    pub fn read(message: &Value) -> Option<Change> {
        let room = message.get("room")?.as_str()?.to_owned();
        let media = match message.get("mediaType") {
            None | Some(Value::Null) => None,
            Some(media) => Some(media.as_str().and_then(Muted::of_name)?),
        };
        let enabled = message.get("enabled").and_then(Value::as_bool);
        let actor = message.get("actor").and_then(Value::as_str).and_then(|actor| Jid::new(actor).ok());
        let mut whitelists = Vec::new();
        if let Some(lists) = message.get("whitelists") {
            // An empty table of Lua is `[]` or `{}`, whichever it was meant to be.
            let named = lists.as_object().into_iter().flatten();
            whitelists.extend(named.filter_map(|(media, list)| Some((Muted::of_name(media)?, occupants(list)))));
            // A list that has become empty is left out.
            if let Some(media) = media.filter(|media| !whitelists.iter().any(|(named, _)| named == media)) {
                whitelists.push((media, BTreeSet::new()));
            }
        }
        let actor = actor.filter(|actor| actor.resource().is_some());
        // Who is not on the list can be taken off it, too: that approves nobody.
        let removed = message.get("removed").and_then(Value::as_bool) == Some(true);
        let approves = media.filter(|_| !removed);
        Some(Change { room, switched: media.zip(enabled), approves, actor, whitelists })
    }
}

fn occupants(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Moderation {
    pub fn rests(&self) -> impl Iterator<Item = TimerKey> {
        self.rests.values().map(|rest| rest.timer)
    }

    pub fn cancel_rests(&mut self, cx: &mut Context) {
        while let Some((_, rest)) = self.rests.pop_first() {
            cx.timers.cancel(Some(rest.timer));
        }
    }

    fn of(&self, media: Muted) -> &Moderated {
        match media {
            Muted::Audio => &self.audio,
            Muted::Video => &self.video,
            Muted::Desktop => &self.desktop,
        }
    }

    fn of_mut(&mut self, media: Muted) -> &mut Moderated {
        match media {
            Muted::Audio => &mut self.audio,
            Muted::Video => &mut self.video,
            Muted::Desktop => &mut self.desktop,
        }
    }

    /// Whether a member may have this on. Moderators always may, on the whitelist or not: older components do not put them
    /// there (spec/20 §9.1).
    pub fn allows(&self, member: &Member, media: Muted) -> bool {
        is_moderator(member) || self.of(media).allows(member)
    }

    /// What a new endpoint of a member is created with (spec/20 §9.4). Screens share the bridge's video: only who may share
    /// one by name gets video through for it.
    pub fn force_mute_at_start(&self, member: &Member) -> ForceMute {
        if is_moderator(member) || !may_be_muted(member) {
            return ForceMute::default();
        }
        let shares = self.desktop.on && self.desktop.allows(member);
        ForceMute { audio: !self.audio.allows(member), video: !self.video.allows(member) && !shares }
    }

    /// What a member's client is told to begin muted with: what it may not have on, and what the bridge lets nothing of
    /// through, so that the client asks when its user unmutes.
    pub fn start_muted(&self, member: &Member) -> StartMuted {
        let told = member.endpoint.as_ref().map(EndpointState::force_mute).unwrap_or_default();
        let must = |media| may_be_muted(member) && !self.allows(member, media);
        StartMuted { audio: told.audio || must(Muted::Audio), video: told.video || must(Muted::Video) }
    }

    /// Whether a member sends a video that it may not send, by what it shows and by what it has announced and does not show
    /// (spec/20 §9.4). Of clients that do not say what they send nobody can tell.
    fn shows_forbidden(&self, member: &Member, announced: &SourceSet) -> bool {
        let Some(shown) = &member.videos else { return false };
        let is_forbidden = |kind| !self.allows(member, Muted::of_video(kind));
        let is_hidden = |source: &&Source| {
            let name = source.name.as_ref().map(SourceName::as_str);
            source.media == MediaType::Video && !shown.iter().any(|video| Some(&*video.name) == name)
        };
        shown.iter().any(|video| !video.muted && is_forbidden(video.kind))
            || announced
                .sources
                .iter()
                .filter(is_hidden)
                .any(|source| is_forbidden(source.video_type.unwrap_or(VideoType::Camera)))
    }

    /// Whether a member shows a video that it may send.
    fn shows_allowed(&self, member: &Member) -> bool {
        let shown = member.videos.iter().flatten();
        shown.filter(|video| !video.muted).any(|video| self.allows(member, Muted::of_video(video.kind)))
    }

    /// Takes over whitelists and switches. True: moderation of the media switched began.
    fn apply(&mut self, change: &Change, members: &Members) -> bool {
        let begins = change.switched.is_some_and(|(media, on)| on && !self.of(media).on);
        if let Some((media, on)) = change.switched
            && self.of(media).on != on
        {
            // Whoever was approved the last time is not approved now.
            *self.of_mut(media) = Moderated { on, ..Moderated::default() };
        }
        for (media, list) in &change.whitelists {
            self.of_mut(*media).approve(list, change.approves == Some(*media), members);
        }
        begins
    }

    /// Somebody is there now: if his place in the room is approved, and nobody had it before, he is meant.
    pub(super) fn member_came(&mut self, member: &Member) {
        for moderated in [&mut self.audio, &mut self.video, &mut self.desktop] {
            if let Some(bearer) = moderated.approved.get_mut(member.occupant.as_str())
                && *bearer == Bearer::Awaited
            {
                *bearer = Bearer::of(member);
            }
        }
    }
}

impl Conference {
    /// The component says what is moderated, and who is approved.
    pub(in crate::focus) fn moderation_changed(&mut self, cx: &mut Context, change: &Change) {
        let begins = self.moderation.apply(change, &self.members);
        if let Some((media, on)) = change.switched {
            let actor = change.actor.as_ref().and_then(Jid::resource).unwrap_or_default();
            let by = if actor.is_empty() { String::new() } else { format!(", by {actor}") };
            let state = if on { "on" } else { "off" };
            let level = cx.floods.level(cx.now, self.room.as_jid());
            say_at!(self, level, participant = actor; "moderation of {} is {state}{by}", media.name());
            if begins {
                self.mute_everyone_in_turn(cx, media, change.actor.clone());
            }
        }
        self.tell_approved(cx, change);
    }

    /// Who is approved now and was not before, and the reverse: a line each, and no more than anybody reads.
    fn tell_approved(&mut self, cx: &mut Context, change: &Change) {
        for (media, _) in &change.whitelists {
            let changed = std::mem::take(&mut self.moderation.of_mut(*media).changed);
            for (occupant, approved) in changed {
                let nick = occupant.split_once('/').map_or(occupant.as_str(), |(_, nick)| nick);
                let words = if approved { "is approved" } else { "is not approved any more" };
                let level = cx.floods.level(cx.now, self.room.as_jid());
                say_at!(self, level, participant = nick; "moderation of {}: {nick} {words}", media.name());
            }
        }
    }

    /// At once, unless that was done just now: then when that has rested.
    fn mute_everyone_in_turn(&mut self, cx: &mut Context, media: Muted, actor: Option<Jid>) {
        if let Some(rest) = self.moderation.rests.get_mut(&media) {
            rest.again = Some(actor);
            return;
        }
        let timer = cx.timers.set(cx.now + MUTES_REST, Timer::Mutes(self.id, media));
        self.moderation.rests.insert(media, Rest { timer, again: None });
        self.mute_everyone(cx, media, actor.as_ref());
    }

    /// Moderation that has begun meanwhile, and not ended, has its effect now.
    pub(in crate::focus) fn mutes_rested(&mut self, cx: &mut Context, media: Muted) {
        let Some(rest) = self.moderation.rests.remove(&media) else { return };
        if let Some(actor) = rest.again.filter(|_| self.moderation.of(media).on) {
            self.mute_everyone_in_turn(cx, media, actor);
        }
    }

    /// Mutes all participants but the one who wanted it; moderators too, until they unmute themselves (spec/20 §9.3).
    fn mute_everyone(&mut self, cx: &mut Context, media: Muted, actor: Option<&Jid>) {
        let is_target = |member: &&Member| {
            member.is_participant() && may_be_muted(member) && actor.is_none_or(|actor| *actor != member.occupant)
        };
        let targets: Vec<&Member> = self.members.iter().filter(is_target).collect();
        // The lists alone decide, not roles. Nothing that a bridge does not let through comes through by this.
        let is_muted = |member: &Member| {
            let by_lists = media.group().iter().all(|media| !self.moderation.of(*media).allows(member));
            let now = member.endpoint.as_ref().map(EndpointState::force_mute).unwrap_or_default();
            by_lists || if media.is_video() { now.video } else { now.audio }
        };
        let wanted: Vec<(MemberId, bool)> = targets.iter().map(|member| (member.id, is_muted(member))).collect();
        let occupants: Vec<Jid> = targets.into_iter().map(|member| member.occupant.clone()).collect();
        let level = cx.floods.level(cx.now, self.room.as_jid());
        say_at!(
            self,
            level,
            "moderation of {} begins: {} participants are told to mute",
            media.name(),
            occupants.len()
        );
        self.force_mute(cx, media, &wanted);
        for occupant in occupants {
            self.tell_muted(cx, None, occupant, media);
        }
    }

    /// Has the bridge do what moderation says of a member, after it was muted or has unmuted itself (spec/20 §8).
    pub(super) fn enforce(&mut self, cx: &mut Context, id: MemberId, media: Muted) {
        let Some(member) = self.members.get(id) else { return };
        let muted = media.group().iter().all(|media| !self.moderation.allows(member, *media));
        self.force_mute(cx, media, &[(id, muted || (media.is_video() && self.sends_forbidden(member)))]);
    }

    /// The same for all media; whose media do not come through any more is told, or he would speak and not know. Who can't be
    /// muted is left alone (spec/20 §8).
    pub(super) fn enforce_and_tell(&mut self, cx: &mut Context, id: MemberId) {
        if !self.members.get(id).is_some_and(may_be_muted) {
            return;
        }
        let muted = |conference: &Conference| {
            conference.members.get(id).and_then(|member| member.endpoint.as_ref()).map(EndpointState::force_mute)
        };
        let before = muted(self).unwrap_or_default();
        self.enforce(cx, id, Muted::Audio);
        self.enforce(cx, id, Muted::Video);
        let now = muted(self).unwrap_or_default();
        let Some(member) = self.members.get(id) else { return };
        let (audio, video) = (now.audio && !before.audio, now.video && !before.video);
        let news = [(Muted::Audio, audio), (Muted::Video, video), (Muted::Desktop, video)];
        let news = news.into_iter().filter(|(media, news)| *news && !self.moderation.allows(member, *media));
        let told: Vec<(Jid, Muted)> = news.map(|(media, _)| (member.occupant.clone(), media)).collect();
        for (occupant, media) in told {
            self.tell_muted(cx, None, occupant, media);
        }
    }

    /// Whether it sends video that it may not send (spec/20 §9.4).
    pub(super) fn sends_forbidden(&self, member: &Member) -> bool {
        may_be_muted(member) && self.moderation.shows_forbidden(member, &self.sources.of(&member.nick))
    }

    /// Has the bridge do what moderation says of a member's videos, after it has announced, withdrawn or shown some. A bridge
    /// knows no screens: what may be sent goes through only as long as nothing else is sent (spec/20 §9.4).
    pub(super) fn enforce_videos(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get(id).filter(|member| may_be_muted(member)) else { return };
        let Some(endpoint) = &member.endpoint else { return };
        let muted = self.sends_forbidden(member);
        if muted == endpoint.force_mute().video || !(muted || self.moderation.shows_allowed(member)) {
            return;
        }
        if muted {
            say!(
                self, info, participant = member.nick;
                "{} sends video that is moderated: the bridge lets none through", member.nick
            );
        } else if !cx.floods.admit(cx.now, &cx.payer_of(member), Kind::Change, None) {
            // Whoever shows this and that in turn stays muted, until it asks to be unmuted.
            return;
        }
        self.force_mute(cx, Muted::Video, &[(id, muted)]);
    }

    /// Has the bridges mute or unmute what they carry of this kind: one request each, and none that changes nothing
    /// (spec/40 §5.6).
    fn force_mute(&mut self, cx: &mut Context, media: Muted, wanted: &[(MemberId, bool)]) {
        let mut requests: Vec<Muting> = Vec::new();
        for (id, muted) in wanted {
            let Some((session, bridge)) = self.session_of(*id).map(|session| (session.key, session.bridge.clone()))
            else {
                continue;
            };
            let Some(member) = self.members.get_mut(*id) else { continue };
            let Some(endpoint) = &mut member.endpoint else { continue };
            let mut now = endpoint.force_mute();
            match media {
                Muted::Audio => now.audio = *muted,
                Muted::Video | Muted::Desktop => now.video = *muted,
            }
            if !endpoint.set_force_mute(now) {
                continue;
            }
            let index = requests.iter().position(|request| request.session == session).unwrap_or_else(|| {
                requests.push(Muting { session, bridge, endpoints: Vec::new() });
                requests.len() - 1
            });
            let key = EndpointKey { member: *id, attempt: endpoint.attempt };
            requests[index].endpoints.push((key, (member.nick.clone(), now)));
        }
        for Muting { session, bridge, endpoints } in requests {
            for (endpoints, mutes) in force_mutes_in_pieces(endpoints) {
                let modify = request::force_mute(&self.meeting, &mutes);
                // A bridge takes no notice of endpoints that it does not know in such a request (spec/40 §3.2).
                cx.ask_bridge(&bridge, modify, Then::ForceMuted(self.id, session, endpoints));
            }
        }
    }

    /// The bridge answered, or said nothing. What it says is about no endpoint.
    pub(in crate::focus) fn force_muted(
        &mut self,
        cx: &mut Context,
        session: SessionKey,
        endpoints: &[EndpointKey],
        answered: &Answer,
    ) {
        if answered.is_silence() {
            return self.force_mute_lost(cx, session, endpoints);
        }
        match answer::update(answered.as_colibri()) {
            UpdateOutcome::EndpointRefused => {
                // One of several may have been the reason.
                let is_first = |about: &EndpointKey| self.is_first_refusal(cx, *about, Refused::Mute);
                let again: Vec<EndpointKey> = endpoints.iter().copied().filter(is_first).collect();
                if again.is_empty() {
                    return self.updated(cx, session, None, answered);
                }
                say!(self, warn, "the bridge refused to mute or unmute{}: told again", answered.detail());
                self.force_mute_lost(cx, session, &again);
            }
            UpdateOutcome::UnknownEndpoint(_) => {
                // Nobody asked it for an endpoint, and no bridge that we know says so (spec/40 §3.2): of one of several, whose
                // answer may be late, it says too little to take anybody's session.
                say!(self, warn, "the bridge does not know an endpoint that was to be muted{}", answered.detail());
            }
            _ => self.updated(cx, session, None, answered),
        }
    }
}

/// What one bridge is to be asked.
struct Muting {
    session: SessionKey,
    bridge: BridgeId,
    endpoints: Vec<(EndpointKey, (EndpointId, ForceMute))>,
}

/// What an endpoint takes in a request that mutes it, besides its name.
const FORCE_MUTE_SIZE: usize = 80;

/// As many requests as it takes: the endpoints of each, and what is to be said of them.
#[expect(clippy::type_complexity, reason = "two lists of one length, each for somebody else")]
pub(super) fn force_mutes_in_pieces(
    endpoints: Vec<(EndpointKey, (EndpointId, ForceMute))>,
) -> Vec<(Vec<EndpointKey>, Vec<(EndpointId, ForceMute)>)> {
    let pieces = in_pieces(endpoints, |(_, (nick, _))| FORCE_MUTE_SIZE + escaped(nick.as_str()));
    pieces.into_iter().map(|piece| piece.into_iter().unzip()).collect()
}

pub(super) fn is_moderator(member: &Member) -> bool {
    matches!(member.role, Role::Owner | Role::Moderator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn list(occupants: &[&str]) -> BTreeSet<String> {
        occupants.iter().map(|occupant| (*occupant).to_owned()).collect()
    }

    fn whitelists(message: Value) -> Option<Vec<(Muted, BTreeSet<String>)>> {
        Change::read(&message).map(|change| change.whitelists)
    }

    #[test]
    fn lists_are_read_however_lua_writes_an_empty_one() {
        let room = "r@conference.meet.test";
        let lists = json!({ "room": room, "whitelists": { "audio": ["a"], "VIDEO": ["b", 7], "chat": ["c"] } });
        assert_eq!(whitelists(lists), Some(vec![(Muted::Video, list(&["b"])), (Muted::Audio, list(&["a"]))]));
        for empty in [json!({}), json!([]), json!({ "audio": {} }), json!({ "audio": [] })] {
            let message = json!({ "room": room, "mediaType": "audio", "removed": true, "whitelists": empty });
            assert_eq!(whitelists(message), Some(vec![(Muted::Audio, list(&[]))]));
        }
        assert_eq!(whitelists(json!({ "room": room, "mediaType": "audio" })), Some(vec![]));
    }

    #[test]
    fn what_can_t_be_read_is_no_change() {
        for message in [
            json!({ "mediaType": "audio", "enabled": true }),
            json!({ "room": 7, "mediaType": "audio", "enabled": true }),
            json!({ "room": "r@x", "mediaType": "chat", "enabled": true }),
            json!({ "room": "r@x", "mediaType": 1, "enabled": true }),
            json!([]),
        ] {
            assert_eq!(Change::read(&message), None, "{message}");
        }
    }
}
