//! Playing a plan: what it says happens at its time, and after every input everything is looked at.

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use jicofo::config::{AuthenticationType, ReinviteMethod, SelectionStrategy, TopologyStrategy};

use super::judge::Judge;
use super::peers::{Person, is_visitor, nick, region};
use super::plan::{Plan, Setting};
use super::{Failure, Lived, watchdog};

use crate::Time;
use crate::bridge::IceRestart;
use crate::scenario::{Scenario, Tamper, add_service, standing_requests};

/// Until everything is as it should be, once nothing goes wrong any more: a bridge that failed is taken again after a
/// minute, the next presence of it comes half a minute later, somebody takes twenty seconds to accept, and people load their pages again.
const HEALING: Time = Time::from_secs(140);

/// What has begun ends within this time after the last act, but for people who load their pages again and again, for somebody who
/// is hostile breaks their sessions: that lasts as long as he is there.
const AFTERMATH: Time = Time::from_secs(300);

/// So long after the last one the focus leaves, too.
const DEPARTURE: Time = Time::from_secs(5);

/// After that what is still under way arrives.
const SETTLING: Time = Time::from_secs(5);

/// How often bridges are checked, and say how they are, where nobody is rushed.
const CHECKS: Time = Time::from_secs(20);
const PRESENCE: Time = Time::from_secs(25);

/// How long authentication sessions live.
const SESSIONS: Time = Time::from_secs(20);

/// A life with more inputs than this has no end. The longest have a twentieth.
const MOST: usize = 1_000_000;

/// A life being lived.
pub(super) struct Life<'a> {
    pub plan: &'a Plan,
    pub s: Scenario,
    pub people: BTreeMap<u8, Person>,
    pub judge: Judge,
    /// Conferences on bridges that nobody rules: until when they live, where, which, since when.
    pub orphans: Vec<(Time, String, String, Time)>,
    /// The streams of the focus are not whole.
    pub focus_away: bool,
    /// Visitor nodes to which it has no connection.
    pub nodes_away: BTreeSet<u8>,
    /// Which loss of the connection to the bridges is not over yet.
    pub service_away: Option<u64>,
    /// Which loss of the connection that requests come through is not over yet.
    pub component_away: Option<u64>,
    /// When that began.
    pub focus_left: Time,
    /// A bridge has refused somebody for good.
    pub drops: bool,
    /// A bridge has refused what it was told of somebody. It is told once more, and not again after that (spec/40 §8.2).
    pub refuses: bool,
    /// Bridges that do nothing, and have not missed the end of a focus.
    pub asleep: BTreeSet<u8>,
    /// What else is to be complained of.
    pub(super) wrong: Vec<String>,
    /// No more trouble is made.
    pub healing: bool,
    pub(super) later: BTreeMap<(Time, u64), Later>,
    pub count: u64,
}

/// What follows from what has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Later {
    Look,
    /// A person.
    Returns(u8),
    Restarts(u8),
    Resumed,
    LoggedIn,
    NodeResumed(u8),
    NodeLoggedIn(u8),
    /// After which loss.
    ServiceQuiet(u64),
    ServiceCut(u64),
    ServiceResumed(u64),
    ServiceLoggedIn(u64),
    /// Of the connection of the focus.
    Quiet,
    Cut,
    /// Whether anybody had noticed that nothing was heard.
    Heard(bool),
    Stopped,
    Succeeds,
    /// After which loss.
    ComponentReturns(u64),
    VisitorsSpeak,
    /// How often this one has looked whether it has an offer, in whose stead, and to do what.
    Unsettled {
        who: u8,
        other: u8,
        how: u16,
        looks: u8,
    },
    /// It shows the address of a person.
    ForeignRoomSpeaks(u8),
    BridgeReturns(u8),
    BridgeWakes(u8),
    BridgeIsWell(u8),
}

/// Plays a plan to its end.
pub fn play(plan: &Plan) -> Result<Lived, Failure> {
    play_with(plan, None)
}

/// The same, with a focus that says what it should not.
pub fn play_with(plan: &Plan, tamper: Option<Tamper>) -> Result<Lived, Failure> {
    listen_for_panics();
    PANIC.with_borrow_mut(|panic| *panic = Listening::Yes(None));
    let _watched = watchdog::watch(plan);
    let mut life = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| life.insert(Life::new(plan, tamper)).live()));
    let panic = PANIC.take();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(payload) => Err(vec![format!("the core failed: {}", panic.text(&*payload))]),
    };
    let inputs = life.as_ref().map_or(0, |life| life.s.inputs());
    match (outcome, life) {
        (Ok(said), _) => Ok(Lived { inputs, said }),
        (Err(wrong), Some(life)) => Err(life.failure(wrong)),
        // Nobody has come yet.
        (Err(wrong), None) => Err(Failure { step: 0, wrong, wire: String::new(), stories: String::new() }),
    }
}

impl<'a> Life<'a> {
    fn new(plan: &'a Plan, tamper: Option<Tamper>) -> Life<'a> {
        let Setting { bridges, hop, spread, presets, ice, batching, links, nodes, .. } = plan.setting;
        let Setting { rushed, secured, auto_login, watched, replaces, service, component, .. } = plan.setting;
        let mut builder = Scenario::new()
            .seed(plan.seed)
            .recorded()
            .tampered(tamper)
            .latency(millis(hop), millis(spread))
            .server(|options| {
                options.presets = presets;
                if links == 4 {
                    options.visitors = (0..=u8::MAX).filter(|who| is_visitor(plan.setting, *who)).map(nick).collect();
                }
            })
            .config(|config| {
                if !rushed {
                    config.bridge.health_checks.interval = CHECKS;
                }
                if watched {
                    config.health.enabled = true;
                    config.health.interval = CHECKS;
                }
                if replaces {
                    config.conference.reinvite_method = ReinviteMethod::ReplaceTransport;
                }
                if service {
                    add_service(config);
                }
                if secured {
                    config.authentication.kind = AuthenticationType::Xmpp;
                    config.authentication.login_url = Some("meet.test".into());
                    config.authentication.authentication_lifetime = SESSIONS;
                    config.authentication.enable_auto_login = auto_login;
                }
                config.octo.enabled = links > 0;
                config.octo.sctp_datachannels = links != 2;
                config.bridge.selection_strategy = match links {
                    0 => SelectionStrategy::Single,
                    3 => SelectionStrategy::RegionBased,
                    _ => SelectionStrategy::Split,
                };
                if links == 4 {
                    config.bridge.topology_strategy = TopologyStrategy::Visitor;
                    config.visitors.enabled = true;
                }
                if batching > 0 {
                    config.conference.source_signaling_delays.0 = [(0, millis(batching))].into();
                }
            });
        if component {
            builder = builder.component();
        }
        if nodes > 0 {
            let names: Vec<String> = (0..nodes).map(node).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            builder = builder.nodes(&names).config(|config| {
                config.visitors.max_participants = 2;
                config.visitors.max_visitors_per_node = 2;
            });
        }
        for number in 0..bridges {
            builder = builder.bridge_with(&bridge(number), move |bridge| {
                bridge.stats.terse = true;
                bridge.stats.relay_id = (links > 0).then(|| format!("relay-{}", bridge.nick));
                bridge.stats.region = Some(region(number));
                bridge.presence_interval = PRESENCE;
                bridge.keeps_requests = false;
                bridge.ice_restart =
                    [IceRestart::Works, IceRestart::NotNeeded, IceRestart::Refused][usize::from(ice % 3)];
            });
        }
        Life {
            plan,
            s: builder.start(),
            people: BTreeMap::new(),
            judge: Judge::of(plan.setting),
            orphans: Vec::new(),
            focus_away: false,
            nodes_away: BTreeSet::new(),
            service_away: None,
            component_away: None,
            focus_left: Time::ZERO,
            drops: false,
            refuses: false,
            asleep: BTreeSet::new(),
            wrong: Vec::new(),
            healing: false,
            later: BTreeMap::new(),
            count: 0,
        }
    }

    /// To its end; gives a digest of all that was sent.
    fn live(&mut self) -> Result<u64, Vec<String>> {
        let begin = self.s.now();
        self.look_around();
        for act in &self.plan.acts {
            self.advance(begin + Time::from_millis(act.at.into()))?;
            self.act(act.what);
            self.check()?;
        }
        let latest = self.s.now() + AFTERMATH;
        while self.later.values().any(|later| *later != Later::Look) && self.s.now() < latest {
            self.advance(self.s.now() + Time::from_secs(1))?;
        }
        self.heal();
        self.advance(self.s.now() + HEALING)?;
        self.everybody_is_served()?;
        self.brought_in_again_leave();
        self.s.everybody_leaves_now();
        self.later.clear();
        self.advance(self.s.now() + DEPARTURE)?;
        self.empty_rooms_are_left()?;
        self.advance(self.s.now() + Time::from_secs(70))?;
        self.nothing_is_left()?;
        let mut said = 0_u64;
        for recording in self.s.take_recordings() {
            said = said.rotate_left(1) ^ recording.digest();
            recording.replay().map_err(|wrong| vec![wrong])?;
        }
        Ok(said)
    }

    /// Whoever is hostile and was put out, and brought in again by what he had sent before, of which he knows nothing.
    fn brought_in_again_leave(&mut self) {
        let is_inside = |label: &str| self.s.view_server().rooms().values().any(|room| room.nick_of(label).is_some());
        let hostile = self.people.values().filter(|person| person.hostile).map(|person| person.label.clone());
        let them: Vec<String> = hostile.filter(|label| !self.is_present(label) && is_inside(label)).collect();
        for label in them {
            let now = self.s.now();
            self.s.server().disconnect(now, &label);
        }
    }

    /// Lives until then.
    fn advance(&mut self, end: Time) -> Result<(), Vec<String>> {
        loop {
            let next = self.later.first_key_value().map(|((at, _), _)| *at).filter(|at| *at <= end);
            let stop = next.unwrap_or(end);
            while self.s.step(stop) {
                self.check()?;
            }
            self.s.run_for(stop.saturating_sub(self.s.now()));
            if next.is_none() {
                return Ok(());
            }
            if let Some((_, later)) = self.later.pop_first() {
                self.follows(later);
                self.check()?;
            }
        }
    }

    pub fn later(&mut self, after: Time, what: Later) {
        self.count += 1;
        self.later.insert((self.s.now() + after, self.count), what);
    }

    /// All sources agree, all sessions stand, all people are served.
    fn everybody_is_served(&mut self) -> Result<(), Vec<String>> {
        let away = self.people.values().filter(|person| person.away && !person.hostile);
        let mut loops: Vec<String> = away.map(|it| format!("{} loads its page yet again", it.label)).collect();
        // Nobody does anything of himself while views are compared.
        self.later.clear();
        self.advance(self.s.now() + SETTLING)?;
        let mut wrong = self.judge.quiescent(&self.s, &self.people);
        if self.refuses {
            wrong.retain(|text| !text.contains(" videos, but "));
        }
        wrong.append(&mut loops);
        let is_ill = |life: &Life<'_>| {
            life.plan.setting.watched && life.plan.setting.bridges > 0 && !life.s.focus().health().is_well()
        };
        // The core failed on purpose while it looked after its health: the next look tells.
        if is_ill(self) {
            self.advance(self.s.now() + CHECKS * 2)?;
        }
        if is_ill(self) {
            wrong.push(format!("the focus is not well: {:?}", self.s.focus().health()));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Nobody is there any more, and nothing is wrong: the focus does not stay.
    fn empty_rooms_are_left(&self) -> Result<(), Vec<String>> {
        let rooms = (0..self.plan.setting.rooms).map(room);
        let stays = |room: &String| {
            let held = self.s.view_server().rooms().get(room);
            held.is_some_and(|held| held.occupants.contains_key("focus"))
        };
        let wrong: Vec<String> =
            rooms.filter(stays).map(|room| format!("everybody has left {room}, and the focus has not")).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn nothing_is_left(&mut self) -> Result<(), Vec<String>> {
        let mut wrong = self.left_now();
        // A room that is entered to see whether it can be is left within the second, and the next is entered much later.
        if self.plan.setting.watched && !wrong.is_empty() {
            self.advance(self.s.now() + CHECKS / 4)?;
            wrong = self.left_now();
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn left_now(&self) -> Vec<String> {
        let mut wrong = self.s.leftovers();
        wrong.extend(self.judge.unanswered(&self.s));
        let gauges = self.s.focus().gauges();
        // Beside the ends of waiting: the next question for components, the next listening to the brewery, the next look at our
        // health, and the end of authentication sessions.
        let others = 2 + usize::from(self.plan.setting.secured) + usize::from(self.plan.setting.watched);
        if gauges.requests_pending > standing_requests(&gauges) || gauges.timers > gauges.requests_pending + others {
            wrong.push(format!("something is left: {gauges:?}"));
        }
        wrong
    }

    fn check(&mut self) -> Result<(), Vec<String>> {
        if self.s.inputs() > MOST {
            return Err(vec![format!("no end of this life after {MOST} inputs")]);
        }
        let mut wrong = self.judge.step(&mut self.s, &mut self.people);
        wrong.append(&mut self.wrong);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn failure(&self, wrong: Vec<String>) -> Failure {
        let stories = (0..self.plan.setting.rooms).filter_map(|number| {
            let room = room(number);
            let focus = self.s.focus();
            let ended = || Some(format!("What was the story of {room}:\n{}", focus.last_story(&room)?));
            focus.story(&room).map(|story| format!("The story of {room}:\n{story}")).or_else(ended)
        });
        Failure { step: self.s.inputs(), wrong, wire: self.s.story(), stories: stories.collect::<Vec<_>>().join("\n") }
    }
}

pub(super) fn millis(count: u16) -> Time {
    Time::from_millis(count.into())
}

pub(super) fn room(number: u8) -> String {
    format!("room{number}@conference.meet.test")
}

pub(super) fn node(number: u8) -> String {
    format!("v{number}")
}

pub(super) fn bridge(number: u8) -> String {
    format!("jvb{number}")
}

/// Whether panics of this thread are kept, instead of printed.
#[derive(Debug, Default)]
enum Listening {
    #[default]
    No,
    Yes(Option<String>),
}

impl Listening {
    fn text(self, payload: &dyn Any) -> String {
        match self {
            Listening::Yes(Some(text)) => text,
            _ => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
        }
    }
}

thread_local! {
    static PANIC: RefCell<Listening> = const { RefCell::new(Listening::No) };
}

fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let other = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let kept = PANIC.with_borrow_mut(|listening| match listening {
                Listening::No => false,
                Listening::Yes(text) => {
                    // The first that nobody asked for: others may follow from it.
                    let told = info.to_string();
                    if text.is_none() && !told.ends_with("sabotage") {
                        *text = Some(told);
                    }
                    true
                }
            });
            if !kept {
                other(info);
            }
        }));
    });
}
