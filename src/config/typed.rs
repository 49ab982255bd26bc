//! From what is written to what is meant: the types of spec/70 §3.

use std::collections::BTreeMap;
use std::time::Duration;

use super::hocon::{Node, Value};
use super::legacy::INSTEAD_OF_SHIBBOLETH;
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
    pub fn read(&self, node: &Node) -> Result<Setting, String> {
        match self {
            Kind::Domains => domains(node),
            Kind::RegionGroups => Ok(Setting::RegionGroups(region_groups(node)?)),
            Kind::Delays => delays(node),
            Kind::Map => map(node),
            scalar => scalar.read_text(text_of(node, &scalar.describe())?),
        }
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
                    return Err(format!("expected a whole number, found {}; write digits only", found()));
                };
                self.within(*min <= value && value <= *max, Setting::Int(value), text)
            }
            Kind::Double(min, max) => {
                let Some(value) = double(text) else {
                    return Err(format!("expected a number such as 0.7 or 70%, found {}; write one", found()));
                };
                self.within(*min <= value && value <= *max, Setting::Double(value), text)
            }
            Kind::Duration(min) => {
                let value = duration(text)
                    .map_err(|wrong| format!("{wrong}, found {}; write for example `15 seconds`", found()))?;
                self.within(value >= Duration::from_millis(*min), Setting::Duration(value), text)
            }
            Kind::Text => Ok(Setting::Text(text.to_owned())),
            Kind::Domain => Ok(Setting::Domain(domain(text)?)),
            Kind::BareJid => match BareJid::new(text.trim()) {
                Ok(jid) => Ok(Setting::BareJid(jid)),
                Err(_) => {
                    Err(format!("expected an address room@domain, found {}; write one in double quotes", found()))
                }
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
        None => Err(format!("{} is not allowed; write one of {}", shown(text), names.join(", "))),
    }
}

/// The text of a scalar.
fn text_of<'n>(node: &'n Node, expected: &str) -> Result<&'n str, String> {
    match &node.value {
        Value::Text { text, .. } => Ok(text),
        other => Err(format!("expected {expected}, found {}; write a single value", other.kind())),
    }
}

/// A value in a message: short, and on one line.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "on" => Some(true),
        "no" | "off" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
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
        _ => return Err(format!("expected a duration with one of the units {DURATION_UNITS}")),
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
    match Jid::new(text) {
        Ok(jid) if !text.contains(['@', '/']) => Ok(jid),
        _ => Err(format!(
            "expected a domain such as meet.example.com, found {}; write one, without @ and /",
            shown(text)
        )),
    }
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
        other => Err(format!("expected a list, found {}; write [ … ]", other.kind())),
    }
}

fn domains(node: &Node) -> Result<Setting, String> {
    let elements = elements(node)?;
    let read = elements.into_iter().map(|element| domain(text_of(element, "a domain")?));
    Ok(Setting::Domains(read.collect::<Result<_, _>>()?))
}

/// Parts that are malformed are passed over (spec/70 §5.5).
fn region_groups(node: &Node) -> Result<Vec<Vec<String>>, String> {
    let groups = elements(node)?.into_iter().filter_map(|group| {
        let regions = elements(group).ok()?;
        Some(regions.into_iter().filter_map(|region| text_of(region, "a region").ok().map(str::to_owned)).collect())
    });
    Ok(groups.collect())
}

fn delays(node: &Node) -> Result<Setting, String> {
    let Some(fields) = node.as_object() else {
        return Err(format!("expected an object {{ 50 = 500 }}, found {}; write one", node.value.kind()));
    };
    let mut delays = BTreeMap::new();
    for (size, delay) in fields {
        let wrong =
            || format!("the entry {} is not a conference size and whole milliseconds; write 50 = 500", shown(size));
        let size = size.trim().parse().map_err(|_| wrong())?;
        let ms = text_of(delay, "milliseconds")
            .ok()
            .and_then(int)
            .and_then(|ms| u64::try_from(ms).ok())
            .ok_or_else(wrong)?;
        delays.insert(size, Duration::from_millis(ms));
    }
    Ok(Setting::Delays(delays))
}

fn map(node: &Node) -> Result<Setting, String> {
    let Some(fields) = node.as_object() else {
        return Err(format!("expected an object {{ name = value }}, found {}; write one", node.value.kind()));
    };
    let mut map = BTreeMap::new();
    for (name, value) in fields {
        if let Value::Null = value.value {
            continue;
        }
        let wrong = |_| format!("{} is not text; put a name that holds a dot in double quotes", shown(name));
        map.insert(name.clone(), text_of(value, "text").map_err(wrong)?.to_owned());
    }
    Ok(Setting::Map(map))
}
