//! Rooms that are to use bridges of one version (spec/50 §6.6).

use std::collections::BTreeMap;
use std::time::Duration;

use super::time::Timestamp;
use crate::wire::BareJid;

/// A room's pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub room: BareJid,
    /// A bridge's full version: `version`, or `version-release`.
    pub version: String,
    /// The last moment at which it counts: whole seconds.
    pub expires: Timestamp,
}

/// All pins. What has expired is dropped at the next look.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    by_room: BTreeMap<BareJid, (String, Timestamp)>,
}

impl Pins {
    /// In place of the room's earlier pin.
    pub fn pin(&mut self, now: Timestamp, room: BareJid, version: String, duration: Duration) {
        self.drop_expired(now);
        let end = now + duration;
        let expires = Timestamp(end.0 - end.0 % 1_000_000);
        self.by_room.insert(room, (version, expires));
    }

    pub fn unpin(&mut self, room: &BareJid) {
        self.by_room.remove(room);
    }

    /// The version of a room, as a conference that is made now has it for all its life.
    pub fn version(&self, now: Timestamp, room: &BareJid) -> Option<&str> {
        let (version, expires) = self.by_room.get(room)?;
        (*expires >= now).then_some(version.as_str())
    }

    /// By the rooms' addresses.
    pub fn list(&mut self, now: Timestamp) -> Vec<Pin> {
        self.drop_expired(now);
        let pin = |(room, (version, expires)): (&BareJid, &(String, Timestamp))| Pin {
            room: room.clone(),
            version: version.clone(),
            expires: *expires,
        };
        self.by_room.iter().map(pin).collect()
    }

    fn drop_expired(&mut self, now: Timestamp) {
        self.by_room.retain(|_, (_, expires)| *expires >= now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> BareJid {
        BareJid::new(&format!("{name}@conference.meet.test")).expect("valid")
    }

    fn at(seconds: f64) -> Timestamp {
        Timestamp(1_000_000_000_000_000) + Duration::from_secs_f64(seconds)
    }

    /// spec/50 §12 (28).
    #[test]
    fn a_pin_ends_with_the_second_in_which_its_time_is_over() {
        let mut pins = Pins::default();
        pins.pin(at(0.7), room("a"), "v1".into(), Duration::from_secs(600));
        pins.pin(at(0.7), room("b"), "v2".into(), Duration::from_secs(1200));
        assert_eq!(pins.list(at(1.0))[0], Pin { room: room("a"), version: "v1".into(), expires: at(600.0) });
        assert_eq!(pins.version(at(600.0), &room("a")), Some("v1"));
        assert_eq!((pins.version(at(600.1), &room("a")), pins.version(at(600.1), &room("b"))), (None, Some("v2")));
        assert_eq!((pins.list(at(601.0)).len(), pins.by_room.len()), (1, 1));
    }

    #[test]
    fn the_last_word_counts() {
        let mut pins = Pins::default();
        pins.pin(at(0.0), room("a"), "v1".into(), Duration::from_secs(600));
        pins.pin(at(1.0), room("a"), "v2".into(), Duration::from_secs(5));
        assert_eq!(pins.version(at(2.0), &room("a")), Some("v2"));
        pins.unpin(&room("a"));
        pins.unpin(&room("nobody"));
        assert_eq!(pins.version(at(2.0), &room("a")), None);
        assert_eq!(pins.list(at(2.0)), []);
        pins.pin(at(3.0), room("a"), "v".into(), Duration::MAX);
        assert_eq!(pins.version(at(1e9), &room("a")), Some("v"), "as good as for ever");
    }
}
