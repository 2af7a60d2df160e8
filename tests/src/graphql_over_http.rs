//! GraphQL over HTTP: methods, parameters, batches and the form of responses.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::graphql::GraphqlResponse;
use crate::http::{GRAPHQL_RESPONSE, JSON, Request};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "graphql_over_http",
        portable = [queries_are_answered_by_get],
        component = [
            get_accepts_variables_and_an_operation_name,
            get_with_bad_parameters_is_a_bad_request,
            mutations_by_get_are_not_allowed,
            other_methods_are_not_allowed,
            a_batch_is_answered_in_its_order,
            a_batch_may_contain_errors,
            an_empty_batch_is_a_bad_request,
            members_of_the_response_come_in_the_order_of_the_query,
            directives_include_and_skip_are_obeyed
        ]
    )
}

fn get(shop: &Shop, parameters: &[(&str, &str)], accept: &str) -> Result<GraphqlResponse> {
    shop.send_graphql(As::Anonymous, Request::get(parameters).header("accept", accept))
}

fn queries_are_answered_by_get(shop: &Shop) -> Result<()> {
    let query = "{ __typename productConnection(first: 1) { pageInfo { hasNextPage } } }";
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let answer = get(shop, &[("query", query)], accept)?;
        answer.http.expect_status(200)?.expect_media_type(accept)?;
        answer.has("/__typename", "Query")?;
    }
    let plain = shop.send_graphql(As::Anonymous, Request::get(&[("query", "{ __typename }")]))?;
    plain.http.expect_status(200)?;
    plain.has("/__typename", "Query")
}

fn get_accepts_variables_and_an_operation_name(shop: &Shop) -> Result<()> {
    let document = "query A($name: String!) { __type(name: $name) { name } }
        query B { __typename } mutation C { __typename }";
    let variables = json!({ "name": "Product" }).to_string();
    let run = |more: &[(&str, &str)]| get(shop, &[&[("query", document)], more].concat(), JSON);
    run(&[("operationName", "A"), ("variables", &variables)])?.has("/__type/name", "Product")?;
    run(&[("operationName", "B")])?.has("/__typename", "Query")?;
    run(&[("operationName", "C")])?.refused("METHOD_NOT_ALLOWED")?;
    run(&[])?.refused("OPERATION_RESOLUTION_FAILURE")?;
    // A plus sign stands for a space.
    let plus = Request::new("GET", "/graphql?query=%7B+__typename+%7D");
    shop.send_graphql(As::Anonymous, plus)?
        .has("/__typename", "Query")
}

fn get_with_bad_parameters_is_a_bad_request(shop: &Shop) -> Result<()> {
    for parameters in [
        vec![],
        vec![("query", "")],
        vec![("nonsense", "{ __typename }")],
        vec![("query", "{ __typename }"), ("variables", "{")],
        vec![("query", "{ __typename }"), ("variables", "[]")],
        vec![("query", "{ __typename }"), ("variables", "1")],
        vec![("query", "{ __typename }"), ("extensions", "nonsense")],
    ] {
        let answer = get(shop, &parameters, GRAPHQL_RESPONSE)?;
        answer.refused_with_one_of(&["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"])?;
        answer.http.expect_status(400)?;
    }
    let request =
        Request::new("GET", "/graphql?query=%7B__typename%7D%ff%fe").header("accept", GRAPHQL_RESPONSE);
    let answer = shop.send_graphql(As::Anonymous, request)?;
    answer.refused_with_one_of(&["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"])?;
    Ok(())
}

fn mutations_by_get_are_not_allowed(shop: &Shop) -> Result<()> {
    let product = shop.product(1, 5)?;
    let mutation = format!("mutation {{ receiveStock(id: \"{product}\", quantity: 1) {{ quantity }} }}");
    for accept in [JSON, GRAPHQL_RESPONSE] {
        for query in [mutation.as_str(), "mutation { __typename }"] {
            let request = Request::get(&[("query", query)]).header("accept", accept);
            let answer = shop.send_graphql(As::Key, request)?;
            answer.http.expect_status(405)?;
            answer.refused("METHOD_NOT_ALLOWED")?;
            answer.http.has_header("allow", "POST")?;
        }
    }
    let stock = shop.stock(&product)?;
    ensure!(stock.received == 5, "no unit should be received: {stock:?}");
    Ok(())
}

fn other_methods_are_not_allowed(shop: &Shop) -> Result<()> {
    // PUT reserves a shared stream.
    for method in ["DELETE", "PATCH"] {
        let request = Request::json(method, "/graphql", &json!({ "query": "{ __typename }" }));
        let answer = shop.send_graphql(As::Anonymous, request)?;
        answer.http.expect_status(405)?;
        answer.refused("METHOD_NOT_ALLOWED")?;
        let allow = answer.http.header("allow").unwrap_or_default();
        answer.expect(
            allow.contains("GET") && allow.contains("POST"),
            "Allow should name GET and POST",
        )?;
    }
    Ok(())
}

/// Sends an anonymous batch and returns the results.
fn batch(shop: &Shop, requests: &Value) -> Result<Vec<Value>> {
    let response = shop.send(Request::post(requests))?;
    response.expect_status(200)?;
    let results = response.json()?.as_array().cloned();
    results.ok_or_else(|| response.failure("the response to a batch should be a list"))
}

fn a_batch_is_answered_in_its_order(shop: &Shop) -> Result<()> {
    let query = "query ($id: ID!) { product(id: $id) { _id price } }";
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for price in 1..=3 {
        let id = shop.product(price, 1)?;
        requests.push(json!({ "query": query, "variables": { "id": id } }));
        expected.push(json!({ "data": { "product": { "_id": id, "price": price } } }));
    }
    let results = batch(shop, &json!(requests))?;
    ensure!(results == expected, "expected {expected:?}, found {results:?}");
    let one = batch(shop, &json!([{ "query": "{ __typename }" }]))?;
    ensure!(
        one == [json!({ "data": { "__typename": "Query" } })],
        "a batch of one request should have a list of one result: {one:?}"
    );
    Ok(())
}

fn a_batch_may_contain_errors(shop: &Shop) -> Result<()> {
    let expected = [
        ("{ __typename }", None),
        ("{ nonsense }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("{ me { _id } }", Some("UNAUTHENTICATED")),
        ("{", Some("GRAPHQL_PARSE_FAILED")),
        ("{ __typename }", None),
    ];
    let requests: Value = expected
        .iter()
        .map(|(query, _)| json!({ "query": query }))
        .collect();
    let results = batch(shop, &requests)?;
    ensure!(results.len() == 5, "expected five results: {results:?}");
    for ((query, code), result) in expected.iter().zip(&results) {
        let found = result
            .pointer("/errors/0/extensions/code")
            .and_then(Value::as_str);
        let name = result.pointer("/data/__typename").and_then(Value::as_str);
        ensure!(
            found == *code && (code.is_some() || name == Some("Query")),
            "{query} should have the code {code:?}: {result}"
        );
    }
    Ok(())
}

fn an_empty_batch_is_a_bad_request(shop: &Shop) -> Result<()> {
    for body in [
        json!([]),
        json!([1]),
        json!([null]),
        json!([[{ "query": "{ __typename }" }]]),
        json!([{}]),
    ] {
        let response = shop.send(Request::post(&body))?;
        let result = response.json()?;
        let code = result
            .pointer("/errors/0/extensions/code")
            .or_else(|| result.pointer("/0/errors/0/extensions/code"));
        response.expect(code == Some(&json!("BAD_REQUEST")), "expected code BAD_REQUEST")?;
    }
    Ok(())
}

fn members_of_the_response_come_in_the_order_of_the_query(shop: &Shop) -> Result<()> {
    let id = shop.product(1, 1)?;
    let query = "query ($id: ID!) { product(id: $id) { quantity z: price name a: _id } }";
    let answer = shop.graphql(As::Anonymous, query, json!({ "id": id }))?;
    answer.data("/product/a")?;
    let text = answer.http.body();
    let offsets: Vec<_> = ["\"quantity\"", "\"z\"", "\"name\"", "\"a\""]
        .iter()
        .map(|name| text.find(name))
        .collect();
    answer.expect(offsets.is_sorted(), "members should have the order of the query")
}

fn directives_include_and_skip_are_obeyed(shop: &Shop) -> Result<()> {
    let id = shop.product(1, 1)?;
    let query = "query ($id: ID!, $yes: Boolean!, $no: Boolean!) { product(id: $id) {
        a: price @include(if: $yes) b: price @include(if: $no) c: price @skip(if: $yes) d: price @skip(if: $no) } }";
    let variables = json!({ "id": id, "yes": true, "no": false });
    let answer = shop.graphql(As::Anonymous, query, variables)?;
    answer.has("/product", json!({ "a": 1, "d": 1 }))
}
