//! What a bridge's answer means (spec/40 §8).

use crate::focus::sources::set::SourceSet;
use crate::wire::ice::IceTransport;
use crate::wire::stanza::{Payload, StanzaError};
use crate::wire::values::EndpointId;

/// The answer to a request, as the pending request's owner gets it.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    Result(Option<&'a Payload>),
    Error(&'a StanzaError),
    Timeout,
}

/// What an allocation brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocated {
    pub transport: IceTransport,
    /// The bridge's own sources; `None` if the answer has none.
    pub feedback: Option<SourceSet>,
    pub sctp_port: Option<u16>,
}

/// Why an allocation failed: the rows of spec/40 §8.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocationFailure {
    Timeout,
    BadRequest,
    ConferenceNotFound,
    /// The bridge is not in the brewery any more.
    BridgeLeft,
    ConferenceAlreadyExists,
    Conflict,
    GracefulShutdown,
    Unavailable,
    /// The bridge lacks what we ask for: a mismatch of configurations.
    NotImplemented,
    OtherError,
    WrongKind,
    NoTransport,
    NoSctp,
}

impl AllocationFailure {
    /// The conference leaves the bridge, and everybody on it is invited anew; otherwise this participant alone is dropped.
    pub fn removes_session(self) -> bool {
        unimplemented!()
    }

    /// The bridge is set non-operational.
    pub fn marks_bridge(self) -> bool {
        unimplemented!()
    }
}

/// What the answer to any other request means (spec/40 §8.2).
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateOutcome {
    Done,
    /// Only this endpoint is unknown to the bridge: forget it, invite it anew.
    UnknownEndpoint(EndpointId),
    /// The conference leaves the bridge.
    SessionFailed,
}

/// Reads the answer to an allocation.
pub fn allocation(_endpoint: &EndpointId, _sctp: bool, _answer: Answer<'_>) -> Result<Allocated, AllocationFailure> {
    unimplemented!()
}

/// Reads the answer to any request but an allocation.
pub fn update(_answer: Answer<'_>) -> UpdateOutcome {
    unimplemented!()
}

/// What the answer to an ICE restart means (spec/40 §5.5), beside [`update`].
#[derive(Debug, Clone, PartialEq)]
pub enum IceRestart {
    /// Tell the client by `transport-info`, and remember the generation.
    Relay {
        generation: i64,
        transport: IceTransport,
    },
    Stale,
    NotNeeded,
    Declined,
}

/// Reads the answer to an ICE restart; `last`: the generation that was relayed last.
pub fn ice_restart(_endpoint: &EndpointId, _last: Option<i64>, _answer: &Payload) -> IceRestart {
    unimplemented!()
}
