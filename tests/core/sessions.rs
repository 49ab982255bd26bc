//! Invitations, and what becomes of them.

use testkit::Time;
use testkit::bridge::Fault;
use testkit::ns;
use testkit::participant::media::{desktop, microphone, single_camera};
use testkit::participant::profile::Profile;
use testkit::room::{Delivery, Fate};
use testkit::scenario::Scenario;
use testkit::xml::{Read, error_in, to_text};

use crate::by_hand::*;

#[test]
fn two_people_meet_and_part() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.participant("bob").leave();
    s.finish();
}

/// An answer of `who` on its way to the focus, to anything but disco#info.
fn is_answer_of(who: &'static str) -> impl Fn(&Delivery) -> bool {
    move |d| {
        d.to == "focus"
            && d.from == who
            && d.stanza.name() == "iq"
            && matches!(d.stanza.get("type"), Some("result" | "error"))
            && d.stanza.children().all(|child| child.name() != "query")
    }
}

/// Covers spec/30: 11.
#[test]
fn an_accept_goes_to_the_bridge_and_its_sources_to_the_others() {
    let mut s = Scenario::new().bridge("jvb1").participant_with("bob", sends(&[])).start();
    s.joins_with("alice", |p| {
        p.thinks = Time::from_secs(3);
        p.tracks = vec![microphone(), single_camera()];
    });
    s.run_until(|s| s.connected(&["bob"]));
    s.run_until(Scenario::all_connected);
    s.settle();
    let updates = about(&s, "jvb1", "alice").filter(|wire| wire.text().contains("ufrag"));
    assert_eq!(updates.count(), 1, "one update with everything");
    let endpoint = endpoint_in(updates.first(), "alice").expect("of her");
    let ice = endpoint.kid("transport", ns::COLIBRI2).and_then(|transport| transport.kid("transport", ns::ICE));
    assert!(ice.expect("her transport").kid("rtcp-mux", ns::ICE).is_some());
    let names: Vec<_> = endpoint
        .kid("sources", ns::COLIBRI2)
        .expect("her sources")
        .kids("media-source", ns::COLIBRI2)
        .filter_map(|source| source.get("id"))
        .collect();
    assert_eq!(names, ["alice-a0", "alice-v0"]);
    let adds = s.sent_to("bob").jingle("source-add");
    assert_eq!(adds.count(), 1);
    assert!(updates.come_before(&adds));
    let accepts = s.sent_by("alice").jingle("session-accept");
    let id = accepts.first().stanza.get("id").expect("an id").to_owned();
    assert!(!s.sent_to("alice").results().is_empty(), "answered {id}");
    s.finish();
}

/// Covers spec/30: 12.
#[test]
fn an_accept_with_anothers_source_ends_the_session() {
    let mut s = met(silent_pair());
    s.participant("bob").announce(audio(200, "bob-a0"));
    s.settle();
    s.joins_with("carol", |p| (p.never_accepts, p.tracks) = (true, Vec::new()));
    s.settle();
    let before = s.now();
    let own = sid(&s, "carol");
    let children = content("audio", &source_xml("ssrc='200' name='carol-a0'", Some("carol t")));
    say(&mut s, "carol", "session-accept", &own, &children);
    assert_eq!(refusal(&mut s, "carol"), bad_request("SSRC is already used: 200."));
    assert_eq!(last_error_type(&s, "carol"), "modify");
    let children = content("audio", &source_xml("ssrc='201' name='carol-a0'", Some("carol t")));
    say(&mut s, "carol", "source-add", &own, &children);
    assert_eq!(refusal(&mut s, "carol"), ("gone".into(), "session ended".into()));
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    // Nothing stays behind, and a rejoin is a new start.
    assert!(s.view_bridge("jvb1").endpoint("carol").is_none());
    s.participant("carol").leave();
    s.settle();
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.finish();
}

/// Covers spec/30: 26.
#[test]
fn who_leaves_is_expired_and_nobody_is_told_in_jingle() {
    let mut s = met(silent_pair().participant_with("carol", sends(&[])));
    s.participant("alice").announce(simulcast("alice"));
    s.settle();
    let before = s.now();
    s.participant("alice").leave();
    s.settle();
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    assert!(s.sent_to("alice").since(before).actions().is_empty());
    assert!(s.view_bridge("jvb1").endpoint("alice").is_none());
    assert_eq!(expires(about(&s, "jvb1", "alice")).count(), 1);
    s.participant("carol").announce(simulcast("carol"));
    s.settle();
    assert_eq!(refusals(&mut s, "carol"), []);
    s.finish();
}

/// Covers spec/30: 27.
#[test]
fn a_refusal_of_the_room_after_a_rejoin_harms_nobody() {
    for comes_back in [false, true] {
        let mut s = Scenario::new()
            .latency(Time::from_millis(20), Time::ZERO)
            .bridge("jvb1")
            .participant("bob")
            .participant("carol")
            .start();
        s.run_until(Scenario::all_connected);
        s.joins("alice");
        s.run_until(|s| !creates(about(s, "jvb1", "alice")).is_empty());
        // When the offer comes to the room she has left it, when the room's error comes to the focus she is back.
        s.accident(1, Fate::IsLate(Time::from_secs(3)), |d| {
            d.to == "focus" && d.from == "server" && to_text(&d.stanza).contains("Recipient not in room")
        });
        s.run_for(Time::from_millis(5));
        s.participant("alice").leave();
        if comes_back {
            s.joins("alice");
        }
        s.run_for(Time::from_secs(20));
        let errors = s.sent_to("focus").errors("item-not-found");
        assert_eq!(errors.count(), 1, "the room refused the first offer\n{}", s.story());
        assert!(s.sent_to("alice").jingle("session-terminate").is_empty());
        assert_eq!(s.connected(&["alice"]), comes_back, "{}", s.story());
        assert_eq!(s.sent_to("alice").jingle("session-initiate").count(), usize::from(comes_back));
        s.finish();
    }
}

/// Covers spec/30: 28; spec/90: 65.
#[test]
fn an_offer_that_is_not_confirmed_may_yet_be_accepted() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.settle();
    s.accident(1, Fate::IsLost, is_answer_of("alice"));
    s.joins_with("alice", |p| p.thinks = Time::from_secs(20));
    s.run_for(Time::from_secs(17));
    assert!(s.view("alice").session().is_some());
    s.run_until(Scenario::all_connected);
    assert_eq!(s.sent_to("alice").actions().iter().filter(|action| **action == "session-terminate").count(), 0);
    s.settle();
    // What was lost on purpose stays unanswered.
    assert_eq!(s.disagreements(), Vec::<String>::new());
    s.finish();
}

/// The confirmation is lost, the accept is not: whatever method re-invites use, the session stays.
#[test]
fn an_accepted_offer_needs_no_confirmation() {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    };
    let mut s = Scenario::new().config(replace).bridge("jvb1").participant("bob").start();
    s.settle();
    s.accident(1, Fate::IsLost, |d| {
        is_answer_of("alice")(d) && d.stanza.children().next().is_none() && d.stanza.get("type") == Some("result")
    });
    s.joins("alice");
    s.run_until(Scenario::all_connected);
    s.run_for(Time::from_secs(20));
    assert!(s.connected(&["alice", "bob"]));
    assert!(s.sent_to("alice").jingle("session-terminate").is_empty());
    s.finish();
}

/// The same with a transport that is replaced: the confirmation is lost, the `transport-accept` is not.
#[test]
fn an_accepted_transport_needs_no_confirmation() {
    let replace = |config: &mut jicofo::config::Config| {
        config.conference.reinvite_method = jicofo::config::ReinviteMethod::ReplaceTransport;
    };
    let mut s = Scenario::new()
        .config(replace)
        .bridge("jvb1")
        .bridge("jvb2")
        .participant_with("alice", |p| p.profile = Profile::xml_sources())
        .participant("bob")
        .start();
    s.run_until(Scenario::all_connected);
    let home = s.home_of("alice").expect("a home").to_owned();
    s.accident(1, Fate::IsLost, |d| {
        is_answer_of("alice")(d) && d.stanza.children().next().is_none() && d.stanza.get("type") == Some("result")
    });
    s.dies(&home);
    s.run_until(|s| s.sent_by("alice").jingle("transport-accept").count() == 1);
    s.run_for(Time::from_secs(30));
    assert!(s.sent_to("alice").jingle("session-terminate").is_empty());
    assert_ne!(s.home_of("alice"), Some(home.as_str()));
    assert!(s.connected(&["alice", "bob"]));
    s.finish();
}

/// Covers spec/30: 29; spec/90: 66.
#[test]
fn who_refuses_the_offer_gets_no_other() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.settle();
    s.joins_with("alice", |p| p.never_accepts = true);
    s.accident(1, Fate::IsLost, is_answer_of("alice"));
    s.run_until(|s| s.view("alice").session().is_some());
    // Its own answer is lost; this one takes its place.
    let offer = s.sent_to("alice").jingle("session-initiate");
    let (id, room) = (offer.first().stanza.get("id").expect("an id").to_owned(), s.room().to_owned());
    let error = format!(
        "<iq type='error' id='{id}' to='{room}/focus'><error type='cancel'>\
         <service-unavailable xmlns='{}'/></error></iq>",
        ns::STANZA_ERRORS
    );
    s.inject("alice", &error);
    // Not so long that bob is alone for too long: whoever comes then is invited with all who are there.
    s.run_for(Time::from_secs(15));
    let ends = s.sent_to("alice").jingle("session-terminate");
    assert_eq!(ends.count(), 1);
    assert_eq!(reason(ends.first()), ("general-error".into(), "jingle session failed".into()));
    assert!(s.view_bridge("jvb1").endpoint("alice").is_none());
    assert_eq!(s.sent_to("alice").jingle("session-initiate").count(), 1);
    assert!(s.view("bob").occupants().contains_key("alice"), "she is still in the room");
    // It was not the bridge's fault.
    s.server().take_violations();
    s.joins("carol");
    s.run_until(|s| s.connected(&["bob", "carol"]));
    assert_eq!(s.sent_to("alice").jingle("session-initiate").count(), 1);
    s.finish();
}

/// Covers spec/30: 36.
#[test]
fn a_transport_may_come_before_the_accept() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.settle();
    s.joins_with("jigasi", |p| {
        p.profile = Profile::audio_only();
        p.tracks = vec![microphone()];
        p.thinks = Time::from_secs(5);
    });
    s.run_until(|s| s.view("jigasi").session().is_some());
    let own = sid(&s, "jigasi");
    let early = format!("<content name='audio'>{}</content>", transport_xml("early"));
    say(&mut s, "jigasi", "transport-info", &own, &early);
    assert_eq!(refusals(&mut s, "jigasi"), []);
    let endpoint = s.view_bridge("jvb1").endpoint("jigasi").expect("allocated");
    assert_eq!(endpoint.transport.as_ref().and_then(|transport| transport.get("ufrag")), Some("early"));
    say(&mut s, "jigasi", "transport-info", &own, "<content name='audio'/>");
    assert_eq!(refusal(&mut s, "jigasi"), bad_request("missing transport"));
    s.run_until(Scenario::all_connected);
    let ufrag = s.view_bridge("jvb1").endpoint("jigasi").and_then(|it| it.transport.clone()).expect("forwarded");
    assert_ne!(ufrag.get("ufrag"), Some("early"), "its own, just before its accept");
    s.finish();
}

/// Covers spec/30: 37.
#[test]
fn who_is_alone_for_long_has_no_session_until_somebody_comes() {
    let mut s = met(Scenario::new().bridge("jvb1").participant("alice").participant("bob"));
    let first = sid(&s, "alice");
    // Back within 20 s: nothing happens to the other.
    s.participant("bob").leave();
    s.run_for(Time::from_secs(15));
    s.joins("bob");
    s.run_until(Scenario::all_connected);
    s.run_for(Time::from_secs(30));
    assert_eq!(sid(&s, "alice"), first);

    let left = s.now();
    s.participant("bob").leave();
    s.run_for(Time::from_secs(25));
    let ends = s.sent_to("alice").jingle("session-terminate");
    assert_eq!(reason(ends.first()), ("expired".into(), "Idle session timeout".into()));
    assert_eq!(ends.times(), [left + Time::from_secs(20)]);
    assert!(s.view_bridge("jvb1").conferences().is_empty());
    assert!(s.sent_to("alice").since(left).jingle("source-remove").is_empty());
    s.joins("carol");
    s.run_until(|s| s.connected(&["alice", "carol"]));
    assert_ne!(sid(&s, "alice"), first);
    assert_eq!(s.sent_to("carol").jingle("session-initiate").count(), 1);
    s.finish();
}

/// Covers spec/30: 38.
#[test]
fn nobody_is_invited_before_enough_are_there() {
    let mut s = Scenario::new()
        .config(|config| config.conference.min_participants = 3)
        .bridge("jvb1")
        .participant("alice")
        .participant("bob")
        .start();
    s.run_for(Time::from_secs(10));
    assert!(s.log().jingle("session-initiate").is_empty());
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    assert_eq!(s.log().jingle("session-initiate").count(), 3);
    s.participant("carol").leave();
    s.run_for(Time::from_secs(60));
    assert!(s.connected(&["alice", "bob"]));
    assert!(s.log().jingle("session-terminate").is_empty());
    s.finish();
}

/// Covers spec/30: 42; spec/90: 118.
#[test]
fn only_the_first_answer_to_an_offer_counts() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.settle();
    s.joins("alice");
    s.run_until(Scenario::all_connected);
    s.run_for(Time::from_secs(4));
    let asked = s.sent_by("focus").to("alice").jingle("session-initiate");
    // The id as the focus gave it: the room wrote its own for the way to her, and restores it for an answer of hers.
    let (id, room) = (asked.first().stanza.get("id").expect("an id").to_owned(), s.room().to_owned());
    let error = format!(
        "<iq type='error' id='{id}' to='{room}/focus'><error type='wait'>\
         <recipient-unavailable xmlns='{}'/></error></iq>",
        ns::STANZA_ERRORS
    );
    let before = s.now();
    s.inject("alice", &error);
    s.run_for(Time::from_secs(20));
    let second = s.sent_to("focus").since(before).from("alice").errors("recipient-unavailable");
    assert_eq!(second.count(), 1, "it did arrive");
    assert!(error_in(&second.first().stanza).is_some());
    assert!(s.sent_to("alice").since(before).actions().is_empty());
    assert!(s.connected(&["alice", "bob"]));
    assert!(s.focus().metrics().answers_unmatched > 0);
    s.server().take_violations();
    s.finish();
}

/// Covers spec/30: 43.
#[test]
fn a_client_of_2021_takes_part() {
    let mut s = Scenario::new().bridge("jvb1").participant_with("bob", sends(&[])).start();
    s.settle();
    s.joins_with("old", |p| {
        p.profile = Profile::old();
        p.tracks = vec![microphone(), single_camera()];
    });
    s.run_until(Scenario::all_connected);
    s.settle();
    let updates = about(&s, "jvb1", "old").filter(|wire| wire.text().contains("ufrag"));
    let transports: Vec<_> = updates
        .iter()
        .filter_map(|wire| endpoint_in(wire, "old")?.kid("transport", ns::COLIBRI2)?.kid("transport", ns::ICE).cloned())
        .collect();
    assert_eq!(transports.len(), 2);
    assert!(transports.iter().all(|transport| transport.kid("rtcp-mux", ns::ICE).is_some()));
    let candidates: Vec<_> = transports.iter().map(|it| it.kids("candidate", ns::ICE).count()).collect();
    assert_eq!(candidates, [0, 1], "the accept's, then that of the transport-info");
    let names: std::collections::BTreeSet<_> = s
        .view_bridge("jvb1")
        .endpoint("old")
        .expect("allocated")
        .sources
        .sources
        .iter()
        .filter_map(|source| source.name.clone())
        .collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["old-a0", "old-v0"]);
    let told = json_in(jingle(s.sent_to("bob").jingle("source-add").first()));
    assert_eq!(ssrcs_of(&told, "old").len(), 3);
    assert!(told["old"][0].as_array().expect("video").iter().all(|source| source.get("n").is_none()));
    s.finish();
}

/// Covers spec/30: 51.
#[test]
fn who_comes_back_under_the_old_name_is_somebody_new() {
    let mut s = met(Scenario::new().bridge("jvb1").participant("alice").participant("bob"));
    let first = sid(&s, "alice");
    s.participant("alice").leave();
    s.run_for(Time::from_secs(10));
    let before = s.now();
    s.joins_with("alice", sends(&[]));
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_ne!(sid(&s, "alice"), first);
    let offer = s.view("alice").session().expect("offered").offer.clone();
    assert_eq!(ssrcs_of(&json_in(&offer), "bob").len(), 3, "audio, and the first layer with its repairs");
    let update = about(&s, "jvb1", "alice").since(before);
    let endpoint = endpoint_in(update.last(), "alice").expect("her accept");
    assert!(endpoint.kid("transport", ns::COLIBRI2).is_some());
    assert_eq!(endpoint.kid("sources", ns::COLIBRI2).expect("an empty set").children().count(), 0);
    assert!(s.sent_to("bob").since(before).actions().is_empty());
    s.finish();
}

/// Covers spec/90: 64.
#[test]
fn who_leaves_while_its_endpoint_is_allocated_leaves_nothing() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").participant("carol").start();
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").fail_next(Fault::Late(Time::from_secs(2)));
    s.joins("alice");
    s.run_until(|s| !creates(about(s, "jvb1", "alice")).is_empty());
    s.participant("alice").leave();
    s.run_for(Time::from_secs(5));
    assert!(s.sent_to("alice").jingle("session-initiate").is_empty());
    assert!(s.view_bridge("jvb1").endpoint("alice").is_none());
    s.finish();
}

/// At whatever moment somebody leaves, and whether or not it comes back at once: everything fits together afterwards.
#[test]
fn leaving_and_coming_back_at_every_step() {
    for seed in 0..2 {
        for step in 0..16 {
            for returns in [false, true] {
                let mut s = Scenario::new()
                    .seed(seed)
                    .latency(Time::from_millis(5), Time::from_millis(25))
                    .bridge("jvb1")
                    .participant("bob")
                    .participant("carol")
                    .start();
                s.run_until(Scenario::all_connected);
                s.joins_with("alice", |p| p.thinks = Time::from_millis(30));
                s.run_for(Time::from_millis(25 * step));
                s.participant("alice").leave();
                if returns {
                    s.run_for(Time::from_millis(step % 3));
                    s.joins("alice");
                    s.run_until(Scenario::all_connected);
                }
                s.finish();
            }
        }
    }
}

/// The accept crosses the leave: nothing of it is kept (spec/30 §6.8).
#[test]
fn an_accept_that_comes_after_the_leave_is_for_nobody() {
    let mut s = Scenario::new().bridge("jvb1").participant_with("bob", sends(&[])).participant("carol").start();
    s.settle();
    // The server passes on what she sent before she left, but late.
    s.accident(1, Fate::IsLate(Time::from_secs(1)), |d| {
        d.to == "focus" && d.from == "alice" && to_text(&d.stanza).contains("session-accept")
    });
    s.joins("alice");
    s.run_until(|s| {
        s.view("alice").session().is_some_and(|it| it.state == testkit::participant::SessionState::Accepting)
    });
    let ssrc = s.view("alice").own().sources[0].ssrc;
    s.participant("alice").leave();
    s.run_for(Time::from_secs(3));
    assert!(s.sent_to("bob").containing("alice-a0").is_empty());
    // Its SSRCs are nobody's.
    s.participant("bob").announce(audio(ssrc, "bob-a0"));
    s.settle();
    assert_eq!(refusals(&mut s, "bob"), []);
    s.finish();
}

/// An accept of a session that was replaced meanwhile is not taken for one of its successor.
///
/// Covers spec/90: 67.
#[test]
fn an_accept_of_a_replaced_session_is_refused() {
    let mut s = Scenario::new().bridge("jvb1").bridge("jvb2").participant("bob").start();
    s.settle();
    s.joins_with("alice", |p| (p.never_accepts, p.tracks) = (true, Vec::new()));
    s.run_until(|s| s.view("alice").session().is_some());
    s.settle();
    let first = sid(&s, "alice");
    let home = s.home_of("alice").expect("a home").to_owned();
    s.dies(&home);
    s.run_for(Time::from_secs(5));
    assert_ne!(sid(&s, "alice"), first);
    say(&mut s, "alice", "session-accept", &first, &content("audio", &source_xml("ssrc='5'", None)));
    assert_eq!(refusal(&mut s, "alice").0, "bad-request");
    assert!(s.sent_to("bob").containing("\"s\":5").is_empty());
    s.finish();
}

/// What a pending participant says of its sources counts, and the others are told (spec/30 §9.1: only the sid decides). A
/// client that repeats in its accept what it announced before, or accepts twice, has said nothing new, and what it has can
/// be removed as ever.
///
/// Covers spec/90: 76.
#[test]
fn sources_that_an_accept_repeats_are_no_others_and_can_be_removed() {
    let mut s = met(silent_pair());
    s.joins_with("carol", |p| (p.never_accepts, p.tracks) = (true, Vec::new()));
    s.settle();
    let own = sid(&s, "carol");
    let first = source_xml("ssrc='100' name='carol-a0'", Some("carol t"));
    let pair = [101, 102].map(|ssrc| source_xml(&format!("ssrc='{ssrc}' name='carol-v0'"), Some("carol v")));
    let video = content("video", &format!("{}{}{}", pair[0], pair[1], group_xml("FID", &[101, 102])));
    say(&mut s, "carol", "source-add", &own, &content("audio", &first));
    let all = format!("{}{video}", content("audio", &first));
    for _ in 0..2 {
        say(&mut s, "carol", "session-accept", &own, &all);
    }
    assert_eq!(refusals(&mut s, "carol"), []);
    assert_eq!(told(&s.sent_to("bob").jingle("source-add"), "carol"), [vec![100], vec![101, 102]]);
    for (contents, ssrcs) in [(content("audio", &first), vec![100]), (video, vec![101, 102])] {
        let before = s.now();
        say(&mut s, "carol", "source-remove", &own, &contents);
        assert_eq!(refusals(&mut s, "carol"), []);
        assert_eq!(told(&s.sent_to("bob").since(before).jingle("source-remove"), "carol"), [ssrcs]);
    }
}

#[test]
fn a_second_accept_is_processed_like_the_first() {
    let mut s = met(silent_pair());
    let own = sid(&s, "alice");
    let children = content("audio", &source_xml("ssrc='100' name='alice-a0'", Some("alice t")));
    say(&mut s, "alice", "session-accept", &own, &children);
    assert_eq!(refusals(&mut s, "alice"), []);
    assert_eq!(told(&s.sent_to("bob").jingle("source-add"), "alice"), [[100]]);
    // Another source under that number.
    let children = content("audio", &source_xml("ssrc='100' name='alice-a1'", Some("alice t")));
    say(&mut s, "alice", "session-accept", &own, &children);
    assert_eq!(refusal(&mut s, "alice"), bad_request("SSRC is already used: 100."));
    assert_eq!(told(&s.sent_to("bob").jingle("source-remove"), "alice"), [[100]]);
    say(&mut s, "alice", "source-add", &own, &children);
    assert_eq!(refusal(&mut s, "alice").0, "gone");
    assert!(s.view_bridge("jvb1").endpoint("alice").is_none());
    assert_eq!(refusals(&mut s, "bob"), []);
}

/// Whoever is told to wait for its accept is not told of others before, and is told all of it then.
#[test]
fn offers_and_changes_that_cross_are_told_once() {
    for seed in 0..10 {
        let mut s = Scenario::new()
            .seed(seed)
            .latency(Time::from_millis(1), Time::from_millis(60))
            .bridge("jvb1")
            .participant("alice")
            .participant_with("bob", |p| p.thinks = Time::from_millis(200))
            .start();
        s.run_for(Time::from_millis(600));
        s.run_until(|s| s.connected(&["alice"]));
        s.participant("alice").add_source(desktop());
        s.joins("carol");
        s.run_for(Time::from_millis(40));
        s.participant("alice").remove_source("alice-v1");
        s.run_until(Scenario::all_connected);
        s.finish();
    }
}

/// Covers spec/90: 75.
#[test]
fn every_message_has_its_answer_in_every_state() {
    let transport = format!("<content name='audio'>{}</content>", transport_xml("u"));
    let ok = "";
    // Pending, active, ended by a failed accept.
    let table = [
        ("transport-info", transport.as_str(), [ok, ok, "gone"]),
        ("transport-reject", "", [ok, ok, "gone"]),
        ("session-info", "", [ok, ok, "gone"]),
        ("source-add", "", [ok, ok, "gone"]),
        ("source-remove", "", [ok, ok, "gone"]),
        ("transport-accept", transport.as_str(), [ok, ok, "gone"]),
        ("session-initiate", "", ["feature-not-implemented", "feature-not-implemented", "gone"]),
        ("session-accept", transport.as_str(), [ok, ok, "gone"]),
        // Without the id of the bridge's session.
        ("session-terminate", "", ["item-not-found", "item-not-found", "gone"]),
    ];
    for (action, children, expected) in table {
        for (state, expected) in ["pending", "active", "ended"].into_iter().zip(expected) {
            let mut s = met(silent_pair());
            s.joins_with("carol", |p| (p.never_accepts, p.tracks) = (true, Vec::new()));
            s.settle();
            let own = sid(&s, "carol");
            let accept = if state == "active" { "" } else { &source_xml("ssrc='0'", None) };
            if state != "pending" {
                say(&mut s, "carol", "session-accept", &own, &content("audio", accept));
                refusals(&mut s, "carol");
            }
            let before = s.now();
            say(&mut s, "carol", action, &own, children);
            let conditions: Vec<_> = refusals(&mut s, "carol").into_iter().map(|(_, condition, _)| condition).collect();
            let wanted: Vec<&str> = [expected].into_iter().filter(|it| !it.is_empty()).collect();
            assert_eq!(conditions, wanted, "{action}, {state}");
            let answers = s.sent_to("carol").since(before).filter(|wire| wire.is_answer());
            assert_eq!(answers.count(), 1, "{action}, {state}");
            // Nobody else notices.
            assert!(s.connected(&["alice", "bob"]));
            assert!(s.sent_to("bob").since(before).actions().is_empty(), "{action}, {state}");
        }
    }
}
