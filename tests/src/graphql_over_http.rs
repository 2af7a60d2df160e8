//! GraphQL over HTTP: methods, parameters, batches and the form of responses.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Call, GRAPHQL_RESPONSE, JSON};
use crate::trials::trials;
use crate::world::World;

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "graphql_over_http",
        [
            queries_are_answered_by_get,
            get_takes_variables_and_an_operation_name,
            get_with_bad_parameters_is_a_bad_request,
            mutations_by_get_are_not_allowed,
            other_methods_are_not_allowed,
            a_batch_is_answered_in_its_order,
            a_batch_may_hold_errors,
            an_empty_batch_is_a_bad_request,
            members_of_the_response_come_in_the_order_of_the_query,
            directives_include_and_skip_are_obeyed,
        ]
    )
}

fn get(world: &World, parameters: &[(&str, &str)], accept: &str) -> Result<Answer> {
    Answer::new(world.shop.send(Call::get(parameters).header("accept", accept))?)
}

fn queries_are_answered_by_get(world: &World) -> Result<()> {
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let answer = get(
            world,
            &[(
                "query",
                "{ __typename productConnection(first: 1) { pageInfo { hasNextPage } } }",
            )],
            accept,
        )?;
        answer.reply.expect_status(200)?.expect_media_type(accept)?;
        answer.expect(
            answer.text("/__typename")? == "Query",
            "the query should have run",
        )?;
    }
    let plain = Answer::new(world.shop.send(Call::get(&[("query", "{ __typename }")]))?)?;
    plain.reply.expect_status(200)?;
    plain.expect(
        plain.text("/__typename")? == "Query",
        "the query should have run without Accept",
    )
}

fn get_takes_variables_and_an_operation_name(world: &World) -> Result<()> {
    let document = "query A($name: String!) { __type(name: $name) { name } } query B { __typename } mutation C { __typename }";
    let variables = json!({ "name": "Product" }).to_string();
    let a = get(
        world,
        &[
            ("query", document),
            ("operationName", "A"),
            ("variables", &variables),
        ],
        JSON,
    )?;
    a.expect(
        a.text("/__type/name")? == "Product",
        "the variable should have been used",
    )?;
    let b = get(world, &[("query", document), ("operationName", "B")], JSON)?;
    b.expect(b.text("/__typename")? == "Query", "operation B should have run")?;
    let c = get(world, &[("query", document), ("operationName", "C")], JSON)?;
    c.refused("METHOD_NOT_ALLOWED")?;
    get(world, &[("query", document)], JSON)?.refused("OPERATION_RESOLUTION_FAILURE")?;
    let plus = world
        .shop
        .send(Call::new("GET", "/graphql?query=%7B+__typename+%7D"))?;
    let plus = Answer::new(plus)?;
    plus.expect(
        plus.text("/__typename")? == "Query",
        "a plus sign should be a space",
    )
}

fn get_with_bad_parameters_is_a_bad_request(world: &World) -> Result<()> {
    for parameters in [
        vec![],
        vec![("query", "")],
        vec![("nonsense", "{ __typename }")],
        vec![("query", "{ __typename }"), ("variables", "{")],
        vec![("query", "{ __typename }"), ("variables", "[]")],
        vec![("query", "{ __typename }"), ("variables", "1")],
        vec![("query", "{ __typename }"), ("extensions", "nonsense")],
    ] {
        let answer = get(world, &parameters, GRAPHQL_RESPONSE)?;
        answer.refused_with_one_of(&["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"])?;
        answer.reply.expect_status(400)?;
    }
    let call = Call::new("GET", "/graphql?query=%7B__typename%7D%ff%fe").header("accept", GRAPHQL_RESPONSE);
    let answer = Answer::new(world.shop.send(call)?)?;
    answer.refused_with_one_of(&["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"])?;
    Ok(())
}

fn mutations_by_get_are_not_allowed(world: &World) -> Result<()> {
    let product = world.product(1, 5)?;
    let mutation = format!("mutation {{ receiveStock(id: \"{product}\", quantity: 1) {{ quantity }} }}");
    for accept in [JSON, GRAPHQL_RESPONSE] {
        for query in [mutation.as_str(), "mutation { __typename }"] {
            let call = Call::get(&[("query", query)]).header("accept", accept);
            let answer = Answer::new(world.shop.send_as(As::Key, call)?)?;
            answer.reply.expect_status(405)?;
            answer.refused("METHOD_NOT_ALLOWED")?;
            answer.expect(
                answer.reply.header("allow") == Some("POST"),
                "expected Allow: POST",
            )?;
        }
    }
    let stock = world.stock(&product)?;
    anyhow::ensure!(
        stock.received == 5,
        "nothing should have been received: {stock:?}"
    );
    Ok(())
}

fn other_methods_are_not_allowed(world: &World) -> Result<()> {
    for method in ["PUT", "DELETE", "PATCH"] {
        let body = json!({ "query": "{ __typename }" }).to_string();
        let call = Call::new(method, "/graphql")
            .header("content-type", JSON)
            .body(body);
        let answer = Answer::new(world.shop.send(call)?)?;
        answer.reply.expect_status(405)?;
        answer.refused("METHOD_NOT_ALLOWED")?;
        let allow = answer.reply.header("allow").unwrap_or_default();
        answer.expect(
            allow.contains("GET") && allow.contains("POST"),
            "Allow should name GET and POST",
        )?;
    }
    Ok(())
}

/// The results of a batch.
fn batch(world: &World, who: As<'_>, requests: &Value) -> Result<Vec<Value>> {
    let reply = world.shop.send_as(who, Call::post(requests))?;
    reply.expect_status(200)?;
    let body = reply.json()?;
    body.as_array()
        .cloned()
        .ok_or_else(|| reply.failure("a batch should be answered by a list"))
}

fn a_batch_is_answered_in_its_order(world: &World) -> Result<()> {
    let ids = [world.product(1, 1)?, world.product(2, 1)?, world.product(3, 1)?];
    let requests: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "query": "query ($id: ID!) { product(id: $id) { _id price } }", "variables": { "id": id } }))
        .collect();
    let results = batch(world, As::Anonymous, &json!(requests))?;
    let expected: Vec<Value> = ids
        .iter()
        .zip(1..)
        .map(|(id, price)| json!({ "data": { "product": { "_id": id, "price": price } } }))
        .collect();
    anyhow::ensure!(results == expected, "expected {expected:?}, found {results:?}");
    let one = batch(world, As::Anonymous, &json!([{ "query": "{ __typename }" }]))?;
    anyhow::ensure!(
        one == [json!({ "data": { "__typename": "Query" } })],
        "a batch of one is a batch: {one:?}"
    );
    Ok(())
}

fn a_batch_may_hold_errors(world: &World) -> Result<()> {
    let requests = json!([
        { "query": "{ __typename }" },
        { "query": "{ nonsense }" },
        { "query": "{ me { _id } }" },
        { "query": "{" },
        { "query": "{ __typename }" },
    ]);
    let results = batch(world, As::Anonymous, &requests)?;
    let codes: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .pointer("/errors/0/extensions/code")
                .and_then(Value::as_str)
        })
        .collect();
    let expected = [
        None,
        Some("GRAPHQL_VALIDATION_FAILED"),
        Some("UNAUTHENTICATED"),
        Some("GRAPHQL_PARSE_FAILED"),
        None,
    ];
    anyhow::ensure!(
        codes == expected,
        "expected codes {expected:?}, found {results:?}"
    );
    for index in [0, 4] {
        let name = results
            .get(index)
            .and_then(|result| result.pointer("/data/__typename"));
        anyhow::ensure!(
            name == Some(&json!("Query")),
            "request {index} should have run: {results:?}"
        );
    }
    Ok(())
}

fn an_empty_batch_is_a_bad_request(world: &World) -> Result<()> {
    for body in [
        json!([]),
        json!([1]),
        json!([null]),
        json!([[{ "query": "{ __typename }" }]]),
        json!([{}]),
    ] {
        let reply = world.shop.send(Call::post(&body))?;
        let result = reply.json()?;
        let code = result
            .pointer("/errors/0/extensions/code")
            .or_else(|| result.pointer("/0/errors/0/extensions/code"));
        reply.expect(code == Some(&json!("BAD_REQUEST")), || {
            "expected code BAD_REQUEST".into()
        })?;
    }
    Ok(())
}

fn members_of_the_response_come_in_the_order_of_the_query(world: &World) -> Result<()> {
    let id = world.product(1, 1)?;
    let query = "query ($id: ID!) { product(id: $id) { quantity z: price name a: _id } }";
    let answer = world.shop.graphql(As::Anonymous, query, json!({ "id": id }))?;
    answer.data("/product/a")?;
    let text = answer.reply.text();
    let places: Vec<_> = ["\"quantity\"", "\"z\"", "\"name\"", "\"a\""]
        .iter()
        .map(|name| text.find(name))
        .collect();
    answer.expect(
        places.is_sorted(),
        "members should come in the order of the query",
    )
}

fn directives_include_and_skip_are_obeyed(world: &World) -> Result<()> {
    let id = world.product(1, 1)?;
    let query = "query ($id: ID!, $yes: Boolean!, $no: Boolean!) { product(id: $id) {
        a: price @include(if: $yes) b: price @include(if: $no) c: price @skip(if: $yes) d: price @skip(if: $no) } }";
    let variables = json!({ "id": id, "yes": true, "no": false });
    let answer = world.shop.graphql(As::Anonymous, query, variables)?;
    answer.expect(
        answer.data("/product")? == &json!({ "a": 1, "d": 1 }),
        "only a and d should be there",
    )
}
