//! Whoever is between two sessions sends nothing for a while: nobody else gets what it sends meanwhile.

use testkit::Time;
use testkit::scenario::Scenario;
use testkit::sources::{Media, Sources};

use crate::bridges_support::{linked, moves};
use crate::by_hand::*;

/// Longer than all that is under way.
const THINKS: Time = Time::from_secs(5);

/// Alice takes her time to accept, and sends the same in each session; mallory sends nothing, and sees what she sends.
fn with_mallory() -> Scenario {
    met(Scenario::new()
        .bridge("jvb1")
        .participant_with("alice", |p| p.keeps_ssrcs = true)
        .participant("bob")
        .participant_with("mallory", |p| p.tracks = Vec::new()))
}

/// Mallory says that each SSRC and each msid that alice sent is hers, one by one, and is refused.
fn steals_in_vain(s: &mut Scenario, loot: &Sources) {
    let before = s.now();
    let mallory = sid(s, "mallory");
    for (number, source) in loot.sources.iter().enumerate() {
        let (ssrc, msid) = (source.ssrc, source.msid.as_deref().expect("current clients have them"));
        let theirs = source_xml(&format!("ssrc='{ssrc}'"), Some("mallory t"));
        let media = source.media.name();
        post(s, "mallory", "source-add", &mallory, &content(media, &theirs));
        s.run_for(Time::from_millis(50));
        assert_eq!(refusal(s, "mallory"), bad_request(&format!("SSRC is already used: {ssrc}.")));
        let theirs = source_xml(&format!("ssrc='{}'", 700_000 + number), Some(msid));
        post(s, "mallory", "source-add", &mallory, &content(media, &theirs));
        s.run_for(Time::from_millis(50));
        assert_eq!(refusal(s, "mallory"), bad_request(&format!("The name or msid of another: {msid}.")));
    }
    assert!(s.sent_to("bob").since(before).jingle("source-add").is_empty());
}

/// Alice has accepted, and all that she sends, which is what she sent before, is known to all as hers.
fn comes_back(s: &mut Scenario, loot: &Sources) {
    assert!(!s.connected(&["alice"]), "she has not accepted yet");
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view("alice").own(), loot);
    s.check();
}

#[test]
fn a_hostile_member_cannot_take_the_ssrcs_of_somebody_who_is_moved_to_another_bridge() {
    let mut s = linked(&["a", "b"]).start();
    s.joins_with("bob", |p| p.region = Some("b".into()));
    s.joins_with("alice", |p| (p.region, p.keeps_ssrcs) = (Some("a".into()), true));
    s.joins_with("mallory", |p| (p.region, p.tracks) = (Some("b".into()), Vec::new()));
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((s.home_of("alice"), s.home_of("mallory")), (Some("a"), Some("b")));
    let loot = s.view("alice").own().clone();
    s.participant("alice").settings.thinks = THINKS;
    s.dies("a");
    s.run_until(|s| moves(s, "alice") == 1);
    s.run_for(Time::from_millis(500));
    steals_in_vain(&mut s, &loot);
    comes_back(&mut s, &loot);
    assert_eq!(s.home_of("alice"), Some("b"));
    s.bridge("b").take_errors();
    s.finish();
}

#[test]
fn a_hostile_member_cannot_take_the_ssrcs_of_somebody_whose_session_begins_anew() {
    for fails in [testkit::participant::Participant::report_ice_failed, testkit::participant::Participant::restart] {
        let mut s = with_mallory();
        let loot = s.view("alice").own().clone();
        s.participant("alice").settings.thinks = THINKS;
        fails(s.participant("alice"));
        s.run_for(Time::from_millis(500));
        steals_in_vain(&mut s, &loot);
        comes_back(&mut s, &loot);
        s.finish();
    }
}

/// Two moves in a row, and no accept in between.
#[test]
fn what_is_kept_is_kept_through_the_next_move_too() {
    let mut s = with_mallory();
    let loot = s.view("alice").own().clone();
    s.participant("alice").settings.thinks = THINKS;
    for _ in 0..2 {
        s.participant("alice").report_ice_failed();
        s.run_for(Time::from_secs(1));
    }
    steals_in_vain(&mut s, &loot);
    comes_back(&mut s, &loot);
    s.finish();
}

#[test]
fn what_somebody_does_not_send_any_more_after_its_next_accept_is_anybodys() {
    let mut s = met(silent_pair());
    s.participant("alice").announce(audio(100, "alice-a0"));
    s.settle();
    s.participant("alice").restart();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("bob").announce(audio(100, "bob-a0"));
    s.settle();
    assert_eq!(told(&s.sent_to("alice").jingle("source-add"), "bob"), [[100]]);
    s.finish();
}

#[test]
fn whoever_leaves_instead_of_accepting_again_keeps_nothing() {
    let mut s = with_mallory();
    let loot = s.view("alice").own().clone();
    s.participant("alice").settings.never_accepts = true;
    s.participant("alice").restart();
    s.settle();
    steals_in_vain(&mut s, &loot);
    s.participant("alice").leave();
    s.settle();
    let before = s.now();
    let first = loot.of(Media::Audio).sources[0].clone();
    s.participant("mallory").announce(Sources { sources: vec![first.clone()], groups: Vec::new() });
    s.settle();
    assert_eq!(told(&s.sent_to("bob").since(before).jingle("source-add"), "mallory"), [[u64::from(first.ssrc)]]);
    s.finish();
}
