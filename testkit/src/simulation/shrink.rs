//! Making a plan that fails short: what can be left out, so that it fails all the same, is.

use super::{Failure, Plan, play};

/// More attempts than this are not worth waiting for.
const ATTEMPTS: usize = 600;

/// Fewest acts that fail alike: delta debugging (Zeller, 2002), then without latencies if that will do.
pub fn shrink(plan: Plan, failure: Failure) -> (Plan, Failure) {
    let mut best = (plan, failure);
    let mut left = ATTEMPTS;
    let mut parts = 2;
    while parts <= best.0.acts.len() && left > 0 {
        let size = best.0.acts.len().div_ceil(parts);
        let shorter = (0..parts).find_map(|part| {
            let range = part * size..((part + 1) * size).min(best.0.acts.len());
            if range.is_empty() {
                return None;
            }
            let mut plan = best.0.clone();
            plan.acts.drain(range);
            attempt(plan, &best.1, &mut left)
        });
        match shorter {
            Some(shorter) => {
                best = shorter;
                parts = (parts - 1).max(2);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(best.0.acts.len()),
        }
    }
    let mut simple = best.0.clone();
    (simple.setting.hop, simple.setting.spread) = (0, 0);
    attempt(simple, &best.1, &mut left).unwrap_or(best)
}

/// The plan, if it fails in the same way.
fn attempt(plan: Plan, failure: &Failure, left: &mut usize) -> Option<(Plan, Failure)> {
    *left = left.checked_sub(1)?;
    let found = play(&plan).err()?;
    (kind(&found) == kind(failure)).then_some((plan, found))
}

/// What went wrong, without the names and numbers in it.
fn kind(failure: &Failure) -> String {
    let first = failure.wrong.first().map_or("", String::as_str);
    let words =
        first.split_whitespace().filter(|word| word.chars().all(|letter| letter.is_alphabetic() || letter == '-'));
    words.take(8).collect::<Vec<_>>().join(" ")
}
