//! All conferences, by identity and by room.

use std::collections::HashMap;

use super::conference::{Conference, ConferenceId};
use super::counted::Counted;
use crate::wire::BareJid;
use crate::wire::values::MeetingId;

/// In the order in which they were made.
#[derive(Default)]
pub(crate) struct Conferences {
    by_id: Counted<ConferenceId, Conference>,
    by_room: HashMap<BareJid, ConferenceId>,
}

impl Conferences {
    pub fn insert(&mut self, conference: Conference) {
        self.by_room.insert(conference.room.clone(), conference.id);
        self.by_id.insert(conference.id, conference);
    }

    pub fn remove(&mut self, id: ConferenceId) -> Option<Conference> {
        let conference = self.by_id.remove(&id)?;
        self.by_room.remove(&conference.room);
        Some(conference)
    }

    pub fn get(&self, id: ConferenceId) -> Option<&Conference> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: ConferenceId) -> Option<&mut Conference> {
        self.by_id.get_mut(&id)
    }

    pub fn id_of(&self, room: &BareJid) -> Option<ConferenceId> {
        self.by_room.get(room).copied()
    }

    /// By the text of the room's bare JID, as it stands in front of an occupant's nick.
    pub fn id_of_text(&self, room: &str) -> Option<ConferenceId> {
        self.by_room.get(room).copied()
    }

    pub fn by_room(&self, room: &BareJid) -> Option<&Conference> {
        self.by_id.get(self.by_room.get(room)?)
    }

    pub fn by_room_mut(&mut self, room: &BareJid) -> Option<&mut Conference> {
        let id = self.by_room.get(room)?;
        self.by_id.get_mut(id)
    }

    /// For the log: which meeting is in the room. Empty where there is none, and until the focus is in the room.
    pub fn meeting_in(&self, room: &BareJid) -> MeetingId {
        self.by_room(room).map(|conference| conference.meeting.clone()).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Conference> {
        self.by_id.values()
    }

    /// The conference that was made after that one; the oldest after the youngest.
    pub fn next_after(&self, id: ConferenceId) -> Option<&Conference> {
        self.by_id.next_after(&id)
    }

    pub fn ids(&self) -> Vec<ConferenceId> {
        self.by_id.iter().map(|(id, _)| *id).collect()
    }

    /// How many conferences, and entries of theirs, were looked at in walks so far.
    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.by_id.walked() + self.by_id.uncounted().map(Conference::walked).sum::<u64>()
    }

    pub fn in_domain(&self, domain: &str) -> Vec<ConferenceId> {
        let there = self.by_id.values().filter(|conference| conference.room.as_jid().domain() == domain);
        there.map(|conference| conference.id).collect()
    }
}
