//! Points in time.

use std::time::{Duration, UNIX_EPOCH};

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};

/// A point in time, in UTC, as RFC 3339 writes it: 2026-11-21T03:29:07.123Z.
pub struct DateTime(pub u64);

#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let time = humantime::parse_rfc3339(text)?;
        let milliseconds = time
            .duration_since(UNIX_EPOCH)
            .map_err(|_| InputValueError::custom("before 1970"))?
            .as_millis();
        Ok(Self(
            u64::try_from(milliseconds).map_err(|_| InputValueError::custom("too far ahead"))?,
        ))
    }

    fn to_value(&self) -> Value {
        // The end of what RFC 3339's four digits of a year can tell.
        const LAST: u64 = 253_402_300_799_999;
        let time = UNIX_EPOCH + Duration::from_millis(self.0.min(LAST));
        Value::String(humantime::format_rfc3339_millis(time).to_string())
    }
}
