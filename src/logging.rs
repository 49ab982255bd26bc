//! Log lines in the original's format, to stderr (spec/80 §8): log analysers parse it, people grep for its words.
//!
//! `Jicofo 2026-08-19 14:03:07.512 INFO: [37] jicofo.config.load#12: message`

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Zoned;
use log::{Level, Record};

/// Levels come from `JICOFO_LOG`, else `RUST_LOG`, else INFO.
pub fn start() {
    let levels = ["JICOFO_LOG", "RUST_LOG"].into_iter().find_map(|name| std::env::var(name).ok());
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(levels.as_deref().unwrap_or("info"));
    builder.format(|out, record| {
        let line = line(record, &Zoned::now().strftime("%Y-%m-%d %H:%M:%S%.3f").to_string(), thread());
        out.write_all(line.as_bytes())
    });
    // A second start in one process (tests) keeps the first logger.
    let _ = builder.try_init();
}

fn line(record: &Record<'_>, time: &str, thread: u32) -> String {
    let mut line = format!("Jicofo {time} {}: [{thread}] {}", level(record.level()), place(record));
    let message = record.args().to_string();
    line.push_str(": ");
    for c in message.trim_end().chars() {
        match c {
            // What comes after a line end is moved in, so that foreign text cannot look like a line of ours.
            '\n' => line.push_str("\n    "),
            '\t' => line.push(c),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{{{:x}}}", u32::from(c));
            }
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

/// The words of java.util.logging.
fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "SEVERE",
        Level::Warn => "WARNING",
        Level::Info => "INFO",
        Level::Debug => "FINE",
        Level::Trace => "FINER",
    }
}

fn place(record: &Record<'_>) -> String {
    let path = record.target().replace("::", ".");
    match record.line() {
        Some(line) => format!("{path}#{line}"),
        None => path,
    }
}

/// A small number for each thread, in the order in which they log first.
fn thread() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    thread_local!(static NUMBER: u32 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lined(message: &str) -> String {
        let args = format_args!("{message}").to_string();
        let args = format_args!("{args}");
        let record =
            Record::builder().level(Level::Warn).target("jicofo::focus::room").line(Some(7)).args(args).build();
        line(&record, "2026-08-19 14:03:07.512", 3)
    }

    #[test]
    fn a_line_has_the_parts_that_log_analysers_expect() {
        let expected = "Jicofo 2026-08-19 14:03:07.512 WARNING: [3] jicofo.focus.room#7: Member left\n";
        assert_eq!(lined("Member left"), expected);
    }

    #[test]
    fn foreign_text_cannot_forge_a_line() {
        let line = lined("room a\nJicofo 2026-01-01 00:00:00.000 INFO: [1] x: forged\u{1b}[2J\r");
        assert!(line.lines().skip(1).all(|l| l.starts_with("    ")), "{line}");
        assert!(!line.contains('\u{1b}'));
    }
}
