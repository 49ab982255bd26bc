//! What a bridge does not know yet of its own load: what was placed there since it last measured (docs/BRIDGES.md).
//!
//! A bridge says its stress every few seconds, of a measurement that is older still, so that whoever believes it puts a burst
//! of joins on one bridge (spec/90, row 82). Here each bridge has an account of what the focus has put on it, in packets a
//! second ([`Crowd::load`]), and learns what a packet costs it by comparing the account with what it reports. Its stress by
//! now is what it reported, and the cost of all that has come since and gone since.

use serde::{Deserialize, Serialize};

use crate::focus::Timestamp;

/// Packets a second, in and out, that a conference is expected to cost a bridge. Whole numbers: what is added is taken away to
/// the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Load(pub u32);

impl Load {
    /// What `jicofo.bridge.average-participant-stress` is the stress of: a participant in a call of three or four. A bridge
    /// that measures by packets has a stress of 1 at 100 of them (spec/50 §2.2).
    pub const PARTICIPANT: Load = Load(500);
}

/// Packets a second of one stream, as browsers send them and bridges forward them.
mod pps {
    /// A microphone, all of the time.
    pub const AUDIO: u32 = 50;
    /// A camera in all its resolutions, or a screen.
    pub const VIDEO_UP: u32 = 220;
    /// The video that is seen large.
    pub const LARGE: u32 = 150;
    /// Each other video that is seen.
    pub const SMALL: u32 = 40;
    /// Feedback, and checks of connectivity.
    pub const PRESENCE: u32 = 20;
}

/// A bridge forwards only the loudest.
const SPEAKERS: u32 = 3;
/// A client's screen holds no more videos.
const VISIBLE: u32 = 25;

/// Who is in a conference, as seen from one of its bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Crowd {
    /// Endpoints on this bridge.
    pub here: u32,
    /// Endpoints on all its bridges.
    pub all: u32,
    /// How many others of its bridges this one is linked to.
    pub relays: u32,
    /// Who sends audio and video, wherever they are.
    pub audio: u32,
    pub video: u32,
    /// How many videos a client wants to get, if clients say so (spec/30 §9.4).
    pub last_n: Option<u32>,
}

impl Crowd {
    /// Grows faster than the number of endpoints: everybody is sent to everybody.
    pub fn load(self) -> Load {
        if self.here == 0 {
            return Load(0);
        }
        // Who sends is known of the conference, not of each bridge: they are taken to be spread as the endpoints are.
        let all = u64::from(self.all.max(self.here));
        let share = |senders: u32| u64::from(senders.min(self.all.max(self.here))) * u64::from(self.here);
        let (audio, video) = (share(self.audio) / all, share(self.video) / all);
        let sent = audio * u64::from(pps::AUDIO) + video * u64::from(pps::VIDEO_UP);
        let far = u64::from(self.audio) * u64::from(pps::AUDIO) + u64::from(self.video) * u64::from(pps::VIDEO_UP);
        let far = if self.relays > 0 { far.saturating_sub(sent) } else { 0 };
        let each = u64::from(pps::PRESENCE + heard(self.audio) + seen(self.video, self.last_n));
        let total = sent * u64::from(1 + self.relays) + far + u64::from(self.here) * each;
        Load(u32::try_from(total).unwrap_or(u32::MAX))
    }
}

fn heard(audio: u32) -> u32 {
    audio.saturating_sub(1).min(SPEAKERS) * pps::AUDIO
}

fn seen(video: u32, last_n: Option<u32>) -> u32 {
    match video.saturating_sub(1).min(VISIBLE).min(last_n.unwrap_or(VISIBLE)) {
        0 => 0,
        seen => pps::LARGE + (seen - 1) * pps::SMALL,
    }
}

/// How long a measurement lies behind before it is known how often the bridge measures: a JVB does every ten seconds, and
/// says so every five (spec/50 §2.2).
const FIRST_SPACING: f64 = 10.0;
/// No bridge measures oftener or more seldom than this, in seconds.
const SPACING: (f64, f64) = (1.0, 30.0);
/// A value that stays the same is the same measurement, until it has been so for this many intervals.
const UNCHANGED: f64 = 2.5;

/// The account of one bridge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What is on it, in packets a second.
    carried: u64,
    /// What a measurement that arrived now would show of it: it takes a while for media to flow, for a bridge to measure, and
    /// to say so. Two steps, each of half an interval.
    rising: f64,
    shown: f64,
    at: Timestamp,
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
}

/// What a report said in the light of what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surprise {
    pub predicted: f64,
    pub reported: f64,
}

impl Forecast {
    pub fn new(now: Timestamp, prior: f64) -> Forecast {
        Forecast {
            carried: 0,
            rising: 0.0,
            shown: 0.0,
            at: now,
            reported: 0.0,
            measured: None,
            covered: 0.0,
            spacing: FIRST_SPACING,
            fit: Fit::default(),
            slope: prior,
            error: 0.0,
        }
    }

    /// A conference on it weighs something else now.
    pub fn carries(&mut self, now: Timestamp, before: Load, after: Load) {
        self.flow(now);
        self.carried = (self.carried + u64::from(after.0)).saturating_sub(u64::from(before.0));
    }

    /// The bridge said its stress. `prior`: what a packet costs bridges, as far as is known. Tells what had been expected,
    /// unless it is an old measurement, or the first.
    pub fn reported(&mut self, now: Timestamp, stress: f64, prior: f64) -> Option<Surprise> {
        self.flow(now);
        let since = self.measured.map(|measured| now.since(measured).as_secs_f64());
        #[expect(clippy::float_cmp, reason = "the same measurement is the same to the last bit")]
        let same = stress == self.reported && since.is_some_and(|since| since < UNCHANGED * self.spacing);
        if same {
            return None;
        }
        let surprise = since.map(|since| {
            // Two changes close together are two presences of one interval.
            self.spacing += (since.clamp(SPACING.0, SPACING.1) - self.spacing) / 8.0;
            let predicted = (self.reported + self.slope * (self.shown - self.covered)).max(0.0);
            self.error += ((stress - predicted).abs() - self.error) / 12.0;
            Surprise { predicted, reported: stress }
        });
        self.fit.add(self.shown, stress);
        self.slope = self.fit.slope(prior);
        (self.reported, self.measured, self.covered) = (stress, Some(now), self.shown);
        surprise
    }

    /// The stress of what its last measurement did not show; below 0, if more has gone than come.
    pub fn unreported(&self) -> f64 {
        self.slope * (self.carried_now() - self.covered)
    }

    /// What so much more would add to its stress.
    pub fn cost(&self, load: Load) -> f64 {
        self.slope * f64::from(load.0)
    }

    /// What is on it.
    pub fn carried(&self) -> u64 {
        self.carried
    }

    /// How far off predictions of what it reports are.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// What a packet a second costs it, if enough was seen to say so.
    pub fn learned(&self) -> Option<f64> {
        self.fit.is_telling().then_some(self.slope)
    }

    #[expect(clippy::cast_precision_loss, reason = "no bridge moves 2^52 packets a second")]
    fn carried_now(&self) -> f64 {
        self.carried as f64
    }

    /// Time passes: what is on it begins to show.
    fn flow(&mut self, now: Timestamp) {
        let steps = now.since(self.at).as_secs_f64() / (self.spacing / 2.0);
        let (carried, left) = (self.carried_now(), decay(steps));
        let (rising, shown) = (self.rising - carried, self.shown - carried);
        self.rising = carried + rising * left;
        self.shown = carried + (shown + rising * steps) * left;
        self.at = self.at.max(now);
    }
}

/// Close to e^-x, and the same on every machine to the last bit, which `exp` is not: a journal that is played again elsewhere
/// has to lead to the same bridges.
fn decay(x: f64) -> f64 {
    1.0 / (1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0)))))
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
    fn add(&mut self, load: f64, stress: f64) {
        if self.weight == 0.0 {
            // About the idle bridge, which never measured.
            self.weight = IDLE;
        }
        let keep = 1.0 - FORGET;
        self.weight *= keep;
        self.load_load *= keep;
        self.load_stress *= keep;
        self.merge(1.0, load, stress);
        // The idle bridge is not forgotten: a steady load tells no slope, but its ratio does.
        self.merge(IDLE * FORGET, 0.0, 0.0);
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

/// What bridges have in common, for those of which nothing is known yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fleet {
    slope: Option<f64>,
}

impl Fleet {
    /// What a packet costs a bridge of which no more is known. `participant`: the stress of an average participant.
    pub fn prior(&self, participant: f64) -> f64 {
        self.slope.unwrap_or(participant.max(LEAST) / f64::from(Load::PARTICIPANT.0))
    }

    /// A bridge has learned something.
    pub fn learn(&mut self, forecast: &Forecast) {
        let Some(learned) = forecast.learned() else { return };
        let known = self.slope.get_or_insert(learned);
        *known += (learned - *known) / 64.0;
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
