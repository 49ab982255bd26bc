//! Telling participants of each other's sources (spec/30 §10): one log of changes for the conference, and a place in it
//! for each receiver.
//!
//! A receiver's state is a number, however many sources there are: "told of everything up to here". What a flush says is
//! the difference between the sources at that place and now, computed and encoded once for all receivers that stand at the
//! same place with the same view. The log is as long as the slowest receiver is behind, and is condensed when one never
//! catches up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compact::to_json;
use super::set::{SourceSet, contents_of};
use super::validate::Changed;
use super::view::{Encoding, View};
use crate::wire::jingle::JsonMessage;
use crate::wire::values::EndpointId;
use crate::wire::xml::Raw;

/// The log is condensed when it is longer than this, and than twice of what the last time left.
const CONDENSE_AT: usize = 256;

/// What a receiver is to be sent: one `source-remove`, then one `source-add`. Each is the children of its `<jingle>`
/// ([`crate::wire::jingle::Jingle::others`]), encoded and shared by all receivers that get the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flush {
    pub remove: Option<Arc<[Raw]>>,
    pub add: Option<Arc<[Raw]>>,
}

/// The changes that somebody has yet to be told of, and who has been told how much.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Signals {
    /// In the order of `at`.
    log: Vec<Entry>,
    /// The place after the last change.
    end: u64,
    receivers: BTreeMap<EndpointId, Receiver>,
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

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Receiver {
    place: u64,
    view: View,
}

/// What there is to say: for each owner what is gone, and what is new.
#[derive(Debug, Default, PartialEq)]
struct Difference {
    removed: Vec<(EndpointId, SourceSet)>,
    added: Vec<(EndpointId, SourceSet)>,
}

impl Signals {
    /// The receiver is being offered everything there is now; from here on it waits for changes. A receiver whose SSRCs the
    /// bridge rewrites is never told of any.
    pub fn offered(&mut self, receiver: &EndpointId, view: View) {
        self.forget(receiver);
        if !view.rewriting {
            self.receivers.insert(receiver.clone(), Receiver { place: self.end, view });
            *self.places.entry(self.end).or_default() += 1;
        }
    }

    /// The receiver's session is over.
    pub fn forget(&mut self, receiver: &EndpointId) {
        if let Some(receiver) = self.receivers.remove(receiver) {
            self.leave_place(receiver.place);
        }
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

    /// Whether a change has been made of which the receiver was not told (which may come to nothing for it).
    pub fn is_waiting(&self, receiver: &EndpointId) -> bool {
        self.receivers.get(receiver).is_some_and(|at| self.behind(at.place).any(|entry| entry.owner != *receiver))
    }

    /// Everybody who is told of changes.
    pub fn receivers(&self) -> impl Iterator<Item = &EndpointId> {
        self.receivers.keys()
    }

    /// All receivers for which [`Signals::is_waiting`] holds, in the order of their ids.
    pub fn waiting(&self) -> impl Iterator<Item = &EndpointId> {
        self.receivers.keys().filter(|receiver| self.is_waiting(receiver))
    }

    /// What the receiver was told of, of what there is `now`, and how it sees it; with what it has yet to be told in place of
    /// it. None: it is told of nothing.
    pub fn told<'a>(
        &'a self,
        receiver: &'a EndpointId,
        now: impl Iterator<Item = (&'a EndpointId, &'a Arc<SourceSet>)>,
    ) -> Option<Vec<(EndpointId, SourceSet)>> {
        let Receiver { place, view } = self.receivers.get(receiver)?;
        let mut told: BTreeMap<EndpointId, Arc<SourceSet>> =
            now.map(|(owner, set)| (owner.clone(), set.clone())).collect();
        told.extend(net(self.behind(*place)).into_iter().map(|(owner, (before, _))| (owner, before)));
        told.remove(receiver);
        let seen = told.into_iter().map(|(owner, set)| (owner, view.filter(&set)));
        Some(seen.filter(|(_, set)| !set.is_empty()).collect())
    }

    /// What the receiver is to be told, after which it has been told everything. Call it only while its session is active.
    pub fn flush(&mut self, receiver: &EndpointId) -> Flush {
        let Some(at) = self.receivers.get_mut(receiver) else { return Flush::default() };
        let Receiver { place, view } = *at;
        if place == self.end {
            return Flush::default();
        }
        at.place = self.end;
        *self.places.entry(self.end).or_default() += 1;
        let flush = self.encode(receiver, place, view);
        self.leave_place(place);
        flush
    }

    /// Only a receiver that itself changed something is told differently from the others at its place.
    fn encode(&mut self, receiver: &EndpointId, place: u64, view: View) -> Flush {
        if self.behind(place).any(|entry| entry.owner == *receiver) {
            return self.difference(receiver, place, view).encode(view.encoding);
        }
        if let Some(known) = self.encoded.get(&(place, view)) {
            return known.clone();
        }
        let flush = self.difference(receiver, place, view).encode(view.encoding);
        self.encoded.insert((place, view), flush.clone());
        flush
    }

    /// What filter(now) has and filter(then) has not, and the other way round, for each owner but the receiver.
    ///
    /// Not a sum of the changes' own differences: what is stripped of an owner's sources depends on all of its groups.
    fn difference(&self, receiver: &EndpointId, place: u64, view: View) -> Difference {
        let mut difference = Difference::default();
        for (owner, (before, after)) in net(self.behind(place).filter(|entry| entry.owner != *receiver)) {
            let (before, after) = (view.filter(&before), view.filter(&after));
            let (removed, added) = (before.minus(&after), after.minus(&before));
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
    fn encode(&self, encoding: Encoding) -> Flush {
        let encode = |owners: &Vec<(EndpointId, SourceSet)>| {
            (!owners.is_empty()).then(|| encode(owners.iter().map(|(owner, set)| (owner, set)), encoding))
        };
        Flush { remove: encode(&self.removed), add: encode(&self.added) }
    }
}

/// The children of `<jingle>` for these sources.
fn encode<'a>(owners: impl Iterator<Item = (&'a EndpointId, &'a SourceSet)>, encoding: Encoding) -> Arc<[Raw]> {
    match encoding {
        Encoding::Json => [Raw::of(&JsonMessage { room: None, json: to_json(owners) })].into(),
        Encoding::Xml => contents_of(owners).iter().map(Raw::of).collect(),
    }
}

#[cfg(test)]
#[path = "signal_tests.rs"]
mod tests;
