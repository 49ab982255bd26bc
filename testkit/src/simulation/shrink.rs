//! Making a plan that fails short: what can be left out, so that it fails all the same, is.

use super::{Act, Failure, Plan, What, play};

/// More attempts than this are not worth waiting for.
const ATTEMPTS: usize = 600;

/// So many words of what went wrong are looked at.
const WORDS: usize = 24;

/// Fewest acts that fail alike: delta debugging (Zeller, 2002), then as little of everything else as will do.
pub fn shrink(plan: Plan, failure: Failure) -> (Plan, Failure) {
    let mut left = ATTEMPTS;
    let fails = |plan: &Plan| play(plan).err();
    let short = fewest_acts((plan, failure), &mut left, &fails);
    simplest(short, &mut left, &fails)
}

fn fewest_acts(
    mut best: (Plan, Failure),
    left: &mut usize,
    fails: &impl Fn(&Plan) -> Option<Failure>,
) -> (Plan, Failure) {
    let mut parts = 2;
    while parts <= best.0.acts.len() && *left > 0 {
        let size = best.0.acts.len().div_ceil(parts);
        let shorter = (0..parts).find_map(|part| {
            let range = part * size..((part + 1) * size).min(best.0.acts.len());
            if range.is_empty() {
                return None;
            }
            let mut plan = best.0.clone();
            plan.acts.drain(range);
            attempt(plan, &best.1, left, fails)
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
    best
}

/// One room, few bridges, no latencies, nobody who thinks long: each that will do.
fn simplest(mut best: (Plan, Failure), left: &mut usize, fails: &impl Fn(&Plan) -> Option<Failure>) -> (Plan, Failure) {
    let mut with = |best: &mut (Plan, Failure), change: &dyn Fn(&mut Plan)| {
        let mut plan = best.0.clone();
        change(&mut plan);
        let simpler = if plan == best.0 { None } else { attempt(plan, &best.1, left, fails) };
        simpler.map(|simpler| *best = simpler).is_some()
    };
    with(&mut best, &|plan| (plan.setting.hop, plan.setting.spread) = (0, 0));
    with(&mut best, &|plan| {
        plan.setting.rooms = 1;
        plan.acts.iter_mut().filter_map(|act| room_of(&mut act.what)).for_each(|room| *room = 0);
    });
    with(&mut best, &|plan| {
        let last = plan.acts.iter_mut().filter_map(|act| room_of(&mut act.what).copied()).max();
        plan.setting.rooms = plan.setting.rooms.min(last.map_or(1, |last| last.saturating_add(1)));
    });
    for bridges in 0..best.0.setting.bridges {
        if with(&mut best, &|plan| plan.setting.bridges = bridges) {
            break;
        }
    }
    if !with(&mut best, &|plan| plan.acts.iter_mut().for_each(|act| thinks_at_most(act, 0))) {
        for number in 0..best.0.acts.len() {
            // Not at all, or as long as most.
            let simpler = with(&mut best, &|plan| thinks_at_most(&mut plan.acts[number], 0));
            _ = simpler || with(&mut best, &|plan| thinks_at_most(&mut plan.acts[number], 100));
        }
    }
    best
}

fn thinks_at_most(act: &mut Act, most: u16) {
    if let What::Joins { thinks, .. } = &mut act.what {
        *thinks = (*thinks).min(most);
    }
}

/// The room in which something happens, if it is of one.
fn room_of(what: &mut What) -> Option<&mut u8> {
    match what {
        What::Joins { room, .. }
        | What::RoomDestroyed(room)
        | What::FocusKicked(room)
        | What::FocusLosesRights(room)
        | What::MirrorDestroyed(room, _)
        | What::StrangersAsk(room, _) => Some(room),
        _ => None,
    }
}

/// The plan, if it fails in the same way.
fn attempt(
    plan: Plan,
    failure: &Failure,
    left: &mut usize,
    fails: &impl Fn(&Plan) -> Option<Failure>,
) -> Option<(Plan, Failure)> {
    *left = left.checked_sub(1)?;
    let found = fails(&plan)?;
    (kind(&found) == kind(failure)).then_some((plan, found))
}

/// What went wrong, without the names and numbers in it; where the core or the kit failed, with the place.
fn kind(failure: &Failure) -> String {
    let first = failure.wrong.first().map_or("", String::as_str);
    let words = first.split_whitespace().filter(|word| is_of_kind(word));
    words.take(WORDS).collect::<Vec<_>>().join(" ")
}

fn is_of_kind(word: &str) -> bool {
    let plain = word.trim_matches(|letter: char| letter.is_ascii_punctuation());
    let is_word = !plain.is_empty() && plain.chars().all(|letter| letter.is_alphabetic() || "-_'=".contains(letter));
    is_word || plain.contains(".rs:")
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, fewest_acts, kind, simplest};
    use crate::simulation::{Act, Client, Failure, Plan, Setting, What};

    fn failure(wrong: &str) -> Failure {
        Failure { step: 1, wrong: vec![wrong.to_owned()], wire: String::new(), stories: String::new() }
    }

    #[test]
    fn what_went_wrong_is_told_from_what_went_wrong_elsewhere() {
        let alike = |one: &str, other: &str| kind(&failure(one)) == kind(&failure(other));
        assert!(alike("p1: was refused mute: item-not-found", "p2.1: was refused mute: item-not-found"));
        assert!(!alike("p1: was refused mute: item-not-found", "p1: was refused source-add: item-not-found"));
        assert!(!alike("p1: was refused mute: item-not-found", "p1: was refused mute: forbidden"));
        let panic = |place| format!("the core failed: panicked at {place}:\ncalled `unwrap()` on a `None` value");
        assert!(!alike(&panic("src/focus/mod.rs:7:5"), &panic("src/focus/mod.rs:9:5")));
        assert!(alike(&panic("src/focus/mod.rs:7:5"), &panic("src/focus/mod.rs:7:5")));
    }

    #[test]
    fn a_plan_is_cut_down_to_what_fails_alike() {
        let joins = |who, room| What::Joins { who, room, client: Client::Phone, thinks: 9_000 };
        let acts = [joins(0, 2), What::Leaves(0), joins(1, 1), What::BridgeForgets(1), What::Leaves(1)];
        let acts: Vec<Act> = acts.into_iter().zip(1..).map(|(what, at)| Act { at, what }).collect();
        let setting = Setting { rooms: 3, bridges: 4, hop: 2, spread: 40, ..Setting::PLAIN };
        let plan = Plan { seed: 7, setting, acts };
        // It takes who comes second, his thinking, and two bridges; without the last act something else fails.
        let fails = |plan: &Plan| {
            let thinks = |act: &Act| matches!(act.what, What::Joins { who: 1, thinks: 1.., .. });
            let last = plan.acts.iter().any(|act| act.what == What::Leaves(1));
            let fails = plan.setting.bridges >= 2 && plan.acts.iter().any(thinks);
            fails.then(|| failure(if last { "p1: refused mute: gone" } else { "p1: refused source-add: gone" }))
        };
        let mut left = ATTEMPTS;
        let first = fails(&plan).expect("it fails");
        let short = fewest_acts((plan, first), &mut left, &fails);
        let (plan, _) = simplest(short, &mut left, &fails);
        let joins = What::Joins { who: 1, room: 0, client: Client::Phone, thinks: 100 };
        assert_eq!(plan.acts, [Act { at: 3, what: joins }, Act { at: 5, what: What::Leaves(1) }]);
        assert_eq!(plan.setting, Setting { rooms: 1, bridges: 2, ..Setting::PLAIN });
    }
}
