//! How many are answered who ask from outside: for a conference, or for anything else, without being in a room of ours (spec/30
//! §12.4).
//!
//! To answer one costs next to nothing, so these limits are far above the largest audience; they are for those who make up
//! addresses, each of which has its own purse (`floods.rs`). What is dear has its own limits: rooms that are begun, and
//! sessions, of which an account has but so many. Whoever is in that room, or has logged in, is let through all the same.

use super::conference::member::Member;
use super::context::{Asked, Context};
use super::floods::{Bucket, Kind, Rate, TOLD_AGAIN};
use super::request;
use super::request::rules::GeneralRule;
use super::time::Timestamp;
use super::{Connection, Focus};
use crate::wire::{BareJid, Jid};

/// Who asks from outside: one of our own users, one of those of all foreign servers, or anybody over HTTP. A foreign server can make
/// up as many users as it likes, and whoever speaks HTTP shows no address: neither takes anything from our own users, be it of all
/// rooms or of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Own,
    Foreign,
    Http,
}

impl Origin {
    const COUNT: usize = 3;

    /// For all rooms, and for anything else that is asked. Ours have to be able to wait: ten thousand guests without a host ask two
    /// thousand times a second, for as long as it takes.
    fn of_all(self) -> Rate {
        match self {
            Origin::Own => Rate::new(50_000, 250),
            Origin::Foreign => Rate::new(5_000, 5_000),
            Origin::Http => Rate::new(50_000, 1_000),
        }
    }

    /// For one room that is there. Of ours ten thousand at once, and thirty thousand a minute. Of the others far less, and still an
    /// audience of ten thousand that comes over HTTP within a minute.
    fn of_one(self) -> Rate {
        match self {
            Origin::Own => Rate::new(10_000, 2_000),
            Origin::Foreign => Rate::new(2_500, 10_000),
            Origin::Http => Rate::new(5_000, 5_000),
        }
    }
}

/// What is left to all who ask from outside for one room.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Door([Bucket; Origin::COUNT]);

/// What is left to all who ask from outside.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    common: Door,
    /// When it was last said in the log that too many ask.
    told: Timestamp,
}

impl Context {
    /// Whether rooms and users there are of the server that we serve: what it says of them is so. Where nobody has said which
    /// domain that is, none is foreign.
    pub fn is_ours(&self, domain: &str) -> bool {
        let client = &self.config.xmpp.client;
        let Some(main) = client.xmpp_domain.as_deref() else { return true };
        let below = domain.strip_suffix(main).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        below
            || client.conference_muc_jid.as_deref() == Some(domain)
            || self.breakout_domain.as_deref() == Some(domain)
            || self.config.authentication.login_url.as_deref() == Some(domain)
            || client.account.domain == domain
    }

    /// Who has to pay for what a member asks for: a new nick gives nobody a new purse. A room of a foreign server may show
    /// anybody's address: what is done there under one is paid from a purse of that server's.
    pub fn payer_of(&self, member: &Member) -> Jid {
        let domain = member.occupant.domain();
        let foreign = member.on == Connection::Client && !self.is_ours(domain);
        let of_server = foreign.then(|| Jid::new(&format!("{domain}/{}", member.payer())).ok()).flatten();
        of_server.unwrap_or_else(|| member.payer().clone())
    }
}

impl Focus {
    /// Whether somebody outside is answered now. `room`: the one that he asks for, if that is there.
    pub(super) fn admits_outsider(&mut self, asked: &Asked, room: Option<&BareJid>) -> bool {
        let sender = request::sender(&self.cx, asked);
        let payer = self.outsider(asked);
        if asked.command.is_none() && payer.is_none() {
            return true;
        }
        let known = sender.as_ref().is_some_and(|sender| self.is_known(sender, room));
        let origin = match payer {
            Some(payer) if self.is_of_ours(&payer) => Origin::Own,
            Some(_) => Origin::Foreign,
            None => Origin::Http,
        };
        let now = self.cx.now;
        let common = &mut self.doors.common.0[origin as usize];
        let mut door = room.and_then(|room| self.conferences.by_room_mut(room)).map(|it| &mut it.purse.door);
        let of_room = door.as_deref().map(|door| door.0[origin as usize]);
        let is_open = of_room.is_none_or(|of_room| of_room.has_room(now, origin.of_one(), 0));
        if is_open && common.has_room(now, origin.of_all(), 0) {
            common.take(now, origin.of_all());
            if let Some(door) = &mut door {
                door.0[origin as usize].take(now, origin.of_one());
            }
            return true;
        }
        if now.since(self.doors.told) >= TOLD_AGAIN {
            self.doors.told = now;
            let what = room.map_or_else(String::new, |room| format!(" for {room}"));
            let meeting = room.map(|room| self.conferences.meeting_in(room)).unwrap_or_default();
            log::warn!(
                room:% = room.map_or("", |room| room.as_jid().as_str()), meeting_id:% = meeting;
                "more ask from outside{what} than ever come: by rule {} whoever is not known is told to wait",
                GeneralRule::Door
            );
        }
        known && sender.is_some_and(|sender| self.cx.floods.takes_reserve(now, &sender.to_bare(), Kind::Request))
    }

    /// Who asks from outside, as he has to pay for it. A server stamps the addresses of what it sends on: behind a proxy that
    /// nobody has named (`client-proxy`) its clients differ in the resource, which none of them can choose. None: our own server or
    /// a component of it, or nobody who has an address.
    pub(super) fn outsider(&self, asked: &Asked) -> Option<Jid> {
        let from = asked.from.as_ref()?;
        let sender = request::sender_behind(&self.cx.config, from);
        if is_somebody(&sender) || !self.cx.is_ours(sender.domain()) {
            return Some(sender);
        }
        is_somebody(from).then(|| from.clone())
    }

    /// Whether an outsider is from our own server. Behind a proxy of ours there may be users of other servers.
    fn is_of_ours(&self, outsider: &Jid) -> bool {
        let behind =
            outsider.resource().filter(|_| outsider.local().is_none()).and_then(|behind| Jid::new(behind).ok());
        let behind = behind.filter(|behind| behind.local().is_some());
        self.cx.is_ours(outsider.domain()) && behind.is_none_or(|behind| self.cx.is_ours(behind.domain()))
    }

    /// Who has to pay for a conference that is begun. A foreign room has as many occupants as it likes, and a foreign component
    /// as many resources.
    pub(super) fn starter(&self, asked: &Asked) -> Option<Jid> {
        let payer = self.payer(asked)?;
        let of_server = payer.local().is_none() && !self.cx.is_ours(payer.domain());
        // Invariant: the domain of a valid JID is a valid JID.
        if of_server { Jid::new(payer.domain()).ok() } else { Some(payer) }
    }

    /// Whether nobody can have made him up: he is in that room, or has logged in.
    fn is_known(&self, sender: &Jid, room: Option<&BareJid>) -> bool {
        let room = room.filter(|room| self.cx.is_ours(room.domain()));
        let conference = room.and_then(|room| self.conferences.id_of(room));
        let places = self.cx.addresses.get(sender);
        let is_inside = places.is_some_and(|places| places.iter().any(|(id, _)| Some(*id) == conference));
        is_inside || self.cx.authentication.is_user(self.cx.now, sender)
    }
}

/// Whether an address is more than that of a server or a component.
fn is_somebody(address: &Jid) -> bool {
    address.local().is_some() || address.resource().is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::Config;
    use crate::wire::values::StanzaId;

    /// Ten thousand guests who ask every five seconds whether the host is there, for three minutes, each to his own second.
    #[test]
    fn ten_thousand_may_wait_for_as_long_as_it_takes() {
        let mut config = Config::default();
        config.xmpp.client.xmpp_domain = Some("meet.test".into());
        let mut focus = Focus::new(Arc::new(config), 1);
        let room = BareJid::new("daily@conference.meet.test").unwrap();
        let guest = |number: u64| Asked {
            on: Connection::Client,
            from: Jid::new(&format!("g{number}@guest.meet.test/r")).ok(),
            to: None,
            id: StanzaId::from("x"),
            command: None,
        };
        let guests: Vec<Asked> = (0..10_000).map(guest).collect();
        for round in 0..36 {
            for (asked, number) in guests.iter().zip(0..) {
                focus.cx.now = Timestamp(1_000_000_000_000 + round * 5_000_000 + number * 500);
                assert!(focus.admits_outsider(asked, Some(&room)), "{number} for the {round}th time");
            }
        }
    }
}
