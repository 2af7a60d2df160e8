//! Requests that no client should send: each is answered with a stable code and a sentence, and changes nothing.

use std::sync::Arc;

use anyhow::{Context, Result};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Call, GRAPHQL_RESPONSE, JSON};
use crate::trials::trials;
use crate::world::{World, unique};

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "bad_input",
        [
            malformed_json_is_a_bad_request,
            a_body_that_is_no_utf_8_is_a_bad_request,
            an_envelope_of_wrong_types_is_a_bad_request,
            a_document_that_does_not_parse_is_told_where,
            unknown_fields_arguments_and_types_fail_validation,
            a_fragment_that_holds_itself_is_refused,
            variables_of_wrong_types_are_refused,
            integers_out_of_range_are_refused,
            an_unknown_member_of_an_input_is_refused,
            a_null_input_is_refused,
            odd_but_legal_requests_are_answered,
            a_wrong_key_is_told_so,
            a_mutation_that_fails_validation_changes_nothing,
        ]
    )
}

fn send(world: &World, body: impl Into<Vec<u8>>) -> Result<Answer> {
    Answer::new(
        world.shop.send(
            Call::new("POST", "/graphql")
                .header("content-type", JSON)
                .body(body),
        )?,
    )
}

/// A document that is refused before it runs.
fn invalid(world: &World, query: &str, code: &str) -> Result<()> {
    let call = Call::post(&json!({ "query": query })).header("accept", GRAPHQL_RESPONSE);
    let answer = Answer::new(world.shop.send_as(As::Key, call)?)?;
    answer.expect(
        answer.codes().first() == Some(&code),
        format!("expected code {code}"),
    )?;
    answer.expect(answer.partial("").is_err(), "there should be no data")?;
    answer.reply.expect_status(400)?;
    Ok(())
}

fn malformed_json_is_a_bad_request(world: &World) -> Result<()> {
    for body in [
        "",
        " ",
        "{",
        "}",
        "{\"query\"",
        "{\"query\": \"{ products { _id } }\"",
        "{'query': '{ products { _id } }'}",
        "query { products { _id } }",
        "{\"query\": \"{ products { _id } }\"} trailing",
        "{\"query\": \"\\ud800\"}",
        "{\"query\": \"{ products { _id } }\", \"variables\": {\"a\": 1e}}",
        "NaN",
        "\"text\"",
        "42",
        "null",
        "true",
    ] {
        let answer = send(world, body)?;
        answer
            .refused("BAD_REQUEST")
            .map_err(|error| error.context(format!("body {body:?}")))?;
        answer.reply.expect_status(400)?;
    }
    Ok(())
}

fn a_body_that_is_no_utf_8_is_a_bad_request(world: &World) -> Result<()> {
    let latin_1 = b"{\"query\": \"{ products { _id } } # caf\xe9\"}".to_vec();
    let utf_16: Vec<u8> = "{\"query\": \"{ products { _id } }\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for body in [latin_1, utf_16, vec![0xff; 64], vec![0; 64]] {
        let answer = send(world, body)?;
        answer.refused("BAD_REQUEST")?;
        answer.reply.expect_status(400)?;
    }
    Ok(())
}

fn an_envelope_of_wrong_types_is_a_bad_request(world: &World) -> Result<()> {
    for body in [
        json!({}),
        json!({ "query": null }),
        json!({ "query": "" }),
        json!({ "query": " \n" }),
        json!({ "query": 1 }),
        json!({ "query": ["{ products { _id } }"] }),
        json!({ "query": {} }),
        json!({ "qeury": "{ products { _id } }" }),
        json!({ "query": "{ products { _id } }", "variables": "text" }),
        json!({ "query": "{ products { _id } }", "variables": 1 }),
        json!({ "query": "{ products { _id } }", "variables": [] }),
        json!({ "query": "{ products { _id } }", "operationName": 1 }),
        json!({ "query": "{ products { _id } }", "operationName": {} }),
        json!({ "query": "{ products { _id } }", "extensions": "text" }),
        json!({ "query": "{ products { _id } }", "extensions": [] }),
    ] {
        let answer = send(world, body.to_string())?;
        answer.refused("BAD_REQUEST")?;
        answer.reply.expect_status(400)?;
    }
    Ok(())
}

fn a_document_that_does_not_parse_is_told_where(world: &World) -> Result<()> {
    for query in [
        "{",
        "{ products { _id }",
        "{ products { } }",
        "products",
        "{ products(: 1) { _id } }",
        "🔑",
        "\u{0}",
        "# only a comment",
        "mutation",
        "{ a: }",
        "query ($x) { products { _id } }",
        "{ products { _id } } }",
    ] {
        invalid(world, query, "GRAPHQL_PARSE_FAILED")
            .map_err(|error| error.context(format!("document {query:?}")))?;
    }
    let twice = world.shop.query(
        As::Anonymous,
        "query A { products { _id } } query A { products { _id } }",
    )?;
    twice.refused_with_one_of(&["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"])?;
    let answer = world
        .shop
        .query(As::Anonymous, "{\n  products { _id }\n  orders {\n}")?;
    let line = answer
        .refused("GRAPHQL_PARSE_FAILED")?
        .pointer("/locations/0/line")
        .and_then(Value::as_u64);
    answer.expect(line == Some(4), "the error should be on line 4")
}

fn unknown_fields_arguments_and_types_fail_validation(world: &World) -> Result<()> {
    for query in [
        "{ product }",
        "{ nonsense }",
        "{ products { _id nonsense } }",
        "{ products }",
        "{ products { _id { nonsense } } }",
        "{ product { _id } }",
        "{ product(id: \"a\", nonsense: 1) { _id } }",
        "{ ...Nonsense }",
        "{ ... on Nonsense { _id } }",
        "query ($x: Nonsense) { products { _id } }",
        "query ($id: ID!) { products { _id } user(id: $nonsense) { _id } }",
        "{ products @nonsense { _id } }",
        "mutation { createProduct(input: { name: 1, price: 1, quantity: 1 }) { _id } }",
        "mutation { createProduct(input: { name: \"a\", price: \"1\", quantity: 1 }) { _id } }",
        "mutation { createProduct(input: { price: 1, quantity: 1 }) { _id } }",
        "{ productConnection(sort: { key: NONSENSE }) { edges { cursor } } }",
    ] {
        invalid(world, query, "GRAPHQL_VALIDATION_FAILED")
            .map_err(|error| error.context(format!("document {query}")))?;
    }
    Ok(())
}

fn a_fragment_that_holds_itself_is_refused(world: &World) -> Result<()> {
    for query in [
        "fragment F on Query { ...F } { ...F }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { __typename ...A }",
    ] {
        let answer = world.shop.query(As::Anonymous, query)?;
        answer.refused_with_one_of(&["GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_DEEP"])?;
        answer.expect(answer.partial("").is_err(), "there should be no data")?;
    }
    Ok(())
}

/// Sends variables for a product's input; the answer must refuse them and never run.
fn refused_variable(world: &World, input: Value) -> Result<Answer> {
    let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) { _id } }";
    let answer = world.shop.graphql(As::Key, query, json!({ "input": input }))?;
    answer.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])?;
    answer.expect(
        answer.partial("/createProduct/_id").is_err(),
        "no product should be created",
    )?;
    Ok(answer)
}

fn variables_of_wrong_types_are_refused(world: &World) -> Result<()> {
    world.product(1, 1).context("with variables of the right types")?;
    for input in [
        json!("text"),
        json!(1),
        json!([1, 2]),
        json!({}),
        json!({ "name": 1, "price": 1, "quantity": 1 }),
        json!({ "name": null, "price": 1, "quantity": 1 }),
        json!({ "name": ["a"], "price": 1, "quantity": 1 }),
        json!({ "name": "a", "price": "1", "quantity": 1 }),
        json!({ "name": "a", "price": 1.5, "quantity": 1 }),
        json!({ "name": "a", "price": true, "quantity": 1 }),
        json!({ "name": "a", "price": 1, "quantity": {} }),
    ] {
        refused_variable(world, input.clone()).map_err(|error| error.context(format!("input {input}")))?;
    }
    let missing = world
        .shop
        .query(As::Anonymous, "query ($id: ID!) { product(id: $id) { _id } }")?;
    missing.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])?;
    Ok(())
}

fn integers_out_of_range_are_refused(world: &World) -> Result<()> {
    world
        .product(2_147_483_647, 2_147_483_647)
        .context("with integers at the end of their range")?;
    for number in [
        "2147483648",
        "-2147483649",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551616",
        "1e400",
        "1e10",
    ] {
        let body = format!(
            r#"{{"query": "mutation ($input: CreateProductInput) {{ createProduct(input: $input) {{ _id }} }}",
                "variables": {{"input": {{"name": "{}", "price": {number}, "quantity": 1}}}}}}"#,
            unique("range")
        );
        let call = Call::new("POST", "/graphql")
            .header("content-type", JSON)
            .body(body);
        let answer = Answer::new(world.shop.send_as(As::Key, call)?)?;
        answer.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST"])?;
        answer.expect(
            answer.partial("/createProduct/_id").is_err(),
            "no product should be created",
        )?;
    }
    let literal = world.shop.query(
        As::Anonymous,
        "{ productConnection(first: 99999999999999999999) { edges { cursor } } }",
    )?;
    literal.refused_with_one_of(&[
        "BAD_USER_INPUT",
        "GRAPHQL_VALIDATION_FAILED",
        "GRAPHQL_PARSE_FAILED",
    ])?;
    Ok(())
}

fn an_unknown_member_of_an_input_is_refused(world: &World) -> Result<()> {
    let name = unique("nonsense");
    refused_variable(
        world,
        json!({ "name": name, "price": 1, "quantity": 1, "nonsense": 1 }),
    )?;
    let found = world.shop.graphql(
        As::Anonymous,
        "query ($search: String) { productConnection(filter: { search: $search }) { edges { node { _id } } } }",
        json!({ "search": name }),
    )?;
    found.expect(
        found.list("/productConnection/edges")?.is_empty(),
        "no product should have been created",
    )
}

fn a_null_input_is_refused(world: &World) -> Result<()> {
    for query in [
        "mutation { registerUser { user { _id } } }",
        "mutation { registerUser(input: null) { user { _id } } }",
        "mutation { createProduct { _id } }",
        "mutation { createProduct(input: null) { _id } }",
    ] {
        world.shop.query(As::Key, query)?.bad_input("input")?;
    }
    Ok(())
}

fn odd_but_legal_requests_are_answered(world: &World) -> Result<()> {
    for body in [
        "\n\t {\"query\": \"{ __typename }\"} \r\n".to_owned(),
        "{\"query\": \"{ __typename }\", \"variables\": null, \"operationName\": null, \"extensions\": null}"
            .to_owned(),
        "{\"query\": \"{ __typename }\", \"variables\": {\"unused\": [1, {\"a\": null}]}}".to_owned(),
        "{\"query\": \"{ __typename }\", \"unknownMember\": 1}".to_owned(),
        "{\"query\": \"\\u007b \\u005f_typename }\"}".to_owned(),
        "{\"query\": \"# é 密码 🔑\\n{ __typename }\"}".to_owned(),
        "{\"query\": \"\\ufeff{ __typename }\"}".to_owned(),
        "{\"query\": \",,,{,,__typename,,}\"}".to_owned(),
    ] {
        let answer = send(world, body.clone()).map_err(|error| error.context(format!("body {body:?}")))?;
        answer.expect(answer.text("/__typename")? == "Query", "the type should be Query")?;
    }
    Ok(())
}

fn a_wrong_key_is_told_so(world: &World) -> Result<()> {
    let answer = world.shop.query(As::WrongKey, "{ users { _id } }")?;
    let message = answer.refused("UNAUTHENTICATED")?.to_string().to_lowercase();
    answer.expect(message.contains("key"), "the message should speak of the key")?;
    answer.expect(
        !answer.reply.text().contains(world.shop.secret()),
        "the key should never be told",
    )?;
    for key in [
        "",
        " ",
        &world.shop.secret().to_uppercase(),
        &format!("{}x", world.shop.secret()),
    ] {
        let call = Call::post(&json!({ "query": "{ users { _id } }" })).header("x-api-key", key);
        Answer::new(world.shop.send(call)?)?.refused("UNAUTHENTICATED")?;
    }
    Ok(())
}

fn a_mutation_that_fails_validation_changes_nothing(world: &World) -> Result<()> {
    let product = world.product(1, 5)?;
    let query = "mutation ($id: ID!) { receiveStock(id: $id, quantity: 1) { quantity } nonsense }";
    let answer = world.shop.graphql(As::Key, query, json!({ "id": product }))?;
    answer.refused("GRAPHQL_VALIDATION_FAILED")?;
    let stock = world.stock(&product)?;
    answer.expect(
        stock.received == 5,
        format!("nothing should have been received: {stock:?}"),
    )
}
