//! The structure of the files that docker-jitsi-meet's container makes of its variables before the start (spec/80 §12, spec/70 §9):
//! which section and key is there when, how its value is written. Of today, and of earlier images.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is set in the container.
pub(super) type Environment = BTreeMap<&'static str, &'static str>;

/// The file being written, as templates leave it: with comments, blank lines and blanks at the ends of lines.
struct Page<'e> {
    environment: &'e Environment,
    text: String,
    depth: usize,
}

impl<'e> Page<'e> {
    fn new(environment: &'e Environment) -> Page<'e> {
        Page { environment, text: String::new(), depth: 0 }
    }

    fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:1$}{line}", "", 4 * self.depth);
    }

    fn section(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.line(&format!("// About {name}: what \"it\" is, in {{braces}}."));
        self.line(&format!("{name} {{"));
        self.depth += 1;
        inner(self);
        self.depth -= 1;
        self.line("}  ");
        self.line("      ");
    }

    /// Not blank: the template's `if .Env.NAME`.
    fn given(&self, name: &str) -> Option<&'e str> {
        self.environment.get(name).copied().filter(|value| !value.is_empty())
    }

    fn or(&self, name: &str, default: &'e str) -> &'e str {
        self.given(name).unwrap_or(default)
    }

    fn flag(&self, name: &str, default: &'e str) -> bool {
        truth(self.or(name, default))
    }

    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(&format!("{key} = {value}"));
    }

    fn quoted(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(&format!("{key} = \"{value}\""));
    }

    /// A key that is there if its variable is.
    fn bare_if(&mut self, key: &str, name: &str) {
        if let Some(value) = self.given(name) {
            self.bare(key, value);
        } else {
            self.line("");
        }
    }

    fn quoted_if(&mut self, key: &str, name: &str) {
        if let Some(value) = self.given(name) {
            self.quoted(key, value);
        } else {
            self.line("");
        }
    }

    fn truth_if(&mut self, key: &str, name: &str) {
        if let Some(value) = self.given(name) {
            self.quoted(key, truth(value));
        }
    }
}

/// The template's `toBool`: words that it does not know are true.
pub(super) fn truth(word: &str) -> bool {
    !matches!(word, "" | "0" | "f" | "F" | "false" | "FALSE" | "False")
}

/// `jicofo.conf` of today.
pub(super) fn today(environment: &Environment) -> String {
    let mut page = Page::new(environment);
    page.line("");
    page.section("jicofo", |page| {
        let auth = page.or("ENABLE_AUTH", "0");
        if page.flag("JICOFO_ENABLE_AUTH", auth) {
            page.section("authentication", authentication);
        }
        page.section("bridge", bridge);
        page.section("codec", codec);
        page.section("conference", conference);
        if page.given("JICOFO_ENABLE_HEALTH_CHECKS").is_some() {
            page.section("health", |page| page.truth_if("enabled", "JICOFO_ENABLE_HEALTH_CHECKS"));
        }
        recorders(page);
        page.quoted_if("local-region", "JICOFO_OCTO_REGION");
        page.section("octo", |page| {
            page.bare("enabled", page.flag("ENABLE_OCTO", "0"));
            page.bare("sctp-datachannels", true);
        });
        if page.flag("JICOFO_ENABLE_REST", "0") {
            page.section("rest", |page| page.quoted("host", "0.0.0.0"));
        }
        page.section("sctp", |page| page.bare("enabled", true));
        if page.flag("ENABLE_VISITORS", "0") {
            page.section("visitors", visitors);
        }
        if page.given("JICOFO_TRANSLATION_URL_TEMPLATE").is_some() {
            page.section("translation", translation);
        }
        page.section("xmpp", xmpp);
    });
    page.line("include \"custom-jicofo.conf\"");
    page.text
}

fn authentication(page: &mut Page<'_>) {
    page.bare("enabled", true);
    let of_all = page.or("AUTH_TYPE", "internal");
    page.bare("type", if page.or("JICOFO_AUTH_TYPE", of_all) == "jwt" { "JWT" } else { "XMPP" });
    page.quoted("login-url", page.or("XMPP_DOMAIN", "meet.jitsi"));
    page.line(&format!("enable-auto-login={}", page.flag("ENABLE_AUTO_LOGIN", "1")));
    page.bare("authentication-lifetime", page.or("JICOFO_AUTH_LIFETIME", "24 hours"));
}

fn bridge(page: &mut Page<'_>) {
    page.quoted_if("max-bridge-participants", "MAX_BRIDGE_PARTICIPANTS");
    page.quoted_if("average-participant-stress", "BRIDGE_AVG_PARTICIPANT_STRESS");
    page.quoted_if("stress-threshold", "BRIDGE_STRESS_THRESHOLD");
    if page.flag("ENABLE_VISITORS", "0") {
        page.bare("selection-strategy", "VisitorSelectionStrategy");
        page.bare("visitor-selection-strategy", "RegionBasedBridgeSelectionStrategy");
        page.bare("participant-selection-strategy", "RegionBasedBridgeSelectionStrategy");
        page.bare("topology-strategy", "VisitorTopologyStrategy");
    } else {
        page.quoted_if("selection-strategy", "OCTO_BRIDGE_SELECTION_STRATEGY");
    }
    if page.given("JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS").is_some() {
        page.section("health-checks", |page| {
            page.truth_if("enabled", "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS");
            page.bare("use-presence", page.flag("JICOFO_HEALTH_CHECKS_USE_PRESENCE", "0"));
        });
    }
    if page.given("JICOFO_ENABLE_ICE_FAILURE_DETECTION").is_some() {
        page.section("ice-failure-detection", |page| {
            page.truth_if("enabled", "JICOFO_ENABLE_ICE_FAILURE_DETECTION");
            page.bare("interval", page.or("JICOFO_ICE_FAILURE_INTERVAL", "60 seconds"));
            page.bare("min-endpoints", page.or("JICOFO_ICE_FAILURE_MIN_ENDPOINTS", "40"));
            page.bare("threshold", page.or("JICOFO_ICE_FAILURE_THRESHOLD", "0.1"));
        });
    }
    if page.given("JICOFO_ENABLE_LOAD_REDISTRIBUTION").is_some() {
        page.section("load-redistribution", |page| page.truth_if("enabled", "JICOFO_ENABLE_LOAD_REDISTRIBUTION"));
    }
    let domain = match page.flag("ENABLE_JVB_XMPP_SERVER", "0") {
        true => page.or("JVB_XMPP_INTERNAL_MUC_DOMAIN", "muc.jvb.meet.jitsi"),
        false => page.or("XMPP_INTERNAL_MUC_DOMAIN", "internal-muc.meet.jitsi"),
    };
    page.quoted("brewery-jid", format!("{}@{domain}", page.or("JVB_BREWERY_MUC", "jvbbrewery")));
    if let Some(groups) = page.given("JICOFO_BRIDGE_REGION_GROUPS") {
        page.bare("region-groups", format!("[{groups}]"));
    }
}

fn codec(page: &mut Page<'_>) {
    page.section("video", |page| {
        for (codec, name) in [
            ("vp8", "ENABLE_CODEC_VP8"),
            ("vp9", "ENABLE_CODEC_VP9"),
            ("h264", "ENABLE_CODEC_H264"),
            ("av1", "ENABLE_CODEC_AV1"),
        ] {
            if page.given(name).is_some() {
                page.section(codec, |page| page.truth_if("enabled", name));
            }
        }
    });
    page.section("audio", |page| {
        if page.given("ENABLE_CODEC_OPUS_RED").is_some() {
            page.section("opus", |page| {
                page.section("red", |page| page.truth_if("enabled", "ENABLE_CODEC_OPUS_RED"));
            });
        }
    });
    page.section("rtp-extensions", |page| {
        page.section("video-layers-allocation", |page| page.bare("enabled", page.flag("ENABLE_VLA", "0")));
        page.section("mid", |page| page.bare("enabled", page.flag("JICOFO_ENABLE_MID", "0")));
    });
}

fn conference(page: &mut Page<'_>) {
    page.truth_if("enable-auto-owner", "ENABLE_AUTO_OWNER");
    page.truth_if("enable-moderator-checks", "ENABLE_MODERATOR_CHECKS");
    page.quoted_if("initial-timeout", "JICOFO_CONF_INITIAL_PARTICIPANT_WAIT_TIMEOUT");
    page.quoted_if("single-participant-timeout", "JICOFO_CONF_SINGLE_PARTICIPANT_TIMEOUT");
    page.bare_if("source-signaling-delays", "JICOFO_CONF_SOURCE_SIGNALING_DELAYS");
    page.bare_if("max-audio-senders", "JICOFO_CONF_MAX_AUDIO_SENDERS");
    page.bare_if("max-video-senders", "JICOFO_CONF_MAX_VIDEO_SENDERS");
    let ssrcs = page.or("MAX_SSRCS_PER_USER", "20");
    page.quoted("max-ssrcs-per-user", ssrcs);
    page.quoted("max-ssrc-groups-per-user", page.or("MAX_SSRC_GROUPS_PER_USER", ssrcs));
    page.truth_if("strip-simulcast", "JICOFO_CONF_STRIP_SIMULCAST");
    page.truth_if("use-ssrc-rewriting", "JICOFO_CONF_SSRC_REWRITING");
    page.truth_if("enable-multi-stream-backward-compat", "JICOFO_MULTI_STREAM_BACKWARD_COMPAT");
    if page.flag("ENABLE_SHARED_DOCUMENT_RANDOM_NAME", "0") {
        page.section("shared-document", |page| page.bare("use-random-name", true));
    }
    if page.given("JICOFO_RESTART_REQUEST_MAX").is_some() {
        page.section("restart-request-rate-limits", |page| {
            page.bare_if("max-requests", "JICOFO_RESTART_REQUEST_MAX");
            page.bare("interval", page.or("JICOFO_RESTART_REQUEST_INTERVAL", "60 seconds"));
        });
    }
}

fn recorders(page: &mut Page<'_>) {
    let domain = page.or("XMPP_INTERNAL_MUC_DOMAIN", "internal-muc.meet.jitsi");
    if page.flag("ENABLE_RECORDING", "0") {
        page.section("jibri", |page| {
            page.quoted("brewery-jid", format!("{}@{domain}", page.or("JIBRI_BREWERY_MUC", "jibribrewery")));
            page.quoted_if("num-retries", "JIBRI_REQUEST_RETRIES");
            page.quoted("pending-timeout", page.or("JIBRI_PENDING_TIMEOUT", "90 seconds"));
        });
    }
    if page.given("JIBRI_SIP_BREWERY_MUC").is_some() {
        page.section("jibri-sip", |page| page.quoted_if("brewery-jid", "JIBRI_SIP_BREWERY_MUC"));
    }
    if page.given("JIGASI_SIP_URI").is_some() || page.flag("ENABLE_TRANSCRIPTIONS", "0") {
        page.section("jigasi", |page| {
            page.quoted("brewery-jid", format!("{}@{domain}", page.or("JIGASI_BREWERY_MUC", "jigasibrewery")));
        });
    }
}

fn visitors(page: &mut Page<'_>) {
    page.bare("enabled", true);
    page.bare_if("max-participants", "VISITORS_MAX_PARTICIPANTS");
    page.bare("max-visitors-per-node", page.or("VISITORS_MAX_VISITORS_PER_NODE", "250"));
    page.bare("require-muc-config-flag", page.flag("JICOFO_VISITORS_REQUIRE_MUC_CONFIG", "0"));
}

fn translation(page: &mut Page<'_>) {
    page.quoted_if("url-template", "JICOFO_TRANSLATION_URL_TEMPLATE");
    page.section("http-headers", |page| {
        page.quoted_if("\"CF-Access-Client-Id\"", "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID");
        page.quoted_if("\"CF-Access-Client-Secret\"", "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_SECRET");
    });
}

fn xmpp(page: &mut Page<'_>) {
    let domain = page.or("XMPP_DOMAIN", "meet.jitsi");
    page.section("client", |page| {
        page.bare("enabled", true);
        page.quoted("hostname", page.or("XMPP_SERVER", "xmpp.meet.jitsi"));
        page.quoted("port", page.or("XMPP_PORT", "5222"));
        page.quoted("domain", page.or("XMPP_AUTH_DOMAIN", "auth.meet.jitsi"));
        page.quoted("xmpp-domain", domain);
        page.quoted("username", "focus");
        page.quoted("password", page.or("JICOFO_AUTH_PASSWORD", ""));
        page.quoted("conference-muc-jid", page.or("XMPP_MUC_DOMAIN", "muc.meet.jitsi"));
        page.quoted("client-proxy", format!("focus.{domain}"));
        page.bare("disable-certificate-verification", true);
    });
    if page.flag("ENABLE_JVB_XMPP_SERVER", "0") {
        page.section("service", |page| {
            page.bare("enabled", true);
            page.quoted("hostname", page.or("JVB_XMPP_SERVER", "xmpp.jvb.meet.jitsi"));
            page.quoted("port", page.or("JVB_XMPP_PORT", "6222"));
            page.quoted("domain", page.or("JVB_XMPP_AUTH_DOMAIN", "auth.jvb.meet.jitsi"));
            page.quoted("username", "focus");
            page.quoted("password", page.or("JICOFO_AUTH_PASSWORD", ""));
            page.bare("disable-certificate-verification", true);
        });
    }
    if page.flag("ENABLE_VISITORS", "0") {
        page.section("visitors", nodes);
    }
    let hidden = match page.flag("ENABLE_RECORDING", "0") || page.flag("ENABLE_TRANSCRIPTIONS", "0") {
        true => page.or("XMPP_HIDDEN_DOMAIN", "hidden.meet.jitsi"),
        false => "",
    };
    let trusted = page.or("JICOFO_TRUSTED_DOMAINS", hidden).split(',').filter(|domain| !domain.is_empty());
    let trusted: String = trusted.map(|domain| format!("\"{domain}\",")).collect();
    page.bare("trusted-domains", format!("[ {trusted} ]"));
}

/// `host[:port],…`, whose ports go on from the first one where none is given.
fn nodes(page: &mut Page<'_>) {
    let servers = page.or("VISITORS_XMPP_SERVER", "").split(',').filter(|server| !server.is_empty());
    let first: u16 = page.or("VISITORS_XMPP_PORT", "52220").parse().expect("a port");
    for (index, server) in (0..).zip(servers) {
        let (host, port) = match server.split_once(':') {
            Some((host, port)) => (host, port.to_owned()),
            None => (server, (first + index).to_string()),
        };
        let domain = page.or("VISITORS_XMPP_DOMAIN", "meet.jitsi");
        page.section(&format!("v{index}"), |page| {
            page.bare("enabled", true);
            page.bare(
                "conference-service",
                format!("{}.v{index}.{domain}", page.or("PROSODY_VISITORS_MUC_PREFIX", "muc")),
            );
            page.bare("hostname", host);
            page.bare("port", port);
            page.quoted("domain", page.or("VISITORS_XMPP_AUTH_DOMAIN", "auth.meet.jitsi"));
            page.bare("xmpp-domain", format!("v{index}.{domain}"));
            page.quoted("password", page.or("JICOFO_AUTH_PASSWORD", ""));
            page.bare("disable-certificate-verification", true);
        });
    }
}

/// `jicofo.conf` of the images of 2021: most variables have no defaults there, and words are inserted as they are.
pub(super) fn of_2021(environment: &Environment) -> String {
    let mut page = Page::new(environment);
    page.section("jicofo", |page| {
        if page.flag("ENABLE_AUTH", "0") {
            page.section("authentication", |page| {
                page.bare("enabled", true);
                let kind = page.or("AUTH_TYPE", "internal");
                let shibboleth = kind == "shibboleth";
                page.bare(
                    "type",
                    if kind == "jwt" {
                        "JWT"
                    } else if shibboleth {
                        "SHIBBOLETH"
                    } else {
                        "XMPP"
                    },
                );
                page.quoted("login-url", if shibboleth { "shibboleth:default" } else { page.or("XMPP_DOMAIN", "") });
                if shibboleth {
                    page.quoted("logout-url", "shibboleth:default");
                }
            });
        }
        page.section("bridge", |page| {
            page.quoted_if("max-bridge-participants", "MAX_BRIDGE_PARTICIPANTS");
            page.quoted_if("selection-strategy", "OCTO_BRIDGE_SELECTION_STRATEGY");
            if page.given("JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS").is_some() {
                page.section("health-checks", |page| page.quoted_if("enabled", "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS"));
            }
            let (room, domain) = (page.or("JVB_BREWERY_MUC", ""), page.or("XMPP_INTERNAL_MUC_DOMAIN", ""));
            page.quoted("brewery-jid", format!("{room}@{domain}"));
        });
        page.section("codec", |page| {
            page.section("video", |page| {
                if page.given("ENABLE_CODEC_VP8").is_some() {
                    page.section("vp8", |page| page.quoted_if("enabled", "ENABLE_CODEC_VP8"));
                }
            });
        });
        page.section("conference", |page| page.quoted_if("enable-auto-owner", "ENABLE_AUTO_OWNER"));
        if page.flag("ENABLE_RECORDING", "0") {
            page.section("jibri", |page| {
                let (room, domain) = (page.or("JIBRI_BREWERY_MUC", ""), page.or("XMPP_INTERNAL_MUC_DOMAIN", ""));
                page.quoted("brewery-jid", format!("{room}@{domain}"));
                page.quoted_if("pending-timeout", "JIBRI_PENDING_TIMEOUT");
            });
            let recorders = page.or("XMPP_RECORDER_DOMAIN", "recorder.meet.jitsi");
            page.line(&format!("xmpp {{ trusted-domains = [ \"{recorders}\" ] }}"));
        }
        page.section("octo", |page| {
            page.bare("enabled", page.flag("ENABLE_OCTO", "0"));
            page.quoted("id", page.or("JICOFO_SHORT_ID", "1"));
        });
        page.section("sctp", |page| page.bare("enabled", page.flag("ENABLE_SCTP", "0")));
        page.section("xmpp", |page| {
            page.section("client", |page| {
                page.bare("enabled", true);
                page.quoted("hostname", page.or("XMPP_SERVER", ""));
                page.quoted("domain", page.or("XMPP_AUTH_DOMAIN", ""));
                page.quoted("username", page.or("JICOFO_AUTH_USER", ""));
                page.quoted("password", page.or("JICOFO_AUTH_PASSWORD", ""));
                page.quoted("conference-muc-jid", page.or("XMPP_MUC_DOMAIN", ""));
                page.quoted("client-proxy", format!("focus.{}", page.or("XMPP_DOMAIN", "")));
                page.bare("disable-certificate-verification", true);
            });
        });
        if page.flag("JICOFO_RESERVATION_ENABLED", "false") {
            page.section("reservation", |page| {
                page.quoted_if("enabled", "JICOFO_RESERVATION_ENABLED");
                page.quoted_if("base-url", "JICOFO_RESERVATION_REST_BASE_URL");
            });
        }
    });
    page.text
}

/// `sip-communicator.properties` of the images before, and the flags with which they started.
pub(super) fn of_2020(environment: &Environment) -> (String, String) {
    let page = Page::new(environment);
    let (or, internal) = (|name| page.or(name, ""), page.or("XMPP_INTERNAL_MUC_DOMAIN", ""));
    let mut lines = vec![
        "org.jitsi.jicofo.ALWAYS_TRUST_MODE_ENABLED=true".to_owned(),
        format!("org.jitsi.jicofo.BRIDGE_MUC={}@{internal}", or("JVB_BREWERY_MUC")),
        String::new(),
    ];
    if page.given("JIBRI_BREWERY_MUC").is_some() && page.given("JIBRI_PENDING_TIMEOUT").is_some() {
        lines.push(format!("org.jitsi.jicofo.jibri.BREWERY={}@{internal}", or("JIBRI_BREWERY_MUC")));
        lines.push(format!("org.jitsi.jicofo.jibri.PENDING_TIMEOUT={}", or("JIBRI_PENDING_TIMEOUT")));
    }
    if let Some(url) = page.given("JICOFO_RESERVATION_REST_BASE_URL") {
        lines.push(format!("org.jitsi.impl.reservation.rest.BASE_URL={url}"));
    }
    if page.flag("JICOFO_ENABLE_HEALTH_CHECKS", "0") {
        lines.push("org.jitsi.jicofo.health.ENABLE_HEALTH_CHECKS=true".to_owned());
    }
    if let Some(domain) = page.given("XMPP_MUC_DOMAIN") {
        let prefix = domain.split('.').next().unwrap_or_default();
        lines.push(format!("org.jitsi.jicofo.XMPP_MUC_COMPONENT_PREFIX={prefix}"));
    }
    if page.flag("ENABLE_AUTH", "0") && page.or("AUTH_TYPE", "internal") != "jwt" {
        lines.push(format!("org.jitsi.jicofo.auth.URL=XMPP:{}", or("XMPP_DOMAIN")));
    }
    if page.flag("TESTING_OCTO_PROBABILITY", "0") {
        let strategy = or("OCTO_BRIDGE_SELECTION_STRATEGY");
        lines.push(format!("org.jitsi.jicofo.BridgeSelector.BRIDGE_SELECTION_STRATEGY={strategy}"));
    }
    let flags = [
        ("domain", "XMPP_DOMAIN"),
        ("host", "XMPP_SERVER"),
        ("secret", "JICOFO_COMPONENT_SECRET"),
        ("user_name", "JICOFO_AUTH_USER"),
        ("user_domain", "XMPP_AUTH_DOMAIN"),
        ("user_password", "JICOFO_AUTH_PASSWORD"),
    ];
    let flags = flags.map(|(flag, name)| format!("--{flag}={}", or(name)));
    (lines.join("\n") + "\n", flags.join(" "))
}
