//! The parameters of operations: in the path, in the query and in headers.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use crate::rest::operation::{Operation, SchemaOf};

/// Returns the parameters of an operation at one of its paths.
pub fn all(operation: &Operation, path: &str, tag: &str, schemas: &mut SchemaGenerator) -> Vec<Value> {
    let mut all = in_path(path, tag);
    if let Some(schema) = operation.query {
        all.extend(in_query(schema, schemas));
    }
    let mut add = |name: &str, required: bool, description: &str| {
        all.push(json!({
            "name": name, "in": "header", "required": required, "description": description, "schema": { "type": "string" },
        }));
    };
    if let Some((name, description)) = operation.header {
        add(name, true, description);
    }
    let mut header = |name: &str, description: &str| add(name, false, description);
    if operation.method == http::Method::GET && !operation.volatile {
        header("If-None-Match", "The ETag of your copy. 304 if it is current.");
    }
    if operation.versioned {
        header(
            "If-Match",
            "The ETag of the version that the change is based on. CONFLICT if it is outdated.",
        );
    }
    if operation.replayable {
        let description = "Your own key, at most 255 characters. Within 24 hours, the same request with the same key is \
            executed once, and gets the same answer.";
        header("Idempotency-Key", description);
    }
    all
}

fn in_path(path: &str, tag: &str) -> Vec<Value> {
    let parts: Vec<_> = path.split('/').collect();
    let parameter = |(index, part): (usize, &&str)| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let before = index.checked_sub(1).and_then(|index| parts.get(index)).copied();
        Some(json!({
            "name": name, "in": "path", "required": true, "description": meaning(name, before, path, tag),
            "schema": { "type": "string" },
        }))
    };
    parts.iter().enumerate().filter_map(parameter).collect()
}

/// Returns the meaning of a parameter. `before` is the part of the path before it.
fn meaning(name: &str, before: Option<&str>, path: &str, tag: &str) -> &'static str {
    const USER: &str = "The user's id. `me` means the caller.";
    const ORDER: &str = "The order's id.";
    match (name, before) {
        ("userId", _) | (_, Some("user")) => USER,
        ("productId", _) => "The product's id.",
        ("orderId", _) | (_, Some("order")) => ORDER,
        _ => match (tag, path) {
            ("users", _) => USER,
            ("products", _) => "The product's id.",
            ("orders", "/api/orders/{id}") => "The order's id, or the id of its user. `me` means the caller.",
            ("orders", "/api/orders/{id}/{orderId}") => USER,
            ("payments", "/api/payments/{id}") => "The payment's id, which is the id of its order.",
            ("payments", _) => "The payment's id.",
            ("orders", _) => ORDER,
            _ => "The id.",
        },
    }
}

/// Returns a URL parameter for each field of a type.
fn in_query(schema: SchemaOf, generator: &mut SchemaGenerator) -> Vec<Value> {
    let schema = schema(generator);
    let properties = schema.get("properties").and_then(Value::as_object);
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        json!({ "name": name, "in": "query", "description": description.unwrap_or_default(), "schema": schema })
    };
    let parameters = properties.into_iter().flatten().map(parameter);
    parameters
        .map(|mut parameter| {
            // A missing description must not be null.
            if let Some(parameter) = parameter.as_object_mut() {
                parameter.retain(|_, value| !value.is_null());
            }
            parameter
        })
        .collect()
}
