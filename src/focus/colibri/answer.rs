//! What a bridge's answer means (spec/40 §8).

use crate::focus::sources::set::{Msid, Source, SourceSet, SsrcGroup};
use crate::wire::colibri2::{ConferenceModified, ErrorEndpoint, ErrorReason, Sources};
use crate::wire::ice::IceTransport;
use crate::wire::ns::COLIBRI2;
use crate::wire::ssma;
use crate::wire::stanza::{Payload, StanzaError};
use crate::wire::values::{Condition, EndpointId, MediaType, Ssrc};

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
    /// The bridge's own sources; `None` if the answer has none. JVB repeats them in every answer to a create.
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
    /// The endpoint exists, or the error is not the bridge's.
    Conflict,
    GracefulShutdown,
    Unavailable,
    /// The bridge lacks what we ask for: a mismatch of configurations.
    NotImplemented,
    OtherError,
    /// A result that is none of ours to read.
    WrongKind,
    NoTransport,
    NoSctp,
}

impl AllocationFailure {
    /// The conference leaves the bridge, and everybody on it is invited anew; otherwise this participant alone is dropped.
    pub fn removes_session(self) -> bool {
        use AllocationFailure::*;
        match self {
            Timeout | ConferenceNotFound | ConferenceAlreadyExists | Conflict | GracefulShutdown | Unavailable => true,
            NotImplemented | OtherError => true,
            BadRequest | BridgeLeft | WrongKind | NoTransport | NoSctp => false,
        }
    }

    /// It is none of the endpoint's: what was asked for is not in the answer, and may be in that of another bridge.
    pub fn may_differ_elsewhere(self) -> bool {
        use AllocationFailure::*;
        matches!(self, WrongKind | NoTransport | NoSctp)
    }

    /// The bridge is set non-operational. Not for what it was never made to do (spec/40 §8.1, row 9, "Improve").
    pub fn marks_bridge(self) -> bool {
        use AllocationFailure::*;
        matches!(self, Timeout | Unavailable | OtherError | WrongKind)
    }

    fn of(error: &StanzaError) -> AllocationFailure {
        let reason = Reason::of(error);
        match (error.condition, reason) {
            (Condition::BadRequest, _) => AllocationFailure::BadRequest,
            (Condition::ItemNotFound, Some(Reason::ConferenceNotFound)) => AllocationFailure::ConferenceNotFound,
            (Condition::ItemNotFound, _) => AllocationFailure::BridgeLeft,
            (Condition::Conflict, Some(Reason::ConferenceAlreadyExists)) => AllocationFailure::ConferenceAlreadyExists,
            (Condition::Conflict, _) => AllocationFailure::Conflict,
            (Condition::ServiceUnavailable, Some(Reason::GracefulShutdown)) => AllocationFailure::GracefulShutdown,
            (Condition::ServiceUnavailable, _) => AllocationFailure::Unavailable,
            (Condition::FeatureNotImplemented, _) => AllocationFailure::NotImplemented,
            _ => AllocationFailure::OtherError,
        }
    }
}

/// What colibri2 adds to an error (spec/40 §2.9). What is unknown is `Unspecified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    ConferenceNotFound,
    ConferenceAlreadyExists,
    FeatureNotImplemented,
    GracefulShutdown,
    UnknownEndpoint,
    Unspecified,
}

impl Reason {
    const TABLE: &[(&str, Reason)] = &[
        ("conference_not_found", Reason::ConferenceNotFound),
        ("conference_already_exists", Reason::ConferenceAlreadyExists),
        ("feature_not_implemented", Reason::FeatureNotImplemented),
        ("graceful_shutdown", Reason::GracefulShutdown),
        ("unknown_endpoint", Reason::UnknownEndpoint),
    ];

    /// `None`: nothing proves that a bridge wrote it.
    pub fn of(error: &StanzaError) -> Option<Reason> {
        let said = error.application.iter().find(|raw| raw.is(COLIBRI2, "error"))?;
        let said = said.read_as::<ErrorReason>().ok().and_then(|said| said.reason).unwrap_or_default();
        let known = Reason::TABLE.iter().find(|(name, _)| name.eq_ignore_ascii_case(&said));
        Some(known.map_or(Reason::Unspecified, |(_, reason)| *reason))
    }
}

/// Reads the answer to an allocation. `sctp`: whether it was asked for.
pub fn allocation(endpoint: &EndpointId, sctp: bool, answer: Answer<'_>) -> Result<Allocated, AllocationFailure> {
    let modified = modified(answer)?;
    let transport = transport_of(modified, endpoint).ok_or(AllocationFailure::NoTransport)?;
    let ice = transport.ice.clone().ok_or(AllocationFailure::NoTransport)?;
    let sctp_port = transport.sctp.as_ref().and_then(|sctp| sctp.port);
    if sctp && sctp_port.is_none() {
        return Err(AllocationFailure::NoSctp);
    }
    let feedback = modified.sources.as_ref().map(feedback);
    Ok(Allocated { transport: ice, feedback, sctp_port: sctp_port.filter(|_| sctp) })
}

/// Reads what the answer to the first allocation says of the conference: the bridge's own sources, if it names them.
pub fn creation(answer: Answer<'_>) -> Result<Option<SourceSet>, AllocationFailure> {
    Ok(modified(answer)?.sources.as_ref().map(feedback))
}

fn modified(answer: Answer<'_>) -> Result<&ConferenceModified, AllocationFailure> {
    match answer {
        Answer::Timeout => Err(AllocationFailure::Timeout),
        Answer::Error(error) => Err(AllocationFailure::of(error)),
        Answer::Result(Some(Payload::ConferenceModified(modified))) => Ok(modified),
        Answer::Result(_) => Err(AllocationFailure::WrongKind),
    }
}

fn transport_of<'a>(modified: &'a ConferenceModified, id: &EndpointId) -> Option<&'a crate::wire::colibri2::Transport> {
    modified.endpoints.iter().find(|endpoint| endpoint.id == *id)?.transport.as_ref()
}

/// The bridge's own sources, with the msids by which LJM knows them (spec/30 §7.6).
fn feedback(sources: &Sources) -> SourceSet {
    let mut set = SourceSet::default();
    for media in &sources.media_sources {
        let msid: Msid = match media.kind {
            MediaType::Audio => Msid("mixedmslabel mixedlabelaudio0".into()),
            MediaType::Video => Msid("mixedmslabel mixedlabelvideo0".into()),
        };
        set.sources.extend(media.sources.iter().map(|source| Source {
            ssrc: source.ssrc,
            media: media.kind,
            video_type: source.video_type,
            synthetic: false,
            name: Some(source.name.clone().unwrap_or_else(|| media.id.clone())),
            msid: Some(msid.clone()),
        }));
        let ssrcs = |group: &ssma::SsrcGroup| {
            let ssrc = |source: &ssma::GroupedSource| u32::try_from(source.ssrc?).ok().map(Ssrc);
            group.sources.iter().map(ssrc).collect::<Option<Box<[Ssrc]>>>()
        };
        set.groups.extend(media.groups.iter().filter_map(|group| {
            Some(SsrcGroup { semantics: group.semantics, media: media.kind, ssrcs: ssrcs(group)? })
        }));
    }
    set
}

/// What the answer to any other request means (spec/40 §8.2).
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateOutcome {
    /// Also if nothing was answered.
    Done,
    /// Only this endpoint is unknown to the bridge: forget it, invite it anew.
    UnknownEndpoint(EndpointId),
    /// What was asked of one endpoint was wrong; the rest of the session is not concerned (spec/40 §8.2, "Improve").
    EndpointRefused,
    /// The bridge stumbled over what it was asked: it may be what somebody sent, or the bridge. If it was about one endpoint,
    /// that one is made anew, which tells the two apart.
    EndpointFailed,
    /// The conference leaves the bridge.
    SessionFailed,
}

/// Reads the answer to any request but an allocation.
pub fn update(answer: Answer<'_>) -> UpdateOutcome {
    match answer {
        Answer::Timeout | Answer::Result(Some(Payload::ConferenceModified(_))) => UpdateOutcome::Done,
        Answer::Result(_) => UpdateOutcome::SessionFailed,
        Answer::Error(error) => failed_update(error),
    }
}

fn failed_update(error: &StanzaError) -> UpdateOutcome {
    if Reason::of(error) == Some(Reason::UnknownEndpoint) {
        let named = error.application.iter().find(|raw| raw.is(COLIBRI2, "endpoint"));
        if let Some(endpoint) = named.and_then(|raw| raw.read_as::<ErrorEndpoint>().ok()) {
            return UpdateOutcome::UnknownEndpoint(endpoint.id);
        }
    }
    match error.condition {
        Condition::BadRequest | Condition::FeatureNotImplemented => UpdateOutcome::EndpointRefused,
        Condition::InternalServerError => UpdateOutcome::EndpointFailed,
        _ => UpdateOutcome::SessionFailed,
    }
}

/// What the answer to an ICE restart means (spec/40 §5.5), beside [`update`].
#[expect(clippy::large_enum_variant, reason = "made one at a time, and used up at once")]
#[derive(Debug, Clone, PartialEq)]
pub enum IceRestart {
    /// Tell the client by `transport-info`, and remember the generation.
    Relay { generation: i64, transport: IceTransport },
    /// What was relayed last: bridges repeat it until the client has answered.
    Repeated,
    /// Older than what was relayed last.
    Stale,
    /// The bridge had not connected yet, and goes on as it was.
    NotNeeded,
    /// The bridge cannot, or will not.
    Declined,
}

/// Reads the answer to an ICE restart; `last`: the generation that was relayed last.
pub fn ice_restart(endpoint: &EndpointId, last: Option<i64>, modified: &ConferenceModified) -> IceRestart {
    let Some(ice) = transport_of(modified, endpoint).and_then(|transport| transport.ice.as_ref()) else {
        return IceRestart::Declined;
    };
    match ice.ice_generation {
        None => IceRestart::NotNeeded,
        Some(generation) if last == Some(generation) => IceRestart::Repeated,
        Some(generation) if last.is_some_and(|last| generation < last) => IceRestart::Stale,
        Some(generation) => IceRestart::Relay { generation, transport: ice.clone() },
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
