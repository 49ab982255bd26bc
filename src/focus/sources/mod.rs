//! Who sends what: the sources of a conference, what may be changed about them, and what others are told (spec/30 §7, §9, §10).

pub mod compact;
#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
pub(crate) mod samples;
pub mod set;
pub mod signal;
pub mod validate;
pub mod view;
