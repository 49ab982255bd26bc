//! Plays simulated lives of the focus (docs/SIMULATION.md).

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::simulation::{Failed, Options, Plan, Stored, as_test, live, live_as};

/// A life is little but elements that come and go.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
simulate [--seeds FIRST..LAST | --seed SEED|random] [--for SECONDS] [options]

  --seeds 1..1000     play these seeds, the last one included
  --seed 7            begin with this one; `random`: with a fresh one, which is printed
  --step 1            each so many seeds one
  --for 120s          stop after so long
  --rooms 3           at most so many rooms in a life
  --participants 8    at most so many people
  --bridges 3         at most so many bridges
  --nodes 0           so many visitor nodes
  --strangers         those, too, who are in no room
  --every-kind        every life has what one in some has otherwise
  --acts 60           at most so many events
  --faults all        none, or some of server,bridges,hostile,panics
  --threads 1         lives played side by side
  --keep-on           do not stop at the first life that fails
  --stored            first of all those of testkit/seeds, with their own options";

struct Run {
    first: u64,
    last: u64,
    step: u64,
    time: Option<Duration>,
    options: Options,
    threads: u64,
    keep_on: bool,
    stored: bool,
}

fn main() -> ExitCode {
    let run = match read_arguments() {
        Ok(run) => run,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if run.stored && !play_stored() {
        return ExitCode::FAILURE;
    }
    println!("Lives from seed {}, {:?}", run.first, run.options);
    play_all(&run)
}

/// Whether all of them mean what they meant, and are clean.
fn play_stored() -> bool {
    let stored = match Stored::all() {
        Ok(stored) => stored,
        Err(wrong) => {
            println!("testkit/seeds: {wrong}");
            return false;
        }
    };
    let mut clean = true;
    for it in &stored {
        match it.plan().map(live_as) {
            Ok(Ok(_)) => continue,
            Ok(Err(failed)) => tell(it.seed, &it.options, &failed),
            Err(wrong) => println!("{wrong}\n"),
        }
        clean = false;
    }
    println!("{} stored seeds, {}", stored.len(), if clean { "all clean" } else { "not all clean" });
    clean
}

fn tell(seed: u64, options: &Options, failed: &Failed) {
    let (written, digest) = (options.written(), Plan::of(seed, options).digest());
    println!("Seed {seed} fails {failed}\n\nAs a test:\n\n{}\n", as_test(&failed.plan));
    println!("For testkit/seeds:\n\n{seed} {written}={digest:08x} what it was\n");
}

fn play_all(run: &Run) -> ExitCode {
    let begin = Instant::now();
    let (next, clean, inputs) = (AtomicU64::new(run.first), AtomicU64::new(0), AtomicU64::new(0));
    let (said, told) = (AtomicU64::new(0), AtomicU64::new(0));
    let (stop, failed) = (AtomicBool::new(false), Mutex::new(BTreeSet::new()));
    let work = || {
        while !stop.load(Ordering::Relaxed) && run.time.is_none_or(|time| begin.elapsed() < time) {
            let seed = next.fetch_add(run.step, Ordering::Relaxed);
            if seed > run.last {
                return;
            }
            match live(seed, &run.options) {
                Ok(lived) => {
                    clean.fetch_add(1, Ordering::Relaxed);
                    inputs.fetch_add(lived.inputs as u64, Ordering::Relaxed);
                    said.fetch_add(lived.said, Ordering::Relaxed);
                    tell_progress(&told, &clean, &failed, begin.elapsed());
                }
                Err(it) => {
                    tell(seed, &run.options, &it);
                    failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(seed);
                    stop.store(!run.keep_on, Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..run.threads {
            scope.spawn(work);
        }
    });
    let (clean, inputs) = (clean.into_inner(), inputs.into_inner());
    let seconds = begin.elapsed().as_secs_f64();
    let failed = failed.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = |count: u64| count as f64 / seconds;
    println!(
        "{clean} lives are clean, {} failed, in {seconds:.1} s on {} threads: {:.1} lives and {:.0} inputs a second",
        failed.len(),
        run.threads,
        rate(clean),
        rate(inputs)
    );
    println!("What was said in them: {:016x}", said.into_inner());
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("Failed seeds: {failed:?}");
    ExitCode::FAILURE
}

/// Each minute, how far it has come.
fn tell_progress(told: &AtomicU64, clean: &AtomicU64, failed: &Mutex<BTreeSet<u64>>, elapsed: Duration) {
    let minutes = elapsed.as_secs() / 60;
    if told.fetch_max(minutes, Ordering::Relaxed) < minutes {
        let failed = failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).len();
        println!("After {minutes} min: {} lives are clean, {failed} failed", clean.load(Ordering::Relaxed));
    }
}

fn read_arguments() -> Result<Run, String> {
    let mut run = Run {
        first: 1,
        last: u64::MAX,
        step: 1,
        time: None,
        options: Options::default(),
        threads: 1,
        keep_on: false,
        stored: false,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments = arguments.iter().map(String::as_str);
    let mut bounded = false;
    while let Some(name) = arguments.next() {
        match name {
            "--keep-on" => run.keep_on = true,
            "--stored" => run.stored = true,
            _ => {}
        }
        if matches!(name, "--keep-on" | "--stored") {
            continue;
        }
        if run.options.take(name, || arguments.next())? {
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{name} lacks its value"))?;
        match name {
            "--seeds" => {
                let (first, last) = value.split_once("..").ok_or("seeds are FIRST..LAST")?;
                (run.first, run.last, bounded) = (number(first)?, number(last)?, true);
            }
            // Short enough to be typed.
            "--seed" if value == "random" => run.first = RandomState::new().build_hasher().finish() % 1_000_000_000_000,
            "--seed" => run.first = number(value)?,
            "--step" => run.step = number(value)?.max(1),
            "--for" => run.time = Some(Duration::from_secs(number(value.trim_end_matches('s'))?)),
            "--threads" => run.threads = number(value)?.max(1),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    if !bounded && run.time.is_none() {
        run.last = run.first;
    }
    Ok(run)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("'{text}' is no number"))
}
