//! Muting, and the moderation of microphones, cameras and screens.

use jicofo::config::SelectionStrategy;
use serde_json::json;
use testkit::bridge::Fault;
use testkit::logs::keep_lines;
use testkit::ns;
use testkit::participant::Settings;
use testkit::participant::media::{desktop, microphone};
use testkit::participant::profile::Profile;
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::sources::Media;
use testkit::xml::{Element, Read, el};
use testkit::{Time, ns::JITMEET_AUDIO, ns::JITMEET_DESKTOP, ns::JITMEET_VIDEO};

use crate::support::*;

const AUDIO_MUTE: &str = "http://jitsi.org/protocol/audio-mute";

/// A recorder or gateway of a domain that is trusted.
pub fn service(kind: &'static str) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.jid = format!("{}@hidden.meet.test/x", settings.nick);
        let feature = el("feature", ns::CLIENT).attr("var", format!("http://jitsi.org/protocol/{kind}"));
        settings.more_presence.push(el("features", ns::CLIENT).child(feature).done());
    }
}

fn scenario() -> Builder {
    Scenario::new().bridge("jvb1").config(|config| config.xmpp.trusted_domains = vec!["hidden.meet.test".into()])
}

/// Everybody is connected; the first is the owner.
pub fn meeting(names: &[&str]) -> Scenario {
    let mut s = names.iter().fold(scenario(), |builder, name| builder.participant(name)).start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

fn promote(s: &mut Scenario, name: &str) {
    let (now, jid) = (s.now(), s.view(name).settings.jid.clone());
    s.server().grant(now, ROOM, jid.split('/').next().unwrap(), "owner");
    s.settle();
}

/// What the focus asked bridges to mute since then: endpoint, audio, video.
pub fn force_mutes(s: &Scenario, since: Time) -> Vec<Vec<(String, bool, bool)>> {
    let read = |modify: &Element| -> Vec<(String, bool, bool)> {
        let endpoints = modify.kids("endpoint", ns::COLIBRI2);
        endpoints
            .filter_map(|endpoint| {
                let mute = endpoint.kid("force-mute", ns::COLIBRI2)?;
                let is = |media| mute.get(media) == Some("true");
                Some((endpoint.get("id")?.to_owned(), is("audio"), is("video")))
            })
            .collect()
    };
    let requests = s.said().since(since).containing("<force-mute").iter().collect::<Vec<_>>();
    requests.iter().filter_map(|wire| wire.stanza.kid("conference-modify", ns::COLIBRI2)).map(read).collect()
}

/// To whom the focus sent mutes since then: receiver, media, actor.
pub fn mutes(s: &Scenario, since: Time) -> Vec<(String, String, Option<String>)> {
    let mutes = s.said().since(since).request("mute");
    let read = |wire: &testkit::wire_log::Wire| {
        let mute = wire.stanza.children().next()?;
        let nick = |jid: &str| jid.strip_prefix(&format!("{ROOM}/")).unwrap_or(jid).to_owned();
        let media = mute.ns().rsplit('/').next()?.to_owned();
        assert_eq!((mute.text().as_str(), mute.get("jid")), ("true", None));
        Some((nick(wire.stanza.get("to")?), media, mute.get("actor").map(nick)))
    };
    mutes.iter().filter_map(read).collect()
}

pub fn told(receiver: &str, media: &str) -> (String, String, Option<String>) {
    (receiver.into(), media.into(), None)
}

pub fn muted(endpoint: &str, audio: bool, video: bool) -> (String, bool, bool) {
    (endpoint.into(), audio, video)
}

/// The error, if it was one, of the last request of that participant.
fn refused(s: &mut Scenario, name: &str) -> Option<String> {
    s.settle();
    s.participant(name).take_refusals().pop().map(|refusal| refusal.condition)
}

pub fn asks(s: &mut Scenario, name: &str, namespace: &str, target: &str, mute: bool) -> Option<String> {
    s.participant(name).ask_mute_of(namespace, target, mute);
    refused(s, name)
}

/// A request to mute, as the focus gets it from somebody who is there in no other way.
fn mute_from(s: &mut Scenario, from: &str, id: &str, child: &str) -> Option<String> {
    to_focus(s, &format!("<iq type='set' id='{id}' from='{from}' to='{FOCUS}'>{child}</iq>"));
    let answered = said_to(s, from).filter(|wire| wire.is_answer() && wire.stanza.get("id") == Some(id));
    assert_eq!(answered.count(), 1, "answers to {id}");
    testkit::xml::error_in(&answered.first().stanza).map(|(condition, _)| condition)
}

/// The room shows somebody with other rights.
pub fn is_shown(s: &mut Scenario, who: &str, affiliation: &str, role: &str) {
    let jid = &s.view(who).settings.jid;
    let item = format!("<item affiliation='{affiliation}' role='{role}' jid='{jid}'/>");
    let presence =
        format!("<presence from='{ROOM}/{who}' to='{FOCUS}'><x xmlns='{}'>{item}</x></presence>", ns::MUC_USER);
    to_focus(s, &presence);
}

/// What it is counted as stays (spec/20 §4.2); what it may do does not.
#[test]
fn a_moderator_who_is_shown_as_visitor_has_no_rights_from_then_on() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    assert_eq!(asks(&mut s, "alice", JITMEET_AUDIO, "bob", true), None, "it leads");
    is_shown(&mut s, "alice", "none", "visitor");
    let now = s.now();
    for namespace in [JITMEET_AUDIO, JITMEET_VIDEO] {
        assert_eq!(asks(&mut s, "alice", namespace, "bob", true).as_deref(), Some("not-allowed"));
    }
    assert_eq!(mutes(&s, now), vec![]);
    // Its session goes on, and it leads again when the room says so.
    s.participant("alice").add_source(desktop());
    s.settle();
    assert_eq!(s.sent_to("bob").since(now).jingle("source-add").count(), 1);
    is_shown(&mut s, "alice", "owner", "moderator");
    assert_eq!(asks(&mut s, "alice", JITMEET_AUDIO, "bob", true), None);
    s.finish();
}

/// Covers spec/20: 31.
#[test]
fn who_may_mute_whom() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    to_focus(
        &mut s,
        &format!(
            "<presence from='{ROOM}/vic' to='{FOCUS}'><x xmlns='{}'><item affiliation='none' role='visitor' \
             jid='vic@meet.test/web'/></x></presence>",
            ns::MUC_USER
        ),
    );
    let mute = |target: &str, text: &str| format!("<mute xmlns='{JITMEET_AUDIO}' jid='{target}'>{text}</mute>");
    let bob = format!("{ROOM}/bob");
    let now = s.now();
    let mut from_alice = |id: &str, child: &str| mute_from(&mut s, &format!("{ROOM}/alice"), id, child);
    for (id, child, expected) in [
        ("no-text", mute(&bob, ""), "bad-request"),
        ("no-jid", format!("<mute xmlns='{JITMEET_AUDIO}'>true</mute>"), "bad-request"),
        ("no-address", mute("a@@b", "true"), "bad-request"),
        ("nobody", mute(&format!("{ROOM}/nobody"), "true"), "item-not-found"),
        ("no-nick", mute(ROOM, "true"), "item-not-found"),
        ("the-focus", mute(&format!("{ROOM}/focus"), "true"), "item-not-found"),
        // A nick means nothing in another room.
        ("other-room", mute("other@conference.meet.test/bob", "true"), "item-not-found"),
        ("unmutes", mute(&bob, "false"), "not-allowed"),
        ("anything-else-is-false", mute(&bob, "yes"), "not-allowed"),
        ("visitor", mute(&format!("{ROOM}/vic"), "true"), "not-allowed"),
    ] {
        assert_eq!(from_alice(id, &child).as_deref(), Some(expected), "{id}");
    }
    let stranger = "other@conference.meet.test/alice";
    assert_eq!(mute_from(&mut s, stranger, "stranger", &mute(&bob, "true")).as_deref(), Some("item-not-found"));
    let visitor = format!("{ROOM}/vic");
    assert_eq!(mute_from(&mut s, &visitor, "by-visitor", &mute(&bob, "true")).as_deref(), Some("item-not-found"));
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "carol", true).as_deref(), Some("not-allowed"));
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "carol", false).as_deref(), Some("not-allowed"));
    // Oneself always, in a room without moderation.
    for (text, mute) in [("TRUE", true), ("true", true), ("false", false)] {
        let child = format!("<mute xmlns='{JITMEET_AUDIO}' jid='{bob}'>{text}</mute>");
        assert_eq!(mute_from(&mut s, &bob, &format!("own-{text}"), &child), None, "{mute}");
    }
    assert_eq!((mutes(&s, now), force_mutes(&s, now)), (vec![], vec![]));
    s.server().take_violations();
    to_focus(&mut s, &format!("<presence type='unavailable' from='{ROOM}/vic' to='{FOCUS}'/>"));
    s.finish();
}

#[test]
fn visitors_recorders_and_gateways_that_cannot_be_muted_are_not() {
    let mut s = meeting(&["alice", "bob"]);
    s.joins_with("jibri", service("jibri"));
    s.joins_with("jigasi", |it| {
        service("jigasi")(it);
        it.tracks = vec![microphone()];
        it.profile = Profile::audio_only().without(AUDIO_MUTE);
    });
    s.joins_with("mutable", |it| {
        service("jigasi")(it);
        it.tracks = vec![microphone()];
        it.profile = Profile::audio_only().with(AUDIO_MUTE);
    });
    s.run_until(Scenario::all_connected);
    s.settle();
    for (target, expected) in [("jibri", Some("not-allowed")), ("jigasi", Some("not-allowed")), ("mutable", None)] {
        assert_eq!(asks(&mut s, "alice", JITMEET_AUDIO, target, true).as_deref(), expected, "{target}");
    }
    s.finish();
}

/// Covers spec/20: 32.
#[test]
fn a_moderator_mutes_softly_where_nothing_is_moderated() {
    let mut s = meeting(&["alice", "bob"]);
    for (namespace, media) in [(JITMEET_AUDIO, "audio"), (JITMEET_VIDEO, "video"), (JITMEET_DESKTOP, "desktop")] {
        let now = s.now();
        assert_eq!(asks(&mut s, "alice", namespace, "bob", true), None);
        assert_eq!(mutes(&s, now), [("bob".into(), media.into(), Some("alice".into()))]);
        assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new());
        // Nobody changes anything for others before the asker has his answer.
        let answer = said_to(&s, &format!("{ROOM}/alice")).since(now).results();
        assert!(answer.come_before(&s.said().since(now).request("mute")));
        s.run_for(Time::from_secs(1));
    }
    assert!(s.view("bob").muted().contains(&Media::Audio) && s.view("bob").muted().contains(&Media::Video));
    s.finish();
}

/// A, B, M, J and G of spec/20 §16, with moderation of audio switched on by A.
fn moderated() -> (Scenario, Time) {
    let mut s = meeting(&["alice", "bob", "mia"]);
    promote(&mut s, "mia");
    s.joins_with("jibri", service("jibri"));
    s.joins_with("jigasi", |it| {
        service("jigasi")(it);
        it.tracks = vec![microphone()];
        it.profile = Profile::audio_only().without(AUDIO_MUTE);
    });
    s.run_until(Scenario::all_connected);
    s.settle();
    let now = s.now();
    let message = json!({
        "type": "av_moderation", "room": ROOM, "enabled": true, "mediaType": "AUDIO", "actor": format!("{ROOM}/alice"),
    });
    s.server().send_moderation(now, "focus", &message);
    s.settle();
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", true, false), muted("mia", true, false)]]);
    assert_eq!(mutes(&s, now), [told("bob", "audio"), told("mia", "audio")]);
    let again = s.now();
    s.server().send_moderation(again, "focus", &message);
    s.settle();
    assert_eq!((force_mutes(&s, again), mutes(&s, again)), (vec![], vec![]));
    (s, again)
}

fn whitelist(s: &mut Scenario, occupants: &[&str]) {
    let occupants: Vec<String> = occupants.iter().map(|nick| format!("{ROOM}/{nick}")).collect();
    let message =
        json!({ "type": "av_moderation", "room": ROOM, "mediaType": "audio", "whitelists": { "audio": occupants } });
    let now = s.now();
    s.server().send_moderation(now, "focus", &message);
    s.settle();
}

/// Covers spec/20: 33, 34.
#[test]
fn moderation_mutes_everybody_and_lets_the_approved_unmute() {
    let (mut s, _) = moderated();
    assert!(s.view("bob").muted().contains(&Media::Audio) && s.view("mia").muted().contains(&Media::Audio));
    whitelist(&mut s, &["mia"]);
    let now = s.now();
    assert_eq!(asks(&mut s, "mia", JITMEET_AUDIO, "mia", false), None);
    assert_eq!(force_mutes(&s, now), [vec![muted("mia", false, false)]]);
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false).as_deref(), Some("not-allowed"));
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (true, false));
    whitelist(&mut s, &["mia", "bob"]);
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (true, false), "not before it asks");
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (false, false));
    // Its camera was never moderated.
    assert_eq!(asks(&mut s, "bob", JITMEET_VIDEO, "bob", false), None);
    s.finish();
}

#[test]
fn a_moderator_may_unmute_also_where_the_component_does_not_list_moderators() {
    let (mut s, _) = moderated();
    assert_eq!(asks(&mut s, "mia", JITMEET_AUDIO, "mia", false), None);
    assert_eq!(s.view_bridge("jvb1").endpoint("mia").unwrap().force_mute, (false, false));
    s.finish();
}

/// Covers spec/20: 35.
#[test]
fn a_whitelist_that_has_become_empty_is_empty_however_it_is_written() {
    for lists in [json!({}), json!([]), json!({ "audio": {} }), json!({ "audio": [] })] {
        let (mut s, _) = moderated();
        whitelist(&mut s, &["bob"]);
        let message = json!({ "type": "av_moderation", "room": ROOM, "mediaType": "audio", "removed": true, "whitelists": lists });
        let now = s.now();
        s.server().send_moderation(now, "focus", &message);
        s.settle();
        assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false).as_deref(), Some("not-allowed"), "{lists}");
        s.finish();
    }
}

/// Covers spec/20: 36.
#[test]
fn nobody_but_the_component_moderates() {
    let mut s = meeting(&["alice", "bob"]);
    let now = s.now();
    let on = |room: &str, media: &str| {
        json!({ "type": "av_moderation", "room": room, "enabled": true, "mediaType": media, "actor": format!("{ROOM}/alice") })
            .to_string()
    };
    let message = |from: &str, kind: &str, json: &str| {
        format!(
            "<message from='{from}' to='{FOCUS}'{kind}><json-message xmlns='{}' room='{ROOM}'>{json}</json-message></message>",
            ns::JITMEET
        )
    };
    let component = "avmoderation.meet.test";
    for (from, kind, json) in [
        ("metadata.meet.test", "", on(ROOM, "audio")),
        (ROOM, "", on(ROOM, "audio")),
        (&format!("{ROOM}/alice"), "", on(ROOM, "audio")),
        (&format!("{ROOM}/alice"), " type='groupchat'", on(ROOM, "audio")),
        ("alice@meet.test/web", "", on(ROOM, "audio")),
        ("evil.avmoderation.meet.test", "", on(ROOM, "audio")),
        ("x@avmoderation.meet.test", "", on(ROOM, "audio")),
        ("avmoderation.meet.test/x", "", on(ROOM, "audio")),
        (component, " type='error'", on(ROOM, "audio")),
        (component, " type='groupchat'", on(ROOM, "audio")),
        (component, "", on(ROOM, "chat")),
        (component, "", on("unknown@conference.meet.test", "audio")),
        (component, "", on(&format!("{ROOM}/alice"), "audio")),
        (component, "", "garbage".to_owned()),
        (component, "", on(ROOM, "audio").replace("av_moderation", "room_metadata")),
    ] {
        to_focus(&mut s, &message(from, kind, &json));
        assert_eq!((force_mutes(&s, now), mutes(&s, now)), (vec![], vec![]), "{from} {kind} {json}");
    }
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None, "nothing is moderated");
    s.finish();
}

/// Covers spec/20: 37; spec/30: 39; spec/40: 3; spec/90: 101.
#[test]
fn newcomers_are_muted_from_their_first_offer_on() {
    let mut s = meeting(&["alice", "bob"]);
    s.participant("alice").moderate("video", true);
    s.settle();
    s.joins("carol");
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(starts_muted(&s, "carol"), Some(("false".into(), "true".into())));
    assert_eq!(s.view_bridge("jvb1").endpoint("carol").unwrap().force_mute, (false, true));
    let sources = s.participant("carol").add_source(desktop());
    s.settle();
    assert!(s.view("carol").own().sources.iter().any(|own| own.ssrc == sources.sources[0].ssrc), "accepted");
    // Audio too from now on; a recorder is not concerned, nor a moderator.
    s.participant("alice").moderate("audio", true);
    s.settle();
    let allocated = s.now();
    s.joins_with("jibri", service("jibri"));
    s.run_until(Scenario::all_connected);
    s.joins("dave");
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = s.now();
    let (now, jid) = (s.now(), "mia@meet.test");
    s.server().grant(now, ROOM, jid, "owner");
    s.joins("mia");
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!((starts_muted(&s, "jibri"), starts_muted(&s, "mia")), (None, None));
    assert_eq!(starts_muted(&s, "dave"), Some(("true".into(), "true".into())));
    assert_eq!(force_mutes(&s, allocated), [vec![muted("dave", true, true)]]);
    assert_eq!(force_mutes(&s, before), Vec::<Vec<_>>::new());
    s.finish();
}

/// Bob goes in the middle of being muted, with all others and by a moderator who has not seen it yet; the bridge has muted him,
/// does not know him any more, or says nothing. Whoever comes next is muted in its first offer.
///
/// Covers spec/90: 101.
#[test]
fn muting_somebody_who_has_just_gone_harms_nobody_and_the_next_starts_muted() {
    for goes in ["leaves", "is put out", "ends his session"] {
        for bridge in ["is slow", "has forgotten him", "says nothing"] {
            let mut s = meeting(&["alice", "bob", "carol"]);
            let begin = s.now();
            match bridge {
                "is slow" => s.bridge("jvb1").fail_next(Fault::Late(Time::from_secs(2))),
                "says nothing" => s.bridge("jvb1").fail_next(Fault::Unanswered),
                _ => s.bridge("jvb1").forget_endpoint("bob"),
            }
            s.participant("alice").moderate("audio", true);
            s.run_for(Time::from_millis(1));
            match goes {
                "leaves" => s.participant("bob").leave(),
                "is put out" => s.server().put_out(begin, ROOM, "bob", &["307"]),
                _ => s.participant("bob").terminate("success", "over", Some(false)),
            }
            s.run_for(Time::from_millis(1));
            let gone = s.now();
            let asked = asks(&mut s, "alice", JITMEET_AUDIO, "bob", true);
            assert_eq!(asked.as_deref(), Some("item-not-found"), "{goes}, {bridge}");
            s.run_for(Time::from_secs(5));
            assert!(mutes(&s, gone).iter().all(|(who, ..)| who != "bob"), "{goes}, {bridge}");
            assert!(force_mutes(&s, gone).iter().flatten().all(|(who, ..)| who != "bob"), "{goes}, {bridge}");
            s.joins("dave");
            s.run_until(|s| s.connected(&["alice", "carol", "dave"]));
            s.settle();
            assert_eq!(starts_muted(&s, "dave"), Some(("true".into(), "false".into())), "{goes}, {bridge}");
            for name in ["carol", "dave"] {
                let endpoint = s.view_bridge("jvb1").endpoint(name).expect("on the bridge");
                assert_eq!(endpoint.force_mute, (true, false), "{name}: {goes}, {bridge}");
            }
            assert_eq!(offers(&s, "carol"), 1, "{goes}, {bridge}");
            assert!(s.view_bridge("jvb1").endpoint("bob").is_none(), "{goes}, {bridge}");
            assert_eq!(s.focus().audit(), Vec::<String>::new());
        }
    }
}

/// The third participant of a conference whose first request asked for two, with all kinds of limits.
#[test]
fn whoever_is_over_the_limit_starts_muted_and_is_not_muted_by_the_bridge() {
    let mut s = scenario()
        .participant_with("alice", |alice| alice.properties.push(("startAudioMuted".into(), "2".into())))
        .participant("bob")
        .participant("carol")
        .start();
    s.run_until(Scenario::all_connected);
    assert_eq!(starts_muted(&s, "carol"), Some(("true".into(), "false".into())));
    assert_eq!(s.view_bridge("jvb1").endpoint("carol").unwrap().force_mute, (false, false));
    s.finish();
}

/// Covers spec/20: 47, 48.
#[test]
fn a_moderator_moderates_approves_rejects_and_ends_it() {
    let mut s = meeting(&["alice", "bob", "carol", "dave"]);
    let now = s.now();
    s.participant("alice").moderate("audio", true);
    s.participant("alice").moderate("video", true);
    s.settle();
    let all = ["bob", "carol", "dave"];
    assert_eq!(force_mutes(&s, now), [all.map(|name| muted(name, true, false)).to_vec()]);
    assert_eq!(mutes(&s, now), [all.map(|name| told(name, "audio")), all.map(|name| told(name, "video"))].concat());
    let bridge = s.said().since(now).containing("<force-mute");
    assert!(bridge.come_before(&s.said().since(now).request("mute")));
    assert!(bridge.iter().all(|wire| wire.stanza.get("to").is_some_and(|to| to.ends_with("/jvb1"))));
    let now = s.now();
    s.participant("alice").approve("bob", "audio");
    s.settle();
    s.participant("alice").reject("bob", "audio");
    s.settle();
    s.participant("alice").moderate("audio", false);
    s.participant("alice").moderate("video", false);
    s.settle();
    let said: Vec<String> = s.said().since(now).iter().map(outline).collect();
    assert!(said.iter().all(|line| line.contains("healthcheck")), "{said:?}");
    // The bridge lets them through when they ask, each for itself.
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, false)]]);
    s.finish();
}

#[test]
fn a_camera_is_muted_by_the_bridge_only_where_screens_are_moderated_too() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("video", true);
    s.settle();
    let now = s.now();
    s.participant("alice").moderate("desktop", true);
    s.settle();
    let both = ["bob", "carol"].map(|name| muted(name, false, true)).to_vec();
    assert_eq!(
        (force_mutes(&s, now), mutes(&s, now)),
        (vec![both], vec![told("bob", "desktop"), told("carol", "desktop")])
    );
    // Whoever may share the screen gets video through, though the camera may not be on.
    s.participant("alice").approve("bob", "desktop");
    s.settle();
    assert_eq!(asks(&mut s, "bob", JITMEET_VIDEO, "bob", false).as_deref(), Some("not-allowed"));
    assert_eq!(asks(&mut s, "bob", JITMEET_DESKTOP, "bob", false), None);
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (false, false));
    // And again after a new invitation.
    s.participant("bob").restart();
    s.run_until(|s| s.view("bob").sessions() == 2);
    s.run_until(Scenario::all_connected);
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (false, false));
    assert_eq!(starts_muted(&s, "bob"), Some(("false".into(), "true".into())));
    s.finish();
}

#[test]
fn the_approved_are_not_muted_by_a_new_invitation_and_others_are() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("audio", true);
    s.participant("alice").approve("bob", "audio");
    s.settle();
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    for name in ["bob", "carol"] {
        s.participant(name).restart();
        s.run_until(|s| s.view(name).sessions() == 2);
        s.run_until(Scenario::all_connected);
    }
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (false, false));
    assert_eq!(s.view_bridge("jvb1").endpoint("carol").unwrap().force_mute, (true, false));
    assert_eq!((starts_muted(&s, "bob"), starts_muted(&s, "carol")), (None, Some(("true".into(), "false".into()))));
    s.finish();
}

/// Nicks are free. Who is approved is approved for as long as he is there, or comes back from the same address; another under his
/// nick is once the moderators say so.
#[test]
fn who_takes_the_nick_of_one_who_was_approved_is_not() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("audio", true);
    s.participant("alice").approve("bob", "audio");
    s.settle();
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    s.participant("bob").leave();
    s.settle();
    s.joins_with("mallory", |settings| settings.nick = "bob".into());
    s.run_until(|s| s.view("mallory").connected());
    let (audio, not_allowed) = (JITMEET_AUDIO, Some("not-allowed".to_owned()));
    let is_muted = |s: &Scenario| s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute.0;
    assert!(is_muted(&s), "{}", s.story());
    assert_eq!(asks(&mut s, "mallory", audio, "bob", false), not_allowed);
    // The component's lists name the nick for as long as nobody takes it off them.
    s.participant("alice").approve("carol", "audio");
    assert_eq!(asks(&mut s, "mallory", audio, "bob", false), not_allowed);
    s.participant("alice").moderate("video", true);
    assert_eq!((asks(&mut s, "mallory", audio, "bob", false), is_muted(&s)), (not_allowed.clone(), true));
    // Nor does it approve anybody that one is refused who was not approved.
    s.participant("alice").reject("mallory", "audio");
    assert_eq!((asks(&mut s, "mallory", audio, "bob", false), is_muted(&s)), (not_allowed.clone(), true));
    // Whoever is meant is approved once more.
    s.participant("alice").approve("bob", "audio");
    s.settle();
    assert_eq!((asks(&mut s, "mallory", audio, "bob", false), is_muted(&s)), (None, false));
    // The one who had it before is another now.
    s.participant("mallory").leave();
    s.settle();
    s.joins("bob");
    s.run_until(|s| s.view("bob").connected());
    assert!(is_muted(&s) && asks(&mut s, "bob", audio, "bob", false).is_some());
    // Carol is carol wherever she has been meanwhile.
    s.participant("carol").leave();
    s.settle();
    s.joins("carol");
    s.run_until(|s| s.view("carol").connected());
    assert_eq!(asks(&mut s, "carol", audio, "carol", false), None);
    s.finish();
}

/// Nobody can say whom a component means that repeats its list, if more than one on it may be meant: then it is nobody.
#[test]
fn a_list_that_is_repeated_approves_nobody_whom_no_moderator_can_have_meant() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.participant("alice").moderate("audio", true);
    for name in ["bob", "carol"] {
        s.participant("alice").approve(name, "audio");
        s.settle();
        s.participant(name).leave();
        s.settle();
    }
    // While nobody bears a nick, a list that is repeated does not leave it to the first who comes.
    s.participant("alice").approve("alice", "audio");
    for (label, nick) in [("mallory", "bob"), ("moriarty", "carol")] {
        s.joins_with(label, |settings| settings.nick = nick.into());
        s.run_until(|s| s.view(label).connected());
    }
    s.participant("alice").approve("alice", "audio");
    s.settle();
    for (label, nick) in [("mallory", "bob"), ("moriarty", "carol")] {
        assert_eq!(asks(&mut s, label, JITMEET_AUDIO, nick, false).as_deref(), Some("not-allowed"), "{label}");
    }
    s.finish();
}

/// Each switching is one message, and costs as many as there are people: who switches without end has his way, and nobody else
/// waits for it.
#[test]
fn moderation_that_is_switched_without_end_mutes_all_once_a_second() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    let now = s.now();
    for on in [true, false].repeat(40).into_iter().chain([true]) {
        s.participant("alice").moderate("audio", on);
    }
    s.run_for(Time::from_millis(900));
    let everybody = || [told("bob", "audio"), told("carol", "audio")];
    let all = |s: &Scenario| mutes(s, now).into_iter().map(|(who, media, _)| (who, media, None)).collect::<Vec<_>>();
    assert_eq!(all(&s), everybody());
    asks(&mut s, "bob", JITMEET_AUDIO, "bob", false);
    s.run_for(Time::from_secs(10));
    assert_eq!(all(&s), [everybody(), everybody()].concat(), "as it is on in the end");
    assert!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute.0);
    s.finish();
}

/// What a bridge lets nothing of through is let through when somebody asks for it, and not because more is moderated.
#[test]
fn the_beginning_of_moderation_opens_nothing() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    for on in [true, false] {
        s.participant("alice").moderate("video", on);
        s.participant("alice").moderate("desktop", on);
        s.settle();
    }
    let muted = |s: &Scenario, who: &str| s.view_bridge("jvb1").endpoint(who).unwrap().force_mute.1;
    assert!(muted(&s, "bob") && muted(&s, "carol"), "until they ask");
    assert_eq!(asks(&mut s, "carol", JITMEET_VIDEO, "carol", false), None);
    let now = s.now();
    s.participant("alice").moderate("desktop", true);
    s.settle();
    assert_eq!(force_mutes(&s, now), Vec::<Vec<_>>::new());
    assert!(muted(&s, "bob") && !muted(&s, "carol"));
    assert_eq!(asks(&mut s, "bob", JITMEET_VIDEO, "bob", false), None);
    assert!(!muted(&s, "bob"));
    s.finish();
}

/// Each decision is a line of the log that names who, whom, what and by which rule; one who never stops fills nothing with it.
#[test]
fn who_mutes_whom_and_who_is_approved_is_told_in_the_log() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    let line = |s: &mut Scenario, who: &str, target: &str, mute: bool| {
        keep_lines();
        asks(s, who, JITMEET_AUDIO, target, mute);
        let mut lines = logged("ute (audio) of ");
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines.remove(0)
    };
    assert_eq!(line(&mut s, "alice", "bob", true), "INFO Mute (audio) of bob by alice: done by rule moderator");
    let refused = "refused by rule not-moderator (only moderators may mute others)";
    assert_eq!(line(&mut s, "bob", "alice", true), format!("INFO Mute (audio) of alice by bob: {refused}"));
    let refused = "refused by rule unmute-of-another (nobody can unmute another)";
    assert_eq!(line(&mut s, "alice", "bob", false), format!("INFO Unmute (audio) of bob by alice: {refused}"));
    let refused = "refused by rule no-participant (no participant)";
    assert_eq!(line(&mut s, "alice", "nobody", true), format!("INFO Mute (audio) of nobody by alice: {refused}"));
    assert_eq!(line(&mut s, "bob", "bob", false), "DEBUG Unmute (audio) of bob by bob: done by rule oneself");
    keep_lines();
    s.participant("alice").moderate("audio", true);
    s.participant("alice").approve("bob", "audio");
    s.participant("alice").reject("bob", "audio");
    s.settle();
    assert_eq!(
        logged("moderation of audio"),
        [
            "INFO moderation of audio is on, by alice",
            "INFO moderation of audio begins: 2 participants are told to mute",
            "INFO moderation of audio: alice is approved",
            "INFO moderation of audio: bob is approved",
            "INFO moderation of audio: bob is not approved any more",
        ]
    );
    let refused = "refused by rule moderated (moderated, and not approved)";
    assert_eq!(line(&mut s, "bob", "bob", false), format!("INFO Unmute (audio) of bob by bob: {refused}"));
    // Of a flood only as much as somebody reads.
    s.run_for(Time::from_secs(60));
    keep_lines();
    for _ in 0..150 {
        s.participant("bob").ask_mute_of(JITMEET_AUDIO, "alice", true);
    }
    for on in [false, true].repeat(40) {
        s.participant("alice").moderate("audio", on);
    }
    s.settle();
    let lines = logged("");
    let count = |level: &str, text: &str| lines.iter().filter(|it| it.starts_with(level) && it.contains(text)).count();
    assert_eq!((count("INFO", "rule not-moderator"), count("DEBUG", "rule not-moderator")), (30, 120));
    assert!(count("INFO", "moderation of audio") <= 32, "{}", count("INFO", "moderation of audio"));
    s.participant("bob").take_refusals();
    s.finish();
}

/// Who speaks as a component and is none is told of, once a minute for all of them.
#[test]
fn who_speaks_as_a_component_and_is_none_is_told_of_in_the_log() {
    let mut s = meeting(&["alice", "bob"]);
    keep_lines();
    let json = json!({ "type": "av_moderation", "room": ROOM, "mediaType": "audio", "enabled": true }).to_string();
    let message = |from: &str| {
        let json = format!("<json-message xmlns='{}'>{json}</json-message>", ns::JITMEET);
        format!("<message from='{from}' to='{FOCUS}'>{json}</message>")
    };
    for from in [format!("{ROOM}/bob"), "avmoderation.evil.test".into(), "eve@meet.test/x".into()] {
        (0..50).for_each(|_| s.early(&message(&from)));
    }
    s.settle();
    let told = logged("speaks as a component");
    assert!(told.len() == 1 && told[0].starts_with(&format!("WARN {ROOM}/bob speaks as a component")), "{told:#?}");
    s.run_for(Time::from_secs(60));
    keep_lines();
    s.early(&message("avmoderation.evil.test"));
    let told = logged("speaks as a component");
    assert!(told.len() == 1 && told[0].ends_with("ignored, and 149 more before it"), "{told:#?}");
    assert!(s.said().request("mute").is_empty());
    s.finish();
}

#[test]
fn whoever_was_approved_is_not_when_moderation_begins_anew() {
    let mut s = meeting(&["alice", "bob"]);
    s.participant("alice").moderate("audio", true);
    s.participant("alice").approve("bob", "audio");
    s.settle();
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    s.participant("alice").moderate("audio", false);
    s.settle();
    s.participant("alice").moderate("audio", true);
    s.settle();
    assert_eq!(s.view_bridge("jvb1").endpoint("bob").unwrap().force_mute, (true, false));
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false).as_deref(), Some("not-allowed"));
    s.finish();
}

#[test]
fn without_an_actor_all_are_muted() {
    for actor in [json!(null), json!(ROOM), json!("a@@b"), json!(7)] {
        let mut s = meeting(&["alice", "bob"]);
        let now = s.now();
        let message =
            json!({ "type": "av_moderation", "room": ROOM, "enabled": true, "mediaType": "audio", "actor": actor });
        s.server().send_moderation(now, "focus", &message);
        s.settle();
        assert_eq!(mutes(&s, now), [told("alice", "audio"), told("bob", "audio")], "{actor}");
        s.finish();
    }
}

/// The bridge enforces what the client does not do.
#[test]
fn a_client_that_does_not_obey_is_muted_all_the_same() {
    let mut s = scenario().participant("alice").participant_with("eve", |eve| eve.ignores_mutes = true).start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.participant("alice").moderate("audio", true);
    s.settle();
    assert!(!s.view("eve").muted().contains(&Media::Audio));
    assert_eq!(s.view_bridge("jvb1").endpoint("eve").unwrap().force_mute, (true, false));
    assert_eq!(asks(&mut s, "eve", JITMEET_AUDIO, "eve", false).as_deref(), Some("not-allowed"));
    // A new session does not help, nor does coming back.
    s.participant("eve").restart();
    s.run_until(|s| s.view("eve").sessions() == 2);
    s.run_until(Scenario::all_connected);
    assert_eq!(s.view_bridge("jvb1").endpoint("eve").unwrap().force_mute, (true, false));
    s.participant("eve").leave();
    s.settle();
    s.joins_with("eve", |eve| eve.ignores_mutes = true);
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(s.view_bridge("jvb1").endpoint("eve").unwrap().force_mute, (true, false));
    s.finish();
}

/// Covers spec/90: 102.
#[test]
fn moderation_that_begins_while_people_come_and_go_misses_nobody() {
    let mut s = meeting(&["alice", "bob"]);
    // The bridge takes its time with carol; bob goes just now.
    s.accident(1, Fate::IsLate(Time::from_secs(3)), |d| {
        d.to == "focus" && d.stanza.kid("conference-modified", ns::COLIBRI2).is_some()
    });
    s.joins("carol");
    s.run_for(Time::from_millis(100));
    let now = s.now();
    s.participant("bob").leave();
    s.run_for(Time::from_millis(1));
    s.participant("alice").moderate("audio", true);
    s.run_for(Time::from_millis(100));
    assert_eq!(force_mutes(&s, now), [vec![muted("carol", true, false)]]);
    assert_eq!(mutes(&s, now), [told("carol", "audio")]);
    s.run_until(|s| s.connected(&["alice", "carol"]));
    s.settle();
    assert_eq!(starts_muted(&s, "carol"), Some(("true".into(), "false".into())));
    assert_eq!(s.view_bridge("jvb1").endpoint("carol").unwrap().force_mute, (true, false));
    s.finish();
}

/// Whoever waits for a bridge has nothing there that could be muted yet.
#[test]
fn moderation_that_begins_before_there_is_a_bridge_holds_when_there_is_one() {
    let mut s = Scenario::new().participant("alice").participant("bob").participant("carol").start();
    s.settle();
    let now = s.now();
    s.participant("alice").moderate("audio", true);
    s.participant("alice").approve("carol", "audio");
    s.settle();
    assert_eq!((force_mutes(&s, now), mutes(&s, now)), (vec![], vec![told("bob", "audio"), told("carol", "audio")]));
    s.add_bridge("jvb1", |_| {});
    s.run_until(Scenario::all_connected);
    s.settle();
    let muted = ["alice", "bob", "carol"].map(|name| s.view_bridge("jvb1").endpoint(name).unwrap().force_mute.0);
    assert_eq!(muted, [false, true, false]);
    assert_eq!(["alice", "bob", "carol"].map(|name| starts_muted(&s, name).is_some()), [false, true, false]);
    s.finish();
}

/// One request to the bridge for all, and none that says what it knows.
#[test]
fn what_the_bridge_knows_is_not_said_again() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    let now = s.now();
    for (media, on) in [("audio", true), ("audio", false), ("audio", true)] {
        s.participant("alice").moderate(media, on);
    }
    s.settle();
    assert_eq!(force_mutes(&s, now).len(), 1, "they were muted all the time");
    assert_eq!(mutes(&s, now).len(), 4, "their clients may not have been");
    s.participant("alice").moderate("desktop", true);
    s.participant("alice").moderate("video", true);
    s.participant("alice").approve("bob", "audio");
    s.settle();
    let now = s.now();
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    assert_eq!(force_mutes(&s, now), [vec![muted("bob", false, true)]]);
    s.finish();
}

/// A bridge that has forgotten one of them mutes the others.
#[test]
fn one_that_the_bridge_has_forgotten_keeps_nobody_from_being_muted() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.bridge("jvb1").forget_endpoint("bob");
    s.participant("alice").moderate("audio", true);
    s.settle();
    assert_eq!(s.view_bridge("jvb1").endpoint("carol").unwrap().force_mute, (true, false));
    assert_eq!(offers(&s, "bob"), 1);
}

/// A bridge that refuses is left, and everybody is muted on the next.
#[test]
fn a_bridge_that_fails_at_it_is_left_and_the_mutes_are_not_lost() {
    let mut s = meeting(&["alice", "bob", "carol"]);
    s.accident(1, Fate::IsAnError, |d| d.from == "jvb1" && d.stanza.kid("conference-modified", ns::COLIBRI2).is_some());
    s.participant("alice").moderate("audio", true);
    s.run_until(|s| s.view("carol").sessions() == 2);
    s.run_until(Scenario::all_connected);
    s.settle();
    for (name, muted) in [("alice", false), ("bob", true), ("carol", true)] {
        assert_eq!(s.view_bridge("jvb1").endpoint(name).unwrap().force_mute, (muted, false), "{name}");
    }
    s.finish();
}

/// Three on two bridges, as the strategy for tests deals them out.
fn on_two_bridges() -> Scenario {
    let mut s = Scenario::new()
        .config(|config| {
            config.octo.enabled = true;
            config.bridge.selection_strategy = SelectionStrategy::Split;
        })
        .relay_bridge("jvb1", "here")
        .relay_bridge("jvb2", "here")
        .participant("alice")
        .participant("bob")
        .participant("carol")
        .participant("dave")
        .start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// Covers spec/40: 9.
#[test]
fn each_bridge_is_asked_once_for_all_that_it_has() {
    let mut s = on_two_bridges();
    let homes = ["bob", "carol", "dave"].map(|name| s.home_of(name).unwrap().to_owned());
    let (near, far): (Vec<_>, Vec<_>) =
        ["bob", "carol", "dave"].into_iter().zip(&homes).partition(|(_, home)| **home == homes[0]);
    assert!(!near.is_empty() && !far.is_empty() && near.len() + far.len() == 3, "{homes:?}");
    let now = s.now();
    s.participant("alice").moderate("audio", true);
    s.settle();
    let mut requests = force_mutes(&s, now);
    requests.sort_by_key(Vec::len);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
    let asked = |s: &Scenario, since| {
        let requests = s.said().since(since).containing("<force-mute");
        requests
            .iter()
            .map(|wire| wire.stanza.get("to").unwrap().rsplit('/').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&s, now).len(), 2);
    for (name, home) in near.iter().chain(&far) {
        assert_eq!(s.view_bridge(home).endpoint(name).unwrap().force_mute, (true, false), "{name}");
    }
    // The same again changes nothing.
    s.participant("alice").moderate("audio", false);
    s.participant("alice").moderate("audio", true);
    s.participant("alice").moderate("video", true);
    s.settle();
    assert_eq!(force_mutes(&s, now).len(), 2);
    s.participant("alice").moderate("desktop", true);
    s.participant("alice").approve("bob", "audio");
    s.settle();
    let now = s.now();
    assert_eq!(asks(&mut s, "bob", JITMEET_AUDIO, "bob", false), None);
    assert_eq!((force_mutes(&s, now), asked(&s, now)), (vec![vec![muted("bob", false, true)]], vec![homes[0].clone()]));
    assert!(s.said().since(now).containing("<force-mute").first().text().contains("<force-mute video='true'/>"));
    s.finish();
}
