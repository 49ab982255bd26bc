//! Whose rooms of visitors are whose: by node and room, and by conference.

use std::collections::{BTreeMap, BTreeSet};

use crate::focus::NodeId;
use crate::focus::conference::ConferenceId;
use crate::wire::BareJid;

/// The identity of one stay in a room of visitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MirrorId(pub u64);

/// A node's rooms are apart from those of others by their connection: two may have one name.
#[derive(Debug, Default)]
pub(crate) struct Mirrors {
    by_room: BTreeMap<NodeId, BTreeMap<BareJid, ConferenceId>>,
    by_conference: BTreeMap<(ConferenceId, NodeId), BareJid>,
}

impl Mirrors {
    pub fn insert(&mut self, node: NodeId, room: BareJid, conference: ConferenceId) {
        self.by_room.entry(node).or_default().insert(room.clone(), conference);
        self.by_conference.insert((conference, node), room);
    }

    pub fn remove(&mut self, node: NodeId, conference: ConferenceId) {
        let Some(room) = self.by_conference.remove(&(conference, node)) else { return };
        if let Some(rooms) = self.by_room.get_mut(&node) {
            rooms.remove(&room);
        }
    }

    /// Nothing of a conference stays.
    pub fn forget(&mut self, conference: ConferenceId) {
        let of_it = (conference, NodeId(0))..=(conference, NodeId(u16::MAX));
        let nodes: Vec<NodeId> = self.by_conference.range(of_it).map(|((_, node), _)| *node).collect();
        for node in nodes {
            self.remove(node, conference);
        }
    }

    /// By the text of the room's bare JID.
    pub fn conference(&self, node: NodeId, room: &str) -> Option<ConferenceId> {
        self.by_room.get(&node)?.get(room).copied()
    }

    /// Who has a room on a node.
    pub fn on(&self, node: NodeId) -> BTreeSet<ConferenceId> {
        self.by_room.get(&node).into_iter().flat_map(|rooms| rooms.values().copied()).collect()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = (ConferenceId, NodeId, &BareJid)> {
        self.by_conference.iter().map(|((conference, node), room)| (*conference, *node, room))
    }
}
