//! The envelope of a GraphQL request: the parameters of the URL, or a JSON body.

use async_graphql::Variables;
use http::{Method, Request, StatusCode};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::http::body;
use crate::http::problem::Problem;

/// The largest number of requests in a batch.
const BATCH: usize = 10;

/// One request of an envelope, or why it is invalid.
pub type Item = Result<Parameters, Problem>;

/// The requests of one HTTP request.
pub enum Envelope {
    Single(Parameters),
    Batch(Vec<Item>),
}

/// The parameters of one GraphQL request.
#[derive(Clone)]
pub struct Parameters {
    /// The document. Empty if only its digest was sent.
    pub query: String,
    /// The SHA-256 digest of the document in hexadecimal, if it was sent.
    pub digest: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// The id of an operation of a shared stream, in `extensions`.
    pub operation_id: Option<String>,
    /// Whether mutations are refused, because the request is a GET.
    pub only_queries: bool,
}

/// Reads the envelope of a GET.
///
/// # Errors
/// BAD_REQUEST for a missing document and for invalid JSON.
pub fn of_get(request: &Request<Vec<u8>>) -> Result<Envelope, Problem> {
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        let value = match name.as_ref() {
            "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
            "variables" | "extensions" if !value.is_empty() => {
                serde_json::from_str(&value).map_err(|error| {
                    Problem::bad_request(format!("The parameter `{name}` must be JSON: {error}."))
                })?
            }
            _ => continue,
        };
        map.insert(name.into_owned(), value);
    }
    Ok(Envelope::Single(Parameters {
        only_queries: true,
        ..parameters(map)?
    }))
}

/// Reads the envelope of a POST: a JSON object, or an array of them.
///
/// # Errors
/// BAD_REQUEST for an invalid body, and an error for a large batch, a large body or another content type.
pub fn of_post(request: &Request<Vec<u8>>) -> Result<Envelope, Problem> {
    body::check_content_type(request)?;
    body::check_size(request)?;
    body::check_values(request.body())?;
    match serde_json::from_slice(request.body()) {
        Err(error) => Err(Problem::bad_request(format!("The body must be JSON: {error}."))),
        Ok(Value::Object(map)) => Ok(Envelope::Single(parameters(map)?)),
        Ok(Value::Array(items)) if items.is_empty() => Err(Problem::bad_request(
            "The batch is empty. Send at least one request.",
        )),
        Ok(Value::Array(items)) if items.len() > BATCH => {
            let detail = format!("A batch must have at most {BATCH} requests.");
            Err(Problem::new(StatusCode::BAD_REQUEST, "BATCH_TOO_LARGE", detail))
        }
        Ok(Value::Array(items)) => Ok(Envelope::Batch(items.into_iter().map(item).collect())),
        Ok(_) => Err(Problem::bad_request(
            "The body must be a JSON object with a `query`.",
        )),
    }
}

/// Returns the number of requests in a POST, without reading them. A batch that is too large counts as one
/// request.
pub fn count(request: &Request<Vec<u8>>) -> u32 {
    let body = request.body();
    let is_batch = request.method() == Method::POST && body.trim_ascii_start().starts_with(b"[");
    if !is_batch || body.len() > body::MAX_BYTES {
        return 1;
    }
    match serde_json::from_slice::<Vec<IgnoredAny>>(body) {
        Ok(items) if items.len() <= BATCH => u32::try_from(items.len()).unwrap_or(1).max(1),
        Ok(_) | Err(_) => 1,
    }
}

fn item(value: Value) -> Item {
    match value {
        Value::Object(map) => parameters(map),
        _ => Err(Problem::bad_request(
            "Each request of a batch must be a JSON object with a `query`.",
        )),
    }
}

fn parameters(mut map: Map<String, Value>) -> Item {
    let digest = digest(&map);
    let query = match map.remove("query") {
        Some(Value::String(query)) if !query.trim().is_empty() => query,
        Some(Value::Null) | None if digest.is_some() => String::new(),
        Some(Value::String(_)) | Some(Value::Null) | None => {
            return Err(Problem::bad_request(
                "The request has no document. Send a GraphQL document in `query`.",
            ));
        }
        Some(_) => return Err(Problem::bad_request("`query` must be a string.")),
    };
    let operation_name = match map.remove("operationName") {
        Some(Value::String(name)) if !name.is_empty() => Some(name),
        Some(Value::String(_)) | Some(Value::Null) | None => None,
        Some(_) => return Err(Problem::bad_request("`operationName` must be a string.")),
    };
    let variables = match map.remove("variables") {
        Some(variables @ Value::Object(_)) => Variables::from_json(variables),
        Some(Value::Null) | None => Variables::default(),
        Some(_) => return Err(Problem::bad_request("`variables` must be an object.")),
    };
    let operation_id = match map.remove("extensions") {
        Some(Value::Object(extensions)) => extensions
            .get("operationId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        Some(Value::Null) | None => None,
        Some(_) => return Err(Problem::bad_request("`extensions` must be an object.")),
    };
    Ok(Parameters {
        query,
        digest,
        operation_name,
        variables,
        operation_id,
        only_queries: false,
    })
}

/// Returns the digest of a document, as Apollo's clients send it or as the specification's appendix on
/// persisted documents defines it.
fn digest(map: &Map<String, Value>) -> Option<String> {
    let apollo = map
        .get("extensions")
        .and_then(|extensions| extensions.pointer("/persistedQuery/sha256Hash"));
    let document_id = || map.get("documentId")?.as_str()?.strip_prefix("sha256:");
    apollo
        .and_then(Value::as_str)
        .or_else(document_id)
        .map(str::to_ascii_lowercase)
}
