//! All sources of a conference, and what may be added to and removed from them (spec/30 §9.3, §9.6).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::set::{Candidate, SourceSet};
use crate::wire::stanza::StanzaError;
use crate::wire::values::{Condition, EndpointId};

/// Why a request was refused, in the words that its sender gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub condition: Condition,
    pub text: String,
}

impl Rejection {
    pub fn bad_request(text: impl Into<String>) -> Rejection {
        Rejection { condition: Condition::BadRequest, text: text.into() }
    }

    /// The answer, with the error type of spec/30 §9.2.
    pub fn into_error(self) -> StanzaError {
        unimplemented!()
    }
}

/// How much one participant may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub ssrcs: usize,
    pub groups: usize,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The owner's whole set before and after; both are shared, not copied.
    pub before: Arc<SourceSet>,
    pub after: Arc<SourceSet>,
}

/// The sources of all participants of a conference. No SSRC and no msid belongs to two of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ConferenceSources {
    owners: BTreeMap<EndpointId, Arc<SourceSet>>,
}

impl ConferenceSources {
    /// Adds all of it or nothing. `None`: there was nothing new in it.
    pub fn try_add(
        &mut self,
        _owner: &EndpointId,
        _wanted: &Candidate,
        _limits: Limits,
    ) -> Result<Option<Changed>, Rejection> {
        unimplemented!()
    }

    /// Removes all of it or nothing, with the groups that named a removed source. `None`: it was empty.
    pub fn try_remove(&mut self, _owner: &EndpointId, _unwanted: &Candidate) -> Result<Option<Changed>, Rejection> {
        unimplemented!()
    }

    /// Forgets an owner. `None`: it had nothing.
    pub fn remove_owner(&mut self, _owner: &EndpointId) -> Option<Changed> {
        unimplemented!()
    }

    /// What it sends; the empty set if it is not known.
    pub fn of(&self, _owner: &EndpointId) -> Arc<SourceSet> {
        unimplemented!()
    }

    /// All owners that have something, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&EndpointId, &Arc<SourceSet>)> {
        self.owners.iter()
    }
}
