//! The signature of a delivery: `t=<seconds>,v1=<hex>[,v1=<hex>…]`. Each `v1` is an HMAC-SHA256 (RFC 2104)
//! of `<seconds>.<body>`, as in Stripe's webhooks. The time is signed, so that a recorded delivery can't be
//! sent again later.

use std::fmt;

use hmac::{Hmac, Mac};
use mercato_shop::id;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The secret of an endpoint. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Secret {
    /// Generates a secret of 256 random bits.
    pub fn generate() -> Result<Self, Error> {
        let bytes = id::secret::<32>()?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("whsec_{digits}")))
    }

    /// Returns the text of the secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn sign(&self, seconds: u64, body: &str) -> Result<String, Error> {
        // The key is the text with its prefix.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes())
            .map_err(|error| Error::Internal(format!("failed to sign a delivery: {error}")))?;
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        Ok(format!("{:x}", mac.finalize().into_bytes()))
    }
}

/// Returns the signature header of a body, with a signature by each secret. The time is in seconds since the
/// Unix epoch.
pub fn header<'a>(
    mut secrets: impl Iterator<Item = &'a Secret>,
    seconds: u64,
    body: &str,
) -> Result<String, Error> {
    secrets.try_fold(format!("t={seconds}"), |header, secret| {
        Ok(format!("{header},v1={}", secret.sign(seconds, body)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"id":"evt_1"}"#;

    #[test]
    fn signs_like_openssl() {
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let secret = Secret("whsec_test".into());
        let known = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
        assert_eq!(
            header([&secret].into_iter(), 1_700_000_000, BODY).unwrap(),
            format!("t=1700000000,v1={known}")
        );
        let other = Secret("whsec_other".into());
        let both = header([&other, &secret].into_iter(), 1_700_000_000, BODY).unwrap();
        assert!(both.ends_with(&format!(",v1={known}")), "{both}");
        assert_eq!(both.matches("v1=").count(), 2);
    }

    #[test]
    fn generates_secrets_that_are_long_and_hidden_from_debug_output() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one, other);
        let digits = one.reveal().strip_prefix("whsec_").unwrap();
        assert_eq!(digits.len(), 64);
        assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(!format!("{one:?}").contains(digits));
    }
}
