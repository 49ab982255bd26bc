//! The same where there are visitors: who may let them in, and what comes from their server.

use testkit::participant::Place;
use testkit::xml::Read;

use super::*;

const MIRROR: &str = "room@conference.v0.meet.test";

/// Where somebody stands to the room, and on which connection he speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Moderator,
    Occupant,
    /// One who looks on, with a session, on the node's connection.
    Visitor,
    /// In no room of ours.
    Nobody,
}

use Whose::{Moderator as Leads, Nobody, Occupant, Visitor};

const SPEAKERS: [(Whose, &str, &str, &str); 17] = [
    (Nobody, "user", "focus", "out@meet.test/web"),
    (Nobody, "moderator's own address", "focus", HOST),
    (Nobody, "occupant of another room who leads it", "focus", "other@conference.meet.test/mallory"),
    (Nobody, "visitor, from the main server", "focus", "room@conference.v0.meet.test/vera"),
    (Nobody, "visitor's name in the main room", "focus", "room@conference.meet.test/vera"),
    (Nobody, "visitors component", "focus", "visitors.meet.test"),
    (Nobody, "room itself", "focus", "room@conference.meet.test"),
    (Nobody, "moderator, through the component", "focus/component", "room@conference.meet.test/alice"),
    (Nobody, "moderator, from the node", "focus/visitors/0", "room@conference.meet.test/alice"),
    (Nobody, "moderator's name at the node", "focus/visitors/0", "room@conference.v0.meet.test/alice"),
    (Nobody, "user of the node", "focus/visitors/0", "u@v0.meet.test/web"),
    (Nobody, "user, from the node", "focus/visitors/0", "host@meet.test/web"),
    (Nobody, "node", "focus/visitors/0", "v0.meet.test"),
    (Nobody, "room on the node", "focus/visitors/0", MIRROR),
    (Occupant, "participant", "focus", "room@conference.meet.test/bob"),
    (Visitor, "visitor", "focus/visitors/0", "room@conference.v0.meet.test/vera"),
    (Leads, "moderator", "focus", "room@conference.meet.test/alice"),
];

fn with_visitors(mode: Mode) -> Scenario {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .component()
        .nodes(&["v0"])
        .config(move |config| {
            authenticating(config, mode);
            config.visitors.max_participants = 10;
            config.visitors.auto_enable_broadcast = false;
        })
        .start();
    s.joins_with("alice", |settings| settings.jid = HOST.into());
    s.joins_with("bob", |settings| settings.jid = "bob@guest.meet.test/web".into());
    s.joins_with("mallory", |settings| {
        settings.jid = "mallory@meet.test/web".into();
        settings.room = OTHER.into();
    });
    s.run_until(|s| s.connected(&["alice", "bob"]));
    s.joins_with("vera", |settings| {
        settings.jid = "vera@guest.meet.test/web".into();
        settings.properties.push(("visitor".into(), "true".into()));
    });
    s.run_for(Time::from_secs(1));
    assert!(s.view("alice").is_moderator() && s.view("vera").place() != Place::InRoom);
    s
}

fn says(s: &mut Scenario, link: &str, from: &str, kind: &str, child: &str) -> (Option<String>, Vec<String>) {
    s.run_for(Time::from_millis(10));
    let now = s.now();
    let iq = format!("<iq type='{kind}' id='x' from='{from}' to='{FOCUS}'>{child}</iq>");
    s.server().send(now, link, parse(&iq).expect("well-formed XML"));
    s.run_for(Time::from_millis(10));
    let said: Vec<&Wire> = s.said().since(now).iter().filter(|wire| !wire.text().contains("healthcheck")).collect();
    let answer = |wire: &&&Wire| wire.is_answer() && wire.stanza.get("id") == Some("x");
    let answers: Vec<String> = said
        .iter()
        .filter(answer)
        .map(|wire| error_in(&wire.stanza).map_or_else(|| "result".to_owned(), |(condition, _)| condition))
        .collect();
    let to = |wire: &&Wire| wire.stanza.get("to").unwrap_or_default().to_owned();
    (answers.first().cloned(), said.iter().filter(|wire| !answer(wire)).map(to).collect())
}

/// Visitors are let in by who leads the main room, and by nobody else.
#[test]
fn letting_visitors_in() {
    let broadcast = |room: &str, enabled: &str| {
        format!("<visitors xmlns='{}' room='{room}'><broadcast enabled='{enabled}'/></visitors>", ns::VISITORS)
    };
    for mode in MODES {
        let mut s = with_visitors(mode);
        for (whose, who, link, from) in SPEAKERS {
            let on_main = link == "focus";
            for (child, wrong) in
                [(broadcast(OTHER, "true"), true), (broadcast(ROOM, "false"), true), (broadcast(ROOM, "true"), false)]
            {
                let expected = match whose {
                    _ if !on_main => "feature-not-implemented",
                    // She leads that room, and it has no visitors.
                    Nobody if from.starts_with(OTHER) && child == broadcast(OTHER, "true") => "result",
                    Nobody if from.starts_with(OTHER) => "bad-request",
                    Leads if wrong => "bad-request",
                    Leads => "result",
                    _ => "forbidden",
                };
                let (answer, told) = says(&mut s, link, from, "set", &child);
                assert_eq!(answer.as_deref(), Some(expected), "{mode:?}: {child} of {who}");
                let connects: &[&str] =
                    if expected == "result" && whose == Leads { &["visitors.meet.test"] } else { &[] };
                assert_eq!(told.first().map(String::as_str), connects.first().copied(), "{mode:?}: {child} of {who}");
            }
            let (answer, told) = says(&mut s, link, from, "get", &broadcast(ROOM, "true"));
            assert_eq!((answer.as_deref(), told.len()), (Some("feature-not-implemented"), 0), "{mode:?}: get of {who}");
            // What the component and the nodes tell each other is nobody's to tell us.
            for child in ["connect-vnode", "disconnect-vnode", "promotion-request", "promotion-response"] {
                let child =
                    format!("<visitors xmlns='{}' room='{ROOM}'><{child} vnode='v0'/></visitors>", ns::VISITORS);
                let (answer, told) = says(&mut s, link, from, "set", &child);
                assert_eq!((answer.as_deref(), told.len()), (Some("feature-not-implemented"), 0), "{child} of {who}");
            }
        }
        s.run_until(|s| s.view("vera").connected());
    }
}

/// What comes from a node is of its visitors, and of nobody in the main room.
#[test]
fn whoever_speaks_from_a_node() {
    for mode in MODES {
        let mut s = with_visitors(mode);
        let open = format!("<visitors xmlns='{}' room='{ROOM}'><broadcast enabled='true'/></visitors>", ns::VISITORS);
        assert_eq!(says(&mut s, "focus", &format!("{ROOM}/alice"), "set", &open).0.as_deref(), Some("result"));
        s.run_until(|s| s.view("vera").connected());
        s.settle();
        let (bob, vera) = (sid(&s, "bob"), sid(&s, "vera"));
        let jingle = |action: &str, sid: &str, more: &str| {
            format!("<jingle xmlns='{}' action='{action}' sid='{sid}'>{more}</jingle>", ns::JINGLE)
        };
        let source = "<content creator='responder' name='audio'><description xmlns='urn:xmpp:jingle:apps:rtp:1' \
                      media='audio'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='4711' name='bob-a7'/>\
                      </description></content>";
        let speakers = SPEAKERS.iter().filter(|(_, _, link, _)| *link == "focus/visitors/0");
        for (whose, who, link, from) in speakers {
            let visits = *whose == Visitor;
            for (child, to_visitor, to_others) in [
                (
                    mute(JITMEET_AUDIO, &format!("{ROOM}/bob"), "true").1,
                    "feature-not-implemented",
                    "feature-not-implemented",
                ),
                (
                    mute(JITMEET_AUDIO, &format!("{MIRROR}/vera"), "true").1,
                    "feature-not-implemented",
                    "feature-not-implemented",
                ),
                (jingle("session-terminate", &bob, ""), "item-not-found", "bad-request"),
                (jingle("source-add", &bob, source), "item-not-found", "bad-request"),
                (jingle("source-add", &vera, source), "forbidden", "bad-request"),
                (jingle("session-info", &vera, ""), "result", "bad-request"),
                (
                    format!("<conference xmlns='{}' room='{ROOM}' machine-uid='m'/>", ns::FOCUS),
                    "feature-not-implemented",
                    "feature-not-implemented",
                ),
                (
                    format!("<conference xmlns='{}' room='new@conference.meet.test' machine-uid='m'/>", ns::FOCUS),
                    "feature-not-implemented",
                    "feature-not-implemented",
                ),
                (
                    format!("<logout xmlns='{}' session-id='x'/>", ns::FOCUS),
                    "feature-not-implemented",
                    "feature-not-implemented",
                ),
                (
                    format!("<query xmlns='{}'><item affiliation='owner' jid='eve@meet.test'/></query>", ns::MUC_ADMIN),
                    "feature-not-implemented",
                    "feature-not-implemented",
                ),
            ] {
                let expected = if visits { to_visitor } else { to_others };
                let (answer, told) = says(&mut s, link, from, "set", &child);
                assert_eq!((answer.as_deref(), told), (Some(expected), vec![]), "{mode:?}: {child} of {who}");
            }
            // Who they are, and what they say as components, counts for nothing.
            for child in [
                format!(
                    "<message from='{from}' to='{FOCUS}'><json-message xmlns='{}' room='{ROOM}'>{{\"type\":\"av_moderation\",\"room\":\"{ROOM}\",\"enabled\":true,\"mediaType\":\"audio\",\"actor\":\"{ROOM}/alice\"}}</json-message></message>",
                    ns::JITMEET
                ),
                format!("<presence from='{ROOM}/bob' to='{FOCUS}' type='unavailable'/>"),
                format!(
                    "<presence from='{ROOM}/eve' to='{FOCUS}'><x xmlns='{}'><item affiliation='owner' role='moderator' jid='eve@meet.test/x'/></x></presence>",
                    ns::MUC_USER
                ),
                format!(
                    "<presence from='{MIRROR}/eve' to='{FOCUS}'><x xmlns='{}'><item affiliation='owner' role='moderator' jid='{HOST}'/></x></presence>",
                    ns::MUC_USER
                ),
            ] {
                let now = s.now();
                s.server().send(now, link, parse(&child).expect("well-formed XML"));
                s.run_for(Time::from_millis(10));
                let said = s.said().since(now).iter().filter(|wire| !wire.text().contains("healthcheck")).count();
                assert_eq!(said, 0, "{mode:?}: {child}");
            }
        }
        for name in ["alice", "bob", "vera"] {
            assert!(s.view(name).connected() && s.view_bridge("jvb1").endpoint(name).is_some(), "{name}");
        }
        assert_eq!((s.focus().gauges().conferences, s.focus().gauges().members), (2, 4));
    }
}
