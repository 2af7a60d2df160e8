//! Runs the target `cloud_events` by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mercato_fuzz::cloud_events::run(data));
