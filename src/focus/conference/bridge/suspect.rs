//! A conference on bridges of which none is operational, beside a free one that can't be linked with them (docs/BRIDGES.md, "What
//! a bridge's silence costs").

use super::super::cascade::Cascade;
use super::super::{Conference, MemberId};
use super::BridgeSession;
use super::allocate::Choice;
use crate::focus::bridges::registry::{Bridge, BridgeId};
use crate::focus::bridges::select::Wanted;
use crate::focus::context::Context;

impl Conference {
    /// Whether one who leaves its bridge now would find another only if all others left theirs, and they do: to health checks none of
    /// these bridges says anything. One that failed somebody and answers is asked for him again.
    pub(in crate::focus::conference) fn goes_with_all(&self, cx: &Context, id: MemberId) -> bool {
        let is_silent = |session: &BridgeSession| cx.bridges.get(&session.bridge).is_some_and(Bridge::is_silent);
        self.bridges.iter().all(is_silent)
            && self.session_of(id).is_some()
            && self.if_it_waits(cx, id, |wanted| self.has_elsewhere(cx, wanted))
    }

    /// Whether a bridge that is not operational would be asked for one who would wait otherwise.
    pub(super) fn would_be_tried(&self, cx: &Context, id: MemberId) -> bool {
        self.if_it_waits(cx, id, |wanted| self.to_be_tried(cx, wanted).is_some())
    }

    fn if_it_waits(&self, cx: &Context, id: MemberId, holds: impl FnOnce(Wanted<'_>) -> bool) -> bool {
        if !self.is_suspected(cx) {
            return false;
        }
        let (sessions, avoid) = (self.conference_bridges(cx), self.avoided(cx, id));
        let Some(wanted) = self.wanted(id, &sessions, &avoid) else { return false };
        matches!(self.choose(cx, wanted), Choice::Wait(_)) && holds(wanted)
    }

    /// The bridge of the conference that is asked for an endpoint though it is not operational: the only one at which who comes can
    /// meet the others. It gives the endpoint, or the conference leaves it for a free one (spec/40 §8.1, row 1). Where no other is
    /// free, it is better to wait: those who are on it would lose what they have.
    pub(super) fn to_be_tried(&self, cx: &Context, wanted: Wanted<'_>) -> Option<BridgeId> {
        if !self.has_elsewhere(cx, wanted) {
            return None;
        }
        let can_be_asked = |session: &&BridgeSession| {
            let stays = cx.bridges.get(&session.bridge).is_some_and(|bridge| !bridge.shutting_down);
            let blocked = self.setbacks.blocked_until(cx.now, &session.bridge).is_some();
            stays && !blocked && !cx.moves.is_leaving(self.id, &session.bridge)
        };
        let least = self.bridges.iter().filter(can_be_asked).min_by_key(|session| session.count())?;
        Some(least.bridge.clone())
    }

    /// It is on bridges, and none of them is operational.
    fn is_suspected(&self, cx: &Context) -> bool {
        let is_operational = |session: &BridgeSession| {
            cx.bridges.get(&session.bridge).is_some_and(|bridge| bridge.operational(cx.now, &cx.config.bridge))
        };
        self.bridges.len() > 0 && !self.bridges.iter().any(is_operational)
    }

    /// None of the conference's bridges is operational, and another would be had at once if it were on none.
    fn has_elsewhere(&self, cx: &Context, wanted: Wanted<'_>) -> bool {
        if !self.is_suspected(cx) || !cx.is_connected(cx.bridge_connection()) {
            return false;
        }
        cx.bridges.select(cx.now, &cx.config, Wanted { conference: &[], ..wanted }).is_ok_and(|selected| {
            let owes = self.setbacks.expiring.keys().any(|it| it.jid == selected.bridge.jid);
            !owes && self.setbacks.blocked_until(cx.now, &selected.bridge).is_none()
        })
    }

    /// The conference leaves all its bridges, and everybody on them is invited anew: somebody who was on one can't reach it, and
    /// nor can we.
    pub(in crate::focus::conference) fn leave_all(&mut self, cx: &mut Context) {
        say!(
            self,
            warn,
            "leaves its bridges, which neither an endpoint nor we can reach: all on them are invited anew"
        );
        self.story.decided(cx.now, "leaves its bridges, which neither an endpoint nor we can reach");
        // No bridge need be told of any other: each lets go of all that it has.
        self.cascade = Cascade::default();
        let mut on_them = Vec::new();
        // All before anybody is placed: whoever is first must not come back to the last.
        for key in self.bridges.keys() {
            cx.metrics.bridges_removed += 1;
            on_them.extend(self.close_bridge(cx, key));
        }
        self.move_all(cx, &on_them);
    }
}
