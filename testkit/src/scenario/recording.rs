//! What a core was fed in a scenario, to be fed again to another one: which has to say the same, or is measured.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use jicofo::config::Config;
use jicofo::focus::audit::Census;
use jicofo::focus::command::{CommandId, Reply};
use jicofo::focus::metrics::Metrics;
use jicofo::focus::{Connection, Focus, Input, Output, Timestamp};
use jicofo::wire::xml;

use super::Scenario;
use crate::Time;
use crate::logs::aside;
use crate::participant::profile::Profile;

/// So much time passes between two joins in [`Recording::of_rooms`]: nobody waits for anybody.
const PACE: Time = Time::from_millis(200);

/// The words with which the core panics when it is made to.
const SABOTAGE: &str = "sabotage";

/// Everything a core was fed, from its birth on.
pub struct Recording {
    pub config: Arc<Config>,
    pub seed: u64,
    pub inputs: Vec<(Timestamp, Input)>,
    /// Before which input it was told to fail, and when: see [`Focus::sabotage`].
    sabotage: BTreeMap<usize, u32>,
    /// What it said at each input.
    said: Vec<Digest>,
    /// What it had counted in the end.
    counted: Option<Metrics>,
}

/// Of what a core said at one input: how many stanzas, and a hash of their bytes; what it replied to commands, and when it
/// wanted to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Digest {
    stanzas: u32,
    hash: u64,
    replies: u64,
    wakes: Option<Timestamp>,
}

impl Digest {
    fn add(&mut self, on: Connection, text: &str) {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.hash);
        on.hash(&mut hasher);
        hasher.write(text.as_bytes());
        (self.stanzas, self.hash) = (self.stanzas + 1, hasher.finish());
    }

    fn reply(&mut self, id: CommandId, reply: &Reply) {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.replies);
        hasher.write(format!("{id:?} {reply:?}").as_bytes());
        self.replies = hasher.finish();
    }
}

impl Recording {
    pub(super) fn new(config: Arc<Config>, seed: u64) -> Recording {
        Recording { config, seed, inputs: Vec::new(), sabotage: BTreeMap::new(), said: Vec::new(), counted: None }
    }

    /// So many rooms, one after the other, each filled to that size; everybody is connected in the end.
    pub fn of_rooms(rooms: usize, size: usize) -> Recording {
        Recording::of_clients(rooms, size, Profile::current)
    }

    /// The same, with clients of one kind.
    pub fn of_clients(rooms: usize, size: usize, profile: fn() -> Profile) -> Recording {
        let mut scenario = Scenario::new().bridge("jvb1").recorded().start();
        let domain = scenario.server.options.domains.muc.clone();
        for room in 0..rooms {
            for member in 0..size {
                let home = format!("room{room}@{domain}");
                scenario.joins_with(&format!("p{room}x{member}"), |settings| {
                    settings.room = home;
                    settings.profile = profile();
                });
                scenario.run_for(PACE);
            }
        }
        scenario.settle();
        assert!(scenario.all_connected(), "{}", scenario.complaints().join("\n"));
        scenario.take_recordings().pop().expect("it is recorded")
    }

    /// A core to which nothing has happened yet.
    pub fn core(&self) -> Focus {
        log::info!(target: crate::logs::FRESH_FOCUS, "a recording is played");
        Focus::new(self.config.clone(), self.seed)
    }

    /// Plays it into a fresh core; tells where that one says something else.
    pub fn replay(self) -> Result<(), String> {
        let mut focus = self.core();
        let mut text = String::new();
        for (number, ((at, input), said)) in self.inputs.into_iter().zip(self.said).enumerate() {
            if let Some(stanzas) = self.sabotage.get(&number) {
                focus.sabotage(*stanzas);
            }
            handle(&mut focus, at, input);
            let mut digest = Digest::default();
            let mut stanzas = Vec::new();
            while let Some(output) = focus.poll_output() {
                match output {
                    Output::Send { on, stanza } => {
                        text.clear();
                        xml::write_to(&stanza, &mut text);
                        digest.add(on, &text);
                        stanzas.push(stanza);
                    }
                    Output::Reply { id, reply } => digest.reply(id, &reply),
                }
            }
            digest.wakes = focus.poll_timeout();
            if (digest.stanzas, digest.hash) == (said.stanzas, said.hash) && digest != said {
                return Err(format!(
                    "a fresh core replies or wakes otherwise at input {number}: {said:?}, and now {digest:?}"
                ));
            }
            if digest != said {
                let before = said.stanzas;
                let now: Vec<String> = stanzas.iter().map(xml::to_string).collect();
                return Err(format!(
                    "a fresh core does not say the same {before} stanzas at input {number}, but:\n{}",
                    now.join("\n")
                ));
            }
        }
        match self.counted {
            Some(counted) if counted != *focus.metrics() => {
                Err(format!("a fresh core counts otherwise: {counted:?}, and now {:?}", focus.metrics()))
            }
            _ => Ok(()),
        }
    }

    /// Who was there before the last input, and who would be there after it if the core had not failed at it.
    pub(super) fn without_failure(&self) -> (Census, Census) {
        aside(|| self.play_without_failure())
    }

    fn play_without_failure(&self) -> (Census, Census) {
        let mut focus = Focus::new(self.config.clone(), self.seed);
        // It fails once each time that it is told to: what it was told last it has just done.
        let struck = self.sabotage.last_key_value().map(|(number, _)| *number);
        let mut before = Census::default();
        for (number, (at, input)) in self.inputs.iter().enumerate() {
            if let Some(stanzas) = self.sabotage.get(&number) {
                // What it was told before it was to forget all the same.
                focus.sabotage(if Some(number) == struck { u32::MAX } else { *stanzas });
            }
            if number + 1 == self.inputs.len() {
                before = focus.census();
            }
            handle(&mut focus, *at, input.clone());
            while focus.poll_output().is_some() {}
        }
        (before, focus.census())
    }

    /// Of all that it said.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.said.iter().for_each(|said| hasher.write_u64(said.hash));
        hasher.finish()
    }

    pub(super) fn input(&mut self, at: Timestamp, input: &Input, sabotage: Option<u32>) {
        self.sabotage.extend(sabotage.map(|stanzas| (self.inputs.len(), stanzas)));
        self.inputs.push((at, input.clone()));
        self.said.push(Digest::default());
    }

    /// To a command.
    pub(super) fn reply(&mut self, id: CommandId, reply: &Reply) {
        if let Some(digest) = self.said.last_mut() {
            digest.reply(id, reply);
        }
    }

    /// What the core is left with after an input.
    pub(super) fn wakes(&mut self, at: Option<Timestamp>) {
        if let Some(digest) = self.said.last_mut() {
            digest.wakes = at;
        }
    }

    /// It has had its last input.
    pub(super) fn ends(&mut self, counted: &Metrics) {
        self.counted = Some(counted.clone());
    }

    pub(super) fn output(&mut self, on: Connection, text: &str) {
        if let Some(digest) = self.said.last_mut() {
            digest.add(on, text);
        }
    }
}

/// As the shell does it. Only a failure that was asked for is forgiven.
pub(super) fn handle(focus: &mut Focus, now: Timestamp, input: Input) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| focus.handle(now, input))) else { return };
    if panic.downcast_ref::<&str>() != Some(&SABOTAGE) {
        resume_unwind(panic);
    }
    focus.recover(now);
}

#[cfg(test)]
mod tests {
    use super::Recording;
    use crate::Time;
    use crate::participant::profile::Profile;

    fn wrong(change: impl FnOnce(&mut Recording)) -> String {
        let mut recording = Recording::of_clients(1, 2, Profile::current);
        change(&mut recording);
        recording.replay().expect_err("it is noticed")
    }

    #[test]
    fn a_core_that_says_wakes_or_counts_otherwise_is_noticed() {
        assert_eq!(Recording::of_clients(1, 2, Profile::current).replay(), Ok(()));
        let last = |recording: &mut Recording| recording.said.len() - 1;
        let late = |recording: &mut Recording| {
            let last = last(recording);
            let wakes = &mut recording.said[last].wakes;
            *wakes = wakes.map(|at| at + Time::from_secs(1));
        };
        assert!(wrong(late).starts_with("a fresh core replies or wakes otherwise"));
        assert!(wrong(|it| it.said[0].replies = 7).starts_with("a fresh core replies or wakes otherwise at input 0"));
        assert!(wrong(|it| it.said[0].hash = 7).starts_with("a fresh core does not say the same"));
        let counted = |recording: &mut Recording| recording.counted.iter_mut().for_each(|counted| counted.panics += 1);
        assert!(wrong(counted).starts_with("a fresh core counts otherwise"));
    }
}
