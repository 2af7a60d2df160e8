//! JSON as the shapes mean it: an object where there is a struct, and a text where there is a choice of names.
//!
//! What serde derives reads arrays as structs, field by field, and objects as choices, too. Here they are values of a wrong type, at any depth.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// A deserializer of a self-describing format, or a part of one, that is read so.
pub struct Strict<T>(pub T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Strict(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Strict(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Strict(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Name { names, visitor })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_ignored_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map identifier
    }
}

/// Hands a value on as it is.
macro_rules! hand_on {
    ($($method:ident: $value:ty),+ $(,)?) => {
        $(fn $method<E: Error>(self, value: $value) -> Result<V::Value, E> {
            self.0.$method(value)
        })+
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(formatter)
    }

    hand_on! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64,
        visit_str: &str, visit_borrowed_str: &'de str, visit_string: String,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Strict(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Strict(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Strict(object))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(deserializer))
    }
}

/// The name of a choice, and nothing but a name.
struct Name<V> {
    names: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Name<V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "one of {}", self.names.join(", "))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.visitor.visit_enum(name.into_deserializer())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        #[serde(alias = "SMALL")]
        Small,
        Large,
    }

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    struct Line {
        id: String,
        size: Option<Size>,
        #[serde(default)]
        count: i64,
    }

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    struct Order {
        lines: Vec<Line>,
    }

    fn read(text: &str) -> Result<Order, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        Order::deserialize(Strict(&mut json)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_meant_is_read() {
        let line = |size, count| Line {
            id: "a".into(),
            size,
            count,
        };
        for (text, expected) in [
            (r#"{"id":"a"}"#, line(None, 0)),
            (r#"{"id":"a","size":null}"#, line(None, 0)),
            (
                r#"{"id":"a","size":"small","count":-3}"#,
                line(Some(Size::Small), -3),
            ),
            (r#"{"id":"\u0061","size":"SMALL"}"#, line(Some(Size::Small), 0)),
            (
                r#"{"id":"a","size":"large","other":[{}]}"#,
                line(Some(Size::Large), 0),
            ),
        ] {
            assert_eq!(
                read(&format!("{{\"lines\":[{text}]}}")).unwrap().lines,
                [expected],
                "{text}"
            );
        }
    }

    #[test]
    fn arrays_are_no_structs_and_objects_no_names() {
        for (text, reason) in [
            ("[[]]", "invalid type: sequence, expected struct Order"),
            (
                r#"{"lines":[["a",null,1]]}"#,
                "invalid type: sequence, expected struct Line",
            ),
            (
                r#"{"lines":{"id":"a"}}"#,
                "invalid type: map, expected a sequence",
            ),
            (
                r#"{"lines":[{"id":"a","size":{"small":null}}]}"#,
                "invalid type: map, expected one of",
            ),
            (
                r#"{"lines":[{"id":"a","size":["small"]}]}"#,
                "invalid type: sequence, expected one of",
            ),
            (
                r#"{"lines":[{"id":"a","size":5}]}"#,
                "invalid type: integer `5`, expected one of",
            ),
            (
                r#"{"lines":[{"id":"a","size":"huge"}]}"#,
                "unknown variant `huge`",
            ),
            (r#"{"lines":[{"id":"a","id":"b"}]}"#, "duplicate field `id`"),
            (r#"{"lines":[{"id":"a","count":1.5}]}"#, "floating point `1.5`"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(reason), "{text}: {told}");
        }
    }
}
