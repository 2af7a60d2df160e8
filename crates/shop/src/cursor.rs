//! Cursors: opaque texts that name a place in a sorted list (Relay's Cursor Connections).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mercato_ports::documents::{Position, Query, Scalar};
use serde::{Deserialize, Serialize};

use crate::types::{Error, Page};

/// The most items that one page may have.
pub const MAX_PAGE: u32 = 1_000;

#[derive(Serialize, Deserialize)]
struct Cursor<'a> {
    /// The name of the sort that the cursor belongs to.
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

/// The cursor of an item in a list that is sorted by `sort`, a name of the service's choice.
///
/// # Errors
/// A fault of the program, if any.
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
    .map_err(|error| Error::Internal(format!("a cursor can't be written: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// Makes a query ask for one page, and one document more, which tells whether there is a next page.
///
/// # Errors
/// [`Error::Invalid`] for a page that is too large or a cursor that was not made for this sort.
pub fn apply(page: &Page, sort: &str, query: &mut Query) -> Result<(), Error> {
    if page.first > MAX_PAGE {
        return Err(Error::invalid(
            "first",
            format!("At most {MAX_PAGE} items can be asked for at once."),
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

/// Cuts off the one document more that [`apply`] asked for; whether it was there.
pub fn split<T>(page: &Page, items: &mut Vec<T>) -> bool {
    let first = usize::try_from(page.first).unwrap_or(usize::MAX);
    let has_next = items.len() > first;
    items.truncate(first);
    has_next
}

fn decode(cursor: &str, sort: &str) -> Result<Position, Error> {
    let refused = || {
        Error::invalid(
            "after",
            "Take the cursor from a page of this list with the same sort.",
        )
    };
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| refused())?;
    if cursor.sort != sort {
        return Err(refused());
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
    fn a_cursor_comes_back_as_the_position_it_was_made_of() {
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
    fn a_cursor_of_another_sort_or_no_cursor_at_all_is_invalid() {
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
    fn one_more_document_than_asked_for_tells_of_a_next_page() {
        let page = Page {
            first: 2,
            after: None,
        };
        let (mut two, mut three) = (vec![1, 2], vec![1, 2, 3]);
        assert!(!split(&page, &mut two));
        assert!(split(&page, &mut three));
        assert_eq!(three, [1, 2]);
    }
}
