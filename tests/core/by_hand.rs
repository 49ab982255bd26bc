//! Jingle written and read by hand, for what no client of the kit would do.

use testkit::ns;
use testkit::participant::media::Track;
use testkit::scenario::{Builder, Scenario};
use testkit::sources::{Group, Media, Semantics, Source, Sources};
use testkit::wire_log::{Query, Wire};
use testkit::xml::{Element, Read, parse};

pub const JINGLE: &str = "urn:xmpp:jingle:1";

/// Two clients which send what a test has them announce, and nothing else.
pub fn silent_pair() -> Builder {
    Scenario::new()
        .bridge("jvb1")
        .participant_with("alice", |p| p.tracks = Vec::new())
        .participant_with("bob", |p| p.tracks = Vec::new())
}

/// Everybody has a session, and nothing is under way.
pub fn met(builder: Builder) -> Scenario {
    let mut s = builder.start();
    s.run_until(Scenario::all_connected);
    s.settle();
    s
}

/// Only these tracks.
pub fn sends(tracks: &[Track]) -> impl FnOnce(&mut testkit::participant::Settings) + use<> {
    let tracks = tracks.to_vec();
    |settings| settings.tracks = tracks
}

pub fn sid(s: &Scenario, who: &str) -> String {
    s.view(who).session().expect("a session").sid.clone()
}

pub fn bridge_session(s: &Scenario, who: &str) -> String {
    let session = s.view(who).session().expect("a session");
    session.bridge_session.clone().expect("the offer names the bridge's session")
}

/// Has `who` send a `<jingle>` with these children, and gives everything time to arrive.
pub fn say(s: &mut Scenario, who: &str, action: &str, sid: &str, children: &str) {
    post(s, who, action, sid, children);
    s.settle();
}

/// Has `who` send a `<jingle>` with these children.
pub fn post(s: &mut Scenario, who: &str, action: &str, sid: &str, children: &str) {
    let jingle = parse(&format!("<jingle xmlns='{JINGLE}' action='{action}' sid='{sid}'>{children}</jingle>"));
    s.participant(who).send_jingle(jingle.expect("well-formed"));
}

/// A content with sources or groups.
pub fn content(media: &str, inner: &str) -> String {
    format!("<content name='{media}'><description xmlns='{}' media='{media}'>{inner}</description></content>", ns::RTP)
}

pub fn source_xml(attributes: &str, msid: Option<&str>) -> String {
    let parameter = msid.map(|msid| format!("<parameter name='msid' value='{msid}'/>")).unwrap_or_default();
    format!("<source xmlns='{}' {attributes}>{parameter}</source>", ns::SSMA)
}

pub fn group_xml(semantics: &str, ssrcs: &[u32]) -> String {
    let members: String = ssrcs.iter().map(|ssrc| format!("<source ssrc='{ssrc}'/>")).collect();
    format!("<ssrc-group xmlns='{}' semantics='{semantics}'>{members}</ssrc-group>", ns::SSMA)
}

/// A transport with nothing but credentials.
pub fn transport_xml(ufrag: &str) -> String {
    format!("<transport xmlns='{}' ufrag='{ufrag}' pwd='pwd-of-{ufrag}'/>", ns::ICE)
}

pub fn bridge_session_xml(id: &str, more: &str) -> String {
    format!("<bridge-session xmlns='{}' id='{id}' {more}/>", ns::FOCUS)
}

pub fn audio(ssrc: u32, name: &str) -> Sources {
    Sources { sources: vec![a_source(Media::Audio, ssrc, name, &format!("{name} track"))], groups: Vec::new() }
}

pub fn video(ssrc: u32, name: &str) -> Sources {
    Sources { sources: vec![a_source(Media::Video, ssrc, name, &format!("{name} track"))], groups: Vec::new() }
}

pub fn a_source(media: Media, ssrc: u32, name: &str, msid: &str) -> Source {
    Source { ssrc, media, name: Some(name.into()), msid: Some(msid.into()), desktop: false }
}

/// SIM(1,2,3), FID(1,4), FID(2,5), FID(3,6) of one msid, and audio 7 (spec/30 §14, case 7).
pub fn simulcast(nick: &str) -> Sources {
    let name = format!("{nick}-v0");
    let mut sources = Sources::default();
    sources.sources.extend((1..=6).map(|ssrc| a_source(Media::Video, ssrc, &name, &format!("{nick}-video t"))));
    sources.sources.push(a_source(Media::Audio, 7, &format!("{nick}-a0"), &format!("{nick}-audio t")));
    let group = |semantics, ssrcs: &[u32]| Group { media: Media::Video, semantics, ssrcs: ssrcs.to_vec() };
    sources.groups.push(group(Semantics::Sim, &[1, 2, 3]));
    sources.groups.extend([[1, 4], [2, 5], [3, 6]].iter().map(|pair| group(Semantics::Fid, pair)));
    sources
}

/// The refusals since the last call: request, condition, text.
pub fn refusals(s: &mut Scenario, who: &str) -> Vec<(String, String, String)> {
    let taken = s.participant(who).take_refusals();
    taken.into_iter().map(|refusal| (refusal.request, refusal.condition, refusal.text)).collect()
}

/// The one refusal since the last call: condition and text.
#[track_caller]
pub fn refusal(s: &mut Scenario, who: &str) -> (String, String) {
    let mut all = refusals(s, who);
    assert_eq!(all.len(), 1, "one refusal: {all:?}\n{}", s.story());
    let (_, condition, text) = all.remove(0);
    (condition, text)
}

pub fn bad_request(text: &str) -> (String, String) {
    ("bad-request".into(), text.into())
}

/// The `type` of the last error that reached `who`.
pub fn last_error_type(s: &Scenario, who: &str) -> String {
    let errors = s.sent_to(who).filter(|wire| wire.is_answer() && wire.stanza.get("type") == Some("error"));
    let error = errors.last().stanza.kid("error", ns::CLIENT).expect("an error");
    error.get("type").unwrap_or("").to_owned()
}

/// The `<jingle>` of a request.
pub fn jingle(wire: &Wire) -> &Element {
    wire.payload().expect("a payload")
}

/// What is under `sources` in the json-message of a `<jingle>`.
pub fn json_in(jingle: &Element) -> serde_json::Value {
    let message = jingle.kid("json-message", ns::JITMEET).expect("sources as JSON");
    serde_json::from_str::<serde_json::Value>(&message.text()).expect("valid JSON")["sources"].take()
}

/// The SSRCs of an owner's sources in compact JSON: video, then audio.
pub fn ssrcs_of(sources: &serde_json::Value, owner: &str) -> Vec<u64> {
    let lists = [&sources[owner][0], &sources[owner][2]];
    lists.iter().flat_map(|list| list.as_array().into_iter().flatten()).filter_map(|s| s["s"].as_u64()).collect()
}

/// The SSRCs that source-adds or source-removes name of an owner, stanza by stanza.
pub fn told(query: &Query<'_>, owner: &str) -> Vec<Vec<u64>> {
    query.iter().map(|wire| ssrcs_of(&json_in(jingle(wire)), owner)).collect()
}

/// Requests to a bridge about this endpoint.
pub fn about<'a>(s: &'a Scenario, bridge: &str, endpoint: &str) -> Query<'a> {
    let id = endpoint.to_owned();
    s.sent_to(bridge).request("conference-modify").filter(move |wire| endpoint_in(wire, &id).is_some())
}

/// What a request to a bridge says of an endpoint.
pub fn endpoint_in<'a>(wire: &'a Wire, id: &str) -> Option<&'a Element> {
    wire.payload()?.kids("endpoint", ns::COLIBRI2).find(|endpoint| endpoint.get("id") == Some(id))
}

pub fn creates(query: Query<'_>) -> Query<'_> {
    query.filter(|wire| endpoints(wire).any(|endpoint| endpoint.get("create") == Some("true")))
}

pub fn expires(query: Query<'_>) -> Query<'_> {
    query.filter(|wire| endpoints(wire).any(|endpoint| endpoint.get("expire") == Some("true")))
}

fn endpoints(wire: &Wire) -> impl Iterator<Item = &Element> {
    wire.payload().into_iter().flat_map(|modify| modify.kids("endpoint", ns::COLIBRI2))
}

/// The reason and text of a session-terminate.
pub fn reason(wire: &Wire) -> (String, String) {
    let reason = jingle(wire).kid("reason", ns::JINGLE).expect("a reason");
    let condition = reason.children().find(|child| child.name() != "text").map(|child| child.name().to_owned());
    let text = reason.kid("text", ns::JINGLE).map(Element::text);
    (condition.unwrap_or_default(), text.unwrap_or_default())
}

pub fn moving() -> (String, String) {
    ("success".into(), "moving".into())
}
