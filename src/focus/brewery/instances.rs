//! Recorders and gateways, as they show themselves in their breweries (spec/60 §1, §3.2, §4.2).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Worker;
use crate::wire::Jid;
use crate::wire::presence::{JibriStatus, Presence, Stats};

/// What a Jibri says. What it does not say, or in no known word, is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jibri {
    pub healthy: Option<bool>,
    pub busy: Option<bool>,
}

impl Jibri {
    fn of(status: &JibriStatus) -> Jibri {
        let word = |said: Option<&str>, [yes, no]: [&str; 2]| match said {
            Some(said) if said.eq_ignore_ascii_case(yes) => Some(true),
            Some(said) if said.eq_ignore_ascii_case(no) => Some(false),
            _ => None,
        };
        let health = status.health.as_ref().and_then(|health| health.status.as_deref());
        let busy = status.busy.as_ref().and_then(|busy| busy.status.as_deref());
        Jibri { healthy: word(health, ["healthy", "unhealthy"]), busy: word(busy, ["busy", "idle"]) }
    }

    /// Whether it could be given something to do.
    pub fn is_available(self) -> bool {
        self.healthy == Some(true) && self.busy == Some(false)
    }
}

/// What a Jigasi says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jigasi {
    pub participants: u32,
    pub graceful_shutdown: bool,
    pub supports_sip: bool,
    pub supports_transcription: bool,
    pub region: Option<String>,
}

impl Jigasi {
    fn of(stats: &Stats) -> Jigasi {
        // The first of a name counts.
        let said = |name: &str| {
            let of_it = stats.stats.iter().find(|stat| stat.name.as_deref() == Some(name));
            of_it.and_then(|stat| stat.value.as_deref())
        };
        let is = |name: &str| said(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Jigasi {
            participants: said("participants").and_then(|value| value.trim().parse().ok()).unwrap_or(0),
            graceful_shutdown: is("graceful_shutdown"),
            supports_sip: is("supports_sip"),
            supports_transcription: is("supports_transcription"),
            region: said("region").map(str::to_owned),
        }
    }
}

/// Whether an instance was not known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct New(pub bool);

/// All that are there, by address.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instances {
    jibris: BTreeMap<Jid, Jibri>,
    sip_jibris: BTreeMap<Jid, Jibri>,
    jigasis: BTreeMap<Jid, Jigasi>,
}

/// How many there are, and how they are (spec/80 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub jibris: usize,
    pub jibris_available: usize,
    pub sip_jibris: usize,
    pub sip_jibris_available: usize,
    /// Jigasis that can call telephones, and those of them that are going.
    pub sip_gateways: usize,
    pub sip_gateways_in_shutdown: usize,
    pub transcribers: usize,
}

impl Instances {
    /// The presence of an occupant. None: it says nothing of an instance.
    pub(super) fn says(&mut self, worker: Worker, from: &Jid, presence: &Presence) -> Option<New> {
        let before = match worker {
            Worker::Bridge => return None,
            Worker::Jibri => self.jibris.insert(from.clone(), Jibri::of(presence.jibri_status.as_ref()?)).is_some(),
            Worker::SipJibri => {
                self.sip_jibris.insert(from.clone(), Jibri::of(presence.jibri_status.as_ref()?)).is_some()
            }
            Worker::Jigasi => self.jigasis.insert(from.clone(), Jigasi::of(presence.stats.as_ref()?)).is_some(),
        };
        Some(New(!before))
    }

    /// True: it was there.
    pub(super) fn gone(&mut self, worker: Worker, jid: &Jid) -> bool {
        match worker {
            Worker::Bridge => false,
            Worker::Jibri => self.jibris.remove(jid).is_some(),
            Worker::SipJibri => self.sip_jibris.remove(jid).is_some(),
            Worker::Jigasi => self.jigasis.remove(jid).is_some(),
        }
    }

    pub(super) fn known(&self, worker: Worker) -> BTreeSet<Jid> {
        match worker {
            Worker::Bridge => BTreeSet::new(),
            Worker::Jibri => self.jibris.keys().cloned().collect(),
            Worker::SipJibri => self.sip_jibris.keys().cloned().collect(),
            Worker::Jigasi => self.jigasis.keys().cloned().collect(),
        }
    }

    pub fn counts(&self) -> Counts {
        let available = |jibris: &BTreeMap<Jid, Jibri>| jibris.values().filter(|it| it.is_available()).count();
        let gateways = || self.jigasis.values().filter(|it| it.supports_sip);
        Counts {
            jibris: self.jibris.len(),
            jibris_available: available(&self.jibris),
            sip_jibris: self.sip_jibris.len(),
            sip_jibris_available: available(&self.sip_jibris),
            sip_gateways: gateways().count(),
            sip_gateways_in_shutdown: gateways().filter(|it| it.graceful_shutdown).count(),
            transcribers: self.jigasis.values().filter(|it| it.supports_transcription).count(),
        }
    }

    /// For `GET /debug`: each by its nick (spec/80 §5.1).
    pub fn dump(&self, worker: Worker) -> Map<String, Value> {
        let nick = |jid: &Jid| jid.resource().unwrap_or(jid.as_str()).to_owned();
        let word = |known: Option<bool>, [yes, no]: [&'static str; 2]| match known {
            Some(true) => yes,
            Some(false) => no,
            None => "null",
        };
        let jibri = |(jid, jibri): (&Jid, &Jibri)| {
            let shown = json!({
                "health_status": word(jibri.healthy, ["healthy", "unhealthy"]),
                "busy_status": word(jibri.busy, ["busy", "idle"]),
                "reports_available": jibri.is_available(),
            });
            (nick(jid), shown)
        };
        let jigasi = |(jid, jigasi): (&Jid, &Jigasi)| {
            let shown = json!({
                "supports_sip": jigasi.supports_sip,
                "supports_transcription": jigasi.supports_transcription,
                "is_in_graceful_shutdown": jigasi.graceful_shutdown,
                "participants": jigasi.participants,
                "region": jigasi.region.as_deref().unwrap_or("null"),
            });
            (nick(jid), shown)
        };
        match worker {
            Worker::Bridge => Map::new(),
            Worker::Jibri => self.jibris.iter().map(jibri).collect(),
            Worker::SipJibri => self.sip_jibris.iter().map(jibri).collect(),
            Worker::Jigasi => self.jigasis.iter().map(jigasi).collect(),
        }
    }
}
