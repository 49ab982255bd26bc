//! What a bridge is asked, and in which order.

use testkit::Time;
use testkit::bridge::Fault;
use testkit::ns;
use testkit::participant::media::{desktop, microphone};
use testkit::participant::profile::Profile;
use testkit::room::Fate;
use testkit::scenario::Scenario;
use testkit::sources::{Group, Media, Semantics, Source, Sources};
use testkit::xml::{Element, Read};

use crate::bridges_support::*;
use crate::by_hand::{a_source, about, endpoint_in, met, silent_pair};
use crate::support::*;

/// Covers spec/40: 1.
#[test]
fn the_first_endpoint_creates_the_conference() {
    for rtcstats in [None, Some("false")] {
        let mut s = Scenario::new().bridge("jvb1").start();
        for name in ["alice", "bob"] {
            s.joins_with(name, |settings| {
                settings.properties =
                    rtcstats.map(|value| ("rtcstatsEnabled".into(), value.into())).into_iter().collect();
            });
        }
        s.run_until(Scenario::all_connected);
        let meeting = s.view_bridge("jvb1").conferences().keys().next().expect("a conference").clone();
        let first = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").first();
        assert_eq!(first.stanza.get("type"), Some("get"));
        let modify = first.payload().expect("a request");
        assert_eq!((modify.get("meeting-id"), modify.get("name")), (Some(meeting.as_str()), Some(ROOM)));
        assert_eq!((modify.get("create"), modify.get("rtcstats-enabled")), (Some("true"), rtcstats));
        let endpoint = modify.kid("endpoint", ns::COLIBRI2).expect("an endpoint");
        assert_eq!(endpoint.get("create"), Some("true"));
        let transport = endpoint.kid("transport", ns::COLIBRI2).expect("a transport");
        assert_eq!(transport.get("ice-controlling"), Some("true"));
        let sources = endpoint.kid("sources", ns::COLIBRI2).expect("sources");
        assert_eq!(sources.children().count(), 0);
        let capabilities = endpoint.kids("capability", ns::COLIBRI2).filter_map(|it| it.get("name"));
        assert!(capabilities.into_iter().any(|name| name == "source-names"));
        s.finish();
    }
}

/// Covers spec/40: 2.
#[test]
fn later_endpoints_do_not_wait_for_the_first_and_every_offer_has_the_bridges_sources() {
    let mut s = Scenario::new().bridge_with("jvb1", |bridge| bridge.delay = Time::from_millis(300)).start();
    // The first answer comes after the second.
    s.accident(1, Fate::IsLate(Time::from_millis(500)), |d| {
        d.to == "focus" && d.from == "jvb1" && d.stanza.kid("conference-modified", ns::COLIBRI2).is_some()
    });
    s.joins("alice");
    s.joins("bob");
    s.run_for(Time::from_millis(200));
    let both = asked(&s, "jvb1");
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[0].starts_with("create +") && both[1].starts_with('+'), "{both:?}");
    let second = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").last();
    assert_eq!(second.payload().and_then(|modify| modify.get("name")), None);
    s.run_until(Scenario::all_connected);
    let first = both[0].trim_start_matches("create +").to_owned();
    let other = both[1].trim_start_matches('+').to_owned();
    let offered = |name: &str| s.sent_to(name).jingle("session-initiate").first().clone();
    assert!(offered(&other).at < offered(&first).at);
    for name in ["alice", "bob"] {
        let text = offered(name).text();
        for part in ["jvb-a0", "jvb-v0", "mixedmslabel mixedlabelaudio0", "mixedmslabel mixedlabelvideo0"] {
            assert!(text.contains(part), "{part} is not in the offer to {name}");
        }
    }
    s.finish();
}

/// The other half of the case is row 12 of `an_allocation_that_fails_costs_what_its_row_says`.
///
/// Covers spec/40: 5.
#[test]
fn data_channels_are_asked_for_where_the_client_has_them() {
    let mut s = Scenario::new().bridge("jvb1").participant("alice").start();
    s.joins_with("phone", |p| {
        p.profile = Profile::audio_only();
        p.tracks = vec![microphone()];
    });
    s.run_until(Scenario::all_connected);
    let offer = |name: &str| s.sent_to(name).jingle("session-initiate").first().clone();
    for name in ["alice", "phone"] {
        let has_data = offer(name).text().contains("name='data'");
        let created = said_to(&s, &format!("{BREWERY}/jvb1")).containing("create='true'");
        let created = created.containing(&format!("id='{name}'")).first().text();
        assert_eq!(created.contains("<sctp"), has_data, "{name}");
        let port = offer(name).text().contains("number='5000'");
        assert_eq!(port, has_data, "{name}");
    }
    assert!(offer("alice").text().contains("name='data'"));
    s.joins("bob");
    s.bridge("jvb1").fail_next(Fault::Altered(|answer| {
        let modified = answer.get_child_mut("conference-modified", ns::COLIBRI2);
        let endpoint = modified.and_then(|it| it.get_child_mut("endpoint", ns::COLIBRI2));
        let transport = endpoint.and_then(|it| it.get_child_mut("transport", ns::COLIBRI2));
        transport.map(|transport| transport.remove_child("sctp", ns::COLIBRI2));
    }));
    s.run_for(seconds(2));
    assert_eq!((offers(&s, "bob"), moves(&s, "alice"), s.home_of("bob")), (0, 0, None));
    assert_eq!(asked(&s, "jvb1").last().map(String::as_str), Some("-bob"));
    s.finish();
}

/// Covers spec/40: 6.
#[test]
fn an_accept_tells_the_bridge_transport_sources_and_last_n_at_once() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.joins_with("p", |p| {
        p.tracks = vec![microphone()];
        p.last_n = Some(4);
    });
    s.run_until(Scenario::all_connected);
    s.settle();
    let accept = s.sent_by("p").jingle("session-accept").first().stanza.clone();
    let transport_lacks_mux = |text: &str| {
        let transport = text.split("urn:xmpp:jingle:transports:ice-udp:1").nth(1).unwrap_or_default();
        !transport.split("</transport>").next().unwrap_or_default().contains("rtcp-mux")
    };
    assert!(transport_lacks_mux(&testkit::xml::to_text(&accept)), "the kit's clients leave it out");
    let about: Vec<String> = asked(&s, "jvb1").into_iter().filter(|it| it.starts_with("p:")).collect();
    assert_eq!(about, ["p:transport,sources,initial-last-n"]);
    let requests = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify");
    let requests = requests.filter(|wire| wire.payload().is_some_and(|it| it.get("create").is_none()));
    let request = requests.containing("initial-last-n").first().clone();
    let endpoint = request.payload().and_then(|it| it.kid("endpoint", ns::COLIBRI2)).expect("an endpoint").clone();
    let transport = endpoint.kid("transport", ns::COLIBRI2).expect("a transport");
    assert_eq!(transport.get("ice-controlling"), None);
    let ice = transport.kid("transport", ns::ICE).expect("an ICE transport");
    assert!(ice.kid("rtcp-mux", ns::ICE).is_some());
    let sources = endpoint.kid("sources", ns::COLIBRI2).expect("sources");
    let names: Vec<&str> = sources.children().filter_map(|media| media.get("id")).collect();
    assert_eq!(names, ["p-a0"]);
    let last_n = endpoint.kid("initial-last-n", ns::COLIBRI2).expect("last-n");
    assert_eq!(last_n.get("value"), Some("4"));
    s.finish();
}

/// Covers spec/40: 7.
#[test]
fn a_bridge_gets_sources_by_their_names_each_with_its_groups() {
    let mut s = met(silent_pair());
    let sources = Sources {
        sources: vec![
            a_source(Media::Audio, 11, "alice-a0", "alice-audio t"),
            a_source(Media::Video, 100, "alice-v0", "alice-video t"),
            a_source(Media::Video, 200, "alice-v0", "alice-video t"),
        ],
        groups: vec![Group { media: Media::Video, semantics: Semantics::Fid, ssrcs: vec![100, 200] }],
    };
    let begin = s.now();
    s.participant("alice").announce(sources);
    let nameless = Source { name: None, ..a_source(Media::Video, 300, "", "bob-video t") };
    s.participant("bob").announce(Sources { sources: vec![nameless], groups: Vec::new() });
    s.settle();
    let told = |who: &str| {
        let about = about(&s, "jvb1", who).since(begin);
        assert_eq!(about.count(), 1);
        let endpoint = endpoint_in(about.first(), who).expect("of this one");
        assert!(!testkit::xml::to_text(endpoint).contains("msid"), "the bridge needs none");
        let sources = endpoint.kid("sources", ns::COLIBRI2).expect("sources").children();
        let line = |source: &Element| {
            let text = |it: &Element| match it.get("ssrc") {
                Some(ssrc) => ssrc.to_owned(),
                None => {
                    let ssrcs: Vec<_> = it.children().filter_map(|it| it.get("ssrc")).collect();
                    format!("{}({})", it.get("semantics").unwrap_or_default(), ssrcs.join(" "))
                }
            };
            let parts: Vec<String> = source.children().map(text).collect();
            let of = |name| source.get(name).unwrap_or_default();
            format!("{} {}: {}", of("type"), of("id"), parts.join(" "))
        };
        sources.map(line).collect::<Vec<_>>()
    };
    assert_eq!(told("alice"), ["audio alice-a0: 11", "video alice-v0: 100 200 FID(100 200)"]);
    assert_eq!(told("bob"), ["video bob-v0: 300"]);
    s.finish();
}

/// Covers spec/40: 8.
#[test]
fn who_sends_nothing_any_more_has_an_empty_list_of_sources() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.joins_with("p", |p| p.tracks = vec![microphone()]);
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = count(&s, "jvb1");
    s.participant("p").remove_source("p-a0");
    s.settle();
    assert_eq!(asked_since(&s, "jvb1", before), ["p:sources"]);
    let last = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").last();
    let endpoint = last.payload().and_then(|it| it.kid("endpoint", ns::COLIBRI2)).expect("an endpoint");
    assert_eq!(endpoint.kid("sources", ns::COLIBRI2).expect("sources").children().count(), 0);
    s.finish();
}

/// Covers spec/40: 10.
#[test]
fn the_last_endpoint_takes_the_conference_with_it() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let before = count(&s, "jvb1");
    s.participant("alice").leave();
    s.settle();
    assert_eq!(asked_since(&s, "jvb1", before), ["-alice"]);
    assert_eq!(s.view("bob").property("bridge-count").as_deref(), Some("1"));
    // Alone, its session ends after a while.
    s.run_for(seconds(20));
    assert_eq!(asked_since(&s, "jvb1", before), ["-alice", "expire"]);
    assert_eq!(s.view("bob").property("bridge-count").as_deref(), Some("0"));
    assert_eq!(s.focus().gauges().endpoints, 0);
    s.finish();
}

/// Covers spec/40: 45.
#[test]
fn a_restart_is_an_expiry_and_a_new_endpoint_in_the_same_session() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let (before, session) = (count(&s, "jvb1"), bridge_session(&s, "alice"));
    s.participant("alice").restart();
    s.settle();
    assert_eq!(asked_since(&s, "jvb1", before)[..2], ["-alice", "+alice"]);
    assert_eq!(bridge_session(&s, "alice"), session);
    s.finish();
}

/// Covers spec/40: 47; spec/90: 68.
#[test]
fn failed_ice_gives_a_new_endpoint_in_the_same_session() {
    let mut s = meet(Scenario::new().bridge("jvb1"));
    let session = bridge_session(&s, "alice");
    for name in ["alice", "bob"] {
        let before = count(&s, "jvb1");
        s.participant(name).report_ice_failed();
        s.settle();
        let asked = asked_since(&s, "jvb1", before);
        assert_eq!(asked[..2], [format!("-{name}"), format!("+{name}")], "{asked:?}");
        assert_eq!(bridge_session(&s, name), session);
    }
    let before = count(&s, "jvb1");
    s.participant("alice").leave();
    s.settle();
    assert_eq!(asked_since(&s, "jvb1", before), ["-alice"]);
    s.finish();
}

/// Covers spec/40: 48.
#[test]
fn who_comes_back_under_the_same_name_is_described_anew() {
    let mut s = meet(Scenario::new().bridge("jvb1").participant("carol"));
    let (before, session) = (count(&s, "jvb1"), bridge_session(&s, "carol"));
    s.participant("alice").leave();
    s.settle();
    s.joins_with("alice", |p| {
        p.tracks = Vec::new();
        p.stats_id = "another".into();
    });
    s.run_until(Scenario::all_connected);
    s.settle();
    assert_eq!(asked_since(&s, "jvb1", before), ["-alice", "+alice", "alice:transport,sources"]);
    let requests = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify");
    let created = requests.iter().nth(before + 1).expect("the creation");
    let endpoint = created.payload().and_then(|it| it.kid("endpoint", ns::COLIBRI2)).expect("an endpoint");
    assert_eq!(endpoint.get("stats-id"), Some("another"));
    assert_eq!(bridge_session(&s, "alice"), session);
    s.finish();
}

/// Covers spec/90: 72.
#[test]
fn a_transport_alone_leaves_the_sources_alone() {
    let mut s = Scenario::new().bridge("jvb1").participant("bob").start();
    s.joins_with("old", |p| p.profile = Profile::old());
    s.run_until(Scenario::all_connected);
    s.settle();
    let told: Vec<String> = asked(&s, "jvb1").into_iter().filter(|it| it.starts_with("old:")).collect();
    assert!(told.contains(&"old:transport".to_owned()), "{told:?}");
    let sent = s.view("old").own().sources.len();
    assert_eq!(s.view_bridge("jvb1").endpoint("old").map(|endpoint| endpoint.sources.sources.len()), Some(sent));
    s.finish();
}

#[test]
fn sources_that_come_before_the_bridge_has_answered_arrive_after_the_endpoint() {
    let mut s =
        Scenario::new().latency(Time::from_millis(5), Time::from_millis(40)).bridge("jvb1").participant("bob").start();
    s.joins("alice");
    s.run_until(Scenario::all_connected);
    s.bridge("jvb1").settings.delay = Time::from_millis(500);
    s.participant("alice").add_source(desktop());
    s.participant("alice").restart();
    s.run_until(Scenario::all_connected);
    s.run_for(seconds(3));
    s.finish();
}
