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
            tools_may_read_the_whole_schema,
            a_walk_through_the_schema_is_refused,
            a_batch_shares_one_budget,
            a_request_counts_at_most_10_facets,
            an_operation_may_have_10_mutations,
            an_answer_may_have_8_mebibytes,
            a_compressed_body_is_refused,
            json_of_too_many_values_is_refused,
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

fn tools_may_read_the_whole_schema(shop: &Shop) -> Result<()> {
    for query in [
        include_str!("../queries/introspection.graphql"),
        include_str!("../queries/introspection-all-options.graphql"),
    ] {
        let answer = shop.query(As::Anonymous, query)?;
        answer.expect(
            answer.list("/__schema/types")?.len() > 100,
            "the answer should have all types",
        )?;
    }
    Ok(())
}

/// A short document whose answer would fill the memory.
fn a_walk_through_the_schema_is_refused(shop: &Shop) -> Result<()> {
    let walk = |steps: usize, step: &str| {
        let fragment = |number: usize| {
            let next = format!("...F{}", number + 1);
            format!(
                " fragment F{number} on __Type {{ {} }}",
                step.replace("...", &next)
            )
        };
        let fragments: String = (0..steps).map(fragment).collect();
        format!("{{ __schema {{ types {{ ...F0 }} }} }}{fragments} fragment F{steps} on __Type {{ name }}")
    };
    for step in [
        "name fields { type { ofType { ... } ... } }",
        "fields { args { type { ... ofType { ... } } } }",
        "interfaces { possibleTypes { ... } } fields { type { ofType { ... } } }",
        "inputFields { type { ... ofType { ... } } }",
    ] {
        let answer = shop.query(As::Anonymous, &walk(7, step))?;
        answer.refused_with_one_of(&["QUERY_TOO_COMPLEX", "QUERY_TOO_DEEP"])?;
        answer.has_no_data()?;
    }
    // A walk within the depth is answered, but not many of them.
    let short = walk(5, "fields { type { ofType { ... } ... } }");
    let types: String = (0..40)
        .map(|number| format!("t{number}: types {{ ...F0 }} "))
        .collect();
    let many = short.replace("types { ...F0 }", &types);
    refused(&shop.query(As::Anonymous, &many)?, "QUERY_TOO_COMPLEX")
}

fn a_batch_shares_one_budget(shop: &Shop) -> Result<()> {
    let list = json!({ "query": "{ products { _id name price quantity } }" });
    let response = shop.send(Request::post(&json!(vec![list; 10])))?;
    response.expect(
        response.value("/6/data/products").is_ok(),
        "seven lists fit into the budget",
    )?;
    for refused in 7..10 {
        let code = format!("/{refused}/errors/0/extensions/code");
        response.has(&code, "QUERY_TOO_COMPLEX")?;
    }
    Ok(())
}

fn a_request_counts_at_most_10_facets(shop: &Shop) -> Result<()> {
    let facets = |count: usize| {
        let fields: String = (0..count)
            .map(|number| format!("f{number}: productFacets(filter: {{ minPrice: {number} }}) {{ total }} "))
            .collect();
        shop.query(As::Anonymous, &format!("{{ {fields} }}"))
    };
    facets(10)?.int("/f9/total")?;
    for count in [11, 45] {
        refused(&facets(count)?, "QUERY_TOO_COMPLEX")?;
    }
    Ok(())
}

fn an_operation_may_have_10_mutations(shop: &Shop) -> Result<()> {
    let logouts =
        |count: usize| -> String { (0..count).map(|number| format!("m{number}: logout ")).collect() };
    let send = |text: &str| shop.query(As::Anonymous, text);
    let allowed = send(&format!("mutation {{ {} }}", logouts(10)))?;
    allowed.expect(
        !allowed.codes().contains(&"TOO_MANY_MUTATIONS"),
        "ten mutations should be executed",
    )?;
    for text in [
        format!("mutation {{ {} }}", logouts(11)),
        format!(
            "mutation {{ ...F ... {{ m: logout }} }} fragment F on Mutation {{ {} }}",
            logouts(10)
        ),
    ] {
        refused(&send(&text)?, "TOO_MANY_MUTATIONS")?;
    }
    let batch: Vec<_> = (0..3)
        .map(|_| json!({ "query": format!("mutation {{ {} }}", logouts(8)) }))
        .collect();
    let response = shop.send(Request::post(&json!(batch)))?;
    response.has("/2/errors/0/extensions/code", "TOO_MANY_MUTATIONS")
}

fn an_answer_may_have_8_mebibytes(shop: &Shop) -> Result<()> {
    let input = json!({ "name": "sock", "price": 1, "quantity": 1, "description": "🧦".repeat(60_000) });
    let product = shop.product_from(input)?;
    let read = |aliases: usize| {
        let fields: String = (0..aliases)
            .map(|number| format!("d{number}: description "))
            .collect();
        shop.query(
            As::Anonymous,
            &format!("{{ product(id: \"{product}\") {{ {fields} }} }}"),
        )
    };
    read(30)?.text("/product/d29")?;
    for aliases in [40, 50] {
        refused(&read(aliases)?, "RESPONSE_TOO_LARGE")?;
    }
    read(1)?.text("/product/d0").map(drop)
}

fn a_compressed_body_is_refused(shop: &Shop) -> Result<()> {
    for coding in ["gzip", "br", "identity, zstd", "unknown"] {
        let request = Request::graphql("{}").header("content-encoding", coding);
        let response = shop.send(request)?;
        response.expect_status(415)?;
        response.has_header("accept-encoding", "identity")?;
        response.has("/errors/0/extensions/code", "UNSUPPORTED_MEDIA_TYPE")?;
        let login = Request::new("POST", "/api/users/login").header("content-type", JSON);
        let response = shop.send(login.header("content-encoding", coding).body("x"))?;
        response.problem(415, "UNSUPPORTED_MEDIA_TYPE")?;
    }
    let plain = Request::query("{ __typename }").header("content-encoding", "identity");
    shop.send(plain)?.expect_status(200).map(drop)
}

fn json_of_too_many_values_is_refused(shop: &Shop) -> Result<()> {
    let objects = "{\"\":0},".repeat(100_000);
    let body = format!("{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": [{objects}0]}}}}");
    let response = shop.send(Request::graphql(body))?;
    response.expect_status(413)?;
    response.has("/errors/0/extensions/code", "PAYLOAD_TOO_LARGE")?;
    let request = Request::new("POST", "/api/products").header("content-type", JSON);
    let response = shop.send_as(As::Key, request.body(format!("[{objects}0]")))?;
    response.problem(413, "PAYLOAD_TOO_LARGE")
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
