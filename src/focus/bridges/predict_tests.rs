//! What the account of a bridge makes of what is put on it and of what it reports (docs/BRIDGES.md).

use super::*;

fn at(seconds: f64) -> Timestamp {
    Timestamp(1_000_000_000) + Duration::from_secs_f64(seconds)
}

/// So many packets a second.
fn load(packets: u64) -> Load {
    Load::new(packets, 0)
}

/// A bridge that measures every ten seconds what is true, at so much a packet, with this account.
fn live(forecast: &mut Forecast, seconds: std::ops::Range<u32>, slope: f64, fleet: f64, packets: impl Fn(u32) -> u64) {
    let mut before = load(packets(seconds.start));
    for second in seconds {
        let after = load(packets(second));
        forecast.carries(at(f64::from(second)), before, after);
        before = after;
        if second % 10 == 0 {
            // What is true of it, in the mean of the window in which a measurement shows it.
            let shown = forecast.shown(at(f64::from(second))).mean;
            forecast.reported(at(f64::from(second)), slope * shown + f64::from(second) * 1e-9, fleet);
        }
    }
}

#[test]
fn a_bridge_that_is_unlike_others_is_known_by_its_reports() {
    let prior = 1e-5;
    for slope in [4e-5, 0.25e-5] {
        let mut forecast = Forecast::new(prior);
        forecast.carries(at(0.0), load(0), load(20_000));
        live(&mut forecast, 0..600, slope, prior, |second| 20_000 + u64::from(second / 100) * 5_000);
        assert!(forecast.learned().is_some_and(|learned| (learned / slope - 1.0).abs() < 0.2), "{slope}");
        // Ten thousand more are worth what they are worth there, and not what they are elsewhere.
        forecast.carries(at(601.0), load(0), load(10_000));
        assert!((forecast.unreported() / (slope * 10_000.0) - 1.0).abs() < 0.2, "{slope}: {}", forecast.unreported());
        assert!(forecast.error() < 0.02);
    }
}

#[test]
fn what_is_reported_is_no_longer_added_and_what_has_left_is_taken_off() {
    let prior = 1e-5;
    let mut forecast = Forecast::new(prior);
    forecast.reported(at(0.0), 0.0, prior);
    forecast.carries(at(1.0), load(0), load(10_000));
    assert!((forecast.unreported() - 0.1).abs() < 1e-9);
    // Too early to show: a report says nothing of it yet.
    assert!(forecast.reported(at(3.0), 0.001, prior).is_some());
    assert!((forecast.unreported() - 0.1).abs() < 1e-9);
    forecast.reported(at(60.0), 0.1, prior);
    assert!(forecast.unreported().abs() < 1e-9, "{}", forecast.unreported());
    forecast.carries(at(61.0), load(10_000), load(0));
    assert!(forecast.unreported() < -0.05);
}

#[test]
fn the_same_value_is_the_same_measurement() {
    let mut forecast = Forecast::new(1e-5);
    forecast.reported(at(0.0), 0.3, 1e-5);
    forecast.carries(at(1.0), load(0), load(10_000));
    let before = forecast.unreported();
    assert_eq!(forecast.reported(at(20.0), 0.3, 1e-5), None);
    assert!((forecast.unreported() - before).abs() < 1e-12);
    // But not for ever.
    assert!(forecast.reported(at(40.0), 0.3, 1e-5).is_some());
    assert!(forecast.unreported().abs() < before);
}

#[test]
fn a_new_conference_is_expected_to_become_like_others() {
    let mut fleet = Fleet::default();
    let mut forecast = Forecast::new(1e-5);
    for hour in 0..200 {
        let now = at(f64::from(hour) * 3600.0);
        let mut stay = Stay::new(now);
        for people in 1..=20 {
            fleet.weighs(now + Duration::from_secs(people), &mut forecast, &mut stay, load(900 * people).into());
        }
        fleet.weighs(now + Duration::from_secs(1800), &mut forecast, &mut stay, Weight::NONE);
    }
    assert_eq!(forecast.carried(), Load::NONE);
    let now = at(1e6);
    let full = 18_000.0;
    let mut stay = Stay::new(now);
    assert!(forecast.growing(now).abs() < 1e-9);
    fleet.weighs(now, &mut forecast, &mut stay, load(900).into());
    let hoped = forecast.growing(now) / 1e-5;
    assert!(hoped > 0.3 * full && hoped < full, "{hoped} of {full}");
    // Less, the longer it does not come about.
    assert!(forecast.growing(now + Duration::from_secs(60)) < 0.1 * forecast.growing(now));
    // It is complete: no more is to come.
    fleet.weighs(now, &mut forecast, &mut stay, load(18_000).into());
    assert!(forecast.growing(now) / 1e-5 < 0.3 * full);
}

#[test]
fn an_account_can_be_written_down() {
    let mut forecast = Forecast::new(1e-5);
    live(&mut forecast, 0..100, 1e-5, 1e-5, |second| u64::from(second) * 100);
    let text = serde_json::to_string(&forecast).expect("JSON");
    let read: Forecast = serde_json::from_str(&text).expect("the same");
    assert_eq!((read.carried(), &read.past), (forecast.carried(), &forecast.past));
    assert!((read.unreported() - forecast.unreported()).abs() < 1e-12);
}
