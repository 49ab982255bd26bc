//! Requests about links between bridges, and what their answers bring (spec/40 §5.9, §5.10). One relay a request: a bridge
//! refuses more.

use super::answer::Answer;
use super::request::media_sources;
use crate::focus::conference::offer::Codecs;
use crate::focus::sources::set::SourceSet;
use crate::wire::colibri2::{Capability, ConferenceModify, Endpoint, Relay, RelayEndpoints, Sctp, Sources, Transport};
use crate::wire::ice::IceTransport;
use crate::wire::stanza::Payload;
use crate::wire::values::{EndpointId, MeetingId, SctpRole, Setup};

/// How a link is set up at one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkEnd {
    /// It opens the connection: it controls ICE, and is the client of the data channel, though the server of DTLS.
    pub initiator: bool,
    /// The data channel is SCTP; otherwise it is a WebSocket.
    pub sctp: bool,
}

/// Creates one end of a link. `id`: the relay id of the bridge at the other end.
pub fn create(
    meeting: &MeetingId,
    id: &str,
    mesh: u32,
    end: LinkEnd,
    codecs: &Codecs,
    endpoints: Vec<Endpoint>,
) -> ConferenceModify {
    let role = if end.initiator { SctpRole::Client } else { SctpRole::Server };
    let transport = Transport {
        ice_controlling: end.initiator,
        use_unique_port: end.initiator,
        sctp: end.sctp.then_some(Sctp { role: Some(role), port: None }),
        ..Transport::default()
    };
    let relay = Relay {
        id: id.into(),
        create: true,
        mesh_id: Some(mesh.to_string()),
        transport: Some(transport),
        endpoints: Some(RelayEndpoints { endpoints }),
        others: codecs.media.iter().map(|media| media.for_bridge.clone()).collect(),
        ..Relay::default()
    };
    modify(meeting, relay)
}

/// Tells one end how the other is reached: what the other end's bridge answered.
pub fn connect(meeting: &MeetingId, id: &str, end: LinkEnd, answered: IceTransport) -> ConferenceModify {
    let mut ice = answered;
    for fingerprint in &mut ice.fingerprints {
        fingerprint.setup = Some(if end.initiator { Setup::Active } else { Setup::Passive });
    }
    // Whoever is given an address connects to it: exactly one end may be.
    if end.sctp || !end.initiator {
        ice.web_sockets.clear();
    }
    let transport = Transport { ice: Some(ice), ..Transport::default() };
    modify(meeting, Relay { id: id.into(), transport: Some(transport), ..Relay::default() })
}

/// Adds endpoints to those behind a relay, updates or expires them.
pub fn endpoints(meeting: &MeetingId, id: &str, endpoints: Vec<Endpoint>) -> ConferenceModify {
    modify(meeting, Relay { id: id.into(), endpoints: Some(RelayEndpoints { endpoints }), ..Relay::default() })
}

/// Ends one end of a link, with whoever was behind it.
pub fn expire(meeting: &MeetingId, id: &str) -> ConferenceModify {
    modify(meeting, Relay { id: id.into(), expire: true, ..Relay::default() })
}

fn modify(meeting: &MeetingId, relay: Relay) -> ConferenceModify {
    ConferenceModify { meeting_id: meeting.clone(), relays: vec![relay], ..ConferenceModify::default() }
}

/// A participant that a bridge is to know of.
pub fn shown(id: &EndpointId, stats_id: Option<&str>, capabilities: Vec<Capability>, sources: &SourceSet) -> Endpoint {
    Endpoint {
        id: id.clone(),
        create: true,
        stats_id: stats_id.map(Into::into),
        sources: Some(media_sources(id, sources)),
        capabilities,
        ..Endpoint::default()
    }
}

/// What it sends now: the complete set.
pub fn updated(id: &EndpointId, sources: Sources) -> Endpoint {
    Endpoint { id: id.clone(), sources: Some(sources), ..Endpoint::default() }
}

/// It is not there any more.
pub fn hidden(id: &EndpointId) -> Endpoint {
    Endpoint { id: id.clone(), expire: true, ..Endpoint::default() }
}

/// What the answer to the creation of a relay means: how it is reached. None: the link cannot be made (spec/40 §5.9).
pub fn created(id: &str, answer: Answer<'_>) -> Option<IceTransport> {
    let Answer::Result(Some(Payload::ConferenceModified(modified))) = answer else { return None };
    let relay = modified.relays.iter().find(|relay| relay.id == id)?;
    let ice = relay.transport.as_ref()?.ice.as_ref()?;
    let open = |setup: Option<Setup>| setup == Some(Setup::Actpass);
    let usable = !ice.fingerprints.is_empty() && ice.fingerprints.iter().all(|fingerprint| open(fingerprint.setup));
    usable.then(|| ice.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::focus::conference::features::Features;
    use crate::focus::conference::offer::CodecCache;
    use crate::wire::ice::{Fingerprint, WebSocket};
    use crate::wire::xml::{read_str, to_string};

    fn end(initiator: bool, sctp: bool) -> LinkEnd {
        LinkEnd { initiator, sctp }
    }

    fn answered(setup: Setup) -> IceTransport {
        let fingerprint =
            Fingerprint { hash: None, required: None, setup: Some(setup), cryptex: None, value: "AA:01".into() };
        let socket = WebSocket { url: Some("wss://jvb-2.example.com/x".into()), active: None };
        IceTransport {
            ufrag: Some("u".into()),
            fingerprints: vec![fingerprint],
            web_sockets: vec![socket],
            ..IceTransport::default()
        }
    }

    #[test]
    fn one_end_opens_and_the_other_waits() {
        let codecs = CodecCache::default().get(Features::AUDIO, &Config::default());
        for (initiator, sctp, expected) in [
            (true, true, "<transport ice-controlling='true' use-unique-port='true'><sctp role='client'/></transport>"),
            (false, true, "<transport><sctp role='server'/></transport>"),
            (true, false, "<transport ice-controlling='true' use-unique-port='true'/>"),
            (false, false, "<transport/>"),
        ] {
            let xml = to_string(&create(&"M".into(), "b", 7, end(initiator, sctp), &codecs, Vec::new()));
            assert!(xml.contains("<relay id='b' create='true' mesh-id='7'>") && xml.contains(expected), "{xml}");
            let read: ConferenceModify = read_str(&xml).expect("legal");
            assert_eq!((read.relays.len(), read.endpoints.len(), read.relays[0].media.len()), (1, 0, 1));
        }
    }

    #[test]
    fn exactly_one_end_is_told_where_the_web_socket_is() {
        for (initiator, sctp, setup, sockets) in [
            (true, false, Setup::Active, 1),
            (false, false, Setup::Passive, 0),
            (true, true, Setup::Active, 0),
            (false, true, Setup::Passive, 0),
        ] {
            let modify = connect(&"M".into(), "b", end(initiator, sctp), answered(Setup::Actpass));
            let told = modify.relays[0].transport.as_ref().and_then(|told| told.ice.as_ref()).expect("given");
            assert_eq!((told.fingerprints[0].setup, told.web_sockets.len()), (Some(setup), sockets));
            assert_eq!(told.ufrag.as_deref(), Some("u"));
        }
    }

    #[test]
    fn a_link_is_not_made_with_half_an_answer() {
        let modified = |inside: String| {
            let xml = format!("<conference-modified xmlns='jitsi:colibri2'>{inside}</conference-modified>");
            Payload::ConferenceModified(read_str(&xml).expect("legal"))
        };
        let ice = |setup| to_string(&answered(setup));
        let table = [
            (format!("<relay id='b'><transport>{}</transport></relay>", ice(Setup::Actpass)), true),
            (format!("<relay id='b'><transport>{}</transport></relay>", ice(Setup::Passive)), false),
            (format!("<relay id='c'><transport>{}</transport></relay>", ice(Setup::Actpass)), false),
            ("<relay id='b'><transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/></transport></relay>".into(), false),
            ("<relay id='b'><transport/></relay>".into(), false),
            ("<relay id='b'/>".into(), false),
            (String::new(), false),
        ];
        for (inside, usable) in table {
            let answer = modified(inside.clone());
            assert_eq!(created("b", Answer::Result(Some(&answer))).is_some(), usable, "{inside}");
        }
        assert_eq!(created("b", Answer::Result(None)), None);
        assert_eq!(created("b", Answer::Timeout), None);
    }
}
