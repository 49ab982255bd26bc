//! What a certificate says of itself: its names and dates. For diagnostics, and for the names of XMPP (xmppAddr,
//! SRVName) that rustls does not know. Whether to believe the certificate is decided elsewhere.

/// Names and dates of a certificate.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The subject's common name.
    pub common_name: Option<String>,
    pub dns_names: Vec<String>,
    /// `id-on-xmppAddr`, RFC 6120 §13.7.1.
    pub xmpp_addresses: Vec<String>,
    /// `id-on-dnsSRV`, RFC 4985.
    pub srv_names: Vec<String>,
    /// `2026-08-19 14:03 UTC`
    pub not_before: Option<String>,
    pub not_after: Option<String>,
}

impl Certificate {
    /// What can be read; a certificate that is malformed from some place on gives what stands before it.
    pub fn read(der: &[u8]) -> Certificate {
        let mut certificate = Certificate::default();
        let _ = certificate.fill(der);
        certificate
    }

    /// All names, each once, as one would write them in a log.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.dns_names.clone();
        for name in self.xmpp_addresses.iter().chain(&self.srv_names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Whether one of the names that only XMPP knows is that of the domain (RFC 6120 §13.7.1.2); the common name counts
    /// if there is no other name (spec/70 §10.3).
    pub fn is_for_xmpp_domain(&self, domain: &str) -> bool {
        let is = |name: &String| name.eq_ignore_ascii_case(domain);
        let service =
            |name: &String| name.strip_prefix("_xmpp-client.").is_some_and(|at| at.eq_ignore_ascii_case(domain));
        self.xmpp_addresses.iter().any(is)
            || self.srv_names.iter().any(service)
            || (self.names().is_empty() && self.common_name.as_ref().is_some_and(is))
    }

    fn fill(&mut self, der: &[u8]) -> Option<()> {
        let certificate = Der(der).expect(SEQUENCE)?;
        let mut tbs = Der(certificate).expect(SEQUENCE).map(Der)?;
        if tbs.peek() == Some(VERSION) {
            tbs.next()?;
        }
        tbs.next()?; // serial number
        tbs.next()?; // signature algorithm
        tbs.next()?; // issuer
        let mut validity = Der(tbs.expect(SEQUENCE)?);
        self.not_before = validity.next().and_then(|(tag, value)| time(tag, value));
        self.not_after = validity.next().and_then(|(tag, value)| time(tag, value));
        self.common_name = common_name(tbs.expect(SEQUENCE)?);
        tbs.next()?; // public key
        while let Some((tag, value)) = tbs.next() {
            if tag == EXTENSIONS {
                self.extensions(Der(value).expect(SEQUENCE)?);
            }
        }
        Some(())
    }

    fn extensions(&mut self, extensions: &[u8]) {
        let mut extensions = Der(extensions);
        while let Some(mut extension) = extensions.expect(SEQUENCE).map(Der) {
            if extension.expect(OID) != Some(SUBJECT_ALT_NAME) {
                continue;
            }
            while let Some((tag, value)) = extension.next() {
                if let (OCTET_STRING, Some(names)) = (tag, Der(value).expect(SEQUENCE)) {
                    self.alternative_names(names);
                }
            }
        }
    }

    fn alternative_names(&mut self, names: &[u8]) {
        let mut names = Der(names);
        while let Some((tag, value)) = names.next() {
            match tag {
                DNS_NAME => self.dns_names.extend(text(value)),
                OTHER_NAME => {
                    let mut other = Der(value);
                    let kind = other.expect(OID);
                    let value =
                        other.expect(EXPLICIT).and_then(|value| Der(value).next()).and_then(|(_, value)| text(value));
                    match kind {
                        Some(XMPP_ADDRESS) => self.xmpp_addresses.extend(value),
                        Some(DNS_SRV) => self.srv_names.extend(value),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// Context-specific tags, each in the place where it is met.
const VERSION: u8 = 0xa0;
const EXPLICIT: u8 = 0xa0;
const OTHER_NAME: u8 = 0xa0;
const DNS_NAME: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;

/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 1.3.6.1.5.5.7.8.5
const XMPP_ADDRESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x05];
/// 1.3.6.1.5.5.7.8.7
const DNS_SRV: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x07];

fn common_name(name: &[u8]) -> Option<String> {
    let mut sets = Der(name);
    while let Some(set) = sets.expect(SET) {
        let mut attribute = Der(Der(set).expect(SEQUENCE)?);
        if attribute.expect(OID)? == COMMON_NAME {
            return attribute.next().and_then(|(_, value)| text(value));
        }
    }
    None
}

fn text(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().map(super::errors::short)
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ` (RFC 5280 §4.1.2.5).
fn time(tag: u8, value: &[u8]) -> Option<String> {
    let digits = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = match (tag, digits.len()) {
        (UTC_TIME, 12) if digits < "50" => format!("20{digits}"),
        (UTC_TIME, 12) => format!("19{digits}"),
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return None,
    };
    let part = |at: usize, length: usize| &digits[at..at + length];
    Some(format!("{}-{}-{} {}:{} UTC", part(0, 4), part(4, 2), part(6, 2), part(8, 2), part(10, 2)))
}

/// A run of DER values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value with its tag. Nothing at the end, and nothing for lengths that lead beyond it.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, value))
    }

    /// The next value, which must have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;

    use super::*;

    fn der(file: &str) -> CertificateDer<'static> {
        let path = format!("{}/tests/data/certs/{file}.pem", env!("CARGO_MANIFEST_DIR"));
        CertificateDer::from_pem_file(path).expect("a certificate")
    }

    #[test]
    fn names_and_dates_of_a_certificate_of_prosodys_own_generator() {
        let certificate = Certificate::read(&der("self-signed-ca"));
        let domain = "auth.meet.example.com";
        assert_eq!(certificate.common_name.as_deref(), Some(domain));
        assert_eq!(certificate.names(), [domain, "_xmpp-client.auth.meet.example.com"]);
        assert_eq!(certificate.xmpp_addresses, [domain]);
        assert!(certificate.is_for_xmpp_domain("AUTH.meet.example.com"));
        assert!(!certificate.is_for_xmpp_domain("meet.example.com"));
        let expired = Certificate::read(&der("expired"));
        assert_eq!(expired.not_before.as_deref(), Some("2020-01-01 00:00 UTC"));
        assert_eq!(expired.not_after.as_deref(), Some("2021-01-01 00:00 UTC"));
        // A dNSName is for rustls to compare; the common name does not count beside it.
        assert!(!expired.is_for_xmpp_domain(domain));
    }

    #[test]
    fn the_common_name_counts_where_there_is_no_other() {
        let named = Certificate { common_name: Some("a.b".into()), ..Certificate::default() };
        assert!(named.is_for_xmpp_domain("a.b"));
        let other = Certificate { dns_names: vec!["c.d".into()], ..named };
        assert!(!other.is_for_xmpp_domain("a.b"));
    }

    #[test]
    fn a_damaged_certificate_is_read_as_far_as_it_goes() {
        let der = der("self-signed-ca");
        for at in 0..der.len() {
            Certificate::read(&der[..at]);
            for value in [0x00, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = der.to_vec();
                damaged[at] = value;
                Certificate::read(&damaged);
            }
        }
    }
}
