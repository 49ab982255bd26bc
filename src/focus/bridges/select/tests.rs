//! The cases of spec/50 §5 and §12 (18, 22 to 26, 32).

use super::*;
use crate::config::LoadModel;
use crate::wire::presence::{Stat, Stats};

const NOW: Timestamp = Timestamp(1_000_000_000);

/// A bridge: its name, and what it says of itself.
type Says<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn pool(says: &[Says<'_>]) -> Bridges {
    let mut bridges = Bridges::default();
    for (name, stats) in says {
        let stat = |(name, value): &(&str, &str)| Stat { name: Some((*name).into()), value: Some((*value).into()) };
        let mut said = Stats { stats: stats.iter().map(stat).collect() };
        // Later words of the same name do not count.
        said.stats.push(Stat { name: Some("drain".into()), value: Some("false".into()) });
        let jid = format!("brewery@muc.example.com/{name}").parse().expect("valid");
        bridges.presence(NOW, &jid, &said, &Config::default().bridge);
    }
    bridges
}

fn id(bridges: &Bridges, name: &str) -> BridgeId {
    let bridge = bridges.iter().find(|bridge| bridge.id.jid.resource() == Some(name));
    bridge.map(|bridge| bridge.id.clone()).expect("registered")
}

fn on(bridges: &Bridges, names: &[&str]) -> Vec<ConferenceBridge> {
    names
        .iter()
        .map(|name| ConferenceBridge { id: id(bridges, name), endpoints: 2, visitor: false, recent: 0 })
        .collect()
}

fn name(selected: Result<Selected, NoBridge>) -> Option<String> {
    selected.ok().and_then(|selected| selected.bridge.jid.resource().map(Into::into))
}

fn choice(
    bridges: &Bridges,
    octo: bool,
    conference: &[&str],
    region: Option<&str>,
    pinned: Option<&str>,
) -> Option<String> {
    let mut config = Config::default();
    config.octo.enabled = octo;
    let conference = on(bridges, conference);
    let wanted = Wanted { conference: &conference, region, visitor: false, pinned_version: pinned };
    name(bridges.select(NOW, &config, wanted))
}

fn is(expected: &str) -> Option<String> {
    (!expected.is_empty()).then(|| expected.into())
}

/// spec/50 §12 (18).
#[test]
fn one_bridge_for_a_conference() {
    let hl = pool(&[
        ("H", &[("region", "eu"), ("stress_level", "0.95")]),
        ("L", &[("region", "us"), ("stress_level", "0.1")]),
    ]);
    let table = [
        ("overloaded, but in the region", false, &[][..], Some("eu"), "H"),
        ("no bridge in the region", false, &[], Some("sa"), "L"),
        ("no region", false, &[], None, "L"),
        ("the conference's, whatever its load", false, &["H"], Some("us"), "H"),
        ("on two bridges with relays", true, &["H", "L"], None, "H"),
        ("on two bridges without", false, &["H", "L"], None, "H"),
    ];
    for (case, octo, conference, region, expected) in table {
        assert_eq!(choice(&hl, octo, conference, region, None), is(expected), "{case}");
    }
    let linked = pool(&[("H", &[("relay_id", "h")]), ("L", &[("relay_id", "l")])]);
    assert_eq!(choice(&linked, true, &["H", "L"], None, None), None, "two bridges are too many for the strategy");
    assert_eq!(choice(&linked, true, &["L"], None, None), is("L"));
}

/// spec/50 §12 (23 to 27).
#[test]
fn filters_apply_in_their_order() {
    const HEALTHY: Says<'_> = ("hA", &[("stress_level", "0.5")]);
    const DRAINING: Says<'_> = ("dA", &[("drain", "true")]);
    const GRACEFUL: Says<'_> = ("gA", &[("graceful_shutdown", "true")]);
    const STOPPING: Says<'_> = ("sA", &[("shutting_down", "true")]);
    let table: &[(&[Says<'_>], &[&str], &str)] = &[
        (&[DRAINING, HEALTHY], &[], "hA"),
        (&[DRAINING], &[], "dA"),
        (&[DRAINING, HEALTHY], &["dA"], "dA"),
        (&[GRACEFUL, HEALTHY], &[], "hA"),
        (&[GRACEFUL], &[], "gA"),
        (&[DRAINING, GRACEFUL], &[], "gA"),
        (&[STOPPING, HEALTHY], &[], "hA"),
        (&[STOPPING], &[], ""),
        (&[STOPPING], &["sA"], ""),
        (&[STOPPING, HEALTHY], &["sA"], "sA"),
        (&[], &[], ""),
    ];
    for (says, conference, expected) in table {
        assert_eq!(choice(&pool(says), false, conference, None, None), is(expected), "{says:?} {conference:?}");
    }
}

/// spec/50 §12 (23, 27).
#[test]
fn a_conference_keeps_to_one_version() {
    let bridges = pool(&[
        ("o1", &[("version", "v1"), ("stress_level", "0.1")]),
        ("o2", &[("version", "v1"), ("stress_level", "0.2")]),
        ("n1", &[("version", "v2"), ("release", "77"), ("drain", "true")]),
    ]);
    let table = [
        (&[][..], None, "o1"),
        (&[], Some("v2-77"), "n1"),
        (&[], Some("v2"), ""),
        (&[], Some("x"), ""),
        (&["o1"], Some("v2-77"), ""),
        (&["o1"], Some("v1"), "o1"),
        (&["n1"], None, "n1"),
    ];
    for (conference, pinned, expected) in table {
        assert_eq!(choice(&bridges, false, conference, None, pinned), is(expected), "{conference:?} {pinned:?}");
    }

    // Mixed versions lift the filter, not the pin of a conference that is elsewhere.
    let mut config = Config::default();
    config.octo.allow_mixed_versions = true;
    let o1 = on(&bridges, &["o1"]);
    for (conference, expected) in [(&[][..], "o1"), (&o1[..], "")] {
        let wanted = Wanted { conference, pinned_version: Some("v2-77"), ..Wanted::default() };
        assert_eq!(name(bridges.select(NOW, &config, wanted)), is(expected));
    }
}

/// spec/50 §5, §12 (32).
#[test]
fn bridges_are_ordered_by_rank_then_stress_then_endpoints_then_address() {
    let mut bridges = pool(&[
        ("failed", &[("stress_level", "0.0")]),
        ("graceful", &[("stress_level", "0.1"), ("graceful_shutdown", "true")]),
        ("busy", &[("stress_level", "10.0")]),
        ("c", &[("stress_level", "0.3"), ("average_participant_stress", "0")]),
        ("b", &[("stress_level", "0.3")]),
        ("a", &[("stress_level", "0.3")]),
        ("recent", &[("stress_level", "0.2")]),
    ]);
    let mut config = Config::default();
    config.bridge.selection_load_model = LoadModel::Classic;
    let failed = id(&bridges, "failed");
    bridges.failed(NOW, &failed);
    let (recent, c) = (id(&bridges, "recent"), id(&bridges, "c"));
    (0..15).for_each(|_| bridges.endpoint_allocated(NOW, &recent, &config.bridge));
    bridges.endpoint_allocated(NOW, &c, &config.bridge);
    let order: Vec<_> = bridges.ranked(NOW, &config).iter().filter_map(|it| it.bridge.id.jid.resource()).collect();
    assert_eq!(order, ["a", "b", "c", "recent", "busy", "graceful", "failed"]);
}

/// spec/50 §12 (44), §6.1: a bridge that failed, or is another by now, is none of the conference's.
#[test]
fn a_conference_bridge_that_takes_no_endpoints_is_passed_over() {
    let mut bridges = pool(&[("B", &[]), ("C", &[("stress_level", "0.9")])]);
    let was = on(&bridges, &["B"]);
    let config = Config::default();
    let wanted = Wanted { conference: &was, ..Wanted::default() };
    assert_eq!(name(bridges.select(NOW, &config, wanted)), is("B"));
    let b = id(&bridges, "B");
    bridges.failed(NOW, &b);
    assert_eq!(name(bridges.select(NOW, &config, wanted)), is("C"));
    bridges.remove(&b.jid);
    assert_eq!(name(bridges.select(NOW, &config, wanted)), is("C"));
}

#[test]
fn a_choice_and_a_refusal_say_why() {
    let bridges = pool(&[("B", &[("stress_level", "0.25"), ("region", "eu")])]);
    let config = Config::default();
    let selected = bridges.select(NOW, &config, Wanted { region: Some("eu"), ..Wanted::default() });
    assert_eq!(selected.map(|selected| selected.reason), Ok("least stressed of the region: 0.25".into()));
    let refused = Bridges::default().select(NOW, &config, Wanted::default());
    assert_eq!(refused.map_err(|none| none.to_string()), Err("no bridge: none of 0 known is operational".into()));
}
