//! Identifiers the focus makes up: from its own seeded generator, so that the same inputs give the same outputs.

use sha1::{Digest, Sha1};

use crate::wire::values::{BridgeSessionId, MeetingId, SessionId};

/// What decides every identifier that the focus makes up: taken from the system's randomness in production, from a number in
/// tests.
#[derive(Clone, Copy)]
pub struct Seed {
    /// Of the identifiers that everybody sees. Whoever sees one can tell the next.
    pub public: u64,
    /// Of those that let their bearer in. Nothing that is seen tells anything of it.
    pub secret: [u8; 32],
}

/// For tests and simulations: a number that a failing run can name.
impl From<u64> for Seed {
    fn from(public: u64) -> Seed {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&public.to_le_bytes());
        Seed { public, secret }
    }
}

/// The alphabet of base 32 with extended hex digits: how sids are written (spec/30 §6.2).
const BASE32: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// SplitMix64: 64 bits of state, equidistributed. None of its identifiers is a secret: who may use one is decided by the
/// sender of a stanza, which the server vouches for. [`Ids::login`] makes those that are.
#[derive(Clone)]
pub(crate) struct Ids {
    state: u64,
    secret: [u8; 32],
    logins: u64,
    /// Begins the id of every IQ, so that a late answer to a predecessor of this process matches nothing.
    prefix: String,
    notices: u64,
}

impl Ids {
    pub fn new(seed: impl Into<Seed>) -> Ids {
        let Seed { public, secret } = seed.into();
        let mut ids = Ids { state: public, secret, logins: 0, prefix: String::new(), notices: 0 };
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
        uuid(self.next(), self.next())
    }

    /// The id of an authentication session: a UUID that nobody can guess, whatever other identifiers he has seen. A digest of
    /// the secret and a number: of fixed length and cut short, so that none can be continued into another.
    pub fn login(&mut self) -> String {
        self.logins += 1;
        let digest = Sha1::new().chain_update(self.secret).chain_update(self.logins.to_le_bytes()).finalize();
        let part = |at: usize| digest[at..at + 8].iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        uuid(part(0), part(8))
    }
}

fn uuid(a: u64, b: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 50),
        b & 0xffff_ffff_ffff
    )
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
        assert_eq!(one.login(), other.login());
    }

    #[test]
    fn who_knows_all_public_identifiers_knows_no_session_of_a_login() {
        // The public state follows from any Jingle sid, so it is as good as known.
        let with = |secret: u8| Ids::new(Seed { public: 42, secret: [secret; 32] });
        let (mut one, mut other) = (with(1), with(2));
        assert_eq!(one.session(), other.session());
        let (first, second) = (one.login(), one.login());
        assert_ne!(first, second);
        assert!(![other.login(), other.login()].contains(&first));
        assert_eq!(one.session(), other.session(), "logins draw nothing from the public generator");
        let parts: Vec<usize> = first.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }
}
