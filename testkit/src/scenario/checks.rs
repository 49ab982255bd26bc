//! What has to be true: all views agree, nobody complains, nothing is left.

use jicofo::focus::Connection;
use jicofo::focus::metrics::Gauges;

use super::Scenario;
use crate::Time;
use crate::bridge::{Answered, Bridge};
use crate::participant::{Detour, Ended, Participant, Place, Refusal};
use crate::views::{Rules, disagreements};
use crate::violation::Violation;
use crate::wire_log::Wire;

/// How long an abandoned conference may live on: timers of the focus, the longest 20 s (spec/30 §6.1).
const AFTERLIFE: Time = Time::from_secs(40);

/// So many lines of the log are a story.
pub(super) const STORY: usize = 120;

/// So many requests may be under way though nobody is there: the checks of bridges never end, nor does the question for
/// components, with which the one for the client proxy goes, nor that for our own place in the brewery.
pub(crate) fn standing_requests(gauges: &Gauges) -> usize {
    gauges.bridges + 3
}

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
        self.everybody_leaves_now();
        self.run_for(AFTERLIFE);
    }

    /// Everybody leaves the room.
    pub fn everybody_leaves_now(&mut self) {
        let now = self.now;
        for participant in self.participants.values_mut().filter(|p| p.place() == Place::InRoom) {
            participant.set_now(now);
            participant.leave();
        }
        self.pump();
    }

    /// The last lines of the log.
    pub fn story(&self) -> String {
        let told: Vec<&Wire> = self.log.iter().filter(|wire| wire.is_told()).collect();
        let lines = told[told.len().saturating_sub(STORY)..].iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
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
        wrong.extend(self.unanswered().into_iter().map(|open| format!("the focus never answered: {open}")));
        wrong
    }

    /// Requests that the focus was asked, on any of its connections, and has not answered.
    pub(crate) fn unanswered(&self) -> Vec<String> {
        let nodes = self.nodes().into_iter().map(|node| super::driver::label_of(Connection::Visitors(node)));
        let labels = ["focus", "focus/component", super::SERVICE].map(str::to_owned).into_iter().chain(nodes);
        labels.flat_map(|label| self.server.unanswered(&label)).collect()
    }

    /// What anybody has complained of since the last time.
    pub(crate) fn take_complaints(&mut self) -> Vec<Violation> {
        let mut all = std::mem::take(&mut self.complaints);
        for (label, participant) in self.participants.iter_mut().filter(|(_, p)| !p.violations().is_empty()) {
            // By the label, which is one of several with the same name.
            let taken = participant.take_violations().into_iter();
            all.extend(taken.map(|violation| Violation { peer: label.clone(), ..violation }));
        }
        for bridge in self.bridges.values_mut() {
            all.extend(bridge.take_violations());
        }
        all.extend(self.server.take_violations());
        all
    }

    /// What anybody was refused since the last time.
    pub(crate) fn take_refusals(&mut self) -> Vec<(String, Refusal)> {
        let refused = self.participants.iter_mut().filter(|(_, p)| !p.refusals().is_empty());
        refused.flat_map(|(label, p)| p.take_refusals().into_iter().map(|it| (label.clone(), it))).collect()
    }

    /// What somebody was granted since the last time that nobody may ask for.
    pub(crate) fn take_granted(&mut self) -> Vec<(String, String)> {
        let all = self.participants.iter_mut();
        all.flat_map(|(label, p)| p.take_granted().into_iter().map(|it| (label.clone(), it))).collect()
    }

    /// Answers since the last time after which somebody asks for his conference again.
    pub(crate) fn take_detours(&mut self) -> Vec<(String, Detour)> {
        let all = self.participants.iter_mut();
        all.flat_map(|(label, p)| p.take_detours().into_iter().map(|it| (label.clone(), it))).collect()
    }

    /// Mutes of others that somebody was granted since the last time.
    pub(crate) fn take_mutes(&mut self) -> Vec<(String, Time, String)> {
        let all = self.participants.iter_mut();
        all.flat_map(|(label, p)| p.take_mutes().into_iter().map(|(at, about)| (label.clone(), at, about))).collect()
    }

    /// Sessions in use that the focus has ended since the last time.
    pub(crate) fn take_ended(&mut self) -> Vec<(String, Ended)> {
        let all = self.participants.iter_mut();
        all.flat_map(|(label, p)| p.take_ended().into_iter().map(|it| (label.clone(), it))).collect()
    }

    /// Errors that bridges have answered since the last time.
    pub(crate) fn take_bridge_errors(&mut self) -> Vec<(String, Answered)> {
        let failed = self.bridges.iter_mut().filter(|(_, bridge)| !bridge.errors().is_empty());
        failed.flat_map(|(label, bridge)| bridge.take_errors().into_iter().map(|it| (label.clone(), it))).collect()
    }

    /// Where what participants send, what others were told, and what bridges hold do not agree.
    pub fn disagreements(&self) -> Vec<String> {
        let participants: Vec<&Participant> = self.participants.values().collect();
        let bridges: Vec<&Bridge> = self.bridges.values().collect();
        disagreements(&participants, &bridges, Rules::of(&self.config))
    }

    /// What is there after everybody has gone.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (label, bridge) in self.bridges.iter().filter(|(label, _)| self.server.is_connected(label)) {
            wrong.extend(bridge.conferences().keys().map(|id| format!("conference {id} is left on {label}")));
        }
        let rooms = self.server.rooms().keys().filter(|room| !room.contains("brewery@"));
        wrong.extend(rooms.map(|room| format!("room {room} is left")));
        let gauges = self.focus.gauges();
        if gauges.conferences + gauges.participants + gauges.members > 0 {
            wrong.push(format!("the focus still has {gauges:?}"));
        }
        if gauges.endpoints > 0 || gauges.requests_pending > standing_requests(&gauges) {
            wrong.push(format!("the focus still keeps account of {gauges:?}"));
        }
        wrong.extend(self.focus.audit());
        wrong
    }
}
