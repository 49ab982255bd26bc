//! What is said to bridges, in short, and what happens to them.

use jicofo::config::SelectionStrategy;
use testkit::Time;
use testkit::bridge::{Fault, Settings};
use testkit::ns;
use testkit::scenario::{Builder, Scenario};
use testkit::wire_log::Wire;
use testkit::xml::{Element, Read, parse};

use crate::support::said_to;

pub const BREWERY: &str = "jvbbrewery@internal.auth.meet.test";

pub fn seconds(seconds: u64) -> Time {
    Time::from_secs(seconds)
}

/// A bridge with that stress that says nothing by itself.
pub fn stressed(stress: f64) -> impl FnOnce(&mut Settings) + 'static {
    move |bridge| bridge.stats.stress = stress
}

/// Two bridges, of which `jvb1` has much less to do.
pub fn two_bridges() -> Builder {
    Scenario::new().bridge_with("jvb1", stressed(0.1)).bridge_with("jvb2", stressed(0.3))
}

/// Alice and bob are in their conference.
pub fn meet(builder: Builder) -> Scenario {
    let mut s = builder.participant("alice").participant("bob").start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// An error that the next request is answered with.
pub fn refusal(condition: &'static str, reason: Option<&'static str>) -> Fault {
    Fault::Error { kind: "cancel", condition, text: "by the test".into(), reason }
}

/// What the focus asked a bridge since that many requests: `create +p`, `+q`, `p:transport,sources`, `-p`, `expire`; of a link
/// `>b create 0 +q` (with its mesh and who is behind it), `>b transport`, `>b +q`, `>b q:sources`, `>b -q`, `>b expire`.
pub fn asked_since(s: &Scenario, bridge: &str, skip: usize) -> Vec<String> {
    let asked = said_to(s, &format!("{BREWERY}/{bridge}")).request("conference-modify");
    asked.iter().skip(skip).map(outline).collect()
}

pub fn asked(s: &Scenario, bridge: &str) -> Vec<String> {
    asked_since(s, bridge, 0)
}

/// How many requests it was asked so far.
pub fn count(s: &Scenario, bridge: &str) -> usize {
    said_to(s, &format!("{BREWERY}/{bridge}")).request("conference-modify").count()
}

fn outline(wire: &Wire) -> String {
    let Some(modify) = wire.payload() else { return String::new() };
    let is = |attribute: &str| modify.get(attribute) == Some("true");
    let mut words: Vec<String> = Vec::new();
    words.extend(is("create").then(|| "create".to_owned()));
    words.extend(is("expire").then(|| "expire".to_owned()));
    for relay in modify.kids("relay", ns::COLIBRI2) {
        words.push(format!(">{}", relay.get("id").unwrap_or("?")));
        let is = |attribute: &str| relay.get(attribute) == Some("true");
        words.extend(is("create").then(|| format!("create {}", relay.get("mesh-id").unwrap_or("?"))));
        words.extend(is("expire").then(|| "expire".to_owned()));
        let connects = relay.kid("transport", ns::COLIBRI2).is_some_and(|it| it.kid("transport", ns::ICE).is_some());
        words.extend(connects.then(|| "transport".to_owned()));
        words.extend(relay.kid("endpoints", ns::COLIBRI2).into_iter().flat_map(endpoints));
    }
    words.extend(endpoints(modify));
    words.join(" ")
}

fn endpoints(parent: &Element) -> Vec<String> {
    let mut words = Vec::new();
    for endpoint in parent.kids("endpoint", ns::COLIBRI2) {
        let id = endpoint.get("id").unwrap_or("?");
        let children: Vec<&str> = endpoint.children().map(testkit::xml::Element::name).collect();
        words.push(match (endpoint.get("create"), endpoint.get("expire")) {
            (Some(_), _) => format!("+{id}"),
            (_, Some(_)) => format!("-{id}"),
            _ => format!("{id}:{}", children.join(",")),
        });
    }
    words
}

/// What the focus asked bridges since it had sent that many stanzas, in its order: the bridge, then as [`asked_since`] says.
pub fn asked_all_since(s: &Scenario, skip: usize) -> Vec<String> {
    s.said().iter().skip(skip).filter_map(asked_all_of).collect()
}

/// The same for one stanza.
pub fn asked_all_of(wire: &Wire) -> Option<String> {
    let bridge = wire.stanza.get("to")?.strip_prefix(BREWERY)?.strip_prefix('/')?.to_owned();
    wire.payload().filter(|payload| payload.name() == "conference-modify")?;
    Some(format!("{bridge}: {}", outline(wire)))
}

/// How often somebody was told that his session moves.
pub fn moves(s: &Scenario, name: &str) -> usize {
    s.sent_to(name).jingle("session-terminate").containing("moving").count()
}

/// The id of the session on a bridge that somebody's last offer names.
#[track_caller]
pub fn bridge_session(s: &Scenario, name: &str) -> String {
    let offer = s.sent_to(name).jingle("session-initiate").last();
    let session = offer.payload().and_then(|jingle| jingle.kid("bridge-session", ns::FOCUS)).expect("a bridge session");
    session.get("id").expect("an id").to_owned()
}

/// Whether the focus' last presence in the room says that there is no bridge, and how often that changed.
pub fn bridge_not_available(s: &Scenario, name: &str) -> Vec<bool> {
    let from_focus = s.sent_to(name).presence().filter(|wire| wire.from == "focus");
    let mut said: Vec<bool> =
        from_focus.iter().map(|wire| wire.stanza.kid("bridgeNotAvailable", ns::FOCUS).is_some()).collect();
    said.dedup();
    said
}

/// A presence of a bridge with these stats and no others.
pub fn says(s: &mut Scenario, bridge: &str, stats: &[(&str, &str)]) {
    let stats: String = stats.iter().map(|(name, value)| format!("<stat name='{name}' value='{value}'/>")).collect();
    s.inject(
        bridge,
        &format!("<presence to='{BREWERY}/{bridge}'><stats xmlns='{}'>{stats}</stats></presence>", ns::COLIBRI),
    );
    s.run_for(Time::from_millis(10));
}

/// Something that reaches the focus, now.
pub fn reaches_focus(s: &mut Scenario, xml: &str) {
    let now = s.now();
    s.server().send(now, "focus", parse(xml).expect("well-formed XML"));
    s.run_for(Time::from_millis(10));
}

/// When health checks were sent to a bridge.
pub fn checks(s: &Scenario, bridge: &str) -> Vec<Time> {
    said_to(s, &format!("{BREWERY}/{bridge}")).request("healthcheck").times()
}

pub fn operational(s: &Scenario) -> usize {
    s.focus().gauges().operational_bridges
}

/// Bridges that can be linked, each in a region of its name: who is in a region goes to its bridge.
pub fn linked(bridges: &[&'static str]) -> Builder {
    let builder = Scenario::new().config(|config| {
        config.octo.enabled = true;
        config.bridge.selection_strategy = SelectionStrategy::RegionBased;
    });
    bridges.iter().fold(builder, |builder, name| builder.relay_bridge(name, name))
}

/// These people, with the region of each, come one after the other.
pub fn people(mut s: Scenario, people: &[(&str, &'static str)]) -> Scenario {
    for (name, region) in people {
        s.joins_with(name, |p| p.region = Some((*region).into()));
        s.settle();
    }
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// Linked bridges with people on them.
pub fn linked_meeting(bridges: &[&'static str], who: &[(&str, &'static str)]) -> Scenario {
    people(linked(bridges).start(), who)
}
