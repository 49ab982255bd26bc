//! The bridges of the brewery (spec/50 §3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::health::{CheckResult, Health, Verdict};
use super::ice::IceFailures;
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
    /// Until the bridge says otherwise: one that never says so is taken only if there is no other.
    pub draining: bool,
    pub version: Option<String>,
    pub release: Option<String>,
    pub region: Option<String>,
    pub relay_id: Option<String>,
    /// Another bridge says that it has the same relay id: one conference can't use both (spec/50 §6.5).
    pub relay_shared: bool,
    pub healthy: bool,
    pub last_presence: Timestamp,
    /// Endpoints that this focus has on it, awaited answers included.
    pub endpoints: u32,
    /// Moved off it since it came, as it had too much to do.
    pub endpoints_redistributed: u64,
    pub(super) recent: RecentCount,
    pub(super) ice: IceFailures,
    /// The last word of health checks and allocations; [`Bridge::operational`] also knows when it was said.
    flag: bool,
    failed_at: Option<Timestamp>,
    /// How many more presences must deny the graceful shutdown of which a refusal told us.
    refusal_stands: u8,
    health: Health,
}

/// A presence may have been under way when the bridge refused: the second one that denies the shutdown is believed.
const DENIALS: u8 = 2;

impl Bridge {
    fn new(now: Timestamp, id: BridgeId, config: &config::Bridge) -> Bridge {
        Bridge {
            id,
            reported_stress: 0.0,
            average_participant_stress: config.average_participant_stress,
            graceful_shutdown: false,
            shutting_down: false,
            draining: true,
            version: None,
            release: None,
            region: None,
            relay_id: None,
            relay_shared: false,
            healthy: true,
            last_presence: now,
            endpoints: 0,
            endpoints_redistributed: 0,
            recent: RecentCount::default(),
            ice: IceFailures::default(),
            flag: true,
            failed_at: None,
            refusal_stands: 0,
            health: Health::new(now, &config.health_checks),
        }
    }

    /// `version`, or `version-release` (spec/50 §3.1).
    pub fn full_version(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        Some(match &self.release {
            Some(release) => format!("{version}-{release}"),
            None => version.clone(),
        })
    }

    /// Whether that is its full version.
    pub fn has_version(&self, wanted: &str) -> bool {
        let Some(version) = &self.version else { return false };
        match (&self.release, wanted.strip_prefix(version.as_str())) {
            (None, rest) => rest == Some(""),
            (Some(release), Some(rest)) => rest.strip_prefix('-') == Some(release.as_str()),
            (Some(_), None) => false,
        }
    }

    /// Whether new endpoints may go there as far as failures and health checks say (spec/50 §3.3).
    pub fn operational(&self, now: Timestamp, config: &config::Bridge) -> bool {
        if self.failed_at.is_some_and(|failed| now.since(failed) < config.failure_reset_threshold) {
            return false;
        }
        // Without health checks nothing else would ever clear it.
        self.flag || !config.health_checks.enabled
    }

    fn failed(&mut self, now: Timestamp) {
        self.flag = false;
        self.failed_at = Some(now);
    }

    /// Takes over what a presence says (spec/50 §3.1). What it does not say stays.
    fn update(&mut self, now: Timestamp, stats: &Stats) {
        self.last_presence = now;
        let stat = |name: &str| {
            let first = stats.stats.iter().find(|stat| stat.name.as_deref() == Some(name))?;
            first.value.as_deref()
        };
        let boolean = |name: &str| stat(name).map(|value| value.eq_ignore_ascii_case("true"));
        let text = |name: &str, field: &mut Option<String>| {
            if let Some(value) = stat(name) {
                *field = Some(value.into());
            }
        };
        if let Some(stress) = stat("stress_level").and_then(decimal) {
            self.reported_stress = stress;
        }
        if let Some(stress) = stat("average_participant_stress").and_then(decimal) {
            self.average_participant_stress = stress;
        }
        if let Some(graceful) = boolean("graceful_shutdown") {
            self.said_graceful(graceful);
        }
        self.shutting_down = boolean("shutting_down").unwrap_or(self.shutting_down);
        self.draining = boolean("drain").unwrap_or(self.draining);
        self.healthy = boolean("healthy").unwrap_or(self.healthy);
        text("version", &mut self.version);
        text("release", &mut self.release);
        text("region", &mut self.region);
        text("relay_id", &mut self.relay_id);
    }

    fn said_graceful(&mut self, graceful: bool) {
        self.refusal_stands = if graceful { 0 } else { self.refusal_stands.saturating_sub(1) };
        self.graceful_shutdown = graceful || self.refusal_stands > 0;
    }

    /// Carries out a verdict.
    fn judge(&mut self, now: Timestamp, verdict: Verdict) -> Option<HealthStep> {
        match verdict {
            Verdict::Ask => Some(HealthStep::Ask(self.id.clone())),
            Verdict::Passed => {
                self.flag = true;
                None
            }
            Verdict::Failed => {
                self.failed(now);
                Some(HealthStep::Event(BridgeEvent::Failed(self.id.clone())))
            }
            Verdict::Silent => {
                self.failed(now);
                None
            }
            Verdict::Nothing => None,
        }
    }
}

/// A finite number; a negative one, which a bridge reports while its machine has no measure yet, would attract all load.
fn decimal(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite()).map(|value| value.max(0.0))
}

fn says(stats: &Stats, name: &str) -> bool {
    stats.stats.iter().any(|stat| stat.name.as_deref() == Some(name))
}

/// All bridges.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bridges {
    bridges: BTreeMap<Jid, Bridge>,
    incarnations: u64,
}

impl Bridges {
    /// Available presence of an occupant of the brewery with statistics. Tells of what is new: a bridge, or its going down.
    pub fn presence(
        &mut self,
        now: Timestamp,
        from: &Jid,
        stats: &Stats,
        config: &config::Bridge,
    ) -> Option<BridgeEvent> {
        if let Some(bridge) = self.bridges.get_mut(from) {
            let before = bridge.shutting_down;
            let relay = bridge.relay_id.clone();
            bridge.update(now, stats);
            let event = (bridge.shutting_down && !before).then(|| BridgeEvent::ShuttingDown(bridge.id.clone()));
            self.relay_told(from, relay);
            return event;
        }
        if config.health_checks.enabled && config.health_checks.use_presence && !says(stats, "healthy") {
            log::warn!(
                "the bridge {from} does not say whether it is healthy, which health checks are to go by: it counts as healthy. \
                 Add `healthy` to the statistics that it sends, or unset jicofo.bridge.health-checks.use-presence"
            );
        }
        self.incarnations += 1;
        let id = BridgeId { jid: from.clone(), incarnation: self.incarnations };
        let mut bridge = Bridge::new(now, id.clone(), config);
        bridge.update(now, stats);
        self.bridges.insert(from.clone(), bridge);
        self.relay_told(from, None);
        Some(BridgeEvent::Added(id))
    }

    /// The occupant is gone.
    pub fn remove(&mut self, jid: &Jid) -> Option<BridgeEvent> {
        let bridge = self.bridges.remove(jid)?;
        if let Some(relay) = bridge.relay_id.as_deref().filter(|_| bridge.relay_shared) {
            self.find_shared(relay);
        }
        let lost = !bridge.graceful_shutdown && !bridge.shutting_down;
        Some(BridgeEvent::Removed { bridge: bridge.id, lost })
    }

    /// A bridge told its relay id, which was another one before, perhaps.
    fn relay_told(&mut self, jid: &Jid, before: Option<String>) {
        let now = self.bridges.get(jid).and_then(|bridge| bridge.relay_id.clone());
        if now == before {
            return;
        }
        for relay in [before, now].into_iter().flatten() {
            let shared = self.find_shared(&relay);
            if shared.len() > 1 {
                log::warn!(
                    "the bridges {} have the same relay id {relay}: no conference can use more than one of them. Give each \
                     its own (videobridge.relay.relay-id)",
                    shared.join(", ")
                );
            }
        }
    }

    /// Notes at those who have a relay id whether they are several.
    fn find_shared(&mut self, relay: &str) -> Vec<String> {
        let mut with: Vec<&mut Bridge> =
            self.bridges.values_mut().filter(|bridge| bridge.relay_id.as_deref() == Some(relay)).collect();
        let shared = with.len() > 1;
        with.iter_mut().for_each(|bridge| bridge.relay_shared = shared);
        with.iter().map(|bridge| bridge.id.jid.to_string()).collect()
    }

    /// The bridge that has that address now.
    pub fn at(&self, jid: &Jid) -> Option<&Bridge> {
        self.bridges.get(jid)
    }

    /// The bridge, if it is still that one.
    pub fn get(&self, id: &BridgeId) -> Option<&Bridge> {
        self.bridges.get(&id.jid).filter(|bridge| bridge.id == *id)
    }

    pub fn len(&self) -> usize {
        self.bridges.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bridges.is_empty()
    }

    /// In the order of their addresses.
    pub fn iter(&self) -> impl Iterator<Item = &Bridge> {
        self.bridges.values()
    }

    /// Bridges on which conferences can be made, for the focus' own health (spec/50 §7.4).
    pub fn usable(&self, now: Timestamp, config: &config::Bridge) -> usize {
        self.iter().filter(|bridge| bridge.operational(now, config) && !bridge.graceful_shutdown).count()
    }

    /// Whether a conference that is on no bridge might be put on this one.
    pub fn is_selectable(&self, now: Timestamp, jid: &Jid, config: &config::Bridge) -> bool {
        self.bridges.get(jid).is_some_and(|bridge| bridge.operational(now, config) && !bridge.shutting_down)
    }

    /// Whether it takes new endpoints and is not overloaded: load can be moved there.
    pub fn takes_load(&self, now: Timestamp, jid: &Jid, config: &config::Bridge) -> bool {
        let staying =
            |bridge: &Bridge| !bridge.draining && !bridge.graceful_shutdown && !bridge.overloaded(now, config);
        self.is_selectable(now, jid, config) && self.bridges.get(jid).is_some_and(staying)
    }

    /// So many were moved off it, as it had too much to do.
    pub fn endpoints_redistributed(&mut self, id: &BridgeId, count: u32) {
        if let Some(bridge) = self.get_mut(id) {
            bridge.endpoints_redistributed += u64::from(count);
        }
    }

    /// A request to allocate an endpoint is being sent to it.
    pub fn endpoint_allocated(&mut self, now: Timestamp, id: &BridgeId, config: &config::Bridge) {
        if let Some(bridge) = self.get_mut(id) {
            bridge.endpoints += 1;
            bridge.recent.add(now, config.participant_rampup_interval);
        }
    }

    /// Endpoints are off it, for whatever reason.
    pub fn endpoints_released(&mut self, id: &BridgeId, count: u32) {
        if let Some(bridge) = self.get_mut(id) {
            bridge.endpoints = bridge.endpoints.saturating_sub(count);
        }
    }

    /// An endpoint on it could not connect, or asks for a restart (spec/50 §4.4). True: from now on it counts as failing.
    pub fn restart_requested(&mut self, now: Timestamp, id: &BridgeId, config: &config::Bridge) -> bool {
        self.get_mut(id).is_some_and(|bridge| bridge.restart_requested(now, config))
    }

    /// An allocation failed in a way that is the bridge's fault (spec/40 §8.1, "marked").
    pub fn failed(&mut self, now: Timestamp, id: &BridgeId) {
        if let Some(bridge) = self.get_mut(id) {
            bridge.failed(now);
        }
    }

    /// It refused a new conference because it is in graceful shutdown (spec/50 §3.4).
    pub fn refused_gracefully(&mut self, id: &BridgeId) {
        if let Some(bridge) = self.get_mut(id) {
            bridge.graceful_shutdown = true;
            bridge.refusal_stands = DENIALS;
        }
    }

    /// When to call [`Bridges::poll_health`].
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.bridges.values().filter_map(|bridge| bridge.health.poll_at()).min()
    }

    /// What is due. Call it when the time has come; `connected`: whether a request could be sent now.
    pub fn poll_health(&mut self, now: Timestamp, connected: bool, config: &config::Bridge) -> Vec<HealthStep> {
        self.bridges
            .values_mut()
            .filter_map(|bridge| {
                let (last, healthy) = (bridge.last_presence, bridge.healthy);
                let verdict = bridge.health.poll(now, connected, last, healthy, &config.health_checks);
                bridge.judge(now, verdict)
            })
            .collect()
    }

    /// Bridges whose health check is under way.
    pub fn checked(&self) -> impl Iterator<Item = &BridgeId> {
        self.iter().filter(|bridge| bridge.health.is_asked()).map(|bridge| &bridge.id)
    }

    /// A health check ended.
    pub fn check_ended(
        &mut self,
        now: Timestamp,
        id: &BridgeId,
        result: CheckResult,
        config: &config::Bridge,
    ) -> Vec<HealthStep> {
        let Some(bridge) = self.get_mut(id) else { return Vec::new() };
        let verdict = bridge.health.answered(now, &config.health_checks, result);
        bridge.judge(now, verdict).into_iter().collect()
    }

    fn get_mut(&mut self, id: &BridgeId) -> Option<&mut Bridge> {
        self.bridges.get_mut(&id.jid).filter(|bridge| bridge.id == *id)
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
