//! The three stanzas, what an IQ can carry, and stanza errors.

use wire_derive::Element;

use super::colibri2::{ConferenceModified, ConferenceModify};
use super::disco::DiscoInfo;
use super::focus_iq::{Conference, LoginUrl, Logout};
use super::jingle::{Jingle, JsonMessage};
use super::muc::{MucAdmin, MucOwner, MucUser};
use super::ns::{HEALTHCHECK, JITMEET_AUDIO, JITMEET_DESKTOP, JITMEET_VIDEO, PING, ROSTER, STANZA, VERSION};
use super::presence::Presence;
use super::jid::Jid;
use super::values::{Condition, ErrorType, MessageType, StanzaId};
use super::xml::Raw;

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
    Other(Raw),
}

/// XEP-0199.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(PING, "ping")]
pub struct Ping {}

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

/// The contact list, asked for and not read: asking is what makes Prosody deliver subscriptions.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(ROSTER, "query")]
pub struct Roster {}

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
