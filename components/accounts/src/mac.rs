//! Message authentication codes, from which codes and tokens for users are made.
//!
//! They can be computed again when they are sent and when they are checked. So they need not be stored, and
//! the stored data do not reveal them.

use hmac::{Hmac, Mac};
use mercato_shop::ports::Ports;
use mercato_shop::settings::{self, secret};
use mercato_shop::types::Error;
use sha2::Sha256;

/// Computes the HMAC (RFC 2104) of a list of texts, with the API secret as its key.
pub fn compute(ports: &impl Ports, parts: &[&str]) -> Result<[u8; 32], Error> {
    let secret = settings::read(ports, secret::api_secret)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|error| Error::Internal(format!("failed to compute a code: {error}")))?;
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        mac.update(&length.to_le_bytes());
        mac.update(part.as_bytes());
    }
    Ok(mac.finalize().into_bytes().into())
}
