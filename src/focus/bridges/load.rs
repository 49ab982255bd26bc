//! How loaded a bridge is, counting what it has not reported yet (spec/50 §4).

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::focus::Timestamp;

/// Counts events of the last while, in buckets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecentCount {
    /// Tick of the bucket, events in it; ticks ascend.
    buckets: VecDeque<(u64, u32)>,
}

impl RecentCount {
    /// Bucket size of the counters of endpoints (spec/50 §4.1).
    pub const BUCKET: Duration = Duration::from_millis(100);

    pub fn add(&mut self, _now: Timestamp, _window: Duration) {
        unimplemented!()
    }

    pub fn count(&self, _now: Timestamp, _window: Duration) -> u32 {
        let _ = &self.buckets;
        unimplemented!()
    }
}
