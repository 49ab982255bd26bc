//! Jingle sessions (XEP-0166) as focus and participants speak them (spec/30).

use wire_derive::Element;

use super::ice::IceTransport;
use super::ns::{COLIBRI2, FOCUS, GROUPING, HDREXT, JINGLE, JITMEET, RTP, START_MUTED};
use super::rtp::{HeaderExtension, PayloadType};
use super::ssma::{Source, SsrcGroup};
use super::values::{Senders, SessionId};
use super::xml::Raw;

/// One step of a session.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JINGLE, "jingle")]
pub struct Jingle {
    /// As received; [`super::values::Action`] once it is known to be one.
    #[attr]
    pub action: Option<String>,
    #[attr]
    pub sid: Option<SessionId>,
    #[attr]
    pub initiator: Option<String>,
    #[attr]
    pub responder: Option<String>,
    pub contents: Vec<Content>,
    pub group: Option<Group>,
    pub reason: Option<Reason>,
    pub start_muted: Option<StartMuted>,
    pub bridge_session: Option<BridgeSession>,
    pub ice_state: Option<IceState>,
    /// Compact sources (spec/30 §7.3).
    pub json_message: Option<JsonMessage>,
    /// What no field took. Contents that are the same for many receivers are encoded once and put here.
    #[others]
    pub others: Vec<Raw>,
}

/// One media section.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JINGLE, "content")]
pub struct Content {
    #[attr]
    pub creator: Option<String>,
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub senders: Option<Senders>,
    pub initial_last_n: Option<InitialLastN>,
    pub description: Option<Description>,
    pub transport: Option<IceTransport>,
    /// Sources directly inside the content, which some clients send (spec/30 §7.2).
    pub sources: Vec<Source>,
    /// What no field took. A description that is the same for many receivers is encoded once and put here.
    #[others]
    pub others: Vec<Raw>,
}

/// What flows in a section, XEP-0167.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(RTP, "description")]
pub struct Description {
    #[attr]
    pub media: Option<String>,
    #[attr]
    pub maxptime: Option<u32>,
    pub payload_types: Vec<PayloadType>,
    pub header_extensions: Vec<HeaderExtension>,
    #[flag(HDREXT, "extmap-allow-mixed")]
    pub extmap_allow_mixed: bool,
    #[flag]
    pub rtcp_mux: bool,
    pub sources: Vec<Source>,
    pub groups: Vec<SsrcGroup>,
}

/// The last-n a client wants from the start. As text: nonsense is ignored (spec/30 §9.4).
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(COLIBRI2, "initial-last-n")]
pub struct InitialLastN {
    #[attr]
    pub value: Option<String>,
}

/// XEP-0338.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(GROUPING, "group")]
pub struct Group {
    #[attr]
    pub semantics: Option<String>,
    pub contents: Vec<GroupedContent>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(GROUPING, "content")]
pub struct GroupedContent {
    #[attr]
    pub name: Option<String>,
}

/// Why a session ends: a condition element, and words.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JINGLE, "reason")]
pub struct Reason {
    #[flag]
    pub success: bool,
    #[flag]
    pub general_error: bool,
    #[flag]
    pub expired: bool,
    #[leaf("text")]
    pub text: Option<String>,
    #[others]
    pub others: Vec<Raw>,
}

#[derive(Element, Debug, Clone, Copy, PartialEq, Default)]
#[xml(START_MUTED, "startmuted")]
pub struct StartMuted {
    #[attr]
    pub audio: bool,
    #[attr]
    pub video: bool,
}

/// Which session on which bridge (spec/30 §8), and a client's wish to restart it (§12).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(FOCUS, "bridge-session")]
pub struct BridgeSession {
    #[attr]
    pub id: Option<String>,
    #[attr]
    pub region: Option<String>,
    #[switch]
    pub restart: bool,
    #[switch]
    pub ice_restart: bool,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(FOCUS, "ice-state")]
pub struct IceState {
    #[text]
    pub state: String,
}

/// A JSON text: compact sources inside `<jingle>`, messages of Prosody's components inside `<message>`.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(JITMEET, "json-message")]
pub struct JsonMessage {
    #[attr]
    pub room: Option<String>,
    #[text]
    pub json: String,
}
