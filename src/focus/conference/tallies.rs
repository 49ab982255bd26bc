//! Who is on which of the conference's bridges, counted by kind: what it costs them follows from that (docs/BRIDGES.md).

use std::collections::BTreeMap;

use super::SessionKey;
use crate::focus::bridges::crowd::{Person, Tally};

#[derive(Debug, Default)]
pub(crate) struct Tallies {
    on: BTreeMap<SessionKey, Tally>,
    all: Tally,
    /// Something is another number than when this was asked.
    news: bool,
}

impl Tallies {
    /// Who is on that bridge.
    pub fn on(&self, session: SessionKey) -> Tally {
        self.on.get(&session).copied().unwrap_or_default()
    }

    /// Who is on any.
    pub fn all(&self) -> &Tally {
        &self.all
    }

    pub fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    pub fn add(&mut self, session: SessionKey, person: Person) {
        self.on.entry(session).or_default().add(person);
        self.all.add(person);
        self.news = true;
    }

    /// One that was added.
    pub fn remove(&mut self, session: SessionKey, person: Person) {
        if let Some(tally) = self.on.get_mut(&session) {
            tally.remove(person);
            if tally.is_empty() {
                self.on.remove(&session);
            }
            self.all.remove(person);
            self.news = true;
        }
    }

    /// One that was added is another by now.
    pub fn replace(&mut self, session: SessionKey, before: Person, after: Person) {
        if before != after {
            self.remove(session, before);
            self.add(session, after);
        }
    }
}
