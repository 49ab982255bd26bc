//! Compares ways to estimate the load of bridges, in a model of bridges (docs/BRIDGES.md).

use std::process::ExitCode;

use jicofo::config::LoadModel;
use testkit::load::{Chooser, Outcome, Plan, SCENARIOS, Strategy, play};

const USAGE: &str = "\
placement [--seeds FIRST..LAST] [--scenario WORDS]

  --seeds 1001..1040    play these seeds, the last one included
  --scenario draining   only those with these words in their name";

fn main() -> ExitCode {
    match read_arguments() {
        Ok((first, last, words)) => {
            print(first, last, &words);
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn read_arguments() -> Result<(u64, u64, String), String> {
    let (mut first, mut last, mut words) = (1001, 1040, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} lacks its value"))?;
        match name.as_str() {
            "--seeds" => {
                let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no number"));
                let (from, to) = value.split_once("..").ok_or("seeds are FIRST..LAST")?;
                (first, last) = (number(from)?, number(to)?);
            }
            "--scenario" => words = value,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok((first, last, words))
}

fn print(first: u64, last: u64, words: &str) {
    println!(
        "Means of seeds {first} to {last}; worst: the highest peak of any seed; worse: seeds in which it is higher"
    );
    for strategy in [Strategy::Single, Strategy::RegionBased] {
        println!("\n{strategy:?}");
        println!(
            "{:<30} {:<12} {:>6} {:>7} {:>7} {:>7} {:>6} {:>7} {:>7} {:>6} {:>6}",
            "", "", "peak", "change", "worst", "spread", "over", "error", "bridges", "moves", "worse"
        );
        for (name, make) in SCENARIOS.iter().filter(|(name, _)| name.contains(words)) {
            let plans: Vec<(u64, Plan)> = (first..=last).map(|seed| (seed, Plan::new(name, *make, seed))).collect();
            let all =
                |chooser| plans.iter().map(|(seed, plan)| play(plan, strategy, chooser, *seed)).collect::<Vec<_>>();
            let classic = all(Chooser::Model(LoadModel::Classic));
            line(name, "classic", &classic, &classic);
            line("", "predictive", &all(Chooser::Model(LoadModel::Predictive)), &classic);
            if strategy == Strategy::Single {
                line("", "clairvoyant", &all(Chooser::Clairvoyant), &classic);
            }
        }
    }
}

fn line(name: &str, chooser: &str, outcomes: &[Outcome], classic: &[Outcome]) {
    let of = |outcomes: &[Outcome], value: fn(&Outcome) -> f64| {
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let count = outcomes.len() as f64;
        outcomes.iter().map(value).sum::<f64>() / count
    };
    let mean = |value: fn(&Outcome) -> f64| of(outcomes, value);
    let change = 100.0 * (mean(|it| it.peak) / of(classic, |it| it.peak) - 1.0);
    let worst = outcomes.iter().map(|it| it.peak).fold(0.0, f64::max);
    let worse = outcomes.iter().zip(classic).filter(|(ours, theirs)| ours.peak > theirs.peak + 0.005).count();
    println!(
        "{name:<30} {chooser:<12} {:>6.2} {change:>6.0}% {worst:>7.2} {:>7.2} {:>6.0} {:>7.3} {:>7.2} {:>6.1} {worse:>6}",
        mean(|it| it.peak),
        mean(|it| it.spread),
        mean(|it| it.overloaded),
        mean(|it| it.error),
        mean(|it| it.bridges_per_conference),
        mean(|it| f64::from(it.moves)),
    );
}
