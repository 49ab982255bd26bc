//! Any text as an address.

#![no_main]

#[path = "../../tests/wire/roundtrip.rs"]
#[allow(dead_code)]
mod roundtrip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        roundtrip::jid(text);
    }
});
