//! What happens, told line by line, and what it comes to.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use testkit::{
    focus::FocusProcess,
    participant::{Participant, Place},
    prosody::Prosody,
    tcp::Latencies,
};

pub struct Story {
    begin: Instant,
    /// What was last told of each participant.
    seen: Vec<Seen>,
}

#[derive(Clone, PartialEq)]
struct Seen {
    place: Place,
    offers: u32,
    connected: bool,
    /// How many sources of each other participant it knows.
    known: BTreeMap<String, usize>,
}

impl Story {
    pub fn new(begin: Instant) -> Self {
        Self { begin, seen: Vec::new() }
    }

    pub fn chapter(&mut self, title: &str) {
        println!("\n{title}");
    }

    pub fn say(&mut self, who: &str, what: &str) {
        println!("{:>9.1} ms  {who:<9} {what}", self.begin.elapsed().as_secs_f64() * 1000.0);
    }

    /// Tells what has changed since the last look.
    pub fn watch<'p>(&mut self, participants: impl Iterator<Item = &'p Participant>) {
        for (index, participant) in participants.enumerate() {
            let now = seen_of(participant);
            let before = self.seen.get(index).cloned().unwrap_or_else(Seen::nothing);
            for line in differences(&before, &now) {
                self.say(participant.nick(), &line);
            }
            if index < self.seen.len() {
                self.seen[index] = now;
            } else {
                self.seen.push(now);
            }
        }
    }
}

pub fn latencies(latencies: &Latencies) {
    println!("  conference request → answer   {}", spread(&latencies.request));
    println!("  joined → offer                {}", spread(&latencies.offer));
    println!("  session-accept → answer       {}", spread(&latencies.accept));
    println!("  accepted → others told        {}", spread(&latencies.told));
}

pub fn usage(focus: &FocusProcess, prosody: &Prosody) {
    for (name, usage) in [("focus", focus.usage()), ("Prosody", prosody.usage())] {
        let megabytes = usage.rss as f64 / 1_000_000.0;
        println!("  {name:<29} {:6} ms of CPU, {megabytes:.1} MB, {} thread(s)", usage.cpu.as_millis(), usage.threads);
    }
}

impl Seen {
    fn nothing() -> Self {
        Self { place: Place::Outside, offers: 0, connected: false, known: BTreeMap::new() }
    }
}

fn seen_of(participant: &Participant) -> Seen {
    let known = participant.remote().by_owner().iter().filter(|(owner, _)| *owner != "jvb");
    Seen {
        place: participant.place(),
        offers: participant.sessions(),
        connected: participant.connected(),
        known: known.map(|(owner, sources)| (owner.clone(), sources.sources.len())).collect(),
    }
}

fn differences(before: &Seen, now: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    if before.place != now.place {
        lines.extend(match now.place {
            Place::Outside => None,
            Place::Requesting => Some("asks for the conference".to_owned()),
            Place::Joining => Some("is told that it is ready, and joins".to_owned()),
            Place::InRoom => Some("is in the room".to_owned()),
            Place::Left => Some("leaves".to_owned()),
        });
    }
    if now.place == Place::Left {
        return lines;
    }
    if before.offers != now.offers {
        lines.push("is invited".into());
    }
    if !before.connected && now.connected {
        lines.push("is connected".into());
    }
    for (owner, count) in &now.known {
        match before.known.get(owner) {
            Some(old) if old == count => {}
            Some(old) => lines.push(format!("knows {count} sources of {owner} now, {old} before")),
            None => lines.push(format!("is told of {count} sources of {owner}")),
        }
    }
    let gone = before.known.keys().filter(|owner| !now.known.contains_key(*owner));
    lines.extend(gone.map(|owner| format!("knows nothing of {owner} any more")));
    lines
}

fn spread(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return "-".into() };
    let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
    let middle = &times[times.len() / 2];
    format!(
        "{:.1} ms at least, {:.1} in the middle, {:.1} at most, {} times",
        ms(first),
        ms(middle),
        ms(last),
        times.len()
    )
}
