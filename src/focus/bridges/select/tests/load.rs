//! The order among equals of a strategy.

use std::time::Duration;

use super::*;
use crate::focus::bridges::crowd::Load;
use crate::focus::bridges::predict::Stay;

fn single() -> Config {
    classic(SelectionStrategy::Single)
}

/// Takes the best, and then it leaves, until there is none.
fn order(mut bridges: Bridges) -> Vec<String> {
    let mut order = Vec::new();
    while let Ok(selected) = bridges.select(NOW, &single(), Wanted::default()) {
        order.extend(selected.bridge.jid.resource().map(str::to_owned));
        bridges.remove(&selected.bridge.jid);
    }
    order
}

/// Covers spec/50: 32.
#[test]
fn bridges_are_ordered_by_rank_then_stress_then_endpoints_then_address() {
    let says = "failed - 0.0, graceful - 0.1 graceful_shutdown=true, busy - 10.0, c - 0.3 average_participant_stress=0, \
                b - 0.3, a - 0.3, recent - 0.2";
    let mut bridges = pool(says);
    let config = single().bridge;
    let failed = id(&bridges, "failed");
    bridges.failed(NOW, &failed);
    let (recent, c) = (id(&bridges, "recent"), id(&bridges, "c"));
    (0..15).for_each(|_| bridges.endpoint_allocated(NOW, &recent, &config));
    bridges.endpoint_allocated(NOW, &c, &config);
    let explained = bridges.explain(NOW, &single(), Wanted::default());
    let explained: Vec<_> = explained.bridges.iter().filter_map(|it| it.bridge.resource()).collect();
    assert_eq!(explained, ["a", "b", "c", "recent", "busy", "graceful", "failed"]);
    assert_eq!(order(bridges), ["a", "b", "c", "recent", "busy", "graceful"]);
}

/// Covers spec/50: 29.
#[test]
fn endpoints_that_a_bridge_cannot_have_counted_weigh_as_it_says() {
    for (average, expected) in [("0.01", ["l2", "l1"]), ("0.001", ["l1", "l2"])] {
        let mut bridges = pool(&format!("l1 - 0.20 average_participant_stress={average}, l2 - 0.30"));
        let l1 = id(&bridges, "l1");
        (0..15).for_each(|_| bridges.endpoint_allocated(NOW, &l1, &single().bridge));
        assert_eq!(order(bridges), expected, "{average}");
    }
}

/// Covers spec/50: 30.
#[test]
fn the_fiftieth_endpoint_in_a_while_is_the_one_too_many() {
    for (recent, expected) in [(49, "near"), (50, "far")] {
        let mut bridges = pool("near us-east 0.30, far ap-south 0.79");
        let near = id(&bridges, "near");
        let config = classic(SelectionStrategy::RegionBased);
        (0..recent).for_each(|_| bridges.endpoint_allocated(NOW, &near, &config.bridge));
        let wanted = Wanted { region: Some("us-east"), ..Wanted::default() };
        let after = |millis| name(&bridges.select(NOW + std::time::Duration::from_millis(millis), &config, wanted));
        assert_eq!([after(0), after(20_000), after(20_100)], [expected, expected, "near"]);
    }
}

/// Bridges of which it is known what a packet costs them: they have reported for ten minutes.
fn known(says: &str) -> Bridges {
    let mut bridges = pool(says);
    let config = Config::default().bridge;
    let jids: Vec<_> = bridges.iter().map(|bridge| (bridge.id.clone(), bridge.reported_stress)).collect();
    for (bridge, stress) in jids {
        bridges.weighs(NOW, &bridge, &mut Stay::new(NOW), Load::new(packets(stress), 0).into());
        for second in (60..=600).step_by(10) {
            let at = NOW + Duration::from_secs(second);
            // No two measurements are the same to the last bit.
            let said = (stress + f64::from(u32::try_from(second).expect("small")) * 1e-9).to_string();
            let stat = |name: &str, value: &str| Stat { name: Some(name.into()), value: Some(value.into()) };
            let region = bridge.jid.resource().and_then(|name| name.split_once('.')).map_or("", |(_, region)| region);
            let stats =
                vec![stat("stress_level", &said), stat("relay_id", bridge.jid.as_str()), stat("region", region)];
            bridges.presence(at, &bridge.jid, &Stats { stats }, &config);
        }
    }
    bridges
}

/// Packets a second that give a bridge here this stress.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some ten thousand")]
fn packets(stress: f64) -> u64 {
    (stress * 100_000.0) as u64
}

/// A conference on `home`, which sends so much, has so much there without links, and has lately grown by so much; in stress.
fn growing(bridges: &Bridges, sent: f64, local: f64, growth: f64) -> Vec<ConferenceBridge> {
    let [sent, local, growth] = [sent, local, growth].map(packets);
    let outlook = Outlook { sent_here: sent, sent, local, growth };
    conference(bridges, "home.eu:3").into_iter().map(|on| ConferenceBridge { outlook, ..on }).collect()
}

/// docs/BRIDGES.md: a link is made if it takes more off the fullest bridge than it costs.
#[test]
fn a_conference_spreads_where_a_link_pays() {
    let later = NOW + Duration::from_secs(601);
    let spread = |bridges: &Bridges, config: &Config, (sent, local, growth): (f64, f64, f64)| {
        let on = growing(bridges, sent, local, growth);
        name(&bridges.select(later, config, Wanted { conference: &on, region: Some("eu"), ..Wanted::default() }))
    };
    let (listeners, meeting, settled) = ((0.02, 0.40, 0.30), (0.06, 0.40, 0.25), (0.02, 0.40, 0.0));
    // Stress of its bridge, of another one in the region, of one elsewhere; the conference; the bridge of the next endpoint.
    for (home, near, far, conference, expected) in [
        // Nearly all listen: a link is cheap, and so many more come that it is well worth it.
        ("0.40", "0.10", "0.10", listeners, "near.eu"),
        // All send: the link would cost more than it takes off.
        ("0.40", "0.10", "0.10", meeting, "home.eu"),
        // Unless its bridge would come to the threshold.
        ("0.65", "0.10", "0.10", meeting, "near.eu"),
        // Nobody comes any more.
        ("0.65", "0.10", "0.10", settled, "home.eu"),
        ("0.40", "0.10", "0.10", settled, "home.eu"),
        // The other would be as full.
        ("0.40", "0.36", "0.10", listeners, "home.eu"),
        ("0.65", "0.60", "0.10", meeting, "home.eu"),
        // No distance is worth it.
        ("0.40", "0.70", "0.10", listeners, "home.eu"),
        // One that is overloaded itself is no place to go.
        ("1.20", "0.85", "0.85", settled, "home.eu"),
    ] {
        let says = format!("home.eu eu {home}, near.eu eu {near}, far.us us {far}");
        for strategy in [SelectionStrategy::RegionBased, SelectionStrategy::IntraRegion] {
            let case = format!("{strategy:?} {says} {conference:?}");
            assert_eq!(spread(&known(&says), &config(strategy), conference), expected, "{case}");
            // Not by the original's arithmetic, nor where it is only guessed what a packet costs.
            assert_eq!(spread(&known(&says), &classic(strategy), conference), "home.eu", "{case}");
            assert_eq!(spread(&pool(&says), &config(strategy), conference), "home.eu", "{case}");
        }
    }
}

/// A third bridge costs the two that there are: both send it what is on them.
#[test]
fn a_link_is_judged_by_what_it_costs_all_bridges_of_the_conference() {
    let later = NOW + Duration::from_secs(601);
    let bridges = known("one.eu eu 0.70, two.eu eu 0.55, three.eu eu 0.10");
    let took = |sent: f64| {
        let outlook =
            Outlook { sent_here: packets(sent) / 2, sent: packets(sent), local: packets(0.8), growth: packets(0.3) };
        let on = conference(&bridges, "one.eu:30 two.eu:30").into_iter();
        let on: Vec<_> = on.map(|on| ConferenceBridge { outlook, ..on }).collect();
        let wanted = Wanted { conference: &on, region: Some("eu"), ..Wanted::default() };
        name(&bridges.select(later, &config(SelectionStrategy::RegionBased), wanted))
    };
    assert_eq!([took(0.02), took(0.20)], ["three.eu", "two.eu"]);
}

/// The choice depends on the bridges there are, not on when each was seen.
#[test]
fn the_order_in_which_bridges_come_means_nothing() {
    let says = ["d eu 0.1", "a us 0.1", "c eu 0.3", "b us 0.2"];
    for turn in 0..says.len() {
        let mut turned = says;
        turned.rotate_left(turn);
        assert_eq!(order(pool(&turned.join(", "))), ["a", "d", "b", "c"]);
    }
}

/// The cost of a selection does not grow by an allocation with each bridge. (That a stress above 1 is one like any:
/// tests/core/selection.rs.)
///
/// Covers spec/90: 83.
#[test]
fn five_hundred_bridges_cost_no_more_allocations_than_five() {
    let regions = ["us-east", "us-west", "eu-central", "eu-west", "ap-south"];
    let fleet = |count: usize| {
        let line = |number: usize| format!("b{number} {} {}", regions[number % 5], 1.5 + number as f64 / 1000.0);
        pool(&(0..count).map(line).collect::<Vec<_>>().join(", "))
    };
    let allocations = |count: usize, strategy: SelectionStrategy| {
        let (bridges, config) = (fleet(count), config(strategy));
        let on = conference(&bridges, "b3:2 b4:7");
        let wanted =
            Wanted { conference: &on, region: Some("us-west"), pinned_version: Some("1"), ..Wanted::default() };
        let mut selected = Err(NoBridge(String::new()));
        let counted = allocation_counter::measure(|| selected = bridges.select(NOW, &config, wanted));
        (name(&selected), counted.count_total)
    };
    for (strategy, expected) in [
        (SelectionStrategy::RegionBased, "b3"),
        (SelectionStrategy::Split, "b0"),
        (SelectionStrategy::IntraRegion, "b3"),
        (SelectionStrategy::Single, "FAIL"),
    ] {
        let (few, many) = (allocations(5, strategy), allocations(500, strategy));
        assert_eq!(few, many, "{strategy:?}");
        assert!(few.0 == expected && few.1 < 10, "{strategy:?}: {few:?}");
    }
}
