//! Service discovery (XEP-0030) and entity capabilities (XEP-0115).

use wire_derive::Element;

use super::ns::{CAPS, DISCO_INFO};

#[derive(Element, Debug, Clone, PartialEq, Default)]
#[xml(DISCO_INFO, "query")]
pub struct DiscoInfo {
    #[attr]
    pub node: Option<String>,
    pub identities: Vec<Identity>,
    pub features: Vec<Feature>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DISCO_INFO, "identity")]
pub struct Identity {
    #[attr]
    pub category: String,
    #[attr("type")]
    pub kind: String,
    #[attr]
    pub name: Option<String>,
}

#[derive(Element, Debug, Clone, PartialEq)]
#[xml(DISCO_INFO, "feature")]
pub struct Feature {
    #[attr]
    pub var: String,
}

/// The hash of what a client supports.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(CAPS, "c")]
pub struct Caps {
    #[attr]
    pub hash: Option<String>,
    #[attr]
    pub node: Option<String>,
    #[attr]
    pub ver: Option<String>,
}
