//! What bridges let through where cameras or screens are moderated, by what participants announce and show (spec/20 §9.4).

use jicofo::config::ReinviteMethod;
use serde_json::json;
use testkit::Time;
use testkit::ns::{JITMEET_AUDIO, JITMEET_DESKTOP, JITMEET_VIDEO};
use testkit::participant::media::{camera, desktop, microphone, single_camera};
use testkit::participant::profile::Age;
use testkit::scenario::Scenario;
use testkit::sources::{Media, Sources};

use crate::moderation::{asks, force_mutes, is_shown, meeting, muted, mutes, told};
use crate::support::*;

/// The name of the sources of one track.
fn name(sources: &Sources) -> String {
    sources.sources[0].name.clone().expect("current clients name their sources")
}

/// Announces a track and shows it.
fn sends(s: &mut Scenario, who: &str, track: testkit::participant::media::Track) -> String {
    let sources = s.participant(who).add_source(track);
    s.participant(who).show();
    s.settle();
    name(&sources)
}

fn is_muted(s: &Scenario, who: &str) -> bool {
    s.view_bridge("jvb1").endpoint(who).unwrap().force_mute.1
}

/// Moderation begins by alice's wish; nobody is approved, moderators neither.
fn switch_on(s: &mut Scenario, media: &str) {
    let actor = format!("{ROOM}/alice");
    let on = json!({ "type": "av_moderation", "room": ROOM, "enabled": true, "mediaType": media, "actor": actor });
    let now = s.now();
    s.server().send_moderation(now, "focus", &on);
    s.settle();
}

/// Everybody is connected, and no camera is on but the owner's, which is alice.
fn without_cameras(names: &[&str]) -> Scenario {
    let mut s = meeting(names);
    for who in &names[1..] {
        s.participant(who).mute(Media::Video, true);
    }
    s.settle();
    s
}

/// Who led could have on what is moderated; from when he does not lead the bridge lets nothing of it through.
#[test]
fn a_right_that_goes_takes_with_it_what_is_moderated() {
    let mut s = without_cameras(&["alice", "bob", "carol"]);
    for media in ["audio", "video", "desktop"] {
        switch_on(&mut s, media);
    }
    assert_eq!(asks(&mut s, "alice", JITMEET_AUDIO, "alice", false), None, "it leads");
    let now = s.now();
    is_shown(&mut s, "alice", "none", "participant");
    let muting = [vec![muted("alice", true, false)], vec![muted("alice", true, true)]];
    assert_eq!(force_mutes(&s, now)[..2], muting, "{}", s.story());
    let all = ["audio", "video", "desktop"].map(|media| told("alice", media));
    assert_eq!(mutes(&s, now), all, "or she would speak and not know");
    // It gets nothing back by leading again, until it asks.
    is_shown(&mut s, "alice", "owner", "moderator");
    assert_eq!(asks(&mut s, "alice", JITMEET_AUDIO, "alice", false), None);
    assert!(!s.view_bridge("jvb1").endpoint("alice").expect("an endpoint").force_mute.0);
}

/// The screen goes through, and not with the camera beside it.
///
/// Covers spec/20: 60.
#[test]
fn a_camera_does_not_come_through_behind_a_screen_that_is_allowed() {
    let mut s = without_cameras(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("video", true);
    s.settle();
    assert!(!is_muted(&s, "bob"), "cameras alone are not muted by the bridge where screens are not moderated");
    let now = s.now();
    let screen = sends(&mut s, "bob", desktop());
    assert_eq!(asks(&mut s, "bob", JITMEET_DESKTOP, "bob", false), None);
    s.participant("bob").mute_source(&screen, false);
    s.settle();
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new(), "the screen alone");
    // Its client does not obey.
    let now = s.now();
    s.participant("bob").mute_source("bob-v0", false);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, true)]]);
    // Neither a request for what it may send, nor a mute by a moderator, lets the camera through.
    let now = s.now();
    assert_eq!(asks(&mut s, "bob", JITMEET_DESKTOP, "bob", false), None);
    assert_eq!(asks(&mut s, "bob", JITMEET_VIDEO, "bob", false).as_deref(), Some("not-allowed"));
    for namespace in [JITMEET_DESKTOP, JITMEET_VIDEO, JITMEET_AUDIO] {
        assert_eq!(asks(&mut s, "alice", namespace, "bob", true), None);
    }
    s.participant("bob").mute_source(&screen, false);
    s.participant("bob").mute_source("bob-v0", false);
    s.settle();
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new());
    assert!(is_muted(&s, "bob"));
    // Nor does switching it on once more.
    s.participant("alice").moderate("video", false);
    s.participant("alice").moderate("video", true);
    s.settle();
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new());
    // Without the camera the screen is there again.
    s.participant("bob").mute_source(&screen, false);
    s.participant("bob").mute_source("bob-v0", true);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, false)]]);
    s.finish();
}

/// What it sends stays where only its transport is replaced: the bridge does not let through what it did not before.
#[test]
fn an_endpoint_that_is_made_anew_is_muted_for_a_screen_that_is_moderated() {
    let mut s = Scenario::new()
        .bridge("jvb1")
        .config(|config| config.conference.reinvite_method = ReinviteMethod::ReplaceTransport)
        .participant("alice")
        .participant("bob")
        .participant("carol")
        .start();
    s.run_until(Scenario::all_connected);
    for who in ["bob", "carol"] {
        s.participant(who).mute(Media::Video, true);
    }
    s.settle();
    s.participant("alice").moderate("desktop", true);
    s.settle();
    let screen = sends(&mut s, "bob", desktop());
    s.participant("bob").mute_source(&screen, false);
    s.settle();
    assert!(is_muted(&s, "bob"));
    let now = s.now();
    s.participant("bob").report_ice_failed();
    s.run_for(Time::from_secs(20));
    assert_eq!(s.sent_to("bob").since(now).jingle("transport-replace").count(), 1, "{}", s.story());
    assert!(is_muted(&s, "bob"), "{}", s.story());
    // From when it shows nothing that is moderated it is heard and seen again.
    s.participant("bob").mute_source(&screen, true);
    s.participant("bob").mute_source("bob-v0", false);
    s.settle();
    assert!(!is_muted(&s, "bob"));
    s.finish();
}

/// Covers spec/20: 61.
#[test]
fn a_screen_does_not_come_through_where_screens_are_moderated() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("desktop", true);
    s.settle();
    let now = s.now();
    let screen = sends(&mut s, "bob", desktop());
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, true)]]);
    assert_eq!(
        s.sent_to("carol").since(now).jingle("source-add").count(),
        1,
        "it is accepted and signalled all the same"
    );
    let sources = s.said().since(now).containing("<conference-modify").containing("<source ");
    assert!(
        s.said().since(now).containing("<force-mute").come_before(&sources),
        "before the bridge knows of the screen"
    );
    // It makes way for the camera, which nobody moderates.
    let now = s.now();
    s.participant("bob").mute_source(&screen, true);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, false)]]);
    // Once more, and then it is withdrawn.
    let now = s.now();
    s.participant("bob").mute_source(&screen, false);
    s.settle();
    s.participant("bob").remove_source(&screen);
    s.participant("bob").show();
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, true)], vec![muted("bob", false, false)]]);
    s.finish();
}

/// Covers spec/20: 62.
#[test]
fn what_is_announced_and_not_shown_is_muted_too() {
    let mut s = without_cameras(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("video", true);
    s.settle();
    let now = s.now();
    let screen = sends(&mut s, "bob", desktop());
    s.participant("bob").mute_source(&screen, false);
    let hidden = s.participant("bob").add_source(single_camera());
    s.participant("bob").hide_source(&name(&hidden));
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, true)]]);
    // No presence helps that says nothing of it.
    s.participant("bob").mute_source(&screen, true);
    s.settle();
    s.participant("bob").mute_source(&screen, false);
    s.settle();
    assert_eq!(force_mutes(&s, now).len(), 1);
    let withdrawn = s.now();
    s.participant("bob").remove_source(&name(&hidden));
    s.settle();
    assert_eq!(force_mutes(&s, now)[1..], [vec![muted("bob", false, false)]]);
    let told = s.said().since(withdrawn).containing("<conference-modify");
    let mutes = told.clone().containing("<force-mute");
    assert!(mutes.come_before(&told.containing("<sources")), "as with what is announced");
    s.finish();
}

/// Whoever has said once which videos it sends is none of those who do not know how.
#[test]
fn to_stop_showing_sources_helps_nobody() {
    let mut s = without_cameras(&["alice", "eve"]);
    s.participant("alice").moderate("video", true);
    let screen = sends(&mut s, "eve", desktop());
    s.participant("eve").mute_source(&screen, false);
    s.settle();
    assert!(!is_muted(&s, "eve"));
    let jid = s.view("eve").settings.jid.clone();
    let item = format!("<item affiliation='none' role='participant' jid='{jid}'/>");
    let user = format!("<x xmlns='{}'>{item}</x>", testkit::ns::MUC_USER);
    to_focus(
        &mut s,
        &format!("<presence from='{ROOM}/eve' to='{FOCUS}'>{user}<videomuted>false</videomuted></presence>"),
    );
    assert!(is_muted(&s, "eve"), "its camera is announced, and nobody says that it is muted");
    s.finish();
}

#[test]
fn a_new_session_does_not_let_the_camera_through() {
    let mut s = without_cameras(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("video", true);
    s.participant("alice").moderate("desktop", true);
    s.participant("alice").approve("bob", "desktop");
    s.settle();
    sends(&mut s, "bob", desktop());
    assert!(is_muted(&s, "bob"), "it has not asked");
    assert_eq!(asks(&mut s, "bob", JITMEET_DESKTOP, "bob", false), None);
    assert!(!is_muted(&s, "bob"));
    s.participant("bob").mute(Media::Video, false);
    s.settle();
    assert!(is_muted(&s, "bob"), "its camera is on");
    let now = s.now();
    s.participant("bob").restart();
    s.run_until(|s| s.view("bob").sessions() == 2);
    s.run_until(Scenario::all_connected);
    s.settle();
    assert!(is_muted(&s, "bob"));
    let requests = force_mutes(&s, now);
    assert!(requests.iter().flatten().last() == Some(&muted("bob", false, true)), "{requests:?}");
    s.finish();
}

#[test]
fn moderators_and_whoever_is_approved_are_let_through_when_they_unmute() {
    let mut s = without_cameras(&["alice", "bob", "mia"]);
    let now = s.now();
    let jid = s.view("mia").settings.jid.clone();
    s.server().grant(now, ROOM, jid.split('/').next().unwrap(), "owner");
    s.settle();
    // By a component that does not list moderators.
    for media in ["video", "desktop"] {
        switch_on(&mut s, media);
    }
    assert!(is_muted(&s, "bob") && is_muted(&s, "mia"));
    // In presence alone, as clients do that were not told to mute.
    let now = s.now();
    s.participant("mia").mute(Media::Video, false);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("mia", false, false)]]);
    let now = s.now();
    s.participant("bob").mute(Media::Video, false);
    s.settle();
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new(), "not approved");
    let approved = json!({
        "type": "av_moderation", "room": ROOM, "mediaType": "video", "whitelists": { "video": [format!("{ROOM}/bob")] },
    });
    let at = s.now();
    s.server().send_moderation(at, "focus", &approved);
    s.settle();
    assert!(is_muted(&s, "bob"), "not before it does anything");
    s.participant("bob").mute(Media::Video, true);
    s.settle();
    s.participant("bob").mute(Media::Video, false);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, false)]]);
    s.finish();
}

/// Of clients that do not say what they send nobody knows: requests decide alone.
///
/// Covers spec/20: 62.
#[test]
fn old_clients_are_muted_and_unmuted_by_requests_alone() {
    let mut s = meeting(&["alice", "bob"]);
    s.joins_with("old", |it| it.profile.age = Age::Old);
    s.run_until(Scenario::all_connected);
    s.participant("alice").moderate("video", true);
    s.settle();
    let now = s.now();
    for muted in [false, true, false] {
        s.participant("old").mute(Media::Video, muted);
        s.settle();
    }
    s.participant("old").add_source(camera());
    s.settle();
    assert_eq!(asks(&mut s, "old", JITMEET_DESKTOP, "old", false), None);
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new());
    s.finish();
}

/// Muted at once, let through as often as anybody plays with a button.
#[test]
fn who_shows_and_hides_a_camera_all_the_time_does_not_keep_the_bridge_busy() {
    let mut s = without_cameras(&["alice", "eve"]);
    s.participant("alice").moderate("video", true);
    let screen = sends(&mut s, "eve", desktop());
    s.participant("eve").mute_source(&screen, false);
    s.settle();
    let now = s.now();
    for _ in 0..500 {
        for muted in [false, true] {
            s.participant("eve").mute_source("eve-v0", muted);
            s.run_for(testkit::Time::from_millis(1));
        }
    }
    s.settle();
    let requests = force_mutes(&s, now).len();
    assert!((2..=130).contains(&requests), "{requests}");
    assert!(is_muted(&s, "eve"));
    s.run_for(testkit::Time::from_secs(60));
    assert_eq!(asks(&mut s, "eve", JITMEET_DESKTOP, "eve", false), None);
    assert!(!is_muted(&s, "eve"));
    s.finish();
}

#[test]
fn sound_that_is_announced_by_somebody_muted_stays_muted() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("audio", true);
    s.settle();
    let now = s.now();
    let sources = s.participant("bob").add_source(microphone());
    s.participant("bob").mute(Media::Audio, false);
    s.settle();
    assert!(s.view("bob").own().sources.iter().any(|own| own.ssrc == sources.sources[0].ssrc), "accepted");
    assert_eq!(s.sent_to("carol").since(now).jingle("source-add").count(), 1, "and signalled");
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new());
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (true, false));
    s.finish();
}

#[test]
fn what_a_recorder_announces_is_never_muted() {
    let mut s = meeting(&["alice", "bob"]);
    s.joins_with("jibri", crate::moderation::service("jibri"));
    s.run_until(Scenario::all_connected);
    let now = s.now();
    for media in ["video", "desktop"] {
        switch_on(&mut s, media);
    }
    sends(&mut s, "jibri", camera());
    s.participant("jibri").mute(Media::Video, false);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, true)]]);
    s.finish();
}
