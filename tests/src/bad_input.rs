//! Invalid requests: each is answered with a stable code and a sentence, and changes nothing.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::fixtures::unique;
use crate::graphql::GraphqlResponse;
use crate::http::{GRAPHQL_RESPONSE, Request};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "bad_input",
        component = [
            malformed_json_is_a_bad_request,
            a_body_that_is_not_utf_8_is_a_bad_request,
            an_envelope_of_wrong_types_is_a_bad_request,
            a_parse_error_names_its_line,
            unknown_fields_arguments_and_types_fail_validation,
            a_fragment_that_contains_itself_is_refused,
            variables_of_wrong_types_are_refused,
            integers_out_of_range_are_refused,
            an_unknown_member_of_an_input_is_refused,
            a_null_input_is_refused,
            odd_but_legal_requests_are_answered,
            a_wrong_key_is_refused_and_no_key_is_shown,
            a_mutation_that_fails_validation_changes_nothing
        ]
    )
}

/// Sends a body to the GraphQL endpoint.
fn send(shop: &Shop, body: impl Into<Vec<u8>>) -> Result<GraphqlResponse> {
    shop.send_graphql(As::Anonymous, Request::graphql(body))
}

/// Fails unless the body is a bad request.
fn bad_request(shop: &Shop, body: impl Into<Vec<u8>>) -> Result<()> {
    let answer = send(shop, body)?;
    answer.refused("BAD_REQUEST")?;
    answer.http.expect_status(400).map(drop)
}

/// Fails unless the document is refused with this code before it runs.
fn invalid(shop: &Shop, query: &str, code: &str) -> Result<()> {
    let request = Request::query(query).header("accept", GRAPHQL_RESPONSE);
    let answer = shop.send_graphql(As::Key, request)?;
    answer.expect(
        answer.codes().first() == Some(&code),
        format!("expected code {code}"),
    )?;
    answer.has_no_data()?;
    answer.http.expect_status(400).map(drop)
}

fn malformed_json_is_a_bad_request(shop: &Shop) -> Result<()> {
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
        bad_request(shop, body).with_context(|| format!("body {body:?}"))?;
    }
    Ok(())
}

fn a_body_that_is_not_utf_8_is_a_bad_request(shop: &Shop) -> Result<()> {
    let latin_1 = b"{\"query\": \"{ products { _id } } # caf\xe9\"}".to_vec();
    let utf_16: Vec<u8> = "{\"query\": \"{ products { _id } }\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for body in [latin_1, utf_16, vec![0xff; 64], vec![0; 64]] {
        bad_request(shop, body)?;
    }
    Ok(())
}

fn an_envelope_of_wrong_types_is_a_bad_request(shop: &Shop) -> Result<()> {
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
        bad_request(shop, body.to_string())?;
    }
    Ok(())
}

fn a_parse_error_names_its_line(shop: &Shop) -> Result<()> {
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
        invalid(shop, query, "GRAPHQL_PARSE_FAILED").with_context(|| format!("document {query:?}"))?;
    }
    let twice = shop.query(
        As::Anonymous,
        "query A { products { _id } } query A { products { _id } }",
    )?;
    twice.refused_with_one_of(&["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"])?;
    let answer = shop.query(As::Anonymous, "{\n  products { _id }\n  orders {\n}")?;
    let line = answer
        .refused("GRAPHQL_PARSE_FAILED")?
        .pointer("/locations/0/line")
        .and_then(Value::as_u64);
    answer.expect(line == Some(4), "the error should be on line 4")
}

fn unknown_fields_arguments_and_types_fail_validation(shop: &Shop) -> Result<()> {
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
        invalid(shop, query, "GRAPHQL_VALIDATION_FAILED").with_context(|| format!("document {query}"))?;
    }
    Ok(())
}

fn a_fragment_that_contains_itself_is_refused(shop: &Shop) -> Result<()> {
    for query in [
        "fragment F on Query { ...F } { ...F }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { __typename ...A }",
    ] {
        let answer = shop.query(As::Anonymous, query)?;
        answer.refused_with_one_of(&["GRAPHQL_VALIDATION_FAILED", "QUERY_TOO_DEEP"])?;
        answer.has_no_data()?;
    }
    Ok(())
}

/// Fails unless the operation is refused with one of these codes and creates no product.
fn not_created(answer: &GraphqlResponse, codes: &[&str]) -> Result<()> {
    answer.refused_with_one_of(codes)?;
    answer.expect(
        answer.partial("/createProduct/_id").is_err(),
        "no product should be created",
    )
}

/// Fails unless this input of a product is refused.
fn refused_input(shop: &Shop, input: &Value) -> Result<()> {
    let query = "mutation ($input: CreateProductInput) { createProduct(input: $input) { _id } }";
    let answer = shop.graphql(As::Key, query, json!({ "input": input }))?;
    not_created(&answer, &["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])
}

fn variables_of_wrong_types_are_refused(shop: &Shop) -> Result<()> {
    shop.product(1, 1).context("with variables of the right types")?;
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
        refused_input(shop, &input).with_context(|| format!("input {input}"))?;
    }
    let missing = shop.query(As::Anonymous, "query ($id: ID!) { product(id: $id) { _id } }")?;
    missing.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])?;
    Ok(())
}

fn integers_out_of_range_are_refused(shop: &Shop) -> Result<()> {
    shop.product(2_147_483_647, 2_147_483_647)
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
        let answer = shop.send_graphql(As::Key, Request::graphql(body))?;
        let codes = ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST"];
        not_created(&answer, &codes).with_context(|| format!("number {number}"))?;
    }
    let literal = shop.query(
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

fn an_unknown_member_of_an_input_is_refused(shop: &Shop) -> Result<()> {
    let name = unique("nonsense");
    let input = json!({ "name": name, "price": 1, "quantity": 1, "nonsense": 1 });
    refused_input(shop, &input)?;
    let found = shop.find_products(json!({ "search": name }))?;
    ensure!(found.is_empty(), "no product should be created: {found:?}");
    Ok(())
}

fn a_null_input_is_refused(shop: &Shop) -> Result<()> {
    for query in [
        "mutation { registerUser { user { _id } } }",
        "mutation { registerUser(input: null) { user { _id } } }",
        "mutation { createProduct { _id } }",
        "mutation { createProduct(input: null) { _id } }",
    ] {
        shop.query(As::Key, query)?.bad_input("input")?;
    }
    Ok(())
}

fn odd_but_legal_requests_are_answered(shop: &Shop) -> Result<()> {
    for body in [
        "\n\t {\"query\": \"{ __typename }\"} \r\n",
        "{\"query\": \"{ __typename }\", \"variables\": null, \"operationName\": null, \"extensions\": null}",
        "{\"query\": \"{ __typename }\", \"variables\": {\"unused\": [1, {\"a\": null}]}}",
        "{\"query\": \"{ __typename }\", \"unknownMember\": 1}",
        "{\"query\": \"\\u007b \\u005f_typename }\"}",
        "{\"query\": \"# é 密码 🔑\\n{ __typename }\"}",
        "{\"query\": \"\\ufeff{ __typename }\"}",
        "{\"query\": \",,,{,,__typename,,}\"}",
    ] {
        let answer = send(shop, body).with_context(|| format!("body {body:?}"))?;
        answer.has("/__typename", "Query")?;
    }
    Ok(())
}

fn a_wrong_key_is_refused_and_no_key_is_shown(shop: &Shop) -> Result<()> {
    let answer = shop.query(As::WrongKey, "{ users { _id } }")?;
    let message = answer.refused("UNAUTHENTICATED")?.to_string().to_lowercase();
    answer.expect(message.contains("key"), "the message should name the key")?;
    answer.expect(
        !answer.http.body().contains(shop.secret()),
        "the response should not contain the key",
    )?;
    for key in [
        "",
        " ",
        &shop.secret().to_uppercase(),
        &format!("{}x", shop.secret()),
    ] {
        let request = Request::query("{ users { _id } }").header("x-api-key", key);
        shop.send_graphql(As::Anonymous, request)?
            .refused("UNAUTHENTICATED")?;
    }
    Ok(())
}

fn a_mutation_that_fails_validation_changes_nothing(shop: &Shop) -> Result<()> {
    let product = shop.product(1, 5)?;
    let query = "mutation ($id: ID!) { receiveStock(id: $id, quantity: 1) { quantity } nonsense }";
    let answer = shop.graphql(As::Key, query, json!({ "id": product }))?;
    answer.refused("GRAPHQL_VALIDATION_FAILED")?;
    let stock = shop.stock(&product)?;
    answer.expect(
        stock.received == 5,
        format!("no unit should be received: {stock:?}"),
    )
}
