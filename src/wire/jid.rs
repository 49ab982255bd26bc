//! Addresses (RFC 7622), with the liberties that tenants need (spec/10 §3.3).
//!
//! ASCII goes a fast path of our own; anything else through the `jid` crate's parts (nodeprep, nameprep with IDNA,
//! resourceprep). Domains may contain `_` and `%`: a tenant such as `my_team` becomes a label of the room's domain.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::xml::{Escaped, Expected, Text};

/// RFC 7622 §3: no part is longer, in bytes.
const MAX_PART: usize = 1023;

/// RFC 1035 §2.3.4: no label is longer, in bytes.
const MAX_LABEL: usize = 63;

/// An address, normalised: equal addresses are equal text. Cheap to clone.
///
/// Of `a@b/c`, the first `/` begins the resource, in which anything may stand: `focus.example/3f9c@guest.example/Zq8` is
/// the client `3f9c@guest.example/Zq8` behind a proxy.
#[derive(Clone)]
pub struct Jid {
    text: Arc<str>,
    /// Where the `@` stands; 0 if there is none, as a local part is never empty.
    at: u16,
    /// Where the `/` stands; 0 if there is none, as a domain is never empty.
    slash: u16,
}

/// A [`Jid`] that has a local part and no resource: a room, an account.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BareJid(Jid);

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JidError {
    #[error("the local part (before the @) is empty")]
    LocalEmpty,
    #[error("the local part (before the @) is longer than 1023 bytes")]
    LocalTooLong,
    #[error("the local part (before the @) contains a character that is not allowed there")]
    LocalForbidden,
    #[error("the domain is empty, or has an empty label")]
    DomainEmpty,
    #[error("the domain is longer than 1023 bytes, or has a label longer than 63")]
    DomainTooLong,
    #[error("the domain contains a character that is not allowed there, or a label starts or ends with '-'")]
    DomainForbidden,
    #[error("the resource (after the /) is empty")]
    ResourceEmpty,
    #[error("the resource (after the /) is longer than 1023 bytes")]
    ResourceTooLong,
    #[error("the resource (after the /) contains a character that is not allowed there")]
    ResourceForbidden,
    #[error("a room or an account has a local part (something@domain)")]
    LocalMissing,
    #[error("a room or an account has no resource (no /something)")]
    ResourceUnexpected,
}

/// What domains may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Domains {
    /// `_` and `%` beside letters, digits and `-`.
    Tenants,
    /// STD3: letters, digits and `-`.
    Strict,
}

impl Jid {
    pub fn new(text: &str) -> Result<Jid, JidError> {
        Self::parse(text, Domains::Tenants)
    }

    /// As [`Jid::new`], but refuses `_` and `%` in domains: `jicofo.xmpp.use-jitsi-jid-validation = false`.
    pub fn new_strict(text: &str) -> Result<Jid, JidError> {
        Self::parse(text, Domains::Strict)
    }

    fn parse(text: &str, domains: Domains) -> Result<Jid, JidError> {
        let (bare, resource) = match text.split_once('/') {
            Some((bare, resource)) => (bare, Some(resource)),
            None => (text, None),
        };
        let (local, domain) = match bare.split_once('@') {
            Some((local, domain)) => (Some(local), domain),
            None => (None, bare),
        };
        let local = local.map(normal_local).transpose()?;
        let domain = normal_domain(domain, domains)?;
        let resource = resource.map(normal_resource).transpose()?;
        Ok(Self::assemble(local.as_deref(), &domain, resource.as_deref(), text))
    }

    /// Joins parts that are normal. `given` saves the copy when it is what they make.
    fn assemble(local: Option<&str>, domain: &str, resource: Option<&str>, given: &str) -> Jid {
        let at = local.map_or(0, str::len);
        let end = if at == 0 { domain.len() } else { at + 1 + domain.len() };
        let parts = [
            local.unwrap_or(""),
            if local.is_some() { "@" } else { "" },
            domain,
            if resource.is_some() { "/" } else { "" },
            resource.unwrap_or(""),
        ];
        let same = parts.iter().try_fold(given, |rest, part| rest.strip_prefix(part)) == Some("");
        let text: Arc<str> = if same { given.into() } else { parts.concat().into() };
        // Three parts of at most 1,023 bytes fit 16 bits.
        Jid { text, at: at as u16, slash: if resource.is_some() { end as u16 } else { 0 } }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn local(&self) -> Option<&str> {
        (self.at > 0).then(|| &self.text[..self.at as usize])
    }

    pub fn domain(&self) -> &str {
        let bare = self.bare_str();
        if self.at > 0 { &bare[self.at as usize + 1..] } else { bare }
    }

    pub fn resource(&self) -> Option<&str> {
        (self.slash > 0).then(|| &self.text[self.slash as usize + 1..])
    }

    pub fn is_bare(&self) -> bool {
        self.slash == 0
    }

    /// Without the resource, as text.
    pub fn bare_str(&self) -> &str {
        if self.slash > 0 { &self.text[..self.slash as usize] } else { &self.text }
    }

    /// Without the resource.
    pub fn to_bare(&self) -> Jid {
        if self.is_bare() { self.clone() } else { Jid { text: self.bare_str().into(), at: self.at, slash: 0 } }
    }

    /// Whether this is `other` without its resource: the room of an occupant.
    pub fn is_bare_of(&self, other: &Jid) -> bool {
        self.is_bare() && *self.text == *other.bare_str()
    }

    /// The same with this resource instead of its own.
    pub fn with_resource(&self, resource: &str) -> Result<Jid, JidError> {
        let resource = normal_resource(resource)?;
        Ok(Self::assemble(self.local(), self.domain(), Some(&resource), ""))
    }
}

impl BareJid {
    pub fn new(text: &str) -> Result<BareJid, JidError> {
        Self::checked(Jid::new(text)?)
    }

    /// As [`Jid::new_strict`].
    pub fn new_strict(text: &str) -> Result<BareJid, JidError> {
        Self::checked(Jid::new_strict(text)?)
    }

    fn checked(jid: Jid) -> Result<BareJid, JidError> {
        if jid.slash > 0 {
            return Err(JidError::ResourceUnexpected);
        }
        Self::from_jid(&jid)
    }

    /// The address without its resource; an error if it is a domain.
    pub fn from_jid(jid: &Jid) -> Result<BareJid, JidError> {
        if jid.at == 0 { Err(JidError::LocalMissing) } else { Ok(BareJid(jid.to_bare())) }
    }

    pub fn as_jid(&self) -> &Jid {
        &self.0
    }

    pub fn into_jid(self) -> Jid {
        self.0
    }

    /// The local part, which a bare address always has.
    pub fn node(&self) -> &str {
        &self.0.text[..self.0.at as usize]
    }

    pub fn with_resource(&self, resource: &str) -> Result<Jid, JidError> {
        self.0.with_resource(resource)
    }
}

/// Lower case; `"` `&` `'` `/` `:` `<` `>` `@`, spaces and controls are refused.
fn normal_local(local: &str) -> Result<Cow<'_, str>, JidError> {
    let normal = if local.is_ascii() {
        lower(local)
    } else {
        let prepared = settled(local, |text| jid::NodePart::new(text).map(|part| part.as_str().to_owned()));
        match prepared {
            Ok(part) => Cow::Owned(part.ok_or(JidError::LocalForbidden)?),
            Err(jid::Error::NodeTooLong) => return Err(JidError::LocalTooLong),
            Err(_) => return Err(JidError::LocalForbidden),
        }
    };
    // Also what nodeprep made: full-width forms may have become one of these.
    let forbidden =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '&' | '\'' | '/' | ':' | '<' | '>' | '@');
    match normal.len() {
        0 => Err(JidError::LocalEmpty),
        length if length > MAX_PART => Err(JidError::LocalTooLong),
        _ if normal.chars().any(forbidden) => Err(JidError::LocalForbidden),
        _ => Ok(normal),
    }
}

fn normal_domain(domain: &str, rule: Domains) -> Result<Cow<'_, str>, JidError> {
    if domain.len() > MAX_PART {
        return Err(JidError::DomainTooLong);
    }
    if let Some(address) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| JidError::DomainForbidden)?;
        return Ok(format!("[{address}]").into());
    }
    if domain.parse::<Ipv4Addr>().is_ok() {
        return Ok(domain.into());
    }
    if domain.is_ascii() {
        // The root's dot at the end is no part of the name (RFC 7622 §3.2).
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        domain.split('.').try_for_each(|label| check_label(label, rule))?;
        return Ok(lower(domain));
    }
    // The dots that IDNA takes for one: ideographic, full-width, half-width.
    let dotted = domain.replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".");
    let mut normal = String::with_capacity(dotted.len());
    for label in dotted.strip_suffix('.').unwrap_or(&dotted).split('.') {
        if !normal.is_empty() {
            normal.push('.');
        }
        if label.is_ascii() {
            check_label(label, rule)?;
            normal.push_str(&lower(label));
            continue;
        }
        let part = settled(label, |text| jid::DomainPart::new(text).map(|part| part.as_str().to_owned()));
        let part = part.ok().flatten().ok_or(JidError::DomainForbidden)?;
        let part = part.as_str();
        if part.is_ascii() {
            check_label(part, rule)?;
        } else if part.chars().any(|c| c.is_whitespace() || c.is_control() || (c.is_ascii() && !allowed(c as u8, rule)))
        {
            return Err(JidError::DomainForbidden);
        }
        normal.push_str(part);
    }
    if normal.len() > MAX_PART { Err(JidError::DomainTooLong) } else { Ok(normal.into()) }
}

fn allowed(byte: u8, rule: Domains) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || (rule == Domains::Tenants && (byte == b'_' || byte == b'%'))
}

fn check_label(label: &str, rule: Domains) -> Result<(), JidError> {
    let bytes = label.as_bytes();
    match bytes {
        [] => Err(JidError::DomainEmpty),
        // A tenant is percent-encoded, which triples its letters: no name server ever sees it.
        _ if bytes.len() > MAX_LABEL && rule == Domains::Strict => Err(JidError::DomainTooLong),
        [b'-', ..] | [.., b'-'] => Err(JidError::DomainForbidden),
        _ if bytes.iter().all(|&byte| allowed(byte, rule)) => Ok(()),
        _ => Err(JidError::DomainForbidden),
    }
}

/// Anything but controls; case and spaces are kept, since occupants choose their nicknames.
fn normal_resource(resource: &str) -> Result<Cow<'_, str>, JidError> {
    let normal = if resource.is_ascii() {
        Cow::Borrowed(resource)
    } else {
        match settled(resource, |text| jid::ResourcePart::new(text).map(|part| part.as_str().to_owned())) {
            Ok(part) => Cow::Owned(part.ok_or(JidError::ResourceForbidden)?),
            Err(jid::Error::ResourceTooLong) => return Err(JidError::ResourceTooLong),
            Err(_) => return Err(JidError::ResourceForbidden),
        }
    };
    match normal.len() {
        0 => Err(JidError::ResourceEmpty),
        length if length > MAX_PART => Err(JidError::ResourceTooLong),
        _ if normal.chars().any(char::is_control) => Err(JidError::ResourceForbidden),
        _ => Ok(normal),
    }
}

/// What is prepared may not be what its preparation makes of it: `Ϲ` becomes `Σ`, and that `σ`. Equal addresses are to be equal
/// text, so it is prepared until nothing changes; None: that has no end.
fn settled<E>(text: &str, prepare: impl Fn(&str) -> Result<String, E>) -> Result<Option<String>, E> {
    let mut last = prepare(text)?;
    for _ in 0..4 {
        let next = prepare(&last)?;
        if next == last {
            return Ok(Some(last));
        }
        last = next;
    }
    Ok(None)
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

impl PartialEq for Jid {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Jid {}

impl std::hash::Hash for Jid {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Jid {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Jid {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialEq<str> for Jid {
    fn eq(&self, other: &str) -> bool {
        *self.text == *other
    }
}

impl PartialEq<&str> for Jid {
    fn eq(&self, other: &&str) -> bool {
        *self.text == **other
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl std::str::FromStr for Jid {
    type Err = JidError;
    fn from_str(text: &str) -> Result<Self, JidError> {
        Jid::new(text)
    }
}

impl AsRef<str> for Jid {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Borrow<str> for Jid {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl Serialize for Jid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Jid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Jid::new(&text).map_err(serde::de::Error::custom)
    }
}

impl Text for Jid {
    fn parse(text: &str) -> Result<Self, Expected> {
        Jid::new(text).map_err(|error| Expected(format!("an address ({error})").into()))
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(&self.text);
    }
}

impl Deref for BareJid {
    type Target = Jid;
    fn deref(&self) -> &Jid {
        &self.0
    }
}

impl AsRef<Jid> for BareJid {
    fn as_ref(&self) -> &Jid {
        &self.0
    }
}

impl Borrow<Jid> for BareJid {
    fn borrow(&self) -> &Jid {
        &self.0
    }
}

impl Borrow<str> for BareJid {
    fn borrow(&self) -> &str {
        &self.0.text
    }
}

impl From<BareJid> for Jid {
    fn from(jid: BareJid) -> Jid {
        jid.0
    }
}

impl fmt::Display for BareJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BareJid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::str::FromStr for BareJid {
    type Err = JidError;
    fn from_str(text: &str) -> Result<Self, JidError> {
        BareJid::new(text)
    }
}

impl Serialize for BareJid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BareJid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BareJid::checked(Jid::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Text for BareJid {
    fn parse(text: &str) -> Result<Self, Expected> {
        BareJid::new(text).map_err(|error| Expected(format!("an address ({error})").into()))
    }
    fn write(&self, out: &mut Escaped<'_>) {
        out.push(&self.0.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>, String, Option<String>) {
        let jid = Jid::new(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let owned = |part: Option<&str>| part.map(str::to_owned);
        (jid.to_string(), owned(jid.local()), jid.domain().to_owned(), owned(jid.resource()))
    }

    #[test]
    fn parts_are_found_and_normalised() {
        for (text, normal, local, domain, resource) in [
            ("meet.example", "meet.example", None, "meet.example", None),
            ("MEET.Example.", "meet.example", None, "meet.example", None),
            (
                "Room@Conference.Meet.example",
                "room@conference.meet.example",
                Some("room"),
                "conference.meet.example",
                None,
            ),
            ("a@b/Nick Name ", "a@b/Nick Name ", Some("a"), "b", Some("Nick Name ")),
            ("b/c", "b/c", None, "b", Some("c")),
            (
                "focus.meet.example.com/3f9c@guest.meet.example.com/Zq8",
                "focus.meet.example.com/3f9c@guest.meet.example.com/Zq8",
                None,
                "focus.meet.example.com",
                Some("3f9c@guest.meet.example.com/Zq8"),
            ),
            ("r@conference.My_Team.x", "r@conference.my_team.x", Some("r"), "conference.my_team.x", None),
            ("r@conference.%C3%9F.x", "r@conference.%c3%9f.x", Some("r"), "conference.%c3%9f.x", None),
            ("a@127.0.0.1", "a@127.0.0.1", Some("a"), "127.0.0.1", None),
            ("a@[2001:DB8::1]/r", "a@[2001:db8::1]/r", Some("a"), "[2001:db8::1]", Some("r")),
            ("STRASSE@b", "strasse@b", Some("strasse"), "b", None),
            ("ÄÖ@b", "äö@b", Some("äö"), "b", None),
            ("a@Bücher\u{3002}example", "a@bücher.example", Some("a"), "bücher.example", None),
            ("a@my_team.bücher", "a@my_team.bücher", Some("a"), "my_team.bücher", None),
            ("a@b/Zoë ☺", "a@b/Zoë ☺", Some("a"), "b", Some("Zoë ☺")),
        ] {
            let owned = |part: Option<&str>| part.map(str::to_owned);
            assert_eq!(parts(text), (normal.to_owned(), owned(local), domain.to_owned(), owned(resource)), "{text}");
            assert_eq!(parts(normal), parts(text), "the normal form is its own");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let long = "x".repeat(1024);
        let long_domain = ["x"; 513].join(".");
        for (text, error) in [
            ("", JidError::DomainEmpty),
            ("@b", JidError::LocalEmpty),
            ("a@", JidError::DomainEmpty),
            ("a@/r", JidError::DomainEmpty),
            ("a@b/", JidError::ResourceEmpty),
            ("a@b@c", JidError::DomainForbidden),
            ("a b@c", JidError::LocalForbidden),
            ("a&b@c", JidError::LocalForbidden),
            ("a'b@c", JidError::LocalForbidden),
            ("a:b@c", JidError::LocalForbidden),
            ("a\"b@c", JidError::LocalForbidden),
            ("a<b@c", JidError::LocalForbidden),
            ("a\u{7f}@c", JidError::LocalForbidden),
            ("a@b..c", JidError::DomainEmpty),
            ("a@.c", JidError::DomainEmpty),
            ("a@-b", JidError::DomainForbidden),
            ("a@b-.c", JidError::DomainForbidden),
            ("a@b c", JidError::DomainForbidden),
            ("a@[::g]", JidError::DomainForbidden),
            ("a@b/\n", JidError::ResourceForbidden),
            (&format!("{long}@b"), JidError::LocalTooLong),
            (&format!("a@{long}"), JidError::DomainTooLong),
            (&format!("a@{long_domain}"), JidError::DomainTooLong),
            (&format!("a@b/{long}"), JidError::ResourceTooLong),
            (&format!("a@b/{}", "é".repeat(512)), JidError::ResourceTooLong),
        ] {
            assert_eq!(Jid::new(text), Err(error), "{text}");
        }
        let longest = format!("{0}@{1}/{0}", "x".repeat(1023), ["x"; 512].join("."));
        assert_eq!(parts(&longest).0, longest);
    }

    #[test]
    fn the_strict_rule_refuses_tenants_liberties() {
        for domain in ["conference.my_team.x", "conference.%c3%9f.x", &"x".repeat(64)] {
            assert!(Jid::new(domain).is_ok());
            assert!(Jid::new_strict(domain).is_err());
        }
        assert!(BareJid::new_strict("a@b.c").is_ok());
    }

    #[test]
    fn bare_and_full() {
        let full = Jid::new("Room@b/Nick").expect("an address");
        let bare = BareJid::from_jid(&full).expect("it has a local part");
        assert_eq!(bare.to_string(), "room@b");
        assert!(bare.is_bare_of(&full) && !full.is_bare_of(&bare));
        assert_eq!(bare.with_resource("Nick"), Ok(full.clone()));
        assert_eq!(full.with_resource("other").expect("a resource").as_str(), "room@b/other");
        assert_eq!(full.to_bare(), *bare.as_jid());
        assert_eq!(bare.node(), "room");
        assert_eq!(BareJid::new("b"), Err(JidError::LocalMissing));
        assert_eq!(BareJid::new("a@b/c"), Err(JidError::ResourceUnexpected));
        assert_eq!(Jid::new("b").expect("a domain").to_bare().domain(), "b");
    }

    #[test]
    fn an_address_is_small() {
        assert_eq!(size_of::<Jid>(), 24);
        assert_eq!(size_of::<Option<Jid>>(), 24);
    }
}
