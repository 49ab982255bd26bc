//! What the bridges in their brewery say, and what it means for conferences (spec/50 §1.2, §8).

use std::time::Duration;

use super::Worker;
use crate::focus::Focus;
use crate::focus::bridges::registry::BridgeEvent;
use crate::focus::time::Timestamp;
use crate::focus::timers::TimerKey;
use crate::wire::Jid;
use crate::wire::presence::Stats;

/// When to look whether all is well with the bridges.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When to wonder why there is none.
    pub empty: Option<TimerKey>,
    /// When they were looked at last.
    judged: Timestamp,
}

/// How often bridges are looked at together, of which nobody says anything new.
const JUDGED_EVERY: Duration = Duration::from_secs(1);

impl Focus {
    /// Whether what is said to bridges gets there: their room passes it on.
    pub(in crate::focus) fn are_bridges_reachable(&self) -> bool {
        let inside = self.breweries.get(&Worker::Bridge).is_some_and(|brewery| brewery.seat.is_inside());
        inside && self.cx.is_connected(self.cx.bridge_connection())
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
                    if lost {
                        self.cx.metrics.lost_bridges += 1;
                        log::warn!("the bridge {} is gone without notice", bridge.jid);
                    } else {
                        log::info!("the bridge {} is gone", bridge.jid);
                    }
                    self.leave_bridge(&bridge);
                    self.watch_for_bridges();
                    // Some may have waited for this one to let go of them.
                    self.seek_bridges();
                }
                BridgeEvent::ShuttingDown(bridge) => {
                    log::info!("the bridge {} is shutting down: its conferences move", bridge.jid);
                    self.leave_bridge(&bridge);
                }
                BridgeEvent::Failed(bridge) => {
                    log::error!("the bridge {} says that it is not well: its conferences move", bridge.jid);
                    self.leave_bridge(&bridge);
                }
            }
        }
    }
}
