//! Several bridges in one conference: how they are linked, and who is known where (spec/40 §5.9, §5.10, §6).

use std::collections::BTreeMap;

use testkit::ns;
use testkit::participant::media::desktop;
use testkit::scenario::Scenario;
use testkit::xml::{Element, Read, to_text};

use crate::bridges_support::*;
use crate::support::*;

/// The relay in each request to a bridge that has one.
fn relays(s: &Scenario, bridge: &str) -> Vec<Element> {
    let asked = said_to(s, &format!("{BREWERY}/{bridge}")).request("conference-modify");
    asked.iter().filter_map(|wire| wire.payload()?.kid("relay", ns::COLIBRI2).cloned()).collect()
}

fn transport(relay: &Element) -> &Element {
    relay.kid("transport", ns::COLIBRI2).expect("a transport")
}

/// `setup` of the fingerprint that a bridge was told of, and where the web-socket is.
fn told(relay: &Element) -> (Option<String>, Vec<String>) {
    let ice = transport(relay).kid("transport", ns::ICE).expect("an ICE transport");
    let setup = ice.kid("fingerprint", ns::DTLS).and_then(|it| it.get("setup")).map(str::to_owned);
    (setup, ice.kids("web-socket", ns::COLIBRI).filter_map(|it| it.get("url").map(str::to_owned)).collect())
}

fn bridge_counts(s: &Scenario) -> Vec<String> {
    let of = |wire: &testkit::wire_log::Wire| {
        let properties = wire.stanza.kid("conference-properties", ns::FOCUS)?;
        let mut all = properties.kids("property", ns::FOCUS);
        all.find(|it| it.get("key") == Some("bridge-count"))?.get("value").map(str::to_owned)
    };
    let mut counts: Vec<String> = own_presences(s, s.room()).iter().filter_map(of).collect();
    counts.dedup();
    counts
}

/// Covers spec/40: 11.
#[test]
fn a_second_bridge_is_linked_with_the_first() {
    let mut s = linked(&["a", "b"]).start();
    let before = s.said().count();
    let s = {
        s.joins_with("p", |p| p.region = Some("a".into()));
        s.joins_with("q", |p| p.region = Some("b".into()));
        s.run_until(Scenario::all_connected);
        s.settle();
        s
    };
    let order = asked_all_since(&s, before);
    assert_eq!(order[..4], ["a: create +p", "b: create +q", "a: >b create 0 +q", "b: >a create 0 +p"], "{order:?}");
    let (of_a, of_b) = (relays(&s, "a"), relays(&s, "b"));
    let opening = "ice-controlling='true' use-unique-port='true'><sctp role='client'/></transport>";
    assert!(to_text(transport(&of_a[0])).replace('"', "'").contains(opening), "{}", to_text(&of_a[0]));
    let waiting = transport(&of_b[0]);
    assert_eq!((waiting.get("ice-controlling"), waiting.get("use-unique-port")), (None, None));
    assert_eq!(waiting.kid("sctp", ns::COLIBRI2).and_then(|sctp| sctp.get("role")), Some("server"));
    let connected = |relays: &[Element]| {
        let with_ice = relays.iter().filter(|relay| !relay.kids("media", ns::COLIBRI2).any(|_| true));
        let with_ice = with_ice.filter(|relay| relay.kid("transport", ns::COLIBRI2).is_some());
        with_ice.map(told).collect::<Vec<_>>()
    };
    assert_eq!(connected(&of_a), [(Some("active".into()), vec![])]);
    assert_eq!(connected(&of_b), [(Some("passive".into()), vec![])]);
    // As many kinds of media as there are, and no feedback that a relay can't use.
    for relay in [&of_a[0], &of_b[0]] {
        let media: Vec<_> = relay.kids("media", ns::COLIBRI2).filter_map(|media| media.get("type")).collect();
        assert_eq!(media, ["audio", "video"]);
        let text = to_text(relay);
        assert!(text.contains("rtx") && text.contains("transport-cc") && !text.contains("remb"), "{text}");
    }
    assert_eq!(bridge_counts(&s).last().map(String::as_str), Some("2"));
    s.finish();
}

/// Covers spec/40: 12.
#[test]
fn by_web_socket_one_end_is_told_where_the_other_is() {
    let mut builder = linked(&["a", "b"]);
    builder = builder.config(|config| config.octo.sctp_datachannels = false);
    let s = people(builder.start(), &[("p", "a"), ("q", "b")]);
    let connects = |bridge: &str| {
        let relays = relays(&s, bridge);
        let relay = relays.iter().find(|relay| relay.get("create").is_none() && !to_text(relay).contains("<endpoints"));
        told(relay.expect("a transport"))
    };
    let ((active, to_b), (passive, to_a)) = (connects("a"), connects("b"));
    assert_eq!((active.as_deref(), passive.as_deref(), to_a.len()), (Some("active"), Some("passive"), 0));
    assert!(matches!(&to_b[..], [url] if url.starts_with("wss://b.example.com")), "{to_b:?}");
    assert_eq!(relays(&s, "b")[0].kid("transport", ns::COLIBRI2).map(|it| it.children().count()), Some(0));
    s.finish();
}

/// Covers spec/40: 14.
#[test]
fn bridges_are_told_who_comes_changes_and_goes_on_the_others() {
    let mut s = linked_meeting(&["a", "b"], &[("p", "a"), ("q", "b")]);
    let before = s.said().count();
    s.joins_with("r", |p| p.region = Some("a".into()));
    s.run_until(Scenario::all_connected);
    s.settle();
    let order = asked_all_since(&s, before);
    assert_eq!(
        order,
        ["a: +r", "b: >a +r", "a: r:transport,sources", "b: >a r:sources"],
        "the home bridge first, the others right after it"
    );
    let shown = relays(&s, "b").iter().map(to_text).find(|text| text.contains("stats-of-r")).expect("r is shown");
    let shown = shown.replace('"', "'");
    assert!(shown.contains("stats-id='stats-of-r'") && shown.contains("name='source-names'"), "{shown}");
    let before = s.said().count();
    s.participant("r").add_source(desktop());
    s.settle();
    assert_eq!(asked_all_since(&s, before), ["a: r:sources", "b: >a r:sources"]);
    let last = to_text(relays(&s, "b").last().expect("an update"));
    assert_eq!(last.matches("<media-source").count(), 3, "the full set: {last}");
    let before = s.said().count();
    s.participant("r").leave();
    s.settle();
    assert_eq!(asked_all_since(&s, before), ["a: -r", "b: >a -r"]);
    s.finish();
}

/// Covers spec/40: 15, 44; spec/20: 10.
#[test]
fn the_last_on_a_bridge_takes_its_links_with_it() {
    let who = [("p", "a"), ("r", "a"), ("q", "b"), ("x", "c")];
    let mut s = linked_meeting(&["a", "b", "c"], &who);
    let before = s.said().count();
    s.participant("q").leave();
    s.settle();
    assert_eq!(asked_all_since(&s, before), ["b: expire", "a: >b expire", "c: >b expire"], "one relay a request");
    s.participant("x").leave();
    s.settle();
    s.joins_with("q", |p| p.region = Some("b".into()));
    s.run_until(Scenario::all_connected);
    s.settle();
    let before = s.said().count();
    for name in ["p", "q", "r"] {
        s.participant(name).leave();
        s.settle();
    }
    let order = asked_all_since(&s, before);
    assert_eq!(order, ["a: -p", "b: >a -p", "b: expire", "a: >b expire", "a: expire"]);
    // Two members were in the room before the first was invited; nothing is said twice.
    assert_eq!(bridge_counts(&s), ["1", "2", "3", "2", "1", "2", "1", "0"]);
    for wire in own_presences(&s, s.room()).iter() {
        if let Some(properties) = wire.stanza.kid("conference-properties", ns::FOCUS) {
            let mut keys = BTreeMap::new();
            properties.kids("property", ns::FOCUS).for_each(|it| *keys.entry(it.get("key")).or_insert(0) += 1);
            assert!(keys.contains_key(&Some("support-terminate-restart")) && keys.values().all(|count| *count == 1));
        }
    }
    s.finish();
}

/// Covers spec/40: 30.
#[test]
fn a_fourth_bridge_is_linked_with_each_of_three() {
    let mut s = linked_meeting(&["a", "b", "c", "d"], &[("p", "a"), ("q", "b"), ("r", "c"), ("o", "b")]);
    let before = s.said().count();
    s.joins_with("t", |p| p.region = Some("d".into()));
    s.run_until(Scenario::all_connected);
    s.settle();
    let order = asked_all_since(&s, before);
    let made: Vec<&str> = order.iter().map(String::as_str).filter(|it| it.contains("create 0")).collect();
    assert_eq!(
        made,
        [
            "a: >d create 0 +t",
            "d: >a create 0 +p",
            "b: >d create 0 +t",
            "d: >b create 0 +q +o",
            "c: >d create 0 +t",
            "d: >c create 0 +r"
        ]
    );
    assert_eq!(order.iter().filter(|it| it.ends_with(" transport")).count(), 6);
    s.finish();
}

/// Covers spec/50: 47.
#[test]
fn three_come_one_after_the_other_to_two_bridges() {
    let split = |builder: testkit::scenario::Builder| {
        builder.config(|config| {
            config.octo.enabled = true;
            config.bridge.selection_strategy = jicofo::config::SelectionStrategy::Split;
        })
    };
    for (a, d) in [(0.13, 0.23), (0.91, 0.93)] {
        let bridge = |builder: testkit::scenario::Builder, name: &'static str, stress: f64| {
            builder.bridge_with(name, move |bridge| {
                (bridge.stats.relay_id, bridge.stats.stress) = (Some(name.into()), stress);
            })
        };
        let mut s = bridge(bridge(split(Scenario::new()), "a", a), "d", d).start();
        for name in ["one", "two", "three"] {
            s.joins(name);
            s.settle();
        }
        s.run_until(Scenario::all_connected);
        assert_eq!(["one", "two", "three"].map(|name| s.home_of(name)), [Some("a"), Some("d"), Some("a")]);
        s.finish();
    }
}

/// A meeting with participants on a, b and c, and visitors' bridges v at a and w at v (spec/40 §6.5).
fn with_visitors() -> Scenario {
    let builder = linked(&["a", "b", "c", "v", "w"])
        .config(|config| {
            config.visitors.enabled = true;
            config.bridge.topology_strategy = jicofo::config::TopologyStrategy::Visitor;
        })
        .server(|options| options.visitors = ["vera", "will"].map(String::from).into());
    let mut s = people(builder.start(), &[("p", "b"), ("r", "a"), ("x", "c"), ("o", "b")]);
    // One bridge after the other is where a new one can be linked.
    for (name, region, stress) in [("vera", "v", [0.1, 0.2, 0.2]), ("will", "w", [0.9, 0.9, 0.9])] {
        for (bridge, stress) in ["a", "b", "c"].into_iter().zip(stress) {
            s.bridge(bridge).publish(|stats| stats.stress = stress);
        }
        s.settle();
        s.joins_with(name, |p| {
            p.region = Some(region.into());
            p.tracks = Vec::new();
        });
        s.settle();
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// Covers spec/40: 4, 33.
#[test]
fn visitors_are_known_to_nobody_and_know_everybody() {
    let mut s = with_visitors();
    assert_eq!(["vera", "will"].map(|name| s.home_of(name)), [Some("v"), Some("w")]);
    let created = said_to(&s, &format!("{BREWERY}/v")).request("conference-modify").first().text();
    assert!(created.replace('"', "'").contains("muc-role='visitor'"), "{created}");
    for bridge in ["a", "b", "c", "v", "w"] {
        let shown = asked(&s, bridge).into_iter().filter(|it| it.starts_with('>')).collect::<Vec<_>>().join(" ");
        assert!(!shown.contains("vera") && !shown.contains("will"), "{bridge}: {shown}");
    }
    let before = s.said().count();
    s.participant("p").leave();
    s.settle();
    assert_eq!(asked_all_since(&s, before), ["b: -p", "a: >b -p", "c: >b -p", "v: >a -p", "w: >v -p"]);
    s.finish();
}

/// Covers spec/40: 31.
#[test]
fn visitors_bridges_are_linked_one_by_one() {
    let s = with_visitors();
    let made = |bridge: &str| asked(&s, bridge).into_iter().filter(|it| it.contains("create") && it.starts_with('>'));
    assert_eq!(made("v").collect::<Vec<_>>(), [">a create 1 +p +o +r +x", ">w create 2"]);
    assert_eq!(made("w").collect::<Vec<_>>(), [">v create 2 +p +o +r +x"]);
    assert!(made("a").any(|it| it == ">v create 1"));
    s.finish();
    // A second bridge of participants comes later: it is in the core, and the visitors' is told of who is on it.
    let builder = linked(&["a", "b", "v"])
        .config(|config| {
            config.visitors.enabled = true;
            config.bridge.topology_strategy = jicofo::config::TopologyStrategy::Visitor;
        })
        .server(|options| options.visitors = ["vera"].map(String::from).into());
    let mut s = people(builder.start(), &[("r", "a"), ("o", "a")]);
    s.joins_with("vera", |p| {
        p.region = Some("v".into());
        p.tracks = Vec::new();
    });
    s.settle();
    let before = s.said().count();
    let s = people(s, &[("p", "b")]);
    let order = asked_all_since(&s, before);
    let expected = ["b: +p", "a: >b create 0 +p", "b: >a create 0 +r +o", "v: >a +p"];
    assert_eq!(order.iter().map(|it| it.replace("create +p", "+p")).take(4).collect::<Vec<_>>(), expected);
    s.finish();
    // The less loaded of its region; if none is free there, another.
    for (stress, expected) in [([0.2, 0.1], "b"), ([0.1, 0.2], "a"), ([0.9, 0.9], "v")] {
        let builder = Scenario::new()
            .config(|config| {
                config.octo.enabled = true;
                config.visitors.enabled = true;
                config.bridge.selection_strategy = jicofo::config::SelectionStrategy::Split;
                config.bridge.topology_strategy = jicofo::config::TopologyStrategy::Visitor;
            })
            .server(|options| options.visitors = ["vera", "will"].map(String::from).into());
        let builder = ["a", "b", "v", "w"].iter().enumerate().fold(builder, |builder, (place, name)| {
            builder.bridge_with(name, move |bridge| {
                bridge.stats.relay_id = Some((*name).into());
                bridge.stats.region = Some("here".into());
                bridge.stats.stress = 0.01 * place as f64;
            })
        });
        let mut s = builder.start();
        let looks_on = |p: &mut testkit::participant::Settings| p.tracks = Vec::new();
        s.joins("p");
        s.joins("q");
        s.settle();
        s.joins_with("vera", looks_on);
        s.settle();
        for (bridge, stress) in ["a", "b"].into_iter().zip(stress) {
            s.bridge(bridge).publish(|stats| stats.stress = stress);
        }
        s.settle();
        s.joins_with("will", looks_on);
        s.run_until(Scenario::all_connected);
        s.settle();
        assert_eq!(["p", "q", "vera", "will"].map(|name| s.home_of(name)), ["a", "b", "v", "w"].map(Some));
        let made: Vec<String> = asked(&s, "w").into_iter().filter(|it| it.contains("create 2")).collect();
        assert_eq!(made, [format!(">{expected} create 2 +p +q")], "{stress:?}");
        s.finish();
    }
}

/// Covers spec/40: 34.
#[test]
fn whoever_was_on_a_lost_bridge_is_forgotten_where_the_link_stays() {
    let mut s = with_visitors();
    s.participant("o").leave();
    s.settle();
    let before = s.said().count();
    s.dies("b");
    s.run_for(testkit::Time::from_millis(1));
    let order = asked_all_since(&s, before);
    let expected = ["b: expire", "a: >b expire", "c: >b expire", "v: >a -p", "w: >v -p"];
    assert_eq!(order[..5], expected, "{order:?}");
    s.run_until(Scenario::all_connected);
    s.finish();
}
