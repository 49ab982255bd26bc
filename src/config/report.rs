//! What is effective and where it comes from, for people and for programs. Secrets are masked, always.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::schema::{Key, is_secret_name};
use super::settings::Entry;
use super::typed::Setting;
use super::{Loaded, Problem};

const MASK: &str = "******";

/// One line a key: `path = value  # origin`, in the order of the schema.
pub fn effective(loaded: &Loaded) -> String {
    let mut out = String::new();
    for (path, entry) in &loaded.settings.entries {
        let value = entry.setting.as_ref().map_or_else(|| "null".to_owned(), |setting| shown(entry.key, setting));
        let note = if entry.is_waiting() { ", not effective yet" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{path} = {value}  # {}{note}", entry.origin);
    }
    out
}

/// The same with the problems, for programs. What follows from half a file is no value: then there are none.
pub fn json(loaded: &Loaded) -> Json {
    let entries = loaded.settings.entries.iter().filter(|_| loaded.complete);
    let values = entries.map(|(path, entry)| (path.clone(), json_entry(entry)));
    json!({
        "valid": !loaded.refuses(),
        "complete": loaded.complete,
        "problems": loaded.problems.iter().map(json_problem).collect::<Vec<_>>(),
        "files": loaded.files.iter().map(|f| json!({ "path": f.path, "found": f.found })).collect::<Vec<_>>(),
        "notes": loaded.notes,
        "values": values.collect::<serde_json::Map<_, _>>(),
    })
}

fn json_entry(entry: &Entry) -> Json {
    json!({
        "value": entry.setting.as_ref().map(|setting| typed(entry.key, setting)),
        "origin": entry.origin.to_string(),
        "effective": entry.key.effective,
    })
}

/// A value in JSON's own types, durations as text with their unit.
fn typed(key: &Key, setting: &Setting) -> Json {
    match setting {
        _ if is_masked(key) => json!(MASK),
        Setting::Bool(value) => json!(value),
        Setting::Int(value) => json!(value),
        Setting::Double(value) => json!(value),
        Setting::Text(text) => json!(masked(text)),
        Setting::Duration(value) => json!(duration(*value)),
        Setting::Domain(jid) => json!(jid.to_string()),
        Setting::BareJid(jid) => json!(jid.to_string()),
        Setting::Domains(domains) => domains.iter().map(ToString::to_string).collect(),
        Setting::RegionGroups(groups) => json!(groups),
        Setting::Delays(delays) => {
            delays.iter().map(|(size, delay)| (size.to_string(), json!(delay.as_millis() as u64))).collect()
        }
        // All maps there are hold secrets; a new one is masked by name.
        Setting::Map(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), if is_secret_name(name) { json!(MASK) } else { json!(masked(value)) }))
            .collect(),
    }
}

fn json_problem(problem: &Problem) -> Json {
    let place = match &problem.origin {
        Some(super::Origin::File { file, line, column, .. }) => {
            let known = |number: &u32| Some(*number).filter(|number| *number > 0);
            (Some(file.to_string()), known(line), known(column))
        }
        _ => (None, None, None),
    };
    json!({
        "severity": problem.severity.word(),
        "origin": problem.origin.as_ref().map(ToString::to_string),
        "file": place.0,
        "line": place.1,
        "column": place.2,
        "via": problem.origin.as_ref().and_then(super::Origin::via),
        "key": problem.key,
        "text": problem.text,
    })
}

/// What was read from where, and what is on, for the log at the start.
pub fn summary(loaded: &Loaded) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &loaded.files {
        let path = file.path.display();
        lines.push(match (&file.included_at, file.found) {
            (None, true) => format!("Configuration file {path}"),
            (None, false) => format!("Configuration file {path} is not there, nothing is read from it"),
            (Some(at), true) => format!("Included file {path} (at {at})"),
            (Some(at), false) => format!("Included file {path} is not there (at {at})"),
        });
    }
    for used in &loaded.settings.legacy {
        lines.push(format!("Legacy name {} ({}) decides about {}", used.name, used.origin, used.path));
    }
    let overrides = loaded.settings.entries.iter().filter(|(_, entry)| {
        use super::Origin::*;
        matches!(entry.origin, Flag(_) | Environment(_))
    });
    let overrides: Vec<String> = overrides.map(|(path, entry)| format!("{path} ({})", entry.origin)).collect();
    if !overrides.is_empty() {
        lines.push(format!("From flags and environment: {}", overrides.join(", ")));
    }
    lines.push(connections(loaded));
    lines.extend(switches(loaded));
    lines.extend(loaded.notes.iter().cloned());
    lines
}

fn connections(loaded: &Loaded) -> String {
    let xmpp = &loaded.config.xmpp;
    let client = &xmpp.client.account;
    let mut line = format!("Client {}@{} via {}:{}", client.username, client.domain, client.hostname, client.port);
    if let Some(service) = &xmpp.service {
        let _ =
            write!(line, ", service {}@{} via {}:{}", service.username, service.domain, service.hostname, service.port);
    }
    if let Some(component) = &loaded.config.component {
        let _ = write!(line, ", component {} via {}:{}", component.domain, component.hostname, component.port);
    }
    match &loaded.config.bridge.brewery_jid {
        Some(room) => {
            let _ = write!(line, ", bridges in {room}");
        }
        None => line.push_str(", no bridges"),
    }
    line
}

/// What is on, and what is off and why: where nobody asked for it, the key that would.
fn switches(loaded: &Loaded) -> [String; 2] {
    let config = &loaded.config;
    let entry = |path: &str| loaded.settings.entries.get(path);
    let all = [
        ("several bridges a conference", config.octo.enabled, "jicofo.octo.enabled"),
        (
            "authentication",
            config.authentication.kind != super::AuthenticationType::None,
            "jicofo.authentication.enabled",
        ),
        ("bridge health checks", config.bridge.health_checks.enabled, "jicofo.bridge.health-checks.enabled"),
        ("health checks", config.health.enabled, "jicofo.health.enabled"),
        ("HTTP", config.rest.enabled && config.rest.port > 0, "jicofo.rest.enabled"),
        ("visitors", config.visitors.enabled, "jicofo.visitors.enabled"),
        ("recording", config.jibri.brewery_jid.is_some(), "jicofo.jibri.brewery-jid"),
        ("SIP gateways", config.jigasi.brewery_jid.is_some(), "jicofo.jigasi.brewery-jid"),
        ("transcription", config.transcription.url_template.is_some(), "jicofo.transcription.url-template"),
        ("tracing", config.tracing.is_some(), "tracing.enabled"),
    ];
    // A feature that is not there reads none of its section but, at most, where it would be.
    let is_there = |path: &str| {
        let section = path.rsplit_once('.').map_or(path, |(section, _)| section);
        let of_it = |known: &str| known.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
        loaded.settings.entries.iter().all(|(known, entry)| !of_it(known) || entry.key.effective)
    };
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for (name, is_on, path) in all {
        let Some(entry) = entry(path) else { continue };
        let why = match (&entry.origin, is_on) {
            (_, true) if !is_there(path) => " (not effective yet)".to_owned(),
            (_, true) => String::new(),
            (origin, false) if origin.is_default() && entry.setting.is_none() => format!(" ({path} is not set)"),
            (origin, false) if origin.is_default() => format!(" ({path} is off by default)"),
            (origin, false) => format!(" ({path}, {origin})"),
        };
        if is_on { &mut on } else { &mut off }.push(format!("{name}{why}"));
    }
    let listed = |names: Vec<String>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    [format!("On: {}", listed(on)), format!("Off: {}", listed(off))]
}

/// A value as HOCON would write it; a secret as stars, also within a URL.
pub fn shown(key: &Key, setting: &Setting) -> String {
    let hidden = is_masked(key);
    match setting {
        Setting::Map(map) => {
            // Which headers there are may be known, what they say may not.
            let fields = map.iter().map(|(name, value)| {
                let value = if hidden || is_secret_name(name) { MASK.to_owned() } else { quoted(&masked(value)) };
                format!("{} = {value}", quoted(name))
            });
            object(fields)
        }
        _ if hidden => MASK.to_owned(),
        Setting::Text(text) => quoted(&masked(text)),
        plain => written(plain),
    }
}

/// Where a secret is may be known.
fn is_masked(key: &Key) -> bool {
    let name = key.path.rsplit('.').next().unwrap_or_default();
    key.secret || (is_secret_name(name) && !name.ends_with("-file"))
}

/// A text without what may be a secret if it is a URL or a host: account and password before the `@`, and the values of
/// parameters. Rather too much than too little: a password may hold any character.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let (scheme, rest) = text.find("://").map_or(("", text), |at| text.split_at(at + 3));
    let is_url = !scheme.is_empty();
    // `room@domain` is no secret.
    let account = rest.rfind('@').filter(|at| is_url || rest[..*at].contains(':'));
    let place = account.map_or(rest, |at| &rest[at + 1..]);
    let start = place.find(['?', '#']).filter(|at| is_url || place[*at..].contains('='));
    if account.is_none() && start.is_none() {
        return Cow::Borrowed(text);
    }
    let (place, mut parameters) = place.split_at(start.unwrap_or(place.len()));
    let mut shown = format!("{scheme}{}{place}", if account.is_some() { "******@" } else { "" });
    let is_delimiter = |c| matches!(c, '?' | '&' | ';' | '#');
    while let Some(delimiter) = parameters.chars().next() {
        let rest = &parameters[delimiter.len_utf8()..];
        let (parameter, more) = rest.split_at(rest.find(is_delimiter).unwrap_or(rest.len()));
        let (name, value) = parameter.find('=').map_or(("", parameter), |at| parameter.split_at(at + 1));
        shown.push(delimiter);
        shown.push_str(name);
        shown.push_str(if value.is_empty() || is_placeholder(value) { value } else { MASK });
        parameters = more;
    }
    Cow::Owned(shown)
}

/// `{{MEETING_ID}}`
fn is_placeholder(text: &str) -> bool {
    let name = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
    name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
}

fn quoted(text: &str) -> String {
    json!(text).to_string()
}

/// A value as it is, secret or not.
pub(super) fn written(setting: &Setting) -> String {
    match setting {
        Setting::Map(map) => object(map.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))),
        Setting::Bool(value) => value.to_string(),
        Setting::Int(value) => value.to_string(),
        Setting::Double(value) => value.to_string(),
        Setting::Duration(value) => duration(*value),
        Setting::Text(text) => quoted(text),
        Setting::Domain(jid) => quoted(jid.as_ref()),
        Setting::BareJid(jid) => quoted(jid.as_ref().as_ref()),
        Setting::Domains(domains) => {
            format!("[{}]", domains.iter().map(|jid| quoted(jid.as_ref())).collect::<Vec<_>>().join(", "))
        }
        Setting::RegionGroups(groups) => json!(groups).to_string(),
        Setting::Delays(delays) => object(delays.iter().map(|(size, delay)| format!("{size} = {}", delay.as_millis()))),
    }
}

fn object(fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

/// In the largest unit that leaves no fraction.
pub(super) fn duration(value: std::time::Duration) -> String {
    let ns = value.as_nanos();
    let units = [("days", 86_400_000_000_000), ("hours", 3_600_000_000_000), ("minutes", 60_000_000_000)];
    let units = units.into_iter().chain([("seconds", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1)]);
    for (unit, size) in units {
        if ns >= size && ns % size == 0 {
            let count = ns / size;
            // `1 minute`, but `1 ms`.
            let unit = if count == 1 && unit.len() > 2 { unit.trim_end_matches('s') } else { unit };
            return format!("{count} {unit}");
        }
    }
    "0 ms".to_owned()
}
