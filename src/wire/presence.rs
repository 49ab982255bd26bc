//! Presence with everything that Jitsi puts into it (spec/20 §3, §4; spec/50 §2.3).

use wire_derive::Element;

use super::disco::Caps;
use super::jid::Jid;
use super::muc::{Join, MucUser};
use super::ns::{COLIBRI, ETHERPAD, FOCUS, HEALTH, JIBRI, JITMEET, STANZA};
use super::stanza::StanzaError;
use super::values::PresenceType;
use super::xml::Raw;

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(STANZA, "presence")]
pub struct Presence {
    #[attr]
    pub from: Option<Jid>,
    #[attr]
    pub to: Option<Jid>,
    #[attr]
    pub id: Option<String>,
    /// Absent: available.
    #[attr("type")]
    pub kind: Option<PresenceType>,
    #[leaf("priority")]
    pub priority: Option<String>,
    #[leaf("status")]
    pub status: Option<String>,
    pub join: Option<Join>,
    pub muc_user: Option<MucUser>,
    pub caps: Option<Caps>,
    // What participants say of themselves.
    #[leaf("SourceInfo")]
    pub source_info: Option<String>,
    #[leaf("audiomuted")]
    pub audio_muted: Option<String>,
    #[leaf("videomuted")]
    pub video_muted: Option<String>,
    #[leaf("stats-id")]
    pub stats_id: Option<String>,
    #[leaf("jitsi_participant_region")]
    pub region: Option<String>,
    #[leaf("jitsi_participant_diarize")]
    pub diarize: Option<String>,
    #[leaf("jitsi_participant_codecList")]
    pub codec_list: Option<String>,
    #[leaf("jitsi_participant_codecType")]
    pub codec_type: Option<String>,
    pub features: Option<Features>,
    // What the focus says.
    #[leaf(ETHERPAD, "etherpad")]
    pub etherpad: Option<String>,
    pub versions: Option<Versions>,
    pub conference_properties: Option<ConferenceProperties>,
    #[flag(FOCUS, "bridgeNotAvailable")]
    pub bridge_not_available: bool,
    // What a bridge or a Jigasi says.
    pub stats: Option<Stats>,
    pub jibri_status: Option<JibriStatus>,
    pub error: Option<StanzaError>,
    /// What no field took: read as nothing, written by nobody but tests and peers.
    #[others]
    pub others: Vec<Raw>,
}

/// Features in presence, by which Jibri and Jigasi are known.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(STANZA, "features")]
pub struct Features {
    pub features: Vec<PresenceFeature>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(STANZA, "feature")]
pub struct PresenceFeature {
    #[attr]
    pub var: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JITMEET, "versions")]
pub struct Versions {
    pub components: Vec<ComponentVersion>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(JITMEET, "component")]
pub struct ComponentVersion {
    #[attr]
    pub name: String,
    #[text]
    pub version: String,
}

/// Replaces the client's whole map each time.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(FOCUS, "conference-properties")]
pub struct ConferenceProperties {
    pub properties: Vec<ConferenceProperty>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(FOCUS, "property")]
pub struct ConferenceProperty {
    #[attr]
    pub key: String,
    #[attr]
    pub value: String,
}

/// Statistics in a brewery. A `stat` without name is skipped by whoever reads them (spec/50 §3.1).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(COLIBRI, "stats")]
pub struct Stats {
    pub stats: Vec<Stat>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI, "stat")]
pub struct Stat {
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub value: Option<String>,
}

/// How a recorder is (spec/60 §3.2).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JIBRI, "jibri-status")]
pub struct JibriStatus {
    pub busy: Option<BusyStatus>,
    pub health: Option<HealthStatus>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(JIBRI, "busy-status")]
pub struct BusyStatus {
    #[attr]
    pub status: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(HEALTH, "health-status")]
pub struct HealthStatus {
    #[attr]
    pub status: Option<String>,
}
