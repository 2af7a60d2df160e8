//! The schema has each type, field, argument and nullability of the contract. Additions must not break a
//! client of the contract.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use async_graphql_parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::shop::{As, Shop};
use crate::trials::trials;
use crate::values::text_at;

const CONTRACT: &str = include_str!("../contract/compat.graphql");
const INTROSPECTION: &str = include_str!("../queries/introspection.graphql");

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "contract",
        component = [
            the_schema_has_every_type_field_and_argument_of_the_contract,
            the_schema_is_documented,
            the_introspection_query_of_graphql_clients_is_answered
        ]
    )
}

fn introspect(shop: &Shop) -> Result<Value> {
    Ok(shop
        .query(As::Anonymous, INTROSPECTION)?
        .data("/__schema")?
        .clone())
}

/// Returns the item of a list with this name.
fn named<'a>(object: &'a Value, list: &str, name: &str) -> Result<&'a Value> {
    let items = object.get(list).and_then(Value::as_array);
    let is_named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(name);
    items
        .and_then(|items| items.iter().find(is_named))
        .with_context(|| format!("{name} is missing in the {list} of {:?}", object.get("name")))
}

/// Returns a type in the notation of the schema language.
fn notation(reference: &Value) -> Result<String> {
    let inner = || notation(reference.get("ofType").unwrap_or(&Value::Null));
    Ok(match text_at(reference, "/kind")? {
        "NON_NULL" => format!("{}!", inner()?),
        "LIST" => format!("[{}]", inner()?),
        _ => text_at(reference, "/name")?.to_owned(),
    })
}

fn type_of(actual: &Value) -> Result<String> {
    notation(actual.get("type").unwrap_or(&Value::Null))
}

fn the_schema_has_every_type_field_and_argument_of_the_contract(shop: &Shop) -> Result<()> {
    let schema = introspect(shop)?;
    for (pointer, expected) in [("/queryType/name", "Query"), ("/mutationType/name", "Mutation")] {
        let found = text_at(&schema, pointer)?;
        ensure!(found == expected, "{pointer} should be {expected}, not {found}");
    }
    let contract = async_graphql_parser::parse_schema(CONTRACT)?;
    let mut types = 0;
    for definition in &contract.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        check_type(&schema, &definition.node)?;
        types += 1;
    }
    ensure!(types == 10, "the contract should have ten types, not {types}");
    Ok(())
}

fn check_type(schema: &Value, expected: &TypeDefinition) -> Result<()> {
    let name = expected.name.node.as_str();
    let actual = named(schema, "types", name)?;
    let kind = text_at(actual, "/kind")?;
    match &expected.kind {
        TypeKind::Object(object) => {
            ensure!(kind == "OBJECT", "{name} should be an object, not {kind}");
            for field in &object.fields {
                check_field(actual, &field.node).with_context(|| format!("in type {name}"))?;
            }
        }
        TypeKind::InputObject(input) => {
            ensure!(
                kind == "INPUT_OBJECT",
                "{name} should be an input object, not {kind}"
            );
            let expected: Vec<_> = input.fields.iter().map(|field| &field.node).collect();
            check_inputs(actual, "inputFields", &expected).with_context(|| format!("in input {name}"))?;
        }
        other => anyhow::bail!("this test does not know the kind of type {other:?}"),
    }
    Ok(())
}

fn check_field(parent: &Value, expected: &FieldDefinition) -> Result<()> {
    let actual = named(parent, "fields", expected.name.node.as_str())?;
    check_notation(actual, &expected.name.node, &expected.ty.node.to_string())?;
    let arguments: Vec<_> = expected.arguments.iter().map(|argument| &argument.node).collect();
    check_inputs(actual, "args", &arguments).with_context(|| format!("in field {}", expected.name.node))
}

fn check_notation(actual: &Value, name: &str, expected: &str) -> Result<()> {
    let found = type_of(actual)?;
    ensure!(
        found == expected,
        "{name} should be of type {expected}, not {found}"
    );
    Ok(())
}

/// Fails unless each expected input exists with its type, and all others are optional.
fn check_inputs(actual: &Value, list: &str, expected: &[&InputValueDefinition]) -> Result<()> {
    for input in expected {
        let name = input.name.node.as_str();
        check_notation(named(actual, list, name)?, name, &input.ty.node.to_string())?;
    }
    for input in actual.get(list).and_then(Value::as_array).into_iter().flatten() {
        let name = text_at(input, "/name")?;
        let in_contract = expected.iter().any(|one| one.name.node.as_str() == name);
        let has_default = input.get("defaultValue").is_some_and(|value| !value.is_null());
        ensure!(
            in_contract || has_default || !type_of(input)?.ends_with('!'),
            "{name} is not in the contract, so it should be optional"
        );
    }
    Ok(())
}

fn the_schema_is_documented(shop: &Shop) -> Result<()> {
    let schema = introspect(shop)?;
    let mut undocumented = Vec::new();
    for root in ["Query", "Mutation", "Subscription"] {
        let fields = named(&schema, "types", root)?
            .get("fields")
            .and_then(Value::as_array);
        for field in fields.into_iter().flatten() {
            let description = field.get("description").and_then(Value::as_str);
            if description.is_none_or(|text| text.trim().is_empty()) {
                undocumented.push(format!("{root}.{}", text_at(field, "/name")?));
            }
        }
    }
    ensure!(
        undocumented.is_empty(),
        "these operations have no description: {}",
        undocumented.join(", ")
    );
    Ok(())
}

fn the_introspection_query_of_graphql_clients_is_answered(shop: &Shop) -> Result<()> {
    let schema = introspect(shop)?;
    let types = schema.get("types").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(types > 20, "there should be more than {types} types");
    for kind in [
        "DateTime",
        "OrderStatus",
        "ProductConnection",
        "Stock",
        "ProductFilter",
    ] {
        named(&schema, "types", kind)?;
    }
    Ok(())
}
