//! What clients support: asked once for each entity capabilities hash, shared among all who have it (spec/20 §5.1).
//!
//! A question never holds up anybody else's: who waits for the same hash waits together, all others go on.

use std::collections::{BTreeMap, HashMap};

use super::Connection;
use super::conference::features::Features;
use super::conference::{ConferenceId, MemberId};
use super::context::Context;
use super::own::verification;
use super::pending::{Answer, Then};
use crate::wire::Jid;
use crate::wire::disco::{Caps, DiscoInfo};
use crate::wire::stanza::{IqBody, Payload};

/// How many hashes are remembered. A deployment has a handful; clients can make up as many as they like.
const MAX_REMEMBERED: usize = 1000;

/// A longer one is nobody's: who has it is asked without it, and nothing is remembered.
const MAX_KEY: usize = 512;

/// A member that is to be told what it supports.
pub(crate) type Waiter = (ConferenceId, MemberId);

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    /// With the node of these caps, `node#ver`; and which of the questions for them this is.
    Caps(String, u64),
    /// Without node: no caps, or the question with them failed.
    Plain(Waiter),
}

/// A question under way.
#[derive(Debug)]
struct Running {
    /// Tells the answer of one who has left from that of the one asked after it.
    question: u64,
    asked: Candidate,
    waiting: Vec<Candidate>,
}

/// Somebody of whom it can be asked.
#[derive(Debug, Clone)]
struct Candidate {
    waiter: Waiter,
    on: Connection,
    occupant: Jid,
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
    running: BTreeMap<String, Running>,
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
    let candidate = Candidate { waiter, on, occupant: occupant.clone() };
    let Some(key) = caps.and_then(key) else {
        ask_plainly(cx, candidate);
        return None;
    };
    if let Some(features) = cx.caps.recall(&key) {
        return Some(features);
    }
    match cx.caps.running.get_mut(&key) {
        Some(running) => running.waiting.push(candidate),
        None => ask(cx, key, candidate, Vec::new()),
    }
    None
}

/// A member left: what was asked of it is asked of the next who waits.
pub(crate) fn left(cx: &mut Context, waiter: Waiter, caps: Option<&Caps>) {
    cx.caps.plain.remove(&waiter);
    let Some(key) = caps.and_then(key) else { return };
    let Some(running) = cx.caps.running.get_mut(&key) else { return };
    running.waiting.retain(|candidate| candidate.waiter != waiter);
    if running.asked.waiter == waiter {
        ask_next(cx, key);
    }
}

/// A conference ends: nobody in it is asked any more, neither for himself nor for the others in it.
pub(crate) fn ended(cx: &mut Context, conference: ConferenceId) {
    cx.caps.plain.retain(|(of, _), _| *of != conference);
    let mut unasked = Vec::new();
    for (key, running) in &mut cx.caps.running {
        running.waiting.retain(|candidate| candidate.waiter.0 != conference);
        if running.asked.waiter.0 == conference {
            unasked.push(key.clone());
        }
    }
    for key in unasked {
        ask_next(cx, key);
    }
}

/// All conferences end: nobody is asked any more.
pub(crate) fn all_ended(cx: &mut Context) {
    cx.caps.plain.clear();
    cx.caps.running.clear();
}

/// An answer, or none. Gives the members that are now known to support something.
pub(crate) fn answered(cx: &mut Context, query: Query, answer: Answer) -> Vec<(Waiter, Features)> {
    let info = match answer {
        Answer::Result(Some(Payload::DiscoInfo(info))) => Some(info),
        _ => None,
    };
    match query {
        Query::Plain(waiter) => {
            if cx.caps.plain.remove(&waiter).is_none() {
                return Vec::new();
            }
            vec![(waiter, info.as_ref().map_or(Features::UNANSWERED, features))]
        }
        Query::Caps(key, question) => caps_answered(cx, key, question, info),
    }
}

fn caps_answered(cx: &mut Context, key: String, question: u64, info: Option<DiscoInfo>) -> Vec<(Waiter, Features)> {
    if cx.caps.running.get(&key).is_none_or(|running| running.question != question) {
        return Vec::new();
    }
    let Some(running) = cx.caps.running.remove(&key) else { return Vec::new() };
    let Some(info) = info else {
        let Running { asked, waiting, .. } = running;
        ask_plainly(cx, asked);
        ask_first(cx, key, waiting);
        return Vec::new();
    };
    let supported = features(&info);
    if is_genuine(&key, &info) {
        cx.caps.remember(key, supported);
        return std::iter::once(running.asked).chain(running.waiting).map(|known| (known.waiter, supported)).collect();
    }
    // Whoever claims a hash that is not his own speaks for himself alone.
    let (occupant, conference) = (&running.asked.occupant, running.asked.waiter.0);
    log::info!(
        room:% = occupant.bare_str(), meeting_id:% = cx.meeting_of(conference),
        participant:% = occupant.resource().unwrap_or_default();
        "{occupant} claims the capabilities {key}, but what it lists hashes to another value"
    );
    let asked = running.asked.waiter;
    ask_first(cx, key, running.waiting);
    vec![(asked, supported)]
}

fn ask_next(cx: &mut Context, key: String) {
    if let Some(running) = cx.caps.running.remove(&key) {
        ask_first(cx, key, running.waiting);
    }
}

fn ask_first(cx: &mut Context, key: String, mut waiting: Vec<Candidate>) {
    if !waiting.is_empty() {
        let first = waiting.remove(0);
        ask(cx, key, first, waiting);
    }
}

fn ask(cx: &mut Context, key: String, candidate: Candidate, waiting: Vec<Candidate>) {
    let body = IqBody::Get(Payload::DiscoInfo(DiscoInfo { node: Some(key.clone()), ..DiscoInfo::default() }));
    let question = cx.unique();
    cx.request(candidate.on, candidate.occupant.clone(), body, Then::Features(Query::Caps(key.clone(), question)));
    cx.caps.running.insert(key, Running { question, asked: candidate, waiting });
}

fn ask_plainly(cx: &mut Context, candidate: Candidate) {
    let body = IqBody::Get(Payload::DiscoInfo(DiscoInfo::default()));
    let query = Query::Plain(candidate.waiter);
    cx.request(candidate.on, candidate.occupant.clone(), body, Then::Features(query));
    cx.caps.plain.insert(candidate.waiter, candidate);
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
