//! What a bridge was told and did not confirm is told again, as it is by then: whatever was lost on the way, the bridge ends
//! with the right state. What the reference ignores (spec/40 §8.2, row "timeout") leaves a participant without media, or an
//! endpoint for nobody, for good.

use std::time::Duration;

use super::super::{Conference, EndpointKey, SessionKey};
use super::relays::Linked;
use crate::focus::colibri::request::{self, Update};
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::ice::IceTransport;
use crate::wire::values::EndpointId;

/// How long after a request was given up it is repeated. Each waits for its answer first, so a silent bridge is not flooded.
const PAUSE: Duration = Duration::from_secs(1);

/// So many updates of one endpoint are kept to be repeated.
const MAX_OF_ENDPOINT: usize = 16;

/// What an update of an endpoint was about. Sources are told as they are when it is repeated, not as they were; a number of
/// videos only if no later update had another, and a transport only if no later one had other credentials: of the same it may
/// have candidates that no other has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Which update of this endpoint it was.
    pub number: u64,
    pub transport: Option<IceTransport>,
    pub sources: bool,
    pub initial_last_n: Option<i32>,
}

/// What is to be told again.
#[derive(Debug, PartialEq)]
enum Lost {
    Update(EndpointKey, Box<Told>),
    ForceMute(EndpointKey),
    /// The endpoint of whoever was called so.
    Expiry(EndpointId),
    Link(Box<Linked>),
}

#[derive(Debug, Default)]
pub(crate) struct Repeats {
    due: Option<TimerKey>,
    lost: Vec<(SessionKey, Lost)>,
}

impl Repeats {
    /// Whoever trickles on while its bridge says nothing has its oldest words forgotten, but for what they said of sources.
    fn make_room(&mut self, endpoint: EndpointKey, told: &mut Told) {
        let is_of = |lost: &Lost| matches!(lost, Lost::Update(of, _) if *of == endpoint);
        if self.lost.iter().filter(|(_, lost)| is_of(lost)).count() < MAX_OF_ENDPOINT {
            return;
        }
        if let Some(index) = self.lost.iter().position(|(_, lost)| is_of(lost))
            && let (_, Lost::Update(_, oldest)) = self.lost.remove(index)
        {
            told.sources |= oldest.sources;
        }
    }
}

impl Conference {
    /// The bridge answered an update of an endpoint, or did not.
    pub(in crate::focus) fn endpoint_updated(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        endpoint: EndpointKey,
        told: Box<Told>,
        answered: &Answer,
    ) {
        match answered {
            Answer::None => self.repeat_later(cx, key, Lost::Update(endpoint, told)),
            _ => self.updated(cx, key, Some(endpoint), answered),
        }
    }

    /// The bridge let go of an endpoint, or said nothing.
    pub(in crate::focus) fn endpoint_expired(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        (endpoint, nick): (Option<EndpointKey>, EndpointId),
        answered: &Answer,
    ) {
        match answered {
            Answer::None => self.repeat_later(cx, key, Lost::Expiry(nick)),
            _ => self.updated(cx, key, endpoint, answered),
        }
    }

    /// Nothing was said to a change of who is muted.
    pub(in crate::focus::conference) fn force_mute_lost(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        endpoints: &[EndpointKey],
    ) {
        for endpoint in endpoints {
            self.repeat_later(cx, key, Lost::ForceMute(*endpoint));
        }
    }

    /// Nothing was said to a change of a link.
    pub(super) fn repeat_link(&mut self, cx: &mut Context, key: SessionKey, linked: Box<Linked>) {
        self.repeat_later(cx, key, Lost::Link(linked));
    }

    fn repeat_later(&mut self, cx: &mut Context, key: SessionKey, mut lost: Lost) {
        if let Lost::Update(endpoint, told) = &mut lost {
            self.repeats.make_room(*endpoint, told);
        }
        let lost = (key, lost);
        if self.bridges.get(key).is_none() || self.repeats.lost.contains(&lost) {
            return;
        }
        self.repeats.lost.push(lost);
        self.set_repeat(cx);
    }

    fn set_repeat(&mut self, cx: &mut Context) {
        if self.repeats.due.is_none() {
            self.repeats.due = Some(cx.timers.set(cx.now + PAUSE, Timer::Repeat(self.id)));
        }
    }

    /// Tells bridges again what they have not confirmed, as far as it still holds; later, if none can be reached.
    pub(in crate::focus) fn repeat(&mut self, cx: &mut Context, reachable: bool) {
        self.repeats.due = None;
        if !reachable {
            return self.set_repeat(cx);
        }
        let lost = std::mem::take(&mut self.repeats.lost);
        if !lost.is_empty() {
            say!(self, warn, "a bridge did not answer {} requests: told again", lost.len());
            self.story.decided(cx.now, "the bridge did not answer: told again");
        }
        let mut sources_told = Vec::new();
        for (key, lost) in lost {
            let Some(bridge) = self.bridges.get(key).map(|session| session.bridge.clone()) else { continue };
            let one = |request: Option<Request>| request.into_iter().collect();
            let requests: Vec<Request> = match lost {
                Lost::Update(endpoint, told) => one(self.update_again(key, endpoint, told, &mut sources_told)),
                Lost::ForceMute(endpoint) => one(self.force_mute_again(key, endpoint)),
                Lost::Expiry(nick) => one(self.expire_again(key, nick)),
                Lost::Link(linked) => self.link_again(cx, key, linked),
            };
            for (modify, then) in requests {
                self.ask_bridge(cx, &bridge, modify, then);
            }
        }
    }

    fn update_again(
        &self,
        key: SessionKey,
        endpoint: EndpointKey,
        mut told: Box<Told>,
        sources_told: &mut Vec<EndpointKey>,
    ) -> Option<Request> {
        let member = self.members.get(endpoint.member).filter(|_| self.is_current(key, endpoint))?;
        let state = member.endpoint.as_ref()?;
        told.transport.take_if(|_| state.credentials > told.number);
        told.initial_last_n.take_if(|_| state.last_n > told.number);
        told.sources &= !sources_told.contains(&endpoint);
        if told.sources {
            sources_told.push(endpoint);
        }
        let set = told.sources.then(|| self.sources.of(&member.nick));
        let update = Update {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            transport: told.transport.as_ref(),
            sources: set.as_deref(),
            initial_last_n: told.initial_last_n,
        };
        let modify = request::update(&self.meeting, update)?;
        Some((modify, Then::EndpointUpdated(self.id, key, endpoint, told)))
    }

    fn force_mute_again(&self, key: SessionKey, endpoint: EndpointKey) -> Option<Request> {
        let member = self.members.get(endpoint.member).filter(|_| self.is_current(key, endpoint))?;
        let mutes = [(member.nick.clone(), member.endpoint.as_ref()?.force_mute())];
        Some((request::force_mute(&self.meeting, &mutes), Then::ForceMuted(self.id, key, vec![endpoint])))
    }

    /// Unless somebody of that name has an endpoint there by now.
    fn expire_again(&self, key: SessionKey, nick: EndpointId) -> Option<Request> {
        let id = self.members.id_of(nick.as_str());
        if id.and_then(|id| self.session_of(id)).is_some_and(|session| session.key == key) {
            return None;
        }
        let modify = request::expire_endpoints(&self.meeting, [&nick]);
        Some((modify, Then::EndpointExpired(self.id, key, None, nick)))
    }

    fn is_current(&self, key: SessionKey, endpoint: EndpointKey) -> bool {
        self.endpoint_key(endpoint.member) == Some(endpoint)
            && self.session_of(endpoint.member).is_some_and(|session| session.key == key)
    }

    pub(in crate::focus::conference) fn cancel_repeat(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.repeats.due.take());
    }
}

type Request = (crate::wire::colibri2::ConferenceModify, Then);
