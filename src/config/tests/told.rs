//! What is told of what a person wrote: the right line, the name that was meant, what to write instead.

use super::*;

/// A problem of the minimal file with `text` from its third line on.
#[track_caller]
fn tells(text: &str, says: &str) {
    let said = told(&Start::minimal(text).load());
    assert!(said.contains(says), "{text}: {said}");
}

#[test]
fn misspelt_sections_and_roots_are_likened_to_those_there_are() {
    for (text, says) in [
        (
            "jicofo { brdge { stress-threshold = 0.5 } }",
            ":3:16: jicofo.brdge: there is no such section; did you mean jicofo.bridge?",
        ),
        ("jicofo.brdge.stress-threshold = 0.5", "jicofo.brdge: there is no such section; did you mean jicofo.bridge?"),
        (
            "jicofo.xmpp.clinet { port = 1 }",
            "jicofo.xmpp.clinet: there is no such section; did you mean jicofo.xmpp.client?",
        ),
        ("jicofo { client { port = 1 } }", "jicofo.client: there is no such section; did you mean jicofo.xmpp.client?"),
        ("jicofo.codec.vp8.pt = 1", "jicofo.codec.vp8: there is no such section; did you mean jicofo.codec.video.vp8?"),
        ("jicofo.octoo = 1", ":3:16: jicofo.octoo: there is no such key; did you mean jicofo.octo?"),
        ("jicofo.rest.foo.enabled = on", ":3:27: jicofo.rest.foo: there is no such section; remove it"),
        (
            "jicofo.xmpp.client.host = h",
            ":3:27: jicofo.xmpp.client.host: there is no such key; did you mean jicofo.xmpp.client.hostname?",
        ),
        (
            "jicofo.xmpp.visitors.n1 { hostnme = h }",
            "jicofo.xmpp.visitors.n1.hostnme: there is no such key; did you mean jicofo.xmpp.visitors.n1.hostname?",
        ),
        ("jicof { octo.enabled = true }", ":3:7: jicof: nothing reads this; did you mean jicofo?"),
        ("Jicofo.octo.enabled = true", "Jicofo: nothing reads this; did you mean jicofo?"),
        ("traicng.enabled = true", "traicng: nothing reads this; did you mean tracing?"),
        ("focus { xmpp { client { port = 1 } } }", "focus: nothing reads this; did you mean jicofo?"),
        (
            "brdge { stress-threshold = 1 }",
            "brdge: stands outside of jicofo and has no effect there; did you mean jicofo.bridge?",
        ),
        (
            "client { port = 1 }",
            "client: stands outside of jicofo and has no effect there; did you mean jicofo.xmpp.client?",
        ),
        (
            "bridge { stress-threshold = 1 }",
            "bridge: stands outside of jicofo and has no effect there; did you mean jicofo.bridge?",
        ),
        (
            "local-region = eu",
            ":3:16: local-region: stands outside of jicofo and has no effect there; did you mean jicofo.local-region?",
        ),
        ("\"jicofo.octo.enabled\" = true", ":3:25: \"jicofo.octo.enabled\": quotes make this one name"),
        ("jicofo { \"octo.enabled\" = true }", "jicofo.\"octo.enabled\": quotes make this one name"),
    ] {
        tells(text, says);
    }
    // Values of one's own, and of other programs.
    for text in [
        "regions { local = eu }\njicofo.local-region = ${regions.local}",
        "bridge { stress-threshold = 0.5 }\njicofo.bridge = ${bridge}",
        "local-region = eu\njicofo.local-region = ${local-region}",
        "videobridge { health { interval = 1 m } }\nenv.shard = s1",
    ] {
        assert_eq!(Start::minimal(text).warned(), "", "{text}");
    }
}

#[test]
fn misspelt_names_of_properties_and_variables_are_likened() {
    for (name, says) in [
        ("jicof.octo.enabled", "-Djicof.octo.enabled: nothing reads this property; did you mean jicofo.octo.enabled?"),
        (
            "jicofo.brdge.stress-threshold",
            "-Djicofo.brdge.stress-threshold: jicofo.brdge: there is no such section; did you mean jicofo.bridge?",
        ),
        (
            "org.jitsi.jicofo.BRIGDE_MUC",
            "-Dorg.jitsi.jicofo.BRIGDE_MUC: nothing reads this property; did you mean org.jitsi.jicofo.BRIDGE_MUC?",
        ),
        ("org.jitsi.jicofo.PING_INTERVAL", "-Dorg.jitsi.jicofo.PING_INTERVAL: has no effect any more; remove it"),
        ("foo", "-Dfoo: nothing reads this property; remove it"),
        ("jicofo..x", "-Djicofo..x: nothing reads this property; remove it"),
    ] {
        let said = Start::minimal("").system(name, "1").warned();
        assert!(said.contains(says), "{name}: {said}");
    }
    let start = Start::minimal("jicofo.local-region = ${my.region}").system("my.region", "eu");
    assert_eq!(start.warned(), "");
    let said = Start::minimal("").env("JICOFO__BRIDGE__STRES_THRESHOLD", "1").warned();
    assert!(said.contains("did you mean JICOFO__BRIDGE__STRESS_THRESHOLD?"), "{said}");
}

#[test]
fn a_name_in_the_wrong_file_is_told_with_its_name_there() {
    for (text, says) in [
        (
            "org.jitsi.jicofo.BRIDGE_MUC = \"a@b\"",
            ":3:31: org.jitsi.jicofo.BRIDGE_MUC: old names have no effect in this file; write jicofo.bridge.brewery-jid instead",
        ),
        (
            "org.jitsi { jicofo { HOSTNAME = h } }",
            "org.jitsi.jicofo.HOSTNAME: old names have no effect in this file; write jicofo.xmpp.client.hostname instead",
        ),
        ("\"org.jitsi.jicofo.BRIDGE_MUC\" = \"a@b\"", "org.jitsi.jicofo.BRIDGE_MUC: old names have no effect"),
        ("org.jitsi.jicofo.PING_INTERVAL = 1", "PING_INTERVAL: old names have no effect in this file; remove it"),
        (
            "org.jitsi.jicofo.BRIGDE_MUC = \"a@b\"",
            "old names have no effect in this file; did you mean org.jitsi.jicofo.BRIDGE_MUC, now jicofo.bridge.brewery-jid?",
        ),
        ("\"org.jitsi.jicofo.auth.URL\" = \"XMPP:m.x\"", "auth.URL: old names have no effect"),
    ] {
        tells(text, says);
    }
    // That one is read in both.
    assert!(!told(&Start::minimal("org.jitsi.jicofo.auth.URL = \"XMPP:m.x\"").load()).contains("no effect"));
    for (text, says) in [
        (
            "# c\njicofo.bridge.brewery-jid=a@b",
            "properties:2:27: jicofo.bridge.brewery-jid: names of the new configuration have no effect in this file; write \
             org.jitsi.jicofo.BRIDGE_MUC here, or this into jicofo.conf",
        ),
        ("jicofo.octo.enabled=true", "have no effect in this file; write it into jicofo.conf"),
        ("jicofo.octo.enbled=true", "and there is no such key; did you mean jicofo.octo.enabled?"),
        (
            "org.jitsi.jicofo.BRIGDE_MUC=a@b",
            "BRIGDE_MUC: there is no such name; did you mean org.jitsi.jicofo.BRIDGE_MUC?",
        ),
        (
            "org.jisti.jicofo.HOSTNAME=h",
            "org.jisti.jicofo.HOSTNAME: there is no such name; did you mean org.jitsi.jicofo.HOSTNAME?",
        ),
        ("org.jitsi.jicofo.STATS_ENABLED=true", "STATS_ENABLED: has no effect any more; remove it"),
    ] {
        let said = Start::minimal("").legacy(text).warned();
        assert!(said.contains(says), "{text}: {said}");
    }
    assert_eq!(Start::minimal("").legacy("org.jitsi.videobridge.HOST=1\nnet.java.sip.communicator.x=1").warned(), "");
}

#[test]
fn region_groups_are_groups() {
    for (groups, is, says) in [
        (
            "[us-east, us-west]",
            "null",
            ":3:31: jicofo.bridge.region-groups: expected groups of regions, found regions; write [ [\"us-east\", \"us-west\"] ] if",
        ),
        (
            "[[a, b], c]",
            "[[\"a\",\"b\"]]",
            ":3:40: jicofo.bridge.region-groups: expected a group of regions, found the region \"c\"; put",
        ),
        (
            "[[a, b, [c]], { x = 1 }]",
            "[[\"a\",\"b\"]]",
            ":3:39: jicofo.bridge.region-groups: expected a region, found a list",
        ),
        (
            "[[a, b, [c]], { x = 1 }]",
            "[[\"a\",\"b\"]]",
            ":3:45: jicofo.bridge.region-groups: expected a list, found an object",
        ),
        ("[[a, b, \" \"]]", "[[\"a\",\"b\"]]", "a region is blank"),
        ("\"[[a,b]]\"", "null", "expected a list, found text"),
        ("[]", "[]", ""),
    ] {
        let text = format!("jicofo.bridge.region-groups = {groups}");
        let loaded = Start::minimal(&text).load();
        let said = told(&loaded);
        // As the original does, which starts with all of these.
        assert!(!loaded.refuses() && said.contains(says) && (!says.is_empty() || said.is_empty()), "{text}: {said}");
        assert_eq!(shown(&loaded, "jicofo.bridge.region-groups"), is, "{text}");
    }
}

#[test]
fn every_part_of_a_list_that_is_wrong_is_told_at_its_place() {
    let text = "jicofo.xmpp.trusted-domains = [\n  good.x\n  \"a@b\",\n  \"http://x\"\n]";
    let said = Start::minimal(text).warned();
    for says in [":5:3: jicofo.xmpp.trusted-domains: expected a domain", ":6:3: jicofo.xmpp.trusted-domains: expected"]
    {
        assert!(said.contains(says), "{said}");
    }
    assert!(said.lines().all(|line| line.ends_with("; until then it counts as empty")), "{said}");
    let text = "jicofo.conference.source-signaling-delays {\n  50 = 500\n  many = 1\n  70 = 1s\n}";
    let said = Start::minimal(text).warned();
    assert!(said.contains(":5:10: ") && said.contains(":6:8: ") && !said.contains("default  is"), "{said}");
}

#[test]
fn what_is_missing_is_told_where_it_would_be() {
    for (text, says) in [
        (
            "jicofo {\n  xmpp {\n    client {\n      domain = a.x\n    }\n  }\n}",
            "jicofo.conf:3:12: jicofo.xmpp.client.password: is required",
        ),
        ("jicofo {\n  xmpp { }\n}", "jicofo.conf:2:8: jicofo.xmpp.client.domain: is required"),
        ("\n", "jicofo.conf: jicofo.xmpp.client.domain: is required"),
        ("jicofo.xmpp.service { enabled = true }", "jicofo.conf:1:21: jicofo.xmpp.service.password: is required"),
        (
            "jicofo.bridge.selection-strategy = VisitorSelectionStrategy",
            "jicofo.conf:1:36: jicofo.bridge.visitor-selection-strategy: is required",
        ),
        ("tracing {\n enabled = true }", "jicofo.conf:1:9: tracing.otlp-endpoint: is required"),
    ] {
        let said = Start::new().file(text).refused();
        assert!(said.contains(says), "{text}: {said}");
    }
    // What follows from another value has its place.
    tells("jicofo.xmpp.client.client-proxy = null", "jicofo.conf:3:35: jicofo.xmpp.client.client-proxy: is not set");
    tells(
        "jicofo.jibri.brewery-jid = \"jvb@conference.m.x\"",
        ":3:28: jicofo.jibri.brewery-jid: conference.m.x has the",
    );
    let all = Start::new().file("jicofo { octo.enabled = true, jibri.brewery-jid = \"j@x\" }").load();
    let without: Vec<&Problem> = all.problems.iter().filter(|problem| problem.origin.is_none()).collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn of_two_equal_numbers_the_one_that_a_person_wrote_is_wrong() {
    for text in
        ["jicofo.codec.video.vp8.pt = 101", "jicofo.codec.audio.opus.pt = 96", "jicofo.codec.video.h264.rtx-pt = 126"]
    {
        let said = Start::minimal(text).refused();
        let key = text.split(' ').next().unwrap_or_default();
        assert!(said.contains(&format!("jicofo.conf:3:{}: {key}: ", key.len() + 4)), "{text}: {said}");
    }
}

#[test]
fn hosts_accounts_and_resources_that_cannot_be_are_refused() {
    let keys = |name: &str| ["client", "service", "visitors.v1"].map(|section| format!("jicofo.xmpp.{section}.{name}"));
    let others = "jicofo.xmpp.service { enabled = true, domain = s.x, password = p }\n\
                  jicofo.xmpp.visitors.v1 { hostname = h, conference-service = c.v.x, xmpp-domain = v.x, password = p }\n";
    for (name, value, says) in [
        ("hostname", "http://x", "is no host; write no URL, but the host alone"),
        ("hostname", "x:5222", "the host alone, the port has a key of its own"),
        ("hostname", "focus@x", "the host alone, without an account"),
        ("hostname", "a b", "letters, digits, - and dots"),
        ("hostname", "5222", "a name or an address, this is a number"),
        ("hostname", "10.8.0.456", "an address of four numbers up to 255"),
        ("hostname", "a..b", "is no host"),
        ("hostname", "bücher.example", "its ASCII form, which begins with xn--"),
        ("hostname", "", "is blank; write a host, or remove the line"),
        ("username", "focus@auth.m.x", "is a whole address; write what stands before the @"),
        ("username", "the focus", "cannot be the name of an account"),
        ("username", " ", "is blank; write a name, or remove the line"),
        ("resource", "", "is blank; write a name, or remove the line"),
        ("resource", "\\u200e\\u0007", "cannot be a resource"),
    ] {
        for key in keys(name) {
            let said = Start::minimal(&format!("{others}{key} = \"{value}\"")).refused();
            assert!(
                said.contains("jicofo.conf:5:") && said.contains(&format!("{key}: ")) && said.contains(says),
                "{key} = {value:?}: {said}"
            );
        }
    }
    for host in
        ["localhost", "xmpp.meet.jitsi", "my_prosody", "10.8.0.4", "::1", "fe80::1%eth0", "meet.example.com.", "a-b"]
    {
        let account = Start::minimal(&format!("jicofo.xmpp.client.hostname = \"{host}\"")).config().xmpp.client.account;
        assert_eq!(account.hostname, host);
    }
    let config = Start::minimal("jicofo { xmpp.client.hostname = \"[::1]\", rest.host = \"[::]\" }").config();
    assert_eq!((config.xmpp.client.account.hostname.as_str(), config.rest.host.as_str()), ("::1", "::"));
    assert!(
        Start::minimal("jicofo.rest.host = \"127.0.0.1:8888\"").refused().contains("the port has a key of its own")
    );
}

#[test]
fn a_default_that_is_empty_is_called_so() {
    for key in schema::KEYS.iter().filter(|key| !key.path.contains('*')) {
        let said = told(&Start::minimal(&format!("{} = [[[1]]]", key.path)).load());
        assert!(!said.contains("default  "), "{}: {said}", key.path);
    }
    tells(
        "jicofo.xmpp.trusted-domains = x",
        "expected a list, found text; write [ \"x\" ]; until then it counts as empty",
    );
}

#[test]
fn variables_that_are_not_utf_8_do_not_vanish() {
    let with = |mut start: Start, name: &str| {
        start.sources.unreadable.insert(name.to_owned());
        start
    };
    for name in ["JAVA_SYS_PROPS", "JICOFO__XMPP__CLIENT__PORT", "net.java.sip.communicator.SC_HOME_DIR_NAME"] {
        let said = with(Start::minimal(""), name).refused();
        assert!(said.contains(&format!("error: environment {name}: is not UTF-8")), "{said}");
    }
    let said = with(Start::minimal(""), "JICOFO_LOG").warned();
    assert!(said.contains("warning: environment JICOFO_LOG: is not UTF-8"), "{said}");
    // Nothing reads these.
    for name in ["HOME", "JICOFO_AUTH_PASSWORD"] {
        assert_eq!(with(Start::minimal(""), name).warned(), "");
    }
    let classic = || Start::new().arguments("--domain=m.x --host=h");
    for (name, key) in [
        ("JICOFO_AUTH_PASSWORD", "jicofo.xmpp.client.password"),
        ("JICOFO_SECRET", "jicofo.xmpp.component.secret"),
        ("JICOFO_AUTH_PASSWORD_FILE", "jicofo.xmpp.client.password-file"),
    ] {
        let said = with(classic(), name).refused();
        assert!(said.contains(&format!("error: environment {name}: {key}: is not UTF-8")), "{said}");
    }
    let said = with(Start::new().file("jicofo.xmpp.client.domain = a.x"), "JICOFO_AUTH_PASSWORD").refused();
    assert!(said.contains("environment JICOFO_AUTH_PASSWORD: jicofo.xmpp.client.password: is not UTF-8"), "{said}");
    assert!(
        classic()
            .arguments("--domain=m.x --user_password=\u{fffd}x")
            .refused()
            .contains("--user_password: jicofo.xmpp.client.password: is not")
    );
    for text in ["jicofo.local-region = ${REGION}", "jicofo.local-region = ${?REGION}"] {
        let said = with(Start::minimal(text), "REGION").refused();
        assert!(said.contains(":3:23: the environment variable REGION is not UTF-8; set it"), "{said}");
    }
    // One that a key stands in front of is not looked at.
    assert_eq!(with(Start::minimal("r.x = eu\njicofo.local-region = ${r.x}"), "r.x").warned(), "");
}

#[test]
fn broken_escapes_and_nul_in_properties_are_told_at_their_place() {
    for (text, says) in [
        (
            "# \\u\na=1\n  org.jitsi.jicofo.FOCUS_USER_PASSWORD = ab\\users",
            "properties:3:44: org.jitsi.jicofo.FOCUS_USER_PASSWORD: \\u must be followed by four",
        ),
        ("org.jitsi.jicofo.LONG = a\\\n  b\\u00g0", "properties:2:4: org.jitsi.jicofo.LONG: \\u must be"),
        (
            "a\\u1 = 1",
            "properties:1:2: \\u must be followed by four hexadecimal digits; write a backslash itself as \\\\",
        ),
        ("a = x\\u+041", "properties:1:6: a: \\u must be"),
        ("a = x\0y", "properties:1:6: a: a control character (U+0000) has no place here; remove it"),
        ("a = x\\u0000y", "properties:1:6: a: a control character (U+0000)"),
        ("a = x\\\u{1}", "properties:1:6: a: a control character (U+0001)"),
    ] {
        let said = Start::minimal("").legacy(text).refused();
        assert!(said.contains(says), "{text:?}: {said}");
        assert!(!said.contains("sers"), "{said}");
        // The same as a file of its own.
        let mut start = Start::new();
        start.sources.config_file = Some(start.folder().join("sip.properties"));
        let said = start.beside("sip.properties", text).refused();
        assert!(said.contains(says), "{text:?}: {said}");
    }
    let mut start = Start::new();
    let file = start.folder().join("jicofo.properties");
    start.sources.config_file = Some(file.clone());
    let text = b"jicofo.xmpp.client.domain=a.x\r# \xe9\rjicofo.xmpp.client.password=caf\xe9\n";
    fs::write(file, text).expect("the temporary folder can be written");
    let said = start.refused();
    assert!(said.contains("properties:3:29: jicofo.xmpp.client.password: this is not UTF-8; save"), "{said}");
    let start = start.beside("jicofo.properties", "jicofo..x = 1\njicofo.xmpp.client{domain = a.x");
    let said = start.refused();
    assert!(said.contains("properties:1:13: jicofo..x: an element of this name is empty"), "{said}");
}

/// spec/70 §1: "With `-D` instead of the file the link does work."
#[test]
fn a_system_property_takes_linked_defaults_along() {
    let bob = |start: Start| start.system("jicofo.xmpp.client.username", "bob");
    let resource = |start: Start| start.config().xmpp.client.account.resource;
    assert_eq!(resource(bob(Start::minimal(""))), "bob");
    assert_eq!(resource(bob(Start::minimal("jicofo.xmpp.client.resource = r"))), "r");
    assert_eq!(resource(bob(Start::minimal("")).system("jicofo.xmpp.client.resource", "r")), "r");
    // The file changes the name alone.
    assert_eq!(resource(bob(Start::minimal("jicofo.xmpp.client.username = alice"))), "bob");
    assert_eq!(resource(Start::minimal("jicofo.xmpp.client.username = alice")), "focus");
    let start =
        Start::minimal("").system("jicofo.sctp.enabled", "off").system("jicofo.conference.max-ssrcs-per-user", "50");
    let config = start.config();
    assert!(!config.octo.sctp_datachannels && !config.sctp.enabled);
    assert_eq!((config.conference.max_ssrcs_per_user, config.conference.max_ssrc_groups_per_user), (50, 50));
    let loaded = start.load();
    let origin = &loaded.settings.entries["jicofo.octo.sctp-datachannels"].origin;
    assert_eq!(origin.to_string(), "from -Djicofo.sctp.enabled");
    let said = Start::minimal("").system("jicofo.sctp.enabled", "loud").warned();
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_mark_that_an_editor_puts_before_a_secret_does_not_belong_to_it() {
    let mut start = Start::new().beside("pw", "\u{feff}geheim\n");
    let file = start.folder().join("pw").display().to_string();
    start = start.file("jicofo.xmpp.client.domain = a.x").env("JICOFO_AUTH_PASSWORD_FILE", &file);
    assert_eq!(start.config().xmpp.client.account.password.as_ref().map(Secret::expose), Some("geheim"));
    let said = start.beside("pw", "\u{feff}\n").refused();
    assert!(said.contains("it is empty"), "{said}");
}

#[test]
fn of_half_a_file_there_are_problems_and_no_values() {
    let json = report::json(&Start::new().file("jicofo {\n  octo.enabled = true\n").load());
    assert_eq!((&json["valid"], &json["complete"]), (&false.into(), &false.into()));
    assert!(json["values"].as_object().is_some_and(|values| values.is_empty()), "{json}");
    let problem = &json["problems"][0];
    assert_eq!((&problem["line"], &problem["column"], &problem["severity"]), (&1.into(), &8.into(), &"error".into()));
    let json = report::json(&Start::minimal("").load());
    assert_eq!((&json["valid"], &json["complete"]), (&true.into(), &true.into()));
    assert_eq!(json["values"]["jicofo.octo.enabled"]["value"], false);
}

#[test]
fn what_follows_from_a_mistake_is_not_told_beside_it() {
    for (text, says) in [
        (
            "jicofo.authentication { enabled = true, type = jwt, login-url = m.x }",
            "\"jwt\" is not allowed; write one of XMPP, JWT, NONE",
        ),
        (
            "tracing { enabled = true, otlp-endpoint = \"http://h:1\", otlp-protocol = http2 }",
            "\"http2\" is not allowed",
        ),
        ("jicofo.bridge.brewery-jid = jvb", "expected an address room@domain"),
    ] {
        let said = told(&Start::minimal(text).load());
        let told: Vec<&str> = said.lines().filter(|line| !line.contains("not effective yet")).collect();
        assert!(told.len() == 1 && told[0].contains(says), "{text}: {said}");
    }
}

#[test]
fn a_domain_is_told_what_is_wrong_with_it() {
    for (domain, says) in [
        ("https://m.x", "write no URL, but the domain alone"),
        ("focus@m.x", "write what stands after the @"),
        ("m.x/y", "write what stands before the /"),
        ("m.x:5222", "write the domain alone, without a port"),
        ("“m.x”", "write one"),
        ("", "write one, or remove the line"),
    ] {
        let said = Start::minimal(&format!("jicofo.xmpp.client.domain = \"{domain}\"")).refused();
        assert!(said.contains(":3:29: jicofo.xmpp.client.domain: expected a domain") && said.contains(says), "{said}");
    }
}

/// Whatever is written into all keys at once.
#[test]
fn every_problem_has_a_place_and_a_key_and_says_what_to_do() {
    let bad = [
        "geheim geheim",
        "[1]",
        "{ a = b }",
        "-5",
        "\"\"",
        "null",
        "1e99",
        "\"http://x:1/\"",
        "true",
        "0",
        "99999999999",
    ];
    for value in bad.into_iter().chain(["\"\\u0001\"", "[[a], b, {}]", "\"${x}\"", "'x'", "{ \"1\" = 2 }", "5 m"]) {
        let lines: Vec<String> =
            schema::KEYS.iter().map(|key| format!("{} = {value}", key.path.replace('*', "v1"))).collect();
        let loaded = Start::minimal(&lines.join("\n")).load();
        assert!(!loaded.problems.is_empty(), "{value}");
        for problem in &loaded.problems {
            let Some(Origin::File { line: 1.., column: 1.., .. }) = &problem.origin else {
                panic!("{value}: no place: {problem:?}");
            };
            assert!(problem.key.is_some(), "{value}: {problem:?}");
            assert!(problem.text.contains([';', '?']), "{value}: nothing to do: {problem}");
            let secret = problem.key.as_ref().is_some_and(|key| key.ends_with("password") || key.ends_with("secret"));
            assert!(!secret || !problem.text.contains("geheim"), "{problem}");
        }
    }
}
