//! What docker-jitsi-meet's template renders for each of its variables (spec/80 §12, in the constructs of spec/70 §9), and what
//! it comes to.

use super::*;

/// Variable, what it adds to the rendered file, keys and their values.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const ROWS: &[Row] = &[
    (
        "ENABLE_AUTH, AUTH_TYPE=internal, JICOFO_AUTH_LIFETIME",
        "authentication {\n enabled = true\n type = XMPP\n login-url = \"meet.jitsi\"\n enable-auto-login=true\n \
         authentication-lifetime = 24 hours\n}",
        &[
            ("authentication.type", "\"XMPP\""),
            ("authentication.login-url", "\"meet.jitsi\""),
            ("authentication.enable-auto-login", "true"),
            ("authentication.authentication-lifetime", "1 day"),
        ],
    ),
    (
        "ENABLE_AUTH, AUTH_TYPE=jwt, ENABLE_AUTO_LOGIN=0",
        "authentication {\n enabled = true\n type = JWT\n login-url = \"meet.jitsi\"\n enable-auto-login=false\n}",
        &[("authentication.type", "\"JWT\""), ("authentication.enable-auto-login", "false")],
    ),
    (
        "MAX_BRIDGE_PARTICIPANTS, BRIDGE_AVG_PARTICIPANT_STRESS, BRIDGE_STRESS_THRESHOLD",
        "bridge {\n max-bridge-participants = 40\n average-participant-stress = \"0.02\"\n stress-threshold = \"0.7\"\n}",
        &[
            ("bridge.max-bridge-participants", "40"),
            ("bridge.average-participant-stress", "0.02"),
            ("bridge.stress-threshold", "0.7"),
        ],
    ),
    (
        "ENABLE_VISITORS, VISITORS_XMPP_SERVER=a,b:5222",
        "bridge {\n selection-strategy = VisitorSelectionStrategy\n \
         visitor-selection-strategy = RegionBasedBridgeSelectionStrategy\n \
         participant-selection-strategy = RegionBasedBridgeSelectionStrategy\n topology-strategy = VisitorTopologyStrategy\n}\n\
         visitors {\n enabled = true\n max-participants = 30\n max-visitors-per-node = 250\n require-muc-config-flag = false\n}\n\
         xmpp { visitors {\n v0 {\n enabled = true\n conference-service = muc.v0.meet.jitsi\n hostname = a\n port = 52220\n \
         domain = \"auth.meet.jitsi\"\n xmpp-domain = v0.meet.jitsi\n password = \"pw\"\n \
         disable-certificate-verification = true\n }\n v1 {\n enabled = true\n conference-service = muc.v1.meet.jitsi\n \
         hostname = b\n port = 5222\n domain = \"auth.meet.jitsi\"\n xmpp-domain = v1.meet.jitsi\n password = \"pw\"\n }\n } }",
        &[
            ("bridge.selection-strategy", "\"VisitorSelectionStrategy\""),
            ("bridge.topology-strategy", "\"VisitorTopologyStrategy\""),
            ("visitors.enabled", "true"),
            ("visitors.max-participants", "30"),
            ("visitors.max-visitors-per-node", "250"),
            ("visitors.require-muc-config-flag", "false"),
            ("xmpp.visitors.v0.port", "52220"),
            ("xmpp.visitors.v0.conference-service", "\"muc.v0.meet.jitsi\""),
            ("xmpp.visitors.v0.disable-certificate-verification", "true"),
            ("xmpp.visitors.v1.hostname", "\"b\""),
            ("xmpp.visitors.v1.port", "5222"),
        ],
    ),
    (
        "ENABLE_OCTO, OCTO_BRIDGE_SELECTION_STRATEGY, JICOFO_OCTO_REGION, JICOFO_BRIDGE_REGION_GROUPS",
        "bridge {\n selection-strategy = RegionBasedBridgeSelectionStrategy\n region-groups = [[\"eu\",\"me\"],[\"us\",\"ca\"]]\n}\n\
         local-region = \"eu\"\nocto {\n enabled = true\n sctp-datachannels = true\n}",
        &[
            ("bridge.selection-strategy", "\"RegionBasedBridgeSelectionStrategy\""),
            ("bridge.region-groups", r#"[["eu","me"],["us","ca"]]"#),
            ("local-region", "\"eu\""),
            ("octo.enabled", "true"),
        ],
    ),
    (
        "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS, JICOFO_HEALTH_CHECKS_USE_PRESENCE",
        "bridge { health-checks {\n enabled = \"true\"\n use-presence = \"true\"\n} }",
        &[("bridge.health-checks.enabled", "true"), ("bridge.health-checks.use-presence", "true")],
    ),
    (
        "JICOFO_ENABLE_ICE_FAILURE_DETECTION, JICOFO_ICE_FAILURE_*",
        "bridge { ice-failure-detection {\n enabled = \"true\"\n interval = 60 seconds\n min-endpoints = 40\n threshold = 0.1\n} }",
        &[
            ("bridge.ice-failure-detection.enabled", "true"),
            ("bridge.ice-failure-detection.interval", "1 minute"),
            ("bridge.ice-failure-detection.min-endpoints", "40"),
            ("bridge.ice-failure-detection.threshold", "0.1"),
        ],
    ),
    (
        "JICOFO_ENABLE_LOAD_REDISTRIBUTION",
        "bridge { load-redistribution { enabled = \"true\" } }",
        &[("bridge.load-redistribution.enabled", "true")],
    ),
    (
        "ENABLE_JVB_XMPP_SERVER",
        "bridge { brewery-jid = \"jvbbrewery@muc.jvb.meet.jitsi\" }\nxmpp { service {\n enabled = true\n \
         hostname = \"xmpp.jvb.meet.jitsi\"\n port = \"6222\"\n domain = \"auth.jvb.meet.jitsi\"\n username = \"focus\"\n \
         password = \"pw\"\n disable-certificate-verification = true\n} }",
        &[
            ("bridge.brewery-jid", "\"jvbbrewery@muc.jvb.meet.jitsi\""),
            ("xmpp.service.enabled", "true"),
            ("xmpp.service.hostname", "\"xmpp.jvb.meet.jitsi\""),
            ("xmpp.service.port", "6222"),
            ("xmpp.service.domain", "\"auth.jvb.meet.jitsi\""),
        ],
    ),
    (
        "ENABLE_CODEC_*, ENABLE_CODEC_OPUS_RED, ENABLE_VLA, JICOFO_ENABLE_MID",
        "codec {\n video {\n av1 {\n enabled = \"false\"\n }\n h264 { enabled = \"0\" }\n vp8 { enabled = \"true\" }\n \
         vp9 { enabled = \"true\" }\n }\n audio { opus { red { enabled = \"true\" } } }\n rtp-extensions { \
         video-layers-allocation { enabled = true }\n mid { enabled = true } }\n}",
        &[
            ("codec.video.av1.enabled", "false"),
            // Not a bool, and the template never writes it: an error, and the default.
            ("codec.video.h264.enabled", "true"),
            ("codec.video.vp8.enabled", "true"),
            ("codec.video.vp9.enabled", "true"),
            ("codec.audio.opus.red.enabled", "true"),
            ("codec.rtp-extensions.video-layers-allocation.enabled", "true"),
            ("codec.rtp-extensions.mid.enabled", "true"),
        ],
    ),
    (
        "ENABLE_AUTO_OWNER, ENABLE_MODERATOR_CHECKS, MAX_SSRCS_PER_USER, MAX_SSRC_GROUPS_PER_USER",
        "conference {\n enable-auto-owner = \"false\"\n enable-moderator-checks = \"false\"\n max-ssrcs-per-user = \"30\"\n \
         max-ssrc-groups-per-user = \"30\"\n}",
        &[
            ("conference.enable-auto-owner", "false"),
            ("conference.enable-moderator-checks", "false"),
            ("conference.max-ssrcs-per-user", "30"),
            ("conference.max-ssrc-groups-per-user", "30"),
        ],
    ),
    (
        "JICOFO_CONF_*",
        "conference {\n initial-timeout = \"15 seconds\"\n single-participant-timeout = \"20 seconds\"\n \
         source-signaling-delays = { 50 = 500, 100 = 1000 }\n max-audio-senders = 100\n max-video-senders = 50\n \
         strip-simulcast = \"false\"\n use-ssrc-rewriting = \"false\"\n}",
        &[
            ("conference.initial-timeout", "15 seconds"),
            ("conference.single-participant-timeout", "20 seconds"),
            ("conference.source-signaling-delays", "{ 50 = 500, 100 = 1000 }"),
            ("conference.max-audio-senders", "100"),
            ("conference.max-video-senders", "50"),
            ("conference.strip-simulcast", "false"),
            ("conference.use-ssrc-rewriting", "false"),
        ],
    ),
    (
        "ENABLE_SHARED_DOCUMENT_RANDOM_NAME, JICOFO_RESTART_REQUEST_*",
        "conference {\n shared-document { use-random-name = true }\n restart-request-rate-limits {\n max-requests = 7\n \
         interval = 60 seconds\n }\n}",
        &[
            ("conference.shared-document.use-random-name", "true"),
            ("conference.restart-request-rate-limits.max-requests", "7"),
            ("conference.restart-request-rate-limits.interval", "1 minute"),
        ],
    ),
    (
        "JICOFO_ENABLE_HEALTH_CHECKS, JICOFO_ENABLE_REST",
        "health {\n enabled = \"true\"\n}\nrest {\n host = \"0.0.0.0\"\n}",
        &[("health.enabled", "true"), ("rest.host", "\"0.0.0.0\"")],
    ),
    (
        "ENABLE_RECORDING, JIBRI_*",
        "jibri {\n brewery-jid = \"jibribrewery@internal-muc.meet.jitsi\"\n num-retries = \"3\"\n pending-timeout = \"90 seconds\"\n}\n\
         jibri-sip {\n brewery-jid = \"sip@internal-muc.meet.jitsi\"\n}\n\
         xmpp { trusted-domains = [ \"hidden.meet.jitsi\", ] }",
        &[
            ("jibri.brewery-jid", "\"jibribrewery@internal-muc.meet.jitsi\""),
            ("jibri.num-retries", "3"),
            ("jibri.pending-timeout", "90 seconds"),
            ("jibri-sip.brewery-jid", "\"sip@internal-muc.meet.jitsi\""),
            ("xmpp.trusted-domains", "[\"hidden.meet.jitsi\"]"),
        ],
    ),
    (
        "JIGASI_SIP_URI, ENABLE_TRANSCRIPTIONS",
        "jigasi {\n brewery-jid = \"jigasibrewery@internal-muc.meet.jitsi\"\n}",
        &[("jigasi.brewery-jid", "\"jigasibrewery@internal-muc.meet.jitsi\"")],
    ),
    (
        "JICOFO_TRANSLATION_*",
        "translation {\n url-template = \"wss://t/{{MEETING_ID}}\"\n http-headers {\n \"CF-Access-Client-Id\" = \"id\"\n \
         \"CF-Access-Client-Secret\" = \"geheim\"\n }\n}",
        &[
            ("translation.url-template", "\"wss://t/{{MEETING_ID}}\""),
            ("translation.http-headers", r#"{ "CF-Access-Client-Id" = ******, "CF-Access-Client-Secret" = ****** }"#),
        ],
    ),
    (
        "XMPP_SERVER, XMPP_PORT, XMPP_DOMAIN, XMPP_AUTH_DOMAIN, XMPP_MUC_DOMAIN",
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
        ],
    ),
    (
        "what the stock template still writes though nothing reads it",
        "conference { enable-multi-stream-backward-compat = false }",
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
