//! Whether we are well: a conference can be made, and the server is there (spec/80 §6). Not to be confused with the health of
//! bridges.

use std::time::Duration;

use super::command::{CommandId, Reply};
use super::conference::{Conference, ConferenceId, Leave, Properties};
use super::context::NICK;
use super::pending::{Answer, Then};
use super::problems::Kind;
use super::seat::EntryFailure;
use super::time::Timestamp;
use super::timers::Timer;
use super::{Connection, Focus, Output};
use crate::wire::stanza::{IqBody, Payload, Ping};
use crate::wire::{BareJid, Jid};

/// How long the server may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// What servers say of a domain that hosts no rooms.
const NOBODY_THERE: [&str; 3] = ["item-not-found", "remote-server-not-found", "service-unavailable"];

/// What a check found, or what is said without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Well,
    /// It may pass by itself.
    Soft(String),
    /// Whoever watches over us shall do something.
    Hard(String),
}

impl Outcome {
    pub fn is_well(&self) -> bool {
        *self == Outcome::Well
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Outcome::Well => None,
            Outcome::Soft(text) | Outcome::Hard(text) => Some(text),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Health {
    /// The client connection has stood once.
    pub logged_in: bool,
    check: Option<Check>,
    last: Option<(Timestamp, Outcome)>,
    /// Where checks are made when somebody asks: who does.
    waiting: Vec<CommandId>,
}

/// A check that is being made.
#[derive(Debug)]
struct Check {
    began: Timestamp,
    step: Step,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Begun,
    Entering(ConferenceId),
    Pinging,
}

impl Focus {
    /// Begins to check, if that is wanted.
    pub(super) fn watch_health(&mut self) {
        let config = &self.cx.config.health;
        if config.enabled && !config.interval.is_zero() {
            self.cx.timers.set(self.cx.now + config.interval, Timer::CheckHealth);
        }
    }

    pub(super) fn health_due(&mut self) {
        self.watch_health();
        self.check_health();
    }

    /// How we are, by the last check and by what is known without one.
    pub fn health(&self) -> Outcome {
        let config = &self.cx.config.health;
        if self.cx.problems.has(Kind::TwoFocuses) {
            return Outcome::Hard("Another process has taken over our account.".into());
        }
        if !self.health.logged_in {
            return Outcome::Soft("starting: not logged in yet".into());
        }
        let began = self.cx.metrics.started.unwrap_or(self.cx.now);
        let age = self.cx.now.since(self.health.last.as_ref().map_or(began, |(at, _)| *at));
        if age > config.timeout && !config.interval.is_zero() {
            let age = age.as_secs();
            return Outcome::Hard(format!("No health checks performed recently, the last result was {age} s ago."));
        }
        let last = self.health.last.as_ref().map_or(&Outcome::Well, |(_, outcome)| outcome);
        let config = &self.cx.config;
        let bridges_cut = config.xmpp.service.is_some() && !self.cx.is_connected(Connection::Service);
        let unasked = config.component.is_some() && !self.cx.is_connected(Connection::Component);
        match last {
            Outcome::Well if bridges_cut => Outcome::Soft("The service connection is down.".into()),
            Outcome::Well if unasked => {
                Outcome::Soft("The component connection is down: nobody can ask for a conference.".into())
            }
            last => last.clone(),
        }
    }

    /// Somebody asks. None: he is answered when a check has been made.
    pub(super) fn health_asked(&mut self, id: CommandId) -> Option<Reply> {
        if !self.cx.config.health.interval.is_zero() {
            return Some(Reply::Health(self.health()));
        }
        // From here on he is answered with the check, however it ends.
        self.commanded = None;
        self.health.waiting.push(id);
        self.check_health();
        None
    }

    /// Makes a check, unless one is being made.
    fn check_health(&mut self) {
        if self.health.check.is_some() {
            return;
        }
        self.health.check = Some(Check { began: self.cx.now, step: Step::Begun });
        let (now, config) = (self.cx.now, &self.cx.config.bridge);
        let usable = self.cx.bridges.iter().any(|it| it.operational(now, config) && !it.graceful_shutdown);
        if !usable {
            let count = self.cx.bridges.iter().count();
            return self
                .check_ended(Outcome::Hard(format!("No operational bridges available (total bridge count: {count})")));
        }
        if self.stopping {
            return self.check_ended(Outcome::Hard("The focus is stopping.".into()));
        }
        // There is nobody to ask for a room.
        if !self.cx.is_connected(Connection::Client) {
            return self.ping();
        }
        let Some((room, occupant)) = self.room_for_check() else {
            return self.check_ended(Outcome::Hard(
                "Failed to run health check: no address of rooms (set jicofo.xmpp.client.conference-muc-jid or \
                 xmpp-domain, and a plain jicofo.health.room-name-prefix)"
                    .into(),
            ));
        };
        let properties = Properties { rtcstats: false, start_audio_muted: None, start_video_muted: None };
        let mut conference = Conference::new(&mut self.cx, room, occupant, properties, None);
        conference.is_check = true;
        let id = conference.id;
        self.set_step(Step::Entering(id));
        self.conferences.insert(conference);
        self.with_conference(id, Conference::start);
    }

    /// A room that nobody else has.
    fn room_for_check(&mut self) -> Option<(BareJid, Jid)> {
        let domain = self.cx.rooms_domain.clone()?;
        #[expect(clippy::cast_possible_wrap, reason = "any 64 bits, written with a sign as in the original")]
        let number = self.cx.ids.next() as i64;
        let name = format!("{}-{number}@{domain}", self.cx.config.health.room_name_prefix);
        let room = BareJid::new(&name).ok().filter(|room| self.conferences.id_of(room).is_none())?;
        let occupant = room.with_resource(NICK).ok()?;
        Some((room, occupant))
    }

    fn set_step(&mut self, step: Step) {
        if let Some(check) = &mut self.health.check {
            check.step = step;
        }
    }

    fn is_at(&self, step: &Step) -> bool {
        self.health.check.as_ref().is_some_and(|check| check.step == *step)
    }

    /// The room has let us in: that is all that was to be seen there.
    pub(super) fn check_entered(&mut self, id: ConferenceId) {
        let wanted = self.is_at(&Step::Entering(id));
        // Before it ends, which would be a failure otherwise.
        self.set_step(Step::Pinging);
        self.with_conference(id, |conference, cx| conference.end(cx, Leave::Room));
        if wanted {
            self.ping();
        }
    }

    pub(super) fn check_conference_ended(&mut self, conference: &Conference) {
        if !self.is_at(&Step::Entering(conference.id)) {
            return;
        }
        self.check_ended(match &conference.failure {
            Some(EntryFailure::NoAnswer(_)) => Outcome::Soft("Test conference failed to start due to timeout.".into()),
            Some(EntryFailure::Refused { condition, text }) => {
                let text = if text.is_empty() { condition.as_str() } else { text };
                let domain = conference.room.domain();
                let mut said = format!("Failed to run health check: the room was refused ({text})");
                if NOBODY_THERE.contains(&condition.as_str()) {
                    said += &format!(
                        "; if rooms are not at {domain}, set jicofo.xmpp.client.conference-muc-jid to where they are"
                    );
                }
                Outcome::Hard(said)
            }
            None => Outcome::Hard("Test conference failed to start.".into()),
        });
    }

    fn ping(&mut self) {
        self.set_step(Step::Pinging);
        let domain = self.cx.config.xmpp.client.xmpp_domain.as_ref().map(|domain| Jid::new(domain));
        match domain {
            None => self.check_ended(Outcome::Hard(
                "Failed to run health check: nobody to ping, jicofo.xmpp.client.xmpp-domain is not set".into(),
            )),
            Some(Err(wrong)) => self.check_ended(Outcome::Hard(format!("Failed to run health check: {wrong}"))),
            Some(Ok(_)) if !self.cx.is_connected(Connection::Client) => {
                self.check_ended(Outcome::Soft("XMPP ping failed: not connected".into()));
            }
            Some(Ok(domain)) => {
                let body = IqBody::Get(Payload::Ping(Ping {}));
                self.cx.ask_within(PING_TIMEOUT, Connection::Client, Some(domain), body, Then::Pinged);
            }
        }
    }

    /// The server answered our ping, or not. It may refuse it: it is there.
    pub(super) fn pinged(&mut self, answer: &Answer) {
        if self.is_at(&Step::Pinging) {
            self.check_ended(match answer {
                Answer::None | Answer::Unheard => Outcome::Soft("XMPP ping failed: no answer".into()),
                Answer::Result(_) | Answer::Error(_) => Outcome::Well,
            });
        }
    }

    fn check_ended(&mut self, outcome: Outcome) {
        let Some(check) = self.health.check.take() else { return };
        let took = self.cx.now.since(check.began);
        let outcome = if took > self.cx.config.health.max_check_duration {
            self.cx.metrics.slow_health_checks += 1;
            match outcome {
                Outcome::Well => {
                    Outcome::Hard(format!("Performing a health check took too long: {:.1} s", took.as_secs_f64()))
                }
                failed => failed,
            }
        } else {
            outcome
        };
        let before = self.health.last.as_ref().map(|(_, outcome)| outcome);
        match (&outcome, before) {
            (outcome, Some(before)) if outcome == before => {}
            (Outcome::Well, None) => {}
            (Outcome::Well, Some(_)) => log::info!("The health check passes again."),
            (Outcome::Soft(text), _) => log::warn!("The health check failed: {text}"),
            (Outcome::Hard(text), _) => log::error!("The health check failed: {text}"),
        }
        self.health.last = Some((self.cx.now, outcome));
        for id in std::mem::take(&mut self.health.waiting) {
            let reply = Reply::Health(self.health());
            self.cx.put(Output::Reply { id, reply });
        }
    }

    /// After a failure of ours: it may have been the check that failed.
    pub(super) fn give_up_health_check(&mut self) {
        self.check_ended(Outcome::Hard("Failed to run health check: an error of ours".into()));
    }
}
