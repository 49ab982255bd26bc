//! What docker-jitsi-meet's template renders for each of its variables (spec/80 §12, in the constructs of spec/70 §9), and what
//! it comes to.

use super::*;

mod template;

use std::collections::BTreeSet;

use template::Environment;

/// A variable, with what else has to be set for it to count, and keys with the values that they come to.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Settings are `NAME=value`, between them two blanks; the row's own variable comes first.
const ROWS: &[Row] = &[
    (
        "ENABLE_AUTH",
        "ENABLE_AUTH=1",
        &[
            ("authentication.enabled", "true"),
            ("authentication.type", "\"XMPP\""),
            ("authentication.login-url", "\"meet.jitsi\""),
            ("authentication.enable-auto-login", "true"),
            ("authentication.authentication-lifetime", "1 day"),
        ],
    ),
    (
        "JICOFO_ENABLE_AUTH",
        "JICOFO_ENABLE_AUTH=true",
        &[("authentication.enabled", "true"), ("authentication.type", "\"XMPP\"")],
    ),
    ("AUTH_TYPE", "AUTH_TYPE=jwt  ENABLE_AUTH=1", &[("authentication.type", "\"JWT\"")]),
    (
        "JICOFO_AUTH_TYPE",
        "JICOFO_AUTH_TYPE=jwt  AUTH_TYPE=ldap  ENABLE_AUTH=1",
        &[("authentication.type", "\"JWT\""), ("authentication.login-url", "\"meet.jitsi\"")],
    ),
    ("ENABLE_AUTO_LOGIN", "ENABLE_AUTO_LOGIN=0  ENABLE_AUTH=1", &[("authentication.enable-auto-login", "false")]),
    (
        "JICOFO_AUTH_LIFETIME",
        "JICOFO_AUTH_LIFETIME=36 hours  ENABLE_AUTH=1",
        &[("authentication.authentication-lifetime", "36 hours")],
    ),
    ("MAX_BRIDGE_PARTICIPANTS", "MAX_BRIDGE_PARTICIPANTS=40", &[("bridge.max-bridge-participants", "40")]),
    (
        "BRIDGE_AVG_PARTICIPANT_STRESS",
        "BRIDGE_AVG_PARTICIPANT_STRESS=0.02",
        &[("bridge.average-participant-stress", "0.02")],
    ),
    ("BRIDGE_STRESS_THRESHOLD", "BRIDGE_STRESS_THRESHOLD=0.7", &[("bridge.stress-threshold", "0.7")]),
    (
        "ENABLE_VISITORS",
        "ENABLE_VISITORS=1",
        &[
            ("bridge.selection-strategy", "\"VisitorSelectionStrategy\""),
            ("bridge.visitor-selection-strategy", "\"RegionBasedBridgeSelectionStrategy\""),
            ("bridge.participant-selection-strategy", "\"RegionBasedBridgeSelectionStrategy\""),
            ("bridge.topology-strategy", "\"VisitorTopologyStrategy\""),
            ("visitors.enabled", "true"),
            ("visitors.max-visitors-per-node", "250"),
        ],
    ),
    (
        "OCTO_BRIDGE_SELECTION_STRATEGY",
        "OCTO_BRIDGE_SELECTION_STRATEGY=RegionBasedBridgeSelectionStrategy",
        &[("bridge.selection-strategy", "\"RegionBasedBridgeSelectionStrategy\"")],
    ),
    (
        "ENABLE_OCTO",
        "ENABLE_OCTO=1",
        &[("octo.enabled", "true"), ("octo.sctp-datachannels", "true"), ("sctp.enabled", "true")],
    ),
    ("JICOFO_OCTO_REGION", "JICOFO_OCTO_REGION=eu", &[("local-region", "\"eu\"")]),
    (
        "JICOFO_BRIDGE_REGION_GROUPS",
        "JICOFO_BRIDGE_REGION_GROUPS=[\"eu\",\"me\"],[\"us\",\"ca\"]",
        &[("bridge.region-groups", "[[\"eu\",\"me\"],[\"us\",\"ca\"]]")],
    ),
    (
        "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS",
        "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS=1",
        &[("bridge.health-checks.enabled", "true"), ("bridge.health-checks.use-presence", "false")],
    ),
    (
        "JICOFO_HEALTH_CHECKS_USE_PRESENCE",
        "JICOFO_HEALTH_CHECKS_USE_PRESENCE=yes  JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS=1",
        &[("bridge.health-checks.use-presence", "true")],
    ),
    (
        "JICOFO_ENABLE_ICE_FAILURE_DETECTION",
        "JICOFO_ENABLE_ICE_FAILURE_DETECTION=1",
        &[
            ("bridge.ice-failure-detection.enabled", "true"),
            ("bridge.ice-failure-detection.interval", "1 minute"),
            ("bridge.ice-failure-detection.min-endpoints", "40"),
            ("bridge.ice-failure-detection.threshold", "0.1"),
        ],
    ),
    (
        "JICOFO_ICE_FAILURE_INTERVAL",
        "JICOFO_ICE_FAILURE_INTERVAL=90 seconds  JICOFO_ENABLE_ICE_FAILURE_DETECTION=1",
        &[("bridge.ice-failure-detection.interval", "90 seconds")],
    ),
    (
        "JICOFO_ICE_FAILURE_MIN_ENDPOINTS",
        "JICOFO_ICE_FAILURE_MIN_ENDPOINTS=7  JICOFO_ENABLE_ICE_FAILURE_DETECTION=1",
        &[("bridge.ice-failure-detection.min-endpoints", "7")],
    ),
    (
        "JICOFO_ICE_FAILURE_THRESHOLD",
        "JICOFO_ICE_FAILURE_THRESHOLD=0.25  JICOFO_ENABLE_ICE_FAILURE_DETECTION=1",
        &[("bridge.ice-failure-detection.threshold", "0.25")],
    ),
    (
        "JICOFO_ENABLE_LOAD_REDISTRIBUTION",
        "JICOFO_ENABLE_LOAD_REDISTRIBUTION=1",
        &[("bridge.load-redistribution.enabled", "true")],
    ),
    (
        "ENABLE_JVB_XMPP_SERVER",
        "ENABLE_JVB_XMPP_SERVER=1",
        &[
            ("xmpp.service.enabled", "true"),
            ("xmpp.service.hostname", "\"xmpp.jvb.meet.jitsi\""),
            ("xmpp.service.port", "6222"),
            ("xmpp.service.domain", "\"auth.jvb.meet.jitsi\""),
            ("xmpp.service.username", "\"focus\""),
            ("xmpp.service.password", "******"),
            ("xmpp.service.disable-certificate-verification", "true"),
            ("bridge.brewery-jid", "\"jvbbrewery@muc.jvb.meet.jitsi\""),
        ],
    ),
    (
        "JVB_XMPP_SERVER",
        "JVB_XMPP_SERVER=jvb.xmpp.x  ENABLE_JVB_XMPP_SERVER=1",
        &[("xmpp.service.hostname", "\"jvb.xmpp.x\"")],
    ),
    ("JVB_XMPP_PORT", "JVB_XMPP_PORT=7222  ENABLE_JVB_XMPP_SERVER=1", &[("xmpp.service.port", "7222")]),
    (
        "JVB_XMPP_AUTH_DOMAIN",
        "JVB_XMPP_AUTH_DOMAIN=auth.other.x  ENABLE_JVB_XMPP_SERVER=1",
        &[("xmpp.service.domain", "\"auth.other.x\"")],
    ),
    (
        "JVB_XMPP_INTERNAL_MUC_DOMAIN",
        "JVB_XMPP_INTERNAL_MUC_DOMAIN=muc.other.x  ENABLE_JVB_XMPP_SERVER=1",
        &[("bridge.brewery-jid", "\"jvbbrewery@muc.other.x\"")],
    ),
    ("JVB_BREWERY_MUC", "JVB_BREWERY_MUC=bridges", &[("bridge.brewery-jid", "\"bridges@internal-muc.meet.jitsi\"")]),
    (
        "XMPP_INTERNAL_MUC_DOMAIN",
        "XMPP_INTERNAL_MUC_DOMAIN=internal.x  ENABLE_RECORDING=1  JIGASI_SIP_URI=sip",
        &[
            ("bridge.brewery-jid", "\"jvbbrewery@internal.x\""),
            ("jibri.brewery-jid", "\"jibribrewery@internal.x\""),
            ("jigasi.brewery-jid", "\"jigasibrewery@internal.x\""),
        ],
    ),
    (
        "ENABLE_CODEC_VP8",
        "ENABLE_CODEC_VP8=0",
        &[("codec.video.vp8.enabled", "false"), ("codec.video.vp9.enabled", "true")],
    ),
    ("ENABLE_CODEC_VP9", "ENABLE_CODEC_VP9=false", &[("codec.video.vp9.enabled", "false")]),
    ("ENABLE_CODEC_AV1", "ENABLE_CODEC_AV1=0", &[("codec.video.av1.enabled", "false")]),
    ("ENABLE_CODEC_H264", "ENABLE_CODEC_H264=f", &[("codec.video.h264.enabled", "false")]),
    (
        "ENABLE_CODEC_OPUS_RED",
        "ENABLE_CODEC_OPUS_RED=1",
        &[("codec.audio.opus.red.enabled", "true"), ("codec.audio.opus.enabled", "true")],
    ),
    ("ENABLE_VLA", "ENABLE_VLA=1", &[("codec.rtp-extensions.video-layers-allocation.enabled", "true")]),
    ("JICOFO_ENABLE_MID", "JICOFO_ENABLE_MID=1", &[("codec.rtp-extensions.mid.enabled", "true")]),
    ("ENABLE_AUTO_OWNER", "ENABLE_AUTO_OWNER=0", &[("conference.enable-auto-owner", "false")]),
    ("ENABLE_MODERATOR_CHECKS", "ENABLE_MODERATOR_CHECKS=0", &[("conference.enable-moderator-checks", "false")]),
    (
        "MAX_SSRCS_PER_USER",
        "MAX_SSRCS_PER_USER=30",
        &[("conference.max-ssrcs-per-user", "30"), ("conference.max-ssrc-groups-per-user", "30")],
    ),
    (
        "MAX_SSRC_GROUPS_PER_USER",
        "MAX_SSRC_GROUPS_PER_USER=25",
        &[("conference.max-ssrcs-per-user", "20"), ("conference.max-ssrc-groups-per-user", "25")],
    ),
    (
        "JICOFO_CONF_INITIAL_PARTICIPANT_WAIT_TIMEOUT",
        "JICOFO_CONF_INITIAL_PARTICIPANT_WAIT_TIMEOUT=20 seconds",
        &[("conference.initial-timeout", "20 seconds")],
    ),
    (
        "JICOFO_CONF_SINGLE_PARTICIPANT_TIMEOUT",
        "JICOFO_CONF_SINGLE_PARTICIPANT_TIMEOUT=25 seconds",
        &[("conference.single-participant-timeout", "25 seconds")],
    ),
    (
        "JICOFO_CONF_SOURCE_SIGNALING_DELAYS",
        "JICOFO_CONF_SOURCE_SIGNALING_DELAYS={ 50 = 500, 100 = 1000 }",
        &[("conference.source-signaling-delays", "{ 50 = 500, 100 = 1000 }")],
    ),
    ("JICOFO_CONF_MAX_AUDIO_SENDERS", "JICOFO_CONF_MAX_AUDIO_SENDERS=100", &[("conference.max-audio-senders", "100")]),
    ("JICOFO_CONF_MAX_VIDEO_SENDERS", "JICOFO_CONF_MAX_VIDEO_SENDERS=50", &[("conference.max-video-senders", "50")]),
    ("JICOFO_CONF_STRIP_SIMULCAST", "JICOFO_CONF_STRIP_SIMULCAST=false", &[("conference.strip-simulcast", "false")]),
    ("JICOFO_CONF_SSRC_REWRITING", "JICOFO_CONF_SSRC_REWRITING=0", &[("conference.use-ssrc-rewriting", "false")]),
    (
        "ENABLE_SHARED_DOCUMENT_RANDOM_NAME",
        "ENABLE_SHARED_DOCUMENT_RANDOM_NAME=1",
        &[("conference.shared-document.use-random-name", "true")],
    ),
    (
        "JICOFO_RESTART_REQUEST_MAX",
        "JICOFO_RESTART_REQUEST_MAX=7",
        &[
            ("conference.restart-request-rate-limits.max-requests", "7"),
            ("conference.restart-request-rate-limits.interval", "1 minute"),
        ],
    ),
    (
        "JICOFO_RESTART_REQUEST_INTERVAL",
        "JICOFO_RESTART_REQUEST_INTERVAL=90 seconds  JICOFO_RESTART_REQUEST_MAX=7",
        &[("conference.restart-request-rate-limits.interval", "90 seconds")],
    ),
    ("JICOFO_ENABLE_HEALTH_CHECKS", "JICOFO_ENABLE_HEALTH_CHECKS=1", &[("health.enabled", "true")]),
    ("JICOFO_ENABLE_REST", "JICOFO_ENABLE_REST=1", &[("rest.host", "\"0.0.0.0\"")]),
    (
        "ENABLE_RECORDING",
        "ENABLE_RECORDING=1",
        &[
            ("jibri.brewery-jid", "\"jibribrewery@internal-muc.meet.jitsi\""),
            ("jibri.pending-timeout", "90 seconds"),
            ("xmpp.trusted-domains", "[\"hidden.meet.jitsi\"]"),
        ],
    ),
    (
        "JIBRI_BREWERY_MUC",
        "JIBRI_BREWERY_MUC=recorders  ENABLE_RECORDING=1",
        &[("jibri.brewery-jid", "\"recorders@internal-muc.meet.jitsi\"")],
    ),
    ("JIBRI_REQUEST_RETRIES", "JIBRI_REQUEST_RETRIES=3  ENABLE_RECORDING=1", &[("jibri.num-retries", "3")]),
    (
        "JIBRI_PENDING_TIMEOUT",
        "JIBRI_PENDING_TIMEOUT=70 seconds  ENABLE_RECORDING=1",
        &[("jibri.pending-timeout", "70 seconds")],
    ),
    (
        "JIBRI_SIP_BREWERY_MUC",
        "JIBRI_SIP_BREWERY_MUC=sip@internal-muc.meet.jitsi",
        &[("jibri-sip.brewery-jid", "\"sip@internal-muc.meet.jitsi\"")],
    ),
    (
        "JIGASI_SIP_URI",
        "JIGASI_SIP_URI=test@sip.x",
        &[("jigasi.brewery-jid", "\"jigasibrewery@internal-muc.meet.jitsi\""), ("xmpp.trusted-domains", "[]")],
    ),
    (
        "ENABLE_TRANSCRIPTIONS",
        "ENABLE_TRANSCRIPTIONS=1",
        &[
            ("jigasi.brewery-jid", "\"jigasibrewery@internal-muc.meet.jitsi\""),
            ("xmpp.trusted-domains", "[\"hidden.meet.jitsi\"]"),
        ],
    ),
    (
        "JIGASI_BREWERY_MUC",
        "JIGASI_BREWERY_MUC=gateways  JIGASI_SIP_URI=test@sip.x",
        &[("jigasi.brewery-jid", "\"gateways@internal-muc.meet.jitsi\"")],
    ),
    ("JICOFO_TRUSTED_DOMAINS", "JICOFO_TRUSTED_DOMAINS=a.x,b.x", &[("xmpp.trusted-domains", "[\"a.x\", \"b.x\"]")]),
    (
        "XMPP_HIDDEN_DOMAIN",
        "XMPP_HIDDEN_DOMAIN=hidden.x  ENABLE_RECORDING=1",
        &[("xmpp.trusted-domains", "[\"hidden.x\"]")],
    ),
    (
        "JICOFO_TRANSLATION_URL_TEMPLATE",
        "JICOFO_TRANSLATION_URL_TEMPLATE=wss://t/{{MEETING_ID}}",
        &[("translation.url-template", "\"wss://t/{{MEETING_ID}}\""), ("translation.http-headers", "{}")],
    ),
    (
        "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID",
        "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID=id  JICOFO_TRANSLATION_URL_TEMPLATE=wss://t/{{MEETING_ID}}",
        &[("translation.http-headers", "{ \"CF-Access-Client-Id\" = ****** }")],
    ),
    (
        "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_SECRET",
        "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_SECRET=geheim  JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID=id  JICOFO_TRANSLATION_URL_TEMPLATE=wss://t/{{MEETING_ID}}",
        &[("translation.http-headers", "{ \"CF-Access-Client-Id\" = ******, \"CF-Access-Client-Secret\" = ****** }")],
    ),
    ("XMPP_SERVER", "XMPP_SERVER=xmpp.x", &[("xmpp.client.hostname", "\"xmpp.x\"")]),
    ("XMPP_PORT", "XMPP_PORT=5333", &[("xmpp.client.port", "5333")]),
    (
        "XMPP_DOMAIN",
        "XMPP_DOMAIN=x.y  ENABLE_AUTH=1",
        &[
            ("xmpp.client.xmpp-domain", "\"x.y\""),
            ("xmpp.client.client-proxy", "\"focus.x.y\""),
            ("authentication.login-url", "\"x.y\""),
        ],
    ),
    ("XMPP_AUTH_DOMAIN", "XMPP_AUTH_DOMAIN=auth.x.y", &[("xmpp.client.domain", "\"auth.x.y\"")]),
    ("XMPP_MUC_DOMAIN", "XMPP_MUC_DOMAIN=rooms.x.y", &[("xmpp.client.conference-muc-jid", "\"rooms.x.y\"")]),
    ("JICOFO_AUTH_PASSWORD", "JICOFO_AUTH_PASSWORD=passw0rt", &[("xmpp.client.password", "******")]),
    (
        "VISITORS_XMPP_SERVER",
        "VISITORS_XMPP_SERVER=a,b:5222  ENABLE_VISITORS=1",
        &[
            ("xmpp.visitors.v0.enabled", "true"),
            ("xmpp.visitors.v0.hostname", "\"a\""),
            ("xmpp.visitors.v0.port", "52220"),
            ("xmpp.visitors.v0.domain", "\"auth.meet.jitsi\""),
            ("xmpp.visitors.v0.disable-certificate-verification", "true"),
            ("xmpp.visitors.v1.hostname", "\"b\""),
            ("xmpp.visitors.v1.port", "5222"),
            ("xmpp.visitors.v1.xmpp-domain", "\"v1.meet.jitsi\""),
        ],
    ),
    (
        "VISITORS_XMPP_PORT",
        "VISITORS_XMPP_PORT=52300  VISITORS_XMPP_SERVER=a,b  ENABLE_VISITORS=1",
        &[("xmpp.visitors.v0.port", "52300"), ("xmpp.visitors.v1.port", "52301")],
    ),
    (
        "VISITORS_XMPP_DOMAIN",
        "VISITORS_XMPP_DOMAIN=x.y  VISITORS_XMPP_SERVER=a  ENABLE_VISITORS=1",
        &[("xmpp.visitors.v0.xmpp-domain", "\"v0.x.y\""), ("xmpp.visitors.v0.conference-service", "\"muc.v0.x.y\"")],
    ),
    (
        "VISITORS_XMPP_AUTH_DOMAIN",
        "VISITORS_XMPP_AUTH_DOMAIN=auth.v.x  VISITORS_XMPP_SERVER=a  ENABLE_VISITORS=1",
        &[("xmpp.visitors.v0.domain", "\"auth.v.x\"")],
    ),
    (
        "PROSODY_VISITORS_MUC_PREFIX",
        "PROSODY_VISITORS_MUC_PREFIX=rooms  VISITORS_XMPP_SERVER=a  ENABLE_VISITORS=1",
        &[("xmpp.visitors.v0.conference-service", "\"rooms.v0.meet.jitsi\"")],
    ),
    (
        "VISITORS_MAX_PARTICIPANTS",
        "VISITORS_MAX_PARTICIPANTS=30  ENABLE_VISITORS=1",
        &[("visitors.max-participants", "30")],
    ),
    (
        "VISITORS_MAX_VISITORS_PER_NODE",
        "VISITORS_MAX_VISITORS_PER_NODE=300  ENABLE_VISITORS=1",
        &[("visitors.max-visitors-per-node", "300")],
    ),
    (
        "JICOFO_VISITORS_REQUIRE_MUC_CONFIG",
        "JICOFO_VISITORS_REQUIRE_MUC_CONFIG=1  ENABLE_VISITORS=1",
        &[("visitors.require-muc-config-flag", "true")],
    ),
];

/// What every start has that sets none of them.
const NONE: &[(&str, &str)] = &[
    ("xmpp.client.hostname", "\"xmpp.meet.jitsi\""),
    ("xmpp.client.port", "5222"),
    ("xmpp.client.domain", "\"auth.meet.jitsi\""),
    ("xmpp.client.xmpp-domain", "\"meet.jitsi\""),
    ("xmpp.client.client-proxy", "\"focus.meet.jitsi\""),
    ("xmpp.client.conference-muc-jid", "\"muc.meet.jitsi\""),
    ("xmpp.client.disable-certificate-verification", "true"),
    ("bridge.brewery-jid", "\"jvbbrewery@internal-muc.meet.jitsi\""),
    ("bridge.selection-strategy", "\"SingleBridgeSelectionStrategy\""),
    ("conference.enable-auto-owner", "true"),
    ("conference.max-ssrcs-per-user", "20"),
    ("codec.rtp-extensions.mid.enabled", "false"),
    ("codec.rtp-extensions.video-layers-allocation.enabled", "false"),
    ("codec.audio.opus.red.enabled", "false"),
    ("authentication.enabled", "false"),
    ("health.enabled", "false"),
    ("octo.enabled", "false"),
    ("rest.host", "\"127.0.0.1\""),
    ("visitors.enabled", "false"),
    ("xmpp.service.enabled", "false"),
    ("xmpp.trusted-domains", "[]"),
    ("jibri.brewery-jid", "null"),
    ("jigasi.brewery-jid", "null"),
    ("jibri-sip.brewery-jid", "null"),
    ("local-region", "null"),
];

const PASSWORD: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn environment(settings: &'static str) -> Environment {
    let settings = settings.split("  ").filter(|setting| !setting.is_empty());
    let settings = settings.map(|setting| setting.split_once('=').unwrap_or_else(|| panic!("{setting} sets nothing")));
    [("JICOFO_AUTH_PASSWORD", PASSWORD)].into_iter().chain(settings).collect()
}

/// A start in a container with these variables, as far as it goes by `text`.
fn start(text: &str, environment: &Environment) -> Start {
    environment.iter().fold(Start::new().file(text), |start, (name, value)| start.env(name, value))
}

#[track_caller]
fn comes_to(loaded: &Loaded, what: &str, expected: &[(&str, &str)]) {
    assert!(!loaded.refuses(), "{what}: {}", told(loaded));
    for (path, value) in expected {
        assert_eq!(shown(loaded, &format!("jicofo.{path}")), *value, "{what}: {path}: {}", told(loaded));
    }
    // Nothing that the template writes is unknown, and no variable of the container is taken for another.
    let said = told(loaded);
    assert!(!said.contains("there is no such") && !said.contains("nothing reads"), "{what}: {said}");
}

#[test]
fn each_option_of_the_template_means_what_it_means_to_the_reference() {
    let none = start(&template::today(&environment("")), &environment("")).load();
    comes_to(&none, "none", NONE);
    let defaults = values(&none);
    for (variable, settings, expected) in ROWS {
        let set = environment(settings);
        assert_eq!(settings.split('=').next(), Some(*variable));
        let loaded = start(&template::today(&set), &set).load();
        comes_to(&loaded, variable, expected);
        // Nothing else changes but by what else had to be set.
        let switches = settings.split_once("  ").map_or("", |(_, others)| others);
        let switched = values(&start(&template::today(&environment(switches)), &environment(switches)).load());
        let own: BTreeSet<String> = expected.iter().map(|(path, _)| format!("jicofo.{path}")).collect();
        let section = |path: &str| path.rsplit_once('.').map_or(path, |(section, _)| section).to_owned();
        let sections: BTreeSet<String> = own.iter().map(|path| section(path)).collect();
        for (path, value) in values(&loaded) {
            let before = switched.get(&path).or_else(|| defaults.get(&path));
            // Whatever follows from another value is its.
            let follows = loaded.settings.entries[&path].origin.to_string().starts_with("from ");
            if !follows && before.is_some_and(|before| *before != value) {
                assert!(own.contains(&path) || sections.contains(&section(&path)), "{variable} changes {path} too");
            }
        }
    }
    // Masked in the table. The variable does not count beside the file, which has it.
    let set = environment("JICOFO_AUTH_PASSWORD=passw0rt");
    let config = Start::new().file(&template::today(&set)).env("JICOFO_AUTH_PASSWORD", "another").config();
    assert_eq!(config.xmpp.client.account.password.as_ref().map(Secret::expose), Some("passw0rt"));
}

/// Where two rows set the same variable the later one counts, and where two say something of one key the variable that is nearer
/// to it in the template.
#[test]
fn all_options_of_the_template_together_mean_what_each_means() {
    let mut all = environment("");
    for (_, settings, _) in ROWS {
        all.extend(environment(settings));
    }
    let loaded = start(&template::today(&all), &all).load();
    // What others of them decide about.
    let overridden = [
        ("OCTO_BRIDGE_SELECTION_STRATEGY", "bridge.selection-strategy"),
        ("ENABLE_AUTH", "authentication."),
        ("JICOFO_ENABLE_AUTH", "authentication."),
        ("AUTH_TYPE", "authentication."),
        ("JICOFO_AUTH_TYPE", "authentication.login-url"),
        ("ENABLE_JVB_XMPP_SERVER", ""),
        ("JVB_BREWERY_MUC", ""),
        ("JVB_XMPP_INTERNAL_MUC_DOMAIN", ""),
        ("XMPP_INTERNAL_MUC_DOMAIN", ""),
        ("MAX_SSRCS_PER_USER", "conference.max-ssrc-groups-per-user"),
        ("MAX_SSRC_GROUPS_PER_USER", "conference.max-ssrcs-per-user"),
        ("JICOFO_RESTART_REQUEST_MAX", "conference.restart-request-rate-limits.interval"),
        ("JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS", "bridge.health-checks.use-presence"),
        ("JICOFO_ENABLE_ICE_FAILURE_DETECTION", "bridge.ice-failure-detection."),
        ("ENABLE_RECORDING", ""),
        ("JIBRI_BREWERY_MUC", ""),
        ("JIGASI_SIP_URI", ""),
        ("ENABLE_TRANSCRIPTIONS", ""),
        ("JIGASI_BREWERY_MUC", ""),
        ("XMPP_HIDDEN_DOMAIN", ""),
        ("JICOFO_TRANSLATION_URL_TEMPLATE", "translation.http-headers"),
        ("JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID", ""),
        ("VISITORS_XMPP_SERVER", ""),
        ("ENABLE_CODEC_VP8", "codec.video.vp9.enabled"),
        ("VISITORS_XMPP_PORT", "xmpp.visitors.v1."),
        ("VISITORS_XMPP_DOMAIN", "xmpp.visitors.v0.conference-service"),
        ("PROSODY_VISITORS_MUC_PREFIX", ""),
        ("ENABLE_VISITORS", "visitors.max-visitors-per-node"),
    ];
    for (variable, _, expected) in ROWS {
        let counts = |(path, _): &&(&str, &str)| {
            !overridden.iter().any(|(name, begin)| name == variable && path.starts_with(begin))
        };
        let expected: Vec<(&str, &str)> = expected.iter().filter(counts).copied().collect();
        comes_to(&loaded, variable, &expected);
    }
    comes_to(
        &loaded,
        "all",
        &[
            ("bridge.selection-strategy", "\"VisitorSelectionStrategy\""),
            ("bridge.brewery-jid", "\"bridges@muc.other.x\""),
            ("authentication.login-url", "\"x.y\""),
            ("authentication.type", "\"JWT\""),
            ("jibri.brewery-jid", "\"recorders@internal.x\""),
            ("jigasi.brewery-jid", "\"gateways@internal.x\""),
            ("xmpp.trusted-domains", "[\"a.x\", \"b.x\"]"),
            ("conference.max-ssrcs-per-user", "30"),
            ("conference.max-ssrc-groups-per-user", "25"),
            ("xmpp.visitors.v0.conference-service", "\"rooms.v0.x.y\""),
            ("translation.http-headers", "{ \"CF-Access-Client-Id\" = ******, \"CF-Access-Client-Secret\" = ****** }"),
        ],
    );
}

/// The template's own file and the one of spec/70 §8.2 are the same to us.
#[test]
fn the_rendered_file_of_the_specification_is_what_the_template_makes_of_nothing() {
    let rendered = start(&template::today(&environment("")), &environment("")).load();
    assert_eq!(values(&rendered), values(&sample("docker.conf").load()));
}

/// `toBool` of the template: any word that it does not know is true.
#[test]
fn words_become_truth_in_the_template_and_not_here() {
    for (word, truth) in [
        ("1", "true"),
        ("t", "true"),
        ("True", "true"),
        ("no", "true"),
        ("0", "false"),
        ("F", "false"),
        ("false", "false"),
    ] {
        let set: Environment = [("ENABLE_CODEC_VP8", word)].into_iter().chain(environment("")).collect();
        comes_to(&start(&template::today(&set), &set).load(), word, &[("codec.video.vp8.enabled", truth)]);
    }
}

#[test]
fn the_files_of_earlier_images_mean_what_they_meant() {
    const OF_ALL: &str = "XMPP_DOMAIN=m.x  XMPP_SERVER=xmpp.m.x  XMPP_AUTH_DOMAIN=auth.m.x  XMPP_MUC_DOMAIN=muc.m.x  \
                          XMPP_INTERNAL_MUC_DOMAIN=internal-muc.m.x  JVB_BREWERY_MUC=jvbbrewery  JICOFO_AUTH_USER=focus";
    const BASE: &[(&str, &str)] = &[
        ("xmpp.client.hostname", "\"xmpp.m.x\""),
        ("xmpp.client.domain", "\"auth.m.x\""),
        ("xmpp.client.username", "\"focus\""),
        ("bridge.brewery-jid", "\"jvbbrewery@internal-muc.m.x\""),
        ("xmpp.client.disable-certificate-verification", "true"),
        ("xmpp.client.conference-muc-jid", "\"muc.m.x\""),
    ];
    let with =
        |more: &'static str| -> Environment { environment(OF_ALL).into_iter().chain(environment(more)).collect() };
    // A variable of 2021, and what it came to.
    let of_2021: &[Row] = &[
        (
            "none",
            "",
            &[("octo.enabled", "false"), ("sctp.enabled", "false"), ("xmpp.client.client-proxy", "\"focus.m.x\"")],
        ),
        ("ENABLE_SCTP", "ENABLE_SCTP=1", &[("sctp.enabled", "true")]),
        ("JICOFO_SHORT_ID", "JICOFO_SHORT_ID=7", &[("octo.enabled", "false")]),
        (
            "JICOFO_RESERVATION_ENABLED",
            "JICOFO_RESERVATION_ENABLED=true  JICOFO_RESERVATION_REST_BASE_URL=http://r.x",
            &[("octo.enabled", "false")],
        ),
        ("JICOFO_AUTH_USER", "JICOFO_AUTH_USER=jicofo", &[("xmpp.client.username", "\"jicofo\"")]),
        (
            "XMPP_RECORDER_DOMAIN",
            "XMPP_RECORDER_DOMAIN=rec.m.x  ENABLE_RECORDING=1  JIBRI_BREWERY_MUC=j  JIBRI_PENDING_TIMEOUT=90",
            // A bare number is milliseconds, which is told.
            &[("xmpp.trusted-domains", "[\"rec.m.x\"]"), ("jibri.pending-timeout", "90 ms")],
        ),
        (
            "ENABLE_AUTH",
            "ENABLE_AUTH=1  AUTH_TYPE=jwt",
            &[("authentication.type", "\"JWT\""), ("authentication.login-url", "\"m.x\"")],
        ),
        ("ENABLE_AUTO_OWNER", "ENABLE_AUTO_OWNER=false", &[("conference.enable-auto-owner", "false")]),
        // Inserted as it is, where 1 is no bool: the default counts, and it is told.
        ("ENABLE_CODEC_VP8", "ENABLE_CODEC_VP8=1", &[("codec.video.vp8.enabled", "true")]),
    ];
    for (variable, settings, expected) in of_2021 {
        let set = with(settings);
        let loaded = start(&template::of_2021(&set), &set).load();
        let base: Vec<_> =
            BASE.iter().filter(|(path, _)| !expected.iter().any(|(own, _)| own == path)).copied().collect();
        comes_to(&loaded, variable, &base);
        comes_to(&loaded, variable, expected);
    }
    let set = with("ENABLE_AUTH=1  AUTH_TYPE=shibboleth");
    let said = start(&template::of_2021(&set), &set).refused();
    for key in ["type: Shibboleth has been gone since 2023", "logout-url: belonged to Shibboleth"] {
        assert!(said.contains(&format!("jicofo.authentication.{key}")), "{key}: {said}");
    }
    let login_url = said.lines().find(|line| line.contains("authentication.login-url")).unwrap_or_default();
    assert!(login_url.contains("Shibboleth has been gone since 2023"), "{said}");
    assert!(!said.contains("did you mean") && !said.contains("without a port"), "{said}");
    let set = with("XMPP_RECORDER_DOMAIN=rec.m.x  ENABLE_RECORDING=1  JIBRI_BREWERY_MUC=j  JIBRI_PENDING_TIMEOUT=90");
    let said = told(&start(&template::of_2021(&set), &set).load());
    assert!(said.contains("jicofo.jibri.pending-timeout: a number without a unit is milliseconds"), "{said}");

    let of_2020: &[Row] = &[
        (
            "none",
            "",
            &[("xmpp.client.xmpp-domain", "\"m.x\""), ("health.enabled", "false"), ("xmpp.component.secret", "null")],
        ),
        (
            "JICOFO_COMPONENT_SECRET",
            "JICOFO_COMPONENT_SECRET=s3",
            &[("xmpp.component.secret", "******"), ("xmpp.component.domain", "\"m.x\"")],
        ),
        (
            "JIBRI_BREWERY_MUC",
            "JIBRI_BREWERY_MUC=j  JIBRI_PENDING_TIMEOUT=70",
            &[("jibri.brewery-jid", "\"j@internal-muc.m.x\""), ("jibri.pending-timeout", "70 seconds")],
        ),
        ("JICOFO_ENABLE_HEALTH_CHECKS", "JICOFO_ENABLE_HEALTH_CHECKS=true", &[("health.enabled", "true")]),
        (
            "ENABLE_AUTH",
            "ENABLE_AUTH=1",
            &[("authentication.type", "\"XMPP\""), ("authentication.login-url", "\"m.x\"")],
        ),
        ("ENABLE_AUTH with tokens", "ENABLE_AUTH=1  AUTH_TYPE=jwt", &[("authentication.enabled", "false")]),
        (
            "TESTING_OCTO_PROBABILITY",
            "TESTING_OCTO_PROBABILITY=1  OCTO_BRIDGE_SELECTION_STRATEGY=SplitBridgeSelectionStrategy",
            &[("bridge.selection-strategy", "\"SplitBridgeSelectionStrategy\"")],
        ),
        (
            "JICOFO_RESERVATION_REST_BASE_URL",
            "JICOFO_RESERVATION_REST_BASE_URL=http://r.x",
            &[("health.enabled", "false")],
        ),
    ];
    for (variable, settings, expected) in of_2020 {
        let set = with(settings);
        let (properties, flags) = template::of_2020(&set);
        let start = Start::new().legacy(&properties).arguments(&flags);
        let start = set.iter().fold(start, |start, (name, value)| start.env(name, value));
        let loaded = start.load();
        comes_to(&loaded, variable, BASE);
        comes_to(&loaded, variable, expected);
        assert_eq!(
            told(&loaded).contains("rest.BASE_URL: has no effect any more"),
            variable.contains("RESERVATION"),
            "{variable}"
        );
    }
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
