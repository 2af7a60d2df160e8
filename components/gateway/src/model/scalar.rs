//! The scalars of the API: each is one type in GraphQL and in JSON.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, ErrorExtensions, ID, InputValueError, InputValueResult, OutputType, Positioned,
    Scalar, ScalarType, ServerError, ServerResult, Value,
};
use mercato_shop::currency::MAX_AMOUNT;
use mercato_shop::types::Error;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::model::convert::convert;
use crate::model::nullable;

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

/// A count. GraphQL's `Int` has 32 bits: larger numbers saturate there, and are exact in JSON.
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

/// An amount of money in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

/// An amount of money: a whole number of minor units (cents), from -9007199254740991 to 9007199254740991. 1250
/// means 12.50 EUR or 1250 JPY.
#[Scalar(name = "Amount")]
impl ScalarType for Amount {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        let amount = number.as_i64();
        let amount = amount.filter(|amount| (-MAX_AMOUNT..=MAX_AMOUNT).contains(amount));
        amount.map(Self).ok_or_else(|| {
            InputValueError::custom(format!(
                "must be a whole number of minor units from -{MAX_AMOUNT} to {MAX_AMOUNT}"
            ))
        })
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::Number(_))
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

impl Amount {
    /// Returns an amount that can be missing, for the field beside a nullable [`IntAmount`].
    pub fn optional(amount: Option<IntAmount>) -> Option<Self> {
        amount.map(Self::from)
    }

    /// Returns the amount of an input that has it as `Int` or as `Amount`. `field` is the name of the `Int`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if both are set.
    pub fn of_input(field: &str, int: Option<Int>, amount: Option<Self>) -> Result<Option<i64>, Error> {
        match (int, amount) {
            (Some(_), Some(_)) => {
                let message = format!("Send either `{field}` or `{}`.", sibling(field));
                Err(Error::invalid(field, message))
            }
            (Some(Int(amount)), None) | (None, Some(Self(amount))) => Ok(Some(amount)),
            (None, None) => Ok(None),
        }
    }
}

/// An amount in a field of the type `Int`. In JSON it is exact. In GraphQL, an amount that exceeds 32 bits is
/// an error that names the field of type [`Amount`] with the same amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntAmount(pub i64);

impl OutputType for IntAmount {
    fn type_name() -> Cow<'static, str> {
        <i32 as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <i32 as OutputType>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        if let Ok(number) = i32::try_from(self.0) {
            return Ok(Value::from(number));
        }
        let path = context.set_error_path(ServerError::new("", None)).path;
        let error = async_graphql::Error::new_with_source(AmountTooLarge {
            amount: self.0,
            sibling: sibling(&field.node.name.node),
            nullable_depth: nullable::depth(context, &path),
        });
        let error = error.extend_with(|_, extensions| extensions.set("code", "AMOUNT_TOO_LARGE"));
        Err(context.set_error_path(error.into_server_error(field.pos)))
    }
}

/// An amount exceeds `Int`.
#[derive(Debug)]
pub struct AmountTooLarge {
    amount: i64,
    /// The name of the field with the same amount as [`Amount`].
    sibling: String,
    /// How many segments of the error's path lead to the value that becomes null.
    pub nullable_depth: usize,
}

impl fmt::Display for AmountTooLarge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { amount, sibling, .. } = self;
        write!(
            formatter,
            "The amount {amount} exceeds the 32 bits of `Int`. Select `{sibling}` instead."
        )
    }
}

/// Returns the name of the field with the same amount as [`Amount`].
fn sibling(field: &str) -> String {
    match field {
        "amount" => "exactAmount".to_owned(),
        other => format!("{other}Amount"),
    }
}

impl From<IntAmount> for Amount {
    fn from(amount: IntAmount) -> Self {
        Self(amount.0)
    }
}

/// Implements the conversions from and to `i64`.
macro_rules! amounts {
    ($($type:ident),+) => {
        $(impl From<i64> for $type {
            fn from(amount: i64) -> Self {
                Self(amount)
            }
        }

        impl From<$type> for i64 {
            fn from(amount: $type) -> Self {
                amount.0
            }
        })+
    };
}

amounts!(Amount, IntAmount);

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub struct DateTime(pub u64);

/// A point in time since 1970, in RFC 3339. The shop writes it in UTC with milliseconds, such as
/// 2026-11-21T03:29:07.123Z, and reads any offset.
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
    Amount: i64::json_schema;
    IntAmount: i64::json_schema;
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
    i64 => i64, i64 => Amount, Amount => i64, i64 => IntAmount, IntAmount => i64,
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
    fn amounts_have_53_bits() {
        let parse = |value: &str| Amount::parse(serde_json::from_str::<Value>(value).unwrap());
        for amount in [0, 1, -1, MAX_AMOUNT, -MAX_AMOUNT] {
            assert_eq!(parse(&amount.to_string()).unwrap(), Amount(amount));
            assert_eq!(Amount(amount).to_value(), Value::from(amount));
        }
        for other in [
            "9007199254740992",
            "-9007199254740992",
            "1e300",
            "12.5",
            "\"1\"",
            "true",
        ] {
            assert!(parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn an_input_has_an_amount_in_one_of_two_fields() {
        let of = |int, amount| Amount::of_input("price", int, amount);
        assert_eq!(of(None, None), Ok(None));
        assert_eq!(of(Some(Int(7)), None), Ok(Some(7)));
        assert_eq!(of(None, Some(Amount(MAX_AMOUNT))), Ok(Some(MAX_AMOUNT)));
        let both = of(Some(Int(7)), Some(Amount(7)));
        let message = "Send either `price` or `priceAmount`.";
        assert_eq!(both, Err(Error::invalid("price", message)));
        assert_eq!(sibling("amount"), "exactAmount");
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
