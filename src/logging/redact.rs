//! IP addresses without what tells one host from another: people may be found by them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `203.0.113.7` becomes `203.0.113.x`, `2001:db8:1::7` becomes `2001:db8:1::x`. Loopback and unspecified addresses stay, as
/// they are nobody's.
pub(super) fn addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit() || c == ':') {
        let end = rest[start..].find(|c: char| !is_part(c)).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        out.push_str(&word(&rest[start..end]));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Letters beyond the digits too, so that a part of a name is never an address.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_')
}

/// An address with what follows it: a port, the stop of a sentence.
fn word(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ':', '-']);
    let tail = &word[bare.len()..];
    if let Ok(address) = bare.parse::<IpAddr>() {
        return redacted(address).unwrap_or_else(|| bare.to_owned()) + tail;
    }
    if let Some((host, port)) = bare.rsplit_once(':')
        && let Ok(address) = host.parse::<Ipv4Addr>()
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return format!("{}:{port}{tail}", redacted(IpAddr::V4(address)).unwrap_or_else(|| host.to_owned()));
    }
    word.to_owned()
}

fn redacted(address: IpAddr) -> Option<String> {
    if address.is_loopback() || address.is_unspecified() {
        return None;
    }
    Some(match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.x")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            let net = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string();
            format!("{}::x", net.trim_end_matches(':'))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn addresses_lose_the_host() {
        for (text, redacted) in [
            ("connected to 203.0.113.7:5222.", "connected to 203.0.113.x:5222."),
            ("at [2001:db8:1:2::7]:443", "at [2001:db8:1::x]:443"),
            ("10.8.0.4, 10.8.0.5", "10.8.0.x, 10.8.0.x"),
        ] {
            assert_eq!(addresses(text), redacted);
        }
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "127.0.0.1:8888 and ::1",
            "version 2.1-570-g1234567",
            "jicofo::focus",
            "12:30:01",
            "room 1.2.3.4.example.net",
            "é 0",
        ] {
            assert_eq!(addresses(text), text);
        }
    }
}
