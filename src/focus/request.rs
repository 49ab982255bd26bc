//! Conference requests: who asks, for what, and what is answered (spec/10 §3, §4).

use super::Connection;
use super::Focus;
use super::conference::{Conference, Properties};
use super::context::{Asked, Context, NICK};
use crate::wire::focus_iq::{self, Property};
use crate::wire::stanza::{IqBody, Payload};
use crate::wire::values::Condition;
use crate::wire::{BareJid, Jid};

impl Focus {
    /// A client asks for a conference.
    pub(super) fn conference_request(&mut self, asked: Asked, request: &focus_iq::Conference) {
        let room = match self.requested_room(request) {
            Ok(room) => room,
            Err((condition, text)) => {
                log::info!("a conference request of {} is refused: {text}", name(&self.cx, &asked));
                return self.cx.answer_error(asked, condition, text);
            }
        };
        self.cx.metrics.conference_requests += 1;
        let name = name(&self.cx, &asked);
        let meeting = self.conferences.by_room_mut(&room).map(|conference| conference.meeting.clone());
        log::info!(
            room:% = room, meeting_id:% = meeting.unwrap_or_default(); "Conference request for room {room} from {name}"
        );
        if let Some(conference) = self.conferences.by_room_mut(&room) {
            conference.requested(&mut self.cx, asked);
            return;
        }
        self.cx.metrics.conference_requests_new += 1;
        // Without our account's connection there is no room to enter; the client asks again by itself (spec/10 §4.3).
        if !self.cx.is_connected(Connection::Client) || self.stopping {
            return answer(&mut self.cx, &room, asked, false);
        }
        let Ok(occupant) = room.with_resource(NICK) else {
            return self.cx.answer_error(asked, Condition::BadRequest, "Invalid room name.");
        };
        let properties = properties(&room, &request.properties);
        let conference = Conference::new(&mut self.cx, room, occupant, properties, asked);
        let id = conference.id;
        self.cx.metrics.conferences_created += 1;
        self.conferences.insert(conference);
        self.with_conference(id, Conference::start);
    }

    /// The room that is asked for, normalised, or why it can't be one.
    fn requested_room(&self, request: &focus_iq::Conference) -> Result<BareJid, (Condition, &'static str)> {
        let room = request.room.as_deref().filter(|room| !room.is_empty());
        let room = room.ok_or((Condition::BadRequest, "No 'room' specified."))?;
        let room = match self.cx.config.xmpp.use_jitsi_jid_validation {
            true => BareJid::new(room),
            false => BareJid::new_strict(room),
        };
        let room = room.map_err(|_| (Condition::BadRequest, "Invalid room name."))?;
        // Its bridges would be taken for participants.
        if self.is_brewery(&room) {
            return Err((Condition::NotAllowed, "This room is not for conferences."));
        }
        Ok(room)
    }

    fn is_brewery(&self, room: &BareJid) -> bool {
        let config = &self.cx.config;
        let breweries = [&config.bridge.brewery_jid, &config.jigasi.brewery_jid, &config.jibri.brewery_jid];
        breweries.into_iter().flatten().any(|brewery| brewery == room)
    }
}

/// Answers that the conference is ready, or that the client shall ask again.
pub(crate) fn answer(cx: &mut Context, room: &BareJid, asked: Asked, ready: bool) {
    let property = |name: &str, value: &str| Property { name: Some(name.into()), value: Some(value.into()) };
    let mut properties = vec![property("authentication", "false")];
    if cx.config.jigasi.brewery_jid.is_some() {
        properties.push(property("sipGatewayEnabled", "true"));
    }
    properties.push(property("visitors-supported", "false"));
    let conference = focus_iq::Conference {
        room: Some(room.as_jid().to_string()),
        focusjid: cx.own.focus_jid(cx.jid(Connection::Client)),
        ready: Some(ready),
        properties,
        ..focus_iq::Conference::default()
    };
    cx.answer(asked, IqBody::Result(Some(Payload::Conference(conference))));
}

/// Answers that the room can't be had, with the room's words.
pub(crate) fn refuse(cx: &mut Context, asked: Asked, text: &str) {
    cx.answer_error(asked, Condition::InternalServerError, text);
}

/// What to do about a room that does not let the focus in.
pub(crate) fn remedy(condition: Condition) -> &'static str {
    match condition {
        Condition::NotAllowed | Condition::Forbidden => {
            ". Make the focus' account an admin of the rooms' component in Prosody (admins = { \"focus@auth.<domain>\" })"
        }
        Condition::Conflict => ". Somebody else has the nick of the focus there: does another focus run?",
        Condition::NotAuthorized => {
            ". The room has a password: put the focus' account into muc_password_whitelist in Prosody"
        }
        Condition::ServiceUnavailable => {
            ". The room is full: put the focus' account into muc_access_whitelist in Prosody"
        }
        _ => "",
    }
}

/// Who asks: for a request that came through the client proxy, the client behind it (spec/10 §2.1).
/// None: our own server.
pub(crate) fn sender(cx: &Context, asked: &Asked) -> Option<Jid> {
    let from = asked.from.clone()?;
    let proxied = cx.config.xmpp.client.client_proxy.as_ref().is_some_and(|proxy| proxy.domain() == from.domain());
    let behind = from.resource().filter(|_| proxied && from.local().is_none());
    behind.and_then(|resource| Jid::new(resource).ok()).or(Some(from))
}

/// The sender for a line of the log.
fn name(cx: &Context, asked: &Asked) -> String {
    sender(cx, asked).map_or_else(|| "our own server".into(), |jid| jid.to_string())
}

/// What the request asks of a conference that it makes.
fn properties(room: &BareJid, properties: &[Property]) -> Properties {
    // Of duplicates the last one counts.
    let value = |name: &str| {
        let property = properties.iter().rev().find(|property| property.name.as_deref() == Some(name))?;
        property.value.as_deref().map(str::trim).filter(|value| !value.is_empty())
    };
    let count = |name: &str| {
        let text = value(name)?;
        let count = text.parse::<i64>().ok();
        if count.is_none() {
            log::warn!(room:% = room; "the request's property {name} is no number: ignored");
        }
        Some(u32::try_from(count?.max(0)).unwrap_or(u32::MAX))
    };
    let rtcstats = value("rtcstatsEnabled").is_none_or(|value| value.eq_ignore_ascii_case("true"));
    if !rtcstats {
        log::info!(room:% = room; "without rtcstats, as its first request has it");
    }
    Properties { rtcstats, start_audio_muted: count("startAudioMuted"), start_video_muted: count("startVideoMuted") }
}
