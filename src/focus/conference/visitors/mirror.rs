//! Rooms of visitors: entering, being in them, losing them, ending (spec/60 §6.4, §6.7, §6.14).

use super::super::entry::hold;
use super::super::{Conference, Leave, MemberId};
use super::direct::words_of;
use super::{Mirror, Redirected};
use crate::focus::NodeId;
use crate::focus::caps;
use crate::focus::context::{Context, NICK};
use crate::focus::pending::{Answer, Then};
use crate::focus::problems::Kind;
use crate::focus::request::remedy;
use crate::focus::seat::{EntryFailure, Loss, Seat, SeatEvent, SeatOwner};
use crate::focus::visitors::departures::DepartureId;
use crate::focus::visitors::mirrors::MirrorId;
use crate::focus::visitors::redirects::Redirects;
use crate::wire::Jid;
use crate::wire::presence::Presence;
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::PresenceType;
use crate::wire::visitors::{ConnectVnode, DisconnectVnode, Visitors};

/// Whether we may still be in a room that is lost to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stay {
    /// The room is gone, or put us out, or the server has forgotten us.
    Out,
    /// What is said now may yet arrive.
    In,
}

impl Conference {
    /// Enters the room on a node, for somebody who is to be sent there. False: it can have no name there.
    pub(super) fn enter_mirror(&mut self, cx: &mut Context, node: NodeId, first: &Redirected) -> bool {
        let room = cx.nodes.mirror_of(node, &self.room);
        let Some((room, occupant)) = room.and_then(|room| Some((room.clone(), room.with_resource(NICK).ok()?))) else {
            return false;
        };
        let id = MirrorId(cx.unique());
        say!(self, info, "Joining {room}, for visitors");
        cx.mirrors.insert(node, room.clone(), self.id);
        let mirror = Mirror {
            id,
            seat: Seat::new(SeatOwner::Mirror(self.id, id), node.connection(), room, occupant),
            held: Vec::new(),
            askers: [first.clone()].into(),
            redirects: Redirects::default(),
            visitors: 0,
            connected: false,
            connecting: false,
            overflows: !first.by_wish,
            idle: None,
        };
        self.visitors.mirrors.entry(node).or_insert(mirror).seat.enter(cx);
        true
    }

    pub(super) fn node_of(&self, id: MirrorId) -> Option<NodeId> {
        self.visitors.mirrors.iter().find(|(_, mirror)| mirror.id == id).map(|(node, _)| *node)
    }

    /// A presence from a room of visitors.
    pub fn mirror_presence(&mut self, cx: &mut Context, node: NodeId, presence: Presence) {
        let Some(mirror) = self.visitors.mirrors.get_mut(&node) else { return };
        match mirror.seat.presence(cx, &presence) {
            SeatEvent::Other if mirror.seat.is_inside() => _ = self.member_presence(cx, node.connection(), &presence),
            SeatEvent::Other if presence.kind == Some(PresenceType::Unavailable) => {
                mirror.held.retain(|held| held.from != presence.from);
            }
            SeatEvent::Other => hold(&mut mirror.held, presence),
            SeatEvent::Anew => mirror.held.clear(),
            event => self.mirror_event(cx, node, event),
        }
    }

    /// Something was heard, or was not, of the room that we enter with this identity.
    pub fn mirror_step(&mut self, cx: &mut Context, id: MirrorId, step: impl FnOnce(&mut Seat) -> SeatEvent) {
        let Some(node) = self.node_of(id) else { return };
        let Some(mirror) = self.visitors.mirrors.get_mut(&node) else { return };
        let event = step(&mut mirror.seat);
        self.mirror_event(cx, node, event);
    }

    fn mirror_event(&mut self, cx: &mut Context, node: NodeId, event: SeatEvent) {
        match event {
            SeatEvent::Nothing | SeatEvent::Other | SeatEvent::Own { .. } | SeatEvent::Anew => {}
            SeatEvent::Entered(_) => self.mirror_entered(cx, node),
            SeatEvent::Failed(failure) => self.mirror_failed(cx, node, &failure),
            SeatEvent::Lost(Loss::Destroyed { reason }) => {
                say!(self, info, "the room of visitors on {} was destroyed: {reason}", cx.nodes.get(node).id);
                self.mirror_lost(cx, node, Stay::Out);
            }
            SeatEvent::Lost(Loss::Removed { codes }) => {
                let id = &cx.nodes.get(node).id;
                say!(self, warn, "the focus was put out of the room of visitors on {id} (status {codes:?})");
                self.mirror_lost(cx, node, Stay::Out);
            }
            SeatEvent::Lost(Loss::Forgotten) => {
                let id = &cx.nodes.get(node).id;
                say!(self, warn, "{id} has forgotten that the focus is in the room of visitors");
                self.mirror_lost(cx, node, Stay::Out);
            }
        }
    }

    /// We are in the room and it is configured: its visitors are told of the conference, and are let in.
    fn mirror_entered(&mut self, cx: &mut Context, node: NodeId) {
        say!(self, info, "Joined the room of visitors on {}", cx.nodes.get(node).id);
        self.publish_to_mirror(cx, node);
        if cx.config.visitors.auto_enable_broadcast || self.visitors.broadcast {
            self.connect_node(cx, node);
        }
        self.mirror_opened(cx, node);
        let held = self.visitors.mirrors.get_mut(&node).map(|mirror| std::mem::take(&mut mirror.held));
        for presence in held.unwrap_or_default() {
            self.member_presence(cx, node.connection(), &presence);
        }
    }

    /// Visitors may be sent there, unless Prosody has yet to say that it connects the room: if it does not, nobody is let in.
    fn mirror_opened(&mut self, cx: &mut Context, node: NodeId) {
        if self.visitors.mirrors.get(&node).is_some_and(Mirror::is_open) {
            cx.problems.solve(Kind::VisitorsOff, &cx.nodes.get(node).id.clone());
            self.answer_redirected(cx, node);
        }
    }

    /// Whoever was to go there goes to another node, if there is one.
    fn mirror_failed(&mut self, cx: &mut Context, node: NodeId, failure: &EntryFailure) {
        let Some(mut mirror) = self.visitors.mirrors.remove(&node) else { return };
        self.story.decided(cx.now, "a room of visitors could not be entered");
        let (id, words) = (cx.nodes.get(node).id.clone(), words_of(failure));
        let advice = match failure {
            EntryFailure::Refused { condition, .. } => remedy(*condition),
            EntryFailure::NoAnswer(_) => "",
        };
        say!(self, warn, "could not enter the room of visitors on {id}: {words}{advice}");
        let room = mirror.seat.room.clone();
        cx.problems.raise(cx.now, Kind::VisitorsOff, &id, || {
            format!(
                "rooms of visitors on {id} cannot be entered ({words}); nobody can be sent there; make the focus' account an \
                 admin of {} in that node's Prosody, and check jicofo.xmpp.visitors.{id}.xmpp-domain",
                room.domain()
            )
        });
        cx.mirrors.remove(node, self.id);
        // Refused at the door, we are outside; otherwise the server may have let us in after all.
        match failure {
            EntryFailure::Refused { .. } if mirror.seat.is_outside() => {}
            _ => mirror.seat.leave(cx),
        }
        self.visitors.displaced.append(&mut mirror.askers);
        self.send_elsewhere(cx, node);
    }

    /// The node says that it hosts no rooms at that domain.
    pub fn no_such_mirror(&mut self, cx: &mut Context, node: NodeId) {
        if self.visitors.mirrors.get(&node).is_some_and(|mirror| !mirror.seat.is_inside()) {
            self.mirror_failed(cx, node, &EntryFailure::NoAnswer("the node hosts no rooms at that domain"));
        }
    }

    /// A room of visitors is lost to us: its visitors are out of the conference. The next one who is to be a visitor begins
    /// it anew.
    pub fn mirror_lost(&mut self, cx: &mut Context, node: NodeId, stay: Stay) {
        let Some(mirror) = self.visitors.mirrors.get(&node) else { return };
        self.story.decided(cx.now, "a room of visitors is lost: its visitors are out");
        // First: after a failure half way, what is not there any more is nobody's to disconnect.
        if mirror.connected {
            self.part_with_node(cx, node, None);
        }
        let Some(mut mirror) = self.take_mirror(cx, node) else { return };
        // Where the conference ends with its last visitor they are asked to come again.
        self.visitors.displaced.append(&mut mirror.askers);
        match stay {
            Stay::Out => mirror.seat.forget(cx),
            Stay::In => mirror.seat.leave(cx),
        }
        let on = node.connection();
        let visitors: Vec<MemberId> =
            self.members.iter().filter(|member| member.on == on).map(|member| member.id).collect();
        self.forget_shadowed(on);
        caps::room_lost(cx, self.id, on);
        self.visitors_left(cx, &visitors);
        self.admit_shadowed(cx);
        if !self.has_ended() {
            self.send_elsewhere(cx, node);
        }
    }

    /// Has Prosody connect a room of visitors with the main room. Until then visitors wait outside.
    pub(super) fn connect_node(&mut self, cx: &mut Context, node: NodeId) {
        let Some(component) = cx.nodes.component().cloned() else { return };
        let Some(mirror) = self.visitors.mirrors.get(&node).filter(|mirror| mirror.seat.is_inside()) else {
            return;
        };
        let connect = vec![ConnectVnode { vnode: cx.nodes.get(node).id.clone() }];
        let then = Then::NodeConnected(self.id, mirror.id);
        let visitors = Visitors { room: Some(self.room.as_jid().to_string()), connect, ..Visitors::default() };
        cx.request(self.seat.on, component, IqBody::Get(Payload::Visitors(visitors)), then);
        // Only now: to disconnect what was never connected is an error to Prosody.
        if let Some(mirror) = self.visitors.mirrors.get_mut(&node) {
            mirror.connecting = !mirror.connected;
            mirror.connected = true;
        }
    }

    /// Prosody connected a room of visitors, or did not. Silence may be a lost question: to ask twice is harmless.
    pub fn node_connected(&mut self, cx: &mut Context, id: MirrorId, answer: &Answer) {
        let Some(node) = self.node_of(id) else { return };
        let Some(mirror) = self.visitors.mirrors.get_mut(&node) else { return };
        mirror.connecting = false;
        let has_visitors = mirror.visitors > 0;
        match answer {
            Answer::Result(_) => self.watch_for_visitors(cx, node),
            Answer::Error(_) => {
                say!(self, warn, "Prosody did not connect {} to the room{}", cx.nodes.get(node).id, answer.detail());
                if !has_visitors {
                    return self.mirror_refused(cx, node, answer);
                }
            }
            Answer::None if cx.is_heard(self.seat.on) => {
                self.story.decided(cx.now, "Prosody is asked again to connect a room of visitors");
                self.connect_node(cx, node);
            }
            Answer::None | Answer::Unheard => {}
        }
        self.mirror_opened(cx, node);
    }

    /// Prosody lets nobody into a room of visitors: it is left, and in use no more. Otherwise all who come later would be sent
    /// to a door that stays closed.
    fn mirror_refused(&mut self, cx: &mut Context, node: NodeId, answer: &Answer) {
        self.story.decided(cx.now, "a room of visitors is not connected: it is left");
        let id = cx.nodes.get(node).id.clone();
        let component = cx.nodes.component().map(Jid::to_string).unwrap_or_default();
        cx.problems.raise(cx.now, Kind::VisitorsOff, &id, || {
            format!(
                "Prosody refuses to connect rooms of visitors on {id}{}; nobody can be sent there; see whether Component \
                 \"{component}\" \"visitors_component\" is there and loaded, and its log",
                answer.detail()
            )
        });
        // It may be connected all the same, where only the answer went wrong.
        self.give_up_node(cx, node);
        self.send_elsewhere(cx, node);
    }

    pub(super) fn disconnect_nodes(&self, cx: &mut Context, component: Jid, nodes: &[NodeId], then: Then) {
        let disconnect = nodes.iter().map(|node| DisconnectVnode { vnode: cx.nodes.get(*node).id.clone() });
        let visitors = Visitors {
            room: Some(self.room.as_jid().to_string()),
            disconnect: disconnect.collect(),
            ..Visitors::default()
        };
        cx.request(self.seat.on, component, IqBody::Get(Payload::Visitors(visitors)), then);
    }

    /// The conference has ended: its rooms are left. Those of visitors only when their nodes have been told, or that took too
    /// long, and the main room after them: Prosody forgets the nodes of a room that the focus has left.
    pub(in crate::focus::conference) fn leave_rooms(&mut self, cx: &mut Context, leave: Leave) {
        // A failure half way has all of this done again: what is left is not there any more, and nothing follows the request.
        let nodes_that = |visitors: &super::Visitors, told: bool| {
            let that = |mirror: &Mirror| (mirror.connected && mirror.seat.is_inside()) == told;
            visitors.mirrors.iter().filter(|(_, it)| that(it)).map(|(node, _)| *node).collect::<Vec<NodeId>>()
        };
        for node in nodes_that(&self.visitors, false) {
            self.leave_mirror(cx, node);
        }
        let told = nodes_that(&self.visitors, true);
        let component = cx.nodes.component().cloned();
        if let Some(component) = component.filter(|_| leave != Leave::Silently && !told.is_empty()) {
            let departure = DepartureId(cx.unique());
            self.disconnect_nodes(cx, component, &told, Then::NodesDisconnected(departure));
            let mirrors = told.iter().filter_map(|node| self.take_mirror(cx, *node));
            let mut waiting: Vec<Seat> = mirrors.map(|mirror| mirror.seat).collect();
            match leave {
                Leave::Room => waiting.push(self.seat.clone()),
                Leave::Outside | Leave::Silently => self.seat.forget(cx),
            }
            return cx.departures.insert(departure, waiting);
        }
        for node in told {
            self.leave_mirror(cx, node);
        }
        match leave {
            Leave::Room => self.seat.leave(cx),
            Leave::Outside | Leave::Silently => self.seat.forget(cx),
        }
    }
    pub(super) fn leave_mirror(&mut self, cx: &mut Context, node: NodeId) {
        if let Some(mirror) = self.visitors.mirrors.get_mut(&node) {
            mirror.seat.leave(cx);
        }
        self.take_mirror(cx, node);
    }

    /// It is a room of ours no more.
    pub(super) fn take_mirror(&mut self, cx: &mut Context, node: NodeId) -> Option<Mirror> {
        let mut mirror = self.visitors.mirrors.remove(&node)?;
        cx.timers.cancel(mirror.idle.take());
        cx.mirrors.remove(node, self.id);
        Some(mirror)
    }
}
