//! `/etc/jitsi/jicofo/config`, the shell fragment that old init scripts source (spec/10 §9, §10.1): `NAME=value` lines whose
//! variables became flags.

use std::collections::BTreeMap;

use super::java::split_words;

/// The variables that old init scripts passed as flags.
const PASSED: &[(&str, &str)] = &[
    ("JICOFO_HOST", "host"),
    ("JICOFO_HOSTNAME", "domain"),
    ("JICOFO_PORT", "port"),
    ("JICOFO_AUTH_USER", "user_name"),
    ("JICOFO_AUTH_DOMAIN", "user_domain"),
];

/// The variables, in the shell's quoting; `$NAME` and `${NAME}` are variables set further up, or `environment`'s. What is more
/// than an assignment is passed over.
pub fn parse(text: &str, environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = line.split_once('=') else { continue };
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name {
            continue;
        }
        let value = expand(value, |name| found.get(name).or_else(|| environment.get(name)).cloned());
        found.insert(name.to_owned(), split_words(&value).into_iter().next().unwrap_or_default());
    }
    found
}

/// The arguments that an old init script made of the variables; none in a modern installation, which has none of them.
pub fn arguments(variables: &BTreeMap<String, String>) -> Vec<String> {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let mut arguments: Vec<String> =
        PASSED.iter().filter_map(|(name, flag)| Some(format!("--{flag}={}", given(name)?))).collect();
    arguments.extend(given("JICOFO_OPTS").map(|words| split_words(words)).unwrap_or_default());
    arguments
}

/// Replaces variables outside of single quotes. A backslash protects what follows.
fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut single = false;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' => single = !single,
            '\\' if !single => {
                out.push(c);
                if let Some(next) = rest.chars().next() {
                    out.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                continue;
            }
            '$' if !single => {
                let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let (name, after) = braced.unwrap_or_else(|| rest.split_at(end));
                if !name.is_empty() {
                    out.push_str(&lookup(name).unwrap_or_default());
                    rest = after;
                    continue;
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}
