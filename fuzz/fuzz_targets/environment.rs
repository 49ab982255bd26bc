//! Variables such as `JICOFO__XMPP__CLIENT__PORT=5223`, a line each.

#![no_main]

#[path = "../read_file.rs"]
mod read_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_file::variables(bytes));
