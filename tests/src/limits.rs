//! The limits of requests: each exactly at the limit, and far beyond it.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::graphql::GraphqlResponse;
use crate::http::{JSON, Request, Response};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "limits",
        portable = [
            a_body_may_have_one_mebibyte,
            a_response_over_one_mebibyte_arrives_whole
        ],
        component = [
            a_query_may_have_12_levels,
            a_query_of_50_levels_is_refused,
            a_query_of_50_levels_in_fragments_is_refused,
            a_deeply_nested_document_is_refused,
            a_query_may_have_50_aliases,
            a_query_may_have_5_000_tokens,
            a_query_that_is_too_complex_is_refused,
            a_batch_may_have_10_requests,
            deeply_nested_json_is_refused,
            huge_variables_are_refused_or_ignored,
            the_shop_still_serves_after_a_refused_query
        ]
    )
}

/// Fails unless a query is refused with this code before it runs.
fn refused(answer: &GraphqlResponse, code: &str) -> Result<()> {
    answer.expect(answer.codes() == [code], format!("expected code {code}"))?;
    answer.has_no_data()
}

/// Returns a valid query of this many levels: the type of a type of a type.
fn deep(levels: usize) -> String {
    let inner = levels - 2;
    format!(
        "{{ __type(name: \"Product\") {} name {} }}",
        "{ ofType ".repeat(inner) + "{",
        "}".repeat(inner + 1)
    )
}

fn a_response_over_one_mebibyte_arrives_whole(shop: &Shop) -> Result<()> {
    // The longest description, of characters with the most bytes.
    let long = "🧦".repeat(10_000);
    let input = json!({ "name": "sock", "price": 1, "quantity": 1, "description": long });
    let product = shop.product_from(input)?;
    // Runtimes split a response into chunks, so many lengths are tested.
    for count in 1..=40 {
        let fields: String = (0..count)
            .map(|field| format!(" f{field}: description"))
            .collect();
        let query = format!("{{ product(id: \"{product}\") {{{fields} }} }}");
        let answer = shop.query(As::Anonymous, &query)?;
        for field in 0..count {
            let found = answer.text(&format!("/product/f{field}"))?;
            ensure!(
                found == long,
                "f{field} of {count} should be the whole description"
            );
        }
    }
    Ok(())
}

fn a_query_may_have_12_levels(shop: &Shop) -> Result<()> {
    let allowed = shop.query(As::Anonymous, &deep(12))?;
    allowed.expect(
        allowed.data("/__type")?.is_object(),
        "12 levels should be allowed",
    )
}

fn a_query_of_50_levels_is_refused(shop: &Shop) -> Result<()> {
    refused(&shop.query(As::Anonymous, &deep(50))?, "QUERY_TOO_DEEP")?;
    let unknown = format!("{}a{}", "{ a ".repeat(49) + "{ ", " }".repeat(50));
    let answer = shop.query(As::Anonymous, &unknown)?;
    answer.refused_with_one_of(&["QUERY_TOO_DEEP", "GRAPHQL_VALIDATION_FAILED"])?;
    Ok(())
}

/// Fragments count as if they were written out.
fn a_query_of_50_levels_in_fragments_is_refused(shop: &Shop) -> Result<()> {
    let fragment = |name: &str, inner: &str| {
        format!(
            "fragment {name} on __Type {} {inner} {}",
            "{ ofType ".repeat(12) + "{",
            "}".repeat(13)
        )
    };
    let query = format!(
        "{{ __type(name: \"Product\") {{ ...A }} }} {} {} {} {}",
        fragment("A", "...B"),
        fragment("B", "...C"),
        fragment("C", "...D"),
        fragment("D", "name")
    );
    refused(&shop.query(As::Anonymous, &query)?, "QUERY_TOO_DEEP")
}

fn a_deeply_nested_document_is_refused(shop: &Shop) -> Result<()> {
    let nested = |open: &str, middle: &str, close: &str, levels: usize| {
        format!("{}{middle}{}", open.repeat(levels), close.repeat(levels))
    };
    let many = 20_000;
    for query in [
        nested("{a", "a", "}", many),
        "{a".repeat(many),
        format!("{{ {} }}", nested("... on Query { ", "__typename ", "}", many)),
        format!("{{ product(id: {}) {{ _id }} }}", nested("[", "1", "]", many)),
        format!("{{ product(id: {}) {{ _id }} }}", nested("{a:", "1", "}", many)),
        format!("query ($a: {}) {{ __typename }}", nested("[", "Int", "]", many)),
        format!("{{ __typename {} }}", "@include(if: true) ".repeat(many)),
    ] {
        let answer = shop.query(As::Anonymous, &query)?;
        answer.refused_with_one_of(&[
            "TOO_MANY_TOKENS",
            "QUERY_TOO_DEEP",
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
        ])?;
    }
    // These have fewer tokens than the limit, so that they reach the parser.
    for query in [
        format!("{{ {} }}", nested("... on Query { ", "__typename ", "}", 750)),
        format!("{{ product(id: {}) {{ _id }} }}", nested("[", "1", "]", 1_900)),
        nested("{a", "a", "}", 1_300),
    ] {
        let answer = shop.query(As::Anonymous, &query)?;
        answer.expect(!answer.codes().is_empty(), "the query should be refused")?;
    }
    Ok(())
}

/// Returns a query with this many aliases.
fn aliased(count: usize) -> String {
    let fields: Vec<String> = (0..count)
        .map(|number| format!("a{number}: __typename"))
        .collect();
    format!("{{ {} }}", fields.join(" "))
}

fn a_query_may_have_50_aliases(shop: &Shop) -> Result<()> {
    let allowed = shop.query(As::Anonymous, &aliased(50))?;
    allowed.expect(
        allowed.data("")?.as_object().is_some_and(|data| data.len() == 50),
        "50 aliases should be allowed",
    )?;
    for count in [51, 1_000] {
        refused(&shop.query(As::Anonymous, &aliased(count))?, "TOO_MANY_ALIASES")?;
    }
    Ok(())
}

fn a_query_may_have_5_000_tokens(shop: &Shop) -> Result<()> {
    let tokens = |count: usize| format!("{{ {} }}", "__typename ".repeat(count - 2));
    let allowed = shop.query(As::Anonymous, &tokens(5_000))?;
    allowed.has("/__typename", "Query")?;
    for count in [5_001, 50_000] {
        refused(&shop.query(As::Anonymous, &tokens(count))?, "TOO_MANY_TOKENS")?;
    }
    Ok(())
}

fn a_query_that_is_too_complex_is_refused(shop: &Shop) -> Result<()> {
    let page = "productConnection(first: 100) { edges { cursor node { _id name price quantity } } }";
    let allowed = shop.query(As::Anonymous, &format!("{{ {page} }}"))?;
    allowed.list("/productConnection/edges")?;
    shop.query(As::Anonymous, "{ products { _id name price quantity } }")?
        .list("/products")?;
    let many: Vec<String> = (0..50).map(|number| format!("p{number}: {page}")).collect();
    refused(
        &shop.query(As::Anonymous, &format!("{{ {} }}", many.join(" ")))?,
        "QUERY_TOO_COMPLEX",
    )?;
    // The size of a page also counts if it is a variable.
    let many: Vec<String> = (0..50)
        .map(|number| format!("p{number}: {}", page.replace("100", "$first")))
        .collect();
    let query = format!("query ($first: Int) {{ {} }}", many.join(" "));
    refused(
        &shop.graphql(As::Anonymous, &query, json!({ "first": 100 }))?,
        "QUERY_TOO_COMPLEX",
    )
}

fn a_batch_may_have_10_requests(shop: &Shop) -> Result<()> {
    let batch = |count: usize| {
        let requests = vec![json!({ "query": "{ __typename }" }); count];
        shop.send(Request::post(&json!(requests)))
    };
    let allowed = batch(10)?;
    allowed.has("/9/data/__typename", "Query")?;
    allowed.expect(
        allowed.value("/10").is_err(),
        "the response should have ten results",
    )?;
    for count in [11, 1_000] {
        let answer = GraphqlResponse::new(batch(count)?)?;
        refused(&answer, "BATCH_TOO_LARGE")?;
        answer.expect(
            (400..500).contains(&answer.http.status),
            "expected a status of 400 or more",
        )?;
    }
    Ok(())
}

/// Returns a request with this many bytes, most of them spaces.
fn padded(bytes: usize) -> Request {
    let body = json!({ "query": "{ __typename }" }).to_string();
    Request::graphql(format!("{body}{}", " ".repeat(bytes - body.len())))
}

fn a_body_may_have_one_mebibyte(shop: &Shop) -> Result<()> {
    let allowed = shop.send_graphql(As::Anonymous, padded(1 << 20))?;
    allowed.has("/__typename", "Query")?;
    for bytes in [(1 << 20) + 1, 2 << 20] {
        let response = shop
            .send(padded(bytes))
            .with_context(|| format!("a body of {bytes} bytes"))?;
        too_large(&response, "/errors/0/extensions/code")?;
        let request = Request::new("POST", "/api/products").header("content-type", JSON);
        let response = shop.send_as(As::Key, request.body(" ".repeat(bytes)))?;
        too_large(&response, "/code")?;
        response.has("/instance", "/api/products")?;
    }
    Ok(())
}

/// Fails unless a body is refused as too large, with the code at this pointer and the usual headers.
fn too_large(response: &Response, pointer: &str) -> Result<()> {
    response.expect_status(413)?;
    response.has(pointer, "PAYLOAD_TOO_LARGE")?;
    response.has_header("x-content-type-options", "nosniff")?;
    response.expect(
        response.header("x-request-id").is_some(),
        "a refusal should have a request id",
    )
}

fn deeply_nested_json_is_refused(shop: &Shop) -> Result<()> {
    let many = 100_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(many), close.repeat(many));
        for body in [
            nested.clone(),
            format!("{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": {nested}}}}}"),
            format!("{{\"query\": \"{{ __typename }}\", \"extensions\": {{\"a\": {nested}}}}}"),
            open.repeat(many),
        ] {
            let answer = shop.send_graphql(As::Anonymous, Request::graphql(body))?;
            answer.refused("BAD_REQUEST")?;
            answer.http.expect_status(400)?;
        }
    }
    Ok(())
}

fn huge_variables_are_refused_or_ignored(shop: &Shop) -> Result<()> {
    shop.read_product(As::Anonymous, &"x".repeat(900_000))?
        .bad_input("id")?;
    let many: Vec<Value> = (0..100_000).map(|number| json!(number)).collect();
    let unused = shop.graphql(As::Anonymous, "{ __typename }", json!({ "unused": many }))?;
    unused.has("/__typename", "Query")?;
    let lines: Vec<Value> = (0..10_000)
        .map(|number| json!({ "_id": format!("{number}"), "quantity": 1 }))
        .collect();
    shop.place_order_of(shop.ada()?.caller(), json!(lines))?
        .bad_input("products")?;
    Ok(())
}

fn the_shop_still_serves_after_a_refused_query(shop: &Shop) -> Result<()> {
    for query in [deep(2_000), aliased(1_300), "{a".repeat(2_000)] {
        let answer = shop.query(As::Anonymous, &query)?;
        answer.expect(!answer.codes().is_empty(), "the query should be refused")?;
        let next = shop.query(As::Anonymous, "{ __typename }")?;
        next.has("/__typename", "Query")?;
    }
    Ok(())
}
