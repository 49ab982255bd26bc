//! Nodes that are disconnected while the conference goes on. Until Prosody has said that one is, it may let nobody into the main
//! room (spec/60 §6.6), and closes the room on the node when it hears of it: nobody is sent to either before.

use super::super::Conference;
use super::Visitors;
use crate::focus::NodeId;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::visitors::departures::DepartureId;

/// So often it is told. A component that has lost what it knew of the room answers nothing, and closes nothing any more.
const TIMES: u8 = 3;

impl Conference {
    /// Has Prosody disconnect a node. `departure`: what is left when it has. False: it has no component for that.
    pub(super) fn part_with_node(&mut self, cx: &mut Context, node: NodeId, departure: Option<DepartureId>) -> bool {
        let Some(component) = cx.nodes.component().cloned() else { return false };
        *self.visitors.parting.entry(node).or_default() += 1;
        self.disconnect_nodes(cx, component, &[node], Then::NodeDisconnected(self.id, node, departure));
        true
    }

    /// It has, or said that it cannot. Silence may be a lost question: to tell it twice is harmless.
    pub fn node_disconnected(&mut self, cx: &mut Context, node: NodeId, answer: &Answer) {
        let unheard = matches!(answer, Answer::None | Answer::Unheard);
        if unheard && self.visitors.parting.get(&node).is_some_and(|times| *times < TIMES) {
            self.story.decided(cx.now, "Prosody is told again to disconnect a room of visitors");
            self.part_with_node(cx, node, None);
            return;
        }
        if unheard {
            say!(self, warn, "Prosody does not say that {} is disconnected from the room", cx.nodes.get(node).id);
        }
        self.visitors.parting.remove(&node);
    }
}

impl Visitors {
    /// Whether the main room is for everybody again as soon as Prosody has done what it was told. Who came before would be refused
    /// there for good.
    pub(super) fn will_open_main_room(&self) -> bool {
        !self.parting.is_empty() && !self.are_in_use()
    }

    /// Whether the room on that node may be closed by what Prosody was told.
    pub(super) fn parts_with(&self, node: NodeId) -> bool {
        self.parting.contains_key(&node)
    }
}
