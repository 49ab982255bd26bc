//! Which keys do something: the schema's marks against what the program reads. `check-config` tells people "not effective yet"
//! by these marks, so they must not drift: whoever begins to read a value of [`jicofo::config::Config`] takes `.later()` from its
//! key, and whoever stops puts it there.
//!
//! It goes by names in the source: a field counts as read where `….section.field` is written, or `….field` in a file that
//! imports the struct. That is coarse, but errs only where two structs of one file share a field's name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jicofo::config::schema::KEYS;

/// Keys that the configuration itself uses up, or that have no effect on purpose.
const WITHOUT_A_READER: &[&str] = &[
    // By a method of its section.
    "jicofo.conference.source-signaling-delays",
    "jicofo.xmpp.client.anonymous",
    "jicofo.xmpp.client.enabled",
    "jicofo.xmpp.service.enabled",
    "jicofo.xmpp.service.xmpp-domain",
    "jicofo.xmpp.component.subdomain",
    "jicofo.authentication.enabled",
    // By a method of its section: health checks of our own make rooms there.
    "jicofo.xmpp.client.conference-muc-jid",
];

/// Keys that are read, but not for what they are for, which is not there yet.
const READ_BESIDE: &[&str] = &[
    // These rooms are entered, and who is there is counted; nothing is recorded and nobody called yet.
    "jicofo.jibri.brewery-jid",
    "jicofo.jibri-sip.brewery-jid",
    "jicofo.jigasi.brewery-jid",
];

/// Where a field's path is not its key's.
const RENAMED: &[(&str, &str)] = &[
    ("xmpp.client.account.", "xmpp.client."),
    ("xmpp.visitors.account.", "xmpp.visitors.*."),
    ("xmpp.visitors.", "xmpp.visitors.*."),
    ("component.", "xmpp.component."),
    ("authentication.kind", "authentication.type"),
    ("recording.sip-brewery-jid", "jibri-sip.brewery-jid"),
    ("recording.", "jibri."),
    ("conference.shared-document-random-name", "conference.shared-document.use-random-name"),
    ("rest.prometheus", "rest.prometheus.enabled"),
    ("rest.conference-request", "rest.conference-request.enabled"),
    ("rest.move-endpoints", "rest.move-endpoints.enabled"),
    ("rest.debug", "rest.debug.enabled"),
    ("rest.pin", "rest.pin.enabled"),
    ("translation.service.ping-", "translation.ping."),
    ("translation.service.", "translation."),
    ("transcription.ping-", "transcription.ping."),
    ("logging.json", "logging.format"),
];

type Structs = BTreeMap<String, Vec<(String, String)>>;

/// Structs of src/config/tree.rs with their fields and types.
fn structs(text: &str) -> Structs {
    let mut structs = Structs::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("pub struct ").and_then(|rest| rest.strip_suffix(" {")) {
            current = Some(name.to_owned());
        } else if line == "}" {
            current = None;
        } else if let Some((name, kind)) = line.strip_prefix("    pub ").and_then(|field| field.split_once(": "))
            && let Some(owner) = &current
        {
            structs.entry(owner.clone()).or_default().push((name.to_owned(), kind.trim_end_matches(',').to_owned()));
        }
    }
    structs
}

/// A value: the fields that lead to it, and the struct that has the last one.
struct Leaf {
    fields: Vec<String>,
    owner: String,
}

fn leaves(structs: &Structs, owner: &str, above: &[String], found: &mut Vec<Leaf>) {
    for (name, kind) in &structs[owner] {
        let fields = [above, std::slice::from_ref(name)].concat();
        let words: Vec<&str> = kind.split(|c: char| !c.is_alphanumeric()).collect();
        match words.iter().find(|word| structs.contains_key(**word)) {
            Some(inner) => leaves(structs, inner, &fields, found),
            None => found.push(Leaf { fields, owner: owner.to_owned() }),
        }
    }
}

fn key_of(fields: &[String]) -> String {
    let path = fields.join(".").replace('_', "-");
    let renamed =
        RENAMED.iter().find(|(from, _)| path == *from || (from.ends_with(['.', '-']) && path.starts_with(from)));
    let path = renamed.map_or(path.clone(), |(from, to)| path.replacen(from, to, 1));
    if path.starts_with("tracing.") { path } else { format!("jicofo.{path}") }
}

/// What one file says: chains of names joined by dots, and all words.
struct Source {
    chains: Vec<Vec<String>>,
    /// The structs that it imports from the configuration.
    imports: BTreeSet<String>,
}

fn sources() -> Vec<Source> {
    fn collect(path: &Path, found: &mut Vec<Source>) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("the sources can be read").flatten();
            entries.filter(|entry| entry.file_name() != "config").for_each(|entry| collect(&entry.path(), found));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(path).expect("the sources can be read");
            found.push(source(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()));
        }
    }
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

fn source(text: &str) -> Source {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let mut joined = code.join("\n");
    // A chain that goes over lines.
    while let Some(at) = joined.find("\n.").or_else(|| joined.find(" .")) {
        joined.remove(at);
    }
    let joined: String = joined.split('\n').map(str::trim_start).collect::<Vec<_>>().join("\n").replace("\n.", ".");
    let chains = joined.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
    let chains: Vec<Vec<String>> =
        chains.filter(|chain| !chain.is_empty()).map(|chain| chain.split('.').map(str::to_owned).collect()).collect();
    let imported = text.split("config::").skip(1).map(|rest| match rest.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default(),
        None => rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default(),
    });
    let words = imported.flat_map(|list| list.split(|c: char| !c.is_alphanumeric()));
    Source { chains, imports: words.map(str::to_owned).collect() }
}

fn is_read(leaf: &Leaf, sources: &[Source]) -> bool {
    let Some((field, section)) = leaf.fields.split_last() else { return false };
    sources.iter().any(|source| {
        // `let config = &cx.config.conference;`: from then on the section is called by another name.
        let renamed = source
            .chains
            .iter()
            .any(|chain| chain.len() > 1 && chain.last() == section.last() && chain.contains(&"config".to_owned()));
        source.chains.iter().any(|chain| {
            chain.windows(2).any(|pair| {
                let of_section = section.last() == Some(&pair[0]);
                pair[1] == *field && (of_section || renamed || source.imports.contains(&leaf.owner))
            })
        })
    })
}

#[test]
fn the_marks_of_the_schema_say_what_the_program_reads() {
    let tree =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/tree.rs")).expect("it is there");
    let structs = structs(&tree);
    let mut all = Vec::new();
    leaves(&structs, "Config", &[], &mut all);
    let mut uses: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for leaf in &all {
        uses.entry(&leaf.owner).or_default().insert(leaf.fields[..leaf.fields.len() - 1].join("."));
    }
    let sources = sources();
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    for leaf in &all {
        let path = key_of(&leaf.fields);
        let Some(key) = KEYS.iter().find(|key| key.path == path) else {
            wrong.push(format!("{} is no key ({path})", leaf.fields.join(".")));
            continue;
        };
        known.insert(key.path);
        // What is read of a struct that is there several times (an account) may be read of another one.
        let shared = uses[leaf.owner.as_str()].len() > 1;
        let read = is_read(leaf, &sources);
        if key.effective && !read && !WITHOUT_A_READER.contains(&key.path) && !key.about.contains("No effect") {
            wrong.push(format!("{path} counts as effective, but nothing reads it: mark it .later()"));
        }
        if !key.effective && read && !shared && !READ_BESIDE.contains(&key.path) {
            wrong.push(format!("{path} is marked .later(), but it is read: take the mark away"));
        }
    }
    for key in KEYS {
        let used_up = key.path.ends_with("-file") || WITHOUT_A_READER.contains(&key.path);
        if !known.contains(key.path) && !used_up && !key.path.ends_with(".enabled") {
            wrong.push(format!("{} is in no field of Config", key.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
