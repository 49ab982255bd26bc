//! An ordered map that counts, for the test kit, how many of its entries are looked at one after the other: what an input
//! costs must not grow with its room (spec/90, rows 109 and 110), and a count says so on any machine.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

/// Entries are reached by their key, or in a walk over all of them, which counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "K: Ord + Serialize + for<'k> Deserialize<'k>, V: Serialize + for<'v> Deserialize<'v>")]
pub(crate) struct Counted<K, V> {
    entries: BTreeMap<K, V>,
    #[cfg(feature = "sabotage")]
    #[serde(skip)]
    walked: std::cell::Cell<u64>,
}

impl<K, V> Default for Counted<K, V> {
    fn default() -> Self {
        Counted {
            entries: BTreeMap::new(),
            #[cfg(feature = "sabotage")]
            walked: std::cell::Cell::default(),
        }
    }
}

/// Two are the same if their entries are.
impl<K: PartialEq, V: PartialEq> PartialEq for Counted<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<K: Ord, V> Counted<K, V> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key)
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.entries.insert(key, value)
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key)
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().inspect(|_| self.step())
    }

    /// The entry that comes after a key, or the first one after the last.
    pub fn next_after(&self, key: &K) -> Option<&V> {
        let after = self.entries.range((Bound::Excluded(key), Bound::Unbounded)).next();
        after.or_else(|| self.entries.first_key_value()).map(|(_, value)| value)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    #[cfg(feature = "sabotage")]
    fn step(&self) {
        self.walked.set(self.walked.get() + 1);
    }

    #[cfg(not(feature = "sabotage"))]
    fn step(&self) {}

    /// All values, not as a walk of the core's.
    #[cfg(feature = "sabotage")]
    pub fn uncounted(&self) -> impl Iterator<Item = &V> {
        self.entries.values()
    }

    /// How many entries were looked at in walks so far.
    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.walked.get()
    }
}
