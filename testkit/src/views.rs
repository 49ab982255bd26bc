//! Do all views agree? What participants send, what the others were told of it, and what bridges hold.

use crate::bridge::{Bridge, Conference, Endpoint};
use crate::participant::{Participant, Place, Session, SessionState, profile};
use crate::sources::{ByOwner, Media, Sources};

/// Settings of the focus which decide who is told what (spec/30 §7.4, §7.5).
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub strip_simulcast: bool,
    pub ssrc_rewriting: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { strip_simulcast: true, ssrc_rewriting: true }
    }
}

impl Rules {
    pub fn of(config: &jicofo::config::Config) -> Rules {
        let conference = &config.conference;
        Rules { strip_simulcast: conference.strip_simulcast, ssrc_rewriting: conference.use_ssrc_rewriting }
    }
}

/// Everything in which the views of these participants and bridges differ.
pub fn disagreements(participants: &[&Participant], bridges: &[&Bridge], rules: Rules) -> Vec<String> {
    let views = Views { participants, bridges, rules };
    let mut wrong = Vec::new();
    for participant in views.present() {
        if participant.session().is_some_and(|session| session.state == SessionState::Active) {
            views.compare_remote(participant, &mut wrong);
        }
        views.compare_bridges(participant, &mut wrong);
    }
    views.compare_strangers(&mut wrong);
    crate::links::compare(bridges, &mut wrong);
    wrong
}

struct Views<'a> {
    participants: &'a [&'a Participant],
    bridges: &'a [&'a Bridge],
    rules: Rules,
}

impl<'a> Views<'a> {
    fn present(&self) -> impl Iterator<Item = &'a Participant> {
        self.participants.iter().copied().filter(|p| p.place() == Place::InRoom)
    }

    /// Each participant knows exactly the others' sources, as far as it wants them (spec/30 §7.4, §7.5).
    fn compare_remote(&self, participant: &Participant, wrong: &mut Vec<String>) {
        let told: ByOwner = participant.remote().by_owner().clone();
        let (nick, profile) = (participant.nick(), &participant.settings.profile);
        let mut expected = ByOwner::new();
        let rewriting = profile.has(profile::SSRC_REWRITING) && self.rules.ssrc_rewriting;
        for other in self.present().filter(|other| other.nick() != nick && !rewriting) {
            let active = other.session().is_some_and(|session| session.state == SessionState::Active);
            let same_room = other.conference() == participant.conference();
            let mut sources = if active && same_room { other.own().clone() } else { Sources::default() };
            for (feature, media) in [(profile::AUDIO, Media::Audio), (profile::VIDEO, Media::Video)] {
                if !profile.has(feature) {
                    sources = sources.without(media);
                }
            }
            if self.rules.strip_simulcast {
                sources = sources.stripped();
            }
            if !sources.is_empty() {
                expected.insert(other.nick().to_owned(), sources);
            }
        }
        for owner in expected.keys().chain(told.keys().filter(|owner| *owner != "jvb")) {
            let (expected, told) = (expected.get(owner).cloned(), told.get(owner).cloned());
            let (expected, told) = (expected.unwrap_or_default().sorted(), told.unwrap_or_default().sorted());
            if expected == told {
                continue;
            }
            let text = format!("{nick} knows of {owner}: {told}, but {owner} sends: {expected}");
            if !wrong.contains(&text) {
                wrong.push(text);
            }
        }
        let feedback = told.get("jvb").map_or(0, |sources| sources.sources.len());
        let media = [profile::AUDIO, profile::VIDEO].iter().filter(|feature| profile.has(feature)).count();
        if feedback != media {
            wrong.push(format!("{nick} knows {feedback} sources of the bridge, not {media}"));
        }
    }

    /// Who has a session has one endpoint on one bridge, with its sources, and stands behind a relay on each other bridge of
    /// the conference; nobody else has one.
    fn compare_bridges(&self, participant: &Participant, wrong: &mut Vec<String>) {
        // The focus refused its accept, or it could not make one: nobody says what is left of it.
        if participant.session().is_some_and(|session| session.state == SessionState::Broken) {
            return;
        }
        let nick = participant.nick();
        let homes: Vec<_> = self
            .bridges
            .iter()
            .flat_map(|bridge| bridge.conferences().iter().map(move |(id, c)| (bridge.nick(), id, c)))
            .filter(|(_, _, conference)| is_of(conference, participant))
            .filter_map(|(label, id, conference)| Some((label, id, conference.endpoints.get(nick)?)))
            .collect();
        let expected = usize::from(participant.session().is_some());
        if homes.len() != expected {
            return wrong.push(format!("{nick} has {} endpoints on bridges, not {expected}", homes.len()));
        }
        let Some((home, meeting, endpoint)) = homes.first() else { return };
        let sends = as_on_bridge(nick, participant.own());
        let has = endpoint.sources.clone().sorted();
        if sends != has {
            wrong.push(format!("{home} has of {nick}: {has}, but {nick} sends: {sends}"));
        }
        self.compare_transports(participant, home, endpoint, wrong);
        for bridge in self.bridges.iter().filter(|bridge| bridge.nick() != *home) {
            let label = bridge.nick();
            let Some(conference) = bridge.conferences().get(*meeting) else { continue };
            let behind: Vec<&Sources> =
                conference.relays.values().filter_map(|relay| relay.endpoints.get(nick)).collect();
            let expected = usize::from(!endpoint.visitor);
            if behind.len() != expected {
                wrong.push(format!("{nick} is behind {} relays of {label}, not {expected}", behind.len()));
            }
            for sources in behind.into_iter().map(|s| s.clone().sorted()).filter(|s| *s != sends) {
                wrong.push(format!("{label} has of {nick} behind a relay: {sources}, but {nick} sends: {sends}"));
            }
        }
    }

    /// Whoever is connected and its bridge know each other's newest credentials and certificates: otherwise no media flows. The
    /// bridge knows how many videos were asked for.
    fn compare_transports(&self, participant: &Participant, home: &str, endpoint: &Endpoint, wrong: &mut Vec<String>) {
        let can = |session: &&Session| session.state == SessionState::Active && !session.has_no_media;
        let Some(session) = participant.session().filter(can) else { return };
        let nick = participant.nick();
        if endpoint.client != session.own_ice {
            wrong.push(format!("{home} reaches {nick} by {}, but {nick} has {}", endpoint.client, session.own_ice));
        }
        let last_n = participant.settings.last_n.filter(|_| participant.settings.profile.has(profile::VIDEO));
        if endpoint.last_n != last_n {
            wrong.push(format!("{home} gives {nick} {:?} videos, but {nick} asked for {last_n:?}", endpoint.last_n));
        }
        let Some(bridge) = self.bridges.iter().find(|bridge| bridge.nick() == home) else { return };
        let credentials = &endpoint.credentials;
        let told = &session.bridge_ice;
        let digest = told.fingerprint.as_ref().map_or("", |(_, digest)| digest);
        let held = (credentials.ufrag.as_str(), credentials.pwd.as_str(), bridge.fingerprint());
        if (told.ufrag.as_str(), told.pwd.as_str(), digest) != (held.0, held.1, held.2.as_str()) {
            let (ufrag, end) = (&credentials.ufrag, held.2.rsplit(':').next().unwrap_or(""));
            wrong.push(format!("{nick} reaches {home} by {told}, but {home} has ufrag {ufrag}, certificate …{end}"));
        }
    }

    /// Endpoints of nobody who is in the room.
    fn compare_strangers(&self, wrong: &mut Vec<String>) {
        let known = |conference: &Conference, id: &str| self.present().any(|p| p.nick() == id && is_of(conference, p));
        for bridge in self.bridges {
            let label = bridge.nick();
            for conference in bridge.conferences().values() {
                let relayed = conference.relays.values().flat_map(|relay| relay.endpoints.keys());
                for id in conference.endpoints.keys().chain(relayed).filter(|id| !known(conference, id)) {
                    wrong.push(format!("{label} has an endpoint {id}, who is not in the room"));
                }
            }
        }
    }
}

/// Whether a conference on a bridge is that of the room in which somebody is.
pub(crate) fn is_of(conference: &Conference, participant: &Participant) -> bool {
    conference.name.as_deref().is_none_or(|name| name == participant.conference())
}

/// Sources as a bridge is told of them: named, without msid (spec/40 §2.7).
fn as_on_bridge(nick: &str, sources: &Sources) -> Sources {
    let mut sources = sources.clone();
    for source in &mut sources.sources {
        let letter = &source.media.name()[..1];
        source.name.get_or_insert_with(|| format!("{nick}-{letter}0"));
        source.msid = None;
    }
    sources.sorted()
}
