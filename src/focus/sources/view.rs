//! What a receiver can see of others' sources (spec/30 §7.4).

use serde::{Deserialize, Serialize};

use super::set::SourceSet;
use crate::config;
use crate::focus::conference::features::Features;

/// How sources are written to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Encoding {
    Xml,
    Json,
}

/// What a receiver can see, and how it is told. Receivers with the same view are told the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct View {
    pub audio: bool,
    pub video: bool,
    pub strip_simulcast: bool,
    /// The bridge rewrites SSRCs: nothing of others is ever signalled (only the bridge's own sources, in the offer).
    pub rewriting: bool,
    pub encoding: Encoding,
}

impl View {
    pub fn of(_features: Features, _config: &config::Conference) -> View {
        unimplemented!()
    }

    /// What is left of a set.
    pub fn filter(&self, _set: &SourceSet) -> SourceSet {
        unimplemented!()
    }
}
