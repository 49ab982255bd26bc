//! The examples of spec/40 §6, and that its invariants hold whatever comes and goes.

use super::*;

const fn key(number: u64) -> SessionKey {
    SessionKey(number)
}

const A: SessionKey = key(1);
const B: SessionKey = key(2);
const C: SessionKey = key(3);
const V1: SessionKey = key(4);
const V2: SessionKey = key(5);
const X: SessionKey = key(6);

fn anywhere(_: SessionKey) -> Place {
    Place::default()
}

fn at(relay: (SessionKey, SessionKey)) -> RelayKey {
    RelayKey { at: relay.0, to: relay.1 }
}

fn behind(relay: (SessionKey, SessionKey), homes: &[SessionKey]) -> Behind {
    Behind { relay: at(relay), homes: homes.to_vec() }
}

fn mesh(cascade: &Cascade, relay: (SessionKey, SessionKey)) -> Option<u32> {
    cascade.link_at(at(relay)).map(|link| link.mesh.0)
}

/// A, B and C in the core; V1 at A, V2 at V1 (spec/40 §6.5).
fn example() -> Cascade {
    let mut cascade = Cascade::default();
    let only = |free: SessionKey| move |key: SessionKey| Place { overloaded: key != free, ..Place::default() };
    for node in [A, B, C] {
        cascade.add(node, false, Topology::Visitor, &anywhere);
    }
    cascade.add(V1, true, Topology::Visitor, &only(A));
    cascade.add(V2, true, Topology::Visitor, &only(V1));
    cascade
}

#[test]
fn the_example_of_the_protocol() {
    let cascade = example();
    let meshes = [((A, B), 0), ((A, C), 0), ((A, V1), 1), ((B, C), 0), ((V1, A), 1), ((V1, V2), 2), ((V2, V1), 2)];
    for (relay, expected) in meshes {
        assert_eq!(mesh(&cascade, relay), Some(expected), "{relay:?}");
    }
    assert_eq!((mesh(&cascade, (B, V1)), mesh(&cascade, (A, V2))), (None, None));
    // A participant on B, then one on V2.
    assert_eq!(cascade.walk(B), [(A, B), (C, B), (V1, A), (V2, V1)].map(at));
    assert_eq!(cascade.walk(V2), [(V1, V2), (A, V1), (B, A), (C, A)].map(at));
}

/// The largest mesh names no homes: behind it are all that are behind no other.
#[test]
fn who_is_behind_each_mesh_of_a_bridge() {
    let mut cascade = example();
    let branches = |cascade: &Cascade, at: SessionKey| -> Vec<(u32, Vec<SessionKey>)> {
        cascade.branches_of(at).iter().map(|branch| (branch.links, branch.homes.clone())).collect()
    };
    // Two in the core and two visitors' bridges behind A's other link: as many, so the core is first.
    assert_eq!(branches(&cascade, A), [(2, vec![]), (1, vec![V1, V2])]);
    assert_eq!(branches(&cascade, B), [(2, vec![])]);
    // Behind V1's link to A are A, B and C.
    assert_eq!(branches(&cascade, V1), [(1, vec![]), (1, vec![V2])]);
    assert_eq!(branches(&cascade, V2), [(1, vec![])]);
    assert!(cascade.take_news() && !cascade.take_news());
    cascade.remove(V2, &anywhere);
    assert!(cascade.take_news());
    assert_eq!(branches(&cascade, A), [(2, vec![]), (1, vec![V1])]);
    assert_eq!(branches(&cascade, V2), []);
}

#[test]
fn the_fourth_bridge_makes_three_links() {
    let mut cascade = Cascade::default();
    assert_eq!(cascade.add(A, false, Topology::SingleMesh, &anywhere), Changes::default());
    cascade.add(B, false, Topology::SingleMesh, &anywhere);
    cascade.add(C, true, Topology::SingleMesh, &anywhere);
    let changes = cascade.add(X, false, Topology::SingleMesh, &anywhere);
    let ends = [A, B, C].into_iter().flat_map(|old| [behind((old, X), &[X]), behind((X, old), &[old])]);
    assert_eq!(changes, Changes { made: ends.collect(), ..Changes::default() });
    assert!(cascade.link_at(at((A, X))).is_some_and(|link| link.initiator && link.mesh == CORE));
    assert!(cascade.link_at(at((X, A))).is_some_and(|link| !link.initiator));
}

#[test]
fn a_visitors_bridge_is_linked_near_the_core_and_where_there_is_room() {
    let region = |name: &str| Some(name.to_owned());
    let place = |stress: [f64; 2], overloaded: &'static [SessionKey]| {
        move |key: SessionKey| Place {
            region: region(if key == C { "us" } else { "eu" }),
            stress: if key == A { stress[0] } else { stress[1] },
            overloaded: overloaded.contains(&key),
        }
    };
    let table = [
        ("the less stressed of its region", place([0.3, 0.2], &[]), B),
        ("which has room", place([0.3, 0.2], &[B]), A),
        ("elsewhere in its region, farther from the core", place([0.3, 0.2], &[A, B]), V1),
        ("in another region", place([0.3, 0.2], &[A, B, V1]), C),
        ("nowhere is room: its region", place([0.3, 0.2], &[A, B, C, V1]), B),
    ];
    for (case, place, expected) in table {
        let mut cascade = Cascade::default();
        for node in [A, B, C] {
            cascade.add(node, false, Topology::Visitor, &anywhere);
        }
        cascade.add(V1, true, Topology::Visitor, &anywhere);
        let changes = cascade.add(V2, true, Topology::Visitor, &place);
        assert_eq!(changes.made[0].relay, at((expected, V2)), "{case}");
        assert_eq!(mesh(&cascade, (V2, expected)), Some(2), "{case}");
    }
}

#[test]
fn a_session_of_participants_is_linked_with_the_core_or_makes_one() {
    let mut cascade = Cascade::default();
    cascade.add(V1, true, Topology::Visitor, &anywhere);
    let changes = cascade.add(A, false, Topology::Visitor, &anywhere);
    assert_eq!(changes.made, [behind((V1, A), &[A]), behind((A, V1), &[V1])]);
    assert_eq!(mesh(&cascade, (A, V1)), Some(0));
    cascade.add(B, false, Topology::Visitor, &anywhere);
    assert_eq!((mesh(&cascade, (B, A)), mesh(&cascade, (B, V1))), (Some(0), Some(0)));
}

#[test]
fn what_a_lost_hub_joined_is_joined_again() {
    // A and B in the core, V1 at A: V1 is linked with B, anew.
    let mut cascade = Cascade::default();
    for (node, visitor) in [(A, false), (B, false), (V1, true)] {
        cascade.add(node, visitor, Topology::Visitor, &anywhere);
    }
    let changes = cascade.remove(A, &anywhere);
    assert_eq!(changes.gone, [at((B, A)), at((V1, A))]);
    assert_eq!(changes.made, [behind((B, V1), &[V1]), behind((V1, B), &[B])]);
    assert_eq!(mesh(&cascade, (B, V1)), Some(2), "a mesh of its own");
    assert!(changes.hidden.is_empty() && changes.shown.is_empty());

    // With C in the core as well: it is told of who is on V1, by B.
    let mut cascade = Cascade::default();
    for (node, visitor) in [(A, false), (B, false), (C, false), (V1, true)] {
        cascade.add(node, visitor, Topology::Visitor, &anywhere);
    }
    let changes = cascade.remove(A, &anywhere);
    assert_eq!(changes.made, [behind((B, V1), &[V1]), behind((V1, B), &[B, C])]);
    assert_eq!((changes.hidden, changes.shown), (vec![], vec![behind((C, B), &[V1])]));
}

#[test]
fn whoever_was_on_a_lost_bridge_is_hidden_where_the_relay_stays() {
    let mut cascade = example();
    let changes = cascade.remove(B, &anywhere);
    assert_eq!(changes.gone, [at((A, B)), at((C, B))]);
    assert_eq!(changes.hidden, [behind((V1, A), &[B]), behind((V2, V1), &[B])]);
    assert!(changes.made.is_empty() && changes.shown.is_empty());
}

/// What bridges were told, and what follows from it.
#[derive(Default)]
struct Told {
    relays: BTreeMap<RelayKey, BTreeSet<SessionKey>>,
}

impl Told {
    /// Takes over changes as bridges do, one after the other.
    fn take(&mut self, changes: &Changes, gone: Option<SessionKey>) {
        self.relays.retain(|relay, _| Some(relay.at) != gone);
        for relay in &changes.gone {
            assert!(self.relays.remove(relay).is_some(), "{relay:?} is not there");
        }
        for Behind { relay, homes } in &changes.hidden {
            let known = self.relays.get_mut(relay).expect("it is there");
            homes.iter().for_each(|home| assert!(known.remove(home), "{home:?} was not behind {relay:?}"));
        }
        for Behind { relay, homes } in &changes.made {
            assert!(self.relays.insert(*relay, BTreeSet::new()).is_none(), "{relay:?} was there");
            homes.iter().for_each(|home| self.show(*relay, *home));
        }
        for Behind { relay, homes } in &changes.shown {
            homes.iter().for_each(|home| self.show(*relay, *home));
        }
    }

    /// Nobody is ever in two places.
    fn show(&mut self, relay: RelayKey, home: SessionKey) {
        assert_ne!(relay.at, home, "announced at home");
        let mut others = self.relays.iter().filter(|(known, _)| known.at == relay.at);
        assert!(others.all(|(_, homes)| !homes.contains(&home)), "{home:?} is known at {:?} already", relay.at);
        self.relays.get_mut(&relay).expect("it is there").insert(home);
    }
}

/// Invariants 1 to 5 of spec/40 §6.1.
fn check(cascade: &Cascade, told: &Told) {
    let nodes: BTreeSet<SessionKey> = cascade.nodes.keys().copied().collect();
    let mut meshes: BTreeMap<MeshId, BTreeSet<SessionKey>> = BTreeMap::new();
    for (at, node) in &cascade.nodes {
        for (to, link) in &node.links {
            assert_ne!(at, to, "linked with itself");
            let back = cascade.link_at(RelayKey { at: *to, to: *at }).expect("symmetric");
            assert_eq!((back.mesh, back.initiator), (link.mesh, !link.initiator));
            meshes.entry(link.mesh).or_default().extend([*at, *to]);
        }
    }
    for (mesh, members) in &meshes {
        for a in members {
            for b in members.iter().filter(|b| *b != a) {
                let link = cascade.link_at(RelayKey { at: *a, to: *b });
                assert_eq!(link.map(|link| link.mesh), Some(*mesh), "a mesh is a clique");
            }
        }
    }
    // Sessions and meshes are a tree: connected, with one edge less than it has nodes.
    if let Some(first) = nodes.first() {
        assert_eq!(cascade.reachable(*first), nodes, "connected");
        let edges: usize = meshes.values().map(BTreeSet::len).sum();
        assert_eq!(edges, nodes.len() + meshes.len() - 1, "without loops");
    }
    for home in &nodes {
        for node in nodes.iter().filter(|node| *node != home) {
            let knows = |(relay, homes): &(&RelayKey, &BTreeSet<SessionKey>)| relay.at == *node && homes.contains(home);
            let relays: Vec<_> = told.relays.iter().filter(knows).collect();
            assert_eq!(relays.len(), 1, "{node:?} knows who is on {home:?}");
            assert!(is_towards(cascade, *relays[0].0, *home), "by the relay that leads there");
        }
    }
    assert_eq!(cascade.relays, told.relays);
    let mut wrong = Vec::new();
    cascade.audit(&nodes, &mut wrong);
    assert_eq!(wrong, [""; 0]);
    assert!(told.relays.values().flatten().all(|home| nodes.contains(home)), "nobody who is gone");
}

/// What the simulator's lives rest on.
#[test]
fn links_that_contradict_themselves_are_found() {
    let wrong = |spoil: &dyn Fn(&mut Cascade), sessions: &[SessionKey]| {
        let (mut cascade, mut wrong) = (example(), Vec::new());
        spoil(&mut cascade);
        cascade.audit(&sessions.iter().copied().collect(), &mut wrong);
        wrong.join("; ")
    };
    let all = [A, B, C, V1, V2];
    assert_eq!(wrong(&|_| {}, &all), "");
    assert!(wrong(&|_| {}, &[A, B, C, V1]).contains("are linked, but there are"));
    let one_sided = wrong(&|cascade| _ = cascade.nodes.get_mut(&V2).expect("a node").links.remove(&V1), &all);
    assert!(one_sided.contains("is linked with SessionKey(5) alone"), "{one_sided}");
    let unknown = wrong(&|cascade| _ = cascade.relays.get_mut(&at((V1, V2))).expect("a relay").remove(&V2), &all);
    assert!(unknown.contains("of SessionKey(5) know"), "{unknown}");
}

/// Whether that session is among those behind a relay (spec/40 §6.3).
fn is_towards(cascade: &Cascade, relay: RelayKey, home: SessionKey) -> bool {
    let came_by = cascade.link_at(relay).map(|link| link.mesh);
    relay.to == home
        || cascade.nodes[&relay.to]
            .links
            .iter()
            .filter(|(_, link)| Some(link.mesh) != came_by)
            .any(|(far, _)| is_towards(cascade, RelayKey { at: relay.to, to: *far }, home))
}

/// The invariants hold after each of many changes, and what is said adds up to what must be known.
#[test]
fn whatever_comes_and_goes_everybody_is_known_everywhere_once() {
    for seed in 0..100_u64 {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut roll = move |limit: usize| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice >> 20) as usize % limit.max(1)
        };
        let topology = if seed % 2 == 0 { Topology::Visitor } else { Topology::SingleMesh };
        let (mut cascade, mut told, mut last) = (Cascade::default(), Told::default(), 0);
        for _ in 0..60 {
            let salt = roll(1 << 16) as u64;
            let place = move |key: SessionKey| Place {
                region: Some(format!("r{}", key.0 % 3)),
                stress: ((key.0 * 7 + salt) % 10) as f64 / 10.0,
                overloaded: (key.0 + salt) % 4 == 0,
            };
            let nodes: Vec<SessionKey> = cascade.nodes.keys().copied().collect();
            let grows = roll(10) < if nodes.len() < 8 { 6 } else { 4 };
            let (changes, gone) = if grows || nodes.is_empty() {
                last += 1;
                (cascade.add(key(last), roll(2) == 0, topology, &place), None)
            } else {
                let gone = nodes[roll(nodes.len())];
                (cascade.remove(gone, &place), Some(gone))
            };
            told.take(&changes, gone);
            check(&cascade, &told);
        }
    }
}
