//! What is counted. Counters only go up; gauges are derived from state when they are read (spec/90, row 107).

use super::bridges::predict::Predictions;

/// Names follow spec/10 §5.8, spec/30 §13, spec/50 §10 without their prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    pub conference_requests: u64,
    pub conference_requests_new: u64,
    pub conferences_created: u64,
    pub participants: u64,
    pub participants_moved: u64,
    pub participants_ice_failed: u64,
    pub participants_restart_requested: u64,
    pub participants_no_start_muted_rmd: u64,
    pub ice_restarts_requested: u64,
    pub ice_restarts_relayed: u64,
    pub ice_restarts_not_needed: u64,
    pub ice_restarts_failed: u64,
    pub bridges_removed: u64,
    /// Off bridges that had too much to do; not on an operator's word.
    pub endpoints_redistributed: u64,
    pub lost_bridges: u64,
    /// How well the stress of bridges was predicted (docs/BRIDGES.md).
    pub stress_predictions: Predictions,
    /// Selections for a conference of which a bridge had as many new endpoints as it may get in an interval.
    pub bridge_selections_rate_limited: u64,
    pub xmpp_disconnects: u64,
    /// Requests of senders who had asked for too much (`floods.rs`).
    pub requests_limited: u64,
    /// Answers to nothing, to what has gone, and second answers.
    pub answers_unmatched: u64,
    /// Conferences dropped because handling one of their inputs panicked.
    pub panics: u64,
}

/// The state behind the gauges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    pub conferences: usize,
    pub members: usize,
    pub participants: usize,
    /// Those of them who only look on.
    pub visitors: usize,
    pub conferences_with_visitors: usize,
    pub bridges: usize,
    pub operational_bridges: usize,
    /// In graceful shutdown.
    pub bridges_in_shutdown: usize,
    /// Different full versions.
    pub bridge_versions: usize,
    /// On all bridges, awaited answers included.
    pub endpoints: usize,
    pub requests_pending: usize,
    pub timers: usize,
}
