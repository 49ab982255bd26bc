//! Log lines in the original's format, to stderr (spec/80 §8): log analysers parse it, people grep for its words.
//!
//! `Jicofo 2026-08-19 14:03:07.512 INFO: [37] [room=a@b meeting_id=c] jicofo.config.load#12: message`
//!
//! What a line is about (the room, the meeting, the endpoint) comes as key-values of the record, as `log` has them. By choice a
//! line is a JSON object with the same parts.

mod properties;
mod redact;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Zoned;
use log::kv::{Key, Value, VisitSource};
use log::{Level, Record};
use serde_json::{Map, json};

use crate::config::Logging;

/// How lines look, and which there are.
#[derive(Debug, Clone)]
pub struct Style {
    /// As `env_logger` writes levels: `info,jicofo::focus=debug`.
    filters: String,
    json: bool,
    timestamp: bool,
    redact: bool,
    /// The first word of a line; None: there is none.
    program: Option<String>,
    remarks: Vec<String>,
}

impl Style {
    /// Levels come from `JICOFO_LOG`, else `RUST_LOG`, else the configuration, else the original's `logging.properties`, else
    /// they are INFO.
    pub fn new(config: &Logging, properties: Option<&str>, environment: &BTreeMap<String, String>) -> Style {
        let mut remarks = Vec::new();
        let asked = properties.map(|path| match std::fs::read(path) {
            Ok(bytes) => {
                remarks.push(format!("Logging file {path}"));
                properties::read(&String::from_utf8_lossy(&bytes))
            }
            Err(error) => {
                remarks.push(format!("Logging file {path} cannot be read ({error}), nothing is read from it"));
                properties::Asked::default()
            }
        });
        let file = asked.unwrap_or_default();
        remarks.extend(file.remarks);
        let variable = ["JICOFO_LOG", "RUST_LOG"].into_iter().find_map(|name| environment.get(name).cloned());
        let levels = config.levels.iter().filter(|(_, level)| level.parse::<log::LevelFilter>().is_ok());
        let configured: Vec<String> = levels.map(|(module, level)| format!("{module}={level}")).collect();
        let filters = match (variable, configured.is_empty()) {
            (Some(filters), _) => filters,
            (None, false) => format!("info,{}", configured.join(",")),
            // The first one is the level of all; a later one of the file takes its place.
            (None, true) => format!("info,{}", file.filters.join(",")),
        };
        Style {
            filters,
            json: config.json,
            timestamp: config.timestamp && !file.no_timestamp,
            redact: config.redact_addresses,
            program: match properties {
                // In the original the word is absent if its file does not name it.
                Some(_) => file.program,
                None => Some("Jicofo".to_owned()),
            },
            remarks,
        }
    }

    fn line(&self, record: &Record<'_>, time: &str, thread: u32) -> String {
        let message = record.args().to_string();
        let message = if self.redact { redact::addresses(&message) } else { message };
        match self.json {
            true => self.json_line(record, &message, time, thread),
            false => self.text_line(record, &message, time, thread),
        }
    }

    fn text_line(&self, record: &Record<'_>, message: &str, time: &str, thread: u32) -> String {
        let mut line = String::with_capacity(message.len() + 120);
        for word in [self.program.as_deref(), self.timestamp.then_some(time)].into_iter().flatten() {
            line.push_str(word);
            line.push(' ');
        }
        // Writing to a String cannot fail.
        let _ = write!(line, "{}: [{thread}] ", level(record.level()));
        let about = about(record);
        if !about.is_empty() {
            let about: Vec<String> = about.iter().map(|(name, value)| format!("{name}={value}")).collect();
            line.push('[');
            escape(&about.join(" "), &mut line);
            line.push_str("] ");
        }
        line.push_str(&place(record));
        line.push_str(": ");
        escape(message.trim_end(), &mut line);
        line.push('\n');
        line
    }

    fn json_line(&self, record: &Record<'_>, message: &str, time: &str, thread: u32) -> String {
        let mut object = Map::new();
        if self.timestamp {
            object.insert("time".into(), json!(time));
        }
        object.insert("level".into(), json!(level(record.level())));
        object.insert("thread".into(), json!(thread));
        object.insert("place".into(), json!(place(record)));
        for (name, value) in about(record) {
            object.insert(name, json!(value));
        }
        object.insert("message".into(), json!(message.trim_end()));
        json!(object).to_string() + "\n"
    }
}

/// Starts the log; what is worth telling about how it was configured.
pub fn start(style: &Style) -> Vec<String> {
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(&style.filters);
    let lines = style.clone();
    builder.format(move |out, record| {
        let now = Zoned::now();
        // JSON is for machines, which want the zone.
        let time = now.strftime(if lines.json { "%Y-%m-%dT%H:%M:%S%.3f%:z" } else { "%Y-%m-%d %H:%M:%S%.3f" });
        out.write_all(lines.line(record, &time.to_string(), thread()).as_bytes())
    });
    // A second start in one process (tests) keeps the first logger.
    let _ = builder.try_init();
    style.remarks.clone()
}

/// The record's key-values, in the order in which they were given.
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

/// What comes after a line end is moved in, so that foreign text cannot look like a line of ours.
fn escape(text: &str, line: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\n    "),
            '\t' => line.push(c),
            c if c.is_control() => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(c));
            }
            c => line.push(c),
        }
    }
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

    fn style() -> Style {
        Style::new(&crate::config::Config::default().logging, None, &BTreeMap::new())
    }

    fn lined(style: &Style, message: &str) -> String {
        let about = [("room", "a@b"), ("meeting_id", "c")];
        let mut record = Record::builder();
        let record = record.level(Level::Warn).target("jicofo::focus::room").line(Some(7)).key_values(&about);
        style.line(&record.args(format_args!("{message}")).build(), "2026-08-19 14:03:07.512", 3)
    }

    #[test]
    fn a_line_has_the_parts_that_log_analysers_expect() {
        let expected =
            "Jicofo 2026-08-19 14:03:07.512 WARNING: [3] [room=a@b meeting_id=c] jicofo.focus.room#7: Member left\n";
        assert_eq!(lined(&style(), "Member left"), expected);
    }

    #[test]
    fn foreign_text_cannot_forge_a_line() {
        let line = lined(&style(), "room a\nJicofo 2026-01-01 00:00:00.000 INFO: [1] x: forged\u{1b}[2J\r");
        assert!(line.lines().skip(1).all(|l| l.starts_with("    ")), "{line}");
        assert!(!line.contains('\u{1b}'));
    }

    #[test]
    fn json_lines_have_the_same_parts() {
        let line = lined(&Style { json: true, redact: true, ..style() }, "from 192.0.2.7\nx");
        assert_eq!(line.matches('\n').count(), 1);
        let line: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(
            (&line["room"], &line["meeting_id"], &line["level"]),
            (&json!("a@b"), &json!("c"), &json!("WARNING"))
        );
        assert_eq!((&line["message"], &line["place"]), (&json!("from 192.0.2.x\nx"), &json!("jicofo.focus.room#7")));
    }

    #[test]
    fn journald_gets_lines_without_a_time() {
        assert!(lined(&Style { timestamp: false, ..style() }, "x").starts_with("Jicofo WARNING: [3] "));
    }

    #[test]
    fn the_variable_beats_the_configuration_which_beats_the_file() {
        let mut config = crate::config::Config::default().logging;
        assert_eq!(style().filters, "info,");
        config.levels = BTreeMap::from([("jicofo::focus".into(), "debug".into()), ("x".into(), "loud".into())]);
        assert_eq!(Style::new(&config, Some("/nowhere"), &BTreeMap::new()).filters, "info,jicofo::focus=debug");
        let environment = BTreeMap::from([("JICOFO_LOG".to_owned(), "trace".to_owned())]);
        assert_eq!(Style::new(&config, None, &environment).filters, "trace");
    }
}
