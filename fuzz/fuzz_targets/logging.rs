//! The original's `logging.properties`.

#![no_main]

use std::collections::BTreeMap;

use jicofo::config::Config;
use jicofo::logging::Style;

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = read_file::scratch("properties", bytes);
    let _ = Style::new(&Config::default().logging, path.to_str(), &BTreeMap::new());
});
