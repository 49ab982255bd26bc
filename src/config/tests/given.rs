//! Typed values, legacy names, flags and the environment: the cases of spec/70 §11 and spec/10 §12.

use super::*;

/// Covers spec/70: 5.
#[test]
fn another_username_changes_neither_resource_nor_nick() {
    let start = Start::minimal("jicofo.xmpp.client.username = bob");
    assert_eq!(start.config().xmpp.client.account.resource, "focus");
    assert!(start.warned().contains("jicofo.xmpp.client.username: clients know the focus by the nick"));
}

/// Covers spec/70: 6.
#[test]
fn defaults_do_not_follow_each_other() {
    let config = Start::minimal("jicofo.sctp.enabled = false\njicofo.conference.max-ssrcs-per-user = 50").config();
    assert!(!config.sctp.enabled && config.octo.sctp_datachannels);
    assert_eq!(config.conference.max_ssrc_groups_per_user, 20);
    let said = Start::minimal("jicofo.conference.max-ssrcs-per-user = 50").warned();
    assert!(said.contains("max-ssrc-groups-per-user, which does not follow it"), "{said}");
}

/// Covers spec/70: 7.
#[test]
fn a_system_property_replaces_the_default_and_loses_to_the_file() {
    let start = |text| Start::minimal(text).system("jicofo.jibri.num-retries", "9");
    assert_eq!(start("").config().recording.num_retries, 9);
    assert_eq!(start("jicofo.jibri.num-retries = 2").config().recording.num_retries, 2);
}

/// Covers spec/70: 8.
#[test]
fn a_legacy_value_beats_the_file() {
    let start = Start::minimal("").legacy("org.jitsi.jicofo.BRIDGE_MUC=a@b\n");
    assert_eq!(start.config().bridge.brewery_jid.map(|jid| jid.to_string()).as_deref(), Some("a@b"));
    let by_system = Start::minimal("").system("org.jitsi.jicofo.BRIDGE_MUC", "c@d");
    assert_eq!(by_system.config().bridge.brewery_jid.map(|jid| jid.to_string()).as_deref(), Some("c@d"));
    let both =
        Start::minimal("").legacy("org.jitsi.jicofo.BRIDGE_MUC=a@b").system("org.jitsi.jicofo.BRIDGE_MUC", "c@d");
    assert_eq!(both.config().bridge.brewery_jid.map(|jid| jid.to_string()).as_deref(), Some("a@b"));
}

/// It may be what says that people have to log in; and Java reads it as ISO 8859-1.
#[test]
fn a_legacy_file_that_is_there_is_read_or_refuses() {
    let mut start = Start::minimal("").legacy("");
    let file = start.folder().join("jicofo/sip-communicator.properties");
    fs::write(&file, b"org.jitsi.jicofo.FOCUS_USER_PASSWORD=caf\xe9\n").expect("it can be written");
    let start = Start::new().arguments("--domain=m.x --host=h").system_of(start);
    assert_eq!(
        start.config().xmpp.client.account.password.as_ref().map(|it| it.expose().to_owned()).as_deref(),
        Some("café")
    );
    fs::remove_file(&file).and_then(|()| fs::create_dir(&file)).expect("it can be replaced");
    assert!(start.refused().contains("sip-communicator.properties: cannot be read"));
}

/// Words in the wrong place may be the values of what stands before them.
#[test]
fn what_means_nothing_is_not_repeated_where_it_may_be_a_secret() {
    for words in ["--secret sesame", "secret sesame", "--sesame-opens", "-D"] {
        let said = crate::cli::parse(words.split(' ').map(str::to_owned), BTreeMap::new()).warnings.join("\n");
        assert_eq!(said.contains("sesame"), words.starts_with("--sesame"), "{said}");
    }
    for text in ["password sesame", "password = ab,sesame", "password \"sesame\""] {
        let said = Start::new().file(&format!("jicofo.xmpp.client {{\n{text}\n}}")).refused();
        assert!(!said.contains("sesame"), "{said}");
    }
}

/// Covers spec/70: 9.
#[test]
fn legacy_bools_are_true_only_by_true_and_what_cannot_be_read_falls_through() {
    let start = Start::minimal("jicofo.xmpp.client.port = 5333")
        .legacy("org.jitsi.jicofo.ENABLE_H264=yes\norg.jitsi.jicofo.XMPP_PORT=abc\n");
    let config = start.config();
    assert!(!config.codec.video.h264.enabled);
    assert_eq!(config.xmpp.client.account.port, 5333);
    let said = start.warned();
    assert!(
        said.contains("sip-communicator.properties:2:28: org.jitsi.jicofo.XMPP_PORT: expected a whole number"),
        "{said}"
    );
}

/// Covers spec/70: 10; spec/10: 43.
#[test]
fn the_legacy_authentication_url_sets_type_and_domain() {
    let start = |url: &str| {
        let legacy = format!("org.jitsi.jicofo.auth.URL={url}\n");
        Start::minimal("jicofo.authentication.enabled = false").legacy(&legacy)
    };
    for (url, kind) in [
        ("XMPP:meet.example.com", AuthenticationType::Xmpp),
        ("xmpp:meet.example.com", AuthenticationType::Xmpp),
        ("EXT_JWT:meet.example.com", AuthenticationType::Jwt),
    ] {
        let authentication = start(url).config().authentication;
        assert_eq!(
            (authentication.kind, authentication.login_url.as_deref()),
            (kind, Some("meet.example.com")),
            "{url}"
        );
    }
    let said = start("ldap:default").refused();
    assert!(said.contains("only XMPP:domain and EXT_JWT:domain exist"), "{said}");
    // Classic documents describe it. Whoever asks for it must not get an open server.
    let by_type = Start::minimal("jicofo.authentication { enabled = true, type = SHIBBOLETH }");
    // Also by the page of its login, which had no prefix.
    let pages = [
        "login/?machineUID=%1$s&room=%3$s&close=%4$s",
        "/Shibboleth.sso/Login",
        "https://meet.example.com/login/",
        "shibboleth",
    ];
    let pages = pages.map(start);
    for start in [start("shibboleth:default"), start("SHIBBOLETH:default"), by_type].into_iter().chain(pages) {
        let said = start.refused();
        assert!(said.contains("Shibboleth has been gone since 2023") && said.contains("type = JWT"), "{said}");
        assert_eq!(said.matches("Shibboleth has been gone").count(), 1, "once: {said}");
    }
    // In its new key, and what it had besides.
    for value in ["shibboleth:default", "/Shibboleth.sso/Login", "login/?machineUID=%1$s&room=%3$s&close=%4$s"] {
        let said = Start::minimal(&format!(
            "jicofo.authentication {{ enabled = true, type = XMPP, login-url = \"{value}\" }}"
        ))
        .refused();
        assert!(said.contains("Shibboleth has been gone since 2023"), "{value}: {said}");
        assert!(!said.contains("without a port") && !said.contains("before the /"), "{value}: {said}");
    }
    let logout = "org.jitsi.jicofo.auth.LOGOUT_URL=../Shibboleth.sso/Logout";
    let key = Start::minimal("jicofo.authentication.logout-url = \"shibboleth:default\"");
    let in_hocon = Start::minimal("org.jitsi.jicofo.auth.LOGOUT_URL = \"../Shibboleth.sso/Logout\"");
    for start in [key, Start::minimal("").legacy(logout), in_hocon] {
        let said = told(&start.load());
        assert!(said.contains("belonged to Shibboleth") && !said.contains("did you mean"), "{said}");
    }
    let more = "org.jitsi.jicofo.auth.URL=XMPP:meet.example.com\norg.jitsi.jicofo.auth.AUTH_LIFETIME=60000\n\
                org.jitsi.jicofo.auth.DISABLE_AUTOLOGIN=TRUE\n";
    let authentication = Start::minimal("").legacy(more).config().authentication;
    assert_eq!(authentication.authentication_lifetime, seconds(60));
    assert!(!authentication.enable_auto_login);
    let in_hocon = Start::minimal("org.jitsi.jicofo.auth.URL = \"XMPP:meet.example.com\"").config();
    assert_eq!(in_hocon.authentication.kind, AuthenticationType::Xmpp);
}

/// Covers spec/10: 44.
#[test]
fn legacy_times_have_their_own_units_and_switches_are_inverted() {
    let start = Start::minimal("").legacy(
        "org.jitsi.jicofo.auth.AUTH_LIFETIME=60000\norg.jitsi.jicofo.auth.DISABLE_AUTOLOGIN=TRUE\n\
         org.jitsi.jicofo.HEALTH_CHECK_INTERVAL=-1\norg.jitsi.jicofo.jibri.PENDING_TIMEOUT=91\n\
         org.jitsi.jicofo.DISABLE_AUTO_OWNER=true\norg.jitsi.jicofo.PING_INTERVAL=5\n",
    );
    let config = start.config();
    assert_eq!(config.authentication.authentication_lifetime, seconds(60));
    assert!(!config.authentication.enable_auto_login && !config.bridge.health_checks.enabled);
    assert!(!config.conference.enable_auto_owner);
    assert_eq!(config.recording.pending_timeout, seconds(91));
    assert_eq!(config.bridge.health_checks.interval, seconds(10));
    assert!(start.warned().contains("org.jitsi.jicofo.PING_INTERVAL: has no effect any more"), "{}", start.warned());
}

/// It switches the checks of bridges; 0 is how images switch them off, and no mistake.
#[test]
fn a_legacy_interval_of_0_switches_checks_off_and_is_no_mistake() {
    for (value, enabled, interval, told) in [
        ("0", false, 7, 0),
        ("-1", false, 7, 0),
        ("5000", true, 5, 0),
        ("", true, 7, 0),
        ("never", true, 7, 1),
        ("99999999999999999", true, 7, 1),
    ] {
        let start = Start::minimal("jicofo.bridge.health-checks.interval = 7s");
        let start = start.legacy(&format!("org.jitsi.jicofo.HEALTH_CHECK_INTERVAL={value}"));
        let checks = start.config().bridge.health_checks;
        assert_eq!((checks.enabled, checks.interval), (enabled, seconds(interval)), "{value}");
        let said = start.warned();
        let wrong = said.lines().filter(|line| line.contains("passed over")).count();
        assert_eq!(wrong, told, "{value}: {said}");
    }
}

/// Covers spec/10: 44.
#[test]
fn the_environment_decides_where_the_legacy_file_is() {
    let legacy = Start::new().legacy("org.jitsi.jicofo.BRIDGE_MUC=a@b");
    let place = legacy.folder.as_ref().expect("the legacy file was written").display().to_string();
    let name = "net.java.sip.communicator.SC_HOME_DIR_";
    let text = "org.jitsi.jicofo.HEALTH_CHECK_INTERVAL=-1\norg.jitsi.jicofo.jibri.PENDING_TIMEOUT=90\n";
    let by_system = Start::minimal("").legacy(text).config();
    assert!(!by_system.bridge.health_checks.enabled);
    assert_eq!(by_system.recording.pending_timeout, seconds(90));
    let start = Start::minimal("")
        .system(&format!("{name}LOCATION"), "/nowhere")
        .env(&format!("{name}LOCATION"), &place)
        .system(&format!("{name}NAME"), "jicofo");
    assert_eq!(start.config().bridge.brewery_jid.map(|jid| jid.to_string()).as_deref(), Some("a@b"));
}

/// Covers spec/70: 11.
#[test]
fn durations_have_units_and_bare_numbers_are_milliseconds() {
    for text in ["15000", "\"15000\"", "15s", "\"15 seconds\"", "0.25 m", "15 s"] {
        let config = Start::minimal(&format!("jicofo.xmpp.client.reply-timeout = {text}")).config();
        assert_eq!(config.xmpp.client.account.reply_timeout, seconds(15), "{text}");
    }
    let said = Start::minimal("jicofo.xmpp.client.reply-timeout = 2 w").refused();
    assert!(
        said.contains("jicofo.conf:3:36: jicofo.xmpp.client.reply-timeout: expected a duration with one of the units")
    );
}

/// Covers spec/70: 12, 13, 14.
#[test]
fn bools_numbers_and_names_are_checked() {
    assert!(Start::minimal("jicofo.rest.enabled = True").config().rest.enabled);
    assert!(Start::minimal("jicofo.rest.enabled = on").config().rest.enabled);
    let said = Start::minimal("jicofo.rest.enabled = 1").refused();
    assert!(said.contains("jicofo.conf:3:23: jicofo.rest.enabled: expected true or false, found \"1\""), "{said}");
    assert_eq!(Start::minimal("jicofo.bridge.stress-threshold = \"70%\"").config().bridge.stress_threshold, 0.7);
    assert!(
        Start::minimal("jicofo.bridge.stress-threshold = 0,7")
            .refused()
            .contains("jicofo.conf:3:36: this key has no value")
    );
    let said = Start::minimal("jicofo.bridge.xmpp-connection-name = client").refused();
    assert!(said.contains("write one of Client, Service"), "{said}");
    assert_eq!(
        Start::minimal("jicofo.bridge.max-bridge-participants = 80.7").config().bridge.max_bridge_participants,
        80
    );
}

#[test]
fn what_the_reference_reads_late_is_a_warning_and_the_default() {
    let start = Start::minimal("jicofo.conference.min-participants = many\njicofo.jibri.brewery-jid = nonsense");
    let said = start.warned();
    assert_eq!(start.config().conference.min_participants, 2);
    assert!(!said.contains("error: ") && said.contains("the default 2 is used"), "{said}");
    assert!(said.contains("jicofo.jibri.brewery-jid: expected an address room@domain"), "{said}");
}

/// Column "Bad" of spec/70 §5: S refuses, and L where it leaves nothing that works; other L, U and D do not.
#[test]
fn a_wrong_value_refuses_where_the_reference_would_not_start_or_not_work() {
    for text in [
        "jicofo.xmpp.client.port = x",
        "jicofo.xmpp.client.use-tls = 2",
        "jicofo.xmpp.client.domain = \"a@b\"",
        "jicofo.xmpp.client.reply-timeout = 2 w",
        "jicofo.xmpp.service.enabled = 1",
        "jicofo.xmpp.service { enabled = true, domain = s.x, password = p, port = x }",
        "jicofo.xmpp.visitors.v0 { hostname = h, conference-service = c.x, port = x }",
        "jicofo.xmpp.use-jitsi-jid-validation = 2",
        "jicofo.authentication.enabled = 1",
        "jicofo.authentication { enabled = true, type = SHIBBOLETH, login-url = x }",
        "jicofo.authentication { enabled = true, type = XMPP }",
        "jicofo.bridge.selection-strategy = com.example.Mine",
        "jicofo.bridge.health-checks.interval = 2 w",
        "jicofo.bridge.load-redistribution { enabled = true, endpoints = x }",
        "jicofo.health.enabled = 1",
        "jicofo.rest.port = null",
        "jicofo.jibri { brewery-jid = \"a@b\", xmpp-connection-name = Neither }",
        "tracing { enabled = true, otlp-protocol = grpc }",
        "jicofo.metrics.update-interval = 0",
    ] {
        assert!(Start::minimal(text).refused().contains("error: "), "{text}");
    }
    for text in [
        "jicofo.xmpp.client.enabled = 1",
        "jicofo.xmpp.client.client-proxy = \"a@b\"",
        "jicofo.xmpp.client.xmpp-domain = \"a@b\"",
        "jicofo.xmpp.client.conference-muc-jid = \"a@b\"",
        "jicofo.xmpp.service { port = x, xmpp-domain = \"a@b\" }",
        "jicofo.xmpp.trusted-domains = [ \"a@b\" ]",
        "jicofo.xmpp.visitors.v0 { hostname = h, conference-service = c.x, reply-timeout = x, use-tls = 1 }",
        "jicofo.authentication { type = SHIBBOLETH, authentication-lifetime = 2 w }",
        "jicofo.bridge.brewery-jid = nonsense",
        "jicofo.bridge.load-redistribution.endpoints = x",
        "jicofo.bridge.stress-threshold = high",
        "jicofo.codec.video.vp8.pt = x",
        "jicofo.conference.source-signaling-delays { 50 = x }",
        "jicofo.octo.enabled = 1",
        "jicofo.jibri.xmpp-connection-name = Neither",
        "jicofo.visitors.max-participants = x",
        "jicofo.translation.mode = loud",
        "tracing.enabled = 1",
    ] {
        let said = Start::minimal(text).warned();
        assert!(said.contains("warning: ") && said.contains("; until then "), "{text}: {said}");
    }
}

/// The reference knows the one word `true` there, and takes every other one for false.
#[test]
fn a_visitor_node_that_is_switched_off_with_another_word_stays_off() {
    let node = "hostname = h, conference-service = conference.v.x, xmpp-domain = v.x, password = p";
    for word in ["0", "never", "false", "off"] {
        let config = Start::minimal(&format!("jicofo.xmpp.visitors.v0 {{ {node}, enabled = {word} }}")).config();
        assert!(config.xmpp.visitors.is_empty(), "{word}");
    }
}

/// Covers spec/70: 15, 16.
#[test]
fn visitor_nodes_have_normal_bools_and_required_keys() {
    let node = "enabled = yes, hostname = h, conference-service = conference.v.x, xmpp-domain = v.x, password = p";
    let config = Start::minimal(&format!("jicofo.xmpp.visitors.v0 {{ {node}, port = \"52220\" }}")).config();
    assert_eq!(config.xmpp.visitors["v0"].account.port, 52220);
    assert_eq!(config.xmpp.visitors["v0"].account.domain, "h");
    let said = Start::minimal("jicofo.xmpp.visitors.v0 { hostname = h }").refused();
    assert!(said.contains("jicofo.xmpp.visitors.v0.conference-service: is required"), "{said}");
}

/// Covers spec/70: 23.
#[test]
fn the_visitor_strategy_needs_two_others() {
    let said = Start::minimal("jicofo.bridge.selection-strategy = VisitorSelectionStrategy").refused();
    assert!(said.contains("bridge.participant-selection-strategy: is required"), "{said}");
    assert!(said.contains("bridge.visitor-selection-strategy: is required"), "{said}");
    let said = Start::minimal("jicofo.bridge.selection-strategy = com.example.MyStrategy").refused();
    assert!(said.contains("write one of SingleBridgeSelectionStrategy"), "{said}");
    let own =
        "selection-strategy = VisitorSelectionStrategy, participant-selection-strategy = SplitBridgeSelectionStrategy";
    let said = Start::minimal(&format!(
        "jicofo.bridge {{ {own}, visitor-selection-strategy = org.jitsi.jicofo.bridge.VisitorSelectionStrategy }}"
    ))
    .refused();
    assert!(said.contains("visitor-selection-strategy: can't be VisitorSelectionStrategy itself"), "{said}");
}

/// Covers spec/10: 45.
#[test]
fn flags_alone_start() {
    let start = Start::new()
        .arguments("-domain=meet.example.com --port=abc --secret=x --user_domain=auth.meet.example.com extra");
    let config = start.config();
    let component = config.component.as_ref().expect("a secret was given");
    assert_eq!((component.hostname.as_str(), component.port), ("meet.example.com", 5347));
    assert_eq!((component.domain.as_str(), component.secret.expose()), ("focus.meet.example.com", "x"));
    let account = &config.xmpp.client.account;
    assert_eq!(
        (account.hostname.as_str(), account.port, account.username.as_str()),
        ("meet.example.com", 5222, "focus")
    );
    assert_eq!(account.domain, "auth.meet.example.com");
    assert!(account.password.is_none());
    let brewery = config.bridge.brewery_jid.as_ref().map(ToString::to_string);
    assert_eq!(brewery.as_deref(), Some("jvbbrewery@internal.auth.meet.example.com"));
    let warned = start.warned();
    assert!(warned.contains("no bridge brewery is configured; jvbbrewery@"), "{warned}");
    assert!(warned.contains("\"abc\""), "{warned}");
}

#[test]
fn the_arguments_of_old_packages_give_their_identities() {
    let start = Start::new().arguments("--host=localhost --domain=meet.example.com --port=5347 --user_name=focus");
    let config = start.env("JICOFO_SECRET", "s3cr3t").env("JICOFO_AUTH_PASSWORD", "pw").config();
    let component = config.component.as_ref().expect("a secret was given");
    assert_eq!((component.hostname.as_str(), component.port), ("localhost", 5347));
    assert_eq!(component.domain, "focus.meet.example.com");
    let account = &config.xmpp.client.account;
    assert_eq!((account.hostname.as_str(), account.domain.as_str()), ("localhost", "auth.meet.example.com"));
    assert_eq!(account.password.as_ref().map(Secret::expose), Some("pw"));
}

/// Covers spec/10: 46.
#[test]
fn a_flag_wins_over_the_environment_unless_it_is_blank() {
    let start = Start::new().arguments("--domain=m.x --secret=b --user_password=");
    let config = start.env("JICOFO_SECRET", "a").env("JICOFO_AUTH_PASSWORD", "p").config();
    assert_eq!(config.component.as_ref().map(|component| component.secret.expose()), Some("b"));
    assert_eq!(config.xmpp.client.account.password.as_ref().map(Secret::expose), Some("p"));
}

#[test]
fn flags_win_over_files_and_files_over_what_flags_imply() {
    let start = Start::minimal("jicofo.xmpp.client.hostname = h.x").arguments("--domain=d.x --user_name=f");
    let config = start.config();
    assert_eq!(config.xmpp.client.xmpp_domain.as_deref(), Some("d.x"));
    assert_eq!(config.xmpp.client.account.hostname, "h.x");
    assert_eq!(config.xmpp.client.account.domain, "auth.m.x");
}

/// docker always sets the variable; its custom file must still be able to say otherwise.
#[test]
fn in_a_modern_start_the_file_wins_over_the_environment() {
    let start = Start::minimal("").env("JICOFO_AUTH_PASSWORD", "other");
    assert_eq!(start.config().xmpp.client.account.password.as_ref().map(Secret::expose), Some("pw"));
    let start = Start::new().file("jicofo.xmpp.client.domain = a.x").env("JICOFO_AUTH_PASSWORD", "only");
    assert_eq!(start.config().xmpp.client.account.password.as_ref().map(Secret::expose), Some("only"));
}

/// Covers spec/10: 47.
#[test]
fn unknown_arguments_do_not_hinder_a_modern_start() {
    let start = Start::minimal("").arguments("--foo");
    assert!(!start.sources.is_classic());
    start.config();
}
