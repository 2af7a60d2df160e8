//! The accounts service: registration, sign-in, sessions, users, and the audit log of the whole shop.
//!
//! Plain Rust over the ports; `component` binds it to `mercato:shop/accounts`, `mercato:shop/contacts` and `mercato:platform/handler`.

mod audit;
mod code;
#[cfg(target_arch = "wasm32")]
mod component;
mod contacts;
mod credentials;
mod external;
mod handling;
mod letter;
mod password;
mod patch;
mod privacy;
mod profile;
mod refresh_token;
mod service;
mod session;
mod sessions;
mod sign_in;
mod throttle;
mod token;
mod user;
mod users;
mod verification;

pub use handling::Failure;
pub use service::{AccountsService, Platform};
