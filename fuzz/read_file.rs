//! Foreign bytes as a configuration, of each kind. The reader alone, which takes microseconds; and in [`whole`] all that a start
//! does with it, which takes a thousand times as long: read, checked, shown, and written anew; what was accepted means the same
//! then.

// Each target uses its own part.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use jicofo::cli;
use jicofo::config::hocon::{Loader, Node, Tree, Value, Variable};
use jicofo::config::legacy::Converted;
use jicofo::config::schema::KEYS;
use jicofo::config::{self, Origin, Sources, environment, migrate, properties, report};

/// A file named `*.extension`, as far as it can be understood without the schema.
pub fn file(extension: &str, bytes: &[u8]) {
    let path = scratch(extension, bytes);
    let mut loader = Loader::new(Tree::default());
    loader.load(&path);
    let (tree, _, problems) = loader.finish();
    assert!(problems.iter().all(|problem| problem.origin.is_some()), "{problems:?}");
    let _ = tree.resolve(&|name| if name == "D" { Variable::Text("of the environment".into()) } else { Variable::Absent });
}

/// Variables, a line each, into a tree.
pub fn variables(bytes: &[u8]) {
    let sources = Sources { environment: lines(bytes), ..Sources::default() };
    let (mut tree, mut problems) = (Tree::default(), Vec::new());
    environment::define(&sources, &mut tree, &mut problems);
    let _ = tree.resolve(&|_| Variable::Absent);
    for name in sources.environment.keys() {
        let _ = environment::misspelt_name(name);
    }
}

/// The entries of a properties file: each has a place in it, and what they say as values of the keys that have such a name.
pub fn entries(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parsed = properties::parse(&text);
    let lines = text.split(['\n', '\r']).count();
    for entry in &parsed.entries {
        assert!(!entry.name.is_empty() && entry.value.trim() == entry.value, "{entry:?}");
        assert!((1..=lines).contains(&(entry.line as usize)) && entry.column > 0, "{entry:?}");
        for (key, legacy) in KEYS.iter().flat_map(|key| key.legacy.iter().map(move |legacy| (key, legacy))) {
            if legacy.name == entry.name
                && let Converted::Text(text) = legacy.convert(&entry.value, Some("m.x"))
            {
                let _ = key.kind.read_exactly(&Node::new(Value::text(text), Origin::Default));
            }
        }
    }
    // Written as Java would, it is the same.
    let escaped = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
    let again: String =
        parsed.entries.iter().map(|entry| format!("{} = {}\n", escaped(&entry.name), escaped(&entry.value))).collect();
    let again = properties::parse(&again);
    let said = |entries: &[properties::Property]| -> Vec<(String, String)> {
        entries.iter().map(|entry| (entry.name.clone(), entry.value.clone())).collect()
    };
    assert!(again.mistakes.is_empty(), "{:?}", again.mistakes);
    assert_eq!(said(&parsed.entries), said(&again.entries));
}

/// `JAVA_SYS_PROPS` on the first line, arguments behind it.
pub fn words(bytes: &[u8]) -> cli::Invocation {
    let text = String::from_utf8_lossy(bytes);
    let (words, arguments) = text.split_once('\n').unwrap_or((&text, ""));
    let environment = BTreeMap::from([("JAVA_SYS_PROPS".to_owned(), words.to_owned())]);
    cli::parse(arguments.split(' ').map(str::to_owned), environment)
}

/// A whole start; the first byte says of what.
pub fn whole(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 7 {
        0 => read(&Sources { config_file: Some(scratch("conf", bytes)), ..Sources::default() }),
        1 => read(&Sources { config_file: Some(scratch("toml", bytes)), ..Sources::default() }),
        2 => read(&Sources { config_file: Some(scratch("json", bytes)), ..Sources::default() }),
        3 => read(&Sources { config_file: Some(scratch("properties", bytes)), ..Sources::default() }),
        4 => read(&Sources { environment: lines(bytes), ..Sources::default() }),
        5 => legacy(bytes),
        _ => {
            let mut sources = words(bytes).sources;
            // Files of this machine, devices among them, are none of its business.
            sources.config_file = None;
            sources.default_files.clear();
            let files = ["config.file", "net.java.sip.communicator.SC_HOME_DIR_LOCATION"];
            let system = &mut sources.system.properties;
            system.retain(|(name, _)| !files.contains(&name.as_str()) && !name.ends_with("-file"));
            read(&sources);
        }
    }
}

fn lines(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// `sip-communicator.properties`, in the place that the properties name.
fn legacy(bytes: &[u8]) {
    let path = scratch("properties", bytes);
    let home = path.with_extension("home");
    let folder = home.join("jicofo");
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    std::fs::rename(&path, folder.join("sip-communicator.properties")).expect("both are in one folder");
    let mut sources = Sources::default();
    for (name, value) in [("LOCATION", home.to_string_lossy().as_ref()), ("NAME", "jicofo")] {
        let name = format!("net.java.sip.communicator.SC_HOME_DIR_{name}");
        sources.system.properties.push((name, value.to_owned()));
    }
    read(&sources);
}

pub fn scratch(extension: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("jicofo-fuzz-{}.{extension}", std::process::id()));
    std::fs::write(&path, bytes).expect("the temporary folder can be written");
    path
}

fn read(sources: &Sources) {
    let loaded = config::load(sources);
    let _ = (report::effective(&loaded), report::json(&loaded), report::summary(&loaded));
    if loaded.refuses() {
        return;
    }
    for (extension, format) in [("new.conf", migrate::Format::Hocon), ("new.toml", migrate::Format::Toml)] {
        let path = scratch(extension, migrate::file(&loaded, format).as_bytes());
        let again = config::load(&Sources { config_file: Some(path), ..Sources::default() });
        assert!(!again.refuses());
        assert_eq!(format!("{:?}", loaded.config), format!("{:?}", again.config));
    }
}
