//! What the scenarios of several files need.

use testkit::ns;
use testkit::scenario::Scenario;
use testkit::wire_log::{Query, Wire};
use testkit::xml::{Element, Read, error_in, parse};

pub const ROOM: &str = "room@conference.meet.test";
pub const FOCUS: &str = "focus@auth.meet.test/focus";

/// A client that does nothing by itself.
pub fn connect(s: &mut Scenario, label: &str, jid: &str) {
    s.server().connect(label, jid, false);
}

/// A conference request with that id, for that room.
pub fn ask(s: &mut Scenario, label: &str, id: &str, room: &str) {
    request(s, label, id, &format!("<conference xmlns='{}' room='{room}'/>", ns::FOCUS));
}

/// A request of the client's own making to the focus' address.
pub fn request(s: &mut Scenario, label: &str, id: &str, child: &str) {
    s.inject(label, &format!("<iq type='set' id='{id}' to='focus.meet.test'>{child}</iq>"));
}

/// A client that asks, once, and what it is answered.
pub fn answer_to(s: &mut Scenario, label: &str, room: &str) -> Element {
    let id = format!("{label}-{}", s.sent_to(label).count());
    ask(s, label, &id, room);
    s.settle();
    only(s, label, &id)
}

/// The one answer to a request.
#[track_caller]
pub fn only(s: &Scenario, label: &str, id: &str) -> Element {
    let answers = answers(s, label, id);
    assert_eq!(answers.count(), 1, "answers to {id}");
    answers.first().stanza.clone()
}

pub fn answers<'a>(s: &'a Scenario, label: &str, id: &str) -> Query<'a> {
    s.sent_to(label).filter(|wire| wire.is_answer() && wire.stanza.get("id") == Some(id))
}

/// The attribute of the `<conference>` in an answer.
pub fn of_conference<'a>(answer: &'a Element, name: &str) -> Option<&'a str> {
    answer.kid("conference", ns::FOCUS)?.get(name)
}

/// The properties of a `<conference>`, or of the focus' presence, in their order.
pub fn properties(element: &Element) -> Vec<(String, String)> {
    let text = |p: &Element, names: [&str; 2]| names.iter().find_map(|name| p.get(name)).unwrap_or_default().to_owned();
    let holder = element.kid("conference", ns::FOCUS).or_else(|| element.kid("conference-properties", ns::FOCUS));
    let properties = holder.into_iter().flat_map(|it| it.kids("property", ns::FOCUS).collect::<Vec<_>>());
    properties.map(|p| (text(p, ["name", "key"]), text(p, ["value", "value"]))).collect()
}

pub fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Condition and text of an error.
#[track_caller]
pub fn error(answer: &Element) -> (String, String) {
    error_in(answer).expect("an error")
}

/// Something that reaches the focus as its server would send it.
pub fn to_focus(s: &mut Scenario, xml: &str) {
    let now = s.now();
    s.server().send(now, "focus", parse(xml).expect("well-formed XML"));
    s.settle();
}

/// Room metadata, sent to the focus now.
pub fn metadata(s: &mut Scenario, room: &str, metadata: &serde_json::Value) {
    let now = s.now();
    s.server().send_metadata(now, "focus", room, metadata);
    s.settle();
}

/// What the focus sent to an address, the bare room included.
pub fn said_to<'a>(s: &'a Scenario, to: &str) -> Query<'a> {
    s.said().filter(|wire| wire.stanza.get("to") == Some(to))
}

/// The presences that the focus sent to its place in a room.
pub fn own_presences<'a>(s: &'a Scenario, room: &str) -> Query<'a> {
    said_to(s, &format!("{room}/focus")).presence()
}

/// The joins among them.
pub fn joins<'a>(s: &'a Scenario, room: &str) -> Query<'a> {
    own_presences(s, room).filter(|wire| wire.stanza.kid("x", ns::MUC).is_some())
}

/// The leaves among them.
pub fn leaves<'a>(s: &'a Scenario, room: &str) -> Query<'a> {
    own_presences(s, room).filter(|wire| wire.stanza.get("type") == Some("unavailable"))
}

/// The bare JIDs that the focus made owners, in order.
pub fn grants(s: &Scenario, room: &str) -> Vec<String> {
    let granted = |wire: &Wire| {
        let query = wire.stanza.kid("query", ns::MUC_ADMIN)?;
        let item = query.kid("item", ns::MUC_ADMIN)?;
        assert_eq!((item.get("affiliation"), item.get("role"), item.get("nick")), (Some("owner"), None, None));
        item.get("jid").map(str::to_owned)
    };
    said_to(s, room).iter().filter_map(granted).collect()
}

/// What somebody's last offer says of starting muted: audio and video.
#[track_caller]
pub fn starts_muted(s: &Scenario, name: &str) -> Option<(String, String)> {
    let offer = s.sent_to(name).jingle("session-initiate").last();
    let element = offer.jingle("session-initiate")?.kid("startmuted", ns::START_MUTED)?;
    Some((element.get("audio")?.to_owned(), element.get("video")?.to_owned()))
}

/// The lines of this test's log that contain a text, with their levels: since [`keep_lines`](testkit::logs::keep_lines), or since
/// they were last looked at.
pub fn logged(text: &str) -> Vec<String> {
    let lines = testkit::logs::take_lines().into_iter().map(|line| format!("{} {}", line.level, line.message));
    lines.filter(|line| line.contains(text)).collect()
}

/// How many offers somebody had.
pub fn offers(s: &Scenario, name: &str) -> usize {
    s.sent_to(name).jingle("session-initiate").count()
}

/// The name of the first child of a stanza that the focus sent, with the types of IQs: to assert orders.
pub fn outline(wire: &Wire) -> String {
    let child = wire.stanza.children().find(|child| !matches!(child.name(), "priority" | "c"));
    let child = child.map(|child| child.ns().rsplit(['/', ':']).next().unwrap_or_default().to_owned());
    format!("{} {} {}", wire.stanza.name(), wire.stanza.get("type").unwrap_or("-"), child.unwrap_or_default())
}
