//! `jicofo explain-auth`: what would become of a request, with the rules of the running focus.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use jicofo::focus::auth::Rule;
use jicofo::focus::request::rules::{GeneralRule, RoomRule};

const XMPP: &str = "jicofo.authentication { enabled = true, type = XMPP, login-url = meet.example.com }";
const GUEST: &str = "focus.meet.example.com/g1@guest.meet.example.com/r1";
const HOST: &str = "focus.meet.example.com/alice@meet.example.com/r2";

/// Runs it with a configuration of its own; exit code, output, complaints.
fn explain(more: &str, arguments: &str) -> (Option<i32>, String, String) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("jicofo-explain-{}-{}.conf", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let file = std::env::temp_dir().join(name);
    let text = format!(
        "jicofo.xmpp.client {{ domain = auth.meet.example.com, password = geheim, xmpp-domain = meet.example.com, \
         client-proxy = focus.meet.example.com }}\n{more}\n"
    );
    fs::write(&file, text).expect("the temporary folder can be written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jicofo"));
    command.arg("explain-auth").args(arguments.split_whitespace()).arg("--config").arg(&file);
    let output = command.env_clear().stdin(Stdio::null()).output().expect("the binary was built for this test");
    let _ = fs::remove_file(file);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn explained(more: &str, arguments: &str) -> String {
    let (code, said, wrong) = explain(more, arguments);
    assert_eq!((code, wrong.as_str()), (Some(0), ""), "{said}");
    said
}

#[test]
fn each_rule_is_named_with_what_is_answered_and_what_to_change() {
    let from = |who: &str, more: &str| format!("--request --room daily --from {who} {more}");
    let mut seen = BTreeSet::new();
    for (configured, arguments, rule, says) in [
        ("", from(GUEST, ""), Rule::AuthenticationOff, ["let in", "the first who comes", "enabled = true"]),
        (
            XMPP,
            from(GUEST, ""),
            Rule::NotAuthorized,
            ["refused", "error not-authorized", "users of guest.meet.example.com are guests"],
        ),
        (
            XMPP,
            from(GUEST, "--room-exists"),
            Rule::RoomExists,
            ["let in", "without session-id", "a lobby or a password"],
        ),
        (XMPP, from(GUEST, "--breakouts-open"), Rule::BreakoutsOpen, ["let in", "ready", "last breakout room"]),
        (XMPP, from(HOST, ""), Rule::LoggedIn, ["let in", "alice@meet.example.com as identity", "anonymousdomain"]),
        (XMPP, from(HOST, "--machine-uid none"), Rule::MachineMissing, ["refused", "not-acceptable", "machine-uid"]),
        (XMPP, from(HOST, "--session=unknown"), Rule::SessionUnknown, ["refused", "session-invalid", "restart"]),
        (
            XMPP,
            from(GUEST, "--session known"),
            Rule::SessionKnown,
            ["let in", "g1@guest.meet.example.com is made owner", "log out"],
        ),
        (
            XMPP,
            from(GUEST, "--session known --machine-uid other"),
            Rule::MachineMismatch,
            ["refused", "not-acceptable", "log in there again"],
        ),
        (
            XMPP,
            "--room u1@breakout.meet.example.com".to_owned(),
            Rule::BreakoutRoom,
            ["let in", "somebody without an address (HTTP)", "module of breakout rooms"],
        ),
        (
            XMPP,
            from(HOST, "--machine-uid long"),
            Rule::MachineTooLong,
            ["refused", "not-acceptable", "32 hex digits of its own"],
        ),
        (
            XMPP,
            from(GUEST, "--bound"),
            Rule::Bound,
            ["let in", "g1@guest.meet.example.com is made owner", "until the session ends"],
        ),
    ] {
        seen.insert(rule);
        let said = explained(configured, &arguments);
        assert!(said.contains(&format!(", by rule {}\n", rule.name())), "{arguments}: {said}");
        assert!(said.contains(rule.words()), "{arguments}: {said}");
        for text in says {
            assert!(said.contains(text), "{arguments}: {text:?} in\n{said}");
        }
        // What may still stop a running focus it cannot know.
        for later in GeneralRule::AFTER_AUTHENTICATION {
            assert_eq!(said.contains(later.name()), rule.refusal().is_none(), "{arguments}: {later} in\n{said}");
        }
        assert!(!said.contains("geheim"));
    }
    assert!(seen.iter().eq(BTreeSet::from(Rule::ALL).iter()), "{seen:?}");
}

/// As the focus elects and appoints them: in breakout rooms nobody is elected, and whoever used a session is made owner.
#[test]
fn who_leads_is_told_as_the_focus_appoints() {
    let breakout = "u1@breakout.meet.example.com";
    for (configured, arguments, owner) in [
        ("", format!("--room {breakout} --from {GUEST}"), "nobody is elected; in a breakout room"),
        (XMPP, format!("--room {breakout} --from {GUEST}"), "not this one, unless the address used a session before"),
        (XMPP, format!("--room {breakout} --from {HOST} --bound"), "alice@meet.example.com is made owner"),
        (
            XMPP,
            format!("--room {breakout} --from {HOST} --session known"),
            "alice@meet.example.com is made owner if it used its session from alice@meet.example.com/r2 before",
        ),
        (XMPP, format!("--room daily --from {GUEST} --room-exists --bound"), "g1@guest.meet.example.com is made owner"),
        (XMPP, format!("--room daily --from {GUEST} --room-exists"), "not this one"),
        ("jicofo.conference.enable-auto-owner = false", format!("--room daily --from {GUEST}"), "nobody (jicofo.conf"),
    ] {
        let said = explained(configured, &arguments);
        let line = said.lines().find_map(|line| line.strip_prefix("owner ")).expect("it says who leads").trim();
        assert!(line.starts_with(owner), "{arguments}: {said}");
    }
}

#[test]
fn a_brewery_is_refused_whoever_asks() {
    for section in ["bridge", "jigasi", "jibri"] {
        let configured = format!("jicofo.{section}.brewery-jid = \"brewery@conference.meet.example.com\"");
        let said = explained(&configured, &format!("--room Brewery --from {HOST}"));
        assert!(said.contains("refused, by rule brewery, before any other is asked\n"), "{said}");
        assert!(said.contains("error not-allowed: This room is not for conferences.\n"), "{said}");
        assert!(
            explained(&configured, "--room brewery").contains("400 Bad request: This room is not for conferences.\n")
        );
        assert!(explained(&configured, &format!("--room brewery2 --from {HOST}")).contains("let in"));
    }
}

#[test]
fn who_asks_is_read_as_the_focus_reads_it() {
    let said = explained(XMPP, &format!("--room daily --from {HOST}"));
    assert!(said.contains("alice@meet.example.com/r2, behind the client proxy focus.meet.example.com"), "{said}");
    assert!(said.contains("daily@conference.meet.example.com: there is no such conference"), "{said}");
    let direct = explained(XMPP, "--room daily --from alice@meet.example.com/r2");
    assert!(direct.contains("alice@meet.example.com/r2, directly") && direct.contains("by rule logged-in"), "{direct}");
    let other = explained(XMPP, "--room daily --from evil.example.com/alice@meet.example.com/r2");
    assert!(other.contains("evil.example.com/alice@meet.example.com/r2, directly"), "{other}");
    // The commonest mistake of all.
    let unset = format!("{XMPP}\njicofo.xmpp.client.client-proxy = null");
    let said = explained(&unset, &format!("--room daily --from {HOST}"));
    assert!(said.contains("by rule not-authorized"), "{said}");
    assert!(said.contains("write client-proxy = \"focus.meet.example.com\""), "{said}");
}

/// The secure domain does not work over HTTP (spec/10 §11.4), and nobody must be told that it does.
#[test]
fn over_http_it_answers_as_http_does() {
    let fails = "remove conferenceRequestUrl from its config.js";
    let said = explained(XMPP, "--request --room daily");
    for text in [
        "refused, by rule not-authorized\n",
        "answer    403: nobody in the client listens",
        "owner     nobody comes\n",
        fails,
    ] {
        assert!(said.contains(text), "{text:?} in\n{said}");
    }
    for never in ["every 5 s", "users of ", "error not-authorized"] {
        assert!(!said.contains(never), "{never:?} in\n{said}");
    }
    for (arguments, answer) in [
        ("--room-exists", "200, ready, without session-id"),
        ("--session known", "200, ready, with a session-id"),
        ("--session unknown", "400 invalid-session"),
        ("--session known --machine-uid other", "400 invalid-session"),
    ] {
        let said = explained(XMPP, &format!("--room daily {arguments}"));
        assert!(said.contains(&format!("\nanswer    {answer}")) && said.contains(fails), "{arguments}: {said}");
    }
    let said = explained("", "--room daily");
    assert!(
        said.contains("200, ready") && said.contains("owner     the first who comes") && !said.contains(fails),
        "{said}"
    );
    for (configured, why, answer) in [
        ("jicofo.rest.enabled = false", "jicofo.rest.enabled is false", "nobody listens"),
        ("jicofo.rest.conference-request.enabled = false", "jicofo.rest.conference-request.enabled is false", "404"),
    ] {
        let said = explained(&format!("{XMPP}\n{configured}"), "--room daily");
        assert!(said.contains("decision  not served\n") && !said.contains("let in"), "{said}");
        assert!(
            said.contains(&format!("because   {why}")) && said.contains(&format!("answer    {answer}: the")),
            "{said}"
        );
        assert!(said.contains("remove conferenceRequestUrl"), "{said}");
        // Who asks over XMPP does not care.
        assert!(explained(configured, &format!("--room daily --from {GUEST}")).contains("let in"));
    }
}

#[test]
fn who_is_on_the_login_domain_is_told_what_his_address_lacks() {
    for from in ["alice@meet.example.com", "meet.example.com/r2", "focus.meet.example.com/alice@meet.example.com"] {
        let said = explained(XMPP, &format!("--room daily --from {from}"));
        assert!(said.contains("by rule not-authorized") && !said.contains("are guests"), "{said}");
        assert!(said.contains("is no full address") && said.contains("user@meet.example.com/resource"), "{said}");
    }
}

#[test]
fn tokens_have_their_own_lifetime() {
    let tokens = "jicofo.authentication { enabled = true, type = JWT, login-url = meet.example.com }";
    let said = explained(tokens, &format!("--room daily --from {HOST}"));
    assert!(said.contains("JWT: whom meet.example.com lets in with a token") && said.contains("lives 60 s"), "{said}");
    let said = explained(XMPP, &format!("--room daily --from {HOST}"));
    assert!(said.contains("a session lives 24 h after its last use\n"), "{said}");
}

#[test]
fn what_makes_no_sense_is_said() {
    for (arguments, says) in [
        ("--from g1@guest.meet.example.com/r1", "no room is named; write --room NAME"),
        ("--room a@b@c", "--room a@b@c"),
        ("--room daily --from a@b@c", "--from a@b@c"),
    ] {
        let (code, said, wrong) = explain(XMPP, arguments);
        assert!(code == Some(1) && said.is_empty() && wrong.contains(says), "{arguments}: {wrong}");
    }
    // Whatever is not understood is not passed over: an answer to another question would be believed.
    for (arguments, says) in [
        ("--room daily --session foo", "--session is none of none, known, unknown"),
        ("--room daily --machine-uid=1", "--machine-uid is none of same, other, none, long"),
        ("--room daily --sesion known", "the argument --sesion means nothing here"),
        ("--sesion --room daily", "the argument --sesion means nothing here"),
        ("--room daily known", "an argument that is no flag means nothing here"),
        ("--room daily --bound=false", "--bound has no value"),
        ("--room daily --from", "--from must be followed by its value"),
        ("--room --bound", "--room must be followed by its value"),
    ] {
        let (code, said, wrong) = explain(XMPP, arguments);
        assert!(code == Some(78) && said.is_empty() && wrong.contains(says), "{arguments}: {code:?} {said} {wrong}");
    }
    let (code, _, wrong) = explain("jicofo.authentication { enabled = true, type = SHIBBOLETH }", "--room daily");
    assert!(code == Some(78) && wrong.contains("Shibboleth has been gone since 2023"), "{wrong}");
}

/// The page of the secure domain names every rule, in the order in which they are asked, and no other; its command works.
#[test]
fn the_page_says_what_the_program_does() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SECURE-DOMAIN.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rules: Vec<(&str, bool)> = rows.map(|(name, answer)| (name, answer.starts_with("refused"))).collect();
    use GeneralRule::{AuthenticatedOwner, AutoOwner, BadRoom, Brewery, Door, LoginUrl, Logout};
    use GeneralRule::{TooManyRequests, TooManyRooms};
    let general = |rules: &[GeneralRule]| -> Vec<(&str, bool)> {
        rules
            .iter()
            .map(|rule| (rule.name(), matches!(rule, TooManyRequests | BadRoom | Brewery | TooManyRooms)))
            .collect()
    };
    let of_authentication = Rule::ALL.iter().map(|rule| (rule.name(), rule.refusal().is_some())).collect();
    let mut after = general(&GeneralRule::AFTER_AUTHENTICATION);
    after.extend(general(&[LoginUrl, Logout, AuthenticatedOwner, AutoOwner]));
    let in_rooms = RoomRule::ALL.iter().map(|rule| (rule.name(), rule.refuses())).collect();
    let expected: Vec<(&str, bool)> =
        [general(&[TooManyRequests, BadRoom, Brewery, Door]), of_authentication, after, in_rooms].concat();
    assert_eq!(rules, expected);
    assert_eq!(expected.len(), Rule::ALL.len() + GeneralRule::ALL.len() + RoomRule::ALL.len());
    let command = page.lines().find_map(|line| line.strip_prefix("jicofo explain-auth ")).expect("the command");
    assert!(explained(XMPP, command).contains("by rule not-authorized"));
}

/// No line of the log makes up a name of a rule by itself: each comes from the tables of which the page is compared with.
#[test]
fn every_line_has_the_name_of_its_rule_from_the_tables() {
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            match entry.is_dir() {
                true => sources(&entry, found),
                false => found.push(entry),
            }
        }
    }
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
    let mut named = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        // Of what is said in comments nobody is told.
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (_, after) in line.match_indices("by rule ").map(|(at, found)| line.split_at(at + found.len())) {
                assert!(after.starts_with('{'), "{}: {line}", file.display());
                named += 1;
            }
        }
    }
    assert!(named >= 8, "{named}");
}
