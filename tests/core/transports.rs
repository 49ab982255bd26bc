//! What clients say of their transports, and what of it reaches a bridge.

use testkit::Time;
use testkit::bridge::Fault;
use testkit::ns;
use testkit::participant::profile::Profile;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::xml::{Read, to_text};

use crate::by_hand::{about, endpoint_in, met, post, say, sid, silent_pair};
use crate::support::{ROOM, said_to};

const CANDIDATE: &str = "<candidate component='1' foundation='1' generation='0' id='good' network='0' \
    priority='2130706431' protocol='udp' type='host' ip='192.0.2.7' port='10000'/>";

fn content(attributes: &str, inner: &str) -> String {
    format!("<content name='audio'><transport xmlns='{}' {attributes}>{inner}</transport></content>", ns::ICE)
}

/// A bridge hands each element to whatever reads its kind, wherever it stands, and ends its connection to the server over one
/// that it cannot read: nothing but what belongs into a transport gets there.
#[test]
fn nothing_gets_to_a_bridge_in_a_transport_that_does_not_belong_there() {
    let colibri2 = ns::COLIBRI2;
    let strange = [
        format!("<media-source xmlns='{colibri2}'/>"),
        format!(
            "<transport xmlns='urn:strange'/><transport xmlns='urn:strange'/><force-mute xmlns='{colibri2}' audio='false'/>"
        ),
        format!(
            "<endpoint xmlns='urn:strange'/><connects xmlns='{colibri2}'><connect url='wss://evil.test'/></connects>"
        ),
        format!("<web-socket xmlns='{}' url='wss://evil.test'/>", ns::COLIBRI),
        "<sctpmap xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='5000' protocol='x'/>".to_owned(),
        "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' required='a b'>9B</fingerprint>".to_owned(),
        "<candidate priority='2147483648' ip='192.0.2.66'/>".to_owned(),
    ];
    for strange in strange {
        let mut s = met(silent_pair());
        let (before, own) = (s.now(), sid(&s, "alice"));
        say(&mut s, "alice", "transport-info", &own, &content("ufrag='u' pwd='p'", &format!("{strange}{CANDIDATE}")));
        let told = s.sent_to("jvb1").since(before).containing("alice");
        assert_eq!(told.count(), 1, "{strange}");
        let text = to_text(&told.first().stanza);
        assert!(text.contains("192.0.2.7"), "{text}");
        for part in ["media-source", "urn:strange", "force-mute", "evil", "sctpmap", "a b", "192.0.2.66"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
        assert_eq!(s.sent_to("alice").since(before).results().count(), 1);
        s.check();
    }
}

/// A client of 2021 trickles its candidates, with a fingerprint that has no `setup`, and does not say `rtcp-mux`.
///
/// Covers spec/40: 46.
#[test]
fn candidates_that_trickle_are_one_request_about_the_transport_alone() {
    let mut s = met(silent_pair());
    let (begin, own) = (s.now(), sid(&s, "alice"));
    let candidates: String =
        (0..4).map(|number| CANDIDATE.replace("good", &format!("number-{number}")).replace(".7'", ".8'")).collect();
    let fingerprint = format!("<fingerprint xmlns='{}' hash='sha-256' required='true'>9B:0C</fingerprint>", ns::DTLS);
    let contents = content("ufrag='u' pwd='p'", &format!("{fingerprint}{candidates}"));
    say(&mut s, "alice", "transport-info", &own, &contents);
    let told = about(&s, "jvb1", "alice").since(begin);
    assert_eq!(told.count(), 1);
    let endpoint = endpoint_in(told.first(), "alice").expect("of her");
    let children: Vec<&str> = endpoint.children().map(|child| child.name()).collect();
    assert_eq!(children, ["transport"]);
    let ice = endpoint.kid("transport", ns::COLIBRI2).and_then(|it| it.kid("transport", ns::ICE)).expect("ICE");
    assert_eq!(ice.kids("candidate", ns::ICE).count(), 4);
    assert!(ice.kid("rtcp-mux", ns::ICE).is_some());
    let fingerprint = ice.kid("fingerprint", ns::DTLS).expect("a fingerprint");
    assert_eq!((fingerprint.get("setup"), fingerprint.text().as_str()), (None, "9B:0C"));
    s.finish();
}

/// Covers spec/40: 36.
#[test]
fn the_generation_of_a_clients_ice_reaches_its_bridge() {
    let mut s = met(silent_pair());
    let (begin, own) = (s.now(), sid(&s, "alice"));
    say(&mut s, "alice", "transport-info", &own, &content("ufrag='u' pwd='p' ice-generation='2'", CANDIDATE));
    let told = about(&s, "jvb1", "alice").since(begin);
    assert_eq!(told.count(), 1);
    let transport = endpoint_in(told.first(), "alice").and_then(|it| it.kid("transport", ns::COLIBRI2));
    let ice = transport.and_then(|it| it.kid("transport", ns::ICE)).expect("ICE");
    assert_eq!(["ice-generation", "ufrag", "pwd"].map(|name| ice.get(name)), [Some("2"), Some("u"), Some("p")]);
}

#[test]
fn credentials_that_are_too_long_are_refused_and_reach_nobody() {
    let mut s = met(silent_pair());
    let (before, own) = (s.now(), sid(&s, "alice"));
    let long = "u".repeat(257);
    for attributes in [format!("ufrag='{long}' pwd='p'"), format!("ufrag='u' pwd='{long}'")] {
        say(&mut s, "alice", "transport-info", &own, &content(&attributes, CANDIDATE));
    }
    let refusals = s.participant("alice").take_refusals();
    let refusals: Vec<_> = refusals.iter().map(|it| (it.condition.as_str(), it.text.as_str())).collect();
    assert_eq!(refusals, [("bad-request", "ICE credentials that are too long"); 2]);
    assert!(s.sent_to("jvb1").since(before).containing("alice").is_empty());
}

/// One candidate after the other, and the bridge says nothing: what it is told again stays little.
#[test]
fn who_goes_on_with_candidates_has_few_of_them_told_again_to_a_bridge_that_was_silent() {
    let mut s = met(silent_pair());
    let own = sid(&s, "alice");
    for number in 0..100 {
        s.bridge("jvb1").fail_next(Fault::Lost);
        let candidate = CANDIDATE.replace("good", &format!("candidate-{number}-"));
        post(&mut s, "alice", "transport-info", &own, &content("ufrag='u' pwd='p'", &candidate));
    }
    s.run_for(Time::from_secs(14));
    let before = s.now();
    s.run_for(Time::from_secs(30));
    let told = s.sent_to("jvb1").since(before).containing("candidate-");
    assert_eq!(told.count(), 1, "in one request");
    let text = to_text(&told.last().stanza);
    assert!((68..100).all(|number| text.contains(&format!("candidate-{number}-"))), "{text}");
    assert_eq!(text.matches("<candidate ").count(), 32);
    assert!(s.connected(&["alice", "bob"]));
}

/// The bridge hears nothing of an accept, nor of the many candidates that follow: without the certificate there is no media,
/// however many candidates there are. Old clients name it again with each candidate, and no role.
#[test]
fn what_an_accept_said_outlives_the_candidates_that_follow_it() {
    for (trickled, restarts) in [("", false), ("named", false), ("", true), ("named", true)] {
        let mut s = met(silent_pair());
        let own = sid(&s, "alice");
        let fingerprint =
            |setup: &str| format!("<fingerprint xmlns='{}' hash='sha-256'{setup}>9B:0C</fingerprint>", ns::DTLS);
        let last_n = format!("<content name='video'><initial-last-n xmlns='{}' value='7'/></content>", ns::COLIBRI2);
        let accept = content("ufrag='u' pwd='p'", &fingerprint(" setup='active'")) + &last_n;
        s.bridge("jvb1").fail_next(Fault::Lost);
        post(&mut s, "alice", "session-accept", &own, &accept);
        for number in 0..50 {
            s.bridge("jvb1").fail_next(Fault::Lost);
            let candidate = CANDIDATE.replace("good", &format!("candidate-{number}-"));
            let named = if trickled.is_empty() { String::new() } else { fingerprint(" required='true'") };
            let ufrag = if restarts && number > 20 { "v" } else { "u" };
            let inner = format!("{named}{candidate}");
            post(&mut s, "alice", "transport-info", &own, &content(&format!("ufrag='{ufrag}' pwd='p'"), &inner));
        }
        s.run_for(Time::from_secs(14));
        let before = s.now();
        s.run_for(Time::from_secs(30));
        let told = s.sent_to("jvb1").since(before).containing("candidate-");
        assert_eq!(told.count(), 1, "in one request");
        let text = to_text(&told.last().stanza);
        let ufrag = format!("ufrag='{}'", if restarts { "v" } else { "u" });
        for part in ["9B:0C", "setup='active'", &ufrag, "pwd='p'", "candidate-49-", "<initial-last-n ", "value='7'"] {
            assert!(text.contains(part), "{part} {trickled} {restarts}: {text}");
        }
        assert_eq!(text.contains("candidate-20-"), !restarts, "{text}");
    }
}

/// The first replacement is accepted when the second is under way, and the second is lost: that accept was not about it.
#[test]
fn an_accept_of_an_earlier_transport_does_not_confirm_the_next() {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    };
    let builder = Scenario::new().config(replace).bridge("jvb1").bridge("jvb2").bridge("jvb3").participant("bob");
    let mut s = met(builder.participant_with("alice", |p| p.profile = Profile::xml_sources()));
    let first = sid(&s, "alice");
    s.accident(1, Fate::IsLate(Time::from_secs(2)), |d| {
        d.from == "alice" && to_text(&d.stanza).contains("transport-accept")
    });
    let home = s.home_of("alice").expect("a home").to_owned();
    s.dies(&home);
    s.run_until(|s| s.sent_to("alice").jingle("transport-replace").count() == 1);
    s.run_for(Time::from_millis(500));
    s.accident(1, Fate::IsLost, |d| d.to == "alice" && to_text(&d.stanza).contains("transport-replace"));
    let home = s.home_of("alice").expect("a home").to_owned();
    s.dies(&home);
    s.run_for(Time::from_secs(30));
    assert_ne!(sid(&s, "alice"), first, "nobody has told it of its third bridge, so it needs a new session");
    assert!(s.connected(&["alice", "bob"]));
}

/// How often the focus told alice to replace her transport, whether or not she heard of it.
fn replaces(s: &Scenario) -> usize {
    said_to(s, &format!("{ROOM}/alice")).jingle("transport-replace").count()
}

/// Alice is to replace her transport twice before she answers the first time.
fn replaced_twice(between: impl Fn(&mut Scenario)) -> (Scenario, String) {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    };
    let ignores = |p: &mut testkit::participant::Settings| {
        p.tracks = Vec::new();
        p.profile = Profile { replaces_transport: false, ..Profile::current() };
    };
    let builder = Scenario::new().config(replace).bridge("jvb1").bridge("jvb2").bridge("jvb3");
    let mut s = met(builder.participant("bob").participant_with("alice", ignores));
    for time in 1..=2 {
        between(&mut s);
        let home = s.home_of("alice").expect("a home").to_owned();
        s.dies(&home);
        s.run_for(Time::from_secs(3));
        assert_eq!(replaces(&s), time);
    }
    let home = s.home_of("alice").expect("a home").to_owned();
    (s, home)
}

/// What alice says when she accepts.
fn accept(s: &mut Scenario, ssrc: u32, ufrag: &str) {
    say_accept(s, "transport-accept", ssrc, ufrag);
}

fn say_accept(s: &mut Scenario, action: &str, ssrc: u32, ufrag: &str) {
    let own = sid(s, "alice");
    let source = crate::by_hand::source_xml(&format!("ssrc='{ssrc}'"), Some(&format!("m{ssrc} t{ssrc}")));
    let description = format!("<description xmlns='{}' media='audio'>{source}</description>", ns::RTP);
    let fingerprint = format!("<fingerprint xmlns='{}' hash='sha-256' setup='active'>9B:0C</fingerprint>", ns::DTLS);
    let transport =
        format!("<transport xmlns='{}' ufrag='{ufrag}' pwd='p'>{fingerprint}{CANDIDATE}</transport>", ns::ICE);
    let last_n = format!("<initial-last-n xmlns='{}' value='{ssrc}'/>", ns::COLIBRI2);
    let contents =
        format!("<content name='audio'>{description}{transport}</content><content name='video'>{last_n}</content>");
    say(s, "alice", action, &own, &contents);
}

/// A bridge gets no credentials of an endpoint that was on another.
#[test]
fn an_accept_of_an_earlier_transport_brings_its_sources_and_no_transport() {
    let (mut s, home) = replaced_twice(|_| {});
    for (ssrc, ufrag, is_current) in [(11, "first-one", false), (12, "second-one", true)] {
        let before = s.now();
        accept(&mut s, ssrc, ufrag);
        let told = s.sent_to(&home).since(before).request("conference-modify");
        assert_eq!(told.count(), 1);
        let text = to_text(&told.first().stanza);
        for part in [ufrag, "9B:0C", "192.0.2.7", "initial-last-n"] {
            assert_eq!(text.contains(part), is_current, "{part}: {text}");
        }
        assert!(text.contains(&format!("ssrc='{ssrc}'")), "{text}");
        assert_eq!(s.sent_to("bob").since(before).jingle("source-add").containing(&ssrc.to_string()).count(), 1);
    }
    assert!(s.participant("alice").take_refusals().is_empty());
}

/// The bridge of the next endpoint was asked and has not answered when the client speaks of the one before it: nothing of that
/// gets there.
#[test]
fn what_is_said_while_a_bridge_is_asked_for_the_next_transport_is_not_about_that() {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    };
    let ignores = |p: &mut testkit::participant::Settings| {
        p.tracks = Vec::new();
        p.profile = Profile { replaces_transport: false, ..Profile::current() };
    };
    for is_replaced in [true, false] {
        let builder = Scenario::new().config(replace).bridge("jvb1").bridge("jvb2").bridge("jvb3");
        let mut s = met(builder.participant("bob").participant_with("alice", ignores));
        if is_replaced {
            let home = s.home_of("alice").expect("a home").to_owned();
            s.dies(&home);
            s.run_for(Time::from_secs(3));
        }
        let said = replaces(&s);
        let home = s.home_of("alice").expect("a home").to_owned();
        let late = ["jvb1", "jvb2", "jvb3"].map(|bridge| (bridge != home).then_some(bridge));
        for bridge in late.into_iter().flatten() {
            (0..4).for_each(|_| s.bridge(bridge).fail_next(Fault::Late(Time::from_secs(12))));
        }
        s.dies(&home);
        s.run_for(Time::from_secs(2));
        assert_eq!(replaces(&s), said, "the bridge has not answered");
        let before = s.now();
        if is_replaced {
            accept(&mut s, 11, "the-first");
        } else {
            say_accept(&mut s, "session-accept", 11, "the-first");
        }
        let own = sid(&s, "alice");
        say(&mut s, "alice", "transport-info", &own, &content("ufrag='the-first' pwd='p'", CANDIDATE));
        assert!(s.participant("alice").take_refusals().is_empty());
        s.run_for(Time::from_secs(14));
        assert_eq!(replaces(&s), said + 1);
        let home = s.home_of("alice").expect("a home").to_owned();
        for part in ["the-first", "9B:0C", "192.0.2.7", "initial-last-n"] {
            assert!(s.sent_to(&home).since(before).containing(part).is_empty(), "{is_replaced} {part}");
        }
        assert!(!s.sent_to(&home).since(before).containing("ssrc='11'").is_empty());
        assert_eq!(s.sent_to("bob").since(before).jingle("source-add").containing("11").count(), 1);
        // What it says next is about this one.
        accept(&mut s, 12, "the-next");
        assert_eq!(s.sent_to(&home).since(before).containing("the-next").count(), 1);
    }
}

/// An accept is about the transport that the client has heard of: the first one was lost, or rejected.
#[test]
fn an_accept_is_that_of_the_next_transport_when_the_client_took_none_of_the_first() {
    for is_lost in [true, false] {
        let (mut s, home) = replaced_twice(|s| {
            let is_first = replaces(s) == 0;
            if is_lost && is_first {
                s.accident(1, Fate::IsLost, |d| d.to == "alice" && to_text(&d.stanza).contains("transport-replace"));
            } else if !is_first && !is_lost {
                let own = sid(s, "alice");
                say(s, "alice", "transport-reject", &own, "");
            }
        });
        let before = s.now();
        accept(&mut s, 12, "second-one");
        assert_eq!(s.sent_to(&home).since(before).containing("second-one").count(), 1, "{is_lost}");
    }
}
