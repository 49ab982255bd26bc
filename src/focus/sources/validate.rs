//! All sources of a conference, and what may be added to and removed from them (spec/30 §9.3, §9.6).
//!
//! A request costs what it contains and what its owner has, however large the conference: SSRCs and msids are looked up in
//! indexes (spec/90, row 110).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::set::{Candidate, CandidateGroup, CandidateSource, Msid, Source, SourceSet, SsrcGroup};
use super::view::Encoding;
use crate::focus::counted::Counted;
use crate::focus::size;
use crate::wire::stanza::StanzaError;
use crate::wire::values::{Condition, EndpointId, ErrorType, MediaType, Semantics, SourceName, Ssrc};

/// Why a request was refused, in the words that its sender gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub condition: Condition,
    pub text: String,
}

impl Rejection {
    pub fn bad_request(text: impl Into<String>) -> Rejection {
        Rejection { condition: Condition::BadRequest, text: text.into() }
    }

    /// The answer, with the error type of spec/30 §9.2.
    pub fn into_error(self) -> StanzaError {
        let kind = match self.condition {
            Condition::BadRequest => ErrorType::Modify,
            Condition::Forbidden => ErrorType::Auth,
            Condition::ResourceConstraint => ErrorType::Wait,
            _ => ErrorType::Cancel,
        };
        let text = (!self.text.is_empty()).then_some(self.text);
        StanzaError { kind, by: None, condition: self.condition, text, application: Vec::new() }
    }
}

/// How much one participant may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub ssrcs: usize,
    pub groups: usize,
}

/// What a change came to: the owner's whole set before and after, shared with the conference's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub before: Arc<SourceSet>,
    pub after: Arc<SourceSet>,
}

/// The sources of all participants of a conference. No SSRC and no msid belongs to two of them.
///
/// Whoever is between two sessions sends nothing, and what it sent is kept for it until it has said in its next one what it
/// sends: somebody else who claims it meanwhile, from what it heard before, is refused as always.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConferenceSources {
    owners: Counted<EndpointId, Arc<SourceSet>>,
    /// What is kept for whom.
    reserved: Counted<EndpointId, Arc<SourceSet>>,
    /// Of all of these.
    by_ssrc: BTreeMap<Ssrc, EndpointId>,
    by_msid: BTreeMap<Msid, EndpointId>,
}

/// Names and msids go into the offers of everybody else and to the bridge: real ones have some twenty to eighty characters,
/// and a server ends the stream of who sends a stanza that is too large.
const MAX_NAME: usize = 128;

/// So many sources are kept for one who has session after session without accepting any: the latest.
const MAX_RESERVED: usize = 256;

impl ConferenceSources {
    /// Adds all of it or nothing. `Ok(None)`: there was nothing new in it.
    pub fn try_add(
        &mut self,
        owner: &EndpointId,
        wanted: &Candidate,
        limits: Limits,
    ) -> Result<Option<Changed>, Rejection> {
        let before = self.of(owner);
        let mut after = SourceSet::clone(&before);
        self.check_sources(owner, wanted, &mut after, limits)?;
        check_groups(wanted, &mut after, limits)?;
        // As XML, which is larger, whatever the receivers read.
        if Encoding::Xml.size_of(owner, &after) > size::OWNER {
            return Err(Rejection::bad_request("The sources of one participant, with their names, are too large."));
        }
        if after == *before {
            return Ok(None);
        }
        check_result(&after)?;
        after.sources.shrink_to_fit();
        after.groups.shrink_to_fit();
        for source in &after.sources[before.sources.len()..] {
            self.by_ssrc.insert(source.ssrc, owner.clone());
            if let Some(msid) = &source.msid {
                self.by_msid.insert(msid.clone(), owner.clone());
            }
        }
        Ok(Some(self.store(owner, before, after)))
    }

    /// What an owner has already, the same in every field, says nothing when it is said once more: clients repeat in their
    /// accept what they announced before it.
    pub fn news(&self, owner: &EndpointId, mut said: Candidate) -> Candidate {
        if let Some(known) = self.owners.get(owner) {
            let is_known = |source: &CandidateSource| known.sources.iter().any(|known| source.is(known));
            said.sources.retain(|source| !is_known(source));
        }
        said
    }

    /// Removes all of it or nothing, and with it the groups that name a removed source. `Ok(None)`: it was empty.
    pub fn try_remove(&mut self, owner: &EndpointId, unwanted: &Candidate) -> Result<Option<Changed>, Rejection> {
        if unwanted.is_empty() {
            return Ok(None);
        }
        let Some(before) = self.owners.get(owner).cloned() else {
            return Err(Rejection::bad_request("Source does not exist or is not owned by endpoint null."));
        };
        let removed = self.owned_ssrcs(owner, &unwanted.sources)?;
        for group in &unwanted.groups {
            if !before.groups.iter().any(|known| group.is(known)) {
                return Err(Rejection::bad_request("Source group does not exist"));
            }
        }
        let stays = |group: &&SsrcGroup| {
            !unwanted.groups.iter().any(|unwanted| unwanted.is(group))
                && !group.ssrcs.iter().any(|ssrc| removed.contains(ssrc))
        };
        let after = SourceSet {
            sources: before.sources.iter().filter(|source| !removed.contains(&source.ssrc)).cloned().collect(),
            groups: before.groups.iter().filter(stays).cloned().collect(),
        };
        check_result(&after)?;
        let changed = self.store(owner, before, after);
        self.forget_indexes(owner, &changed.before);
        Ok(Some(changed))
    }

    /// An owner's session is over, and it may have another: it sends nothing, and nobody else may send it, nor what is kept for
    /// it from before. `None`: it had nothing.
    pub fn withdraw(&mut self, owner: &EndpointId) -> Option<Changed> {
        let before = self.owners.remove(owner)?;
        let Some(earlier) = self.reserved.remove(owner) else {
            self.reserved.insert(owner.clone(), before.clone());
            return Some(Changed { before, after: Arc::default() });
        };
        let identity = |source: &Source| (source.ssrc, source.msid.clone());
        let latest: BTreeSet<_> = before.sources.iter().map(identity).collect();
        let mut kept: Vec<Source> =
            earlier.sources.iter().filter(|source| !latest.contains(&identity(source))).cloned().collect();
        kept.extend(before.sources.iter().cloned());
        let too_many = kept.len().saturating_sub(MAX_RESERVED.max(before.sources.len()));
        kept.drain(..too_many);
        self.reserved.insert(owner.clone(), Arc::new(SourceSet { sources: kept, groups: Vec::new() }));
        self.forget_indexes(owner, &earlier);
        Some(Changed { before, after: Arc::default() })
    }

    /// An owner has said in a new session what it sends: what else it once sent is anybody's.
    pub fn release(&mut self, owner: &EndpointId) {
        if let Some(reserved) = self.reserved.remove(owner) {
            self.forget_indexes(owner, &reserved);
        }
    }

    /// Forgets an owner: all that it sent is anybody's.
    pub fn remove_owner(&mut self, owner: &EndpointId) {
        self.release(owner);
        if let Some(before) = self.owners.remove(owner) {
            self.forget_indexes(owner, &before);
        }
    }

    /// For whom something is kept.
    pub fn reserved(&self) -> impl Iterator<Item = &EndpointId> {
        self.reserved.iter().map(|(owner, _)| owner)
    }

    /// Whether the indexes have all SSRCs and msids of everybody, and no others.
    pub fn is_consistent(&self) -> bool {
        let all = || self.owners.iter().chain(self.reserved.iter());
        let sources = || all().flat_map(|(owner, set)| set.sources.iter().map(move |source| (owner, source)));
        let by_ssrc: BTreeMap<_, _> = sources().map(|(owner, source)| (source.ssrc, owner.clone())).collect();
        let msid = |(owner, source): (&EndpointId, &Source)| Some((source.msid.clone()?, owner.clone()));
        let by_msid: BTreeMap<_, _> = sources().filter_map(msid).collect();
        by_ssrc == self.by_ssrc && by_msid == self.by_msid
    }

    /// What it sends; the empty set if it is not known.
    pub fn of(&self, owner: &EndpointId) -> Arc<SourceSet> {
        self.owners.get(owner).cloned().unwrap_or_default()
    }

    /// All owners that have something, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&EndpointId, &Arc<SourceSet>)> {
        self.owners.iter()
    }

    /// How many owners were looked at in walks so far.
    #[cfg(feature = "sabotage")]
    pub(crate) fn walked(&self) -> u64 {
        self.owners.walked() + self.reserved.walked()
    }

    /// Checks 1 to 4, source by source; what passes is put into `after`.
    fn check_sources(
        &self,
        owner: &EndpointId,
        wanted: &Candidate,
        after: &mut SourceSet,
        limits: Limits,
    ) -> Result<(), Rejection> {
        let total = after.sources.len() + wanted.sources.len();
        let mut added = BTreeSet::new();
        for source in &wanted.sources {
            let Some(ssrc) = valid(source.ssrc) else {
                return Err(Rejection::bad_request(format!("Invalid SSRC: {}.", source.ssrc)));
            };
            let names = [source.name.as_ref().map(SourceName::as_str), source.msid.as_ref().map(|msid| &*msid.0)];
            if names.into_iter().flatten().any(|name| name.len() > MAX_NAME) {
                return Err(Rejection::bad_request(format!(
                    "Name or msid of a source is longer than {MAX_NAME} bytes."
                )));
            }
            let free = self.by_ssrc.get(&ssrc).is_none_or(|other| other == owner && !self.sends(owner, ssrc));
            if !free || !added.insert(ssrc) {
                return Err(Rejection::bad_request(format!("SSRC is already used: {ssrc}.")));
            }
            if let Some(msid) = &source.msid {
                if self.by_msid.get(msid).is_some_and(|other| other != owner) {
                    return Err(msid_in_use(msid));
                }
            }
            if total > limits.ssrcs {
                return Err(Rejection::bad_request(format!("SSRC limit ({}) exceeded.", limits.ssrcs)));
            }
            after.sources.push(source.accepted(ssrc));
        }
        Ok(())
    }

    fn sends(&self, owner: &EndpointId, ssrc: Ssrc) -> bool {
        self.owners.get(owner).is_some_and(|set| set.sources.iter().any(|source| source.ssrc == ssrc))
    }

    /// The SSRCs to remove, if all of them are the owner's.
    fn owned_ssrcs(&self, owner: &EndpointId, sources: &[CandidateSource]) -> Result<BTreeSet<Ssrc>, Rejection> {
        let owned = |source: &CandidateSource| valid(source.ssrc).filter(|ssrc| self.sends(owner, *ssrc));
        sources
            .iter()
            .map(|source| {
                owned(source).ok_or_else(|| {
                    let ssrc = source.ssrc;
                    Rejection::bad_request(format!("Source does not exist or is not owned by endpoint (ssrc={ssrc})."))
                })
            })
            .collect()
    }

    /// What an owner does not have any more, of what it had, is anybody's.
    fn forget_indexes(&mut self, owner: &EndpointId, had: &SourceSet) {
        let sets = [self.owners.get(owner), self.reserved.get(owner)];
        let has = |is: &dyn Fn(&Source) -> bool| sets.iter().flatten().any(|set| set.sources.iter().any(is));
        for source in &had.sources {
            if !has(&|kept| kept.ssrc == source.ssrc) {
                self.by_ssrc.remove(&source.ssrc);
            }
            if let Some(msid) = &source.msid {
                if !has(&|kept| kept.msid.as_ref() == Some(msid)) {
                    self.by_msid.remove(msid);
                }
            }
        }
    }

    fn store(&mut self, owner: &EndpointId, before: Arc<SourceSet>, after: SourceSet) -> Changed {
        let after = Arc::new(after);
        if after.is_empty() {
            self.owners.remove(owner);
        } else {
            self.owners.insert(owner.clone(), after.clone());
        }
        Changed { before, after }
    }
}

impl CandidateSource {
    fn is(&self, source: &Source) -> bool {
        valid(self.ssrc).is_some_and(|ssrc| self.accepted(ssrc) == *source)
    }

    fn accepted(&self, ssrc: Ssrc) -> Source {
        Source {
            ssrc,
            media: self.media,
            video_type: self.video_type,
            synthetic: false,
            name: self.name.clone(),
            msid: self.msid.clone(),
        }
    }
}

impl CandidateGroup {
    fn is(&self, group: &SsrcGroup) -> bool {
        self.semantics == group.semantics
            && self.media == group.media
            && self.ssrcs.iter().copied().eq(group.ssrcs.iter().map(|ssrc| i64::from(ssrc.0)))
    }
}

/// Check 1: 0 is no SSRC, and there are 32 bits.
fn valid(ssrc: i64) -> Option<Ssrc> {
    u32::try_from(ssrc).ok().filter(|ssrc| *ssrc != 0).map(Ssrc)
}

fn msid_in_use(msid: &Msid) -> Rejection {
    Rejection::bad_request(format!("MSID is already used: {}.", msid.0))
}

/// Checks 5 and 6. Empty groups and those that are known already are passed over.
///
/// More groups than allowed are counted but not kept, so that a stanza full of groups costs no more than reading it.
fn check_groups(wanted: &Candidate, after: &mut SourceSet, limits: Limits) -> Result<(), Rejection> {
    let sources: BTreeSet<Ssrc> = after.sources.iter().map(|source| source.ssrc).collect();
    let mut exceeded = false;
    for group in &wanted.groups {
        if group.ssrcs.is_empty() || after.groups.iter().any(|known| group.is(known)) {
            continue;
        }
        let known = |ssrc: &i64| valid(*ssrc).filter(|ssrc| sources.contains(ssrc));
        let Some(ssrcs) = group.ssrcs.iter().map(known).collect::<Option<Box<[Ssrc]>>>() else {
            let list = &group.ssrcs;
            let text = format!("An SSRC group contains an SSRC, which hasn't been signaled as a source: {list:?}.");
            return Err(Rejection::bad_request(text));
        };
        if after.groups.len() >= limits.groups {
            exceeded = true;
        } else {
            after.groups.push(SsrcGroup { semantics: group.semantics, media: group.media, ssrcs });
        }
    }
    if exceeded {
        return Err(Rejection::bad_request(format!("ssrc-group limit ({}) exceeded.", limits.groups)));
    }
    Ok(())
}

/// Where a source stands in its owner's groups.
#[derive(Default, Clone, Copy)]
struct Place {
    sim: Option<usize>,
    fid: Option<usize>,
}

/// Checks 7 to 10, on everything an owner has after a change.
fn check_result(set: &SourceSet) -> Result<(), Rejection> {
    let by_ssrc: BTreeMap<Ssrc, &Source> = set.sources.iter().map(|source| (source.ssrc, source)).collect();
    let mut places: BTreeMap<Ssrc, Place> = BTreeMap::new();
    for (index, group) in set.groups.iter().enumerate() {
        let list = &group.ssrcs;
        let invalid = || Rejection::bad_request(format!("Invalid {} group: {list:?}.", group.semantics));
        if group.semantics == Semantics::Fid && list.len() != 2 {
            return Err(invalid());
        }
        let mut msid = None;
        for ssrc in list {
            let Some(own) = by_ssrc.get(ssrc).and_then(|source| source.msid.as_ref()) else {
                return Err(Rejection::bad_request("Required source parameter 'msid' is not present."));
            };
            if *msid.get_or_insert(own) != own {
                let text = format!("SsrcGroup contains sources with different MSIDs: {list:?}.");
                return Err(Rejection::bad_request(text));
            }
            let place = places.entry(*ssrc).or_default();
            let taken = match group.semantics {
                Semantics::Sim => place.sim.replace(index),
                Semantics::Fid => place.fid.replace(index),
            };
            // One place in one group of a kind: otherwise it is anybody's guess what belongs together (spec/30 §9.3).
            if taken.is_some() {
                return Err(invalid());
            }
        }
    }
    check_msids(set, &places)
}

/// What a source belongs to as a whole: a group (by its index), or nothing but itself.
#[derive(PartialEq, Eq)]
enum ExtendedGroup {
    Group(usize),
    Alone(Ssrc),
}

/// Check 10.
fn check_msids(set: &SourceSet, places: &BTreeMap<Ssrc, Place>) -> Result<(), Rejection> {
    let mut users: BTreeMap<(MediaType, &Msid), ExtendedGroup> = BTreeMap::new();
    for source in &set.sources {
        let Some(msid) = &source.msid else { continue };
        let extended = extended_group(set, places, source.ssrc);
        if *users.entry((source.media, msid)).or_insert_with(|| extended_group(set, places, source.ssrc)) != extended {
            return Err(msid_in_use(msid));
        }
    }
    Ok(())
}

/// The SIM group of a source; else its FID group, or, of a retransmission, the SIM group of what it repeats; else itself.
fn extended_group(set: &SourceSet, places: &BTreeMap<Ssrc, Place>, ssrc: Ssrc) -> ExtendedGroup {
    let place = places.get(&ssrc).copied().unwrap_or_default();
    match place {
        Place { sim: Some(sim), .. } => ExtendedGroup::Group(sim),
        Place { sim: None, fid: Some(fid) } => {
            let first = set.groups[fid].ssrcs[0];
            let sim_of_first = places.get(&first).and_then(|place| place.sim);
            ExtendedGroup::Group(sim_of_first.unwrap_or(fid))
        }
        Place { sim: None, fid: None } => ExtendedGroup::Alone(ssrc),
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
