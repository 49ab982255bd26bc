//! Visitors that were sent to a node and have not been seen there yet (spec/60 §6.6).

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::focus::time::Timestamp;
use crate::wire::Jid;

/// Redirects within this time count as one entry, so that a flood of them takes no more room than the time it lasts.
const GRAIN: u64 = 100_000;

/// Of so many it is remembered that they count: more are not sent to one room while they do.
const MAX_SENDERS: usize = 50_000;

/// Each counts until somebody comes, or for a while; whoever asks again meanwhile does not count again, or one client would
/// fill a node by asking.
#[derive(Debug, Default)]
pub struct Redirects {
    /// When, and how many; in the order of time.
    entries: VecDeque<(u64, usize)>,
    count: usize,
    /// Who was sent, and when.
    senders: VecDeque<(u64, Jid)>,
    known: BTreeSet<Jid>,
}

impl Redirects {
    /// `sender`: None if nobody vouches for one.
    pub fn add(&mut self, now: Timestamp, lasts: Duration, sender: Option<&Jid>) {
        self.expire(now, lasts);
        let slot = now.0 / GRAIN;
        if let Some(sender) = sender.filter(|_| self.senders.len() < MAX_SENDERS) {
            if !self.known.insert(sender.clone()) {
                return;
            }
            self.senders.push_back((slot, sender.clone()));
        }
        match self.entries.back_mut() {
            Some((known, count)) if *known == slot => *count += 1,
            _ => self.entries.push_back((slot, 1)),
        }
        self.count += 1;
    }

    /// Somebody came: the one who was sent first is waited for no more. Who comes without having been sent counts for nobody.
    pub fn came(&mut self, now: Timestamp, lasts: Duration) {
        self.expire(now, lasts);
        let Some((_, count)) = self.entries.front_mut() else { return };
        *count -= 1;
        self.count -= 1;
        if *count == 0 {
            self.entries.pop_front();
        }
    }

    /// How many are waited for.
    pub fn count(&mut self, now: Timestamp, lasts: Duration) -> usize {
        self.expire(now, lasts);
        self.count
    }

    fn expire(&mut self, now: Timestamp, lasts: Duration) {
        while let Some((slot, count)) = self.entries.front().copied()
            && now >= Timestamp(slot * GRAIN) + lasts
        {
            self.count -= count;
            self.entries.pop_front();
        }
        while let Some((slot, sender)) = self.senders.front()
            && now >= Timestamp(slot * GRAIN) + lasts
        {
            self.known.remove(sender);
            self.senders.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(60);

    fn at(seconds: f64) -> Timestamp {
        Timestamp((seconds * 1e6) as u64)
    }

    #[test]
    fn each_counts_until_somebody_comes_or_a_minute_is_over() {
        let mut redirects = Redirects::default();
        redirects.came(at(0.0), LASTS);
        assert_eq!(redirects.count(at(0.0), LASTS), 0, "who was not sent is not credited");
        redirects.add(at(1.0), LASTS, None);
        redirects.add(at(1.05), LASTS, None);
        redirects.add(at(30.0), LASTS, None);
        assert_eq!(redirects.count(at(30.0), LASTS), 3);
        redirects.came(at(31.0), LASTS);
        assert_eq!(redirects.count(at(60.9), LASTS), 2);
        assert_eq!(redirects.count(at(61.0), LASTS), 1, "the two of the first second are over");
        redirects.came(at(61.0), LASTS);
        redirects.came(at(61.0), LASTS);
        assert_eq!(redirects.count(at(61.0), LASTS), 0);
    }

    #[test]
    fn whoever_asks_again_counts_once() {
        let mut redirects = Redirects::default();
        let [ann, bob] = ["ann@guest.test/a", "bob@guest.test/b"].map(|jid| Jid::new(jid).unwrap());
        for tenth in 0..500 {
            redirects.add(at(f64::from(tenth) / 10.0), LASTS, Some(&ann));
        }
        redirects.add(at(50.0), LASTS, Some(&bob));
        assert_eq!(redirects.count(at(59.9), LASTS), 2);
        assert_eq!(redirects.count(at(60.0), LASTS), 1);
        redirects.add(at(60.0), LASTS, Some(&ann));
        redirects.came(at(61.0), LASTS);
        redirects.add(at(62.0), LASTS, Some(&bob));
        assert_eq!(redirects.count(at(62.0), LASTS), 1, "one of the two came, whichever it was");
    }

    #[test]
    fn a_flood_takes_room_for_its_time_only() {
        let mut redirects = Redirects::default();
        for number in 0..100_000u64 {
            redirects.add(Timestamp(number * 10), LASTS, None);
        }
        assert_eq!((redirects.entries.len(), redirects.count(at(1.0), LASTS)), (10, 100_000));
    }
}
