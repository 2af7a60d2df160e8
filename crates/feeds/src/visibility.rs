//! Whether a feed says that a product is a draft.

use crate::columns::Columns;
use crate::number::shorten;
use crate::row_error::RowError;
use crate::source::Value;

/// The columns of plain tables and other shops, and whether `yes` means a draft.
const COLUMNS: [(&str, bool); 12] = [
    ("status", false),
    ("productstatus", false),
    ("published", false),
    ("ispublished", false),
    ("publishedononlinestore", false),
    ("active", false),
    ("isactive", false),
    ("enabled", false),
    ("draft", true),
    ("isdraft", true),
    ("archived", true),
    ("isarchived", true),
];

/// Returns whether a row is a draft, archived or not published. An empty cell says nothing.
///
/// # Errors
/// If a value is unknown.
pub fn is_draft(columns: &Columns, row: &[Value]) -> Result<bool, RowError> {
    let mut is_draft = false;
    for (column, yes_means_draft) in COLUMNS {
        let Some(index) = columns.named(column).filter(|index| !columns.is_used(*index)) else {
            continue;
        };
        let text = match row.get(index) {
            Some(Value::Text(text) | Value::Number(text)) => text.trim(),
            Some(Value::Boolean(true)) => "true",
            Some(Value::Boolean(false)) => "false",
            Some(Value::List(_) | Value::Invalid(_)) => "a list or an object",
            Some(Value::Missing) | None => "",
        };
        is_draft |= match text.to_lowercase().as_str() {
            "" => false,
            "1" | "true" | "yes" | "y" | "on" | "wahr" | "ja" => yes_means_draft,
            "0" | "-1" | "false" | "no" | "n" | "off" | "falsch" | "nein" => !yes_means_draft,
            "active" | "published" | "publish" | "enabled" | "live" | "public" | "visible" => false,
            "draft" | "archived" | "unpublished" | "unlisted" | "inactive" | "disabled" | "private"
            | "hidden" | "pending" | "deleted" => true,
            _ => {
                let message = format!(
                    "`{}` is unknown: use active, draft, archived, published, unpublished, yes or no. \
                     --include-drafts imports all rows and does not read the column",
                    shorten(text)
                );
                return Err(RowError::bad_input(column, message));
            }
        };
    }
    Ok(is_draft)
}

/// Returns whether a column with this normalized name is read.
pub fn reads(columns: &Columns, name: &str) -> bool {
    let is_free = || columns.named(name).is_some_and(|index| !columns.is_used(index));
    COLUMNS.iter().any(|(column, _)| *column == name) && is_free()
}
