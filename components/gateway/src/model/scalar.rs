//! The scalars of the API: each is one type in GraphQL and in JSON.

use std::borrow::Cow;
use std::ops::Deref;

use async_graphql::{ID, InputValueError, InputValueResult, Scalar, ScalarType, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::model::convert::convert;

/// An id: `ID` in GraphQL, and a string in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub String);

#[Scalar(name = "ID")]
impl ScalarType for Id {
    fn parse(value: Value) -> InputValueResult<Self> {
        match <ID as ScalarType>::parse(value) {
            Ok(id) => Ok(Self(id.0)),
            Err(error) => Err(error.propagate()),
        }
    }

    fn is_valid(value: &Value) -> bool {
        <ID as ScalarType>::is_valid(value)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Id {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

/// A whole number. GraphQL's `Int` has 32 bits: larger numbers saturate there, and are exact in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Int<T = i64>(pub T);

#[Scalar(name = "Int")]
impl<T: Copy + Send + Sync + TryFrom<i32> + TryInto<i32>> ScalarType for Int<T> {
    fn parse(value: Value) -> InputValueResult<Self> {
        match <i32 as ScalarType>::parse(value) {
            Ok(number) => {
                let number = T::try_from(number);
                number
                    .map(Self)
                    .map_err(|_| InputValueError::custom("must not be negative"))
            }
            Err(error) => Err(error.propagate()),
        }
    }

    fn is_valid(value: &Value) -> bool {
        <i32 as ScalarType>::is_valid(value)
    }

    fn to_value(&self) -> Value {
        Value::from(self.0.try_into().unwrap_or(i32::MAX))
    }
}

impl<T> From<T> for Int<T> {
    fn from(number: T) -> Self {
        Self(number)
    }
}

/// A point in time since 1970, in RFC 3339. The shop writes it in UTC with milliseconds, such as
/// 2026-11-21T03:29:07.123Z, and reads any offset.
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
        Value::String(self.to_text())
    }
}

impl DateTime {
    fn read(text: &str) -> Result<Self, &'static str> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(
            |_| "must be a time in RFC 3339, such as 2026-11-21T03:29:07Z or 2026-11-21T04:29:07+01:00",
        )?;
        let milliseconds = (time - OffsetDateTime::UNIX_EPOCH).whole_milliseconds();
        u64::try_from(milliseconds)
            .map(Self)
            .map_err(|_| "must not be before 1970")
    }

    fn to_text(self) -> String {
        // The year 9999 is the last that RFC 3339 can write.
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

impl From<u64> for DateTime {
    fn from(milliseconds: u64) -> Self {
        Self(milliseconds)
    }
}

impl From<DateTime> for u64 {
    fn from(time: DateTime) -> Self {
        time.0
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::read(&text).map_err(de::Error::custom)
    }
}

/// Implements `JsonSchema` with a schema that stands in place.
macro_rules! inline_schema {
    ($($type:ty $(where $T:ident)?: $schema:expr;)+) => {
        $(impl$(<$T: JsonSchema>)? JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                ($schema)(generator)
            }
        })+
    };
}

inline_schema!(
    Id: String::json_schema;
    Int<T> where T: T::json_schema;
    DateTime: |_| json_schema!({ "type": "string", "format": "date-time" });
);

impl From<Int> for i64 {
    fn from(number: Int) -> Self {
        number.0
    }
}

convert!(
    String => String, bool => bool,
    String => Id, Id => String,
    i64 => Int, Int => i64, u32 => Int<u32>, u64 => Int<u64>,
    u64 => DateTime, DateTime => u64,
);

/// Writes the schema of an enum as one list of names, without the descriptions of its variants.
pub fn names_only(schema: &mut Schema) {
    let Some(variants) = schema.remove("oneOf") else {
        return;
    };
    let names: Vec<_> = variants
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|variant| variant.get("const").cloned())
        .collect();
    schema.insert("type".into(), "string".into());
    schema.insert("enum".into(), names.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_writes_utc() {
        for (text, written) in [
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
            assert_eq!(DateTime::read(text).unwrap().to_text(), written, "{text}");
        }
        assert_eq!(DateTime(u64::MAX).to_text(), "9999-12-31T23:59:59.999Z");
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

    #[test]
    fn numbers_saturate_in_graphql_alone() {
        assert_eq!(Int(u64::MAX).to_value(), Value::from(i32::MAX));
        assert_eq!(
            serde_json::to_string(&Int(u64::MAX)).unwrap(),
            "18446744073709551615"
        );
    }
}
