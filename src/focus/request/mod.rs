//! Conference requests: who asks, for what, and what is answered (spec/10 §3, §4).

pub mod json;
mod login;
mod obstacles;
pub mod rules;

use self::obstacles::Obstacle;
use self::rules::GeneralRule;
use super::auth::{Login, Question, Refusal, Room, Rule};
use super::brewery::Worker;
use super::conference::{ConferenceId, MemberId, Properties};
use super::context::{Asked, Context, error};
use super::story::Came;
use super::visitors::Wish;
use super::{Connection, Focus, NodeId};
use crate::config::Config;
use crate::wire::focus_iq::{self, Property, SessionInvalid};
use crate::wire::jid::JidError;
use crate::wire::stanza::{IqBody, Payload, StanzaError};
use crate::wire::values::Condition;
use crate::wire::xml::Raw;
use crate::wire::{BareJid, Jid};

/// Who waits for a conference: where the answer goes, and whom he was taken for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Requester {
    pub asked: Asked,
    /// None: a guest.
    pub login: Option<Login>,
    pub wish: Wish,
}

/// What authentication says of a request.
struct Decided {
    rule: Rule,
    /// Whom it is from; None: a guest.
    outcome: Result<Option<Login>, Refusal>,
}

/// What whoever asks for a conference is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// To come to the main room.
    Main,
    /// To come to the room of visitors on a node.
    Node(NodeId),
    /// To ask again by himself.
    NotReady,
    /// To wait until the room is live.
    NotLive,
}

impl Focus {
    /// A client asks for a conference.
    pub(super) fn conference_request(&mut self, asked: Asked, request: &focus_iq::Conference) {
        self.judge_the_way(&asked);
        self.judge_the_domain(&asked);
        let room = match self.requested_room(request.room.as_deref()) {
            Ok(room) => room,
            Err(wrong) => {
                // Whoever makes up addresses fills no log with this either: there the door has its own line.
                if self.member(&asked).is_some() || self.admits_outsider(&asked, None) {
                    self.refused("Conference request", &asked, wrong.rule.name(), wrong.text);
                }
                return self.cx.answer_error(asked, wrong.condition, wrong.text);
            }
        };
        let state = self.state_of(&room);
        let exists = self.conferences.id_of(&room).is_some();
        self.cx.metrics.conference_requests += 1;
        self.cx.metrics.conference_requests_new += u64::from(!exists);
        if self.member(&asked).is_none() && !self.admits_outsider(&asked, Some(&room)) {
            self.cx.metrics.requests_limited += 1;
            return self.later(asked, &room);
        }
        let decided = self.authenticate(&asked, request, &room, state);
        let login = match decided.outcome {
            Ok(login) => login,
            Err(refusal) => {
                self.tell(
                    &asked,
                    request,
                    &room,
                    &format!("refused by rule {} ({})", decided.rule, decided.rule.words()),
                );
                return self.cx.answer(asked, IqBody::Error(stanza_error(refusal)));
            }
        };
        self.let_in(Requester { asked, login, wish: Wish::of(request) }, request, room, decided.rule);
    }

    /// Authentication has nothing against a request; what is in its way besides is looked for before that is said.
    fn let_in(&mut self, requester: Requester, request: &focus_iq::Conference, room: BareJid, by: Rule) {
        let obstacle = self.obstacle(&requester, &room);
        let outcome = match obstacle {
            None => format!("let in by rule {by} ({})", by.words()),
            Some(Obstacle { rule, words }) => {
                let verb = if rule.waits() { "told to wait" } else { "refused" };
                format!("{verb} by rule {rule} ({words}); for authentication it is {by}")
            }
        };
        let as_whom = requester.login.as_ref().map(|it| format!(", as {} with session {}", it.identity, it.session));
        self.tell(&requester.asked, request, &room, &format!("{outcome}{}", as_whom.unwrap_or_default()));
        if requester.login.is_some() {
            self.watch_sessions();
            // Over HTTP nobody speaks for whom anybody could be made owner.
            if let Some(sender) = sender(&self.cx, &requester.asked) {
                self.authenticated(&sender);
            }
        }
        if let Some(Obstacle { rule, .. }) = obstacle {
            return self.hold_back(requester, &room, rule);
        }
        match self.conferences.id_of(&room) {
            Some(id) => {
                self.note(id, Came::Request(ASKS, requester.asked.from.as_ref()));
                self.with_conference(id, |conference, cx| conference.requested(cx, requester));
            }
            None => {
                let properties = properties(&room, &request.properties);
                self.begin(requester, room, properties);
            }
        }
    }

    /// The one line of the log about what has become of a request.
    fn tell(&self, asked: &Asked, request: &focus_iq::Conference, room: &BareJid, outcome: &str) {
        let meeting = self.conferences.meeting_in(room);
        let nick = self.speaker(asked, Some(room)).map(|(.., nick)| nick);
        log::info!(
            room:% = room, meeting_id:% = meeting, participant:% = nick.unwrap_or_default();
            "Conference request for room {room} from {}{}: {outcome}",
            name(&self.cx, asked),
            if request.token.is_some() { ", with a token" } else { "" },
        );
    }

    /// All together ask for too much. Clients take an error for the end, and this answer for a reason to wait (spec/10 §11.4).
    fn later(&mut self, asked: Asked, room: &BareJid) {
        let supported = supports_visitors(&self.cx, None);
        let requester = Requester { asked, login: None, wish: Wish::default() };
        answer(&mut self.cx, room, requester, Place::NotReady, Some(supported));
    }

    /// Whether authentication lets a request in, and whom it is from.
    fn authenticate(&mut self, asked: &Asked, request: &focus_iq::Conference, room: &BareJid, state: Room) -> Decided {
        let sender = sender(&self.cx, asked);
        let question = Question {
            sender: sender.as_ref(),
            session: request.session_id.as_deref(),
            machine_uid: request.machine_uid.as_deref(),
            room,
            state,
        };
        let decision = self.cx.authentication.decide(self.cx.now, &question);
        let login = self.cx.authentication.admit(&mut self.cx.ids, self.cx.now, &question, &decision);
        Decided { rule: decision.rule, outcome: decision.rule.refusal().map_or(Ok(login), Err) }
    }

    /// Somebody authenticated speaks from this address: wherever he is in a room already, he leads (spec/10 §6.4).
    fn authenticated(&mut self, address: &Jid) {
        let mut places: Vec<(ConferenceId, MemberId)> =
            self.cx.addresses.get(address).into_iter().flatten().copied().collect();
        // In each room the one who came first.
        places.dedup_by_key(|(conference, _)| *conference);
        for (id, member) in places {
            self.with_conference(id, |conference, cx| conference.authenticated(cx, member));
        }
    }

    fn state_of(&self, room: &BareJid) -> Room {
        if self.components.breakout_rooms() == Some(room.as_jid().domain()) {
            Room::Breakout
        } else if self.conferences.id_of(room).is_some() {
            Room::Exists
        } else if self.cx.breakouts.contains_key(room) {
            Room::HasBreakouts
        } else {
            Room::New
        }
    }

    /// The room that is asked for, normalised, or why it can't be one.
    fn requested_room(&self, room: Option<&str>) -> Result<BareJid, NoRoom> {
        let bad = |text| NoRoom { rule: GeneralRule::BadRoom, condition: Condition::BadRequest, text };
        let room = room.filter(|room| !room.is_empty());
        let room = room.ok_or(bad("No 'room' specified."))?;
        let room = read_room(&self.cx.config, room).map_err(|_| bad("Invalid room name."))?;
        match is_brewery(&self.cx.config, &room) {
            true => Err(BREWERY),
            false => Ok(room),
        }
    }
}

/// What a conference's story says of a request for it.
const ASKS: &str = "for the conference";

/// Why there can be no conference of that name, whoever asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoRoom {
    pub rule: GeneralRule,
    pub condition: Condition,
    pub text: &'static str,
}

/// The answer to whoever asks for a brewery.
pub(crate) const BREWERY: NoRoom =
    NoRoom { rule: GeneralRule::Brewery, condition: Condition::NotAllowed, text: "This room is not for conferences." };

/// The room that is written there, normalised, by the rules that are configured.
pub(crate) fn read_room(config: &Config, room: &str) -> Result<BareJid, JidError> {
    if config.xmpp.use_jitsi_jid_validation { BareJid::new(room) } else { BareJid::new_strict(room) }
}

/// Whether bridges or gateways meet there: they would be taken for participants.
pub(crate) fn is_brewery(config: &Config, room: &BareJid) -> bool {
    Worker::ALL.into_iter().filter_map(|worker| worker.room(config)).any(|brewery| brewery == room)
}

/// Whether a room that says this of itself may have visitors (spec/60 §6.5 step 3).
pub(crate) fn supports_visitors(cx: &Context, enabled_in_room: Option<bool>) -> bool {
    cx.nodes.usable() && (enabled_in_room == Some(true) || !cx.config.visitors.require_muc_config_flag)
}

/// Answers where to go. `supports_visitors`: None where there is no conference of which to tell.
pub(crate) fn answer(
    cx: &mut Context,
    room: &BareJid,
    requester: Requester,
    place: Place,
    supports_visitors: Option<bool>,
) {
    let property = |name: &str, value: &str| Property { name: Some(name.into()), value: Some(value.into()) };
    let truth = |value: bool| if value { "true" } else { "false" };
    let mut properties = vec![property("authentication", truth(cx.authentication.is_on()))];
    if cx.authentication.is_on() {
        properties.push(property("externalAuth", truth(cx.authentication.is_external())));
    }
    if cx.config.jigasi.brewery_jid.is_some() {
        properties.push(property("sipGatewayEnabled", "true"));
    }
    if place == Place::NotLive {
        properties.push(property("live", "false"));
    }
    if let Some(supported) = supports_visitors {
        properties.push(property("visitors-supported", truth(supported)));
    }
    let Requester { asked, login, .. } = requester;
    let node = if let Place::Node(node) = place { Some(node) } else { None };
    let focusjid = match node {
        Some(node) => cx.nodes.focus_jid(node, cx.jid(node.connection())),
        None => cx.own.focus_jid(cx.jid(Connection::Client)),
    };
    let conference = focus_iq::Conference {
        room: Some(room.as_jid().to_string()),
        focusjid,
        ready: Some(matches!(place, Place::Main | Place::Node(_))),
        vnode: node.map(|node| cx.nodes.get(node).id.clone()),
        session_id: login.as_ref().map(|login| login.session.expose().to_owned()),
        identity: login.map(|login| login.identity.to_string()),
        properties,
        ..focus_iq::Conference::default()
    };
    cx.answer(asked, IqBody::Result(Some(Payload::Conference(conference))));
}

/// Answers that the room can't be had, with the room's words.
pub(crate) fn refuse(cx: &mut Context, asked: Asked, text: &str) {
    cx.answer_error(asked, Condition::InternalServerError, text);
}

/// As clients know it (spec/10 §3.5).
fn stanza_error(refusal: Refusal) -> StanzaError {
    match refusal {
        Refusal::NotAuthorized => error(Condition::NotAuthorized, "not authorized user domain"),
        Refusal::InvalidSession => {
            let application = vec![Raw::of(&SessionInvalid {})];
            StanzaError { application, ..error(Condition::NotAcceptable, "invalid session") }
        }
        Refusal::MachineMismatch => error(Condition::NotAcceptable, "machine UID mismatch or empty"),
        Refusal::MachineMissing => error(Condition::NotAcceptable, "Missing mandatory attribute 'machine-uid'"),
        Refusal::MachineTooLong => error(Condition::NotAcceptable, "Attribute 'machine-uid' is too long"),
    }
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
/// None: our own server, or somebody who speaks HTTP.
pub(crate) fn sender(cx: &Context, asked: &Asked) -> Option<Jid> {
    asked.from.as_ref().map(|from| sender_behind(&cx.config, from))
}

/// Only the proxy may say for whom it asks. Whoever is no address in its words is the proxy itself.
pub(crate) fn sender_behind(config: &Config, from: &Jid) -> Jid {
    let proxied = config.xmpp.client.client_proxy.as_ref().is_some_and(|proxy| proxy.domain() == from.domain());
    let behind = from.resource().filter(|_| proxied && from.local().is_none());
    behind.and_then(|resource| Jid::new(resource).ok()).unwrap_or_else(|| from.clone())
}

/// The sender for a line of the log.
pub(crate) fn name(cx: &Context, asked: &Asked) -> String {
    match (sender(cx, asked), asked.command) {
        (Some(jid), _) => jid.to_string(),
        (None, Some(_)) => "HTTP".into(),
        (None, None) => "our own server".into(),
    }
}

impl Focus {
    /// The line of the log about what is refused before anything is known of a room. `what`: was asked for.
    fn refused(&self, what: &str, asked: &Asked, rule: &str, words: &str) {
        let (room, meeting, nick) = self.speaker(asked, None).unwrap_or_default();
        log::info!(
            room:% = room, meeting_id:% = meeting, participant:% = nick;
            "{what} from {}: refused by rule {rule} ({words})", name(&self.cx, asked)
        );
    }
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
