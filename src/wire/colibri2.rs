//! Colibri2: conferences on a bridge (spec/40 §2).

use wire_derive::Element;

use super::ice::IceTransport;
use super::ns::{COLIBRI2, HDREXT, OPENTELEMETRY, SSMA};
use super::rtp::{HeaderExtension, PayloadType};
use super::ssma::SsrcGroup;
use super::values::{EndpointId, MediaType, MeetingId, MucRole, SctpRole, SourceName, Ssrc, VideoType};
use super::xml::Raw;

/// A request to a bridge.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "conference-modify")]
pub struct ConferenceModify {
    #[attr]
    pub meeting_id: MeetingId,
    #[attr]
    pub name: Option<String>,
    /// True where absent, so only `false` is ever written.
    #[attr]
    pub rtcstats_enabled: Option<bool>,
    #[switch]
    pub create: bool,
    #[switch]
    pub expire: bool,
    pub traceparent: Option<Traceparent>,
    pub endpoints: Vec<Endpoint>,
    pub relays: Vec<Relay>,
    pub connects: Option<Connects>,
}

/// A bridge's answer.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "conference-modified")]
pub struct ConferenceModified {
    pub endpoints: Vec<Endpoint>,
    pub relays: Vec<Relay>,
    pub sources: Option<Sources>,
}

/// The bridge's side of a participant.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "endpoint")]
pub struct Endpoint {
    #[attr]
    pub id: EndpointId,
    #[switch]
    pub create: bool,
    #[switch]
    pub expire: bool,
    #[attr]
    pub stats_id: Option<String>,
    #[attr]
    pub muc_role: Option<MucRole>,
    #[switch]
    pub diarize: bool,
    pub media: Vec<Media>,
    pub transport: Option<Transport>,
    pub sources: Option<Sources>,
    pub force_mute: Option<ForceMute>,
    pub capabilities: Vec<Capability>,
    pub initial_last_n: Option<LastN>,
    /// What no field took. Media that are the same for many endpoints are encoded once and put here.
    #[others]
    pub others: Vec<Raw>,
}

/// One end of a bridge-to-bridge link.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "relay")]
pub struct Relay {
    #[attr]
    pub id: String,
    #[switch]
    pub create: bool,
    #[switch]
    pub expire: bool,
    #[attr]
    pub mesh_id: Option<String>,
    pub media: Vec<Media>,
    pub transport: Option<Transport>,
    pub sources: Option<Sources>,
    pub endpoints: Option<RelayEndpoints>,
    /// What no field took; encoded media, as in [`Endpoint`].
    #[others]
    pub others: Vec<Raw>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "endpoints")]
pub struct RelayEndpoints {
    pub endpoints: Vec<Endpoint>,
}

/// Payload types and header extensions of one kind of media.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "media")]
pub struct Media {
    #[attr("type")]
    pub kind: MediaType,
    pub payload_types: Vec<PayloadType>,
    pub header_extensions: Vec<HeaderExtension>,
    #[flag(HDREXT, "extmap-allow-mixed")]
    pub extmap_allow_mixed: bool,
}

/// The wrapper around the ICE transport.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "transport")]
pub struct Transport {
    #[switch]
    pub ice_controlling: bool,
    #[switch]
    pub use_unique_port: bool,
    #[switch]
    pub ice_restart: bool,
    pub ice: Option<IceTransport>,
    pub sctp: Option<Sctp>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "sctp")]
pub struct Sctp {
    #[attr]
    pub role: Option<SctpRole>,
    #[attr]
    pub port: Option<u16>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "sources")]
pub struct Sources {
    pub media_sources: Vec<MediaSource>,
}

/// All SSRCs of one source name.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "media-source")]
pub struct MediaSource {
    #[attr("type")]
    pub kind: MediaType,
    #[attr]
    pub id: SourceName,
    #[switch]
    pub synthetic: bool,
    pub sources: Vec<BridgeSource>,
    pub groups: Vec<SsrcGroup>,
}

/// A source as the bridge sees it: no msid, no owner.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SSMA, "source")]
pub struct BridgeSource {
    #[attr]
    pub ssrc: Ssrc,
    #[attr]
    pub name: Option<SourceName>,
    #[attr("videoType")]
    pub video_type: Option<VideoType>,
}

/// Both values always mean something: an absent attribute unmutes.
#[derive(Element, Debug, Clone, Copy, PartialEq, Default)]
#[xml(COLIBRI2, "force-mute")]
pub struct ForceMute {
    #[switch]
    pub audio: bool,
    #[switch]
    pub video: bool,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "capability")]
pub struct Capability {
    #[attr]
    pub name: String,
}

#[derive(Element, Debug, Clone, Copy, PartialEq)]
#[xml(COLIBRI2, "initial-last-n")]
pub struct LastN {
    #[attr]
    pub value: i32,
}

/// The reason inside a stanza error which proves that a bridge wrote it (spec/40 §2.9). As text: an unknown reason is `unspecified`.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "error")]
pub struct ErrorReason {
    #[attr]
    pub reason: Option<String>,
}

/// WebSocket exports to a transcriber or translator: a delta (spec/40 §2.8).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "connects")]
pub struct Connects {
    pub connects: Vec<Connect>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "connect")]
pub struct Connect {
    #[attr]
    pub id: String,
    #[attr]
    pub url: String,
    #[attr]
    pub protocol: String,
    #[attr("type")]
    pub kind: String,
    #[switch]
    pub audio: bool,
    #[switch]
    pub video: bool,
    #[switch]
    pub create: bool,
    #[switch]
    pub expire: bool,
    pub http_headers: Vec<HttpHeader>,
    pub ping: Option<Ping>,
    pub exports: Option<Exports>,
    pub requests: Option<Requests>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "http-header")]
pub struct HttpHeader {
    #[attr]
    pub name: String,
    #[attr]
    pub value: String,
}

/// Milliseconds.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "ping")]
pub struct Ping {
    #[attr]
    pub interval: u32,
    #[attr]
    pub timeout: u32,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "exports")]
pub struct Exports {
    pub exports: Vec<Export>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "export")]
pub struct Export {
    #[attr]
    pub name: SourceName,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI2, "requests")]
pub struct Requests {
    pub requests: Vec<RequestedSource>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "request")]
pub struct RequestedSource {
    #[attr]
    pub name: SourceName,
}

/// Distributed tracing. Read and skipped.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(OPENTELEMETRY, "traceparent")]
pub struct Traceparent {
    #[attr("trace_id")]
    pub trace_id: String,
    #[attr("parent_id")]
    pub parent_id: String,
    #[attr("trace_flags")]
    pub trace_flags: String,
}

/// What a bridge puts beside [`ErrorReason`] to say which endpoint it does not know.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "endpoint")]
pub struct ErrorEndpoint {
    #[attr]
    pub id: EndpointId,
    #[others]
    pub others: Vec<Raw>,
}
