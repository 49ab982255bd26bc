//! Conferences on a bridge: what a request changes, in the order in which the real one does it (spec/40 §3.1, §3.2).

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::errors::Refused;
use super::relays::Relay;
use super::request::{ConnectModify, EndpointModify, Modify, TransportModify};
use super::{Bridge, IceRestart};
use crate::Time;
use crate::ice::Ice;
use crate::ns;
use crate::sources::Sources;
use crate::xml::{Builder, Element, Read, bare, el};

pub(super) type Outcome<T> = Result<T, Refused>;

#[derive(Debug, Clone, Default)]
pub struct Conference {
    pub name: Option<String>,
    pub created: Time,
    pub endpoints: IndexMap<String, Endpoint>,
    /// By the relay id of the other bridge.
    pub relays: IndexMap<String, Relay>,
    pub connects: IndexMap<String, ConnectModify>,
    /// It has not seen all that it was asked, or nobody has heard what it answered: what follows may not fit.
    pub(super) troubled: bool,
    /// How often it has called wrong what it was asked to change of these, its own or behind relays.
    refused: BTreeMap<String, u32>,
    /// What it has refused nobody asks again (spec/40 §8.2): what it was is missing here.
    pub lacks_something: bool,
    /// SSRCs of `jvb-a0` and `jvb-v0`.
    pub feedback: (u32, u32),
}

/// A participant's endpoint.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    pub stats_id: Option<String>,
    pub visitor: bool,
    pub capabilities: Vec<String>,
    pub media: Vec<Element>,
    pub sources: Sources,
    /// Audio, video.
    pub force_mute: (bool, bool),
    pub last_n: Option<i32>,
    pub sctp: bool,
    /// The client's ICE transport, as it was forwarded last.
    pub transport: Option<Element>,
    /// All that was forwarded of it.
    pub client: Ice,
    /// How often its transport was set.
    pub transports: usize,
    /// Its own end.
    pub credentials: Credentials,
    pub(super) ice_generation: u64,
    /// The client has not yet answered the restart of this generation.
    pub ice_pending: bool,
}

impl Conference {
    /// Notes that this is refused with such an error, of which not a word is carried out.
    pub(super) fn calls_wrong(&mut self, modify: &Element, condition: &str) {
        // Of its own endpoints the last is said of the bridge (spec/40 §8.2).
        let wrong = matches!(condition, "bad-request" | "feature-not-implemented");
        let failed = condition == "internal-server-error";
        let creates = |element: &&Element| element.get("create") == Some("true");
        let endpoints = modify.kids("endpoint", ns::COLIBRI2).filter(|it| wrong && !creates(it));
        let relays = modify.kids("relay", ns::COLIBRI2).filter(|it| !creates(it));
        let behind = relays.filter(|_| wrong || failed).flat_map(|relay| relay.kids("endpoints", ns::COLIBRI2));
        let behind = behind.flat_map(|all| all.kids("endpoint", ns::COLIBRI2));
        for id in endpoints.chain(behind).filter_map(|endpoint| endpoint.get("id")) {
            let times = self.refused.entry(id.to_owned()).or_default();
            *times += 1;
            self.lacks_something |= *times > 1;
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub ufrag: String,
    pub pwd: String,
}

impl Bridge {
    pub(super) fn carry_out(&mut self, modify: &Modify) -> Outcome<Element> {
        self.find_or_create(modify)?;
        check_shape(modify)?;
        let mut modified = el("conference-modified", ns::COLIBRI2);
        let ignores_unknown = !modify.endpoints.iter().any(EndpointModify::touches_media)
            && !modify.relays.iter().any(|relay| !relay.expire);
        for endpoint in &modify.endpoints {
            modified = modified.child(self.endpoint_request(&modify.meeting_id, endpoint, ignores_unknown)?);
        }
        self.connect_requests(modify)?;
        for relay in &modify.relays {
            modified = modified.child(self.relay_request(&modify.meeting_id, relay)?);
        }
        if modify.create || modify.endpoints.iter().any(|endpoint| endpoint.create) {
            modified = modified.child(Bridge::feedback_sources(&self.conferences[&modify.meeting_id]));
        }
        Ok(modified.done())
    }

    fn find_or_create(&mut self, modify: &Modify) -> Outcome<()> {
        let id = &modify.meeting_id;
        match (modify.create, self.conferences.contains_key(id)) {
            (true, true) => {
                // What follows was meant for a new one.
                self.conference(id).troubled = true;
                self.missed.insert(id.clone());
                return Err(Refused::conference_exists(id));
            }
            (false, false) => return Err(Refused::conference_not_found(id)),
            (false, true) => return Ok(()),
            (true, false) => {}
        }
        let stats = &self.settings.stats;
        if stats.graceful_shutdown && !stats.shutting_down {
            // What follows at once was meant for a conference that there is not.
            self.missed.insert(id.clone());
            return Err(Refused::graceful_shutdown());
        }
        let named = modify.name.as_ref().is_none_or(|name| {
            bare(name) == name
                && name.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        });
        if !named {
            return Err(Refused::bad_request("Invalid conference name (not a JID)"));
        }
        if modify.name.is_none() {
            self.complaints.add("a conference is created without name");
        }
        let feedback = (self.dice.ssrc(), self.dice.ssrc());
        let conference = Conference { name: modify.name.clone(), created: self.now, feedback, ..Conference::default() };
        self.conferences.insert(id.clone(), conference);
        Ok(())
    }

    /// After the answer: the conference goes when it was told to, or when nothing is in it any more.
    pub(super) fn expire_if_done(&mut self, modify: &Modify) {
        let Some(conference) = self.conferences.get(&modify.meeting_id) else { return };
        let empty = conference.endpoints.is_empty() && conference.relays.is_empty();
        if modify.expire || (empty && !modify.create) {
            self.conferences.shift_remove(&modify.meeting_id);
        }
    }

    pub(super) fn conference(&mut self, id: &str) -> &mut Conference {
        self.conferences.get_mut(id).expect("found or created before anything else")
    }

    fn endpoint_request(
        &mut self,
        conference: &str,
        request: &EndpointModify,
        ignores_unknown: bool,
    ) -> Outcome<Builder> {
        let id = &request.id;
        let answer = el("endpoint", ns::COLIBRI2).attr("id", id);
        if request.expire {
            self.conference(conference).endpoints.shift_remove(id);
            return Ok(answer.attr("expire", "true"));
        }
        if request.create {
            let transport = self.create_endpoint(conference, request)?;
            self.update_endpoint(conference, request)?;
            return Ok(answer.child(transport));
        }
        if !self.conference(conference).endpoints.contains_key(id) {
            return if ignores_unknown { Ok(answer) } else { Err(Refused::unknown_endpoint(id)) };
        }
        let restart = request.transport.as_ref().is_some_and(|transport| transport.ice_restart);
        let transport = if restart { self.restart_ice(conference, id) } else { None };
        self.update_endpoint(conference, request)?;
        Ok(answer.children(transport))
    }

    fn create_endpoint(&mut self, conference: &str, request: &EndpointModify) -> Outcome<Element> {
        let id = &request.id;
        let credentials = self.fresh_credentials();
        let sctp_enabled = self.settings.sctp;
        let held = self.conference(conference);
        if held.endpoints.contains_key(id) {
            return Err(Refused::conflict(format!("Endpoint with ID {id} already exists")));
        }
        if held.relays.values().any(|relay| relay.endpoints.contains_key(id)) {
            return Err(Refused::internal(format!("Local endpoint with ID = {id}already created")));
        }
        let Some(transport) = &request.transport else {
            return Err(Refused::bad_request(format!("Attempt to create endpoint {id} with no <transport>")));
        };
        if !request.capabilities.iter().any(|capability| capability == "source-names") {
            return Err(Refused::bad_request("Source name support is mandatory."));
        }
        let endpoint = Endpoint {
            stats_id: request.stats_id.clone(),
            visitor: request.visitor,
            capabilities: request.capabilities.clone(),
            credentials: credentials.clone(),
            sctp: transport.sctp.is_some(),
            ..Endpoint::default()
        };
        held.endpoints.insert(id.clone(), endpoint);
        // An endpoint whose SCTP part is refused exists nevertheless (spec/40 §3.1).
        let sctp = check_sctp(transport, sctp_enabled, false)?;
        if !transport.ice_controlling {
            self.complaints.add(format!("endpoint {id} created without ice-controlling"));
        }
        let path = format!("colibri-ws/{}/{conference}/{id}?pwd={}", self.settings.nick, credentials.pwd);
        Ok(self.transport(&credentials, None, Some(path), sctp.then_some("server")))
    }

    fn update_endpoint(&mut self, conference: &str, request: &EndpointModify) -> Outcome<()> {
        let mut wrong = Vec::new();
        let id = &request.id;
        let endpoint = self.conference(conference).endpoints.get_mut(id).expect("looked up before");
        if !request.media.is_empty() {
            endpoint.media = request.media.clone();
        }
        if let Some(ice) = request.transport.as_ref().and_then(|transport| transport.ice.as_ref()) {
            endpoint.take_transport(id, ice, &mut wrong);
        }
        if let Some(sources) = &request.sources {
            if endpoint.visitor && !sources.is_empty() {
                return Err(Refused::bad_request(format!("Attempt to set sources for visitor endpoint {id}")));
            }
            wrong.extend(faults_of(id, sources));
            endpoint.sources = sources.clone();
        }
        endpoint.force_mute = request.force_mute.unwrap_or(endpoint.force_mute);
        endpoint.last_n = request.last_n.or(endpoint.last_n);
        wrong.into_iter().for_each(|text| self.complaints.add(text));
        Ok(())
    }

    fn restart_ice(&mut self, conference: &str, id: &str) -> Option<Element> {
        let fresh = self.fresh_credentials();
        let mode = self.settings.ice_restart;
        let path = format!("colibri-ws/{}/{conference}/{id}?pwd=restarted", self.settings.nick);
        let endpoint = self.conference(conference).endpoints.get_mut(id)?;
        let (credentials, generation) = match mode {
            IceRestart::Refused => return None,
            IceRestart::NotNeeded => (endpoint.credentials.clone(), None),
            // While the client has not answered, the same generation again.
            IceRestart::Works if endpoint.ice_pending => (endpoint.credentials.clone(), Some(endpoint.ice_generation)),
            IceRestart::Works => {
                endpoint.ice_generation += 1;
                endpoint.ice_pending = true;
                endpoint.credentials = fresh.clone();
                (fresh, Some(endpoint.ice_generation))
            }
        };
        Some(self.transport(&credentials, generation, Some(path), None))
    }

    fn connect_requests(&mut self, modify: &Modify) -> Outcome<()> {
        let mut seen = BTreeMap::new();
        for connect in &modify.connects {
            let id = &connect.id;
            if let Some(expired) = seen.insert(id.clone(), connect.expire) {
                return Err(Refused::bad_request(match (expired, connect.expire) {
                    (true, true) => format!("Duplicate expire for id={id}"),
                    (false, false) => format!("Multiple connects for id={id}"),
                    _ => format!("Connect update for id={id} expired in the same request"),
                }));
            }
            if modify.expire {
                return Err(Refused::bad_request("The conference's exporter is stopped"));
            }
            if connect.video {
                return Err(Refused::not_implemented("Video"));
            }
            let held = &mut self.conference(&modify.meeting_id).connects;
            match (connect.expire, connect.create, held.contains_key(id)) {
                (true, _, _) => _ = held.shift_remove(id),
                (_, true, true) => {
                    let text = format!("Connect with create=true for an already-existing id={id}");
                    return Err(Refused::bad_request(text));
                }
                (_, false, false) => {
                    return Err(Refused::bad_request(format!("Connect for unknown id={id} without create=true")));
                }
                (_, false, true) if held[id].url != connect.url || held[id].kind != connect.kind => {
                    return Err(Refused::not_implemented(format!("Updating connect url, type for id={id}")));
                }
                _ => _ = held.insert(id.clone(), connect.clone()),
            }
        }
        Ok(())
    }
}

impl Endpoint {
    fn take_transport(&mut self, id: &str, ice: &Element, wrong: &mut Vec<String>) {
        if ice.get("ufrag").is_none() || ice.get("pwd").is_none() {
            wrong.push(format!("transport of {id} without ufrag or pwd"));
        }
        if ice.kid("rtcp-mux", ns::ICE).is_none() {
            wrong.push(format!("transport of {id} without rtcp-mux"));
        }
        // A bridge hands each element to whatever reads its kind, wherever it stands (spec/40 §2.9).
        for child in ice.children() {
            let name = child.name();
            if !matches!(name, "candidate" | "rtcp-mux" | "fingerprint") || child.children().next().is_some() {
                wrong.push(format!("transport of {id} with <{name}>"));
            }
        }
        match ice.get("ice-generation").and_then(|text| text.parse::<u64>().ok()) {
            Some(generation) if generation == self.ice_generation => self.ice_pending = false,
            Some(generation) => {
                let own = self.ice_generation;
                wrong.push(format!("transport of {id} of ICE generation {generation}, mine is {own}"));
                return;
            }
            None => {}
        }
        self.client.hear(ice);
        self.transport = Some(ice.clone());
        self.transports += 1;
    }
}

fn check_shape(modify: &Modify) -> Outcome<()> {
    if !modify.endpoints.is_empty() && !modify.relays.is_empty() {
        return Err(Refused::not_implemented("Using both 'relay' and 'endpoint' in a request"));
    }
    if modify.endpoints.len() > 1 && modify.endpoints.iter().any(EndpointModify::touches_media) {
        let text = "Creating or updating media, sources or transport for more than one endpoint in a request.";
        return Err(Refused::not_implemented(text));
    }
    if modify.relays.len() > 1 {
        return Err(Refused::not_implemented("Updating more than one 'relay' in a request."));
    }
    Ok(())
}

/// Whether SCTP was asked for and granted.
pub(super) fn check_sctp(transport: &TransportModify, enabled: bool, relay: bool) -> Outcome<bool> {
    let Some(sctp) = &transport.sctp else { return Ok(false) };
    if !enabled {
        return Err(Refused::unsupported("SCTP support is not configured"));
    }
    if sctp.client && !relay {
        return Err(Refused::unsupported("Unsupported SCTP role: CLIENT"));
    }
    if sctp.port.is_some_and(|port| port != 5000) {
        return Err(Refused::bad_request("Specific SCTP port requested, not supported."));
    }
    Ok(true)
}

/// What the real bridge would swallow, to the harm of the media.
pub(super) fn faults_of(id: &str, sources: &Sources) -> Vec<String> {
    let unknown = sources.groups.iter().flat_map(|group| &group.ssrcs).filter(|ssrc| sources.get(**ssrc).is_none());
    let mut wrong: Vec<String> =
        unknown.map(|ssrc| format!("a group of {id} names source {ssrc}, which is not there")).collect();
    let mut ssrcs: Vec<u32> = sources.sources.iter().map(|source| source.ssrc).collect();
    ssrcs.sort_unstable();
    let repeated = ssrcs.windows(2).filter(|pair| pair[0] == pair[1]);
    wrong.extend(repeated.map(|pair| format!("source {} of {id} is there twice", pair[0])));
    wrong
}
