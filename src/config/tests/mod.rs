//! Whole configurations: the three files of spec/70 §8, the cases of its §11, and those of spec/10 §12.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) use super::*;

mod causes;
mod contradictions;
mod docker;
mod files;
mod fuzzed;
mod given;
mod migrate;
mod more_sources;
mod shell_files;
mod slips;
mod told;

/// One start: what a person has, and what comes of it.
#[derive(Default)]
struct Start {
    sources: Sources,
    folder: Option<PathBuf>,
}

impl Start {
    fn new() -> Start {
        Start::default()
    }

    /// What a modern start needs, and `text`.
    fn minimal(text: &str) -> Start {
        let required = "jicofo.xmpp.client { domain = auth.m.x, password = pw, xmpp-domain = m.x, client-proxy = focus.m.x }\n\
                        jicofo.bridge.brewery-jid = \"jvb@i.m.x\"\n";
        Start::new().file(&format!("{required}{text}\n"))
    }

    fn folder(&mut self) -> PathBuf {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = &NUMBER;
        let new = || {
            let name = format!("jicofo-config-{}-{}", std::process::id(), number.fetch_add(1, Ordering::Relaxed));
            let folder = std::env::temp_dir().join(name);
            // What an earlier process with our id has left.
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(folder.join("jicofo")).expect("the temporary folder can be written");
            folder
        };
        self.folder.get_or_insert_with(new).clone()
    }

    fn file(mut self, text: &str) -> Start {
        self.sources.config_file = Some(self.folder().join("jicofo.conf"));
        self.beside("jicofo.conf", text)
    }

    fn beside(mut self, name: &str, text: &str) -> Start {
        fs::write(self.folder().join(name), text).expect("the temporary folder can be written");
        self
    }

    fn legacy(mut self, text: &str) -> Start {
        let folder = self.folder();
        fs::write(folder.join("jicofo/sip-communicator.properties"), text)
            .expect("the temporary folder can be written");
        let place = folder.display().to_string();
        let name = "net.java.sip.communicator.SC_HOME_DIR_";
        self.system(&format!("{name}LOCATION"), &place).system(&format!("{name}NAME"), "jicofo")
    }

    fn system(mut self, name: &str, value: &str) -> Start {
        self.sources.system.properties.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With the system properties of another start, and its folder.
    fn system_of(mut self, mut other: Start) -> Start {
        self.sources.system = std::mem::take(&mut other.sources.system);
        self.folder = other.folder.take();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Start {
        self.sources.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn arguments(mut self, words: &str) -> Start {
        let invocation = crate::cli::parse(words.split_whitespace().map(str::to_owned), BTreeMap::new());
        self.sources.flags = invocation.sources.flags;
        self
    }

    fn load(&self) -> Loaded {
        load(&self.sources)
    }

    /// The configuration of a start that works, whatever it is warned about.
    #[track_caller]
    fn config(&self) -> Config {
        let loaded = self.load();
        assert!(!loaded.refuses(), "{}", told(&loaded));
        loaded.config
    }

    /// A start that is refused, and what is said.
    #[track_caller]
    fn refused(&self) -> String {
        let loaded = self.load();
        assert!(loaded.refuses(), "it starts: {}", told(&loaded));
        told(&loaded)
    }

    /// A start that works, and what is said.
    #[track_caller]
    fn warned(&self) -> String {
        let loaded = self.load();
        assert!(!loaded.refuses(), "{}", told(&loaded));
        told(&loaded)
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn told(loaded: &Loaded) -> String {
    loaded.problems.iter().map(|problem| format!("{}: {problem}\n", problem.severity.word())).collect()
}

/// A file of tests/data/config.
fn sample(name: &str) -> Start {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(name);
    let mut start = Start::new();
    start.sources.config_file = Some(file);
    start
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Every key and what it comes to, wherever it came from.
fn values(loaded: &Loaded) -> BTreeMap<String, Option<typed::Setting>> {
    let entries = loaded.settings.entries.iter().filter(|(path, _)| !path.ends_with("-file"));
    entries.map(|(path, entry)| (path.clone(), entry.setting.clone())).collect()
}

/// The value of a key as `check-config` shows it.
#[track_caller]
fn shown(loaded: &Loaded, path: &str) -> String {
    let entry = loaded.settings.entries.get(path).unwrap_or_else(|| panic!("no key {path}"));
    entry.setting.as_ref().map_or_else(|| "null".to_owned(), |setting| report::shown(entry.key, setting))
}
