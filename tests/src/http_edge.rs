//! Requests that are no HTTP, or that two servers could read differently: each gets the right status, and the
//! answer arrives (RFC 9110, RFC 9112).

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::http2::Http2;
use crate::raw::Raw;
use crate::shop::Shop;
use crate::trials::trials;

/// The tests of this area.
pub fn tests(shop: &Arc<Shop>) -> Vec<Trial> {
    trials!(
        shop,
        "http_edge",
        component = [
            a_malformed_head_is_a_bad_request,
            a_body_whose_length_is_ambiguous_is_refused,
            another_version_of_http_is_refused,
            a_large_head_is_refused_and_the_answer_arrives,
            a_request_names_one_valid_host,
            a_target_may_be_absolute,
            tunnels_and_traces_are_refused,
            health_and_metrics_can_only_be_read,
            the_requests_before_an_invalid_one_are_answered,
            requests_after_a_chunked_body_are_answered,
            a_broken_body_is_a_bad_request,
            an_incomplete_head_is_a_bad_request,
            a_refusal_for_graphql_is_a_graphql_error,
            http_2_has_the_same_limits
        ]
    )
}

/// Fails unless a request is refused with this status and code, and the connection ends.
fn refused(shop: &Shop, request: impl AsRef<[u8]>, status: u16, code: &str) -> Result<()> {
    let text = String::from_utf8_lossy(request.as_ref());
    let shown: String = text.chars().take(200).collect();
    let check = || {
        let mut raw = Raw::with(shop, request.as_ref())?;
        let answer = raw.answer()?;
        answer.problem(status, code)?;
        ensure!(
            answer.header("x-request-id").is_some(),
            "a refusal should have an id"
        );
        ensure!(
            answer.header("x-content-type-options") == Some("nosniff"),
            "a refusal should have the headers for browsers"
        );
        raw.end()?;
        raw.ends()
    };
    check().with_context(|| format!("{shown:?}"))
}

/// Fails unless a request is answered with this status.
fn answered(shop: &Shop, request: impl AsRef<[u8]>, status: u16) -> Result<()> {
    let shown = String::from_utf8_lossy(request.as_ref()).into_owned();
    let answer = Raw::with(shop, request)?.answer();
    answer
        .and_then(|answer| answer.expect_status(status))
        .with_context(|| format!("{shown:?}"))
}

fn a_malformed_head_is_a_bad_request(shop: &Shop) -> Result<()> {
    for line in [
        "G(T /api/products HTTP/1.1",
        "G\u{e4}T / HTTP/1.1",
        "GET /api/products",
        "GET  /api/products HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /api/products HTTP/x.y",
        "GET /api/products http/1.1",
        "GET HTTP/1.1",
        " GET / HTTP/1.1",
        "hello",
        "{\"query\":\"{__typename}\"}",
    ] {
        refused(shop, format!("{line}\r\nhost: a\r\n\r\n"), 400, "BAD_REQUEST")?;
    }
    for header in [
        "no colon",
        ": no name",
        "a b: c",
        "host : a",
        "a: b\r\n folded",
        "a: \0",
        "a(: b",
    ] {
        let request = format!("GET /api/products HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n");
        refused(shop, request, 400, "BAD_REQUEST")?;
    }
    // A client of TLS.
    refused(
        shop,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        400,
        "BAD_REQUEST",
    )
}

fn a_body_whose_length_is_ambiguous_is_refused(shop: &Shop) -> Result<()> {
    let post =
        |headers: &str| format!("POST /api/products HTTP/1.1\r\nhost: a\r\n{headers}\r\n\r\n0\r\n\r\n");
    for length in ["", "-1", "+5", "5, 5", "5,6", "5 5", "0x5", "1e3", "5.0", "five"] {
        refused(
            shop,
            post(&format!("content-length: {length}")),
            400,
            "BAD_REQUEST",
        )?;
    }
    for headers in [
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\nContent-Length: 6",
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip\r\ncontent-length: 5",
    ] {
        refused(shop, post(headers), 400, "BAD_REQUEST")?;
    }
    for coding in [
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
    ] {
        refused(
            shop,
            post(&format!("transfer-encoding: {coding}")),
            501,
            "BAD_REQUEST",
        )?;
    }
    let old = "POST /api/products HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    refused(shop, old, 400, "BAD_REQUEST")?;
    for length in ["99999999999999999999", "18446744073709551615", "1000000000"] {
        refused(
            shop,
            post(&format!("content-length: {length}")),
            413,
            "PAYLOAD_TOO_LARGE",
        )?;
    }
    Ok(())
}

fn another_version_of_http_is_refused(shop: &Shop) -> Result<()> {
    for version in ["1.2", "2.0", "3.0", "0.9", "3"] {
        let request = format!("GET /api/products HTTP/{version}\r\nhost: a\r\n\r\n");
        refused(shop, request, 505, "BAD_REQUEST")?;
    }
    answered(shop, "GET /api/products?first=1 HTTP/1.0\r\nhost: a\r\n\r\n", 200)
}

fn a_large_head_is_refused_and_the_answer_arrives(shop: &Shop) -> Result<()> {
    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(length - 1));
    answered(shop, target(32 * 1024), 404)?;
    for length in [32 * 1024 + 1, 100_000, 1_000_000, 4_000_000] {
        refused(shop, target(length), 414, "URI_TOO_LONG")?;
    }
    let header = |length: usize| {
        format!(
            "GET /livez HTTP/1.1\r\nhost: a\r\na: {}\r\n\r\n",
            "b".repeat(length)
        )
    };
    answered(shop, header(65_000), 200)?;
    for length in [66_000, 100_000, 1_000_000, 4_000_000] {
        refused(shop, header(length), 431, "HEADERS_TOO_LARGE")?;
    }
    let headers = |count: usize| {
        format!(
            "GET /livez HTTP/1.1\r\nhost: a\r\n{}\r\n",
            "a: b\r\n".repeat(count - 1)
        )
    };
    answered(shop, headers(100), 200)?;
    for count in [101, 1_000, 10_000, 100_000] {
        refused(shop, headers(count), 431, "HEADERS_TOO_LARGE")?;
    }
    Ok(())
}

fn a_request_names_one_valid_host(shop: &Shop) -> Result<()> {
    let get = |hosts: &[&str]| {
        let headers: String = hosts.iter().map(|host| format!("Host:{host}\r\n")).collect();
        format!("GET /api/products?first=1 HTTP/1.1\r\nconnection: close\r\n{headers}\r\n")
    };
    for host in ["a", " a.example ", "127.0.0.1:3000", "[::1]:3000", "localhost"] {
        answered(shop, get(&[host]), 200)?;
    }
    refused(
        shop,
        "GET /livez HTTP/1.1\r\nhost: a\r\nhost: a\r\nconnection: close\r\n\r\n",
        400,
        "BAD_REQUEST",
    )?;
    for hosts in [
        &[][..],
        &["a", "a"],
        &["a", "b"],
        &[""],
        &["a, b"],
        &["a b"],
        &["user:password@a"],
        &["a/b"],
        &["http://a"],
        &["a:port"],
        &["a:99999"],
        &["[::1"],
        &["a\u{e4}"],
    ] {
        refused(shop, get(hosts), 400, "BAD_REQUEST")?;
    }
    let absolute = "GET http://user@a/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    refused(shop, absolute, 400, "BAD_REQUEST")
}

fn a_target_may_be_absolute(shop: &Shop) -> Result<()> {
    for target in [
        "http://a.example/api/products?first=1",
        "http://a.example:80/livez",
        "HTTP://A/livez",
    ] {
        answered(shop, format!("GET {target} HTTP/1.1\r\nhost: other\r\n\r\n"), 200)?;
    }
    Ok(())
}

fn tunnels_and_traces_are_refused(shop: &Shop) -> Result<()> {
    for line in ["CONNECT a.example:443", "TRACE /api/products", "TRACE /"] {
        let mut raw = Raw::with(shop, format!("{line} HTTP/1.1\r\nhost: a.example\r\n\r\n"))?;
        let answer = raw.answer()?;
        answer.problem(405, "METHOD_NOT_ALLOWED").context(line)?;
        ensure!(
            answer.header("allow").is_some(),
            "{line} should have the allowed methods"
        );
    }
    let options = Raw::with(shop, "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n")?.answer()?;
    options.expect_status(204)?;
    ensure!(
        options.header("allow").is_some_and(|allow| allow.contains("GET")),
        "OPTIONS * should have the allowed methods"
    );
    let get = Raw::with(shop, "GET * HTTP/1.1\r\nhost: a\r\n\r\n")?.answer()?;
    get.problem(400, "BAD_REQUEST")
}

fn health_and_metrics_can_only_be_read(shop: &Shop) -> Result<()> {
    for path in ["/livez", "/readyz", "/metrics", "/livez/"] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"] {
            let mut raw = Raw::with(shop, format!("{method} {path} HTTP/1.1\r\nhost: a\r\n\r\n"))?;
            let answer = raw.answer()?;
            answer.problem(405, "METHOD_NOT_ALLOWED")?;
            ensure!(
                answer.header("allow") == Some("GET, HEAD"),
                "{method} {path} should have the allowed methods"
            );
        }
        answered(shop, format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"), 200)?;
    }
    Ok(())
}

fn the_requests_before_an_invalid_one_are_answered(shop: &Shop) -> Result<()> {
    let body = r#"{"query":"{ __typename }"}"#;
    let valid = format!(
        "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let invalid = "POST /api/products HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n";
    let mut raw = Raw::with(shop, [valid.repeat(3).as_str(), invalid, &valid].concat())?;
    for _ in 0..3 {
        raw.answer()?.expect_status(200)?;
    }
    raw.answer()?.problem(400, "BAD_REQUEST")?;
    raw.end()?;
    ensure!(
        raw.answer().is_err(),
        "no request after an invalid one should be answered"
    );
    Ok(())
}

fn requests_after_a_chunked_body_are_answered(shop: &Shop) -> Result<()> {
    let chunked = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n8;a=b\r\n{\"query\"\r\n13\r\n:\"{ __typename }\" }\r\n0\r\na: b\r\n\r\n";
    let plain = "GET /api/products?first=1 HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut raw = Raw::with(shop, [chunked, plain, chunked, plain].concat())?;
    for _ in 0..4 {
        raw.answer()?.expect_status(200)?;
    }
    Ok(())
}

fn a_broken_body_is_a_bad_request(shop: &Shop) -> Result<()> {
    let head = "POST /api/products HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in [
        "x\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "-1\r\n",
        "5\nhello\n0\n\n",
        "fffffffffffffffff\r\n",
    ] {
        refused(shop, [head, body].concat(), 400, "BAD_REQUEST")?;
    }
    Ok(())
}

fn an_incomplete_head_is_a_bad_request(shop: &Shop) -> Result<()> {
    for begin in ["GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nhost: a\r\n"] {
        let mut raw = Raw::with(shop, begin)?;
        raw.end()?;
        raw.answer()?.problem(400, "BAD_REQUEST").context(begin)?;
    }
    Ok(())
}

fn a_refusal_for_graphql_is_a_graphql_error(shop: &Shop) -> Result<()> {
    let request = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n";
    let answer = Raw::with(shop, request)?.answer()?;
    answer.expect_status(400)?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body)?;
    ensure!(
        body.pointer("/errors/0/extensions/code")
            .is_some_and(|code| code == "BAD_REQUEST"),
        "expected a GraphQL error: {body}"
    );
    Ok(())
}

fn http_2_has_the_same_limits(shop: &Shop) -> Result<()> {
    const WINDOW: u32 = 1 << 20;
    let long = format!("/{}", "a".repeat(32 * 1024));
    let many = vec![("a", "b"); 101];
    // The static table has no entries for 405, 414 and 431.
    for (method, path, headers, status) in [
        ("GET", "/livez", &[][..], Some(200)),
        (
            "GET",
            "/api/products?first=1",
            &[("host", "SHOP.example")],
            Some(200),
        ),
        ("GET", "/livez", &many, None),
        ("GET", "/api/products", &many, None),
        ("GET", &long, &[], None),
        ("TRACE", "/api/products", &[], None),
        ("POST", "/livez", &[], None),
        ("GET", "/api/products", &[("host", "other.example")], Some(400)),
    ] {
        let mut http2 = Http2::connect(shop, WINDOW)?;
        http2.request(1, method, path, headers)?;
        let found = http2.status(1)?;
        ensure!(
            found == status,
            "{method} {} should have the status {status:?}, not {found:?}",
            path.get(..20).unwrap_or(path)
        );
    }
    Ok(())
}
