//! Cross-origin requests (the Fetch standard): the pages of which other origins may read answers.
//!
//! Credentials are headers that a page sets itself, never cookies, so that no page can act as a shopper who only visits it.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use mercato_shop::browsers::Browsers;

use crate::http::Reply;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const TAKEN: &str = "accept, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-api-key, x-request-id";

/// The answer to a browser that asks before it sends a request; none for any other request.
pub fn preflight(browsers: &Browsers, request: &Request<Vec<u8>>) -> Option<Reply> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    browsers.allowed(headers.get(ORIGIN).filter(|_| asks)?)?;
    let mut reply = Response::new(Vec::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, TAKEN),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(reply)
}
