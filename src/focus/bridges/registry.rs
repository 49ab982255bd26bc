//! The bridges of the brewery (spec/50 §3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::health::{CheckResult, Health};
use super::load::RecentCount;
use crate::config;
use crate::focus::Timestamp;
use crate::wire::Jid;
use crate::wire::presence::Stats;

/// One stay of a bridge in the brewery. A bridge that left and came back under the same address is another one, and what
/// is said about the earlier one has no effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BridgeId {
    /// The occupant's JID: where every request goes.
    pub jid: Jid,
    pub incarnation: u64,
}

/// What happened to a bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BridgeEvent {
    Added(BridgeId),
    /// It goes down within a minute: conferences leave it now.
    ShuttingDown(BridgeId),
    /// It said that it is not well: conferences leave it now.
    Failed(BridgeId),
    /// It left the brewery: conferences leave it. `lost`: without having announced a shutdown.
    Removed {
        bridge: BridgeId,
        lost: bool,
    },
}

/// What to do for the health of bridges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthStep {
    /// Send a health check, and tell its result by [`Bridges::check_ended`].
    Ask(BridgeId),
    Event(BridgeEvent),
}

/// One bridge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bridge {
    pub id: BridgeId,
    pub reported_stress: f64,
    pub average_participant_stress: f64,
    pub graceful_shutdown: bool,
    pub shutting_down: bool,
    pub draining: bool,
    pub version: Option<String>,
    pub release: Option<String>,
    pub region: Option<String>,
    pub relay_id: Option<String>,
    pub healthy: bool,
    pub last_presence: Timestamp,
    /// Endpoints that this focus has on it, awaited answers included.
    pub endpoints: u32,
    recent: RecentCount,
    flag: bool,
    failed_at: Option<Timestamp>,
    health: Health,
}

impl Bridge {
    /// `version`, or `version-release` (spec/50 §3.1).
    pub fn full_version(&self) -> Option<String> {
        unimplemented!()
    }

    /// Whether new endpoints may go there as far as failures and health checks say (spec/50 §3.3).
    pub fn operational(&self, _now: Timestamp, _config: &config::Bridge) -> bool {
        unimplemented!()
    }

    /// Reported stress plus that of the endpoints it cannot have counted yet (spec/50 §4.2).
    pub fn corrected_stress(&self, _now: Timestamp, _config: &config::Bridge) -> f64 {
        let _ = (&self.recent, self.flag, self.failed_at, &self.health);
        unimplemented!()
    }

    pub fn overloaded(&self, now: Timestamp, config: &config::Bridge) -> bool {
        self.corrected_stress(now, config) >= config.stress_threshold
    }
}

/// All bridges.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bridges {
    bridges: BTreeMap<Jid, Bridge>,
    incarnations: u64,
}

impl Bridges {
    /// Available presence of an occupant of the brewery with statistics.
    pub fn presence(
        &mut self,
        _now: Timestamp,
        _from: &Jid,
        _stats: &Stats,
        _config: &config::Bridge,
    ) -> Option<BridgeEvent> {
        let _ = &self.incarnations;
        unimplemented!()
    }

    /// The occupant is gone.
    pub fn remove(&mut self, _jid: &Jid) -> Option<BridgeEvent> {
        unimplemented!()
    }

    /// The bridge, if it is still that one.
    pub fn get(&self, _id: &BridgeId) -> Option<&Bridge> {
        unimplemented!()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Bridge> {
        self.bridges.values()
    }

    /// A request to allocate an endpoint is being sent to it.
    pub fn endpoint_allocated(&mut self, _now: Timestamp, _id: &BridgeId, _config: &config::Bridge) {
        unimplemented!()
    }

    /// Endpoints are off it, for whatever reason.
    pub fn endpoints_released(&mut self, _id: &BridgeId, _count: u32) {
        unimplemented!()
    }

    /// An allocation failed in a way that is the bridge's fault (spec/40 §8.1, "marked").
    pub fn failed(&mut self, _now: Timestamp, _id: &BridgeId) {
        unimplemented!()
    }

    /// It refused a new conference because it is in graceful shutdown.
    pub fn refused_gracefully(&mut self, _id: &BridgeId) {
        unimplemented!()
    }

    /// When to call [`Bridges::poll_health`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        unimplemented!()
    }

    /// The health checks that are due. Call it when the time has come; `connected`: whether a request could be sent now.
    pub fn poll_health(&mut self, _now: Timestamp, _connected: bool, _config: &config::Bridge) -> Vec<HealthStep> {
        unimplemented!()
    }

    /// A health check ended.
    pub fn check_ended(
        &mut self,
        _now: Timestamp,
        _id: &BridgeId,
        _result: CheckResult,
        _config: &config::Bridge,
    ) -> Vec<HealthStep> {
        unimplemented!()
    }
}
