//! The signature of Stripe's webhooks: `t=<seconds>,v1=<hex>[,v1=<hex>…]`. Each `v1` is an HMAC-SHA256 of
//! `<seconds>.<body>` (Stripe's documentation, "Verify webhook signatures manually").

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the time of a signature may be from now, in seconds.
const TOLERANCE: u64 = 300;

/// Verifies that a body was signed with the secret within the last minutes. `now` is in seconds since the
/// Unix epoch.
///
/// # Errors
/// What is wrong with the signature.
pub fn verify(secret: &str, header: &str, body: &[u8], now: u64) -> Result<(), &'static str> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) if time.is_none() => time = Some(value),
            Some(("t", _)) => return Err("it has more than one time"),
            Some(("v1", value)) => signatures.push(value),
            _ => {}
        }
    }
    let time = time.ok_or("it has no time")?;
    let seconds: u64 = time.parse().map_err(|_| "its time is not a number")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| "the secret is unusable")?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let expected = format!("{:x}", mac.finalize().into_bytes());
    // All signatures are compared, so that the duration does not reveal which one matches.
    let matches = signatures.iter().fold(false, |matches, signature| {
        matches | bool::from(expected.as_bytes().ct_eq(signature.as_bytes()))
    });
    if !matches {
        return Err("it does not match the body");
    }
    if seconds.abs_diff(now) > TOLERANCE {
        return Err("its time is more than five minutes from now");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    fn sign(secret: &str, time: u64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        format!("{:x}", mac.finalize().into_bytes())
    }

    #[test]
    fn accepts_a_signature_that_openssl_computed() {
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let header = "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
        assert_eq!(verify("whsec_test", header, BODY, 1_700_000_000), Ok(()));
    }

    #[test]
    fn accepts_one_of_several_signatures_while_the_secret_is_rotated() {
        let (old, new) = (sign("old", 100, BODY), sign("new", 100, BODY));
        let header = format!("t=100,v1={old},v0=junk, v1={new}");
        assert_eq!(verify("new", &header, BODY, 100), Ok(()));
        assert_eq!(verify("old", &header, BODY, 100), Ok(()));
        assert!(verify("other", &header, BODY, 100).is_err());
    }

    #[test]
    fn rejects_a_signature_that_is_more_than_five_minutes_from_now() {
        let header = format!("t=1000,v1={}", sign("s", 1000, BODY));
        for (now, is_accepted) in [(700, true), (1300, true), (699, false), (1301, false)] {
            assert_eq!(verify("s", &header, BODY, now).is_ok(), is_accepted, "{now}");
        }
    }

    #[test]
    fn rejects_a_malformed_signature_and_another_body_time_or_secret() {
        let good = sign("s", 1000, BODY);
        for header in [
            String::new(),
            "t=1000".into(),
            format!("v1={good}"),
            format!("t=1001,v1={good}"),
            format!("t=1000,v0={good}"),
            format!("t=1000,t=1001,v1={good}"),
            format!("t=x,v1={good}"),
            "t=1000,v1=".into(),
            format!("t=1000,v1={}", good.to_uppercase()),
        ] {
            assert!(verify("s", &header, BODY, 1000).is_err(), "{header}");
        }
        let header = format!("t=1000,v1={good}");
        assert!(verify("s", &header, b"{}", 1000).is_err());
        assert!(verify("t", &header, BODY, 1000).is_err());
    }
}
