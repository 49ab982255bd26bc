//! Lives that do not end: a core that loops within an input says nothing more, and only the clock on the wall tells.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Plan;

/// A life takes milliseconds; an unoptimised one, on a machine with much else to do, seconds.
const LONGEST: Duration = Duration::from_secs(300);

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);

struct Watching {
    /// By number.
    lives: BTreeMap<u64, (Instant, String)>,
    next: u64,
}

static WATCHING: Mutex<Watching> = Mutex::new(Watching { lives: BTreeMap::new(), next: 0 });

fn watching() -> MutexGuard<'static, Watching> {
    WATCHING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A life that is being lived, until this is dropped.
pub(super) struct Watched(u64);

/// If this life does not end, its seed is told, and with it ends the process: nothing else ends a thread that loops.
pub(super) fn watch(plan: &Plan) -> Watched {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| _ = thread::spawn(look));
    let mut watching = watching();
    watching.next += 1;
    let number = watching.next;
    watching.lives.insert(number, (Instant::now(), format!("seed {} in {}", plan.seed, plan.setting.written())));
    Watched(number)
}

impl Drop for Watched {
    fn drop(&mut self) {
        watching().lives.remove(&self.0);
    }
}

fn look() {
    loop {
        thread::sleep(LOOK);
        let wrong = endless(&watching(), Instant::now(), LONGEST);
        if let Some(wrong) = wrong {
            eprintln!("{wrong}");
            std::process::exit(101);
        }
    }
}

fn endless(watching: &Watching, now: Instant, longest: Duration) -> Option<String> {
    let (_, who) = watching.lives.values().find(|(begun, _)| now.saturating_duration_since(*begun) > longest)?;
    Some(format!("{who}: no end of this life after {} s", longest.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Watching, endless};

    #[test]
    fn a_life_without_end_is_told_with_its_seed() {
        let now = Instant::now();
        let lives = [(1, (now, "seed 7".to_owned()))].into();
        let watching = Watching { lives, next: 1 };
        let long = Duration::from_secs(300);
        assert_eq!(endless(&watching, now + long, long), None);
        let told = endless(&watching, now + long * 2, long);
        assert_eq!(told.as_deref(), Some("seed 7: no end of this life after 300 s"));
    }
}
