//! Telling participants of each other's sources (spec/30 §10): one log of changes for the conference, and a place in it
//! for each receiver.
//!
//! A receiver's state is a number, however many sources there are: "told of everything up to here". What a flush says is
//! the difference between the sources at that place and now, computed and encoded once for all receivers that stand at the
//! same place with the same view.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::validate::Changed;
use super::view::View;
use crate::wire::values::EndpointId;
use crate::wire::xml::Raw;

/// What a receiver is to be sent: `source-remove` first, then `source-add`; each as children of `<jingle>`
/// ([`crate::wire::jingle::Jingle::others`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flush {
    pub remove: Option<Arc<[Raw]>>,
    pub add: Option<Arc<[Raw]>>,
}

/// The log, and the receivers' places.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Signals {}

impl Signals {
    /// The receiver is being offered everything there is now (or, if it gets SSRCs rewritten, will never be told).
    pub fn offered(&mut self, _receiver: &EndpointId, _view: View) {}

    /// The receiver's session is over.
    pub fn forget(&mut self, _receiver: &EndpointId) {}

    /// An owner's sources changed. Tells for whom a flush is to be scheduled: [`Signals::waiting`].
    pub fn changed(&mut self, _owner: &EndpointId, _change: &Changed) {}

    /// An owner left the room, which tells clients to drop its sources: nothing of it is to be signalled any more.
    pub fn left(&mut self, _owner: &EndpointId) {}

    /// Whether there is something that the receiver has not been told.
    pub fn is_waiting(&self, _receiver: &EndpointId) -> bool {
        false
    }

    /// Tells the receiver everything. Call only while its session is active.
    pub fn flush(&mut self, _receiver: &EndpointId) -> Flush {
        Flush::default()
    }
}
