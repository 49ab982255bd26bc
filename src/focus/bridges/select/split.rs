//! Each endpoint on another bridge, to try how bridges work together (spec/50 §6.4, "Split").

use super::Standing;
use super::pool::Candidate;

/// One that the conference does not use; else the one of its own with the fewest endpoints, ties in the order of sessions.
pub(super) struct Rule;

impl Rule {
    #[inline]
    pub fn standing(&self, it: &Candidate<'_>) -> Standing {
        match &it.used {
            None => Standing::new(1, "not used by the conference yet"),
            Some(used) => {
                let first = (used.on.endpoints, used.place);
                Standing { first, ..Standing::new(2, "the conference has the fewest endpoints there") }
            }
        }
    }
}
