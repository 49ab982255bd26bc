//! Whether a conference is better spread to one more bridge than grown on those that it has (docs/BRIDGES.md).
//!
//! A link costs both of its ends, and goes on to cost them with everybody who comes to send. So it is asked what it takes off the
//! fullest of the bridges concerned, if the conference grows once more by what it has grown lately, and whether that is worth it.

use super::pool::{Candidate, Pool, Used};
use crate::config::{Config, LoadModel};
use crate::focus::bridges::predict::float;
use crate::focus::bridges::registry::Bridge;

/// What a conference is to one of its bridges, in packets a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outlook {
    /// What those on this bridge send: one more link costs it that.
    pub sent_here: u64,
    /// What all send: a bridge to which the conference comes gets that.
    pub sent: u64,
    /// What all its bridges have of it, but for links.
    pub local: u64,
    /// By how much that of this bridge has grown lately. As much again is expected: of what fills, nobody knows when it is full.
    pub growth: u64,
}

/// By so much at least a link has to lower the stress of the fullest bridge, beyond what it costs.
const LEAST: f64 = 0.02;
/// Where a bridge would come to its threshold without it, a link may cost so many times what it takes off.
const AT_THE_THRESHOLD: f64 = 2.0;

impl<'a> Pool<'a> {
    /// The conference's bridges, if another one at no greater `distance` takes the next endpoint better than the one of them that
    /// would. None with the original's model, and before it is known what a packet costs that one: who only guesses that it fills
    /// would link bridges for nothing.
    pub fn outgrown<D: Ord>(&self, config: &Config, distance: impl Fn(&Candidate<'a>) -> D) -> Vec<&'a Bridge> {
        if config.bridge.selection_load_model == LoadModel::Classic {
            return Vec::new();
        }
        let used = || self.candidates.iter().filter_map(|it| Some((it, it.used?)));
        let nearer = |a: &Candidate<'a>, b: &Candidate<'a>| distance(a).cmp(&distance(b)).then_with(|| a.by_load(b));
        let free = used().filter(|(it, _)| it.is_free());
        let Some((next, of)) = free.min_by(|(a, _), (b, _)| nearer(a, b)) else { return Vec::new() };
        if next.bridge.learned_cost().is_none() {
            return Vec::new();
        }
        let growth = Growth::of(next, of, used());
        let pays = |other: &Candidate<'a>| {
            other.used.is_none()
                && growth.is_better_elsewhere(other, config.bridge.stress_threshold)
                && distance(other) <= distance(next)
        };
        match self.candidates.iter().any(pays) {
            true => used().map(|(it, _)| it.bridge).collect(),
            false => Vec::new(),
        }
    }
}

/// A conference that grows on, in packets a second and stress.
struct Growth {
    by: f64,
    /// Of that, what each of its links would carry.
    linked: f64,
    sent: f64,
    /// What a packet costs the bridge on which it grows.
    cost: f64,
    /// The stress of that bridge, if all comes to it.
    here: f64,
    /// The highest of its bridges, if it comes to another that is linked with them.
    left: f64,
}

impl Growth {
    fn of<'a: 'p, 'p>(
        next: &Candidate<'a>,
        of: Used<'a>,
        used: impl Iterator<Item = (&'p Candidate<'a>, Used<'a>)>,
    ) -> Growth {
        let Outlook { sent, local, growth, .. } = of.on.outlook;
        let (sent, by) = (float(sent), float(growth));
        let linked = by * if local == 0 { 0.0 } else { (sent / float(local)).min(1.0) };
        let cost = next.bridge.cost();
        let left = |(it, used): (&Candidate<'_>, Used<'_>)| {
            it.stress + (float(used.on.outlook.sent_here) + linked) * it.bridge.cost()
        };
        Growth { by, linked, sent, cost, here: next.stress + by * cost, left: used.map(left).fold(0.0, f64::max) }
    }

    /// Whether the link to another bridge takes more off the fullest than it costs.
    fn is_better_elsewhere(&self, other: &Candidate<'_>, threshold: f64) -> bool {
        let there = other.expected + (self.sent + self.by + self.linked) * other.bridge.cost();
        let gain = self.here - self.left.max(there);
        let cost = 2.0 * (self.sent + self.linked) * self.cost.max(other.bridge.cost());
        let worth = if self.here >= threshold { AT_THE_THRESHOLD } else { 1.0 };
        gain >= LEAST + cost / worth
    }
}
