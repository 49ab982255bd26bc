//! The conference request and its relatives (spec/10 §3, §6.6, §6.7).

use std::fmt;

use wire_derive::Element;

use super::jid::Jid;
use super::ns::FOCUS;

/// The request for a conference, and its answer. Empty attribute values count as absent.
#[derive(Element, Clone, PartialEq, Default)]
#[xml(FOCUS, "conference", skip_empty)]
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

#[derive(Element, Clone, PartialEq, Default)]
#[xml(FOCUS, "logout")]
pub struct Logout {
    #[attr]
    pub session_id: Option<String>,
    #[attr]
    pub logout_url: Option<String>,
}

/// In an error: the session id is of no use any more, and to be forgotten (spec/10 §3.5).
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(FOCUS, "session-invalid")]
pub struct SessionInvalid {}

/// Tokens and session ids let their bearer in: no log shows them.
struct Secret<'a>(&'a Option<String>);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(…)" } else { "None" })
    }
}

impl fmt::Debug for Conference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conference")
            .field("room", &self.room)
            .field("focusjid", &self.focusjid)
            .field("ready", &self.ready)
            .field("machine_uid", &self.machine_uid)
            .field("session_id", &Secret(&self.session_id))
            .field("identity", &self.identity)
            .field("token", &Secret(&self.token))
            .field("vnode", &self.vnode)
            .field("properties", &self.properties)
            .finish()
    }
}

impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logout")
            .field("session_id", &Secret(&self.session_id))
            .field("logout_url", &self.logout_url)
            .finish()
    }
}
