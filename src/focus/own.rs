//! What the focus says of itself: entity capabilities, service discovery, version (spec/20 §5.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::Connection;
use crate::config::Config;
use crate::wire::Jid;
use crate::wire::disco::{Caps, DiscoInfo, Feature, Identity};
use crate::wire::ns;
use crate::wire::stanza::Version;

const NODE: &str = "http://jitsi.org/jicofo";
const NAME: &str = "Jitsi Meet Focus";

/// The version that clients log, `major.minor.build`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// In the order that the hash of XEP-0115 §5.1 wants: by their bytes.
const FEATURES: [&str; 8] = [
    ns::CAPS,
    ns::DISCO_INFO,
    ns::DISCO_ITEMS,
    // Old clients know by it that sessions can be restarted.
    "https://jitsi.org/meet/jicofo/terminate-restart",
    ns::VERSION,
    ns::JINGLE,
    ns::RTP,
    ns::PING,
];

#[derive(Debug, Clone)]
pub(crate) struct Own {
    ver: String,
    /// What clients are told to recognise the focus by, `username@domain` (spec/10 §1). None for an anonymous log-in.
    focus_jid: Option<Jid>,
}

impl Own {
    pub fn new(config: &Config) -> Own {
        let account = &config.xmpp.client.account;
        let focus_jid = account
            .password
            .is_some()
            .then(|| Jid::new(&format!("{}@{}", account.username, account.domain)).ok())
            .flatten();
        Own { ver: verification(&[identity()], &FEATURES.map(str::to_owned)), focus_jid }
    }

    pub fn caps(&self) -> Caps {
        Caps { hash: Some("sha-1".into()), node: Some(NODE.into()), ver: Some(self.ver.clone()) }
    }

    /// The address by which clients know the focus; that of the connection where none is configured.
    pub fn focus_jid(&self, bound: Option<&Jid>) -> Option<Jid> {
        self.focus_jid.clone().or_else(|| bound.map(Jid::to_bare))
    }

    /// What we support, if it is us who is asked: no node, or our caps' node.
    pub fn disco_info(&self, on: Connection, node: Option<&str>) -> Option<DiscoInfo> {
        let known = match node {
            None => true,
            Some(node) => node.strip_prefix(NODE).and_then(|rest| rest.strip_prefix('#')) == Some(self.ver.as_str()),
        };
        if !known {
            return None;
        }
        let (identity, more) = match on {
            Connection::Component => (
                Identity { category: "component".into(), kind: "generic".into(), name: Some(NAME.into()) },
                Some(ns::FOCUS),
            ),
            _ => (identity(), None),
        };
        let features = FEATURES.iter().copied().chain(more).map(|var| Feature { var: var.into() }).collect();
        Some(DiscoInfo { node: node.map(str::to_owned), identities: vec![identity], features })
    }

    pub fn version(&self) -> Version {
        Version { name: Some("Jicofo".into()), version: Some(VERSION.into()), os: None }
    }
}

fn identity() -> Identity {
    Identity { category: "client".into(), kind: "bot".into(), name: Some(NAME.into()) }
}

/// The hash of XEP-0115 §5.1: identities and features, sorted, each followed by `<`.
pub(crate) fn verification(identities: &[Identity], features: &[String]) -> String {
    let mut identities: Vec<String> = identities
        .iter()
        .map(|identity| {
            format!("{}/{}//{}<", identity.category, identity.kind, identity.name.as_deref().unwrap_or_default())
        })
        .collect();
    identities.sort();
    let mut features: Vec<&str> = features.iter().map(String::as_str).collect();
    features.sort_unstable();
    let mut hash = Sha1::new();
    for identity in &identities {
        hash.update(identity);
    }
    for feature in features {
        hash.update(feature);
        hash.update("<");
    }
    STANDARD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_example_in_xep_0115() {
        let identities = [Identity { category: "client".into(), kind: "pc".into(), name: Some("Exodus 0.9.1".into()) }];
        let features = [ns::CAPS, ns::DISCO_INFO, ns::DISCO_ITEMS, ns::MUC].map(str::to_owned);
        assert_eq!(verification(&identities, &features), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    }

    #[test]
    fn the_hash_of_a_current_client_is_the_recorded_one() {
        let features = [
            "http://jabber.org/protocol/caps",
            "http://jitsi.org/json-encoded-sources",
            "http://jitsi.org/receive-multiple-video-streams",
            "http://jitsi.org/remb",
            "http://jitsi.org/source-name",
            "http://jitsi.org/start-muted-room-metadata",
            "http://jitsi.org/tcc",
            "http://jitsi.org/visitors-1",
            "urn:ietf:rfc:4588",
            "urn:xmpp:jingle:1",
            "urn:xmpp:jingle:apps:dtls:0",
            "urn:xmpp:jingle:apps:rtp:1",
            "urn:xmpp:jingle:apps:rtp:audio",
            "urn:xmpp:jingle:apps:rtp:video",
            "urn:xmpp:jingle:transports:dtls-sctp:1",
            "urn:xmpp:jingle:transports:ice-udp:1",
            "urn:xmpp:rayo:client:1",
        ]
        .map(str::to_owned);
        assert_eq!(verification(&[], &features), "dtzK/3xhISaXUMVg59IpXxdvKyQ=");
    }
}
