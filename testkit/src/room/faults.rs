//! Accidents on the way: what is lost, late or doubled.

use super::Delivery;
use crate::Time;

/// What becomes of a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    IsLost,
    /// Later ones overtake it.
    IsLate(Time),
    /// And again so much later.
    ComesTwice(Time),
}

pub struct Rule {
    pub times: usize,
    pub fate: Fate,
    pub when: Box<dyn Fn(&Delivery) -> bool>,
}

pub fn fate_of(rules: &mut Vec<Rule>, delivery: &Delivery) -> Fate {
    let Some(index) = rules.iter().position(|rule| (rule.when)(delivery)) else { return Fate::Arrives };
    let fate = rules[index].fate;
    rules[index].times -= 1;
    if rules[index].times == 0 {
        rules.remove(index);
    }
    fate
}
