//! What a participant is offered (spec/30 §4, §8). Pure: features, configuration and the bridge's answer in, Jingle out.

mod codecs;

pub use self::codecs::{CodecCache, Codecs, MediaCodecs};
use crate::focus::size;
use crate::focus::sources::compact::to_json;
use crate::focus::sources::set::{BRIDGE_OWNER, SourceSet, describe};
use crate::focus::sources::signal::Heard;
use crate::focus::sources::validate::ConferenceSources;
use crate::focus::sources::view::{Encoding, View};
use crate::wire::ice::{IceTransport, SctpMap};
use crate::wire::jingle::{
    BridgeSession, Content, Description, Group, GroupedContent, Jingle, JsonMessage, StartMuted,
};
use crate::wire::values::{Action, EndpointId, Senders, SessionId};

/// Streams of the data channel's SCTP association.
const SCTP_STREAMS: u32 = 1024;

/// Everything a `session-initiate` or `transport-replace` is made of.
#[derive(Debug)]
pub struct Offer<'a> {
    pub sid: SessionId,
    /// The focus' own full JID.
    pub initiator: String,
    pub receiver: &'a EndpointId,
    pub codecs: &'a Codecs,
    pub view: View,
    /// The bridge's, from the answer to the allocation.
    pub transport: &'a IceTransport,
    pub sctp_port: Option<u16>,
    /// The bridge's own sources.
    pub feedback: &'a SourceSet,
    /// Of the whole conference; the receiver's own are left out here.
    pub sources: &'a ConferenceSources,
    /// `None` unless at least one of the two is on (spec/30 §6.6).
    pub start_muted: Option<StartMuted>,
    pub bridge_session: BridgeSession,
}

impl Offer<'_> {
    /// `session-initiate`, and of which owners its receiver has heard by it. For `transport-replace` change the action.
    pub fn session_initiate(self) -> (Jingle, Heard) {
        let (sources, heard) = self.visible_sources();
        let contents = self.contents(&sources);
        let json =
            (self.view.encoding == Encoding::Json).then(|| to_json(sources.iter().map(|(owner, set)| (owner, set))));
        let names = contents.iter().map(|content| GroupedContent { name: content.name.clone() }).collect();
        let jingle = Jingle {
            action: Some(Action::SessionInitiate.as_str().into()),
            sid: Some(self.sid),
            initiator: Some(self.initiator),
            contents,
            group: Some(Group { semantics: Some("BUNDLE".into()), contents: names }),
            start_muted: self.start_muted,
            bridge_session: Some(self.bridge_session),
            json_message: json.map(|json| JsonMessage { room: None, json }),
            ..Jingle::default()
        };
        (jingle, heard)
    }

    /// The bridge's own sources, and, unless the bridge rewrites SSRCs, those of all others (spec/30 §7.5), in the order of their
    /// ids and as far as there is room for them.
    fn visible_sources(&self) -> (Vec<(EndpointId, SourceSet)>, Heard) {
        let mut visible = Vec::new();
        let bridge = self.view.filter(self.feedback);
        if !bridge.is_empty() {
            visible.push((EndpointId::from(BRIDGE_OWNER), bridge));
        }
        if self.view.rewriting {
            return (visible, Heard::All);
        }
        let mut room = size::PIECE;
        let mut last = None;
        for (owner, set) in self.sources.iter().filter(|(owner, _)| *owner != self.receiver) {
            let set = self.view.filter(set);
            let bytes = self.view.encoding.size_of(owner, &set);
            if bytes > room {
                return (visible, Heard::UpTo(last));
            }
            last = Some(owner.clone());
            if !set.is_empty() {
                room -= bytes;
                visible.push((owner.clone(), set));
            }
        }
        (visible, Heard::All)
    }

    fn contents(&self, sources: &[(EndpointId, SourceSet)]) -> Vec<Content> {
        let transport = relayed(self.transport);
        let mut contents: Vec<Content> = self
            .codecs
            .media
            .iter()
            .map(|media| match self.view.encoding {
                Encoding::Json => Content {
                    others: vec![media.encoded.clone()],
                    ..content(media.kind.as_str(), None, transport.clone())
                },
                Encoding::Xml => {
                    let mut description = media.description.clone();
                    sources.iter().for_each(|(owner, set)| describe(owner, set, media.kind, &mut description));
                    content(media.kind.as_str(), Some(description), transport.clone())
                }
            })
            .collect();
        // With XML sources the reference leaves the data channel out, although the bridge was asked for it (spec/30 §8).
        if self.codecs.data && self.view.encoding == Encoding::Json {
            contents.push(self.data(transport));
        }
        contents
    }

    fn data(&self, mut transport: IceTransport) -> Content {
        transport.sctp_map = Some(SctpMap {
            number: self.sctp_port,
            protocol: Some("webrtc-datachannel".into()),
            streams: Some(SCTP_STREAMS),
        });
        let description = Description { media: Some("application".into()), rtcp_mux: true, ..Description::default() };
        content("data", Some(description), transport)
    }
}

fn content(name: &str, description: Option<Description>, transport: IceTransport) -> Content {
    Content {
        creator: Some("initiator".into()),
        name: Some(name.into()),
        senders: Some(Senders::Both),
        description,
        transport: Some(transport),
        ..Content::default()
    }
}

/// A bridge's transport as clients get it (spec/30 §4.6): `required` and `cryptex` are always said, and of a WebSocket only
/// its address.
pub fn relayed(transport: &IceTransport) -> IceTransport {
    let mut relayed = transport.clone();
    for fingerprint in &mut relayed.fingerprints {
        fingerprint.required.get_or_insert_with(|| "false".into());
        fingerprint.cryptex.get_or_insert_with(|| "false".into());
    }
    relayed.web_sockets.iter_mut().for_each(|web_socket| web_socket.active = None);
    relayed
}

#[cfg(test)]
#[path = "offer_tests.rs"]
mod tests;
