//! Telling participants of each other's sources (spec/30 §10): one log of changes for the conference, and a place in it
//! for each receiver.
//!
//! A receiver's state is a number, however many sources there are: "told of everything up to here". What a flush says is
//! the difference between the sources at that place and now, computed and encoded once for all receivers that stand at the
//! same place with the same view. The log is as long as the slowest receiver is behind, and is condensed when one never
//! catches up. Whose offer had no room for all owners stands at its place like all others, and has one name more: the last one
//! that it was told of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compact::to_json;
use super::set::{SourceSet, SsrcGroup, contents_of};
use super::validate::{Changed, ConferenceSources};
use super::view::{Encoding, View};
use crate::focus::counted::Counted;
use crate::focus::size;
use crate::wire::jingle::JsonMessage;
use crate::wire::values::EndpointId;
use crate::wire::xml::Raw;

/// The log is condensed when it is longer than this, and than twice of what the last time left.
const CONDENSE_AT: usize = 256;

/// The children of one `<jingle>` ([`crate::wire::jingle::Jingle::others`]), encoded and shared by all receivers that get the
/// same.
pub type Piece = Arc<[Raw]>;

/// What a receiver is to be sent: a `source-remove` for each piece, then a `source-add` for each. There is more than one only
/// where a server would not take them as one (`focus/size.rs`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flush {
    pub remove: Vec<Piece>,
    pub add: Vec<Piece>,
}

/// Of which owners a receiver has been told what they had at its place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Heard {
    #[default]
    All,
    /// Its offer was full: of this one and those before it in the order of their ids. None: of nobody.
    UpTo(Option<EndpointId>),
}

impl Heard {
    fn of(&self, owner: &EndpointId) -> bool {
        match self {
            Heard::All => true,
            Heard::UpTo(last) => last.as_ref().is_some_and(|last| owner <= last),
        }
    }
}

/// The changes that somebody has yet to be told of, and who has been told how much.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Signals {
    /// In the order of `at`.
    log: Vec<Entry>,
    /// The place after the last change.
    end: u64,
    receivers: Counted<EndpointId, Receiver>,
    /// Those for whom no flush is scheduled: where changes are collected, only they are looked at when one more comes.
    unscheduled: Counted<EndpointId, ()>,
    /// How many receivers stand at a place.
    places: BTreeMap<u64, u32>,
    condensed: usize,
    /// Encodings of the difference between a place and the end of the log.
    #[serde(skip)]
    encoded: BTreeMap<(u64, View), Flush>,
}

/// One owner's sources became others, at place `at`: whoever stands there or before has not been told.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    at: u64,
    owner: EndpointId,
    before: Arc<SourceSet>,
    after: Arc<SourceSet>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Receiver {
    place: u64,
    view: View,
    heard: Heard,
}

/// What there is to say: for each owner what is gone, and what is new.
#[derive(Debug, Default, PartialEq)]
struct Difference {
    removed: Vec<(EndpointId, SourceSet)>,
    added: Vec<(EndpointId, SourceSet)>,
}

impl Signals {
    /// The receiver is being offered what there is now, of as many owners as it will have heard of; from here on it waits for
    /// the others and for changes. A receiver whose SSRCs the bridge rewrites is never told of any.
    pub fn offered(&mut self, receiver: &EndpointId, view: View, heard: Heard) {
        self.forget(receiver);
        if !view.rewriting {
            self.receivers.insert(receiver.clone(), Receiver { place: self.end, view, heard });
            self.unscheduled.insert(receiver.clone(), ());
            *self.places.entry(self.end).or_default() += 1;
        }
    }

    /// The receiver's session is over.
    pub fn forget(&mut self, receiver: &EndpointId) {
        self.unscheduled.remove(receiver);
        if let Some(receiver) = self.receivers.remove(receiver) {
            self.leave_place(receiver.place);
        }
    }

    /// A flush of the receiver is scheduled.
    pub fn scheduled(&mut self, receiver: &EndpointId) {
        self.unscheduled.remove(receiver);
    }

    /// None is any more.
    pub fn unscheduled(&mut self, receiver: &EndpointId) {
        if self.receivers.get(receiver).is_some() {
            self.unscheduled.insert(receiver.clone(), ());
        }
    }

    /// Whether none is scheduled, of one who is told of changes.
    pub fn is_unscheduled(&self, receiver: &EndpointId) -> bool {
        self.unscheduled.get(receiver).is_some()
    }

    /// An owner's sources changed. Those for whom a flush is to be scheduled are [`Signals::waiting`].
    pub fn changed(&mut self, owner: &EndpointId, change: &Changed) {
        let (before, after) = (change.before.clone(), change.after.clone());
        if self.receivers.is_empty() || before == after {
            return;
        }
        self.encoded.clear();
        self.log.push(Entry { at: self.end, owner: owner.clone(), before, after });
        self.end += 1;
        if self.log.len() > CONDENSE_AT.max(2 * self.condensed) {
            self.condense();
        }
    }

    /// An owner left the room, which tells clients to drop its sources: nothing of it is to be signalled any more, and if
    /// it comes back everything is new (spec/30 §10.1).
    pub fn left(&mut self, owner: &EndpointId) {
        self.encoded.clear();
        self.log.retain(|entry| entry.owner != *owner);
    }

    /// Whether there is something of which the receiver was not told (which may come to nothing for it).
    pub fn is_waiting(&self, receiver: &EndpointId) -> bool {
        let behind = |at: &Receiver| self.behind(at.place).any(|entry| entry.owner != *receiver);
        self.receivers.get(receiver).is_some_and(|at| at.heard != Heard::All || behind(at))
    }

    /// Everybody who is told of changes.
    pub fn receivers(&self) -> impl Iterator<Item = &EndpointId> {
        self.receivers.iter().map(|(receiver, _)| receiver)
    }

    /// All receivers for which [`Signals::is_waiting`] holds and no flush is scheduled, in the order of their ids.
    pub fn waiting(&self) -> impl Iterator<Item = &EndpointId> {
        self.unscheduled.iter().map(|(receiver, ())| receiver).filter(|receiver| self.is_waiting(receiver))
    }

    /// For the test kit (`focus/counted.rs`).
    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.receivers.walked() + self.unscheduled.walked()
    }

    /// What the receiver was told of, of what there is `now`, and how it sees it; with what it has yet to be told in place of
    /// it. None: it is told of nothing.
    pub fn told<'a>(
        &'a self,
        receiver: &'a EndpointId,
        now: impl Iterator<Item = (&'a EndpointId, &'a Arc<SourceSet>)>,
    ) -> Option<Vec<(EndpointId, SourceSet)>> {
        let Receiver { place, view, heard } = self.receivers.get(receiver)?;
        let mut told: BTreeMap<EndpointId, Arc<SourceSet>> =
            now.map(|(owner, set)| (owner.clone(), set.clone())).collect();
        told.extend(net(self.behind(*place)).into_iter().map(|(owner, (before, _))| (owner, before)));
        told.retain(|owner, _| owner != receiver && heard.of(owner));
        let seen = told.into_iter().map(|(owner, set)| (owner, view.filter(&set)));
        Some(seen.filter(|(_, set)| !set.is_empty()).collect())
    }

    /// What the receiver is to be told, after which it has been told everything. Call it only while its session is active.
    /// `sources`: what there is now.
    pub fn flush(&mut self, receiver: &EndpointId, sources: &ConferenceSources) -> Flush {
        let Some(at) = self.receivers.get_mut(receiver) else { return Flush::default() };
        let (place, view) = (at.place, at.view);
        let heard = std::mem::take(&mut at.heard);
        if place == self.end && heard == Heard::All {
            return Flush::default();
        }
        at.place = self.end;
        *self.places.entry(self.end).or_default() += 1;
        let flush = match heard {
            Heard::All => self.encode(receiver, place, view),
            Heard::UpTo(_) => self.catch_up(receiver, place, view, &heard, sources).encode(view.encoding),
        };
        self.leave_place(place);
        flush
    }

    /// Only a receiver that itself changed something is told differently from the others at its place.
    fn encode(&mut self, receiver: &EndpointId, place: u64, view: View) -> Flush {
        let all = |_: &EndpointId| true;
        if self.behind(place).any(|entry| entry.owner == *receiver) {
            return self.difference(receiver, place, view, all).encode(view.encoding);
        }
        if let Some(known) = self.encoded.get(&(place, view)) {
            return known.clone();
        }
        let flush = self.difference(receiver, place, view, all).encode(view.encoding);
        self.encoded.insert((place, view), flush.clone());
        flush
    }

    /// What has changed of those of whom the receiver has heard, and what all others have.
    fn catch_up(
        &self,
        receiver: &EndpointId,
        place: u64,
        view: View,
        heard: &Heard,
        sources: &ConferenceSources,
    ) -> Difference {
        let mut difference = self.difference(receiver, place, view, |owner| heard.of(owner));
        let others = sources.iter().filter(|(owner, _)| *owner != receiver && !heard.of(owner));
        let others = others.map(|(owner, set)| (owner.clone(), view.filter(set))).filter(|(_, set)| !set.is_empty());
        difference.added.extend(others);
        difference
    }

    /// What filter(now) has and filter(then) has not, and the other way round, for each of these owners but the receiver.
    ///
    /// Not a sum of the changes' own differences: what is stripped of an owner's sources depends on all of its groups.
    fn difference(
        &self,
        receiver: &EndpointId,
        place: u64,
        view: View,
        of: impl Fn(&EndpointId) -> bool,
    ) -> Difference {
        let mut difference = Difference::default();
        let entries = self.behind(place).filter(|entry| entry.owner != *receiver && of(&entry.owner));
        for (owner, (before, after)) in net(entries) {
            let (before, after) = (view.filter(&before), view.filter(&after));
            let (mut removed, mut added) = (before.minus(&after), after.minus(&before));
            // A group goes with any source of it, and comes back with that: nobody can have one of what is not there.
            let torn = |group: &&SsrcGroup| {
                after.groups.contains(group) && removed.sources.iter().any(|it| group.ssrcs.contains(&it.ssrc))
            };
            let torn: Vec<SsrcGroup> = before.groups.iter().filter(torn).cloned().collect();
            removed.groups.extend(torn.iter().cloned());
            added.groups.extend(torn);
            if !removed.is_empty() {
                difference.removed.push((owner.clone(), removed));
            }
            if !added.is_empty() {
                difference.added.push((owner, added));
            }
        }
        difference
    }

    fn behind(&self, place: u64) -> impl Iterator<Item = &Entry> {
        let start = self.log.partition_point(|entry| entry.at < place);
        self.log[start..].iter()
    }

    /// Drops what everybody has been told.
    fn leave_place(&mut self, place: u64) {
        let Some(count) = self.places.get_mut(&place) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        self.places.remove(&place);
        self.encoded.retain(|(from, _), _| *from != place);
        let first = self.places.keys().next().copied().unwrap_or(self.end);
        let told = self.log.partition_point(|entry| entry.at < first);
        self.log.drain(..told);
    }

    /// Changes of one owner between which nobody stands become one.
    fn condense(&mut self) {
        let mut bounds: BTreeSet<u64> = self.places.keys().copied().collect();
        bounds.insert(self.end);
        let mut condensed = Vec::new();
        let mut rest = std::mem::take(&mut self.log).into_iter().peekable();
        for bound in bounds {
            let segment: Vec<Entry> = std::iter::from_fn(|| rest.next_if(|entry| entry.at < bound)).collect();
            let Some(at) = segment.first().map(|entry| entry.at) else { continue };
            let merged = net(segment.iter()).into_iter().filter(|(_, (before, after))| before != after);
            condensed.extend(merged.map(|(owner, (before, after))| Entry { at, owner, before, after }));
        }
        self.condensed = condensed.len();
        self.log = condensed;
    }
}

/// The first and the last state of each owner, by owner.
fn net<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeMap<EndpointId, (Arc<SourceSet>, Arc<SourceSet>)> {
    let mut net: BTreeMap<EndpointId, (Arc<SourceSet>, Arc<SourceSet>)> = BTreeMap::new();
    for entry in entries {
        net.entry(entry.owner.clone())
            .and_modify(|(_, after)| *after = entry.after.clone())
            .or_insert_with(|| (entry.before.clone(), entry.after.clone()));
    }
    net
}

impl Difference {
    fn encode(self, encoding: Encoding) -> Flush {
        let encode = |owners: Vec<(EndpointId, SourceSet)>| {
            let pieces = size::in_pieces(owners, |(owner, set)| encoding.size_of(owner, set));
            pieces.iter().map(|owners| encode(owners.iter().map(|(owner, set)| (owner, set)), encoding)).collect()
        };
        Flush { remove: encode(self.removed), add: encode(self.added) }
    }
}

/// The children of `<jingle>` for these sources.
fn encode<'a>(owners: impl Iterator<Item = (&'a EndpointId, &'a SourceSet)>, encoding: Encoding) -> Piece {
    match encoding {
        Encoding::Json => [Raw::of(&JsonMessage { room: None, json: to_json(owners) })].into(),
        Encoding::Xml => contents_of(owners).iter().map(Raw::of).collect(),
    }
}

#[cfg(test)]
#[path = "signal_tests.rs"]
mod tests;
