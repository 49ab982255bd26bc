//! Moving endpoints from bridge to bridge: because an operator says so, or because a bridge has too much to do (spec/50 §9).

use std::collections::BTreeMap;

use super::Focus;
use super::bridges::registry::BridgeId;
use super::command::{Moved, Refusal};
use super::conference::ConferenceId;
use super::story::Came;
use super::time::Timestamp;
use super::timers::Timer;
use crate::wire::{BareJid, Jid};

/// Which bridges were relieved lately, and when: they have to settle before it is done again.
#[derive(Debug, Default)]
pub(crate) struct Redistribution {
    running: bool,
    relieved: BTreeMap<BridgeId, Timestamp>,
}

/// Which conferences give endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// Any, as an operator may have reasons.
    Any,
    /// Those whose endpoints would not only come back.
    Movable,
}

/// Why a conference moves off a bridge, for its story.
const BY_OPERATOR: &str = "is to be relieved, says an operator";

impl Focus {
    pub(super) fn move_endpoint(
        &mut self,
        room: &BareJid,
        endpoint: &str,
        bridge: Option<&str>,
    ) -> Result<Moved, Refusal> {
        let id = self.conferences.id_of(room).ok_or(Refusal::UnknownConference)?;
        let bridge = bridge.map(|bridge| self.find_bridge(bridge)).transpose()?;
        let found = self.conferences.get(id).and_then(|it| it.endpoint_at(endpoint, bridge.as_ref()));
        let can_move = |member| self.are_bridges_reachable() && !self.cx.moves.is_relieved(id, member);
        let Some((member, on)) = found.filter(|(member, _)| can_move(*member)) else {
            return Ok(Moved::default());
        };
        self.note(id, Came::Bridge(BY_OPERATOR, &on.jid));
        self.with_conference(id, |conference, cx| conference.will_move(cx, &on, &[member], &[]));
        self.relieve_of(id, &on, &[member]);
        Ok(Moved { endpoints: 1, conferences: 1 })
    }

    pub(super) fn move_endpoints(
        &mut self,
        bridge: &str,
        room: Option<&BareJid>,
        count: u32,
    ) -> Result<Moved, Refusal> {
        let bridge = self.find_bridge(bridge)?;
        let id = |room| self.conferences.id_of(room).ok_or(Refusal::UnknownConference);
        let only = room.map(id).transpose()?;
        Ok(self.move_off(&bridge, only, count, From::Any))
    }

    pub(super) fn move_fraction(&mut self, bridge: &str, fraction: f64) -> Result<Moved, Refusal> {
        let bridge = self.find_bridge(bridge)?;
        let all = self.cx.bridges.get(&bridge).map_or(0, |bridge| bridge.endpoints);
        // Half up; what is no number, or less than nothing, is nobody.
        let count = (fraction * f64::from(all) + 0.5).floor().clamp(0.0, f64::from(all));
        Ok(self.move_off(&bridge, None, count as u32, From::Any))
    }

    /// By the address of an occupant, or by the nick in the brewery alone.
    fn find_bridge(&self, text: &str) -> Result<BridgeId, Refusal> {
        let whole = Jid::new(text).ok();
        let brewery = self.cx.config.bridge.brewery_jid.as_ref();
        let nick = brewery.and_then(|brewery| brewery.with_resource(text).ok());
        if whole.is_none() && nick.is_none() {
            return Err(Refusal::InvalidBridge);
        }
        let known = [whole, nick].into_iter().flatten().find_map(|jid| self.cx.bridges.at(&jid));
        known.map(|bridge| bridge.id.clone()).ok_or(Refusal::UnknownBridge)
    }

    /// Of the conferences with the most endpoints there, those that came to it first. Of a bridge that is not operational
    /// nothing is moved: whoever can leave it has other reasons.
    fn move_off(&mut self, bridge: &BridgeId, only: Option<ConferenceId>, count: u32, from: From) -> Moved {
        let config = &self.cx.config.bridge;
        let operational = self.cx.bridges.get(bridge).is_some_and(|known| known.operational(self.cx.now, config));
        // Nobody is taken off a bridge while no other can be told of him.
        if !operational || !self.are_bridges_reachable() {
            return Moved::default();
        }
        let mut moved = Moved::default();
        // Who was relieved lately is not to have it back.
        let not_to: Vec<BridgeId> = self.redistribution.relieved.keys().filter(|it| *it != bridge).cloned().collect();
        for (id, there) in self.users(bridge, only) {
            let left = count - moved.endpoints;
            if left == 0 {
                break;
            }
            let Some(conference) = self.conferences.get(id) else { continue };
            let splits = conference.can_be_split(&self.cx, bridge);
            if self.cx.moves.is_leaving(id, bridge) || (there > left && !splits && from == From::Movable) {
                continue;
            }
            let those = conference.to_be_moved(&self.cx, bridge, left);
            let whole = those.len() == there as usize && !splits;
            let those = match from {
                From::Any if whole && !conference.may_leave_whole(&self.cx, bridge) => continue,
                From::Any => those,
                From::Movable if whole => conference.all_with_elsewhere(&self.cx, those, bridge, &not_to),
                // Those who are left are on their way already, and would be followed by nobody.
                From::Movable if !splits => continue,
                From::Movable => conference.with_elsewhere(&self.cx, those, bridge, &not_to),
            };
            if those.is_empty() {
                continue;
            }
            // What did not count as another when it was looked whether there is one is no place for them either.
            let not_back: Vec<BridgeId> = match from {
                From::Any => Vec::new(),
                From::Movable => not_to.iter().chain(conference.relieved_of(self.cx.now)).cloned().collect(),
            };
            let why = if from == From::Any { BY_OPERATOR } else { "has too much to do" };
            self.note(id, Came::Bridge(why, &bridge.jid));
            self.with_conference(id, |conference, cx| conference.will_move(cx, bridge, &those, &not_back));
            if from == From::Movable {
                self.with_conference(id, |conference, cx| conference.was_relieved(cx.now, bridge, &those));
            }
            match whole {
                true => self.relieve_of_conference(id, bridge),
                false => self.relieve_of(id, bridge, &those),
            }
            moved.endpoints += u32::try_from(those.len()).unwrap_or(u32::MAX);
            moved.conferences += 1;
        }
        moved
    }

    /// The conferences on a bridge with their endpoints there, most first.
    fn users(&self, bridge: &BridgeId, only: Option<ConferenceId>) -> Vec<(ConferenceId, u32)> {
        let users = self.cx.bridge_users.get(bridge).into_iter().flatten();
        let counted = users.filter(|id| only.is_none_or(|only| only == **id)).filter_map(|id| {
            let conference = self.conferences.get(*id)?;
            Some((*id, conference.endpoints_on(bridge)))
        });
        let mut counted: Vec<_> = counted.collect();
        counted.sort_by_key(|(id, there)| (std::cmp::Reverse(*there), *id));
        counted
    }

    /// Begins to look after overloaded bridges, if that is wanted.
    pub(super) fn watch_load(&mut self) {
        let config = &self.cx.config.bridge.load_redistribution;
        if config.enabled && !self.redistribution.running {
            self.redistribution.running = true;
            let at = self.cx.now + config.interval;
            self.cx.timers.set(at, Timer::Redistribute);
        }
    }

    /// Takes endpoints off bridges that have far too much to do, as long as there is one that has not.
    pub(super) fn redistribute(&mut self) {
        let (now, config) = (self.cx.now, self.cx.config.clone());
        let wanted = &config.bridge.load_redistribution;
        self.cx.timers.set(now + wanted.interval, Timer::Redistribute);
        self.redistribution.relieved.retain(|_, at| now.since(*at) < wanted.timeout);
        let relieved = &self.redistribution.relieved;
        let takes =
            |id: &BridgeId| !relieved.contains_key(id) && self.cx.bridges.takes_load(now, &id.jid, &config.bridge);
        if !self.are_bridges_reachable() || !self.cx.bridges.iter().any(|bridge| takes(&bridge.id)) {
            return;
        }
        let too_much = self.cx.bridges.iter().filter(|bridge| {
            let stress = bridge.corrected_stress(now, &config.bridge);
            stress >= wanted.stress_threshold && !relieved.contains_key(&bridge.id)
        });
        // Before anything moves: whoever takes others' load now is not to pass it on.
        for bridge in too_much.map(|bridge| bridge.id.clone()).collect::<Vec<_>>() {
            self.redistribution.relieved.insert(bridge.clone(), now);
            let moved = self.move_off(&bridge, None, wanted.endpoints, From::Movable);
            log::info!(
                "the bridge {} has too much to do: {} endpoints of {} conferences are to move to others",
                bridge.jid,
                moved.endpoints,
                moved.conferences
            );
        }
    }
}
