//! Taking endpoints off a bridge that could keep them (spec/50 §9).

use super::super::{Conference, MemberId};
use crate::config::SelectionStrategy;
use crate::focus::bridges::registry::BridgeId;
use crate::focus::context::Context;

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

    /// Moves so many off a bridge, those first who came to it first. Gives how many there were to move.
    pub(in crate::focus) fn move_endpoints(&mut self, cx: &mut Context, bridge: &BridgeId, count: u32) -> u32 {
        let Some(session) = self.bridges.on(bridge) else { return 0 };
        let key = session.key;
        let those: Vec<MemberId> = session.endpoints().map(|(_, id)| id).take(count as usize).collect();
        for id in &those {
            self.note_left(*id, bridge);
        }
        let Some(session) = self.bridges.get(key) else { return 0 };
        if those.is_empty() {
            return 0;
        }
        say!(self, info, "{} endpoints move off {}", those.len(), bridge.jid);
        self.story.decided(cx.now, "endpoints are moved off a bridge");
        if those.len() == session.count() as usize {
            self.close_bridge(cx, key);
        } else {
            those.iter().for_each(|id| self.release_endpoint(cx, *id));
        }
        // Selection counts those who have not left yet.
        self.move_all(cx, &those);
        u32::try_from(those.len()).unwrap_or(u32::MAX)
    }

    /// Moves one, if it is on a bridge, and on that one.
    pub(in crate::focus) fn move_endpoint(&mut self, cx: &mut Context, nick: &str, bridge: Option<&BridgeId>) -> u32 {
        let Some(id) = self.members.id_of(nick) else { return 0 };
        let Some(on) = self.session_of(id).map(|session| session.bridge.clone()) else { return 0 };
        if bridge.is_some_and(|bridge| *bridge != on) {
            return 0;
        }
        say!(self, info, participant = nick; "moves off {}", on.jid);
        self.story.decided(cx.now, "an endpoint is moved off its bridge");
        self.note_left(id, &on);
        self.release_endpoint(cx, id);
        cx.metrics.participants_moved += 1;
        self.reinvite(cx, id);
        1
    }

    /// Without this, whoever leaves makes room for himself where he left.
    fn note_left(&mut self, id: MemberId, bridge: &BridgeId) {
        if let Some(member) = self.members.get_mut(id) {
            member.moved_off = Some(Box::new(bridge.clone()));
        }
    }
}
