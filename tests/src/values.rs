//! JSON values: members of objects, and texts at pointers.

use anyhow::{Context, Result};
use serde_json::Value;

/// Sets a member of an object.
pub fn set(object: &mut Value, member: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
}

/// Returns the text at a JSON pointer.
pub fn text_at<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("there should be a text at {pointer} of {value}"))
}
