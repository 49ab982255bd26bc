//! Choosing a bridge for a participant, asking it for an endpoint, and what its answer means (spec/40 §5.1, §8.1).

use std::time::Duration;

use super::super::invite::{Invite, Task};
use super::super::{AttemptId, Conference, MemberId};
use super::leaving::LeaveBridge;
use super::{BridgeSession, EndpointState};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::bridges::select::{ConferenceBridge, Wanted};
use crate::focus::colibri::answer::{self, AllocationFailure};
use crate::focus::colibri::request::{self, NewConference, NewEndpoint};
use crate::focus::conference::features::Features;
use crate::focus::conference::view::View;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};

/// How many bridges the log tells of when one is chosen.
const EXPLAINED: usize = 5;

/// How an allocation began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    Asked,
    NoBridge,
}

impl Conference {
    /// Selects a bridge and asks it for an endpoint. Nothing is awaited: requests to one bridge are carried out in order.
    pub(in crate::focus::conference) fn allocate(
        &mut self,
        cx: &mut Context,
        id: MemberId,
        attempt: AttemptId,
    ) -> Placement {
        if self.setbacks.retry.is_some() {
            return Placement::NoBridge;
        }
        let Some(bridge) = self.select_bridge(cx, id) else { return Placement::NoBridge };
        let known = self.bridges.on(&bridge).map(|session| session.key);
        // Until the bridge has let go of this conference, or can be reached at all. Whoever ends the wait looks here.
        let held = known.is_none() && self.setbacks.expiring.contains(&bridge);
        if held || !cx.is_connected(cx.bridge_connection()) {
            cx.stranded.insert(self.id);
            return Placement::NoBridge;
        }
        let key = known.unwrap_or_else(|| self.open_session(cx, bridge.clone()));
        let creates = known.is_none();
        let Some(session) = self.bridges.get_mut(key) else { return Placement::NoBridge };
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
        let force_mute = self.moderation.force_mute_at_start(member);
        let endpoint = NewEndpoint {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            codecs: &codecs,
            visitor: false,
            diarize: member.diarize,
            ssrc_rewriting: view.rewriting,
            rtp_mid_demux: mid_demux,
            private_addresses: private,
            force_mute,
            sources: &self.sources.of(&member.nick),
        };
        let modify = request::allocate(&self.meeting, conference.as_ref(), endpoint);
        session.endpoints.insert(attempt, id);
        session.recent.add(cx.now, cx.config.bridge.max_bridge_participants_interval);
        member.endpoint = Some(EndpointState { session: key, attempt, last_generation: None, force_mute });
        cx.bridges.endpoint_allocated(cx.now, &bridge, &cx.config.bridge);
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
        let endpoint = member.endpoint.as_ref().filter(|endpoint| current && endpoint.attempt == attempt);
        let Some(session) = endpoint.and_then(|endpoint| self.bridges.get_mut(endpoint.session)) else { return };
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
        let Some(session) = self.session_of(id) else { return };
        let (key, bridge) = (session.key, session.bridge.clone());
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
            self.leave_session(cx, key, if unheard { LeaveBridge::BridgeGone } else { LeaveBridge::AfterSetback });
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

    /// The bridge for the next endpoint: the one that the conference is on, or the best there is. What is found is published:
    /// clients are told when there is none at all (spec/50 §6.5).
    fn select_bridge(&mut self, cx: &mut Context, id: MemberId) -> Option<BridgeId> {
        let region = self.members.get(id).and_then(|member| member.region.as_deref());
        let window = cx.config.bridge.max_bridge_participants_interval;
        let conference: Vec<ConferenceBridge> =
            self.bridges.iter().map(|session| conference_bridge(cx, session, window)).collect();
        let wanted = Wanted { conference: &conference, region, visitor: false, pinned_version: None };
        let selected = cx.bridges.select(cx.now, &cx.config, wanted);
        cx.metrics.bridge_selections_rate_limited += u64::from(wanted.is_rate_limited(&cx.config));
        let on = self.bridges.iter().next().map(|session| session.bridge.jid.clone());
        // Longer than a line only if somebody reads it, and for what is not decided by the session that there is.
        let explain = on.is_none() && log::log_enabled!(log::Level::Debug);
        let why = explain.then(|| cx.bridges.explain(cx.now, &cx.config, wanted).brief(EXPLAINED).to_string());
        match (selected, on) {
            (Ok(selected), None) => {
                say!(self, debug, "{}", why.unwrap_or_default());
                cx.stranded.remove(&self.id);
                self.story.chose(cx.now, &selected.bridge.jid, selected.reason);
                self.set_bridge_not_available(cx, false);
                Some(selected.bridge)
            }
            (Ok(selected), Some(_)) if self.bridges.on(&selected.bridge).is_some() => {
                self.set_bridge_not_available(cx, false);
                Some(selected.bridge)
            }
            // Our bridge takes nobody now. It may again, or the conference will leave it: try again before long.
            (_, Some(jid)) => {
                say!(self, warn, "{jid} takes no new endpoints now: waiting");
                self.story.decided(cx.now, "the bridge takes nobody now: waits");
                self.retry_later(cx);
                None
            }
            (Err(none), None) => {
                cx.stranded.insert(self.id);
                // Once, not for each of hundreds who wait.
                if self.set_bridge_not_available(cx, true) {
                    // The first words are those that people look for (spec/80 §8).
                    match cx.bridges.iter().any(|bridge| bridge.operational(cx.now, &cx.config.bridge)) {
                        true => say!(self, warn, "{none}"),
                        false => say!(self, warn, "There are no operational bridges. {none}"),
                    }
                    say!(self, debug, "{}", why.unwrap_or_default());
                    self.story.decided(cx.now, "there is no bridge: waits for one");
                }
                None
            }
        }
    }
}

/// A session as selection wants to know it.
fn conference_bridge(cx: &Context, session: &BridgeSession, window: Duration) -> ConferenceBridge {
    let recent = session.recent.count(cx.now, window);
    ConferenceBridge { id: session.bridge.clone(), endpoints: session.count(), visitor: false, recent }
}
