//! Links to other bridges (spec/40 §3.2, §5.9, §5.10). What the real one swallows, to the harm of the media, is complained of.

use indexmap::IndexMap;

use super::Bridge;
use super::conference::{Credentials, Outcome, check_sctp, faults_of};
use super::errors::Refused;
use super::request::{EndpointModify, RelayModify};
use crate::ns;
use crate::sources::Sources;
use crate::xml::{Builder, Element, Read, el};

/// One end of a link to another bridge.
#[derive(Debug, Clone, Default)]
pub struct Relay {
    pub mesh_id: Option<String>,
    pub endpoints: IndexMap<String, Sources>,
    /// What the other bridge answered.
    pub transport: Option<Element>,
    /// Whether this end opens the connection.
    pub ice_controlling: bool,
    /// The data channel is SCTP.
    pub sctp: bool,
    credentials: Credentials,
}

impl Relay {
    /// Whether this end was told of that one, and nothing else since.
    pub fn reaches(&self, other: &Relay) -> bool {
        let told = self.transport.as_ref();
        told.and_then(|told| told.get("ufrag")) == Some(other.credentials.ufrag.as_str())
    }

    /// Where this end was told to open the bridge channel.
    pub fn web_socket(&self) -> Option<&str> {
        self.transport.as_ref()?.kid("web-socket", ns::COLIBRI)?.get("url")
    }

    /// What is wrong with what it was told of the other end.
    fn check_transport(&self, id: &str, ice: &Element) -> Vec<String> {
        let mut wrong = Vec::new();
        if ice.get("ufrag").is_none() || ice.get("pwd").is_none() || ice.kid("rtcp-mux", ns::ICE).is_none() {
            wrong.push(format!("transport of relay {id} without ufrag, pwd or rtcp-mux"));
        }
        if ice.kids("candidate", ns::ICE).next().is_none() {
            wrong.push(format!("transport of relay {id} without candidates"));
        }
        // Who opens the connection is the server of DTLS: the other one begins.
        let setup = if self.ice_controlling { "active" } else { "passive" };
        let told = ice.kid("fingerprint", ns::DTLS).and_then(|fingerprint| fingerprint.get("setup"));
        if told != Some(setup) {
            wrong.push(format!("relay {id} is told setup {told:?}, not {setup}"));
        }
        let sockets = ice.kids("web-socket", ns::COLIBRI).filter(|socket| socket.get("url").is_some()).count();
        let expected = usize::from(self.ice_controlling && !self.sctp);
        if sockets != expected {
            wrong.push(format!("relay {id} is told of {sockets} web-sockets, not {expected}"));
        }
        if self.transport.is_some() {
            wrong.push(format!("relay {id} is told of the other end a second time"));
        }
        wrong
    }
}

impl Bridge {
    pub(super) fn relay_request(&mut self, conference: &str, request: &RelayModify) -> Outcome<Builder> {
        let id = &request.id;
        if self.settings.stats.relay_id.is_none() {
            return Err(Refused::unsupported("Octo is disabled in configuration."));
        }
        if !self.settings.sctp && !self.settings.web_sockets {
            let text = "Colibri websockets or SCTP need to be enabled to use a colibri2 relay.";
            return Err(Refused::internal(text));
        }
        let answer = el("relay", ns::COLIBRI2).attr("id", id);
        if request.expire {
            let held = self.conference(conference);
            if held.relays.shift_remove(id).is_none() && !held.troubled {
                self.complaints.add(format!("relay {id} expires, which is not there"));
            }
            return Ok(answer.attr("expire", "true"));
        }
        let transport = if request.create { Some(self.create_relay(conference, request)?) } else { None };
        let Some(relay) = self.conference(conference).relays.get_mut(id) else {
            return Err(Refused::bad_request(format!("Unknown relay {id}")));
        };
        let mut wrong = Vec::new();
        if let Some(ice) = request.transport.as_ref().and_then(|transport| transport.ice.as_ref()) {
            wrong = relay.check_transport(id, ice);
            relay.transport = Some(ice.clone());
        }
        for endpoint in &request.endpoints {
            wrong.extend(self.relay_endpoint(conference, id, endpoint));
        }
        if !self.conference(conference).troubled {
            wrong.into_iter().for_each(|text| self.complaints.add(text));
        }
        Ok(answer.children(transport))
    }

    /// Somebody behind a relay comes, changes, goes. What is wrong with that.
    fn relay_endpoint(&mut self, conference: &str, id: &str, request: &EndpointModify) -> Vec<String> {
        let held = self.conference(conference);
        let name = &request.id;
        let elsewhere = held.relays.iter().find(|(relay, it)| *relay != id && it.endpoints.contains_key(name));
        let elsewhere = elsewhere.map(|(relay, _)| format!("{name} is behind relay {relay}, and comes behind {id}"));
        let local = held.endpoints.contains_key(name);
        let Some(relay) = held.relays.get_mut(id) else { return Vec::new() };
        let known = relay.endpoints.contains_key(name);
        let mut wrong = Vec::new();
        match (request.expire, request.create) {
            (true, _) => {
                if relay.endpoints.shift_remove(name).is_none() {
                    wrong.push(format!("{name} goes, who is not behind relay {id}"));
                }
                return wrong;
            }
            (false, true) => {
                wrong.extend(elsewhere);
                if known {
                    wrong.push(format!("{name} comes, who is behind relay {id} already"));
                }
                if local {
                    wrong.push(format!("endpoint {name} is local and behind relay {id}"));
                }
                if !request.capabilities.iter().any(|capability| capability == "source-names") {
                    wrong.push(format!("{name} comes behind relay {id} without source names"));
                }
            }
            // The real one ignores it.
            (false, false) if !known => return vec![format!("{name} changes, who is not behind relay {id}")],
            (false, false) => {}
        }
        if request.visitor || request.transport.is_some() || !request.media.is_empty() {
            wrong.push(format!("{name} behind relay {id} with what is none of its relay's"));
        }
        match &request.sources {
            Some(sources) => wrong.extend(faults_of(name, sources)),
            None => wrong.push(format!("{name} behind relay {id} without sources")),
        }
        relay.endpoints.insert(name.clone(), request.sources.clone().unwrap_or_default());
        wrong
    }

    fn create_relay(&mut self, conference: &str, request: &RelayModify) -> Outcome<Element> {
        let id = &request.id;
        let credentials = self.fresh_credentials();
        let sctp_enabled = self.settings.sctp;
        let own_id = self.settings.stats.relay_id.clone();
        let held = self.conference(conference);
        if held.relays.contains_key(id) {
            return Err(Refused::conflict(format!("Relay with ID {id} already exists")));
        }
        let Some(transport) = &request.transport else {
            return Err(Refused::bad_request(format!("Attempt to create relay {id} with no <transport>")));
        };
        let relay = Relay {
            mesh_id: request.mesh_id.clone(),
            ice_controlling: transport.ice_controlling,
            sctp: transport.sctp.is_some(),
            credentials: credentials.clone(),
            ..Relay::default()
        };
        held.relays.insert(id.clone(), relay);
        let sctp = check_sctp(transport, sctp_enabled, true)?;
        let initiates = transport.ice_controlling;
        let mut wrong = Vec::new();
        if own_id.as_ref() == Some(id) {
            wrong.push("a relay to myself".to_owned());
        }
        if request.mesh_id.is_none() {
            wrong.push(format!("relay {id} created without mesh-id"));
        }
        if request.media != ["audio", "video"] {
            wrong.push(format!("relay {id} created for media {:?}", request.media));
        }
        if transport.use_unique_port != initiates {
            wrong.push(format!("relay {id}: the end that opens the connection, and no other, has a port of its own"));
        }
        if transport.sctp.as_ref().is_some_and(|sctp| sctp.client != initiates) {
            wrong.push(format!("relay {id}: the end that opens the connection, and no other, is the client of SCTP"));
        }
        wrong.into_iter().for_each(|text| self.complaints.add(text));
        let opposite = transport.sctp.as_ref().filter(|_| sctp).map(|s| if s.client { "server" } else { "client" });
        let path = format!("colibri-relay-ws/{}/{conference}/{id}?pwd={}", self.settings.nick, credentials.pwd);
        Ok(self.transport(&credentials, None, Some(path).filter(|_| !sctp), opposite))
    }
}
