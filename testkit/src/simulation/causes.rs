//! Of what the sessions of honest people may end: each end that the focus brings about in a session in use has a cause
//! (docs/SIMULATION.md, "What sessions end of").

use std::collections::{BTreeMap, BTreeSet};

use super::fairness::is_over;
use super::judge::Judge;
use super::peers::Person;
use super::plan::What;
use super::play::{bridge, millis};
use super::upheavals::SILENT;
use crate::Time;
use crate::bridge::Bridge;
use crate::participant::{CROSSING, Detour, Ended};
use crate::scenario::Scenario;

/// After a bridge did wrong it may take so long until the last who was on it has another: an answer is awaited for 15 s, and one
/// bridge after another is asked.
const AFTERMATH: Time = Time::from_secs(75);

/// What went wrong with answers to the focus is known to it, and got over, after this.
const UNHEARD: Time = Time::from_secs(60);

/// A connection that is away for longer takes its conferences with it, a little earlier or later (spec/10 §5.3).
const GRACE: Time = Time::from_secs(14);

/// So long after somebody asked for another session, or for another transport, the focus may begin one anew.
const REQUEST: Time = Time::from_secs(45);

/// Whoever came is among others after so long.
const ARRIVAL: Time = Time::from_secs(10);

/// An authentication session that was not used for so long may be over.
const OLD: Time = Time::from_secs(15);

/// What has happened that ends sessions: until when it may.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// A connection, the focus itself, answers to it.
    general: Time,
    /// Bridges, by name.
    bridges: BTreeMap<String, Time>,
    /// Rooms whose conference the core failed in.
    rooms: BTreeMap<String, Time>,
    /// When the focus began that there is.
    focus_began: Time,
    /// From whom rights were taken.
    pub lost_rights: BTreeSet<u8>,
    /// Answers are lost, late or spoilt when there are some.
    unheard: Time,
}

impl Causes {
    /// Something is about to happen. `focus_away`: what needs its connection does not.
    pub fn happens(&mut self, now: Time, focus_away: bool, what: What) {
        match what {
            // Nobody sees anything of a connection that is resumed, unless conferences have ended before.
            What::CutAndResumed(long) if millis(long) < GRACE => {}
            What::CutAndResumed(_) | What::CutAndAnew(_) | What::Disconnected(_) | What::ServerRestarts(_)
                if focus_away => {}
            What::CutAndResumed(long)
            | What::CutAndAnew(long)
            | What::Disconnected(long)
            | What::ServerRestarts(long) => {
                self.is_in_trouble(now + millis(long));
            }
            What::ServiceCutAndResumed(long)
            | What::ServiceCutAndAnew(long)
            | What::ServiceDisconnected(long)
            | What::ServiceSilent(long) => self.is_in_trouble(now + SILENT + millis(long)),
            What::AnswersLost(_) | What::AnswersLate(..) | What::AnswersTwice(..) | What::AnswersAreErrors(_) => {
                self.unheard = now + UNHEARD;
            }
            // What it has forgotten is found when it is asked again.
            What::BridgeForgets(number) | What::BridgeForgetsOne(number, _) => {
                self.bridges.insert(bridge(number), Time::MAX);
            }
            What::BridgeIsSlow(number, _) => self.bridge_fails(now, number),
            What::BridgeSleeps(number, long)
            | What::BridgeCrashes(number, long)
            | What::BridgeIsSick(number, long)
            | What::BridgeIsDeaf(number, long)
            | What::BridgeShutsDown(number, long) => self.bridge_fails(now + millis(long), number),
            What::BridgeIsStale(number, seconds) => self.bridge_fails(now + Time::from_secs(seconds.into()), number),
            What::Silent(long) => self.is_in_trouble(now + SILENT + millis(long)),
            // Whoever is not seen in the bridges' room is left.
            What::FocusKickedFromBrewery => self.is_in_trouble(now),
            What::BreweryDestroyed(long) => self.is_in_trouble(now + millis(long)),
            What::LosesRights(who) => _ = self.lost_rights.insert(who),
            What::BridgeRelieved(number, _) => self.bridge_fails(now, number),
            _ => {}
        }
    }

    pub fn bridge_fails(&mut self, at: Time, number: u8) {
        self.bridge_forgets(at, bridge(number));
    }

    /// It ends by itself what it has of somebody.
    pub fn bridge_forgets(&mut self, at: Time, bridge: String) {
        let until = self.bridges.entry(bridge).or_default();
        *until = (*until).max(at.saturating_add(AFTERMATH));
    }

    pub fn focus_is_new(&mut self, now: Time) {
        self.is_in_trouble(now);
        self.focus_began = now;
    }

    /// Something of no bridge and no room goes wrong until then.
    pub fn is_in_trouble(&mut self, at: Time) {
        self.general = self.general.max(at + super::judge::TROUBLE);
    }

    /// The core failed in the conference of one room, which has ended.
    pub fn room_fails(&mut self, now: Time, room: &str) {
        self.rooms.insert(room.to_owned(), now + super::judge::TROUBLE);
    }

    fn is_of_room(&self, now: Time, room: &str) -> bool {
        self.rooms.get(room).is_some_and(|until| now < *until)
    }

    fn is_of_bridge(&self, now: Time, bridge: &Bridge) -> bool {
        self.bridges.get(bridge.nick()).is_some_and(|until| now < *until)
            || !bridge.settings.delay.is_zero()
            || bridge.failed_at().is_some_and(|at| now < at + AFTERMATH)
    }
}

impl Judge {
    /// Whoever has a session keeps it unless there is a cause.
    pub(super) fn look_at_ends(&mut self, s: &mut Scenario, people: &BTreeMap<u8, Person>, wrong: &mut Vec<String>) {
        for (label, ended) in s.take_ended() {
            let Some(person) = people.values().find(|person| person.label == label) else { continue };
            if !person.hostile && !self.has_cause(s, people, person, &ended) {
                wrong.push(format!("the session of {label} is ended without cause: {}", ended.reason));
            }
        }
        for (label, detour) in s.take_detours() {
            let Some(person) = people.values().find(|person| person.label == label) else { continue };
            if !person.hostile && !self.is_asked_again(s, person, &detour) {
                wrong.push(format!("{label} has to ask for its conference again: {}", detour.what));
            }
        }
    }

    fn has_cause(&self, s: &Scenario, people: &BTreeMap<u8, Person>, person: &Person, ended: &Ended) -> bool {
        let now = s.now();
        if self.fails_for(s, person) {
            return true;
        }
        if ended.reason == "expired" {
            return is_alone(s, people, person);
        }
        if asks_for_another(s, person) {
            return true;
        }
        // Those whom links join share what befalls one.
        let concerned = |bridge: &&Bridge| self.linked || bridge.fingerprint() == ended.certificate;
        s.bridges().filter(concerned).any(|bridge| self.causes.is_of_bridge(now, bridge))
    }

    /// Whether what went wrong is of no bridge and no room.
    fn fails_at_large(&self, s: &Scenario) -> bool {
        s.now() < self.causes.general
            || s.now() < self.causes.unheard
            || (self.causes.unheard > Time::ZERO && s.view_server().has_rules())
            || s.view_server().struck_at().is_some_and(|at| s.now() < at + UNHEARD)
    }

    /// Whether it is, or is of its room.
    fn fails_for(&self, s: &Scenario, person: &Person) -> bool {
        self.fails_at_large(s) || self.causes.is_of_room(s.now(), &person.room)
    }

    /// Whether some bridge lets people go.
    pub(super) fn may_lose_its_bridge(&self, s: &Scenario, person: &Person) -> bool {
        self.fails_for(s, person) || s.bridges().any(|bridge| self.causes.is_of_bridge(s.now(), bridge))
    }

    /// Bridges let nobody go by themselves who is connected.
    pub(super) fn may_have_lost_its_endpoint(&self, s: &Scenario, person: &Person) -> bool {
        // Whoever accepts with what is others' is refused, and has none then.
        if person.hostile {
            return true;
        }
        // The conference is over, of which its node has yet to hear; and before that nobody else is told either.
        let has_nodes = !s.config().xmpp.visitors.is_empty();
        if (s.view(&person.label).is_visitor() && is_over(s, person)) || (has_nodes && self.in_trouble(s.now())) {
            return true;
        }
        let session = s.view(&person.label).session();
        let digest = session.and_then(|session| session.bridge_ice.fingerprint.as_ref()).map(|(_, digest)| digest);
        // Whose transport is replaced keeps its session until another bridge has answered: that one may be the cause.
        let concerned = |bridge: &&Bridge| self.linked || self.replaced || Some(&bridge.fingerprint()) == digest;
        self.fails_for(s, person)
            || s.bridges().filter(concerned).any(|bridge| self.causes.is_of_bridge(s.now(), bridge))
            // Whoever has the last endpoint there and asks for another gives up the conference, and such a bridge takes none.
            || (asks_for_another(s, person)
                && s.bridges().filter(concerned).any(|bridge| bridge.settings.stats.graceful_shutdown))
    }

    /// A session of before may be over, or of a focus that is gone.
    fn is_asked_again(&self, s: &Scenario, person: &Person, detour: &Detour) -> bool {
        let life = person.since.max(self.causes.focus_began);
        let over = s.now() < self.causes.focus_began + OLD || s.now() >= life + OLD || person.lives > 0;
        let troubled = self.in_trouble(s.now()) || self.fails_for(s, person);
        let nodes = !s.config().xmpp.visitors.is_empty();
        match detour.what.as_str() {
            // With the room for which it was given it ends, too.
            "session-invalid" => detour.named_session && (over || troubled || (nodes && is_over(s, person))),
            // The focus could not get into the room, or was put out of it; or the last had left, and it was leaving the rooms on
            // nodes; or a node is disconnected, and the main room is not open again for all that the focus has heard.
            "not ready" => troubled || (nodes && (is_over(s, person) || is_parting(s, person))),
            _ => false,
        }
    }
}

/// Whether he has just asked for another session, or another transport.
fn asks_for_another(s: &Scenario, person: &Person) -> bool {
    let asked = s.view(&person.label).asked(&["session-info", "session-terminate"]).last();
    asked.is_some_and(|at| s.now() < at + REQUEST)
}

/// Whether a node has just been disconnected.
fn is_parting(s: &Scenario, person: &Person) -> bool {
    s.view_server().parted_at(&person.room).is_some_and(|at| s.now() < at + CROSSING)
}

/// Whether nobody else in the room has a session, or nobody had one until just now.
fn is_alone(s: &Scenario, people: &BTreeMap<u8, Person>, person: &Person) -> bool {
    let room = &s.view(&person.label).settings.room;
    let mut others = people.values().filter(|other| other.label != person.label);
    !others.any(|other| {
        let view = s.view(&other.label);
        view.settings.room == *room && view.connected() && s.now() >= other.since + ARRIVAL
    })
}
