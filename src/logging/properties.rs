//! The original's `logging.properties` (spec/80 §8): what of it has a meaning here.

use super::packets::PacketFile;
use crate::config::hocon::limits;
use crate::config::log_names::{self, Java};
use crate::config::properties::{self, Property};
use crate::config::similar::distance;
use crate::config::{Origin, Problem, Severity};

/// What such a file asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Levels as `env_logger` writes them, in order of the file.
    pub(super) filters: Vec<String>,
    /// `JitsiLogFormatter.programname`.
    pub(super) program: Option<String>,
    pub(super) no_timestamp: bool,
    /// A file of its own for packets.
    pub(super) packets: Option<PacketFile>,
    /// What is in it and does nothing here. It hinders no start.
    pub(super) problems: Vec<Problem>,
}

const FORMATTER: &str = "org.jitsi.utils.logging2.JitsiLogFormatter.";
const CONSOLE: &str = "java.util.logging.ConsoleHandler";
const PACKETS: &str = "org.jitsi.impl.protocol.xmpp.log.PacketDebugger";
const PACKET_FILE: &str = "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler";

/// What else such a file may hold of ours.
const NAMES: &[&str] = &[
    "handlers",
    ".level",
    "java.util.logging.ConsoleHandler.level",
    "java.util.logging.ConsoleHandler.formatter",
    "java.util.logging.ConsoleHandler.filter",
    "java.util.logging.ConsoleHandler.encoding",
    "org.jitsi.utils.logging2.JitsiLogFormatter.programname",
    "org.jitsi.utils.logging2.JitsiLogFormatter.disableTimestamp",
    "org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.pattern",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.limit",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.count",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.append",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.level",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.formatter",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.filter",
    "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.encoding",
];

/// The one of [`NAMES`] that a name is probably meant to be.
fn misspelt(name: &str) -> Option<&'static str> {
    if NAMES.contains(&name) {
        return None;
    }
    let near = NAMES.iter().filter(|known| known.len().abs_diff(name.len()) <= 3);
    let (far, known) = near.map(|known| (distance(name, known), *known)).min()?;
    (far <= (known.len() / 3).min(3)).then_some(known)
}

/// `file`: its name, for problems.
pub(super) fn read(file: &str, text: &str) -> Asked {
    let mut asked = Asked::default();
    let mut packets = Packets::default();
    let mut console: Option<log::LevelFilter> = None;
    let parsed = properties::parse(text);
    for mistake in parsed.mistakes {
        let mistake = mistake.error(file);
        asked.problems.push(Problem { severity: Severity::Warning, ..mistake });
    }
    for property in parsed.entries {
        let (name, value) = (property.name.as_str(), property.value.trim());
        let wrong = |text: String| Problem::warning(text).at(property.origin(file)).key(name);
        if asked.problems.len() >= limits::PROBLEMS {
            break;
        }
        if name == "handlers" {
            for handler in value.split([',', ' ']).filter(|handler| !handler.is_empty()) {
                match handler {
                    CONSOLE => {}
                    PACKET_FILE => packets.to_file = true,
                    other => asked
                        .problems
                        .push(wrong(format!("the handler {other} does not exist here; it is passed over, remove it"))),
                }
            }
        } else if let Some(option) = name.strip_prefix(FORMATTER) {
            match option {
                "programname" => asked.program = Some(value.to_owned()),
                "disableTimestamp" => asked.no_timestamp = value.eq_ignore_ascii_case("true"),
                _ => {}
            }
        } else if let Some(logger) = name.strip_suffix(".level") {
            if let Some(known) = misspelt(name) {
                asked.problems.push(wrong(format!("there is no such name; did you mean {known}?")));
                continue;
            }
            let Some(level) = level(value) else {
                let text = format!("{value:?} is no level, it is passed over; write one of {LEVELS}");
                asked.problems.push(wrong(text));
                continue;
            };
            match logger {
                CONSOLE => console = Some(level),
                PACKETS => packets.level = Some(level),
                PACKET_FILE => {}
                "" => asked.filters.insert(0, level.to_string()),
                logger => match log_names::java(logger) {
                    Java::Module(module) => asked.filters.push(format!("{module}={level}")),
                    Java::NotHere(known) => {
                        let text = format!("there is no such logger here, it is passed over; write {known}");
                        asked.problems.push(wrong(text));
                    }
                    Java::Unknown(Some(meant)) => {
                        let text = format!("there is no such logger, it is passed over; did you mean {meant}.level?");
                        asked.problems.push(wrong(text));
                    }
                    Java::Unknown(None) => {}
                },
            }
        } else if let Some("filter") = name.strip_prefix(CONSOLE).and_then(|rest| rest.strip_prefix('.')) {
            packets.not_on_console = value.ends_with("ExcludeXmppPackets");
        } else if let Some(option) = name.strip_prefix(PACKET_FILE).and_then(|rest| rest.strip_prefix('.')) {
            packets.option(option, value, &property, file, &mut asked.problems);
        }
        if !name.ends_with(".level")
            && let Some(known) = misspelt(name)
        {
            asked.problems.push(wrong(format!("there is no such name; did you mean {known}?")));
        }
    }
    if let Some(most) = console.filter(|level| *level < log::LevelFilter::Info) {
        // A console that shows less than the loggers give.
        asked.filters = vec![most.to_string()];
    }
    packets.decide(console, file, &mut asked);
    asked
}

/// What is said about packets, in any order.
#[derive(Default)]
struct Packets {
    to_file: bool,
    not_on_console: bool,
    level: Option<log::LevelFilter>,
    pattern: Option<String>,
    limit: Option<u64>,
    count: Option<u32>,
    append: bool,
}

impl Packets {
    fn option(&mut self, option: &str, value: &str, property: &Property, file: &str, problems: &mut Vec<Problem>) {
        let mut wrong = false;
        match option {
            "pattern" => self.pattern = Some(value.to_owned()).filter(|pattern| !pattern.is_empty()),
            "limit" => {
                self.limit = value.parse().ok();
                wrong = self.limit.is_none();
            }
            "count" => {
                self.count = value.parse().ok().filter(|count| *count > 0);
                wrong = self.count.is_none();
            }
            "append" => self.append = value.eq_ignore_ascii_case("true"),
            _ => {}
        }
        if wrong {
            let text = format!("{value:?} is no {option} of the packet log, it is passed over; write a number");
            problems.push(Problem::warning(text).at(property.origin(file)).key(property.name.as_str()));
        }
    }

    fn decide(self, console: Option<log::LevelFilter>, file: &str, asked: &mut Asked) {
        let on = self.level.is_some_and(|level| level >= log::LevelFilter::Debug);
        let shown = console.is_none_or(|level| level >= log::LevelFilter::Debug);
        let target = crate::xmpp::PACKETS;
        // A level for everything must not bring packets where the file does not ask for them.
        asked.filters.push(match on && shown && !self.not_on_console {
            true => format!("{target}=trace"),
            false => format!("{target}=off"),
        });
        if !on || !self.to_file {
            return;
        }
        match self.pattern {
            Some(pattern) => {
                let (limit, count) = (self.limit.unwrap_or_default(), self.count.unwrap_or(1));
                asked.packets = Some(PacketFile { pattern, limit, count, append: self.append });
            }
            None => {
                let problem = Problem::warning("is not set, so packets go to no file; set it");
                asked.problems.push(problem.at(Origin::whole_file(file)).key(format!("{PACKET_FILE}.pattern")));
            }
        }
    }
}

const LEVELS: &str = "OFF, SEVERE, WARNING, INFO, CONFIG, FINE, FINER, FINEST, ALL";

/// The levels of java.util.logging.
fn level(word: &str) -> Option<log::LevelFilter> {
    use log::LevelFilter::*;
    Some(match word {
        "OFF" => Off,
        "SEVERE" => Error,
        "WARNING" => Warn,
        "INFO" | "CONFIG" => Info,
        "FINE" => Debug,
        "FINER" | "FINEST" | "ALL" => Trace,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers spec/80: 35.
    #[test]
    fn levels_of_the_original_become_levels_of_our_modules() {
        let text = "handlers= java.util.logging.ConsoleHandler, io.sentry.jul.SentryHandler\n\
                    java.util.logging.ConsoleHandler.level = ALL\n\
                    java.util.logging.ConsoleHandler.formatter = org.jitsi.utils.logging2.JitsiLogFormatter\n\
                    org.jitsi.utils.logging2.JitsiLogFormatter.programname=Focus\n\
                    org.jitsi.utils.logging2.JitsiLogFormatter.disableTimestamp=true\n\
                    org.jitsi.jicofo.level=FINE\n.level=INFO\norg.jitsi.jicofo.bridge.BridgeSelector.level=ALL\n\
                    org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level=ALL\norg.example.level=FINE\nx.level=LOUD\n";
        let asked = read("l", text);
        assert_eq!(asked.filters, ["INFO", "jicofo=DEBUG", "jicofo::focus::bridges=TRACE", "xmpp.packets=trace"]);
        assert_eq!((asked.program.as_deref(), asked.no_timestamp), (Some("Focus"), true));
        let told: Vec<String> = asked.problems.iter().map(ToString::to_string).collect();
        let places = ["l:1:11: handlers: the handler io.sentry", "l:11:9: x.level: \"LOUD\" is no level"];
        assert!(told.len() == 2 && told.iter().zip(places).all(|(told, place)| told.starts_with(place)), "{told:?}");
    }

    #[test]
    fn what_is_misspelt_is_told_and_counts_for_nothing_else() {
        for (line, says) in [
            (
                "org.jisti.jicofo.level=FINE",
                "there is no such logger, it is passed over; did you mean org.jitsi.jicofo.level?",
            ),
            ("org.jitsi.jicofoo.level=FINE", "did you mean org.jitsi.jicofo.level?"),
            (
                "org.jitsi.jicofo.brigde.BridgeSelector.level=OFF",
                "did you mean org.jitsi.jicofo.bridge.BridgeSelector.level?",
            ),
            (
                "org.jitsi.jicofo.FocusManager.level=OFF",
                "there is no such logger here, it is passed over; write org.jitsi.jicofo,",
            ),
            ("org.jitsi.jicofo.jibri.level=OFF", "or below it one of auth, bridge, conference,"),
            ("java.util.logging.ConsoleHander.level=ALL", "did you mean java.util.logging.ConsoleHandler.level?"),
            ("handler=java.util.logging.ConsoleHandler", "did you mean handlers?"),
            (
                "org.jitsi.impl.protocol.xmpp.log.PacketDebuger.level=ALL",
                "did you mean org.jitsi.impl.protocol.xmpp.log.PacketDebugger",
            ),
            ("org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.patern=x", "XmppPacketsFileHandler.pattern?"),
            ("org.jitsi.utils.logging2.JitsiLogFormatter.programName=x", "JitsiLogFormatter.programname?"),
        ] {
            let asked = read("l", line);
            let told: Vec<String> = asked.problems.iter().map(ToString::to_string).collect();
            assert!(told.len() == 1 && told[0].starts_with("l:1:") && told[0].contains(says), "{line}: {told:?}");
            assert_eq!(asked.filters, ["xmpp.packets=off"], "{line}");
        }
        // Of libraries, and of the original's other programs.
        for line in [
            "org.jitsi.impl.neomedia.level=SEVERE",
            "org.ice4j.level=OFF",
            "sun.net.www.level=INFO",
            "net.sf.level=SEVERE",
        ] {
            let asked = read("l", line);
            assert!(asked.problems.is_empty() && asked.filters == ["xmpp.packets=off"], "{line}: {:?}", asked.filters);
        }
        assert_eq!(read("l", "org.jitsi.jicofo.auth.level=FINE").filters[0], "jicofo::focus::auth=DEBUG");
    }

    const PACKET_LOG: &str = "handlers=java.util.logging.ConsoleHandler,org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler\n\
         org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level=FINE\n\
         org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.pattern=/x/p.log\n\
         org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.limit=200000000\n\
         org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.count=3\n\
         org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.append=true\n";

    #[test]
    fn packets_are_written_where_a_handler_writes_them() {
        let asked = read("l", PACKET_LOG);
        let file = PacketFile { pattern: "/x/p.log".into(), limit: 200_000_000, count: 3, append: true };
        assert_eq!((asked.packets, asked.filters), (Some(file.clone()), vec!["xmpp.packets=trace".to_owned()]));
        let filter = "java.util.logging.ConsoleHandler.filter=org.jitsi.impl.protocol.xmpp.log.ExcludeXmppPackets\n";
        let asked = read("l", &format!("{PACKET_LOG}{filter}"));
        assert_eq!((asked.packets, asked.filters), (Some(file), vec!["xmpp.packets=off".to_owned()]));
        let asked = read("l", &format!("{PACKET_LOG}org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level=INFO\n"));
        assert_eq!((asked.packets, asked.filters), (None, vec!["xmpp.packets=off".to_owned()]));
    }

    #[test]
    fn mistakes_about_the_packet_log_are_told() {
        let asked = read(
            "l",
            "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler.count=0\n\
             org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level=ALL\n\
             handlers=org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler",
        );
        assert!(asked.packets.is_none());
        let told: Vec<String> = asked.problems.iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("l:1:") && told[0].contains("\"0\" is no count"), "{told:?}");
        assert!(told[1].starts_with("l: org") && told[1].contains("pattern: is not set"), "{told:?}");
    }
}
