//! The names of what decides beside authentication: who is answered at all, what is a room, who begins one, who leads.

use std::fmt;

pub use crate::focus::conference::mute::RoomRule;

/// As logs and `docs/SECURE-DOMAIN.md` call it; the rules of authentication are `auth::Rule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeneralRule {
    /// What is asked for is no room.
    BadRoom,
    /// What is asked for is where bridges, recorders or gateways meet.
    Brewery,
    /// More ask from outside than ever come.
    Door,
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
    pub const ALL: [GeneralRule; 9] = [
        GeneralRule::BadRoom,
        GeneralRule::Brewery,
        GeneralRule::Door,
        GeneralRule::TooManyRooms,
        GeneralRule::TooManyRoomsOfAll,
        GeneralRule::LoginUrl,
        GeneralRule::Logout,
        GeneralRule::AuthenticatedOwner,
        GeneralRule::AutoOwner,
    ];

    pub fn name(self) -> &'static str {
        match self {
            GeneralRule::BadRoom => "bad-room",
            GeneralRule::Brewery => "brewery",
            GeneralRule::Door => "door",
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
