//! Bytes as a configuration file of one kind: read, checked, shown, and written anew; what was accepted means the same then.

// Each target uses its own part.
#![allow(dead_code)]

use std::path::PathBuf;

use jicofo::config::hocon::{Loader, Tree, Variable};
use jicofo::config::{self, Severity, Sources, migrate, report};

/// One in so many files that cannot be read goes on to be checked and shown all the same: that has little to do with it, and
/// takes a hundred times as long.
const BROKEN: u32 = 32;

pub fn file(extension: &str, bytes: &[u8]) {
    let path = scratch(extension, bytes);
    let mut loader = Loader::new(Tree::default());
    loader.load(&path);
    let (tree, _, problems) = loader.finish();
    let _ = tree.resolve(&|_| Variable::Absent);
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    let sum = bytes.iter().fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    if !broken || sum % BROKEN == 0 {
        read(&Sources { config_file: Some(path), ..Sources::default() });
    }
}

/// Variables, a line each.
pub fn environment(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.split('\n').filter_map(|line| line.split_once('='));
    let environment = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    read(&Sources { environment, ..Sources::default() });
}

/// `sip-communicator.properties`, in the place that the properties name.
pub fn legacy(bytes: &[u8]) {
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

pub fn read(sources: &Sources) {
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
