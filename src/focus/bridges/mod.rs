//! The bridges there are, how they are, and which one is taken next (spec/50).

pub mod crowd;
pub mod health;
pub mod ice;
pub mod load;
pub mod predict;
pub mod registry;
pub mod select;
pub mod status;
