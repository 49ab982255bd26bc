//! What components said before it was known that they are components, until an answer of the server names them (spec/20 §1, b).
//!
//! Nothing that counts is lost: messages change a conference in their order, and the place is bounded for each conference, so that
//! nobody takes that of another one. Where one is switched without end, what a later message says again goes first.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::Kind;
use crate::focus::conference::ConferenceId;
use crate::focus::time::Timestamp;
use crate::wire::Jid;
use crate::wire::jingle::JsonMessage;

/// What is kept of all conferences together, and its size in bytes. Far more than a server says until it has said which components
/// it has.
const MAX: usize = 1_024;
const MAX_SIZE: usize = 4 << 20;

/// What is kept of one conference: far more than there are different things to be said ([`Subject`]).
const MAX_OF_ONE: usize = 32;
const MAX_SIZE_OF_ONE: usize = 512 << 10;

/// For so long a message is kept where the server answers and names no such component: one that is loaded later than that said it
/// in another life, if at all.
const MAX_UNNAMED: Duration = Duration::from_secs(300);

/// The keys of metadata that a later message does not change where it leaves them out (spec/20 §11).
const LASTING: [&str; 3] = ["visitorsEnabled", "participantsSoftLimit", "startMuted"];

/// A message of a conference that is there: what was said to an earlier one in that room is not said to a later one.
#[derive(Debug)]
pub(super) struct Early {
    pub from: Jid,
    pub conference: ConferenceId,
    pub kind: Kind,
    pub message: JsonMessage,
    subject: Subject,
    /// Since when the server answers and names no such component.
    unnamed: Option<Timestamp>,
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// Which of the lasting keys it has.
    Metadata([bool; LASTING.len()]),
    /// Of which media, whether they are switched, and whether it is said who is approved.
    Moderation { media: String, switches: bool, lists: bool },
    /// That can't be read.
    Nothing,
}

impl Subject {
    fn of(kind: Kind, json: &Value) -> Subject {
        match kind {
            Kind::Metadata => match json.get("metadata").and_then(Value::as_object) {
                Some(metadata) => Subject::Metadata(LASTING.map(|key| metadata.contains_key(key))),
                None => Subject::Nothing,
            },
            Kind::Moderation => Subject::Moderation {
                media: json.get("mediaType").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase(),
                switches: json.get("enabled").is_some(),
                lists: json.get("whitelists").is_some(),
            },
        }
    }

    /// Whether a later message says all of it again. What a message on metadata leaves out is over, but for the lasting keys.
    fn is_said_again_by(&self, later: &Subject) -> bool {
        match (self, later) {
            (Subject::Metadata(earlier), Subject::Metadata(later)) => {
                earlier.iter().zip(later).all(|(earlier, later)| *later || !earlier)
            }
            (earlier, later) => earlier == later,
        }
    }
}

impl Early {
    pub fn new(from: Jid, conference: ConferenceId, kind: Kind, json: &Value, message: JsonMessage) -> Early {
        Early { from, conference, kind, message, subject: Subject::of(kind, json), unnamed: None }
    }

    /// An answer names no such component. Whether that has been so for long enough.
    fn is_over(&mut self, now: Timestamp) -> bool {
        now.since(*self.unnamed.get_or_insert(now)) >= MAX_UNNAMED
    }

    fn size(&self) -> usize {
        self.message.json.len()
    }

    fn is_said_again_by(&self, later: &Early) -> bool {
        let of_same = (later.conference, later.kind) == (self.conference, self.kind) && later.from == self.from;
        of_same && self.subject.is_said_again_by(&later.subject)
    }
}

/// All that are kept, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<Early>);

impl Kept {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn retain(&mut self, is_needed: impl FnMut(&Early) -> bool) {
        self.0.retain(is_needed);
    }

    /// Takes what an answer decides, in its order: where it names such a component, or has not for too long.
    pub fn take_decided(&mut self, now: Timestamp, is_named: impl Fn(Kind) -> bool) -> Vec<Early> {
        let (mut decided, mut kept) = (Vec::new(), Vec::new());
        for mut early in std::mem::take(&mut self.0) {
            match is_named(early.kind) || early.is_over(now) {
                true => decided.push(early),
                false => kept.push(early),
            }
        }
        self.0 = kept;
        decided
    }

    /// Keeps one more, as the last. Whether it is lost, as there is no place for it; then nothing else goes.
    pub fn add(&mut self, new: Early) -> bool {
        let mut gone = BTreeSet::new();
        while !self.has_place(&new, &gone) {
            let of_one = |at: &usize| !gone.contains(at) && self.0[*at].conference == new.conference;
            let is_said_again = |at: &usize| {
                let later = (at + 1..self.0.len()).filter(|later| !gone.contains(later)).map(|later| &self.0[later]);
                later.chain([&new]).any(|later| self.0[*at].is_said_again_by(later))
            };
            match (0..self.0.len()).filter(of_one).find(is_said_again) {
                Some(at) => gone.insert(at),
                None => return true,
            };
        }
        let mut at = 0..;
        self.0.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
        self.0.push(new);
        false
    }

    /// Whether there is a place, if those are gone.
    fn has_place(&self, new: &Early, gone: &BTreeSet<usize>) -> bool {
        let left =
            || self.0.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, early)| early).chain([new]);
        let (all, size) = count(left());
        let (of_one, size_of_one) = count(left().filter(|early| early.conference == new.conference));
        all <= MAX && size <= MAX_SIZE && of_one <= MAX_OF_ONE && size_of_one <= MAX_SIZE_OF_ONE
    }
}

/// How many there are, and their size.
fn count<'a>(of: impl Iterator<Item = &'a Early>) -> (usize, usize) {
    of.fold((0, 0), |(count, size), early| (count + 1, size + early.size()))
}
