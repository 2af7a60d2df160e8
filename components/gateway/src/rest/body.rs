//! What comes in: JSON bodies and the URL's parameters, read as the shapes that the OpenAPI document tells.

use http::{Request, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

use crate::http::{Problem, check_content_type, check_size};
use crate::rest::operation::{Need, Refusal};
use crate::rest::strict::Strict;

/// Refuses a body that is too large, or no JSON by its content type where that matters.
pub fn check(request: &Request<Vec<u8>>, need: Need) -> Result<(), Refusal> {
    check_size(request).map_err(Problem::from)?;
    if need == Need::AsItIs || (need == Need::May && request.body().is_empty()) {
        return Ok(());
    }
    check_content_type(request).map_err(Problem::from)?;
    Ok(())
}

/// A body of JSON.
///
/// What is no JSON is refused with its place, what is no such value with the path of the field.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| refused(&error, "."))?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let path = error.path().to_string();
        refused(error.inner(), &path)
    })
}

fn refused(error: &serde_json::Error, path: &str) -> Refusal {
    if error.classify() == Category::Data {
        return invalid(path, "body", &without_place(&error.to_string()));
    }
    let detail = format!("The body is no JSON: {error}.");
    Problem::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", detail).into()
}

/// The URL's parameters.
pub fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Refusal> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs)
        .map_err(|error| invalid(&error.path().to_string(), "query", &error.inner().to_string()))
}

/// What is told of a field as such.
const ABOUT_FIELDS: [&str; 3] = ["unknown field", "missing field", "duplicate field"];

/// A value that can't be taken. What is wrong with a field as such, such as its name, is told where the field is named.
fn invalid(path: &str, whole: &str, reason: &str) -> Refusal {
    let field = match reason.split('`').nth(1) {
        Some(name) if ABOUT_FIELDS.iter().any(|kind| reason.starts_with(kind)) => {
            let parent = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
            if parent.is_empty() {
                name.to_owned()
            } else {
                format!("{parent}.{name}")
            }
        }
        _ if path == "." => whole.to_owned(),
        _ => path.to_owned(),
    };
    Problem::invalid(field, format!("{reason}.")).into()
}

/// The message without its place, which is none of the text's that the client wrote where the path of the field is known.
fn without_place(message: &str) -> String {
    match message.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => message.to_owned(),
    }
}
