//! A start with a file, variables, or words: read, checked, shown, and the same when it is written anew.

#![no_main]

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_file::whole(bytes));
