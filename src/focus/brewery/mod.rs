//! Breweries: the rooms in which bridges, recorders and gateways say that they are there, and how they are (spec/50 §1). All are
//! entered, kept and entered again in the same way; what their occupants say is for [`bridges`] and [`instances`].

mod bridges;
pub mod instances;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pending::Answer;
use super::problems::Kind;
use super::seat::{EntryFailure, Seat, SeatEvent, SeatOwner};
use super::time::Timestamp;
use super::timers::{Timer, TimerKey};
use super::{Connection, Focus};
use crate::config::{Config, ConnectionName};
use crate::wire::presence::Presence;
use crate::wire::values::PresenceType;
use crate::wire::{BareJid, Jid};

pub(crate) use bridges::Watch;

/// Who works for conferences, and meets in a brewery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    Bridge,
    /// Records and streams.
    Jibri,
    /// Brings a SIP endpoint's picture in.
    SipJibri,
    /// Calls telephones, and transcribes.
    Jigasi,
}

impl Worker {
    pub const ALL: [Worker; 4] = [Worker::Bridge, Worker::Jibri, Worker::SipJibri, Worker::Jigasi];

    /// Where they meet. None: there are to be none.
    pub fn room(self, config: &Config) -> Option<&BareJid> {
        match self {
            Worker::Bridge => config.bridge.brewery_jid.as_ref(),
            Worker::Jibri => config.jibri.brewery_jid.as_ref(),
            Worker::SipJibri => config.recording.sip_brewery_jid.as_ref(),
            Worker::Jigasi => config.jigasi.brewery_jid.as_ref(),
        }
    }

    /// The connection on which their room is. Without one of its own `Service` is the client's.
    pub fn connection(self, config: &Config) -> Connection {
        let name = match self {
            Worker::Bridge => config.bridge.xmpp_connection_name,
            Worker::Jibri => config.jibri.xmpp_connection_name,
            Worker::SipJibri => ConnectionName::Client,
            Worker::Jigasi => config.jigasi.xmpp_connection_name,
        };
        match (name, &config.xmpp.service) {
            (ConnectionName::Service, Some(_)) => Connection::Service,
            _ => Connection::Client,
        }
    }

    /// One of them, for people.
    fn name(self) -> &'static str {
        match self {
            Worker::Bridge => "bridge",
            Worker::Jibri => "Jibri",
            Worker::SipJibri => "SIP Jibri",
            Worker::Jigasi => "Jigasi",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Worker::Bridge => "jicofo.bridge.brewery-jid",
            Worker::Jibri => "jicofo.jibri.brewery-jid",
            Worker::SipJibri => "jicofo.jibri-sip.brewery-jid",
            Worker::Jigasi => "jicofo.jigasi.brewery-jid",
        }
    }
}

/// Our place in a brewery, and the tries to get it.
pub(crate) struct Brewery {
    pub seat: Seat,
    retry: Option<TimerKey>,
    /// When the room said last that we are not in it, though we took it that we are.
    missed: Option<Timestamp>,
    hearing: place::Hearing,
    /// Instances that may be there and have not been seen since we ask to be let in.
    unconfirmed: BTreeSet<Jid>,
    /// Who is there, by nick: for whoever wonders why there is no bridge.
    pub occupants: BTreeSet<String>,
}

/// Where the room says sooner again that we are not in it, to enter it again is no remedy.
const MISSED_AGAIN: Duration = Duration::from_secs(60);

/// So many names of occupants are kept.
const MAX_OCCUPANTS: usize = 100;

impl Brewery {
    /// None: there is to be none.
    pub fn of(worker: Worker, nick: &str, config: &Config) -> Option<Brewery> {
        let room = worker.room(config)?.clone();
        let occupant = room.with_resource(nick).ok()?;
        let seat = Seat::new(SeatOwner::Brewery(worker), worker.connection(config), room, occupant);
        Some(Brewery {
            seat,
            retry: None,
            missed: None,
            hearing: place::Hearing::default(),
            unconfirmed: BTreeSet::new(),
            occupants: BTreeSet::new(),
        })
    }
}

/// Those that are configured. Of two in one room the first is it: the other would leave the room for both whenever it tries
/// again to enter where we are already.
pub(super) fn all(nick: &str, config: &Config) -> BTreeMap<Worker, Brewery> {
    let mut all: BTreeMap<Worker, Brewery> = BTreeMap::new();
    for worker in Worker::ALL {
        let Some(brewery) = Brewery::of(worker, nick, config) else { continue };
        let same = |other: &Brewery| other.seat.on == brewery.seat.on && other.seat.room == brewery.seat.room;
        match all.iter().find(|(_, other)| same(other)).map(|(other, _)| *other) {
            Some(other) => log::warn!(
                "{} is the room of {}, too: no {} is looked for there; give each a room of its own",
                worker.key(),
                other.key(),
                worker.name()
            ),
            None => {
                all.insert(worker, brewery);
            }
        }
    }
    all
}

impl Focus {
    /// The breweries on a connection.
    fn breweries_on(&self, on: Connection) -> Vec<Worker> {
        let there = self.breweries.iter().filter(|(_, brewery)| brewery.seat.on == on);
        there.map(|(worker, _)| *worker).collect()
    }

    /// Whose room that is, if it is a brewery.
    pub(super) fn brewery_at(&self, on: Connection, occupant: &Jid) -> Option<Worker> {
        let mut there = self.breweries.iter().filter(|(_, brewery)| brewery.seat.on == on);
        there.find(|(_, brewery)| brewery.seat.room.as_jid().is_bare_of(occupant)).map(|(worker, _)| *worker)
    }

    /// Enters the breweries of a connection, where we are in none.
    pub(super) fn join_breweries(&mut self, on: Connection) {
        for worker in self.breweries_on(on) {
            self.join_brewery(worker);
        }
    }

    pub(super) fn join_brewery(&mut self, worker: Worker) {
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        self.cx.timers.cancel(brewery.retry.take());
        // Whoever tells of an end to come is not to come back (spec/80 §7).
        if !self.stopping && brewery.seat.is_outside() && self.cx.is_connected(brewery.seat.on) {
            brewery.seat.enter(&mut self.cx);
        }
    }

    /// The connection was set up anew: we are in no room. Who was there is most likely well; whom the brewery does not show
    /// again is gone (spec/50 §1.3).
    pub(super) fn leave_breweries_behind(&mut self, on: Connection) {
        for worker in self.breweries_on(on) {
            let Some(brewery) = self.breweries.get_mut(&worker) else { continue };
            brewery.seat.forget(&mut self.cx);
            self.doubt(worker);
        }
    }

    /// The room says that we are not in it, though nobody told us that we were put out (spec/50 §1.3, "Improve"). Who is there
    /// is most likely well, as after a new login. False: that was tried just now, and is not what is wrong.
    pub(super) fn is_missed_in(&mut self, worker: Worker) -> bool {
        let now = self.cx.now;
        let Some(brewery) = self.breweries.get_mut(&worker) else { return false };
        if !brewery.seat.is_inside() {
            return true;
        }
        if brewery.missed.is_some_and(|at| now.since(at) < MISSED_AGAIN) {
            return false;
        }
        brewery.missed = Some(now);
        log::warn!(
            "we are no longer in the {} brewery {}, and were not told: entering again",
            worker.name(),
            brewery.seat.room
        );
        brewery.seat.forget(&mut self.cx);
        let on = brewery.seat.on;
        self.doubt(worker);
        if worker == Worker::Bridge {
            // What a bridge answers to whoever is not there is lost, too.
            self.give_up(self.cx.pending.for_bridges_on(on));
        }
        self.join_brewery(worker);
        true
    }

    /// Whom we know there may be there no more: we are told of all who are before we are in.
    fn doubt(&mut self, worker: Worker) {
        let known = self.known_instances(worker);
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        brewery.occupants.clear();
        brewery.unconfirmed = known;
    }

    /// The connection was lost for longer than it may be: whoever is in breweries there is gone for us.
    pub(super) fn drop_breweries(&mut self, on: Connection) {
        for worker in self.breweries_on(on) {
            let Some(brewery) = self.breweries.get_mut(&worker) else { continue };
            brewery.seat.forget(&mut self.cx);
            brewery.unconfirmed.clear();
            self.hide(worker);
            self.drop_instances(worker);
        }
    }

    /// From now on nothing is known of who is there.
    fn hide(&mut self, worker: Worker) {
        if worker == Worker::Bridge {
            self.cx.bridges_hidden.get_or_insert(self.cx.now);
        }
    }

    /// Breweries in which we are not are entered again before long.
    pub(super) fn retry_breweries(&mut self, what: &str) {
        for worker in Worker::ALL {
            if self.breweries.get(&worker).is_some_and(|brewery| !brewery.seat.is_inside()) {
                self.retry_brewery(worker, what);
            }
        }
    }

    /// Leaves all of them, in order.
    pub(super) fn leave_breweries(&mut self) {
        for brewery in self.breweries.values_mut() {
            if self.cx.is_connected(brewery.seat.on) {
                brewery.seat.leave(&mut self.cx);
            }
        }
    }

    pub(super) fn brewery_presence(&mut self, worker: Worker, presence: &Presence) {
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        brewery.hearing.heard(self.cx.now);
        match brewery.seat.presence(&mut self.cx, presence) {
            SeatEvent::Other => self.occupant_presence(worker, presence),
            event => self.brewery_event(worker, event),
        }
    }

    pub(super) fn brewery_form_answered(&mut self, worker: Worker, answer: Answer) {
        self.brewery_step(worker, |seat| seat.form_answered(answer));
    }

    pub(super) fn brewery_configured(&mut self, worker: Worker, answer: Answer) {
        self.brewery_step(worker, |seat| seat.configured(answer));
    }

    pub(super) fn brewery_timed_out(&mut self, worker: Worker) {
        self.brewery_step(worker, Seat::entry_timed_out);
    }

    fn brewery_step(&mut self, worker: Worker, step: impl FnOnce(&mut Seat) -> SeatEvent) {
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        let event = step(&mut brewery.seat);
        self.brewery_event(worker, event);
    }

    fn brewery_event(&mut self, worker: Worker, event: SeatEvent) {
        match event {
            SeatEvent::Nothing | SeatEvent::Own { .. } | SeatEvent::Other => {}
            // Whoever was seen so far was there in an earlier stay of ours.
            SeatEvent::Anew => self.doubt(worker),
            SeatEvent::Entered(_) => self.entered_brewery(worker),
            SeatEvent::Failed(failure) => {
                let what = match failure {
                    EntryFailure::NoAnswer(what) => what.to_owned(),
                    EntryFailure::Refused { condition, text } => {
                        format!("{condition} {text}{}", super::request::remedy(condition))
                    }
                };
                self.retry_brewery(worker, &what);
            }
            SeatEvent::Lost(loss) => {
                let what = format!("we are no longer in it: {loss:?}");
                if let Some(brewery) = self.breweries.get_mut(&worker) {
                    brewery.seat.forget(&mut self.cx);
                }
                self.retry_brewery(worker, &what);
            }
        }
    }

    fn entered_brewery(&mut self, worker: Worker) {
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        let gone = std::mem::take(&mut brewery.unconfirmed);
        let room = brewery.seat.room.clone();
        self.listen_to_brewery(worker);
        for jid in gone {
            self.instance_gone(worker, &jid);
        }
        let there = self.known_instances(worker).len();
        log::info!("in the {} brewery {room}: {there} there", worker.name());
        self.cx.problems.solve(Kind::BreweryDenied, room.as_jid().as_str());
        if worker == Worker::Bridge {
            // Where the server started anew, bridges come after us.
            self.cx.bridges_hidden = (there == 0).then_some(self.cx.now);
            self.watch_for_bridges();
            self.seek_bridges();
        }
    }

    fn retry_brewery(&mut self, worker: Worker, what: &str) {
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        let wait = self.cx.reply_timeout(brewery.seat.on);
        brewery.occupants.clear();
        brewery.unconfirmed.clear();
        let room = brewery.seat.room.as_jid().clone();
        self.cx.problems.raise(self.cx.now, Kind::BreweryDenied, room.as_str(), || {
            let (name, key) = (worker.name(), worker.key());
            format!(
                "the {name} brewery {room} can't be entered: {what}; no {name} is seen until it can; let the focus' account in, or \
                 correct {key}. It is tried again every {} s",
                wait.as_secs()
            )
        });
        self.hide(worker);
        // It is never certain on which side of the door we are: what instances are told first may yet get there.
        self.drop_instances(worker);
        if worker == Worker::Bridge {
            self.cx.timers.cancel(self.watch.empty.take());
        }
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        if self.cx.is_connected(brewery.seat.on) {
            brewery.seat.leave(&mut self.cx);
        } else {
            brewery.seat.forget(&mut self.cx);
        }
        self.cx.timers.cancel(brewery.retry.take());
        brewery.retry = Some(self.cx.timers.set(self.cx.now + wait, Timer::JoinBrewery(worker)));
    }

    /// An occupant says something, or leaves (spec/50 §1.2).
    fn occupant_presence(&mut self, worker: Worker, presence: &Presence) {
        let Some(from) = &presence.from else { return };
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        let nick = from.resource().unwrap_or_default();
        match presence.kind {
            None => {
                if brewery.occupants.len() < MAX_OCCUPANTS && !brewery.occupants.contains(nick) {
                    brewery.occupants.insert(nick.to_owned());
                }
                // Also before it has published what it is: it is there.
                brewery.unconfirmed.remove(from);
                self.instance_says(worker, from, presence);
            }
            Some(PresenceType::Unavailable) => {
                brewery.occupants.remove(nick);
                self.instance_gone(worker, from);
            }
            Some(_) => {}
        }
    }

    /// What is known of who is there by their status.
    fn known_instances(&self, worker: Worker) -> BTreeSet<Jid> {
        match worker {
            Worker::Bridge => self.cx.bridges.iter().map(|bridge| bridge.id.jid.clone()).collect(),
            worker => self.cx.instances.known(worker),
        }
    }

    /// Available presence of an occupant.
    fn instance_says(&mut self, worker: Worker, from: &Jid, presence: &Presence) {
        match worker {
            Worker::Bridge => {
                if let Some(stats) = &presence.stats {
                    self.bridge_says(from, stats);
                }
            }
            worker => {
                if self.cx.instances.says(worker, from, presence) == Some(instances::New(true)) {
                    log::info!("a {} came: {from}", worker.name());
                }
            }
        }
    }

    fn instance_gone(&mut self, worker: Worker, jid: &Jid) {
        match worker {
            Worker::Bridge => self.bridge_gone(jid),
            worker => {
                if self.cx.instances.gone(worker, jid) {
                    log::info!("the {} {jid} is gone", worker.name());
                }
            }
        }
    }

    fn drop_instances(&mut self, worker: Worker) {
        for jid in self.known_instances(worker) {
            self.instance_gone(worker, &jid);
        }
    }
}
