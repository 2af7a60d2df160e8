//! Runs the target `hosts` by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mercato_fuzz::hosts::run(data));
