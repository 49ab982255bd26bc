//! Codecs and conferences (spec/70 §5.6, §5.7).

use super::{COUNT, EXTENSION, PAYLOAD_TYPE};
use crate::config::legacy::names;
use crate::config::schema::Key;
use crate::config::typed::Kind;

pub(super) const KEYS: &[Key] = &[
    // §5.6
    Key::new("jicofo.codec.video.av1.enabled", Kind::Bool, "true", "Offer AV1.").legacy(names::AV1),
    Key::new("jicofo.codec.video.av1.pt", PAYLOAD_TYPE, "41", "Payload type of AV1; 0 or less: not offered.")
        .legacy(names::AV1_PT),
    Key::new(
        "jicofo.codec.video.av1.rtx-pt",
        PAYLOAD_TYPE,
        "42",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::AV1_RTX),
    Key::new(
        "jicofo.codec.video.av1.enable-remb",
        Kind::Bool,
        "true",
        "Offer REMB to clients that have it where transport-cc is not offered.",
    ),
    Key::new("jicofo.codec.video.vp8.enabled", Kind::Bool, "true", "Offer VP8.").legacy(names::VP8),
    Key::new("jicofo.codec.video.vp8.pt", PAYLOAD_TYPE, "100", "Payload type of VP8; 0 or less: not offered.")
        .legacy(names::VP8_PT),
    Key::new(
        "jicofo.codec.video.vp8.rtx-pt",
        PAYLOAD_TYPE,
        "96",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::VP8_RTX),
    Key::new(
        "jicofo.codec.video.vp8.enable-remb",
        Kind::Bool,
        "true",
        "Offer REMB to clients that have it where transport-cc is not offered.",
    ),
    Key::new("jicofo.codec.video.vp9.enabled", Kind::Bool, "true", "Offer VP9.").legacy(names::VP9),
    Key::new("jicofo.codec.video.vp9.pt", PAYLOAD_TYPE, "101", "Payload type of VP9; 0 or less: not offered.")
        .legacy(names::VP9_PT),
    Key::new(
        "jicofo.codec.video.vp9.rtx-pt",
        PAYLOAD_TYPE,
        "97",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::VP9_RTX),
    Key::new(
        "jicofo.codec.video.vp9.enable-remb",
        Kind::Bool,
        "true",
        "Offer REMB to clients that have it where transport-cc is not offered.",
    ),
    Key::new("jicofo.codec.video.h264.enabled", Kind::Bool, "true", "Offer H264.").legacy(names::H264),
    Key::new("jicofo.codec.video.h264.pt", PAYLOAD_TYPE, "107", "Payload type of H264; 0 or less: not offered.")
        .legacy(names::H264_PT),
    Key::new(
        "jicofo.codec.video.h264.rtx-pt",
        PAYLOAD_TYPE,
        "99",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::H264_RTX),
    Key::new(
        "jicofo.codec.video.h264.enable-remb",
        Kind::Bool,
        "true",
        "Offer REMB to clients that have it where transport-cc is not offered.",
    ),
    Key::new("jicofo.codec.audio.opus.enabled", Kind::Bool, "true", "Offer Opus."),
    Key::new("jicofo.codec.audio.opus.pt", PAYLOAD_TYPE, "111", "Payload type of Opus."),
    Key::new("jicofo.codec.audio.opus.minptime", COUNT, "10", "Shortest packet, in ms."),
    Key::new(
        "jicofo.codec.audio.opus.use-inband-fec",
        Kind::Bool,
        "true",
        "Forward error correction inside Opus, while RED is off.",
    ),
    Key::new("jicofo.codec.audio.opus.red.enabled", Kind::Bool, "false", "Offer RED (redundant audio)."),
    Key::new("jicofo.codec.audio.opus.red.pt", PAYLOAD_TYPE, "112", "Payload type of RED."),
    Key::new("jicofo.codec.audio.telephone-event.enabled", Kind::Bool, "true", "Offer telephone events (DTMF)."),
    Key::new("jicofo.codec.audio.telephone-event.pt", PAYLOAD_TYPE, "126", "Payload type of telephone events."),
    Key::new(
        "jicofo.codec.rtp-extensions.audio-level.enabled",
        Kind::Bool,
        "true",
        "Offer the RTP header extension audio-level.",
    ),
    Key::new("jicofo.codec.rtp-extensions.audio-level.id", EXTENSION, "1", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.tof.enabled", Kind::Bool, "false", "Offer the RTP header extension tof.")
        .legacy(names::TOF),
    Key::new("jicofo.codec.rtp-extensions.tof.id", EXTENSION, "2", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.abs-send-time.enabled",
        Kind::Bool,
        "true",
        "Offer the RTP header extension abs-send-time.",
    )
    .legacy(names::AST),
    Key::new("jicofo.codec.rtp-extensions.abs-send-time.id", EXTENSION, "3", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.rid.enabled", Kind::Bool, "false", "Offer the RTP header extension rid.")
        .legacy(names::RID),
    Key::new("jicofo.codec.rtp-extensions.rid.id", EXTENSION, "4", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.tcc.enabled", Kind::Bool, "true", "Offer the RTP header extension tcc."),
    Key::new("jicofo.codec.rtp-extensions.tcc.id", EXTENSION, "5", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.video-content-type.enabled",
        Kind::Bool,
        "false",
        "Offer the RTP header extension video-content-type.",
    )
    .legacy(names::CONTENT_TYPE),
    Key::new("jicofo.codec.rtp-extensions.video-content-type.id", EXTENSION, "7", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.framemarking.enabled",
        Kind::Bool,
        "false",
        "Offer the RTP header extension framemarking.",
    )
    .legacy(names::FRAMEMARKING),
    Key::new("jicofo.codec.rtp-extensions.framemarking.id", EXTENSION, "9", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.mid.enabled", Kind::Bool, "true", "Offer the RTP header extension mid."),
    Key::new("jicofo.codec.rtp-extensions.mid.id", EXTENSION, "10", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.av1-dependency-descriptor.enabled",
        Kind::Bool,
        "true",
        "Offer the RTP header extension av1-dependency-descriptor.",
    ),
    Key::new("jicofo.codec.rtp-extensions.av1-dependency-descriptor.id", EXTENSION, "11", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.video-layers-allocation.enabled",
        Kind::Bool,
        "false",
        "Offer the RTP header extension video-layers-allocation.",
    ),
    Key::new("jicofo.codec.rtp-extensions.video-layers-allocation.id", EXTENSION, "12", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.extmap-allow-mixed", Kind::Bool, "true", "Offer `extmap-allow-mixed`."),
    // §5.7
    Key::new(
        "jicofo.conference.enable-auto-owner",
        Kind::Bool,
        "true",
        "The first participant becomes owner, unless authentication is on.",
    )
    .legacy(names::AUTO_OWNER),
    Key::new(
        "jicofo.conference.enable-moderator-checks",
        Kind::Bool,
        "true",
        "Recording, streaming and SIP calls need moderator rights.",
    )
    .later(),
    Key::new(
        "jicofo.conference.initial-timeout",
        Kind::Duration(0),
        "15 seconds",
        "A conference that nobody joins ends after this long, 1 second at least.",
    )
    .legacy(names::IDLE_TIMEOUT),
    Key::new(
        "jicofo.conference.single-participant-timeout",
        Kind::Duration(0),
        "20 seconds",
        "How long the session of the last participant is kept.",
    )
    .legacy(names::SINGLE_TIMEOUT),
    Key::new(
        "jicofo.conference.min-participants",
        COUNT,
        "2",
        "Participants needed to start media; 1 while transcription is on.",
    ),
    Key::new("jicofo.conference.max-ssrcs-per-user", COUNT, "20", "SSRCs that a participant may signal.")
        .legacy(names::MAX_SSRCS),
    Key::new("jicofo.conference.max-ssrc-groups-per-user", COUNT, "20", "SSRC groups that a participant may signal."),
    Key::new("jicofo.conference.max-audio-senders", COUNT, "999999", "Participants that may send audio at once."),
    Key::new("jicofo.conference.max-video-senders", COUNT, "999999", "Participants that may send video at once."),
    Key::new(
        "jicofo.conference.strip-simulcast",
        Kind::Bool,
        "true",
        "Tell others only the first SSRC of a simulcast group.",
    ),
    Key::new(
        "jicofo.conference.use-ssrc-rewriting",
        Kind::Bool,
        "true",
        "Bridges rewrite SSRCs, for clients that support it.",
    ),
    Key::new(
        "jicofo.conference.use-rtp-mid-demux",
        Kind::Bool,
        "true",
        "Tell streams apart by MID, together with SSRC rewriting.",
    ),
    Key::new(
        "jicofo.conference.use-json-encoded-sources",
        Kind::Bool,
        "true",
        "Compact source signaling, for clients that support it.",
    ),
    Key::new(
        "jicofo.conference.shared-document.use-random-name",
        Kind::Bool,
        "false",
        "Random names for shared documents; otherwise the room's name.",
    ),
    Key::new(
        "jicofo.conference.source-signaling-delays",
        Kind::Delays,
        "",
        "Delay of source signaling by conference size: the entry with the greatest size not above counts.",
    ),
    Key::new(
        "jicofo.conference.reinvite-method",
        Kind::Choice(&["RestartJingle", "ReplaceTransport"]),
        "RestartJingle",
        "How a participant is moved to another bridge.",
    ),
    Key::new(
        "jicofo.conference.enable-ice-restart",
        Kind::Bool,
        "true",
        "Honour requests for an ICE restart in place.",
    ),
    Key::new(
        "jicofo.conference.restart-request-rate-limits.min-interval",
        Kind::Duration(0),
        "5 seconds",
        "Least time between restarts that a participant asks for.",
    ),
    Key::new(
        "jicofo.conference.restart-request-rate-limits.max-requests",
        COUNT,
        "5",
        "Restarts in an interval, session and ICE restarts apart. 0: the first one of each, and no other.",
    ),
    Key::new("jicofo.conference.restart-request-rate-limits.interval", Kind::Duration(0), "1 minute", "That interval."),
];
