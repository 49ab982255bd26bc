//! What has to be true: all views agree, nobody complains, nothing is left.

use super::Scenario;
use crate::Time;
use crate::participant::{Participant, Place, SessionState, profile};
use crate::sources::{ByOwner, Media, Sources};

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
        let mut wrong = Vec::new();
        for participant in self.present() {
            if participant.session().is_some_and(|session| session.state == SessionState::Active) {
                self.compare_remote(participant, &mut wrong);
            }
            self.compare_bridges(participant, &mut wrong);
        }
        self.compare_strangers(&mut wrong);
        wrong
    }

    fn present(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values().filter(|p| p.place() == Place::InRoom)
    }

    /// Each participant knows exactly the others' sources, as far as it wants them (spec/30 §7.4, §7.5).
    fn compare_remote(&self, participant: &Participant, wrong: &mut Vec<String>) {
        let told: ByOwner = participant.remote().by_owner().clone();
        let (nick, profile) = (participant.nick(), &participant.settings.profile);
        let mut expected = ByOwner::new();
        let rewriting = profile.has(profile::SSRC_REWRITING) && self.config.conference.use_ssrc_rewriting;
        for other in self.present().filter(|other| other.nick() != nick && !rewriting) {
            let active = other.session().is_some_and(|session| session.state == SessionState::Active);
            let same_room = other.settings.room == participant.settings.room;
            let mut sources = if active && same_room { other.own().clone() } else { Sources::default() };
            for (feature, media) in [(profile::AUDIO, Media::Audio), (profile::VIDEO, Media::Video)] {
                if !profile.has(feature) {
                    sources = sources.without(media);
                }
            }
            if self.config.conference.strip_simulcast {
                sources = sources.stripped();
            }
            if !sources.is_empty() {
                expected.insert(other.nick().to_owned(), sources);
            }
        }
        for owner in expected.keys().chain(told.keys().filter(|owner| *owner != "jvb")) {
            let (expected, told) = (expected.get(owner).cloned(), told.get(owner).cloned());
            let (expected, told) = (expected.unwrap_or_default().sorted(), told.unwrap_or_default().sorted());
            let text = format!("{nick} knows of {owner}: {told}, but {owner} sends: {expected}");
            if expected != told && !wrong.contains(&text) {
                wrong.push(text);
            }
        }
        let feedback = told.get("jvb").map_or(0, |sources| sources.sources.len());
        let media = [profile::AUDIO, profile::VIDEO].iter().filter(|feature| profile.has(feature)).count();
        if feedback != media {
            wrong.push(format!("{nick} knows {feedback} sources of the bridge, not {media}"));
        }
    }

    /// Who has a session has one endpoint on one bridge, with its sources, and stands behind a relay on each other bridge of
    /// the conference; nobody else has one.
    fn compare_bridges(&self, participant: &Participant, wrong: &mut Vec<String>) {
        let nick = participant.nick();
        let homes: Vec<_> = self
            .bridges
            .iter()
            .flat_map(|(label, bridge)| bridge.conferences().iter().map(move |(id, c)| (label, id, c)))
            .filter(|(_, _, conference)| self.is_of(conference, participant))
            .filter_map(|(label, id, conference)| Some((label, id, conference.endpoints.get(nick)?)))
            .collect();
        let expected = usize::from(participant.session().is_some());
        if homes.len() != expected {
            return wrong.push(format!("{nick} has {} endpoints on bridges, not {expected}", homes.len()));
        }
        let Some((home, meeting, endpoint)) = homes.first() else { return };
        let sends = as_on_bridge(nick, participant.own());
        let has = endpoint.sources.clone().sorted();
        if sends != has {
            wrong.push(format!("{home} has of {nick}: {has}, but {nick} sends: {sends}"));
        }
        for (label, bridge) in self.bridges.iter().filter(|(label, _)| label != home) {
            let Some(conference) = bridge.conferences().get(*meeting) else { continue };
            let behind: Vec<&Sources> =
                conference.relays.values().filter_map(|relay| relay.endpoints.get(nick)).collect();
            let expected = usize::from(!endpoint.visitor);
            if behind.len() != expected {
                wrong.push(format!("{nick} is behind {} relays of {label}, not {expected}", behind.len()));
            }
            for sources in behind.into_iter().map(|s| s.clone().sorted()).filter(|s| *s != sends) {
                wrong.push(format!("{label} has of {nick} behind a relay: {sources}, but {nick} sends: {sends}"));
            }
        }
    }

    fn is_of(&self, conference: &crate::bridge::Conference, participant: &Participant) -> bool {
        conference.name.as_deref().is_none_or(|name| name == participant.settings.room)
    }

    /// Endpoints of nobody who is in the room.
    fn compare_strangers(&self, wrong: &mut Vec<String>) {
        let known = |id: &str| self.present().any(|p| p.nick() == id);
        for (label, bridge) in &self.bridges {
            for conference in bridge.conferences().values() {
                let relayed = conference.relays.values().flat_map(|relay| relay.endpoints.keys());
                for id in conference.endpoints.keys().chain(relayed).filter(|id| !known(id)) {
                    wrong.push(format!("{label} has an endpoint {id}, who is not in the room"));
                }
            }
        }
    }

    /// What is there after everybody has gone.
    fn leftovers(&self) -> Vec<String> {
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
        wrong
    }
}

/// Sources as a bridge is told of them: named, without msid (spec/40 §2.7).
fn as_on_bridge(nick: &str, sources: &Sources) -> Sources {
    let mut sources = sources.clone();
    for source in &mut sources.sources {
        let letter = &source.media.name()[..1];
        source.name.get_or_insert_with(|| format!("{nick}-{letter}0"));
        source.msid = None;
    }
    sources.sorted()
}
