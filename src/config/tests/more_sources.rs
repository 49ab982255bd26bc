//! TOML, JSON, the environment's own form, secrets in files: the sources that the reference does not have.

use super::*;

#[test]
fn toml_means_the_same_as_hocon() {
    let hocon = sample("large.conf").env("JITSI_REGION", "us-west").load();
    let toml = sample("large.toml").load();
    assert!(!toml.refuses(), "{}", told(&toml));
    let (hocon, toml) = (values(&hocon), values(&toml));
    for (path, value) in &hocon {
        assert!(toml.get(path) == Some(value), "{path}");
    }
    assert_eq!(hocon.len(), toml.len());
}

#[test]
fn mistakes_in_toml_and_json_have_their_place() {
    for (name, text, says) in [
        ("a.toml", "[jicofo.rest]\nport = \"x\"\n", "a.toml:2:8: jicofo.rest.port: expected a whole number"),
        (
            "a.toml",
            "jicofo.bridge.strees-threshold = 1",
            "a.toml:1:34: jicofo.bridge.strees-threshold: there is no such key",
        ),
        ("a.toml", "[jicofo\n", "a.toml:1:8: this is not TOML"),
        ("a.toml", "a = 1\na = 2\n", "a.toml:2:1: this is not TOML: duplicate key"),
        ("a.toml", "# \u{e9}\nx = 1979-05-27\njicofo.octo = 1", "a.toml:3:15: jicofo.octo: is a section"),
        (
            "a.json",
            "{\"jicofo\": {\"rest\": {\n \"port\": \"x\"}}}",
            "a.json:2:10: jicofo.rest.port: expected a whole number",
        ),
    ] {
        let mut start = Start::new();
        start.sources.config_file = Some(start.folder().join(name));
        let said = told(&start.beside(name, text).load());
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn a_variable_reaches_every_key() {
    let missing: Vec<&str> = schema::KEYS
        .iter()
        .filter(|key| {
            let name = environment::variable(&key.path.replace('*', "v0"));
            let start = Start::minimal("").env(&name, "nonsense");
            let loaded = start.load();
            let entry = loaded.settings.entries.get(&key.path.replace('*', "v0"));
            // It is the value, or it is a mistake that names the variable.
            let taken = entry.is_some_and(|entry| entry.origin == Origin::Environment(name.as_str().into()));
            !taken && !told(&loaded).contains(&format!("environment {name}: "))
        })
        .map(|key| key.path)
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn variables_beat_files_and_flags_beat_variables() {
    let start = Start::minimal("jicofo.xmpp.client { hostname = file, port = 1 }")
        .legacy("org.jitsi.jicofo.HOSTNAME=old\norg.jitsi.jicofo.XMPP_PORT=2")
        .env("JICOFO__XMPP__CLIENT__HOSTNAME", "variable")
        .env("JICOFO__XMPP__CLIENT__PORT", "3");
    let account = start.config().xmpp.client.account;
    assert_eq!((account.hostname.as_str(), account.port), ("variable", 3));
    let account = start.arguments("--host=flag").config().xmpp.client.account;
    assert_eq!((account.hostname.as_str(), account.port), ("flag", 3));
}

#[test]
fn variables_hold_lists_and_objects() {
    let start = Start::minimal("")
        .env("JICOFO__XMPP__TRUSTED_DOMAINS", "a.x, b.x")
        .env("JICOFO__BRIDGE__REGION_GROUPS", r#"[["a","b"]]"#)
        .env("JICOFO__CONFERENCE__SOURCE_SIGNALING_DELAYS", r#"{"50":500}"#)
        .env("JICOFO__XMPP__VISITORS__V0__HOSTNAME", "h")
        .env("JICOFO__TRACING__SERVICE_NAME", "t");
    let loaded = start.load();
    for (path, value) in [
        ("jicofo.xmpp.trusted-domains", r#"["a.x", "b.x"]"#),
        ("jicofo.bridge.region-groups", r#"[["a","b"]]"#),
        ("jicofo.conference.source-signaling-delays", "{ 50 = 500 }"),
        ("jicofo.xmpp.visitors.v0.hostname", "\"h\""),
        ("tracing.service-name", "\"t\""),
    ] {
        assert_eq!(shown(&loaded, path), value, "{}", told(&loaded));
    }
}

#[test]
fn mistakes_in_variables_are_told() {
    let said = Start::minimal("").env("JICOFO__XMPP__CLEINT__PORT", "1").warned();
    assert!(
        said.contains("environment JICOFO__XMPP__CLEINT__PORT: ") && said.contains("JICOFO__XMPP__CLIENT__PORT?"),
        "{said}"
    );
    let said = Start::minimal("").env("JICOFO__XMPP__CLIENT__PORT", "x").refused();
    assert!(said.contains("environment JICOFO__XMPP__CLIENT__PORT: jicofo.xmpp.client.port: expected"), "{said}");
    let said = Start::minimal("").env("JICOFO__BRIDGE__REGION_GROUPS", "a").refused();
    assert!(said.contains(r#"write [["a","b"],["c","d"]]"#), "{said}");
}

fn password(config: &Config) -> Option<&str> {
    config.xmpp.client.account.password.as_ref().map(Secret::expose)
}

#[test]
fn a_secret_may_be_in_a_file_of_its_own() {
    let without = "jicofo.xmpp.client { domain = auth.m.x, xmpp-domain = m.x }";
    let mut start = Start::new().beside("pw", "geheim \n").beside("cs", "sesam\r\n");
    let (pw, cs) = (start.folder().join("pw").display().to_string(), start.folder().join("cs").display().to_string());
    let text = format!(
        "{without}\njicofo.xmpp.client.password-file = \"{pw}\"\njicofo.xmpp.component.secret-file = \"{cs}\"\n"
    );
    let start = start.file(&text);
    let config = start.config();
    assert_eq!(password(&config), Some("geheim "));
    assert_eq!(config.component.as_ref().map(|component| component.secret.expose()), Some("sesam"));
    assert!(!report::effective(&start.load()).contains("geheim"));

    let start = start.file(without).env("JICOFO_AUTH_PASSWORD_FILE", &pw).env("JICOFO_SECRET_FILE", &cs);
    assert_eq!(password(&start.config()), Some("geheim "));
    let flags = start.arguments("--domain=m.x --user_password= --secret=flag");
    let config = flags.config();
    assert_eq!(password(&config), Some("geheim "));
    assert_eq!(config.component.as_ref().map(|component| component.secret.expose()), Some("flag"));
}

/// docker sets the variable always; a file that says otherwise must win, whichever of them names a file.
#[test]
fn the_stronger_source_of_a_secret_wins_and_equal_ones_contradict() {
    let mut start = Start::minimal("").beside("pw", "from the file\n");
    let pw = start.folder().join("pw").display().to_string();
    start = start.env("JICOFO_AUTH_PASSWORD_FILE", &pw);
    assert_eq!(password(&start.config()), Some("pw"));
    start = start.env("JICOFO__XMPP__CLIENT__PASSWORD_FILE", &pw);
    assert_eq!(password(&start.config()), Some("from the file"));

    let said = Start::minimal("jicofo.xmpp.client.password-file = \"/x\"").refused();
    assert!(said.contains("jicofo.xmpp.client.password-file: jicofo.xmpp.client.password is given too"), "{said}");
}

#[test]
fn a_file_that_holds_no_secret_refuses() {
    for (text, says) in [(Some(""), "it is empty"), (Some("a\nb\n"), "more than one line"), (None, "No such file")] {
        let mut start = Start::new().file("jicofo.xmpp.client.domain = a.x");
        let file = start.folder().join("pw");
        if let Some(text) = text {
            start = start.beside("pw", text);
        }
        let said = start.env("JICOFO_AUTH_PASSWORD_FILE", &file.display().to_string()).refused();
        assert!(said.contains("environment JICOFO_AUTH_PASSWORD_FILE: ") && said.contains(says), "{said}");
    }
}

#[test]
fn the_first_default_file_that_is_there_is_read() {
    let mut start = Start::new();
    let folder = start.folder();
    start.sources.default_files = vec![folder.join("jicofo.conf"), folder.join("jicofo.toml")];
    let start = start.beside("jicofo.toml", "[jicofo.xmpp.client]\ndomain = \"a.x\"\npassword = \"p\"\n");
    assert_eq!(start.config().xmpp.client.account.domain, "a.x");
}

/// What is named, or may be there, may be what says that people have to log in: flags are no reason to do without it.
#[test]
fn a_file_that_is_named_or_may_be_there_is_read_or_refuses_also_beside_flags() {
    let flags = "--domain=m.x --host=h --user_domain=auth.m.x --user_password=p";
    let named = Start::new().arguments(flags).system("config.file", "/nowhere/jicfo.conf").refused();
    assert!(named.contains("/nowhere/jicfo.conf: there is no such file"), "{named}");
    let mut start = Start::new();
    let folder = start.folder();
    let (file, other) = (folder.join("jicofo.conf"), folder.join("none.conf"));
    // Something is there, and leads nowhere.
    std::os::unix::fs::symlink(&other, &file).expect("the temporary folder can be written");
    start.sources.default_files = vec![other, file];
    let said = start.arguments(flags).refused();
    assert!(said.contains("jicofo.conf: there is no such file"), "{said}");
    let mut start = Start::new();
    start.sources.default_files = vec![start.folder().join("jicofo.conf")];
    assert_eq!(start.arguments(flags).config().xmpp.client.account.domain, "auth.m.x");
}

/// An old init script that was kept beside a new file: what the file says for nothing is named.
#[test]
fn what_flags_and_variables_take_from_the_file_is_told() {
    let file = "jicofo.xmpp.client { domain = auth.m.x, hostname = \"10.0.0.5\", password = fresh, xmpp-domain = m.x }";
    let start = Start::new().file(file).arguments("--host=localhost").env("JICOFO_AUTH_PASSWORD", "stale");
    let said = start.warned();
    assert!(said.contains("\"localhost\" counts, as it beats the file; \"10.0.0.5\" at "), "{said}");
    assert!(said.contains("jicofo.conf:1:52 has no effect"), "{said}");
    assert!(said.contains("****** counts, as it beats the file") && !said.contains("stale"), "{said}");
    let same = Start::new().file(file).arguments("--host=10.0.0.5").env("JICOFO_AUTH_PASSWORD", "fresh").warned();
    assert!(!same.contains("it beats the file"), "{same}");
}

#[test]
fn the_environment_alone_is_a_configuration() {
    let start = Start::new().env("JICOFO__XMPP__CLIENT__DOMAIN", "a.x").env("JICOFO_AUTH_PASSWORD", "p");
    assert_eq!(start.config().xmpp.client.account.domain, "a.x");
}

/// What the README shows to who starts fresh.
#[test]
fn the_examples_of_the_readme_start() {
    let readme = include_str!("../../../README.md");
    for (fence, name) in [("```hocon\n", "jicofo.conf"), ("```toml\n", "jicofo.toml")] {
        let text = readme.split(fence).nth(1).and_then(|rest| rest.split("```").next()).expect("it is there");
        let mut start = Start::new().beside("password", "p\n");
        let password = start.folder().join("password").display().to_string();
        start.sources.config_file = Some(start.folder().join(name));
        let start = start.beside(name, &text.replace("/etc/jitsi/jicofo/password", &password));
        assert_eq!(start.warned(), "", "{name}");
    }
}
