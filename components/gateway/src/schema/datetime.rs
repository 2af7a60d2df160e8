//! Points in time.

use std::borrow::Cow;

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// A point in time from 1970 on, as RFC 3339 writes it. It is told in UTC, such as 2026-11-21T03:29:07.123Z, and taken with any offset.
#[derive(Clone, Copy, Debug)]
pub struct DateTime(pub u64);

#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        Self::read(text).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.written())
    }
}

impl DateTime {
    fn read(text: &str) -> Result<Self, &'static str> {
        let time = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| "a time is written as 2026-11-21T03:29:07Z or 2026-11-21T04:29:07+01:00")?;
        let milliseconds = (time - OffsetDateTime::UNIX_EPOCH).whole_milliseconds();
        u64::try_from(milliseconds)
            .map(Self)
            .map_err(|_| "a time is not before 1970")
    }

    fn written(self) -> String {
        // The end of what RFC 3339's four digits of a year can tell.
        const LAST: i64 = 253_402_300_799_999;
        let since = i64::try_from(self.0).unwrap_or(LAST).min(LAST);
        let time = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(since));
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            time.year(),
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond(),
        )
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written())
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::read(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for DateTime {
    fn schema_name() -> Cow<'static, str> {
        "DateTime".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_taken_as_rfc_3339_writes_it_and_told_in_utc() {
        for (text, told) in [
            ("2026-11-21T03:29:07Z", "2026-11-21T03:29:07.000Z"),
            ("2026-11-21T03:29:07.1239Z", "2026-11-21T03:29:07.123Z"),
            ("2026-11-21t03:29:07z", "2026-11-21T03:29:07.000Z"),
            ("2026-11-21T01:00:00+01:00", "2026-11-21T00:00:00.000Z"),
            ("2026-11-20T18:30:00-05:30", "2026-11-21T00:00:00.000Z"),
            ("2026-11-21T00:00:00-00:00", "2026-11-21T00:00:00.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(DateTime::read(text).unwrap().written(), told, "{text}");
        }
        assert_eq!(DateTime(u64::MAX).written(), "9999-12-31T23:59:59.999Z");
        for other in [
            "",
            "2026-11-21",
            "2026-11-21T03:29:07",
            "2026-13-21T03:29:07Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
        ] {
            assert!(DateTime::read(other).is_err(), "{other}");
        }
    }
}
