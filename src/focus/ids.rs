//! Identifiers the focus makes up: from its own seeded generator, so that the same inputs give the same outputs.

use crate::wire::values::{BridgeSessionId, MeetingId, SessionId};

/// The alphabet of base 32 with extended hex digits: how sids are written (spec/30 §6.2).
const BASE32: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// SplitMix64: 64 bits of state, equidistributed. None of these identifiers is a secret: who may use one is decided by
/// the sender of a stanza, which the server vouches for.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    state: u64,
    /// Begins the id of every IQ, so that a late answer to a predecessor of this process matches nothing.
    prefix: String,
    notices: u64,
}

impl Ids {
    pub fn new(seed: u64) -> Ids {
        let mut ids = Ids { state: seed, prefix: String::new(), notices: 0 };
        ids.prefix = base32(ids.next() & 0xfff_ffff);
        ids
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The id of an IQ whose answer nobody waits for.
    pub fn notice(&mut self) -> String {
        self.notices += 1;
        format!("{}-n{}", self.prefix, base32(self.notices))
    }

    /// A Jingle sid: 64 random bits in base 32.
    pub fn session(&mut self) -> SessionId {
        SessionId::from(base32(self.next()).as_str())
    }

    pub fn bridge_session(&mut self) -> BridgeSessionId {
        BridgeSessionId::from(self.uuid().as_str())
    }

    pub fn meeting(&mut self) -> MeetingId {
        MeetingId::from(self.uuid().as_str())
    }

    /// 32 hex digits, the random name of a shared document.
    pub fn document(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A random UUID, RFC 9562 version 4.
    fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 50),
            b & 0xffff_ffff_ffff
        )
    }
}

pub(crate) fn base32(mut value: u64) -> String {
    let mut digits = Vec::with_capacity(13);
    loop {
        digits.push(BASE32[(value & 31) as usize]);
        value >>= 5;
        if value == 0 {
            break;
        }
    }
    digits.iter().rev().map(|&digit| char::from(digit)).collect()
}

/// The number that [`base32`] wrote.
pub(crate) fn from_base32(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 13 {
        return None;
    }
    text.bytes().try_fold(0u64, |value, byte| {
        let digit = BASE32.iter().position(|&known| known == byte)?;
        value.checked_mul(32)?.checked_add(digit as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_base32() {
        for value in [0, 1, 31, 32, 1023, u64::MAX >> 4] {
            assert_eq!(from_base32(&base32(value)), Some(value));
        }
        assert_eq!(from_base32(""), None);
        assert_eq!(from_base32("z"), None);
    }

    #[test]
    fn a_meeting_id_is_a_version_4_uuid() {
        let id = Ids::new(7).meeting();
        let parts: Vec<&str> = id.as_str().split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && "89ab".contains(&parts[3][..1]));
    }

    #[test]
    fn the_same_seed_gives_the_same_identifiers() {
        let (mut one, mut other) = (Ids::new(42), Ids::new(42));
        assert_eq!(one.session(), other.session());
        assert_ne!(one.session(), Ids::new(43).session());
    }
}
