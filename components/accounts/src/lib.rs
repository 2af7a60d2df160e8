//! The accounts service: registration, sign-in, users.
//!
//! Plain Rust over the ports; `component` binds it to `mercato:shop/accounts`.

#[cfg(target_arch = "wasm32")]
mod component;
mod credentials;
mod password;
mod service;
mod token;
mod user;

pub use service::AccountsService;
