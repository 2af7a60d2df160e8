//! The gateway: GraphQL over HTTP and REST in front of the services.
//!
//! It authenticates the caller, and the services authorize. All of it is plain Rust over the traits of the
//! services and the types of the `http` crate. `component` binds it to `mercato:platform/http-handler` and to
//! the imports.

mod auth;
#[cfg(target_arch = "wasm32")]
mod component;
mod gateway;
mod graphql;
mod http;
mod middleware;
mod misconfigured;
mod model;
mod pages;
mod request_session;
mod rest;
mod services;
mod settings;

pub use gateway::Gateway;
pub use misconfigured::misconfigured;
pub use services::Services;
pub use settings::Settings;
