//! One bridge for a whole conference (spec/50 §6.4, "Single").

use super::{NoBridge, Pool, Selected};

/// The least stressed bridge of the endpoint's region, overloaded or not, or else of all.
pub(super) fn select(pool: &Pool<'_>, region: Option<&str>) -> Result<Selected, NoBridge> {
    match &pool.conference[..] {
        [] => first(pool, region),
        [only] => Ok(Selected { bridge: only.bridge.id.clone(), reason: "the bridge of the conference".into() }),
        several => {
            Err(NoBridge(format!("the conference is on {} bridges, and the strategy is for one", several.len())))
        }
    }
}

fn first(pool: &Pool<'_>, region: Option<&str>) -> Result<Selected, NoBridge> {
    let near = region.and_then(|region| pool.candidates.iter().find(|it| it.bridge.region.as_deref() == Some(region)));
    let place = if near.is_some() { "the region" } else { "all" };
    let Some(best) = near.or(pool.candidates.first()) else { return Err(NoBridge("no candidates".into())) };
    let reason = format!("least stressed of {place}: {:.2}", best.stress);
    Ok(Selected { bridge: best.bridge.id.clone(), reason })
}
