//! `JAVA_SYS_PROPS` and arguments: any text becomes words, properties and flags, and a configuration of those.

#![no_main]

use std::collections::BTreeMap;

use jicofo::cli;

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (words, arguments) = text.split_once('\n').unwrap_or((&text, ""));
    let environment = BTreeMap::from([("JAVA_SYS_PROPS".to_owned(), words.to_owned())]);
    let mut invocation = cli::parse(arguments.split(' ').map(str::to_owned), environment);
    // Files of this machine, devices among them, are none of its business.
    invocation.sources.config_file = None;
    invocation.sources.default_files.clear();
    let files = ["config.file", "net.java.sip.communicator.SC_HOME_DIR_LOCATION"];
    let system = &mut invocation.sources.system.properties;
    system.retain(|(name, _)| !files.contains(&name.as_str()) && !name.ends_with("-file"));
    read_file::read(&invocation.sources);
});
