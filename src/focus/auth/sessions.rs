//! Who has logged in, on which machine, and from which addresses he is heard (spec/10 §6.2).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use super::Login;
use crate::focus::time::Timestamp;
use crate::wire::{BareJid, Jid};

/// Addresses of one session: tabs of one browser, and those that a page had before it was reloaded. The oldest goes first.
const MAX_ADDRESSES: usize = 32;

/// Sessions of one account: each machine has one. Whoever asks with ever new machines loses the one not used for longest.
const MAX_OF_ACCOUNT: usize = 64;

/// All sessions; some hundred bytes each. Reached only where guests log in on the login domain, each with an account of his
/// own, and then the one not used for longest goes.
const MAX_SESSIONS: usize = 100_000;

/// The id of a session: lets its bearer in. Shown, it is cut short.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoginId(Box<str>);

impl LoginId {
    pub fn new(id: String) -> LoginId {
        LoginId(id.into())
    }

    /// The whole id, for its bearer and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}…", &*self.0)
    }
}

impl fmt::Debug for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Numbers sessions; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey(u64);

#[derive(Debug)]
struct Session {
    id: LoginId,
    /// The account, as it was when the session was made.
    identity: Jid,
    machine_uid: Box<str>,
    /// What was asked for when it was made.
    room: BareJid,
    /// From which it was used, the latest last. A second tab does not take the first one's rights.
    addresses: VecDeque<Jid>,
    last_activity: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: BTreeMap<SessionKey, Session>,
    by_id: BTreeMap<LoginId, SessionKey>,
    by_account: BTreeMap<Jid, BTreeSet<SessionKey>>,
    /// An address belongs to the session that it used last.
    by_address: BTreeMap<Jid, SessionKey>,
    by_activity: BTreeSet<(Timestamp, SessionKey)>,
    count: u64,
}

impl Sessions {
    /// The session of that id, unless it has expired.
    pub fn find(&self, now: Timestamp, lifetime: Duration, id: &str) -> Option<SessionKey> {
        let key = *self.by_id.get(&LoginId(id.into()))?;
        self.live(now, lifetime, key)
    }

    /// The session of that address.
    pub fn bound(&self, now: Timestamp, lifetime: Duration, address: &Jid) -> Option<SessionKey> {
        self.live(now, lifetime, *self.by_address.get(address)?)
    }

    /// The session of that account on that machine; made for that room, if it is to be.
    pub fn of(
        &self,
        now: Timestamp,
        lifetime: Duration,
        account: &Jid,
        machine_uid: &str,
        room: Option<&BareJid>,
    ) -> Option<SessionKey> {
        let fits = |key: &&SessionKey| {
            self.all.get(key).is_some_and(|session| {
                *session.machine_uid == *machine_uid && room.is_none_or(|room| session.room == *room)
            }) && self.live(now, lifetime, **key).is_some()
        };
        self.by_account.get(account)?.iter().rev().find(fits).copied()
    }

    fn live(&self, now: Timestamp, lifetime: Duration, key: SessionKey) -> Option<SessionKey> {
        let session = self.all.get(&key)?;
        (now.since(session.last_activity) <= lifetime).then_some(key)
    }

    pub fn machine_uid(&self, key: SessionKey) -> Option<&str> {
        self.all.get(&key).map(|session| &*session.machine_uid)
    }

    pub fn add(&mut self, now: Timestamp, id: LoginId, account: Jid, machine_uid: &str, room: BareJid) -> SessionKey {
        let of_account = self.by_account.get(&account);
        if let Some(keys) = of_account.filter(|keys| keys.len() >= MAX_OF_ACCOUNT) {
            let oldest = keys.iter().filter_map(|key| Some((self.all.get(key)?.last_activity, *key))).min();
            if let Some(login) = self.remove_oldest(oldest) {
                log::warn!(
                    "{} is logged in with more than {MAX_OF_ACCOUNT} browsers (a shared account?), {} ends: the session \
                     not used for longest",
                    login.identity,
                    login.session
                );
            }
        }
        if self.all.len() >= MAX_SESSIONS {
            let oldest = self.by_activity.first().copied();
            if let Some(login) = self.remove_oldest(oldest) {
                log::warn!(
                    "More than {MAX_SESSIONS} sessions, {} of {} ends: the one not used for longest",
                    login.session,
                    login.identity
                );
            }
        }
        self.count += 1;
        let key = SessionKey(self.count);
        self.by_id.insert(id.clone(), key);
        self.by_account.entry(account.clone()).or_default().insert(key);
        self.by_activity.insert((now, key));
        let session = Session {
            id,
            identity: account,
            machine_uid: machine_uid.into(),
            room,
            addresses: VecDeque::new(),
            last_activity: now,
        };
        self.all.insert(key, session);
        key
    }

    fn remove_oldest(&mut self, oldest: Option<(Timestamp, SessionKey)>) -> Option<Login> {
        oldest.and_then(|(_, key)| self.remove(key))
    }

    /// From now on who speaks from that address is the one who logged in.
    pub fn bind(&mut self, key: SessionKey, address: &Jid) {
        let before = self.by_address.insert(address.clone(), key);
        if let Some(session) = before.and_then(|before| self.all.get_mut(&before)) {
            session.addresses.retain(|known| known != address);
        }
        let Some(session) = self.all.get_mut(&key) else { return };
        session.addresses.push_back(address.clone());
        if session.addresses.len() > MAX_ADDRESSES
            && let Some(oldest) = session.addresses.pop_front()
        {
            self.by_address.remove(&oldest);
        }
    }

    /// The session was used just now.
    pub fn used(&mut self, key: SessionKey, now: Timestamp) -> Option<Login> {
        let session = self.all.get_mut(&key)?;
        self.by_activity.remove(&(session.last_activity, key));
        session.last_activity = now;
        self.by_activity.insert((now, key));
        Some(Login { identity: session.identity.clone(), session: session.id.clone() })
    }

    pub fn remove(&mut self, key: SessionKey) -> Option<Login> {
        let session = self.all.remove(&key)?;
        self.by_id.remove(&session.id);
        self.by_activity.remove(&(session.last_activity, key));
        if let Some(keys) = self.by_account.get_mut(&session.identity) {
            keys.remove(&key);
            if keys.is_empty() {
                self.by_account.remove(&session.identity);
            }
        }
        for address in &session.addresses {
            self.by_address.remove(address);
        }
        Some(Login { identity: session.identity, session: session.id })
    }

    /// Removes what was not used for longer than that; when the next one is due.
    pub fn expire(&mut self, now: Timestamp, lifetime: Duration) -> Option<Timestamp> {
        while let Some((last, key)) = self.by_activity.first().copied() {
            if now.since(last) <= lifetime {
                break;
            }
            if let Some(login) = self.remove(key) {
                log::info!("The session {} of {} has expired", login.session, login.identity);
            }
        }
        self.next_expiry(lifetime)
    }

    pub fn next_expiry(&self, lifetime: Duration) -> Option<Timestamp> {
        // A session lives for the lifetime, and not a moment longer.
        self.by_activity.first().map(|(last, _)| *last + lifetime + Duration::from_micros(1))
    }

    pub fn end_of_room(&mut self, room: &BareJid) -> usize {
        let keys: Vec<SessionKey> =
            self.all.iter().filter(|(_, session)| session.room == *room).map(|(key, _)| *key).collect();
        for key in &keys {
            self.remove(*key);
        }
        keys.len()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn audit(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut addresses = 0;
        for (key, session) in &self.all {
            addresses += session.addresses.len();
            let found = self.by_id.get(&session.id) == Some(key)
                && self.by_account.get(&session.identity).is_some_and(|keys| keys.contains(key))
                && self.by_activity.contains(&(session.last_activity, *key))
                && session.addresses.iter().all(|address| self.by_address.get(address) == Some(key));
            if !found {
                wrong.push(format!(
                    "the session {} of {} cannot be found by all it is known by",
                    session.id, session.identity
                ));
            }
        }
        let accounts: usize = self.by_account.values().map(BTreeSet::len).sum();
        if [self.by_id.len(), self.by_activity.len(), accounts] != [self.all.len(); 3]
            || self.by_address.len() != addresses
        {
            wrong.push("something leads to authentication sessions that are gone".into());
        }
        wrong
    }
}
