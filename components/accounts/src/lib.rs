//! The accounts service: registration, sign-in, sessions, users, and the audit log of it.
//!
//! Plain Rust over the ports; `component` binds it to `mercato:shop/accounts` and `mercato:shop/contacts`.

mod audit;
mod code;
#[cfg(target_arch = "wasm32")]
mod component;
mod contacts;
mod credentials;
mod external;
mod letter;
mod password;
mod patch;
mod privacy;
mod profile;
mod refresh_token;
mod service;
mod session;
mod sessions;
mod settings;
mod sign_in;
mod throttle;
mod token;
mod user;
mod users;
mod verification;

pub use service::{AccountsService, Platform};
