//! The focus' own presence in the room: what it publishes of the conference (spec/20 §3).

use std::time::Duration;

use super::Conference;
use crate::focus::NodeId;
use crate::focus::context::Context;
use crate::focus::own;
use crate::focus::timers::{Timer, TimerKey};
use crate::wire::Jid;
use crate::wire::presence::{ComponentVersion, ConferenceProperties, ConferenceProperty, Presence, Versions};
use crate::wire::stanza::Stanza;

/// How long nothing more is said of the limits of senders once it was: whoever mutes and unmutes without end, right at a
/// limit, would have everybody in the room told each time.
const LIMITS_REST: Duration = Duration::from_secs(1);

/// What is published, and what was last sent.
#[derive(Debug, Default)]
pub(crate) struct Published {
    document: String,
    /// In the order in which they were first set. Every presence has all of them: clients replace their whole map.
    properties: Vec<(&'static str, String)>,
    bridge_not_available: bool,
    /// The first full presence is out; before that values are only kept.
    live: bool,
    /// When it is looked at again whether the limits of senders are reached; until then they are not.
    pub limits_rest: Option<TimerKey>,
}

impl Published {
    pub fn properties(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.properties.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// The conference ends: nobody is interested in its properties any more.
    pub fn mute_for_good(&mut self) {
        self.live = false;
    }

    /// What was last set under a name.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }
}

impl Conference {
    /// Sends the first full presence, which lets everybody in that the server held back.
    pub(super) fn go_live(&mut self, cx: &mut Context) {
        self.published.document = if cx.config.conference.shared_document_random_name {
            cx.ids.document()
        } else {
            self.room.node().to_owned()
        };
        self.set_property("support-terminate-restart", "true".into());
        if cx.nodes.enabled() {
            self.set_property("visitors-enabled", "true".into());
        }
        self.published.live = true;
        self.publish(cx);
    }

    pub(super) fn publish_bridge_count(&mut self, cx: &mut Context) {
        let count = self.bridges.len().to_string();
        if self.set_property("bridge-count", count) {
            self.publish(cx);
        }
    }

    /// Clients take this for the end of the meeting, and do so once: it is said only where there is no bridge at all. Whether
    /// it is news.
    pub(super) fn set_bridge_not_available(&mut self, cx: &mut Context, not_available: bool) -> bool {
        let news = self.published.bridge_not_available != not_available;
        if news {
            self.published.bridge_not_available = not_available;
            self.publish_to_main_room(cx);
        }
        news
    }

    /// Publishes whether there are as many senders as allowed; nothing until the limit is reached for the first time. The
    /// first change is published at once, those soon after it together, as it is by then.
    pub(super) fn publish_sender_limits(&mut self, cx: &mut Context) {
        if self.published.limits_rest.is_some() {
            return;
        }
        let config = &cx.config.conference;
        let limits = [
            ("audio-limit-reached", self.members.audio_senders() >= config.max_audio_senders),
            ("video-limit-reached", self.members.video_senders() >= config.max_video_senders),
        ];
        let mut changed = false;
        for (key, reached) in limits {
            if reached || self.published.value(key).is_some() {
                changed |= self.set_property(key, reached.to_string());
            }
        }
        if changed {
            self.published.limits_rest = Some(cx.timers.set(cx.now + LIMITS_REST, Timer::SenderLimits(self.id)));
            self.publish(cx);
        }
    }

    /// What was said of the limits of senders is no longer new: what has changed since is said now.
    pub fn limits_rested(&mut self, cx: &mut Context) {
        self.published.limits_rest = None;
        self.publish_sender_limits(cx);
    }

    /// Publishes whether the bridge transcribes; nothing until it does for the first time.
    pub(super) fn publish_transcribing(&mut self, cx: &mut Context) {
        if self.set_property("audio-recording-enabled", self.metadata.transcribing.to_string()) {
            self.publish(cx);
        }
    }

    /// Whether this changed anything.
    pub(super) fn set_property(&mut self, key: &'static str, value: String) -> bool {
        let properties = &mut self.published.properties;
        match properties.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) if *known == value => false,
            Some((_, known)) => {
                *known = value;
                true
            }
            None => {
                properties.push((key, value));
                true
            }
        }
    }

    /// Tells the main room and those of visitors: the complete current set.
    pub(super) fn publish(&mut self, cx: &mut Context) {
        self.publish_to_main_room(cx);
        for node in self.visitors.nodes() {
            self.publish_to_mirror(cx, node);
        }
    }

    /// Never with the join element, which would make the server send us the whole room again.
    fn publish_to_main_room(&mut self, cx: &mut Context) {
        if !self.published.live {
            return;
        }
        let presence = Presence {
            etherpad: Some(self.published.document.clone()),
            bridge_not_available: self.published.bridge_not_available,
            ..self.presence_to(cx, &self.seat.occupant)
        };
        cx.send(self.seat.on, Stanza::Presence(Box::new(presence)));
    }

    pub(super) fn publish_to_mirror(&mut self, cx: &mut Context, node: NodeId) {
        let Some(seat) = self.visitors.seat(node).filter(|seat| self.published.live && seat.is_inside()) else {
            return;
        };
        let presence = self.presence_to(cx, &seat.occupant);
        cx.send(seat.on, Stanza::Presence(Box::new(presence)));
    }

    /// What all rooms are told.
    fn presence_to(&self, cx: &Context, occupant: &Jid) -> Presence {
        let properties = self.published.properties.iter();
        let properties = properties.map(|(key, value)| ConferenceProperty { key: (*key).into(), value: value.clone() });
        Presence {
            to: Some(occupant.clone()),
            priority: Some("0".into()),
            versions: Some(Versions {
                components: vec![ComponentVersion { name: "focus".into(), version: own::VERSION.into() }],
            }),
            conference_properties: Some(ConferenceProperties { properties: properties.collect() }),
            caps: Some(cx.own.caps()),
            ..Presence::default()
        }
    }
}
