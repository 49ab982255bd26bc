//! What a conference costs each of its bridges, by who is on it and how it is linked with the others (docs/BRIDGES.md).
//!
//! Everybody is sent to everybody, so it grows faster than the number of endpoints. Kinds differ: who sends, who only receives,
//! who looks on as a visitor. All is counted one participant at a time ([`Tally`]), so that it costs the same in a large room.

use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// What is moved in a second, in and out. Whole numbers: what is added is taken away to the last one. Packets are what bridges
/// are loaded by; bits are for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Load {
    pub packets: u64,
    pub kilobits: u64,
}

impl Load {
    pub const NONE: Load = Load::new(0, 0);

    pub const fn new(packets: u64, kilobits: u64) -> Load {
        Load { packets, kilobits }
    }
}

impl Add for Load {
    type Output = Load;

    fn add(self, other: Load) -> Load {
        Load::new(self.packets + other.packets, self.kilobits + other.kilobits)
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        *self = *self + other;
    }
}

/// Not below nothing.
impl Sub for Load {
    type Output = Load;

    fn sub(self, other: Load) -> Load {
        Load::new(self.packets.saturating_sub(other.packets), self.kilobits.saturating_sub(other.kilobits))
    }
}

impl Mul<u32> for Load {
    type Output = Load;

    fn mul(self, times: u32) -> Load {
        Load::new(self.packets * u64::from(times), self.kilobits * u64::from(times))
    }
}

/// One stream, as browsers send them and bridges forward them.
mod stream {
    use super::Load;

    /// A microphone, all of the time.
    pub const AUDIO: Load = Load::new(50, 40);
    /// A camera in all its resolutions, or a screen.
    pub const VIDEO_UP: Load = Load::new(300, 2_500);
    /// The video that is seen large.
    pub const LARGE: Load = Load::new(200, 1_500);
    /// Each of a few small ones, and each of those that make them many.
    pub const SMALL: Load = Load::new(50, 200);
    pub const TINY: Load = Load::new(25, 100);
    /// Feedback, and checks of connectivity.
    pub const PRESENCE: Load = Load::new(20, 20);
}

/// A bridge forwards only the loudest.
const SPEAKERS: u32 = 3;
/// Beside the large one, so many videos are small and not tiny.
const FEW: u32 = 8;
/// A client's screen holds no more videos.
pub const VISIBLE: u32 = 25;
/// A camera and screens: who claims to send more videos is not believed.
pub const VIDEOS: u32 = 4;

/// What is sent of a conference's media, each once: by who is on one bridge, on some or on all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    pub audio: u32,
    pub videos: u32,
}

impl Sent {
    pub fn load(self) -> Load {
        stream::AUDIO * self.audio + stream::VIDEO_UP * self.videos
    }
}

impl Add for Sent {
    type Output = Sent;

    fn add(self, other: Sent) -> Sent {
        Sent { audio: self.audio + other.audio, videos: self.videos + other.videos }
    }
}

/// Not below nothing.
impl Sub for Sent {
    type Output = Sent;

    fn sub(self, other: Sent) -> Sent {
        Sent { audio: self.audio.saturating_sub(other.audio), videos: self.videos.saturating_sub(other.videos) }
    }
}

impl std::iter::Sum for Sent {
    fn sum<I: Iterator<Item = Sent>>(all: I) -> Sent {
        all.fold(Sent::default(), Add::add)
    }
}

/// One endpoint, as far as load goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Person {
    /// Sends nothing, and is nobody that others are sent.
    pub visitor: bool,
    pub audio: bool,
    /// How many videos it sends.
    pub videos: u32,
    /// How many it wants to get, if it has said so; [`VISIBLE`] at most.
    pub wants: Option<u32>,
}

/// Endpoints on one bridge of a conference, or on all, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    participants: u32,
    visitors: u32,
    sent: Sent,
    /// Who sends one video, and who sends several: nobody is sent his own.
    with_one: u32,
    with_several: u32,
    wanted_by_participants: Wanted,
    wanted_by_visitors: Wanted,
}

/// How many videos those want together who have said so, and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Wanted {
    videos: u32,
    by: u32,
}

impl Wanted {
    /// On average, rounded up. What one says counts for himself, so that nobody can make a conference look small to its bridges
    /// (spec/30 §9.4: it is of one endpoint). None: nobody has said so yet.
    fn each(self) -> Option<u32> {
        (self.by > 0).then(|| self.videos.div_ceil(self.by))
    }
}

impl Tally {
    pub fn add(&mut self, person: Person) {
        self.count(person, |count, by| *count += by);
    }

    /// One that was added.
    pub fn remove(&mut self, person: Person) {
        self.count(person, |count, by| *count -= by);
    }

    fn count(&mut self, person: Person, change: fn(&mut u32, u32)) {
        let wanted = if person.visitor { &mut self.wanted_by_visitors } else { &mut self.wanted_by_participants };
        if let Some(wants) = person.wants {
            change(&mut wanted.videos, wants.min(VISIBLE));
            change(&mut wanted.by, 1);
        }
        if person.visitor {
            change(&mut self.visitors, 1);
            return;
        }
        change(&mut self.participants, 1);
        let videos = person.videos.min(VIDEOS);
        change(&mut self.sent.audio, u32::from(person.audio));
        change(&mut self.sent.videos, videos);
        change(&mut self.with_one, u32::from(videos == 1));
        change(&mut self.with_several, u32::from(videos > 1));
    }

    pub fn sent(&self) -> Sent {
        self.sent
    }

    pub fn is_empty(&self) -> bool {
        self.participants + self.visitors == 0
    }

    /// What those here are sent of all that is sent.
    fn received(&self, all: &Tally) -> Load {
        let Sent { audio, videos } = all.sent;
        let participants = self.wanted_by_participants.each().or(all.wanted_by_participants.each());
        let visitors = self.wanted_by_visitors.each().or(all.wanted_by_visitors.each());
        let silent = self.participants.saturating_sub(self.sent.audio);
        let unseen = self.participants.saturating_sub(self.with_one + self.with_several);
        heard(audio.saturating_sub(1)) * self.sent.audio
            + heard(audio) * (silent + self.visitors)
            + seen(videos, participants) * unseen
            + seen(videos.saturating_sub(1), participants) * self.with_one
            + seen(videos.saturating_sub(2), participants) * self.with_several
            + seen(videos, visitors) * self.visitors
            + stream::PRESENCE * (self.participants + self.visitors)
    }
}

fn heard(audio: u32) -> Load {
    stream::AUDIO * audio.min(SPEAKERS)
}

fn seen(videos: u32, wants: Option<u32>) -> Load {
    match videos.min(VISIBLE).min(wants.unwrap_or(VISIBLE)) {
        0 => Load::NONE,
        seen => {
            let small = (seen - 1).min(FEW);
            stream::LARGE + stream::SMALL * small + stream::TINY * (seen - 1 - small)
        }
    }
}

/// What a conference costs a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weight {
    /// Endpoints on it: what they send and are sent.
    pub local: Load,
    /// What comes and goes over its links.
    pub links: Load,
}

impl Weight {
    pub const NONE: Weight = Weight { local: Load::NONE, links: Load::NONE };

    pub fn load(self) -> Load {
        self.local + self.links
    }
}

/// Without links.
impl From<Load> for Weight {
    fn from(local: Load) -> Weight {
        Weight { local, links: Load::NONE }
    }
}

/// A conference as seen from one of its bridges.
#[derive(Debug, Clone, Copy)]
pub struct Crowd<'a> {
    /// Who is on this bridge.
    pub here: &'a Tally,
    /// Who is on all of them.
    pub all: &'a Tally,
    /// How many links it has in the mesh behind which all the others are, but for those who are `apart`.
    pub links: u32,
}

impl Crowd<'_> {
    /// What it costs this bridge. `apart`: each further mesh that it is in, by the number of its links there and by what is sent
    /// from behind them. A bridge passes on to a mesh what comes from its own endpoints and from its other meshes (spec/40 §6.3).
    pub fn weight(self, apart: impl IntoIterator<Item = (u32, Sent)>) -> Weight {
        if self.here.is_empty() {
            return Weight::NONE;
        }
        let (own, all) = (self.here.sent, self.all.sent);
        let mut rest = all - own;
        let mut over_links = Load::NONE;
        for (links, behind) in apart {
            rest = rest - behind;
            over_links += behind.load() + (all - behind).load() * links;
        }
        if self.links > 0 {
            over_links += rest.load() + (all - rest).load() * self.links;
        }
        Weight { local: own.load() + self.here.received(self.all), links: over_links }
    }
}

#[cfg(test)]
#[path = "crowd_tests.rs"]
mod tests;
