//! The three stanzas, what an IQ can carry, and stanza errors.

use std::fmt;

use wire_derive::Element;

use super::colibri2::{ConferenceModified, ConferenceModify};
use super::disco::DiscoInfo;
use super::focus_iq::{Conference, LoginUrl, Logout};
use super::jid::Jid;
use super::jingle::{Jingle, JsonMessage};
use super::muc::{MucAdmin, MucOwner, MucUser};
use super::ns::{
    HEALTHCHECK, JITMEET_AUDIO, JITMEET_DESKTOP, JITMEET_VIDEO, PING, ROSTER, STANZA, STANZA_ERRORS, TIME, VERSION,
};
use super::presence::Presence;
use super::sm::Bind;
use super::values::{Condition, ErrorType, MessageType, StanzaId};
use super::visitors::Visitors;
use super::xml::{self, Attr, Child, Error, Node, Raw, Writer};

/// What we send in one stanza at most, in bytes. Prosody ends the stream of whoever sends more than 256 kB
/// (`c2s_stanza_size_limit`, for those who log in; components and other servers may send twice as much), and that of the focus
/// is every conference.
pub const MAX_SENT: usize = 250 * 1024;

/// What Prosody routes. Large variants are boxed: most stanzas are small.
#[derive(Debug, Clone, PartialEq)]
pub enum Stanza {
    Iq(Box<Iq>),
    Presence(Box<Presence>),
    Message(Box<Message>),
}

/// A request or an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Iq {
    pub from: Option<Jid>,
    pub to: Option<Jid>,
    pub id: StanzaId,
    pub body: IqBody,
}

#[derive(Debug, Clone, PartialEq)]
pub enum IqBody {
    Get(Payload),
    Set(Payload),
    Result(Option<Payload>),
    /// A payload beside the error is skipped: an error that echoes its request is an error (spec/90, row 43).
    Error(StanzaError),
}

/// The child of an IQ, tried in this order.
#[derive(Element, Debug, Clone, PartialEq)]
pub enum Payload {
    Jingle(Jingle),
    ConferenceModify(ConferenceModify),
    ConferenceModified(ConferenceModified),
    Conference(Conference),
    LoginUrl(LoginUrl),
    Logout(Logout),
    DiscoInfo(DiscoInfo),
    MucOwner(MucOwner),
    MucAdmin(MucAdmin),
    Ping(Ping),
    Version(Version),
    Healthcheck(Healthcheck),
    MuteAudio(MuteAudio),
    MuteVideo(MuteVideo),
    MuteDesktop(MuteDesktop),
    Roster(Roster),
    Visitors(Visitors),
    Bind(Bind),
    Time(EntityTime),
    Other(Raw),
}

/// XEP-0199.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(PING, "ping")]
pub struct Ping {}

/// XEP-0202.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(TIME, "time")]
pub struct EntityTime {
    #[leaf("tzo")]
    pub tzo: Option<String>,
    /// `2026-08-19T14:03:07Z`
    #[leaf("utc")]
    pub utc: Option<String>,
}

/// XEP-0092.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(VERSION, "query")]
pub struct Version {
    #[leaf("name")]
    pub name: Option<String>,
    #[leaf("version")]
    pub version: Option<String>,
    #[leaf("os")]
    pub os: Option<String>,
}

/// The question to a bridge whether it is well (spec/50 §7.1).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(HEALTHCHECK, "healthcheck")]
pub struct Healthcheck {}

/// The contact list. Asking for it is also what makes Prosody deliver subscriptions.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(ROSTER, "query")]
pub struct Roster {
    pub items: Vec<RosterItem>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(ROSTER, "item")]
pub struct RosterItem {
    #[attr]
    pub jid: String,
    #[attr]
    pub subscription: Option<String>,
}

/// Mute or unmute somebody (spec/20 §8).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JITMEET_AUDIO, "mute")]
pub struct MuteAudio {
    #[attr]
    pub jid: Option<String>,
    #[attr]
    pub actor: Option<Jid>,
    #[text]
    pub mute: String,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JITMEET_VIDEO, "mute")]
pub struct MuteVideo {
    #[attr]
    pub jid: Option<String>,
    #[attr]
    pub actor: Option<Jid>,
    #[text]
    pub mute: String,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JITMEET_DESKTOP, "mute")]
pub struct MuteDesktop {
    #[attr]
    pub jid: Option<String>,
    #[attr]
    pub actor: Option<Jid>,
    #[text]
    pub mute: String,
}

/// A message: of rooms about themselves, of Prosody's components as JSON. Chat is not read.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(STANZA, "message")]
pub struct Message {
    #[attr]
    pub from: Option<Jid>,
    #[attr]
    pub to: Option<Jid>,
    #[attr]
    pub id: Option<String>,
    #[attr("type")]
    pub kind: Option<MessageType>,
    pub json_message: Option<JsonMessage>,
    pub muc_user: Option<MucUser>,
    pub error: Option<StanzaError>,
}

/// What went wrong with a stanza, RFC 6120 §8.3. The condition is written first: clients read the first child.
#[derive(Debug, Clone, PartialEq)]
pub struct StanzaError {
    pub kind: ErrorType,
    pub by: Option<String>,
    pub condition: Condition,
    pub text: Option<String>,
    /// Conditions of the application: colibri2's reason, the focus' `session-invalid`.
    pub application: Vec<Raw>,
}

impl xml::Element for Stanza {
    fn is(node: Node<'_, '_>) -> bool {
        Iq::is(node) || Presence::is(node) || Message::is(node)
    }
    fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        match node.name() {
            "iq" if node.ns() == STANZA => xml::Element::read(node).map(Stanza::Iq),
            "presence" if node.ns() == STANZA => xml::Element::read(node).map(Stanza::Presence),
            "message" if node.ns() == STANZA => xml::Element::read(node).map(Stanza::Message),
            _ => Err(node.unexpected()),
        }
    }
    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Stanza::Iq(iq) => xml::Element::write(iq, w),
            Stanza::Presence(presence) => xml::Element::write(presence, w),
            Stanza::Message(message) => xml::Element::write(message, w),
        }
    }
}

impl Stanza {
    /// The attribute `from`.
    pub fn sender(&self) -> Option<&Jid> {
        match self {
            Stanza::Iq(iq) => iq.from.as_ref(),
            Stanza::Presence(presence) => presence.from.as_ref(),
            Stanza::Message(message) => message.from.as_ref(),
        }
    }

    /// The attribute `to`.
    pub fn recipient(&self) -> Option<&Jid> {
        match self {
            Stanza::Iq(iq) => iq.to.as_ref(),
            Stanza::Presence(presence) => presence.to.as_ref(),
            Stanza::Message(message) => message.to.as_ref(),
        }
    }
}

impl From<Iq> for Stanza {
    fn from(iq: Iq) -> Self {
        Stanza::Iq(Box::new(iq))
    }
}

impl From<Presence> for Stanza {
    fn from(presence: Presence) -> Self {
        Stanza::Presence(Box::new(presence))
    }
}

impl From<Message> for Stanza {
    fn from(message: Message) -> Self {
        Stanza::Message(Box::new(message))
    }
}

/// By hand: its `type` says which of payload and error it carries.
impl xml::Element for Iq {
    fn is(node: Node<'_, '_>) -> bool {
        node.is(STANZA, "iq")
    }

    fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        let payload = || node.children().next().map(<Payload as xml::Element>::read).transpose();
        let request = || payload()?.ok_or_else(|| node.error("", "a request without a child element".into()));
        let kind = node.attribute("type");
        Ok(Iq {
            from: Attr::read(node, "from", node.attribute("from"))?,
            to: Attr::read(node, "to", node.attribute("to"))?,
            id: Attr::read(node, "id", node.attribute("id"))?,
            body: match kind {
                Some("get") => IqBody::Get(request()?),
                Some("set") => IqBody::Set(request()?),
                Some("result") => IqBody::Result(payload()?),
                Some("error") => {
                    let error = node.child(STANZA, "error").map(<StanzaError as xml::Element>::read).transpose()?;
                    IqBody::Error(error.unwrap_or_default())
                }
                Some(other) => {
                    return Err(node.error_at("type", &xml::Expected("one of get set result error".into()), other));
                }
                None => return Err(node.error("type", "missing".into())),
            },
        })
    }

    fn write(&self, w: &mut Writer<'_>) {
        let parent = w.start(STANZA, "iq");
        Attr::write(&self.from, "from", w);
        Attr::write(&self.to, "to", w);
        Attr::write(&self.id, "id", w);
        let (kind, payload) = match &self.body {
            IqBody::Get(payload) => ("get", Some(payload)),
            IqBody::Set(payload) => ("set", Some(payload)),
            IqBody::Result(payload) => ("result", payload.as_ref()),
            IqBody::Error(_) => ("error", None),
        };
        w.attribute_str("type", kind);
        if let Some(payload) = payload {
            xml::Element::write(payload, w);
        }
        if let IqBody::Error(error) = &self.body {
            xml::Element::write(error, w);
        }
        w.end("iq", parent);
    }
}

impl Iq {
    /// The answer that all is well, with or without a payload.
    pub fn result(&self, payload: Option<Payload>) -> Iq {
        self.answer(IqBody::Result(payload))
    }

    /// The answer that something is wrong.
    pub fn error(&self, error: StanzaError) -> Iq {
        self.answer(IqBody::Error(error))
    }

    fn answer(&self, body: IqBody) -> Iq {
        Iq { from: self.to.clone(), to: self.from.clone(), id: self.id.clone(), body }
    }
}

impl StanzaError {
    pub fn new(kind: ErrorType, condition: Condition, text: impl Into<Option<String>>) -> Self {
        StanzaError { kind, by: None, condition, text: text.into(), application: Vec::new() }
    }
}

/// What an error that says nothing means.
impl Default for StanzaError {
    fn default() -> Self {
        StanzaError::new(ErrorType::Cancel, Condition::UndefinedCondition, None)
    }
}

/// By hand: the condition is the name of a child.
impl xml::Element for StanzaError {
    fn is(node: Node<'_, '_>) -> bool {
        node.is(STANZA, "error")
    }

    /// Never fails: an error that is malformed is an error all the same.
    fn read(node: Node<'_, '_>) -> Result<Self, Error> {
        let defined = |child: Node<'_, '_>| child.ns() == STANZA_ERRORS;
        let mut application = Vec::new();
        node.children().filter(|child| !defined(*child)).for_each(|child| xml::keep(&mut application, child));
        let mut conditions = node.children().filter(|child| defined(*child) && child.name() != "text");
        Ok(StanzaError {
            kind: node.attribute("type").and_then(|kind| kind.parse().ok()).unwrap_or(ErrorType::Cancel),
            by: node.attribute("by").map(str::to_owned),
            condition: conditions.find_map(|child| child.name().parse().ok()).unwrap_or(Condition::UndefinedCondition),
            text: node.child(STANZA_ERRORS, "text").map(|text| text.text().into_owned()),
            application,
        })
    }

    fn write(&self, w: &mut Writer<'_>) {
        let parent = w.start(STANZA, "error");
        Attr::write(&self.kind, "type", w);
        Attr::write(&self.by, "by", w);
        w.flag(STANZA_ERRORS, self.condition.as_str(), true);
        xml::Leaf::write(&self.text, STANZA_ERRORS, "text", w);
        Child::write(&self.application, w);
        w.end("error", parent);
    }
}

/// Which of the three a stanza is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StanzaKind {
    Iq,
    Presence,
    Message,
}

impl StanzaKind {
    pub fn as_str(self) -> &'static str {
        match self {
            StanzaKind::Iq => "iq",
            StanzaKind::Presence => "presence",
            StanzaKind::Message => "message",
        }
    }
}

/// What the start tag of a stanza says, as far as it can be read: enough to answer one that cannot be.
#[derive(Debug, Clone, PartialEq)]
pub struct StanzaHead {
    pub kind: StanzaKind,
    /// The attribute `type`.
    pub type_: Option<String>,
    pub id: Option<StanzaId>,
    pub from: Option<Jid>,
    pub to: Option<Jid>,
}

impl StanzaHead {
    pub(super) fn of(node: Node<'_, '_>) -> Option<Self> {
        if node.ns() != STANZA {
            return None;
        }
        let kind = [StanzaKind::Iq, StanzaKind::Presence, StanzaKind::Message];
        let jid = |name| node.attribute(name).and_then(|text| Jid::new(text).ok());
        Some(StanzaHead {
            kind: kind.into_iter().find(|kind| kind.as_str() == node.name())?,
            type_: node.attribute("type").map(str::to_owned),
            id: node.attribute("id").map(StanzaId::from),
            from: jid("from"),
            to: jid("to"),
        })
    }

    /// Reads the head from a document whose stanza has lost its content (`framing::Refused::start_tag`).
    pub fn read(xml: &str) -> Option<Self> {
        xml::with_document(xml, |node| Ok(StanzaHead::of(node))).ok().flatten()
    }

    /// The error answer, where one is due: to requests, that is to IQs of type `get` and `set`.
    pub fn answer(&self, error: StanzaError) -> Option<Iq> {
        let request = self.kind == StanzaKind::Iq && matches!(self.type_.as_deref(), Some("get" | "set"));
        request.then(|| Iq {
            from: self.to.clone(),
            to: self.from.clone(),
            id: self.id.clone().unwrap_or_default(),
            body: IqBody::Error(error),
        })
    }
}

/// An element that came and could not be read. It never ends the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StanzaReadError {
    /// None if it is no stanza, or not even XML.
    pub head: Option<Box<StanzaHead>>,
    pub error: Error,
}

impl StanzaReadError {
    /// `bad-request` with the place as its text, where an answer is due.
    pub fn answer(&self) -> Option<Iq> {
        let error = StanzaError::new(ErrorType::Modify, Condition::BadRequest, self.error.to_string());
        self.head.as_ref()?.answer(error)
    }
}

impl fmt::Display for StanzaReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for StanzaReadError {}
