//! Test kit.

pub mod focus;
pub mod process;
pub mod prosody;
