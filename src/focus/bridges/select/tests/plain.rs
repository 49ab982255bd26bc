//! Choices beside a plain reading of spec/50 §5 and §6: all bridges in their order, and a list that each step makes shorter.

use std::time::Duration;

use super::*;
use crate::focus::bridges::crowd::Load;
use crate::focus::bridges::load::is_overload;
use crate::focus::bridges::predict::Stay;

/// Everything that a step asks of.
struct Plain<'a> {
    bridges: &'a Bridges,
    now: Timestamp,
    config: &'a Config,
    wanted: Wanted<'a>,
}

type On<'a> = (&'a Bridge, &'a ConferenceBridge);

impl<'a> Plain<'a> {
    fn stress(&self, bridge: &Bridge) -> f64 {
        bridge.corrected_stress(self.now, &self.config.bridge)
    }

    fn expected(&self, bridge: &Bridge) -> f64 {
        self.stress(bridge) + bridge.foreseen(self.now, &self.config.bridge)
    }

    fn operational(&self, bridge: &Bridge) -> bool {
        bridge.operational(self.now, &self.config.bridge)
    }

    /// spec/50 §5.
    fn ordered(&self) -> Vec<&'a Bridge> {
        let priority = |bridge: &Bridge| match (self.operational(bridge), bridge.graceful_shutdown) {
            (true, false) => 1,
            (true, true) => 2,
            (false, _) => 3,
        };
        let mut all: Vec<&Bridge> = self.bridges.iter().collect();
        all.sort_by(|a, b| {
            priority(a)
                .cmp(&priority(b))
                .then(self.expected(a).total_cmp(&self.expected(b)))
                .then(a.endpoints.cmp(&b.endpoints))
                .then_with(|| a.id.jid.cmp(&b.id.jid))
        });
        all
    }

    /// spec/50 §6.1.
    fn conference(&self) -> Vec<On<'a>> {
        let known = self.wanted.conference.iter().filter_map(|on| Some((self.bridges.get(&on.id)?, on)));
        known.filter(|(bridge, _)| self.operational(bridge)).collect()
    }

    /// spec/50 §6.2.
    fn select(&self) -> Option<&'a Bridge> {
        let conference = self.conference();
        let first = conference.first().map(|(bridge, _)| *bridge);
        let of_first = first.and_then(Bridge::full_version);
        let version = match (of_first, self.wanted.pinned_version) {
            (Some(version), Some(pinned)) if version != pinned => return None,
            (version, pinned) => version.or_else(|| pinned.map(str::to_owned)),
        };
        let mut list = self.ordered();
        list.retain(|bridge| self.operational(bridge));
        list.retain(|bridge| !bridge.shutting_down);
        if version.is_some() && !self.config.octo.allow_mixed_versions {
            list.retain(|bridge| bridge.full_version() == version);
        }
        list.retain(|bridge| self.can_be_linked(bridge, first));
        list.retain(|bridge| !self.wanted.without.contains(&bridge.id));
        if list.is_empty() {
            return None;
        }
        for better in [
            &(|bridge: &Bridge| !bridge.draining) as &dyn Fn(&Bridge) -> bool,
            &|bridge: &Bridge| !bridge.graceful_shutdown,
            &|bridge: &Bridge| !self.wanted.avoid.contains(&bridge.id),
        ] {
            if list.iter().any(|bridge| better(bridge)) {
                list.retain(|bridge| better(bridge));
            }
        }
        if let Some(first) = first
            && (!self.has_several() || first.relay_id.is_none())
        {
            return Some(first);
        }
        self.strategy(&list, &conference)
    }

    fn has_several(&self) -> bool {
        self.config.octo.enabled || self.config.bridge.selection_strategy == SelectionStrategy::Split
    }

    /// What could not be linked later is not taken now (spec/50 §6.5, "Improve"): bridges without a relay id, or with one that
    /// another of the conference's bridges has.
    fn can_be_linked(&self, bridge: &Bridge, first: Option<&Bridge>) -> bool {
        let known: Vec<&Bridge> = self.wanted.conference.iter().filter_map(|on| self.bridges.get(&on.id)).collect();
        let beside_others = match first.or(known.first().copied()) {
            Some(first) => self.has_several() && first.relay_id.is_some(),
            None => self.has_several() && !self.wanted.conference.is_empty(),
        };
        let is_known = known.iter().any(|known| known.id == bridge.id);
        !beside_others
            || bridge.relay_id.is_some() && (is_known || known.iter().all(|known| known.relay_id != bridge.relay_id))
    }

    fn strategy(&self, list: &[&'a Bridge], conference: &[On<'a>]) -> Option<&'a Bridge> {
        let bridge = &self.config.bridge;
        if bridge.selection_strategy != SelectionStrategy::Visitor {
            return self.strategy_of(bridge.selection_strategy, list, conference);
        }
        let strategy = match self.wanted.visitor {
            true => bridge.visitor_selection_strategy,
            false => bridge.participant_selection_strategy,
        };
        let own = |on: &On<'_>| on.1.visitor == self.wanted.visitor;
        let of_others = |bridge: &&&Bridge| conference.iter().any(|on| std::ptr::eq(on.0, **bridge) && !own(on));
        let own_list: Vec<&Bridge> = list.iter().filter(|bridge| !of_others(bridge)).copied().collect();
        let own_conference: Vec<On<'_>> = conference.iter().copied().filter(own).collect();
        let strategy = strategy.expect("configured");
        // No strategy takes a bridge that is not in the list, but the one that stays.
        let chosen = if own_list.is_empty() { None } else { self.strategy_of(strategy, &own_list, &own_conference) };
        chosen.or_else(|| self.strategy_of(strategy, list, conference))
    }

    /// spec/50 §6.4.
    fn strategy_of(
        &self,
        strategy: SelectionStrategy,
        list: &[&'a Bridge],
        conference: &[On<'a>],
    ) -> Option<&'a Bridge> {
        let first = |holds: &dyn Fn(&Bridge) -> bool| list.iter().find(|bridge| holds(bridge)).copied();
        let on = |bridge: &Bridge| conference.iter().find(|on| std::ptr::eq(on.0, bridge)).map(|on| on.1);
        let region = self.wanted.region;
        let within = |bridge: &Bridge| region.is_some() && bridge.region.as_deref() == region;
        let overloaded = |bridge: &Bridge| is_overload(self.stress(bridge), &self.config.bridge);
        let maxed = |bridge: &Bridge| on(bridge).is_some_and(|on| on.is_maxed(&self.config.bridge));
        let free = |bridge: &Bridge| match on(bridge) {
            Some(on) => !bridge.overloaded_for(self.now, &self.config.bridge, on),
            None => !overloaded(bridge),
        };
        match strategy {
            SelectionStrategy::Single | SelectionStrategy::Visitor => match conference {
                [] => first(&within).or_else(|| first(&|_| true)),
                [(only, _)] => Some(only),
                _ => None,
            },
            SelectionStrategy::Split => first(&|bridge| on(bridge).is_none()).or_else(|| {
                let mine = conference.iter().filter(|(bridge, _)| list.iter().any(|it| std::ptr::eq(*it, *bridge)));
                // The first of the least.
                mine.min_by_key(|(_, on)| on.endpoints).map(|(bridge, _)| *bridge)
            }),
            SelectionStrategy::IntraRegion => {
                let Some((of, _)) = conference.first() else {
                    return first(&|bridge| within(bridge) && free(bridge)).or_else(|| first(&|_| true));
                };
                let there = |bridge: &Bridge| bridge.region == of.region;
                let grown = self.is_outgrown(list, conference, &free, &|bridge| u8::from(!there(bridge)));
                first(&|bridge| on(bridge).is_some() && !grown && free(bridge) && there(bridge))
                    .or_else(|| first(&|bridge| free(bridge) && there(bridge)))
                    .or_else(|| first(&|bridge| on(bridge).is_some() && there(bridge)))
            }
            SelectionStrategy::RegionBased => {
                let groups = &self.config.bridge.region_groups;
                let is_in_group = |bridge: &Bridge, region: Option<&str>| match (&bridge.region, region) {
                    (Some(of), Some(region)) => groups.around(region).contains(&of.as_str()),
                    _ => false,
                };
                let local = self.config.local_region.as_deref();
                let start = region.or(local);
                let mut wanted = start;
                if let Some(local) = local {
                    let near = start.is_some_and(|start| groups.around(start).contains(&local));
                    if conference.is_empty() && near || !list.iter().any(|bridge| is_in_group(bridge, start)) {
                        wanted = Some(local);
                    }
                }
                let within = |bridge: &Bridge| wanted.is_some() && bridge.region.as_deref() == wanted;
                let near = |bridge: &Bridge| is_in_group(bridge, wanted);
                let distance = |bridge: &Bridge| u8::from(!within(bridge)) + u8::from(!within(bridge) && !near(bridge));
                let grown = self.is_outgrown(list, conference, &free, &distance);
                let keeps = |bridge: &Bridge| on(bridge).is_some() && !grown;
                first(&|bridge| keeps(bridge) && within(bridge) && free(bridge))
                    .or_else(|| first(&|bridge| keeps(bridge) && near(bridge) && free(bridge)))
                    .or_else(|| first(&|bridge| within(bridge) && free(bridge)))
                    .or_else(|| first(&|bridge| near(bridge) && free(bridge)))
                    .or_else(|| first(&|bridge| keeps(bridge) && free(bridge)))
                    .or_else(|| first(&|bridge| !overloaded(bridge)))
                    .or_else(|| first(&|bridge| on(bridge).is_some() && !maxed(bridge)))
                    .or_else(|| first(&|_| true))
            }
        }
    }

    /// docs/BRIDGES.md: a link to another bridge would take more off the fullest than it costs.
    fn is_outgrown(
        &self,
        list: &[&Bridge],
        conference: &[On<'_>],
        free: &dyn Fn(&Bridge) -> bool,
        distance: &dyn Fn(&Bridge) -> u8,
    ) -> bool {
        let on = |bridge: &Bridge| conference.iter().find(|on| std::ptr::eq(on.0, bridge)).map(|on| on.1.outlook);
        let used: Vec<(&Bridge, Outlook)> = list.iter().filter_map(|bridge| Some((*bridge, on(bridge)?))).collect();
        // The first of the nearest.
        let next = used.iter().filter(|(bridge, _)| free(bridge)).min_by_key(|(bridge, _)| distance(bridge));
        let Some(&(next, outlook)) = next else { return false };
        if self.config.bridge.selection_load_model == LoadModel::Classic || next.learned_cost().is_none() {
            return false;
        }
        let (sent, growth) = (outlook.sent as f64, outlook.growth as f64);
        let linked = if outlook.local == 0 { 0.0 } else { growth * (sent / outlook.local as f64).min(1.0) };
        let stays = self.stress(next) + growth * next.cost();
        let left = |(bridge, outlook): &(&Bridge, Outlook)| {
            self.stress(bridge) + (outlook.sent_here as f64 + linked) * bridge.cost()
        };
        let left = used.iter().map(left).fold(0.0, f64::max);
        list.iter().filter(|other| on(other).is_none() && distance(other) <= distance(next)).any(|other| {
            let comes = self.expected(other) + (sent + growth + linked) * other.cost();
            let cost = 2.0 * (sent + linked) * next.cost().max(other.cost());
            let cost = if stays >= self.config.bridge.stress_threshold { cost / 2.0 } else { cost };
            stays - left.max(comes) >= 0.02 + cost
        })
    }
}

/// xorshift64*: the same bridges everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).expect("31 bits") % below
    }

    /// Once in so many.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }
}

const REGIONS: [&str; 6] = ["us-east", "us-west", "eu-central", "eu-west", "ap-south", "sa-east"];
/// Few, so that some are equal.
const STRESSES: [&str; 8] = ["0.1", "0.1", "0.3", "0.5", "0.61", "0.7", "0.85", "1.2"];

/// Up to thirty bridges, half of which have reported for ten minutes; and when that is over.
fn fleet(dice: &mut Dice) -> (Bridges, Timestamp) {
    let mut bridges = Bridges::default();
    let mut config = Config::default().bridge;
    config.ice_failure_detection.enabled = true;
    config.ice_failure_detection.min_endpoints = 1;
    let later = NOW + Duration::from_secs(600);
    let rare = dice.of(&[4, 10, 1000]);
    for number in 0..=dice.below(30) {
        let yes_or_no = |yes: bool| if yes { "true" } else { "false" };
        let stress = dice.of(&STRESSES);
        let relay = if dice.once_in(6) { "shared".to_owned() } else { format!("relay{number}") };
        let mut said = vec![("version", dice.of(&["1", "1", "1", "2"]).to_owned())];
        said.push(("drain", yes_or_no(dice.once_in(rare)).to_owned()));
        said.push(("graceful_shutdown", yes_or_no(dice.once_in(rare)).to_owned()));
        said.push(("shutting_down", yes_or_no(dice.once_in(rare)).to_owned()));
        said.extend((!dice.once_in(8)).then_some(("relay_id", relay)));
        said.extend((!dice.once_in(8)).then(|| ("region", dice.of(&REGIONS).to_owned())));
        said.extend(dice.once_in(20).then_some(("release", "7".to_owned())));
        let stat = |name: &str, value: &str| Stat { name: Some(name.into()), value: Some(value.into()) };
        let tell = |bridges: &mut Bridges, at: Timestamp, stress: &str| {
            let mut stats: Vec<Stat> = said.iter().map(|(name, value)| stat(name, value)).collect();
            stats.push(stat("stress_level", stress));
            bridges.presence(at, &jid(&format!("b{number}")), &Stats { stats }, &config);
        };
        tell(&mut bridges, NOW, stress);
        let id = id(&bridges, &format!("b{number}"));
        if dice.once_in(2) {
            bridges.weighs(NOW, &id, &mut Stay::new(NOW), Load::new(20_000, 0).into());
            for second in (60..=600).step_by(10) {
                // No two measurements are the same to the last bit.
                let measured = stress.parse::<f64>().expect("a number") + second as f64 * 1e-9;
                tell(&mut bridges, NOW + Duration::from_secs(second), &measured.to_string());
            }
        }
        for _ in 0..dice.below(30) {
            let at = later - Duration::from_millis(dice.below(30_000) as u64);
            bridges.weighs(at, &id, &mut Stay::new(at), Load::new(dice.of(&[100, 1000, 5000]), 0).into());
        }
        // In the order of time, as each bridge is asked.
        let mut ages: Vec<usize> = (0..dice.below(40)).map(|_| dice.below(30_000)).collect();
        ages.sort_unstable();
        for age in ages.iter().rev() {
            bridges.endpoint_allocated(later - Duration::from_millis(*age as u64), &id, &config);
        }
        if dice.once_in(rare) {
            bridges.restart_requested(later, &id, &config);
        }
        if dice.once_in(rare) {
            bridges.failed(later - Duration::from_secs(dice.of(&[10, 59, 120])), &id);
        }
    }
    (bridges, later)
}

fn some_config(dice: &mut Dice) -> Config {
    use SelectionStrategy::{IntraRegion, RegionBased, Single, Split, Visitor};
    let mut config = config(dice.of(&[Single, Split, RegionBased, RegionBased, IntraRegion, Visitor]));
    let bridge = &mut config.bridge;
    bridge.participant_selection_strategy = Some(dice.of(&[Single, Split, RegionBased, IntraRegion]));
    bridge.visitor_selection_strategy = Some(dice.of(&[Single, Split, RegionBased, IntraRegion]));
    bridge.selection_load_model = dice.of(&[LoadModel::Predictive, LoadModel::Classic]);
    bridge.health_checks.enabled = !dice.once_in(4);
    bridge.max_bridge_participants = dice.of(&[80, 5, 0]);
    bridge.max_bridge_participants_per_interval = dice.of(&[-1, 3]);
    // One that is no multiple of a bucket, too.
    bridge.participant_rampup_interval = dice.of(&[20_000, 7_050, 0].map(Duration::from_millis));
    config.octo.enabled = !dice.once_in(4);
    config.octo.allow_mixed_versions = dice.once_in(4);
    config.local_region = dice.once_in(2).then(|| dice.of(&REGIONS).to_owned());
    config
}

/// The choice is the one that a plain reading of the document makes, and the explanation names it first: a hundred fleets, and a
/// hundred seekers each.
#[test]
fn a_choice_is_what_the_document_says() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut chosen, mut refused) = (0, 0);
    for number in 0..100 {
        let (bridges, later) = fleet(&mut dice);
        let ids: Vec<BridgeId> = bridges.iter().map(|bridge| bridge.id.clone()).collect();
        for seeker in 0..100 {
            let config = some_config(&mut dice);
            let now = later + Duration::from_millis(dice.below(25_000) as u64);
            let mut on = Vec::new();
            for _ in 0..dice.of(&[0, 0, 1, 1, 2, 4]) {
                let mut id = ids[dice.below(ids.len())].clone();
                // One that has gone.
                id.incarnation += if dice.once_in(12) { 1000 } else { 0 };
                if !on.iter().any(|other: &ConferenceBridge| other.id == id) {
                    let (endpoints, recent) = (dice.of(&[1, 3, 5, 80]), dice.of(&[0, 3]));
                    let sent = dice.of(&[0, 1_000, 10_000]);
                    let (local, growth) = (dice.of(&[0, 20_000, 60_000]), dice.of(&[0, 10_000, 40_000]));
                    let outlook = Outlook { sent_here: sent / dice.of(&[1, 2]), sent, local, growth };
                    on.push(ConferenceBridge { id, endpoints, visitor: dice.once_in(3), recent, outlook });
                }
            }
            let avoid: Vec<BridgeId> = (0..dice.of(&[0, 0, 2])).map(|_| ids[dice.below(ids.len())].clone()).collect();
            let without: Vec<BridgeId> = (0..dice.of(&[0, 0, 1])).map(|_| ids[dice.below(ids.len())].clone()).collect();
            let wanted = Wanted {
                conference: &on,
                region: dice.of(&[None, Some("us-east"), Some("eu-west"), Some("ap-south"), Some("nowhere")]),
                visitor: dice.once_in(3),
                pinned_version: dice.of(&[None, None, None, Some("1"), Some("3")]),
                avoid: &avoid,
                without: &without,
            };
            let selected = bridges.select(now, &config, wanted).ok().map(|selected| selected.bridge.jid);
            let plain = Plain { bridges: &bridges, now, config: &config, wanted }.select();
            let plain = plain.map(|bridge| bridge.id.jid.clone());
            let explained = bridges.explain(now, &config, wanted);
            assert_eq!(selected, plain, "fleet {number}, seeker {seeker}: {wanted:?}\n{explained}");
            assert_eq!(explained.bridge, selected, "fleet {number}, seeker {seeker}");
            match &selected {
                Some(bridge) => {
                    chosen += 1;
                    assert_eq!(explained.bridges[0].bridge, *bridge, "fleet {number}, seeker {seeker}\n{explained}");
                }
                None => refused += 1,
            }
        }
    }
    assert!(chosen > 5000 && refused > 500, "{chosen} choices, {refused} refusals");
}
