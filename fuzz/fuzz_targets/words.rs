//! `JAVA_SYS_PROPS` and arguments: any text becomes words, properties and flags.

#![no_main]

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(read_file::words(bytes)));
