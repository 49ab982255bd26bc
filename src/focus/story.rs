//! The story of a room: what came in for a conference, what was decided and why, what went out. It is told when something
//! goes wrong, so that one report says what led to it.
//!
//! Written at every input, so it keeps names and clones of shared text only; words are made when it is told. No payload is
//! kept, and of addresses only nicks in rooms and bare domains: nothing secret can get in.

use std::collections::VecDeque;
use std::fmt;

use super::bridges::select::Reason;
use super::time::Timestamp;
use super::timers::Timer;
use crate::wire::Jid;
use crate::wire::stanza::{Iq, IqBody, Payload, Stanza};
use crate::wire::values::PresenceType;

/// How many lines a conference keeps: some minutes of a small meeting, the last offers to all of a large one. About 15 kB.
const LINES: usize = 256;

/// So many characters are kept of why something was refused.
const MAX_WORDS: usize = 120;

/// What a line is about.
#[derive(Debug, Clone)]
enum Event {
    /// A stanza came: its kind, and of whom.
    In(Kind, Option<Jid>),
    /// A stanza went out: its kind, and to whom.
    Out(Kind, Option<Jid>),
    /// A request was refused: with which condition and words, and to whom.
    Refused(&'static str, Box<str>, Option<Jid>),
    /// So many requests of this one were refused as too many.
    TooMany(u64, Option<Jid>),
    /// What was answered, and how.
    Answer(&'static str, &'static str),
    /// No answer came to what is named.
    Silence(&'static str),
    /// A time has come.
    Due(&'static str),
    /// What was decided, and why.
    Decided(&'static str),
    /// A bridge was chosen, and why.
    Chose(Jid, Reason),
}

/// A stanza in two words.
#[derive(Debug, Clone, Copy)]
struct Kind(&'static str, &'static str);

/// The last lines of a conference's life.
#[derive(Debug, Default)]
pub(crate) struct Story {
    lines: VecDeque<(Timestamp, Event)>,
    dropped: u64,
}

impl Story {
    pub fn came(&mut self, at: Timestamp, stanza: Came<'_>) {
        let event = match stanza {
            Came::Presence(kind, from) => Event::In(Kind("presence", presence_kind(kind)), from.cloned()),
            Came::Jingle(action, from) => Event::In(Kind("asks", known_action(action)), from.cloned()),
            Came::Request(what, from) => Event::In(Kind("asks", what), from.cloned()),
            Came::Bridge(what, bridge) => Event::In(Kind(what, ""), Some(bridge.clone())),
            Came::Answer(what, how) => Event::Answer(what, how),
            Came::Silence(what) => Event::Silence(what),
            Came::Due(timer) => Event::Due(timer_name(timer)),
            Came::Event(what) => Event::In(Kind(what, ""), None),
        };
        self.push(at, event);
    }

    pub fn went(&mut self, at: Timestamp, stanza: &Stanza) {
        let event = match stanza {
            Stanza::Presence(presence) => {
                Event::Out(Kind("presence", presence_kind(presence.kind)), presence.to.clone())
            }
            Stanza::Message(message) => Event::Out(Kind("message", ""), message.to.clone()),
            Stanza::Iq(iq) => match &iq.body {
                IqBody::Error(error) => {
                    Event::Refused(error.condition.as_str(), words(error.text.as_deref()), iq.to.clone())
                }
                _ => Event::Out(kind_of(iq), iq.to.clone()),
            },
        };
        self.push(at, event);
    }

    /// A request was refused because there are too many. A line for all in a row: a flood takes the others with it otherwise.
    pub fn refused_as_too_many(&mut self, at: Timestamp, from: Option<&Jid>) {
        if let Some((_, Event::TooMany(count, of))) = self.lines.back_mut()
            && of.as_ref() == from
        {
            *count += 1;
            return;
        }
        self.push(at, Event::TooMany(1, from.cloned()));
    }

    pub fn decided(&mut self, at: Timestamp, what: &'static str) {
        self.push(at, Event::Decided(what));
    }

    pub fn chose(&mut self, at: Timestamp, bridge: &Jid, reason: Reason) {
        self.push(at, Event::Chose(bridge.clone(), reason));
    }

    fn push(&mut self, at: Timestamp, event: Event) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back((at, event));
    }
}

/// What came for a conference.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Came<'a> {
    Presence(Option<PresenceType>, Option<&'a Jid>),
    /// A Jingle request, by its action.
    Jingle(Option<&'a str>, Option<&'a Jid>),
    /// Another request.
    Request(&'static str, Option<&'a Jid>),
    /// What has become of a bridge on which it is.
    Bridge(&'static str, &'a Jid),
    /// An answer to what is named, and what it says: `result`, or the condition of an error.
    Answer(&'static str, &'static str),
    /// No answer, in time or because the connection was lost.
    Silence(&'static str),
    Due(&'a Timer),
    /// Anything else.
    Event(&'static str),
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((begin, _)) = self.lines.front() else { return Ok(()) };
        if self.dropped > 0 {
            writeln!(f, "  … {} lines before", self.dropped)?;
        }
        for (at, event) in &self.lines {
            write!(f, "  {:>9.3} ", at.since(*begin).as_secs_f64())?;
            match event {
                Event::In(kind, from) => write!(f, "← {}: {kind}", Name(from.as_ref()))?,
                Event::Out(kind, to) => write!(f, "     → {}: {kind}", Name(to.as_ref()))?,
                Event::Refused(condition, words, to) if words.is_empty() => {
                    write!(f, "     → {}: error {condition}", Name(to.as_ref()))?;
                }
                Event::Refused(condition, words, to) => {
                    write!(f, "     → {}: error {condition} ({words})", Name(to.as_ref()))?;
                }
                Event::TooMany(count, from) => {
                    write!(f, "← {}: asks too much ({count} refused)", Name(from.as_ref()))?;
                }
                Event::Answer(what, how) => write!(f, "← {how} to {what}")?,
                Event::Silence(what) => write!(f, "← no answer to {what}")?,
                Event::Due(what) => write!(f, "← time: {what}")?,
                Event::Decided(what) => write!(f, "   ! {what}")?,
                Event::Chose(bridge, reason) => write!(f, "   ! on {}: {reason}", Name(Some(bridge)))?,
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind(what, "") => f.write_str(what),
            Kind(what, which) => write!(f, "{what} {which}"),
        }
    }
}

/// Whom an address means, without telling it: the nick of an occupant, or a domain.
struct Name<'a>(Option<&'a Jid>);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("here"),
            Some(jid) => match (jid.local(), jid.resource()) {
                // Behind the proxy of requests, the resource is a user's whole address.
                (Some(_), Some(nick)) => f.write_str(nick),
                (Some(_), None) => f.write_str("the room"),
                _ => f.write_str(jid.domain()),
            },
        }
    }
}

fn kind_of(iq: &Iq) -> Kind {
    match &iq.body {
        IqBody::Result(_) => Kind("result", ""),
        IqBody::Error(error) => Kind("error", error.condition.as_str()),
        IqBody::Get(payload) | IqBody::Set(payload) => match payload {
            Payload::Jingle(jingle) => Kind("jingle", known_action(jingle.action.as_deref())),
            Payload::ConferenceModify(modify) => Kind("colibri", modify_name(modify)),
            Payload::DiscoInfo(_) => Kind("asks for features", ""),
            Payload::MucOwner(owner) if owner.form.is_some() => Kind("configures", ""),
            Payload::MucOwner(_) => Kind("asks for the form", ""),
            Payload::MucAdmin(_) => Kind("grants", ""),
            Payload::Visitors(visitors) if !visitors.connect.is_empty() => Kind("connects a visitor node", ""),
            Payload::Visitors(_) => Kind("disconnects visitor nodes", ""),
            Payload::MuteAudio(_) | Payload::MuteVideo(_) | Payload::MuteDesktop(_) => Kind("mutes", ""),
            _ => Kind("iq", ""),
        },
    }
}

/// Why something was refused. Not where that might tell an address.
fn words(text: Option<&str>) -> Box<str> {
    text.filter(|text| !text.contains('@')).map(|text| text.chars().take(MAX_WORDS).collect()).unwrap_or_default()
}

fn modify_name(modify: &crate::wire::colibri2::ConferenceModify) -> &'static str {
    let any = |wanted: fn(&crate::wire::colibri2::Endpoint) -> bool| modify.endpoints.iter().any(wanted);
    if modify.expire {
        "expire"
    } else if modify.create {
        "create"
    } else if any(|endpoint| endpoint.create) {
        "add endpoint"
    } else if any(|endpoint| endpoint.expire) {
        "expire endpoint"
    } else {
        "update"
    }
}

fn known_action(action: Option<&str>) -> &'static str {
    use crate::wire::values::Action;
    action.and_then(|action| action.parse::<Action>().ok()).map_or("unknown action", |action| action.as_str())
}

fn presence_kind(kind: Option<PresenceType>) -> &'static str {
    kind.map_or("", |kind| kind.as_str())
}

fn timer_name(timer: &Timer) -> &'static str {
    match timer {
        Timer::EntryTimeout(_) => "the room did not answer",
        Timer::MirrorIdle(..) => "is anybody in a room of visitors?",
        Timer::MirrorTimeout(..) => "a room of visitors did not answer",
        Timer::VisitorCount(_) => "say how many visitors there are",
        Timer::MetadataTimeout(_) => "the metadata did not come",
        Timer::NobodyCame(_) => "nobody came",
        Timer::Alone(_) => "alone for long",
        Timer::FindPlace(..) => "look again for a place for one who came too often",
        Timer::SenderLimits(_) => "look again at the limits of senders",
        Timer::Mutes(..) => "everybody may be told again to mute",
        Timer::Signal(..) => "tell one of the others' sources",
        Timer::SeekBridge(_) => "seek a bridge",
        Timer::Repeat(_) => "tell a bridge again",
        Timer::Reinvite(..) => "one was held back for long enough",
        Timer::ElectOwner(_) => "elect an owner",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stanza::StanzaError;
    use crate::wire::values::{Condition, ErrorType};

    #[test]
    fn the_oldest_lines_go_and_no_address_is_told() {
        let mut story = Story::default();
        let jid: Jid = "someone@example.com/nick".parse().expect("an address");
        let proxied: Jid = "focus.example.com/someone@example.com/x".parse().expect("an address");
        for second in 0..300 {
            story.came(Timestamp(second * 1_000_000), Came::Presence(None, Some(&jid)));
        }
        story.came(Timestamp(300_000_000), Came::Jingle(None, Some(&proxied)));
        story.decided(Timestamp(300_000_000), "the bridge failed: another one");
        let told = story.to_string();
        assert_eq!(told.lines().count(), LINES + 1);
        assert!(told.starts_with("  … 46 lines before\n"), "{told}");
        assert!(told.contains("nick: presence") && !told.contains("someone@"), "{told}");
        assert!(told.ends_with("! the bridge failed: another one\n"), "{told}");
    }

    #[test]
    fn a_flood_is_one_line_and_a_refusal_says_why() {
        let mut story = Story::default();
        let jid: Jid = "room@example.com/nick".parse().expect("an address");
        story.came(Timestamp(0), Came::Request("to mute", Some(&jid)));
        for second in 0..300 {
            story.refused_as_too_many(Timestamp(second * 1_000_000), Some(&jid));
        }
        let refusal = |text: &str| {
            let error = StanzaError::new(ErrorType::Cancel, Condition::NotAllowed, Some(text.into()));
            Stanza::Iq(Box::new(Iq { from: None, to: Some(jid.clone()), id: "1".into(), body: IqBody::Error(error) }))
        };
        story.went(Timestamp(0), &refusal("only moderators may mute others"));
        story.went(Timestamp(0), &refusal("not from someone@example.com"));
        let told = story.to_string();
        let lines: Vec<&str> = told.lines().map(|line| line.trim_start_matches([' ', '.', '0', '→'])).collect();
        let refused = "nick: error not-allowed (only moderators may mute others)";
        assert_eq!(
            lines,
            ["← nick: asks to mute", "← nick: asks too much (300 refused)", refused, "nick: error not-allowed"]
        );
    }
}
