//! What bridges are told of those who are on them, and what their answers mean (spec/40 §5.3 to §5.5, §8.2).

use super::super::{Conference, EndpointKey, MemberId, SessionKey};
use super::leaving::LeaveBridge;
use super::repeat::Told;
use super::retry::Refused;
use crate::config::ReinviteMethod;
use crate::focus::colibri::answer::{self, IceRestart, UpdateOutcome};
use crate::focus::colibri::request::{self, Update};
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::wire::ice::IceTransport;
use crate::wire::stanza::Payload;
use crate::wire::values::EndpointId;

impl Conference {
    /// Tells the bridge what a participant sends and how it is reached. `None`: as before.
    pub(in crate::focus::conference) fn update_endpoint(
        &mut self,
        cx: &mut Context,
        id: MemberId,
        transport: Option<&IceTransport>,
        sources: bool,
        initial_last_n: Option<i32>,
    ) {
        let Some(member) = self.members.get(id) else { return };
        let Some(session) = self.session_of(id) else { return };
        let set = sources.then(|| self.sources.of(&member.nick));
        let transport = transport.map(IceTransport::for_bridge);
        let update = Update {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            transport: transport.as_ref(),
            sources: set.as_deref(),
            initial_last_n,
        };
        let Some(modify) = request::update(&self.meeting, update) else { return };
        let Some(endpoint) = self.endpoint_key(id) else { return };
        let (key, bridge) = (session.key, session.bridge.clone());
        let Some(state) = self.members.get_mut(id).and_then(|member| member.endpoint.as_mut()) else { return };
        let number = state.is_told(transport.as_ref(), initial_last_n.is_some());
        let told = Told::new(number, transport, sources, initial_last_n);
        cx.ask_bridge(&bridge, modify, Then::EndpointUpdated(self.id, key, endpoint, Box::new(told)));
        if sources {
            self.update_shown(cx, id);
        }
    }

    /// Asks the bridge for a new ICE agent for a participant. False: the bridge knows nothing of it.
    pub(in crate::focus::conference) fn restart_ice(&mut self, cx: &mut Context, id: MemberId) -> bool {
        let Some(member) = self.members.get(id) else { return false };
        let Some(session) = self.session_of(id) else { return false };
        let Some(endpoint) = self.endpoint_key(id) else { return false };
        let modify = request::ice_restart(&self.meeting, &member.nick, member.stats_id.as_deref());
        let (key, bridge) = (session.key, session.bridge.clone());
        let Some(state) = self.members.get_mut(id).and_then(|member| member.endpoint.as_mut()) else { return false };
        state.ice_restarts += 1;
        let then = Then::IceRestarted(self.id, key, endpoint, state.ice_restarts);
        cx.ask_bridge(&bridge, modify, then);
        true
    }

    /// The bridge answered an ICE restart (spec/40 §5.5).
    pub(in crate::focus) fn ice_restarted(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        (about, number): (EndpointKey, u64),
        answered: &Answer,
    ) {
        if answered.is_silence() {
            return self.repeat_ice_restart(cx, key, about, number);
        }
        // A result of another kind is the session's failure, as with any request (spec/40 §8.2).
        let Answer::Result(Some(Payload::ConferenceModified(modified))) = answered else {
            cx.metrics.ice_restarts_failed += 1;
            self.updated(cx, key, Some(about), answered);
            return;
        };
        let id = about.member;
        let current = self.endpoint_key(id) == Some(about);
        let Some(member) = self.members.get_mut(id).filter(|_| current) else {
            cx.metrics.ice_restarts_failed += 1;
            return;
        };
        let Some(endpoint) = &mut member.endpoint else { return };
        match answer::ice_restart(&member.nick, endpoint.last_generation, modified) {
            IceRestart::Relay { generation, transport } => {
                endpoint.last_generation = Some(generation);
                cx.metrics.ice_restarts_relayed += 1;
                self.relay_transport(cx, id, transport);
            }
            IceRestart::Repeated => {}
            IceRestart::Stale => cx.metrics.ice_restarts_failed += 1,
            IceRestart::NotNeeded => cx.metrics.ice_restarts_not_needed += 1,
            IceRestart::Declined => {
                cx.metrics.ice_restarts_failed += 1;
                cx.metrics.participants_moved += 1;
                self.release_endpoint(cx, id);
                self.reinvite(cx, id);
            }
        }
    }

    /// The bridge answered anything but an allocation (spec/40 §8.2).
    pub(in crate::focus) fn updated(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        endpoint: Option<EndpointKey>,
        answered: &Answer,
    ) {
        if self.bridges.get(key).is_none() {
            return;
        }
        match answer::update(answered.as_colibri()) {
            UpdateOutcome::Done => {}
            UpdateOutcome::UnknownEndpoint(unknown) => {
                let Some(id) = self.members.id_of(unknown.as_str()) else { return };
                // What was asked about an endpoint of the past, or of another session, says nothing of the one that has its name now.
                let is_there = self.session_of(id).is_some_and(|session| session.key == key);
                if !is_there || (endpoint.is_some() && self.endpoint_key(id) != endpoint) {
                    return;
                }
                say!(self, warn, participant = unknown; "the bridge does not know {unknown} any more: invited anew");
                self.story.decided(cx.now, "the bridge does not know an endpoint: invited anew");
                cx.metrics.participants_moved += 1;
                self.forget_endpoint(cx, id);
                self.hold_if_lost_again(cx, id);
                self.reinvite(cx, id);
            }
            UpdateOutcome::EndpointRefused => match endpoint {
                Some(about) if self.endpoint_key(about.member) != endpoint => {}
                Some(about) if self.is_first_refusal(cx, about, Refused::Update) => {
                    self.endpoint_failed(cx, about, answered)
                }
                _ => self.update_refused(endpoint, answered),
            },
            UpdateOutcome::EndpointFailed => match endpoint {
                Some(about) => self.endpoint_failed(cx, about, answered),
                None => self.update_failed(cx, key, None, answered),
            },
            UpdateOutcome::SessionFailed => self.update_failed(cx, key, endpoint, answered),
        }
    }

    /// The bridge stumbled over one endpoint. What a client sends goes to it as it is: a bridge that can't read that is none to be
    /// left by all the others. If it is the bridge, it will not give the new endpoint that is asked of it now.
    fn endpoint_failed(&mut self, cx: &mut Context, about: EndpointKey, answered: &Answer) {
        let id = about.member;
        if self.endpoint_key(id) != Some(about) {
            return;
        }
        let detail = answered.detail();
        if let Some(nick) = self.nick_of(Some(about)) {
            say!(self, warn, participant = nick; "the bridge stumbled over {nick}{detail}: invited anew");
        }
        self.story.decided(cx.now, "the bridge stumbled over an endpoint: invited anew");
        cx.metrics.participants_moved += 1;
        self.release_endpoint(cx, id);
        self.hold_if_lost_again(cx, id);
        // With a session of its own it is asked for without what the bridge may have stumbled over.
        self.reinvite_by(cx, id, ReinviteMethod::RestartJingle);
    }

    /// What the bridge calls wrong with a new endpoint, too, it will call wrong with any: whoever is on it has at least all the rest.
    fn update_refused(&self, endpoint: Option<EndpointKey>, answered: &Answer) {
        let detail = answered.detail();
        match self.nick_of(endpoint) {
            Some(nick) => say!(
                self, error, participant = nick;
                "the bridge refused an update about {nick}{detail}: what it was is missing there until {nick} is invited anew"
            ),
            None => say!(self, error, "the bridge refused an update{detail}: what it was is missing there"),
        }
    }

    fn update_failed(&mut self, cx: &mut Context, key: SessionKey, endpoint: Option<EndpointKey>, answered: &Answer) {
        let detail = answered.detail();
        match self.nick_of(endpoint) {
            Some(nick) => {
                say!(self, warn, participant = nick; "the bridge refused an update about {nick}{detail}: moving");
            }
            None => say!(self, warn, "the bridge refused an update{detail}: moving"),
        }
        self.story.decided(cx.now, "the bridge refused an update: off it");
        cx.metrics.bridges_removed += 1;
        self.leave_session(cx, key, LeaveBridge::AfterSetback);
    }

    /// For a line of the log.
    fn nick_of(&self, endpoint: Option<EndpointKey>) -> Option<&EndpointId> {
        Some(&self.members.get(endpoint?.member)?.nick)
    }
}
