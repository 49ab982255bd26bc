//! What bridges let nothing through of, against what the moderation component says (spec/20 §8, §9), as far as that can be known
//! without asking the focus.

use std::collections::BTreeMap;

use super::judge::Judge;
use super::peers::{Person, label};
use crate::Time;
use crate::bridge::Endpoint;
use crate::participant::CROSSING;
use crate::scenario::Scenario;
use crate::views::is_of;

/// The focus waits for an answer for so long, and may then leave the room that it was about to enter.
const GIVES_UP: Time = Time::from_secs(15);

/// Somebody was granted that another be muted.
#[derive(Debug)]
pub(super) struct Granted {
    /// By when it has to have reached him.
    due: Time,
    asked: Time,
    /// In which life it was about him.
    label: String,
}

impl Judge {
    /// What was granted reaches whom it was about, if he stays.
    pub(super) fn look_at_mutes(&mut self, s: &mut Scenario, people: &BTreeMap<u8, Person>, wrong: &mut Vec<String>) {
        let now = s.now();
        for (label, asked, about) in s.take_mutes() {
            let room = &s.view(&label).settings.room;
            let victim = people.values().map(|person| (person, s.view(&person.label)));
            let victim = victim.into_iter().find(|(_, view)| view.nick() == about && view.settings.room == *room);
            if let Some((person, _)) = victim.filter(|(person, view)| view.connected() && person.since < asked) {
                self.granted.push(Granted { due: now + CROSSING, asked, label: person.label.clone() });
            }
        }
        let due = self.granted.iter().take_while(|granted| granted.due <= now).count();
        for Granted { asked, label, .. } in self.granted.drain(..due) {
            let view = s.view(&label);
            if view.connected() && self.trouble <= asked && view.last_muted().is_none_or(|at| at < asked) {
                wrong.push(format!("{label} was to be muted, and was not told"));
            }
        }
    }

    /// Where nothing was ever moderated, nobody is muted. Where microphones are, and the focus was there to be told and in no
    /// trouble since, everybody is who has never led the room and was never approved: nothing could have lifted it.
    pub(super) fn compare_mutes(&self, s: &Scenario, people: &BTreeMap<u8, Person>, wrong: &mut Vec<String>) {
        for (number, person) in people {
            let participant = s.view(&person.label);
            let room = &participant.settings.room;
            let Some(moderation) = s.view_server().moderation_of(room) else { continue };
            let Some((bridge, endpoint)) = endpoint_of(s, person) else { continue };
            if !participant.connected() || participant.looks_on() {
                continue;
            }
            let (audio, video) = endpoint.force_mute;
            if !s.view_server().was_ever_moderated(room) && (audio || video) {
                wrong.push(format!("{bridge} mutes {}, though nothing was ever moderated", participant.nick()));
            }
            let Some(moderated) = moderation.get("audio") else { continue };
            // Whoever is about to leave for a moment is in the room yet.
            let unheard = s.view_server().struck_at().map_or(Time::ZERO, |at| at + GIVES_UP);
            let calm = self.last_trouble().max(unheard) + CROSSING;
            let known = moderated.begun.is_some_and(|begun| moderated.on && calm < begun);
            let led = (0..=person.lives).any(|life| s.view(&label(*number, life)).has_led());
            let approved = moderated.ever_approved.contains(&participant.occupant_jid());
            if known && !led && !approved && !audio {
                wrong.push(format!("{bridge} lets {} speak, who is moderated", participant.nick()));
            }
        }
    }

    /// Zero: there was none.
    fn last_trouble(&self) -> Time {
        self.trouble.saturating_sub(super::judge::TROUBLE)
    }
}

/// Somebody's endpoint, and the bridge it is on.
fn endpoint_of<'a>(s: &'a Scenario, person: &Person) -> Option<(&'a str, &'a Endpoint)> {
    let participant = s.view(&person.label);
    s.bridges().find_map(|bridge| {
        let mut conferences = bridge.conferences().values();
        let endpoint =
            conferences.find_map(|it| it.endpoints.get(participant.nick()).filter(|_| is_of(it, participant)))?;
        Some((bridge.nick(), endpoint))
    })
}
