//! How each thing that a plan names comes about.

use jicofo::focus::command::Command;
use jicofo::focus::{Connection, Input, NodeId};

use super::peers::{is_visitor, nick};
use super::plan::{Client, Error, What};
use super::play::{Later, Life, bridge, millis, node, room};
use super::refusals::{fault, omission};
use super::upheavals::{QUIET, SILENT};
use crate::Time;
use crate::bridge::{Fault, Health};
use crate::participant::media::{desktop, single_camera};
use crate::participant::{CROSSING, Place};
use crate::room::{Delivery, Fate};
use crate::sources::Media;
use crate::xml::Read;

/// Nobody honest sends more SSRCs than this before he adds some: each may have twenty.
const MANY: usize = 12;

/// After a bridge woke up it takes so long until it has worked off what came meanwhile.
const BACKLOG: Time = Time::from_secs(1);

/// For longer the component says nothing only if it has forgotten what it was told (spec/60 §6.4).
const SILENCE: Time = Time::from_secs(25);

impl Life<'_> {
    pub fn act(&mut self, what: What) {
        self.judge.unheard |= matches!(what, What::AnswersLost(_) | What::AnswersLate(..));
        self.judge.causes.happens(self.s.now(), self.focus_away, what);
        match what {
            What::Joins { who, room: number, client, thinks } => self.comes(who, room(number), client, thinks),
            What::RoomDestroyed(_) | What::FocusKicked(_) | What::FocusLosesRights(_) => self.act_on_room(what),
            What::CutAndResumed(_) | What::CutAndAnew(_) | What::Disconnected(_) | What::ServerRestarts(_) => {
                self.act_on_connection(what);
            }
            What::FocusReplaced if !self.focus_away => {
                self.component_away = None;
                self.lose_focus();
                self.nodes_away.clear();
                self.service_away = None;
                self.s.focus_is_replaced();
            }
            What::FocusReplaced => {}
            What::FocusStops(_)
            | What::Silent(_)
            | What::ComponentLost(_)
            | What::FocusKickedFromBrewery
            | What::BreweryDestroyed(_) => self.act_on_focus(what),
            What::NodeCutAndResumed(..) | What::NodeCutAndAnew(..) => self.act_on_node(what),
            What::ServiceCutAndResumed(_)
            | What::ServiceCutAndAnew(_)
            | What::ServiceDisconnected(_)
            | What::ServiceSilent(_) => self.act_on_service(what),
            What::MirrorDestroyed(number, of) if of < self.plan.setting.nodes => {
                let now = self.s.now();
                self.judge.trouble(now);
                self.s.server().close_mirror(now, &room(number), &node(of));
            }
            What::MirrorDestroyed(..) => {}
            What::VisitorsSilent(long) => {
                self.s.server().options.silent_visitors = true;
                self.judge.trouble(self.s.now());
                self.later(millis(long).min(SILENCE), Later::VisitorsSpeak);
            }
            What::VisitorMisbehaves(who, other, how) => self.visitor_misbehaves(who, other, how),
            What::ActsUnsettled(who, other, how) => self.acts_unsettled(who, other, how),
            What::AnswersForOthers(who, long) => self.answers_for_others(who, millis(long)),
            What::StrangersAsk(..) | What::ForeignRoom(_) => self.act_of_strangers(what),
            What::Sabotage(stanzas) => self.s.sabotage(stanzas.into()),
            What::AnswersLost(count) => self.s.accident(count.into(), Fate::IsLost, is_answer),
            What::AnswersLate(count, long) => self.s.accident(count.into(), Fate::IsLate(millis(long)), is_answer),
            What::AnswersTwice(count, long) => self.s.accident(count.into(), Fate::ComesTwice(millis(long)), is_answer),
            What::AnswersAreErrors(count) => {
                self.judge.spoilt = true;
                self.s.accident(count.into(), Fate::IsAnError, |delivery| {
                    is_answer(delivery) && delivery.from == "server"
                });
            }
            What::BridgeFails(number, _)
            | What::BridgeIsSilentTo(number, _)
            | What::BridgeLosesRequests(number, _)
            | What::BridgeGarbles(number, _)
            | What::BridgeIsSlow(number, _)
            | What::BridgeSleeps(number, _)
            | What::BridgeCrashes(number, _)
            | What::BridgeForgets(number)
            | What::BridgeForgetsOne(number, _)
            | What::BridgeIsSick(number, _)
            | What::BridgeIsDeaf(number, _)
            | What::BridgeGraceful(number)
            | What::BridgeShutsDown(number, _)
            | What::BridgeDrains(number)
            | What::BridgeBusy(number)
            | What::BridgeIsStale(number, _)
            | What::BridgeRelieved(number, _) => self.act_on_bridge(number, what),
            _ => self.act_on_person(what),
        }
        self.s.pump();
    }

    fn act_on_person(&mut self, what: What) {
        let number = match what {
            What::Leaves(who) | What::Vanishes(who) | What::Reloads(who) | What::AddsCamera(who) => who,
            What::AddsDesktop(who) | What::Removes(who) | What::Restarts(who) | What::RestartsIce(who) => who,
            What::IceFails(who) | What::Terminates(who) | What::Mutes(who) | What::Unmutes(who) => who,
            What::AsksToMute(who, _) | What::AsksToUnmute(who) | What::Moderates(who, ..) => who,
            What::Approves(who, _) | What::Rejects(who, _) | What::Forges(who, _) | What::FloodsRequests(who) => who,
            What::KeepsItsFeatures(who) | What::Kicked(who) | What::BecomesOwner(who) | What::LosesRights(who) => who,
            What::AcceptsTwice(who) | What::UsesAWrongSid(who) | What::UsesAForeignSid(who, _) => who,
            What::FloodsSources(who) | What::AnnouncesForeign(who, _) | What::RemovesForeign(who, _) => who,
            What::AnnouncesNonsense(who, _) | What::FloodsMutes(who, _) => who,
            What::ShowsMuch(who) | What::SendsNonsense(who) | What::RestartsInALoop(who) | What::NeverAccepts(who) => {
                who
            }
            _ => return,
        };
        let Some(person) = self.people.get(&number) else { return };
        let (label, room, client) = (person.label.clone(), person.room.clone(), person.client);
        if person.away || self.s.view(&label).place() != Place::InRoom {
            return;
        }
        let (now, jid) = (self.s.now(), format!("{}@meet.test", nick(number)));
        let connected = self.s.view(&label).connected();
        // Telephones have no pictures.
        let looks_on = self.s.view(&label).is_visitor();
        let silent = client == Client::Phone || is_visitor(self.plan.setting, number) || looks_on;
        let can_add = connected && !silent && self.s.view(&label).own().sources.len() <= MANY;
        let of_visitors = matches!(
            what,
            What::Leaves(_)
                | What::Vanishes(_)
                | What::Reloads(_)
                | What::Restarts(_)
                | What::RestartsIce(_)
                | What::IceFails(_)
        );
        // On a node there is nobody whom they could ask for more.
        if looks_on && !of_visitors {
            return;
        }
        match what {
            What::Leaves(_) => self.s.participant(&label).leave(),
            What::Vanishes(_) => self.s.dies(&label),
            What::Reloads(_) => self.reloads(number, Time::ZERO),
            What::AddsCamera(_) if can_add => _ = self.s.participant(&label).add_source(single_camera()),
            What::AddsDesktop(_) if can_add => _ = self.s.participant(&label).add_source(desktop()),
            What::Removes(_) if connected => {
                let name = self.s.view(&label).own().sources.iter().rev().find_map(|source| source.name.clone());
                if let Some(name) = name {
                    self.s.participant(&label).remove_source(&name);
                }
            }
            What::Restarts(_) if connected => self.s.participant(&label).restart(),
            What::RestartsIce(_) if connected => self.s.participant(&label).restart_ice(),
            What::IceFails(_) if connected => self.s.participant(&label).report_ice_failed(),
            What::Mutes(_) => self.s.participant(&label).mute(Media::Audio, true),
            What::Unmutes(_) => self.s.participant(&label).mute(Media::Audio, false),
            What::AsksToMute(_, other) => self.s.participant(&label).ask_mute(&nick(other), Media::Audio, true),
            What::AsksToUnmute(_) => self.s.participant(&label).ask_mute(&nick(number), Media::Audio, false),
            What::Moderates(_, media, on) => {
                let media = ["audio", "video", "desktop"][usize::from(media) % 3];
                self.s.participant(&label).moderate(media, on);
            }
            What::Approves(_, other) => self.s.participant(&label).approve(&nick(other), "audio"),
            What::Rejects(_, other) => self.s.participant(&label).reject(&nick(other), "audio"),
            What::KeepsItsFeatures(_) => self.s.participant(&label).settings.answers_disco = false,
            What::Kicked(_) => self.s.server().put_out(now, &room, &nick(number), &["307"]),
            What::BecomesOwner(_) => self.s.server().grant(now, &room, &jid, "owner"),
            What::LosesRights(_) => self.s.server().grant(now, &room, &jid, "none"),
            _ => self.act_hostile(what, number, &label),
        }
    }

    fn act_on_room(&mut self, what: What) {
        let now = self.s.now();
        self.judge.trouble(now);
        match what {
            What::RoomDestroyed(number) => self.s.server().destroy(now, &room(number), "over"),
            What::FocusKicked(number) => self.s.server().put_out(now, &room(number), "focus", &["307"]),
            What::FocusLosesRights(number) => {
                self.s.server().grant(now, &room(number), "focus@auth.meet.test", "member");
            }
            _ => {}
        }
    }

    fn act_on_connection(&mut self, what: What) {
        if self.focus_away {
            return;
        }
        self.component_stands();
        (self.focus_away, self.focus_left) = (true, self.s.now());
        self.judge.trouble(self.s.now());
        match what {
            What::CutAndResumed(long) => {
                self.s.focus_is_cut_off();
                self.later(millis(long), Later::Resumed);
            }
            What::CutAndAnew(long) => {
                self.s.focus_is_cut_off();
                self.later(millis(long), Later::LoggedIn);
            }
            What::Disconnected(long) => {
                self.service_away = None;
                self.lose_focus();
                self.s.focus_is_disconnected();
                self.later(millis(long), Later::LoggedIn);
            }
            What::ServerRestarts(long) => self.restart_server(millis(long)),
            _ => {}
        }
    }

    fn act_on_node(&mut self, what: What) {
        let (number, long) = match what {
            What::NodeCutAndResumed(number, long) | What::NodeCutAndAnew(number, long) => (number, long),
            _ => return,
        };
        let node = NodeId(number.into());
        // A focus that has stopped is on no node.
        if number >= self.plan.setting.nodes || !self.s.is_on_node(node) || !self.nodes_away.insert(number) {
            return;
        }
        self.judge.trouble(self.s.now());
        self.s.node_is_cut_off(node);
        let resumes = matches!(what, What::NodeCutAndResumed(..));
        self.later(millis(long), if resumes { Later::NodeResumed(number) } else { Later::NodeLoggedIn(number) });
    }

    fn act_on_service(&mut self, what: What) {
        if self.service_away.is_some() || self.focus_away || !self.plan.setting.service {
            return;
        }
        let loss = self.count;
        self.service_away = Some(loss);
        self.judge.trouble(self.s.now());
        match what {
            What::ServiceCutAndResumed(long) => {
                self.s.service_is_cut_off();
                self.later(millis(long), Later::ServiceResumed(loss));
            }
            What::ServiceCutAndAnew(long) => {
                self.s.service_is_cut_off();
                self.later(millis(long), Later::ServiceLoggedIn(loss));
            }
            What::ServiceSilent(long) => {
                self.s.service_falls_silent();
                self.later(QUIET, Later::ServiceQuiet(loss));
                self.later(SILENT, Later::ServiceCut(loss));
                self.later(SILENT + millis(long), Later::ServiceResumed(loss));
            }
            What::ServiceDisconnected(long) => {
                self.lose_service();
                self.s.service_is_disconnected();
                self.later(millis(long), Later::ServiceLoggedIn(loss));
            }
            _ => {}
        }
    }

    /// Whoever came meanwhile it has not read of, and speaks to those who were there before.
    pub(super) fn is_back_in_its_session(&mut self) {
        let now = self.s.now();
        self.judge.trouble(now);
        self.judge.caught_up = now;
        for person in self.people.values_mut().filter(|it| it.since + CROSSING > self.focus_left) {
            person.since = now;
        }
    }

    /// What bridges were asked just now, or answered, may be lost.
    fn lose_service(&mut self) {
        self.judge.trouble(self.s.now());
        self.judge.unheard = true;
    }

    fn restart_server(&mut self, down: Time) {
        self.service_away = None;
        self.lose_focus();
        let present: Vec<u8> =
            self.people.iter().filter(|(_, it)| !it.away && self.is_present(&it.label)).map(|(n, _)| *n).collect();
        for (place, number) in present.into_iter().enumerate() {
            let Some(person) = self.people.get_mut(&number) else { continue };
            person.away = true;
            let label = person.label.clone();
            self.s.dies(&label);
            self.later(down + Time::from_millis(300 * place as u64), Later::Returns(number));
        }
        for number in 0..self.plan.setting.bridges {
            self.crash(number, down);
        }
        self.s.focus_is_disconnected();
        self.later(down, Later::LoggedIn);
    }

    /// The focus that there was is gone, with all that it was asked.
    pub(super) fn lose_focus(&mut self) {
        self.judge.trouble(self.s.now());
        self.judge.forgive(&self.s);
        self.orphan_conferences();
        self.asleep.clear();
    }

    fn act_on_bridge(&mut self, number: u8, what: What) {
        let name = bridge(number);
        if number >= self.plan.setting.bridges || !self.s.view_server().is_connected(&name) {
            return;
        }
        match what {
            What::BridgeFails(_, error) => {
                self.drops |= error == Error::BadRequest;
                self.refuses |= matches!(error, Error::BadRequest | Error::NotImplemented);
                // The room's word that the focus is not in it: what is under way may have been heard, and is asked again.
                self.judge.unheard |= matches!(error, Error::NotAcceptable | Error::NotInRoom | Error::NoSuchRoom);
                self.s.bridge(&name).fail_next(fault(error));
            }
            What::BridgeIsSilentTo(_, count) => {
                (0..count).for_each(|_| self.s.bridge(&name).fail_next(Fault::Unanswered))
            }
            What::BridgeLosesRequests(_, count) => {
                self.judge.lossy.insert(name.clone());
                (0..count).for_each(|_| self.s.bridge(&name).fail_next(Fault::Lost));
            }
            What::BridgeGarbles(_, what) => {
                self.drops = true;
                self.s.bridge(&name).fail_next(Fault::Altered(omission(what)));
            }
            What::BridgeIsSlow(_, long) => self.s.bridge(&name).settings.delay = millis(long),
            What::BridgeSleeps(_, long) => {
                self.s.server().suspend(&name);
                let now = self.s.now();
                self.s.bridge(&name).lags_until(now + millis(long) + BACKLOG);
                self.asleep.insert(number);
                self.later(millis(long), Later::BridgeWakes(number));
            }
            What::BridgeCrashes(_, long) => self.crash(number, millis(long)),
            What::BridgeForgets(_) => {
                let meetings: Vec<String> = self.s.view_bridge(&name).conferences().keys().cloned().collect();
                for meeting in meetings {
                    self.s.bridge(&name).forget(&meeting);
                }
            }
            What::BridgeForgetsOne(_, who) => self.s.bridge(&name).forget_endpoint(&nick(who)),
            What::BridgeIsSick(_, long) => {
                self.s.bridge(&name).health = Health::Failing("not well".into());
                self.later(millis(long), Later::BridgeIsWell(number));
            }
            What::BridgeIsDeaf(_, long) => {
                self.s.bridge(&name).health = Health::Silent;
                self.later(millis(long), Later::BridgeIsWell(number));
            }
            What::BridgeGraceful(_) => self.s.bridge(&name).publish(|stats| stats.graceful_shutdown = true),
            What::BridgeShutsDown(_, long) => {
                self.s.bridge(&name).publish(|stats| (stats.graceful_shutdown, stats.shutting_down) = (true, true));
                self.crash_after(number, millis(long));
            }
            What::BridgeIsStale(_, seconds) => {
                let end = self.s.now() + Time::from_secs(seconds.into());
                self.s.bridge(&name).says_nothing_until(end);
            }
            What::BridgeDrains(_) => self.s.bridge(&name).publish(|stats| stats.drain = !stats.drain),
            What::BridgeRelieved(_, count) => {
                let command = Command::MoveEndpoints { bridge: name, room: None, count: count.into() };
                // Whether it is known to the focus just now or not.
                self.s.command(command);
            }
            What::BridgeBusy(_) => self.s.bridge(&name).publish(|stats| stats.stress = 0.95 - stats.stress),
            _ => {}
        }
    }

    /// A bridge that shuts down is gone a while later, and is started again.
    fn crash_after(&mut self, number: u8, after: Time) {
        self.later(after, Later::BridgeReturns(number));
    }

    fn crash(&mut self, number: u8, down: Time) {
        self.s.dies(&bridge(number));
        self.later(down, Later::BridgeReturns(number));
    }

    /// What was announced earlier comes to pass.
    pub fn follows(&mut self, later: Later) {
        match later {
            Later::Look => self.look_around(),
            Later::Returns(number) => self.comes_back(number),
            Later::Unsettled { who, other, how, looks } => self.looks_for_an_offer(who, other, how, looks),
            Later::ForeignRoomSpeaks(who) => self.foreign_room_speaks(who),
            Later::Restarts(number) => {
                let label = self.people.get(&number).map(|person| person.label.clone());
                if let Some(label) = label.filter(|label| self.s.view(label).connected()) {
                    self.s.participant(&label).restart();
                }
            }
            Later::Resumed => {
                self.focus_away = false;
                self.is_back_in_its_session();
                self.s.focus_resumes();
            }
            Later::LoggedIn => {
                self.focus_away = false;
                self.lose_focus();
                self.s.focus_logs_in_anew();
            }
            // Unless the focus has been replaced, or the server has restarted, meanwhile.
            Later::ServiceQuiet(loss) if self.service_away == Some(loss) => {
                self.judge.trouble(self.s.now());
                self.s.connection_tells(Input::Quiet { on: Connection::Service, quiet: true });
            }
            Later::ServiceCut(loss) if self.service_away == Some(loss) => {
                self.judge.trouble(self.s.now());
                self.s.connection_tells(Input::Disconnected { on: Connection::Service, resumable: true });
            }
            Later::ServiceQuiet(_) | Later::ServiceCut(_) => {}
            Later::ServiceResumed(loss) if self.service_away.take_if(|it| *it == loss).is_some() => {
                self.judge.trouble(self.s.now());
                self.s.service_resumes();
            }
            Later::ServiceLoggedIn(loss) if self.service_away.take_if(|it| *it == loss).is_some() => {
                self.lose_service();
                self.s.service_logs_in_anew();
            }
            Later::ServiceResumed(_) | Later::ServiceLoggedIn(_) => {}
            // Unless the focus has been replaced meanwhile.
            Later::NodeResumed(number) if self.nodes_away.remove(&number) => {
                self.judge.trouble(self.s.now());
                self.s.node_resumes(NodeId(number.into()));
            }
            Later::NodeLoggedIn(number) if self.nodes_away.remove(&number) => {
                self.judge.trouble(self.s.now());
                self.s.node_logs_in_anew(NodeId(number.into()));
            }
            Later::NodeResumed(_) | Later::NodeLoggedIn(_) => {}
            Later::Quiet
            | Later::Cut
            | Later::Heard(_)
            | Later::Stopped
            | Later::Succeeds
            | Later::ComponentReturns(_) => self.upheaval_follows(later),
            Later::VisitorsSpeak => {
                self.s.server().options.silent_visitors = false;
                // What it was asked and did not hear is asked again.
                self.judge.trouble(self.s.now());
            }
            Later::BridgeReturns(number) => {
                self.judge.causes.bridge_fails(self.s.now(), number);
                let name = bridge(number);
                if self.s.view_server().is_connected(&name) {
                    self.s.dies(&name);
                }
                let stats = &mut self.s.bridge(&name).settings.stats;
                (stats.graceful_shutdown, stats.shutting_down, stats.drain) = (false, false, false);
                self.s.returns(&name);
            }
            Later::BridgeWakes(number) => {
                let now = self.s.now();
                self.s.server().resume(now, &bridge(number));
                // What it does now was wished by a focus that is gone.
                if !self.asleep.remove(&number) {
                    self.follows(Later::BridgeReturns(number));
                }
            }
            Later::BridgeIsWell(number) => self.s.bridge(&bridge(number)).health = Health::Well,
        }
        self.s.pump();
    }

    /// Nothing goes wrong any more: whoever is hostile leaves, and bridges are as new.
    pub fn heal(&mut self) {
        self.healing = true;
        self.s.take_back_sabotage();
        self.s.server().forget_rules();
        let hostile: Vec<String> = self.people.values().filter(|it| it.hostile).map(|it| it.label.clone()).collect();
        for label in hostile {
            if self.is_present(&label) {
                self.s.participant(&label).leave();
            }
        }
        for number in 0..self.plan.setting.bridges {
            let name = bridge(number);
            let settings = &self.s.view_bridge(&name).settings;
            let (shutting_down, slow) = (settings.stats.graceful_shutdown, !settings.delay.is_zero());
            if slow {
                // What it was asked just now it answers as late as before.
                self.judge.causes.bridge_fails(self.s.now(), number);
            }
            let bridge = self.s.bridge(&name);
            bridge.forget_faults();
            bridge.settings.delay = Time::ZERO;
            bridge.says_nothing_until(Time::ZERO);
            bridge.publish(|stats| (stats.drain, stats.stress) = (false, 0.01));
            let lacks_something = bridge.conferences().values().any(|conference| conference.lacks_something);
            if shutting_down || lacks_something {
                self.later(Time::ZERO, Later::BridgeReturns(number));
            }
        }
        self.s.pump();
    }
}

fn is_answer(delivery: &Delivery) -> bool {
    delivery.to == "focus"
        && matches!(delivery.stanza.get("type"), Some("result" | "error"))
        && delivery.stanza.name() == "iq"
}
