//! A conference as data, for whoever wonders what it is doing (spec/80 §5.2). What is not known is the text "null" where people's
//! scripts expect text.

use serde_json::{Map, Value, json};

use super::Conference;
use super::bridge::{Abilities, BridgeSession};
use super::features::Features;
use super::invite::Task;
use super::member::{Member, Role};
use super::owner;
use crate::focus::context::Context;
use crate::focus::sources::set::{BRIDGE_OWNER, SourceSet};
use crate::wire::values::MediaType;

/// In larger conferences it is not shown who was told of which sources: that grows with the square of their size.
const MAX_SIGNALING: usize = 20;

/// For whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All of it, with what happened of late.
    Full,
    /// Without who was told of which sources.
    Statistics,
}

impl Conference {
    pub(in crate::focus) fn debug(&self, cx: &Context, detail: Detail) -> Value {
        let config = &cx.config.conference;
        let kinds = |wanted: fn(&Member) -> bool| self.members.iter().filter(|member| wanted(member)).count();
        let mut shown = json!({
            "name": self.room.as_jid().as_str(),
            "config": {
                "rtcstatsEnabled": self.properties.rtcstats,
                "startAudioMuted": self.properties.start_audio_muted,
                "startVideoMuted": self.properties.start_video_muted,
            },
            "chat_room": if self.is_inside() { self.debug_room() } else { Value::Null },
            "participants": self.debug_participants(cx, detail),
            "chat_room_role_manager": self.role_manager(cx).map(debug_role_manager),
            "started": self.is_inside(),
            "start_audio_muted": self.metadata.start_muted.audio,
            "start_video_muted": self.metadata.start_muted.video,
            "conference_properties": self.published.properties().map(|(key, value)| (key.to_owned(), value.into())).collect::<Map<_, _>>(),
            "include_in_statistics": !self.is_check,
            "conference_sources": self.sources.iter().map(|(owner, set)| (owner.to_string(), debug_sources(set))).collect::<Map<_, _>>(),
            "audio_limit_reached": self.members.audio_senders() >= config.max_audio_senders,
            "video_limit_reached": self.members.video_senders() >= config.max_video_senders,
            "visitor_count": self.members.visitors(),
            "visitor_codecs": self.debug_visitor_codecs(),
            "participant_count": self.members.participants(),
            "jibri_count": kinds(|member| member.kind.jibri),
            "jigasi_count": kinds(|member| member.kind.jigasi),
            "transcriber_count": kinds(|member| member.kind.transcriber),
        });
        if !self.meeting.as_str().is_empty() {
            shown["meeting_id"] = self.meeting.as_str().into();
            shown["colibri_session_manager"] = self.debug_bridges(cx);
        }
        if detail == Detail::Full {
            // Ours: what happened of late, as a failure of ours would tell it.
            shown["story"] = self.story.to_string().lines().map(str::trim_end).collect();
        }
        shown
    }

    /// For the statistics of calls: the meeting, if they are wanted (spec/80 §2.4).
    pub(in crate::focus) fn wants_statistics(&self) -> Option<&str> {
        let known = !self.meeting.as_str().is_empty();
        (known && !self.is_check && self.properties.rtcstats).then_some(self.meeting.as_str())
    }

    fn debug_visitor_codecs(&self) -> Value {
        let tally = self.members.visitor_codecs();
        let (count, codecs) = tally.shown();
        let ranks =
            codecs.map(|(name, lists, places)| (name.to_owned(), json!({"count": lists, "rank_aggregate": places})));
        let common = tally.common();
        json!({
            "count": count,
            "ranks": ranks.collect::<Map<_, _>>(),
            "aggregate": common.split(',').filter(|name| !name.is_empty()).collect::<Vec<_>>(),
        })
    }

    fn debug_room(&self) -> Value {
        let metadata = &self.metadata;
        let moderation =
            self.moderation.shown().into_iter().map(|(media, enabled, whitelist)| {
                (media.to_owned(), json!({"enabled": enabled, "whitelist": whitelist}))
            });
        let mut room = json!({
            "room_jid": self.room.as_jid().as_str(),
            "my_occupant_jid": self.seat.occupant.as_str(),
            "members": self.members.iter().filter(|it| it.on == self.seat.on).map(|member| (member.nick.to_string(), debug_member(member))).collect::<Map<_, _>>(),
            "audio_senders_count": self.members.audio_senders(),
            "video_senders_count": self.members.video_senders(),
            "lobby_enabled": metadata.lobby_enabled,
            "participants_soft_limit": metadata.participants_soft_limit.unwrap_or(-1),
            "moderators": metadata.moderators,
            "visitors_enabled": metadata.visitors_enabled.map_or_else(|| "null".to_owned(), |on| on.to_string()),
            "visitors_live": metadata.visitors_live,
            "av_moderation": moderation.collect::<Map<_, _>>(),
        });
        if let Some(participants) = &metadata.participants {
            room["participants"] = json!(participants);
        }
        room
    }

    fn debug_participants(&self, cx: &Context, detail: Detail) -> Map<String, Value> {
        let signaling = detail == Detail::Full && self.members.participants() <= MAX_SIGNALING;
        let participants = self.members.iter().filter_map(|member| Some((member, member.invite.participation()?)));
        participants
            .map(|(member, participation)| {
                let running = !matches!(participation.task, Task::None);
                let mut shown = json!({
                    "id": member.nick.as_str(),
                    "stats_id": or_null(member.stats_id.as_deref()),
                    "invite_runnable": if running { "Running" } else { "Not running" },
                    "jingle_session": participation.session.as_ref().map(|session| json!({
                        "sid": session.sid.as_str(),
                        "remoteJid": member.occupant.as_str(),
                        "state": if session.active { "ACTIVE" } else { "PENDING" },
                    })),
                });
                if signaling {
                    shown["source_signaling"] = self.debug_signaling(cx, member);
                }
                (member.nick.to_string(), shown)
            })
            .collect()
    }

    /// What a participant was told of, and what it will have been when it was told everything.
    fn debug_signaling(&self, cx: &Context, member: &Member) -> Value {
        let features = member.features.unwrap_or(Features::UNANSWERED);
        let view = super::view::View::of(features, &cx.config.conference);
        let bridge =
            self.session_of(member.id).map(|session| (BRIDGE_OWNER.to_owned(), debug_sources(&session.feedback)));
        let told = self.signals.told(&member.nick, self.sources.iter());
        let told = told.into_iter().flatten().map(|(owner, set)| (owner.to_string(), debug_sources(&set)));
        let others = self.sources.iter().filter(|(owner, _)| !view.rewriting && **owner != member.nick);
        let others = others.map(|(owner, set)| (owner.to_string(), view.filter(set)));
        let others = others.filter(|(_, set)| !set.is_empty()).map(|(owner, set)| (owner, debug_sources(&set)));
        let media = [(view.audio, MediaType::Audio), (view.video, MediaType::Video)];
        json!({
            "signaled_sources": told.chain(bridge.clone()).collect::<Map<_, _>>(),
            "sources": others.chain(bridge).collect::<Map<_, _>>(),
            "supported_media_types": media.iter().filter(|(on, _)| *on).map(|(_, media)| media.as_str()).collect::<Vec<_>>(),
        })
    }

    fn debug_bridges(&self, cx: &Context) -> Value {
        let participants = self.members.iter().filter_map(|member| {
            let session = self.session_of(member.id)?;
            let abilities = Abilities::of(cx, member);
            let shown = json!({
                "id": member.nick.as_str(),
                "stats_id": or_null(member.stats_id.as_deref()),
                "sources": debug_sources(&self.sources.of(&member.nick)),
                "bridge": session.bridge.jid.resource(),
                "audio_muted": member.endpoint.as_ref().is_some_and(|endpoint| endpoint.force_mute().audio),
                "video_muted": member.endpoint.as_ref().is_some_and(|endpoint| endpoint.force_mute().video),
                "private_addresses": abilities.private_addresses,
                "ssrc_rewriting": abilities.ssrc_rewriting,
                "rtp_mid_demux": abilities.rtp_mid_demux,
                "visitor": member.role == Role::Visitor,
                "diarize": member.diarize,
            });
            Some((member.nick.to_string(), shown))
        });
        let sessions = self.bridges.iter().map(|session| {
            (session.bridge.jid.resource().unwrap_or_default().to_owned(), self.debug_session(cx, session))
        });
        json!({
            "participants": participants.collect::<Map<_, _>>(),
            "sessions": sessions.collect::<Map<_, _>>(),
        })
    }

    fn debug_session(&self, cx: &Context, session: &BridgeSession) -> Value {
        let bridge = cx.bridges.get(&session.bridge).map(|bridge| bridge.status(cx.now, &cx.config.bridge));
        let window = cx.config.bridge.max_bridge_participants_interval;
        let nicks = session.endpoints().filter_map(|(_, id)| Some(self.members.get(id)?.nick.as_str()));
        let relays = self.cascade.links_of(session.key).filter_map(|(to, link)| {
            let id = self.bridges.get(to)?.relay_id.clone()?;
            let sctp = cx.config.octo.sctp_datachannels;
            let shown = json!({
                "id": id,
                "use_unique_port": link.initiator,
                "ice_controlling": link.initiator,
                "dtls_setup": if link.initiator { "active" } else { "passive" },
                "bridge_channel_active": link.initiator,
                "sctp_bridge_channel": sctp,
                "mesh_id": link.mesh.0.to_string(),
            });
            Some((id, shown))
        });
        json!({
            "bridge": bridge,
            "id": session.id.as_str(),
            "feedback_sources": {BRIDGE_OWNER: debug_sources(&session.feedback)},
            // It has told its own sources once it has made the conference.
            "created": !session.feedback.is_empty(),
            "recently_added_endpoints": session.recently_added(cx.now, window),
            "relays": relays.collect::<Map<_, _>>(),
            "participants": nicks.collect::<Vec<_>>(),
        })
    }
}

fn debug_role_manager((class, owner): (&'static str, Option<&Member>)) -> Value {
    let mut shown = json!({"class": class});
    if class == owner::AUTO_OWNER {
        let owner = owner.and_then(|owner| owner.real_jid.as_ref()).map(|jid| jid.as_str());
        shown["owner"] = or_null(owner).into();
    }
    shown
}

fn debug_member(member: &Member) -> Value {
    let caps = member.caps.as_ref();
    let caps = caps.and_then(|caps| Some(format!("{}#{}", caps.node.as_deref()?, caps.ver.as_deref()?)));
    json!({
        "region": or_null(member.region.as_deref()),
        "occupant_jid": member.occupant.as_str(),
        "jid": or_null(member.real_jid.as_ref().map(|jid| jid.as_str())),
        "is_jibri": member.kind.jibri,
        "is_jigasi": member.kind.jigasi,
        "is_transcriber": member.kind.transcriber,
        "role": match member.role {
            Role::Owner => "OWNER",
            Role::Moderator => "MODERATOR",
            Role::Participant => "PARTICIPANT",
            Role::Visitor => "VISITOR",
        },
        // Nothing of ours depends on those of others than visitors: they are not kept.
        "video_codecs": member.codecs.as_deref().unwrap_or_default(),
        "stats_id": or_null(member.stats_id.as_deref()),
        "is_audio_muted": member.audio_muted,
        "is_video_muted": member.video_muted,
        "diarize": member.diarize,
        "features": member.features.unwrap_or_default().names().collect::<Vec<_>>(),
        "capsNodeVer": or_null(caps.as_deref()),
    })
}

fn debug_sources(set: &SourceSet) -> Value {
    let sources = set.sources.iter().map(|source| {
        let mut shown = json!({
            "ssrc": source.ssrc.0,
            "media_type": source.media.as_str(),
            "name": or_null(source.name.as_ref().map(|name| name.as_str())),
            "msid": or_null(source.msid.as_ref().map(|msid| &*msid.0)),
            "videoType": or_null(source.video_type.map(|kind| kind.as_str())),
        });
        if source.synthetic {
            shown["synthetic"] = true.into();
        }
        shown
    });
    let groups = set.groups.iter().map(|group| {
        json!({
            "semantics": group.semantics.as_str(),
            "media_type": group.media.as_str(),
            "ssrcs": group.ssrcs.iter().map(|ssrc| ssrc.0).collect::<Vec<_>>(),
        })
    });
    json!({"sources": sources.collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>()})
}

fn or_null(text: Option<&str>) -> &str {
    text.unwrap_or("null")
}
