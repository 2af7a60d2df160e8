//! Reads JSON bodies and URL parameters.

use std::any::type_name;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use mercato_shop::types::Error;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::http::body::{check_content_type, check_size};
use crate::http::problem::Problem;
use crate::rest::operation_error::OperationError;

const OBJECT: &str = "Must be a JSON object.";

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
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("The body must be JSON: {error}.")))?;
    check_shape::<T>(&value)?;
    // The bytes are parsed again, because a `Value` hides fields that are sent twice.
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|error| invalid_field(&error.path().to_string(), error.inner()).into())
}

/// Rejects arrays in place of objects, and objects in place of names. Serde accepts both.
fn check_shape<T: JsonSchema>(value: &Value) -> Result<(), Error> {
    let schema = schema_of::<T>();
    match misshapen(value, &schema, &schema, String::new()) {
        None => Ok(()),
        Some((path, message)) if path.is_empty() => Err(Error::invalid("body", message)),
        Some((path, message)) => Err(Error::invalid(path, message)),
    }
}

/// Returns the schema of a type. It is generated once for each instance.
fn schema_of<T: JsonSchema>() -> Arc<Value> {
    static SCHEMAS: Mutex<BTreeMap<&str, Arc<Value>>> = Mutex::new(BTreeMap::new());
    let generate = || {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        Arc::new(settings.into_generator().into_root_schema_for::<T>().to_value())
    };
    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(schemas.entry(type_name::<T>()).or_insert_with(generate))
}

/// Returns the path of the first value whose shape the schema does not allow, and the message about it.
fn misshapen(value: &Value, schema: &Value, root: &Value, path: String) -> Option<(String, &'static str)> {
    let schema = resolve(schema, root);
    let options = match schema.get("anyOf").and_then(Value::as_array) {
        Some(options) => options.as_slice(),
        None => std::slice::from_ref(schema),
    };
    let part = |name: &str| options.iter().find_map(|option| resolve(option, root).get(name));
    match value {
        Value::Null => None,
        Value::Array(items) => match part("items") {
            Some(schema) => items
                .iter()
                .enumerate()
                .find_map(|(index, item)| misshapen(item, schema, root, format!("{path}[{index}]"))),
            None if part("properties").is_some() => Some((path, OBJECT)),
            None => Some((path, "Must not be an array.")),
        },
        Value::Object(fields) => match part("properties") {
            Some(schemas) => fields.iter().find_map(|(name, field)| {
                let dot = if path.is_empty() { "" } else { "." };
                misshapen(field, schemas.get(name)?, root, format!("{path}{dot}{name}"))
            }),
            None => Some((path, "Must not be an object.")),
        },
        _ => part("properties").map(|_| (path, OBJECT)),
    }
}

/// Follows a reference to another schema.
fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

/// Returns the error of JSON that the type does not have.
fn invalid_field(path: &str, error: &serde_json::Error) -> Error {
    // Serde reports a missing name as a syntax error, although the syntax is correct.
    if error.classify() != Category::Data {
        return Error::invalid(path, WRONG_TYPE);
    }
    // The path of the field replaces the position, which ends the message.
    let message = error.to_string();
    let reason = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(reason, _)| reason);
    invalid(path, "body", reason)
}

/// Parses the URL parameters.
pub fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs)
        .map_err(|error| invalid(&error.path().to_string(), "query", &error.inner().to_string()))
}

/// The messages about a field itself. They contain its name, which is not in the path.
const ABOUT_FIELDS: [&str; 3] = ["unknown field", "missing field", "duplicate field"];

fn invalid(path: &str, whole: &str, reason: &str) -> Error {
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
    Error::invalid(field, format!("{reason}."))
}
