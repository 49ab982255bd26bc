//! What befalls the focus as a whole in few lives: it is stopped in order, nothing is heard on its connection, the one that
//! requests come through is lost, the bridges' room is lost.

use jicofo::focus::{Connection, Input};

use super::plan::What;
use super::play::{Later, Life, bridge, millis};
use crate::Time;

/// So long after the last word of a connection it is known that nothing is heard of it, and that it is lost.
pub(super) const QUIET: Time = Time::from_secs(14);
pub(super) const SILENT: Time = Time::from_secs(25);

/// What a focus that stops has said is read within this time, and its streams are closed.
const LAST_WORDS: Time = Time::from_secs(2);

impl Life<'_> {
    pub(super) fn act_on_focus(&mut self, what: What) {
        if self.focus_away {
            return;
        }
        match what {
            What::FocusStops(long) => {
                self.leave_to_successor();
                self.s.stop_focus();
                self.later(LAST_WORDS, Later::Stopped);
                self.later(LAST_WORDS + millis(long), Later::Succeeds);
            }
            What::Silent(long) => self.fall_silent(millis(long)),
            What::ComponentLost(long) if self.plan.setting.component && self.component_away.is_none() => {
                let loss = self.count;
                self.component_away = Some(loss);
                self.judge.trouble(self.s.now());
                self.s.component_is_disconnected();
                self.later(millis(long), Later::ComponentReturns(loss));
            }
            What::ComponentLost(_) => {}
            What::FocusKickedFromBrewery => {
                let (now, brewery) = (self.s.now(), self.s.brewery());
                self.judge.trouble(now);
                self.judge.put_out = true;
                self.s.server().put_out(now, &brewery, "focus", &["307"]);
            }
            // Bridges that lose their room start anew.
            What::BreweryDestroyed(long) => {
                let (now, brewery) = (self.s.now(), self.s.brewery());
                self.judge.trouble(now);
                self.s.server().destroy(now, &brewery, "over");
                for number in 0..self.plan.setting.bridges {
                    if self.s.view_server().is_connected(&bridge(number)) {
                        self.later(millis(long), Later::BridgeReturns(number));
                    }
                }
            }
            _ => {}
        }
    }

    /// The focus leaves, and nobody is there until the next one comes.
    fn leave_to_successor(&mut self) {
        self.component_stands();
        self.lose_focus();
        (self.focus_away, self.focus_left) = (true, self.s.now());
        self.nodes_away.clear();
        self.service_away = None;
    }

    /// Rooms in which a focus that has stopped in order still is.
    fn stayed_in(&self) -> Option<String> {
        let brewery = self.s.brewery();
        // What is on connections of their own may have been lost with them.
        let told =
            |room: &str| room.ends_with("@conference.meet.test") || (room == brewery && !self.plan.setting.service);
        let rooms = self.s.view_server().rooms().iter();
        let mut in_them = rooms.filter(|(name, room)| told(name) && room.occupants.contains_key("focus"));
        in_them.next().map(|(name, _)| format!("the focus has stopped, and is still in {name}"))
    }

    /// The way to the server is gone, and neither end knows. It may be there again before anybody does.
    fn fall_silent(&mut self, long: Time) {
        self.component_stands();
        (self.focus_away, self.focus_left) = (true, self.s.now());
        self.judge.trouble(self.s.now());
        // What clients support, too, if they were asked just now: it is guessed.
        self.judge.unheard = true;
        self.s.focus_falls_silent();
        if long < QUIET {
            return self.later(long, Later::Heard(false));
        }
        self.later(QUIET, Later::Quiet);
        if long < SILENT {
            return self.later(long, Later::Heard(true));
        }
        self.later(SILENT, Later::Cut);
        self.later(long, Later::Resumed);
    }

    pub(super) fn upheaval_follows(&mut self, later: Later) {
        self.judge.trouble(self.s.now());
        match later {
            Later::Quiet => self.s.connection_tells(Input::Quiet { on: Connection::Client, quiet: true }),
            Later::Cut => self.s.connection_tells(Input::Disconnected { on: Connection::Client, resumable: true }),
            Later::Heard(was_quiet) => {
                self.focus_away = false;
                self.is_back_in_its_session();
                if was_quiet {
                    self.s.connection_tells(Input::Quiet { on: Connection::Client, quiet: false });
                }
                self.s.focus_is_heard_again();
            }
            Later::Stopped => {
                self.wrong.extend(self.stayed_in());
                self.s.focus_is_gone();
            }
            Later::Succeeds => {
                self.focus_away = false;
                self.lose_focus();
                self.s.focus_is_replaced();
            }
            Later::ComponentReturns(loss) if self.component_away == Some(loss) => self.component_stands(),
            _ => {}
        }
    }

    /// Before something happens to the streams of the focus together.
    pub(super) fn component_stands(&mut self) {
        if self.component_away.take().is_some() {
            self.judge.trouble(self.s.now());
            self.judge.caught_up = self.s.now();
            self.s.component_returns();
        }
    }
}
