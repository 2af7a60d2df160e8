//! A GraphQL response, and what tests ask of it.

use anyhow::Result;
use serde_json::Value;

use crate::client::Reply;

/// A response whose body is one GraphQL result.
pub struct Answer {
    /// The HTTP side of it.
    pub reply: Reply,
    body: Value,
}

impl Answer {
    /// Reads a response; fails where it is no well-formed GraphQL result, or a server's failure.
    pub fn new(reply: Reply) -> Result<Self> {
        reply.expect(reply.status < 500, || "the server failed".into())?;
        let body = reply.json()?;
        well_formed(&body).map_err(|reason| reply.failure(reason))?;
        Ok(Self { reply, body })
    }

    /// The errors; empty where there are none.
    pub fn errors(&self) -> &[Value] {
        self.body
            .get("errors")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The codes of all errors, in their order.
    pub fn codes(&self) -> Vec<&str> {
        self.errors()
            .iter()
            .filter_map(|error| error.pointer("/extensions/code")?.as_str())
            .collect()
    }

    /// A value of the data by JSON pointer (RFC 6901); fails where there is any error.
    pub fn data(&self, pointer: &str) -> Result<&Value> {
        self.reply
            .expect(self.errors().is_empty(), || "expected no errors".into())?;
        self.partial(pointer)
    }

    /// A value of the data by JSON pointer, whatever errors there are.
    pub fn partial(&self, pointer: &str) -> Result<&Value> {
        self.body
            .get("data")
            .and_then(|data| data.pointer(pointer))
            .ok_or_else(|| self.reply.failure(format!("there is no data at {pointer}")))
    }

    /// A text of the data; fails where there is any error.
    pub fn text(&self, pointer: &str) -> Result<&str> {
        let value = self.data(pointer)?;
        value
            .as_str()
            .ok_or_else(|| self.reply.failure(format!("data at {pointer} is no text")))
    }

    /// A whole number of the data; fails where there is any error.
    pub fn int(&self, pointer: &str) -> Result<i64> {
        let value = self.data(pointer)?;
        value.as_i64().ok_or_else(|| {
            self.reply
                .failure(format!("data at {pointer} is no whole number"))
        })
    }

    /// A list of the data; fails where there is any error.
    pub fn list(&self, pointer: &str) -> Result<&[Value]> {
        let value = self.data(pointer)?;
        value
            .as_array()
            .map(Vec::as_slice)
            .ok_or_else(|| self.reply.failure(format!("data at {pointer} is no list")))
    }

    /// The values at a pointer within each item of a list of the data; fails where there is any error.
    pub fn column(&self, list: &str, pointer: &str) -> Result<Vec<Value>> {
        self.list(list)?
            .iter()
            .map(|item| {
                item.pointer(pointer).cloned().ok_or_else(|| {
                    self.reply
                        .failure(format!("an item of {list} has nothing at {pointer}"))
                })
            })
            .collect()
    }

    /// The first error; it and all others must have this code.
    pub fn refused(&self, code: &str) -> Result<&Value> {
        self.refused_with_one_of(&[code])
    }

    /// The first error; it and all others must have one of these codes.
    pub fn refused_with_one_of(&self, codes: &[&str]) -> Result<&Value> {
        let found = self.codes();
        let fine = !found.is_empty() && found.iter().all(|code| codes.contains(code));
        self.reply.expect(fine, || {
            format!("expected an error with code {}", codes.join(" or "))
        })?;
        self.errors()
            .first()
            .ok_or_else(|| self.reply.failure("expected an error"))
    }

    /// The error, which must be BAD_USER_INPUT about this field.
    pub fn bad_input(&self, field: &str) -> Result<&Value> {
        let error = self.refused("BAD_USER_INPUT")?;
        let found = error.pointer("/extensions/field").and_then(Value::as_str);
        self.reply.expect(found == Some(field), || {
            format!("expected extensions.field to be \"{field}\"")
        })?;
        Ok(error)
    }

    /// Fails with this message unless the condition holds.
    pub fn expect(&self, condition: bool, message: impl Into<String>) -> Result<()> {
        self.reply.expect(condition, || message.into()).map(|_| ())
    }
}

/// The rules of the GraphQL specification's section 7, Response, and this API's: each error has a code and a sentence.
fn well_formed(body: &Value) -> Result<(), String> {
    let Some(members) = body.as_object() else {
        return Err("the body is no JSON object".into());
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
        return Err("an error's message must be a sentence that helps".into());
    }
    let code = error
        .pointer("/extensions/code")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return Err("an error must have a code in its extensions".into());
    }
    if let Some(locations) = error.get("locations") {
        let positive =
            |location: &Value, key| location.get(key).and_then(Value::as_u64).is_some_and(|n| n > 0);
        let fine = locations.as_array().is_some_and(|all| {
            all.iter()
                .all(|one| positive(one, "line") && positive(one, "column"))
        });
        if !fine {
            return Err("locations must be a list of positive lines and columns".into());
        }
    }
    match error.get("path") {
        None => Ok(()),
        Some(path) => {
            let fine = path
                .as_array()
                .is_some_and(|all| all.iter().all(|one| one.is_string() || one.is_u64()));
            if fine {
                Ok(())
            } else {
                Err("path must be a list of names and indexes".into())
            }
        }
    }
}
