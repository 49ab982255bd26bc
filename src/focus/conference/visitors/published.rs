//! What is published of visitors: how many there are, and which codecs all of them have (spec/60 §6.10).

use super::super::Conference;
use crate::focus::context::Context;
use crate::focus::timers::Timer;

impl Conference {
    /// To be called after visitors came or went. Which codecs they have is said at once; their number only if it was not for a
    /// while, else when that is over: everybody is told of it.
    pub(in crate::focus::conference) fn publish_visitors(&mut self, cx: &mut Context) {
        let codecs = self.members.visitor_codecs().common();
        let mut changed = false;
        if !codecs.is_empty() || self.published.value("visitor-codecs").is_some() {
            changed |= self.set_property("visitor-codecs", codecs);
        }
        if self.visitors.rest.is_none() {
            let count = self.members.visitors();
            if count > 0 || self.published.value("visitor-count").is_some() {
                let news = self.set_property("visitor-count", count.to_string());
                let interval = cx.config.visitors.notification_interval;
                if news && !interval.is_zero() {
                    self.visitors.rest = Some(cx.timers.set(cx.now + interval, Timer::VisitorCount(self.id)));
                }
                changed |= news;
            }
        }
        if changed {
            self.publish(cx);
        }
    }

    /// What was said of the number of visitors is no longer new: what it is by now is.
    pub(in crate::focus) fn visitor_count_rested(&mut self, cx: &mut Context) {
        self.visitors.rest = None;
        self.publish_visitors(cx);
    }
}
