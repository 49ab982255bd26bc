//! Sources as compact JSON (spec/30 §7.3).

use super::set::SourceSet;
use crate::wire::values::EndpointId;

/// `{"sources":{…}}` for these owners.
pub fn to_json<'a>(_owners: impl IntoIterator<Item = (&'a EndpointId, &'a SourceSet)>) -> String {
    unimplemented!()
}
