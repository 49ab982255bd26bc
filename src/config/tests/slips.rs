//! Slips: another syntax, a character too many or too few, values that are allowed and not meant.

use super::*;

/// What people write who know another syntax, or nearly this one.
#[test]
fn a_slip_in_the_syntax_is_told_with_what_was_meant() {
    for (text, says) in [
        (
            "jicofo:\n  xmpp:\n    client:\n      hostname: h",
            ":3:1: jicofo: the value is missing, the next line has a key of its own; write the value, or a section as jicofo { … }",
        ),
        ("jicofo.rest {\n  port =\n  host = h\n}", ":4:3: jicofo.rest.port: the value is missing"),
        (
            "jicofo {\n  xmpp {\n    client {\n      port = 1\n  }\n}",
            ":3:8: jicofo: this brace is never closed; add the missing }; going by the indentation, it is missing for the section \
             that begins on line 5",
        ),
        (
            "jicofo.xmpp { client.password = ab#cd }",
            "this brace is never closed; add the missing }; what comes after a # is a comment",
        ),
        ("jicofo {\n  xmpp.client.password = a@b\n}", ":4:27: jicofo.xmpp.client.password: found '@'"),
        (
            "{ jicofo { rest { port = 1 host = h } } }",
            ":1:33: jicofo.rest.port: found '=' after several words; write a comma",
        ),
        (
            "jicofo { local-region = \"eu\" \"rest\": {} }",
            "found ':' after several words; write a comma or a line end before a key",
        ),
        ("include nope.conf", ":3:1: an include must name one file in double quotes; write include \"name.conf\""),
        ("include('nope.conf')", ":3:1: an include must name one file in double quotes"),
        (
            "jicofo.local-region = ${REGION:-eu}",
            ":3:23: jicofo.local-region: there are no defaults within ${…}; write `key = default`",
        ),
    ] {
        let said = Start::minimal(text).refused();
        // One of them has to begin the file.
        let said = if text.starts_with('{') { Start::new().file(text).refused() } else { said };
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn what_is_allowed_and_is_probably_not_meant_is_told() {
    for (text, says) in [
        (
            "jicofo.xmpp.client.password = ab#geheim",
            ":3:33: jicofo.xmpp.client.password: the value ends where the comment begins",
        ),
        ("jicofo.xmpp.client.password = ab//geheim", "the value ends where the comment begins"),
        (
            "jicofo.xmpp.client.password = “geheim”",
            "jicofo.xmpp.client.password: single and typographic quotes count as a part",
        ),
        (
            "jicofo.'octo' { enabled = true }",
            "jicofo.'octo': single and typographic quotes count as a part of the name",
        ),
        ("'jicofo' { octo.enabled = true }", "'jicofo': single and typographic quotes count as a part of the name"),
        ("jicofo.local-region = \"${REGION}\"", ":3:23: jicofo.local-region: ${…} within quotes is not replaced"),
        (
            "jicofo.xmpp.client.reply-timeout = 15",
            ":3:36: jicofo.xmpp.client.reply-timeout: a number without a unit is milliseconds",
        ),
        ("jicofo.conference.initial-timeout = \"20\"", "a number without a unit is milliseconds"),
        (
            "jicofo.codec.video.vp8 = off",
            "is a section, but text stands here, so that nothing of it is read; write jicofo.codec.video.vp8.enabled = off",
        ),
        ("jicofo.health = 5", "write jicofo.health { … }"),
        ("jicofo.xmpp.visitors = [ { hostname = h } ]", "give each node a name: visitors { v1 { … } }"),
        ("jicofo.xmpp.trusted-domains = \"a.x, b.x\"", "expected a list, found text; write [ \"a.x\", \"b.x\" ]"),
        ("jicofo.xmpp.trusted-domains = [ a.x b.x ]", "between two of them has to be a comma, outside of quotes"),
        (
            "include \"conf.d/*.conf\"",
            ":3:1: no pattern is searched for, so nothing is included; include each file by its name",
        ),
        (
            "include \"other.cfg\"",
            "other.cfg is there, but only .conf, .json, .properties and .toml are included; rename it",
        ),
        (
            "JICOFO_SECRET = geheim",
            "JICOFO_SECRET: variables of the environment are not read from here; is this a file for --environment-file?",
        ),
    ] {
        let start = Start::minimal(text).beside("other.cfg", "");
        let said = start.warned();
        assert!(said.contains(says) && !said.contains("geheim"), "{text}: {said}");
    }
    for text in [
        "jicofo.xmpp.client.password = \"ab#cd\" # c",
        "jicofo.rest.port = 8888 // c",
        "jicofo.conference.initial-timeout = 15000",
        "jicofo.bridge.health-checks.retry-delay = 500",
        "url = \"https://x/a#b\"",
        "jicofo.translation.url-template = \"wss://x/{{MEETING_ID}}/$x\"",
    ] {
        let said = Start::minimal(text).warned();
        assert!(
            !said.contains("comment begins") && !said.contains("quotes") && !said.contains("milliseconds"),
            "{text}: {said}"
        );
    }
}

#[test]
fn files_that_no_editor_of_today_writes_are_told_as_what_they_are() {
    let mut start = Start::new().file("");
    let file = start.folder().join("jicofo.conf");
    for (bytes, says) in [
        (b"\xff\xfej\0i\0".as_slice(), "jicofo.conf:1:1: the file is UTF-16; save it as UTF-8"),
        (b"\xfe\xff\0j\0i".as_slice(), "jicofo.conf:1:1: the file is UTF-16; save it as UTF-8"),
        (
            b"jicofo.rest.port = 1\rjicofo.octo.enabled = true\r".as_slice(),
            "its lines end in CR alone: save it with LF",
        ),
    ] {
        fs::write(&file, bytes).expect("the temporary folder can be written");
        let said = start.refused();
        assert!(said.contains(says), "{said}");
    }
    let mut start = Start::new();
    start.sources.config_file = Some(start.folder().join("a.properties"));
    let said = start.beside("a.properties", "jicofo {\n  octo { enabled = true }\n}\n").refused();
    assert!(said.contains("a.properties:1:8: this looks like HOCON, whose files are named .conf; rename it"), "{said}");
}

#[test]
fn old_values_that_mean_something_else_are_told() {
    for (text, says) in [
        (
            "ENABLE_H264=yes",
            "properties:1:30: org.jitsi.jicofo.ENABLE_H264: \"yes\" counts as false, as only `true` is true here",
        ),
        (
            "HEALTH_CHECK_2NDTRY_DELAY=10s",
            "HEALTH_CHECK_2NDTRY_DELAY: expected a number of milliseconds; write digits only",
        ),
        ("jibri.PENDING_TIMEOUT=90 s", "jibri.PENDING_TIMEOUT: expected a number of seconds; write digits only"),
        (
            "BRIDGE_MUC=JvbBrewery",
            "BRIDGE_MUC: expected an address room@domain, found \"JvbBrewery\"; write one; it is passed over",
        ),
        (
            "SINGLE_PARTICIPANT_TIMEOUT=1",
            ":1:45: org.jitsi.jicofo.SINGLE_PARTICIPANT_TIMEOUT: has no effect, as in the original",
        ),
    ] {
        let said = Start::minimal("").legacy(&format!("org.jitsi.jicofo.{text}")).warned();
        assert!(said.contains(says), "{text}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    // To pass these over would be to log in somewhere else.
    for (text, says) in [
        (
            "HOSTNAME=\"localhost\"",
            ":1:27: jicofo.xmpp.client.hostname: \"\\\"localhost\\\"\" is no host; write it without these",
        ),
        ("HOSTNAME=h:5222", ":1:27: jicofo.xmpp.client.hostname: \"h:5222\" is no host; write the host alone"),
        ("FOCUS_USER_NAME=focus@a.x", ":1:34: jicofo.xmpp.client.username: \"focus@a.x\" is a whole address"),
    ] {
        let said = Start::minimal("").legacy(&format!("org.jitsi.jicofo.{text}")).refused();
        assert!(said.contains(says) && said.matches("error: ").count() == 1, "{text}: {said}");
    }
    let said = Start::new().arguments("--domain=m.x --host=h:1 --user_name=a@b --port=x").refused();
    assert!(said.contains("error: --host: jicofo.xmpp.client.hostname: \"h:1\" is no host"), "{said}");
    assert!(said.contains("error: --user_name: jicofo.xmpp.client.username: \"a@b\" is a whole address"), "{said}");
    // The line that asks for it is the one to look at.
    for (text, says) in [
        ("BRIDGE_MUC_XMPP_HOST=h", "properties:1:39: jicofo.xmpp.service.domain: is required"),
        ("auth.URL=XMPP:", "properties:1:27: org.jitsi.jicofo.auth.URL: there is no domain behind XMPP:; write"),
        ("auth.URL=EXT_JWT:https://a.x", "properties:1:27: org.jitsi.jicofo.auth.URL: expected a domain"),
    ] {
        let said = Start::minimal("").legacy(&format!("org.jitsi.jicofo.{text}")).refused();
        assert!(said.contains(says), "{text}: {said}");
        assert!(said.starts_with("error: ") && !said.contains("passed over"), "{text}: {said}");
    }
}

#[test]
fn slips_in_variables_are_told() {
    for (name, value, says) in [
        (
            "JICOFO_XMPP_CLIENT_PORT",
            "5223",
            "environment JICOFO_XMPP_CLIENT_PORT: nothing reads this variable; did you mean JICOFO__XMPP__CLIENT__PORT?",
        ),
        ("JAVA_SYS_PROPS", "-Dx=\"y", "environment JAVA_SYS_PROPS: a quote in it is never closed"),
    ] {
        let said = Start::minimal("").env(name, value).warned();
        assert!(said.contains(says), "{said}");
    }
    // Docker's own, which its template writes into the file.
    let start = Start::minimal("jicofo.bridge.region-groups = [[a,b]]").env("JICOFO_BRIDGE_REGION_GROUPS", "[[a,b]]");
    assert_eq!(start.env("JICOFO_ENABLE_REST", "1").warned(), "");
    let said = Start::minimal("").env("JICOFO__XMPP__TRUSTED_DOMAINS", "[\"a\",\"b").refused();
    assert!(said.contains("expected list of domains as JSON; write [\"a.example\",\"b.example\"]"), "{said}");
    let said = Start::minimal("").env("JICOFO__XMPP__VISITORS__V1__PORT", "1").refused();
    assert!(
        said.contains("environment JICOFO__XMPP__VISITORS__V1__PORT: jicofo.xmpp.visitors.v1.hostname: is required"),
        "{said}"
    );
    // A variable that adds to a section does not move it.
    let said =
        Start::new().file("jicofo.xmpp.client { domain = a.x }").env("JICOFO__XMPP__CLIENT__PORT", "1").refused();
    assert!(said.contains("jicofo.conf:1:20: jicofo.xmpp.client.password: is required"), "{said}");
}

#[test]
fn a_file_of_the_other_syntax_is_recognised() {
    for (name, text, says) in [
        (
            "a.conf",
            "# c\n[jicofo.xmpp.client]\ndomain = \"a.x\"\n",
            "a.conf:2:1: found '[' where a key was expected; a [section] is TOML: name the file .toml",
        ),
        ("a.conf", "x = 1\n[jicofo.rest] # c\n", "a.conf:2:1: found '[' where a key was expected; a [section] is TOML"),
        ("a.conf", "[1, 2]", "a.conf:1:1: the file is a list"),
        (
            "a.toml",
            "jicofo {\n  octo.enabled = true\n}\n",
            "a.toml:1:8: this is not TOML: key with no value, expected `=`; it looks like HOCON, whose files are named .conf; rename it",
        ),
        ("a.toml", "jicofo.x = 1\ninclude \"b.conf\"\n", "it looks like HOCON"),
        ("a.toml", "{ \"jicofo\": {} }", "it looks like HOCON"),
        ("a.toml", "jicofo.x = { a = 1\n", "; correct it"),
        (
            "a.TOML",
            "[jicofo.xmpp.client]\nport = \"x\"\n",
            "a.TOML:2:8: jicofo.xmpp.client.port: expected a whole number",
        ),
    ] {
        let mut start = Start::new();
        start.sources.config_file = Some(start.folder().join(name));
        let said = start.beside(name, text).refused();
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn single_quotes_are_no_quotes() {
    let said = told(&Start::minimal("jicofo.xmpp.client.password = 'geheim'").load());
    let says = ":3:31: jicofo.xmpp.client.password: single and typographic quotes count as a part";
    assert!(said.contains(says) && !said.contains("geheim"), "{said}");
    assert!(!told(&Start::minimal("jicofo.xmpp.client.password = \"'x'\"").load()).contains("typographic"));
}
