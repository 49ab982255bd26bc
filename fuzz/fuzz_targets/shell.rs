//! The shell fragment of old init scripts: it becomes variables and flags, or an error with its place.

#![no_main]

use std::collections::BTreeMap;

use jicofo::config::environment_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let environment = BTreeMap::from([("OUTER".to_owned(), "a b".to_owned())]);
    match environment_file::parse(&text, &environment) {
        Ok(read) => {
            let _ = jicofo::cli::parse(environment_file::arguments(&read.variables), read.variables);
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            for wrong in mistakes {
                let mut parts = wrong.splitn(3, ':');
                let place = [parts.next(), parts.next()].map(|part| part.and_then(|part| part.parse::<usize>().ok()));
                assert!(matches!(place, [Some(1..), Some(1..)]), "{wrong}");
            }
        }
    }
});
