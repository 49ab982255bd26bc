//! Visitors: whoever only looks on is sent to a server of his own, a visitor node (spec/60 §6, docs/VISITORS.md).
//!
//! Here is what can be decided without a conference at hand; what a conference does with it is in `conference/visitors/`.

pub mod codecs;
pub mod decide;
pub(crate) mod departures;
pub(crate) mod mirrors;
pub(crate) mod nodes;
pub mod redirects;
mod requests;
pub mod select;

pub(crate) use requests::Wish;
