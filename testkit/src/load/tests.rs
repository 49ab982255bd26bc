//! That the predictive load model places no worse than the original's, by the table of docs/BRIDGES.md in small.

use jicofo::config::LoadModel;

use super::{Chooser, Outcome, Plan, SCENARIOS, Strategy, play};

/// Of seeds that were not used to choose the model's constants.
const SEEDS: std::ops::RangeInclusive<u64> = 2001..=2004;

fn outcomes(scenario: &str, strategy: Strategy, model: LoadModel) -> Vec<Outcome> {
    let (name, make) = SCENARIOS.iter().find(|(name, _)| *name == scenario).expect("a scenario");
    SEEDS.map(|seed| play(&Plan::new(name, *make, seed), strategy, Chooser::Model(model), seed)).collect()
}

fn mean(outcomes: &[Outcome], value: fn(&Outcome) -> f64) -> f64 {
    let count = u32::try_from(outcomes.len()).expect("few");
    outcomes.iter().map(value).sum::<f64>() / f64::from(count)
}

/// The peak of true stress with the predictive model, as a part of that with the classic one.
fn peak(scenario: &str, strategy: Strategy) -> f64 {
    let predictive = outcomes(scenario, strategy, LoadModel::Predictive);
    let classic = outcomes(scenario, strategy, LoadModel::Classic);
    assert!(mean(&predictive, |it| it.error) < mean(&classic, |it| it.error), "{scenario}: predictions are no better");
    mean(&predictive, |it| it.peak) / mean(&classic, |it| it.peak)
}

/// What came out of those bursts when this was written: the peak with the predictive model as a part of that with the classic one.
const PARTS: [f64; 4] = [0.900, 0.881, 1.030, 0.689];

/// What a change may cost that is not meant to change anything here.
const MARGIN: f64 = 0.01;

/// Covers spec/90: 82.
///
/// Also where media costs twice or half of what the focus assumes.
#[test]
fn a_burst_of_joins_loads_no_bridge_more_than_with_the_original_model() {
    let bursts =
        ["burst, rooms of 2 to 100", "burst, rooms of 2 to 10", "burst, video costs twice", "burst, video costs half"];
    let parts = bursts.map(|scenario| peak(scenario, Strategy::Single));
    // The same seeds, the same plays: a model that is a few parts in a hundred worse shows.
    assert!(parts.iter().zip(PARTS).all(|(part, most)| *part <= most + MARGIN), "{parts:?}, at most {PARTS:?}");
}

/// Where a participant costs more than the configuration says, as on small bridges.
#[test]
fn what_participants_cost_is_learned() {
    let part = peak("burst, 40 small bridges", Strategy::Single);
    assert!(part <= 0.85, "{part}");
}

#[test]
fn bridges_of_different_sizes_are_told_apart() {
    for (strategy, most) in [(Strategy::Single, 0.85), (Strategy::RegionBased, 0.85)] {
        let part = peak("burst, bridges 1:4", strategy);
        assert!(part <= most, "{strategy:?}: {part}");
    }
}

/// Who drains gets nobody, whoever comes to whatever conference; the others are loaded no more for it than with the classic model.
#[test]
fn a_burst_while_a_bridge_drains_is_for_the_others() {
    for (strategy, most) in [(Strategy::Single, 1.1), (Strategy::RegionBased, 0.97)] {
        let [classic, predictive] = [LoadModel::Classic, LoadModel::Predictive]
            .map(|model| outcomes("burst, one bridge draining", strategy, model));
        let part = mean(&predictive, |it| it.peak) / mean(&classic, |it| it.peak);
        assert!(part <= most, "{strategy:?}: {part}");
        let wrong =
            |outcomes: &[Outcome]| outcomes.iter().any(|it| it.on_draining > 0 && strategy == Strategy::RegionBased);
        assert!(!wrong(&classic) && !wrong(&predictive), "{strategy:?}");
        // A conference that is there stays: with one bridge a conference it has nowhere else to grow. No more come to it than
        // with the classic model.
        let came = |outcomes: &[Outcome]| outcomes.iter().map(|it| it.on_draining).sum::<u32>();
        assert!(came(&predictive) <= came(&classic), "{strategy:?}: {predictive:?} {classic:?}");
        assert!(predictive.iter().all(|it| it.refused == 0), "{predictive:?}");
    }
}

/// Where conferences may be on several bridges: less load at the peak, on fewer bridges each, with fewer moves.
#[test]
fn conferences_are_spread_over_fewer_bridges_and_load_none_of_them_more() {
    for (scenario, most) in [("burst, rooms of 2 to 100", 1.0), ("leave waves", 0.85)] {
        let [classic, predictive] =
            [LoadModel::Classic, LoadModel::Predictive].map(|model| outcomes(scenario, Strategy::RegionBased, model));
        let part = |value: fn(&Outcome) -> f64| mean(&predictive, value) / mean(&classic, value);
        let parts = [part(|it| it.peak), part(|it| it.bridges_per_conference - 1.0), part(|it| it.error)];
        assert!(parts[0] <= most && parts[1] <= 0.7 && parts[2] <= 0.5, "{scenario}: {parts:?}");
        let moves = |outcomes: &[Outcome]| outcomes.iter().map(|it| it.moves).sum::<u32>();
        assert!(moves(&predictive) <= moves(&classic), "{scenario}");
    }
}

/// Those who look on cost what they are sent and no more, and the links to their bridges are cheap.
#[test]
fn an_audience_loads_no_bridge_more_than_with_the_original_model() {
    let scenarios = ["visitors, rooms of 20 to 200", "visitors, who come to speakers"];
    let parts = [Strategy::RegionBased, Strategy::Visitors].map(|strategy| scenarios.map(|it| peak(it, strategy)));
    let all: f64 = parts.iter().flatten().sum();
    assert!(parts.iter().flatten().all(|part| *part <= 1.1) && all / 4.0 <= 1.0, "{parts:?}");
    let part = peak("visitors, bridges 1:4", Strategy::Visitors);
    assert!(part <= 0.9, "{part}");
}

/// With bridges for visitors a conference is on more of them than without.
#[test]
fn visitors_have_bridges_of_their_own_if_it_is_configured_so() {
    let bridges = |strategy| {
        let outcomes = outcomes("visitors, who come to speakers", strategy, LoadModel::Predictive);
        mean(&outcomes, |it| it.bridges_per_conference)
    };
    assert!(bridges(Strategy::Visitors) > bridges(Strategy::RegionBased) + 0.2);
}

#[test]
fn no_peak_is_below_an_even_division() {
    for strategy in [Strategy::Single, Strategy::RegionBased] {
        let outcomes = outcomes("burst, rooms of 2 to 10", strategy, LoadModel::Predictive);
        assert!(outcomes.iter().all(|it| it.even > 0.0 && it.even < it.peak), "{outcomes:?}");
    }
}

#[test]
fn the_same_plan_goes_the_same_way_twice() {
    let once = || outcomes("leave waves", Strategy::Single, LoadModel::Predictive);
    assert_eq!(once(), once());
}
