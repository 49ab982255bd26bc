//! Conferences that are over on a bridge which may not have heard of it.
//!
//! A bridge ends what nobody sends through by itself, within some minutes, in which it counts as load, and is in the way of the
//! meeting that begins anew. But relays, and whoever is behind them, no timer of its ends (spec/40 §3.4): a conference that it
//! had linked with other bridges it keeps for ever, unless it is told that this is over. If the end died with our connection,
//! or could not be told at all, it is told again when the bridge next speaks; that of one with links, too, if it was lost on the
//! way. Once: whoever lets that pass, too, does not listen.
//!
//! The same meeting may begin anew before that: then it is its new conference's to tell, and to wait for the answer (`retry.rs`).

use std::collections::{BTreeMap, VecDeque};

use super::Focus;
use super::bridges::registry::BridgeId;
use super::colibri::answer::Reason;
use super::colibri::request;
use super::conference::ConferenceId;
use super::conference::bridge::Before;
use super::pending::{Answer, Then};
use super::time::Timestamp;
use crate::wire::Jid;
use crate::wire::values::MeetingId;

/// For so many bridges it is remembered, more than anybody has. Names of bridges that never come back are forgotten for new
/// ones.
const MAX_BRIDGES: usize = 1000;

/// So many conferences of one: more than a bridge has when it fails. The oldest give way.
const MAX_MEETINGS: usize = 1000;

/// A bridge is told of so many each time that it speaks, which is every few seconds.
const AT_ONCE: usize = 10;

#[derive(Debug, Default)]
pub(crate) struct Owed {
    by_bridge: BTreeMap<Jid, Ended>,
}

/// What one bridge may not have heard of, the oldest first.
#[derive(Debug)]
struct Ended {
    since: Timestamp,
    meetings: VecDeque<Over>,
}

/// A conference of before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Over {
    pub meeting: MeetingId,
    pub conference: ConferenceId,
    /// `Linked`: if it lets that pass it is told once more.
    pub before: Before,
}

impl Owed {
    pub fn add(&mut self, now: Timestamp, bridge: &Jid, over: Over) {
        if self.by_bridge.len() >= MAX_BRIDGES && !self.by_bridge.contains_key(bridge) {
            let oldest = self.by_bridge.iter().min_by_key(|(_, ended)| ended.since).map(|(bridge, _)| bridge.clone());
            oldest.and_then(|oldest| self.by_bridge.remove(&oldest));
        }
        let ended =
            self.by_bridge.entry(bridge.clone()).or_insert_with(|| Ended { since: now, meetings: VecDeque::new() });
        if let Some(known) = ended.meetings.iter_mut().find(|known| known.meeting == over.meeting) {
            known.before = known.before.max(over.before);
            return;
        }
        if ended.meetings.len() >= MAX_MEETINGS {
            ended.meetings.pop_front();
        }
        ended.meetings.push_back(over);
    }

    /// The bridge has heard of it.
    fn forget(&mut self, bridge: &Jid, meeting: &MeetingId) {
        if let Some(ended) = self.by_bridge.get_mut(bridge) {
            ended.meetings.retain(|over| over.meeting != *meeting);
            if ended.meetings.is_empty() {
                self.by_bridge.remove(bridge);
            }
        }
    }

    /// What is to be told of this meeting, if anything is; which is the caller's to do now.
    pub fn take_meeting(&mut self, bridge: &Jid, meeting: &MeetingId) -> Option<Before> {
        let ended = self.by_bridge.get(bridge)?;
        let before = ended.meetings.iter().find(|over| over.meeting == *meeting)?.before;
        self.forget(bridge, meeting);
        Some(before)
    }

    fn has(&self, bridge: &Jid) -> bool {
        self.by_bridge.contains_key(bridge)
    }

    /// What to tell it now. Each is owed until it is told.
    fn due(&self, bridge: &Jid) -> Vec<Over> {
        let meetings = self.by_bridge.get(bridge).into_iter().flat_map(|ended| &ended.meetings);
        meetings.take(AT_ONCE).cloned().collect()
    }
}

impl Focus {
    /// A bridge was told that a conference is over there; it may be over altogether by now.
    pub(super) fn let_go(&mut self, bridge: &BridgeId, over: Over, answer: &Answer) {
        let id = over.conference;
        let heard = match answer {
            Answer::Result(_) => true,
            // Anything that is not its own word comes from somebody on the way.
            Answer::Error(error) => Reason::of(error).is_some(),
            Answer::None | Answer::Unheard => false,
        };
        // What died with our connection a conference that goes on tells again by itself.
        let died = *answer == Answer::Unheard && self.conferences.get(id).is_none();
        if heard {
            self.cx.owed.forget(&bridge.jid, &over.meeting);
        } else if over.before == Before::Linked || died {
            // What it was told, and let pass, it is told once more. What died on the way is as if it had not been told.
            let before = if died { over.before } else { Before::Alone };
            self.cx.owed.add(self.cx.now, &bridge.jid, Over { before, ..over });
        }
        self.with_conference(id, |conference, cx| conference.expired(cx, bridge, answer));
    }

    /// A bridge speaks. What it may not have heard of it is told again.
    pub(super) fn remind(&mut self, bridge: &Jid) {
        if !self.cx.owed.has(bridge) || !self.are_bridges_reachable() {
            return;
        }
        let Some(id) = self.cx.bridges.at(bridge).map(|bridge| bridge.id.clone()) else { return };
        for over in self.cx.owed.due(bridge) {
            let meeting = over.meeting.clone();
            log::debug!("the bridge {bridge} is told again that the meeting {meeting} is over there");
            match self.cx.meetings.get(&meeting).copied() {
                Some(next) => self.with_conference(next, |it, cx| it.is_over_there(cx, &id, over.before)),
                None => {
                    let modify = request::expire_conference(&meeting);
                    self.cx.ask_bridge(&id, modify, Then::Expired(id.clone(), over));
                }
            }
            // If it lets this pass it is owed again, unless this was the last time.
            self.cx.owed.forget(bridge, &meeting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(number: usize) -> Jid {
        format!("brewery@muc.meet.test/jvb{number}").parse().expect("valid")
    }

    fn meeting(number: usize) -> MeetingId {
        MeetingId::from(format!("meeting-{number}").as_str())
    }

    fn over(number: usize) -> Over {
        Over { meeting: meeting(number), conference: ConferenceId::default(), before: Before::Alone }
    }

    #[test]
    fn the_oldest_gives_way() {
        let mut owed = Owed::default();
        for number in 0..=MAX_BRIDGES {
            owed.add(Timestamp(number as u64), &bridge(number), over(0));
        }
        assert_eq!((owed.by_bridge.len(), owed.has(&bridge(0)), owed.has(&bridge(1))), (MAX_BRIDGES, false, true));
        for number in 1..=MAX_MEETINGS {
            owed.add(Timestamp(5000), &bridge(1), over(number));
        }
        let told = owed.due(&bridge(1));
        assert_eq!((told.len(), told.first()), (AT_ONCE, Some(&over(1))));
    }

    #[test]
    fn each_is_told_once_and_what_was_heard_is_not() {
        let mut owed = Owed::default();
        for number in [0, 1, 0, 2] {
            owed.add(Timestamp(0), &bridge(0), over(number));
        }
        owed.forget(&bridge(0), &meeting(1));
        assert_eq!(owed.due(&bridge(0)), [over(0), over(2)]);
        assert_eq!(owed.take_meeting(&bridge(0), &meeting(0)), Some(Before::Alone));
        assert_eq!(owed.take_meeting(&bridge(0), &meeting(1)), None);
        owed.forget(&bridge(0), &meeting(2));
        assert!(!owed.has(&bridge(0)) && owed.due(&bridge(0)).is_empty());
    }
}
