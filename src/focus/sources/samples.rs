//! Sources for tests.

use super::set::{Candidate, CandidateGroup, CandidateSource, Msid, Source, SourceSet, SsrcGroup};
use crate::wire::values::{MediaType, Semantics, Ssrc};

pub fn source(ssrc: u32, media: MediaType, msid: &str) -> Source {
    let msid = (!msid.is_empty()).then(|| Msid(msid.into()));
    Source { ssrc: Ssrc(ssrc), media, video_type: None, synthetic: false, name: None, msid }
}

pub fn group(semantics: Semantics, ssrcs: &[u32]) -> SsrcGroup {
    SsrcGroup { semantics, media: MediaType::Video, ssrcs: ssrcs.iter().map(|ssrc| Ssrc(*ssrc)).collect() }
}

/// Three layers with retransmissions and audio: SIM(1,2,3), FID(1,4), FID(2,5), FID(3,6), audio 7 (spec/30 §14, 7).
pub fn simulcast() -> SourceSet {
    simulcast_from(0, "a")
}

/// The same, each SSRC greater by `base`, msids by `owner`.
pub fn simulcast_from(base: u32, owner: &str) -> SourceSet {
    let video = (1..=6).map(|ssrc| source(base + ssrc, MediaType::Video, &format!("{owner}-video t")));
    let audio = source(base + 7, MediaType::Audio, &format!("{owner}-audio t"));
    SourceSet {
        sources: video.chain([audio]).collect(),
        groups: vec![
            group(Semantics::Sim, &[base + 1, base + 2, base + 3]),
            group(Semantics::Fid, &[base + 1, base + 4]),
            group(Semantics::Fid, &[base + 2, base + 5]),
            group(Semantics::Fid, &[base + 3, base + 6]),
        ],
    }
}

/// The set as a client would ask for it.
pub fn candidate(set: &SourceSet) -> Candidate {
    let source = |source: &Source| CandidateSource {
        ssrc: i64::from(source.ssrc.0),
        media: source.media,
        video_type: source.video_type,
        name: source.name.clone(),
        msid: source.msid.clone(),
    };
    let group = |group: &SsrcGroup| CandidateGroup {
        semantics: group.semantics,
        media: group.media,
        ssrcs: group.ssrcs.iter().map(|ssrc| i64::from(ssrc.0)).collect(),
    };
    Candidate { sources: set.sources.iter().map(source).collect(), groups: set.groups.iter().map(group).collect() }
}
