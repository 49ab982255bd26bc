//! Sources as a peer understands them (spec/30 §7), and what it keeps of those of others.

mod json;
mod remote;
mod xml;

use std::collections::BTreeMap;
use std::fmt;

pub use json::from_json;
pub use remote::Remote;
pub use xml::{contents_of, from_contents};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Media {
    Audio,
    Video,
}

impl Media {
    pub fn name(self) -> &'static str {
        match self {
            Media::Audio => "audio",
            Media::Video => "video",
        }
    }
}

/// One stream of RTP packets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub ssrc: u32,
    pub media: Media,
    /// Clients of December 2021 give none.
    pub name: Option<String>,
    pub msid: Option<String>,
    /// Video is of a camera unless it says that it is of a desktop.
    pub desktop: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Semantics {
    /// A stream and its retransmissions.
    Fid,
    /// Simulcast layers.
    Sim,
}

impl Semantics {
    pub fn name(self) -> &'static str {
        match self {
            Semantics::Fid => "FID",
            Semantics::Sim => "SIM",
        }
    }
}

/// Sources that belong together; the order counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub media: Media,
    pub semantics: Semantics,
    pub ssrcs: Vec<u32>,
}

/// The sources of one owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    pub sources: Vec<Source>,
    pub groups: Vec<Group>,
}

/// Sources by their owner: an endpoint id, or `jvb`.
pub type ByOwner = BTreeMap<String, Sources>;

impl Sources {
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.groups.is_empty()
    }

    /// In an order of their own, for comparing.
    pub fn sorted(mut self) -> Sources {
        self.sources.sort();
        self.groups.sort();
        self
    }

    pub fn get(&self, ssrc: u32) -> Option<&Source> {
        self.sources.iter().find(|source| source.ssrc == ssrc)
    }

    pub fn of(&self, media: Media) -> Sources {
        Sources {
            sources: self.sources.iter().filter(|s| s.media == media).cloned().collect(),
            groups: self.groups.iter().filter(|g| g.media == media).cloned().collect(),
        }
    }

    pub fn without(&self, media: Media) -> Sources {
        self.of(match media {
            Media::Audio => Media::Video,
            Media::Video => Media::Audio,
        })
    }

    /// Without all simulcast layers but the first (spec/30 §7.4).
    pub fn stripped(&self) -> Sources {
        let sims = self.groups.iter().filter(|g| g.semantics == Semantics::Sim);
        let mut gone: Vec<u32> = sims.flat_map(|g| g.ssrcs.iter().skip(1).copied()).collect();
        let (kept, dropped): (Vec<&Group>, Vec<&Group>) = self
            .groups
            .iter()
            .filter(|g| g.semantics == Semantics::Fid)
            .partition(|g| g.ssrcs.first().is_some_and(|first| !gone.contains(first)));
        gone.extend(dropped.into_iter().flat_map(|g| g.ssrcs.iter().skip(1).copied()));
        Sources {
            sources: self.sources.iter().filter(|s| !gone.contains(&s.ssrc)).cloned().collect(),
            groups: kept.into_iter().cloned().collect(),
        }
    }

    /// Adds those of `more`.
    pub fn extend(&mut self, more: Sources) {
        self.sources.extend(more.sources);
        self.groups.extend(more.groups);
    }

    /// Takes out sources by SSRC, and every group which names one of them.
    pub fn remove(&mut self, ssrcs: &[u32]) -> Sources {
        let gone = |ssrc: &u32| ssrcs.contains(ssrc);
        let removed = Sources {
            sources: self.sources.iter().filter(|s| gone(&s.ssrc)).cloned().collect(),
            groups: self.groups.iter().filter(|g| g.ssrcs.iter().any(gone)).cloned().collect(),
        };
        self.sources.retain(|s| !gone(&s.ssrc));
        self.groups.retain(|g| !g.ssrcs.iter().any(gone));
        removed
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            let name = source.name.as_deref().unwrap_or("-");
            let kind = if source.desktop { "desktop" } else { source.media.name() };
            write!(f, "{kind} {} ({name}) ", source.ssrc)?;
        }
        for group in &self.groups {
            write!(f, "{}{:?} ", group.semantics.name(), group.ssrcs)?;
        }
        Ok(())
    }
}
