//! Who may start a conference, and what those who may not are told. The names are those of spec/10 §12.

use jicofo::config::{AuthenticationType, Config};
use jicofo::focus::request::json;
use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::stanza::{Iq, IqBody, Payload, Stanza};
use jicofo::wire::xml;
use testkit::Time;
use testkit::logs::{keep_lines, take_lines};
use testkit::ns;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::{Element, Read};

use crate::support::*;

pub const GUEST: &str = "g1@guest.meet.test/r1";
pub const HOST: &str = "alice@meet.test/r2";
const OTHER: &str = "other@conference.meet.test";

/// Hosts log in on the main domain.
pub fn secured(config: &mut Config) {
    config.authentication.kind = AuthenticationType::Xmpp;
    config.authentication.login_url = Some("meet.test".into());
}

/// With a guest `g` and a host `a`.
fn with_both(builder: Builder) -> Scenario {
    let mut s = builder.start();
    connect(&mut s, "g", GUEST);
    connect(&mut s, "a", HOST);
    s
}

fn secure() -> Scenario {
    with_both(Scenario::new().config(secured))
}

/// The answer to a request with these attributes.
pub fn ask_with(s: &mut Scenario, label: &str, room: &str, attributes: &str) -> Element {
    let id = format!("{label}-{}", s.sent_to(label).count());
    request(s, label, &id, &format!("<conference xmlns='{}' room='{room}' {attributes}/>", ns::FOCUS));
    s.run_for(Time::from_millis(100));
    only(s, label, &id)
}

/// The id of the session that an answer gives.
#[track_caller]
pub fn session(answer: &Element) -> String {
    assert_eq!(of_conference(answer, "ready"), Some("true"), "{answer:?}");
    of_conference(answer, "session-id").expect("a session").to_owned()
}

#[track_caller]
fn is_guest(answer: &Element) {
    assert_eq!(of_conference(answer, "ready"), Some("true"), "{answer:?}");
    assert_eq!((of_conference(answer, "session-id"), of_conference(answer, "identity")), (None, None));
}

pub const E1: (&str, &str, &str) = ("auth", "not-authorized", "not authorized user domain");
pub const E2: (&str, &str, &str) = ("modify", "not-acceptable", "invalid session");
const E3: (&str, &str, &str) = ("modify", "not-acceptable", "machine UID mismatch or empty");
const E4: (&str, &str, &str) = ("modify", "not-acceptable", "Missing mandatory attribute 'machine-uid'");

/// The errors of spec/10 §3.5, to the element: condition, text, and `session-invalid` where the session is of no use any more.
#[track_caller]
pub fn is_refused(answer: &Element, (kind, condition, text): (&str, &str, &str)) {
    let error = answer.kid("error", ns::CLIENT).unwrap_or_else(|| panic!("no error: {answer:?}"));
    assert_eq!(error.get("type"), Some(kind));
    let children: Vec<(&str, &str)> = error.children().map(|child| (child.name(), child.ns())).collect();
    let mut expected = vec![(condition, ns::STANZA_ERRORS), ("text", ns::STANZA_ERRORS)];
    if text == E2.2 {
        expected.push(("session-invalid", ns::FOCUS));
    }
    assert_eq!(children, expected);
    assert_eq!(error.kid("text", ns::STANZA_ERRORS).map(Element::text).as_deref(), Some(text));
    assert_eq!(answer.children().count(), 1, "the request is not echoed: there may be secrets in it");
}

/// Covers spec/10: 3; spec/90: 49.
#[test]
fn without_a_client_proxy_everybody_seems_to_be_the_proxy() {
    let unproxied = |config: &mut Config| config.xmpp.client.client_proxy = None;
    let mut s = with_both(Scenario::new().config(unproxied));
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    assert_eq!(said_to(&s, &format!("focus.meet.test/{GUEST}")).results().count(), 1);
    s.finish();

    let mut s = with_both(Scenario::new().config(secured).config(unproxied));
    is_refused(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"), E1);
    s.finish();
    let mut s = secure();
    session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    s.finish();
}

/// Covers spec/10: 5; spec/70: 29.
#[test]
fn nobody_but_the_proxy_may_say_for_whom_it_asks() {
    let mut s = secure();
    connect(&mut s, "evil", "evil.example.com");
    for (from, to) in [
        ("evil.example.com/alice@meet.test/r2", FOCUS),
        ("focus.other.test/alice@meet.test/r2", FOCUS),
        ("mallory@focus.meet.test/alice@meet.test/r2", FOCUS),
    ] {
        let before = s.said().count();
        let conference = format!("<conference xmlns='{}' room='{ROOM}' machine-uid='m1'/>", ns::FOCUS);
        s.inject("evil", &format!("<iq type='set' id='e1' from='{from}' to='{to}'>{conference}</iq>"));
        s.settle();
        let answer = s.said().last();
        assert_eq!((s.said().count(), answer.stanza.get("to")), (before + 1, Some(from)));
        is_refused(&answer.stanza, E1);
    }
    // The proxy may, and is answered where it asked.
    let proxied = format!("focus.meet.test/{HOST}");
    session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    assert_eq!(said_to(&s, &proxied).results().count(), 1);
    s.finish();
}

/// What comes has the address that the server gives it.
#[test]
fn only_a_user_of_the_login_domain_starts_a_conference() {
    for (from, starts) in [
        ("alice@meet.test/web", true),
        ("focus.meet.test/alice@meet.test/web", true),
        // The domain itself, and an account without a connection.
        ("meet.test", false),
        ("focus.meet.test/meet.test", false),
        ("focus.meet.test/alice@meet.test", false),
        ("focus.meet.test", false),
        // Domains that only look like it.
        ("alice@guest.meet.test/web", false),
        ("alice@meet.test.evil.example/web", false),
        ("alice@evilmeet.test/web", false),
        ("focus.meet.test/alice@auth.meet.test/web", false),
        // An occupant of a room, a bridge, the focus' own account, a room.
        ("other@conference.meet.test/alice", false),
        ("jvbbrewery@internal.auth.meet.test/jvb1", false),
        ("focus@auth.meet.test/other", false),
        ("other@conference.meet.test", false),
        // What stands behind a proxy that is not ours.
        ("evil.example/alice@meet.test/web", false),
        ("other@conference.meet.test/alice@meet.test/web", false),
        ("focus@focus.meet.test/alice@meet.test/web", false),
        // Twice behind it: the address is that of the proxy.
        ("focus.meet.test/focus.meet.test/alice@meet.test/web", false),
    ] {
        let mut s = Scenario::new().config(secured).start();
        let conference = format!("<conference xmlns='{}' room='{ROOM}' machine-uid='m1'/>", ns::FOCUS);
        to_focus(&mut s, &format!("<iq type='set' id='x' from='{from}' to='{FOCUS}'>{conference}</iq>"));
        let answer = said_to(&s, from).last().stanza.clone();
        match starts {
            true => drop(session(&answer)),
            false => is_refused(&answer, E1),
        }
        assert_eq!(joins(&s, ROOM).count(), usize::from(starts), "{from}");
    }
}

/// Covers spec/10: 13, 64.
#[test]
fn a_guest_is_told_that_somebody_has_to_log_in() {
    let mut s = secure();
    is_refused(&ask_with(&mut s, "g", ROOM, "machine-uid='m1'"), E1);
    let error = said_to(&s, &format!("focus.meet.test/{GUEST}")).last();
    assert_eq!((error.stanza.get("type"), error.stanza.get("id")), (Some("error"), Some("g-0")));
    assert_eq!(s.focus().gauges().conferences, 0);
    assert!(joins(&s, ROOM).is_empty());
    assert_eq!((s.focus().metrics().conference_requests, s.focus().metrics().conference_requests_new), (1, 1));
    s.finish();
}

/// Covers spec/10: 14, 15.
#[test]
fn who_is_logged_in_starts_the_conference_and_guests_come_in() {
    for builder in [Scenario::new(), Scenario::new().component()] {
        let mut s = with_both(builder.config(secured));
        is_refused(&ask_with(&mut s, "g", ROOM, "machine-uid='m2'"), E1);
        let answer = ask_with(&mut s, "a", ROOM, "machine-uid='m1'");
        let id = session(&answer);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(of_conference(&answer, "identity"), Some("alice@meet.test"));
        let told = [("authentication", "true"), ("externalAuth", "false"), ("visitors-supported", "false")];
        assert_eq!(properties(&answer), told.map(|(name, value)| pair(name, value)));
        let answer = ask_with(&mut s, "g", ROOM, "machine-uid='m2'");
        is_guest(&answer);
        assert_eq!(properties(&answer), told.map(|(name, value)| pair(name, value)));
        // For another room it takes somebody else.
        is_refused(&ask_with(&mut s, "g", OTHER, "machine-uid='m2'"), E1);
        s.finish();
    }
}

#[test]
fn the_sessions_of_an_account_are_limited_and_the_log_asks_whether_it_is_shared() {
    let mut s = secure();
    keep_lines();
    let browsers = |n: usize| format!("machine-uid='browser {n}'");
    let first = session(&ask_with(&mut s, "a", ROOM, &browsers(0)));
    for n in 1..64 {
        session(&ask_with(&mut s, "a", ROOM, &browsers(n)));
        s.run_for(Time::from_secs(60));
    }
    assert_eq!(logged("shared account?"), [""; 0]);
    session(&ask_with(&mut s, "a", ROOM, &browsers(64)));
    let lines = logged("shared account?");
    assert!(lines.len() == 1 && lines[0].starts_with("WARN alice@meet.test "), "{lines:?}");
    is_refused(&ask_with(&mut s, "g", ROOM, &format!("machine-uid='browser 0' session-id='{first}'")), E2);
    s.finish();
}

/// Covers spec/10: 16, 17, 18.
#[test]
fn a_session_is_good_on_its_machine_and_on_no_other() {
    let mut s = Scenario::new().config(secured).bridge("jvb1").start();
    connect(&mut s, "a", HOST);
    connect(&mut s, "h", "g2@guest.meet.test/r1");
    let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    s.joins_with("g1", |settings| settings.jid = GUEST.into());
    s.settle();
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
    for attributes in [
        format!("session-id='{id}' machine-uid='m2'"),
        format!("session-id='{id}'"),
        format!("session-id='{id}' machine-uid=''"),
    ] {
        is_refused(&ask_with(&mut s, "h", ROOM, &attributes), E3);
        is_refused(&ask_with(&mut s, "a", ROOM, &attributes), E3);
    }
    for label in ["h", "a"] {
        is_refused(&ask_with(&mut s, label, ROOM, "session-id='bogus' machine-uid='m1'"), E2);
        is_refused(&ask_with(&mut s, label, OTHER, "session-id='bogus' machine-uid='m1'"), E2);
    }
    is_refused(&ask_with(&mut s, "h", OTHER, "machine-uid='m1'"), E1);
    assert_eq!(grants(&s, ROOM), Vec::<String>::new());
    // The guest's own page has it: another room is made for it, and it leads where it is.
    let answer = ask_with(&mut s, "g1", OTHER, &format!("session-id='{id}' machine-uid='m1'"));
    assert_eq!(session(&answer), id);
    assert_eq!(of_conference(&answer, "identity"), Some("alice@meet.test"));
    assert_eq!(joins(&s, OTHER).count(), 1);
    assert_eq!(grants(&s, ROOM), ["g1@guest.meet.test"]);
    assert!(s.view("g1").is_moderator());
    // And where it comes.
    assert_eq!(grants(&s, OTHER), Vec::<String>::new());
    let item = format!("<item affiliation='none' role='participant' jid='{GUEST}'/>");
    let x = format!("<x xmlns='{}'>{item}</x>", ns::MUC_USER);
    to_focus(&mut s, &format!("<presence from='{OTHER}/g1' to='{FOCUS}'>{x}</presence>"));
    assert_eq!(grants(&s, OTHER), ["g1@guest.meet.test"]);
    to_focus(&mut s, &format!("<presence type='unavailable' from='{OTHER}/g1' to='{FOCUS}'/>"));
    s.finish();
}

/// Covers spec/10: 19, 20.
#[test]
fn who_is_logged_in_names_his_machine_and_has_a_session_on_each() {
    let mut s = secure();
    for attributes in ["", "machine-uid=''", "machine-uid='  '"] {
        is_refused(&ask_with(&mut s, "a", ROOM, attributes), E4);
    }
    let first = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    let second = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m2'"));
    assert_ne!(first, second);
    // Asking again makes no more of them, as little as another tab does.
    assert_eq!(session(&ask_with(&mut s, "a", OTHER, "machine-uid='m1'")), first);
    let endless = format!("machine-uid='{}'", "x".repeat(300));
    assert_eq!(error(&ask_with(&mut s, "a", ROOM, &endless)).0, "not-acceptable");
    s.finish();
}

/// Covers spec/10: 21.
#[test]
fn a_session_lives_as_long_as_it_is_used() {
    let lifetime = |config: &mut Config| config.authentication.authentication_lifetime = Time::from_secs(30);
    let mut s = with_both(Scenario::new().config(secured).config(lifetime));
    let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    let mine = format!("session-id='{id}' machine-uid='m1'");
    // From the first use: the second one is 29 s later, and the end of it by 70 s.
    s.run_for(Time::from_secs(27));
    assert_eq!(session(&ask_with(&mut s, "g", ROOM, &mine)), id);
    keep_lines();
    let expired = || take_lines().iter().any(|line| line.message.contains("of alice@meet.test has expired"));
    s.run_for(Time::from_secs(27));
    assert!(!expired(), "29 s after that it is there");
    s.run_for(Time::from_secs(12));
    assert!(expired() && s.focus().audit().is_empty());
    s.run_for(Time::from_secs(5));
    is_refused(&ask_with(&mut s, "g", ROOM, &mine), E2);
    s.finish();
}

/// Covers spec/10: 22.
#[test]
fn without_auto_login_a_session_ends_with_its_conference() {
    for auto_login in [true, false] {
        let mut s = with_both(
            Scenario::new().config(secured).config(move |config| config.authentication.enable_auto_login = auto_login),
        );
        let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
        // Another conference's end is none of its business.
        let other = session(&ask_with(&mut s, "a", OTHER, "machine-uid='m2'"));
        s.run_for(Time::from_secs(10));
        session(&ask_with(&mut s, "a", OTHER, &format!("session-id='{other}' machine-uid='m2'")));
        s.run_for(Time::from_secs(7));
        assert_eq!(s.focus().gauges().conferences, 1);
        let answer = ask_with(&mut s, "g", ROOM, &format!("session-id='{id}' machine-uid='m1'"));
        match auto_login {
            true => assert_eq!(session(&answer), id),
            false => is_refused(&answer, E2),
        }
        session(&ask_with(&mut s, "g", OTHER, &format!("session-id='{other}' machine-uid='m2'")));
        s.finish();
    }
}

/// Covers spec/10: 23.
#[test]
fn with_tokens_sessions_are_for_the_way_back_from_the_login_page_only() {
    let tokens = |config: &mut Config| {
        secured(config);
        config.authentication.kind = AuthenticationType::Jwt;
        // Neither has any effect.
        config.authentication.authentication_lifetime = Time::from_secs(7200);
        config.authentication.enable_auto_login = true;
    };
    let mut s = with_both(Scenario::new().config(tokens).bridge("jvb1"));
    let answer = ask_with(&mut s, "a", ROOM, "machine-uid='m1' token='e30.e30.x'");
    let mine = format!("session-id='{}' machine-uid='m1'", session(&answer));
    assert_eq!(properties(&answer)[..2], [pair("authentication", "true"), pair("externalAuth", "true")]);
    // Somebody keeps the conference going.
    s.joins_with("g2", |settings| settings.jid = "g2@guest.meet.test/r1".into());
    s.run_for(Time::from_secs(59));
    session(&ask_with(&mut s, "g", ROOM, &mine));
    s.run_for(Time::from_secs(59));
    session(&ask_with(&mut s, "g", ROOM, &mine));
    s.run_for(Time::from_secs(70));
    is_refused(&ask_with(&mut s, "g", ROOM, &mine), E2);
    is_guest(&ask_with(&mut s, "g", ROOM, "machine-uid='m1'"));
    // It ends with its conference, too.
    let again = format!("session-id='{}' machine-uid='m1'", session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'")));
    // Those who asked and do not come are waited for no more.
    s.run_for(Time::from_secs(16));
    s.participant("g2").leave();
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 0);
    is_refused(&ask_with(&mut s, "g", ROOM, &again), E2);
    s.finish();
}

/// Covers spec/10: 24.
#[test]
fn breakout_rooms_are_prosodys_business_and_their_users_may_return() {
    const BREAKOUT: &str = "u1@breakout.meet.test";
    let mut s = with_both(Scenario::new().config(secured).server(|server| {
        server.breakouts.insert(BREAKOUT.into(), ROOM.into());
    }));
    is_refused(&ask_with(&mut s, "g", ROOM, ""), E1);
    is_guest(&ask_with(&mut s, "g", BREAKOUT, "session-id='bogus'"));
    assert_eq!(s.focus().gauges().conferences, 1);
    is_guest(&ask_with(&mut s, "g", ROOM, "machine-uid='m1'"));
    assert_eq!((s.focus().gauges().conferences, joins(&s, ROOM).count()), (2, 1));
    is_refused(&ask_with(&mut s, "g", OTHER, "machine-uid='m1'"), E1);
    s.run_for(Time::from_secs(20));
    is_refused(&ask_with(&mut s, "g", ROOM, "machine-uid='m1'"), E1);
    s.finish();
    // Where the server has no such component, the domain means nothing.
    let mut s = with_both(Scenario::new().config(secured).config(|config| config.xmpp.client.xmpp_domain = None));
    is_refused(&ask_with(&mut s, "g", BREAKOUT, ""), E1);
    s.finish();
}

/// Covers spec/10: 25.
#[test]
fn a_logout_ends_the_session_once() {
    for builder in [Scenario::new(), Scenario::new().component()] {
        let mut s = with_both(builder.config(secured));
        let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
        let logout = |id: &str| format!("<logout xmlns='{}' {id}/>", ns::FOCUS);
        request(&mut s, "g", "out", &logout(&format!("session-id='{id}'")));
        s.settle();
        let answer = only(&s, "g", "out");
        assert_eq!(answer.get("type"), Some("result"));
        let logout_answer = answer.kid("logout", ns::FOCUS).expect("a logout");
        assert_eq!((logout_answer.attrs().count(), logout_answer.children().count()), (0, 0));
        for (ask, id) in
            [("again", format!("session-id='{id}'")), ("none", String::new()), ("empty", "session-id=''".into())]
        {
            request(&mut s, "g", ask, &logout(&id));
            s.settle();
            is_refused(&only(&s, "g", ask), E2);
        }
        is_refused(&ask_with(&mut s, "g", ROOM, &format!("session-id='{id}' machine-uid='m1'")), E2);
        s.finish();
    }
}

/// Covers spec/10: 26.
#[test]
fn a_client_is_told_where_to_log_in() {
    let login = |s: &mut Scenario, attributes: &str| {
        let id = format!("login-{}", s.sent_to("g").count());
        let child = format!("<login-url xmlns='{}' {attributes}/>", ns::FOCUS);
        s.inject("g", &format!("<iq type='get' id='{id}' to='focus.meet.test'>{child}</iq>"));
        s.settle();
        only(s, "g", &id)
    };
    let daily = "room='daily@conference.meet.test' machine-uid='m1' popup='true'";
    let url = |answer: &Element| answer.kid("login-url", ns::FOCUS).expect("a login-url").get("url").map(str::to_owned);
    let mut s = secure();
    assert_eq!(url(&login(&mut s, daily)).as_deref(), Some(".%2Fdaily%3Flogin%3Dtrue"));
    for (attributes, kind, condition, text) in [
        ("machine-uid='m1'", "modify", "not-acceptable", ""),
        ("room='' machine-uid='m1'", "modify", "not-acceptable", ""),
        ("room='daily@conference.meet.test'", "modify", "bad-request", "missing mandatory attribute 'machineUID'"),
        ("room='a@b@c' machine-uid='m1'", "modify", "bad-request", "Invalid room name."),
    ] {
        let answer = login(&mut s, attributes);
        assert_eq!(error(&answer), (condition.to_owned(), text.to_owned()), "{attributes}");
        assert_eq!(answer.kid("error", ns::CLIENT).unwrap().get("type"), Some(kind));
    }
    s.finish();
    let tokens = |config: &mut Config| {
        secured(config);
        config.authentication.kind = AuthenticationType::Jwt;
    };
    let mut s = with_both(Scenario::new().config(tokens));
    assert_eq!(url(&login(&mut s, daily)), None, "answered, without a URL: the focus knows none");
    s.finish();
}

/// A request as HTTP brings it, through the core that has no HTTP: nobody vouches for its sender.
#[test]
fn over_http_a_session_is_needed_for_a_room_that_is_not_there() {
    let mut s = secure();
    let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    let new = format!(r#"{{"room":"{OTHER}","machineUid":"m1"}}"#);
    let refused = post(&mut s, &new);
    assert_eq!((refused.status, refused.body.as_str()), (403, "Error"));
    let there = post(&mut s, &format!(r#"{{"room":"{ROOM}","machineUid":"m1"}}"#));
    assert_eq!(there.status, 200);
    let there: serde_json::Value = serde_json::from_str(&there.body).expect("JSON");
    assert_eq!((&there["ready"], &there["properties"]["authentication"]), (&true.into(), &"true".into()));
    assert!(there.get("sessionId").is_none() && there.get("identity").is_none());
    for wrong in
        [r#""sessionId":"bogus","machineUid":"m1""#.to_owned(), format!(r#""sessionId":"{id}","machineUid":"m2""#)]
    {
        let reply = post(&mut s, &format!(r#"{{"room":"{ROOM}",{wrong}}}"#));
        assert_eq!(reply.status, 400);
        assert!(reply.body.find("400 invalid-session").is_some_and(|at| at > 0), "{}", reply.body);
    }
    let mine = post(&mut s, &format!(r#"{{"room":"{OTHER}","sessionId":"{id}","machineUid":"m1"}}"#));
    assert!(mine.status == 200 && mine.body.contains("alice@meet.test"), "{}", mine.body);
    assert_eq!(post(&mut s, r#"{"properties":{}}"#).body, "Bad request: No 'room' specified.");
    s.finish();
}

/// Asks as HTTP would: without an address, and with an answer as HTTP gives it.
fn post(s: &mut Scenario, body: &str) -> json::Reply {
    let conference = match json::read(body, None) {
        Ok(conference) => conference,
        Err(wrong) => return json::bad_request(&wrong),
    };
    let id = format!("http-{}", s.said().count());
    let body = IqBody::Set(Payload::Conference(conference));
    let iq = Iq { from: None, to: None, id: id.as_str().into(), body };
    s.early(&xml::to_string(&Stanza::Iq(Box::new(iq))));
    s.settle();
    let answer = s.said().filter(|wire| wire.stanza.get("id") == Some(&id)).last().text();
    match read_stanza(&answer) {
        Ok(Incoming::Stanza(Stanza::Iq(iq))) => json::reply(&iq.body),
        other => panic!("{other:?}"),
    }
}

/// Covers spec/10: 50.
#[test]
fn a_second_tab_takes_nothing_from_the_first() {
    let mut s = secure();
    connect(&mut s, "h", "g2@guest.meet.test/r1");
    let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m1'"));
    let mine = format!("session-id='{id}' machine-uid='m1'");
    for label in ["g", "h"] {
        assert_eq!(session(&ask_with(&mut s, label, ROOM, &mine)), id);
    }
    // Both may start others, without so much as naming the session.
    for (label, room) in [("g", OTHER), ("h", "third@conference.meet.test")] {
        is_guest(&ask_with(&mut s, label, room, "machine-uid='m1'"));
        assert_eq!(joins(&s, room).count(), 1);
    }
    s.finish();
}

/// Covers spec/90: 7, 14.
#[test]
fn a_hundred_people_log_in_at_once() {
    let mut s = Scenario::new().config(secured).start();
    for n in 0..100 {
        connect(&mut s, &format!("h{n}"), &format!("user{n}@meet.test/r"));
    }
    for n in 0..100 {
        let room = format!("room{}@conference.meet.test", n / 2);
        let child = format!("<conference xmlns='{}' room='{room}' machine-uid='m{n}'/>", ns::FOCUS);
        request(&mut s, &format!("h{n}"), "one", &child);
        request(&mut s, &format!("h{n}"), "two", &child);
    }
    s.settle();
    let ids: std::collections::BTreeSet<String> = (0..100)
        .map(|n| {
            let id = session(&only(&s, &format!("h{n}"), "one"));
            assert_eq!(session(&only(&s, &format!("h{n}"), "two")), id);
            id
        })
        .collect();
    assert_eq!((ids.len(), s.focus().gauges().conferences), (100, 50));
    s.finish();
}

#[test]
fn each_decision_is_one_line_of_the_log_without_secrets() {
    let mut s = secure();
    keep_lines();
    let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='machine-of-alice' token='e30.hush.x'"));
    let mine = format!("session-id='{id}' machine-uid='machine-of-alice'");
    ask_with(&mut s, "g", OTHER, "machine-uid='m2'");
    ask_with(&mut s, "g", ROOM, "machine-uid='m2'");
    ask_with(&mut s, "g", ROOM, &mine);
    ask_with(&mut s, "g", ROOM, "session-id='never-was' machine-uid='m2'");
    request(&mut s, "g", "out", &format!("<logout xmlns='{}' session-id='{id}'/>", ns::FOCUS));
    s.settle();
    let lines = logged("");
    let rules: Vec<&str> = lines
        .iter()
        .filter(|line| line.contains("Conference request for room "))
        .map(|line| {
            let (_, rule) = line.split_once(" by rule ").expect("a rule");
            rule.split_once(' ').expect("and words").0
        })
        .collect();
    assert_eq!(rules, ["logged-in", "not-authorized", "room-exists", "session-known", "session-unknown"]);
    assert!(lines.iter().any(|line| line.starts_with("INFO") && line.contains(HOST) && line.contains("with a token")));
    assert!(lines.iter().any(|line| line.contains("Logout from") && line.contains("of alice@meet.test ends")));
    for secret in [&id[..8], "machine-of-alice", "hush", "never-was"] {
        assert!(lines.iter().all(|line| !line.contains(secret)), "{secret}: {lines:#?}");
    }
    s.finish();
}

/// What is decided outside of authentication, and where somebody logs in and out, has rules of its own.
#[test]
fn every_other_decision_names_its_rule_too() {
    const BREWERY: &str = "jvbbrewery@internal.auth.meet.test";
    let login = |attributes: &str| format!("<login-url xmlns='{}' {attributes}/>", ns::FOCUS);
    let room = |room: &str| format!("<conference xmlns='{}' room='{room}' machine-uid='m'/>", ns::FOCUS);
    let asks = |s: &mut Scenario, number: usize, kind: &str, child: &str| {
        s.early(&format!("<iq type='{kind}' id='r{number}' from='{HOST}' to='{FOCUS}'>{child}</iq>"));
    };
    let in_room = format!("room='{ROOM}' machine-uid='m'");
    let id = "7f0c2f1e-0000-4000-8000-000000000000";
    let logout = format!("<logout xmlns='{}' session-id='{id}'/>", ns::FOCUS);
    let requests = [
        ("set", room("a@b@c"), "bad-room"),
        ("set", format!("<conference xmlns='{}'/>", ns::FOCUS), "bad-room"),
        ("set", room(BREWERY), "brewery"),
        ("get", login(&in_room), "login-url"),
        ("get", login("machine-uid='m'"), "bad-room"),
        ("get", login("room='a@b@c' machine-uid='m'"), "bad-room"),
        ("get", login(&format!("room='{BREWERY}' machine-uid='m'")), "brewery"),
        ("get", login(&format!("room='{ROOM}'")), "machine-uid-missing"),
        ("set", logout, "session-unknown"),
    ];
    let with_brewery = |config: &mut Config| config.bridge.brewery_jid = BREWERY.parse().ok();
    let mut s = with_both(Scenario::new().config(secured).config(with_brewery));
    for (number, (kind, child, rule)) in requests.iter().enumerate() {
        keep_lines();
        asks(&mut s, number, kind, child);
        let lines: Vec<String> = logged(HOST).into_iter().filter(|line| line.contains("by rule")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with("INFO"), "{child}: {lines:#?}");
        assert!(lines[0].contains(&format!("by rule {rule} (")), "{child}: {lines:#?}");
    }
    let id = session(&ask_with(&mut s, "a", ROOM, "machine-uid='m'"));
    keep_lines();
    asks(&mut s, 100, "set", &format!("<logout xmlns='{}' session-id='{id}'/>", ns::FOCUS));
    assert_eq!(logged("Logout from alice@meet.test/r2: done by rule logout").len(), 1);
    let mut off = Scenario::new().start();
    keep_lines();
    asks(&mut off, 0, "get", &login(&in_room));
    asks(&mut off, 1, "set", &format!("<logout xmlns='{}' session-id='{id}'/>", ns::FOCUS));
    assert_eq!(logged("refused by rule authentication-off (").len(), 2);
}
