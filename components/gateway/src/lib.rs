//! The gateway: GraphQL over HTTP, and REST, in front of the services.
//!
//! It proves who calls, and leaves to the services what they may do. Everything here is plain Rust over the services' traits
//! and the `http` crate's types; `component` binds it to `wasi:http/incoming-handler` and to the services' imports.

mod client;
#[cfg(target_arch = "wasm32")]
mod component;
mod errors;
mod graphiql;
mod http;
mod identity;
mod limits;
mod loader;
mod oidc;
mod personal;
mod responses;
mod rest;
mod schema;
mod services;
mod session;
mod watch;

pub use http::{Gateway, Settings, misconfigured};
pub use services::Services;
