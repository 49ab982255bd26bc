//! `JAVA_SYS_PROPS`, and the shell fragment of old init scripts: any text becomes words, variables and flags.

#![no_main]

use std::collections::BTreeMap;

use jicofo::config::{environment_file, java};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut properties = java::SystemProperties::default();
    properties.read(java::split_words(&text));
    let variables = environment_file::parse(&text, &BTreeMap::new());
    let _ = jicofo::cli::parse(environment_file::arguments(&variables), variables);
});
