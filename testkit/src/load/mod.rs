//! A discrete-event model of bridges whose true load follows from who is on them (docs/BRIDGES.md): to compare ways to place
//! conferences, with the focus' own registry and selection, in virtual time.
//!
//! What is true here is not what the focus assumes: media costs something else than it thinks, flows only after a while, and
//! a bridge measures seldom, in the mean of a while, with noise, and says so late.

mod plan;
mod play;
#[cfg(test)]
mod tests;
mod truth;

pub use plan::{BridgePlan, Person, Plan, SCENARIOS, Strategy};
pub use play::{Chooser, Outcome, play};
pub use truth::Costs;

/// A small generator (splitmix64): the same seed, the same plan, on every machine.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// In [low, high).
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    pub fn whole(&mut self, low: u64, high: u64) -> u64 {
        low + (self.unit() * (high - low) as f64) as u64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}
