//! The other strategies.

use super::*;

/// Endpoint's region, conference, and the bridge that is expected.
type Row<'a> = (&'a str, &'a str, &'a str);

#[track_caller]
fn check(says: &str, config: &Config, rows: &[Row<'_>]) {
    let bridges = pool(says);
    for (endpoint, on, expected) in rows {
        let wanted = Wanted { region: region(endpoint), ..Wanted::default() };
        assert_eq!(choice(&bridges, config, on, wanted), *expected, "{endpoint} {on:?}");
    }
}

fn without_relays(strategy: SelectionStrategy) -> Config {
    let mut config = config(strategy);
    config.octo.enabled = false;
    config
}

/// Covers spec/50: 18.
#[test]
fn one_bridge_for_a_conference() {
    let single = SelectionStrategy::Single;
    let hl = "H eu 0.95, L us 0.10";
    let rows = [("eu", "", "H"), ("sa", "", "L"), ("-", "", "L"), ("us", "H:200", "H"), ("us", "H:2 L:1", "H")];
    check(hl, &without_relays(single), &rows);
    check(hl, &config(single), &[("us", "H:2 L:1", "FAIL"), ("us", "H:200", "H")]);
}

/// Octo off and a conference on A: see `tests/core` for what the conference makes of it.
#[test]
fn each_endpoint_on_another_bridge() {
    let split = SelectionStrategy::Split;
    let adf = "A us-east 0.10, D eu-central 0.20, F ap-south 0.05";
    let rows = [("-", "", "F"), ("us-east", "A:1", "F"), ("-", "A:1 D:2 F:3", "A"), ("-", "D:2 A:2 F:2", "D")];
    check(adf, &config(split), &rows);
    check(adf, &without_relays(split), &rows);
    // A is no longer registered.
    let mut bridges = pool(adf);
    let on = conference(&bridges, "A:1 D:2 F:3");
    bridges.remove(&jid("A"));
    let wanted = Wanted { conference: &on, ..Wanted::default() };
    assert_eq!(name(&bridges.select(NOW, &config(split), wanted)), "D");
}

/// Covers spec/50: 20.
#[test]
fn a_conference_stays_in_its_region() {
    let config = config(SelectionStrategy::IntraRegion);
    let rows = [
        ("eu-central", "", "D"),
        ("sa", "", "F"),
        ("-", "", "F"),
        ("eu-central", "A:80", "A2"),
        ("us-east", "D:80", "D"),
        ("eu-central", "A:3", "A"),
    ];
    check(P, &config, &rows);
    // Who does not say where it is has a region of its own.
    check(&format!("{P}, N - 0.50, O - 0.95"), &config, &[("us-east", "N:3", "N"), ("-", "O:3", "N")]);
    check("N - 0.95 drain=true, A us-east 0.10", &config, &[("us-east", "N:3", "FAIL")]);
    // Overloaded in its region, and no other there.
    check("D eu-central 0.95, A us-east 0.10", &config, &[("eu-central", "", "A"), ("us-east", "D:3", "D")]);
}

fn with_visitors(of_both: SelectionStrategy) -> Config {
    let mut config = config(SelectionStrategy::Visitor);
    config.bridge.participant_selection_strategy = Some(of_both);
    config.bridge.visitor_selection_strategy = Some(of_both);
    config
}

/// Covers spec/50: 21.
#[test]
fn visitors_have_bridges_of_their_own_if_there_are_enough() {
    let config = with_visitors(SelectionStrategy::RegionBased);
    let table: &[(&str, &str, bool, &str, &str)] = &[
        (P, "A:3", true, "us-east", "A2"),
        (P, "A:3 A2:10v", false, "us-east", "A"),
        (P, "A2:10v", false, "us-east", "A"),
        ("A us-east 0.10", "A:3", true, "us-east", "A"),
        (P, "A:3 A2:80v", true, "us-east", "F"),
        (P, "A:3 A2:9v", true, "us-east", "A2"),
    ];
    for (says, on, visitor, endpoint, expected) in table {
        let bridges = pool(says);
        let conference = conference(&bridges, on);
        let wanted =
            Wanted { conference: &conference, region: region(endpoint), visitor: *visitor, ..Wanted::default() };
        let selected = bridges.select(NOW, &config, wanted);
        assert_eq!(name(&selected), *expected, "{on}");
        let mixed = selected.is_ok_and(|selected| selected.reason.mixed);
        assert_eq!(mixed, bridges.len() == 1, "only for want of others: {on}");
    }
    let mut off = config;
    off.octo.enabled = false;
    let wanted = Wanted { visitor: true, ..Wanted::default() };
    assert_eq!(choice(&pool(P), &off, "A:3", wanted), "A");
}

/// Each kind has its own strategy.
#[test]
fn the_strategy_is_the_one_of_the_endpoints_kind() {
    let mut config = with_visitors(SelectionStrategy::RegionBased);
    config.bridge.visitor_selection_strategy = Some(SelectionStrategy::Split);
    let bridges = pool(P);
    for (visitor, on, expected) in [(true, "A:3", "F"), (true, "A:3 F:1v", "D"), (false, "A:3 F:1v", "A")] {
        let wanted = Wanted { region: Some("us-east"), visitor, ..Wanted::default() };
        assert_eq!(choice(&bridges, &config, on, wanted), expected, "{on}");
    }
}

/// Covers spec/50: 22.
#[test]
fn a_conference_on_a_bridge_without_relays_stays_there() {
    let config = config(SelectionStrategy::RegionBased);
    let says = "N us-east 0.9 relay_id=, D eu-central 0.1";
    check(says, &config, &[("eu-central", "N:100", "N")]);
}

/// Covers spec/90: 97.
#[test]
fn what_could_not_be_linked_is_not_chosen() {
    let config = config(SelectionStrategy::RegionBased);
    let says = "A us-east 0.5, N eu-central 0.1 relay_id=, B eu-central 0.2 relay_id=A";
    check(says, &config, &[("eu-central", "", "N"), ("eu-central", "A:3", "A"), ("us-east", "B:3", "B")]);
    // The other one of the same relay id leaves.
    let mut bridges = pool(says);
    let on = conference(&bridges, "B:3");
    let wanted = Wanted { conference: &on, region: Some("us-east"), ..Wanted::default() };
    bridges.remove(&jid("B"));
    assert_eq!(name(&bridges.select(NOW, &config, wanted)), "A");
}
