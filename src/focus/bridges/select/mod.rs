//! Which bridge takes the next endpoint (spec/50 §5, §6).

mod single;

use super::registry::{Bridge, BridgeId, Bridges};
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
    /// Does not count the endpoint: call [`Bridges::endpoint_allocated`] when the request is sent.
    pub fn select(&self, now: Timestamp, config: &Config, wanted: Wanted<'_>) -> Result<Selected, NoBridge> {
        let conference = self.conference_bridges(now, config, wanted.conference);
        let candidates = self.candidates(now, config, conference.first().map(|on| on.bridge), wanted.pinned_version)?;
        if let Some(first) = conference.first() {
            // One bridge a conference, however loaded it is, if they cannot be linked (spec/50 §6.2, 8).
            if !config.octo.enabled || first.bridge.relay_id.is_none() {
                let reason = "the bridge of the conference".into();
                return Ok(Selected { bridge: first.bridge.id.clone(), reason });
            }
        }
        single::select(&Pool { candidates, conference }, wanted.region)
    }

    /// The conference's bridges that are still there and take endpoints.
    fn conference_bridges<'a>(
        &'a self,
        now: Timestamp,
        config: &Config,
        on: &'a [ConferenceBridge],
    ) -> Vec<OnBridge<'a>> {
        on.iter()
            .filter_map(|on| self.get(&on.id))
            .filter(|bridge| bridge.operational(now, &config.bridge))
            .map(|bridge| OnBridge { bridge })
            .collect()
    }

    /// The bridges that come into question, best first (spec/50 §6.2, 1 to 7).
    fn candidates(
        &self,
        now: Timestamp,
        config: &Config,
        first: Option<&Bridge>,
        pinned: Option<&str>,
    ) -> Result<Vec<Ranked<'_>>, NoBridge> {
        let none = |why: String| Err(NoBridge(why));
        let current = first.and_then(Bridge::full_version);
        let version = match (current.as_deref(), pinned) {
            (Some(current), Some(pinned)) if current != pinned => {
                return none(format!("pinned to version {pinned}, but the conference is on {current}"));
            }
            (current, pinned) => current.or(pinned),
        };
        let mut ranked = self.ranked(now, config);
        let total = ranked.len();
        ranked.retain(|it| it.rank != Rank::NotOperational);
        if ranked.is_empty() {
            return none(format!("none of {total} known is operational"));
        }
        ranked.retain(|it| !it.bridge.shutting_down);
        if ranked.is_empty() {
            return none(format!("all of {total} that are operational are shutting down"));
        }
        if let Some(version) = version.filter(|_| !config.octo.allow_mixed_versions) {
            ranked.retain(|it| it.bridge.full_version().as_deref() == Some(version));
            if ranked.is_empty() {
                return none(format!("none of {total} has version {version}"));
            }
        }
        prefer(&mut ranked, |it| !it.bridge.draining);
        prefer(&mut ranked, |it| !it.bridge.graceful_shutdown);
        Ok(ranked)
    }

    /// All bridges, best first (spec/50 §5); ties go to the one with fewer endpoints, then by address.
    fn ranked(&self, now: Timestamp, config: &Config) -> Vec<Ranked<'_>> {
        // Rank and stress change with time: each is computed once.
        let rank = |bridge: &Bridge| match (bridge.operational(now, &config.bridge), bridge.graceful_shutdown) {
            (true, false) => Rank::Good,
            (true, true) => Rank::Graceful,
            (false, _) => Rank::NotOperational,
        };
        let stress = |bridge: &Bridge| bridge.corrected_stress(now, &config.bridge);
        let expected = |bridge: &Bridge| bridge.expected_stress(now, &config.bridge, self.fleet());
        let of = |bridge| Ranked { bridge, rank: rank(bridge), stress: stress(bridge), expected: expected(bridge) };
        let mut ranked: Vec<_> = self.iter().map(of).collect();
        ranked.sort_by(|a, b| {
            let by_load = a.rank.cmp(&b.rank).then(a.expected.total_cmp(&b.expected));
            by_load.then(a.bridge.endpoints.cmp(&b.bridge.endpoints)).then(a.bridge.id.cmp(&b.bridge.id))
        });
        ranked
    }
}

/// What a strategy chooses from.
struct Pool<'a> {
    /// Not empty; best first.
    candidates: Vec<Ranked<'a>>,
    /// In the order in which the sessions were made.
    conference: Vec<OnBridge<'a>>,
}

/// A bridge that the conference uses and that takes endpoints.
struct OnBridge<'a> {
    bridge: &'a Bridge,
}

/// A bridge as it stands at one moment.
#[derive(Debug)]
struct Ranked<'a> {
    bridge: &'a Bridge,
    rank: Rank,
    stress: f64,
    /// What it may become.
    expected: f64,
}

/// Better ones first (spec/50 §5).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Good,
    Graceful,
    NotOperational,
}

/// Keeps those for which it holds, if there are any.
fn prefer(ranked: &mut Vec<Ranked<'_>>, holds: impl Fn(&Ranked<'_>) -> bool) {
    if ranked.iter().any(&holds) {
        ranked.retain(holds);
    }
}

#[cfg(test)]
mod tests;
