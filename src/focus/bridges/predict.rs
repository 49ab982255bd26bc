//! What a bridge does not know yet of its own load: what was placed there since it last measured (docs/BRIDGES.md).
//!
//! A bridge says its stress every few seconds, of a measurement that is older still, so that whoever believes it puts a burst
//! of joins on one bridge (spec/90, row 82). Here each bridge has an account of what the focus has put on it, in packets a
//! second ([`Crowd::load`](super::crowd::Crowd::load)), and learns what a packet costs it by comparing the account with what it reports. Its stress by
//! now is what it reported, and the cost of all that has come since and gone since.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crowd::{Load, Weight};
use crate::focus::Timestamp;

/// What `jicofo.bridge.average-participant-stress` is the stress of, in packets a second: a participant in a meeting of a dozen.
const PARTICIPANT: f64 = 1000.0;

/// A conference's stay on a bridge, as far as load goes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Stay {
    /// What the bridge is expected to have to do for it.
    pub load: Load,
    since: Timestamp,
    /// How many of [`STEPS`] it has reached while it was young.
    reached: usize,
    /// By how much it was expected to grow yet, and when.
    hope: f64,
    hoped: Timestamp,
    /// What it is without links, by how much that had grown lately, and when.
    local: u64,
    grown: f64,
    grew: Timestamp,
}

impl Stay {
    pub fn new(since: Timestamp) -> Stay {
        Stay { since, hoped: since, ..Stay::default() }
    }

    /// What the bridge is expected to have to do for it, but for links, in packets a second.
    pub fn local(&self) -> u64 {
        self.local
    }

    /// By how much that has grown lately: the longer ago, the less it counts.
    pub fn growth(&self, now: Timestamp) -> f64 {
        self.grown * faded(now, self.grew)
    }

    fn becomes(&mut self, now: Timestamp, weight: Weight) {
        self.load = weight.load();
        self.grown = (self.growth(now) + float(weight.local.packets) - float(self.local)).max(0.0);
        (self.local, self.grew) = (weight.local.packets, now);
    }

    fn is_young(&self, now: Timestamp) -> bool {
        now.since(self.since) < YOUNG
    }
}

/// A conference grows for so long after it has come to a bridge.
const YOUNG: Duration = Duration::from_secs(60);
/// If it does not, a third of what it was expected to grow by is expected yet after so many seconds.
const HOPE: f64 = 20.0;
/// What may come counts less than what is there.
const HALF: f64 = 0.5;

/// How often a bridge measures, in seconds, before it is known: a JVB does every ten seconds, and says so every five
/// (spec/50 §2.2).
const FIRST_SPACING: f64 = 10.0;
/// No bridge measures oftener or more seldom than this, in seconds.
const SPACING: (f64, f64) = (1.0, 30.0);
/// A value that stays the same is the same measurement, until it has been so for this many intervals.
const UNCHANGED: f64 = 2.5;

/// From an endpoint's allocation until half of its media flows, in seconds: offer and answer, ICE, DTLS, and a bandwidth that
/// grows.
const FLOWS: f64 = 5.0;
/// And from when it begins to flow until all does.
const GROWS: f64 = 7.5;

/// Changes closer together than this are one, in microseconds.
const GRAIN: u64 = 250_000;

/// The account of one bridge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What is on it.
    carried: Load,
    /// The packets of that up to each of these times, as far back as a measurement may reach.
    past: VecDeque<(Timestamp, u64)>,
    /// The last measurement, when it came, and how much of what is on it that showed.
    reported: f64,
    measured: Option<Timestamp>,
    covered: f64,
    /// Seconds between measurements.
    spacing: f64,
    fit: Fit,
    /// Stress of a packet a second.
    slope: f64,
    /// How far off predictions of measurements are, on the average of the last dozen.
    error: f64,
    /// What conferences that have just come are expected to grow by, in packets a second, and when that was so.
    reserve: f64,
    reserved: Timestamp,
}

/// What a report said in the light of what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surprise {
    pub predicted: f64,
    pub reported: f64,
}

impl Forecast {
    pub fn new(prior: f64) -> Forecast {
        Forecast {
            carried: Load::NONE,
            past: VecDeque::new(),
            reported: 0.0,
            measured: None,
            covered: 0.0,
            spacing: FIRST_SPACING,
            fit: Fit::default(),
            slope: prior,
            error: 0.0,
            reserve: 0.0,
            reserved: Timestamp::default(),
        }
    }

    /// A conference is expected to grow by something else now.
    fn hopes(&mut self, now: Timestamp, stay: &mut Stay, hope: f64) {
        let before = stay.hope * faded(now, stay.hoped);
        self.reserve = (self.reserve(now) + hope - before).max(0.0);
        self.reserved = now;
        (stay.hope, stay.hoped) = (hope, now);
    }

    /// What conferences that have just come are expected to grow by.
    fn reserve(&self, now: Timestamp) -> f64 {
        if self.reserve == 0.0 { 0.0 } else { self.reserve * faded(now, self.reserved) }
    }

    /// What its stress may rise by beyond what is unreported, if all conferences that are new on it become like others.
    pub fn growing(&self, now: Timestamp) -> f64 {
        self.slope * self.reserve(now)
    }

    /// A conference on it weighs something else now.
    pub fn carries(&mut self, now: Timestamp, before: Load, after: Load) {
        match self.past.back() {
            Some((until, _)) if now.0 < until.0 + GRAIN => {}
            _ => self.past.push_back((now, self.carried.packets)),
        }
        self.carried = self.carried + after - before;
        self.forget(now);
    }

    /// The bridge said its stress. `prior`: what a packet costs bridges, as far as is known. Tells what had been expected,
    /// unless it is an old measurement, or the first.
    pub fn reported(&mut self, now: Timestamp, stress: f64, prior: f64) -> Option<Surprise> {
        let since = self.measured.map(|measured| now.since(measured).as_secs_f64());
        #[expect(clippy::float_cmp, reason = "the same measurement is the same to the last bit")]
        let same = stress == self.reported && since.is_some_and(|since| since < UNCHANGED * self.spacing);
        if same {
            return None;
        }
        let shown = self.shown(now);
        let surprise = since.map(|since| {
            // Two changes close together are two presences of one interval.
            self.spacing += (since.clamp(SPACING.0, SPACING.1) - self.spacing) / 8.0;
            let predicted = (self.reported + self.slope * (shown.mean - self.covered)).max(0.0);
            self.error += ((stress - predicted).abs() - self.error) / 12.0;
            Surprise { predicted, reported: stress }
        });
        self.fit.add(shown.trust(), shown.mean, stress);
        self.slope = unlike(self.fit.slope(prior), prior);
        (self.reported, self.measured, self.covered) = (stress, Some(now), shown.mean);
        self.forget(now);
        surprise
    }

    /// The stress of what its last measurement did not show; below 0, if more has gone than come.
    pub fn unreported(&self) -> f64 {
        self.slope * (float(self.carried.packets) - self.covered)
    }

    /// What a packet a second costs it, as far as is known.
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// What is on it.
    pub fn carried(&self) -> Load {
        self.carried
    }

    /// How far off predictions of what it reports are.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// What a packet a second costs it, if enough was seen to say so.
    pub fn learned(&self) -> Option<f64> {
        self.fit.is_telling().then(|| self.fit.slope(self.slope))
    }

    /// Between which ages, in seconds, that which was placed shows more and more in a measurement that arrives now: media begins to
    /// flow and grows, a measurement is the mean of an interval, and lies up to half of one behind.
    fn window(&self) -> (f64, f64) {
        let (middle, half) = (FLOWS + 0.75 * self.spacing, (GROWS + self.spacing) * 0.375);
        ((middle - half).max(0.0), middle + half)
    }

    /// What a measurement that arrives now shows of what is on it: the mean over the window.
    fn shown(&self, now: Timestamp) -> Shown {
        let (young, old) = self.window();
        let (mut sum, mut low, mut high) = (0.0, self.carried.packets, self.carried.packets);
        // From now backwards: what was there between two ages.
        let mut age: f64 = 0.0;
        let mut load = self.carried.packets;
        for (until, before) in self.past.iter().rev() {
            let next = now.since(*until).as_secs_f64();
            sum += float(load) * (next.min(old) - age.max(young)).max(0.0);
            (low, high) = (low.min(load), high.max(load));
            (age, load) = (next, *before);
            if age >= old {
                break;
            }
        }
        sum += float(load) * (old - age.max(young)).max(0.0);
        if age < old {
            (low, high) = (low.min(load), high.max(load));
        }
        Shown { mean: sum / (old - young), range: float(high - low) }
    }

    fn forget(&mut self, now: Timestamp) {
        let (_, old) = self.window();
        while self.past.front().is_some_and(|(until, _)| now.since(*until).as_secs_f64() > old) {
            self.past.pop_front();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no bridge moves 2^52 packets a second")]
pub(super) fn float(packets: u64) -> f64 {
    packets as f64
}

/// What a measurement shows of what is on a bridge.
#[derive(Debug, Clone, Copy)]
struct Shown {
    mean: f64,
    /// Between the least and the most since it may have begun.
    range: f64,
}

impl Shown {
    /// How much is to be learned from it: while much changes, it is uncertain what a measurement has seen of that.
    fn trust(self) -> f64 {
        let uncertain = 0.3 * self.range / (2.0 * PARTICIPANT + 0.03 * self.mean);
        1.0 / (1.0 + uncertain * uncertain)
    }
}

/// By how many times what a packet costs one bridge may differ from what it costs others until it is taken for a difference
/// between bridges, and from where on it is taken for nothing else.
const ALIKE: f64 = 1.3;
const UNLIKE: f64 = 2.0;

/// Bridges differ in what they report also because meetings differ from what is assumed of them: only what is beyond that is
/// taken for a difference between bridges.
fn unlike(slope: f64, others: f64) -> f64 {
    let times = if slope > others { slope / others } else { others / slope };
    let own = ((times - ALIKE) / (UNLIKE - ALIKE)).clamp(0.0, 1.0);
    others + own * (slope - others)
}

fn faded(now: Timestamp, since: Timestamp) -> f64 {
    decay(now.since(since).as_secs_f64() / HOPE)
}

/// Close to e^-x, and the same on every machine to the last bit, which `exp` is not: a journal that is played again elsewhere
/// has to lead to the same bridges.
fn decay(x: f64) -> f64 {
    // One division: it is computed for every bridge at every selection.
    1.0 / (1.0 + x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0))))))
}

/// Of each measurement, this much is forgotten with the next: after ten minutes a third is left.
const FORGET: f64 = 1.0 / 60.0;
/// Believed before anything was seen, in measurements: that a bridge with nothing on it has no stress.
const IDLE: f64 = 3.0;
/// And that a packet costs it what it costs others, told by this many measurements at a load of twenty participants.
const PRIOR: f64 = 0.5 * 10_000.0 * 10_000.0;
/// It costs it no less and no more than so many times that.
const BOUNDS: (f64, f64) = (1.0 / 30.0, 30.0);

/// A line through measurements: stress by load. The older they are, the less they count.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Fit {
    weight: f64,
    load: f64,
    stress: f64,
    /// Sums of products, about the means.
    load_load: f64,
    load_stress: f64,
}

impl Fit {
    fn add(&mut self, trust: f64, load: f64, stress: f64) {
        if self.weight == 0.0 {
            // About the idle bridge, which never measured.
            self.weight = IDLE;
        }
        let keep = 1.0 - FORGET * trust;
        self.weight *= keep;
        self.load_load *= keep;
        self.load_stress *= keep;
        self.merge(trust, load, stress);
        // The idle bridge is not forgotten: a steady load tells no slope, but its ratio does.
        self.merge(IDLE * FORGET * trust, 0.0, 0.0);
    }

    fn merge(&mut self, weight: f64, load: f64, stress: f64) {
        let (by_load, by_stress) = (load - self.load, stress - self.stress);
        let total = self.weight + weight;
        let share = weight / total;
        self.load_load += by_load * by_load * self.weight * share;
        self.load_stress += by_load * by_stress * self.weight * share;
        self.load += by_load * share;
        self.stress += by_stress * share;
        self.weight = total;
    }

    fn slope(&self, prior: f64) -> f64 {
        let slope = (self.load_stress + PRIOR * prior) / (self.load_load + PRIOR);
        slope.clamp(prior * BOUNDS.0, prior * BOUNDS.1)
    }

    /// Whether it says more than what was believed before.
    fn is_telling(&self) -> bool {
        self.load_load > 4.0 * PRIOR
    }
}

/// The least stress of a participant that is believed before anything was seen: with nothing, nothing would be learned.
const LEAST: f64 = 0.0005;

/// What bridges have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    /// What a packet costs those of which it is known.
    slope: Option<f64>,
    /// How many of the conferences that came to a bridge have reached each of [`STEPS`] soon after. The older, the less they
    /// count.
    reached: [f64; STEPS.len()],
}

/// Sizes of conferences, in packets a second: a participant alone reaches the first, a hundred the last but one.
const STEPS: [f64; 11] = [0.0, 500.0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3, 128e3, 256e3];
/// Conferences are like the last so many.
const MEMORY: f64 = 200.0;
/// Believed before any has come, as if by so many.
const BELIEVED: f64 = 4.0;
/// That so many of those that reach one step reach the next, too.
const REACHES: f64 = 0.5;

impl Default for Fleet {
    fn default() -> Fleet {
        let mut believed = BELIEVED;
        let reached = STEPS.map(|_| {
            let now = believed;
            believed *= REACHES;
            now
        });
        Fleet { slope: None, reached }
    }
}

impl Fleet {
    /// What a packet costs a bridge of which no more is known. `participant`: the stress of an average participant.
    pub fn prior(&self, participant: f64) -> f64 {
        self.slope.unwrap_or(participant.max(LEAST) / PARTICIPANT)
    }

    /// A bridge has learned something.
    pub fn learn(&mut self, forecast: &Forecast) {
        let Some(learned) = forecast.learned() else { return };
        let known = self.slope.get_or_insert(learned);
        *known += (learned - *known) / 64.0;
    }

    /// By how much one that is so large is expected to grow yet: each further step, as often as it is reached by those that
    /// were this large.
    fn residual(&self, load: f64) -> f64 {
        let at = STEPS.iter().rposition(|step| *step <= load).unwrap_or(0);
        let so_far = self.reached[at].max(f64::MIN_POSITIVE);
        let steps = STEPS.windows(2).zip(self.reached.windows(2)).skip(at);
        // Of those that begin a step and do not end it, half are taken to be half way.
        steps.map(|(step, reached)| (reached[0] + reached[1]) / 2.0 / so_far * (step[1] - step[0].max(load))).sum()
    }

    /// A conference on a bridge weighs something else.
    pub fn weighs(&mut self, now: Timestamp, forecast: &mut Forecast, stay: &mut Stay, weight: Weight) {
        let load = weight.load();
        let size = float(load.packets);
        if stay.is_young(now) && load.packets > stay.load.packets {
            while stay.reached < STEPS.len() && STEPS[stay.reached] <= size {
                if stay.reached == 0 {
                    self.reached.iter_mut().for_each(|reached| *reached *= 1.0 - 1.0 / MEMORY);
                }
                self.reached[stay.reached] += 1.0;
                stay.reached += 1;
            }
            let hope = self.residual(size) * HALF;
            forecast.hopes(now, stay, hope);
        } else if load == Load::NONE {
            forecast.hopes(now, stay, 0.0);
        }
        forecast.carries(now, stay.load, load);
        stay.becomes(now, weight);
    }
}

/// How predictions of what bridges report have turned out; these numbers only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Predictions {
    pub checked: u64,
    /// Sum of the differences, in millionths of stress.
    pub error_millionths: u64,
}

impl Predictions {
    pub fn add(&mut self, surprise: Surprise) {
        self.checked += 1;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "stress is not negative")]
        let error = ((surprise.reported - surprise.predicted).abs() * 1e6) as u64;
        self.error_millionths = self.error_millionths.saturating_add(error);
    }
}

#[cfg(test)]
#[path = "predict_tests.rs"]
mod tests;
