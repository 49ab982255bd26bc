//! Who takes part in a simulated life, and what people do of themselves when something goes wrong for them.

use super::plan::{Client, Setting};
use super::play::{Later, Life};
use crate::Time;
use crate::participant::media::microphone;
use crate::participant::profile::Profile;
use crate::participant::{Place, SessionState, Settings};

/// How often everybody looks at how he is.
const LOOK: Time = Time::from_secs(1);

/// Looks after which somebody without media asks for a new session.
const PATIENCE: u32 = 5;

/// A bridge ends what nobody sends through by itself (spec/40 §3.4).
const ORPHANED: Time = Time::from_secs(60);

/// Somebody, over all of his lives.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// How the present life is called on the wire.
    pub label: String,
    pub room: String,
    pub client: Client,
    pub thinks: u16,
    pub lives: u32,
    /// Whatever it says of the focus does not count.
    pub hostile: bool,
    /// It was in the life before.
    pub was_hostile: bool,
    /// When the last life ended in which it was, or may have begun to end.
    pub hostile_until: Option<Time>,
    /// Something was refused after which the real client loads its page again.
    pub refused: bool,
    /// Is not back yet.
    pub away: bool,
    /// When this life began; or, if the focus was cut off then, since when it can know of it.
    pub since: Time,
    /// Until when answers may come to one who asked before he went and came, all in one life.
    pub flickers_until: Time,
    /// How often in a row it had a session and no media when it looked.
    pub suffering: u32,
    /// How often in a row it had no session.
    pub idle: u32,
}

pub(super) fn nick(number: u8) -> String {
    format!("p{number}")
}

/// How that life of somebody is called on the wire.
pub(super) fn label(number: u8, life: u32) -> String {
    if life == 0 { nick(number) } else { format!("{}.{life}", nick(number)) }
}

/// Whether the participant of that number may only look on.
pub(super) fn is_visitor(setting: Setting, number: u8) -> bool {
    setting.links == 4 && number % 3 == 2
}

/// Where the bridge, or the participant, of that number is.
pub(super) fn region(number: u8) -> String {
    format!("region-{}", number % 3)
}

impl Life<'_> {
    /// Somebody comes, for the first time or again. Whoever is there stays.
    pub fn comes(&mut self, number: u8, room: String, client: Client, thinks: u16) {
        let lives = match self.people.get(&number) {
            Some(person) if person.away || self.is_present(&person.label) => return,
            Some(person) => person.lives + 1,
            None => 0,
        };
        let (nick, since) = (nick(number), self.s.now());
        let visitor = is_visitor(self.plan.setting, number);
        let replaces = self.plan.setting.replaces;
        let label = label(number, lives);
        // What its browser keeps of the life before.
        let before = self.people.get(&number).map(|person| self.s.view(&person.label).login().session_id.clone());
        let session = before.flatten().filter(|_| self.plan.setting.secured);
        self.s.joins_with(&label, |settings| {
            settings.session_id = session;
            // What was sent to an earlier life must not reach this one.
            settings.jid = format!("{nick}@meet.test/web{lives}");
            settings.machine_uid = format!("machine-of-{nick}");
            settings.nick = nick;
            settings.room = room.clone();
            settings.thinks = Time::from_millis(thinks.into());
            set_client(settings, client);
            settings.profile.replaces_transport |= replaces;
            settings.region = Some(region(number));
            // Some say how many videos they want to begin with.
            settings.last_n = (number % 3 == 1).then(|| number.into());
            if visitor {
                settings.tracks = Vec::new();
            }
        });
        let person = Person {
            label,
            room,
            client,
            thinks,
            lives,
            hostile: false,
            was_hostile: self.people.get(&number).is_some_and(|person| person.hostile),
            hostile_until: self
                .people
                .get(&number)
                .and_then(|it| if it.hostile { Some(since) } else { it.hostile_until }),
            refused: false,
            away: false,
            suffering: 0,
            idle: 0,
            since,
            flickers_until: Time::ZERO,
        };
        self.people.insert(number, person);
    }

    /// Comes again as it was, honest.
    pub fn comes_back(&mut self, number: u8) {
        let Some(person) = self.people.get_mut(&number) else { return };
        person.away = false;
        let Person { room, client, thinks, .. } = person.clone();
        self.comes(number, room, client, thinks);
    }

    /// Leaves, and comes back after so long.
    pub fn reloads(&mut self, number: u8, after: Time) {
        let Some(person) = self.people.get_mut(&number) else { return };
        person.away = true;
        let label = person.label.clone();
        if self.s.view(&label).place() != Place::Left {
            self.s.participant(&label).leave();
        }
        self.later(after, Later::Returns(number));
    }

    pub fn is_present(&self, label: &str) -> bool {
        self.s.view(label).place() != Place::Left
    }

    pub fn look_around(&mut self) {
        self.later(LOOK, Later::Look);
        self.notice_dead_media();
        let unhappy: Vec<u8> =
            self.people.iter().filter(|(_, person)| self.is_unhappy(person)).map(|(n, _)| *n).collect();
        for number in unhappy {
            self.reloads(number, LOOK);
        }
        self.expire_orphans();
    }

    /// Whether a real client would load its page again.
    fn is_unhappy(&self, person: &Person) -> bool {
        if person.away || person.hostile || !self.is_present(&person.label) {
            return false;
        }
        let participant = self.s.view(&person.label);
        let broken = participant.session().is_some_and(|session| session.state == SessionState::Broken);
        let waits = self.judge.waits(&person.label);
        // Whoever entered when the focus had just been put out never saw it, and the focus never saw him.
        let is_alone = person.idle >= PATIENCE && !participant.occupants().contains_key("focus");
        participant.place() == Place::Outside
            || participant.focus_gone()
            || broken
            || person.refused
            // The focus may drop whom a bridge calls wrong (spec/40 §8.1, row 2); people find out for themselves.
            || (person.idle >= PATIENCE * 2 && self.drops && self.healing && self.has_company(person))
            || (is_alone && self.judge.in_trouble(self.s.now()))
            || waits
    }

    fn has_company(&self, person: &Person) -> bool {
        let mut others = self.people.values().filter(|other| other.label != person.label && other.room == person.room);
        others.any(|other| self.s.view(&other.label).place() == Place::InRoom)
    }

    /// A client whose bridge has forgotten it asks for a new session before long.
    fn notice_dead_media(&mut self) {
        let mut dead = Vec::new();
        for person in self.people.values_mut() {
            let participant = self.s.view(&person.label);
            let of_room = |name: &Option<String>| name.as_deref().is_none_or(|name| name == person.room);
            let alive = self.s.bridges().any(|bridge| {
                let mut conferences = bridge.conferences().values().filter(|conference| of_room(&conference.name));
                conferences.any(|conference| conference.endpoints.contains_key(participant.nick()))
            });
            let suffers = !alive && participant.connected();
            let idle = participant.place() == Place::InRoom && participant.session().is_none();
            person.idle = if idle { person.idle + 1 } else { 0 };
            person.suffering = if suffers { person.suffering + 1 } else { 0 };
            if person.suffering == PATIENCE {
                // The new session may die before anybody looks.
                person.suffering = 0;
                dead.push(person.label.clone());
            }
        }
        for label in dead {
            if let Some(person) = self.people.values().find(|person| person.label == label)
                && !self.judge.may_have_lost_its_endpoint(&self.s, person)
            {
                self.judge
                    .noticed
                    .push(format!("{label} has lost its endpoint, and nothing went wrong with its bridge"));
            }
            self.s.participant(&label).restart();
        }
    }

    /// From now on nobody rules what bridges have.
    pub fn orphan_conferences(&mut self) {
        let now = self.s.now();
        for bridge in self.s.bridges() {
            for (meeting, conference) in bridge.conferences() {
                self.orphans.push((now + ORPHANED, bridge.nick().to_owned(), meeting.clone(), conference.created));
            }
        }
    }

    fn expire_orphans(&mut self) {
        let now = self.s.now();
        for bridge in self.s.bridges() {
            for (meeting, conference) in bridge.conferences() {
                // Nobody has ever come.
                let unused = conference.endpoints.values().all(|endpoint| endpoint.transport.is_none());
                if unused && now.saturating_sub(conference.created) >= ORPHANED {
                    self.orphans.push((now, bridge.nick().to_owned(), meeting.clone(), conference.created));
                }
            }
        }
        let (due, rest) = std::mem::take(&mut self.orphans).into_iter().partition(|(at, ..)| *at <= now);
        self.orphans = rest;
        let due: Vec<(Time, String, String, Time)> = due;
        for (_, bridge, meeting, created) in due {
            let conference = self.s.view_bridge(&bridge).conferences().get(&meeting);
            if conference.is_some_and(|conference| conference.created == created) {
                self.s.bridge(&bridge).forget(&meeting);
                self.judge.causes.bridge_forgets(now, bridge);
            }
        }
    }
}

fn set_client(settings: &mut Settings, client: Client) {
    settings.profile = match client {
        Client::Current => Profile::current(),
        Client::Old => Profile::old(),
        Client::Xml => Profile::xml_sources(),
        Client::Rewriting => Profile::ssrc_rewriting(),
        Client::Phone => Profile::audio_only(),
    };
    if client == Client::Phone {
        settings.tracks = vec![microphone()];
    }
}
