//! What the conference costs its bridges, and that they are told of as soon as it changes (docs/BRIDGES.md).

use std::collections::BTreeMap;

use super::bridge::BridgeSession;
use super::features::Features;
use super::{Conference, MemberId, SessionKey};
use crate::focus::bridges::crowd::{Crowd, Load, Sent, Tally, Weight};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::bridges::select::Outlook;
use crate::focus::context::Context;

impl Conference {
    /// To be called after whatever changes who is on which bridge, who sends what, or how bridges are linked. If that has
    /// changed it costs as much as there are bridges, and otherwise nothing.
    pub(super) fn weigh(&mut self, cx: &mut Context) {
        let linked = self.cascade.take_news();
        if !self.members.take_tallies_news() && !linked {
            return;
        }
        let weights: Vec<Weight> = self.bridges.iter().map(|session| self.weight_on(session)).collect();
        for (session, weight) in self.bridges.iter_mut().zip(weights) {
            if weight.load() != session.stay.load {
                cx.bridges.weighs(cx.now, &session.bridge, &mut session.stay, weight);
            }
        }
    }

    /// A participant took an offer: it is known what it sends, and how many videos it wants.
    pub(super) fn has_settled(&mut self, cx: &mut Context, id: MemberId, last_n: Option<i32>) {
        let features = self.members.get(id).and_then(|member| member.features);
        // Gateways of telephones.
        let is_blind = features.is_some_and(|features| !features.has(Features::VIDEO));
        self.members.settled(id, if is_blind { Some(0) } else { last_n });
        self.weigh(cx);
    }

    /// What a bridge has to do for it.
    fn weight_on(&self, session: &BridgeSession) -> Weight {
        let tallies = self.members.tallies();
        let branches = self.cascade.branches_of(session.key);
        let links = branches.first().map_or(0, |largest| largest.links);
        let apart = branches.iter().skip(1).map(|branch| {
            let behind: Sent = branch.homes.iter().map(|home| tallies.on(*home).sent()).sum();
            (branch.links, behind)
        });
        Crowd { here: &tallies.on(session.key), all: tallies.all(), links }.weight(apart)
    }

    /// What it is to one of its bridges, and may become. `local`: [`Conference::local`].
    pub(super) fn outlook(&self, cx: &Context, session: &BridgeSession, local: u64) -> Outlook {
        let tallies = self.members.tallies();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "packets a second, not negative")]
        let growth = session.stay.growth(cx.now) as u64;
        let sent_here = tallies.on(session.key).sent().load().packets;
        Outlook { sent_here, sent: tallies.all().sent().load().packets, local, growth }
    }

    /// What all its bridges have of it, but for links, in packets a second.
    pub(super) fn local(&self) -> u64 {
        self.bridges.iter().map(|session| session.stay.local()).sum()
    }

    /// What its bridges were told that it costs them.
    pub(in crate::focus) fn loads(&self) -> impl Iterator<Item = (&BridgeId, Load)> {
        self.bridges.iter().map(|session| (&session.bridge, session.stay.load))
    }

    /// That everybody is counted where he is, and that bridges were told what is so.
    pub(super) fn audit_weight(&self, wrong: &mut Vec<String>) {
        let mut counted: BTreeMap<SessionKey, Tally> = BTreeMap::new();
        let mut all = Tally::default();
        for member in self.members.iter() {
            if let Some(endpoint) = &member.endpoint {
                counted.entry(endpoint.session).or_default().add(member.person());
                all.add(member.person());
            }
        }
        let tallies = self.members.tallies();
        if *tallies.all() != all {
            wrong.push(format!("on all bridges are {all:?}, not {:?}", tallies.all()));
        }
        for session in self.bridges.iter() {
            let (kept, counted) = (tallies.on(session.key), counted.get(&session.key).copied().unwrap_or_default());
            if kept != counted {
                wrong.push(format!("on {} are {counted:?}, not {kept:?}", session.bridge.jid));
            }
            let load = self.weight_on(session).load();
            if load != session.stay.load {
                wrong.push(format!(
                    "{} was told of a load of {:?}, not {load:?}",
                    session.bridge.jid, session.stay.load
                ));
            }
        }
    }
}
