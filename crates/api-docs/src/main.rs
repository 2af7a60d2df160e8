//! Prints the documents of the API as a JSON object: their texts by the names of their files.
//!
//! `cargo xtask generate` writes the files to `docs/api`.

use std::collections::BTreeMap;

use mercato_gateway::Gateway;
use mercato_shop::audit::AuditedAction;
use schemars::Schema;
use serde_json::Value;

/// The services that emit `mercato.<service>.audited`.
const AUDITED: [&str; 6] = [
    "carts",
    "catalog",
    "notifications",
    "orders",
    "payments",
    "webhooks",
];

fn main() {
    let mut files = BTreeMap::from([
        ("schema.graphql".to_owned(), Gateway::sdl()),
        ("openapi.json".to_owned(), text(Gateway::openapi())),
    ]);
    for (kind, schema) in event_schemas() {
        files.insert(format!("events/{kind}.json"), text(schema.to_value()));
    }
    println!("{}", Value::from_iter(files));
}

/// Returns the schemas of the data of all events, by their kinds.
fn event_schemas() -> BTreeMap<String, Schema> {
    let services = [
        mercato_accounts::event_schemas(),
        mercato_catalog::event_schemas(),
        mercato_notifications::event_schemas(),
        mercato_orders::event_schemas(),
        mercato_payments::event_schemas(),
        mercato_webhooks::event_schemas(),
    ];
    let services = services.into_iter().flatten();
    let mut schemas: BTreeMap<_, _> = services.map(|(kind, schema)| (kind.to_owned(), schema)).collect();
    for service in AUDITED {
        let schema = schemars::schema_for!(AuditedAction);
        schemas.insert(format!("mercato.{service}.audited"), schema);
    }
    for (kind, schema) in &mut schemas {
        schema.insert("title".to_owned(), kind.as_str().into());
    }
    schemas
}

/// Writes JSON with sorted keys, whatever the features of serde_json are.
fn text(value: Value) -> String {
    format!("{:#}\n", sorted(value))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.into_iter().collect();
            let members = members.into_iter().map(|(name, value)| (name, sorted(value)));
            Value::Object(members.collect())
        }
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_handled_event_has_a_schema() {
        let schemas = event_schemas();
        let components = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components");
        let mut count = 0;
        for entry in fs::read_dir(components).unwrap() {
            let Ok(text) = fs::read_to_string(entry.unwrap().path().join("service.toml")) else {
                continue;
            };
            let manifest: toml::Table = text.parse().unwrap();
            let handles = manifest.get("handles").and_then(toml::Value::as_array);
            for kind in handles.into_iter().flatten().filter_map(toml::Value::as_str) {
                assert!(schemas.contains_key(kind), "{kind} has no schema");
                count += 1;
            }
        }
        assert!(count > 0);
    }
}
