//! Names for which levels are set: our modules, and the original's classes in its `logging.properties`. What was probably meant
//! by one that nothing has.

use super::similar::distance;

/// The target of packets.
const PACKETS: &str = "xmpp.packets";

/// Our modules that hold others, and the areas at the root. Below them any name is let be.
pub(crate) const MODULES: &[&str] = &[
    "jicofo::cli",
    "jicofo::config",
    "jicofo::config::hocon",
    "jicofo::config::keys",
    "jicofo::focus",
    "jicofo::focus::auth",
    "jicofo::focus::brewery",
    "jicofo::focus::bridges",
    "jicofo::focus::bridges::select",
    "jicofo::focus::colibri",
    "jicofo::focus::conference",
    "jicofo::focus::conference::bridge",
    "jicofo::focus::conference::cascade",
    "jicofo::focus::conference::offer",
    "jicofo::focus::conference::visitors",
    "jicofo::focus::request",
    "jicofo::focus::sources",
    "jicofo::focus::visitors",
    "jicofo::http",
    "jicofo::http::metrics",
    "jicofo::logging",
    "jicofo::server",
    "jicofo::wire",
    "jicofo::wire::xml",
    "jicofo::xmpp",
];

/// Areas of the original, and our modules; the longest prefix wins.
pub(crate) const AREAS: &[(&str, &str)] = &[
    ("org.jitsi.jicofo.conference.source", "jicofo::focus::sources"),
    ("org.jitsi.jicofo.conference", "jicofo::focus::conference"),
    ("org.jitsi.jicofo.visitors", "jicofo::focus::visitors"),
    ("org.jitsi.jicofo.bridge", "jicofo::focus::bridges"),
    ("org.jitsi.jicofo.health", "jicofo::focus::health"),
    ("org.jitsi.jicofo.auth", "jicofo::focus::auth"),
    ("org.jitsi.jicofo.ktor", "jicofo::http"),
    ("org.jitsi.jicofo.rest", "jicofo::http"),
    ("org.jitsi.jicofo.xmpp", "jicofo::xmpp"),
    ("org.jitsi.impl.protocol.xmpp", "jicofo::xmpp"),
];

/// All of ours, by a name that has everything of the original below it.
const EVERYTHING: [&str; 4] = ["org.jitsi.jicofo", "org.jitsi", "org", "jicofo"];

/// What the original's loggers of a name are here.
pub(crate) enum Java {
    Module(&'static str),
    /// Of the original, and of nothing here: what there is instead.
    NotHere(String),
    /// Of a library, or misspelt: then what was meant.
    Unknown(Option<String>),
}

pub(crate) fn java(logger: &str) -> Java {
    let below = |area: &str| logger == area || logger.strip_prefix(area).is_some_and(|rest| rest.starts_with('.'));
    if let Some((_, module)) = AREAS.iter().find(|(area, _)| below(area)) {
        return Java::Module(module);
    }
    if EVERYTHING.contains(&logger) {
        return Java::Module("jicofo");
    }
    let elements: Vec<&str> = logger.split('.').collect();
    let known = AREAS.iter().map(|(area, _)| *area).chain(EVERYTHING[..2].iter().copied());
    let near = known.filter_map(|area| {
        let length = area.split('.').count();
        let begin = elements.get(..length)?;
        // Classes have names with a capital letter, and are no areas.
        let class = begin.last().is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
        let far = distance(&begin.join("."), area);
        (far <= 2 && !class).then(|| (far, usize::MAX - length, [&[area], &elements[length..]].concat().join(".")))
    });
    let near = near.filter(|(far, ..)| *far > 0).min().map(|(_, _, meant)| meant);
    match near {
        Some(meant) => Java::Unknown(Some(meant)),
        None if below(EVERYTHING[0]) => {
            let mut areas: Vec<&str> =
                AREAS.iter().filter_map(|(area, _)| area.strip_prefix("org.jitsi.jicofo.")).collect();
            areas.sort_unstable();
            Java::NotHere(format!("org.jitsi.jicofo, or below it one of {}", areas.join(", ")))
        }
        None => Java::Unknown(None),
    }
}

/// What to write instead of the name of a module; none if nothing is wrong with it. Levels count for whatever begins so.
pub(crate) fn wrong_module(name: &str) -> Option<String> {
    let is_known = |name: &str| MODULES.iter().any(|module| module.starts_with(name)) || PACKETS.starts_with(name);
    if is_known(name) {
        return None;
    }
    if name.starts_with("org.jitsi") {
        return Some(match java(name) {
            Java::Module(module) => module.to_owned(),
            _ => "jicofo".to_owned(),
        });
    }
    // As places are written in log lines.
    let colons = name.replace('.', "::");
    if name.starts_with("jicofo.") {
        return Some(wrong_module(&colons).unwrap_or(colons));
    }
    let elements: Vec<&str> = name.split("::").collect();
    let (mut best, mut meant) = (3, None);
    for module in MODULES {
        let known: Vec<&str> = module.split("::").collect();
        let Some((begin, rest)) = elements.split_at_checked(known.len()) else { continue };
        let far: usize = begin.iter().zip(&known).map(|(one, other)| distance(one, other)).sum();
        if far == 0 {
            // What is within may be called anything, unless one of the next is like it.
            continue;
        }
        if far < best {
            best = far;
            meant = Some([known.as_slice(), rest].concat().join("::"));
        }
    }
    let jicofo = elements.first().is_some_and(|first| matches!(distance(first, "jicofo"), 1..=2));
    if meant.is_none() && jicofo {
        meant = Some([&["jicofo"], &elements[1..]].concat().join("::"));
    }
    meant.or_else(|| (distance(name, PACKETS) <= 3).then(|| PACKETS.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is added needs a line above, or levels for it are taken for misspelt ones of its neighbours.
    #[test]
    fn the_modules_are_those_there_are() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for module in MODULES {
            let path = root.join(module.trim_start_matches("jicofo::").replace("::", "/"));
            assert!(path.is_dir() || path.with_extension("rs").is_file(), "there is no {module}");
        }
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("the sources can be read").flatten() {
                let path = entry.path();
                let name = path.strip_prefix(&root).expect("it is below").display().to_string().replace('/', "::");
                if path.is_dir() && !name.ends_with("tests") {
                    assert!(MODULES.contains(&format!("jicofo::{name}").as_str()), "{name} is missing");
                    folders.push(path);
                }
            }
        }
        assert_eq!(PACKETS, crate::xmpp::PACKETS);
        for (_, module) in AREAS {
            assert_eq!(wrong_module(module), None, "{module}");
        }
    }

    #[test]
    fn a_misspelt_module_is_likened_to_one_there_is() {
        for (name, meant) in [
            ("jicofo::focsu", Some("jicofo::focus")),
            ("jcofo::focus", Some("jicofo::focus")),
            ("jicofoo", Some("jicofo")),
            ("jicofo::focus::brigdes::select", Some("jicofo::focus::bridges::select")),
            ("jicofo::focus::conferense", Some("jicofo::focus::conference")),
            ("jicofo.focus.bridges", Some("jicofo::focus::bridges")),
            ("jicofo.focsu", Some("jicofo::focus")),
            ("org.jitsi.jicofo.bridge", Some("jicofo::focus::bridges")),
            ("xmpp.packet s", Some("xmpp.packets")),
            ("xmpp::packets", Some("xmpp.packets")),
            // Levels count for all that begins so.
            ("jicofo::foc", None),
            ("jicof", None),
            ("jicofo::focus::conference::invite", None),
            ("jicofo::focus::seat", None),
            ("xmpp.packets", None),
            ("hyper", None),
            ("rustls::client", None),
        ] {
            assert_eq!(wrong_module(name).as_deref(), meant, "{name}");
        }
    }
}
