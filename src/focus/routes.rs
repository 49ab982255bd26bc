//! Where stanzas and changes of connections go.

use std::collections::BTreeSet;

use super::caps::{self, Waiter};
use super::conference::mute::Wish;
use super::conference::{Conference, ConferenceId, Leave, MemberId, Stay};
use super::context::{Asked, Link};
use super::floods::{About, Kind};
use super::pending::{self, Answer, PendingId, Then};
use super::request;
use super::story::Came;
use super::timers::Timer;
use super::{Connection, Focus, NodeId, Timestamp, problems};
use crate::wire::jingle::Jingle;
use crate::wire::presence::Presence;
use crate::wire::stanza::{Iq, IqBody, Message, Payload, Roster, Stanza};
use crate::wire::values::{Action, Condition, MeetingId, MessageType, PresenceType, StanzaId};
use crate::wire::visitors;
use crate::wire::{BareJid, Jid};

/// XEP-0045 §15.6.
const STATUS_CONFIGURATION_CHANGED: u16 = 104;

/// A connection that has come to stand, until all is done that this asks for.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    on: Connection,
    jid: Jid,
    resumed: bool,
    /// Resumed before its rooms were given up.
    in_time: bool,
}

impl Focus {
    pub(super) fn connected(&mut self, on: Connection, jid: Jid, resumed: bool) {
        self.cx.problems.forget(&on.name(&self.cx.config));
        self.health.logged_in |= on == Connection::Client;
        self.watch_load();
        let link = self.cx.link(on);
        link.connected = false;
        let grace = link.in_grace.take();
        self.cx.timers.cancel(grace);
        let in_time = resumed && grace.is_some();
        self.arrival = Some(Arrival { on, jid, resumed, in_time });
        self.arrive();
    }

    /// Does what is to be done where a connection has come to stand, or what is left of it after a failure in its midst.
    pub(super) fn arrive(&mut self) {
        let Some(Arrival { on, jid, resumed, in_time }) = self.arrival.clone() else { return };
        if !self.cx.is_connected(on) {
            self.bury(on, resumed, in_time);
            *self.cx.link(on) = Link { jid: Some(jid), connected: true, ..Link::default() };
        }
        if !in_time {
            self.leave_breweries_behind(on);
        }
        if on != Connection::Component {
            self.greet(on, resumed, in_time);
        }
        self.arrival = None;
    }

    /// What is left to be done of it fails again: it is left, but for what would be taken for true of the new stream.
    pub(super) fn stand(&mut self) {
        let Some(Arrival { on, jid, resumed, in_time }) = self.arrival.take() else { return };
        *self.cx.link(on) = Link { jid: Some(jid), connected: true, ..Link::default() };
        if !in_time {
            self.drop_rooms(on, Stay::Out);
            self.leave_breweries_behind(on);
        }
        if !resumed {
            self.give_up_requests(on);
        }
    }

    /// The server does not say whether it is there: nobody is to be blamed for what is not answered. Or it speaks again, and
    /// what it held back is yet to come.
    pub(super) fn quiet(&mut self, on: Connection, quiet: bool) {
        let was = std::mem::replace(&mut self.cx.link(on).quiet, quiet);
        if was && !quiet && self.cx.is_connected(on) {
            self.wait_anew(on);
        }
        if quiet && on == self.cx.bridge_connection() {
            log::info!(
                "{}: nothing is heard, though the server was asked; bridges are not blamed for what is not answered meanwhile",
                on.name(&self.cx.config)
            );
        }
    }

    /// The server speaks, but has not got to what was said after `taken`: nobody can have answered that. What it takes then has as
    /// much time as if it were asked now; what it had taken before has no more than ever, so that a server that is behind again and
    /// again hides no bridge that is dead.
    pub(super) fn behind(&mut self, on: Connection, behind: bool, taken: Timestamp) {
        let link = self.cx.link(on);
        let was = std::mem::replace(&mut link.behind, behind);
        let before = std::mem::replace(&mut link.taken, taken);
        if was {
            for id in self.cx.pending.asked_after(on, before) {
                self.cx.wait_anew(on, id);
            }
        } else if behind && on == self.cx.bridge_connection() {
            log::info!(
                "{}: the server is behind with what it was sent; bridges are not blamed for what it has not passed on yet",
                on.name(&self.cx.config)
            );
        }
    }

    /// Before we count as connected: what the old stream takes with it is nobody's failure.
    fn bury(&mut self, on: Connection, resumed: bool, in_time: bool) {
        // Rooms that are yet to be left are, where the server has kept the session, however late it is resumed.
        if !resumed {
            self.cx.departures.connection_lost(on);
        }
        if !in_time {
            self.drop_rooms(on, Stay::Out);
        }
        match resumed {
            true => self.wait_anew(on),
            false => self.give_up_requests(on),
        }
    }

    fn greet(&mut self, on: Connection, resumed: bool, in_time: bool) {
        if !resumed {
            let then = if on == Connection::Client { Then::Roster } else { Then::Nothing };
            self.cx.ask(on, None, IqBody::Get(Payload::Roster(Roster::default())), then);
        }
        if on == Connection::Client {
            self.judge_configuration();
            self.discover_components();
        }
        if !resumed {
            self.announce(on, None);
        }
        if on == Connection::Client {
            self.ask_proxy();
        }
        if on == self.cx.bridge_connection() && in_time {
            self.seek_bridges();
        }
        // If we are outside: a try that came due while nothing could be said was let go.
        self.join_breweries(on);
    }

    pub(super) fn disconnected(&mut self, on: Connection, resumable: bool) {
        self.cx.metrics.xmpp_disconnects += 1;
        let link = self.cx.link(on);
        (link.connected, link.behind) = (false, false);
        self.arrival.take_if(|arrival| arrival.on == on);
        // First, so that what was asked for them is not taken for a failure of bridges and rooms.
        if !resumable {
            self.cx.departures.connection_lost(on);
            self.drop_rooms(on, Stay::Out);
        }
        // Nothing asked there will be answered, and a resumed stream brings answers nobody needs any more.
        if !resumable {
            self.give_up_requests(on);
        }
        if on == Connection::Component {
            return;
        }
        let at = self.cx.now + self.cx.reply_timeout(on);
        let timer = self.cx.timers.set(at, Timer::GraceOver(on));
        let old = self.cx.link(on).in_grace.replace(timer);
        self.cx.timers.cancel(old);
    }

    /// Nothing that was asked on this connection will be answered.
    fn give_up_requests(&mut self, on: Connection) {
        self.give_up(self.cx.pending.on_connection(on));
    }

    /// These will not be answered.
    pub(super) fn give_up(&mut self, requests: Vec<PendingId>) {
        for id in requests {
            if let Some((then, deadline)) = self.cx.pending.take(id) {
                self.cx.timers.cancel(Some(deadline));
                let answer = if then.is_for_bridge() { Answer::Unheard } else { Answer::None };
                self.answered(then, answer);
            }
        }
    }

    /// The session was resumed: what was asked of bridges is on its way yet, and has as much time as if it were asked now.
    fn wait_anew(&mut self, on: Connection) {
        for id in self.cx.pending.heeding_silence_on(on) {
            self.cx.wait_anew(on, id);
        }
    }

    /// The connection did not come back in time: what depended on it is over (spec/70 §10.6).
    pub(super) fn grace_over(&mut self, on: Connection) {
        self.cx.link(on).in_grace = None;
        // What is said now arrives if the session is resumed after all: then we are still in the rooms.
        self.drop_rooms(on, Stay::In);
        self.drop_breweries(on);
    }

    /// The conferences whose rooms are there end; visitors whose rooms are there are out.
    fn drop_rooms(&mut self, on: Connection, stay: Stay) {
        match on {
            Connection::Client => self.drop_conferences(if stay == Stay::In { Leave::Room } else { Leave::Silently }),
            Connection::Visitors(node) => {
                for id in self.cx.mirrors.on(node) {
                    self.note(id, Came::Event("the connection of a visitor node is lost"));
                    self.with_conference(id, |conference, cx| conference.mirror_lost(cx, node, stay));
                }
            }
            Connection::Service | Connection::Component => {}
        }
    }

    /// The connections as a user of a server.
    pub(super) fn accounts(&self) -> Vec<Connection> {
        let nodes = self.cx.nodes.ids().map(NodeId::connection);
        [Connection::Client, Connection::Service].into_iter().chain(nodes).collect()
    }

    /// All conferences end; silently, if the stream that they lived on is gone and what was meant for it is for nobody.
    fn drop_conferences(&mut self, leave: Leave) {
        caps::all_ended(&mut self.cx);
        for id in self.conferences.ids() {
            self.with_conference(id, |conference, cx| conference.end(cx, leave));
        }
    }

    /// Our account is gone for all who have subscribed: no request comes to us any more.
    pub(super) fn take_leave(&mut self, on: Connection) {
        let presence = Presence { kind: Some(PresenceType::Unavailable), ..Presence::default() };
        self.cx.send(on, Stanza::Presence(Box::new(presence)));
    }

    /// After a failure outside of conferences: what may not have been done is done again. To say twice that we are there
    /// harms nobody; to be silent on a connection that stands would be for ever.
    pub(super) fn restore(&mut self) {
        for on in self.accounts() {
            if self.cx.is_connected(on) {
                self.announce(on, None);
            }
        }
        self.discover_components();
        self.cx.depart_again();
        self.retry_breweries("an error of ours");
        self.give_up_checks();
        self.give_up_health_check();
        self.ask_for_features();
        if self.are_bridges_reachable() {
            self.seek_bridges();
        }
    }

    /// Members of whom it is not known what they support, and of whom nobody asks it. Whoever is held back is asked later.
    pub(super) fn unasked(&self) -> Vec<Waiter> {
        let asked: BTreeSet<Waiter> = self.cx.caps.waiters().collect();
        let unknown = self.conferences.iter().flat_map(|conference| {
            let members = conference.members().iter();
            let members = members.filter(|member| member.features.is_none() && member.held_back.is_none());
            members.map(|member| (conference.id, member.id))
        });
        unknown.filter(|waiter| !asked.contains(waiter)).collect()
    }

    /// Asks what members support of whom it is neither known nor asked.
    fn ask_for_features(&mut self) {
        for (id, member) in self.unasked() {
            self.with_conference(id, |conference, cx| conference.discover(cx, member));
        }
    }

    /// Presence to all who have subscribed, or to one of them.
    fn announce(&mut self, on: Connection, to: Option<Jid>) {
        let caps = Some(self.cx.own.caps());
        let presence = Presence { to, priority: Some("0".into()), caps, ..Presence::default() };
        self.cx.send(on, Stanza::Presence(Box::new(presence)));
    }

    pub(super) fn stanza(&mut self, on: Connection, stanza: Stanza) {
        match stanza {
            Stanza::Iq(iq) => self.iq(on, *iq),
            Stanza::Presence(presence) => self.presence(on, *presence),
            Stanza::Message(message) => self.message(on, *message),
        }
    }

    fn iq(&mut self, on: Connection, iq: Iq) {
        let Iq { from, to, id, body } = iq;
        let answer = match body {
            IqBody::Get(payload) => return self.asked(Asked { on, from, to, id, command: None }, payload, false),
            IqBody::Set(payload) => return self.asked(Asked { on, from, to, id, command: None }, payload, true),
            IqBody::Result(payload) => Answer::Result(payload),
            IqBody::Error(error) => Answer::Error(error),
        };
        let pending = pending::pending_id(self.cx.ids.prefix(), id.as_str());
        let Some(then) = pending.and_then(|id| self.cx.pending.awaits(id, on, from.as_ref())) else {
            // Second answers, answers after the end, and answers to what needs none (spec/90, row 118).
            self.cx.metrics.answers_unmatched += 1;
            return;
        };
        // It is open until then: if this fails, it will be given up.
        let answer = if then.is_for_bridge() { self.heard_of_bridge(answer) } else { answer };
        if let Some((then, deadline)) = pending.and_then(|id| self.cx.pending.take(id)) {
            self.cx.timers.cancel(Some(deadline));
            self.answered(then, answer);
        }
    }

    /// Every request is answered: by whoever it is for, or by the error of RFC 6120 (spec/90, row 115).
    fn asked(&mut self, asked: Asked, payload: Payload, set: bool) {
        self.asked = Some(asked.clone());
        let jingle = match &payload {
            Payload::Jingle(jingle) if set => Some(jingle),
            _ => None,
        };
        if let Some(jingle) = jingle {
            self.cx.metrics.jingle_received.add(jingle);
            self.cx.metrics.first_jingle.get_or_insert(self.cx.now);
        }
        if !self.admits(&asked, &payload) {
            let conference = self.member(&asked).and_then(|(id, _)| self.conferences.get_mut(id));
            if let Some(conference) = conference {
                conference.story.refused_as_too_many(self.cx.now, asked.from.as_ref());
            }
            self.cx.metrics.requests_limited += 1;
            self.cx.metrics.jingle_dropped += u64::from(jingle.is_some());
            return self.cx.answer_error(asked, Condition::ResourceConstraint, "rate-limited");
        }
        // Where clients ask for conferences.
        let by_clients = matches!(asked.on, Connection::Client | Connection::Component);
        match payload {
            Payload::Conference(request) if set && by_clients => self.conference_request(asked, &request),
            Payload::LoginUrl(request) if !set && by_clients => self.login_url(asked, &request),
            Payload::Logout(request) if set && by_clients => self.log_out(asked, &request),
            Payload::Visitors(wish) if set && asked.on == Connection::Client => self.broadcast(asked, &wish),
            Payload::Jingle(jingle) if set && asked.on != Connection::Component => self.jingle(asked, jingle),
            Payload::Ping(_) if !set => self.cx.answer(asked, IqBody::Result(None)),
            Payload::Version(_) if !set => {
                let version = self.cx.own.version();
                self.cx.answer(asked, IqBody::Result(Some(Payload::Version(version))));
            }
            Payload::DiscoInfo(query) if !set => match self.cx.own.disco_info(asked.on, query.node.as_deref()) {
                Some(info) => self.cx.answer(asked, IqBody::Result(Some(Payload::DiscoInfo(info)))),
                None => self.cx.answer_error(asked, Condition::ItemNotFound, ""),
            },
            payload if set && asked.on.node().is_none() => match Wish::read(&payload) {
                Some(wish) => self.mute(asked, &wish),
                None => self.cx.answer_error(asked, Condition::FeatureNotImplemented, ""),
            },
            _ => self.cx.answer_error(asked, Condition::FeatureNotImplemented, ""),
        }
    }

    /// Whether there is room for one more request: of its sender, in its room, and at the door. Our own server and its components
    /// are not limited.
    fn admits(&mut self, asked: &Asked, payload: &Payload) -> bool {
        let kind = match payload {
            Payload::Jingle(jingle) if !is_of_the_sender_alone(jingle) => Kind::Change,
            _ => Kind::Request,
        };
        if !self.admits_payer(asked, kind) {
            return false;
        }
        // After what is his own: whoever has used that up takes nothing of what is for all. Of those who ask for a conference it is
        // looked into for which room they are.
        let is_inside = self.member(asked).is_some();
        is_inside || matches!(payload, Payload::Conference(_)) || self.admits_outsider(asked, None)
    }

    /// Whether there is room for one more request of whoever has to pay for it, and in the room that it is about.
    fn admits_payer(&mut self, asked: &Asked, kind: Kind) -> bool {
        let Some(payer) = self.payer(asked) else { return true };
        let conference = self.member(asked).and_then(|(id, _)| self.conferences.get_mut(id));
        let room = conference.map(|conference| {
            let members = conference.members().len();
            (&mut conference.purse, members)
        });
        let admitted = self.cx.floods.admit(self.cx.now, &payer, kind, room);
        if !admitted {
            let (room, meeting, nick) = self.speaker(asked, None).unwrap_or_default();
            let about = About { room: &room, meeting: meeting.as_str(), participant: &nick };
            self.cx.floods.tell_refused(self.cx.now, &payer, kind, &about);
        }
        admitted
    }

    /// For the log: in which of our rooms, and in which meeting, whoever asks is a member, and with which endpoint id. Of one
    /// who does not ask as a member, but is one somewhere, the first of these, or that in `room`.
    pub(super) fn speaker(&self, asked: &Asked, room: Option<&BareJid>) -> Option<(String, MeetingId, String)> {
        let wanted = room.map(|room| self.conferences.id_of(room));
        let is_wanted = |(id, _): &&(ConferenceId, MemberId)| wanted.is_none_or(|wanted| wanted == Some(*id));
        let by_address = || self.cx.addresses.get(&request::sender(&self.cx, asked)?)?.iter().find(is_wanted).copied();
        let (id, member) = self.member(asked).filter(|it| is_wanted(&it)).or_else(by_address)?;
        let conference = self.conferences.get(id)?;
        let nick = conference.members().get(member)?.nick.to_string();
        Some((conference.room.to_string(), conference.meeting.clone(), nick))
    }

    /// Who has to pay for a request. None: our own server or a component of it, or nobody who has an address.
    pub(super) fn payer(&self, asked: &Asked) -> Option<Jid> {
        let member = |(id, member)| self.conferences.get(id)?.members().get(member);
        match self.member(asked).and_then(member) {
            Some(member) => Some(self.cx.payer_of(member)),
            None => self.outsider(asked),
        }
    }

    /// Jingle of a member of one of our rooms; of anybody else it is about a session that there is not.
    fn jingle(&mut self, asked: Asked, jingle: Jingle) {
        match self.member(&asked) {
            Some((id, member)) => {
                self.note(id, Came::Jingle(jingle.action.as_deref(), asked.from.as_ref()));
                self.with_conference(id, |conference, cx| conference.jingle(cx, asked, member, jingle));
            }
            None => self.cx.answer_error(asked, Condition::BadRequest, ""),
        }
    }

    /// A wish to mute of a member of one of our rooms; nobody else has any say there.
    fn mute(&mut self, asked: Asked, wish: &Wish) {
        match self.member(&asked) {
            Some((id, member)) => {
                let what = if wish.mutes() { "to mute" } else { "to unmute" };
                self.note(id, Came::Request(what, asked.from.as_ref()));
                self.with_conference(id, |conference, cx| conference.mute(cx, asked, member, wish));
            }
            None => self.cx.answer_error(asked, Condition::ItemNotFound, ""),
        }
    }

    /// A moderator of one of our rooms lets visitors in; nobody else has any say there.
    fn broadcast(&mut self, asked: Asked, wish: &visitors::Visitors) {
        if wish.broadcast.is_none() || !self.cx.nodes.enabled() {
            return self.cx.answer_error(asked, Condition::FeatureNotImplemented, "");
        }
        match self.member(&asked) {
            Some((id, member)) => {
                self.note(id, Came::Request("to let visitors in", asked.from.as_ref()));
                self.with_conference(id, |conference, cx| conference.broadcast(cx, asked, member, wish));
            }
            None => self.cx.answer_error(asked, Condition::Forbidden, ""),
        }
    }

    /// The conference to which a room on a connection belongs: as its own, or as one of visitors.
    pub(super) fn conference_at(&self, on: Connection, room: &str) -> Option<ConferenceId> {
        match on {
            Connection::Visitors(node) => self.cx.mirrors.conference(node, room),
            _ => {
                let id = self.conferences.id_of_text(room)?;
                self.conferences.get(id).filter(|conference| conference.seat.on == on).map(|_| id)
            }
        }
    }

    /// For the log: which room, meeting and endpoint a stanza from there is about. The endpoint is empty where nobody is meant.
    pub fn about(&self, on: Connection, from: &Jid) -> Option<(String, MeetingId, String)> {
        let conference = self.conferences.get(self.conference_at(on, from.bare_str())?)?;
        let nick = from.resource().unwrap_or_default().to_owned();
        Some((conference.room.to_string(), conference.meeting.clone(), nick))
    }

    /// The member of one of our rooms that asks, if it is one.
    pub(super) fn member(&self, asked: &Asked) -> Option<(ConferenceId, MemberId)> {
        let from = asked.from.as_ref()?;
        let id = self.conference_at(asked.on, from.bare_str())?;
        Some((id, self.conferences.get(id)?.member_by_nick(asked.on, from.resource()?)?))
    }

    fn presence(&mut self, on: Connection, presence: Presence) {
        let Some(from) = &presence.from else { return };
        if presence.kind == Some(PresenceType::Subscribe) {
            return self.subscribe(on, &from.to_bare());
        }
        // The bare room says nothing of anybody (spec/20 §2.4).
        if from.resource().is_none() {
            return;
        }
        if let Some(id) = self.conference_at(on, from.bare_str()) {
            self.note(id, Came::Presence(presence.kind, Some(from)));
            return self.with_conference(id, |conference, cx| match on {
                Connection::Visitors(node) => conference.mirror_presence(cx, node, presence),
                _ => conference.presence(cx, presence),
            });
        }
        if !self.cx.departures.is_empty()
            && let Ok(room) = BareJid::from_jid(from)
        {
            self.cx.departing_presence(on, &room, &presence);
        }
        if let Some(worker) = self.brewery_at(on, from) {
            self.brewery_presence(worker, &presence);
        }
    }

    /// The client proxy finds us by our presence: whoever it is set to may see it, also if nobody put it on the roster
    /// (spec/70 §10.4). Nobody else may.
    fn subscribe(&mut self, on: Connection, from: &Jid) {
        let proxy = self.cx.config.xmpp.client.client_proxy.as_ref();
        let welcome = on == Connection::Client && proxy == Some(from);
        // A stranger may ask as often as for anything else; beyond that nobody is answered.
        let asked = Asked { on, from: Some(from.clone()), to: None, id: StanzaId::from(""), command: None };
        let admitted = welcome || (self.admits_payer(&asked, Kind::Request) && self.admits_outsider(&asked, None));
        if !admitted {
            self.cx.metrics.requests_limited += 1;
            return;
        }
        let kind = if welcome { PresenceType::Subscribed } else { PresenceType::Unsubscribed };
        let answer = Presence { to: Some(from.clone()), kind: Some(kind), ..Presence::default() };
        self.cx.send(on, Stanza::Presence(Box::new(answer)));
        if welcome {
            self.announce(on, Some(from.clone()));
            self.cx.problems.solve(problems::Kind::NoSubscription, from.as_str());
        }
    }

    fn message(&mut self, on: Connection, message: Message) {
        let Some(from) = message.from.filter(|_| on == Connection::Client) else { return };
        match message.kind {
            None | Some(MessageType::Normal) => {
                if let Some(json) = message.json_message {
                    self.component_message(&from, json);
                }
            }
            // Of the room itself; its occupants' chat is nobody's business here.
            Some(MessageType::Groupchat) if from.resource().is_none() => {
                let status = message.muc_user.iter().flat_map(|user| &user.statuses);
                if status.into_iter().any(|status| status.code == STATUS_CONFIGURATION_CHANGED)
                    && let Some(id) = self.conferences.id_of_text(from.as_str())
                {
                    self.note(id, Came::Event("the room's configuration has changed"));
                    self.with_conference(id, Conference::reconfigured);
                }
            }
            _ => {}
        }
    }
}

/// Jingle that nobody but the sender and its bridge is told of. Whoever ends its session takes it that it has ended: that is
/// refused last.
fn is_of_the_sender_alone(jingle: &Jingle) -> bool {
    let alone = [Action::TransportInfo, Action::SessionTerminate].map(Action::as_str);
    jingle.action.as_deref().is_some_and(|action| alone.contains(&action))
}
