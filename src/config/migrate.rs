//! `jicofo migrate`: one commented file that means the same as a legacy properties file, an environment file, flags and
//! whatever else a start would read.

use std::fmt::Write as _;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::json;

use super::Loaded;
use super::docs::section_of;
use super::report;
use super::schema::elements;
use super::settings::Entry;
use super::typed::{Setting, duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Hocon,
    Toml,
}

/// The file's text. Secrets are in it: whoever writes it down keeps it from others.
pub fn file(loaded: &Loaded, format: Format) -> String {
    let mut out = head(loaded);
    let mut sections: IndexMap<String, Vec<(String, &Entry)>> = IndexMap::new();
    for (path, entry) in &loaded.settings.entries {
        if is_written(path, entry) {
            let elements = elements(path);
            let elements: Vec<&str> = elements.iter().map(String::as_str).collect();
            // The section of a visitor node has the node's name.
            let depth = section_of(entry.key.path).matches('.').count() + 1;
            let (section, name) = elements.split_at(depth.min(elements.len()));
            sections.entry(quoted(section)).or_default().push((quoted(name), entry));
        }
    }
    for (section, entries) in sections {
        let (open, close, indent) = match format {
            Format::Hocon => (format!("{section} {{"), "}\n", "  "),
            Format::Toml => (format!("[{section}]"), "", ""),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n{open}");
        for (name, entry) in entries {
            let Some(setting) = &entry.setting else { continue };
            let origin = entry.origin.to_string();
            let origin = origin.strip_prefix("from ").unwrap_or(&origin);
            let _ = writeln!(out, "{indent}# {} (from {})", entry.key.about, comment(origin));
            let _ = writeln!(out, "{indent}{name} = {}", value(setting));
        }
        out.push_str(close);
    }
    out
}

/// What a person said in whatever way, and what followed from that in the old start.
fn is_written(path: &str, entry: &Entry) -> bool {
    // The file is replaced by what it holds.
    entry.setting.is_some() && !entry.origin.is_default() && !path.ends_with("-file")
}

fn head(loaded: &Loaded) -> String {
    let mut head = "# Written by `jicofo migrate`. It means the same as what it was made from:\n".to_owned();
    for file in loaded.files.iter().filter(|file| file.found) {
        let _ = writeln!(head, "# - {}", comment(&file.path.display().to_string()));
    }
    for (kind, origins) in [("flags", "--"), ("environment", "environment "), ("system properties", "-D")] {
        let said = |entry: &&Entry| entry.origin.to_string().starts_with(origins);
        if loaded.settings.entries.values().any(|entry| said(&entry)) {
            let _ = writeln!(head, "# - {kind}");
        }
    }
    head.push_str(
        "#\n# Old names, flags and JICOFO__ variables beat any file: to put this one in place, start without them, and take\n\
         # net.java.sip.communicator.SC_HOME_DIR_LOCATION and the old names out of JAVA_SYS_PROPS. Leave\n\
         # java.util.logging.config.file there: levels and the packet log still come from that file. This one holds secrets:\n\
         # mode 600, and it belongs to the user that the focus runs as.\n",
    );
    let problems: Vec<_> = loaded.problems.iter().collect();
    if !problems.is_empty() {
        head.push_str("#\n# Left to you, or left out:\n");
    }
    for problem in problems {
        let _ = writeln!(head, "# - {}", comment(&problem.to_string()));
    }
    head
}

/// What comes from elsewhere, in a comment: neither format takes control characters there, and a line end would end it.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A path whose elements are quoted where a format asks for it.
fn quoted(path: &[&str]) -> String {
    let element = |element: &&str| {
        let plain = element.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plain && !element.is_empty() { (*element).to_owned() } else { text(element) }
    };
    path.iter().map(element).collect::<Vec<_>>().join(".")
}

/// Both formats know these ways of writing.
fn value(setting: &Setting) -> String {
    let list = |elements: Vec<String>| format!("[{}]", elements.join(", "));
    match setting {
        Setting::Bool(value) => value.to_string(),
        Setting::Int(value) => value.to_string(),
        // TOML wants a point.
        Setting::Double(value) => format!("{value:?}"),
        Setting::Duration(value) => text(&exact(*value)),
        Setting::Text(value) => text(value),
        Setting::Domain(jid) => text(jid.as_ref()),
        Setting::BareJid(jid) => text(jid.as_ref().as_ref()),
        Setting::Domains(domains) => list(domains.iter().map(|jid| text(jid.as_ref())).collect()),
        Setting::RegionGroups(groups) => {
            list(groups.iter().map(|group| list(group.iter().map(|region| text(region)).collect())).collect())
        }
        Setting::Delays(delays) => {
            object(delays.iter().map(|(size, delay)| format!("{size} = {}", delay.as_millis())).collect())
        }
        Setting::Map(map) => {
            object(map.iter().map(|(name, value)| format!("{} = {}", text(name), text(value))).collect())
        }
    }
}

fn object(fields: Vec<String>) -> String {
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
}

/// TOML has no durations, so all are text. In the nicest unit that reads back the same: years to the nanosecond have none.
fn exact(value: Duration) -> String {
    let nice = report::duration(value);
    if duration(&nice) == Ok(value) { nice } else { format!("{} s", value.as_secs_f64()) }
}

/// JSON's escapes are those of both formats, but both want more characters escaped.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in json!(text).to_string().chars() {
        match c {
            // Below U+0020 JSON has done it.
            c if c.is_control() => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}
