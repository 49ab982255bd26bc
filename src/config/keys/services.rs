//! Health, HTTP, tracing, recorders, gateways, transcription, visitors (spec/70 §5.8-5.11), and logs.

use super::{COUNT, INT};
use crate::config::legacy::names;
use crate::config::schema::Key;
use crate::config::typed::Kind;

pub(super) const KEYS: &[Key] = &[
    // §5.8
    Key::new(
        "jicofo.health.enabled",
        Kind::Bool,
        "false",
        "Check ourselves periodically; without it `/about/health` is 404.",
    )
    .refuse()
    .legacy(names::HEALTH),
    Key::new("jicofo.health.interval", Kind::Duration(0), "10 seconds", "Period of the checks; 0: when asked.")
        .refuse(),
    Key::new("jicofo.health.timeout", Kind::Duration(0), "30 seconds", "Older results count as a failure.").refuse(),
    Key::new(
        "jicofo.health.max-check-duration",
        Kind::Duration(0),
        "20 seconds",
        "A check that takes longer is a failure.",
    )
    .refuse(),
    Key::new(
        "jicofo.health.room-name-prefix",
        Kind::Localpart,
        "__jicofo-health-check",
        "Prefix of the rooms made for checks; Prosody's modules know it.",
    ),
    Key::new("jicofo.rest.enabled", Kind::Bool, "true", "The HTTP interface.").refuse(),
    Key::new("jicofo.rest.port", Kind::Int(i32::MIN as i64, 65_535), "8888", "Its port; 0 or less: no HTTP interface.")
        .refuse(),
    Key::new("jicofo.rest.host", Kind::Host, "127.0.0.1", "Address it listens on.").refuse(),
    Key::new("jicofo.rest.prometheus.enabled", Kind::Bool, "true", "`/metrics`.").refuse(),
    Key::new("jicofo.rest.conference-request.enabled", Kind::Bool, "true", "`/conference-request/v1`.").refuse(),
    Key::new("jicofo.rest.move-endpoints.enabled", Kind::Bool, "true", "`/move-endpoints/*`.").refuse(),
    Key::new("jicofo.rest.debug.enabled", Kind::Bool, "true", "`/debug*`.").refuse(),
    Key::new("jicofo.rest.pin.enabled", Kind::Bool, "true", "`/pin*`.").refuse(),
    Key::new("tracing.enabled", Kind::Bool, "false", "Export traces (OpenTelemetry).").later(),
    Key::new("tracing.service-name", Kind::Text, "jicofo", "Name of this service in traces.")
        .refuse_if("tracing.enabled")
        .later(),
    Key::unset("tracing.otlp-endpoint", Kind::Text, "URL of the collector; required if tracing is on.")
        .refuse_if("tracing.enabled")
        .later(),
    Key::unset(
        "tracing.otlp-protocol",
        Kind::Choice(&["grpc", "http"]),
        "How to talk to it; required if tracing is on.",
    )
    .refuse_if("tracing.enabled")
    .later(),
    // §5.9
    Key::unset(
        "jicofo.jibri.brewery-jid",
        Kind::BareJid,
        "Room in which recorders announce themselves; unset: no recording.",
    )
    .legacy(names::JIBRI)
    .later(),
    Key::new("jicofo.jibri.num-retries", INT, "5", "Other recorders to try when one fails; below 0: without end.")
        .legacy(names::JIBRI_RETRIES)
        .later(),
    Key::new("jicofo.jibri.pending-timeout", Kind::Duration(0), "90 seconds", "How long a recorder may take to start.")
        .legacy(names::JIBRI_PENDING)
        .later(),
    Key::new(
        "jicofo.jibri.xmpp-connection-name",
        Kind::Choice(&["Client", "Service"]),
        "Client",
        "Connection that joins the brewery.",
    )
    .refuse_if("jicofo.jibri.brewery-jid"),
    Key::new(
        "jicofo.jibri.use-private-address-connectivity",
        Kind::Bool,
        "true",
        "Offer recorders private addresses of bridges.",
    ),
    Key::unset("jicofo.jibri-sip.brewery-jid", Kind::BareJid, "Room in which SIP recorders announce themselves.")
        .legacy(names::JIBRI_SIP)
        .later(),
    Key::unset(
        "jicofo.jigasi.brewery-jid",
        Kind::BareJid,
        "Room in which SIP gateways announce themselves; unset: no dial-out.",
    )
    .legacy(names::JIGASI)
    .later(),
    Key::new(
        "jicofo.jigasi.xmpp-connection-name",
        Kind::Choice(&["Client", "Service"]),
        "Client",
        "Connection that joins the brewery.",
    )
    .refuse_if("jicofo.jigasi.brewery-jid"),
    Key::new(
        "jicofo.jigasi.use-private-address-connectivity",
        Kind::Bool,
        "true",
        "Offer gateways private addresses of bridges.",
    ),
    // §5.10
    Key::unset(
        "jicofo.transcription.url-template",
        Kind::Text,
        "Websocket URL for transcription, with {{MEETING_ID}} and {{REGION}}; unset: off.",
    )
    .later(),
    Key::new("jicofo.transcription.http-headers", Kind::Map, "", "HTTP headers sent with it.").secret().later(),
    Key::new("jicofo.transcription.ping.enabled", Kind::Bool, "true", "The bridge pings the service.").later(),
    Key::new("jicofo.transcription.ping.interval", Kind::Duration(0), "10 seconds", "Period of the pings.").later(),
    Key::new("jicofo.transcription.ping.timeout", Kind::Duration(0), "3 seconds", "How long an answer may take.")
        .later(),
    Key::unset(
        "jicofo.translation.url-template",
        Kind::Text,
        "Websocket URL for live translation, with {{MEETING_ID}} and {{REGION}}; unset: off.",
    )
    .later(),
    Key::new("jicofo.translation.http-headers", Kind::Map, "", "HTTP headers sent with it.").secret().later(),
    Key::new("jicofo.translation.ping.enabled", Kind::Bool, "true", "The bridge pings the service.").later(),
    Key::new("jicofo.translation.ping.interval", Kind::Duration(0), "10 seconds", "Period of the pings.").later(),
    Key::new("jicofo.translation.ping.timeout", Kind::Duration(0), "3 seconds", "How long an answer may take.").later(),
    Key::new(
        "jicofo.translation.mode",
        Kind::LooseChoice(&["per-source", "single-bridge"]),
        "per-source",
        "How sources are sent to the service.",
    )
    .later(),
    Key::new(
        "jicofo.translation.max-languages-per-connect",
        Kind::Int(1, i32::MAX as i64),
        "5",
        "Languages in one connection, with per-source.",
    )
    .later(),
    // §5.11
    Key::new("jicofo.visitors.enabled", Kind::Bool, "false", "Let visitors in."),
    Key::new("jicofo.visitors.max-participants", COUNT, "50", "Size of the main room from which users are sent there."),
    Key::new("jicofo.visitors.max-visitors-per-node", COUNT, "500", "Visitors on one node, roughly."),
    Key::new(
        "jicofo.visitors.notification-interval",
        Kind::Duration(0),
        "15 seconds",
        "Least time between two updates of the visitor count.",
    ),
    Key::new(
        "jicofo.visitors.auto-enable-broadcast",
        Kind::Bool,
        "true",
        "Visitors are broadcast to without being asked for.",
    ),
    Key::new(
        "jicofo.visitors.require-muc-config-flag",
        Kind::Bool,
        "false",
        "Only rooms that say so may have visitors.",
    ),
    Key::new("jicofo.visitors.enable-live-room", Kind::Bool, "false", "Visitors may wait for a conference to go live."),
    Key::new(
        "jicofo.visitors.vnode-join-latency-interval",
        Kind::Duration(0),
        "60 seconds",
        "How long a visitor counts on a node before being seen there.",
    ),
    // Logs (spec/80 §8): ours, the reference has logging.properties only.
    Key::new(
        "jicofo.logging.format",
        Kind::Choice(&["text", "json"]),
        "text",
        "Lines as the original writes them, or one JSON object a line.",
    ),
    Key::new(
        "jicofo.logging.levels",
        Kind::Map,
        "",
        "Levels (`off`, `error`, `warn`, `info`, `debug`, `trace`) by module: `{ jicofo = info, \"jicofo::focus\" = debug }`.",
    ),
    Key::new("jicofo.logging.timestamp", Kind::Bool, "true", "Begin lines with the time; journald has its own."),
    Key::new(
        "jicofo.logging.redact-addresses",
        Kind::Bool,
        "false",
        "Write IP addresses without what tells one host from another.",
    ),
];
