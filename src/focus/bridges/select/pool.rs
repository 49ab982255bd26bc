//! The bridges that come into question (spec/50 §6.2, steps 1 to 8).

use std::cmp::Ordering;

use super::{ConferenceBridge, NoBridge, Wanted};
use crate::config::{Config, SelectionStrategy};
use crate::focus::Timestamp;
use crate::focus::bridges::load::{Moment, is_overload};
use crate::focus::bridges::registry::{Bridge, Bridges};

/// Better ones first (spec/50 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Good,
    Graceful,
    NotOperational,
}

impl Rank {
    pub fn of(bridge: &Bridge, now: Timestamp, config: &Config) -> Rank {
        match (bridge.operational(now, &config.bridge), bridge.graceful_shutdown) {
            (true, false) => Rank::Good,
            (true, true) => Rank::Graceful,
            (false, _) => Rank::NotOperational,
        }
    }
}

/// Why a bridge does not come into question. In the order of the steps: one that fails a later one came further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Excluded {
    NotOperational,
    ShuttingDown,
    OtherVersion,
    /// The conference is on other bridges, to which it can't be linked.
    NoRelay,
    /// The conference is on another bridge of the same relay id.
    RelayInUse,
    Draining,
    Graceful,
    /// What is to be placed was just moved off it, or it has failed the conference lately.
    Avoided,
}

impl Excluded {
    pub fn why(self) -> &'static str {
        match self {
            Excluded::NotOperational => "not operational",
            Excluded::ShuttingDown => "shutting down",
            Excluded::OtherVersion => "of another version",
            Excluded::NoRelay => "without a relay id, but the conference is on other bridges",
            Excluded::RelayInUse => "of a relay id that another of the conference's bridges has",
            Excluded::Draining => "draining, and others are not",
            Excluded::Graceful => "in graceful shutdown, and others are not",
            Excluded::Avoided => {
                "just relieved of this endpoint or lately failing this conference, and there are others"
            }
        }
    }
}

/// A bridge of the conference that takes endpoints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used<'a> {
    pub bridge: &'a Bridge,
    pub on: &'a ConferenceBridge,
    /// Its place in the order in which the sessions were made.
    pub place: u32,
}

/// A bridge as it stands at one moment: its load changes with time and is computed once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub bridge: &'a Bridge,
    pub rank: Rank,
    /// Corrected (spec/50 §4.2).
    pub stress: f64,
    /// What that may become: what bridges are compared by (docs/BRIDGES.md).
    pub expected: f64,
    /// Whatever the conference has on it (spec/50 §4.3).
    pub overloaded: bool,
    /// `max-bridge-participants` of the conference are on it.
    pub maxed: bool,
    rate_limited: bool,
    /// What the conference has on it.
    pub used: Option<Used<'a>>,
}

impl<'a> Candidate<'a> {
    /// `rank` as [`Rank::of`] has it.
    #[inline]
    pub fn new(bridge: &'a Bridge, rank: Rank, moment: &Moment<'_>, used: Option<Used<'a>>) -> Candidate<'a> {
        let (now, config) = (moment.now, moment.config);
        let stress = bridge.stress_at(moment);
        Candidate {
            bridge,
            rank,
            stress,
            expected: stress + bridge.foreseen(now, config),
            overloaded: is_overload(stress, config),
            maxed: used.is_some_and(|used| used.on.is_maxed(config)),
            rate_limited: used.is_some_and(|used| used.on.is_rate_limited(config)),
            used,
        }
    }

    /// Not overloaded for this conference (spec/50 §4.3).
    pub fn is_free(&self) -> bool {
        !self.overloaded && !self.maxed && !self.rate_limited
    }

    pub fn region(&self) -> Option<&'a str> {
        self.bridge.region.as_deref()
    }

    /// The order of spec/50 §5; ties go to the one with fewer endpoints, then by address.
    pub fn by_load(&self, other: &Candidate<'_>) -> Ordering {
        let by_load = self.rank.cmp(&other.rank).then(self.expected.total_cmp(&other.expected));
        by_load
            .then(self.bridge.endpoints.cmp(&other.bridge.endpoints))
            .then_with(|| self.bridge.id.cmp(&other.bridge.id))
    }
}

/// What a strategy chooses from.
pub(super) struct Pool<'a> {
    /// In the order of their addresses.
    pub candidates: Vec<Candidate<'a>>,
    /// In the order in which the sessions were made; candidates or not.
    pub conference: Vec<Used<'a>>,
}

impl<'a> Pool<'a> {
    /// The conference's bridges that are still there and take endpoints (spec/50 §6.1).
    pub fn conference(bridges: &'a Bridges, now: Timestamp, config: &Config, wanted: Wanted<'a>) -> Vec<Used<'a>> {
        let known = wanted.conference.iter().filter_map(|on| Some((bridges.get(&on.id)?, on)));
        let operational = known.filter(|(bridge, _)| bridge.operational(now, &config.bridge));
        operational.zip(0..).map(|((bridge, on), place)| Used { bridge, on, place }).collect()
    }
}

/// The pool, or the bridge on which the conference stays for want of relays.
pub(super) struct Gathered<'a> {
    pub pool: Pool<'a>,
    pub only: Option<&'a Bridge>,
}

impl<'a> Gathered<'a> {
    /// `excluded` is told of each that does not come into question.
    pub fn new(
        bridges: &'a Bridges,
        now: Timestamp,
        config: &Config,
        wanted: Wanted<'a>,
        mut excluded: impl FnMut(&'a Bridge, Excluded),
    ) -> Result<Gathered<'a>, NoBridge> {
        let conference = Pool::conference(bridges, now, config, wanted);
        let first = conference.first().map(|used| used.bridge);
        // Also those that take no endpoints now: what is added must be linked with them.
        let known: Vec<&Bridge> = wanted.conference.iter().filter_map(|on| bridges.get(&on.id)).collect();
        let version = version(first, wanted.pinned_version).inspect_err(|_| {
            bridges.iter().for_each(|bridge| excluded(bridge, Excluded::OtherVersion));
        })?;
        let filter = Filter {
            now,
            config,
            version: version.as_deref().filter(|_| !config.octo.allow_mixed_versions),
            known: &known,
            linked: match first.or(known.first().copied()) {
                Some(first) => is_linked(config, Some(first)),
                // It is on bridges that are gone, and has yet to leave them.
                None => has_several(config) && !wanted.conference.is_empty(),
            },
        };
        let moment = Moment::new(now, &config.bridge);
        let mut candidates = Vec::with_capacity(bridges.len());
        let mut furthest = Excluded::NotOperational;
        for bridge in bridges.iter() {
            let used = conference.iter().find(|used| std::ptr::eq(used.bridge, bridge)).copied();
            let left_out = || wanted.without.contains(&bridge.id).then_some(Excluded::Avoided);
            match filter.excludes(bridge).or_else(left_out) {
                Some(why) => {
                    furthest = furthest.max(why);
                    excluded(bridge, why);
                }
                None => {
                    let rank = if bridge.graceful_shutdown { Rank::Graceful } else { Rank::Good };
                    candidates.push(Candidate::new(bridge, rank, &moment, used));
                }
            }
        }
        if candidates.is_empty() {
            return Err(nothing(bridges.len(), furthest, version.as_deref()));
        }
        let mut told = |it: &Candidate<'a>, why| excluded(it.bridge, why);
        prefer(&mut candidates, |it| !it.bridge.draining, |it| told(it, Excluded::Draining));
        prefer(&mut candidates, |it| !it.bridge.graceful_shutdown, |it| told(it, Excluded::Graceful));
        if !wanted.avoid.is_empty() {
            prefer(&mut candidates, |it| !wanted.avoid.contains(&it.bridge.id), |it| told(it, Excluded::Avoided));
        }
        let only = first.filter(|_| !is_linked(config, first));
        Ok(Gathered { pool: Pool { candidates, conference }, only })
    }
}

/// The version that the conference keeps to (spec/50 §6.2, 1).
fn version(first: Option<&Bridge>, pinned: Option<&str>) -> Result<Option<String>, NoBridge> {
    let current = first.and_then(Bridge::full_version);
    match (current, pinned) {
        (Some(current), Some(pinned)) if current != pinned => {
            Err(NoBridge(format!("pinned to version {pinned}, but the conference is on {current}")))
        }
        (current, pinned) => Ok(current.or_else(|| pinned.map(str::to_owned))),
    }
}

/// Whether a conference whose first bridge is that one may get another one beside it (spec/50 §6.2, 8). Otherwise it stays,
/// however loaded its bridge is.
fn is_linked(config: &Config, first: Option<&Bridge>) -> bool {
    has_several(config) && first.is_some_and(|first| first.relay_id.is_some())
}

/// Whether conferences may be on several bridges.
fn has_several(config: &Config) -> bool {
    config.octo.enabled || config.bridge.selection_strategy == SelectionStrategy::Split
}

/// The steps that look at one bridge alone.
struct Filter<'f> {
    now: Timestamp,
    config: &'f Config,
    version: Option<&'f str>,
    /// The conference's bridges.
    known: &'f [&'f Bridge],
    linked: bool,
}

impl Filter<'_> {
    fn excludes(&self, bridge: &Bridge) -> Option<Excluded> {
        if !bridge.operational(self.now, &self.config.bridge) {
            return Some(Excluded::NotOperational);
        }
        if bridge.shutting_down {
            return Some(Excluded::ShuttingDown);
        }
        if self.version.is_some_and(|version| !bridge.has_version(version)) {
            return Some(Excluded::OtherVersion);
        }
        // What could not be linked later is not taken now (spec/50 §6.5, "Improve").
        if self.linked && bridge.relay_id.is_none() {
            return Some(Excluded::NoRelay);
        }
        let is_known = self.known.iter().any(|known| std::ptr::eq(*known, bridge));
        let same_relay = |known: &&Bridge| known.relay_id == bridge.relay_id;
        if self.linked && bridge.relay_shared && !is_known && self.known.iter().any(same_relay) {
            return Some(Excluded::RelayInUse);
        }
        None
    }
}

/// Why there is nothing to choose from.
fn nothing(known: usize, furthest: Excluded, version: Option<&str>) -> NoBridge {
    NoBridge(match furthest {
        Excluded::NotOperational => format!("none of {known} known is operational"),
        Excluded::ShuttingDown => format!("all of {known} known are shutting down or not operational"),
        Excluded::OtherVersion => format!("none of {known} known has version {}", version.unwrap_or_default()),
        _ => format!("none of {known} known can be linked to the conference's bridges"),
    })
}

/// Keeps those for which it holds, if there are any; the others are told of.
fn prefer<'a>(
    candidates: &mut Vec<Candidate<'a>>,
    holds: impl Fn(&Candidate<'a>) -> bool,
    mut told: impl FnMut(&Candidate<'a>),
) {
    let holding = candidates.iter().filter(|it| holds(it)).count();
    if holding > 0 && holding < candidates.len() {
        candidates.retain(|it| {
            let holds = holds(it);
            if !holds {
                told(it);
            }
            holds
        });
    }
}
