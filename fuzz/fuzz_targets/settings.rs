//! Runs the target `settings` by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mercato_fuzz::settings::run(data));
