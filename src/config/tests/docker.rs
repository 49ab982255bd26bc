//! What docker-jitsi-meet's template renders for each of its variables (spec/80 §12, in the constructs of spec/70 §9), and what
//! it comes to.

use super::*;

/// A variable, what it adds to the rendered file, keys and their values.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const ROWS: &[Row] = &[
    (
        "ENABLE_AUTH",
        "authentication {\n enabled = true\n type = XMPP\n login-url = \"meet.jitsi\"\n\
          enable-auto-login=true\n}",
        &[
            ("authentication.enabled", "true"),
            ("authentication.type", "\"XMPP\""),
            ("authentication.login-url", "\"meet.jitsi\""),
            ("authentication.enable-auto-login", "true"),
        ],
    ),
    (
        "JICOFO_ENABLE_AUTH",
        "authentication {\n enabled = true\n type = XMPP\n login-url = \"meet.jitsi\"\n}",
        &[("authentication.enabled", "true"), ("authentication.authentication-lifetime", "1 day")],
    ),
    (
        "AUTH_TYPE",
        "authentication {\n enabled = true\n type = JWT\n login-url = \"meet.jitsi\"\n}",
        &[("authentication.type", "\"JWT\"")],
    ),
    (
        "JICOFO_AUTH_TYPE",
        "authentication {\n enabled = true\n type = JWT\n login-url = \"meet.jitsi\"\n}",
        &[("authentication.type", "\"JWT\""), ("authentication.login-url", "\"meet.jitsi\"")],
    ),
    (
        "ENABLE_AUTO_LOGIN",
        "authentication {\n enabled = true\n type = XMPP\n login-url = \"meet.jitsi\"\n\
          enable-auto-login=false\n}",
        &[("authentication.enable-auto-login", "false")],
    ),
    (
        "JICOFO_AUTH_LIFETIME",
        "authentication {\n enabled = true\n type = XMPP\n login-url = \"meet.jitsi\"\n\
          authentication-lifetime = 36 hours\n}",
        &[("authentication.authentication-lifetime", "36 hours")],
    ),
    (
        "MAX_BRIDGE_PARTICIPANTS",
        "bridge {\n max-bridge-participants = 40\n}",
        &[("bridge.max-bridge-participants", "40")],
    ),
    (
        "BRIDGE_AVG_PARTICIPANT_STRESS",
        "bridge {\n average-participant-stress = \"0.02\"\n}",
        &[("bridge.average-participant-stress", "0.02")],
    ),
    ("BRIDGE_STRESS_THRESHOLD", "bridge {\n stress-threshold = \"0.7\"\n}", &[("bridge.stress-threshold", "0.7")]),
    (
        "ENABLE_VISITORS",
        "bridge {\n selection-strategy = VisitorSelectionStrategy\n\
          visitor-selection-strategy = RegionBasedBridgeSelectionStrategy\n\
          participant-selection-strategy = RegionBasedBridgeSelectionStrategy\n\
          topology-strategy = VisitorTopologyStrategy\n}\nvisitors {\n enabled = true\n}\nxmpp {\n\
          visitors {\n }\n}",
        &[
            ("bridge.selection-strategy", "\"VisitorSelectionStrategy\""),
            ("bridge.visitor-selection-strategy", "\"RegionBasedBridgeSelectionStrategy\""),
            ("bridge.participant-selection-strategy", "\"RegionBasedBridgeSelectionStrategy\""),
            ("bridge.topology-strategy", "\"VisitorTopologyStrategy\""),
            ("visitors.enabled", "true"),
        ],
    ),
    (
        "OCTO_BRIDGE_SELECTION_STRATEGY",
        "bridge {\n selection-strategy = RegionBasedBridgeSelectionStrategy\n}",
        &[("bridge.selection-strategy", "\"RegionBasedBridgeSelectionStrategy\"")],
    ),
    (
        "ENABLE_OCTO",
        "octo {\n enabled = true\n sctp-datachannels = true\n}",
        &[("octo.enabled", "true"), ("octo.sctp-datachannels", "true"), ("sctp.enabled", "true")],
    ),
    ("JICOFO_OCTO_REGION", "local-region = \"eu\"", &[("local-region", "\"eu\"")]),
    (
        "JICOFO_BRIDGE_REGION_GROUPS",
        "bridge {\n region-groups = [[\"eu\",\"me\"],[\"us\",\"ca\"]]\n}",
        &[("bridge.region-groups", "[[\"eu\",\"me\"],[\"us\",\"ca\"]]")],
    ),
    (
        "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS",
        "bridge {\n health-checks {\n enabled = \"true\"\n }\n}",
        &[("bridge.health-checks.enabled", "true"), ("bridge.health-checks.use-presence", "false")],
    ),
    (
        "JICOFO_HEALTH_CHECKS_USE_PRESENCE",
        "bridge {\n health-checks {\n use-presence = \"true\"\n }\n}",
        &[("bridge.health-checks.use-presence", "true")],
    ),
    (
        "JICOFO_ENABLE_ICE_FAILURE_DETECTION",
        "bridge {\n ice-failure-detection {\n enabled = \"true\"\n interval = 60 seconds\n\
          min-endpoints = 40\n threshold = 0.1\n }\n}",
        &[
            ("bridge.ice-failure-detection.enabled", "true"),
            ("bridge.ice-failure-detection.interval", "1 minute"),
            ("bridge.ice-failure-detection.min-endpoints", "40"),
            ("bridge.ice-failure-detection.threshold", "0.1"),
        ],
    ),
    (
        "JICOFO_ICE_FAILURE_INTERVAL",
        "bridge {\n ice-failure-detection {\n interval = 90 seconds\n }\n}",
        &[("bridge.ice-failure-detection.interval", "90 seconds")],
    ),
    (
        "JICOFO_ICE_FAILURE_MIN_ENDPOINTS",
        "bridge {\n ice-failure-detection {\n min-endpoints = 7\n }\n}",
        &[("bridge.ice-failure-detection.min-endpoints", "7")],
    ),
    (
        "JICOFO_ICE_FAILURE_THRESHOLD",
        "bridge {\n ice-failure-detection {\n threshold = 0.25\n }\n}",
        &[("bridge.ice-failure-detection.threshold", "0.25")],
    ),
    (
        "JICOFO_ENABLE_LOAD_REDISTRIBUTION",
        "bridge {\n load-redistribution {\n enabled = \"true\"\n }\n}",
        &[("bridge.load-redistribution.enabled", "true")],
    ),
    (
        "ENABLE_JVB_XMPP_SERVER",
        "bridge {\n brewery-jid = \"jvbbrewery@muc.jvb.meet.jitsi\"\n}\nxmpp {\n service {\n\
          enabled = true\n hostname = \"xmpp.jvb.meet.jitsi\"\n port = \"6222\"\n\
          domain = \"auth.jvb.meet.jitsi\"\n username = \"focus\"\n password = \"pw\"\n\
          disable-certificate-verification = true\n }\n}",
        &[
            ("xmpp.service.enabled", "true"),
            ("xmpp.service.hostname", "\"xmpp.jvb.meet.jitsi\""),
            ("xmpp.service.username", "\"focus\""),
            ("xmpp.service.disable-certificate-verification", "true"),
        ],
    ),
    (
        "JVB_XMPP_SERVER",
        "xmpp {\n service {\n enabled = true\n hostname = \"jvb.xmpp.x\"\n port = \"6222\"\n\
          domain = \"auth.jvb.meet.jitsi\"\n password = \"pw\"\n }\n}",
        &[("xmpp.service.hostname", "\"jvb.xmpp.x\"")],
    ),
    (
        "JVB_XMPP_PORT",
        "xmpp {\n service {\n enabled = true\n hostname = \"jvb.xmpp.x\"\n port = \"7222\"\n\
          domain = \"auth.jvb.meet.jitsi\"\n password = \"pw\"\n }\n}",
        &[("xmpp.service.port", "7222")],
    ),
    (
        "JVB_XMPP_AUTH_DOMAIN",
        "xmpp {\n service {\n enabled = true\n hostname = \"jvb.xmpp.x\"\n\
          domain = \"auth.other.x\"\n password = \"pw\"\n }\n}",
        &[("xmpp.service.domain", "\"auth.other.x\"")],
    ),
    (
        "JVB_XMPP_INTERNAL_MUC_DOMAIN",
        "bridge {\n brewery-jid = \"jvbbrewery@muc.other.x\"\n}",
        &[("bridge.brewery-jid", "\"jvbbrewery@muc.other.x\"")],
    ),
    (
        "JVB_BREWERY_MUC",
        "bridge {\n brewery-jid = \"bridges@internal-muc.meet.jitsi\"\n}",
        &[("bridge.brewery-jid", "\"bridges@internal-muc.meet.jitsi\"")],
    ),
    (
        "XMPP_INTERNAL_MUC_DOMAIN",
        "bridge {\n brewery-jid = \"jvbbrewery@internal.x\"\n}\njibri {\n\
          brewery-jid = \"jibribrewery@internal.x\"\n}",
        &[("bridge.brewery-jid", "\"jvbbrewery@internal.x\""), ("jibri.brewery-jid", "\"jibribrewery@internal.x\"")],
    ),
    (
        "ENABLE_CODEC_VP8",
        "codec {\n video {\n vp8 {\n enabled = \"false\"\n }\n }\n}",
        &[("codec.video.vp8.enabled", "false"), ("codec.video.vp9.enabled", "true")],
    ),
    (
        "ENABLE_CODEC_VP9",
        "codec {\n video {\n vp9 {\n enabled = \"false\"\n }\n }\n}",
        &[("codec.video.vp9.enabled", "false")],
    ),
    (
        "ENABLE_CODEC_AV1",
        "codec {\n video {\n av1 {\n enabled = \"false\"\n }\n }\n}",
        &[("codec.video.av1.enabled", "false")],
    ),
    (
        "ENABLE_CODEC_H264",
        "codec {\n video {\n h264 {\n enabled = \"false\"\n }\n }\n}",
        &[("codec.video.h264.enabled", "false")],
    ),
    (
        "ENABLE_CODEC_OPUS_RED",
        "codec {\n audio {\n opus {\n red {\n enabled = \"true\"\n }\n }\n }\n}",
        &[("codec.audio.opus.red.enabled", "true")],
    ),
    (
        "ENABLE_VLA",
        "codec {\n rtp-extensions {\n video-layers-allocation {\n enabled = true\n }\n }\n}",
        &[("codec.rtp-extensions.video-layers-allocation.enabled", "true")],
    ),
    (
        "JICOFO_ENABLE_MID",
        "codec {\n rtp-extensions {\n mid {\n enabled = true\n }\n }\n}",
        &[("codec.rtp-extensions.mid.enabled", "true")],
    ),
    (
        "ENABLE_AUTO_OWNER",
        "conference {\n enable-auto-owner = \"false\"\n}",
        &[("conference.enable-auto-owner", "false")],
    ),
    (
        "ENABLE_MODERATOR_CHECKS",
        "conference {\n enable-moderator-checks = \"false\"\n}",
        &[("conference.enable-moderator-checks", "false")],
    ),
    (
        "MAX_SSRCS_PER_USER",
        "conference {\n max-ssrcs-per-user = \"30\"\n max-ssrc-groups-per-user = \"30\"\n}",
        &[("conference.max-ssrcs-per-user", "30"), ("conference.max-ssrc-groups-per-user", "30")],
    ),
    (
        "MAX_SSRC_GROUPS_PER_USER",
        "conference {\n max-ssrc-groups-per-user = \"25\"\n}",
        &[("conference.max-ssrcs-per-user", "20"), ("conference.max-ssrc-groups-per-user", "25")],
    ),
    (
        "JICOFO_CONF_INITIAL_PARTICIPANT_WAIT_TIMEOUT",
        "conference {\n initial-timeout = \"20 seconds\"\n}",
        &[("conference.initial-timeout", "20 seconds")],
    ),
    (
        "JICOFO_CONF_SINGLE_PARTICIPANT_TIMEOUT",
        "conference {\n single-participant-timeout = \"25 seconds\"\n}",
        &[("conference.single-participant-timeout", "25 seconds")],
    ),
    (
        "JICOFO_CONF_SOURCE_SIGNALING_DELAYS",
        "conference {\n source-signaling-delays = { 50 = 500, 100 = 1000 }\n}",
        &[("conference.source-signaling-delays", "{ 50 = 500, 100 = 1000 }")],
    ),
    (
        "JICOFO_CONF_MAX_AUDIO_SENDERS",
        "conference {\n max-audio-senders = 100\n}",
        &[("conference.max-audio-senders", "100")],
    ),
    (
        "JICOFO_CONF_MAX_VIDEO_SENDERS",
        "conference {\n max-video-senders = 50\n}",
        &[("conference.max-video-senders", "50")],
    ),
    (
        "JICOFO_CONF_STRIP_SIMULCAST",
        "conference {\n strip-simulcast = \"false\"\n}",
        &[("conference.strip-simulcast", "false")],
    ),
    (
        "JICOFO_CONF_SSRC_REWRITING",
        "conference {\n use-ssrc-rewriting = \"false\"\n}",
        &[("conference.use-ssrc-rewriting", "false")],
    ),
    (
        "ENABLE_SHARED_DOCUMENT_RANDOM_NAME",
        "conference {\n shared-document {\n use-random-name = true\n }\n}",
        &[("conference.shared-document.use-random-name", "true")],
    ),
    (
        "JICOFO_RESTART_REQUEST_MAX",
        "conference {\n restart-request-rate-limits {\n max-requests = 7\n }\n}",
        &[("conference.restart-request-rate-limits.max-requests", "7")],
    ),
    (
        "JICOFO_RESTART_REQUEST_INTERVAL",
        "conference {\n restart-request-rate-limits {\n interval = 90 seconds\n }\n}",
        &[("conference.restart-request-rate-limits.interval", "90 seconds")],
    ),
    ("JICOFO_ENABLE_HEALTH_CHECKS", "health {\n enabled = \"true\"\n}", &[("health.enabled", "true")]),
    ("JICOFO_ENABLE_REST", "rest {\n host = \"0.0.0.0\"\n}", &[("rest.host", "\"0.0.0.0\"")]),
    (
        "ENABLE_RECORDING",
        "jibri {\n brewery-jid = \"jibribrewery@internal-muc.meet.jitsi\"\n\
          pending-timeout = \"90 seconds\"\n}\nxmpp {\n\
          trusted-domains = [ \"hidden.meet.jitsi\", ]\n}",
        &[
            ("jibri.brewery-jid", "\"jibribrewery@internal-muc.meet.jitsi\""),
            ("jibri.pending-timeout", "90 seconds"),
            ("xmpp.trusted-domains", "[\"hidden.meet.jitsi\"]"),
        ],
    ),
    (
        "JIBRI_BREWERY_MUC",
        "jibri {\n brewery-jid = \"recorders@internal-muc.meet.jitsi\"\n}",
        &[("jibri.brewery-jid", "\"recorders@internal-muc.meet.jitsi\"")],
    ),
    ("JIBRI_REQUEST_RETRIES", "jibri {\n num-retries = \"3\"\n}", &[("jibri.num-retries", "3")]),
    (
        "JIBRI_PENDING_TIMEOUT",
        "jibri {\n pending-timeout = \"70 seconds\"\n}",
        &[("jibri.pending-timeout", "70 seconds")],
    ),
    (
        "JIBRI_SIP_BREWERY_MUC",
        "jibri-sip {\n brewery-jid = \"sip@internal-muc.meet.jitsi\"\n}",
        &[("jibri-sip.brewery-jid", "\"sip@internal-muc.meet.jitsi\"")],
    ),
    (
        "JIGASI_SIP_URI",
        "jigasi {\n brewery-jid = \"jigasibrewery@internal-muc.meet.jitsi\"\n}",
        &[("jigasi.brewery-jid", "\"jigasibrewery@internal-muc.meet.jitsi\"")],
    ),
    (
        "ENABLE_TRANSCRIPTIONS",
        "jigasi {\n brewery-jid = \"jigasibrewery@internal-muc.meet.jitsi\"\n}\nxmpp {\n\
          trusted-domains = [ \"hidden.meet.jitsi\", ]\n}",
        &[
            ("jigasi.brewery-jid", "\"jigasibrewery@internal-muc.meet.jitsi\""),
            ("xmpp.trusted-domains", "[\"hidden.meet.jitsi\"]"),
        ],
    ),
    (
        "JIGASI_BREWERY_MUC",
        "jigasi {\n brewery-jid = \"gateways@internal-muc.meet.jitsi\"\n}",
        &[("jigasi.brewery-jid", "\"gateways@internal-muc.meet.jitsi\"")],
    ),
    (
        "JICOFO_TRUSTED_DOMAINS",
        "xmpp {\n trusted-domains = [ \"a.x\",\"b.x\", ]\n}",
        &[("xmpp.trusted-domains", "[\"a.x\", \"b.x\"]")],
    ),
    (
        "XMPP_HIDDEN_DOMAIN",
        "xmpp {\n trusted-domains = [ \"hidden.x\", ]\n}",
        &[("xmpp.trusted-domains", "[\"hidden.x\"]")],
    ),
    (
        "JICOFO_TRANSLATION_URL_TEMPLATE",
        "translation {\n url-template = \"wss://t/{{MEETING_ID}}\"\n http-headers {\n }\n}",
        &[("translation.url-template", "\"wss://t/{{MEETING_ID}}\"")],
    ),
    (
        "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID",
        "translation {\n http-headers {\n \"CF-Access-Client-Id\" = \"id\"\n }\n}",
        &[("translation.http-headers", "{ \"CF-Access-Client-Id\" = ****** }")],
    ),
    (
        "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_SECRET",
        "translation {\n http-headers {\n \"CF-Access-Client-Id\" = \"id\"\n\
          \"CF-Access-Client-Secret\" = \"geheim\"\n }\n}",
        &[("translation.http-headers", "{ \"CF-Access-Client-Id\" = ******, \"CF-Access-Client-Secret\" = ****** }")],
    ),
    ("XMPP_SERVER", "xmpp {\n client {\n hostname = \"xmpp.x\"\n }\n}", &[("xmpp.client.hostname", "\"xmpp.x\"")]),
    ("XMPP_PORT", "xmpp {\n client {\n port = \"5333\"\n }\n}", &[("xmpp.client.port", "5333")]),
    (
        "XMPP_DOMAIN",
        "xmpp {\n client {\n xmpp-domain = \"x.y\"\n client-proxy = \"focus.x.y\"\n }\n}",
        &[("xmpp.client.xmpp-domain", "\"x.y\""), ("xmpp.client.client-proxy", "\"focus.x.y\"")],
    ),
    ("XMPP_AUTH_DOMAIN", "xmpp {\n client {\n domain = \"auth.x.y\"\n }\n}", &[("xmpp.client.domain", "\"auth.x.y\"")]),
    (
        "XMPP_MUC_DOMAIN",
        "xmpp {\n client {\n conference-muc-jid = \"rooms.x.y\"\n }\n}",
        &[("xmpp.client.conference-muc-jid", "\"rooms.x.y\"")],
    ),
    (
        "JICOFO_AUTH_PASSWORD",
        "xmpp {\n client {\n password = \"passw0rt\"\n }\n}",
        &[("xmpp.client.password", "******")],
    ),
    (
        "VISITORS_XMPP_SERVER",
        "xmpp {\n visitors {\n v0 {\n enabled = true\n conference-service = muc.v0.meet.jitsi\n\
          hostname = a\n port = 52220\n domain = \"auth.meet.jitsi\"\n\
          xmpp-domain = v0.meet.jitsi\n password = \"pw\"\n\
          disable-certificate-verification = true\n }\n v1 {\n enabled = true\n\
          conference-service = muc.v1.meet.jitsi\n hostname = b\n port = 5222\n\
          domain = \"auth.meet.jitsi\"\n xmpp-domain = v1.meet.jitsi\n password = \"pw\"\n }\n }\n}",
        &[
            ("xmpp.visitors.v0.enabled", "true"),
            ("xmpp.visitors.v0.hostname", "\"a\""),
            ("xmpp.visitors.v0.port", "52220"),
            ("xmpp.visitors.v0.disable-certificate-verification", "true"),
            ("xmpp.visitors.v1.hostname", "\"b\""),
            ("xmpp.visitors.v1.port", "5222"),
        ],
    ),
    (
        "VISITORS_XMPP_PORT",
        "xmpp {\n visitors {\n v0 {\n enabled = true\n conference-service = muc.v0.meet.jitsi\n\
          hostname = a\n port = 52300\n domain = \"auth.meet.jitsi\"\n\
          xmpp-domain = v0.meet.jitsi\n password = \"pw\"\n\
          disable-certificate-verification = true\n }\n }\n}",
        &[("xmpp.visitors.v0.port", "52300")],
    ),
    (
        "VISITORS_XMPP_DOMAIN",
        "xmpp {\n visitors {\n v0 {\n enabled = true\n conference-service = muc.v0.x.y\n\
          hostname = a\n port = 52220\n domain = \"auth.meet.jitsi\"\n xmpp-domain = v0.x.y\n\
          password = \"pw\"\n disable-certificate-verification = true\n }\n }\n}",
        &[("xmpp.visitors.v0.xmpp-domain", "\"v0.x.y\""), ("xmpp.visitors.v0.conference-service", "\"muc.v0.x.y\"")],
    ),
    (
        "VISITORS_XMPP_AUTH_DOMAIN",
        "xmpp {\n visitors {\n v0 {\n enabled = true\n conference-service = muc.v0.meet.jitsi\n\
          hostname = a\n port = 52220\n domain = \"auth.v.x\"\n xmpp-domain = v0.meet.jitsi\n\
          password = \"pw\"\n disable-certificate-verification = true\n }\n }\n}",
        &[("xmpp.visitors.v0.domain", "\"auth.v.x\"")],
    ),
    (
        "PROSODY_VISITORS_MUC_PREFIX",
        "xmpp {\n visitors {\n v0 {\n enabled = true\n conference-service = rooms.v0.meet.jitsi\n\
          hostname = a\n port = 52220\n domain = \"auth.meet.jitsi\"\n\
          xmpp-domain = v0.meet.jitsi\n password = \"pw\"\n\
          disable-certificate-verification = true\n }\n }\n}",
        &[("xmpp.visitors.v0.conference-service", "\"rooms.v0.meet.jitsi\"")],
    ),
    ("VISITORS_MAX_PARTICIPANTS", "visitors {\n max-participants = 30\n}", &[("visitors.max-participants", "30")]),
    (
        "VISITORS_MAX_VISITORS_PER_NODE",
        "visitors {\n max-visitors-per-node = 300\n}",
        &[("visitors.max-visitors-per-node", "300")],
    ),
    (
        "JICOFO_VISITORS_REQUIRE_MUC_CONFIG",
        "visitors {\n require-muc-config-flag = false\n}",
        &[("visitors.require-muc-config-flag", "false")],
    ),
    (
        "nothing else",
        "",
        &[
            ("xmpp.client.hostname", "\"xmpp.meet.jitsi\""),
            ("xmpp.client.port", "5222"),
            ("xmpp.client.domain", "\"auth.meet.jitsi\""),
            ("xmpp.client.xmpp-domain", "\"meet.jitsi\""),
            ("xmpp.client.conference-muc-jid", "\"muc.meet.jitsi\""),
            ("xmpp.client.disable-certificate-verification", "true"),
            ("bridge.brewery-jid", "\"jvbbrewery@internal-muc.meet.jitsi\""),
            ("conference.enable-auto-owner", "true"),
            ("codec.rtp-extensions.mid.enabled", "false"),
            ("rest.host", "\"127.0.0.1\""),
            ("visitors.enabled", "false"),
            ("xmpp.trusted-domains", "[]"),
        ],
    ),
    (
        "what the stock template still writes though nothing reads it",
        "conference {\n enable-multi-stream-backward-compat = false\n}",
        &[("conference.max-ssrcs-per-user", "20")],
    ),
];

#[test]
fn each_option_of_the_template_means_what_it_means_to_the_reference() {
    let rendered = include_str!("../../../tests/data/config/docker.conf");
    for (variables, fragment, expected) in ROWS {
        let text = rendered.replace("include \"custom", &format!("jicofo {{\n{fragment}\n}}\ninclude \"custom"));
        let start = Start::new().file(&text).env("JICOFO_AUTH_PASSWORD", "of the container");
        let loaded = start.load();
        assert!(!loaded.refuses(), "{variables}: {}", told(&loaded));
        for (path, value) in *expected {
            assert_eq!(shown(&loaded, &format!("jicofo.{path}")), *value, "{variables}: {path}: {}", told(&loaded));
        }
        assert!(!told(&loaded).contains("no such key"), "{variables}: {}", told(&loaded));
    }
    // The table shows it masked. The variable of the container does not count: the file has it.
    let text = rendered.replace("0f1e2d3c4b5a69788796a5b4c3d2e1f0", "passw0rt");
    let config = Start::new().file(&text).env("JICOFO_AUTH_PASSWORD", "of the container").config();
    assert_eq!(config.xmpp.client.account.password.as_ref().map(Secret::expose), Some("passw0rt"));
}

/// The page is what the table is about: a variable that is added there needs a row here.
#[test]
fn no_option_of_the_template_is_left_out() {
    // They are for the container, and in no line of the file.
    const ELSEWHERE: [&str; 3] = ["JICOFO_MAX_MEMORY", "SENTRY_DSN", "TZ"];
    let page = include_str!("../../../docs/protocol/80-operations.md");
    let section = page.split("\n## 12. ").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("section 12");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let mut seen = 0;
    for name in cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        // "ENABLE_CODEC_VP8/VP9" are two; "_PORT" goes on from what is before it.
        for (index, part) in name.split('/').enumerate() {
            let variable = part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
            if !variable || ELSEWHERE.contains(&part) {
                continue;
            }
            let whole = index == 0 && !part.starts_with('_');
            let of = |row: &&Row| if whole { row.0 == part } else { row.0.ends_with(part) };
            assert!(ROWS.iter().any(|row| of(&row)), "{part} of {name}: no row");
            seen += 1;
        }
    }
    assert!(seen > 70, "the table has another form: {seen}");
}

/// What installers and people write, apart from the template (spec/70 §9).
#[test]
fn what_tools_of_the_field_write_is_read() {
    for (text, expected) in [
        // ruby-hocon.
        (
            "jicofo : {\n  bridge : {\n    selection-strategy : VisitorSelectionStrategy\n    \
          visitor-selection-strategy : RegionBasedBridgeSelectionStrategy\n    \
          participant-selection-strategy : RegionBasedBridgeSelectionStrategy\n  }\n}",
            ("bridge.selection-strategy", "\"VisitorSelectionStrategy\""),
        ),
        ("jicofo : {\n  rest : {\n    host : 127.0.0.1\n    port : 8889\n  }\n}", ("rest.host", "\"127.0.0.1\"")),
        (
            "jicofo : {\n  xmpp : {\n    visitors : {\n      v1 : {\n        hostname: 127.0.0.1\n        port: 52221\n        \
          password: p\n        conference-service: conference.v1.m.x\n        xmpp-domain: v1.m.x\n      }\n    }\n  }\n}",
            ("xmpp.visitors.v1.port", "52221"),
        ),
        // The handbook.
        (
            "jicofo {\n  authentication: {\n    enabled: true\n    type: XMPP\n    login-url: meet.example.com\n  }\n}",
            ("authentication.login-url", "\"meet.example.com\""),
        ),
        ("jicofo { trusted { }, xmpp { trusted-domains = [  ] } }", ("xmpp.trusted-domains", "[]")),
        // What toBool makes of other words is done in the template: the file has true or false.
        ("jicofo.rest.enabled = \"true\"", ("rest.enabled", "true")),
    ] {
        let loaded = Start::minimal(text).load();
        assert!(!loaded.refuses(), "{text}: {}", told(&loaded));
        assert_eq!(shown(&loaded, &format!("jicofo.{}", expected.0)), expected.1, "{text}");
    }
}

/// A password with a quote breaks the rendered file; the message says where and why (spec/70 §9).
#[test]
fn a_password_that_breaks_the_template_is_told() {
    let rendered = include_str!("../../../tests/data/config/docker.conf");
    for password in ["a\"b", "a\\d", "a\\"] {
        let said = Start::new().file(&rendered.replace("0f1e2d3c4b5a69788796a5b4c3d2e1f0", password)).refused();
        assert!(
            said.contains("jicofo.conf:38:") && (said.contains("quote") || said.contains("backslash")),
            "{password}: {said}"
        );
        assert!(!said.contains("a\"b"), "{said}");
    }
}
