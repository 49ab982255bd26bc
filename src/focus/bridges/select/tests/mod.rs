//! The cases of spec/50 §12 (1 to 27, 29, 32), in the words of its tables.

mod explained;
mod filters;
mod load;
mod plain;
mod region_based;
mod strategies;

use super::*;
use crate::config::LoadModel;
use crate::config::RegionGroups;
use crate::wire::presence::{Stat, Stats};

const NOW: Timestamp = Timestamp(1_000_000_000);

/// Bridges of one version, whose relay ids are their names: `A us-east 0.10`, and what else they say, as `drain=true`. A dash
/// stands for no region, `relay_id=` for no relay.
fn pool(says: &str) -> Bridges {
    let mut bridges = Bridges::default();
    for line in says.split(',').map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, region, stress, rest @ ..] = &words[..] else { panic!("name, region, stress: {line}") };
        let mut said: Vec<(&str, &str)> = rest.iter().filter_map(|word| word.split_once('=')).collect();
        // Later words of the same name do not count.
        said.extend([("stress_level", *stress), ("drain", "false"), ("version", "1"), ("relay_id", *name)]);
        said.extend((*region != "-").then_some(("region", *region)));
        said.extend(said.contains(&("relay_id", "")).then_some(("none", "")));
        let without_relay = said.contains(&("relay_id", ""));
        let stats = said.into_iter().filter(|(name, _)| !(without_relay && *name == "relay_id"));
        let stat = |(name, value): (&str, &str)| Stat { name: Some(name.into()), value: Some(value.into()) };
        let stats = Stats { stats: stats.map(stat).collect() };
        bridges.presence(NOW, &jid(name), &stats, &Config::default().bridge);
    }
    bridges
}

/// Pool P.
const P: &str = "A us-east 0.10, A2 us-east 0.30, D eu-central 0.20, E eu-west 0.40, F ap-south 0.05";

fn jid(name: &str) -> crate::wire::Jid {
    format!("brewery@muc.example.com/{name}").parse().expect("valid")
}

fn id(bridges: &Bridges, name: &str) -> BridgeId {
    let bridge = bridges.iter().find(|bridge| bridge.id.jid == jid(name));
    bridge.map(|bridge| bridge.id.clone()).expect("registered")
}

/// `A:3` is three endpoints, `A:3/2` of them two recent; `v` after it: of visitors.
fn conference(bridges: &Bridges, says: &str) -> Vec<ConferenceBridge> {
    let on = says.split_whitespace().map(|word| {
        let (name, rest) = word.split_once(':').expect("a count");
        let (counts, visitor) = rest.strip_suffix('v').map_or((rest, false), |counts| (counts, true));
        let (endpoints, recent) = counts.split_once('/').unwrap_or((counts, "0"));
        let number = |text: &str| text.parse().expect("a number");
        let (id, endpoints, recent) = (id(bridges, name), number(endpoints), number(recent));
        ConferenceBridge { id, endpoints, visitor, recent, outlook: Outlook::default() }
    });
    on.collect()
}

/// With relays and groups G.
fn config(strategy: SelectionStrategy) -> Config {
    let mut config = Config::default();
    config.octo.enabled = true;
    config.bridge.selection_strategy = strategy;
    let group = |regions: [&str; 2]| regions.map(str::to_owned).to_vec();
    config.bridge.region_groups =
        RegionGroups::new(vec![group(["us-east", "us-west"]), group(["eu-central", "eu-west"])]);
    config
}

/// With the original's load model.
fn classic(strategy: SelectionStrategy) -> Config {
    let mut config = config(strategy);
    config.bridge.selection_load_model = LoadModel::Classic;
    config
}

/// An endpoint's region; a dash for none.
fn region(text: &str) -> Option<&str> {
    (text != "-").then_some(text)
}

/// The name of the bridge that is chosen; `FAIL`.
fn choice(bridges: &Bridges, config: &Config, on: &str, wanted: Wanted<'_>) -> String {
    let conference = conference(bridges, on);
    let wanted = Wanted { conference: &conference, ..wanted };
    let selected = bridges.select(NOW, config, wanted);
    // What is told of a choice is the choice.
    let explained = bridges.explain(NOW, config, wanted);
    assert_eq!(explained.bridge.as_ref(), selected.as_ref().ok().map(|selected| &selected.bridge.jid));
    assert_eq!(explained.bridges.len(), bridges.len(), "each has its line");
    if let Some(taken) = &explained.bridge {
        assert_eq!(&explained.bridges[0].bridge, taken, "what is taken ranks first");
        let why = &explained.bridges[0].why;
        assert!(explained.bridges[0].candidate && !why.contains("passed over"), "{why}");
    }
    name(&selected)
}

fn name(selected: &Result<Selected, NoBridge>) -> String {
    selected.as_ref().map_or("FAIL", |selected| selected.bridge.jid.resource().unwrap_or_default()).to_owned()
}
