//! The port `http-client`: requests to the hosts that the operator allows.

mod client;

pub use client::Client;
