//! The sources of others which a participant was told of.

use std::collections::BTreeSet;

use super::{ByOwner, Group, Semantics, Source, Sources};

/// What a client would build its SDP from.
#[derive(Debug, Clone, Default)]
pub struct Remote {
    by_owner: ByOwner,
}

impl Remote {
    pub fn by_owner(&self) -> &ByOwner {
        &self.by_owner
    }

    pub fn of(&self, owner: &str) -> Option<&Sources> {
        self.by_owner.get(owner)
    }

    /// Forgets an owner: what clients do when its presence becomes unavailable (spec/30 §6.8).
    pub fn forget(&mut self, owner: &str) {
        self.by_owner.remove(owner);
    }

    pub fn clear(&mut self) {
        self.by_owner.clear();
    }

    /// Takes in what was announced; answers what is wrong with it. `strict_names`: a current client, which attaches groups
    /// to source names (spec/30 §7.4).
    pub fn add(&mut self, added: &ByOwner, strict_names: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for (owner, sources) in added {
            for source in &sources.sources {
                self.check_new(owner, source, &mut wrong);
                self.by_owner.entry(owner.clone()).or_default().sources.push(source.clone());
            }
            let known = self.by_owner.entry(owner.clone()).or_default();
            for group in &sources.groups {
                if known.groups.contains(group) {
                    wrong.push(format!("group {:?} of {owner} announced twice", group.ssrcs));
                } else {
                    known.groups.push(group.clone());
                }
            }
            check_groups(owner, known, strict_names, &mut wrong);
        }
        self.by_owner.retain(|_, sources| !sources.is_empty());
        wrong
    }

    fn check_new(&self, owner: &str, source: &Source, wrong: &mut Vec<String>) {
        let holder = self.by_owner.iter().find(|(_, sources)| sources.get(source.ssrc).is_some());
        if let Some((holder, _)) = holder {
            wrong.push(format!("source {} of {owner} announced though {holder} has it already", source.ssrc));
        }
        // A source without msid produces nothing in a client's SDP (spec/30 §7.4).
        if source.msid.as_ref().is_none_or(|msid| msid.trim().is_empty()) {
            wrong.push(format!("source {} of {owner} without msid", source.ssrc));
        }
    }

    /// Takes out what was withdrawn; answers what is wrong with it.
    pub fn remove(&mut self, removed: &ByOwner) -> Vec<String> {
        let mut wrong = Vec::new();
        for (owner, sources) in removed {
            let Some(known) = self.by_owner.get_mut(owner) else {
                wrong.push(format!("removal of sources of {owner}, who has none: {sources}"));
                continue;
            };
            for source in &sources.sources {
                if known.get(source.ssrc).is_none() {
                    wrong.push(format!("removal of source {} of {owner}, which is unknown", source.ssrc));
                }
            }
            known.sources.retain(|source| sources.get(source.ssrc).is_none());
            for group in &sources.groups {
                if !known.groups.contains(group) {
                    wrong.push(format!("removal of group {:?} of {owner}, which is unknown", group.ssrcs));
                }
            }
            known.groups.retain(|group| !sources.groups.contains(group));
            for group in &known.groups {
                if let Some(ssrc) = group.ssrcs.iter().find(|ssrc| known.get(**ssrc).is_none()) {
                    wrong.push(format!("source {ssrc} of {owner} removed, its group {:?} left behind", group.ssrcs));
                }
            }
        }
        self.by_owner.retain(|_, sources| !sources.is_empty());
        wrong
    }
}

/// A group must never name a source that was not signalled: a client then fails while it builds its SDP (spec/30 §7.4).
fn check_groups(owner: &str, sources: &Sources, strict_names: bool, wrong: &mut Vec<String>) {
    let mut in_fid = BTreeSet::new();
    for group in &sources.groups {
        if group.ssrcs.is_empty() {
            wrong.push(format!("an empty group of {owner}"));
        }
        for ssrc in group.ssrcs.iter().filter(|ssrc| sources.get(**ssrc).is_none()) {
            wrong.push(format!("group {:?} of {owner} names {ssrc}, which was not signalled", group.ssrcs));
        }
        if group.semantics == Semantics::Fid {
            if group.ssrcs.len() != 2 {
                wrong.push(format!("FID group {:?} of {owner} is no pair", group.ssrcs));
            }
            for ssrc in group.ssrcs.iter().filter(|ssrc| !in_fid.insert(**ssrc)) {
                wrong.push(format!("source {ssrc} of {owner} has two partners"));
            }
        }
        check_group_members(owner, sources, group, strict_names, wrong);
    }
}

fn check_group_members(owner: &str, sources: &Sources, group: &Group, strict_names: bool, wrong: &mut Vec<String>) {
    let members: Vec<&Source> = group.ssrcs.iter().filter_map(|ssrc| sources.get(*ssrc)).collect();
    let Some(first) = members.first() else { return };
    if members.iter().any(|m| m.msid != first.msid || m.media != group.media) {
        wrong.push(format!("group {:?} of {owner} joins sources of different msid or medium", group.ssrcs));
    }
    let Some(name) = first.name.as_ref().filter(|_| strict_names) else { return };
    let mut named: Vec<u32> =
        sources.sources.iter().filter(|s| s.name.as_ref() == Some(name)).map(|s| s.ssrc).collect();
    let mut grouped = group.ssrcs.clone();
    named.sort_unstable();
    grouped.sort_unstable();
    if named != grouped {
        wrong.push(format!("group {:?} of {owner} is not exactly the sources {named:?} named {name}", group.ssrcs));
    }
}
