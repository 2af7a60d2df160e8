//! The HTTP server: connections, limits, event streams, and the responses of the host itself.

mod body;
mod health;
mod problem;
mod request_context;
mod server;
mod service;
pub mod stream_slots;
pub mod streams;

pub use server::serve;
pub use service::Service;
