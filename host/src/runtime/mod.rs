//! The WebAssembly runtime: the compiled shop and the pool of its instances.

mod compute_permits;
mod engine;
mod instance;
mod output;
mod platform;
mod pool;
mod ports;
mod state;
#[cfg(test)]
mod tests;

pub use engine::Limits;
pub use instance::InstanceError;
pub use platform::Platform;
pub use pool::{AcquireError, CallError, Pool};
