//! Requests to a bridge (spec/40 §5), one function each.

use crate::focus::conference::offer::Codecs;
use crate::focus::sources::set::SourceSet;
use crate::wire::colibri2::{ConferenceModify, ForceMute, Sources};
use crate::wire::ice::IceTransport;
use crate::wire::values::{EndpointId, MeetingId};

/// Set when the request also creates the conference on the bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConference {
    /// The room's bare JID.
    pub name: String,
    /// Only `false` is written.
    pub rtcstats: bool,
}

/// What a bridge is to know of an endpoint from the start (spec/40 §5.1).
#[derive(Debug, Clone, Copy)]
pub struct NewEndpoint<'a> {
    pub id: &'a EndpointId,
    pub stats_id: Option<&'a str>,
    pub codecs: &'a Codecs,
    pub visitor: bool,
    pub diarize: bool,
    pub ssrc_rewriting: bool,
    pub rtp_mid_demux: bool,
    pub private_addresses: bool,
    pub force_mute: ForceMute,
    pub sources: &'a SourceSet,
}

/// An update of one endpoint; what is `None` stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    pub id: &'a EndpointId,
    pub stats_id: Option<&'a str>,
    /// As the client sent it; `rtcp-mux` is added if missing.
    pub transport: Option<&'a IceTransport>,
    /// Always the full set.
    pub sources: Option<&'a SourceSet>,
    pub initial_last_n: Option<i32>,
}

pub fn allocate(
    _meeting: &MeetingId,
    _conference: Option<&NewConference>,
    _endpoint: NewEndpoint<'_>,
) -> ConferenceModify {
    unimplemented!()
}

/// `None`: nothing to change, nothing to send.
pub fn update(_meeting: &MeetingId, _update: Update<'_>) -> Option<ConferenceModify> {
    unimplemented!()
}

pub fn ice_restart(_meeting: &MeetingId, _id: &EndpointId, _stats_id: Option<&str>) -> ConferenceModify {
    unimplemented!()
}

/// Both values of each always mean something.
pub fn force_mute(_meeting: &MeetingId, _endpoints: &[(EndpointId, ForceMute)]) -> ConferenceModify {
    unimplemented!()
}

pub fn expire_endpoints<'a>(
    _meeting: &MeetingId,
    _endpoints: impl IntoIterator<Item = &'a EndpointId>,
) -> ConferenceModify {
    unimplemented!()
}

pub fn expire_conference(_meeting: &MeetingId) -> ConferenceModify {
    unimplemented!()
}

/// A participant's set as the bridge wants it (spec/40 §2.7).
pub fn media_sources(_owner: &EndpointId, _set: &SourceSet) -> Sources {
    unimplemented!()
}
