//! Points in time.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, in UTC, as RFC 3339 writes it: 2026-11-21T03:29:07.123Z.
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
    fn read(text: &str) -> Result<Self, String> {
        let time = humantime::parse_rfc3339(text).map_err(|error| error.to_string())?;
        let milliseconds = time
            .duration_since(UNIX_EPOCH)
            .map_err(|_| "before 1970")?
            .as_millis();
        Ok(Self(u64::try_from(milliseconds).map_err(|_| "too far ahead")?))
    }

    fn written(self) -> String {
        // The end of what RFC 3339's four digits of a year can tell.
        const LAST: u64 = 253_402_300_799_999;
        let time = UNIX_EPOCH + Duration::from_millis(self.0.min(LAST));
        humantime::format_rfc3339_millis(time).to_string()
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
