//! Hostile where nobody has a session that stands: between two of them, in mid-move, between an offer and its accept. And
//! answers to what others were asked.

use jicofo::focus::command::Command;

use super::play::{Later, Life};
use crate::Time;
use crate::ns;
use crate::participant::media::{Dice, camera, single_camera};
use crate::participant::{Place, SessionState};
use crate::sources::Sources;
use crate::xml::el;

/// It takes so long to accept, if it does.
const THINKS: Time = Time::from_secs(3);

/// How often it looks whether it has an offer, and how often at most.
const LOOK: Time = Time::from_millis(50);
const LOOKS: u8 = 80;

/// So many things that it may do, and so many at most in a row.
const MISDEEDS: u64 = 16;
const IN_A_ROW: u64 = 5;

/// More than there are on a bridge.
const ALL: u32 = 100;

impl Life<'_> {
    pub(super) fn acts_unsettled(&mut self, who: u8, other: u8, how: u16) {
        let Some(label) = self.becomes_hostile(who) else { return };
        let mut dice = Dice::of(&format!("unsettled {how}"));
        let participant = self.s.participant(&label);
        participant.settings.thinks = THINKS;
        // Some send in the next session what they sent in this one.
        participant.settings.keeps_ssrcs |= dice.roll() % 2 == 0;
        match dice.roll() % 4 {
            0 => {}
            1 => participant.restart(),
            2 => participant.report_ice_failed(),
            _ => self.is_moved(&label),
        }
        if dice.roll() % 2 == 0 {
            self.act_unsettled(dice.roll() % MISDEEDS, (who, other), &label);
        }
        self.later(LOOK, Later::Unsettled { who, other, how, looks: 0 });
    }

    /// It has an offer, and has not accepted it yet: now is the time.
    pub(super) fn looks_for_an_offer(&mut self, who: u8, other: u8, how: u16, looks: u8) {
        let Some(label) = self.people.get(&who).filter(|it| it.hostile).map(|it| it.label.clone()) else { return };
        if !self.s.view(&label).session().is_some_and(|session| session.state == SessionState::Offered) {
            if looks < LOOKS {
                self.later(LOOK, Later::Unsettled { who, other, how, looks: looks + 1 });
            }
            return;
        }
        let mut dice = Dice::of(&format!("offered {how}"));
        for _ in 0..1 + dice.roll() % IN_A_ROW {
            self.act_unsettled(dice.roll() % MISDEEDS, (who, other), &label);
        }
    }

    /// From now on somebody answers what others are asked.
    pub(super) fn answers_for_others(&mut self, who: u8, long: Time) {
        let Some(label) = self.becomes_hostile(who) else { return };
        let until = self.s.now() + long;
        self.s.server().forges(&label, until);
    }

    /// Whoever is in a main room, or on his way there.
    fn becomes_hostile(&mut self, who: u8) -> Option<String> {
        let person = self.people.get_mut(&who).filter(|person| !person.away)?;
        let participant = self.s.view(&person.label);
        if !matches!(participant.place(), Place::Joining | Place::InRoom) || participant.is_visitor() {
            return None;
        }
        person.hostile = true;
        Some(person.label.clone())
    }

    /// An operator clears its bridge.
    fn is_moved(&mut self, label: &str) {
        if let Some(bridge) = self.s.home_of(label).map(str::to_owned) {
            // With all others who are on it.
            self.judge.causes.bridge_forgets(self.s.now(), bridge.clone());
            self.s.command(Command::MoveEndpoints { bridge, room: None, count: ALL });
        }
    }

    fn act_unsettled(&mut self, what: u64, (who, other): (u8, u8), label: &str) {
        let own = self.s.view(label).session().map(|session| session.sid.clone()).unwrap_or_default();
        let before = self.s.view(label).sent_last().clone();
        let ssrcs = |sources: &Sources| sources.sources.iter().map(|source| source.ssrc).collect::<Vec<_>>();
        match what {
            0 => _ = self.s.participant(label).add_source(camera()),
            // All that it had in its last session, or one of it: the rest is kept for it.
            1 => self.s.participant(label).announce(before),
            2 | 3 => {
                let first = before.sources.into_iter().take(1).collect();
                self.s.participant(label).announce(Sources { sources: first, ..Sources::default() });
            }
            4 => self.s.participant(label).withdraw(&ssrcs(&before)),
            5 => {
                let added = self.s.participant(label).add_source(single_camera());
                self.s.participant(label).withdraw(&ssrcs(&added));
            }
            6 => {
                self.s.participant(label).accept_again();
                self.s.participant(label).accept_again();
            }
            7 => {
                self.s.participant(label).accept_with(camera());
                self.s.participant(label).accept_again();
            }
            8 => self.send_jingle(label, "session-accept", "0123456789abc"),
            9 => self.use_foreign_sid(label, who, other),
            10 => self.s.participant(label).terminate("success", "bye", Some(false)),
            11 => self.s.participant(label).restart(),
            12 => {
                for action in ["transport-info", "transport-accept", "transport-reject", "session-info"] {
                    self.send_jingle(label, action, &own);
                }
                self.s.participant(label).restart_ice();
                self.s.participant(label).report_ice_failed();
            }
            13 => {
                let victim = self.people.get(&other).filter(|_| other != who).map(|person| person.label.clone());
                let Some(sources) = victim.map(|victim| self.s.view(&victim).own().clone()) else { return };
                let stolen = ssrcs(&sources);
                self.s.participant(label).announce(sources);
                self.s.participant(label).withdraw(&stolen);
            }
            14 => {
                // It is refused, and with it the session.
                let source = el("source", ns::SSMA).attr("ssrc", "0");
                let description = el("description", ns::RTP).attr("media", "video").child(source);
                let content = el("content", ns::JINGLE).attr("name", "video").child(description);
                let jingle = el("jingle", ns::JINGLE).attr("action", "session-accept").attr("sid", own).child(content);
                self.s.participant(label).send_jingle(jingle.done());
            }
            _ => self.is_moved(label),
        }
    }
}
