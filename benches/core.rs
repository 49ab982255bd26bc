//! How much the core does in a second, alone and with reading and writing.
//!
//!     cargo bench -p jicofo --bench core
//!     cargo bench -p jicofo --bench core -- --sent     what is sent for a join, to whom
//!
//! Meetings are recorded in the test kit's virtual time and fed again to fresh cores: nothing but the focus is timed. It is
//! processor time, as the scheduler counts it, and the best of several runs: on a busy machine others are in the caches.

use std::hint::black_box;
use std::time::Duration;

use jicofo::focus::{Focus, Input, Timestamp};
use jicofo::wire::sm::{Incoming, read_stanza};
use jicofo::wire::xml;
use testkit::participant::profile::Profile;
use testkit::scenario::Recording;

const RUNS: usize = 5;
const HEADER: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// What came out of a core.
#[derive(Default)]
struct Said {
    stanzas: usize,
    bytes: usize,
}

/// What this thread has run. To yield brings the scheduler's account up to date.
fn cpu() -> Duration {
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says so");
    let nanos = account.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("a number first"))
}

/// The core alone: inputs in, outputs out.
fn alone(recording: &Recording) -> Duration {
    let inputs = recording.inputs.clone();
    let mut focus = recording.core();
    let started = cpu();
    for (at, input) in inputs {
        focus.handle(at, input);
        while let Some(output) = focus.poll_output() {
            black_box(output);
        }
    }
    cpu() - started
}

/// An input as it comes from the connection: stanzas are text still.
enum Raw {
    Text(jicofo::focus::Connection, String),
    Other(Input),
}

fn raw(recording: &Recording) -> Vec<(Timestamp, Raw)> {
    let raw = |input: &Input| match input {
        Input::Stanza { on, stanza } => Raw::Text(*on, format!("{HEADER}{}</stream:stream>", xml::to_string(stanza))),
        other => Raw::Other(other.clone()),
    };
    recording.inputs.iter().map(|(at, input)| (*at, raw(input))).collect()
}

/// With reading of what comes and writing of what goes.
fn with_text(recording: &Recording, inputs: &[(Timestamp, Raw)]) -> (Duration, Said) {
    let mut focus = recording.core();
    let mut said = Said::default();
    let mut out = String::new();
    let started = cpu();
    for (at, input) in inputs {
        match input {
            Raw::Text(on, text) => {
                let Ok(Incoming::Stanza(stanza)) = read_stanza(text) else { panic!("not read: {text}") };
                focus.handle(*at, Input::Stanza { on: *on, stanza });
            }
            Raw::Other(input) => focus.handle(*at, input.clone()),
        }
        write_all(&mut focus, &mut out, &mut said);
    }
    (cpu() - started, said)
}

fn write_all(focus: &mut Focus, out: &mut String, said: &mut Said) {
    out.clear();
    while let Some(output) = focus.poll_output() {
        let Some(stanza) = output.stanza() else { continue };
        xml::write_to(stanza, out);
        said.stanzas += 1;
    }
    said.bytes += out.len();
    black_box(out);
}

/// What a join makes the focus send to whom, which no processor changes: stanzas and kB, to participants and to bridges.
fn sent() {
    println!("\nSent for a join, by who takes part: all that the focus sends");
    println!(
        "{:>16} {:>10} {:>16} {:>8} {:>12} {:>8} {:>9} {:>8}",
        "rooms", "clients", "to participants", "kB", "to bridges", "kB", "to rooms", "kB"
    );
    let kinds = [("current", Profile::current as fn() -> Profile), ("old", Profile::old)];
    for (rooms, size) in [(20, 5), (2, 50), (1, 100), (1, 200)] {
        for (name, profile) in kinds {
            let recording = Recording::of_clients(rooms, size, profile);
            let mut focus = recording.core();
            let mut all = [(0, 0); 3];
            for (at, input) in recording.inputs.clone() {
                focus.handle(at, input);
                while let Some(output) = focus.poll_output() {
                    let Some(stanza) = output.stanza() else { continue };
                    let text = xml::to_string(stanza);
                    let to = text.split(" to='").nth(1).or_else(|| text.split(" to=\"").nth(1)).unwrap_or("");
                    let kind = match to.split(['\'', '"']).next().unwrap_or("") {
                        to if to.starts_with("jvbbrewery@") => 1,
                        to if to.contains("@conference.") && to.contains('/') && !to.ends_with("/focus") => 0,
                        to if to.starts_with("focus.") => 0,
                        _ => 2,
                    };
                    all[kind].0 += 1;
                    all[kind].1 += text.len();
                }
            }
            let joins = (rooms * size) as f64;
            let [a, b, c] = all.map(|(stanzas, bytes)| (f64::from(stanzas) / joins, bytes as f64 / joins / 1000.0));
            println!(
                "{:>16} {name:>10} {:>16.1} {:>8.1} {:>12.1} {:>8.1} {:>9.1} {:>8.1}",
                format!("{rooms} of {size}"),
                a.0,
                a.1,
                b.0,
                b.1,
                c.0,
                c.1
            );
        }
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "--sent") {
        return sent();
    }
    println!("Joining, from the request to everybody being told: processor time, best of {RUNS} runs");
    println!(
        "{:>16} {:>8} {:>13} {:>11} {:>13} {:>11} {:>15} {:>12}",
        "rooms", "inputs", "core alone", "a join", "with XML", "a join", "stanzas a join", "kB a join"
    );
    for (rooms, size) in [(100, 5), (10, 50), (1, 500)] {
        let recording = Recording::of_rooms(rooms, size);
        let inputs = raw(&recording);
        let core = (0..RUNS).map(|_| alone(&recording)).min().unwrap_or_default();
        let text = (0..RUNS).map(|_| with_text(&recording, &inputs)).min_by_key(|(time, _)| *time);
        let (text, said) = text.unwrap_or_default();
        let joins = (rooms * size) as f64;
        let rate = |time: Duration| format!("{:.0} k/s", inputs.len() as f64 / time.as_secs_f64() / 1000.0);
        let join = |time: Duration| format!("{:.0} µs", time.as_secs_f64() * 1e6 / joins);
        println!(
            "{:>16} {:>8} {:>13} {:>11} {:>13} {:>11} {:>15.1} {:>12.1}",
            format!("{rooms} of {size}"),
            inputs.len(),
            rate(core),
            join(core),
            rate(text),
            join(text),
            said.stanzas as f64 / joins,
            said.bytes as f64 / joins / 1000.0
        );
    }
}
