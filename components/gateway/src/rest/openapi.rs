//! The OpenAPI 3.1 document of all operations.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use mercato_shop::http::problem::MEDIA_TYPE;

use crate::http::problem;
use crate::rest::body::BodyKind;
use crate::rest::operation::{Access, Operation, SchemaOf};

/// The path of the schemas.
const SCHEMAS: &str = "/components/schemas";

/// The tag of operations that are not for clients. Their paths are not below `/api`.
const OTHERS: &str = "operations";

/// The schemas of inputs and of outputs, which have different required fields.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

/// Returns the document of these operations.
pub fn document(operations: &[Operation]) -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
        })
    };
    let mut schemas = Schemas {
        read: settings().for_deserialize().into_generator(),
        written: settings().for_serialize().into_generator(),
    };
    let mut paths = Map::new();
    for operation in operations {
        for (index, path) in operation.paths.iter().enumerate() {
            let item = paths.entry(*path).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                let method = operation.method.as_str().to_ascii_lowercase();
                item.insert(method, describe(operation, path, index, &mut schemas));
            }
        }
    }
    let problem = schemas.written.subschema_for::<problem::Body>();
    let mut definitions = schemas.read.take_definitions(true);
    definitions.extend(schemas.written.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mercato",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The REST API of the shop. It has the same rules, data and error codes as GraphQL at /graphql. \
                Amounts are in minor units (cents), and times are in UTC. `me` means the caller's user id. A GET with an ETag \
                in If-None-Match is answered with 304 if nothing has changed. A change with an ETag in If-Match is refused \
                with CONFLICT if the resource has another version by now.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {
                "Problem": {
                    "description": "An error with a stable code",
                    "content": { (MEDIA_TYPE): { "schema": problem } },
                },
            },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
            },
        },
    })
}

fn describe(operation: &Operation, path: &str, index: usize, schemas: &mut Schemas) -> Value {
    let mut name = operation.name.to_owned();
    if index > 0 {
        name.push_str("Short");
    }
    let tag = operation.paths.first().map_or(OTHERS, |path| tag(path));
    let mut described = json!({
        "operationId": name,
        "summary": operation.summary,
        "tags": [tag],
        "parameters": parameters(operation, path, schemas),
        "responses": responses(operation, &mut schemas.written),
        "security": match operation.access {
            Access::Public => json!([{}]),
            Access::Guests => json!([{}, { "token": [] }, { "key": [] }]),
            Access::Authenticated | Access::Staff => json!([{ "token": [] }, { "key": [] }]),
        },
    });
    if operation.access == Access::Staff {
        set(
            &mut described,
            "description",
            json!("Requires the role ADMIN or the API key."),
        );
    }
    if let Some((kind, schema)) = operation.body {
        let schema = schema(&mut schemas.read);
        let body = json!({ "required": kind != BodyKind::Optional, "content": { "application/json": { "schema": schema } } });
        set(&mut described, "requestBody", body);
    }
    described
}

/// Returns the tag of an operation: the first part of its path below `/api`.
fn tag(path: &str) -> &str {
    let area = path.strip_prefix("/api/").and_then(|rest| rest.split('/').next());
    area.unwrap_or(OTHERS)
}

fn parameters(operation: &Operation, path: &str, schemas: &mut Schemas) -> Vec<Value> {
    let in_path = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if let Some(schema) = operation.query {
        all.extend(in_query(schema, &mut schemas.read));
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

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    for (status, schema) in &operation.answers {
        let mut answer = json!({ "description": status.canonical_reason().unwrap_or_default() });
        if let Some(schema) = schema {
            set(
                &mut answer,
                "content",
                json!({ "application/json": { "schema": schema(generator) } }),
            );
        }
        if *status == http::StatusCode::CREATED {
            let header = json!({ "Location": { "description": "The path of the resource.", "schema": { "type": "string" } } });
            set(&mut answer, "headers", header);
        }
        all.insert(status.as_str().to_owned(), answer);
    }
    all.insert(
        "default".into(),
        json!({ "$ref": "#/components/responses/Problem" }),
    );
    Value::Object(all)
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rest::operations;

    fn described() -> Value {
        document(&operations::all())
    }

    #[test]
    fn describes_each_route_and_nothing_else() {
        let document = described();
        let paths = document["paths"].as_object().unwrap();
        let found: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let operations = operations::all();
        let routed: BTreeSet<_> = operations
            .iter()
            .flat_map(|operation| {
                operation
                    .paths
                    .iter()
                    .map(|path| (operation.method.to_string(), (*path).to_owned()))
            })
            .collect();
        assert_eq!(found, routed);
        assert_eq!(
            routed.len(),
            operations
                .iter()
                .map(|operation| operation.paths.len())
                .sum::<usize>(),
            "no route twice"
        );
    }

    #[test]
    fn gives_each_operation_a_unique_id_and_all_its_parameters() {
        let document = described();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} twice");
                let responses = operation["responses"].as_object().unwrap();
                assert!(
                    responses.keys().any(|status| status.starts_with('2')),
                    "{method} {path}"
                );
                assert!(responses.contains_key("default"), "{method} {path}");
                let named: Vec<_> = operation["parameters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
                    .collect();
                let expected: Vec<_> = path.split('/').filter(|part| part.starts_with('{')).collect();
                assert_eq!(named, expected, "{method} {path}");
            }
        }
    }

    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn describes_operations_that_are_not_for_clients() {
        let document = described();
        let health = |path: &str| &document["paths"][path]["get"];
        for path in ["/livez", "/readyz"] {
            assert_eq!(health(path)["tags"], json!(["operations"]));
            assert_eq!(
                health(path)["parameters"],
                json!([]),
                "their answers have no entity tag"
            );
        }
        assert!(health("/readyz")["responses"]["503"]["content"]["application/json"].is_object());
        let webhook = &document["paths"]["/webhooks/stripe"]["post"];
        assert_eq!(webhook["security"], json!([{}]));
        assert_eq!(webhook["parameters"][0]["name"], "Stripe-Signature");
        assert_eq!(webhook["parameters"][0]["required"], true);
        assert_eq!(webhook["requestBody"]["required"], true);
        for (path, area) in [("/api/users/{id}", "users"), ("/api/cart/{userId}", "cart")] {
            assert_eq!(health(path)["tags"], json!([area]));
        }
    }

    #[test]
    fn resolves_each_reference() {
        let document = described();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn describes_inputs_and_outputs() {
        let document = described();
        let schemas = &document["components"]["schemas"];
        let new = &schemas["NewProduct"];
        assert_eq!(new["required"], json!(["name", "price", "quantity"]));
        assert_eq!(new["additionalProperties"], false);
        assert!(schemas["Product"]["properties"]["_id"].is_object());
        assert!(schemas["Order"]["properties"]["total"].is_object());
        let list = &document["paths"]["/api/products"]["get"]["parameters"];
        let names: BTreeSet<_> = list
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert!(
            ["first", "after", "sort", "minPrice", "If-None-Match"]
                .iter()
                .all(|name| names.contains(name)),
            "{names:?}"
        );
    }
}
