//! The WebAssembly runtime: the compiled shop and the pool of its instances.

mod admission;
mod budget;
mod costs;
mod engine;
mod instance;
mod limits;
mod memory;
mod output;
mod permits;
mod platform;
mod pool;
mod ports;
mod processors;
mod queue;
mod shares;
mod state;
#[cfg(test)]
mod tests;

pub use instance::InstanceError;
pub use limits::Limits;
pub use platform::Platform;
pub use pool::{AcquireError, CallError, Pool, PoolLoad};
