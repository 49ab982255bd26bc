//! Rooms of visitors in which nobody is: they are given up after a while, and the main room is open to all again (spec/60
//! §6.6). Otherwise one who asks to look on, and never comes, would make a visitor of everybody who comes later.

use std::time::Duration;

use super::super::Conference;
use crate::focus::NodeId;
use crate::focus::context::Context;
use crate::focus::timers::Timer;
use crate::focus::visitors::departures::DepartureId;
use crate::focus::visitors::mirrors::MirrorId;

/// So many times as long as somebody counts who was sent to a node. Whoever takes longer yet finds the room closed, as he does
/// where the node closed it by itself.
const PATIENCE: u32 = 2;

/// Where nobody counts for as long as that, he has this long to come all the same.
const LEAST: Duration = Duration::from_secs(10);

impl Conference {
    /// To be called when Prosody has let visitors in, and when the last one has gone.
    pub(in crate::focus::conference) fn watch_for_visitors(&mut self, cx: &mut Context, node: NodeId) {
        let Some(mirror) = self.visitors.mirrors.get_mut(&node) else { return };
        if !mirror.connected || mirror.visitors > 0 || mirror.idle.is_some() {
            return;
        }
        let wait = (cx.config.visitors.vnode_join_latency_interval * PATIENCE).max(LEAST);
        mirror.idle = Some(cx.timers.set(cx.now + wait, Timer::MirrorIdle(self.id, mirror.id)));
    }

    /// That was a while ago.
    pub fn mirror_idle(&mut self, cx: &mut Context, id: MirrorId) {
        let Some(node) = self.node_of(id) else { return };
        let lasts = cx.config.visitors.vnode_join_latency_interval;
        let Some(mirror) = self.visitors.mirrors.get_mut(&node) else { return };
        mirror.idle = None;
        if mirror.visitors == 0 && mirror.askers.is_empty() && mirror.redirects.count(cx.now, lasts) == 0 {
            self.story.decided(cx.now, "nobody is in a room of visitors: it is left");
            say!(self, info, "nobody looks on at {}: its room of visitors is left", cx.nodes.get(node).id);
            self.give_up_node(cx, node);
        } else {
            self.watch_for_visitors(cx, node);
        }
    }

    /// Leaves a room of visitors in which nobody is. Its node is told before. Whoever waits to be sent there is displaced.
    pub(super) fn give_up_node(&mut self, cx: &mut Context, node: NodeId) {
        self.forget_shadowed(node.connection());
        let departure = DepartureId(cx.unique());
        // First: after a failure half way, what is not there any more is nobody's to disconnect.
        let told = self.part_with_node(cx, node, Some(departure));
        let Some(mut mirror) = self.take_mirror(cx, node) else { return };
        self.visitors.displaced.append(&mut mirror.askers);
        match told {
            true => cx.departures.insert(departure, vec![mirror.seat]),
            false => mirror.seat.leave(cx),
        }
    }

    /// Whether we have yet to leave its room on that node, or Prosody has yet to say that it is disconnected.
    pub(super) fn gives_up(&self, cx: &Context, node: NodeId) -> bool {
        let mirror = || cx.nodes.mirror_of(node, &self.room);
        let leaves = || mirror().is_some_and(|room| cx.departures.has(node.connection(), &room));
        self.visitors.parts_with(node) || (!cx.departures.is_empty() && leaves())
    }

    /// Whether it is so of any: who asks meanwhile asks again.
    pub(super) fn gives_up_a_node(&self, cx: &Context) -> bool {
        cx.nodes.ids().any(|node| self.gives_up(cx, node))
    }
}
