//! Links between the conference's bridges: making them, ending them, and telling each bridge who is on the others (spec/40
//! §5.9, §5.10). Which links there are, and who is told of whom, is the cascade's to say.

use std::time::Duration;

use super::super::cascade::{Changes, Place, RelayKey};
use super::super::member::{Member, Role};
use super::super::{Conference, MemberId, SessionKey};
use super::leaving::LeaveBridge;
use super::{BridgeSession, Sessions};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::colibri::answer::{self, UpdateOutcome};
use crate::focus::colibri::relay::{self, LinkEnd};
use crate::focus::colibri::request::media_sources;
use crate::focus::conference::features::Features;
use crate::focus::context::Context;
use crate::focus::pending::{Answer, Then};
use crate::focus::size::elements_in_pieces;
use crate::wire::colibri2::{ConferenceModify, Endpoint};
use crate::wire::ice::IceTransport;
use crate::wire::values::EndpointId;

/// What a bridge was told about a link. It is told again what it does not confirm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Linked {
    /// Something about those behind a relay.
    Endpoints(RelayKey, Vec<EndpointId>),
    /// That these are not behind it any more.
    Hidden(RelayKey, Vec<EndpointId>),
    /// How to reach the other end.
    Connection(RelayKey, Box<IceTransport>),
    /// One of them, once more after the bridge refused something about him.
    Anew(RelayKey, EndpointId),
    /// That the link to the bridge of this relay id is no more.
    Gone(String),
}

impl Linked {
    /// The relay, if there is one.
    pub fn relay(&self) -> Option<RelayKey> {
        match self {
            Linked::Endpoints(relay, _)
            | Linked::Hidden(relay, _)
            | Linked::Connection(relay, _)
            | Linked::Anew(relay, _) => Some(*relay),
            Linked::Gone(_) => None,
        }
    }
}

/// A link that fails sooner again after it was made anew fails for good.
const RELINKED_AGAIN: Duration = Duration::from_secs(60);

/// What a relay carries: everything that any client may send.
const CARRIED: Features =
    Features::AUDIO.with(Features::VIDEO).with(Features::RTX).with(Features::TCC).with(Features::OPUS_RED);

impl Conference {
    /// A new session is linked with the others. Its first endpoint is on it.
    pub(super) fn link_session(&mut self, cx: &mut Context, key: SessionKey) {
        let Some(visitor) = self.bridges.get(key).map(|session| session.visitor) else { return };
        let topology = cx.config.bridge.topology_strategy;
        let changes = self.cascade.add(key, visitor, topology, &places(&self.bridges, cx));
        self.tell_changes(cx, &changes, None);
    }

    /// A session that is no more is not linked with any other. `left`: the session, with whoever was on it.
    pub(super) fn unlink_session(&mut self, cx: &mut Context, left: &BridgeSession) {
        let changes = self.cascade.remove(left.key, &places(&self.bridges, cx));
        if !changes.made.is_empty() {
            self.story.decided(cx.now, "a bridge in between is gone: its neighbours are linked anew");
        }
        self.tell_changes(cx, &changes, Some(left));
    }

    fn tell_changes(&mut self, cx: &mut Context, changes: &Changes, left: Option<&BridgeSession>) {
        let session = |key: SessionKey| self.bridges.get(key).or_else(|| left.filter(|left| left.key == key));
        for relay in &changes.gone {
            let Some(id) = session(relay.to).and_then(|session| session.relay_id.as_deref()) else { continue };
            self.tell_relay(cx, relay.at, relay::expire(&self.meeting, id), Linked::Gone(id.to_owned()));
        }
        for behind in &changes.hidden {
            let gone = behind.homes.iter().filter_map(|home| session(*home));
            let gone: Vec<EndpointId> = gone
                .flat_map(BridgeSession::endpoints)
                .filter_map(|(_, id)| self.members.get(id))
                .filter(|member| is_shown(member))
                .map(|member| member.nick.clone())
                .collect();
            self.hide_behind(cx, behind.relay, gone);
        }
        for behind in &changes.made {
            let endpoints = self.relay_endpoints(cx, &behind.homes);
            self.make_relay(cx, behind.relay, endpoints);
        }
        for behind in &changes.shown {
            let endpoints = self.relay_endpoints(cx, &behind.homes);
            self.tell_relay_endpoints(cx, behind.relay, endpoints);
        }
    }

    /// Everybody on these sessions whom others are told of, as a bridge wants to hear it.
    fn relay_endpoints(&self, cx: &Context, homes: &[SessionKey]) -> Vec<Endpoint> {
        let sessions = homes.iter().filter_map(|home| self.bridges.get(*home));
        let members = sessions.flat_map(BridgeSession::endpoints).filter_map(|(_, id)| self.members.get(id));
        members.filter(|member| is_shown(member)).map(|member| self.shown(cx, member)).collect()
    }

    fn shown(&self, cx: &Context, member: &Member) -> Endpoint {
        let capabilities = super::allocate::Abilities::of(cx, member).capabilities();
        relay::shown(&member.nick, member.stats_id.as_deref(), capabilities, &self.sources.of(&member.nick))
    }

    /// With as many endpoints as there is room for in the request; the others follow, and are carried out after it.
    fn make_relay(&mut self, cx: &mut Context, key: RelayKey, endpoints: Vec<Endpoint>) {
        let Some(link) = self.cascade.link_at(key) else { return };
        let Some((bridge, id)) = self.address(key) else { return };
        if let Some(session) = self.bridges.get_mut(key.at) {
            session.linked = true;
        }
        let mut pieces = elements_in_pieces(endpoints).into_iter();
        let endpoints = pieces.next().unwrap_or_default();
        let codecs = cx.codecs.get(CARRIED, &cx.config);
        let end = LinkEnd { initiator: link.initiator, sctp: cx.config.octo.sctp_datachannels };
        let modify = relay::create(&self.meeting, &id, link.mesh.0, end, &codecs, endpoints);
        cx.ask_bridge(&bridge, modify, Then::RelayMade(self.id, key));
        for endpoints in pieces {
            self.tell_relay_endpoints(cx, key, endpoints);
        }
    }

    /// A bridge made one end of a link, or not. The other end is told how to reach it; it need not have answered yet.
    pub(in crate::focus) fn relay_made(&mut self, cx: &mut Context, key: RelayKey, answered: &Answer) {
        let opposite = key.opposite();
        let Some(link) = self.cascade.link_at(opposite) else { return };
        let (Some((bridge, id)), Some((_, back))) = (self.address(key), self.address(opposite)) else { return };
        if *answered == Answer::Unheard {
            return self.repeat_new_link(cx, key);
        }
        match relay::created(&id, answered.as_colibri()) {
            Some(transport) => {
                let end = LinkEnd { initiator: link.initiator, sctp: cx.config.octo.sctp_datachannels };
                let linked = Linked::Connection(opposite, Box::new(transport.clone()));
                self.tell_relay(cx, opposite.at, relay::connect(&self.meeting, &back, end, transport), linked);
            }
            None => {
                say!(self, error, "{} made no link to {id}{}: off it", bridge.jid, answered.detail());
                self.session_failed(cx, key.at, "the bridge made no link to another: off it");
            }
        }
    }

    /// A bridge answered anything else about a relay.
    pub(in crate::focus) fn relay_told(
        &mut self,
        cx: &mut Context,
        key: SessionKey,
        linked: Box<Linked>,
        answered: &Answer,
    ) {
        if answered.is_silence() {
            return self.repeat_link(cx, key, linked);
        }
        let Some(jid) = self.bridges.get(key).map(|session| session.bridge.jid.clone()) else { return };
        let outcome = answer::update(answered.as_colibri());
        if outcome == UpdateOutcome::Done {
            return;
        }
        let detail = answered.detail();
        if outcome == UpdateOutcome::SessionFailed {
            say!(self, warn, "{jid} refused a change of a link{detail}: moving");
            return self.session_failed(cx, key, "the bridge refused a change of a link: off it");
        }
        match *linked {
            // What has no relay has nothing to refuse about whom it shows.
            Linked::Endpoints(relay, _) | Linked::Hidden(relay, _) | Linked::Anew(relay, _)
                if lacks_relay(answered) =>
            {
                self.link_is_broken(cx, relay, answered);
            }
            Linked::Endpoints(relay, ids) => self.shown_anew(cx, relay, &ids, &detail),
            // Whoever is gone is nobody whom it could show, and whoever is shown anew is told of after this.
            Linked::Hidden(..) => say!(self, warn, "{jid} stumbled over the end of somebody behind a link{detail}"),
            Linked::Anew(_, id) => {
                say!(self, error, participant = id; "{jid} refuses {id} of another bridge{detail}: not seen there");
            }
            Linked::Connection(relay, _) => self.link_is_broken(cx, relay, answered),
            // Of a link that has ended nothing can be wrong that concerns anybody.
            Linked::Gone(id) => say!(self, warn, "{jid} stumbled over the end of its link to {id}{detail}"),
        }
    }

    /// A bridge refused something about those behind a relay. It may be what one of them sends (spec/40 §8.2, "Improve"): each is
    /// made known again by itself, once, and whom the bridge then refuses is not seen there. Whoever is not behind the relay any
    /// more stays away.
    fn shown_anew(&mut self, cx: &mut Context, relay: RelayKey, ids: &[EndpointId], detail: &str) {
        let Some((bridge, there)) = self.address(relay) else { return };
        say!(self, warn, "{} refused a change behind its link to {there}{detail}: told anew, one by one", bridge.jid);
        for id in ids {
            self.hide_behind(cx, relay, vec![id.clone()]);
            if let Some(member) = self.behind(relay, id) {
                let modify = relay::endpoints(&self.meeting, &there, vec![self.shown(cx, member)]);
                self.tell_relay(cx, relay.at, modify, Linked::Anew(relay, id.clone()));
            }
        }
    }

    /// The bridge has not the end of a link that we take it to have: the link is made anew. If that was done just now, it is of no
    /// use, and the bridge is left.
    fn link_is_broken(&mut self, cx: &mut Context, relay: RelayKey, answered: &Answer) {
        let Some((bridge, id)) = self.address(relay).filter(|_| self.cascade.link_at(relay).is_some()) else { return };
        // Both ends are about to be made anyway.
        if self.repeats.will_make(relay) {
            return;
        }
        let detail = answered.detail();
        let Some(session) = self.bridges.get_mut(relay.at) else { return };
        session.relinked.retain(|_, at| cx.now.since(*at) < RELINKED_AGAIN);
        if session.relinked.contains_key(&relay) {
            say!(self, warn, "{} refused a change of its link to {id}{detail}: moving", bridge.jid);
            return self.session_failed(cx, relay.at, "the bridge refused a change of a link: off it");
        }
        session.relinked.insert(relay, cx.now);
        say!(self, warn, "{} refused a change of its link to {id}{detail}: linked anew", bridge.jid);
        self.story.decided(cx.now, "the bridge refused a change of a link: linked anew");
        self.link_anew(cx, relay);
    }

    /// Makes both ends of a link anew, whatever there is of them. To end what is not there is no error (spec/40 §3.2).
    pub(super) fn link_anew(&mut self, cx: &mut Context, relay: RelayKey) {
        let Some(link) = self.cascade.link_at(relay) else { return };
        let ends = if link.initiator { [relay, relay.opposite()] } else { [relay.opposite(), relay] };
        for end in ends {
            // What is answered about the old one is of no interest any more: whatever it was told, the new one has.
            let asked = cx.pending.forget_relay(end);
            cx.forget_requests(asked);
            self.repeats.forget_relay(end);
            if let Some((_, id)) = self.address(end) {
                self.tell_relay(cx, end.at, relay::expire(&self.meeting, &id), Linked::Gone(id));
            }
        }
        for end in ends {
            let endpoints = self.relay_endpoints(cx, &self.cascade.homes(end));
            self.make_relay(cx, end, endpoints);
        }
    }

    fn session_failed(&mut self, cx: &mut Context, key: SessionKey, what: &'static str) {
        self.story.decided(cx.now, what);
        cx.metrics.bridges_removed += 1;
        self.leave_session(cx, key, LeaveBridge::AfterSetback);
    }

    /// Other bridges get to know a participant that has an endpoint.
    pub(super) fn show_endpoint(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get(id).filter(|member| is_shown(member)) else { return };
        let Some(home) = self.session_of(id).map(|session| session.key) else { return };
        if self.bridges.len() > 1 {
            let endpoint = self.shown(cx, member);
            self.tell_others_of(cx, home, &endpoint);
        }
    }

    /// Other bridges are told what a participant sends now.
    pub(super) fn update_shown(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get(id).filter(|member| is_shown(member)) else { return };
        let Some(home) = self.session_of(id).map(|session| session.key) else { return };
        if self.bridges.len() > 1 {
            let sources = media_sources(&member.nick, &self.sources.of(&member.nick));
            let endpoint = relay::updated(&member.nick, sources);
            self.tell_others_of(cx, home, &endpoint);
        }
    }

    /// Other bridges forget a participant whose endpoint was on `home`.
    pub(super) fn hide_endpoint(&mut self, cx: &mut Context, id: MemberId, home: SessionKey) {
        let Some(member) = self.members.get(id).filter(|member| is_shown(member)) else { return };
        for relay in self.cascade.walk(home) {
            self.hide_behind(cx, relay, vec![member.nick.clone()]);
        }
    }

    /// One walk over the bridges, whoever else is on them.
    fn tell_others_of(&self, cx: &mut Context, home: SessionKey, endpoint: &Endpoint) {
        for relay in self.cascade.walk(home) {
            self.tell_relay_endpoints(cx, relay, vec![endpoint.clone()]);
        }
    }

    fn tell_relay_endpoints(&self, cx: &mut Context, relay: RelayKey, endpoints: Vec<Endpoint>) {
        let Some((_, id)) = self.address(relay) else { return };
        for endpoints in elements_in_pieces(endpoints) {
            let linked = Linked::Endpoints(relay, endpoints.iter().map(|endpoint| endpoint.id.clone()).collect());
            self.tell_relay(cx, relay.at, relay::endpoints(&self.meeting, &id, endpoints), linked);
        }
    }

    /// What is refused of it is not told again: of who is gone a bridge can show nothing.
    fn hide_behind(&self, cx: &mut Context, relay: RelayKey, ids: Vec<EndpointId>) {
        let Some((_, there)) = self.address(relay) else { return };
        for endpoints in elements_in_pieces(ids.iter().map(relay::hidden).collect()) {
            let linked = Linked::Hidden(relay, endpoints.iter().map(|endpoint| endpoint.id.clone()).collect());
            self.tell_relay(cx, relay.at, relay::endpoints(&self.meeting, &there, endpoints), linked);
        }
    }

    fn tell_relay(&self, cx: &mut Context, at: SessionKey, modify: ConferenceModify, linked: Linked) {
        let Some(session) = self.bridges.get(at) else { return };
        cx.ask_bridge(&session.bridge, modify, Then::RelayTold(self.id, at, Box::new(linked)));
    }

    /// What a bridge did not confirm of a link, as it is by now: in more requests than before, if it is more. Nothing: the link is
    /// no more, or has come back.
    pub(super) fn link_again(
        &self,
        cx: &Context,
        key: SessionKey,
        linked: Box<Linked>,
    ) -> Vec<(ConferenceModify, Then)> {
        let modify = match &*linked {
            Linked::Endpoints(relay, ids) | Linked::Hidden(relay, ids) => {
                return self.endpoints_again(cx, key, *relay, ids);
            }
            // What is refused of him then is refused a second time.
            Linked::Anew(relay, id) => {
                let mut again = self.endpoints_again(cx, key, *relay, std::slice::from_ref(id));
                again.iter_mut().for_each(|(_, then)| *then = Then::RelayTold(self.id, key, linked.clone()));
                return again;
            }
            Linked::Connection(relay, transport) => self.connection_again(cx, *relay, transport),
            Linked::Gone(id) => self.gone_again(key, id),
        };
        modify.map(|modify| (modify, Then::RelayTold(self.id, key, linked))).into_iter().collect()
    }

    fn endpoints_again(
        &self,
        cx: &Context,
        key: SessionKey,
        relay: RelayKey,
        ids: &[EndpointId],
    ) -> Vec<(ConferenceModify, Then)> {
        let known = self.address(relay).filter(|_| self.cascade.link_at(relay).is_some());
        let Some((_, id)) = known else { return Vec::new() };
        // To add whoever is there already is to update it.
        let endpoints = ids.iter().map(|id| match self.behind(relay, id) {
            Some(member) => self.shown(cx, member),
            None => relay::hidden(id),
        });
        let request = |endpoints: Vec<Endpoint>| {
            let linked = Linked::Endpoints(relay, endpoints.iter().map(|endpoint| endpoint.id.clone()).collect());
            let then = Then::RelayTold(self.id, key, Box::new(linked));
            (relay::endpoints(&self.meeting, &id, endpoints), then)
        };
        elements_in_pieces(endpoints.collect()).into_iter().map(request).collect()
    }

    fn connection_again(&self, cx: &Context, relay: RelayKey, transport: &IceTransport) -> Option<ConferenceModify> {
        let (link, (_, id)) = (self.cascade.link_at(relay)?, self.address(relay)?);
        let end = LinkEnd { initiator: link.initiator, sctp: cx.config.octo.sctp_datachannels };
        Some(relay::connect(&self.meeting, &id, end, transport.clone()))
    }

    fn gone_again(&self, key: SessionKey, id: &str) -> Option<ConferenceModify> {
        let mut linked = self.bridges.iter().filter(|session| session.relay_id.as_deref() == Some(id));
        let is_back = linked.any(|session| self.cascade.link_at(RelayKey { at: key, to: session.key }).is_some());
        (!is_back).then(|| relay::expire(&self.meeting, id))
    }

    /// The participant of that name, if it is to be behind that relay.
    fn behind(&self, relay: RelayKey, nick: &EndpointId) -> Option<&Member> {
        let id = self.members.id_of(nick.as_str())?;
        let home = self.session_of(id)?.key;
        self.members.get(id).filter(|member| is_shown(member) && self.cascade.announces(relay, home))
    }

    /// On which bridge a relay is, and what it is called there.
    fn address(&self, relay: RelayKey) -> Option<(BridgeId, String)> {
        let (at, to) = (self.bridges.get(relay.at)?, self.bridges.get(relay.to)?);
        Some((at.bridge.clone(), to.relay_id.clone()?))
    }

    /// Whether this bridge can be linked with those that the conference is on (spec/50 §6.5).
    pub(super) fn can_be_linked(&self, cx: &Context, bridge: &BridgeId) -> bool {
        let id = cx.bridges.get(bridge).and_then(|bridge| bridge.relay_id.as_deref());
        let mut known = self.bridges.iter().map(|session| session.relay_id.as_deref());
        // Two by one name could not be told apart.
        cx.config.octo.enabled && id.is_some() && known.all(|known| known.is_some() && known != id)
    }
}

/// Whether a bridge says that it has no such relay (spec/40 §3.3, error u; nothing but its words tells it from others).
fn lacks_relay(answered: &Answer) -> bool {
    let text = match answered {
        Answer::Error(error) => error.text.as_deref(),
        _ => None,
    };
    text.is_some_and(|text| text.trim_start().to_ascii_lowercase().starts_with("unknown relay"))
}

/// Others are told of everybody but visitors.
fn is_shown(member: &Member) -> bool {
    member.role != Role::Visitor
}

/// Where the bridges of sessions are, and how loaded.
fn places<'a>(sessions: &'a Sessions, cx: &'a Context) -> impl Fn(SessionKey) -> Place + 'a {
    move |key| {
        let session = sessions.get(key);
        let bridge = session.and_then(|session| cx.bridges.get(&session.bridge));
        Place {
            region: session.and_then(|session| session.region.clone()),
            stress: bridge.map_or(f64::MAX, |bridge| bridge.corrected_stress(cx.now, &cx.config.bridge)),
            overloaded: bridge.is_none_or(|bridge| bridge.overloaded(cx.now, &cx.config.bridge)),
        }
    }
}
