//! Taking endpoints off a bridge that could keep them (spec/50 §9).

use std::time::Duration;

use super::super::{Conference, MemberId};
use super::allocate::Choice;
use crate::config::SelectionStrategy;
use crate::focus::bridges::registry::BridgeId;
use crate::focus::bridges::select::{ConferenceBridge, Selected, Wanted};
use crate::focus::context::Context;
use crate::focus::time::Timestamp;

/// So long a conference that was moved off a bridge for its load is not moved back for the load of another.
const SETTLED: Duration = Duration::from_secs(30 * 60);

impl Conference {
    pub(in crate::focus) fn endpoints_on(&self, bridge: &BridgeId) -> u32 {
        self.bridges.on(bridge).map_or(0, super::BridgeSession::count)
    }

    /// Whether endpoints of this conference that leave that bridge could be placed anywhere else while others stay
    /// (spec/50 §6.2, 8).
    pub(in crate::focus) fn can_be_split(&self, cx: &Context, bridge: &BridgeId) -> bool {
        // For one bridge a conference there is no elsewhere while others stay.
        if cx.config.bridge.selection_strategy == SelectionStrategy::Single {
            return false;
        }
        let linked = cx.bridges.get(bridge).is_some_and(|bridge| bridge.relay_id.is_some());
        self.bridges.len() > 1 || (cx.config.octo.enabled && linked)
    }

    /// So many to be moved off a bridge, those first who came to it first; without those who are to be moved already.
    pub(in crate::focus) fn to_be_moved(&self, cx: &Context, bridge: &BridgeId, count: u32) -> Vec<MemberId> {
        let on_it = self.bridges.on(bridge).into_iter().flat_map(super::BridgeSession::endpoints).map(|(_, id)| id);
        on_it.filter(|id| !cx.moves.is_relieved(self.id, *id)).take(count as usize).collect()
    }

    /// Of those who could leave a bridge the ones who would be placed on another while the others stay: whoever would only come
    /// back stays. `not_to`: what does not count as another; nor do those that this conference was moved off lately.
    pub(in crate::focus) fn with_elsewhere(
        &self,
        cx: &Context,
        those: Vec<MemberId>,
        bridge: &BridgeId,
        not_to: &[BridgeId],
    ) -> Vec<MemberId> {
        let sessions = self.conference_bridges(cx);
        let has_elsewhere = |id: &MemberId| {
            let avoid = self.avoided_by_moves(cx, *id, bridge, not_to);
            let Some(wanted) = self.wanted(*id, &sessions, &avoid) else { return false };
            matches!(self.choose(cx, wanted), Choice::Take(selected) if !avoid.contains(&selected.bridge))
        };
        those.into_iter().filter(has_elsewhere).collect()
    }

    /// The same for all who are on it: all of them, if there is a place for each, or nobody.
    pub(in crate::focus) fn all_with_elsewhere(
        &self,
        cx: &Context,
        those: Vec<MemberId>,
        bridge: &BridgeId,
        not_to: &[BridgeId],
    ) -> Vec<MemberId> {
        let mut sessions = self.conference_bridges(cx);
        sessions.retain(|session| session.id != *bridge);
        let has_elsewhere = |id: &MemberId| {
            let avoid = self.avoided_by_moves(cx, *id, bridge, not_to);
            let Some(wanted) = self.wanted(*id, &sessions, &avoid) else { return false };
            cx.bridges.select(cx.now, &cx.config, wanted).is_ok_and(|selected| !avoid.contains(&selected.bridge))
        };
        if those.iter().all(has_elsewhere) { those } else { Vec::new() }
    }

    /// Whether all who are on a bridge would be on one again if the conference left it: each on another, or, where an operator
    /// wants it and not the load, on the same once more. That one is asked to create the conference then, as any other.
    pub(in crate::focus) fn may_leave_whole(&self, cx: &Context, bridge: &BridgeId) -> bool {
        let mut rest = self.conference_bridges(cx);
        rest.retain(|session| session.id != *bridge);
        let on_it = self.bridges.on(bridge).into_iter().flat_map(super::BridgeSession::endpoints);
        on_it.map(|(_, id)| id).all(|id| self.has_place_without(cx, id, bridge, &rest))
    }

    /// Whether one would be placed if the conference were on `rest` alone, and not on that bridge.
    fn has_place_without(&self, cx: &Context, id: MemberId, bridge: &BridgeId, rest: &[ConferenceBridge]) -> bool {
        let for_load = self.moves_for_load(id);
        let avoid = match for_load {
            true => self.avoided_by_moves(cx, id, bridge, &[]),
            false => self.avoided(cx, id),
        };
        let Some(wanted) = self.wanted(id, rest, &avoid) else { return false };
        let selected = cx.bridges.select(cx.now, &cx.config, wanted);
        let selected = selected.or_else(|_| cx.bridges.select(cx.now, &cx.config, Wanted { avoid: &[], ..wanted }));
        let Ok(Selected { bridge: to, .. }) = selected else { return false };
        let comes_back = for_load && avoid.contains(&to);
        let is_held = self.setbacks.expiring.keys().any(|it| it.jid == to.jid);
        if comes_back || is_held || self.setbacks.blocked_until(cx.now, &to).is_some() {
            return false;
        }
        rest.iter().any(|on| on.id == to) || cx.bridges.get(&to).is_some_and(|known| !known.graceful_shutdown)
    }

    fn avoided_by_moves(&self, cx: &Context, id: MemberId, bridge: &BridgeId, not_to: &[BridgeId]) -> Vec<BridgeId> {
        let mut avoid = self.avoided(cx, id);
        avoid.push(bridge.clone());
        avoid.extend(not_to.iter().cloned());
        avoid.extend(self.relieved_of(cx.now).cloned());
        avoid
    }

    /// The conference has moved off this bridge, or some of it has, as that had too much to do. For a while it does not come back
    /// for the same reason: it would go to and fro between bridges of which each has too much to do with it.
    pub(in crate::focus) fn was_relieved(&mut self, now: Timestamp, bridge: &BridgeId, those: &[MemberId]) {
        self.relieved.retain(|_, at| now.since(*at) < SETTLED);
        self.relieved.insert(bridge.clone(), now);
        for id in those {
            if let Some(member) = self.members.get_mut(*id) {
                member.moves_for_load = true;
            }
        }
    }

    /// Which bridges it was moved off lately for their load.
    pub(in crate::focus) fn relieved_of(&self, now: Timestamp) -> impl Iterator<Item = &BridgeId> {
        self.relieved.iter().filter(move |(_, at)| now.since(**at) < SETTLED).map(|(bridge, _)| bridge)
    }

    /// That it is decided. They go when it is their turn, and not to where they were.
    pub(in crate::focus) fn will_move(
        &mut self,
        cx: &mut Context,
        bridge: &BridgeId,
        those: &[MemberId],
        not_to: &[BridgeId],
    ) {
        say!(self, info, "{} endpoints move off {}", those.len(), bridge.jid);
        self.story.decided(cx.now, "endpoints are moved off a bridge");
        for id in those {
            self.note_left(*id, bridge);
            if let Some(member) = self.members.get_mut(*id) {
                member.moved_off.extend(not_to.iter().cloned());
            }
        }
    }

    /// One leaves a bridge, if it is still there, and is invited anew; others stay.
    pub(in crate::focus) fn leave_alone(&mut self, cx: &mut Context, id: MemberId, bridge: &BridgeId) {
        if self.session_of(id).is_none_or(|session| session.bridge != *bridge) {
            return;
        }
        self.note_left(id, bridge);
        let is_last = self.bridges.on(bridge).is_some_and(|session| session.count() == 1);
        // Nobody is taken off a bridge who would be on none then, or, for the load, back on it.
        let has_place = match self.would_take(cx, id) {
            _ if is_last => self.may_leave_whole(cx, bridge),
            None => false,
            Some(to) => to != *bridge || !self.moves_for_load(id),
        };
        if !cx.may_answer(cx.bridge_connection()) || !has_place {
            self.story.decided(cx.now, "no bridge takes one who was to be moved: stays");
            self.stays(id);
            return;
        }
        self.release_endpoint(cx, id);
        self.count_if_for_load(cx, id, bridge);
        cx.metrics.participants_moved += 1;
        self.reinvite(cx, id);
    }

    fn moves_for_load(&self, id: MemberId) -> bool {
        self.members.get(id).is_some_and(|member| member.moves_for_load)
    }

    fn stays(&mut self, id: MemberId) {
        if let Some(member) = self.members.get_mut(id) {
            member.moved_off = Vec::new();
            member.moves_for_load = false;
        }
    }

    /// All leave a bridge at once, as they can't be on two; each is invited anew when it is its turn.
    pub(in crate::focus) fn leave_whole(&mut self, cx: &mut Context, bridge: &BridgeId) {
        let Some(session) = self.bridges.on(bridge) else { return };
        // Since that was decided other bridges may have gone.
        if !cx.may_answer(cx.bridge_connection()) || !self.may_leave_whole(cx, bridge) {
            self.story.decided(cx.now, "no bridge takes those who were to be moved: they stay");
            let on_it: Vec<MemberId> = session.endpoints().map(|(_, id)| id).collect();
            return on_it.into_iter().for_each(|id| self.stays(id));
        }
        let key = session.key;
        let on_it = self.close_bridge(cx, key);
        for id in &on_it {
            self.note_left(*id, bridge);
            self.count_if_for_load(cx, *id, bridge);
        }
        self.move_all(cx, &on_it);
    }

    /// One has left a bridge, perhaps as that had too much to do.
    fn count_if_for_load(&mut self, cx: &mut Context, id: MemberId, bridge: &BridgeId) {
        let moves = self.members.get_mut(id).is_some_and(|member| std::mem::take(&mut member.moves_for_load));
        if moves {
            cx.metrics.endpoints_redistributed += 1;
            cx.bridges.endpoints_redistributed(bridge, 1);
        }
    }

    /// Who that is, if it is on a bridge, and on that one; and on which it is.
    pub(in crate::focus) fn endpoint_at(&self, nick: &str, bridge: Option<&BridgeId>) -> Option<(MemberId, BridgeId)> {
        let id = self.members.id_of(nick)?;
        let on = self.session_of(id)?.bridge.clone();
        bridge.is_none_or(|bridge| *bridge == on).then_some((id, on))
    }

    /// Without this, whoever leaves makes room for himself where he left.
    pub(super) fn note_left(&mut self, id: MemberId, bridge: &BridgeId) {
        if let Some(member) = self.members.get_mut(id) {
            if !member.moved_off.contains(bridge) {
                member.moved_off.push(bridge.clone());
            }
        }
    }
}
