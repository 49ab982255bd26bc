//! What bridges have yet to be told again, in the order in which it was lost, and found by what it is about: of a large meeting
//! whose bridge says nothing much is lost at once, and one thing more costs the same however much that is.

use std::collections::BTreeSet;

use super::super::cascade::RelayKey;
use super::super::{EndpointKey, SessionKey};
use super::relays::Linked;
use super::repeat::Lost;
use crate::focus::counted::Counted;
use crate::wire::values::EndpointId;

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// By its number.
    all: Counted<u64, (SessionKey, Lost)>,
    /// How many there have been.
    count: u64,
    by_subject: BTreeSet<(SessionKey, Subject, u64)>,
    /// What may be an end of whoever is called so.
    by_name: BTreeSet<(EndpointId, u64)>,
    /// Links that are no more: behind them may have been anybody.
    gone: BTreeSet<u64>,
}

/// What it is about. More than one may be about the same: updates of an endpoint, each with what the others have not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Allocation(EndpointKey),
    Update(EndpointKey),
    IceRestart(EndpointKey),
    ForceMute(Option<EndpointKey>),
    Expiry(EndpointId),
    NewLink(RelayKey),
    Link(RelayKey, Part),
    Gone(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// The first, so that a range over all of a relay begins with it.
    Connection,
    Behind(Option<EndpointId>),
    Anew(EndpointId),
}

impl Subject {
    fn of(lost: &Lost) -> Subject {
        match lost {
            Lost::Allocation(endpoint) => Subject::Allocation(*endpoint),
            Lost::Update(endpoint, _) => Subject::Update(*endpoint),
            Lost::IceRestart(endpoint, _) => Subject::IceRestart(*endpoint),
            Lost::ForceMute(endpoints) => Subject::ForceMute(endpoints.first().copied()),
            Lost::Expiry(nick) => Subject::Expiry(nick.clone()),
            Lost::NewLink(relay) => Subject::NewLink(*relay),
            Lost::Link(linked) => match &**linked {
                Linked::Endpoints(relay, ids) | Linked::Hidden(relay, ids) => {
                    Subject::Link(*relay, Part::Behind(ids.first().cloned()))
                }
                Linked::Connection(relay, _) => Subject::Link(*relay, Part::Connection),
                Linked::Anew(relay, id) => Subject::Link(*relay, Part::Anew(id.clone())),
                Linked::Gone(id) => Subject::Gone(id.clone()),
            },
        }
    }

    /// Of whom it may be an end: of one name a bridge takes no two.
    fn name(&self) -> Option<&EndpointId> {
        match self {
            Subject::Expiry(nick) | Subject::Link(_, Part::Behind(Some(nick)) | Part::Anew(nick)) => Some(nick),
            _ => None,
        }
    }
}

impl Kept {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// At the end of all, unless just that is here. What is about several endpoints is kept for each of them: what is told again of
    /// each is what holds then.
    pub fn push(&mut self, key: SessionKey, lost: Lost) {
        match lost {
            Lost::ForceMute(endpoints) => {
                endpoints.into_iter().for_each(|endpoint| self.put(key, Lost::ForceMute(vec![endpoint])));
            }
            Lost::Link(linked) => match *linked {
                Linked::Endpoints(relay, ids) | Linked::Hidden(relay, ids) => {
                    let one = |id: EndpointId| Lost::Link(Box::new(Linked::Endpoints(relay, vec![id])));
                    ids.into_iter().for_each(|id| self.put(key, one(id)));
                }
                linked => self.put(key, Lost::Link(Box::new(linked))),
            },
            lost => self.put(key, lost),
        }
    }

    fn put(&mut self, key: SessionKey, lost: Lost) {
        let subject = Subject::of(&lost);
        if self.about(key, &subject).any(|number| self.all.get(&number).is_some_and(|(_, known)| *known == lost)) {
            return;
        }
        self.count += 1;
        self.by_name.extend(subject.name().map(|name| (name.clone(), self.count)));
        if matches!(subject, Subject::Gone(_)) {
            self.gone.insert(self.count);
        }
        self.by_subject.insert((key, subject, self.count));
        self.all.insert(self.count, (key, lost));
    }

    /// The numbers of what is about that, in their order.
    fn about(&self, key: SessionKey, subject: &Subject) -> impl Iterator<Item = u64> {
        let range = (key, subject.clone(), 0)..=(key, subject.clone(), u64::MAX);
        self.by_subject.range(range).map(|(.., number)| *number)
    }

    fn take(&mut self, number: u64) -> Option<(SessionKey, Lost)> {
        let (key, lost) = self.all.remove(&number)?;
        let subject = Subject::of(&lost);
        if let Some(name) = subject.name() {
            self.by_name.remove(&(name.clone(), number));
        }
        self.gone.remove(&number);
        self.by_subject.remove(&(key, subject, number));
        Some((key, lost))
    }

    /// All, in its order.
    pub fn take_all(&mut self) -> Vec<(SessionKey, Lost)> {
        let numbers: Vec<u64> = self.all.iter().map(|(number, _)| *number).collect();
        let all = numbers.into_iter().filter_map(|number| self.take(number)).collect();
        debug_assert!(self.by_subject.is_empty() && self.by_name.is_empty() && self.gone.is_empty());
        all
    }

    /// What may be an end of whoever is called so, in its order.
    pub fn take_ends_of(&mut self, nick: &EndpointId) -> Vec<(SessionKey, Lost)> {
        let named = self.by_name.range((nick.clone(), 0)..=(nick.clone(), u64::MAX)).map(|(_, number)| *number);
        let numbers: BTreeSet<u64> = named.chain(self.gone.iter().copied()).collect();
        numbers.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// The updates of an endpoint, the oldest first.
    pub fn updates_of(&self, key: SessionKey, endpoint: EndpointKey) -> Vec<u64> {
        self.about(key, &Subject::Update(endpoint)).collect()
    }

    /// Makes one of two, which takes the place of the later.
    pub fn merge(&mut self, first: u64, second: u64, merge: impl FnOnce(Lost, &mut Lost)) {
        let Some((_, first)) = self.take(first) else { return };
        if let Some((_, second)) = self.all.get_mut(&second) {
            merge(first, second);
        }
    }

    pub fn has_allocation(&self, key: SessionKey, endpoint: EndpointKey) -> bool {
        self.about(key, &Subject::Allocation(endpoint)).next().is_some()
    }

    pub fn has_new_link(&self, relay: RelayKey) -> bool {
        self.about(relay.at, &Subject::NewLink(relay)).next().is_some()
    }

    /// Whatever is about an end of a link.
    pub fn forget_relay(&mut self, end: RelayKey) {
        let first = (end.at, Subject::Link(end, Part::Connection), 0);
        let of_it = self.by_subject.range(first..);
        let of_it = of_it.take_while(|(key, subject, _)| {
            *key == end.at && matches!(subject, Subject::Link(relay, _) if *relay == end)
        });
        let numbers: Vec<u64> = of_it.map(|(.., number)| *number).collect();
        numbers.into_iter().for_each(|number| drop(self.take(number)));
    }

    #[cfg(feature = "sabotage")]
    pub fn walked(&self) -> u64 {
        self.all.walked()
    }
}
