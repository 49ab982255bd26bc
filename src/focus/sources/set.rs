//! Sources and groups of one owner, and their XML (spec/30 §7.1, §7.2).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::validate::Rejection;
use crate::wire::jingle::{Content, Description};
use crate::wire::ssma;
use crate::wire::values::{EndpointId, MediaType, Semantics, SourceName, Ssrc, VideoType};

/// The owner of the bridge's own sources (spec/30 §7.6).
pub const BRIDGE_OWNER: &str = "jvb";

/// `<stream> <track>` of a source. Text of a client: nothing about it is checked, it is only compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Msid(pub Arc<str>);

impl fmt::Debug for Msid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// One stream of packets. Two are the same if all fields are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    pub ssrc: Ssrc,
    pub media: MediaType,
    pub video_type: Option<VideoType>,
    /// Translated audio that the focus made up: told to the bridge, never to participants.
    pub synthetic: bool,
    pub name: Option<SourceName>,
    pub msid: Option<Msid>,
}

/// Sources that belong together, in an order that means something. Two are the same if all fields are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SsrcGroup {
    pub semantics: Semantics,
    pub media: MediaType,
    pub ssrcs: Box<[Ssrc]>,
}

/// What one owner sends, in the order in which it was signalled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceSet {
    pub sources: Vec<Source>,
    pub groups: Vec<SsrcGroup>,
}

impl SourceSet {
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.groups.is_empty()
    }

    /// Whether there is a source or group of this kind.
    pub fn has(&self, media: MediaType) -> bool {
        self.sources.iter().any(|source| source.media == media) || self.groups.iter().any(|group| group.media == media)
    }

    /// What is here and not in `other`, by identity.
    pub fn minus(&self, other: &SourceSet) -> SourceSet {
        SourceSet {
            sources: self.sources.iter().filter(|source| !other.sources.contains(source)).cloned().collect(),
            groups: self.groups.iter().filter(|group| !other.groups.contains(group)).cloned().collect(),
        }
    }

    /// Both, without repeating what is in both.
    pub fn plus(&self, other: &SourceSet) -> SourceSet {
        let mut all = self.clone();
        all.sources.extend(other.sources.iter().filter(|source| !self.sources.contains(source)).cloned());
        all.groups.extend(other.groups.iter().filter(|group| !self.groups.contains(group)).cloned());
        all
    }
}

/// What a participant asks to add or to remove: as received, nothing checked but that it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidate {
    pub sources: Vec<CandidateSource>,
    pub groups: Vec<CandidateGroup>,
}

/// A source as received. SSRCs are any number, so that a refusal can name them; −1 where there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateSource {
    pub ssrc: i64,
    pub media: MediaType,
    pub video_type: Option<VideoType>,
    pub name: Option<SourceName>,
    pub msid: Option<Msid>,
}

/// A group as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateGroup {
    pub semantics: Semantics,
    pub media: MediaType,
    pub ssrcs: Vec<i64>,
}

impl Candidate {
    /// Reads the contents of an incoming session-accept, source-add or source-remove.
    ///
    /// Refused (`bad-request`): a content of a kind of media that nobody knows.
    pub fn from_contents(_contents: &[Content]) -> Result<Candidate, Rejection> {
        unimplemented!()
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.groups.is_empty()
    }

    /// Whether there is a source of this kind (for the limit of senders, spec/30 §9.5).
    pub fn has(&self, media: MediaType) -> bool {
        self.sources.iter().any(|source| source.media == media)
    }
}

/// The contents of a source-add, source-remove or offer: one for each kind of media that there is, with the sources and
/// then the groups of all owners.
pub fn contents_of<'a>(_owners: impl IntoIterator<Item = (&'a EndpointId, &'a SourceSet)>) -> Vec<Content> {
    let _ = |d: Description, s: ssma::Source| (d, s);
    unimplemented!()
}
