//! Sources and their groups, XEP-0339 with Jitsi's attributes (spec/30 §7.2).

use wire_derive::Element;

use super::ns::{JITMEET, RTP, SSMA};
use super::values::{Semantics, SourceName, VideoType};

/// One stream of RTP packets.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SSMA, "source")]
pub struct Source {
    /// As received: any integer, so that the core can name an SSRC which is out of range in its answer (spec/30 §9.3).
    #[attr]
    pub ssrc: Option<i64>,
    #[attr]
    pub name: Option<SourceName>,
    #[attr("videoType")]
    pub video_type: Option<VideoType>,
    pub info: Option<SsrcInfo>,
    /// As the focus writes it.
    pub parameters: Vec<SourceParameter>,
    /// As lib-jitsi-meet writes it.
    pub own_parameters: Vec<SsmaParameter>,
}

/// Who sends a source, `jvb` for the bridge.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(JITMEET, "ssrc-info")]
pub struct SsrcInfo {
    #[attr]
    pub owner: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(RTP, "parameter")]
pub struct SourceParameter {
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub value: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SSMA, "parameter")]
pub struct SsmaParameter {
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub value: Option<String>,
}

/// Sources that belong together: simulcast layers, or a stream and its retransmissions.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SSMA, "ssrc-group")]
pub struct SsrcGroup {
    #[attr]
    pub semantics: Semantics,
    pub sources: Vec<GroupedSource>,
}

/// The reference to a source inside a group.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(SSMA, "source")]
pub struct GroupedSource {
    #[attr]
    pub ssrc: Option<i64>,
}
