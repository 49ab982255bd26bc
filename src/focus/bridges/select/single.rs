//! One bridge for a whole conference (spec/50 §6.4, "Single").

use super::pool::Pool;
use super::{Plan, Standing};

/// The least stressed bridge of the endpoint's region, overloaded or not, or else of all.
pub(super) fn plan<'a>(pool: &Pool<'a>, region: Option<&'a str>) -> Plan<'a> {
    match &pool.conference[..] {
        [] => Plan::Choose(Box::new(move |it| {
            let near = region.is_some() && it.region() == region;
            Some(if near {
                Standing::new(1, "of the endpoint's region")
            } else {
                Standing::new(2, "the least stressed")
            })
        })),
        [only] => Plan::Stay(only.bridge),
        several => Plan::Fail(format!("the conference is on {} bridges, and the strategy is for one", several.len())),
    }
}
