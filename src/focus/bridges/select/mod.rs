//! Which bridge takes the next endpoint (spec/50 §5, §6).
//!
//! One pass over the bridges gathers those that come into question; the strategy says of each how it stands; the best standing
//! wins, and among equals the one with the least load. Nothing is sorted: there may be hundreds of bridges, and thousands of
//! selections a minute. Why it came out so is told by [`explain`].

pub mod explain;
mod intra_region;
mod pool;
mod region_based;
mod single;
mod split;
mod spread;
mod visitor;

use std::cmp::Ordering;
use std::fmt;

use self::pool::{Candidate, Gathered, Pool};
pub use self::spread::Outlook;
use super::registry::{Bridge, BridgeId, Bridges};
use crate::config::{Config, SelectionStrategy};
use crate::focus::Timestamp;

/// A bridge on which the conference has a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConferenceBridge {
    pub id: BridgeId,
    /// Awaited answers included.
    pub endpoints: u32,
    /// Whether the first endpoint that is still there is a visitor.
    pub visitor: bool,
    /// Endpoints added within `max-bridge-participants-interval`.
    pub recent: u32,
    pub outlook: Outlook,
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
    /// Taken only if there is no other: the bridge that it has just been moved off, and those that have failed the conference.
    pub avoid: &'a [BridgeId],
    /// Not taken at all.
    pub without: &'a [BridgeId],
}

impl Wanted<'_> {
    /// Whether one of the conference's bridges takes no more for now (spec/50 §4.3): counted once a selection.
    pub fn is_rate_limited(&self, config: &Config) -> bool {
        self.conference.iter().any(|on| on.is_rate_limited(&config.bridge))
    }
}

/// The bridge to take, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    pub bridge: BridgeId,
    pub reason: Reason,
}

/// Why a bridge was taken, in a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// What it was chosen for.
    pub why: &'static str,
    /// Participants and visitors share a bridge, as there is no other.
    pub mixed: bool,
    /// It was to be avoided ([`Wanted::avoid`]), and there is no other.
    pub avoided: bool,
    /// Its corrected stress.
    pub stress: f64,
}

impl Reason {
    pub fn new(why: &'static str, stress: f64) -> Reason {
        Reason { why, mixed: false, avoided: false, stress }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mixed = if self.mixed { ", shared by participants and visitors" } else { "" };
        let avoided = if self.avoided { ", though it was to be avoided" } else { "" };
        write!(f, "{}{mixed}{avoided} (stress {:.2})", self.why, self.stress)
    }
}

/// No bridge, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no bridge: {0}")]
pub struct NoBridge(pub String);

const OF_THE_CONFERENCE: &str = "the bridge of the conference";

/// How a candidate stands with a strategy: smaller is better. Among equals the order of spec/50 §5 decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// The row of the strategy's table.
    step: u8,
    why: &'static str,
    /// What counts within the step before load does.
    first: (u32, u32),
}

impl Standing {
    fn new(step: u8, why: &'static str) -> Standing {
        Standing { step, why, first: (0, 0) }
    }
}

/// What a strategy makes of a pool.
enum Plan<'a> {
    /// This one, whatever else there is.
    Stay(&'a Bridge),
    /// The best of those that stand at all.
    Choose(Rule<'a>),
    Fail(String),
}

/// How each candidate stands with a strategy. Kinds of rules are told apart once a selection: a call for each of hundreds of
/// bridges, with a standing handed over in memory, takes longer than to judge the bridge.
enum Rule<'a> {
    Single(single::Rule<'a>),
    Split(split::Rule),
    RegionBased(region_based::Rule<'a>),
    IntraRegion(intra_region::Rule<'a>),
}

impl Rule<'_> {
    /// `None`: it is not taken.
    fn standing(&self, it: &Candidate<'_>) -> Option<Standing> {
        match self {
            Rule::Single(rule) => Some(rule.standing(it)),
            Rule::Split(rule) => Some(rule.standing(it)),
            Rule::RegionBased(rule) => Some(rule.standing(it)),
            Rule::IntraRegion(rule) => rule.standing(it),
        }
    }

    /// The best of those that stand at all.
    fn choose<'p, 'a>(&self, pool: &'p Pool<'a>) -> Option<(&'p Candidate<'a>, Standing)> {
        match self {
            Rule::Single(rule) => best(pool, |it| Some(rule.standing(it))),
            Rule::Split(rule) => best(pool, |it| Some(rule.standing(it))),
            Rule::RegionBased(rule) => best(pool, |it| Some(rule.standing(it))),
            Rule::IntraRegion(rule) => best(pool, |it| rule.standing(it)),
        }
    }
}

#[inline]
fn best<'p, 'a>(
    pool: &'p Pool<'a>,
    standing: impl Fn(&Candidate<'a>) -> Option<Standing>,
) -> Option<(&'p Candidate<'a>, Standing)> {
    let mut best: Option<(&Candidate<'_>, Standing)> = None;
    for it in &pool.candidates {
        let Some(standing) = standing(it) else { continue };
        // The first of equals: addresses ascend.
        if best.is_none_or(|best| better((it, standing), best).is_lt()) {
            best = Some((it, standing));
        }
    }
    best
}

#[inline]
fn better(a: (&Candidate<'_>, Standing), b: (&Candidate<'_>, Standing)) -> Ordering {
    let by_standing = (a.1.step, a.1.first).cmp(&(b.1.step, b.1.first));
    by_standing.then_with(|| a.0.by_load(b.0))
}

/// The strategy's plan, for a pool that is not empty (spec/50 §6.4).
fn plan<'a>(strategy: SelectionStrategy, pool: &Pool<'a>, region: Option<&'a str>, config: &'a Config) -> Plan<'a> {
    match strategy {
        // Visitors are told apart before; a strategy within it is another one (`config/check.rs`).
        SelectionStrategy::Single | SelectionStrategy::Visitor => single::plan(pool, region),
        SelectionStrategy::Split => Plan::Choose(Rule::Split(split::Rule)),
        SelectionStrategy::RegionBased => {
            Plan::Choose(Rule::RegionBased(region_based::Rule::new(pool, region, config)))
        }
        SelectionStrategy::IntraRegion => intra_region::plan(pool, region, config),
    }
}

/// A choice with everything that led to it.
struct Choice<'a> {
    bridge: &'a Bridge,
    reason: Reason,
}

impl Bridges {
    /// Does not count the endpoint: call [`Bridges::endpoint_allocated`] when the request is sent.
    pub fn select(&self, now: Timestamp, config: &Config, wanted: Wanted<'_>) -> Result<Selected, NoBridge> {
        let gathered = Gathered::new(self, now, config, wanted, |_, _| {})?;
        let choice = decide(now, config, wanted, &gathered)?;
        Ok(Selected { bridge: choice.bridge.id.clone(), reason: choice.reason })
    }
}

fn decide<'a>(
    now: Timestamp,
    config: &'a Config,
    wanted: Wanted<'a>,
    gathered: &Gathered<'a>,
) -> Result<Choice<'a>, NoBridge> {
    let stay = |bridge: &'a Bridge| {
        let stress = bridge.corrected_stress(now, &config.bridge);
        Choice { bridge, reason: Reason::new(OF_THE_CONFERENCE, stress) }
    };
    if let Some(bridge) = gathered.only {
        return Ok(stay(bridge));
    }
    let bridge = &config.bridge;
    if bridge.selection_strategy == SelectionStrategy::Visitor {
        return visitor::decide(config, wanted, &gathered.pool, stay);
    }
    run(bridge.selection_strategy, &gathered.pool, wanted.region, config, stay)
}

fn run<'a>(
    strategy: SelectionStrategy,
    pool: &Pool<'a>,
    region: Option<&'a str>,
    config: &'a Config,
    stay: impl Fn(&'a Bridge) -> Choice<'a>,
) -> Result<Choice<'a>, NoBridge> {
    let plan = plan(strategy, pool, region, config);
    match &plan {
        Plan::Stay(bridge) => Ok(stay(bridge)),
        Plan::Fail(why) => Err(NoBridge(why.clone())),
        Plan::Choose(rule) => {
            let Some((best, standing)) = rule.choose(pool) else {
                return Err(NoBridge("none that the strategy takes".into()));
            };
            Ok(Choice { bridge: best.bridge, reason: Reason::new(standing.why, best.stress) })
        }
    }
}

#[cfg(test)]
mod tests;
