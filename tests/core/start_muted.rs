//! Starting muted: by the room's policy, by limits, by the first request, by moderation.

use serde_json::json;
use testkit::Time;
use testkit::ns;
use testkit::participant::SessionState;
use testkit::participant::profile::Profile;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::{Read, el};

use crate::support::*;

fn flags(audio: bool, video: bool) -> Option<(String, String)> {
    Some((audio.to_string(), video.to_string()))
}

fn scenario() -> Builder {
    Scenario::new().bridge("jvb1").config(|config| config.xmpp.trusted_domains = vec!["hidden.meet.test".into()])
}

fn come(s: &mut Scenario, names: &[&str]) {
    for name in names {
        s.joins(name);
        s.run_until(|s| s.view(name).place() == testkit::participant::Place::InRoom);
        s.settle();
    }
}

fn restarts(s: &mut Scenario, name: &str) {
    let first = s.view(name).session().unwrap().sid.clone();
    s.participant(name).restart();
    s.run_until(|s| s.view(name).session().is_some_and(|it| it.sid != first && it.state == SessionState::Active));
    s.settle();
}

fn force_mute(s: &Scenario, name: &str) -> (bool, bool) {
    s.view_bridge("jvb1").endpoint(name).unwrap().force_mute
}

/// Covers spec/30: 39.
#[test]
fn the_third_of_two_and_whoever_is_moderated_start_muted() {
    let mut s = scenario()
        .participant_with("alice", |alice| alice.properties.push(("startAudioMuted".into(), "2".into())))
        .participant("bob")
        .participant("carol")
        .start();
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (None, None));
    assert_eq!((starts_muted(&s, "carol"), force_mute(&s, "carol")), (flags(true, false), (false, false)));
    restarts(&mut s, "carol");
    assert_eq!((starts_muted(&s, "carol"), offers(&s, "carol")), (flags(true, false), 2));
    s.finish();

    let mut s = scenario().participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("alice").moderate("audio", true);
    s.settle();
    s.joins("carol");
    s.joins_with("jibri", |jibri| {
        jibri.jid = "jibri@hidden.meet.test/x".into();
        let feature = el("feature", ns::CLIENT).attr("var", "http://jitsi.org/protocol/jibri");
        jibri.more_presence.push(el("features", ns::CLIENT).child(feature).done());
    });
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "carol"), force_mute(&s, "carol")), (flags(true, false), (true, false)));
    assert_eq!((starts_muted(&s, "jibri"), force_mute(&s, "jibri")), (None, (false, false)));
    s.finish();
}

#[test]
fn the_smaller_of_configuration_and_request_counts_each_for_its_media() {
    // Configured audio and video, asked for audio and video; who starts with what, of five.
    for (configured, asked, muted) in [
        ((99, 99), (None, None), [None, None, None, None, None]),
        ((2, 4), (None, None), [None, None, flags(true, false), flags(true, false), flags(true, true)]),
        (
            (4, 4),
            (Some("3"), Some("1")),
            [None, flags(false, true), flags(false, true), flags(true, true), flags(true, true)],
        ),
        ((1, 99), (Some("4"), Some("-5")), {
            let all = flags(true, true);
            [flags(false, true), all.clone(), all.clone(), all.clone(), all]
        }),
        ((99, 99), (Some(" 4 "), Some("4.5")), [None, None, None, None, flags(true, false)]),
        ((99, 99), (Some(""), Some("99999999999")), [None, None, None, None, None]),
    ] {
        let names = ["p1", "p2", "p3", "p4", "p5"];
        let builder = scenario().config(|config| {
            (config.conference.max_audio_senders, config.conference.max_video_senders) = configured;
        });
        let mut s = builder
            .participant_with("p1", move |first| {
                let properties = [("startAudioMuted", asked.0), ("startVideoMuted", asked.1)];
                let given =
                    properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
                first.properties.extend(given);
                first.tracks.clear();
            })
            .start();
        s.settle();
        for name in &names[1..] {
            // Nothing is sent, so that no limit of senders is reached.
            s.joins_with(name, |settings| settings.tracks.clear());
            s.settle();
        }
        s.run_until(Scenario::all_connected);
        assert_eq!(names.map(|name| starts_muted(&s, name)), muted, "{configured:?} {asked:?}");
        s.finish();
    }
}

/// Only the request that makes the conference decides.
#[test]
fn what_later_requests_ask_for_is_for_another_conference() {
    let mut s = scenario()
        .participant("alice")
        .participant_with("bob", |bob| bob.properties.push(("startVideoMuted".into(), "0".into())))
        .start();
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (None, None));
    s.everybody_leaves();
    s.joins_with("bob", |bob| bob.properties.push(("startVideoMuted".into(), "0".into())));
    come(&mut s, &["alice"]);
    s.run_until(Scenario::all_connected);
    assert_eq!((starts_muted(&s, "alice"), starts_muted(&s, "bob")), (flags(false, true), flags(false, true)));
    s.finish();
}

#[test]
fn the_policy_holds_from_when_it_is_set_until_it_is_taken_back() {
    let mut s = scenario().participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("alice").set_metadata("startMuted", &json!({ "audio": true, "video": false }));
    s.settle();
    assert!(s.view("bob").mute_requests().is_empty(), "whoever is in is not concerned");
    come(&mut s, &["carol"]);
    // A message that says nothing of it changes nothing.
    metadata(&mut s, ROOM, &json!({ "lobbyEnabled": false }));
    come(&mut s, &["dave"]);
    metadata(&mut s, ROOM, &json!({ "startMuted": { "video": true, "desktop": true } }));
    come(&mut s, &["erin"]);
    metadata(&mut s, ROOM, &json!({ "startMuted": {} }));
    come(&mut s, &["fred"]);
    s.run_until(Scenario::all_connected);
    let told = ["bob", "carol", "dave", "erin", "fred"].map(|name| starts_muted(&s, name));
    assert_eq!(told, [None, flags(true, false), flags(true, false), flags(false, true), None]);
    assert_eq!(force_mute(&s, "carol"), (false, false));
    s.finish();
}

/// Clients of 2021, gateways and those that read sources as XML are told in the same place.
#[test]
fn all_kinds_of_clients_are_told() {
    let mut s = scenario().participant("alice").start();
    s.settle();
    metadata(&mut s, ROOM, &json!({ "startMuted": { "audio": true, "video": true } }));
    for (name, profile) in
        [("old", Profile::old()), ("xml", Profile::xml_sources()), ("new", Profile::ssrc_rewriting())]
    {
        s.joins_with(name, |settings| settings.profile = profile);
    }
    s.run_until(Scenario::all_connected);
    for name in ["alice", "old", "xml", "new"] {
        let offer = s.sent_to(name).jingle("session-initiate").last();
        let names: Vec<&str> = offer.jingle("session-initiate").unwrap().children().map(|child| child.name()).collect();
        let at = |wanted: &str| names.iter().position(|name| *name == wanted).unwrap();
        assert_eq!(starts_muted(&s, name), flags(true, true));
        assert!(at("group") < at("startmuted") && at("startmuted") < at("bridge-session"), "{names:?}");
    }
    s.finish();
}

/// A policy that comes while the bridge takes its time came after the invitation.
#[test]
fn the_policy_of_the_moment_of_the_invitation_counts() {
    let mut s = scenario().participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.accident(1, testkit::room::Fate::IsLate(Time::from_secs(3)), |d| {
        d.to == "focus" && d.stanza.kid("conference-modified", ns::COLIBRI2).is_some()
    });
    s.joins("carol");
    s.run_for(Time::from_millis(100));
    metadata(&mut s, ROOM, &json!({ "startMuted": { "audio": true } }));
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "carol"), None);
    s.finish();
}
