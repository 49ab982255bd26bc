//! A conference stays in the region of its first bridge (spec/50 §6.4, "IntraRegion").

use super::pool::{Candidate, Pool};
use super::{Plan, Standing};
use crate::config::Config;

pub(super) fn plan<'a>(pool: &Pool<'a>, region: Option<&'a str>, config: &Config) -> Plan<'a> {
    let Some(first) = pool.conference.first() else {
        return Plan::Choose(Box::new(move |it| {
            let near = region.is_some() && it.region() == region && it.is_free();
            Some(if near {
                Standing::new(1, "of the endpoint's region")
            } else {
                Standing::new(2, "the least stressed")
            })
        }));
    };
    // Bridges that do not say where they are count as one region (spec/50 §6.4, "Improve").
    let region = first.bridge.region.as_deref();
    let outgrown = pool.outgrown(config, |it| it.region() != region);
    let standing = move |it: &Candidate<'_>| {
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
    };
    if pool.candidates.iter().any(|it| standing(it).is_some()) {
        return Plan::Choose(Box::new(standing));
    }
    Plan::Fail(format!("none in the conference's region {} takes endpoints", region.unwrap_or("(unknown)")))
}
