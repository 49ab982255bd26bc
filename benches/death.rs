//! A bridge with a thousand endpoints dies: how long the core is busy with it at a time, so that nobody else is served, and how
//! long it takes until all of them have a place elsewhere.
//!
//!     cargo bench -p jicofo --bench death
//!
//! Recorded in the test kit's virtual time and fed again to fresh cores. Of several runs the one with the shortest longest
//! turn: on a busy machine others come in between.

use std::hint::black_box;
use std::time::{Duration, Instant};

use jicofo::config::SelectionStrategy;
use jicofo::focus::Output;
use testkit::participant::media::microphone;
use testkit::participant::profile::Profile;
use testkit::scenario::{Recording, Scenario};

const ENDPOINTS: usize = 1000;
const RUNS: usize = 9;

/// What was recorded, the number of the input with which the bridge dies, and how long the moves took.
fn death(rooms: usize, others: usize) -> (Recording, usize, Duration) {
    let mut builder = Scenario::new().config(|config| {
        config.octo.enabled = true;
        config.bridge.selection_strategy = SelectionStrategy::RegionBased;
        config.bridge.stress_threshold = 1e6;
        config.bridge.max_bridge_participants = -1;
    });
    builder = builder.relay_bridge("dying", "here");
    for other in 0..others {
        builder = builder.relay_bridge(&format!("jvb{other}"), "there");
    }
    let mut s = builder.recorded().start();
    for number in 0..ENDPOINTS {
        let room = format!("room{}@conference.meet.test", number % rooms);
        s.joins_with(&format!("p{number}"), |p| {
            p.room = room;
            p.region = Some("here".into());
            p.profile = Profile::ssrc_rewriting();
            p.tracks = vec![microphone()];
        });
        s.run_for(Duration::from_millis(20));
    }
    s.settle();
    assert_eq!(s.view_bridge("dying").endpoint_count(), ENDPOINTS);
    let (died, first) = (s.now(), s.inputs());
    s.dies("dying");
    s.run_for(Duration::from_secs(30));
    assert_eq!(s.bridges().map(|bridge| bridge.endpoint_count()).sum::<usize>(), ENDPOINTS);
    let placed = s.said().since(died).containing("ice-controlling").times();
    let last = placed.into_iter().max().unwrap_or_default();
    (s.take_recordings().pop().expect("it is recorded"), first, last.saturating_sub(died))
}

/// The longest turn after the death, and all of them together.
fn play(recording: &Recording, first: usize) -> (Duration, Duration) {
    let inputs = recording.inputs.clone();
    let mut focus = recording.core();
    let (mut longest, mut all) = (Duration::ZERO, Duration::ZERO);
    for (number, (at, input)) in inputs.into_iter().enumerate() {
        let began = Instant::now();
        focus.handle(at, input);
        while let Some(output) = focus.poll_output() {
            if let Output::Send { stanza, .. } = output {
                black_box(jicofo::wire::xml::to_string(&stanza));
            }
        }
        if number >= first {
            longest = longest.max(began.elapsed());
            all += began.elapsed();
        }
    }
    (longest, all)
}

fn main() {
    println!("{:>8} {:>15} {:>14} {:>10} {:>14}", "rooms", "other bridges", "longest turn", "all", "last is placed");
    for (rooms, others) in [(500, 10), (20, 10), (20, 1), (1, 10)] {
        let (recording, first, took) = death(rooms, others);
        let best = (0..RUNS).map(|_| play(&recording, first)).min().unwrap_or_default();
        println!(
            "{rooms:>8} {others:>15} {:>11.2} ms {:>7.0} ms {:>12.1} s",
            best.0.as_secs_f64() * 1e3,
            best.1.as_secs_f64() * 1e3,
            took.as_secs_f64()
        );
    }
}
