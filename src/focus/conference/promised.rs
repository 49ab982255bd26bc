//! Who was told that the focus is there, and has yet to come: it stays for him, even if everybody else leaves just then (spec/10
//! §5.2).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::focus::time::Timestamp;
use crate::wire::Jid;

/// Of so many it is remembered: more come to no room at once.
const MAX_PROMISED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Promised {
    /// By the address from which he asked, and which the room will show.
    known: BTreeMap<Jid, Timestamp>,
    /// The last one who asked without an address, and how many of those have yet to come.
    last: Timestamp,
    unknown: usize,
}

impl Promised {
    pub fn add(&mut self, now: Timestamp, lasts: Duration, sender: Option<Jid>) {
        let Some(sender) = sender else {
            self.last = now;
            self.unknown = (self.unknown + 1).min(MAX_PROMISED);
            return;
        };
        if self.known.len() >= MAX_PROMISED {
            self.known.retain(|_, asked| now.since(*asked) < lasts);
        }
        if self.known.len() < MAX_PROMISED {
            self.known.insert(sender, now);
        }
    }

    /// Somebody is in the room. `address`: None if he hides it.
    pub fn came(&mut self, address: Option<&Jid>) {
        if address.is_none_or(|address| self.known.remove(address).is_none()) {
            self.unknown = self.unknown.saturating_sub(1);
        }
    }

    /// Until when somebody may yet come. It costs as much as were promised something and have not come.
    pub fn until(&self, now: Timestamp, lasts: Duration) -> Option<Timestamp> {
        let unknown = (self.unknown > 0).then_some(self.last);
        let last = self.known.values().copied().chain(unknown).max()?;
        Some(last + lasts).filter(|until| *until > now)
    }
}
