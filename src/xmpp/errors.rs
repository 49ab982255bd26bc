//! Why there is no connection, in words for the person who can change it: what came back, and what to do.

use std::io;
use std::time::Duration;

use sasl::client::MechanismError;
use thiserror::Error;
use tokio_rustls::rustls;

use super::framing::FramingError;
use super::tls::{BadCertificate, Fault};
use crate::focus::problems::Kind;
use crate::wire::sm::StreamError;
use crate::wire::xml::Raw;

/// Why an attempt to connect failed or a connection ended. Secrets and the bytes of SASL are in none of them.
#[derive(Debug, Error)]
pub enum Error {
    #[error("the name {host} does not resolve ({source})")]
    Resolve { host: String, source: io::Error },
    /// One problem an address.
    #[error("no TCP connection ({0})")]
    Unreachable(String),
    #[error("no answer within {} s while {doing}", after.as_secs())]
    Silent { doing: &'static str, after: Duration },
    #[error("the connection broke while {doing} ({source})")]
    Broken { doing: &'static str, source: io::Error },
    #[error("the server closed the connection while {doing}")]
    Closed { doing: &'static str },
    /// In order, with its end tag.
    #[error("the server closed the stream")]
    Ended,
    #[error("what answers there is no XMPP stream: {0}")]
    Framing(#[from] FramingError),
    #[error("the server ended the stream: {}", Condition(condition, text.as_deref()))]
    Stream { condition: String, text: Option<String> },
    #[error("the server expected something else: {found} came while {doing}")]
    Unexpected { doing: &'static str, found: String },
    #[error("the server offers no STARTTLS, and it is not on this machine")]
    NoStartTls,
    #[error("the server requires TLS")]
    TlsRequired,
    #[error("the server refused STARTTLS after offering it")]
    TlsRefused,
    #[error("data came in before the encryption had begun; somebody is in the path")]
    EarlyData,
    #[error(transparent)]
    Certificate(Box<BadCertificate>),
    #[error("the TLS handshake failed ({0})")]
    Tls(rustls::Error),
    #[error("the domain \"{0}\" cannot be the name in a certificate")]
    DomainName(String),
    #[error("the domain \"{0}\" is no XMPP address")]
    Domain(String),
    #[error("the system's certificates cannot be used ({0})")]
    TrustStore(String),
    #[error("no way to log in that both sides accept; the server offers: {}", offered.join(" "))]
    NoMechanism { offered: Vec<String> },
    #[error("the login was refused: {}", Condition(condition, text.as_deref()))]
    LoginRefused { condition: String, text: Option<String> },
    #[error("the server's login data cannot be used ({0})")]
    Challenge(String),
    #[error("the server asks for {0} iterations of password hashing")]
    Iterations(u64),
    #[error("the server did not prove that it knows the password ({0}): it is not the server of this account")]
    ServerProof(MechanismError),
    #[error("the server refused the session: {}", Condition(condition, text.as_deref()))]
    BindRefused { condition: String, text: Option<String> },
    #[error("the server refused the component: {}", Condition(condition, text.as_deref()))]
    ComponentRefused { condition: String, text: Option<String> },
    #[error("the server acknowledged stanzas that were never sent (h={h}, {unacknowledged} after {before} are open)")]
    Acknowledged { h: u32, before: u32, unacknowledged: usize },
    #[error("the server takes nothing any more: {stanzas} stanzas of {bytes} bytes wait")]
    QueueFull { stanzas: usize, bytes: usize },
}

/// What an error of the transport means. TLS calls it an error if the other side just closes.
pub(super) fn broken(doing: &'static str, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::Closed { doing },
        _ => Error::Broken { doing, source },
    }
}

/// A condition and its text, if there is one.
struct Condition<'a>(&'a str, Option<&'a str>);

impl std::fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.1 {
            Some(text) => write!(f, "{} (\"{}\")", self.0, short(text)),
            None => f.write_str(self.0),
        }
    }
}

/// Foreign text in a log line: one line of bounded length.
pub(super) fn short(text: &str) -> String {
    const LONGEST: usize = 160;
    text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Name of the condition among an error's children.
pub(super) fn condition(children: &[Raw]) -> String {
    children.first().map_or_else(|| "no condition".to_owned(), |child| short(child.name()))
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Error {
        Error::Stream { condition: condition(&error.condition), text: error.text }
    }
}

/// What was tried: the half of the explanation that the error does not know.
#[derive(Debug, Clone)]
pub struct Target {
    /// `client`, `service`, `component`, `visitors.v0`.
    pub name: String,
    /// Where its settings are: `jicofo.xmpp.client`. Nothing for a component, which has flags.
    pub keys: String,
    pub host: String,
    pub port: u16,
    pub domain: String,
    /// `focus@auth.example.com`; of a component its domain.
    pub account: String,
    /// The bare user name, for the command that registers it.
    pub user: String,
}

/// How eagerly an attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It will pass by itself: a server that restarts.
    Soon,
    /// A person has to change something; people mend that while we run.
    Slow,
    /// Another process uses our account: two that take it from each other in turn help nobody (spec/70 §10.6).
    Contended,
}

impl Error {
    pub fn pace(&self) -> Pace {
        match self {
            Error::Stream { condition, .. } if condition == "conflict" => Pace::Contended,
            Error::Stream { condition, .. } if condition == "host-unknown" => Pace::Slow,
            Error::Certificate(_)
            | Error::Tls(_)
            | Error::TlsRefused
            | Error::NoStartTls
            | Error::TlsRequired
            | Error::EarlyData
            | Error::DomainName(_)
            | Error::Domain(_)
            | Error::TrustStore(_)
            | Error::NoMechanism { .. }
            | Error::LoginRefused { .. }
            | Error::Challenge(_)
            | Error::Iterations(_)
            | Error::ServerProof(_)
            | Error::BindRefused { .. }
            | Error::ComponentRefused { .. }
            | Error::Framing(_) => Pace::Slow,
            _ => Pace::Soon,
        }
    }

    /// Whether the server may still keep the session of a connection that ended so. A stream that was ended in words is
    /// over (spec/70 §10.6, XEP-0198 §5), and one whose counters contradict each other cannot be gone on with.
    pub fn leaves_session(&self) -> bool {
        matches!(self, Error::Silent { .. } | Error::Broken { .. } | Error::Closed { .. } | Error::Framing(_))
    }

    /// Which problem of spec/80 §13 it is.
    pub fn problem(&self) -> Kind {
        match self {
            Error::LoginRefused { .. }
            | Error::NoMechanism { .. }
            | Error::Challenge(_)
            | Error::Iterations(_)
            | Error::ServerProof(_)
            | Error::BindRefused { .. }
            | Error::ComponentRefused { .. } => Kind::AuthFailed,
            Error::Stream { condition, .. } if condition == "conflict" => Kind::TwoFocuses,
            Error::Stream { condition, .. } if condition == "host-unknown" => Kind::HostUnknown,
            Error::Certificate(bad) => match bad.fault {
                Fault::WrongName { .. } => Kind::TlsName,
                Fault::Expired => Kind::TlsExpired,
                Fault::NotYetValid => Kind::Clock,
                _ => Kind::TlsUntrusted,
            },
            Error::Domain(_) | Error::DomainName(_) => Kind::TlsName,
            Error::TrustStore(_) => Kind::TlsUntrusted,
            Error::NoStartTls | Error::TlsRequired | Error::TlsRefused | Error::EarlyData | Error::Tls(_) => {
                Kind::NoTls
            }
            _ => Kind::Connect,
        }
    }

    /// What to do about it.
    pub fn advice(&self, at: &Target) -> String {
        let Target { keys, host, port, domain, account, user, .. } = at;
        let component = at.name == "component";
        match self {
            Error::Resolve { .. } if component => "Check --host, or the name's entry in DNS or /etc/hosts".to_owned(),
            Error::Resolve { .. } => format!("Check {keys}.hostname, or the name's entry in DNS or /etc/hosts"),
            Error::Unreachable(_) if component => format!(
                "Is the XMPP server running, and does it listen for components on port {port} (component_ports)? \
                 Without a component of its own, leave --secret and JICOFO_SECRET away"
            ),
            Error::Unreachable(_) => {
                format!("Is the XMPP server running? If so, check {keys}.hostname and {keys}.port, and firewalls")
            }
            // A web server waits for more of a request, too.
            Error::Silent { doing: "waiting for the stream's header", .. } if !component => format!(
                "Does an XMPP server listen on {host}:{port}, and is it well? Check {keys}.port: 5222 is the usual port \
                 for clients, not that of HTTP or BOSH"
            ),
            Error::Silent { doing: "waiting for the stream's header", .. } => {
                format!("Does an XMPP server listen for components on {host}:{port} (component_ports), and is it well?")
            }
            Error::Silent { .. } | Error::Broken { .. } | Error::Closed { .. } | Error::Ended => {
                "See the XMPP server's log if this goes on".to_owned()
            }
            Error::Framing(FramingError::NotXmpp(_) | FramingError::NotAStream(_)) if component => {
                format!("Check that {host}:{port} is the server's port for components (component_ports)")
            }
            Error::Framing(FramingError::NotXmpp(_) | FramingError::NotAStream(_)) => {
                format!("Check {keys}.port: 5222 is the usual port for clients, not that of HTTP or BOSH")
            }
            Error::Stream { condition, .. } => match condition.as_str() {
                "host-unknown" => format!(
                    "Check {keys}.domain: \"{domain}\" is no VirtualHost of the server at {host}:{port}, or not loaded"
                ),
                "conflict" => format!(
                    "Another process logs in as {account} with the same resource: stop it, or give one of the two \
                     another account"
                ),
                "policy-violation" => "Is the account exempt from the server's limits (unlimited_jids)?".to_owned(),
                "system-shutdown" => "It is restarting or was stopped".to_owned(),
                _ => "See the XMPP server's log".to_owned(),
            },
            Error::NoStartTls => format!(
                "Enable TLS on the server (mod_tls and a certificate for {domain}), or set {keys}.use-tls = false if \
                 the network between is safe"
            ),
            Error::TlsRequired => format!("Remove {keys}.use-tls = false"),
            Error::TlsRefused | Error::Tls(_) => {
                format!("See the XMPP server's log; does it have a certificate for {domain}?")
            }
            Error::Certificate(certificate) => certificate.remedy(domain, keys),
            Error::Domain(_) if component => "Check --domain and --subdomain".to_owned(),
            Error::DomainName(_) | Error::Domain(_) => format!("Check {keys}.domain"),
            Error::TrustStore(_) => {
                "Install the package ca-certificates, or set SSL_CERT_FILE or SSL_CERT_DIR".to_owned()
            }
            Error::NoMechanism { .. } if at.user.is_empty() => format!(
                "{keys}.password is not set, which means an anonymous login: set it, or let {domain} be anonymous"
            ),
            Error::NoMechanism { .. } => "Wanted are SCRAM-SHA-256 or SCRAM-SHA-1, or PLAIN inside of TLS".to_owned(),
            Error::LoginRefused { condition, .. } if condition == "not-authorized" => format!(
                "The password is wrong or the account is missing: check {keys}.password, or set the account's with \
                 `prosodyctl register {user} {domain} <password>`"
            ),
            Error::LoginRefused { .. } => format!("See the XMPP server's log about {account}"),
            Error::Challenge(_) | Error::ServerProof(_) | Error::EarlyData => {
                format!("Check that {host}:{port} is the right server, and who can redirect connections to it")
            }
            Error::Iterations(_) => {
                "That many would stall the focus: lower the server's default_iteration_count".to_owned()
            }
            Error::BindRefused { .. } => format!("See the XMPP server's log about {account}"),
            Error::ComponentRefused { condition, .. } => match condition.as_str() {
                "not-authorized" => {
                    "The secret is wrong: --secret or JICOFO_SECRET must equal the component_secret of \
                                     the server's Component"
                        .to_owned()
                }
                "host-unknown" => format!(
                    "The server has no Component \"{domain}\" with a component_secret. If it is a client_proxy there, \
                     leave --secret and JICOFO_SECRET away"
                ),
                "conflict" => format!("Another process is connected as {domain}: stop it"),
                _ => "See the XMPP server's log".to_owned(),
            },
            Error::Unexpected { .. } | Error::Framing(_) | Error::Acknowledged { .. } | Error::QueueFull { .. } => {
                "The session is begun anew; see the XMPP server's log if this goes on".to_owned()
            }
        }
    }
}
