//! Runs the target `cursors` by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mercato_fuzz::cursors::run(data));
