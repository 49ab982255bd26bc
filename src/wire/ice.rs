//! ICE-UDP transports with DTLS fingerprints (XEP-0176, XEP-0320), as both Jingle and colibri2 carry them (spec/40 §2.6).

use wire_derive::Element;

use super::ns::{COLIBRI, DTLS, DTLS_SCTP, ICE};
use super::values::Setup;
use super::xml::Raw;

/// A transport. What is not read here is kept and passed on: client to bridge, bridge to client.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(ICE, "transport")]
pub struct IceTransport {
    #[attr]
    pub ufrag: Option<String>,
    #[attr]
    pub pwd: Option<String>,
    /// Only on the transports of an ICE restart.
    #[attr]
    pub ice_generation: Option<i64>,
    pub web_sockets: Vec<WebSocket>,
    #[flag]
    pub rtcp_mux: bool,
    pub fingerprints: Vec<Fingerprint>,
    pub sctp_map: Option<SctpMap>,
    pub candidates: Vec<Candidate>,
    #[others]
    pub others: Vec<Raw>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DTLS, "fingerprint")]
pub struct Fingerprint {
    #[attr]
    pub hash: Option<String>,
    #[attr]
    pub required: Option<String>,
    #[attr]
    pub setup: Option<Setup>,
    #[attr]
    pub cryptex: Option<String>,
    #[text]
    pub value: String,
}

/// A candidate address. Nothing in it matters to the focus, so that its values stay text.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(ICE, "candidate")]
pub struct Candidate {
    #[attr]
    pub component: Option<String>,
    #[attr]
    pub foundation: Option<String>,
    #[attr]
    pub generation: Option<String>,
    #[attr]
    pub id: Option<String>,
    #[attr]
    pub network: Option<String>,
    #[attr]
    pub priority: Option<String>,
    #[attr]
    pub protocol: Option<String>,
    #[attr("type")]
    pub kind: Option<String>,
    #[attr]
    pub ip: Option<String>,
    #[attr]
    pub port: Option<String>,
    #[attr]
    pub rel_addr: Option<String>,
    #[attr]
    pub rel_port: Option<String>,
    #[attr]
    pub tcptype: Option<String>,
}

/// Where a client, or another bridge, opens the bridge channel.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI, "web-socket")]
pub struct WebSocket {
    #[attr]
    pub url: Option<String>,
    #[attr]
    pub active: Option<String>,
}

/// The SCTP association of the data channel.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DTLS_SCTP, "sctpmap")]
pub struct SctpMap {
    #[attr]
    pub number: Option<u16>,
    #[attr]
    pub protocol: Option<String>,
    #[attr]
    pub streams: Option<u32>,
}
