//! Why it came out so.

use super::*;
use crate::focus::bridges::crowd::Load;
use crate::focus::bridges::predict::Stay;

fn region_based() -> Config {
    classic(SelectionStrategy::RegionBased)
}

#[test]
fn each_bridge_is_told_with_its_rank_and_why() {
    let mut bridges =
        pool(&format!("{P}, G us-east 0.0 graceful_shutdown=true, H us-east 0.85, S - 0.0 shutting_down=true"));
    let a = id(&bridges, "A");
    (0..3).for_each(|_| bridges.endpoint_allocated(NOW, &a, &region_based().bridge));
    let on = conference(&bridges, "D:3");
    let wanted = Wanted { conference: &on, region: Some("us-west"), ..Wanted::default() };
    let explained = bridges.explain(NOW, &region_based(), wanted);
    let text = "\
RegionBasedBridgeSelectionStrategy for a participant in us-west: A, d: near the region (stress 0.13)
    1. A (us-east): d: near the region; stress 0.13 = 0.10 + 3 × 0.01, 3 endpoints
    2. A2 (us-east): d: near the region; stress 0.30, 0 endpoints
    3. D (eu-central): e: of the conference, elsewhere; stress 0.20, 0 endpoints, 3 of the conference
    4. F (ap-south): f: the least stressed of all; stress 0.05, 0 endpoints
    5. E (eu-west): f: the least stressed of all; stress 0.40, 0 endpoints
    6. H (us-east): h: the least stressed of all, overloaded as all there are; stress 0.85, overloaded, 0 endpoints
    -  G (us-east): in graceful shutdown, and others are not; stress 0.00, 0 endpoints
    -  S (no region): shutting down; stress 0.00, 0 endpoints";
    assert_eq!(explained.to_string(), text);
    let brief = explained.brief(2).to_string();
    assert_eq!((brief.lines().count(), brief.lines().last()), (4, Some("    … and 6 more")));
}

#[test]
fn a_bridge_is_told_with_what_is_predicted_of_it() {
    let mut bridges = pool("A us-east 0.10, B us-east 0.30");
    let (a, mut stay) = (id(&bridges, "A"), Stay::new(NOW));
    bridges.weighs(NOW, &a, &mut stay, Load::new(4000, 9500).into());
    let config = config(SelectionStrategy::Single);
    let text = bridges.explain(NOW, &config, Wanted::default()).to_string();
    assert!(
        text.contains("A (us-east): the least stressed; stress 0.14 = 0.10 + 0.04 unreported, 0.17 foreseen, 4000 packets/s and 10 Mbit/s of ours"),
        "{text}"
    );
    assert!(text.contains("B (us-east): the least stressed; stress 0.30, 0.30 foreseen"), "{text}");
}

#[test]
fn it_can_be_written_for_machines() {
    let bridges = pool("A us-east 0.25");
    let json = serde_json::to_value(bridges.explain(NOW, &region_based(), Wanted::default())).expect("JSON");
    assert_eq!(json["strategy"], "RegionBasedBridgeSelectionStrategy");
    assert_eq!((&json["bridge"], &json["bridges"][0]["corrected-stress"]), (&jid("A").as_str().into(), &0.25.into()));
    assert_eq!(json["bridges"][0]["why"], "f: the least stressed of all");
}

#[test]
fn no_bridge_is_told_like_one() {
    let mut bridges = pool("A us-east 0.25, B us-east 0.25 shutting_down=true");
    let a = id(&bridges, "A");
    bridges.failed(NOW, &a);
    let wanted = Wanted { pinned_version: Some("1"), visitor: true, ..Wanted::default() };
    let text = "\
RegionBasedBridgeSelectionStrategy for a visitor, pinned to 1: no bridge, all of 2 known are shutting down or not operational
    -  B (us-east): shutting down; stress 0.25, 0 endpoints
    -  A (us-east): not operational; stress 0.25, 0 endpoints";
    assert_eq!(bridges.explain(NOW, &region_based(), wanted).to_string(), text);
    // A pin that contradicts the conference is a matter of no bridge in particular.
    let bridges = pool("A us-east 0.25");
    let on = conference(&bridges, "A:1");
    let wanted = Wanted { conference: &on, pinned_version: Some("2"), ..Wanted::default() };
    let text = bridges.explain(NOW, &region_based(), wanted).to_string();
    assert!(text.contains("no bridge, pinned to version 2, but the conference is on 1"), "{text}");
    assert!(text.ends_with("A (us-east): of another version; stress 0.25, 0 endpoints, 1 of the conference"), "{text}");
}

#[test]
fn the_conferences_bridge_stays_and_the_others_are_passed_over() {
    let mut config = config(SelectionStrategy::Single);
    config.octo.enabled = false;
    let bridges = pool("A us-east 0.25, B us-east 0.95");
    let on = conference(&bridges, "B:1");
    let wanted = Wanted { conference: &on, region: Some("us-east"), ..Wanted::default() };
    let selected = bridges.select(NOW, &config, wanted).expect("a bridge");
    assert_eq!(selected.reason.to_string(), "the bridge of the conference (stress 0.95)");
    let why: Vec<_> = bridges.explain(NOW, &config, wanted).bridges.iter().map(|it| it.why.clone()).collect();
    assert_eq!(why, ["the bridge of the conference", "passed over by the strategy"]);
}
