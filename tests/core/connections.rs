//! Connections that are lost, resumed and set up anew; what is answered on them.

use testkit::Time;
use testkit::ns;
use testkit::participant::Place;
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::wire_log::Wire;
use testkit::xml::{Read, error_in};

use crate::support::*;

const BREWERY: &str = "jvbbrewery@internal.auth.meet.test";

fn meet(builder: Builder) -> Scenario {
    let mut s = builder.bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// What the focus said after so many stanzas, without its checks of bridges.
fn said_after(s: &Scenario, count: usize) -> Vec<String> {
    let said = s.said();
    let said = said.iter().skip(count).filter(|wire| !wire.text().contains("healthcheck"));
    said.map(|wire| format!("{} → {}", outline(wire), wire.stanza.get("to").unwrap_or("-"))).collect()
}

/// What the focus says after a login: everything, in this order.
const LOGIN: [&str; 8] = [
    "iq get roster → -",
    "iq get disco#info → meet.test",
    "presence - disco#info → -",
    "iq get ping → focus.meet.test",
    "iq get disco#info → internal.auth.meet.test",
    "presence - muc → jvbbrewery@internal.auth.meet.test/focus",
    "iq get muc#owner → jvbbrewery@internal.auth.meet.test",
    "iq set muc#owner → jvbbrewery@internal.auth.meet.test",
];

/// As `LOGIN`; the presence has nothing but priority and caps, and the brewery's domain was asked before.
fn login(again: bool) -> Vec<String> {
    let steps = LOGIN.iter().filter(|step| !again || !step.ends_with("internal.auth.meet.test") || step.contains('@'));
    steps.map(|step| step.replace("presence - disco#info →", "presence -  →")).collect()
}

/// The part of spec/70 28 that follows the stream's own negotiation.
///
/// Covers spec/20: 44; spec/70: 28; spec/90: 25, 29, 41.
#[test]
fn after_a_login_that_resumes_nothing_all_is_asked_and_entered_as_after_the_first() {
    let mut s = Scenario::new().start();
    assert_eq!(said_after(&s, 0), login(false));
    let before = s.said().count();
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(6));
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(said_after(&s, before), login(true));
    s.finish();
}

/// Covers spec/10: 48.
#[test]
fn presence_is_sent_after_a_login_and_not_after_a_resumption() {
    let mut s = Scenario::new().start();
    let undirected = |s: &Scenario| {
        s.said().presence().filter(|wire| wire.stanza.get("to").is_none() && wire.stanza.get("type").is_none()).count()
    };
    assert_eq!(undirected(&s), 1);
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(5));
    s.focus_resumes();
    s.settle();
    assert_eq!(undirected(&s), 1);
    s.focus_logs_in_anew();
    s.settle();
    assert_eq!(undirected(&s), 2);
    s.finish();
}

/// Covers spec/10: 38; spec/70: 31, 32; spec/90: 37.
#[test]
fn conferences_live_through_a_resumption_in_time_and_through_nothing_else() {
    let mut s = meet(Scenario::new());
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(5));
    s.focus_resumes();
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!((s.focus().gauges().conferences, joins(&s, ROOM).count(), offers(&s, "alice")), (1, 1, 1));
    assert_eq!(s.focus().metrics().xmpp_disconnects, 1);
    // Not resumed in time.
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(14));
    assert_eq!(s.focus().gauges().conferences, 1);
    s.run_for(Time::from_secs(2));
    let gauges = s.focus().gauges();
    assert_eq!((gauges.conferences, gauges.members, gauges.participants), (0, 0, 0));
    assert_eq!(s.said().jingle("session-terminate").count(), 0, "for nobody, and clients reload as it is");
    // A new stream, at once.
    let mut s = meet(Scenario::new());
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(1));
    s.focus_logs_in_anew();
    assert_eq!(s.focus().gauges().conferences, 0);
    s.participant("bob").leave();
    s.joins("carol");
    s.run_until(|s| s.connected(&["carol"]));
    assert_eq!(s.focus().gauges().members, 2, "who left meanwhile is not remembered");
    // No way to resume: at once, before there is a new stream.
    let mut s = meet(Scenario::new());
    s.focus_is_disconnected();
    assert_eq!(s.focus().gauges().conferences, 0);
}

#[test]
fn a_session_that_is_resumed_too_late_finds_the_focus_out_of_its_rooms() {
    let mut s = meet(Scenario::new());
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(20));
    s.focus_resumes();
    s.settle();
    assert!(s.server().room(ROOM).unwrap().occupants.keys().all(|nick| nick != "focus"));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    s.joins("carol");
    s.run_until(|s| s.connected(&["carol"]));
    assert_eq!(s.focus().gauges().members, 3);
}

/// Covers spec/10: 54.
#[test]
fn after_a_stop_of_the_server_nothing_of_the_old_stream_is_said_on_the_new_one() {
    let mut s = meet(Scenario::new());
    let burst = |s: &mut Scenario, room: &str, nicks: &[&str]| {
        for nick in nicks {
            let own = if *nick == "focus" { "<status code='110'/>" } else { "" };
            let xml = format!(
                "<presence type='unavailable' from='{room}/{nick}' to='{FOCUS}'><x xmlns='{}'><item affiliation='owner' \
                 role='none'/><status code='333'/>{own}</x></presence>",
                ns::MUC_USER
            );
            let now = s.now();
            s.server().send(now, "focus", testkit::xml::parse(&xml).unwrap());
        }
        let error = format!(
            "<presence type='error' from='{room}/focus' to='{FOCUS}'><error type='cancel'><item-not-found xmlns='{}'/>\
             </error></presence>",
            ns::STANZA_ERRORS
        );
        let now = s.now();
        s.server().send(now, "focus", testkit::xml::parse(&error).unwrap());
    };
    burst(&mut s, ROOM, &["alice", "bob", "focus"]);
    burst(&mut s, BREWERY, &["jvb1", "focus"]);
    s.run_for(Time::from_millis(20));
    assert_eq!(s.focus().gauges().conferences, 0);
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(6));
    let before = s.said().count();
    s.focus_logs_in_anew();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    s.settle();
    // The bridge has not heard that the conference is over.
    let mut said = said_after(&s, before);
    assert_eq!(said.pop(), Some("iq get colibri2 → jvbbrewery@internal.auth.meet.test/jvb1".to_owned()));
    assert_eq!(said, login(true));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    assert_eq!(of_conference(&answer_to(&mut s, "g", ROOM), "ready"), Some("true"));
    s.joins("carol");
    s.run_until(|s| s.connected(&["carol"]));
    assert_eq!(s.focus().gauges().conferences, 1);
}

#[test]
fn a_live_conference_that_is_lost_with_its_stream_says_on_the_next_that_it_is_over_and_no_more() {
    let mut s = meet(Scenario::new());
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(6));
    let before = s.said().count();
    s.focus_logs_in_anew();
    s.settle();
    let mut said = said_after(&s, before);
    assert_eq!(said.pop(), Some("iq get colibri2 → jvbbrewery@internal.auth.meet.test/jvb1".to_owned()));
    assert_eq!(said, login(true));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
}

/// Covers spec/10: 55; spec/90: 92.
#[test]
fn the_successor_of_a_killed_focus_enters_a_room_when_it_is_asked_for() {
    let mut s = meet(Scenario::new());
    s.focus_is_replaced();
    s.run_for(Time::from_secs(60));
    assert_eq!((joins(&s, ROOM).count(), s.focus().gauges().conferences), (1, 0));
    s.joins("carol");
    s.run_until(|s| s.connected(&["carol"]));
    s.settle();
    assert_eq!(joins(&s, ROOM).count(), 2);
    assert_eq!((offers(&s, "alice"), offers(&s, "bob"), offers(&s, "carol")), (2, 2, 1));
}

/// Covers spec/10: 53.
#[test]
fn what_a_predecessor_left_behind_is_no_news_of_the_brewery() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.focus_is_disconnected();
    let gone = format!(
        "<presence type='unavailable' from='{BREWERY}/focus' to='{FOCUS}'><x xmlns='{}'><item affiliation='owner' \
         role='none'/><status code='333'/><status code='110'/></x></presence>",
        ns::MUC_USER
    );
    s.early(&gone);
    let before = s.said().count();
    s.focus_logs_in_anew();
    s.early(&gone);
    s.settle();
    assert_eq!(said_after(&s, before), login(true));
    assert_eq!(s.focus().gauges().operational_bridges, 1);
    s.finish();
}

/// Covers spec/10: 52; spec/90: 61.
#[test]
fn a_stop_tells_the_bridges_and_leaves_in_order() {
    let mut s = meet(Scenario::new());
    let other = "other@conference.meet.test";
    for name in ["carol", "dave"] {
        s.joins_with(name, |settings| settings.room = other.into());
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view_bridge("jvb1").conferences().len(), 2);
    let before = s.said().count();
    s.stop_focus();
    s.settle();
    let said: Vec<&Wire> = s.said().iter().skip(before).collect();
    let at = |what: &dyn Fn(&Wire) -> bool| -> Vec<usize> {
        said.iter().enumerate().filter(|(_, wire)| what(wire)).map(|(index, _)| index).collect()
    };
    let expires = at(&|wire| wire.text().contains("conference-modify") && wire.text().contains("expire='true'"));
    let brewery = at(&|wire| wire.stanza.get("to") == Some(&format!("{BREWERY}/focus")));
    let undirected = at(&|wire| wire.stanza.name() == "presence" && wire.stanza.get("to").is_none());
    assert_eq!((expires.len(), brewery.len(), undirected.len()), (2, 1, 1), "{}", s.story());
    assert!(expires[1] < brewery[0] && brewery[0] < undirected[0]);
    assert_eq!(undirected[0], said.len() - 1, "then the stream ends");
    assert!(said.iter().all(|wire| wire.jingle("session-terminate").is_none()));
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    assert!(s.server().rooms().values().all(|room| !room.occupants.contains_key("focus")));
}

/// Covers spec/20: 2; spec/90: 39.
#[test]
fn a_server_that_does_not_say_its_components_still_has_conferences() {
    let mut s = Scenario::new().bridge("jvb1");
    s = s.server(|server| server.metadata = Some(serde_json::json!({ "startMuted": { "audio": true } })));
    let mut s = s.start();
    let unanswered = |d: &testkit::room::Delivery| {
        d.to == "focus" && d.stanza.name() == "iq" && d.stanza.get("from") == Some("meet.test")
    };
    s.accident(1, Fate::IsLost, unanswered);
    s.focus_is_replaced();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let answer = answer_to(&mut s, "g", ROOM);
    assert_eq!(of_conference(&answer, "ready"), Some("true"));
    assert!(properties(&answer).contains(&pair("visitors-supported", "false")));
    // What comes before it is known who is a component is kept, and says nothing yet.
    s.run_for(Time::from_secs(14));
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "bob"), None, "no component, no metadata");
    // It is asked again before long.
    s.run_for(Time::from_secs(31));
    metadata(&mut s, ROOM, &serde_json::json!({ "startMuted": { "audio": true } }));
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "carol"), Some(("true".into(), "false".into())));
    s.finish();
}

/// Covers spec/70: 30.
#[test]
fn a_proxy_that_nobody_put_on_the_roster_is_let_in_and_nobody_else_is() {
    let mut s = Scenario::new().start();
    let before = s.said().count();
    to_focus(&mut s, &format!("<presence type='subscribe' from='focus.meet.test' to='{FOCUS}'/>"));
    to_focus(&mut s, &format!("<presence type='subscribe' from='eve@meet.test/x' to='{FOCUS}'/>"));
    to_focus(&mut s, &format!("<presence type='subscribe' from='evil.meet.test' to='{FOCUS}'/>"));
    let said: Vec<(Option<String>, Option<String>)> = s
        .said()
        .iter()
        .skip(before)
        .map(|wire| (wire.stanza.get("type").map(str::to_owned), wire.stanza.get("to").map(str::to_owned)))
        .collect();
    let proxy = Some("focus.meet.test".to_owned());
    let eve = Some("eve@meet.test".to_owned());
    let evil = Some("evil.meet.test".to_owned());
    let refused = Some("unsubscribed".to_owned());
    let expected =
        [(Some("subscribed".to_owned()), proxy.clone()), (None, proxy), (refused.clone(), eve), (refused, evil)];
    assert_eq!(said, expected);
    s.finish();
}

/// Covers spec/90: 115.
#[test]
fn every_question_is_answered() {
    let mut s = meet(Scenario::new());
    let own = own_presences(&s, ROOM).last().stanza.clone();
    let ver = own.kid("c", ns::CAPS).unwrap().get("ver").unwrap().to_owned();
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let disco = |node: &str| format!("<query xmlns='{}' {node}/>", ns::DISCO_INFO);
    let jingle = |action: &str, sid: &str| format!("<jingle xmlns='{}' action='{action}' sid='{sid}'/>", ns::JINGLE);
    let cases = [
        ("get", disco(""), None),
        ("get", disco(&format!("node='http://jitsi.org/jicofo#{ver}'")), None),
        ("get", disco("node='http://jitsi.org/jicofo#old'"), Some("item-not-found")),
        ("set", disco(""), Some("feature-not-implemented")),
        ("get", format!("<ping xmlns='{}'/>", ns::PING), None),
        ("get", format!("<query xmlns='{}'/>", ns::VERSION), None),
        ("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>".to_owned(), Some("feature-not-implemented")),
        (
            "set",
            "<graceful-shutdown xmlns='http://jitsi.org/protocol/colibri'/>".to_owned(),
            Some("feature-not-implemented"),
        ),
        (
            "get",
            "<anything xmlns='urn:x'><deep><deeper/></deep></anything>".to_owned(),
            Some("feature-not-implemented"),
        ),
        ("set", String::new(), Some("bad-request")),
        ("set", jingle("session-info", "none"), Some("bad-request")),
        ("set", jingle("no-such-action", "none"), Some("bad-request")),
        ("get", jingle("session-info", "none"), Some("feature-not-implemented")),
    ];
    for (index, (kind, child, condition)) in cases.iter().enumerate() {
        let id = format!("q&quot;{index}");
        s.inject("g", &format!("<iq type='{kind}' id='{id}' to='{FOCUS}'>{child}</iq>"));
        s.settle();
        let answer = only(&s, "g", &format!("q\"{index}"));
        assert_eq!(error_in(&answer).map(|(condition, _)| condition).as_deref(), *condition, "{kind} {child}");
    }
    let info = only(&s, "g", "q\"0").kid("query", ns::DISCO_INFO).unwrap().clone();
    let features: Vec<&str> = info.kids("feature", ns::DISCO_INFO).filter_map(|feature| feature.get("var")).collect();
    for needed in [ns::DISCO_INFO, ns::CAPS, "https://jitsi.org/meet/jicofo/terminate-restart"] {
        assert!(features.contains(&needed), "{needed}");
    }
    assert_eq!(info.kids("identity", ns::DISCO_INFO).count(), 1);
    s.finish();
}

/// Covers spec/90: 43.
#[test]
fn only_the_first_answer_of_the_one_who_was_asked_counts() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    s.settle();
    // Somebody else says what bob supports: nobody takes it for bob's word.
    s.accident(1, Fate::IsLate(Time::from_secs(3)), |d| {
        d.from == "bob" && d.to == "focus" && d.stanza.kid("query", ns::DISCO_INFO).is_some()
    });
    s.joins_with("bob", |bob| {
        bob.profile = testkit::participant::profile::Profile::current().with("http://example.com/unknown");
    });
    s.run_for(Time::from_secs(1));
    let asked = said_to(&s, &format!("{ROOM}/bob")).last().stanza.clone();
    let id = asked.get("id").unwrap().to_owned();
    for from in [format!("{ROOM}/alice"), "eve@meet.test/x".to_owned(), ROOM.to_owned(), "meet.test".to_owned()] {
        let forged = format!(
            "<iq type='result' id='{id}' from='{from}' to='{FOCUS}'><query xmlns='{}'>\
             <feature var='urn:xmpp:jingle:apps:rtp:audio'/></query></iq>",
            ns::DISCO_INFO
        );
        let now = s.now();
        s.server().send(now, "focus", testkit::xml::parse(&forged).unwrap());
    }
    s.run_for(Time::from_secs(1));
    assert_eq!(offers(&s, "bob"), 0);
    s.run_until(Scenario::all_connected);
    s.settle();
    // Answered twice, the second time with an error that echoes the question.
    let before = s.said().count();
    let again = format!(
        "<iq type='error' id='{id}' from='{ROOM}/bob' to='{FOCUS}'><query xmlns='{}'/><error type='cancel'>\
         <service-unavailable xmlns='{}'/></error></iq>",
        ns::DISCO_INFO,
        ns::STANZA_ERRORS
    );
    to_focus(&mut s, &again);
    assert_eq!(said_after(&s, before), Vec::<String>::new());
    assert_eq!((offers(&s, "alice"), offers(&s, "bob")), (1, 1));
    // An error with the question in it is an error also the first time.
    s.accident(1, Fate::IsLost, |d| {
        d.from == "carol" && d.to == "focus" && d.stanza.kid("query", ns::DISCO_INFO).is_some()
    });
    s.joins_with("carol", |carol| {
        carol.profile = testkit::participant::profile::Profile::current().with("http://example.com/other");
    });
    s.run_for(Time::from_secs(1));
    let asked = said_to(&s, &format!("{ROOM}/carol")).last().stanza.clone();
    let again = again.replace(&id, asked.get("id").unwrap()).replace("/bob", "/carol");
    to_focus(&mut s, &again);
    let questions = said_to(&s, &format!("{ROOM}/carol")).request("query");
    assert_eq!(questions.count(), 2, "it is asked without node");
    s.run_until(Scenario::all_connected);
    s.finish();
}

/// Covers spec/90: 30, 45.
#[test]
fn a_brewery_that_cannot_be_entered_is_tried_until_it_can() {
    let mut s = Scenario::new().start();
    let into = |d: &testkit::room::Delivery| {
        d.to == "focus" && d.stanza.get("from") == Some("jvbbrewery@internal.auth.meet.test/focus")
    };
    s.focus_is_cut_off();
    // The server lets it in, and its word of it is lost; the leave after that is confirmed to nobody either.
    s.accident(3, Fate::IsLost, into);
    s.focus_logs_in_anew();
    s.run_for(Time::from_secs(14));
    assert_eq!(leaves(&s, BREWERY).count(), 0);
    s.run_for(Time::from_secs(2));
    assert_eq!(leaves(&s, BREWERY).count(), 1);
    s.run_for(Time::from_secs(60));
    s.add_bridge("jvb1", |_| {});
    s.joins("alice");
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    // Put out of it: the same.
    let now = s.now();
    s.server().put_out(now, BREWERY, "focus", &["307"]);
    s.run_for(Time::from_secs(20));
    assert_eq!(s.focus().gauges().operational_bridges, 1);
    s.run_until(Scenario::all_connected);
}

/// Found by simulation: each such loss made one more chain of questions, for ever.
#[test]
fn components_are_asked_for_once_however_often_the_connection_is_lost_meanwhile() {
    let mut s = Scenario::new().latency(Time::from_millis(100), Time::ZERO).bridge("jvb1").start();
    for _ in 0..3 {
        s.focus_logs_in_anew();
        s.focus_is_cut_off();
        s.focus_resumes();
    }
    s.run_for(Time::from_secs(30));
    let before = s.now();
    s.run_for(Time::from_secs(3700));
    let asked = s.said().since(before).request("query").filter(|wire| wire.stanza.attr("to") == Some("meet.test"));
    let hours: Vec<_> = asked.times();
    assert!(hours.windows(2).all(|pair| pair[1] - pair[0] > Time::from_secs(60)), "{hours:?}");
}

/// A server that is slow once still has its components.
///
/// Covers spec/70: 36.
#[test]
fn without_an_answer_at_the_next_login_components_stay_known_and_are_asked_for_again() {
    let mut s = Scenario::new().bridge("jvb1").start();
    s.settle();
    let asked = |s: &Scenario| said_to(s, "meet.test").filter(|wire| outline(wire).ends_with("disco#info")).count();
    let before = asked(&s);
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(20));
    s.accident(1, Fate::IsLost, |delivery| {
        delivery.to == "focus" && delivery.stanza.get("from") == Some("meet.test") && delivery.stanza.name() == "iq"
    });
    s.focus_logs_in_anew();
    s.run_for(Time::from_secs(16));
    assert_eq!(asked(&s), before + 1);
    assert!(s.focus().problems().iter().next().is_none(), "what was known is known");
    // Metadata is listened to, as the component is still known by its address.
    s.joins("alice");
    s.run_until(|s| s.view("alice").place() == Place::InRoom);
    let recording = serde_json::json!({ "recording": { "isTranscribingEnabled": true }, "asyncTranscription": true });
    metadata(&mut s, ROOM, &recording);
    assert_eq!(offers(&s, "alice"), 1);
    s.run_for(Time::from_secs(30));
    assert_eq!(asked(&s), before + 2);
    s.finish();
}

/// Whoever comes while the connection is away is seen when it is resumed: until then nobody is missing, and nobody is alone.
#[test]
fn what_waits_for_somebody_waits_for_the_connection_first() {
    let patient = |config: &mut jicofo::config::Config| {
        config.xmpp.client.account.reply_timeout = Time::from_secs(60);
        config.conference.initial_timeout = Time::from_secs(5);
        config.conference.single_participant_timeout = Time::from_secs(5);
    };
    // Nobody was there yet.
    let mut s = Scenario::new().config(patient).bridge("jvb1").start();
    s.joins("alice");
    s.run_until(|s| s.focus().gauges().conferences == 1);
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(20));
    s.focus_resumes();
    s.joins("bob");
    s.run_until(|s| s.connected(&["alice", "bob"]));
    assert!(leaves(&s, ROOM).is_empty());
    // One is alone, and then is not.
    s.participant("bob").leave();
    s.settle();
    s.focus_is_cut_off();
    s.joins("carol");
    s.run_for(Time::from_secs(20));
    s.focus_resumes();
    s.run_for(Time::from_secs(2));
    assert!(s.view("alice").connected() && s.sent_to("alice").jingle("session-terminate").is_empty());
    s.run_until(|s| s.connected(&["alice", "carol"]));
}
