//! What must hold (docs/SIMULATION.md), and what is nobody's fault.

use std::collections::{BTreeMap, BTreeSet};

use super::causes::Causes;
use super::mutes::Granted;
use super::peers::{Person, label, nick};
use super::plan::{Client, Setting};
use crate::Time;
use crate::participant::{CROSSING, Participant, Place, Refusal};
use crate::scenario::Scenario;

/// After the focus or its rooms were in trouble, questions of before it may stay without answer for so long.
pub(super) const TROUBLE: Time = Time::from_secs(45);

/// How long bridges keep what a focus left on them that is gone: until their own timers find it, and some more.
const ORPHANS: Time = Time::from_secs(70);

/// Keeps what was seen already, and what is excused.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// Until when nobody may complain of silence.
    pub(super) trouble: Time,
    /// Until when bridges may have something of a focus that is gone.
    orphans: Time,
    /// The core has failed so often, on purpose.
    failures: usize,
    /// The core was looked at when it had had so many inputs.
    audited: usize,
    /// Requests that were asked of a focus that is gone.
    forgiven: BTreeSet<String>,
    /// Answers to the focus were lost: it does not know what clients support, and guesses.
    pub unheard: bool,
    /// The bridges' room has put the focus out: the end of a conference that it told then has reached no bridge.
    pub put_out: bool,
    /// The server's answers to the focus were made errors: what it then can't do, whoever asks for a conference is told.
    pub spoilt: bool,
    /// Transports are replaced within a session: what a client says of the one before reaches the next, which passes it over
    /// (spec/30 §12.2).
    pub(super) replaced: bool,
    /// People have to log in.
    pub(super) secured: bool,
    /// Conferences are on several bridges at once.
    pub(super) linked: bool,
    /// Bridges which do not hear all that they are asked: the end of an endpoint may reach them after its successor.
    pub lossy: BTreeSet<String>,
    /// Who has waited in vain.
    waiting: BTreeSet<String>,
    /// What the sessions of honest people may end of.
    pub(super) causes: Causes,
    /// Mutes that are under way.
    pub(super) granted: Vec<Granted>,
    /// Until when bridges may be asked again for what they have done: the core failed, on purpose, when it had asked.
    stammers: Time,
    /// When what the focus had said and nobody had heard arrived, last.
    pub(super) caught_up: Time,
    /// What people find of themselves when they look.
    pub(super) noticed: Vec<String>,
}

impl Judge {
    /// Of a life of that setting.
    pub fn of(setting: Setting) -> Judge {
        let Setting { replaces, secured, links, .. } = setting;
        Judge { replaced: replaces, secured, linked: links > 0, ..Judge::default() }
    }

    /// Something came between the focus and its rooms.
    pub fn trouble(&mut self, now: Time) {
        self.trouble = now + TROUBLE;
    }

    /// What the focus was asked until now it may not know of.
    pub fn forgive(&mut self, s: &Scenario) {
        self.causes.focus_is_new(s.now());
        self.orphans = s.now() + ORPHANS;
        self.forgiven.extend(s.unanswered());
    }

    pub fn waits(&self, label: &str) -> bool {
        self.waiting.contains(label)
    }

    /// The focus may have been put out after it said that it was there.
    pub fn in_trouble(&self, now: Time) -> bool {
        now < self.trouble
    }

    /// After each input: whoever has something to complain of does so; the core's own state is sound.
    pub fn step(&mut self, s: &mut Scenario, people: &mut BTreeMap<u8, Person>) -> Vec<String> {
        if s.failures() > self.failures {
            let once = s.failures() == self.failures + 1;
            self.failures = s.failures();
            self.trouble(s.now());
            self.stammers = s.now() + CROSSING;
            match s.failed_in().filter(|_| once) {
                Some(room) => self.causes.room_fails(s.now(), room),
                None => self.causes.is_in_trouble(s.now()),
            }
        }
        // Without an input it is as it was.
        let mut wrong = Vec::new();
        if s.inputs() != self.audited {
            self.audited = s.inputs();
            wrong = s.focus().audit();
        }
        for violation in s.take_complaints() {
            let person = people.values().find(|person| person.label == violation.peer);
            let hostile = person.is_some_and(|person| person.hostile);
            if violation.text.starts_with("no answer to") && s.now() < self.trouble {
                self.waiting.insert(violation.peer.clone());
                continue;
            }
            let hostile = hostile || is_of_hostile(&violation.text, people, s.now());
            let stray = is_stray(&violation.text, person, people, s.now());
            let guessed = person.is_some_and(|person| self.is_guessed_at(s, person));
            let guessed = guessed && violation.text.contains("to a client without");
            let doubtful = person.is_some_and(|person| is_of_doubtful(s, person, &violation.text));
            if !hostile && !stray && !guessed && !doubtful && !self.is_excused(s, &violation.text) {
                wrong.push(violation.to_string());
            }
            // It has something of that earlier life, and nobody will take it away; or it looks on where nobody of the main room is
            // seen yet, and has let go of what it was told of them.
            let early = violation.text.contains("who is not in the room")
                && person.is_some_and(|person| s.view(&person.label).is_visitor());
            let helps_itself = |person: &&mut Person| (stray || early) && person.label == violation.peer;
            if let Some(person) = people.values_mut().find(helps_itself) {
                person.refused = true;
            }
        }
        for (label, refusal) in s.take_refusals() {
            let robbed = is_robbed(&label, &refusal, people);
            let Some((number, person)) = people.iter_mut().find(|(_, person)| person.label == label) else { continue };
            if person.hostile {
                continue;
            }
            let reloads = matches!(refusal.request.as_str(), "session-accept" | "session-terminate");
            person.refused |= reloads;
            let number = *number;
            if !robbed && !self.is_fair(s, people, (number, &people[&number]), &refusal) {
                wrong.push(format!("{label} was refused {}: {} {}", refusal.request, refusal.condition, refusal.text));
            }
        }
        self.look_at_mutes(s, people, &mut wrong);
        self.look_at_ends(s, people, &mut wrong);
        wrong.append(&mut self.noticed);
        wrong.extend(s.take_granted().into_iter().map(|(label, what)| format!("{label} was granted {what}")));
        for (label, error) in s.take_bridge_errors() {
            let bridge = s.view_bridge(&label);
            // Of a focus that is gone, or of what was asked and nobody heard (spec/40 §9.3): it was lost, or was an end that the
            // bridges' room did not let through, and its answer was lost, too.
            let left_there = s.now() < self.orphans || self.lossy.contains(&label) || (self.put_out && self.unheard);
            // In graceful shutdown it takes no conferences; where there is no better one it is asked all the same (spec/50 §6.2).
            let known = error.condition == "service-unavailable"
                // It has lost what was there, or the focus does not know what is, or asks again what was not answered, or after an
                // error that says that it has lost its place.
                || (error.condition == "item-not-found"
                    && (bridge.has_missed(&error.meeting)
                        || s.now() < self.orphans.max(self.trouble)
                        || self.unheard
                        || self.spoilt))
                || (error.text.starts_with("Conference already exists") && (error.missed || left_there))
                // Said of a link whose making was refused, before that was heard.
                || error.text.starts_with("Unknown relay")
                // Or of one that has just failed.
                || (is_there_already(&error.text) && (left_there || s.now() < self.stammers));
            if !known {
                wrong.push(format!("{label} answered {error:?}"));
            }
        }
        wrong
    }

    fn is_excused(&self, s: &Scenario, text: &str) -> bool {
        let troubled = self.in_trouble(s.now());
        // What crossed a loss of the connection, or of a room.
        let crossed = [
            "who is not in the room",
            "which is not open",
            "who has none",
            "where it is not",
            "without having entered it",
            // A node's room went while the component of the main server was asked to connect it: two streams.
            "and has no room for it",
        ];
        // Endpoints and links of the same room that a focus left behind which is gone.
        let orphaned = s.now() < self.orphans && text.contains("relay relay-");
        // Of a link: what was not confirmed is said again; and its end, said before we are in the bridges' room again, is refused.
        let repeated =
            [" already", "who is not behind relay", "a second time", "which is not there", ", and comes behind "];
        if (self.unheard || self.spoilt || troubled)
            && text.contains("relay")
            && repeated.iter().any(|words| text.contains(words))
        {
            return true;
        }
        let late = self.replaced && text.starts_with("transport of ") && text.contains(" of ICE generation ");
        orphaned || late || (troubled && crossed.iter().any(|words| text.contains(words)))
    }

    /// What somebody supports the focus may have to guess: nobody told it.
    fn is_guessed_at(&self, s: &Scenario, person: &Person) -> bool {
        self.unheard || s.view(&person.label).kept_features()
    }

    /// When nothing has gone wrong for long: everybody who is there is served, and all views agree.
    pub fn quiescent(&self, s: &Scenario, people: &BTreeMap<u8, Person>) -> Vec<String> {
        let mut wrong = s.disagreements();
        self.compare_mutes(s, people, &mut wrong);
        // Nobody knows that its SSRCs are rewritten, so it is told of others'.
        let told = |person: &Person| person.client == Client::Rewriting && self.is_guessed_at(s, person);
        for (number, _) in people.iter().filter(|(_, person)| told(person)) {
            wrong.retain(|text| !text.starts_with(&format!("{} knows of ", nick(*number))));
        }
        for (number, person) in people {
            let view = s.view(&person.label);
            for owner in view.doubtful().filter(|owner| is_of_before(s, people, view, owner)) {
                wrong.retain(|text| !text.starts_with(&format!("{} knows of {owner}: ", nick(*number))));
            }
        }
        for person in people.values().filter(|person| !person.hostile) {
            let participant = s.view(&person.label);
            let in_room = |other: &&Person| other.room == person.room && s.view(&other.label).place() == Place::InRoom;
            match participant.place() {
                Place::Left => {}
                Place::InRoom => {
                    let company = people.values().filter(in_room).count() > 1;
                    if company && !participant.connected() {
                        let session = participant.session().map(|session| session.state);
                        wrong.push(format!("{} is among others and not connected: {session:?}", person.label));
                    }
                    if !company && participant.connected() {
                        wrong.push(format!("{} is alone, and has a session for ever", person.label));
                    }
                }
                place => wrong.push(format!("{} never got in: {place:?}", person.label)),
            }
        }
        self.compare_leaders(s, people, &mut wrong);
        wrong
    }

    /// Requests that the focus has and never answered.
    pub fn unanswered(&self, s: &Scenario) -> Vec<String> {
        let open = s.unanswered().into_iter().filter(|open| !self.forgiven.contains(open));
        open.map(|open| format!("the focus never answered: {open}")).collect()
    }
}

/// Whether somebody in the room sends on purpose what is others': whoever says first that a source is his has it, and thieves
/// know what somebody is about to accept with. What was somebody's before stays reserved for him (spec/30 §9.3).
fn is_robbed(label: &str, refusal: &Refusal, people: &BTreeMap<u8, Person>) -> bool {
    let room = people.values().find(|person| person.label == label).map(|person| &person.room);
    let thief = |person: &Person| person.hostile && Some(&person.room) == room;
    refusal.text.contains("is already used") && people.values().any(thief)
}

fn is_there_already(text: &str) -> bool {
    ["Endpoint with ID", "Local endpoint with ID", "Relay with ID"].iter().any(|start| text.starts_with(start))
}

/// Whether this is about a source that its owner sent on purpose as no client does, and that rooms allow: others are told of
/// it as it is (spec/30 §9.5): one without msid that is in no group, and one more under the name of a group.
fn is_of_hostile(text: &str, people: &BTreeMap<u8, Person>, now: Time) -> bool {
    let of = |number: &u8| text.contains(&format!(" of {} ", nick(*number)));
    let allowed = text.ends_with("without msid") || text.contains("is not exactly the sources");
    let hostile = |person: &Person| person.hostile || (person.was_hostile && is_young(person, now));
    allowed && people.iter().any(|(number, person)| hostile(person) && of(number))
}

/// Whether somebody finds what he is told next to what an offer told him of an earlier life of the same name.
fn is_of_doubtful(s: &Scenario, person: &Person, text: &str) -> bool {
    let of = |owner: &str| text.contains(&format!(" of {owner} "));
    text.contains("is not exactly the sources") && s.view(&person.label).doubtful().any(of)
}

/// Whether all that somebody knows too much of an owner was sent by that one in an earlier life.
fn is_of_before(s: &Scenario, people: &BTreeMap<u8, Person>, view: &Participant, owner: &str) -> bool {
    let Some((number, person)) = people.iter().find(|(number, _)| nick(**number) == owner) else { return false };
    let before: BTreeSet<u32> = (0..person.lives).flat_map(|life| s.view(&label(*number, life)).sent()).collect();
    let now: BTreeSet<u32> = s.view(&person.label).own().sources.iter().map(|source| source.ssrc).collect();
    let known = view.remote().of(owner).into_iter().flat_map(|known| &known.sources);
    known.map(|source| source.ssrc).all(|ssrc| now.contains(&ssrc) || before.contains(&ssrc))
}

/// Whether what was meant for the earlier life of this name, or came from it, may be under way.
pub(super) fn is_young(person: &Person, now: Time) -> bool {
    person.lives > 0 && now.saturating_sub(person.since) < CROSSING + Time::from_millis(person.thinks.into())
}

/// Whether this is about what was meant for an earlier life of the same name: rooms know names only.
fn is_stray(text: &str, person: Option<&Person>, people: &BTreeMap<u8, Person>, now: Time) -> bool {
    let young = |person: &Person| is_young(person, now);
    // He may have come back as another client than he was when that was asked, and others may have left since.
    let misfits = text.starts_with("session-initiate: ")
        && [" to a client w", "who is not in the room"].iter().any(|words| text.contains(words));
    let crossed = misfits
        || text.starts_with("an answer to nothing")
        || text.contains(" of session '")
        || text.contains(" while session '");
    let back = |(number, person): (&u8, &Person)| {
        (young(person) || now < person.flickers_until) && text.contains(&format!("/{},", nick(*number)))
    };
    let mixed =
        ["is not exactly the sources", "announced though", "who has none"].iter().any(|words| text.contains(words));
    let owner = |(number, person): (&u8, &Person)| {
        young(person) && text.replace(',', " ").contains(&format!(" of {} ", nick(*number)))
    };
    (crossed && person.is_some_and(young))
        || (mixed && people.iter().any(owner))
        || (text.contains("which is not open") && people.iter().any(back))
}
