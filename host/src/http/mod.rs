//! The HTTP side: connections, limits, and what the host answers by itself.

mod asked;
mod body;
pub mod client_address;
mod health;
pub mod places;
mod problem;
mod request_id;
mod server;
mod service;
pub mod watch;

pub use server::serve;
pub use service::Service;
