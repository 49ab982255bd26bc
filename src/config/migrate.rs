//! `jicofo migrate`: one commented file that means the same as a legacy properties file, an environment file, flags and
//! whatever else a start would read.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::json;

use super::docs::section_of;
use super::report;
use super::settings::Entry;
use super::typed::Setting;
use super::{Loaded, Origin};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Hocon,
    Toml,
}

/// The file's text. Secrets are in it: whoever writes it down keeps it from others.
pub fn file(loaded: &Loaded, format: Format) -> String {
    let mut out = head(loaded);
    let mut sections: IndexMap<&str, Vec<(&str, &Entry)>> = IndexMap::new();
    for (path, entry) in &loaded.settings.entries {
        if is_written(path, entry) {
            let section = section_of(entry.key.path);
            // The section of a visitor node has the node's name.
            let depth = section.matches('.').count() + 1;
            let end = path.match_indices('.').nth(depth - 1).map_or(path.len(), |(at, _)| at);
            sections.entry(&path[..end]).or_default().push((path, entry));
        }
    }
    for (section, entries) in sections {
        let (open, close, indent) = match format {
            Format::Hocon => (format!("{} {{", quoted(section)), "}\n", "  "),
            Format::Toml => (format!("[{}]", quoted(section)), "", ""),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n{open}");
        for (path, entry) in entries {
            let Some(setting) = &entry.setting else { continue };
            let name = path[section.len()..].trim_start_matches('.');
            let _ = writeln!(out, "{indent}# {} (from {})", entry.key.about, told(&entry.origin));
            let _ = writeln!(out, "{indent}{} = {}", quoted(name), value(setting));
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
        let _ = writeln!(head, "# - {}", file.path.display());
    }
    for (kind, origins) in [("flags", "--"), ("environment", "environment "), ("system properties", "-D")] {
        let said = |entry: &&Entry| entry.origin.to_string().starts_with(origins);
        if loaded.settings.entries.values().any(|entry| said(&entry)) {
            let _ = writeln!(head, "# - {kind}");
        }
    }
    head.push_str(
        "#\n# Old names and flags beat any file: to put this one in place, start without the flags, and take\n\
         # net.java.sip.communicator.SC_HOME_DIR_LOCATION and the old names out of JAVA_SYS_PROPS. It holds secrets: mode 600.\n",
    );
    let problems: Vec<_> = loaded.problems.iter().collect();
    if !problems.is_empty() {
        head.push_str("#\n# Left to you, or left out:\n");
    }
    for problem in problems {
        let _ = writeln!(head, "# - {}", problem.to_string().replace(['\n', '\r'], " "));
    }
    head
}

fn told(origin: &Origin) -> String {
    let text = origin.to_string();
    text.strip_prefix("from ").unwrap_or(&text).replace(['\n', '\r'], " ")
}

/// A path whose elements are quoted where a format asks for it.
fn quoted(path: &str) -> String {
    let element = |element: &str| {
        let plain = element.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if plain && !element.is_empty() { element.to_owned() } else { text(element) }
    };
    path.split('.').map(element).collect::<Vec<_>>().join(".")
}

/// Both formats know these ways of writing.
fn value(setting: &Setting) -> String {
    match setting {
        Setting::Text(value) => text(value),
        // TOML has no durations.
        Setting::Duration(value) => text(&report::duration(*value)),
        Setting::Map(map) => {
            let fields = map.iter().map(|(name, value)| format!("{} = {}", text(name), text(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        // TOML wants a point.
        Setting::Double(value) => format!("{value:?}"),
        other => report::written(other),
    }
}

/// JSON's escapes are those of both formats, but TOML wants one more.
fn text(text: &str) -> String {
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}
