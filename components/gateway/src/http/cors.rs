//! Cross-origin requests (the Fetch standard): the pages of which other origins may read answers.
//!
//! Credentials are headers that a page sets itself, never cookies, so that no page can act as a shopper who only visits it.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use mercato_common::settings::origins::Origins;

use crate::http::Reply;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const TAKEN: &str = "accept, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-api-key, x-request-id";
const TOLD: &str = "etag, idempotency-replayed, location, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after, \
    x-request-id";

/// What a page of this origin is told; none where it may not read.
fn allowed(origins: &Origins, origin: &HeaderValue) -> Option<HeaderValue> {
    match origins {
        Origins::Any => Some(HeaderValue::from_static("*")),
        Origins::These(origins) => {
            let asked = origin.to_str().ok()?.to_ascii_lowercase();
            origins.contains(&asked).then(|| origin.clone())
        }
    }
}

/// The answer to a browser that asks before it sends a request; none for any other request.
pub fn preflight(origins: Option<&Origins>, request: &Request<Vec<u8>>) -> Option<Reply> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    allowed(origins?, headers.get(ORIGIN).filter(|_| asks)?)?;
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

/// Tells the browser whether the page may read this answer.
pub fn mark(origins: Option<&Origins>, request: &HeaderMap, answer: &mut HeaderMap) {
    let Some(origins) = origins else { return };
    if matches!(origins, Origins::These(_)) {
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(told) = request.get(ORIGIN).and_then(|origin| allowed(origins, origin)) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, told);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(TOLD));
    }
}
