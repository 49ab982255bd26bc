//! What a test's core writes into the log. Each test has a thread of its own, on which its core runs.

use std::cell::RefCell;
use std::sync::OnceLock;

struct Memory;

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

impl log::Log for Memory {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(format!("{} {}", record.level(), record.args()));
            }
        });
    }

    fn flush(&self) {}
}

/// From now on this test's log is kept.
pub fn keep_log() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        log::set_boxed_logger(Box::new(Memory)).expect("the only logger");
        log::set_max_level(log::LevelFilter::Debug);
    });
    LINES.with_borrow_mut(|lines| *lines = Some(Vec::new()));
}

/// The lines since then, and since this was last asked, that contain a text.
pub fn logged(text: &str) -> Vec<String> {
    let lines = LINES.with_borrow_mut(|lines| lines.replace(Vec::new())).expect("the log is kept");
    lines.into_iter().filter(|line| line.contains(text)).collect()
}
