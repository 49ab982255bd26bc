//! Floods: one who asks for too much is told to wait, and nobody else notices.

use std::collections::BTreeMap;

use testkit::Time;
use testkit::logs::{keep_lines, take_lines};
use testkit::ns::{self, JITMEET_AUDIO, JITMEET_DESKTOP, JITMEET_VIDEO};
use testkit::participant::media::desktop;
use testkit::participant::profile::Profile;
use testkit::participant::{Place, Settings};
use testkit::room::Fate;
use testkit::scenario::{Builder, Scenario};
use testkit::sources::Media;
use testkit::xml::{Read, el, parse};

use crate::support::*;

fn with(names: &[String]) -> Builder {
    names.iter().fold(Scenario::new().bridge("jvb1"), |builder, name| builder.participant(name))
}

fn people(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("p{number}")).collect()
}

fn meeting(count: usize) -> Scenario {
    let mut s = with(&people(count)).start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// Takes somebody's refusals: how often each condition.
fn refused(s: &mut Scenario, name: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for refusal in s.participant(name).take_refusals() {
        *counts.entry(refusal.condition).or_default() += 1;
    }
    counts
}

fn floods_sources(s: &mut Scenario, name: &str, times: usize) {
    for _ in 0..times {
        let added = s.participant(name).add_source(desktop());
        let ssrcs: Vec<u32> = added.sources.iter().map(|source| source.ssrc).collect();
        s.participant(name).withdraw(&ssrcs);
    }
}

/// Whether a change of this one reaches all the others at once.
#[track_caller]
fn is_heard(s: &mut Scenario, name: &str) {
    let now = s.now();
    let added: Vec<u32> = s.participant(name).add_source(desktop()).sources.iter().map(|source| source.ssrc).collect();
    let ssrc = added[0];
    s.run_for(Time::from_millis(100));
    s.participant(name).withdraw(&added);
    s.run_for(Time::from_millis(100));
    assert_eq!(refused(s, name), BTreeMap::new(), "{name}");
    let others: Vec<String> = s
        .participants()
        .filter(|other| other.nick() != name && other.connected())
        .map(|it| it.nick().to_owned())
        .collect();
    for other in others {
        assert!(!s.sent_to(&other).since(now).containing(&ssrc.to_string()).is_empty(), "{other} hears of {name}");
    }
}

#[test]
fn one_who_floods_a_room_with_sources_is_stopped_and_the_others_are_heard() {
    let mut s = meeting(4);
    let now = s.now();
    floods_sources(&mut s, "p1", 300);
    s.run_for(Time::from_millis(500));
    let refused_all = refused(&mut s, "p1");
    assert!(refused_all["resource-constraint"] > 500, "{refused_all:?}");
    let wait = s.sent_to("p1").since(now).errors("resource-constraint").first().stanza.clone();
    assert_eq!(wait.kid("error", ns::CLIENT).unwrap().get("type"), Some("wait"));
    assert_eq!(error(&wait).1, "rate-limited");
    let told = s.sent_to("p2").since(now).jingle("source-add").count();
    assert!(told <= 60, "{told}");
    let asked = s.view_bridge("jvb1").requests().iter().filter(|(at, _)| *at >= now).count();
    assert!(asked <= 62, "{asked}");
    // Two a second it may have for as long as it likes.
    for _ in 0..5 {
        floods_sources(&mut s, "p1", 20);
        is_heard(&mut s, "p2");
        s.run_for(Time::from_secs(1));
        refused(&mut s, "p1");
    }
    let told = s.sent_to("p2").since(now).jingle("source-add").count()
        + s.sent_to("p2").since(now).jingle("source-remove").count();
    assert!(told <= 60 + 2 * 8, "{told}");
    // To leave and come back gives it nothing new; after a rest it is as before.
    s.participant("p1").leave();
    s.settle();
    s.joins("p1");
    s.run_until(Scenario::all_connected);
    s.settle();
    floods_sources(&mut s, "p1", 20);
    s.settle();
    assert!(refused(&mut s, "p1")["resource-constraint"] > 25);
    s.run_for(Time::from_secs(60));
    is_heard(&mut s, "p1");
}

#[test]
fn whoever_asks_for_what_he_may_not_have_without_end_is_told_to_wait() {
    let mut s = meeting(3);
    for _ in 0..500 {
        s.participant("p2").ask_mute_of(JITMEET_AUDIO, "p3", true);
    }
    s.run_for(Time::from_millis(100));
    let counts = refused(&mut s, "p2");
    assert_eq!((counts["not-allowed"] > 200, counts["resource-constraint"] > 200), (true, true), "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 500, "everything is answered");
    assert_eq!(s.focus().metrics().requests_limited as usize, counts["resource-constraint"]);
    // What is nothing to do with it goes on: it is heard, and whoever leads mutes it.
    is_heard(&mut s, "p2");
    s.participant("p1").ask_mute_of(JITMEET_AUDIO, "p2", true);
    s.settle();
    assert_eq!((refused(&mut s, "p1"), s.view("p2").mute_requests().len()), (BTreeMap::new(), 1));
    s.finish();
}

#[test]
fn those_who_flood_a_room_together_leave_the_others_a_reserve() {
    let mut s = meeting(12);
    for flooder in people(10) {
        floods_sources(&mut s, &flooder, 40);
    }
    s.run_for(Time::from_millis(100));
    let told = s.sent_to("p12").jingle("source-add").count() + s.sent_to("p12").jingle("source-remove").count();
    assert!(told < 700, "the room takes what it can: {told}");
    // One who sits there, and one who comes.
    is_heard(&mut s, "p11");
    s.joins("late");
    s.run_until(|s| s.view("late").connected());
    is_heard(&mut s, "late");
    for flooder in people(10) {
        refused(&mut s, &flooder);
    }
}

#[test]
fn rooms_without_end_are_not_opened_for_one_client() {
    let mut s = Scenario::new().start();
    connect(&mut s, "greedy", "g1@guest.meet.test/r1");
    connect(&mut s, "modest", "m1@guest.meet.test/r1");
    for number in 0..100 {
        ask(&mut s, "greedy", &format!("r{number}"), &format!("room{number}@conference.meet.test"));
    }
    s.settle();
    assert_eq!(s.focus().gauges().conferences, 30);
    let last = only(&s, "greedy", "r99");
    assert_eq!(error(&last), ("resource-constraint".into(), "rate-limited".into()));
    assert!(joins(&s, "room99@conference.meet.test").is_empty());
    // A room that there is may be asked for; so may any, after a while; and nobody else is concerned.
    ask(&mut s, "greedy", "again", "room0@conference.meet.test");
    s.settle();
    assert_eq!(of_conference(&only(&s, "greedy", "again"), "ready"), Some("true"));
    assert_eq!(of_conference(&answer_to(&mut s, "modest", "other@conference.meet.test"), "ready"), Some("true"));
    s.run_for(Time::from_secs(4));
    assert_eq!(of_conference(&answer_to(&mut s, "greedy", "one-more@conference.meet.test"), "ready"), Some("true"));
    s.run_for(Time::from_secs(30));
    s.finish();
}

/// Through a room it is a nick that asks, and nicks are free.
#[test]
fn another_nick_opens_no_more_rooms() {
    let mut s = meeting(2);
    let focus = format!("{ROOM}/focus");
    let mut opened = 0;
    for nick in ["p1", "p1b", "p1c"] {
        if nick != "p1" {
            s.participant("p1").leave();
            s.run_for(Time::from_millis(100));
            s.joins_with("p1", |p| p.nick = nick.to_owned());
            s.run_until(|s| s.view("p1").place() == Place::InRoom);
        }
        for number in 0..40 {
            let room = format!("{nick}-{number}@conference.meet.test");
            let request = parse(&format!("<conference xmlns='{}' room='{room}'/>", ns::FOCUS)).unwrap();
            s.participant("p1").send_iq("set", &focus, request);
        }
        s.settle();
        opened += 40 - refused(&mut s, "p1").get("resource-constraint").copied().unwrap_or_default();
    }
    assert!((29..=32).contains(&opened), "{opened} in all, some of them with time");
    s.run_for(Time::from_secs(40));
}

/// Over HTTP nobody has an address: all who ask that way share one measure, and take nothing from those who have one.
#[test]
fn who_has_no_address_opens_no_more_rooms_than_a_focus_can_bear() {
    let mut s = Scenario::new().start();
    connect(&mut s, "modest", "m1@guest.meet.test/r1");
    for number in 0..2_300 {
        let room = format!("room{number}@conference.meet.test");
        s.early(&format!("<iq type='set' id='h{number}'><conference xmlns='{}' room='{room}'/></iq>", ns::FOCUS));
    }
    s.settle();
    let ready = |s: &Scenario, ready: &str| {
        let to_nobody = s.said().results().filter(|wire| wire.stanza.get("to").is_none());
        to_nobody.filter(|wire| of_conference(&wire.stanza, "ready") == Some(ready)).count()
    };
    let opened = s.focus().gauges().conferences;
    assert!((2_000..2_100).contains(&opened), "{opened}");
    assert_eq!((ready(&s, "true"), ready(&s, "false")), (opened, 2_300 - opened), "nobody is told that it can't be");
    assert_eq!(of_conference(&answer_to(&mut s, "modest", ROOM), "ready"), Some("true"));
    s.run_for(Time::from_secs(40));
    assert_eq!(s.focus().gauges().conferences, 0);
}

/// Whoever asks while the focus enters a room is kept until it is in, but not without end; and nobody is dropped silently.
///
/// Covers spec/90: 24.
#[test]
fn not_everybody_waits_for_a_room_that_takes_its_time() {
    let mut s = Scenario::new().start();
    s.accident(1, Fate::IsLate(Time::from_secs(5)), |d| {
        d.to == "focus" && d.stanza.get("from") == Some("room@conference.meet.test/focus")
    });
    for number in 0..1_500 {
        let from = format!("g{number}@guest.meet.test/r");
        let request = format!("<conference xmlns='{}' room='{ROOM}'/>", ns::FOCUS);
        s.early(&format!("<iq type='set' id='w{number}' from='{from}'>{request}</iq>"));
    }
    s.run_for(Time::from_secs(1));
    let answers = |s: &Scenario, ready: &str| {
        s.said().results().filter(|wire| of_conference(&wire.stanza, "ready") == Some(ready)).count()
    };
    assert_eq!((answers(&s, "true"), answers(&s, "false")), (0, 500));
    s.run_for(Time::from_secs(10));
    assert_eq!((answers(&s, "true"), answers(&s, "false")), (1_000, 500));
    s.run_for(Time::from_secs(30));
}

#[test]
fn an_outsider_who_asks_anything_without_end_is_told_to_wait() {
    let mut s = Scenario::new().start();
    connect(&mut s, "odd", "o1@guest.meet.test/r1");
    connect(&mut s, "other", "o1@guest.meet.test/r2");
    for number in 0..400 {
        request(&mut s, "odd", &format!("q{number}"), "<query xmlns='urn:x:nothing'/>");
    }
    s.settle();
    let conditions = ["feature-not-implemented", "resource-constraint"];
    let [unknown, wait] = conditions.map(|condition| s.sent_to("odd").errors(condition).count());
    assert_eq!((unknown, wait), (200, 200));
    assert_eq!(of_conference(&answer_to(&mut s, "other", ROOM), "ready"), Some("true"));
    s.run_for(Time::from_secs(12));
    assert_eq!(of_conference(&answer_to(&mut s, "odd", ROOM), "ready"), Some("true"));
    s.run_for(Time::from_secs(20));
    s.finish();
}

#[test]
fn one_who_comes_and_goes_without_end_gets_a_place_now_and_then() {
    let mut s = meeting(3);
    let now = s.now();
    for _ in 0..100 {
        s.joins("eve");
        s.run_for(Time::from_millis(50));
        s.participant("eve").leave();
        s.run_for(Time::from_millis(50));
    }
    let places = s.said().since(now).containing("create=").containing("'eve'").count();
    assert!((20..=24).contains(&places), "{places}");
    is_heard(&mut s, "p1");
    // When it stays it gets one, a little later.
    s.joins("eve");
    s.run_until(|s| s.view("eve").place() == Place::InRoom);
    s.run_until(|s| s.view("eve").connected());
    s.settle();
    s.finish();
}

/// Reports of failed connections cost a new session each; they are what a flood would be made of.
#[test]
fn sessions_are_not_made_anew_without_end() {
    let mut s = meeting(3);
    let now = s.now();
    for _ in 0..300 {
        s.participant("p2").report_ice_failed();
        s.run_for(Time::from_millis(10));
    }
    s.settle();
    let offered = s.sent_to("p2").since(now).jingle("session-initiate").count();
    assert!(offered <= 70, "{offered}");
    refused(&mut s, "p2");
    is_heard(&mut s, "p3");
}

#[test]
fn a_hundred_who_come_at_once_and_load_their_pages_again_are_not_held_up() {
    let names = people(100);
    // The bridge rewrites, so that less is told; each asks for as much as ever.
    let rewrites = |settings: &mut Settings| settings.profile = Profile::ssrc_rewriting();
    let scenario = Scenario::new().bridge("jvb1").config(|config| config.conference.use_ssrc_rewriting = true);
    let mut s = names.iter().fold(scenario, |builder, name| builder.participant_with(name, rewrites)).start();
    s.run_until(Scenario::all_connected);
    for name in &names {
        s.participant(name).leave();
    }
    s.run_for(Time::from_millis(10));
    for name in &names {
        s.joins_with(name, rewrites);
    }
    s.run_until(Scenario::all_connected);
    assert_eq!(s.focus().metrics().requests_limited, 0);
    // Whoever leads now mutes everybody, in all three ways, at once.
    s.settle();
    let leader = s.participants().find(|it| it.is_moderator()).map(|it| it.nick().to_owned()).unwrap();
    for namespace in [JITMEET_AUDIO, JITMEET_VIDEO, JITMEET_DESKTOP] {
        for name in names.iter().filter(|name| **name != leader) {
            s.participant(&leader).ask_mute_of(namespace, name, true);
        }
    }
    s.settle();
    assert_eq!((s.focus().metrics().requests_limited, refused(&mut s, &leader)), (0, BTreeMap::new()));
    assert!(names.iter().all(|name| *name == leader || s.view(name).mute_requests().len() == 3));
    // And all share their screens.
    for name in &names {
        s.participant(name).add_source(desktop());
    }
    s.settle();
    assert_eq!(s.focus().metrics().requests_limited, 0);
}

/// The server and its components are trusted with as much as they have.
#[test]
fn the_server_is_not_held_up() {
    let mut s = Scenario::new().start();
    for number in 0..1_000 {
        let now = s.now();
        let ping = el("iq", ns::CLIENT)
            .attr("type", "get")
            .attr("id", format!("ping{number}"))
            .attr("from", "auth.meet.test")
            .attr("to", FOCUS)
            .child(el("ping", ns::PING));
        s.server().send(now, "focus", ping.done());
    }
    s.settle();
    assert_eq!(said_to(&s, "auth.meet.test").results().count(), 1_000);
}

/// The member's real address is known: it is that which has the purse.
#[test]
fn a_new_nick_gives_nobody_a_new_purse() {
    let mut s = meeting(3);
    let now = s.now();
    for number in 0..12 {
        let nick = format!("eve{number}");
        s.joins_with(&nick, |settings| settings.jid = "eve@meet.test/web".into());
        s.run_for(Time::from_millis(250));
        if s.view(&nick).session().is_some() {
            floods_sources(&mut s, &nick, 50);
        }
        s.run_for(Time::from_millis(50));
        s.dies(&nick);
    }
    let told = s.sent_to("p2").since(now).jingle("source-add").count()
        + s.sent_to("p2").since(now).jingle("source-remove").count();
    assert!((40..=75).contains(&told), "{told}");
    is_heard(&mut s, "p1");
}

/// The latest value of a property of the conference, as the focus told the room.
fn published(s: &Scenario, key: &str) -> Option<String> {
    let presence = own_presences(s, ROOM).last().stanza.clone();
    properties(&presence).into_iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

#[test]
fn one_who_mutes_and_unmutes_without_end_is_not_told_of_to_everybody_each_time() {
    let builder = with(&people(3)).config(|config| config.conference.max_audio_senders = 3);
    let mut s = builder.start();
    s.run_until(Scenario::all_connected);
    s.run_for(Time::from_secs(2));
    let limit = |s: &Scenario| published(s, "audio-limit-reached").unwrap();
    assert_eq!(limit(&s), "true");
    // The first change is told at once, what follows together.
    let now = s.now();
    for number in 0..2_000 {
        s.participant("p2").mute(Media::Audio, number % 2 == 0);
    }
    s.participant("p2").mute(Media::Audio, true);
    s.run_for(Time::from_millis(100));
    assert_eq!((own_presences(&s, ROOM).since(now).count(), limit(&s)), (1, "false".into()));
    s.participant("p2").mute(Media::Audio, false);
    s.run_for(Time::from_secs(2));
    assert_eq!((own_presences(&s, ROOM).since(now).count(), limit(&s)), (2, "true".into()), "and the last state");
    // Once a second, for as long as it likes; what it comes to in the end is told.
    let now = s.now();
    for number in 0..101 {
        s.participant("p2").mute(Media::Audio, number % 2 == 0);
        s.run_for(Time::from_millis(97));
    }
    s.run_for(Time::from_secs(2));
    let told = own_presences(&s, ROOM).since(now).count();
    assert!((2..=12).contains(&told), "{told}");
    assert_eq!(limit(&s), "false");
    // After a rest it is told at once again. And the end of the conference does not wait for anything.
    s.participant("p2").mute(Media::Audio, false);
    s.run_for(Time::from_millis(100));
    assert_eq!(limit(&s), "true");
    s.finish();
}

#[test]
fn what_does_not_count_of_a_presence_is_logged_once() {
    let mut s = meeting(2);
    keep_lines();
    let jibri = format!("<features xmlns='{}'><feature var='http://jitsi.org/protocol/jibri'/></features>", ns::CLIENT);
    for number in 0..1_000 {
        let features = if number % 2 == 0 { jibri.as_str() } else { "" };
        s.inject("p2", &format!("<presence to='{ROOM}/p2'>{features}</presence>"));
    }
    s.settle();
    let lines = take_lines();
    let warnings: Vec<_> = lines.iter().filter(|line| line.level == log::Level::Warn).collect();
    let about = warnings.iter().filter(|line| line.about("participant") == Some("p2")).count();
    assert!(about == 1 && warnings.len() <= 2, "{warnings:?}");
}

/// What counts of those who wait is what they said last, and who came first stays first.
#[test]
fn who_shows_itself_again_and_again_while_the_room_is_entered_is_taken_as_it_is_in_the_end() {
    let mut s = Scenario::new().start();
    connect(&mut s, "asker", "asker@meet.test/r1");
    s.accident(5, Fate::IsLate(Time::from_secs(2)), |delivery| {
        delivery.to == "focus" && delivery.stanza.get("type") == Some("result")
    });
    ask(&mut s, "asker", "r1", ROOM);
    s.run_for(Time::from_millis(500));
    let shown = |nick: &str, role: &str| {
        format!(
            "<presence xmlns='{}' from='{ROOM}/{nick}' to='{FOCUS}'><x xmlns='{}'>\
             <item affiliation='none' role='{role}' jid='{nick}@meet.test/web'/></x></presence>",
            ns::CLIENT,
            ns::MUC_USER
        )
    };
    keep_lines();
    for nick in ["first", "second"] {
        s.early(&shown(nick, "participant"));
    }
    for _ in 0..1_000 {
        s.early(&shown("first", "visitor"));
        s.early(&shown("first", "participant"));
    }
    s.run_for(Time::from_secs(5));
    let lines = take_lines();
    let joined: Vec<_> = lines.iter().filter_map(|line| line.message.strip_prefix("Member joined: ")).collect();
    assert_eq!(joined, ["first", "second"]);
    // It would be a visitor for ever, and each time that it says otherwise be warned of.
    assert!(!lines.iter().any(|line| line.message.contains("ignored")), "{lines:?}");
}

/// To be asked what one supports costs no more than to come.
#[test]
fn one_who_comes_and_goes_without_end_is_asked_what_it_supports_now_and_then() {
    let mut s = meeting(3);
    let now = s.now();
    let unknown = |settings: &mut Settings| {
        settings.profile = Profile::current().with("urn:x:eve");
        settings.answers_disco = false;
    };
    for _ in 0..200 {
        s.joins_with("eve", unknown);
        s.run_for(Time::from_millis(20));
        s.participant("eve").leave();
        s.run_for(Time::from_millis(10));
    }
    let to = format!("{ROOM}/eve");
    let asked = said_to(&s, &to).since(now).filter(|wire| wire.stanza.kid("query", ns::DISCO_INFO).is_some()).count();
    assert!((20..=23).contains(&asked), "{asked}");
    is_heard(&mut s, "p1");
    // When it stays it is asked, and invited, a little later.
    s.joins_with("eve", |settings| settings.profile = Profile::current().with("urn:x:eve"));
    s.run_until(|s| s.view("eve").place() == Place::InRoom);
    s.run_until(|s| s.view("eve").connected());
    s.settle();
    s.finish();
}
