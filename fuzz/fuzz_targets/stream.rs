//! Bytes behind a stream's header: cut → read → written → read, equal.

#![no_main]

#[path = "../../tests/wire/roundtrip.rs"]
#[allow(dead_code)]
mod roundtrip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    roundtrip::stream(bytes);
});
