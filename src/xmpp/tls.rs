//! TLS to the XMPP server, and which certificates are believed (spec/70 §10.3).

use std::fmt;
use std::io;
use std::sync::Arc;

use sasl::common::scram::{ScramProvider, Sha256};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};

use super::errors::{Error, broken};
use super::socket::Socket;
use super::x509::Certificate;

/// Whose certificates are believed.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The system's store, with SSL_CERT_FILE and SSL_CERT_DIR honoured.
    System,
    /// These authorities, and these certificates themselves.
    Certificates(Vec<CertificateDer<'static>>),
    /// `disable-certificate-verification`: everybody.
    Everybody,
}

/// Makes TLS of a socket. Made once, kept over reconnects, so that sessions are resumed.
pub struct Connector {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Connector {
    /// `domain` is the name that the certificate must have: the XMPP domain, not the host.
    pub fn new(domain: &str, trust: Trust) -> Result<Connector, Error> {
        let name = ServerName::try_from(domain.to_owned()).map_err(|_| Error::DomainName(domain.to_owned()))?;
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Verifier::new(trust, domain, &provider)?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Connector { connector: Arc::new(config).into(), name })
    }

    pub async fn connect(&self, socket: Socket) -> Result<TlsStream<Socket>, Error> {
        self.connector.connect(self.name.clone(), socket).await.map_err(failure)
    }
}

/// rustls wraps its errors, and ours, into `io::Error`.
fn failure(error: io::Error) -> Error {
    let doing = "negotiating TLS";
    match error.downcast::<rustls::Error>() {
        Ok(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other)))) => {
            match other.downcast_ref::<BadCertificate>() {
                Some(bad) => Error::Certificate(Box::new(bad.clone())),
                None => Error::Tls(rustls::Error::General(other.to_string())),
            }
        }
        Ok(error) => Error::Tls(error),
        Err(source) => broken(doing, source),
    }
}

/// What is wrong with the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Untrusted,
    Expired,
    NotYetValid,
    WrongName { wanted: String },
    Other(String),
}

/// A certificate that was refused, and all that helps to find out why.
#[derive(Debug, Clone)]
pub struct BadCertificate {
    pub fault: Fault,
    pub certificate: Certificate,
    /// SHA-256 over the certificate, as `openssl x509 -fingerprint -sha256` prints it.
    pub fingerprint: String,
}

impl std::error::Error for BadCertificate {}

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server's certificate is ")?;
        match &self.fault {
            Fault::Untrusted => f.write_str("untrusted: no authority of the system's store vouches for it")?,
            Fault::Expired => f.write_str("expired")?,
            Fault::NotYetValid => f.write_str("not yet valid")?,
            Fault::WrongName { wanted } => write!(f, "for another name than \"{wanted}\" (wrong name)")?,
            Fault::Other(problem) => write!(f, "unusable: {problem}")?,
        }
        let Certificate { common_name, not_before, not_after, .. } = &self.certificate;
        let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
        write!(
            f,
            " [subject CN={}; names: {}; valid {} to {}; SHA-256 {}]",
            or_unknown(common_name),
            self.certificate.names().join(", "),
            or_unknown(not_before),
            or_unknown(not_after),
            self.fingerprint
        )
    }
}

impl BadCertificate {
    pub fn remedy(&self, domain: &str, keys: &str) -> String {
        match &self.fault {
            Fault::Untrusted => format!(
                "If it is the server's own, trust it: copy it (Prosody: /var/lib/prosody/{domain}.crt) to \
                 /usr/local/share/ca-certificates/ and run `update-ca-certificates -f`; or point SSL_CERT_FILE to it"
            ),
            Fault::Expired => {
                format!("Renew it on the server (`prosodyctl cert generate {domain}`, or that of your authority)")
            }
            Fault::NotYetValid => format!(
                "It is {} by this machine's clock: let NTP set it if that is wrong (`timedatectl set-ntp true`), otherwise the \
                 server's, and make the certificate anew",
                jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC")
            ),
            Fault::WrongName { .. } => format!(
                "Check {keys}.domain, or give the server a certificate for {domain} (`prosodyctl cert generate {domain}`)"
            ),
            Fault::Other(_) => format!("Give the server a new certificate (`prosodyctl cert generate {domain}`)"),
        }
    }
}

/// The one place that decides about certificates. The signatures of the handshake are checked in any case: without that, a
/// copy of a trusted certificate would pass without its key.
#[derive(Debug)]
struct Verifier {
    domain: String,
    trust: Trusted,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum Trusted {
    Everybody,
    Store {
        /// None: the store is empty, of which webpki wants to know nothing.
        authorities: Option<Arc<WebPkiServerVerifier>>,
        /// SHA-256 of each certificate of the store.
        certificates: Vec<Vec<u8>>,
    },
}

impl Verifier {
    fn new(trust: Trust, domain: &str, provider: &Arc<CryptoProvider>) -> Result<Verifier, Error> {
        let trust = match trust {
            Trust::Everybody => Trusted::Everybody,
            Trust::Certificates(certificates) => Trusted::store(certificates, provider)?,
            Trust::System => {
                let found = rustls_native_certs::load_native_certs();
                for error in &found.errors {
                    log::warn!("a part of the system's certificates cannot be read: {error}");
                }
                Trusted::store(found.certs, provider)?
            }
        };
        Ok(Verifier { domain: domain.to_owned(), trust, algorithms: provider.signature_verification_algorithms })
    }

    /// Why this certificate is refused, or nothing.
    fn fault(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Fault> {
        let Trusted::Store { authorities, certificates } = &self.trust else { return None };
        let verified = match authorities {
            Some(authorities) => authorities.verify_server_cert(leaf, intermediates, name, &[], now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let Err(error) = verified else { return None };
        let fault = self.fault_of(error, leaf);
        // A certificate that is in the store itself needs no authority, and may be one (Prosody's own generator makes them
        // with CA:TRUE). Its dates stand: webpki looks at them before it looks at what a certificate may be used for.
        let pinned = certificates.contains(&Sha256::hash(leaf));
        match fault {
            Some(Fault::Untrusted | Fault::Other(_)) if pinned => {
                let parsed = ParsedCertificate::try_from(leaf);
                let named = parsed.and_then(|certificate| verify_server_name(&certificate, name));
                named.err().and_then(|error| self.fault_of(error, leaf))
            }
            fault => fault,
        }
    }

    /// What the error means; nothing if only the name is wrong to rustls, but right for XMPP.
    fn fault_of(&self, error: rustls::Error, leaf: &[u8]) -> Option<Fault> {
        use CertificateError as E;
        Some(match error {
            rustls::Error::InvalidCertificate(E::UnknownIssuer | E::BadSignature) => Fault::Untrusted,
            rustls::Error::InvalidCertificate(E::Expired | E::ExpiredContext { .. }) => Fault::Expired,
            rustls::Error::InvalidCertificate(E::NotValidYet | E::NotValidYetContext { .. }) => Fault::NotYetValid,
            rustls::Error::InvalidCertificate(E::NotValidForName | E::NotValidForNameContext { .. }) => {
                if Certificate::read(leaf).is_for_xmpp_domain(&self.domain) {
                    return None;
                }
                Fault::WrongName { wanted: self.domain.clone() }
            }
            rustls::Error::InvalidCertificate(E::Other(OtherError(other))) => {
                // A self-signed CA certificate that is not in the store: to people that is the same as untrusted.
                if other.to_string().contains("CaUsedAsEndEntity") {
                    Fault::Untrusted
                } else {
                    Fault::Other(other.to_string())
                }
            }
            other => Fault::Other(other.to_string()),
        })
    }
}

impl Trusted {
    fn store(certificates: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Trusted, Error> {
        let mut roots = RootCertStore::empty();
        let hashes = certificates.iter().map(|certificate| Sha256::hash(certificate)).collect();
        let (added, ignored) = roots.add_parsable_certificates(certificates);
        log::debug!("{added} certificates are trusted, {ignored} of the store cannot be read");
        let authorities = if roots.is_empty() {
            None
        } else {
            let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone());
            Some(builder.build().map_err(|error| Error::TrustStore(error.to_string()))?)
        };
        Ok(Trusted::Store { authorities, certificates: hashes })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(fault) = self.fault(leaf, intermediates, name, now) else {
            return Ok(ServerCertVerified::assertion());
        };
        let fingerprint: Vec<String> = Sha256::hash(leaf).iter().map(|byte| format!("{byte:02X}")).collect();
        let bad = BadCertificate { fault, certificate: Certificate::read(leaf), fingerprint: fingerprint.join(":") };
        Err(CertificateError::Other(OtherError(Arc::new(bad))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
