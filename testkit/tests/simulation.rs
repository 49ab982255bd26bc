//! Simulated lives (docs/SIMULATION.md): a fixed few hundred, all that ever failed, and some of a focus that does wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use testkit::scenario::Tamper;
use testkit::simulation::{Options, Plan, as_test, live, play_with};

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

/// So many lives notice anything that the focus does wrong again and again.
const NOTICED: u64 = 12;

/// What a focus does wrong, each time that there is occasion; and what is complained of.
const WRONGS: [(&str, Tamper, &str); 9] = [
    ("withdraws no sources", |said| said.contains("action='source-remove'").then(Vec::new), ""),
    ("tells of sources twice", |said| twice(said, "action='source-add'"), "twice"),
    ("ends no session", |said| said.contains("action='session-terminate'").then(Vec::new), ""),
    ("lets nobody go from a bridge", |said| is_expiry(said).then(Vec::new), ""),
    ("tells of other sources", |said| instead(said, "action='source-add'", "ssrc='", "ssrc='1"), ""),
    ("answers no request of a client", |said| is_answer(said).then(Vec::new), "no answer"),
    ("answers twice", |said| if is_answer(said) { twice(said, "type='result'") } else { None }, ""),
    ("writes what is no XML", |said| instead(said, "<jingle ", "<content ", "<content <"), "not well-formed"),
    (
        "closes what is not open",
        |said| instead(said, "<conference-modify ", "</conference-modify>", "</conference>"),
        "not well-formed",
    ),
];

fn twice(said: &str, what: &str) -> Option<Vec<String>> {
    said.contains(what).then(|| vec![said.to_owned(); 2])
}

fn instead(said: &str, of: &str, old: &str, new: &str) -> Option<Vec<String>> {
    said.contains(of).then(|| vec![said.replacen(old, new, 1)])
}

fn is_expiry(said: &str) -> bool {
    said.contains("<conference-modify ") && said.contains("expire='true'")
}

fn is_answer(said: &str) -> bool {
    said.starts_with("<iq ") && said.contains("type='result'") && said.contains("@conference.")
}

#[test]
fn whatever_the_focus_does_wrong_is_noticed() {
    for (what, tamper, words) in WRONGS {
        let plays = |seed| play_with(&Plan::of(seed, &Options::default()), Some(tamper)).err().map(|it| (seed, it));
        let Some((seed, failure)) = (1..=NOTICED).find_map(plays) else { panic!("nobody notices who {what}") };
        println!("seed {seed} notices, at step {}, who {what}: {}", failure.step, failure.wrong.join("; "));
        assert!(failure.wrong.iter().any(|wrong| wrong.contains(words)), "{what}: {failure}");
    }
}
