//! What a receiver can see of others' sources (spec/30 §7.4).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::set::{Source, SourceSet, SsrcGroup};
use crate::config;
use crate::focus::conference::features::Features;
use crate::focus::size::escaped;
use crate::wire::values::{EndpointId, MediaType, Semantics, Ssrc};

/// How sources are written to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Encoding {
    Xml,
    Json,
}

impl Encoding {
    /// How many bytes an owner's sources take at most, as part of a stanza. No name and no msid is looked at but for what has to
    /// be escaped.
    pub fn size_of(self, owner: &EndpointId, set: &SourceSet) -> usize {
        let owner = escaped(owner.as_str());
        let texts = |source: &Source| {
            let name = source.name.as_ref().map_or(0, |name| escaped(name.as_str()));
            name + source.msid.as_ref().map_or(0, |msid| escaped(&msid.0))
        };
        // What is around these texts, namespaces and all; each owner is named once in JSON, and by each source in XML.
        let (each, once) = match self {
            Encoding::Xml => (256 + owner, 0),
            Encoding::Json => (128, 48 + owner),
        };
        let sources: usize = set.sources.iter().map(|source| each + texts(source)).sum();
        let groups: usize = set.groups.iter().map(|group| 96 + 32 * group.ssrcs.len()).sum();
        once + sources + groups
    }
}

/// What a receiver can see, and how it is told. Receivers with the same view are told the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct View {
    pub audio: bool,
    pub video: bool,
    /// Only the first layer of simulcast is signalled: the bridge sends all layers on its SSRC.
    pub strip_simulcast: bool,
    /// The bridge rewrites SSRCs: nothing of others is ever signalled (only the bridge's own sources, in the offer).
    pub rewriting: bool,
    pub encoding: Encoding,
}

impl View {
    pub fn of(features: Features, config: &config::Conference) -> View {
        let json = config.use_json_encoded_sources && features.has(Features::JSON_SOURCES);
        View {
            audio: features.has(Features::AUDIO),
            video: features.has(Features::VIDEO),
            strip_simulcast: config.strip_simulcast,
            rewriting: config.use_ssrc_rewriting && features.has(Features::SSRC_REWRITING_V1),
            encoding: if json { Encoding::Json } else { Encoding::Xml },
        }
    }

    /// What is left of an owner's set. Empty if no source is left.
    ///
    /// A group that names a source which is not shown is never shown: LJM fails on it while building its SDP (spec/30 §7.4).
    pub fn filter(&self, set: &SourceSet) -> SourceSet {
        let hidden = if self.strip_simulcast { stripped(&set.groups) } else { BTreeSet::new() };
        let shown = |media| match media {
            MediaType::Audio => self.audio,
            MediaType::Video => self.video,
        };
        // Synthetic sources are the bridge's business alone.
        let sources: Vec<_> = set
            .sources
            .iter()
            .filter(|source| shown(source.media) && !source.synthetic && !hidden.contains(&source.ssrc))
            .cloned()
            .collect();
        let whole =
            |group: &&SsrcGroup| group.ssrcs.iter().all(|ssrc| sources.iter().any(|source| source.ssrc == *ssrc));
        let groups = set
            .groups
            .iter()
            .filter(|group| shown(group.media) && !(self.strip_simulcast && group.semantics == Semantics::Sim))
            .filter(whole)
            .cloned()
            .collect();
        SourceSet { sources, groups }
    }
}

/// The SSRCs that go with simulcast: all but the first of each SIM group, and their retransmissions.
fn stripped(groups: &[SsrcGroup]) -> BTreeSet<Ssrc> {
    let of = |semantics| groups.iter().filter(move |group| group.semantics == semantics);
    let mut hidden: BTreeSet<Ssrc> = of(Semantics::Sim).flat_map(|group| group.ssrcs.iter().skip(1)).copied().collect();
    let repeats: Vec<Ssrc> = of(Semantics::Fid)
        .filter_map(|group| group.ssrcs.split_first())
        .filter(|(first, _)| hidden.contains(first))
        .flat_map(|(_, rest)| rest)
        .copied()
        .collect();
    hidden.extend(repeats);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::focus::sources::samples::{group, simulcast, source};

    const ALL: View =
        View { audio: true, video: true, strip_simulcast: true, rewriting: false, encoding: Encoding::Json };

    fn shown(view: View, set: &SourceSet) -> (Vec<u32>, Vec<Vec<u32>>) {
        let left = view.filter(set);
        let groups = left.groups.iter().map(|group| group.ssrcs.iter().map(|ssrc| ssrc.0).collect()).collect();
        (left.sources.iter().map(|source| source.ssrc.0).collect(), groups)
    }

    /// spec/30 §14 (6, 7).
    #[test]
    fn simulcast_is_stripped_to_its_first_layer() {
        let table = [
            ("stripped", ALL, vec![1, 4, 7], vec![vec![1, 4]]),
            (
                "whole",
                View { strip_simulcast: false, ..ALL },
                vec![1, 2, 3, 4, 5, 6, 7],
                vec![vec![1, 2, 3], vec![1, 4], vec![2, 5], vec![3, 6]],
            ),
            ("no video", View { video: false, ..ALL }, vec![7], vec![]),
            ("no audio", View { audio: false, ..ALL }, vec![1, 4], vec![vec![1, 4]]),
            ("nothing", View { audio: false, video: false, ..ALL }, vec![], vec![]),
        ];
        for (case, view, sources, groups) in table {
            assert_eq!(shown(view, &simulcast()), (sources, groups), "{case}");
        }
    }

    #[test]
    fn a_group_never_names_a_source_that_is_not_shown() {
        let sources = vec![source(1, MediaType::Video, "m"), source(2, MediaType::Video, "m")];
        let groups = vec![group(Semantics::Sim, &[1, 2]), group(Semantics::Fid, &[1, 2])];
        assert_eq!(shown(ALL, &SourceSet { sources, groups }), (vec![1], vec![]));

        let sources = vec![source(1, MediaType::Audio, "m"), source(2, MediaType::Audio, "m")];
        let set = SourceSet { sources, groups: vec![group(Semantics::Fid, &[1, 2])] };
        assert_eq!(shown(View { audio: false, ..ALL }, &set), (vec![], vec![]), "a video group of audio sources");
    }

    #[test]
    fn synthetic_sources_are_not_for_participants() {
        let mut set = simulcast();
        set.sources[6].synthetic = true;
        assert_eq!(shown(ALL, &set).0, [1, 4]);
    }

    #[test]
    fn a_view_follows_features_and_configuration() {
        let mut config = config::Conference::default();
        let features = Features::AUDIO.with(Features::JSON_SOURCES).with(Features::SSRC_REWRITING_V1);
        let view = View::of(features, &config);
        assert_eq!(view, View { video: false, rewriting: true, ..ALL });
        (config.use_json_encoded_sources, config.use_ssrc_rewriting, config.strip_simulcast) = (false, false, false);
        let expected = View { video: false, strip_simulcast: false, encoding: Encoding::Xml, ..ALL };
        assert_eq!(View::of(features, &config), expected);
    }
}
