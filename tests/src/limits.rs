//! The limits that keep one request from starving the others: each at its border, and far beyond it.

use std::sync::Arc;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::client::{As, Call, JSON, Reply};
use crate::trials::trials;
use crate::world::World;

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "limits",
        [
            a_query_may_be_12_deep,
            a_query_of_50_levels_is_refused,
            a_query_of_50_levels_is_refused_in_fragments_too,
            a_document_nested_without_end_is_refused,
            fifty_aliases_are_fine_and_a_thousand_are_not,
            four_thousand_tokens_are_fine_and_more_are_not,
            a_query_that_costs_too_much_is_refused,
            a_batch_of_ten_is_fine_and_of_eleven_is_not,
            a_body_of_a_mebibyte_is_fine_and_two_are_not,
            json_nested_without_end_is_refused,
            huge_variables_are_refused_or_ignored,
            an_answer_of_more_than_a_mebibyte_comes_whole,
            the_shop_still_serves_after_all_of_it,
        ]
    )
}

fn code(answer: &Answer, code: &str) -> Result<()> {
    answer.expect(answer.codes() == [code], format!("expected code {code}"))?;
    answer.expect(
        answer.partial("").is_err(),
        "a query beyond a limit should not run",
    )
}

/// A query of so many levels, all of them valid: the type of a type of a type.
fn deep(levels: usize) -> String {
    let inner = levels - 2;
    format!(
        "{{ __type(name: \"Product\") {} name {} }}",
        "{ ofType ".repeat(inner) + "{",
        "}".repeat(inner + 1)
    )
}

fn an_answer_of_more_than_a_mebibyte_comes_whole(world: &World) -> Result<()> {
    // As long as a description may be, in the letters that take the most bytes.
    let long = "🧦".repeat(10_000);
    let input = json!({ "name": "sock", "price": 1, "quantity": 1, "description": long });
    let product = world.product_of(input)?;
    // Of any length, since a runtime hands it on in pieces.
    for count in 1..=40 {
        let fields: String = (0..count)
            .map(|field| format!(" f{field}: description"))
            .collect();
        let query = format!("{{ product(id: \"{product}\") {{{fields} }} }}");
        let answer = world.shop.query(As::Anonymous, &query)?;
        for field in 0..count {
            let found = answer.text(&format!("/product/f{field}"))?;
            ensure!(
                found == long,
                "f{field} of {count} should be all of the description"
            );
        }
    }
    Ok(())
}

fn a_query_may_be_12_deep(world: &World) -> Result<()> {
    let fine = world.shop.query(As::Anonymous, &deep(12))?;
    fine.expect(fine.data("/__type")?.is_object(), "twelve levels should be fine")
}

fn a_query_of_50_levels_is_refused(world: &World) -> Result<()> {
    code(&world.shop.query(As::Anonymous, &deep(50))?, "QUERY_TOO_DEEP")?;
    let unknown = format!("{}a{}", "{ a ".repeat(49) + "{ ", " }".repeat(50));
    let answer = world.shop.query(As::Anonymous, &unknown)?;
    answer.refused_with_one_of(&["QUERY_TOO_DEEP", "GRAPHQL_VALIDATION_FAILED"])?;
    Ok(())
}

/// Through fragments a query is as deep as if they were written out.
fn a_query_of_50_levels_is_refused_in_fragments_too(world: &World) -> Result<()> {
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
    code(&world.shop.query(As::Anonymous, &query)?, "QUERY_TOO_DEEP")
}

fn a_document_nested_without_end_is_refused(world: &World) -> Result<()> {
    let many = 20_000;
    for query in [
        format!("{}a{}", "{a".repeat(many), "}".repeat(many)),
        "{a".repeat(many),
        format!(
            "{{ {} __typename {} }}",
            "... on Query { ".repeat(many),
            "}".repeat(many)
        ),
        format!(
            "{{ product(id: {}1{}) {{ _id }} }}",
            "[".repeat(many),
            "]".repeat(many)
        ),
        format!(
            "{{ product(id: {}1{}) {{ _id }} }}",
            "{a:".repeat(many),
            "}".repeat(many)
        ),
        format!(
            "query ($a: {}Int{}) {{ __typename }}",
            "[".repeat(many),
            "]".repeat(many)
        ),
        format!("{{ __typename {} }}", "@include(if: true) ".repeat(many)),
    ] {
        let answer = world.shop.query(As::Anonymous, &query)?;
        answer.refused_with_one_of(&[
            "TOO_MANY_TOKENS",
            "QUERY_TOO_DEEP",
            "GRAPHQL_PARSE_FAILED",
            "GRAPHQL_VALIDATION_FAILED",
        ])?;
    }
    // Beneath the limit of tokens, so that the parser itself is tried.
    for query in [
        format!(
            "{{ {} __typename {} }}",
            "... on Query { ".repeat(750),
            "}".repeat(750)
        ),
        format!(
            "{{ product(id: {}1{}) {{ _id }} }}",
            "[".repeat(1_900),
            "]".repeat(1_900)
        ),
        format!("{}a{}", "{a".repeat(1_300), "}".repeat(1_300)),
    ] {
        let answer = world.shop.query(As::Anonymous, &query)?;
        answer.expect(!answer.codes().is_empty(), "such a query should be refused")?;
    }
    Ok(())
}

fn aliased(count: usize) -> String {
    let fields: Vec<String> = (0..count)
        .map(|number| format!("a{number}: __typename"))
        .collect();
    format!("{{ {} }}", fields.join(" "))
}

fn fifty_aliases_are_fine_and_a_thousand_are_not(world: &World) -> Result<()> {
    let fine = world.shop.query(As::Anonymous, &aliased(50))?;
    fine.expect(
        fine.data("")?.as_object().is_some_and(|data| data.len() == 50),
        "fifty aliases should be fine",
    )?;
    for count in [51, 1_000] {
        code(
            &world.shop.query(As::Anonymous, &aliased(count))?,
            "TOO_MANY_ALIASES",
        )?;
    }
    Ok(())
}

fn four_thousand_tokens_are_fine_and_more_are_not(world: &World) -> Result<()> {
    let tokens = |count: usize| format!("{{ {} }}", "__typename ".repeat(count - 2));
    let fine = world.shop.query(As::Anonymous, &tokens(4_000))?;
    fine.expect(
        fine.text("/__typename")? == "Query",
        "4,000 tokens should be fine",
    )?;
    for count in [4_001, 50_000] {
        code(
            &world.shop.query(As::Anonymous, &tokens(count))?,
            "TOO_MANY_TOKENS",
        )?;
    }
    Ok(())
}

fn a_query_that_costs_too_much_is_refused(world: &World) -> Result<()> {
    let page = "productConnection(first: 100) { edges { cursor node { _id name price quantity } } }";
    let fine = world.shop.query(As::Anonymous, &format!("{{ {page} }}"))?;
    fine.list("/productConnection/edges")?;
    world
        .shop
        .query(As::Anonymous, "{ products { _id name price quantity } }")?
        .list("/products")?;
    let many: Vec<String> = (0..50).map(|number| format!("p{number}: {page}")).collect();
    code(
        &world
            .shop
            .query(As::Anonymous, &format!("{{ {} }}", many.join(" ")))?,
        "QUERY_TOO_COMPLEX",
    )?;
    // A page's size counts when it comes as a variable, too.
    let many: Vec<String> = (0..50)
        .map(|number| format!("p{number}: {}", page.replace("100", "$first")))
        .collect();
    let query = format!("query ($first: Int) {{ {} }}", many.join(" "));
    code(
        &world
            .shop
            .graphql(As::Anonymous, &query, json!({ "first": 100 }))?,
        "QUERY_TOO_COMPLEX",
    )
}

fn a_batch_of_ten_is_fine_and_of_eleven_is_not(world: &World) -> Result<()> {
    let batch = |count: usize| {
        world.shop.send(Call::post(&json!(vec![
            json!({ "query": "{ __typename }" });
            count
        ])))
    };
    let fine = batch(10)?;
    let results = fine.json()?;
    fine.expect(results.as_array().map(Vec::len) == Some(10), || {
        "ten results should come".into()
    })?;
    fine.expect(
        results.pointer("/9/data/__typename") == Some(&json!("Query")),
        || "the tenth should have run".into(),
    )?;
    for count in [11, 1_000] {
        let answer = Answer::new(batch(count)?)?;
        code(&answer, "BATCH_TOO_LARGE")?;
        answer.expect(
            (400..500).contains(&answer.reply.status),
            "expected a status of refusal",
        )?;
    }
    Ok(())
}

/// A request that is so many bytes long, most of them blanks.
fn padded(bytes: usize) -> Call {
    let body = json!({ "query": "{ __typename }" }).to_string();
    Call::new("POST", "/graphql")
        .header("content-type", JSON)
        .body(format!("{body}{}", " ".repeat(bytes - body.len())))
}

fn a_body_of_a_mebibyte_is_fine_and_two_are_not(world: &World) -> Result<()> {
    let fine = Answer::new(world.shop.send(padded(1 << 20))?)?;
    fine.expect(fine.text("/__typename")? == "Query", "a mebibyte should be fine")?;
    for bytes in [(1 << 20) + 1, 2 << 20] {
        let reply = world
            .shop
            .send(padded(bytes))
            .map_err(|error| error.context(format!("a body of {bytes} bytes")))?;
        too_large(&reply, "/errors/0/extensions/code")?;
        let call = Call::new("POST", "/api/products")
            .header("content-type", JSON)
            .body(" ".repeat(bytes));
        let reply = world.shop.send_as(As::Key, call)?;
        too_large(&reply, "/code")?;
        let problem = reply.json()?;
        reply.expect(problem.get("instance") == Some(&json!("/api/products")), || {
            "expected the path as instance".into()
        })?;
    }
    Ok(())
}

/// Whether a body is refused as too large, with the code in this place, and as all answers are.
fn too_large(reply: &Reply, place: &str) -> Result<()> {
    reply.expect_status(413)?;
    let body = reply.json()?;
    reply.expect(body.pointer(place) == Some(&json!("PAYLOAD_TOO_LARGE")), || {
        format!("expected code PAYLOAD_TOO_LARGE at {place}")
    })?;
    reply.expect(reply.header("x-content-type-options") == Some("nosniff"), || {
        "a refusal should be protected, too".into()
    })?;
    reply.expect(reply.header("x-request-id").is_some(), || {
        "a refusal should have an id, too".into()
    })?;
    Ok(())
}

fn json_nested_without_end_is_refused(world: &World) -> Result<()> {
    let many = 100_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = format!("{}1{}", open.repeat(many), close.repeat(many));
        for body in [
            nested.clone(),
            format!("{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": {nested}}}}}"),
            format!("{{\"query\": \"{{ __typename }}\", \"extensions\": {{\"a\": {nested}}}}}"),
            open.repeat(many),
        ] {
            let call = Call::new("POST", "/graphql")
                .header("content-type", JSON)
                .body(body);
            let answer = Answer::new(world.shop.send(call)?)?;
            answer.refused("BAD_REQUEST")?;
            answer.reply.expect_status(400)?;
        }
    }
    Ok(())
}

fn huge_variables_are_refused_or_ignored(world: &World) -> Result<()> {
    let query = "query ($id: ID!) { product(id: $id) { _id } }";
    let long = "x".repeat(900_000);
    world
        .shop
        .graphql(As::Anonymous, query, json!({ "id": long }))?
        .bad_input("id")?;
    let many: Vec<Value> = (0..100_000).map(|number| json!(number)).collect();
    let unused = world
        .shop
        .graphql(As::Anonymous, "{ __typename }", json!({ "unused": many }))?;
    unused.expect(
        unused.text("/__typename")? == "Query",
        "a variable that is not used should be ignored",
    )?;
    let lines: Vec<Value> = (0..10_000)
        .map(|number| json!({ "_id": format!("{number}"), "quantity": 1 }))
        .collect();
    crate::world::place_order_of(&world.shop, world.ada()?.caller(), json!(lines))?.bad_input("products")?;
    Ok(())
}

fn the_shop_still_serves_after_all_of_it(world: &World) -> Result<()> {
    for query in [deep(2_000), aliased(1_300), "{a".repeat(2_000)] {
        let refused = world.shop.query(As::Anonymous, &query)?;
        refused.expect(!refused.codes().is_empty(), "such a query should be refused")?;
        let next = world.shop.query(As::Anonymous, "{ __typename }")?;
        next.expect(
            next.text("/__typename")? == "Query",
            "the next request should be served",
        )?;
    }
    Ok(())
}
