//! Who asks from outside of rooms: many who come at once, many who were made up, and what a foreign server says (spec/30 §12.4).

use testkit::Time;
use testkit::logs::keep_lines;
use testkit::ns::{self, JITMEET_AUDIO};
use testkit::participant::Place;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::Read;

use super::authentication::{HOST, ask_with, secured, session};
use super::visitors::one_node;
use crate::support::*;

const FOREIGN: &str = "x@rooms.foreign.test";

fn asks(s: &mut Scenario, from: &str, id: &str, room: &str) {
    let visitors = "<property name='visitors-version' value='1'/>";
    let child = format!("<conference xmlns='{}' room='{room}' machine-uid='m'>{visitors}</conference>", ns::FOCUS);
    s.early(&format!("<iq type='set' id='{id}' from='{from}' to='{FOCUS}'>{child}</iq>"));
}

/// Of one of many who wait for a host; read as it is, as there are so many.
fn waits(s: &mut Scenario, number: usize) {
    let child = format!("<conference xmlns='{}' room='{ROOM}' machine-uid='m{number}'/>", ns::FOCUS);
    s.reads(&format!(
        "<iq xmlns='{}' type='set' id='x' from='g{number}@guest.meet.test/r' to='{FOCUS}'>{child}</iq>",
        ns::CLIENT
    ));
}

fn answered(s: &Scenario, to: &str, ready: &str) -> usize {
    let ours = |wire: &&testkit::wire_log::Wire| wire.stanza.get("to").is_some_and(|it| it.ends_with(to));
    let results = s.said().results();
    results.iter().filter(ours).filter(|wire| of_conference(&wire.stanza, "ready") == Some(ready)).count()
}

/// Ten thousand within a minute, none of whom has to wait: it is visitors that come in such numbers.
#[test]
fn a_large_audience_is_not_held_up() {
    let mut s = one_node(1).participant("alice").start();
    s.settle();
    for number in 0..10_000 {
        asks(&mut s, &format!("a{number}@guest.meet.test/r"), "x", ROOM);
        if number % 100 == 0 {
            s.run_for(Time::from_millis(600));
        }
    }
    s.settle();
    assert_eq!((answered(&s, "@guest.meet.test/r", "true"), answered(&s, "@guest.meet.test/r", "false")), (10_000, 0));
    assert_eq!(s.focus().metrics().requests_limited, 0);
}

/// Ten thousand who wait for a host ask again every five seconds, as their clients do, and are told for what they wait each time:
/// whoever is told `ready='false'` instead asks ever more rarely, and misses the host. (`doors.rs` counts them for longer.)
#[test]
fn a_large_audience_waits_for_its_host() {
    let mut s = Scenario::new()
        .config(|config| {
            config.authentication.kind = jicofo::config::AuthenticationType::Xmpp;
            config.authentication.login_url = Some("meet.test".into());
        })
        .start();
    s.settle();
    let mut waiting = 0;
    for round in 0..15 {
        let from = s.now();
        for tenth in 0..10 {
            for number in (tenth * 1_000)..(tenth * 1_000 + 1_000) {
                waits(&mut s, number);
            }
            s.run_for(Time::from_millis(500));
        }
        waiting += s.said().since(from).errors("not-authorized").count();
        assert_eq!(waiting, (round + 1) * 10_000, "after {round} times five seconds");
    }
    assert_eq!((s.focus().metrics().requests_limited, answered(&s, "@guest.meet.test/r", "false")), (0, 0));
    // The host comes, and all of them get in.
    asks(&mut s, "host@meet.test/h", "h", ROOM);
    s.settle();
    for number in 0..10_000 {
        asks(&mut s, &format!("g{number}@guest.meet.test/r"), "y", ROOM);
    }
    s.settle();
    assert_eq!((s.focus().metrics().requests_limited, answered(&s, "@guest.meet.test/r", "true")), (0, 10_000));
}

/// Addresses cost nobody anything: whoever makes up thousands is told to wait, and with him every stranger. Who is in the room
/// comes in again, and so does whoever has logged in; no other room notices.
#[test]
fn who_makes_up_addresses_keeps_nobody_out_who_is_known() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .config(|config| {
            config.authentication.kind = jicofo::config::AuthenticationType::Xmpp;
            config.authentication.login_url = Some("meet.test".into());
        })
        .start();
    s.joins_with("alice", |settings| settings.jid = "alice@meet.test/web".into());
    s.joins_with("bob", |settings| settings.jid = "bob@guest.meet.test/web".into());
    s.joins_with("mallory", |settings| {
        settings.jid = "mallory@meet.test/web".into();
        settings.room = "other@conference.meet.test".into();
    });
    s.run_until(|s| s.connected(&["alice", "bob"]));
    testkit::logs::keep_lines();
    for number in 0..12_000 {
        asks(&mut s, &format!("f{number}@guest.meet.test/r"), "x", ROOM);
    }
    let told = logged("by rule door");
    assert!(told.len() == 1 && told[0].starts_with("WARN"), "one line for all of them: {told:#?}");
    let (let_in, told_to_wait) =
        (answered(&s, "@guest.meet.test/r", "true"), answered(&s, "@guest.meet.test/r", "false"));
    assert!((9_990..=10_000).contains(&let_in), "{let_in}");
    assert_eq!((let_in + told_to_wait, s.focus().metrics().requests_limited as usize), (12_000, told_to_wait));
    // A stranger, one who is in the room, one who has an account, and a room that nobody floods.
    for (from, room, ready) in [
        ("stranger@guest.meet.test/q", ROOM, "false"),
        ("bob@guest.meet.test/web", ROOM, "true"),
        ("host@meet.test/q", ROOM, "true"),
        ("stranger@guest.meet.test/p", "other@conference.meet.test", "true"),
    ] {
        let before = answered(&s, from, ready);
        asks(&mut s, from, "y", room);
        assert_eq!(answered(&s, from, ready), before + 1, "{from} {room}");
    }
    // They speak in the room as ever.
    s.participant("alice").ask_mute_of(JITMEET_AUDIO, "bob", true);
    s.settle();
    assert_eq!(s.view("bob").mute_requests().len(), 1);
    // After a while a stranger is let in, too.
    s.run_for(Time::from_secs(1));
    asks(&mut s, "late@guest.meet.test/r2", "z", ROOM);
    assert_eq!(answered(&s, "late@guest.meet.test/r2", "true"), 1);
}

/// Each room that is none is a line of the log, but not of those who make up addresses by the thousand.
#[test]
fn requests_for_no_room_fill_no_log() {
    let mut s = Scenario::new().participant("alice").start();
    s.settle();
    testkit::logs::keep_lines();
    for number in 0..5_100 {
        asks(&mut s, &format!("f{number}@foreign.test/r"), "x", "a@b@c");
    }
    assert_eq!(s.said().errors("bad-request").count(), 5_100);
    let lines = testkit::logs::take_lines();
    let with = |text: &str| lines.iter().filter(|line| line.message.contains(text)).count();
    assert_eq!((with("refused by rule bad-room"), with("by rule door")), (5_000, 1));
}

/// Over HTTP nobody has an address, and who floods that way takes nothing from those who have one: neither of the room that he names,
/// nor of others, however long he goes on.
#[test]
fn who_floods_over_http_is_told_to_wait() {
    let mut s = Scenario::new().participant("alice").start();
    s.settle();
    assert_eq!(flood_over_http(&mut s, 10_100), (5_000, 5_100));
    // More than a room takes in the long run, for a while; newcomers come all the time.
    let mut let_in = 0;
    for round in 0..10 {
        s.run_for(Time::from_secs(1));
        let_in += flood_over_http(&mut s, 600).0;
        let guest = format!("g{round}@guest.meet.test/r");
        asks(&mut s, &guest, "g", ROOM);
        assert_eq!(answered(&s, &guest, "true"), 1, "after {round} s");
    }
    assert!((1_990..=2_010).contains(&let_in), "{let_in}");
    asks(&mut s, "new@guest.meet.test/r", "n", "new@conference.meet.test");
    s.settle();
    assert_eq!(answered(&s, "new@guest.meet.test/r", "true"), 1);
}

/// So many ask over HTTP for the room. How many of them were let in, and how many told to wait.
fn flood_over_http(s: &mut Scenario, count: usize) -> (usize, usize) {
    use jicofo::focus::command::{Command, Reply};
    use jicofo::wire::focus_iq::Conference;
    let mut let_in = 0;
    for _ in 0..count {
        let ask = Conference { room: Some(ROOM.into()), ..Conference::default() };
        let Reply::Conference(body) = s.command(Command::Conference(Box::new(ask))) else { panic!("no answer") };
        let told = jicofo::focus::request::json::reply(&body);
        assert_eq!(told.status, 200);
        let_in += usize::from(told.body.contains("\"ready\":true"));
    }
    (let_in, count - let_in)
}

/// Nor does a foreign server that asks for one room of ours, without end.
#[test]
fn a_foreign_server_keeps_nobody_out_of_a_room() {
    let mut s = Scenario::new().participant("alice").start();
    s.settle();
    for round in 0..6 {
        for number in 0..2_000 {
            asks(&mut s, &format!("u{round}-{number}@foreign.test/r"), "c", ROOM);
        }
        s.run_for(Time::from_secs(1));
        assert_eq!(flood_over_http(&mut s, 1), (1, 0));
        let guest = format!("g{round}@guest.meet.test/r");
        asks(&mut s, &guest, "g", ROOM);
        assert_eq!(answered(&s, &guest, "true"), 1, "after {round} s");
    }
    let let_in = answered(&s, "@foreign.test/r", "true");
    assert!((2_990..=3_010).contains(&let_in), "{let_in}");
}

/// A foreign server can make up as many users as it likes: all of them together have a measure of their own.
#[test]
fn a_foreign_server_takes_nothing_from_our_users() {
    let mut s = Scenario::new().participant("alice").start();
    s.settle();
    for number in 0..6_000 {
        s.early(&format!(
            "<iq type='get' id='p' from='u{number}@foreign.test/r' to='{FOCUS}'><ping xmlns='{}'/></iq>",
            ns::PING
        ));
    }
    let refused = s.said().errors("resource-constraint");
    assert!((990..=1_000).contains(&refused.count()), "{}", refused.count());
    assert_eq!(refused.last().stanza.kid("error", ns::CLIENT).unwrap().get("type"), Some("wait"));
    s.early(&format!(
        "<iq type='get' id='q' from='g@guest.meet.test/r' to='{FOCUS}'><ping xmlns='{}'/></iq>",
        ns::PING
    ));
    assert_eq!(s.said().last().stanza.get("type"), Some("result"));
    let by_server =
        format!("<iq type='get' id='s' from='foreign.test/x' to='{FOCUS}'><ping xmlns='{}'/></iq>", ns::PING);
    s.early(&by_server);
    assert_eq!(s.said().last().stanza.get("type"), Some("error"), "the server itself is no better");
    s.early(&by_server.replace("foreign.test/x", "meet.test"));
    assert_eq!(s.said().last().stanza.get("type"), Some("result"));
    asks(&mut s, "u1@foreign.test/r", "c", ROOM);
    assert_eq!(answered(&s, "u1@foreign.test/r", "false"), 1);
    asks(&mut s, "g@guest.meet.test/r", "c", ROOM);
    assert_eq!(answered(&s, "g@guest.meet.test/r", "true"), 1);
}

/// Behind a proxy that nobody has named in the configuration all look like the proxy. The server says for whom it asks, so that each
/// still pays for himself.
#[test]
fn one_behind_a_proxy_that_nobody_named_takes_nothing_from_the_others() {
    let mut s = Scenario::new().config(|config| config.xmpp.client.client_proxy = None).start();
    let (greedy, modest) = ("focus.meet.test/g@guest.meet.test/r", "focus.meet.test/m@guest.meet.test/r");
    for number in 0..3_000 {
        asks(&mut s, greedy, &format!("a{number}"), &format!("r{number}@conference.meet.test"));
    }
    s.run_for(Time::from_millis(100));
    assert_eq!(s.focus().gauges().conferences, 30);
    asks(&mut s, modest, "m", "modest@conference.meet.test");
    s.run_for(Time::from_millis(100));
    assert_eq!(answered(&s, modest, "true"), 1, "its room is begun");
    let ping =
        |from: &str| format!("<iq type='get' id='p' from='{from}' to='{FOCUS}'><ping xmlns='{}'/></iq>", ns::PING);
    s.run_for(Time::from_secs(10));
    let now = s.now();
    for _ in 0..1_000 {
        s.early(&ping(greedy));
    }
    assert_eq!(s.said().since(now).errors("resource-constraint").count(), 800);
    s.early(&ping(modest));
    assert_eq!(s.said().last().stanza.get("type"), Some("result"));
    // As many strangers as a server makes up, by way of our proxy: they have the measure of strangers.
    for number in 0..6_000 {
        s.early(&ping(&format!("focus.meet.test/u{number}@foreign.test/r")));
    }
    assert!(s.said().since(now).errors("resource-constraint").count() >= 800 + 900);
    s.early(&ping("focus.meet.test/n@guest.meet.test/r"));
    assert_eq!(s.said().last().stanza.get("type"), Some("result"));
    // The server itself, and a component of it, are nobody who could be told to wait.
    for server in ["meet.test", "metadata.meet.test"] {
        let now = s.now();
        for _ in 0..500 {
            s.early(&ping(server));
        }
        assert_eq!(
            s.said().since(now).errors("resource-constraint").filter(|it| it.stanza.get("to") == Some(server)).count(),
            0
        );
    }
}

/// A component of a foreign server has as many resources as it likes; rooms it begins as one.
#[test]
fn a_foreign_component_begins_rooms_as_one() {
    let mut s = Scenario::new().start();
    for number in 0..100 {
        asks(&mut s, &format!("foreign.test/r{number}"), "c", &format!("r{number}@conference.meet.test"));
    }
    s.run_for(Time::from_millis(100));
    assert_eq!(s.focus().gauges().conferences, 30);
}

/// Who has used up what is his own takes nothing from what is for all who ask from outside.
#[test]
fn who_floods_alone_leaves_the_door_open() {
    let mut s = Scenario::new().start();
    let ping =
        |from: &str| format!("<iq type='get' id='p' from='{from}' to='{FOCUS}'><ping xmlns='{}'/></iq>", ns::PING);
    for _ in 0..6_000 {
        s.early(&ping("u@foreign.test/r"));
    }
    assert_eq!(s.said().errors("resource-constraint").count(), 5_800);
    s.early(&ping("v@foreign.test/r"));
    assert_eq!(s.said().last().stanza.get("type"), Some("result"));
}

/// Nobody sees our presence but the proxy; each who would like to is told so, and who never stops is told nothing any more.
#[test]
fn wishes_to_see_our_presence_are_not_answered_without_end() {
    let mut s = Scenario::new().start();
    let subscribe = |from: &str| format!("<presence type='subscribe' from='{from}' to='focus@auth.meet.test'/>");
    let told = |s: &Scenario, to: &str, kind: &str| {
        said_to(s, to).presence().filter(|it| it.stanza.get("type") == Some(kind)).count()
    };
    for _ in 0..500 {
        s.early(&subscribe("eve@guest.meet.test"));
        s.early(&subscribe("focus.meet.test"));
    }
    assert_eq!(told(&s, "eve@guest.meet.test", "unsubscribed"), 200);
    assert_eq!(told(&s, "focus.meet.test", "subscribed"), 500, "the proxy is always answered");
    for number in 0..6_000 {
        s.early(&subscribe(&format!("u{number}@foreign.test")));
    }
    let strangers =
        s.said().presence().filter(|it| it.stanza.get("to").is_some_and(|to| to.ends_with("@foreign.test")));
    assert!((5_000..5_010).contains(&strangers.count()), "{}", strangers.count());
    s.early(&subscribe("bob@guest.meet.test"));
    assert_eq!(told(&s, "bob@guest.meet.test", "unsubscribed"), 1);
}

/// A foreign room may show any address for whoever is in it; what those ask for is not paid by who has the address.
#[test]
fn a_foreign_room_spends_nobodys_purse() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    connect(&mut s, "odd", "odd@guest.meet.test/r1");
    assert_eq!(of_conference(&answer_to(&mut s, "odd", FOREIGN), "ready"), Some("true"));
    let alice = s.view("alice").settings.jid.clone();
    for (nick, shown) in
        [("n1", alice.as_str()), ("n2", alice.as_str()), ("n3", "c@foreign.test/c"), ("n4", "d@foreign.test/d")]
    {
        to_focus(
            &mut s,
            &format!(
                "<presence from='{FOREIGN}/{nick}' to='{FOCUS}'><x xmlns='{}'><item affiliation='owner' role='moderator' \
                 jid='{shown}'/></x></presence>",
                ns::MUC_USER
            ),
        );
    }
    for number in 0..40 {
        let nick = ["n1", "n2", "n3", "n4"][number % 4];
        let new = format!("<conference xmlns='{}' room='r{number}@conference.meet.test'/>", ns::FOCUS);
        s.early(&format!("<iq type='set' id='n' from='{FOREIGN}/{nick}' to='{FOCUS}'>{new}</iq>"));
    }
    s.run_for(Time::from_millis(100));
    assert_eq!(s.focus().gauges().conferences, 2 + 30, "whoever they show");
    let now = s.now();
    for number in 0..1_000 {
        let nick = ["n1", "n2"][number % 2];
        s.early(&format!(
            "<iq type='get' id='p' from='{FOREIGN}/{nick}' to='{FOCUS}'><ping xmlns='{}'/></iq>",
            ns::PING
        ));
    }
    let refused = s.said().since(now).errors("resource-constraint").count();
    assert!((800..=820).contains(&refused), "{refused}: they have one purse together");
    s.participant("alice").ask_mute_of(JITMEET_AUDIO, "bob", true);
    s.settle();
    assert_eq!((s.view("bob").mute_requests().len(), s.participant("alice").take_refusals().len()), (1, 0));
    asks(&mut s, &alice, "new", "alices@conference.meet.test");
    s.settle();
    assert_eq!(answered(&s, &alice, "true"), 2, "her own room, and one more");
}

/// A foreign room may show anybody's address, and learns nothing of whether he has logged in; in rooms of ours he leads.
#[test]
fn a_foreign_room_does_not_learn_who_has_a_session() {
    let mut s = Scenario::new().config(secured).start();
    testkit::logs::keep_lines();
    connect(&mut s, "victim", HOST);
    connect(&mut s, "guest", "g1@guest.meet.test/r1");
    let id = session(&ask_with(&mut s, "victim", FOREIGN, "machine-uid='m1'"));
    let with_session = format!("session-id='{id}' machine-uid='m1'");
    session(&ask_with(&mut s, "guest", ROOM, &with_session));
    let shown = |room: &str, nick: &str, address: &str, affiliation: &str| {
        let item = format!("<item affiliation='{affiliation}' role='participant' jid='{address}'/>");
        format!("<presence from='{room}/{nick}' to='{FOCUS}'><x xmlns='{}'>{item}</x></presence>", ns::MUC_USER)
    };
    let addresses = [("n1", HOST), ("n2", "g1@guest.meet.test/r1"), ("n3", "nobody@meet.test/x")];
    let now = s.now();
    let said_there = |s: &Scenario, nick: &str| -> Vec<String> {
        let about = s.said().since(now).containing(&format!("{FOREIGN}/{nick}"));
        about.iter().map(|wire| outline(wire).replace(nick, "n")).collect()
    };
    for (nick, address) in addresses {
        to_focus(&mut s, &shown(FOREIGN, nick, address, "none"));
    }
    // However they show themselves authenticated, and whenever the focus looks again.
    ask_with(&mut s, "victim", FOREIGN, "machine-uid='m1'");
    ask_with(&mut s, "guest", ROOM, &with_session);
    to_focus(&mut s, &shown(FOREIGN, "focus", "focus@auth.meet.test/focus", "owner"));
    for (nick, address) in addresses {
        to_focus(&mut s, &shown(FOREIGN, nick, address, "member"));
    }
    assert_eq!(grants(&s, FOREIGN), Vec::<String>::new());
    // The operator does, in case that it is one of ours.
    let lines = testkit::logs::take_lines();
    let not_made = lines.iter().filter(|line| line.message.contains("has logged in and is not made owner"));
    assert!(not_made.clone().count() > 0 && not_made.clone().all(|line| line.message.contains("conference-muc-jid")));
    let told = addresses.map(|(nick, _)| said_there(&s, nick));
    assert!(!told[0].is_empty() && told[0] == told[2] && told[1] == told[2], "{told:?}");
    // At home they lead, each by its own session.
    for (nick, address) in addresses {
        to_focus(&mut s, &shown(ROOM, nick, address, "none"));
    }
    assert_eq!(grants(&s, ROOM), ["alice@meet.test", "g1@guest.meet.test"]);
}

/// Where somebody begins more rooms than anybody needs, and where all do, the log has the rule.
#[test]
fn too_many_new_rooms_are_refused_by_rules_with_names() {
    let mut s = Scenario::new().start();
    testkit::logs::keep_lines();
    for number in 0..40 {
        asks(&mut s, "host@meet.test/r", &format!("a{number}"), &format!("r{number}@conference.meet.test"));
    }
    let by = |rule: &str, lines: &[testkit::logs::Line]| {
        let of = lines.iter().filter(|line| line.message.contains(&format!(" by rule {rule} (")));
        of.map(|line| line.message.split_once(" from ").map(|(_, from)| from.to_owned())).collect::<Vec<_>>()
    };
    let lines = testkit::logs::take_lines();
    let refused = by("too-many-rooms", &lines);
    assert_eq!((refused.len(), s.said().errors("resource-constraint").count()), (10, 10));
    assert!(refused.iter().all(|from| from.as_deref().is_some_and(|from| from.starts_with("host@meet.test/r: "))));
    testkit::logs::keep_lines();
    for number in 0..3_100 {
        asks(&mut s, &format!("u{number}@meet.test/r"), "b", &format!("s{number}@conference.meet.test"));
    }
    let lines = testkit::logs::take_lines();
    let (told_to_wait, refused) = (by("too-many-rooms-of-all", &lines).len(), by("too-many-rooms", &lines).len());
    assert!(told_to_wait > 0 && refused == 0, "{told_to_wait} {refused}");
    assert_eq!(s.said().containing("ready='false'").count(), told_to_wait);
}

/// The one line about a request says what has become of it, also where the rules of authentication let it in.
#[test]
fn a_request_is_said_to_be_let_in_only_if_it_is() {
    fn by(lines: &[String], rule: &str) -> usize {
        lines.iter().filter(|line| line.contains(&format!(" by rule {rule} ("))).count()
    }
    let requests = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| line.starts_with("INFO Conference request for room ")).collect()
    };
    // More wait for a room that takes its time than are kept.
    let mut s = Scenario::new().start();
    s.accident(1, Fate::IsLate(Time::from_secs(5)), |d| {
        d.to == "focus" && d.stanza.get("from") == Some("room@conference.meet.test/focus")
    });
    keep_lines();
    for number in 0..1_010 {
        asks(&mut s, &format!("g{number}@guest.meet.test/r"), "w", ROOM);
    }
    let lines = requests(logged(""));
    assert_eq!((lines.len(), by(&lines, "authentication-off"), by(&lines, "too-many-wait")), (1_010, 1_000, 10));
    assert!(lines[1_009].contains(": told to wait by rule too-many-wait ("), "{}", lines[1_009]);
    assert!(lines.iter().filter(|line| line.contains("let in")).count() == 1_000);
    s.run_for(Time::from_secs(30));
    // A focus that stops begins nothing.
    s.stop_focus();
    keep_lines();
    asks(&mut s, "late@guest.meet.test/r", "z", "late@conference.meet.test");
    let lines = requests(logged(""));
    assert!(lines.len() == 1 && lines[0].contains(": told to wait by rule stopping ("), "{lines:#?}");
    // One that looks on waits until there is something to be seen; and where others are sent is told as loudly.
    let mut s = one_node(1).config(|config| config.visitors.enable_live_room = true).participant("alice").start();
    s.settle();
    metadata(&mut s, ROOM, &serde_json::json!({ "participantsSoftLimit": 1 }));
    keep_lines();
    let wish = format!(
        "<conference xmlns='{}' room='{ROOM}'><property name='visitors-version' value='1'/><property name='visitor' \
         value='true'/></conference>",
        ns::FOCUS
    );
    s.early(&format!("<iq type='set' id='v' from='v@guest.meet.test/r' to='{FOCUS}'>{wish}</iq>"));
    s.settle();
    assert_eq!(by(&requests(logged("told to wait")), "not-live"), 1);
    metadata(&mut s, ROOM, &serde_json::json!({ "participantsSoftLimit": 1, "visitors": { "live": true } }));
    keep_lines();
    s.early(&format!("<iq type='set' id='v2' from='v@guest.meet.test/r' to='{FOCUS}'>{wish}</iq>"));
    s.settle();
    let where_to = logged("INFO Conference request from v@guest.meet.test/r: ");
    assert!(where_to.len() == 2 && where_to[0].contains("visitor: as requested"), "{where_to:#?}");
    assert!(where_to[1].contains(": node v0, "), "{where_to:#?}");
}

/// Whoever is to look on may be told to wait as well, though the rules of authentication let him in: then the log does not say that
/// he is sent to the node.
#[test]
fn who_waits_for_a_crowded_visitor_node_is_said_to_wait() {
    let mut s = one_node(1).participant("alice").start();
    s.settle();
    s.accident(1, Fate::IsLate(Time::from_secs(5)), |d| d.to == "focus/visitors/0" && d.stanza.name() == "presence");
    keep_lines();
    for number in 0..1_003 {
        asks(&mut s, &format!("v{number}@guest.meet.test/r"), "v", ROOM);
    }
    assert_eq!(answered(&s, "@guest.meet.test/r", "false"), 3);
    let lines = logged("INFO Conference request from ");
    let sent = lines.iter().filter(|line| line.contains(": node v0, ")).count();
    let told = ": told to wait by rule too-many-wait (too many wait for the focus to be in the room on node v0)";
    let waiting = lines.iter().filter(|line| line.ends_with(told)).count();
    assert_eq!((sent, waiting), (1_000, 3));
    s.run_for(Time::from_secs(10));
    assert_eq!(answered(&s, "@guest.meet.test/r", "true"), 1_000);
}

/// Whoever asks for more than is his own is refused, and the log has the rule: once a minute, and not a line for each.
#[test]
fn who_asks_too_often_is_refused_by_a_rule_with_a_name() {
    let mut s = Scenario::new().participant("alice").start();
    s.settle();
    keep_lines();
    for _ in 0..300 {
        asks(&mut s, "eager@guest.meet.test/r", "e", ROOM);
    }
    assert_eq!(s.said().errors("resource-constraint").count(), 100);
    let told = logged("eager@guest.meet.test/r asks for more than anybody needs");
    assert!(told.len() == 1 && told[0].contains(": refused for now by rule too-many-requests, Request"), "{told:#?}");
}

/// Over HTTP a focus without a connection says so in its log, too.
#[test]
fn a_focus_without_a_connection_lets_nobody_in_over_http() {
    use jicofo::focus::command::{Command, Refusal, Reply};
    use jicofo::wire::focus_iq::Conference;
    let mut s = Scenario::new().start();
    s.focus_is_cut_off();
    keep_lines();
    let ask = Conference { room: Some(ROOM.into()), ..Conference::default() };
    let reply = s.command(Command::Conference(Box::new(ask)));
    assert_eq!(reply, Reply::Refused(Refusal::NotConnected));
    let lines = logged("Conference request for room");
    assert!(lines.len() == 1 && lines[0].contains("told to wait by rule not-connected ("), "{lines:#?}");
}

/// Somebody who was just told that the focus is there finds it, though everybody else leaves before he comes (spec/10 §5.2).
#[test]
fn whoever_was_told_that_the_focus_is_there_finds_it() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.run_for(Time::from_secs(60));
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    assert_eq!(of_conference(&answer_to(&mut s, "g", ROOM), "ready"), Some("true"));
    s.run_for(Time::from_secs(5));
    s.participant("alice").leave();
    s.run_for(Time::from_secs(7));
    assert!(leaves(&s, ROOM).is_empty());
    s.run_for(Time::from_secs(2));
    assert_eq!(leaves(&s, ROOM).count(), 1, "not longer than where nobody comes at all");
    // Whoever has come is waited for no more.
    s.joins("alice");
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.participant("alice").request_conference();
    s.settle();
    for name in ["bob", "alice"] {
        s.participant(name).leave();
    }
    s.settle();
    assert_eq!(leaves(&s, ROOM).count(), 2);
    s.finish();
}
