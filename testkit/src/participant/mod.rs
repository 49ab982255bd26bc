//! A participant: a strict stand-in for lib-jitsi-meet and its relatives.
//!
//! It asks for the conference, joins the room, answers the offer, sends and withdraws sources, and keeps what it is told of
//! the others. What the real client would reject it rejects in the same way, and complains of it (spec/30, all "Peer
//! depends"). No I/O, no clock: [`Participant::handle`] takes what came, [`Participant::poll_output`] gives what goes.

mod accept;
mod commands;
mod incoming;
mod jingle;
mod login;
#[cfg(test)]
mod login_tests;
pub mod media;
mod moderating;
pub mod offer;
pub mod profile;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::Time;
use crate::ice::Ice;
use crate::logs::keep_secret_of_peer;
use crate::sources::{Media, Remote, Sources};
use crate::violation::{Complaints, Violation};
use crate::xml::Element;

/// Until what was sent to somebody, or said of him, before he left has arrived: over a slow way to the focus, and a slow one back.
pub const CROSSING: Time = Time::from_secs(4);
pub use login::{Detour, LoginState};
use media::{Dice, Track};
use profile::Profile;

/// How long lib-jitsi-meet waits for an answer of the focus (spec/30 §1).
const JINGLE_TIMEOUT: Time = Time::from_secs(10);

/// Who a participant is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The nickname in the room, which is the endpoint id.
    pub nick: String,
    /// Its real, full JID; the TCP driver sets it once it is bound.
    pub jid: String,
    /// `room@conference.…`
    pub room: String,
    /// Of a visitor: the room whose visitor it is.
    pub main_room: Option<String>,
    /// Where conference requests go: `focus.…`
    pub focus_service: String,
    /// What tells its browser from others.
    pub machine_uid: String,
    /// The token that it shows the focus, too.
    pub token: Option<String>,
    /// The session that it has from an earlier visit.
    pub session_id: Option<String>,
    pub profile: Profile,
    /// What it sends from the start.
    pub tracks: Vec<Track>,
    pub last_n: Option<i32>,
    /// The video codecs that it lists, most wanted first; None: those of a current client.
    pub codecs: Option<Vec<String>>,
    /// Its name in statistics.
    pub stats_id: String,
    pub region: Option<String>,
    /// Children of its presence beside the usual ones.
    pub more_presence: Vec<Element>,
    /// Properties of its conference request.
    pub properties: Vec<(String, String)>,
    /// How long it takes from the offer to the accept.
    pub thinks: Time,
    /// How long after a leave the others' sources may still come without a complaint: what crossed on the way.
    pub grace: Time,
    /// A request that is not answered by then is a complaint.
    pub patience: Time,
    pub answers_disco: bool,
    /// Never sends its accept.
    pub never_accepts: bool,
    /// Goes on sending when it is told to mute.
    pub ignores_mutes: bool,
    /// Sends the same in each of its sessions: SSRCs and msids belong to the streams, which live on.
    pub keeps_ssrcs: bool,
}

impl Settings {
    pub fn new(nick: impl Into<String>, room: impl Into<String>, focus_service: impl Into<String>) -> Settings {
        let nick = nick.into();
        Settings {
            jid: format!("{nick}@meet.test/web"),
            stats_id: format!("stats-of-{nick}"),
            machine_uid: format!("machine-of-{nick}"),
            session_id: None,
            token: None,
            nick,
            room: room.into(),
            main_room: None,
            focus_service: focus_service.into(),
            profile: Profile::current(),
            tracks: vec![media::microphone(), media::camera()],
            last_n: None,
            codecs: None,
            region: None,
            more_presence: Vec::new(),
            properties: vec![("rtcstatsEnabled".into(), "false".into()), ("visitors-version".into(), "1".into())],
            thinks: Time::ZERO,
            grace: Time::from_millis(200),
            patience: JINGLE_TIMEOUT,
            answers_disco: true,
            never_accepts: false,
            ignores_mutes: false,
            keeps_ssrcs: false,
        }
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Outside,
    Requesting,
    Joining,
    InRoom,
    Left,
}

/// Another occupant, as its presence shows it.
#[derive(Debug, Clone, Default)]
pub struct Occupant {
    pub jid: Option<String>,
    pub affiliation: String,
    pub role: String,
    /// Its last presence.
    pub presence: Option<Element>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Offered, not yet accepted by us.
    Offered,
    /// Our accept is on its way.
    Accepting,
    Active,
    /// A browser would have failed here: it never accepts.
    Broken,
}

/// A Jingle session with the focus.
#[derive(Debug, Clone)]
pub struct Session {
    pub sid: String,
    /// Whom the offer came from.
    pub peer: String,
    pub state: SessionState,
    pub bridge_session: Option<String>,
    /// The whole `<jingle>` of the offer.
    pub offer: Element,
    /// The last ICE generation that was taken.
    pub ice_generation: u64,
    /// The bridge's end of its transport, as it was told last.
    pub bridge_ice: Ice,
    /// Its own end, as it told the focus.
    pub own_ice: Ice,
    /// No media can flow, and it is nobody's fault: it was made to say of its transport what is not so, or got another than it
    /// can take.
    pub has_no_media: bool,
}

/// An error that the focus answered to a request of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The Jingle action, or the name of the request's payload.
    pub request: String,
    pub condition: String,
    pub text: String,
    /// It was asked in a Jingle session.
    pub in_session: bool,
    /// It was asked in the Jingle session that it has yet; or ended one that the focus had not ended.
    pub lasts: bool,
    pub at: Time,
    /// Whether it knew itself for a moderator when it asked.
    pub led: bool,
    /// Whom a mute was to be about, by nickname.
    pub about: Option<String>,
}

/// A session, or the transport of one, that the focus ended and that was in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The name of the reason; of a transport, that it was replaced.
    pub reason: String,
    /// Whose certificate it was told: the bridge's.
    pub certificate: String,
}

/// A request of ours which awaits its answer.
#[derive(Debug, Clone)]
struct Asked {
    what: String,
    at: Time,
    /// When to complain.
    deadline: Option<Time>,
    /// Sources to be taken back if it is refused.
    sources: Sources,
    /// The authentication session with which it was asked.
    session: Option<String>,
    /// The Jingle session in which it was asked.
    sid: Option<String>,
    led: bool,
    about: Option<String>,
}

/// When things happened, for measuring.
#[derive(Debug, Clone, Default)]
pub struct Stopwatch {
    pub asked: Option<Time>,
    /// From the conference request to its answer.
    pub request: Vec<Time>,
    /// From our presence to the `session-initiate`.
    pub offer: Vec<Time>,
    /// From our request to its `result`, Jingle only.
    pub answers: Vec<(String, Time)>,
    pub joined: Option<Time>,
    pub accepted: Option<Time>,
    /// When each owner's sources came for the first time.
    pub told: BTreeMap<String, Time>,
}

pub struct Participant {
    pub settings: Settings,
    pub stopwatch: Stopwatch,
    complaints: Complaints,
    now: Time,
    outputs: VecDeque<Element>,
    place: Place,
    /// Of the answer to the conference request: whom to trust as focus.
    focus_jid: Option<String>,
    occupants: BTreeMap<String, Occupant>,
    /// Who left when: for the grace.
    gone: BTreeMap<String, Time>,
    /// When whoever is back had left.
    returned: BTreeMap<String, Time>,
    /// Of whom it was told what may have crossed his leave, and he was back when it came: whether that is of this life or of the
    /// one before it cannot say.
    doubtful: BTreeSet<String>,
    /// SSRCs of sessions that are over.
    sent_before: BTreeSet<u32>,
    session: Option<Session>,
    /// All that were ever offered: none may come twice.
    sids: BTreeSet<String>,
    /// Sessions that we ended ourselves: what still comes for them has crossed on the way.
    ended_by_us: BTreeSet<String>,
    /// Those of them that the focus had ended meanwhile.
    ended_by_both: BTreeSet<String>,
    sessions: u32,
    accept_at: Option<Time>,
    tracks: Vec<Track>,
    /// The next number in the names of audio and video sources.
    next_index: [usize; 2],
    own: Sources,
    /// What it sent in the session before.
    sent_last: Sources,
    muted: BTreeSet<Media>,
    /// Sources of which its presence says something else: muted or not, or nothing (None).
    shown_as: BTreeMap<String, Option<bool>>,
    remote: Remote,
    asked: BTreeMap<String, Asked>,
    /// What it has asked for in all, and when.
    all_asked: Vec<(String, Time)>,
    /// Of those, what nobody may ask for.
    in_vain: BTreeSet<String>,
    granted: Vec<String>,
    refusals: Vec<Refusal>,
    ended: Vec<Ended>,
    conference_answers: Vec<Element>,
    retry_at: Option<Time>,
    retries: u32,
    dice: Dice,
    /// How the ICE credentials of all its agents begin.
    ufrag: String,
    /// How many ICE agents it has had: one for each session, and for each restart and replacement of a transport.
    agents: u32,
    next_id: u64,
    shows_sources: bool,
    /// It was asked what it supports, and did not say.
    kept_features: bool,
    /// The first presence of this stay that the room showed it of itself had the role of a visitor.
    came_as_visitor: bool,
    /// It was a moderator at some time.
    has_led: bool,
    /// The focus left the room: the real client's conference has failed.
    focus_gone: bool,
    mute_requests: Vec<Element>,
    /// When each of them came.
    muted_at: Vec<Time>,
    /// When it asked for mutes that it was granted, and of whom.
    mutes: Vec<(Time, String)>,
    told: Vec<serde_json::Value>,
    login: LoginState,
    /// The visitor node to which it was sent, and has yet to go.
    redirect: Option<String>,
    /// It was told to wait until the room is live.
    waits_for_live: bool,
}

impl Participant {
    pub fn new(settings: Settings) -> Participant {
        let mut dice = Dice::of(&settings.jid);
        settings.session_id.iter().chain(&settings.token).for_each(|secret| keep_secret_of_peer(secret));
        Participant {
            complaints: Complaints::of(&settings.nick),
            stopwatch: Stopwatch::default(),
            now: Time::ZERO,
            outputs: VecDeque::new(),
            place: Place::Outside,
            focus_jid: None,
            occupants: BTreeMap::new(),
            gone: BTreeMap::new(),
            returned: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            sent_before: BTreeSet::new(),
            session: None,
            sids: BTreeSet::new(),
            ended_by_us: BTreeSet::new(),
            ended_by_both: BTreeSet::new(),
            sessions: 0,
            accept_at: None,
            tracks: settings.tracks.clone(),
            next_index: [0, 0],
            own: Sources::default(),
            sent_last: Sources::default(),
            muted: BTreeSet::new(),
            remote: Remote::default(),
            asked: BTreeMap::new(),
            all_asked: Vec::new(),
            in_vain: BTreeSet::new(),
            granted: Vec::new(),
            refusals: Vec::new(),
            ended: Vec::new(),
            conference_answers: Vec::new(),
            retry_at: None,
            retries: 0,
            ufrag: dice.text(4),
            agents: 0,
            dice,
            next_id: 0,
            shows_sources: false,
            shown_as: BTreeMap::new(),
            kept_features: false,
            came_as_visitor: false,
            has_led: false,
            focus_gone: false,
            mute_requests: Vec::new(),
            muted_at: Vec::new(),
            mutes: Vec::new(),
            told: Vec::new(),
            redirect: None,
            waits_for_live: false,
            login: LoginState { session_id: settings.session_id.clone(), ..LoginState::default() },
            settings,
        }
    }

    /// The next stanza to be sent.
    pub fn poll_output(&mut self) -> Option<Element> {
        self.outputs.pop_front()
    }

    /// When to call [`Participant::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Time> {
        let deadlines = self.asked.values().filter_map(|asked| asked.deadline);
        deadlines.chain(self.accept_at).chain(self.retry_at).min()
    }

    pub fn place(&self) -> Place {
        self.place
    }

    /// Of whom an offer told that crossed his leave and return.
    pub fn doubtful(&self) -> impl Iterator<Item = &str> {
        self.doubtful.iter().map(String::as_str)
    }

    /// In the room, with a session that the focus has confirmed.
    pub fn connected(&self) -> bool {
        self.place == Place::InRoom && self.session.as_ref().is_some_and(|s| s.state == SessionState::Active)
    }

    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// How many offers it has had.
    pub fn sessions(&self) -> u32 {
        self.sessions
    }

    pub fn nick(&self) -> &str {
        &self.settings.nick
    }

    /// The room of the conference in which it takes part, or which it looks on.
    pub fn conference(&self) -> &str {
        self.settings.main_room.as_deref().unwrap_or(&self.settings.room)
    }

    pub fn is_visitor(&self) -> bool {
        self.settings.main_room.is_some()
    }

    /// It was told that the room is not live yet.
    pub fn waits_for_live(&self) -> bool {
        self.waits_for_live
    }

    pub fn occupant_jid(&self) -> String {
        format!("{}/{}", self.settings.room, self.settings.nick)
    }

    /// What it sends.
    pub fn own(&self) -> &Sources {
        &self.own
    }

    /// What it sent in the session before.
    pub fn sent_last(&self) -> &Sources {
        &self.sent_last
    }

    /// All SSRCs that it has ever sent.
    pub fn sent(&self) -> impl Iterator<Item = u32> {
        self.sent_before.iter().copied().chain(self.own.sources.iter().map(|source| source.ssrc))
    }

    /// What it was told of the others.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// The others in the room, by nickname, the focus included.
    pub fn occupants(&self) -> &BTreeMap<String, Occupant> {
        &self.occupants
    }

    pub fn is_moderator(&self) -> bool {
        self.occupants.get(&self.settings.nick).is_some_and(|me| me.role == "moderator")
    }

    pub fn is_owner(&self) -> bool {
        self.occupants.get(&self.settings.nick).is_some_and(|me| me.affiliation == "owner")
    }

    pub fn has_led(&self) -> bool {
        self.has_led
    }

    /// Whether it looks on: whoever came as a visitor stays one, whatever the room makes of it (spec/20 §4.2).
    pub fn looks_on(&self) -> bool {
        self.is_visitor() || self.came_as_visitor
    }

    /// When it asked for something of these kinds, in order.
    pub fn asked(&self, kinds: &[&str]) -> impl Iterator<Item = Time> {
        self.all_asked.iter().filter(|(what, _)| kinds.contains(&what.as_str())).map(|(_, at)| *at)
    }

    /// The answers to its conference requests, errors included.
    pub fn conference_answers(&self) -> &[Element] {
        &self.conference_answers
    }

    /// Mute requests which the focus passed on.
    pub fn mute_requests(&self) -> &[Element] {
        &self.mute_requests
    }

    /// When it was told last to mute.
    pub(crate) fn last_muted(&self) -> Option<Time> {
        self.muted_at.last().copied()
    }

    /// Mutes of others that it was granted since the last time: when it asked, and of whom.
    pub(crate) fn take_mutes(&mut self) -> Vec<(Time, String)> {
        std::mem::take(&mut self.mutes)
    }

    /// What the server's components told it.
    pub fn told(&self) -> &[serde_json::Value] {
        &self.told
    }

    /// A value of the conference properties in the focus' presence.
    pub fn property(&self, key: &str) -> Option<String> {
        incoming::property_of(self.occupants.get("focus")?.presence.as_ref()?, key)
    }

    pub fn focus_gone(&self) -> bool {
        self.focus_gone
    }

    /// Whether it was asked what it supports, and did not say: others have to guess.
    pub fn kept_features(&self) -> bool {
        self.kept_features
    }

    /// Whether a request of this kind is not answered yet.
    pub fn is_waiting_for(&self, what: &str) -> bool {
        self.asked.values().any(|asked| asked.what == what)
    }

    /// Errors that the focus answered; the scenario fails for each that no test has taken.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// What nobody may ask for and was not refused, since the last time.
    pub fn take_granted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.granted)
    }

    /// What the focus ended since the last time that was in use.
    pub(crate) fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    pub fn take_refusals(&mut self) -> Vec<Refusal> {
        std::mem::take(&mut self.refusals)
    }

    pub fn violations(&self) -> &[Violation] {
        self.complaints.list()
    }

    /// For a test that expects them.
    pub fn take_violations(&mut self) -> Vec<Violation> {
        self.complaints.take()
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.complaints.add(text);
    }

    /// The same person again: what it asks is not mistaken for what was asked before.
    pub fn comes_after(&mut self, before: &Participant) {
        self.next_id = before.next_id;
    }

    fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("{}-{}:sendIQ", self.settings.nick, self.next_id)
    }
}
