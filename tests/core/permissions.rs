//! Who may do what: every kind of request, message and presence, of every kind of sender.
//!
//! Each cell of the table is played: what comes has the address that the server gives it, whatever it says of itself. What is
//! told to anybody but the sender is an effect; a cell that names none has none.

use testkit::ns;
use testkit::participant::SessionState;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::wire_log::Wire;
use testkit::xml::{Element, Read, error_in, parse};
use testkit::{Time, ns::JITMEET_AUDIO};

use crate::support::*;

const OTHER: &str = "other@conference.meet.test";

/// A sender, and the address that the server vouches for.
const SENDERS: [(&str, &str); 14] = [
    ("outsider", "out@meet.test/web"),
    ("outsider through the proxy", "focus.meet.test/out@meet.test/web"),
    ("occupant of another room", "other@conference.meet.test/mallory"),
    ("one who is not in that room", "room@conference.meet.test/nobody"),
    ("bridge", "jvbbrewery@internal.auth.meet.test/jvb1"),
    ("server", "meet.test"),
    ("own account from elsewhere", "focus@auth.meet.test/other"),
    ("the room itself", "room@conference.meet.test"),
    ("moderation component", "avmoderation.meet.test"),
    ("metadata component", "metadata.meet.test"),
    ("visitor", "room@conference.meet.test/vic"),
    ("participant", "room@conference.meet.test/carol"),
    ("moderator", "room@conference.meet.test/alice"),
    ("the one it is about", "room@conference.meet.test/bob"),
];

/// A room with a moderator, two participants and a visitor, and another room whose one occupant leads it.
fn stage() -> Scenario {
    let mut s = Scenario::new().bridge("jvb1").start();
    for name in ["alice", "bob", "carol"] {
        s.joins(name);
        s.settle();
    }
    s.joins_with("mallory", |mallory| mallory.room = OTHER.into());
    s.run_until(|s| s.connected(&["alice", "bob", "carol"]));
    to_focus(
        &mut s,
        &format!(
            "<presence from='{ROOM}/vic' to='{FOCUS}'><x xmlns='{}'><item affiliation='none' role='visitor' \
             jid='vic@meet.test/web'/></x></presence>",
            ns::MUC_USER
        ),
    );
    s.run_for(Time::from_secs(1));
    s
}

/// What somebody is answered, and whom else the focus said something.
fn play(s: &mut Scenario, from: &str, stanza: &str) -> (Option<String>, Vec<String>) {
    s.run_for(Time::from_millis(10));
    let now = s.now();
    s.server().send(now, "focus", parse(stanza).expect("well-formed XML"));
    s.run_for(Time::from_millis(10));
    let is_health = |wire: &Wire| wire.text().contains("healthcheck");
    let said: Vec<&Wire> = s.said().since(now).iter().filter(|wire| !is_health(wire)).collect();
    let to_sender = |wire: &&&Wire| wire.is_answer() && wire.stanza.attr("to") == Some(from);
    let answers: Vec<String> = said
        .iter()
        .filter(to_sender)
        .map(|wire| error_in(&wire.stanza).map_or_else(|| "result".to_owned(), |(condition, _)| condition))
        .collect();
    assert!(answers.len() <= 1, "{answers:?}");
    let others = said.iter().filter(|wire| !to_sender(wire));
    let nick =
        |wire: &Wire| wire.stanza.attr("to").unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    (answers.first().cloned(), others.map(|wire| format!("{} {}", wire.stanza.name(), nick(wire))).collect())
}

/// Plays a row of the table: one sender after another, those with an effect last. `expected` has the answer of each, in the
/// order of [`SENDERS`], and whom else something is told.
#[track_caller]
fn row(what: &str, child: impl Fn(&Scenario, &str) -> (String, String), expected: [(&str, &[&str]); 14]) {
    let mut s = stage();
    let mut order: Vec<usize> = (0..SENDERS.len()).collect();
    order.sort_by_key(|index| expected[*index].1.len());
    for index in order {
        let ((who, from), (answer, told)) = (SENDERS[index], expected[index]);
        let (kind, child) = child(&s, from);
        let stanza = format!("<iq type='{kind}' id='{index}' from='{from}' to='{FOCUS}'>{child}</iq>");
        let (answered, others) = play(&mut s, from, &stanza);
        assert_eq!(answered.as_deref(), Some(answer), "{what} of {who}: {stanza}");
        assert_eq!(others, told, "what others are told of {what} of {who}");
    }
    unharmed(&s);
}

/// Whoever was in a session is, unless it ended it by itself.
#[track_caller]
fn unharmed(s: &Scenario) {
    for name in ["alice", "carol"] {
        assert!(s.view(name).connected(), "{name}");
        assert!(s.view_bridge("jvb1").endpoint(name).is_some(), "{name}");
    }
    assert_eq!((s.focus().gauges().conferences, leaves(s, ROOM).count()), (2, 0));
}

fn sid(s: &Scenario, name: &str) -> String {
    s.view(name).session().map_or_else(|| "gone".into(), |session| session.sid.clone())
}

/// The same for all.
fn all(answer: &'static str) -> [(&'static str, &'static [&'static str]); 14] {
    [(answer, &[]); 14]
}

/// The same for all who are in no session here, then the visitor, the participant, the moderator and the one it is about.
fn outside_or(
    outside: &'static str,
    inside: [(&'static str, &'static [&'static str]); 4],
) -> [(&'static str, &'static [&'static str]); 14] {
    let mut expected = all(outside);
    expected[10..].copy_from_slice(&inside);
    expected
}

fn mute(target: &str, text: &str) -> (String, String) {
    ("set".into(), format!("<mute xmlns='{JITMEET_AUDIO}' jid='{target}'>{text}</mute>"))
}

#[test]
fn muting() {
    let bob = format!("{ROOM}/bob");
    // The answer to one who is not there is the same whether there is such a room or not.
    let refused = ("item-not-found", &[] as &[&str]);
    let muted = ("result", &["iq bob"] as &[&str]);
    let others = [refused, ("not-allowed", &[]), muted, ("result", &[])];
    row("muting", |_, _| mute(&bob, "true"), outside_or("item-not-found", others));
    let nobody = [refused, ("not-allowed", &[]), ("not-allowed", &[]), ("result", &[])];
    row("unmuting", |_, _| mute(&bob, "false"), outside_or("item-not-found", nobody));
    let own = [refused, ("result", &[]), ("result", &[]), ("result", &[])];
    row("muting oneself", |_, from| mute(from, "true"), outside_or("item-not-found", own));
    // Whoever says that he is somebody else is himself.
    let actor = format!("<mute xmlns='{JITMEET_AUDIO}' jid='{bob}' actor='{ROOM}/alice'>true</mute>");
    row("muting in another's name", |_, _| ("set".into(), actor.clone()), outside_or("item-not-found", others));
}

#[test]
fn jingle_in_somebody_elses_session() {
    let not_yours: [(&'static str, &'static [&'static str]); 3] = [("item-not-found", &[]); 3];
    let [visitor, participant, moderator] = not_yours;
    let contents = "<content creator='responder' name='audio'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>\
                    <source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='4711' name='bob-a7'/></description>\
                    <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'/></content>";
    let failed = format!("<ice-state xmlns='{}'>failed</ice-state>", ns::FOCUS);
    for (action, more, own) in [
        ("transport-info", contents, ("result", &["iq jvb1"] as &[&str])),
        ("source-add", contents, ("result", &["iq jvb1", "iq alice", "iq carol"])),
        ("session-info", "", ("result", &[])),
        ("session-info", failed.as_str(), ("result", &[])),
        ("transport-reject", "", ("result", &[])),
        ("source-remove", "", ("result", &[])),
        ("content-add", "", ("feature-not-implemented", &[])),
        ("session-terminate", "", ("item-not-found", &["iq alice", "iq carol", "iq jvb1"])),
    ] {
        row(
            action,
            |s, _| {
                // Whoever it is about knows it best; others may have learned of it.
                let sid = sid(s, "bob");
                ("set".into(), format!("<jingle xmlns='{}' action='{action}' sid='{sid}'>{more}</jingle>", ns::JINGLE))
            },
            outside_or("bad-request", [visitor, participant, moderator, own]),
        );
    }
    // A session that there is nowhere.
    let unknown = |_: &Scenario, _: &str| {
        ("set".to_owned(), format!("<jingle xmlns='{}' action='session-terminate' sid='unknown'/>", ns::JINGLE))
    };
    row("jingle of no session", unknown, all("bad-request"));
}

#[test]
fn what_anybody_may_ask() {
    for child in [
        format!("<ping xmlns='{}'/>", ns::PING),
        format!("<query xmlns='{}'/>", ns::VERSION),
        format!("<query xmlns='{}'/>", ns::DISCO_INFO),
    ] {
        row("a question", |_, _| ("get".into(), child.clone()), all("result"));
    }
    let conference = format!("<conference xmlns='{}' room='{ROOM}'/>", ns::FOCUS);
    row("a conference request", |_, _| ("set".into(), conference.clone()), all("result"));
}

#[test]
fn what_nobody_may_ask() {
    for (kind, child) in [
        ("set", format!("<ping xmlns='{}'/>", ns::PING)),
        ("set", format!("<query xmlns='{}'/>", ns::DISCO_INFO)),
        ("get", format!("<conference xmlns='{}' room='{ROOM}'/>", ns::FOCUS)),
        ("get", format!("<jingle xmlns='{}' action='session-terminate' sid='x'/>", ns::JINGLE)),
        ("get", mute(&format!("{ROOM}/bob"), "true").1),
        (
            "get",
            format!(
                "<conference-modify xmlns='{}' meeting-id='x'><endpoint id='bob' expire='true'/></conference-modify>",
                ns::COLIBRI2
            ),
        ),
        ("set", format!("<query xmlns='{}'><item affiliation='owner' jid='eve@meet.test'/></query>", ns::MUC_ADMIN)),
        ("get", format!("<query xmlns='{}'/>", ns::MUC_OWNER)),
        ("set", format!("<query xmlns='{}'/>", ns::ROSTER)),
        // Nobody logs in here.
        ("get", format!("<login-url xmlns='{}' room='{ROOM}' machine-uid='m1'/>", ns::FOCUS)),
        ("set", format!("<logout xmlns='{}' session-id='x'/>", ns::FOCUS)),
        ("get", format!("<healthcheck xmlns='{}'/>", ns::HEALTHCHECK)),
        ("set", "<anything xmlns='urn:x:unknown'/>".to_owned()),
    ] {
        row(&child, |_, _| (kind.into(), child.clone()), all("feature-not-implemented"));
    }
}

/// Messages: of the components alone, and each of its own kind alone.
#[test]
fn messages() {
    let json = |json: &str| format!("<json-message xmlns='{}' room='{ROOM}'>{json}</json-message>", ns::JITMEET);
    let moderation = json(&format!(
        "{{\"type\":\"av_moderation\",\"room\":\"{ROOM}\",\"enabled\":true,\"mediaType\":\"audio\",\"actor\":\"{ROOM}/alice\"}}"
    ));
    let metadata = json(
        "{\"type\":\"room_metadata\",\"metadata\":{\"recording\":{\"isTranscribingEnabled\":true},\"asyncTranscription\":true}}",
    );
    let status = format!("<x xmlns='{}'><status code='104'/></x>", ns::MUC_USER);
    let owner = format!("<x xmlns='{}'><item affiliation='owner' jid='eve@meet.test'/></x>", ns::MUC_USER);
    let mutes: &[&str] = &["iq jvb1", "iq bob", "iq carol"];
    let property: &[&str] = &["presence focus"];
    for (what, child, effective, effect) in [
        ("moderation", &moderation, "moderation component", mutes),
        ("metadata", &metadata, "metadata component", property),
        ("a changed configuration", &status, "nobody, where there is metadata", &[]),
        ("an affiliation", &owner, "nobody", &[]),
    ] {
        for kind in ["", " type='normal'", " type='groupchat'", " type='chat'", " type='error'"] {
            let mut s = stage();
            let mut senders = SENDERS;
            senders.sort_by_key(|(who, _)| *who == effective);
            for (who, from) in senders {
                let stanza = format!("<message{kind} from='{from}' to='{FOCUS}'>{child}</message>");
                let (answer, others) = play(&mut s, from, &stanza);
                let counts = who == effective && (kind.is_empty() || kind.contains("normal"));
                let expected = if counts { effect } else { &[] };
                assert_eq!(
                    (answer, others),
                    (None, expected.iter().map(|it| (*it).to_owned()).collect()),
                    "{what}{kind} of {who}"
                );
            }
            unharmed(&s);
        }
    }
}

/// Presence: everybody's is about himself, whatever it says.
#[test]
fn presence() {
    let destroyed = format!(
        "<x xmlns='{}'><item affiliation='none' role='none' jid='{FOCUS}' nick='bob'/><destroy><reason>x</reason></destroy>\
         <status code='110'/><status code='307'/></x>",
        ns::MUC_USER
    );
    let mut s = stage();
    for (who, from) in SENDERS
        .iter()
        .filter(|(who, _)| !matches!(*who, "bridge" | "participant" | "moderator" | "the one it is about"))
    {
        for kind in [" type='unavailable'", " type='error'", ""] {
            // Somebody who comes into a room with these is in it; that is his own business.
            if kind.is_empty() && from.contains('/') && from.contains("@conference") {
                continue;
            }
            let stanza = format!("<presence{kind} from='{from}' to='{FOCUS}'>{destroyed}</presence>");
            let (answer, _) = play(&mut s, from, &stanza);
            assert_eq!(answer, None, "{who}{kind}");
            for name in ["alice", "bob", "carol"] {
                assert!(
                    s.view(name).connected() && s.view_bridge("jvb1").endpoint(name).is_some(),
                    "{who}{kind}: {name}"
                );
            }
            assert!(leaves(&s, ROOM).is_empty() && s.focus().gauges().conferences >= 1, "{who}{kind}");
        }
    }
    // Its own leave is its own, though it claims to be the focus'.
    let from = format!("{ROOM}/carol");
    play(&mut s, &from, &format!("<presence type='unavailable' from='{from}' to='{FOCUS}'>{destroyed}</presence>"));
    assert!(s.view_bridge("jvb1").endpoint("carol").is_none());
    assert!(s.view("alice").connected() && s.view("bob").connected() && leaves(&s, ROOM).is_empty());
    // Nobody sees our presence but whom it is meant for.
    for (who, from) in SENDERS {
        let (_, told) = play(&mut s, from, &format!("<presence type='subscribe' from='{from}' to='{FOCUS}'/>"));
        let answer = s.said().presence().last().stanza.clone();
        let welcome = answer.attr("type") != Some("unsubscribed");
        assert_eq!(welcome, from.starts_with("focus.meet.test"), "{who}");
        assert_eq!(told.len(), if welcome { 2 } else { 1 }, "{who}");
    }
}

/// An answer counts from where the question went, and from nowhere else.
#[test]
fn answers() {
    let mut s = stage();
    s.accident(1, Fate::IsLate(Time::from_secs(5)), |d| {
        d.to == "focus" && d.stanza.kid("conference-modified", ns::COLIBRI2).is_some()
    });
    s.joins("dave");
    s.run_for(Time::from_millis(100));
    let asked = s.said().containing("'dave'").containing("create=").last().stanza.clone();
    let (id, bridge) = (asked.attr("id").unwrap().to_owned(), asked.attr("to").unwrap().to_owned());
    let transport = format!(
        "<conference-modified xmlns='{}'><endpoint id='dave'><transport><transport \
         xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='evil' pwd='evil'/></transport></endpoint></conference-modified>",
        ns::COLIBRI2
    );
    let error = format!("<error type='cancel'><item-not-found xmlns='{}'/></error>", ns::STANZA_ERRORS);
    for (who, from) in SENDERS.into_iter().filter(|(_, from)| *from != bridge) {
        for (kind, child) in [("result", transport.as_str()), ("error", error.as_str()), ("result", "")] {
            let (answer, others) =
                play(&mut s, from, &format!("<iq type='{kind}' id='{id}' from='{from}' to='{FOCUS}'>{child}</iq>"));
            assert_eq!((answer, others), (None, vec![]), "{kind} of {who}");
        }
    }
    assert_eq!(offers(&s, "dave"), 0);
    s.run_until(|s| s.view("dave").connected());
    assert!(!s.sent_to("dave").jingle("session-initiate").first().text().contains("evil"));
    unharmed(&s);
}

/// The component's connection is for conference requests: what belongs into a room does not come that way.
#[test]
fn what_comes_by_the_component_is_nobodys_in_a_room() {
    let mut s = Scenario::new().bridge("jvb1").component().participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    connect(&mut s, "out", "out@meet.test/web");
    let bob = format!("{ROOM}/bob");
    let sid = sid(&s, "bob");
    request(&mut s, "out", "m1", &mute(&bob, "true").1);
    request(&mut s, "out", "j1", &format!("<jingle xmlns='{}' action='session-terminate' sid='{sid}'/>", ns::JINGLE));
    s.settle();
    assert_eq!(error(&only(&s, "out", "m1")).0, "item-not-found");
    assert_eq!(error(&only(&s, "out", "j1")).0, "feature-not-implemented");
    assert!(s.view("bob").mute_requests().is_empty() && s.view("bob").connected());
    s.finish();
}

/// A client that sends whatever comes to its mind, through the server as it is.
#[test]
fn a_hostile_occupant_harms_nobody() {
    let mut s = stage();
    let (focus, bob) = (format!("{ROOM}/focus"), sid(&s, "bob"));
    let payloads: Vec<Element> = [
        mute(&format!("{ROOM}/bob"), "true").1,
        mute(&format!("{ROOM}/alice"), "false").1,
        mute(&format!("{OTHER}/mallory"), "true").1,
        format!(
            "<jingle xmlns='{}' action='session-terminate' sid='{bob}' initiator='{ROOM}/bob' responder='{ROOM}/bob'/>",
            ns::JINGLE
        ),
        format!("<jingle xmlns='{}' action='session-accept' sid='{bob}' responder='{ROOM}/bob'/>", ns::JINGLE),
        format!("<conference-modify xmlns='{}' meeting-id='x' expire='true'/>", ns::COLIBRI2),
        format!("<query xmlns='{}'><item role='none' nick='bob'/></query>", ns::MUC_ADMIN),
    ]
    .iter()
    .map(|xml| parse(xml).unwrap())
    .collect();
    let asked = payloads.len();
    for payload in payloads {
        s.participant("carol").send_iq("set", &focus, payload);
    }
    let json = format!(
        "<json-message xmlns='{}'>{{\"type\":\"av_moderation\",\"room\":\"{ROOM}\",\"enabled\":true,\"mediaType\":\"audio\"}}</json-message>",
        ns::JITMEET
    );
    for to in [ROOM, FOCUS, &focus, "avmoderation.meet.test"] {
        for kind in ["", " type='groupchat'"] {
            s.inject("carol", &format!("<message{kind} to='{to}'>{json}</message>"));
        }
    }
    s.settle();
    let refused = s.participant("carol").take_refusals();
    assert_eq!(refused.len(), asked, "{refused:?}");
    for name in ["alice", "bob", "carol"] {
        assert!(s.view(name).connected() && s.view(name).mute_requests().is_empty(), "{name}");
        assert_eq!(s.view(name).session().unwrap().state, SessionState::Active);
        assert_eq!(s.view_bridge("jvb1").endpoint(name).unwrap().force_mute, (false, false));
    }
    unharmed(&s);
}
