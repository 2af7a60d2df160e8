//! GraphQL over HTTP: which media types a request may have and a response gets.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::json;

use crate::answer::Answer;
use crate::client::{Call, GRAPHQL_RESPONSE, JSON};
use crate::trials::trials;
use crate::world::World;

/// The tests of this area.
pub fn tests(world: &Arc<World>) -> Vec<Trial> {
    trials!(
        world,
        "negotiation",
        [
            the_media_type_is_the_one_that_accept_prefers,
            a_response_says_that_it_is_utf_8,
            what_can_not_be_served_is_not_acceptable,
            requests_in_json_and_utf_8_are_taken,
            requests_in_anything_else_are_unsupported,
            status_codes_follow_the_media_type,
            a_browser_gets_graphiql,
        ]
    )
}

fn typename() -> Call {
    Call::post(&json!({ "query": "{ __typename }" }))
}

fn the_media_type_is_the_one_that_accept_prefers(world: &World) -> Result<()> {
    for (accept, expected) in [
        (None, JSON),
        (Some("*/*"), JSON),
        (Some("application/*"), JSON),
        (Some("application/json"), JSON),
        (Some("application/json; charset=utf-8"), JSON),
        (Some("APPLICATION/JSON"), JSON),
        (Some("application/graphql-response+json"), GRAPHQL_RESPONSE),
        (
            Some("application/graphql-response+json; charset=utf-8"),
            GRAPHQL_RESPONSE,
        ),
        (
            Some("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"),
            GRAPHQL_RESPONSE,
        ),
        (
            Some("application/graphql-response+json, application/json;q=0.9"),
            GRAPHQL_RESPONSE,
        ),
        (
            Some("application/json;q=0.5, application/graphql-response+json;q=1.0"),
            GRAPHQL_RESPONSE,
        ),
        (
            Some("application/graphql-response+json;q=0.2,application/json;q=0.8"),
            JSON,
        ),
        (
            Some("text/html;q=0.9, application/graphql-response+json;q=0.5"),
            GRAPHQL_RESPONSE,
        ),
        (Some("application/graphql-response+json;q=0, */*"), JSON),
        (Some("image/png, */*;q=0.1"), JSON),
    ] {
        let call = match accept {
            None => typename(),
            Some(accept) => typename().header("accept", accept),
        };
        let answer = Answer::new(world.shop.send(call)?)?;
        answer.reply.expect_status(200)?.expect_media_type(expected)?;
        answer.expect(
            answer.text("/__typename")? == "Query",
            "the query should have run",
        )?;
    }
    Ok(())
}

fn a_response_says_that_it_is_utf_8(world: &World) -> Result<()> {
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let reply = world.shop.send(typename().header("accept", accept))?;
        let content_type = reply
            .header("content-type")
            .unwrap_or_default()
            .to_lowercase()
            .replace(' ', "");
        reply.expect(content_type == format!("{accept};charset=utf-8"), || {
            format!("expected {accept} in utf-8")
        })?;
    }
    Ok(())
}

fn what_can_not_be_served_is_not_acceptable(world: &World) -> Result<()> {
    for accept in [
        "image/png",
        "text/html",
        "application/xml",
        "application/json;q=0",
        "text/*",
    ] {
        let answer = Answer::new(world.shop.send(typename().header("accept", accept))?)?;
        answer.reply.expect_status(406)?;
        answer.refused("NOT_ACCEPTABLE")?;
    }
    Ok(())
}

fn requests_in_json_and_utf_8_are_taken(world: &World) -> Result<()> {
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "Application/JSON",
    ] {
        let body = json!({ "query": "{ __type(name: \"Run🏃Swim🏊\") { name } __typename }" }).to_string();
        let call = Call::new("POST", "/graphql")
            .header("content-type", content_type)
            .body(body);
        let answer = Answer::new(world.shop.send(call)?)?;
        answer.reply.expect_status(200)?;
        answer.expect(
            answer.text("/__typename")? == "Query",
            "the query should have run",
        )?;
    }
    Ok(())
}

/// Refusing what a form of another site can send is also what keeps a browser from being misused (CSRF).
fn requests_in_anything_else_are_unsupported(world: &World) -> Result<()> {
    let json = json!({ "query": "{ __typename }" }).to_string();
    for (content_type, body) in [
        ("text/plain", json.as_str()),
        ("application/x-www-form-urlencoded", "query=%7B__typename%7D"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\n{__typename}\r\n--x--",
        ),
        ("application/graphql", "{ __typename }"),
        ("application/graphql-response+json", json.as_str()),
        ("application/json; charset=iso-8859-1", json.as_str()),
        ("application/jsonp", json.as_str()),
        ("nonsense", json.as_str()),
    ] {
        let call = Call::new("POST", "/graphql")
            .header("content-type", content_type)
            .body(body);
        let answer = Answer::new(world.shop.send(call)?)?;
        answer.reply.expect_status(415)?;
        answer.refused("UNSUPPORTED_MEDIA_TYPE")?;
    }
    let untyped = Answer::new(world.shop.send(Call::new("POST", "/graphql").body(json))?)?;
    untyped.refused_with_one_of(&["UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST"])?;
    untyped.expect(
        [400, 415].contains(&untyped.reply.status),
        "expected status 400 or 415",
    )
}

fn status_codes_follow_the_media_type(world: &World) -> Result<()> {
    let refused = [
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "{ nonsense }" }), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({ "query": "query A { __typename } query B { __typename }" }),
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (
            json!({ "query": "query A { __typename }", "operationName": "B" }),
            "OPERATION_RESOLUTION_FAILURE",
        ),
    ];
    for (body, code) in refused {
        for (accept, status) in [(JSON, 200), (GRAPHQL_RESPONSE, 400)] {
            let answer = Answer::new(world.shop.send(Call::post(&body).header("accept", accept))?)?;
            answer.reply.expect_status(status)?.expect_media_type(accept)?;
            answer.refused(code)?;
            answer.expect(
                answer.partial("").is_err(),
                "a request that did not run should have no data",
            )?;
        }
    }
    let coercion = json!({ "query": "query ($id: ID!) { __typename product(id: $id) { _id } }", "variables": { "id": null } });
    for (accept, status) in [(JSON, 200), (GRAPHQL_RESPONSE, 400)] {
        let answer = Answer::new(world.shop.send(Call::post(&coercion).header("accept", accept))?)?;
        answer.reply.expect_status(status)?;
        answer.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])?;
    }
    // A field's error is no failure of the request: there is data beside it.
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let call = Call::post(&json!({ "query": "{ __typename me { _id } }" })).header("accept", accept);
        let answer = Answer::new(world.shop.send(call)?)?;
        answer.refused("UNAUTHENTICATED")?;
        answer.expect(
            (200..300).contains(&answer.reply.status),
            "expected a status of success",
        )?;
        answer.expect(
            answer.partial("/__typename")? == &json!("Query"),
            "there should be data",
        )?;
    }
    Ok(())
}

fn a_browser_gets_graphiql(world: &World) -> Result<()> {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = world
        .shop
        .send(Call::new("GET", "/graphql").header("accept", accept))?;
    page.expect_status(200)?.expect_media_type("text/html")?;
    page.expect(page.text().to_lowercase().contains("graphiql"), || {
        "expected GraphiQL's page".into()
    })?;
    page.expect(!page.text().contains(world.shop.secret()), || {
        "the key should never be told".into()
    })?;
    Ok(())
}
