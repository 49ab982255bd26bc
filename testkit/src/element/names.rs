//! Names and namespaces are few, and live as long as the tests do: each is kept once.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

/// Multiplies and turns, eight bytes at a time: names are looked up for each element that is read, and nobody picks them so
/// that they collide.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((first, others)) = rest.split_first_chunk::<8>() {
            self.write_u64(u64::from_le_bytes(*first));
            rest = others;
        }
        // What is left, some of it twice: shorter than looking at each byte.
        let last = match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte)),
        };
        self.write_u64(last ^ (bytes.len() as u64) << 56);
    }

    /// The end of a text, which `write` has told by its length.
    fn write_u8(&mut self, _: u8) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

pub(super) fn interned(text: &str) -> &'static str {
    static ALL: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    thread_local! {
        static KNOWN: RefCell<HashSet<&'static str, BuildHasherDefault<Quick>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(found) = known.get(text) {
            return *found;
        }
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(text).copied().unwrap_or_else(|| {
            let new: &'static str = text.to_owned().leak();
            all.insert(new);
            new
        });
        known.insert(found);
        found
    })
}
