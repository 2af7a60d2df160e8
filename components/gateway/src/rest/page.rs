//! Lists, page by page.

use mercato_shop::types::{Error, Page as Wanted};
use schemars::JsonSchema;
use serde::Serialize;

/// How many items a page has where nobody says.
const DEFAULT: u32 = 20;
/// The most items of one page.
const MOST: u32 = 100;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    items: Vec<T>,
    page_info: PageInfo,
}

/// Where a page ends.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    /// To be sent as `after` for the next page.
    end_cursor: Option<String>,
}

/// The page that is asked for.
pub fn wanted(first: Option<u32>, after: Option<String>) -> Result<Wanted, Error> {
    match first.unwrap_or(DEFAULT) {
        first @ 1..=MOST => Ok(Wanted { first, after }),
        _ => Err(Error::invalid("first", format!("A page has 1 to {MOST} items."))),
    }
}

/// The page of these items, each with its cursor.
pub fn page<T>(edges: impl Iterator<Item = (String, T)>, has_next_page: bool) -> Page<T> {
    let mut end_cursor = None;
    let items = edges
        .map(|(cursor, item)| {
            end_cursor = Some(cursor);
            item
        })
        .collect();
    Page {
        items,
        page_info: PageInfo {
            has_next_page,
            end_cursor,
        },
    }
}
