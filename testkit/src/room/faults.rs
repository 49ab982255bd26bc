//! Accidents on the way: what is lost, late or doubled.

use super::Delivery;
use crate::Time;
use crate::ns;
use crate::xml::{Element, el, stanza_error};

/// What becomes of a stanza.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    IsLost,
    /// Later ones overtake it.
    IsLate(Time),
    /// And again so much later.
    ComesTwice(Time),
    /// An error comes in place of what was answered.
    IsAnError,
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

/// An error in place of this answer.
pub fn as_error(answer: &Element) -> Element {
    el("iq", ns::CLIENT)
        .attr("type", "error")
        .opt("id", answer.attr("id"))
        .opt("from", answer.attr("from"))
        .opt("to", answer.attr("to"))
        .child(stanza_error("cancel", "internal-server-error", Some("as planned")))
        .done()
}
