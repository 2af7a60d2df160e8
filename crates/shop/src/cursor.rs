//! Cursors: opaque texts for a position in a sorted list (GraphQL Cursor Connections).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_ports::documents::Scalar;
use serde::{Deserialize, Serialize};

use crate::types::Error;

/// The place of an item in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the query that selects the item. A list can have several queries.
    pub query: u32,
    /// The value of the field that the query sorts by. None if it sorts by id.
    pub value: Option<Scalar>,
    /// The id of the item.
    pub id: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor<'a> {
    /// The name of the sort. A cursor is invalid for another sort.
    #[serde(rename = "s")]
    sort: &'a str,
    #[serde(rename = "q", default, skip_serializing_if = "is_first")]
    query: u32,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(rename = "i")]
    id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Integer(i64),
    Text(String),
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_first(query: &u32) -> bool {
    *query == 0
}

/// Returns the cursor of an item. The service chooses the name of the `sort`.
///
/// # Errors
/// [`Error::Internal`] if the cursor can't be written as JSON.
pub fn encode(sort: &str, place: Place) -> Result<String, Error> {
    let value = place.value.map(|value| match value {
        Scalar::Integer(integer) => Value::Integer(integer),
        Scalar::Text(text) => Value::Text(text),
    });
    let json = serde_json::to_vec(&Cursor {
        sort,
        query: place.query,
        value,
        id: place.id,
    })
    .map_err(|error| Error::Internal(format!("a cursor can't be written as JSON: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// Returns the place of a cursor. `has_value` says whether the list is sorted by a field.
///
/// # Errors
/// [`Error::Invalid`] with the name of the cursor's `field` if the cursor belongs to another sort.
pub fn decode(field: &str, cursor: &str, sort: &str, has_value: bool) -> Result<Place, Error> {
    let invalid = || {
        let message = format!("`{field}` must be a cursor from a page of this list with the same sort.");
        Error::invalid(field, message)
    };
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| invalid())?;
    if cursor.sort != sort || cursor.value.is_some() != has_value {
        return Err(invalid());
    }
    let value = cursor.value.map(|value| match value {
        Value::Integer(integer) => Scalar::Integer(integer),
        Value::Text(text) => Scalar::Text(text),
    });
    Ok(Place {
        query: cursor.query,
        value,
        id: cursor.id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(query: u32, value: Option<Scalar>) -> Place {
        Place {
            query,
            value,
            id: "id-1".into(),
        }
    }

    #[test]
    fn decodes_the_place_of_a_cursor() {
        for place in [
            place(0, None),
            place(3, Some(Scalar::Integer(-7))),
            place(0, Some(Scalar::Text("7 \"é\"".into()))),
        ] {
            let cursor = encode("price", place.clone()).unwrap();
            let has_value = place.value.is_some();
            assert_eq!(decode("after", &cursor, "price", has_value).unwrap(), place);
        }
    }

    #[test]
    fn rejects_a_cursor_of_another_sort_and_other_texts() {
        let cursor = encode("price", place(0, None)).unwrap();
        for (text, sort, has_value) in [
            (cursor.as_str(), "name", false),
            (&cursor, "price", true),
            ("", "price", false),
            ("%%%", "price", false),
            ("e30", "price", false),
        ] {
            let refused = decode("before", text, sort, has_value);
            assert!(
                matches!(refused, Err(Error::Invalid(violation)) if violation.field == "before"),
                "{text}"
            );
        }
    }
}
