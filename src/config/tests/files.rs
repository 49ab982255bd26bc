//! Files: the three of spec/70 §8, what is wrong with others, and what is told about it.

use super::*;

/// Covers spec/70: 1.
#[test]
fn the_debian_file_means_what_it_means_to_the_reference() {
    let config = sample("debian.conf").config();
    let client = &config.xmpp.client;
    assert_eq!((client.account.hostname.as_str(), client.account.port), ("localhost", 5222));
    assert_eq!(client.account.domain, "auth.meet.example.com");
    assert_eq!((client.account.username.as_str(), client.account.resource.as_str()), ("focus", "focus"));
    assert_eq!(client.account.password.as_ref().map(Secret::expose), Some("aB3dE5gH7jK9mN1p"));
    assert!(client.account.use_tls && !client.account.disable_certificate_verification);
    assert_eq!(client.xmpp_domain.as_deref(), Some("meet.example.com"));
    assert_eq!(client.conference_muc_jid.as_deref(), Some("conference.meet.example.com"));
    assert_eq!(client.client_proxy.as_ref().map(ToString::to_string).as_deref(), Some("focus.meet.example.com"));
    let brewery = config.bridge.brewery_jid.as_ref().map(ToString::to_string);
    assert_eq!(brewery.as_deref(), Some("jvbbrewery@internal.auth.meet.example.com"));
    assert!(!config.health.enabled && config.rest.enabled);
    assert_eq!((config.rest.host.as_str(), config.rest.port), ("127.0.0.1", 8888));
    assert_eq!(config.xmpp.trusted_domains, ["recorder.meet.example.com"]);
    assert!(config.component.is_none() && config.xmpp.service.is_none());
    assert_eq!(sample("debian.conf").warned(), "");
}

/// Covers spec/70: 2.
#[test]
fn the_docker_file_loads_without_the_custom_file() {
    let start = sample("docker.conf");
    let config = start.config();
    assert_eq!(config.xmpp.client.account.port, 5222);
    assert_eq!(config.xmpp.client.conference_muc_jid.as_deref(), Some("muc.meet.jitsi"));
    assert!(config.xmpp.client.account.disable_certificate_verification);
    assert!(!config.codec.rtp_extensions.mid.enabled && config.codec.rtp_extensions.audio_level.enabled);
    assert_eq!((config.conference.max_ssrcs_per_user, config.conference.max_ssrc_groups_per_user), (20, 20));
    assert!(config.xmpp.trusted_domains.is_empty());
    let missing: Vec<_> = start.load().files.into_iter().filter(|file| !file.found).collect();
    assert!(missing.len() == 1 && missing[0].path.ends_with("custom-jicofo.conf"), "{missing:?}");
}

/// Covers spec/70: 3.
#[test]
fn the_custom_file_of_docker_overrides() {
    let text = include_str!("../../../tests/data/config/docker.conf");
    let start = Start::new().file(text).beside("custom-jicofo.conf", "jicofo { xmpp.client.hostname = other }");
    assert_eq!(start.config().xmpp.client.account.hostname, "other");
}

/// Covers spec/70: 4.
#[test]
fn the_large_file_means_what_it_means_to_the_reference() {
    let config = sample("large.conf").env("JITSI_REGION", "us-west").config();
    assert_eq!(config.local_region.as_deref(), Some("us-west"));
    let service = config.xmpp.service.as_ref().expect("the service connection is enabled");
    let client = &config.xmpp.client.account;
    assert_eq!((client.resource.as_str(), service.resource.as_str()), ("use1-s07", "use1-s07"));
    assert_eq!((client.username.as_str(), service.username.as_str()), ("focus", "focus"));
    assert_eq!((client.hostname.as_str(), client.port), ("10.8.0.4", 5222));
    assert_eq!((service.hostname.as_str(), service.port), ("10.8.0.5", 6222));
    assert_eq!((client.domain.as_str(), service.domain.as_str()), ("auth.example.net", "auth.jvb.example.net"));
    assert_eq!(client.password.as_ref().map(Secret::expose), Some("s3cr#t/with=odd,chars"));
    assert_eq!(service.password, client.password);
    assert_eq!((client.reply_timeout, service.reply_timeout), (seconds(15), seconds(15)));
    assert_eq!(config.bridge.stress_threshold, 0.7);
    assert_eq!(config.bridge.selection_strategy, SelectionStrategy::Visitor);
    assert_eq!(config.bridge.visitor_selection_strategy, Some(SelectionStrategy::RegionBased));
    assert_eq!(config.bridge.topology_strategy, TopologyStrategy::Visitor);
    assert_eq!(config.bridge.region_groups.groups().len(), 3);
    assert!(config.bridge.load_redistribution.enabled && config.bridge.health_checks.use_presence);
    let av1 = &config.codec.video.av1;
    assert_eq!((av1.enabled, av1.pt, av1.rtx_pt), (true, 41, -1));
    assert!(!config.codec.video.h264.enabled && config.codec.audio.opus.red.enabled);
    assert_eq!(config.authentication.kind, AuthenticationType::Jwt);
    assert_eq!(config.authentication.login_url.as_deref(), Some("example.net"));
    let limits = &config.conference.restart_request_rate_limits;
    assert_eq!((limits.max_requests, limits.interval, limits.min_interval), (3, seconds(120), seconds(5)));
    assert_eq!(
        config.conference.source_signaling_delays.0,
        BTreeMap::from([(50, Duration::from_millis(500)), (100, Duration::from_millis(1000)),])
    );
    assert_eq!((config.recording.num_retries, config.recording.pending_timeout), (-1, seconds(90)));
    assert_eq!(config.jigasi.xmpp_connection_name, ConnectionName::Client);
    let header = config.transcription.http_headers.get("Authorization").map(Secret::expose);
    assert_eq!(header, Some("Bearer abc123"));
    assert_eq!(config.xmpp.visitors.keys().collect::<Vec<_>>(), ["v1", "v2"]);
    let v2 = &config.xmpp.visitors["v2"];
    assert_eq!((v2.account.hostname.as_str(), v2.account.domain.as_str()), ("10.8.1.2", "auth.example.net"));
    assert_eq!(config.xmpp.trusted_domains, ["recorder.example.net", "transcriber.example.net"]);
    assert!(config.rest.enabled && !config.rest.pin);
    assert_eq!(sample("large.conf").config().local_region.as_deref(), Some("us-east"));
    // What the service section copies from the client's is no mistake.
    let said = sample("large.conf").warned();
    assert!(said.lines().all(|line| line.contains("not effective yet")), "{said}");
}

/// Covers spec/70: 17.
#[test]
fn delays_of_signaling_are_by_the_greatest_size_that_is_not_above() {
    let conference =
        Start::minimal("jicofo.conference.source-signaling-delays { 50 = 500, 100 = 1000 }").config().conference;
    let delays = [49, 50, 99, 100, 5000].map(|size| conference.source_signaling_delays.at(size).as_millis());
    assert_eq!(delays, [0, 500, 500, 1000, 1000]);
}

/// Covers spec/70: 21.
#[test]
fn a_missing_include_is_one_line_and_a_required_one_refuses() {
    assert!(Start::minimal("include required(\"nope.conf\")").refused().contains("nope.conf"));
    let start = Start::minimal("include \"nope.conf\"");
    assert_eq!(start.warned(), "");
    let summary = report::summary(&start.load());
    let missing: Vec<&String> = summary.iter().filter(|line| line.contains("nope.conf")).collect();
    assert!(missing.len() == 1 && missing[0].contains("is not there (at "), "{missing:?}");
}

/// Covers spec/70: 24.
#[test]
fn regions_are_in_groups() {
    let config = Start::minimal("jicofo.bridge.region-groups = [[a,b],[c]]").config();
    let groups = &config.bridge.region_groups;
    assert_eq!(groups.around("a"), ["a", "b"]);
    assert_eq!(groups.around("c"), ["c"]);
    assert_eq!(groups.around("z"), ["z"]);
}

/// Covers spec/70: 18, 19, 20.
#[test]
fn syntax_errors_refuse_with_their_place() {
    for (text, says) in [
        ("jicofo.bridge.brewery-jid = jvb@x", "jicofo.conf:3:32: jicofo.bridge.brewery-jid: found '@'"),
        ("jicofo.xmpp.client.password = \"a\\$b\"", "jicofo.conf:3:33: jicofo.xmpp.client.password: a backslash"),
        ("jicofo.x = ${NOPE}", "jicofo.conf:3:12: ${NOPE} is neither"),
        ("include required(\"nope.conf\")", "jicofo.conf:3:1: the required include"),
        ("jicofo.rest.port = null", "jicofo.conf:3:20: jicofo.rest.port: null hides the default"),
    ] {
        let said = Start::minimal(text).refused();
        assert!(said.contains(says), "{text}: {said}");
    }
    let config = Start::minimal("jicofo.xmpp.client.password = \"a#b$c\"").config();
    assert_eq!(config.xmpp.client.account.password.as_ref().map(Secret::expose), Some("a#b$c"));
    assert!(Start::minimal("jicofo.local-region = ${?NOPE}").config().local_region.is_none());
}

#[test]
fn a_missing_file_or_a_folder_refuses() {
    let mut start = Start::new();
    start.sources.config_file = Some("/nowhere/jicofo.conf".into());
    assert!(start.refused().contains("/nowhere/jicofo.conf: there is no such file"));
    start.sources.config_file = Some(std::env::temp_dir());
    assert!(start.refused().contains("it is a directory"));
    assert!(Start::new().refused().contains("there is no configuration"));
}

/// Covers spec/70: 25.
#[test]
fn no_password_refuses() {
    let said = Start::new().file("jicofo.xmpp.client.domain = auth.x").refused();
    assert!(said.contains("jicofo.conf:1:29: jicofo.xmpp.client.password: is required"), "{said}");
}

#[test]
fn all_problems_are_told_at_once() {
    let said =
        Start::new().file("jicofo.xmpp.client.port = x\njicofo.rest.port = y\njicofo.octo.enabled = z").refused();
    for key in ["xmpp.client.port", "rest.port", "octo.enabled", "xmpp.client.domain", "xmpp.client.password"] {
        assert!(said.contains(&format!("jicofo.{key}: ")), "{key}: {said}");
    }
}

/// Covers spec/70: 40.
#[test]
fn unknown_keys_are_warned_about_and_retired_ones_are_not() {
    let said = Start::minimal("jicofo.bridge.strees-threshold = 0.5\njicofo.octo.id = 1\njicofo.reservation { x = 1 }")
        .warned();
    assert!(
        said.contains(
            ":3:34: jicofo.bridge.strees-threshold: there is no such key; did you mean jicofo.bridge.stress-threshold?"
        ),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = Start::minimal("bridge { stress-threshold = 0.5 }").warned();
    assert!(said.contains("did you mean jicofo.bridge?"), "{said}");
}

#[test]
fn what_is_not_there_yet_is_told_if_it_is_set() {
    let waiting =
        schema::KEYS.iter().find(|key| !key.effective && key.kind == typed::Kind::Bool && !key.path.contains('*'));
    let Some(key) = waiting else { return };
    let other = if key.default == Some("true") { "false" } else { "true" };
    let said = told(&Start::minimal(&format!("{} = {other}", key.path)).load());
    assert!(said.contains("not effective yet") && said.contains(key.path), "{said}");
    // Whoever writes the default wants it, too.
    let said = Start::minimal(&format!("{} = {}", key.path, key.default.unwrap_or_default())).load();
    assert!(told(&said).contains("not effective yet"));
}

#[test]
fn secrets_are_in_no_output() {
    let text = "jicofo.xmpp.service { enabled = true, domain = s.x, password = geheim1 }\n\
                jicofo.transcription { url-template = \"wss://x/{{MEETING_ID}}\", http-headers { Authorization = geheim2, X-A = geheim3 } }\n\
                jicofo.xmpp.visitors.v0 { hostname = h, conference-service = c.v.x, xmpp-domain = v.x, password = geheim4 }\n\
                jicofo.translation.http-headers = geheim5";
    let start = Start::minimal(text).arguments("--secret=geheim6 --user_password=geheim7");
    let loaded = start.load();
    let summary = report::summary(&loaded).join("\n");
    let all =
        format!("{}{}{summary}{}{:?}", report::effective(&loaded), report::json(&loaded), told(&loaded), loaded.config);
    // The first is what the summary is for; the test must look at the right thing.
    assert!(all.contains("jicofo.xmpp.client.password = ******") && summary.contains("s.x"));
    assert!(!all.contains("geheim"), "{all}");
}

/// In whatever key a URL stands, and in whatever is said of it.
#[test]
fn secrets_within_urls_are_in_no_output() {
    let text = "jicofo.transcription.url-template = \"wss://user:GEHEIM@h.x/{{MEETING_ID}}?token=GEHEIM&room={{REGION}}\"\n\
                jicofo.translation.url-template = \"https://h.x/?GEHEIM#a=GEHEIM;GEHEIM\"\n\
                tracing.otlp-endpoint = \"http://GEHEIM@h.x:4317\"\njicofo.local-region = \"user:GEH/EIM?GEHEIM@h.x\"\n\
                include url(\"https://user:GEHEIM@h.x/c.conf\")\n";
    let loaded = Start::minimal(text).load();
    let all = format!("{}{}{}", report::effective(&loaded), report::json(&loaded), told(&loaded));
    for shown in [
        "jicofo.transcription.url-template = \"wss://******@h.x/{{MEETING_ID}}?token=******&room={{REGION}}\"",
        "jicofo.translation.url-template = \"https://h.x/?******#a=******;******\"",
        "tracing.otlp-endpoint = \"http://******@h.x:4317\"",
        "jicofo.local-region = \"******@h.x\"",
        "\"value\":\"http://******@h.x:4317\"",
        "\"https://******@h.x/c.conf\" is neither fetched",
    ] {
        assert!(all.contains(shown), "{shown}: {all}");
    }
    assert!(!all.contains("GEH"), "{all}");
    for (text, shown) in [
        ("jicofo.xmpp.client.hostname = \"u:GEHEIM@h\"", "\"******@h\" is no host"),
        ("jicofo.xmpp.client.hostname = \"xmpp://h/?password=GEHEIM\"", "\"xmpp://h/?password=******\" is no host"),
        ("jicofo.xmpp.client.domain = \"u:GEHEIM@h\"", "found \"******@h\""),
        ("jicofo.rest.port = \"http://u:GEHEIM@h:8888\"", "found \"http://******@h:8888\""),
    ] {
        let said = Start::minimal(text).refused();
        assert!(said.contains(shown) && !said.contains("GEH"), "{text}: {said}");
    }
    // What is no secret is worth seeing.
    let loaded = Start::minimal("jicofo.transcription.url-template = \"wss://h.x:1/a/{{MEETING_ID}}\"").load();
    assert_eq!(shown(&loaded, "jicofo.transcription.url-template"), "\"wss://h.x:1/a/{{MEETING_ID}}\"");
    assert_eq!(shown(&loaded, "jicofo.bridge.brewery-jid"), "\"jvb@i.m.x\"");
}

#[test]
fn every_value_tells_its_origin() {
    let start = Start::minimal("jicofo.octo.enabled = true").legacy("org.jitsi.jicofo.BRIDGE_MUC=a@b");
    let text = report::effective(&start.system("jicofo.rest.port", "9000").load());
    for (line, origin) in [
        ("jicofo.octo.enabled = true  # ", "jicofo.conf:3:23"),
        ("jicofo.bridge.brewery-jid = \"a@b\"  # ", "sip-communicator.properties:1"),
        ("jicofo.rest.port = 9000  # ", "-Djicofo.rest.port"),
        ("jicofo.sctp.enabled = true  # ", "default"),
        ("jicofo.xmpp.client.conference-muc-jid = \"conference.m.x\"  # ", "from xmpp.client.xmpp-domain"),
    ] {
        let found = text.lines().find(|l| l.starts_with(line)).unwrap_or_else(|| panic!("no {line} in {text}"));
        assert!(found.contains(origin), "{found}");
    }
}

#[test]
fn every_key_is_declared_well() {
    let mut paths: Vec<&str> = schema::KEYS.iter().map(|key| key.path).collect();
    for key in schema::KEYS {
        if let Some(node) = key.default_node() {
            key.kind.read(&node).unwrap_or_else(|wrong| panic!("the default of {}: {wrong}", key.path));
        }
        assert!(key.about.ends_with('.'), "{}", key.path);
        assert!(!schema::is_retired(key.path), "{}", key.path);
        let named_secret = schema::is_secret_name(key.path.rsplit('.').next().unwrap_or_default());
        assert!(key.secret || !named_secret || key.path.ends_with("-file"), "{}", key.path);
    }
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), schema::KEYS.len());
    for declaration in sources::FLAGS {
        assert!(declaration.keys.iter().all(|key| schema::key(key).is_some()), "{:?}", declaration.names);
    }
}

/// `UPDATE=1 cargo test -p jicofo configuration_page` writes the page anew.
#[test]
fn the_configuration_page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/CONFIGURATION.md");
    let page = docs::page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/CONFIGURATION.md is stale: UPDATE=1 cargo test -p jicofo configuration_page");
}
