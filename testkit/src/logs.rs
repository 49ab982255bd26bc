//! The log of everything that runs inside a test's own process: no line of it may hold a secret, and a test can look at those of
//! its own thread.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::RwLock;

use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// The target of the line that stands where another core begins, which knows nothing of what was before: that of a scenario, the
/// one that takes its place, the one into which a recording is played.
pub const FRESH_FOCUS: &str = "testkit::fresh_focus";

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// The module.
    pub target: String,
    /// What it is about, in order.
    pub about: Vec<(String, String)>,
    pub message: String,
}

impl Line {
    pub fn about(&self, name: &str) -> Option<&str> {
        self.about.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

struct Watch;

static SECRETS: RwLock<Secrets> = RwLock::new(Secrets { by_head: BTreeMap::new(), short: BTreeSet::new() });

/// So long is what peers draw at least; what is shorter, other text may hold by accident.
const HEAD: usize = 8;

/// There are as many as there are endpoints in all tests together, and every line is searched for each.
struct Secrets {
    /// By how they begin.
    by_head: BTreeMap<[u8; HEAD], BTreeSet<String>>,
    short: BTreeSet<String>,
}

impl Secrets {
    fn keep(&mut self, secret: &str) {
        match secret.as_bytes().first_chunk() {
            Some(head) => self.by_head.entry(*head).or_default().insert(secret.to_owned()),
            None => self.short.insert(secret.to_owned()),
        };
    }

    fn are_in(&self, text: &str) -> bool {
        let begins = |(at, head): (usize, &[u8])| {
            let secrets = <&[u8; HEAD]>::try_from(head).ok().and_then(|head| self.by_head.get(head));
            let rest = &text.as_bytes()[at..];
            secrets.is_some_and(|secrets| secrets.iter().any(|secret| rest.starts_with(secret.as_bytes())))
        };
        self.short.iter().any(|secret| text.contains(secret.as_str()))
            || text.as_bytes().windows(HEAD).enumerate().any(begins)
    }
}

thread_local! {
    /// None: nobody looks.
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

/// From now on this text ends the process that writes it to its log, at whatever level: no test that uses it can pass then.
pub fn keep_secret(secret: &str) {
    SECRETS.write().unwrap_or_else(std::sync::PoisonError::into_inner).keep(secret);
    watch();
}

/// As [`keep_secret`], for what simulated peers draw and are given. Not where time is measured, nor for what is so short that
/// other text may hold it by accident.
pub fn keep_secret_of_peer(secret: &str) {
    if cfg!(debug_assertions) && secret.len() >= HEAD {
        keep_secret(secret);
    }
}

/// Whether there is a secret in a text: in the log of a process of its own.
pub fn holds_secret(text: &str) -> bool {
    SECRETS.read().unwrap_or_else(std::sync::PoisonError::into_inner).are_in(text)
}

/// Keeps the lines of this thread.
pub fn keep_lines() {
    watch();
    LINES.set(Some(Vec::new()));
}

/// The lines of this thread since [`keep_lines`], or since they were taken.
pub fn take_lines() -> Vec<Line> {
    LINES.with_borrow_mut(|lines| lines.as_mut().map(std::mem::take).unwrap_or_default())
}

/// Has lines of this thread not kept meanwhile: those of a core that is played aside.
pub(crate) fn aside<T>(act: impl FnOnce() -> T) -> T {
    let kept = LINES.take();
    let done = act();
    LINES.set(kept);
    done
}

fn watch() {
    // An error means that it watches already.
    let _ = log::set_logger(&Watch);
    log::set_max_level(LevelFilter::Trace);
}

impl Log for Watch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Of other crates only what our own program would show.
        metadata.target().starts_with("jicofo")
            || metadata.target().starts_with("xmpp")
            || metadata.level() <= Level::Debug
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        guard(record);
        LINES.with_borrow_mut(|lines| lines.iter_mut().for_each(|lines| lines.push(line(record))));
    }

    fn flush(&self) {}
}

/// Ends the process if there is a secret in a line: for loggers of a test's own.
pub fn guard(record: &Record<'_>) {
    let secrets = SECRETS.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    if secrets.by_head.is_empty() && secrets.short.is_empty() {
        return;
    }
    let line = line(record);
    if secrets.are_in(&line.message) || line.about.iter().any(|(_, value)| secrets.are_in(value)) {
        // A panic would be swallowed by the task that it happens in.
        eprintln!("a secret is in the log: {line:?}");
        std::process::abort();
    }
}

fn line(record: &Record<'_>) -> Line {
    Line {
        level: record.level(),
        target: record.target().to_owned(),
        about: about(record),
        message: record.args().to_string(),
    }
}

fn about(record: &Record<'_>) -> Vec<(String, String)> {
    struct Visitor(Vec<(String, String)>);
    impl<'kvs> VisitSource<'kvs> for Visitor {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
            self.0.push((key.to_string(), value.to_string()));
            Ok(())
        }
    }
    let mut visitor = Visitor(Vec::new());
    // The visitor never fails.
    let _ = record.key_values().visit(&mut visitor);
    visitor.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_is() {
        let mut secrets = Secrets { by_head: BTreeMap::new(), short: BTreeSet::new() };
        ["hush", "open-sesame-1", "open-sesame-22", "gehéim-é-gehéim"].into_iter().for_each(|it| secrets.keep(it));
        for (text, found) in [
            ("", false),
            ("open-se", false),
            ("a hus", false),
            ("a hush b", true),
            ("ö open-sesam-1 ö", false),
            ("ö open-sesame-1 ö", true),
            ("open-open-sesame-22", true),
            ("gehéim-é-gehéi", false),
            ("é gehéim-é-gehéim", true),
        ] {
            assert_eq!(secrets.are_in(text), found, "{text}");
        }
    }

    /// Runs itself in a process of its own, which is to end.
    #[test]
    fn a_secret_in_the_log_ends_the_process() {
        const CHILD: &str = "TESTKIT_LEAKS";
        let name = "logs::tests::a_secret_in_the_log_ends_the_process";
        if std::env::var_os(CHILD).is_some() {
            keep_secret("sesame");
            log::debug!("nothing is wrong with this");
            log::debug!(about = "open-sesame"; "but with this");
            return;
        }
        let own = std::env::current_exe().expect("it runs");
        let output = std::process::Command::new(own).args([name, "--exact", "--nocapture"]).env(CHILD, "1").output();
        let output = output.expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("a secret is in the log"), "{said}");
    }
}
