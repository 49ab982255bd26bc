//! What an installation's files, flags and environment say (docs/protocol/70-configuration.md), as one tree of typed values.
//!
//! - [`Config`] is what the rest of the program reads.
//! - [`schema::KEYS`] declares each key once; everything else follows from it.
//! - [`load`] reads all sources and finds all problems at once. From the strongest to the weakest:
//!   1. classic flags, then in a classic start `JICOFO_SECRET` and `JICOFO_AUTH_PASSWORD` ([`sources`]),
//!   2. `JICOFO__SECTION__KEY` ([`environment`]),
//!   3. `sip-communicator.properties` ([`legacy`], [`properties`]),
//!   4. legacy names as `-Dname=value` ([`java`]),
//!   5. the file: HOCON or JSON with its includes ([`hocon`]), TOML (`toml`), properties,
//!   6. in a modern start the two environment variables,
//!   7. `-Djicofo.key=value`,
//!   8. the schema's defaults, and what follows from other values.
//!
//! A secret may be in a file of its own, which any of these can name (`secret_files`).

mod build;
mod check;
mod contradictions;
pub mod docs;
pub mod environment;
pub mod environment_file;
pub mod hocon;
pub mod java;
mod keys;
pub mod legacy;
pub(crate) mod log_names;
pub mod migrate;
pub mod problem;
pub mod properties;
pub mod report;
pub mod schema;
mod secret_files;
pub mod settings;
pub(crate) mod similar;
pub mod sources;
#[cfg(test)]
mod tests;
mod toml;
mod tree;
mod typed;
mod unknown;

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use problem::{Origin, Problem, Severity};
pub use sources::Sources;
pub use tree::*;

use hocon::{FileRead, Loader, Node, Tree, Value, Variable, limits, split_path};
use settings::{Given, Settings};

/// Where a Debian package puts its file, and where who starts fresh may put one.
pub const DEFAULT_FILES: [&str; 2] = ["/etc/jitsi/jicofo/jicofo.conf", "/etc/jitsi/jicofo/jicofo.toml"];

/// What came of reading everything.
pub struct Loaded {
    /// To be used only if nothing [`refuses`](Loaded::refuses).
    pub config: Config,
    pub settings: Settings,
    /// The worst first, otherwise in the order of finding.
    pub problems: Vec<Problem>,
    /// Files looked for, in order.
    pub files: Vec<FileRead>,
    /// What is worth knowing and no problem.
    pub notes: Vec<String>,
    /// Could all files be read? If not, settings and problems are only those of a part.
    pub complete: bool,
}

impl Loaded {
    /// Must the program not start (exit 78)?
    pub fn refuses(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// The defaults alone; tests make many of them.
fn defaults() -> Config {
    static DEFAULTS: OnceLock<Config> = OnceLock::new();
    DEFAULTS.get_or_init(read_defaults).clone()
}

fn read_defaults() -> Config {
    let (root, _) = base(&Sources::default()).resolve(&|_| Variable::Absent);
    let given = Given { sources: &Sources::default(), legacy_file: ("", &[]), root: &root };
    Config::build(&Settings::read(&given, &mut Vec::new()))
}

pub fn load(sources: &Sources) -> Loaded {
    let mut problems = Vec::new();
    let mut loader = Loader::new(base(sources));
    if let Some(file) = config_file(sources, &mut problems) {
        loader.load(&file);
    }
    let (mut tree, mut files, syntax) = loader.finish();
    let file = files.iter().find(|file| file.found && file.included_at.is_none());
    let file = file.map(|file| file.path.display().to_string());
    // What follows from half a file would only hide what is wrong with it.
    let complete = problems.iter().chain(&syntax).all(|problem| problem.severity != Severity::Error);
    problems.extend(syntax);

    environment::define(sources, &mut tree, &mut problems);
    environment::unreadable(sources, &mut problems);
    let referenced = tree.referenced();
    let (root, unresolved) = tree.resolve(&|name| sources.variable(name));
    let mut notes = Vec::new();
    let (legacy_name, entries) = legacy_file(sources, &mut files, &mut notes, &mut problems);
    let given = Given { sources, legacy_file: (&legacy_name, &entries), root: &root };
    let mut found = unresolved;
    let mut settings = Settings::read(&given, &mut found);
    let mut unknown = Vec::new();
    for meant in unknown::keys(&root, &referenced, &mut unknown) {
        settings.is_meant(&meant);
    }
    secret_files::read(&mut settings, sources, &mut found);
    check::derive(&mut settings, sources, &mut found);
    let places = check::Places { root: &root, file: file.as_deref() };
    check::check(&settings, sources, places, &mut found);
    environment::misspelt(sources, &settings, &mut found);
    found.append(&mut unknown);
    unknown::legacy_names(&legacy_name, &entries, &mut found);
    unknown::system(&sources.system, &referenced, &mut found);
    if complete {
        problems.append(&mut found);
    }
    let mut said = HashSet::new();
    // Some values decide about several keys.
    problems.retain(|problem| said.insert(problem.to_string()));
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    let config = Config::build(&settings);
    notes.extend(unreachable_http(&config.rest, sources.in_container));
    Loaded { config, settings, problems, files, notes, complete }
}

/// rest-loopback (spec/80 §13): an installation in containers may want it so.
fn unreachable_http(rest: &Rest, in_container: bool) -> Option<String> {
    let host = rest.host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    (in_container && rest.enabled && rest.port > 0 && local).then(|| {
        format!(
            "PROBLEM rest-loopback: HTTP listens on {host}:{} of this container alone; nobody outside can scrape /metrics or ask for \
             /about/health; if somebody shall, write jicofo.rest.host = \"0.0.0.0\" (docker: JICOFO_ENABLE_REST=1) and publish the \
             port to those only",
            rest.port
        )
    })
}

/// Defaults, and over them `-Dname=value`.
fn base(sources: &Sources) -> Tree {
    let mut tree = Tree::default();
    for key in schema::KEYS.iter().filter(|key| !key.path.contains('*')) {
        if let Some(node) = key.default_node() {
            tree.define(&split_path(key.path), node);
        }
    }
    let mut properties: Vec<_> = sources.system.properties.iter().collect();
    // By name, so that `a.b` comes after `a` and is not hidden by it; of equal names the last one given stays last.
    properties.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in properties {
        let path = split_path(name);
        if path.len() <= limits::DEPTH && path.iter().all(|element| !element.is_empty()) {
            let origin = Origin::SystemProperty(name.as_str().into());
            tree.define(&path, Node::new(Value::text(value.as_str()), origin));
        }
    }
    for (name, follower) in LINKED {
        // An explicit one was defined above, by whatever name comes later.
        if let (Some(value), None) = (sources.system.get(name), sources.system.get(follower)) {
            let node = Node::new(Value::text(value), Origin::Derived(format!("-D{name}").into()));
            if schema::key(follower).is_some_and(|key| key.kind.read(&node).is_ok()) {
                tree.define(&split_path(follower), node);
            }
        }
    }
    tree
}

/// Defaults that are those of another key: one that a file changes takes no other along, one that `-D` changes does (spec/70 §1).
const LINKED: [(&str, &str); 4] = [
    ("jicofo.xmpp.client.username", "jicofo.xmpp.client.resource"),
    ("jicofo.xmpp.service.username", "jicofo.xmpp.service.resource"),
    ("jicofo.sctp.enabled", "jicofo.octo.sctp-datachannels"),
    ("jicofo.conference.max-ssrcs-per-user", "jicofo.conference.max-ssrc-groups-per-user"),
];

/// The file to read. None with a problem told, or in a classic start, which needs none.
fn config_file(sources: &Sources, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let named = sources.system.get("config.file").filter(|name| !name.is_empty());
    if let Some(file) = &sources.config_file {
        return Some(file.clone());
    }
    // Whoever names a file wants it read: it may be what says that people have to log in.
    if let Some(file) = named.map(PathBuf::from) {
        return Some(file);
    }
    // One that may be there and cannot be looked at is told when it is read.
    let may_be_there = |file: &&PathBuf| match file.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    };
    if let Some(file) = sources.default_files.iter().find(may_be_there) {
        return Some(file.clone());
    }
    let slip = sources.system.properties.iter().find(|(name, _)| similar::distance(name, "config.file") <= 2);
    let slip = slip.map(|(name, _)| format!("-D{name}")).or_else(|| {
        let word = sources.system.unknown.iter().find(|word| word.trim_start_matches('-').starts_with("config.file="));
        word.map(|_| "config.file without -D".to_owned())
    });
    if let Some(slip) = slip.filter(|_| !sources.is_classic()) {
        let text = format!("{slip} means nothing; did you mean -Dconfig.file=FILE?");
        problems.push(Problem::error(text).at(Origin::Environment("JAVA_SYS_PROPS".into())));
        return None;
    }
    let by_environment = sources.environment.keys().any(|name| name.starts_with(environment::PREFIX));
    if !sources.is_classic() && !by_environment {
        problems.push(Problem::error(
            "there is no configuration; name a file with --config FILE, or with -Dconfig.file=FILE in JAVA_SYS_PROPS",
        ));
    }
    None
}

/// `sip-communicator.properties`; that it is missing is worth no more than a line (spec/70 §6).
fn legacy_file(
    sources: &Sources,
    files: &mut Vec<FileRead>,
    notes: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> (String, Vec<properties::Property>) {
    let Some(path) = sources.legacy_file(problems) else { return Default::default() };
    let name = path.display().to_string();
    match read_bytes(&path) {
        Ok(bytes) => {
            let (text, is_utf8) = decoded(bytes);
            if !is_utf8 {
                notes.push(format!("{name} is not UTF-8; it is read as ISO 8859-1, as Java does"));
            }
            files.push(FileRead { path, found: true, included_at: None });
            let parsed = properties::parse(&text);
            problems.extend(parsed.mistakes.into_iter().map(|mistake| mistake.error(&name)));
            (name, parsed.entries)
        }
        Err(error) => {
            files.push(FileRead { path, found: false, included_at: None });
            if error.kind() != std::io::ErrorKind::NotFound {
                // It may be what says that people have to log in.
                let text = format!("cannot be read ({error}); make it readable for the focus, or remove it");
                problems.push(Problem::error(text).at(Origin::whole_file(&name)));
            }
            Default::default()
        }
    }
}

/// The text of a small regular file: UTF-8, or else ISO 8859-1, as which Java reads its properties.
pub(crate) fn read_text(path: &Path) -> std::io::Result<String> {
    read_bytes(path).map(|bytes| decoded(bytes).0)
}

/// The text, and whether it was UTF-8.
pub(crate) fn decoded(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => (error.as_bytes().iter().copied().map(char::from).collect(), false),
    }
}

/// The bytes of a small regular file.
pub(crate) fn read_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, Read};
    if !path.metadata()?.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limits::BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limits::BYTES {
        return Err(Error::other("it is too large to be a configuration"));
    }
    Ok(bytes)
}
