//! The table of keys (spec/70 §5). See [`schema`](super::schema) for what a line means.

use super::legacy::names;
use super::schema::Key;
use super::typed::Kind;

const INT: Kind = Kind::Int(i32::MIN as i64, i32::MAX as i64);
const COUNT: Kind = Kind::Int(0, i32::MAX as i64);
const PORT: Kind = Kind::Int(1, 65_535);
/// RTP has 7 bits for it (spec/70 §5.6).
const PAYLOAD_TYPE: Kind = Kind::Int(i32::MIN as i64, 127);
/// Two-byte headers; 15 means "stop" in one-byte ones and is left to the person.
const EXTENSION: Kind = Kind::Int(1, 255);
const FRACTION: Kind = Kind::Double(0.0, f64::MAX);
const POSITIVE: Kind = Kind::Duration(1);
const STRATEGY: Kind = Kind::ClassName(&[
    "SingleBridgeSelectionStrategy",
    "SplitBridgeSelectionStrategy",
    "RegionBasedBridgeSelectionStrategy",
    "IntraRegionBridgeSelectionStrategy",
    "VisitorSelectionStrategy",
]);

pub static KEYS: &[Key] = &[
    // §5.1: the client connection
    Key::new("jicofo.xmpp.client.enabled", Kind::Bool, "true", "Never read: the client connection is always made.")
        .legacy(names::CLIENT_ENABLED),
    Key::new(
        "jicofo.xmpp.client.hostname",
        Kind::Text,
        "localhost",
        "Host to connect to; all its addresses are tried in order.",
    )
    .legacy(names::HOSTNAME),
    Key::new("jicofo.xmpp.client.port", PORT, "5222", "TCP port of the XMPP server.").legacy(names::XMPP_PORT),
    Key::unset(
        "jicofo.xmpp.client.domain",
        Kind::Domain,
        "Login domain: stream `to`, TLS SNI and the name in the certificate; required.",
    )
    .legacy(names::USER_DOMAIN),
    Key::unset(
        "jicofo.xmpp.client.xmpp-domain",
        Kind::Domain,
        "Domain asked for components, pinged by the health check, and the base of visitor room names.",
    )
    .legacy(names::XMPP_DOMAIN),
    Key::new(
        "jicofo.xmpp.client.username",
        Kind::Text,
        "focus",
        "Localpart of the account; the nick in rooms is `focus` whatever it is.",
    )
    .legacy(names::USER_NAME),
    Key::new(
        "jicofo.xmpp.client.resource",
        Kind::Text,
        "focus",
        "Resource to bind; two processes with one account and resource throw each other out.",
    ),
    Key::unset("jicofo.xmpp.client.password", Kind::Text, "Password of the account.")
        .secret()
        .legacy(names::USER_PASSWORD),
    Key::new(
        "jicofo.xmpp.client.reply-timeout",
        POSITIVE,
        "15 seconds",
        "How long to wait for answers on this connection, and how long a lost one may take to come back.",
    ),
    Key::new(
        "jicofo.xmpp.client.disable-certificate-verification",
        Kind::Bool,
        "false",
        "Accept any certificate with any name.",
    )
    .legacy(names::ALWAYS_TRUST),
    Key::new("jicofo.xmpp.client.use-tls", Kind::Bool, "true", "Encrypt with STARTTLS."),
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
    .legacy(names::SERVICE_ENABLED),
    Key::new(
        "jicofo.xmpp.service.hostname",
        Kind::Text,
        "localhost",
        "Host to connect to; all its addresses are tried in order.",
    )
    .legacy(names::SERVICE_HOST),
    Key::new("jicofo.xmpp.service.port", PORT, "6222", "TCP port of the XMPP server.").legacy(names::SERVICE_PORT),
    Key::unset(
        "jicofo.xmpp.service.domain",
        Kind::Domain,
        "Login domain: stream `to`, TLS SNI and the name in the certificate; required if the connection is enabled.",
    )
    .legacy(names::SERVICE_DOMAIN),
    Key::unset("jicofo.xmpp.service.xmpp-domain", Kind::Domain, "No effect on this connection, as in the original."),
    Key::new(
        "jicofo.xmpp.service.username",
        Kind::Text,
        "focus",
        "Localpart of the account; the nick in rooms is `focus` whatever it is.",
    )
    .legacy(names::SERVICE_USER),
    Key::new(
        "jicofo.xmpp.service.resource",
        Kind::Text,
        "focus",
        "Resource to bind; two processes with one account and resource throw each other out.",
    ),
    Key::unset("jicofo.xmpp.service.password", Kind::Text, "Password of the account.")
        .secret()
        .legacy(names::SERVICE_PASSWORD),
    Key::new(
        "jicofo.xmpp.service.reply-timeout",
        POSITIVE,
        "15 seconds",
        "How long to wait for answers on this connection, and how long a lost one may take to come back.",
    ),
    Key::new(
        "jicofo.xmpp.service.disable-certificate-verification",
        Kind::Bool,
        "false",
        "Accept any certificate with any name.",
    )
    .legacy(names::ALWAYS_TRUST),
    Key::new("jicofo.xmpp.service.use-tls", Kind::Bool, "true", "Encrypt with STARTTLS."),
    // §5.2: a connection for each visitor node
    Key::new(
        "jicofo.xmpp.visitors.*.enabled",
        Kind::Bool,
        "true",
        "Use this visitor node; its name is what clients are told.",
    )
    .later(),
    Key::unset("jicofo.xmpp.visitors.*.hostname", Kind::Text, "Host to connect to; required.").later(),
    Key::new("jicofo.xmpp.visitors.*.port", PORT, "5222", "TCP port of the XMPP server.").later(),
    Key::unset("jicofo.xmpp.visitors.*.domain", Kind::Domain, "Login domain; unset: the hostname.").later(),
    Key::unset(
        "jicofo.xmpp.visitors.*.xmpp-domain",
        Kind::Domain,
        "Takes the place of the main xmpp-domain in the names of visitor rooms.",
    )
    .later(),
    Key::unset("jicofo.xmpp.visitors.*.conference-service", Kind::Domain, "Room domain of the node; required.").later(),
    Key::new("jicofo.xmpp.visitors.*.username", Kind::Text, "focus", "Localpart of the account.").later(),
    Key::unset("jicofo.xmpp.visitors.*.resource", Kind::Text, "Resource to bind; unset: the username.").later(),
    Key::unset("jicofo.xmpp.visitors.*.password", Kind::Text, "Password of the account.").secret().later(),
    Key::new(
        "jicofo.xmpp.visitors.*.reply-timeout",
        POSITIVE,
        "15 seconds",
        "How long to wait for answers on this connection.",
    )
    .later(),
    Key::new(
        "jicofo.xmpp.visitors.*.disable-certificate-verification",
        Kind::Bool,
        "false",
        "Accept any certificate with any name.",
    )
    .later(),
    Key::new("jicofo.xmpp.visitors.*.use-tls", Kind::Bool, "true", "Encrypt with STARTTLS.").later(),
    // The external component of the classic wiring (spec/10 §10): ours, the reference knows flags only.
    Key::unset(
        "jicofo.xmpp.component.hostname",
        Kind::Text,
        "Server of the component; unset: the client connection's hostname.",
    ),
    Key::new("jicofo.xmpp.component.port", PORT, "5347", "Component port of the server."),
    Key::unset(
        "jicofo.xmpp.component.domain",
        Kind::Domain,
        "Parent of the component's domain; unset: the xmpp-domain.",
    ),
    Key::new("jicofo.xmpp.component.subdomain", Kind::Text, "focus", "First label of the component's domain."),
    Key::unset(
        "jicofo.xmpp.component.secret",
        Kind::Text,
        "Component secret; a component connection is made only if it is given.",
    )
    .secret(),
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
    .later(),
    Key::unset("jicofo.local-region", Kind::Text, "Region of this focus, for choosing bridges and gateways.")
        .legacy(names::LOCAL_REGION)
        .later(),
    Key::new(
        "jicofo.metrics.update-interval",
        POSITIVE,
        "30 seconds",
        "Period of recomputing the gauges of `/metrics`.",
    )
    .refuse()
    .later(),
    Key::new("jicofo.octo.enabled", Kind::Bool, "false", "Allow more than one bridge in a conference."),
    Key::new(
        "jicofo.octo.allow-mixed-versions",
        Kind::Bool,
        "false",
        "Let bridges of different versions work together, for tests.",
    )
    .later(),
    Key::new(
        "jicofo.octo.sctp-datachannels",
        Kind::Bool,
        "true",
        "Bridges talk to each other over SCTP instead of websockets.",
    )
    .later(),
    Key::new("jicofo.sctp.enabled", Kind::Bool, "true", "Offer SCTP data channels to clients that support them."),
    // §5.4
    Key::new(
        "jicofo.authentication.enabled",
        Kind::Bool,
        "false",
        "Require that somebody authenticated starts a conference.",
    )
    .legacy(names::AUTH_ENABLED),
    Key::new("jicofo.authentication.type", Kind::Choice(&["XMPP", "JWT", "NONE"]), "NONE", "How users authenticate.")
        .legacy(names::AUTH_TYPE),
    Key::unset(
        "jicofo.authentication.login-url",
        Kind::Domain,
        "The domain (no URL) whose users count as authenticated; required if the type is not NONE.",
    )
    .legacy(names::AUTH_DOMAIN),
    Key::new(
        "jicofo.authentication.authentication-lifetime",
        POSITIVE,
        "24 hours",
        "How long a login is remembered, with type XMPP; JWT always uses 1 minute.",
    )
    .legacy(names::AUTH_LIFETIME)
    .later(),
    Key::new(
        "jicofo.authentication.enable-auto-login",
        Kind::Bool,
        "true",
        "Logins outlive their conference, with type XMPP.",
    )
    .legacy(names::AUTO_LOGIN)
    .later(),
    // §5.5
    Key::unset("jicofo.bridge.brewery-jid", Kind::BareJid, "Room in which bridges announce themselves.")
        .legacy(names::BRIDGE_MUC),
    Key::new(
        "jicofo.bridge.xmpp-connection-name",
        Kind::Choice(&["Client", "Service"]),
        "Service",
        "Connection that joins the brewery.",
    )
    .refuse(),
    Key::new(
        "jicofo.bridge.selection-strategy",
        STRATEGY,
        "SingleBridgeSelectionStrategy",
        "How a bridge is chosen for a participant.",
    )
    .refuse()
    .legacy(names::STRATEGY)
    .later(),
    Key::unset(
        "jicofo.bridge.participant-selection-strategy",
        STRATEGY,
        "Strategy for participants; required with VisitorSelectionStrategy.",
    )
    .refuse()
    .later(),
    Key::unset(
        "jicofo.bridge.visitor-selection-strategy",
        STRATEGY,
        "Strategy for visitors; required with VisitorSelectionStrategy.",
    )
    .refuse()
    .later(),
    Key::new(
        "jicofo.bridge.topology-strategy",
        Kind::ClassName(&["SingleMeshTopologyStrategy", "VisitorTopologyStrategy"]),
        "SingleMeshTopologyStrategy",
        "How the bridges of a conference are connected.",
    )
    .later(),
    Key::unset("jicofo.bridge.region-groups", Kind::RegionGroups, "Regions that are close to each other.").later(),
    Key::new(
        "jicofo.bridge.max-bridge-participants",
        INT,
        "80",
        "Endpoints of one conference on one bridge; 0 or less: no limit.",
    )
    .legacy(names::MAX_PER_BRIDGE),
    Key::new(
        "jicofo.bridge.max-bridge-participants-per-interval",
        INT,
        "-1",
        "Endpoints that one conference may add to one bridge in an interval; 0 or less: no limit.",
    )
    .later(),
    Key::new("jicofo.bridge.max-bridge-participants-interval", Kind::Duration(0), "1 minute", "That interval.").later(),
    Key::new(
        "jicofo.bridge.average-participant-stress",
        FRACTION,
        "0.01",
        "Stress that a participant adds, until the bridge reports its own.",
    ),
    Key::new(
        "jicofo.bridge.participant-rampup-interval",
        Kind::Duration(0),
        "20 seconds",
        "How long an endpoint counts as recently added.",
    ),
    Key::new("jicofo.bridge.stress-threshold", FRACTION, "0.8", "A bridge with this stress or more is overloaded."),
    Key::new(
        "jicofo.bridge.failure-reset-threshold",
        Kind::Duration(0),
        "1 minute",
        "A failed bridge is not used for at least this long.",
    )
    .legacy(names::FAILURE_RESET),
    Key::new(
        "jicofo.bridge.health-checks.enabled",
        Kind::Bool,
        "true",
        "Check bridges; otherwise all count as healthy.",
    )
    .refuse()
    .legacy(names::CHECK_ENABLED),
    Key::new("jicofo.bridge.health-checks.interval", POSITIVE, "10 seconds", "Period of the checks.")
        .refuse()
        .legacy(names::CHECK_INTERVAL),
    Key::unset(
        "jicofo.bridge.health-checks.retry-delay",
        Kind::Duration(0),
        "Wait before the second try after a timeout; 0: none; unset: half the interval.",
    )
    .legacy(names::CHECK_RETRY),
    Key::new("jicofo.bridge.health-checks.use-presence", Kind::Bool, "false", "Judge by presence instead of requests."),
    Key::new(
        "jicofo.bridge.health-checks.presence-timeout",
        Kind::Duration(0),
        "45 seconds",
        "Presence older than this means a failed bridge.",
    ),
    Key::new(
        "jicofo.bridge.ice-failure-detection.enabled",
        Kind::Bool,
        "false",
        "Stop using a bridge to which many endpoints cannot connect.",
    )
    .later(),
    Key::new(
        "jicofo.bridge.ice-failure-detection.interval",
        Kind::Duration(0),
        "2 minutes",
        "Window in which failures are counted.",
    )
    .later(),
    Key::new(
        "jicofo.bridge.ice-failure-detection.min-endpoints",
        COUNT,
        "30",
        "Endpoints a bridge must have before it is judged.",
    )
    .later(),
    Key::new(
        "jicofo.bridge.ice-failure-detection.threshold",
        FRACTION,
        "0.1",
        "Fraction of endpoints that ask for a restart.",
    )
    .later(),
    Key::new(
        "jicofo.bridge.ice-failure-detection.timeout",
        Kind::Duration(0),
        "10 minutes",
        "How long the bridge is not used then.",
    )
    .later(),
    Key::new(
        "jicofo.bridge.load-redistribution.enabled",
        Kind::Bool,
        "false",
        "Move endpoints away from overloaded bridges.",
    )
    .refuse()
    .later(),
    Key::new(
        "jicofo.bridge.load-redistribution.interval",
        POSITIVE,
        "1 minute",
        "Period of looking for overloaded bridges.",
    )
    .refuse_if("jicofo.bridge.load-redistribution.enabled")
    .later(),
    Key::new(
        "jicofo.bridge.load-redistribution.stress-threshold",
        FRACTION,
        "0.9",
        "Stress from which endpoints are moved; should exceed bridge.stress-threshold.",
    )
    .refuse_if("jicofo.bridge.load-redistribution.enabled")
    .later(),
    Key::new(
        "jicofo.bridge.load-redistribution.timeout",
        Kind::Duration(0),
        "3 minutes",
        "Pause of a bridge after endpoints were moved.",
    )
    .refuse_if("jicofo.bridge.load-redistribution.enabled")
    .later(),
    Key::new("jicofo.bridge.load-redistribution.endpoints", COUNT, "10", "Endpoints moved at once.")
        .refuse_if("jicofo.bridge.load-redistribution.enabled")
        .later(),
    // §5.6
    Key::new("jicofo.codec.video.av1.enabled", Kind::Bool, "true", "Offer AV1.").legacy(names::AV1),
    Key::new("jicofo.codec.video.av1.pt", PAYLOAD_TYPE, "41", "Payload type of AV1; 0 or less: not offered.")
        .legacy(names::AV1_PT),
    Key::new(
        "jicofo.codec.video.av1.rtx-pt",
        PAYLOAD_TYPE,
        "42",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::AV1_RTX),
    Key::new("jicofo.codec.video.av1.enable-remb", Kind::Bool, "true", "No effect: offers never use REMB."),
    Key::new("jicofo.codec.video.vp8.enabled", Kind::Bool, "true", "Offer VP8.").legacy(names::VP8),
    Key::new("jicofo.codec.video.vp8.pt", PAYLOAD_TYPE, "100", "Payload type of VP8; 0 or less: not offered.")
        .legacy(names::VP8_PT),
    Key::new(
        "jicofo.codec.video.vp8.rtx-pt",
        PAYLOAD_TYPE,
        "96",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::VP8_RTX),
    Key::new("jicofo.codec.video.vp8.enable-remb", Kind::Bool, "true", "No effect: offers never use REMB."),
    Key::new("jicofo.codec.video.vp9.enabled", Kind::Bool, "true", "Offer VP9.").legacy(names::VP9),
    Key::new("jicofo.codec.video.vp9.pt", PAYLOAD_TYPE, "101", "Payload type of VP9; 0 or less: not offered.")
        .legacy(names::VP9_PT),
    Key::new(
        "jicofo.codec.video.vp9.rtx-pt",
        PAYLOAD_TYPE,
        "97",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::VP9_RTX),
    Key::new("jicofo.codec.video.vp9.enable-remb", Kind::Bool, "true", "No effect: offers never use REMB."),
    Key::new("jicofo.codec.video.h264.enabled", Kind::Bool, "true", "Offer H264.").legacy(names::H264),
    Key::new("jicofo.codec.video.h264.pt", PAYLOAD_TYPE, "107", "Payload type of H264; 0 or less: not offered.")
        .legacy(names::H264_PT),
    Key::new(
        "jicofo.codec.video.h264.rtx-pt",
        PAYLOAD_TYPE,
        "99",
        "Payload type of its retransmissions; 0 or less: none.",
    )
    .legacy(names::H264_RTX),
    Key::new("jicofo.codec.video.h264.enable-remb", Kind::Bool, "true", "No effect: offers never use REMB."),
    Key::new("jicofo.codec.audio.opus.enabled", Kind::Bool, "true", "Offer Opus."),
    Key::new("jicofo.codec.audio.opus.pt", PAYLOAD_TYPE, "111", "Payload type of Opus."),
    Key::new("jicofo.codec.audio.opus.minptime", COUNT, "10", "Shortest packet, in ms."),
    Key::new(
        "jicofo.codec.audio.opus.use-inband-fec",
        Kind::Bool,
        "true",
        "Forward error correction inside Opus, while RED is off.",
    ),
    Key::new("jicofo.codec.audio.opus.red.enabled", Kind::Bool, "false", "Offer RED (redundant audio)."),
    Key::new("jicofo.codec.audio.opus.red.pt", PAYLOAD_TYPE, "112", "Payload type of RED."),
    Key::new("jicofo.codec.audio.telephone-event.enabled", Kind::Bool, "true", "Offer telephone events (DTMF)."),
    Key::new("jicofo.codec.audio.telephone-event.pt", PAYLOAD_TYPE, "126", "Payload type of telephone events."),
    Key::new(
        "jicofo.codec.rtp-extensions.audio-level.enabled",
        Kind::Bool,
        "true",
        "Offer the RTP header extension audio-level.",
    ),
    Key::new("jicofo.codec.rtp-extensions.audio-level.id", EXTENSION, "1", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.tof.enabled", Kind::Bool, "false", "Offer the RTP header extension tof.")
        .legacy(names::TOF),
    Key::new("jicofo.codec.rtp-extensions.tof.id", EXTENSION, "2", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.abs-send-time.enabled",
        Kind::Bool,
        "true",
        "Offer the RTP header extension abs-send-time.",
    )
    .legacy(names::AST),
    Key::new("jicofo.codec.rtp-extensions.abs-send-time.id", EXTENSION, "3", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.rid.enabled", Kind::Bool, "false", "Offer the RTP header extension rid.")
        .legacy(names::RID),
    Key::new("jicofo.codec.rtp-extensions.rid.id", EXTENSION, "4", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.tcc.enabled", Kind::Bool, "true", "Offer the RTP header extension tcc."),
    Key::new("jicofo.codec.rtp-extensions.tcc.id", EXTENSION, "5", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.video-content-type.enabled",
        Kind::Bool,
        "false",
        "Offer the RTP header extension video-content-type.",
    )
    .legacy(names::CONTENT_TYPE),
    Key::new("jicofo.codec.rtp-extensions.video-content-type.id", EXTENSION, "7", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.framemarking.enabled",
        Kind::Bool,
        "false",
        "Offer the RTP header extension framemarking.",
    )
    .legacy(names::FRAMEMARKING),
    Key::new("jicofo.codec.rtp-extensions.framemarking.id", EXTENSION, "9", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.mid.enabled", Kind::Bool, "true", "Offer the RTP header extension mid."),
    Key::new("jicofo.codec.rtp-extensions.mid.id", EXTENSION, "10", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.av1-dependency-descriptor.enabled",
        Kind::Bool,
        "true",
        "Offer the RTP header extension av1-dependency-descriptor.",
    ),
    Key::new("jicofo.codec.rtp-extensions.av1-dependency-descriptor.id", EXTENSION, "11", "Its id."),
    Key::new(
        "jicofo.codec.rtp-extensions.video-layers-allocation.enabled",
        Kind::Bool,
        "false",
        "Offer the RTP header extension video-layers-allocation.",
    ),
    Key::new("jicofo.codec.rtp-extensions.video-layers-allocation.id", EXTENSION, "12", "Its id."),
    Key::new("jicofo.codec.rtp-extensions.extmap-allow-mixed", Kind::Bool, "true", "Offer `extmap-allow-mixed`."),
    // §5.7
    Key::new(
        "jicofo.conference.enable-auto-owner",
        Kind::Bool,
        "true",
        "The first participant becomes owner, unless authentication is on.",
    )
    .legacy(names::AUTO_OWNER),
    Key::new(
        "jicofo.conference.enable-moderator-checks",
        Kind::Bool,
        "true",
        "Recording, streaming and SIP calls need moderator rights.",
    ),
    Key::new(
        "jicofo.conference.initial-timeout",
        Kind::Duration(0),
        "15 seconds",
        "A conference that nobody joins ends after this long.",
    )
    .legacy(names::IDLE_TIMEOUT),
    Key::new(
        "jicofo.conference.single-participant-timeout",
        Kind::Duration(0),
        "20 seconds",
        "How long the session of the last participant is kept.",
    )
    .legacy(names::SINGLE_TIMEOUT),
    Key::new(
        "jicofo.conference.min-participants",
        COUNT,
        "2",
        "Participants needed to start media; 1 while transcription is on.",
    ),
    Key::new("jicofo.conference.max-ssrcs-per-user", COUNT, "20", "SSRCs that a participant may signal.")
        .legacy(names::MAX_SSRCS),
    Key::new("jicofo.conference.max-ssrc-groups-per-user", COUNT, "20", "SSRC groups that a participant may signal."),
    Key::new("jicofo.conference.max-audio-senders", COUNT, "999999", "Participants that may send audio at once."),
    Key::new("jicofo.conference.max-video-senders", COUNT, "999999", "Participants that may send video at once."),
    Key::new(
        "jicofo.conference.strip-simulcast",
        Kind::Bool,
        "true",
        "Tell others only the first SSRC of a simulcast group.",
    ),
    Key::new(
        "jicofo.conference.use-ssrc-rewriting",
        Kind::Bool,
        "true",
        "Bridges rewrite SSRCs, for clients that support it.",
    ),
    Key::new(
        "jicofo.conference.use-rtp-mid-demux",
        Kind::Bool,
        "true",
        "Tell streams apart by MID, together with SSRC rewriting.",
    ),
    Key::new(
        "jicofo.conference.use-json-encoded-sources",
        Kind::Bool,
        "true",
        "Compact source signaling, for clients that support it.",
    ),
    Key::new(
        "jicofo.conference.shared-document.use-random-name",
        Kind::Bool,
        "false",
        "Random names for shared documents; otherwise the room's name.",
    ),
    Key::new(
        "jicofo.conference.source-signaling-delays",
        Kind::Delays,
        "",
        "Delay of source signaling by conference size: the entry with the greatest size not above counts.",
    ),
    Key::new(
        "jicofo.conference.reinvite-method",
        Kind::Choice(&["RestartJingle", "ReplaceTransport"]),
        "RestartJingle",
        "How a participant is moved to another bridge.",
    ),
    Key::new(
        "jicofo.conference.enable-ice-restart",
        Kind::Bool,
        "true",
        "Honour requests for an ICE restart in place.",
    ),
    Key::new(
        "jicofo.conference.restart-request-rate-limits.min-interval",
        Kind::Duration(0),
        "5 seconds",
        "Least time between restarts that a participant asks for.",
    ),
    Key::new(
        "jicofo.conference.restart-request-rate-limits.max-requests",
        COUNT,
        "5",
        "Restarts in an interval, session and ICE restarts apart.",
    ),
    Key::new("jicofo.conference.restart-request-rate-limits.interval", Kind::Duration(0), "1 minute", "That interval."),
    // §5.8
    Key::new(
        "jicofo.health.enabled",
        Kind::Bool,
        "false",
        "Check ourselves periodically; without it `/about/health` is 404.",
    )
    .refuse()
    .legacy(names::HEALTH)
    .later(),
    Key::new("jicofo.health.interval", Kind::Duration(0), "10 seconds", "Period of the checks; 0: when asked.")
        .refuse()
        .later(),
    Key::new("jicofo.health.timeout", Kind::Duration(0), "30 seconds", "Older results count as a failure.")
        .refuse()
        .later(),
    Key::new(
        "jicofo.health.max-check-duration",
        Kind::Duration(0),
        "20 seconds",
        "A check that takes longer is a failure.",
    )
    .refuse()
    .later(),
    Key::new(
        "jicofo.health.room-name-prefix",
        Kind::Text,
        "__jicofo-health-check",
        "Prefix of the rooms made for checks; Prosody's modules know it.",
    )
    .later(),
    Key::new("jicofo.rest.enabled", Kind::Bool, "true", "The HTTP interface.").refuse().later(),
    Key::new("jicofo.rest.port", Kind::Int(i32::MIN as i64, 65_535), "8888", "Its port; 0 or less: no HTTP interface.")
        .refuse()
        .later(),
    Key::new("jicofo.rest.host", Kind::Text, "127.0.0.1", "Address it listens on.").refuse().later(),
    Key::new("jicofo.rest.prometheus.enabled", Kind::Bool, "true", "`/metrics`.").refuse().later(),
    Key::new("jicofo.rest.conference-request.enabled", Kind::Bool, "true", "`/conference-request/v1`.")
        .refuse()
        .later(),
    Key::new("jicofo.rest.move-endpoints.enabled", Kind::Bool, "true", "`/move-endpoints/*`.").refuse().later(),
    Key::new("jicofo.rest.debug.enabled", Kind::Bool, "true", "`/debug*`.").refuse().later(),
    Key::new("jicofo.rest.pin.enabled", Kind::Bool, "true", "`/pin*`.").refuse().later(),
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
    .legacy(names::JIBRI),
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
    .refuse_if("jicofo.jibri.brewery-jid")
    .later(),
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
    .legacy(names::JIGASI),
    Key::new(
        "jicofo.jigasi.xmpp-connection-name",
        Kind::Choice(&["Client", "Service"]),
        "Client",
        "Connection that joins the brewery.",
    )
    .refuse_if("jicofo.jigasi.brewery-jid")
    .later(),
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
    Key::new("jicofo.visitors.enabled", Kind::Bool, "false", "Send further users to visitor nodes.").later(),
    Key::new("jicofo.visitors.max-participants", COUNT, "50", "Size of the main room from which users are sent there.")
        .later(),
    Key::new("jicofo.visitors.max-visitors-per-node", COUNT, "500", "Visitors on one node, roughly.").later(),
    Key::new(
        "jicofo.visitors.notification-interval",
        Kind::Duration(0),
        "15 seconds",
        "Least time between two updates of the visitor count.",
    )
    .later(),
    Key::new(
        "jicofo.visitors.auto-enable-broadcast",
        Kind::Bool,
        "true",
        "Visitors are broadcast to without being asked for.",
    )
    .later(),
    Key::new(
        "jicofo.visitors.require-muc-config-flag",
        Kind::Bool,
        "false",
        "Only rooms that say so may have visitors.",
    )
    .later(),
    Key::new("jicofo.visitors.enable-live-room", Kind::Bool, "false", "Visitors may wait for a conference to go live.")
        .later(),
    Key::new(
        "jicofo.visitors.vnode-join-latency-interval",
        Kind::Duration(0),
        "60 seconds",
        "How long a visitor counts on a node before being seen there.",
    )
    .later(),
];
