//! What holds for every answer of a shop.

use std::io::{Cursor, Read};
use std::sync::LazyLock;

use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

/// The largest answer, in bytes. The shop of the targets has few and small documents.
const MAX_BYTES: usize = 4 << 20;

/// The largest answer to a refused request, in bytes. It may repeat parts of the request, but not all of it.
const MAX_REFUSAL: usize = 64 << 10;

/// The codes of errors that clients are promised.
static CODES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let table = include_str!("../../docs/api/errors.md").lines();
    let cells = table.filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    cells
        .flat_map(|cell| cell.split(['`', ',', ' ']))
        .filter(|code| !code.is_empty())
        .collect()
});

/// Checks an answer, and returns its JSON.
pub fn check(reply: &Response<Vec<u8>>) -> Value {
    let status = reply.status();
    let body = decode(reply);
    let text = String::from_utf8_lossy(&body);
    assert!(status.as_u16() < 500, "{status}: {text}");
    assert!(body.len() <= MAX_BYTES, "{status} with {} bytes", body.len());
    let kind = reply.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    assert!(
        body.is_empty() || !kind.is_empty(),
        "{status} without a type: {text}"
    );
    let is_json = kind.split(';').next().is_some_and(|kind| kind.ends_with("json"));
    if kind.starts_with("text/event-stream") {
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        for data in data.filter(|data| !data.is_empty()) {
            let event: Value = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {text}"));
            check_errors(&event, &text);
        }
    }
    let refused = status.is_client_error();
    assert!(!refused || is_json, "{status} has the type {kind:?}: {text}");
    if !is_json || body.is_empty() {
        return Value::Null;
    }
    let json: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {text}"));
    if refused {
        assert!(body.len() <= MAX_REFUSAL, "{status} with {} bytes", body.len());
    }
    if kind.starts_with("application/problem+json") {
        check_error(
            &json["code"],
            json["detail"].as_str(),
            json.pointer("/errors/0/field"),
            &text,
        );
    }
    // A batch is answered by a list.
    for answer in json.as_array().unwrap_or(&vec![json.clone()]) {
        check_errors(answer, &text);
    }
    json
}

/// Checks the errors of GraphQL.
fn check_errors(answer: &Value, text: &str) {
    // A problem of REST has a list of fields with this name.
    if answer.get("code").is_some() {
        return;
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        let extensions = &error["extensions"];
        check_error(
            &extensions["code"],
            error["message"].as_str(),
            extensions.get("field"),
            text,
        );
    }
}

fn check_error(code: &Value, message: Option<&str>, field: Option<&Value>, text: &str) {
    let code = code
        .as_str()
        .unwrap_or_else(|| panic!("an error has no code: {text}"));
    assert!(CODES.contains(&code), "{code} is not documented: {text}");
    assert!(!["INTERNAL", "UNAVAILABLE"].contains(&code), "{text}");
    assert!(
        message.is_some_and(|message| !message.is_empty()),
        "no message: {text}"
    );
    if code == "BAD_USER_INPUT" {
        let field = field.and_then(Value::as_str);
        assert!(field.is_some_and(|field| !field.is_empty()), "no field: {text}");
    }
}

/// Returns the body without its coding.
fn decode(reply: &Response<Vec<u8>>) -> Vec<u8> {
    let body = Cursor::new(reply.body());
    let coding = reply.headers().get(CONTENT_ENCODING);
    let coding = coding.map_or("", |coding| coding.to_str().expect("a coding"));
    let mut reader: Box<dyn Read> = match coding {
        "" => return reply.body().clone(),
        "br" => Box::new(brotli::Decompressor::new(body, 4_096)),
        "gzip" => Box::new(flate2::read::GzDecoder::new(body)),
        "zstd" => Box::new(ruzstd::decoding::StreamingDecoder::new(body).expect("a frame of Zstandard")),
        other => panic!("the coding {other} is unknown"),
    };
    let mut decoded = Vec::new();
    reader.read_to_end(&mut decoded).expect("a body in its coding");
    decoded
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn knows_the_documented_codes() {
        for code in [
            "UNAUTHENTICATED",
            "BAD_REQUEST",
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "NOT_ACCEPTABLE",
        ] {
            assert!(CODES.contains(&code), "{code}");
        }
    }

    #[test]
    fn reports_answers_that_break_a_promise() {
        let reply = |status: u16, kind: &str, body: &str| {
            let reply = Response::builder().status(status).header(CONTENT_TYPE, kind);
            reply.body(body.as_bytes().to_vec()).unwrap()
        };
        let problem = "application/problem+json";
        check(&reply(404, problem, r#"{"code": "NOT_FOUND", "detail": "a"}"#));
        check(&reply(200, "application/json", r#"{"data": {}}"#));
        for (status, kind, body) in [
            (500, problem, r#"{"code": "INTERNAL", "detail": "a"}"#),
            (404, problem, r#"{"code": "NO_SUCH_CODE", "detail": "a"}"#),
            (404, problem, r#"{"detail": "a"}"#),
            (404, "text/plain", "a"),
            (400, problem, r#"{"code": "BAD_USER_INPUT", "detail": "a"}"#),
            (200, "application/json", "{"),
            (200, "application/json", r#"{"errors": [{"message": "a"}]}"#),
            (
                200,
                "application/json",
                r#"{"errors": [{"message": "a", "extensions": {"code": "INTERNAL"}}]}"#,
            ),
        ] {
            let reply = reply(status, kind, body);
            assert!(
                catch_unwind(AssertUnwindSafe(|| check(&reply))).is_err(),
                "{body}"
            );
        }
    }
}
