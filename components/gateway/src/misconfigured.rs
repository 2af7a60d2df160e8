//! Replies of a gateway that cannot start because a setting is invalid. `/readyz` shows the reason, and so
//! does the log. Clients see only that the shop failed.

use http::Request;
use http::header::ORIGIN;
use mercato_shop::http::{BrowserPolicy, GRAPHQL_PATHS, request_id};
use mercato_shop::types::Error;

use crate::graphql::accept::{self, Accepted};
use crate::graphql::outcome;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::rest::health;

/// Answers a request while a setting is invalid.
#[must_use]
pub fn misconfigured(request: &Request<Vec<u8>>, reason: &str) -> Reply {
    let path = request.uri().path();
    let problem = || Problem::from(Error::Internal(reason.to_owned()));
    let mut reply = match health::misconfigured(path, reason) {
        Some(answer) => answer.reply(request),
        None if GRAPHQL_PATHS.contains(&path) => {
            let accepted = accept::negotiate(request.method(), request.headers());
            outcome::problem(accepted.unwrap_or(Accepted::Json), &problem())
        }
        None => problem().reply(path),
    };
    let headers = reply.headers_mut();
    BrowserPolicy::default().apply(request.headers().get(ORIGIN), headers);
    headers.insert(request_id::HEADER, request_id::of(request.headers()));
    reply
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::{Value, json};

    use super::*;

    fn send(method: Method, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).body(Vec::new());
        let reply = misconfigured(&request.unwrap(), "RATE_LIMIT must be a number");
        assert!(reply.headers().contains_key("x-request-id"));
        assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
        let body = serde_json::from_slice(reply.body()).unwrap();
        (reply.status().as_u16(), body)
    }

    #[test]
    fn tells_the_reason_to_orchestrators_only() {
        let ready = json!({ "status": "unavailable", "reason": "RATE_LIMIT must be a number" });
        assert_eq!(send(Method::GET, "/readyz"), (503, ready));
        assert_eq!(send(Method::GET, "/livez"), (200, json!({ "status": "live" })));
        let (status, problem) = send(Method::GET, "/api/products");
        assert_eq!((status, &problem["code"]), (500, &json!("INTERNAL")));
        assert_eq!(problem["instance"], "/api/products");
        let (status, answer) = send(Method::POST, "/graphql");
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!((status, code), (500, &json!("INTERNAL")));
        for body in [problem, answer] {
            assert!(!body.to_string().contains("RATE_LIMIT"), "{body}");
        }
    }
}
