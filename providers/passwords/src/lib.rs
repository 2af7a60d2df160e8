//! The port `passwords`: hashes by argon2id, and a pool of threads that computes a bounded number of them at
//! once.

mod hashing;
#[cfg(not(target_arch = "wasm32"))]
mod pool;

pub use hashing::{Cost, Memory, hash, verify};
#[cfg(not(target_arch = "wasm32"))]
pub use pool::PasswordPool;
