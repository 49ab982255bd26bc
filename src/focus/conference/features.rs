//! What a client says it can do, by disco#info (spec/30 §3, spec/20 §5.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of features. What is not in the table is ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Features(u32);

macro_rules! features {
    ($($name:ident = $bit:literal, $string:literal;)+) => {
        impl Features {
            $(pub const $name: Features = Features(1 << $bit);)+
        }

        const TABLE: &[(Features, &str, &str)] = &[$((Features::$name, stringify!($name), $string)),+];
    };
}

features! {
    AUDIO = 0, "urn:xmpp:jingle:apps:rtp:audio";
    VIDEO = 1, "urn:xmpp:jingle:apps:rtp:video";
    SCTP = 2, "urn:xmpp:jingle:transports:dtls-sctp:1";
    RTX = 3, "urn:ietf:rfc:4588";
    REMB = 4, "http://jitsi.org/remb";
    TCC = 5, "http://jitsi.org/tcc";
    SOURCE_NAMES = 6, "http://jitsi.org/source-name";
    SSRC_REWRITING_V1 = 7, "http://jitsi.org/ssrc-rewriting-1";
    RTP_MID_DEMUX = 8, "http://jitsi.org/rtp-mid-demux";
    RECEIVE_MULTIPLE_STREAMS = 9, "http://jitsi.org/receive-multiple-video-streams";
    JSON_SOURCES = 10, "http://jitsi.org/json-encoded-sources";
    OPUS_RED = 11, "http://jitsi.org/opus-red";
    AUDIO_MUTE = 12, "http://jitsi.org/protocol/audio-mute";
    AUDIO_TRANSLATION = 13, "http://jitsi.org/protocol/audio-translation";
    START_MUTED_RMD = 14, "http://jitsi.org/start-muted-room-metadata";
    VISITORS_V1 = 15, "http://jitsi.org/visitors-1";
    JIBRI = 16, "http://jitsi.org/protocol/jibri";
    JIGASI = 17, "http://jitsi.org/protocol/jigasi";
    LIPSYNC = 18, "http://jitsi.org/meet/lipsync";
    E2EE = 19, "https://jitsi.org/meet/e2ee";
    XMPP_CAPS = 20, "http://jabber.org/protocol/caps";
    JINGLE = 21, "urn:xmpp:jingle:1";
    JINGLE_RTP = 22, "urn:xmpp:jingle:apps:rtp:1";
    JINGLE_ICE = 23, "urn:xmpp:jingle:transports:ice-udp:1";
    DTLS = 24, "urn:xmpp:jingle:apps:dtls:0";
    RTCPMUX = 25, "urn:ietf:rfc:5761";
    BUNDLE = 26, "urn:ietf:rfc:5888";
    RAYO = 27, "urn:xmpp:rayo:client:1";
    REMOTECONTROL = 28, "http://jitsi.org/meet/remotecontrol";
}

impl Features {
    /// What a member is taken to have that did not answer (spec/30 §3).
    pub const UNANSWERED: Features = Features(Features::AUDIO.0 | Features::VIDEO.0 | Features::SCTP.0);

    /// Those of the strings that are known.
    pub fn from_strings<'a>(strings: impl IntoIterator<Item = &'a str>) -> Features {
        strings
            .into_iter()
            .filter_map(|string| TABLE.iter().find(|(_, _, known)| *known == string))
            .fold(Features::default(), |all, (feature, ..)| all.with(*feature))
    }

    pub const fn with(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    pub const fn only(self, other: Features) -> Features {
        Features(self.0 & other.0)
    }

    /// Whether all of `other` are in here.
    pub const fn has(self, other: Features) -> bool {
        self.0 & other.0 == other.0
    }

    /// Names as the debug output has them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        TABLE.iter().filter(move |(feature, ..)| self.has(*feature)).map(|(_, name, _)| *name)
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_strings_count() {
        let features =
            Features::from_strings(["urn:xmpp:jingle:apps:rtp:audio", "urn:x:unknown", "http://jitsi.org/tcc"]);
        assert_eq!(features, Features::AUDIO.with(Features::TCC));
        assert_eq!(features.names().collect::<Vec<_>>(), ["AUDIO", "TCC"]);
    }
}
