//! Where a value comes from in the end, and what is told of a mistake but not of what follows from it.

use super::*;

/// What is written in the file is not what is wrong: the variable is.
#[test]
fn a_value_that_a_substitution_took_from_elsewhere_names_its_source() {
    let text = "own.port = ${?PORT}\n\
                jicofo.xmpp.client.port = ${own.port}\n\
                jicofo.rest.port = ${?REST}\n\
                jicofo.local-region = \"r-\"${REGION}-${REGION}${?shard}\n\
                jicofo.xmpp.trusted-domains = [ ${?DOMAIN}, fine.x ]";
    let start = Start::minimal(text)
        .env("PORT", "5223")
        .env("REST", "nope")
        .env("REGION", "eu")
        .env("DOMAIN", "a@b")
        .system("shard", "s1");
    let loaded = start.load();
    let said = told(&loaded);
    for says in [
        ":5:20: jicofo.rest.port: expected a whole number, found \"nope\"; write digits only (the value is that of environment REST)",
        "jicofo.conf:7:33: jicofo.xmpp.trusted-domains: expected a domain such as meet.example.com, found \"a@b\"",
        "(the value is that of environment DOMAIN)",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }
    let origin = |path: &str| loaded.settings.entries[path].origin.to_string();
    assert!(origin("jicofo.xmpp.client.port").ends_with("jicofo.conf:4:27, environment PORT"));
    assert!(origin("jicofo.local-region").ends_with("jicofo.conf:6:23, environment REGION, -Dshard"));
    assert_eq!(shown(&loaded, "jicofo.local-region"), "\"r-eu-eus1\"");
    assert!(report::effective(&loaded).contains("jicofo.conf:4:27, environment PORT\n"));
    let json = report::json(&loaded);
    let problem =
        json["problems"].as_array().and_then(|all| all.iter().find(|problem| problem["key"] == "jicofo.rest.port"));
    let problem = problem.expect("it is told");
    assert_eq!((&problem["via"], &problem["line"]), (&"environment REST".into(), &5.into()));
    // Who writes it himself is named by the file alone.
    let loaded = Start::minimal("jicofo.rest.port = 1\njicofo.rest.port = ${?NOWHERE}").load();
    assert!(loaded.settings.entries["jicofo.rest.port"].origin.to_string().ends_with("jicofo.conf:3:20"));
}

#[test]
fn what_follows_from_a_value_that_could_not_be_resolved_is_not_told() {
    let many: String = (0..400).map(|n| format!("jicofo.xmpp.trusted-domains += d{n}.x\n")).collect();
    for (text, says) in [
        (
            "jicofo.xmpp.client.password = ${NOPE}",
            "${NOPE} is neither a key of these files nor an environment variable",
        ),
        ("jicofo.xmpp.client.password-file = ${NOPE}\njicofo.xmpp.client.password = null", "${NOPE} is neither"),
        ("jicofo.xmpp.client.domain = auth.${NOPE}", "${NOPE} is neither"),
        ("jicofo.xmpp.client.xmpp-domain = ${NOPE}\njicofo.xmpp.component.secret = s", "${NOPE} is neither"),
        ("jicofo.bridge.brewery-jid = \"jvb@\"${NOPE}", "${NOPE} is neither"),
        ("jicofo.xmpp.client = ${NOPE}", "${NOPE} is neither"),
        ("jicofo.xmpp.client.hostname = ${NOPE}", "${NOPE} is neither"),
        ("jicofo.xmpp = ${NOPE}", "${NOPE} is neither"),
        ("jicofo.rest = ${NOPE}", "${NOPE} is neither"),
        ("jicofo.visitors.enabled = true\njicofo.xmpp.visitors = ${NOPE}", "${NOPE} is neither"),
        ("jicofo.visitors.enabled = true\njicofo.xmpp.visitors.v1 = ${NOPE}", "${NOPE} is neither"),
        ("jicofo.authentication { enabled = true, type = ${NOPE}, login-url = m.x }", "${NOPE} is neither"),
        ("jicofo.authentication { enabled = true, type = XMPP, login-url = ${NOPE} }", "${NOPE} is neither"),
        (
            "jicofo.octo.enabled = ${NOPE}\njicofo.bridge.selection-strategy = RegionBasedBridgeSelectionStrategy",
            "${NOPE} is neither",
        ),
        ("jicofo.xmpp.service { enabled = true, domain = s.x, password = ${NOPE} }", "${NOPE} is neither"),
        ("jicofo.health { enabled = ${NOPE}, interval = 5 s }", "${NOPE} is neither"),
        (many.as_str(), "more than 250 values refer to each other in a chain"),
    ] {
        let said = Start::minimal(text).refused();
        assert!(said.lines().count() == 1 && said.contains(says), "{text}: {said}");
    }
    // What has nothing to do with it is told all the same.
    let said = Start::minimal("jicofo.local-region = ${NOPE}\njicofo.rest.port = x\njicofo.brdge.x = 1").refused();
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn who_writes_a_key_of_a_feature_that_is_not_there_is_told_whatever_he_writes() {
    for (line, key) in [
        ("jicofo.jibri.brewery-jid = \"jibri@i.m.x\"", "jicofo.jibri.brewery-jid"),
        ("jicofo.jigasi.brewery-jid = \"jigasi@i.m.x\"", "jicofo.jigasi.brewery-jid"),
        // The default.
        ("jicofo.jibri.num-retries = 5", "jicofo.jibri.num-retries"),
        ("tracing.enabled = false", "tracing.enabled"),
    ] {
        let key_of = schema::key(key).expect("it is a key");
        if key_of.effective {
            continue;
        }
        let loaded = Start::minimal(&format!("jicofo.xmpp.trusted-domains = [ r.m.x ]\n{line}")).load();
        let said = told(&loaded);
        assert!(said.contains(&format!(": {key}: not effective yet")) && said.lines().count() == 1, "{line}: {said}");
        let shown = report::effective(&loaded);
        let shown = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap_or_default();
        assert!(shown.ends_with(", not effective yet"), "{shown}");
        assert_eq!(report::json(&loaded)["values"][key]["effective"], false);
    }
    let said = Start::minimal("").legacy("org.jitsi.jicofo.jigasi.BREWERY=jigasi@i.m.x").warned();
    assert!(
        schema::key("jicofo.jigasi.brewery-jid").is_none_or(|key| key.effective) || said.contains("not effective yet"),
        "{said}"
    );
    // Nobody wrote anything.
    assert_eq!(Start::minimal("").warned(), "");
}

#[test]
fn settings_of_what_is_off_are_told() {
    for (text, says) in [
        (
            "jicofo.xmpp.service { hostname = h, port = 6222, domain = s.x, password = p }",
            ":3:34: jicofo.xmpp.service.hostname: has no effect, as jicofo.xmpp.service is off by default; write enabled = true \
             there, or remove the section",
        ),
        ("jicofo.health.interval = 20 s", "jicofo.health.interval: has no effect, as jicofo.health is off by default"),
        (
            "jicofo { rest.enabled = no, health.enabled = yes }",
            "jicofo.health.enabled: is on, but rest.enabled is false, so there is no /about/health",
        ),
        ("jicofo { rest.port = 0, health.enabled = yes }", "jicofo.health.enabled: is on, but rest.port is 0"),
    ] {
        let said = Start::minimal(text).warned();
        assert!(said.lines().count() == 1 && said.contains(says), "{text}: {said}");
    }
    for text in [
        "jicofo.xmpp.service { enabled = false, hostname = h }",
        "jicofo.health { enabled = false, interval = 20 s }",
        "jicofo.rest.enabled = no",
    ] {
        assert_eq!(Start::minimal(text).warned(), "", "{text}");
    }
    // One old name, for both connections.
    let said = Start::minimal("").legacy("org.jitsi.jicofo.ALWAYS_TRUST_MODE_ENABLED=true").warned();
    assert!(!said.contains("off by default"), "{said}");
    let said = Start::minimal("").legacy("org.jitsi.jicofo.BRIDGE_MUC_XMPP_PORT=6223").warned();
    assert!(said.contains("off by default; write enabled = true there, or remove the line"), "{said}");
}

/// HOCON cuts a fraction off (spec/70 §3); no other source ever did.
#[test]
fn a_port_is_a_whole_number() {
    let port = |start: &Start| start.load().config.xmpp.client.account.port;
    let start = Start::minimal("jicofo.xmpp.client.port = 5333").legacy("org.jitsi.jicofo.XMPP_PORT=5222.9");
    let said = start.warned();
    assert!(
        said.contains(
            "XMPP_PORT: expected a whole number, found \"5222.9\"; write it without the fraction; it is passed over"
        ),
        "{said}"
    );
    assert_eq!(port(&start), 5333);
    let said = Start::new().arguments("--domain=m.x --port=5347.5 --secret=s --user_password=p").warned();
    assert!(said.contains("--port: jicofo.xmpp.component.port: expected a whole number, found \"5347.5\""), "{said}");
    let said = Start::minimal("").env("JICOFO__XMPP__CLIENT__PORT", "5333.9").refused();
    assert!(
        said.contains("environment JICOFO__XMPP__CLIENT__PORT: jicofo.xmpp.client.port: expected a whole number"),
        "{said}"
    );
    let start = Start::minimal("jicofo.xmpp.client.port = \"5333.9\"");
    assert!(start.warned().contains(":3:27: jicofo.xmpp.client.port: the fraction is cut off; write a whole number"));
    assert_eq!(port(&start), 5333);
    assert_eq!(Start::minimal("jicofo.xmpp.client.port = 5333.0").warned(), "");
}

#[test]
fn variables_that_nothing_reads_are_likened_to_those_that_something_reads() {
    for (name, meant) in [
        ("JICOFO_SECRT", "JICOFO_SECRET"),
        ("JICOFO_PASSWORD_FILE", "JICOFO_AUTH_PASSWORD_FILE"),
        ("JICOFO_PASSWORD", "JICOFO_AUTH_PASSWORD"),
        ("JICOFO_AUTH_PASSWD", "JICOFO_AUTH_PASSWORD"),
        ("JICOFO_HOST_NAME", "JICOFO_HOSTNAME"),
        ("JICOFO_AUTHDOMAIN", "JICOFO_AUTH_DOMAIN"),
        ("JICOFO_ENABLE_HEALTH_CHECK", "JICOFO_ENABLE_HEALTH_CHECKS"),
        ("JICOFO_XMPP_CLIENT_PORT", "JICOFO__XMPP__CLIENT__PORT"),
    ] {
        let said = Start::minimal("").env(name, "geheim").warned();
        let says = format!("environment {name}: nothing reads this variable; did you mean {meant}?");
        assert!(said.contains(&says) && !said.contains("geheim") && said.lines().count() == 1, "{said}");
    }
    for name in [
        "JICOFO_HOST",
        "JICOFO_OPTS",
        "JICOFO_MAX_MEMORY",
        "JICOFO_LOG_FILE",
        "JICOFO_COMPONENT_SECRET",
        "JICOFO_SHARD_NAME",
        // Of Kubernetes.
        "JICOFO_SERVICE_HOST",
        "JICOFO_SERVICE_PORT",
        "JICOFO_SERVICE_PORT_HTTP",
        "JICOFO_PORT_8888_TCP_ADDR",
        "JICOFO_PORT",
    ] {
        assert_eq!(Start::minimal("").env(name, "x").warned(), "", "{name}");
    }
}

#[test]
fn levels_for_modules_that_are_not_there_are_told() {
    let said = Start::minimal(
        "jicofo.logging.levels { \"jicofo::focsu\" = debug, jicofo = info, hyper = warn, \"jicofo::xmpp\" = loud }",
    )
    .warned();
    assert!(said.contains(":3:"), "{said}");
    assert!(
        said.contains(
            "there is no module \"jicofo::focsu\", so this level counts for nothing; did you mean \"jicofo::focus\"?"
        ),
        "{said}"
    );
    assert!(said.contains("\"loud\" of \"jicofo::xmpp\" is no level") && said.lines().count() == 2, "{said}");
}

/// As Java reads it, which is no reason to say nothing.
#[test]
fn an_old_file_in_latin_1_is_read_and_told_of() {
    let mut start = Start::minimal("").legacy("");
    let file = start.folder().join("jicofo/sip-communicator.properties");
    fs::write(&file, b"# M\xfcller\norg.jitsi.jicofo.BridgeSelector.LOCAL_REGION=z\xfcrich\n")
        .expect("it can be written");
    let loaded = start.load();
    assert_eq!(shown(&loaded, "jicofo.local-region"), "\"zürich\"");
    assert!(
        report::summary(&loaded)
            .iter()
            .any(|line| line.ends_with("is not UTF-8; it is read as ISO 8859-1, as Java does"))
    );
    fs::write(&file, "org.jitsi.jicofo.BridgeSelector.LOCAL_REGION=zürich\n").expect("it can be written");
    assert!(start.load().notes.is_empty());
    assert_eq!(shown(&start.load(), "jicofo.local-region"), "\"zürich\"");
}

/// rest-loopback.
#[test]
fn http_that_nobody_outside_of_a_container_reaches_is_mentioned() {
    let notes = |text: &str, in_container: bool| {
        let mut start = Start::minimal(text);
        start.sources.in_container = in_container;
        start.load().notes
    };
    assert!(
        notes("", true)[0].starts_with("PROBLEM rest-loopback: HTTP listens on 127.0.0.1:8888 of this container alone")
    );
    assert_eq!(notes("jicofo.rest.host = \"::1\"", true).len(), 1);
    for (text, in_container) in [
        ("", false),
        ("jicofo.rest.host = \"0.0.0.0\"", true),
        ("jicofo.rest.enabled = no", true),
        ("jicofo.rest.port = 0", true),
    ] {
        assert!(notes(text, in_container).is_empty(), "{text}");
    }
}

#[test]
fn messages_say_what_to_write() {
    for (text, says) in [
        ("jicofo.bridge.stress-threshold = \"0,7\"", "found \"0,7\"; the decimal sign is a point; write 0.7; until"),
        (
            "jicofo.bridge.max-bridge-participants = [20]",
            "expected a whole number, found a list; write \"20\" without the brackets",
        ),
        (
            "jicofo.bridge.max-bridge-participants = { a = 1 }",
            "expected a whole number, found an object; write a single value, without braces",
        ),
        ("jicofo.bridge.max-bridge-participants = \"20 users\"", "found \"20 users\"; write 20; until"),
        ("jicofo.bridge.max-bridge-participants = 1_000", "found \"1_000\"; write 1000; until"),
        ("jicofo.octo.enabled = [true]", "expected true or false, found a list; write \"true\" without the brackets"),
        (
            "jicofo.xmpp.visitors.\"v.1\" { hostname = h, conference-service = c.v.x }",
            "jicofo.xmpp.visitors.\"v.1\".password: is not set",
        ),
        ("jicofo.rest.\"a b\" = 1", "jicofo.rest.\"a b\": there is no such key"),
        ("jicofo.local-region = [geheim]", "expected text, found a list; write a single value, without brackets"),
    ] {
        let said = told(&Start::minimal(text).load());
        assert!(said.contains(says), "{text}: {said}");
    }
    for (name, says) in [
        (
            "jicofo.bridge.region-groups",
            "expected a list, which one -D cannot give; write -Djicofo.bridge.region-groups.0=…, -Djicofo.bridge.region-groups.1=…, or put it into the file",
        ),
        ("jicofo.xmpp.trusted-domains", "write -Djicofo.xmpp.trusted-domains.0=…"),
    ] {
        let said = Start::minimal("").system(name, "x").warned();
        assert!(said.contains(says), "{said}");
    }
    let config = Start::minimal("")
        .system("jicofo.xmpp.trusted-domains.0", "a.x")
        .system("jicofo.xmpp.trusted-domains.1", "b.x")
        .config();
    assert_eq!(config.xmpp.trusted_domains.len(), 2);
    let mut start = Start::new();
    start.sources.config_file = Some(start.folder().join("a.toml"));
    let said = start.beside("a.toml", "[jicofo.rest]\nport = 1\nhost = \"h\"\nport = 2\n").refused();
    assert!(said.contains("a.toml:4:1: this is not TOML: duplicate key port; remove one of the two"), "{said}");
}

#[test]
fn a_circle_is_told_with_those_who_are_in_it() {
    let start = Start::minimal("include \"b.conf\"")
        .beside("b.conf", "include \"c.conf\"")
        .beside("c.conf", "x = 1\ninclude \"jicofo.conf\"");
    let said = start.refused();
    assert!(said.contains("c.conf:2:1: ") && said.contains("jicofo.conf: includes this file by way of "), "{said}");
    assert!(
        said.contains("b.conf, and is included again here, so that there is no end; remove one of the includes"),
        "{said}"
    );
    let said = Start::minimal("include \"jicofo.conf\"").refused();
    assert!(
        said.contains(":3:1: ") && said.contains("includes itself here, so that it has no end; remove this include"),
        "{said}"
    );
    let said = Start::minimal("jicofo.local-region = ${a}\na = ${b}\nb = ${a}").refused();
    // Both ends of it, and nothing of who asks for them.
    assert!(said.lines().count() == 2 && said.lines().all(|line| line.contains("refers to itself")), "{said}");
}

#[test]
fn one_command_at_a_time() {
    let parse = |words: &str| crate::cli::parse(words.split_whitespace().map(str::to_owned), BTreeMap::new());
    for words in ["check-config --config /x migrate", "migrate --check-config", "explain-auth check-config"] {
        let mistake = parse(words).mistake.unwrap_or_default();
        assert!(mistake.contains("are two commands; give one of them"), "{words}: {mistake}");
    }
    for words in ["check-config --check-config", "check-config --help", "migrate --format toml"] {
        assert_eq!(parse(words).mistake, None, "{words}");
    }
}
