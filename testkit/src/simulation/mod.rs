//! The simulator: lives of a focus, drawn from a seed, in which everything goes wrong that can (docs/SIMULATION.md).
//!
//! A [`Plan`] says what happens when; [`play`] lets it happen and looks, after every input of the core, whether all that
//! must hold does; a plan that fails is cut down to few acts by [`shrink`].

mod acts;
mod causes;
mod fairness;
mod hostile;
mod judge;
mod kinds;
mod leaders;
mod mutes;
mod options;
mod peers;
pub mod plan;
mod play;
mod refusals;
mod shrink;
mod stored;
mod strangers;
mod unsettled;
mod upheavals;
mod visitors;
mod watchdog;

use std::fmt;

pub use plan::{Act, Client, Error, Faults, Options, Plan, Setting, What};
pub use play::{play, play_with};
pub use shrink::shrink;
pub use stored::Stored;

/// A life that was lived to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lived {
    /// How many inputs the core had.
    pub inputs: usize,
    /// A digest of all that was sent: the same wherever and however often this life is lived.
    pub said: u64,
}

/// What went wrong in a life.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The number of the core's input after which it was seen.
    pub step: usize,
    pub wrong: Vec<String>,
    /// Which stanzas reached whom, in the end.
    pub wire: String,
    /// What the core remembers of the rooms concerned.
    pub stories: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { step, wrong, wire, stories } = self;
        write!(f, "at step {step}:\n  {}\n\nOn the wire:\n{wire}\n\n{stories}", wrong.join("\n  "))
    }
}

/// Plays a plan, and panics with all there is to say if it fails: for tests.
#[track_caller]
pub fn survives(plan: &Plan) {
    if let Err(failure) = play(plan) {
        panic!("seed {} fails {failure}", plan.seed);
    }
}

/// A life that failed.
#[derive(Debug, Clone)]
pub struct Failed {
    /// After which input of the core the whole life did, and how many acts it had.
    pub step: usize,
    pub acts: usize,
    /// The shortest plan that fails alike, and how it does.
    pub plan: Plan,
    pub failure: Failure,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { step, acts, plan, failure } = self;
        write!(f, "at step {step} of {acts} acts; with {} of them {failure}", plan.acts.len())
    }
}

/// Plays the life of a seed; if it fails, with the shortest plan that fails alike.
pub fn live(seed: u64, options: &Options) -> Result<Lived, Box<Failed>> {
    live_as(Plan::of(seed, options))
}

/// Plays the life of a plan; if it fails, with the shortest that fails alike.
pub fn live_as(plan: Plan) -> Result<Lived, Box<Failed>> {
    play(&plan).map_err(|failure| {
        let (step, acts) = (failure.step, plan.acts.len());
        let (plan, failure) = shrink(plan, failure);
        Box::new(Failed { step, acts, plan, failure })
    })
}

/// A test that plays this plan.
pub fn as_test(plan: &Plan) -> String {
    let mut text = format!(
        "#[test]\nfn seed_{}() {{\n    use testkit::simulation::{{Act, Client::*, Error::*, Plan, Setting, What::*, survives}};\n    \
         survives(&Plan {{\n        seed: {},\n        setting: {},\n        acts: vec![\n",
        plan.seed,
        plan.seed,
        plan.setting.written()
    );
    for act in &plan.acts {
        text += &format!("            {act:?},\n");
    }
    text + "        ],\n    });\n}"
}
