//! Lives that failed once, written down: their seeds mean others since the draws have changed.

mod first;
mod later;
mod service;

use testkit::simulation::{Act, Plan, Setting};

/// A plan, as a constant.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    pub seed: u64,
    pub setting: Setting,
    pub acts: &'static [Act],
}

/// All of them.
pub fn all() -> Vec<Plan> {
    let stored = first::PLANS.iter().chain(later::PLANS).chain(service::PLANS);
    stored.map(|it| Plan { seed: it.seed, setting: it.setting, acts: it.acts.to_vec() }).collect()
}
