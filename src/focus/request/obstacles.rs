//! What stops a request that the rules of authentication have let in. It is looked for before anything is said in the log, so that
//! the one line of a request says what has really become of it.

use super::rules::GeneralRule;
use super::{ASKS, Place, Requester, answer, supports_visitors};
use crate::focus::command::{Refusal, Reply};
use crate::focus::conference::{Conference, Properties};
use crate::focus::context::NICK;
use crate::focus::floods::Start;
use crate::focus::story::Came;
use crate::focus::{Connection, Focus, Output};
use crate::wire::BareJid;
use crate::wire::values::Condition;

/// Why a request goes no further, in words for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub rule: GeneralRule,
    pub words: &'static str,
}

impl Focus {
    /// What stops a request in its way, if anything does. What is begun is counted (`floods.rs`).
    pub(super) fn obstacle(&mut self, requester: &Requester, room: &BareJid) -> Option<Obstacle> {
        let obstacle = |rule, words| Some(Obstacle { rule, words });
        let conference = self.conferences.by_room(room);
        // No conference is made for somebody who waits for it to be live (spec/60 §6.5 step 1).
        let waits = self.cx.config.visitors.enable_live_room && requester.wish.supported && requester.wish.requested;
        if waits && !conference.is_some_and(Conference::is_live) {
            return obstacle(GeneralRule::NotLive, "a visitor, and the room is not live yet");
        }
        if let Some(conference) = conference {
            return match conference.has_place_for_asker() {
                true => None,
                false => obstacle(GeneralRule::TooManyWait, "too many wait for the focus to be in the room"),
            };
        }
        if self.stopping {
            return obstacle(GeneralRule::Stopping, "the focus stops, and begins nothing any more");
        }
        // Without our account's connection there is no room to enter; the client asks again by itself (spec/10 §4.3).
        if !self.cx.is_connected(Connection::Client) {
            return obstacle(GeneralRule::NotConnected, "the focus is not connected, there is no room to enter");
        }
        if self.cx.departures.has(Connection::Client, room) {
            return obstacle(GeneralRule::Leaving, "the focus is about to leave that room, and comes again then");
        }
        match self.cx.floods.admit_start(self.cx.now, self.starter(&requester.asked).as_ref(), room.as_jid().as_str()) {
            Start::Now => None,
            Start::Refused => obstacle(GeneralRule::TooManyRooms, "more conferences than anybody needs, for now"),
            Start::Later => {
                obstacle(GeneralRule::TooManyRoomsOfAll, "all together begin more conferences than ever come")
            }
        }
    }

    /// Answers whoever is stopped by that rule.
    pub(super) fn hold_back(&mut self, requester: Requester, room: &BareJid, rule: GeneralRule) {
        self.cx.metrics.requests_limited +=
            u64::from(matches!(rule, GeneralRule::TooManyRooms | GeneralRule::TooManyRoomsOfAll));
        // An HTTP server in front of us asks another focus.
        if let Some(id) = requester.asked.command
            && let Some(refusal) = begins_nothing(rule)
        {
            return self.cx.put(Output::Reply { id, reply: Reply::Refused(refusal) });
        }
        match rule {
            GeneralRule::NotLive => answer(&mut self.cx, room, requester, Place::NotLive, None),
            GeneralRule::TooManyRooms => {
                self.cx.answer_error(requester.asked, Condition::ResourceConstraint, "rate-limited");
            }
            GeneralRule::TooManyRoomsOfAll => self.later(requester.asked, room),
            _ => {
                let supported = supports_visitors(&self.cx, None);
                answer(&mut self.cx, room, requester, Place::NotReady, Some(supported));
            }
        }
    }

    /// Begins a conference, as nothing stops whoever asks for it.
    pub(super) fn begin(&mut self, requester: Requester, room: BareJid, properties: Properties) {
        let Ok(occupant) = room.with_resource(NICK) else {
            return self.cx.answer_error(requester.asked, Condition::BadRequest, "Invalid room name.");
        };
        let from = requester.asked.from.clone();
        let mut conference = Conference::new(&mut self.cx, room, occupant, properties, requester);
        conference.story.came(self.cx.now, Came::Request(ASKS, from.as_ref()));
        let id = conference.id;
        self.cx.metrics.conferences_created += 1;
        self.conferences.insert(conference);
        self.with_conference(id, Conference::start);
    }
}

/// Why no conference can be begun by anybody.
fn begins_nothing(rule: GeneralRule) -> Option<Refusal> {
    match rule {
        GeneralRule::Stopping => Some(Refusal::Stopping),
        GeneralRule::NotConnected => Some(Refusal::NotConnected),
        _ => None,
    }
}
