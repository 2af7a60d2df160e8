//! Values of claims (RFC 7519).

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
