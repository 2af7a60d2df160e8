//! The responses of operations: the successful ones, 304, and the errors that can occur.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use mercato_shop::http::problem::MEDIA_TYPE;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::rest::operation::{Access, Operation};

/// The errors that clients meet: the status, the name of the shared response, its description, an example of
/// its code, and an example of its detail.
const ERRORS: [(StatusCode, &str, &str, &str, &str); 11] = [
    (
        StatusCode::BAD_REQUEST,
        "BadRequest",
        "The request is malformed, or a value is invalid. `errors` names the field.",
        "BAD_USER_INPUT",
        "quantity: Must be a whole number.",
    ),
    (
        StatusCode::UNAUTHORIZED,
        "Unauthenticated",
        "The request needs a signed-in user or the API key, or the credential is invalid.",
        "UNAUTHENTICATED",
        "Sign in first.",
    ),
    (
        StatusCode::PAYMENT_REQUIRED,
        "PaymentDeclined",
        "The payment was declined. Another attempt can follow.",
        "PAYMENT_DECLINED",
        "The card was declined.",
    ),
    (
        StatusCode::FORBIDDEN,
        "Forbidden",
        "The caller may not do this.",
        "FORBIDDEN",
        "Only the role ADMIN or the API key may do this.",
    ),
    (
        StatusCode::NOT_FOUND,
        "NotFound",
        "There is no such thing, or the caller may not see it.",
        "NOT_FOUND",
        "There is no product 0198c0de-1f2e-7abc-8def-0123456789ab.",
    ),
    (
        StatusCode::NOT_ACCEPTABLE,
        "NotAcceptable",
        "The header Accept-Encoding allows no encoding that the shop has.",
        "NOT_ACCEPTABLE",
        "The header Accept-Encoding must allow gzip, br, zstd or identity.",
    ),
    (
        StatusCode::CONFLICT,
        "Conflict",
        "Another version is current, a name is taken, the stock does not suffice, or the status does not allow the change. \
         `code` tells which.",
        "CONFLICT",
        "The current version is 4. Read it again, and repeat the change.",
    ),
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        "PayloadTooLarge",
        "The body exceeds 1 MiB, or it has too many JSON values.",
        "PAYLOAD_TOO_LARGE",
        "The body must be at most 1048576 bytes. Split the request.",
    ),
    (
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        "The body is not declared as JSON in UTF-8, or it is compressed.",
        "UNSUPPORTED_MEDIA_TYPE",
        "Send JSON in UTF-8 with the header Content-Type: application/json.",
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "IdempotencyKeyReused",
        "The Idempotency-Key belongs to another request.",
        "IDEMPOTENCY_KEY_REUSED",
        "This `Idempotency-Key` belongs to another request. Send a new key.",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "RateLimited",
        "The caller sent too many requests.",
        "RATE_LIMITED",
        "Too many attempts. Try again in 7 seconds.",
    ),
];

/// Returns the responses that operations refer to.
pub fn shared(problem: &Schema) -> Value {
    let mut all = Map::new();
    for (status, name, description, code, detail) in ERRORS {
        let example = json!({
            "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail,
            "instance": "/api/…", "code": code,
        });
        let mut response = json!({
            "description": description,
            "content": { (MEDIA_TYPE): { "schema": problem, "example": example } },
        });
        if status == StatusCode::TOO_MANY_REQUESTS {
            let header = json!({ "Retry-After": {
                "description": "The seconds to wait.", "schema": { "type": "integer" }, "example": 7,
            } });
            set(&mut response, "headers", header);
        }
        all.insert(name.to_owned(), response);
    }
    all.insert(
        "NotModified".into(),
        json!({ "description": "Your copy is current.", "headers": { "ETag": etag() } }),
    );
    all.insert(
        "Problem".into(),
        json!({
            "description": "Another error, with a stable code",
            "content": { (MEDIA_TYPE): { "schema": problem } },
        }),
    );
    Value::Object(all)
}

/// Returns the responses of an operation at one of its paths.
pub fn of(operation: &Operation, path: &str, schemas: &mut SchemaGenerator) -> Value {
    let is_read = operation.method == Method::GET && !operation.volatile;
    let mut all = Map::new();
    for (status, schema) in &operation.answers {
        let mut answer = json!({ "description": status.canonical_reason().unwrap_or_default() });
        if let Some(schema) = schema {
            let content = json!({ "application/json": { "schema": schema(schemas) } });
            set(&mut answer, "content", content);
        }
        let mut headers = Map::new();
        if *status == StatusCode::CREATED {
            let location =
                json!({ "description": "The path of the resource.", "schema": { "type": "string" } });
            headers.insert("Location".into(), location);
        }
        if is_read || (operation.versioned && *status != StatusCode::NO_CONTENT) {
            headers.insert("ETag".into(), etag());
        }
        if !headers.is_empty() {
            set(&mut answer, "headers", Value::Object(headers));
        }
        all.insert(status.as_str().to_owned(), answer);
    }
    if is_read {
        all.insert("304".into(), reference("NotModified"));
    }
    for status in errors(operation, path) {
        if let Some((_, name, ..)) = ERRORS.iter().find(|(other, ..)| *other == status) {
            all.entry(status.as_str()).or_insert_with(|| reference(name));
        }
    }
    all.insert("default".into(), reference("Problem"));
    Value::Object(all)
}

/// Returns the statuses of the errors that an operation can have.
fn errors(operation: &Operation, path: &str) -> BTreeSet<StatusCode> {
    let mut all = BTreeSet::from([StatusCode::NOT_ACCEPTABLE]);
    let has_parameter = path.contains('{');
    let has_body = operation.body.is_some();
    if has_body || has_parameter || operation.query.is_some() || operation.replayable {
        all.insert(StatusCode::BAD_REQUEST);
    }
    if operation.access != Access::Public {
        all.extend([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]);
    }
    if has_parameter {
        all.insert(StatusCode::NOT_FOUND);
    }
    if operation.versioned || operation.replayable {
        all.insert(StatusCode::CONFLICT);
    }
    if has_body {
        all.extend([StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE]);
    }
    if operation.replayable {
        all.insert(StatusCode::UNPROCESSABLE_ENTITY);
    }
    if path.starts_with("/api/") || operation.paths.iter().any(|path| path.starts_with("/api/")) {
        all.insert(StatusCode::TOO_MANY_REQUESTS);
    }
    all.extend(&operation.errors);
    all
}

/// Sets a field of an object.
pub fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn etag() -> Value {
    json!({ "description": "The tag of this version, for If-None-Match and If-Match.", "schema": { "type": "string" } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/responses/{name}") })
}
