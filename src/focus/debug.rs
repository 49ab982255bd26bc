//! The state as data, for whoever wonders what we are doing (spec/80 §5). One conference at a time: a dump of all of them would
//! hold up the others.

use serde_json::{Map, Value, json};

use super::brewery::Worker;
use super::bridges::select::explain;
use super::conference::debug::Detail;
use super::{Connection, Focus};
use crate::config::AuthenticationType;
use crate::wire::BareJid;

/// A conference, and how many are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    pub room: BareJid,
    pub participants: usize,
}

/// A conference as JSON, under what it is called by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dump {
    pub name: String,
    pub json: String,
}

impl Focus {
    pub(super) fn rooms(&self) -> Vec<Room> {
        let room = |conference: &super::conference::Conference| Room {
            room: conference.room.clone(),
            participants: conference.members().participants(),
        };
        self.conferences.iter().map(room).collect()
    }

    /// None: there is no such conference.
    pub(super) fn dump(&self, room: &BareJid) -> Option<Dump> {
        let conference = self.conferences.get(self.conferences.id_of(room)?)?;
        let json = conference.debug(&self.cx, Detail::Full).to_string();
        Some(Dump { name: room.as_jid().to_string(), json })
    }

    /// As the collector of statistics of calls wants it, by the meeting. None: there is no such conference, or it does not want
    /// any (spec/80 §2.4).
    pub(super) fn dump_for_statistics(&self, room: &BareJid) -> Option<Dump> {
        let conference = self.conferences.get(self.conferences.id_of(room)?)?;
        let name = conference.wants_statistics()?.to_owned();
        Some(Dump { name, json: conference.debug(&self.cx, Detail::Statistics).to_string() })
    }

    /// What is remembered of clients' features.
    pub(super) fn dump_caps(&self) -> String {
        let known = self.cx.caps.remembered();
        let shown = known.into_iter().map(|(key, (count, features))| {
            (key.to_owned(), json!({"count": count, "features": features.names().collect::<Vec<_>>()}))
        });
        Value::Object(shown.collect()).to_string()
    }

    /// Everything but the conferences: the members of an object.
    pub(super) fn dump_focus(&self) -> Map<String, Value> {
        let config = &self.cx.config;
        let text = |text: Option<&str>| text.unwrap_or("null").to_owned();
        let bridges = self.bridges().into_iter().map(|bridge| (bridge.jid.to_string(), json!(bridge)));
        let authority = match config.authentication.kind {
            AuthenticationType::None => "null",
            AuthenticationType::Xmpp => "XMPPDomainAuthAuthority",
            AuthenticationType::Jwt => "ExternalJWTAuthority",
        };
        let focus_jid = self.cx.own.focus_jid(self.cx.jid(Connection::Client));
        let problems = self.problems().iter().map(|problem| {
            json!({
                "id": problem.kind.id(),
                "severity": if problem.is_severe() { "error" } else { "warning" },
                "since": problem.since.millis(),
                "text": problem.text,
            })
        });
        let shown = json!({
            "bridge_selector": {
                "strategy": explain::name(config.bridge.selection_strategy),
                "bridge": bridges.collect::<Map<_, _>>(),
            },
            "jibri_detector": self.dump_instances(Worker::Jibri),
            "sip_jibri_detector": self.dump_instances(Worker::SipJibri),
            "jigasi_detector": self.dump_instances(Worker::Jigasi),
            "av_moderation": {"address": text(self.components.moderation())},
            "conference_iq_handler": {
                "breakout_address": text(self.components.breakout_rooms()),
                "focus_auth_jid": text(focus_jid.as_ref().map(|jid| jid.as_str())),
                "jigasi_enabled": config.jigasi.brewery_jid.is_some(),
                "auth_authority": authority,
            },
            "xmpp": self.dump_connections(),
            "problems": problems.collect::<Vec<_>>(),
        });
        match shown {
            Value::Object(shown) => shown,
            _ => Map::new(),
        }
    }

    /// None: there is no such brewery.
    fn dump_instances(&self, worker: Worker) -> Option<Map<String, Value>> {
        let brewery = self.breweries.get(&worker)?;
        let mut shown = self.cx.instances.dump(worker);
        shown.insert("brewery_jid".into(), brewery.seat.room.as_jid().as_str().into());
        if worker != Worker::Jigasi {
            shown.insert("is_sip".into(), (worker == Worker::SipJibri).into());
        }
        Some(shown)
    }

    fn dump_connections(&self) -> Map<String, Value> {
        let config = &self.cx.config;
        let connections = self.connections().into_iter().map(|on| {
            let jid = self.cx.jid(on).map(|jid| jid.as_str());
            let name = on.name(config);
            let error = self.problems().iter().filter(|problem| problem.subject == name).last();
            let error = error.map(|problem| problem.text.as_str());
            (on.short_name(config), json!({"connected": jid.is_some(), "jid": jid, "last_error": error}))
        });
        connections.collect()
    }
}
