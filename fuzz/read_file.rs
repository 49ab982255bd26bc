//! Bytes as a configuration file of one kind: read, checked, shown, and written anew; what was accepted means the same then.

use std::path::PathBuf;

use jicofo::config::{self, Sources, migrate, report};

pub fn file(extension: &str, bytes: &[u8]) {
    let path = scratch(extension, bytes);
    read(&Sources { config_file: Some(path), ..Sources::default() });
}

/// `sip-communicator.properties`, in the place that the properties name.
#[allow(dead_code)]
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

fn scratch(extension: &str, bytes: &[u8]) -> PathBuf {
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
