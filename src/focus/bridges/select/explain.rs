//! Why each bridge ranks where it does, for a participant that there is or could be.
//!
//! Pure, and by the same functions that select. For tests, the log and people.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use super::pool::{Candidate, Excluded, Gathered, Pool, Rank, Used};
use super::{Bridge, Bridges, Config, NoBridge, Plan, SelectionStrategy, Standing, Wanted, better, decide, plan};
use crate::config::LoadModel;
use crate::focus::Timestamp;
use crate::focus::bridges::load::Moment;
use crate::wire::Jid;

/// What [`Bridges::select`] decides now, and how it comes to that.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explanation {
    pub strategy: &'static str,
    /// Of the endpoint.
    pub region: Option<String>,
    pub visitor: bool,
    pub pinned_version: Option<String>,
    /// The bridge that is taken, if there is one.
    pub bridge: Option<Jid>,
    /// Why that one, or why none.
    pub reason: String,
    /// Best first; those that don't come into question at the end.
    pub bridges: Vec<Explained>,
}

/// One bridge's part in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Explained {
    pub bridge: Jid,
    /// Whether it comes into question at all.
    pub candidate: bool,
    /// The row of the strategy's table that it satisfies, or what excludes it.
    pub why: String,
    pub corrected_stress: f64,
    pub reported_stress: f64,
    /// By how much it may rise yet: what bridges are compared by is the sum (docs/BRIDGES.md).
    pub foreseen_stress: f64,
    /// What it is expected to move for us in a second, by the conferences on it.
    pub carried_packets: u64,
    pub carried_kilobits: u64,
    /// Endpoints that it cannot have reported yet, and the stress of each.
    pub recent_endpoints: u32,
    pub average_participant_stress: f64,
    pub load_model: &'static str,
    /// Of all conferences.
    pub endpoints: u32,
    /// Of this conference, if it has a session there.
    pub conference_endpoints: Option<u32>,
    pub overloaded: bool,
    pub failing_ice: bool,
    pub region: Option<String>,
    pub version: Option<String>,
    pub relay_id: Option<String>,
}

/// How one bridge did.
enum Result<'a> {
    Stands(Candidate<'a>, Standing),
    Refused(Candidate<'a>),
    Excluded(Candidate<'a>, Excluded),
}

impl Bridges {
    /// See the module. Sorts all bridges: not for every selection.
    pub fn explain(&self, now: Timestamp, config: &Config, wanted: Wanted<'_>) -> Explanation {
        let conference = Pool::conference(self, now, config, wanted);
        let used = |bridge: &Bridge| conference.iter().find(|used| std::ptr::eq(used.bridge, bridge)).copied();
        let mut results = Vec::with_capacity(self.len());
        let moment = Moment::new(now, &config.bridge);
        let gathered = Gathered::new(self, now, config, wanted, |bridge, why| {
            let rank = Rank::of(bridge, now, config);
            results.push(Result::Excluded(Candidate::new(bridge, rank, &moment, used(bridge)), why));
        });
        let decided = match &gathered {
            Ok(gathered) => decide(now, config, wanted, gathered),
            Err(none) => Err(none.clone()),
        };
        if let Ok(gathered) = &gathered {
            results.extend(stand(config, wanted, gathered, decided.as_ref().ok().map(|choice| choice.bridge)));
        }
        results.sort_by(order);
        let mut bridges: Vec<Explained> = results.iter().map(|result| explained(result, now, config)).collect();
        // A conference keeps to a bridge that nobody else is sent to any more.
        let taken = decided.as_ref().ok().map(|choice| &choice.bridge.id.jid);
        if let Some(at) = bridges.iter().position(|row| Some(&row.bridge) == taken) {
            let mut row = bridges.remove(at);
            if !row.candidate {
                row.candidate = true;
                row.why = format!("{}, though {}", super::OF_THE_CONFERENCE, row.why);
            }
            bridges.insert(0, row);
        }
        let (bridge, reason) = match decided {
            Ok(choice) => (Some(choice.bridge.id.jid.clone()), choice.reason.to_string()),
            Err(NoBridge(why)) => (None, why),
        };
        Explanation {
            strategy: name(config.bridge.selection_strategy),
            region: wanted.region.map(str::to_owned),
            visitor: wanted.visitor,
            pinned_version: wanted.pinned_version.map(str::to_owned),
            bridge,
            reason,
            bridges,
        }
    }
}

/// How each candidate stands with the strategy that applies, where that one was taken.
fn stand<'a>(
    config: &'a Config,
    wanted: Wanted<'a>,
    gathered: &Gathered<'a>,
    taken: Option<&Bridge>,
) -> Vec<Result<'a>> {
    let pool = &gathered.pool;
    let bridge = &config.bridge;
    let strategy = match (bridge.selection_strategy, wanted.visitor) {
        (SelectionStrategy::Visitor, true) => bridge.visitor_selection_strategy.unwrap_or_default(),
        (SelectionStrategy::Visitor, false) => bridge.participant_selection_strategy.unwrap_or_default(),
        (strategy, _) => strategy,
    };
    // Bridges of the other kind of endpoint come into question only if there are no others.
    let all = || Pool { candidates: pool.candidates.clone(), conference: pool.conference.clone() };
    let own = match bridge.selection_strategy {
        SelectionStrategy::Visitor => super::visitor::of_kind(pool, wanted.visitor),
        _ => all(),
    };
    let mixes = taken.is_some_and(|taken| !own.candidates.iter().any(|it| std::ptr::eq(it.bridge, taken)));
    let own = if mixes { all() } else { own };
    let of_own = plan(strategy, &own, wanted.region, config);
    let is_own = |it: &Candidate<'_>| own.candidates.iter().any(|own| std::ptr::eq(own.bridge, it.bridge));
    let stays = gathered.only.or(match &of_own {
        Plan::Stay(bridge) => Some(*bridge),
        _ => None,
    });
    let result = |it: &Candidate<'a>| {
        let stay = stays.is_some_and(|stays| std::ptr::eq(stays, it.bridge));
        let standing = match &of_own {
            _ if stay => Some(Standing::new(0, super::OF_THE_CONFERENCE)),
            Plan::Choose(rule) if stays.is_none() && is_own(it) => rule.standing(it),
            _ => None,
        };
        match standing {
            Some(standing) => Result::Stands(*it, standing),
            None => Result::Refused(*it),
        }
    };
    pool.candidates.iter().map(result).collect()
}

/// Best first, then those that came furthest.
fn order(a: &Result<'_>, b: &Result<'_>) -> Ordering {
    let group = |result: &Result<'_>| match result {
        Result::Stands(..) => 0,
        Result::Refused(_) => 1,
        Result::Excluded(..) => 2,
    };
    match (a, b) {
        (Result::Stands(a, by), Result::Stands(b, than)) => better((a, *by), (b, *than)),
        (Result::Excluded(a, why), Result::Excluded(b, other)) => other.cmp(why).then_with(|| a.by_load(b)),
        (Result::Refused(a), Result::Refused(b)) => a.by_load(b),
        _ => group(a).cmp(&group(b)),
    }
}

fn explained(result: &Result<'_>, now: Timestamp, config: &Config) -> Explained {
    let (it, candidate, why) = match result {
        Result::Stands(it, standing) => (it, true, standing.why.to_owned()),
        Result::Refused(it) => (it, true, "passed over by the strategy".to_owned()),
        Result::Excluded(it, why) => (it, false, why.why().to_owned()),
    };
    let bridge = it.bridge;
    Explained {
        bridge: bridge.id.jid.clone(),
        candidate,
        why,
        corrected_stress: it.stress,
        reported_stress: bridge.reported_stress,
        foreseen_stress: it.expected - it.stress,
        carried_packets: bridge.carried().packets,
        carried_kilobits: bridge.carried().kilobits,
        load_model: match config.bridge.selection_load_model {
            LoadModel::Predictive => "predictive",
            LoadModel::Classic => "classic",
        },
        recent_endpoints: bridge.recent_endpoints(now, &config.bridge),
        average_participant_stress: bridge.average_participant_stress,
        endpoints: bridge.endpoints,
        conference_endpoints: it.used.map(|Used { on, .. }| on.endpoints),
        overloaded: it.overloaded,
        failing_ice: bridge.failing_ice(now, &config.bridge),
        region: bridge.region.clone(),
        version: bridge.full_version(),
        relay_id: bridge.relay_id.clone(),
    }
}

/// As configurations name it.
pub fn name(strategy: SelectionStrategy) -> &'static str {
    match strategy {
        SelectionStrategy::Single => "SingleBridgeSelectionStrategy",
        SelectionStrategy::Split => "SplitBridgeSelectionStrategy",
        SelectionStrategy::RegionBased => "RegionBasedBridgeSelectionStrategy",
        SelectionStrategy::IntraRegion => "IntraRegionBridgeSelectionStrategy",
        SelectionStrategy::Visitor => "VisitorSelectionStrategy",
    }
}

impl Explanation {
    /// The whole, or its first bridges: what fits into a log.
    pub fn brief(&self, bridges: usize) -> impl fmt::Display + '_ {
        Brief { explanation: self, bridges }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.brief(usize::MAX).fmt(f)
    }
}

struct Brief<'e> {
    explanation: &'e Explanation,
    bridges: usize,
}

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = self.explanation;
        let kind = if it.visitor { "a visitor" } else { "a participant" };
        write!(f, "{} for {kind}", it.strategy)?;
        if let Some(region) = &it.region {
            write!(f, " in {region}")?;
        }
        if let Some(version) = &it.pinned_version {
            write!(f, ", pinned to {version}")?;
        }
        match &it.bridge {
            Some(bridge) => write!(f, ": {}, {}", nick(bridge), it.reason)?,
            None => write!(f, ": no bridge, {}", it.reason)?,
        }
        for (place, bridge) in it.bridges.iter().take(self.bridges).enumerate() {
            match bridge.candidate {
                true => write!(f, "\n  {:>3}. {bridge}", place + 1)?,
                false => write!(f, "\n    -  {bridge}")?,
            }
        }
        match it.bridges.len().saturating_sub(self.bridges) {
            0 => Ok(()),
            more => write!(f, "\n    … and {more} more"),
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_deref().unwrap_or("no region");
        write!(f, "{} ({region}): {}; stress {:.2}", nick(&self.bridge), self.why, self.corrected_stress)?;
        self.write_parts(f)?;
        write!(f, "{}", if self.overloaded { ", overloaded" } else { "" })?;
        write!(f, "{}", if self.failing_ice { ", failing ICE" } else { "" })?;
        write!(f, ", {} endpoints", self.endpoints)?;
        match self.conference_endpoints {
            Some(endpoints) => write!(f, ", {endpoints} of the conference"),
            None => Ok(()),
        }
    }
}

impl Explained {
    /// What its stress is made of.
    fn write_parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unreported = self.corrected_stress - self.reported_stress;
        if self.load_model == "classic" {
            if self.recent_endpoints > 0 {
                let average = self.average_participant_stress;
                write!(f, " = {:.2} + {} × {average}", self.reported_stress, self.recent_endpoints)?;
            }
            return Ok(());
        }
        if unreported.abs() >= 0.005 {
            let sign = if unreported < 0.0 { '-' } else { '+' };
            write!(f, " = {:.2} {sign} {:.2} unreported", self.reported_stress, unreported.abs())?;
        }
        write!(f, ", {:.2} foreseen", self.corrected_stress + self.foreseen_stress)?;
        if self.carried_packets > 0 {
            let megabits = self.carried_kilobits.div_ceil(1000);
            write!(f, ", {} packets/s and {megabits} Mbit/s of ours", self.carried_packets)?;
        }
        Ok(())
    }
}

fn nick(bridge: &Jid) -> &str {
    bridge.resource().unwrap_or(bridge.as_str())
}
