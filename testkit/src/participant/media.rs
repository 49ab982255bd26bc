//! What a participant itself sends.

use crate::sources::{Group, Media, Semantics, Source, Sources};

use super::profile::Age;

/// One track, as a browser would encode it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    pub media: Media,
    pub desktop: bool,
    /// Simulcast layers.
    pub layers: usize,
    /// With a stream of retransmissions to each layer.
    pub rtx: bool,
}

pub fn microphone() -> Track {
    Track { media: Media::Audio, desktop: false, layers: 1, rtx: false }
}

/// A camera with three simulcast layers: six sources, four groups.
pub fn camera() -> Track {
    Track { media: Media::Video, desktop: false, layers: 3, rtx: true }
}

/// A camera in one layer with retransmissions: two sources, one FID group.
pub fn single_camera() -> Track {
    Track { layers: 1, ..camera() }
}

/// A shared screen; current clients send it with layers, too (spec/30 §9.5).
pub fn desktop() -> Track {
    Track { desktop: true, ..camera() }
}

/// Numbers that look drawn and are the same in each run.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn of(text: &str) -> Dice {
        // FNV-1a: any spread of the bits will do.
        Dice(
            text.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    /// Splitmix64.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn ssrc(&mut self) -> u32 {
        u32::try_from(self.roll() >> 32).unwrap_or(1).max(1)
    }

    pub fn uuid(&mut self) -> String {
        let (a, b) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }

    pub fn text(&mut self, length: usize) -> String {
        let digits = b"0123456789abcdefghijklmnopqrstuv";
        (0..length).map(|_| char::from(digits[(self.roll() % 32) as usize])).collect()
    }
}

/// Makes the sources of a track: `index` counts tracks of its medium, `session` the sessions so far (spec/30 §6.5: each
/// new session has new SSRCs, and msids whose counters are one higher).
pub fn sources_of(nick: &str, age: Age, track: Track, index: usize, session: u32, dice: &mut Dice) -> Sources {
    let letter = &track.media.name()[..1];
    let name = (age != Age::Old).then(|| format!("{nick}-{letter}{index}"));
    let msid = match age {
        Age::Old => format!("{nick}-{}-{session} {}-{session}", track.media.name(), dice.uuid()),
        _ => format!("{nick}-{}-{index}-{session} {}-{session}", track.media.name(), dice.uuid()),
    };
    let mut source = || Source {
        ssrc: dice.ssrc(),
        media: track.media,
        name: name.clone(),
        msid: Some(msid.clone()),
        // Without a name there is no video type either.
        desktop: track.desktop && name.is_some(),
    };
    let primaries: Vec<Source> = (0..track.layers).map(|_| source()).collect();
    let repairs: Vec<Source> = if track.rtx { primaries.iter().map(|_| source()).collect() } else { Vec::new() };
    let group = |semantics, ssrcs| Group { media: track.media, semantics, ssrcs };
    let mut groups: Vec<Group> =
        primaries.iter().zip(&repairs).map(|(p, r)| group(Semantics::Fid, vec![p.ssrc, r.ssrc])).collect();
    if primaries.len() > 1 {
        groups.insert(1.min(groups.len()), group(Semantics::Sim, primaries.iter().map(|p| p.ssrc).collect()));
    }
    Sources { sources: primaries.into_iter().chain(repairs).collect(), groups }
}
