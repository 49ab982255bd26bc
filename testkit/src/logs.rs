//! The log of everything that runs inside a test's own process: no line of it may hold a secret, and a test can look at those of
//! its own thread.

use std::cell::RefCell;
use std::sync::RwLock;

use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};

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

static SECRETS: RwLock<Vec<String>> = RwLock::new(Vec::new());

thread_local! {
    /// None: nobody looks.
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

/// From now on this text ends the process that writes it to its log, at whatever level: no test that uses it can pass then.
pub fn keep_secret(secret: &str) {
    let mut secrets = SECRETS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !secrets.iter().any(|known| known == secret) {
        secrets.push(secret.to_owned());
    }
    watch();
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
    if secrets.is_empty() {
        return;
    }
    let line = line(record);
    let holds = |secret: &String| {
        line.message.contains(secret.as_str()) || line.about.iter().any(|(_, value)| value.contains(secret.as_str()))
    };
    if secrets.iter().any(holds) {
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
