//! What people on a bridge really cost it.

use std::ops::{Add, Sub};

use super::plan::Person;

/// Packets a second of what there is, and what that is for a bridge. None of these numbers is known to the focus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    pub audio: f64,
    pub video_up: f64,
    /// A video that is seen large, one of a few small ones, one of many.
    pub large: f64,
    pub small: f64,
    pub tiny: f64,
    pub endpoint: f64,
    /// Of a bridge's processor, with nobody on it.
    pub idle: f64,
    /// How much dearer a packet is on a full bridge than on an empty one.
    pub bend: f64,
    /// Of each measurement, up and down.
    pub noise: f64,
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            audio: 50.0,
            video_up: 330.0,
            large: 220.0,
            small: 60.0,
            tiny: 26.0,
            endpoint: 12.0,
            idle: 0.02,
            bend: 0.2,
            noise: 0.015,
        }
    }
}

/// Media begins to flow when a client has accepted and is connected, and has its full rate when the bandwidth is known.
const CONNECTED: f64 = 1.5;
const FULL: f64 = 9.0;

/// How much of its media flows, so many seconds after the join.
pub fn flowing(age: f64) -> f64 {
    ((age - CONNECTED) / (FULL - CONNECTED)).clamp(0.0, 1.0)
}

/// Somebody in a conference, and how much of its media flows.
#[derive(Debug, Clone, Copy)]
pub struct Flow<'a> {
    pub person: &'a Person,
    pub share: f64,
}

/// What the people of one conference send, on one bridge or on all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    audio: f64,
    video: f64,
}

impl Sent {
    pub fn of<'a>(people: impl Iterator<Item = Flow<'a>>) -> Sent {
        people.fold(Sent::default(), |sum, flow| Sent {
            audio: sum.audio + if flow.person.audio { flow.share } else { 0.0 },
            video: sum.video + if flow.person.video { flow.share } else { 0.0 },
        })
    }

    fn packets(self, costs: &Costs) -> f64 {
        self.audio * costs.audio + self.video * costs.video_up
    }
}

impl Add for Sent {
    type Output = Sent;

    fn add(self, other: Sent) -> Sent {
        Sent { audio: self.audio + other.audio, video: self.video + other.video }
    }
}

impl Sub for Sent {
    type Output = Sent;

    fn sub(self, other: Sent) -> Sent {
        Sent { audio: self.audio - other.audio, video: self.video - other.video }
    }
}

/// What a bridge has of a mesh: how many links, and what is sent from behind them.
#[derive(Debug, Clone, Copy)]
pub struct Linked {
    pub links: f64,
    pub behind: Sent,
}

/// Packets a second that a bridge has from a conference. `sent`: by all of it. Into each link goes what is sent anywhere but behind
/// that mesh.
pub fn packets<'a>(
    costs: &Costs,
    here: impl Iterator<Item = Flow<'a>> + Clone,
    sent: Sent,
    linked: impl Iterator<Item = Linked>,
) -> f64 {
    let own = Sent::of(here.clone()).packets(costs);
    let received: f64 = here.map(|flow| flow.share * received(costs, flow, sent) + costs.endpoint).sum();
    let links: f64 =
        linked.map(|mesh| mesh.behind.packets(costs) + mesh.links * (sent - mesh.behind).packets(costs)).sum();
    own + received + links
}

/// What one is sent.
fn received(costs: &Costs, flow: Flow<'_>, sent: Sent) -> f64 {
    let own = |sends: bool| if sends { flow.share } else { 0.0 };
    let heard = (sent.audio - own(flow.person.audio)).clamp(0.0, 3.0);
    let seen = (sent.video - own(flow.person.video)).clamp(0.0, flow.person.visible);
    let each = if seen > 9.0 { costs.tiny } else { costs.small };
    let video = seen.min(1.0) * costs.large + (seen - 1.0).max(0.0) * each;
    heard * costs.audio + video.min(flow.person.link)
}

/// The stress of a bridge of this capacity, in packets a second.
pub fn stress(costs: &Costs, capacity: f64, packets: f64) -> f64 {
    let filled = packets / capacity;
    costs.idle + filled * (1.0 - costs.bend / 2.0 + costs.bend * filled)
}
