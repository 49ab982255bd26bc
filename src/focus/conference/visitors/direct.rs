//! Where somebody who asks for the conference is sent: the main room, or one of visitors (spec/60 §6.5, §6.6).

use std::collections::BTreeSet;

use super::super::entry::MAX_ASKERS;
use super::super::member::Member;
use super::super::mute::RoomRule;
use super::super::{Conference, MemberId};
use super::Redirected;
use crate::focus::NodeId;
use crate::focus::context::{Asked, Context};
use crate::focus::problems::Kind;
use crate::focus::request::rules::GeneralRule;
use crate::focus::request::{self, Place, Requester};
use crate::focus::seat::EntryFailure;
use crate::focus::visitors::Wish;
use crate::focus::visitors::decide::{Outcome, Question, Rule, decide};
use crate::focus::visitors::select::{Candidate, select};
use crate::wire::stanza::IqBody;
use crate::wire::values::Condition;
use crate::wire::visitors;

/// What has the problem that nobody could be sent anywhere.
const ALL_NODES: &str = "all nodes";

impl Conference {
    /// We are in the main room, and somebody asks: he is told where to go.
    pub(in crate::focus::conference) fn direct(&mut self, cx: &mut Context, asker: Requester) {
        // One who is there, and asks once more, because he has logged in: he would be sent out of his own meeting.
        if self.is_in_main_room(cx, &asker) && !asker.wish.requested {
            return self.invite_in(cx, asker);
        }
        let question = self.question(cx, &asker.wish);
        let rule = decide(&question);
        // Where nobody is ever sent elsewhere there is nothing to tell.
        if rule != Rule::Unusable && rule != Rule::Unsupported {
            self.story.decided(cx.now, rule.words());
            self.tell_where(cx, &asker, rule.words());
        }
        match rule.outcome() {
            Outcome::Main if rule == Rule::RoomForAll && self.visitors.will_open_main_room() => {
                self.story.decided(cx.now, "Prosody has yet to open the main room again: to be asked again");
                self.answer(cx, asker, Place::NotReady);
            }
            Outcome::Main => self.invite_in(cx, asker),
            Outcome::Wait => self.answer(cx, asker, Place::NotLive),
            Outcome::Visitor => {
                let by_wish = rule == Rule::Requested;
                self.send_to_node(cx, Redirected { asker, by_wish, tried: BTreeSet::new() });
            }
        }
    }

    /// The line of the log about where somebody is sent, beside that about whether he is let in.
    fn tell_where(&self, cx: &Context, asker: &Requester, words: &str) {
        let places = request::sender(cx, &asker.asked).and_then(|sender| cx.addresses.get(&sender));
        let place = places.and_then(|places| places.iter().find(|(id, _)| *id == self.id));
        let nick = place.and_then(|(_, member)| self.members.get(*member)).map(|member| member.nick.to_string());
        say!(
            self, info, participant = nick.unwrap_or_default();
            "Conference request from {}: {words}", request::name(cx, &asker.asked)
        );
    }

    fn question(&self, cx: &Context, wish: &Wish) -> Question {
        let config = &cx.config.visitors;
        let (user, group) = (wish.user.as_deref(), wish.group.as_deref());
        let metadata = &self.metadata;
        let limit = metadata.participants_soft_limit.filter(|limit| *limit > 0);
        let limit = limit.unwrap_or(i64::from(config.max_participants));
        Question {
            supported: wish.supported,
            requested: wish.requested,
            preferred: metadata.prefers(user, group),
            allowed: metadata.allows(user, group),
            // Where a node is in use the main room is closed, be the component announced just now or not.
            usable: cx.nodes.usable() || self.visitors.are_in_use(),
            live_rooms: config.enable_live_room,
            live: metadata.visitors_live,
            flag_required: config.require_muc_config_flag,
            enabled_in_room: metadata.visitors_enabled,
            lobby: metadata.lobby_enabled,
            breakout: self.form.main_room.is_some(),
            in_use: self.visitors.are_in_use(),
            // Whoever was there when we came is not a member yet where those are answered who waited for us.
            participants: self.members.of_main_room_for_limit() + self.held.len(),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        }
    }

    /// Whether the room is live: visitors are let in.
    pub fn is_live(&self) -> bool {
        self.metadata.visitors_live
    }

    /// Sends somebody to the main room. Whoever is there already, and asks once more, is not waited for.
    fn invite_in(&mut self, cx: &mut Context, asker: Requester) {
        let sender = request::sender(cx, &asker.asked);
        let is_here = self.is_in_main_room(cx, &asker);
        let is_occupant = sender.as_ref().is_some_and(|sender| self.room.as_jid().is_bare_of(sender));
        // Who has to wait in a lobby waits for those who are there, not for us.
        if !is_here && !is_occupant && !self.metadata.lobby_enabled {
            self.promised.add(cx.now, cx.config.conference.initial_timeout, sender);
        }
        self.answer(cx, asker, Place::Main);
    }

    /// Whether somebody asks who is in the main room, as far as is known of his address.
    fn is_in_main_room(&self, cx: &Context, asker: &Requester) -> bool {
        let sender = request::sender(cx, &asker.asked);
        let places = sender.and_then(|sender| cx.addresses.get(&sender));
        let is_it = |member: &Member| member.on == self.seat.on;
        let mut here = places.into_iter().flatten().filter(|(id, _)| *id == self.id);
        here.any(|(_, member)| self.members.get(*member).is_some_and(is_it))
    }

    pub(in crate::focus::conference) fn answer(&self, cx: &mut Context, asker: Requester, place: Place) {
        let supported = request::supports_visitors(cx, self.metadata.visitors_enabled) || self.visitors.are_in_use();
        request::answer(cx, &self.room, asker, place, Some(supported));
    }

    /// Sends somebody to a node, when we are in the room there.
    pub(super) fn send_to_node(&mut self, cx: &mut Context, mut redirected: Redirected) {
        while let Some((node, why)) = self.choose_node(cx, &redirected.tried) {
            self.story.decided(cx.now, why);
            cx.problems.solve(Kind::VisitorsOff, ALL_NODES);
            let id = &cx.nodes.get(node).id;
            let mirror = self.visitors.mirrors.get(&node);
            let too_many = mirror.is_some_and(|it| !it.is_open() && it.askers.len() >= MAX_ASKERS);
            let words = match too_many {
                true => format!(
                    "told to wait by rule {} (too many wait for the focus to be in the room on node {id})",
                    GeneralRule::TooManyWait
                ),
                false => format!("node {id}, {why}"),
            };
            self.tell_where(cx, &redirected.asker, &words);
            let lasts = cx.config.visitors.vnode_join_latency_interval;
            let sender = request::sender(cx, &redirected.asker.asked);
            if let Some(mirror) = self.visitors.mirrors.get_mut(&node) {
                mirror.overflows |= !redirected.by_wish;
            }
            match self.visitors.mirrors.get_mut(&node) {
                Some(mirror) if mirror.is_open() => {
                    mirror.redirects.add(cx.now, lasts, sender.as_ref());
                    return self.answer(cx, redirected.asker, Place::Node(node));
                }
                Some(_) if too_many => return self.answer(cx, redirected.asker, Place::NotReady),
                Some(mirror) => return mirror.askers.push_back(redirected),
                None => {}
            }
            if self.enter_mirror(cx, node, &redirected) {
                return;
            }
            redirected.tried.insert(node);
        }
        // Whoever was to be sent to nodes that failed asks again, and then others may do (spec/60 §6.7). While a node is
        // connected, be it cut off for a moment, the main room would refuse him for good.
        let (place, words) = if self.visitors.close_main_room() {
            (Place::NotReady, "no visitor node is there just now, and the main room is closed: to be asked again")
        } else if redirected.tried.is_empty() && !self.gives_up_a_node(cx) {
            (Place::Main, "no visitor node is there for this one: main room")
        } else {
            (Place::NotReady, "no visitor node let us in: to be asked again")
        };
        self.story.decided(cx.now, words);
        self.tell_where(cx, &redirected.asker, words);
        if !self.gives_up_a_node(cx) {
            self.tell_no_node(cx);
        }
        match place {
            Place::Main => self.invite_in(cx, redirected.asker),
            _ => self.answer(cx, redirected.asker, place),
        }
    }

    /// visitors-off: one who was to look on could not. What the configuration decides of that is told elsewhere.
    fn tell_no_node(&self, cx: &mut Context) {
        if cx.nodes.mirrors(&self.room) && cx.nodes.ids().any(|node| cx.nodes.is_named(node)) {
            cx.problems.raise(cx.now, Kind::VisitorsOff, ALL_NODES, || {
                "none of the visitor nodes can be used; whoever was to look on comes to the main room, or has to ask again; see \
                 the lines about the connections below jicofo.xmpp.visitors"
                    .to_owned()
            });
        }
    }

    fn choose_node(&mut self, cx: &mut Context, tried: &BTreeSet<NodeId>) -> Option<(NodeId, &'static str)> {
        if !cx.nodes.mirrors(&self.room) {
            return None;
        }
        let (now, lasts) = (cx.now, cx.config.visitors.vnode_join_latency_interval);
        let mut candidates = Vec::new();
        let usable = |node: &NodeId| cx.nodes.is_named(*node) && !tried.contains(node) && !self.gives_up(cx, *node);
        let usable: Vec<NodeId> = cx.nodes.ids().filter(usable).collect();
        for node in usable {
            let mirror = self.visitors.mirrors.get_mut(&node);
            let load = mirror.map(|it| it.visitors + it.redirects.count(now, lasts) + it.askers.len());
            candidates.push(Candidate { node, up: cx.is_connected(node.connection()), load });
        }
        let max = cx.config.visitors.max_visitors_per_node as usize;
        let chosen = select(&candidates, max, |below| (cx.ids.next() % below.max(1) as u64) as usize);
        chosen.map(|(node, why)| (node, why.words()))
    }

    /// We are in a room of visitors: whoever waited for that is sent there.
    pub(super) fn answer_redirected(&mut self, cx: &mut Context, node: NodeId) {
        // Each leaves the list once he has his answer.
        while let Some(mirror) = self.visitors.mirrors.get_mut(&node)
            && let Some(Redirected { asker, .. }) = mirror.askers.front().cloned()
        {
            let sender = request::sender(cx, &asker.asked);
            mirror.redirects.add(cx.now, cx.config.visitors.vnode_join_latency_interval, sender.as_ref());
            self.answer(cx, asker, Place::Node(node));
            if let Some(mirror) = self.visitors.mirrors.get_mut(&node) {
                mirror.askers.pop_front();
            }
        }
    }

    /// Whoever was to go to a node that failed, and is displaced, goes to another.
    pub(super) fn send_elsewhere(&mut self, cx: &mut Context, failed: NodeId) {
        while let Some(mut redirected) = self.visitors.displaced.front().cloned() {
            redirected.tried.insert(failed);
            self.send_to_node(cx, redirected);
            self.visitors.displaced.pop_front();
        }
    }

    /// Whoever waits for a room of visitors waits for the conference alone, as one of those who do.
    pub(in crate::focus::conference) fn recall_redirected(&mut self) {
        let of_mirrors = self.visitors.mirrors.values_mut().flat_map(|mirror| std::mem::take(&mut mirror.askers));
        let mut recalled: Vec<Redirected> = of_mirrors.collect();
        recalled.extend(std::mem::take(&mut self.visitors.displaced));
        for Redirected { asker, .. } in recalled {
            // Where something failed half way he may be here and there.
            if !self.askers.iter().any(|known| known.asked == asker.asked) {
                self.askers.push_back(asker);
            }
        }
    }

    /// A moderator lets visitors in (spec/60 §6.13).
    pub(in crate::focus) fn broadcast(
        &mut self,
        cx: &mut Context,
        asked: Asked,
        id: MemberId,
        wish: &visitors::Visitors,
    ) {
        let Some(sender) = self.members.get(id) else {
            return cx.answer_error(asked, Condition::ItemNotFound, "");
        };
        let refused = if !(sender.on == self.seat.on && sender.leads()) {
            Some((RoomRule::NotModerator, Condition::Forbidden, "only moderators may let visitors in"))
        } else if wish.room.as_deref() != Some(self.room.as_jid().as_str()) {
            Some((RoomRule::BadWish, Condition::BadRequest, "this is another room"))
        } else if !wish.broadcast.as_ref().is_some_and(|broadcast| broadcast.enabled) {
            Some((RoomRule::BadWish, Condition::BadRequest, "visitors who are in stay in"))
        } else {
            None
        };
        let level = cx.floods.level(cx.now, &cx.payer_of(sender));
        let outcome = match refused {
            Some((rule, _, text)) => format!("refused by rule {rule} ({text})"),
            None => format!("done by rule {}", RoomRule::Leads),
        };
        say_at!(self, level, participant = sender.nick; "Wish of {} to let visitors in: {outcome}", sender.nick);
        if let Some((_, condition, text)) = refused {
            return cx.answer_error(asked, condition, text);
        }
        cx.answer(asked, IqBody::Result(None));
        if std::mem::replace(&mut self.visitors.broadcast, true) {
            return;
        }
        self.story.decided(cx.now, "a moderator lets visitors in");
        for node in self.visitors.nodes() {
            self.connect_node(cx, node);
        }
    }
}

/// For a line of the log.
pub(super) fn words_of(failure: &EntryFailure) -> String {
    match failure {
        EntryFailure::NoAnswer(what) => (*what).to_owned(),
        EntryFailure::Refused { condition, text } => format!("{condition} {text}"),
    }
}
