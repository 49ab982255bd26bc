//! Rooms with more sources than fit into a stanza that a server takes (256 kB): nobody misses one, nobody is told twice.
//! The kit complains of whatever is larger, whoever it is for, and of each source that is announced a second time.

use testkit::Time;
use testkit::ns;
use testkit::participant::profile::Profile;
use testkit::scenario::Scenario;
use testkit::sources::{Media, Source, Sources};
use testkit::wire_log::Wire;
use testkit::xml::to_text;

use crate::bridges_support::*;
use crate::by_hand::sends;
use crate::support::*;

const SENDERS: u32 = 150;
const EACH: u32 = 20;

/// As many sources as one may have, with names and msids as long as they may be.
fn much(nick: &str, number: u32) -> Sources {
    let long = |text: String| format!("{text:x<128}");
    let source = |index: u32| Source {
        ssrc: 1_000_000 + number * 100 + index,
        media: if index % 4 == 0 { Media::Audio } else { Media::Video },
        name: Some(long(format!("{nick}-v{index}-<&>-"))),
        msid: Some(long(format!("{nick}-{index} track-'\"-"))),
        desktop: index % 4 == 1,
    };
    Sources { sources: (0..EACH).map(source).collect(), groups: Vec::new() }
}

fn sender(number: u32) -> String {
    format!("p{number:03}")
}

/// A room on one bridge with many who send much, and are told of nobody by their own wish.
fn crowded(senders: u32) -> Scenario {
    let mut s = linked(&["a"]).start();
    for number in 0..senders {
        s.joins_with(&sender(number), |p| {
            p.profile = Profile::ssrc_rewriting();
            sends(&[])(p);
            p.region = Some("a".into());
        });
    }
    s.run_until(Scenario::all_connected);
    s
}

fn announce(s: &mut Scenario, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let nick = sender(number);
        s.participant(&nick).announce(much(&nick, number));
    }
    s.settle();
}

fn joins(s: &mut Scenario, name: &str, region: &'static str, profile: Profile, thinks: u64) {
    s.joins_with(name, |p| {
        sends(&[])(p);
        p.profile = profile;
        p.region = Some(region.into());
        p.thinks = Time::from_secs(thinks);
    });
}

/// Of how many sources of others somebody knows.
fn knows(s: &Scenario, name: &str) -> usize {
    let owners = s.view(name).remote().by_owner().iter().filter(|(owner, _)| owner.starts_with('p'));
    owners.map(|(_, sources)| sources.sources.len()).sum()
}

fn largest(s: &Scenario) -> usize {
    s.said().iter().map(|wire| to_text(&wire.stanza).len()).max().unwrap_or_default()
}

#[test]
fn in_a_room_with_three_thousand_sources_nobody_misses_one_and_nobody_is_told_twice() {
    let all = (SENDERS * EACH) as usize;
    let mut s = crowded(SENDERS);
    joins(&mut s, "early", "a", Profile::current(), 0);
    s.run_until(Scenario::all_connected);
    announce(&mut s, 0..SENDERS);
    assert_eq!(knows(&s, "early"), all);
    // With a bridge of their own, which is to be told of everybody on the first one.
    s.add_bridge("b", |bridge| {
        bridge.stats.relay_id = Some("b".into());
        bridge.stats.region = Some("b".into());
    });
    s.settle();
    joins(&mut s, "late", "b", Profile::current(), 0);
    joins(&mut s, "plain", "b", Profile::xml_sources(), 0);
    s.run_until(Scenario::all_connected);
    s.settle();
    for name in ["late", "plain"] {
        assert_eq!(knows(&s, name), all, "{name}");
        let offered = s.sent_to(name).jingle("session-initiate");
        assert_eq!(offered.count(), 1, "{name}");
        assert!(to_text(&offered.first().stanza).len() > 80_000, "as much as fits is in the offer of {name}");
        assert!((5..40).contains(&s.sent_to(name).jingle("source-add").count()), "{name}");
        // Nothing before the session was accepted.
        let accepted = s.sent_by(name).jingle("session-accept").first().at;
        assert!(s.sent_to(name).jingle("source-add").iter().all(|wire| wire.at >= accepted), "{name}");
    }
    let shown = |wire: &Wire| to_text(&wire.stanza).contains("<relay ") && to_text(&wire.stanza).len() > 50_000;
    assert!(said_to(&s, &format!("{BREWERY}/b")).filter(shown).count() > 5, "{:?}", asked(&s, "b"));
    assert!(largest(&s) <= 250 * 1024, "{}", largest(&s));
    s.finish();
}

#[test]
fn what_changes_before_somebody_has_heard_of_it_is_told_as_it_is_by_then() {
    let mut s = crowded(40);
    announce(&mut s, 0..40);
    joins(&mut s, "slow", "a", Profile::current(), 20);
    joins(&mut s, "plain", "a", Profile::xml_sources(), 20);
    s.run_until(|s| s.view("slow").session().is_some() && s.view("plain").session().is_some());
    s.run_for(Time::from_secs(2));
    // The first has been offered, the last has not. One of each sends less, one of each leaves, one of each comes back.
    for number in [1, 38] {
        let nick = sender(number);
        let gone = much(&nick, number).sources[3].name.clone().expect("named");
        s.participant(&nick).remove_source(&gone);
    }
    for number in [2, 37] {
        s.participant(&sender(number)).leave();
    }
    for number in [3, 36] {
        let nick = sender(number);
        s.participant(&nick).leave();
        s.run_for(Time::from_secs(1));
        s.reloads(&nick, &format!("{nick}-again@meet.test/web"));
        s.run_until(|s| s.view(&nick).connected());
        s.participant(&nick).announce(much(&nick, number));
    }
    s.settle();
    assert!(!s.view("slow").connected());
    s.run_until(Scenario::all_connected);
    s.settle();
    for name in ["slow", "plain"] {
        assert_eq!(knows(&s, name), (38 * EACH - 2) as usize, "{name}");
    }
    // And whatever comes afterwards.
    s.participant(&sender(39)).remove_source(&much(&sender(39), 39).sources[0].name.clone().expect("named"));
    s.settle();
    assert!(largest(&s) <= 250 * 1024, "{}", largest(&s));
    s.finish();
}

/// A moderator switches on moderation: everybody is muted on the bridge, however long the names are by which they are there.
#[test]
fn a_bridge_is_asked_to_mute_as_many_as_fit_into_one_request() {
    let mut s = Scenario::new().bridge("jvb1").start();
    let names: Vec<String> = (0..150).map(|number| format!("p{number}{:x<900}", "-")).collect();
    for name in &names {
        s.joins_with(name, |p| {
            p.profile = Profile::ssrc_rewriting();
            sends(&[])(p);
        });
    }
    s.run_until(Scenario::all_connected);
    let before = s.now();
    let (now, actor) = (s.now(), format!("{ROOM}/nobody"));
    let message = serde_json::json!({"type": "av_moderation", "room": ROOM, "enabled": true, "mediaType": "audio", "actor": actor});
    let json = format!("<json-message xmlns='{}'>{message}</json-message>", ns::JITMEET);
    s.server().send(
        now,
        "focus",
        testkit::xml::parse(&format!("<message from='avmoderation.meet.test' to='{FOCUS}'>{json}</message>")).unwrap(),
    );
    s.settle();
    let asked = s.said().since(before).containing("force-mute").count();
    assert_eq!(asked, 2);
    assert!(names.iter().all(|name| s.view_bridge("jvb1").endpoint(name).unwrap().force_mute == (true, false)));
    s.finish();
}
