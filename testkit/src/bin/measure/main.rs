//! What the focus costs beside the real Prosody: `scripts/measure` runs all of it, docs/PERFORMANCE.md says what it means.
//!
//! Nothing here fails because something is slow: figures are for people.

mod figures;

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use testkit::{
    focus::FocusProcess,
    process::Usage,
    prosody::{Prosody, Wiring},
    tcp::Stage,
};
use tokio::time::{interval, sleep};

use figures::{kb, mb, ms, spread};

const USAGE: &str = "measure start [--runs N]
measure joins [--rooms N] [--size N] [--pace MS]
measure idle [--seconds N]
with --wiring=classic|proxy";

/// How often it is looked whether everybody is connected: looking is work, too.
const LOOK: Duration = Duration::from_millis(50);

/// What has no end by then never will.
const PATIENCE: Duration = Duration::from_secs(120);

/// So long, and everything that comes of the joins has come.
const SETTLE: Duration = Duration::from_millis(500);

struct Options {
    what: String,
    wiring: Wiring,
    runs: usize,
    rooms: usize,
    size: usize,
    pace: Duration,
    seconds: u64,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let what = arguments.next().ok_or(USAGE)?;
        let pace = Duration::from_millis(100);
        let mut options = Self { what, wiring: Wiring::Proxy, runs: 10, rooms: 20, size: 5, pace, seconds: 60 };
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                None => (argument, arguments.next().ok_or(USAGE)?),
            };
            let number = || value.parse::<u64>().map_err(|_| format!("{name} takes a number, not {value}"));
            match (name.as_str(), value.as_str()) {
                ("--wiring", "classic") => options.wiring = Wiring::Classic,
                ("--wiring", "proxy") => options.wiring = Wiring::Proxy,
                ("--runs", _) => options.runs = number()? as usize,
                ("--rooms", _) => options.rooms = number()? as usize,
                ("--size", _) => options.size = number()? as usize,
                ("--pace", _) => options.pace = Duration::from_millis(number()?.max(1)),
                ("--seconds", _) => options.seconds = number()?,
                _ => return Err(format!("not understood: {name}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    match options.what.as_str() {
        "start" => runtime.block_on(start(&options)),
        "joins" => runtime.block_on(joins(&options)),
        "idle" => runtime.block_on(idle(&options)),
        other => {
            eprintln!("not understood: {other}\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// From the start of the process until Prosody has seen it in the brewery and open to requests.
async fn start(options: &Options) {
    let prosody = Prosody::start(options.wiring).await;
    let mut started = Vec::new();
    let mut own = Vec::new();
    let mut prosodys = Vec::new();
    for _ in 0..options.runs {
        let before = prosody.usage().cpu;
        let focus = FocusProcess::start(&prosody).await;
        prosodys.push(prosody.usage().cpu - before);
        own.push(focus.usage().cpu);
        started.push(focus.started_in());
        focus.stop().await;
    }
    println!("start to brewery, {:?} wiring: {}", options.wiring, spread(&started));
    println!("  of it CPU of the focus:  {}", spread(&own));
    println!("  of it CPU of Prosody:    {}", spread(&prosodys));
}

/// Rooms are filled at a steady pace; what that took of whom.
async fn joins(options: &Options) {
    let Options { rooms, size, .. } = *options;
    let participants = rooms * size;
    let prosody = Prosody::start(options.wiring).await;
    let mut focus = FocusProcess::with().environment("JICOFO_MEASURE", "1").start(&prosody).await;
    let mut stage = Stage::at(&prosody);
    stage.bridge("jvb1").await;
    sleep(SETTLE).await;

    let before = (focus.usage(), prosody.usage());
    let began = Instant::now();
    let mut pace = interval(options.pace);
    // Rooms fill side by side, as in life.
    for number in 0..participants {
        pace.tick().await;
        stage.go_to(&format!("room{}", number % rooms));
        stage.joins(&format!("p{number}")).await;
    }
    let joined = began.elapsed();
    while !stage.look().all_connected() {
        assert!(began.elapsed() < joined + PATIENCE, "not everybody is connected; {}", focus.log_path().display());
        sleep(LOOK).await;
    }
    sleep(SETTLE).await;
    let after = (focus.usage(), prosody.usage());

    let complaints = stage.look().complaints();
    let rate = participants as f64 / joined.as_secs_f64();
    println!("{rooms} rooms of {size}, {:?} wiring, {rate:.1} joins/s reached", options.wiring);
    report_cpu(participants, before, after);
    let grown = after.0.rss.saturating_sub(before.0.rss);
    println!(
        "  memory of the focus:     {} before, {} after, {} at most, {} a participant, {} thread(s)",
        mb(before.0.rss),
        mb(after.0.rss),
        mb(after.0.peak_rss),
        kb(grown / participants as u64),
        after.0.threads
    );
    let latencies = stage.latencies();
    // Whoever comes first to a room waits for the second: there is nobody to talk to.
    let offers: Vec<Duration> =
        stage.look().participants().skip(rooms).flat_map(|it| it.stopwatch.offer.clone()).collect();
    println!("  request → answer:        {}", spread(&latencies.request));
    println!("  presence → offer:        {}", spread(&offers));
    println!("  accept → others told:    {}", spread(&latencies.told));
    focus.signal("TERM");
    focus.ended(PATIENCE).await;
    let log = focus.log();
    let own = log.lines().rev().find(|line| line.contains("own share of")).unwrap_or("the focus did not say its share");
    println!("  {}", own.trim());
    if !complaints.is_empty() {
        println!("  {} complaints, the first: {}", complaints.len(), complaints[0]);
    }
}

fn report_cpu(joins: usize, before: (Usage, Usage), after: (Usage, Usage)) {
    let focus = after.0.cpu - before.0.cpu;
    let prosody = after.1.cpu - before.1.cpu;
    let each = |cpu: Duration| ms(cpu / u32::try_from(joins).unwrap_or(u32::MAX));
    println!(
        "  CPU a join:              focus {}, Prosody {}: {:.1} %; the focus woke {:.1} times",
        each(focus),
        each(prosody),
        100.0 * focus.as_secs_f64() / prosody.as_secs_f64(),
        (after.0.waits - before.0.waits) as f64 / joins as f64
    );
}

/// Connected, one bridge, nobody there.
async fn idle(options: &Options) {
    let prosody = Prosody::start(options.wiring).await;
    let focus = FocusProcess::start(&prosody).await;
    let mut stage = Stage::at(&prosody);
    stage.bridge("jvb1").await;
    sleep(SETTLE).await;
    let before = focus.usage();
    sleep(Duration::from_secs(options.seconds)).await;
    let after = focus.usage();
    println!(
        "idle for {} s with one bridge: {} of CPU, woken {} times, {} resident, {} thread(s)",
        options.seconds,
        ms(after.cpu - before.cpu),
        after.waits - before.waits,
        mb(after.rss),
        after.threads
    );
}
