//! Which of Prosody's components there are (spec/20 §1).

use std::time::Duration;

use serde_json::Value;

use super::conference::moderation::Change;
use super::pending::{Answer, Then};
use super::problems::Kind;
use super::story::Came;
use super::timers::{Timer, TimerKey};
use super::{Connection, Focus};
use crate::wire::Jid;
use crate::wire::disco::DiscoInfo;
use crate::wire::jingle::JsonMessage;
use crate::wire::stanza::{IqBody, Payload};

/// How soon to ask again while nothing is known, and how often otherwise: a component may be loaded at any time.
const ASK_AGAIN_SOON: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// Messages that are kept until it is known whether their senders are components. More than a freshly started server sends.
const MAX_EARLY: usize = 256;

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
    /// An answer, or none, has come: from now on unknown senders are not listened to.
    discovered: bool,
    early: Vec<(Jid, JsonMessage)>,
    again: Option<TimerKey>,
}

impl Components {
    pub fn moderation(&self) -> Option<&str> {
        self.av_moderation.as_deref()
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
            self.components.discovered = true;
            return self.cx.problems.raise(self.cx.now, Kind::NoComponents, "", || {
                "jicofo.xmpp.client.xmpp-domain is not set; nobody can be asked for Prosody's components, so A/V moderation, \
                 breakout rooms and room metadata do not work; set it to the domain of users"
                    .to_owned()
            });
        };
        if self.cx.is_connected(Connection::Client) {
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
            if visitors.as_deref() != self.cx.nodes.component().map(Jid::as_str) {
                log::info!("the component visitors is {}", visitors.as_deref().unwrap_or("nobody"));
                self.cx.nodes.set_component(visitors.as_deref());
            }
        }
        self.cx.breakout_domain.clone_from(&self.components.breakout_rooms);
        self.components.discovered = true;
        for (from, message) in std::mem::take(&mut self.components.early) {
            self.component_message(&from, message);
        }
        let wait = if answered && self.components.room_metadata.is_some() { ASK_AGAIN } else { ASK_AGAIN_SOON };
        // Two questions are under way if the connection was lost meanwhile.
        self.cx.timers.cancel(self.components.again.take());
        self.components.again = Some(self.cx.timers.set(self.cx.now + wait, Timer::DiscoverComponents));
    }

    /// no-components: which of them a server that answers does not have, or that nothing is known of any.
    fn judge_components(&mut self, answer: &Answer) {
        let now = self.cx.now;
        let domain = self.cx.config.xmpp.client.xmpp_domain.clone().unwrap_or_default();
        let said = match answer {
            Answer::Result(Some(Payload::DiscoInfo(info))) => {
                self.cx.problems.solve(Kind::NoComponents, &domain);
                self.judge_visitors(info);
                for (kind, feature, module) in FEATURES {
                    if info
                        .identities
                        .iter()
                        .any(|it| it.category == "component" && it.kind == kind && it.name.is_some())
                    {
                        self.cx.problems.solve(Kind::NoComponents, kind);
                        continue;
                    }
                    self.cx.problems.raise(now, Kind::NoComponents, kind, || {
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
            self.cx.problems.raise(now, Kind::NoComponents, &domain, || {
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
            return self.cx.problems.solve(Kind::VisitorsOff, "");
        }
        let domain = self.cx.config.xmpp.client.xmpp_domain.clone().unwrap_or_default();
        self.cx.problems.raise(self.cx.now, Kind::VisitorsOff, "", || {
            format!(
                "{domain} names no component visitors; nobody is sent to visitor nodes; load visitors for it in Prosody, and \
                 Component \"visitors.{domain}\" \"visitors_component\", or write jicofo.visitors.enabled = false"
            )
        });
    }

    /// A JSON message, if a component sent it.
    pub(super) fn component_message(&mut self, from: &Jid, message: JsonMessage) {
        if !self.components.discovered {
            if from.local().is_none() && self.components.early.len() < MAX_EARLY {
                self.components.early.push((from.clone(), message));
            }
            return;
        }
        let is = |component: &Option<String>| component.as_deref() == Some(from.as_str());
        let (metadata, moderation) = (is(&self.components.room_metadata), is(&self.components.av_moderation));
        if !metadata && !moderation {
            return;
        }
        let json: Value = serde_json::from_str(&message.json).unwrap_or_default();
        match json.get("type").and_then(Value::as_str) {
            Some("room_metadata") if metadata => self.room_metadata(message.room.as_deref(), &json),
            Some("av_moderation") if moderation => self.av_moderation(&json),
            _ => {
                let room = message.room.as_deref().or_else(|| json.get("room").and_then(Value::as_str));
                self.unreadable(room, format_args!("{from}: a message that can't be read"));
            }
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
