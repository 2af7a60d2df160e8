//! GraphQL over HTTP: the media types of requests and responses.

use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::Trial;
use serde_json::json;

use crate::graphql::GraphqlResponse;
use crate::http::{GRAPHQL_RESPONSE, JSON, Request};
use crate::shop::{As, Shop};
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "content_negotiation",
        component = [
            the_media_type_is_the_one_that_accept_prefers,
            a_response_declares_utf_8,
            other_response_types_are_not_acceptable,
            requests_in_json_and_utf_8_are_accepted,
            other_request_types_are_unsupported,
            status_codes_follow_the_media_type,
            a_browser_gets_the_explorer
        ]
    )
}

/// Sends a query with this `Accept`.
fn typename(shop: &Shop, accept: &str) -> Result<GraphqlResponse> {
    shop.send_graphql(
        As::Anonymous,
        Request::query("{ __typename }").header("accept", accept),
    )
}

/// Sends a body with this content type.
fn post(shop: &Shop, content_type: &str, body: &str) -> Result<GraphqlResponse> {
    let request = Request::new("POST", "/graphql").header("content-type", content_type);
    shop.send_graphql(As::Anonymous, request.body(body))
}

fn the_media_type_is_the_one_that_accept_prefers(shop: &Shop) -> Result<()> {
    let answer = shop.send_graphql(As::Anonymous, Request::query("{ __typename }"))?;
    answer.http.expect_status(200)?.expect_media_type(JSON)?;
    answer.has("/__typename", "Query")?;
    let json = [
        "*/*",
        "application/*",
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/graphql-response+json;q=0.2,application/json;q=0.8",
        "application/graphql-response+json;q=0, */*",
        "image/png, */*;q=0.1",
    ];
    let graphql_response = [
        "application/graphql-response+json",
        "application/graphql-response+json; charset=utf-8",
        "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
        "application/graphql-response+json, application/json;q=0.9",
        "application/json;q=0.5, application/graphql-response+json;q=1.0",
        "text/html;q=0.9, application/graphql-response+json;q=0.5",
    ];
    for (accepts, expected) in [(&json[..], JSON), (&graphql_response, GRAPHQL_RESPONSE)] {
        for accept in accepts {
            let answer = typename(shop, accept)?;
            answer.http.expect_status(200)?.expect_media_type(expected)?;
            answer.has("/__typename", "Query")?;
        }
    }
    Ok(())
}

fn a_response_declares_utf_8(shop: &Shop) -> Result<()> {
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let answer = typename(shop, accept)?;
        let content_type = answer.http.header("content-type").unwrap_or_default();
        answer.expect(
            content_type.to_lowercase().replace(' ', "") == format!("{accept};charset=utf-8"),
            format!("expected {accept} in UTF-8"),
        )?;
    }
    Ok(())
}

fn other_response_types_are_not_acceptable(shop: &Shop) -> Result<()> {
    for accept in [
        "image/png",
        "text/html",
        "application/xml",
        "application/json;q=0",
        "text/*",
    ] {
        let answer = typename(shop, accept)?;
        answer.http.expect_status(406)?;
        answer.refused("NOT_ACCEPTABLE")?;
    }
    Ok(())
}

fn requests_in_json_and_utf_8_are_accepted(shop: &Shop) -> Result<()> {
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "Application/JSON",
    ] {
        let body = json!({ "query": "{ __type(name: \"Run🏃Swim🏊\") { name } __typename }" });
        let answer = post(shop, content_type, &body.to_string())?;
        answer.http.expect_status(200)?;
        answer.has("/__typename", "Query")?;
    }
    Ok(())
}

/// A form on another site can send these types. Their refusal protects browsers from cross-site request
/// forgery.
fn other_request_types_are_unsupported(shop: &Shop) -> Result<()> {
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
        let answer = post(shop, content_type, body)?;
        answer.http.expect_status(415)?;
        answer.refused("UNSUPPORTED_MEDIA_TYPE")?;
    }
    let untyped = shop.send_graphql(As::Anonymous, Request::new("POST", "/graphql").body(json))?;
    untyped.refused_with_one_of(&["UNSUPPORTED_MEDIA_TYPE", "BAD_REQUEST"])?;
    untyped.expect(
        [400, 415].contains(&untyped.http.status),
        "expected status 400 or 415",
    )
}

fn status_codes_follow_the_media_type(shop: &Shop) -> Result<()> {
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
            let answer = shop.send_graphql(As::Anonymous, Request::post(&body).header("accept", accept))?;
            answer.http.expect_status(status)?.expect_media_type(accept)?;
            answer.refused(code)?;
            answer.has_no_data()?;
        }
    }
    let coercion = json!({
        "query": "query ($id: ID!) { __typename product(id: $id) { _id } }", "variables": { "id": null },
    });
    for (accept, status) in [(JSON, 200), (GRAPHQL_RESPONSE, 400)] {
        let answer = shop.send_graphql(As::Anonymous, Request::post(&coercion).header("accept", accept))?;
        answer.http.expect_status(status)?;
        answer.refused_with_one_of(&["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"])?;
    }
    // After an error of a field, the response still contains data.
    for accept in [JSON, GRAPHQL_RESPONSE] {
        let request = Request::query("{ __typename me { _id } }").header("accept", accept);
        let answer = shop.send_graphql(As::Anonymous, request)?;
        answer.refused("UNAUTHENTICATED")?;
        answer.expect(
            (200..300).contains(&answer.http.status),
            "expected a successful status",
        )?;
        answer.expect(
            answer.partial("/__typename")? == &json!("Query"),
            "the response should contain data",
        )?;
    }
    Ok(())
}

fn a_browser_gets_the_explorer(shop: &Shop) -> Result<()> {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let page = shop.send(Request::new("GET", "/graphql").header("accept", accept))?;
    page.expect_status(200)?.expect_media_type("text/html")?;
    page.expect(
        page.body().contains("/graphql/assets/explorer.js"),
        "expected the explorer's page",
    )?;
    page.expect(
        !page.body().contains(shop.secret()),
        "the page should not contain the key",
    )
}
