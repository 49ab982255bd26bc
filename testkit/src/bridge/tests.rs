//! The bridge answers as the real one, error by error (spec/40 §3.3), and complains of what would close its stream.

use super::{Bridge, By, Fault, Health, IceRestart, Refused, Settings};
use crate::Time;
use crate::ns;
use crate::xml::{Element, Read, error_in, parse, to_text};

const BREWERY: &str = "jvbbrewery@internal.auth.meet.test";

fn bridge() -> Bridge {
    let mut settings = Settings::new("jvb1", BREWERY);
    settings.stats.relay_id = Some("relay-1".into());
    let mut bridge = Bridge::new(settings);
    bridge.join();
    bridge.poll_output().expect("a join");
    let own = format!("<presence from='{BREWERY}/jvb1'/>");
    bridge.handle(Time::ZERO, &parse(&own).expect("XML"));
    let stats = bridge.poll_output().expect("stats");
    assert!(stats.kid("stats", ns::COLIBRI).is_some_and(|stats| stats.children().count() > 40));
    bridge
}

/// The body of its answer to a `conference-modify`.
fn ask(bridge: &mut Bridge, attributes: &str, inner: &str) -> Element {
    send(bridge, attributes, inner);
    bridge.poll_output().expect("an answer")
}

fn send(bridge: &mut Bridge, attributes: &str, inner: &str) {
    let xml = format!(
        "<iq type='get' id='1' from='{BREWERY}/focus' to='jvb@auth.meet.test/jvb1'>
            <conference-modify xmlns='jitsi:colibri2' {attributes}>{inner}</conference-modify></iq>"
    );
    bridge.handle(Time::ZERO, &parse(&xml).expect("the test's XML is right"));
}

const CREATE: &str = "meeting-id='m' name='room@conference.meet.test' create='true'";

fn endpoint(id: &str, more: &str) -> String {
    format!(
        "<endpoint id='{id}' create='true'><media type='audio'/><transport ice-controlling='true'>{more}</transport>
            <sources/><capability name='source-names'/></endpoint>"
    )
}

fn with_endpoint() -> Bridge {
    let mut bridge = bridge();
    let answer = ask(&mut bridge, CREATE, &endpoint("alice", "<sctp/>"));
    assert_eq!(answer.get("type"), Some("result"), "{}", to_text(&answer));
    bridge
}

#[test]
fn an_endpoint_gets_what_the_real_one_gives() {
    let mut bridge = bridge();
    let answer = ask(&mut bridge, CREATE, &endpoint("alice", "<sctp/>"));
    let modified = answer.kid("conference-modified", ns::COLIBRI2).expect("an answer");
    let transport = modified.kid("endpoint", ns::COLIBRI2).and_then(|e| e.kid("transport", ns::COLIBRI2));
    let transport = transport.expect("a transport");
    assert_eq!(transport.kid("sctp", ns::COLIBRI2).and_then(|s| s.get("port")), Some("5000"));
    let ice = transport.kid("transport", ns::ICE).expect("ICE");
    assert_eq!(ice.kid("fingerprint", ns::DTLS).and_then(|f| f.get("setup")), Some("actpass"));
    assert!(ice.kid("web-socket", ns::COLIBRI).is_some() && ice.kid("candidate", ns::ICE).is_some());
    let sources = modified.kid("sources", ns::COLIBRI2).expect("feedback sources");
    let names: Vec<_> = sources.children().filter_map(|source| source.get("id")).collect();
    assert_eq!(names, ["jvb-a0", "jvb-v0"]);
    let again = ask(&mut bridge, "meeting-id='m'", &endpoint("bob", ""));
    let again = again.kid("conference-modified", ns::COLIBRI2).and_then(|m| m.kid("sources", ns::COLIBRI2));
    assert_eq!(again, Some(sources), "the same for the life of the conference");
}

/// Situation, attributes, content, condition, text, reason.
type Row = (&'static str, &'static str, String, &'static str, &'static str, Option<&'static str>);

#[test]
fn every_error_of_the_table() {
    let two = format!("{}{}", endpoint("x", ""), endpoint("y", ""));
    let connect = "<connect id='c' url='wss://x' protocol='mediajson' type='transcriber'";
    let rows: Vec<Row> = vec![
        (
            "a",
            CREATE,
            endpoint("x", ""),
            "conflict",
            "Conference already exists for ID: m",
            Some("conference_already_exists"),
        ),
        (
            "b",
            "meeting-id='n'",
            endpoint("x", ""),
            "item-not-found",
            "Conference not found for ID: n",
            Some("conference_not_found"),
        ),
        (
            "d",
            "meeting-id='n' name='nobody' create='true'",
            String::new(),
            "bad-request",
            "Invalid conference name (not a JID)",
            None,
        ),
        (
            "e",
            "meeting-id='m'",
            "<endpoint id='alice'/><relay id='r'/>".into(),
            "feature-not-implemented",
            "Using both 'relay' and 'endpoint' in a request",
            Some("feature_not_implemented"),
        ),
        (
            "f",
            "meeting-id='m'",
            two,
            "feature-not-implemented",
            "Creating or updating media, sources or transport for more than one endpoint in a request.",
            Some("feature_not_implemented"),
        ),
        (
            "g",
            "meeting-id='m'",
            "<relay id='r' expire='true'/><relay id='s' expire='true'/>".into(),
            "feature-not-implemented",
            "Updating more than one 'relay' in a request.",
            Some("feature_not_implemented"),
        ),
        ("h", "meeting-id='m'", endpoint("alice", ""), "conflict", "Endpoint with ID alice already exists", None),
        (
            "j",
            "meeting-id='m'",
            "<endpoint id='x' create='true'><capability name='source-names'/></endpoint>".into(),
            "bad-request",
            "Attempt to create endpoint x with no <transport>",
            None,
        ),
        (
            "k",
            "meeting-id='m'",
            "<endpoint id='x' create='true'><transport/></endpoint>".into(),
            "bad-request",
            "Source name support is mandatory.",
            None,
        ),
        (
            "m",
            "meeting-id='m'",
            endpoint("x", "<sctp role='client'/>"),
            "feature-not-implemented",
            "Unsupported SCTP role: CLIENT",
            None,
        ),
        (
            "n",
            "meeting-id='m'",
            endpoint("x", "<sctp port='5001'/>"),
            "bad-request",
            "Specific SCTP port requested, not supported.",
            None,
        ),
        (
            "o",
            "meeting-id='m'",
            "<endpoint id='x'><sources/></endpoint>".into(),
            "item-not-found",
            "Endpoint not found for ID: x",
            Some("unknown_endpoint"),
        ),
        (
            "t",
            "meeting-id='m'",
            "<relay id='r' create='true' mesh-id='0'/>".into(),
            "bad-request",
            "Attempt to create relay r with no <transport>",
            None,
        ),
        ("u", "meeting-id='m'", "<relay id='r'/>".into(), "bad-request", "Unknown relay r", None),
        (
            "w",
            "meeting-id='m'",
            format!("<connects>{connect}/></connects>"),
            "bad-request",
            "Connect for unknown id=c without create=true",
            None,
        ),
        (
            "x",
            "meeting-id='m'",
            format!("<connects>{connect} create='true'/>{connect} create='true'/></connects>"),
            "bad-request",
            "Multiple connects for id=c",
            None,
        ),
        (
            "z",
            "meeting-id='m'",
            format!("<connects>{connect} create='true' video='true'/></connects>"),
            "feature-not-implemented",
            "Video",
            Some("feature_not_implemented"),
        ),
    ];
    for (letter, attributes, inner, condition, text, reason) in rows {
        let mut bridge = with_endpoint();
        let answer = ask(&mut bridge, attributes, &inner);
        assert_eq!(error_in(&answer), Some((condition.to_owned(), text.to_owned())), "{letter}");
        let error = answer.kid("error", ns::CLIENT).expect("an error");
        let found = error.kid("error", ns::COLIBRI2).and_then(|ext| ext.get("reason"));
        assert_eq!(found, reason, "{letter}");
        assert_eq!(error.kid("endpoint", ns::COLIBRI2).is_some(), reason == Some("unknown_endpoint"), "{letter}");
        assert_eq!(bridge.take_errors().len(), 1, "{letter}");
    }
}

#[test]
fn errors_that_depend_on_its_state() {
    let condition = |answer: &Element| error_in(answer).map(|(condition, text)| format!("{condition}: {text}"));
    let mut c = with_endpoint();
    c.publish(|stats| stats.graceful_shutdown = true);
    c.poll_output();
    let answer = ask(&mut c, "meeting-id='n' create='true' name='r@c'", "");
    assert_eq!(condition(&answer).as_deref(), Some("service-unavailable: In graceful shutdown"));
    let answer = ask(&mut c, "meeting-id='m'", &endpoint("x", ""));
    assert_eq!(condition(&answer), None, "existing conferences go on taking endpoints");

    let mut l = bridge();
    l.settings.sctp = false;
    let answer = ask(&mut l, CREATE, &endpoint("x", "<sctp/>"));
    assert_eq!(condition(&answer).as_deref(), Some("feature-not-implemented: SCTP support is not configured"));
    assert!(l.endpoint("x").is_some(), "it exists nevertheless");

    let mut q = with_endpoint();
    q.settings.stats.relay_id = None;
    let answer = ask(&mut q, "meeting-id='m'", "<relay id='r'/>");
    assert_eq!(condition(&answer).as_deref(), Some("feature-not-implemented: Octo is disabled in configuration."));

    let mut i = with_endpoint();
    let relay = "<relay id='r' create='true' mesh-id='0'><transport/><endpoints><endpoint id='x' create='true'/></endpoints></relay>";
    assert_eq!(condition(&ask(&mut i, "meeting-id='m'", relay)), None);
    assert_eq!(
        condition(&ask(&mut i, "meeting-id='m'", relay)).as_deref(),
        Some("conflict: Relay with ID r already exists")
    );
    assert_eq!(
        condition(&ask(&mut i, "meeting-id='m'", &endpoint("x", ""))).as_deref(),
        Some("internal-server-error: Local endpoint with ID = xalready created")
    );

    let mut p = with_endpoint();
    let visitor = endpoint("v", "").replace("create='true'", "create='true' muc-role='visitor'").replace(
        "<sources/>",
        "<sources><media-source type='audio' id='v-a0'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'/></media-source></sources>",
    );
    assert_eq!(
        condition(&ask(&mut p, "meeting-id='m'", &visitor)).as_deref(),
        Some("bad-request: Attempt to set sources for visitor endpoint v")
    );
}

#[test]
fn what_would_close_its_stream_is_complained_of() {
    let source = "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='x'/>";
    let endpoint = |inner: &str| format!("<endpoint id='alice'>{inner}</endpoint>");
    let connect = |attributes: &str| format!("<connects><connect {attributes}/></connects>");
    let table = [
        ("", String::new(), "without 'meeting-id'"),
        ("meeting-id=' '", String::new(), "blank 'meeting-id'"),
        ("meeting-id='m'", "<endpoint/>".into(), "<endpoint> without 'id'"),
        ("meeting-id='m'", "<relay/>".into(), "<relay> without 'id'"),
        ("meeting-id='m'", endpoint("<media/>"), "<media> without 'type'"),
        ("meeting-id='m'", endpoint("<initial-last-n value='many'/>"), "value='many'"),
        ("meeting-id='m'", endpoint("<transport><sctp role='both'/></transport>"), "sctp role 'both'"),
        ("meeting-id='m'", endpoint("<transport><sctp port='x'/></transport>"), "port='x'"),
        ("meeting-id='m'", endpoint("<sources><media-source type='audio'/></sources>"), "without 'id'"),
        (
            "meeting-id='m'",
            endpoint(&format!("<sources><media-source type='audio' id='a'>{source}</media-source></sources>")),
            "ssrc='x'",
        ),
        (
            "meeting-id='m'",
            connect("id='c' url='http://x' protocol='mediajson' type='transcriber'"),
            "connect to 'http://x'",
        ),
        ("meeting-id='m'", connect("id='c' url='ws://x' type='transcriber'"), "without 'protocol'"),
        ("meeting-id='m'", connect("url='ws://x' protocol='mediajson' type='transcriber'"), "without 'id'"),
    ];
    for (attributes, inner, complaint) in table {
        let mut bridge = with_endpoint();
        send(&mut bridge, attributes, &inner);
        let violations = bridge.take_violations();
        assert!(violations.iter().any(|v| v.text.contains(complaint)), "no complaint of {complaint}: {violations:?}");
        assert!(bridge.poll_output().is_none(), "its stream is closed: {complaint}");
    }
}

#[test]
fn strangers_are_forbidden() {
    let mut bridge = bridge();
    let xml = "<iq type='get' id='1' from='eve@meet.test/x'><healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/></iq>";
    bridge.handle(Time::ZERO, &parse(xml).expect("XML"));
    let answer = bridge.poll_output().expect("an answer");
    assert_eq!(error_in(&answer).map(|(condition, _)| condition).as_deref(), Some("forbidden"));
    assert_eq!(bridge.take_violations().len(), 1);
}

#[test]
fn conferences_end() {
    let mut bridge = with_endpoint();
    ask(&mut bridge, "meeting-id='m'", "<endpoint id='alice' expire='true'/>");
    assert!(bridge.conferences().is_empty(), "with the last endpoint");
    let mut bridge = with_endpoint();
    ask(&mut bridge, "meeting-id='m' expire='true'", "");
    assert!(bridge.conferences().is_empty(), "when told to");
    let mut bridge = with_endpoint();
    let answer = ask(&mut bridge, "meeting-id='m'", "<endpoint id='x'><force-mute audio='true'/></endpoint>");
    assert_eq!(answer.get("type"), Some("result"), "muting somebody unknown is no error");
}

#[test]
fn ice_restarts_count_generations() {
    let restart = "<endpoint id='alice'><transport ice-restart='true'/></endpoint>";
    let generation = |answer: &Element| {
        let endpoint = answer.kid("conference-modified", ns::COLIBRI2)?.kid("endpoint", ns::COLIBRI2)?.clone();
        let ice = endpoint.kid("transport", ns::COLIBRI2)?.kid("transport", ns::ICE)?.clone();
        Some(ice.get("ice-generation").map(str::to_owned))
    };
    let mut bridge = with_endpoint();
    assert_eq!(generation(&ask(&mut bridge, "meeting-id='m'", restart)), Some(Some("1".into())));
    assert_eq!(generation(&ask(&mut bridge, "meeting-id='m'", restart)), Some(Some("1".into())), "not answered yet");
    let answered =
        "<endpoint id='alice'><transport><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='u' pwd='p'
        ice-generation='1'><rtcp-mux/></transport></transport></endpoint>";
    ask(&mut bridge, "meeting-id='m'", answered);
    assert_eq!(generation(&ask(&mut bridge, "meeting-id='m'", restart)), Some(Some("2".into())));
    assert!(bridge.violations().is_empty(), "{:?}", bridge.violations());
    ask(&mut bridge, "meeting-id='m'", &answered.replace("ice-generation='1'", "ice-generation='7'"));
    assert_eq!(bridge.take_violations().len(), 1);
    bridge.settings.ice_restart = IceRestart::NotNeeded;
    assert_eq!(generation(&ask(&mut bridge, "meeting-id='m'", restart)), Some(None));
    bridge.settings.ice_restart = IceRestart::Refused;
    assert_eq!(generation(&ask(&mut bridge, "meeting-id='m'", restart)), None);
}

#[test]
fn faults_happen_once_and_answers_keep_their_order() {
    let mut bridge = with_endpoint();
    bridge.fail_next(Fault::Lost);
    send(&mut bridge, "meeting-id='m'", &endpoint("x", ""));
    assert!(bridge.poll_output().is_none() && bridge.endpoint("x").is_none());
    bridge.fail_next(Fault::Unanswered);
    send(&mut bridge, "meeting-id='m'", &endpoint("x", ""));
    assert!(bridge.poll_output().is_none() && bridge.endpoint("x").is_some());
    bridge.fail_next(Fault::Late(Time::from_secs(3)));
    send(&mut bridge, "meeting-id='m'", &endpoint("y", ""));
    send(&mut bridge, "meeting-id='m'", &endpoint("z", ""));
    assert!(bridge.poll_output().is_none());
    bridge.handle_timeout(Time::from_secs(3));
    let answers: Vec<String> = std::iter::from_fn(|| bridge.poll_output()).map(|a| to_text(&a)).collect();
    assert!(answers[0].contains("\"y\"") || answers[0].contains("'y'"), "{answers:?}");
    assert_eq!(answers.len(), 2);
    bridge.health = Health::Failing("Failed to bind single-port".into());
    let check = format!(
        "<iq type='get' id='1' from='{BREWERY}/focus'><healthcheck xmlns='http://jitsi.org/protocol/healthcheck'/></iq>"
    );
    bridge.handle(Time::from_secs(3), &parse(&check).expect("XML"));
    let answer = bridge.poll_output().expect("an answer");
    assert_eq!(error_in(&answer).map(|(condition, _)| condition).as_deref(), Some("internal-server-error"));
}

#[test]
fn others_speak_in_its_stead() {
    let mut bridge = with_endpoint();
    let said = |by, text| Fault::Bounced { kind: "cancel", condition: "item-not-found", text, by };
    let by = [(By::Nobody, None), (By::Room, Some(BREWERY)), (By::Component, Some("internal.auth.meet.test"))];
    for (by, named) in by {
        bridge.fail_next(said(by, Some("Recipient not in room")));
        let answer = ask(&mut bridge, "meeting-id='m'", &endpoint("x", ""));
        assert_eq!(error_in(&answer), Some(("item-not-found".into(), "Recipient not in room".into())));
        assert_eq!(answer.kid("error", ns::CLIENT).and_then(|error| error.get("by")), named);
    }
    assert!(bridge.endpoint("x").is_none(), "it never heard of it");
    bridge.fail_next(Fault::Refused(|_| Refused::conference_not_found("m")));
    let answer = ask(&mut bridge, "meeting-id='m'", &endpoint("x", ""));
    assert!(to_text(&answer).contains("conference_not_found"));
    assert!(bridge.errors().is_empty(), "it was told to say so");
}

#[test]
fn a_silent_bridge_answers() {
    let mut bridge = bridge();
    bridge.says_nothing_until(Time::from_secs(60));
    bridge.publish(|stats| stats.stress = 0.9);
    bridge.handle_timeout(Time::from_secs(59));
    assert!(bridge.poll_output().is_none());
    assert!(to_text(&ask(&mut bridge, CREATE, &endpoint("x", ""))).contains("conference-modified"));
    bridge.handle_timeout(Time::from_secs(60));
    assert!(to_text(&bridge.poll_output().expect("stats")).contains("0.9"));
}
