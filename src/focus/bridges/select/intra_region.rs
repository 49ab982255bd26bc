//! A conference stays in the region of its first bridge (spec/50 §6.4, "IntraRegion").

use super::pool::{Candidate, Pool};
use super::{Plan, Standing};
use crate::config::Config;
use crate::focus::bridges::registry::Bridge;

pub(super) fn plan<'a>(pool: &Pool<'a>, region: Option<&'a str>, config: &Config) -> Plan<'a> {
    let Some(first) = pool.conference.first() else {
        return Plan::Choose(super::Rule::IntraRegion(Rule::Nowhere { region }));
    };
    // Bridges that do not say where they are count as one region (spec/50 §6.4, "Improve").
    let region = first.bridge.region.as_deref();
    let outgrown = pool.outgrown(config, |it| it.region() != region);
    let rule = Rule::Within { region, outgrown };
    if pool.candidates.iter().any(|it| rule.standing(it).is_some()) {
        return Plan::Choose(super::Rule::IntraRegion(rule));
    }
    Plan::Fail(format!("none in the conference's region {} takes endpoints", region.unwrap_or("(unknown)")))
}

pub(super) enum Rule<'a> {
    /// The conference is on no bridge yet: the endpoint's region.
    Nowhere { region: Option<&'a str> },
    /// It is in that one.
    Within { region: Option<&'a str>, outgrown: Vec<&'a Bridge> },
}

impl Rule<'_> {
    #[inline]
    pub fn standing(&self, it: &Candidate<'_>) -> Option<Standing> {
        match self {
            Rule::Nowhere { region } => Some(first(it, *region)),
            Rule::Within { region, outgrown } => next(it, *region, outgrown),
        }
    }
}

fn first(it: &Candidate<'_>, region: Option<&str>) -> Standing {
    match region.is_some() && it.is_free() && it.region() == region {
        true => Standing::new(1, "of the endpoint's region"),
        false => Standing::new(2, "the least stressed"),
    }
}

fn next(it: &Candidate<'_>, region: Option<&str>, outgrown: &[&Bridge]) -> Option<Standing> {
    if it.region() != region {
        return None;
    }
    let outgrown = outgrown.iter().any(|bridge| std::ptr::eq(*bridge, it.bridge));
    match (it.used.is_some(), it.is_free()) {
        (true, true) if !outgrown => Some(Standing::new(1, "of the conference, in its region")),
        (_, true) => Some(Standing::new(2, "in the conference's region")),
        (true, false) => Some(Standing::new(3, "of the conference, in its region, overloaded as all there are")),
        (false, false) => None,
    }
}
