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

use crate::http::reply::Reply;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "accept, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, \
    x-api-key, x-request-id";

/// Returns the reply to a preflight request. `None` for any other request.
pub fn preflight(policy: &BrowserPolicy, request: &Request<Vec<u8>>) -> Option<Reply> {
    let headers = request.headers();
    let is_preflight =
        request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    policy.allow_origin(headers.get(ORIGIN).filter(|_| is_preflight)?)?;
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(reply)
}
