//! Floods: how much one sender may ask of the focus, and all who are in a room together (spec/30 §12.4 has the limits of
//! restarts, which are others).
//!
//! Every limit is a token bucket: so much at once, and so much a second in the long run. What exceeds it is answered
//! `resource-constraint`, to be tried again later, and costs next to nothing. Whoever floods exhausts what is his own first.
//! Where many flood a room together and exhaust what is the room's, each of the others still has a reserve of his own: enough
//! to join, to speak and to leave. Honest bursts are far below all of these: a hundred who join at once, a moderator who mutes
//! everybody, a page that is loaded again and again.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use super::doors::Door;
use super::request::rules::GeneralRule;
use super::time::Timestamp;
use crate::wire::Jid;

/// What one bucket takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// At once, after a rest.
    burst: u64,
    /// And for each member of the room: a moderator may have something to say to each.
    per_member: u64,
    /// Microseconds until there is room for one more.
    interval: u64,
}

impl Rate {
    /// `interval`: microseconds.
    pub const fn new(burst: u64, interval: u64) -> Rate {
        Rate { burst, per_member: 0, interval }
    }
}

const fn rate(burst: u64, per_member: u64, interval_ms: u64) -> Rate {
    Rate { burst, per_member, interval: interval_ms * 1_000 }
}

/// The limits of one kind of request.
#[derive(Debug, Clone, Copy)]
struct Limits {
    sender: Rate,
    room: Rate,
    /// Of each sender, where the room's is exhausted.
    reserve: Rate,
}

/// What it costs the others if somebody asks for it without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything that is answered and told to one other at most.
    Request,
    /// What everybody in the room, and the bridge, is told of: sources.
    Change,
    /// A place in a meeting: an endpoint on a bridge, an offer.
    Place,
    /// A room that is to be entered, with a form and a configuration.
    NewRoom,
    /// To have it count against a bridge that one cannot reach it.
    Complaint,
}

impl Kind {
    const COUNT: usize = 5;

    /// A moderator who mutes everybody, all three media, asks three times the size of the room in one go.
    fn limits(self) -> Limits {
        match self {
            Kind::Request => Limits { sender: rate(200, 4, 50), room: rate(2_000, 20, 2), reserve: rate(20, 0, 1_000) },
            // A client that joins says up to four times what it sends; one who plays with a button, twice a second.
            Kind::Change => Limits { sender: rate(60, 0, 500), room: rate(400, 10, 50), reserve: rate(10, 0, 5_000) },
            // Whoever comes, goes and comes again gets one in three seconds, in the long run.
            Kind::Place => Limits { sender: rate(20, 0, 3_000), room: rate(1_000, 0, 10), reserve: rate(3, 0, 30_000) },
            // Here "the room" is the whole focus: a hundred meetings a second are more than anybody has. Over HTTP nobody has
            // an address, and there is this bound alone.
            Kind::NewRoom => {
                Limits { sender: rate(30, 0, 2_000), room: rate(2_000, 0, 10), reserve: rate(3, 0, 30_000) }
            }
            // By default more than a tenth of a bridge's endpoints within two minutes make it one to be avoided: each is one.
            Kind::Complaint => Limits { sender: rate(1, 0, 120_000), room: rate(0, 0, 0), reserve: rate(0, 0, 0) },
        }
    }
}

/// A bucket, as the time at which it will be full again. One that is full is like one that never was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket(u64);

impl Bucket {
    /// Whether there is room for one more; what there was no room for does not count.
    pub fn has_room(self, now: Timestamp, rate: Rate, members: u64) -> bool {
        let depth = (rate.burst + rate.per_member * members) * rate.interval;
        self.0.max(now.0) + rate.interval <= now.0 + depth
    }

    pub fn take(&mut self, now: Timestamp, rate: Rate) {
        self.0 = self.0.max(now.0) + rate.interval;
    }
}

/// What is left to one sender, by kind: of what is his own, and of his reserve.
#[derive(Debug, Clone, Copy, Default)]
struct Purse {
    own: [Bucket; Kind::COUNT],
    reserve: [Bucket; Kind::COUNT],
    /// When it was last said in the log that nothing was left.
    told: Timestamp,
    /// What was decided for this one, as far as it was told in the log.
    lines: Bucket,
}

/// So many decisions for one sender are lines of the log that everybody has: thirty at once, and one in two seconds.
const LINES: Rate = Rate::new(30, 2_000_000);

/// What is left to the members of a room together, and to all who ask for it from outside.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RoomPurse {
    kinds: [Bucket; Kind::COUNT],
    pub(super) door: Door,
}

/// Of every sender who has asked for something lately, whether in a room or not: to leave and to come back gives nobody more.
#[derive(Debug, Default)]
pub(crate) struct Floods {
    purses: Recent<Jid, Purse>,
    /// Of all who start conferences.
    rooms: RoomPurse,
    /// Of all who start one from their reserve: addresses can be made up, each with a reserve of its own.
    reserves: Bucket,
}

/// So many conferences more, where all together ask for too many: a thousand, and fifty a second.
const RESERVES: Rate = Rate::new(1_000, 20_000);

/// What a line of the log is about (spec/80 §8); empty is what there is none of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct About<'a> {
    pub room: &'a str,
    pub meeting: &'a str,
    /// The member's endpoint id.
    pub participant: &'a str,
}

/// Whether somebody may start a conference now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Now,
    /// He asks for too many.
    Refused,
    /// All together ask for too many: he may try again.
    Later,
}

impl Floods {
    /// Whether a sender may ask for this now. `room`: of the room that it is about, with how many members it has.
    pub fn admit(&mut self, now: Timestamp, sender: &Jid, kind: Kind, room: Option<(&mut RoomPurse, usize)>) -> bool {
        let Limits { sender: own, room: common, reserve } = kind.limits();
        let index = kind as usize;
        let purse = self.purses.get(now, sender);
        let members = room.as_ref().map_or(0, |(_, members)| *members as u64);
        if !purse.own[index].has_room(now, own, members) {
            return false;
        }
        if let Some((room, _)) = room {
            let bucket = &mut room.kinds[index];
            if bucket.has_room(now, common, members) {
                bucket.take(now, common);
            } else if purse.reserve[index].has_room(now, reserve, members) {
                purse.reserve[index].take(now, reserve);
            } else {
                return false;
            }
        }
        purse.own[index].take(now, own);
        true
    }

    /// Says in the log that a sender was refused, unless that was said lately.
    pub fn tell_refused(&mut self, now: Timestamp, sender: &Jid, kind: Kind, about: &About<'_>) {
        self.tell_refused_by(GeneralRule::TooManyRequests, now, sender, kind, about);
    }

    fn tell_refused_by(&mut self, rule: GeneralRule, now: Timestamp, sender: &Jid, kind: Kind, about: &About<'_>) {
        let purse = self.purses.get(now, sender);
        if now.since(purse.told) >= TOLD_AGAIN {
            purse.told = now;
            log::warn!(
                room:% = about.room, meeting_id:% = about.meeting, participant:% = about.participant;
                "{sender} asks for more than anybody needs: refused for now by rule {rule}, {kind:?}"
            );
        }
    }

    /// The level on which a decision for this one is told in the log: more of them than anybody reads are told as `DEBUG`.
    pub fn level(&mut self, now: Timestamp, whom: &Jid) -> log::Level {
        let purse = self.purses.get(now, whom);
        if !purse.lines.has_room(now, LINES, 0) {
            return log::Level::Debug;
        }
        purse.lines.take(now, LINES);
        log::Level::Info
    }

    /// Whether a conference may be started in this room. `sender`: None if nobody vouches for one.
    pub fn admit_start(&mut self, now: Timestamp, sender: Option<&Jid>, room: &str) -> Start {
        let limits = Kind::NewRoom.limits();
        let index = Kind::NewRoom as usize;
        let Some(sender) = sender else {
            let common = &mut self.rooms.kinds[index];
            if !common.has_room(now, limits.room, 0) {
                return Start::Later;
            }
            common.take(now, limits.room);
            return Start::Now;
        };
        let is_his_own = !self.purses.get(now, sender).own[index].has_room(now, limits.sender, 0);
        let from_reserve = !self.rooms.kinds[index].has_room(now, limits.room, 0);
        if from_reserve && !is_his_own && !self.reserves.has_room(now, RESERVES, 0) {
            return Start::Later;
        }
        let mut rooms = self.rooms;
        let admitted = self.admit(now, sender, Kind::NewRoom, Some((&mut rooms, 0)));
        self.rooms = rooms;
        if admitted && from_reserve {
            self.reserves.take(now, RESERVES);
        }
        if admitted {
            return Start::Now;
        }
        let (start, rule) = match is_his_own {
            true => (Start::Refused, GeneralRule::TooManyRooms),
            false => (Start::Later, GeneralRule::TooManyRoomsOfAll),
        };
        self.tell_refused_by(rule, now, sender, Kind::NewRoom, &About { room, ..About::default() });
        start
    }

    /// Whether a sender has some of his reserve left, which he takes.
    pub fn takes_reserve(&mut self, now: Timestamp, sender: &Jid, kind: Kind) -> bool {
        let (reserve, bucket) = (kind.limits().reserve, &mut self.purses.get(now, sender).reserve[kind as usize]);
        let has_some = bucket.has_room(now, reserve, 0);
        if has_some {
            bucket.take(now, reserve);
        }
        has_some
    }

    /// How many senders are remembered.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.purses.len()
    }
}

/// A flood is no reason to flood the log.
pub(super) const TOLD_AGAIN: Duration = Duration::from_secs(60);

/// How long whoever is silent is remembered: longer than any purse takes to be full again, in a room of two thousand.
const REMEMBERED: u64 = 600 * 1_000_000;

/// How many senders are remembered for as long; where there are more, for less long. About 2 MB.
const MAX_REMEMBERED: usize = 8_192;

/// A table that forgets what was not used for a while, without ever looking through it.
#[derive(Debug)]
struct Recent<K, V> {
    since: Timestamp,
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Recent { since: Timestamp::default(), newer: HashMap::new(), older: HashMap::new() }
    }
}

impl<K: Hash + Eq + Clone, V: Default> Recent<K, V> {
    fn get(&mut self, now: Timestamp, key: &K) -> &mut V {
        if now.0 - self.since.0 >= REMEMBERED || self.newer.len() >= MAX_REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
            self.since = now;
        }
        if !self.newer.contains_key(key) {
            let known = self.older.remove(key).unwrap_or_default();
            self.newer.insert(key.clone(), known);
        }
        self.newer.entry(key.clone()).or_default()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: &str = "room@conference.meet.test";

    fn jid(name: &str) -> Jid {
        Jid::new(&format!("room@conference.meet.test/{name}")).unwrap()
    }

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp(1_000_000_000_000 + milliseconds * 1_000)
    }

    #[test]
    fn a_purse_is_as_large_as_the_burst_and_fills_up_again() {
        let mut floods = Floods::default();
        let mut admitted = |now, times: usize| {
            let mut admit = |_| usize::from(floods.admit(now, &jid("a"), Kind::Change, None));
            (0..times).map(&mut admit).sum::<usize>()
        };
        assert_eq!(
            [admitted(at(0), 100), admitted(at(499), 9), admitted(at(500), 9), admitted(at(5_500), 100)],
            [60, 0, 1, 10]
        );
        assert_eq!(admitted(at(10_000_000), 100), 60);
    }

    #[test]
    fn whoever_floods_takes_nothing_from_the_room_that_is_not_his() {
        let mut floods = Floods::default();
        let mut room = RoomPurse::default();
        let mut admitted = |now, who: &str, times: usize| {
            let mut admit = |_| usize::from(floods.admit(now, &jid(who), Kind::Change, Some((&mut room, 10))));
            (0..times).map(&mut admit).sum::<usize>()
        };
        // 500 is what the room takes at once: eight who flood, and the rest of the ninth.
        let all: usize = (0..9).map(|number| admitted(at(0), &format!("flood{number}"), 10_000)).sum();
        assert_eq!(all, 500 + 10, "and the ninth's reserve");
        assert_eq!(admitted(at(0), "honest", 100), 10, "who has not asked for anything yet has a reserve");
        assert_eq!(admitted(at(1_000), "honest", 1), 1);
    }

    #[test]
    fn all_together_start_no_more_than_a_focus_can_bear_and_each_still_can() {
        let mut floods = Floods::default();
        let mut start = |now, who: Option<&str>, times: usize| {
            let mut started = [0; 3];
            (0..times).for_each(|_| started[floods.admit_start(now, who.map(jid).as_ref(), ROOM) as usize] += 1);
            started
        };
        assert_eq!(start(at(0), Some("a"), 40), [30, 10, 0]);
        assert_eq!(start(at(0), None, 5_000), [1_970, 0, 3_030]);
        assert_eq!(start(at(0), Some("b"), 40), [3, 0, 37], "from his reserve");
        assert_eq!(start(at(1_000), None, 200), [100, 0, 100]);
        assert_eq!(start(at(60_000), Some("a"), 40), [30, 10, 0]);
    }

    /// Each address that is made up has a reserve of its own, but not each a room.
    #[test]
    fn who_makes_up_addresses_starts_no_more_conferences_than_a_focus_can_bear() {
        let mut floods = Floods::default();
        let mut started = |now, from: usize| {
            let mut start = |n| floods.admit_start(now, Some(&jid(&format!("{}", from + n))), ROOM);
            (0..20_000).filter(|n| start(*n) == Start::Now).count()
        };
        assert_eq!(started(at(0), 0), 2_000 + 1_000);
        assert_eq!(started(at(1_000), 100_000), 100 + 50);
    }

    #[test]
    fn who_mutes_everybody_is_not_hindered_in_a_room_of_any_size() {
        for members in [2, 100, 2_000] {
            let mut floods = Floods::default();
            let mut room = RoomPurse::default();
            let mut admit = |_| floods.admit(at(0), &jid("moderator"), Kind::Request, Some((&mut room, members)));
            assert!((0..3 * members).all(&mut admit), "{members}");
        }
    }

    #[test]
    fn whoever_is_silent_is_forgotten_when_nothing_is_lost_by_it() {
        let mut floods = Floods::default();
        for second in 0..100_000_u64 {
            floods.admit(at(second * 10), &jid(&second.to_string()), Kind::Request, None);
            assert!(floods.len() <= 2 * MAX_REMEMBERED);
        }
        let slowest =
            [Kind::Request, Kind::Change, Kind::Place, Kind::NewRoom, Kind::Complaint].into_iter().flat_map(|kind| {
                let Limits { sender, reserve, .. } = kind.limits();
                [sender, reserve].map(|rate| (rate.burst + rate.per_member * 2_000) * rate.interval)
            });
        assert!(slowest.max().is_some_and(|slowest| slowest <= REMEMBERED));
    }
}
