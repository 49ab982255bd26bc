//! What comes into question, and in which order.

use super::*;

#[track_caller]
fn check(says: &str, config: &Config, rows: &[(&str, &str)]) {
    for (on, expected) in rows {
        assert_eq!(choice(&pool(says), config, on, Wanted::default()), *expected, "{says}: {on:?}");
    }
}

fn single() -> Config {
    let mut config = config(SelectionStrategy::Single);
    config.octo.enabled = false;
    config
}

fn region_based() -> Config {
    config(SelectionStrategy::RegionBased)
}

/// Covers spec/50: 24, 25, 26; spec/90: 62.
#[test]
fn who_is_going_is_taken_last_or_not_at_all() {
    let draining = "dA - 0.0 drain=true";
    let graceful = "gA - 0.0 graceful_shutdown=true";
    let stopping = "sA - 0.0 shutting_down=true";
    let healthy = "hA - 0.5";
    let both = |a: &str, b: &str| format!("{a}, {b}");
    for config in [single(), region_based()] {
        check(&both(draining, healthy), &config, &[("", "hA")]);
        check(draining, &config, &[("", "dA"), ("dA:4", "dA")]);
        check(&both(graceful, healthy), &config, &[("", "hA")]);
        check(graceful, &config, &[("", "gA")]);
        check(&both(draining, graceful), &config, &[("", "gA")]);
        check(&both(stopping, healthy), &config, &[("", "hA")]);
        check(stopping, &config, &[("", "FAIL"), ("sA:2", "FAIL")]);
    }
    check(&both(draining, healthy), &region_based(), &[("dA:4", "hA")]);
    check(&both(draining, healthy), &single(), &[("dA:4", "dA")]);
    check(&both(stopping, healthy), &single(), &[("sA:2", "sA")]);
    check("", &single(), &[("", "FAIL")]);
}

/// Covers spec/50: 23, 27.
#[test]
fn a_conference_keeps_to_one_version() {
    let bridges = pool("o1 - 0.1 version=v1, o2 - 0.2 version=v1, n1 - 0.0 version=v2 drain=true");
    let pinned = |config: &Config, on: &str, pinned_version: Option<&str>| {
        choice(&bridges, config, on, Wanted { pinned_version, ..Wanted::default() })
    };
    let mut mixed = region_based();
    mixed.octo.allow_mixed_versions = true;
    let table = [
        ("", None, "o1"),
        ("", Some("v2"), "n1"),
        ("", Some("x"), "FAIL"),
        ("o1:1", Some("v2"), "FAIL"),
        ("o1:1", Some("v1"), "o1"),
        ("n1:1", None, "n1"),
    ];
    for (on, version, expected) in table {
        assert_eq!(pinned(&region_based(), on, version), expected, "{on} {version:?}");
    }
    // Mixed versions lift the filter, not the pin of a conference that is elsewhere.
    assert_eq!(pinned(&mixed, "o1:1", Some("v2")), "FAIL");
    assert_eq!(pinned(&mixed, "n1:1", None), "o1");

    // The full version, to the letter.
    let bridges = pool("r - 0.1 version=2.3.1 release=77, s - 0.2 version=2.3.1-7");
    for (version, expected) in [("2.3.1-77", "r"), ("2.3.1", "FAIL"), ("2.3.1-7", "s"), ("2.3.1-777", "FAIL")] {
        let wanted = Wanted { pinned_version: Some(version), ..Wanted::default() };
        assert_eq!(choice(&bridges, &region_based(), "", wanted), expected, "{version}");
    }
}

/// A bridge that failed, or is another by now, is none of the conference's (spec/50 §6.1).
///
/// Covers spec/90: 86.
#[test]
fn a_conference_bridge_that_takes_no_endpoints_is_passed_over() {
    let mut bridges = pool("B - 0.0, C - 0.9");
    let was = conference(&bridges, "B:3");
    let wanted = Wanted { conference: &was, ..Wanted::default() };
    for config in [single(), region_based()] {
        assert_eq!(name(&bridges.select(NOW, &config, wanted)), "B");
    }
    let b = id(&bridges, "B");
    bridges.failed(NOW, &b);
    for config in [single(), region_based()] {
        assert_eq!(name(&bridges.select(NOW, &config, wanted)), "C");
    }
    bridges.remove(&b.jid);
    assert_eq!(name(&bridges.select(NOW, &single(), wanted)), "C");
    // It is back, as another.
    bridges.presence(NOW, &b.jid, &Stats::default(), &single().bridge);
    assert_eq!(name(&bridges.select(NOW, &single(), wanted)), "C", "draining, as it does not say otherwise");
}

#[test]
fn a_refusal_says_why() {
    let says = |pool_says: &str, on: &str, pinned_version: Option<&str>| {
        let bridges = pool(pool_says);
        let on = conference(&bridges, on);
        let wanted = Wanted { conference: &on, pinned_version, ..Wanted::default() };
        bridges.select(NOW, &region_based(), wanted).expect_err("no bridge").to_string()
    };
    assert_eq!(says("", "", None), "no bridge: none of 0 known is operational");
    assert_eq!(
        says("s - 0.1 shutting_down=true", "", None),
        "no bridge: all of 1 known are shutting down or not operational"
    );
    assert_eq!(says("s - 0.1", "", Some("x")), "no bridge: none of 1 known has version x");
    assert_eq!(says("s - 0.1", "s:1", Some("x")), "no bridge: pinned to version x, but the conference is on 1");
}
