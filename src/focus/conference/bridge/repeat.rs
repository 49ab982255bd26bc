//! What a bridge was told and did not confirm is told again, as it is by then: whatever was lost on the way, the bridge ends
//! with the right state. What the reference ignores (spec/40 §8.2, row "timeout") leaves a participant without media, or an
//! endpoint for nobody, for good.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::cascade::RelayKey;
use super::super::invite::Task;
use super::super::moderation::force_mutes_in_pieces;
use super::super::{Conference, EndpointKey, SessionKey};
use super::EndpointState;
use super::lost::Kept;
use super::relays::Linked;
use super::retry::Before;
use crate::focus::bridges::registry::BridgeId;
use crate::focus::colibri::answer::{self, UpdateOutcome};
use crate::focus::colibri::request::{self, Update};
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::time::Timestamp;
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::ice::{Fingerprint, IceTransport};
use crate::wire::values::EndpointId;

/// How long after a request was given up it is repeated. Each waits for its answer first, so a silent bridge is not flooded.
const PAUSE: Duration = Duration::from_secs(1);

/// So many updates of one endpoint are kept to be repeated.
const MAX_OF_ENDPOINT: usize = 16;

/// So many requests, of all conferences, are repeated within that time. Where a bridge or the way to it was silent for long there
/// is much to be told: it is not to come in one burst.
const MOST: u32 = 20;
const TICK: Duration = Duration::from_millis(20);

/// When a conference looks again that has come when others had had their say: of these there may be thousands.
const NEXT_TURN: Duration = Duration::from_millis(250);

/// How many requests were repeated of late, by all conferences.
#[derive(Debug, Default)]
pub(crate) struct RepeatPace {
    since: Timestamp,
    spent: u32,
}

impl RepeatPace {
    /// Whether anything may be told again now.
    pub(in crate::focus) fn may(&mut self, now: Timestamp) -> bool {
        if now.since(self.since) >= TICK {
            *self = RepeatPace { since: now, spent: 0 };
        }
        self.spent < MOST
    }
}

/// Counts what went out since there were so many stanzas, however many it took.
fn spend(cx: &mut Context, before: usize) {
    let went = cx.outputs().len().saturating_sub(before);
    cx.repeat_pace.spent = cx.repeat_pace.spent.saturating_add(u32::try_from(went).unwrap_or(u32::MAX));
}

/// What an update of an endpoint was about. Sources are told as they are when it is repeated, not as they were; a number of
/// videos only if no later update had another, and a transport only if no later one had other credentials: of the same it may
/// have candidates that no other has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// Which update of this endpoint it was.
    pub number: u64,
    pub transport: Option<IceTransport>,
    /// Of a transport whose credentials were replaced: the certificate is the same.
    fingerprints: Vec<Fingerprint>,
    pub sources: bool,
    pub initial_last_n: Option<i32>,
}

impl Told {
    pub fn new(number: u64, transport: Option<IceTransport>, sources: bool, initial_last_n: Option<i32>) -> Told {
        Told { number, transport, fingerprints: Vec::new(), sources, initial_last_n }
    }

    /// Without what a later update has replaced.
    fn without_replaced(mut self, state: &EndpointState) -> Told {
        if let Some(replaced) = self.transport.take_if(|_| state.credentials > self.number) {
            self.fingerprints = replaced.fingerprints;
        }
        self.initial_last_n.take_if(|_| state.last_n > self.number);
        self
    }

    /// Both in one; both hold.
    fn and(self, later: Told) -> Told {
        let mut transport = match (self.transport, later.transport) {
            (Some(before), Some(now)) => Some(now.with_candidates_of(before)),
            (before, now) => now.or(before),
        };
        let fingerprints = if later.fingerprints.is_empty() { self.fingerprints } else { later.fingerprints };
        if let Some(transport) = &mut transport {
            transport.take_fingerprints_of(fingerprints.clone());
        }
        Told {
            number: self.number.max(later.number),
            transport,
            fingerprints,
            sources: self.sources || later.sources,
            initial_last_n: later.initial_last_n.or(self.initial_last_n),
        }
    }
}

/// What is to be told again.
#[derive(Debug, PartialEq)]
pub(super) enum Lost {
    /// A participant waits for the endpoint.
    Allocation(EndpointKey),
    Update(EndpointKey, Box<Told>),
    /// Which one of this endpoint. A bridge gives the same new agent again until the client has answered (spec/40 §5.5).
    IceRestart(EndpointKey, u64),
    /// Who is muted, of all these.
    ForceMute(Vec<EndpointKey>),
    /// The endpoint of whoever was called so.
    Expiry(EndpointId),
    Link(Box<Linked>),
    /// An end of this link was to be made.
    NewLink(RelayKey),
}

impl Lost {
    /// In which order they are told, however they were lost: nobody is known to a bridge in two places, and nothing goes through
    /// that is to be muted.
    fn rank(&self, mutes: bool) -> u8 {
        match self {
            Lost::Expiry(_) => 0,
            Lost::ForceMute(_) if mutes => 1,
            Lost::Link(linked) if matches!(**linked, Linked::Gone(_)) => 2,
            Lost::NewLink(_) => 3,
            Lost::Link(_) => 4,
            Lost::Allocation(_) => 5,
            Lost::Update(..) => 6,
            Lost::ForceMute(_) => 7,
            Lost::IceRestart(..) => 8,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Repeats {
    due: Option<TimerKey>,
    lost: Kept,
    /// Bridges that have not heard that the conference is over there.
    ends: BTreeSet<BridgeId>,
    /// Some of it was told, and the rest waits for its turn.
    goes_on: bool,
}

impl Repeats {
    /// Whoever trickles on while its bridge says nothing has its two oldest words made one: of what holds nothing is forgotten but
    /// candidates (spec/30 §11).
    fn make_room(&mut self, key: SessionKey, endpoint: EndpointKey, state: Option<&EndpointState>) {
        let of_it = self.lost.updates_of(key, endpoint);
        let [first, second, ..] = of_it[..] else { return };
        if of_it.len() < MAX_OF_ENDPOINT {
            return;
        }
        self.lost.merge(first, second, |oldest, second| {
            let (Lost::Update(_, oldest), Lost::Update(_, told)) = (oldest, second) else { return };
            let oldest = match state {
                Some(state) => oldest.without_replaced(state),
                None => *oldest,
            };
            **told = oldest.and((**told).clone());
        });
    }

    /// Whether the ends of this link are to be made again.
    pub fn will_make(&self, relay: RelayKey) -> bool {
        self.lost.has_new_link(either_end(relay))
    }

    /// Whatever was to be told again of an end of a link: the end is made anew.
    pub fn forget_relay(&mut self, end: RelayKey) {
        self.lost.forget_relay(end);
    }

    /// How much of it was looked at one after the other.
    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.lost.walked()
    }
}

/// By which of its two ends a link is known that is to be made again.
fn either_end(relay: RelayKey) -> RelayKey {
    if relay.at < relay.to { relay } else { relay.opposite() }
}

/// What is to be told again, with all that concerns one endpoint or one relay in one place.
#[derive(Default)]
struct Merged {
    all: Vec<(SessionKey, Lost)>,
    updates: BTreeMap<EndpointKey, usize>,
    relays: BTreeMap<RelayKey, usize>,
    /// By the bridge, and whether they are to be muted.
    mutes: BTreeMap<(SessionKey, bool), usize>,
    /// Of whom each of these has it already.
    muted: BTreeSet<EndpointKey>,
    behind: BTreeSet<(RelayKey, EndpointId)>,
}

impl Merged {
    fn update(&mut self, key: SessionKey, endpoint: EndpointKey, told: Told) {
        let index = *self.updates.entry(endpoint).or_insert(self.all.len());
        match self.all.get_mut(index) {
            Some((_, Lost::Update(_, before))) => **before = (**before).clone().and(told),
            _ => self.all.push((key, Lost::Update(endpoint, Box::new(told)))),
        }
    }

    fn force_mute(&mut self, key: SessionKey, mutes: bool, endpoint: EndpointKey) {
        if !self.muted.insert(endpoint) {
            return;
        }
        let index = *self.mutes.entry((key, mutes)).or_insert(self.all.len());
        match self.all.get_mut(index) {
            Some((_, Lost::ForceMute(before))) => before.push(endpoint),
            _ => self.all.push((key, Lost::ForceMute(vec![endpoint]))),
        }
    }

    fn endpoints(&mut self, key: SessionKey, relay: RelayKey, mut ids: Vec<EndpointId>) {
        ids.retain(|id| self.behind.insert((relay, id.clone())));
        let index = *self.relays.entry(relay).or_insert(self.all.len());
        if let Some((_, Lost::Link(before))) = self.all.get_mut(index)
            && let Linked::Endpoints(_, before) = &mut **before
        {
            before.extend(ids);
        } else {
            self.all.push((key, Lost::Link(Box::new(Linked::Endpoints(relay, ids)))));
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
        match answered.is_silence() {
            true => self.repeat_later(cx, key, Lost::Update(endpoint, told)),
            false => self.updated(cx, key, Some(endpoint), answered),
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
        if answered.is_silence() {
            return self.repeat_later(cx, key, Lost::Expiry(nick));
        }
        match answer::update(answered.as_colibri()) {
            UpdateOutcome::SessionFailed => self.updated(cx, key, endpoint, answered),
            // Of an endpoint that has ended nothing can be wrong that concerns anybody else.
            UpdateOutcome::EndpointRefused | UpdateOutcome::EndpointFailed => {
                say!(self, warn, participant = nick; "the bridge stumbled over the end of {nick}{}", answered.detail());
            }
            UpdateOutcome::Done | UpdateOutcome::UnknownEndpoint(_) => {}
        }
    }

    /// Nothing was said to a change of who is muted.
    pub(in crate::focus::conference) fn force_mute_lost(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        endpoints: &[EndpointKey],
    ) {
        self.repeat_later(cx, key, Lost::ForceMute(endpoints.to_vec()));
    }

    /// Whether an endpoint that was asked for is asked for again before long.
    pub(in crate::focus::conference) fn will_ask_for(&self, endpoint: EndpointKey) -> bool {
        self.session_of(endpoint.member).is_some_and(|session| self.repeats.lost.has_allocation(session.key, endpoint))
    }

    /// A request for an endpoint died with our connection. Whether the bridge has heard of it is not known.
    pub(super) fn repeat_allocation(&mut self, cx: &mut Context, key: SessionKey, endpoint: EndpointKey) {
        self.repeat_later(cx, key, Lost::Allocation(endpoint));
    }

    /// Nobody said which transport a participant is to have. It waits for that.
    pub(super) fn repeat_ice_restart(&mut self, cx: &mut Context, key: SessionKey, endpoint: EndpointKey, number: u64) {
        self.repeat_later(cx, key, Lost::IceRestart(endpoint, number));
    }

    /// The same of an end of a link. Each link is made again once, whichever end was lost.
    pub(super) fn repeat_new_link(&mut self, cx: &mut Context, relay: RelayKey) {
        let relay = either_end(relay);
        self.repeat_later(cx, relay.at, Lost::NewLink(relay));
    }

    /// The same of the end of the conference on a bridge.
    pub(super) fn repeat_end(&mut self, cx: &mut Context, bridge: &BridgeId) {
        self.repeats.ends.insert(bridge.clone());
        self.set_repeat(cx, PAUSE);
    }

    /// Nothing was said to a change of a link.
    pub(super) fn repeat_link(&mut self, cx: &mut Context, key: SessionKey, linked: Box<Linked>) {
        self.repeat_later(cx, key, Lost::Link(linked));
    }

    fn repeat_later(&mut self, cx: &mut Context, key: SessionKey, lost: Lost) {
        if self.bridges.get(key).is_none() {
            return;
        }
        if let Lost::Update(endpoint, _) = &lost {
            let endpoint = *endpoint;
            let is_current = self.is_current(key, endpoint);
            let state = self.members.get(endpoint.member).and_then(|member| member.endpoint.as_ref());
            self.repeats.make_room(key, endpoint, state.filter(|_| is_current));
        }
        self.repeats.lost.push(key, lost);
        self.set_repeat(cx, PAUSE);
    }

    fn set_repeat(&mut self, cx: &mut Context, after: Duration) {
        if self.repeats.due.is_none() {
            self.repeats.due = Some(cx.timers.set(cx.now + after, Timer::Repeat(self.id)));
        }
    }

    /// Tells bridges again what they have not confirmed, as far as it still holds; later, if none can be reached.
    pub(in crate::focus) fn repeat(&mut self, cx: &mut Context, reachable: bool) {
        self.repeats.due = None;
        if !reachable {
            return self.set_repeat(cx, PAUSE);
        }
        if !cx.repeat_pace.may(cx.now) {
            return self.set_repeat(cx, NEXT_TURN);
        }
        while cx.repeat_pace.may(cx.now) {
            let Some(bridge) = self.repeats.ends.first().cloned() else { break };
            let before = cx.outputs().len();
            self.end_again(cx, &bridge);
            // If that fails the conference ends, and the bridge is to be told all the same.
            self.repeats.ends.remove(&bridge);
            spend(cx, before);
        }
        let lost = self.repeats.lost.take_all();
        if !lost.is_empty() && !self.repeats.goes_on {
            say!(self, warn, "bridges did not answer {} requests: told again", lost.len());
            self.story.decided(cx.now, "a bridge did not answer: told again");
        }
        let mut lost = self.as_it_holds(lost).into_iter();
        while cx.repeat_pace.may(cx.now) {
            let Some((key, lost)) = lost.next() else { break };
            let before = cx.outputs().len();
            self.tell_again(cx, key, lost);
            spend(cx, before);
        }
        // What was lost meanwhile is newer.
        let newer = self.repeats.lost.take_all();
        lost.for_each(|(key, lost)| self.repeats.lost.push(key, lost));
        self.repeats.goes_on = !self.repeats.lost.is_empty() || !self.repeats.ends.is_empty();
        newer.into_iter().for_each(|(key, lost)| self.repeats.lost.push(key, lost));
        if self.repeats.goes_on {
            cx.timers.cancel(self.repeats.due.take());
            self.set_repeat(cx, TICK);
        }
    }

    /// Of one name a bridge takes no two, of its own or behind relays: what bridges may have of somebody yet is to end before he
    /// is given a place. What ends with a link may be anybody.
    pub(super) fn tell_ends_first(&mut self, cx: &mut Context, nick: &EndpointId) {
        let before = cx.outputs().len();
        let ends = self.repeats.lost.take_ends_of(nick);
        for (key, lost) in ends {
            self.tell_again(cx, key, lost);
        }
        spend(cx, before);
    }

    /// What is to be told of what was lost: the newest state of each endpoint once, and nothing of what has ended.
    fn as_it_holds(&self, lost: Vec<(SessionKey, Lost)>) -> Vec<(SessionKey, Lost)> {
        let new_links: BTreeSet<RelayKey> = lost
            .iter()
            .filter_map(
                |(_, lost)| if let Lost::NewLink(relay) = lost { Some([*relay, relay.opposite()]) } else { None },
            )
            .flatten()
            .collect();
        let mut told = Merged::default();
        for (key, lost) in lost {
            match lost {
                Lost::Update(endpoint, update) if self.is_current(key, endpoint) => {
                    let state = self.members.get(endpoint.member).and_then(|member| member.endpoint.as_ref());
                    let Some(state) = state else { continue };
                    told.update(key, endpoint, update.without_replaced(state));
                }
                Lost::Update(..) => {}
                Lost::ForceMute(endpoints) => {
                    for endpoint in endpoints {
                        told.force_mute(key, self.is_muted(endpoint), endpoint);
                    }
                }
                // Whoever makes a link tells it all.
                Lost::Link(linked) if linked.relay().is_some_and(|relay| new_links.contains(&relay)) => {}
                Lost::Link(linked) => match *linked {
                    Linked::Endpoints(relay, ids) | Linked::Hidden(relay, ids) => told.endpoints(key, relay, ids),
                    linked => told.all.push((key, Lost::Link(Box::new(linked)))),
                },
                other => told.all.push((key, other)),
            }
        }
        told.all.sort_by_key(|(_, lost)| lost.rank(self.mutes(lost)));
        told.all
    }

    /// Whether that makes a bridge let less through.
    fn mutes(&self, lost: &Lost) -> bool {
        matches!(lost, Lost::ForceMute(endpoints) if endpoints.first().is_some_and(|endpoint| self.is_muted(*endpoint)))
    }

    fn is_muted(&self, endpoint: EndpointKey) -> bool {
        let state = self.members.get(endpoint.member).and_then(|member| member.endpoint.as_ref());
        state.is_some_and(|state| state.force_mute().audio || state.force_mute().video)
    }

    fn tell_again(&mut self, cx: &mut Context, key: SessionKey, lost: Lost) {
        let one = |request: Option<Request>| request.into_iter().collect();
        let requests: Vec<Request> = match lost {
            Lost::Allocation(endpoint) => return self.allocate_again(cx, key, endpoint),
            Lost::NewLink(relay) => return self.link_anew(cx, relay),
            Lost::IceRestart(endpoint, number) => return self.restart_ice_again(cx, key, endpoint, number),
            Lost::Update(endpoint, told) => one(self.update_again(key, endpoint, *told)),
            Lost::ForceMute(endpoints) => self.force_mute_again(key, endpoints),
            Lost::Expiry(nick) => one(self.expire_again(key, nick)),
            Lost::Link(linked) => self.link_again(cx, key, linked),
        };
        let Some(bridge) = self.bridges.get(key).map(|session| session.bridge.clone()) else { return };
        for (modify, then) in requests {
            cx.ask_bridge(&bridge, modify, then);
        }
    }

    /// It may be there by another incarnation by now, and be the same process all the same.
    fn end_again(&mut self, cx: &mut Context, bridge: &BridgeId) {
        let Some(since) = self.setbacks.expiring.get_mut(bridge) else { return };
        *since = cx.now;
        match cx.bridges.at(&bridge.jid).map(|known| known.id.clone()) {
            Some(now) if now == *bridge => self.tell_end(cx, bridge, Before::Alone),
            Some(now) => self.let_go_again(cx, &now),
            None => self.expired(cx, bridge, &Answer::None),
        }
    }

    /// A bridge that has the conference may have made the endpoint, or never have heard of it: it lets go of what it may have,
    /// which is no error if it has nothing (spec/40 §3.2), and makes it.
    fn allocate_again(&mut self, cx: &mut Context, key: SessionKey, endpoint: EndpointKey) {
        let EndpointKey { member: id, attempt } = endpoint;
        let task = self.members.get(id).and_then(|member| member.invite.participation()).map(|it| it.task);
        if !self.is_current(key, endpoint) || task != Some(Task::Allocating(attempt)) {
            return;
        }
        let Some(nick) = self.members.get(id).map(|member| member.nick.clone()) else { return };
        let Some(bridge) = self.bridges.get(key).map(|session| session.bridge.clone()) else { return };
        // All that it is to know is asked for now; that it did not know the one before says nothing of this one.
        let changes = cx.pending.forget_changes(key, endpoint);
        cx.forget_requests(changes);
        let modify = request::expire_endpoints(&self.meeting, [&nick]);
        cx.ask_bridge(&bridge, modify, Then::EndpointExpired(self.id, key, None, nick));
        self.ask_for_endpoint(cx, id, attempt, None);
    }

    /// Unless it was asked for once more meanwhile: with that the bridge says what it has, and the client may have answered, so that
    /// another would be a restart which nobody wants.
    fn restart_ice_again(&mut self, cx: &mut Context, key: SessionKey, endpoint: EndpointKey, number: u64) {
        let state = self.members.get(endpoint.member).and_then(|member| member.endpoint.as_ref());
        if !self.is_current(key, endpoint) {
            cx.metrics.ice_restarts_failed += 1;
        } else if state.is_some_and(|state| state.ice_restarts == number) {
            self.restart_ice(cx, endpoint.member);
        }
    }

    fn update_again(&self, key: SessionKey, endpoint: EndpointKey, told: Told) -> Option<Request> {
        let member = self.members.get(endpoint.member).filter(|_| self.is_current(key, endpoint))?;
        let set = told.sources.then(|| self.sources.of(&member.nick));
        let update = Update {
            id: &member.nick,
            stats_id: member.stats_id.as_deref(),
            transport: told.transport.as_ref(),
            sources: set.as_deref(),
            initial_last_n: told.initial_last_n,
        };
        let modify = request::update(&self.meeting, update)?;
        Some((modify, Then::EndpointUpdated(self.id, key, endpoint, Box::new(told))))
    }

    fn force_mute_again(&self, key: SessionKey, endpoints: Vec<EndpointKey>) -> Vec<Request> {
        let current = endpoints.into_iter().filter_map(|endpoint| {
            let member = self.members.get(endpoint.member).filter(|_| self.is_current(key, endpoint))?;
            Some((endpoint, (member.nick.clone(), member.endpoint.as_ref()?.force_mute())))
        });
        let pieces = force_mutes_in_pieces(current.collect()).into_iter();
        let request = |(endpoints, mutes): (Vec<EndpointKey>, Vec<_>)| {
            (request::force_mute(&self.meeting, &mutes), Then::ForceMuted(self.id, key, endpoints))
        };
        pieces.map(request).collect()
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

    /// The conference is over. What it has yet to tell bridges of that they are told when they next speak.
    pub(in crate::focus::conference) fn cancel_repeat(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.repeats.due.take());
        for bridge in std::mem::take(&mut self.repeats.ends) {
            cx.owed.add(cx.now, &bridge.jid, self.over(Before::Linked));
        }
    }
}

type Request = (crate::wire::colibri2::ConferenceModify, Then);
