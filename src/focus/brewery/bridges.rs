//! What the bridges in their brewery say, and what it means for conferences (spec/50 §1.2, §8).

use std::collections::BTreeMap;
use std::time::Duration;

use super::Worker;
use crate::focus::Focus;
use crate::focus::bridges::health::CheckResult;
use crate::focus::bridges::registry::{BridgeEvent, BridgeId};
use crate::focus::colibri::answer::Reason;
use crate::focus::pending::Answer;
use crate::focus::time::Timestamp;
use crate::focus::timers::TimerKey;
use crate::wire::Jid;
use crate::wire::presence::Stats;
use crate::wire::values::Condition;

/// When to look whether all is well with the bridges.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When to wonder why there is none.
    pub empty: Option<TimerKey>,
    /// When they were looked at last.
    judged: Timestamp,
    /// With what bridges refuse health checks that says nothing of their health.
    refused: BTreeMap<BridgeId, Condition>,
}

/// How often bridges are looked at together, of which nobody says anything new.
const JUDGED_EVERY: Duration = Duration::from_secs(1);

impl Focus {
    /// Whether what is said to bridges gets there: their room passes it on.
    pub(in crate::focus) fn are_bridges_reachable(&self) -> bool {
        let inside = self.breweries.get(&Worker::Bridge).is_some_and(|brewery| brewery.seat.is_inside());
        inside && self.cx.may_answer(self.cx.bridge_connection())
    }

    /// What an answer to something that was asked of a bridge is worth. The room answers for whoever is not in it any more, and
    /// that is said of us and not of the bridge (spec/40 §3.3).
    pub(in crate::focus) fn heard_of_bridge(&mut self, answer: Answer) -> Answer {
        let Some(brewery) = self.breweries.get(&Worker::Bridge) else { return answer };
        // No bridge can be heard from without: whoever says that, it is of what was under way when we were put out.
        if matches!(answer, Answer::Error(_)) && !brewery.seat.is_inside() {
            return Answer::Unheard;
        }
        let is_of_us = match &answer {
            Answer::Error(error) if Reason::of(error).is_none() => {
                let of_service = error.by.as_ref().is_some_and(|by| by.as_str() == brewery.seat.room.domain());
                match error.condition {
                    Condition::NotAcceptable => true,
                    // Of an occupant the room itself says so; the service, that there is no such room.
                    Condition::ItemNotFound => of_service,
                    _ => false,
                }
            }
            _ => false,
        };
        if is_of_us && self.is_missed_in(Worker::Bridge) { Answer::Unheard } else { answer }
    }

    /// Tells of a health check that is refused with an error that says nothing of the bridge's health (spec/50 §7.1): once, not at
    /// each.
    pub(in crate::focus) fn note_check(&mut self, bridge: &BridgeId, result: CheckResult) {
        match result {
            // Of these there is a line of its own.
            CheckResult::Error(Condition::InternalServerError | Condition::ServiceUnavailable) => {
                self.watch.refused.remove(bridge);
            }
            CheckResult::Error(condition) if self.cx.bridges.get(bridge).is_some() => {
                if self.watch.refused.insert(bridge.clone(), condition) != Some(condition) {
                    log::warn!(
                        "the health check of the bridge {} is answered with {condition}, which does not say whether it is well",
                        bridge.jid
                    );
                }
            }
            CheckResult::Passed => {
                if self.watch.refused.remove(bridge).is_some() {
                    log::info!("the bridge {} answers health checks again", bridge.jid);
                }
            }
            CheckResult::Error(_) | CheckResult::Timeout | CheckResult::NotConnected => {}
        }
    }

    /// An occupant with statistics.
    pub(super) fn bridge_says(&mut self, from: &Jid, stats: &Stats) {
        let event = self.cx.bridges.presence(self.cx.now, from, stats, &self.cx.config.bridge);
        self.cx.metrics.stress_predictions = self.cx.bridges.predictions();
        // Before anybody is sent there.
        self.remind(from);
        self.bridge_events(event);
        // That it is selectable again is no event: time has passed since it failed.
        if self.cx.bridges.take_chance() {
            self.seek_bridges();
        }
        self.judge_bridges_now_and_then();
    }

    /// At once if a bridge is another one than it was, and else once in a while: there may be hundreds of them, each of which
    /// speaks up every few seconds, and all are looked at.
    fn judge_bridges_now_and_then(&mut self) {
        let news = self.cx.bridges.take_news();
        if news || self.cx.now >= self.watch.judged + JUDGED_EVERY {
            self.watch.judged = self.cx.now;
            self.judge_bridges();
        }
    }

    pub(super) fn bridge_gone(&mut self, jid: &Jid) {
        let event = self.cx.bridges.remove(jid);
        self.bridge_events(event);
    }

    /// What happened to bridges, and what it means for the conferences on them (spec/50 §8).
    pub(in crate::focus) fn bridge_events(&mut self, events: impl IntoIterator<Item = BridgeEvent>) {
        for event in events {
            match event {
                BridgeEvent::Added(bridge) => {
                    log::info!("a bridge came: {}", bridge.jid);
                    if self.breweries.get(&Worker::Bridge).is_some_and(|brewery| brewery.seat.is_inside()) {
                        self.cx.bridges_hidden = None;
                    }
                    self.watch_for_bridges();
                    self.seek_bridges();
                }
                BridgeEvent::Removed { bridge, lost } => {
                    self.watch.refused.remove(&bridge);
                    if lost {
                        self.cx.metrics.lost_bridges += 1;
                        log::warn!("the bridge {} is gone without notice", bridge.jid);
                    } else {
                        log::info!("the bridge {} is gone", bridge.jid);
                    }
                    self.leave_bridge(&bridge, "is gone");
                    self.watch_for_bridges();
                    // Some may have waited for this one to let go of them.
                    self.seek_bridges();
                }
                BridgeEvent::ShuttingDown(bridge) => {
                    log::info!("the bridge {} is shutting down: its conferences move", bridge.jid);
                    self.leave_bridge(&bridge, "is shutting down");
                }
                BridgeEvent::Failed(bridge) => {
                    log::error!("the bridge {} says that it is not well: its conferences move", bridge.jid);
                    self.leave_bridge(&bridge, "says that it is not well");
                }
            }
        }
    }
}
