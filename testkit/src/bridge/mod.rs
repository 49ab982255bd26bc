//! A videobridge: joins a brewery, says how it is, and runs conferences as the real one does (spec/40 §3, spec/50 §2).
//!
//! It parses as strictly as the real one, which closes its stream at what it cannot read: then this one complains, and says
//! nothing more. No I/O, no clock.

mod conference;
mod errors;
mod relays;
mod replies;
mod request;
mod stats;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use indexmap::IndexMap;

use crate::Time;
use crate::ns;
use crate::participant::CROSSING;
use crate::participant::media::Dice;
use crate::violation::{Complaints, Violation};
use crate::xml::{Element, Read, bare, el, error_of, result_of};
pub use conference::{Conference, Credentials, Endpoint};
pub use errors::Refused;
pub use relays::Relay;
use request::Modify;
pub use stats::Stats;

/// Nobody waits for an answer any more that takes so long: the reply timeout, less the ways there and back.
const PATIENCE: Time = Time::from_secs(14);

/// Who a bridge is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its nickname in the brewery.
    pub nick: String,
    pub jid: String,
    /// `jvbbrewery@internal.auth.…`
    pub brewery: String,
    pub stats: Stats,
    /// Zero: only when it changes.
    pub presence_interval: Time,
    pub sctp: bool,
    pub web_sockets: bool,
    pub ice_restart: IceRestart,
    /// There was another of its name, of whose conferences it may be told the end.
    pub follows: bool,
    /// How long each answer takes.
    pub delay: Time,
    /// Keeps what it was asked, for [`Bridge::requests`].
    pub keeps_requests: bool,
}

impl Settings {
    pub fn new(nick: impl Into<String>, brewery: impl Into<String>) -> Settings {
        let nick = nick.into();
        Settings {
            jid: format!("jvb@auth.meet.test/{nick}"),
            nick,
            brewery: brewery.into(),
            stats: Stats::default(),
            presence_interval: Time::from_secs(5),
            sctp: true,
            web_sockets: true,
            ice_restart: IceRestart::Works,
            follows: false,
            delay: Time::ZERO,
            keeps_requests: true,
        }
    }
}

/// What it does when it is asked for an ICE restart (spec/40 §5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceRestart {
    Works,
    /// Not connected yet: the old credentials again, without generation.
    NotNeeded,
    /// A bridge older than August 2026: no transport in the answer.
    Refused,
}

/// How it answers health checks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    #[default]
    Well,
    /// `internal-server-error` with these words.
    Failing(String),
    /// An error with this condition, as somebody on the way may give it.
    Refusing(&'static str),
    Silent,
}

/// What happens to the next colibri2 request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is lost before the bridge sees it.
    Lost,
    /// It is carried out, its answer is lost.
    Unanswered,
    /// It is answered later.
    Late(Time),
    /// It is carried out, and its result is changed before it goes.
    Altered(fn(&mut Element)),
    /// It never reaches the bridge, and the server says so, or its room.
    Bounced { kind: &'static str, condition: &'static str, text: Option<&'static str>, by: By },
    /// It is not carried out, and answered as the bridge refuses such a request.
    Refused(fn(&Element) -> Refused),
    /// It is not carried out, and answered with this error: type, condition, text, colibri2 reason.
    Error { kind: &'static str, condition: &'static str, text: String, reason: Option<&'static str> },
}

/// Who an error names as the one that made it (spec/40 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Nobody,
    /// The brewery.
    Room,
    /// The MUC component of the brewery.
    Component,
}

/// An error of its own which it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The meeting id of the conference that it was about.
    pub meeting: String,
    /// It had missed something of that conference before, or nobody had heard what it answered.
    pub missed: bool,
    pub condition: String,
    pub text: String,
}

pub struct Bridge {
    pub settings: Settings,
    pub health: Health,
    /// It carries out nothing that is about a link, ends included, and answers with this condition.
    pub refuses_links: Option<&'static str>,
    complaints: Complaints,
    now: Time,
    ready: VecDeque<Element>,
    /// Answers that wait for their time; in order, as one thread gives them (spec/40 §1, 7).
    late: VecDeque<(Time, Element)>,
    conferences: IndexMap<String, Conference>,
    /// Meeting ids of conferences of which it has not seen all, or has lost something, or nobody has heard what it answered.
    missed: BTreeSet<String>,
    /// It has started anew: what it did and answered before nobody may have heard, and what was under way then reaches this life.
    restarted: bool,
    joined_at: Time,
    faults: VecDeque<Fault>,
    /// When one of them happened last.
    failed_at: Option<Time>,
    /// Until then it works off what it was asked long before.
    lags_until: Time,
    joined: bool,
    /// It could not read something: the real one's stream is closed.
    broken: bool,
    next_presence: Option<Time>,
    /// Until then it says nothing of itself.
    silent_until: Time,
    errors: Vec<Answered>,
    /// Requests that it carried out or refused, by the clock.
    requests: Vec<(Time, Element)>,
    dice: Dice,
    next_id: u64,
}

impl Bridge {
    pub fn new(settings: Settings) -> Bridge {
        Bridge {
            health: Health::Well,
            complaints: Complaints::of(&settings.nick),
            now: Time::ZERO,
            ready: VecDeque::new(),
            late: VecDeque::new(),
            conferences: IndexMap::new(),
            missed: BTreeSet::new(),
            restarted: settings.follows,
            joined_at: Time::ZERO,
            refuses_links: None,
            faults: VecDeque::new(),
            failed_at: None,
            lags_until: Time::ZERO,
            joined: false,
            broken: false,
            next_presence: None,
            silent_until: Time::ZERO,
            errors: Vec::new(),
            requests: Vec::new(),
            dice: Dice::of(&settings.nick),
            next_id: 0,
            settings,
        }
    }

    /// Enters the brewery; the first presence with stats follows when it is in.
    pub fn join(&mut self) {
        let to = self.occupant_jid();
        self.ready.push_back(el("presence", ns::CLIENT).attr("to", to).child(el("x", ns::MUC)).done());
    }

    /// Starts anew: nothing is left of its conferences.
    pub fn restart(&mut self) {
        self.missed.extend(self.conferences.drain(..).map(|(id, _)| id));
        self.restarted = true;
        self.late.clear();
        self.ready.clear();
        self.joined = false;
        self.broken = false;
        self.next_presence = None;
    }

    /// Changes what it publishes, and publishes it at once.
    pub fn publish(&mut self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.settings.stats);
        if self.joined {
            self.send_presence();
        }
    }

    /// It answers as ever, and says nothing of itself in its brewery until then.
    pub fn says_nothing_until(&mut self, end: Time) {
        self.silent_until = end;
    }

    /// Until then it works off what it was asked long before, and the focus has given up.
    pub fn lags_until(&mut self, end: Time) {
        self.lags_until = self.lags_until.max(end);
    }

    /// What happens to the next colibri2 request; several wait in line. Expiries are let through: what a bridge keeps
    /// after a failed one stays there until its own timers find it, whatever the focus does.
    pub fn fail_next(&mut self, fault: Fault) {
        self.faults.push_back(fault);
    }

    /// Nothing happens to further requests.
    pub fn forget_faults(&mut self) {
        self.faults.clear();
    }

    /// When it did last what it was told to with [`Bridge::fail_next`].
    pub fn failed_at(&self) -> Option<Time> {
        self.failed_at
    }

    /// Forgets a conference, as after a restart that nobody noticed.
    pub fn forget(&mut self, meeting_id: &str) {
        if self.conferences.shift_remove(meeting_id).is_some() {
            self.missed.insert(meeting_id.to_owned());
        }
    }

    /// Expires an endpoint without telling anybody, as its timers do (spec/40 §3.4).
    pub fn forget_endpoint(&mut self, id: &str) {
        for (meeting, conference) in &mut self.conferences {
            if conference.endpoints.shift_remove(id).is_some() {
                self.missed.insert(meeting.clone());
            }
        }
    }

    pub fn poll_output(&mut self) -> Option<Element> {
        self.ready.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Time> {
        let late = self.late.front().map(|(at, _)| *at);
        late.into_iter().chain(self.next_presence).min()
    }

    pub fn handle_timeout(&mut self, now: Time) {
        self.set_now(now);
        while self.late.front().is_some_and(|(at, _)| *at <= now) {
            self.ready.extend(self.late.pop_front().map(|(_, stanza)| stanza));
        }
        if self.next_presence.is_some_and(|at| at <= now) {
            self.send_presence();
        }
    }

    pub fn handle(&mut self, now: Time, stanza: &Element) {
        self.set_now(now);
        if self.broken {
            return;
        }
        match (stanza.name(), stanza.get("type")) {
            ("presence", kind) if stanza.get("from") == Some(self.occupant_jid().as_str()) => self.on_own(stanza, kind),
            ("iq", Some("get" | "set")) => self.on_request(stanza),
            _ => {}
        }
    }

    pub fn nick(&self) -> &str {
        &self.settings.nick
    }

    pub fn occupant_jid(&self) -> String {
        format!("{}/{}", self.settings.brewery, self.settings.nick)
    }

    pub fn joined(&self) -> bool {
        self.joined
    }

    /// By meeting id.
    pub fn conferences(&self) -> &IndexMap<String, Conference> {
        &self.conferences
    }

    /// The endpoint of that id, in whichever conference.
    pub fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.conferences.values().find_map(|conference| conference.endpoints.get(id))
    }

    pub fn endpoint_count(&self) -> usize {
        self.conferences.values().map(|conference| conference.endpoints.len()).sum()
    }

    /// The colibri2 requests that came, with their times.
    pub fn requests(&self) -> &[(Time, Element)] {
        &self.requests
    }

    /// Errors it answered on its own account; the scenario fails for each that no test has taken.
    pub fn errors(&self) -> &[Answered] {
        &self.errors
    }

    /// Whether what it is asked about that conference need not fit what it has, through no fault of who asks.
    pub fn has_missed(&self, meeting_id: &str) -> bool {
        self.missed.contains(meeting_id)
    }

    pub fn take_errors(&mut self) -> Vec<Answered> {
        std::mem::take(&mut self.errors)
    }

    pub fn violations(&self) -> &[Violation] {
        self.complaints.list()
    }

    pub fn take_violations(&mut self) -> Vec<Violation> {
        self.complaints.take()
    }

    pub fn set_now(&mut self, now: Time) {
        self.now = now;
        self.complaints.set_now(now);
    }

    fn on_own(&mut self, presence: &Element, kind: Option<&str>) {
        match kind {
            None if !self.joined => {
                self.joined = true;
                self.joined_at = self.now;
                self.send_presence();
            }
            Some("unavailable") => {
                self.joined = false;
                self.next_presence = None;
            }
            Some("error") => {
                self.complaints.add(format!("cannot join the brewery: {:?}", crate::xml::error_in(presence)))
            }
            _ => {}
        }
    }

    fn send_presence(&mut self) {
        if self.now < self.silent_until {
            self.next_presence = Some(self.silent_until);
            return;
        }
        self.next_id += 1;
        let stats = self.settings.stats.element(self.conferences.len(), self.endpoint_count());
        let presence = el("presence", ns::CLIENT)
            .attr("to", self.occupant_jid())
            .child(el("priority", ns::CLIENT).text("0"))
            .child(stats)
            .child(
                el("c", ns::CAPS)
                    .attr("hash", "sha-1")
                    .attr("node", "https://igniterealtime.org/projects/smack")
                    .attr("ver", "pV2mUBlRJ4k0R9oLhYkDnrtTrKE="),
            );
        self.ready.push_back(presence.done());
        self.next_presence =
            (!self.settings.presence_interval.is_zero()).then(|| self.now + self.settings.presence_interval);
    }

    fn on_request(&mut self, iq: &Element) {
        let Some(payload) = iq.children().next() else { return };
        // Peer depends: only occupants of its breweries are answered (spec/40 §1, 2).
        if iq.get("from").map(bare) != Some(self.settings.brewery.as_str()) {
            self.complaints.add(format!("a request of {:?}, who is not in the brewery", iq.get("from")));
            return self.answer(error_of(iq, "auth", "forbidden", None).done());
        }
        match (payload.name(), payload.ns()) {
            ("conference-modify", ns::COLIBRI2) => self.on_modify(iq, payload),
            ("healthcheck", ns::HEALTHCHECK) => self.on_health_check(iq),
            ("query", ns::VERSION) => self.answer(result_of(iq).child(el("query", ns::VERSION)).done()),
            ("query", ns::DISCO_INFO) => self.answer(result_of(iq).child(self.disco(payload)).done()),
            ("ping", ns::PING) => self.answer(result_of(iq).done()),
            (name, namespace) => {
                self.complaints.add(format!("a request that no bridge knows: <{name} xmlns='{namespace}'>"));
                self.answer(error_of(iq, "cancel", "feature-not-implemented", None).done());
            }
        }
    }

    fn disco(&self, query: &Element) -> Element {
        let features = [ns::HEALTHCHECK, ns::DTLS, ns::ICE, ns::VERSION];
        let features = features.map(|feature| el("feature", ns::DISCO_INFO).attr("var", feature));
        el("query", ns::DISCO_INFO).opt("node", query.get("node")).children(features).done()
    }

    fn on_health_check(&mut self, iq: &Element) {
        match self.health.clone() {
            Health::Well => self.answer(result_of(iq).done()),
            Health::Failing(text) => self.answer(error_of(iq, "cancel", "internal-server-error", Some(&text)).done()),
            Health::Refusing(condition) => self.answer(error_of(iq, "cancel", condition, None).done()),
            Health::Silent => {}
        }
    }

    fn on_modify(&mut self, iq: &Element, payload: &Element) {
        if self.settings.keeps_requests {
            self.requests.push((self.now, payload.clone()));
        }
        let expires = |element: &Element| element.get("expire") == Some("true");
        let ends = payload.children().any(ends_something);
        // The end of an endpoint may be lost; errors and the like are meant for what makes and changes something.
        let spared = expires(payload) || (ends && !matches!(self.faults.front(), Some(Fault::Lost)));
        let fault = if spared { None } else { self.faults.pop_front() };
        if fault.is_some() {
            self.failed_at = Some(self.now);
        }
        let unheard = match &fault {
            Some(Fault::Lost | Fault::Unanswered | Fault::Error { .. } | Fault::Refused(_) | Fault::Bounced { .. }) => {
                true
            }
            Some(Fault::Late(delay)) => *delay >= PATIENCE,
            _ => false,
        };
        let late = self.late.back().is_some_and(|(at, _)| *at >= self.now + PATIENCE);
        let misses = unheard || late || self.settings.delay >= PATIENCE || self.now < self.lags_until;
        if let Some(id) = payload.get("meeting-id").filter(|_| misses) {
            self.missed.insert(id.to_owned());
            if let Some(conference) = self.conferences.get_mut(id) {
                conference.troubled = true;
            }
        }
        match &fault {
            Some(Fault::Lost) => return,
            Some(Fault::Bounced { kind, condition, text, by }) => {
                let mut answer = error_of(iq, kind, condition, *text).done();
                let brewery = &self.settings.brewery;
                let by = match by {
                    By::Nobody => None,
                    By::Room => Some(brewery.as_str()),
                    By::Component => Some(crate::xml::domain(brewery)),
                };
                if let (Some(error), Some(by)) = (answer.get_child_mut("error", ns::CLIENT), by) {
                    crate::xml::set_attr(error, "by", by);
                }
                return self.answer(answer);
            }
            Some(Fault::Refused(refused)) => {
                let refused = refused(payload);
                let conference = payload.get("meeting-id").and_then(|id| self.conferences.get_mut(id));
                if let Some(conference) = conference {
                    conference.calls_wrong(payload, refused.condition);
                }
                return self.answer(refused.answer(iq));
            }
            Some(Fault::Error { kind, condition, text, reason }) => {
                let text = (!text.is_empty()).then(|| text.clone());
                let refused = Refused { kind, condition, text, reason: *reason, endpoint: None };
                return self.answer(refused.answer(iq));
            }
            _ => {}
        }
        if let Some(condition) = self.refuses_links.filter(|_| payload.kids("relay", ns::COLIBRI2).next().is_some()) {
            if let Some(conference) = payload.get("meeting-id").and_then(|id| self.conferences.get_mut(id)) {
                conference.troubled = true;
            }
            return self.answer(error_of(iq, "cancel", condition, Some("by the test")).done());
        }
        let modify = match Modify::read(payload) {
            Ok(modify) => modify,
            Err(text) => {
                self.broken = true;
                return self.complaints.add(format!("cannot read, and close my stream: {text}"));
            }
        };
        let missed = self.has_missed(&modify.meeting_id);
        let answer = match self.carry_out(&modify) {
            Ok(modified) => result_of(iq).child(modified).done(),
            Err(refused) => {
                // What follows from what it has missed is not what it was asked.
                let troubled = self.conferences.get(&modify.meeting_id).is_some_and(|conference| conference.troubled);
                let of_before = self.restarted && (modify.expire || self.now < self.joined_at + CROSSING);
                if !(of_before && refused.condition == "item-not-found") && (!troubled || modify.relays.is_empty()) {
                    let text = refused.text.clone().unwrap_or_default();
                    let (meeting, condition) = (modify.meeting_id.clone(), refused.condition.to_owned());
                    self.errors.push(Answered { meeting, missed, condition, text });
                }
                refused.answer(iq)
            }
        };
        self.expire_if_done(&modify);
        match fault {
            Some(Fault::Unanswered) => {}
            Some(Fault::Late(delay)) => self.answer_after(delay, answer),
            Some(Fault::Altered(change)) => {
                let mut answer = answer;
                change(&mut answer);
                self.answer(answer);
            }
            _ => self.answer(answer),
        }
    }

    fn answer(&mut self, stanza: Element) {
        self.answer_after(self.settings.delay, stanza);
    }

    fn answer_after(&mut self, delay: Time, mut stanza: Element) {
        // The server writes the sender itself.
        stanza.remove_attr("from");
        let earliest = self.late.back().map_or(self.now, |(at, _)| *at);
        let at = earliest.max(self.now + delay);
        if at <= self.now && self.late.is_empty() {
            self.ready.push_back(stanza);
        } else {
            self.late.push_back((at, stanza));
        }
    }
}

/// Whether an element, or anything in it, is to end.
fn ends_something(element: &Element) -> bool {
    element.get("expire") == Some("true") || element.children().any(ends_something)
}
