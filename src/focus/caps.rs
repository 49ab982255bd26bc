//! What clients support: asked once for each entity capabilities hash, shared among all who have it (spec/20 §5.1).
//!
//! A question never holds up anybody else's: who waits for the same hash in the same room waits together, all others go on. A
//! client that does not answer is waited for once, by those who came soon after it, and by nobody in another room: whoever
//! claims the hash of everybody's clients after a restart and says nothing holds up his own room, and that not for long.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::Connection;
use super::conference::features::Features;
use super::conference::{ConferenceId, MemberId};
use super::context::Context;
use super::own::verification;
use super::pending::{Answer, Then};
use super::time::Timestamp;
use crate::wire::Jid;
use crate::wire::disco::{Caps, DiscoInfo};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::MeetingId;

/// How many hashes are remembered. A deployment has a handful; clients can make up as many as they like.
const MAX_REMEMBERED: usize = 1000;

/// A longer one is nobody's: who has it is asked without it, and nothing is remembered.
const MAX_KEY: usize = 512;

/// Whoever comes later than this after a question for its hash is asked itself.
const SHARED_FOR: Duration = Duration::from_secs(2);

/// A member that is to be told what it supports.
pub(crate) type Waiter = (ConferenceId, MemberId);

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    /// With the node of these caps, `node#ver`, in that conference; and which of the questions for them this is.
    Caps(Shared, u64),
    /// Without node: no caps, or the question with them failed.
    Plain(Waiter),
}

/// Caps, and the conference in which those who have them wait together.
type Shared = (String, ConferenceId);

/// A question under way.
#[derive(Debug)]
struct Running {
    /// Tells the answer of one who has left from that of the one asked after it.
    question: u64,
    since: Timestamp,
    asked: Candidate,
    waiting: Vec<Candidate>,
}

/// Somebody of whom it can be asked.
#[derive(Debug, Clone)]
struct Candidate {
    waiter: Waiter,
    on: Connection,
    occupant: Jid,
    /// Its caps, if they can be verified.
    key: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    features: Features,
    /// When it was used last, and how often since it was learnt.
    used: u64,
    count: u64,
}

#[derive(Debug, Default)]
pub(crate) struct CapsCache {
    /// By `node#ver`.
    known: HashMap<String, Known>,
    by_use: BTreeMap<u64, String>,
    uses: u64,
    running: BTreeMap<Shared, Running>,
    /// Whose answer to a plain question is awaited.
    plain: BTreeMap<Waiter, Candidate>,
}

impl CapsCache {
    fn recall(&mut self, key: &str) -> Option<Features> {
        let known = self.known.get_mut(key)?;
        self.uses += 1;
        if let Some(key) = self.by_use.remove(&known.used) {
            self.by_use.insert(self.uses, key);
        }
        known.used = self.uses;
        known.count += 1;
        Some(known.features)
    }

    /// All that are remembered, by `node#ver`: how often each was used, and what it stands for.
    pub fn remembered(&self) -> BTreeMap<&str, (u64, Features)> {
        self.known.iter().map(|(key, known)| (key.as_str(), (known.count, known.features))).collect()
    }

    /// Everybody who waits to be known.
    pub fn waiters(&self) -> impl Iterator<Item = Waiter> {
        let asked = self.running.values().flat_map(|running| std::iter::once(&running.asked).chain(&running.waiting));
        asked.chain(self.plain.values()).map(|candidate| candidate.waiter)
    }

    fn remember(&mut self, key: String, features: Features) {
        self.uses += 1;
        let count = self.known.get(&key).map_or(1, |known| known.count + 1);
        if let Some(known) = self.known.insert(key.clone(), Known { features, used: self.uses, count }) {
            self.by_use.remove(&known.used);
        }
        self.by_use.insert(self.uses, key);
        if self.known.len() > MAX_REMEMBERED
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Finds out what a member supports: at once if its hash is known, otherwise by asking it, or by waiting with others for
/// the answer of one.
pub(crate) fn discover(
    cx: &mut Context,
    waiter: Waiter,
    on: Connection,
    occupant: &Jid,
    caps: Option<&Caps>,
) -> Option<Features> {
    let key = caps.and_then(key);
    let candidate = Candidate { waiter, on, occupant: occupant.clone(), key: key.clone() };
    let Some(key) = key else {
        ask_plainly(cx, candidate);
        return None;
    };
    if let Some(features) = cx.caps.recall(&key) {
        return Some(features);
    }
    let shared = (key, waiter.0);
    match cx.caps.running.get_mut(&shared) {
        Some(running) if cx.now.since(running.since) <= SHARED_FOR => running.waiting.push(candidate),
        Some(_) => ask_plainly(cx, candidate),
        None => ask(cx, shared, candidate, Vec::new()),
    }
    None
}

/// A member left: what was asked of it is asked of the next who waits.
pub(crate) fn left(cx: &mut Context, waiter: Waiter) {
    cx.caps.plain.remove(&waiter);
    forget(cx, waiter.0, |candidate| candidate.waiter == waiter);
}

/// A conference has lost its room on that connection: nobody who was there is asked any more.
pub(crate) fn room_lost(cx: &mut Context, conference: ConferenceId, on: Connection) {
    cx.caps.plain.retain(|(of, _), candidate| *of != conference || candidate.on != on);
    forget(cx, conference, |candidate| candidate.on == on);
}

/// By whatever caps they came; they may have others by now.
fn forget(cx: &mut Context, conference: ConferenceId, has_left: impl Fn(&Candidate) -> bool) {
    let mut unasked = Vec::new();
    for (shared, running) in cx.caps.running.iter_mut().filter(|((_, of), _)| *of == conference) {
        running.waiting.retain(|candidate| !has_left(candidate));
        if has_left(&running.asked) {
            unasked.push(shared.clone());
        }
    }
    for shared in unasked {
        ask_next(cx, shared);
    }
}

/// A conference ends: nobody in it is asked any more, neither for himself nor for the others in it.
pub(crate) fn ended(cx: &mut Context, conference: ConferenceId) {
    cx.caps.plain.retain(|(of, _), _| *of != conference);
    cx.caps.running.retain(|(_, of), _| *of != conference);
}

/// All conferences end: nobody is asked any more.
pub(crate) fn all_ended(cx: &mut Context) {
    cx.caps.plain.clear();
    cx.caps.running.clear();
}

/// An answer, or none. Gives the members that are now known to support something. `meeting_of`: for the log.
pub(crate) fn answered(
    cx: &mut Context,
    query: Query,
    answer: Answer,
    meeting_of: impl FnOnce(ConferenceId) -> Option<MeetingId>,
) -> Vec<(Waiter, Features)> {
    let info = match answer {
        Answer::Result(Some(Payload::DiscoInfo(info))) => Some(info),
        _ => None,
    };
    match query {
        Query::Plain(waiter) => {
            let Some(candidate) = cx.caps.plain.remove(&waiter) else { return Vec::new() };
            let supported = info.as_ref().map_or(Features::UNANSWERED, features);
            let genuine = candidate.key.clone().filter(|key| info.is_some_and(|info| is_genuine(key, &info)));
            match genuine {
                Some(key) => known_now(cx, key, supported, vec![candidate]),
                None => vec![(waiter, supported)],
            }
        }
        Query::Caps(shared, question) => caps_answered(cx, shared, question, info, meeting_of),
    }
}

fn caps_answered(
    cx: &mut Context,
    shared: Shared,
    question: u64,
    info: Option<DiscoInfo>,
    meeting_of: impl FnOnce(ConferenceId) -> Option<MeetingId>,
) -> Vec<(Waiter, Features)> {
    if cx.caps.running.get(&shared).is_none_or(|running| running.question != question) {
        return Vec::new();
    }
    let Some(Running { asked, waiting, .. }) = cx.caps.running.remove(&shared) else { return Vec::new() };
    let Some(info) = info else {
        // Nobody waits for a second one who says nothing.
        std::iter::once(asked).chain(waiting).for_each(|candidate| ask_plainly(cx, candidate));
        return Vec::new();
    };
    let supported = features(&info);
    let (key, conference) = &shared;
    if is_genuine(key, &info) {
        return known_now(cx, key.clone(), supported, std::iter::once(asked).chain(waiting).collect());
    }
    // Whoever claims a hash that is not his own speaks for himself alone.
    let occupant = &asked.occupant;
    log::info!(
        room:% = occupant.bare_str(), meeting_id:% = meeting_of(*conference).unwrap_or_default(),
        participant:% = occupant.resource().unwrap_or_default();
        "{occupant} claims the capabilities {key}, but what it lists hashes to another value"
    );
    ask_first(cx, shared, waiting);
    vec![(asked.waiter, supported)]
}

/// Somebody's answer is what its hash says: it is that of all who have it, whatever room they are in and however they were
/// asked.
fn known_now(cx: &mut Context, key: String, supported: Features, mut known: Vec<Candidate>) -> Vec<(Waiter, Features)> {
    cx.caps.running.retain(|(other, _), running| {
        if *other == key {
            known.push(running.asked.clone());
            known.append(&mut running.waiting);
        }
        *other != key
    });
    cx.caps.plain.retain(|_, candidate| {
        let is_known = candidate.key.as_ref() == Some(&key);
        if is_known {
            known.push(candidate.clone());
        }
        !is_known
    });
    cx.caps.remember(key, supported);
    known.into_iter().map(|known| (known.waiter, supported)).collect()
}

fn ask_next(cx: &mut Context, shared: Shared) {
    if let Some(running) = cx.caps.running.remove(&shared) {
        ask_first(cx, shared, running.waiting);
    }
}

fn ask_first(cx: &mut Context, shared: Shared, mut waiting: Vec<Candidate>) {
    if !waiting.is_empty() {
        let first = waiting.remove(0);
        ask(cx, shared, first, waiting);
    }
}

fn ask(cx: &mut Context, shared: Shared, candidate: Candidate, waiting: Vec<Candidate>) {
    let body = IqBody::Get(Payload::DiscoInfo(DiscoInfo { node: Some(shared.0.clone()), ..DiscoInfo::default() }));
    let question = cx.unique();
    cx.request(candidate.on, candidate.occupant.clone(), body, Then::Features(Query::Caps(shared.clone(), question)));
    let since = cx.now;
    cx.caps.running.insert(shared, Running { question, since, asked: candidate, waiting });
}

fn ask_plainly(cx: &mut Context, candidate: Candidate) {
    let body = IqBody::Get(Payload::DiscoInfo(DiscoInfo::default()));
    let query = Query::Plain(candidate.waiter);
    cx.request(candidate.on, candidate.occupant.clone(), body, Then::Features(query));
    cx.caps.plain.insert(candidate.waiter, candidate);
}

/// Whether these are worth keeping: longer ones are nobody's, and a presence may be as long as a server lets it.
pub(crate) fn can_be_kept(caps: &Caps) -> bool {
    [&caps.hash, &caps.node, &caps.ver].into_iter().flatten().all(|text| text.len() <= MAX_KEY)
}

/// `node#ver` of caps that can be verified: those hashed with SHA-1.
fn key(caps: &Caps) -> Option<String> {
    let hash = caps.hash.as_deref()?;
    if !hash.eq_ignore_ascii_case("sha-1") {
        return None;
    }
    let (node, ver) = (caps.node.as_deref()?, caps.ver.as_deref()?);
    (node.len() + ver.len() <= MAX_KEY).then(|| format!("{node}#{ver}"))
}

fn is_genuine(key: &str, info: &DiscoInfo) -> bool {
    let features: Vec<String> = info.features.iter().map(|feature| feature.var.clone()).collect();
    let mut distinct: Vec<&String> = features.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    // XEP-0115 §5.4: an answer that lists a feature twice is ill-formed.
    distinct.len() == features.len()
        && key.rsplit_once('#').is_some_and(|(_, ver)| ver == verification(&info.identities, &features))
}

fn features(info: &DiscoInfo) -> Features {
    Features::from_strings(info.features.iter().map(|feature| feature.var.as_str()))
}
