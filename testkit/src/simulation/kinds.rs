//! Kinds of trouble that some lives have and others have not, each drawn apart: what else happens in a life is the same with it.

use super::plan::{Act, Draw, Error, Setting, What};
use crate::participant::media::Dice;

/// Which of so many lives have a kind: seeds that were kept before there was one have none.
const OF: u64 = 59;

/// What is said in its stead.
const OF_SERVERS: [Error; 5] =
    [Error::RecipientUnavailable, Error::RemoteServerTimeout, Error::NotInRoom, Error::LeftRoom, Error::NoSuchRoom];

impl Draw<'_> {
    /// Whatever this life has of them; each has some until then.
    pub(super) fn kinds(&mut self, seed: u64, setting: Setting, people: u8, end: u32, acts: &mut Vec<Act>) {
        let (every, faults) = (self.options.every_kind, self.options.faults);
        let of = seed % OF;
        if (every || matches!(of, 4..=7)) && faults.hostile {
            self.unsettled(seed, people, end, acts);
        }
        if (every || matches!(of, 31..=35)) && faults.hostile {
            self.forgers(seed, people, end, acts);
        }
        if (every || matches!(of, 38..=40)) && faults.bridges {
            self.stale(seed, setting, end, acts);
        }
        if (every || matches!(of, 42 | 44 | 49)) && faults.bridges {
            self.in_its_stead(seed, setting, end, acts);
        }
        acts.sort_by_key(|act| act.at);
    }

    fn unsettled(&mut self, seed: u64, people: u8, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("unsettled {seed}"));
        for _ in 0..1 + self.below(5) {
            let at = self.below(u64::from(end) + 1) as u32;
            let (who, other) = (self.small(people), self.small(people));
            acts.push(Act { at, what: What::ActsUnsettled(who, other, self.below(1 << 16) as u16) });
        }
    }

    fn forgers(&mut self, seed: u64, people: u8, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("forgers {seed}"));
        for _ in 0..1 + self.below(3) {
            let at = self.below(u64::from(end) + 1) as u32;
            acts.push(Act { at, what: What::AnswersForOthers(self.small(people), self.milliseconds()) });
        }
    }

    fn stale(&mut self, seed: u64, setting: Setting, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("stale {seed}"));
        for _ in 0..1 + self.below(3) {
            let at = self.below(u64::from(end) + 1) as u32;
            acts.push(Act { at, what: What::BridgeIsStale(self.small(setting.bridges), 20 + self.small(80)) });
        }
    }

    fn in_its_stead(&mut self, seed: u64, setting: Setting, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("in its stead {seed}"));
        for _ in 0..1 + self.below(5) {
            let at = self.below(u64::from(end) + 1) as u32;
            let error = OF_SERVERS[self.below(OF_SERVERS.len() as u64) as usize];
            acts.push(Act { at, what: What::BridgeFails(self.small(setting.bridges), error) });
        }
    }
}
