//! The accounts service over a real store.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod audit;
mod contacts;
mod emails;
mod external;
mod password_reset;
mod passwords;
mod people;
mod privacy;
mod profile;
mod pruning;
mod registration_limit;
mod sessions;
mod standing;
mod throttle;
mod users;
mod verification;
