//! Simulated lives (docs/SIMULATION.md): a fixed few hundred, and all that ever failed.

use std::sync::atomic::{AtomicU64, Ordering};

use testkit::simulation::{Options, as_test, live};

/// Seeds that failed once, one a line, with a word on what it was.
const FAILED: &str = include_str!("../seeds");

/// So many lives are played from the fixed start.
const LIVES: u64 = 300;

fn play(seeds: &[u64]) {
    let next = AtomicU64::new(0);
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            if let Err(failure) = live(*seed, &Options::default()) {
                let (plan, failure) = *failure;
                panic!("seed {seed} fails {failure}\n\n{}", as_test(&plan));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

#[test]
fn lives_of_fixed_seeds_are_clean() {
    play(&(1..=LIVES).collect::<Vec<_>>());
}

#[test]
fn lives_that_failed_once_are_clean() {
    let seeds = FAILED.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| !word.starts_with('#'));
    let seeds: Vec<u64> = seeds.map(|seed| seed.parse().expect("a seed")).collect();
    assert!(!seeds.is_empty());
    play(&seeds);
}
