//! The WebAssembly side: the compiled shop, and its instances, which are reused for many calls.

mod bindings;
mod engine;
mod instance;
mod output;
mod pool;
mod ports;
mod state;
#[cfg(test)]
mod tests;
mod turns;

pub use engine::Limits;
pub use instance::Trouble;
pub use pool::{Busy, CallError, Pool};
pub use ports::Platform;
