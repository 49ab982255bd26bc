//! Who leads: the focus makes somebody an owner of each room (spec/20 §6).

use std::collections::{BTreeMap, BTreeSet};

use super::judge::Judge;
use super::peers::Person;
use crate::participant::Place;
use crate::scenario::Scenario;

impl Judge {
    /// Among those who take part in a room one at least leads it.
    pub(super) fn compare_leaders(&self, s: &Scenario, people: &BTreeMap<u8, Person>, wrong: &mut Vec<String>) {
        // Who has logged in leads while that lasts, and nobody else ever (spec/20 §6.2).
        if self.secured {
            return;
        }
        let mut led = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for person in people.values() {
            let participant = s.view(&person.label);
            if participant.place() != Place::InRoom {
                continue;
            }
            // To the focus an owner is one whatever his role, so that it has found one (spec/20 §4.2, §6.1). The servers here
            // show an owner as a visitor if his name is one's.
            if participant.is_owner() {
                led.insert(&participant.settings.room);
            }
            if participant.looks_on() {
                continue;
            }
            taken.insert(&participant.settings.room);
            if participant.is_moderator() {
                led.insert(&participant.settings.room);
            }
        }
        // Whom the focus had chosen stays its choice until he leaves, whatever others made of him (spec/20 §6.1).
        let lost = people.iter().filter(|(number, _)| self.causes.lost_rights.contains(number));
        led.extend(lost.map(|(_, person)| &person.room));
        wrong.extend(taken.difference(&led).map(|room| format!("nobody leads {room}")));
    }
}
