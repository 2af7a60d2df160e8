//! A GraphQL response, and the assertions of tests about it.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use crate::http::Response;

/// A response whose body is one GraphQL result.
pub struct GraphqlResponse {
    /// The HTTP response.
    pub http: Response,
    body: Value,
}

impl GraphqlResponse {
    /// Parses a response.
    ///
    /// # Errors
    /// The status is 500 or more, or the body is not a well-formed GraphQL result.
    pub fn new(http: Response) -> Result<Self> {
        http.expect(http.status < 500, "the server failed")?;
        let body = http.json()?;
        well_formed(&body).map_err(|reason| http.failure(reason))?;
        Ok(Self { http, body })
    }

    /// Returns the errors, which may be none.
    pub fn errors(&self) -> &[Value] {
        self.body
            .get("errors")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the codes of all errors, in their order.
    pub fn codes(&self) -> Vec<&str> {
        self.errors()
            .iter()
            .filter_map(|error| error.pointer("/extensions/code")?.as_str())
            .collect()
    }

    /// Returns the value at a JSON pointer (RFC 6901) into the data. Fails if there is any error.
    pub fn data(&self, pointer: &str) -> Result<&Value> {
        self.expect(self.errors().is_empty(), "expected no errors")?;
        self.partial(pointer)
    }

    /// Returns the value at a JSON pointer into the data, even if there are errors.
    pub fn partial(&self, pointer: &str) -> Result<&Value> {
        self.body
            .get("data")
            .and_then(|data| data.pointer(pointer))
            .ok_or_else(|| self.http.failure(format!("there is no data at {pointer}")))
    }

    /// Returns the text at a JSON pointer into the data. Fails if there is any error.
    pub fn text(&self, pointer: &str) -> Result<&str> {
        let text = self.data(pointer)?.as_str();
        text.ok_or_else(|| self.http.failure(format!("data at {pointer} is not a text")))
    }

    /// Returns the whole number at a JSON pointer into the data. Fails if there is any error.
    pub fn int(&self, pointer: &str) -> Result<i64> {
        let number = self.data(pointer)?.as_i64();
        number.ok_or_else(|| {
            self.http
                .failure(format!("data at {pointer} is not a whole number"))
        })
    }

    /// Returns the list at a JSON pointer into the data. Fails if there is any error.
    pub fn list(&self, pointer: &str) -> Result<&[Value]> {
        let list = self.data(pointer)?.as_array();
        list.map(Vec::as_slice)
            .ok_or_else(|| self.http.failure(format!("data at {pointer} is not a list")))
    }

    /// Returns the values at a pointer within each item of a list of the data. Fails if there is any error.
    pub fn column(&self, list: &str, pointer: &str) -> Result<Vec<Value>> {
        let missing = || {
            self.http
                .failure(format!("an item of {list} has nothing at {pointer}"))
        };
        self.list(list)?
            .iter()
            .map(|item| item.pointer(pointer).cloned().ok_or_else(missing))
            .collect()
    }

    /// Fails unless the data at a JSON pointer equals the expected value, or if there is any error.
    pub fn has(&self, pointer: &str, expected: impl Serialize) -> Result<()> {
        let expected = json!(expected);
        self.expect(
            self.data(pointer)? == &expected,
            format!("{pointer} should be {expected}"),
        )
    }

    /// Fails unless the values at a pointer within each item of a list equal the expected ones.
    pub fn has_column(&self, list: &str, pointer: &str, expected: impl Serialize) -> Result<()> {
        let expected = json!(expected);
        self.expect(
            Value::Array(self.column(list, pointer)?) == expected,
            format!("{pointer} of the items of {list} should be {expected}"),
        )
    }

    /// Fails unless one of the values at a pointer within each item of a list equals the expected one.
    pub fn column_contains(&self, list: &str, pointer: &str, expected: impl Serialize) -> Result<()> {
        let expected = json!(expected);
        self.expect(
            self.column(list, pointer)?.contains(&expected),
            format!("{pointer} of one item of {list} should be {expected}"),
        )
    }

    /// Fails unless the data at a JSON pointer is null. There may be errors.
    pub fn is_null(&self, pointer: &str) -> Result<()> {
        self.expect(
            self.partial(pointer)?.is_null(),
            format!("{pointer} should be null"),
        )
    }

    /// Fails if the response has any data.
    pub fn has_no_data(&self) -> Result<()> {
        self.expect(self.partial("").is_err(), "there should be no data")
    }

    /// Returns the first error. Fails unless it and all others have this code.
    pub fn refused(&self, code: &str) -> Result<&Value> {
        self.refused_with_one_of(&[code])
    }

    /// Returns the first error. Fails unless it and all others have one of these codes.
    pub fn refused_with_one_of(&self, codes: &[&str]) -> Result<&Value> {
        let found = self.codes();
        self.expect(
            !found.is_empty() && found.iter().all(|code| codes.contains(code)),
            format!("expected an error with code {}", codes.join(" or ")),
        )?;
        self.errors()
            .first()
            .ok_or_else(|| self.http.failure("expected an error"))
    }

    /// Returns the error. Fails unless it is BAD_USER_INPUT about this field.
    pub fn bad_input(&self, field: &str) -> Result<&Value> {
        self.refused_with("BAD_USER_INPUT", "field", field)
    }

    /// Fails unless the error is CONFLICT and names this current version.
    pub fn conflict(&self, current_version: i64) -> Result<()> {
        self.refused_with("CONFLICT", "currentVersion", current_version)
            .map(drop)
    }

    /// Fails unless the error is OUT_OF_STOCK and names these lines: the product, the requested and the
    /// available quantity.
    pub fn out_of_stock(&self, lines: &[(&str, i64, i64)]) -> Result<()> {
        let lines: Vec<Value> = lines
            .iter()
            .map(|(id, requested, available)| {
                json!({ "_id": id, "id": id, "requested": requested, "available": available })
            })
            .collect();
        self.refused_with("OUT_OF_STOCK", "lines", lines).map(drop)
    }

    /// Returns the first error. Fails unless all have this code, and the first has this member in its
    /// extensions.
    fn refused_with(&self, code: &str, member: &str, expected: impl Serialize) -> Result<&Value> {
        let (error, expected) = (self.refused(code)?, json!(expected));
        let found = error.pointer(&format!("/extensions/{member}"));
        self.expect(
            found == Some(&expected),
            format!("expected extensions.{member} to be {expected}"),
        )?;
        Ok(error)
    }

    /// Fails with this message unless the condition holds.
    pub fn expect(&self, condition: bool, message: impl std::fmt::Display) -> Result<()> {
        self.http.expect(condition, message)
    }
}

/// Checks the rules for responses of the GraphQL specification (section 7) and of this API: each error has a
/// code and a sentence.
fn well_formed(body: &Value) -> Result<(), String> {
    let Some(members) = body.as_object() else {
        return Err("the body is not a JSON object".into());
    };
    if let Some(unknown) = members
        .keys()
        .find(|key| !["data", "errors", "extensions"].contains(&key.as_str()))
    {
        return Err(format!("a GraphQL response has no member \"{unknown}\""));
    }
    if !members.contains_key("data") && !members.contains_key("errors") {
        return Err("there is neither data nor errors".into());
    }
    let Some(errors) = members.get("errors") else {
        return Ok(());
    };
    let Some(errors) = errors.as_array().filter(|errors| !errors.is_empty()) else {
        return Err("errors must be a list that is not empty".into());
    };
    errors.iter().try_for_each(well_formed_error)
}

fn well_formed_error(error: &Value) -> Result<(), String> {
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    if message.len() < 10 || !message.contains(' ') {
        return Err("an error's message must be a helpful sentence".into());
    }
    let code = error
        .pointer("/extensions/code")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return Err("an error must have a code in its extensions".into());
    }
    let is_list = |member: &str, is_valid: fn(&Value) -> bool| match error.get(member) {
        None => true,
        Some(list) => list.as_array().is_some_and(|list| list.iter().all(is_valid)),
    };
    if !is_list("locations", |location| {
        let positive = |key| location.get(key).and_then(Value::as_u64).is_some_and(|n| n > 0);
        positive("line") && positive("column")
    }) {
        return Err("locations must be a list of positive lines and columns".into());
    }
    if !is_list("path", |segment| segment.is_string() || segment.is_u64()) {
        return Err("path must be a list of names and indexes".into());
    }
    Ok(())
}
