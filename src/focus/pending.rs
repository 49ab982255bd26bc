//! Requests that await an answer: what was asked of whom, until when, and what is to be done then. State, not suspended code.

use std::collections::{BTreeMap, BTreeSet};

use super::Connection;
use super::NodeId;
use super::brewery::Worker;
use super::bridges::registry::BridgeId;
use super::caps::Query;
use super::colibri::answer as colibri;
use super::conference::bridge::{Linked, Told};
use super::conference::cascade::RelayKey;
use super::conference::{AttemptId, ConferenceId, EndpointKey, MemberId, SessionKey};
use super::ids;
use super::owed::Over;
use super::seat::SeatOwner;
use super::story::Came;
use super::time::Timestamp;
use super::timers::TimerKey;
use super::visitors::departures::DepartureId;
use super::visitors::mirrors::MirrorId;
use crate::wire::Jid;
use crate::wire::stanza::{Payload, StanzaError};
use crate::wire::values::{EndpointId, MeetingId, StanzaId};

/// Numbers requests; never used twice in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PendingId(pub u64);

/// What else an allocation made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Creates {
    /// The conference on that bridge.
    Conference,
    Nothing,
}

/// What to do with the answer. The identifiers in it are never used twice, so that an answer to what has been replaced or
/// has gone finds nothing (spec/90, "answers that arrive after the thing they answer was removed").
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Then {
    /// The server said which components it has.
    Components,
    /// The client proxy said that it is there, by refusing what its target asks.
    Proxy,
    /// The server showed our account's contacts.
    Roster,
    /// A domain said whether it hosts rooms.
    MucDomain(Connection, String),
    /// The configuration form of a room that we are entering.
    RoomForm(SeatOwner),
    RoomConfigured(SeatOwner),
    /// Prosody connected a room of visitors.
    NodeConnected(ConferenceId, MirrorId),
    /// Prosody has told visitor nodes that the conference is over: its rooms can be left.
    NodesDisconnected(DepartureId),
    /// Prosody has disconnected a node while the conference goes on, and the room there can be left, if we are in it yet.
    NodeDisconnected(ConferenceId, NodeId, Option<DepartureId>),
    /// The form of a room that we are in, after it has changed.
    RoomReread(ConferenceId),
    /// A member was made owner.
    Granted(ConferenceId, MemberId),
    /// A client said what it supports.
    Features(Query),
    /// A participant took or refused an offer.
    Offered(ConferenceId, MemberId, AttemptId),
    /// A bridge allocated an endpoint, or not.
    Allocated(ConferenceId, SessionKey, EndpointKey, Creates),
    /// A bridge took an update of an endpoint. It is told again what it did not confirm.
    EndpointUpdated(ConferenceId, SessionKey, EndpointKey, Box<Told>),
    /// A bridge muted or unmuted these endpoints.
    ForceMuted(ConferenceId, SessionKey, Vec<EndpointKey>),
    /// A bridge let go of the endpoint of that name.
    EndpointExpired(ConferenceId, SessionKey, Option<EndpointKey>, EndpointId),
    /// A bridge made a new ICE agent, or not; which time of this endpoint.
    IceRestarted(ConferenceId, SessionKey, EndpointKey, u64),
    /// A bridge made an end of a link to another.
    RelayMade(ConferenceId, RelayKey),
    /// A bridge changed one.
    RelayTold(ConferenceId, SessionKey, Box<Linked>),
    /// A bridge let go of a conference, so that it can be created there anew (spec/40 §9.3); which may matter when that is over
    /// altogether, too (`owed.rs`), the more if it had linked it with others.
    Expired(BridgeId, Over),
    Checked(BridgeId),
    /// Our own occupant is in a brewery, or not; in which of our stays that was asked.
    PlaceAsked(Worker, u64),
    /// The server is there, for the check of our own health.
    Pinged,
    /// Nobody cares.
    Nothing,
}

impl Then {
    /// Whom this concerns: what ends with a conference, or with a member of it.
    pub fn owner(&self) -> Option<(ConferenceId, MemberId)> {
        match self {
            Then::RoomForm(SeatOwner::Conference(id) | SeatOwner::Mirror(id, _))
            | Then::RoomConfigured(SeatOwner::Conference(id) | SeatOwner::Mirror(id, _))
            | Then::NodeConnected(id, _)
            // A room is left, whatever becomes of the conference.
            | Then::NodeDisconnected(id, _, None) => Some((*id, MemberId::NONE)),
            // A right is the member's, whatever becomes of its session.
            Then::Granted(id, _) => Some((*id, MemberId::NONE)),
            Then::Offered(id, member, _) => Some((*id, *member)),
            // What it says of the conference there concerns all who are to be there, whether or not he stays for whom it was asked.
            Then::Allocated(id, .., Creates::Conference) => Some((*id, MemberId::NONE)),
            Then::Allocated(id, _, endpoint, _) | Then::IceRestarted(id, _, endpoint, _) => {
                Some((*id, endpoint.member))
            }
            Then::RoomReread(id) => Some((*id, MemberId::NONE)),
            Then::EndpointUpdated(id, ..) | Then::EndpointExpired(id, ..) | Then::ForceMuted(id, ..) => {
                Some((*id, MemberId::NONE))
            }
            Then::RelayMade(id, _) | Then::RelayTold(id, ..) => Some((*id, MemberId::NONE)),
            _ => None,
        }
    }

    /// The conference for which it was asked, if it was one.
    pub fn conference(&self) -> Option<ConferenceId> {
        match self {
            Then::Expired(_, over) => Some(over.conference),
            Then::NodeDisconnected(conference, ..) => Some(*conference),
            _ => self.owner().map(|(conference, _)| conference),
        }
    }

    /// The session on a bridge that it is about: what ends with that.
    pub fn session(&self) -> Option<SessionKey> {
        match self {
            Then::Allocated(_, key, ..) | Then::EndpointUpdated(_, key, ..) | Then::EndpointExpired(_, key, ..) => {
                Some(*key)
            }
            Then::ForceMuted(_, key, _) | Then::IceRestarted(_, key, ..) => Some(*key),
            Then::RelayMade(_, relay) => Some(relay.at),
            Then::RelayTold(_, key, _) => Some(*key),
            _ => None,
        }
    }

    /// Whether a bridge was asked.
    pub fn is_for_bridge(&self) -> bool {
        self.session().is_some() || matches!(self, Then::Expired(..) | Then::Checked(_))
    }

    /// Whether silence is taken for a failure of the bridge that was asked, or has visitors lose a room whose end they were not
    /// told of.
    fn heeds_silence(&self) -> bool {
        matches!(self, Then::Allocated(..) | Then::RelayMade(..) | Then::Checked(_)) || self.disconnects_nodes()
    }

    /// Whether nodes are told that a conference is over for them.
    fn disconnects_nodes(&self) -> bool {
        matches!(self, Then::NodesDisconnected(_) | Then::NodeDisconnected(..))
    }

    /// Whose rooms are left when this is answered.
    pub fn departure(&self) -> Option<DepartureId> {
        match self {
            Then::NodesDisconnected(departure) => Some(*departure),
            Then::NodeDisconnected(.., departure) => *departure,
            _ => None,
        }
    }

    /// Whether silence is taken for that of whoever was asked: of a bridge, or a node.
    fn counts_silence(&self) -> bool {
        self.is_for_bridge() || self.heeds_silence()
    }

    /// What was asked, in a story.
    fn name(&self) -> &'static str {
        match self {
            Then::RoomForm(_) | Then::RoomReread(_) => "the form",
            Then::RoomConfigured(_) => "our configuration",
            Then::NodeConnected(..) => "the connection of a visitor node",
            Then::NodesDisconnected(_) | Then::NodeDisconnected(..) => "the disconnection of visitor nodes",
            Then::Granted(..) => "a grant",
            Then::Offered(..) => "an offer",
            Then::Allocated(..) => "an allocation",
            Then::EndpointUpdated(..) | Then::EndpointExpired(..) => "an update",
            Then::IceRestarted(..) => "an ICE restart",
            Then::Expired(..) => "an expiry",
            Then::RelayMade(..) => "a relay",
            Then::RelayTold(..) => "a change of a relay",
            _ => "a question",
        }
    }
}

/// How a request ended.
#[expect(clippy::large_enum_variant, reason = "handed on at once, kept nowhere: a box would cost more than it saves")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Result(Option<Payload>),
    Error(StanzaError),
    /// Nothing came within the reply timeout, or the connection was lost meanwhile.
    None,
    /// To what was asked of a bridge: it died with our own connection, or with our place in the room of the bridges. That says
    /// nothing about the bridge, which may have carried it out or not.
    Unheard,
}

impl Answer {
    /// Nobody said anything to it, for whatever reason.
    pub fn is_silence(&self) -> bool {
        matches!(self, Answer::None | Answer::Unheard)
    }

    /// As the readers of bridges' answers want it.
    pub fn as_colibri(&self) -> colibri::Answer<'_> {
        match self {
            Answer::Result(payload) => colibri::Answer::Result(payload.as_ref()),
            Answer::Error(error) => colibri::Answer::Error(error),
            Answer::None | Answer::Unheard => colibri::Answer::Timeout,
        }
    }

    pub fn came(&self, then: &Then) -> Came<'static> {
        match self {
            Answer::Result(_) => Came::Answer(then.name(), "result"),
            Answer::Error(error) => Came::Answer(then.name(), error.condition.as_str()),
            Answer::None | Answer::Unheard => Came::Silence(then.name()),
        }
    }

    /// What went wrong, for a line of the log that says what was tried.
    pub fn detail(&self) -> String {
        match self {
            Answer::Result(_) => String::new(),
            Answer::Error(error) => format!(": {} {}", error.condition, error.text.as_deref().unwrap_or_default()),
            Answer::None => ": no answer".into(),
            Answer::Unheard => ": our own connection was lost, or our place in the brewery".into(),
        }
    }
}

#[derive(Debug)]
struct PendingIq {
    on: Connection,
    to: Option<Jid>,
    then: Then,
    asked: Timestamp,
    deadline: TimerKey,
}

#[derive(Debug, Default)]
pub(crate) struct Pending {
    table: BTreeMap<PendingId, PendingIq>,
    by_owner: BTreeSet<(ConferenceId, MemberId, PendingId)>,
    by_session: BTreeSet<(SessionKey, PendingId)>,
    /// Ends of conferences that bridges were told of.
    by_meeting: BTreeSet<(MeetingId, PendingId)>,
    count: u64,
    tally: Tally,
}

/// What became of all requests so far, counted where it is dealt with: each is answered, given up or forgotten, once.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    asked: u64,
    answered: u64,
    /// Nothing came.
    given_up: u64,
    /// Nobody wants the answer any more.
    forgotten: u64,
}

impl Pending {
    /// The number of the next request, to be put into its id.
    pub fn reserve(&mut self) -> PendingId {
        self.count += 1;
        PendingId(self.count)
    }

    /// What was asked of whom, on which connection, when, and until when it may be answered.
    pub fn insert(
        &mut self,
        id: PendingId,
        (on, to): (Connection, Option<Jid>),
        then: Then,
        asked: Timestamp,
        deadline: TimerKey,
    ) {
        if let Some((conference, member)) = then.owner() {
            self.by_owner.insert((conference, member, id));
        }
        if let Some(session) = then.session() {
            self.by_session.insert((session, id));
        }
        if let Then::Expired(_, over) = &then {
            self.by_meeting.insert((over.meeting.clone(), id));
        }
        self.tally.asked += 1;
        self.table.insert(id, PendingIq { on, to, then, asked, deadline });
    }

    /// What waits for this answer. An answer counts once, and only from where the question went (spec/40 §1 item 5).
    pub fn awaits(&self, id: PendingId, on: Connection, from: Option<&Jid>) -> Option<&Then> {
        let pending = self.table.get(&id)?;
        let asked = pending.to.is_none() || pending.to.as_ref() == from;
        (pending.on == on && asked).then_some(&pending.then)
    }

    pub fn take(&mut self, id: PendingId) -> Option<(Then, TimerKey)> {
        let pending = self.table.remove(&id)?;
        if let Some((conference, member)) = pending.then.owner() {
            self.by_owner.remove(&(conference, member, id));
        }
        if let Some(session) = pending.then.session() {
            self.by_session.remove(&(session, id));
        }
        if let Then::Expired(_, over) = &pending.then {
            self.by_meeting.remove(&(over.meeting.clone(), id));
        }
        Some((pending.then, pending.deadline))
    }

    /// Everything that was asked on a connection which is lost.
    pub fn on_connection(&self, on: Connection) -> Vec<PendingId> {
        self.table.iter().filter(|(_, pending)| pending.on == on).map(|(id, _)| *id).collect()
    }

    /// What was asked of bridges on a connection.
    pub fn for_bridges_on(&self, on: Connection) -> Vec<PendingId> {
        let asked = self.table.iter().filter(|(_, pending)| pending.on == on && pending.then.is_for_bridge());
        asked.map(|(id, _)| *id).collect()
    }

    /// For what is wrong on this connection if nothing is said to it.
    pub fn heeding_silence_on(&self, on: Connection) -> Vec<PendingId> {
        let heeding = self.table.iter().filter(|(_, pending)| pending.on == on && pending.then.heeds_silence());
        heeding.map(|(id, _)| *id).collect()
    }

    /// What was asked on this connection after that, if silence would be taken for that of a bridge or a node.
    pub fn asked_after(&self, on: Connection, after: Timestamp) -> Vec<PendingId> {
        let is_it = |pending: &PendingIq| pending.on == on && pending.asked > after && pending.then.counts_silence();
        self.table.iter().filter(|(_, pending)| is_it(pending)).map(|(id, _)| *id).collect()
    }

    /// On which connection it was asked, and when, if silence would be taken for that of a bridge or a node.
    pub fn if_silence_counts(&self, id: PendingId) -> Option<(Connection, Timestamp)> {
        let pending = self.table.get(&id)?;
        pending.then.counts_silence().then_some((pending.on, pending.asked))
    }

    /// On which connection it was asked, if nodes are told that a conference is over for them.
    pub fn departure_on(&self, id: PendingId) -> Option<Connection> {
        let pending = self.table.get(&id)?;
        pending.then.disconnects_nodes().then_some(pending.on)
    }

    /// An answer is waited for until then; gives the deadline that held before.
    pub fn set_deadline(&mut self, id: PendingId, deadline: TimerKey) -> Option<TimerKey> {
        let pending = self.table.get_mut(&id)?;
        Some(std::mem::replace(&mut pending.deadline, deadline))
    }

    /// Forgets what was asked about one end of a link, but for its end.
    pub fn forget_relay(&mut self, relay: RelayKey) -> Vec<(Then, TimerKey)> {
        let asked = self.by_session.range((relay.at, PendingId(0))..=(relay.at, PendingId(u64::MAX)));
        let is_it = |id: &PendingId| {
            self.table.get(id).is_some_and(|it| match &it.then {
                Then::RelayMade(_, of) => *of == relay,
                Then::RelayTold(_, _, linked) => linked.relay() == Some(relay),
                _ => false,
            })
        };
        self.forget_each(asked.map(|(_, id)| *id).filter(is_it).collect())
    }

    /// Forgets what was asked for a conference; gives it with the deadlines to cancel.
    pub fn forget_conference(&mut self, id: ConferenceId) -> Vec<(Then, TimerKey)> {
        self.forget((id, MemberId::NONE, PendingId(0)), (id, MemberId::LAST, PendingId(u64::MAX)))
    }

    /// Forgets what was asked for one member.
    pub fn forget_member(&mut self, id: ConferenceId, member: MemberId) -> Vec<(Then, TimerKey)> {
        self.forget((id, member, PendingId(0)), (id, member, PendingId(u64::MAX)))
    }

    /// Forgets what a bridge was asked in a session that is over.
    pub fn forget_session(&mut self, key: SessionKey) -> Vec<(Then, TimerKey)> {
        let asked = self.by_session.range((key, PendingId(0))..=(key, PendingId(u64::MAX)));
        self.forget_each(asked.map(|(_, id)| *id).collect())
    }

    /// Forgets what a bridge was asked of an endpoint since it was to make it.
    pub fn forget_changes(&mut self, key: SessionKey, of: EndpointKey) -> Vec<(Then, TimerKey)> {
        let asked = self.by_session.range((key, PendingId(0))..=(key, PendingId(u64::MAX))).map(|(_, id)| *id);
        let is_change = |id: &PendingId| match self.table.get(id).map(|pending| &pending.then) {
            Some(Then::EndpointUpdated(_, _, endpoint, _) | Then::IceRestarted(_, _, endpoint, _)) => *endpoint == of,
            _ => false,
        };
        let changes = asked.filter(is_change).collect();
        self.forget_each(changes)
    }

    /// Forgets that a bridge was told of the end of a meeting's conference by others than this one. Empty: it was not.
    pub fn forget_ends(&mut self, to: &Jid, meeting: &MeetingId, but: ConferenceId) -> Vec<(Then, TimerKey)> {
        let told = self.by_meeting.range((meeting.clone(), PendingId(0))..=(meeting.clone(), PendingId(u64::MAX)));
        let is_it = |id: &PendingId| {
            self.table.get(id).is_some_and(|it| {
                it.to.as_ref() == Some(to) && !matches!(&it.then, Then::Expired(_, over) if over.conference == but)
            })
        };
        self.forget_each(told.map(|(_, id)| *id).filter(is_it).collect())
    }

    fn forget(
        &mut self,
        from: (ConferenceId, MemberId, PendingId),
        to: (ConferenceId, MemberId, PendingId),
    ) -> Vec<(Then, TimerKey)> {
        self.forget_each(self.by_owner.range(from..=to).map(|(_, _, id)| *id).collect())
    }

    fn forget_each(&mut self, ids: Vec<PendingId>) -> Vec<(Then, TimerKey)> {
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// Each request that is under way: what is to be done with its answer, and when it is given up.
    pub fn iter(&self) -> impl Iterator<Item = (&Then, TimerKey)> {
        self.table.values().map(|pending| (&pending.then, pending.deadline))
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// The end of one that was taken out is dealt with now.
    pub fn ends(&mut self, answer: &Answer) {
        match answer.is_silence() {
            true => self.tally.given_up += 1,
            false => self.tally.answered += 1,
        }
    }

    /// One that was taken out is of no interest any more.
    pub fn is_forgotten(&mut self) {
        self.tally.forgotten += 1;
    }

    /// Where an end was lost, or dealt with twice.
    pub fn audit(&self, wrong: &mut Vec<String>) {
        let Tally { asked, answered, given_up, forgotten } = self.tally;
        let under_way = self.len() as u64;
        if asked != answered + given_up + forgotten + under_way {
            wrong.push(format!(
                "of {asked} requests {answered} were answered, {given_up} given up and {forgotten} forgotten, and {under_way} are \
                 under way"
            ));
        }
    }
}

/// The id under which a request goes out.
pub(crate) fn stanza_id(prefix: &str, id: PendingId) -> StanzaId {
    StanzaId::from(format!("{prefix}-{}", ids::base32(id.0)).as_str())
}

/// The request that an id belongs to, if it is one of ours.
pub(crate) fn pending_id(prefix: &str, id: &str) -> Option<PendingId> {
    let number = id.strip_prefix(prefix)?.strip_prefix('-')?;
    ids::from_base32(number).map(PendingId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::focus::timers::{Timer, Timers};

    fn wrong(pending: &Pending) -> usize {
        let mut wrong = Vec::new();
        pending.audit(&mut wrong);
        wrong.len()
    }

    #[test]
    fn an_end_that_is_lost_or_dealt_with_twice_is_noticed() {
        let (mut pending, mut timers) = (Pending::default(), Timers::default());
        let mut ask = |pending: &mut Pending| {
            let id = pending.reserve();
            let deadline = timers.set(Timestamp(1), Timer::NoAnswer(id));
            pending.insert(id, (Connection::Client, None), Then::Pinged, Timestamp(0), deadline);
            id
        };
        let ids = [(); 4].map(|()| ask(&mut pending));
        assert_eq!(wrong(&pending), 0);
        assert!(pending.awaits(ids[0], Connection::Client, None).is_some());
        pending.take(ids[0]);
        assert_eq!(wrong(&pending), 1, "nobody has dealt with it yet");
        pending.ends(&Answer::Result(None));
        assert_eq!(wrong(&pending), 0);
        pending.take(ids[1]);
        pending.ends(&Answer::None);
        pending.take(ids[2]);
        pending.is_forgotten();
        assert_eq!(wrong(&pending), 0);
        pending.ends(&Answer::Result(None));
        assert_eq!(wrong(&pending), 1, "one was answered twice");
    }
}
