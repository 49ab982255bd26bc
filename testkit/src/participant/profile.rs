//! Which client a participant is: what it supports, how it writes (spec/20 §5, spec/30 §3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

pub const AUDIO: &str = "urn:xmpp:jingle:apps:rtp:audio";
pub const VIDEO: &str = "urn:xmpp:jingle:apps:rtp:video";
pub const SCTP: &str = "urn:xmpp:jingle:transports:dtls-sctp:1";
pub const RTX: &str = "urn:ietf:rfc:4588";
pub const TCC: &str = "http://jitsi.org/tcc";
pub const REMB: &str = "http://jitsi.org/remb";
pub const RED: &str = "http://jitsi.org/opus-red";
pub const JSON_SOURCES: &str = "http://jitsi.org/json-encoded-sources";
pub const SSRC_REWRITING: &str = "http://jitsi.org/ssrc-rewriting-1";
pub const AUDIO_MUTE: &str = "http://jitsi.org/protocol/audio-mute";

const COMMON: [&str; 8] = [
    "http://jabber.org/protocol/caps",
    "urn:xmpp:jingle:1",
    "urn:xmpp:jingle:apps:dtls:0",
    "urn:xmpp:jingle:apps:rtp:1",
    AUDIO,
    "urn:xmpp:jingle:transports:ice-udp:1",
    "urn:xmpp:rayo:client:1",
    TCC,
];

/// How a client writes its sources and its presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Named sources, `SourceInfo`, a codec list.
    Current,
    /// December 2021: sources without names, `audiomuted` and `videomuted`, transport-info after the accept.
    Old,
    /// As Jigasi: named sources, no `SourceInfo`, ICE credentials in transport-info before the accept (spec/30 §6.7).
    Gateway,
}

/// What a client supports.
#[derive(Debug, Clone)]
pub struct Profile {
    pub age: Age,
    /// In the order of octets.
    pub features: Vec<&'static str>,
    pub node: &'static str,
    /// Accepts `transport-replace`. Browsers acknowledge and ignore it (spec/30 §6.5).
    pub replaces_transport: bool,
}

impl Profile {
    fn new(age: Age, more: &[&'static str]) -> Profile {
        let mut features: Vec<&'static str> = COMMON.iter().chain(more).copied().collect();
        features.sort_unstable();
        Profile { age, features, node: "https://jitsi.org/jitsi-meet", replaces_transport: false }
    }

    /// A client of August 2026 with default settings: its hash is that of the traces (spec/20 §5.1).
    pub fn current() -> Profile {
        let more = [
            VIDEO,
            SCTP,
            RTX,
            REMB,
            JSON_SOURCES,
            "http://jitsi.org/receive-multiple-video-streams",
            "http://jitsi.org/source-name",
            "http://jitsi.org/start-muted-room-metadata",
            "http://jitsi.org/visitors-1",
        ];
        Profile::new(Age::Current, &more)
    }

    /// A client of December 2021.
    pub fn old() -> Profile {
        let more = [VIDEO, SCTP, RTX, REMB, JSON_SOURCES, "urn:ietf:rfc:5761", "urn:ietf:rfc:5888"];
        Profile::new(Age::Old, &more)
    }

    pub fn ssrc_rewriting() -> Profile {
        Profile::current().with(SSRC_REWRITING)
    }

    /// A client of its own make which takes sources as XML only; it sends and receives audio and video.
    pub fn xml_sources() -> Profile {
        let mut profile = Profile::new(Age::Gateway, &[VIDEO, RTX]);
        profile.replaces_transport = true;
        profile
    }

    /// Takes part with audio alone, sources as XML, like a telephone gateway.
    pub fn audio_only() -> Profile {
        Profile::new(Age::Gateway, &[AUDIO_MUTE])
    }

    pub fn with(mut self, feature: &'static str) -> Profile {
        self.features.push(feature);
        self.features.sort_unstable();
        self.features.dedup();
        self
    }

    pub fn without(mut self, feature: &str) -> Profile {
        self.features.retain(|f| *f != feature);
        self
    }

    pub fn has(&self, feature: &str) -> bool {
        self.features.contains(&feature)
    }

    /// The hash of XEP-0115, without identities, as clients make it.
    pub fn ver(&self) -> String {
        let text: String = self.features.iter().map(|feature| format!("{feature}<")).collect();
        STANDARD.encode(Sha1::digest(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn hashes_are_those_of_the_real_clients() {
        assert_eq!(Profile::current().ver(), "dtzK/3xhISaXUMVg59IpXxdvKyQ=");
        assert_eq!(Profile::old().ver(), "/LxjVAUjW56LWSj9lRquSYt35Ho=");
        assert_eq!(Profile::ssrc_rewriting().ver(), "+mpajJhafj8jFogLBKsPbQfMgzU=");
    }
}
