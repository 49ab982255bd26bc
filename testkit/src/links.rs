//! Do the bridges of a conference agree how they are linked (spec/40 §6.1)? Each link has two ends which know each other, each
//! mesh is complete, and media finds exactly one way from each bridge to each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::bridge::{Bridge, Conference, Relay};

/// The bridges of one conference, by their relay ids.
type Bridges<'a> = BTreeMap<&'a str, &'a Conference>;

/// Everything in which bridges differ about their links.
pub fn compare(bridges: &[&Bridge], wrong: &mut Vec<String>) {
    let mut meetings: BTreeMap<&str, Vec<(Option<&str>, &Conference)>> = BTreeMap::new();
    for bridge in bridges {
        let id = bridge.settings.stats.relay_id.as_deref();
        for (meeting, conference) in bridge.conferences() {
            meetings.entry(meeting).or_default().push((id, conference));
        }
    }
    for (meeting, on) in meetings {
        let linked: Bridges<'_> = on.iter().filter_map(|(id, conference)| Some(((*id)?, *conference))).collect();
        if linked.len() != on.len() && on.len() > 1 {
            wrong.push(format!("{meeting} is on {} bridges, which can't all be linked", on.len()));
        }
        if linked.len() != on.len() {
            continue;
        }
        compare_ends(meeting, &linked, wrong);
        compare_meshes(meeting, &linked, wrong);
    }
}

fn relays<'a>(bridges: &Bridges<'a>) -> impl Iterator<Item = (&'a str, &'a str, &'a Relay)> {
    bridges.iter().flat_map(|(at, conference)| conference.relays.iter().map(|(to, relay)| (*at, to.as_str(), relay)))
}

fn compare_ends(meeting: &str, bridges: &Bridges<'_>, wrong: &mut Vec<String>) {
    for (at, to, relay) in relays(bridges) {
        let Some(other) = bridges.get(to).and_then(|conference| conference.relays.get(at)) else {
            wrong.push(format!("{meeting}: {at} is linked with {to}, which does not know of it"));
            continue;
        };
        if relay.mesh_id != other.mesh_id || relay.sctp != other.sctp || relay.ice_controlling == other.ice_controlling
        {
            wrong.push(format!("{meeting}: {at} and {to} differ about their link"));
        }
        if !relay.reaches(other) {
            wrong.push(format!("{meeting}: {at} does not know how to reach {to}"));
        }
        let socket = relay.web_socket();
        if socket.is_some() != (relay.ice_controlling && !relay.sctp) {
            wrong.push(format!("{meeting}: {at} opens {socket:?} to {to}"));
        }
        if socket.is_some_and(|url| !url.contains(&format!("/{meeting}/{at}?"))) {
            wrong.push(format!("{meeting}: {at} opens {socket:?}, which is not {to}'s for it"));
        }
    }
}

fn compare_meshes(meeting: &str, bridges: &Bridges<'_>, wrong: &mut Vec<String>) {
    let mut meshes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (at, to, relay) in relays(bridges) {
        meshes.entry(relay.mesh_id.as_deref().unwrap_or_default()).or_default().extend([at, to]);
    }
    for (mesh, members) in &meshes {
        for a in members {
            let linked = |b: &&&str| {
                let relay = bridges.get(*a).and_then(|conference| conference.relays.get(**b));
                relay.is_some_and(|relay| relay.mesh_id.as_deref() == Some(mesh))
            };
            for b in members.iter().filter(|b| *b != a).filter(|b| !linked(b)) {
                wrong.push(format!("{meeting}: {a} and {b} are both in mesh {mesh}, and not linked in it"));
            }
        }
    }
    // Bridges and meshes are a tree: all hang together, and there is one edge less than there are nodes.
    let mut reached: BTreeSet<&str> = bridges.keys().take(1).copied().collect();
    while let Some(more) = meshes
        .values()
        .find(|members| members.iter().any(|at| reached.contains(at)) && !members.iter().all(|at| reached.contains(at)))
    {
        reached.extend(more);
    }
    let apart: Vec<&&str> = bridges.keys().filter(|at| !reached.contains(**at)).collect();
    if !apart.is_empty() {
        wrong.push(format!("{meeting}: {apart:?} are linked with none of {reached:?}"));
    }
    let edges: usize = meshes.values().map(BTreeSet::len).sum();
    if apart.is_empty() && edges + 1 > bridges.len() + meshes.len() {
        wrong.push(format!("{meeting}: media runs in circles between {reached:?}"));
    }
}
