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
    let given =
        cli::with_environment_file(vec!["--environment-file".into(), script], BTreeMap::new()).expect("it is there");
    let read = cli::parse(given.arguments, given.environment);
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

/// A node that another word switches off stays off, and names may have dots.
#[test]
fn visitor_nodes_keep_their_names_and_stay_switched_off() {
    let node = "hostname = h, conference-service = c.v.x, xmpp-domain = v.x, password = p";
    let start = Start::minimal(&format!(
        "jicofo.xmpp.visitors {{ \"v.0.eu\" {{ {node} }}, off {{ {node}, enabled = nope }}, \"\" {{ {node} }}, null {{ \
         {node}, enabled = null }}, \"a.enabled\" {{ {node}, port = 1 }} }}"
    ));
    let loaded = start.load();
    let nodes: Vec<&str> = loaded.config.xmpp.visitors.keys().map(String::as_str).collect();
    assert_eq!(nodes, ["", "a.enabled", "v.0.eu"], "{}", told(&loaded));
    let off = &loaded.settings.entries["jicofo.xmpp.visitors.off.enabled"];
    assert!(matches!(&off.origin, Origin::File { line: 3, .. }), "{}", off.origin);
    means_the_same(&loaded);
}

/// C1 controls may stand in properties and in JSON; in a file that is written they are escapes.
#[test]
fn control_characters_are_escaped_wherever_they_stand() {
    let odd = "a\u{85}b\u{9f}c\u{7f}d\u{0}e\u{1b}f\u{2028}g\u{feff}h\u{10ffff}";
    let start = Start::minimal("jicofo.bridge.region-groups = ${?groups}")
        .env("JICOFO__BRIDGE__REGION_GROUPS", &serde_json::json!([[odd, "b"], []]).to_string())
        .env("JICOFO__LOCAL_REGION", odd)
        .env("JICOFO__XMPP__CLIENT__PASSWORD", odd)
        .env(
            "JICOFO__TRANSLATION__HTTP_HEADERS",
            &serde_json::json!({ odd: odd, "": "", "include": "x", "a.b": "${y}" }).to_string(),
        )
        .env("JICOFO__XMPP__VISITORS__A\u{85}B.C__ENABLED", "false");
    let loaded = start.load();
    assert_eq!(loaded.config.local_region.as_deref(), Some(odd), "{}", told(&loaded));
    means_the_same(&loaded);
}

/// What the names of files and variables can do to comments.
#[test]
fn comments_stay_on_their_line() {
    let name = "odd\n[jicofo]\r\u{85}\u{7f}name.conf";
    let mut start = Start::new();
    start.sources.config_file = Some(start.folder().join(name));
    let text = "jicofo.xmpp.client { domain = auth.m.x, password = pw, xmpp-domain = m.x }\njicofo.no-such = 1\n";
    means_the_same(&start.beside(name, text).load());
}

/// Flags without a password log in anonymously; so does the file that is made of them, and no other.
#[test]
fn a_classic_start_without_password_becomes_an_anonymous_one() {
    let loaded = Start::new().arguments("--domain=m.x --host=h --secret=s").load();
    assert!(!loaded.refuses() && loaded.config.xmpp.client.account.password.is_none(), "{}", told(&loaded));
    means_the_same(&loaded);
    let text = file(&loaded, Format::Toml);
    assert!(text.contains("(from flags without a password)\nanonymous = true\n"), "{text}");

    let said = Start::new().file("jicofo.xmpp.client { domain = a.x, anonymous = false }").refused();
    assert!(said.contains("jicofo.xmpp.client.password: is required"), "{said}");
    let said = Start::minimal("jicofo.xmpp.client.anonymous = true").warned();
    assert!(said.contains("jicofo.xmpp.client.anonymous: has no effect, as there is a password"), "{said}");
    let said = Start::new().file("jicofo.xmpp.client.anonymous = no").arguments("--domain=m.x").refused();
    assert!(said.contains("jicofo.xmpp.client.password: is required"), "{said}");
}

#[test]
fn times_and_numbers_at_their_ends_keep_their_value() {
    for time in ["0.5 ns", "1 ns", "3.2e11 s", "123456789.123456789 s", "9999999999.999 s", "1e-9 d", "104 d", "0"] {
        let text = format!(
            "jicofo.conference.initial-timeout = {time}\njicofo.bridge.stress-threshold = 1e300\n\
             jicofo.bridge.average-participant-stress = 1e-300\njicofo.jibri.num-retries = -2147483648\n\
             jicofo.bridge.ice-failure-detection.threshold = -0.0"
        );
        means_the_same(&Start::minimal(&text).load());
    }
}

/// Files and flags made by chance: whatever starts means the same as the file that is made of it.
#[test]
fn whatever_starts_means_the_same_after_it() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let mut dice = Dice(0xb5ad_4ece_da1c_e2a9);
    let mut started = 0;
    for _ in 0..rounds {
        let loaded = by_chance(&mut dice).load();
        if !loaded.refuses() {
            started += 1;
            means_the_same(&loaded);
        }
    }
    assert!(started * 4 > rounds, "of {rounds} only {started} start");
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<'o>(&mut self, options: &[&'o str]) -> &'o str {
        options[self.below(options.len())]
    }
}

/// What people write, and what they write by mistake.
const VALUES: &[&str] = &[
    "true",
    "TRUE",
    "false",
    "yes",
    "nope",
    "0",
    "1",
    "-1",
    "9",
    "127",
    "5222",
    "70000",
    "90",
    "80.7",
    "15 seconds",
    "1.5 m",
    "70%",
    "0.35",
    "a",
    "meet.example.com",
    "JvbBrewery@internal.auth.Meet.example.com",
    "XMPP",
    "JWT",
    "XMPP:a.example.com",
    "EXT_JWT:b.example.com",
    "Client",
    "Service",
    "RegionBasedBridgeSelectionStrategy",
    "org.jitsi.jicofo.bridge.SplitBridgeSelectionStrategy",
    "VisitorTopologyStrategy",
    "ReplaceTransport",
    "per_source",
    "json",
    "127.0.0.1",
    "wss://x.example.com/{{MEETING_ID}}",
    "",
    " ",
    " x ",
    "a b",
    "#",
    "\\u00e9",
    "\\u0085",
    "\\\\",
    "\\t",
    "$x",
    "é",
    "muc",
    "it's",
    "\"q\"",
];

/// A start: a file in three of four, legacy names, properties, variables, and classic flags in one of three.
fn by_chance(dice: &mut Dice) -> Start {
    let mut start = match dice.below(4) {
        0 => Start::new(),
        _ => Start::new().file(&hocon(dice)),
    };
    let names: Vec<&str> = schema::KEYS.iter().flat_map(|key| key.legacy).map(|legacy| legacy.name).collect();
    if dice.one_in(2) {
        let line = |dice: &mut Dice| format!("{}{}{}\n", dice.of(&names), dice.of(&["=", ": ", " "]), dice.of(VALUES));
        let count = dice.below(12);
        start = start.legacy(&(0..count).map(|_| line(dice)).collect::<String>());
    }
    let keys: Vec<String> = schema::KEYS.iter().map(|key| key.path.replace('*', dice.of(&["v0", "v-1"]))).collect();
    for _ in 0..dice.below(4) {
        let name = if dice.one_in(2) { dice.of(&names) } else { &keys[dice.below(keys.len())] };
        start = start.system(name, dice.of(VALUES));
    }
    for _ in 0..dice.below(4) {
        start = start.env(&environment::variable(&keys[dice.below(keys.len())]), dice.of(VALUES));
    }
    if dice.one_in(3) {
        start = start.env(dice.of(&["JICOFO_SECRET", "JICOFO_AUTH_PASSWORD"]), dice.of(VALUES));
    }
    if dice.one_in(3) {
        let flags = ["domain", "host", "port", "subdomain", "secret", "user_domain", "user_name", "user_password"];
        let mut words = vec!["--domain=flag.example.com".to_owned()];
        words.extend((0..dice.below(6)).map(|_| format!("--{}={}", dice.of(&flags), dice.of(VALUES))));
        start.sources.flags = cli::parse(words, BTreeMap::new()).sources.flags;
    }
    if dice.one_in(4) {
        start = by_script(dice, start);
    }
    start
}

/// The variables of an old init script, and what it makes of them.
fn by_script(dice: &mut Dice, mut start: Start) -> Start {
    let mut script = "JICOFO_HOSTNAME=script.example.com\n".to_owned();
    for name in ["HOST", "PORT", "AUTH_USER", "AUTH_DOMAIN", "SECRET", "AUTH_PASSWORD"] {
        if dice.one_in(2) {
            let value = dice.of(VALUES).replace('\'', "'\\''");
            script.push_str(&format!("JICOFO_{name}='{value}'\n"));
        }
    }
    if dice.one_in(2) {
        script.push_str("JICOFO_OPTS=\"--subdomain=jicofo --user_name=${JICOFO_AUTH_USER:-other}\"\n");
    }
    start = start.beside("config", &script);
    let file = format!("--environment-file={}", start.folder().join("config").display());
    let environment = std::mem::take(&mut start.sources.environment);
    let given = cli::with_environment_file(vec![file], environment).expect("it is read");
    let read = cli::parse(given.arguments, given.environment).sources;
    start.sources.flags.extend(read.flags);
    start.sources.environment = read.environment;
    start
}

/// Most start: what is required is there, and values are of the key's kind more often than not.
fn hocon(dice: &mut Dice) -> String {
    let mut text = "jicofo.xmpp.client { domain = auth.m.x, password = pw, xmpp-domain = m.x }\n".to_owned();
    for _ in 0..dice.below(12) {
        let key = &schema::KEYS[dice.below(schema::KEYS.len())];
        if key.path.ends_with("-file") || key.path.contains(".*.") || key.path.ends_with(".pt") {
            continue;
        }
        let value = match key.kind {
            _ if dice.one_in(8) => serde_json::json!(dice.of(VALUES)).to_string(),
            typed::Kind::Bool => dice.of(&["true", "no", "on", "\"FALSE\""]).to_owned(),
            typed::Kind::Int(..) => (dice.below(120) + 1).to_string(),
            typed::Kind::Double(..) => format!("0.{}", dice.below(100)),
            typed::Kind::Duration(_) => {
                format!("{}.{} {}", dice.below(99), dice.below(99) + 1, dice.of(&["ms", "s", "d"]))
            }
            typed::Kind::Domains => "[a.x, B.x]".to_owned(),
            typed::Kind::RegionGroups => "[[a, \"b c\"], [], [\"\"]]".to_owned(),
            typed::Kind::Delays => "{ 50 = 500, 7 = 0 }".to_owned(),
            typed::Kind::Map => "{ \"a.b\" = c, d = \"\\u0085\", jicofo = info }".to_owned(),
            typed::Kind::Choice(names) | typed::Kind::LooseChoice(names) | typed::Kind::ClassName(names) => {
                dice.of(names).to_owned()
            }
            _ => serde_json::json!(dice.of(VALUES)).to_string(),
        };
        text.push_str(&format!("{} = {value}\n", key.path));
    }
    if dice.one_in(4) {
        let enabled = dice.of(&["true", "nope", "false", "null", "on"]);
        let id = dice.of(&["v0", "\"v.0\"", "\"v 1\"", "\"\\u0085\""]);
        text.push_str(&format!(
            "jicofo.xmpp.visitors {{ {id} {{ enabled = {enabled}, hostname = h, conference-service = c.v.x }} }}\n"
        ));
    }
    text
}
