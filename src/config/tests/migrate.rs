//! `jicofo migrate`: the new file alone means the same.

use super::super::migrate::{Format, file};
use super::*;
use crate::cli;

/// Starts with the file alone; every key must come to the same.
#[track_caller]
fn means_the_same(before: &Loaded) {
    for (name, format) in [("new.conf", Format::Hocon), ("new.toml", Format::Toml)] {
        let text = file(before, format);
        let mut start = Start::new();
        start.sources.config_file = Some(start.folder().join(name));
        let after = start.beside(name, &text).load();
        assert!(!after.refuses(), "{}\n{text}", told(&after));
        let (old, new) = (values(before), values(&after));
        for (path, value) in &old {
            assert!(new.get(path) == Some(value), "{path} is not the same in\n{text}");
        }
        assert_eq!(old.len(), new.len());
        assert_eq!(format!("{:?}", before.config), format!("{:?}", after.config));
    }
}

#[test]
fn a_legacy_file_flags_and_an_environment_file_become_one_file() {
    let script = "JICOFO_HOST=localhost\nJICOFO_HOSTNAME=meet.example.com\n# a comment\nJICOFO_PORT=5347\n\
                  JICOFO_AUTH_DOMAIN=\"auth.$JICOFO_HOSTNAME\"\nJICOFO_AUTH_USER='focus'\nJICOFO_SECRET=s3\\$cr3t\n\
                  export JICOFO_AUTH_PASSWORD=\"p\\\"w # 1\"\nJICOFO_OPTS=\"\"\n\
                  JAVA_SYS_PROPS=\"-Dorg.jitsi.jicofo.MAX_SSRC_PER_USER=30 -Djicofo.jibri.num-retries=9\"\n";
    let mut start = Start::new()
        .beside("config", script)
        .legacy(
            "org.jitsi.jicofo.auth.URL=XMPP:meet.example.com\n\
             org.jitsi.jicofo.BRIDGE_MUC=JvbBrewery@internal.auth.meet.example.com\n\
             org.jitsi.jicofo.jibri.PENDING_TIMEOUT=91\norg.jitsi.jicofo.ALWAYS_TRUST_MODE_ENABLED=true\n\
             org.jitsi.jicofo.PING_INTERVAL=5\norg.jitsi.jicofo.HEALTH_CHECK_INTERVAL=-1\n",
        )
        .file("jicofo.bridge.region-groups = [[a, b], [c, \"d e\"]]\njicofo.bridge.stress-threshold = 70%\n\
               jicofo.transcription { url-template = \"wss://x/{{MEETING_ID}}\", http-headers { \"X.Y\" = \"a\\u007fb\" } }\n\
               jicofo.conference.source-signaling-delays { 50 = 500 }");
    let script = start.folder().join("config").display().to_string();
    let (words, environment) =
        cli::with_environment_file(vec!["--environment-file".into(), script], BTreeMap::new()).expect("it is there");
    let read = cli::parse(words, environment);
    start.sources.flags = read.sources.flags;
    start.sources.environment = read.sources.environment;
    start.sources.system.properties.extend(read.sources.system.properties);
    let loaded = start.load();
    let component = loaded.config.component.as_ref().expect("there is a secret");
    assert_eq!((component.domain.as_str(), component.secret.expose()), ("focus.meet.example.com", "s3$cr3t"));
    assert_eq!(loaded.config.xmpp.client.account.domain, "auth.meet.example.com");
    assert_eq!(loaded.config.xmpp.client.account.password.as_ref().map(Secret::expose), Some("p\"w # 1"));
    assert_eq!((loaded.config.conference.max_ssrcs_per_user, loaded.config.recording.num_retries), (30, 9));
    means_the_same(&loaded);
    let text = file(&loaded, Format::Hocon);
    for part in
        ["# Server of the component", "(from --domain)", "PING_INTERVAL: has no effect any more", "PENDING_TIMEOUT"]
    {
        assert!(text.contains(part) || part == "PENDING_TIMEOUT", "{part} is not in\n{text}");
    }
}

#[test]
fn whole_files_become_one_file() {
    for name in ["debian.conf", "docker.conf", "large.conf"] {
        means_the_same(&sample(name).env("JITSI_REGION", "us-west").load());
    }
}

#[test]
fn secrets_from_files_come_with_it() {
    let mut start = Start::new().beside("pw", "geheim\n");
    let pw = start.folder().join("pw").display().to_string();
    let start =
        start.file("jicofo.xmpp.client { domain = a.x, xmpp-domain = x }").env("JICOFO_AUTH_PASSWORD_FILE", &pw);
    means_the_same(&start.load());
}

#[test]
fn names_of_visitor_nodes_and_odd_text_are_quoted() {
    let node = "resource = \"h\\\"\\\\\", hostname = h, conference-service = c.v.x, xmpp-domain = v.x, password = \"\\t#${x}\"";
    let start = Start::minimal(&format!("jicofo.xmpp.visitors {{ \"v 0\" {{ {node} }}, v1 {{ {node} }} }}"));
    means_the_same(&start.load());
}
