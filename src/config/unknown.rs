//! Names that nothing reads: what a person meant by them is worth a guess (spec/70 §1, §6, §7).

use std::collections::HashSet;

use super::hocon::{Node, Value, limits};
use super::java::{SystemProperties, is_of_the_machine};
use super::legacy::{How, OF_SHIBBOLETH, OURS, is_of_shibboleth};
use super::problem::{Origin, Problem};
use super::properties::Property;
use super::schema::{KEYS, RETIRED, element, is_retired, joined};
use super::similar;
use super::typed::boolean;

/// The names at the root that are read.
const ROOTS: [&str; 2] = ["jicofo", "tracing"];

/// Keys of the files (and `-D`) that are in no schema. `referenced`: what substitutions name at the root.
/// Returns the keys that were meant, where there is one guess at them.
pub(super) fn keys(root: &Node, referenced: &HashSet<String>, problems: &mut Vec<Problem>) -> Vec<String> {
    let mut path = Vec::new();
    for section in ROOTS {
        if let Some(node) = root.get(section) {
            path.push(section);
            walk(node, &mut path, problems);
            path.pop();
        }
    }
    let Some(fields) = root.as_object() else { return Vec::new() };
    for (name, node) in fields {
        let from_file = matches!(node.origin, Origin::File { .. });
        if from_file && !ROOTS.contains(&name.as_str()) && problems.len() < limits::PROBLEMS {
            other_root(name, node, referenced.contains(name), problems);
        }
    }
    let meant = |problem: &Problem| Some(problem.text.split_once("did you mean ")?.1.strip_suffix('?')?.to_owned());
    problems.iter().filter_map(meant).collect()
}

fn walk<'n>(node: &'n Node, path: &mut Vec<&'n str>, problems: &mut Vec<Problem>) {
    // Most of the tree is the schema's own. What could not be resolved was told.
    let is_known = node.origin.is_default() || node.value == Value::Broken;
    if is_known || problems.len() >= limits::PROBLEMS || KEYS.iter().any(|key| key.matches(path)) {
        return;
    }
    let shown = joined(path.iter().copied());
    let within_schema = is_section(path);
    let holds_retired = RETIRED.iter().any(|retired| retired.starts_with(&format!("{shown}.")));
    match node.as_object() {
        Some(fields) if within_schema || holds_retired => {
            for (name, node) in fields {
                path.push(name);
                walk(node, path, problems);
                path.pop();
            }
        }
        None if within_schema => {
            let text = no_section(node, path);
            problems.push(Problem::warning(text).at(node.origin.clone()).key(shown));
        }
        _ if is_retired(&shown) || is_copied_from_client(path) => {}
        _ => {
            let text = unknown(node, path);
            problems.push(Problem::warning(text).at(node.origin.clone()).key(shown));
        }
    }
}

fn is_section(path: &[&str]) -> bool {
    KEYS.iter().any(|key| key.is_within(path))
}

fn is_known(path: &[&str]) -> bool {
    is_section(path) || KEYS.iter().any(|key| key.matches(path))
}

/// What to say of a path that nothing reads.
fn unknown(node: &Node, path: &[&str]) -> String {
    if let Some(text) = quoted_dots(path).or_else(|| path.last().and_then(|name| odd_quotes(name))) {
        return text;
    }
    if is_of_shibboleth(&joined(path.iter().copied())) {
        return OF_SHIBBOLETH.to_owned();
    }
    let (what, guesses) = match node.as_object() {
        Some(_) => ("section", similar::sections(path)),
        None => match similar::keys(path) {
            none if none.is_empty() => ("key", similar::sections(path)),
            keys => ("key", keys),
        },
    };
    match similar::question(&guesses) {
        Some(question) => format!("there is no such {what}; {question}"),
        None => format!("there is no such {what}; remove it"),
    }
}

/// `"jicofo.rest.port" = 1`: in JSON and TOML too, quotes make one name of it.
fn quoted_dots(path: &[&str]) -> Option<String> {
    let split: Vec<&str> = path.iter().flat_map(|element| element.split('.')).collect();
    let text = "quotes make this one name, so it is not read; write it without quotes, or as objects within each other";
    (split.len() > path.len() && is_known(&split)).then(|| text.to_owned())
}

/// What to write instead of a value, where a section has to be.
fn no_section(node: &Node, path: &[&str]) -> String {
    let shown = joined(path.iter().copied());
    let advice = match &node.value {
        Value::Text { text, .. } if boolean(text).is_some() && is_known(&[path, &["enabled"]].concat()) => {
            format!("write {shown}.enabled = {text}")
        }
        Value::List(_) if shown == "jicofo.xmpp.visitors" => "give each node a name: visitors { v1 { … } }".to_owned(),
        _ => format!("write {shown} {{ … }}"),
    };
    format!("is a section, but {} stands here, so that nothing of it is read; {advice}", node.value.kind())
}

/// Quotes that are none for these files.
fn odd_quotes(name: &str) -> Option<String> {
    let text = "single and typographic quotes count as a part of the name; write double quotes, or none";
    is_in_odd_quotes(name).then(|| text.to_owned())
}

/// `'x'`, `“x”`
pub(super) fn is_in_odd_quotes(text: &str) -> bool {
    const ODD: [char; 9] = ['\'', '“', '”', '„', '‘', '’', '‚', '«', '»'];
    text.chars().count() > 2 && text.starts_with(ODD) && text.ends_with(ODD)
}

/// `service = ${jicofo.xmpp.client} { … }` brings along what only the client connection has.
fn is_copied_from_client(path: &[&str]) -> bool {
    let name = match path {
        ["jicofo", "xmpp", "service", name] | ["jicofo", "xmpp", "visitors", _, name] => name,
        _ => return false,
    };
    KEYS.iter().any(|key| key.path.strip_prefix("jicofo.xmpp.client.").is_some_and(|known| known == *name))
}

/// What stands beside `jicofo { … }`: old names, sections that got out by a brace too many, misspelt roots. People may keep
/// values of their own there, and of other programs; there is nothing to say about those.
fn other_root(name: &str, node: &Node, is_referenced: bool, problems: &mut Vec<Problem>) {
    if old_names(&mut vec![name], node, problems) || is_referenced {
        return;
    }
    let text = if let Some(text) = quoted_dots(&[name]).or_else(|| odd_quotes(name)) {
        text
    } else if name.starts_with("JICOFO_") && node.as_object().is_none() {
        "variables of the environment are not read from here; is this a file for --environment-file?".to_owned()
    } else if let Some(root) = ROOTS.into_iter().find(|root| is_like_root(name, root, node)) {
        format!("nothing reads this; did you mean {root}?")
    } else if let Some(section) = section_outside(name, node) {
        format!("stands outside of jicofo and has no effect there; did you mean {section}?")
    } else {
        return;
    };
    problems.push(Problem::warning(text).at(node.origin.clone()).key(element(name)));
}

/// `jicof`, `Jicofo`, or any name above sections of ours.
fn is_like_root(name: &str, root: &str, node: &Node) -> bool {
    // Of the bridge, which has sections of the same names.
    if ["videobridge", "ice4j", "jmt"].contains(&name) {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let sections = |(name, node): (&String, &Node)| node.as_object().is_some() && is_section(&[root, name]);
    similar::distance(&lower, root) <= 2 || root == ROOTS[0] && node.as_object().is_some_and(|o| o.iter().any(sections))
}

/// The key or section that this would be within `jicofo`, as its name or, where the name is not quite right, its contents show.
fn section_outside(name: &str, node: &Node) -> Option<String> {
    let path = ["jicofo", name];
    let Some(fields) = node.as_object() else {
        return KEYS.iter().any(|key| key.matches(&path)).then(|| path.join("."));
    };
    if is_section(&path) {
        return Some(path.join("."));
    }
    let holds = |section: &String| {
        let section: Vec<&str> = section.split('.').collect();
        fields.keys().any(|name| is_known(&[section.as_slice(), &[name]].concat()))
    };
    similar::sections(&path).into_iter().find(holds)
}

/// Names from before this file, which are read elsewhere (spec/70 §6). False: there are none.
fn old_names<'n>(path: &mut Vec<&'n str>, node: &'n Node, problems: &mut Vec<Problem>) -> bool {
    let shown = path.join(".");
    let is_old = OURS.iter().any(|prefix| shown.starts_with(prefix));
    let leads_there = OURS.iter().any(|prefix| prefix.starts_with(&format!("{shown}.")));
    if problems.len() >= limits::PROBLEMS || !(is_old || leads_there) {
        return is_old || leads_there;
    }
    if let Some(fields) = node.as_object() {
        for (name, node) in fields {
            path.push(name);
            old_names(path, node, problems);
            path.pop();
        }
        return true;
    }
    let known = is_old_name(&shown);
    // This one is read here too, if it is not one name in quotes.
    let is_read = shown == "org.jitsi.jicofo.auth.URL" && path.len() > 1;
    if is_read || !matches!(node.origin, Origin::File { .. }) || !is_old {
        return true;
    }
    let text = match known.then(|| successor(&shown)).flatten() {
        Some(key) => format!("old names have no effect in this file; write {key} instead"),
        None => format!("old names have no effect in this file; {}", dead(&shown)),
    };
    problems.push(Problem::warning(text).at(node.origin.clone()).key(shown));
    true
}

/// The key that an old name decides about in the first place.
fn successor(name: &str) -> Option<&'static str> {
    let uses = || KEYS.iter().flat_map(|key| key.legacy.iter().map(move |legacy| (key, legacy)));
    let of_it = |side: bool| {
        let aside = |how: How| matches!(how, How::Present | How::Positive | How::AuthEnabled);
        uses().find(move |(_, legacy)| legacy.name == name && aside(legacy.how) == side)
    };
    of_it(false).or_else(|| of_it(true)).map(|(key, _)| key.path)
}

/// What to do about an old name that nothing reads.
fn dead(name: &str) -> String {
    match similar::legacy(name) {
        _ if is_of_shibboleth(name) => OF_SHIBBOLETH.to_owned(),
        Some(known) => match successor(known) {
            Some(key) => format!("did you mean {known}, now {key}?"),
            None => format!("did you mean {known}?"),
        },
        None => "remove it".to_owned(),
    }
}

/// Names in `sip-communicator.properties` that nothing reads there: they never fail (spec/10 §8).
pub(super) fn legacy_names(file: &str, entries: &[Property], problems: &mut Vec<Problem>) {
    let mut said = HashSet::new();
    for entry in entries {
        let Some(text) = unread(&entry.name).filter(|_| said.insert(&entry.name)) else { continue };
        if said.len() > limits::PROBLEMS {
            return;
        }
        problems.push(Problem::warning(text).at(entry.origin(file)).key(entry.name.clone()));
    }
}

fn unread(name: &str) -> Option<String> {
    if is_old_name(name) {
        return None;
    }
    if is_of_shibboleth(name) {
        return Some(OF_SHIBBOLETH.to_owned());
    }
    let path: Vec<&str> = name.split('.').collect();
    if ROOTS.contains(&path[0]) {
        let here = "names of the new configuration have no effect in this file";
        return Some(match KEYS.iter().find(|key| key.matches(&path)) {
            Some(key) => match key.legacy.first() {
                Some(legacy) => format!("{here}; write {} here, or this into jicofo.conf", legacy.name),
                None => format!("{here}; write it into jicofo.conf"),
            },
            None => match similar::question(&similar::keys(&path)) {
                Some(question) => format!("{here}, and there is no such key; {question}"),
                None => format!("{here}; remove it"),
            },
        });
    }
    let guess = similar::legacy(name).map(|known| format!("there is no such name; did you mean {known}?"));
    guess.or_else(|| is_ours(name).then(|| "has no effect any more; remove it".to_owned()))
}

fn is_old_name(name: &str) -> bool {
    KEYS.iter().any(|key| key.legacy.iter().any(|legacy| legacy.name == name))
}

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|prefix| name.starts_with(prefix))
}

/// System properties and words that mean nothing here.
pub(super) fn system(system: &SystemProperties, referenced: &HashSet<String>, problems: &mut Vec<Problem>) {
    let mut said = HashSet::new();
    for (name, _) in &system.properties {
        let Some(text) = unread_property(name, referenced).filter(|_| said.insert(name)) else { continue };
        if said.len() > limits::PROBLEMS {
            break;
        }
        problems.push(Problem::warning(text).at(Origin::SystemProperty(name.as_str().into())));
    }
    for word in system.unknown.iter().take(limits::PROBLEMS) {
        // Only a name: what comes after it, or after a blank, may be a secret.
        let name = word.strip_prefix('-').map(|name| name.split(['=', ':']).next().unwrap_or_default());
        let what = name.map_or_else(|| "a word that is no flag".to_owned(), |name| format!("-{name}"));
        let text = format!("{what} means nothing here; remove it, and quote values that have blanks");
        problems.push(Problem::warning(text).at(Origin::Environment("JAVA_SYS_PROPS".into())));
    }
}

/// What those that begin like a known root mean is said where all keys are looked at.
fn unread_property(name: &str, referenced: &HashSet<String>) -> Option<String> {
    let path: Vec<&str> = name.split('.').collect();
    let empty = path.iter().any(|element| element.is_empty()) || path.len() > limits::DEPTH;
    if !empty
        && (ROOTS.contains(&path[0])
            || name == "config.file"
            || name.starts_with("net.java.sip.communicator.")
            || is_of_the_machine(name)
            || is_old_name(name)
            || referenced.contains(path[0]))
    {
        return None;
    }
    if is_of_shibboleth(name) {
        return Some(OF_SHIBBOLETH.to_owned());
    }
    let key = || similar::question(&similar::keys(&path));
    let old = || similar::legacy(name).map(|known| format!("did you mean {known}?"));
    Some(match old().or_else(key) {
        Some(question) => format!("nothing reads this property; {question}"),
        None if is_ours(name) => "has no effect any more; remove it".to_owned(),
        None => "nothing reads this property; remove it".to_owned(),
    })
}
