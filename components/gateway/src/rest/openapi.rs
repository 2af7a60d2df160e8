//! The OpenAPI 3.1 document of all operations.

mod examples;
mod parameters;
mod responses;
mod tags;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::http::problem;
use crate::rest::body::BodyKind;
use crate::rest::openapi::examples::Examples;
use crate::rest::openapi::responses::set;
use crate::rest::operation::{Access, Operation};

/// The path of the schemas.
const SCHEMAS: &str = "/components/schemas";

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
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mercato",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
            "description": "The REST API of the shop. It has the same rules, data and error codes as GraphQL at /graphql. \
                Amounts are whole numbers of minor units (cents): 1250 means 12.50 EUR or 1250 JPY. Times are in UTC. `me` \
                means the caller's user id. A GET with an ETag in If-None-Match is answered with 304 if nothing has changed. \
                A change with an ETag in If-Match is refused with CONFLICT if the resource has another version by now. A \
                slash at the end of a path is ignored.",
        },
        "servers": [{ "url": "/", "description": "The shop that serves this document" }],
        "tags": tags::all(),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": responses::shared(&problem),
            "securitySchemes": {
                "token": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The `access_token` of a sign-in.",
                },
                "key": {
                    "type": "apiKey", "in": "header", "name": "x-api-key",
                    "description": "The API key of the shop (`API_SECRET`). It may do all that the role ADMIN may do.",
                },
            },
        },
    });
    Examples::of(&document).write(&mut document);
    document
}

/// Returns the id of an operation at one of its paths.
fn operation_id(operation: &Operation, path: &str, index: usize) -> String {
    let earlier = operation.paths.iter().take(index).skip(1);
    let is_short = |path: &str| !path.starts_with("/api/");
    let number = earlier
        .filter(|earlier| is_short(earlier) == is_short(path))
        .count()
        + 1;
    let suffix = match (index, is_short(path)) {
        (0, _) => return operation.name.to_owned(),
        (_, true) => "Short",
        (_, false) => "Alias",
    };
    let number = if number == 1 {
        String::new()
    } else {
        number.to_string()
    };
    format!("{}{suffix}{number}", operation.name)
}

fn describe(operation: &Operation, path: &str, index: usize, schemas: &mut Schemas) -> Value {
    let tag = operation
        .paths
        .first()
        .map_or(tags::OTHERS, |path| tags::of(path));
    let mut notes = Vec::new();
    if operation.access == Access::Staff {
        notes.push("Requires the role ADMIN or the API key.".to_owned());
    }
    if let (Some(first), true) = (operation.paths.first(), index > 0) {
        notes.push(format!("The same as `{} {first}`.", operation.method));
    }
    let mut described = json!({
        "operationId": operation_id(operation, path, index),
        "summary": operation.summary,
        "tags": [tag],
        "parameters": parameters::all(operation, path, tag, &mut schemas.read),
        "responses": responses::of(operation, path, &mut schemas.written),
        "security": match operation.access {
            Access::Public => json!([{}]),
            Access::Guests => json!([{}, { "token": [] }, { "key": [] }]),
            Access::Authenticated | Access::Staff => json!([{ "token": [] }, { "key": [] }]),
        },
    });
    if !notes.is_empty() {
        set(&mut described, "description", notes.join(" ").into());
    }
    if let Some((kind, schema)) = operation.body {
        let schema = schema(&mut schemas.read);
        let body = json!({ "required": kind != BodyKind::Optional, "content": { "application/json": { "schema": schema } } });
        set(&mut described, "requestBody", body);
    }
    described
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
    fn describes_each_parameter_and_field() {
        let document = described();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for parameter in operation["parameters"].as_array().unwrap() {
                    let description = parameter["description"].as_str();
                    assert!(
                        description.is_some_and(|text| !text.is_empty()),
                        "{method} {path}: {parameter}"
                    );
                }
                let tag = &operation["tags"][0];
                let tags = document["tags"].as_array().unwrap();
                assert!(tags.iter().any(|described| described["name"] == *tag), "{tag}");
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                let description = schema["description"].as_str();
                assert!(description.is_some_and(|text| !text.is_empty()), "{name}.{field}");
            }
        }
    }

    #[test]
    fn shows_a_body_with_all_required_fields_and_no_unknown_one() {
        let document = described();
        let mut count = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let content = &operation["requestBody"]["content"]["application/json"];
                let Some(reference) = content["schema"]["$ref"].as_str() else {
                    continue;
                };
                let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
                let example = content["example"].as_object().unwrap();
                let required = schema["required"].as_array().into_iter().flatten();
                for name in required.filter_map(Value::as_str) {
                    assert!(example.contains_key(name), "{method} {path}: {name} is missing");
                }
                for name in example.keys() {
                    assert!(
                        schema["properties"][name].is_object(),
                        "{method} {path}: {name} is unknown"
                    );
                }
                count += 1;
            }
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn lists_the_errors_of_each_operation() {
        let document = described();
        let statuses = |method: &str, path: &str| -> Vec<String> {
            let responses = &document["paths"][path][method]["responses"];
            responses.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(
            statuses("get", "/api/products"),
            ["200", "304", "400", "406", "429", "default"]
        );
        for status in ["402", "404", "409", "413", "415", "422"] {
            let all = statuses("post", "/api/payments/{id}");
            assert!(all.contains(&status.to_owned()), "{status}: {all:?}");
        }
        assert_eq!(statuses("get", "/livez"), ["200", "406", "default"]);
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
