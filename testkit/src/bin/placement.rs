//! Compares ways to estimate the load of bridges, in a model of bridges (docs/BRIDGES.md).

use std::ops::RangeInclusive;
use std::process::ExitCode;

use jicofo::config::LoadModel;
use testkit::load::{Chooser, Outcome, Plan, SCENARIOS, Strategy, play};

const USAGE: &str = "\
placement [--seeds FIRST..LAST] [--scenario WORDS] [--strategy NAME]

  --seeds 1001..1040     play these seeds, the last one included
  --scenario draining    only those with these words in their name
  --strategy Single      only with this one: Single, RegionBased or Visitors";

/// What is played.
struct Arguments {
    seeds: RangeInclusive<u64>,
    words: String,
    strategies: Vec<Strategy>,
}

fn main() -> ExitCode {
    match read_arguments() {
        Ok(arguments) => {
            print(&arguments);
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn read_arguments() -> Result<Arguments, String> {
    let strategies = vec![Strategy::Single, Strategy::RegionBased, Strategy::Visitors];
    let mut read = Arguments { seeds: 1001..=1040, words: String::new(), strategies };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} lacks its value"))?;
        match name.as_str() {
            "--seeds" => {
                let number = |text: &str| text.parse().map_err(|_| format!("'{text}' is no number"));
                let (from, to) = value.split_once("..").ok_or("seeds are FIRST..LAST")?;
                read.seeds = number(from)?..=number(to)?;
            }
            "--scenario" => read.words = value,
            "--strategy" => read.strategies.retain(|strategy| format!("{strategy:?}") == value),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    match read.strategies.is_empty() || read.seeds.is_empty() {
        true => Err("nothing is left to be played".to_owned()),
        false => Ok(read),
    }
}

fn print(Arguments { seeds, words, strategies }: &Arguments) {
    println!(
        "Means of seeds {} to {}; change: of the mean peak, with its standard error, seed by seed; even: what no choice \
         of bridges could be below; worst: the highest peak of any seed; worse: seeds in which it is higher",
        seeds.start(),
        seeds.end()
    );
    for &strategy in strategies {
        println!("\n{strategy:?}");
        println!(
            "{:<30} {:<12} {:>6} {:>6} {:>8} {:>5} {:>7} {:>7} {:>6} {:>7} {:>7} {:>6} {:>6}",
            "", "", "peak", "even", "change", "±", "worst", "spread", "over", "error", "bridges", "moves", "worse"
        );
        for (name, make) in SCENARIOS.iter().filter(|(name, _)| name.contains(words.as_str())) {
            let plans: Vec<(u64, Plan)> = seeds.clone().map(|seed| (seed, Plan::new(name, *make, seed))).collect();
            // Who has no visitors has no bridges for them.
            if strategy == Strategy::Visitors && !plans.iter().any(|(_, plan)| plan.has_visitors()) {
                continue;
            }
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
    let by_seed: Vec<f64> = outcomes.iter().zip(classic).map(|(ours, theirs)| ours.peak - theirs.peak).collect();
    let uncertain = 100.0 * standard_error(&by_seed) / of(classic, |it| it.peak);
    let worst = outcomes.iter().map(|it| it.peak).fold(0.0, f64::max);
    let worse = outcomes.iter().zip(classic).filter(|(ours, theirs)| ours.peak > theirs.peak + 0.005).count();
    println!(
        "{name:<30} {chooser:<12} {:>6.2} {:>6.2} {change:>+7.1}% {uncertain:>5.1} {worst:>7.2} {:>7.2} {:>6.0} {:>7.3} {:>7.2} {:>6.1} {worse:>6}",
        mean(|it| it.peak),
        mean(|it| it.even),
        mean(|it| it.spread),
        mean(|it| it.overloaded),
        mean(|it| it.error),
        mean(|it| it.bridges_per_conference),
        mean(|it| f64::from(it.moves)),
    );
}

/// Of the mean of these.
fn standard_error(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (variance / count).sqrt()
}
