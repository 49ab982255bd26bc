//! Who goes where: the rules, in the order in which they are asked. The first that fits decides (spec/60 §6.5, §6.6).

/// What somebody asks, and everything that the answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The client can be sent to a visitor node.
    pub supported: bool,
    /// It wants to be a visitor.
    pub requested: bool,
    /// It is named as one for whom there is a place in the main room.
    pub preferred: bool,
    /// It may be in the main room at all.
    pub allowed: bool,
    /// Visitors are switched on, and Prosody's component for them is known.
    pub usable: bool,
    /// Rooms are live or not: `jicofo.visitors.enable-live-room`.
    pub live_rooms: bool,
    pub live: bool,
    /// Only rooms that say so have visitors: `jicofo.visitors.require-muc-config-flag`.
    pub flag_required: bool,
    /// What the room says. None: nothing.
    pub enabled_in_room: Option<bool>,
    pub lobby: bool,
    pub breakout: bool,
    /// The conference has a visitor node already.
    pub in_use: bool,
    /// Who is in the main room, without the focus, recorders and transcribers.
    pub participants: usize,
    pub limit: usize,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    RequestedNotLive,
    UnlistedNotLive,
    Unsupported,
    Unusable,
    Preferred,
    Lobby,
    SwitchedOffInRoom,
    FlagMissing,
    BreakoutRoom,
    InUse,
    Requested,
    Unlisted,
    Full,
    RoomForAll,
}

/// Where a request leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Main,
    /// To be asked again when the room is live.
    Wait,
    Visitor,
}

impl Rule {
    pub const ALL: [Rule; 14] = [
        Rule::RequestedNotLive,
        Rule::UnlistedNotLive,
        Rule::Unsupported,
        Rule::Unusable,
        Rule::Preferred,
        Rule::Lobby,
        Rule::SwitchedOffInRoom,
        Rule::FlagMissing,
        Rule::BreakoutRoom,
        Rule::InUse,
        Rule::Requested,
        Rule::Unlisted,
        Rule::Full,
        Rule::RoomForAll,
    ];

    pub fn outcome(self) -> Outcome {
        match self {
            Rule::RequestedNotLive | Rule::UnlistedNotLive => Outcome::Wait,
            Rule::InUse | Rule::Requested | Rule::Unlisted | Rule::Full => Outcome::Visitor,
            _ => Outcome::Main,
        }
    }

    /// In words, for the log and the room's story.
    pub fn words(self) -> &'static str {
        match self {
            Rule::RequestedNotLive => "waits: wants to be a visitor, and the room is not live yet",
            Rule::UnlistedNotLive => "waits: not among the room's participants, and it is not live yet",
            Rule::Unsupported => "main room: the client cannot be sent to a visitor node",
            Rule::Unusable => "main room: visitors are switched off, or Prosody has no visitors component",
            Rule::Preferred => "main room: among the room's moderators or participants",
            Rule::Lobby => "main room: there is a lobby",
            Rule::SwitchedOffInRoom => "main room: visitors are switched off for this room",
            Rule::FlagMissing => "main room: this room does not say that it has visitors",
            Rule::BreakoutRoom => "main room: breakout rooms have no visitors",
            Rule::InUse => "visitor: the conference has visitors, and this one is not listed for the main room",
            Rule::Requested => "visitor: as requested",
            Rule::Unlisted => "visitor: not among the room's participants",
            Rule::Full => "visitor: the main room is full",
            Rule::RoomForAll => "main room: there is a place",
        }
    }
}

pub fn decide(question: &Question) -> Rule {
    let not_live = question.supported && question.live_rooms && !question.live;
    if not_live && question.requested {
        Rule::RequestedNotLive
    } else if not_live && !question.allowed {
        Rule::UnlistedNotLive
    } else if !question.supported {
        Rule::Unsupported
    } else if !question.usable {
        Rule::Unusable
    } else if question.preferred && !question.requested {
        Rule::Preferred
    } else if question.lobby {
        Rule::Lobby
    } else if question.enabled_in_room == Some(false) {
        Rule::SwitchedOffInRoom
    } else if question.flag_required && question.enabled_in_room != Some(true) {
        Rule::FlagMissing
    } else if question.breakout {
        Rule::BreakoutRoom
    } else if question.requested {
        Rule::Requested
    } else if !question.allowed {
        Rule::Unlisted
    } else if question.in_use {
        Rule::InUse
    } else if question.participants >= question.limit {
        Rule::Full
    } else {
        Rule::RoomForAll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that may be asked, each with a room that is full and one that is not.
    fn all() -> impl Iterator<Item = Question> {
        let bit = |number: u32, place: u32| number >> place & 1 == 1;
        (0..1 << 11).flat_map(move |number| {
            [None, Some(false), Some(true)].into_iter().flat_map(move |enabled_in_room| {
                [0, 1, 2, 3].map(|participants| Question {
                    supported: bit(number, 0),
                    requested: bit(number, 1),
                    preferred: bit(number, 2),
                    // Whoever is preferred is allowed.
                    allowed: bit(number, 3) || bit(number, 2),
                    usable: bit(number, 4),
                    live_rooms: bit(number, 5),
                    live: bit(number, 6),
                    flag_required: bit(number, 7),
                    lobby: bit(number, 8),
                    breakout: bit(number, 9),
                    in_use: bit(number, 10),
                    enabled_in_room,
                    participants,
                    limit: 2,
                })
            })
        })
    }

    /// As spec/60 §6.5 and §6.6 say it, sentence by sentence.
    fn by_the_book(q: &Question) -> Outcome {
        let step_1 = q.supported && q.requested && q.live_rooms && !q.live;
        let step_4 = q.live_rooms && !q.allowed && !q.live && q.supported;
        if step_1 || step_4 {
            return Outcome::Wait;
        }
        let asks_for_node = q.supported && q.usable && (q.requested || !q.preferred);
        let wanted = q.requested || !q.allowed;
        let never = q.lobby
            || q.enabled_in_room == Some(false)
            || (q.flag_required && q.enabled_in_room != Some(true))
            || q.breakout;
        let reason = q.in_use || wanted || q.participants >= q.limit;
        if asks_for_node && !never && reason { Outcome::Visitor } else { Outcome::Main }
    }

    /// Covers spec/90: 106.
    #[test]
    fn every_combination_is_decided_by_the_book() {
        let mut met = std::collections::BTreeSet::new();
        for question in all() {
            let rule = decide(&question);
            assert_eq!(rule.outcome(), by_the_book(&question), "{rule:?}: {question:?}");
            met.insert(rule);
        }
        assert_eq!(met.into_iter().collect::<Vec<_>>(), Rule::ALL, "each rule decides something");
    }

    #[test]
    fn each_rule_says_in_words_where_it_leads() {
        for rule in Rule::ALL {
            let begins = match rule.outcome() {
                Outcome::Main => "main room: ",
                Outcome::Wait => "waits: ",
                Outcome::Visitor => "visitor: ",
            };
            assert!(rule.words().starts_with(begins), "{rule:?}: {}", rule.words());
        }
    }
}
