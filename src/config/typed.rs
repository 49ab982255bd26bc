//! From what is written to what is meant: the types of spec/70 §3.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::hocon::{Node, Value};
use super::legacy::{INSTEAD_OF_SHIBBOLETH, means_shibboleth};
use super::problem::Origin;
use super::report::masked;
use super::similar::distance;
use crate::wire::{BareJid, Jid};

/// The type of a key and what it allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Bool,
    /// Both ends included.
    Int(i64, i64),
    /// Both ends included.
    Double(f64, f64),
    /// The least that is allowed, in milliseconds.
    Duration(u64),
    Text,
    /// A name that resolves, or an address.
    Host,
    /// What stands before the `@` of an address.
    Localpart,
    /// What stands after the `/` of an address.
    Resource,
    Domain,
    BareJid,
    /// One of these, exactly.
    Choice(&'static [&'static str]),
    /// One of these in any letter case, `_` for `-` too.
    LooseChoice(&'static [&'static str]),
    /// One of these, alone or as a Java class name of the reference.
    ClassName(&'static [&'static str]),
    Domains,
    /// A list of lists of regions.
    RegionGroups,
    /// Conference size to milliseconds.
    Delays,
    /// Any names to text.
    Map,
}

/// A value of the right type.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    Bool(bool),
    Int(i64),
    Double(f64),
    Duration(Duration),
    Text(String),
    Domain(Jid),
    BareJid(BareJid),
    Domains(Vec<Jid>),
    RegionGroups(Vec<Vec<String>>),
    Delays(BTreeMap<u32, Duration>),
    Map(BTreeMap<String, String>),
}

/// What is wrong with a value and what to do; and where, if that is a part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wrong {
    pub text: String,
    pub at: Option<Origin>,
}

impl From<String> for Wrong {
    fn from(text: String) -> Wrong {
        Wrong { text, at: None }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub const DURATION_UNITS: &str = "ns, us, ms, s, m, h, d or their names (seconds, minutes, …)";

impl Kind {
    /// For the page of keys.
    pub fn describe(&self) -> String {
        match self {
            Kind::Bool => "bool".into(),
            Kind::Int(..) => "int".into(),
            Kind::Double(..) => "number".into(),
            Kind::Duration(_) => "duration".into(),
            Kind::Text => "text".into(),
            Kind::Host => "host".into(),
            Kind::Localpart => "account name".into(),
            Kind::Resource => "resource".into(),
            Kind::Domain => "domain".into(),
            Kind::BareJid => "bare JID".into(),
            Kind::Choice(names) | Kind::LooseChoice(names) | Kind::ClassName(names) => {
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            Kind::Domains => "list of domains".into(),
            Kind::RegionGroups => "list of lists of regions".into(),
            Kind::Delays => "object: size → ms".into(),
            Kind::Map => "object: name → text".into(),
        }
    }

    /// What one would have to write, in a sentence.
    fn noun(&self) -> String {
        match self {
            Kind::Bool => "true or false".into(),
            Kind::Int(..) => "a whole number".into(),
            Kind::Double(..) => "a number such as 0.7 or 70%".into(),
            Kind::Duration(_) => "a duration such as `15 seconds`".into(),
            Kind::Host => "a host".into(),
            Kind::Localpart => "an account name".into(),
            Kind::Domain => "a domain such as meet.example.com".into(),
            Kind::BareJid => "an address room@domain".into(),
            Kind::Resource => "a resource".into(),
            Kind::Choice(_) | Kind::LooseChoice(_) | Kind::ClassName(_) => format!("one of {}", self.describe()),
            other => other.describe(),
        }
    }

    /// The range, where the type alone does not say it.
    pub fn range(&self) -> Option<String> {
        const INT_MIN: i64 = i32::MIN as i64;
        const INT_MAX: i64 = i32::MAX as i64;
        match *self {
            Kind::Int(INT_MIN, INT_MAX) => None,
            Kind::Int(min, INT_MAX) => Some(format!("at least {min}")),
            Kind::Int(INT_MIN, max) => Some(format!("at most {max}")),
            Kind::Int(min, max) => Some(format!("{min} to {max}")),
            Kind::Double(min, max) if max == f64::MAX => Some(format!("at least {min}")),
            Kind::Double(min, max) => Some(format!("{min} to {max}")),
            Kind::Duration(0) => None,
            Kind::Duration(1) => Some("more than 0".into()),
            Kind::Duration(min) => Some(format!("at least {min} ms")),
            _ => None,
        }
    }

    /// The value that `node` means, or what is wrong with it and what to do.
    pub fn read(&self, node: &Node) -> Result<Setting, Wrong> {
        let (setting, mut wrong) = self.salvage(node);
        match setting {
            Some(setting) if wrong.is_empty() => Ok(setting),
            _ => Err(wrong.swap_remove(0)),
        }
    }

    /// The value of text from where no fraction was ever cut off: flags, old names, variables.
    pub fn read_exactly(&self, node: &Node) -> Result<Setting, Wrong> {
        match (self, &node.value) {
            (Kind::Int(..), Value::Text { text, .. }) if is_fraction(text) => Err(no_integer(text).into()),
            _ => self.read(node),
        }
    }

    /// All that is wrong with `node`, and the value that the rest of it means, where the reference passes over wrong parts.
    /// Without a value something is wrong.
    pub fn salvage(&self, node: &Node) -> (Option<Setting>, Vec<Wrong>) {
        let mut wrong = Vec::new();
        let setting = match self {
            Kind::Domains => domains(node, &mut wrong),
            Kind::RegionGroups => region_groups(node, &mut wrong),
            Kind::Delays => delays(node, &mut wrong),
            Kind::Map => map(node, &mut wrong),
            scalar => text_of(node, &scalar.noun()).and_then(|text| scalar.read_text(text)).map_err(Wrong::from),
        };
        let setting = setting.map_err(|one| wrong.push(one)).ok();
        // Only groups of regions are each of use without the others (spec/70 §5.5).
        (setting.filter(|_| wrong.is_empty() || *self == Kind::RegionGroups), wrong)
    }

    fn read_text(&self, text: &str) -> Result<Setting, String> {
        let found = || shown(text);
        match self {
            Kind::Bool => match boolean(text) {
                Some(value) => Ok(Setting::Bool(value)),
                None => Err(format!("expected true or false, found {}; write true or false", found())),
            },
            Kind::Int(min, max) => {
                let Some(value) = int(text) else {
                    return Err(no_integer(text));
                };
                self.within(*min <= value && value <= *max, Setting::Int(value), text)
            }
            Kind::Double(min, max) => {
                let Some(value) = double(text) else {
                    return Err(no_number(text));
                };
                self.within(*min <= value && value <= *max, Setting::Double(value), text)
            }
            Kind::Duration(min) => {
                let value = duration(text)
                    .map_err(|wrong| format!("{wrong}, found {}; write for example `15 seconds`", found()))?;
                // Less than the finest time that anything is done by is no time.
                let value = if value < Duration::from_millis(1) { Duration::ZERO } else { value };
                self.within(value >= Duration::from_millis(*min), Setting::Duration(value), text)
            }
            Kind::Text => Ok(Setting::Text(text.to_owned())),
            Kind::Host => Ok(Setting::Text(host(text)?)),
            Kind::Localpart => Ok(Setting::Text(localpart(text)?)),
            Kind::Resource => Ok(Setting::Text(resource(text)?)),
            Kind::Domain => Ok(Setting::Domain(domain(text)?)),
            Kind::BareJid => match BareJid::new(text.trim()) {
                Ok(jid) => Ok(Setting::BareJid(jid)),
                Err(_) => Err(format!("expected an address room@domain, found {}; write one", found())),
            },
            Kind::Choice(names) => choice(names, |name| name == text, text),
            Kind::LooseChoice(names) => {
                let loose = text.replace('_', "-");
                choice(names, |name| name.eq_ignore_ascii_case(&loose), text)
            }
            Kind::ClassName(names) => {
                let simple = text.strip_prefix("org.jitsi.jicofo.bridge.").unwrap_or(text);
                choice(names, |name| name == simple, text)
            }
            Kind::Domains | Kind::RegionGroups | Kind::Delays | Kind::Map => Err("expected a list or an object".into()),
        }
    }

    fn within(&self, inside: bool, setting: Setting, text: &str) -> Result<Setting, String> {
        if inside {
            return Ok(setting);
        }
        let range = self.range().unwrap_or_else(|| "a 32-bit number".into());
        Err(format!("{} is out of range; allowed is {range}", shown(text)))
    }
}

fn choice(names: &[&str], matches: impl Fn(&str) -> bool, text: &str) -> Result<Setting, String> {
    match names.iter().find(|name| matches(name)) {
        Some(name) => Ok(Setting::Text((*name).to_owned())),
        // Only the types of authentication had this name.
        None if text.eq_ignore_ascii_case("SHIBBOLETH") => Err(INSTEAD_OF_SHIBBOLETH.into()),
        None => {
            let wanted = text.to_ascii_lowercase();
            let far = |name: &str| match name.to_ascii_lowercase() {
                name if name.starts_with(&wanted) && wanted.len() > 3 => 0,
                name => distance(&name, &wanted),
            };
            let near = names.iter().map(|name| (far(name), *name)).min().filter(|(far, name)| *far <= name.len() / 4);
            let meant = near.map_or_else(String::new, |(_, name)| format!("; is {name} meant?"));
            Err(format!("{} is not allowed; write one of {}{meant}", shown(text), names.join(", ")))
        }
    }
}

/// The text of a scalar.
fn text_of<'n>(node: &'n Node, expected: &str) -> Result<&'n str, String> {
    match &node.value {
        Value::Text { text, .. } => Ok(text),
        Value::List(elements) => Err(match elements.as_slice() {
            // It may be a secret, where any text will do.
            [Node { value: Value::Text { text, .. }, .. }] if expected != "text" => {
                format!("expected {expected}, found a list; write {} without the brackets", shown(text))
            }
            _ => format!("expected {expected}, found a list; write a single value, without brackets"),
        }),
        Value::Object(_) => Err(format!("expected {expected}, found an object; write a single value, without braces")),
        other => Err(format!("expected {expected}, found {}; write a single value", other.kind())),
    }
}

/// A value in a message: short, on one line, and without the secrets of a URL.
fn shown(text: &str) -> String {
    let text = masked(text);
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "on" => Some(true),
        "no" | "off" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn no_integer(text: &str) -> String {
    let trimmed = text.trim();
    let advice = match trimmed.trim_end_matches(char::is_alphabetic).trim_end() {
        "" => "write digits only".to_owned(),
        _ if is_fraction(trimmed) => "write it without the fraction".to_owned(),
        // `5222s`, `8 888`, `1_000`
        digits if digits != trimmed && int(digits).is_some() => format!("write {digits}"),
        _ => match trimmed.replace([' ', '_', ',', '\''], "") {
            joined if int(&joined).is_some() => format!("write {joined}"),
            _ if number(trimmed).is_some() => {
                "no number is larger than 2147483647 here; write a smaller one".to_owned()
            }
            _ => "write digits only".to_owned(),
        },
    };
    format!("expected a whole number, found {}; {advice}", shown(text))
}

fn no_number(text: &str) -> String {
    let trimmed = text.trim();
    let advice = match trimmed.replacen(',', ".", 1) {
        point if point != trimmed && double(&point).is_some() => format!("the decimal sign is a point; write {point}"),
        _ => "write one".to_owned(),
    };
    format!("expected a number such as 0.7 or 70%, found {}; {advice}", shown(text))
}

/// A number that is no whole one, and would become one by cutting.
pub(super) fn is_fraction(text: &str) -> bool {
    text.trim().parse::<i64>().is_err() && number(text.trim()).is_some_and(|number| number.fract() != 0.0)
}

/// A fraction is cut off; beyond 32 bits is nothing.
fn int(text: &str) -> Option<i64> {
    let text = text.trim();
    let value = match text.parse::<i64>() {
        Ok(value) => value,
        // The cast saturates, and what is saturated is beyond 32 bits.
        Err(_) => number(text)?.trunc() as i64,
    };
    i32::try_from(value).ok().map(i64::from)
}

fn double(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(percent) => number(percent.trim()).map(|n| n / 100.0),
        None => number(text),
    }
}

/// Decimal digits, sign, point, exponent: not the names that Rust also reads (`inf`, `NaN`).
fn number(text: &str) -> Option<f64> {
    let digits = text.bytes().any(|b| b.is_ascii_digit());
    let allowed = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    (digits && allowed).then(|| text.parse().ok()).flatten().filter(|n: &f64| n.is_finite())
}

/// A number and a unit; a bare number is milliseconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let split = text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len());
    let (count, unit) = (text[..split].trim(), &text[split..]);
    let Some(count) = number(count) else { return Err("expected a duration, a number with a unit".into()) };
    let seconds = match unit {
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => 1e-9,
        "us" | "micro" | "micros" | "microsecond" | "microseconds" => 1e-6,
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "second" | "seconds" => 1.0,
        "m" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => {
            let meant = match unit.to_ascii_lowercase().as_str() {
                "sec" | "secs" | "seconde" | "sekunden" => "seconds",
                "min" | "mins" => "minutes",
                "hr" | "hrs" | "std" => "hours",
                "msec" | "msecs" | "millisec" => "ms",
                _ => return Err(format!("expected a duration with one of the units {DURATION_UNITS}")),
            };
            return Err(format!("{unit:?} is no unit, but {meant} is one of {DURATION_UNITS}"));
        }
    };
    if count < 0.0 {
        return Err("a duration cannot be negative here".into());
    }
    // Ten thousand years: what is longer can be added to no time.
    const LONGEST: f64 = 3.2e11;
    let exact = (count * seconds * 1e9).round() / 1e9;
    match Duration::try_from_secs_f64(exact) {
        Ok(duration) if exact <= LONGEST => Ok(duration),
        _ => Err("expected a duration that ends before the world".into()),
    }
}

fn domain(text: &str) -> Result<Jid, String> {
    let text = text.trim();
    let odd = ['@', '/', '“', '”', '„', '‘', '’', '«', '»'];
    if let Ok(jid) = Jid::new(text)
        && !text.contains(odd)
    {
        return Ok(jid);
    }
    let advice = match text {
        "" => "write one, or remove the line",
        // Only where people log in.
        _ if means_shibboleth(text) => INSTEAD_OF_SHIBBOLETH,
        _ if text.contains("://") => "write no URL, but the domain alone",
        _ if text.contains('@') => "write what stands after the @",
        _ if text.contains('/') => "write what stands before the /",
        _ if text.contains(':') => "write the domain alone, without a port",
        _ => "write one",
    };
    Err(format!("expected a domain such as meet.example.com, found {}; {advice}", shown(text)))
}

/// Elements of a list; an object with the keys "0", "1", … is one too.
fn elements(node: &Node) -> Result<Vec<&Node>, String> {
    match &node.value {
        Value::List(elements) => Ok(elements.iter().collect()),
        Value::Object(fields) => {
            let mut numbered: Vec<(u32, &Node)> =
                fields.iter().filter_map(|(key, node)| Some((key.parse().ok()?, node))).collect();
            if numbered.len() < fields.len() {
                return Err("expected a list, found an object; write [ … ]".into());
            }
            numbered.sort_by_key(|(number, _)| *number);
            Ok(numbered.into_iter().map(|(_, node)| node).collect())
        }
        other => Err(match &node.origin {
            Origin::SystemProperty(name) => {
                format!("expected a list, which one -D cannot give; {}", list_by_properties(name))
            }
            _ => format!("expected a list, found {}; write [ … ]", other.kind()),
        }),
    }
}

/// The elements of a list have names of their own there.
fn list_by_properties(name: &str) -> String {
    format!("write -D{name}.0=…, -D{name}.1=…, or put it into the file")
}

fn domains(node: &Node, wrong: &mut Vec<Wrong>) -> Result<Setting, Wrong> {
    let mut domains = Vec::new();
    if let Value::Text { text, .. } = &node.value {
        let quoted: Vec<String> = text.split([',', ' ']).filter(|part| !part.is_empty()).map(shown).collect();
        let text = match &node.origin {
            Origin::SystemProperty(name) => {
                format!("expected a list, which one -D cannot give; {}", list_by_properties(name))
            }
            _ => format!("expected a list, found text; write [ {} ]", quoted.join(", ")),
        };
        return Err(text.into());
    }
    for element in elements(node)? {
        match text_of(element, "a domain").and_then(domain) {
            Ok(jid) => domains.push(jid),
            Err(mut text) => {
                if text_of(element, "").is_ok_and(|text| text.trim().contains([' ', ','])) {
                    text.push_str("; between two of them has to be a comma, outside of quotes");
                }
                wrong.push(Wrong { text, at: Some(element.origin.clone()) });
            }
        }
    }
    Ok(Setting::Domains(domains))
}

fn region_groups(node: &Node, wrong: &mut Vec<Wrong>) -> Result<Setting, Wrong> {
    let groups = elements(node)?;
    let names: Vec<String> =
        groups.iter().filter_map(|group| text_of(group, "").ok().map(|name| format!("{name:?}"))).collect();
    if !names.is_empty() && names.len() == groups.len() {
        let text = format!(
            "expected groups of regions, found regions; write [ [{}] ] if they are near each other",
            names.join(", ")
        );
        return Err(text.into());
    }
    let mut read = Vec::new();
    for group in groups {
        let regions = match (&group.value, elements(group)) {
            (_, Ok(regions)) => regions,
            (Value::Text { text, .. }, Err(_)) => {
                let text = format!(
                    "expected a group of regions, found the region {}; put it into a list of regions",
                    shown(text)
                );
                wrong.push(Wrong { text, at: Some(group.origin.clone()) });
                continue;
            }
            (_, Err(text)) => {
                wrong.push(Wrong { text, at: Some(group.origin.clone()) });
                continue;
            }
        };
        let mut names = Vec::new();
        for region in regions {
            match text_of(region, "a region") {
                Ok(name) if !name.trim().is_empty() => names.push(name.to_owned()),
                Ok(_) => wrong.push(Wrong {
                    text: "a region is blank; name it, or remove it".into(),
                    at: Some(region.origin.clone()),
                }),
                Err(text) => wrong.push(Wrong { text, at: Some(region.origin.clone()) }),
            }
        }
        read.push(names);
    }
    Ok(Setting::RegionGroups(read))
}

fn delays(node: &Node, wrong: &mut Vec<Wrong>) -> Result<Setting, Wrong> {
    let Some(fields) = node.as_object() else {
        return Err(format!("expected an object {{ 50 = 500 }}, found {}; write one", node.value.kind()).into());
    };
    let mut delays = BTreeMap::new();
    for (size, delay) in fields {
        let ms = text_of(delay, "milliseconds").ok().and_then(int).and_then(|ms| u64::try_from(ms).ok());
        match (size.trim().parse(), ms) {
            (Ok(size), Some(ms)) => drop(delays.insert(size, Duration::from_millis(ms))),
            _ => {
                let text = format!(
                    "the entry {} is not a conference size and whole milliseconds; write 50 = 500",
                    shown(size)
                );
                wrong.push(Wrong { text, at: Some(delay.origin.clone()) });
            }
        }
    }
    Ok(Setting::Delays(delays))
}

fn map(node: &Node, wrong: &mut Vec<Wrong>) -> Result<Setting, Wrong> {
    let Some(fields) = node.as_object() else {
        return Err(format!("expected an object {{ name = value }}, found {}; write one", node.value.kind()).into());
    };
    let mut map = BTreeMap::new();
    for (name, value) in fields {
        match (&value.value, text_of(value, "text")) {
            (Value::Null, _) => {}
            (_, Ok(text)) => drop(map.insert(name.clone(), text.to_owned())),
            (_, Err(_)) => {
                let advice = match value.as_object() {
                    Some(_) => "put a name that holds a dot in double quotes",
                    None => "write a single value",
                };
                let text = format!("{} is not text; {advice}", shown(name));
                wrong.push(Wrong { text, at: Some(value.origin.clone()) });
            }
        }
    }
    Ok(Setting::Map(map))
}

/// Letters, digits, `-`, `_` and dots, or an IP address; `[::1]` without its brackets. Docker's names have `_`.
fn host(text: &str) -> Result<String, String> {
    let text = text.trim();
    let found = || shown(text);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    // `fe80::1%eth0`
    let address = bare.split('%').next().unwrap_or_default();
    if address.parse::<std::net::Ipv6Addr>().is_ok() || bare.parse::<std::net::Ipv4Addr>().is_ok() {
        return Ok(bare.to_owned());
    }
    let advice = match text {
        "" => return Err("is blank; write a host, or remove the line".into()),
        _ if text.starts_with(['"', '\'']) => "it without these quotes, or all of it in double quotes",
        _ if text.contains("://") || text.contains('/') => "no URL, but the host alone",
        _ if text.contains(':') => "the host alone, the port has a key of its own",
        _ if text.contains('@') => "the host alone, without an account",
        _ if text.bytes().all(|b| b.is_ascii_digit()) => "a name or an address, this is a number",
        _ if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => "an address of four numbers up to 255",
        _ if text.contains(is_invisible) => "it anew, there is a character in it that cannot be seen",
        _ if !text.is_ascii() => "its ASCII form, which begins with xn--",
        _ => "letters, digits, - and dots",
    };
    let is_label = |label: &str| {
        let known = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        known && (1..=63).contains(&label.len())
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let numbers = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if name.len() <= 253 && name.split('.').all(is_label) && !numbers {
        return Ok(text.to_owned());
    }
    Err(format!("{} is no host; write {advice}", found()))
}

/// What comes along when text is copied from a page.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn localpart(text: &str) -> Result<String, String> {
    match text {
        _ if text.trim().is_empty() => Err("is blank; write a name, or remove the line".into()),
        _ if text.contains('@') => Err(format!("{} is a whole address; write what stands before the @", shown(text))),
        _ if text.contains('/') || BareJid::new(&format!("{text}@x")).is_err() => Err(format!(
            "{} cannot be the name of an account; write one without blanks and any of \" & ' / : < > @",
            shown(text)
        )),
        _ => Ok(text.to_owned()),
    }
}

fn resource(text: &str) -> Result<String, String> {
    match text {
        _ if text.trim().is_empty() => Err("is blank; write a name, or remove the line".into()),
        _ if Jid::new(&format!("x@x/{text}")).is_err() => {
            Err(format!("{} cannot be a resource; write a short name of letters and digits", shown(text)))
        }
        _ => Ok(text.to_owned()),
    }
}
