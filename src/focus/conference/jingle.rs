//! Incoming Jingle: is it this session's, is it allowed, what does it change (spec/30 §9, §11, §12).

use super::invite::{Invite, Task};
use super::member::{Member, Role};
use super::{Conference, MemberId};
use crate::focus::context::{Asked, Context};
use crate::focus::floods::Kind;
use crate::focus::sources::set::Candidate;
use crate::focus::sources::validate::{Limits, Rejection};
use crate::wire::ice::IceTransport;
use crate::wire::jingle::{BridgeSession, Content, Jingle};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::{Action, Condition, MediaType};

/// A refusal, or nothing to say but yes.
type Outcome<T = ()> = Result<T, Rejection>;

/// Whether a request that was carried out is still to be answered. Where the order matters, it was on the way.
enum Reply {
    Due,
    Given,
}

fn refuse<T>(condition: Condition, text: impl Into<String>) -> Outcome<T> {
    Err(Rejection { condition, text: text.into() })
}

impl Conference {
    /// A Jingle request of a member, answered here.
    pub(in crate::focus) fn jingle(&mut self, cx: &mut Context, asked: Asked, id: MemberId, jingle: Jingle) {
        let outcome = self.check(id, &jingle).and_then(|action| self.act(cx, &asked, id, action, &jingle));
        match outcome {
            Ok(Reply::Given) => {}
            Ok(Reply::Due) => cx.answer(asked, IqBody::Result(None)),
            Err(rejection) => cx.answer(asked, IqBody::Error(rejection.into_error())),
        }
    }

    fn act(
        &mut self,
        cx: &mut Context,
        asked: &Asked,
        id: MemberId,
        action: Action,
        jingle: &Jingle,
    ) -> Result<Reply, Rejection> {
        let due = |()| Reply::Due;
        let given = |()| Reply::Given;
        match action {
            Action::SessionAccept => self.session_accept(cx, asked, id, jingle).map(given),
            Action::TransportAccept => self.transport_accept(cx, id, jingle).map(due),
            Action::SourceAdd | Action::AddSource => self.source_add(cx, id, jingle).map(due),
            Action::SourceRemove | Action::RemoveSource => self.source_remove(cx, id, jingle).map(due),
            Action::TransportInfo => self.transport_info(cx, id, jingle).map(due),
            Action::TransportReject => {
                if let Some(member) = self.members.get(id) {
                    say!(self, info, participant = member.nick; "{} rejects the transport", member.nick);
                }
                self.replace_answered(id);
                Ok(Reply::Due)
            }
            Action::SessionInfo => self.session_info(cx, asked, id, jingle).map(given),
            Action::SessionTerminate => self.session_terminate(cx, asked, id, jingle).map(given),
            _ => refuse(Condition::FeatureNotImplemented, "Unsupported 'action'").map(due),
        }
    }

    /// Whether this is a request of the session that the member has.
    fn check(&self, id: MemberId, jingle: &Jingle) -> Result<Action, Rejection> {
        let bad = |text: &str| Rejection { condition: Condition::BadRequest, text: text.to_owned() };
        let Some(member) = self.members.get(id) else { return Err(bad("")) };
        let Some(sid) = &jingle.sid else { return Err(bad("Missing 'sid'")) };
        let is_own = member.has_session(sid);
        if !is_own && self.sessions.contains_key(sid) {
            // Somebody else's: whoever learns of a sid does not act for its owner.
            return Err(Rejection { condition: Condition::ItemNotFound, text: "not your session".into() });
        }
        if !is_own && member.ended.as_ref() != Some(sid) {
            return Err(bad(""));
        }
        let action = jingle.action.as_deref().and_then(|action| action.parse::<Action>().ok());
        let action = action.ok_or_else(|| bad("Missing 'action'"))?;
        if !is_own {
            return Err(Rejection { condition: Condition::Gone, text: "session ended".into() });
        }
        Ok(action)
    }

    fn session_accept(&mut self, cx: &mut Context, asked: &Asked, id: MemberId, jingle: &Jingle) -> Outcome {
        if let Some(session) = self.participation(id).and_then(|it| it.session.as_mut()) {
            session.active = true;
        }
        if let Err(rejection) = self.accept(cx, id, jingle, true) {
            // The client has its error, and takes it for the end (spec/30 §9.4): nothing of it may stay behind.
            if let Some(member) = self.members.get_mut(id) {
                member.ended = jingle.sid.clone();
            }
            self.drop_participant(cx, id, Invite::Failed);
            return Err(rejection);
        }
        self.flush(cx, id);
        cx.answer(asked.clone(), IqBody::Result(None));
        Ok(())
    }

    /// A client may have been told to replace its transport once more since what it answers: then what it says of a transport is
    /// about an endpoint that has gone (spec/30 §9.4).
    fn transport_accept(&mut self, cx: &mut Context, id: MemberId, jingle: &Jingle) -> Outcome {
        let to_this = self.replace_answered(id);
        self.accept(cx, id, jingle, to_this)?;
        if let Some(participation) = self.participation(id)
            && let Task::Replacing(attempt) = participation.task
            && to_this
        {
            participation.task = Task::Replaced(attempt);
        }
        self.flush(cx, id);
        Ok(())
    }

    /// Whether a bridge has been asked for an endpoint that a participant has yet to be told of: whatever it says of its
    /// transport is about the one before (spec/30 §9.4).
    fn awaits_transport(&mut self, id: MemberId) -> bool {
        self.participation(id).is_some_and(|it| matches!(it.task, Task::Allocating(_)))
    }

    /// Whether it was the last `transport-replace` that a participant answered.
    fn replace_answered(&mut self, id: MemberId) -> bool {
        let session = self.participation(id).and_then(|it| it.session.as_mut());
        session.is_none_or(|session| session.replaces.answered())
    }

    /// What `session-accept` and `transport-accept` have in common: transport and sources go to the bridge, sources to all.
    /// `to_this`: whether it is about the transport that the participant was told of last; otherwise only the sources matter.
    fn accept(&mut self, cx: &mut Context, id: MemberId, jingle: &Jingle, to_this: bool) -> Outcome {
        let to_this = to_this && !self.awaits_transport(id);
        let transport = first_transport(&jingle.contents)?.filter(|_| to_this);
        let candidate = Candidate::from_contents(&jingle.contents)?;
        if self.role(id) == Some(Role::Visitor) && !candidate.is_empty() {
            return refuse(Condition::Forbidden, "sources not allowed for visitors");
        }
        let news = match self.members.get(id) {
            Some(member) => self.sources.news(&member.nick, candidate),
            None => return Ok(()),
        };
        let changed = self.add_sources(cx, id, &news)?;
        self.release_sources(id);
        let last_n = initial_last_n(&jingle.contents).filter(|_| to_this);
        // Before the bridge knows of any that it is to let nothing of through.
        self.enforce_videos(cx, id);
        self.update_endpoint(cx, id, transport, true, last_n);
        if to_this {
            self.has_settled(cx, id, last_n);
        }
        if let Some((owner, changed)) = changed {
            self.tell_others(cx, &owner, &changed);
        }
        Ok(())
    }

    fn source_add(&mut self, cx: &mut Context, id: MemberId, jingle: &Jingle) -> Outcome {
        if self.role(id) == Some(Role::Visitor) {
            return refuse(Condition::Forbidden, "add-source not allowed for visitors");
        }
        let candidate = Candidate::from_contents(&jingle.contents)?;
        self.check_sender_limits(cx, &candidate)?;
        if let Some((owner, changed)) = self.add_sources(cx, id, &candidate)? {
            if candidate.has(MediaType::Video) {
                self.enforce_videos(cx, id);
            }
            self.update_endpoint(cx, id, None, true, None);
            self.tell_others(cx, &owner, &changed);
        }
        Ok(())
    }

    fn source_remove(&mut self, cx: &mut Context, id: MemberId, jingle: &Jingle) -> Outcome {
        let candidate = Candidate::from_contents(&jingle.contents)?;
        let Some(owner) = self.members.get(id).map(|member| member.nick.clone()) else { return Ok(()) };
        if let Some(changed) = self.sources.try_remove(&owner, &candidate)? {
            if candidate.has(MediaType::Video) {
                self.enforce_videos(cx, id);
            }
            self.update_endpoint(cx, id, None, true, None);
            self.tell_others(cx, &owner, &changed);
        }
        Ok(())
    }

    fn transport_info(&mut self, cx: &mut Context, id: MemberId, jingle: &Jingle) -> Outcome {
        let transport = first_transport(&jingle.contents)?;
        if transport.is_none() {
            return refuse(Condition::BadRequest, "missing transport");
        }
        if self.awaits_transport(id) {
            return Ok(());
        }
        self.update_endpoint(cx, id, transport, false, None);
        Ok(())
    }

    fn session_info(&mut self, cx: &mut Context, asked: &Asked, id: MemberId, jingle: &Jingle) -> Outcome {
        if jingle.bridge_session.as_ref().is_some_and(|session| session.ice_restart) {
            return self.ice_restart(cx, asked, id, jingle.bridge_session.as_ref());
        }
        let failed = jingle.ice_state.as_ref().is_some_and(|state| state.state.trim().eq_ignore_ascii_case("failed"));
        if failed {
            cx.metrics.participants_ice_failed += 1;
        }
        let named = jingle.bridge_session.as_ref().and_then(|session| session.id.as_deref());
        let again = failed && self.bridge_session_id(id) == named;
        if again && !self.may_have_a_place(cx, id) {
            return refuse(Condition::ResourceConstraint, "rate-limited");
        }
        // Old clients wait for the answer before they take the next offer, and it may leave before it.
        cx.answer(asked.clone(), IqBody::Result(None));
        if again {
            self.count_against_bridge(cx, id);
            if self.goes_with_all(cx, id) {
                self.leave_all(cx);
            } else {
                self.release_endpoint(cx, id);
                self.reinvite(cx, id);
            }
        }
        Ok(())
    }

    /// A participant can't reach its bridge, it says. Before its endpoint is off it (spec/50 §4.4). Of each it counts now and
    /// then: otherwise one who says so again and again would have all others avoid the bridge.
    fn count_against_bridge(&self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get(id) else { return };
        let Some(bridge) = self.session_of(id).map(|session| session.bridge.clone()) else { return };
        let payer = cx.payer_of(member);
        if cx.floods.admit(cx.now, &payer, Kind::Complaint, None) {
            cx.restart_requested(&bridge);
        }
    }

    /// An ICE restart in place (spec/30 §12.2).
    fn ice_restart(&mut self, cx: &mut Context, asked: &Asked, id: MemberId, wish: Option<&BridgeSession>) -> Outcome {
        cx.metrics.ice_restarts_requested += 1;
        let outcome = self.may_restart_ice(cx, id, wish);
        if outcome.is_err() {
            cx.metrics.ice_restarts_failed += 1;
            return outcome;
        }
        if !self.restart_ice(cx, id) {
            cx.metrics.ice_restarts_failed += 1;
        }
        cx.answer(asked.clone(), IqBody::Result(None));
        Ok(())
    }

    fn may_restart_ice(&mut self, cx: &mut Context, id: MemberId, wish: Option<&BridgeSession>) -> Outcome {
        let config = &cx.config.conference;
        if !config.enable_ice_restart {
            return refuse(Condition::FeatureNotImplemented, "in-place ICE restart is disabled");
        }
        let Some(member) = self.members.get_mut(id) else { return Ok(()) };
        if !member.ice_restarts.take(cx.now, &config.restart_request_rate_limits) {
            return refuse(Condition::ResourceConstraint, "rate-limited");
        }
        let named = wish.and_then(|wish| wish.id.as_deref());
        if named.is_none() || self.known_bridge_session(id) != named {
            return Err(not_current(named));
        }
        Ok(())
    }

    /// The bridge has a new ICE agent: the client is told where (spec/30 §12.2).
    pub(super) fn relay_transport(&mut self, cx: &mut Context, id: MemberId, transport: IceTransport) {
        let Some(member) = self.members.get(id) else { return };
        let Some(session) = member.invite.session() else { return };
        let content = Content {
            creator: Some("initiator".into()),
            name: Some("audio".into()),
            transport: Some(super::offer::relayed(&transport)),
            ..Content::default()
        };
        let jingle = Jingle {
            action: Some(Action::TransportInfo.as_str().into()),
            sid: Some(session.sid.clone()),
            contents: vec![content],
            ..Jingle::default()
        };
        cx.notify(member.on, member.occupant.clone(), IqBody::Set(Payload::Jingle(jingle)));
    }

    /// A participant ends its session, perhaps for a new one (spec/30 §12.3).
    fn session_terminate(&mut self, cx: &mut Context, asked: &Asked, id: MemberId, jingle: &Jingle) -> Outcome {
        let wish = jingle.bridge_session.as_ref();
        let restart = wish.is_some_and(|wish| wish.restart);
        let limits = &cx.config.conference.restart_request_rate_limits;
        let Some(member) = self.members.get_mut(id) else { return Ok(()) };
        let may = !restart || member.restarts.take(cx.now, limits);
        if restart {
            cx.metrics.participants_restart_requested += 1;
        }
        let named = wish.and_then(|wish| wish.id.clone());
        let current = self.known_bridge_session(id).map(str::to_owned);
        if let Some(member) = self.members.get_mut(id) {
            member.ended = jingle.sid.clone();
        }
        if named != current {
            // Its session is over whatever it named; whoever wanted a new one gets it all the same.
            cx.answer(asked.clone(), IqBody::Error(not_current(named.as_deref()).into_error()));
            self.end_session(cx, id, restart && may);
            return Ok(());
        }
        if !may {
            self.end_session(cx, id, false);
            return refuse(Condition::ResourceConstraint, "rate-limited");
        }
        if restart {
            // On the wire: expire, answer, create (traces/ice-and-restart.jsonl).
            self.count_against_bridge(cx, id);
            self.withdraw_sources(cx, id);
            self.close_session(id);
            if self.goes_with_all(cx, id) {
                cx.answer(asked.clone(), IqBody::Result(None));
                self.leave_all(cx);
                return Ok(());
            }
            self.release_endpoint(cx, id);
            cx.answer(asked.clone(), IqBody::Result(None));
            self.reinvite(cx, id);
        } else {
            self.end_session(cx, id, false);
            cx.answer(asked.clone(), IqBody::Result(None));
        }
        Ok(())
    }

    /// The session is over by the participant's own word: nothing is said back.
    fn end_session(&mut self, cx: &mut Context, id: MemberId, again: bool) {
        if again {
            self.withdraw_sources(cx, id);
            self.close_session(id);
            self.release_endpoint(cx, id);
            self.reinvite(cx, id);
        } else {
            self.drop_participant(cx, id, Invite::Failed);
        }
    }

    /// Adds sources and tells who owns them, if there was anything new.
    fn add_sources(&mut self, cx: &Context, id: MemberId, candidate: &Candidate) -> Result<Option<Added>, Rejection> {
        let Some(owner) = self.members.get(id).map(|member| member.nick.clone()) else { return Ok(None) };
        self.check_names(id, candidate)?;
        let config = &cx.config.conference;
        let limits = Limits { ssrcs: config.max_ssrcs_per_user, groups: config.max_ssrc_groups_per_user };
        let changed = self.sources.try_add(&owner, candidate, limits)?;
        Ok(changed.map(|changed| (owner, changed)))
    }

    /// A participant has said what it sends: of what it sent before its session was replaced, the rest is anybody's.
    fn release_sources(&mut self, id: MemberId) {
        if let Some(member) = self.members.get(id) {
            self.sources.release(&member.nick);
        }
    }

    /// No more senders than configured (spec/30 §9.5).
    fn check_sender_limits(&self, cx: &Context, candidate: &Candidate) -> Outcome {
        let config = &cx.config.conference;
        let audio = candidate.has(MediaType::Audio) && self.members.audio_senders() >= config.max_audio_senders;
        let video = candidate.has(MediaType::Video) && self.members.video_senders() >= config.max_video_senders;
        if !audio && !video {
            return Ok(());
        }
        let media = format!("{}{}", if audio { "audio " } else { "" }, if video { "video" } else { "" });
        refuse(Condition::ResourceConstraint, format!("Sender count exceeded for: {media}"))
    }

    /// The id of the session on the bridge on which a participant is.
    fn bridge_session_id(&self, id: MemberId) -> Option<&str> {
        self.session_of(id).map(|session| session.id.as_str())
    }

    /// The same, or what it was told last while it waits to be on another: it can name nothing else.
    fn known_bridge_session(&self, id: MemberId) -> Option<&str> {
        let told = || self.members.get(id)?.invite.session().map(|session| session.told.as_str());
        self.bridge_session_id(id).or_else(told)
    }

    fn role(&self, id: MemberId) -> Option<Role> {
        self.members.get(id).map(|member: &Member| member.role)
    }
}

type Added = (crate::wire::values::EndpointId, crate::focus::sources::validate::Changed);

fn not_current(named: Option<&str>) -> Rejection {
    let text = format!("{} is not a currently active session", named.unwrap_or("null"));
    Rejection { condition: Condition::ItemNotFound, text }
}

/// The first ICE transport, whatever its content is called: names repeat and mean nothing (spec/30 §11).
fn first_transport(contents: &[Content]) -> Outcome<Option<&IceTransport>> {
    let transport = contents.iter().find_map(|content| content.transport.as_ref());
    match transport.is_none_or(IceTransport::has_sound_credentials) {
        true => Ok(transport),
        false => refuse(Condition::BadRequest, "ICE credentials that are too long"),
    }
}

fn initial_last_n(contents: &[Content]) -> Option<i32> {
    let video = contents.iter().find(|content| content.name.as_deref() == Some("video"))?;
    video.initial_last_n.as_ref()?.value.as_ref()?.trim().parse().ok()
}
