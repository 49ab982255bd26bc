//! Near the endpoint, on as few bridges as load allows (spec/50 §6.4, "RegionBased").

use super::Standing;
use super::pool::{Candidate, Pool};
use crate::config::Config;
use crate::focus::bridges::registry::Bridge;

/// Never fails, as the pool is not empty.
pub(super) struct Rule<'a> {
    area: Area<'a>,
    outgrown: Vec<&'a Bridge>,
}

impl<'a> Rule<'a> {
    pub fn new(pool: &Pool<'a>, endpoint: Option<&'a str>, config: &'a Config) -> Rule<'a> {
        let area = Area::of(desired(pool, endpoint, config), config);
        let outgrown = pool.outgrown(config, |it| area.distance(it));
        Rule { area, outgrown }
    }

    #[inline]
    pub fn standing(&self, it: &Candidate<'_>) -> Standing {
        standing(it, &self.area, &self.outgrown)
    }
}

/// How far a bridge is from the region that is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    Within,
    Near,
    Elsewhere,
}

/// The region that is sought, and what is close to it.
struct Area<'a> {
    region: Option<&'a str>,
    /// The others of its group.
    others: Vec<&'a str>,
}

impl<'a> Area<'a> {
    fn of(region: Option<&'a str>, config: &'a Config) -> Area<'a> {
        let mut others = around(region, config);
        others.retain(|other| Some(*other) != region);
        Area { region, others }
    }

    #[inline]
    fn distance(&self, it: &Candidate<'_>) -> Distance {
        match it.region() {
            Some(of) if self.region == Some(of) => Distance::Within,
            Some(of) if self.others.contains(&of) => Distance::Near,
            _ => Distance::Elsewhere,
        }
    }
}

/// The region in which a bridge is sought: rows 1 to 3.
fn desired<'a>(pool: &Pool<'_>, endpoint: Option<&'a str>, config: &'a Config) -> Option<&'a str> {
    let local = config.local_region.as_deref();
    let start = endpoint.or(local);
    let Some(local) = local else { return start };
    let near = around(start, config);
    let is_near = |region: &str| near.contains(&region);
    // The first of those who are invited is often the remote one.
    if pool.conference.is_empty() && is_near(local) {
        return Some(local);
    }
    let somebody_near = pool.candidates.iter().any(|it| it.region().is_some_and(is_near));
    if somebody_near { start } else { Some(local) }
}

/// The regions close to a region, itself among them.
fn around<'a>(region: Option<&'a str>, config: &'a Config) -> Vec<&'a str> {
    region.map(|region| config.bridge.region_groups.around(region)).unwrap_or_default()
}

/// The first row of the table that it satisfies. A bridge that the conference has outgrown is one like others.
#[inline]
fn standing(it: &Candidate<'_>, area: &Area<'_>, outgrown: &[&Bridge]) -> Standing {
    let used = it.used.is_some();
    if it.is_free() {
        let keeps = used && !outgrown.iter().any(|bridge| std::ptr::eq(*bridge, it.bridge));
        match (keeps, area.distance(it)) {
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
