//! The live schema holds everything of the contract: each type, field, argument and nullability. What grew beside it must
//! not break a client of the contract.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use async_graphql_parser::types::{
    FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::client::As;
use crate::trials::trials;
use crate::world::{World, text_at};

const CONTRACT: &str = include_str!("../contract/compat.graphql");
const INTROSPECTION: &str = include_str!("../queries/introspection.graphql");

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "contract",
        [
            the_schema_holds_every_type_field_and_argument_of_the_contract,
            the_schema_is_documented,
            the_introspection_query_of_graphql_clients_is_answered,
        ]
    )
}

fn introspected(world: &World) -> Result<Value> {
    Ok(world
        .shop
        .query(As::Anonymous, INTROSPECTION)?
        .data("/__schema")?
        .clone())
}

/// The item of a list with this name.
fn named<'a>(object: &'a Value, list: &str, name: &str) -> Result<&'a Value> {
    object
        .get(list)
        .and_then(Value::as_array)
        .and_then(|items| {
            items
                .iter()
                .find(|item| item.get("name").and_then(Value::as_str) == Some(name))
        })
        .with_context(|| {
            format!(
                "{name} is missing in the {list} of {}",
                object.get("name").unwrap_or(&Value::Null)
            )
        })
}

/// A type as it is written in the schema language.
fn written(reference: &Value) -> Result<String> {
    let inner = || written(reference.get("ofType").unwrap_or(&Value::Null));
    Ok(match text_at(reference, "/kind")? {
        "NON_NULL" => format!("{}!", inner()?),
        "LIST" => format!("[{}]", inner()?),
        _ => text_at(reference, "/name")?.to_owned(),
    })
}

fn type_of(live: &Value) -> Result<String> {
    written(live.get("type").unwrap_or(&Value::Null))
}

fn the_schema_holds_every_type_field_and_argument_of_the_contract(world: &World) -> Result<()> {
    let schema = introspected(world)?;
    ensure!(
        text_at(&schema, "/queryType/name")? == "Query",
        "the query type should be Query"
    );
    ensure!(
        text_at(&schema, "/mutationType/name")? == "Mutation",
        "the mutation type should be Mutation"
    );
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
    let live = named(schema, "types", name)?;
    let kind = text_at(live, "/kind")?;
    match &expected.kind {
        TypeKind::Object(object) => {
            ensure!(kind == "OBJECT", "{name} should be an object, not {kind}");
            for field in &object.fields {
                check_field(live, &field.node).with_context(|| format!("in type {name}"))?;
            }
        }
        TypeKind::InputObject(input) => {
            ensure!(
                kind == "INPUT_OBJECT",
                "{name} should be an input object, not {kind}"
            );
            let expected: Vec<_> = input.fields.iter().map(|field| &field.node).collect();
            check_inputs(live, "inputFields", &expected).with_context(|| format!("in input {name}"))?;
        }
        other => anyhow::bail!("the contract has a kind of type that is not compared yet: {other:?}"),
    }
    Ok(())
}

fn check_field(parent: &Value, expected: &FieldDefinition) -> Result<()> {
    let live = named(parent, "fields", expected.name.node.as_str())?;
    let (found, wanted) = (type_of(live)?, expected.ty.node.to_string());
    ensure!(
        found == wanted,
        "{} should be of type {wanted}, not {found}",
        expected.name.node
    );
    let arguments: Vec<_> = expected.arguments.iter().map(|argument| &argument.node).collect();
    check_inputs(live, "args", &arguments).with_context(|| format!("in field {}", expected.name.node))
}

/// Each expected input is there with its type, and every other one may be left out.
fn check_inputs(live: &Value, list: &str, expected: &[&InputValueDefinition]) -> Result<()> {
    for input in expected {
        let found = type_of(named(live, list, input.name.node.as_str())?)?;
        let wanted = input.ty.node.to_string();
        ensure!(
            found == wanted,
            "{} should be of type {wanted}, not {found}",
            input.name.node
        );
    }
    for input in live.get(list).and_then(Value::as_array).into_iter().flatten() {
        let name = text_at(input, "/name")?;
        let known = expected.iter().any(|one| one.name.node.as_str() == name);
        let optional =
            !type_of(input)?.ends_with('!') || !input.get("defaultValue").unwrap_or(&Value::Null).is_null();
        ensure!(
            known || optional,
            "{name} is not in the contract and can't be left out"
        );
    }
    Ok(())
}

fn the_schema_is_documented(world: &World) -> Result<()> {
    let schema = introspected(world)?;
    let mut silent = Vec::new();
    for root in ["Query", "Mutation", "Subscription"] {
        let fields = named(&schema, "types", root)?
            .get("fields")
            .and_then(Value::as_array);
        for field in fields.into_iter().flatten() {
            if field
                .get("description")
                .and_then(Value::as_str)
                .is_none_or(|text| text.trim().is_empty())
            {
                silent.push(format!("{root}.{}", text_at(field, "/name")?));
            }
        }
    }
    ensure!(
        silent.is_empty(),
        "these operations say nothing of themselves: {}",
        silent.join(", ")
    );
    Ok(())
}

fn the_introspection_query_of_graphql_clients_is_answered(world: &World) -> Result<()> {
    let schema = introspected(world)?;
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
