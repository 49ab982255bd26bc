//! One bridge for a whole conference (spec/50 §6.4, "Single").

use super::pool::{Candidate, Pool};
use super::{Plan, Standing};

pub(super) fn plan<'a>(pool: &Pool<'a>, region: Option<&'a str>) -> Plan<'a> {
    match &pool.conference[..] {
        [] => Plan::Choose(super::Rule::Single(Rule { region })),
        [only] => Plan::Stay(only.bridge),
        several => Plan::Fail(format!("the conference is on {} bridges, and the strategy is for one", several.len())),
    }
}

/// The least stressed bridge of the endpoint's region, overloaded or not, or else of all.
pub(super) struct Rule<'a> {
    region: Option<&'a str>,
}

impl Rule<'_> {
    #[inline]
    pub fn standing(&self, it: &Candidate<'_>) -> Standing {
        match self.region.is_some() && it.region() == self.region {
            true => Standing::new(1, "of the endpoint's region"),
            false => Standing::new(2, "the least stressed"),
        }
    }
}
