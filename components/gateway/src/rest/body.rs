//! Reads JSON bodies and URL parameters.

use http::Request;
use mercato_shop::types::Error;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::http::body::{check_content_type, check_size, check_values};
use crate::http::problem::Problem;
use crate::rest::operation_error::OperationError;
use crate::rest::shape::Shape;

const WRONG_TYPE: &str = "Must have the type in the OpenAPI document at /openapi.json.";

/// How an operation reads its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Required,
    Optional,
    /// The operation reads the bytes itself, with any content type.
    Raw,
}

/// Rejects a body that is too large, or that is not declared as JSON.
pub fn check(request: &Request<Vec<u8>>, kind: BodyKind) -> Result<(), Problem> {
    check_size(request)?;
    match kind {
        BodyKind::Raw => Ok(()),
        BodyKind::Optional if request.body().is_empty() => Ok(()),
        BodyKind::Required | BodyKind::Optional => check_content_type(request),
    }
}

/// Parses a JSON body. An error names the position of a syntax error, or the path of an invalid field.
pub fn parse<T: DeserializeOwned + JsonSchema>(bytes: &[u8]) -> Result<T, OperationError> {
    check_values(bytes)?;
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("The body must be JSON: {error}.")))?;
    let shape = Shape::of::<T>();
    if let Some((path, message)) = shape.mismatch(&value) {
        return Err(Error::invalid(or(&path, "body"), message).into());
    }
    // The bytes are parsed again, because a `Value` hides fields that are sent twice.
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|error| invalid_field(&shape, &error.path().to_string(), error.inner()).into())
}

/// Returns the error of JSON that the type does not have.
fn invalid_field(shape: &Shape, path: &str, error: &serde_json::Error) -> Error {
    // Serde reports a missing name as a syntax error, although the syntax is correct.
    if error.classify() != Category::Data {
        let advice = shape.advice(path);
        return Error::invalid(path, advice.unwrap_or_else(|| WRONG_TYPE.to_owned()));
    }
    // The path of the field replaces the position, which ends the message.
    let message = error.to_string();
    let reason = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(reason, _)| reason);
    invalid(shape, path, "body", reason)
}

/// Parses the URL parameters. A boolean is `true` or `false`, or `1` or `0`.
pub fn parse_query<T: DeserializeOwned + JsonSchema>(query: &str) -> Result<T, Error> {
    let shape = Shape::of::<T>();
    let mut normalized = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*value {
            "1" if shape.is_flag(&name) => "true",
            "0" if shape.is_flag(&name) => "false",
            value => value,
        };
        normalized.append_pair(&name, value);
    }
    let normalized = normalized.finish();
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(normalized.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let reason = error.inner().to_string();
        invalid(&shape, &error.path().to_string(), "query", &reason)
    })
}

/// The messages about the kind of a value. The schema says more about it.
const ABOUT_KINDS: [&str; 9] = [
    "cannot parse",
    "invalid digit",
    "invalid float literal",
    "invalid length",
    "invalid type",
    "invalid value",
    "number too large",
    "number too small",
    "provided string was not",
];

/// Returns the error about a field, in the words of the API in place of those of Serde.
fn invalid(shape: &Shape, path: &str, whole: &str, reason: &str) -> Error {
    let named = reason.split('`').nth(1).unwrap_or_default();
    let (kind, allowed) = reason.split_once(", expected ").unwrap_or((reason, ""));
    let allowed = allowed.trim_start_matches("one of ").replace('`', "");
    let (field, message) = if kind.starts_with("unknown field") {
        let message = match allowed.as_str() {
            "" | "there are no fields" => "Is unknown. No fields are allowed here.".to_owned(),
            allowed => format!("Is unknown. The allowed names are: {allowed}."),
        };
        (inside(path, named), message)
    } else if kind.starts_with("missing field") {
        (inside(path, named), "Is required.".to_owned())
    } else if kind.starts_with("duplicate field") {
        (inside(path, named), "Must be sent only once.".to_owned())
    } else if kind.starts_with("unknown variant") {
        (own(path, whole), format!("Must be one of: {allowed}."))
    } else {
        let is_about_kind = ABOUT_KINDS.iter().any(|known| reason.starts_with(known));
        let advice = if is_about_kind { shape.advice(path) } else { None };
        (own(path, whole), advice.unwrap_or_else(|| format!("{reason}.")))
    };
    Error::invalid(field, message)
}

/// Returns the path of a field, whose name may already end the path of its object.
fn inside(path: &str, name: &str) -> String {
    let parent = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

/// Returns the path of a field, or the name of the whole input.
fn own(path: &str, whole: &str) -> String {
    or(if path == "." { "" } else { path }, whole)
}

fn or(path: &str, whole: &str) -> String {
    if path.is_empty() { whole } else { path }.to_owned()
}

#[cfg(test)]
mod tests {
    use mercato_shop::types::Violation;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[allow(dead_code, reason = "of some fields, only the errors are tested")]
    struct Input {
        name: String,
        in_stock: Option<bool>,
        first: Option<u32>,
        line: Option<Line>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[allow(dead_code, reason = "only its errors are tested")]
        quantity: u32,
    }

    fn refusal(error: Error) -> (String, String) {
        match error {
            Error::Invalid(Violation { field, message }) => (field, message),
            other => panic!("expected an invalid field, got {other:?}"),
        }
    }

    #[test]
    fn explains_an_invalid_body() {
        for (body, field, message) in [
            ("{}", "name", "Is required."),
            (r#"{"name": null}"#, "name", "Must be text."),
            (r#"{"name": 5}"#, "name", "Must be text."),
            (r#"{"name": "a", "name": "b"}"#, "name", "Must be sent only once."),
            (
                r#"{"name": "a", "nonsense": 1}"#,
                "nonsense",
                "Is unknown. The allowed names are: name, inStock, first, line.",
            ),
            (r#"{"name": "a", "line": {}}"#, "line.quantity", "Is required."),
            (
                r#"{"name": "a", "line": {"quantity": -1}}"#,
                "line.quantity",
                "Must be a whole number from 0 to 4294967295.",
            ),
            (
                r#"{"name": "a", "line": {"quantity": 1, "_id": "x"}}"#,
                "line._id",
                "Is unknown. The allowed names are: quantity.",
            ),
            ("[]", "body", "Must be a JSON object."),
            ("null", "body", "Must be a JSON object."),
        ] {
            let OperationError::Error(error) = parse::<Input>(body.as_bytes()).unwrap_err() else {
                panic!("{body} is JSON");
            };
            assert_eq!(refusal(error), (field.to_owned(), message.to_owned()), "{body}");
        }
    }

    #[test]
    fn explains_invalid_url_parameters() {
        for (query, field, message) in [
            ("", "name", "Is required."),
            ("name=a&inStock=2", "inStock", "Must be true or false."),
            (
                "name=a&first=-1",
                "first",
                "Must be a whole number from 0 to 4294967295.",
            ),
            (
                "name=a&first=x",
                "first",
                "Must be a whole number from 0 to 4294967295.",
            ),
            (
                "name=a&first=",
                "first",
                "Must be a whole number from 0 to 4294967295.",
            ),
            ("name=a&name=b", "name", "Must be sent only once."),
            (
                "name=a&nonsense=1",
                "nonsense",
                "Is unknown. The allowed names are: name, inStock, first, line.",
            ),
        ] {
            let error = parse_query::<Input>(query).unwrap_err();
            assert_eq!(refusal(error), (field.to_owned(), message.to_owned()), "{query}");
        }
    }

    #[test]
    fn reads_booleans_as_words_and_as_digits() {
        for (query, expected) in [("true", true), ("1", true), ("false", false), ("0", false)] {
            let input: Input = parse_query(&format!("name=1&inStock={query}")).unwrap();
            assert_eq!(input.in_stock, Some(expected), "{query}");
            assert_eq!(input.name, "1", "only booleans are changed");
        }
    }
}
