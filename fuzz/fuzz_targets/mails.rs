//! Runs the target `mails` by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mercato_fuzz::mails::run(data));
