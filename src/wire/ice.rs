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

impl IceTransport {
    /// What of a client's transport goes to a bridge: credentials, candidates and fingerprints that can be read, and nothing
    /// else. A bridge reads whatever it finds there, and is led astray, or ends its connection to the server, by what should not
    /// be there (spec/40 §2.9).
    pub fn for_bridge(&self) -> IceTransport {
        let (candidates, fingerprints) = (self.candidates.iter(), self.fingerprints.iter());
        IceTransport {
            ufrag: self.ufrag.clone(),
            pwd: self.pwd.clone(),
            ice_generation: self.ice_generation,
            rtcp_mux: true,
            candidates: candidates.filter(|it| it.is_sound()).take(MAX_CANDIDATES).cloned().collect(),
            fingerprints: fingerprints.filter(|it| it.is_sound()).take(MAX_FINGERPRINTS).cloned().collect(),
            ..IceTransport::default()
        }
    }

    /// This and an earlier one of the same credentials, of which it has what this one does not say.
    pub fn with_candidates_of(mut self, earlier: IceTransport) -> IceTransport {
        let new = std::mem::take(&mut self.candidates);
        self.candidates = earlier.candidates.into_iter().filter(|it| !new.contains(it)).collect();
        self.candidates.extend(new);
        let surplus = self.candidates.len().saturating_sub(MAX_CANDIDATES);
        self.candidates.drain(..surplus);
        self.take_fingerprints_of(earlier.fingerprints);
        if self.ufrag.is_none() {
            (self.ufrag, self.pwd) = (earlier.ufrag, earlier.pwd);
        }
        self
    }

    /// What an earlier one said of the certificate, as far as this one does not say it: DTLS goes on when ICE starts anew, and what
    /// comes with candidates may have no `setup` (spec/30 §11).
    pub fn take_fingerprints_of(&mut self, earlier: Vec<Fingerprint>) {
        if self.fingerprints.is_empty() {
            self.fingerprints = earlier;
            return;
        }
        for fingerprint in self.fingerprints.iter_mut().filter(|it| it.setup.is_none()) {
            let same = earlier.iter().find(|it| it.value.trim().eq_ignore_ascii_case(fingerprint.value.trim()));
            fingerprint.setup = same.and_then(|it| it.setup);
        }
    }

    /// Whether the credentials are no longer than any may be (RFC 8839, §5.4).
    pub fn has_sound_credentials(&self) -> bool {
        [&self.ufrag, &self.pwd].into_iter().flatten().all(|text| text.len() <= MAX_CREDENTIAL)
    }
}

const MAX_CREDENTIAL: usize = 256;

/// More than a machine with many addresses has; the first are taken.
const MAX_CANDIDATES: usize = 32;
const MAX_FINGERPRINTS: usize = 4;

/// What a candidate calls itself: RFC 8839 has 32 for its foundation.
const MAX_CANDIDATE_ID: usize = 64;

impl Fingerprint {
    fn is_sound(&self) -> bool {
        let value = self.value.trim();
        [&self.hash, &self.required, &self.cryptex].into_iter().flatten().all(|text| is_token(text))
            && value.len() <= MAX_FINGERPRINT
            && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
    }
}

/// SHA-512, two digits and a colon a byte.
const MAX_FINGERPRINT: usize = 3 * 64;

impl Candidate {
    fn is_sound(&self) -> bool {
        fn fits<N: std::str::FromStr>(text: &Option<String>) -> bool {
            text.as_deref().is_none_or(|text| text.parse::<N>().is_ok())
        }
        // An address, or a name that stands for one.
        let is_address = |text: &str| {
            (1..=255).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_%".contains(&byte))
        };
        fits::<u16>(&self.component)
            && fits::<Natural>(&self.generation)
            && fits::<Natural>(&self.network)
            && fits::<Natural>(&self.priority)
            && [&self.id, &self.foundation].into_iter().flatten().all(|text| text.len() <= MAX_CANDIDATE_ID)
            && fits::<u16>(&self.port)
            && fits::<u16>(&self.rel_port)
            && [&self.ip, &self.rel_addr].into_iter().flatten().all(|text| is_address(text))
            && [&self.protocol, &self.kind, &self.tcptype].into_iter().flatten().all(|text| is_token(text))
    }
}

/// What bridges keep in 32 bits with a sign.
struct Natural;

impl std::str::FromStr for Natural {
    type Err = ();

    fn from_str(text: &str) -> Result<Natural, ()> {
        let number: u32 = text.parse().map_err(|_| ())?;
        i32::try_from(number).map(|_| Natural).map_err(|_| ())
    }
}

fn is_token(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_can_read_of_a_transport_is_left_out() {
        let whole = Candidate {
            component: Some("1".into()),
            foundation: Some("x/y".into()),
            generation: Some("0".into()),
            id: Some("any".into()),
            network: Some("1".into()),
            priority: Some("2147483647".into()),
            protocol: Some("udp".into()),
            kind: Some("srflx".into()),
            ip: Some("2001:db8::1%eth0".into()),
            port: Some("65535".into()),
            rel_addr: Some("4f1c2d3e-0000-4000-8000-000000000000.local".into()),
            rel_port: Some("9".into()),
            tcptype: Some("passive".into()),
        };
        let change = |change: fn(&mut Candidate)| {
            let mut candidate = whole.clone();
            change(&mut candidate);
            candidate
        };
        let unreadable = [
            change(|it| it.component = Some("one".into())),
            change(|it| it.generation = Some(String::new())),
            change(|it| it.network = Some("-1".into())),
            change(|it| it.priority = Some("2147483648".into())),
            change(|it| it.protocol = Some("udp;".into())),
            change(|it| it.kind = Some(String::new())),
            change(|it| it.ip = Some("http://x".into())),
            change(|it| it.port = Some("65536".into())),
            change(|it| it.rel_addr = Some(String::new())),
            change(|it| it.rel_port = Some("x".into())),
            change(|it| it.tcptype = Some("x y".into())),
            change(|it| it.id = Some("'".repeat(65))),
            change(|it| it.foundation = Some("'".repeat(65))),
        ];
        let little = Candidate { ip: Some("192.0.2.1".into()), ..change(|it| it.priority = None) };
        let fingerprint = |hash: &str, value: &str| Fingerprint {
            hash: Some(hash.into()),
            required: None,
            setup: None,
            cryptex: None,
            value: value.into(),
        };
        let mut candidates = vec![whole.clone()];
        candidates.extend(unreadable);
        candidates.push(little.clone());
        let good = fingerprint("sha-256", " 9B:17 ");
        let fingerprints = vec![fingerprint("sha 1", "9B"), good.clone(), fingerprint("sha-1", "9B;17")];
        let transport = IceTransport { ufrag: Some("u".into()), candidates, fingerprints, ..IceTransport::default() };
        let expected = IceTransport {
            rtcp_mux: true,
            candidates: vec![whole.clone(), little],
            fingerprints: vec![good],
            ..transport.clone()
        };
        assert_eq!(transport.for_bridge(), expected);
        let many = IceTransport { candidates: vec![whole; 100], ..transport };
        assert_eq!(many.for_bridge().candidates.len(), MAX_CANDIDATES);
    }

    #[test]
    fn credentials_are_no_longer_than_any_may_be() {
        let with = |ufrag: usize, pwd: usize| IceTransport {
            ufrag: Some("u".repeat(ufrag)),
            pwd: Some("p".repeat(pwd)),
            ..IceTransport::default()
        };
        assert!(with(256, 256).has_sound_credentials() && IceTransport::default().has_sound_credentials());
        assert!(!with(257, 22).has_sound_credentials() && !with(4, 257).has_sound_credentials());
    }
}
