//! What a participant is offered (spec/30 §4, §8). Pure: features, configuration and the bridge's answer in, Jingle out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::features::Features;
use crate::config::Config;
use crate::focus::sources::set::SourceSet;
use crate::focus::sources::validate::ConferenceSources;
use crate::focus::sources::view::View;
use crate::wire::colibri2::Media;
use crate::wire::ice::IceTransport;
use crate::wire::jingle::{BridgeSession, Description, Jingle, StartMuted};
use crate::wire::values::{EndpointId, SessionId};

/// Codecs and header extensions for one set of features: the same for all participants that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Codecs {
    pub audio: Option<Description>,
    pub video: Option<Description>,
    /// Whether a data channel is offered, hence whether the bridge is asked for SCTP.
    pub data: bool,
    /// What the bridge is told of the same (spec/30 §4.5).
    pub media: Vec<Media>,
}

/// The codecs that were built, by features. One for the whole focus.
#[derive(Debug, Clone, Default)]
pub struct CodecCache {
    built: BTreeMap<Features, Arc<Codecs>>,
}

impl CodecCache {
    pub fn get(&mut self, _features: Features, _config: &Config) -> Arc<Codecs> {
        let _ = &self.built;
        unimplemented!()
    }
}

/// Everything a `session-initiate` or `transport-replace` is made of.
#[derive(Debug)]
pub struct Offer<'a> {
    pub sid: SessionId,
    /// The focus' own full JID.
    pub initiator: String,
    pub receiver: &'a EndpointId,
    pub codecs: &'a Codecs,
    pub view: View,
    /// The bridge's, from the answer to the allocation.
    pub transport: &'a IceTransport,
    pub sctp_port: Option<u16>,
    /// The bridge's own sources.
    pub feedback: &'a SourceSet,
    /// Of the whole conference; the receiver's own are left out here.
    pub sources: &'a ConferenceSources,
    /// `None` unless at least one of the two is on (spec/30 §6.6).
    pub start_muted: Option<StartMuted>,
    pub bridge_session: BridgeSession,
}

impl Offer<'_> {
    /// `session-initiate`. For `transport-replace` change the action.
    pub fn session_initiate(self) -> Jingle {
        unimplemented!()
    }
}
