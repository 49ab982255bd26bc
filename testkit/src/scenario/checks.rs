//! What has to be true: all views agree, nobody complains, nothing is left.

use super::Scenario;
use crate::Time;
use crate::bridge::Bridge;
use crate::participant::{Participant, Place};
use crate::views::{Rules, disagreements};

/// How long an abandoned conference may live on: timers of the focus, the longest 20 s (spec/30 §6.1).
const AFTERLIFE: Time = Time::from_secs(40);

impl Scenario {
    /// Lets everything settle, compares all views, has everybody leave, and sees that nothing is left. Panics with all that
    /// is wrong.
    #[track_caller]
    pub fn finish(mut self) {
        self.settle();
        let mut wrong = self.disagreements();
        self.everybody_leaves();
        wrong.extend(self.leftovers());
        wrong.extend(self.complaints());
        assert!(
            wrong.is_empty(),
            "seed {}: {} things are wrong:\n{}\n{}",
            self.seed,
            wrong.len(),
            wrong.join("\n"),
            self.story()
        );
    }

    /// Panics if views disagree or somebody complains, now.
    #[track_caller]
    pub fn check(&mut self) {
        let mut wrong = self.disagreements();
        wrong.extend(self.complaints());
        assert!(
            wrong.is_empty(),
            "seed {}: {} things are wrong:\n{}\n{}",
            self.seed,
            wrong.len(),
            wrong.join("\n"),
            self.story()
        );
    }

    /// Everybody leaves the room, and the focus is given time to notice.
    pub fn everybody_leaves(&mut self) {
        let now = self.now;
        for participant in self.participants.values_mut().filter(|p| p.place() == Place::InRoom) {
            participant.set_now(now);
            participant.leave();
        }
        self.run_for(AFTERLIFE);
    }

    /// The last lines of the log.
    pub fn story(&self) -> String {
        let lines: Vec<String> = self
            .log
            .iter()
            .filter(|wire| !wire.stanza.children().any(|child| matches!(child.name(), "stats" | "healthcheck")))
            .map(ToString::to_string)
            .collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Everything that somebody complains of, refusals that no test expected included.
    pub fn complaints(&self) -> Vec<String> {
        let participants = self.participants.values().flat_map(|p| p.violations());
        let bridges = self.bridges.values().flat_map(|b| b.violations());
        let all = participants.chain(bridges).chain(self.server.violations()).chain(&self.complaints);
        let mut wrong: Vec<String> = all.map(ToString::to_string).collect();
        for participant in self.participants.values() {
            let refusals = participant.refusals().iter();
            wrong.extend(refusals.map(|refusal| format!("{} was refused: {refusal:?}", participant.nick())));
        }
        for bridge in self.bridges.values() {
            wrong.extend(bridge.errors().iter().map(|error| format!("{} answered {error:?}", bridge.nick())));
        }
        for label in ["focus", "focus/component"] {
            let open = self.server.unanswered(label);
            wrong.extend(open.into_iter().map(|open| format!("the focus never answered: {open}")));
        }
        wrong
    }

    /// Where what participants send, what others were told, and what bridges hold do not agree.
    pub fn disagreements(&self) -> Vec<String> {
        let participants: Vec<&Participant> = self.participants.values().collect();
        let bridges: Vec<&Bridge> = self.bridges.values().collect();
        disagreements(&participants, &bridges, Rules::of(&self.config))
    }

    /// What is there after everybody has gone.
    pub(super) fn leftovers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (label, bridge) in self.bridges.iter().filter(|(label, _)| self.server.is_connected(label)) {
            wrong.extend(bridge.conferences().keys().map(|id| format!("conference {id} is left on {label}")));
        }
        let rooms = self.server.rooms().keys().filter(|room| !room.starts_with("jvbbrewery@"));
        wrong.extend(rooms.map(|room| format!("room {room} is left")));
        let gauges = self.focus.gauges();
        if gauges.conferences + gauges.participants + gauges.members > 0 {
            wrong.push(format!("the focus still has {gauges:?}"));
        }
        // Checks of bridges never end.
        if gauges.endpoints > 0 || gauges.requests_pending > gauges.bridges {
            wrong.push(format!("the focus still keeps account of {gauges:?}"));
        }
        wrong.extend(self.focus.audit());
        wrong
    }
}
