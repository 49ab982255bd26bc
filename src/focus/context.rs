//! What every part of the core shares: time, identifiers, timers, requests under way, what goes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::auth::Authentication;
use super::brewery::Worker;
use super::brewery::instances::Instances;
use super::bridges::registry::{BridgeId, Bridges};
use super::caps::CapsCache;
use super::command::{CommandId, Reply};
use super::conference::bridge::RepeatPace;
use super::conference::offer::CodecCache;
use super::conference::{ConferenceId, MemberId};
use super::floods::Floods;
use super::ids::{Ids, Seed};
use super::metrics::Metrics;
use super::owed::Owed;
use super::own::Own;
use super::pace::Moves;
use super::pending::{self, Pending, PendingId, Then};
use super::pins::Pins;
use super::problems::Problems;
use super::time::Timestamp;
use super::timers::{Timer, TimerKey, Timers};
use super::visitors::departures::Departures;
use super::visitors::mirrors::Mirrors;
use super::visitors::nodes::Nodes;
use super::{Connection, Output};
use crate::config::Config;
use crate::wire::colibri2::ConferenceModify;
use crate::wire::disco::DiscoInfo;
use crate::wire::stanza::{Iq, IqBody, Payload, Stanza, StanzaError};
use crate::wire::values::{Condition, ErrorType, MeetingId, StanzaId};
use crate::wire::{BareJid, Jid};

/// The focus' name in every room. Clients take Jingle from any other nick for peer-to-peer (spec/30 §1), so it is this one
/// whatever the account is called (spec/70 §5.1).
pub(crate) const NICK: &str = "focus";

/// Of how many domains it is remembered that they host rooms. Whoever is forgotten is asked again.
const MAX_MUC_DOMAINS: usize = 1_000;

/// What we know of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link {
    /// The address we are bound to, or were: it is ours as long as the session may yet be resumed.
    pub jid: Option<Jid>,
    pub connected: bool,
    /// Lost, but the server may still keep our session.
    pub in_grace: Option<TimerKey>,
    /// Perhaps it is lost already.
    pub quiet: bool,
    /// The server has not got to what was said after `taken`.
    pub behind: bool,
    pub taken: Timestamp,
}

/// A request that is to be answered later, with everything that the answer needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub on: Connection,
    /// The sender to the letter: where the answer goes.
    pub from: Option<Jid>,
    /// What it was sent to: the sender of the answer, on a component.
    pub to: Option<Jid>,
    pub id: StanzaId,
    /// It came as a command, from nobody whom the server knows: answered as one.
    pub command: Option<CommandId>,
}

impl Asked {
    pub fn by_command(id: CommandId) -> Asked {
        Asked { on: Connection::Client, from: None, to: None, id: StanzaId::from(""), command: Some(id) }
    }
}

pub(crate) struct Context {
    pub config: Arc<Config>,
    pub now: Timestamp,
    pub ids: Ids,
    pub timers: Timers,
    pub pending: Pending,
    pub own: Own,
    pub bridges: Bridges,
    /// Recorders and gateways.
    pub instances: Instances,
    pub pins: Pins,
    pub caps: CapsCache,
    pub codecs: CodecCache,
    pub metrics: Metrics,
    pub problems: Problems,
    pub authentication: Authentication,
    pub floods: Floods,
    pub nodes: Nodes,
    /// Rooms of visitors that we are in or enter, and whose they are.
    pub mirrors: Mirrors,
    /// Rooms of conferences that have ended.
    pub departures: Departures,
    /// Which conferences have a session on a bridge.
    pub bridge_users: BTreeMap<BridgeId, BTreeSet<ConferenceId>>,
    /// Who waits to be placed anew.
    pub moves: Moves,
    /// How much is told bridges again at once.
    pub repeat_pace: RepeatPace,
    /// What bridges may not have heard of.
    pub owed: Owed,
    /// Since when we have not been in the bridges' brewery, or have been in it and have seen none.
    pub bridges_hidden: Option<Timestamp>,
    /// Conferences with participants whom no bridge could take.
    pub stranded: BTreeSet<ConferenceId>,
    /// Meeting ids in use: two rooms with one would share a conference on the bridge (spec/90, row 60).
    pub meetings: BTreeMap<MeetingId, ConferenceId>,
    /// Where breakout rooms are, as far as is known.
    pub breakout_domain: Option<String>,
    /// Where rooms are made to see whether one can be.
    pub rooms_domain: Option<String>,
    /// Breakout conferences by their main room.
    pub breakouts: BTreeMap<BareJid, BTreeSet<ConferenceId>>,
    /// Where in rooms somebody is, by the address that he shows there.
    pub addresses: BTreeMap<Jid, BTreeSet<(ConferenceId, MemberId)>>,
    links: Vec<Link>,
    muc_domains: BTreeSet<(Connection, String)>,
    outputs: VecDeque<Output>,
    unique: u64,
    #[cfg(feature = "sabotage")]
    pub sabotage: super::audit::Sabotage,
}

impl Context {
    pub fn new(config: Arc<Config>, seed: Seed) -> Context {
        let links = vec![Link::default(); 3 + config.xmpp.visitors.len()];
        Context {
            authentication: Authentication::new(&config),
            nodes: Nodes::new(&config),
            ids: Ids::new(seed),
            own: Own::new(&config),
            problems: Problems::new(&config),
            rooms_domain: config.xmpp.client.rooms_domain(),
            config,
            now: Timestamp::default(),
            timers: Timers::default(),
            pending: Pending::default(),
            bridges: Bridges::default(),
            instances: Instances::default(),
            pins: Pins::default(),
            caps: CapsCache::default(),
            codecs: CodecCache::default(),
            metrics: Metrics::default(),
            floods: Floods::default(),
            mirrors: Mirrors::default(),
            departures: Departures::default(),
            bridge_users: BTreeMap::new(),
            moves: Moves::default(),
            repeat_pace: RepeatPace::default(),
            owed: Owed::default(),
            bridges_hidden: None,
            stranded: BTreeSet::new(),
            meetings: BTreeMap::new(),
            breakout_domain: None,
            breakouts: BTreeMap::new(),
            addresses: BTreeMap::new(),
            links,
            muc_domains: BTreeSet::new(),
            outputs: VecDeque::new(),
            unique: 0,
            #[cfg(feature = "sabotage")]
            sabotage: super::audit::Sabotage::default(),
        }
    }

    /// A number that was never given out before: the identity of a conference, a member, an attempt.
    pub fn unique(&mut self) -> u64 {
        self.unique += 1;
        self.unique
    }

    pub fn link(&mut self, on: Connection) -> &mut Link {
        &mut self.links[on.index()]
    }

    /// A conference is open at this domain: if nothing is configured, that says more than what is usual. Not of rooms of
    /// others' servers.
    pub fn rooms_are_at(&mut self, domain: &str) {
        let is_set = self.config.xmpp.client.conference_muc_jid.is_some();
        if is_set || !self.is_ours(domain) || self.rooms_domain.as_deref() == Some(domain) {
            return;
        }
        log::info!(
            "rooms are at {domain}; health checks make theirs there, too (jicofo.xmpp.client.conference-muc-jid is not set)"
        );
        self.rooms_domain = Some(domain.to_owned());
    }

    pub fn is_connected(&self, on: Connection) -> bool {
        self.links[on.index()].connected
    }

    /// Whether silence is that of whoever was asked, and not of the connection.
    pub fn may_answer(&self, on: Connection) -> bool {
        self.is_connected(on) && !self.links[on.index()].quiet
    }

    /// Whether what is said on a connection arrives: at once, or, if its session is resumed in time, then.
    pub fn is_heard(&self, on: Connection) -> bool {
        let link = &self.links[on.index()];
        link.connected || link.in_grace.is_some()
    }

    /// Our own address on a connection, as the `initiator` of sessions.
    pub fn jid(&self, on: Connection) -> Option<&Jid> {
        self.links[on.index()].jid.as_ref()
    }

    /// The connection on which bridges are: the one that joined their brewery (spec/50 §1).
    pub fn bridge_connection(&self) -> Connection {
        Worker::Bridge.connection(&self.config)
    }

    pub fn reply_timeout(&self, on: Connection) -> Duration {
        match (on, &self.config.xmpp.service) {
            (Connection::Service, Some(service)) => service.reply_timeout,
            (Connection::Visitors(node), _) => self.nodes.get(node).reply_timeout,
            _ => self.config.xmpp.client.account.reply_timeout,
        }
    }

    pub fn send(&mut self, on: Connection, stanza: Stanza) {
        #[cfg(feature = "sabotage")]
        self.sabotage.strike();
        if let Stanza::Iq(iq) = &stanza
            && let IqBody::Set(Payload::Jingle(jingle)) = &iq.body
        {
            self.metrics.jingle_sent.add(jingle);
        }
        self.outputs.push_back(Output::Send { on, stanza });
    }

    pub fn put(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// What waits to be taken.
    pub fn outputs(&self) -> &VecDeque<Output> {
        &self.outputs
    }

    pub fn pop_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Asks, and remembers what to do with the answer. No answer within the connection's reply timeout is an answer too.
    pub fn request(&mut self, on: Connection, to: Jid, body: IqBody, then: Then) -> PendingId {
        self.ask(on, Some(to), body, then)
    }

    pub fn ask_bridge(&mut self, bridge: &BridgeId, modify: ConferenceModify, then: Then) {
        let on = self.bridge_connection();
        // A bridge takes `get` and `set` alike; `get` is what deployments are known to route (spec/40 §1 item 4).
        self.request(on, bridge.jid.clone(), IqBody::Get(Payload::ConferenceModify(modify)), then);
    }

    pub fn ask(&mut self, on: Connection, to: Option<Jid>, body: IqBody, then: Then) -> PendingId {
        self.ask_within(self.reply_timeout(on), on, to, body, then)
    }

    pub fn ask_within(
        &mut self,
        wait: Duration,
        on: Connection,
        to: Option<Jid>,
        body: IqBody,
        then: Then,
    ) -> PendingId {
        let id = self.pending.reserve();
        let deadline = self.timers.set(self.now + wait, Timer::NoAnswer(id));
        self.pending.insert(id, (on, to.clone()), then, self.now, deadline);
        let id_on_wire = pending::stanza_id(self.ids.prefix(), id);
        self.send(on, Stanza::Iq(Box::new(Iq { from: None, to, id: id_on_wire, body })));
        id
    }

    /// On which connection it was asked, if its server has not taken it yet and silence would count.
    pub fn untaken(&self, id: PendingId) -> Option<Connection> {
        let (on, asked) = self.pending.if_silence_counts(id)?;
        let link = &self.links[on.index()];
        (link.behind && asked > link.taken).then_some(on)
    }

    /// What was asked has as much time as if it were asked now.
    pub fn wait_anew(&mut self, on: Connection, id: PendingId) {
        let deadline = self.timers.set(self.now + self.reply_timeout(on), Timer::NoAnswer(id));
        let before = self.pending.set_deadline(id, deadline);
        self.timers.cancel(before);
    }

    /// Asks without caring for the answer.
    pub fn notify(&mut self, on: Connection, to: Jid, body: IqBody) {
        let id = StanzaId::from(self.ids.notice().as_str());
        self.send(on, Stanza::Iq(Box::new(Iq { from: None, to: Some(to), id, body })));
    }

    /// Answers a request on the connection it came on, to the sender to the letter.
    pub fn answer(&mut self, asked: Asked, body: IqBody) {
        if let Some(id) = asked.command {
            return self.put(Output::Reply { id, reply: Reply::Conference(Box::new(body)) });
        }
        let from = if asked.on == Connection::Component { asked.to } else { None };
        self.send(asked.on, Stanza::Iq(Box::new(Iq { from, to: asked.from, id: asked.id, body })));
    }

    pub fn answer_error(&mut self, asked: Asked, condition: Condition, text: &str) {
        self.answer(asked, IqBody::Error(error(condition, text)));
    }

    /// Asks a domain, once a process, whether it hosts rooms (spec/20 §2.2 step 1).
    pub fn check_muc_domain(&mut self, on: Connection, domain: &str) {
        let known = (on, domain.to_owned());
        if self.muc_domains.contains(&known) {
            return;
        }
        // A deployment has a few; anybody may make up domains, and have them answer.
        if self.muc_domains.len() >= MAX_MUC_DOMAINS {
            self.muc_domains.pop_first();
        }
        // Invariant: the domain of a valid JID is a valid JID.
        let Ok(to) = Jid::new(domain) else { return };
        self.muc_domains.insert(known);
        let body = IqBody::Get(Payload::DiscoInfo(DiscoInfo::default()));
        self.request(on, to, body, Then::MucDomain(on, domain.to_owned()));
    }

    /// A domain that is no home of rooms, or did not say, is asked again at the next entry.
    pub fn forget_muc_domain(&mut self, on: Connection, domain: &str) {
        self.muc_domains.remove(&(on, domain.to_owned()));
    }

    /// An endpoint can't reach its bridge (spec/50 §4.4).
    pub fn restart_requested(&mut self, bridge: &BridgeId) {
        if self.bridges.restart_requested(self.now, bridge, &self.config.bridge) {
            log::warn!(
                "too many endpoints can't connect to the bridge {}: others are preferred for {} s",
                bridge.jid,
                self.config.bridge.ice_failure_detection.timeout.as_secs()
            );
        }
    }

    /// Nobody waits for the answers to these any more.
    pub fn forget_requests(&mut self, asked: Vec<(Then, TimerKey)>) {
        for (then, deadline) in asked {
            self.timers.cancel(Some(deadline));
            self.pending.is_forgotten();
            // Whoever asked for it will not get it (spec/30 §12.2).
            self.metrics.ice_restarts_failed += u64::from(matches!(then, Then::IceRestarted(..)));
        }
    }

    pub fn forget_conference(&mut self, id: ConferenceId) {
        let asked = self.pending.forget_conference(id);
        self.forget_requests(asked);
        self.stranded.remove(&id);
        self.moves.forget(id);
        self.mirrors.forget(id);
    }

    /// Nothing leads to a conference any more that could not even be ended. It costs what there is.
    pub fn forget_failed(&mut self, id: ConferenceId) {
        self.forget_conference(id);
        self.timers.cancel_all_of(id);
        super::caps::ended(self, id);
        self.meetings.retain(|_, conference| *conference != id);
        for conferences in self.breakouts.values_mut().chain(self.bridge_users.values_mut()) {
            conferences.remove(&id);
        }
        self.breakouts.retain(|_, conferences| !conferences.is_empty());
        self.bridge_users.retain(|_, conferences| !conferences.is_empty());
        for places in self.addresses.values_mut() {
            places.retain(|(conference, _)| *conference != id);
        }
        self.addresses.retain(|_, places| !places.is_empty());
    }
}

/// A stanza error with the type that RFC 6120 gives its condition (spec/30 §9.2).
pub(crate) fn error(condition: Condition, text: &str) -> StanzaError {
    let kind = match condition {
        Condition::BadRequest | Condition::JidMalformed | Condition::NotAcceptable => ErrorType::Modify,
        Condition::Forbidden | Condition::NotAuthorized => ErrorType::Auth,
        Condition::ResourceConstraint | Condition::RecipientUnavailable => ErrorType::Wait,
        _ => ErrorType::Cancel,
    };
    let text = (!text.is_empty()).then(|| text.to_owned());
    StanzaError { kind, by: None, condition, text, application: Vec::new() }
}
