//! All peers of a test with the real Prosody, and what must be true of them together.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use futures::future::join_all;
use indexmap::IndexMap;
use jicofo::config::Config;
use tokio::sync::Notify;

use super::{Core, Peer};
use crate::Time;
use crate::bridge::{self, Bridge};
use crate::login::Session;
use crate::participant::{Participant, Place, Settings};
use crate::prosody::Prosody;
use crate::views::{Rules, disagreements};

/// How long [`Stage::until`] waits. Real servers on busy machines are slow; what works is done long before.
const PATIENCE: Time = Time::from_secs(60);

/// Participants and bridges at one server.
pub struct Stage<'p> {
    prosody: &'p Prosody,
    room: String,
    start: Instant,
    changed: Arc<Notify>,
    participants: IndexMap<String, Peer<Participant>>,
    bridges: IndexMap<String, Peer<Bridge>>,
    core: Option<Peer<Core>>,
    pub rules: Rules,
    pub patience: Time,
}

/// All peers, held still.
pub struct Look<'s> {
    participants: IndexMap<&'s str, MutexGuard<'s, Participant>>,
    bridges: IndexMap<&'s str, MutexGuard<'s, Bridge>>,
    rules: Rules,
}

/// How long things took, over all participants.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    /// From the conference request to its answer.
    pub request: Vec<Time>,
    /// From the participant's presence to its `session-initiate`.
    pub offer: Vec<Time>,
    /// From the `session-accept` to its `result`.
    pub accept: Vec<Time>,
    /// From that `result` to when another participant, who was there before, was told of the sources; zero if it was told
    /// before the `result` came.
    pub told: Vec<Time>,
}

impl<'p> Stage<'p> {
    pub fn at(prosody: &'p Prosody) -> Stage<'p> {
        Stage {
            prosody,
            room: format!("room@{}", prosody.muc_domain()),
            start: Instant::now(),
            changed: Arc::new(Notify::new()),
            participants: IndexMap::new(),
            bridges: IndexMap::new(),
            core: None,
            rules: Rules::default(),
            patience: PATIENCE,
        }
    }

    /// Participants that come from now on go to another room.
    pub fn go_to(&mut self, room: &str) {
        self.room = format!("{room}@{}", self.prosody.muc_domain());
    }

    /// The core alone takes the part of the focus, without its shell.
    pub async fn core(&mut self, change: impl FnOnce(&mut Config)) {
        let session = Session::focus(self.prosody).await;
        let core = Core::new(self.prosody, &session.jid, change);
        self.core = Some(Peer::run(core, session, self.start, self.changed.clone()));
        self.until_core(|core| core.focus().gauges().bridges > 0).await;
    }

    async fn until_core(&self, done: impl Fn(&Core) -> bool) {
        let Some(core) = &self.core else { return };
        self.until(|_| core.look(&done)).await;
    }

    /// A bridge logs in and enters the brewery.
    pub async fn bridge(&mut self, name: &str) {
        self.bridge_with(name, |_| {}).await;
    }

    pub async fn bridge_with(&mut self, name: &str, change: impl FnOnce(&mut bridge::Settings)) {
        let session = Session::bridge(self.prosody).await;
        let mut settings = bridge::Settings::new(name, self.prosody.brewery());
        settings.jid = session.jid.clone();
        change(&mut settings);
        let mut machine = Bridge::new(settings);
        machine.set_now(self.start.elapsed());
        machine.join();
        let peer = Peer::run(machine, session, self.start, self.changed.clone());
        self.bridges.insert(name.to_owned(), peer);
        let label = name.to_owned();
        self.until(move |s| s.bridge(&label).joined()).await;
    }

    /// A participant logs in and asks for the conference.
    pub async fn joins(&mut self, name: &str) {
        self.joins_with(name, |_| {}).await;
    }

    pub async fn joins_with(&mut self, name: &str, change: impl FnOnce(&mut Settings)) {
        let session = Session::anonymous(self.prosody).await;
        self.asks(name, session, change);
    }

    /// Waits until a participant is sent to a visitor node; then it logs in there, and enters the room `mirror`.
    pub async fn follows(&mut self, name: &str, node: &Prosody, mirror: &str) {
        self.until(|look| look.participant(name).has_redirect()).await;
        let session = Session::anonymous(node).await;
        let visitor = self.participant(name).look(|before| Participant::visitor_after(before, &session.jid, mirror));
        let peer = Peer::run(visitor, session, self.start, self.changed.clone());
        self.participants.insert(name.to_owned(), peer);
    }

    /// A participant that has logged in somewhere else asks for the conference.
    pub fn joins_as(&mut self, name: &str, session: Session, change: impl FnOnce(&mut Settings)) {
        self.asks(name, session, change);
    }

    /// A participant's user logs in on a second connection, which is closed when its session is in use (spec/10 §6.5).
    pub async fn logs_in(&self, name: &str, mut session: Session) {
        let request = self.participant(name).tell(|participant| participant.login_request("login"));
        session.send(&(&request).into()).await;
        let answer = loop {
            let stanza = session.next().await.expect("an answer to the request");
            if stanza.attr("id") == Some("login") {
                break stanza;
            }
        };
        // Whoever waits for a host asks again by himself. An answer to that, once he has asked with his session, would
        // be taken for the one to this, or have him ask once more when he is in the room.
        self.until(|look| {
            let participant = look.participant(name);
            participant.place() != Place::Joining && !participant.is_waiting_for("conference")
        })
        .await;
        let answers = self.participant(name).look(|participant| participant.conference_answers().len());
        self.participant(name).tell(|participant| participant.logged_in(&(&answer).into()));
        self.until(|look| {
            let participant = look.participant(name);
            participant.conference_answers().len() > answers && participant.login().identity.is_some()
        })
        .await;
    }

    /// All of them log in first; then all ask at the same time.
    pub async fn join_at_once(&mut self, names: &[String]) {
        let room = self.room.clone();
        self.come_at_once(vec![(room, names.to_vec())]).await;
    }

    /// The same with several rooms, by name: everybody has logged in before the first asks. Gives the time from the first request
    /// to the last, as they were handed to the network.
    pub async fn join_rooms_at_once(&mut self, rooms: &[(String, Vec<String>)]) -> Time {
        let domain = self.prosody.muc_domain();
        self.come_at_once(rooms.iter().map(|(room, names)| (format!("{room}@{domain}"), names.clone())).collect()).await
    }

    async fn come_at_once(&mut self, rooms: Vec<(String, Vec<String>)>) -> Time {
        let mut ready = Vec::new();
        for (room, names) in rooms {
            // A server has so many newcomers wait for it at a time, and no more.
            let sessions = join_all(names.iter().map(|_| Session::anonymous(self.prosody))).await;
            ready.extend(names.into_iter().zip(sessions).map(|(name, session)| (name, room.clone(), session)));
        }
        let names: Vec<String> = ready.iter().map(|(name, ..)| name.clone()).collect();
        for (name, room, session) in ready {
            self.asks(&name, session, |settings| settings.room = room);
        }
        let spoke = || names.iter().map(|name| self.participant(name).spoke_first());
        self.until(|_| spoke().all(|at| at.is_some())).await;
        spoke().flatten().max().unwrap_or_default() - spoke().flatten().min().unwrap_or_default()
    }

    fn asks(&mut self, name: &str, session: Session, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::new(name, &self.room, self.prosody.focus_domain());
        settings.jid = session.jid.clone();
        // What crosses a leave, and what is answered, crosses a real server and maybe a busy machine.
        settings.grace = Time::from_secs(5);
        settings.patience = self.patience;
        change(&mut settings);
        let mut machine = Participant::new(settings);
        machine.set_now(self.start.elapsed());
        machine.request_conference();
        let peer = Peer::run(machine, session, self.start, self.changed.clone());
        self.participants.insert(name.to_owned(), peer);
    }

    pub fn participant(&self, name: &str) -> &Peer<Participant> {
        self.participants.get(name).unwrap_or_else(|| panic!("no participant '{name}'"))
    }

    pub fn bridge_named(&self, name: &str) -> &Peer<Bridge> {
        self.bridges.get(name).unwrap_or_else(|| panic!("no bridge '{name}'"))
    }

    /// A peer's connection breaks without a word.
    pub fn dies(&mut self, name: &str) {
        let participant = self.participants.shift_remove(name).is_some();
        let bridge = self.bridges.shift_remove(name).is_some();
        assert!(participant || bridge, "no peer '{name}'");
    }

    /// Everybody's connection has broken: the server is gone.
    pub fn everybody_dies(&mut self) {
        self.participants.clear();
        self.bridges.clear();
    }

    /// All peers, as they are now.
    pub fn look(&self) -> Look<'_> {
        Look {
            participants: self.participants.iter().map(|(name, peer)| (name.as_str(), peer.hold())).collect(),
            bridges: self.bridges.iter().map(|(name, peer)| (name.as_str(), peer.hold())).collect(),
            rules: self.rules,
        }
    }

    /// Waits until `done`; panics after [`Stage::patience`] with what everybody complains of.
    pub async fn until(&self, done: impl Fn(&Look<'_>) -> bool) {
        let deadline = tokio::time::Instant::now() + self.patience;
        loop {
            // Before looking, so that nothing that happens meanwhile is missed.
            let changed = self.changed.notified();
            if done(&self.look()) {
                return;
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                let look = self.look();
                panic!("waited in vain for {:?}\n{}\n{}", self.patience, look.state(), look.everything_wrong());
            }
        }
    }

    /// Waits until all views agree.
    pub async fn agree(&self) {
        self.until(|look| look.all_connected() && look.disagreements().is_empty()).await;
    }

    /// Everybody in the room leaves, and the bridges are empty in the end.
    pub async fn everybody_leaves(&self) {
        for peer in self.participants.values() {
            peer.tell(|participant| {
                if participant.place() == Place::InRoom {
                    participant.leave();
                }
            });
        }
        self.until(|look| look.bridges().all(|bridge| bridge.conferences().is_empty())).await;
    }

    /// All views agree; then everybody leaves and nothing is left; and nobody had to complain of anything.
    pub async fn finish(self) {
        self.agree().await;
        self.everybody_leaves().await;
        let complaints = self.look().complaints();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    pub fn latencies(&self) -> Latencies {
        let look = self.look();
        let mut all = Latencies::default();
        for participant in look.participants() {
            let watch = &participant.stopwatch;
            all.request.extend(&watch.request);
            all.offer.extend(&watch.offer);
            all.accept.extend(watch.answers.iter().filter(|(what, _)| what == "session-accept").map(|(_, time)| *time));
            let Some(accepted) = watch.accepted else { continue };
            // Who comes later is told by its offer.
            let others = look.participants().filter(|it| it.stopwatch.accepted.is_some_and(|at| at < accepted));
            let told = others.filter_map(|other| other.stopwatch.told.get(participant.nick()));
            all.told.extend(told.map(|at| at.saturating_sub(accepted)));
        }
        all
    }
}

impl Look<'_> {
    pub fn participant(&self, name: &str) -> &Participant {
        self.participants.get(name).unwrap_or_else(|| panic!("no participant '{name}'"))
    }

    pub fn bridge(&self, name: &str) -> &Bridge {
        self.bridges.get(name).unwrap_or_else(|| panic!("no bridge '{name}'"))
    }

    pub fn participants(&self) -> impl Iterator<Item = &Participant> {
        self.participants.values().map(|guard| &**guard)
    }

    pub fn bridges(&self) -> impl Iterator<Item = &Bridge> {
        self.bridges.values().map(|guard| &**guard)
    }

    pub fn all_connected(&self) -> bool {
        self.participants().all(|p| p.place() == Place::Left || p.connected())
    }

    pub fn disagreements(&self) -> Vec<String> {
        let participants: Vec<&Participant> = self.participants().collect();
        let bridges: Vec<&Bridge> = self.bridges().collect();
        disagreements(&participants, &bridges, self.rules)
    }

    /// What somebody complains of, and refusals that no test took.
    pub fn complaints(&self) -> Vec<String> {
        let participants = self.participants().flat_map(|p| p.violations());
        let mut wrong: Vec<String> =
            participants.chain(self.bridges().flat_map(|b| b.violations())).map(ToString::to_string).collect();
        for participant in self.participants() {
            let refusals = participant.refusals().iter();
            wrong.extend(refusals.map(|refusal| format!("{} was refused: {refusal:?}", participant.nick())));
        }
        for bridge in self.bridges() {
            wrong.extend(bridge.errors().iter().map(|error| format!("{} answered {error:?}", bridge.nick())));
        }
        wrong
    }

    fn everything_wrong(&self) -> String {
        [self.complaints(), self.disagreements()].concat().join("\n")
    }

    fn state(&self) -> String {
        let participants = self
            .participants()
            .map(|p| format!("{}: {:?}, session {:?}", p.nick(), p.place(), p.session().map(|session| session.state)));
        let bridges = self.bridges().map(|b| format!("{}: {} endpoints", b.nick(), b.endpoint_count()));
        participants.chain(bridges).collect::<Vec<_>>().join("\n")
    }
}
