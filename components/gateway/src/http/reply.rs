//! Replies that are the same for everyone.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

/// A response with its whole body.
pub type Reply = Response<Vec<u8>>;

/// The content security policy of the gateway's pages: they load only their own script and style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Returns a reply with a body that caches may keep for an hour.
pub fn public(body: &[u8], media_type: &'static str) -> Reply {
    let mut reply = Response::new(body.to_vec());
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    reply
}

/// Returns an HTML page that loads its parts only from the gateway.
pub fn page(html: &[u8]) -> Reply {
    let mut reply = public(html, "text/html; charset=utf-8");
    let policy = HeaderValue::from_static(POLICY);
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    reply
}

/// Returns a JSON document.
pub fn json(document: &Value) -> Reply {
    public(document.to_string().as_bytes(), "application/json")
}

/// Returns a reply of status 201 with a text that is a secret of the client.
pub fn created(text: String) -> Reply {
    let mut reply = Response::new(text.into_bytes());
    *reply.status_mut() = StatusCode::CREATED;
    let headers = reply.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
