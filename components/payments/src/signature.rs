//! The signature of Stripe's webhooks: `t=<seconds>,v1=<hex>[,v1=<hex>…]`, each an HMAC-SHA256 of `<seconds>.<body>`
//! (Stripe's documentation, "Verify webhook signatures manually").

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How far the time of a signature may be from now, in seconds, in either direction.
const TOLERANCE: u64 = 300;

/// Whether a body was signed with the secret, and lately; `now` is in seconds since the Unix epoch.
///
/// # Errors
/// What is wrong, without a word of the secret.
pub fn verify(secret: &str, header: &str, body: &[u8], now: u64) -> Result<(), &'static str> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) if time.is_none() => time = Some(value),
            Some(("t", _)) => return Err("it has several times"),
            Some(("v1", value)) => signatures.push(value),
            _ => {}
        }
    }
    let time = time.ok_or("it has no time")?;
    let seconds: u64 = time.parse().map_err(|_| "its time is no number")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| "there is no key")?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let expected = format!("{:x}", mac.finalize().into_bytes());
    // All of them are compared, so that the time tells nothing of which one fits.
    let fits = signatures.iter().fold(false, |fits, signature| {
        fits | bool::from(expected.as_bytes().ct_eq(signature.as_bytes()))
    });
    if !fits {
        return Err("it does not fit the body");
    }
    if seconds.abs_diff(now) > TOLERANCE {
        return Err("its time is too far from now");
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
    fn a_signature_known_from_elsewhere_fits() {
        // printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
        let header = "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
        assert_eq!(verify("whsec_test", header, BODY, 1_700_000_000), Ok(()));
    }

    #[test]
    fn one_of_several_signatures_is_enough_as_while_the_secret_is_rolled() {
        let (old, new) = (sign("old", 100, BODY), sign("new", 100, BODY));
        let header = format!("t=100,v1={old},v0=junk, v1={new}");
        assert_eq!(verify("new", &header, BODY, 100), Ok(()));
        assert_eq!(verify("old", &header, BODY, 100), Ok(()));
        assert!(verify("other", &header, BODY, 100).is_err());
    }

    #[test]
    fn what_is_older_or_newer_than_five_minutes_is_refused() {
        let header = format!("t=1000,v1={}", sign("s", 1000, BODY));
        for (now, fits) in [(700, true), (1300, true), (699, false), (1301, false)] {
            assert_eq!(verify("s", &header, BODY, now).is_ok(), fits, "{now}");
        }
    }

    #[test]
    fn another_body_time_or_secret_and_what_is_no_signature_is_refused() {
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
