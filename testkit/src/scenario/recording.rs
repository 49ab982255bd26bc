//! What the core was fed and what it said, so that another one can be fed the same and has to say the same.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use jicofo::config::Config;
use jicofo::focus::{Connection, Focus, Input, Output, Timestamp};
use jicofo::wire::xml;

/// The words with which the core panics when it is made to.
const SABOTAGE: &str = "sabotage";

/// One life of a core.
pub struct Recording {
    config: Arc<Config>,
    seed: u64,
    steps: Vec<Step>,
}

/// One input, and what came of it.
struct Step {
    at: Timestamp,
    input: Input,
    /// Set on purpose before it: see [`Focus::sabotage`].
    sabotage: Option<u32>,
    outputs: Vec<(Connection, String)>,
}

impl Recording {
    pub fn new(config: Arc<Config>, seed: u64) -> Recording {
        Recording { config, seed, steps: Vec::new() }
    }

    /// How many inputs there were.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn input(&mut self, at: Timestamp, input: &Input, sabotage: Option<u32>) {
        self.steps.push(Step { at, input: input.clone(), sabotage, outputs: Vec::new() });
    }

    pub(super) fn output(&mut self, on: Connection, text: &str) {
        if let Some(step) = self.steps.last_mut() {
            step.outputs.push((on, text.to_owned()));
        }
    }

    /// Plays it into a fresh core; tells where that one says something else.
    pub fn replay(self) -> Result<(), String> {
        let mut focus = Focus::new(self.config, self.seed);
        for (number, step) in self.steps.into_iter().enumerate() {
            let told = format!("{:?}", step.input).chars().take(400).collect::<String>();
            if let Some(stanzas) = step.sabotage {
                focus.sabotage(stanzas);
            }
            handle(&mut focus, step.at, step.input);
            let said: Vec<(Connection, String)> = std::iter::from_fn(|| focus.poll_output())
                .map(|Output::Send { on, stanza }| (on, xml::to_string(&stanza)))
                .collect();
            if said != step.outputs {
                return Err(format!(
                    "a fresh core says something else at input {number}, {told}:\n{said:?}\nnot\n{:?}",
                    step.outputs
                ));
            }
        }
        Ok(())
    }
}

/// As the shell does it: a failure ends one conference. Only one that was asked for is forgiven. True: it failed.
pub(super) fn handle(focus: &mut Focus, now: Timestamp, input: Input) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| focus.handle(now, input))) else { return false };
    if panic.downcast_ref::<&str>() != Some(&SABOTAGE) {
        resume_unwind(panic);
    }
    focus.recover(now);
    true
}
