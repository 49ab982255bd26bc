//! Whether we still have our place in a brewery from which nothing comes (XEP-0410). Nobody tells us that it is lost when the
//! component of the rooms was started anew, and where nothing is asked through the room no answer says so either (spec/50 §1.3).

use std::time::Duration;

use super::Worker;
use crate::focus::Focus;
use crate::focus::pending::{Answer, Then};
use crate::focus::time::Timestamp;
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::stanza::{IqBody, Payload, Ping, StanzaError};
use crate::wire::values::Condition;

/// However soon silence counts as such, we ask no more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// What is heard of a brewery.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// When the room said anything last.
    last: Timestamp,
    due: Option<TimerKey>,
    /// Which of our stays in the room this is.
    stay: u64,
}

impl Hearing {
    pub fn heard(&mut self, now: Timestamp) {
        self.last = now;
    }
}

impl Focus {
    /// We have entered a brewery: from now on it is listened for.
    pub(super) fn listen_to_brewery(&mut self, worker: Worker) {
        let quiet = self.quiet_for(worker);
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        let hearing = &mut brewery.hearing;
        hearing.stay += 1;
        hearing.heard(self.cx.now);
        self.cx.timers.cancel(hearing.due.take());
        hearing.due = Some(self.cx.timers.set(self.cx.now + quiet, Timer::BreweryQuiet(worker)));
    }

    /// So long nothing comes before we wonder. Of bridges it has to be known before their own silence counts: twice as soon.
    fn quiet_for(&self, worker: Worker) -> Duration {
        let timeout = self.cx.config.bridge.health_checks.presence_timeout;
        let quiet = if worker == Worker::Bridge { timeout / 2 } else { timeout };
        quiet.max(SHORTEST)
    }

    /// Nothing may have come from a brewery for a while.
    pub(in crate::focus) fn brewery_may_be_quiet(&mut self, worker: Worker) {
        let (now, quiet) = (self.cx.now, self.quiet_for(worker));
        let Some(brewery) = self.breweries.get_mut(&worker) else { return };
        brewery.hearing.due = None;
        if !brewery.seat.is_inside() {
            return;
        }
        let silent_since = brewery.hearing.last + quiet;
        let next = if now < silent_since { silent_since } else { now + quiet };
        brewery.hearing.due = Some(self.cx.timers.set(next, Timer::BreweryQuiet(worker)));
        if now >= silent_since {
            self.ask_for_place(worker);
        }
    }

    /// Asks our own occupant whether it is there, unless that is asked already.
    pub(in crate::focus) fn ask_for_place(&mut self, worker: Worker) {
        let Some(brewery) = self.breweries.get(&worker) else { return };
        let (on, stay) = (brewery.seat.on, brewery.hearing.stay);
        let asks = |then: &Then| matches!(then, Then::PlaceAsked(asked, _) if *asked == worker);
        if !brewery.seat.is_inside() || !self.cx.is_connected(on) || self.cx.pending.iter().any(|(then, _)| asks(then))
        {
            return;
        }
        let to = brewery.seat.occupant.clone();
        self.cx.request(on, to, IqBody::Get(Payload::Ping(Ping {})), Then::PlaceAsked(worker, stay));
    }

    /// What our own occupant said, or the room in its place.
    pub(in crate::focus) fn place_answered(&mut self, worker: Worker, stay: u64, answer: &Answer) {
        let Some(brewery) = self.breweries.get(&worker).filter(|brewery| brewery.hearing.stay == stay) else { return };
        if matches!(answer, Answer::Error(error) if is_lost(error, brewery.seat.room.domain())) {
            self.is_missed_in(worker);
        }
    }
}

/// What XEP-0410 (§3.3) makes of an error.
fn is_lost(error: &StanzaError, service: &str) -> bool {
    match error.condition {
        // Somebody is there who does not answer pings.
        Condition::ServiceUnavailable | Condition::FeatureNotImplemented => false,
        // Nothing is known: the way there is interrupted.
        Condition::RemoteServerNotFound | Condition::RemoteServerTimeout => false,
        // We are there by another name; or, says the service, there is no such room.
        Condition::ItemNotFound => error.by.as_ref().is_some_and(|by| by.as_str() == service),
        _ => true,
    }
}
