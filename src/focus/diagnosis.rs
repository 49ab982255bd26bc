//! What of the focus' surroundings is judged, and when (spec/80 §13): each finds one kind of [`problems`](super::problems), and
//! notices when it is gone. Nothing is sent for it but a ping to the client proxy.

use std::collections::BTreeSet;
use std::time::Duration;

use super::brewery::Worker;
use super::bridges::registry::Bridge;
use super::context::Asked;
use super::pending::{Answer, Then};
use super::problems::Kind;
use super::request::sender;
use super::timers::Timer;
use super::{Connection, Focus};
use crate::config::AuthenticationType;
use crate::wire::Jid;
use crate::wire::stanza::{IqBody, Payload, Ping, RosterItem};
use crate::wire::values::Condition;

/// For so long a brewery may be without bridges: they reconnect within seconds.
const EMPTY_FOR_LONG: Duration = Duration::from_secs(60);

/// So many bridges or occupants are named in a line.
const MAX_NAMED: usize = 10;

/// So many who ask without anybody of the login domain are no chance any more. One who waits asks every five seconds, and is one.
const ONLY_STRANGERS: usize = 10;

/// Who asks for conferences, as long as nobody of the login domain has: so many at most as are counted.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    senders: BTreeSet<Jid>,
    /// Somebody has: the domain is right.
    known: bool,
}

impl Focus {
    /// no-brewery: told once we are there at all.
    pub(super) fn judge_configuration(&mut self) {
        if !self.breweries.contains_key(&Worker::Bridge) {
            self.cx.problems.raise(self.cx.now, Kind::NoBrewery, "", || {
                "jicofo.bridge.brewery-jid is not set; no bridge can be found, so no conference has media; set it to the room \
                 in which the bridges are"
                    .to_owned()
            });
        }
        self.judge_visitor_nodes();
    }

    /// visitors-off, as far as the configuration decides: told once we are there at all.
    fn judge_visitor_nodes(&mut self) {
        let xmpp = &self.cx.config.xmpp;
        if !self.cx.config.visitors.enabled {
            return;
        }
        let mut wrong: Vec<(String, String)> = Vec::new();
        if xmpp.visitors.is_empty() {
            let text = "jicofo.visitors.enabled is true, but there is no node for visitors; all join the main room; add one below \
                        jicofo.xmpp.visitors, or set it to false";
            wrong.push(("nodes".to_owned(), text.to_owned()));
        }
        let (rooms, domain) = (xmpp.client.rooms_domain(), xmpp.client.xmpp_domain.clone());
        for (id, node) in &xmpp.visitors {
            let key = format!("jicofo.xmpp.visitors.{id}.xmpp-domain");
            if node.xmpp_domain.is_none() {
                let text =
                    format!("{key} is not set; rooms on that node have no name, so nobody is sent there; set it");
                wrong.push((key, text));
            } else if let (Some(rooms), Some(domain)) = (&rooms, &domain)
                && !rooms.ends_with(&format!(".{domain}"))
            {
                let text = format!(
                    "rooms are at {rooms}, which is not below {domain}; they have no counterpart on the node {id}, so nobody is \
                     sent there; correct jicofo.xmpp.client.conference-muc-jid or jicofo.xmpp.client.xmpp-domain"
                );
                wrong.push((key, text));
            }
        }
        for (subject, text) in wrong {
            self.cx.problems.raise(self.cx.now, Kind::VisitorsOff, &subject, || text);
        }
    }

    /// no-subscription: without one the client proxy is not told where we are.
    pub(super) fn roster_answered(&mut self, answer: &Answer) {
        let Some(proxy) = self.cx.config.xmpp.client.client_proxy.clone() else { return };
        let Answer::Result(Some(Payload::Roster(roster))) = answer else { return };
        let sees_us = |item: &RosterItem| {
            item.jid == proxy.as_str() && matches!(item.subscription.as_deref(), Some("from" | "both"))
        };
        if roster.items.iter().any(sees_us) {
            return self.cx.problems.solve(Kind::NoSubscription, proxy.as_str());
        }
        let account = &self.cx.config.xmpp.client.account;
        let account = format!("{}@{}", account.username, account.domain);
        self.cx.problems.raise(self.cx.now, Kind::NoSubscription, proxy.as_str(), || {
            format!(
                "{proxy} is not in the roster of {account}; until it asks to see our presence, requests of clients do not \
                 reach us; run `prosodyctl mod_roster_command subscribe {proxy} {account}`, or restart Prosody so that \
                 its client_proxy asks, which is granted"
            )
        });
    }

    /// proxy-mismatch: by which way requests come.
    pub(super) fn judge_the_way(&mut self, asked: &Asked) {
        let from = asked.from.as_ref().filter(|from| from.local().is_none() && asked.on == Connection::Client);
        let Some(from) = from else { return };
        let configured = self.cx.config.xmpp.client.client_proxy.clone();
        if configured.as_ref().is_some_and(|proxy| proxy.domain() == from.domain()) {
            self.cx.problems.solve(Kind::ProxyMismatch, "");
            return self.cx.problems.solve(Kind::NoSubscription, from.domain());
        }
        // Any server may ask in this way, and whoever is written there is believed whom he speaks for: only our own is advised.
        if !self.cx.is_ours(from.domain()) {
            return;
        }
        let client = from.resource().and_then(|resource| Jid::new(resource).ok());
        if client.is_some_and(|client| client.local().is_some() && client.resource().is_some()) {
            let set = configured.map_or_else(|| "not set".to_owned(), |proxy| proxy.to_string());
            let domain = from.domain();
            self.cx.problems.raise(self.cx.now, Kind::ProxyMismatch, "", || {
                format!(
                    "requests come through {domain}, but jicofo.xmpp.client.client-proxy is {set}; all clients look like \
                     {domain}, so nobody counts as logged in; write client-proxy = \"{domain}\""
                )
            });
        }
    }

    /// auth-domain: whether anybody ever asks who counts as logged in. The domains of those who do not are the guests' where all is
    /// well: whoever wrote one of them in the configuration would make every guest a host. None is named.
    pub(super) fn judge_the_domain(&mut self, asked: &Asked) {
        let Some(login) = self.cx.config.authentication.login_url.clone() else { return };
        if self.strangers.known || self.cx.config.authentication.kind == AuthenticationType::None {
            return;
        }
        let Some(sender) = sender(&self.cx, asked).filter(|sender| sender.local().is_some()) else { return };
        if sender.domain() == login {
            self.strangers = Strangers { known: true, ..Strangers::default() };
            return self.cx.problems.solve(Kind::AuthDomain, "");
        }
        let senders = &mut self.strangers.senders;
        // Users of other servers never are hosts here, and of them there are as many as anybody likes.
        if senders.len() >= ONLY_STRANGERS || !self.cx.is_ours(sender.domain()) {
            return;
        }
        senders.insert(sender.to_bare());
        if senders.len() == ONLY_STRANGERS {
            self.cx.problems.raise(self.cx.now, Kind::AuthDomain, "", || {
                format!(
                    "{ONLY_STRANGERS} users have asked for conferences since the start, and none of them was of {login}, where \
                     hosts log in; that is as it should be while guests wait for the first host, and otherwise no host is known \
                     as one; have a host log in and see in the line \"Conference request … from …\" on which domain he is: if it is \
                     not {login}, correct jicofo.authentication.login-url, but never to the domain of guests, who would all be \
                     hosts then"
                )
            });
        }
    }

    /// no-proxy: the client proxy refuses what its own target asks, and so says that it is there for us.
    pub(super) fn ask_proxy(&mut self) {
        // As the component we are the address that clients ask.
        if self.cx.config.component.is_some() || !self.cx.is_connected(Connection::Client) {
            return;
        }
        if let Some(proxy) = self.cx.config.xmpp.client.client_proxy.clone() {
            self.cx.request(Connection::Client, proxy, IqBody::Get(Payload::Ping(Ping {})), Then::Proxy);
        }
    }

    pub(super) fn proxy_answered(&mut self, answer: &Answer) {
        let Some(proxy) = self.cx.config.xmpp.client.client_proxy.clone() else { return };
        let condition = match answer {
            Answer::Result(_) => return self.cx.problems.solve(Kind::NoProxy, proxy.as_str()),
            Answer::Error(error) => error.condition,
            Answer::None | Answer::Unheard => return,
        };
        match condition {
            // The original module, and ours.
            Condition::BadRequest | Condition::FeatureNotImplemented => {
                self.cx.problems.solve(Kind::NoProxy, proxy.as_str())
            }
            Condition::ServiceUnavailable | Condition::ItemNotFound | Condition::RemoteServerNotFound => {
                let account = &self.cx.config.xmpp.client.account;
                let account = format!("{}@{}", account.username, account.domain);
                self.cx.problems.raise(self.cx.now, Kind::NoProxy, proxy.as_str(), || {
                    format!(
                        "{proxy} says {condition}; it is where clients ask for conferences, and nothing passes there; write \
                         `Component \"{proxy}\" \"client_proxy\"` with target_address = \"{account}\" in Prosody's \
                         configuration, or correct jicofo.xmpp.client.client-proxy"
                    )
                });
            }
            _ => {}
        }
    }

    /// octo-relay: bridges that cannot be linked though conferences may use several.
    fn judge_relays(&mut self) {
        if !self.cx.config.octo.enabled {
            return;
        }
        let silent: Vec<&str> =
            self.cx.bridges.iter().filter(|it| it.relay_id.is_none()).map(|it| it.id.jid.as_str()).collect();
        let several = self.cx.bridges.iter().nth(1).is_some();
        if !several || silent.is_empty() {
            return self.cx.problems.solve(Kind::OctoRelay, "");
        }
        let (count, names) = (silent.len(), silent.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", "));
        self.cx.problems.raise(self.cx.now, Kind::OctoRelay, "", || {
            format!(
                "octo is enabled, but {count} of the bridges say no relay_id ({names}); a conference on one of them never uses \
                 a second; set videobridge.relay.enabled = true and a relay-id of its own in each jvb.conf"
            )
        });
    }

    /// version-mix: bridges that no conference uses together, and pins that no bridge fits.
    fn judge_versions(&mut self) {
        let now = self.cx.now;
        let octo = &self.cx.config.octo;
        if octo.enabled && !octo.allow_mixed_versions {
            let staying = self.cx.bridges.iter().filter(|it| !it.graceful_shutdown);
            let versions: BTreeSet<String> = staying.filter_map(Bridge::full_version).collect();
            match versions.len() > 1 {
                true => {
                    let versions: Vec<&str> = versions.iter().take(MAX_NAMED).map(String::as_str).collect();
                    self.cx.problems.raise(now, Kind::VersionMix, "", || {
                        format!(
                            "there are bridges of the versions {}; a conference stays on those of one version, so the others \
                             do not help it; upgrade the rest, or set jicofo.octo.allow-mixed-versions = true",
                            versions.join(", ")
                        )
                    });
                }
                false => self.cx.problems.solve(Kind::VersionMix, ""),
            }
        }
        let pins = self.cx.pins.list(now);
        let unfit = |version: &str| !self.cx.bridges.iter().any(|bridge| bridge.has_version(version));
        // Of no bridges at all something else is told.
        let mut unfit: BTreeSet<String> = match self.cx.bridges.is_empty() {
            true => BTreeSet::new(),
            false => pins.into_iter().map(|pin| pin.version).filter(|version| unfit(version)).collect(),
        };
        for version in &unfit {
            self.cx.problems.raise(now, Kind::VersionMix, version, || {
                format!(
                    "rooms are pinned to bridges of version {version}, and there is none; they have no media; start one, or \
                     unpin them"
                )
            });
        }
        unfit.insert(String::new());
        self.cx.problems.solve_all_but(Kind::VersionMix, &unfit);
    }

    /// empty-brewery: without a bridge nothing works, and the reason is elsewhere. After a while that is told.
    pub(super) fn watch_for_bridges(&mut self) {
        self.judge_bridges();
        let Some(brewery) = self.breweries.get(&Worker::Bridge) else { return };
        if !self.cx.bridges.is_empty() {
            self.cx.timers.cancel(self.watch.empty.take());
            self.cx.problems.solve(Kind::EmptyBrewery, "");
        } else if self.watch.empty.is_none() && brewery.seat.is_inside() {
            self.watch.empty = Some(self.cx.timers.set(self.cx.now + EMPTY_FOR_LONG, Timer::BreweryEmpty));
        }
    }

    pub(super) fn brewery_is_empty(&mut self) {
        self.watch.empty = None;
        let Some(brewery) = self.breweries.get(&Worker::Bridge) else { return };
        if !self.cx.bridges.is_empty() || !brewery.seat.is_inside() {
            return;
        }
        // None is seen by whoever is not in the room.
        self.ask_for_place(Worker::Bridge);
        let Some(brewery) = self.breweries.get(&Worker::Bridge) else { return };
        let (room, occupants) = (brewery.seat.room.to_string(), &brewery.occupants);
        self.cx.problems.raise(self.cx.now, Kind::EmptyBrewery, "", || {
            let there = match occupants.is_empty() {
                true => "nobody is there".to_owned(),
                false => {
                    let names: Vec<&str> = occupants.iter().take(MAX_NAMED).map(String::as_str).collect();
                    format!("of {}, who are there, none says what a bridge says", names.join(", "))
                }
            };
            format!(
                "no bridge has been in {room} for {} s ({there}); conferences have no media; see whether the bridge runs and \
                 has logged in, and whether its MUC_JIDS, DOMAIN and HOSTNAME mean this room on this server",
                EMPTY_FOR_LONG.as_secs()
            )
        });
    }

    /// bridges-unhealthy, bridges-leaving: there are bridges, and none can be used.
    pub(super) fn judge_bridges(&mut self) {
        self.judge_relays();
        self.judge_versions();
        let (now, config, bridges) = (self.cx.now, &self.cx.config.bridge, &self.cx.bridges);
        let known = bridges.len();
        let mut well = bridges.iter().filter(|bridge| bridge.operational(now, config)).peekable();
        let unwell = known > 0 && well.peek().is_none();
        let leaving = well.peek().is_some() && well.all(|bridge| bridge.shutting_down || bridge.graceful_shutdown);
        let names: Vec<String> = match unwell || leaving {
            true => bridges.iter().take(MAX_NAMED).map(|bridge| bridge.id.jid.to_string()).collect(),
            false => Vec::new(),
        };
        let names = names.join(", ");
        match unwell {
            true => self.cx.problems.raise(now, Kind::BridgesUnhealthy, "", || {
                format!(
                    "none of {known} bridges is well ({names}); new conferences have no media; see their logs, and whether \
                     they may answer health checks (JVB's AUTHORIZED_SOURCE_REGEXP)"
                )
            }),
            false => self.cx.problems.solve(Kind::BridgesUnhealthy, ""),
        }
        match leaving {
            true => self.cx.problems.raise(now, Kind::BridgesLeaving, "", || {
                format!("all bridges that are well are shutting down ({names}); soon there is none; start others")
            }),
            false => self.cx.problems.solve(Kind::BridgesLeaving, ""),
        }
    }
}
