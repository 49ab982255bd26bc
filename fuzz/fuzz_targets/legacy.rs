//! The legacy properties file: its entries, and what they say as values of keys.

#![no_main]

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_file::entries(bytes));
