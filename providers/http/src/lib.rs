//! The port `http-client`: requests to the hosts that the operator allows.

mod client;
mod hosts;

pub use client::Client;
