//! Many bridges, conferences and participants in one core: what a selection, a bridge's statistics and a bridge's death cost.
//!
//!     cargo bench -p jicofo --bench bridges [-- CONFERENCES]
//!
//! Everybody else is played by canned stanzas: nothing but the focus is timed, in processor time of the thread, reading of
//! XML apart.

mod canned;

use std::hint::black_box;
use std::time::Duration;

use canned::{BREWERY, FOCUS, HEADER, World, config, cpu, presence, resident, spent, stanza, statistics};
use jicofo::config::{LoadModel, SelectionStrategy};
use jicofo::focus::bridges::crowd::Load;
use jicofo::focus::bridges::predict::Stay;
use jicofo::focus::bridges::registry::Bridges;
use jicofo::focus::bridges::select::Wanted;
use jicofo::focus::{Connection, Input, Output, Timestamp};
use jicofo::wire::presence::{Stat, Stats};
use jicofo::wire::sm::{Incoming, read_stanza};

const BRIDGES: usize = 500;
const CONFERENCES: usize = 20_000;
const SIZE: usize = 5;

/// Statistics of all bridges, as they would say them.
fn speak(world: &mut World, stress: impl Fn(usize) -> f64) {
    for bridge in 0..BRIDGES {
        world.hear(&statistics(bridge, stress(bridge)));
    }
}

/// A room with so many people, all connected.
fn fill(world: &mut World, room: usize, people: usize) {
    world.ask(room);
    for person in 0..people {
        world.now += 1000;
        world.hear(&presence(room, room * 1000 + person));
    }
}

/// The registry alone: selections among bridges with load of all ages.
fn selections() {
    let mut bridges = Bridges::default();
    let mut settings = config();
    settings.octo.enabled = true;
    let start = Timestamp(1_000_000_000);
    for bridge in 0..BRIDGES {
        let stat = |name: &str, value: String| Stat { name: Some(name.into()), value: Some(value) };
        let stats = Stats {
            stats: vec![
                stat("stress_level", format!("0.{:03}", (bridge * 7919) % 800)),
                stat("drain", "false".into()),
                stat("relay_id", format!("jvb{bridge}")),
                stat("version", "2.3".into()),
                stat("region", format!("region-{}", bridge % 10)),
            ],
        };
        let jid = format!("{BREWERY}/jvb{bridge}").parse().expect("an address");
        bridges.presence(start, &jid, &stats, &settings.bridge);
    }
    let ids: Vec<_> = bridges.iter().map(|bridge| bridge.id.clone()).collect();
    for second in 0..20u64 {
        let now = start + Duration::from_secs(second);
        for id in &ids {
            bridges.endpoint_allocated(now, id, &settings.bridge);
            bridges.weighs(now, id, &mut Stay::new(now), Load::new(3000, 0).into());
        }
    }
    let now = start + Duration::from_secs(20);
    for strategy in [SelectionStrategy::Single, SelectionStrategy::RegionBased] {
        for model in [LoadModel::Predictive, LoadModel::Classic] {
            settings.bridge.selection_strategy = strategy;
            settings.bridge.selection_load_model = model;
            let wanted = Wanted { region: Some("region-3"), ..Wanted::default() };
            let rounds = 2000;
            let best = (0..5).map(|_| {
                let started = cpu();
                for _ in 0..rounds {
                    black_box(bridges.select(now, &settings, wanted).expect("there are bridges"));
                }
                (cpu() - started) / rounds
            });
            let best = best.min().unwrap_or_default();
            println!("selection among {BRIDGES} bridges, {strategy:?}, {model:?}: {:.1} µs", best.as_secs_f64() * 1e6);
        }
    }
}

fn main() {
    let conferences = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(CONFERENCES);
    selections();

    let mut world = World::new(config());
    speak(&mut world, |_| 0.01);
    let (empty, started) = (resident(), cpu());
    for room in 0..conferences {
        fill(&mut world, room, SIZE);
        if room % 500 == 499 {
            world.now += 1_000_000;
            world.give(Input::Tick);
        }
    }
    let gauges = world.focus.gauges();
    println!(
        "\n{} bridges, {} conferences, {} participants, {} endpoints, {} offers; {:.0} µs a join, peers included",
        gauges.bridges,
        gauges.conferences,
        gauges.participants,
        gauges.endpoints,
        world.requests.get("offers").copied().unwrap_or(0),
        (cpu() - started).as_secs_f64() * 1e6 / (conferences * SIZE) as f64
    );
    println!("resident: {:.0} MB, {:.0} MB of it before anybody came", resident(), empty);

    presences(&mut world);
    one_more_join(&mut world, conferences);
    death(&mut world, conferences);
}

/// So many bridges speak one after the other, 10 ms apart, before anybody answers what the focus says to that.
const AT_ONCE: usize = 50;

fn presences(world: &mut World) {
    let (mut reading, mut handling, mut worst) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let rounds = 12;
    for round in 0..rounds {
        for first in (0..BRIDGES).step_by(AT_ONCE) {
            let said = first..first + AT_ONCE;
            let text =
                |bridge| format!("{HEADER}{}</stream:stream>", statistics(bridge, 0.1 + f64::from(round) / 1000.0));
            let texts: Vec<String> = said.map(text).collect();
            let started = cpu();
            let read = |text: &String| match read_stanza(text) {
                Ok(Incoming::Stanza(stanza)) => Input::Stanza { on: Connection::Client, stanza },
                _ => panic!("not read: {text}"),
            };
            let inputs: Vec<Input> = texts.iter().map(read).collect();
            reading += spent(started);
            // One by one for the longest, and together for the mean: asking for the time of each costs more than each.
            if round % 2 == 0 {
                for input in inputs {
                    let started = cpu();
                    handle(world, input);
                    worst = worst.max(spent(started));
                }
            } else {
                let started = cpu();
                inputs.into_iter().for_each(|input| handle(world, input));
                handling += spent(started);
            }
            let mut answers = Vec::new();
            while let Some(Output::Send { stanza, .. }) = world.focus.poll_output() {
                world.answers(&stanza, &mut answers);
            }
            answers.iter().for_each(|text| world.hear(text));
        }
    }
    let each = |all: Duration, rounds: i32| all.as_secs_f64() * 1e6 / f64::from(rounds) / BRIDGES as f64;
    println!(
        "statistics of a bridge: handled in {:.1} µs, at most {:.0} µs (with health checks that are due); read in {:.1} µs",
        each(handling, rounds / 2),
        worst.as_secs_f64() * 1e6,
        each(reading, rounds)
    );
    let started = cpu();
    for _ in 0..100_000 {
        black_box(world.focus.poll_timeout());
    }
    println!("asked when to come back: {:.3} µs", (cpu() - started).as_secs_f64() * 1e6 / 100_000.0);
}

fn handle(world: &mut World, input: Input) {
    world.now += 10_000;
    world.focus.handle(Timestamp(world.now), input);
    black_box(world.focus.poll_timeout());
}

fn one_more_join(world: &mut World, conferences: usize) {
    let started = cpu();
    for room in 0..100 {
        fill(world, conferences + room, SIZE);
    }
    println!("joins into a full core: {:.0} µs each, peers included", (cpu() - started).as_secs_f64() * 1e6 / 500.0);
}

/// A bridge with 1,000 endpoints of 200 conferences is gone; meanwhile somebody elsewhere asks for something.
fn death(world: &mut World, conferences: usize) {
    // All to one: the others say that they are full.
    world.now += 60_000_000;
    speak(world, |bridge| if bridge == 7 { 0.0 } else { 5.0 });
    for room in 0..200 {
        fill(world, conferences + 1000 + room, SIZE);
    }
    let on_it = |world: &World| {
        let all = world.focus.bridges();
        all.iter().find(|bridge| bridge.jid.resource() == Some("jvb7")).map_or(0, |bridge| bridge.endpoints)
    };
    println!("\nthe bridge that dies has {} endpoints", on_it(world));
    world.now += 60_000_000;
    speak(world, |bridge| if bridge == 7 { 0.9 } else { 0.1 });
    let gone = stanza(&format!(
        "<presence type='unavailable' from='{BREWERY}/jvb7' to='{FOCUS}'><x xmlns='http://jabber.org/protocol/muc#user'>\
         <item affiliation='none' role='none'/></x></presence>"
    ));
    let begin = world.now;
    let (mut longest, mut total, mut inputs) = (Duration::ZERO, Duration::ZERO, 0);
    let (mut moved, mut last) = (0u64, begin);
    let mut queue = vec![Input::Stanza { on: Connection::Client, stanza: gone }];
    let moved_before = world.focus.metrics().participants_moved;
    while world.now < begin + 60_000_000 {
        for input in std::mem::take(&mut queue) {
            let started = cpu();
            world.focus.handle(Timestamp(world.now), input);
            let took = spent(started);
            (longest, total, inputs) = (longest.max(took), total + took, inputs + 1);
            let mut answers = Vec::new();
            while let Some(Output::Send { stanza, .. }) = world.focus.poll_output() {
                world.answers(&stanza, &mut answers);
            }
            queue.extend(answers.iter().map(|text| Input::Stanza { on: Connection::Client, stanza: stanza(text) }));
        }
        let now = world.focus.metrics().participants_moved - moved_before;
        if now > moved {
            (moved, last) = (now, world.now);
        }
        if queue.is_empty() {
            world.now += 10_000;
            queue.push(Input::Tick);
        }
    }
    println!(
        "its death: {moved} moved within {:.1} s, {:.0} ms in all; the longest that anybody waits for one input: {:.1} ms",
        (last - begin) as f64 / 1e6,
        total.as_secs_f64() * 1e3,
        longest.as_secs_f64() * 1e3
    );
    let status = world.focus.bridges();
    let most = status.iter().map(|bridge| bridge.endpoints).max().unwrap_or(0);
    println!("the fullest bridge has {most} endpoints then; {inputs} inputs");
}
