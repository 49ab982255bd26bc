//! What a test's core writes into the log, as text. Each test has a thread of its own, on which its core runs.

use testkit::logs::{keep_lines, take_lines};

/// From now on this test's log is kept.
pub fn keep_log() {
    keep_lines();
}

/// The lines since then, and since this was last asked, that contain a text.
pub fn logged(text: &str) -> Vec<String> {
    let lines = take_lines().into_iter().map(|line| format!("{} {}", line.level, line.message));
    lines.filter(|line| line.contains(text)).collect()
}
