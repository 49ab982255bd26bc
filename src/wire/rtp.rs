//! RTP descriptions: payload types, feedback, header extensions (XEP-0167, XEP-0293, XEP-0294). Shared by Jingle and colibri2.

use wire_derive::Element;

use super::ns::{HDREXT, RTCP_FB, RTP};

/// A codec with its payload type number, XEP-0167.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(RTP, "payload-type")]
pub struct PayloadType {
    #[attr]
    pub id: u8,
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub clockrate: Option<u32>,
    #[attr]
    pub channels: Option<u32>,
    /// In the order in which they stand: the reference has parameters now before, now after the feedback (spec/30 §4.1).
    pub details: Vec<Detail>,
}

impl PayloadType {
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.details.iter().filter_map(|detail| match detail {
            Detail::Parameter(parameter) => Some(parameter),
            Detail::Feedback(_) => None,
        })
    }

    pub fn feedback(&self) -> impl Iterator<Item = &RtcpFb> {
        self.details.iter().filter_map(|detail| match detail {
            Detail::Parameter(_) => None,
            Detail::Feedback(feedback) => Some(feedback),
        })
    }
}

/// What is said of a codec.
#[derive(Element, Debug, Clone, PartialEq)]
pub enum Detail {
    Parameter(Parameter),
    Feedback(RtcpFb),
}

/// A format parameter. RED's has no name (spec/30 §4.2).
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(RTP, "parameter")]
pub struct Parameter {
    #[attr]
    pub name: Option<String>,
    #[attr]
    pub value: Option<String>,
}

/// A kind of RTCP feedback, XEP-0293.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(RTCP_FB, "rtcp-fb")]
pub struct RtcpFb {
    #[attr("type")]
    pub kind: String,
    #[attr]
    pub subtype: Option<String>,
}

/// An RTP header extension, XEP-0294.
#[derive(Element, Debug, Clone, PartialEq)]
#[xml(HDREXT, "rtp-hdrext")]
pub struct HeaderExtension {
    #[attr]
    pub id: u8,
    #[attr]
    pub uri: String,
}
