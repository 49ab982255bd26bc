//! What ends a conference, and what its end does.

use std::time::Duration;

use super::super::caps;
use super::super::context::Context;
use super::super::problems::Kind;
use super::super::request::Place;
use super::super::timers::Timer;
use super::{Conference, Phase};

/// What the end of a conference says to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// We are, or may be, in the room.
    Room,
    /// The room is gone, or we are out of it.
    Outside,
    /// The stream is gone, and all that was meant for it (spec/10 §5.3).
    Silently,
}

/// On a server that is slow with what it is sent, people take so many times as long to come.
const SLOWER: u32 = 4;

/// So long is waited at least, whatever is configured: with nothing at all no conference would ever come about, and what waits
/// to look again would never do anything else.
const LEAST: Duration = Duration::from_secs(1);

/// How long is waited for somebody to come.
fn initial_timeout(cx: &Context) -> Duration {
    cx.config.conference.initial_timeout.max(LEAST)
}

/// How long whoever was told that the conference is there may take to come.
fn patience(cx: &Context) -> Duration {
    let timeout = initial_timeout(cx);
    if cx.problems.has(Kind::RateLimited) { timeout * SLOWER } else { timeout }
}

impl Conference {
    /// Nobody is left (spec/10 §5.2).
    pub(super) fn empty(&mut self, cx: &mut Context, switching: bool) {
        if self.has_breakouts(cx) {
            return;
        }
        if switching {
            self.await_somebody(cx);
            return;
        }
        if self.await_promised(cx) {
            return;
        }
        say!(self, info, "everybody has left");
        self.end(cx, Leave::Room);
    }

    /// Stays for those who were told that we are there and have yet to come: they would find nobody. False: there are none.
    fn await_promised(&mut self, cx: &mut Context) -> bool {
        let until = self.promised.until(cx.now, patience(cx));
        if let Some(until) = until {
            say!(self, info, "nobody is here; somebody was told that the conference is there, and may come yet");
            cx.timers.cancel(self.start.take());
            self.start = Some(cx.timers.set(until, Timer::NobodyCame(self.id)));
        }
        until.is_some()
    }

    /// A breakout conference of this one ended.
    pub fn breakout_ended(&mut self, cx: &mut Context) {
        if self.is_running() && self.members.in_main_room() == 0 && !self.has_breakouts(cx) {
            if self.await_promised(cx) {
                return;
            }
            say!(self, info, "nobody is left, here or in breakout rooms");
            self.end(cx, Leave::Room);
        }
    }

    pub(super) fn has_breakouts(&self, cx: &Context) -> bool {
        cx.breakouts.get(&self.room).is_some_and(|breakouts| !breakouts.is_empty())
    }

    /// Ends the conference unless somebody comes in time.
    pub(super) fn await_somebody(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.start.take());
        self.start = Some(cx.timers.set(cx.now + initial_timeout(cx), Timer::NobodyCame(self.id)));
    }

    pub fn nobody_came(&mut self, cx: &mut Context) {
        self.start = None;
        // A large room may take that long to let us in; that it does at all is watched over elsewhere. Until then nothing else
        // ends it, not even the end of its breakout rooms. And while the connection is away, and may be resumed, somebody may
        // have come of whom we do not know.
        if !self.is_running() || !cx.is_connected(self.seat.on) {
            self.await_somebody(cx);
            return;
        }
        if self.has_breakouts(cx) || self.members.in_main_room() > 0 {
            return;
        }
        // Whoever was told so while the server is slow comes late, and would find nobody.
        if self.await_promised(cx) {
            return;
        }
        say!(self, info, "nobody came");
        self.fail(cx, None);
    }

    /// Ends the conference: its endpoints are expired, its room is left, nothing of it stays. Each step stands for itself.
    pub fn end(&mut self, cx: &mut Context, leave: Leave) {
        if self.has_ended() {
            return;
        }
        let what = match leave {
            Leave::Room => "the end: leaves the room",
            Leave::Outside => "the end: outside already",
            Leave::Silently => "the end: the connection is lost",
        };
        self.story.decided(cx.now, what);
        say!(self, info, "Stopping: {what}");
        self.published.mute_for_good();
        // On the new stream the bridges do not know us yet: they are told when they speak (spec/10 §5.3).
        if leave == Leave::Silently && cx.bridge_connection() == self.seat.on {
            self.drop_bridges(cx);
        } else {
            self.close_bridges(cx);
        }
        caps::ended(cx, self.id);
        for id in self.members.iter().map(|member| member.id).collect::<Vec<_>>() {
            self.forget_member(cx, id);
        }
        self.recall_redirected();
        self.answer_askers(cx, |conference, cx, asker| conference.answer(cx, asker, Place::NotReady));
        self.leave_rooms(cx, leave);
        if let Phase::AwaitingMetadata(timer) = self.phase {
            cx.timers.cancel(Some(timer));
        }
        self.phase = Phase::Ended;
        say!(self, info, "Stopped.");
        cx.timers.cancel(self.start.take());
        cx.timers.cancel(self.alone.take());
        cx.timers.cancel(self.published.limits_rest.take());
        self.moderation.cancel_rests(cx);
        cx.timers.cancel(self.visitors.rest.take());
        self.cancel_retry(cx);
        self.cancel_repeat(cx);
        self.cancel_election(cx);
        cx.forget_conference(self.id);
        if cx.meetings.get(&self.meeting) == Some(&self.id) {
            cx.meetings.remove(&self.meeting);
        }
        if let Some(main) = &self.form.main_room
            && let Some(breakouts) = cx.breakouts.get_mut(main)
        {
            breakouts.remove(&self.id);
            if breakouts.is_empty() {
                cx.breakouts.remove(main);
            }
        }
    }
}
