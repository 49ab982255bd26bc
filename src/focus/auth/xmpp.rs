//! Type XMPP, the "secure domain": hosts have accounts on the login domain, guests come in on another (spec/10 §6.1).

use std::time::Duration;

use crate::wire::BareJid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Xmpp {
    /// Where hosts have their accounts.
    pub domain: String,
    /// How long a session lives after its last use.
    pub lifetime: Duration,
    /// Sessions outlive their conference.
    pub auto_login: bool,
}

/// The page of the room itself, asked to log in, as a component of a URL: `./room?login=true`, encoded.
pub(super) fn login_url(room: &BareJid) -> String {
    encoded(&format!("./{}?login=true", room.node()))
}

/// As HTML forms encode, but a blank is `%20`: that is right in every part of a URL.
fn encoded(text: &str) -> String {
    let mut url = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_room_is_called_its_url_says_it() {
        let url = |room: &str| login_url(&BareJid::new(room).expect("a room"));
        assert_eq!(url("daily@conference.meet.test"), ".%2Fdaily%3Flogin%3Dtrue");
        assert_eq!(url("a+b%c3@conference.meet.test"), ".%2Fa%2Bb%25c3%3Flogin%3Dtrue");
        assert_eq!(url("süß@conference.meet.test"), ".%2Fs%C3%BCss%3Flogin%3Dtrue");
    }
}
