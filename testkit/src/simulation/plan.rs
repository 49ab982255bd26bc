//! What is going to happen in one simulated life. All of it is drawn beforehand, so that a plan can be cut down, written
//! down, and played again.

use crate::participant::media::Dice;

/// A whole life: the setting, and what happens in it.
///
/// Its `Debug` is Rust: what is printed can be pasted into a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Decides what is drawn while it is played: identifiers, how long each stanza travels.
    pub seed: u64,
    pub setting: Setting,
    /// In the order of their times.
    pub acts: Vec<Act>,
}

/// What stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    pub rooms: u8,
    pub bridges: u8,
    /// How long a hop takes at least, and at most so much more, in milliseconds.
    pub hop: u16,
    pub spread: u16,
    /// Rooms have presets: nobody is let in before their metadata came.
    pub presets: bool,
    /// Bridges keep their old ICE agents, or refuse to make new ones, or make them.
    pub ice: u8,
    /// Sources are told after this many milliseconds.
    pub batching: u16,
    /// How conferences are on several bridges: 0 not at all; in turn, with data channels over SCTP (1) or WebSockets (2); by
    /// region (3); in turn, with visitors' bridges at the edge (4).
    pub links: u8,
    /// Visitor nodes. Where there are any, the main room has a place for two.
    pub nodes: u8,
    /// Bridges are checked, and say how they are, as often as the configuration says; else less often.
    pub rushed: bool,
    /// People log in: all of them have accounts. Sessions end soon, so that they do in the midst of things.
    pub secured: bool,
    /// … and stay logged in.
    pub auto_login: bool,
    /// The focus looks after its own health, by entering a room of its own.
    pub watched: bool,
    /// Whoever gets another place keeps its session, and has its transport replaced. All clients of such an installation can.
    pub replaces: bool,
    /// There is a connection of its own to the bridges.
    pub service: bool,
    /// Requests for conferences come through an external component.
    pub component: bool,
}

impl Setting {
    /// Nothing out of the ordinary. Plans are written down by what is other than here, so this stays what it is.
    pub const PLAIN: Setting = Setting {
        rooms: 1,
        bridges: 3,
        hop: 0,
        spread: 0,
        presets: false,
        ice: 0,
        batching: 0,
        links: 0,
        nodes: 0,
        rushed: false,
        secured: false,
        auto_login: false,
        watched: false,
        replaces: false,
        service: false,
        component: false,
    };

    /// As Rust: what is other than usual.
    pub fn written(&self) -> String {
        let (own, plain) = (format!("{self:#?}"), format!("{:#?}", Setting::PLAIN));
        let others = own.lines().zip(plain.lines()).filter(|(own, plain)| own != plain);
        let others: String = others.map(|(own, _)| format!("{} ", own.trim())).collect();
        format!("Setting {{ {others}..Setting::PLAIN }}")
    }
}

/// Something that happens, so many milliseconds after the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    pub at: u32,
    pub what: What,
}

/// Which client somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Current,
    Old,
    Xml,
    Rewriting,
    Phone,
}

/// What happens. Participants, rooms and bridges go by their numbers; what cannot happen just then does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The participant of this number comes, if it is not there. `thinks`: milliseconds from the offer to its accept.
    Joins {
        who: u8,
        room: u8,
        client: Client,
        thinks: u16,
    },
    Leaves(u8),
    /// Its connection ends without a word.
    Vanishes(u8),
    /// Leaves and comes back at once, under the same name.
    Reloads(u8),
    AddsCamera(u8),
    AddsDesktop(u8),
    Removes(u8),
    Restarts(u8),
    RestartsIce(u8),
    IceFails(u8),
    Terminates(u8),
    Mutes(u8),
    Unmutes(u8),
    /// Asks the focus to have somebody muted, whether it may or not.
    AsksToMute(u8, u8),
    /// Asks the focus whether it may unmute itself.
    AsksToUnmute(u8),
    /// Moderates audio, video or screens, or does not any more; the server knows whether it may.
    Moderates(u8, u8, bool),
    Approves(u8, u8),
    Rejects(u8, u8),
    /// It does not say what it supports.
    KeepsItsFeatures(u8),

    /// From here on it is hostile, and what it says of the focus does not count.
    AcceptsTwice(u8),
    UsesAWrongSid(u8),
    /// With the session id of somebody else.
    UsesAForeignSid(u8, u8),
    FloodsSources(u8),
    AnnouncesForeign(u8, u8),
    RemovesForeign(u8, u8),
    SendsNonsense(u8),
    /// Sources that are none, and of the name of somebody else.
    AnnouncesNonsense(u8, u8),
    FloodsMutes(u8, u8),
    /// Says what only components, rooms and bridges say.
    Forges(u8, u8),
    /// A huge presence.
    ShowsMuch(u8),
    RestartsInALoop(u8),
    NeverAccepts(u8),
    /// Asks more than anybody may at once.
    FloodsRequests(u8),
    /// Comes between two sessions, and acts before the offer, and before it has accepted it: what, and what it does to somebody
    /// else, by the last number.
    ActsUnsettled(u8, u8, u16),
    /// So long, whatever the focus asks of others is answered by this one first.
    AnswersForOthers(u8, u16),

    /// Whoever looks on from a node, that one or the next, does what no visitor does, at the expense of somebody else: what,
    /// by its number.
    VisitorMisbehaves(u8, u8, u8),

    /// So many who were made up ask for a room, half of them to look on, and for others; and for what is not theirs to have.
    StrangersAsk(u8, u8),
    /// A foreign room, to which the focus is called, shows the address of somebody for one who asks for everything.
    ForeignRoom(u8),

    Kicked(u8),
    BecomesOwner(u8),
    LosesRights(u8),
    RoomDestroyed(u8),
    FocusKicked(u8),
    FocusLosesRights(u8),
    /// The next answers to the focus are lost.
    AnswersLost(u8),
    AnswersLate(u8, u16),
    AnswersTwice(u8, u16),
    /// They say that something went wrong.
    AnswersAreErrors(u8),
    /// The connection is lost for so long, and the server keeps the session.
    CutAndResumed(u16),
    /// … and does not keep it.
    CutAndAnew(u16),
    /// The server says at once that the session is gone, and lets nobody in for so long.
    Disconnected(u16),
    /// The server starts anew: everybody is out, and comes back.
    ServerRestarts(u16),
    /// The process of the focus is replaced.
    FocusReplaced,
    /// The core fails when it sends so many more stanzas.
    Sabotage(u8),
    /// It is stopped in order, and its successor comes so much later.
    FocusStops(u16),
    /// The way to the server is gone for so long; its session is resumed where either end has noticed.
    Silent(u16),
    /// The connection that requests come through ends for so long, where it is one of its own.
    ComponentLost(u16),
    FocusKickedFromBrewery,
    /// … and its bridges come back after so long.
    BreweryDestroyed(u16),

    /// The connection to a visitor node is lost for so long, and the node keeps the session.
    NodeCutAndResumed(u8, u16),
    /// … and does not keep it.
    NodeCutAndAnew(u8, u16),
    /// The connection to the bridges, where they have one of their own.
    ServiceCutAndResumed(u16),
    ServiceCutAndAnew(u16),
    ServiceDisconnected(u16),
    /// The way to the server is gone, which neither end knows at once; then its session is resumed after so long.
    ServiceSilent(u16),
    /// A visitor node closes its room for a room.
    MirrorDestroyed(u8, u8),
    /// The component that connects visitor nodes says and does nothing for so long.
    VisitorsSilent(u16),

    BridgeFails(u8, Error),
    BridgeIsSilentTo(u8, u8),
    BridgeLosesRequests(u8, u8),
    /// It does what it is asked, and its answer lacks something: what, by its number.
    BridgeGarbles(u8, u8),
    BridgeIsSlow(u8, u16),
    /// Carries nothing out for so long, then everything.
    BridgeSleeps(u8, u16),
    /// Comes back under the same name, empty.
    BridgeCrashes(u8, u16),
    BridgeForgets(u8),
    BridgeForgetsOne(u8, u8),
    BridgeIsSick(u8, u16),
    /// Silent to health checks.
    BridgeIsDeaf(u8, u16),
    BridgeGraceful(u8),
    BridgeShutsDown(u8, u16),
    BridgeDrains(u8),
    BridgeBusy(u8),
    /// An operator moves so many endpoints off it.
    BridgeRelieved(u8, u8),
    /// It answers, and says nothing of itself in its brewery for so many seconds.
    BridgeIsStale(u8, u8),
}

/// What a bridge may answer (spec/40 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    ConferenceExists,
    ConferenceNotFound,
    Graceful,
    EndpointExists,
    Internal,
    BadRequest,
    NotImplemented,
    Forbidden,
    Unavailable,
    NotAcceptable,
    NoSuchOccupant,
    /// Said by the server, or the room, in its stead.
    RecipientUnavailable,
    RemoteServerTimeout,
    NotInRoom,
    LeftRoom,
    NoSuchRoom,
}

pub const ERRORS: [Error; 11] = [
    Error::ConferenceExists,
    Error::ConferenceNotFound,
    Error::Graceful,
    Error::EndpointExists,
    Error::Internal,
    Error::BadRequest,
    Error::NotImplemented,
    Error::Forbidden,
    Error::Unavailable,
    Error::NotAcceptable,
    Error::NoSuchOccupant,
];

/// How large lives are, and what may go wrong in them.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// At most.
    pub rooms: u8,
    /// At most, in all rooms.
    pub participants: u8,
    pub bridges: u8,
    /// At most.
    pub acts: u16,
    pub faults: Faults,
    /// Visitor nodes; none unless asked for.
    pub nodes: u8,
    /// Whether there are strangers, who are in no room; unless asked for there are none. What else happens is the same with them.
    pub strangers: bool,
    /// Every life has what one in some has otherwise.
    pub every_kind: bool,
}

/// Which kinds of trouble there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    pub server: bool,
    pub bridges: bool,
    pub hostile: bool,
    /// Failures of the core itself.
    pub panics: bool,
}

impl Faults {
    pub const ALL: Faults = Faults { server: true, bridges: true, hostile: true, panics: true };
    pub const NONE: Faults = Faults { server: false, bridges: false, hostile: false, panics: false };
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rooms: 3,
            participants: 8,
            bridges: 3,
            acts: 60,
            faults: Faults::ALL,
            nodes: 0,
            strangers: false,
            every_kind: false,
        }
    }
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64, options: &Options) -> Plan {
        let mut draw = Draw { dice: Dice::of(&format!("life {seed}")), options };
        let setting = draw.setting(seed);
        let people = 2 + draw.below(u64::from(options.participants.max(2)) - 1) as u8;
        let count = 8 + draw.below(u64::from(options.acts.max(9)) - 8);
        // Some lives are all trouble of one kind, and most have some of each.
        let calm = draw.below(6) == 0;
        let mut at = 0;
        let mut acts = Vec::new();
        for number in 0..count {
            at += draw.pause();
            let what = match number {
                // Nothing can go wrong for nobody.
                0 | 1 => draw.join(number as u8, setting, people),
                _ if calm => draw.ordinary(setting, people),
                _ => draw.anything(setting, people),
            };
            acts.push(Act { at, what });
        }
        if seed % GARBLED == 4 && options.faults.bridges {
            draw.garbled(seed, setting, at, &mut acts);
        }
        if setting.service && options.faults.server {
            draw.service(seed, at, &mut acts);
        }
        if options.faults.server {
            draw.upheavals(seed, at, &mut acts);
        }
        if options.nodes > 0 && options.faults.hostile {
            draw.hostile_visitors(seed, people, at, &mut acts);
        }
        if options.strangers {
            draw.strangers(seed, setting, people, at, &mut acts);
        }
        draw.kinds(seed, setting, people, at, &mut acts);
        Plan { seed, setting, acts }
    }

    /// The same as long as this is the same life: of what is other than usual, and of what happens.
    pub fn digest(&self) -> u32 {
        let Plan { seed, setting, acts } = self;
        (Dice::of(&format!("{seed} {} {acts:?}", setting.written())).roll() >> 32) as u32
    }
}

/// In one of so many lives bridges leave things out of their answers.
const GARBLED: u64 = 13;

/// In one of so many lives there is a connection of its own to the bridges.
const SERVICE: u64 = 19;

/// In one of so many lives requests come through a component, whose connection is lost; in as many the focus is stopped, in as
/// many nothing is heard on its connection, and in as many the bridges' room is lost. Which: none of those that are stored.
const UPHEAVAL: u64 = 41;
const COMPONENT: u64 = 17;
const STOPS: u64 = 32;
const SILENCE: u64 = 33;
const BREWERY: u64 = 37;

/// In one of so many the configuration says how often bridges are checked. In most it is less often than every ten seconds:
/// half of all that happens would be that.
const RUSHED: u64 = 4;

/// In one of so many people log in.
const SECURED: u64 = 3;

/// In one of so many the focus looks after its own health.
const WATCHED: u64 = 5;

/// In one of so many transports are replaced.
const REPLACED: u64 = 6;

/// How many things there are that a bridge may leave out.
pub(super) const OMISSIONS: u8 = 4;

/// How many things there are that a visitor may do and should not.
const MISDEEDS: u8 = 8;

pub(super) struct Draw<'a> {
    pub(super) dice: Dice,
    pub(super) options: &'a Options,
}

impl Draw<'_> {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.dice.roll() % limit.max(1)
    }

    pub(super) fn small(&mut self, limit: u8) -> u8 {
        u8::try_from(self.below(u64::from(limit))).unwrap_or(0)
    }

    fn setting(&mut self, seed: u64) -> Setting {
        let slow = self.below(4) as u16;
        let mut setting = Setting {
            rooms: 1 + self.small(self.options.rooms),
            bridges: 1 + self.small(self.options.bridges),
            hop: slow.min(2),
            spread: [0, 5, 40, 300][usize::from(slow)],
            presets: self.below(5) == 0,
            ice: self.small(3),
            batching: if self.below(4) == 0 { 500 } else { 0 },
            links: 0,
            nodes: self.options.nodes,
            rushed: seed % RUSHED == 0,
            secured: seed % SECURED == 1,
            auto_login: seed % SECURED == 1 && seed % 2 == 0,
            watched: seed % WATCHED == 2,
            replaces: seed % REPLACED == 5,
            service: seed % SERVICE == 2,
            component: seed % UPHEAVAL == COMPONENT,
        };
        let drawn = self.small(12);
        if drawn % 3 == 0 {
            setting.links = 1 + drawn / 3;
            setting.bridges += 1;
        }
        setting
    }

    /// Mostly much at once, sometimes long enough for timers.
    fn pause(&mut self) -> u32 {
        let longest = match self.below(10) {
            0..3 => 20,
            3..8 => 800,
            8 => 5_000,
            _ => 25_000,
        };
        self.below(longest) as u32
    }

    pub(super) fn milliseconds(&mut self) -> u16 {
        let longest = [50, 1_000, 14_000, 40_000][self.below(4) as usize];
        self.below(longest) as u16
    }

    fn join(&mut self, who: u8, setting: Setting, people: u8) -> What {
        let client = match self.below(8) {
            0 => Client::Old,
            1 => Client::Xml,
            2 => Client::Rewriting,
            3 => Client::Phone,
            _ => Client::Current,
        };
        let thinks = if self.below(3) == 0 { self.milliseconds().min(20_000) } else { self.small(200).into() };
        What::Joins { who: who % people, room: self.small(setting.rooms), client, thinks }
    }

    fn ordinary(&mut self, setting: Setting, people: u8) -> What {
        let who = self.small(people);
        match self.below(20) {
            0..5 => self.join(who, setting, people),
            5 | 6 => What::Leaves(who),
            7 => What::Vanishes(who),
            8 => What::Reloads(who),
            9 => What::AddsCamera(who),
            10 => What::AddsDesktop(who),
            11 => What::Removes(who),
            12 => What::Restarts(who),
            13 => What::RestartsIce(who),
            14 => What::IceFails(who),
            15 => What::Mutes(who),
            16 => What::Unmutes(who),
            17 => What::AsksToMute(who, self.small(people)),
            18 => What::AsksToUnmute(who),
            _ => match self.below(4) {
                0 => What::Approves(who, self.small(people)),
                1 => What::Rejects(who, self.small(people)),
                _ => What::Moderates(who, self.small(3), self.below(3) > 0),
            },
        }
    }

    fn anything(&mut self, setting: Setting, people: u8) -> What {
        let faults = self.options.faults;
        let (who, other, room) = (self.small(people), self.small(people), self.small(setting.rooms));
        match self.below(20) {
            0..2 if faults.hostile => self.hostile(who, other),
            2..5 if faults.server && setting.nodes > 0 && self.below(3) == 0 => self.node(room, setting),
            2..5 if faults.server => self.server(who, room, faults),
            5..10 if faults.bridges => self.bridge(setting, who),
            _ => self.ordinary(setting, people),
        }
    }

    fn hostile(&mut self, who: u8, other: u8) -> What {
        match self.below(16) {
            0 => What::AcceptsTwice(who),
            1 => What::UsesAWrongSid(who),
            2 => What::UsesAForeignSid(who, other),
            3 => What::FloodsSources(who),
            4 => What::AnnouncesForeign(who, other),
            5 => What::RemovesForeign(who, other),
            6 => What::SendsNonsense(who),
            7 => What::RestartsInALoop(who),
            8 => What::NeverAccepts(who),
            9 => What::KeepsItsFeatures(who),
            10 => What::AnnouncesNonsense(who, other),
            11 => What::FloodsMutes(who, other),
            12 => What::Forges(who, other),
            13 => What::ShowsMuch(who),
            14 => What::FloodsRequests(who),
            _ => What::Terminates(who),
        }
    }

    /// Drawn apart, so that all else of a life stays what it is.
    fn strangers(&mut self, seed: u64, setting: Setting, people: u8, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("strangers {seed}"));
        for _ in 0..2 + self.below(5) {
            let at = self.below(u64::from(end) + 1) as u32;
            let what = match self.below(3) {
                0 => What::ForeignRoom(self.small(people)),
                _ => What::StrangersAsk(self.small(setting.rooms), 1 + self.small(80)),
            };
            acts.push(Act { at, what });
        }
        acts.sort_by_key(|act| act.at);
    }

    /// Drawn apart likewise.
    fn garbled(&mut self, seed: u64, setting: Setting, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("garbled {seed}"));
        for _ in 0..1 + self.below(6) {
            let at = self.below(u64::from(end) + 1) as u32;
            acts.push(Act { at, what: What::BridgeGarbles(self.small(setting.bridges), self.small(OMISSIONS)) });
        }
        acts.sort_by_key(|act| act.at);
    }

    /// Drawn apart likewise.
    fn service(&mut self, seed: u64, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("service {seed}"));
        for _ in 0..1 + self.below(4) {
            let at = self.below(u64::from(end) + 1) as u32;
            let long = self.milliseconds();
            let what = match self.below(4) {
                0 => What::ServiceCutAndResumed(long),
                1 => What::ServiceCutAndAnew(long),
                2 => What::ServiceSilent(long),
                _ => What::ServiceDisconnected(long),
            };
            acts.push(Act { at, what });
        }
        acts.sort_by_key(|act| act.at);
    }

    /// Drawn apart likewise: what befalls the focus as a whole.
    fn upheavals(&mut self, seed: u64, end: u32, acts: &mut Vec<Act>) {
        let kind = seed % UPHEAVAL;
        if ![COMPONENT, STOPS, SILENCE, BREWERY].contains(&kind) {
            return;
        }
        self.dice = Dice::of(&format!("upheavals {seed}"));
        for _ in 0..1 + self.below(4) {
            let at = self.below(u64::from(end) + 1) as u32;
            let (long, other) = (self.milliseconds(), self.below(2) == 0);
            let what = match kind {
                COMPONENT => What::ComponentLost(long),
                STOPS => What::FocusStops(long),
                SILENCE => What::Silent(long),
                _ if other => What::BreweryDestroyed(long),
                _ => What::FocusKickedFromBrewery,
            };
            acts.push(Act { at, what });
        }
        acts.sort_by_key(|act| act.at);
    }

    /// Drawn apart likewise.
    fn hostile_visitors(&mut self, seed: u64, people: u8, end: u32, acts: &mut Vec<Act>) {
        self.dice = Dice::of(&format!("hostile visitors {seed}"));
        for _ in 0..2 + self.below(6) {
            let at = self.below(u64::from(end) + 1) as u32;
            let (who, other) = (self.small(people), self.small(people));
            acts.push(Act { at, what: What::VisitorMisbehaves(who, other, self.small(MISDEEDS)) });
        }
        acts.sort_by_key(|act| act.at);
    }

    fn server(&mut self, who: u8, room: u8, faults: Faults) -> What {
        let count = 1 + self.small(4);
        match self.below(18) {
            0 => What::Kicked(who),
            1 => What::BecomesOwner(who),
            2 => What::LosesRights(who),
            3 => What::RoomDestroyed(room),
            4 => What::FocusKicked(room),
            5 => What::FocusLosesRights(room),
            6 | 7 => What::AnswersLost(count),
            8 => What::AnswersLate(count, self.milliseconds()),
            9 => What::AnswersTwice(count, self.milliseconds()),
            10 | 11 => What::AnswersAreErrors(count),
            12 => What::CutAndResumed(self.milliseconds()),
            13 => What::CutAndAnew(self.milliseconds()),
            14 => What::Disconnected(self.milliseconds()),
            15 => What::ServerRestarts(self.milliseconds()),
            16 => What::FocusReplaced,
            _ if faults.panics => What::Sabotage(self.small(40)),
            _ => What::Kicked(who),
        }
    }

    fn node(&mut self, room: u8, setting: Setting) -> What {
        let (node, long) = (self.small(setting.nodes), self.milliseconds());
        match self.below(4) {
            0 => What::NodeCutAndResumed(node, long.min(14_000)),
            1 => What::NodeCutAndAnew(node, long),
            2 => What::MirrorDestroyed(room, node),
            _ => What::VisitorsSilent(long),
        }
    }

    fn bridge(&mut self, setting: Setting, who: u8) -> What {
        let bridge = self.small(setting.bridges);
        let (count, long) = (1 + self.small(4), self.milliseconds());
        match self.below(20) {
            0..4 => What::BridgeFails(bridge, ERRORS[self.below(ERRORS.len() as u64) as usize]),
            4 => What::BridgeIsSilentTo(bridge, count),
            5 => What::BridgeLosesRequests(bridge, count),
            6 => What::BridgeIsSlow(bridge, long.min(20_000)),
            7 => What::BridgeSleeps(bridge, long),
            8 | 9 => What::BridgeCrashes(bridge, long),
            10 => What::BridgeForgets(bridge),
            11 => What::BridgeForgetsOne(bridge, who),
            12 => What::BridgeIsSick(bridge, long),
            13 => What::BridgeIsDeaf(bridge, long),
            14 => What::BridgeGraceful(bridge),
            15 => What::BridgeShutsDown(bridge, long),
            16 => What::BridgeDrains(bridge),
            17 | 18 => What::BridgeRelieved(bridge, 1 + self.small(6)),
            _ => What::BridgeBusy(bridge),
        }
    }
}
