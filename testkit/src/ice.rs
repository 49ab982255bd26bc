//! What one end of an ICE transport knows of the other: credentials, certificate, candidates.

use std::collections::BTreeSet;
use std::fmt;

use crate::ns;
use crate::xml::{Element, Read};

/// What was told of one end, in the order in which it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ice {
    pub ufrag: String,
    pub pwd: String,
    /// Hash and digest of the DTLS certificate.
    pub fingerprint: Option<(String, String)>,
    /// Who begins the DTLS handshake.
    pub setup: Option<String>,
    /// Address and port of each.
    pub candidates: BTreeSet<(String, String)>,
}

impl Ice {
    /// A `<transport>` of it. What that does not say stays as it was told, except that new credentials are of a new agent, which
    /// has candidates of its own.
    pub fn hear(&mut self, transport: &Element) {
        let text = |attribute| transport.get(attribute).unwrap_or("").to_owned();
        let (ufrag, pwd) = (text("ufrag"), text("pwd"));
        if !ufrag.is_empty() && (ufrag != self.ufrag || pwd != self.pwd) {
            (self.ufrag, self.pwd) = (ufrag, pwd);
            self.candidates.clear();
        }
        for fingerprint in transport.kids("fingerprint", ns::DTLS) {
            self.fingerprint = Some((fingerprint.get("hash").unwrap_or("").to_owned(), fingerprint.text()));
            if let Some(setup) = fingerprint.get("setup") {
                self.setup = Some(setup.to_owned());
            }
        }
        for candidate in transport.kids("candidate", ns::ICE) {
            let text = |attribute| candidate.get(attribute).unwrap_or("").to_owned();
            self.candidates.insert((text("ip"), text("port")));
        }
    }
}

/// The last octet of the fingerprint of that one's certificate, which tells it from others'.
pub(crate) fn last_octet(of: &str) -> u8 {
    of.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
}

impl fmt::Display for Ice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint =
            self.fingerprint.as_ref().map_or("none", |(_, digest)| digest.rsplit(':').next().unwrap_or(""));
        let setup = self.setup.as_deref().unwrap_or("none");
        let Ice { ufrag, candidates, .. } = self;
        write!(f, "ufrag {ufrag}, certificate …{fingerprint}, setup {setup}, {} candidates", candidates.len())
    }
}
