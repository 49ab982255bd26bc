//! The names of what decides beside authentication: who is answered at all, what is a room, who begins one, who leads.

use std::fmt;

pub use crate::focus::conference::mute::RoomRule;

/// As logs and `docs/SECURE-DOMAIN.md` call it; the rules of authentication are `auth::Rule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeneralRule {
    /// One asks for more than anybody needs, whatever it is.
    TooManyRequests,
    /// What is asked for is no room.
    BadRoom,
    /// What is asked for is where bridges, recorders or gateways meet.
    Brewery,
    /// More ask from outside than ever come.
    Door,
    /// A visitor asks for a room that is not live yet.
    NotLive,
    /// More wait for the focus to be in the room than are kept.
    TooManyWait,
    /// The focus stops.
    Stopping,
    /// The focus has lost its connection, or has none yet.
    NotConnected,
    /// The focus has yet to leave the room, of a conference that is over.
    Leaving,
    /// One begins more conferences than anybody needs.
    TooManyRooms,
    /// All together begin more than a focus can bear.
    TooManyRoomsOfAll,
    /// Whoever has to log in is told where.
    LoginUrl,
    /// A session ends by its bearer's wish.
    Logout,
    /// Who has logged in leads.
    AuthenticatedOwner,
    /// Where nobody has to log in, whoever has been there longest leads.
    AutoOwner,
}

impl GeneralRule {
    pub const ALL: [GeneralRule; 15] = [
        GeneralRule::TooManyRequests,
        GeneralRule::BadRoom,
        GeneralRule::Brewery,
        GeneralRule::Door,
        GeneralRule::NotLive,
        GeneralRule::TooManyWait,
        GeneralRule::Stopping,
        GeneralRule::NotConnected,
        GeneralRule::Leaving,
        GeneralRule::TooManyRooms,
        GeneralRule::TooManyRoomsOfAll,
        GeneralRule::LoginUrl,
        GeneralRule::Logout,
        GeneralRule::AuthenticatedOwner,
        GeneralRule::AutoOwner,
    ];

    /// Those that stop whom the rules of authentication let in, in the order in which they are asked.
    pub const AFTER_AUTHENTICATION: [GeneralRule; 7] = [
        GeneralRule::NotLive,
        GeneralRule::TooManyWait,
        GeneralRule::Stopping,
        GeneralRule::NotConnected,
        GeneralRule::Leaving,
        GeneralRule::TooManyRooms,
        GeneralRule::TooManyRoomsOfAll,
    ];

    /// Of one that stops a request: whether the client is told to ask again, and not refused.
    pub fn waits(self) -> bool {
        self == GeneralRule::Door || (Self::AFTER_AUTHENTICATION.contains(&self) && self != GeneralRule::TooManyRooms)
    }

    pub fn name(self) -> &'static str {
        match self {
            GeneralRule::TooManyRequests => "too-many-requests",
            GeneralRule::BadRoom => "bad-room",
            GeneralRule::Brewery => "brewery",
            GeneralRule::Door => "door",
            GeneralRule::NotLive => "not-live",
            GeneralRule::TooManyWait => "too-many-wait",
            GeneralRule::Stopping => "stopping",
            GeneralRule::NotConnected => "not-connected",
            GeneralRule::Leaving => "leaving",
            GeneralRule::TooManyRooms => "too-many-rooms",
            GeneralRule::TooManyRoomsOfAll => "too-many-rooms-of-all",
            GeneralRule::LoginUrl => "login-url",
            GeneralRule::Logout => "logout",
            GeneralRule::AuthenticatedOwner => "authenticated-owner",
            GeneralRule::AutoOwner => "auto-owner",
        }
    }
}

impl fmt::Display for GeneralRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
