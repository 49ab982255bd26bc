//! The legacy properties file.

#![no_main]

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_file::legacy(bytes));
