//! Visitors: who is sent to a visitor node, and what is there for them (spec/60 §6).

use jicofo::config::Config;
use serde_json::json;
use testkit::Time;
use testkit::ns;
use testkit::participant::{Place, Settings};
use testkit::room::Options;
use testkit::scenario::{Builder, Scenario};
use testkit::xml::{Element, Read, el};

use crate::bridges_support::{BREWERY, asked_since, count};
use crate::by_hand::endpoint_in;
use crate::support::*;

pub const MIRROR: &str = "room@conference.v0.meet.test";
pub const MIRROR1: &str = "room@conference.v1.meet.test";
pub const COMPONENT: &str = "visitors.meet.test";

/// Nodes `v0` and `v1`, and so many in the main room from whom on others are sent there.
pub fn with_limit(limit: u32) -> Builder {
    Scenario::new().bridge("jvb1").nodes(&["v0", "v1"]).config(move |config| config.visitors.max_participants = limit)
}

/// The same with one node.
pub fn one_node(limit: u32) -> Builder {
    Scenario::new().bridge("jvb1").nodes(&["v0"]).config(move |config| config.visitors.max_participants = limit)
}

/// Prosody lets whoever is listed into the main room while a node is connected: `auto_allow_visitor_promotion`.
pub fn allows_promotion(options: &mut Options) {
    options.allows_promotion = true;
}

pub fn wants_to_look_on(settings: &mut Settings) {
    settings.properties.push(("visitor".into(), "true".into()));
}

/// Without the property by which a client says that it can be sent elsewhere: recorders, gateways, old clients.
fn knows_no_visitors(settings: &mut Settings) {
    settings.properties.retain(|(name, _)| name != "visitors-version");
}

/// What somebody was answered last: `vnode`, `ready`, and the property `live`.
pub fn answered(s: &Scenario, name: &str) -> (Option<String>, String, Option<String>) {
    let answer = s.view(name).conference_answers().last().expect("an answer").clone();
    let live = properties(&answer).into_iter().find(|(name, _)| name == "live").map(|(_, value)| value);
    let text = |name: &str| of_conference(&answer, name).map(str::to_owned);
    (text("vnode"), text("ready").unwrap_or_default(), live)
}

pub fn node(name: &str) -> (Option<String>, String, Option<String>) {
    (Some(name.into()), "true".into(), None)
}

pub fn main_room() -> (Option<String>, String, Option<String>) {
    (None, "true".into(), None)
}

pub fn not_live() -> (Option<String>, String, Option<String>) {
    (None, "false".into(), Some("false".into()))
}

/// What the focus asked the visitors component: the nodes connected and disconnected, a line for each request.
pub fn told_component(s: &Scenario) -> Vec<String> {
    let children = |stanza: &Element| {
        let visitors = stanza.kid("visitors", ns::VISITORS).expect("about visitors");
        assert_eq!((stanza.get("type"), visitors.get("room")), (Some("get"), Some(ROOM)));
        let line = visitors.children().map(|it| format!("{} {}", it.name(), it.get("vnode").unwrap_or_default()));
        line.collect::<Vec<_>>().join(", ")
    };
    said_to(s, COMPONENT).iter().map(|wire| children(&wire.stanza)).collect()
}

/// What the presences of the focus in a room have said of one property, repetitions left out.
pub fn published(s: &Scenario, room: &str, key: &str) -> Vec<(u64, String)> {
    let mut said: Vec<(u64, String)> = Vec::new();
    for wire in own_presences(s, room).iter() {
        let value = properties(&wire.stanza).into_iter().find(|(name, _)| name == key).map(|(_, value)| value);
        if let Some(value) = value.filter(|value| said.last().is_none_or(|(_, last)| last != value)) {
            said.push((wire.at.as_secs(), value));
        }
    }
    said
}

/// Covers spec/60: 32; spec/90: 104.
#[test]
fn whoever_comes_to_a_full_room_is_a_visitor_and_recorders_fill_none() {
    let jibri = |settings: &mut Settings| {
        settings.jid = "recorder@hidden.test/x".into();
        knows_no_visitors(settings);
        let feature = testkit::xml::el("feature", ns::CLIENT).attr("var", "http://jitsi.org/protocol/jibri");
        settings.more_presence = vec![testkit::xml::el("features", ns::CLIENT).child(feature).done()];
    };
    for (people, expected) in [(vec!["alice", "bob"], node("v0")), (vec!["alice"], main_room())] {
        let trusted = |config: &mut Config| config.xmpp.trusted_domains = vec!["hidden.test".into()];
        let mut s = with_limit(2).config(trusted).server(allows_promotion).start();
        for name in people {
            s.joins(name);
        }
        s.joins_with("rec", jibri);
        s.settle();
        s.joins_with("carol", |_| {});
        s.settle();
        let (vnode, ready, _) = answered(&s, "carol");
        assert_eq!(ready, "true");
        assert_eq!(vnode.is_some(), expected.0.is_some(), "{vnode:?}");
        s.joins_with("old", knows_no_visitors);
        s.settle();
        assert_eq!(answered(&s, "old"), main_room());
        s.finish();
    }
}

/// Covers spec/10: 39.
#[test]
fn the_fifty_first_is_a_visitor() {
    let join = |s: &mut Scenario, people: usize| {
        for number in 0..people {
            s.joins_with(&format!("p{number}"), |settings| settings.tracks.clear());
            s.settle();
        }
    };
    let trusted = |config: &mut Config| config.xmpp.trusted_domains = vec!["hidden.meet.test".into()];
    let mut s = one_node(50).config(trusted).start();
    join(&mut s, 49);
    // A recorder is none of them.
    s.joins_with("jibri", |settings| {
        settings.jid = "jibri@hidden.meet.test/x".into();
        settings.tracks.clear();
        knows_no_visitors(settings);
        let feature = el("feature", ns::CLIENT).attr("var", "http://jitsi.org/protocol/jibri");
        settings.more_presence.push(el("features", ns::CLIENT).child(feature).done());
    });
    s.settle();
    assert_eq!(s.focus().gauges().members, 50);
    connect(&mut s, "g", "g1@guest.meet.test/r1");
    let with_version = format!(
        "<conference xmlns='{}' room='{ROOM}'><property name='visitors-version' value='1'/></conference>",
        ns::FOCUS
    );
    request(&mut s, "g", "one", &with_version);
    s.settle();
    assert_eq!(of_conference(&only(&s, "g", "one"), "vnode"), None, "49 are there");
    s.joins("fiftieth");
    s.settle();
    request(&mut s, "g", "two", &with_version);
    ask(&mut s, "g", "three", ROOM);
    metadata(&mut s, ROOM, &json!({ "lobbyEnabled": true }));
    request(&mut s, "g", "four", &with_version);
    s.settle();
    let two = only(&s, "g", "two");
    assert_eq!(of_conference(&two, "vnode"), Some("v0"));
    assert_eq!(of_conference(&two, "focusjid"), Some("focus@auth.v0.meet.test"));
    assert_eq!(of_conference(&two, "ready"), Some("true"));
    assert_eq!(properties(&two).last(), Some(&pair("visitors-supported", "true")));
    for id in ["three", "four"] {
        let answer = only(&s, "g", id);
        assert_eq!((of_conference(&answer, "vnode"), of_conference(&answer, "ready")), (None, Some("true")), "{id}");
        assert_eq!(of_conference(&answer, "focusjid"), Some("focus@auth.meet.test"));
    }
    s.finish();
}

/// Covers spec/60: 33.
#[test]
fn whoever_wants_to_look_on_opens_the_room_for_visitors_and_then_all_unlisted_ones_go_there() {
    let mut s = with_limit(50).config(|config| config.conference.min_participants = 1).server(allows_promotion).start();
    s.joins_with("vera", wants_to_look_on);
    s.run_until(|s| s.view("vera").place() == Place::InRoom);
    let (vnode, ready, _) = answered(&s, "vera");
    let vnode = vnode.expect("a node");
    assert_eq!(ready, "true");
    assert_eq!(s.view("vera").focus_jid(), Some(format!("focus@auth.{vnode}.meet.test").as_str()));
    let mirror = format!("room@conference.{vnode}.meet.test");
    assert_eq!(told_component(&s), [format!("connect-vnode {vnode}")]);
    let join = joins(&s, &mirror);
    assert_eq!(join.count(), 1);
    let connect = said_to(&s, COMPONENT);
    assert!(join.come_before(&connect), "{}", s.story());
    // The form is asked for, everybody sees addresses, then the conference is described; no shared document.
    let to_room: Vec<String> = s
        .said()
        .filter(|wire| wire.stanza.get("to").is_some_and(|to| to.starts_with(&mirror)))
        .iter()
        .map(outline)
        .collect();
    assert_eq!(to_room[..4], ["presence - muc", "iq get muc#owner", "iq set muc#owner", "presence - jitmeet"]);
    let first = own_presences(&s, &mirror).iter().nth(1).expect("a full presence").stanza.clone();
    assert!(first.kid("etherpad", "http://jitsi.org/jitmeet/etherpad").is_none());
    assert!(first.kid("versions", "http://jitsi.org/jitmeet").is_some());
    assert!(properties(&first).contains(&pair("visitors-enabled", "true")));
    // The next plain request, and one of a moderator.
    metadata(&mut s, ROOM, &json!({ "moderators": ["u1"] }));
    s.joins("will");
    s.joins_with("mona", |settings| settings.token = Some(token("u1", "g1")));
    s.run_until(|s| s.all_connected());
    assert_eq!(answered(&s, "will"), node(&vnode));
    assert_eq!(answered(&s, "mona"), main_room());
    assert_eq!(joins(&s, &mirror).count(), 1);
    s.finish();
}

/// A token as Prosody has checked it.
pub fn token(user: &str, group: &str) -> String {
    use base64::Engine as _;
    let payload = json!({ "context": { "user": { "id": user }, "group": group }, "sub": 5 }).to_string();
    format!("e30.{}.x", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(payload))
}

/// Covers spec/60: 34.
#[test]
fn rooms_with_a_lobby_breakout_rooms_and_rooms_that_say_no_have_no_visitors() {
    let all_metadata = [
        (false, json!({ "lobbyEnabled": true }), false),
        (false, json!({ "visitorsEnabled": false }), false),
        (true, json!({}), false),
        (true, json!({ "visitorsEnabled": true }), true),
        (false, json!({}), true),
    ];
    for (flag, said, visitors) in all_metadata {
        let mut s = one_node(1).config(|config| config.visitors.require_muc_config_flag = flag).start();
        s.joins("alice");
        s.settle();
        metadata(&mut s, ROOM, &said);
        s.joins_with("vera", wants_to_look_on);
        s.settle();
        assert_eq!(answered(&s, "vera").0.is_some(), visitors, "{flag} {said}");
        let supported = properties(s.view("vera").conference_answers().last().unwrap()).pop().unwrap();
        assert_eq!(supported, pair("visitors-supported", if flag && !visitors { "false" } else { "true" }));
        s.finish();
    }
    // Older modules say so in the room's form.
    for (value, visitors) in [("1", true), ("0", false)] {
        let mut s = one_node(1)
            .config(|config| config.visitors.require_muc_config_flag = true)
            .server(|server| server.form = vec![("muc#roominfo_visitorsEnabled".into(), value.into())])
            .start();
        s.joins_with("vera", wants_to_look_on);
        s.settle();
        assert_eq!(answered(&s, "vera").0.is_some(), visitors, "form: {value}");
        s.finish();
    }
    let breakout = "b1@breakout.meet.test";
    let mut s = one_node(1).server(|server| _ = server.breakouts.insert(breakout.into(), ROOM.into())).start();
    s.joins("alice");
    s.settle();
    s.joins_with("vera", |settings| {
        settings.room = breakout.into();
        wants_to_look_on(settings);
    });
    s.settle();
    assert_eq!(answered(&s, "vera"), main_room());
    s.finish();
}

/// Covers spec/60: 35.
#[test]
fn a_list_of_participants_closes_the_main_room_to_all_others() {
    for (said, who, expected) in [
        (json!({ "participants": [] }), None, node("v0")),
        (json!({}), None, main_room()),
        (json!({ "participants": ["u2", "g7"] }), Some(("u2", "x")), main_room()),
        (json!({ "participants": ["u2", "g7"] }), Some(("x", "g7")), main_room()),
        (json!({ "participants": ["u2", "g7"] }), Some(("x", "y")), node("v0")),
    ] {
        let mut s = one_node(2).start();
        s.joins("alice");
        s.settle();
        metadata(&mut s, ROOM, &said);
        s.joins_with("vera", |settings| settings.token = who.map(|(user, group)| token(user, group)));
        s.settle();
        assert_eq!(answered(&s, "vera"), expected, "{said} {who:?}");
        s.finish();
    }
}

/// Covers spec/60: 36; spec/10: 40.
#[test]
fn nobody_looks_on_before_the_room_is_live() {
    let mut s = one_node(50).config(|config| config.visitors.enable_live_room = true).start();
    s.joins_with("vera", wants_to_look_on);
    s.settle();
    assert_eq!(answered(&s, "vera"), not_live());
    let told = properties(s.view("vera").conference_answers().last().unwrap());
    assert_eq!(told, [pair("authentication", "false"), pair("live", "false")]);
    assert!(s.view("vera").waits_for_live());
    assert_eq!((s.focus().gauges().conferences, joins(&s, ROOM).count()), (0, 0), "no conference is made for her");
    // Somebody who is not wanted in the main room, but did not ask to look on: the room is made, and she waits.
    let closed = json!({ "participants": [], "moderators": ["u1"] });
    s.joins("alice");
    s.settle();
    metadata(&mut s, ROOM, &closed);
    s.joins("wilma");
    s.settle();
    assert_eq!(answered(&s, "wilma"), not_live());
    let told = properties(s.view("wilma").conference_answers().last().unwrap());
    assert_eq!(told[1..], [pair("live", "false"), pair("visitors-supported", "true")]);
    // A moderator is no visitor.
    s.joins_with("mona", |settings| settings.token = Some(token("u1", "x")));
    s.settle();
    assert_eq!(answered(&s, "mona"), main_room());
    // It goes live: they ask again when they are told, which is not by us.
    metadata(&mut s, ROOM, &json!({ "participants": [], "visitors": { "live": true } }));
    for name in ["vera", "wilma"] {
        s.participant(name).request_conference();
        s.run_until(|s| s.view(name).connected());
        assert_eq!(answered(&s, name), node("v0"));
    }
    s.finish();
}

/// Covers spec/60: 37; spec/90: 104.
#[test]
fn whoever_was_sent_to_a_node_counts_there_for_a_minute() {
    for (wait, expected) in [(1, "v1"), (61, "v0")] {
        let mut s = with_limit(1).config(|config| config.visitors.max_visitors_per_node = 2).start();
        s.joins("alice");
        s.settle();
        // Of two unused nodes any may be the first.
        s.joins("vera");
        s.run_until(|s| s.view("vera").connected());
        let used = answered(&s, "vera").0.unwrap();
        let other = if used == "v0" { "v1" } else { "v0" };
        // Somebody who is sent there, and does not come.
        connect(&mut s, "g", "g1@guest.meet.test/r1");
        let properties = "<property name='visitors-version' value='1'/>";
        let ask = format!("<conference xmlns='{}' room='{ROOM}'>{properties}</conference>", ns::FOCUS);
        request(&mut s, "g", "first", &ask);
        s.settle();
        assert_eq!(of_conference(&only(&s, "g", "first"), "vnode"), Some(used.as_str()));
        s.run_for(Time::from_secs(wait));
        request(&mut s, "g", "second", &ask);
        s.settle();
        let expected = if expected == "v0" { used.as_str() } else { other };
        assert_eq!(of_conference(&only(&s, "g", "second"), "vnode"), Some(expected), "after {wait} s");
        s.finish();
    }
}

/// Covers spec/60: 38; spec/20: 13.
#[test]
fn the_number_of_visitors_is_told_at_once_and_then_once_in_a_while() {
    let mut s = one_node(2).participant("alice").participant("bob").start();
    s.run_until(|s| s.all_connected());
    for name in ["v", "w", "x", "y", "z"] {
        s.joins(name);
        s.run_for(Time::from_millis(200));
    }
    s.run_until(|s| s.all_connected());
    let begin = s.now();
    s.run_for(Time::from_secs(40));
    let counts = published(&s, ROOM, "visitor-count");
    assert_eq!(counts.iter().map(|(_, count)| count.as_str()).collect::<Vec<_>>(), ["1", "5"]);
    assert_eq!(counts[1].0 - counts[0].0, 15, "{counts:?} until {begin:?}");
    assert_eq!(published(&s, MIRROR, "visitor-count"), counts, "visitors are told the same");
    assert_eq!(s.view("v").property("visitor-count").as_deref(), Some("5"));
    // Long after the last change one is told at once. Nothing is said where nothing has changed by then.
    let before = own_presences(&s, ROOM).count();
    s.participant("v").leave();
    s.run_for(Time::from_secs(1));
    assert_eq!(s.view("alice").property("visitor-count").as_deref(), Some("4"));
    s.participant("w").leave();
    s.run_for(Time::from_secs(1));
    s.joins("w2");
    s.run_for(Time::from_secs(30));
    assert_eq!(s.view("alice").property("visitor-count").as_deref(), Some("4"));
    let of_count: Vec<String> = published(&s, ROOM, "visitor-count").into_iter().map(|(_, count)| count).collect();
    assert_eq!(of_count, ["1", "5", "4"]);
    assert_eq!(own_presences(&s, ROOM).count(), before + 1);
    s.finish();
}

/// Covers spec/60: 39; spec/30: 22.
#[test]
fn a_visitor_sends_nothing_and_sees_all() {
    let mut s = one_node(2).participant("alice").participant("bob").start();
    s.run_until(|s| s.all_connected());
    s.joins("vera");
    s.run_until(|s| s.view("vera").session().is_some());
    let before = count(&s, "jvb1");
    s.run_until(|s| s.all_connected());
    // By the visitor node, from the focus as it is there; the bridge knows that she sends nothing.
    let offer = s.sent_to("vera").jingle("session-initiate").first().stanza.clone();
    assert_eq!(offer.get("from"), Some("room@conference.v0.meet.test/focus"));
    let endpoint = s.view_bridge("jvb1").endpoint("vera").expect("an endpoint");
    assert!(endpoint.visitor && endpoint.sources.is_empty());
    // Her accept gives it her transport, and an empty set of sources.
    assert_eq!(asked_since(&s, "jvb1", before), ["vera:transport,sources"]);
    let update = said_to(&s, &format!("{BREWERY}/jvb1")).request("conference-modify").last();
    let sources = endpoint_in(update, "vera").and_then(|endpoint| endpoint.kid("sources", ns::COLIBRI2));
    assert_eq!(sources.expect("a set").children().count(), 0);
    assert_eq!(s.view("vera").remote().by_owner().keys().filter(|owner| *owner != "jvb").count(), 2);
    // Later sources reach her; her own are refused.
    s.participant("alice").add_source(testkit::participant::media::desktop());
    s.settle();
    s.check();
    s.participant("vera").add_source(testkit::participant::media::camera());
    s.settle();
    let refused = s.participant("vera").take_refusals();
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (refused[0].condition.as_str(), refused[0].text.as_str()),
        ("forbidden", "add-source not allowed for visitors")
    );
    assert_eq!(
        s.sent_to("vera").errors("forbidden").last().stanza.kid("error", ns::CLIENT).unwrap().get("type"),
        Some("auth")
    );
    s.check();
    // One who accepts with sources has no session.
    s.joins_with("will", |settings| settings.never_accepts = true);
    s.run_until(|s| s.view("will").session().is_some());
    let refused = {
        let will = s.participant("will");
        will.accept_with(testkit::participant::media::camera());
        s.settle();
        s.participant("will").take_refusals()
    };
    assert_eq!(
        (refused[0].condition.as_str(), refused[0].text.as_str()),
        ("forbidden", "sources not allowed for visitors")
    );
    assert!(s.view_bridge("jvb1").endpoint("will").is_none());
    assert_eq!(s.view("alice").remote().by_owner().keys().filter(|owner| *owner != "jvb").count(), 1);
    s.finish();
}

/// Covers spec/60: 40; spec/20: 14.
#[test]
fn codecs_that_all_visitors_have_are_told() {
    let with = |codecs: &'static [&'static str]| {
        move |settings: &mut Settings| settings.codecs = Some(codecs.iter().map(|it| (*it).to_owned()).collect())
    };
    let mut s = one_node(2).participant("alice").participant("bob").start();
    s.run_until(|s| s.all_connected());
    s.joins_with("vera", with(&["av1", "vp9"]));
    s.run_until(|s| s.all_connected());
    assert_eq!(s.view("alice").property("visitor-codecs").as_deref(), Some("av1,vp9,vp8"));
    // Right after it: codecs are not rationed.
    s.joins_with("will", with(&["vp9", "vp8"]));
    s.run_until(|s| s.all_connected());
    assert_eq!(s.view("bob").property("visitor-codecs").as_deref(), Some("vp9,vp8"));
    s.participant("vera").leave();
    s.settle();
    assert_eq!(s.view("bob").property("visitor-codecs").as_deref(), Some("vp9,vp8"));
    s.participant("will").leave();
    s.settle();
    let said: Vec<String> = published(&s, ROOM, "visitor-codecs").into_iter().map(|(_, value)| value).collect();
    assert_eq!(said, ["av1,vp9,vp8", "vp9,vp8", ""]);
    s.finish();
}

#[test]
fn a_visitor_asks_for_nothing_that_is_for_participants() {
    let mut s = one_node(2).participant("alice").participant("bob").start();
    s.run_until(|s| s.all_connected());
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    // Neither may she mute, nor is she muted.
    let mute = testkit::xml::el("mute", ns::JITMEET_AUDIO).attr("jid", format!("{ROOM}/bob")).text("true");
    let to = format!("{MIRROR}/focus");
    s.participant("vera").send_iq("set", &to, mute.done());
    s.participant("vera").send_iq("set", &to, broadcast(true));
    s.participant("vera").send_iq("set", &to, testkit::xml::el("logout", ns::FOCUS).attr("session-id", "x").done());
    s.settle();
    let refused = s.participant("vera").take_refusals();
    let conditions: Vec<&str> = refused.iter().map(|refusal| refusal.condition.as_str()).collect();
    assert_eq!(conditions, ["feature-not-implemented"; 3], "{refused:?}");
    assert!(s.view("bob").mute_requests().is_empty());
    // Somebody in the main room who names her: she is there, and can't be muted.
    let mute = testkit::xml::el("mute", ns::JITMEET_AUDIO).attr("jid", format!("{MIRROR}/vera")).text("true");
    s.participant("alice").send_iq("set", &format!("{ROOM}/focus"), mute.done());
    s.settle();
    assert_eq!(s.participant("alice").take_refusals()[0].condition, "not-allowed");
    s.finish();
}

pub fn broadcast(enabled: bool) -> Element {
    let broadcast = testkit::xml::el("broadcast", ns::VISITORS).attr("enabled", enabled.to_string());
    testkit::xml::el("visitors", ns::VISITORS).attr("room", ROOM).child(broadcast).done()
}

/// What is only in the main room's presence does not reach visitors, and the rest does.
#[test]
fn visitors_are_told_what_concerns_them() {
    let mut s = one_node(2).participant("alice").participant("bob").start();
    s.run_until(|s| s.all_connected());
    assert_eq!(s.view("alice").property("visitors-enabled").as_deref(), Some("true"));
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    assert_eq!(s.view("vera").property("bridge-count").as_deref(), Some("1"));
    s.dies("jvb1");
    s.run_for(Time::from_secs(20));
    let main = own_presences(&s, ROOM).containing("bridgeNotAvailable").count();
    let mirror = own_presences(&s, MIRROR).containing("bridgeNotAvailable").count();
    assert!(main > 0 && mirror == 0, "{main} {mirror}");
    assert_eq!(s.view("vera").property("bridge-count").as_deref(), Some("0"));
    s.returns("jvb1");
    s.run_until(|s| s.all_connected());
    s.finish();
}

#[test]
fn one_participant_and_one_visitor_are_company() {
    let mut s = one_node(1).participant("alice").start();
    s.settle();
    assert!(s.view("alice").session().is_none(), "alone");
    s.joins("vera");
    s.run_until(|s| s.all_connected());
    s.run_for(Time::from_secs(60));
    assert!(s.all_connected(), "neither is alone");
    let gauges = s.focus().gauges();
    assert_eq!((gauges.participants, gauges.visitors, gauges.conferences_with_visitors), (2, 1, 1));
    s.participant("vera").leave();
    s.run_for(Time::from_secs(30));
    assert!(s.view("alice").session().is_none(), "after a while alone");
    assert_eq!(s.focus().gauges().visitors, 0);
    s.finish();
}

/// Nobody is told of visitors: a visitor's coming costs the same whoever is there already.
#[test]
fn a_visitor_costs_the_same_in_a_crowd() {
    let costs = |crowd: usize| {
        let mut s = one_node(2).participant("alice").participant("bob").start();
        s.run_until(|s| s.all_connected());
        for number in 0..crowd {
            s.joins(&format!("v{number}"));
        }
        s.run_until(|s| s.all_connected());
        s.run_for(Time::from_secs(40));
        let before = s.said().count();
        s.joins("vera");
        s.run_until(|s| s.all_connected());
        s.run_for(Time::from_secs(1));
        let joined = s.said().count() - before;
        s.participant("vera").leave();
        s.run_for(Time::from_secs(1));
        let cost = (joined, s.said().count() - before - joined);
        s.finish();
        cost
    };
    let few = costs(2);
    assert_eq!(costs(30), few);
    assert!(few.0 <= 8 && few.1 <= 2, "{few:?}");
}

/// Whoever looks on sends nothing, whatever its presence says of a microphone: it takes nobody's place among those who may.
#[test]
fn a_visitor_is_no_sender() {
    let mut s = one_node(2)
        .config(|config| config.conference.max_audio_senders = 3)
        .participant("alice")
        .participant("bob")
        .start();
    s.run_until(Scenario::all_connected);
    s.joins("vera");
    s.run_until(Scenario::all_connected);
    let jid = s.view("vera").settings.jid.clone();
    let says = |sounds: bool| {
        format!(
            "<presence from='{MIRROR}/vera' to='focus@auth.v0.meet.test/focus'><audiomuted>{}</audiomuted><x xmlns='{}'>\
             <item affiliation='none' role='visitor' jid='{jid}'/></x></presence>",
            !sounds,
            ns::MUC_USER
        )
    };
    for sounds in [true, false, true] {
        let now = s.now();
        s.server().send(now, "focus/visitors/0", testkit::xml::parse(&says(sounds)).expect("XML"));
        s.settle();
        assert!(!published(&s, ROOM, "audio-limit-reached").iter().any(|(_, is)| is == "true"), "{sounds}");
    }
    let before = s.now();
    s.participant("bob").add_source(testkit::participant::media::microphone());
    s.settle();
    assert!(s.participant("bob").take_refusals().is_empty());
    assert_eq!(s.sent_to("alice").since(before).jingle("source-add").count(), 1);
    s.finish();
}

/// Where no metadata tells of it, a form that is changed counts as it is now (spec/20 §2.3).
#[test]
fn a_changed_form_changes_who_is_sent_to_a_node() {
    let form = |limit: &str| {
        vec![
            ("muc#roominfo_participantsSoftLimit".to_owned(), limit.to_owned()),
            ("muc#roominfo_visitorsEnabled".to_owned(), "1".to_owned()),
        ]
    };
    for (first, then, expected) in [("50", "1", node("v0")), ("1", "50", main_room())] {
        let form_at_first = form(first);
        let mut s = one_node(50)
            .server(move |server| (server.no_metadata, server.form) = (true, form_at_first))
            .participant("alice")
            .start();
        s.settle();
        s.server().options.form = form(then);
        let message = "<message type='groupchat'";
        to_focus(
            &mut s,
            &format!(
                "{message} from='{ROOM}' to='{FOCUS}'><x xmlns='{}'><status code='104'/></x></message>",
                ns::MUC_USER
            ),
        );
        s.settle();
        s.joins("bob");
        s.settle();
        assert_eq!(answered(&s, "bob"), expected, "{first}, then {then}");
        s.finish();
    }
}

/// Covers spec/30: 41.
#[test]
fn codecs_are_those_of_all_who_are_there_and_a_new_session_changes_nothing() {
    let with = |codecs: &'static [&'static str]| {
        move |settings: &mut Settings| settings.codecs = Some(codecs.iter().map(|it| (*it).to_owned()).collect())
    };
    let mut s = one_node(2).bridge("jvb2").participant("alice").participant("bob").start();
    s.run_until(|s| s.all_connected());
    let lists: [(_, &[&str]); 3] = [("v", &["vp9", "vp8", "h264"]), ("w", &["vp8", "h264"]), ("x", &["vp9", "vp8"])];
    for (name, list) in lists {
        s.joins_with(name, with(list));
        s.run_until(|s| s.all_connected());
    }
    let codecs = |s: &Scenario| {
        let said = [ROOM, MIRROR].map(|room| published(s, room, "visitor-codecs"));
        assert_eq!(said[0], said[1], "all rooms are told the same");
        said[0].iter().map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    assert_eq!(codecs(&s), ["vp9,vp8,h264", "vp8,h264", "vp8"]);
    // A new session of one, and of all.
    s.participant("w").restart();
    s.run_until(|s| s.view("w").sessions() == 2 && s.all_connected());
    let home = s.home_of("w").expect("a home").to_owned();
    s.dies(&home);
    s.run_until(|s| s.view("w").sessions() == 3 && s.all_connected());
    s.run_for(Time::from_secs(20));
    assert_eq!(codecs(&s).len(), 3, "{:?}", codecs(&s));
    s.participant("w").leave();
    s.settle();
    assert_eq!(codecs(&s).last().map(String::as_str), Some("vp9,vp8"));
    for name in ["v", "x"] {
        s.participant(name).leave();
    }
    s.settle();
    assert_eq!(codecs(&s).last().map(String::as_str), Some(""));
    assert_eq!(codecs(&s).len(), 5);
    s.finish();
}

/// Whoever waits for the focus is answered when it is in the room, and is one too many with those who are there.
#[test]
fn whoever_is_in_a_room_that_the_focus_enters_counts_for_those_who_waited() {
    let mut s = with_limit(2).participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s.focus_is_cut_off();
    s.run_for(Time::from_secs(20));
    s.focus_logs_in_anew();
    s.run_for(Time::from_secs(5));
    s.joins("carol");
    s.run_for(Time::from_secs(5));
    assert!(s.view("carol").is_visitor(), "{}", s.story());
}
