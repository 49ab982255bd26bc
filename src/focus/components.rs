//! Which of Prosody's components there are (spec/20 §1).

mod early;

use std::time::Duration;

use serde_json::Value;

use self::early::{Early, Kept};
use super::conference::moderation::Change;
use super::floods::TOLD_AGAIN;
use super::pending::{Answer, Then};
use super::problems::Kind as Problem;
use super::story::Came;
use super::time::Timestamp;
use super::timers::{Timer, TimerKey};
use super::{Connection, Focus};
use crate::wire::Jid;
use crate::wire::disco::DiscoInfo;
use crate::wire::jingle::JsonMessage;
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::MeetingId;

/// How soon to ask again while nothing is known, and how often otherwise: a component may be loaded at any time.
const ASK_AGAIN_SOON: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// A component, what does not work without it, and what makes Prosody have it.
const FEATURES: [(&str, &str, &str); 3] = [
    ("av_moderation", "moderators cannot take the microphones", "av_moderation"),
    ("breakout_rooms", "there are no breakout rooms", "muc_breakout_rooms"),
    ("room_metadata", "what is recorded and transcribed is not known, nor who may do what", "room_metadata"),
];

#[derive(Debug, Default)]
pub(crate) struct Components {
    room_metadata: Option<String>,
    breakout_rooms: Option<String>,
    av_moderation: Option<String>,
    /// Of whom it is to be seen whether they are components.
    early: Kept,
    /// When the server was last asked; whether it has not answered yet.
    asked: Option<Timestamp>,
    under_way: bool,
    again: Option<TimerKey>,
    /// What was said in the log of messages that were not listened to, and of those that were lost.
    ignored: Told,
    lost: Told,
}

/// When something was last said in the log, and how often it has happened since.
#[derive(Debug, Default)]
struct Told {
    at: Timestamp,
    since: usize,
}

impl Told {
    /// It has happened again. What is to be said of it now: how often before, since it was last said; None: nothing.
    fn again(&mut self, now: Timestamp) -> Option<String> {
        if now.since(self.at) < TOLD_AGAIN {
            self.since += 1;
            return None;
        }
        self.at = now;
        match std::mem::take(&mut self.since) {
            0 => Some(String::new()),
            count => Some(format!(", and {count} more before it")),
        }
    }
}

/// Whose message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Metadata,
    Moderation,
}

impl Components {
    pub fn moderation(&self) -> Option<&str> {
        self.av_moderation.as_deref()
    }

    fn of(&self, kind: Kind) -> Option<&str> {
        match kind {
            Kind::Metadata => self.room_metadata.as_deref(),
            Kind::Moderation => self.av_moderation.as_deref(),
        }
    }

    fn is(&self, kind: Kind, sender: &Jid) -> bool {
        self.of(kind) == Some(sender.as_str())
    }

    /// The domain of breakout rooms.
    pub fn breakout_rooms(&self) -> Option<&str> {
        self.breakout_rooms.as_deref()
    }
}

impl Focus {
    pub(super) fn discover_components(&mut self) {
        self.cx.timers.cancel(self.components.again.take());
        let domain = self.cx.config.xmpp.client.xmpp_domain.clone();
        let Some(to) = domain.and_then(|domain| Jid::new(&domain).ok()) else {
            return self.cx.problems.raise(self.cx.now, Problem::NoComponents, "", || {
                "jicofo.xmpp.client.xmpp-domain is not set; nobody can be asked for Prosody's components, so A/V moderation, \
                 breakout rooms and room metadata do not work; set it to the domain of users"
                    .to_owned()
            });
        };
        if self.cx.is_connected(Connection::Client) {
            self.components.asked = Some(self.cx.now);
            self.components.under_way = true;
            let body = IqBody::Get(Payload::DiscoInfo(DiscoInfo::default()));
            self.cx.request(Connection::Client, to, body, Then::Components);
        }
    }

    /// What is known stays where nothing better came: a server that is slow once still has its components.
    pub(super) fn components_answered(&mut self, answer: Answer) {
        let answered = matches!(&answer, Answer::Result(Some(Payload::DiscoInfo(_))));
        self.judge_components(&answer);
        if let Answer::Result(Some(Payload::DiscoInfo(info))) = answer {
            let component = |kind: &str| {
                let of_kind = |it: &&crate::wire::disco::Identity| it.category == "component" && it.kind == kind;
                info.identities.iter().find(of_kind).and_then(|it| it.name.clone())
            };
            for (kind, known) in [
                ("room_metadata", &mut self.components.room_metadata),
                ("av_moderation", &mut self.components.av_moderation),
                ("breakout_rooms", &mut self.components.breakout_rooms),
            ] {
                let found = component(kind);
                if found != *known {
                    log::info!("the component {kind} is {}", found.as_deref().unwrap_or("nobody"));
                    *known = found;
                }
            }
            let visitors = component("visitors");
            if visitors.as_deref() != self.cx.nodes.announced().map(Jid::as_str) {
                log::info!("the component visitors is {}", visitors.as_deref().unwrap_or("nobody"));
                self.cx.nodes.announce(visitors.as_deref());
            }
        }
        self.cx.breakout_domain.clone_from(&self.components.breakout_rooms);
        self.components.under_way = false;
        if answered {
            self.early_messages();
        }
        let all_known = self.components.room_metadata.is_some() && self.components.early.is_empty();
        let wait = if answered && all_known { ASK_AGAIN } else { ASK_AGAIN_SOON };
        self.ask_at(self.cx.now + wait);
    }

    /// The server is asked then. Two questions are under way if the connection was lost meanwhile.
    fn ask_at(&mut self, at: Timestamp) {
        self.cx.timers.cancel(self.components.again.take());
        self.components.again = Some(self.cx.timers.set(at, Timer::DiscoverComponents));
    }

    /// The server has said which components it has: what came before of those that it names is dealt with in its order.
    fn early_messages(&mut self) {
        let Focus { cx, components, conferences, .. } = self;
        let known = [Kind::Metadata, Kind::Moderation].into_iter().filter(|kind| components.of(*kind).is_some());
        let known: Vec<Kind> = known.collect();
        components.early.retain(|early| conferences.get(early.conference).is_some());
        for early in components.early.take_decided(cx.now, |kind| known.contains(&kind)) {
            match self.conferences.get(early.conference) {
                Some(_) if self.components.is(early.kind, &early.from) => {
                    self.component_said(early.kind, &early.message)
                }
                Some(_) => self.unheard(&early.from, early.message.room.as_deref()),
                None => {}
            }
        }
    }

    /// no-components: which of them a server that answers does not have, or that nothing is known of any.
    fn judge_components(&mut self, answer: &Answer) {
        let now = self.cx.now;
        let domain = self.cx.config.xmpp.client.xmpp_domain.clone().unwrap_or_default();
        let said = match answer {
            Answer::Result(Some(Payload::DiscoInfo(info))) => {
                self.cx.problems.solve(Problem::NoComponents, &domain);
                self.judge_visitors(info);
                for (kind, feature, module) in FEATURES {
                    if info
                        .identities
                        .iter()
                        .any(|it| it.category == "component" && it.kind == kind && it.name.is_some())
                    {
                        self.cx.problems.solve(Problem::NoComponents, kind);
                        continue;
                    }
                    self.cx.problems.raise(now, Problem::NoComponents, kind, || {
                        format!(
                            "{domain} names no component {kind}; {feature}; load {module} for it in Prosody, and its \
                             component, or check jicofo.xmpp.client.xmpp-domain"
                        )
                    });
                }
                return;
            }
            Answer::Result(_) => "answers something else".to_owned(),
            Answer::Error(error) => format!("refuses to say which it has ({})", error.condition),
            Answer::None | Answer::Unheard => "does not say which it has".to_owned(),
        };
        // One slow answer takes nothing away, and the connection that goes is told elsewhere.
        let known = self.components.room_metadata.is_some() || self.components.av_moderation.is_some();
        if !known && self.cx.is_connected(Connection::Client) {
            self.cx.problems.raise(now, Problem::NoComponents, &domain, || {
                format!(
                    "{domain} was asked for its components and {said}; A/V moderation, breakout rooms and room metadata do not \
                     work; check jicofo.xmpp.client.xmpp-domain"
                )
            });
        }
    }

    /// visitors-off: they are switched on, and Prosody does not help.
    fn judge_visitors(&mut self, info: &DiscoInfo) {
        let named =
            info.identities.iter().any(|it| it.category == "component" && it.kind == "visitors" && it.name.is_some());
        // Without a node there is nobody for it to connect, which is told as such.
        if named || !self.cx.nodes.enabled() || self.cx.nodes.ids().next().is_none() {
            return self.cx.problems.solve(Problem::VisitorsOff, "");
        }
        let domain = self.cx.config.xmpp.client.xmpp_domain.clone().unwrap_or_default();
        self.cx.problems.raise(self.cx.now, Problem::VisitorsOff, "", || {
            format!(
                "{domain} names no component visitors; nobody is sent to visitor nodes; load visitors for it in Prosody, and \
                 Component \"visitors.{domain}\" \"visitors_component\", or write jicofo.visitors.enabled = false"
            )
        });
    }

    /// A JSON message, if a component sent it. Of a sender on our server that is not known the server is asked first: a moderator's
    /// wish is not lost because it was slow, or because a component was loaded late (spec/20 §1).
    pub(super) fn component_message(&mut self, from: &Jid, mut message: JsonMessage) {
        let is_component = [Kind::Metadata, Kind::Moderation].into_iter().any(|kind| self.components.is(kind, from));
        let json: Value = serde_json::from_str(&message.json).unwrap_or_default();
        if message.room.is_none() {
            message.room = json.get("room").and_then(Value::as_str).map(str::to_owned);
        }
        let kind = match json.get("type").and_then(Value::as_str) {
            Some("room_metadata") => Some(Kind::Metadata),
            Some("av_moderation") => Some(Kind::Moderation),
            _ => None,
        };
        match kind {
            Some(kind) if self.components.is(kind, from) => self.component_said(kind, &message),
            Some(kind) if self.may_be_component(from) => self.keep(from, kind, &json, message),
            Some(_) => self.unheard(from, message.room.as_deref()),
            None if is_component => {
                self.unreadable(message.room.as_deref(), format_args!("{from}: a message that can't be read"));
            }
            // Other components tell participants other things, and us as one of them.
            None => {}
        }
    }

    /// Whether the server may come to say that this is a component.
    fn may_be_component(&self, from: &Jid) -> bool {
        let is_asked = self.cx.config.xmpp.client.xmpp_domain.is_some();
        is_asked && from.local().is_none() && from.resource().is_none() && self.cx.is_ours(from.domain())
    }

    /// Keeps a message until the server has said who its sender is, and asks it.
    fn keep(&mut self, from: &Jid, kind: Kind, json: &Value, message: JsonMessage) {
        let room = message.room.clone();
        // Of a room that nobody is in it says nothing.
        let Some(conference) = room.as_deref().and_then(|room| self.conferences.id_of_text(room)) else { return };
        let conferences = &self.conferences;
        self.components.early.retain(|early| conferences.get(early.conference).is_some());
        if self.components.early.add(Early::new(from.clone(), conference, kind, json, message)) {
            return self.lost(from, room.as_deref());
        }
        if !self.components.under_way {
            match self.components.asked.map(|asked| asked + ASK_AGAIN_SOON).filter(|at| *at > self.cx.now) {
                Some(at) => self.ask_at(at),
                None => self.discover_components(),
            }
        }
    }

    /// Says in the log that nobody listened, unless that was said lately.
    fn unheard(&mut self, from: &Jid, room: Option<&str>) {
        let Some(more) = self.components.ignored.again(self.cx.now) else { return };
        let of_sender = self.about(Connection::Client, from);
        let (room, meeting, nick) = of_sender.or_else(|| self.named(room?)).unwrap_or_default();
        log::warn!(
            room:% = room, meeting_id:% = meeting, participant:% = nick;
            "{from} speaks as a component on metadata or moderation, and is none that the server names: ignored{more}"
        );
    }

    /// Says in the log that a message is lost, as too many wait for the server's answer, unless that was said lately.
    fn lost(&mut self, from: &Jid, room: Option<&str>) {
        let Some(more) = self.components.lost.again(self.cx.now) else { return };
        let (room, meeting, _) = room.and_then(|room| self.named(room)).unwrap_or_default();
        log::warn!(
            room:% = room, meeting_id:% = meeting;
            "what {from} says of metadata or moderation is lost: too many messages wait until the server says which \
             components it has{more}; see why it does not answer"
        );
    }

    /// The conference in a room that a message names, as `about` has it.
    fn named(&self, room: &str) -> Option<(String, MeetingId, String)> {
        let conference = self.conferences.get(self.conferences.id_of_text(room)?)?;
        Some((conference.room.to_string(), conference.meeting.clone(), String::new()))
    }

    /// What a component says.
    fn component_said(&mut self, kind: Kind, message: &JsonMessage) {
        let json: Value = serde_json::from_str(&message.json).unwrap_or_default();
        match kind {
            Kind::Metadata => self.room_metadata(message.room.as_deref(), &json),
            Kind::Moderation => self.av_moderation(&json),
        }
    }

    /// Says so in the log. `room`: the one that the message names.
    fn unreadable(&self, room: Option<&str>, what: std::fmt::Arguments<'_>) {
        let conference = room.and_then(|room| self.conferences.get(self.conferences.id_of_text(room)?));
        match conference {
            Some(conference) => log::warn!(room:% = conference.room, meeting_id:% = conference.meeting; "{what}"),
            None => log::warn!("{what}"),
        }
    }

    fn room_metadata(&mut self, room: Option<&str>, message: &Value) {
        let Some(id) = room.and_then(|room| self.conferences.id_of_text(room)) else { return };
        let Some(metadata) = message.get("metadata").and_then(Value::as_object) else {
            let Some(conference) = self.conferences.get_mut(id) else { return };
            log::warn!(
                room:% = conference.room, meeting_id:% = conference.meeting; "the room's metadata can't be read: ignored"
            );
            return;
        };
        self.note(id, Came::Event("the room's metadata"));
        self.with_conference(id, |conference, cx| conference.metadata(cx, metadata));
    }

    fn av_moderation(&mut self, message: &Value) {
        let Some(change) = Change::read(message) else {
            let room = message.get("room").and_then(Value::as_str);
            return self.unreadable(room, format_args!("a message on A/V moderation that can't be read"));
        };
        let Some(id) = self.conferences.id_of_text(&change.room) else { return };
        self.note(id, Came::Event("moderation"));
        self.with_conference(id, |conference, cx| conference.moderation_changed(cx, &change));
    }
}
