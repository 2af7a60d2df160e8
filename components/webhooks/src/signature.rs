//! The signature of a delivery: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, each an HMAC-SHA256 (RFC 2104) of `<seconds>.<body>`, as Stripe
//! signs its own. The time is signed, so that who has recorded a delivery can't send it later.

use std::fmt;

use hmac::{Hmac, Mac};
use mercato_shop::id;
use mercato_shop::types::Error;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What deliveries to one endpoint are signed with. It is shown to nobody by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Secret {
    /// A new one, of 256 random bits.
    ///
    /// # Errors
    /// Where the platform has no randomness.
    pub fn generate() -> Result<Self, Error> {
        let bytes = id::secret::<32>()?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("whsec_{digits}")))
    }

    /// The text, for who has to know it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn sign(&self, seconds: u64, body: &str) -> Result<String, Error> {
        // Of the secret as it is written, with its prefix. HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes())
            .map_err(|error| Error::Internal(format!("a delivery can't be signed: {error}")))?;
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        Ok(format!("{:x}", mac.finalize().into_bytes()))
    }
}

/// The header of a body that is sent at this time, in seconds since the Unix epoch, with a signature by each secret.
///
/// # Errors
/// None that is known.
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
    fn a_signature_is_what_others_compute() {
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
    fn a_secret_is_long_new_and_not_shown() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one, other);
        let digits = one.reveal().strip_prefix("whsec_").unwrap();
        assert_eq!(digits.len(), 64);
        assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(!format!("{one:?}").contains(digits));
    }
}
