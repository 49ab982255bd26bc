//! The cascade of bridges (spec/40 §6): which sessions of a conference are linked, and whose endpoints each end of a link
//! makes known. Pure: it says what has to be said to bridges, and says nothing.
//!
//! What each relay announces is kept by home: the sessions whose participants stand behind it. A participant is announced by
//! every relay that has its home and by no other, so that a change of the cascade tells of exactly what it changes, and a
//! change of a participant costs one walk over the bridges ([`Cascade::walk`]).

#[cfg(test)]
mod tests;
mod topology;

use std::collections::{BTreeMap, BTreeSet};

use super::SessionKey;
pub use topology::{Place, Topology};

/// Links with one mesh id join all their ends with each other. What a bridge receives from one mesh it passes on to its others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MeshId(pub u32);

/// Where participants' bridges are.
pub const CORE: MeshId = MeshId(0);

/// The sessions of a conference, and their links.
#[derive(Debug, Default)]
pub struct Cascade {
    nodes: BTreeMap<SessionKey, Node>,
    /// The last mesh id that was given out.
    meshes: u32,
    /// What was announced: the homes behind each relay.
    relays: BTreeMap<RelayKey, BTreeSet<SessionKey>>,
    branches: BTreeMap<SessionKey, Vec<Branch>>,
    /// Something is linked otherwise than when this was asked.
    news: bool,
}

/// What one node has of one mesh.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branch {
    pub links: u32,
    /// The sessions behind them.
    pub homes: Vec<SessionKey>,
}

#[derive(Debug, Default)]
struct Node {
    /// Whether it was made for a visitor (spec/40 §6.2). It never changes.
    visitor: bool,
    /// By the session at the far end.
    links: BTreeMap<SessionKey, Link>,
}

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub mesh: MeshId,
    /// Whether this end opens the connection (spec/40 §5.9).
    pub initiator: bool,
}

/// A relay: an end of a link. A link is never made a second time between the same two, so neither is this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelayKey {
    /// Whose it is.
    pub at: SessionKey,
    /// Where it leads.
    pub to: SessionKey,
}

impl RelayKey {
    /// The other end.
    pub fn opposite(self) -> RelayKey {
        RelayKey { at: self.to, to: self.at }
    }
}

/// The participants of these homes, behind a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    pub relay: RelayKey,
    pub homes: Vec<SessionKey>,
}

/// What has to be said to bridges after a change, in this order: nobody is ever known to a bridge in two places.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Relays that go, with whatever they announced.
    pub gone: Vec<RelayKey>,
    pub hidden: Vec<Behind>,
    /// Both ends of each new link, the initiator first, with what they announce from the start.
    pub made: Vec<Behind>,
    pub shown: Vec<Behind>,
}

impl Cascade {
    /// A session joins, if it is not in it. `place`: where the bridge of a session is, and how loaded.
    pub fn add(
        &mut self,
        node: SessionKey,
        visitor: bool,
        topology: Topology,
        place: &dyn Fn(SessionKey) -> Place,
    ) -> Changes {
        if self.nodes.contains_key(&node) {
            return Changes::default();
        }
        let (mesh, ends) = self.ends_for(node, visitor, topology, place);
        self.nodes.insert(node, Node { visitor, links: BTreeMap::new() });
        for end in &ends {
            self.link(*end, node, mesh);
        }
        self.changes(ends.into_iter().map(|end| RelayKey { at: end, to: node }).collect())
    }

    /// A session goes, with its links; what falls apart is joined again (spec/40 §6.4).
    pub fn remove(&mut self, node: SessionKey, place: &dyn Fn(SessionKey) -> Place) -> Changes {
        let Some(gone) = self.nodes.remove(&node) else { return Changes::default() };
        let mut neighbours: BTreeMap<MeshId, Vec<SessionKey>> = BTreeMap::new();
        for (far, link) in &gone.links {
            neighbours.entry(link.mesh).or_default().push(*far);
            if let Some(far) = self.nodes.get_mut(far) {
                far.links.remove(&node);
            }
        }
        let repairs = self.repairs(&neighbours.into_values().collect::<Vec<_>>(), place);
        for (core, outer, mesh) in &repairs {
            self.link(*core, *outer, *mesh);
        }
        self.changes(repairs.into_iter().map(|(core, outer, _)| RelayKey { at: core, to: outer }).collect())
    }

    /// `initiator` was there before.
    fn link(&mut self, initiator: SessionKey, other: SessionKey, mesh: MeshId) {
        for (at, to, is_initiator) in [(initiator, other, true), (other, initiator, false)] {
            if let Some(node) = self.nodes.get_mut(&at) {
                node.links.insert(to, Link { mesh, initiator: is_initiator });
            }
        }
    }

    fn fresh_mesh(&mut self) -> MeshId {
        self.meshes += 1;
        MeshId(self.meshes)
    }

    /// The links of a session, by where they lead.
    pub fn links_of(&self, node: SessionKey) -> impl Iterator<Item = (SessionKey, Link)> {
        self.nodes.get(&node).into_iter().flat_map(|node| node.links.iter().map(|(to, link)| (*to, *link)))
    }

    /// The meshes of a session. The largest is first and names no homes: behind it are all that are behind no other, so that a
    /// walk over the others of all sessions is about as long as there are sessions.
    pub fn branches_of(&self, node: SessionKey) -> &[Branch] {
        self.branches.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Whether anything is linked otherwise than when this was asked.
    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    fn find_branches(&mut self) {
        let branches = |at: &SessionKey, node: &Node| {
            let mut by_mesh: BTreeMap<MeshId, Branch> = BTreeMap::new();
            for (to, link) in &node.links {
                let branch = by_mesh.entry(link.mesh).or_default();
                branch.links += 1;
                branch.homes.extend(self.relays.get(&RelayKey { at: *at, to: *to }).into_iter().flatten());
            }
            let mut branches: Vec<Branch> = by_mesh.into_values().collect();
            branches.sort_by_key(|branch| std::cmp::Reverse(branch.homes.len()));
            if let Some(largest) = branches.first_mut() {
                largest.homes.clear();
            }
            branches
        };
        self.branches = self.nodes.iter().map(|(at, node)| (*at, branches(at, node))).collect();
    }

    pub fn link_at(&self, relay: RelayKey) -> Option<Link> {
        self.nodes.get(&relay.at)?.links.get(&relay.to).copied()
    }

    /// The relays that know whoever is on a session: on each other bridge the one that leads towards it (spec/40 §6.3). In
    /// the order of the distance.
    pub fn walk(&self, home: SessionKey) -> Vec<RelayKey> {
        let mut found: Vec<RelayKey> = Vec::new();
        let links = |node: SessionKey| self.nodes.get(&node).into_iter().flat_map(|node| &node.links);
        found.extend(links(home).map(|(far, _)| RelayKey { at: *far, to: home }));
        let mut next = 0;
        while let Some(&relay) = found.get(next) {
            next += 1;
            let came_by = self.link_at(relay).map(|link| link.mesh);
            let further = links(relay.at).filter(|(_, link)| Some(link.mesh) != came_by);
            found.extend(further.map(|(far, _)| RelayKey { at: *far, to: relay.at }));
        }
        found
    }

    /// Whether a relay announces whoever is on that session.
    pub fn announces(&self, relay: RelayKey, home: SessionKey) -> bool {
        self.relays.get(&relay).is_some_and(|homes| homes.contains(&home))
    }

    /// The sessions whose participants a relay announces.
    pub fn homes(&self, relay: RelayKey) -> Vec<SessionKey> {
        self.relays.get(&relay).into_iter().flatten().copied().collect()
    }

    /// Compares what relays are to announce with what they did. `made`: the initiators' ends of new links.
    fn changes(&mut self, made: Vec<RelayKey>) -> Changes {
        let mut wanted: BTreeMap<RelayKey, BTreeSet<SessionKey>> = BTreeMap::new();
        for (at, node) in &self.nodes {
            wanted.extend(node.links.keys().map(|to| (RelayKey { at: *at, to: *to }, BTreeSet::new())));
        }
        for home in self.nodes.keys() {
            for relay in self.walk(*home) {
                wanted.entry(relay).or_default().insert(*home);
            }
        }
        let known = std::mem::take(&mut self.relays);
        let mut changes = Changes::default();
        for (relay, homes) in &known {
            match wanted.get(relay) {
                Some(wanted) => changes.hidden.extend(behind(*relay, homes.difference(wanted))),
                // That of the session itself goes with it.
                None if self.nodes.contains_key(&relay.at) => changes.gone.push(*relay),
                None => {}
            }
        }
        for relay in made.iter().flat_map(|relay| [*relay, relay.opposite()]) {
            let homes = wanted.get(&relay).into_iter().flatten().copied().collect();
            changes.made.push(Behind { relay, homes });
        }
        for (relay, homes) in &wanted {
            let Some(known) = known.get(relay) else { continue };
            changes.shown.extend(behind(*relay, homes.difference(known)));
        }
        self.relays = wanted;
        self.find_branches();
        self.news = true;
        changes
    }

    /// Everything that contradicts itself: whoever is on a session must be known on each other one, once, and nowhere else.
    pub fn audit(&self, sessions: &BTreeSet<SessionKey>, wrong: &mut Vec<String>) {
        if !self.nodes.keys().eq(sessions) {
            wrong.push(format!("the sessions {:?} are linked, but there are {sessions:?}", self.nodes.keys()));
        }
        for (at, node) in &self.nodes {
            let one_sided = |(to, link): &(&SessionKey, &Link)| {
                let back = self.link_at(RelayKey { at: **to, to: *at });
                back.is_none_or(|back| back.mesh != link.mesh || back.initiator == link.initiator)
            };
            wrong
                .extend(node.links.iter().find(one_sided).map(|(to, _)| format!("{at:?} is linked with {to:?} alone")));
        }
        for home in &self.nodes {
            let knows: Vec<SessionKey> =
                self.relays.iter().filter(|(_, homes)| homes.contains(home.0)).map(|(relay, _)| relay.at).collect();
            let others: Vec<SessionKey> = sessions.iter().copied().filter(|key| key != home.0).collect();
            if knows != others {
                wrong.push(format!("of {:?} know {knows:?}, not {others:?}", home.0));
            }
        }
    }
}

fn behind<'a>(relay: RelayKey, homes: impl Iterator<Item = &'a SessionKey>) -> Option<Behind> {
    let homes: Vec<SessionKey> = homes.copied().collect();
    (!homes.is_empty()).then_some(Behind { relay, homes })
}
