//! The conference request and its relatives (spec/10 §3, §6.6, §6.7).

use wire_derive::Element;

use super::ns::FOCUS;
use super::jid::Jid;

/// The request for a conference, and its answer. Empty attribute values count as absent.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(FOCUS, "conference")]
pub struct Conference {
    /// As received: a name that is no JID is answered, not dropped (spec/10 §3.3).
    #[attr]
    pub room: Option<String>,
    #[attr]
    pub focusjid: Option<Jid>,
    #[attr]
    pub ready: Option<bool>,
    #[attr]
    pub machine_uid: Option<String>,
    #[attr]
    pub session_id: Option<String>,
    #[attr]
    pub identity: Option<String>,
    #[attr]
    pub token: Option<String>,
    #[attr]
    pub vnode: Option<String>,
    pub properties: Vec<Property>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(FOCUS, "property")]
pub struct Property {
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub value: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(FOCUS, "login-url")]
pub struct LoginUrl {
    #[attr]
    pub room: Option<String>,
    #[attr]
    pub machine_uid: Option<String>,
    #[attr]
    pub popup: Option<String>,
    #[attr]
    pub url: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(FOCUS, "logout")]
pub struct Logout {
    #[attr]
    pub session_id: Option<String>,
    #[attr]
    pub logout_url: Option<String>,
}
