//! Names that nothing reads: what a person meant by them is worth a guess (spec/70 §1, §7).

use super::hocon::{Node, limits};
use super::java::{SystemProperties, is_of_the_machine};
use super::legacy::OURS;
use super::problem::{Origin, Problem};
use super::properties::Property;
use super::schema::{KEYS, RETIRED, is_retired, nearest};

/// Keys of the files (and `-D`) that are in no schema.
pub(super) fn keys(root: &Node, problems: &mut Vec<Problem>) {
    let mut path = Vec::new();
    for section in ["jicofo", "tracing"] {
        if let Some(node) = root.get(section) {
            path.push(section);
            walk(node, &mut path, problems);
            path.pop();
        }
    }
    misplaced(root, problems);
}

fn walk<'n>(node: &'n Node, path: &mut Vec<&'n str>, problems: &mut Vec<Problem>) {
    // Most of the tree is the schema's own.
    if node.origin.is_default() || problems.len() >= limits::PROBLEMS || KEYS.iter().any(|key| key.matches(path)) {
        return;
    }
    let shown = path.join(".");
    let within_schema = KEYS.iter().any(|key| key.is_within(path));
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
            let text = format!("is a section, but {} stands here; write {{ … }}", node.value.kind());
            problems.push(Problem::warning(text).at(node.origin.clone()).key(shown));
        }
        _ if is_retired(&shown) || is_copied_from_client(path) => {}
        _ => {
            let text = match nearest(&shown) {
                Some(known) => format!("there is no such key; did you mean {known}?"),
                None => "there is no such key; remove it".to_owned(),
            };
            problems.push(Problem::warning(text).at(node.origin.clone()).key(shown));
        }
    }
}

/// `service = ${jicofo.xmpp.client} { … }` brings along what only the client connection has.
fn is_copied_from_client(path: &[&str]) -> bool {
    let name = match path {
        ["jicofo", "xmpp", "service", name] | ["jicofo", "xmpp", "visitors", _, name] => name,
        _ => return false,
    };
    KEYS.iter().any(|key| key.path.strip_prefix("jicofo.xmpp.client.").is_some_and(|known| known == *name))
}

/// Sections that stand outside `jicofo { … }`, by a brace too many.
fn misplaced(root: &Node, problems: &mut Vec<Problem>) {
    let Some(fields) = root.as_object() else { return };
    for (name, node) in fields {
        let from_file = matches!(node.origin, Origin::File { .. });
        let section = ["jicofo", name.as_str()];
        if from_file && node.as_object().is_some() && KEYS.iter().any(|key| key.is_within(&section)) {
            let text = format!("stands outside of jicofo and has no effect there; did you mean jicofo.{name}?");
            problems.push(Problem::warning(text).at(node.origin.clone()).key(name.clone()));
        }
    }
}

/// Legacy names that nothing reads any more: they never fail (spec/10 §8).
pub(super) fn legacy_names(file: &str, entries: &[Property], problems: &mut Vec<Problem>) {
    for entry in entries.iter().filter(|entry| is_dead(&entry.name)).take(limits::PROBLEMS) {
        let origin = Origin::File { file: file.into(), line: entry.line, column: 0 };
        problems.push(Problem::warning("has no effect any more; remove it").at(origin).key(entry.name.clone()));
    }
}

fn is_dead(name: &str) -> bool {
    let known = KEYS.iter().any(|key| key.legacy.iter().any(|legacy| legacy.name == name));
    !known && OURS.iter().any(|prefix| name.starts_with(prefix))
}

/// System properties and words that mean nothing here.
pub(super) fn system(system: &SystemProperties, problems: &mut Vec<Problem>) {
    for (name, _) in &system.properties {
        let ours =
            ["jicofo.", "tracing.", "net.java.sip.communicator.", "org.jitsi."].iter().any(|p| name.starts_with(p));
        if name == "config.file" || (ours && !is_dead(name)) || is_of_the_machine(name) {
            continue;
        }
        // It can still be meant for a substitution.
        let text = "nothing reads this property, except a substitution in the configuration; remove it";
        problems.push(Problem::warning(text).at(Origin::SystemProperty(name.as_str().into())));
    }
    for word in &system.unknown {
        // Only a name: what comes after it, or after a blank, may be a secret.
        let name = word.strip_prefix('-').map(|name| name.split(['=', ':']).next().unwrap_or_default());
        let what = name.map_or_else(|| "a word that is no flag".to_owned(), |name| format!("-{name}"));
        let text = format!("{what} in JAVA_SYS_PROPS means nothing here; remove it, and quote values that have blanks");
        problems.push(Problem::warning(text));
    }
}
