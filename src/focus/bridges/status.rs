//! How each bridge is doing, as data: what metrics and `GET /debug` show of it (spec/50 §10).

use serde::Serialize;

use super::registry::{Bridge, Bridges};
use crate::config;
use crate::focus::Timestamp;
use crate::wire::Jid;

/// One bridge now. Written as `GET /debug` has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BridgeStatus {
    /// Metrics are labelled with its resource.
    #[serde(skip)]
    pub jid: Jid,
    pub corrected_stress: f64,
    pub drain: bool,
    /// Awaited answers included.
    pub endpoints: u32,
    /// Within the window of ICE-failure detection.
    pub endpoint_restart_requests: u32,
    pub failing_ice: bool,
    pub graceful_shutdown: bool,
    /// Its own word.
    pub healthy: bool,
    pub operational: bool,
    pub overloaded: bool,
    #[serde(serialize_with = "or_null")]
    pub region: Option<String>,
    #[serde(serialize_with = "or_null")]
    pub relay_id: Option<String>,
    #[serde(serialize_with = "or_null")]
    pub release: Option<String>,
    pub shutting_down: bool,
    /// As it reported it.
    pub stress: f64,
    #[serde(serialize_with = "or_null")]
    pub version: Option<String>,
    /// Since it came.
    #[serde(skip)]
    pub restart_requests_total: u64,
    /// Since it came, because it had too much to do.
    #[serde(skip)]
    pub endpoints_moved_total: u64,
}

/// What is not known is the text "null", as people's scripts expect it.
fn or_null<S: serde::Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.as_deref().unwrap_or("null"))
}

impl Bridge {
    pub(crate) fn status(&self, now: Timestamp, config: &config::Bridge) -> BridgeStatus {
        let (recent, total) = self.restart_requests(now, config);
        BridgeStatus {
            jid: self.id.jid.clone(),
            corrected_stress: self.corrected_stress(now, config),
            drain: self.draining,
            endpoints: self.endpoints,
            endpoint_restart_requests: recent,
            failing_ice: self.failing_ice(now, config),
            graceful_shutdown: self.graceful_shutdown,
            healthy: self.healthy,
            operational: self.operational(now, config),
            overloaded: self.overloaded(now, config),
            region: self.region.clone(),
            relay_id: self.relay_id.clone(),
            release: self.release.clone(),
            shutting_down: self.shutting_down,
            stress: self.reported_stress,
            version: self.version.clone(),
            restart_requests_total: total,
            endpoints_moved_total: self.endpoints_redistributed,
        }
    }
}

impl Bridges {
    /// By address.
    pub fn status(&self, now: Timestamp, config: &config::Bridge) -> Vec<BridgeStatus> {
        self.iter().map(|bridge| bridge.status(now, config)).collect()
    }

    /// How many different versions there are; not to know it counts as one (spec/50 §10).
    pub fn versions(&self) -> usize {
        self.iter().map(Bridge::full_version).collect::<std::collections::BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Config, LoadModel};
    use crate::wire::presence::{Stat, Stats};

    /// The example of spec/50 §10.
    #[test]
    fn a_bridge_is_shown_as_people_know_it() {
        let mut config = Config::default().bridge;
        config.selection_load_model = LoadModel::Classic;
        let now = Timestamp(1_000_000_000);
        let stat = |(name, value): (&str, &str)| Stat { name: Some(name.into()), value: Some(value.into()) };
        let said = [
            ("stress_level", "0.18"),
            ("drain", "false"),
            ("region", "eu-central"),
            ("relay_id", "jvb-1"),
            ("version", "2.3.223-g1a2b3c4d5"),
        ];
        let mut bridges = Bridges::default();
        let jid: Jid = "jvbbrewery@internal-muc.meet.jitsi/jvb-1".parse().expect("valid");
        bridges.presence(now, &jid, &Stats { stats: said.map(stat).to_vec() }, &config);
        let id = bridges.iter().next().expect("there").id.clone();
        (0..11).for_each(|_| bridges.endpoint_allocated(now, &id, &config));
        bridges.restart_requested(now, &id, &config);
        let status = bridges.status(now, &config);
        let mut expected = json!({
            "corrected-stress": 0.29, "drain": false, "endpoints": 11, "endpoint-restart-requests": 1,
            "failing-ice": false, "graceful-shutdown": false, "healthy": true, "operational": true,
            "overloaded": false, "region": "eu-central", "relay-id": "jvb-1", "release": "null",
            "shutting-down": false, "stress": 0.18, "version": "2.3.223-g1a2b3c4d5"
        });
        let mut shown = serde_json::to_value(&status[0]).expect("JSON");
        let stress = |value: &mut serde_json::Value| value["corrected-stress"].take().as_f64().expect("a number");
        assert!((stress(&mut shown) - stress(&mut expected)).abs() < 1e-9);
        assert_eq!(shown, expected);
        assert_eq!((status[0].restart_requests_total, status[0].endpoints_moved_total), (1, 0));
        assert_eq!(status[0].jid, jid);
    }

    #[test]
    fn versions_are_counted_and_not_to_know_it_is_one() {
        let mut bridges = Bridges::default();
        for (name, version) in [("a", Some("1")), ("b", Some("1")), ("c", Some("2")), ("d", None), ("e", None)] {
            let jid = format!("b@muc.x/{name}").parse().expect("valid");
            let stats = version.map(|version| Stat { name: Some("version".into()), value: Some(version.into()) });
            let stats = Stats { stats: stats.into_iter().collect() };
            bridges.presence(Timestamp(0), &jid, &stats, &Config::default().bridge);
        }
        assert_eq!(bridges.versions(), 3);
    }
}
