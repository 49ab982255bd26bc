//! The environment: `JICOFO__XMPP__CLIENT__PORT=5223` reaches `jicofo.xmpp.client.port`, and so every key there is.
//!
//! Two underscores separate what dots separate in a file, one stands for the dash, and letter case does not matter; below
//! `JICOFO__TRACING` are the keys of `tracing`. Nobody sets such a name by accident, so it is stronger than every file and
//! weaker than the classic flags only. Lists and objects are written as JSON; a list of domains also with commas.

use super::hocon::{Node, Tree, Value, limits};
use super::java::is_unclosed;
use super::problem::{Origin, Problem};
use super::schema::{KEYS, Key};
use super::settings::Settings;
use super::similar;
use super::sources::Sources;
use super::typed::{Kind, is_fraction};

pub(super) const PREFIX: &str = "JICOFO__";

/// The others that the program, its start script or its test kit reads.
const READ: &[&str] = &[
    "JICOFO_AUTH_DOMAIN",
    "JICOFO_AUTH_PASSWORD",
    "JICOFO_AUTH_PASSWORD_FILE",
    "JICOFO_AUTH_USER",
    "JICOFO_HOST",
    "JICOFO_HOSTNAME",
    "JICOFO_LOG",
    "JICOFO_MAX_MEMORY",
    "JICOFO_MEASURE",
    "JICOFO_OPTS",
    "JICOFO_PORT",
    "JICOFO_PROGRAM",
    "JICOFO_SECRET",
    "JICOFO_SECRET_FILE",
];

/// Those that docker's images make a file of before the start, of today and of before (spec/80 §12).
const OF_CONTAINERS: &[&str] = &[
    "JICOFO_AUTH_LIFETIME",
    "JICOFO_AUTH_TYPE",
    "JICOFO_BRIDGE_REGION_GROUPS",
    "JICOFO_COMPONENT_SECRET",
    "JICOFO_CONF_INITIAL_PARTICIPANT_WAIT_TIMEOUT",
    "JICOFO_CONF_MAX_AUDIO_SENDERS",
    "JICOFO_CONF_MAX_VIDEO_SENDERS",
    "JICOFO_CONF_SINGLE_PARTICIPANT_TIMEOUT",
    "JICOFO_CONF_SOURCE_SIGNALING_DELAYS",
    "JICOFO_CONF_SSRC_REWRITING",
    "JICOFO_CONF_STRIP_SIMULCAST",
    "JICOFO_ENABLE_AUTH",
    "JICOFO_ENABLE_BRIDGE_HEALTH_CHECKS",
    "JICOFO_ENABLE_HEALTH_CHECKS",
    "JICOFO_ENABLE_ICE_FAILURE_DETECTION",
    "JICOFO_ENABLE_LOAD_REDISTRIBUTION",
    "JICOFO_ENABLE_MID",
    "JICOFO_ENABLE_REST",
    "JICOFO_HEALTH_CHECKS_USE_PRESENCE",
    "JICOFO_ICE_FAILURE_INTERVAL",
    "JICOFO_ICE_FAILURE_MIN_ENDPOINTS",
    "JICOFO_ICE_FAILURE_THRESHOLD",
    "JICOFO_LOG_FILE",
    "JICOFO_MULTI_STREAM_BACKWARD_COMPAT",
    "JICOFO_OCTO_REGION",
    "JICOFO_RESERVATION_ENABLED",
    "JICOFO_RESERVATION_REST_BASE_URL",
    "JICOFO_RESTART_REQUEST_INTERVAL",
    "JICOFO_RESTART_REQUEST_MAX",
    "JICOFO_REST_PORT",
    "JICOFO_SHORT_ID",
    "JICOFO_SOURCE_SIGNALING_DELAYS",
    "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_ID",
    "JICOFO_TRANSLATION_CF_ACCESS_CLIENT_SECRET",
    "JICOFO_TRANSLATION_URL_TEMPLATE",
    "JICOFO_TRUSTED_DOMAINS",
    "JICOFO_VISITORS_REQUIRE_MUC_CONFIG",
];

/// Does a value come from such a variable?
pub(super) fn is_override(origin: &Origin) -> bool {
    matches!(origin, Origin::Environment(name) if name.starts_with(PREFIX))
}

/// Puts the variables over all that the tree has.
pub fn define(sources: &Sources, tree: &mut Tree, problems: &mut Vec<Problem>) {
    for (name, value) in &sources.environment {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let origin = Origin::Environment(name.as_str().into());
        let path = path(rest);
        let shown: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(key) = KEYS.iter().find(|key| key.matches(&shown)) else {
            // Of so many nobody reads more.
            if problems.len() >= limits::PROBLEMS {
                continue;
            }
            let guesses: Vec<String> = similar::keys(&shown).iter().map(|known| variable(known)).collect();
            let text = match similar::question(&guesses) {
                Some(question) => format!("there is no such key; {question}"),
                None => "there is no such key; remove the variable".to_owned(),
            };
            problems.push(Problem::warning(text).at(origin).key(path.join(".")));
            continue;
        };
        match node(key, value, &origin) {
            Ok(node) => tree.define(&path, node),
            Err(wrong) => problems.push(Problem::error(wrong).at(origin).key(path.join("."))),
        }
    }
}

/// `JICOFO_XMPP_CLIENT_PORT`, meant for a key that nothing else sets. Docker has variables of such names of its own, which it
/// writes into the file.
pub(super) fn misspelt(sources: &Sources, settings: &Settings, problems: &mut Vec<Problem>) {
    for name in sources.environment.keys().filter(|name| name.starts_with("JICOFO_") && !name.starts_with(PREFIX)) {
        let flat = |path: &str| variable(path).replace("__", "_");
        let meant = KEYS.iter().find(|key| flat(key.path) == *name);
        let meant = match meant {
            Some(key) if settings.entries.get(key.path).is_some_and(|e| e.origin.is_default()) => variable(key.path),
            Some(_) => continue,
            None => match misspelt_name(name) {
                Some(known) => known.to_owned(),
                None => continue,
            },
        };
        if problems.len() >= limits::PROBLEMS {
            return;
        }
        let text = format!("nothing reads this variable; did you mean {meant}?");
        problems.push(Problem::warning(text).at(Origin::Environment(name.as_str().into())));
    }
}

/// The variable that is probably meant by a name that nothing reads.
pub fn misspelt_name(name: &str) -> Option<&'static str> {
    // Kubernetes tells each pod of a service called jicofo by such names.
    let of_cluster =
        name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.starts_with("JICOFO_PORT_");
    let known = || READ.iter().chain(OF_CONTAINERS).copied();
    if of_cluster || !name.starts_with("JICOFO_") || known().any(|known| known == name) {
        return None;
    }
    similar::variable(name, known())
}

/// Variables that a start reads, and cannot. The secrets are looked at where they are used.
pub(super) fn unreadable(sources: &Sources, problems: &mut Vec<Problem>) {
    for name in &sources.unreadable {
        let text = "is not UTF-8, so nothing of it is read; set it to UTF-8 text";
        let problem = match name.as_str() {
            "JAVA_SYS_PROPS" => Problem::error(text),
            "JICOFO_LOG" | "RUST_LOG" => Problem::warning(text),
            name if name.starts_with(PREFIX) || name.starts_with("net.java.sip.communicator.SC_HOME_DIR_") => {
                Problem::error(text)
            }
            _ => continue,
        };
        problems.push(problem.at(Origin::Environment(name.as_str().into())));
    }
    let words = sources.environment.get("JAVA_SYS_PROPS");
    if words.is_some_and(|words| is_unclosed(words)) {
        let text = "a quote in it is never closed, so all that comes after it counts as one word; close it";
        problems.push(Problem::warning(text).at(Origin::Environment("JAVA_SYS_PROPS".into())));
    }
}

fn path(rest: &str) -> Vec<String> {
    let mut path: Vec<String> =
        rest.split("__").map(|element| element.to_ascii_lowercase().replace('_', "-")).collect();
    if path.first().is_none_or(|first| first != "tracing") {
        path.insert(0, "jicofo".to_owned());
    }
    path
}

/// The variable of a key.
pub fn variable(path: &str) -> String {
    let path = path.strip_prefix("jicofo.").unwrap_or(path);
    format!("{PREFIX}{}", path.to_ascii_uppercase().replace('.', "__").replace('-', "_"))
}

fn node(key: &Key, text: &str, origin: &Origin) -> Result<Node, String> {
    let structured = matches!(key.kind, Kind::Domains | Kind::RegionGroups | Kind::Delays | Kind::Map);
    if !structured {
        let node = Node::new(Value::text(text), origin.clone());
        // What else is wrong is judged with all other values.
        return match matches!(key.kind, Kind::Int(..)) && is_fraction(text) {
            true => key.kind.read_exactly(&node).map(|_| node).map_err(|wrong| wrong.text),
            false => Ok(node),
        };
    }
    let json = serde_json::from_str::<serde_json::Value>(text);
    match (json, key.kind) {
        (Ok(json), _) if json.is_array() || json.is_object() => Ok(from_json(json, origin)),
        (_, Kind::Domains) if !text.trim_start().starts_with('[') => {
            let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
            let elements = parts.map(|part| Node::new(Value::text(part), origin.clone())).collect();
            Ok(Node::new(Value::List(elements), origin.clone()))
        }
        _ => Err(format!("expected {} as JSON; write {}", key.kind.describe(), example(key.kind))),
    }
}

fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Domains => r#"["a.example","b.example"]"#,
        Kind::RegionGroups => r#"[["a","b"],["c","d"]]"#,
        Kind::Delays => r#"{"50":500}"#,
        _ => r#"{"name":"value"}"#,
    }
}

/// `serde_json` bounds the depth.
fn from_json(json: serde_json::Value, origin: &Origin) -> Node {
    use serde_json::Value as Json;
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Text { text: value.to_string(), quoted: false },
        Json::Number(number) => Value::Text { text: number.to_string(), quoted: false },
        Json::String(text) => Value::text(text),
        Json::Array(elements) => Value::List(elements.into_iter().map(|element| from_json(element, origin)).collect()),
        Json::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, field)| (name, from_json(field, origin))).collect())
        }
    };
    Node::new(value, origin.clone())
}
