//! What the conference costs its bridges, and that they are told of as soon as it changes (docs/BRIDGES.md).

use std::collections::BTreeMap;

use super::bridge::BridgeSession;
use super::features::Features;
use super::{Conference, MemberId, SessionKey};
use crate::focus::bridges::crowd::{Crowd, Load, Sent, Tally};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::context::Context;

impl Conference {
    /// To be called after whatever changes who is on which bridge, who sends what, or how bridges are linked. If that has
    /// changed it costs as much as there are bridges, and otherwise nothing.
    pub(super) fn weigh(&mut self, cx: &mut Context) {
        let linked = self.cascade.take_news();
        if !self.members.take_tallies_news() && !linked {
            return;
        }
        let loads: Vec<(SessionKey, Load)> =
            self.bridges.iter().map(|session| (session.key, self.load_of(session))).collect();
        for (session, (_, load)) in self.bridges.iter_mut().zip(loads) {
            if load != session.stay.load {
                cx.bridges.weighs(cx.now, &session.bridge, &mut session.stay, load);
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
    fn load_of(&self, session: &BridgeSession) -> Load {
        let tallies = self.members.tallies();
        let branches = self.cascade.branches_of(session.key);
        let links = branches.first().map_or(0, |largest| largest.links);
        let apart = branches.iter().skip(1).map(|branch| {
            let behind: Sent = branch.homes.iter().map(|home| tallies.on(*home).sent()).sum();
            (branch.links, behind)
        });
        Crowd { here: &tallies.on(session.key), all: tallies.all(), links }.load(apart)
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
            let load = self.load_of(session);
            if load != session.stay.load {
                wrong.push(format!(
                    "{} was told of a load of {:?}, not {load:?}",
                    session.bridge.jid, session.stay.load
                ));
            }
        }
    }
}
