//! The header and the claims of tokens (RFC 7519).

use jsonwebtoken::Header;
use serde_json::Value;

/// Returns a time (`NumericDate`), in milliseconds since 1970.
pub fn milliseconds(seconds: &Value) -> Option<u64> {
    let whole = seconds.as_u64();
    // A fraction is allowed, and does not matter.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates"
    )]
    let fraction = || seconds.as_f64().map(|seconds| seconds as u64);
    whole
        .or_else(fraction)
        .map(|seconds| seconds.saturating_mul(1_000))
}

/// Returns whether a header is that of an access token: of no other type (RFC 8725, section 3.11), and without
/// critical extensions, none of which is supported (RFC 7515, section 4.1.11). Keys and addresses of keys in
/// the header are ignored.
pub fn is_access_token(header: &Header) -> bool {
    let is_known = |kind: &str| {
        let kind = kind.to_ascii_lowercase();
        matches!(
            kind.strip_prefix("application/").unwrap_or(&kind),
            "jwt" | "at+jwt"
        )
    };
    header.crit.is_none() && header.typ.as_deref().is_none_or(is_known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_times_with_and_without_a_fraction() {
        for (seconds, expected) in [
            (json!(1_700_000_000), Some(1_700_000_000_000)),
            (json!(1_700_000_000.5), Some(1_700_000_000_000)),
            (json!(-1.0), Some(0)),
            (json!("1700000000"), None),
            (Value::Null, None),
        ] {
            assert_eq!(milliseconds(&seconds), expected, "{seconds}");
        }
    }
}
