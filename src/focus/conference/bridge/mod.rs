//! The conference on its bridges (spec/40): which sessions there are, and whose endpoint is where.

mod allocate;
mod leaving;
mod lost;
mod moving;
mod relays;
mod repeat;
mod retry;
mod suspect;
mod update;

use std::collections::BTreeMap;
use std::time::Duration;

use super::cascade::RelayKey;
use super::{AttemptId, Conference, EndpointKey, MemberId, SessionKey};
use crate::focus::bridges::load::RecentCount;
use crate::focus::bridges::predict::Stay;
use crate::focus::bridges::registry::BridgeId;
use crate::focus::context::Context;
use crate::focus::sources::set::SourceSet;
use crate::focus::time::Timestamp;
use crate::wire::colibri2::ForceMute;
use crate::wire::ice::IceTransport;
use crate::wire::values::BridgeSessionId;

pub(crate) use allocate::{Abilities, Placement};
pub(crate) use relays::Linked;
pub(crate) use repeat::{RepeatPace, Repeats, Told};
pub(crate) use retry::{Before, Losses, Refused, Setbacks};

/// The conference on one bridge (spec/40, "session").
#[derive(Debug)]
pub(crate) struct BridgeSession {
    pub key: SessionKey,
    pub bridge: BridgeId,
    /// Told to clients, who name it when they want a restart.
    pub id: BridgeSessionId,
    pub region: Option<String>,
    /// What the bridge is called in links to it, as it was when the session was made.
    pub relay_id: Option<String>,
    /// Whether it was made for a visitor, whoever is on it now.
    visitor: bool,
    /// The bridge's own sources, once it has told them.
    pub feedback: SourceSet,
    /// Whose endpoints are on it, in the order in which they were asked for; awaited answers included.
    endpoints: BTreeMap<AttemptId, MemberId>,
    /// How many were asked for of late. Who leaves again counts all the same (spec/40 §4).
    recent: RecentCount,
    pub stay: Stay,
    /// Whether it gave an endpoint: then the bridge has the conference.
    confirmed: bool,
    /// When its end of a link was made anew last, as the bridge refused a change of it.
    relinked: BTreeMap<RelayKey, Timestamp>,
    /// Whether it was ever asked for a link to another: then it does not end the conference by itself.
    linked: bool,
}

impl BridgeSession {
    pub fn count(&self) -> u32 {
        u32::try_from(self.endpoints.len()).unwrap_or(u32::MAX)
    }

    /// How many were asked for within that time.
    pub fn recently_added(&self, now: Timestamp, window: Duration) -> u32 {
        self.recent.count(now, window)
    }

    pub fn endpoints(&self) -> impl Iterator<Item = (AttemptId, MemberId)> {
        self.endpoints.iter().map(|(attempt, member)| (*attempt, *member))
    }
}

/// What a bridge has of one participant.
#[derive(Debug)]
pub(crate) struct EndpointState {
    pub session: SessionKey,
    pub attempt: AttemptId,
    /// The generation of the last ICE restart that the client was told of.
    last_generation: Option<i64>,
    /// How many ICE restarts were asked for.
    ice_restarts: u64,
    /// How many updates it was sent, and which of them was the first with the credentials that hold, and the last with a number
    /// of videos.
    updates: u64,
    credentials: u64,
    last_n: u64,
    /// Of those credentials.
    ufrag: Option<Box<str>>,
    /// What the bridge was told to let nothing through of, and is taken to do.
    force_mute: ForceMute,
}

impl EndpointState {
    fn new(session: SessionKey, attempt: AttemptId, force_mute: ForceMute) -> EndpointState {
        EndpointState {
            session,
            attempt,
            last_generation: None,
            ice_restarts: 0,
            updates: 0,
            credentials: 0,
            last_n: 0,
            ufrag: None,
            force_mute,
        }
    }

    /// An update goes out; its number.
    fn is_told(&mut self, transport: Option<&IceTransport>, last_n: bool) -> u64 {
        self.updates += 1;
        let ufrag = transport.and_then(|transport| transport.ufrag.as_deref());
        if ufrag.is_some() && ufrag != self.ufrag.as_deref() {
            self.ufrag = ufrag.map(Into::into);
            self.credentials = self.updates;
        }
        if last_n {
            self.last_n = self.updates;
        }
        self.updates
    }

    pub fn force_mute(&self) -> ForceMute {
        self.force_mute
    }

    /// Whether this changes anything.
    pub fn set_force_mute(&mut self, force_mute: ForceMute) -> bool {
        std::mem::replace(&mut self.force_mute, force_mute) != force_mute
    }
}

/// All sessions of a conference, in the order in which they were made: one a bridge. None is empty.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    table: BTreeMap<SessionKey, BridgeSession>,
}

impl Sessions {
    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn get(&self, key: SessionKey) -> Option<&BridgeSession> {
        self.table.get(&key)
    }

    fn get_mut(&mut self, key: SessionKey) -> Option<&mut BridgeSession> {
        self.table.get_mut(&key)
    }

    /// The session on that bridge.
    pub fn on(&self, bridge: &BridgeId) -> Option<&BridgeSession> {
        self.iter().find(|session| session.bridge == *bridge)
    }

    pub fn keys(&self) -> Vec<SessionKey> {
        self.table.keys().copied().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &BridgeSession> {
        self.table.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut BridgeSession> {
        self.table.values_mut()
    }
}

impl Conference {
    /// A session on a bridge on which the conference is not.
    fn open_session(&mut self, cx: &mut Context, bridge: BridgeId, visitor: bool) -> SessionKey {
        let known = cx.bridges.get(&bridge);
        let region = known.and_then(|known| known.region.clone());
        let relay_id = known.and_then(|known| known.relay_id.clone());
        cx.bridge_users.entry(bridge.clone()).or_default().insert(self.id);
        let key = SessionKey(cx.unique());
        let session = BridgeSession {
            key,
            bridge,
            id: cx.ids.bridge_session(),
            region,
            relay_id,
            visitor,
            feedback: SourceSet::default(),
            endpoints: BTreeMap::new(),
            recent: RecentCount::default(),
            stay: Stay::new(cx.now),
            confirmed: false,
            relinked: BTreeMap::new(),
            linked: false,
        };
        self.bridges.table.insert(key, session);
        key
    }

    /// The session on which a participant's endpoint is.
    pub(super) fn session_of(&self, id: MemberId) -> Option<&BridgeSession> {
        let endpoint = self.members.get(id)?.endpoint.as_ref()?;
        self.bridges.get(endpoint.session)
    }

    pub(super) fn endpoint_key(&self, id: MemberId) -> Option<EndpointKey> {
        let endpoint = self.members.get(id)?.endpoint.as_ref()?;
        Some(EndpointKey { member: id, attempt: endpoint.attempt })
    }
}
