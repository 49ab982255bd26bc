//! Multi-user chat (XEP-0045): what rooms say of their occupants, and what owners ask of rooms (spec/20 §2, §6).

use wire_derive::Element;

use super::jid::Jid;
use super::ns::{DATA_FORM, MUC, MUC_ADMIN, MUC_OWNER, MUC_USER};
use super::values::{Affiliation, MucRole};

/// Marks a presence as the wish to enter.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(MUC, "x")]
pub struct Join {
    pub history: Option<History>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(MUC, "history")]
pub struct History {
    #[attr]
    pub maxstanzas: Option<u32>,
}

/// What the room says with a presence, or in a message of its own.
#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(MUC_USER, "x")]
pub struct MucUser {
    pub items: Vec<Item>,
    pub statuses: Vec<Status>,
    pub destroy: Option<Destroy>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(MUC_USER, "item")]
pub struct Item {
    #[attr]
    pub affiliation: Option<Affiliation>,
    #[attr]
    pub role: Option<MucRole>,
    #[attr]
    pub jid: Option<Jid>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(MUC_USER, "status")]
pub struct Status {
    #[attr]
    pub code: u16,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(MUC_USER, "destroy")]
pub struct Destroy {
    #[attr]
    pub jid: Option<String>,
    #[leaf("reason")]
    pub reason: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(MUC_ADMIN, "query")]
pub struct MucAdmin {
    pub items: Vec<AdminItem>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(MUC_ADMIN, "item")]
pub struct AdminItem {
    #[attr]
    pub affiliation: Option<Affiliation>,
    #[attr]
    pub role: Option<MucRole>,
    #[attr]
    pub jid: Option<Jid>,
    #[attr]
    pub nick: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(MUC_OWNER, "query")]
pub struct MucOwner {
    pub form: Option<DataForm>,
}

/// XEP-0004.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DATA_FORM, "x")]
pub struct DataForm {
    #[attr("type")]
    pub kind: String,
    pub fields: Vec<Field>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DATA_FORM, "field")]
pub struct Field {
    #[attr]
    pub var: Option<String>,
    pub values: Vec<Value>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DATA_FORM, "value")]
pub struct Value {
    #[text]
    pub text: String,
}
