//! Conferences that have ended, but for their rooms: those of visitors are left when Prosody has told their nodes of the end,
//! and the main room after them. Otherwise visitors would come back again and again instead of being told (spec/60 §6.14).

use std::collections::{BTreeMap, BTreeSet};

use crate::focus::Connection;
use crate::focus::context::Context;
use crate::focus::seat::{Seat, SeatEvent};
use crate::wire::BareJid;
use crate::wire::presence::Presence;

/// The identity of one departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DepartureId(pub u64);

#[derive(Debug, Default)]
pub(crate) struct Departures {
    /// The rooms in which we still are, in the order in which they are to be left: the main room last.
    by_id: BTreeMap<DepartureId, Vec<Seat>>,
    by_room: BTreeMap<(Connection, BareJid), DepartureId>,
    /// Those for which nothing has to be waited any more.
    due: BTreeSet<DepartureId>,
}

impl Departures {
    pub fn insert(&mut self, id: DepartureId, seats: Vec<Seat>) {
        for seat in &seats {
            self.by_room.insert((seat.on, seat.room.clone()), id);
        }
        self.by_id.insert(id, seats);
    }

    /// Whether we have yet to leave that room.
    pub fn has(&self, on: Connection, room: &BareJid) -> bool {
        self.by_room.contains_key(&(on, room.clone()))
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub fn ids(&self) -> Vec<DepartureId> {
        self.by_id.keys().copied().collect()
    }

    /// Nothing has to be waited for any more.
    pub fn are_due(&mut self, id: Option<DepartureId>) {
        self.due.extend(id);
    }

    /// The room that is to be left next.
    fn next(&mut self, id: DepartureId) -> Option<Seat> {
        let next = self.by_id.get(&id).and_then(|seats| seats.first().cloned());
        if next.is_none() {
            self.by_id.remove(&id);
            self.due.remove(&id);
        }
        next
    }

    fn left(&mut self, id: DepartureId) {
        let seats = self.by_id.get_mut(&id).filter(|seats| !seats.is_empty());
        if let Some(seat) = seats.map(|seats| seats.remove(0)) {
            self.by_room.remove(&(seat.on, seat.room));
        }
    }

    /// We are no longer in any room there: nothing is left to be left.
    pub fn connection_lost(&mut self, on: Connection) {
        for seats in self.by_id.values_mut() {
            seats.retain(|seat| {
                let lost = seat.on == on;
                if lost {
                    self.by_room.remove(&(on, seat.room.clone()));
                }
                !lost
            });
        }
    }
}

impl Context {
    /// What waited is over: the rooms are left.
    pub fn depart(&mut self, id: DepartureId) {
        self.departures.due.insert(id);
        while let Some(mut seat) = self.departures.next(id) {
            seat.leave(self);
            self.departures.left(id);
        }
    }

    /// What should have been left is, also after a failure.
    pub fn depart_again(&mut self) {
        for id in self.departures.due.clone() {
            self.depart(id);
        }
    }

    /// A presence from a room that is to be left. A room that is gone need not be.
    pub fn departing_presence(&mut self, on: Connection, room: &BareJid, presence: &Presence) {
        let Some(id) = self.departures.by_room.get(&(on, room.clone())).copied() else { return };
        let mut seats = self.departures.by_id.remove(&id).unwrap_or_default();
        seats.retain_mut(|seat| {
            let here = seat.on == on && seat.room == *room;
            let lost = here && matches!(seat.presence(self, presence), SeatEvent::Lost(_));
            if lost {
                self.departures.by_room.remove(&(on, room.clone()));
            }
            !lost
        });
        self.departures.by_id.insert(id, seats);
    }
}
