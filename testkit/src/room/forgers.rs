//! Whoever answers what was asked of others: with the right ids, before those have heard the question.

use super::{Server, ids};
use crate::Time;
use crate::ns;
use crate::xml::{Builder, Element, Read, el, stanza_error};

#[derive(Debug)]
pub(super) struct Forger {
    label: String,
    until: Time,
    /// How many answers it has given.
    count: usize,
}

/// What it says went wrong, in turn.
const ERRORS: [(&str, &str); 7] = [
    ("cancel", "item-not-found"),
    ("wait", "recipient-unavailable"),
    ("cancel", "service-unavailable"),
    ("cancel", "conflict"),
    ("modify", "bad-request"),
    ("cancel", "internal-server-error"),
    ("cancel", "not-acceptable"),
];

impl Server {
    /// Until then somebody answers whatever the focus asks of others: as an occupant of its rooms, and straight to its full JID.
    pub fn forges(&mut self, label: &str, until: Time) {
        self.forgers.push(Forger { label: label.to_owned(), until, count: 0 });
    }

    /// What `focus` has just asked is answered, by whom it was not asked.
    pub(super) fn forge_answers(&mut self, focus: &str, jid: &str, request: &Element) {
        let asks = request.name() == "iq" && matches!(request.get("type"), Some("get" | "set"));
        if self.forgers.is_empty() || !asks {
            return;
        }
        let now = self.now;
        self.forgers.retain(|forger| now < forger.until);
        let (id, to) = (request.get("id").unwrap_or(""), request.get("to").unwrap_or(""));
        for index in 0..self.forgers.len() {
            let label = self.forgers[index].label.clone();
            let Some(own) = self.connections.get(&label).map(|connection| connection.jid.clone()) else { continue };
            let shared = self.rooms.iter().filter_map(|(room, held)| {
                let (nick, focus) = (held.nick_of(&label)?, held.nick_of(focus)?);
                Some((format!("{room}/{nick}"), format!("{room}/{focus}")))
            });
            let shared: Vec<(String, String)> = shared.collect();
            // What it is asked itself it may answer as it likes.
            if to == own || shared.iter().any(|(occupant, _)| occupant == to) {
                continue;
            }
            let direct = (jid.to_owned(), id.to_owned());
            // The room takes the long id apart again.
            let by_room = shared.into_iter().map(|(_, focus)| (focus, ids::long(&own, jid, id)));
            for (to, id) in [direct].into_iter().chain(by_room) {
                let count = self.forgers[index].count;
                self.forgers[index].count += 1;
                let answer = forged(count, request).attr("id", id).attr("from", &own).attr("to", to);
                self.route(&label, &own, answer.done());
            }
        }
    }
}

/// Results and errors in turn.
fn forged(count: usize, request: &Element) -> Builder {
    let answer = el("iq", ns::CLIENT);
    if count % 2 == 1 {
        let (kind, condition) = ERRORS[count / 2 % ERRORS.len()];
        return answer.attr("type", "error").child(stanza_error(kind, condition, None));
    }
    let payload = request.children().next();
    let result = match payload.map(|payload| (payload.name(), payload.ns())) {
        Some(("conference-modify", _)) => Some(el("conference-modified", ns::COLIBRI2)),
        Some(("query", namespace)) => Some(el("query", namespace)),
        _ => None,
    };
    answer.attr("type", "result").children(result)
}
