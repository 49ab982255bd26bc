//! Which bridge takes the next endpoint (spec/50 §5, §6).

use super::registry::{BridgeId, Bridges};
use crate::config::Config;
use crate::focus::Timestamp;

/// A bridge on which the conference has a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceBridge {
    pub id: BridgeId,
    pub endpoints: u32,
    /// Whether the first endpoint that is still there is a visitor.
    pub visitor: bool,
    /// Endpoints added within `max-bridge-participants-interval`.
    pub recent: u32,
}

/// For whom a bridge is sought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// In the order in which the sessions were made.
    pub conference: &'a [ConferenceBridge],
    pub region: Option<&'a str>,
    pub visitor: bool,
    /// The version to which the conference is pinned.
    pub pinned_version: Option<&'a str>,
}

/// The bridge to take, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    pub bridge: BridgeId,
    pub reason: String,
}

/// No bridge, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no bridge: {0}")]
pub struct NoBridge(pub String);

impl Bridges {
    /// Does not count the endpoint: call [`Bridges::endpoint_allocated`] with the request.
    pub fn select(&self, _now: Timestamp, _config: &Config, _wanted: Wanted<'_>) -> Result<Selected, NoBridge> {
        unimplemented!()
    }
}
