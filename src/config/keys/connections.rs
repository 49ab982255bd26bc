//! Connections and authentication (spec/70 §5.1-5.4).

use super::{PORT, POSITIVE};
use crate::config::legacy::names;
use crate::config::schema::Key;
use crate::config::typed::Kind;

pub(super) const KEYS: &[Key] = &[
    // §5.1: the client connection
    Key::new("jicofo.xmpp.client.enabled", Kind::Bool, "true", "Never read: the client connection is always made.")
        .legacy(names::CLIENT_ENABLED),
    Key::new(
        "jicofo.xmpp.client.hostname",
        Kind::Host,
        "localhost",
        "Host to connect to; all its addresses are tried in order.",
    )
    .refuse()
    .legacy(names::HOSTNAME),
    Key::new("jicofo.xmpp.client.port", PORT, "5222", "TCP port of the XMPP server.").refuse().legacy(names::XMPP_PORT),
    Key::unset(
        "jicofo.xmpp.client.domain",
        Kind::Domain,
        "Login domain: stream `to`, TLS SNI and the name in the certificate; required.",
    )
    .refuse()
    .legacy(names::USER_DOMAIN),
    Key::unset(
        "jicofo.xmpp.client.xmpp-domain",
        Kind::Domain,
        "Domain asked for components, pinged by the health check, and the base of visitor room names.",
    )
    .legacy(names::XMPP_DOMAIN),
    Key::new(
        "jicofo.xmpp.client.username",
        Kind::Localpart,
        "focus",
        "Localpart of the account; the nick in rooms is `focus` whatever it is.",
    )
    .refuse()
    .legacy(names::USER_NAME),
    Key::new(
        "jicofo.xmpp.client.resource",
        Kind::Resource,
        "focus",
        "Resource to bind; two processes with one account and resource throw each other out.",
    )
    .refuse(),
    Key::unset("jicofo.xmpp.client.password", Kind::Text, "Password of the account.")
        .refuse()
        .secret()
        .legacy(names::USER_PASSWORD),
    Key::unset("jicofo.xmpp.client.password-file", Kind::Text, "A file that holds nothing but the password.").refuse(),
    // Ours: what flags without a password mean (spec/10 §10.1).
    Key::new(
        "jicofo.xmpp.client.anonymous",
        Kind::Bool,
        "false",
        "Log in without an account if there is no password, as classic starts without one do.",
    )
    .refuse(),
    Key::new(
        "jicofo.xmpp.client.reply-timeout",
        POSITIVE,
        "15 seconds",
        "How long to wait for answers on this connection, and how long a lost one may take to come back.",
    )
    .refuse(),
    Key::new(
        "jicofo.xmpp.client.disable-certificate-verification",
        Kind::Bool,
        "false",
        "Accept any certificate with any name.",
    )
    .refuse()
    .legacy(names::ALWAYS_TRUST),
    Key::new("jicofo.xmpp.client.use-tls", Kind::Bool, "true", "Encrypt with STARTTLS.").refuse(),
    Key::unset(
        "jicofo.xmpp.client.conference-muc-jid",
        Kind::Domain,
        "Room domain for health checks; unset: `conference.` and the xmpp-domain.",
    )
    .legacy(names::MUC_PREFIX),
    Key::unset(
        "jicofo.xmpp.client.client-proxy",
        Kind::Domain,
        "The component that passes on clients' requests, `focus.` and the domain; its requests carry the sender in the resource.",
    ),
    // §5.1: the service connection
    Key::new(
        "jicofo.xmpp.service.enabled",
        Kind::Bool,
        "false",
        "A connection of its own for bridges; without it they use the client connection.",
    )
    .refuse()
    .legacy(names::SERVICE_ENABLED),
    Key::new(
        "jicofo.xmpp.service.hostname",
        Kind::Host,
        "localhost",
        "Host to connect to; all its addresses are tried in order.",
    )
    .refuse_if("jicofo.xmpp.service.enabled")
    .legacy(names::SERVICE_HOST),
    Key::new("jicofo.xmpp.service.port", PORT, "6222", "TCP port of the XMPP server.")
        .refuse_if("jicofo.xmpp.service.enabled")
        .legacy(names::SERVICE_PORT),
    Key::unset(
        "jicofo.xmpp.service.domain",
        Kind::Domain,
        "Login domain: stream `to`, TLS SNI and the name in the certificate; required if the connection is enabled.",
    )
    .refuse_if("jicofo.xmpp.service.enabled")
    .legacy(names::SERVICE_DOMAIN),
    Key::unset("jicofo.xmpp.service.xmpp-domain", Kind::Domain, "No effect on this connection, as in the original."),
    Key::new(
        "jicofo.xmpp.service.username",
        Kind::Localpart,
        "focus",
        "Localpart of the account; the nick in rooms is `focus` whatever it is.",
    )
    .refuse_if("jicofo.xmpp.service.enabled")
    .legacy(names::SERVICE_USER),
    Key::new(
        "jicofo.xmpp.service.resource",
        Kind::Resource,
        "focus",
        "Resource to bind; two processes with one account and resource throw each other out.",
    )
    .refuse_if("jicofo.xmpp.service.enabled"),
    Key::unset("jicofo.xmpp.service.password", Kind::Text, "Password of the account.")
        .refuse_if("jicofo.xmpp.service.enabled")
        .secret()
        .legacy(names::SERVICE_PASSWORD),
    Key::unset("jicofo.xmpp.service.password-file", Kind::Text, "A file that holds nothing but the password.")
        .refuse_if("jicofo.xmpp.service.enabled"),
    Key::new(
        "jicofo.xmpp.service.reply-timeout",
        POSITIVE,
        "15 seconds",
        "How long to wait for answers on this connection, and how long a lost one may take to come back.",
    )
    .refuse_if("jicofo.xmpp.service.enabled"),
    Key::new(
        "jicofo.xmpp.service.disable-certificate-verification",
        Kind::Bool,
        "false",
        "Accept any certificate with any name.",
    )
    .refuse_if("jicofo.xmpp.service.enabled")
    .legacy(names::ALWAYS_TRUST),
    Key::new("jicofo.xmpp.service.use-tls", Kind::Bool, "true", "Encrypt with STARTTLS.")
        .refuse_if("jicofo.xmpp.service.enabled"),
    // §5.2: a connection for each visitor node
    Key::new(
        "jicofo.xmpp.visitors.*.enabled",
        Kind::Bool,
        "true",
        "Use this visitor node; its name is what clients are told.",
    )
    .otherwise("false"),
    Key::unset("jicofo.xmpp.visitors.*.hostname", Kind::Host, "Host to connect to; required.").refuse(),
    Key::new("jicofo.xmpp.visitors.*.port", PORT, "5222", "TCP port of the XMPP server.").refuse(),
    Key::unset("jicofo.xmpp.visitors.*.domain", Kind::Domain, "Login domain; unset: the hostname.").refuse(),
    Key::unset(
        "jicofo.xmpp.visitors.*.xmpp-domain",
        Kind::Domain,
        "Takes the place of the main xmpp-domain in the names of visitor rooms.",
    ),
    Key::unset(
        "jicofo.xmpp.visitors.*.conference-service",
        Kind::Domain,
        "Room domain of the node; required. No effect: its rooms are named after the main room's domain.",
    )
    .refuse(),
    Key::new("jicofo.xmpp.visitors.*.username", Kind::Localpart, "focus", "Localpart of the account.").refuse(),
    Key::unset("jicofo.xmpp.visitors.*.resource", Kind::Resource, "Resource to bind; unset: the username.").refuse(),
    Key::unset("jicofo.xmpp.visitors.*.password", Kind::Text, "Password of the account.").secret(),
    Key::unset("jicofo.xmpp.visitors.*.password-file", Kind::Text, "A file that holds nothing but the password.")
        .refuse(),
    Key::new(
        "jicofo.xmpp.visitors.*.reply-timeout",
        POSITIVE,
        "15 seconds",
        "How long to wait for answers on this connection.",
    ),
    Key::new(
        "jicofo.xmpp.visitors.*.disable-certificate-verification",
        Kind::Bool,
        "false",
        "Accept any certificate with any name.",
    ),
    Key::new("jicofo.xmpp.visitors.*.use-tls", Kind::Bool, "true", "Encrypt with STARTTLS."),
    // The external component of the classic wiring (spec/10 §10): ours, the reference knows flags only.
    Key::unset(
        "jicofo.xmpp.component.hostname",
        Kind::Host,
        "Server of the component; unset: the client connection's hostname.",
    )
    .refuse(),
    Key::new("jicofo.xmpp.component.port", PORT, "5347", "Component port of the server.").refuse(),
    Key::unset(
        "jicofo.xmpp.component.domain",
        Kind::Domain,
        "Parent of the component's domain; unset: the xmpp-domain.",
    )
    .refuse(),
    Key::new("jicofo.xmpp.component.subdomain", Kind::Domain, "focus", "First label of the component's domain.")
        .refuse(),
    Key::unset(
        "jicofo.xmpp.component.secret",
        Kind::Text,
        "Component secret; a component connection is made only if it is given.",
    )
    .refuse()
    .secret(),
    Key::unset("jicofo.xmpp.component.secret-file", Kind::Text, "A file that holds nothing but the component secret.")
        .refuse(),
    // §5.3
    Key::new(
        "jicofo.xmpp.trusted-domains",
        Kind::Domains,
        "",
        "Only occupants from these domains may be recorders, gateways and transcribers.",
    ),
    Key::new(
        "jicofo.xmpp.use-jitsi-jid-validation",
        Kind::Bool,
        "true",
        "Allow `_` and `%` in domains, which tenants need.",
    )
    .refuse(),
    Key::unset("jicofo.local-region", Kind::Text, "Region of this focus, for choosing bridges and gateways.")
        .legacy(names::LOCAL_REGION),
    Key::new(
        "jicofo.metrics.update-interval",
        POSITIVE,
        "30 seconds",
        "No effect: gauges are of the moment in which they are read.",
    )
    .refuse(),
    Key::new("jicofo.octo.enabled", Kind::Bool, "false", "Allow more than one bridge in a conference."),
    Key::new(
        "jicofo.octo.allow-mixed-versions",
        Kind::Bool,
        "false",
        "Let bridges of different versions work together, for tests.",
    ),
    Key::new(
        "jicofo.octo.sctp-datachannels",
        Kind::Bool,
        "true",
        "Bridges talk to each other over SCTP instead of websockets.",
    ),
    Key::new("jicofo.sctp.enabled", Kind::Bool, "true", "Offer SCTP data channels to clients that support them."),
    // §5.4
    Key::new(
        "jicofo.authentication.enabled",
        Kind::Bool,
        "false",
        "Require that somebody authenticated starts a conference.",
    )
    .refuse()
    .legacy(names::AUTH_ENABLED),
    Key::new(
        "jicofo.authentication.type",
        Kind::Choice(&["XMPP", "JWT", "NONE"]),
        "NONE",
        "How users authenticate: `docs/SECURE-DOMAIN.md`.",
    )
    .refuse_if("jicofo.authentication.enabled")
    .legacy(names::AUTH_TYPE),
    Key::unset(
        "jicofo.authentication.login-url",
        Kind::Domain,
        "The domain (no URL) whose users count as authenticated; required if the type is not NONE.",
    )
    .refuse_if("jicofo.authentication.enabled")
    .legacy(names::AUTH_DOMAIN),
    Key::new(
        "jicofo.authentication.authentication-lifetime",
        POSITIVE,
        "24 hours",
        "How long a login is remembered, with type XMPP; JWT always uses 1 minute.",
    )
    .refuse_if("jicofo.authentication.enabled")
    .legacy(names::AUTH_LIFETIME),
    Key::new(
        "jicofo.authentication.enable-auto-login",
        Kind::Bool,
        "true",
        "Logins outlive their conference, with type XMPP.",
    )
    .refuse_if("jicofo.authentication.enabled")
    .legacy(names::AUTO_LOGIN),
];
