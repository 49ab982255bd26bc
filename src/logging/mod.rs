//! Log lines in the original's format, to stderr (spec/80 §8): log analysers parse it, people grep for its words. Packets go
//! among them, or to files of their own.
//!
//! `Jicofo 2026-08-19 14:03:07.512 INFO: [37] [room=a@b meeting_id=c] jicofo.config.load#12: message`
//!
//! What a line is about (the room, the meeting, the endpoint) comes as key-values of the record, as `log` has them. By choice a
//! line is a JSON object with the same parts.

mod packets;
mod properties;
mod redact;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use jiff::Zoned;
use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use serde_json::{Map, json};

use self::packets::{PacketFile, Packets};
use crate::config::log_names::wrong_module;
use crate::config::{Logging, Origin, Problem};
use crate::xmpp::PACKETS;

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
    packets: Option<PacketFile>,
    remarks: Vec<String>,
    problems: Vec<Problem>,
}

impl Style {
    /// Levels come from `JICOFO_LOG`, else `RUST_LOG`, else the configuration, else the original's `logging.properties`, else
    /// they are INFO.
    pub fn new(config: &Logging, properties: Option<&str>, environment: &BTreeMap<String, String>) -> Style {
        let mut remarks = Vec::new();
        let mut problems = Vec::new();
        let asked = properties.map(|path| match crate::config::read_text(path.as_ref()) {
            Ok(text) => {
                remarks.push(format!("Logging file {path}"));
                properties::read(path, &text)
            }
            Err(error) => {
                let text =
                    format!("cannot be read ({error}), so nothing is read from it; name a readable file of log levels");
                problems.push(Problem::warning(text).at(Origin::whole_file(path)));
                properties::Asked::default()
            }
        });
        let file = asked.unwrap_or_default();
        problems.extend(file.problems);
        let variable = ["JICOFO_LOG", "RUST_LOG"].into_iter().find(|name| environment.contains_key(*name));
        let variable = variable.map(|name| {
            let filters = environment[name].clone();
            problems.extend(
                wrong_filters(&filters).map(|text| Problem::warning(text).at(Origin::Environment(name.into()))),
            );
            filters
        });
        let levels = config.levels.iter().filter(|(_, level)| level.parse::<log::LevelFilter>().is_ok());
        let configured: Vec<String> = levels.map(|(module, level)| format!("{module}={level}")).collect();
        let filters = match (variable, configured.is_empty()) {
            (Some(filters), _) => filters,
            (None, false) => {
                let packets = file.filters.iter().filter(|filter| filter.starts_with(PACKETS)).cloned();
                format!("info,{}", packets.chain(configured).collect::<Vec<_>>().join(","))
            }
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
            packets: file.packets,
            remarks,
            problems,
        }
    }

    /// What was read.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// What is wrong with `logging.properties` and the variables; it hinders no start.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn logger(&self) -> env_logger::Logger {
        let lines = self.clone();
        env_logger::Builder::new()
            .parse_filters(&self.filters)
            .format(move |out, record| {
                let now = Zoned::now();
                // JSON is for machines, which want the zone.
                let time = now.strftime(if lines.json { "%Y-%m-%dT%H:%M:%S%.3f%:z" } else { "%Y-%m-%d %H:%M:%S%.3f" });
                out.write_all(lines.line(record, &time.to_string(), thread()).as_bytes())
            })
            .build()
    }

    fn packet(&self, record: &Record<'_>, time: &str) -> String {
        let message = record.args().to_string();
        let message = if self.redact { redact::addresses(&message) } else { message };
        let mut line = format!("{time}: ");
        escape(message.trim_end(), &mut line);
        line.push('\n');
        line
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

/// What `env_logger` would pass over or misunderstand of `info,jicofo::focus=debug`.
fn wrong_filters(filters: &str) -> impl Iterator<Item = String> {
    let filters = filters.split('/').next().unwrap_or_default().split(',').map(str::trim);
    filters.filter(|filter| !filter.is_empty()).filter_map(|filter| {
        let level = |word: &str| word.parse::<LevelFilter>().is_ok();
        let ours = |module: &str| ["jicofo", PACKETS].iter().any(|name| module.starts_with(name));
        match filter.split_once('=') {
            Some((_, word)) if !level(word) && !word.is_empty() => Some(format!(
                "{word:?} is no level, it is passed over; write off, error, warn, info, debug or trace"
            )),
            Some((module, _)) => passed_over(module.trim()),
            None if !level(filter) && passed_over(filter).is_some() => passed_over(filter),
            None if !level(filter) && !ours(filter) => Some(format!(
                "{filter:?} is no level, so it counts as a module of which all is shown; write off, error, warn, info, debug or \
                 trace, or module=level"
            )),
            _ => None,
        }
    })
}

/// That no module is called so, and which one is meant.
fn passed_over(module: &str) -> Option<String> {
    let meant = wrong_module(module)?;
    Some(format!("there is no module {module:?}, so this level counts for nothing; did you mean {meant}?"))
}

/// Everything that writes, as one style wants it.
struct Sinks {
    style: Style,
    lines: env_logger::Logger,
    packets: Option<Mutex<Packets>>,
    /// That packets cannot be written was told.
    complained: AtomicBool,
}

impl Sinks {
    /// Opens the files, `again` if the process has written to them; and what is worth telling about that.
    fn open(style: &Style, again: bool) -> (Sinks, Vec<String>) {
        let mut said = style.remarks.clone();
        let packets = style.packets.clone().and_then(|mut settings| {
            let path = settings.path(0);
            settings.append |= again;
            match Packets::open(settings) {
                Ok(packets) => {
                    said.push(format!("Packets go to {}", path.display()));
                    Some(Mutex::new(packets))
                }
                Err(error) => {
                    said.push(format!("Packets go to no file: {} cannot be written ({error})", path.display()));
                    None
                }
            }
        });
        let complained = AtomicBool::new(false);
        (Sinks { lines: style.logger(), style: style.clone(), packets, complained }, said)
    }

    fn most(&self) -> LevelFilter {
        if self.packets.is_some() { LevelFilter::Trace } else { self.lines.filter() }
    }

    fn packet(&self, packets: &Mutex<Packets>, record: &Record<'_>) {
        let time = Zoned::now().strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
        let line = self.style.packet(record, &time);
        let written = packets.lock().unwrap_or_else(PoisonError::into_inner).write(&line);
        let Err(error) = written else { return };
        // A full disk is no reason to fill the other one.
        if !self.complained.swap(true, Ordering::Relaxed) {
            let mut complaint = Record::builder();
            complaint.level(Level::Error).target(module_path!()).line(Some(line!()));
            self.lines.log(&complaint.args(format_args!("Packets cannot be written to their file: {error}")).build());
        }
    }
}

/// The process' log. What it writes to can be replaced while it is used.
struct Switch(RwLock<Arc<Sinks>>);

impl Switch {
    fn sinks(&self) -> Arc<Sinks> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log for Switch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let sinks = self.sinks();
        (metadata.target() == PACKETS && sinks.packets.is_some()) || sinks.lines.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        let sinks = self.sinks();
        if let Some(packets) = sinks.packets.as_ref().filter(|_| record.target() == PACKETS) {
            sinks.packet(packets, record);
        }
        sinks.lines.log(record);
    }

    fn flush(&self) {
        self.sinks().lines.flush();
    }
}

static LOG: OnceLock<Switch> = OnceLock::new();

/// Starts the log, or, if it was started, opens its files anew and takes its levels from `style` (SIGHUP, spec/80 §7). What is
/// worth telling about how it is configured.
pub fn start(style: &Style) -> Vec<String> {
    let (sinks, said) = Sinks::open(style, LOG.get().is_some());
    let (most, sinks) = (sinks.most(), Arc::new(sinks));
    let log = LOG.get_or_init(|| Switch(RwLock::new(sinks.clone())));
    *log.0.write().unwrap_or_else(PoisonError::into_inner) = sinks;
    // An error means that there is a logger already: this one, or that of a test, which it may keep.
    let _ = log::set_logger(log);
    log::set_max_level(most);
    said
}

/// Opens files anew, and leaves the rest as it is.
pub fn reopen() -> Vec<String> {
    LOG.get().map(|log| start(&log.sinks().style)).unwrap_or_default()
}

/// The record's key-values, in the order in which they were given.
fn about(record: &Record<'_>) -> Vec<(String, String)> {
    struct Visitor(Vec<(String, String)>);
    impl<'kvs> VisitSource<'kvs> for Visitor {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
            let value = value.to_string();
            // The meeting of a room that we are not in yet.
            if !value.is_empty() {
                self.0.push((key.to_string(), value));
            }
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
    fn what_is_wrong_with_files_and_variables_is_told() {
        let config = crate::config::Config::default().logging;
        let told = |filters: &str| {
            let environment = BTreeMap::from([("RUST_LOG".to_owned(), filters.to_owned())]);
            let style = Style::new(&config, None, &environment);
            style.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        for good in ["", "info", "WARN,jicofo::focus=debug", "jicofo", "xmpp.packets=off,info/regex,=", "jicofo="] {
            assert_eq!(told(good), "", "{good}");
        }
        assert!(told("inof").starts_with("environment RUST_LOG: \"inof\" is no level, so it counts as a module"));
        assert!(
            told("info,jicofo::focsu=debug")
                .contains("RUST_LOG: there is no module \"jicofo::focsu\", so this level counts")
        );
        assert!(told("jicofo.focus=debug").ends_with("did you mean jicofo::focus?"));
        assert!(told("jicofo::focsu").ends_with("did you mean jicofo::focus?"));
        assert!(told("info,jicofo=loud").starts_with("environment RUST_LOG: \"loud\" is no level, it is passed over"));
        let style = Style::new(&config, Some("/nowhere"), &BTreeMap::new());
        assert!(style.problems()[0].to_string().starts_with("/nowhere: cannot be read (No such file"));
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
