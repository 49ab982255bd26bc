//! What the conference costs its bridges, and that they are told of as soon as it changes (docs/BRIDGES.md).

use super::bridge::BridgeSession;
use super::{Conference, MemberId};
use crate::focus::bridges::predict::{Crowd, Load};
use crate::focus::bridges::registry::BridgeId;
use crate::focus::context::Context;

impl Conference {
    /// To be called after whatever changes who is on which bridge, or who sends what. It costs as much as there are bridges.
    pub(super) fn weigh(&mut self, cx: &mut Context) {
        let crowd = self.crowd();
        for session in self.bridges.iter_mut() {
            let load = Crowd { here: session.count(), ..crowd }.load();
            if load != session.stay.load {
                cx.bridges.weighs(cx.now, &session.bridge, &mut session.stay, load);
            }
        }
    }

    /// A participant took an offer: it is known what it sends, and how many videos it wants.
    pub(super) fn has_settled(&mut self, cx: &mut Context, id: MemberId, last_n: Option<i32>) {
        self.members.settled(id, last_n);
        self.weigh(cx);
    }

    fn crowd(&self) -> Crowd {
        let members = &self.members;
        Crowd {
            here: 0,
            all: self.bridges.iter().map(BridgeSession::count).sum(),
            relays: u32::try_from(self.bridges.len().saturating_sub(1)).unwrap_or(u32::MAX),
            // Who comes is expected to send, until he says otherwise a second later.
            audio: members.audio_senders() + members.arriving(),
            video: members.video_senders() + members.arriving(),
            last_n: members.wanted_videos(),
        }
    }

    /// What its bridges were told that it costs them.
    pub(in crate::focus) fn loads(&self) -> impl Iterator<Item = (&BridgeId, Load)> {
        self.bridges.iter().map(|session| (&session.bridge, session.stay.load))
    }

    /// That they were told what is so.
    pub(super) fn audit_weight(&self, wrong: &mut Vec<String>) {
        let crowd = self.crowd();
        for session in self.bridges.iter() {
            let load = Crowd { here: session.count(), ..crowd }.load();
            if load != session.stay.load {
                wrong.push(format!(
                    "{} was told of a load of {:?}, not {load:?}",
                    session.bridge.jid, session.stay.load
                ));
            }
        }
    }
}
