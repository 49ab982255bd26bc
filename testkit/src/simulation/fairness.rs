//! Which refusals no honest client is spared, and only then (docs/SIMULATION.md, "What is nobody's fault").

use std::collections::BTreeMap;

use super::judge::{Judge, is_young};
use super::peers::{Person, label, nick};
use crate::Time;
use crate::participant::{CROSSING, Refusal};
use crate::room::NOT_PROMOTED;
use crate::scenario::Scenario;

/// Restarts, and likewise ICE restarts: so long between two, and so many within an interval (spec/30 §12.4).
const BETWEEN_RESTARTS: Time = Time::from_secs(5);
const RESTARTS: usize = 5;
const RESTARTS_WITHIN: Time = Time::from_secs(60);

/// What was asked at such a distance may arrive closer together; the more, while the focus was away.
const JITTER: Time = Time::from_secs(1);
const AWAY: Time = Time::from_secs(40);

/// Places in meetings: so many at once, and one more in each of so many seconds.
const PLACES: usize = 20;
const PLACE_WITHIN: Time = Time::from_secs(3);

/// After a flood it takes so long until somebody has all again that is his own.
const REST: Time = Time::from_secs(70);

/// Requests after which somebody is given a place.
const FOR_PLACES: [&str; 3] = ["conference", "session-info", "session-terminate"];

impl Judge {
    pub(super) fn is_fair(
        &self,
        s: &Scenario,
        people: &BTreeMap<u8, Person>,
        (number, person): (u8, &Person),
        refusal: &Refusal,
    ) -> bool {
        let troubled = self.in_trouble(s.now());
        match (refusal.request.as_str(), refusal.condition.as_str()) {
            // The room was closed while it was on its way there, or what sent it there was.
            ("join", "not-allowed") if refusal.text == NOT_PROMOTED => {
                let closed = s.view_server().closed_at(&person.room);
                closed.is_some_and(|closed| refusal.at < closed.max(self.caught_up) + CROSSING)
            }
            // The room is gone which the focus had made.
            ("join", "not-allowed") if troubled => true,
            // What the server says of whoever is away, and what a focus says that has just failed, or is not there.
            (_, "recipient-unavailable" | "item-not-found" | "internal-server-error" | "service-unavailable")
                if troubled =>
            {
                true
            }
            (_, "resource-constraint") => {
                asks_too_much(s, (number, person), refusal, if troubled { AWAY } else { JITTER })
            }
            ("mute", "not-allowed") => may_not_mute(s, people, person, refusal),
            ("mute", "item-not-found") => !takes_part(s, person) || !is_there(s, people, person, refusal),
            // It was sent to a node, whose room goes with the conference: the main room has nobody any more.
            ("join", "not-allowed" | "item-not-found") => s.view(&person.label).is_visitor(),
            // Its conference has ended, and with it its session, which it is told when its node has heard of that.
            (_, "gone" | "item-not-found" | "bad-request")
                if refusal.text.is_empty() && s.view(&person.label).is_visitor() && is_over(s, person) =>
            {
                true
            }
            // The same, of anybody in a room that the focus has yet to leave.
            (_, "bad-request") if troubled && refusal.text.is_empty() => true,
            // What the server said of the room.
            ("conference", "internal-server-error") => self.spoilt && refusal.text == "as planned",
            // It named the bridge's session that has just been replaced.
            ("session-info", "item-not-found") if self.replaced => true,
            // Its bridge is gone, and with it the bridge's session that it names; another is sought.
            ("session-terminate", "item-not-found") if names_a_lost_bridge(refusal) => {
                !refusal.lasts || self.replaced || self.may_lose_its_bridge(s, person)
            }
            // It crossed the end of its session: whoever ends one says so before it refuses. What belongs to no session crosses none.
            (_, "gone" | "item-not-found") => refusal.in_session && !refusal.lasts,
            // The session may be that of the life before, whose offer crossed its end.
            (_, "bad-request") => {
                refusal.in_session && refusal.text.is_empty() && (!refusal.lasts || is_young(person, s.now()))
            }
            _ => false,
        }
    }
}

fn names_a_lost_bridge(refusal: &Refusal) -> bool {
    refusal.text.ends_with(" is not a currently active session")
}

/// Whether nobody takes part any more where somebody looks on.
pub(super) fn is_over(s: &Scenario, person: &Person) -> bool {
    let main = s.view_server().rooms().get(&person.room);
    let takes_part = |nick: &String| nick != "focus";
    !main.is_some_and(|room| room.occupants.keys().any(takes_part))
}

/// Whether somebody had asked for more than the limits allow, or what is his was used up by what he did before he was honest.
fn asks_too_much(s: &Scenario, (number, person): (u8, &Person), refusal: &Refusal, jitter: Time) -> bool {
    if person.hostile_until.is_some_and(|end| s.now() < end + REST) {
        return true;
    }
    let within = |at: &Time, long: Time| refusal.at.saturating_sub(*at) < long;
    let mut of_kind: Vec<Time> = s.view(&person.label).asked(&[&refusal.request]).collect();
    of_kind.retain(|at| *at <= refusal.at);
    // The last is the one that was refused.
    _ = of_kind.pop();
    let restarts = matches!(refusal.request.as_str(), "session-info" | "session-terminate")
        && (of_kind.iter().any(|at| within(at, BETWEEN_RESTARTS + jitter))
            || of_kind.iter().filter(|at| within(at, RESTARTS_WITHIN + jitter)).count() >= RESTARTS);
    let mut places: Vec<Time> = (0..=person.lives)
        .flat_map(|life| s.view(&label(number, life)).asked(&FOR_PLACES).collect::<Vec<_>>())
        .collect();
    places.retain(|at| within(at, PLACE_WITHIN * 20) && *at <= refusal.at);
    restarts || (FOR_PLACES.contains(&refusal.request.as_str()) && places.len() > PLACES)
}

/// Whoever does not lead mutes nobody else, and unmutes itself only where nothing is moderated; who looks on can't be muted.
fn may_not_mute(s: &Scenario, people: &BTreeMap<u8, Person>, person: &Person, refusal: &Refusal) -> bool {
    let view = s.view(&person.label);
    // The server tells the focus before it passes the request on.
    let leads = refusal.led && view.is_moderator() && !view.looks_on();
    let moderation = s.view_server().moderation_of(&person.room);
    let audio = moderation.and_then(|moderation| moderation.get("audio"));
    let moderated = match moderation {
        Some(_) => audio.is_some_and(|audio| audio.on || s.now().saturating_sub(audio.changed) < CROSSING),
        // The room is gone, and with it what was moderated when this was said.
        None => s.view_server().was_ever_moderated(&person.room),
    };
    let own = refusal.about.as_deref() == Some(view.nick());
    // Whoever has just come back may have looked on in the life that it was about.
    let looks_on = people.iter().any(|(number, other)| {
        let is_meant = refusal.about.as_deref() == Some(&*nick(*number));
        is_meant && (s.view(&other.label).looks_on() || is_young(other, s.now()))
    });
    looks_on || (!leads && (!own || moderated))
}

/// Whether the one whom a mute is about takes part, and has for long enough for the focus to know. Whoever is hostile may have lost
/// his session by what he did, and think that he has one.
fn is_there(s: &Scenario, people: &BTreeMap<u8, Person>, person: &Person, refusal: &Refusal) -> bool {
    // Whoever looks on from a node is in another room.
    let room = |person: &Person| &s.view(&person.label).settings.room;
    let mut others = people.iter().filter(|(_, other)| room(other) == room(person));
    let other = others.find(|(number, _)| refusal.about.as_deref() == Some(&*nick(**number)));
    other.is_some_and(|(_, other)| !other.hostile && takes_part(s, other))
}

fn takes_part(s: &Scenario, person: &Person) -> bool {
    s.view(&person.label).connected() && !is_young(person, s.now())
}
