//! The HTTP server: connections, limits, event streams, and the responses of the host itself.

mod body;
mod chunks;
mod client_network;
mod connection;
mod connection_state;
pub mod connections;
mod head;
mod health;
mod held_bytes;
mod limits;
pub mod open_files;
mod problem;
mod raw_response;
mod refusals;
mod request_check;
mod request_context;
mod request_framing;
mod response_body;
mod server;
mod service;
mod stopping;
mod stream_cut;
pub mod stream_slots;
pub mod streams;
mod transport;

pub use refusals::Pace;
pub use server::serve;
pub use service::Service;
pub use stopping::Stopping;
