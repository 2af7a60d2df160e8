//! The HTTP client port: requests out, to the hosts that the operator allows.

mod client;
mod hosts;

pub use client::Client;
