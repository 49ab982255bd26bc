//! RegionBased.

use super::*;

/// Everything that a row of the table varies: endpoint's region, local region, conference; bridge and step that are expected.
type Row<'a> = (&'a str, &'a str, &'a str, &'a str);

#[track_caller]
fn check(says: &str, config: &Config, rows: &[Row<'_>]) {
    let bridges = pool(says);
    for (endpoint, local, on, expected) in rows {
        let mut config = config.clone();
        config.local_region = region(local).map(str::to_owned);
        let conference = conference(&bridges, on);
        let wanted = Wanted { conference: &conference, region: region(endpoint), ..Wanted::default() };
        let selected = bridges.select(NOW, &config, wanted).expect("never fails");
        let step = selected.reason.why.split_once(':').map_or("-", |(step, _)| step);
        assert_eq!(format!("{} ({step})", name(&Ok(selected))), *expected, "{endpoint} {local} {on:?}");
        let explained = bridges.explain(NOW, &config, wanted);
        assert_eq!(explained.bridges[0].bridge.resource(), expected.split(' ').next(), "{explained}");
    }
}

fn region_based() -> Config {
    config(SelectionStrategy::RegionBased)
}

/// Covers spec/50: 1, 2, 3, 4, 5, 6.
#[test]
fn the_first_endpoint_decides_by_its_region_and_ours() {
    check(
        P,
        &region_based(),
        &[
            ("us-east", "-", "", "A (c)"),
            ("-", "-", "", "F (f)"),
            ("-", "eu-central", "", "D (c)"),
            ("us-west", "-", "", "A (d)"),
            ("eu-west", "eu-central", "", "D (c)"),
            ("eu-west", "-", "", "E (c)"),
            ("sa-east", "us-east", "", "A (c)"),
            ("sa-east", "-", "", "F (f)"),
        ],
    );
}

/// Covers spec/50: 7, 8, 9, 10, 11.
#[test]
fn bridges_of_the_conference_come_first_until_they_are_full() {
    check(
        P,
        &region_based(),
        &[
            ("eu-west", "-", "D:3", "D (b)"),
            ("us-east", "-", "D:3", "A (c)"),
            ("eu-central", "-", "D:80", "E (d)"),
            ("eu-central", "-", "D:80 E:80", "F (f)"),
            ("us-east", "-", "A:80 A2:80", "F (f)"),
        ],
    );
    // The limit of the conference does not count in step f.
    check("F ap-south 0.15, A us-east 0.10", &region_based(), &[("us-east", "-", "A:80", "A (f)")]);
    // Load before region: the local bridge is overloaded.
    let hot = "H us-east 0.80, F ap-south 0.79";
    check(hot, &region_based(), &[("us-east", "-", "", "F (f)"), ("us-east", "us-east", "H:3", "F (f)")]);
}

/// Covers spec/50: 12, 13, 14.
#[test]
fn if_all_are_overloaded_the_conferences_own_come_first_and_regions_do_not_count() {
    let overloaded = "O1 us-east 0.90, O2 us-east 0.95, O3 eu-central 1.1";
    let rows =
        [("us-east", "-", "O2:5", "O2 (g)"), ("us-east", "-", "O2:80", "O1 (h)"), ("eu-central", "-", "", "O1 (h)")];
    check(overloaded, &region_based(), &rows);
    let one_of_three = "A us-east 0.10, A2 us-east 0.30, O4 eu-central 0.85";
    let rows = [
        ("eu-central", "-", "", "A (f)"),
        ("eu-central", "-", "O4:5", "A (f)"),
        ("eu-central", "-", "O4:5 A2:2", "A2 (e)"),
    ];
    check(one_of_three, &region_based(), &rows);
}

/// Covers spec/50: 15.
#[test]
fn our_region_stands_in_for_one_in_which_there_is_no_bridge() {
    let pool = "A us-east 0.10, A2 us-east 0.30, F ap-south 0.05";
    check(pool, &region_based(), &[("eu-central", "us-east", "F:1", "A (c)")]);
}

/// Covers spec/50: 17.
#[test]
fn a_bridge_gets_so_many_endpoints_of_a_conference_in_a_while() {
    let mut config = region_based();
    config.bridge.max_bridge_participants_per_interval = 30;
    let rows = [("us-east", "-", "A:30/30", "A2 (c)"), ("us-east", "-", "A:30/29", "A (a)")];
    check(P, &config, &rows);
    check("A us-east 0.10, A2 us-east 0.30", &config, &[("us-east", "-", "A:30/30 A2:31/31", "A (f)")]);
    let bridges = pool(P);
    for (on, limited) in [("A:30/30", true), ("A:30/29", false), ("A:30/30 D:31/31", true), ("", false)] {
        let conference = conference(&bridges, on);
        let wanted = Wanted { conference: &conference, ..Wanted::default() };
        assert_eq!(wanted.is_rate_limited(&config), limited, "{on}");
        assert!(!wanted.is_rate_limited(&region_based()), "no limit, no selection limited");
    }
}

/// A region in two groups belongs to the last one; a bridge that does not say its region is near nobody.
#[test]
fn regions_are_near_each_other_by_the_last_group() {
    let mut config = region_based();
    let group = |regions: [&str; 2]| regions.map(str::to_owned).to_vec();
    config.bridge.region_groups = RegionGroups::new(vec![group(["us-east", "sa-east"]), group(["sa-east", "eu-west"])]);
    check("A us-east 0.10, E eu-west 0.40, N - 0.05", &config, &[("sa-east", "-", "", "E (d)")]);
    check("A us-east 0.10, N - 0.05", &config, &[("sa-east", "-", "", "N (f)"), ("-", "-", "", "N (f)")]);
}
