//! Telling participants of each other's sources, each when it is time for it (spec/30 §10).

use super::{Conference, MemberId};
use crate::focus::context::Context;
use crate::focus::sources::validate::Changed;
use crate::focus::timers::Timer;
use crate::wire::jingle::Jingle;
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::{Action, EndpointId, SessionId};
use crate::wire::xml::Raw;

impl Conference {
    /// A participant's sources changed: the others are told, at once or when more has come together.
    pub(super) fn tell_others(&mut self, cx: &mut Context, owner: &EndpointId, changed: &Changed) {
        self.signals.changed(owner, changed);
        let delay = self.signaling_delay(cx);
        let waiting = self.signals.waiting().filter(|receiver| *receiver != owner);
        let mut receivers: Vec<MemberId> =
            waiting.filter_map(|receiver| self.members.id_of(receiver.as_str())).collect();
        // In the order in which they came.
        receivers.sort_unstable();
        for id in receivers {
            if delay.is_zero() {
                self.flush(cx, id);
            } else if let Some(member) = self.members.get_mut(id) {
                member.flush = Some(cx.timers.set(cx.now + delay, Timer::Signal(self.id, id)));
                self.signals.scheduled(&member.nick);
            }
        }
    }

    /// Tells a participant everything it does not know yet. It must have accepted its session: until then it waits.
    pub(in crate::focus) fn flush(&mut self, cx: &mut Context, id: MemberId) {
        let Some(member) = self.members.get_mut(id) else { return };
        if let Some(scheduled) = member.flush.take() {
            cx.timers.cancel(Some(scheduled));
            self.signals.unscheduled(&member.nick);
        }
        let Some(sid) = member.invite.session().filter(|session| session.active).map(|session| session.sid.clone())
        else {
            return;
        };
        let flush = self.signals.flush(&member.nick, &self.sources);
        let (on, to) = (member.on, member.occupant.clone());
        let removed = flush.remove.into_iter().map(|piece| (Action::SourceRemove, piece));
        let added = flush.add.into_iter().map(|piece| (Action::SourceAdd, piece));
        for (action, children) in removed.chain(added) {
            let jingle = sources_changed(action, &sid, &children);
            // The answer says nothing that could be acted on (spec/30 §10.2).
            cx.notify(on, to.clone(), IqBody::Set(Payload::Jingle(jingle)));
        }
    }

    /// How long changes are collected in a conference of this size (spec/30 §10.3).
    fn signaling_delay(&self, cx: &Context) -> std::time::Duration {
        let size = u32::try_from(self.members.participants()).unwrap_or(u32::MAX);
        cx.config.conference.source_signaling_delays.at(size)
    }
}

fn sources_changed(action: Action, sid: &SessionId, children: &[Raw]) -> Jingle {
    Jingle {
        action: Some(action.as_str().into()),
        sid: Some(sid.clone()),
        others: children.to_vec(),
        ..Jingle::default()
    }
}
