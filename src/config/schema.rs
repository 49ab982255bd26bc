//! Every key there is, declared once (spec/70 §5): path, type, range, default, what it does, its old names, and whether the
//! program does anything with it yet. Reading, defaults, suggestions for misspelt keys, `check-config` and
//! docs/CONFIGURATION.md all follow from [`KEYS`]; the table itself is in [`keys`](super::keys).

use std::borrow::Cow;

use serde_json::json;

use super::hocon::{Node, Value};
pub use super::keys::KEYS;
use super::legacy::Legacy;
use super::problem::Origin;
use super::typed::Kind;

/// What a wrong or forbidden value causes (spec/70 §4). What the reference starts with starts here too, unless it would start
/// to no purpose: without its account's address, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// The program does not start.
    Refuse,
    /// As `Refuse` if this other key is true or set, else as `UseDefault`.
    RefuseIf(&'static str),
    /// A warning is logged and the default used (or nothing, if there is no default).
    UseDefault,
    /// A warning is logged and this used, as it is what the reference makes of every value that it does not know.
    UseInstead(&'static str),
}

#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The whole path; `*` stands for a name of the person's choice.
    pub path: &'static str,
    pub kind: Kind,
    /// As it would be written; None: unset.
    pub default: Option<&'static str>,
    /// One sentence.
    pub about: &'static str,
    pub bad: Bad,
    pub secret: bool,
    /// Does the program act on it yet? If not, whoever writes it is told.
    pub effective: bool,
    pub legacy: &'static [Legacy],
}

impl Key {
    pub(super) const fn new(path: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Key {
        Key {
            path,
            kind,
            default: Some(default),
            about,
            bad: Bad::UseDefault,
            secret: false,
            effective: true,
            legacy: &[],
        }
    }

    pub(super) const fn unset(path: &'static str, kind: Kind, about: &'static str) -> Key {
        let mut key = Key::new(path, kind, "", about);
        key.default = None;
        key
    }

    pub(super) const fn refuse(mut self) -> Key {
        self.bad = Bad::Refuse;
        self
    }

    pub(super) const fn refuse_if(mut self, other: &'static str) -> Key {
        self.bad = Bad::RefuseIf(other);
        self
    }

    pub(super) const fn otherwise(mut self, value: &'static str) -> Key {
        self.bad = Bad::UseInstead(value);
        self
    }

    pub(super) const fn secret(mut self) -> Key {
        self.secret = true;
        self
    }

    pub(super) const fn later(mut self) -> Key {
        self.effective = false;
        self
    }

    pub(super) const fn legacy(mut self, names: &'static [Legacy]) -> Key {
        self.legacy = names;
        self
    }

    /// The default as a value of the tree.
    pub fn default_node(&self) -> Option<Node> {
        let value = match (self.default?, self.kind) {
            (_, Kind::Domains | Kind::RegionGroups) => Value::List(Vec::new()),
            (_, Kind::Delays | Kind::Map) => Value::Object(Default::default()),
            (text, _) => Value::text(text),
        };
        Some(Node::new(value, Origin::Default))
    }

    /// Does a path belong to this key?
    pub fn matches(&self, path: &[&str]) -> bool {
        self.behind(path) == Some("")
    }

    /// Is a path a section that holds this key?
    pub fn is_within(&self, section: &[&str]) -> bool {
        self.behind(section).is_some_and(|rest| !rest.is_empty())
    }

    /// What is left of this key's path behind these elements, if it begins with them. Every name of a file is compared with
    /// every key: nothing is split or searched for.
    fn behind(&self, path: &[&str]) -> Option<&'static str> {
        let mut rest = self.path;
        for (at, name) in path.iter().enumerate() {
            if at > 0 {
                rest = rest.strip_prefix('.')?;
            }
            rest = match rest.strip_prefix('*') {
                Some(rest) => rest,
                // A name that has dots within is one element all the same.
                None => rest.strip_prefix(name).filter(|_| !name.contains('.'))?,
            };
            if !(rest.is_empty() || rest.starts_with('.')) {
                return None;
            }
        }
        Some(rest)
    }
}

/// An element of a path as a file would have it: in quotes if it would be several, or none, without them.
pub fn element(name: &str) -> Cow<'_, str> {
    let odd = |c: char| c == '.' || c == '"' || c == '\\' || c.is_whitespace() || c.is_control();
    match name.is_empty() || name.contains(odd) {
        true => Cow::Owned(json!(name).to_string()),
        false => Cow::Borrowed(name),
    }
}

/// A path of these elements.
pub fn joined<'n>(path: impl IntoIterator<Item = &'n str>) -> String {
    path.into_iter().map(element).collect::<Vec<_>>().join(".")
}

/// The elements of a path that [`joined`] made.
pub fn elements(path: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut rest = path;
    loop {
        let mut json = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let quoted = if rest.starts_with('"') { json.next().and_then(Result::ok) } else { None };
        let end = match &quoted {
            Some(_) => json.byte_offset(),
            None => rest.find('.').unwrap_or(rest.len()),
        };
        elements.push(quoted.unwrap_or_else(|| rest[..end].to_owned()));
        match rest[end..].strip_prefix('.') {
            Some(more) => rest = more,
            None => return elements,
        }
    }
}

/// Keys of older versions, and everything below them: passed over in silence (spec/70 §7).
pub const RETIRED: &[&str] = &[
    "jicofo.bridge.average-participant-packet-rate-pps",
    "jicofo.bridge.max-bridge-packet-rate",
    "jicofo.codec.audio.isac-16000",
    "jicofo.codec.audio.isac-32000",
    "jicofo.colibri.enable-colibri2",
    "jicofo.conference.enable-lip-sync",
    "jicofo.conference.enable-multi-stream-backward-compat",
    "jicofo.conference.inject-ssrc-for-recv-only-endpoints",
    "jicofo.octo.id",
    "jicofo.rest.tls-port",
    "jicofo.task-pools.shared-pool-max-threads",
    "jicofo.xmpp.rediscovery-interval",
    "jicofo.reservation",
];

/// Is this path, or a section it is in, retired? So are sections that hold nothing but retired keys.
pub fn is_retired(path: &str) -> bool {
    let below = |path: &str, section: &str| {
        path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    RETIRED.iter().any(|retired| below(path, retired))
}

pub fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Words in a name whose value nobody may read (spec/70 §1).
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "secret", "token", "authorization", "cf-access"].iter().any(|word| name.contains(word))
}
