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

/// How the msids of these begin: by it clients know them.
pub const FEEDBACK_MSID: &str = "mixedmslabel";

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
    /// Reads the contents of an incoming session-accept, source-add or source-remove (spec/30 §7.2).
    ///
    /// Refused (`bad-request`): a content of a kind of media that nobody knows.
    pub fn from_contents(contents: &[Content]) -> Result<Candidate, Rejection> {
        let mut candidate = Candidate::default();
        for content in contents {
            let Some(media) = media_of(content)? else { continue };
            let described = content.description.iter().flat_map(|description| &description.sources);
            for source in described.chain(&content.sources) {
                candidate.push(media, source);
            }
            for group in content.description.iter().flat_map(|description| &description.groups) {
                let ssrcs = group.sources.iter().map(|source| source.ssrc.unwrap_or(NO_SSRC)).collect();
                candidate.groups.push(CandidateGroup { semantics: group.semantics, media, ssrcs });
            }
        }
        Ok(candidate)
    }

    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.groups.is_empty()
    }

    /// Whether there is a source of this kind (for the limit of senders, spec/30 §9.5).
    pub fn has(&self, media: MediaType) -> bool {
        self.sources.iter().any(|source| source.media == media)
    }

    /// Layers of one stream repeat their name and msid: each text is kept once.
    fn push(&mut self, media: MediaType, source: &ssma::Source) {
        let last = self.sources.last();
        let name = match last.and_then(|last| last.name.clone()) {
            Some(name) if Some(&name) == source.name.as_ref() => Some(name),
            _ => source.name.clone(),
        };
        let msid = match (last.and_then(|last| last.msid.clone()), first_msid(source)) {
            (Some(msid), Some(text)) if *msid.0 == *text => Some(msid),
            (_, text) => text.map(|text| Msid(text.into())),
        };
        let ssrc = source.ssrc.unwrap_or(NO_SSRC);
        self.sources.push(CandidateSource { ssrc, media, video_type: source.video_type, name, msid });
    }
}

/// Stands for an SSRC that was not given, and names it in refusals (spec/30 §7.2).
const NO_SSRC: i64 = -1;

/// Kinds of contents that are legal and have no sources for us.
const OTHER_MEDIA: &[&str] = &["application", "data", "image", "message", "model", "multipart", "text"];

/// How much of an unknown name a refusal repeats, in characters.
const MAX_QUOTED: usize = 64;

/// `description@media`, or the name of a content without a description.
fn media_of(content: &Content) -> Result<Option<MediaType>, Rejection> {
    let described = content.description.as_ref().and_then(|description| description.media.as_deref());
    let name = described.or(content.name.as_deref()).unwrap_or("");
    match name.parse() {
        Ok(media) => Ok(Some(media)),
        Err(_) if OTHER_MEDIA.iter().any(|known| known.eq_ignore_ascii_case(name)) => Ok(None),
        Err(_) => {
            let quoted: String = name.chars().take(MAX_QUOTED).collect();
            Err(Rejection::bad_request(format!("Unknown media type: {quoted}.")))
        }
    }
}

/// The first `msid` counts, even if it has no value. The focus' namespace is looked at before lib-jitsi-meet's; nobody
/// sends both.
fn first_msid(source: &ssma::Source) -> Option<&str> {
    let of_rtp = source.parameters.iter().map(|parameter| (&parameter.name, &parameter.value));
    let of_ssma = source.own_parameters.iter().map(|parameter| (&parameter.name, &parameter.value));
    let (_, value) = of_rtp.chain(of_ssma).find(|(name, _)| name.as_deref() == Some("msid"))?;
    value.as_deref()
}

/// The contents of a source-add, source-remove or offer: one for each kind of media that there is.
///
/// All sources come before all groups, as the reference has it in offers. In its source-adds for several owners it has them
/// owner by owner; nobody reads a group in relation to the sources beside it.
pub fn contents_of<'a>(owners: impl IntoIterator<Item = (&'a EndpointId, &'a SourceSet)>) -> Vec<Content> {
    let mut audio = Description::default();
    let mut video = Description::default();
    for (owner, set) in owners {
        describe(owner, set, MediaType::Audio, &mut audio);
        describe(owner, set, MediaType::Video, &mut video);
    }
    [(MediaType::Audio, audio), (MediaType::Video, video)]
        .into_iter()
        .filter(|(_, description)| !description.sources.is_empty() || !description.groups.is_empty())
        .map(|(media, mut description)| {
            description.media = Some(media.as_str().into());
            Content { name: Some(media.as_str().into()), description: Some(description), ..Content::default() }
        })
        .collect()
}

/// Adds an owner's sources and groups of one kind to a description.
pub fn describe(owner: &EndpointId, set: &SourceSet, media: MediaType, description: &mut Description) {
    let sources = set.sources.iter().filter(|source| source.media == media);
    description.sources.extend(sources.map(|source| source.to_wire(owner)));
    let groups = set.groups.iter().filter(|group| group.media == media);
    description.groups.extend(groups.map(SsrcGroup::to_wire));
}

impl Source {
    fn to_wire(&self, owner: &EndpointId) -> ssma::Source {
        let msid = |msid: &Msid| ssma::SourceParameter { name: Some("msid".into()), value: Some(msid.0.to_string()) };
        ssma::Source {
            ssrc: Some(i64::from(self.ssrc.0)),
            name: self.name.clone(),
            video_type: self.video_type,
            info: Some(ssma::SsrcInfo { owner: Some(owner.to_string()) }),
            parameters: self.msid.iter().map(msid).collect(),
            own_parameters: Vec::new(),
        }
    }
}

impl SsrcGroup {
    pub fn to_wire(&self) -> ssma::SsrcGroup {
        let sources = self.ssrcs.iter().map(|ssrc| ssma::GroupedSource { ssrc: Some(i64::from(ssrc.0)) }).collect();
        ssma::SsrcGroup { semantics: self.semantics, sources }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::focus::sources::samples::{self, group, source};
    use crate::wire::jingle::Jingle;
    use crate::wire::xml::{read_str, to_string};

    fn read(contents: &str) -> Result<Candidate, Rejection> {
        let jingle: Jingle =
            read_str(&format!("<jingle xmlns='urn:xmpp:jingle:1'>{contents}</jingle>")).expect("legal XML");
        Candidate::from_contents(&jingle.contents)
    }

    const RTP: &str = "urn:xmpp:jingle:apps:rtp:1";
    const SSMA: &str = "urn:xmpp:jingle:apps:rtp:ssma:0";

    #[test]
    fn msid_is_read_in_both_namespaces_and_the_first_counts() {
        for ns in [RTP, SSMA] {
            let candidate = read(&format!(
                "<content name='audio'><description xmlns='{RTP}' media='audio'><source xmlns='{SSMA}' ssrc='7' name='a-a0'>\
                 <parameter xmlns='{ns}' name='cname' value='c'/><parameter xmlns='{ns}' name='msid' value='s t'/>\
                 <parameter xmlns='{ns}' name='msid' value='x y'/></source></description></content>"
            ));
            let candidate = candidate.expect("audio is known");
            assert_eq!(candidate.sources[0].msid, Some(Msid("s t".into())), "{ns}");
            assert_eq!(candidate.sources[0].name, Some("a-a0".into()));
        }
    }

    #[test]
    fn sources_are_read_from_content_and_description_and_groups_from_description() {
        let candidate = read(&format!(
            "<content name='x'><description xmlns='{RTP}' media='VIDEO'><source xmlns='{SSMA}' ssrc='1' videoType='DESKTOP'/>\
             <ssrc-group xmlns='{SSMA}' semantics='fid'><source ssrc='1'/><source/></ssrc-group></description>\
             <source xmlns='{SSMA}' ssrc='2'/><source xmlns='{SSMA}'/></content>"
        ));
        let candidate = candidate.expect("video is known, in any case");
        assert_eq!(candidate.sources.iter().map(|source| source.ssrc).collect::<Vec<_>>(), [1, 2, -1]);
        assert_eq!(candidate.sources[0].video_type, Some(VideoType::Desktop));
        let group = CandidateGroup { semantics: Semantics::Fid, media: MediaType::Video, ssrcs: vec![1, -1] };
        assert_eq!(candidate.groups, [group]);
        assert!(candidate.has(MediaType::Video) && !candidate.has(MediaType::Audio));
    }

    #[test]
    fn media_is_the_descriptions_or_else_the_contents_name() {
        let source = format!("<source xmlns='{SSMA}' ssrc='1'/>");
        let table = [
            (format!("<content name='audio'>{source}</content>"), Ok(1)),
            (format!("<content name='data'>{source}</content>"), Ok(0)),
            (format!("<content name='0'><description xmlns='{RTP}' media='application'/>{source}</content>"), Ok(0)),
            (format!("<content name='0'>{source}</content>"), Err("Unknown media type: 0.")),
            (
                format!("<content name='audio'><description xmlns='{RTP}' media='smell'/></content>"),
                Err("Unknown media type: smell."),
            ),
        ];
        for (contents, expected) in table {
            let found = read(&contents).map(|candidate| candidate.sources.len());
            assert_eq!(found, expected.map_err(Rejection::bad_request), "{contents}");
        }
    }

    #[test]
    fn layers_of_a_stream_share_their_texts() {
        let layer =
            |ssrc| format!("<source xmlns='{SSMA}' ssrc='{ssrc}' name='n'><parameter name='msid' value='m'/></source>");
        let candidate =
            read(&format!("<content name='video'>{}{}</content>", layer(1), layer(2))).expect("video is known");
        let msids: Vec<_> = candidate.sources.iter().flat_map(|source| &source.msid).collect();
        assert!(Arc::ptr_eq(&msids[0].0, &msids[1].0));
    }

    #[test]
    fn contents_are_one_per_kind_with_sources_before_groups() {
        let a = EndpointId::from("A.b");
        let contents = contents_of([(&a, &samples::simulcast())]);
        assert_eq!(
            contents.iter().map(|content| content.name.as_deref()).collect::<Vec<_>>(),
            [Some("audio"), Some("video")]
        );
        assert!(contents.iter().all(|content| content.creator.is_none() && content.senders.is_none()));
        let video = contents[1].description.as_ref().expect("written");
        assert_eq!((video.sources.len(), video.groups.len()), (6, 4));
        let xml = to_string(&contents[0]);
        assert!(xml.contains("owner='A.b'"), "the owner is written as it is: {xml}");
        assert!(xml.contains("name='msid' value='a-audio t'"), "{xml}");
        assert!(contents_of([(&a, &SourceSet::default())]).is_empty());
    }

    /// A room of thousands has tens of thousands of them.
    #[test]
    fn a_source_is_small() {
        assert!(size_of::<Source>() <= 40 && size_of::<SsrcGroup>() <= 24);
    }

    #[test]
    fn sets_subtract_and_unite_by_identity() {
        let one =
            SourceSet { sources: vec![source(1, MediaType::Video, "m")], groups: vec![group(Semantics::Sim, &[1])] };
        let mut renamed = one.clone();
        renamed.sources[0].name = Some("other".into());
        assert!(one.minus(&one).is_empty());
        assert_eq!(one.minus(&renamed), SourceSet { sources: one.sources.clone(), groups: vec![] });
        assert_eq!(one.plus(&renamed).sources.len(), 2);
        assert_eq!(one.plus(&one), one);
    }
}
