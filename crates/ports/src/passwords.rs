//! The port `passwords`: slow hashes of passwords.

use async_trait::async_trait;

pub use crate::bindings::mercato::platform::passwords_types::PasswordFailure;

/// The port `mercato:platform/passwords`.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Returns the salted hash of a password, in the PHC string format.
    ///
    /// # Errors
    /// [`PasswordFailure::Busy`] if too many passwords wait to be hashed.
    async fn hash(&self, password: String) -> Result<String, PasswordFailure>;

    /// Returns whether a password matches a hash. Without a hash, it takes as long and returns false.
    ///
    /// # Errors
    /// [`PasswordFailure::Busy`] if too many passwords wait to be hashed. [`PasswordFailure::Failed`] if the
    /// hash is malformed.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFailure>;
}
