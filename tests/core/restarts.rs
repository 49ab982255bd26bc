//! Restarts of sessions and of ICE.

use testkit::bridge::{Fault, IceRestart};
use testkit::participant::media::{desktop, microphone, single_camera};
use testkit::participant::profile::Profile;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::{Read, to_text};
use testkit::{Time, ns};

use crate::bridges_support::operational;
use crate::bridges_support::{asked_since, count};
use crate::by_hand::*;

fn three() -> Scenario {
    met(Scenario::new().bridge("jvb1").participant("alice").participant("bob").participant("carol"))
}

fn rate_limited() -> (String, String) {
    ("resource-constraint".into(), "rate-limited".into())
}

fn not_current(id: &str) -> (String, String) {
    ("item-not-found".into(), format!("{id} is not a currently active session"))
}

/// Asks for an ICE restart in place, of this session on the bridge.
fn ask_ice_restart(s: &mut Scenario, who: &str, bridge_session: &str) {
    let own = sid(s, who);
    say(s, who, "session-info", &own, &bridge_session_xml(bridge_session, "ice-restart='true'"));
}

fn ice_state(state: &str, bridge_session: &str) -> String {
    format!("<ice-state xmlns='{}'>{state}</ice-state>{}", ns::FOCUS, bridge_session_xml(bridge_session, ""))
}

/// Covers spec/30: 30; spec/90: 69.
#[test]
fn a_bridge_that_does_not_answer_is_left_by_all() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("bob").participant("carol").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let (first, first_bridge) = (sid(&s, "bob"), bridge_session(&s, "bob"));
    let home = s.home_of("bob").expect("a home").to_owned();
    let before = s.now();
    s.bridge(&home).fail_next(Fault::Lost);
    s.joins("alice");
    s.run_for(Time::from_secs(17));
    s.run_until(Scenario::all_connected);
    let bob = s.sent_to("bob").since(before);
    let (ends, offers) = (bob.clone().jingle("session-terminate"), bob.jingle("session-initiate"));
    assert_eq!((ends.count(), offers.count()), (1, 1));
    assert_eq!(reason(ends.first()), moving());
    assert!(ends.come_before(&offers));
    assert_ne!(sid(&s, "bob"), first);
    assert_ne!(bridge_session(&s, "bob"), first_bridge);
    assert!(["alice", "bob", "carol"].iter().all(|who| s.home_of(who).is_some_and(|now| now != home)));
    // Nobody else is sent there, though it has the least to do.
    assert_eq!(operational(&s), 1);
    for who in ["dave", "erin"] {
        s.joins_with(who, |p| p.room = "other@conference.meet.test".into());
    }
    s.run_until(Scenario::all_connected);
    assert!(["dave", "erin"].iter().all(|who| s.home_of(who).is_some_and(|now| now != home)));
    s.finish();
}

/// Covers spec/30: 31.
#[test]
fn a_late_answer_to_a_replaced_offer_changes_nothing() {
    for fate in [Fate::IsLate(Time::from_secs(8)), Fate::IsLost] {
        let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("bob").start();
        s.settle();
        s.accident(1, fate, |d| {
            d.to == "focus" && d.from == "alice" && says(d, "type='result'") && d.stanza.children().next().is_none()
        });
        s.joins_with("alice", |p| p.thinks = Time::from_secs(4));
        s.run_until(|s| s.view("alice").session().is_some());
        let first = sid(&s, "alice");
        let home = s.home_of("alice").expect("a home").to_owned();
        s.dies(&home);
        s.run_for(Time::from_secs(30));
        let ends = s.sent_to("alice").jingle("session-terminate");
        assert_eq!((ends.count(), reason(ends.first())), (1, moving()));
        assert_eq!(s.sent_to("alice").jingle("session-initiate").count(), 2);
        assert_ne!(sid(&s, "alice"), first);
        assert!(s.connected(&["alice", "bob"]));
        s.finish();
    }
}

/// Whether a stanza on its way has that in it; attributes are quoted as ours are.
fn says(delivery: &testkit::room::Delivery, text: &str) -> bool {
    to_text(&delivery.stanza).replace('"', "'").contains(text)
}

/// Covers spec/30: 32.
#[test]
fn a_participant_may_restart_now_and_then() {
    let mut s = three();
    let first = sid(&s, "alice");
    let before = s.now();
    s.participant("alice").restart();
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_ne!(sid(&s, "alice"), first);
    assert_eq!(s.sent_to("bob").since(before).actions(), ["source-remove", "source-add"]);
    assert!(s.sent_to("alice").since(before).jingle("session-terminate").is_empty(), "she ended it herself");

    s.run_for(Time::from_secs(1));
    let before = s.now();
    s.participant("alice").restart();
    s.run_for(Time::from_secs(10));
    assert_eq!(refusal(&mut s, "alice"), rate_limited());
    assert_eq!(last_error_type(&s, "alice"), "wait");
    assert!(s.sent_to("alice").since(before).jingle("session-initiate").is_empty());
    assert!(s.view_bridge("jvb1").endpoint("alice").is_none());

    // A stale id is refused in these words, and whoever wants a session gets it all the same.
    let own = sid(&s, "bob");
    let before = s.now();
    say(&mut s, "bob", "session-terminate", &own, &bridge_session_xml("stale", "restart='true'"));
    assert_eq!(refusal(&mut s, "bob"), not_current("stale"));
    assert_eq!(s.sent_to("bob").since(before).jingle("session-initiate").count(), 1);
    assert_eq!(expires(about(&s, "jvb1", "bob").since(before)).count(), 1);
}

/// Whoever ends its session without a word of another gets none, and its sources go.
#[test]
fn a_session_that_is_ended_is_over() {
    for children in ["", "<bridge-session xmlns='http://jitsi.org/protocol/focus' id='ID'/>"] {
        let mut s = three();
        let (own, before) = (sid(&s, "alice"), s.now());
        let children = children.replace("ID", &bridge_session(&s, "alice"));
        let text = "<reason><success/></reason>".to_owned() + &children;
        post(&mut s, "alice", "session-terminate", &own, &text);
        s.run_for(Time::from_secs(30));
        // Without an id it is not the current session that is meant, but it is over (spec/30 §12.3).
        let refused = refusals(&mut s, "alice");
        assert_eq!(refused.len(), usize::from(children.is_empty()), "{refused:?}");
        assert_eq!(s.sent_to("bob").since(before).actions(), ["source-remove"]);
        assert!(s.view_bridge("jvb1").endpoint("alice").is_none());
        assert!(s.sent_to("alice").since(before).actions().is_empty());
        say(&mut s, "alice", "session-info", &own, "");
        assert_eq!(refusal(&mut s, "alice"), ("gone".into(), "session ended".into()));
    }
}

/// Covers spec/30: 33.
#[test]
fn the_two_kinds_of_restarts_have_budgets_of_their_own() {
    let mut s = three();
    let start = s.now();
    let mut answers = Vec::new();
    for second in [0, 6, 12, 18, 24, 30, 61] {
        let wait = (start + Time::from_secs(second)).saturating_sub(s.now());
        s.run_for(wait);
        if second == 61 {
            // Meanwhile a full restart was asked for.
            assert!(s.connected(&["alice"]));
        }
        s.participant("alice").restart_ice();
        s.run_for(Time::from_millis(500));
        answers.push(refusals(&mut s, "alice").into_iter().map(|(_, condition, text)| (condition, text)).next());
        if second == 30 {
            s.participant("alice").restart();
            s.run_for(Time::from_millis(500));
            assert_eq!(refusals(&mut s, "alice"), []);
        }
    }
    let expected = [None, None, None, None, None, Some(rate_limited()), None];
    assert_eq!(answers, expected);
    assert_eq!(s.view("alice").sessions(), 2);
    s.finish();
}

/// Covers spec/90: 78.
#[test]
fn how_often_one_may_restart_can_be_set() {
    let often = |config: &mut jicofo::config::Config| {
        let limits = &mut config.conference.restart_request_rate_limits;
        (limits.min_interval, limits.max_requests, limits.interval) = (Time::from_secs(1), 8, Time::from_secs(30));
    };
    let mut s = met(silent_pair().config(often));
    for restart in 1..=9 {
        s.participant("alice").restart();
        s.settle();
        let refused = refusals(&mut s, "alice").len();
        assert_eq!(refused, usize::from(restart == 9), "restart {restart}");
    }
    assert_eq!(s.view("alice").sessions(), 9);
}

/// Whoever has not restarted yet may, whatever the limits are.
#[test]
fn a_first_restart_is_had_where_none_are_allowed() {
    let never = |config: &mut jicofo::config::Config| config.conference.restart_request_rate_limits.max_requests = 0;
    let mut s = met(silent_pair().config(never));
    for time in 0..3 {
        s.participant("alice").restart_ice();
        s.settle();
        assert_eq!(refusals(&mut s, "alice").len(), usize::from(time > 0), "{time}");
        s.run_for(Time::from_secs(90));
    }
    s.participant("alice").restart();
    s.run_until(|s| s.view("alice").sessions() == 2);
    assert_eq!(refusals(&mut s, "alice"), []);
}

/// Covers spec/30: 34; spec/90: 80.
#[test]
fn ice_restarts_in_place() {
    let mut s = three();
    let own = sid(&s, "alice");
    let before = s.now();
    s.bridge("jvb1").fail_next(Fault::Late(Time::from_secs(1)));
    s.participant("alice").restart_ice();
    s.settle();
    let alice = s.sent_to("alice").since(before);
    let infos = alice.clone().jingle("transport-info");
    assert!(alice.filter(|wire| wire.is_answer() && wire.at == before).come_before(&infos), "answered at once");
    assert_eq!(infos.count(), 1);
    let contents: Vec<_> = jingle(infos.first()).kids("content", ns::JINGLE).collect();
    assert_eq!(contents.iter().filter_map(|content| content.get("name")).collect::<Vec<_>>(), ["audio"]);
    let transport = contents[0].kid("transport", ns::ICE).expect("a transport");
    assert_eq!(transport.get("ice-generation"), Some("1"));
    let forwarded = s.view_bridge("jvb1").endpoint("alice").and_then(|it| it.transport.clone()).expect("forwarded");
    assert_eq!(forwarded.get("ice-generation"), Some("1"));
    assert_eq!(sid(&s, "alice"), own);

    // Answers 3, then 2: the first is held up on its way, and its client answers without having seen it.
    s.run_for(Time::from_secs(6));
    let before = s.now();
    s.accident(1, Fate::IsLate(Time::from_secs(9)), |d| {
        d.to == "focus" && d.from == "jvb1" && says(d, "ice-generation='2'")
    });
    s.participant("alice").restart_ice();
    s.run_for(Time::from_secs(1));
    let tagged = transport_xml("blind").replace("ufrag", "ice-generation='2' ufrag");
    say(&mut s, "alice", "transport-info", &own, &format!("<content name='audio'>{tagged}</content>"));
    s.run_for(Time::from_secs(3));
    s.participant("alice").restart_ice();
    s.run_for(Time::from_secs(20));
    let infos = s.sent_to("alice").since(before).jingle("transport-info");
    assert_eq!(infos.count(), 1);
    let transport =
        jingle(infos.first()).kid("content", ns::JINGLE).and_then(|content| content.kid("transport", ns::ICE));
    assert_eq!(transport.and_then(|transport| transport.get("ice-generation")), Some("3"));
    assert_eq!(s.focus().metrics().ice_restarts_failed, 1);

    // The bridge kept its agent: there is nothing to say.
    let before = s.now();
    s.bridge("jvb1").settings.ice_restart = IceRestart::NotNeeded;
    s.participant("alice").restart_ice();
    s.settle();
    assert!(s.sent_to("alice").since(before).actions().is_empty());

    // It can't: a new session instead.
    s.run_for(Time::from_secs(60));
    let before = s.now();
    s.bridge("jvb1").settings.ice_restart = IceRestart::Refused;
    s.participant("alice").restart_ice();
    s.run_for(Time::from_secs(5));
    let alice = s.sent_to("alice").since(before);
    assert_eq!(reason(alice.clone().jingle("session-terminate").first()), moving());
    assert!(alice.clone().jingle("session-terminate").come_before(&alice.jingle("session-initiate")));
    assert!(s.connected(&["alice"]));
    s.finish();

    let mut s = met(silent_pair().config(|config| config.conference.enable_ice_restart = false));
    s.participant("alice").restart_ice();
    s.settle();
    let refused = refusal(&mut s, "alice");
    assert_eq!(refused, ("feature-not-implemented".into(), "in-place ICE restart is disabled".into()));
    s.finish();
}

#[test]
fn an_ice_restart_names_the_current_session_on_the_bridge() {
    let mut s = met(silent_pair());
    ask_ice_restart(&mut s, "alice", "stale");
    assert_eq!(refusal(&mut s, "alice"), not_current("stale"));
    let (own, bridge) = (sid(&s, "alice"), bridge_session(&s, "alice"));
    // It has used the budget all the same (spec/30 §12.2).
    ask_ice_restart(&mut s, "alice", &bridge);
    assert_eq!(refusal(&mut s, "alice"), rate_limited());
    s.run_for(Time::from_secs(6));
    let nameless = format!("<bridge-session xmlns='{}' ice-restart='true'/>", ns::FOCUS);
    say(&mut s, "alice", "session-info", &own, &nameless);
    assert_eq!(refusal(&mut s, "alice"), not_current("null"));
    s.finish();
}

/// Covers spec/30: 35.
#[test]
fn a_report_of_failed_ice_leads_to_a_new_session() {
    let mut s = three();
    let (own, bridge) = (sid(&s, "alice"), bridge_session(&s, "alice"));
    let before = s.now();
    for children in [ice_state("failed", "stale"), ice_state("checking", &bridge), String::new()] {
        say(&mut s, "alice", "session-info", &own, &children);
    }
    assert_eq!(s.sent_to("alice").since(before).results().count(), 3);
    assert!(s.sent_to("alice").since(before).actions().is_empty());
    assert!(s.sent_to("jvb1").since(before).request("conference-modify").is_empty());

    let before = s.now();
    say(&mut s, "alice", "session-info", &own, &ice_state("FAILED", &bridge));
    let alice = s.sent_to("alice").since(before);
    assert_eq!(alice.clone().results().since(before).count(), 2, "the report's, and the next accept's");
    assert_eq!(alice.actions(), ["session-terminate", "session-initiate"]);
    assert_eq!(reason(alice.jingle("session-terminate").first()), moving());
    let asked = about(&s, "jvb1", "alice").since(before);
    assert!(expires(asked.clone()).come_before(&creates(asked)));
    assert!(s.connected(&["alice"]));
    s.finish();
}

/// Covers spec/30: 40.
#[test]
fn transports_may_be_replaced_instead() {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    };
    let xml = |p: &mut testkit::participant::Settings| {
        p.profile = Profile::xml_sources();
        p.tracks = vec![microphone(), single_camera()];
    };
    let builder = Scenario::new().config(replace).bridge("jvb1").bridge("jvb2");
    let mut s = met(builder.participant_with("alice", xml).participant_with("bob", xml));
    let (first, first_bridge) = (sid(&s, "alice"), bridge_session(&s, "alice"));
    let home = s.home_of("alice").expect("a home").to_owned();
    let before = s.now();
    s.dies(&home);
    s.run_for(Time::from_secs(10));
    let alice = s.sent_to("alice").since(before);
    assert_eq!(alice.actions(), ["transport-replace"]);
    let replaced = jingle(alice.jingle("transport-replace").first());
    assert_eq!(replaced.get("sid"), Some(first.as_str()));
    assert_ne!(bridge_session(&s, "alice"), first_bridge);
    assert_ne!(s.home_of("alice"), Some(home.as_str()));
    s.check();
    s.participant("bob").add_source(desktop());
    s.settle();
    s.check();

    // Nobody answers the next one, or it is refused: a session by an offer takes the place of the one without a transport.
    s.returns(&home);
    for refuses in [false, true] {
        s.run_for(Time::from_secs(5));
        let before = s.now();
        if refuses {
            let confirms =
                |d: &Delivery| d.stanza.get("type") == Some("result") && d.stanza.children().next().is_none();
            s.accident(1, Fate::IsAnError, move |d| d.from == "alice" && confirms(d));
        } else {
            s.accident(1, Fate::IsLost, |d| d.to == "alice" && to_text(&d.stanza).contains("transport-replace"));
        }
        let home = s.home_of("alice").expect("a home").to_owned();
        let first = sid(&s, "alice");
        s.dies(&home);
        s.run_for(Time::from_secs(20));
        let ends = s.sent_to("alice").since(before).jingle("session-terminate");
        assert_eq!(reason(ends.first()), ("success".into(), "moving".into()));
        assert_eq!(ends.times(), [before + Time::from_secs(if refuses { 0 } else { 15 })]);
        assert!(s.sent_to("bob").since(before).jingle("session-terminate").is_empty());
        assert_eq!(s.sent_to("bob").since(before).jingle("source-remove").count(), 1, "hers, when her session ended");
        assert_ne!(sid(&s, "alice"), first);
        assert!(s.connected(&["alice", "bob"]));
        s.returns(&home);
    }
    // Her accept of the transport that she refused is refused.
    assert_eq!(s.disagreements(), Vec::<String>::new());
}

/// Covers spec/30: 45, 50; spec/90: 68.
#[test]
fn a_restart_on_a_shared_bridge_is_expire_answer_create() {
    let mut s = met(silent_pair());
    s.participant("alice").announce(audio(100, "alice-a0"));
    s.settle();
    let (first, bridge) = (sid(&s, "alice"), bridge_session(&s, "alice"));
    let before = s.now();
    // The bridge takes its time; nobody waits for it.
    s.bridge("jvb1").settings.delay = Time::from_millis(700);
    s.participant("alice").restart();
    s.run_for(Time::from_millis(1));
    assert_eq!(s.sent_to("alice").since(before).results().count(), 1);
    let asked = about(&s, "jvb1", "alice").since(before);
    assert_eq!(asked.count(), 2);
    assert!(expires(asked.clone()).come_before(&creates(asked)));
    assert_eq!(told(&s.sent_to("bob").since(before).jingle("source-remove"), "alice"), [[100]]);

    s.run_until(|s| s.view("alice").session().is_some());
    assert_ne!(sid(&s, "alice"), first);
    assert_eq!(bridge_session(&s, "alice"), bridge);
    s.run_until(Scenario::all_connected);
    s.participant("alice").announce(audio(101, "alice-a0"));
    s.run_for(Time::from_secs(4));
    let bob = s.sent_to("bob").since(before);
    assert_eq!(bob.actions(), ["source-remove", "source-add"]);
    s.finish();
}

/// Where nobody else is on the bridge the conference there goes with the endpoint, and a bridge removes it only after its answer
/// (spec/40 §9.3): what was created before would be lost, or refused.
///
/// Covers spec/90: 68.
#[test]
fn a_restart_of_the_only_one_on_the_bridge_is_a_new_conference_there() {
    let mut s = met(silent_pair());
    s.participant("bob").leave();
    s.settle();
    let (first, before) = (bridge_session(&s, "alice"), count(&s, "jvb1"));
    s.bridge("jvb1").settings.delay = Time::from_secs(1);
    s.participant("alice").restart();
    s.run_for(Time::from_millis(1_050));
    assert_eq!(asked_since(&s, "jvb1", before), ["expire"], "not before it is answered, nor just then");
    s.run_for(Time::from_millis(100));
    assert_eq!(asked_since(&s, "jvb1", before), ["expire", "create +alice"]);
    s.run_for(Time::from_secs(3));
    assert!(s.connected(&["alice"]));
    assert_ne!(bridge_session(&s, "alice"), first);
    s.finish();
}

/// Covers spec/30: 48.
#[test]
fn contents_of_an_ice_restart_may_repeat_their_names() {
    let mut s = met(silent_pair());
    let own = sid(&s, "alice");
    let before = s.now();
    s.participant("alice").restart_ice();
    s.settle();
    let sent = s.sent_by("alice").since(before).jingle("transport-info");
    let names: Vec<_> =
        jingle(sent.first()).kids("content", ns::JINGLE).filter_map(|content| content.get("name")).collect();
    assert_eq!(names, ["audio", "video", "audio", "video"]);
    let updates = about(&s, "jvb1", "alice").since(before).containing("ufrag");
    assert_eq!(updates.count(), 1);
    let transport = endpoint_in(updates.first(), "alice").and_then(|it| it.kid("transport", ns::COLIBRI2));
    let ice: Vec<_> = transport.expect("a transport").kids("transport", ns::ICE).collect();
    assert_eq!(ice.len(), 1);
    assert_eq!(ice[0].get("ice-generation"), Some("1"));
    assert!(ice[0].kid("rtcp-mux", ns::ICE).is_some());
    assert_eq!(s.sent_to("alice").since(before).results().count(), 2, "of the request, and of the transport-info");
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    assert_eq!(sid(&s, "alice"), own);
    s.finish();
}

/// Covers spec/30: 49.
#[test]
fn two_report_failed_ice_one_after_the_other() {
    let old = |p: &mut testkit::participant::Settings| {
        p.profile = Profile::old();
        p.tracks = vec![microphone(), single_camera()];
    };
    let mut s = met(Scenario::new().bridge("jvb1").participant_with("alice", old).participant_with("bob", old));
    let mut reported = Vec::new();
    for (who, other) in [("alice", "bob"), ("bob", "alice")] {
        let (first, bridge, before) = (sid(&s, who), bridge_session(&s, who), s.now());
        s.participant(who).report_ice_failed();
        s.run_for(Time::from_secs(9));
        assert_eq!(s.sent_to(who).since(before).actions(), ["session-terminate", "session-initiate"]);
        assert_eq!(reason(s.sent_to(who).since(before).jingle("session-terminate").first()), moving());
        assert_eq!(s.sent_to(other).since(before).actions(), ["source-remove", "source-add"]);
        let asked = about(&s, "jvb1", who).since(before);
        assert!(expires(asked.clone()).come_before(&creates(asked)));
        assert_eq!(bridge_session(&s, who), bridge);
        assert!(s.connected(&["alice", "bob"]));
        reported.push((who, first, bridge));
    }
    s.check();
    // Again, of what is over.
    for (who, sid, bridge) in reported {
        let before = s.now();
        say(&mut s, who, "session-info", &sid, &ice_state("failed", &bridge));
        assert_eq!(refusal(&mut s, who).0, "bad-request");
        assert!(s.log().since(before).filter(|wire| wire.payload().is_some_and(|p| p.name() == "jingle")).count() <= 1);
        assert!(s.sent_to("jvb1").since(before).request("conference-modify").is_empty());
    }
    s.finish();
}

/// An update to which the bridge answers that it has no such endpoint, while the endpoint is being made anew: the new one
/// is not meant.
#[test]
fn an_error_about_a_replaced_endpoint_does_not_concern_its_successor() {
    let mut s = three();
    s.bridge("jvb1").forget_endpoint("alice");
    s.participant("alice").add_source(desktop());
    s.participant("alice").restart();
    s.run_for(Time::from_secs(5));
    assert!(s.connected(&["alice", "bob", "carol"]));
    let errors: Vec<_> = s.bridge("jvb1").take_errors().into_iter().map(|error| error.text).collect();
    assert_eq!(errors, ["Endpoint not found for ID: alice"]);
    assert!(s.log().jingle("session-terminate").to("bob").is_empty());
    s.participant("alice").take_refusals();
    s.finish();
}

/// The bridge's answer to an ICE restart comes when the client has a new session: its generation is that of an agent that
/// is no more.
#[test]
fn a_generation_of_a_replaced_endpoint_does_not_count_for_its_successor() {
    let mut s = three();
    s.bridge("jvb1").settings.delay = Time::from_millis(200);
    let before = s.now();
    s.participant("alice").restart_ice();
    s.participant("alice").restart();
    s.run_for(Time::from_secs(10));
    assert!(s.connected(&["alice"]));
    assert!(s.sent_to("alice").since(before).jingle("transport-info").is_empty());
    s.participant("alice").restart_ice();
    s.run_for(Time::from_secs(3));
    assert_eq!(s.sent_to("alice").since(before).jingle("transport-info").count(), 1);
    s.finish();
}

fn of_generation_1(answer: &mut testkit::xml::Element) {
    let modified = answer.get_child_mut("conference-modified", ns::COLIBRI2);
    let endpoint = modified.and_then(|it| it.get_child_mut("endpoint", ns::COLIBRI2));
    let transport = endpoint.and_then(|it| it.get_child_mut("transport", ns::COLIBRI2));
    if let Some(ice) = transport.and_then(|it| it.get_child_mut("transport", ns::ICE)) {
        testkit::xml::set_attr(ice, "ice-generation", "1");
    }
}

/// Covers spec/40: 35.
#[test]
fn only_newer_ice_is_told_to_a_client() {
    let mut s = three();
    let began = s.now();
    let told = |s: &Scenario| {
        let infos = s.sent_to("alice").since(began).jingle("transport-info");
        let generation = |wire: &testkit::wire_log::Wire| {
            let content = jingle(wire).kid("content", ns::JINGLE)?;
            content.kid("transport", ns::ICE)?.get("ice-generation").map(str::to_owned)
        };
        infos.iter().filter_map(generation).collect::<Vec<_>>()
    };
    let restart = |s: &mut Scenario| {
        s.run_for(Time::from_secs(15));
        s.participant("alice").restart_ice();
        s.settle();
    };
    restart(&mut s);
    assert_eq!(told(&s), ["1"]);
    // Said once more by a bridge that has yet to hear from the client: no news, and no failure.
    s.bridge("jvb1").fail_next(Fault::Altered(of_generation_1));
    restart(&mut s);
    assert_eq!((told(&s), s.focus().metrics().ice_restarts_failed), (vec!["1".into()], 0));
    s.run_for(Time::from_secs(60));
    restart(&mut s);
    s.bridge("jvb1").fail_next(Fault::Altered(of_generation_1));
    restart(&mut s);
    assert_eq!((told(&s), s.focus().metrics().ice_restarts_failed), (vec!["1".into(), "2".into()], 1));
    s.bridge("jvb1").settings.ice_restart = IceRestart::NotNeeded;
    restart(&mut s);
    assert_eq!(s.focus().metrics().ice_restarts_not_needed, 1);
    s.bridge("jvb1").settings.ice_restart = IceRestart::Works;
    s.bridge("jvb1").fail_next(Fault::Altered(of_generation_1));
    restart(&mut s);
    let metrics = s.focus().metrics();
    assert_eq!((told(&s).len(), metrics.ice_restarts_failed, metrics.ice_restarts_relayed), (2, 2, 2));
    s.bridge("jvb1").settings.ice_restart = IceRestart::Refused;
    s.run_for(Time::from_secs(60));
    let before = count(&s, "jvb1");
    restart(&mut s);
    let asked = asked_since(&s, "jvb1", before);
    assert_eq!(asked[..3], ["alice:transport", "-alice", "+alice"], "{asked:?}");
    assert!(s.connected(&["alice"]));
    s.finish();
}

/// One who says again and again that he can't reach his bridge is moved now and then, and counts against the bridge once.
#[test]
fn one_who_complains_without_end_has_nobody_avoid_a_bridge() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    let now = s.now();
    for _ in 0..60 {
        if s.view("bob").session().is_some() {
            let (own, bridge) = (sid(&s, "bob"), bridge_session(&s, "bob"));
            post(&mut s, "bob", "session-info", &own, &ice_state("failed", &bridge));
        }
        s.run_for(Time::from_millis(200));
    }
    s.run_until(Scenario::all_connected);
    let refused = s.participant("bob").take_refusals();
    assert!(refused.len() > 20 && refused.iter().all(|it| it.condition == "resource-constraint"), "{refused:?}");
    let places = s.said().since(now).containing("create=").containing("'bob'").count();
    assert!((20..30).contains(&places), "{places}");
    assert_eq!(s.focus().bridges()[0].restart_requests_total, 1);
    assert_eq!(s.sent_to("alice").jingle("session-initiate").count(), 1);
    s.finish();
}

/// A result of another kind than was asked for is the bridge's failure, here as with any request (spec/40 §8.2): whoever is on it is
/// invited anew, not only whoever asked.
#[test]
fn an_ice_restart_that_is_answered_with_something_else_costs_the_session() {
    let mut s = three();
    s.bridge("jvb1").fail_next(Fault::Altered(|answer| {
        answer.remove_child("conference-modified", ns::COLIBRI2);
        answer.append_child(testkit::xml::el("query", ns::VERSION).done());
    }));
    s.participant("alice").restart_ice();
    s.run_for(Time::from_secs(5));
    let moved = ["alice", "bob", "carol"].map(|name| crate::bridges_support::moves(&s, name));
    assert_eq!((moved, s.focus().metrics().bridges_removed), ([1, 1, 1], 1));
    assert_eq!(s.focus().metrics().ice_restarts_failed, 1);
    s.finish();
}
