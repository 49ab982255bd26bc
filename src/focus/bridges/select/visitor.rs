//! Visitors and participants of a conference on different bridges (spec/50 §6.4, "Visitor").

use super::pool::{Pool, Used};
use super::{Choice, NoBridge, Wanted, run};
use crate::config::Config;
use crate::focus::bridges::registry::Bridge;

/// The strategy of the endpoint's kind, among the bridges that the conference uses for that kind or not at all; if it finds
/// none, among all.
pub(super) fn decide<'a>(
    config: &'a Config,
    wanted: Wanted<'a>,
    pool: &Pool<'a>,
    stay: impl Fn(&'a Bridge) -> Choice<'a>,
) -> Result<Choice<'a>, NoBridge> {
    let bridge = &config.bridge;
    let strategy =
        if wanted.visitor { bridge.visitor_selection_strategy } else { bridge.participant_selection_strategy };
    // Both are there by `config/check.rs`.
    let strategy = strategy.unwrap_or_default();
    let own = of_kind(pool, wanted.visitor);
    if !own.candidates.is_empty()
        && let Ok(choice) = run(strategy, &own, wanted.region, config, &stay)
    {
        return Ok(choice);
    }
    let mut mixed = run(strategy, pool, wanted.region, config, stay)?;
    let of_others = |used: &Used<'_>| std::ptr::eq(used.bridge, mixed.bridge) && used.on.visitor != wanted.visitor;
    mixed.reason.mixed = pool.conference.iter().any(of_others);
    Ok(mixed)
}

/// The bridges that the conference uses for that kind of endpoint, or not at all.
pub(super) fn of_kind<'a>(pool: &Pool<'a>, visitor: bool) -> Pool<'a> {
    let candidates = pool.candidates.iter().filter(|it| it.used.is_none_or(|used| used.on.visitor == visitor));
    let conference = pool.conference.iter().filter(|used| used.on.visitor == visitor);
    Pool { candidates: candidates.copied().collect(), conference: conference.copied().collect() }
}
