//! What the focus and Prosody's visitors component say to each other, and what a moderator says to both (spec/60 §6.4, §6.13).

use wire_derive::Element;

use super::ns::VISITORS;

/// About the visitors of a room.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(VISITORS, "visitors")]
pub struct Visitors {
    /// The main room, as text: what is no room is answered, not dropped.
    #[attr]
    pub room: Option<String>,
    pub connect: Vec<ConnectVnode>,
    pub disconnect: Vec<DisconnectVnode>,
    pub broadcast: Option<Broadcast>,
}

/// A visitor node is to get the room's participants and messages, and to let its visitors in.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(VISITORS, "connect-vnode")]
pub struct ConnectVnode {
    #[attr]
    pub vnode: String,
}

/// A visitor node is to end the conference for its visitors.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(VISITORS, "disconnect-vnode")]
pub struct DisconnectVnode {
    #[attr]
    pub vnode: String,
}

/// A moderator lets visitors in, where that is not done by itself.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(VISITORS, "broadcast")]
pub struct Broadcast {
    #[attr]
    pub enabled: bool,
}
