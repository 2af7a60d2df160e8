//! The envelope that a GraphQL request comes in: the URL's parameters, or a body of JSON.

use std::str::FromStr;

use async_graphql::Variables;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use mediatype::{MediaType, MediaTypeBuf, ReadParams, names};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::limits;

/// One request to be executed, or why it can't be.
pub type Item = Result<Parameters, Refused>;

/// What came in.
#[derive(Debug)]
pub enum Envelope {
    Single(Parameters),
    Batch(Vec<Item>),
}

/// The parameters of one GraphQL request.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Empty where only its digest was sent.
    pub query: String,
    /// The document's SHA-256 digest in hexadecimal, if it was sent.
    pub digest: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// Whether only queries may be executed, because the request came by GET.
    pub only_queries: bool,
}

/// An envelope that can't be opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

/// The envelope of a GET: URL parameters.
pub fn of_get(request: &Request<Vec<u8>>) -> Result<Envelope, Refused> {
    let mut map = Map::new();
    for (name, value) in form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        let value = match name.as_ref() {
            "query" | "operationName" | "documentId" => Value::String(value.into_owned()),
            "variables" | "extensions" if !value.is_empty() => serde_json::from_str(&value)
                .map_err(|error| bad(format!("The parameter {name} is no JSON: {error}.")))?,
            _ => continue,
        };
        map.insert(name.into_owned(), value);
    }
    Ok(Envelope::Single(Parameters {
        only_queries: true,
        ..parameters(map)?
    }))
}

/// The envelope of a POST: a JSON object, or an array of them.
pub fn of_post(request: &Request<Vec<u8>>) -> Result<Envelope, Refused> {
    check_content_type(request)?;
    check_size(request)?;
    match serde_json::from_slice(request.body()) {
        Err(error) => Err(bad(format!("The body is no JSON: {error}."))),
        Ok(Value::Object(map)) => Ok(Envelope::Single(parameters(map)?)),
        Ok(Value::Array(items)) if items.is_empty() => {
            Err(bad("The batch is empty. Send at least one request.".into()))
        }
        Ok(Value::Array(items)) if items.len() > limits::BATCH => {
            let message = format!("A batch has at most {} requests.", limits::BATCH);
            Err(Refused {
                status: StatusCode::BAD_REQUEST,
                code: "BATCH_TOO_LARGE",
                message,
            })
        }
        Ok(Value::Array(items)) => Ok(Envelope::Batch(items.into_iter().map(item).collect())),
        Ok(_) => Err(bad("The body must be a JSON object with a query.".into())),
    }
}

/// How many requests a POST brings, before anything else of it is looked at: those of a batch that is not too large, or else one.
pub fn count(request: &Request<Vec<u8>>) -> u32 {
    let body = request.body();
    let is_batch = request.method() == Method::POST && body.trim_ascii_start().starts_with(b"[");
    if !is_batch || body.len() > limits::BODY {
        return 1;
    }
    match serde_json::from_slice::<Vec<IgnoredAny>>(body) {
        Ok(items) if items.len() <= limits::BATCH => u32::try_from(items.len()).unwrap_or(1).max(1),
        Ok(_) | Err(_) => 1,
    }
}

fn item(value: Value) -> Item {
    match value {
        Value::Object(map) => parameters(map),
        _ => Err(bad(
            "Each request of a batch must be a JSON object with a query.".into()
        )),
    }
}

/// Refuses a body that is larger than any may be.
pub fn check_size(request: &Request<Vec<u8>>) -> Result<(), Refused> {
    if request.body().len() <= limits::BODY {
        return Ok(());
    }
    let message = format!(
        "The body is larger than {} bytes. Send less at once.",
        limits::BODY
    );
    Err(Refused {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "PAYLOAD_TOO_LARGE",
        message,
    })
}

/// Refuses a body that does not say that it is JSON.
pub fn check_content_type(request: &Request<Vec<u8>>) -> Result<(), Refused> {
    let header = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_json = match header {
        Some("application/json") => true,
        Some(header) => MediaTypeBuf::from_str(header).is_ok_and(|media_type| {
            let charset = media_type.get_param(names::CHARSET);
            media_type.essence() == MediaType::new(names::APPLICATION, names::JSON)
                && charset.is_none_or(|charset| charset.unquoted_str().eq_ignore_ascii_case("utf-8"))
        }),
        None => false,
    };
    if is_json {
        return Ok(());
    }
    Err(Refused {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: "UNSUPPORTED_MEDIA_TYPE",
        message: "Send the header Content-Type: application/json, and JSON in UTF-8.".into(),
    })
}

fn parameters(mut map: Map<String, Value>) -> Result<Parameters, Refused> {
    let digest = digest(&map);
    let query = match map.remove("query") {
        Some(Value::String(query)) if !query.trim().is_empty() => query,
        Some(Value::Null) | None if digest.is_some() => String::new(),
        Some(Value::String(_)) | Some(Value::Null) | None => {
            return Err(bad(
                "The request has no query. Send a GraphQL document in the parameter query.".into(),
            ));
        }
        Some(_) => return Err(bad("The parameter query must be a string.".into())),
    };
    let operation_name = match map.remove("operationName") {
        Some(Value::String(name)) if !name.is_empty() => Some(name),
        Some(Value::String(_)) | Some(Value::Null) | None => None,
        Some(_) => return Err(bad("The parameter operationName must be a string.".into())),
    };
    let variables = match map.remove("variables") {
        Some(variables @ Value::Object(_)) => Variables::from_json(variables),
        Some(Value::Null) | None => Variables::default(),
        Some(_) => return Err(bad("The parameter variables must be an object.".into())),
    };
    match map.remove("extensions") {
        Some(Value::Object(_)) | Some(Value::Null) | None => {}
        Some(_) => return Err(bad("The parameter extensions must be an object.".into())),
    }
    Ok(Parameters {
        query,
        digest,
        operation_name,
        variables,
        only_queries: false,
    })
}

/// The digest of a document: as Apollo's clients send it, or as the specification's appendix on persisted documents has it.
fn digest(map: &Map<String, Value>) -> Option<String> {
    let apollo = map
        .get("extensions")
        .and_then(|extensions| extensions.pointer("/persistedQuery/sha256Hash"));
    let named = || map.get("documentId")?.as_str()?.strip_prefix("sha256:");
    apollo
        .and_then(Value::as_str)
        .or_else(named)
        .map(str::to_ascii_lowercase)
}

fn bad(message: String) -> Refused {
    Refused {
        status: StatusCode::BAD_REQUEST,
        code: "BAD_REQUEST",
        message,
    }
}
