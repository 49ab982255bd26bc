//! What a join costs the core in a room that grows to 5,000, where everybody sends and is told of everybody.
//!
//!     cargo bench -p jicofo --bench rooms [-- 500]     no larger than this
//!
//! Everybody else is played by canned stanzas. Processor time of the core alone, from a newcomer's presence to the last of the
//! others' answers to what they are told of him, in the mean of the last joins before the room has its size: one after the
//! other, as the cost of the next one is the question.

mod canned;

use std::time::Duration;

use canned::{World, config, cpu, presence, resident, spent, stanza, statistics};
use jicofo::focus::{Connection, Input, Output};
use jicofo::wire::stanza::{IqBody, Payload, Stanza};
use jicofo::wire::xml;

const SIZES: [usize; 4] = [5, 50, 500, 5_000];

/// Microseconds between two joins.
const PACE: u64 = 20_000;

/// What some joins came to.
#[derive(Default)]
struct Cost {
    joins: usize,
    inputs: usize,
    stanzas: usize,
    bytes: usize,
    core: Duration,
    writing: Duration,
}

/// Somebody comes, and whatever follows from it. Nobody answers what he is told of others if it is not for a `cost`: it makes
/// no difference to the core, and the room is filled in less time.
fn join(world: &mut World, person: usize, mut cost: Option<&mut Cost>) {
    world.now += PACE;
    let mut inputs = vec![Input::Stanza { on: Connection::Client, stanza: stanza(&presence(0, person)) }];
    let tick = world.focus.poll_timeout().is_some_and(|at| at <= world.time());
    inputs.extend(tick.then_some(Input::Tick));
    let mut written = String::new();
    while !inputs.is_empty() {
        let (now, count) = (world.time(), inputs.len());
        let mut said = Vec::new();
        let started = cpu();
        for input in inputs.drain(..) {
            world.focus.handle(now, input);
            while let Some(output) = world.focus.poll_output() {
                said.push(output);
            }
        }
        let took = spent(started);
        if let Some(cost) = &mut cost {
            (cost.inputs, cost.core) = (cost.inputs + count, cost.core + took);
            let started = cpu();
            for stanza in said.iter().filter_map(Output::stanza) {
                written.clear();
                xml::write_to(stanza, &mut written);
                (cost.stanzas, cost.bytes) = (cost.stanzas + 1, cost.bytes + written.len());
            }
            cost.writing += spent(started);
        }
        let mut answers = Vec::new();
        let answered = said.iter().filter_map(Output::stanza).filter(|stanza| cost.is_some() || !is_of_sources(stanza));
        answered.for_each(|stanza| world.answers(stanza, &mut answers));
        inputs.extend(answers.iter().map(|text| Input::Stanza { on: Connection::Client, stanza: stanza(text) }));
    }
}

/// Whether it tells of sources, and of nothing else.
fn is_of_sources(said: &Stanza) -> bool {
    let Stanza::Iq(iq) = said else { return false };
    matches!(&iq.body, IqBody::Set(Payload::Jingle(jingle)) if jingle.action.as_deref() == Some("source-add"))
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn main() {
    let most = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(SIZES[3]);
    println!("The next join into a room, everybody's answers included: processor time of the core");
    println!(
        "{:>6} {:>12} {:>12} {:>12} {:>10} {:>12} {:>14} {:>14}",
        "room", "a join", "inputs", "inputs/s", "stanzas", "µs a stanza", "writing them", "kB a join"
    );
    let mut world = World::new(config());
    world.hear(&statistics(0, 0.01));
    world.ask(0);
    let mut people = 0;
    for size in SIZES.into_iter().filter(|size| *size <= most) {
        let measured = (size / 5).clamp(2, 20);
        while people < size - measured {
            join(&mut world, people, None);
            people += 1;
        }
        let mut cost = Cost::default();
        while people < size {
            join(&mut world, people, Some(&mut cost));
            (people, cost.joins) = (people + 1, cost.joins + 1);
        }
        let each = |count: usize| count as f64 / cost.joins as f64;
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / cost.joins as f64;
        println!(
            "{size:>6} {:>9.0} µs {:>12.1} {:>12.0} {:>10.1} {:>12.2} {:>11.0} µs {:>14.1}",
            micros(cost.core),
            each(cost.inputs),
            cost.inputs as f64 / cost.core.as_secs_f64(),
            each(cost.stanzas),
            cost.core.as_secs_f64() * 1e6 / cost.stanzas as f64,
            micros(cost.writing),
            each(cost.bytes) / 1000.0
        );
    }
    let gauges = world.focus.gauges();
    assert_eq!((gauges.participants, gauges.endpoints), (people, people), "everybody has a place");
    println!("{} participants; resident: {:.0} MB", gauges.participants, resident());
}
