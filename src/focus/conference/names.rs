//! Whose names sources bear. Clients call theirs after themselves, `<id>-v0`, and so their msids; others, and bridges, take them
//! at their word.

use super::{Conference, MemberId};
use crate::focus::sources::set::{BRIDGE_OWNER, Candidate, FEEDBACK_MSID};
use crate::focus::sources::validate::Rejection;
use crate::wire::values::{EndpointId, SourceName};

impl Conference {
    /// Refuses names and msids that are another's: whoever takes what another one's client will call its sources in its next
    /// session keeps it out of that, as no two may have the same, and clients and bridges would take his video for the
    /// other's.
    pub(super) fn check_names(&self, id: MemberId, candidate: &Candidate) -> Result<(), Rejection> {
        let Some(owner) = self.members.get(id).map(|member| &member.nick) else { return Ok(()) };
        for source in &candidate.sources {
            let name = source.name.as_ref().map(SourceName::as_str);
            let msid = source.msid.as_ref().map(|msid| &*msid.0);
            let foreign = msid.filter(|msid| msid.starts_with(FEEDBACK_MSID));
            let foreign = foreign.or_else(|| name.into_iter().chain(msid).find(|text| self.is_anothers(owner, text)));
            if let Some(text) = foreign {
                return Err(Rejection::bad_request(format!("The name or msid of another: {text}.")));
            }
        }
        Ok(())
    }

    /// Whether it is called after somebody else who is here, or after the bridge.
    fn is_anothers(&self, owner: &EndpointId, text: &str) -> bool {
        let mut prefixes = text.match_indices('-').map(|(end, _)| &text[..end]);
        let is_somebody = |prefix: &str| prefix == BRIDGE_OWNER || self.members.id_of(prefix).is_some();
        // Of one called `a-b` the names begin with `a-`, too.
        !prefixes.clone().any(|prefix| prefix == owner.as_str()) && prefixes.any(is_somebody)
    }
}
