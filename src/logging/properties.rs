//! The original's `logging.properties` (spec/80 §8): what of it has a meaning here.

use crate::config::properties;

/// What such a file asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Levels as `env_logger` writes them, in order of the file.
    pub(super) filters: Vec<String>,
    /// `JitsiLogFormatter.programname`.
    pub(super) program: Option<String>,
    pub(super) no_timestamp: bool,
    /// What is in it and does nothing here.
    pub(super) remarks: Vec<String>,
}

const FORMATTER: &str = "org.jitsi.utils.logging2.JitsiLogFormatter.";
const CONSOLE: &str = "java.util.logging.ConsoleHandler";
const PACKETS: &str = "org.jitsi.impl.protocol.xmpp.log.PacketDebugger";
const PACKET_FILE: &str = "org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler";

/// Areas of the original, and our modules; the longest prefix wins.
const AREAS: &[(&str, &str)] = &[
    ("org.jitsi.jicofo.bridge", "jicofo::focus::bridges"),
    ("org.jitsi.jicofo.conference", "jicofo::focus::conference"),
    ("org.jitsi.jicofo.xmpp", "jicofo::xmpp"),
    ("org.jitsi.impl.protocol.xmpp", "jicofo::xmpp"),
    ("org.jitsi.jicofo", "jicofo"),
    ("org.jitsi", "jicofo"),
];

pub(super) fn read(text: &str) -> Asked {
    let mut asked = Asked::default();
    let mut packets_written = false;
    let mut packet_level = None;
    let mut console: Option<log::LevelFilter> = None;
    for property in properties::parse(text) {
        let (name, value) = (property.name.as_str(), property.value.trim());
        if name == "handlers" {
            for handler in value.split([',', ' ']).filter(|handler| !handler.is_empty()) {
                match handler {
                    CONSOLE => {}
                    PACKET_FILE => packets_written = true,
                    other => asked.remarks.push(format!("the handler {other} does not exist here, it is passed over")),
                }
            }
        } else if let Some(option) = name.strip_prefix(FORMATTER) {
            match option {
                "programname" => asked.program = Some(value.to_owned()),
                "disableTimestamp" => asked.no_timestamp = value.eq_ignore_ascii_case("true"),
                _ => {}
            }
        } else if let Some(logger) = name.strip_suffix(".level") {
            let Some(level) = level(value) else {
                asked.remarks.push(format!("line {}: {value:?} is no level, it is passed over", property.line));
                continue;
            };
            match logger {
                CONSOLE => console = Some(level),
                PACKETS => packet_level = Some(level),
                PACKET_FILE => {}
                "" => asked.filters.insert(0, level.to_string()),
                logger => {
                    let below = |area: &str| logger == area || logger.starts_with(&format!("{area}."));
                    if let Some((_, module)) = AREAS.iter().find(|(area, _)| below(area)) {
                        asked.filters.push(format!("{module}={level}"));
                    }
                }
            }
        }
    }
    if let Some(most) = console.filter(|level| *level < log::LevelFilter::Info) {
        // A console that shows less than the loggers give: it is the only place there is.
        asked.filters = vec![most.to_string()];
    }
    if packets_written && packet_level.is_some_and(|level| level >= log::LevelFilter::Debug) {
        asked.filters.push("xmpp.packets=trace".to_owned());
        asked.remarks.push("packets are written among the other lines, not to a file of their own".to_owned());
    }
    asked
}

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
        let asked = read(text);
        assert_eq!(asked.filters, ["INFO", "jicofo=DEBUG", "jicofo::focus::bridges=TRACE"]);
        assert_eq!((asked.program.as_deref(), asked.no_timestamp), (Some("Focus"), true));
        assert_eq!(asked.remarks.len(), 2, "{:?}", asked.remarks);
    }

    #[test]
    fn packets_are_written_if_a_handler_writes_them() {
        let text = "handlers=org.jitsi.impl.protocol.xmpp.log.XmppPacketsFileHandler\n\
                    org.jitsi.impl.protocol.xmpp.log.PacketDebugger.level=FINE\n";
        assert_eq!(read(text).filters, ["xmpp.packets=trace"]);
    }
}
