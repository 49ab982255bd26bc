//! Letting go of endpoints, and of bridges (spec/40 §5.7, §5.8, spec/50 §8).

use super::super::cascade::Cascade;
use super::super::{Conference, MemberId, SessionKey};
use super::retry::{Before, Setback};
use crate::focus::bridges::crowd::Weight;
use crate::focus::bridges::registry::BridgeId;
use crate::focus::colibri::request;
use crate::focus::context::Context;
use crate::focus::owed::Over;
use crate::focus::pending::Then;

/// Why a conference leaves a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaveBridge {
    /// A request failed; so may the next.
    AfterSetback,
    /// The bridge is gone or going; another will do.
    BridgeGone,
    /// Nobody is on it yet, and what was asked of it died with our connection.
    Unheard,
}

impl Conference {
    /// A participant's endpoint goes: expired on the bridge, with the whole conference if it was the last.
    pub(in crate::focus::conference) fn release_endpoint(&mut self, cx: &mut Context, id: MemberId) {
        let Some(nick) = self.members.get(id).map(|member| member.nick.clone()) else { return };
        let Some(session) = self.session_of(id) else { return };
        let (key, bridge) = (session.key, session.bridge.clone());
        if session.count() == 1 {
            self.close_bridge(cx, key);
            return;
        }
        let modify = request::expire_endpoints(&self.meeting, [&nick]);
        cx.ask_bridge(&bridge, modify, Then::EndpointExpired(self.id, key, self.endpoint_key(id), nick));
        self.forget_endpoint(cx, id);
    }

    /// The bridge has nothing of this participant any more; the others forget it, too.
    pub(super) fn forget_endpoint(&mut self, cx: &mut Context, id: MemberId) {
        let Some(session) = self.session_of(id) else { return };
        let key = session.key;
        if session.count() == 1 {
            self.close_bridge(cx, key);
            return;
        }
        let endpoint = self.members.set_endpoint(id, None);
        if let (Some(endpoint), Some(session)) = (endpoint, self.bridges.get_mut(key)) {
            session.endpoints.remove(&endpoint.attempt);
            cx.bridges.endpoints_released(&session.bridge, 1);
        }
        self.weigh(cx);
        self.hide_endpoint(cx, id, key);
    }

    /// The conference on a bridge is over: expired there, and forgotten here. Gives who was on it, in the order in which they
    /// came to it.
    pub(super) fn close_bridge(&mut self, cx: &mut Context, key: SessionKey) -> Vec<MemberId> {
        let Some(session) = self.bridges.get(key) else { return Vec::new() };
        let (bridge, before) = (session.bridge.clone(), Before::of(session.linked));
        // What was asked of it before is of no interest any more.
        let asked = cx.pending.forget_session(key);
        cx.forget_requests(asked);
        // First: if anything fails after this, the bridge has let go all the same.
        self.tell_end(cx, &bridge, before);
        let on_it = self.forget_session(cx, key);
        self.setbacks.expiring.insert(bridge, cx.now);
        self.publish_bridge_count(cx);
        on_it
    }

    /// This conference, as a bridge may have it yet.
    pub(super) fn over(&self, before: Before) -> Over {
        Over { meeting: self.meeting.clone(), conference: self.id, before }
    }

    fn forget_session(&mut self, cx: &mut Context, key: SessionKey) -> Vec<MemberId> {
        let Some(mut session) = self.bridges.table.remove(&key) else { return Vec::new() };
        cx.bridges.endpoints_released(&session.bridge, session.count());
        cx.bridges.weighs(cx.now, &session.bridge, &mut session.stay, Weight::NONE);
        self.unregister(cx, &session.bridge);
        let on_it: Vec<MemberId> = session.endpoints().map(|(_, member)| member).collect();
        for id in &on_it {
            self.members.set_endpoint(*id, None);
        }
        self.unlink_session(cx, &session);
        self.weigh(cx);
        on_it
    }

    /// The conference ends on all its bridges.
    pub(in crate::focus::conference) fn close_bridges(&mut self, cx: &mut Context) {
        // No bridge need be told of any other: each lets go of all that it has.
        self.cascade = Cascade::default();
        for key in self.bridges.keys() {
            self.close_bridge(cx, key);
        }
    }

    /// The connection to the bridges is gone: nothing can be said to them. They are told when they are there again, or before the
    /// same meeting is created there anew.
    pub(in crate::focus::conference) fn drop_bridges(&mut self, cx: &mut Context) {
        self.cascade = Cascade::default();
        for key in self.bridges.keys() {
            if let Some(session) = self.bridges.get(key) {
                cx.owed.add(cx.now, &session.bridge.jid, self.over(Before::of(session.linked)));
            }
            self.forget_session(cx, key);
        }
    }

    fn unregister(&self, cx: &mut Context, bridge: &BridgeId) {
        if let Some(users) = cx.bridge_users.get_mut(bridge) {
            users.remove(&self.id);
            if users.is_empty() {
                cx.bridge_users.remove(bridge);
            }
        }
    }

    /// The conference leaves a bridge that is gone or going, and everybody on it is invited anew (spec/50 §8).
    pub(in crate::focus) fn leave_bridge(&mut self, cx: &mut Context, bridge: &BridgeId) {
        if let Some(key) = self.bridges.on(bridge).map(|session| session.key) {
            self.leave_session(cx, key, LeaveBridge::BridgeGone);
        }
    }

    /// The same, for whatever reason.
    pub(super) fn leave_session(&mut self, cx: &mut Context, key: SessionKey, why: LeaveBridge) {
        let what = match why {
            LeaveBridge::AfterSetback => "leaves the bridge, which failed: all on it are invited anew",
            LeaveBridge::Unheard => "asks for all of a bridge again, as the connection was lost meanwhile",
            LeaveBridge::BridgeGone => "leaves the bridge, which is gone or going: all on it are invited anew",
        };
        self.story.decided(cx.now, what);
        let Some(bridge) = self.bridges.get(key).map(|session| session.bridge.clone()) else { return };
        let on_it = self.close_bridge(cx, key);
        if why == LeaveBridge::AfterSetback {
            // The first time another bridge, or the same one, may do at once; after that each try waits longer.
            self.setbacks.count(cx.now, &bridge, Setback::MayPass);
        }
        self.move_all(cx, &on_it);
    }
}
