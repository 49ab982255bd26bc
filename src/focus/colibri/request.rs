//! Requests to a bridge (spec/40 §5), one function each.

use std::collections::BTreeMap;

use crate::focus::conference::offer::Codecs;
use crate::focus::sources::set::SourceSet;
use crate::wire::colibri2::{
    BridgeSource, Capability, ConferenceModify, Endpoint, ForceMute, LastN, MediaSource, Sctp, Sources, Transport,
};
use crate::wire::ice::IceTransport;
use crate::wire::values::{EndpointId, MediaType, MeetingId, MucRole, SourceName, Ssrc};

/// Set when the request also creates the conference on the bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConference {
    /// The room's bare JID.
    pub name: String,
    /// Only `false` is written.
    pub rtcstats: bool,
}

/// What a bridge is to know of an endpoint from the start (spec/40 §5.1).
#[derive(Debug, Clone, Copy)]
pub struct NewEndpoint<'a> {
    pub id: &'a EndpointId,
    pub stats_id: Option<&'a str>,
    pub codecs: &'a Codecs,
    pub visitor: bool,
    pub diarize: bool,
    pub ssrc_rewriting: bool,
    pub rtp_mid_demux: bool,
    pub private_addresses: bool,
    pub force_mute: ForceMute,
    pub sources: &'a SourceSet,
}

/// An update of one endpoint; what is `None` stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    pub id: &'a EndpointId,
    pub stats_id: Option<&'a str>,
    /// As the client sent it; `rtcp-mux` is added if missing.
    pub transport: Option<&'a IceTransport>,
    /// Always the full set.
    pub sources: Option<&'a SourceSet>,
    pub initial_last_n: Option<i32>,
}

/// Creates an endpoint, and the conference with it if this is the first (spec/40 §5.1, §5.2).
pub fn allocate(
    meeting: &MeetingId,
    conference: Option<&NewConference>,
    endpoint: NewEndpoint<'_>,
) -> ConferenceModify {
    ConferenceModify {
        name: conference.map(|conference| conference.name.clone()),
        create: conference.is_some(),
        rtcstats_enabled: conference.is_some_and(|conference| !conference.rtcstats).then_some(false),
        ..modify(meeting, vec![endpoint.created()])
    }
}

impl NewEndpoint<'_> {
    fn created(self) -> Endpoint {
        let transport = Transport {
            // The client is always the answerer (spec/40 §5.1).
            ice_controlling: true,
            sctp: self.codecs.data.then(Sctp::default),
            ..Transport::default()
        };
        let muted = self.force_mute != ForceMute::default();
        Endpoint {
            id: self.id.clone(),
            create: true,
            stats_id: self.stats_id.map(Into::into),
            muc_role: self.visitor.then_some(MucRole::Visitor),
            diarize: self.diarize,
            transport: Some(transport),
            sources: Some(media_sources(self.id, self.sources)),
            force_mute: muted.then_some(self.force_mute),
            capabilities: capabilities(self.ssrc_rewriting, self.rtp_mid_demux, self.private_addresses),
            others: self.codecs.media.iter().map(|media| media.for_bridge.clone()).collect(),
            ..Endpoint::default()
        }
    }
}

/// What a bridge is told that an endpoint can; only when it creates it.
pub fn capabilities(ssrc_rewriting: bool, rtp_mid_demux: bool, private_addresses: bool) -> Vec<Capability> {
    [
        ("source-names", true),
        ("ssrc-rewriting", ssrc_rewriting),
        ("rtp-mid-demux", rtp_mid_demux),
        ("private-address-connectivity", private_addresses),
    ]
    .into_iter()
    .filter(|(_, wanted)| *wanted)
    .map(|(name, _)| Capability { name: name.into() })
    .collect()
}

/// Transport ([`IceTransport::for_bridge`]), sources and last-n of one endpoint (spec/40 §5.3, §5.4). `None`: nothing to change, nothing to send.
pub fn update(meeting: &MeetingId, update: Update<'_>) -> Option<ConferenceModify> {
    if update.transport.is_none() && update.sources.is_none() && update.initial_last_n.is_none() {
        return None;
    }
    let transport = update.transport.map(|ice| Transport { ice: Some(ice.clone()), ..Transport::default() });
    let endpoint = Endpoint {
        id: update.id.clone(),
        stats_id: update.stats_id.map(Into::into),
        transport,
        sources: update.sources.map(|set| media_sources(update.id, set)),
        initial_last_n: update.initial_last_n.map(|value| LastN { value }),
        ..Endpoint::default()
    };
    Some(modify(meeting, vec![endpoint]))
}

/// Has the bridge start ICE anew in place (spec/40 §5.5).
pub fn ice_restart(meeting: &MeetingId, id: &EndpointId, stats_id: Option<&str>) -> ConferenceModify {
    let endpoint = Endpoint {
        id: id.clone(),
        stats_id: stats_id.map(Into::into),
        transport: Some(Transport { ice_restart: true, ..Transport::default() }),
        ..Endpoint::default()
    };
    modify(meeting, vec![endpoint])
}

/// Mutes and unmutes endpoints (spec/40 §5.6). Both values of each always mean something.
pub fn force_mute(meeting: &MeetingId, endpoints: &[(EndpointId, ForceMute)]) -> ConferenceModify {
    let endpoint = |(id, mute): &(EndpointId, ForceMute)| Endpoint {
        id: id.clone(),
        force_mute: Some(*mute),
        ..Endpoint::default()
    };
    modify(meeting, endpoints.iter().map(endpoint).collect())
}

/// Ends endpoints while others stay (spec/40 §5.7).
pub fn expire_endpoints<'a>(
    meeting: &MeetingId,
    endpoints: impl IntoIterator<Item = &'a EndpointId>,
) -> ConferenceModify {
    let endpoint = |id: &EndpointId| Endpoint { id: id.clone(), expire: true, ..Endpoint::default() };
    modify(meeting, endpoints.into_iter().map(endpoint).collect())
}

/// Ends the conference on the bridge (spec/40 §5.8).
pub fn expire_conference(meeting: &MeetingId) -> ConferenceModify {
    ConferenceModify { expire: true, ..modify(meeting, Vec::new()) }
}

fn modify(meeting: &MeetingId, endpoints: Vec<Endpoint>) -> ConferenceModify {
    ConferenceModify { meeting_id: meeting.clone(), endpoints, ..ConferenceModify::default() }
}

/// A participant's set as the bridge wants it (spec/40 §2.7): one media source for each name, in the order in which the names
/// first appear, without msids.
///
/// A group stands with the first known source that it names; one that names none is dropped.
pub fn media_sources(owner: &EndpointId, set: &SourceSet) -> Sources {
    let mut media_sources: Vec<MediaSource> = Vec::new();
    let mut places: BTreeMap<Ssrc, usize> = BTreeMap::new();
    for source in &set.sources {
        let id = source.name.clone().unwrap_or_else(|| default_name(owner, source.media));
        let same = |known: &MediaSource| known.id == id && known.kind == source.media;
        let place = media_sources.iter().position(same).unwrap_or_else(|| {
            media_sources.push(MediaSource {
                kind: source.media,
                id,
                synthetic: source.synthetic,
                sources: Vec::new(),
                groups: Vec::new(),
            });
            media_sources.len() - 1
        });
        let (ssrc, name, video_type) = (source.ssrc, source.name.clone(), source.video_type);
        media_sources[place].sources.push(BridgeSource { ssrc, name, video_type });
        places.insert(ssrc, place);
    }
    for group in &set.groups {
        if let Some(place) = group.ssrcs.iter().find_map(|ssrc| places.get(ssrc)) {
            media_sources[*place].groups.push(group.to_wire());
        }
    }
    Sources { media_sources }
}

/// What a source is called whose client gave it no name.
fn default_name(owner: &EndpointId, media: MediaType) -> SourceName {
    let letter = match media {
        MediaType::Audio => 'a',
        MediaType::Video => 'v',
    };
    format!("{owner}-{letter}0").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::focus::conference::features::Features;
    use crate::focus::conference::offer::CodecCache;
    use crate::focus::sources::samples::{group, source};
    use crate::wire::values::Semantics;
    use crate::wire::xml::{read_str, to_string};

    fn meeting() -> MeetingId {
        "M".into()
    }

    /// What the bridge reads.
    fn read(modify: &ConferenceModify) -> ConferenceModify {
        read_str(&to_string(modify)).expect("what we write can be read")
    }

    fn allocated(
        features: Features,
        conference: Option<&NewConference>,
        change: fn(&mut NewEndpoint<'_>),
    ) -> ConferenceModify {
        let (id, sources) = ("p".into(), SourceSet::default());
        let codecs = CodecCache::default().get(features, &Config::default());
        let mut endpoint = NewEndpoint {
            id: &id,
            stats_id: Some("Tessa-Xyz"),
            codecs: &codecs,
            visitor: false,
            diarize: false,
            ssrc_rewriting: false,
            rtp_mid_demux: false,
            private_addresses: false,
            force_mute: ForceMute::default(),
            sources: &sources,
        };
        change(&mut endpoint);
        read(&allocate(&meeting(), conference, endpoint))
    }

    fn names(endpoint: &Endpoint) -> Vec<&str> {
        endpoint.capabilities.iter().map(|capability| capability.name.as_str()).collect()
    }

    /// spec/40, tests 1 and 5.
    #[test]
    fn the_first_endpoint_creates_the_conference() {
        let conference = NewConference { name: "weekly@conference.meet.example.com".into(), rtcstats: true };
        let modify = allocated(Features::UNANSWERED, Some(&conference), |_| ());
        assert_eq!((modify.create, modify.rtcstats_enabled), (true, None));
        assert_eq!(modify.name.as_deref(), Some("weekly@conference.meet.example.com"));
        let endpoint = &modify.endpoints[0];
        assert!(endpoint.create);
        assert_eq!(names(endpoint), ["source-names"]);
        assert_eq!(endpoint.sources, Some(Sources::default()));
        assert_eq!(
            endpoint.media.iter().map(|media| media.kind).collect::<Vec<_>>(),
            [MediaType::Audio, MediaType::Video]
        );
        let transport = endpoint.transport.as_ref().expect("JVB wants one");
        assert_eq!((transport.ice_controlling, transport.sctp.is_some()), (true, true));
        assert_eq!((endpoint.force_mute, endpoint.muc_role), (None, None));

        let conference = NewConference { rtcstats: false, ..conference };
        assert_eq!(allocated(Features::AUDIO, Some(&conference), |_| ()).rtcstats_enabled, Some(false));
    }

    /// spec/40, tests 2 to 4.
    #[test]
    fn later_endpoints_join_it_with_what_they_are() {
        let modify = allocated(Features::AUDIO, None, |endpoint| {
            endpoint.force_mute = ForceMute { audio: true, video: false };
            (endpoint.visitor, endpoint.diarize, endpoint.private_addresses) = (true, true, true);
            (endpoint.ssrc_rewriting, endpoint.rtp_mid_demux) = (true, true);
        });
        assert_eq!((modify.create, modify.name), (false, None));
        let endpoint = &modify.endpoints[0];
        assert_eq!(endpoint.force_mute, Some(ForceMute { audio: true, video: false }));
        assert_eq!((endpoint.muc_role, endpoint.diarize), (Some(MucRole::Visitor), true));
        let all = ["source-names", "ssrc-rewriting", "rtp-mid-demux", "private-address-connectivity"];
        assert_eq!(names(endpoint), all);
        assert_eq!(endpoint.transport.as_ref().and_then(|transport| transport.sctp.clone()), None);
    }

    #[test]
    fn an_update_says_what_changed_and_nothing_else() {
        let id = EndpointId::from("p");
        let nothing = Update { id: &id, stats_id: None, transport: None, sources: None, initial_last_n: None };
        assert_eq!(update(&meeting(), nothing), None);

        let xml = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p' ice-generation='2'>\
                   <fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' required='true'>9B</fingerprint></transport>";
        let transport = read_str::<IceTransport>(xml).expect("legal").for_bridge();
        let empty = SourceSet::default();
        let accept = Update { transport: Some(&transport), sources: Some(&empty), initial_last_n: Some(4), ..nothing };
        let modify = read(&update(&meeting(), accept).expect("something changed"));
        let endpoint = &modify.endpoints[0];
        assert!(!endpoint.create && endpoint.media.is_empty() && endpoint.capabilities.is_empty());
        let told = endpoint.transport.as_ref().expect("given");
        assert!(!told.ice_controlling && told.sctp.is_none());
        assert_eq!(told.ice, Some(transport));
        assert_eq!(
            (endpoint.sources.clone(), endpoint.initial_last_n),
            (Some(Sources::default()), Some(LastN { value: 4 }))
        );

        let candidate =
            "<candidate component='1' foundation='1' generation='0' ip='192.0.2.1' port='1000' type='host'/>";
        let xml = xml.replace("</transport>", &format!("{}</transport>", candidate.repeat(4)));
        let trickled = read_str::<IceTransport>(&xml).expect("legal").for_bridge();
        let modify =
            read(&update(&meeting(), Update { transport: Some(&trickled), ..nothing }).expect("something changed"));
        assert_eq!((modify.endpoints.len(), &modify.endpoints[0].sources), (1, &None));
        let told = modify.endpoints[0].transport.as_ref().and_then(|told| told.ice.as_ref()).expect("given");
        assert!(told.rtcp_mux && told.fingerprints[0].setup.is_none());
        assert_eq!((told.candidates.len(), &told.candidates), (4, &trickled.candidates));

        let modify = read(&update(&meeting(), Update { sources: Some(&empty), ..nothing }).expect("something changed"));
        assert_eq!((&modify.endpoints[0].transport, modify.endpoints[0].initial_last_n), (&None, None));
    }

    #[test]
    fn media_sources_are_sources_by_name() {
        let named = |ssrc, media, name: &str| crate::focus::sources::set::Source {
            name: (!name.is_empty()).then(|| name.into()),
            ..source(ssrc, media, "m")
        };
        let set = SourceSet {
            sources: vec![
                named(11, MediaType::Audio, "p-a0"),
                named(100, MediaType::Video, "p-v0"),
                named(300, MediaType::Video, ""),
                named(200, MediaType::Video, "p-v0"),
                named(12, MediaType::Audio, ""),
                named(400, MediaType::Video, "p-v1"),
            ],
            groups: vec![
                group(Semantics::Fid, &[100, 200]),
                group(Semantics::Sim, &[999, 400]),
                group(Semantics::Sim, &[7]),
            ],
        };
        let sources = media_sources(&"p".into(), &set);
        let summary: Vec<_> = sources
            .media_sources
            .iter()
            .map(|it| {
                (it.id.as_str(), it.sources.iter().map(|source| source.ssrc.0).collect::<Vec<_>>(), it.groups.len())
            })
            .collect();
        assert_eq!(summary, [("p-a0", vec![11, 12], 0), ("p-v0", vec![100, 300, 200], 1), ("p-v1", vec![400], 1)]);
        let xml = to_string(&sources);
        assert!(!xml.contains("msid") && !xml.contains("parameter"), "{xml}");
    }

    /// spec/40, tests 9, 10, 35.
    #[test]
    fn mutes_expiries_and_restarts_name_their_endpoints() {
        let xml = |modify: ConferenceModify| {
            to_string(&modify).replace("<conference-modify xmlns='jitsi:colibri2' meeting-id='M'", "<M")
        };
        let (p, q) = (EndpointId::from("p"), EndpointId::from("q"));
        let mutes = [(p.clone(), ForceMute { audio: true, video: true }), (q.clone(), ForceMute::default())];
        assert_eq!(
            xml(force_mute(&meeting(), &mutes)),
            "<M><endpoint id='p'><force-mute audio='true' video='true'/></endpoint><endpoint id='q'><force-mute/></endpoint>\
             </conference-modify>"
        );
        assert_eq!(
            xml(expire_endpoints(&meeting(), [&p, &q])),
            "<M><endpoint id='p' expire='true'/><endpoint id='q' expire='true'/></conference-modify>"
        );
        assert_eq!(xml(expire_conference(&meeting())), "<M expire='true'/>");
        assert_eq!(
            xml(ice_restart(&meeting(), &p, Some("Tessa-Xyz"))),
            "<M><endpoint id='p' stats-id='Tessa-Xyz'><transport ice-restart='true'/></endpoint></conference-modify>"
        );
    }
}
