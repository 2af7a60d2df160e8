//! Preflight requests of browsers (the Fetch standard).
//!
//! Pages set their credentials in headers. There are no cookies, so no page can act for a user who only
//! visits it.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use mercato_shop::http::BrowserPolicy;

use crate::http::problem::Problem;
use crate::http::reply::Reply;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// The headers that pages may send: those that the shop reads, and those that GraphQL clients and tracing add.
const HEADERS: &str = "accept, apollo-require-preflight, apollographql-client-name, apollographql-client-version, \
    authorization, b3, baggage, cache-control, content-type, graphql-preflight, idempotency-key, if-match, if-none-match, \
    last-event-id, sentry-trace, traceparent, tracestate, x-api-key, x-apollo-operation-id, x-apollo-operation-name, \
    x-b3-parentspanid, x-b3-sampled, x-b3-spanid, x-b3-traceid, x-graphql-event-stream-token, x-request-id, \
    x-requested-with";

/// Returns the reply to a preflight request. `None` for any other request.
///
/// # Errors
/// FORBIDDEN if pages of this origin may not read replies.
pub fn preflight(policy: &BrowserPolicy, request: &Request<Vec<u8>>) -> Option<Result<Reply, Problem>> {
    let headers = request.headers();
    let is_preflight =
        request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let origin = headers.get(ORIGIN).filter(|_| is_preflight)?;
    if policy.allow_origin(origin).is_none() {
        let origin = origin.to_str().unwrap_or("this origin");
        let detail = format!(
            "Pages of {origin} may not call this shop. Its operator allows origins with the setting CORS_ORIGINS."
        );
        return Some(Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail)));
    }
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(Ok(reply))
}
