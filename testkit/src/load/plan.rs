//! Who comes and goes when, and which bridges there are.

use super::Rng;
use super::truth::Costs;

/// Milliseconds since the beginning.
pub type Millis = u64;

pub const SECOND: Millis = 1000;

/// Somebody's stay in a room.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub room: usize,
    pub region: &'static str,
    pub comes: Millis,
    pub goes: Millis,
    /// Looks on, and sends nothing.
    pub visitor: bool,
    pub audio: bool,
    pub video: bool,
    /// Videos on the screen.
    pub visible: f64,
    /// Packets a second of video that the path to it takes.
    pub link: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BridgePlan {
    /// Packets a second at a stress of about 1.
    pub capacity: f64,
    pub region: &'static str,
    pub comes: Millis,
    pub drains: Option<Millis>,
}

/// How bridges are selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    Single,
    /// Several bridges a conference.
    RegionBased,
    /// The same, with bridges of their own for visitors, each linked with one of the participants' bridges.
    Visitors,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: &'static str,
    pub bridges: Vec<BridgePlan>,
    pub people: Vec<Person>,
    pub costs: Costs,
    /// Between presences of a bridge, and between its measurements.
    pub presences: Millis,
    pub measurements: Millis,
    /// From here to the end, what happens is judged.
    pub judged: Millis,
    pub end: Millis,
}

type Make = fn(&mut Builder);

/// Name, and how it is made.
pub const SCENARIOS: &[(&str, Make)] = &[
    ("burst, rooms of 2 to 100", |it| it.burst(mixed)),
    ("burst, rooms of 2 to 10", |it| it.burst(|rng| rng.whole(2, 11))),
    ("burst, rooms of 50", |it| it.burst(|_| 50)),
    ("burst after a quiet hour", |it| {
        it.calm = 0;
        it.burst(mixed);
    }),
    ("burst, bridges 1:4", |it| {
        it.heterogeneous();
        it.burst(mixed);
    }),
    ("burst, 40 small bridges", |it| {
        it.plan.bridges = vec![BridgePlan { capacity: 35_000.0, ..it.plan.bridges[0].clone() }; 40];
        it.calm_size = |rng| rng.whole(2, 11);
        it.burst(|rng| rng.whole(2, 21));
    }),
    ("burst, presences every 10 s", |it| {
        it.plan.presences = 10 * SECOND;
        it.burst(mixed);
    }),
    ("burst, one bridge draining", |it| {
        let from = it.begin;
        it.plan.bridges[0].drains = Some(from);
        it.burst(mixed);
    }),
    ("burst, a bridge is added", |it| {
        let at = it.begin + 10 * SECOND;
        it.plan.bridges[9].comes = at;
        it.burst(mixed);
    }),
    ("leave waves", |it| {
        it.burst(mixed);
        it.leave_wave();
    }),
    ("steady joins, 2 a second", |it| it.steady()),
    ("burst, video costs twice", |it| {
        it.video(2.0);
        it.burst(mixed);
    }),
    ("burst, video costs half", |it| {
        it.video(0.5);
        it.burst(mixed);
    }),
    ("burst, nearly all listen", |it| {
        it.senders = 0.1;
        it.burst(mixed);
    }),
    ("bridges 1:4, video twice", |it| {
        it.video(2.0);
        it.heterogeneous();
        it.burst(mixed);
    }),
    ("visitors, rooms of 20 to 200", |it| {
        it.audience = true;
        it.burst(events);
    }),
    ("visitors, who come to speakers", |it| it.audience_comes()),
    ("visitors, bridges 1:4", |it| {
        it.audience = true;
        it.heterogeneous();
        it.burst(events);
    }),
    ("visitors, video costs twice", |it| {
        it.audience = true;
        it.video(2.0);
        it.burst(events);
    }),
];

/// Many small rooms, few large ones.
fn mixed(rng: &mut Rng) -> u64 {
    // Sizes of equal logarithms are equally likely; most people are in the large ones.
    let size = 2.0 * 50f64.powf(rng.unit());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "2 to 100")]
    let size = size as u64;
    size
}

/// With an audience, nine in ten of which look on.
fn events(rng: &mut Rng) -> u64 {
    rng.whole(20, 201)
}

/// Makes a plan.
pub struct Builder {
    plan: Plan,
    rng: Rng,
    rooms: usize,
    /// When the burst begins.
    begin: Millis,
    /// People who are there before.
    calm: u64,
    calm_size: fn(&mut Rng) -> u64,
    /// Share of people with a camera that is on.
    senders: f64,
    /// Nine in ten of those who come in the burst look on.
    audience: bool,
    joins: u64,
}

impl Plan {
    /// Whether anybody looks on.
    pub fn has_visitors(&self) -> bool {
        self.people.iter().any(|person| person.visitor)
    }

    /// A scenario of [`SCENARIOS`].
    pub fn new(name: &'static str, make: Make, seed: u64) -> Plan {
        let bridge = BridgePlan { capacity: 160_000.0, region: "", comes: 0, drains: None };
        let plan = Plan {
            name,
            bridges: vec![bridge; 10],
            people: Vec::new(),
            costs: Costs::default(),
            presences: 5 * SECOND,
            measurements: 10 * SECOND,
            judged: 0,
            end: 0,
        };
        let begin = 600 * SECOND;
        let mut it = Builder {
            plan,
            rng: Rng::new(seed),
            rooms: 0,
            begin,
            calm: 250,
            calm_size: mixed,
            senders: 0.6,
            audience: false,
            joins: 500,
        };
        make(&mut it);
        it.plan
    }

    pub fn rooms(&self) -> usize {
        self.people.iter().map(|person| person.room + 1).max().unwrap_or(0)
    }
}

impl Builder {
    fn heterogeneous(&mut self) {
        // 1:4 between the smallest and the largest, with the same sum.
        for (number, bridge) in self.plan.bridges.iter_mut().enumerate() {
            bridge.capacity = if number % 2 == 0 { 64_000.0 } else { 256_000.0 };
        }
    }

    fn video(&mut self, factor: f64) {
        let costs = &mut self.plan.costs;
        for cost in [&mut costs.video_up, &mut costs.large, &mut costs.small, &mut costs.tiny] {
            *cost *= factor;
        }
        // The same people fill the bridges as much as before.
        for bridge in &mut self.plan.bridges {
            bridge.capacity *= factor;
        }
    }

    /// Some hundred people come in ten minutes and stay; then 500 within half a minute.
    fn burst(&mut self, size: impl Fn(&mut Rng) -> u64) {
        let end = self.begin + 120 * SECOND;
        let calm_size = self.calm_size;
        self.fill(self.calm, (5 * SECOND, self.begin - 60 * SECOND), end, &calm_size);
        self.fill(self.joins, (self.begin, self.begin + 30 * SECOND), end, &size);
        (self.plan.judged, self.plan.end) = (self.begin, end);
    }

    /// Ten rooms of ten each fill before; then 500 come to look on, to each as many as chance has it.
    fn audience_comes(&mut self) {
        let end = self.begin + 120 * SECOND;
        let calm_size = self.calm_size;
        let first = self.rooms;
        self.fill(100, (5 * SECOND, self.begin - 60 * SECOND), end, &|_| 10);
        let events = self.rooms - first;
        self.fill(self.calm - 100, (5 * SECOND, self.begin - 60 * SECOND), end, &calm_size);
        self.audience = true;
        let shares: Vec<f64> = (0..events).map(|_| self.rng.between(0.1, 1.0)).collect();
        let sum: f64 = shares.iter().sum();
        for _ in 0..self.joins {
            let mut at = self.rng.unit() * sum;
            let room = shares.iter().position(|share| {
                at -= share;
                at < 0.0
            });
            let comes = self.begin + self.rng.whole(0, 30 * SECOND);
            self.person(first + room.unwrap_or(0), comes, end, true);
        }
        (self.plan.judged, self.plan.end) = (self.begin, end);
    }

    /// Every half minute a third of those who are there go within seconds, and as many come.
    fn leave_wave(&mut self) {
        let begin = self.begin + 40 * SECOND;
        let end = begin + 150 * SECOND;
        self.plan.people.iter_mut().for_each(|person| person.goes = end);
        for wave in 0..4 {
            let at = begin + wave * 30 * SECOND;
            let rooms: Vec<bool> = (0..self.rooms).map(|_| self.rng.chance(0.33)).collect();
            let mut gone = 0;
            for person in &mut self.plan.people {
                if person.goes == end && rooms[person.room] {
                    person.goes = at + self.rng.whole(0, 4 * SECOND);
                    gone += 1;
                }
            }
            self.fill(gone, (at + 5 * SECOND, at + 20 * SECOND), end, &mixed);
        }
        self.plan.end = end;
    }

    fn steady(&mut self) {
        let end = self.begin + 300 * SECOND;
        self.fill(self.calm, (5 * SECOND, self.begin - 60 * SECOND), end, &mixed);
        self.fill(600, (self.begin, end), end, &mixed);
        (self.plan.judged, self.plan.end) = (self.begin, end);
    }

    /// So many people come in this time, in rooms of their own.
    fn fill(&mut self, people: u64, (from, to): (Millis, Millis), goes: Millis, size: &dyn Fn(&mut Rng) -> u64) {
        let mut left = people;
        while left > 0 {
            let size = size(&mut self.rng).min(left);
            left -= size;
            let room = self.rooms;
            self.rooms += 1;
            // A meeting fills within seconds, if it is a burst; and all are there in time.
            let span = ((to - from) / 2).min(15 * SECOND);
            let begin = self.rng.whole(from, (to - span).max(from + 1));
            for number in 0..size {
                let comes = self.rng.whole(begin, begin + span);
                let is_burst = from >= self.begin;
                self.person(room, comes, goes, self.audience && is_burst && number % 10 != 0);
            }
        }
    }

    fn person(&mut self, room: usize, comes: Millis, goes: Millis, visitor: bool) {
        let rng = &mut self.rng;
        let small = rng.chance(0.25);
        let person = Person {
            room,
            region: "",
            comes,
            goes,
            visitor,
            audio: rng.chance(0.7) && !visitor,
            video: rng.chance(self.senders) && !visitor,
            visible: if small { 4.0 } else { 25.0 },
            link: if small { rng.between(80.0, 400.0) } else { rng.between(300.0, 1500.0) },
        };
        self.plan.people.push(person);
    }
}
