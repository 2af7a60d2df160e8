//! Passes requests of `wasi:http` to the gateway, and writes bodies so that they leave together with their
//! heads.
#![cfg(target_arch = "wasm32")]

mod body;
mod gateway;
mod response;

pub use body::{StartedBody, WriteError};
pub use gateway::serve;
pub use response::respond;
