//! The bridges of the brewery (spec/50 §3).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::crowd::Weight;
use super::health::{CheckResult, Health, Verdict};
use super::ice::IceFailures;
use super::load::RecentCount;
use super::predict::{Fleet, Forecast, Predictions, Stay};
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
    /// What it has not reported yet.
    pub(super) forecast: Forecast,
    pub(super) ice: IceFailures,
    /// The last word of health checks and allocations; [`Bridge::operational`] also knows when it was said.
    flag: bool,
    /// The last word of health checks is that it says nothing.
    silent: bool,
    failed_at: Option<Timestamp>,
    /// How many more presences must deny the graceful shutdown of which a refusal told us.
    refusal_stands: u8,
    health: Health,
    /// For when it stands in [`Bridges::due`].
    scheduled: Option<Timestamp>,
    /// It was selectable when it last spoke, and has not failed since: whoever found no bridge has sought among others and it.
    was_selectable: bool,
}

/// A presence may have been under way when the bridge refused: the second one that denies the shutdown is believed.
const DENIALS: u8 = 2;

impl Bridge {
    fn new(now: Timestamp, id: BridgeId, config: &config::Bridge, fleet: &Fleet) -> Bridge {
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
            forecast: Forecast::new(fleet.prior(config.average_participant_stress)),
            ice: IceFailures::default(),
            flag: true,
            silent: false,
            failed_at: None,
            refusal_stands: 0,
            health: Health::new(now, &config.health_checks),
            scheduled: None,
            was_selectable: false,
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

    /// Whether it says nothing to health checks: not only that it failed somebody.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether a conference that is on no bridge might be put on it.
    fn is_selectable(&self, now: Timestamp, config: &config::Bridge) -> bool {
        self.operational(now, config) && !self.shutting_down
    }

    fn failed(&mut self, now: Timestamp) {
        self.flag = false;
        self.failed_at = Some(now);
        self.was_selectable = false;
    }

    /// Takes over what a presence says (spec/50 §3.1). What it does not say stays.
    fn update(&mut self, now: Timestamp, stats: &Stats) -> Said {
        self.last_presence = now;
        let before = self.condition();
        let mut said = Said::default();
        let mut seen = 0u32;
        // One pass: some eighty stats, of a hundred presences a second.
        for stat in &stats.stats {
            let Some(known) = stat.name.as_deref().and_then(Known::of) else { continue };
            let (first, value) = (seen & known.bit() == 0, stat.value.as_deref());
            seen |= known.bit();
            let Some(value) = value.filter(|_| first) else { continue };
            let boolean = || value.eq_ignore_ascii_case("true");
            match known {
                Known::Stress => {
                    if let Some(stress) = decimal(value) {
                        self.reported_stress = stress;
                        said.stress = true;
                    }
                }
                Known::ParticipantStress => {
                    self.average_participant_stress = decimal(value).unwrap_or(self.average_participant_stress);
                }
                Known::Graceful => self.said_graceful(boolean()),
                Known::ShuttingDown => self.shutting_down = boolean(),
                Known::Drain => self.draining = boolean(),
                Known::Healthy => self.healthy = boolean(),
                Known::Version => said.news |= set(&mut self.version, value),
                Known::Release => said.news |= set(&mut self.release, value),
                Known::Region => said.news |= set(&mut self.region, value),
                Known::RelayId => {
                    let before = set_again(&mut self.relay_id, value);
                    said.news |= before.is_some();
                    said.relay_before = before;
                }
            }
        }
        said.news |= before != self.condition();
        said
    }

    fn condition(&self) -> [bool; 4] {
        [self.graceful_shutdown, self.shutting_down, self.draining, self.healthy]
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
                (self.flag, self.silent) = (true, false);
                None
            }
            Verdict::Failed => {
                self.silent = false;
                self.failed(now);
                Some(HealthStep::Event(BridgeEvent::Failed(self.id.clone())))
            }
            Verdict::Silent => {
                self.silent = true;
                self.failed(now);
                None
            }
            Verdict::Nothing => None,
        }
    }
}

/// The statistics that count (spec/50 §3.1).
#[derive(Debug, Clone, Copy)]
enum Known {
    Stress,
    ParticipantStress,
    Graceful,
    ShuttingDown,
    Drain,
    Healthy,
    Version,
    Release,
    Region,
    RelayId,
}

impl Known {
    fn of(name: &str) -> Option<Known> {
        Some(match name {
            "stress_level" => Known::Stress,
            "average_participant_stress" => Known::ParticipantStress,
            "graceful_shutdown" => Known::Graceful,
            "shutting_down" => Known::ShuttingDown,
            "drain" => Known::Drain,
            "healthy" => Known::Healthy,
            "version" => Known::Version,
            "release" => Known::Release,
            "region" => Known::Region,
            "relay_id" => Known::RelayId,
            _ => return None,
        })
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Most of what a bridge says is what it said before. True: it was something else.
fn set(field: &mut Option<String>, value: &str) -> bool {
    set_again(field, value).is_some()
}

/// What it was before, if it was something else.
fn set_again(field: &mut Option<String>, value: &str) -> Option<Option<String>> {
    (field.as_deref() != Some(value)).then(|| field.replace(value.into()))
}

/// What there is in a bridge's statistics.
#[derive(Debug, Default)]
struct Said {
    stress: bool,
    /// Something else than how loaded it is, and other than before.
    news: bool,
    /// Its relay id is another one than this by now.
    relay_before: Option<Option<String>>,
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
    /// When the health of which bridge is to be looked after: asked at every turn of the loop.
    due: BTreeSet<(Timestamp, Jid)>,
    incarnations: u64,
    fleet: Fleet,
    predictions: Predictions,
    /// A bridge is new, or another one than it was, since this was asked.
    news: bool,
    /// A bridge that is another one than it was can be selected, or one that could not before, since this was asked.
    chance: bool,
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
            let said = bridge.update(now, stats);
            let selectable = bridge.is_selectable(now, config);
            self.chance |= selectable && (said.news || !bridge.was_selectable);
            bridge.was_selectable = selectable;
            self.news |= said.news;
            let event = (bridge.shutting_down && !before).then(|| BridgeEvent::ShuttingDown(bridge.id.clone()));
            if let Some(before) = said.relay_before {
                self.relay_told(from, before);
            }
            if said.stress {
                self.learn(now, from);
            }
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
        let mut bridge = Bridge::new(now, id.clone(), config, &self.fleet);
        let said = bridge.update(now, stats);
        bridge.was_selectable = bridge.is_selectable(now, config);
        self.news = true;
        self.bridges.insert(from.clone(), bridge);
        self.schedule(from);
        self.relay_told(from, None);
        if said.stress {
            self.learn(now, from);
        }
        Some(BridgeEvent::Added(id))
    }

    /// Compares what a bridge reported with what was expected of it.
    fn learn(&mut self, now: Timestamp, from: &Jid) {
        let Some(bridge) = self.bridges.get_mut(from) else { return };
        let prior = self.fleet.prior(bridge.average_participant_stress);
        if let Some(surprise) = bridge.forecast.reported(now, bridge.reported_stress, prior) {
            self.predictions.add(surprise);
            self.fleet.learn(&bridge.forecast);
        }
    }

    /// A conference on it weighs something else now.
    pub fn weighs(&mut self, now: Timestamp, id: &BridgeId, stay: &mut Stay, weight: Weight) {
        match self.bridges.get_mut(&id.jid).filter(|bridge| bridge.id == *id) {
            Some(bridge) => self.fleet.weighs(now, &mut bridge.forecast, stay, weight),
            None => stay.load = weight.load(),
        }
    }

    /// How well stress was predicted.
    pub fn predictions(&self) -> Predictions {
        self.predictions
    }

    /// Whether there is a bridge since this was asked that is new, or another one than it was but for its load.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// Whether there is something since this was asked by which who found no bridge may find one. A new bridge is not told
    /// here: that is an event.
    pub fn take_chance(&mut self) -> bool {
        std::mem::take(&mut self.chance)
    }

    /// The occupant is gone.
    pub fn remove(&mut self, jid: &Jid) -> Option<BridgeEvent> {
        let bridge = self.bridges.remove(jid)?;
        if let Some(at) = bridge.scheduled {
            self.due.remove(&(at, jid.clone()));
        }
        if let Some(relay) = bridge.relay_id.as_deref().filter(|_| bridge.relay_shared) {
            self.find_shared(relay);
        }
        let lost = !bridge.graceful_shutdown && !bridge.shutting_down;
        Some(BridgeEvent::Removed { bridge: bridge.id, lost })
    }

    /// A bridge told its relay id, which was another one before, perhaps.
    fn relay_told(&mut self, jid: &Jid, before: Option<String>) {
        let now = self.bridges.get(jid).and_then(|bridge| bridge.relay_id.clone());
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
        self.bridges.get(jid).is_some_and(|bridge| bridge.is_selectable(now, config))
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
        self.due.first().map(|(at, _)| *at)
    }

    /// What is due. Call it when the time has come; `connected`: whether a request could be sent now.
    pub fn poll_health(&mut self, now: Timestamp, connected: bool, config: &config::Bridge) -> Vec<HealthStep> {
        let mut steps = Vec::new();
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, jid)) = self.due.pop_first() else { break };
            let Some(bridge) = self.bridges.get_mut(&jid) else { continue };
            bridge.scheduled = None;
            let (last, healthy) = (bridge.last_presence, bridge.healthy);
            let verdict = bridge.health.poll(now, connected, last, healthy, &config.health_checks);
            steps.extend(bridge.judge(now, verdict));
            self.schedule(&jid);
        }
        steps
    }

    /// To be called after whatever changes when a bridge's health is to be looked after.
    fn schedule(&mut self, jid: &Jid) {
        let Some(bridge) = self.bridges.get_mut(jid) else { return };
        let next = bridge.health.poll_at();
        if next == bridge.scheduled {
            return;
        }
        if let Some(before) = bridge.scheduled {
            self.due.remove(&(before, jid.clone()));
        }
        self.due.extend(next.map(|at| (at, jid.clone())));
        bridge.scheduled = next;
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
        let steps = bridge.judge(now, verdict).into_iter().collect();
        self.schedule(&id.jid);
        steps
    }

    fn get_mut(&mut self, id: &BridgeId) -> Option<&mut Bridge> {
        self.bridges.get_mut(&id.jid).filter(|bridge| bridge.id == *id)
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
