//! The accounts service: registration, sign-in, sessions, users, and the audit log of the whole shop.
//!
//! Plain Rust over the ports. `component` binds it to `mercato:shop/accounts`, `mercato:shop/contacts` and
//! `mercato:platform/handler`.

mod address_limit;
mod audit;
#[cfg(target_arch = "wasm32")]
mod component;
mod email;
mod events;
mod mac;
mod password_reset;
mod repository;
mod service;
mod session;
mod user;
mod verification;

#[cfg(feature = "json-schema")]
pub use events::schemas as event_schemas;
pub use service::{AccountsService, Platform};
