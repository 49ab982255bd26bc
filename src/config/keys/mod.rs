//! The table of keys (spec/70 §5), a file for each part. See [`schema`](super::schema) for what a line means.

use super::schema::Key;
use super::typed::Kind;

const INT: Kind = Kind::Int(i32::MIN as i64, i32::MAX as i64);
const COUNT: Kind = Kind::Int(0, i32::MAX as i64);
const PORT: Kind = Kind::Int(1, 65_535);
/// RTP has 7 bits for it (spec/70 §5.6).
const PAYLOAD_TYPE: Kind = Kind::Int(i32::MIN as i64, 127);
/// Two-byte headers; 15 means "stop" in one-byte ones and is left to the person.
const EXTENSION: Kind = Kind::Int(1, 255);
const FRACTION: Kind = Kind::Double(0.0, f64::MAX);
const POSITIVE: Kind = Kind::Duration(1);
const STRATEGY: Kind = Kind::ClassName(&[
    "SingleBridgeSelectionStrategy",
    "SplitBridgeSelectionStrategy",
    "RegionBasedBridgeSelectionStrategy",
    "IntraRegionBridgeSelectionStrategy",
    "VisitorSelectionStrategy",
]);

mod bridges;
mod connections;
mod media;
mod services;

const COUNT_OF_KEYS: usize = connections::KEYS.len() + bridges::KEYS.len() + media::KEYS.len() + services::KEYS.len();

pub static KEYS: &[Key] = &{
    let parts = [connections::KEYS, bridges::KEYS, media::KEYS, services::KEYS];
    let mut all = [connections::KEYS[0]; COUNT_OF_KEYS];
    let (mut part, mut within, mut at) = (0, 0, 0);
    while at < COUNT_OF_KEYS {
        if within == parts[part].len() {
            (part, within) = (part + 1, 0);
        } else {
            all[at] = parts[part][within];
            (within, at) = (within + 1, at + 1);
        }
    }
    all
};
