//! All members of a conference, by identity and by nick, with what is counted of them.

use std::collections::HashMap;

use super::MemberId;
use super::bridge::EndpointState;
use super::member::{Disregarded, Member, Role};
use super::tallies::Tallies;
use crate::focus::bridges::crowd::VISIBLE;
use crate::focus::counted::Counted;
use crate::focus::visitors::codecs::Tally;
use crate::wire::presence::Presence;
use crate::wire::values::EndpointId;

/// In the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Members {
    by_id: Counted<MemberId, Member>,
    by_nick: HashMap<EndpointId, MemberId>,
    participants: usize,
    /// Participants who only look on, and what they can decode.
    visitors: usize,
    visitor_codecs: Tally,
    /// Who is in the main room, and without recorders and transcribers.
    in_main_room: usize,
    people_in_main_room: usize,
    /// Members with unmuted audio, with unmuted video.
    audio_senders: u32,
    video_senders: u32,
    /// Who is on which bridge.
    tallies: Tallies,
}

impl Members {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub fn participants(&self) -> usize {
        self.participants
    }

    pub fn visitors(&self) -> usize {
        self.visitors
    }

    pub fn visitor_codecs(&self) -> &Tally {
        &self.visitor_codecs
    }

    pub fn in_main_room(&self) -> usize {
        self.in_main_room
    }

    /// Who counts where it is decided whether the main room is full (spec/60 §6.6).
    pub fn of_main_room_for_limit(&self) -> usize {
        self.people_in_main_room
    }

    /// A member is a participant from now on.
    pub fn count_participant(&mut self, id: MemberId) {
        let Some(member) = self.by_id.get(&id) else { return };
        self.participants += 1;
        if member.role == Role::Visitor {
            self.visitors += 1;
            if let Some(codecs) = &member.codecs {
                self.visitor_codecs.add(codecs);
            }
        }
    }

    /// A member was a participant until now.
    pub fn uncount_participant(&mut self, id: MemberId) {
        if let Some(member) = self.by_id.remove(&id) {
            self.uncount(&member);
            self.by_id.insert(id, member);
        }
    }

    fn uncount(&mut self, member: &Member) {
        self.participants -= 1;
        if member.role == Role::Visitor {
            self.visitors -= 1;
            if let Some(codecs) = &member.codecs {
                self.visitor_codecs.remove(codecs);
            }
        }
    }

    pub fn audio_senders(&self) -> u32 {
        self.audio_senders
    }

    pub fn video_senders(&self) -> u32 {
        self.video_senders
    }

    pub fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Whether anybody is on another bridge, or sends or wants anything else, than when this was asked.
    pub fn take_tallies_news(&mut self) -> bool {
        self.tallies.take_news()
    }

    /// A bridge has something of this member from now on, or has nothing any more. What it had is returned.
    pub fn set_endpoint(&mut self, id: MemberId, endpoint: Option<EndpointState>) -> Option<EndpointState> {
        let member = self.by_id.get_mut(&id)?;
        let before = std::mem::replace(&mut member.endpoint, endpoint);
        if let Some(before) = &before {
            self.tallies.remove(before.session, member.person());
        }
        if let Some(now) = &member.endpoint {
            self.tallies.add(now.session, member.person());
        }
        before
    }

    /// A member said what it sends, in its session (its presence follows), and how many videos it wants. None, or negative:
    /// all.
    pub fn settled(&mut self, id: MemberId, last_n: Option<i32>) {
        let Some(member) = self.by_id.get_mut(&id) else { return };
        let before = member.person();
        member.arriving = false;
        let wants = last_n.and_then(|last_n| u32::try_from(last_n).ok()).unwrap_or(VISIBLE).min(VISIBLE);
        member.wants = Some(wants);
        if let Some(endpoint) = &member.endpoint {
            self.tallies.replace(endpoint.session, before, member.person());
        }
    }

    pub fn insert(&mut self, member: Member) {
        self.count(&member, true);
        self.by_nick.insert(member.nick.clone(), member.id);
        self.by_id.insert(member.id, member);
    }

    pub fn remove(&mut self, id: MemberId) -> Option<Member> {
        let member = self.by_id.remove(&id)?;
        self.by_nick.remove(&member.nick);
        self.count(&member, false);
        if let Some(endpoint) = &member.endpoint {
            self.tallies.remove(endpoint.session, member.person());
        }
        if member.is_participant() {
            self.uncount(&member);
        }
        Some(member)
    }

    /// Takes over a presence of a known member. What of it does not count is returned.
    pub fn update(&mut self, id: MemberId, presence: &Presence, trusted_domains: &[String]) -> Vec<Disregarded> {
        let Some(mut member) = self.by_id.remove(&id) else { return Vec::new() };
        self.count(&member, false);
        let before = member.person();
        let disregarded = member.update(presence, false, trusted_domains);
        self.count(&member, true);
        if let Some(endpoint) = &member.endpoint {
            self.tallies.replace(endpoint.session, before, member.person());
        }
        self.by_id.insert(id, member);
        disregarded
    }

    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.by_id.get_mut(&id)
    }

    /// The member in the main room with that address there.
    pub fn at(&self, occupant: &str) -> Option<&Member> {
        let (_, nick) = occupant.split_once('/')?;
        self.get(self.id_of(nick)?).filter(|member| member.occupant.as_str() == occupant)
    }

    pub fn id_of(&self, nick: &str) -> Option<MemberId> {
        self.by_nick.get(nick).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values()
    }

    /// How many members were looked at in walks so far.
    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.by_id.walked()
    }

    fn count(&mut self, member: &Member, add: bool) {
        let change = |count: &mut u32, counts: bool| {
            if counts {
                *count = if add { *count + 1 } else { *count - 1 };
            }
        };
        // Who only looks on sends nothing, whatever its presence says.
        let may_send = member.role != Role::Visitor;
        change(&mut self.audio_senders, may_send && !member.audio_muted);
        change(&mut self.video_senders, may_send && !member.video_muted);
        let in_main_room = member.on.node().is_none();
        let change = |count: &mut usize, counts: bool| {
            if counts {
                *count = if add { *count + 1 } else { *count - 1 };
            }
        };
        change(&mut self.in_main_room, in_main_room);
        change(&mut self.people_in_main_room, in_main_room && !member.kind.jibri && !member.kind.transcriber);
    }
}
