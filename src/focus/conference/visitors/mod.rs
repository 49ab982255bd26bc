//! A conference's visitors: who is sent to which node, the rooms there, what is published of them (spec/60 §6).

mod direct;
mod idle;
mod mirror;
mod parting;
mod published;

pub(crate) use self::mirror::Stay;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Conference;
use crate::focus::NodeId;
use crate::focus::context::{Asked, Context};
use crate::focus::pending::Then;
use crate::focus::request::Requester;
use crate::focus::seat::Seat;
use crate::focus::timers::TimerKey;
use crate::focus::visitors::mirrors::MirrorId;
use crate::focus::visitors::redirects::Redirects;
use crate::wire::presence::Presence;

#[derive(Debug, Default)]
pub(crate) struct Visitors {
    /// Rooms of visitors that we are in, or enter.
    mirrors: BTreeMap<NodeId, Mirror>,
    /// Nodes that Prosody was told to disconnect, and has not said that it has: how often.
    parting: BTreeMap<NodeId, u8>,
    /// Who is to be sent to another node than the one that failed.
    displaced: VecDeque<Redirected>,
    /// A moderator lets visitors in.
    broadcast: bool,
    /// Until then nothing more is said of their number.
    pub rest: Option<TimerKey>,
    /// Somebody has been in the main room: the conference ends when nobody is any more.
    pub opened: bool,
}

/// A room of visitors: it mirrors the main room on a node.
#[derive(Debug)]
struct Mirror {
    id: MirrorId,
    seat: Seat,
    /// What came from the room before we were in it for good.
    held: Vec<Presence>,
    /// Who is sent there as soon as we are in it.
    askers: VecDeque<Redirected>,
    redirects: Redirects,
    /// How many visitors are in it.
    visitors: usize,
    /// Prosody was asked to connect it, and has not refused.
    connected: bool,
    /// It has not answered yet, for the first time.
    connecting: bool,
    /// Somebody was sent there who did not ask for it: the main room had no place for him.
    overflows: bool,
    /// When to see whether anybody has come, or is there yet.
    idle: Option<TimerKey>,
}

/// Somebody who is to be a visitor, and where that came to nothing.
#[derive(Debug, Clone)]
struct Redirected {
    asker: Requester,
    /// He wants to look on. Otherwise there is no place for him in the main room.
    by_wish: bool,
    tried: BTreeSet<NodeId>,
}

impl Mirror {
    /// Whether people may be sent there.
    fn is_open(&self) -> bool {
        self.seat.is_inside() && !self.connecting
    }
}

impl Visitors {
    pub fn has_asker(&self, asked: &Asked) -> bool {
        let mut waiting = self.mirrors.values().flat_map(|mirror| &mirror.askers).chain(&self.displaced);
        waiting.any(|it| it.asker.asked == *asked)
    }

    pub fn seat(&self, node: NodeId) -> Option<&Seat> {
        self.mirrors.get(&node).map(|mirror| &mirror.seat)
    }

    pub fn nodes(&self) -> Vec<NodeId> {
        self.mirrors.keys().copied().collect()
    }

    /// A visitor is in a room, who may have been sent there.
    pub fn came(&mut self, node: NodeId, cx: &mut Context) {
        if let Some(mirror) = self.mirrors.get_mut(&node) {
            mirror.visitors += 1;
            cx.timers.cancel(mirror.idle.take());
            mirror.redirects.came(cx.now, cx.config.visitors.vnode_join_latency_interval);
        }
    }

    /// A visitor is no longer in a room. True: he was the last one.
    pub fn gone(&mut self, node: NodeId) -> bool {
        self.mirrors.get_mut(&node).is_some_and(|mirror| {
            mirror.visitors = mirror.visitors.saturating_sub(1);
            mirror.visitors == 0
        })
    }

    /// Whether whoever has no place of his own in the main room becomes a visitor from now on: it was full once, or Prosody has
    /// connected a node, and so lets nobody into the main room any more (spec/60 §6.6, §6.11).
    pub fn are_in_use(&self) -> bool {
        self.mirrors.values().any(|mirror| mirror.overflows || mirror.connected)
    }

    /// Whether Prosody may let nobody into the main room whom no moderator has promoted (spec/60 §6.6).
    fn close_main_room(&self) -> bool {
        !self.parting.is_empty() || self.mirrors.values().any(|mirror| mirror.connected)
    }
}

impl Conference {
    /// What contradicts itself.
    pub(super) fn audit_visitors(&self, cx: &Context, wrong: &mut Vec<String>) {
        let counted = |node: NodeId| self.members.iter().filter(|member| member.on == node.connection()).count();
        for (node, mirror) in &self.visitors.mirrors {
            if mirror.idle.is_some_and(|timer| !cx.timers.has(timer)) {
                wrong.push(format!("nobody sees any more whether the room on {node:?} is used"));
            }
            if mirror.visitors != counted(*node) {
                wrong.push(format!("{} visitors on {node:?} are {}", mirror.visitors, counted(*node)));
            }
            if cx.mirrors.conference(*node, mirror.seat.room.as_jid().as_str()) != Some(self.id) {
                wrong.push(format!("the room on {node:?} cannot be found"));
            }
            if mirror.seat.is_outside() || (mirror.is_open() && !mirror.askers.is_empty()) {
                wrong.push(format!("the room on {node:?} is neither entered nor given up"));
            }
            if self.visitors.parts_with(*node) {
                wrong.push(format!("the room on {node:?} is entered before Prosody has parted with the one before"));
            }
            let asked = Then::NodeConnected(self.id, mirror.id);
            if mirror.connecting && !cx.pending.iter().any(|(then, _)| *then == asked) {
                wrong.push(format!("the room on {node:?} is not being connected"));
            }
        }
        for node in self.visitors.parting.keys() {
            let is_it = |then: &Then| matches!(then, Then::NodeDisconnected(id, of, _) if (*id, of) == (self.id, node));
            if !cx.pending.iter().any(|(then, _)| is_it(then)) {
                wrong.push(format!("nobody says any more whether {node:?} is disconnected"));
            }
        }
        let known = |member: &&super::member::Member| match member.on.node() {
            None => true,
            Some(node) => self.visitors.mirrors.contains_key(&node),
        };
        for member in self.members.iter().filter(|member| !known(member)) {
            wrong.push(format!("{} is in no room of ours", member.nick));
        }
        if self.visitors.rest.is_some_and(|timer| !cx.timers.has(timer)) {
            wrong.push("nobody says any more how many visitors there are".into());
        }
        let published = self.published.value("visitor-count").map_or(0, |count| count.parse().unwrap_or(usize::MAX));
        if self.is_running() && self.visitors.rest.is_none() && published != self.members.visitors() {
            wrong.push(format!("{published} visitors were published of {}", self.members.visitors()));
        }
    }
}
