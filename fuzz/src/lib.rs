//! Fuzz targets: what strangers can send to a shop.
//!
//! A target takes any bytes, and panics if the shop breaks a promise. Most inputs are texts, so that a file of
//! the corpus is readable. In requests, `<TOKEN>` and other names stand for values of the shop.
//!
//! The tests of this crate run the corpus and mutations of it. `cargo fuzz` runs a target by libFuzzer.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a target reports a fault by a panic"
)]

pub mod cloud_events;
pub mod cursors;
pub mod feeds;
pub mod graphql;
pub mod hosts;
pub mod mails;
pub mod prices;
mod reply;
pub mod request;
pub mod rest;
pub mod settings;
pub mod shop;
pub mod stripe_webhooks;
pub mod tokens;
