//! `API_SECRET` and `TOKEN_KEYS`: with what the shop knows its operator, and its own tokens.

use super::{Config, given};
use crate::token_keys::{Signer, TokenKeys};

/// The name of the shop's secret.
pub const API_SECRET: &str = "API_SECRET";

/// The fewest bytes of a secret: shorter keys of HMAC-SHA256 can be guessed.
const SHORTEST: usize = 16;

/// The shop's secret.
///
/// # Errors
/// How it is to be written; also where it is not set.
pub fn api_secret(config: Config<'_>) -> Result<String, String> {
    let secret = given(config, API_SECRET).ok_or("API_SECRET is not configured")?;
    check(&secret).map(|()| secret)
}

/// Whether a text is a secret for the shop.
///
/// # Errors
/// How it is to be made.
pub fn check(secret: &str) -> Result<(), String> {
    if secret.len() < SHORTEST {
        return Err(format!(
            "API_SECRET is too short, it needs at least {SHORTEST} bytes: make one with `openssl rand -hex 32`"
        ));
    }
    Ok(())
}

/// The keys of access tokens; none where the shop's secret signs them.
///
/// # Errors
/// How they are to be written.
pub fn token_keys(config: Config<'_>) -> Result<Option<TokenKeys>, String> {
    given(config, "TOKEN_KEYS")
        .as_deref()
        .map(TokenKeys::parse)
        .transpose()
}

/// The key that signs access tokens; none where the shop's secret does.
///
/// # Errors
/// How it is to be written.
pub fn signing_key(config: Config<'_>) -> Result<Option<Signer>, String> {
    token_keys(config)?.map(|keys| keys.signer()).transpose()
}
