//! What a bridge publishes of itself in its brewery (spec/50 §2.3).

use crate::ns;
use crate::xml::{Element, el};

/// What the focus decides by.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    pub stress: f64,
    pub version: String,
    pub release: Option<String>,
    pub region: Option<String>,
    /// None: relays are not enabled.
    pub relay_id: Option<String>,
    pub drain: bool,
    pub graceful_shutdown: bool,
    pub shutting_down: bool,
    pub healthy: bool,
    /// Only what the focus decides by: the real one's presence has some eighty stats, which cost simulations most of their time.
    pub terse: bool,
    /// Any others, by name.
    pub more: Vec<(String, String)>,
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            stress: 0.01,
            version: "2.3.223-g1a2b3c4d5".into(),
            release: None,
            region: None,
            relay_id: None,
            drain: false,
            graceful_shutdown: false,
            shutting_down: false,
            healthy: true,
            terse: false,
            more: Vec::new(),
        }
    }
}

/// Zeros that a real bridge sends along: a presence has some eighty stats.
const IDLE: [&str; 40] = [
    "incoming_loss",
    "outgoing_loss",
    "overall_loss",
    "tcc_unmatched_feedback",
    "local_active_endpoints",
    "bit_rate_download",
    "bit_rate_upload",
    "packet_rate_download",
    "packet_rate_upload",
    "rtt_aggregate",
    "num_eps_oversending",
    "octo_conferences",
    "inactive_conferences",
    "p2p_conferences",
    "receive_only_endpoints",
    "inactive_endpoints",
    "octo_endpoints",
    "endpoints_sending_audio",
    "endpoints_sending_video",
    "largest_conference",
    "octo_receive_bitrate",
    "octo_send_bitrate",
    "total_conferences_created",
    "total_conferences_completed",
    "total_conference_seconds",
    "total_participants",
    "total_visitors",
    "total_relays",
    "total_keyframes_received",
    "visitors",
    "total_bytes_received",
    "endpoints_ice_failed",
    "dtls_failed_endpoints",
    "relays_ice_failed",
    "total_bytes_sent",
    "total_packets_received",
    "total_packets_sent",
    "total_ice_failed",
    "total_ice_succeeded",
    "threads",
];

impl Stats {
    /// The element, for a bridge with so many conferences and endpoints.
    pub fn element(&self, conferences: usize, endpoints: usize) -> Element {
        let stat = |name: &str, value: String| el("stat", ns::COLIBRI).attr("name", name).attr("value", value);
        let idle = if self.terse { &[][..] } else { &IDLE[..] };
        let mut stats: Vec<_> = idle.iter().map(|name| stat(name, "0".into())).collect();
        stats.push(stat("stress_level", self.stress.to_string()));
        stats.push(stat("conferences", conferences.to_string()));
        stats.push(stat("endpoints", endpoints.to_string()));
        stats.push(stat("participants", endpoints.to_string()));
        stats.push(stat("local_endpoints", endpoints.to_string()));
        stats.push(stat("average_participant_stress", "0.01".into()));
        stats.push(stat("graceful_shutdown", self.graceful_shutdown.to_string()));
        stats.push(stat("shutting_down", self.shutting_down.to_string()));
        stats.push(stat("drain", self.drain.to_string()));
        stats.push(stat("current_timestamp", "2026-08-20 09:15:30.123".into()));
        stats.extend(self.relay_id.clone().map(|id| stat("relay_id", id)));
        stats.push(stat("healthy", self.healthy.to_string()));
        stats.push(stat("version", self.version.clone()));
        stats.extend(self.release.clone().map(|release| stat("release", release)));
        stats.extend(self.region.clone().map(|region| stat("region", region)));
        stats.extend(self.more.iter().map(|(name, value)| stat(name, value.clone())));
        el("stats", ns::COLIBRI).children(stats).done()
    }
}
