//! What of the focus' surroundings is judged, and when (spec/80 §13): each finds one kind of [`problems`](super::problems), and
//! notices when it is gone. Nothing is sent for it.

use std::time::Duration;

use super::context::Asked;
use super::pending::Answer;
use super::problems::Kind;
use super::timers::Timer;
use super::{Connection, Focus};
use crate::wire::Jid;
use crate::wire::stanza::{Payload, RosterItem};

/// For so long a brewery may be without bridges: they reconnect within seconds.
const EMPTY_FOR_LONG: Duration = Duration::from_secs(60);

/// So many bridges or occupants are named in a line.
const MAX_NAMED: usize = 10;

impl Focus {
    /// no-brewery: told once we are there at all.
    pub(super) fn judge_configuration(&mut self) {
        if self.brewery.is_none() {
            self.cx.problems.raise(self.cx.now, Kind::NoBrewery, "", || {
                "jicofo.bridge.brewery-jid is not set; no bridge can be found, so no conference has media; set it to the room \
                 in which the bridges are"
                    .to_owned()
            });
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

    /// empty-brewery: without a bridge nothing works, and the reason is elsewhere. After a while that is told.
    pub(super) fn watch_for_bridges(&mut self) {
        self.judge_bridges();
        let Some(brewery) = &mut self.brewery else { return };
        if !self.cx.bridges.is_empty() {
            self.cx.timers.cancel(brewery.empty.take());
            self.cx.problems.solve(Kind::EmptyBrewery, "");
        } else if brewery.empty.is_none() && brewery.seat.is_inside() {
            brewery.empty = Some(self.cx.timers.set(self.cx.now + EMPTY_FOR_LONG, Timer::BreweryEmpty));
        }
    }

    pub(super) fn brewery_is_empty(&mut self) {
        let Some(brewery) = &mut self.brewery else { return };
        brewery.empty = None;
        if !self.cx.bridges.is_empty() || !brewery.seat.is_inside() {
            return;
        }
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
