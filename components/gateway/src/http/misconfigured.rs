//! What is answered where a setting is wrong, so that there can be no gateway: orchestrators hear why at `/readyz`, clients that the shop
//! failed, and the log has the reason.

use http::Request;
use http::header::ORIGIN;
use mercato_shop::browsers::Browsers;
use mercato_shop::types::Error;

use crate::http::accept::{self, Accepted};
use crate::http::{GRAPHQL, Problem, Reply, reply, request_id};
use crate::rest;

/// Answers a request where this setting is wrong.
#[must_use]
pub fn misconfigured(request: &Request<Vec<u8>>, reason: &str) -> Reply {
    let path = request.uri().path();
    let problem = || Problem::from(Error::Internal(reason.to_owned()));
    let mut reply = match rest::misconfigured(path, reason) {
        Some(answer) => answer.reply(request),
        None if GRAPHQL.contains(&path) => {
            let accepted = accept::negotiate(request.method(), request.headers());
            reply::problem(accepted.unwrap_or(Accepted::Json), &problem())
        }
        None => problem().reply(path),
    };
    let headers = reply.headers_mut();
    Browsers::default().mark(request.headers().get(ORIGIN), headers);
    headers.insert(request_id::HEADER, request_id::of(request.headers()));
    reply
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::{Value, json};

    use super::*;

    fn ask(method: Method, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).body(Vec::new());
        let reply = misconfigured(&request.unwrap(), "RATE_LIMIT must be a number");
        assert!(reply.headers().contains_key("x-request-id"));
        assert_eq!(reply.headers()["x-content-type-options"], "nosniff");
        let body = serde_json::from_slice(reply.body()).unwrap();
        (reply.status().as_u16(), body)
    }

    #[test]
    fn orchestrators_hear_why_and_clients_do_not() {
        let ready = json!({ "status": "unavailable", "reason": "RATE_LIMIT must be a number" });
        assert_eq!(ask(Method::GET, "/readyz"), (503, ready));
        assert_eq!(ask(Method::GET, "/livez"), (200, json!({ "status": "live" })));
        let (status, problem) = ask(Method::GET, "/api/products");
        assert_eq!(
            (status, &problem["code"], &problem["instance"]),
            (500, &json!("INTERNAL"), &json!("/api/products"))
        );
        let (status, answer) = ask(Method::POST, "/graphql");
        assert_eq!(
            (status, &answer["errors"][0]["extensions"]["code"]),
            (500, &json!("INTERNAL"))
        );
        for body in [problem, answer] {
            assert!(!body.to_string().contains("RATE_LIMIT"), "{body}");
        }
    }
}
