//! Flaws that tests put into the state of the core, to see that [`Focus::audit`] finds each of them.

use super::conference::{AttemptId, ConferenceId, Flaw, MemberId, SessionKey};
use super::pending::Then;
use super::timers::Timer;
use super::visitors::departures::DepartureId;
use super::{Connection, Focus};
use crate::wire::stanza::{IqBody, Payload, Roster};
use crate::wire::values::MeetingId;
use crate::wire::{BareJid, Jid};

/// Nobody has this number.
const NOBODY: u64 = u64::MAX - 1;

/// What is wrong beside conferences, in what leads to them, or with what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// Its room has another name than it is found by.
    Room,
    /// A bridge has more endpoints than conferences have on it.
    EndpointCount,
    /// It is not known who uses which bridge.
    BridgeUsers,
    /// Somebody is known by an address that nobody shows.
    Address,
    /// A meeting belongs to a conference that is not there.
    Meeting,
    /// A request may wait for ever.
    Deadline,
    /// The answer to a request is for a conference that is not there.
    Conference,
    /// Or for a member who is not.
    Member,
    /// Or for a session on a bridge that is over.
    BridgeSession,
    /// Nothing that was asked is awaited any more.
    Requests,
    /// Nobody waits any more to hear what somebody supports.
    Features,
    /// A timer is left of a conference that is not there.
    Timer,
    /// One more conference was counted than came.
    ConferenceCount,
    /// One more participant was.
    ParticipantCount,
    /// Rooms wait to be left, and nothing will have them left.
    Departure,
}

impl Focus {
    /// Makes this wrong in a room's conference.
    pub fn spoil(&mut self, room: &str, flaw: Flaw) {
        let id = self.conferences.id_of_text(room);
        if let Some(conference) = id.and_then(|id| self.conferences.get_mut(id)) {
            conference.spoil(&mut self.cx, flaw);
        }
    }

    /// Makes this wrong beside it.
    pub fn lead_astray(&mut self, room: &str, stray: Stray) {
        let Some(id) = self.conferences.id_of_text(room) else { return };
        // Invariant: these are addresses.
        let Ok(nobody) = Jid::new("nobody@meet.test/nobody") else { return };
        let cx = &mut self.cx;
        let mut ask = |then| {
            cx.request(Connection::Client, nobody.clone(), IqBody::Get(Payload::Roster(Roster::default())), then)
        };
        match stray {
            Stray::Room => {
                if let Some(conference) = self.conferences.get_mut(id) {
                    if let Ok(room) = BareJid::new("another@conference.meet.test") {
                        conference.room = room;
                    }
                }
            }
            Stray::EndpointCount => {
                let bridge = cx.bridges.iter().next().map(|bridge| bridge.id.clone());
                let config = cx.config.clone();
                if let Some(bridge) = bridge {
                    cx.bridges.endpoint_allocated(cx.now, &bridge, &config.bridge);
                }
            }
            Stray::BridgeUsers => cx.bridge_users.clear(),
            Stray::Address => _ = cx.addresses.entry(nobody).or_default().insert((id, MemberId::NONE)),
            Stray::Meeting => _ = cx.meetings.insert(MeetingId::default(), ConferenceId(NOBODY)),
            Stray::Deadline => {
                ask(Then::Pinged);
                let deadline = cx.pending.iter().find(|(then, _)| **then == Then::Pinged).map(|(_, deadline)| deadline);
                cx.timers.cancel(deadline);
            }
            Stray::Conference => _ = ask(Then::RoomReread(ConferenceId(NOBODY))),
            Stray::Member => _ = ask(Then::Offered(id, MemberId(NOBODY), AttemptId(NOBODY))),
            Stray::BridgeSession => _ = ask(Then::ForceMuted(id, SessionKey(NOBODY), Vec::new())),
            Stray::Requests => {
                for (_, deadline) in cx.pending.forget_conference(id) {
                    cx.pending.is_forgotten();
                    cx.timers.cancel(Some(deadline));
                }
            }
            Stray::Features => cx.caps = super::caps::CapsCache::default(),
            Stray::Timer => _ = cx.timers.set(cx.now, Timer::Alone(ConferenceId(NOBODY))),
            Stray::ConferenceCount => cx.metrics.conferences_created += 1,
            Stray::ParticipantCount => cx.metrics.participants += 1,
            Stray::Departure => cx.departures.insert(DepartureId(NOBODY), Vec::new()),
        }
    }
}
