//! `API_SECRET` and `TOKEN_KEYS`: the API key, and the keys of access tokens.

use super::config::{Config, value};
use crate::token_keys::{Signer, TokenKeys};

/// The name of the API key's setting.
pub const API_SECRET: &str = "API_SECRET";

/// The minimum length of a secret, in bytes. Shorter keys of HMAC-SHA256 can be guessed.
const MIN_LENGTH: usize = 16;

/// Reads the secret of the shop.
///
/// # Errors
/// A sentence for the operator if the secret is missing or too short.
pub fn api_secret(config: Config<'_>) -> Result<String, String> {
    let secret = value(config, API_SECRET).ok_or("API_SECRET is not set")?;
    check(&secret).map(|()| secret)
}

/// Checks the length of a secret.
///
/// # Errors
/// The minimum length, and how to make a secret.
pub fn check(secret: &str) -> Result<(), String> {
    if secret.len() < MIN_LENGTH {
        return Err(format!(
            "API_SECRET must be at least {MIN_LENGTH} bytes: make one with `openssl rand -hex 32`"
        ));
    }
    Ok(())
}

/// Reads the keys of access tokens. `None` stands for the secret of the shop.
///
/// # Errors
/// The expected form.
pub fn token_keys(config: Config<'_>) -> Result<Option<TokenKeys>, String> {
    value(config, "TOKEN_KEYS")
        .as_deref()
        .map(TokenKeys::parse)
        .transpose()
}

/// Reads the key that signs access tokens. `None` stands for the secret of the shop.
///
/// # Errors
/// The expected form.
pub fn signing_key(config: Config<'_>) -> Result<Option<Signer>, String> {
    token_keys(config)?.map(|keys| keys.signer()).transpose()
}
