//! Where a new session is linked, and how a cascade that fell apart is joined again (spec/40 §6.2, §6.4).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::SessionKey;
use super::{CORE, Cascade, MeshId};
pub use crate::config::TopologyStrategy as Topology;

/// The bridge of a session, as far as it matters where to link.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Place {
    pub region: Option<String>,
    /// Corrected (spec/50 §4.2).
    pub stress: f64,
    pub overloaded: bool,
}

/// What a hub left behind: a link that joins its second with its first, in this mesh.
type Repair = (SessionKey, SessionKey, MeshId);

impl Cascade {
    /// In which mesh a new node is linked with whom. The first node is linked with nobody.
    pub(super) fn ends_for(
        &mut self,
        node: SessionKey,
        visitor: bool,
        topology: Topology,
        place: &dyn Fn(SessionKey) -> Place,
    ) -> (MeshId, Vec<SessionKey>) {
        let Some(first) = self.nodes.keys().next().copied() else { return (CORE, Vec::new()) };
        if visitor && topology == Topology::Visitor {
            let all = self.nodes.keys().copied().collect();
            let near = self.attach(&all, &place(node), place).unwrap_or(first);
            return (self.fresh_mesh(), vec![near]);
        }
        let members: Vec<SessionKey> = self.members(CORE).collect();
        if !members.is_empty() {
            return (CORE, members);
        }
        // Whoever takes part is better off with who takes part, if there is somebody.
        let equal = self.nodes.iter().find(|(_, known)| known.visitor == visitor).map(|(key, _)| *key);
        (CORE, vec![equal.unwrap_or(first)])
    }

    /// Those with a link in that mesh.
    pub(super) fn members(&self, mesh: MeshId) -> impl Iterator<Item = SessionKey> {
        let in_it = self.nodes.iter().filter(move |(_, node)| node.links.values().any(|link| link.mesh == mesh));
        in_it.map(|(key, _)| *key)
    }

    /// Of these the one to which a bridge at `at` is linked best: near to those who take part, not loaded, in its region.
    fn attach(
        &self,
        among: &BTreeSet<SessionKey>,
        at: &Place,
        place: &dyn Fn(SessionKey) -> Place,
    ) -> Option<SessionKey> {
        let distances = self.distances();
        let mut ranked: Vec<(usize, SessionKey, Place)> =
            among.iter().map(|key| (distances.get(key).copied().unwrap_or(usize::MAX), *key, place(*key))).collect();
        ranked.sort_by(|a, b| (a.0.cmp(&b.0)).then(a.2.stress.total_cmp(&b.2.stress)).then(a.1.cmp(&b.1)));
        let near = |it: &&(usize, SessionKey, Place)| it.2.region == at.region;
        let free = |it: &&(usize, SessionKey, Place)| !it.2.overloaded;
        let found = ranked.iter().find(|it| free(it) && near(it));
        let found = found.or_else(|| ranked.iter().find(free)).or_else(|| ranked.iter().find(near));
        found.map(|it| it.1).or_else(|| among.first().copied())
    }

    /// Hops to the nearest session that was not made for a visitor. Who has no path to one is missing.
    fn distances(&self) -> BTreeMap<SessionKey, usize> {
        let mut found = BTreeMap::new();
        let core = self.nodes.iter().filter(|(_, node)| !node.visitor);
        let mut queue: VecDeque<(SessionKey, usize)> = core.map(|(key, _)| (*key, 0)).collect();
        while let Some((key, hops)) = queue.pop_front() {
            if found.contains_key(&key) {
                continue;
            }
            found.insert(key, hops);
            let far = self.nodes.get(&key).into_iter().flat_map(|node| node.links.keys());
            queue.extend(far.map(|far| (*far, hops + 1)));
        }
        found
    }

    /// Which links join the parts again. `neighbours`: those of the node that is gone, by its meshes.
    pub(super) fn repairs(
        &mut self,
        neighbours: &[Vec<SessionKey>],
        place: &dyn Fn(SessionKey) -> Place,
    ) -> Vec<Repair> {
        let mut parts: Vec<(SessionKey, BTreeSet<SessionKey>)> = neighbours
            .iter()
            .filter_map(|mesh| mesh.first())
            .map(|neighbour| (*neighbour, self.reachable(*neighbour)))
            .collect();
        if parts.len() < 2 {
            return Vec::new();
        }
        let takes_part = |key: &SessionKey| self.nodes.get(key).is_some_and(|node| !node.visitor);
        let core = parts.iter().position(|(_, part)| part.iter().any(takes_part)).unwrap_or(0);
        let (_, core) = parts.remove(core);
        let ends: Vec<(SessionKey, SessionKey)> = parts
            .iter()
            // By a former neighbour: the paths of those behind it stay.
            .filter_map(|(outer, _)| Some((self.attach(&core, &place(*outer), place)?, *outer)))
            .collect();
        ends.into_iter().map(|(core, outer)| (core, outer, self.fresh_mesh())).collect()
    }

    pub(super) fn reachable(&self, from: SessionKey) -> BTreeSet<SessionKey> {
        let mut found = BTreeSet::from([from]);
        let mut queue = vec![from];
        while let Some(key) = queue.pop() {
            for far in self.nodes.get(&key).into_iter().flat_map(|node| node.links.keys()) {
                if found.insert(*far) {
                    queue.push(*far);
                }
            }
        }
        found
    }
}
