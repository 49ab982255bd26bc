//! The value of every key, from the strongest source that says something about it (spec/70 §1).

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use indexmap::IndexMap;

use super::environment::is_override;
use super::hocon::{Node, Value, limits};
use super::legacy::{Converted, How, Legacy};
use super::problem::{Origin, Problem};
use super::properties::Property;
use super::report;
use super::schema::{Bad, KEYS, Key, joined};
use super::sources::{Override, Sources};
use super::typed::{Kind, Setting, Wrong, duration, is_fraction};
use super::unknown::is_in_odd_quotes;
use crate::wire::{BareJid, Jid};

/// No `Debug`: it would show secrets.
#[derive(Clone)]
pub struct Entry {
    pub key: &'static Key,
    /// None: unset.
    pub setting: Option<Setting>,
    pub origin: Origin,
}

impl Entry {
    /// Did somebody write it? What follows from another value nobody wrote.
    pub fn is_written(&self) -> bool {
        self.setting.is_some() && !matches!(self.origin, Origin::Default | Origin::Derived(_))
    }

    /// Did somebody write it, be it the default, of a feature that the program does not have yet?
    pub fn is_waiting(&self) -> bool {
        !self.key.effective && self.is_written()
    }
}

/// An old name that decided about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyUse {
    pub name: &'static str,
    pub path: String,
    pub origin: Origin,
}

/// Every key's value by its path, in the order of the schema; `*` is replaced by the person's names.
#[derive(Default)]
pub struct Settings {
    pub entries: IndexMap<String, Entry>,
    /// The names below `jicofo.xmpp.visitors`.
    pub visitors: Vec<String>,
    pub legacy: Vec<LegacyUse>,
    /// Keys whose value could not be found out, which was told: nothing follows from them.
    unknown: HashSet<String>,
    /// Was one of them asked for?
    missed: Cell<bool>,
}

/// The sources, read.
pub(super) struct Given<'g> {
    pub(super) sources: &'g Sources,
    /// The entries of `sip-communicator.properties`, and its name.
    pub(super) legacy_file: (&'g str, &'g [Property]),
    /// Files over `-D` over defaults.
    pub(super) root: &'g Node,
}

impl Settings {
    pub(super) fn read(given: &Given<'_>, problems: &mut Vec<Problem>) -> Settings {
        let visitors = given.root.get("jicofo.xmpp.visitors").and_then(Node::as_object);
        let mut visitors: Vec<String> = visitors.map(|nodes| nodes.keys().cloned().collect()).unwrap_or_default();
        if visitors.len() > limits::VISITOR_NODES {
            let text = format!("more than {} visitor nodes; this is no configuration", limits::VISITOR_NODES);
            let origin = given.root.get("jicofo.xmpp.visitors").map(|node| node.origin.clone());
            problems.push(Problem::error(text).at(origin.unwrap_or(Origin::Default)).key("jicofo.xmpp.visitors"));
            visitors.truncate(limits::VISITOR_NODES);
        }
        let mut read = Settings { visitors, ..Settings::default() };
        if is_broken(given.root, &VISITORS) {
            read.unknown.insert(VISITORS.join("."));
        }
        let (strong, weak) = given.sources.overrides();
        let mut reader = Reader { given, strong, weak, problems, read };
        for key in KEYS {
            if !key.path.contains('*') {
                reader.key(key, None);
                continue;
            }
            for id in reader.read.visitors.clone() {
                reader.key(key, Some(&id));
            }
        }
        reader.read
    }

    /// The entry of a key below `jicofo.`.
    pub fn entry(&self, path: &str) -> &Entry {
        let whole = format!("jicofo.{path}");
        let entry = self.entries.get(&whole).or_else(|| self.entries.get(path));
        if !self.unknown.is_empty() && (self.unknown.contains(&whole) || self.unknown.contains(path)) {
            self.missed.set(true);
        }
        // Only our own code asks, with paths of the schema: building the defaults in any test asks for all of them.
        entry.unwrap_or_else(|| panic!("the schema has no key {path}"))
    }

    pub fn setting(&self, path: &str) -> Option<&Setting> {
        self.entry(path).setting.as_ref()
    }

    pub fn bool(&self, path: &str) -> bool {
        matches!(self.setting(path), Some(Setting::Bool(true)))
    }

    /// The schema's range makes it fit; what would not is the nearest that does.
    pub fn int<T: TryFrom<i64> + Default>(&self, path: &str) -> T {
        match self.setting(path) {
            Some(Setting::Int(value)) => T::try_from(*value).unwrap_or_default(),
            _ => T::default(),
        }
    }

    pub fn double(&self, path: &str) -> f64 {
        match self.setting(path) {
            Some(Setting::Double(value)) => *value,
            _ => 0.0,
        }
    }

    pub fn duration(&self, path: &str) -> Duration {
        self.optional_duration(path).unwrap_or_default()
    }

    pub fn optional_duration(&self, path: &str) -> Option<Duration> {
        match self.setting(path) {
            Some(Setting::Duration(value)) => Some(*value),
            _ => None,
        }
    }

    /// Text, or a domain as text. Blank text is none.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.setting(path) {
            Some(Setting::Text(text)) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Some(Setting::Domain(jid)) => Some(jid.to_string()),
            _ => None,
        }
    }

    pub fn domain(&self, path: &str) -> Option<Jid> {
        match self.setting(path) {
            Some(Setting::Domain(jid)) => Some(jid.clone()),
            _ => None,
        }
    }

    pub fn bare_jid(&self, path: &str) -> Option<BareJid> {
        match self.setting(path) {
            Some(Setting::BareJid(jid)) => Some(jid.clone()),
            _ => None,
        }
    }

    pub fn is_unset(&self, path: &str) -> bool {
        self.setting(path).is_none()
    }

    /// Did a person say it, in whatever way?
    pub fn is_given(&self, path: &str) -> bool {
        let entry = self.entry(path);
        entry.setting.is_some() && !entry.origin.is_default()
    }

    /// The names of visitor nodes.
    pub(super) fn nodes(&self) -> Vec<String> {
        if self.unknown.contains(&VISITORS.join(".")) {
            self.missed.set(true);
        }
        self.visitors.clone()
    }

    /// Could this key's value not be found out?
    pub(super) fn is_unknown(&self, path: &str) -> bool {
        self.unknown.contains(&format!("jicofo.{path}"))
    }

    /// A person meant to write this key's value, and wrote it elsewhere.
    pub(super) fn is_meant(&mut self, path: &str) {
        if self.entries.get(path).is_some_and(|entry| entry.origin.is_default()) {
            self.unknown.insert(path.to_owned());
        }
    }

    /// Nor can this key's then, which would follow from such a one.
    pub(super) fn not_known_either(&mut self, path: &str) {
        self.unknown.insert(format!("jicofo.{path}"));
    }

    /// Was a key asked for since the last time whose value could not be found out? What is said then may be wrong.
    pub(super) fn take_missed(&self) -> bool {
        self.missed.take()
    }

    pub(super) fn has_missed(&self) -> bool {
        self.missed.get()
    }

    /// A value that follows from another one, where nobody gave one.
    pub(super) fn derive(&mut self, path: &str, text: &str, from: &str) {
        let path = format!("jicofo.{path}");
        let Some(entry) = self.entries.get_mut(&path) else { return };
        let origin = Origin::Derived(from.into());
        // A text that is no value of this key leaves the key as it is: what misses it says so.
        if let Ok(setting) = entry.key.kind.read(&Node::new(Value::text(text), origin.clone())) {
            entry.setting = Some(setting);
            entry.origin = origin;
        }
    }
}

struct Reader<'r, 'g> {
    given: &'r Given<'g>,
    strong: Vec<Override>,
    weak: Vec<Override>,
    problems: &'r mut Vec<Problem>,
    read: Settings,
}

impl<'g> Reader<'_, 'g> {
    fn key(&mut self, key: &'static Key, id: Option<&str>) {
        let elements: Vec<&str> = key.path.split('.').map(|e| if e == "*" { id.unwrap_or(e) } else { e }).collect();
        let path = joined(elements.iter().copied());
        let strong = overriding(&self.strong, key);
        let forced = self.node(&elements).is_some_and(|node| is_override(&node.origin));
        let over = self.overridden(key, strong);
        if let Some((Some(setting), origin)) = &over {
            self.contradicted(key, &elements, &path, "it beats", setting, origin);
        }
        let (setting, origin) = over
            .or_else(|| if forced { None } else { self.legacy(key, &path, &elements) })
            .unwrap_or_else(|| self.tree_value(key, &path, &elements));
        if origin.is_default() && is_broken(self.given.root, &elements) {
            self.read.unknown.insert(path.clone());
        }
        self.read.entries.insert(path, Entry { key, setting, origin });
    }

    /// A flag that cannot be read is skipped with a warning (spec/10 §10.1).
    fn overridden(&mut self, key: &'static Key, over: Option<Override>) -> Option<(Option<Setting>, Origin)> {
        let over = over?;
        // What was no UTF-8 has become this. Nobody can log in with it, nor find a file by it.
        if over.text.contains(char::REPLACEMENT_CHARACTER) && (key.secret || key.path.ends_with("-file")) {
            self.problems.push(Problem::error("is not UTF-8; set it to UTF-8 text").at(over.origin).key(key.path));
            return None;
        }
        match key.kind.read_exactly(&Node::new(Value::text(over.text), over.origin.clone())) {
            Ok(setting) => Some((Some(setting), over.origin)),
            Err(wrong) if is_any_text(key) => {
                self.problems.push(Problem::error(wrong.text).at(over.origin).key(key.path));
                Some((None, Origin::Default))
            }
            Err(wrong) => {
                self.problems
                    .push(Problem::warning(format!("{wrong}; it is passed over")).at(over.origin).key(key.path));
                None
            }
        }
    }

    /// The legacy file, then `-D` with the legacy name; what cannot be read falls through.
    fn legacy(&mut self, key: &'static Key, path: &str, elements: &[&str]) -> Option<(Option<Setting>, Origin)> {
        for legacy in key.legacy {
            for (value, origin) in self.legacy_values(legacy) {
                if value.trim().is_empty() {
                    // A line left empty hides nothing.
                    continue;
                }
                if legacy.how == How::Ignored {
                    let text = format!("has no effect, as in the original; set {path} instead");
                    self.problems.push(Problem::warning(text).at(origin).key(legacy.name));
                    continue;
                }
                let domain = match legacy.how {
                    How::MucPrefix => self.read.text("xmpp.client.xmpp-domain"),
                    _ => None,
                };
                let wrong = match legacy.convert(&value, domain.as_deref()) {
                    Converted::Text(text) => match key.kind.read_exactly(&Node::new(Value::text(text), origin.clone()))
                    {
                        Ok(setting) => {
                            if let Some(text) = legacy.surprise(&value) {
                                self.problems.push(Problem::warning(text).at(origin.clone()).key(legacy.name));
                            }
                            self.contradicted(key, elements, legacy.name, "old names beat", &setting, &origin);
                            self.read.legacy.push(LegacyUse {
                                name: legacy.name,
                                path: path.to_owned(),
                                origin: origin.clone(),
                            });
                            return Some((Some(setting), origin));
                        }
                        Err(wrong) if is_any_text(key) => {
                            self.problems.push(Problem::error(wrong.text).at(origin).key(path));
                            return Some((None, Origin::Default));
                        }
                        Err(wrong) => wrong.text,
                    },
                    Converted::Nothing => continue,
                    Converted::FallsThrough => legacy.how.expects().to_owned(),
                    Converted::Refused(wrong) => {
                        // Three keys come from this name; one message is enough.
                        if legacy.how == How::AuthEnabled {
                            self.problems.push(Problem::error(wrong).at(origin).key(legacy.name));
                        }
                        continue;
                    }
                };
                self.problems.push(Problem::warning(format!("{wrong}; it is passed over")).at(origin).key(legacy.name));
            }
        }
        None
    }

    fn node(&self, elements: &[&str]) -> Option<&'g Node> {
        elements.iter().try_fold(self.given.root, |node, name| node.as_object()?.get(*name))
    }

    /// Edits of the file that have no effect are the commonest of all riddles (spec/80 §13, legacy-override).
    fn contradicted(
        &mut self,
        key: &'static Key,
        elements: &[&str],
        name: &str,
        who_beats: &str,
        setting: &Setting,
        origin: &Origin,
    ) {
        let Some(node) = self.node(elements).filter(|node| matches!(node.origin, Origin::File { .. })) else { return };
        let Ok(other) = key.kind.read(node) else { return };
        if other != *setting {
            let (old, new) = (report::shown(key, setting), report::shown(key, &other));
            let text = format!(
                "{old} counts, as {who_beats} the file; {} at {} has no effect, remove one of them",
                new, node.origin
            );
            self.problems.push(Problem::warning(text).at(origin.clone()).key(name));
        }
    }

    fn legacy_values(&self, legacy: &Legacy) -> Vec<(String, Origin)> {
        let (file, entries) = self.given.legacy_file;
        let in_file = entries.iter().rev().find(|entry| entry.name == legacy.name);
        let in_file = in_file.map(|entry| (entry.value.clone(), entry.origin(file)));
        let in_system = self.given.sources.system.get(legacy.name);
        let in_system = in_system.map(|v| (v.to_owned(), Origin::SystemProperty(legacy.name.into())));
        // The one old name that the reference reads in the HOCON file too (spec/70 §6).
        let authentication = matches!(legacy.how, How::AuthEnabled | How::AuthType | How::AuthDomain);
        let in_hocon = self.given.root.get(legacy.name).filter(|_| authentication && in_system.is_none());
        let in_hocon = in_hocon.and_then(|node| match &node.value {
            Value::Text { text, .. } => Some((text.clone(), node.origin.clone())),
            _ => None,
        });
        in_file.into_iter().chain(in_system).chain(in_hocon).collect()
    }

    fn tree_value(&mut self, key: &'static Key, path: &str, elements: &[&str]) -> (Option<Setting>, Origin) {
        let node = self.node(elements);
        let unwritten = node.is_none_or(|node| node.origin.is_default());
        if unwritten {
            let weak = overriding(&self.weak, key);
            if let Some(value) = self.overridden(key, weak) {
                return value;
            }
        }
        let default = || key.default_node().and_then(|node| key.kind.read(&node).ok());
        let Some(node) = node else { return (default(), Origin::Default) };
        self.suspect(key, path, node);
        let (salvaged, wrong) = match &node.value {
            Value::Broken => return (default(), Origin::Default),
            Value::Null if key.default.is_none() => return (None, node.origin.clone()),
            Value::Null => (None, vec!["null hides the default; remove the line, or give a value".to_owned().into()]),
            _ => match key.kind.salvage(node) {
                (Some(setting), wrong) if wrong.is_empty() => return (Some(setting), node.origin.clone()),
                other => other,
            },
        };
        let refuse = match key.bad {
            Bad::Refuse => true,
            Bad::RefuseIf(other) => self.holds(other),
            Bad::UseDefault | Bad::UseInstead(_) => false,
        };
        let (instead, origin, until) = match (key.bad, salvaged, key.default) {
            (_, Some(setting), _) => (Some(setting), node.origin.clone(), "until then it is passed over".to_owned()),
            (Bad::UseInstead(other), ..) => {
                let setting = key.kind.read(&Node::new(Value::text(other), node.origin.clone())).ok();
                // Whoever wrote it wrote this.
                (setting, node.origin.clone(), format!("until then it counts as {other}"))
            }
            (_, _, Some("")) => (default(), Origin::Default, "until then it counts as empty".to_owned()),
            (_, _, Some(value)) => (default(), Origin::Default, format!("until then the default {value} is used")),
            (_, _, None) => (None, Origin::Default, "until then it counts as not set".to_owned()),
        };
        if origin.is_default() {
            // It was meant to be something else, which nobody can know.
            self.read.unknown.insert(path.to_owned());
        }
        for Wrong { text, at } in wrong.into_iter().take(limits::PROBLEMS) {
            let problem = match refuse {
                true => Problem::error(text),
                false => Problem::warning(format!("{text}; {until}")),
            };
            self.problems.push(problem.at(at.unwrap_or_else(|| node.origin.clone())).key(path));
        }
        (instead, origin)
    }

    /// Values that are allowed, and are probably not what the person thinks.
    fn suspect(&mut self, key: &Key, path: &str, node: &Node) {
        let (Value::Text { text, quoted }, Origin::File { .. }) = (&node.value, &node.origin) else { return };
        let bare_number = || text.trim().parse::<f64>().is_ok_and(|number| number > 0.0) && duration(text).is_ok();
        let seconds = |text: &str| duration(text).is_ok_and(|time| time >= Duration::from_secs(1));
        let seconds_meant = || {
            format!(
                "a number without a unit is milliseconds, so this is less than a second; write `{} seconds` if that is meant",
                text.trim()
            )
        };
        let said = if !quoted && is_in_odd_quotes(text) {
            "single and typographic quotes count as a part of the value; write double quotes instead".to_owned()
        } else if *quoted && text.contains("${") && text.contains('}') {
            "${…} within quotes is not replaced, nor is it in TOML; in HOCON write it outside of the quotes if it is meant".to_owned()
        } else if matches!(key.kind, Kind::Int(..)) && is_fraction(text) {
            "the fraction is cut off; write a whole number".to_owned()
        } else if matches!(key.kind, Kind::Duration(_))
            && bare_number()
            && !seconds(text)
            && key.default.is_some_and(seconds)
        {
            seconds_meant()
        } else {
            return;
        };
        self.problems.push(Problem::warning(said).at(node.origin.clone()).key(path));
    }

    /// Is another key, further up in the schema, true or set?
    fn holds(&self, path: &str) -> bool {
        match self.read.entries.get(path).and_then(|entry| entry.setting.as_ref()) {
            None | Some(Setting::Bool(false)) => false,
            Some(_) => true,
        }
    }
}

const VISITORS: [&str; 3] = ["jicofo", "xmpp", "visitors"];

/// Is a value, or what it is within, one that could not be resolved?
fn is_broken(root: &Node, path: &[&str]) -> bool {
    let mut node = root;
    for name in path {
        match node.as_object().and_then(|fields| fields.get(*name)) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    matches!(node.value, Value::Broken)
}

/// The reference takes any text for it, and then fails to log in: to pass it over would be to log in somewhere else.
fn is_any_text(key: &Key) -> bool {
    matches!(key.kind, Kind::Host | Kind::Localpart | Kind::Resource)
}

/// The last one said counts.
fn overriding(overrides: &[Override], key: &Key) -> Option<Override> {
    overrides.iter().rev().find(|over| over.key == key.path).cloned()
}
