//! The texts in the fields of a product: spaces, lists, URLs and JSON.

use serde::{Deserialize, Serialize};

use super::model::Image;
use crate::columns::Field;
use crate::number;
use crate::row_error::RowError;

/// The maximum size of the JSON of one product, in bytes. A larger product would not fit into a request.
const MAX_JSON: usize = 512 * 1024;

pub fn empty(field: Field) -> RowError {
    RowError::bad_input(field.name(), format!("the row has no {}", field.name()))
}

/// Rejects an id that a spreadsheet has shortened or replaced. Several products have the same id then.
///
/// # Errors
/// If the text is in scientific notation, a formula or an error of a spreadsheet.
pub fn reject_spreadsheet_text(field: Field, text: &str) -> Result<(), RowError> {
    if text.contains('+') && number::is_scientific(text) {
        let message = format!(
            "a spreadsheet has shortened `{text}`: format the column as text before you enter or paste the ids"
        );
        return Err(RowError::bad_input(field.name(), message));
    }
    if number::is_formula(text) {
        let message = format!(
            "`{}` is a formula of a spreadsheet: replace it with its value",
            number::shorten(text)
        );
        return Err(RowError::bad_input(field.name(), message));
    }
    reject_error_value(field, text)
}

/// Rejects an error of a spreadsheet, such as `#N/A`.
pub fn reject_error_value(field: Field, text: &str) -> Result<(), RowError> {
    if !number::is_error_value(text) {
        return Ok(());
    }
    let message = format!("`{text}` is an error of a spreadsheet: correct the formula in the cell");
    Err(RowError::bad_input(field.name(), message))
}

/// Replaces each run of white space by one space, if the text has a line break or a run.
pub fn fold_spaces(text: &str) -> String {
    let is_run = |pair: (char, char)| pair.0.is_whitespace() && pair.1.is_whitespace();
    let has_run = text.chars().zip(text.chars().skip(1)).any(is_run);
    if has_run || text.contains(|character: char| character.is_whitespace() && character.is_control()) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}

/// Returns whether a text says that a product is in stock, if it says so or the opposite.
pub fn is_available(text: &str) -> Option<bool> {
    let words: String = text
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    match words.as_str() {
        "instock" | "1" | "true" | "yes" | "available" | "limitedavailability" | "onlineonly" => Some(true),
        "outofstock" | "0" | "false" | "no" | "soldout" | "unavailable" | "preorder" | "backorder"
        | "onbackorder" | "discontinued" => Some(false),
        // Schema.org's terms are URLs.
        _ if words.ends_with("schemaorginstock") => Some(true),
        _ if words.ends_with("schemaorgoutofstock") => Some(false),
        _ => None,
    }
}

pub fn image(url: &str) -> Image {
    Image {
        url: url.trim().to_owned(),
        alt: None,
    }
}

/// Splits a list of URLs. A comma inside of a URL does not split it.
pub fn split_urls(text: &str) -> Vec<Image> {
    let is_separator = |character: char| matches!(character, ',' | ';' | '|') || character.is_whitespace();
    let mut urls = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.match_indices(is_separator).map(|(at, _)| at).find(|at| {
            let after = rest
                .get(*at..)
                .unwrap_or_default()
                .trim_start_matches(is_separator);
            after.is_empty() || after.starts_with("http://") || after.starts_with("https://")
        });
        let (url, after) = rest
            .split_at_checked(end.unwrap_or(rest.len()))
            .unwrap_or((rest, ""));
        urls.push(image(url));
        rest = after.trim_start_matches(is_separator);
    }
    urls
}

/// Splits a list of WooCommerce. A comma in a name is written as `\,`.
pub fn split_escaped(text: &str) -> Vec<String> {
    let marked = text.replace("\\,", "\u{0}");
    let part = |part: &str| part.trim().replace('\u{0}', ",");
    marked
        .split(',')
        .map(part)
        .filter(|part| !part.is_empty())
        .collect()
}

/// Parses a list in JSON. An empty text is an empty list.
pub fn json_list<T: for<'a> Deserialize<'a>>(
    field: Field,
    text: Option<String>,
) -> Result<Option<Vec<T>>, RowError> {
    match text.as_deref() {
        None => Ok(None),
        Some("") => Ok(Some(Vec::new())),
        Some(text) => serde_json::from_str(text).map(Some).map_err(|error| {
            let message = format!("it must be a list in JSON, as `exportProducts` writes it: {error}");
            RowError::bad_input(field.name(), message)
        }),
    }
}

/// Encodes a product as JSON.
///
/// # Errors
/// If the JSON is too long.
pub fn to_json(product: &impl Serialize) -> Result<String, RowError> {
    let json = serde_json::to_string(product).map_err(|error| RowError::bad_input("", error.to_string()))?;
    if json.len() > MAX_JSON {
        return Err(RowError::bad_input(
            "",
            format!(
                "the row is too long: its JSON must be at most {} KiB",
                MAX_JSON / 1024
            ),
        ));
    }
    Ok(json)
}
