//! All members of a conference, by identity and by nick, with what is counted of them.

use std::collections::HashMap;

use super::MemberId;
use super::member::{Disregarded, Member, Role};
use crate::focus::bridges::predict::VISIBLE;
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
    /// Members who may send before long: what they will send is not known yet.
    arriving: u32,
    /// How many videos those want together who have said what they send, and how many they are.
    wanted: u64,
    wanting: u64,
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

    pub fn arriving(&self) -> u32 {
        self.arriving
    }

    /// How many videos each wants on average, rounded up. None: nobody has said so yet. What one says counts for himself, so
    /// that nobody can make a conference look small to its bridges (spec/30 §9.4: it is of one endpoint).
    pub fn wanted_videos(&self) -> Option<u32> {
        (self.wanting > 0).then(|| u32::try_from(self.wanted.div_ceil(self.wanting)).unwrap_or(VISIBLE))
    }

    /// A member said what it sends, in its session (its presence follows), and how many videos it wants. None, or negative:
    /// all.
    pub fn settled(&mut self, id: MemberId, last_n: Option<i32>) {
        let Some(member) = self.by_id.get_mut(&id) else { return };
        if std::mem::take(&mut member.arriving) {
            self.arriving -= 1;
        }
        let wants = last_n.and_then(|last_n| u32::try_from(last_n).ok()).unwrap_or(VISIBLE).min(VISIBLE);
        let before = member.wants.replace(wants);
        self.wanted = self.wanted + u64::from(wants) - u64::from(before.unwrap_or(0));
        self.wanting += u64::from(before.is_none());
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
        if let Some(wants) = member.wants {
            self.wanted -= u64::from(wants);
            self.wanting -= 1;
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
        let disregarded = member.update(presence, false, trusted_domains);
        self.count(&member, true);
        self.by_id.insert(id, member);
        disregarded
    }

    pub fn get(&self, id: MemberId) -> Option<&Member> {
        self.by_id.get(&id)
    }

    pub fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.by_id.get_mut(&id)
    }

    pub fn id_of(&self, nick: &str) -> Option<MemberId> {
        self.by_nick.get(nick).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values()
    }

    #[cfg(feature = "sabotage")]
    pub fn miscount(&mut self) {
        self.audio_senders += 1;
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
        change(&mut self.arriving, member.arriving);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::focus::Connection;
    use crate::wire::Jid;

    fn come(members: &mut Members, number: u64) -> MemberId {
        let id = MemberId(number);
        let occupant = Jid::new(&format!("r@conference.meet.test/n{number}")).unwrap();
        let nick = EndpointId::from(occupant.resource().unwrap());
        members.insert(Member::new(id, nick, occupant, Connection::Client));
        id
    }

    #[test]
    fn what_one_says_of_how_many_videos_it_wants_counts_for_itself() {
        let mut members = Members::default();
        let ids: Vec<MemberId> = (1..=12).map(|number| come(&mut members, number)).collect();
        assert_eq!(members.wanted_videos(), None);
        for id in &ids[..11] {
            members.settled(*id, Some(5));
        }
        assert_eq!(members.wanted_videos(), Some(5));
        // One who says that it wants none does not make the meeting a small one, nor a huge one.
        members.settled(ids[11], Some(0));
        assert_eq!(members.wanted_videos(), Some(5));
        for said in [None, Some(-1), Some(i32::MAX)] {
            members.settled(ids[11], said);
            assert_eq!(members.wanted_videos(), Some(7), "{said:?}: as many as a screen holds");
        }
        for id in &ids[1..] {
            members.remove(*id);
        }
        assert_eq!(members.wanted_videos(), Some(5));
        members.remove(ids[0]);
        assert_eq!(members.wanted_videos(), None);
    }
}
