//! Runs the target `stripe_webhooks` by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mercato_fuzz::stripe_webhooks::run(data));
