//! The port `passwords`: hashes by argon2id, and a pool of threads that computes a bounded number of them at
//! once.

mod hashing;
#[cfg(not(target_arch = "wasm32"))]
mod memory;
#[cfg(not(target_arch = "wasm32"))]
mod pool;
#[cfg(any(target_arch = "wasm32", test))]
mod vectors;

pub use hashing::{Cost, hash, verify};
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Memory;
#[cfg(not(target_arch = "wasm32"))]
pub use pool::PasswordPool;
#[cfg(target_arch = "wasm32")]
pub use vectors::Memory;
