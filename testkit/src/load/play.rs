//! Plays a plan with the focus' own registry and selection.

use std::collections::BTreeMap;

use jicofo::config::{Config, LoadModel, SelectionStrategy, TopologyStrategy};
use jicofo::focus::Timestamp;
use jicofo::focus::bridges::crowd::{self, Crowd, Tally, Weight};
use jicofo::focus::bridges::predict::Stay;
use jicofo::focus::bridges::registry::{BridgeId, Bridges};
use jicofo::focus::bridges::select::{ConferenceBridge, Outlook, Wanted};
use jicofo::focus::conference::SessionKey;
use jicofo::focus::conference::cascade::{Cascade, Place};
use jicofo::wire::Jid;
use jicofo::wire::presence::{Stat, Stats};

use super::Rng;
use super::plan::{Millis, Person, Plan, SECOND, Strategy};
use super::truth::{self, Flow, Linked, Sent};

/// Who decides where a conference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chooser {
    Model(LoadModel),
    /// Knows what each room will cost in the end, and what every bridge can take: how well it could be done with one bridge
    /// a conference.
    Clairvoyant,
}

/// How it went, from the time on that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// The highest true stress of any bridge.
    pub peak: f64,
    /// The highest that all bridges would have had if load could be divided evenly and links cost nothing: no choice of bridges
    /// has a lower peak.
    pub even: f64,
    /// Between the most and the least stressed bridge that takes conferences, in the mean of the time.
    pub spread: f64,
    /// Seconds that bridges spent above the threshold, of all bridges.
    pub overloaded: f64,
    pub bridges_per_conference: f64,
    /// Endpoints that were moved by load redistribution.
    pub moves: u32,
    /// Between what the focus took a bridge's stress for, and what it was when all that had been placed had arrived there.
    pub error: f64,
    /// Joins for which there was no bridge.
    pub refused: u32,
    /// Joins that came to a bridge after it had said that it drains.
    pub on_draining: u32,
}

const STEP: Millis = 100;
/// From join to the answer to the offer.
const SETTLES: Millis = 1200;

/// A conference.
#[derive(Default)]
struct Room {
    sessions: Vec<Session>,
    cascade: Cascade,
}

struct Session {
    key: SessionKey,
    bridge: usize,
    id: BridgeId,
    people: Vec<usize>,
    stay: Stay,
    /// By those on it, as far as the focus knows.
    sent: crowd::Sent,
}

struct TrueBridge {
    jid: Jid,
    id: Option<BridgeId>,
    /// When it measures and speaks, within its intervals.
    phase: (Millis, Millis),
    /// True stress of each second since the last measurement.
    since: Vec<f64>,
    said: f64,
    /// It has said that it drains.
    drains: bool,
    now: f64,
}

struct Game<'a> {
    plan: &'a Plan,
    chooser: Chooser,
    config: Config,
    registry: Bridges,
    rooms: Vec<Room>,
    /// How many sessions there were.
    keys: u64,
    bridges: Vec<TrueBridge>,
    /// Which person is on which session's bridge, and since when.
    since: Vec<Millis>,
    rng: Rng,
    outcome: Outcome,
    conferences: BTreeMap<usize, usize>,
    samples: (f64, f64, u32),
    now: Millis,
}

/// Plays it to its end.
pub fn play(plan: &Plan, strategy: Strategy, chooser: Chooser, seed: u64) -> Outcome {
    let mut config = Config::default();
    if chooser == Chooser::Model(LoadModel::Classic) {
        config.bridge.selection_load_model = LoadModel::Classic;
    }
    if strategy != Strategy::Single {
        config.octo.enabled = true;
        config.bridge.selection_strategy = SelectionStrategy::RegionBased;
    }
    if strategy == Strategy::Visitors {
        config.bridge.selection_strategy = SelectionStrategy::Visitor;
        config.bridge.participant_selection_strategy = Some(SelectionStrategy::RegionBased);
        config.bridge.visitor_selection_strategy = Some(SelectionStrategy::RegionBased);
        config.bridge.topology_strategy = TopologyStrategy::Visitor;
    }
    let mut rng = Rng::new(seed ^ 0x5EED);
    let bridge = |(number, bridge): (usize, &super::BridgePlan)| TrueBridge {
        jid: format!("brewery@muc.example.com/jvb{number}").parse().expect("an address"),
        id: None,
        phase: (rng.whole(0, plan.measurements), bridge.comes + rng.whole(0, plan.presences)),
        since: Vec::new(),
        said: plan.costs.idle,
        drains: false,
        now: plan.costs.idle,
    };
    let bridges = plan.bridges.iter().enumerate().map(bridge).collect();
    let mut game = Game {
        plan,
        chooser,
        config,
        registry: Bridges::default(),
        rooms: (0..plan.rooms()).map(|_| Room::default()).collect(),
        keys: 0,
        bridges,
        since: vec![0; plan.people.len()],
        rng,
        outcome: Outcome::default(),
        conferences: BTreeMap::new(),
        samples: (0.0, 0.0, 0),
        now: 0,
    };
    game.run();
    game.finish()
}

impl Game<'_> {
    fn run(&mut self) {
        let mut events: BTreeMap<Millis, Vec<(Act, usize)>> = BTreeMap::new();
        for (number, person) in self.plan.people.iter().enumerate() {
            for (at, act) in [(person.comes, Act::Come), (person.comes + SETTLES, Act::Settle), (person.goes, Act::Go)]
            {
                events.entry(at / STEP).or_default().push((act, number));
            }
        }
        for step in 0..self.plan.end / STEP {
            self.now = step * STEP;
            for (act, person) in events.remove(&step).unwrap_or_default() {
                match act {
                    Act::Come => self.comes(person),
                    Act::Settle => self.weigh(self.plan.people[person].room),
                    Act::Go => self.goes(person),
                }
            }
            if self.now % SECOND == 0 {
                self.second();
            }
            for number in 0..self.bridges.len() {
                self.speak(number);
            }
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp(1_000_000_000 + self.now * 1000)
    }

    fn comes(&mut self, person: usize) {
        match self.choose(person) {
            Some(bridge) => self.place(person, bridge),
            None => self.outcome.refused += 1,
        }
    }

    fn place(&mut self, person: usize, bridge: usize) {
        let room = self.plan.people[person].room;
        self.since[person] = self.now;
        self.outcome.on_draining += u32::from(self.bridges[bridge].drains);
        let now = self.time();
        let known = self.rooms[room].sessions.iter().position(|session| session.bridge == bridge);
        let at = known.unwrap_or_else(|| self.open(room, bridge, self.plan.people[person].visitor));
        let sessions = &mut self.rooms[room].sessions;
        sessions[at].people.push(person);
        let (count, id) = (sessions.len(), sessions[at].id.clone());
        let most = self.conferences.entry(room).or_default();
        *most = (*most).max(count);
        self.registry.endpoint_allocated(now, &id, &self.config.bridge);
        self.weigh(room);
    }

    /// A conference comes to a bridge, which is linked with its others.
    fn open(&mut self, room: usize, bridge: usize, visitor: bool) -> usize {
        self.keys += 1;
        let key = SessionKey(self.keys);
        let id = self.bridges[bridge].id.clone().expect("it was selected");
        let session =
            Session { key, bridge, id, people: Vec::new(), stay: Stay::new(self.time()), sent: crowd::Sent::default() };
        let Room { sessions, mut cascade } = std::mem::take(&mut self.rooms[room]);
        let mut sessions = sessions;
        sessions.push(session);
        cascade.add(key, visitor, self.config.bridge.topology_strategy, &self.places(&sessions));
        let at = sessions.len() - 1;
        self.rooms[room] = Room { sessions, cascade };
        at
    }

    /// Where sessions are, as the cascade wants to know it.
    fn places(&self, sessions: &[Session]) -> impl Fn(SessionKey) -> Place {
        let of = |session: &Session| {
            let known = self.registry.get(&session.id);
            let stress = known.map_or(f64::MAX, |known| known.corrected_stress(self.time(), &self.config.bridge));
            let overloaded = known.is_none_or(|known| known.overloaded(self.time(), &self.config.bridge));
            (session.key, Place { region: None, stress, overloaded })
        };
        let places: BTreeMap<SessionKey, Place> = sessions.iter().map(of).collect();
        move |key| places.get(&key).cloned().unwrap_or_default()
    }

    /// What the real conference tells the registry.
    fn weigh(&mut self, room: usize) {
        let now = self.time();
        let tally_of = |people: &[usize]| {
            let mut tally = Tally::default();
            for &number in people {
                let person = &self.plan.people[number];
                // Who comes is expected to send until he has said otherwise.
                let comes = !person.visitor && person.comes + SETTLES > self.now;
                tally.add(crowd::Person {
                    visitor: person.visitor,
                    audio: person.audio || comes,
                    videos: u32::from(person.video || comes),
                    wants: None,
                });
            }
            tally
        };
        let Room { sessions, cascade } = &mut self.rooms[room];
        let on: BTreeMap<SessionKey, Tally> =
            sessions.iter().map(|session| (session.key, tally_of(&session.people))).collect();
        let all = tally_of(&sessions.iter().flat_map(|session| &session.people).copied().collect::<Vec<_>>());
        for session in sessions {
            let branches = cascade.branches_of(session.key);
            let links = branches.first().map_or(0, |largest| largest.links);
            let behind = |homes: &[SessionKey]| homes.iter().map(|home| on[home].sent()).sum();
            let apart = branches.iter().skip(1).map(|branch| (branch.links, behind(&branch.homes)));
            let weight = Crowd { here: &on[&session.key], all: &all, links }.weight(apart);
            self.registry.weighs(now, &session.id, &mut session.stay, weight);
            session.sent = on[&session.key].sent();
        }
    }

    fn goes(&mut self, person: usize) {
        let room = self.plan.people[person].room;
        if self.take_off(person).is_some() {
            self.weigh(room);
        }
    }

    /// Off its bridge, and the conference with it if it was the last there.
    fn take_off(&mut self, person: usize) -> Option<usize> {
        let room = self.plan.people[person].room;
        let sessions = &mut self.rooms[room].sessions;
        let at = sessions.iter().position(|session| session.people.contains(&person))?;
        let session = &mut sessions[at];
        session.people.retain(|&on| on != person);
        let bridge = session.bridge;
        self.registry.endpoints_released(&session.id, 1);
        if session.people.is_empty() {
            let mut session = sessions.remove(at);
            self.registry.weighs(self.time(), &session.id, &mut session.stay, Weight::NONE);
            let mut cascade = std::mem::take(&mut self.rooms[room].cascade);
            cascade.remove(session.key, &self.places(&self.rooms[room].sessions));
            self.rooms[room].cascade = cascade;
        }
        Some(bridge)
    }

    fn choose(&mut self, person: usize) -> Option<usize> {
        let Person { room, region, visitor, .. } = self.plan.people[person];
        if self.chooser == Chooser::Clairvoyant {
            return self.foresee(room);
        }
        let is_visitor = |session: &Session| session.people.first().is_some_and(|&it| self.plan.people[it].visitor);
        let sessions = &self.rooms[room].sessions;
        let sent: crowd::Sent = sessions.iter().map(|session| session.sent).sum();
        let local = sessions.iter().map(|session| session.stay.local()).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "packets a second")]
        let outlook = |session: &Session| Outlook {
            sent_here: session.sent.load().packets,
            sent: sent.load().packets,
            local,
            growth: session.stay.growth(self.time()) as u64,
        };
        let conference: Vec<ConferenceBridge> = sessions
            .iter()
            .map(|session| ConferenceBridge {
                id: session.id.clone(),
                endpoints: u32::try_from(session.people.len()).expect("few"),
                visitor: is_visitor(session),
                recent: 0,
                outlook: outlook(session),
            })
            .collect();
        let region = Some(region).filter(|region| !region.is_empty());
        let wanted = Wanted { conference: &conference, region, visitor, pinned_version: None, ..Wanted::default() };
        let selected = self.registry.select(self.time(), &self.config, wanted).ok()?;
        self.bridges.iter().position(|bridge| bridge.id.as_ref() == Some(&selected.bridge))
    }

    /// Where the stress will be least once all who will come to all rooms that have begun have come.
    fn foresee(&self, room: usize) -> Option<usize> {
        if let Some(session) = self.rooms[room].sessions.first() {
            return Some(session.bridge);
        }
        let in_the_end = |room: usize| {
            let there = |person: &&Person| person.room == room && person.goes > self.now;
            let flows = self.plan.people.iter().filter(there).map(|person| Flow { person, share: 1.0 });
            truth::packets(&self.plan.costs, flows.clone(), Sent::of(flows), std::iter::empty())
        };
        let mut loads = vec![in_the_end(room); self.bridges.len()];
        for (number, room) in self.rooms.iter().enumerate() {
            for session in &room.sessions {
                loads[session.bridge] += in_the_end(number);
            }
        }
        let usable = |number: &usize| {
            let plan = &self.plan.bridges[*number];
            self.bridges[*number].id.is_some() && plan.drains.is_none_or(|at| at > self.now)
        };
        let stress = |number: usize| truth::stress(&self.plan.costs, self.plan.bridges[number].capacity, loads[number]);
        (0..self.bridges.len()).filter(usable).min_by(|a, b| stress(*a).total_cmp(&stress(*b)))
    }

    /// Packets a second on each bridge, if so much of everybody's media flows.
    fn packets(&self, share: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut packets = vec![0.0; self.bridges.len()];
        let flow = |&number: &usize| Flow { person: &self.plan.people[number], share: share(number) };
        for Room { sessions, cascade } in &self.rooms {
            let on: BTreeMap<SessionKey, Sent> =
                sessions.iter().map(|session| (session.key, Sent::of(session.people.iter().map(flow)))).collect();
            let sent = on.values().fold(Sent::default(), |sum, sent| sum + *sent);
            for session in sessions {
                let branches = cascade.branches_of(session.key);
                let behind = |homes: &[SessionKey]| homes.iter().fold(Sent::default(), |sum, home| sum + on[home]);
                let apart = branches.iter().skip(1).map(|branch| behind(&branch.homes));
                let rest = apart.fold(sent - on[&session.key], |rest, behind| rest - behind);
                let linked = branches.iter().enumerate().map(|(number, branch)| Linked {
                    links: f64::from(branch.links),
                    behind: if number == 0 { rest } else { behind(&branch.homes) },
                });
                packets[session.bridge] +=
                    truth::packets(&self.plan.costs, session.people.iter().map(flow), sent, linked);
            }
        }
        packets
    }

    /// What is true now.
    fn second(&mut self) {
        let packets = self.packets(|person| self.share(person));
        for (number, bridge) in self.bridges.iter_mut().enumerate() {
            bridge.now = truth::stress(&self.plan.costs, self.plan.bridges[number].capacity, packets[number]);
            bridge.since.push(bridge.now);
        }
        if self.now >= self.plan.judged {
            self.judge();
        }
        self.redistribute();
    }

    /// The stress of all bridges that take conferences, if what is on any of them were divided evenly and without links.
    fn even(&self) -> f64 {
        let costs = &self.plan.costs;
        let packets: f64 = self
            .rooms
            .iter()
            .map(|room| {
                let people = room.sessions.iter().flat_map(|session| &session.people);
                let flows = people.map(|&person| Flow { person: &self.plan.people[person], share: self.share(person) });
                truth::packets(costs, flows.clone(), Sent::of(flows), std::iter::empty())
            })
            .sum();
        let there = self.plan.bridges.iter().filter(|plan| plan.comes <= self.now);
        truth::stress(costs, there.map(|plan| plan.capacity).sum(), packets)
    }

    /// How much of somebody's media flows now.
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    fn share(&self, person: usize) -> f64 {
        truth::flowing((self.now - self.since[person].min(self.now)) as f64 / 1000.0)
    }

    fn judge(&mut self) {
        self.outcome.even = self.outcome.even.max(self.even());
        let (mut low, mut high): (f64, f64) = (f64::MAX, 0.0);
        for (plan, bridge) in self.plan.bridges.iter().zip(&self.bridges) {
            if plan.comes > self.now {
                continue;
            }
            self.outcome.peak = self.outcome.peak.max(bridge.now);
            if bridge.now >= self.config.bridge.stress_threshold {
                self.outcome.overloaded += 1.0;
            }
            if plan.drains.is_none_or(|at| at > self.now) {
                (low, high) = (low.min(bridge.now), high.max(bridge.now));
            }
        }
        // If media of all who were placed flowed.
        let settled = self.packets(|_| 1.0);
        let error = settled.iter().enumerate().filter_map(|(number, packets)| self.error_of(number, *packets));
        let error = error.fold(0.0, f64::max);
        self.samples = (self.samples.0 + (high - low), self.samples.1 + error, self.samples.2 + 1);
    }

    /// How far the focus is off with a bridge on which there is so much.
    fn error_of(&self, number: usize, packets: f64) -> Option<f64> {
        let known = self.registry.get(self.bridges[number].id.as_ref()?)?;
        let settled = truth::stress(&self.plan.costs, self.plan.bridges[number].capacity, packets);
        Some((known.corrected_stress(self.time(), &self.config.bridge) - settled).abs())
    }

    /// It measures, and it speaks, each in its own time.
    fn speak(&mut self, number: usize) {
        let plan = &self.plan.bridges[number];
        if self.now < plan.comes {
            return;
        }
        let bridge = &mut self.bridges[number];
        let due = |phase: Millis, interval: Millis| (self.now + interval - phase % interval) % interval < STEP;
        if due(bridge.phase.0, self.plan.measurements) && !bridge.since.is_empty() {
            let samples: Vec<f64> = std::mem::take(&mut bridge.since);
            #[expect(clippy::cast_precision_loss, reason = "few")]
            let mean = samples.iter().sum::<f64>() / samples.len() as f64;
            let noise = self.plan.costs.noise;
            bridge.said = (mean + self.rng.between(-noise, noise)).max(0.001);
        }
        if bridge.id.is_some() && !due(bridge.phase.1, self.plan.presences) {
            return;
        }
        let drains = plan.drains.is_some_and(|at| at <= self.now);
        bridge.drains = drains;
        let stat = |name: &str, value: String| Stat { name: Some(name.into()), value: Some(value) };
        let stats = vec![
            stat("stress_level", bridge.said.to_string()),
            stat("drain", drains.to_string()),
            stat("relay_id", bridge.jid.to_string()),
            stat("region", plan.region.to_owned()),
        ];
        let stats = Stats { stats: if plan.region.is_empty() { stats[..3].to_vec() } else { stats } };
        let (now, jid) = (Timestamp(1_000_000_000 + self.now * 1000), bridge.jid.clone());
        self.registry.presence(now, &jid, &stats, &self.config.bridge);
        bridge.id = self.registry.iter().find(|known| known.id.jid == jid).map(|known| known.id.clone());
    }

    /// spec/50 §9.1, as it is configured by default but for being on: its moves are what a bad choice costs.
    fn redistribute(&mut self) {
        let rules = self.config.bridge.load_redistribution.clone();
        if self.now == 0 || self.now % (60 * SECOND) != 0 || self.chooser == Chooser::Clairvoyant {
            return;
        }
        let stress = |game: &Self, number: usize| {
            let known = game.registry.get(game.bridges[number].id.as_ref()?)?;
            Some(known.corrected_stress(game.time(), &game.config.bridge))
        };
        let free = (0..self.bridges.len())
            .any(|number| stress(self, number).is_some_and(|stress| stress < self.config.bridge.stress_threshold));
        for number in (0..self.bridges.len()).filter(|_| free) {
            if stress(self, number).is_none_or(|stress| stress < rules.stress_threshold) {
                continue;
            }
            let sessions = self.rooms.iter().flat_map(|room| &room.sessions);
            let on_it = sessions.filter(|session| session.bridge == number);
            let Some(largest) = on_it.max_by_key(|session| session.people.len()) else { continue };
            let moved: Vec<usize> = largest.people.iter().take(rules.endpoints as usize).copied().collect();
            for person in moved {
                self.take_off(person);
                if self.now >= self.plan.judged {
                    self.outcome.moves += 1;
                }
                self.comes(person);
            }
        }
    }

    fn finish(mut self) -> Outcome {
        let (spread, error, count) = self.samples;
        let count = f64::from(count.max(1));
        (self.outcome.spread, self.outcome.error) = (spread / count, error / count);
        #[expect(clippy::cast_precision_loss, reason = "few")]
        let mean = self.conferences.values().sum::<usize>() as f64 / self.conferences.len().max(1) as f64;
        self.outcome.bridges_per_conference = mean;
        self.outcome
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Come,
    Settle,
    Go,
}
