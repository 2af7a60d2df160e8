//! Cursors: opaque texts for a position in a sorted list (GraphQL Cursor Connections).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_ports::documents::{Position, Query, Scalar};
use serde::{Deserialize, Serialize};

use crate::types::{Error, Page};

/// The maximum number of items of a page.
pub const MAX_PAGE: u32 = 1_000;

#[derive(Serialize, Deserialize)]
struct Cursor<'a> {
    /// The name of the sort. A cursor is invalid for another sort.
    #[serde(rename = "s")]
    sort: &'a str,
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

/// Returns the cursor of an item. The service chooses the name of the `sort`.
///
/// # Errors
/// [`Error::Internal`] if the cursor can't be written as JSON.
pub fn encode(sort: &str, value: Option<Scalar>, id: &str) -> Result<String, Error> {
    let value = value.map(|value| match value {
        Scalar::Integer(integer) => Value::Integer(integer),
        Scalar::Text(text) => Value::Text(text),
    });
    let json = serde_json::to_vec(&Cursor {
        sort,
        value,
        id: id.into(),
    })
    .map_err(|error| Error::Internal(format!("a cursor can't be written as JSON: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// Restricts a query to one page, plus one document that shows whether another page follows.
///
/// # Errors
/// [`Error::Invalid`] if the page is too large, or the cursor belongs to another sort.
pub fn apply(page: &Page, sort: &str, query: &mut Query) -> Result<(), Error> {
    if page.first > MAX_PAGE {
        return Err(Error::invalid(
            "first",
            format!("`first` must be at most {MAX_PAGE}."),
        ));
    }
    query.limit = page.first + 1;
    query.after = page
        .after
        .as_deref()
        .map(|cursor| decode(cursor, sort))
        .transpose()?;
    Ok(())
}

/// Removes the additional document that [`apply`] requested. Returns whether it was there, so that another
/// page follows.
pub fn truncate_page<T>(page: &Page, items: &mut Vec<T>) -> bool {
    let first = usize::try_from(page.first).unwrap_or(usize::MAX);
    let has_next = items.len() > first;
    items.truncate(first);
    has_next
}

fn decode(cursor: &str, sort: &str) -> Result<Position, Error> {
    let invalid = || {
        Error::invalid(
            "after",
            "`after` must be a cursor from a page of this list with the same sort.",
        )
    };
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| invalid())?;
    if cursor.sort != sort {
        return Err(invalid());
    }
    let value = cursor.value.map(|value| match value {
        Value::Integer(integer) => Scalar::Integer(integer),
        Value::Text(text) => Scalar::Text(text),
    });
    Ok(Position { value, id: cursor.id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_position_of_a_cursor() {
        for value in [
            None,
            Some(Scalar::Integer(-7)),
            Some(Scalar::Text("7 \"é\"".into())),
        ] {
            let cursor = encode("price", value.clone(), "id-1").unwrap();
            assert_eq!(
                decode(&cursor, "price").unwrap(),
                Position {
                    value,
                    id: "id-1".into()
                }
            );
        }
    }

    #[test]
    fn rejects_a_cursor_of_another_sort_and_other_texts() {
        let cursor = encode("price", None, "id-1").unwrap();
        for (text, sort) in [
            (cursor.as_str(), "name"),
            ("", "price"),
            ("%%%", "price"),
            ("e30", "price"),
        ] {
            assert!(
                matches!(decode(text, sort), Err(Error::Invalid(violation)) if violation.field == "after"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_additional_document_shows_that_another_page_follows() {
        let page = Page {
            first: 2,
            after: None,
        };
        let (mut two, mut three) = (vec![1, 2], vec![1, 2, 3]);
        assert!(!truncate_page(&page, &mut two));
        assert!(truncate_page(&page, &mut three));
        assert_eq!(three, [1, 2]);
    }
}
