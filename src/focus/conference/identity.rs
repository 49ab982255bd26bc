//! What is never used twice: the identities of a conference and of what lives in it.

/// The identity of one life of a conference; a room that is made anew has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct ConferenceId(pub u64);

/// The identity of one stay of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(pub u64);

impl MemberId {
    /// No member in particular.
    pub const NONE: MemberId = MemberId(0);
    pub const LAST: MemberId = MemberId(u64::MAX);
}

/// The identity of one attempt to give a participant a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptId(pub u64);

/// The identity of one endpoint of a participant. After a new invitation it has another, under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EndpointKey {
    pub member: MemberId,
    pub attempt: AttemptId,
}

/// The identity of a conference's stay on a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey(pub u64);
