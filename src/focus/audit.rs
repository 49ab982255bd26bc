//! Counting again what is counted as it changes, and checking what must always hold (docs/SIMULATION.md). Simulations look at
//! everything after each input; in production one conference is looked at now and then, and nothing is decided by it.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::bridges::crowd::Load;
use super::bridges::registry::BridgeId;
use super::conference::{ConferenceId, EndpointKey, MemberId};
use super::pending::Then;
#[cfg(feature = "sabotage")]
use super::story::Story;
use super::time::Timestamp;
use super::timers::TimerKey;
use super::{Connection, Focus};
use crate::wire::Jid;
use crate::wire::colibri2::ConferenceModify;
use crate::wire::stanza::{IqBody, Payload, Stanza};

/// How often a conference is looked over in production.
const LOOK: Duration = Duration::from_secs(10);

/// Those with more members are not: it costs what there is, and others wait meanwhile.
const LARGE: usize = 200;

/// Who is in which room: what a failure in one may not change in others.
#[cfg(feature = "sabotage")]
pub type Census = BTreeMap<String, Held>;

/// A conference, and who is in it.
#[cfg(feature = "sabotage")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Never that of another conference.
    pub id: u64,
    /// Whether each, by name, takes part.
    pub members: BTreeMap<String, bool>,
}

/// Which conference was looked over last, and when.
#[derive(Debug, Default)]
pub(super) struct LookOver {
    at: Timestamp,
    last: ConferenceId,
}

impl Focus {
    /// Looks over the next conference when it is time. To be called when there is nothing else to do. One that contradicts
    /// itself is told in the log, once, with what led to it; it goes on: somebody's call may yet be well.
    pub fn look_over(&mut self) {
        if self.cx.now < self.looked.at + LOOK {
            return;
        }
        self.looked.at = self.cx.now;
        let Some(conference) = self.conferences.next_after(self.looked.last) else { return };
        let id = conference.id;
        self.looked.last = id;
        if conference.members().len() > LARGE || conference.is_doubtful {
            return;
        }
        let mut wrong = Vec::new();
        let audited = catch_unwind(AssertUnwindSafe(|| conference.audit(&self.cx, &mut wrong)));
        if audited.is_err() {
            wrong.push("could not be looked over".into());
        }
        if wrong.is_empty() {
            return;
        }
        log::error!(
            room:% = conference.room, meeting_id:% = conference.meeting;
            "the conference contradicts itself, by an error of ours: {}. It goes on; whoever is not served may enter anew. \
             Please report this with what led to it:\n{}",
            wrong.join("; "), conference.story
        );
        self.cx.metrics.contradictions += 1;
        if let Some(conference) = self.conferences.get_mut(id) {
            conference.is_doubtful = true;
        }
    }

    /// Everything in the state that contradicts itself. Call it between inputs; it costs what there is.
    pub fn audit(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for conference in self.conferences.iter() {
            let mut found = Vec::new();
            conference.audit(&self.cx, &mut found);
            if self.conferences.id_of(&conference.room) != Some(conference.id) {
                found.push("cannot be found by its room".into());
            }
            wrong.extend(found.into_iter().map(|text| format!("{}: {text}", conference.room)));
        }
        self.audit_indexes(&mut wrong);
        self.audit_requests(&mut wrong);
        self.audit_timers(&mut wrong);
        self.audit_counters(&mut wrong);
        for (id, node, room) in self.cx.mirrors.iter().filter(|(id, ..)| self.conferences.get(*id).is_none()) {
            wrong.push(format!("{id:?} has ended, and has {room:?} on {node:?} yet"));
        }
        let waits = |id| self.cx.pending.iter().any(|(then, _)| then.departure() == Some(id));
        for id in self.cx.departures.ids().into_iter().filter(|id| !waits(*id)) {
            wrong.push(format!("nobody leaves the rooms of {id:?}"));
        }
        wrong.extend(self.cx.authentication.audit());
        let watched = self.cx.authentication.expiry.is_some_and(|timer| self.cx.timers.has(timer));
        if self.cx.authentication.sessions() > 0 && !watched {
            wrong.push("nobody watches the authentication sessions expire".into());
        }
        wrong
    }

    /// What was counted as it came and went is what is there.
    fn audit_counters(&self, wrong: &mut Vec<String>) {
        let (counted, there) = (&self.cx.metrics, self.gauges());
        let lasting = [
            ("conferences", counted.conferences_created, counted.conferences_ended, there.conferences),
            ("participants", counted.participants, counted.participants_ended, there.participants),
        ];
        for (what, came, went, there) in lasting {
            if came != went + there as u64 {
                wrong.push(format!("{came} {what} came and {went} went, and {there} are there"));
            }
        }
        let sizes = &there.sizes;
        if sizes.buckets.iter().sum::<u64>() != there.conferences as u64 || sizes.sum < there.participants as u64 {
            wrong.push(format!("the sizes of {} conferences are {sizes:?}", there.conferences));
        }
        let on_bridges: u64 = self.bridges().iter().map(|bridge| u64::from(bridge.endpoints)).sum();
        if on_bridges != there.endpoints as u64 {
            wrong.push(format!("{on_bridges} endpoints on bridges are {}", there.endpoints));
        }
    }

    /// The story of a room, as far as it is remembered. None: there is no conference.
    pub fn story(&self, room: &str) -> Option<String> {
        let id = self.conferences.id_of_text(room)?;
        self.conferences.get(id).map(|conference| conference.story.to_string())
    }

    /// The story of the last conference in a room, if that has ended and there is no other.
    #[cfg(feature = "sabotage")]
    pub fn last_story(&self, room: &str) -> Option<String> {
        self.last_stories.0.get(room).filter(|_| self.conferences.id_of_text(room).is_none()).map(Story::to_string)
    }

    /// What is wrong with sending this now: a request in a room goes to somebody who is in it, one to a bridge is about a
    /// conference that is on it. To be asked before the next input.
    pub fn audit_output(&self, on: Connection, stanza: &Stanza) -> Option<String> {
        let Stanza::Iq(iq) = stanza else { return None };
        let to = iq.to.as_ref().filter(|_| matches!(iq.body, IqBody::Get(_) | IqBody::Set(_)))?;
        let nick = to.resource()?;
        if self.brewery_at(on, to).is_some() {
            return self.audit_colibri(to, colibri(stanza)?);
        }
        let conference = self.conference_at(on, to.bare_str()).and_then(|id| self.conferences.get(id));
        match conference {
            None => Some(format!("a request on {on:?} into a room without a conference")),
            Some(conference) if conference.member_by_nick(on, nick).is_none() => {
                Some(format!("a request to {nick}, who is not in the room"))
            }
            Some(_) => None,
        }
    }

    /// What is wrong with asking this of a bridge now: it is there, and so is what it is asked about. That a conference is over
    /// is told to bridges that are gone, too, as they may yet be there for others (spec/50 §8), and of conferences that are.
    fn audit_colibri(&self, to: &Jid, modify: &ConferenceModify) -> Option<String> {
        if modify.expire {
            return None;
        }
        let Some(bridge) = self.cx.bridges.at(to) else { return Some("a request to a bridge that is gone".into()) };
        let conference = self.cx.meetings.get(&modify.meeting_id).and_then(|id| self.conferences.get(*id));
        match conference {
            None => Some("a request to a bridge about a conference that has ended".into()),
            Some(conference) if !conference.bridges().any(|(id, _)| *id == bridge.id) => {
                Some(format!("a request to a bridge on which {} is not", conference.room))
            }
            Some(_) => None,
        }
    }

    fn is_there(&self, id: ConferenceId, member: MemberId) -> bool {
        let conference = self.conferences.get(id);
        conference.is_some_and(|it| member == MemberId::NONE || it.members().get(member).is_some())
    }

    /// What leads from elsewhere to conferences, and what bridges are believed to carry.
    fn audit_indexes(&self, wrong: &mut Vec<String>) {
        let mut on_bridges: BTreeMap<&BridgeId, (u32, BTreeSet<ConferenceId>)> = BTreeMap::new();
        for conference in self.conferences.iter() {
            for (bridge, endpoints) in conference.bridges() {
                let on = on_bridges.entry(bridge).or_default();
                on.0 += endpoints;
                on.1.insert(conference.id);
            }
        }
        for bridge in self.cx.bridges.iter() {
            let counted = on_bridges.get(&bridge.id).map_or(0, |(endpoints, _)| *endpoints);
            if bridge.endpoints != counted {
                wrong
                    .push(format!("{} is believed to have {} endpoints of {counted}", bridge.id.jid, bridge.endpoints));
            }
        }
        let mut loads: BTreeMap<&BridgeId, Load> = BTreeMap::new();
        for (bridge, load) in self.conferences.iter().flat_map(|conference| conference.loads()) {
            *loads.entry(bridge).or_default() += load;
        }
        for bridge in self.cx.bridges.iter() {
            let counted = loads.get(&bridge.id).copied().unwrap_or(Load::NONE);
            if bridge.carried() != counted {
                wrong.push(format!("{} is believed to carry {:?}, not {counted:?}", bridge.id.jid, bridge.carried()));
            }
        }
        let users: BTreeMap<&BridgeId, &BTreeSet<ConferenceId>> = self.cx.bridge_users.iter().collect();
        if users != on_bridges.iter().map(|(id, (_, users))| (*id, users)).collect() {
            wrong.push(format!("users of bridges are {users:?}, not {on_bridges:?}"));
        }
        let shown = self.conferences.iter().flat_map(|conference| {
            let addresses =
                conference.members().iter().filter_map(|member| Some((member.real_jid.clone()?, member.id)));
            addresses.map(|(address, member)| (address, conference.id, member))
        });
        let kept = self.cx.addresses.iter().flat_map(|(address, places)| {
            places.iter().map(|(conference, member)| (address.clone(), *conference, *member))
        });
        if shown.collect::<BTreeSet<_>>() != kept.collect() {
            wrong.push("who is where by his address is not what members show".into());
        }
        let breakouts = self.cx.breakouts.values().flatten();
        let ids = self.cx.stranded.iter().chain(self.cx.meetings.values()).chain(breakouts);
        for id in ids.filter(|id| self.conferences.get(**id).is_none()) {
            wrong.push(format!("{id:?} has ended, and is known yet"));
        }
    }

    /// Every request that awaits an answer has a deadline, and an owner that is there; the end of each other one was dealt with
    /// once.
    fn audit_requests(&self, wrong: &mut Vec<String>) {
        self.cx.pending.audit(wrong);
        for (then, deadline) in self.cx.pending.iter() {
            if !self.cx.timers.has(deadline) {
                wrong.push(format!("no end of waiting for {then:?}"));
            }
            if let Some((id, member)) = then.owner()
                && !self.is_there(id, member)
            {
                wrong.push(format!("nobody is there for the answer to {then:?}"));
            }
            let session_is_there = |key| self.conferences.get(then.conference()?)?.bridge_session(key);
            if let Some(key) = then.session()
                && session_is_there(key).is_none()
            {
                wrong.push(format!("the session is over to which an answer is awaited: {then:?}"));
            }
        }
        for bridge in self.cx.bridges.checked() {
            if !self.cx.pending.iter().any(|(then, _)| matches!(then, Then::Checked(id) if id == bridge)) {
                wrong.push(format!("the health check of {} is under way, and nobody waits for its answer", bridge.jid));
            }
        }
        for unasked in self.unasked() {
            wrong.push(format!("nobody asks what {unasked:?} supports"));
        }
        for waiter in self.cx.caps.waiters().filter(|(id, member)| !self.is_there(*id, *member)) {
            wrong.push(format!("the features of {waiter:?} are awaited, who is gone"));
        }
        for conference in self.conferences.iter() {
            for member in conference.grants_under_way() {
                let granted = Then::Granted(conference.id, member);
                if !self.cx.pending.iter().any(|(then, _)| *then == granted) {
                    wrong.push(format!("{member:?} is being made owner, and nobody waits for the answer"));
                }
            }
            for (member, task) in conference.tasks() {
                let awaited = |then: &Then| match *then {
                    Then::Allocated(_, _, EndpointKey { member: asked, attempt }, _)
                    | Then::Offered(_, asked, attempt) => asked == member && task == Some(attempt),
                    _ => false,
                };
                if task.is_some() && !self.cx.pending.iter().any(|(then, _)| awaited(then)) {
                    wrong.push(format!("{}: {member:?} waits for an answer that nobody waits for", conference.room));
                }
            }
        }
    }

    fn audit_timers(&self, wrong: &mut Vec<String>) {
        self.cx.moves.audit(|id| self.conferences.get(id).is_some(), wrong);
        for timer in self.cx.timers.iter() {
            if timer.conference().is_some_and(|id| self.conferences.get(id).is_none()) {
                wrong.push(format!("a timer of a conference that has ended: {timer:?}"));
            }
        }
        let deadlines: BTreeSet<TimerKey> = self.cx.pending.iter().map(|(_, deadline)| deadline).collect();
        let waits = self.cx.timers.iter().filter(|timer| matches!(timer, super::timers::Timer::NoAnswer(_))).count();
        if waits != deadlines.len() {
            wrong.push(format!("{waits} deadlines run, for {} requests", deadlines.len()));
        }
    }

    /// How many entries were looked at in walks over conferences, members and owners of sources, so far.
    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.conferences.walked()
    }

    /// Each conference that there is.
    #[cfg(feature = "sabotage")]
    pub fn census(&self) -> Census {
        let held = |conference: &super::conference::Conference| Held {
            id: conference.id.0,
            members: conference
                .members()
                .iter()
                .map(|member| (member.nick.to_string(), member.is_participant()))
                .collect(),
        };
        self.conferences.iter().map(|conference| (conference.room.to_string(), held(conference))).collect()
    }

    /// Makes the core panic when it is about to send so many more stanzas: in the middle of things. Once.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(&mut self, stanzas: u32) {
        self.cx.sabotage.left = Some(stanzas);
    }

    /// After that, so many times more when it is about to send the next.
    #[cfg(feature = "sabotage")]
    pub fn sabotage_again(&mut self, times: u32) {
        self.cx.sabotage.again = times;
    }

    /// How often it has failed because it was told to.
    #[cfg(feature = "sabotage")]
    pub fn sabotaged(&self) -> u64 {
        self.cx.sabotage.struck
    }
}

/// What a bridge is asked about a conference.
pub fn colibri(stanza: &Stanza) -> Option<&ConferenceModify> {
    let Stanza::Iq(iq) = stanza else { return None };
    match &iq.body {
        IqBody::Get(Payload::ConferenceModify(modify)) | IqBody::Set(Payload::ConferenceModify(modify)) => Some(modify),
        _ => None,
    }
}

/// The stories of conferences that have ended, by room: for as many rooms as a life has.
#[cfg(feature = "sabotage")]
#[derive(Debug, Default)]
pub(super) struct LastStories(BTreeMap<String, Story>);

#[cfg(feature = "sabotage")]
impl LastStories {
    const ROOMS: usize = 16;

    pub fn keep(&mut self, room: String, story: Story) {
        if self.0.len() < LastStories::ROOMS || self.0.contains_key(&room) {
            self.0.insert(room, story);
        }
    }
}

/// When to fail on purpose.
#[cfg(feature = "sabotage")]
#[derive(Debug, Default)]
pub(crate) struct Sabotage {
    left: Option<u32>,
    again: u32,
    struck: u64,
}

#[cfg(feature = "sabotage")]
impl Sabotage {
    pub fn strike(&mut self) {
        match &mut self.left {
            None => {}
            Some(0) => {
                self.left = (self.again > 0).then_some(0);
                self.again = self.again.saturating_sub(1);
                self.struck += 1;
                panic!("sabotage");
            }
            Some(left) => *left -= 1,
        }
    }
}
