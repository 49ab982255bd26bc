//! What `check-config` says of values that make no sense together (spec/70 §4, spec/80 §13).

use super::*;

#[test]
fn contradictions_are_told_with_what_to_do() {
    for (text, says) in [
        ("jicofo.xmpp.client.client-proxy = null", "client-proxy: is not set, so requests that come through"),
        ("jicofo.xmpp.client.client-proxy = m.x", "client-proxy: is a domain of users, not of a component"),
        ("jicofo.xmpp.client.client-proxy = focus.n.x", "client-proxy: is not below m.x"),
        ("jicofo.bridge.brewery-jid = \"jvb@auth.m.x\"", "auth.m.x is the login domain, where there are no rooms"),
        ("jicofo.jibri.brewery-jid = \"jvb@m.x\"", "m.x is the domain of users, where there are no rooms"),
        ("jicofo.jigasi.brewery-jid = \"jvb@i.m.x\"", "is the same room as jicofo.bridge.brewery-jid"),
        ("jicofo.xmpp.client.conference-muc-jid = m.x", "conference-muc-jid: is the domain of users"),
        (
            "jicofo.xmpp.service = ${jicofo.xmpp.client} { enabled = true }",
            "xmpp.service.enabled: is the client connection once more",
        ),
        ("jicofo.authentication { type = XMPP, login-url = m.x }", "is XMPP, but authentication is not enabled"),
        ("jicofo.authentication { enabled = true, login-url = m.x }", "is NONE although authentication is enabled"),
        (
            "jicofo.authentication { enabled = true, type = JWT, login-url = auth.m.x }",
            "login-url: is the domain on which the focus logs in",
        ),
        (
            "jicofo.authentication.login-url = x.org",
            "authentication.login-url: has no effect, as jicofo.authentication is off by default, so everybody may start \
             conferences; write enabled = true there, or remove the line",
        ),
        (
            "jicofo.visitors.max-participants = 10",
            "visitors.max-participants: has no effect, as jicofo.visitors is off by default; write",
        ),
        (
            "jicofo.bridge.visitor-selection-strategy = RegionBasedBridgeSelectionStrategy",
            "bridge.visitor-selection-strategy: has no effect, as bridge.selection-strategy is SingleBridgeSelectionStrategy",
        ),
        (
            "jicofo.bridge.participant-selection-strategy = RegionBasedBridgeSelectionStrategy",
            "bridge.participant-selection-strategy: has no effect, as bridge.selection-strategy is Single",
        ),
        (
            "jicofo.bridge.topology-strategy = VisitorTopologyStrategy",
            "bridge.topology-strategy: is VisitorTopologyStrategy, but visitors are off",
        ),
        (
            "jicofo.xmpp.client.enabled = false",
            "xmpp.client.enabled: has no effect, as the client connection is always",
        ),
        ("jicofo.octo.enabled = true", "is SingleBridgeSelectionStrategy although octo is enabled"),
        (
            "jicofo { octo.enabled = true, bridge { selection-strategy = VisitorSelectionStrategy, \
             participant-selection-strategy = SingleBridgeSelectionStrategy, \
             visitor-selection-strategy = RegionBasedBridgeSelectionStrategy } }",
            "participant-selection-strategy: is SingleBridgeSelectionStrategy although octo is enabled, so the participants of a",
        ),
        ("jicofo.bridge.selection-strategy = SplitBridgeSelectionStrategy", "uses several bridges, but octo is off"),
        (
            "jicofo { octo.enabled = true, sctp.enabled = false }",
            "octo.sctp-datachannels: relays talk over SCTP, but sctp.enabled is false",
        ),
        ("jicofo.visitors.enabled = true", "visitors.enabled: is on, but there is no visitor node"),
        (
            "jicofo.xmpp.visitors.v0 { hostname = h, conference-service = c.v.x, xmpp-domain = v.x, password = p }",
            "visitors.enabled: is off, so the nodes below",
        ),
        ("jicofo.bridge.region-groups = [[a]]", "the group of \"a\" has one region"),
        ("jicofo.bridge.region-groups = [[a, b], [c, a]]", "\"a\" is named twice"),
        ("jicofo { local-region = z, bridge.region-groups = [[a, b]] }", "local-region \"z\" is in no group"),
        ("jicofo.health { enabled = true, interval = 1 m }", "health.interval: is not below health.timeout"),
        (
            "jicofo.conference.initial-timeout = 0",
            "initial-timeout: is 0, so nobody would have the time to come; at least 1",
        ),
        (
            "jicofo.conference.initial-timeout = 1 us",
            "initial-timeout: is 0, so nobody would have the time to come; at least 1",
        ),
        ("jicofo.bridge.health-checks.retry-delay = 10s", "retry-delay: is not below bridge.health-checks.interval"),
        (
            "jicofo.bridge { max-bridge-participants-per-interval = 5, max-bridge-participants-interval = 0 }",
            "max-bridge-participants-interval: is 0, so",
        ),
        ("jicofo.bridge.stress-threshold = 80", "80 is more than everything"),
        (
            "jicofo.bridge.load-redistribution { enabled = true, stress-threshold = 0.8 }",
            "is not above bridge.stress-threshold",
        ),
        ("jicofo.jibri.brewery-jid = \"j@i.m.x\"", "write trusted-domains = [\"recorder.m.x\"]"),
        ("jicofo.xmpp.client { hostname = h.x, use-tls = false }", "use-tls: is false, so all that is said with h.x"),
        ("jicofo.transcription.url-template = \"http://x/{{MEETING_ID}}\"", "does not begin with ws:// or wss://"),
        ("jicofo.conference.max-ssrcs-per-user = 50", "is above max-ssrc-groups-per-user"),
        (
            "jicofo { xmpp.client.conference-muc-jid = rooms.m.x, bridge.brewery-jid = \"jvb@rooms.m.x\" }",
            "bridge.brewery-jid: rooms.m.x has the conferences, where everybody gets in",
        ),
        ("jicofo.xmpp.client.conference-muc-jid = rooms.n.x", "conference-muc-jid: is not below m.x"),
        (
            "jicofo { visitors.enabled = true, xmpp.client.conference-muc-jid = c.m.x, xmpp.visitors.v0 { hostname = h, \
             conference-service = c.m.x, xmpp-domain = v.x, password = p } }",
            "v0.conference-service: is that of jicofo.xmpp.client.conference-muc-jid",
        ),
        (
            "jicofo { visitors.enabled = true, xmpp.visitors { v0 { hostname = h, conference-service = c.v.x, xmpp-domain = v.x, \
             password = p }, v1 = ${jicofo.xmpp.visitors.v0} } }",
            "v1.conference-service: is that of jicofo.xmpp.visitors.v0.conference-service",
        ),
        (
            "jicofo.conference.restart-request-rate-limits { interval = 5s, min-interval = 10s }",
            "min-interval: is above conference.restart-request-rate-limits.interval",
        ),
        (
            "jicofo.conference.source-signaling-delays { 50 = 1000, 100 = 500 }",
            "source-signaling-delays: from 100 participants it is less than from 50",
        ),
        (
            "jicofo.codec.video { vp8.enabled = false, vp9.pt = 0, h264.enabled = false, av1.enabled = false }",
            "codec.video.vp8.enabled: is off like all other codecs for video",
        ),
        ("jicofo.logging.levels { jicofo = loud }", "\"loud\" of \"jicofo\" is no level"),
    ] {
        let said = told(&Start::minimal(text).load());
        assert!(said.contains(says), "{text}: {said}");
        // The original starts with all of these.
        assert!(said.lines().all(|line| line.starts_with("warning: ")), "{text}: {said}");
    }
}

/// One line is enough, and none is needed where somebody switched it off.
#[test]
fn that_a_section_is_off_is_said_once() {
    for (text, key) in [
        ("jicofo.authentication { type = XMPP, login-url = x.org }", "jicofo.authentication"),
        ("jicofo.authentication { login-url = x.org, enable-auto-login = false }", "jicofo.authentication"),
        (
            "jicofo { visitors.max-participants = 10, xmpp.visitors.v0 { hostname = h, conference-service = c.v.x, xmpp-domain = \
             v.x, password = p } }",
            "jicofo.visitors",
        ),
        ("tracing.service-name = x", "tracing"),
    ] {
        let said = told(&Start::minimal(text).load());
        assert_eq!(said.matches(&format!(": {key}.")).count(), 1, "{text}: {said}");
    }
    for text in [
        "jicofo.authentication { enabled = false, login-url = x.org }",
        "jicofo.visitors { enabled = false, max-participants = 10 }",
        "jicofo.xmpp.client.enabled = true",
        "jicofo { visitors.enabled = false, bridge.topology-strategy = SingleMeshTopologyStrategy }",
    ] {
        let said = told(&Start::minimal(text).load());
        assert_eq!(said, "", "{text}");
    }
}

/// A default would be no better: browsers refuse every offer that has one number twice.
#[test]
fn one_number_for_two_codecs_or_extensions_refuses() {
    for (text, says) in [
        (
            "jicofo.codec.video.vp8.pt = 101",
            ":3:29: jicofo.codec.video.vp8.pt: 101 is also that of jicofo.codec.video.vp9.pt",
        ),
        (
            "jicofo.codec.video.vp8.rtx-pt = 111",
            ":3:33: jicofo.codec.video.vp8.rtx-pt: 111 is also that of jicofo.codec.audio.opus.pt",
        ),
        (
            "jicofo.codec.rtp-extensions.mid.id = 3",
            ":3:38: jicofo.codec.rtp-extensions.mid.id: 3 is also that of jicofo.codec.rtp-extensions.abs-send-time.id",
        ),
    ] {
        let said = Start::minimal(text).refused();
        assert!(said.contains(says), "{text}: {said}");
    }
    // What is off is not offered.
    Start::minimal("jicofo.codec.video { vp8.pt = 101, vp9.enabled = false, h264.rtx-pt = -1, av1.rtx-pt = -1 }")
        .config();
}

/// legacy-override: whoever edits the file wonders why nothing happens.
#[test]
fn an_old_name_that_hides_the_file_is_told_with_both_values() {
    let start = Start::minimal("jicofo.xmpp.client { port = 5333, password = neu }")
        .legacy("org.jitsi.jicofo.XMPP_PORT=5444\norg.jitsi.jicofo.FOCUS_USER_PASSWORD=alt\n");
    let said = start.warned();
    assert!(said.contains("sip-communicator.properties:1:28: org.jitsi.jicofo.XMPP_PORT: 5444 counts"), "{said}");
    assert!(said.contains("5333 at ") && said.contains("jicofo.conf:3:29 has no effect"), "{said}");
    assert!(said.contains("******") && !said.contains("neu") && !said.contains("alt"), "{said}");
}
