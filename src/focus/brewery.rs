//! The room of the bridges: entering it, staying in it, and what is told there (spec/50 §1).

use std::collections::BTreeSet;
use std::time::Duration;

use super::Connection;
use super::Focus;
use super::Timestamp;
use super::bridges::registry::BridgeEvent;
use super::pending::Answer;
use super::problems::Kind;
use super::seat::{EntryFailure, Seat, SeatEvent, SeatOwner};
use super::timers::{Timer, TimerKey};
use crate::wire::presence::Presence;
use crate::wire::values::PresenceType;
use crate::wire::{BareJid, Jid};

/// Our place in the brewery, and the tries to get it.
pub(crate) struct Brewery {
    pub seat: Seat,
    retry: Option<TimerKey>,
    /// Bridges from before the connection was lost that have not been seen again.
    unconfirmed: BTreeSet<Jid>,
    /// Who is there, by nick: for whoever wonders why there is no bridge.
    pub occupants: BTreeSet<String>,
    /// When to wonder.
    pub empty: Option<TimerKey>,
    /// When it was last looked at whether all is well with the bridges.
    judged: Timestamp,
}

/// How often bridges are looked at together, of which nobody says anything new.
const JUDGED_EVERY: Duration = Duration::from_secs(1);

/// So many names of occupants are kept.
const MAX_OCCUPANTS: usize = 100;

impl Brewery {
    pub fn new(on: Connection, room: BareJid, occupant: Jid) -> Brewery {
        let seat = Seat::new(SeatOwner::Brewery, on, room, occupant);
        Brewery {
            seat,
            retry: None,
            unconfirmed: BTreeSet::new(),
            occupants: BTreeSet::new(),
            empty: None,
            judged: Timestamp::default(),
        }
    }
}

impl Focus {
    /// Enters the brewery, if we are not in it.
    pub(super) fn join_brewery(&mut self) {
        let Some(brewery) = &mut self.brewery else { return };
        self.cx.timers.cancel(brewery.retry.take());
        if brewery.seat.is_outside() && self.cx.is_connected(brewery.seat.on) {
            brewery.seat.enter(&mut self.cx);
        }
    }

    /// The connection was set up anew: we are in no room. The bridges are most likely well; those that the brewery does
    /// not show again are gone (spec/50 §1.3).
    pub(super) fn leave_brewery_behind(&mut self) {
        let Some(brewery) = &mut self.brewery else { return };
        brewery.seat.forget(&mut self.cx);
        brewery.occupants.clear();
        brewery.unconfirmed = self.cx.bridges.iter().map(|bridge| bridge.id.jid.clone()).collect();
    }

    /// Whether what is said to bridges gets there: their room passes it on.
    pub(super) fn are_bridges_reachable(&self) -> bool {
        let inside = self.brewery.as_ref().is_some_and(|brewery| brewery.seat.is_inside());
        inside && self.cx.is_connected(self.cx.bridge_connection())
    }

    pub(super) fn brewery_presence(&mut self, presence: &Presence) {
        let Some(brewery) = &mut self.brewery else { return };
        match brewery.seat.presence(&mut self.cx, presence) {
            SeatEvent::Other => self.bridge_presence(presence),
            event => self.brewery_event(event),
        }
    }

    pub(super) fn brewery_form_answered(&mut self, answer: Answer) {
        let Some(brewery) = &mut self.brewery else { return };
        let event = brewery.seat.form_answered(answer);
        self.brewery_event(event);
    }

    pub(super) fn brewery_configured(&mut self, answer: Answer) {
        let Some(brewery) = &mut self.brewery else { return };
        let event = brewery.seat.configured(answer);
        self.brewery_event(event);
    }

    pub(super) fn brewery_timed_out(&mut self) {
        let Some(brewery) = &mut self.brewery else { return };
        let event = brewery.seat.entry_timed_out();
        self.brewery_event(event);
    }

    /// The focus lost its bridges' room for longer than its connection may be lost: they are all gone for it.
    pub(super) fn drop_brewery(&mut self) {
        let Some(brewery) = &mut self.brewery else { return };
        brewery.seat.forget(&mut self.cx);
        brewery.unconfirmed.clear();
        self.drop_all_bridges();
    }

    fn brewery_event(&mut self, event: SeatEvent) {
        let Some(brewery) = &mut self.brewery else { return };
        match event {
            SeatEvent::Nothing | SeatEvent::Own { .. } | SeatEvent::Other | SeatEvent::Anew => {}
            SeatEvent::Entered(_) => {
                let gone = std::mem::take(&mut brewery.unconfirmed);
                let room = brewery.seat.room.clone();
                for jid in gone {
                    self.bridge_gone(&jid);
                }
                log::info!("in the bridges' brewery {room}: {} bridges", self.cx.bridges.iter().count());
                self.cx.problems.solve(Kind::BreweryDenied, room.as_jid().as_str());
                self.watch_for_bridges();
                self.seek_bridges();
            }
            SeatEvent::Failed(failure) => {
                let what = match failure {
                    EntryFailure::NoAnswer(what) => what.to_owned(),
                    EntryFailure::Refused { condition, text } => {
                        format!("{condition} {text}{}", super::request::remedy(condition))
                    }
                };
                self.retry_brewery(&what);
            }
            SeatEvent::Lost(loss) => {
                let what = format!("we are no longer in it: {loss:?}");
                brewery.seat.forget(&mut self.cx);
                self.retry_brewery(&what);
            }
        }
    }

    pub(super) fn retry_brewery(&mut self, what: &str) {
        let Some(brewery) = &mut self.brewery else { return };
        let wait = self.cx.reply_timeout(brewery.seat.on);
        brewery.occupants.clear();
        self.cx.timers.cancel(brewery.empty.take());
        let room = brewery.seat.room.as_jid().clone();
        self.cx.problems.raise(self.cx.now, Kind::BreweryDenied, room.as_str(), || {
            format!(
                "the bridges' brewery {room} can't be entered: {what}; no bridge is seen until it can; let the focus' account \
                 in, or correct jicofo.bridge.brewery-jid. It is tried again every {} s",
                wait.as_secs()
            )
        });
        // It is never certain on which side of the door we are: what bridges are told first may yet get there.
        self.drop_all_bridges();
        let Some(brewery) = &mut self.brewery else { return };
        if self.cx.is_connected(brewery.seat.on) {
            brewery.seat.leave(&mut self.cx);
        } else {
            brewery.seat.forget(&mut self.cx);
        }
        self.cx.timers.cancel(brewery.retry.take());
        brewery.retry = Some(self.cx.timers.set(self.cx.now + wait, Timer::JoinBrewery));
    }

    fn drop_all_bridges(&mut self) {
        let all: Vec<Jid> = self.cx.bridges.iter().map(|bridge| bridge.id.jid.clone()).collect();
        for jid in all {
            self.bridge_gone(&jid);
        }
    }

    /// An occupant of the brewery says something, or leaves (spec/50 §1.2).
    fn bridge_presence(&mut self, presence: &Presence) {
        let Some(from) = &presence.from else { return };
        if let (Some(brewery), Some(nick)) = (&mut self.brewery, from.resource()) {
            match presence.kind {
                None if brewery.occupants.len() < MAX_OCCUPANTS => _ = brewery.occupants.insert(nick.to_owned()),
                Some(PresenceType::Unavailable) => _ = brewery.occupants.remove(nick),
                _ => {}
            }
        }
        match (presence.kind, &presence.stats) {
            (None, Some(stats)) => {
                if let Some(brewery) = &mut self.brewery {
                    brewery.unconfirmed.remove(from);
                }
                let event = self.cx.bridges.presence(self.cx.now, from, stats, &self.cx.config.bridge);
                self.cx.metrics.stress_predictions = self.cx.bridges.predictions();
                self.bridge_events(event);
                // It may have become selectable again, which is no event: bridges speak up every few seconds.
                if self.cx.bridges.is_selectable(self.cx.now, from, &self.cx.config.bridge) {
                    self.seek_bridges();
                }
                self.judge_bridges_now_and_then();
            }
            (Some(PresenceType::Unavailable), _) => self.bridge_gone(&from.clone()),
            _ => {}
        }
    }

    /// At once if a bridge is another one than it was, and else once in a while: there may be hundreds of them, each of which
    /// speaks up every few seconds, and all are looked at.
    fn judge_bridges_now_and_then(&mut self) {
        let news = self.cx.bridges.take_news();
        let Some(brewery) = self.brewery.as_mut().filter(|it| news || self.cx.now >= it.judged + JUDGED_EVERY) else {
            return;
        };
        brewery.judged = self.cx.now;
        self.judge_bridges();
    }

    fn bridge_gone(&mut self, jid: &Jid) {
        let event = self.cx.bridges.remove(jid);
        self.bridge_events(event);
    }

    /// What happened to bridges, and what it means for the conferences on them (spec/50 §8).
    pub(super) fn bridge_events(&mut self, events: impl IntoIterator<Item = BridgeEvent>) {
        for event in events {
            match event {
                BridgeEvent::Added(bridge) => {
                    log::info!("a bridge came: {}", bridge.jid);
                    self.watch_for_bridges();
                    self.seek_bridges();
                }
                BridgeEvent::Removed { bridge, lost } => {
                    if lost {
                        self.cx.metrics.lost_bridges += 1;
                        log::warn!("the bridge {} is gone without notice", bridge.jid);
                    } else {
                        log::info!("the bridge {} is gone", bridge.jid);
                    }
                    self.leave_bridge(&bridge);
                    self.watch_for_bridges();
                    // Some may have waited for this one to let go of them.
                    self.seek_bridges();
                }
                BridgeEvent::ShuttingDown(bridge) => {
                    log::info!("the bridge {} is shutting down: its conferences move", bridge.jid);
                    self.leave_bridge(&bridge);
                }
                BridgeEvent::Failed(bridge) => {
                    log::error!("the bridge {} says that it is not well: its conferences move", bridge.jid);
                    self.leave_bridge(&bridge);
                }
            }
        }
    }

    /// There may be a bridge for those who found none.
    pub(super) fn seek_bridges(&mut self) {
        for id in std::mem::take(&mut self.cx.stranded) {
            self.with_conference(id, |conference, cx| conference.seek_bridge(cx));
        }
    }
}
