//! GraphQL: a document, and its variables as JSON after a line `---`.

use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;

use crate::{reply, request, shop};

/// The codes of documents that exceed a limit.
const LIMITS: [&str; 4] = [
    "QUERY_TOO_COMPLEX",
    "QUERY_TOO_DEEP",
    "TOO_MANY_ALIASES",
    "TOO_MANY_TOKENS",
];

/// A subscription is answered with events, and everything else with JSON.
const ACCEPTED: &str = "application/json, text/event-stream;q=0.1";

/// Sends a document with the API key, as a user and as a guest.
pub fn run(data: &[u8]) {
    shop::with(|shop| {
        let (document, variables) = request::split(data, b"\n---\n");
        let Ok(document) = str::from_utf8(document) else {
            return;
        };
        let document = String::from_utf8_lossy(&shop.expand(document.as_bytes())).into_owned();
        let variables = shop.expand(variables);
        let bearer = format!("Bearer {}", shop.value("<TOKEN>"));
        let callers = [
            ("x-api-key", shop.value("<KEY>")),
            (AUTHORIZATION.as_str(), &bearer),
            ("x-caller", "a guest"),
        ];
        let send = |(name, value): (&str, &str), document: &str| {
            let request = Request::post("/graphql")
                .header(CONTENT_TYPE, "application/json")
                .header(ACCEPT, ACCEPTED)
                .header(name, value);
            let answer = shop.send(&request.body(body(document, &variables)).expect("a request"));
            reply::check(&answer)
        };
        for caller in callers {
            let answer = send(caller, &document);
            // A longer document does not cost less.
            if exceeds_limit(&answer)
                && let Some(rest) = document.strip_prefix('{')
            {
                let longer = send(caller, &format!("{{ __typename {rest}"));
                assert!(exceeds_limit(&longer), "{answer}, but {longer}");
            }
            if is_query(&document) {
                assert_eq!(answer, send(caller, &document), "two answers to a query");
            }
        }
    });
}

/// Returns a body. Variables that are no JSON make it malformed.
fn body(document: &str, variables: &[u8]) -> Vec<u8> {
    let mut body = format!("{{\"query\": {}", Value::from(document)).into_bytes();
    if !variables.trim_ascii().is_empty() {
        body.extend_from_slice(b", \"variables\": ");
        body.extend_from_slice(variables);
    }
    body.push(b'}');
    body
}

fn exceeds_limit(answer: &Value) -> bool {
    let code = answer
        .pointer("/errors/0/extensions/code")
        .and_then(Value::as_str);
    code.is_some_and(|code| LIMITS.contains(&code))
}

/// Returns whether all operations of a document are queries that change nothing. An export is audited.
fn is_query(document: &str) -> bool {
    !["mutation", "subscription", "exportUser"]
        .iter()
        .any(|word| document.contains(word))
}
