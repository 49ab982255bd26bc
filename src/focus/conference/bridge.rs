//! The conference on its bridge: allocating endpoints, keeping them, letting go, and what to do when the bridge does not
//! play along (spec/40). One bridge at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use super::invite::{Invite, Task};
use super::{AttemptId, Conference, EndpointKey, MemberId, SessionKey};
use crate::focus::bridges::predict::{Load, Stay};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::bridges::select::{ConferenceBridge, Wanted};
use crate::focus::colibri::answer::{self, AllocationFailure, IceRestart, UpdateOutcome};
use crate::focus::colibri::request::{self, NewConference, NewEndpoint, Update};
use crate::focus::conference::features::Features;
use crate::focus::conference::view::View;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::sources::set::SourceSet;
use crate::focus::time::Timestamp;
use crate::focus::timers::Timer;
use crate::wire::colibri2::{ConferenceModify, ForceMute};
use crate::wire::ice::IceTransport;
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::BridgeSessionId;

/// How long after a bridge let go of a conference it is asked to create it anew: it removes it just after its answer
/// (spec/40 §9.3).
const AFTER_EXPIRE: Duration = Duration::from_millis(100);

/// How long to wait before seeking a bridge again, at first and at most. Doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Failures further apart than this have nothing to do with each other. That an allocation succeeds in between says
/// little: a bridge may refuse whatever comes after it, and a round of that takes no time.
const CALM: Duration = Duration::from_secs(60);

/// The conference on one bridge (spec/40, "session").
#[derive(Debug)]
pub(crate) struct BridgeSession {
    pub key: SessionKey,
    pub bridge: BridgeId,
    /// Told to clients, who name it when they want a restart.
    pub id: BridgeSessionId,
    pub region: Option<String>,
    /// The bridge's own sources, once it has told them.
    pub feedback: SourceSet,
    pub endpoints: u32,
    pub stay: Stay,
}

/// What a bridge has of one participant.
#[derive(Debug)]
pub(crate) struct EndpointState {
    pub session: SessionKey,
    attempt: AttemptId,
    /// The generation of the last ICE restart that the client was told of.
    last_generation: Option<i64>,
}

/// How an allocation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    Asked,
    NoBridge,
}

/// What keeps this conference from being placed at once.
#[derive(Debug, Default)]
pub(crate) struct Setbacks {
    /// Failures in a row.
    count: u32,
    last: Timestamp,
    /// A retry is due.
    pub retry: Option<crate::focus::timers::TimerKey>,
    /// Bridges that have not confirmed yet that they let go of this conference.
    pub expiring: BTreeSet<BridgeId>,
}

impl Conference {
    /// Selects a bridge and asks it for an endpoint. Nothing is awaited: requests to one bridge are carried out in order.
    pub(super) fn allocate(&mut self, cx: &mut Context, id: MemberId, attempt: AttemptId) -> Placement {
        if self.setbacks.retry.is_some() {
            return Placement::NoBridge;
        }
        let Some(bridge) = self.select_bridge(cx, id) else { return Placement::NoBridge };
        // Until the bridge has let go of this conference, or can be reached at all. Whoever ends the wait looks here.
        let held = self.bridge.is_none() && self.setbacks.expiring.contains(&bridge);
        if held || !cx.is_connected(cx.bridge_connection()) {
            cx.stranded.insert(self.id);
            return Placement::NoBridge;
        }
        let creates = self.bridge.is_none();
        if creates {
            self.open_session(cx, bridge);
        }
        let Some(session) = &mut self.bridge else { return Placement::NoBridge };
        let Some(member) = self.members.get_mut(id) else { return Placement::NoBridge };
        let features = member.features.unwrap_or(Features::UNANSWERED);
        let view = View::of(features, &cx.config.conference);
        let codecs = cx.codecs.get(features, &cx.config);
        let private = (member.kind.jibri && cx.config.jibri.use_private_address_connectivity)
            || (member.kind.jigasi && cx.config.jigasi.use_private_address_connectivity);
        let mid_demux = view.rewriting
            && cx.config.conference.use_rtp_mid_demux
            && cx.config.codec.rtp_extensions.mid.enabled
            && features.has(Features::RTP_MID_DEMUX);
        let conference =
            creates.then(|| NewConference { name: self.room.as_jid().to_string(), rtcstats: self.properties.rtcstats });
        let endpoint = NewEndpoint {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            codecs: &codecs,
            visitor: false,
            diarize: member.diarize,
            ssrc_rewriting: view.rewriting,
            rtp_mid_demux: mid_demux,
            private_addresses: private,
            force_mute: ForceMute::default(),
            sources: &self.sources.of(&member.nick),
        };
        let modify = request::allocate(&self.meeting, conference.as_ref(), endpoint);
        session.endpoints += 1;
        member.endpoint = Some(EndpointState { session: session.key, attempt, last_generation: None });
        let bridge = session.bridge.clone();
        cx.bridges.endpoint_allocated(cx.now, &bridge, &cx.config.bridge);
        self.weigh(cx);
        self.ask_bridge(cx, &bridge, modify, Then::Allocated(self.id, id, attempt));
        if creates {
            self.publish_bridge_count(cx);
            self.call_who_waits(cx, id);
        }
        Placement::Asked
    }

    /// The bridge answered an allocation, or did not.
    pub(in crate::focus) fn allocated(
        &mut self,
        cx: &mut Context,
        id: MemberId,
        attempt: AttemptId,
        answered: &Answer,
    ) {
        let Some(member) = self.members.get(id) else { return };
        let current = member.invite.participation().is_some_and(|it| it.task == Task::Allocating(attempt));
        let Some(session) = self.bridge.as_mut().filter(|_| current) else { return };
        let features = member.features.unwrap_or(Features::UNANSWERED);
        let sctp = cx.codecs.get(features, &cx.config).data;
        match answer::allocation(&member.nick, sctp, answered.as_colibri()) {
            Ok(allocated) => {
                if let Some(feedback) = &allocated.feedback {
                    session.feedback = feedback.clone();
                }
                self.offer(cx, id, &allocated);
            }
            Err(failure) => self.allocation_failed(cx, id, failure, answered),
        }
    }

    /// Carries out a row of spec/40 §8.1.
    fn allocation_failed(&mut self, cx: &mut Context, id: MemberId, failure: AllocationFailure, answered: &Answer) {
        let Some(session) = &self.bridge else { return };
        let bridge = session.bridge.clone();
        let nick = self.members.get(id).map(|member| member.nick.to_string()).unwrap_or_default();
        say!(
            self, warn, participant = nick;
            "{} gave no endpoint for {nick}: {failure:?}{}", bridge.jid, answered.detail()
        );
        // Silence is nobody's fault while our own connection is down (spec/50 §3.3, "Improve").
        let unheard = *answered == Answer::None && !cx.is_connected(cx.bridge_connection());
        if failure.marks_bridge() && !unheard {
            cx.bridges.failed(cx.now, &bridge);
        }
        if failure == AllocationFailure::GracefulShutdown {
            cx.bridges.refused_gracefully(&bridge);
        }
        if failure == AllocationFailure::NotImplemented {
            say!(
                self, error, participant = nick;
                "{}: the bridge lacks what it was asked for. If it has no SCTP, set jicofo.sctp.enabled = false here, or \
                 enable SCTP on the bridge",
                bridge.jid
            );
        }
        self.story.decided(cx.now, "the bridge gave no endpoint");
        if failure.removes_session() {
            cx.metrics.bridges_removed += 1;
            self.leave_bridge(cx, if unheard { LeaveBridge::BridgeGone } else { LeaveBridge::AfterSetback });
            return;
        }
        if failure == AllocationFailure::BridgeLeft {
            // The bridge is gone, and its presence will say so; meanwhile another may do.
            self.release_endpoint(cx, id);
            if let Some(participation) = self.participation(id) {
                participation.task = Task::AwaitingBridge;
            }
            self.count_setback(cx.now);
            self.retry_later(cx);
            return;
        }
        self.drop_participant(cx, id, Invite::Failed);
    }

    /// Tells the bridge what a participant sends and how it is reached. `None`: as before.
    pub(super) fn update_endpoint(
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
        let update = Update {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            transport,
            sources: set.as_deref(),
            initial_last_n,
        };
        let Some(modify) = request::update(&self.meeting, update) else { return };
        let then = Then::Updated(self.id, session.key, self.endpoint_key(id));
        self.ask_bridge(cx, &session.bridge.clone(), modify, then);
    }

    /// Asks the bridge for a new ICE agent for a participant. False: the bridge knows nothing of it.
    pub(super) fn restart_ice(&mut self, cx: &mut Context, id: MemberId) -> bool {
        let Some(member) = self.members.get(id) else { return false };
        let Some(session) = self.session_of(id) else { return false };
        let Some(endpoint) = self.endpoint_key(id) else { return false };
        let modify = request::ice_restart(&self.meeting, &member.nick, member.stats_id.as_deref());
        let then = Then::IceRestarted(self.id, session.key, endpoint);
        self.ask_bridge(cx, &session.bridge.clone(), modify, then);
        true
    }

    /// The bridge answered an ICE restart (spec/40 §5.5).
    pub(in crate::focus) fn ice_restarted(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        about: EndpointKey,
        answered: &Answer,
    ) {
        let Answer::Result(Some(payload)) = answered else {
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
        match answer::ice_restart(&member.nick, endpoint.last_generation, payload) {
            IceRestart::Relay { generation, transport } => {
                endpoint.last_generation = Some(generation);
                cx.metrics.ice_restarts_relayed += 1;
                self.relay_transport(cx, id, transport);
            }
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
        if self.bridge.as_ref().is_none_or(|session| session.key != key) {
            return;
        }
        match answer::update(answered.as_colibri()) {
            UpdateOutcome::Done => {}
            UpdateOutcome::UnknownEndpoint(unknown) => {
                let Some(id) = self.members.id_of(unknown.as_str()) else { return };
                // What was asked about an endpoint of the past says nothing of the one that has its name now.
                if endpoint.is_some() && self.endpoint_key(id) != endpoint {
                    return;
                }
                say!(self, warn, participant = unknown; "the bridge does not know {unknown} any more: invited anew");
                self.story.decided(cx.now, "the bridge does not know an endpoint: invited anew");
                cx.metrics.participants_moved += 1;
                self.forget_endpoint(cx, id);
                self.reinvite(cx, id);
            }
            UpdateOutcome::EndpointRefused => {
                let about = self.about(endpoint);
                say!(self, error, "the bridge refused an update{about}{}", answered.detail());
            }
            UpdateOutcome::SessionFailed => {
                let about = self.about(endpoint);
                say!(self, warn, "the bridge refused an update{about}{}: moving", answered.detail());
                self.story.decided(cx.now, "the bridge refused an update: off it");
                cx.metrics.bridges_removed += 1;
                self.leave_bridge(cx, LeaveBridge::AfterSetback);
            }
        }
    }

    /// A participant's endpoint goes: expired on the bridge, with the whole conference if it was the last.
    pub(super) fn release_endpoint(&mut self, cx: &mut Context, id: MemberId) {
        let Some(nick) = self.members.get(id).map(|member| member.nick.clone()) else { return };
        let Some(last) = self.session_of(id).map(|session| session.endpoints == 1) else { return };
        if last {
            self.close_bridge(cx);
            return;
        }
        let endpoint = self.endpoint_key(id);
        self.forget_endpoint(cx, id);
        let Some((bridge, key)) = self.bridge.as_ref().map(|session| (session.bridge.clone(), session.key)) else {
            return;
        };
        let modify = request::expire_endpoints(&self.meeting, [&nick]);
        self.ask_bridge(cx, &bridge, modify, Then::Updated(self.id, key, endpoint));
    }

    /// The bridge has nothing of this participant any more.
    fn forget_endpoint(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get_mut(id) else { return };
        let Some(endpoint) = member.endpoint.take() else { return };
        if let Some(session) = self.bridge.as_mut().filter(|session| session.key == endpoint.session) {
            session.endpoints -= 1;
            cx.bridges.endpoints_released(&session.bridge, 1);
            if session.endpoints == 0 {
                self.close_bridge(cx);
            }
            self.weigh(cx);
        }
    }

    /// The conference on the bridge is over: expired there, and forgotten here.
    pub(super) fn close_bridge(&mut self, cx: &mut Context) -> Vec<MemberId> {
        let Some(bridge) = self.bridge.as_ref().map(|session| session.bridge.clone()) else { return Vec::new() };
        // First: if anything fails after this, the bridge has let go all the same.
        let modify = request::expire_conference(&self.meeting);
        self.ask_bridge(cx, &bridge, modify, Then::Expired(self.id, bridge.clone()));
        let Some(mut session) = self.bridge.take() else { return Vec::new() };
        let mut on_it = Vec::new();
        for member in self.members.iter_mut() {
            if member.endpoint.take().is_some() {
                on_it.push(member.id);
            }
        }
        cx.bridges.endpoints_released(&session.bridge, session.endpoints);
        cx.bridges.weighs(cx.now, &session.bridge, &mut session.stay, Load::default());
        self.unregister(cx, &session.bridge);
        self.setbacks.expiring.insert(bridge);
        self.publish_bridge_count(cx);
        on_it
    }

    /// The connection to the bridge is gone: nothing can be said to it. It will let go of the conference by itself.
    pub(super) fn drop_bridge(&mut self, cx: &mut Context) {
        let Some(mut session) = self.bridge.take() else { return };
        cx.bridges.endpoints_released(&session.bridge, session.endpoints);
        cx.bridges.weighs(cx.now, &session.bridge, &mut session.stay, Load::default());
        self.unregister(cx, &session.bridge);
    }

    fn unregister(&self, cx: &mut Context, bridge: &BridgeId) {
        if let Some(users) = cx.bridge_users.get_mut(bridge) {
            users.remove(&self.id);
            if users.is_empty() {
                cx.bridge_users.remove(bridge);
            }
        }
    }

    pub(super) fn cancel_retry(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.setbacks.retry.take());
    }

    /// The conference leaves its bridge, and everybody on it is invited anew (spec/50 §8).
    pub(in crate::focus) fn leave_bridge(&mut self, cx: &mut Context, why: LeaveBridge) {
        let what = match why {
            LeaveBridge::AfterSetback => "leaves the bridge, which failed: all on it are invited anew",
            LeaveBridge::BridgeGone => "leaves the bridge, which is gone or going: all on it are invited anew",
        };
        self.story.decided(cx.now, what);
        let on_it = self.close_bridge(cx);
        if why == LeaveBridge::AfterSetback {
            self.count_setback(cx.now);
            // The first time another bridge, or the same one, may do at once; after that each try waits longer.
            if self.setbacks.count > 1 {
                self.retry_later(cx);
            }
        }
        for id in on_it {
            cx.metrics.participants_moved += 1;
            self.reinvite(cx, id);
        }
    }

    /// A bridge let go of this conference, or said nothing: it can be created there again.
    pub(in crate::focus) fn expired(&mut self, cx: &mut Context, bridge: &BridgeId) {
        let waited = self.setbacks.expiring.remove(bridge);
        if waited && self.has_waiting() && self.setbacks.retry.is_none() {
            let then = cx.now + AFTER_EXPIRE;
            self.setbacks.retry = Some(cx.timers.set(then, Timer::SeekBridge(self.id)));
        }
    }

    fn count_setback(&mut self, now: Timestamp) {
        if now.since(self.setbacks.last) >= CALM {
            self.setbacks.count = 0;
        }
        self.setbacks.count += 1;
        self.setbacks.last = now;
    }

    /// Tries again to place everybody who waits for a bridge.
    pub(in crate::focus) fn seek_bridge(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.setbacks.retry.take());
        let waiting: Vec<MemberId> =
            self.members.iter().filter(|member| is_waiting(&member.invite)).map(|member| member.id).collect();
        for id in waiting {
            self.place(cx, id);
        }
    }

    /// There is a bridge again, found for one: the others who waited for one seek it, too.
    fn call_who_waits(&mut self, cx: &mut Context, found_for: MemberId) {
        let waits = self.members.iter().any(|member| member.id != found_for && is_waiting(&member.invite));
        if waits && self.setbacks.retry.is_none() {
            self.setbacks.retry = Some(cx.timers.set(cx.now, Timer::SeekBridge(self.id)));
        }
    }

    fn has_waiting(&self) -> bool {
        self.members.iter().any(|member| is_waiting(&member.invite))
    }

    fn retry_later(&mut self, cx: &mut Context) {
        if self.setbacks.retry.is_some() {
            return;
        }
        let doublings = self.setbacks.count.saturating_sub(2).min(5);
        let wait = (FIRST_RETRY * (1 << doublings)).min(LAST_RETRY);
        self.setbacks.retry = Some(cx.timers.set(cx.now + wait, Timer::SeekBridge(self.id)));
    }

    /// The bridge for the next endpoint: the one that the conference is on, or the best there is. What is found is published:
    /// clients are told when there is none at all (spec/50 §6.5).
    fn select_bridge(&mut self, cx: &mut Context, id: MemberId) -> Option<BridgeId> {
        let region = self.members.get(id).and_then(|member| member.region.as_deref());
        let conference: Vec<ConferenceBridge> = self
            .bridge
            .iter()
            .map(|session| ConferenceBridge {
                id: session.bridge.clone(),
                endpoints: session.endpoints,
                visitor: false,
                recent: 0,
            })
            .collect();
        let wanted = Wanted { conference: &conference, region, visitor: false, pinned_version: None };
        let selected = cx.bridges.select(cx.now, &cx.config, wanted);
        match (selected, &self.bridge) {
            (Ok(selected), None) => {
                say!(self, debug, "{} for a new conference: {}", selected.bridge.jid, selected.reason);
                cx.stranded.remove(&self.id);
                self.story.decided(cx.now, "on a bridge, the best there is");
                self.set_bridge_not_available(cx, false);
                Some(selected.bridge)
            }
            (Ok(selected), Some(session)) if selected.bridge == session.bridge => {
                self.set_bridge_not_available(cx, false);
                Some(selected.bridge)
            }
            // Our bridge takes nobody now. It may again, or the conference will leave it: try again before long.
            (_, Some(session)) => {
                say!(self, warn, "{} takes no new endpoints now: waiting", session.bridge.jid);
                self.story.decided(cx.now, "the bridge takes nobody now: waits");
                self.retry_later(cx);
                None
            }
            (Err(none), None) => {
                cx.stranded.insert(self.id);
                // Once, not for each of hundreds who wait.
                if self.set_bridge_not_available(cx, true) {
                    say!(self, warn, "{none}");
                    self.story.decided(cx.now, "there is no bridge: waits for one");
                }
                None
            }
        }
    }

    fn open_session(&mut self, cx: &mut Context, bridge: BridgeId) {
        let region = cx.bridges.get(&bridge).and_then(|known| known.region.clone());
        cx.bridge_users.entry(bridge.clone()).or_default().insert(self.id);
        self.bridge = Some(BridgeSession {
            key: SessionKey(cx.unique()),
            bridge,
            id: cx.ids.bridge_session(),
            region,
            feedback: SourceSet::default(),
            endpoints: 0,
            stay: Stay::new(cx.now),
        });
    }

    /// The session on which a participant's endpoint is.
    pub(super) fn session_of(&self, id: MemberId) -> Option<&BridgeSession> {
        let endpoint = self.members.get(id)?.endpoint.as_ref()?;
        self.bridge.as_ref().filter(|session| session.key == endpoint.session)
    }

    fn endpoint_key(&self, id: MemberId) -> Option<EndpointKey> {
        let endpoint = self.members.get(id)?.endpoint.as_ref()?;
        Some(EndpointKey { member: id, attempt: endpoint.attempt })
    }

    /// For a line of the log.
    fn about(&self, endpoint: Option<EndpointKey>) -> String {
        let member = endpoint.and_then(|endpoint| self.members.get(endpoint.member));
        member.map(|member| format!(" about {}", member.nick)).unwrap_or_default()
    }

    fn ask_bridge(&self, cx: &mut Context, bridge: &BridgeId, modify: ConferenceModify, then: Then) {
        let on = cx.bridge_connection();
        // A bridge takes `get` and `set` alike; `get` is what deployments are known to route (spec/40 §1 item 4).
        cx.request(on, bridge.jid.clone(), IqBody::Get(Payload::ConferenceModify(modify)), then);
    }
}

/// Why a conference leaves its bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaveBridge {
    /// A request failed; so may the next.
    AfterSetback,
    /// The bridge is gone or going; another will do.
    BridgeGone,
}

fn is_waiting(invite: &Invite) -> bool {
    invite.participation().is_some_and(|it| it.task == Task::AwaitingBridge)
}
