//! Near the endpoint, on as few bridges as load allows (spec/50 §6.4, "RegionBased").

use super::pool::{Candidate, Pool};
use super::{Plan, Standing};
use crate::config::Config;
use crate::focus::bridges::registry::Bridge;

/// Never fails, as the pool is not empty.
pub(super) fn plan<'a>(pool: &Pool<'a>, endpoint: Option<&'a str>, config: &'a Config) -> Plan<'a> {
    let region = desired(pool, endpoint, config);
    let near = around(region, config);
    let outgrown = pool.outgrown(config, |it| distance(it, region, &near));
    Plan::Choose(Box::new(move |it| Some(standing(it, distance(it, region, &near), &outgrown))))
}

/// How far a bridge is from the region that is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    Within,
    Near,
    Elsewhere,
}

fn distance(it: &Candidate<'_>, region: Option<&str>, near: &[&str]) -> Distance {
    match it.region() {
        Some(of) if region == Some(of) => Distance::Within,
        Some(of) if near.contains(&of) => Distance::Near,
        _ => Distance::Elsewhere,
    }
}

/// The region in which a bridge is sought: rows 1 to 3.
fn desired<'a>(pool: &Pool<'_>, endpoint: Option<&'a str>, config: &'a Config) -> Option<&'a str> {
    let local = config.local_region.as_deref();
    let start = endpoint.or(local);
    let near = around(start, config);
    let is_near = |region: &str| near.contains(&region);
    // The first of those who are invited is often the remote one.
    if pool.conference.is_empty() && local.is_some_and(is_near) {
        return local;
    }
    let nobody_near = !pool.candidates.iter().any(|it| it.region().is_some_and(is_near));
    if nobody_near { local.or(start) } else { start }
}

/// The regions close to a region, itself among them.
fn around<'a>(region: Option<&'a str>, config: &'a Config) -> Vec<&'a str> {
    region.map(|region| config.bridge.region_groups.around(region)).unwrap_or_default()
}

/// The first row of the table that it satisfies. A bridge that the conference has outgrown is one like others.
fn standing(it: &Candidate<'_>, distance: Distance, outgrown: &[&Bridge]) -> Standing {
    let used = it.used.is_some();
    if it.is_free() {
        let keeps = used && !outgrown.iter().any(|bridge| std::ptr::eq(*bridge, it.bridge));
        match (keeps, distance) {
            (true, Distance::Within) => return Standing::new(1, "a: of the conference, in the region"),
            (true, Distance::Near) => return Standing::new(2, "b: of the conference, near the region"),
            (false, Distance::Within) => return Standing::new(3, "c: in the region"),
            (false, Distance::Near) => return Standing::new(4, "d: near the region"),
            (true, Distance::Elsewhere) => return Standing::new(5, "e: of the conference, elsewhere"),
            (false, Distance::Elsewhere) => {}
        }
    }
    if !it.overloaded {
        Standing::new(6, "f: the least stressed of all")
    } else if used && !it.maxed {
        Standing::new(7, "g: of the conference, overloaded as all there are")
    } else {
        Standing::new(8, "h: the least stressed of all, overloaded as all there are")
    }
}
