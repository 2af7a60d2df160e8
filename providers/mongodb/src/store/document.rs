//! The format of documents in MongoDB.
//!
//! | field | content |
//! |---|---|
//! | `_id`, `v` | the id and the version |
//! | `b` | the body as the committed text, which preserves every number and the order of keys |
//! | `f` | the fields to index and adjust: all top-level integers, and top-level texts of declared fields |
//! | `a` | present once an integer of `f` was adjusted; the integers of `f` then override those of `b` |
//! | `t` | the tokens of each searched field |

use std::collections::{BTreeMap, BTreeSet};

use mercato_ports::documents::{Document, Failure, tokens};
use mongodb::bson::{self, Bson, RawBsonRef, RawDocument, doc, error::Error as BsonError};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The maximum size of a body, in bytes. With its tokens and indexed texts it stays under MongoDB's 16 MiB.
const MAX_BODY: usize = 5 << 20;

/// The declared fields of a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    /// The fields that queries may name.
    pub indexed: BTreeSet<String>,
    /// The fields of the search.
    pub searched: BTreeSet<String>,
}

/// Parses a JSON object.
///
/// # Errors
/// If the text is too large, or is not a JSON object.
pub(crate) fn parse_object(json: &str) -> Result<Map<String, Value>, String> {
    if json.len() > MAX_BODY {
        return Err(format!(
            "it must be at most {MAX_BODY} bytes long, and it has {}",
            json.len()
        ));
    }
    serde_json::from_str(json).map_err(|error| error.to_string())
}

/// Encodes a document for MongoDB.
pub(crate) fn encode(id: &str, version: i64, body: &str, fields: &Fields) -> Result<bson::Document, Failure> {
    let object = parse_object(body)
        .map_err(|error| Failure::Invalid(format!("the body of `{id}` is not a JSON object: {error}")))?;
    let mut stored = bson::Document::new();
    for (name, value) in &object {
        match value {
            Value::Number(number) => {
                if let Some(integer) = number.as_i64() {
                    stored.insert(escape(name), integer);
                }
            }
            Value::String(text) if fields.indexed.contains(name) => {
                stored.insert(name, text);
            }
            _ => {}
        }
    }
    let mut document = doc! { "_id": id, "v": version, "b": body, "f": stored };
    if !fields.searched.is_empty() {
        let texts = fields
            .searched
            .iter()
            .filter_map(|name| Some((name, object.get(name)?.as_str()?)));
        let distinct = |text| {
            let tokens = tokens(text).collect::<BTreeSet<_>>();
            Bson::Array(tokens.into_iter().map(Bson::String).collect())
        };
        let fields = texts.map(|(name, text)| (name.clone(), distinct(text)));
        document.insert("t", fields.collect::<bson::Document>());
    }
    Ok(document)
}

/// Decodes a document from MongoDB.
pub(crate) fn decode(raw: &RawDocument) -> Result<Document, Failure> {
    let damaged = |error: String| Failure::Unavailable(format!("a document in MongoDB is damaged: {error}"));
    let parts = || {
        let adjusted = matches!(raw.get("a")?, Some(RawBsonRef::Boolean(true)));
        Ok::<_, BsonError>((raw.get("_id")?, raw.get("v")?, raw.get("b")?, adjusted))
    };
    let (id, version, body, adjusted) = match parts().map_err(|error| damaged(error.to_string()))? {
        (
            Some(RawBsonRef::String(id)),
            Some(RawBsonRef::Int64(version)),
            Some(RawBsonRef::String(body)),
            adjusted,
        ) => (id, version, body, adjusted),
        _ => return Err(damaged("it lacks its id, version or body".into())),
    };
    let body = if adjusted {
        splice(body, integers(raw)).map_err(|error| damaged(error.to_string()))?
    } else {
        body.to_owned()
    };
    Ok(Document {
        id: id.to_owned(),
        version: version.cast_unsigned(),
        body,
    })
}

/// Returns the current value of an integer field, including adjustments.
pub(crate) fn integer(raw: &RawDocument, field: &str) -> Option<i64> {
    match raw.get_document("f").ok()?.get(escape(field)).ok()?? {
        RawBsonRef::Int64(integer) => Some(integer),
        _ => None,
    }
}

/// Returns whether the body has a field, of any type.
pub(crate) fn has_field(raw: &RawDocument, field: &str) -> Result<bool, Failure> {
    let body = parse_object(&decode(raw)?.body).unwrap_or_default();
    Ok(body.contains_key(field))
}

fn integers(raw: &RawDocument) -> Vec<(String, i64)> {
    let stored = raw.get_document("f").into_iter().flatten().flatten();
    stored
        .filter_map(|(name, value)| match value {
            RawBsonRef::Int64(integer) => Some((unescape(name.as_str()), integer)),
            _ => None,
        })
        .collect()
}

/// Escapes the name of a field of `f`, so that MongoDB does not read it as a path or an operator.
pub(crate) fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for char in name.chars() {
        match char {
            '%' => escaped.push_str("%25"),
            '.' => escaped.push_str("%2E"),
            '$' => escaped.push_str("%24"),
            '\0' => escaped.push_str("%00"),
            char => escaped.push(char),
        }
    }
    // A `%` in a name is escaped, so `%` alone can stand for the empty name.
    if escaped.is_empty() { "%".into() } else { escaped }
}

fn unescape(name: &str) -> String {
    if name == "%" {
        return String::new();
    }
    name.replace("%2E", ".")
        .replace("%24", "$")
        .replace("%00", "\0")
        .replace("%25", "%")
}

/// Replaces integers in the text of a body, and adds those that it lacks. The rest of the text does not
/// change.
fn splice(body: &str, integers: Vec<(String, i64)>) -> serde_json::Result<String> {
    let values = serde_json::from_str::<BTreeMap<String, &RawValue>>(body)?;
    let mut edits = BTreeMap::new();
    let mut added = String::new();
    for (name, integer) in integers {
        let text = integer.to_string();
        if let Some(value) = values.get(&name) {
            if value.get() != text {
                let start = value.get().as_ptr().addr() - body.as_ptr().addr();
                edits.insert(start, (start + value.get().len(), text));
            }
        } else {
            let comma = if values.is_empty() && added.is_empty() {
                ""
            } else {
                ","
            };
            added.push_str(&format!("{comma}{}:{text}", serde_json::to_string(&name)?));
        }
    }
    if let Some(end) = body.rfind('}').filter(|_| !added.is_empty()) {
        edits.insert(end, (end, added));
    }
    let mut new = String::with_capacity(body.len() + 64);
    let mut copied = 0;
    for (start, (end, text)) in edits {
        new.push_str(body.get(copied..start).unwrap_or_default());
        new.push_str(&text);
        copied = end;
    }
    new.push_str(body.get(copied..).unwrap_or_default());
    Ok(new)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::RawDocumentBuf;

    use super::*;

    fn fields() -> Fields {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Fields {
            indexed: set(&["name", "price"]),
            searched: set(&["name"]),
        }
    }

    fn decoded(document: &bson::Document) -> Document {
        decode(&RawDocumentBuf::try_from(document).unwrap()).unwrap()
    }

    #[test]
    fn preserves_the_text_of_a_body() {
        let body = r#" { "z":1.50, "a" : 18446744073709551615, "$c":1e2, "":0,
            "a.b":-0, "deep":{"$x":{"y.z":null}} } "#;
        let document = encode("x", 3, body, &fields()).unwrap();
        assert_eq!(
            decoded(&document),
            Document {
                id: "x".into(),
                version: 3,
                body: body.into()
            }
        );
    }

    #[test]
    fn stores_integers_and_declared_texts_as_fields() {
        let body =
            r#"{"name":"Wool Sock","other":"x","price":1.0,"n":-5,"big":9223372036854775808,"$a.b":7,"":8}"#;
        let document = encode("x", 1, body, &fields()).unwrap();
        assert_eq!(
            *document.get_document("f").unwrap(),
            doc! { "%": 8_i64, "%24a%2Eb": 7_i64, "n": -5_i64, "name": "Wool Sock" }
        );
        assert_eq!(
            *document.get_document("t").unwrap(),
            doc! { "name": ["sock", "wool"] }
        );
    }

    #[test]
    fn adjusted_integers_override_those_of_the_body() {
        let body = r#"{ "n": 5, "half":0.10, "list":[{"n":5}], "n2":1, "s":"n\":5" }"#;
        let mut document = encode("x", 1, body, &fields()).unwrap();
        document.insert("a", true);
        assert_eq!(decoded(&document).body, body);
        let fields = document.get_document_mut("f").unwrap();
        fields.insert("n", -12_345_i64);
        fields.insert(escape("new.$\"%2E"), 0_i64);
        assert_eq!(
            decoded(&document).body,
            r#"{ "n": -12345, "half":0.10, "list":[{"n":5}], "n2":1, "s":"n\":5" ,"new.$\"%2E":0}"#
        );
    }

    #[test]
    fn adds_integers_to_an_empty_body() {
        let two = vec![("a".into(), 1), ("b".into(), 2)];
        assert_eq!(splice("{}", two).unwrap(), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn uses_the_last_value_of_a_repeated_key() {
        let document = encode("x", 1, r#"{"n":1,"n":2}"#, &fields()).unwrap();
        assert_eq!(document.get_document("f").unwrap().get_i64("n").unwrap(), 2);
        assert_eq!(
            splice(r#"{"n":1,"n":2}"#, vec![("n".into(), 3)]).unwrap(),
            r#"{"n":1,"n":3}"#
        );
    }

    #[test]
    fn unescapes_what_it_escapes() {
        for name in [
            "", "%", "a.b", "$x", "%2E", "%25", "\0", "a%", "ä", "%24$", "%252E",
        ] {
            let escaped = escape(name);
            assert!(
                !escaped.contains(['.', '$', '\0']) && !escaped.is_empty(),
                "{name:?}"
            );
            assert_eq!(unescape(&escaped), name);
        }
    }

    #[test]
    fn rejects_a_body_that_is_not_an_object_or_too_large() {
        for body in ["", "[]", "{} {}", "{\"a\": 1e999}"] {
            assert!(
                matches!(encode("x", 1, body, &fields()), Err(Failure::Invalid(_))),
                "{body}"
            );
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BODY));
        assert!(matches!(
            encode("x", 1, &long, &fields()),
            Err(Failure::Invalid(_))
        ));
    }
}
