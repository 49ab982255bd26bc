//! Whole configurations: the three files of spec/70 §8, the cases of its §11, and those of spec/10 §12.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;

/// One start: what a person has, and what comes of it.
#[derive(Default)]
struct Start {
    sources: Sources,
    folder: Option<PathBuf>,
}

impl Start {
    fn new() -> Start {
        Start::default()
    }

    /// What a modern start needs, and `text`.
    fn minimal(text: &str) -> Start {
        let required = "jicofo.xmpp.client { domain = auth.m.x, password = pw, xmpp-domain = m.x }\n\
                        jicofo.bridge.brewery-jid = \"jvb@i.m.x\"\n";
        Start::new().file(&format!("{required}{text}\n"))
    }

    fn folder(&mut self) -> PathBuf {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = &NUMBER;
        let new = || {
            let name = format!("jicofo-config-{}-{}", std::process::id(), number.fetch_add(1, Ordering::Relaxed));
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(folder.join("jicofo")).expect("the temporary folder can be written");
            folder
        };
        self.folder.get_or_insert_with(new).clone()
    }

    fn file(mut self, text: &str) -> Start {
        self.sources.config_file = Some(self.folder().join("jicofo.conf"));
        self.beside("jicofo.conf", text)
    }

    fn beside(mut self, name: &str, text: &str) -> Start {
        fs::write(self.folder().join(name), text).expect("the temporary folder can be written");
        self
    }

    fn legacy(mut self, text: &str) -> Start {
        let folder = self.folder();
        fs::write(folder.join("jicofo/sip-communicator.properties"), text)
            .expect("the temporary folder can be written");
        let place = folder.display().to_string();
        let name = "net.java.sip.communicator.SC_HOME_DIR_";
        self.system(&format!("{name}LOCATION"), &place).system(&format!("{name}NAME"), "jicofo")
    }

    fn system(mut self, name: &str, value: &str) -> Start {
        self.sources.system.properties.push((name.to_owned(), value.to_owned()));
        self
    }

    fn env(mut self, name: &str, value: &str) -> Start {
        self.sources.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn arguments(mut self, words: &str) -> Start {
        let invocation = crate::cli::parse(words.split_whitespace().map(str::to_owned), BTreeMap::new());
        self.sources.flags = invocation.sources.flags;
        self
    }

    fn load(&self) -> Loaded {
        load(&self.sources)
    }

    /// The configuration of a start that works, whatever it is warned about.
    #[track_caller]
    fn config(&self) -> Config {
        let loaded = self.load();
        assert!(!loaded.refuses(), "{}", told(&loaded));
        loaded.config
    }

    /// A start that is refused, and what is said.
    #[track_caller]
    fn refused(&self) -> String {
        let loaded = self.load();
        assert!(loaded.refuses(), "it starts: {}", told(&loaded));
        told(&loaded)
    }

    /// A start that works, and what is said.
    #[track_caller]
    fn warned(&self) -> String {
        let loaded = self.load();
        assert!(!loaded.refuses(), "{}", told(&loaded));
        told(&loaded)
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn told(loaded: &Loaded) -> String {
    loaded.problems.iter().map(|problem| format!("{}: {problem}\n", problem.severity.word())).collect()
}

/// A file of tests/data/config.
fn sample(name: &str) -> Start {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(name);
    let mut start = Start::new();
    start.sources.config_file = Some(file);
    start
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

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

#[test]
fn the_custom_file_of_docker_overrides() {
    let text = include_str!("../../tests/data/config/docker.conf");
    let start = Start::new().file(text).beside("custom-jicofo.conf", "jicofo { xmpp.client.hostname = other }");
    assert_eq!(start.config().xmpp.client.account.hostname, "other");
}

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
        config.conference.source_signaling_delays,
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

#[test]
fn another_username_changes_neither_resource_nor_nick() {
    let start = Start::minimal("jicofo.xmpp.client.username = bob");
    assert_eq!(start.config().xmpp.client.account.resource, "focus");
    assert!(start.warned().contains("jicofo.xmpp.client.username: clients know the focus by the nick"));
}

#[test]
fn defaults_do_not_follow_each_other() {
    let config = Start::minimal("jicofo.sctp.enabled = false\njicofo.conference.max-ssrcs-per-user = 50").config();
    assert!(!config.sctp.enabled && config.octo.sctp_datachannels);
    assert_eq!(config.conference.max_ssrc_groups_per_user, 20);
    let said = Start::minimal("jicofo.conference.max-ssrcs-per-user = 50").warned();
    assert!(said.contains("max-ssrc-groups-per-user, which does not follow it"), "{said}");
}

#[test]
fn a_system_property_replaces_the_default_and_loses_to_the_file() {
    let start = |text| Start::minimal(text).system("jicofo.jibri.num-retries", "9");
    assert_eq!(start("").config().recording.num_retries, 9);
    assert_eq!(start("jicofo.jibri.num-retries = 2").config().recording.num_retries, 2);
}

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

#[test]
fn legacy_bools_are_true_only_by_true_and_what_cannot_be_read_falls_through() {
    let start = Start::minimal("jicofo.xmpp.client.port = 5333")
        .legacy("org.jitsi.jicofo.ENABLE_H264=yes\norg.jitsi.jicofo.XMPP_PORT=abc\n");
    let config = start.config();
    assert!(!config.codec.video.h264.enabled);
    assert_eq!(config.xmpp.client.account.port, 5333);
    let said = start.warned();
    assert!(
        said.contains("sip-communicator.properties:2: org.jitsi.jicofo.XMPP_PORT: expected a whole number"),
        "{said}"
    );
}

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
    let said = start("shibboleth:default").refused();
    assert!(said.contains("only XMPP:domain and EXT_JWT:domain exist"), "{said}");
    let in_hocon = Start::minimal("org.jitsi.jicofo.auth.URL = \"XMPP:meet.example.com\"").config();
    assert_eq!(in_hocon.authentication.kind, AuthenticationType::Xmpp);
}

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

#[test]
fn the_environment_decides_where_the_legacy_file_is() {
    let legacy = Start::new().legacy("org.jitsi.jicofo.BRIDGE_MUC=a@b");
    let place = legacy.folder.as_ref().expect("the legacy file was written").display().to_string();
    let name = "net.java.sip.communicator.SC_HOME_DIR_";
    let start = Start::minimal("")
        .system(&format!("{name}LOCATION"), "/nowhere")
        .env(&format!("{name}LOCATION"), &place)
        .system(&format!("{name}NAME"), "jicofo");
    assert_eq!(start.config().bridge.brewery_jid.map(|jid| jid.to_string()).as_deref(), Some("a@b"));
}

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
            .contains("jicofo.conf:3:36: 7: this has no value")
    );
    let said = Start::minimal("jicofo.bridge.xmpp-connection-name = client").refused();
    assert!(said.contains("write one of Client, Service"), "{said}");
    assert_eq!(
        Start::minimal("jicofo.bridge.max-bridge-participants = 80.7").config().bridge.max_bridge_participants,
        80
    );
}

#[test]
fn what_the_reference_reads_late_is_an_error_and_the_default() {
    let start = Start::minimal("jicofo.conference.min-participants = many\njicofo.jibri.brewery-jid = nonsense");
    let said = start.warned();
    assert_eq!(start.config().conference.min_participants, 2);
    assert!(said.contains("error: ") && said.contains("the default 2 is used"), "{said}");
    assert!(said.contains("jicofo.jibri.brewery-jid: expected an address room@domain"), "{said}");
}

#[test]
fn visitor_nodes_have_normal_bools_and_required_keys() {
    let node = "enabled = yes, hostname = h, conference-service = conference.v.x, xmpp-domain = v.x, password = p";
    let config = Start::minimal(&format!("jicofo.xmpp.visitors.v0 {{ {node}, port = \"52220\" }}")).config();
    assert_eq!(config.xmpp.visitors["v0"].account.port, 52220);
    assert_eq!(config.xmpp.visitors["v0"].account.domain, "h");
    let said = Start::minimal("jicofo.xmpp.visitors.v0 { hostname = h }").refused();
    assert!(said.contains("jicofo.xmpp.visitors.v0.conference-service: is required"), "{said}");
}

#[test]
fn the_visitor_strategy_needs_two_others() {
    let said = Start::minimal("jicofo.bridge.selection-strategy = VisitorSelectionStrategy").refused();
    assert!(said.contains("bridge.participant-selection-strategy: is required"), "{said}");
    assert!(said.contains("bridge.visitor-selection-strategy: is required"), "{said}");
    let said = Start::minimal("jicofo.bridge.selection-strategy = com.example.MyStrategy").refused();
    assert!(said.contains("write one of SingleBridgeSelectionStrategy"), "{said}");
}

#[test]
fn regions_are_in_groups() {
    let config = Start::minimal("jicofo.bridge.region-groups = [[a,b],[c]]").config();
    let groups = &config.bridge.region_groups;
    assert_eq!(groups.around("a"), ["a", "b"]);
    assert_eq!(groups.around("c"), ["c"]);
    assert_eq!(groups.around("z"), ["z"]);
}

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

#[test]
fn no_password_refuses() {
    let said = Start::new().file("jicofo.xmpp.client.domain = auth.x").refused();
    assert!(said.contains("fatal: jicofo.xmpp.client.password: is required"), "{said}");
}

#[test]
fn all_problems_are_told_at_once() {
    let said =
        Start::new().file("jicofo.xmpp.client.port = x\njicofo.rest.port = y\njicofo.octo.enabled = z").refused();
    for key in ["xmpp.client.port", "rest.port", "octo.enabled", "xmpp.client.domain", "xmpp.client.password"] {
        assert!(said.contains(&format!("jicofo.{key}: ")), "{key}: {said}");
    }
}

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
    let said = Start::minimal(&format!("{} = {}", key.path, key.default.unwrap_or_default())).load();
    assert!(!told(&said).contains("not effective yet"));
}

/// spec/10 §12, case 45.
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
    assert!(start.warned().contains("no bridge brewery is configured; jvbbrewery@"));
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

/// spec/10 §12, case 46.
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

/// spec/10 §12, case 47.
#[test]
fn unknown_arguments_do_not_hinder_a_modern_start() {
    let start = Start::minimal("").arguments("--foo");
    assert!(!start.sources.is_classic());
    start.config();
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

/// Whatever a broken file holds: no panic, and an answer. A fixed seed, so that a failure comes again.
#[test]
fn no_mutation_of_a_whole_file_panics() {
    let text = include_bytes!("../../tests/data/config/large.conf");
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut start = Start::new();
    let file = start.folder().join("jicofo.conf");
    start.sources.config_file = Some(file.clone());
    for _ in 0..rounds {
        let mut bytes = text.to_vec();
        for _ in 0..=random(6) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = b"\"{}[]$=:,\\\n#+?\0\xff"[random(16)],
                2 => {
                    bytes.remove(at);
                }
                _ => {
                    let end = (at + random(80)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = random(bytes.len());
                    bytes.splice(to..to, part);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        fs::write(&file, &bytes).expect("the temporary folder can be written");
        let loaded = start.load();
        let _ = (report::effective(&loaded), report::json(&loaded), report::summary(&loaded));
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
        assert!(key.secret || !named_secret, "{}", key.path);
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
